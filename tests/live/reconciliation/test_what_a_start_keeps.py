"""What a start must not lose, when nothing but the broker's book tells it: the day's placements, and
where each stop stood.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from otrade._core.engine.engine import Engine
from otrade._core.types import Cmd, Ev, Leg, OrdType, Side
from otrade.brokers.session import OrderReport
from otrade.live.oms.cl_ord_id import ClOrdId, make, parse
from otrade.live.reconciliation.bracket_recovery import BracketRecovery, stop_distance_e4
from tests.harness.simulated_day import SECOND, SimulatedDay
from tests.live.reconciliation.test_bracket_recovery import a_day, check_end
from tests.live.reconciliation.test_recovered_decisions import NOON, S, a_plan, row


@pytest.mark.parametrize("with_journal", [True, False], ids=["with its journal", "without"])
@pytest.mark.parametrize("broker", ["kite", "upstox"])
def test_placements_of_the_day_are_counted_on(with_journal: bool, broker: str) -> None:
    async def work(here: SimulatedDay) -> None:
        def placed() -> int:
            return len(here.sim.exchange.orders())

        await here.run_until(lambda: placed() >= 5)
        before = placed()
        await here.restart(with_journal=with_journal)
        assert here.day.engine.budget()["day_used"] >= before
        here.day.engine.on_halt(0, 0, here.now_ns)
        await here.sim.run_until(here.now_ns + 200 * SECOND)
        assert here.day.engine.budget()["day_used"] == placed()
        await here.run_to_end()
        check_end(here)

    a_day(work, broker=broker)


def stop_row(attempt: int, trigger_e4: int, ev: Ev) -> OrderReport:
    tag = make(ClOrdId(run=3, bracket=0, leg=Leg.STOP, attempt=attempt, slot=5 + attempt))
    return msgspec.structs.replace(
        row(0, Leg.STOP, -1, 10, 20 + attempt), cl_ord_id=tag, broker_order_id=f"S{attempt}",
        ev=ev, cum_qty=0, cum_value_e4=0, price_e4=trigger_e4 - 2_000, trigger_e4=trigger_e4,
        ord_type=OrdType.SL,
    )  # fmt: skip


def recovered(*stops: OrderReport) -> tuple[Engine, list[Any]]:
    """A core that has read a book of one entry (10 at 100 rupees) and these stops, and what it asks
    for then. The plan's stop is two rupees from the entry."""
    plan: Any = a_plan()
    rows = [row(0, Leg.ENTRY, Side.BUY, 10, 10), *stops]
    now = NOON + 900 * S
    BracketRecovery(plan).adopt(rows, now)
    engine: Engine = plan.engine
    engine.on_book_begin(now)
    for one in rows:
        engine.on_report(one)
    engine.on_book_end(now + S)
    asked = []
    while (cmd := engine.take_command()) is not None:
        asked.append(cmd)
    return engine, asked


def test_a_stop_that_had_trailed_stays_where_it_stands() -> None:
    engine, asked = recovered(
        stop_row(0, 980_000, Ev.CANCELED),
        stop_row(1, 985_000, Ev.CANCELED),
        stop_row(2, 995_000, Ev.WORKING),
    )
    assert engine.bracket(0)["stop_e4"] == 995_000
    assert engine.bracket(0)["protected_qty"] == 10
    assert [cmd for cmd in asked if cmd.kind in (Cmd.NEW, Cmd.REPLACE, Cmd.CANCEL)] == []


def test_a_stop_that_is_gone_comes_back_where_it_stood_last() -> None:
    """Not where the plan would put one: 98 rupees."""
    engine, asked = recovered(stop_row(7, 996_000, Ev.CANCELED), stop_row(0, 985_000, Ev.CANCELED))
    assert engine.bracket(0)["stop_e4"] == 996_000
    (stop,) = [cmd for cmd in asked if cmd.kind == Cmd.NEW]
    assert (stop.side, stop.qty, stop.trigger_e4) == (Side.SELL, 10, 996_000)
    tag = parse(stop.cl_ord_id)
    # Beyond the attempts that the process before may have sent and the book does not show yet.
    assert tag is not None and (tag.run, tag.bracket, tag.attempt) == (3, 0, 8 + 32), "no tag twice"
    assert engine.bracket(0)["ts_open_ns"] == NOON + 10 * S


