"""One trading day: the core's owner. It connects, reconciles with what the broker shows, opens the
gate, keeps time, and ends.

Level-triggered throughout: `beat` runs ten times a second of engine time, looks at the state, and
does what the state asks for. Nothing here decides about orders; that is the core's. Nothing here
reads a clock but the one that it was given.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from functools import partial

import msgspec

from otrade._core.histogram import LatencyHistogram
from otrade._core.types import BracketState, Ev, Halt, Note, PauseBy, Reason, Severity
from otrade.brokers.adapter import SecondFeed
from otrade.brokers.session import Answer, BrokerSession, Callbacks, OrderReport, SocketCallbacks
from otrade.clock import NS_PER_S, Clock, TimerHandle
from otrade.errors import BrokerError, TokenError
from otrade.live.day.quote_poller import QuotePoller
from otrade.live.day.shutdown import Shutdown
from otrade.live.history.candles import BarHistory
from otrade.live.history.latency import LatencySummary
from otrade.live.history.signal_history import SignalHistory
from otrade.live.history.trade_ledger import ChargeRule, TradeLedger
from otrade.live.notices.board import NoticeBoard
from otrade.live.notices.json_log import LOGGER_NAME
from otrade.live.oms.fill_price_poller import FillPricePoller
from otrade.live.oms.order_book_poller import OrderBookPoller
from otrade.live.oms.order_router import OrderRouter
from otrade.live.persistence.day_journal import DayJournal
from otrade.live.plan.day_plan import DayPlan
from otrade.live.plan.open_exposure import foreign_words, uncovered, what_is_open
from otrade.live.reconciliation.position_audit import PositionAudit
from otrade.live.reconciliation.reconciler import Reconciler

log = logging.getLogger(LOGGER_NAME)

TOLD_AT_ONCE = 4
"""Notices that are put into words in one go: some 9 us each, and a frame that comes meanwhile
waits.
"""
FIRST_FEED_NS = 10 * NS_PER_S
RATE_WINDOW_NS = 60 * NS_PER_S
"""The longest of the broker's sliding windows that a few orders can fill."""
SECONDARY_FEED = 1


class DayOptions(msgspec.Struct, frozen=True):
    """`on_stop` is "flatten" or "leave": what a graceful stop does with open positions, at first."""

    on_stop: str
    stop_timeout_ns: int = 60 * NS_PER_S
    audit_flat_ns: int = 15 * NS_PER_S
    """Between two polls of the order book when nothing is going on."""
    needs_journal: bool = False
    """No entries without one."""
    login_words: str = "Log in again"
    """What a person does when the access token dies."""


