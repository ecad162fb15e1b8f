"""Orders of an earlier run, taken back in whatever sequence its book has them: each leg once as the
first order in the table, for slot 0 is an order like any other. Prices in e4 rupees.
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
    Reason,
    Side,
)  # fmt: skip
from tests.core.orders.test_bands import BandDriver
from tests.core.orders.test_counts_and_words import told
from tests.core.orders.test_refusals import requests
from tests.harness.core_engine import HOUR, MS, OPEN_NS, SECOND, order_report

LETTER = {Leg.ENTRY: "E", Leg.STOP: "S", Leg.TARGET: "T", Leg.FIX: "F"}
SIDES = pytest.mark.parametrize("side", [Side.BUY, Side.SELL], ids=["long", "short"])


class AdoptedBracket(BandDriver):
    """Ten units at 100 of an earlier run: entry, stop at 98 (limit 97.80), target at 104."""

    def __init__(self, side: int, *legs: Leg, **kw: Any) -> None:
        super().__init__(**{"plan": {}, **kw})
        self.e.set_band(0, 0, 0)
        self.side = side
        self.slots: dict[Leg, int] = {}
        self.price(10_000)
        self.e.take_signals()
        self.e.adopt_bracket(0, side, 10, 20_000, self.now, stop_e4=1_000_000 - side * 20_000)
        self.e.take_notices()
        for leg in legs:
            self.slots[leg] = self.e.adopt_order(
                0, leg, len(self.slots), OrdStatus.PENDING_NEW, cl_ord_id=self.tag(leg), broker_order_id=f"B{leg}",
                ts_ns=self.now, **self.terms(leg),
            )  # fmt: skip

    def tag(self, leg: Leg) -> str:
        return f"OT0000090000{LETTER[leg]}000000"

    def terms(self, leg: Leg) -> dict[str, int]:
        side = self.side if leg in (Leg.ENTRY, Leg.FIX) else -self.side
        price, trigger, kind = {
            Leg.ENTRY: (1_001_000, 0, OrdType.LIMIT),
            Leg.STOP: (
                978_000 if self.side == Side.BUY else 1_022_500,
                1_000_000 - self.side * 20_000,
                OrdType.SL,
            ),
            Leg.TARGET: (1_000_000 + self.side * 40_000, 0, OrdType.LIMIT),
            Leg.FIX: (1_000_000, 0, OrdType.LIMIT),
        }[leg]
        return dict(order_qty=10, price_e4=price, trigger_e4=trigger, ord_type=kind, side=side)

    def hears(self, leg: Leg, ev: int, cum: int = 0, px: int = 1_000_000, **changed: Any) -> None:
        self.now += MS
        body: dict[str, Any] = dict(
            cl_ord_id=self.tag(leg), broker_order_id=f"B{leg}", ev=ev, source=1, cum_qty=cum,
            cum_value_e4=cum * px, ts_update_ns=self.now, ts_recv_ns=self.now,
        )  # fmt: skip
        self.e.on_report(order_report(**{**body, **self.terms(leg), **changed}))

    def working(self, *legs: Leg) -> AdoptedBracket:
        """By one book: the entry has filled, the others stand."""
        self.e.on_book_begin(self.now)
        for leg in legs:
            if leg == Leg.ENTRY:
                self.hears(leg, Ev.FILL_FULL, 10, source=2)
            else:
                self.hears(leg, Ev.WORKING, source=2)
        self.e.on_book_end(self.now)
        return self


def first_stop(side: int, **kw: Any) -> AdoptedBracket:
    d = AdoptedBracket(side, Leg.STOP, Leg.ENTRY, **kw)
    assert d.slots == {Leg.STOP: 0, Leg.ENTRY: 1}
    assert (d.b["stop_slot"], d.b["entry_slot"], d.b["target_slot"], d.b["fix_slot"]) == (
        0, 1, -1, -1,
    )  # fmt: skip
    return d.working(Leg.STOP, Leg.ENTRY)


@SIDES
def test_a_stop_in_the_first_slot_covers(side: int) -> None:
    d = first_stop(side)
    assert (d.b["state"], d.b["open_qty"], d.b["protected_qty"]) == (BracketState.OPEN, 10, 10)
    assert d.b["naked_since_ns"] == 0 and not requests(d)
    assert (d.b["stop_e4"], d.b["n_stop_moves"]) == (1_000_000 - side * 20_000, 1)
    assert d.e.risk()["open_positions"] == d.e.risk()["trades"] == 1


@SIDES
def test_a_stop_in_the_first_slot_is_what_leaves(side: int) -> None:
    d = first_stop(side)
    d.flatten()
    (out,) = requests(d)
    assert (out.kind, out.order_slot, out.ord_type, out.qty) == (Cmd.REPLACE, 0, OrdType.LIMIT, 10)


@SIDES
def test_a_stop_in_the_first_slot_becomes_the_target(side: int) -> None:
    d = first_stop(side)
    d.price(10_000 + side * 400)
    (target,) = requests(d)
    assert (target.kind, target.order_slot, target.price_e4) == (
        Cmd.REPLACE, 0, 1_000_000 + side * 40_000,
    )  # fmt: skip
    d.stands(target)
    assert d.b["target_since_ns"] == d.now and d.b["naked_since_ns"] == 0


@SIDES
def test_a_triggered_stop_in_the_first_slot_has_its_moment(side: int) -> None:
    d = first_stop(side)
    d.price(10_000 - side * 215)
    d.hears(Leg.STOP, Ev.WORKING, triggered=True)
    assert d.b["leave_reason"] == ExitReason.TRAIL
    limit = 978_000 if side == Side.BUY else 1_022_500
    assert (d.b["flat_px_e4"], d.b["ladder_next_ns"]) == (limit, d.now + 300 * MS)
    d.quote(limit - side * 10_000)
    assert d.b["flat_px_e4"] == limit and not requests(d)


@SIDES
def test_half_way_to_what_stands_in_the_first_slot(side: int) -> None:
    d = first_stop(side, plan={"ladder_start_bps": 0.0, "ladder_step_bps": 0.0})
    d.price(10_000 + side * 100)
    d.flatten()
    (out,) = requests(d)
    d.stands(out)
    d.price(10_000 + side * 40, after=2 * SECOND)
    d.wait(MS)
    (deeper,) = requests(d)
    assert deeper.price_e4 == 1_000_000 + side * 4_000
    d.refuse(deeper, Reason.PRICE_RANGE)
    assert d.b["flat_px_e4"] == 1_000_000 + side * 7_000, "between 101 and 100.40"


def test_a_rejected_way_out_in_the_first_slot_is_tried_at_once_after_a_quote() -> None:
    d = first_stop(Side.BUY, plan={"ladder_start_bps": 0.0})
    d.flatten()
    (out,) = requests(d)
    d.ack(out)
    d.hears(Leg.STOP, Ev.REJECTED, reason=Reason.PRICE_RANGE)
    assert d.e.order(0)["ord_status"] == OrdStatus.REJECTED and d.b["retry_ns"] > d.now
    d.quote(999_000, 999_000, 999_500)
    (again,) = requests(d)
    assert (again.kind, again.qty) == (Cmd.NEW, 10)


def test_a_climb_re_prices_what_stands_in_the_first_slot_and_says_so() -> None:
    d = first_stop(Side.BUY)
    d.flatten()
    (out,) = requests(d)
    d.stands(out)
    d.e.take_notices()
    d.price(9_950, after=2 * SECOND)
    d.wait(MS)
    assert told(d, Note.EXIT_CHASED) and requests(d)[0].order_slot == 0


def first_target(side: int) -> AdoptedBracket:
    d = AdoptedBracket(side, Leg.TARGET, Leg.STOP, Leg.ENTRY, plan={"exit_mode": 1})
    assert d.slots[Leg.TARGET] == d.b["target_slot"] == 0
    return d.working(Leg.TARGET, Leg.STOP, Leg.ENTRY)


@SIDES
def test_a_target_in_the_first_slot_is_cancelled_before_the_stop_leaves(side: int) -> None:
    d = first_target(side)
    assert not requests(d), "both stand as the plan has them"
    d.flatten()
    (cancel,) = requests(d)
    assert (cancel.kind, cancel.order_slot) == (Cmd.CANCEL, 0)
    d.ack(cancel)
    d.hears(Leg.TARGET, Ev.CANCELED)
    (out,) = requests(d)
    assert (out.kind, out.order_slot) == (Cmd.REPLACE, d.slots[Leg.STOP])


@SIDES
def test_a_target_in_the_first_slot_shrinks_with_what_the_stop_sold(side: int) -> None:
    d = first_target(side)
    d.hears(Leg.TARGET, Ev.FILL_PART, 4, 1_000_000 + side * 40_000)
    (smaller,) = requests(d)
    assert (smaller.order_slot, smaller.qty) == (d.slots[Leg.STOP], 6)
    assert (d.b["open_qty"], d.b["exit_reason"]) == (6, ExitReason.TARGET)


@SIDES
def test_an_excess_that_is_being_bought_back_from_the_first_slot(side: int) -> None:
    d = AdoptedBracket(side, Leg.FIX, Leg.STOP, Leg.ENTRY)
    assert d.b["fix_slot"] == 0
    d.working(Leg.ENTRY)
    d.hears(Leg.STOP, Ev.FILL_FULL, 15, order_qty=15, triggered=True)
    d.hears(Leg.FIX, Ev.WORKING, order_qty=5)
    assert d.b["open_qty"] == -5
    d.e.take_notices()
    for cmd in requests(d):
        assert (cmd.order_slot, cmd.kind) == (0, Cmd.REPLACE)
        d.stands(cmd)
    assert not told(d, Note.OVER_EXIT), "its order works"
    d.hears(Leg.FIX, Ev.FILL_FULL, 5, order_qty=5)
    assert (d.b["open_qty"], d.b["state"]) == (0, BracketState.CLOSED)
    assert d.b["pnl_e4"] == 0


def test_an_order_without_a_role_is_taken_out_of_the_first_slot() -> None:
    d = AdoptedBracket(Side.BUY, Leg.STOP, Leg.ENTRY)
    d.working(Leg.STOP, Leg.ENTRY)
    second = d.e.adopt_order(
        0, Leg.STOP, 7, OrdStatus.PENDING_NEW, cl_ord_id="OT0000090000S070000", broker_order_id="B9",
        ts_ns=d.now, **d.terms(Leg.STOP),
    )  # fmt: skip
    d.e.on_report(
        order_report(
            cl_ord_id="OT0000090000S070000", broker_order_id="B9", ev=Ev.WORKING, source=1,
            ts_update_ns=d.now, ts_recv_ns=d.now, **d.terms(Leg.STOP),
        )
    )  # fmt: skip
    assert d.b["stop_slot"] == second
    (cancel,) = requests(d)
    assert (cancel.kind, cancel.order_slot) == (Cmd.CANCEL, 0)


# ------------------------------------------------------------------------------------------------------------------------
# what is kept of an order that is taken back
def test_what_a_bracket_that_is_taken_back_begins_with() -> None:
    d = BandDriver(plan={"exit_mode": 1, "time_exit_ns": 7 * SECOND})
    d.now += SECOND
    opened = d.now - 60 * SECOND
    at = d.e.adopt_bracket(
        0, Side.SELL, 25, 20_000, d.now, ts_open_ns=opened, tag_run=9, tag_bracket=5
    )
    b = d.e.bracket(at)
    (row,) = told(d, Note.ADOPTED)
    assert (row["qty"], row["side"], row["reason"]) == (25, Side.SELL, Reason.OK)
    assert (b["state"], b["side"], b["order_qty"]) == (BracketState.ENTERING, Side.SELL, 25)
    assert (b["stop_distance_e4"], b["stop_e4"], b["n_stop_moves"]) == (20_000, 0, 0)
    assert (b["exit_mode"], b["time_exit_ns"]) == (1, 7 * SECOND)
    assert (b["ts_open_ns"], b["ts_entry_ns"], b["entry_expire_ns"]) == (opened, opened, d.now)
    assert (b["decision"], d.e.risk()["open_positions"], d.e.strategy(0)["n_open"]) == (at, 1, 1)
    second = d.e.adopt_bracket(0, Side.SELL, 25, 20_000, d.now, stop_e4=1_020_000, slice_of=at)
    b = d.e.bracket(second)
    assert (b["decision"], d.e.risk()["open_positions"], d.e.strategy(0)["n_open"]) == (at, 1, 2)
    assert (b["stop_e4"], b["initial_stop_e4"], b["n_stop_moves"]) == (1_020_000, 1_020_000, 1)
    assert (b["ts_open_ns"], b["ts_entry_ns"]) == (d.now, 0)


@pytest.mark.parametrize(
    ("run", "number", "tag"),
    [
        (0, 0, "OT0000000000E"),
        (9, 5, "OT0000090005E"),
        (35, 36, "OT00000Z0010E"),
        (-1, 4, "OT0000070000E"),  # it has none: it gets this run's and its own
    ],
)
def test_the_tags_of_a_bracket_that_is_taken_back(run: int, number: int, tag: str) -> None:
    d = BandDriver()
    d.e.adopt_bracket(0, Side.BUY, 10, 20_000, d.now, tag_run=run, tag_bracket=number)
    assert (d.b["tag_run"], d.b["tag_bracket"]) == ((7, 0) if run < 0 else (run, number))
    d.price(10_000)
    d.closed_by_other(Side.BUY, 10, 1_000_000)  # bought by hand: nothing of ours stands
    for cmd in requests(d):
        assert cmd.cl_ord_id.startswith(tag[:-1])


@pytest.mark.parametrize(
    ("attempt", "following"),
    [(0, 33), (40, 73), (1_118, 1_151), (1_119, 1_120), (1_151, 1_152), (1_152, 0), (1_200, 0)],
)
def test_orders_are_numbered_on_with_room_for_what_was_lost(attempt: int, following: int) -> None:
    """Thirty-two may have been sent of which nobody tells; from 1,152 on numbers are the watchdog's."""
    d = AdoptedBracket(Side.BUY)
    d.e.adopt_order(
        0, Leg.STOP, attempt, OrdStatus.PENDING_NEW, cl_ord_id="OT0000090000SZZ0000", broker_order_id="B9",
        ts_ns=d.now, **d.terms(Leg.STOP),
    )  # fmt: skip
    assert d.b["next_attempt"] == max(following, 1)
    assert d.e.order(0)["attempt"] == attempt


