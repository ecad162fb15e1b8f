"""Positions that others close, convert or add to: what the engine's exits may still be for, and what is booked.

The numbers are those of real accounts: ten shares bought intraday, a delivery sale of ten beside them, two slices of a NIFTY future.
"""

from collections.abc import Callable
from typing import Any

import pytest

from otrade._core.types import ExitReason, Severity
from otrade.brokers.sim.errors import KiteError
from otrade.journal.memory import MemoryJournal
from otrade.journal.replay import replay
from otrade.live.control import Control

from .world import SECOND, World, run, world

DAY: dict[str, Any] = {"hours": 1.0, "offsets_bps": (-5, 5), "plan": {"stop_value": 300.0, "target_kind": 0, "on_opposite": 0}}
"""Stops so far away that nothing but the hand closes anything."""


def a_day(work: Callable[[World], Any], **given: Any) -> None:
    async def body() -> None:
        async with world(journal=MemoryJournal(), **{**DAY, **given}) as here:
            await here.open()
            await work(here)
            assert here.journal is not None
            done = replay(here.journal.windows())
            assert done.divergence is None, done.divergence

    run(body())


async def opened(here: World) -> tuple[int, str, int]:
    """(instrument, key, signed open quantity) of the first bracket that is open under its stop."""
    engine = here.day.engine
    await here.run_until(lambda: any(engine.bracket(b)["protected_qty"] for b in engine.live_brackets()))
    bracket = next(b for b in map(engine.bracket, engine.live_brackets()) if b["protected_qty"])
    return bracket["instrument_id"], here.day.plan.instruments[bracket["instrument_id"]].name, bracket["side"] * bracket["open_qty"]


def net(here: World, key: str, product: str = "MIS") -> int:
    contract = here.sim.exchange.market.universe.resolve(key)
    return here.sim.exchange.ledger.held(contract, product)


def live(here: World, key: str) -> list[int]:
    return [o.leaves_qty for o in here.sim.exchange.live_orders() if o.tag and o.contract.key == key and o.tag[12] != "E"]


def stop_entries(here: World) -> None:
    for i in range(len(here.day.plan.strategies)):
        here.day.engine.set_strategy_enabled(i, False)


@pytest.mark.parametrize("broker", ["kite", "upstox"])
@pytest.mark.parametrize("part", [10, 4])
def test_what_is_closed_by_hand_is_not_closed_again(broker: Any, part: int) -> None:
    """Ten are open under their stop and ten (or four) are sold in the broker's app: the stop goes (or shrinks) within seconds."""

    async def work(here: World) -> None:
        i, key, qty = await opened(here)
        stop_entries(here)
        here.sim.exchange.place_manual(key, -1 if qty > 0 else 1, part)
        await here.sim.run_until(here.now_ns + 5 * SECOND)
        left = abs(qty) - part
        assert sum(live(here, key)) == left, "exits are for what is there"
        assert here.day.plan.net_of()[i] == net(here, key), "the foreign order is booked"
        assert "CLOSED_ELSEWHERE" in here.codes()
        here.day.ending.stop("test", flatten=True)
        await here.run_to_end()
        assert net(here, key) == 0, "nothing was bought or sold again"
        assert here.day.is_verified
        assert here.day.engine.risk()["pnl_e4"] == here.true_pnl_e4()
        closed = [t.exit_reason for t in here.day.trades.trades if t.instrument_id == i]
        assert closed == [ExitReason.MANUAL]

    a_day(work, broker=broker, keys=("NSE:INFY",), offsets_bps=(5,))


@pytest.mark.parametrize("with_journal", [True, False])
def test_what_was_closed_while_nobody_was_there_gets_no_new_stop(with_journal: bool) -> None:
    async def work(here: World) -> None:
        _, key, qty = await opened(here)
        stop_entries(here)
        await here.process.die()
        for order in [o for o in here.sim.exchange.live_orders() if o.contract.key == key]:
            here.sim.exchange.cancel(order.order_id)
        here.sim.exchange.place_manual(key, -1 if qty > 0 else 1, abs(qty))
        await here.sim.run_until(here.now_ns + 2 * SECOND)
        n_before = len(here.sim.exchange.orders())
        await here.restart(with_journal=with_journal)
        await here.sim.run_until(here.now_ns + 10 * SECOND)
        mine = [o.tag for o in here.sim.exchange.orders()[n_before:] if o.contract.key == key]
        assert mine == [], "an exit was placed for what is not there"
        assert net(here, key) == 0 and not any(here.day.plan.net_of().values())

    async def body() -> None:
        async with world(journal=MemoryJournal(), **{**DAY, "keys": ("NSE:INFY",), "offsets_bps": (5,)}) as here:
            await here.open()
            await work(here)

    run(body())


def test_a_positions_answer_that_is_wrong_takes_no_stop_away() -> None:
    """Empty, or short of what is held, with nobody's order to explain it: minutes of it are said, and the stop of the real ten stays."""

    async def work(here: World) -> None:
        i, key, _ = await opened(here)
        stop_entries(here)
        real = here.broker.positions

        async def none() -> list[Any]:
            await real()
            return []

        here.broker.positions = none  # type: ignore[method-assign]
        here.day.explainer.positions.look_soon()
        await here.sim.run_until(here.now_ns + 120 * SECOND)
        assert sum(live(here, key)) == 10 and here.day.engine.instrument(i)["quarantined"]
        here.broker.positions = real  # type: ignore[method-assign]
        await here.sim.run_until(here.now_ns + 30 * SECOND)
        assert sum(live(here, key)) == 10 and not here.day.engine.instrument(i)["quarantined"]

    a_day(work, keys=("NSE:INFY",), offsets_bps=(5,))


