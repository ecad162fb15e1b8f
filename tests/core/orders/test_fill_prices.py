"""What fills cost when the broker does not say, says it late, or says it anew; and what becomes of
an order that books no longer show.
"""

from __future__ import annotations

import pytest

from otrade._core.types import (
    BracketState,
    Cmd,
    Ev,
    Note,
    OrdStatus,
    OrdType,
    Pending,
    Reason,
    Severity,
    Side,
    Worth,
)
from otrade.journal.memory import MemoryJournal
from otrade.journal.replay import replay
from tests.core.orders.test_brackets import EngineDriver
from tests.harness.core_engine import MS, SECOND, order_report

LIMIT = OrdType.LIMIT


def entered(side: int = Side.BUY, **kw: object) -> tuple[EngineDriver, object]:
    d = EngineDriver(**kw)
    entry = d.enter(side)
    d.ack(entry)
    return d, entry


@pytest.mark.parametrize("side", [Side.BUY, Side.SELL])
def test_a_fill_without_a_price_is_protected_from_the_last_price(side: int) -> None:
    d, entry = entered(side)
    last = d.e.market(0)["ltp_e4"]
    d.say(entry, Ev.FILL_FULL, 10, value=0, worth=Worth.UNKNOWN)
    stop = d.take()
    assert (stop.ord_type, stop.qty, stop.trigger_e4) == (OrdType.SL, 10, last - side * 20_000), (
        "two rupees of stop, not 0.05"
    )
    assert not d.b["target_armed"] and d.b["n_unvalued"] == 1
    assert (
        d.e.order(0)["worth"] == Worth.UNKNOWN
        and d.e.position(0)["n_unvalued"] == d.e.n_unvalued == 1
    )
    assert d.e.risk()["pnl_e4"] == 0, "provisional, and not the whole notional"
    assert Note.VALUE_UNKNOWN in d.notes()


def test_the_substitute_is_never_worse_than_the_limit() -> None:
    d, entry = entered()
    d.price(10_100)
    d.say(entry, Ev.FILL_PART, 4, value=0, worth=Worth.UNKNOWN)
    assert d.b["entry_value_e4"] == 4 * entry.price_e4 < 4 * 1_010_000


@pytest.mark.parametrize("side", [Side.BUY, Side.SELL])
def test_the_value_is_taken_when_it_comes_at_the_same_quantity(side: int) -> None:
    d, entry = entered(side)
    d.say(entry, Ev.FILL_FULL, 10, value=0, worth=Worth.UNKNOWN)
    stop = d.take()
    d.ack(stop)
    d.say(stop, Ev.WORKING)
    d.say(entry, Ev.FILL_FULL, 10, 1_000_000)
    assert d.b["entry_value_e4"] == 10_000_000 and d.e.order(0)["worth"] == Worth.AVERAGE
    assert d.e.n_unvalued == d.b["n_unvalued"] == d.e.position(0)["n_unvalued"] == 0
    moved = d.take()
    assert (moved.kind, moved.trigger_e4) == (Cmd.REPLACE, 1_000_000 - side * 20_000), (
        "the levels follow"
    )
    assert d.e.risk()["pnl_e4"] == side * 10 * (d.e.market(0)["ltp_e4"] - 1_000_000)
    assert Note.VALUE_TAKEN in d.notes()


@pytest.mark.parametrize("qty", [1, 2])
def test_a_position_is_worth_its_fill_until_the_next_price(qty: int) -> None:
    """Of one unit too."""
    d = EngineDriver(plan={"size_value": float(qty)})
    entry = d.enter()
    d.ack(entry)
    d.say(entry, Ev.FILL_FULL, qty, 1_004_000)
    assert d.e.risk()["pnl_e4"] == 0
    assert d.e.position(0)["mark_e4"] == 1_004_000