def test_an_older_order_does_not_set_the_numbers_back() -> None:
    d = AdoptedBracket(Side.BUY)
    for n, attempt in enumerate((40, 3)):
        d.e.adopt_order(
            0, Leg.STOP, attempt, OrdStatus.CANCELED, cl_ord_id=f"OT0000090000S0{n}0000", broker_order_id=f"B{n}",
            ts_ns=d.now, **d.terms(Leg.STOP),
        )  # fmt: skip
    assert d.b["next_attempt"] >= 73


@pytest.mark.parametrize(
    ("kind", "kept"),
    [(0, OrdType.LIMIT), (OrdType.SL, OrdType.SL), (OrdType.MARKET, OrdType.MARKET)],
)
def test_what_is_kept_of_an_order_that_is_taken_back(kind: int, kept: int) -> None:
    d = BandDriver(plan={"protection_e2": 300})
    d.e.adopt_bracket(0, Side.BUY, 10, 20_000, d.now)
    d.now += SECOND
    d.e.adopt_order(
        0, Leg.STOP, 2, OrdStatus.PENDING_NEW, cl_ord_id="OT0000090000S020000", broker_order_id="B9", ts_ns=d.now,
        order_qty=7, price_e4=978_000, trigger_e4=980_000, ord_type=kind, side=Side.SELL,
    )  # fmt: skip
    o = d.e.order(0)
    assert (o["ord_type"], o["req_type"], o["side"], o["leg"]) == (kept, kept, Side.SELL, Leg.STOP)
    assert (o["order_qty"], o["req_qty"]) == (7, 7)
    assert (o["price_e4"], o["req_price_e4"]) == (978_000, 978_000)
    assert (o["trigger_e4"], o["req_trigger_e4"], o["protection_e2"]) == (980_000, 980_000, 300)
    assert (o["ts_intent_ns"], o["ts_ack_ns"], o["ts_known_ns"]) == (d.now, d.now, d.now)
    assert (o["pending"], o["ord_status"], o["cum_qty"]) == (0, OrdStatus.PENDING_NEW, 0)
    assert (o["cl_ord_id"], o["broker_order_id"]) == ("OT0000090000S020000", "B9")
    assert d.e.find_order("OT0000090000S020000", "") == 0


