"""What others have closed of several brackets, and what a new process does with what was asked."""

from __future__ import annotations

from typing import Any

from otrade._core.types import Cmd, Ev, Halt, Leg, Note, OrdStatus, OrdType, Reason, Severity, Side
from tests.core.orders.test_brackets import EngineDriver
from tests.core.orders.test_entries import EntryDriver
from tests.harness.core_engine import MS, SECOND, order_report, token_of


def three_slices() -> EntryDriver:
    """Ten bought as 4, 4 and 2, each under its own stop."""
    w = EntryDriver(freeze_qty=4, plan={"target_kind": 0})
    w.cross(token_of(0))
    w.answer()
    assert [b["open_qty"] for b in brackets(w)] == [4, 4, 2]
    assert [b["protected_qty"] for b in brackets(w)] == [4, 4, 2]
    return w


def brackets(w: EntryDriver) -> list[dict[str, Any]]:
    return [w.e.bracket(i) for i in range(w.e.n_brackets)]


def gone(w: EntryDriver, net: int) -> tuple[list[int], list[int]]:
    """(what is gone of each bracket, what its stop covers then) when the account holds this much."""
    w.now += SECOND
    w.e.on_broker_net(0, net, w.now)
    w.answer()
    return [b["gone_qty"] for b in brackets(w)], [b["protected_qty"] for b in brackets(w)]


def test_what_others_have_closed_is_gone_from_the_oldest_first() -> None:
    w = three_slices()
    assert gone(w, 10) == ([0, 0, 0], [4, 4, 2])
    assert gone(w, 9) == ([1, 0, 0], [3, 4, 2])
    assert gone(w, 5) == ([4, 1, 0], [0, 3, 2])
    assert gone(w, 1) == ([4, 4, 1], [0, 0, 1])
    assert gone(w, 0) == ([4, 4, 2], [0, 0, 0])
    assert gone(w, -3) == ([4, 4, 2], [0, 0, 0]), "more than all is not"


def test_what_is_there_again_is_covered_again() -> None:
    w = three_slices()
    gone(w, 3)
    assert gone(w, 10) == ([0, 0, 0], [4, 4, 2])
    assert gone(w, 12) == ([0, 0, 0], [4, 4, 2]), "what others have added is theirs"


def test_after_a_restart_what_was_not_answered_is_in_doubt() -> None:
    d = EngineDriver()
    entry = d.enter()
    d.e.take_notices()
    d.e.resume(8, d.now + SECOND)
    assert d.e.order(entry.order_slot)["in_doubt"] == 1
    assert d.e.risk()["n_in_doubt"] == 1 and d.e.counters()["timeouts"] == 1
    (resumed,) = [n for n in d.e.take_notices() if n["note"] == Note.RESUMED]
    assert (resumed["n_open"], resumed["n_in_doubt"]) == (1, 1)
    assert (resumed["severity"], resumed["reason"]) == (Severity.WARN, Reason.OK)
    risk = d.e.risk()
    assert (risk["paused"], risk["feed_alive"]) == (True, False)
    d.now += SECOND
    d.wait(MS)
    assert d.take().kind == Cmd.LOOK, "the book is asked for at once"


def test_after_a_restart_nothing_is_sent_that_stood_in_the_ring() -> None:
    """It was recorded before it could leave: whether it left, the book knows."""
    d = EngineDriver()
    d.price(9_990).price(10_005)
    d.e.resume(8, d.now + SECOND)
    d.quiet()


def test_a_stop_in_doubt_over_a_restart_is_not_placed_twice() -> None:
    d = EngineDriver()
    entry = d.enter()
    d.ack(entry)
    d.say(entry, Ev.FILL_FULL, 10, 1_000_000)
    stop = d.take()
    d.e.resume(8, d.now + SECOND)
    d.now += SECOND
    d.wait(MS)
    assert d.take().kind == Cmd.LOOK
    d.quiet()
    d.book((stop, Ev.WORKING, {}))
    assert (d.b["protected_qty"], d.e.risk()["n_in_doubt"]) == (10, 0)
    d.quiet()


def halted(reason: Reason) -> Halt:
    d = EngineDriver()
    d.e.on_halt(Halt.REDUCING, reason, d.now)
    d.e.resume(8, d.now + SECOND)
    return Halt(d.e.risk()["halt"])


def test_halts_that_belonged_to_the_process_end_with_it() -> None:
    assert halted(Reason.STOPPING) == Halt.ACTIVE
    assert halted(Reason.BROKER_TOKEN) == Halt.ACTIVE
    assert halted(Reason.JOURNAL) == Halt.ACTIVE
    assert halted(Reason.DAILY_LOSS) == Halt.REDUCING, "a limit's does not"
    assert halted(Reason.OK) == Halt.REDUCING, "nor a person's"


def test_a_short_position_is_bounded_by_its_own_side() -> None:
    d = EngineDriver(plan={"target_kind": 0})
    d.opened(Side.SELL)
    d.now += SECOND
    d.e.on_broker_net(0, -4, d.now)
    less = d.take()
    assert (less.kind, less.qty, d.b["gone_qty"]) == (Cmd.REPLACE, 4, 6)
    d.ack(less)
    d.say(less, Ev.WORKING)
    d.e.on_broker_net(0, -15, d.now + MS)
    assert d.b["gone_qty"] == 0


def test_a_closed_bracket_leaves_the_chain_wherever_it_stood() -> None:
    w = three_slices()
    assert [b["next"] for b in brackets(w)] == [-1, 0, 1]
    stop = next(
        cmd for _, cmd in w.sent if w.e.order(cmd.order_slot)["bracket_id"] == 0 and cmd.trigger_e4
    )
    w.say(stop, Ev.FILL_FULL, 4)
    assert w.e.live_brackets() == [1, 2]
    assert [b["next"] for b in brackets(w)[1:]] == [-1, 1]


def test_a_stop_that_was_adopted_does_not_follow_the_entrys_fill() -> None:
    """It stands where it stood: nearer than the plan's distance from the entry."""
    d = EngineDriver()
    bracket = d.e.adopt_bracket(
        0, Side.BUY, 10, 20_000, d.now, stop_e4=995_000, tag_run=3, tag_bracket=1
    )
    terms: dict[str, Any] = dict(
        order_qty=10, price_e4=1_000_000, trigger_e4=0, ord_type=OrdType.LIMIT
    )
    d.e.adopt_order(
        bracket, Leg.ENTRY, 0, OrdStatus.PENDING_NEW, cl_ord_id="OT0000030001E000000",
        broker_order_id="X1", side=1, ts_ns=d.now, **terms,
    )  # fmt: skip
    d.e.on_report(
        order_report(
            cl_ord_id="OT0000030001E000000", broker_order_id="X1", ev=Ev.FILL_FULL, source=2, side=1,
            cum_qty=10, cum_value_e4=10_000_000, ts_recv_ns=d.now, **terms,
        )
    )  # fmt: skip
    b = d.e.bracket(bracket)
    assert (b["stop_e4"], b["initial_stop_e4"], b["n_stop_moves"]) == (995_000, 995_000, 1)
    stop = d.take()
    assert (stop.trigger_e4, stop.qty) == (995_000, 10)
