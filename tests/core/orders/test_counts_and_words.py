"""What the core counts, and what it says of it: each number by hand."""

from __future__ import annotations

from typing import Any

import pytest

from otrade._core.types import (
    BracketState,
    Cmd,
    Ev,
    Halt,
    Lane,
    Note,
    OrdType,
    Reason,
    Severity,
    Side,
    Worth,
)
from tests.core.orders.test_brackets import EngineDriver, T
from tests.harness.core_engine import (
    HOUR,
    MS,
    OPEN_NS,
    SECOND,
    frame,
    order_report,
    packet,
    token_of,
)


def test_a_signal_is_counted_and_told_once() -> None:
    d = EngineDriver()
    d.enter()
    (signal,) = d.e.take_signals()
    assert (signal["taken"], signal["reason"], signal["side"]) == (1, Reason.OK, Side.BUY)
    assert d.e.counters()["signals"] == 1
    strategy = d.e.strategy(0)
    assert (strategy["n_signals"], strategy["n_taken"], strategy["n_open"]) == (1, 1, 1)


def test_a_refused_signal_is_counted_as_refused() -> None:
    d = EngineDriver(max_order_qty=9)
    d.price(9_990).price(10_005)
    d.quiet()
    (signal,) = d.e.take_signals()
    assert (signal["taken"], signal["reason"]) == (0, Reason.MAX_QTY)
    assert (d.e.strategy(0)["n_signals"], d.e.strategy(0)["n_taken"]) == (1, 0)
    assert d.e.risk()["n_denied"] == 1


def test_an_entry_that_the_rate_refuses_is_counted_by_both() -> None:
    d = EngineDriver()
    d.e.set_budget(per_second=5, reserve_second=5, modifies_per_order=24)
    d.price(9_990).price(10_005)
    d.quiet()
    (signal,) = d.e.take_signals()
    assert (signal["taken"], signal["reason"]) == (0, Reason.RATE_SECOND)
    assert (d.e.risk()["n_denied"], d.e.budget()["n_denied"]) == (1, 1)


def test_every_request_that_the_budget_denies_is_counted() -> None:
    d = EngineDriver()
    d.e.set_budget(per_second=1, modifies_per_order=24)
    entry = d.enter()
    before = d.e.budget()["n_denied"]
    d.ack(entry)
    d.say(entry, Ev.FILL_FULL, 10, 1_000_000)  # its stop finds no budget
    d.quiet()
    assert d.e.budget()["n_denied"] == before + 1
    d.wait(SECOND)
    stop = d.take()
    assert (stop.lane, stop.qty) == (Lane.PROTECT, 10)
    d.ack(stop)
    d.say(stop, Ev.WORKING)
    denied = d.e.budget()["n_denied"]
    d.e.on_flatten(0, d.now + MS)  # a change: none is left in this second
    d.quiet()
    assert d.e.budget()["n_denied"] == denied + 1
    assert d.b["state"] == BracketState.EXITING


def test_a_denied_cancel_is_counted() -> None:
    d = EngineDriver()
    d.e.set_budget(per_second=1, modifies_per_order=24)
    entry = d.enter()
    d.ack(entry)
    d.say(entry, Ev.WORKING)
    denied = d.e.budget()["n_denied"]
    d.e.on_halt(Halt.REDUCING, 0, d.now + MS)
    d.quiet()
    assert d.e.budget()["n_denied"] == denied + 1
    d.wait(SECOND)
    assert d.take().kind == Cmd.CANCEL


def test_the_day_of_placements_is_for_stops_too() -> None:
    """A limit of the broker's: what is above it would be refused, whoever asks."""
    d = EngineDriver()
    d.e.set_budget(per_day=1, modifies_per_order=24)
    entry = d.enter()
    d.ack(entry)
    d.say(entry, Ev.FILL_FULL, 10, 1_000_000)
    d.quiet()
    assert d.e.budget()["day_used"] == 1 and d.b["naked_since_ns"] > 0


