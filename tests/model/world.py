"""One real engine and the state around it: does an event, and takes what the engine asks for.

The engine is the one that trades (`Engine`, `Pipeline`); between two events its memory is copied out and back (`Checkpoint`).
Every event has a time of its own, a nanosecond after the one before, so that what came first is first.
"""

from __future__ import annotations

import struct
from typing import Any

from otrade._core.engine.checkpoint import Checkpoint
from otrade._core.types import Cmd, Ev, PauseBy, Reason, Rec, Source, Worth
from tests.harness.core_engine import (
    HOUR,
    OPEN_NS,
    SECOND,
    frame,
    make_engine,
    packet,
    token_of,
)
from tests.model.canonical import Canonical
from tests.model.events import HELD, PROMPT, STEP_NS, TIMED_OUT, Event
from tests.model.state import (
    EV_OF,
    FILL_E4,
    LIMIT,
    MARKET,
    PX_E4,
    SL,
    Asked,
    AtBroker,
    Px,
    State,
    Status,
    Unknown,
    Used,
    bracket_of,
    leg_of,
)

REPORT = struct.Struct("<4i7q2i24s32si4x")
LOOK_GAP_NS = 2 * SECOND
PLAN: dict[str, Any] = {
    "size_value": 2.0,
    "entry_timeout_ns": 5 * SECOND,
    "trail_kind": 2,
    "trail_value": 2.0,
    "trail_step_value": 0.5,
    "cooldown_ns": 0,
}


class ViolationError(AssertionError):
    """Something that must hold does not."""


