"""The engine as the page sees it: `EngineSource` of the web layer, from the views of the core.

Called ten to twenty times a second while somebody looks. Rows of what has ended do not change, so
they are built once.
"""

import asyncio
import importlib
import sys
from collections.abc import Iterator, Sequence
from enum import IntEnum
from typing import Any

import otrade
from otrade._core.types import (
    BracketState,
    ExitReason,
    Halt,
    Leg,
    OrdStatus,
    OrdType,
    Pending,
    Phase,
    Reason,
    Side,
)
from otrade.errors import OTradeError
from otrade.web import schema
from otrade.web.source import resample

from .accounts import Accounts
from .alerts import AlertDesk, words_of_test
from .candles import KEPT_MAX, Candle
from .control import Control
from .day import TradingDay
from .log import TolerantFile
from .login import LoginDesk, said
from .morning import Morning
from .notices import NoticeBoard
from .reads import LiveReads
from .ready import why_not_ready
from .trades import average_e4
from .units import NS_PER_MS
from .watches import FrameWatch
from .words import HALT_WORDS, reason_words

PHASE_WORDS = {
    Phase.UNKNOWN: "no session",
    Phase.BEFORE: "before the open",
    Phase.OPEN_NO_ENTRY: "open, entries not yet",
    Phase.ENTRY: "trading",
    Phase.NO_ENTRY: "open, no new entries",
    Phase.SQUARE_OFF: "square-off",
    Phase.CLOSED: "closed",
}
PHASE_ENDS = {
    Phase.BEFORE: "open_ns",
    Phase.OPEN_NO_ENTRY: "entry_from_ns",
    Phase.ENTRY: "entry_until_ns",
    Phase.NO_ENTRY: "square_off_ns",
    Phase.SQUARE_OFF: "close_ns",
}