def test_doubts_and_repetitions_are_counted() -> None:
    d = EngineDriver()
    entry = d.enter()
    d.lose(entry)
    assert d.e.counters()["timeouts"] == 1
    d.say(entry, Ev.FILL_PART, 1, 1_000_000)
    assert d.e.counters()["duplicate_reports"] == 0
    d.say(entry, Ev.FILL_PART, 1, 1_000_000)
    assert d.e.counters()["duplicate_reports"] == 1
    assert d.e.counters()["reports"] == 2
    assert (d.b["entry_qty"], d.b["entry_value_e4"]) == (1, 1_000_000)


def test_a_tripped_limit_is_told_before_the_halt_that_it_makes() -> None:
    d = EngineDriver(max_daily_loss_e4=100_000)
    d.opened()
    d.e.take_notices()
    d.price(9_890)  # ten bought at 100: eleven rupees lost, and five paise more since the best
    rows = d.e.take_notices()
    limit, halt = rows[:2]
    assert [row["note"] for row in rows[:2]] == [Note.LIMIT_TRIPPED, Note.HALT_CHANGED]
    assert limit["severity"] == halt["severity"] == Severity.ALARM
    assert (limit["reason"], limit["net_e4"]) == (Reason.DAILY_LOSS, -110_000)
    assert limit["drawdown_e4"] == d.e.risk()["peak_e4"] + 110_000
    assert (halt["halt"], halt["halt_reason"]) == (Halt.REDUCING, Reason.DAILY_LOSS)


def test_notices_that_nobody_takes_are_dropped_the_oldest_first() -> None:
    d = EngineDriver()
    d.e.take_notices()
    n = 0
    while not d.e.counters()["notices_dropped"]:
        d.e.on_quarantine(0, n % 2 == 0, d.now)
        n += 1
        assert n < 100_000
    d.e.on_quarantine(0, n % 2 == 0, d.now)
    rows = d.e.take_notices()
    assert d.e.counters()["notices_dropped"] == 2
    assert len(rows) == n - 1
    numbers = [row["seq"] for row in rows]
    assert numbers == list(range(numbers[0], numbers[0] + len(rows)))
    assert rows[-1]["reason"] == (Reason.QUARANTINED if n % 2 == 0 else Reason.OK)
    assert d.e.take_notices() == []


def test_a_reversal_is_entered_at_its_signals_price() -> None:
    d = EngineDriver(plan={"on_opposite": 2, "target_kind": 0})
    stop = d.opened()
    d.price(9_995)  # down through the level: out, and short
    out = d.take()
    d.ack(out)
    d.say(out, Ev.FILL_FULL, 10, 999_500)
    assert d.e.bracket(0)["state"] == BracketState.CLOSED
    short = d.take()
    assert (stop.order_slot, short.side, short.qty) == (out.order_slot, Side.SELL, 10)
    assert d.e.bracket(1)["signal_px_e4"] == 999_500


@pytest.mark.parametrize(("stop", "sent"), [(100.0, True), (100.05, False), (100.10, False)])
def test_a_stop_is_nearer_than_nothing(stop: float, sent: bool) -> None:
    """The last price is 100.05: a stop as far away as that would stand at 0."""
    d = EngineDriver(plan={"stop_value": stop, "target_kind": 0})
    d.price(9_990).price(10_005)
    assert (d.e.take_command() is not None) == sent


def test_an_unfilled_entry_is_taken_out_at_square_off() -> None:
    d = EngineDriver(plan={"entry_timeout_ns": 0})
    entry = d.enter()
    d.ack(entry)
    d.say(entry, Ev.WORKING)
    d.quiet()
    d.e.set_session(
        0, open_ns=OPEN_NS, entry_from_ns=OPEN_NS, entry_until_ns=d.now + SECOND,
        square_off_ns=d.now + 10 * SECOND, close_ns=OPEN_NS + 920 * HOUR,
    )  # fmt: skip
    d.wait(10 * SECOND - 1)
    d.quiet()
    d.wait(1)
    assert (cancel := d.take()).kind == Cmd.CANCEL and cancel.order_slot == entry.order_slot


