"""What one price and what one beat of the clock mean for an open bracket, on both sides and at each
boundary. Ten units at 100: stop at 98 (102), target at 104 (96). Prices in paise from 100, towards
the profit.
"""

from __future__ import annotations

from typing import Any

import pytest

from otrade._core.types import (
    BracketState,
    Cmd,
    Ev,
    ExitReason,
    Halt,
    Note,
    OrdType,
    PauseBy,
    Reason,
    Severity,
    Side,
)  # fmt: skip
from otrade.errors import EngineError
from tests.core.orders.test_bands import BandDriver
from tests.core.orders.test_counts_and_words import told
from tests.core.orders.test_refusals import requests
from tests.harness.core_engine import HOUR, MS, OPEN_NS, SECOND, frame, packet, token_of

SIDES = pytest.mark.parametrize("side", [Side.BUY, Side.SELL], ids=["long", "short"])
TRAILS = {"trail_kind": 2, "trail_value": 2.0, "trail_step_value": 0.5}


class SideDriver(BandDriver):
    """Everything is told from the side of the position."""

    def __init__(self, side: int, *, modifies: int = 24, **plan: Any) -> None:
        super().__init__(plan=plan)
        self.e.set_band(0, 0, 0)
        self.e.set_budget(modifies_per_order=modifies)
        self.side = side
        self.opened(side)
        self.e.take_notices()

    def better(self, paise: int, after: int = MS) -> list[Any]:
        """The price is so many paise better than 100: what is asked for then."""
        self.price(10_000 + self.side * paise, after)
        return requests(self)

    def from_100(self, name: str) -> int:
        """A price of the bracket's, in paise."""
        return int(self.side * (self.b[name] - 1_000_000)) // 100

    def done(self, cmd: Any) -> None:
        """Taken and confirmed."""
        self.ack(cmd)
        self.say(
            cmd, {Cmd.NEW: Ev.WORKING, Cmd.REPLACE: Ev.REPLACED, Cmd.CANCEL: Ev.CANCELED}[cmd.kind]
        )


@SIDES
def test_the_trail_follows_the_best_price_by_steps(side: int) -> None:
    d = SideDriver(side, target_kind=0, **TRAILS)
    assert not d.better(45), "two rupees behind it are 45 paise more: less than a step"
    assert (d.from_100("best_e4"), d.from_100("stop_e4"), d.b["n_stop_moves"]) == (45, -200, 0)
    (moved,) = d.better(50)
    assert (moved.kind, moved.qty, moved.ord_type) == (Cmd.REPLACE, 10, OrdType.SL)
    assert (moved.trigger_e4 - 1_000_000) * side == -15_000
    assert moved.price_e4 == (983_000 if side == Side.BUY else 1_017_500), (
        "20 bps beyond, to the tick"
    )
    d.done(moved)
    (row,) = told(d, Note.STOP_MOVED)
    assert (row["trigger_e4"], row["qty"]) == (moved.trigger_e4, 10)
    assert not d.better(50) and not d.better(40)
    assert (d.from_100("best_e4"), d.from_100("stop_e4"), d.b["n_stop_moves"]) == (50, -150, 1)
    (moved,) = d.better(200)
    assert (d.from_100("best_e4"), d.from_100("stop_e4"), d.b["n_stop_moves"]) == (200, 0, 2)


@SIDES
def test_without_a_trail_the_best_price_moves_nothing(side: int) -> None:
    d = SideDriver(side, target_kind=0)
    assert not d.better(900)
    assert (d.from_100("best_e4"), d.from_100("stop_e4"), d.b["trail_e4"]) == (900, -200, 0)


