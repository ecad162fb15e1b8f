"""What stands at the exchange for a position, at each boundary of its rules: an over-exit bought
back, a stop renewed, levels from an average, a way out without any price.
"""

from __future__ import annotations

from typing import Any

import pytest

from otrade._core.types import (
    BracketState,
    Cmd,
    Ev,
    ExitReason,
    Leg,
    Note,
    OrdType,
    Reason,
    Severity,
    Side,
)  # fmt: skip
from tests.core.orders.test_bands import HI, LO, BandDriver
from tests.core.orders.test_brackets import TRAIL, EngineDriver, trailed
from tests.core.orders.test_counts_and_words import told
from tests.core.orders.test_refusals import requests
from tests.harness.core_engine import HOUR, MS, OPEN_NS, SECOND

SIDES = pytest.mark.parametrize("side", [Side.BUY, Side.SELL], ids=["long", "short"])
STEPS: dict[str, Any] = {
    "ladder_start_bps": 10.0,
    "ladder_step_bps": 10.0,
    "ladder_interval_ns": 2 * SECOND,
    "ladder_max_steps": 2,
    "target_kind": 0,
}


# ------------------------------------------------------------------------------------------------------------------------
# more left than was open
def over_exited(side: int, **plan: Any) -> BandDriver:
    """Ten units, of which the stop sold (bought) fifteen. The touch is 100."""
    d = BandDriver(plan={**STEPS, **plan})
    d.e.set_band(0, 0, 0)
    stop = d.opened(side)
    d.price(10_000)
    d.e.take_notices()
    d.say(stop, Ev.FILL_FULL, 15, 1_000_000, qty=15, triggered=True)
    assert d.b["open_qty"] == -5 and d.b["state"] == BracketState.EXITING
    return d


@SIDES
def test_an_excess_is_undone_on_the_entrys_side_at_the_ladders_price(side: int) -> None:
    d = over_exited(side)
    (row,) = told(d, Note.OVER_EXIT)
    assert (row["qty"], row["reason"], row["severity"]) == (5, Reason.OVER_EXIT, Severity.ALARM)
    fix = d.take()
    assert (fix.kind, fix.side, fix.qty, fix.ord_type) == (Cmd.NEW, side, 5, OrdType.LIMIT)
    assert fix.price_e4 == 1_000_000 + side * 1_000
    assert d.e.order(fix.order_slot)["leg"] == Leg.FIX and d.b["fix_slot"] == fix.order_slot
    assert d.b["exit_reason"] in (ExitReason.STOP, ExitReason.RISK)
    d.stands(fix)
    assert not told(d, Note.OVER_EXIT), "while its order works nothing is said again"
    d.say(fix, Ev.FILL_FULL, 5, 1_001_000)
    assert (d.b["open_qty"], d.b["exit_qty"], d.b["state"]) == (0, 10, BracketState.CLOSED)
    # Bought and sold: 10 and 5, 15; short: the same with the sides changed.
    assert d.b["pnl_e4"] == side * (15 * 1_000_000 - 10 * 1_000_000 - 5 * 1_001_000)
    assert d.e.position(0)["net_qty"] == 0


@SIDES
def test_an_excess_above_the_freeze_quantity_is_undone_in_parts(side: int) -> None:
    """Freeze 12: 35 too many, as after several strangers have closed, go back as 12, 12 and 11."""
    d = BandDriver(plan=STEPS, freeze_qty=12)
    d.e.set_band(0, 0, 0)
    stop = d.opened(side)
    d.price(10_000)
    d.e.take_notices()
    d.say(stop, Ev.FILL_FULL, 45, 1_000_000, qty=45, triggered=True)
    assert d.b["open_qty"] == -35
    for left, qty in ((35, 12), (23, 12), (11, 11)):
        (row,) = told(d, Note.OVER_EXIT)
        (fix,) = requests(d)
        assert (row["qty"], fix.kind, fix.side, fix.qty) == (left, Cmd.NEW, side, qty)
        d.stands(fix)
        d.say(fix, Ev.FILL_PART, 5, 1_000_000)
        d.wait(3 * SECOND)
        for cmd in requests(d):  # another step of the ladder, and no unit more
            assert (cmd.kind, cmd.order_slot, cmd.qty) == (Cmd.REPLACE, fix.order_slot, qty)
            d.stands(cmd)
        assert not told(d, Note.OVER_EXIT)
        d.say(fix, Ev.FILL_FULL, qty, 1_000_000)
    assert (d.b["open_qty"], d.b["state"]) == (0, BracketState.CLOSED)
    assert not requests(d) and d.e.position(0)["net_qty"] == 0


