"""Exits are bounded by what the account holds: the brackets' part of it, worked by hand."""

import pytest

from otrade._core.types import BracketState, Cmd, Ev, ExitReason, Leg, OrdStatus, OrdType
from tests.core.harness import SECOND, order_report
from tests.core.test_brackets import Desk


def opened(**kw) -> tuple[Desk, object]:
    """Ten units long at 100.50 under their stop."""
    desk = Desk(plan={"target_kind": 0}, **kw)
    desk.price(9_900).price(10_050)
    entry = desk.take()
    desk.ack(entry)
    desk.say(entry, Ev.FILL_FULL, 10, 1_005_000)
    stop = desk.take()
    desk.ack(stop)
    desk.say(stop, Ev.WORKING)
    desk.quiet()
    return desk, stop


def net(desk: Desk, qty: int) -> None:
    desk.now += SECOND
    desk.e.on_broker_net(0, qty, desk.now)


def closed_by_other(desk: Desk, qty: int, px: int, *, by_broker: bool = False) -> None:
    terms = dict(order_qty=qty, price_e4=px, trigger_e4=0, ord_type=OrdType.LIMIT, side=-1)
    desk.e.adopt_order(
        0,
        Leg.TARGET,
        0,
        OrdStatus.PENDING_NEW,
        cl_ord_id="",
        broker_order_id="X1",
        ts_ns=desk.now,
        by_broker=by_broker,
        **terms,
    )
    desk.e.on_report(
        order_report(
            cl_ord_id="",
            broker_order_id="X1",
            ev=Ev.FILL_FULL,
            source=2,
            cum_qty=qty,
            cum_value_e4=qty * px,
            triggered=False,
            reason=0,
            ts_update_ns=0,
            ts_recv_ns=desk.now,
            **terms,
        )
    )


def test_a_stop_shrinks_to_what_is_held_and_grows_again() -> None:
    desk, stop = opened()
    net(desk, 6)
    less = desk.take()
    assert (less.kind, less.qty) == (Cmd.REPLACE, 6)
    desk.ack(less)
    desk.say(less, Ev.WORKING)
    assert desk.e.bracket(0)["protected_qty"] == 6 and desk.e.bracket(0)["naked_since_ns"] == 0, (
        "all that is there is covered"
    )
    net(desk, 10)
    more = desk.take()
    assert (more.kind, more.qty) == (Cmd.REPLACE, 10)


@pytest.mark.parametrize("by_broker", [False, True])
def test_what_is_gone_is_not_exited_and_closes_when_it_is_booked(by_broker: bool) -> None:
    desk, stop = opened()
    net(desk, 0)
    cancel = desk.take()
    assert cancel.kind == Cmd.CANCEL
    desk.ack(cancel)
    desk.say(cancel, Ev.CANCELED)
    desk.e.on_flatten(0, desk.now)
    desk.price(9_000).wait(SECOND)
    desk.quiet()
    assert desk.e.bracket(0)["open_qty"] == 10 and desk.e.bracket(0)["naked_since_ns"] == 0
    closed_by_other(desk, 10, 1_010_000, by_broker=by_broker)
    desk.quiet()
    bracket = desk.e.bracket(0)
    assert bracket["state"] == BracketState.CLOSED and bracket["pnl_e4"] == 10 * 5_000
    assert desk.e.position(0)["net_qty"] == 0


def test_square_off_sells_only_what_is_held() -> None:
    desk, stop = opened()
    net(desk, 3)
    less = desk.take()
    desk.ack(less)
    desk.say(less, Ev.WORKING)
    desk.e.on_flatten(0, desk.now)
    out = desk.take()
    assert (out.ord_type, out.qty) == (OrdType.LIMIT, 3)


def test_a_part_that_is_booked_leaves_the_rest_under_its_stop() -> None:
    desk, stop = opened()
    net(desk, 6)
    less = desk.take()
    desk.ack(less)
    desk.say(less, Ev.WORKING)
    closed_by_other(desk, 4, 1_010_000)
    desk.quiet()
    net(desk, 6)
    desk.quiet()
    bracket = desk.e.bracket(0)
    assert (bracket["open_qty"], bracket["gone_qty"], bracket["protected_qty"]) == (6, 0, 6)
    assert bracket["exit_reason"] == ExitReason.MANUAL


def test_what_others_have_added_grows_no_exit() -> None:
    desk, stop = opened()
    net(desk, 25)
    desk.quiet()
    net(desk, -5)
    assert desk.take().kind == Cmd.CANCEL
    desk.quiet()
