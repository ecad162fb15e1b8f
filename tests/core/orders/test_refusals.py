"""An exchange that goes on refusing: no price is asked that leads away from the market, no order is
spent in vain, no cover is given up.
"""

import itertools

import pytest

from otrade._core.types import (
    BracketState,
    Cmd,
    Ev,
    Halt,
    Leg,
    OrdStatus,
    OrdType,
    Reason,
    Side,
    Worth,
)
from tests.core.orders.test_brackets import START, EngineDriver
from tests.harness.core_engine import MS, SECOND, frame, order_report, packet, token_of

OWN = "OT000009000AE000000"


def requests(d):
    """The orders that wait to be sent, looks at the book left out."""
    found = []
    while (cmd := d.e.take_command()) is not None:
        if cmd.kind != Cmd.LOOK:
            found.append(cmd)
    return found


def leaving(side):
    """Ten units whose stop has been taken out, so that nothing covers them."""
    d = EngineDriver(plan={"target_kind": 0})
    stop = d.opened(side)
    d.e.on_flatten(0, d.now)
    d.ack(d.take())
    d.say(stop, Ev.CANCELED)
    return d


def asked(d, seconds, paise=10_005):
    """What is asked for in that time, ten beats a second, while the price stands still."""
    for _ in range(seconds * 10):
        yield from requests(d)
        d.price(paise, 0)
        d.wait(100 * MS)


def fill_of_unknown_price(d, side, qty):
    """An earlier run's market entry has filled, nobody says at what, and no price has come yet."""
    d.e.adopt_bracket(0, side, qty, 20_000, d.now)
    terms = {
        "order_qty": qty,
        "price_e4": 0,
        "trigger_e4": 0,
        "ord_type": OrdType.MARKET,
        "side": side,
    }
    d.e.adopt_order(
        0,
        Leg.ENTRY,
        0,
        OrdStatus.PENDING_NEW,
        cl_ord_id=OWN,
        broker_order_id="E1",
        ts_ns=d.now,
        **terms,
    )
    d.e.on_report(order_report(
        cl_ord_id=OWN, broker_order_id="E1", ev=Ev.FILL_FULL, source=2, cum_qty=qty, cum_value_e4=0, triggered=False, reason=0,
        ts_update_ns=0, ts_recv_ns=d.now, worth=Worth.UNKNOWN, **terms,
    ))  # fmt: skip


@pytest.mark.parametrize("side", [Side.BUY, Side.SELL])
def test_a_way_out_that_is_always_out_of_range_stays_at_the_market(side):
    d = leaving(side)
    prices = []
    for cmd in asked(d, 600, 10_005 if side == Side.BUY else 9_995):
        prices.append(cmd.price_e4)
        d.refuse(cmd, Reason.PRICE_RANGE)
    assert len(prices) < 40, "slowly, or the day's orders are used up"
    assert all(800_000 < price < 1_250_000 for price in prices), prices
    assert abs(prices[-1] - 1_000_000) < 20_000, "from the touch again"


def test_a_range_beside_the_market_is_found():
    d = leaving(Side.BUY)
    for cmd in asked(d, 60):
        if 1_010_000 <= cmd.price_e4 <= 1_030_000:
            return
        d.refuse(cmd, Reason.PRICE_RANGE)
    pytest.fail("no price inside the range was asked")


def test_a_range_that_comes_back_is_found_within_seconds_by_a_way_out_that_nothing_covers():
    d = leaving(Side.BUY)
    asked_ns = []
    for cmd in asked(d, 120):
        asked_ns.append(d.now)
        d.refuse(cmd, Reason.PRICE_RANGE)
    gaps_s = [round((b - a) / SECOND, 1) for a, b in itertools.pairwise(asked_ns)]
    assert len(asked_ns) >= 20
    assert max(gaps_s[:19]) <= 4.1, "twenty tries, none later than any other refused exit's"
    assert min(gaps_s[20:]) >= 30.0, "somebody has to look; the day's orders are spared"