def test_an_over_exit_that_no_limit_undoes_is_undone_at_the_market() -> None:
    d = EngineDriver(plan={"exit_mode": 1})
    stop = d.opened_oco(refused=False)
    target = d.e.order(d.b["target_slot"])
    d.e.on_report(
        order_report(
            cl_ord_id=target["cl_ord_id"], broker_order_id="", ev=Ev.FILL_FULL, source=1, order_qty=10, cum_qty=10,
            cum_value_e4=10_400_000, price_e4=1_040_000, ord_type=OrdType.LIMIT,
            ts_update_ns=d.now + MS, ts_recv_ns=d.now + MS,
        )
    )  # fmt: skip
    d.take()
    d.say(stop, Ev.FILL_FULL, 10, 979_500, triggered=True)
    fix = d.take()
    assert (fix.side, fix.qty, fix.ord_type) == (Side.BUY, 10, OrdType.LIMIT)
    d.refuse(fix)
    d.wait(5 * SECOND)
    fix = d.take()
    assert (fix.kind, fix.side, fix.qty, fix.ord_type) == (Cmd.NEW, Side.BUY, 10, OrdType.MARKET)
    assert fix.price_e4 == 0


@pytest.mark.parametrize(
    ("side", "last", "worth_e4"),
    [
        # Bought by a limit of 100.15 (5 bps through 100.05, outwards): never worse than that
        (Side.BUY, 10_100, 1_001_500),
        (Side.BUY, 10_010, 1_001_000),
        # Sold by a limit of 99.85 or so: see the order
        (Side.SELL, 9_900, 0),
        (Side.SELL, 9_990, 999_000),
    ],
)
def test_what_a_fill_without_a_price_is_booked_at(side: int, last: int, worth_e4: int) -> None:
    d = EngineDriver()
    entry = d.enter(Side(side))
    d.ack(entry)
    d.price(last)
    d.say(entry, Ev.FILL_FULL, 10, value=0, worth=Worth.UNKNOWN)
    assert d.b["entry_value_e4"] == 10 * (worth_e4 or entry.price_e4)
    assert d.e.risk()["n_unvalued"] == d.b["n_unvalued"] == 1


def test_a_single_unit_has_a_price_too() -> None:
    """Bought 1 at 100: marked at it, its levels from it, its exit priced by it."""
    d = EngineDriver(plan={"size_value": 1.0})
    entry = d.enter()
    assert entry.qty == 1
    d.ack(entry)
    d.say(entry, Ev.FILL_FULL, 1, 1_000_000)
    assert d.e.position(0)["mark_e4"] == 1_000_000
    assert (d.b["stop_e4"], d.b["target_e4"], d.b["best_e4"]) == (980_000, 1_040_000, 1_000_000)
    stop = d.take()
    assert (stop.qty, stop.trigger_e4) == (1, 980_000)


def test_what_trades_have_told_is_not_called_rounded_again() -> None:
    d = EngineDriver()
    entry = d.enter()
    d.ack(entry)
    d.say(entry, Ev.FILL_FULL, 10, 1_000_000)
    assert d.e.on_traded(f"N{entry.order_slot}", 10, 10_000_300, d.now) == Reason.OK
    d.say(entry, Ev.FILL_FULL, 10, 1_000_000)
    order = d.e.order(0)
    assert (order["worth"], order["cum_value_e4"]) == (Worth.EXACT, 10_000_300)
    assert d.e.risk()["n_rounded"] == 0


def test_a_doubt_about_a_change_outlives_a_report_that_says_nothing_of_it() -> None:
    d = EngineDriver()
    stop = d.opened()
    d.e.on_flatten(0, d.now + MS)
    change = d.take()
    d.lose(change)
    assert d.e.order(stop.order_slot)["in_doubt"] == 1
    d.say(stop, Ev.WORKING)
    assert d.e.order(stop.order_slot)["in_doubt"] == 1 and d.e.risk()["n_in_doubt"] == 1
    d.say(change, Ev.WORKING)
    assert d.e.order(stop.order_slot)["in_doubt"] == d.e.risk()["n_in_doubt"] == 0


