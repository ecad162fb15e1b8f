"""What the risk client does: bans, targets that are refused, stops that are taken out, and "being
processed".
"""

import pytest

from otrade.simulator.base.config import NS_PER_S
from otrade.simulator.base.errors import RequestRefused
from tests.simulator.scripted_market import ScriptedMarket

LOT = 65
FLAT = [24_000.0] * 120


def held(market: ScriptedMarket) -> None:
    """One lot, with a stop that waits."""
    market.at(2)
    market.place(1, "LIMIT", LOT, 24_050.0)
    market.settle()


def test_a_ban_rejects_what_opens_and_lets_out_what_is_open() -> None:
    market = ScriptedMarket(FLAT, funds_rupees=1e10)
    faults = market.exchange.faults
    held(market)
    faults.reject_entries(market.contract.key, 20 * NS_PER_S)
    more = market.place(1, "LIMIT", LOT, 24_050.0)
    stop = market.place(-1, "SL", LOT, 23_800.0, trigger=23_900.0)
    out = market.place(-1, "LIMIT", LOT, 23_950.0)
    market.settle()
    assert (more.status, "ban" in (more.status_message or "")) == ("REJECTED", True)
    assert (stop.status, out.status) == ("TRIGGER PENDING", "COMPLETE")
    market.at(30)
    after = market.place(1, "LIMIT", LOT, 24_050.0)
    market.settle()
    assert (
        after.status == "COMPLETE" and faults.seen == {"reject_entries": 1} and not faults.pending
    )


def test_a_target_beside_a_stop_is_refused_and_the_stop_is_not() -> None:
    market = ScriptedMarket(FLAT, funds_rupees=1e10)
    held(market)
    market.exchange.faults.reject_targets(1)
    stop = market.place(-1, "SL", LOT, 23_800.0, trigger=23_900.0)
    market.settle()
    target, again = (market.place(-1, "LIMIT", LOT, 24_100.0) for _ in range(2))
    market.settle()
    assert (stop.status, target.status, again.status) == ("TRIGGER PENDING", "REJECTED", "OPEN")
    assert market.exchange.faults.seen == {"reject_targets": 1}


def test_stops_are_taken_out_so_often_and_so_far_apart() -> None:
    market = ScriptedMarket(FLAT, funds_rupees=1e10)
    held(market)
    market.exchange.faults.lose_stops(2, 10 * NS_PER_S)  # nothing waits yet
    stop = market.place(-1, "SL", LOT, 23_800.0, trigger=23_900.0)
    market.settle()
    assert stop.status == "TRIGGER PENDING" and market.exchange.faults.pending
    market.at(13)
    assert (
        stop.status == "CANCELLED"
        and market.exchange.faults.seen["lose_stops"] == 1
        and not market.exchange.faults.pending
    )
    market.exchange.faults.lose_stops(3, 10 * NS_PER_S)
    market.exchange.faults.clear()
    kept = market.place(-1, "SL", LOT, 23_800.0, trigger=23_900.0)
    market.at(60)
    assert kept.status == "TRIGGER PENDING", "what is cleared comes no more"


def test_a_busy_order_is_changed_the_next_time() -> None:
    market = ScriptedMarket(FLAT, funds_rupees=1e10)
    held(market)
    stop = market.place(-1, "SL", LOT, 23_800.0, trigger=23_900.0)
    market.settle()
    market.exchange.faults.busy_changes(1)
    with pytest.raises(
        RequestRefused, match="cannot be cancelled as it is being processed"
    ) as refused:
        market.exchange.cancel(stop.order_id)
    assert (refused.value.status, refused.value.kind) == (400, "input")
    market.exchange.cancel(stop.order_id)
    market.settle()
    assert stop.status == "CANCELLED" and market.exchange.faults.seen == {"busy_changes": 1}
