"""What one report, answer, book or list of trades changes of an order, and what it does not. Ten
units at 100 under a stop at 98 with a limit of 97.80; prices in e4 rupees unless they are paise.
"""

from __future__ import annotations

from typing import Any

import pytest

from otrade._core.types import (
    BracketState,
    Cmd,
    Ev,
    ExitReason,
    Leg,
    Note,
    OrdStatus,
    OrdType,
    Pending,
    Reason,
    Severity,
    Side,
    Worth,
)  # fmt: skip
from tests.core.orders.test_bands import BandDriver
from tests.core.orders.test_counts_and_words import told
from tests.core.orders.test_refusals import requests
from tests.harness.core_engine import MS, SECOND


def asked_to(kind: str) -> tuple[BandDriver, Any]:
    """A change of the stop has been sent and taken: of its level, to a limit, or to a market order."""
    plan = {"target_kind": 0, "trail_kind": 2, "trail_value": 2.0, "trail_step_value": 0.5}
    d = BandDriver(
        plan={**plan, "ladder_max_steps": 1, "ladder_interval_ns": SECOND, "ladder_step_bps": 0.0}
    )
    d.e.set_band(0, 0, 0)
    d.opened()
    if kind == "level":
        d.price(10_100)
    else:
        d.flatten()
    (change,) = requests(d)
    if kind == "market":
        d.stands(change)
        d.now += 40 * SECOND
        while change.ord_type != OrdType.MARKET:
            d.wait(SECOND)
            for change in requests(d):
                if change.ord_type != OrdType.MARKET:
                    d.stands(change)
        assert change.ord_type == OrdType.MARKET
    d.ack(change)
    d.e.take_notices()
    return d, change


@pytest.mark.parametrize(
    ("kind", "shown", "done"),
    [
        ("level", {}, True),
        ("level", {"qty": 9}, False),
        ("level", {"price_e4": 978_000}, False),
        ("level", {"trigger_e4": 980_000}, False),
        ("level", {"ord_type": OrdType.LIMIT}, False),
        ("level", {"ord_type": 0}, True),  # the broker does not say
        ("limit", {}, True),
        ("limit", {"trigger_e4": 980_000}, True),  # a limit has none, whatever is shown
        ("limit", {"price_e4": 978_000}, False),
        ("limit", {"qty": 9}, False),
        ("limit", {"ord_type": OrdType.SL}, False),
        (
            "market",
            {"ord_type": OrdType.LIMIT, "price_e4": 940_000},
            True,
        ),  # kept at its protection
        ("market", {"ord_type": OrdType.LIMIT, "price_e4": 999_000}, False),  # the price of before
        ("market", {"ord_type": OrdType.LIMIT, "price_e4": 940_000, "qty": 9}, False),
        ("market", {}, True),
        ("market", {"ord_type": OrdType.SL}, False),
    ],
)
def test_which_report_shows_a_change_carried_out(
    kind: str, shown: dict[str, int], done: bool
) -> None:
    d, change = asked_to(kind)
    if kind == "market":
        assert d.e.order(change.order_slot)["price_e4"] == 999_000
    d.say(change, Ev.WORKING, **shown)
    order = d.e.order(change.order_slot)
    assert (order["pending"] == Pending.NONE) == done


