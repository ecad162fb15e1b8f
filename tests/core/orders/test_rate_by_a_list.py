"""The rate budget against a list of all requests ever made, counted anew for each question: random
days of entries that are refused, rest, fill and are left.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

import pytest

from otrade._core.types import Cmd, Ev, Lane, Note, OrdType, Reason, Side
from tests.core.orders.test_entries import EntryDriver
from tests.harness.core_engine import (
    MS,
    OPEN_NS,
    SECOND,
    frame,
    make_engine,
    order_report,
    packet,
    token_of,
)

MINUTE = 60 * SECOND


@dataclass
class ListedBudget:
    """Every request with its time, and the limits of a broker."""

    limits: dict[str, int]
    sent: list[tuple[int, bool]] = field(default_factory=list)
    tight_until: int = 0

    def within(self, now: int, window: int) -> int:
        return sum(at > now - window for at, _ in self.sent)

    def half_hour(self, now: int) -> int:
        """Of the running minute and the thirty before it."""
        return sum(at // MINUTE >= now // MINUTE - 30 for at, _ in self.sent)

    def placements(self) -> int:
        return sum(is_placement for _, is_placement in self.sent)

    def may_enter(self, now: int, owed: int) -> Reason:
        """May one more entry leave, while stops are owed?"""
        used = {
            "second": self.within(now, SECOND),
            "minute": self.within(now, MINUTE),
            "half_hour": self.half_hour(now),
            "day": self.placements(),
        }
        why = {
            "second": Reason.RATE_SECOND,
            "minute": Reason.RATE_MINUTE,
            "half_hour": Reason.RATE_HALF_HOUR,
            "day": Reason.RATE_DAY,
        }
        left = {
            window: self.limits[f"per_{window}"] - self.limits.get(f"reserve_{window}", 0)
            for window in used
            if self.limits.get(f"per_{window}", 0) > 0
        }
        for window, most in left.items():  # a first request must fit at all
            if used[window] >= most:
                return why[window]
        for window in ("minute", "half_hour", "day", "second"):
            if window not in left:
                continue
            lone = left[window] < 2
            if lone:
                if owed:
                    return why[window]
            elif used[window] + owed + 2 > left[window]:
                return why[window]
        return Reason.OK


LIMITS = [
    {"per_second": 4, "reserve_second": 1},
    {"per_second": 3, "reserve_second": 2},
    {"per_minute": 12, "reserve_minute": 4},
    {"per_minute": 6, "reserve_minute": 5, "per_second": 9},
    {"per_half_hour": 30, "reserve_half_hour": 6},
    {"per_half_hour": 7, "reserve_half_hour": 6},
    {"per_day": 60, "reserve_day": 11},
    {"per_second": 9, "per_minute": 40, "per_half_hour": 120, "per_day": 200, "reserve_second": 3,
     "reserve_minute": 10, "reserve_half_hour": 20, "reserve_day": 30},
]  # fmt: skip


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("limits", LIMITS, ids=[",".join(limits) for limits in LIMITS])
def test_a_day_of_entries_is_counted_like_a_list(limits: dict[str, int], seed: int) -> None:
    rng = random.Random(f"{seed} {sorted(limits.items())}")
    n = 6
    e = make_engine(
        instruments=n, plan={"entry_timeout_ns": 0, "target_kind": 0}, params={"side_mask": 1}
    )
    e.set_budget(modifies_per_order=24, **limits)
    listed = ListedBudget(limits)
    now = OPEN_NS + 10 * SECOND
    resting: dict[int, Any] = {}
    stops: dict[int, Any] = {}
    verdicts = set()

    def drain() -> list[Any]:
        found = []
        while (cmd := e.take_command()) is not None:
            if cmd.kind != Cmd.LOOK:
                listed.sent.append((now, cmd.kind == Cmd.NEW))
                found.append(cmd)
        return found

    def tell(cmd: Any, ev: Ev, cum: int = 0) -> None:
        e.on_report(
            order_report(
                cl_ord_id=cmd.cl_ord_id, broker_order_id=f"N{cmd.order_slot}", ev=ev, source=1, order_qty=cmd.qty,
                cum_qty=cum, cum_value_e4=cum * 1_000_000, price_e4=cmd.price_e4, trigger_e4=cmd.trigger_e4,
                ord_type=cmd.ord_type, triggered=ev == Ev.FILL_FULL and cmd.ord_type == OrdType.SL, ts_update_ns=now,
                ts_recv_ns=now,
            )
        )  # fmt: skip

    for _ in range(160):
        now += rng.choice((50 * MS, 300 * MS, SECOND, 7 * SECOND, 90 * SECOND, 11 * MINUTE))
        e.on_timer(now)
        for cmd in drain():  # a stop that had to wait
            stops[cmd.instrument_id] = cmd
            tell(cmd, Ev.WORKING)
        at = rng.randrange(n)
        if at in stops:
            tell(stops.pop(at), Ev.FILL_FULL, 10)
            drain()
        elif at in resting:
            cmd = resting.pop(at)
            if rng.random() < 0.5:
                tell(cmd, Ev.CANCELED)
            else:
                tell(cmd, Ev.FILL_FULL, 10)
            for stop in drain():
                stops[at] = stop
                tell(stop, Ev.WORKING)
        elif _is_flat(e, at):
            owed = len(resting) + sum(_is_bare(e, i) for i in range(n))
            expected = listed.may_enter(now, owed)
            e.on_frame_bytes(frame(packet(token_of(at), 9_990)), now)
            e.take_signals()
            e.on_frame_bytes(frame(packet(token_of(at), 10_005)), now)
            (signal,) = e.take_signals()
            assert signal["reason"] == expected, (seed, now, owed)
            verdicts.add(signal["reason"])
            for cmd in drain():
                e.on_answer(cmd.seq, Ev.ACK, broker_order_id=f"N{cmd.order_slot}", ts_ns=now)
                if rng.random() < 0.4:
                    tell(cmd, Ev.CANCELED)
                else:
                    tell(cmd, Ev.WORKING)
                    resting[at] = cmd
        budget = e.budget()
        assert budget["second_used"] == listed.within(now, SECOND)
        assert budget["minute_used"] == listed.within(now, MINUTE)
        assert budget["half_hour_used"] == listed.half_hour(now)
        assert budget["day_used"] == listed.placements()
    assert Reason.OK in verdicts and len(verdicts) > 1, verdicts


def _is_flat(e: Any, instrument_id: int) -> bool:
    return all(e.bracket(i)["instrument_id"] != instrument_id for i in e.live_brackets())


def _is_bare(e: Any, instrument_id: int) -> bool:
    """Open without a live stop."""
    for i in e.live_brackets():
        b = e.bracket(i)
        if b["instrument_id"] == instrument_id and b["open_qty"] and b["stop_slot"] < 0:
            return True
    return False


# ------------------------------------------------------------------------------------------------------------------------
# a broker that asks to slow down
def test_a_broker_that_asks_to_slow_down_is_given_twice_as_long_up_to_a_minute() -> None:
    w = EntryDriver(budget={})
    w.cross()
    cmd = w.e.take_command()
    waits = []
    now = w.now
    for _ in range(9):
        now += MS
        w.e.on_answer(cmd.seq, Ev.REFUSED, reason=Reason.BROKER_RATE, ts_ns=now)
        waits.append((w.e.budget()["tight_until_ns"] - now) // SECOND)
    assert waits == [1, 2, 4, 8, 16, 32, 64, 64, 64]
    assert w.e.budget()["n_tightened"] == 9


@pytest.mark.parametrize(("late", "seconds"), [(0, 4), (1, 1)])
def test_a_minute_after_it_the_first_is_the_first_again(late: int, seconds: int) -> None:
    w = EntryDriver(budget={})
    w.cross()
    cmd = w.e.take_command()
    for _ in range(2):
        w.e.on_answer(cmd.seq, Ev.REFUSED, reason=Reason.BROKER_RATE, ts_ns=w.now)
    now = w.e.budget()["tight_until_ns"] + 64 * SECOND + late
    w.e.on_answer(cmd.seq, Ev.REFUSED, reason=Reason.BROKER_RATE, ts_ns=now)
    assert w.e.budget()["tight_until_ns"] == now + seconds * SECOND


@pytest.mark.parametrize("window", ["minute", "half_hour", "day"])
def test_where_the_reserve_leaves_one_no_slice_of_several_goes_alone(window: str) -> None:
    """Ten units of a freeze quantity of four are three orders: all of them, or none."""
    for freeze, reason in ((10, Reason.OK), (4, Reason[f"RATE_{window.upper()}"])):
        w = EntryDriver(freeze_qty=freeze, budget={f"per_{window}": 7, f"reserve_{window}": 6})
        assert w.cross() == [reason]
        w.answer()
        assert len(w.entries) == (reason == Reason.OK) and not w.told(Note.ENTRY_CUT)


# ------------------------------------------------------------------------------------------------------------------------
# waiting
def test_of_the_same_moment_the_lower_number_goes_first_and_of_another_the_older() -> None:
    """One a second: strategies 3 and 1 in one frame, 0 and 2 in a later one."""
    w = EntryDriver(
        instruments=5, entry_wait_ns=60 * SECOND, fills=False, plan={"entry_timeout_ns": 0},
        budget={"per_second": 1},
    )  # fmt: skip
    w.cross(token_of(4))
    w.answer()
    w.say(w.entries[0][1], Ev.CANCELED)
    w.cross(token_of(3), token_of(1))
    w.cross(token_of(2), token_of(0))
    order = []
    for _ in range(60):
        w.beat(1)
        for _, cmd in w.entries[len(order) + 1 :]:
            order.append(cmd.instrument_id)
            w.say(cmd, Ev.CANCELED)
    assert order == [1, 3, 0, 2]
    begun = [w.e.bracket(i) for i in range(1, 5)]
    assert [(b["decision"], b["slice_no"]) for b in begun] == [(i, 0) for i in range(1, 5)]
    waits = w.told(Note.ENTRY_WAITS)
    assert [row["strategy_id"] for row in waits[:2]] == [1, 3]
    assert {(row["rest_qty"], row["sent_qty"], row["side"]) for row in waits} == {(0, 0, Side.BUY)}
    assert all(row["reason"] == Reason.RATE_SECOND for row in waits)
    assert waits[0]["at_most_ns"] == 60 * SECOND


def test_who_waits_is_dropped_at_the_end_of_its_time_to_the_nanosecond() -> None:
    for late in (0, 1):
        w = EntryDriver(
            instruments=2, entry_wait_ns=5 * SECOND, fills=False, plan={"entry_timeout_ns": 0},
            budget={"per_minute": 1},
        )  # fmt: skip
        w.cross(token_of(0))
        w.answer()
        assert w.cross(token_of(1)) == [Reason.ENTRY_WAIT]
        until = w.now + 5 * SECOND
        w.answer()
        w.e.on_timer(until - 1 + late)
        w.now = until
        rows = w.told(Note.ENTRY_DROPPED)
        assert len(rows) == late
        if rows:
            (row,) = rows
            assert (row["rest_qty"], row["sent_qty"], row["waited_ns"]) == (0, 0, 5 * SECOND)
            assert (row["reason"], row["side"], row["strategy_id"]) == (
                Reason.RATE_MINUTE,
                Side.BUY,
                1,
            )
            assert w.e.risk()["n_denied"] == 1


def test_the_lanes_of_a_second() -> None:
    """Three a second: an entry may use them all but the reserve, the way out all but one."""
    w = EntryDriver(
        budget={"per_second": 3, "reserve_second": 1}, instruments=2, plan={"target_kind": 0}
    )
    w.cross()
    w.answer()
    assert [cmd.lane for _, cmd in w.sent] == [Lane.ENTRY, Lane.PROTECT]
    w.e.on_flatten(0, w.now)
    assert w.e.take_command() is None, "the last of a second is protection's"
    w.beat(1.1)
    assert [cmd.lane for _, cmd in w.sent][2] == Lane.EXIT


def test_the_rest_of_a_decision_goes_as_the_second_allows() -> None:
    """Slices of 4, 4 and 2; four a second are two entries and their stops."""
    w = EntryDriver(
        freeze_qty=4, entry_wait_ns=30 * SECOND, fills=False, plan={"entry_timeout_ns": 0},
        budget={"per_second": 4},
    )  # fmt: skip
    assert w.cross() == [Reason.OK]
    w.answer()
    assert [cmd.qty for _, cmd in w.entries] == [4, 4]
    (row,) = w.told(Note.ENTRY_WAITS)
    assert (row["rest_qty"], row["sent_qty"], row["side"]) == (2, 8, Side.BUY)
    assert (row["reason"], row["at_most_ns"]) == (Reason.RATE_SECOND, 30 * SECOND)
    w.beat(1)
    assert [cmd.qty for _, cmd in w.entries] == [4, 4, 2]
    b = w.e.bracket(2)
    assert (b["slice_no"], b["decision"], b["order_qty"], b["signal_px_e4"]) == (2, 0, 2, 1_000_500)
    assert w.e.risk()["n_denied"] == 0 and w.e.strategy(0)["n_taken"] == 1
    w.beat(2)
    assert len(w.entries) == 3 and len(w.told(Note.ENTRY_WAITS)) == 1, "nothing is left of it"


def test_the_rest_of_a_decision_that_is_halted_is_told_as_cut() -> None:
    w = EntryDriver(
        freeze_qty=4, entry_wait_ns=30 * SECOND, fills=False, plan={"entry_timeout_ns": 0},
        budget={"per_second": 4},
    )  # fmt: skip
    w.cross()
    w.answer()
    w.now += 300 * MS
    w.e.on_pause(True, w.now)
    (row,) = w.told(Note.ENTRY_CUT)
    assert (row["rest_qty"], row["sent_qty"], row["waited_ns"]) == (2, 8, 300 * MS)
    assert (row["reason"], row["side"], row["strategy_id"]) == (Reason.HALTED, Side.BUY, 0)
    assert w.e.risk()["n_denied"] == 1


def test_of_a_wait_each_look_that_finds_no_room_is_counted_every_fifty_milliseconds() -> None:
    w = EntryDriver(
        instruments=2, entry_wait_ns=30 * SECOND, fills=False, plan={"entry_timeout_ns": 0},
        budget={"per_minute": 2},
    )  # fmt: skip
    w.cross(token_of(0))
    w.answer()
    w.cross(token_of(1))
    begun, before = w.now, w.e.budget()["n_denied"]
    for ms, looks in ((49, 0), (50, 1), (99, 1), (100, 2)):
        w.e.on_timer(begun + ms * MS)
        assert w.e.budget()["n_denied"] == before + looks, ms


def test_the_end_of_an_instruments_hours_drops_what_waits_behind_another() -> None:
    w = EntryDriver(
        instruments=3, entry_wait_ns=60 * SECOND, fills=False, plan={"entry_timeout_ns": 0},
        budget={"per_minute": 2},
    )  # fmt: skip
    w.cross(token_of(0))
    w.answer()
    w.cross(token_of(1), token_of(2))
    end = w.now + 2 * SECOND
    w.e.set_session(
        2, open_ns=OPEN_NS, entry_from_ns=OPEN_NS, entry_until_ns=end, square_off_ns=end + MINUTE,
        close_ns=end + 2 * MINUTE,
    )  # fmt: skip
    w.beat(3)
    (row,) = w.told(Note.ENTRY_DROPPED)
    assert (row["strategy_id"], row["reason"]) == (2, Reason.SESSION)
    assert row["ts_ns"] <= end + 100 * MS


def test_each_part_that_goes_is_told_with_what_is_left() -> None:
    w = EntryDriver(
        freeze_qty=2, entry_wait_ns=30 * SECOND, fills=False, plan={"entry_timeout_ns": 0},
        budget={"per_second": 4},
    )  # fmt: skip
    w.cross()
    w.answer()
    w.beat(1.5)
    assert [cmd.qty for _, cmd in w.entries] == [2, 2, 2], "two owe their stops, one more has room"
    waits = [(row["rest_qty"], row["sent_qty"]) for row in w.told(Note.ENTRY_WAITS)]
    assert waits == [(6, 4), (4, 6)]


def test_of_two_a_second_one_is_for_the_way_out() -> None:
    w = EntryDriver(budget={"per_second": 2}, instruments=2, plan={"target_kind": 0})
    for i in range(2):
        w.cross(token_of(i))
        w.answer()
        w.beat(1.5)
    assert len(w.sent) == 4
    w.e.on_flatten(-1, w.now)
    w.answer()
    assert [cmd.lane for _, cmd in w.sent[4:]] == [Lane.EXIT]
