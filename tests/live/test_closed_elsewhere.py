"""Positions that others close, convert or add to: what the engine's exits may still be for, and
what is booked.

The numbers are those of real accounts: ten shares bought intraday, a delivery sale of ten beside
them, two slices of a NIFTY future.
"""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from otrade._core.types import Cmd, Ev, ExitReason, OrdType, Severity
from otrade.brokers.session import BrokerRows
from otrade.journal.memory import MemoryJournal
from otrade.journal.replay import replay
from otrade.live.control.commands import Commands
from otrade.live.plan.day_plan import DayPlan, PlannedInstrument, PlannedStrategy
from otrade.live.plan.open_exposure import uncovered
from otrade.live.reconciliation.bracket_recovery import adopt_position
from otrade.simulator.base.errors import RequestRefused
from tests.core.orders.test_brackets import EngineDriver
from tests.harness.core_engine import order_report, token_of
from tests.harness.simulated_day import SECOND, SimulatedDay, run, simulated_day

DAY: dict[str, Any] = {
    "hours": 1.0,
    "offsets_bps": (-5, 5),
    "plan": {"stop_value": 300.0, "target_kind": 0, "on_opposite": 0},
}
"""Stops so far away that nothing but the hand closes anything."""


def a_day(work: Callable[[SimulatedDay], Any], **given: Any) -> None:
    async def body() -> None:
        async with simulated_day(journal=MemoryJournal(), **{**DAY, **given}) as here:
            await here.open()
            await work(here)
            assert here.journal is not None
            done = replay(here.journal.windows())
            assert done.divergence is None, done.divergence

    run(body())


async def opened(here: SimulatedDay) -> tuple[int, str, int]:
    """(instrument, key, signed open quantity) of the first bracket that is open under its stop."""
    engine = here.day.engine
    await here.run_until(
        lambda: any(engine.bracket(b)["protected_qty"] for b in engine.live_brackets())
    )
    bracket = next(b for b in map(engine.bracket, engine.live_brackets()) if b["protected_qty"])
    return (
        bracket["instrument_id"],
        here.day.plan.instruments[bracket["instrument_id"]].name,
        bracket["side"] * bracket["open_qty"],
    )


def net(here: SimulatedDay, key: str, product: str = "MIS") -> int:
    contract = here.sim.exchange.market.universe.resolve(key)
    return here.sim.exchange.ledger.held(contract, product)


def live(here: SimulatedDay, key: str) -> list[int]:
    return [
        o.leaves_qty
        for o in here.sim.exchange.live_orders()
        if o.tag and o.contract.key == key and o.tag[12] != "E"
    ]


def stop_entries(here: SimulatedDay) -> None:
    for i in range(len(here.day.plan.strategies)):
        here.day.engine.set_strategy_enabled(i, False)


@pytest.mark.parametrize("broker", ["kite", "upstox"])
@pytest.mark.parametrize("part", [10, 4])
def test_what_is_closed_by_hand_is_not_closed_again(broker: Any, part: int) -> None:
    """Ten are open under their stop and ten (or four) are sold in the broker's app: the stop goes
    (or shrinks) within seconds.
    """

    async def work(here: SimulatedDay) -> None:
        i, key, qty = await opened(here)
        stop_entries(here)
        here.sim.exchange.place_manual(key, -1 if qty > 0 else 1, part)
        await here.sim.run_until(here.now_ns + 5 * SECOND)
        left = abs(qty) - part
        assert sum(live(here, key)) == left, "exits are for what is there"
        assert here.day.plan.net_of()[i] == net(here, key), "the foreign order is booked"
        assert "CLOSED_ELSEWHERE" in here.codes()
        here.day.shutdown.stop("test", flatten=True)
        await here.run_to_end()
        assert net(here, key) == 0, "nothing was bought or sold again"
        assert here.day.is_verified
        assert here.day.engine.risk()["pnl_e4"] == here.true_pnl_e4()
        closed = [t.exit_reason for t in here.day.trades.trades if t.instrument_id == i]
        assert closed == [ExitReason.MANUAL if part == 10 else ExitReason.FLATTEN], (
            "the reason is that of the last fill"
        )

    a_day(work, broker=broker, keys=("NSE:INFY",), offsets_bps=(5,))


