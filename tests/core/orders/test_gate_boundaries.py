"""Each gate at its boundary: the last value that passes, and the first that does not. A signal comes
at `AT`, of 10 units at a price of 100.05 with a limit of 100.15; prices in e4 rupees unless they
are paise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from otrade._core.engine.engine import Engine
from otrade._core.types import Ev, Note, OrdType, Phase, Reason, Side
from tests.core.orders.test_brackets import EngineDriver
from tests.core.orders.test_counts_and_words import told
from tests.harness.core_engine import (
    HOUR,
    MS,
    OPEN_NS,
    SECOND,
    frame,
    make_engine,
    packet,
    token_of,
)

AT = OPEN_NS + 10 * SECOND
FAR = OPEN_NS + 900 * HOUR


def crossed(e: Engine, at: int = AT, ltp: int = 10_005, instrument: int = 0, **spread: int) -> int:
    """What became of one long signal of that moment."""
    token = token_of(instrument)
    e.on_frame_bytes(frame(packet(token, 9_990)), at - MS)
    e.take_signals()
    e.on_frame_bytes(frame(packet(token, ltp, **spread)), at)
    (signal,) = e.take_signals()
    return int(signal["reason"])


def hours(**changed: int) -> Callable[[Engine], None]:
    """The session of a day, our signal inside it, with one hour of it changed."""
    usual = {
        "open_ns": OPEN_NS, "entry_from_ns": OPEN_NS, "entry_until_ns": FAR, "square_off_ns": FAR + 1, "close_ns": FAR + 2,
    }  # fmt: skip
    return lambda e: e.set_session(0, **{**usual, **changed})


@pytest.mark.parametrize(
    ("name", "passes", "refuses", "reason"),
    [
        ("from", hours(entry_from_ns=AT), hours(entry_from_ns=AT + 1), Reason.SESSION),
        ("until", hours(entry_until_ns=AT + 1), hours(entry_until_ns=AT), Reason.SESSION),
        ("units", {"max_order_qty": 10}, {"max_order_qty": 9}, Reason.MAX_QTY),
        (
            "worth at the limit's price",
            {"max_order_notional_e4": 10 * 1_001_500},
            {"max_order_notional_e4": 10 * 1_001_500 - 1},
            Reason.MAX_NOTIONAL,
        ),
        (
            "worth at the last price, for a market order",
            {"max_order_notional_e4": 10 * 1_000_500, "plan": {"entry_type": 1}},
            {"max_order_notional_e4": 10 * 1_000_500 - 1, "plan": {"entry_type": 1}},
            Reason.MAX_NOTIONAL,
        ),
        ("ten slices", {"freeze_qty": 1}, {"freeze_qty": 1, "plan": {"size_value": 11.0}}, Reason.SLICES),
        (
            "a stop of one tick",
            {"plan": {"stop_value": 0.05}},
            {"plan": {"stop_value": 0.0499}},
            Reason.STOP_DISTANCE,
        ),
        ("one unit", {"plan": {"size_value": 1.0}}, {"plan": {"size_value": 0.9}}, Reason.QTY_ZERO),
    ],
)  # fmt: skip
def test_the_last_value_that_passes_and_the_first_that_does_not(
    name: str, passes: Any, refuses: Any, reason: Reason
) -> None:
    for given, expected in ((passes, Reason.OK), (refuses, reason)):
        e = make_engine(**(given if isinstance(given, dict) else {}))
        if callable(given):
            given(e)
        assert crossed(e) == expected, name
        assert (e.take_command() is not None) == (expected == Reason.OK)
        assert e.risk()["n_denied"] == (expected != Reason.OK)


@pytest.mark.parametrize(
    ("limits", "second"),
    [
        ({"max_open_positions": 1}, Reason.MAX_POSITIONS),
        ({"max_open_positions": 2}, Reason.OK),
        ({"max_trades": 1}, Reason.TRADE_COUNT),
        ({"max_trades": 2}, Reason.OK),
    ],
)
@pytest.mark.parametrize("filled", [False, True], ids=["under way", "filled"])
def test_a_second_decision(limits: dict[str, int], second: Reason, filled: bool) -> None:
    d = EngineDriver(instruments=3, **limits)
    entry = d.enter()
    if filled:
        d.ack(entry)
        d.say(entry, Ev.FILL_FULL, 10, 1_000_000)
    assert crossed(d.e, d.now + SECOND, instrument=1) == second
    if second == Reason.OK:
        limit = next(iter(limits))
        third = Reason.MAX_POSITIONS if limit == "max_open_positions" else Reason.TRADE_COUNT
        assert crossed(d.e, d.now + 2 * SECOND, instrument=2) == third


def test_an_entry_that_came_to_nothing_was_no_trade() -> None:
    d = EngineDriver(instruments=3, max_trades=1)
    entry = d.enter()
    assert d.e.risk()["n_entering"] == 1
    d.ack(entry)
    d.say(entry, Ev.CANCELED)
    assert (d.e.risk()["n_entering"], d.e.risk()["trades"]) == (0, 0)
    assert crossed(d.e, d.now + SECOND, instrument=1) == Reason.OK


@pytest.mark.parametrize(
    ("limit", "reason"),
    [("max_daily_loss_e4", Reason.DAILY_LOSS), ("max_drawdown_e4", Reason.DRAWDOWN)],
)
@pytest.mark.parametrize(("given", "tripped"), [(110_000, True), (110_001, False)])
def test_a_person_who_re_arms_at_the_limit_does_not_trade_on(
    limit: str, reason: Reason, given: int, tripped: bool
) -> None:
    """Ten bought at 100, at 98.90: eleven rupees lost."""
    d = EngineDriver(instruments=2, plan={"target_kind": 0})
    d.opened()
    d.price(9_890)
    risk = d.e.risk()
    assert -risk["pnl_e4"] == 110_000
    d.e.set_limits(
        **{limit: given + (risk["drawdown_e4"] - 110_000) * (limit == "max_drawdown_e4")}
    )
    assert crossed(d.e, d.now + SECOND, instrument=1) == (reason if tripped else Reason.OK)


@pytest.mark.parametrize(("ns", "reason"), [(-1, Reason.COOLDOWN), (0, Reason.OK)])
def test_a_cool_down_ends_at_its_time(ns: int, reason: Reason) -> None:
    d = EngineDriver(plan={"cooldown_ns": 60 * SECOND, "target_kind": 0}, params={"side_mask": 1})
    stop = d.opened()
    d.say(stop, Ev.FILL_FULL, 10, 980_000, triggered=True)
    until = d.now + 60 * SECOND
    assert d.e.strategy(0)["cooldown_until_ns"] == until
    assert crossed(d.e, until + ns) == reason


def test_only_a_stop_cools_down() -> None:
    d = EngineDriver(plan={"cooldown_ns": 60 * SECOND, "target_kind": 0}, params={"side_mask": 1})
    stop = d.opened()
    d.e.on_flatten(0, d.now)
    out = d.take()
    d.ack(out)
    d.say(out, Ev.FILL_FULL, 10, 1_000_000)
    assert d.e.strategy(0)["cooldown_until_ns"] == 0 and stop.order_slot == out.order_slot
    assert crossed(d.e, d.now + SECOND) == Reason.OK


@pytest.mark.parametrize(
    ("at", "phase"),
    [
        (-1, Phase.BEFORE),
        (0, Phase.OPEN_NO_ENTRY),
        (9, Phase.OPEN_NO_ENTRY),
        (10, Phase.ENTRY),
        (19, Phase.ENTRY),
        (20, Phase.NO_ENTRY),
        (29, Phase.NO_ENTRY),
        (30, Phase.SQUARE_OFF),
        (39, Phase.SQUARE_OFF),
        (40, Phase.CLOSED),
    ],
)
def test_the_phases_of_an_instruments_day(at: int, phase: Phase) -> None:
    e = make_engine(start=False)
    hours(
        entry_from_ns=OPEN_NS + 10, entry_until_ns=OPEN_NS + 20, square_off_ns=OPEN_NS + 30, close_ns=OPEN_NS + 40
    )(e)  # fmt: skip
    e.start(OPEN_NS - HOUR)
    e.on_timer(OPEN_NS + at)
    assert e.instrument(0)["phase"] == phase


# ------------------------------------------------------------------------------------------------------------------------
# size and price
@pytest.mark.parametrize(
    ("side", "ltp", "bid", "ask", "limit"),
    [
        # Five basis points through the far side, or through the last price where that is beyond it
        (Side.BUY, 10_005, 10_000, 10_010, 1_002_000),  # 100.10 and 5.005 paise: 100.15005, up
        (Side.BUY, 10_005, 9_995, 10_000, 1_001_500),  # 100.05 and 5.0025 paise: 100.10 and a bit
        (Side.BUY, 10_005, 9_995, 0, 1_001_500),
        (Side.SELL, 9_995, 9_990, 10_000, 998_500),  # 99.90 less 4.995 paise
        (Side.SELL, 9_995, 10_000, 10_005, 999_000),
        (Side.SELL, 9_995, 0, 10_005, 999_000),  # nobody bids
    ],
)
def test_an_entry_is_priced_from_the_far_side(
    side: int, ltp: int, bid: int, ask: int, limit: int
) -> None:
    d = EngineDriver()
    d.price(9_990 if side == Side.BUY else 10_010)
    d.now += MS
    d.e.on_frame_bytes(frame(packet(token_of(0), ltp, bid=bid, ask=ask)), d.now)
    cmd = d.take()
    assert (cmd.side, cmd.price_e4, cmd.ord_type) == (side, limit, OrdType.LIMIT)


@pytest.mark.parametrize(
    ("plan", "kw", "qty"),
    [
        # At 100.05: 10,005 rupees buy a hundred, a paisa less buys 99
        ({"size_mode": 1, "size_value": 10_005.0}, {}, 100),
        ({"size_mode": 1, "size_value": 10_004.99}, {}, 99),
        # Two rupees of stop: a hundred rupees at risk are fifty units
        ({"size_mode": 2, "size_value": 100.0}, {}, 50),
        ({"size_mode": 2, "size_value": 99.99}, {}, 49),
        ({"size_value": 50.0, "max_qty": 20}, {}, 20),
        ({"size_value": 50.0, "max_qty": 0}, {}, 50),
        ({"size_value": 50.0}, {"lot_size": 15}, 45),
    ],
)
def test_how_much_is_bought(plan: dict[str, Any], kw: dict[str, Any], qty: int) -> None:
    d = EngineDriver(plan=plan, **kw)
    assert d.enter().qty == qty
    assert d.b["order_qty"] == qty and d.b["stop_distance_e4"] == 20_000


@pytest.mark.parametrize(
    ("qty", "freeze", "lot", "slices"),
    [
        (10, 0, 1, [10]),
        (10, 10, 1, [10]),
        (10, 9, 1, [9, 1]),
        (10, 5, 1, [5, 5]),
        (11, 5, 1, [5, 5, 1]),
        (30, 14, 5, [10, 10, 10]),  # whole lots under the freeze limit
        (10, 1, 1, [1] * 10),
    ],
)
def test_what_the_freeze_quantity_makes_of_an_entry(
    qty: int, freeze: int, lot: int, slices: list[int]
) -> None:
    d = EngineDriver(plan={"size_value": float(qty), "max_qty": 0}, freeze_qty=freeze, lot_size=lot)
    d.price(9_990).price(10_005)
    asked = []
    while (cmd := d.e.take_command()) is not None:
        asked.append(cmd.qty)
        at = len(asked) - 1
        assert d.e.bracket(at)["slice_no"] == at and d.e.bracket(at)["decision"] == 0
        assert d.e.bracket(at)["order_qty"] == cmd.qty
    assert asked == slices


def test_a_market_entry_has_no_limit() -> None:
    d = EngineDriver(plan={"entry_type": 1})
    cmd = d.enter()
    assert (cmd.ord_type, cmd.price_e4, cmd.qty) == (OrdType.MARKET, 0, 10)


def test_what_a_bracket_keeps_of_its_decision() -> None:
    d = EngineDriver(plan={"time_exit_ns": 7 * SECOND, "entry_timeout_ns": 3 * SECOND})
    d.enter()
    assert (d.b["signal_px_e4"], d.b["time_exit_ns"]) == (1_000_500, 7 * SECOND)
    assert d.b["entry_expire_ns"] == d.now + 3 * SECOND
    assert (d.b["exit_mode"], d.b["atr_e4"], d.b["ts_open_ns"]) == (0, 0, d.now)
    d = EngineDriver(plan={"entry_timeout_ns": 0})
    d.enter()
    assert d.b["entry_expire_ns"] == 0, "it rests until it is filled"


# ------------------------------------------------------------------------------------------------------------------------
# room in the tables
@pytest.mark.parametrize(
    ("tables", "reason"),
    [
        ({"brackets": 3}, Reason.OK),
        ({"brackets": 2}, Reason.CAPACITY),
        ({"orders": 14}, Reason.OK),  # three entries, and ten for what must follow
        ({"orders": 13}, Reason.OK),
        ({"orders": 12}, Reason.CAPACITY),
        ({"commands": 4}, Reason.OK),
        ({"commands": 2}, Reason.RING_FULL),
    ],
)
def test_all_slices_of_an_entry_have_room_or_none_leaves(
    tables: dict[str, int], reason: Reason
) -> None:
    d = EngineDriver(freeze_qty=4, **tables)
    d.price(9_990).price(10_005)
    (signal,) = d.e.take_signals()
    assert signal["reason"] == reason, tables
    asked = 0
    while d.e.take_command() is not None:
        asked += 1
    assert asked == (3 if reason == Reason.OK else 0)
    assert len(told(d, Note.CAPACITY)) == (reason == Reason.CAPACITY)
