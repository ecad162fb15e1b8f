"""One real engine and the state around it: does an event, and takes what the engine asks for.

The engine is the one that trades (`Engine`, `Pipeline`); between two events its memory is copied out and back (`Checkpoint`).
Every event has a time of its own, a nanosecond after the one before, so that what came first is first.
"""

from __future__ import annotations

import struct
from typing import Any, cast

from otrade._core.engine.checkpoint import Checkpoint
from otrade._core.engine.engine import Engine
from otrade._core.types import Cmd, Ev, OrdType, PauseBy, Reason, Rec, Side, Source, Worth
from otrade.brokers.session import OrderReport
from otrade.live.plan.day_plan import DayPlan
from otrade.live.reconciliation.bracket_recovery import BracketRecovery
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
    ExchangeStatus,
    Px,
    State,
    Unknown,
    Used,
    bracket_of,
    leg_of,
)

REPORT = struct.Struct("<4i7q2i24s32si4x")
LOOK_GAP_NS = 2 * SECOND
UNANSWERED_NS = 10 * SECOND
"""After that the core takes a request for lost by itself."""
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


class _Traded:
    """Of a day's plan for a strategy, what taking brackets back from the book reads."""

    instrument_id = 0
    name = "model"


class _PlanOf:
    """Of a `DayPlan`, the same."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.instrument_of = {token_of(0): 0}
        self.strategies = [_Traded()]

    def symbol_of(self, _: int) -> str:
        return "STOCK0"


class World:
    """`plan` is what differs from PLAN in the strategy's plan."""

    def __init__(self, plan: dict[str, Any] | None = None) -> None:
        self.plan = PLAN | (plan or {})
        self.is_oco = self.plan.get("exit_mode", 0) == 1
        self.engine = make_engine(
            plan=self.plan,
            brackets=4,
            orders=64,
            notices=1,
            commands=8,
            run_id=1,
            max_order_qty=100,
        )
        self.checkpoint = Checkpoint(self.engine)
        self.canonical = Canonical(self.checkpoint.places())
        self._blank = self.checkpoint.save()
        self._recovery = BracketRecovery(cast(DayPlan, _PlanOf(self.engine)))
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
        self._becomes(
            i,
            o._replace(cum=cum, status=int(ExchangeStatus.COMPLETE) if cum >= o.qty else o.status),
        )
        self._say(i, push)

    def _late_fill(self, i: int) -> None:
        o = self.s.orders[i]
        assert o is not None
        self.s.used[Used.LATE_FILL] += 1
        self._taint(i)
        self._becomes(i, o._replace(cum=o.qty, status=int(ExchangeStatus.COMPLETE)))
        self._say(i, PROMPT)

    def _reject(self, i: int) -> None:
        o = self.s.orders[i]
        assert o is not None
        self.s.used[Used.REJECT] += 1
        self._becomes(i, o._replace(status=int(ExchangeStatus.REJECTED)))
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
        self._session()
        self.engine.on_timer(s.now)
        self._commands()

    def _restart(self) -> None:
        """All that the journal told is there again; what was under way is not, but what had been sent may still arrive."""
        s = self.s
        self._end_of_process()
        self.engine.discard_commands()
        self.engine.resume(1 + s.run, s.now)
        self._begin_again()

    def _lost_journal(self) -> None:
        """The broker's book is all that is left: a fresh engine, which only reduces, because nobody knows whether a person had
        halted the one before.
        """
        s = self.s
        self._end_of_process()
        s.lost = 1
        s.halt = 1
        s.unknown = [None] * len(s.tags)  # nobody here knows that they were asked for
        s.named = [0] * len(s.tags)
        self.checkpoint.restore(self._blank)
        self.engine.set_run(1 + s.run)
        if s.squared:
            self._session()
        self.engine.on_halt(1, Reason.FORGOTTEN, s.now)
        self.engine.on_pause(True, s.now, PauseBy.START)
        self._begin_again()

    def _end_of_process(self) -> None:
        s = self.s
        s.used[Used.RESTART] += 1
        s.run += 1
        s.paused = 1
        s.mail = []
        s.wire = [r._replace(late=1) for r in s.wire]
        s.book_ns = s.book_again = 0
        # A doubt that has been looked for began before the death, and goes on (`resume`).
        s.unknown = [u if u is not None and u.looks else _doubt(u, s.now) for u in s.unknown]

    def _begin_again(self) -> None:
        s = self.s
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

    def audit(self) -> None:
        """The order book is asked for, as it is regularly whatever the core wants."""
        self.s.book_ns = self.s.book_ns or self.s.now

    def _session(self) -> None:
        now = self.s.now
        self.engine.set_session(
            0,
            open_ns=OPEN_NS,
            entry_from_ns=OPEN_NS,
            entry_until_ns=now,
            square_off_ns=now,
            close_ns=OPEN_NS + 920 * HOUR,
        )

    # ------------------------------------------------------------------------------------------------ the broker
    def _arrives(self, r: Asked) -> int:
        """0, or the Reason why the broker refuses it."""
        s = self.s
        o = s.orders[r.order]
        if r.kind == Cmd.NEW:
            if o is not None:
                raise ViolationError(f"the placement of {s.tags[r.order]} arrives twice")
            if r.late and self._status(r.order) in (ABSENT, STRANGER):
                self._taint(
                    r.order
                )  # its absence was proved, or nobody knows of it, and it comes all the same
            kind, price, status = r.ord_type, r.price, ExchangeStatus.OPEN
            if kind == SL:
                if _has_crossed(r.side, r.trigger, PX_E4[s.px]):
                    return int(Reason.BROKER_ORDER)
                status = ExchangeStatus.TRIGGER
            elif kind == MARKET:
                kind, price = LIMIT, _protected(r.side, PX_E4[s.px])
            s.orders[r.order] = AtBroker(
                r.side, kind, r.qty, price, r.trigger, int(status), 0, 1, 0
            )
            return 0
        if o is None or not o.is_live:
            return int(Reason.BROKER_ORDER)
        if r.kind == Cmd.CANCEL:
            self._becomes(r.order, o._replace(status=int(ExchangeStatus.CANCELLED)))
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
                status=int(ExchangeStatus.TRIGGER if kind == SL else ExchangeStatus.OPEN),
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
        return tuple(
            (i, tuple(o)) for i, o in enumerate(self.s.orders) if o is not None and i != lacking
        )

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
            if (
                o is not None
                and o.status == ExchangeStatus.TRIGGER
                and _has_crossed(o.side, o.trigger, PX_E4[px])
            ):
                self._becomes(i, o._replace(status=int(ExchangeStatus.OPEN), triggered=1))
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
            u = s.unknown[i]
            if (
                u is not None and s.now < u.since_ns + UNANSWERED_NS
            ):  # else the core has doubted it by itself
                s.unknown[i] = _doubt(u, s.now)
        else:
            s.unknown[i] = None
            s.named[i] |= outcome == Ev.ACK
        self.engine.on_answer(
            seq,
            outcome,
            broker_order_id=f"B{i}" if outcome == Ev.ACK else "",
            reason=reason,
            ts_ns=s.now,
        )
        self._commands()

    def _report(self, i: int, o: AtBroker, source: int) -> None:
        s = self.s
        if s.lost and self.engine.find_order(s.tags[i], "") < 0:
            return  # a push about an order that nobody knows here: the next book shows it
        s.told[i] = max(s.told[i], o.version)
        s.named[i] = 1
        s.unknown[i] = None
        ev = EV_OF[ExchangeStatus(o.status)]
        if ev == Ev.WORKING and o.cum:
            ev = Ev.FILL_PART
        payload = REPORT.pack(
            ev, source, o.kind, o.side, o.qty, o.cum, o.cum * FILL_E4[o.side], o.price, o.trigger, o.version, s.now,
            o.triggered, 0, s.tags[i].encode(), b"B%d" % i, Worth.AVERAGE,
        )  # fmt: skip
        self.engine.on_record(Rec.REPORT, s.now, payload)

    def _book_comes(
        self, asked_ns: int, rows: tuple[tuple[int, tuple[int, ...]], ...], lacking: int
    ) -> None:
        """`lacking` is an order that the broker has and the rows have not. Where the broker has named it, its absence shows."""
        s = self.s
        if lacking >= 0 and self._status(lacking) == STRANGER:
            self._taint(lacking)
        proves = lacking < 0 or not s.named[lacking]
        shown = {i for i, _ in rows}
        self.engine.on_book_begin(asked_ns)
        if s.lost:
            self._recovery.adopt([self._row_of(i, AtBroker(*row)) for i, row in rows], s.now)
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

    def _row_of(self, i: int, o: AtBroker) -> OrderReport:
        return OrderReport(
            cl_ord_id=self.s.tags[i], broker_order_id=f"B{i}", ev=EV_OF[ExchangeStatus(o.status)], source=Source.BOOK, side=Side(o.side),
            order_qty=o.qty, cum_qty=o.cum, cum_value_e4=o.cum * FILL_E4[o.side], price_e4=o.price, trigger_e4=o.trigger,
            ord_type=OrdType(o.kind), triggered=bool(o.triggered), reason=0, ts_update_ns=o.version, ts_recv_ns=self.s.now,
            worth=Worth.AVERAGE, instrument_token=token_of(0),
        )  # fmt: skip

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
                Asked(
                    cmd.kind,
                    i,
                    cmd.seq,
                    cmd.side,
                    cmd.ord_type,
                    cmd.qty,
                    cmd.price_e4,
                    cmd.trigger_e4,
                    0,
                )
            )

    def _may_place(self, cmd: Any) -> None:
        s = self.s
        tag = cmd.cl_ord_id
        if tag in s.tags:
            raise ViolationError(f"two orders with one ClOrdID: {tag}")
        if leg_of(tag) == "E" and (s.halt or s.paused or s.squared):
            raise ViolationError(
                f"an entry is sent while it is {'halted' if s.halt else 'kept out'}: {tag}"
            )
        for other, u in zip(s.tags, s.unknown, strict=True):
            if (
                u is not None
                and u.looks < 2
                and leg_of(other) == leg_of(tag)
                and bracket_of(other) == bracket_of(tag)
            ):
                raise ViolationError(
                    f"{tag} is sent while nobody knows what became of {other}: {u.looks} whole books have lacked it, two prove"
                )

    def _status(self, i: int) -> int:
        slot = self.engine.find_order(self.s.tags[i], "")
        return int(self.engine.order(slot)["ord_status"]) if slot >= 0 else STRANGER

    def _taint(self, i: int) -> None:
        brackets = sorted({bracket_of(tag) for tag in self.s.tags})
        self.s.taint |= 1 << brackets.index(bracket_of(self.s.tags[i]))


ABSENT = 10
STRANGER = -1
"""An order of a process that has left no journal, and which no book has shown."""


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