@pytest.mark.parametrize(
    ("by_broker", "reason"), [(True, ExitReason.BROKER), (False, ExitReason.MANUAL)]
)
def test_what_somebody_else_closed_holds_no_role(by_broker: bool, reason: ExitReason) -> None:
    d = first_stop(Side.BUY)
    d.closed_by_other(Side.SELL, 4, 1_010_000, by_broker=by_broker)
    assert (d.b["open_qty"], d.b["exit_reason"], d.b["target_slot"]) == (6, reason, -1)
    (smaller,) = requests(d)
    assert (smaller.order_slot, smaller.qty) == (0, 6)
    d.closed_by_other(Side.SELL, 1, 1_010_000, by_broker=not by_broker, number="X2")
    assert d.b["exit_reason"] == reason or by_broker is False


def test_an_entry_that_is_taken_back_is_asked_out_at_once() -> None:
    """Nobody waits for an entry of a run that has ended."""
    d = AdoptedBracket(Side.BUY, Leg.ENTRY)
    d.hears(Leg.ENTRY, Ev.WORKING)
    d.wait(MS)
    (cancel,) = requests(d)
    assert (cancel.kind, cancel.order_slot) == (Cmd.CANCEL, 0)


# ------------------------------------------------------------------------------------------------------------------------
# a restart
def test_what_a_restart_keeps_and_what_it_forgets() -> None:
    d = first_stop(Side.BUY)
    before = d.b["next_attempt"]
    d.e.on_pause(True, d.now)
    d.e.resume(8, d.now + SECOND)
    assert d.b["next_attempt"] == before + 32, "room for what the journal may have lost"
    d.e.on_pause(False, d.now + 2 * SECOND, 2)  # the start's own
    d.e.on_feed(True, d.now + 2 * SECOND)
    assert d.e.risk()["paused"] is True, "what a person has paused stays so"
    hours = dict(
        entry_from_ns=OPEN_NS, entry_until_ns=OPEN_NS + HOUR, square_off_ns=OPEN_NS + 2 * HOUR
    )
    d.e.set_session(0, open_ns=OPEN_NS, close_ns=OPEN_NS + 3 * HOUR, **hours)
