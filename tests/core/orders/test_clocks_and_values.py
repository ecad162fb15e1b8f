"""How long nothing protects, and what a fill is worth when its value comes late: by hand. Ten units at
100 rupees; values in e4.
"""

from __future__ import annotations

from typing import Any

import pytest

from otrade._core.types import (
    BracketState,
    Cmd,
    Ev,
    Lane,
    Note,
    OrdStatus,
    OrdType,
    Reason,
    Severity,
    Side,
    Worth,
)  # fmt: skip
from tests.core.orders.test_bands import BandDriver
from tests.core.orders.test_brackets import EngineDriver
from tests.core.orders.test_counts_and_words import told
from tests.core.orders.test_entries import EntryDriver
from tests.core.orders.test_refusals import requests
from tests.harness.core_engine import MS, SECOND, order_report, token_of

SIDES = pytest.mark.parametrize("side", [Side.BUY, Side.SELL], ids=["long", "short"])


def test_the_longest_time_without_a_stop_is_not_the_last() -> None:
    d = BandDriver(plan={"target_kind": 0})
    entry = d.enter()
    d.ack(entry)
    d.say(entry, Ev.FILL_FULL, 10, 1_000_000)
    since = d.now
    stop = d.take()
    d.ack(stop)
    d.say(stop, Ev.WORKING, after=3 * SECOND)
    first = d.now - since
    assert (d.b["naked_total_ns"], d.b["naked_worst_ns"]) == (first, first)
    d.price(9_800)  # its price trades: nothing protects until it does not
    since = d.now
    d.price(9_810, after=100 * MS)
    second = d.now - since
    assert (d.b["naked_total_ns"], d.b["naked_worst_ns"]) == (first + second, first)
    day = d.e.counters()
    assert (day["naked_ns_total"], day["naked_ns_worst"]) == (first + second, first)
    d.price(9_800)
    since = d.now
    d.price(9_810, after=4 * SECOND)
    third = d.now - since
    assert (d.b["naked_worst_ns"], d.e.counters()["naked_ns_worst"]) == (third, third)
    assert d.e.counters()["naked_ns_total"] == first + second + third


@SIDES
def test_an_excess_is_naked_too(side: int) -> None:
    d = BandDriver(plan={"target_kind": 0})
    stop = d.opened(side)
    assert d.b["naked_since_ns"] == 0
    d.say(stop, Ev.FILL_FULL, 15, 1_000_000, qty=15, triggered=True)
    assert (d.b["naked_since_ns"], d.b["protected_qty"]) == (d.now, 0)
    since, total = (
        d.now,
        d.b["naked_total_ns"],
    )  # the interval that begins now is in it, with nothing
    (fix,) = requests(d)
    d.ack(fix)
    d.say(fix, Ev.FILL_FULL, 5, 1_000_000, after=SECOND)
    assert (d.b["naked_since_ns"], d.b["naked_total_ns"]) == (0, total + d.now - since)


@pytest.mark.parametrize("qty", [1, 2, 10])
def test_where_all_is_gone_no_exit_is_for_anything(qty: int) -> None:
    d = BandDriver(plan={"target_kind": 0, "size_value": float(qty)})
    entry = d.enter()
    d.ack(entry)
    d.say(entry, Ev.FILL_FULL, qty, 1_000_000)
    stop = d.take()
    d.ack(stop)
    d.say(stop, Ev.WORKING)
    d.e.on_broker_net(0, 0, d.now)
    assert (d.b["open_qty"], d.b["gone_qty"], d.b["entry_cancel"]) == (qty, qty, 1)
    (cancel,) = requests(d)
    assert (cancel.kind, cancel.order_slot) == (Cmd.CANCEL, stop.order_slot)
    d.ack(cancel)
    d.say(cancel, Ev.CANCELED)
    d.wait(SECOND)
    assert not requests(d) and d.b["naked_since_ns"] == 0
    d.e.on_broker_net(0, qty, d.now)
    (again,) = requests(d)
    assert (again.kind, again.qty) == (Cmd.NEW, qty)


def test_time_at_the_target_is_told_at_the_end() -> None:
    d = BandDriver()
    d.opened()
    worst = total = 0
    for ms in (300, 100):
        d.price(10_400)
        (target,) = requests(d)
        d.ack(target)
        d.say(target, Ev.WORKING)
        since = d.b["target_since_ns"]
        assert since == d.now and d.b["naked_since_ns"] == 0
        d.price(10_300, after=ms * MS)
        (stop,) = requests(d)
        d.ack(stop)
        d.say(stop, Ev.REPLACED)
        took = d.b["target_total_ns"] - total
        assert took >= ms * MS
        total, worst = total + took, max(worst, took)
    assert d.b["target_worst_ns"] == worst > took
    d.e.take_notices()
    d.say(stop, Ev.FILL_FULL, 10, 979_000, triggered=True)
    (row,) = told(d, Note.AT_TARGET)
    assert (row["worst_ns"], row["total_ns"]) == (worst, total)