def test_an_entry_without_a_time_was_opened_now() -> None:
    plan: Any = a_plan()
    entry = msgspec.structs.replace(row(0, Leg.ENTRY, Side.BUY, 10, 10), ts_update_ns=0)
    BracketRecovery(plan).adopt([entry], NOON + 900 * S)
    assert plan.engine.bracket(0)["ts_open_ns"] == NOON + 900 * S


def test_where_no_stop_is_told_the_plan_says_where() -> None:
    engine, asked = recovered()
    assert engine.bracket(0)["stop_e4"] == 980_000
    (stop,) = [cmd for cmd in asked if cmd.kind == Cmd.NEW]
    assert (stop.qty, stop.trigger_e4, stop.price_e4) == (10, 980_000, 978_000)


def test_what_the_book_shows_later_joins_the_bracket_of_its_tag() -> None:
    """The entry was taken back before; its stop comes with another book."""
    plan: Any = a_plan()
    recovery, now = BracketRecovery(plan), NOON + 900 * S
    entry = row(0, Leg.ENTRY, Side.BUY, 10, 10)
    assert len(recovery.adopt([entry], now)) == 1
    assert recovery.adopt([entry], now) == [], "it is known"
    assert recovery.adopt([stop_row(0, 985_000, Ev.WORKING)], now) == []
    engine: Engine = plan.engine
    assert (engine.n_brackets, engine.bracket(0)["n_orders"]) == (1, 2)
    other = msgspec.structs.replace(row(1, Leg.ENTRY, Side.BUY, 5, 30))
    (text,) = [found.text for found in recovery.adopt([other], now)]
    assert engine.n_brackets == 2 and engine.bracket(1)["order_qty"] == 5
    assert text == "NFO:X: 1 orders of an earlier run are taken back under one"


@pytest.mark.parametrize(
    ("kind", "value", "atr", "px_e4", "distance_e4"),
    [
        (1, 50.0, 9.9, 1_000_000, 5_000),  # 50 bps of 100 rupees
        (1, 50.0, 9.9, 100, 1),  # never nothing
        (2, 2.5, 9.9, 1_000_000, 25_000),
        (2, 0.00001, 9.9, 1_000_000, 1),
        (3, 2.0, 1.5, 1_000_000, 30_000),  # twice the ATR
        (3, 2.0, 0.00001, 1_000_000, 1),
        (3, 2.0, 0.0, 1_000_000, 10_000),  # no ATR yet: one per cent
        (3, 2.0, 0.0, 90, 1),
    ],
)
def test_how_far_a_stop_is(
    kind: int, value: float, atr: float, px_e4: int, distance_e4: int
) -> None:
    row = {"plan": {"stop_kind": kind, "stop_value": value}, "signal": {"atr": atr}}
    engine: Any = SimpleNamespace(strategy=lambda strategy_id: row)
    assert stop_distance_e4(engine, 0, px_e4) == distance_e4


def test_an_entry_of_nothing_is_no_bracket() -> None:
    plan: Any = a_plan()
    for changed in ({"order_qty": 0, "cum_qty": 0, "cum_value_e4": 0}, {"side": Side.NONE}):
        entry = msgspec.structs.replace(row(0, Leg.ENTRY, Side.BUY, 10, 10), **changed)
        assert BracketRecovery(plan).adopt([entry], NOON + 900 * S) == []
    assert plan.engine.n_brackets == 0
    smallest = msgspec.structs.replace(row(0, Leg.ENTRY, Side.BUY, 1, 10))
    assert len(BracketRecovery(plan).adopt([smallest], NOON + 900 * S)) == 1
