"""A decision to enter, whole: gated before its first slice leaves, sent as the rate allows with
room kept for every stop, or waiting.
"""

from __future__ import annotations

from typing import Any

import pytest

from otrade._core.types import Cmd, Ev, Halt, Lane, Note, OrdType, Reason, Side
from otrade.journal.memory import MemoryJournal
from otrade.journal.replay import Replay, replay
from tests.harness.core_engine import (
    HOUR,
    MS,
    OPEN_NS,
    SECOND,
    frame,
    make_engine,
    order_report,
    packet,
    token_of,
)

START = OPEN_NS + 10 * SECOND
RATE = {"per_second": 9, "per_minute": 380, "reserve_second": 3, "reserve_minute": 60}
WAIT = 5 * SECOND


class EntryDriver:
    """An engine and an exchange that takes, fills and confirms at once what is marketable, and
    tells what was asked when.
    """

    def __init__(
        self, *, fills: bool = True, budget: dict[str, int] | None = None, **given: Any
    ) -> None:
        plan = {"on_opposite": 0, "max_qty": 0, **given.pop("plan", {})}
        self.e = make_engine(plan=plan, **given)
        self.e.set_budget(modifies_per_order=24, **(RATE if budget is None else budget))
        self.fills = fills
        self.now = START
        self.sent: list[tuple[int, Any]] = []
        self.notices: list[dict[str, Any]] = []

    def answer(self) -> None:
        """Everything that was asked is answered within the same moment."""
        while (cmd := self.e.take_command()) is not None:
            if cmd.kind not in (Cmd.NEW, Cmd.REPLACE, Cmd.CANCEL):
                continue
            self.sent.append((self.now, cmd))
            self.e.on_sent(cmd.seq, self.now)
            self.e.on_answer(cmd.seq, Ev.ACK, broker_order_id=f"N{cmd.order_slot}", ts_ns=self.now)
            if cmd.kind == Cmd.CANCEL:
                self.say(cmd, Ev.CANCELED)
            elif cmd.ord_type == OrdType.SL or not self.fills:
                self.say(cmd, Ev.WORKING)
            else:
                self.say(cmd, Ev.FILL_FULL, cmd.qty)
        self.notices += self.e.take_notices()

    def say(self, cmd: Any, ev: int, cum: int = 0) -> None:
        self.e.on_report(
            order_report(
                cl_ord_id=cmd.cl_ord_id,
                broker_order_id=f"N{cmd.order_slot}",
                ev=ev,
                source=1,
                order_qty=cmd.qty,
                cum_qty=cum,
                cum_value_e4=cum * 1_000_000,
                price_e4=cmd.price_e4,
                trigger_e4=cmd.trigger_e4,
                ord_type=cmd.ord_type,
                triggered=False,
                reason=0,
                ts_update_ns=self.now,
                ts_recv_ns=self.now,
            )
        )

    def beat(self, seconds: float) -> EntryDriver:
        """Time passes in beats of 100 ms, prices standing."""
        until = self.now + round(seconds * SECOND)
        while self.now < until:
            self.now += 100 * MS
            self.e.on_timer(self.now)
            self.answer()
        return self

    def price(self, paise: int, *tokens: int) -> EntryDriver:
        self.now += MS
        self.e.on_frame_bytes(
            frame(*(packet(token, paise) for token in tokens or (token_of(0),))), self.now
        )
        return self

    def cross(self, *tokens: int, up: bool = True) -> list[int]:
        """One signal for each instrument, all in one frame; what became of each."""
        self.price(9_990 if up else 10_010, *tokens)
        self.e.take_signals()
        self.price(10_005 if up else 9_995, *tokens)
        return [signal["reason"] for signal in self.e.take_signals()]

    @property
    def entries(self) -> list[tuple[int, Any]]:
        return [(at, cmd) for at, cmd in self.sent if cmd.lane == Lane.ENTRY]

    @property
    def asked_qty(self) -> int:
        return sum(cmd.qty for _, cmd in self.entries)

    def told(self, note: Note) -> list[dict[str, Any]]:
        self.notices += self.e.take_notices()
        return [row for row in self.notices if row["note"] == note]


FUTURE: dict[str, Any] = {"freeze_qty": 1_800, "lot_size": 65}