# ------------------------------------------------------------------------------------------------------------------------
# a value that comes late
def bought(value: int = 10_000_000, **say: Any) -> tuple[EngineDriver, Any]:
    d = EngineDriver()
    entry = d.enter()
    d.ack(entry)
    d.say(entry, Ev.FILL_FULL, 10, value=value, **say)
    requests(d)
    d.e.take_notices()
    return d, entry


@pytest.mark.parametrize(
    ("value", "stop", "best"),
    [
        # A paisa is what rounding alone may be: no level follows it
        (10_001_000, 980_000, 1_000_000),
        (9_999_000, 980_000, 1_000_000),
        # 100.0101 and 99.9899, stops two rupees away, to the tick that is nearer
        (10_001_010, 980_500, 1_000_101),
        (9_998_990, 980_000, 999_899),
        (9_990_000, 979_000, 999_000),
    ],
)
def test_levels_follow_a_value_that_differs_by_more_than_rounding(
    value: int, stop: int, best: int
) -> None:
    d, entry = bought()
    d.e.on_traded(f"N{entry.order_slot}", 10, value, d.now)
    assert (d.b["entry_value_e4"], d.b["stop_e4"], d.b["best_e4"]) == (value, stop, best)


def test_a_better_price_that_has_traded_is_not_forgotten_for_a_value() -> None:
    d, entry = bought()
    d.price(10_100)
    d.e.on_traded(f"N{entry.order_slot}", 10, 10_010_000, d.now)
    assert (d.b["stop_e4"], d.b["best_e4"]) == (981_000, 1_010_000)


@pytest.mark.parametrize(
    ("value", "news"),
    [(10_001_000, False), (10_001_001, True), (9_999_000, False), (9_998_999, True)],
)
def test_a_value_is_news_where_it_differs_by_more_than_rounding(value: int, news: bool) -> None:
    d, entry = bought()
    d.e.on_traded(f"N{entry.order_slot}", 10, value, d.now)
    rows = told(d, Note.VALUE_TAKEN)
    assert len(rows) == news
    if rows:
        (row,) = rows
        assert (row["change_e4"], row["value_e4"], row["is_news"]) == (
            10 * d.e.market(0)["ltp_e4"]
            - value,  # it was marked at its fill, and is at the last price
            value,
            True,
        )
        assert row["severity"] == Severity.INFO


def test_a_value_after_the_close_is_told_for_the_books() -> None:
    d, entry = bought()
    stop = d.e.order(d.b["stop_slot"])
    d.e.on_report(
        order_report(
            cl_ord_id=stop["cl_ord_id"], broker_order_id="S", ev=Ev.FILL_FULL, source=1, order_qty=10, cum_qty=10,
            cum_value_e4=9_800_000, price_e4=978_000, trigger_e4=980_000, ord_type=OrdType.SL, triggered=True,
            ts_update_ns=d.now, ts_recv_ns=d.now,
        )
    )  # fmt: skip
    assert d.b["state"] == BracketState.CLOSED
    d.e.take_notices()
    assert d.e.on_traded("S", 10, 9_800_010, d.now) == Reason.OK
    (row,) = told(d, Note.VALUE_TAKEN)
    assert (row["change_e4"], row["value_e4"], row["is_news"]) == (10, 9_800_010, False)
    assert (d.b["exit_value_e4"], d.e.risk()["pnl_e4"]) == (9_800_010, -199_990)


@SIDES
def test_what_bought_an_excess_back_has_a_value_too(side: int) -> None:
    d = BandDriver(plan={"target_kind": 0})
    stop = d.opened(side)
    d.say(stop, Ev.FILL_FULL, 15, 1_000_000, qty=15, triggered=True)
    (fix,) = requests(d)
    d.ack(fix)
    d.say(fix, Ev.FILL_FULL, 5, 1_000_000)
    before = d.b["exit_value_e4"]
    assert before == 15 * 1_000_000 - 5 * 1_000_000
    d.e.on_traded(f"N{fix.order_slot}", 5, 5_003_000, d.now)
    assert d.b["exit_value_e4"] == before - 3_000
    assert d.e.risk()["pnl_e4"] == -side * 3_000


