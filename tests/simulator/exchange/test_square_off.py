"""The simulated broker closes intraday positions by itself, at the times that brokers have
published.
"""

import asyncio
import datetime as dt

import pytest

from otrade.simulator.base.config import SimConfig
from otrade.simulator.base.hours import ist_ns
from otrade.simulator.exchange.rms import FEE_E4
from otrade.simulator.kite import rms_rules as kite_rms
from otrade.simulator.simulator import Simulator
from otrade.simulator.upstox import rms_rules as upstox_rms

DAY = dt.date(2026, 11, 23)


@pytest.mark.parametrize(
    ("broker", "key", "at", "word"),
    [
        ("kite", "NSE:INFY", "15:12", "ADMINSQF"),
        ("kite", "NFO:NIFTY.FUT", "15:26", "ADMINSQF"),
        ("upstox", "NSE:INFY", "15:10", "rms"),
        ("upstox", "NFO:NIFTY.FUT", "15:25", "rms"),
    ],
)
def test_it_cancels_what_is_pending_then_closes_and_takes_no_more(
    broker: str, key: str, at: str, word: str
) -> None:
    async def body() -> None:
        sim = Simulator(SimConfig(seed=3, broker=broker, funds_rupees=1e9))
        exchange = sim.exchange
        contract = exchange.market.universe.resolve(key)
        lot = contract.lot
        await sim.run_until(ist_ns(DAY, "09:20"))
        exchange.place_manual(key, 1, lot * 3)
        carried = "NRML" if contract.expiry else "CNC"
        exchange.place_manual(key, 1, lot, product=carried)
        await sim.run_until(ist_ns(DAY, "09:30"))
        quote = exchange.market.quote(contract)
        above_e4 = round(quote.ltp_e4 * 1.04) // contract.tick_e4 * contract.tick_e4
        pending = exchange.place_manual(key, -1, lot * 3, price=above_e4 / 10_000)
        await sim.run_until(ist_ns(DAY, at) - 1)
        assert exchange.ledger.held(contract, "MIS") == lot * 3 and not pending.is_final
        await sim.run_until(ist_ns(DAY, at) + 1_000_000_000)
        assert pending.status == "CANCELLED"
        assert (
            exchange.ledger.held(contract, "MIS") == 0
            and exchange.ledger.held(contract, carried) == lot
        ), "no other product is touched"
        closing = exchange.orders()[-1]
        assert (closing.placed_by, closing.side, closing.terms.quantity, closing.tag) == (
            word,
            -1,
            lot * 3,
            None,
        )
        assert exchange.ledger.fees_e4 == FEE_E4
        late = exchange.place_manual(key, 1, lot)
        assert late.status == "REJECTED"

    asyncio.run(body())


def test_it_takes_as_many_orders_as_the_exchange_needs_and_charges_for_each() -> None:
    async def body() -> None:
        sim = Simulator(SimConfig(seed=3, funds_rupees=1e10))
        exchange = sim.exchange
        contract = exchange.market.universe.resolve("NFO:NIFTY.FUT")
        most = contract.freeze_qty // contract.lot * contract.lot
        await sim.run_until(ist_ns(DAY, "09:20"))
        for qty in (most, most, contract.lot):
            exchange.place_manual("NFO:NIFTY.FUT", -1, qty)
        await sim.run_until(ist_ns(DAY, "09:40"))
        held = exchange.ledger.held(contract, "MIS")
        orders = exchange.rms.square_off([contract.key])
        assert sum(order.terms.quantity for order in orders) == -held and all(
            o.terms.quantity <= most for o in orders
        )
        assert exchange.ledger.fees_e4 == FEE_E4 * len(orders) and len(orders) >= 2

    asyncio.run(body())


@pytest.mark.parametrize(
    ("broker", "date", "at"),
    [
        ("kite", "2026-07-31", "15:25"),
        ("kite", "2026-11-08", "19:01"),  # as in the Muhurat session of 2023
        ("upstox", "2026-09-10", "15:14"),  # 15:15 by the old table, when these shares close
        ("upstox", "2026-09-11", "15:10"),
    ],
)
def test_the_times_have_dates(broker: str, date: str, at: str) -> None:
    day = dt.date.fromisoformat(date)
    contract = Simulator(SimConfig(dates=(day,))).exchange.market.universe.resolve("NSE:INFY")
    assert {"kite": kite_rms, "upstox": upstox_rms}[broker].RULES.cut_off_ns(
        contract, day
    ) == ist_ns(day, at)