@SIDES
def test_the_target_is_armed_at_its_price_and_disarmed_beyond_the_hysteresis(side: int) -> None:
    """Ten basis points of 104 are 10.4 paise: 103.85 after rounding (96.10)."""
    d = SideDriver(side)
    assert not d.better(395)
    (target,) = d.better(400)
    assert (target.kind, target.ord_type, target.price_e4) == (
        Cmd.REPLACE, OrdType.LIMIT, 1_000_000 + side * 40_000,
    )  # fmt: skip
    assert (d.b["target_armed"], d.b["ts_armed_ns"]) == (1, d.now)
    assert len(told(d, Note.TARGET_ARMED)) == 1
    d.done(target)
    back = 385 if side == Side.BUY else 390
    assert not d.better(back) and d.b["target_armed"] == 1
    (stop,) = d.better(back - 5)
    assert (stop.ord_type, stop.trigger_e4) == (OrdType.SL, 1_000_000 - side * 20_000)
    assert d.b["target_armed"] == 0 and len(told(d, Note.TARGET_DISARMED)) == 1


@SIDES
def test_where_the_order_may_not_be_changed_the_target_is_taken_at_the_market(side: int) -> None:
    d = SideDriver(side, modifies=6)
    (out,) = d.better(400)
    assert (d.b["state"], d.b["exit_reason"], d.b["target_armed"]) == (
        BracketState.EXITING, ExitReason.TARGET, 0,
    )  # fmt: skip
    # Ten basis points of 104 (96): 10.4 (9.6) paise through it
    assert out.price_e4 == (1_038_500 if side == Side.BUY else 961_000)
    d = SideDriver(side, modifies=7)
    d.better(400)
    assert (d.b["state"], d.b["target_armed"]) == (BracketState.OPEN, 1)


@SIDES
def test_the_trail_waits_while_the_order_works_at_the_target(side: int) -> None:
    d = SideDriver(side, **TRAILS)
    (target,) = d.better(400)
    d.done(target)
    assert (d.from_100("stop_e4"), d.from_100("best_e4")) == (-200, 400)
    (stop,) = d.better(300)
    assert (stop.trigger_e4 - 1_000_000) * side == 20_000, "two rupees behind 104"
    assert d.b["n_stop_moves"] == 1


@SIDES
def test_a_stop_whose_price_trades_is_looked_at_and_forgotten_when_it_does_not(side: int) -> None:
    d = SideDriver(side)
    assert not d.better(-195) and d.b["stop_crossed_ns"] == 0
    assert not d.better(-200) and d.b["stop_crossed_ns"] == d.now
    at = d.now
    assert not d.better(-250) and d.b["stop_crossed_ns"] == at
    assert d.b["protected_qty"] == 0 and d.b["naked_since_ns"] == at
    assert not d.better(-195) and d.b["stop_crossed_ns"] == 0
    assert d.b["protected_qty"] == 10 and d.b["naked_since_ns"] == 0


@SIDES
@pytest.mark.parametrize(("interval", "ns"), [(2 * SECOND, 500 * MS), (300 * MS, 300 * MS)])
def test_a_stop_that_nobody_tells_of_is_chased(side: int, interval: int, ns: int) -> None:
    d = SideDriver(side, ladder_interval_ns=interval)
    d.better(-200)
    d.wait(ns - 1)
    assert not requests(d) and d.b["state"] == BracketState.OPEN
    d.wait(1)
    (out,) = requests(d)
    assert (out.kind, out.ord_type, d.b["exit_reason"]) == (
        Cmd.REPLACE,
        OrdType.LIMIT,
        ExitReason.STOP,
    )


@SIDES
@pytest.mark.parametrize(("interval", "ns"), [(2 * SECOND, 500 * MS), (300 * MS, 300 * MS)])
def test_a_target_that_rests_is_taken_at_the_market(side: int, interval: int, ns: int) -> None:
    d = SideDriver(side, ladder_interval_ns=interval)
    (target,) = d.better(400)
    armed = d.now
    d.done(target)
    d.wait(armed + ns - 1 - d.now)
    assert not requests(d) and d.b["state"] == BracketState.OPEN
    d.wait(1)
    assert (d.b["state"], d.b["exit_reason"]) == (BracketState.EXITING, ExitReason.TARGET)
    assert requests(d)[0].kind == Cmd.REPLACE


