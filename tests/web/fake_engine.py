"""A hand-made engine for the web layer's tests: every number here was written down, none was
computed by the engine.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from otrade.contract import queries, results
from otrade.contract.engine_source import CommandOrder
from otrade.contract.messages import Acted, CommandArgs
from otrade.contract.views import (
    AccountView,
    BracketView,
    BrokerPositionView,
    BrokerStatus,
    Candle,
    ChargesView,
    CommandName,
    CommandResult,
    CountStatus,
    FeedStatus,
    FundsView,
    InstrumentView,
    LatencyStatus,
    LoopStatus,
    NoticeView,
    OrderView,
    PnlStatus,
    PositionView,
    PreflightLine,
    PreflightView,
    ProtectionStatus,
    SignalView,
    Status,
    StrategyView,
    TradeView,
)
from otrade.errors import EngineGoneError, JournalError, ResultError
from otrade.live.control.command_keys import CommandKeys, KeyRefusedError
from otrade.server.backtest_worker import NONE as BACKTEST

T0_MS = 1_756_698_300_000  # 2025-09-01 09:15:00 IST
MINUTE_MS = 60_000

CHARGES = ChargesView(
    brokerage_e4=400_000,
    stt_e4=377_500,
    exchange_e4=92_400,
    ipft_e4=0,
    sebi_e4=3_000,
    gst_e4=89_200,
    stamp_e4=45_000,
    dp_e4=0,
    square_off_e4=0,
    words="",
)

STATUS = Status(
    version="0.2.0",
    mode="paper",
    broker_kind="sim",
    lifecycle="running",
    state="ACTIVE",
    state_reason="",
    paused=False,
    phase="ENTRY",
    phase_words="open for entries",
    phase_ends_ms=T0_MS + 345 * MINUTE_MS,
    day="2025-09-01",
    now_ms=T0_MS + 60 * MINUTE_MS,
    speed=60.0,
    feed=FeedStatus(
        connected=True, age_ms=240, frames=18_204, ticks=54_612, reconnects=1, refused=2
    ),
    broker=BrokerStatus(connected=True, token_until_ms=None, orders_sent=41, in_doubt=0),
    pnl=PnlStatus(
        gross_e4=18_432_500,
        charges_e4=2_871_300,
        net_e4=15_561_200,
        charges=CHARGES,
        realised_e4=14_200_000,
        unrealised_e4=4_232_500,
        peak_e4=21_000_000,
        drawdown_e4=2_567_500,
    ),
    counts=CountStatus(signals=9, trades=3, open_brackets=2, orders=11),
    protection=ProtectionStatus(
        open_qty=150,
        protected_qty=150,
        naked_ms_total=212.4,
        naked_ms_worst=88.1,
        target_ms_total=310.5,
        target_ms_worst=204.2,
        naked_now=0,
    ),
    latency=LatencyStatus(p50_ns=21_400, p99_ns=88_000, max_ns=412_000, count=41),
    loop=LoopStatus(
        lag_ms=1.2,
        longest_turn_ms=9.6,
        longest_turn_at_ms=T0_MS + 9 * MINUTE_MS,
        stalls=0,
        stalled_ms=0.0,
    ),
)


def instrument(id: int, symbol: str, ltp_e4: int, close_e4: int, **more: Any) -> InstrumentView:
    fields: dict[str, Any] = {
        "bid_e4": ltp_e4 - 500,
        "ask_e4": ltp_e4 + 500,
        "volume": 1_204_331,
        "ts_recv_ms": STATUS.now_ms - 240,
        "phase": "ENTRY",
        "quarantined": False,
        "tick_size_e4": 1000,
        "lot_size": 1,
    }
    return InstrumentView(id=id, symbol=symbol, ltp_e4=ltp_e4, close_e4=close_e4, **(fields | more))


def strategy(id: int, name: str, instrument_id: int, **more: Any) -> StrategyView:
    fields: dict[str, Any] = {
        "kind": "ema_cross",
        "interval_s": 60,
        "params": {"fast_period": 9, "slow_period": 21, "rsi_long_min": 45.0},
        "enabled": True,
        "ready": True,
        "waits_for": "",
        "fast": 1507.25,
        "slow": 1505.5,
        "rsi": 58.3,
        "atr": 3.2,
        "last_signal_seq": None,
        "bracket_ids": [],
    }
    return StrategyView(id=id, name=name, instrument_id=instrument_id, **(fields | more))


def order(cl_ord_id: str, **more: Any) -> OrderView:
    fields: dict[str, Any] = {
        "broker_order_id": "250901000000" + cl_ord_id[-3:],
        "instrument_id": 0,
        "symbol": "NSE:INFY",
        "bracket_id": 2,
        "leg": "ENTRY",
        "side": "BUY",
        "ord_type": "LIMIT",
        "qty": 100,
        "cum_qty": 100,
        "avg_px_e4": 15_060_500,
        "price_e4": 15_068_000,
        "trigger_e4": None,
        "ord_status": "FILLED",
        "pending": "NONE",
        "in_doubt": False,
        "text": "",
        "ts_intent_ms": T0_MS + 55 * MINUTE_MS,
        "ts_sent_ms": T0_MS + 55 * MINUTE_MS,
        "ts_ack_ms": T0_MS + 55 * MINUTE_MS + 31,
        "ts_last_ms": T0_MS + 55 * MINUTE_MS + 64,
        "source": "push",
    }
    return OrderView(cl_ord_id=cl_ord_id, **(fields | more))


def bracket(id: int, **more: Any) -> BracketView:
    fields: dict[str, Any] = {
        "strategy_id": 0,
        "instrument_id": 0,
        "side": "BUY",
        "state": "OPEN",
        "qty": 100,
        "open_qty": 100,
        "protected_qty": 100,
        "entry_px_e4": 15_060_500,
        "stop_px_e4": 15_015_000,
        "target_px_e4": 15_151_000,
        "ltp_e4": 15_072_500,
        "pnl_e4": 1_200_000,
        "risk_e4": 910_000,
        "naked_ms": 42.5,
        "target_ms": 0.0,
        "ts_open_ms": T0_MS + 55 * MINUTE_MS,
        "ts_close_ms": None,
        "exit_reason": "NONE",
    }
    return BracketView(id=id, **(fields | more))


def trade(id: int, **more: Any) -> TradeView:
    fields: dict[str, Any] = {
        "bracket_id": id - 1,
        "strategy_id": 0,
        "instrument_id": 0,
        "side": "BUY",
        "qty": 100,
        "entry_px_e4": 14_980_000,
        "exit_px_e4": 15_061_000,
        "ts_entry_ms": T0_MS + 12 * MINUTE_MS,
        "ts_exit_ms": T0_MS + 31 * MINUTE_MS,
        "gross_e4": 81_000_000,
        "charges_e4": 1_172_300,
        "net_e4": 79_827_700,
        "charges": CHARGES,
        "naked_ms": 61.0,
        "target_ms": 204.2,
        "slippage_e4": 500,
        "exit_reason": "TARGET",
    }
    return TradeView(id=id, **(fields | more))


def signal(seq: int, **more: Any) -> SignalView:
    fields: dict[str, Any] = {
        "ts_ms": T0_MS + (10 + 5 * seq) * MINUTE_MS,
        "strategy_id": 0,
        "instrument_id": 0,
        "side": "BUY",
        "px_e4": 15_060_000,
        "taken": True,
        "reason": "OK",
        "words": "all is well",
    }
    return SignalView(seq=seq, **(fields | more))


def notice(seq: int, **more: Any) -> NoticeView:
    fields: dict[str, Any] = {
        "ts_ms": T0_MS + 10 * MINUTE_MS + seq * 1000,
        "severity": "info",
        "code": "ENTRY_FILLED",
        "words": "NSE:INFY: entry filled, 100 units",
        "instrument_id": 0,
        "bracket_id": 2,
    }
    return NoticeView(seq=seq, **(fields | more))


def candle(minute: int, close_e4: int) -> Candle:
    return Candle(
        ts_ms=T0_MS + minute * MINUTE_MS,
        open_e4=close_e4 - 2000,
        high_e4=close_e4 + 3000,
        low_e4=close_e4 - 4000,
        close_e4=close_e4,
        volume=1000 + minute,
    )


class FakeQueries:
    """`QuerySource` with the few rows that the routes' tests need; what is not asked for here is not
    there.
    """

    def __init__(self) -> None:
        self.drafts: list[queries.ConfigDraft] = []
        self.why_view = queries.DecisionView(
            title="infy-ema says buy", rule="EMA 9 crossed above EMA 21", facts=[], gates=[]
        )

    async def equity(self, since_ms: int) -> Sequence[queries.EquityPoint]:
        rows = [
            queries.EquityPoint(ts_ms=T0_MS + n * MINUTE_MS, gross_e4=n * 10_000, net_e4=n * 9_000)
            for n in range(3)
        ]
        return [row for row in rows if row.ts_ms >= since_ms]

    async def indicators(
        self, instrument_id: int, since_ms: int
    ) -> Sequence[queries.IndicatorSeries]:
        n = 1 if since_ms < T0_MS + MINUTE_MS else 0
        lines = [
            queries.IndicatorLine(indicator=name, label=label, part="", pane="", values=values * n)
            for name, label, values in (("fast", "EMA 9", [1500.5]), ("slow", "EMA 21", [None]))
        ]
        return [
            queries.IndicatorSeries(
                strategy_id=0,
                name="infy-ema",
                ts_ms=[T0_MS] * n,
                end_ms=[T0_MS + MINUTE_MS] * n,
                lines=lines,
            )
        ]

    async def order_timeline(self, cl_ord_id: str) -> queries.OrderTimelineView | None:
        if cl_ord_id != "OT0001":
            return None
        step = queries.TimelineStep(
            ts_ms=T0_MS, after_us=0, by="engine", what="Asked: place", words="100 units"
        )
        return queries.OrderTimelineView(
            cl_ord_id=cl_ord_id,
            leg="ENTRY",
            side="BUY",
            is_whole=True,
            steps=[step],
            why=self.why_view,
        )

    async def decision(self, signal_seq: int) -> queries.DecisionView | None:
        return self.why_view if signal_seq == 1 else None

    async def latency(self) -> Sequence[queries.LatencyStageView]:
        return [
            queries.LatencyStageView(
                name="Frame", words="a frame", clock="machine", n=2, p50_ns=10, p99_ns=20, p999_ns=20, max_ns=20,
                buckets=[queries.LatencyBucket(up_to_ns=10, n=1), queries.LatencyBucket(up_to_ns=20, n=1)],
            )
        ]  # fmt: skip

    async def limits(self) -> queries.LimitsView | None:
        budget = queries.BudgetView(name="Requests in the last second", used=1, limit=9, reserve=3)
        limit = queries.LimitView(name="Trades today", unit="count", used=3, limit=100)
        return queries.LimitsView(ts_ms=T0_MS, budgets=[budget], slow_until_ms=None, limits=[limit])

    def journals(self) -> Sequence[queries.JournalFileView]:
        return [
            queries.JournalFileView(
                name="2025-09-01.otj", day="2025-09-01", size_bytes=1_048_576, is_today=True
            )
        ]

    async def journal(
        self, name: str, *, kinds: str, text: str, offset: int, limit: int, is_tail: bool
    ) -> queries.JournalPage:
        self._must_exist(name)
        row = queries.JournalRow(
            seq=1, ts_ms=T0_MS, kind="NOTICE", words="note ENTRY_SENT", offset=65_536
        )
        return queries.JournalPage(
            name=name, rows=[row][:limit], next_offset=65_600, is_end=True, trouble=[]
        )

    async def replay(self, name: str, ts_ms: int, *, curve: bool) -> queries.ReplayView:
        self._must_exist(name)
        return queries.ReplayView(
            name=name, ts_ms=ts_ms, first_ms=T0_MS, last_ms=T0_MS + MINUTE_MS, halt="ACTIVE", gross_e4=0, net_e4=0, n_orders=0, n_open=0,
            positions=[], curve=list(await self.equity(0)) if curve else [], trouble="",
        )  # fmt: skip

    def _must_exist(self, name: str) -> None:
        if name != "2025-09-01.otj":
            raise JournalError(f"there is no journal {name!r}")

    async def config(self) -> queries.ConfigView | None:
        values, json_schema = msgspec.Raw(b'{"mode":"paper"}'), msgspec.Raw(b'{"type":"object"}')
        return queries.ConfigView(
            path="config/paper.json",
            digest="d" * 32,
            values=values,
            json_schema=json_schema,
            hot="risk.*",
            file_only=["paths"],
            trouble="",
        )

    async def configure(self, draft: queries.ConfigDraft) -> queries.ConfigVerdict | None:
        if draft.write:
            self.drafts.append(draft)
        return queries.ConfigVerdict(
            ok=True, field="", problem="", changes=[], words="nothing", backup=""
        )


class FakeResults:
    """`ResultSource` with one result, and a backtest that never runs."""

    def __init__(self) -> None:
        self.drafts: list[results.BacktestDraft] = []
        self.stops = 0
        self.refusal = ""
        self.view = BACKTEST
        self.row = results.ResultSummary(
            name="first", title="first", kind="backtest", first="2025-08-01", last="2025-08-29", created_ms=T0_MS, days=20,
            trades=40, gross_e4=1_000_000, net_e4=None, trouble="",
        )  # fmt: skip

    async def summaries(self) -> Sequence[results.ResultSummary]:
        return [self.row]

    async def whole(self, query: results.ResultQuery) -> results.ResultView:
        self._must_exist(query.name)
        return results.ResultView(
            summary=self.row,
            notes=[],
            figures=[],
            groups=[],
            days=[],
            is_net=False,
            curve=[],
            made_of=[],
        )

    async def result_trades(self, query: results.ResultRowsQuery) -> results.ResultTradesPage:
        self._must_exist(query.name)
        return results.ResultTradesPage(rows=[], total=0)

    async def result_orders(self, query: results.ResultRowsQuery) -> results.ResultOrdersPage:
        self._must_exist(query.name)
        return results.ResultOrdersPage(rows=[], total=0)

    async def result_candles(self, query: results.ResultCandlesQuery) -> Sequence[Candle]:
        self._must_exist(query.name)
        return []

    def backtest(self) -> results.BacktestView:
        return self.view

    async def start_backtest(self, draft: results.BacktestDraft, who: str) -> results.BacktestView:
        if self.refusal:
            raise ResultError(self.refusal)
        self.drafts.append(draft)
        return msgspec.structs.replace(self.view, state="running", name="tried", started_by=who)

    async def stop_backtest(self) -> results.BacktestView:
        if self.refusal:
            raise ResultError(self.refusal)
        self.stops += 1
        return self.view

    def _must_exist(self, name: str) -> None:
        if name != self.row.name:
            raise ResultError(f"there is no result {name!r}")


class FakeSource:
    """Implements `EngineSource` with rows that a test sets. `broken` makes every view raise."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.broken = False
        self.is_gone = False
        self.keys = CommandKeys(clock, clock)
        self.queries = FakeQueries()
        self.results = FakeResults()
        self.result = CommandResult(ok=True, words="done")
        self.commands: list[tuple[str, dict[str, int | bool | None]]] = []
        self.who: list[str] = []
        self.records: list[tuple[str, str, bool, str]] = []
        self.redirects: list[str] = []
        self.starts: list[str] = []
        self.n_status = 0
        self.on_status: Callable[[], None] = lambda: None
        self.why_not_ready: list[str] = []
        self.account_rows = [
            AccountView(
                broker="kite",
                ts_ms=T0_MS,
                trouble="",
                funds=[FundsView(segment="equity", net_e4=12_345_678_900, used_e4=0)],
                positions=[
                    BrokerPositionView(
                        symbol="NSE:INFY",
                        product="MIS",
                        net_qty=10,
                        buy_qty=10,
                        sell_qty=0,
                        ltp_e4=15_072_500,
                    )
                ],
                holdings=[],
            ),
            AccountView(
                broker="upstox",
                ts_ms=T0_MS,
                trouble="there is no access token",
                funds=[],
                positions=[],
                holdings=[],
            ),
        ]
        self.board: PreflightView | None = PreflightView(
            verdict="LOOK",
            ts_ms=T0_MS,
            lines=[
                PreflightLine(name="token", verdict="GO", words="accepted", fix=""),
                PreflightLine(
                    name="clock",
                    verdict="LOOK",
                    words="the broker did not tell its time",
                    fix="see that chrony runs",
                ),
            ],
        )
        self.status_row = STATUS
        self.instrument_rows = [
            instrument(0, "NSE:INFY", 15_072_500, 15_010_000),
            instrument(1, "NSE:M&M", 32_140_000, 32_405_000),
            instrument(2, "NSE:RELIANCE", 13_551_000, 13_572_000, quarantined=True),
        ]
        self.strategy_rows = [
            strategy(0, "infy-ema", 0, last_signal_seq=2, bracket_ids=[2]),
            strategy(1, "mm-sma", 1, kind="sma_cross", ready=False, fast=None, slow=None, rsi=None),
        ]
        self.bracket_rows = [
            bracket(
                0,
                state="CLOSED",
                open_qty=0,
                protected_qty=0,
                exit_reason="TARGET",
                ts_close_ms=T0_MS + 31 * MINUTE_MS,
            ),
            bracket(2),
        ]
        self.order_rows = [
            order("OT0001"),
            order(
                "OT0002",
                leg="STOP",
                side="SELL",
                ord_type="SL",
                trigger_e4=15_015_000,
                cum_qty=0,
                avg_px_e4=None,
                ord_status="NEW",
            ),
        ]
        self.position_rows = [
            PositionView(
                instrument_id=0,
                symbol="NSE:INFY",
                net_qty=100,
                avg_px_e4=15_060_500,
                ltp_e4=15_072_500,
                gross_e4=1_200_000,
                realised_e4=0,
                source="engine",
                ts_last_ms=STATUS.now_ms,
            ),
        ]
        self.trade_rows = [trade(1)]
        self.signal_rows = [
            signal(1),
            signal(2, taken=False, reason="RSI_FILTER", words="the RSI filter forbids it"),
        ]
        self.notice_rows = [notice(1), notice(2, severity="warn")]
        self.candle_rows = {0: [candle(minute, 15_000_000 + 1000 * minute) for minute in range(61)]}

    # ----------------------------------------------------------------------------- EngineSource
    def status(self) -> Status:
        if self.broken:
            raise RuntimeError("secret-looking detail of the engine")
        self.n_status += 1
        self.on_status()
        return msgspec.structs.replace(self.status_row, not_ready=self.why_not_ready)

    def instruments(self) -> Iterator[InstrumentView]:
        return iter(self.instrument_rows)

    def strategies(self) -> Iterator[StrategyView]:
        return iter(self.strategy_rows)

    def brackets(self) -> Iterator[BracketView]:
        return iter(self.bracket_rows)

    def orders(self) -> Iterator[OrderView]:
        return iter(self.order_rows)

    def positions(self) -> Iterator[PositionView]:
        return iter(self.position_rows)

    def trades(self) -> Iterator[TradeView]:
        return iter(self.trade_rows)

    def signals(self, since_seq: int) -> Sequence[SignalView]:
        return [row for row in self.signal_rows if row.seq > since_seq]

    def notices(self, since_seq: int) -> Sequence[NoticeView]:
        return [row for row in self.notice_rows if row.seq > since_seq]

    async def candles(self, instrument_id: int, interval_s: int) -> Sequence[Candle]:
        return self.candle_rows.get(instrument_id, [])

    async def metrics(self) -> tuple[bytes, str]:
        return b"otrade_ready 1.0\n", "text/plain; version=0.0.4; charset=utf-8"

    async def accounts(self) -> Sequence[AccountView]:
        return self.account_rows

    async def preflight(self) -> PreflightView | None:
        return self.board

    async def command(self, name: CommandName, args: CommandArgs, order: CommandOrder) -> Acted:
        if self.is_gone:
            raise EngineGoneError("the engine does not answer")
        given = msgspec.structs.asdict(args)
        try:
            result, is_again = await self.keys.once(
                order.key,
                order.actor,
                name,
                given,
                lambda: self._do(name, given, f"{order.actor} at {order.via}"),
                order.expires_ms,
            )
        except KeyRefusedError as error:
            return Acted(id=0, result=None, refusal=error.refusal)
        except RuntimeError:
            return Acted(id=0, result=None, refusal="failed")
        return Acted(id=0, result=result, is_again=is_again)

    async def _do(
        self, name: CommandName, args: dict[str, int | bool | None], who: str
    ) -> CommandResult:
        self.commands.append((name, args))
        self.who.append(who)
        return self.result

    def record(self, who: str, what: str, ok: bool, words: str) -> None:
        self.records.append((who, what, ok, words))

    async def finish_login(self, redirected_to: str) -> CommandResult:
        self.redirects.append(redirected_to)
        return self.result

    async def engine_process(self) -> queries.EngineProcessView:
        return queries.EngineProcessView(
            pid=None if self.is_gone else 4711,
            start="the unit otrade.service (systemd)",
            start_trouble="",
            stop="It closes everything that is open and then ends.",
            last_words="",
        )

    async def start_engine(self, who: str) -> CommandResult:
        self.starts.append(who)
        return self.result

    # ---------------------------------------------------------------------------- for the tests
    def change(self, table: str, index: int, **fields: Any) -> None:
        """Replace one row of `<table>_rows` by a changed copy."""
        rows = getattr(self, f"{table}_rows")
        rows[index] = msgspec.structs.replace(rows[index], **fields)