def test_less_without_an_order_shrinks_exits_after_a_third_look_and_they_come_back() -> None:
    async def work(here: World) -> None:
        import msgspec

        _, key, qty = await opened(here)
        stop_entries(here)
        real = here.broker.positions

        async def fewer() -> list[Any]:
            return [msgspec.structs.replace(row, net_qty=row.net_qty * 3 // 10) for row in await real()]

        here.broker.positions = fewer  # type: ignore[method-assign]
        here.day.explainer.positions.look_soon()
        await here.sim.run_until(here.now_ns + 15 * SECOND)
        assert sum(live(here, key)) == 10, "a look or two are not enough"
        await here.sim.run_until(here.now_ns + 45 * SECOND)
        assert sum(live(here, key)) == abs(qty * 3 // 10)
        assert "CLOSED_ELSEWHERE" in here.codes()
        here.broker.positions = real  # type: ignore[method-assign]
        await here.sim.run_until(here.now_ns + 40 * SECOND)
        assert sum(live(here, key)) == 10, "it is there after all: protected again"

    a_day(work, keys=("NSE:INFY",), offsets_bps=(5,))


@pytest.mark.parametrize("broker", ["kite", "upstox"])
def test_a_delivery_sale_beside_an_intraday_position_is_not_ours(broker: Any) -> None:
    """MIS +10 with its stop, and 10 sold for delivery: no quarantine, `adopt` refuses with words, the stop stays."""

    async def work(here: World) -> None:
        i, key, qty = await opened(here)
        stop_entries(here)
        contract = here.sim.exchange.market.universe.resolve(key)
        here.sim.exchange.ledger.position(contract, "CNC").overnight_qty = 100
        here.sim.exchange.place_manual(key, -1 if qty > 0 else 1, 10, product="CNC")
        await here.sim.run_until(here.now_ns + 80 * SECOND)
        assert sum(live(here, key)) == 10 and net(here, key) == qty
        assert not here.day.engine.instrument(i)["quarantined"]
        control = Control()
        control.set_day(here.day)
        done, words = control.command("adopt", {"instrument_id": i})
        assert not done and "CNC" in words and "never touches" in words, words
        assert sum(live(here, key)) == 10
        here.day.ending.stop("test", flatten=True)
        await here.run_to_end()
        assert net(here, key) == 0 and here.day.is_verified

    a_day(work, broker=broker, keys=("NSE:INFY",), offsets_bps=(5,))


def test_a_conversion_is_seen_and_our_exits_end() -> None:
    """MIS -> CNC by hand: ours is gone, another product is there. It is never sold by us, and somebody is told that nothing protects it."""

    async def work(here: World) -> None:
        i, key, qty = await opened(here)
        stop_entries(here)
        here.sim.exchange.risk_desk.convert(key, "MIS", "CNC", abs(qty))
        await here.sim.run_until(here.now_ns + 70 * SECOND)
        assert live(here, key) == [] and net(here, key, "CNC") == qty and net(here, key) == 0
        assert here.day.plan.net_of()[i] == 0
        assert any(n.code == "CLOSED_ELSEWHERE" and n.severity == Severity.ALARM and "CNC" in n.text for n in here.notices)
        here.day.ending.stop("test", flatten=True)
        await here.run_to_end()
        assert net(here, key, "CNC") == qty and net(here, key) == 0

    a_day(work, keys=("NSE:INFY",), offsets_bps=(5,))


@pytest.mark.parametrize("broker", ["kite", "upstox"])
def test_the_brokers_square_off_is_followed(broker: Any) -> None:
    """It takes our stop out and closes the position with an order of its own: we place nothing that would open another."""

    async def work(here: World) -> None:
        i, key, _ = await opened(here)
        stop_entries(here)
        here.sim.exchange.risk_desk.square_off([key])
        await here.sim.run_until(here.now_ns + 6 * SECOND)
        assert net(here, key) == 0 and live(here, key) == []
        assert here.day.plan.net_of()[i] == 0
        await here.run_to_end()
        assert net(here, key) == 0
        assert [t.exit_reason for t in here.day.trades.trades] == [ExitReason.BROKER]
        assert here.sim.exchange.ledger.fees_e4 == 59 * 10_000

    a_day(work, broker=broker, keys=("NSE:INFY",), offsets_bps=(5,))


def test_after_its_cut_off_the_broker_takes_no_new_intraday_order() -> None:
    async def work(here: World) -> None:
        _, key, qty = await opened(here)
        here.sim.exchange.risk_desk.close_to_new({key})
        placed = here.sim.exchange.place_manual(key, -1 if qty > 0 else 1, 1)
        assert placed.status == "REJECTED" and "square off" in (placed.status_message or "")
        with pytest.raises(KiteError):
            here.sim.exchange.risk_desk.convert(key, "CNC", "MIS", 1)

    a_day(work, keys=("NSE:INFY",), offsets_bps=(5,))
