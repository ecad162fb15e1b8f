"""Entries larger than the exchange's freeze quantity, over real sockets: the whole of it goes in,
each part covered, or nothing does.
"""

from __future__ import annotations

import pytest

from otrade._core.types import Reason
from otrade.drill.process import BrokerKind
from otrade.live.api.decision_card import why_signal
from otrade.simulator.exchange.orders import Order
from tests.harness.simulated_day import SECOND, run, simulated_day

FUTURE = "NFO:NIFTY.FUT"
QTY = 17_550
"""Ten times what one order may hold."""
RICH = {"funds_rupees": 1e11}
BIG: dict[str, int | float] = {
    "size_value": float(QTY),
    "max_qty": 0,
    "stop_value": 500.0,
    "target_value": 900.0,
    "on_opposite": 0,
    "entry_type": 1,
}


def is_entry(order: Order) -> bool:
    return bool(order.tag) and (order.tag or "")[12] == "E"


@pytest.mark.parametrize("broker", ["kite", "upstox"])
def test_ten_slices_go_in_and_are_covered_as_they_fill(broker: BrokerKind) -> None:
    async def body() -> None:
        limits = {
            "entry_wait_ns": 12 * SECOND,
            "max_trades": 1,
            "max_order_qty": QTY,
            "max_open_positions": 1,
        }
        async with simulated_day(
            keys=(FUTURE,), offsets_bps=(5,), plan=BIG, limits=limits, config=RICH, broker=broker
        ) as here:
            await here.open()
            await here.run_until(
                lambda: any(is_entry(order) for order in here.sim.exchange.orders())
            )
            await here.sim.run_until(here.now_ns + 14 * SECOND)
            entries = [order for order in here.sim.exchange.orders() if is_entry(order)]
            assert sum(order.terms.quantity for order in entries) == QTY and len(entries) == 10
            assert {order.terms.quantity for order in entries} == {QTY // 10}
            assert "ENTRY_CUT" not in here.codes() and "BUDGET_WAIT" not in here.codes()
            engine = here.day.engine
            filled = sum(order.filled_qty for order in entries)
            assert sum(engine.bracket(i)["entry_qty"] for i in range(10)) == filled > 0
            assert engine.counters()["naked_ns_worst"] < SECOND
            assert (engine.risk()["trades"], engine.risk()["open_positions"]) == (1, 1)
            seen = next(seen for seen in here.day.signals.since(0) if seen.taken)
            told = [fact.value for fact in why_signal(here.day, seen).facts]
            assert any(
                "the rest of the entry" in value and "waits up to 12.0 s" in value for value in told
            )
            assert sum("entry to" in value for value in told) == 10

    run(body())


@pytest.mark.parametrize(
    ("qty", "limits", "reason"),
    [
        (5_200, {"max_order_qty": 2_000, "entry_wait_ns": 5 * SECOND}, Reason.MAX_QTY),
        (QTY + 65, {"entry_wait_ns": 5 * SECOND}, Reason.SLICES),
        (QTY, {"entry_wait_ns": 0}, Reason.RATE_SECOND),
    ],
)
def test_what_cannot_go_in_whole_is_refused_by_name(
    qty: int, limits: dict[str, int], reason: Reason
) -> None:
    async def body() -> None:
        plan = {**BIG, "size_value": float(qty)}
        async with simulated_day(
            keys=(FUTURE,), offsets_bps=(0,), plan=plan, limits=limits, config=RICH
        ) as here:
            await here.open()
            await here.run_until(lambda: bool(here.day.signals.refused[reason]))
            await here.sim.run_until(here.now_ns + 8 * SECOND)
            assert not any(is_entry(order) for order in here.sim.exchange.orders())
            assert here.day.engine.n_brackets == 0

    run(body())