class LiveSource:
    """Shows the current day of a run; `set_day` at the start of each."""

    def __init__(
        self,
        board: NoticeBoard,
        control: Control,
        *,
        mode: schema.Mode,
        broker_kind: str,
        speed: float,
        reads: LiveReads | None = None,
    ) -> None:
        self.reads = reads or LiveReads()
        self._board = board
        self._control = control
        self._mode: schema.Mode = mode
        self._broker_kind = broker_kind
        self._speed = speed
        self._day: TradingDay | None = None
        self._bracket_rows: dict[int, schema.BracketView] = {}
        self._order_rows: dict[int, schema.OrderView] = {}
        self.lifecycle: schema.Lifecycle = "starting"
        self.login: LoginDesk | None = None
        """None where nobody need log in."""
        self.alerts: AlertDesk | None = None
        """None where no alerts are configured."""
        self.frames: FrameWatch | None = None
        self.log: TolerantFile | None = None
        self.desks: Accounts | None = None
        self.morning: Morning | None = None

    def set_day(self, day: TradingDay) -> None:
        self._day = day
        self.reads.set_day(day)
        self._bracket_rows.clear()
        self._order_rows.clear()
        day.on_bracket_closed.append(self._forget)

    def _forget(self, bracket_id: int) -> None:
        """A bracket has closed (again): what was built of it before is old."""
        self._bracket_rows.pop(bracket_id, None)
        for slot in [slot for slot, row in self._order_rows.items() if row.bracket_id == bracket_id]:
            del self._order_rows[slot]

    # ---------------------------------------------------------------------------------- for machines
    def readiness(self) -> Sequence[str]:
        return why_not_ready(self._day, self.lifecycle)

    async def metrics(self) -> tuple[bytes, str]:
        if "otrade.live.metrics" not in sys.modules:
            # In a thread: what it imports takes a tenth of a second, once, for whoever wants metrics at all.
            await asyncio.get_running_loop().run_in_executor(None, importlib.import_module, "otrade.live.metrics")
        from .metrics import CONTENT_TYPE, EngineMetrics, exposition

        metrics = EngineMetrics(
            self._board,
            mode=self._mode,
            broker_kind=self._broker_kind,
            lifecycle=self.lifecycle,
            why_not_ready=self.readiness(),
            day=self._day,
            frames=self.frames,
            alerts=self.alerts,
            log=self.log,
        )
        return exposition(metrics), CONTENT_TYPE

    # --------------------------------------------------------------------------------------- status
    def status(self) -> schema.Status:
        day = self._day
        if day is None:
            return self._blank_status()
        engine, risk, counters = day.engine, day.engine.risk(), day.engine.counters()
        lives = [engine.bracket(i) for i in engine.live_brackets()]
        unrealised_e4 = sum(_unrealised_e4(day, bracket) for bracket in lives)
        phase, ends_ns = self._phase(day)
        halt = Halt(risk["halt"])
        return schema.Status(
            version=otrade.__version__,
            mode=self._mode,
            broker_kind=self._broker_kind,
            lifecycle=self.lifecycle,
            state=_word(halt),
            state_reason="" if halt == Halt.ACTIVE else _state_reason(halt, risk["halt_reason"]),
            paused=day.is_paused,
            phase=_word(phase),
            phase_words=PHASE_WORDS[phase],
            phase_ends_ms=ends_ns // NS_PER_MS if ends_ns else None,
            day=day.plan.day,
            now_ms=day.clock.now_ns() // NS_PER_MS,
            speed=self._speed,
            feed=self._feed(day, counters),
            broker=schema.BrokerStatus(
                connected=risk["feed_alive"] and not day.is_token_dead,
                token_until_ms=None if day.is_token_dead else _ms_or_none(day.token_dies_ns(day.clock.now_ns())),
                orders_sent=day.desk.n_sent,
                in_doubt=risk["n_in_doubt"],
                book_ms=_ms_or_none(day.ts_book_ns),
                positions_ms=_ms_or_none(day.explainer.ts_positions_ns),
                quarantined=engine.n_quarantined,
            ),
            pnl=schema.PnlStatus(
                gross_e4=risk["pnl_e4"],
                charges_e4=day.trades.charges_e4,
                net_e4=risk["pnl_e4"] - day.trades.charges_e4,
                realised_e4=risk["pnl_e4"] - unrealised_e4,
                unrealised_e4=unrealised_e4,
                peak_e4=risk["peak_e4"],
                drawdown_e4=risk["drawdown_e4"],
            ),
            counts=schema.CountStatus(
                signals=counters["signals"],
                trades=len(day.trades),
                open_brackets=len(lives),
                orders=engine.n_orders,
            ),
            protection=schema.ProtectionStatus(
                open_qty=sum(bracket["open_qty"] for bracket in lives),
                protected_qty=sum(bracket["protected_qty"] for bracket in lives),
                naked_ms_total=counters["naked_ns_total"] / NS_PER_MS,
                naked_ms_worst=counters["naked_ns_worst"] / NS_PER_MS,
                naked_now=sum(bracket["protected_qty"] < bracket["open_qty"] for bracket in lives),
            ),
            latency=self._latency(day),
        )

    def _blank_status(self) -> schema.Status:
        return schema.Status(
            version=otrade.__version__,
            mode=self._mode,
            broker_kind=self._broker_kind,
            lifecycle=self.lifecycle,
            state="ACTIVE",
            state_reason="",
            paused=False,
            phase="UNKNOWN",
            phase_words="starting",
            phase_ends_ms=None,
            day="",
            now_ms=0,
            speed=self._speed,
            feed=schema.FeedStatus(connected=False, age_ms=None, frames=0, ticks=0, reconnects=0, refused=0),
            broker=schema.BrokerStatus(connected=False, token_until_ms=None, orders_sent=0, in_doubt=0),
            pnl=schema.PnlStatus(
                gross_e4=0,
                charges_e4=0,
                net_e4=0,
                realised_e4=0,
                unrealised_e4=0,
                peak_e4=0,
                drawdown_e4=0,
            ),
            counts=schema.CountStatus(signals=0, trades=0, open_brackets=0, orders=0),
            protection=schema.ProtectionStatus(open_qty=0, protected_qty=0, naked_ms_total=0.0, naked_ms_worst=0.0, naked_now=0),
            latency=schema.LatencyStatus(p50_ns=0, p99_ns=0, max_ns=0, count=0),
        )

    def _phase(self, day: TradingDay) -> tuple[Phase, int]:
        """The earliest phase of all instruments, and when that ends."""
        first = day.engine.first_phase()
        if first < 0:
            return Phase.UNKNOWN, 0
        row = day.engine.instrument(first)
        phase = Phase(row["phase"])
        field = PHASE_ENDS.get(phase)
        return phase, row[field] if field else 0

    def _feed(self, day: TradingDay, counters: dict[str, int]) -> schema.FeedStatus:
        risk = day.engine.risk()
        ts_recv_ns = day.engine.newest_tick_ns()
        refused = counters["refused"]
        assert isinstance(refused, list)
        return schema.FeedStatus(
            connected=risk["feed_alive"],
            age_ms=(day.clock.now_ns() - ts_recv_ns) // NS_PER_MS if ts_recv_ns else None,
            frames=counters["frames"],
            ticks=counters["ticks"],
            reconnects=day.n_reconnects,
            refused=sum(refused),
        )

    def _latency(self, day: TradingDay) -> schema.LatencyStatus:
        latency = day.latency()
        return schema.LatencyStatus(p50_ns=latency.p50_ns, p99_ns=latency.p99_ns, max_ns=latency.max_ns, count=latency.n)

    # ----------------------------------------------------------------------------------------- rows
    def instruments(self) -> Iterator[schema.InstrumentView]:
        day = self._day
        if day is None:
            return
        for instrument_id, planned in enumerate(day.plan.instruments):
            inst, market = day.engine.instrument(instrument_id), day.engine.market(instrument_id)
            yield schema.InstrumentView(
                id=instrument_id,
                symbol=planned.name,
                ltp_e4=market["ltp_e4"] or None,
                close_e4=market["close_e4"] or None,
                bid_e4=market["bid_px_e4"] or None,
                ask_e4=market["ask_px_e4"] or None,
                volume=market["volume"],
                ts_recv_ms=_ms_or_none(market["ts_recv_ns"]),
                phase=_word(Phase(inst["phase"])),
                quarantined=bool(inst["quarantined"]),
                tick_size_e4=inst["tick_size_e4"],
                lot_size=inst["lot_size"],
            )

    def strategies(self) -> Iterator[schema.StrategyView]:
        day = self._day
        if day is None:
            return
        live: dict[int, list[int]] = {}
        for bracket_id in day.engine.live_brackets():
            live.setdefault(day.engine.bracket(bracket_id)["strategy_id"], []).append(bracket_id)
        for strategy_id, planned in enumerate(day.plan.strategies):
            view = day.engine.strategy(strategy_id)
            signal, is_ready = view["signal"], bool(view["signal"]["ready"])
            params = view["params"]
            yield schema.StrategyView(
                id=strategy_id,
                name=planned.name,
                instrument_id=planned.instrument_id,
                kind=planned.kind,
                interval_s=planned.interval_s,
                params=planned.params,
                enabled=view["enabled"],
                ready=is_ready,
                fast=signal["fast"] if is_ready else None,
                slow=signal["slow"] if is_ready else None,
                rsi=signal["rsi"] if params["rsi_period"] and is_ready else None,
                atr=signal["atr"] if params["atr_period"] and is_ready else None,
                last_signal_seq=day.signals.last_of(strategy_id),
                bracket_ids=live.get(strategy_id, []),
            )

    def brackets(self) -> Iterator[schema.BracketView]:
        day = self._day
        if day is None:
            return
        for bracket_id in range(day.engine.n_brackets):
            yield self._bracket_row(day, bracket_id)

    def _bracket_row(self, day: TradingDay, bracket_id: int) -> schema.BracketView:
        kept = self._bracket_rows.get(bracket_id)
        if kept is not None:
            return kept
        bracket = day.engine.bracket(bracket_id)
        state = BracketState(bracket["state"])
        is_closed = state == BracketState.CLOSED
        naked_ns = bracket["naked_total_ns"]
        if bracket["naked_since_ns"]:
            naked_ns += max(0, day.engine.now_ns - bracket["naked_since_ns"])
        row = schema.BracketView(
            id=bracket_id,
            strategy_id=bracket["strategy_id"],
            instrument_id=bracket["instrument_id"],
            side=_side(bracket["side"]),
            state=_word(state),
            qty=bracket["order_qty"],
            open_qty=bracket["open_qty"],
            protected_qty=bracket["protected_qty"],
            entry_px_e4=average_e4(bracket["entry_value_e4"], bracket["entry_qty"]) or None,
            stop_px_e4=bracket["stop_e4"] or None,
            target_px_e4=bracket["target_e4"] or None,
            ltp_e4=None if is_closed else day.engine.market(bracket["instrument_id"])["ltp_e4"] or None,
            pnl_e4=bracket["pnl_e4"],
            risk_e4=_risk_e4(day, bracket),
            naked_ms=naked_ns / NS_PER_MS,
            ts_open_ms=bracket["ts_open_ns"] // NS_PER_MS,
            ts_close_ms=_ms_or_none(bracket["ts_close_ns"]) if is_closed else None,
            exit_reason=_word(ExitReason(bracket["exit_reason"])),
        )
        if is_closed:
            self._bracket_rows[bracket_id] = row
        return row

    def orders(self) -> Iterator[schema.OrderView]:
        day = self._day
        if day is None:
            return
        for slot in range(day.engine.n_orders):
            yield self._order_row(day, slot)

    def _order_row(self, day: TradingDay, slot: int) -> schema.OrderView:
        kept = self._order_rows.get(slot)
        if kept is not None:
            return kept
        order = day.engine.order(slot)
        instrument_id, bracket_id = order["instrument_id"], order["bracket_id"]
        row = schema.OrderView(
            cl_ord_id=order["cl_ord_id"],
            broker_order_id=order["broker_order_id"] or None,
            instrument_id=instrument_id,
            symbol=day.plan.instruments[instrument_id].name,
            bracket_id=bracket_id if bracket_id >= 0 else None,
            leg=_word(Leg(order["leg"])),
            side=_side(order["side"]),
            ord_type=_word(OrdType(order["ord_type"])),
            qty=order["order_qty"],
            cum_qty=order["cum_qty"],
            avg_px_e4=average_e4(order["cum_value_e4"], order["cum_qty"]) or None,
            price_e4=order["price_e4"] or None,
            trigger_e4=order["trigger_e4"] or None,
            ord_status=_word(OrdStatus(order["ord_status"])),
            pending=_word(Pending(order["pending"])),
            in_doubt=bool(order["in_doubt"]),
            text=reason_words(order["reason"]) if order["reason"] else "",
            ts_intent_ms=order["ts_intent_ns"] // NS_PER_MS,
            ts_sent_ms=_ms_or_none(order["ts_sent_ns"]),
            ts_ack_ms=_ms_or_none(order["ts_ack_ns"]),
            ts_last_ms=max(order["ts_intent_ns"], order["ts_ack_ns"], order["ts_report_ns"]) // NS_PER_MS,
            source=day.desk.source_of(order["cl_ord_id"]),
        )
        if bracket_id >= 0 and bracket_id in self._bracket_rows:
            self._order_rows[slot] = row
        return row

    def positions(self) -> Iterator[schema.PositionView]:
        day = self._day
        if day is None:
            return
        lives = [day.engine.bracket(i) for i in day.engine.live_brackets()]
        for instrument_id, planned in enumerate(day.plan.instruments):
            position, market = day.engine.position(instrument_id), day.engine.market(instrument_id)
            if not position["buy_qty"] and not position["sell_qty"]:
                continue
            here = [bracket for bracket in lives if bracket["instrument_id"] == instrument_id]
            open_qty = sum(abs(bracket["open_qty"]) for bracket in here)
            value_e4 = sum(abs(bracket["open_qty"]) * average_e4(bracket["entry_value_e4"], bracket["entry_qty"]) for bracket in here)
            unrealised_e4 = sum(_unrealised_e4(day, bracket) for bracket in here)
            yield schema.PositionView(
                instrument_id=instrument_id,
                symbol=planned.name,
                net_qty=position["net_qty"],
                avg_px_e4=average_e4(value_e4, open_qty) or None,
                ltp_e4=market["ltp_e4"] or None,
                gross_e4=position["pnl_e4"],
                realised_e4=position["pnl_e4"] - unrealised_e4,
                source="engine",
                ts_last_ms=market["ts_recv_ns"] // NS_PER_MS,
            )

    def trades(self) -> Iterator[schema.TradeView]:
        day = self._day
        if day is None:
            return
        for number, trade in enumerate(day.trades.trades, 1):
            yield schema.TradeView(
                id=number,
                bracket_id=trade.bracket_id,
                strategy_id=trade.strategy_id,
                instrument_id=trade.instrument_id,
                side=_side(trade.side),
                qty=trade.qty,
                entry_px_e4=trade.entry_px_e4,
                exit_px_e4=trade.exit_px_e4,
                ts_entry_ms=trade.ts_entry_ns // NS_PER_MS,
                ts_exit_ms=trade.ts_exit_ns // NS_PER_MS,
                gross_e4=trade.gross_e4,
                charges_e4=trade.charges_e4,
                net_e4=trade.net_e4,
                naked_ms=trade.naked_total_ns / NS_PER_MS,
                slippage_e4=trade.slippage_e4,
                exit_reason=_word(trade.exit_reason),
            )

    def signals(self, since_seq: int) -> Sequence[schema.SignalView]:
        if self._day is None:
            return []
        return [
            schema.SignalView(
                seq=seen.seq,
                ts_ms=seen.ts_ns // NS_PER_MS,
                strategy_id=seen.strategy_id,
                instrument_id=seen.instrument_id,
                side=_side(seen.side),
                px_e4=seen.px_e4,
                taken=seen.taken,
                reason=Reason(seen.reason).name,
                words="taken" if seen.taken else f"refused: {reason_words(seen.reason)}",
            )
            for seen in self._day.signals.since(since_seq)
        ]

    def notices(self, since_seq: int) -> Sequence[schema.NoticeView]:
        return [
            schema.NoticeView(
                seq=notice.seq,
                ts_ms=notice.ts_ns // NS_PER_MS,
                severity=_severity(notice.severity),
                code=notice.code,
                words=notice.text,
                instrument_id=notice.instrument_id if notice.instrument_id >= 0 else None,
                bracket_id=notice.bracket_id if notice.bracket_id >= 0 else None,
            )
            for notice in self._board.since(since_seq)
        ]

    def candles(self, instrument_id: int, interval_s: int) -> Sequence[schema.Candle]:
        day = self._day
        if day is None or not 0 <= instrument_id < len(day.plan.instruments):
            return []
        series_id = day.plan.instruments[instrument_id].minute_series_id
        rows = [_candle(candle) for candle in day.candles.last(series_id, KEPT_MAX)]
        series = day.engine.series(series_id)
        if series["has_bar"]:
            bar = series["bar"]
            rows.append(
                _candle(
                    Candle(
                        bar["ts_open_ns"],
                        bar["open_e4"],
                        bar["high_e4"],
                        bar["low_e4"],
                        bar["close_e4"],
                        bar["volume"],
                        bar["n_ticks"],
                    )
                )
            )
        return rows if interval_s == 60 else resample(rows, interval_s)

    # ------------------------------------------------------------------------ asked of the broker
    async def accounts(self) -> Sequence[schema.AccountView]:
        return await self.desks.look() if self.desks is not None else ()

    async def preflight(self) -> schema.PreflightView | None:
        return await self.morning.look() if self.morning is not None else None

    # ------------------------------------------------------------------------------------- commands
    async def command(self, name: schema.CommandName, who: str, **args: int | bool | None) -> schema.CommandResult:
        if name not in ("login", "test-alert"):
            ok, words = self._control.command(name, args, who)
            return schema.CommandResult(ok=ok, words=words)
        result = await (self._test_alerts() if name == "test-alert" else self._log_in(bool(args.get("approve"))))
        self._control.record(who, name, args, (result.ok, result.words))
        return result

    async def _log_in(self, approve: bool) -> schema.CommandResult:
        if self.login is None:
            return schema.CommandResult(ok=False, words="a paper day logs in at the simulated broker by itself")
        return await _begin(self.login, approve)

    def record(self, who: str, what: str, ok: bool, words: str) -> None:
        self._control.record(who, what, {}, (ok, words))

    async def _test_alerts(self) -> schema.CommandResult:
        if self.alerts is None:
            return schema.CommandResult(ok=False, words="no alerts are configured: name a target in alerts.targets, and start again")
        ok, words = words_of_test(await self.alerts.test())
        return schema.CommandResult(ok=ok, words=words)

    async def finish_login(self, redirected_to: str) -> schema.CommandResult:
        if self.login is None:
            return schema.CommandResult(ok=False, words="no login is under way here")
        try:
            session = await self.login.finish(redirected_to)
        except OTradeError as error:
            return schema.CommandResult(ok=False, words=str(error))
        words = said(session)[1]
        self.record("whoever began it", "login finished", True, words)
        return schema.CommandResult(ok=True, words=words)