class World:
    """`plan` is what differs from PLAN in the strategy's plan."""

    def __init__(self, plan: dict[str, Any] | None = None) -> None:
        self.plan = PLAN | (plan or {})
        self.is_oco = self.plan.get("exit_mode", 0) == 1
        self.engine = make_engine(
            plan=self.plan, brackets=4, orders=64, run_id=1, max_order_qty=100
        )
        self.checkpoint = Checkpoint(self.engine)
        self.canonical = Canonical(self.checkpoint.places())
        self.s = State.first(OPEN_NS + SECOND)
        self._frames = [frame(packet(token_of(0), px // 100)) for px in PX_E4]
        self._frame()
        self.do(("signal",))
        self.s.used[Used.SIGNAL] = 0

    # ------------------------------------------------------------------------------------------ there and back
    def save(self) -> tuple[bytes, State]:
        return self.checkpoint.save(), self.s

    def restore(self, memory: bytes, state: State) -> None:
        self.checkpoint.restore(memory)
        self.s = state.copy()

    # ------------------------------------------------------------------------------------------------- events
    def do(self, event: Event) -> None:
        """ViolationError when the engine asks for what it must not ask for."""
        self.s.now += 1
        getattr(self, f"_{event[0]}")(*event[1:])

    def _take(self, i: int, answer: int, push: int) -> None:
        s = self.s
        r = s.wire.pop(i)
        refused = self._arrives(r)
        if not r.late:
            outcome = Ev.REFUSED if refused else Ev.ACK
            if answer == HELD:
                s.used[Used.HOLD] += 1
                s.mail.append(("answer", r.order, r.seq, int(outcome), refused))
            elif answer == TIMED_OUT:
                s.used[Used.LOST] += 1
                self._answer(r.order, r.seq, Ev.TIMEOUT, 0)
            else:
                self._answer(r.order, r.seq, outcome, refused)
        if not refused:
            if push == HELD and answer != TIMED_OUT:
                s.used[Used.HOLD] += 1
            self._say(r.order, push)

    def _lose(self, i: int) -> None:
        r = self.s.wire.pop(i)
        self.s.used[Used.LOST] += 1
        self._answer(r.order, r.seq, Ev.TIMEOUT, 0)

    def _late(self, i: int) -> None:
        r = self.s.wire[i]
        self.s.wire[i] = r._replace(late=1)
        self.s.used[Used.LATE] += 1
        self._answer(r.order, r.seq, Ev.TIMEOUT, 0)

    def _refuse(self, i: int) -> None:
        r = self.s.wire.pop(i)
        self.s.used[Used.REFUSAL] += 1
        self._answer(r.order, r.seq, Ev.REFUSED, _why(r))

    def _fill(self, i: int, qty: int, push: int) -> None:
        s = self.s
        o = s.orders[i]
        assert o is not None
        if qty < o.leaves:
            s.used[Used.PART] += 1
        if push == HELD:
            s.used[Used.HOLD] += 1
        cum = o.cum + qty
        self._becomes(i, o._replace(cum=cum, status=int(Status.COMPLETE) if cum >= o.qty else o.status))
        self._say(i, push)

    def _late_fill(self, i: int) -> None:
        o = self.s.orders[i]
        assert o is not None
        self.s.used[Used.LATE_FILL] += 1
        self._taint(i)
        self._becomes(i, o._replace(cum=o.qty, status=int(Status.COMPLETE)))
        self._say(i, PROMPT)

    def _reject(self, i: int) -> None:
        o = self.s.orders[i]
        assert o is not None
        self.s.used[Used.REJECT] += 1
        self._becomes(i, o._replace(status=int(Status.REJECTED)))
        self._say(i, PROMPT)

    def _deliver(self, i: int) -> None:
        self._hand_over(self.s.mail.pop(i))

    def _double(self, i: int) -> None:
        self.s.used[Used.DOUBLE] += 1
        self._hand_over(self.s.mail[i])

    def _book(self, lacking: int) -> None:
        if lacking >= 0:
            self.s.used[Used.BOOK] += 1
        rows = self._rows(lacking)
        asked_ns = self._book_answered()
        self._book_comes(asked_ns, rows, lacking)

    def _book_read(self) -> None:
        self.s.used[Used.BOOK] += 1
        rows = self._rows(-1)
        self.s.mail.append(("book", self._book_answered(), rows))

    def _time(self, step: int) -> None:
        if step == 2:
            self.s.used[Used.LONG] += 1
        self.pass_time(STEP_NS[step])

    def _price(self, px: int) -> None:
        self.s.used[Used.MOVE] += 1
        self._move(px, silent=True)

    def _signal(self) -> None:
        self.s.used[Used.SIGNAL] += 1
        self._move(int(Px.DOWN if self.s.px == Px.UP else Px.UP), silent=False)

    def _flatten(self) -> None:
        self.s.used[Used.PERSON] += 1
        self.flatten()

    def _halt(self, halt: int) -> None:
        self.s.used[Used.PERSON] += 1
        self.s.halt = halt
        self.engine.on_halt(halt, Reason.HALTED if halt else 0, self.s.now)
        self._commands()

    def _square_off(self) -> None:
        s = self.s
        s.used[Used.SQUARE_OFF] += 1
        s.squared = 1
        self.engine.set_session(
            0, open_ns=OPEN_NS, entry_from_ns=OPEN_NS, entry_until_ns=s.now, square_off_ns=s.now,
            close_ns=OPEN_NS + 920 * HOUR,
        )  # fmt: skip
        self.engine.on_timer(s.now)
        self._commands()

    def _restart(self) -> None:
        """All that the journal told is there again; what was under way is not, but what had been sent may still arrive."""
        s = self.s
        s.used[Used.RESTART] += 1
        s.run += 1
        s.paused = 1
        s.mail = []
        s.wire = [r._replace(late=1) for r in s.wire]
        s.book_ns = s.book_again = 0
        s.unknown = [_doubt(u, s.now) for u in s.unknown]
        self.engine.discard_commands()
        self.engine.resume(1 + s.run, s.now)
        self.engine.on_feed(True, s.now)
        self._commands()
        self._frame()
        if not s.book_ns:
            s.book_ns = s.now  # a start reads the book, whatever the core asks for

    # ------------------------------------------------------------------------------------------- used by others too
    def flatten(self) -> None:
        self.engine.on_flatten(-1, self.s.now)
        self._commands()

    def pass_time(self, ns: int) -> None:
        self.s.now += ns
        self._frame()
        self.engine.on_timer(self.s.now)
        self._commands()

    # ------------------------------------------------------------------------------------------------ the broker
    def _arrives(self, r: Asked) -> int:
        """0, or the Reason why the broker refuses it."""
        s = self.s
        o = s.orders[r.order]
        if r.kind == Cmd.NEW:
            if o is not None:
                raise ViolationError(f"the placement of {s.tags[r.order]} arrives twice")
            if r.late and self._status(r.order) == ABSENT:
                self._taint(r.order)  # its absence was proved, and it comes all the same
            kind, price, status = r.ord_type, r.price, Status.OPEN
            if kind == SL:
                if _has_crossed(r.side, r.trigger, PX_E4[s.px]):
                    return int(Reason.BROKER_ORDER)
                status = Status.TRIGGER
            elif kind == MARKET:
                kind, price = LIMIT, _protected(r.side, PX_E4[s.px])
            s.orders[r.order] = AtBroker(r.side, kind, r.qty, price, r.trigger, int(status), 0, 1, 0)
            return 0
        if o is None or not o.is_live:
            return int(Reason.BROKER_ORDER)
        if r.kind == Cmd.CANCEL:
            self._becomes(r.order, o._replace(status=int(Status.CANCELLED)))
            return 0
        if r.qty <= o.cum or (r.ord_type == SL and _has_crossed(o.side, r.trigger, PX_E4[s.px])):
            return int(Reason.BROKER_ORDER)
        kind, price = r.ord_type, r.price
        if kind == MARKET:
            kind, price = LIMIT, _protected(o.side, PX_E4[s.px])
        self._becomes(
            r.order,
            o._replace(
                kind=kind, qty=r.qty, price=price, trigger=r.trigger or o.trigger, triggered=0,
                status=int(Status.TRIGGER if kind == SL else Status.OPEN),
            ),
        )  # fmt: skip
        return 0

    def _becomes(self, i: int, o: AtBroker) -> None:
        self.s.orders[i] = o._replace(version=o.version + 1)

    def _say(self, i: int, push: int) -> None:
        item = ("push", i, self.s.orders[i])
        if push == HELD:
            self.s.mail.append(item)
        else:
            self._hand_over(item)

    def _rows(self, lacking: int) -> tuple[tuple[int, tuple[int, ...]], ...]:
        return tuple((i, tuple(o)) for i, o in enumerate(self.s.orders) if o is not None and i != lacking)

    def _book_answered(self) -> int:
        s = self.s
        asked_ns = s.book_ns
        s.book_ns, s.book_again = (s.now if s.book_again else 0), 0
        return asked_ns

    def _move(self, px: int, *, silent: bool) -> None:
        """The market trades at another price. `silent`: the strategy does not look."""
        s = self.s
        s.px = px
        pushed = []
        for i, o in enumerate(s.orders):
            if o is not None and o.status == Status.TRIGGER and _has_crossed(o.side, o.trigger, PX_E4[px]):
                self._becomes(i, o._replace(status=int(Status.OPEN), triggered=1))
                pushed.append(i)
        if silent:
            self.engine.set_strategy_enabled(0, False)
        self._frame()
        if silent:
            self.engine.set_strategy_enabled(0, True)
        self._commands()
        for i in pushed:
            self._say(i, PROMPT)

    # -------------------------------------------------------------------------------------------------- to the core
    def _frame(self) -> None:
        self.engine.on_frame_bytes(self._frames[self.s.px], self.s.now)

    def _hand_over(self, item: tuple[Any, ...]) -> None:
        if item[0] == "answer":
            self._answer(*item[1:])
        elif item[0] == "push":
            self._report(item[1], item[2], Source.PUSH)
            self._commands()
        else:
            self._book_comes(item[1], item[2], -1)

    def _answer(self, i: int, seq: int, outcome: int, reason: int) -> None:
        s = self.s
        if outcome == Ev.TIMEOUT:
            s.unknown[i] = _doubt(s.unknown[i], s.now)
        else:
            s.unknown[i] = None
            s.named[i] |= outcome == Ev.ACK
        self.engine.on_answer(
            seq, outcome, broker_order_id=f"B{i}" if outcome == Ev.ACK else "", reason=reason, ts_ns=s.now
        )
        self._commands()

    def _report(self, i: int, o: AtBroker, source: int) -> None:
        s = self.s
        s.told[i] = max(s.told[i], o.version)
        s.named[i] = 1
        s.unknown[i] = None
        ev = EV_OF[Status(o.status)]
        if ev == Ev.WORKING and o.cum:
            ev = Ev.FILL_PART
        payload = REPORT.pack(
            ev, source, o.kind, o.side, o.qty, o.cum, o.cum * FILL_E4[o.side], o.price, o.trigger, o.version, s.now,
            o.triggered, 0, s.tags[i].encode(), b"B%d" % i, Worth.AVERAGE,
        )  # fmt: skip
        self.engine.on_record(Rec.REPORT, s.now, payload)

    def _book_comes(self, asked_ns: int, rows: tuple[tuple[int, tuple[int, ...]], ...], lacking: int) -> None:
        """`lacking` is an order that the broker has and the rows have not. Where the broker has named it, its absence shows."""
        s = self.s
        proves = lacking < 0 or not s.named[lacking]
        shown = {i for i, _ in rows}
        self.engine.on_book_begin(asked_ns)
        for i, row in rows:
            self._report(i, AtBroker(*row), Source.BOOK)
        for i, u in enumerate(s.unknown):
            if u is not None and i not in shown and proves and asked_ns >= u.since_ns:
                if u.looks == 0:
                    s.unknown[i] = Unknown(u.since_ns, 1, asked_ns)
                elif asked_ns >= u.look_ns + LOOK_GAP_NS:
                    s.unknown[i] = u._replace(looks=2)
        self.engine.on_book_end(s.now, proves)
        self._commands()
        if s.paused:
            s.paused = 0
            self.engine.on_pause(False, s.now, PauseBy.START)

    # ------------------------------------------------------------------------------------------------ from the core
    def _commands(self) -> None:
        s = self.s
        while (cmd := self.engine.take_command()) is not None:
            if cmd.kind == Cmd.LOOK:
                if s.book_ns:
                    s.book_again = 1
                else:
                    s.book_ns = s.now
                continue
            if cmd.kind == Cmd.NEW:
                self._may_place(cmd)
                i = len(s.tags)
                s.tags.append(cmd.cl_ord_id)
                s.orders.append(None)
                s.told.append(0)
                s.named.append(0)
                s.unknown.append(Unknown(s.now, 0, 0))
            else:
                i = s.tags.index(cmd.cl_ord_id)
            s.wire.append(
                Asked(cmd.kind, i, cmd.seq, cmd.side, cmd.ord_type, cmd.qty, cmd.price_e4, cmd.trigger_e4, 0)
            )

    def _may_place(self, cmd: Any) -> None:
        s = self.s
        tag = cmd.cl_ord_id
        if tag in s.tags:
            raise ViolationError(f"two orders with one ClOrdID: {tag}")
        if leg_of(tag) == "E" and (s.halt or s.paused or s.squared):
            raise ViolationError(f"an entry is sent while it is {'halted' if s.halt else 'kept out'}: {tag}")
        for other, u in zip(s.tags, s.unknown, strict=True):
            if u is not None and u.looks < 2 and leg_of(other) == leg_of(tag) and bracket_of(other) == bracket_of(tag):
                raise ViolationError(
                    f"{tag} is sent while nobody knows what became of {other}: {u.looks} whole books have lacked it, two prove"
                )

    def _status(self, i: int) -> int:
        slot = self.engine.find_order(self.s.tags[i], "")
        return int(self.engine.order(slot)["ord_status"]) if slot >= 0 else -1

    def _taint(self, i: int) -> None:
        brackets = sorted({bracket_of(tag) for tag in self.s.tags})
        self.s.taint |= 1 << brackets.index(bracket_of(self.s.tags[i]))


ABSENT = 10


def _doubt(u: Unknown | None, now: int) -> Unknown | None:
    """Books that came before the doubt prove nothing; absence that is proved stays so."""
    return Unknown(now, 0, 0) if u is not None and u.looks < 2 else u


def _why(r: Asked) -> int:
    return int(Reason.BROKER_BUSY if r.kind == Cmd.CANCEL else Reason.BROKER_ORDER)


def _has_crossed(side: int, trigger: int, px_e4: int) -> bool:
    return px_e4 >= trigger if side > 0 else px_e4 <= trigger


def _protected(side: int, px_e4: int) -> int:
    """The limit as which a broker keeps a market order."""
    return px_e4 * (103 if side > 0 else 97) // 100 // 500 * 500