def test_a_range_refused_minutes_ago_does_not_slow_the_next_one():
    d = leaving(Side.BUY)
    out = None
    for n, cmd in enumerate(asked(d, 40)):  # the steps end, then one is taken and rests
        if n == 8:
            out = cmd
            d.ack(cmd)
            d.say(cmd, Ev.WORKING)
            break
        d.refuse(cmd, Reason.PRICE_RANGE)
    assert out is not None
    d.wait(90 * SECOND)
    d.e.take_command()
    d.say(out, Ev.CANCELED)
    tries_ns = []
    for cmd in asked(d, 10):
        tries_ns.append(d.now)
        d.refuse(cmd, Reason.PRICE_RANGE)
    assert len(tries_ns) >= 5, "a step every second, as after the first refusal"


def test_words_of_a_halt_while_it_trades_do_not_use_up_the_days_orders():
    d = EngineDriver(plan={"target_kind": 0})
    entry = d.enter()
    d.ack(entry)
    d.say(entry, Ev.FILL_FULL, 10, 1_000_000)
    volume, n = 1_000, 0

    def trade():
        nonlocal volume
        volume += 10
        d.now += 250 * MS
        d.e.on_frame_bytes(
            frame(packet(token_of(0), 10_005, volume=volume, ts_s=d.now // SECOND)), d.now
        )
        d.e.on_timer(d.now)

    for _ in range(20 * 60 * 4):
        for cmd in requests(d):
            n += 1
            d.refuse(cmd, Reason.MARKET_HALTED)
        trade()
    assert n < 60
    d.e.on_flatten(0, d.now)
    for _ in range(40 * 4):
        if requests(d):
            return
        trade()
    pytest.fail("the way out was not sent")


def test_a_stop_that_covers_is_not_given_up_for_a_level_that_is_refused():
    d = EngineDriver(
        plan={"target_kind": 0, "trail_kind": 2, "trail_value": 2.0, "trail_step_value": 0.5}
    )
    d.opened()
    kinds = []
    for _ in range(300):
        for cmd in requests(d):
            kinds.append(cmd.kind)
            d.refuse(cmd, Reason.PRICE_RANGE)
        d.price(10_150, 0)
        d.wait(100 * MS)
        assert d.b["protected_qty"] == 10
    assert set(kinds) == {Cmd.REPLACE} and len(kinds) < 15 and d.b["state"] == BracketState.OPEN


@pytest.mark.parametrize("first", ["value", "tick"])
def test_a_value_before_any_price_is_no_loss_of_everything(first):
    d = EngineDriver(
        plan={"target_kind": 0}, max_daily_loss_e4=5_000 * 10_000, flatten_on_limit=True
    )
    fill_of_unknown_price(d, Side.BUY, 1_000)
    if first == "value":
        d.e.on_traded("E1", 1_000, 1_000 * 1_000_000, d.now)
    else:
        d.price(10_010)
    risk = d.e.risk()
    assert risk["halt"] == Halt.ACTIVE and abs(risk["pnl_e4"]) <= 1_000 * 1_000


@pytest.mark.parametrize("side", [Side.BUY, Side.SELL])
def test_a_way_out_without_any_known_price_goes_to_the_market(side):
    d = EngineDriver(plan={"target_kind": 0})
    fill_of_unknown_price(d, side, 10)
    d.e.on_flatten(-1, d.now)
    (way_out,) = requests(d)
    assert (way_out.ord_type, way_out.side, way_out.qty) == (OrdType.MARKET, -side, 10)


def test_three_refusals_of_a_stop_lead_out_at_once():
    d = EngineDriver(plan={"target_kind": 0})
    entry = d.enter()
    d.ack(entry)
    d.say(entry, Ev.FILL_FULL, 10, 1_000_000)
    for _ in range(60):
        for cmd in requests(d):
            if cmd.ord_type != OrdType.SL:
                assert d.now - START < 5 * SECOND, "the pause of the stop is not the way out's"
                return
            d.refuse(cmd, Reason.EXCHANGE_REJECT)
        d.price(10_005, 0)
        d.wait(100 * MS)
    pytest.fail("nothing was done about an open position without a stop")
