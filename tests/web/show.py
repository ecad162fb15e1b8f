"""The page with an invented engine that moves: `python -m tests.web.show [--port N] [--scene
NAME]`.

For looking at the page and for screenshots. Prices walk with a fixed seed; a second is a minute.
"""

import argparse
import asyncio
import random
import tempfile
from pathlib import Path

import msgspec

from otrade.contract.candle_lengths import resample
from otrade.contract.views import Candle, CommandName, CommandResult, PositionView
from otrade.web.auth.access_control import AccessControl, new_local_token
from otrade.web.auth.passwords import hashed
from otrade.web.auth.users import User, Users
from otrade.web.server import WebServer
from tests.web.fake_engine import (
    MINUTE_MS,
    STATUS,
    T0_MS,
    FakeSource,
    bracket,
    instrument,
    notice,
    order,
    signal,
    strategy,
    trade,
)

PASSWORD = "look at the page"
SYMBOLS = (
    ("NSE:INFY", 1506.0),
    ("NSE:RELIANCE", 1355.0),
    ("NSE:HDFCBANK", 951.0),
    ("NSE:M&M", 3214.0),
    ("NSE:SBIN", 803.5),
    ("NFO:NIFTY25SEPFUT", 24520.0),
    ("NSE:TCS", 3084.0),
    ("NSE:ITC", 409.8),
)
TICK_E4 = 1000