def test_a_fill_whose_price_is_not_told_is_said_with_what_stands_for_it() -> None:
    d = EngineDriver()
    entry = d.enter()
    d.ack(entry)
    d.e.take_notices()
    d.say(entry, Ev.FILL_PART, 4, value=0, worth=Worth.UNKNOWN)
    (row,) = told(d, Note.VALUE_UNKNOWN)
    assert (row["qty"], row["price_e4"], row["severity"]) == (4, 1_000_500, Severity.WARN)
    assert (d.b["n_unvalued"], d.e.position(0)["n_unvalued"], d.e.n_unvalued) == (1, 1, 1)
    assert d.e.position(0)["n_unpriced"] == d.e.risk()["n_rounded"] == 0
    d.say(entry, Ev.FILL_PART, 4, 1_000_000)
    (row,) = told(d, Note.VALUE_TAKEN)
    assert (row["change_e4"], row["value_e4"], row["is_news"]) == (2_000, 4_000_000, True)
    assert (d.b["n_unvalued"], d.e.position(0)["n_unvalued"], d.e.n_unvalued) == (0, 0, 0)
    assert d.e.risk()["n_rounded"] == 1
    d.say(entry, Ev.FILL_PART, 6, value=0, worth=Worth.UNKNOWN)
    assert (d.b["n_unvalued"], d.e.risk()["n_rounded"]) == (1, 0)
    assert d.b["entry_value_e4"] == 4_000_000 + 2 * 1_000_500


# ------------------------------------------------------------------------------------------------------------------------
# requests
def test_a_look_is_about_no_order_and_costs_nothing() -> None:
    d = EngineDriver()
    entry = d.enter()
    used = d.e.budget()["second_used"]
    d.lose(entry)
    d.wait(MS)
    look = d.take()
    assert (look.kind, look.lane, look.order_slot, look.instrument_id) == (
        Cmd.LOOK,
        Lane.PROTECT,
        -1,
        -1,
    )
    assert (look.ts_ns, look.seq, look.request) == (d.now, entry.seq + 1, b"")
    assert d.e.budget()["second_used"] == used
    d.wait(2 * SECOND - 1)
    d.quiet()
    d.wait(1)
    assert d.take().kind == Cmd.LOOK, "again after the gap between two looks"


def test_a_decision_that_waits_gives_way_to_a_bracket_that_has_come_back() -> None:
    w = EntryDriver(
        entry_wait_ns=60 * SECOND, fills=False, plan={"entry_timeout_ns": 0}, budget={"per_second": 1}
    )  # fmt: skip
    w.cross(token_of(0))
    w.answer()
    first = w.entries[0][1]
    w.say(first, Ev.CANCELED)
    assert w.cross(token_of(0))[-1] == Reason.ENTRY_WAIT
    w.say(first, Ev.FILL_PART, 3)
    assert w.e.bracket(0)["state"] == BracketState.EXITING
    w.beat(3)
    assert len(w.entries) == 1
    assert w.told(Note.ENTRY_DROPPED)[-1]["reason"] == Reason.ALREADY_OPEN


def test_what_becomes_of_an_order_of_no_answer_at_a_restart() -> None:
    d = EngineDriver()
    entry = d.enter()
    d.ack(entry)
    d.say(entry, Ev.FILL_FULL, 10, 1_000_000)
    stop = d.take()
    d.e.resume(8, d.now + SECOND)
    order = d.e.order(stop.order_slot)
    assert (order["in_doubt"], order["ord_status"]) == (1, OrdStatus.PENDING_NEW)
    assert d.e.order(entry.order_slot)["in_doubt"] == 0 and d.e.counters()["timeouts"] == 1


@SIDES
def test_a_limit_that_nobody_tells_is_no_price(side: int) -> None:
    """An order of an earlier run whose limit the book does not show: the last price stands for it."""
    d = BandDriver(plan={"target_kind": 0})
    d.price(10_000)
    d.e.adopt_bracket(0, side, 10, 20_000, d.now)
    terms = dict(order_qty=10, price_e4=0, trigger_e4=0, ord_type=OrdType.LIMIT, side=side)
    own = "OT000009000AE000000"
    d.e.adopt_order(
        0, 0, 0, OrdStatus.PENDING_NEW, cl_ord_id=own, broker_order_id="E1", ts_ns=d.now, **terms
    )  # fmt: skip
    d.e.on_report(
        order_report(
            cl_ord_id=own, broker_order_id="E1", ev=Ev.FILL_FULL, source=2, cum_qty=10, cum_value_e4=0,
            worth=Worth.UNKNOWN, ts_recv_ns=d.now, **terms,
        )
    )  # fmt: skip
    assert d.b["entry_value_e4"] == 10_000_000


def test_what_is_held_is_marked_at_the_last_price_and_not_at_a_fill() -> None:
    d = BandDriver(plan={"target_kind": 0})
    stop = d.opened()
    d.price(10_100)
    assert d.e.position(0)["mark_e4"] == 1_010_000
    d.say(stop, Ev.FILL_PART, 4, 1_020_000, triggered=True)
    assert d.e.position(0)["mark_e4"] == 1_010_000
    assert d.e.risk()["pnl_e4"] == 4 * 20_000 + 6 * 10_000
