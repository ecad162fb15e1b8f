"""Prices of the way out, by a pencil: the ladder's steps, the range that refuses them, the quote
that changes them. Prices in e4 rupees unless they are paise; the tick is five paise.
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
    Severity,
    Side,
)
from tests.core.orders.test_bands import HI, LO, BandDriver
from tests.core.orders.test_counts_and_words import told
from tests.core.orders.test_refusals import fill_of_unknown_price, requests
from tests.harness.core_engine import MS, SECOND, frame, order_report, packet, token_of

TICK = 500
SIDES = pytest.mark.parametrize("side", [Side.BUY, Side.SELL], ids=["long", "short"])
AT_TOUCH: dict[str, Any] = {
    "ladder_start_bps": 0.0,
    "ladder_step_bps": 0.0,
    "ladder_interval_ns": 500 * SECOND,
    "target_kind": 0,
}
"""A ladder that asks for the touch itself, and goes on asking."""


def leaving(side: int, paise: int = 10_000, **plan: Any) -> BandDriver:
    """Ten units, and a way out asked for at that touch. No band is known."""
    d = BandDriver(plan={**AT_TOUCH, **plan})
    d.e.set_band(0, 0, 0)
    d.opened(side)
    d.price(paise)
    d.flatten()
    return d


def refused_here(d: BandDriver) -> int:
    """What is asked for is refused for its range: the price of the next try."""
    while (cmd := d.take()).kind == Cmd.LOOK:
        pass
    d.refuse(cmd, Reason.PRICE_RANGE)
    assert d.b["refused_px_e4"] == cmd.price_e4
    return int(d.b["flat_px_e4"])


def back_from(refused: int, side: int, n: int) -> int:
    """A quarter of a percent behind what was refused, twice as far with each refusal in a row; to
    the tick, away from it.
    """
    away = refused * 2 ** (n - 1)
    if side == Side.BUY:  # what is sold dearer
        return -(-(refused * 400 + away) // (400 * TICK)) * TICK
    return (refused * 400 - away) // (400 * TICK) * TICK


@SIDES
def test_behind_a_touch_that_is_refused_each_step_is_twice_as_far(side: int) -> None:
    d = leaving(side)
    refused = 1_000_000
    for n in range(1, 7):
        after = refused_here(d)
        assert after == back_from(refused, side, n), n
        assert d.b["n_px_refused"] == n
        refused = after
        d.wait(SECOND)
    cmd = d.take()
    d.refuse(cmd, Reason.PRICE_RANGE)
    assert (d.b["flat_px_e4"], d.b["refused_px_e4"]) == (1_000_000, 0), "from the touch again"


def test_what_is_bought_back_is_never_for_less_than_a_tick() -> None:
    d = BandDriver(plan={**AT_TOUCH, "stop_value": 0.1}, params={"level": 0.35})
    d.e.set_band(0, 0, 0)
    d.price(40).price(30)
    entry = d.take()
    d.ack(entry)
    d.say(entry, Ev.FILL_FULL, 10, 3_000)
    stop = d.take()
    d.ack(stop)
    d.say(stop, Ev.WORKING)
    d.price(15)
    d.flatten()
    prices = []
    for _ in range(4):
        prices.append(refused_here(d))
        d.wait(SECOND)
    assert prices == [1_000, 500, 500, 500], "a tick below 15 paise, and so on"


@SIDES
def test_half_way_to_the_touch_where_the_ladder_was_refused(side: int) -> None:
    """Ten rupees (1 %) through a touch of 100 are refused: half-way is 99.50, or 100.50."""
    d = leaving(side, ladder_start_bps=100.0)
    assert refused_here(d) == 1_000_000 - side * 5_000
    assert d.b["flat_type"] == OrdType.LIMIT
    d.wait(SECOND)
    assert refused_here(d) == 1_000_000 - side * 2_500
    d.wait(SECOND)
    assert refused_here(d) == 1_000_000 - side * 1_000, (
        "1,250 to the tick that is nearer the market"
    )
    d.wait(SECOND)
    assert refused_here(d) == 1_000_000 - side * 500
    d.wait(SECOND)
    assert refused_here(d) == 1_000_000, "250 are half a tick: the touch itself"
    d.wait(SECOND)
    assert refused_here(d) == back_from(1_000_000, side, 6)


@SIDES
def test_a_price_nearer_than_the_refused_one_is_asked_as_it_is(side: int) -> None:
    d = leaving(side, ladder_interval_ns=5 * SECOND)
    refused_here(d)
    d.now += 5 * SECOND
    d.price(10_000 + side * 100)
    d.wait(MS)
    assert d.b["flat_px_e4"] == 1_000_000 + side * 10_000
    d.now += 5 * SECOND
    d.price(10_000 - side * 100)
    d.wait(MS)
    assert d.b["flat_px_e4"] == back_from(1_000_000, side, 1), "one beyond it is not"
    d.now += 5 * SECOND
    d.price(10_000)
    d.wait(MS)
    assert d.b["flat_px_e4"] == back_from(1_000_000, side, 1), "nor the same"


@SIDES
def test_half_way_to_the_limit_that_stands(side: int) -> None:
    """An exit stands at 102 (98); the market goes to 100, and that is refused: 101 (99)."""
    d = leaving(side, 10_000 + side * 200, ladder_interval_ns=5 * SECOND)
    out = d.take()
    d.stands(out)
    assert out.price_e4 == 1_000_000 + side * 20_000
    d.now += 5 * SECOND
    d.price(10_000)
    d.wait(MS)
    assert refused_here(d) == 1_000_000 + side * 10_000


@SIDES
def test_half_way_to_the_limit_of_a_stop_that_was_triggered(side: int) -> None:
    """The stop's limit is 97.80 (102.25, as 20 bps beyond 102 are); price has gone to 97 (103)."""
    d = BandDriver(plan=AT_TOUCH)
    d.e.set_band(0, 0, 0)
    stop = d.opened(side)
    limit = stop.price_e4
    assert limit == (978_000 if side == Side.BUY else 1_022_500)
    d.price(9_700 if side == Side.BUY else 10_300)
    d.quote(0)
    d.say(stop, Ev.WORKING, triggered=True)
    touch = 1_000_000 - side * 30_000
    assert refused_here(d) == (974_000 if side == Side.BUY else 1_026_000), (limit + touch) / 2