@SIDES
def test_the_time_of_a_position_ends_to_the_nanosecond(side: int) -> None:
    d = BandDriver(plan={"time_exit_ns": 5 * SECOND, "target_kind": 0})
    entry = d.enter(side)
    d.ack(entry)
    d.say(entry, Ev.FILL_PART, 4, 1_000_000)
    first = d.now
    stop = d.take()
    d.ack(stop)
    d.say(stop, Ev.WORKING)
    d.say(entry, Ev.FILL_FULL, 10, 1_000_000, after=SECOND)
    assert d.b["ts_entry_ns"] == first, "it begins with the first fill"
    requests(d)
    d.wait(first + 5 * SECOND - 1 - d.now)
    assert d.b["state"] == BracketState.OPEN
    d.wait(1)
    assert (d.b["state"], d.b["exit_reason"]) == (BracketState.EXITING, ExitReason.TIME)


def test_an_entry_that_is_not_filled_is_cancelled_at_its_time() -> None:
    d = BandDriver(plan={"entry_timeout_ns": 3 * SECOND})
    entry = d.enter()
    asked = d.now
    d.ack(entry)
    d.say(entry, Ev.WORKING)
    d.wait(asked + 3 * SECOND - 1 - d.now)
    assert not requests(d)
    d.wait(1)
    (cancel,) = requests(d)
    assert (cancel.kind, cancel.order_slot, d.b["entry_cancel"]) == (
        Cmd.CANCEL,
        entry.order_slot,
        1,
    )


@SIDES
def test_square_off_to_the_nanosecond(side: int) -> None:
    d = SideDriver(side, target_kind=0)
    at = d.now + 10 * SECOND
    d.e.set_session(
        0, open_ns=OPEN_NS, entry_from_ns=OPEN_NS, entry_until_ns=d.now, square_off_ns=at, close_ns=at + HOUR
    )  # fmt: skip
    d.wait(at - 1 - d.now)
    assert d.b["state"] == BracketState.OPEN and not told(d, Note.SQUARE_OFF)
    d.wait(1)
    assert (d.b["state"], d.b["exit_reason"]) == (BracketState.EXITING, ExitReason.SQUARE_OFF)
    assert len(told(d, Note.SQUARE_OFF)) == 1 and len(requests(d)) == 1
    d.wait(MS)
    assert not told(d, Note.SQUARE_OFF), "once"


# ------------------------------------------------------------------------------------------------------------------------
# what fills book
@SIDES
def test_what_each_fill_books(side: int) -> None:
    d = BandDriver(plan={"target_kind": 0})
    entry = d.enter(side)
    d.ack(entry)
    d.e.take_notices()
    assert d.b["state"] == BracketState.ENTERING
    d.say(entry, Ev.FILL_PART, 4, 1_000_000)
    first = d.now
    (row,) = told(d, Note.ENTRY_FILLED)
    assert (row["qty"], row["value_e4"]) == (4, 4_000_000)
    assert (d.b["state"], d.b["open_qty"], d.b["entry_qty"], d.b["entry_value_e4"]) == (
        BracketState.OPEN, 4, 4, 4_000_000,
    )  # fmt: skip
    stop = d.take()
    d.ack(stop)
    d.say(stop, Ev.WORKING)
    d.say(entry, Ev.FILL_FULL, 10, value=4_000_000 + 6 * 1_001_000)
    (row,) = told(d, Note.ENTRY_FILLED)
    assert (row["qty"], row["value_e4"]) == (6, 6 * 1_001_000)
    assert (d.b["ts_entry_ns"], d.b["open_qty"], d.b["entry_qty"]) == (first, 10, 10)
    assert d.b["stop_e4"] == (981_000 if side == Side.BUY else 1_020_500), (
        "2 rupees from 100.06, to the tick that is nearer the entry"
    )
    larger = d.take()
    d.ack(larger)
    d.say(larger, Ev.REPLACED)
    d.say(larger, Ev.FILL_PART, 3, 999_000, triggered=True)
    assert (d.b["open_qty"], d.b["exit_qty"], d.b["exit_value_e4"]) == (7, 3, 2_997_000)
    assert d.e.position(0)["net_qty"] == side * 7
    assert d.e.risk()["trades"] == 1