@pytest.mark.parametrize(
    ("shown", "kept", "said"),
    [
        ({"qty": 12}, {"order_qty": 12}, True),
        ({"price_e4": 978_500}, {"price_e4": 978_500}, True),
        ({"trigger_e4": 980_500}, {"trigger_e4": 980_500}, True),
        ({"price_e4": 0}, {"price_e4": 978_000}, False),  # not told
        ({"trigger_e4": 0}, {"trigger_e4": 980_000}, False),
        ({"ord_type": 0}, {"ord_type": OrdType.SL}, False),
        ({"ord_type": OrdType.LIMIT}, {"ord_type": OrdType.LIMIT}, False),
        ({"order_qty": 0, "price_e4": 978_500}, {"order_qty": 10, "price_e4": 978_000}, False),
        ({"order_qty": 1, "price_e4": 978_500}, {"order_qty": 1, "price_e4": 978_500}, True),
    ],
)
def test_what_the_broker_stored_is_taken_and_said(
    shown: dict[str, int], kept: dict[str, int], said: bool
) -> None:
    d = BandDriver(plan={"target_kind": 0})
    stop = d.opened()
    d.e.take_notices()
    d.say(stop, Ev.WORKING, **shown)
    order = d.e.order(stop.order_slot)
    assert {name: order[name] for name in kept} == kept
    rows = told(d, Note.READ_BACK)
    assert len(rows) == said
    if rows:
        assert (rows[0]["severity"], rows[0]["reason"]) == (Severity.WARN, Reason.READ_BACK)
        assert rows[0]["qty"] == shown.get("order_qty", shown.get("qty", 10))
        assert rows[0]["price_e4"] == shown.get("price_e4", 978_000)
        assert rows[0]["trigger_e4"] == shown.get("trigger_e4", 980_000)


@pytest.mark.parametrize(
    ("kind", "shown", "said"),
    [
        (OrdType.SL_M, {"trigger_e4": 981_000}, True),
        (OrdType.SL_M, {"price_e4": 981_000}, False),  # it has no limit
        (OrdType.LIMIT, {"trigger_e4": 981_000}, False),
        (OrdType.LIMIT, {"price_e4": 981_000}, True),
        (OrdType.MARKET, {"price_e4": 981_000}, False),
    ],
)
def test_which_terms_an_order_has_by_its_kind(
    kind: OrdType, shown: dict[str, int], said: bool
) -> None:
    d = BandDriver(plan={"target_kind": 0})
    d.e.adopt_bracket(0, Side.BUY, 10, 20_000, d.now)
    terms = dict(order_qty=10, price_e4=978_000, trigger_e4=980_000, ord_type=kind)
    d.e.adopt_order(
        0, Leg.STOP, 0, OrdStatus.PENDING_NEW, cl_ord_id="OT0000090000S000000", broker_order_id="B", ts_ns=d.now,
        side=Side.SELL, **terms,
    )  # fmt: skip

    class Known:
        cl_ord_id, order_slot, qty = "OT0000090000S000000", 0, 10
        price_e4, trigger_e4, ord_type = 978_000, 980_000, kind

    d.e.take_notices()
    d.say(Known, Ev.WORKING, broker_order_id="B", **shown)
    assert bool(told(d, Note.READ_BACK)) == said


# ------------------------------------------------------------------------------------------------------------------------
# old and new
@pytest.mark.parametrize(
    ("older_ns", "taken"), [(0, True), (1, False), (-1, True)], ids=["same", "older", "newer"]
)
def test_a_report_older_than_the_last_changes_no_terms(older_ns: int, taken: bool) -> None:
    d = BandDriver(plan={"target_kind": 0})
    stop = d.opened()
    at = d.e.order(stop.order_slot)["ts_update_ns"]
    d.say(stop, Ev.WORKING, ts_update_ns=at - older_ns, qty=12)
    order = d.e.order(stop.order_slot)
    assert order["order_qty"] == (12 if taken else 10)
    assert order["ts_update_ns"] == (at - older_ns if taken else at)


def test_a_report_without_a_time_is_as_good_as_a_new_one_and_sets_none() -> None:
    d = BandDriver(plan={"target_kind": 0})
    stop = d.opened()
    at = d.e.order(stop.order_slot)["ts_update_ns"]
    d.say(stop, Ev.WORKING, ts_update_ns=0, qty=12)
    order = d.e.order(stop.order_slot)
    assert (order["order_qty"], order["ts_update_ns"]) == (12, at)


def test_an_old_report_ends_an_order_all_the_same() -> None:
    d = BandDriver(plan={"target_kind": 0})
    stop = d.opened()
    at = d.e.order(stop.order_slot)["ts_update_ns"]
    d.say(stop, Ev.CANCELED, ts_update_ns=at - 1)
    assert d.e.order(stop.order_slot)["ord_status"] == OrdStatus.CANCELED