def test_an_answer_that_comes_after_all_ends_the_doubt() -> None:
    d = EngineDriver()
    d.opened()
    d.e.on_flatten(0, d.now + MS)
    change = d.take()
    d.lose(change)
    d.ack(change)
    assert d.e.order(change.order_slot)["in_doubt"] == d.e.risk()["n_in_doubt"] == 0


@pytest.mark.parametrize(
    ("side", "limit_e4"), [(Side.BUY, 1_000_500), (Side.SELL, 999_500)], ids=["buy", "sell"]
)
def test_a_limit_is_kept_inside_a_band_that_is_no_multiple_of_the_tick(
    side: Side, limit_e4: int
) -> None:
    """5 bps through 100.05 is 100.15, above a band to 100.08; through 99.95 it is 99.90, below one
    from 99.92.
    """
    d = EngineDriver()
    lo, hi = (900_000, 1_000_800) if side == Side.BUY else (999_200, 1_100_000)
    d.e.on_quote(0, d.now, d.now, ltp_e4=1_000_000, band_lo_e4=lo, band_hi_e4=hi)
    assert d.enter(side).price_e4 == limit_e4


def test_the_one_that_the_reserve_leaves_is_not_for_a_second_entry() -> None:
    """The first still rests, a minute later: its stop is owed."""
    d = EngineDriver(instruments=2, plan={"entry_timeout_ns": 0})
    d.e.set_budget(per_minute=3, reserve_minute=2, modifies_per_order=24)
    entry = d.enter()
    d.ack(entry)
    d.say(entry, Ev.WORKING)
    d.e.take_signals()
    d.wait(61 * SECOND)
    other = token_of(1)
    for paise in (9_990, 10_005):
        d.now += MS
        d.e.on_frame_bytes(frame(packet(other, paise)), d.now)
    (signal,) = d.e.take_signals()
    assert signal["reason"] == Reason.RATE_MINUTE


@pytest.mark.parametrize(
    ("is_bare", "reason"), [(True, Reason.RATE_MINUTE), (False, Reason.OK)], ids=["bare", "covered"]
)
def test_an_entry_leaves_room_for_the_stop_of_what_is_open_without_one(
    is_bare: bool, reason: Reason
) -> None:
    """Two requests are used, and another entry wants two of four: there is room for it only where the
    first position's stop stands.
    """
    d = EngineDriver(instruments=2)
    entry = d.enter()
    d.ack(entry)
    d.say(entry, Ev.FILL_FULL, 10, 1_000_000)
    stop = d.take()
    d.ack(stop)
    d.say(stop, Ev.REJECTED if is_bare else Ev.WORKING)
    d.e.set_budget(per_minute=6, reserve_minute=2, modifies_per_order=24)
    d.e.take_signals()
    for paise in (9_990, 10_005):
        d.now += MS
        d.e.on_frame_bytes(frame(packet(token_of(1), paise)), d.now)
    (signal,) = d.e.take_signals()
    assert signal["reason"] == reason


def test_more_out_than_was_in_is_covered_by_no_stop_and_counts_as_naked() -> None:
    """Target and stop both trade, and the rate leaves no room to cancel the stop."""
    d = EngineDriver(plan={"exit_mode": 1})
    entry = d.enter()
    d.ack(entry)
    d.say(entry, Ev.FILL_FULL, 10, 1_000_000)
    stop = d.take()
    d.ack(stop)
    d.say(stop, Ev.WORKING)
    target = d.take()
    d.ack(target)
    d.say(target, Ev.WORKING)
    d.e.set_budget(per_second=3, modifies_per_order=24)
    d.say(target, Ev.FILL_FULL, 10, 1_040_000)
    d.quiet()
    d.say(stop, Ev.FILL_PART, 3, 980_000)
    assert (d.b["open_qty"], d.e.order(stop.order_slot)["pending"]) == (-3, 0)
    assert d.b["protected_qty"] == 0 and d.b["naked_since_ns"] == d.now


def test_the_best_price_since_the_entry_outlives_its_second_fill() -> None:
    d = EngineDriver()
    entry = d.enter()
    d.ack(entry)
    d.say(entry, Ev.FILL_PART, 5, 1_000_000)
    d.price(10_100)
    d.say(entry, Ev.FILL_FULL, 10, 1_000_000)
    assert d.b["best_e4"] == 1_010_000


