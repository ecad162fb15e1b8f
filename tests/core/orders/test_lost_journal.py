"""A process that has nothing but the broker's book does not know what is under way. Paths that the model check has found."""

from __future__ import annotations

import pytest

from otrade._core.types import BracketState, Cmd, Ev, Leg, OrdStatus, OrdType
from tests.core.orders.test_brackets import START
from tests.core.orders.test_net import opened
from tests.harness.core_engine import SECOND, make_engine, order_report

ROW = {
    "order_qty": 10,
    "side": -1,
    "price_e4": 980_000,
    "trigger_e4": 985_000,
    "ord_type": OrdType.SL,
}
ENTRY = {
    "order_qty": 10,
    "side": 1,
    "price_e4": 1_005_000,
    "trigger_e4": 0,
    "ord_type": OrdType.LIMIT,
}
TAG = "OT0000070000E000000"


def test_after_a_lost_journal_no_tag_comes_again_that_the_book_did_not_show() -> None:
    """The process before had sent its stop as attempt 1 in slot 1, and the book does not show it yet. Ours is that bracket's
    next one, in slot 1 as well.
    """
    now = 1_790_000_000_000_000_000
    engine = make_engine(run_id=8)
    bracket = engine.adopt_bracket(0, 1, 10, 20_000, now, tag_run=7, tag_bracket=0)
    engine.on_book_begin(now)
    engine.adopt_order(
        bracket,
        Leg.ENTRY,
        0,
        OrdStatus.PENDING_NEW,
        cl_ord_id=TAG,
        broker_order_id="B0",
        ts_ns=now,
        **ENTRY,
    )
    row = {
        "cl_ord_id": TAG,
        "broker_order_id": "B0",
        "ev": Ev.FILL_FULL,
        "source": 2,
        "cum_qty": 10,
    }
    engine.on_report(order_report(**row, **ENTRY, cum_value_e4=10_050_000, ts_recv_ns=now))
    engine.on_book_end(now)
    stop = engine.take_command()
    assert stop.kind == Cmd.NEW and stop.cl_ord_id.startswith("OT0000070000S")
    assert stop.cl_ord_id != "OT0000070000S010001", (
        "the former process's stop may be under way with this tag"
    )
    assert int(stop.cl_ord_id[13:15], 36) == 33


def test_after_a_restart_no_tag_comes_again_that_the_journal_lost() -> None:
    driver, _ = opened()
    before = driver.e.bracket(0)["next_attempt"]
    driver.e.resume(8, driver.now)
    assert driver.e.bracket(0)["next_attempt"] == before + 32


def test_an_order_that_a_book_shows_after_its_bracket_was_closed_is_taken_out() -> None:
    """The first book lacked the stop, another one was placed and filled, and then a book shows the first."""
    driver, stop = opened()
    driver.say(stop, Ev.FILL_FULL, 10, 985_000)
    assert driver.e.bracket(0)["state"] == BracketState.CLOSED
    driver.now += SECOND
    tag = "OT0000070000S0X0009"
    driver.e.on_book_begin(driver.now)
    driver.e.adopt_order(
        0,
        Leg.STOP,
        33,
        OrdStatus.PENDING_NEW,
        cl_ord_id=tag,
        broker_order_id="X9",
        ts_ns=driver.now,
        **ROW,
    )
    row = {"cl_ord_id": tag, "broker_order_id": "X9", "ev": Ev.WORKING, "source": 2}
    driver.e.on_report(order_report(**row, **ROW, ts_recv_ns=driver.now))
    driver.e.on_book_end(driver.now)
    cancel = driver.take()
    assert (cancel.kind, cancel.cl_ord_id) == (Cmd.CANCEL, tag)
    driver.e.on_report(order_report(**row | {"ev": Ev.CANCELED}, **ROW, ts_recv_ns=driver.now))
    assert driver.e.bracket(0)["state"] == BracketState.CLOSED
    assert driver.e.risk()["open_positions"] == 0


@pytest.mark.parametrize("stands", [True, False])
def test_a_target_of_an_atr_that_was_lost_stays_where_it_stands(stands: bool) -> None:
    """Both exits work. The new process does not know the ATR that the target's distance is told in: the
    order that stands is kept at its price, and shrinks with the position; where none stands, none
    is placed. (A change to the price 0 was asked for, which no broker's request can say.)
    """
    plan = {"exit_mode": 1, "target_kind": 3, "target_value": 3.0, "on_opposite": 0}
    engine = make_engine(run_id=8, plan=plan)
    now = START
    bracket = engine.adopt_bracket(0, 1, 10, 20_000, now, stop_e4=985_000, tag_run=7, tag_bracket=0)
    stop = {**ROW, "price_e4": 983_000}  # as the plan has its limit
    target = {**ROW, "price_e4": 1_050_000, "trigger_e4": 0, "ord_type": OrdType.LIMIT}
    rows = [
        (Leg.ENTRY, TAG, "B0", ENTRY, Ev.FILL_FULL, 10),
        (Leg.STOP, "OT0000070000S010001", "B1", stop, Ev.WORKING, 0),
        *([(Leg.TARGET, "OT0000070000T020002", "B2", target, Ev.WORKING, 0)] if stands else []),
    ]

    def report(tag: str, number: str, terms: dict[str, int], ev: Ev, qty: int) -> None:
        engine.on_report(
            order_report(
                cl_ord_id=tag,
                broker_order_id=number,
                ev=ev,
                source=2,
                cum_qty=qty,
                cum_value_e4=qty * 1_005_000,
                ts_recv_ns=now,
                **terms,
            )
        )

    engine.on_book_begin(now)
    for attempt, (leg, tag, number, terms, ev, qty) in enumerate(rows):
        engine.adopt_order(
            bracket,
            leg,
            attempt,
            OrdStatus.PENDING_NEW,
            cl_ord_id=tag,
            broker_order_id=number,
            ts_ns=now,
            **terms,
        )
        report(tag, number, terms, ev, qty)
    engine.on_book_end(now)
    assert engine.take_command() is None
    report(*rows[1][1:4], Ev.FILL_PART, 4)
    command = engine.take_command()
    if not stands:
        assert command is None
        return
    assert (command.kind, command.cl_ord_id) == (Cmd.REPLACE, "OT0000070000T020002")
    assert (command.qty, command.price_e4) == (6, 1_050_000)