@SIDES
def test_an_excess_is_re_priced_once_an_interval(side: int) -> None:
    """One step more with each interval that ends; at the last, the market is followed."""
    d = over_exited(side)
    due = d.b["ladder_next_ns"]
    assert due == d.now + 2 * SECOND
    fix = d.take()
    d.stands(fix)
    d.price(10_000 + side * 100)
    d.wait(due - 1 - d.now)
    assert not requests(d), "re-priced once an interval, not on every event"
    asked = []
    for step in (1, 2, 2, 2):
        d.wait(due - d.now)
        assert d.b["ladder_step"] == step and d.b["flat_ts_ns"] == d.now
        assert d.b["ladder_next_ns"] == d.now + 2 * SECOND
        due = d.b["ladder_next_ns"]
        for cmd in requests(d):
            assert (cmd.kind, cmd.qty, cmd.order_slot) == (Cmd.REPLACE, 5, fix.order_slot)
            asked.append((cmd.price_e4 - 1_000_000 - side * 10_000) * side)
            d.stands(cmd)
        d.price(10_000 + side * 100)
        assert not requests(d)
    # 10, 20 and 30 bps of 101 (99) are 10.10, 20.20 and 30.30 (9.90, 19.80, 29.70) paise
    assert asked == ([1_500, 2_500, 3_500] if side == Side.BUY else [1_000, 2_000, 3_000])


@SIDES
def test_an_excess_goes_to_the_market_where_the_last_step_has_an_old_touch(side: int) -> None:
    d = over_exited(side)
    fix = d.take()
    d.stands(fix)
    for step in (1, 2):
        d.wait(2 * SECOND)
        for cmd in requests(d):
            d.stands(cmd)
        assert (d.b["ladder_step"], d.b["blind"]) == (step, 0)
    d.wait(2 * SECOND)
    assert d.b["blind"] == 1, "six seconds without a price"
    (market,) = requests(d)
    assert (market.kind, market.ord_type, market.price_e4, market.qty) == (
        Cmd.REPLACE,
        OrdType.MARKET,
        0,
        5,
    )
    d.ack(market)
    kept = 1_000_000 + side * 30_000
    d.say(market, Ev.WORKING, ord_type=OrdType.LIMIT, price_e4=kept)
    d.wait(100 * MS)
    assert not requests(d), "the broker keeps it as a limit at its protection"
    d.price(10_000)
    d.wait(100 * MS)
    assert d.b["blind"] == 0


def test_an_excess_is_refused_and_comes_as_a_limit_and_at_the_market_in_turn() -> None:
    d = over_exited(Side.BUY)
    kinds = []
    for _ in range(4):
        while not (found := requests(d)):
            d.wait(100 * MS)
            d.price(10_000, after=0)
        (cmd,) = found
        kinds.append(cmd.ord_type)
        assert (cmd.kind, cmd.side, cmd.qty) == (Cmd.NEW, Side.BUY, 5)
        d.refuse(cmd)
    assert kinds == [OrdType.LIMIT, OrdType.MARKET] * 2
    assert d.b["n_fix_rejects"] == 4 and len(told(d, Note.OVER_EXIT)) > 1


@SIDES
def test_an_excess_waits_until_the_other_exit_is_gone(side: int) -> None:
    d = BandDriver(plan={**STEPS, "target_kind": 2, "target_value": 4.0, "exit_mode": 1})
    d.e.set_band(0, 0, 0)
    entry = d.enter(side)
    d.ack(entry)
    d.say(entry, Ev.FILL_FULL, 10, 1_000_000)
    stop = d.take()
    d.ack(stop)
    d.say(stop, Ev.WORKING)
    target = d.take()
    d.ack(target)
    d.say(target, Ev.WORKING)
    d.say(stop, Ev.FILL_FULL, 15, 1_000_000, qty=15, triggered=True)
    (cancel,) = requests(d)
    assert (cancel.kind, cancel.order_slot) == (Cmd.CANCEL, target.order_slot)
    d.ack(cancel)
    d.wait(100 * MS)
    assert not requests(d), "it could fill as well"
    d.say(cancel, Ev.CANCELED)
    (fix,) = requests(d)
    assert (fix.kind, fix.side, fix.qty) == (Cmd.NEW, side, 5)


