"""Exits are bounded by what the account holds: the brackets' part of it, worked by hand."""

import pytest

from otrade._core.types import BracketState, Cmd, Ev, ExitReason, OrdType
from tests.core.orders.test_brackets import EngineDriver
from tests.harness.core_engine import SECOND


def opened(**kw) -> tuple[EngineDriver, object]:
    """Ten units long at 100.50 under their stop."""
    driver = EngineDriver(plan={"target_kind": 0}, **kw)
    driver.price(9_900).price(10_050)
    entry = driver.take()
    driver.ack(entry)
    driver.say(entry, Ev.FILL_FULL, 10, 1_005_000)
    stop = driver.take()
    driver.ack(stop)
    driver.say(stop, Ev.WORKING)
    driver.quiet()
    return driver, stop


def net(driver: EngineDriver, qty: int) -> None:
    driver.now += SECOND
    driver.e.on_broker_net(0, qty, driver.now)


def test_a_stop_shrinks_to_what_is_held_and_grows_again() -> None:
    driver, stop = opened()
    net(driver, 6)
    less = driver.take()
    assert (less.kind, less.qty) == (Cmd.REPLACE, 6)
    driver.ack(less)
    driver.say(less, Ev.WORKING)
    assert (
        driver.e.bracket(0)["protected_qty"] == 6 and driver.e.bracket(0)["naked_since_ns"] == 0
    ), "all that is there is covered"
    net(driver, 10)
    more = driver.take()
    assert (more.kind, more.qty) == (Cmd.REPLACE, 10)


@pytest.mark.parametrize("by_broker", [False, True])
def test_what_is_gone_is_not_exited_and_closes_when_it_is_booked(by_broker: bool) -> None:
    driver, stop = opened()
    net(driver, 0)
    cancel = driver.take()
    assert cancel.kind == Cmd.CANCEL
    driver.ack(cancel)
    driver.say(cancel, Ev.CANCELED)
    driver.e.on_flatten(0, driver.now)
    driver.price(9_000).wait(SECOND)
    driver.quiet()
    assert driver.e.bracket(0)["open_qty"] == 10 and driver.e.bracket(0)["naked_since_ns"] == 0
    driver.closed_by_other(-1, 10, 1_010_000, by_broker=by_broker)
    driver.quiet()
    bracket = driver.e.bracket(0)
    assert bracket["state"] == BracketState.CLOSED and bracket["pnl_e4"] == 10 * 5_000
    if by_broker:  # its fee is owed, whatever exit of ours had begun
        assert bracket["exit_reason"] == ExitReason.BROKER
    assert driver.e.position(0)["net_qty"] == 0


def test_square_off_sells_only_what_is_held() -> None:
    driver, stop = opened()
    net(driver, 3)
    less = driver.take()
    driver.ack(less)
    driver.say(less, Ev.WORKING)
    driver.e.on_flatten(0, driver.now)
    out = driver.take()
    assert (out.ord_type, out.qty) == (OrdType.LIMIT, 3)


def test_a_part_that_is_booked_leaves_the_rest_under_its_stop() -> None:
    driver, stop = opened()
    net(driver, 6)
    less = driver.take()
    driver.ack(less)
    driver.say(less, Ev.WORKING)
    driver.closed_by_other(-1, 4, 1_010_000)
    driver.quiet()
    net(driver, 6)
    driver.quiet()
    bracket = driver.e.bracket(0)
    assert (bracket["open_qty"], bracket["gone_qty"], bracket["protected_qty"]) == (6, 0, 6)
    assert bracket["exit_reason"] == ExitReason.MANUAL


def test_what_others_have_added_grows_no_exit() -> None:
    driver, stop = opened()
    net(driver, 25)
    driver.quiet()
    net(driver, -5)
    assert driver.take().kind == Cmd.CANCEL
    driver.quiet()