class TradingDay:
    """The state of one day and its life: `open`, then beats until `ended` is set, then `close`."""

    def __init__(
        self,
        plan: DayPlan,
        clock: Clock,
        board: NoticeBoard,
        charge_rule: ChargeRule,
        options: DayOptions,
        *,
        first_signal_seq: int = 1,
        journal: DayJournal | None = None,
        token_dies_ns: Callable[[int], int] = lambda now_ns: 0,
    ) -> None:
        """`token_dies_ns`: at a given time, when the access token that is in use dies; 0: not
        known.
        """
        self.plan = plan
        self.engine = plan.engine
        self.clock = clock
        self.board = board
        self.options = options
        self.journal = journal
        self.trades = TradeLedger(plan.engine, charge_rule)
        self.signals = SignalHistory(first_signal_seq)
        self.candles = BarHistory(plan.engine.n_series)
        self.token_dies_ns = token_dies_ns
        self.router = OrderRouter(
            plan.engine,
            clock,
            on_poll_book=self.want_book,
            on_unknown=self._on_unknown,
            on_refused=self._on_refused,
            on_fault=self.fault,
            journal=journal,
        )
        self.reconciler: Reconciler | None = None
        """None until the day is opened."""
        self.ended = asyncio.Event()
        self.shutdown = Shutdown(
            plan,
            clock,
            board,
            self.ended,
            drain=self.router.drain,
            on_stop=options.on_stop,
            stop_timeout_ns=options.stop_timeout_ns,
        )
        self.is_connected = False
        """The broker has let us in: from now on requests of ours may be with it."""
        self._is_open = False
        self._is_reconciled = False
        """The start has explained the account: a later book is only news."""
        self._was_push_late = False
        self.is_token_dead = False
        self.has_fault = False
        self.is_verified = False
        """The broker's positions agreed with the core's at the end."""
        self.foreign_words = ""
        """What the account holds at the end that is not this engine's; empty when that is nothing."""
        self.n_reconnects = 0
        self._alarms_before = board.n_by_severity[Severity.ALARM]
        self._beat_listeners: list[Callable[[int], None]] = []
        self.secondary_feed: SecondFeed | None = None
        """Market data from elsewhere, beside the session's own; started and stopped with the day."""
        self._book_poller: OrderBookPoller | None = None
        self._fill_price_poller: FillPricePoller | None = None
        self._quote_poller: QuotePoller | None = None
        self._session: BrokerSession | None = None
        self._timer: TimerHandle | None = None
        self._entries_from_ns = 0
        """When the start's pause ends; 0: it has not begun, or is over."""
        self._is_journal_gone = False
        self._untold: deque[dict[str, int]] = deque()
        """What the core has said and nobody has been told yet."""
        self._is_telling = False
        self._failures: set[str] = set()
        self._feed_was_up = False
        self._feed_up = asyncio.Event()
        self._trouble = ""
        self._quote_trouble = ""

    @property
    def ts_book_ns(self) -> int:
        """When the order book was last read whole; 0: never."""
        return self._book_poller.ts_last_ns if self._book_poller is not None else 0

    @property
    def ts_positions_ns(self) -> int:
        """When the broker's positions were last read whole; 0: never."""
        return self.reconciler.positions.ts_last_ns if self.reconciler is not None else 0

    @property
    def is_paused(self) -> bool:
        """A person keeps entries out."""
        return bool(self.engine.risk()["paused_by"] & PauseBy.PERSON)

    def stages(self) -> dict[str, LatencyHistogram]:
        """Durations so far, by the stages of `history.latency`."""
        latency = self._session.latency if self._session is not None else None
        feed = (
            {"frame": latency.frame, "core": latency.core, "order": latency.order}
            if latency is not None
            else {}
        )
        return {**feed, **self.router.latency.stages()}

    def tick_to_order(self) -> LatencySummary:
        """So far, as the broker's session measures it."""
        if self._session is None:
            return LatencySummary()
        seen = self._session.latency.order.summary()
        return LatencySummary(seen["n"], seen["p50_ns"], seen["p99_ns"], seen["max_ns"])

    @property
    def n_alarms(self) -> int:
        """Alarms since the day was made; the board may be older than the day."""
        return self.board.n_by_severity[Severity.ALARM] - self._alarms_before

    def listen_to_beats(self, *listeners: Callable[[int], None]) -> None:
        """Call these after each beat with the engine time: progress, reload, what is watched."""
        self._beat_listeners += listeners

    # -------------------------------------------------------------------------------------- opening
    def callbacks(self) -> Callbacks:
        """Where the broker's session reports."""
        return Callbacks(
            on_report=self.router.on_report,
            on_answer=self.router.on_answer,
            on_sent=self.router.on_sent,
            on_feed=self._on_feed,
            on_push=self._on_push,
            on_token_dead=self._on_token_dead,
            on_commands=self.router.on_commands,
            on_message=self._on_message,
        )

    async def open(self, session: BrokerSession) -> None:
        """Connect, reconcile, open the gate, start the beat. Raises BrokerError when the broker
        cannot be reached, StoppedError when it cannot and somebody stops the engine meanwhile.
        """
        self._session = self.router.session = session
        self._book_poller = OrderBookPoller(
            self.engine,
            self.clock,
            self.router,
            session,
            on_unknown=self._on_unknown_rows,
            on_trouble=self._on_trouble,
            on_fault=self.fault,
            on_availability=self._on_book_availability,
            audit_flat_ns=self.options.audit_flat_ns,
        )
        self.reconciler = reconciler = Reconciler(
            self.plan,
            self.clock,
            self.board,
            self.router,
            session,
            self._book_poller,
            on_trouble=self._on_trouble,
            on_fault=self.fault,
            stop=self.shutdown.wanted,
        )
        self._fill_price_poller = FillPricePoller(
            self.engine,
            self.clock,
            self.router,
            session,
            on_trouble=self._on_trades_trouble,
            on_fault=self.fault,
        )
        self._quote_poller = QuotePoller(
            self.plan,
            self.clock,
            session,
            on_commands=self.router.on_commands,
            on_trouble=self._on_quote_trouble,
            on_fault=self.fault,
        )
        now_ns = self.clock.now_ns()
        if self.journal is not None and self.journal.is_resumed:
            self._restore_history()
        else:
            self.engine.start(now_ns)
        if self.journal is None and self.options.needs_journal:
            self.engine.on_halt(Halt.REDUCING, Reason.JOURNAL, now_ns)
        # Entries wait until everything that the broker shows is explained; the feed may warm the
        # averages meanwhile.
        self.engine.on_pause(True, now_ns, PauseBy.START)
        await reconciler.patiently(session.connect)
        self.is_connected = True
        await reconciler.reconcile_start()
        self._is_reconciled = True
        if self._was_push_late:
            self.want_book()
        self._check_journal_gone(self.clock.now_ns())
        session.subscribe([(i.token, i.feed_mode) for i in self.plan.instruments])
        if self.secondary_feed is not None:
            self.secondary_feed.start()
        await self._wait_for_feed()
        self._is_open = True
        self.shutdown.open()
        self._entries_from_ns = max(self._entries_from_ns, self.clock.now_ns())
        self._end_start_pause(self.clock.now_ns())
        self.board.say(
            Severity.INFO,
            "DAY_OPEN",
            f"{self.plan.day}: connected, {len(self.plan.instruments)} instruments, {len(self.plan.strategies)} strategies",
        )
        self.beat()

    def _check_journal_gone(self, now_ns: int) -> None:
        """Is an earlier run's journal gone, and a halt with it, perhaps? Unknown is not re-armed.
        The book of the start may have been
        behind: that run's orders may also turn up later.
        """
        if (
            self._is_journal_gone
            or self.journal is None
            or self.reconciler is None
            or self.reconciler.runs_taken_back <= self.journal.runs
        ):
            return
        self._is_journal_gone = True
        self.engine.on_halt(Halt.REDUCING, Reason.FORGOTTEN, now_ns)
        # What an earlier run sent in the last minute counts against the broker's rate, and nobody
        # knows what it was.
        self._entries_from_ns = now_ns + RATE_WINDOW_NS
        self.engine.on_pause(True, now_ns, PauseBy.START)
        self.board.say(
            Severity.ALARM,
            "JOURNAL_GONE",
            "an earlier run has traded today, and its journal is gone: what was open is taken back from the broker's book, but whether "
            "a person had halted or paused it is not known. No entries until you re-arm, nor in this minute; stops and exits go on.",
        )

    def _end_start_pause(self, now_ns: int) -> None:
        if self._entries_from_ns and now_ns >= self._entries_from_ns:
            self._entries_from_ns = 0
            self.engine.on_pause(False, now_ns, PauseBy.START)

    def _restore_history(self) -> None:
        """The core comes from the journal: what is kept beside it comes from the core."""
        self.candles.extend(self.engine.take_bars())
        self.signals.extend(self.engine.take_signals())
        for bracket_id in range(self.engine.n_brackets):
            if self.engine.bracket(bracket_id)["state"] == BracketState.CLOSED:
                self.trades.close(bracket_id)

    async def _wait_for_feed(self) -> None:
        """Wait for the feed, but not for ever: a day without it goes on trying, and takes no
        entries. Not at all when the day is to be stopped.
        """
        if not self.engine.risk()["feed_alive"] and not self.shutdown.is_stopping:
            wait_until_ns = self.clock.now_ns() + FIRST_FEED_NS
            timer = self.clock.call_at(wait_until_ns, self._feed_up.set)
            await self._feed_up.wait()
            timer.cancel()

    # ------------------------------------------------------------------------------------- the beat
    def beat(self) -> None:
        """Let time pass in the core, send what it wants, collect what it says, and come again."""
        if self.ended.is_set():
            return
        now_ns = self.clock.now_ns()
        try:
            self.engine.on_timer(now_ns)
            self._check_journal_gone(now_ns)
            self._end_start_pause(now_ns)
            self.router.drain()
        except Exception as error:
            self.fault(error, "the beat of the engine")
        # What follows tells, looks and counts. Its failures are said, and protection goes on.
        self._careful("what the core says", self.collect)
        if self.journal is not None:
            self._careful("the journal", partial(self.journal.poll, self.engine, now_ns))
        self._careful("the audit", partial(self._audit, now_ns))
        for listener in self._beat_listeners:
            self._careful("a listener of the beat", partial(listener, now_ns))
        self.shutdown.check(now_ns)
        if not self.ended.is_set():
            self._timer = self.clock.call_at(self.engine.next_beat_ns(now_ns), self.beat)

    def _careful(self, what: str, step: Callable[[], None]) -> None:
        try:
            step()
        except Exception as error:
            text = f"{what} failed ({type(error).__name__}: {error}); trading goes on"
            if text not in self._failures:
                self._failures.add(text)
                log.error("%s failed", what, exc_info=error)
                self.board.say(Severity.ERROR, "FAILED", text)

    def _audit(self, now_ns: int) -> None:
        if self.is_token_dead:
            return
        if self._book_poller is not None:
            self._book_poller.audit(now_ns)
        if self.reconciler is not None:
            self.reconciler.audit(now_ns)
        if self._fill_price_poller is not None:
            self._fill_price_poller.poll(now_ns)
        if self._quote_poller is not None:
            self._quote_poller.poll(now_ns)

    def collect(self) -> None:
        """Take what the core has said since the last time: bars, signals, notices."""
        self.candles.extend(self.engine.take_bars())
        self.signals.extend(self.engine.take_signals())
        rows = self.engine.take_notices()
        for row in rows:
            if row["note"] == Note.BRACKET_CLOSED:
                self.trades.close(row["bracket_id"])
            elif row["note"] == Note.EXIT_REJECTED:
                if self.reconciler is not None:
                    self.reconciler.positions.on_exit_refused(row["instrument_id"])
            elif row["note"] == Note.VALUE_TAKEN:
                # Its prices are known better; nothing, while it is open.
                self.trades.close(row["bracket_id"])
        self._untold.extend(
            row for row in rows if row["note"] != Note.VALUE_TAKEN or row["is_news"]
        )
        self._tell(TOLD_AT_ONCE)

    def _tell(self, most: int) -> None:
        """Put into words what waits for it: so many notices now, and the rest when frames have been
        let in between.
        """
        for _ in range(min(most, len(self._untold))):
            self.board.say_core(self._untold.popleft(), self.plan)
        if self._untold and not self._is_telling:
            self._is_telling = True
            self.clock.call_at(self.clock.now_ns(), self._tell_on)

    def _tell_on(self) -> None:
        self._is_telling = False
        self._careful("what the core says", partial(self._tell, TOLD_AT_ONCE))

    # -------------------------------------------------------------------------------- broker's news
    def want_book(self) -> None:
        """Read the broker's order book as soon as the rate allows."""
        if self._book_poller is not None:
            self._book_poller.want()

    def _on_unknown(self, report: OrderReport) -> None:
        if self.reconciler is not None:
            self.reconciler.on_unknown(report)

    def _on_unknown_rows(self, rows: list[OrderReport]) -> None:
        if self.reconciler is not None:
            self.reconciler.on_book(rows)

    def _on_refused(self, seq: int, answer: Answer) -> None:
        severity = Severity.WARN if answer.outcome == Ev.REFUSED else Severity.ERROR
        outcome = "refused" if answer.outcome == Ev.REFUSED else "left in doubt"
        self.board.say(
            severity,
            "REQUEST_" + answer.outcome.name,
            f"request {seq} was {outcome}: {answer.text}",
        )
        if answer.reason == Reason.BROKER_TOKEN:
            self._on_token_dead()

    def _on_feed(self, alive: bool, why: str) -> None:
        self.engine.on_feed(alive, self.clock.now_ns())
        if alive:
            self.board.say(Severity.INFO, "FEED_UP", "the feed is connected")
            if self._feed_was_up:
                # Pushes may have been lost while it was down: the order book knows.
                self.n_reconnects += 1
                self.want_book()
            self._feed_was_up = True
            self._feed_up.set()
        elif not self.ended.is_set():
            if self.engine.risk()["feed_alive"]:
                text = f"the feed is down ({why}): the second feed goes on alone. Orders still go to the broker that holds the positions"
            else:
                text = f"the feed is down ({why}): no entries; stops rest at the exchange"
            self.board.say(Severity.WARN, "FEED_DOWN", text)

    def secondary_feed_callbacks(self) -> SocketCallbacks:
        """Where a secondary feed reports. It is only a feed: nothing of the account hangs on it."""
        return SocketCallbacks(
            on_up=lambda: self._on_secondary_feed(True, ""),
            on_down=lambda why: self._on_secondary_feed(False, why),
            on_token_dead=lambda: self._on_secondary_feed(False, "its access token is dead"),
            on_commands=self.router.on_commands,
        )

    def _on_secondary_feed(self, alive: bool, why: str) -> None:
        self.engine.on_feed(alive, self.clock.now_ns(), SECONDARY_FEED)
        if alive:
            self.board.say(Severity.INFO, "SECOND_FEED_UP", "the second feed is connected")
        elif not self.ended.is_set():
            self.board.say(
                Severity.WARN,
                "SECOND_FEED_DOWN",
                f"the second feed is down ({why}); the first one goes on alone",
            )

    def _on_push(self, alive: bool, why: str) -> None:
        """Where order updates have a socket of their own: without it the order book is read often
        instead.
        """
        if self._book_poller is not None:
            self._book_poller.is_without_push = not alive
        if alive and not self._is_reconciled:
            # The start reads the book itself, and takes back what is ours in it first: a stop for what
            # a watchdog has closed would be one too many.
            self._was_push_late = True
        elif alive:
            self.want_book()
        elif not self.ended.is_set():
            self.board.say(
                Severity.WARN,
                "PUSH_DOWN",
                f"order updates are down ({why}): the order book is read every few seconds instead",
            )

    def _on_token_dead(self) -> None:
        if self.is_token_dead:
            return
        self.is_token_dead = True
        if self.engine.risk()["halt"] == Halt.ACTIVE:
            self.engine.on_halt(Halt.REDUCING, Reason.BROKER_TOKEN, self.clock.now_ns())
        self.board.say(
            Severity.ALARM,
            "TOKEN_DEAD",
            f"the broker no longer accepts the access token: no new entries. {what_is_open(self.plan)} {self.options.login_words}.",
        )

    def on_token(self, access_token: str) -> None:
        """A new access token: reconnect, poll the book, and lift the halt that the dead one
        caused.
        """
        assert self._session is not None
        self._session.set_access_token(access_token)
        self.is_token_dead = False
        risk = self.engine.risk()
        if risk["halt"] == Halt.REDUCING and risk["halt_reason"] == Reason.BROKER_TOKEN:
            self.engine.on_halt(Halt.ACTIVE, Reason.OK, self.clock.now_ns())
        self.board.say(Severity.INFO, "TOKEN_NEW", "a new access token is in use")
        if self._book_poller is not None:
            self._book_poller.on_token()

    def _on_message(self, kind: str, text: str) -> None:
        severity = Severity.WARN if kind == "error" else Severity.INFO
        self.board.say(severity, "BROKER_MESSAGE", f"the broker says ({kind}): {text}")

    def _on_trouble(self, error: BrokerError) -> None:
        if self._is_new_trouble(error):
            self.board.say(
                Severity.WARN, "BOOK_FAILED", f"the order book could not be read: {error}"
            )

    def _on_trades_trouble(self, error: BrokerError) -> None:
        if self._is_new_trouble(error):
            text = f"the list of trades could not be read ({error}): values that are not known, or only rounded, stay provisional"
            self.board.say(Severity.WARN, "TRADES_FAILED", text)

    def _is_new_trouble(self, error: BrokerError) -> bool:
        if isinstance(error, TokenError):
            self._on_token_dead()  # by whatever road it is heard of
        before, self._trouble = self._trouble, str(error)
        return before != self._trouble

    def _on_book_availability(self, is_back: bool, why: str) -> None:
        """Without a whole order book nobody knows what stands: nothing new is entered until one has
        come.
        """
        self.engine.on_pause(not is_back, self.clock.now_ns(), PauseBy.BOOK)
        if is_back:
            self.board.say(
                Severity.WARN,
                "BOOK_BACK",
                "the order book is whole again: entries are allowed as before",
            )
        else:
            self.board.say(
                Severity.ALARM,
                "BOOK_LOST",
                f"no whole order book has come for a minute ({why}): no new entries until one does; stops and exits go on by the broker's "
                f"order updates. {what_is_open(self.plan)} Look at the broker's own page.",
            )

    def _on_quote_trouble(self, error: BrokerError) -> None:
        text = str(error)
        if text != self._quote_trouble:
            self._quote_trouble = text
            self.board.say(
                Severity.WARN,
                "QUOTE_FAILED",
                f"no quote from the broker ({text}): price bands are not known for certain, so that no exit is held inside one; while the "
                "feed is silent, exits go to the market with protection. Asked again within ten seconds",
            )

    # --------------------------------------------------------------------------------------- faults
    def fault(self, error: BaseException, doing: str) -> None:
        """Our own code failed on the order path: no entries any more, every stop stays, and
        everybody hears of it.
        """
        self.has_fault = True
        log.critical("fault while %s", doing, exc_info=error)
        self.board.say(
            Severity.ALARM,
            "FAULT",
            f"FAULT while {doing} ({type(error).__name__}: {error}): the engine is halted, "
            f"stops stay at the exchange. "
            f"{what_is_open(self.plan)}",
        )
        self.engine.on_halt(Halt.HALTED, Reason.FAULT, self.clock.now_ns())

    # --------------------------------------------------------------------------------------- ending
    async def close(self) -> None:
        """After `ended`: take the last words, compare with the broker's positions, and hang up. Of a
        day that was never open nothing is compared.
        """
        if self._timer is not None:
            self._timer.cancel()
        if self.reconciler is not None:
            await self.reconciler.close()
        if self._book_poller is not None:
            await self._book_poller.close()
        if self._quote_poller is not None:
            await self._quote_poller.close()
        if self.secondary_feed is not None:
            await self.secondary_feed.stop()
        if self._fill_price_poller is not None and self._is_open:
            await self._fill_price_poller.finish()
            if self.engine.n_unvalued:
                self.board.say(
                    Severity.ALARM,
                    "VALUES_OPEN",
                    f"the broker has told no price for {self.engine.n_unvalued} orders that have filled: the day's profit is provisional. "
                    "Compare it with the broker's list of trades.",
                )
        if self._session is not None and self.reconciler is not None:
            if self._is_open:
                await self._verify(self.reconciler.positions)
            await self._session.close()
        self.collect()
        self._tell(len(self._untold))
        if self.journal is not None:
            self.journal.close(self.clock.now_ns())

    async def _verify(self, audit: PositionAudit) -> None:
        try:
            positions = await audit.read()
        except BrokerError as error:
            self.board.say(
                Severity.ALARM,
                "NOT_VERIFIED",
                f"the broker's positions could not be read at the end ({error}): look at them yourself. {what_is_open(self.plan)}",
            )
            return
        self.foreign_words = foreign_words(self.plan, positions)
        found = audit.compare(positions)
        for item in found:
            self.board.say(
                Severity.ALARM, "UNEXPLAINED", item.text, instrument_id=item.instrument_id
            )
        bare = uncovered(self.plan)
        if bare:
            self.board.say(
                Severity.ALARM,
                "NOT_VERIFIED",
                f"the broker's positions agree in quantity, but not every open unit has its stop ({', '.join(bare)}): look at them "
                f"yourself. {what_is_open(self.plan)}",
            )
        if not found and not bare:
            self.is_verified = True
            self.board.say(
                Severity.INFO,
                "VERIFIED",
                f"the broker's positions agree. {what_is_open(self.plan)}",
            )