def test_an_old_report_that_it_works_does_not_undo_an_unknown_state() -> None:
    d = BandDriver(plan={"target_kind": 0})
    stop = d.opened()
    at = d.e.order(stop.order_slot)["ts_update_ns"]
    d.say(stop, Ev.UNKNOWN)
    (row,) = told(d, Note.UNKNOWN_STATUS)
    assert (row["severity"], row["reason"]) == (Severity.ALARM, Reason.UNKNOWN_STATUS)
    assert d.b["protected_qty"] == 0
    d.say(stop, Ev.WORKING, ts_update_ns=at - 1)
    assert d.e.order(stop.order_slot)["ord_status"] == OrdStatus.UNKNOWN
    d.say(stop, Ev.WORKING)
    assert d.b["protected_qty"] == 10


@pytest.mark.parametrize("ev", [Ev.ACCEPTED, Ev.UNKNOWN])
def test_a_word_that_is_early_or_unknown_tells_no_terms(ev: Ev) -> None:
    d = BandDriver(plan={"target_kind": 0})
    stop = d.opened()
    d.say(stop, ev, qty=12)
    assert d.e.order(stop.order_slot)["order_qty"] == 10


# ------------------------------------------------------------------------------------------------------------------------
# fills
def test_a_fill_that_is_said_to_be_whole_and_is_not_is_looked_into() -> None:
    d = BandDriver(plan={"target_kind": 0})
    entry = d.enter()
    d.ack(entry)
    d.say(entry, Ev.FILL_FULL, 4, 1_000_000)
    order = d.e.order(entry.order_slot)
    assert (order["cum_qty"], order["ord_status"]) == (4, OrdStatus.UNKNOWN)
    assert len(told(d, Note.UNKNOWN_STATUS)) == 1
    d.wait(SECOND)
    kinds = []
    while (cmd := d.e.take_command()) is not None:
        kinds.append(cmd.kind)
    assert Cmd.LOOK in kinds


def test_more_than_was_ordered_is_ours_and_is_shown() -> None:
    d = BandDriver(plan={"target_kind": 0})
    entry = d.enter()
    d.ack(entry)
    d.e.take_notices()
    d.say(entry, Ev.ACCEPTED, 12, 1_000_000)
    order = d.e.order(entry.order_slot)
    assert (order["cum_qty"], order["order_qty"], d.b["open_qty"]) == (12, 12, 12)
    (row,) = told(d, Note.READ_BACK)
    assert (row["qty"], row["price_e4"], row["trigger_e4"]) == (12, 0, 0)
    assert (row["severity"], row["reason"]) == (Severity.ALARM, Reason.OVER_FILL)


def test_an_order_that_is_accepted_waits_for_the_exchange() -> None:
    d = BandDriver(plan={"target_kind": 0})
    entry = d.enter()
    d.say(entry, Ev.ACCEPTED)
    order = d.e.order(entry.order_slot)
    assert (order["ord_status"], order["pending"]) == (OrdStatus.PENDING_NEW, Pending.NONE)
    assert order["broker_order_id"] == f"N{entry.order_slot}" and order["ts_known_ns"] == d.now
    d.say(entry, Ev.WORKING, broker_order_id="another")
    assert d.e.order(entry.order_slot)["broker_order_id"] == f"N{entry.order_slot}"


def test_an_event_that_the_table_does_not_have_is_counted_and_said() -> None:
    d = BandDriver(plan={"target_kind": 0})
    entry = d.enter()
    d.e.take_notices()
    assert d.say(entry, Ev.REPLACE_REJECTED) == Reason.ILLEGAL_EVENT
    assert d.e.counters()["illegal_events"] == 1
    (row,) = told(d, Note.ILLEGAL_EVENT)
    assert (row["ord_status"], row["ev"]) == (OrdStatus.PENDING_NEW, Ev.REPLACE_REJECTED)
    assert (row["severity"], row["reason"]) == (Severity.WARN, Reason.ILLEGAL_EVENT)