# ------------------------------------------------------------------------------------------------------------------------
# everything, or one instrument's
def three_open() -> BandDriver:
    """Three instruments: 0 and 1 hold ten each, 2 has an entry that rests."""
    d = BandDriver(instruments=3, plan={"target_kind": 0, "entry_timeout_ns": 0})
    for i in range(3):
        for paise in (9_990, 10_005):
            d.now += MS
            d.e.on_frame_bytes(frame(packet(token_of(i), paise)), d.now)
        entry = d.take()
        d.ack(entry)
        if i == 2:
            d.say(entry, Ev.WORKING)
            continue
        d.say(entry, Ev.FILL_FULL, 10, 1_000_000)
        stop = d.take()
        d.ack(stop)
        d.say(stop, Ev.WORKING)
    return d


def test_a_flatten_of_one_instrument_leaves_the_others() -> None:
    d = three_open()
    d.e.on_flatten(1, d.now)
    (out,) = requests(d)
    assert (out.instrument_id, out.kind) == (1, Cmd.REPLACE)
    assert [d.e.bracket(i)["state"] for i in range(3)] == [
        BracketState.OPEN, BracketState.EXITING, BracketState.ENTERING,
    ]  # fmt: skip


def test_a_flatten_of_all_takes_out_what_rests_too() -> None:
    d = three_open()
    d.e.on_flatten(-1, d.now)
    assert {(cmd.instrument_id, cmd.kind) for cmd in requests(d)} == {
        (0, Cmd.REPLACE), (1, Cmd.REPLACE), (2, Cmd.CANCEL),
    }  # fmt: skip
    assert [d.e.bracket(i)["state"] for i in range(3)] == [BracketState.EXITING] * 3


def test_a_flatten_reaches_all_though_some_close_at_once() -> None:
    """Entries that were never sent on: each closes in the moment in which it is flattened."""
    d = BandDriver(instruments=3, plan={"target_kind": 0, "entry_timeout_ns": 0})
    for i in range(3):
        for paise in (9_990, 10_005):
            d.now += MS
            d.e.on_frame_bytes(frame(packet(token_of(i), paise)), d.now)
    entries = requests(d)
    assert len(entries) == 3
    for cmd in entries[:2]:
        d.ack(cmd)
        d.say(cmd, Ev.FILL_FULL, 10, 1_000_000)
    requests(d)
    d.e.on_flatten(-1, d.now)
    assert [d.e.bracket(i)["state"] for i in range(3)] == [BracketState.EXITING] * 3


def test_a_halt_takes_out_every_entry_and_no_stop() -> None:
    d = three_open()
    d.e.on_halt(Halt.REDUCING, 0, d.now)
    (cancel,) = requests(d)
    assert (cancel.instrument_id, cancel.kind) == (2, Cmd.CANCEL)
    assert [d.e.bracket(i)["entry_cancel"] for i in range(3)] == [1, 1, 1]
    (row,) = told(d, Note.HALT_CHANGED)
    assert (row["halt"], row["severity"]) == (Halt.REDUCING, Severity.ALARM)
    d.e.on_halt(Halt.REDUCING, 0, d.now)
    assert not told(d, Note.HALT_CHANGED)
    d.e.on_halt(Halt.ACTIVE, 0, d.now)
    (row,) = told(d, Note.HALT_CHANGED)
    assert (row["halt"], row["severity"]) == (Halt.ACTIVE, Severity.WARN)