@SIDES
def test_the_limit_of_a_stop_that_still_waits_is_no_price_that_stands(side: int) -> None:
    d = BandDriver(plan=AT_TOUCH)
    d.e.set_band(0, 0, 0)
    d.opened(side)
    d.price(9_700 if side == Side.BUY else 10_300)
    d.flatten()
    touch = 1_000_000 - side * 30_000
    assert refused_here(d) == back_from(touch, side, 1)


@pytest.mark.parametrize(
    ("ns", "remembered"), [(30 * SECOND, True), (30 * SECOND + 1, False)], ids=["30 s", "later"]
)
def test_a_refused_price_is_remembered_for_thirty_seconds(ns: int, remembered: bool) -> None:
    d = leaving(Side.BUY, ladder_interval_ns=ns)
    refused_here(d)
    at = d.now
    d.now = at + ns - MS
    d.price(10_000, after=0)
    d.now = at + ns
    d.wait(0)
    if remembered:
        assert d.b["flat_px_e4"] == back_from(1_000_000, Side.BUY, 1)
        assert d.b["refused_px_e4"] == 1_000_000
    else:
        assert (d.b["flat_px_e4"], d.b["refused_px_e4"]) == (1_000_000, 0)


@pytest.mark.parametrize(("ns", "n"), [(60 * SECOND, 2), (60 * SECOND + 1, 1)])
def test_a_refusal_a_minute_after_the_last_is_the_first_again(ns: int, n: int) -> None:
    d = leaving(Side.BUY)
    refused_here(d)
    at = d.now
    d.wait(SECOND)
    while (cmd := d.take()).kind == Cmd.LOOK:
        pass
    d.e.on_sent(cmd.seq, d.now)
    d.now = at + ns - MS
    d.refuse(cmd, Reason.PRICE_RANGE)
    assert d.now == at + ns
    assert d.b["n_px_refused"] == n


def test_a_range_that_refuses_a_stop_is_doubted_and_moves_no_way_out() -> None:
    d = BandDriver()
    d.e.on_quote(0, d.now, d.now, ltp_e4=1_000_000, band_lo_e4=LO, band_hi_e4=HI)
    entry = d.enter()
    d.ack(entry)
    d.say(entry, Ev.FILL_FULL, 10, 1_000_000)
    d.refuse(d.take(), Reason.PRICE_RANGE)
    inst = d.e.instrument(0)
    assert (inst["quote_wanted"], inst["band_doubted"]) == (1, 1)
    assert (d.b["state"], d.b["flat_px_e4"], d.b["n_px_refused"]) == (BracketState.OPEN, 0, 0)