@pytest.mark.parametrize(
    ("kind", "triggered", "begins"),
    [(OrdType.SL, True, True), (OrdType.SL, False, False), (OrdType.LIMIT, True, False)],
)
def test_a_stop_that_is_told_as_triggered_is_a_way_out(
    kind: OrdType, triggered: bool, begins: bool
) -> None:
    d = BandDriver(plan={"target_kind": 0})
    stop = d.opened()
    d.say(stop, Ev.WORKING, triggered=triggered, ord_type=kind)
    order = d.e.order(stop.order_slot)
    assert order["triggered"] == begins
    assert (d.b["state"] == BracketState.EXITING) == begins
    assert d.b["exit_reason"] == (ExitReason.STOP if begins else ExitReason.NONE)


def test_a_stop_that_has_filled_as_it_triggered_begins_no_way_out() -> None:
    d = BandDriver(plan={"target_kind": 0})
    stop = d.opened()
    d.e.take_notices()
    d.say(stop, Ev.FILL_FULL, 10, 979_500, triggered=True)
    assert (d.b["state"], d.b["exit_reason"]) == (BracketState.CLOSED, ExitReason.STOP)
    assert not told(d, Note.EXIT_SENT)


# ------------------------------------------------------------------------------------------------------------------------
# answers
def test_the_answer_to_an_earlier_request_changes_nothing() -> None:
    d = BandDriver(plan={"target_kind": 0})
    stop = d.opened()
    d.flatten()
    (change,) = requests(d)
    assert d.e.on_answer(stop.seq, Ev.REFUSED, reason=Reason.BROKER_ORDER, ts_ns=d.now) == Reason.OK
    assert d.e.order(stop.order_slot)["pending"] == Pending.REPLACE and d.b["n_rejects"] == 0
    before = d.e.order(stop.order_slot)["ts_sent_ns"]
    d.e.on_sent(stop.seq, d.now + MS)
    assert d.e.order(stop.order_slot)["ts_sent_ns"] == before
    d.e.on_sent(change.seq, d.now + 2 * MS)
    assert d.e.order(stop.order_slot)["ts_sent_ns"] == d.now + 2 * MS


@pytest.mark.parametrize("seq", [0, 1_000])
def test_an_answer_to_a_request_that_was_never_made(seq: int) -> None:
    d = BandDriver()
    d.enter()
    assert d.e.on_answer(seq, Ev.ACK, broker_order_id="N9", ts_ns=d.now) == Reason.UNKNOWN_ORDER
    assert d.e.order(0)["broker_order_id"] == ""


def test_an_answer_that_is_none_of_the_three_is_refused() -> None:
    d = BandDriver()
    entry = d.enter()
    assert d.e.on_answer(entry.seq, Ev.WORKING, ts_ns=d.now) == Reason.ILLEGAL_EVENT
    assert d.e.order(0)["pending"] == Pending.NEW


def test_a_refusal_that_comes_after_the_exchange_has_spoken_says_nothing() -> None:
    d = BandDriver()
    entry = d.enter()
    d.say(entry, Ev.WORKING)
    d.refuse(entry, Reason.BROKER_MARGIN)
    order = d.e.order(0)
    assert (order["ord_status"], order["reason"]) == (OrdStatus.NEW, 0)


def test_a_broker_that_asks_to_slow_down_is_heard_though_the_order_stands() -> None:
    d = BandDriver()
    entry = d.enter()
    d.say(entry, Ev.WORKING)
    d.refuse(entry, Reason.BROKER_RATE)
    assert d.e.budget()["n_tightened"] == 1