@pytest.mark.parametrize("with_journal", [True, False])
def test_what_was_closed_while_nobody_was_there_gets_no_new_stop(with_journal: bool) -> None:
    async def work(here: SimulatedDay) -> None:
        _, key, qty = await opened(here)
        stop_entries(here)
        await here.process.die()
        for order in [o for o in here.sim.exchange.live_orders() if o.contract.key == key]:
            here.sim.exchange.cancel(order.order_id)
        here.sim.exchange.place_manual(key, -1 if qty > 0 else 1, abs(qty))
        await here.sim.run_until(here.now_ns + 2 * SECOND)
        n_before = len(here.sim.exchange.orders())
        await here.restart(with_journal=with_journal)
        stop_entries(here)
        await here.sim.run_until(here.now_ns + 10 * SECOND)
        mine = [o.tag for o in here.sim.exchange.orders()[n_before:] if o.contract.key == key]
        assert mine == [], "an exit was placed for what is not there"
        assert net(here, key) == 0 and not any(here.day.plan.net_of().values())

    async def body() -> None:
        async with simulated_day(
            journal=MemoryJournal(), **{**DAY, "keys": ("NSE:INFY",), "offsets_bps": (5,)}
        ) as here:
            await here.open()
            await work(here)

    run(body())


def test_a_positions_answer_that_is_wrong_takes_no_stop_away() -> None:
    """Empty, or short of what is held, with nobody's order to explain it: minutes of it are said,
    and the stop of the real ten stays.
    """

    async def work(here: SimulatedDay) -> None:
        i, key, _ = await opened(here)
        stop_entries(here)
        real = here.broker.positions

        async def none() -> BrokerRows[Any]:
            await real()
            return BrokerRows()

        here.broker.positions = none
        here.day.reconciler.positions.poll_soon()
        await here.sim.run_until(here.now_ns + 120 * SECOND)
        assert sum(live(here, key)) == 10 and here.day.engine.instrument(i)["quarantined"]
        here.broker.positions = real
        await here.sim.run_until(here.now_ns + 30 * SECOND)
        assert sum(live(here, key)) == 10 and not here.day.engine.instrument(i)["quarantined"]

    a_day(work, keys=("NSE:INFY",), offsets_bps=(5,))


