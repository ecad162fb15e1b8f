"""The gates, one at a time: an entry that passes, then one thing changed, and the code that must
name it.
"""

import pytest

from otrade._core.types import Cmd, Ev, Halt, Lane, Reason, Side
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

T = token_of(0)
NOW = OPEN_NS + 10 * SECOND


def cross_up(e, now=NOW, px=10_005, token=T):
    """Prices go from below the level of 100 rupees to above it: one long signal."""
    e.on_frame_bytes(frame(packet(token, 9_990)), now)
    e.take_signals()
    e.on_frame_bytes(frame(packet(token, px)), now + MS)
    signals = e.take_signals()
    assert len(signals) == 1 and signals[0]["side"] == Side.BUY
    return signals[0]["reason"]


def setup(**kw):
    return make_engine(**kw)


def test_an_entry_that_passes():
    e = setup()
    assert cross_up(e) == Reason.OK
    cmd = e.take_command()
    assert (cmd.kind, cmd.side, cmd.qty, cmd.lane) == (Cmd.NEW, Side.BUY, 10, Lane.ENTRY)
    # 100.05 and 5 bps through it, rounded up to the tick of 0.05
    assert cmd.price_e4 == 1_001_500
    assert e.take_command() is None


CASES = [
    ("halted", lambda e: e.on_halt(Halt.REDUCING, 0, NOW - SECOND), {}, Reason.HALTED),
    ("paused", lambda e: e.on_pause(True, NOW - SECOND), {}, Reason.HALTED),
    ("quarantined", lambda e: e.on_quarantine(0, True, NOW - SECOND), {}, Reason.QUARANTINED),
    ("before the entry window", lambda e: session(e, entry_from=NOW + SECOND), {}, Reason.SESSION),
    ("after the entry window", lambda e: session(e, entry_until=NOW), {}, Reason.SESSION),
    ("feed down", lambda e: e.on_feed(False, NOW - SECOND), {}, Reason.STALE_FEED),
    ("lot", None, {"lot_size": 4, "plan": {"size_mode": 0, "size_value": 3.0}}, Reason.QTY_ZERO),
    ("quantity", None, {"max_order_qty": 9}, Reason.MAX_QTY),
    ("notional", None, {"max_order_notional_e4": 10 * 1_001_500 - 1}, Reason.MAX_NOTIONAL),
    ("daily trades", None, {"max_trades": 0, "plan": {"size_value": 10.0}}, Reason.OK),
    ("disabled", lambda e: e.set_strategy_enabled(0, False), {}, Reason.DISABLED),
    ("no stop", None, {"plan": {"stop_kind": 0}}, Reason.STOP_DISTANCE),
    ("stop below a tick", None, {"plan": {"stop_value": 0.04}}, Reason.STOP_DISTANCE),
    ("short only", None, {"params": {"side_mask": 2}}, Reason.SIDE_OFF),
]


def session(e, entry_from=OPEN_NS, entry_until=OPEN_NS + 900 * 3_600 * SECOND):
    far = OPEN_NS + 910 * 3_600 * SECOND
    e.set_session(
        0,
        open_ns=OPEN_NS,
        entry_from_ns=entry_from,
        entry_until_ns=entry_until,
        square_off_ns=far,
        close_ns=far,
    )


@pytest.mark.parametrize(("name", "change", "kw", "reason"), CASES, ids=[c[0] for c in CASES])
def test_gate(name, change, kw, reason):
    e = setup(**kw)
    if change:
        change(e)
    assert cross_up(e) == reason
    assert (e.take_command() is not None) == (reason == Reason.OK)


def fill_entry(e, px=1_001_500, now=NOW + 5 * MS):
    cmd = e.take_command()
    e.on_sent(cmd.seq, now)
    e.on_answer(cmd.seq, Ev.ACK, broker_order_id="1" + str(cmd.seq), ts_ns=now)
    report(e, cmd, Ev.FILL_FULL, cmd.qty, px, now)
    return cmd


