"""What happened to each order of the day, step by step, for the page: asked, sent, answered,
reported, with the broker's own words.

Kept beside the path of an order: what comes before the bytes leave is one entry in a table; words
are made when the broker speaks.
Memory is bounded: an order keeps its first and its newest steps, and a report that says nothing new
is not kept.
"""

from typing import Any, Protocol

import msgspec

from otrade._core.engine.rows import OrderRow
from otrade._core.types import Cmd, Ev, OrdType, Source
from otrade.brokers.session import Answer, OrderReport
from otrade.contract.queries import TimelineActor
from otrade.units import rupees

STEPS_MAX = 48
STEPS_FIRST = 16

REQUESTED = {Cmd.NEW: "Asked: place", Cmd.REPLACE: "Asked: change", Cmd.CANCEL: "Asked: cancel"}
ANSWERED = {
    Ev.ACK: "The broker has taken it",
    Ev.REFUSED: "The broker refuses it",
    Ev.TIMEOUT: "No answer: in doubt",
}
ROADS = {
    Source.PUSH: "push",
    Source.BOOK: "order book",
    Source.POSTBACK: "postback",
    Source.ASKED: "order book",
}
EXCHANGE = frozenset(
    (Ev.WORKING, Ev.FILL_PART, Ev.FILL_FULL, Ev.CANCELED, Ev.REJECTED, Ev.EXPIRED, Ev.REPLACED)
)
"""Reports of what happened at the exchange, not on the way to it."""
REPORTED = {
    Ev.ACCEPTED: "Received",
    Ev.WORKING: "Works at the exchange",
    Ev.FILL_PART: "Partly filled",
    Ev.FILL_FULL: "Filled",
    Ev.CANCELED: "Cancelled",
    Ev.REJECTED: "Rejected",
    Ev.EXPIRED: "Expired",
    Ev.REPLACED: "The change is in force",
    Ev.REPLACE_REJECTED: "The change is rejected",
    Ev.CANCEL_REJECTED: "The cancel is rejected",
    Ev.UNKNOWN: "A status word that is not known here",
}


class OrderCommandView(Protocol):
    """What is read of a command."""

    kind: int
    seq: int
    cl_ord_id: str
    qty: int
    price_e4: int
    trigger_e4: int
    ord_type: int
    ts_ns: int


class OrderEvent(msgspec.Struct, frozen=True):
    ts_ns: int
    by: TimelineActor
    what: str
    words: str


class OrderTimelines:
    """Told by the order router of what leaves and what comes. Times are engine time, ns."""

    def __init__(self) -> None:
        self._steps: dict[str, list[OrderEvent]] = {}
        self._fresh: dict[int, OrderCommandView] = {}
        """Commands that are about to leave, and have not been told of yet."""
        self._requests: dict[int, str] = {}
        """Those that wait for an answer, and whose they are."""
        self._said: dict[str, tuple[Any, ...]] = {}

    def of(self, cl_ord_id: str) -> list[OrderEvent]:
        """Oldest first; empty for an order that an earlier process sent."""
        for seq in list(self._fresh):
            self._request(seq)
        return self._steps.get(cl_ord_id, [])

    def requested(self, command: OrderCommandView) -> None:
        """Comes before the command leaves, and is cheap for that reason."""
        self._fresh[command.seq] = command

    def _request(self, seq: int) -> str:
        """Whose request this is; empty when that is not known."""
        command = self._fresh.pop(seq, None)
        if command is None:
            return self._requests.get(seq, "")
        self._requests[seq] = command.cl_ord_id
        self._add(
            command.cl_ord_id,
            OrderEvent(
                command.ts_ns, "engine", REQUESTED.get(Cmd(command.kind), "Asked"), _terms(command)
            ),
        )
        return command.cl_ord_id

    def sent(self, seq: int, ts_ns: int) -> None:
        cl_ord_id = self._request(seq)
        if cl_ord_id:
            self._add(
                cl_ord_id, OrderEvent(ts_ns, "wire", "Sent: the last byte is out", f"request {seq}")
            )

    def answered(self, seq: int, answer: Answer, ts_ns: int) -> None:
        cl_ord_id = self._request(seq)
        if not cl_ord_id:
            return
        del self._requests[seq]
        named = f"the broker's number is {answer.broker_order_id}" if answer.broker_order_id else ""
        words = ". ".join(filter(None, (named, answer.text)))
        self._add(
            cl_ord_id,
            OrderEvent(ts_ns, "broker", ANSWERED.get(answer.outcome, answer.outcome.name), words),
        )

    def reported(self, report: OrderReport) -> None:
        said = (
            report.ev,
            report.status,
            report.cum_qty,
            report.order_qty,
            report.price_e4,
            report.trigger_e4,
            report.ord_type,
        )
        if self._said.get(report.cl_ord_id) == said:
            return
        self._said[report.cl_ord_id] = said
        by: TimelineActor = "exchange" if report.ev in EXCHANGE else "broker"
        self._add(
            report.cl_ord_id,
            OrderEvent(
                report.ts_recv_ns, by, REPORTED.get(report.ev, report.ev.name), _said_words(report)
            ),
        )

    def _add(self, cl_ord_id: str, step: OrderEvent) -> None:
        steps = self._steps.setdefault(cl_ord_id, [])
        if len(steps) >= STEPS_MAX:
            del steps[STEPS_FIRST]
        steps.append(step)


def marks_of(order: OrderRow) -> list[OrderEvent]:
    """What the core alone remembers of an order: for one whose steps an earlier process saw."""
    marks: list[tuple[int, TimelineActor, str]] = [
        (order["ts_intent_ns"], "engine", "Asked: place"),
        (order["ts_sent_ns"], "wire", "Sent: the last byte is out"),
        (order["ts_ack_ns"], "broker", "The broker has taken it"),
        (order["ts_report_ns"], "exchange", "Last report"),
    ]
    return [OrderEvent(ts_ns, by, what, "") for ts_ns, by, what in marks if ts_ns]


def _terms(command: OrderCommandView) -> str:
    if command.kind == Cmd.CANCEL:
        return ""
    parts = [f"{command.qty} units", OrdType(command.ord_type).name]
    if command.price_e4:
        parts.append(f"limit {rupees(command.price_e4)}")
    if command.trigger_e4:
        parts.append(f"trigger {rupees(command.trigger_e4)}")
    return ", ".join(parts)


def _said_words(report: OrderReport) -> str:
    parts = [f"status {report.status}" if report.status else "", f"by {ROADS[report.source]}"]
    if report.cum_qty:
        parts.append(
            f"{report.cum_qty} of {report.order_qty} filled, average {rupees(report.cum_value_e4 // report.cum_qty)}"
        )
    if report.text:
        parts.append(f"“{report.text}”")
    return ", ".join(filter(None, parts))