# ------------------------------------------------------------------------------------------------------------------------
# the touch
def spread(d: BandDriver, ltp: int, bid: int, ask: int, after: int = MS) -> None:
    d.now += after
    d.e.on_frame_bytes(frame(packet(token_of(0), ltp, bid=bid, ask=ask)), d.now)


@pytest.mark.parametrize("told_by", ["feed", "broker"])
@pytest.mark.parametrize(
    ("side", "ltp", "bid", "ask", "touch"),
    [
        (Side.BUY, 10_000, 9_990, 10_020, 9_990),  # what is sold, is sold at the bid
        (Side.BUY, 9_985, 9_990, 10_020, 9_985),  # a quote behind the last price is older than it
        (Side.BUY, 10_000, 0, 10_020, 10_000),  # nobody bids
        (Side.SELL, 10_000, 9_990, 10_020, 10_020),
        (Side.SELL, 10_025, 9_990, 10_020, 10_025),
        (Side.SELL, 10_000, 9_990, 0, 10_000),
    ],
)
def test_the_touch_is_the_worse_of_the_far_side_and_the_last_price(
    side: int, ltp: int, bid: int, ask: int, touch: int, told_by: str
) -> None:
    d = BandDriver(plan=AT_TOUCH)
    d.e.set_band(0, 0, 0)
    d.opened(side)
    if told_by == "feed":
        spread(d, ltp, bid, ask)
    else:
        d.quote(ltp * 100, bid * 100, ask * 100)
    d.flatten()
    assert (d.b["flat_px_e4"], d.b["flat_type"]) == (touch * 100, OrdType.LIMIT)
    out = d.take()
    assert (out.kind, out.price_e4, out.qty) == (Cmd.REPLACE, touch * 100, 10)


@pytest.mark.parametrize(("age", "touch"), [(0, 995_000), (MS, 1_000_500), (2 * MS, 1_000_500)])
def test_the_newer_of_feed_and_broker_is_the_touch(age: int, touch: int) -> None:
    """A quote is as old as its question. The feed's price came a millisecond before it."""
    d = BandDriver(plan=AT_TOUCH)
    d.e.set_band(0, 0, 0)
    d.opened(Side.BUY)
    d.price(10_005)
    d.quote(995_000, 995_000, 996_000, age=age)
    d.flatten()
    assert d.b["flat_px_e4"] == touch


@SIDES
def test_where_no_price_was_ever_told_it_is_what_the_entry_has_cost(side: int) -> None:
    d = adopted(side, filled_at=1_000_000)
    d.flatten()
    assert (d.b["flat_px_e4"], d.b["flat_type"]) == (1_000_000, OrdType.LIMIT)


def adopted(side: int, filled_at: int, qty: int = 10) -> BandDriver:
    """A bracket of an earlier run, before any price was heard."""
    d = BandDriver(plan=AT_TOUCH)
    d.e.set_band(0, 0, 0)
    d.e.adopt_bracket(0, side, qty, 20_000, d.now)
    terms = dict(order_qty=qty, price_e4=0, trigger_e4=0, ord_type=OrdType.MARKET, side=side)
    own = "OT000009000AE000000"
    d.e.adopt_order(
        0, Leg.ENTRY, 0, OrdStatus.PENDING_NEW, cl_ord_id=own, broker_order_id="E1", ts_ns=d.now, **terms
    )  # fmt: skip
    d.e.on_report(
        order_report(
            cl_ord_id=own, broker_order_id="E1", ev=Ev.FILL_FULL, source=2, cum_qty=qty,
            cum_value_e4=qty * filled_at, ts_recv_ns=d.now, **terms,
        )
    )  # fmt: skip
    return d


@pytest.mark.parametrize("qty", [1, 10])
def test_one_unit_has_cost_something_too(qty: int) -> None:
    d = adopted(Side.BUY, 1_000_000, qty)
    d.flatten()
    assert d.b["flat_px_e4"] == 1_000_000


