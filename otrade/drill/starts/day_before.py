"""The day before a session, of which only what somebody holds at its end is left."""

from collections.abc import Sequence

from otrade.drill.draws.nights import CarriedPosition
from otrade.simulator.base.hours import ist_ns
from otrade.simulator.simulator import Simulator

MINUTE = 60_000_000_000


def live_through(sim: Simulator, carried: Sequence[CarriedPosition]) -> dict[tuple[str, str], int]:
    """Let the first of the simulation's days pass, in which somebody trades these, and open the next
    one. What the account holds then, by instrument and product.
    """
    first, second = sim.dates()
    market = sim.exchange.market
    contracts = [market.universe.resolve(one.key) for one in carried]
    for contract in contracts:
        market.watch(contract)
    _pass(sim, contracts[0].session_ns(first)[0] + MINUTE)
    for one, contract in zip(carried, contracts, strict=True):
        qty = one.lots * contract.lot
        sim.exchange.place_manual(contract.key, one.side, qty, product=one.product)
    _pass(sim, ist_ns(first, sim.cfg.day_end))
    sim.open_day(second)
    return {
        (one.contract.key, one.product): one.qty
        for one in sim.exchange.ledger.positions()
        if one.qty
    }


def _pass(sim: Simulator, until_ns: int) -> None:
    """Nobody is connected: nothing happens but in the exchange's own time."""
    clock = sim.clock
    while (next_ns := clock.next_ns()) is not None and next_ns <= until_ns:
        callback = clock.pop().callback
        if callback is not None:
            callback()
    clock.advance(until_ns)
