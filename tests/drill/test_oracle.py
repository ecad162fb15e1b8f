"""The judge says no: limits that only an engine with a fault would pass, on an exchange whose books
are made by hand.
"""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from otrade._core.types import Cmd, Lane
from otrade.drill.oracle import Oracle, Violation
from otrade.drill.scenario import PLAN, Scenario, StrategyDraw, draw
from otrade.drill.sent import BudgetPassed, SentRequest, check_budget

SECOND = 1_000_000_000
TAG = "OT000001{bracket:04d}{leg}000000"


class RecordedExchange:
    """Orders and trades as they are put there."""

    def __init__(self) -> None:
        self.now_ns = 1_000 * SECOND
        self.made: list[Any] = []
        self.done: list[Any] = []
        self.market = SimpleNamespace(
            universe=SimpleNamespace(resolve=lambda key: SimpleNamespace(key=key))
        )

    def orders(self) -> list[Any]:
        return self.made

    def live_orders(self) -> list[Any]:
        return [order for order in self.made if not order.is_final]

    def trades(self) -> list[Any]:
        return self.done

    def order(
        self,
        bracket: int,
        leg: str,
        side: int,
        *,
        qty: int = 10,
        filled: int = 0,
        px_e4: int = 1_000_000,
        final: bool = True,
    ) -> Any:
        tag = TAG.format(bracket=bracket, leg=leg)
        order = SimpleNamespace(
            tag=f"{tag[:-4]}{len(self.made):04d}",
            order_id=str(len(self.made)),
            side=side,
            filled_qty=filled,
            leaves_qty=qty - filled,
            is_final=final,
            status="COMPLETE" if filled == qty else "CANCELLED" if final else "OPEN",
            exchange_order_id=f"X{len(self.made)}",
            waits_for_trigger=False,
            product="MIS",
            ts_placed_ns=self.now_ns,
            terms=SimpleNamespace(quantity=qty),
            contract=SimpleNamespace(key="NSE:INFY", multiplier=1),
        )
        self.made.append(order)
        if filled:
            self.done.append(
                SimpleNamespace(order=order, qty=filled, price_e4=px_e4, ts_ns=self.now_ns)
            )
        return order

    def round_trip(self, bracket: int, loss_e4: int) -> None:
        self.order(bracket, "E", 1, filled=10)
        self.order(bracket, "S", -1, filled=10, px_e4=1_000_000 - loss_e4 // 10)


def judge(
    exchange: RecordedExchange,
    **limits: int,
) -> Oracle:
    faults = SimpleNamespace(ts_refused_ns=0)
    sim: Any = SimpleNamespace(
        exchange=exchange, clock=SimpleNamespace(now_ns=lambda: exchange.now_ns), faults=faults
    )
    scenario: Scenario = replace(
        draw(1, []),
        strategies=[StrategyDraw("NSE:INFY", "price_level", 10, {}, PLAN)],
        limits={"max_daily_loss_e4": 0, **limits},
    )
    return Oracle(sim, scenario)


@pytest.mark.parametrize(
    ("loss_e4", "wait_s", "is_wrong"),
    [(5_000_000, 60, True), (4_000_000, 60, False), (5_000_000, 1, False)],
)
def test_an_entry_after_the_days_loss(loss_e4: int, wait_s: int, is_wrong: bool) -> None:
    exchange = RecordedExchange()
    oracle = judge(exchange, max_daily_loss_e4=5_000_000)
    exchange.round_trip(1, loss_e4)
    oracle.check()
    exchange.now_ns += wait_s * SECOND
    exchange.order(2, "E", 1, final=False)
    if is_wrong:
        with pytest.raises(Violation, match=r"with a loss of 500\.00"):
            oracle.check()
    else:
        oracle.check()


@pytest.mark.parametrize(("filled", "is_wrong"), [(("A", "B", "C"), True), (("A", "B"), False)])
def test_an_entry_that_takes_what_other_entries_stops_want(
    filled: tuple[str, ...], is_wrong: bool
) -> None:
    budget = {
        "per_second": 9,
        "per_minute": 0,
        "per_day": 100,
        "reserve_second": 3,
        "reserve_minute": 0,
        "reserve_day": 0,
        "modifies_per_order": 25,
    }
    rows = [SentRequest(i, Lane.ENTRY, Cmd.NEW, tag) for i, tag in enumerate("ABCD")]
    if is_wrong:
        with pytest.raises(BudgetPassed, match="entry D left beside 3 others"):
            check_budget(rows, budget, filled)
    else:
        check_budget(rows, budget, filled)


@pytest.mark.parametrize("placed_again", [True, False])
def test_a_second_recovery_that_places_what_stands(placed_again: bool) -> None:
    exchange = RecordedExchange()
    oracle = judge(exchange)
    exchange.order(1, "E", 1, filled=10)
    exchange.order(1, "S", -1, final=False)
    before, since_ns = oracle.covered(), exchange.now_ns
    assert list(before.values()) == [(10, {"1"})]
    exchange.now_ns += SECOND // 20
    if placed_again:
        exchange.order(
            1, "S", -1, final=False
        ).leaves_qty = 0  # so that nothing else is wrong with it
        oracle.check()
        with pytest.raises(Violation, match="recovery is not idempotent"):
            oracle.check_again(before, since_ns)
    else:
        oracle.check()
        oracle.check_again(before, since_ns)


def test_one_intent_two_orders_and_an_exit_above_the_position() -> None:
    exchange = RecordedExchange()
    oracle = judge(exchange)
    exchange.order(1, "E", 1, filled=10)
    exchange.order(1, "S", -1, final=False)
    oracle.check()
    exchange.made.append(exchange.made[0])
    with pytest.raises(Violation, match="used twice"):
        oracle.check()
    exchange = RecordedExchange()
    oracle = judge(exchange)
    exchange.order(1, "E", 1, filled=10)
    exchange.order(1, "S", -1, qty=20, final=False)
    with pytest.raises(Violation, match="an exit exceeds the position"):
        oracle.check()


def test_a_position_left_bare_for_longer_than_the_bound() -> None:
    exchange = RecordedExchange()
    oracle = judge(exchange)
    exchange.order(1, "E", 1, filled=10)
    oracle.check()
    exchange.now_ns += 30 * SECOND
    with pytest.raises(Violation, match="10 units open, 0 covered for 30"):
        oracle.check()