@pytest.mark.parametrize("more_e4", [-1, 1, 2])
def test_the_least_difference_of_a_value_is_booked(more_e4: int) -> None:
    """A hundredth of a paisa, of one average and the next: profit is exact, or it is not."""
    d, entry = entered(Side.BUY)
    d.say(entry, Ev.FILL_FULL, 10, value=10_000_000, worth=Worth.AVERAGE)
    d.say(entry, Ev.FILL_FULL, 10, value=10_000_000 + more_e4, worth=Worth.AVERAGE)
    assert d.b["entry_value_e4"] == d.e.position(0)["buy_value_e4"] == 10_000_000 + more_e4


def test_a_revised_average_is_taken_from_a_newer_report_only() -> None:
    d = EngineDriver()
    stop = d.opened(px=1_004_000)
    entry = d.e.order(0)
    said = dict(
        cl_ord_id=entry["cl_ord_id"],
        broker_order_id="N0",
        ev=Ev.FILL_FULL,
        source=1,
        order_qty=10,
        cum_qty=10,
        price_e4=entry["price_e4"],
        trigger_e4=0,
        ord_type=LIMIT,
        triggered=False,
        reason=0,
    )
    d.e.on_report(
        order_report(
            **said, cum_value_e4=10_000_000, ts_update_ns=d.now + MS, ts_recv_ns=d.now + MS
        )
    )
    assert d.b["entry_value_e4"] == 10_000_000, "revised average dropped"
    moved = d.take()
    assert (moved.broker_order_id, moved.trigger_e4) == (f"N{stop.order_slot}", 980_000)
    d.e.on_report(
        order_report(
            **said, cum_value_e4=10_040_000, ts_update_ns=d.now - SECOND, ts_recv_ns=d.now + 2 * MS
        )
    )
    assert d.b["entry_value_e4"] == 10_000_000, "an old report is no news"


def test_trades_are_the_truth_and_an_average_is_not_taken_after_them() -> None:
    d = EngineDriver()
    d.opened(px=1_000_000)
    assert (d.e.n_rounded, d.e.order(0)["worth"]) == (1, Worth.AVERAGE)
    assert d.e.on_traded("N0", 10, 10_000_333, d.now) == Reason.OK
    assert (d.e.n_rounded, d.e.order(0)["worth"], d.b["entry_value_e4"]) == (
        0,
        Worth.EXACT,
        10_000_333,
    )
    assert d.e.risk()["pnl_e4"] == -333, "marked at its fill until the next price"
    d.quiet()  # a difference of rounding moves no stop
    entry = d.e.order(0)
    d.e.on_report(
        order_report(
            cl_ord_id=entry["cl_ord_id"],
            broker_order_id="N0",
            ev=Ev.FILL_FULL,
            source=2,
            order_qty=10,
            cum_qty=10,
            cum_value_e4=10_000_000,
            price_e4=entry["price_e4"],
            trigger_e4=0,
            ord_type=LIMIT,
            triggered=False,
            reason=0,
            ts_update_ns=d.now + SECOND,
            ts_recv_ns=d.now + SECOND,
        )
    )
    assert d.b["entry_value_e4"] == 10_000_333


def test_a_list_of_trades_that_is_behind_is_no_news_and_one_that_is_ahead_asks_for_the_book() -> (
    None
):
    d, entry = entered()
    d.say(entry, Ev.FILL_PART, 6, value=0, worth=Worth.UNKNOWN)
    stop = d.take()
    d.ack(stop)
    d.say(stop, Ev.WORKING)
    d.e.on_traded("N0", 4, 4_000_000, d.now)
    assert d.e.order(0)["worth"] == Worth.UNKNOWN
    d.wait(SECOND)
    assert d.e.take_command() is None
    d.e.on_traded("N0", 10, 10_000_000, d.now)
    assert d.e.order(0)["cum_qty"] == 6 and d.e.order(0)["worth"] == Worth.UNKNOWN
    d.wait(2_100 * MS)
    assert d.take().kind == Cmd.LOOK
    assert d.e.on_traded("NOBODY", 1, 1, d.now) == Reason.UNKNOWN_ORDER


