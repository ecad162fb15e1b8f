"""The engine as its peers see it: what is streamed, asked and done on its socket.

Called ten to twenty times a second while somebody looks. Rows of what has ended do not change, so
they are built once.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Literal, cast

import otrade
from otrade._core.engine.rows import CountersRow, LiveSumsRow
from otrade._core.types import Halt, Phase, Reason, Severity
from otrade.contract import views
from otrade.contract.blank_status import NO_LOOP, blank_status
from otrade.contract.candle_lengths import resample
from otrade.contract.messages import MetricFamily
from otrade.errors import OTradeError
from otrade.live.api.queries import LiveQueries
from otrade.live.api.row_builder import RowBuilder, charges_view, ms_or_none, side_of, word_of
from otrade.live.broker_io.account_queries import AccountQueries
from otrade.live.control.commands import Commands
from otrade.live.control.preflight_service import PreflightService
from otrade.live.day.trading_day import TradingDay
from otrade.live.history.candles import KEPT_MAX, ClosedBar
from otrade.live.history.trade_ledger import net_after
from otrade.live.monitoring.loop_watch import LoopWatch
from otrade.live.monitoring.readiness import why_not_ready
from otrade.live.monitoring.staleness import FrameWatch
from otrade.live.notices.board import NoticeBoard
from otrade.live.notices.json_log import TolerantLogFile
from otrade.live.notices.messages import HALT_WORDS, reason_words
from otrade.live.persistence.actor import Actor
from otrade.live.startup.login_flow import LoginFlow, login_notice
from otrade.units import NS_PER_MS

if TYPE_CHECKING:
    from otrade.live.alerts.dispatcher import AlertDispatcher

PHASE_WORDS = {
    Phase.UNKNOWN: "no session",
    Phase.BEFORE: "before the open",
    Phase.OPEN_NO_ENTRY: "open, entries not yet",
    Phase.ENTRY: "trading",
    Phase.NO_ENTRY: "open, no new entries",
    Phase.SQUARE_OFF: "square-off",
    Phase.CLOSED: "closed",
}
PHASE_ENDS: dict[
    Phase, Literal["open_ns", "entry_from_ns", "entry_until_ns", "square_off_ns", "close_ns"]
] = {
    Phase.BEFORE: "open_ns",
    Phase.OPEN_NO_ENTRY: "entry_from_ns",
    Phase.ENTRY: "entry_until_ns",
    Phase.NO_ENTRY: "square_off_ns",
    Phase.SQUARE_OFF: "close_ns",
}


class LiveEngineSource:
    """Shows the current day of a run; `set_day` at the start of each."""

    def __init__(
        self,
        board: NoticeBoard,
        control: Commands,
        *,
        mode: views.Mode,
        broker_kind: str,
        speed: float,
        queries: LiveQueries | None = None,
    ) -> None:
        self.queries = queries or LiveQueries()
        self._board = board
        self._control = control
        self._mode: views.Mode = mode
        self._broker_kind = broker_kind
        self._speed = speed
        self._day: TradingDay | None = None
        self._rows: RowBuilder | None = None
        self.lifecycle: views.Lifecycle = "starting"
        self.login: LoginFlow | None = None
        """None where nobody need log in."""
        self.alerts: AlertDispatcher | None = None
        """None where no alerts are configured."""
        self.frames: FrameWatch | None = None
        self.loop_watch: LoopWatch | None = None
        self.log: TolerantLogFile | None = None
        self.account_queries: AccountQueries | None = None
        self.preflight_service: PreflightService | None = None

    def set_day(self, day: TradingDay) -> None:
        self._day = day
        self.queries.set_day(day)
        self._rows = RowBuilder(day)

    # --------------------------------------------------------------------------------- for machines
    def _not_ready(self) -> list[str]:
        return why_not_ready(self._day, self.lifecycle)

    def metrics(self) -> list[MetricFamily]:
        """The engine's numbers for Prometheus."""
        from otrade.live.monitoring.engine_metrics import EngineMetrics  # few ask for it

        return EngineMetrics(
            self._board,
            mode=self._mode,
            broker_kind=self._broker_kind,
            lifecycle=self.lifecycle,
            why_not_ready=self._not_ready(),
            day=self._day,
            frames=self.frames,
            loop_watch=self.loop_watch,
            alerts=self.alerts,
            log=self.log,
        ).families()

    # --------------------------------------------------------------------------------------- status
    def status(self) -> views.Status:
        day = self._day
        if day is None:
            return blank_status(
                version=otrade.__version__,
                mode=self._mode,
                broker_kind=self._broker_kind,
                lifecycle=self.lifecycle,
                speed=self._speed,
                not_ready=self._not_ready(),
                loop=self._loop_status(),
            )
        engine, risk, counters = day.engine, day.engine.risk(), day.engine.counters()
        lives, charges = _together(engine.live_sums().values()), day.trades.charges
        phase, ends_ns = self._phase(day)
        halt = Halt(risk["halt"])
        return views.Status(
            version=otrade.__version__,
            mode=self._mode,
            broker_kind=self._broker_kind,
            lifecycle=self.lifecycle,
            state=word_of(halt),
            state_reason="" if halt == Halt.ACTIVE else _state_reason(halt, risk["halt_reason"]),
            paused=day.is_paused,
            phase=word_of(phase),
            phase_words=PHASE_WORDS[phase],
            phase_ends_ms=ends_ns // NS_PER_MS if ends_ns else None,
            day=day.plan.day,
            now_ms=day.clock.now_ns() // NS_PER_MS,
            speed=self._speed,
            feed=self._feed(day, counters),
            broker=views.BrokerStatus(
                connected=risk["feed_alive"] and not day.is_token_dead,
                token_until_ms=None
                if day.is_token_dead
                else ms_or_none(day.token_dies_ns(day.clock.now_ns())),
                orders_sent=day.router.n_sent,
                in_doubt=risk["n_in_doubt"],
                book_ms=ms_or_none(day.ts_book_ns),
                positions_ms=ms_or_none(day.ts_positions_ns),
                quarantined=engine.n_quarantined,
            ),
            pnl=views.PnlStatus(
                gross_e4=risk["pnl_e4"],
                charges_e4=charges.total_e4,
                net_e4=net_after(risk["pnl_e4"], charges),
                charges=charges_view(charges, n_open=engine.n_live if lives["open_qty"] else 0),
                realised_e4=risk["pnl_e4"] - lives["unrealised_e4"],
                unrealised_e4=lives["unrealised_e4"],
                peak_e4=risk["peak_e4"],
                drawdown_e4=risk["drawdown_e4"],
            ),
            counts=views.CountStatus(
                signals=counters["signals"],
                trades=len(day.trades),
                open_brackets=engine.n_live,
                orders=engine.n_orders,
            ),
            protection=views.ProtectionStatus(
                open_qty=lives["open_qty"],
                protected_qty=lives["protected_qty"],
                naked_ms_total=counters["naked_ns_total"] / NS_PER_MS,
                naked_ms_worst=counters["naked_ns_worst"] / NS_PER_MS,
                target_ms_total=counters["target_ns_total"] / NS_PER_MS,
                target_ms_worst=counters["target_ns_worst"] / NS_PER_MS,
                naked_now=lives["naked"],
            ),
            latency=self._latency(day),
            loop=self._loop_status(),
            not_ready=self._not_ready(),
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

    def _feed(self, day: TradingDay, counters: CountersRow) -> views.FeedStatus:
        risk = day.engine.risk()
        ts_recv_ns = day.engine.newest_tick_ns()
        refused = counters["refused"]
        return views.FeedStatus(
            connected=risk["feed_alive"],
            age_ms=(day.clock.now_ns() - ts_recv_ns) // NS_PER_MS if ts_recv_ns else None,
            frames=counters["frames"],
            ticks=counters["ticks"],
            reconnects=day.n_reconnects,
            refused=sum(refused),
        )

    def _latency(self, day: TradingDay) -> views.LatencyStatus:
        latency = day.tick_to_order()
        return views.LatencyStatus(
            p50_ns=latency.p50_ns, p99_ns=latency.p99_ns, max_ns=latency.max_ns, count=latency.n
        )

    def _loop_status(self) -> views.LoopStatus:
        watch = self.loop_watch
        if watch is None:
            return NO_LOOP
        return views.LoopStatus(
            lag_ms=watch.lag_ns / NS_PER_MS,
            longest_turn_ms=watch.longest_turn_ns / NS_PER_MS,
            longest_turn_at_ms=ms_or_none(watch.ts_longest_ns),
            stalls=watch.n_stalls,
            stalled_ms=watch.stalled_ns / NS_PER_MS,
        )

    # ----------------------------------------------------------------------------------------- rows
    def instruments(self) -> Iterator[views.InstrumentView]:
        return self._rows.instruments() if self._rows is not None else iter(())

    def strategies(self) -> Iterator[views.StrategyView]:
        return self._rows.strategies() if self._rows is not None else iter(())

    def brackets(self) -> Iterator[views.BracketView]:
        return self._rows.brackets() if self._rows is not None else iter(())

    def orders(self) -> Iterator[views.OrderView]:
        return self._rows.orders() if self._rows is not None else iter(())

    def positions(self) -> Iterator[views.PositionView]:
        return self._rows.positions() if self._rows is not None else iter(())

    def trades(self) -> Iterator[views.TradeView]:
        return self._rows.trades() if self._rows is not None else iter(())

    def signals(self, since_seq: int) -> Sequence[views.SignalView]:
        if self._day is None:
            return []
        return [
            views.SignalView(
                seq=seen.seq,
                ts_ms=seen.ts_ns // NS_PER_MS,
                strategy_id=seen.strategy_id,
                instrument_id=seen.instrument_id,
                side=side_of(seen.side),
                px_e4=seen.px_e4,
                taken=seen.taken,
                reason=Reason(seen.reason).name,
                words="taken" if seen.taken else f"refused: {reason_words(seen.reason)}",
            )
            for seen in self._day.signals.since(since_seq)
        ]

    def notices(self, since_seq: int) -> Sequence[views.NoticeView]:
        return [
            views.NoticeView(
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

    def candles(self, instrument_id: int, interval_s: int) -> Sequence[views.Candle]:
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
                    ClosedBar(
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
    async def accounts(self) -> Sequence[views.AccountView]:
        return await self.account_queries.fetch() if self.account_queries is not None else ()

    async def preflight(self) -> views.PreflightView | None:
        return await self.preflight_service.run() if self.preflight_service is not None else None

    # ------------------------------------------------------------------------------------- commands
    async def command(
        self, name: views.CommandName, who: Actor, **args: int | bool | None
    ) -> views.CommandResult:
        """Do it, or say in words why not (`ok=False`); the journal has it either way."""
        if name not in ("login", "test-alert"):
            ok, words = self._control.command(name, args, who)
            return views.CommandResult(ok=ok, words=words)
        result = await (
            self._test_alerts() if name == "test-alert" else self._log_in(bool(args.get("approve")))
        )
        self._control.record(who, name, args, (result.ok, result.words))
        return result

    async def _log_in(self, approve: bool) -> views.CommandResult:
        if self.login is None:
            return views.CommandResult(
                ok=False, words="a paper day logs in at the simulated broker by itself"
            )
        return await _begin(self.login, approve)

    def record(self, who: str, what: str, words: str) -> None:
        """Somebody has done something on the page: into the journal, and what concerns his account
        is a notice.
        """
        self._control.record(Actor(who), what, {}, (True, words))
        # Whose account it is hears of it where he is, also when it was not he.
        if what == "new browser":
            self._board.say(
                Severity.WARN,
                "NEW_BROWSER",
                f"{who} {words}. If that was not you: otrade password, which ends every session",
            )
        elif what == "people":
            self._board.say(Severity.WARN, "PEOPLE_CHANGED", f"on the page, {words}")
        elif what in ("page login", "page setup"):
            self._board.say(Severity.INFO, "PAGE_LOGIN", f"{who} has logged in on the page")

    async def _test_alerts(self) -> views.CommandResult:
        if self.alerts is None:
            return views.CommandResult(
                ok=False,
                words="no alerts are configured: name a target in alerts.targets, and start again",
            )
        from otrade.live.alerts.dispatcher import words_of_test  # there are targets

        ok, words = words_of_test(await self.alerts.test())
        return views.CommandResult(ok=ok, words=words)

    async def finish_login(self, redirected_to: str) -> views.CommandResult:
        if self.login is None:
            return views.CommandResult(ok=False, words="no login is under way here")
        try:
            session = await self.login.finish(redirected_to)
        except OTradeError as error:
            return views.CommandResult(ok=False, words=str(error))
        words = login_notice(session)[1]
        self._control.record(Actor("whoever began it"), "login finished", {}, (True, words))
        return views.CommandResult(ok=True, words=words)


async def _begin(login: LoginFlow, approve: bool) -> views.CommandResult:
    if not approve:
        return views.CommandResult(
            ok=True, words="log in at the broker; this page goes on by itself", url=login.begin()
        )
    try:
        await login.ask_approval()
    except OTradeError as error:
        return views.CommandResult(ok=False, words=str(error))
    return views.CommandResult(
        ok=True, words="approve the login in the broker's app; this page goes on by itself"
    )


def _together(sums: Iterable[LiveSumsRow]) -> Counter[str]:
    together: Counter[str] = Counter()
    for of_one in sums:
        together.update(cast(dict[str, int], of_one))
    return together


def _state_reason(halt: Halt, reason: int) -> str:
    words = HALT_WORDS[halt]
    return f"{words}: {reason_words(reason)}" if reason else f"{words}: by command"


def _candle(candle: ClosedBar) -> views.Candle:
    return views.Candle(
        ts_ms=candle.ts_open_ns // NS_PER_MS,
        open_e4=candle.open_e4,
        high_e4=candle.high_e4,
        low_e4=candle.low_e4,
        close_e4=candle.close_e4,
        volume=candle.volume,
    )


SEVERITY_WORDS: tuple[views.Severity, ...] = ("info", "warn", "error", "alarm")


def _severity(severity: int) -> views.Severity:
    return SEVERITY_WORDS[severity]
