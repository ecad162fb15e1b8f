"""What the risk desk does: bans, targets that are refused, stops that are taken out, and "being
processed".
"""

import pytest

from otrade.simulator.base.config import NS_PER_S
from otrade.simulator.base.errors import KiteError
from tests.simulator.scripted_market import ScriptedMarket

LOT = 65
FLAT = [24_000.0] * 120


def held(desk: ScriptedMarket) -> None:
    """One lot, with a stop that waits."""
    desk.at(2)
    desk.place(1, "LIMIT", LOT, 24_050.0)
    desk.settle()


def test_a_ban_rejects_what_opens_and_lets_out_what_is_open() -> None:
    desk = ScriptedMarket(FLAT, funds_rupees=1e10)
    faults = desk.exchange.faults
    held(desk)
    faults.reject_entries(desk.contract.key, 20 * NS_PER_S)
    more = desk.place(1, "LIMIT", LOT, 24_050.0)
    stop = desk.place(-1, "SL", LOT, 23_800.0, trigger=23_900.0)
    out = desk.place(-1, "LIMIT", LOT, 23_950.0)
    desk.settle()
    assert (more.status, "ban" in (more.status_message or "")) == ("REJECTED", True)
    assert (stop.status, out.status) == ("TRIGGER PENDING", "COMPLETE")
    desk.at(30)
    after = desk.place(1, "LIMIT", LOT, 24_050.0)
    desk.settle()
    assert (
        after.status == "COMPLETE" and faults.seen == {"reject_entries": 1} and not faults.pending
    )


def test_a_target_beside_a_stop_is_refused_and_the_stop_is_not() -> None:
    desk = ScriptedMarket(FLAT, funds_rupees=1e10)
    held(desk)
    desk.exchange.faults.reject_targets(1)
    stop = desk.place(-1, "SL", LOT, 23_800.0, trigger=23_900.0)
    desk.settle()
    target, again = (desk.place(-1, "LIMIT", LOT, 24_100.0) for _ in range(2))
    desk.settle()
    assert (stop.status, target.status, again.status) == ("TRIGGER PENDING", "REJECTED", "OPEN")
    assert desk.exchange.faults.seen == {"reject_targets": 1}


def test_stops_are_taken_out_so_often_and_so_far_apart() -> None:
    desk = ScriptedMarket(FLAT, funds_rupees=1e10)
    held(desk)
    desk.exchange.faults.lose_stops(2, 10 * NS_PER_S)  # nothing waits yet
    stop = desk.place(-1, "SL", LOT, 23_800.0, trigger=23_900.0)
    desk.settle()
    assert stop.status == "TRIGGER PENDING" and desk.exchange.faults.pending
    desk.at(13)
    assert (
        stop.status == "CANCELLED"
        and desk.exchange.faults.seen["lose_stops"] == 1
        and not desk.exchange.faults.pending
    )
    desk.exchange.faults.lose_stops(3, 10 * NS_PER_S)
    desk.exchange.faults.clear()
    kept = desk.place(-1, "SL", LOT, 23_800.0, trigger=23_900.0)
    desk.at(60)
    assert kept.status == "TRIGGER PENDING", "what is cleared comes no more"


def test_a_busy_order_is_changed_the_next_time() -> None:
    desk = ScriptedMarket(FLAT, funds_rupees=1e10)
    held(desk)
    stop = desk.place(-1, "SL", LOT, 23_800.0, trigger=23_900.0)
    desk.settle()
    desk.exchange.faults.busy_changes(1)
    with pytest.raises(KiteError, match="cannot be cancelled as it is being processed") as refused:
        desk.exchange.cancel(stop.order_id)
    assert (refused.value.status, refused.value.error_type) == (400, "InputException")
    desk.exchange.cancel(stop.order_id)
    desk.settle()
    assert stop.status == "CANCELLED" and desk.exchange.faults.seen == {"busy_changes": 1}