# ------------------------------------------------------------------------------------------------------------------------
# the ladder
@SIDES
def test_each_interval_one_step_deeper_until_the_last(side: int) -> None:
    """Ten basis points of 100 are ten paise, and ten more with each step, of which there are two."""
    d = leaving(
        side, ladder_start_bps=10.0, ladder_step_bps=10.0, ladder_interval_ns=2 * SECOND, ladder_max_steps=2
    )  # fmt: skip
    prices = []
    for step in range(4):
        out = d.take()
        prices.append((1_000_000 - out.price_e4) * side)
        assert d.b["ladder_step"] == min(step, 2) and d.b["ladder_next_ns"] == d.now + 2 * SECOND
        rows = told(d, Note.EXIT_CHASED)
        if step:
            (row,) = rows
            assert (row["severity"], row["reason"]) == (
                Severity.ALARM if step >= 2 else Severity.WARN,
                Reason.EXIT_RESTING,
            )
            assert (row["price_e4"], row["ladder_step"]) == (out.price_e4, min(step, 2))
        at = d.b["ladder_next_ns"]
        d.stands(out)
        d.price(10_000 - side * 100 if step == 2 else 10_000, after=SECOND)
        d.now = at - 1
        d.wait(0)
        d.quiet()
        d.wait(1)
        assert d.b["flat_ts_ns"] == d.now
    last = 13_000 if side == Side.BUY else 13_500  # 30 bps of 99, of 101, to the tick beyond
    assert prices == [1_000, 2_000, 3_000, last], "the last from a touch a rupee further"


def test_a_chase_that_has_nothing_to_re_price_waits_for_the_pause_of_its_refusal() -> None:
    d = BandDriver(plan={"target_kind": 0})
    d.e.set_band(0, 0, 0)
    stop = d.opened()
    d.say(stop, Ev.CANCELED)
    d.flatten()
    for _ in range(3):  # pauses of 1, 2 and 4 seconds
        while (cmd := d.e.take_command()) is None:
            d.wait(100 * MS)
            d.price(10_000, after=0)
        d.refuse(cmd, Reason.EXCHANGE_REJECT)
    until = d.now + 4 * SECOND
    assert d.b["retry_ns"] == until
    d.e.take_notices()
    before = d.b["ladder_next_ns"]
    while d.now + 100 * MS < until:
        d.price(9_900, after=0)
        d.wait(100 * MS)
    assert d.b["ladder_next_ns"] > before and d.b["flat_px_e4"] < 990_000, "the price goes on"
    assert not told(d, Note.EXIT_CHASED), "and nothing was chased"
    d.now = until
    d.wait(0)
    assert d.take().price_e4 == d.b["flat_px_e4"]


# ------------------------------------------------------------------------------------------------------------------------
# quotes
def test_a_quote_that_is_no_news_moves_nothing() -> None:
    d = leaving(Side.BUY)
    at = d.b["flat_ts_ns"]
    d.price(10_000)
    d.quote(990_000, 990_000, 991_000, age=5 * MS)
    assert (d.b["flat_ts_ns"], d.b["flat_px_e4"]) == (at, 1_000_000)
    d.quote(990_000, 990_000, 991_000)
    assert (d.b["flat_ts_ns"], d.b["flat_px_e4"]) == (d.now, 990_000)


def test_a_quote_re_prices_what_was_refused_though_the_feed_is_newer() -> None:
    d = leaving(Side.BUY)
    refused_here(d)
    d.price(10_100)
    assert d.b["flat_px_e4"] == 1_002_500
    d.quote(990_000, 990_000, 991_000, age=5 * MS)
    assert (d.b["flat_ts_ns"], d.b["flat_px_e4"]) == (d.now, 1_010_000)


def test_another_band_re_prices_a_way_out_whoever_told_the_price_last() -> None:
    d = leaving(Side.BUY, ladder_start_bps=100.0)
    assert d.b["flat_px_e4"] == 990_000
    d.quote(0, lo=995_000, hi=1_100_000)
    assert d.b["flat_px_e4"] == 995_000