# ------------------------------------------------------------------------------------------------------------------------
# a stop that is renewed
def at_the_cap(side: int = Side.BUY, **budget: int) -> tuple[EngineDriver, Any]:
    """The one change that trailing may make has been made: the stop stands two rupees behind 100.50."""
    d = EngineDriver(plan=TRAIL)
    d.e.set_budget(**{"modifies_per_order": 7, **budget})
    d.opened(side)
    d.price(10_000 + side * 50, after=SECOND)
    (moved,) = requests(d)
    assert (moved.kind, moved.trigger_e4) == (Cmd.REPLACE, 1_000_000 - side * 15_000)
    d.ack(moved)
    d.say(moved, Ev.REPLACED)
    d.e.take_notices()
    return d, moved


@SIDES
@pytest.mark.parametrize(
    ("away", "renews"), [(100, True), (95, False), (150, True)], ids=["half", "less", "more"]
)
def test_a_stop_is_renewed_with_price_half_the_trail_away(
    side: int, away: int, renews: bool
) -> None:
    d, _ = at_the_cap(side, per_day=5, reserve_day=3)
    d.price(10_000 + side * 100, after=SECOND)
    assert not requests(d), "the day's placements are the reserve's"
    d.e.set_budget(modifies_per_order=7)
    d.price(10_000 + side * 100 - side * (200 - away))
    d.wait(100 * MS)
    found = requests(d)
    assert [cmd.kind for cmd in found] == ([Cmd.CANCEL] if renews else [])


@pytest.mark.parametrize(("ns", "renews"), [(30 * SECOND - 1, False), (30 * SECOND, True)])
def test_half_a_minute_between_two_renewals(ns: int, renews: bool) -> None:
    d, _ = at_the_cap()
    d.price(10_100, after=SECOND)
    (cancel,) = requests(d)
    assert cancel.kind == Cmd.CANCEL
    at = d.now
    (row,) = told(d, Note.STOP_RENEWED)
    assert (row["trigger_e4"], row["qty"], row["reason"]) == (990_000, 10, Reason.MODIFY_CAP)
    assert d.b["renew_ns"] == at + 30 * SECOND and d.b["naked_since_ns"] == at
    d.ack(cancel)
    d.say(cancel, Ev.CANCELED)
    (new,) = requests(d)
    d.ack(new)
    d.say(new, Ev.WORKING)
    d.price(10_150, after=SECOND)
    (moved,) = requests(d)
    assert moved.kind == Cmd.REPLACE
    d.ack(moved)
    d.say(moved, Ev.REPLACED)
    d.price(10_200, after=SECOND)
    assert not requests(d)
    d.wait(at + ns - d.now)
    assert [cmd.kind for cmd in requests(d)] == ([Cmd.CANCEL] if renews else [])


def test_a_trail_that_waits_half_a_minute_is_an_alarm_once() -> None:
    d, _ = at_the_cap()
    d.e.set_session(
        0, open_ns=OPEN_NS, entry_from_ns=OPEN_NS, entry_until_ns=d.now,
        square_off_ns=d.now + HOUR - SECOND, close_ns=d.now + HOUR,
    )  # fmt: skip
    d.price(10_100, after=SECOND)
    at = d.now
    assert d.b["trail_waits_ns"] == at and not told(d, Note.TRAIL_WAITS)
    d.wait(30 * SECOND - 1)
    assert not told(d, Note.TRAIL_WAITS)
    d.wait(1)
    (row,) = told(d, Note.TRAIL_WAITS)
    assert (row["severity"], row["reason"]) == (Severity.ALARM, Reason.SESSION)
    assert (row["trigger_e4"], row["wanted_e4"]) == (985_000, 990_000)
    d.wait(SECOND)
    assert not told(d, Note.TRAIL_WAITS) and d.b["trail_said"] == 1
    d.price(9_900)  # the trail's level trades
    assert d.b["exit_reason"] == ExitReason.TRAIL


def test_after_a_refusal_a_stop_is_not_renewed() -> None:
    d, _ = at_the_cap()
    d.e.set_budget(modifies_per_order=8)
    d.price(10_100, after=SECOND)
    (moved,) = requests(d)
    d.refuse(moved, Reason.EXCHANGE_REJECT)
    assert d.b["n_rejects"] == 1
    d.wait(40 * SECOND)
    assert not requests(d)