def test_a_book_that_lacks_an_order_that_has_ended_says_nothing() -> None:
    d = EngineDriver()
    entry = d.enter()
    d.ack(entry)
    d.say(entry, Ev.FILL_FULL, 10, 1_000_000)
    status = d.e.order(0)["ord_status"]
    d.e.take_notices()
    assert d.e.on_missing(f"N{entry.order_slot}", True, d.now) == Reason.OK
    assert d.e.order(0)["ord_status"] == status
    assert not told(d, Note.UNKNOWN_STATUS) and d.e.on_missing("X", True, d.now) != Reason.OK


def test_signals_that_nobody_takes_make_room_the_oldest_first() -> None:
    d = EngineDriver(max_order_qty=9)
    for _ in range(6_000):
        d.price(9_990).price(10_005)
        d.e.take_notices()
    rows = d.e.take_signals()
    times = [row["ts_ns"] for row in rows]
    assert 0 < len(rows) < d.e.counters()["signals"] == d.e.strategy(0)["n_signals"]
    assert all(a < b for a, b in zip(times, times[1:], strict=False)) and times[-1] == d.now
    assert d.e.take_signals() == []


def told(d: EngineDriver, note: Note) -> list[dict[str, Any]]:
    return [row for row in d.e.take_notices() if row["note"] == note]


def test_climbing_without_a_price_asks_for_a_quote() -> None:
    d = EngineDriver()
    stop = d.opened()
    d.e.on_flatten(0, d.now + MS)
    flat = d.take()
    assert flat.order_slot == stop.order_slot
    d.ack(flat)
    d.say(flat, Ev.WORKING)
    d.e.take_notices()
    for _ in range(60):
        d.wait(SECOND)
        while (cmd := d.e.take_command()) is not None:
            if cmd.kind != Cmd.LOOK:
                d.ack(cmd)
                d.say(cmd, Ev.WORKING)
    assert d.e.instrument(0)["quote_wanted"] == 1
    assert d.e.market(0)["ltp_e4"] == 1_000_500
    d.e.on_frame_bytes(frame(packet(T, 10_000)), d.now)
    assert told(d, Note.EXIT_CHASED)


def test_changes_and_cancels_cost_no_placement() -> None:
    """The day's limit is one of placements."""
    d = EngineDriver()
    d.e.set_budget(per_day=1, modifies_per_order=24)
    entry = d.enter()
    d.ack(entry)
    d.say(entry, Ev.WORKING)
    d.e.on_halt(Halt.REDUCING, 0, d.now + MS)
    assert d.take().kind == Cmd.CANCEL
    d = EngineDriver()
    d.e.set_budget(per_day=2, modifies_per_order=24)
    stop = d.opened()
    d.e.on_flatten(0, d.now + MS)
    out = d.take()
    assert (out.kind, out.order_slot, d.e.budget()["day_used"]) == (Cmd.REPLACE, stop.order_slot, 2)


def closed_after(requests: int, **budget: int) -> EngineDriver:
    """Flat again, with two requests made (entry and stop), or three (and a change of the stop)."""
    d = EngineDriver(plan={"target_kind": 0}, params={"side_mask": 1})
    d.e.set_budget(modifies_per_order=24, **budget)
    last = d.opened()
    if requests == 3:
        d.e.on_flatten(0, d.now + MS)
        last = d.take()
        d.ack(last)
    d.say(last, Ev.FILL_FULL, 10, 1_000_000, triggered=requests == 2)
    assert d.e.n_live == 0
    d.e.take_signals()
    d.price(9_990).price(10_005)
    return d