def test_a_price_told_by_the_broker_does_not_keep_the_ladder_from_climbing() -> None:
    d = leaving(Side.BUY, ladder_interval_ns=2 * SECOND)
    due = d.b["ladder_next_ns"]
    d.quote(990_000, 990_000, 991_000)
    assert d.b["ladder_next_ns"] == due
    d.quote(989_000, 989_000, 991_000, after=due - 1 - d.now)
    assert (d.b["flat_ts_ns"], d.b["ladder_next_ns"]) == (d.now, due)
    d.quote(988_000, 988_000, 991_000, after=1)
    assert d.b["ladder_next_ns"] == d.now + 2 * SECOND, "its time had come"


@pytest.mark.parametrize("cancelled", [True, False])
def test_after_a_quote_a_range_is_tried_at_once_only_by_what_stands_nowhere(
    cancelled: bool,
) -> None:
    d = BandDriver(plan=AT_TOUCH)
    d.e.set_band(0, 0, 0)
    stop = d.opened()
    if cancelled:
        d.say(stop, Ev.CANCELED)
    d.price(10_000)
    d.flatten()
    if cancelled:
        d.wait(SECOND)
    refused_here(d)
    until = d.b["retry_ns"]
    assert until == d.now + SECOND
    d.e.take_command()
    d.quote(999_000, 999_000, 999_500)
    cmd = d.e.take_command()
    if cancelled:
        assert cmd.kind == Cmd.NEW and d.b["retry_ns"] == d.now
    else:
        assert cmd is None and d.b["retry_ns"] == until


def test_a_quote_ends_no_pause_that_is_not_for_a_range() -> None:
    d = BandDriver(plan=AT_TOUCH)
    d.e.set_band(0, 0, 0)
    stop = d.opened()
    d.say(stop, Ev.CANCELED)
    d.price(10_000)
    d.flatten()
    while (cmd := d.e.take_command()) is None:
        d.wait(100 * MS)
    d.refuse(cmd, Reason.EXCHANGE_REJECT)
    until = d.b["retry_ns"]
    d.quote(999_000, 999_000, 999_500)
    assert d.b["retry_ns"] == until and d.e.take_command() is None
    assert d.b["flat_px_e4"] == 999_000


# ------------------------------------------------------------------------------------------------------------------------
# a stop that the exchange has triggered
@pytest.mark.parametrize("interval", [200 * MS, 2 * SECOND])
@pytest.mark.parametrize(
    ("side", "last", "waits"),
    [
        # Limits of 97.80 and 102.25
        (Side.BUY, 9_790, True),
        (Side.BUY, 9_780, True),
        (Side.BUY, 9_775, False),
        (Side.SELL, 10_215, True),
        (Side.SELL, 10_225, True),
        (Side.SELL, 10_230, False),
    ],
)
def test_a_triggered_stop_has_a_moment_while_its_limit_trades(
    side: int, last: int, waits: bool, interval: int
) -> None:
    d = BandDriver(plan={**AT_TOUCH, "ladder_interval_ns": interval})
    d.e.set_band(0, 0, 0)
    stop = d.opened(side)
    d.price(last)
    d.say(stop, Ev.WORKING, triggered=True)
    assert (d.b["state"], d.b["exit_reason"]) == (BracketState.EXITING, ExitReason.STOP)
    begun = d.now
    if not waits:
        assert d.b["flat_px_e4"] == last * 100
        assert d.take().price_e4 == last * 100
        return
    chance = min(interval, 300 * MS)
    assert (d.b["flat_px_e4"], d.b["ladder_next_ns"]) == (stop.price_e4, begun + chance)
    assert d.b["flat_type"] == OrdType.LIMIT
    d.quiet()
    d.quote(last * 100 - side * 10_000, after=MS)
    assert d.b["flat_px_e4"] == stop.price_e4, "a quote does not end its chance"
    d.quiet()
    d.quote(last * 100 - side * 15_000, after=begun + chance - d.now)
    assert d.b["flat_px_e4"] == last * 100 - side * 15_000
    assert d.take().kind == Cmd.REPLACE


def test_the_reason_of_the_way_out_and_its_words() -> None:
    d = BandDriver(plan=AT_TOUCH)
    d.opened()
    d.e.take_notices()
    d.flatten()
    (row,) = told(d, Note.EXIT_SENT)
    assert (row["qty"], row["exit_reason"]) == (10, ExitReason.FLATTEN)
    assert (d.b["exit_reason"], d.b["leave_reason"]) == (ExitReason.FLATTEN, ExitReason.FLATTEN)
    assert (d.b["entry_cancel"], d.b["ladder_step"]) == (1, 0)
    d.flatten()
    assert not told(d, Note.EXIT_SENT), "once"