def test_ten_slices_leave_as_the_rate_allows_and_every_fill_is_covered_at_once() -> None:
    w = EntryDriver(**FUTURE, plan={"size_value": 17_550.0}, entry_wait_ns=WAIT)
    assert w.cross() == [Reason.OK]
    w.answer()
    assert [cmd.qty for _, cmd in w.entries] == [1_755] * 3, (
        "three now: each with its stop, and the reserve untouched"
    )
    waits = w.told(Note.ENTRY_WAITS)[0]
    assert (waits["rest_qty"], waits["sent_qty"], waits["reason"]) == (
        17_550 - 3 * 1_755,
        3 * 1_755,
        Reason.RATE_SECOND,
    )
    w.beat(5)
    assert w.asked_qty == 17_550 and w.e.position(0)["net_qty"] == 17_550
    assert w.e.counters()["naked_ns_worst"] == 0, (
        "no stop waited for the budget that entries had taken"
    )
    assert not w.told(Note.ENTRY_CUT) and not w.told(Note.BUDGET_WAIT)
    for at, _ in w.sent:
        assert sum(at - SECOND < other <= at for other, _ in w.sent) <= 9 - 3
    assert (w.e.risk()["open_positions"], w.e.risk()["trades"]) == (1, 1), (
        "ten orders, one decision"
    )
    assert {w.e.bracket(i)["decision"] for i in range(10)} == {0}
    assert [w.e.bracket(i)["slice_no"] for i in range(10)] == list(range(10))


def test_what_does_not_fit_the_rate_is_refused_whole_where_nothing_may_wait() -> None:
    w = EntryDriver(**FUTURE, plan={"size_value": 17_550.0})
    assert w.cross() == [Reason.RATE_SECOND]
    w.beat(3)
    assert not w.sent and w.e.risk()["open_positions"] == 0


def test_more_slices_than_an_entry_may_have_are_refused_by_name() -> None:
    w = EntryDriver(**FUTURE, plan={"size_value": 17_615.0}, entry_wait_ns=WAIT)
    assert w.cross() == [Reason.SLICES]
    w.beat(1)
    assert not w.sent


WHOLE = [
    ({"max_order_qty": 2_000}, Reason.MAX_QTY),
    ({"max_order_notional_e4": 5_200 * 1_000_000}, Reason.MAX_NOTIONAL),
    (
        {
            "max_order_qty": 5_200,
            "max_order_notional_e4": 5_200 * 1_002_000,
            "max_trades": 1,
            "max_open_positions": 1,
        },
        Reason.OK,
    ),
]


@pytest.mark.parametrize(("limits", "reason"), WHOLE)
def test_limits_are_for_the_decision_and_not_for_a_slice(
    limits: dict[str, int], reason: Reason
) -> None:
    w = EntryDriver(**FUTURE, plan={"size_value": 5_200.0}, entry_wait_ns=WAIT, **limits)
    assert w.cross() == [reason]
    w.beat(5)
    assert w.asked_qty == (5_200 if reason == Reason.OK else 0)


def test_trades_are_decisions_those_under_way_included() -> None:
    w = EntryDriver(
        **FUTURE, plan={"size_value": 3_510.0}, instruments=4, max_trades=2, budget={}, fills=False
    )
    tokens = [token_of(i) for i in range(4)]
    assert [w.cross(token) for token in tokens] == [
        [Reason.OK],
        [Reason.OK],
        [Reason.TRADE_COUNT],
        [Reason.TRADE_COUNT],
    ]
    w.answer()
    (_, first), (_, second) = w.entries[0], w.entries[1]
    w.say(first, Ev.FILL_FULL, first.qty)
    w.say(second, Ev.FILL_FULL, second.qty)
    assert (w.e.risk()["trades"], w.e.risk()["n_entering"]) == (1, 1)
    for _, cmd in w.entries[2:]:
        w.say(cmd, Ev.CANCELED)
    assert w.e.risk()["n_entering"] == 0, "an entry that came to nothing is no trade"
    assert w.cross(tokens[2], up=False) == [Reason.OK]


def test_a_position_is_held_until_the_last_of_its_slices_is_gone() -> None:
    w = EntryDriver(freeze_qty=5, instruments=2, max_open_positions=1, budget={}, fills=False)
    assert w.cross(token_of(0)) == [Reason.OK]
    w.answer()
    (_, first), (_, second) = w.entries
    w.say(first, Ev.CANCELED)
    assert w.e.risk()["open_positions"] == 1
    assert w.cross(token_of(1)) == [Reason.MAX_POSITIONS]
    w.say(second, Ev.CANCELED)
    assert w.e.risk()["open_positions"] == 0
    assert w.cross(token_of(1), up=False) == [Reason.OK]