def report(e, cmd, ev, cum, px, now, **kw):
    e.on_report(
        order_report(
            **{
                **dict(
                    cl_ord_id=cmd.cl_ord_id,
                    broker_order_id="",
                    ev=ev,
                    source=1,
                    order_qty=cmd.qty,
                    cum_qty=cum,
                    cum_value_e4=cum * px,
                    price_e4=cmd.price_e4,
                    trigger_e4=cmd.trigger_e4,
                    ord_type=cmd.ord_type,
                    triggered=False,
                    reason=0,
                    ts_update_ns=now,
                    ts_recv_ns=now,
                ),
                **kw,
            }
        )
    )


def test_open_positions_are_held_from_the_entry_and_released_at_the_end():
    e = setup(instruments=2, max_open_positions=1)
    assert cross_up(e) == Reason.OK
    assert e.risk()["open_positions"] == 1
    assert cross_up(e, NOW + SECOND, token=token_of(1)) == Reason.MAX_POSITIONS
    cmd = e.take_command()
    e.on_answer(cmd.seq, Ev.REFUSED, reason=Reason.BROKER_MARGIN, ts_ns=NOW + 2 * SECOND)
    assert e.risk()["open_positions"] == 0
    assert cross_up(e, NOW + 3 * SECOND, token=token_of(1)) == Reason.OK


def test_trade_count():
    e = setup(instruments=2, max_trades=1)
    cross_up(e)
    fill_entry(e)
    assert e.risk()["trades"] == 1
    assert cross_up(e, NOW + SECOND, token=token_of(1)) == Reason.TRADE_COUNT


@pytest.mark.parametrize(
    ("limit", "reason"),
    [("max_daily_loss_e4", Reason.DAILY_LOSS), ("max_drawdown_e4", Reason.DRAWDOWN)],
)
def test_a_loss_limit_trips_at_the_tick_that_passes_it(limit, reason):
    e = setup(instruments=2, **{limit: 100_000})
    cross_up(e)
    fill_entry(e)
    # bought 10 at 100.15; at 99.20 the loss is 9.50, at 99.10 it is 10.50 rupees
    e.on_frame_bytes(frame(packet(T, 9_920)), NOW + SECOND)
    assert e.risk()["pnl_e4"] == -95_000
    assert e.risk()["halt"] == Halt.ACTIVE
    e.on_frame_bytes(frame(packet(T, 9_910)), NOW + 2 * SECOND)
    assert (e.risk()["halt"], e.risk()["halt_reason"]) == (Halt.REDUCING, reason)
    assert cross_up(e, NOW + 3 * SECOND, token=token_of(1)) == Reason.HALTED
    # latched: the loss comes back, the halt stays
    e.on_frame_bytes(frame(packet(T, 10_050)), NOW + 4 * SECOND)
    assert e.risk()["halt"] == Halt.REDUCING


def test_a_second_position_is_not_marked_at_the_price_of_the_first():
    """Between its fill and the next tick: a fall while nothing was held is no loss of ours, and
    trips nothing.
    """
    e = setup(max_daily_loss_e4=100_000, plan={"target_kind": 0}, params={"side_mask": 1})
    cross_up(e)
    fill_entry(e)
    stop = e.take_command()
    e.on_answer(stop.seq, Ev.ACK, broker_order_id="2", ts_ns=NOW + 9 * MS)
    report(e, stop, Ev.WORKING, 0, 0, NOW + 10 * MS)
    e.on_frame_bytes(frame(packet(T, 10_200)), NOW + 20 * MS)
    report(e, stop, Ev.FILL_FULL, 10, 1_001_500, NOW + SECOND, triggered=True)
    assert (e.n_live, e.risk()["pnl_e4"]) == (0, 0)
    assert cross_up(e, NOW + 30 * SECOND) == Reason.OK
    # bought 10 at 100.00, marked at its fill until the next price; the mark of before was 102
    fill_entry(e, 1_000_000, NOW + 31 * SECOND)
    assert e.position(0)["mark_e4"] == 1_000_000
    assert (e.risk()["pnl_e4"], e.risk()["peak_e4"]) == (0, 185_000)
    e.on_frame_bytes(frame(packet(T, 10_010)), NOW + 32 * SECOND)
    assert e.risk()["pnl_e4"] == 10_000
    assert e.risk()["halt"] == Halt.ACTIVE