def test_a_stop_that_has_trailed_is_not_moved_back_by_a_value() -> None:
    d, entry = entered(plan={"trail_kind": 2, "trail_value": 2.0, "trail_step_value": 0.5})
    d.say(entry, Ev.FILL_FULL, 10, value=0, worth=Worth.UNKNOWN)
    stop = d.take()
    d.ack(stop)
    d.say(stop, Ev.WORKING)
    d.price(10_200)
    trailed = d.b["stop_e4"]
    assert trailed == 1_000_000
    d.say(entry, Ev.FILL_FULL, 10, 999_000)
    assert (d.b["stop_e4"], d.b["entry_value_e4"]) == (trailed, 9_990_000)


def test_a_value_that_comes_after_the_close_corrects_the_profit() -> None:
    d = EngineDriver()
    stop = d.opened(px=1_000_000)
    d.say(stop, Ev.FILL_FULL, 10, value=0, worth=Worth.UNKNOWN, triggered=True)
    assert d.b["state"] == BracketState.CLOSED and d.e.n_unvalued == 1
    d.notes()
    d.e.on_traded(f"N{stop.order_slot}", 10, 9_795_000, d.now)
    assert d.b["pnl_e4"] == d.e.risk()["pnl_e4"] == -205_000 and d.e.n_unvalued == 0
    told = d.e.take_notices()
    assert [(n["note"], n["bracket_id"]) for n in told] == [(Note.VALUE_TAKEN, 0)]


def test_a_fill_of_which_nothing_at_all_is_known_waits_for_the_first_price() -> None:
    """As after a lost journal: a market order, no price of it, no list of trades, no feed yet."""
    d = EngineDriver()
    bracket = d.e.adopt_bracket(0, Side.BUY, 10, 20_000, d.now)
    tag = "OT000009000AE000000"
    d.e.adopt_order(
        bracket,
        0,
        0,
        OrdStatus.PENDING_NEW,
        cl_ord_id=tag,
        broker_order_id="X1",
        side=1,
        order_qty=10,
        price_e4=0,
        trigger_e4=0,
        ord_type=OrdType.MARKET,
        ts_ns=d.now,
    )
    d.e.on_report(
        order_report(
            cl_ord_id=tag,
            broker_order_id="X1",
            ev=Ev.FILL_FULL,
            source=2,
            order_qty=10,
            cum_qty=10,
            cum_value_e4=0,
            price_e4=0,
            trigger_e4=0,
            ord_type=OrdType.MARKET,
            triggered=False,
            reason=0,
            ts_update_ns=0,
            ts_recv_ns=d.now,
            worth=Worth.UNKNOWN,
        )
    )
    assert d.e.position(0)["n_unpriced"] == 1 and d.e.risk()["pnl_e4"] == 0
    d.wait(100 * MS)
    assert d.e.take_command() is None, "no stop at no price"
    d.price(10_000).wait(100 * MS)
    stop = d.take()
    assert (stop.ord_type, stop.trigger_e4, stop.qty) == (OrdType.SL, 980_000, 10)
    assert d.e.risk()["pnl_e4"] == d.e.risk()["peak_e4"] == 0, "no profit is invented on the way"
    assert d.e.position(0)["n_unpriced"] == 0 and d.e.n_unvalued == 1


# ------------------------------------------------------------------------------------------------------------
# books
def test_a_book_that_proves_nothing_does_not_count_as_a_look() -> None:
    d = EngineDriver()
    entry = d.enter()
    d.ack(entry)
    d.say(entry, Ev.FILL_FULL, 10, 1_000_000)
    stop = d.take()
    d.lose(stop)
    for _ in range(4):
        d.wait(2_100 * MS)
        d.e.take_command()
        d.e.on_book_begin(d.now)
        d.e.on_book_end(d.now + MS, False)
    assert d.e.order(stop.order_slot)["in_doubt"] == 1
    d.quiet()
    for _ in range(2):
        d.wait(2_100 * MS)
        d.e.take_command()
        d.book()
    assert d.e.order(stop.order_slot)["ord_status"] == OrdStatus.ABSENT


