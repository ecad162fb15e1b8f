"""Brackets that are taken back from the book are counted as the decisions that they were: the slices
that the exchange's freeze quantity makes of one are one trade.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from otrade._core.types import Ev, Leg, OrdType, Side, Source
from otrade.brokers.session import OrderReport
from otrade.live.oms.cl_ord_id import ClOrdId, make
from otrade.live.reconciliation.bracket_recovery import BracketRecovery, adopt_position
from tests.harness.core_engine import make_engine

S = 1_000_000_000
NOON = 1_800_000_000 * S
FREEZE = 1755
PRICE_E4 = 1_000_000


def row(bracket: int, leg: Leg, side: int, qty: int, at_s: int) -> OrderReport:
    tag = make(ClOrdId(run=3, bracket=bracket, leg=leg, attempt=0, slot=bracket * 2 + leg))
    return OrderReport(
        cl_ord_id=tag, broker_order_id=f"B{bracket}{leg:d}", ev=Ev.FILL_FULL, source=Source.BOOK,
        side=Side(side), order_qty=qty, cum_qty=qty, cum_value_e4=qty * PRICE_E4,
        price_e4=PRICE_E4, trigger_e4=0, ord_type=OrdType.LIMIT, triggered=False, reason=0,
        ts_update_ns=NOON + at_s * S, ts_recv_ns=NOON + 900 * S, instrument_token=1,
        exchange="NFO", tradingsymbol="X", product="NRML", status="COMPLETE", text="",
    )  # fmt: skip


def bracket(number: int, opened_s: int, closed_s: int, qty: int = FREEZE) -> list[OrderReport]:
    """One that opened and closed again; `closed_s` 0: it is open."""
    entry = row(number, Leg.ENTRY, 1, qty, opened_s)
    return [entry, row(number, Leg.STOP, -1, qty, closed_s)] if closed_s else [entry]


def a_plan(n_strategies: int = 1) -> Any:
    engine = make_engine(freeze_qty=FREEZE)
    engine.start(NOON)
    return SimpleNamespace(
        engine=engine,
        instrument_of={1: 0},
        strategies=[SimpleNamespace(instrument_id=0, name="one")] * n_strategies,
        symbol_of=lambda instrument_id: "NFO:X",
    )


def trades_after(*brackets: list[OrderReport], n_strategies: int = 1) -> int:
    """Trades that the limits count once the book has been taken back."""
    plan = a_plan(n_strategies)
    rows = [one for rows in brackets for one in rows]
    BracketRecovery(plan).adopt(rows, NOON + 900 * S)
    plan.engine.on_book_begin(NOON + 900 * S)
    for one in rows:
        plan.engine.on_report(one)
    plan.engine.on_book_end(NOON + 901 * S)
    return int(plan.engine.risk()["trades"])


CASES = {
    "slices that fill one after another": (1, [(0, 10, 90), (1, 12, 80), (2, 15, 95)]),
    "a slice that fills while the first is open": (1, [(0, 10, 30), (1, 29, 60)]),
    "still open": (1, [(0, 10, 0), (1, 700, 0)]),
    "the last slice fills in the second in which the others end": (1, [(0, 10, 30), (1, 30, 31)]),
    "flat between two": (2, [(0, 10, 30), (1, 31, 60)]),
    "a small one is whole, and the next is another": (2, [(0, 10, 30, 65), (1, 30, 60, 65)]),
    "two decisions of two slices": (2, [(0, 10, 30), (1, 11, 35), (2, 50, 60), (3, 51, 70)]),
    "numbers of another strategy between": (2, [(0, 10, 30), (5, 30, 60)]),
}


@pytest.mark.parametrize("name", CASES)
def test_slices_of_a_decision_are_one_trade(name: str) -> None:
    trades, brackets = CASES[name]
    assert trades_after(*[bracket(*one) for one in brackets]) == trades


SHARED = {
    "two strategies at once": (2, [(0, 10, 90, 500), (1, 12, 80, 10)]),
    "one holds while the other trades twice": (
        3,
        [(0, 10, 90, 500), (1, 12, 30, 10), (2, 40, 0, 10)],
    ),
    "a full slice and the next": (1, [(0, 10, 90), (1, 12, 80, 65)]),
    "a full one, and later another's": (2, [(0, 10, 90), (5, 40, 80, 65)]),
}


@pytest.mark.parametrize("name", SHARED)
def test_where_several_strategies_trade_no_trade_is_left_out(name: str) -> None:
    trades, brackets = SHARED[name]
    assert trades_after(*[bracket(*one) for one in brackets], n_strategies=2) == trades


def test_the_order_of_the_book_does_not_matter() -> None:
    rows = [bracket(2, 15, 95), bracket(0, 10, 90), bracket(1, 12, 80)]
    assert trades_after(*rows) == 1


def test_a_position_taken_over_in_slices_is_one_trade() -> None:
    plan = a_plan()
    adopt_position(plan, 0, 2 * FREEZE + 65, (2 * FREEZE + 65) * PRICE_E4, NOON + S)
    assert plan.engine.n_brackets == 3 and plan.engine.risk()["trades"] == 1