def test_a_limit_may_flatten():
    e = setup(max_daily_loss_e4=100_000, flatten_on_limit=True)
    cross_up(e)
    fill_entry(e)
    stop = e.take_command()
    e.on_answer(stop.seq, Ev.ACK, broker_order_id="2", ts_ns=NOW + 9 * MS)
    report(e, stop, Ev.WORKING, 0, 0, NOW + 10 * MS)
    e.on_frame_bytes(frame(packet(T, 9_900)), NOW + SECOND)
    flat = e.take_command()
    assert (flat.kind, flat.side, flat.qty, flat.broker_order_id) == (
        Cmd.REPLACE,
        Side.SELL,
        10,
        "2",
    )
    assert flat.price_e4 < 990_000


def test_stale_feed_by_instrument():
    e = setup(stale_feed_ns=3 * SECOND)
    e.on_frame_bytes(frame(packet(T, 9_990)), NOW)
    e.on_timer(NOW + 10 * SECOND)
    e.take_signals()
    # the tick that brings the signal is itself fresh
    e.on_frame_bytes(frame(packet(T, 10_005)), NOW + 10 * SECOND)
    assert e.take_signals()[0]["reason"] == Reason.OK


def test_cooldown_after_a_stop():
    e = setup(plan={"cooldown_ns": 60 * SECOND, "target_kind": 0})
    cross_up(e)
    fill_entry(e)
    stop = e.take_command()
    e.on_answer(stop.seq, Ev.ACK, broker_order_id="2", ts_ns=NOW + 9 * MS)
    report(e, stop, Ev.WORKING, 0, 0, NOW + 10 * MS)
    report(e, stop, Ev.FILL_FULL, 10, stop.trigger_e4, NOW + SECOND, triggered=True)
    assert e.n_live == 0
    assert cross_up(e, NOW + 30 * SECOND) == Reason.COOLDOWN
    assert cross_up(e, NOW + 62 * SECOND) == Reason.OK


def test_entries_leave_the_reserve_to_exits():
    e = setup(instruments=6)
    e.set_budget(per_second=7, reserve_second=3)
    reasons = [cross_up(e, NOW, token=token_of(i)) for i in range(6)]
    assert reasons == [Reason.OK, Reason.OK] + [Reason.RATE_SECOND] * 4, (
        "four beyond the reserve: two entries, and a stop for each"
    )
    entries = [e.take_command() for _ in range(2)]
    for cmd in entries:
        e.on_answer(cmd.seq, Ev.ACK, broker_order_id=str(cmd.seq), ts_ns=NOW + 5 * MS)
        report(e, cmd, Ev.FILL_FULL, 10, 1_001_500, NOW + 6 * MS)
    stops = [e.take_command() for _ in range(2)]
    assert [s.lane for s in stops] == [Lane.PROTECT] * 2, "protection spends what was kept for it"
    assert cross_up(e, NOW + 1_100 * MS, token=token_of(5)) == Reason.OK


def test_the_day_counts_placements_only():
    e = setup(instruments=3)
    e.set_budget(per_day=6, reserve_day=2)
    assert [cross_up(e, NOW + i * SECOND, token=token_of(i)) for i in range(3)] == [
        Reason.OK,
        Reason.OK,
        Reason.RATE_DAY,
    ]