# ------------------------------------------------------------------------------------------------------------------------
# levels
@pytest.mark.parametrize(
    ("value_e4", "entry_e4"), [(10_000_004, 1_000_000), (10_000_005, 1_000_001)]
)
def test_an_average_is_rounded_to_the_nearest(value_e4: int, entry_e4: int) -> None:
    d = EngineDriver()
    entry = d.enter()
    d.ack(entry)
    d.say(entry, Ev.FILL_FULL, 10, value=value_e4)
    assert d.b["best_e4"] == entry_e4


@pytest.mark.parametrize(
    ("plan", "stop", "target", "trail", "step"),
    [
        # Of an entry at 100: basis points, rupees, nothing
        ({"stop_kind": 1, "stop_value": 150.0}, 985_000, 1_040_000, 0, 0),
        ({"target_kind": 1, "target_value": 150.0}, 980_000, 1_015_000, 0, 0),
        ({"target_kind": 0}, 980_000, 0, 0, 0),
        (
            {"trail_kind": 1, "trail_value": 150.0, "trail_step_value": 10.0},
            980_000,
            1_040_000,
            15_000,
            1_000,
        ),
        (
            {"trail_kind": 2, "trail_value": 3.0, "trail_step_value": 0.5},
            980_000,
            1_040_000,
            30_000,
            5_000,
        ),
    ],
)
def test_levels_of_an_entry_at_a_hundred(
    plan: dict[str, Any], stop: int, target: int, trail: int, step: int
) -> None:
    d = BandDriver(plan=plan)
    d.quote(1_000_000, lo=LO, hi=HI)  # a level that is none is not moved into the band
    entry = d.enter()
    d.ack(entry)
    d.say(entry, Ev.FILL_FULL, 10, 1_000_000)
    levels = [
        d.b[f"{name}_e4"] for name in ("stop", "initial_stop", "target", "trail", "trail_step")
    ]
    # A stop in basis points is as far from the fill as it was from the signal's price, 100.05
    if plan.get("stop_kind") == 1:
        stop = 985_000
        assert d.b["stop_distance_e4"] == 15_008
    assert levels == [stop, stop, target, trail, step]


def test_a_stop_that_has_trailed_keeps_its_first_level_on_record() -> None:
    d = BandDriver(plan={**TRAIL})
    d.opened()
    trailed(d, 2)
    assert (d.b["stop_e4"], d.b["initial_stop_e4"], d.b["n_stop_moves"]) == (990_000, 980_000, 2)
    d.quote(1_010_000, lo=850_000, hi=1_150_000)
    assert (d.b["stop_e4"], d.b["initial_stop_e4"]) == (990_000, 980_000)
    assert d.b["stop_limit_e4"] == 988_000, "20 bps beyond 99: 98.802, to the tick"