@pytest.mark.parametrize(
    ("requests", "budget", "reason"),
    [
        # Four of a window are an entry's; it needs two of them, its stop being one
        (2, {"per_minute": 10, "reserve_minute": 6}, Reason.OK),
        (3, {"per_minute": 10, "reserve_minute": 6}, Reason.RATE_MINUTE),
        (2, {"per_half_hour": 10, "reserve_half_hour": 6}, Reason.OK),
        (3, {"per_half_hour": 10, "reserve_half_hour": 6}, Reason.RATE_HALF_HOUR),
        (2, {"per_day": 6, "reserve_day": 2}, Reason.OK),
        (3, {"per_day": 6, "reserve_day": 2}, Reason.OK),  # a change is no placement
        (2, {"per_day": 5, "reserve_day": 2}, Reason.RATE_DAY),
    ],
)
def test_an_entry_needs_room_for_its_stop(
    requests: int, budget: dict[str, int], reason: Reason
) -> None:
    d = closed_after(requests, **budget)
    (signal,) = [s for s in d.e.take_signals() if s["side"] == Side.BUY]
    assert signal["reason"] == reason


def test_requests_of_a_lost_journal_count_for_half_an_hour() -> None:
    """At least so many: what is in the window already is not counted twice."""
    d = closed_after(2)
    assert d.e.budget()["half_hour_used"] == 3, "an entry and its stop, and the entry that followed"
    for half_hour_used, counted in ((2, 3), (9, 9), (4, 9)):
        d.e.set_budget(modifies_per_order=24, half_hour_used=half_hour_used)
        assert d.e.budget()["half_hour_used"] == counted
    used = []
    for minutes in (0, 29, 1, 1):
        d.now += minutes * 60_000 * MS
        d.price(10_000)
        used.append(d.e.budget()["half_hour_used"])
    assert used == [9, 9, 9, 0]


def test_where_the_reserve_leaves_one_a_lone_entry_may_go() -> None:
    for window in ("day", "minute", "half_hour"):
        d = EngineDriver()
        d.e.set_budget(**{f"per_{window}": 3, f"reserve_{window}": 2, "modifies_per_order": 24})
        assert d.enter().lane == Lane.ENTRY, window


def test_when_a_request_was_made_and_answered() -> None:
    d = EngineDriver()
    entry = d.enter()
    asked = d.now
    d.now += MS
    d.e.on_sent(entry.seq, d.now)
    sent = d.now
    d.now += MS
    d.e.on_answer(entry.seq, Ev.ACK, broker_order_id="N0", ts_ns=d.now)
    answered = d.now
    d.say(entry, Ev.WORKING)
    order = d.e.order(0)
    assert [order[f"ts_{name}_ns"] for name in ("intent", "sent", "ack", "report")] == [
        asked, sent, answered, d.now,
    ]  # fmt: skip
    assert (order["ts_update_ns"], order["ts_known_ns"]) == (d.now, answered)


def test_a_late_fill_takes_its_bracket_back_among_the_live() -> None:
    d = EngineDriver()
    entry = d.enter()
    d.ack(entry)
    d.say(entry, Ev.CANCELED)
    assert (d.e.n_live, d.b["state"]) == (0, BracketState.CLOSED)
    d.say(entry, Ev.FILL_PART, 3, 1_000_000)
    assert d.e.live_brackets() == [0] and d.e.strategy(0)["n_open"] == 1
    assert (d.b["state"], d.b["open_qty"]) == (BracketState.EXITING, 3)
    out = d.take()
    assert (out.side, out.qty, out.ord_type) == (Side.SELL, 3, OrdType.LIMIT)
    assert d.e.risk()["open_positions"] == 1


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, False),
        ({"trigger_e4": 500}, False),  # a limit order has none: what stands there is nothing
        ({"price_e4": 1_001_000}, True),
        ({"qty": 9}, True),
    ],
)
def test_terms_that_nobody_asked_for_are_said(changed: dict[str, int], said: bool) -> None:
    d = EngineDriver()
    entry = d.enter()
    d.ack(entry)
    d.say(entry, Ev.WORKING)
    d.e.take_notices()
    d.say(entry, Ev.WORKING, **changed)
    assert bool(told(d, Note.READ_BACK)) == said
    order = d.e.order(0)
    assert order["order_qty"] == changed.get("qty", 10)
    assert order["price_e4"] == changed.get("price_e4", entry.price_e4)
