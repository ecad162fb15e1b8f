"""The way between the core and the broker: commands go out by lane, answers and reports go in.

Everything here runs in the call that brought the news, so a stop that a fill asks for leaves before
the next byte is read. A failure of our own code on this path is not survivable by guessing:
`on_fault` halts entries, keeps every stop, and shouts.
"""

from collections.abc import Callable
from typing import Literal

from otrade._core.engine.engine import Engine
from otrade._core.engine.views import Command
from otrade._core.types import Cmd, Ev, Lane, Reason, Source
from otrade.brokers.session import Answer, BrokerSession, OrderReport
from otrade.clock import Clock
from otrade.live.history.latency import OrderLatency
from otrade.live.history.order_timeline import OrderTimelines
from otrade.live.persistence.day_journal import DayJournal

Teller = Literal["push", "book", "engine"]
UNRECORDED = Answer(
    Ev.REFUSED,
    "",
    Reason.JOURNAL,
    "not sent: the journal has no room for it, and no entry leaves without its record",
)


class OrderRouter:
    """Owns the order traffic of one day. `session` is set once the broker's session exists."""

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        *,
        on_poll_book: Callable[[], None],
        on_unknown: Callable[[OrderReport], None],
        on_refused: Callable[[int, Answer], None],
        on_fault: Callable[[BaseException, str], None],
        journal: DayJournal | None = None,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._on_poll_book = on_poll_book
        self._on_unknown = on_unknown
        self._on_refused = on_refused
        self._on_fault = on_fault
        self._journal = journal
        self._draining = False
        self._sources: dict[str, Teller] = {}
        self.session: BrokerSession | None = None
        self.timelines = OrderTimelines()
        self.n_sent = 0
        self.latency = OrderLatency()

    def drain(self) -> None:
        """Send every waiting command, protection first. Answers that come meanwhile make another
        round of this loop.
        """
        if self._draining or self.session is None:
            return
        self._draining = True
        try:
            while batch := self._take_all():
                # One order has one request at a time, so sorting by lane never swaps two requests
                # of one order.
                batch.sort(key=_lane_of)
                for command in batch:
                    if command.kind == Cmd.LOOK:
                        self._on_poll_book()
                    elif (
                        command.is_unrecorded
                        and command.lane == Lane.ENTRY
                        and command.kind == Cmd.NEW
                    ):
                        # What a lost record is about could not be explained after a crash.
                        # Protection leaves all the same.
                        self.on_answer(command.seq, UNRECORDED)
                    else:
                        self.n_sent += 1
                        self.latency.on_made(
                            command.seq, command.kind, command.cl_ord_id, command.ts_ns
                        )
                        self.timelines.requested(command)
                        self.session.send(command)
                self._note_feed(batch)
        finally:
            self._draining = False

    def _note_feed(self, batch: list[Command]) -> None:
        """How old the prices of new orders are, looked at when their bytes have left."""
        for instrument_id in {
            command.instrument_id for command in batch if command.kind == Cmd.NEW
        }:
            market = self._engine.market(instrument_id)
            self.latency.on_market(market["ts_exch_ns"], market["ts_recv_ns"])

    def _take_all(self) -> list[Command]:
        batch: list[Command] = []
        while (command := self._engine.take_command()) is not None:
            batch.append(command)
        return batch

    # ---------------------------------------------------------------------------- the broker's news
    def on_commands(self) -> None:
        """A frame of the feed left commands waiting."""
        try:
            self.drain()
        except Exception as error:
            self._on_fault(error, "sending orders")

    def on_sent(self, seq: int, ts_ns: int) -> None:
        self._engine.on_sent(seq, ts_ns)
        self.latency.on_sent(seq, ts_ns)
        self.timelines.sent(seq, ts_ns)

    def on_answer(self, seq: int, answer: Answer) -> None:
        now_ns = self._clock.now_ns()
        try:
            self._engine.on_answer(
                seq,
                answer.outcome,
                broker_order_id=answer.broker_order_id,
                reason=answer.reason,
                ts_ns=now_ns,
            )
            self.latency.on_answer(seq, now_ns, is_answered=answer.outcome != Ev.TIMEOUT)
            if answer.outcome != Ev.ACK:
                self._on_refused(seq, answer)
            self.drain()
            self.timelines.answered(seq, answer, self._clock.now_ns())
        except Exception as error:
            self._on_fault(error, "taking a broker's answer")

    def on_report(self, report: OrderReport) -> None:
        try:
            if self.take_report(report) == Reason.UNKNOWN_ORDER:
                self._on_unknown(report)
            self.drain()
        except Exception as error:
            self._on_fault(error, "taking an order report")

    def take_report(self, report: OrderReport) -> int:
        """Hand one report to the core, without sending what it leads to. 0, or the Reason why it
        changed nothing.
        """
        if self._journal is not None:
            self._journal.raw(report)
        reason: int = self._engine.on_report(report)
        if reason != Reason.UNKNOWN_ORDER:
            self.latency.on_report(report)
            self._sources[report.cl_ord_id] = (
                "book" if report.source in (Source.BOOK, Source.ASKED) else "push"
            )
            self.timelines.reported(report)
        return reason

    def source_of(self, cl_ord_id: str) -> Teller:
        """Who told us last about an order of ours; "engine" when nobody has yet."""
        return self._sources.get(cl_ord_id, "engine")


def _lane_of(command: Command) -> int:
    lane: int = command.lane
    return lane