class MovingSource(FakeSource):
    """A morning that goes on: candles until 11:20, then one more every second."""

    def __init__(self, scene: str) -> None:
        super().__init__()
        self._random = random.Random(20250901)
        self._scene = scene
        self.candle_rows = {}
        self.instrument_rows = []
        for id, (symbol, start) in enumerate(SYMBOLS):
            self.candle_rows[id] = self._walk(start, 126)
            last = self.candle_rows[id][-1].close_e4
            stale = id == 7
            self.instrument_rows.append(
                instrument(
                    id,
                    symbol,
                    last,
                    round(start * 10_000),
                    lot_size=75 if id == 5 else 1,
                    quarantined=id == 4,
                    ts_recv_ms=T0_MS + (118 if stale else 126) * MINUTE_MS,
                )
            )
        self.status_row = msgspec.structs.replace(STATUS, now_ms=T0_MS + 126 * MINUTE_MS)
        self._fill()
        if scene == "alarm":
            self._alarm()

    def _walk(self, start: float, n: int) -> list[Candle]:
        rows, px = [], round(start * 10)
        for minute in range(n):
            path = [px]
            for _ in range(12):
                path.append(path[-1] + round(self._random.gauss(0.02, 0.0002 * start * 10)))
            px = path[-1]
            rows.append(
                Candle(
                    ts_ms=T0_MS + minute * MINUTE_MS,
                    open_e4=path[0] * TICK_E4,
                    high_e4=max(path) * TICK_E4,
                    low_e4=min(path) * TICK_E4,
                    close_e4=px * TICK_E4,
                    volume=self._random.randrange(800, 9000),
                )
            )
        return rows

    def _close(self, id: int, minute: int) -> int:
        return self.candle_rows[id][minute].close_e4

    def _fill(self) -> None:
        self.strategy_rows = [
            strategy(
                0,
                "infy-ema-9-21",
                0,
                last_signal_seq=6,
                bracket_ids=[4],
                fast=self._close(0, -1) / 1e4 + 1.1,
                slow=self._close(0, -1) / 1e4 - 0.7,
            ),
            strategy(
                1,
                "reliance-sma",
                1,
                kind="sma_cross",
                last_signal_seq=5,
                bracket_ids=[3],
                fast=1352.4,
                slow=1353.15,
                rsi=41.9,
            ),
            strategy(
                2,
                "hdfc-level",
                2,
                kind="price_level",
                interval_s=300,
                params={"level": 952.0},
                fast=951.3,
                slow=952.0,
                rsi=None,
                last_signal_seq=4,
            ),
            strategy(3, "mm-ema", 3, ready=False, fast=None, slow=None, rsi=None, atr=None),
            strategy(4, "sbin-ema", 4, enabled=False, fast=803.1, slow=803.9),
        ]
        px = self._close(0, 100)
        entry1 = self._close(1, 110)
        self.bracket_rows = [
            bracket(
                0,
                state="CLOSED",
                open_qty=0,
                protected_qty=0,
                exit_reason="TARGET",
                entry_px_e4=self._close(0, 20),
                pnl_e4=1_230_000,
                ts_close_ms=T0_MS + 43 * MINUTE_MS,
            ),
            bracket(
                1,
                state="CLOSED",
                open_qty=0,
                protected_qty=0,
                exit_reason="STOP",
                instrument_id=2,
                strategy_id=2,
                side="SELL",
                pnl_e4=-412_500,
                ts_close_ms=T0_MS + 60 * MINUTE_MS,
            ),
            bracket(
                3,
                strategy_id=1,
                instrument_id=1,
                side="SELL",
                qty=150,
                open_qty=150,
                protected_qty=150,
                entry_px_e4=entry1,
                stop_px_e4=entry1 + 60_000,
                target_px_e4=entry1 - 110_000,
                naked_ms=18.2,
                ts_open_ms=T0_MS + 110 * MINUTE_MS,
            ),
            bracket(
                4,
                entry_px_e4=px,
                stop_px_e4=px - 61_000,
                target_px_e4=px + 122_000,
                ts_open_ms=T0_MS + 100 * MINUTE_MS,
            ),
        ]
        self.signal_rows = [
            signal(1, ts_ms=T0_MS + 20 * MINUTE_MS, px_e4=self._close(0, 20)),
            signal(
                2,
                ts_ms=T0_MS + 48 * MINUTE_MS,
                side="SELL",
                px_e4=self._close(0, 48),
                taken=False,
                reason="RSI_FILTER",
                words="the RSI filter forbids it",
            ),
            signal(
                3,
                ts_ms=T0_MS + 71 * MINUTE_MS,
                px_e4=self._close(0, 71),
                taken=False,
                reason="COOLDOWN",
                words="the strategy cools down after a stop",
            ),
            signal(
                4,
                ts_ms=T0_MS + 90 * MINUTE_MS,
                strategy_id=2,
                instrument_id=2,
                side="SELL",
                px_e4=self._close(2, 90),
                taken=False,
                reason="SIDE_OFF",
                words="the strategy does not trade this side",
            ),
            signal(
                5,
                ts_ms=T0_MS + 110 * MINUTE_MS,
                strategy_id=1,
                instrument_id=1,
                side="SELL",
                px_e4=entry1,
            ),
            signal(6, ts_ms=T0_MS + 100 * MINUTE_MS, px_e4=px),
        ]
        at = T0_MS + 100 * MINUTE_MS
        self.order_rows = [
            order(
                "OT7F2A000E1",
                bracket_id=0,
                ts_intent_ms=T0_MS + 20 * MINUTE_MS,
                avg_px_e4=self._close(0, 20),
            ),
            order(
                "OT7F2A000S1",
                bracket_id=0,
                leg="STOP",
                side="SELL",
                ord_type="LIMIT",
                avg_px_e4=self._close(0, 43),
                ts_intent_ms=T0_MS + 20 * MINUTE_MS,
                ts_last_ms=T0_MS + 43 * MINUTE_MS,
            ),
            order(
                "OT7F2A001E1",
                bracket_id=1,
                instrument_id=2,
                symbol="NSE:HDFCBANK",
                side="SELL",
                ord_status="REJECTED",
                cum_qty=0,
                avg_px_e4=None,
                text="the funds do not suffice",
                ts_intent_ms=T0_MS + 52 * MINUTE_MS,
                ts_last_ms=T0_MS + 52 * MINUTE_MS + 40,
            ),
            order(
                "OT7F2A003E1",
                bracket_id=3,
                instrument_id=1,
                symbol="NSE:RELIANCE",
                side="SELL",
                qty=150,
                cum_qty=150,
                avg_px_e4=entry1,
                ts_intent_ms=T0_MS + 110 * MINUTE_MS,
            ),
            order(
                "OT7F2A003S1",
                bracket_id=3,
                leg="STOP",
                instrument_id=1,
                symbol="NSE:RELIANCE",
                ord_type="SL",
                qty=150,
                cum_qty=0,
                avg_px_e4=None,
                price_e4=entry1 + 63_000,
                trigger_e4=entry1 + 60_000,
                ord_status="NEW",
                pending="REPLACE",
                ts_intent_ms=T0_MS + 110 * MINUTE_MS + 90,
                source="book",
            ),
            order("OT7F2A004E1", bracket_id=4, avg_px_e4=px, ts_intent_ms=at),
            order(
                "OT7F2A004S1",
                bracket_id=4,
                leg="STOP",
                side="SELL",
                ord_type="SL",
                cum_qty=0,
                avg_px_e4=None,
                price_e4=px - 64_000,
                trigger_e4=px - 61_000,
                ord_status="NEW",
                ts_intent_ms=at + 70,
            ),
        ]
        self.trade_rows = [
            trade(
                1,
                entry_px_e4=self._close(0, 20),
                exit_px_e4=self._close(0, 43),
                ts_entry_ms=T0_MS + 20 * MINUTE_MS,
                ts_exit_ms=T0_MS + 43 * MINUTE_MS,
                gross_e4=(self._close(0, 43) - self._close(0, 20)) * 100,
                net_e4=(self._close(0, 43) - self._close(0, 20)) * 100 - 1_172_300,
            ),
            trade(
                2,
                bracket_id=1,
                strategy_id=2,
                instrument_id=2,
                side="SELL",
                qty=200,
                gross_e4=-4_125_000,
                net_e4=-5_297_300,
                exit_reason="STOP",
                naked_ms=12.0,
                slippage_e4=-1000,
                entry_px_e4=9_512_000,
                exit_px_e4=9_532_500,
            ),
        ]
        self.notice_rows = [
            notice(
                1, words="NSE:INFY: infy-ema-9-21 says buy at 1,502.40: taken", code="SIGNAL_TAKEN"
            ),
            notice(
                2, words="NSE:INFY: entry filled, 100 units for 1,50,240.00 rupees (OT7F2A000E1)"
            ),
            notice(
                3,
                words="NSE:INFY: stop at 1,496.30 for 100 units rests at the exchange",
                code="STOP_PLACED",
            ),
            notice(
                4,
                severity="warn",
                code="BUDGET_WAIT",
                instrument_id=1,
                bracket_id=None,
                words="NSE:RELIANCE: a request waits for the rate budget of this second",
            ),
            notice(
                5,
                severity="error",
                code="ORDER_REJECTED",
                instrument_id=2,
                bracket_id=1,
                words="NSE:HDFCBANK: order OT7F2A001E1 was rejected: the funds do not suffice",
            ),
            notice(
                6,
                code="TARGET_ARMED",
                words="NSE:INFY: target traded, the stop became a limit at the target",
            ),
        ]
        self._mark()

    def _alarm(self) -> None:
        """A day that goes wrong: a rejected exit, open quantity without a stop, halted."""
        self.status_row = msgspec.structs.replace(
            self.status_row,
            mode="live",
            broker_kind="kite",
            state="REDUCING",
            speed=1.0,
            state_reason="the daily loss limit is reached",
            feed=msgspec.structs.replace(self.status_row.feed, connected=False, age_ms=7400),
            broker=msgspec.structs.replace(
                self.status_row.broker,
                in_doubt=1,
                token_until_ms=self.status_row.now_ms + 50 * MINUTE_MS,
            ),
            pnl=msgspec.structs.replace(
                self.status_row.pnl, gross_e4=-98_765_400, net_e4=-101_636_700
            ),
            protection=msgspec.structs.replace(
                self.status_row.protection, open_qty=250, protected_qty=150, naked_now=1
            ),
        )
        self.change("bracket", 3, protected_qty=0, naked_ms=3120.0, state="EXITING")
        self.change("order", 6, ord_status="REJECTED", text="price outside the band")
        self.change("order", 5, in_doubt=True, pending="NEW", ord_status="PENDING_NEW", cum_qty=0)
        self.notice_rows.append(
            notice(
                7,
                severity="alarm",
                code="EXIT_REJECTED",
                bracket_id=4,
                words="NSE:INFY: EXIT OT7F2A004S1 WAS REJECTED, the position is unprotected",
            )
        )

    def _mark(self) -> None:
        ltp = {row.id: row.ltp_e4 or 0 for row in self.instrument_rows}
        self.position_rows = []
        for index, row in enumerate(self.bracket_rows):
            if row.state == "CLOSED":
                continue
            sign = 1 if row.side == "BUY" else -1
            gain = sign * (ltp[row.instrument_id] - (row.entry_px_e4 or 0)) * row.open_qty
            self.change("bracket", index, ltp_e4=ltp[row.instrument_id], pnl_e4=gain)
            self.position_rows.append(
                PositionView(
                    instrument_id=row.instrument_id,
                    symbol=self.instrument_rows[row.instrument_id].symbol,
                    net_qty=sign * row.open_qty,
                    avg_px_e4=row.entry_px_e4,
                    ltp_e4=ltp[row.instrument_id],
                    gross_e4=gain,
                    realised_e4=0,
                    source="engine",
                    ts_last_ms=self.status_row.now_ms,
                )
            )
        unrealised = sum(row.gross_e4 for row in self.position_rows)
        if self._scene != "alarm":
            pnl = self.status_row.pnl
            self.status_row = msgspec.structs.replace(
                self.status_row,
                pnl=msgspec.structs.replace(
                    pnl,
                    unrealised_e4=unrealised,
                    gross_e4=pnl.realised_e4 + unrealised,
                    net_e4=None
                    if pnl.charges_e4 is None
                    else pnl.realised_e4 + unrealised - pnl.charges_e4,
                ),
            )

    def advance(self, ms: int) -> None:
        """Let the engine's clock go on by `ms` and every price but the stale one walk a step."""
        now_ms = self.status_row.now_ms + ms
        feed = self.status_row.feed
        self.status_row = msgspec.structs.replace(
            self.status_row,
            now_ms=now_ms,
            feed=msgspec.structs.replace(feed, ticks=feed.ticks + 7, frames=feed.frames + 3),
        )
        for index, row in enumerate(self.instrument_rows):
            if index == 7 or self._random.random() < 0.4:
                continue
            step = round(self._random.gauss(0, 1.5)) * TICK_E4
            ltp = (row.ltp_e4 or 0) + step
            self.change(
                "instrument",
                index,
                ltp_e4=ltp,
                bid_e4=ltp - TICK_E4,
                ask_e4=ltp + TICK_E4,
                volume=row.volume + 75,
                ts_recv_ms=now_ms,
            )
            self._bar(index, ltp, now_ms)
        self._mark()

    def _bar(self, id: int, px: int, now_ms: int) -> None:
        rows, open_ms = self.candle_rows[id], now_ms - now_ms % MINUTE_MS
        if rows[-1].ts_ms != open_ms:
            rows.append(
                Candle(ts_ms=open_ms, open_e4=px, high_e4=px, low_e4=px, close_e4=px, volume=0)
            )
        last = rows[-1]
        rows[-1] = msgspec.structs.replace(
            last,
            high_e4=max(last.high_e4, px),
            low_e4=min(last.low_e4, px),
            close_e4=px,
            volume=last.volume + 75,
        )

    async def candles(self, instrument_id: int, interval_s: int) -> list[Candle]:
        return resample(self.candle_rows[instrument_id], interval_s)

    async def _do(
        self, name: CommandName, args: dict[str, int | bool | None], who: str
    ) -> CommandResult:
        if name in ("pause", "resume"):
            self.status_row = msgspec.structs.replace(self.status_row, paused=name == "pause")
        if name == "kill":
            return CommandResult(ok=False, words="this invented engine cannot be killed")
        return CommandResult(ok=True, words=f"{name}: done")


async def main(port: int, scene: str, still: bool) -> None:
    source = MovingSource(scene)
    with tempfile.TemporaryDirectory() as folder:
        access = AccessControl(Path(folder), local_token=new_local_token())
        access.file.change(
            lambda _: Users(
                (
                    User("trader", "trader", hashed(PASSWORD)),
                    User("viewer", "viewer", hashed(PASSWORD)),
                )
            )
        )
        server = WebServer(source, access, port=port)
        await server.start()
        print(server.url, flush=True)
        print(f"log in as trader or viewer, password: {PASSWORD}", flush=True)
        await _play(source, still)


async def _play(source: "MovingSource", still: bool) -> None:
    while True:
        await asyncio.sleep(0.1)
        if not still:
            source.advance(6000 if source.status_row.speed == 60 else 100)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--scene", choices=("calm", "alarm"), default="calm")
    parser.add_argument("--still", action="store_true", help="no price moves, the clock stands")
    arguments = parser.parse_args()
    asyncio.run(main(arguments.port, arguments.scene, arguments.still))