# ------------------------------------------------------------------------------------------------------------------------
# a reversal
def reversing(**plan: Any) -> BandDriver:
    """Long ten from 100, and a signal to the other side: the way out has been asked for."""
    d = BandDriver(plan={"on_opposite": 2, "target_kind": 0, **plan})
    d.e.set_band(0, 0, 0)
    d.opened()
    d.price(9_995)
    assert (d.b["state"], d.b["exit_reason"]) == (BracketState.EXITING, ExitReason.SIGNAL)
    assert d.e.strategy(0)["n_taken"] == 2
    return d


@pytest.mark.parametrize(
    ("timeout", "patience"), [(0, 60 * SECOND), (7 * SECOND, 7 * SECOND)], ids=["none", "plan's"]
)
@pytest.mark.parametrize("late", [0, 1])
def test_a_reversal_is_as_patient_as_an_entry(timeout: int, patience: int, late: int) -> None:
    d = reversing(entry_timeout_ns=timeout, ladder_interval_ns=500 * SECOND)
    at = d.now
    (signal,) = [s for s in d.e.take_signals() if s["side"] == Side.SELL]
    assert (signal["taken"], signal["reason"]) == (1, Reason.REVERSE_WAIT)
    (out,) = requests(d)
    d.ack(out)
    d.now = at + patience + late - MS
    d.price(9_995, after=0)
    d.e.take_notices()
    d.say(out, Ev.FILL_FULL, 10, 999_000)
    assert d.now == at + patience + late
    found = requests(d)
    refused = told(d, Note.SIGNAL_REFUSED)
    if late:
        assert not found and [r["reason"] for r in refused] == [Reason.REVERSE_EXPIRED]
        assert (refused[0]["side"], refused[0]["strategy_id"]) == (Side.SELL, 0)
    else:
        assert [(c.side, c.qty, c.kind) for c in found] == [
            (Side.SELL, 10, Cmd.NEW)
        ] and not refused
        assert d.e.bracket(1)["signal_px_e4"] == 999_500
        assert (d.e.bracket(1)["decision"], d.e.bracket(1)["slice_no"]) == (1, 0)
        d.wait(SECOND)
        assert not requests(d), "once"


@pytest.mark.parametrize("what", ["flatten", "halt"])
def test_a_reversal_does_not_outlive_what_forbids_it(what: str) -> None:
    d = reversing()
    (out,) = requests(d)
    if what == "flatten":
        d.e.on_flatten(0, d.now)
    else:
        d.e.on_halt(Halt.REDUCING, 0, d.now)
        d.e.on_halt(Halt.ACTIVE, 0, d.now)
    d.ack(out)
    d.say(out, Ev.FILL_FULL, 10, 999_000)
    assert not requests(d) and d.e.n_live == 0


@pytest.mark.parametrize(
    ("mode", "halt", "reason", "state"),
    [
        (0, Halt.ACTIVE, Reason.ALREADY_OPEN, BracketState.OPEN),
        (1, Halt.ACTIVE, Reason.OK, BracketState.EXITING),
        (2, Halt.ACTIVE, Reason.REVERSE_WAIT, BracketState.EXITING),
        (1, Halt.REDUCING, Reason.OK, BracketState.EXITING),
        (1, Halt.HALTED, Reason.ALREADY_OPEN, BracketState.OPEN),
        (2, Halt.HALTED, Reason.ALREADY_OPEN, BracketState.OPEN),
    ],
)
def test_what_an_opposite_signal_does(mode: int, halt: Halt, reason: Reason, state: int) -> None:
    d = BandDriver(plan={"on_opposite": mode, "target_kind": 0})
    d.opened()
    d.e.on_halt(halt, 0, d.now)
    d.e.take_signals()
    d.price(9_995)
    (signal,) = d.e.take_signals()
    assert (signal["reason"], d.b["state"]) == (reason, state)
    assert signal["taken"] == (reason != Reason.ALREADY_OPEN)


