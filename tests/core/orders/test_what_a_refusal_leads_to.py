"""One refusal, of each request and for each reason: for how long its leg pauses, what is said, and
what else follows.
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
    OrdStatus,
    OrdType,
    Reason,
    Severity,
    Side,
)  # fmt: skip
from tests.core.orders.test_bands import BandDriver
from tests.core.orders.test_counts_and_words import told
from tests.core.orders.test_refusals import requests
from tests.harness.core_engine import MS, SECOND, frame, packet, token_of

AS_WELL = (Reason.BROKER_TOKEN, Reason.BROKER_PERMISSION, Reason.BROKER_RATE, Reason.BROKER_NETWORK)
"""For these another kind of order would be refused as well."""
PAST_THE_STOP = (
    Reason.BROKER_INPUT, Reason.BROKER_ORDER, Reason.EXCHANGE_REJECT, Reason.PRICE_RANGE,
)  # fmt: skip


def filled(**plan: Any) -> tuple[BandDriver, Any]:
    """Ten units at 100, and the request for their stop."""
    d = BandDriver(plan={"target_kind": 0, **plan})
    d.e.set_band(0, 0, 0)
    entry = d.enter()
    d.ack(entry)
    d.say(entry, Ev.FILL_FULL, 10, 1_000_000)
    stop = d.take()
    d.e.take_notices()
    return d, stop


def next_request(d: BandDriver) -> Any:
    """Time passes, the price standing, until something is asked for."""
    for _ in range(4_000):
        found = requests(d)
        if found:
            return found[0]
        d.wait(100 * MS)
        d.price(10_000, after=0)
    raise AssertionError("nothing was asked for")


@pytest.mark.parametrize("reason", [Reason.EXCHANGE_REJECT, Reason.BROKER_MARGIN, *AS_WELL])
def test_three_refusals_of_a_stop(reason: Reason) -> None:
    d, stop = filled()
    for n in (1, 2, 3):
        d.refuse(stop, reason)
        (row,) = told(d, Note.EXIT_REJECTED)
        assert (row["severity"], row["reason"], row["order_slot"]) == (
            Severity.ALARM, reason, stop.order_slot,
        )  # fmt: skip
        assert d.b["n_rejects"] == n
        if n == 3 and reason not in AS_WELL:
            assert (d.b["state"], d.b["exit_reason"]) == (BracketState.EXITING, ExitReason.RISK)
            assert d.b["retry_ns"] == d.now
            (out,) = requests(d)
            assert (out.ord_type, out.qty, out.kind) == (OrdType.LIMIT, 10, Cmd.NEW)
            return
        pause = 30 if reason == Reason.BROKER_PERMISSION else (1, 2, 4)[n - 1]
        assert d.b["retry_ns"] == d.now + pause * SECOND
        assert d.b["state"] == BracketState.OPEN
        stop = next_request(d)
        assert (stop.ord_type, stop.qty) == (OrdType.SL, 10)
    assert (d.e.risk()["halt"] == Halt.REDUCING) == (reason == Reason.BROKER_PERMISSION)


@pytest.mark.parametrize("reason", [Reason.EXCHANGE_REJECT, *AS_WELL])
def test_a_stop_whose_price_has_traded_and_that_is_refused_is_left(reason: Reason) -> None:
    d, stop = filled()
    d.price(9_790)
    assert d.b["state"] == BracketState.OPEN, "its placement is on its way"
    d.refuse(stop, reason)
    if reason in AS_WELL:
        assert d.b["retry_ns"] > d.now
        return
    assert (d.b["state"], d.b["exit_reason"]) == (BracketState.EXITING, ExitReason.STOP)
    assert d.b["retry_ns"] == d.now and requests(d)[0].ord_type == OrdType.LIMIT


def test_the_pauses_of_a_way_out() -> None:
    """1, 2 and 4 seconds, and 4 until the twentieth; then half a minute."""
    d, stop = filled()
    d.ack(stop)
    d.say(stop, Ev.WORKING)
    d.say(stop, Ev.CANCELED)
    d.flatten()
    pauses = []
    for n in range(2, 24):  # the stop that somebody cancelled was the first
        cmd = next_request(d)
        d.refuse(cmd, Reason.EXCHANGE_REJECT)
        assert d.b["n_rejects"] == n
        pauses.append((d.b["retry_ns"] - d.now) // SECOND)
    assert pauses == [2] + [4] * 18 + [30] * 3


def oco() -> tuple[BandDriver, Any, Any]:
    d, stop = filled(exit_mode=1, target_kind=2)
    d.ack(stop)
    d.say(stop, Ev.WORKING)
    target = d.take()
    d.e.take_notices()
    return d, stop, target


def test_the_pauses_of_a_target() -> None:
    """The stop stands: it can wait, twice as long each time up to half a minute."""
    d, _, target = oco()
    pauses = []
    for n in range(1, 8):
        d.refuse(target, Reason.BROKER_MARGIN)
        (row,) = told(d, Note.TARGET_REFUSED)
        assert (row["severity"], row["reason"]) == (Severity.WARN, Reason.BROKER_MARGIN)
        assert (d.b["n_target_rejects"], d.b["n_rejects"], d.b["retry_ns"]) == (n, 0, 0)
        pauses.append((d.b["target_retry_ns"] - d.now) // SECOND)
        target = next_request(d)
    assert pauses == [1, 2, 4, 8, 16, 30, 30]
    assert (d.b["state"], d.b["protected_qty"]) == (BracketState.OPEN, 10)
    d.ack(target)
    d.say(target, Ev.WORKING)
    d.wait(MS)
    assert d.b["n_target_rejects"] == 0, "what is carried out ends the count"


def test_a_halt_of_the_market_is_no_legs_fault() -> None:
    d, stop = filled()
    d.refuse(stop, Reason.MARKET_HALTED)
    assert (d.b["n_rejects"], d.b["retry_ns"]) == (0, d.now + 30 * SECOND)
    assert d.e.instrument(0)["halted"] == 1 and len(told(d, Note.EXIT_REJECTED)) == 1
    d.wait(30 * SECOND)
    (stop,) = requests(d)
    d.refuse(stop, Reason.MARKET_HALTED)
    assert d.e.instrument(0)["halted"] == 1, "once, until something trades"


# ------------------------------------------------------------------------------------------------------------------------
# changes
def changed(reason: Reason, *, crossed: bool = False) -> tuple[BandDriver, Any]:
    """The trail asks for a change of the stop, and it is refused."""
    d, stop = filled(trail_kind=2, trail_value=2.0, trail_step_value=0.5)
    d.ack(stop)
    d.say(stop, Ev.WORKING)
    d.price(10_100)
    change = d.take()
    assert change.kind == Cmd.REPLACE
    if crossed:
        d.price(9_890)
        assert d.b["state"] == BracketState.OPEN
    d.e.take_notices()
    d.refuse(change, reason)
    return d, change


@pytest.mark.parametrize(
    "reason", [Reason.EXCHANGE_REJECT, Reason.BROKER_INPUT, Reason.BROKER_RATE]
)
def test_a_change_that_is_refused_leaves_what_stands(reason: Reason) -> None:
    d, change = changed(reason)
    (row,) = told(d, Note.ORDER_REFUSED)
    assert (row["severity"], row["reason"], row["order_slot"]) == (
        Severity.WARN, reason, change.order_slot,
    )  # fmt: skip
    assert (d.b["n_rejects"], d.b["retry_ns"]) == (1, d.now + SECOND)
    assert (d.b["state"], d.b["protected_qty"]) == (BracketState.OPEN, 10)
    assert d.e.order(change.order_slot)["pending"] == 0 and not requests(d)


@pytest.mark.parametrize("reason", [*PAST_THE_STOP, Reason.BROKER_RATE, Reason.BROKER_MARGIN])
def test_a_change_that_price_has_passed_leads_out_where_the_reason_says_so(reason: Reason) -> None:
    d, _ = changed(reason, crossed=True)
    if reason in PAST_THE_STOP:
        assert (d.b["state"], d.b["leave_reason"]) == (BracketState.EXITING, ExitReason.TRAIL)
        assert d.b["retry_ns"] == d.now and requests(d)[0].ord_type == OrdType.LIMIT
    else:
        assert d.b["n_rejects"] == 1


def test_being_processed_counts_nothing_and_asks_for_the_book() -> None:
    d, change = changed(Reason.BROKER_BUSY)
    assert len(told(d, Note.ORDER_REFUSED)) == 1 and d.b["n_rejects"] == d.b["retry_ns"] == 0
    busy = d.now
    assert d.e.order(change.order_slot)["ts_busy_ns"] == busy
    d.now = busy + 2_500 * MS - 1
    d.wait(0)
    found = []
    while (cmd := d.e.take_command()) is not None:
        found.append(cmd.kind)
    assert found == [Cmd.LOOK]
    d.wait(1)
    assert [cmd.kind for cmd in requests(d)] == [Cmd.REPLACE], "nobody has told for too long"


def test_a_refused_cancel_counts_nothing_and_asks_for_the_book() -> None:
    d = BandDriver(plan={"entry_timeout_ns": SECOND})
    entry = d.enter()
    d.ack(entry)
    d.say(entry, Ev.WORKING)
    d.wait(SECOND)
    (cancel,) = requests(d)
    d.e.take_notices()
    d.refuse(cancel, Reason.BROKER_ORDER)
    assert len(told(d, Note.ORDER_REFUSED)) == 1
    d.wait(SECOND)
    assert d.take().kind == Cmd.LOOK and d.e.take_command() is None


@pytest.mark.parametrize("kind", ["cancel", "change", "entry", "stop"])
def test_want_of_permission_stops_entries_whatever_was_asked(kind: str) -> None:
    if kind == "cancel":
        d = BandDriver(plan={"entry_timeout_ns": SECOND})
        entry = d.enter()
        d.ack(entry)
        d.say(entry, Ev.WORKING)
        d.wait(SECOND)
        (cmd,) = requests(d)
    elif kind == "entry":
        d = BandDriver()
        cmd = d.enter()
    elif kind == "stop":
        d, cmd = filled()
    else:
        d, _ = changed(Reason.BROKER_PERMISSION)
        cmd = None
    if cmd is not None:
        d.refuse(cmd, Reason.BROKER_PERMISSION)
    risk = d.e.risk()
    assert (risk["halt"], risk["halt_reason"]) == (Halt.REDUCING, Reason.BROKER_PERMISSION)


def test_want_of_permission_does_not_lower_a_halt() -> None:
    d, stop = filled()
    d.e.on_halt(Halt.HALTED, Reason.DAILY_LOSS, d.now)
    d.refuse(stop, Reason.BROKER_PERMISSION)
    assert (d.e.risk()["halt"], d.e.risk()["halt_reason"]) == (Halt.HALTED, Reason.DAILY_LOSS)


@pytest.mark.parametrize(("already", "counted"), [(3, 24), (30, 30)])
def test_the_brokers_cap_of_changes_is_ours_then(already: int, counted: int) -> None:
    d, stop = filled(trail_kind=2, trail_value=2.0, trail_step_value=0.05)
    d.e.set_budget(modifies_per_order=100)
    d.ack(stop)
    d.say(stop, Ev.WORKING)
    for n in range(already):
        d.price(10_010 + 5 * n)
        change = d.take()
        if n + 1 < already:
            d.ack(change)
            d.say(change, Ev.REPLACED)
    d.e.set_budget(modifies_per_order=24)
    assert d.e.order(stop.order_slot)["n_modifies"] == already
    d.e.take_notices()
    d.e.on_halt(Halt.REDUCING, 0, d.now)
    d.now += MS
    d.e.on_answer(change.seq, Ev.REFUSED, reason=Reason.MODIFY_CAP, ts_ns=d.now)
    assert d.e.order(stop.order_slot)["n_modifies"] == counted
    assert len(told(d, Note.ORDER_REFUSED)) == 1 and d.b["n_rejects"] == 0


# ------------------------------------------------------------------------------------------------------------------------
# entries
def rejected(d: BandDriver, reason: Reason = Reason.EXCHANGE_REJECT) -> int:
    """One more signal; its entry is rejected. What became of the signal."""
    d.e.take_signals()
    d.price(9_990).price(10_005)
    (signal,) = [s for s in d.e.take_signals() if s["side"] == Side.BUY]
    for cmd in requests(d):
        d.refuse(cmd, reason)
    return int(signal["reason"])


def test_three_rejected_entries_are_a_brake_longer_each_time() -> None:
    d = BandDriver(params={"side_mask": 1})
    for n in (1, 2):
        assert rejected(d) == Reason.OK
        assert not told(d, Note.ENTRY_BRAKE), n
    for n, seconds in enumerate((60, 120, 240, 480, 960, 1_920, 1_920)):
        assert rejected(d) == Reason.OK
        until = d.now + seconds * SECOND
        (row,) = told(d, Note.ENTRY_BRAKE)
        assert (row["n_rejected"], row["pause_ns"]) == (n + 3, seconds * SECOND)
        assert (row["severity"], row["reason"]) == (
            Severity.WARN if n else Severity.ALARM, Reason.EXCHANGE_REJECT,
        )  # fmt: skip
        d.now = until - 1 - 2 * MS
        assert rejected(d) == Reason.ENTRY_BRAKE
        d.now = until - 2 * MS
    d.price(9_990).price(10_005)
    (entry,) = requests(d)
    d.ack(entry)
    d.say(entry, Ev.WORKING)
    d.wait(30 * SECOND)
    d.say(entry, Ev.CANCELED)
    requests(d)
    for _ in range(2):
        assert rejected(d) == Reason.OK
    assert not told(d, Note.ENTRY_BRAKE), "what was refused before it was taken counts no more"
    rejected(d)
    (row,) = told(d, Note.ENTRY_BRAKE)
    assert (row["n_rejected"], row["pause_ns"]) == (3, 60 * SECOND)


@pytest.mark.parametrize(
    ("reason", "counts"),
    [
        (Reason.BROKER_RATE, False),
        (Reason.BROKER_TOKEN, False),
        (Reason.BROKER_PERMISSION, False),
        (Reason.BROKER_MARGIN, True),
        (Reason.EXCHANGE_REJECT, True),
    ],
)
def test_which_rejections_the_brake_counts(reason: Reason, counts: bool) -> None:
    d = BandDriver(params={"side_mask": 1})
    rejected(d, reason)
    row, *others = [r for r in d.e.take_notices() if r["note"] == Note.ORDER_REJECTED]
    assert (row["severity"], row["reason"], others) == (Severity.WARN, reason, [])
    for _ in range(2):
        d.wait(70 * SECOND)
        d.e.on_halt(Halt.ACTIVE, 0, d.now)
        rejected(d, reason)
    assert bool(told(d, Note.ENTRY_BRAKE)) == counts
    assert (d.b["state"], d.b["exit_reason"]) == (BracketState.CLOSED, ExitReason.ENTRY_FAILED)


@pytest.mark.parametrize("ending", ["rejected", "cancelled by us", "cancelled by another"])
def test_what_ends_an_entry_that_stood(ending: str) -> None:
    """Only a rejection says something about the next entry."""
    d = BandDriver(plan={"entry_timeout_ns": SECOND})
    entry = d.enter()
    d.ack(entry)
    d.say(entry, Ev.ACCEPTED)
    d.e.take_notices()
    if ending == "rejected":
        d.say(entry, Ev.REJECTED, reason=Reason.BROKER_MARGIN)
    elif ending == "cancelled by us":
        d.say(entry, Ev.WORKING)
        d.wait(SECOND)
        (cancel,) = requests(d)
        d.ack(cancel)
        d.say(cancel, Ev.CANCELED)
    else:
        d.say(entry, Ev.WORKING)
        d.say(entry, Ev.CANCELED)
    assert bool(told(d, Note.ORDER_REJECTED)) == (ending == "rejected")
    assert d.b["state"] == BracketState.CLOSED
    assert (
        d.e.order(entry.order_slot)["reason"]
        == {
            "rejected": Reason.BROKER_MARGIN,
            "cancelled by us": 0,
            "cancelled by another": Reason.EXCHANGE_REJECT,
        }[ending]
    )


@pytest.mark.parametrize("cancelled", [True, False])
def test_a_stop_that_ends_without_a_fill_comes_again(cancelled: bool) -> None:
    d, stop = filled()
    d.ack(stop)
    d.say(stop, Ev.WORKING)
    d.say(
        stop,
        Ev.CANCELED if cancelled else Ev.REJECTED,
        reason=0 if cancelled else Reason.BROKER_MARGIN,
    )
    (row,) = told(d, Note.EXIT_REJECTED)
    why = Reason.EXCHANGE_REJECT if cancelled else Reason.BROKER_MARGIN
    assert (row["reason"], d.e.order(stop.order_slot)["reason"]) == (why, why)
    assert (d.b["n_rejects"], d.b["retry_ns"]) == (1, d.now + SECOND)
    again = next_request(d)
    assert (again.kind, again.ord_type, again.qty) == (Cmd.NEW, OrdType.SL, 10)


def test_what_trades_ends_the_pauses_of_a_halt() -> None:
    d, stop = filled()
    d.refuse(stop, Reason.MARKET_HALTED)
    d.now += SECOND
    d.e.on_frame_bytes(frame(packet(token_of(0), 10_010, volume=10)), d.now)
    d.now += MS
    d.e.on_frame_bytes(frame(packet(token_of(0), 10_015, volume=20)), d.now)
    (again,) = requests(d)
    assert (again.kind, d.b["retry_ns"]) == (Cmd.NEW, 0)
    assert d.e.instrument(0)["halted"] == -1
    d.ack(again)
    d.say(again, Ev.WORKING)
    assert d.e.instrument(0)["halted"] == 0, "the exchange has taken it"
    assert d.e.order(again.order_slot)["ord_status"] == OrdStatus.NEW


def test_a_word_about_another_order_is_no_end_of_a_halt() -> None:
    d, stop, target = oco()
    d.refuse(target, Reason.MARKET_HALTED)
    assert d.e.instrument(0)["halted"] == 1
    d.say(stop, Ev.WORKING)
    assert d.e.instrument(0)["halted"] == 1, "it stood before"
    assert d.b["target_retry_ns"] > d.now


def test_a_change_that_was_refused_and_stands_all_the_same_counts_as_refused() -> None:
    """The broker's answer and its book do not fit: the next refusal is still the second in a row."""
    d = BandDriver(
        plan={"target_kind": 0, "trail_kind": 1, "trail_value": 50.0, "trail_step_value": 5.0}
    )
    d.opened()
    moved = []
    for px in (10_010, 10_020, 10_030, 10_040):
        d.price(px, after=SECOND)
        moved += requests(d)
        if moved:
            break
    (cmd,) = moved
    d.refuse(cmd, Reason.BROKER_ORDER)
    assert d.b["n_rejects"] == 1
    d.say(cmd, Ev.WORKING)
    assert d.e.order(cmd.order_slot)["trigger_e4"] == cmd.trigger_e4, "the book has it"
    assert d.b["n_rejects"] == 1
    d.say(cmd, Ev.WORKING)
    assert d.b["n_rejects"] == 1


