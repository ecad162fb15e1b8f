"""A whole engine trades through a random mix of every trouble; when the world is healthy again the
day ends flat, and its books are the exchange's.
"""

import random
from collections import Counter
from collections.abc import Callable
from typing import Any, get_args

import pytest

from otrade.simulator.faults.injector import FaultInjector
from otrade.simulator.faults.requests import AnswerFault, RequestFault
from tests.harness.simulated_day import KEYS, SECOND, SimulatedDay, run, simulated_day

METHODS = ("", "POST", "PUT", "DELETE", "GET")
Trouble = Callable[[FaultInjector, random.Random], None]


def _answer(faults: FaultInjector, rng: random.Random) -> None:
    how: Any = rng.choice(get_args(AnswerFault))
    late_ns = rng.randint(1, 8) * SECOND
    faults.answer_wrongly(
        how,
        count=rng.randint(1, 2),
        method=rng.choice(METHODS),
        path_prefix="/orders",
        delay_ns=late_ns,
    )


def _lose(faults: FaultInjector, rng: random.Random) -> None:
    how: Any = rng.choice(get_args(RequestFault))
    faults.lose_request(
        how, count=rng.randint(1, 3), method=rng.choice(METHODS), path_prefix="/orders"
    )


TROUBLES: list[Trouble] = [
    _answer,
    _answer,
    _lose,
    _lose,
    lambda f, rng: f.drop_pushes(rng.randint(1, 4)),
    lambda f, rng: f.double_pushes(rng.randint(1, 6)),
    lambda f, rng: f.shuffle_pushes(rng.randint(2, 8), rng.randint(1, 4) * SECOND),
    lambda f, rng: f.unknown_status(rng.randint(1, 2)),
    lambda f, rng: f.garble_push(rng.randint(1, 3)),
    lambda f, rng: f.silence_feed(rng.randint(2, 20) * SECOND),
    lambda f, rng: f.cut_feed(),
    lambda f, rng: f.cut_mid_frame(),
    lambda f, rng: f.half_open(rng.randint(2, 15) * SECOND),
    lambda f, rng: f.reject_exits(rng.randint(1, 3)),
    lambda f, rng: f.lock_circuit(
        rng.choice(KEYS), rng.choice((1, -1)), rng.randint(5, 30) * SECOND
    ),
    lambda f, rng: f.gap(rng.choice(KEYS), rng.choice((1, -1)) * rng.randint(30, 200)),
    lambda f, rng: f.cut_fills(rng.random() < 0.7),
    lambda f, rng: f.fill_after_cancel(rng.randint(1, 2)),
    lambda f, rng: f.stale_book(rng.randint(1, 2), rng.randint(1, 5) * SECOND),
    lambda f, rng: f.cap_modifications(rng.randint(1, 6)),
]


def truth(here: SimulatedDay) -> list[tuple[str, int, int, int]]:
    """The exchange's executions; its own books agree with each other whatever went wrong."""
    exchange, net = here.sim.exchange, Counter[str]()
    for order in exchange.orders():
        assert order.filled_qty == sum(trade.qty for trade in order.trades) <= order.terms.quantity
    for trade in exchange.trades():
        net[trade.order.contract.key] += trade.order.side * trade.qty
    assert exchange.net_qty() == {key: qty for key, qty in net.items() if qty}
    return [
        (trade.order.order_id, trade.ts_ns, trade.qty, trade.price_e4)
        for trade in exchange.trades()
    ]


async def troubled(seed: int) -> tuple[list[tuple[str, int, int, int]], Counter[str]]:
    rng = random.Random(f"{seed}:troubles")
    async with simulated_day(seed=seed, hours=1.0) as here:
        await here.open()
        await here.sim.run_until(here.at("09:16"))
        while here.now_ns < here.at("09:58"):
            for _ in range(rng.randint(1, 3)):
                rng.choice(TROUBLES)(here.sim.faults, rng)
            await here.sim.run_until(here.now_ns + rng.randint(5, 90) * SECOND)
            truth(here)
        here.sim.faults.clear()
        await here.run_to_end()
        assert here.sim.exchange.net_qty() == {}, f"seed {seed}: not flat"
        assert here.sim.exchange.live_orders() == [], f"seed {seed}: an order is left"
        assert here.day.engine.risk()["pnl_e4"] == here.true_pnl_e4(), (
            f"seed {seed}: the engine's books differ"
        )
        return truth(here), Counter(here.sim.faults.seen)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_day_of_troubles_ends_flat_and_true(seed: int) -> None:
    trades, seen = run(troubled(seed))
    assert trades and len(seen) >= 12, f"seed {seed}: {seen}"


def test_the_same_seed_gives_the_same_troubled_day() -> None:
    assert run(troubled(4)) == run(troubled(4))