# ------------------------------------------------------------------------------------------------------------------------
# no price
@SIDES
def test_without_any_price_to_the_band_and_to_the_market_in_turn_more_and_more_slowly(
    side: int,
) -> None:
    d = BandDriver(plan={**STEPS, "ladder_interval_ns": SECOND})
    d.opened(side)
    d.e.on_quote(0, d.now, d.now, band_lo_e4=LO, band_hi_e4=HI)
    d.now += 40 * SECOND
    d.flatten()
    assert d.e.instrument(0)["quote_wanted"] == 1
    found = []
    for _ in range(11):
        found.append((d.b["blind"], (d.b["ladder_next_ns"] - d.now) // SECOND, d.b["flat_type"]))
        assert (
            d.b["flat_px_e4"]
            == {
                OrdType.MARKET: 0,
                OrdType.LIMIT: (LO if side == Side.BUY else HI)
                if d.b["blind"]
                else d.b["flat_px_e4"],
            }[d.b["flat_type"]]
        )
        requests(d)
        d.wait(d.b["ladder_next_ns"] - d.now)
    limit, market = OrdType.LIMIT, OrdType.MARKET
    # The second try is the last step's, from a quote that may have come. Two minutes after it was
    # read the band is no band any more.
    assert found == [
        (0, 1, limit), (0, 1, limit), (1, 2, limit), (2, 3, market), (3, 4, limit), (4, 5, market),
        (5, 6, limit), (6, 7, market), (7, 8, limit), (8, 9, market), (9, 9, limit),
    ]  # fmt: skip


# ------------------------------------------------------------------------------------------------------------------------
# asking
def test_what_the_budget_has_no_room_for_is_asked_again_a_tenth_of_a_second_later() -> None:
    d = BandDriver(plan={"target_kind": 0})
    d.e.set_budget(per_second=1, modifies_per_order=24)
    entry = d.enter()
    d.ack(entry)
    d.e.take_notices()
    d.say(entry, Ev.FILL_FULL, 10, 1_000_000)
    denied = d.now
    (row,) = told(d, Note.BUDGET_WAIT)
    assert (row["reason"], row["severity"]) == (Reason.RATE_SECOND, Severity.WARN)
    assert d.b["retry_ns"] == denied + 100 * MS and d.b["stop_slot"] == -1
    d.e.set_budget(modifies_per_order=24)
    d.wait(100 * MS - 1)
    assert not requests(d) and not told(d, Note.BUDGET_WAIT)
    d.wait(1)
    (stop,) = requests(d)
    (row,) = told(d, Note.STOP_PLACED)
    assert (row["trigger_e4"], row["qty"], row["order_slot"]) == (980_000, 10, stop.order_slot)


def test_a_way_out_whose_changes_are_refused_three_times_becomes_a_new_order() -> None:
    d = BandDriver(plan={"target_kind": 0})
    d.e.set_band(0, 0, 0)
    stop = d.opened()
    d.flatten()
    for n in range(1, 4):
        while not (found := requests(d)):
            d.wait(100 * MS)
            d.price(10_005, after=0)
        (change,) = found
        assert (change.kind, change.order_slot) == (Cmd.REPLACE, stop.order_slot)
        d.refuse(change, Reason.EXCHANGE_REJECT)
        assert d.b["n_rejects"] == n
    while not (found := requests(d)):
        d.wait(100 * MS)
        d.price(10_005, after=0)
    (cancel,) = found
    assert cancel.kind == Cmd.CANCEL and d.b["n_rejects"] == 0
    d.ack(cancel)
    d.say(cancel, Ev.CANCELED)
    (new,) = requests(d)
    assert (new.kind, new.ord_type, new.qty) == (Cmd.NEW, OrdType.LIMIT, 10)


@pytest.mark.parametrize("mode", [0, 1], ids=["stop_resting", "oco"])
def test_a_trail_that_need_not_wait_any_more_may_be_an_alarm_again(mode: int) -> None:
    d = BandDriver(plan={**TRAIL, "exit_mode": mode, "target_kind": 2, "target_value": 40.0})
    d.e.set_budget(modifies_per_order=6)
    entry = d.enter()
    d.ack(entry)
    d.say(entry, Ev.FILL_FULL, 10, 1_000_000)
    for _ in range(1 + mode):
        (cmd,) = requests(d)
        d.ack(cmd)
        d.say(cmd, Ev.WORKING)
    hours = dict(open_ns=OPEN_NS, entry_from_ns=OPEN_NS)
    end = d.now + 2 * HOUR
    d.e.set_session(0, entry_until_ns=d.now, square_off_ns=end, close_ns=end + HOUR, **hours)
    d.price(10_100, after=SECOND)
    assert not requests(d) and d.b["trail_waits_ns"] == d.now
    d.wait(30 * SECOND)
    assert d.b["trail_said"] == 1 and len(told(d, Note.TRAIL_WAITS)) == 1
    d.e.set_session(0, entry_until_ns=end - 1, square_off_ns=end, close_ns=end + HOUR, **hours)
    d.wait(SECOND)
    (cancel,) = requests(d)
    d.ack(cancel)
    d.say(cancel, Ev.CANCELED)
    (new,) = requests(d)
    assert (new.kind, new.trigger_e4) == (Cmd.NEW, 990_000)
    d.ack(new)
    d.say(new, Ev.WORKING)
    assert (d.b["trail_waits_ns"], d.b["trail_said"]) == (0, 0)


@SIDES
def test_a_market_way_out_that_fills_in_part_is_left_alone(side: int) -> None:
    d = BandDriver(plan={**STEPS, "ladder_interval_ns": SECOND, "ladder_max_steps": 1})
    d.e.set_band(0, 0, 0)
    d.opened(side)
    d.now += 40 * SECOND
    d.flatten()
    (out,) = requests(d)
    while out.ord_type != OrdType.MARKET:
        d.stands(out)
        d.wait(SECOND)
        out = next(iter(requests(d)), out)
    d.ack(out)
    kept = 1_000_000 - side * 30_000
    d.say(out, Ev.WORKING, ord_type=OrdType.LIMIT, price_e4=kept)
    d.say(out, Ev.FILL_PART, 4, 990_000, ord_type=OrdType.LIMIT, price_e4=kept)
    assert d.b["open_qty"] == 6 and not requests(d)