def test_less_without_an_order_shrinks_exits_after_a_third_look_and_they_come_back() -> None:
    async def work(here: SimulatedDay) -> None:
        _, key, qty = await opened(here)
        stop_entries(here)
        real = here.broker.positions

        async def fewer() -> BrokerRows[Any]:
            return BrokerRows(
                msgspec.structs.replace(row, net_qty=row.net_qty * 3 // 10) for row in await real()
            )

        here.broker.positions = fewer
        here.day.reconciler.positions.poll_soon()
        await here.sim.run_until(here.now_ns + 15 * SECOND)
        assert sum(live(here, key)) == 10, "a look or two are not enough"
        await here.sim.run_until(here.now_ns + 45 * SECOND)
        assert sum(live(here, key)) == abs(qty * 3 // 10)
        assert "CLOSED_ELSEWHERE" in here.codes()
        here.broker.positions = real
        await here.sim.run_until(here.now_ns + 40 * SECOND)
        assert sum(live(here, key)) == 10, "it is there after all: protected again"

    a_day(work, keys=("NSE:INFY",), offsets_bps=(5,))


@pytest.mark.parametrize("broker", ["kite", "upstox"])
def test_a_delivery_sale_beside_an_intraday_position_is_not_ours(broker: Any) -> None:
    """MIS +10 with its stop, and 10 sold for delivery: no quarantine, `adopt` refuses with words,
    the stop stays.
    """

    async def work(here: SimulatedDay) -> None:
        i, key, qty = await opened(here)
        stop_entries(here)
        contract = here.sim.exchange.market.universe.resolve(key)
        here.sim.exchange.ledger.position(contract, "CNC").overnight_qty = 100
        here.sim.exchange.place_manual(key, -1 if qty > 0 else 1, 10, product="CNC")
        await here.sim.run_until(here.now_ns + 80 * SECOND)
        assert sum(live(here, key)) == 10 and net(here, key) == qty
        assert not here.day.engine.instrument(i)["quarantined"]
        control = Commands()
        control.set_day(here.day)
        done, words = control.command("take-over", {"instrument_id": i})
        assert not done and "CNC" in words and "never touches" in words, words
        assert sum(live(here, key)) == 10
        here.day.shutdown.stop("test", flatten=True)
        await here.run_to_end()
        assert net(here, key) == 0 and here.day.is_verified

    a_day(work, broker=broker, keys=("NSE:INFY",), offsets_bps=(5,))


def test_a_conversion_is_seen_and_our_exits_end() -> None:
    """MIS -> CNC by hand: ours is gone, another product is there. It is never sold by us, and
    somebody is told that nothing protects it.
    """

    async def work(here: SimulatedDay) -> None:
        i, key, qty = await opened(here)
        stop_entries(here)
        here.sim.exchange.rms.convert(key, "MIS", "CNC", abs(qty))
        await here.sim.run_until(here.now_ns + 70 * SECOND)
        assert live(here, key) == [] and net(here, key, "CNC") == qty and net(here, key) == 0
        assert here.day.plan.net_of()[i] == 0
        assert any(
            n.code == "CLOSED_ELSEWHERE" and n.severity == Severity.ALARM and "CNC" in n.text
            for n in here.notices
        )
        here.day.shutdown.stop("test", flatten=True)
        await here.run_to_end()
        assert net(here, key, "CNC") == qty and net(here, key) == 0

    a_day(work, keys=("NSE:INFY",), offsets_bps=(5,))


@pytest.mark.parametrize("broker", ["kite", "upstox"])
def test_the_brokers_square_off_is_followed(broker: Any) -> None:
    """It takes our stop out and closes the position with an order of its own: we place nothing that
    would open another.
    """

    async def work(here: SimulatedDay) -> None:
        i, key, _ = await opened(here)
        stop_entries(here)
        here.sim.exchange.rms.square_off([key])
        await here.sim.run_until(here.now_ns + 6 * SECOND)
        assert net(here, key) == 0 and live(here, key) == []
        assert here.day.plan.net_of()[i] == 0
        await here.run_to_end()
        assert net(here, key) == 0
        assert [t.exit_reason for t in here.day.trades.trades] == [ExitReason.BROKER]
        assert here.sim.exchange.ledger.fees_e4 == 59 * 10_000

    a_day(work, broker=broker, keys=("NSE:INFY",), offsets_bps=(5,))


def test_after_its_cut_off_the_broker_takes_no_new_intraday_order() -> None:
    async def work(here: SimulatedDay) -> None:
        _, key, qty = await opened(here)
        here.sim.exchange.rms.close_to_new({key})
        placed = here.sim.exchange.place_manual(key, -1 if qty > 0 else 1, 1)
        assert placed.status == "REJECTED" and "square off" in (placed.status_message or "")
        with pytest.raises(RequestRefused):
            here.sim.exchange.rms.convert(key, "CNC", "MIS", 1)

    a_day(work, keys=("NSE:INFY",), offsets_bps=(5,))


def a_plan(size: float, freeze: int, lot: int) -> tuple[DayPlan, EngineDriver]:
    """A bare engine with one instrument, long in as many slices as the freeze quantity makes of the
    size, each under its stop.
    """
    driver = EngineDriver(
        plan={"target_kind": 0, "size_value": size, "max_qty": 100_000},
        freeze_qty=freeze,
        lot_size=lot,
    )
    instrument = PlannedInstrument(token_of(0), "NFO", "NIFTYFUT", "MIS", "", "full", 0, 0, 0, 0)
    plan = DayPlan(
        "2026-11-23",
        driver.e,
        [instrument],
        [PlannedStrategy("one", "price_level", 0, 60, {})],
        {token_of(0): 0},
    )
    driver.price(9_900).price(10_050)
    entries = []
    while (cmd := driver.e.take_command()) is not None:
        entries.append(cmd)
    for cmd in entries:
        driver.ack(cmd)
        driver.say(cmd, Ev.FILL_FULL, cmd.qty, 1_005_000)
    while (cmd := driver.e.take_command()) is not None:
        driver.ack(cmd)
        driver.say(cmd, Ev.WORKING)
    return plan, driver


def test_slices_that_were_closed_by_hand_are_closed_and_none_is_opened() -> None:
    """1,755 and 1,235 long, and 2,990 sold by hand: both brackets close at its price; no third one,
    short, whose stop no exchange takes.
    """
    plan, driver = a_plan(2_990.0, 1_755, 65)
    assert [b["open_qty"] for b in map(driver.e.bracket, driver.e.live_brackets())] == [
        1_755,
        1_235,
    ]
    words = adopt_position(plan, 0, -2_990, 2_990 * 1_010_000 + 1, driver.now)
    assert "2990 units closed by hand are booked on the 2 brackets" in words
    kinds = []
    while (cmd := driver.e.take_command()) is not None:
        kinds.append(cmd.kind)
        driver.ack(cmd)
        driver.say(cmd, Ev.CANCELED)
    assert kinds == [Cmd.CANCEL, Cmd.CANCEL], "the stops go, and nothing else is asked"
    assert driver.e.n_live == 0 and driver.e.n_brackets == 2 and plan.net_of() == {0: 0}
    assert driver.e.risk()["pnl_e4"] == 2_990 * 5_000 + 1, (
        "the whole value, to the last ten-thousandth"
    )


def test_what_is_taken_over_is_cut_by_the_freeze_quantity() -> None:
    """5,005 sold by hand against 2,990: 2,990 close ours, 2,015 are taken over short in 1,755 and
    260, each with a stop of its own.
    """
    plan, driver = a_plan(2_990.0, 1_755, 65)
    words = adopt_position(plan, 0, -5_005, 5_005 * 1_010_000, driver.now)
    assert (
        "2 brackets that had opened them" in words
        and "2 stops, none above the freeze quantity" in words
    )
    stops = []
    while (cmd := driver.e.take_command()) is not None:
        if cmd.kind == Cmd.NEW:
            stops.append((cmd.side, cmd.qty))
        driver.ack(cmd)
        driver.say(cmd, Ev.CANCELED if cmd.kind == Cmd.CANCEL else Ev.WORKING)
    assert stops == [(1, 1_755), (1, 260)]
    assert plan.net_of() == {0: -2_015}
    assert uncovered(plan) == []


def test_verified_means_equal_and_covered() -> None:
    plan, driver = a_plan(10.0, 0, 1)
    assert uncovered(plan) == []
    slot = driver.e.bracket(0)["stop_slot"]
    order = driver.e.order(slot)
    driver.e.on_report(order_report(
        cl_ord_id=order["cl_ord_id"], broker_order_id=order["broker_order_id"], ev=Ev.CANCELED, source=2, order_qty=10, cum_qty=0,
        cum_value_e4=0, price_e4=order["price_e4"], trigger_e4=order["trigger_e4"], ord_type=OrdType.SL, triggered=False, reason=0,
        ts_update_ns=driver.now + 1, ts_recv_ns=driver.now + 1,
    ))  # fmt: skip
    assert uncovered(plan) == ["NIFTYFUT"]


@pytest.mark.parametrize("broker", ["kite", "upstox"])
def test_an_exit_that_met_the_hand_halfway_is_undone(broker: Any) -> None:
    """Ten sold by hand, and ten by our own exit in the same second: the account is short ten that
    nobody wanted.
    """

    async def work(here: SimulatedDay) -> None:
        i, key, qty = await opened(here)
        stop_entries(here)
        here.sim.exchange.place_manual(key, -1 if qty > 0 else 1, abs(qty))
        here.day.engine.on_flatten(i, here.now_ns)
        here.day.router.drain()
        await here.sim.run_until(here.now_ns + 10 * SECOND)
        assert net(here, key) == 0 and here.day.plan.net_of()[i] == 0
        assert live(here, key) == []
        await here.run_to_end()
        assert here.day.is_verified and here.day.engine.risk()["pnl_e4"] == here.true_pnl_e4()

    a_day(work, broker=broker, keys=("NSE:INFY",), offsets_bps=(5,))


def test_what_somebody_sells_beyond_ours_is_his() -> None:
    """Fifteen sold by hand against our ten: ten are booked, the five short are shown and left
    alone.
    """

    async def work(here: SimulatedDay) -> None:
        i, key, qty = await opened(here)
        stop_entries(here)
        side = 1 if qty > 0 else -1
        here.sim.exchange.place_manual(key, -side, abs(qty) + 5)
        await here.sim.run_until(here.now_ns + 20 * SECOND)
        assert (
            net(here, key) == -5 * side and here.day.plan.net_of()[i] == 0 and live(here, key) == []
        )
        assert here.day.engine.instrument(i)["quarantined"]
        here.day.shutdown.stop("test", flatten=True)
        await here.run_to_end()
        assert net(here, key) == -5 * side

    a_day(work, keys=("NSE:INFY",), offsets_bps=(5,))


def test_positions_are_read_every_few_seconds_when_the_brokers_square_off_is_near() -> None:
    """From two minutes before it until the close, while something is open; a minute apart before
    that.
    """

    async def work(here: SimulatedDay) -> None:
        i, _, _ = await opened(here)
        stop_entries(here)
        asked: list[int] = []
        real = here.broker.positions

        async def counted() -> list[Any]:
            asked.append(here.now_ns)
            return await real()

        here.broker.positions = counted
        await here.sim.run_until(here.now_ns + 120 * SECOND)
        assert 1 <= len(asked) <= 3
        instruments = here.day.plan.instruments
        instruments[i] = msgspec.structs.replace(
            instruments[i], broker_square_off_ns=here.now_ns + 180 * SECOND
        )
        asked.clear()
        await here.sim.run_until(here.now_ns + 60 * SECOND)
        assert len(asked) <= 2
        asked.clear()
        await here.sim.run_until(here.now_ns + 60 * SECOND)
        assert 11 <= len(asked) <= 13, "twelve a minute: what docs/operations.md allows"

    a_day(work, keys=("NSE:INFY",), offsets_bps=(5,))


def test_an_exit_that_is_refused_after_the_cut_off_is_said() -> None:
    async def work(here: SimulatedDay) -> None:
        i, key, qty = await opened(here)
        stop_entries(here)
        instruments = here.day.plan.instruments
        instruments[i] = msgspec.structs.replace(instruments[i], broker_square_off_ns=here.now_ns)
        exchange = here.sim.exchange
        exchange.rms.close_to_new({key})
        for order in [o for o in exchange.live_orders() if o.tag]:
            exchange.cancel(order.order_id)
        await here.run_until(lambda: "EXIT_AFTER_CUT_OFF" in here.codes())
        exchange.rms.square_off([key])
        await here.sim.run_until(here.now_ns + 15 * SECOND)
        assert net(here, key) == 0 and here.day.plan.net_of()[i] == 0 and live(here, key) == []

    a_day(work, keys=("NSE:INFY",), offsets_bps=(5,))