def test_known_ids_are_those_named_before() -> None:
    d = EngineDriver()
    stop = d.opened()
    assert d.e.known_ids(d.now + 1) == {"N0": False, f"N{stop.order_slot}": True}
    assert d.e.known_ids(d.e.order(stop.order_slot)["ts_known_ns"]) == {"N0": False}


def test_a_stop_that_vanishes_covers_nothing_and_is_replaced_only_when_the_broker_knows_it_no_more() -> (
    None
):
    d = EngineDriver()
    stop = d.opened()
    assert d.e.on_missing("N1", False, d.now) == Reason.OK
    assert (d.b["protected_qty"], d.e.order(1)["ord_status"]) == (0, OrdStatus.UNKNOWN)
    told = [n for n in d.e.take_notices() if n["note"] == Note.UNKNOWN_STATUS]
    assert [(n["severity"], n["reason"]) for n in told] == [(Severity.ALARM, Reason.VANISHED)]
    for _ in range(20):
        d.wait(SECOND)
        cmd = d.e.take_command()
        assert cmd is None or cmd.kind == Cmd.LOOK, "unknown is not absent"
    d.e.on_missing("N1", True, d.now)
    again = d.take()
    assert (again.kind, again.ord_type, again.qty, again.trigger_e4) == (
        Cmd.NEW,
        OrdType.SL,
        10,
        stop.trigger_e4,
    )
    d.ack(again)
    d.say(again, Ev.WORKING)
    assert d.b["protected_qty"] == 10
    d.say(stop, Ev.WORKING)  # it lives after all
    assert [n["reason"] for n in d.e.take_notices() if n["note"] == Note.LATE_FILL] == [
        Reason.LATE_ACCEPT
    ]
    out = d.take()
    assert (out.kind, out.broker_order_id) == (Cmd.CANCEL, "N1")


def test_a_stop_that_is_shown_again_protects_again() -> None:
    d = EngineDriver()
    stop = d.opened()
    d.e.on_missing("N1", False, d.now)
    d.say(stop, Ev.WORKING, source=2)
    assert (d.b["protected_qty"], d.e.order(1)["pending"]) == (10, Pending.NONE)
    d.e.on_missing("N0", True, d.now)
    assert d.e.order(0)["ord_status"] == OrdStatus.FILLED, "what has ended stays as it ended"


def test_all_of_it_replays() -> None:
    journal = MemoryJournal()
    d, entry = entered(journal=journal)
    d.say(entry, Ev.FILL_FULL, 10, value=0, worth=Worth.UNKNOWN)
    stop = d.take()
    d.ack(stop)
    d.say(stop, Ev.WORKING)
    d.e.on_traded("N0", 10, 10_000_333, d.now)
    d.e.on_book_begin(d.now)
    d.e.on_book_end(d.now, False)
    d.e.on_missing("N1", False, d.now)
    d.e.on_missing("N1", True, d.now)
    d.wait(SECOND)
    done = replay(journal.windows())
    assert done.divergence is None and done.n_decisions > 4


@pytest.mark.parametrize("side", [Side.BUY, Side.SELL])
def test_a_wrong_average_in_our_favour_is_no_loss_when_it_is_put_right(side: int) -> None:
    """Four rupees better than the last price, and right a moment later: before the next price the
    position is worth its last one, and no limit on loss is reached.
    """
    d, entry = entered(side)
    last = d.e.market(0)["ltp_e4"]
    d.say(entry, Ev.FILL_FULL, 10, last - side * 40_000)
    assert d.e.risk()["pnl_e4"] == 0, "marked at its fill until the next price"
    d.say(entry, Ev.FILL_FULL, 10, last)
    assert d.b["entry_value_e4"] == 10 * last
    assert d.e.risk()["pnl_e4"] == 0