def test_bars_that_close_together_wait_their_turn_the_oldest_first() -> None:
    w = EntryDriver(instruments=12, entry_wait_ns=WAIT)
    tokens = [token_of(i) for i in range(12)]
    reasons = w.cross(*tokens)
    assert reasons == [Reason.OK] * 3 + [Reason.ENTRY_WAIT] * 9
    w.beat(5)
    assert [cmd.instrument_id for _, cmd in w.entries] == list(range(12)), (
        "in their order, and none forgotten"
    )
    assert w.e.counters()["naked_ns_worst"] == 0
    assert len(w.told(Note.ENTRY_WAITS)) == 9 and not w.told(Note.ENTRY_DROPPED)


def test_who_waits_too_long_is_dropped_and_told() -> None:
    w = EntryDriver(instruments=30, entry_wait_ns=2 * SECOND)
    w.cross(*(token_of(i) for i in range(30)))
    w.answer()
    denied = w.e.risk()["n_denied"]
    w.beat(4)
    assert w.e.risk()["n_denied"] == denied + 21
    dropped = w.told(Note.ENTRY_DROPPED)
    assert len(w.entries) + len(dropped) == 30 and len(dropped) == 21
    assert {row["reason"] for row in dropped} == {Reason.RATE_SECOND}
    assert all(2 * SECOND <= row["waited_ns"] < 2_200 * MS for row in dropped)


def test_entries_that_rest_keep_the_room_of_their_stops() -> None:
    w = EntryDriver(instruments=20, entry_wait_ns=WAIT, fills=False)
    w.cross(*(token_of(i) for i in range(20)))
    w.beat(6)
    assert len(w.entries) == 5, (
        "six requests a second beyond the reserve: five stops that may be wanted at once, and one to send"
    )
    before = len(w.sent)
    for _, cmd in list(w.entries):
        w.say(cmd, Ev.FILL_FULL, cmd.qty)
    w.answer()
    assert [cmd.lane for _, cmd in w.sent[before:]] == [Lane.PROTECT] * 5
    assert w.e.counters()["naked_ns_worst"] == 0


def _halt(w: EntryDriver) -> None:
    w.e.on_halt(Halt.REDUCING, 0, w.now)


def _pause(w: EntryDriver) -> None:
    w.e.on_pause(True, w.now)


def _quarantine(w: EntryDriver) -> None:
    for i in range(6):
        w.e.on_quarantine(i, True, w.now)


def _flatten(w: EntryDriver) -> None:
    w.e.on_flatten(-1, w.now)


def _switch_off(w: EntryDriver) -> None:
    for i in range(6):
        w.e.set_strategy_enabled(i, False)


def _session_ends(w: EntryDriver) -> None:
    far = OPEN_NS + 910 * HOUR
    for i in range(6):
        w.e.set_session(
            i,
            open_ns=OPEN_NS,
            entry_from_ns=OPEN_NS,
            entry_until_ns=w.now,
            square_off_ns=far,
            close_ns=far,
        )


def _feed_dies(w: EntryDriver) -> None:
    w.e.on_feed(False, w.now)


EMPTIED = [
    (_halt, Reason.HALTED),
    (_pause, Reason.HALTED),
    (_quarantine, Reason.QUARANTINED),
    (_flatten, Reason.LEAVING),
    (_switch_off, Reason.DISABLED),
    (_session_ends, Reason.SESSION),
    (_feed_dies, Reason.STALE_FEED),
]


@pytest.mark.parametrize(("what", "reason"), EMPTIED, ids=[row[0].__name__[1:] for row in EMPTIED])
def test_what_waits_does_not_outlive_what_forbids_it(what: Any, reason: Reason) -> None:
    w = EntryDriver(instruments=6, entry_wait_ns=WAIT)
    w.cross(*(token_of(i) for i in range(6)))
    w.answer()
    assert len(w.entries) == 3
    what(w)
    w.beat(3)
    assert len(w.entries) == 3
    assert [row["reason"] for row in w.told(Note.ENTRY_DROPPED)] == [reason] * 3


def test_a_newer_signal_takes_the_place_of_one_that_waits() -> None:
    w = EntryDriver(instruments=4, entry_wait_ns=WAIT)
    tokens = [token_of(i) for i in range(4)]
    w.cross(*tokens)
    w.answer()
    assert w.cross(tokens[3], up=False) == [Reason.ENTRY_WAIT]
    w.beat(3)
    assert [row["reason"] for row in w.told(Note.ENTRY_DROPPED)] == [Reason.SUPERSEDED]
    assert [(cmd.instrument_id, cmd.side) for _, cmd in w.entries] == [
        (0, 1),
        (1, 1),
        (2, 1),
        (3, Side.SELL),
    ]