@pytest.mark.parametrize(
    ("reason", "said"), [(0, Reason.TIMED_OUT), (Reason.BROKER_NETWORK, Reason.BROKER_NETWORK)]
)
def test_a_request_without_an_answer_is_in_doubt_for_its_reason(reason: int, said: Reason) -> None:
    d = BandDriver()
    entry = d.enter()
    d.e.take_notices()
    d.now += MS
    assert d.e.on_answer(entry.seq, Ev.TIMEOUT, reason=reason, ts_ns=d.now) == Reason.OK
    (row,) = told(d, Note.IN_DOUBT)
    assert (row["reason"], row["severity"]) == (said, Severity.WARN)
    assert d.e.order(0)["ts_doubt_ns"] == d.now and d.e.counters()["timeouts"] == 1
    d.e.on_answer(entry.seq, Ev.TIMEOUT, reason=reason, ts_ns=d.now + MS)
    assert d.e.counters()["timeouts"] == 1 and not told(d, Note.IN_DOUBT)
    d.say(entry, Ev.WORKING)
    (row,) = told(d, Note.DOUBT_RESOLVED)
    assert row["ev"] == Ev.WORKING and d.e.risk()["n_in_doubt"] == 0
    assert d.e.instrument(0)["n_in_doubt"] == 0


def test_a_timeout_after_the_exchange_has_spoken_is_no_doubt() -> None:
    d = BandDriver()
    entry = d.enter()
    d.say(entry, Ev.WORKING)
    d.lose(entry)
    assert d.e.risk()["n_in_doubt"] == d.e.counters()["timeouts"] == 0


# ------------------------------------------------------------------------------------------------------------------------
# books and the clock
def looks(d: BandDriver) -> int:
    n = 0
    while (cmd := d.e.take_command()) is not None:
        n += cmd.kind == Cmd.LOOK
    return n


@pytest.mark.parametrize(("ns", "asked"), [(2 * SECOND - 1, 0), (2 * SECOND, 1)])
def test_what_was_taken_and_of_which_nothing_is_heard_is_looked_for(ns: int, asked: int) -> None:
    d = BandDriver(plan={"entry_timeout_ns": 0})
    entry = d.enter()
    d.ack(entry)
    acked = d.now
    d.wait(acked + ns - d.now)
    assert looks(d) == asked


@pytest.mark.parametrize(("ns", "doubt"), [(10 * SECOND - 1, 0), (10 * SECOND, 1)])
def test_a_request_that_nobody_answered_is_in_doubt_after_twice_its_time(
    ns: int, doubt: int
) -> None:
    d = BandDriver(plan={"entry_timeout_ns": 0})
    d.enter()
    asked = d.now
    d.wait(asked + ns - d.now)
    assert d.e.risk()["n_in_doubt"] == doubt and looks(d) == doubt


def test_two_looks_a_while_apart_prove_that_an_order_is_not_there() -> None:
    d = BandDriver(plan={"entry_timeout_ns": 0})
    entry = d.enter()
    d.lose(entry)
    at = d.now

    def book(ns: int) -> int:
        d.e.on_book_begin(at + ns)
        d.now = max(d.now, at + ns) + MS
        d.e.on_book_end(d.now)
        return int(d.e.order(0)["ord_status"])

    assert book(-1) == OrdStatus.PENDING_NEW, "from before the doubt"
    assert d.e.order(0)["looks"] == 0
    assert book(0) == OrdStatus.PENDING_NEW
    assert (d.e.order(0)["looks"], d.e.order(0)["ts_look_ns"]) == (1, at)
    assert book(2 * SECOND - 1) == OrdStatus.PENDING_NEW
    d.e.take_notices()
    assert book(2 * SECOND) == OrdStatus.ABSENT
    (row,) = told(d, Note.PROVEN_ABSENT)
    assert (row["severity"], row["reason"]) == (Severity.WARN, Reason.PROVEN_ABSENT)
    assert d.e.order(0)["reason"] == Reason.PROVEN_ABSENT
    assert (d.b["state"], d.e.n_live) == (BracketState.CLOSED, 0)