def test_an_entry_that_is_refused_for_its_range_doubts_the_band() -> None:
    d = BandDriver(plan={"target_kind": 0})
    d.quote(1_000_000, lo=900_000, hi=1_100_000)
    entry = d.enter()
    d.ack(entry)
    assert not d.wanted
    d.say(entry, Ev.REJECTED, reason=Reason.PRICE_RANGE)
    assert d.wanted, "the broker is asked what its band is"


def test_a_target_has_refusals_of_its_own() -> None:
    """One of the target's in between: what was refused of the stop is still what was refused."""
    d = BandDriver(
        plan={"exit_mode": 1, "trail_kind": 1, "trail_value": 50.0, "trail_step_value": 5.0}
    )
    entry = d.enter()
    d.ack(entry)
    d.say(entry, Ev.FILL_FULL, 10, 1_000_000)
    d.stands(d.take())
    target = d.take()
    moved = []
    for px in (10_010, 10_020, 10_030, 10_040):
        d.price(px, after=100 * MS)
        moved += requests(d)
        if moved:
            break
    (cmd,) = moved
    d.refuse(cmd, Reason.BROKER_ORDER)
    d.refuse(target, Reason.BROKER_ORDER)
    assert (d.b["n_rejects"], d.b["n_target_rejects"]) == (1, 1)
    d.say(cmd, Ev.WORKING)
    assert (d.b["n_rejects"], d.b["n_target_rejects"]) == (1, 1)