def test_a_signal_of_the_same_side_changes_nothing() -> None:
    d = BandDriver(plan={"on_opposite": 0, "target_kind": 0})
    d.opened()
    d.e.take_signals()
    d.price(9_995).price(10_005)
    reasons = [(s["side"], s["reason"]) for s in d.e.take_signals()]
    assert reasons == [(Side.SELL, Reason.ALREADY_OPEN), (Side.BUY, Reason.ALREADY_OPEN)]
    d = BandDriver(plan={"on_opposite": 2, "target_kind": 0})
    d.opened()
    d.e.on_halt(Halt.HALTED, 0, d.now)
    d.price(9_995)
    d.e.on_halt(Halt.ACTIVE, 0, d.now)
    d.e.take_signals()
    d.price(10_005)
    (signal,) = d.e.take_signals()
    assert (signal["side"], signal["reason"]) == (Side.BUY, Reason.ALREADY_OPEN)
    assert d.b["state"] == BracketState.OPEN and not requests(d)


def test_whoever_pauses_keeps_his_own_pause() -> None:
    d = BandDriver()
    d.e.on_pause(True, d.now, PauseBy.PERSON)
    d.e.on_pause(True, d.now, PauseBy.START)
    d.e.on_pause(False, d.now, PauseBy.PERSON)
    d.price(9_990).price(10_005)
    assert not requests(d)
    d.e.on_pause(False, d.now, PauseBy.START)
    d.price(9_990).price(10_005)
    assert len(requests(d)) == 1


def test_a_bracket_that_closes_has_nothing_gone() -> None:
    """Six are left, as the broker shows it; its stop has filled ten all the same."""
    d = SideDriver(Side.BUY, target_kind=0)
    stop = d.e.order(d.b["stop_slot"])
    d.e.on_broker_net(0, 6, d.now)
    assert (d.b["gone_qty"], d.b["entry_cancel"]) == (4, 1)
    (smaller,) = requests(d)
    assert (smaller.qty, smaller.order_slot) == (6, d.b["stop_slot"])
    d.say(smaller, Ev.FILL_FULL, 10, 979_500, qty=10, trigger_e4=stop["trigger_e4"], triggered=True)
    assert (d.b["state"], d.b["open_qty"], d.b["gone_qty"]) == (BracketState.CLOSED, 0, 0)
    assert d.b["ts_close_ns"] == d.now and d.e.n_live == 0
    assert d.e.strategy(0)["n_open"] == d.e.risk()["open_positions"] == 0


@pytest.mark.parametrize(
    ("tables", "room"),
    [({"brackets": 1}, 1), ({"brackets": 2}, 2), ({"orders": 11}, 2), ({"orders": 10}, 0)],
)
def test_what_a_full_table_takes_back(tables: dict[str, int], room: int) -> None:
    d = BandDriver(**tables)
    d.e.take_notices()
    taken = []
    for _ in range(2):
        try:
            taken.append(d.e.adopt_bracket(0, Side.BUY, 10, 20_000, d.now))
        except EngineError:
            taken.append(-1)
    assert sum(at >= 0 for at in taken) == room and d.e.n_brackets == room
    assert len(told(d, Note.CAPACITY)) == 2 - room


def test_what_is_gone_of_one_instrument_is_not_gone_of_another() -> None:
    d = three_open()
    d.e.on_broker_net(1, 4, d.now)
    assert [d.e.bracket(i)["gone_qty"] for i in range(3)] == [0, 6, 0]
    assert [d.e.bracket(i)["entry_cancel"] for i in range(3)] == [0, 1, 0]
    (smaller,) = requests(d)
    assert (smaller.instrument_id, smaller.qty) == (1, 4)


def test_a_reversal_for_which_the_rate_has_no_room_is_told_as_dropped_whole() -> None:
    d = reversing()
    (out,) = requests(d)
    d.ack(out)
    d.e.set_budget(per_second=1, modifies_per_order=24)
    d.e.take_notices()
    d.say(out, Ev.FILL_FULL, 10, 999_000)
    assert not requests(d)
    (row,) = told(d, Note.ENTRY_DROPPED)
    assert (row["rest_qty"], row["sent_qty"], row["side"]) == (0, 0, Side.SELL)
    assert row["reason"] == Reason.RATE_SECOND