def test_two_books_that_show_it_as_it_was_end_a_change() -> None:
    d, change = asked_to("level")
    asked = d.e.order(change.order_slot)["ts_intent_ns"]

    def book(ns: int) -> int:
        d.e.on_book_begin(asked + ns)
        d.now = max(d.now, asked + ns)
        d.say(change, Ev.WORKING, source=2, price_e4=978_000, trigger_e4=980_000, ts_update_ns=0)
        d.e.on_book_end(d.now)
        return int(d.e.order(change.order_slot)["pending"])

    assert book(2 * SECOND - 1) == Pending.REPLACE
    assert d.e.order(change.order_slot)["looks"] == 0, (
        "it may have been asked before the change arrived"
    )
    assert book(2 * SECOND) == Pending.REPLACE and d.e.order(change.order_slot)["looks"] == 1
    assert book(4 * SECOND - 1) == Pending.REPLACE
    d.e.on_book_begin(asked + 4 * SECOND)
    d.now = asked + 4 * SECOND
    d.say(change, Ev.WORKING, source=2, price_e4=978_000, trigger_e4=980_000, ts_update_ns=0)
    assert d.e.order(change.order_slot)["pending"] == Pending.NONE
    d.quiet()
    d.e.on_book_end(d.now)
    assert [cmd.trigger_e4 for cmd in requests(d)] == [990_000], "asked for anew, when all is read"


@pytest.mark.parametrize("proven", [False, True])
def test_an_order_that_whole_books_lack(proven: bool) -> None:
    d = BandDriver(plan={"target_kind": 0})
    stop = d.opened()
    d.e.take_notices()
    assert d.e.on_missing(f"N{stop.order_slot}", proven, d.now) == Reason.OK
    rows = d.e.take_notices()
    order = d.e.order(stop.order_slot)
    notes = [(row["note"], row["severity"], row["reason"]) for row in rows]
    assert (Note.UNKNOWN_STATUS, Severity.ALARM, Reason.VANISHED) in notes
    assert d.b["protected_qty"] == 0
    if not proven:
        assert order["ord_status"] == OrdStatus.UNKNOWN and not requests(d)
        assert d.e.on_missing(f"N{stop.order_slot}", False, d.now) == Reason.OK
        assert not told(d, Note.UNKNOWN_STATUS), "said once"
        return
    assert (order["ord_status"], order["reason"]) == (OrdStatus.ABSENT, Reason.VANISHED)
    assert (Note.PROVEN_ABSENT, Severity.ALARM, Reason.VANISHED) in notes
    (again,) = requests(d)
    assert (again.kind, again.ord_type, again.qty) == (Cmd.NEW, OrdType.SL, 10)


# ------------------------------------------------------------------------------------------------------------------------
# trades
@pytest.mark.parametrize(
    ("qty", "value", "taken", "asks"),
    [
        (10, 10_003_000, True, False),
        (9, 9_000_000, False, False),  # the list is behind
        (11, 11_000_000, False, True),  # a fill of which nobody has told
        (10, 0, False, False),
        (0, 0, False, False),
    ],
)
def test_what_a_list_of_trades_changes(qty: int, value: int, taken: bool, asks: bool) -> None:
    d = BandDriver(plan={"target_kind": 0})
    entry = d.enter()
    d.ack(entry)
    d.say(entry, Ev.FILL_FULL, 10, 1_000_000)
    requests(d)
    d.e.take_notices()
    before = d.e.risk()["pnl_e4"]
    assert d.e.on_traded(f"N{entry.order_slot}", qty, value, d.now) == Reason.OK
    assert d.b["entry_value_e4"] == (10_003_000 if taken else 10_000_000)
    assert d.e.order(0)["worth"] == (Worth.EXACT if taken else Worth.AVERAGE)
    at_last_price = 10 * d.e.market(0)["ltp_e4"] - 10_003_000
    assert d.e.risk()["pnl_e4"] - before == (at_last_price if taken else 0)
    assert d.e.on_traded("nobody's", 10, 1, d.now) == Reason.UNKNOWN_ORDER
    d.now += SECOND
    d.e.on_timer(d.now)
    assert looks(d) == asks