def test_the_rest_of_an_entry_is_not_sent_into_a_position_that_is_being_left() -> None:
    w = EntryDriver(**FUTURE, plan={"size_value": 17_550.0, "on_opposite": 1}, entry_wait_ns=WAIT)
    w.cross()
    w.answer()
    w.price(9_990)
    w.answer()
    w.beat(6)
    cut = w.told(Note.ENTRY_CUT)
    assert [(row["rest_qty"], row["sent_qty"], row["reason"]) for row in cut] == [
        (17_550 - 3 * 1_755, 3 * 1_755, Reason.SUPERSEDED)
    ]
    assert w.asked_qty == 3 * 1_755 and w.e.position(0)["net_qty"] == 0 and w.e.n_live == 0


def test_the_rest_is_dropped_when_a_slice_was_stopped_out() -> None:
    w = EntryDriver(**FUTURE, plan={"size_value": 17_550.0}, entry_wait_ns=WAIT)
    w.cross()
    w.answer()
    _, stop = next((at, cmd) for at, cmd in w.sent if cmd.lane == Lane.PROTECT)
    w.say(stop, Ev.FILL_FULL, stop.qty)
    w.beat(6)
    assert [row["reason"] for row in w.told(Note.ENTRY_CUT)] == [Reason.LEAVING]
    assert w.asked_qty == 3 * 1_755


def test_a_reversal_waits_like_any_other_entry() -> None:
    w = EntryDriver(instruments=8, entry_wait_ns=WAIT, plan={"on_opposite": 2})
    w.cross(token_of(0))
    w.answer()
    w.beat(2)
    w.price(9_990, *(token_of(i) for i in range(1, 8)))
    w.e.take_signals()
    w.price(10_005, *(token_of(i) for i in range(1, 8)))  # three leave, four wait
    w.answer()
    w.price(9_990)
    w.answer()
    w.beat(5)
    shorts = [(at, cmd) for at, cmd in w.entries if cmd.instrument_id == 0]
    assert [cmd.side for _, cmd in shorts] == [Side.BUY, Side.SELL]
    assert w.e.position(0)["net_qty"] == -10


def test_the_timer_knows_when_to_look_again() -> None:
    w = EntryDriver(instruments=6, entry_wait_ns=WAIT)
    w.cross(*(token_of(i) for i in range(6)))
    assert w.now < w.e.next_timer_ns() <= w.now + 100 * MS


def test_a_wait_replays_bit_for_bit_and_a_restart_drops_it_with_a_word() -> None:
    journal = MemoryJournal()
    w = EntryDriver(instruments=8, entry_wait_ns=WAIT, journal=journal)
    w.cross(*(token_of(i) for i in range(8)))
    w.answer()
    w.beat(1.5)
    assert replay(journal.windows()).divergence is None
    again = make_engine(plan={"on_opposite": 0, "max_qty": 0}, instruments=8, start=False)
    done = Replay(again)
    for window in journal.windows():
        done.feed(window)
    waiting = [i for i in range(8) if again.strategy(i)["wait_side"]]
    assert done.divergence is None and waiting == [6, 7]
    again.take_notices()
    again.resume(8, w.now)
    dropped = [row for row in again.take_notices() if row["note"] == Note.ENTRY_DROPPED]
    assert [(row["strategy_id"], row["reason"]) for row in dropped] == [
        (6, Reason.RESTARTED),
        (7, Reason.RESTARTED),
    ]
    again.on_timer(w.now + 3 * SECOND)
    assert all(cmd.lane != Lane.ENTRY for cmd in iter(again.take_command, None))


def test_a_broker_that_asks_to_slow_down_makes_entries_wait_too() -> None:
    w = EntryDriver(instruments=2, entry_wait_ns=WAIT)
    w.cross(token_of(0))
    cmd = w.e.take_command()
    w.e.on_answer(cmd.seq, Ev.REFUSED, reason=Reason.BROKER_RATE, ts_ns=w.now)
    assert w.cross(token_of(1)) == [Reason.ENTRY_WAIT]
    w.beat(2)
    assert [cmd.instrument_id for _, cmd in w.entries] == [1]


def test_what_the_day_or_the_half_hour_lacks_is_not_waited_for() -> None:
    w = EntryDriver(instruments=3, entry_wait_ns=WAIT, budget={"per_day": 6, "reserve_day": 2})
    assert [w.cross(token_of(i)) for i in range(3)] == [[Reason.OK], [Reason.OK], [Reason.RATE_DAY]]