async def _begin(login: LoginDesk, approve: bool) -> schema.CommandResult:
    if not approve:
        return schema.CommandResult(ok=True, words="log in at the broker; this page goes on by itself", url=login.begin())
    try:
        await login.ask_approval()
    except OTradeError as error:
        return schema.CommandResult(ok=False, words=str(error))
    return schema.CommandResult(ok=True, words="approve the login in the broker's app; this page goes on by itself")


def _unrealised_e4(day: TradingDay, bracket: dict[str, int]) -> int:
    """The open quantity of a bracket at the last price against its average entry."""
    open_qty = bracket["open_qty"]
    if not open_qty or not bracket["entry_qty"]:
        return 0
    instrument_id = bracket["instrument_id"]
    ltp_e4 = day.engine.market(instrument_id)["ltp_e4"]
    entry_e4 = average_e4(bracket["entry_value_e4"], bracket["entry_qty"])
    multiplier = day.engine.instrument(instrument_id)["multiplier"]
    return int(bracket["side"] * open_qty * (ltp_e4 - entry_e4) * multiplier)


def _risk_e4(day: TradingDay, bracket: dict[str, int]) -> int | None:
    """What the open quantity would lose from the last price to its stop. A gap through the stop can lose more."""
    if not bracket["stop_e4"]:
        return None
    market, instrument = day.engine.market(bracket["instrument_id"]), day.engine.instrument(bracket["instrument_id"])
    away_e4 = bracket["side"] * (market["ltp_e4"] - bracket["stop_e4"])
    return max(0, int(away_e4 * bracket["open_qty"] * instrument["multiplier"]))


def _state_reason(halt: Halt, reason: int) -> str:
    words = HALT_WORDS[halt]
    return f"{words}: {reason_words(reason)}" if reason else f"{words}: by command"


def _candle(candle: Candle) -> schema.Candle:
    return schema.Candle(
        ts_ms=candle.ts_open_ns // NS_PER_MS,
        open_e4=candle.open_e4,
        high_e4=candle.high_e4,
        low_e4=candle.low_e4,
        close_e4=candle.close_e4,
        volume=candle.volume,
    )


def _ms_or_none(ts_ns: int) -> int | None:
    return ts_ns // NS_PER_MS if ts_ns else None


def _word(member: IntEnum) -> Any:
    """The name of an enum's member: the literals of the contract are these names."""
    return member.name


def _side(side: int) -> schema.Side:
    return "BUY" if side == Side.BUY else "SELL"


SEVERITY_WORDS: tuple[schema.Severity, ...] = ("info", "warn", "error", "alarm")


def _severity(severity: int) -> schema.Severity:
    return SEVERITY_WORDS[severity]
