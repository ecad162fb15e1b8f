"""What the risk client does: bans, targets that are refused, stops that are taken out, and "being
processed".
"""

import pytest

from otrade.simulator.base.config import NS_PER_S
from otrade.simulator.base.errors import RequestRefused
from tests.simulator.order_client import OrderClient

LOT = 65
FLAT = [24_000.0] * 120


def held(client: OrderClient) -> None:
    """One lot, with a stop that waits."""
    client.at(2)
    client.place(1, "LIMIT", LOT, 24_050.0)
    client.settle()


def test_a_ban_rejects_what_opens_and_lets_out_what_is_open() -> None:
    client = OrderClient(FLAT, funds_rupees=1e10)
    faults = client.exchange.faults
    held(client)
    faults.reject_entries(client.contract.key, 20 * NS_PER_S)
    more = client.place(1, "LIMIT", LOT, 24_050.0)
    stop = client.place(-1, "SL", LOT, 23_800.0, trigger=23_900.0)
    out = client.place(-1, "LIMIT", LOT, 23_950.0)
    client.settle()
    assert (more.status, "ban" in (more.status_message or "")) == ("REJECTED", True)
    assert (stop.status, out.status) == ("TRIGGER PENDING", "COMPLETE")
    client.at(30)
    after = client.place(1, "LIMIT", LOT, 24_050.0)
    client.settle()
    assert (
        after.status == "COMPLETE" and faults.seen == {"reject_entries": 1} and not faults.pending
    )


def test_a_target_beside_a_stop_is_refused_and_the_stop_is_not() -> None:
    client = OrderClient(FLAT, funds_rupees=1e10)
    held(client)
    client.exchange.faults.reject_targets(1)
    stop = client.place(-1, "SL", LOT, 23_800.0, trigger=23_900.0)
    client.settle()
    target, again = (client.place(-1, "LIMIT", LOT, 24_100.0) for _ in range(2))
    client.settle()
    assert (stop.status, target.status, again.status) == ("TRIGGER PENDING", "REJECTED", "OPEN")
    assert client.exchange.faults.seen == {"reject_targets": 1}


def test_stops_are_taken_out_so_often_and_so_far_apart() -> None:
    client = OrderClient(FLAT, funds_rupees=1e10)
    held(client)
    client.exchange.faults.lose_stops(2, 10 * NS_PER_S)  # nothing waits yet
    stop = client.place(-1, "SL", LOT, 23_800.0, trigger=23_900.0)
    client.settle()
    assert stop.status == "TRIGGER PENDING" and client.exchange.faults.pending
    client.at(13)
    assert (
        stop.status == "CANCELLED"
        and client.exchange.faults.seen["lose_stops"] == 1
        and not client.exchange.faults.pending
    )
    client.exchange.faults.lose_stops(3, 10 * NS_PER_S)
    client.exchange.faults.clear()
    kept = client.place(-1, "SL", LOT, 23_800.0, trigger=23_900.0)
    client.at(60)
    assert kept.status == "TRIGGER PENDING", "what is cleared comes no more"


def test_a_busy_order_is_changed_the_next_time() -> None:
    client = OrderClient(FLAT, funds_rupees=1e10)
    held(client)
    stop = client.place(-1, "SL", LOT, 23_800.0, trigger=23_900.0)
    client.settle()
    client.exchange.faults.busy_changes(1)
    with pytest.raises(
        RequestRefused, match="cannot be cancelled as it is being processed"
    ) as refused:
        client.exchange.cancel(stop.order_id)
    assert (refused.value.status, refused.value.kind) == (400, "input")
    client.exchange.cancel(stop.order_id)
    client.settle()
    assert stop.status == "CANCELLED" and client.exchange.faults.seen == {"busy_changes": 1}