def test_the_half_hour_slides_and_keeps_its_reserve():
    e = setup(instruments=40)
    e.set_budget(per_half_hour=10, reserve_half_hour=2)
    start = (NOW // (60 * SECOND) + 1) * 60 * SECOND
    taken = []
    for i in range(6):
        taken.append(cross_up(e, start + i * SECOND, token=token_of(i)))
        if taken[-1] == Reason.OK:
            cmd = e.take_command()
            e.on_answer(
                cmd.seq, Ev.REFUSED, reason=Reason.BROKER_MARGIN, ts_ns=start + i * SECOND
            )  # it owes no stop
    assert taken == [Reason.OK] * 6
    taken = [cross_up(e, start + i * SECOND, token=token_of(i)) for i in range(6, 8)]
    assert taken == [Reason.OK, Reason.RATE_HALF_HOUR], (
        "eight beyond the reserve: six sent, one more and its stop"
    )
    assert cross_up(e, start + 29 * 60 * SECOND, token=token_of(8)) == Reason.RATE_HALF_HOUR
    assert cross_up(e, start + 31 * 60 * SECOND, token=token_of(9)) == Reason.OK, (
        "and never later than a minute after the half hour"
    )
    assert (
        cross_up(e, start + 31 * 60 * SECOND + 100 * 60 * SECOND, token=token_of(10)) == Reason.OK
    )


def test_a_broker_that_asks_to_slow_down_is_believed_longer_each_time():
    e = setup(instruments=12)
    at = NOW

    def refused(token: int) -> None:
        assert cross_up(e, at, token=token_of(token)) == Reason.OK
        cmd = e.take_command()
        e.on_answer(cmd.seq, Ev.REFUSED, reason=Reason.BROKER_RATE, ts_ns=at)

    for n, waits_s in enumerate((1, 2, 4, 8)):
        refused(2 * n)
        assert (
            cross_up(e, at + waits_s * SECOND - MS, token=token_of(2 * n + 1)) == Reason.RATE_BROKER
        )
        at += waits_s * SECOND
    assert e.budget()["n_tightened"] == 4
    at += 300 * SECOND
    refused(8)
    assert cross_up(e, at + SECOND, token=token_of(9)) == Reason.OK, "and forgiven after a while"


def test_an_exit_still_leaves_while_the_broker_asks_to_slow_down():
    e = setup(instruments=2)
    cross_up(e)
    fill_entry(e)
    assert e.take_command().lane == Lane.PROTECT
    cross_up(e, NOW + 10 * MS, token=token_of(1))
    entry = e.take_command()
    e.on_answer(entry.seq, Ev.REFUSED, reason=Reason.BROKER_RATE, ts_ns=NOW + 20 * MS)
    e.on_flatten(0, NOW + 2_000 * MS)
    assert e.risk()["halt"] == Halt.ACTIVE


def test_a_refusal_for_want_of_permission_stops_entries_and_asks_again_slowly():
    e = setup(instruments=2)
    cross_up(e)
    fill_entry(e)
    stop = e.take_command()
    e.on_answer(stop.seq, Ev.REFUSED, reason=Reason.BROKER_PERMISSION, ts_ns=NOW + 50 * MS)
    assert (e.risk()["halt"], e.risk()["halt_reason"]) == (Halt.REDUCING, Reason.BROKER_PERMISSION)
    assert cross_up(e, NOW + SECOND, token=token_of(1)) == Reason.HALTED
    e.on_timer(NOW + 20 * SECOND)
    assert e.take_command() is None, (
        "an address that is not registered is not knocked at every second"
    )
    e.on_timer(NOW + 31 * SECOND)
    assert e.take_command().lane == Lane.PROTECT, "but what is open is not given up"


def test_protection_waits_for_budget_and_is_then_placed():
    e = setup()
    e.set_budget(per_second=1)
    cross_up(e)
    fill_entry(e)
    assert e.take_command() is None
    assert e.bracket(0)["naked_since_ns"] > 0
    e.on_timer(NOW + 1_200 * MS)
    assert e.take_command().lane == Lane.PROTECT


def test_what_is_used_of_the_budget_can_be_seen():
    e = setup(instruments=4)
    start = (NOW // (60 * SECOND) + 1) * 60 * SECOND
    for i in range(3):
        assert cross_up(e, start + i * SECOND // 2, token=token_of(i)) == Reason.OK

    def used():
        return [e.budget()[f"{window}_used"] for window in ("second", "minute", "half_hour")]

    assert used() == [2, 3, 3], (
        "half a second apart: a window does not hold what is as old as itself"
    )
    e.on_timer(start + 30 * SECOND)
    assert used() == [0, 3, 3]
    e.on_timer(start + 29 * 60 * SECOND)
    assert used() == [0, 0, 3]
    e.on_timer(start + 40 * 60 * SECOND)
    assert used() == [0, 0, 0]