def test_a_way_out_from_an_old_touch_asks_for_a_quote() -> None:
    for silent_s, wanted in ((29, 0), (31, 1)):
        d = BandDriver(plan=AT_TOUCH)
        d.opened()
        d.e.on_quote(0, d.now, d.now, ltp_e4=1_000_000)
        d.price(10_000)
        d.now += silent_s * SECOND
        spread_of_nobody(d)
        d.e.on_flatten(0, d.now)
        assert d.e.instrument(0)["quote_wanted"] == wanted


def spread_of_nobody(d: BandDriver) -> None:
    """The feed lives, and says nothing of the instrument."""
    d.e.on_frame_bytes(frame(), d.now)


@pytest.mark.parametrize(
    ("side", "ltp", "bid", "ask"),
    [(Side.BUY, 9_785, 9_775, 9_790), (Side.SELL, 10_220, 10_215, 10_230)],
)
def test_a_triggered_stop_is_left_where_the_far_side_is_beyond_its_limit(
    side: int, ltp: int, bid: int, ask: int
) -> None:
    d = BandDriver(plan=AT_TOUCH)
    d.e.set_band(0, 0, 0)
    stop = d.opened(side)
    d.now += MS
    d.e.on_frame_bytes(frame(packet(token_of(0), ltp, bid=bid, ask=ask)), d.now)
    d.say(stop, Ev.WORKING, triggered=True)
    assert d.take().price_e4 == (bid if side == Side.BUY else ask) * 100


def test_the_reason_that_a_part_was_closed_for_stays_until_the_rest_is() -> None:
    d = BandDriver(plan=AT_TOUCH)
    d.opened()
    d.closed_by_other(Side.SELL, 4, 1_000_000)
    assert d.b["exit_reason"] == ExitReason.MANUAL
    d.flatten()
    assert (d.b["exit_reason"], d.b["leave_reason"]) == (ExitReason.MANUAL, ExitReason.FLATTEN)


def test_one_move_of_the_trail_makes_it_the_trails_exit() -> None:
    d = BandDriver(plan={**AT_TOUCH, "trail_kind": 2, "trail_value": 2.0, "trail_step_value": 0.5})
    d.e.set_band(0, 0, 0)
    d.opened()
    d.price(10_050)
    moved = d.take()
    d.stands(moved)
    assert d.b["n_stop_moves"] == 1
    d.say(moved, Ev.WORKING, triggered=True)
    assert d.b["leave_reason"] == ExitReason.TRAIL


@pytest.mark.parametrize(("qty", "said"), [(0, 0), (1, 1)])
def test_a_way_out_is_said_where_something_is_held(qty: int, said: int) -> None:
    d = BandDriver(plan=AT_TOUCH)
    entry = d.enter()
    d.ack(entry)
    if qty:
        d.say(entry, Ev.FILL_PART, qty, 1_000_000)
        d.stands(d.take())
    else:
        d.say(entry, Ev.WORKING)
    d.e.take_notices()
    d.flatten()
    assert len(told(d, Note.EXIT_SENT)) == said
    assert d.b["state"] == BracketState.EXITING
    asked = [d.take() for _ in range(1 + said)]
    assert {cmd.kind for cmd in asked if cmd.order_slot == entry.order_slot} == {Cmd.CANCEL}


def test_a_second_way_out_of_one_bracket_begins_at_the_first_step() -> None:
    d = BandDriver(plan={**AT_TOUCH, "ladder_interval_ns": SECOND, "size_value": 20.0})
    d.e.set_band(0, 0, 0)
    entry = d.enter()
    d.ack(entry)
    d.say(entry, Ev.FILL_PART, 10, 1_000_000)
    d.stands(d.take())
    d.price(10_000)
    d.flatten()
    while (cmd := d.e.take_command()) is not None:
        d.stands(cmd) if cmd.order_slot != entry.order_slot else d.say(
            entry, Ev.CANCELED, 10, 1_000_000
        )
    for _ in range(2):
        d.price(10_000)
        d.wait(SECOND)
    assert d.b["ladder_step"] == 2
    stop = d.e.order(d.b["stop_slot"])
    d.e.on_report(
        order_report(
            cl_ord_id=stop["cl_ord_id"], broker_order_id="", ev=Ev.FILL_FULL, source=1, order_qty=10, cum_qty=10,
            cum_value_e4=10_000_000, price_e4=1_000_000, ord_type=OrdType.LIMIT, ts_recv_ns=d.now,
        )
    )  # fmt: skip
    assert d.b["state"] == BracketState.CLOSED
    d.say(entry, Ev.FILL_PART, 15, 1_000_000)
    assert (d.b["state"], d.b["open_qty"], d.b["ladder_step"]) == (BracketState.EXITING, 5, 0)


@pytest.mark.parametrize("side", [Side.BUY, Side.SELL])
def test_a_market_order_that_is_refused_for_its_range_has_no_price_to_stay_away_from(
    side: int,
) -> None:
    d = BandDriver(plan=AT_TOUCH)
    fill_of_unknown_price(d, side, 10)
    d.flatten()
    (way_out,) = requests(d)
    assert (way_out.ord_type, way_out.price_e4) == (OrdType.MARKET, 0)
    d.refuse(way_out, Reason.PRICE_RANGE)
    assert (d.b["n_px_refused"], d.b["refused_px_e4"]) == (0, 0)


def test_what_buys_an_excess_back_is_no_way_out() -> None:
    d = BandDriver(plan=AT_TOUCH)
    d.e.set_band(0, 0, 0)
    stop = d.opened()
    d.price(10_000)
    d.say(stop, Ev.FILL_FULL, 15, 1_000_000, qty=15, triggered=True)
    (fix,) = requests(d)
    d.refuse(fix, Reason.PRICE_RANGE)
    assert (d.b["n_px_refused"], d.b["refused_px_e4"], d.b["n_fix_rejects"]) == (0, 0, 1)


def test_the_first_quote_after_a_silence_ends_it() -> None:
    d = BandDriver(plan={**AT_TOUCH, "ladder_interval_ns": SECOND, "ladder_max_steps": 1})
    d.e.set_band(0, 0, 0)
    d.opened()
    d.now += 40 * SECOND
    d.flatten()
    for _ in range(2):
        d.wait(SECOND)
        requests(d)
    assert (d.b["blind"], d.b["flat_type"]) == (1, OrdType.MARKET)
    due = d.b["ladder_next_ns"]
    d.quote(990_000, 990_000, 991_000)
    assert (d.b["blind"], d.b["flat_type"], d.b["flat_px_e4"]) == (0, OrdType.LIMIT, 990_000)
    assert d.b["ladder_next_ns"] == min(due, d.now + SECOND)


@SIDES
def test_a_chase_of_an_order_that_stands_is_told_while_its_change_is_paused(side: int) -> None:
    """Its pause is for requests: the price goes on, and a person hears of each step."""
    d = leaving(
        side, ladder_start_bps=10.0, ladder_step_bps=10.0, ladder_interval_ns=2 * SECOND, ladder_max_steps=9
    )  # fmt: skip
    d.stands(d.take())
    n_refused, steps = 0, list[int]()
    while n_refused < 3:  # pauses of 1, 2 and 4 seconds
        d.price(10_000, after=100 * MS)
        d.wait(0)
        for cmd in requests(d):
            d.refuse(cmd, Reason.EXCHANGE_REJECT)
            n_refused += 1
        told(d, Note.EXIT_CHASED)
    until = d.b["retry_ns"]
    assert until == d.now + 4 * SECOND
    while d.now + 100 * MS < until:
        d.price(10_000, after=100 * MS)
        d.wait(0)
        assert not requests(d)
        steps += [row["ladder_step"] for row in told(d, Note.EXIT_CHASED)]
    assert len(steps) == 2 and steps[1] == steps[0] + 1


@SIDES
def test_a_chase_without_an_order_is_told_once_its_pause_is_over(side: int) -> None:
    d = leaving(
        side, ladder_start_bps=10.0, ladder_step_bps=10.0, ladder_interval_ns=SECOND, ladder_max_steps=9
    )  # fmt: skip
    d.say(d.take(), Ev.CANCELED)
    told(d, Note.EXIT_CHASED)
    d.now = max(d.b["ladder_next_ns"], d.b["retry_ns"])
    d.wait(0)
    assert [row["ladder_step"] for row in told(d, Note.EXIT_CHASED)] == [1]
