"""What compiled strategies are shown and say, worked by hand: levels, refusals, exits, moves of the
stop, fills, timers, and the order in which they are asked.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from otrade._core.codecs.kite import KiteEncoder
from otrade._core.engine.checkpoint import Checkpoint
from otrade._core.engine.engine import Engine
from otrade._core.kernels.strategy_abi import BARS_MAX, CompiledStrategy
from otrade._core.market.strategy import register
from otrade._core.types import (
    Action,
    BracketState,
    Cmd,
    Ev,
    ExitReason,
    Halt,
    Leg,
    Level,
    Note,
    OrdStatus,
    OrdType,
    Phase,
    Product,
    Reason,
    Side,
)
from otrade.errors import EngineError
from tests.core.orders.test_brackets import START, EngineDriver
from tests.harness.core_engine import (
    HOUR,
    MS,
    NSE,
    OPEN_NS,
    PLAN,
    SECOND,
    frame,
    hello,
    order_report,
    packet,
    token_of,
)
from tests.harness.scripted_strategy import ScriptedStrategy, ShownCall

MINUTE = 60 * SECOND
T0 = token_of(0)
NAN = math.nan


def engine_of(
    *strategies: tuple[int, ScriptedStrategy],
    lengths_s: tuple[int, ...] = (60,),
    further_s: tuple[int, ...] = (),
    plan: dict[str, Any] | None = None,
    lot_size: int = 1,
    freeze_qty: int = 0,
    product: int = 0,
    orders_left: int = 24,
    journal: Any = None,
    start: bool = True,
    **limits: Any,
) -> Engine:
    """One instrument, its series in the order of `lengths_s`, and strategies by their length."""
    engine = Engine(instruments=1, series=len(lengths_s), strategies=max(len(strategies), 1))
    engine.add_instrument(
        token=T0,
        segment=NSE,
        symbol="STOCK0",
        exchange="NSE",
        product=product,
        tick_size_e4=500,
        lot_size=lot_size,
        freeze_qty=freeze_qty,
    )
    for length_s in lengths_s:
        series = engine.add_series(0, length_s * SECOND)
        for own_s, strategy in strategies:
            if own_s == length_s:
                engine.add_compiled(
                    series,
                    strategy.build,
                    "",
                    {**PLAN, "on_opposite": 0, **(plan or {})},
                    tuple(s * SECOND for s in further_s if s != own_s),
                )
    engine.set_session(
        0,
        open_ns=OPEN_NS,
        entry_from_ns=OPEN_NS,
        entry_until_ns=OPEN_NS + 5 * HOUR,
        square_off_ns=OPEN_NS + 6 * HOUR,
        close_ns=OPEN_NS + 7 * HOUR,
    )
    engine.set_limits(**limits)
    engine.set_budget(modifies_per_order=orders_left)
    engine.set_encoder(KiteEncoder(b"127.0.0.1", b"", b"token k:t"))
    if journal is not None:
        journal.begin_section()
        engine.open_journal(journal.writer, hello(engine), OPEN_NS - HOUR)
    if start:
        engine.start(OPEN_NS - HOUR)
        engine.on_feed(True, OPEN_NS - HOUR)
    return engine


class DecisionDriver(EngineDriver):
    """An engine whose one strategy says by tick what the test puts into `next`, once."""

    def __init__(self, *, strategy: ScriptedStrategy | None = None, **given: Any) -> None:
        self.next: Callable[[ShownCall], None] | None = None
        self.strategy = strategy or ScriptedStrategy(on_tick=self._on_tick)
        self.e = engine_of((60, self.strategy), **given)
        self.now = START

    def _on_tick(self, see: ShownCall) -> None:
        said, self.next = self.next, None
        if said is not None:
            said(see)

    def say(self, *given: Any, **terms: Any) -> Any:  # type: ignore[override]
        """An Action: with the next price the strategy says it. Else what the exchange says."""
        if not isinstance(given[0], Action):
            return super().say(*given, **terms)
        self.next = lambda see: see.say(given[0], **terms)
        return None

    def decided(self, paise: int, action: Action, after: int = MS, **terms: Any) -> None:
        self.say(action, **terms)
        self.price(paise, after)

    def reasons(self) -> list[int]:
        return [signal["reason"] for signal in self.e.take_signals()]

    def held(self, side: Side = Side.BUY, *, px_e4: int = 1_000_000, **terms: Any) -> Any:
        """An entry of 10 at 100 rupees, filled at `px_e4`, and its working stop."""
        self.decided(10_000, Action.BUY if side == Side.BUY else Action.SELL, **terms)
        entry = self.take()
        self.ack(entry)
        self.say(entry, Ev.FILL_FULL, entry.qty, px_e4)
        stop = self.take()
        self.ack(stop)
        self.say(stop, Ev.WORKING)
        self.quiet()
        self.e.take_signals()
        self.e.take_notices()
        return stop


# ------------------------------------------------------------------------------------------- entries
def test_shares_for_delivery_are_left_and_never_sold_short() -> None:
    d = DecisionDriver(product=Product.CNC, plan={"on_opposite": 2})
    d.held()
    d.decided(9_990, Action.SELL)
    leave = d.take()
    d.ack(leave)
    d.say(leave, Ev.FILL_FULL, 10, 999_000)
    d.quiet()
    assert d.reasons() == [Reason.OK], "it leaves, and turns nothing round"
    d.decided(9_985, Action.SELL)
    d.quiet()
    assert d.reasons() == [Reason.SIDE_OFF]


@pytest.mark.parametrize("side", [Side.BUY, Side.SELL])
def test_without_levels_of_its_own_an_entry_has_the_plan_s(side: Side) -> None:
    d = DecisionDriver()
    stop = d.held(side)
    assert stop.trigger_e4 == 1_000_000 - side * 20_000
    assert d.b["target_e4"] == 1_000_000 + side * 40_000


@pytest.mark.parametrize(
    ("side", "level", "trigger"),
    [
        (Side.BUY, 98.5, 985_000),
        (Side.BUY, 98.52, 985_500),  # to the tick, towards the price: a smaller loss
        (Side.SELL, 101.5, 1_015_000),
        (Side.SELL, 101.52, 1_015_000),
    ],
)
def test_a_stop_that_is_a_price_does_not_follow_the_fill(
    side: Side, level: float, trigger: int
) -> None:
    d = DecisionDriver()
    filled = 1_000_000 + side * 5_000
    stop = d.held(side, px_e4=filled, stop=level, stop_is=Level.PRICE)
    assert (stop.ord_type, stop.trigger_e4) == (OrdType.SL, trigger)
    assert d.b["initial_stop_e4"] == trigger
    assert d.b["target_e4"] == filled + side * 40_000, "the target is the plan's, from the fill"


def test_a_stop_that_is_a_distance_follows_the_average_fill() -> None:
    d = DecisionDriver()
    d.decided(10_000, Action.BUY, stop=1.5, stop_is=Level.DISTANCE)
    entry = d.take()
    d.ack(entry)
    d.say(entry, Ev.FILL_PART, 4, 1_000_000)
    assert (first := d.take()).trigger_e4 == 985_000
    d.ack(first)
    d.say(first, Ev.WORKING)
    d.say(entry, Ev.FILL_FULL, 10, value=4 * 1_000_000 + 6 * 1_001_000)
    # (4 x 100.00 + 6 x 100.10) / 10 = 100.06, less 1.50 = 98.56, to the tick towards it: 98.60
    assert (d.take().trigger_e4, d.b["stop_e4"]) == (986_000, 986_000)


@pytest.mark.parametrize(
    ("terms", "target"),
    [
        ({"target": 103.0, "target_is": Level.PRICE}, 1_030_000),
        ({"target": 103.01, "target_is": Level.PRICE}, 1_030_500),  # away: never less than asked
        ({"target": 3.0, "target_is": Level.DISTANCE}, 1_035_000),  # from the fill at 100.50
    ],
)
def test_a_target_is_where_the_decision_has_put_it(terms: dict[str, Any], target: int) -> None:
    d = DecisionDriver()
    d.held(px_e4=1_005_000, **terms)
    assert d.b["target_e4"] == target
    d.price(target // 100 + 5)
    armed = d.take()
    assert (armed.kind, armed.ord_type, armed.price_e4) == (Cmd.REPLACE, OrdType.LIMIT, target)


def test_a_quantity_of_its_own_is_sent_whole_or_not_at_all() -> None:
    d = DecisionDriver(plan={"max_qty": 50})
    d.decided(10_000, Action.BUY, qty=51)
    d.quiet()
    assert d.reasons() == [Reason.MAX_QTY]
    d.decided(10_005, Action.BUY, qty=50)
    assert d.take().qty == 50


def test_a_risk_is_sized_by_the_decision_s_own_stop() -> None:
    d = DecisionDriver(plan={"size_mode": 2, "size_value": 100.0})
    d.decided(10_000, Action.BUY, stop=95.0, stop_is=Level.PRICE)
    assert d.take().qty == 20, "100 rupees at 5 rupees a unit"


REFUSED: list[tuple[Action, dict[str, Any], Reason]] = [
    (Action.BUY, {"stop": NAN, "stop_is": Level.PRICE}, Reason.DECISION_NAN),
    (Action.BUY, {"stop": NAN, "stop_is": Level.DISTANCE}, Reason.DECISION_NAN),
    (Action.BUY, {"target": NAN, "target_is": Level.PRICE}, Reason.DECISION_NAN),
    (Action.BUY, {"stop": math.inf, "stop_is": Level.PRICE}, Reason.LEVEL_ABSURD),
    (Action.SELL, {"stop": 1_000.05, "stop_is": Level.PRICE}, Reason.LEVEL_ABSURD),
    (Action.BUY, {"target": 1e300, "target_is": Level.DISTANCE}, Reason.LEVEL_ABSURD),
    (Action.BUY, {"stop": -1.0, "stop_is": Level.PRICE}, Reason.LEVEL_ABSURD),
    (Action.BUY, {"stop": 0.0, "stop_is": Level.PRICE}, Reason.LEVEL_ABSURD),
    (Action.BUY, {"stop": 100.0, "stop_is": Level.PRICE}, Reason.STOP_SIDE),
    (Action.BUY, {"stop": 99.96, "stop_is": Level.PRICE}, Reason.STOP_SIDE),  # 100.00 by the tick
    (Action.SELL, {"stop": 100.0, "stop_is": Level.PRICE}, Reason.STOP_SIDE),
    (Action.BUY, {"target": 100.0, "target_is": Level.PRICE}, Reason.TARGET_SIDE),
    (Action.SELL, {"target": 100.05, "target_is": Level.PRICE}, Reason.TARGET_SIDE),
    (Action.BUY, {"stop": 98.0, "stop_is": 7}, Reason.DECISION_UNKNOWN),
    (Action.BUY, {"stop_is": Level.NONE}, Reason.DECISION_UNKNOWN),
    (Action.BUY, {"qty": -10}, Reason.DECISION_QTY),
    (Action.BUY, {"qty": 26}, Reason.DECISION_QTY),
    (Action.BUY, {"why": -1}, Reason.DECISION_UNKNOWN),
    (Action.EXIT, {"why": 1 << 40}, Reason.DECISION_UNKNOWN),
    (Action.MOVE_STOP, {"stop": NAN, "stop_is": Level.PRICE}, Reason.DECISION_NAN),
    (Action.MOVE_STOP, {}, Reason.DECISION_UNKNOWN),
    (Action.MOVE_STOP, {"stop": 1_000.05, "stop_is": Level.PRICE}, Reason.LEVEL_ABSURD),
    (5, {}, Reason.DECISION_UNKNOWN),  # type: ignore[list-item]
    (-1, {}, Reason.DECISION_UNKNOWN),  # type: ignore[list-item]
]


@pytest.mark.parametrize(("action", "terms", "reason"), REFUSED)
def test_what_cannot_be_meant_is_refused_and_counted(
    action: Action, terms: dict[str, Any], reason: Reason
) -> None:
    d = DecisionDriver(lot_size=25)
    d.next = lambda see: see.say(action, **terms)
    d.price(10_000)
    d.quiet()
    (signal,) = d.e.take_signals()
    assert (signal["taken"], signal["reason"]) == (False, reason)
    decision = signal["decision"]
    assert decision is not None and decision["action"] == action
    assert d.e.strategy(0)["n_refused_decisions"] == 1
    assert d.e.n_brackets == 0


@pytest.mark.parametrize(
    ("terms", "fresh", "reason"),
    [
        ({"stop": 94.95, "stop_is": Level.PRICE}, True, Reason.LEVEL_ABSURD),
        ({"stop": 94.95, "stop_is": Level.PRICE}, False, Reason.OK),
        ({"target": 105.05, "target_is": Level.PRICE}, True, Reason.LEVEL_ABSURD),
        ({"stop": 95.0, "stop_is": Level.PRICE}, True, Reason.OK),
    ],
)
def test_a_price_beyond_a_fresh_band_is_refused(
    terms: dict[str, Any], fresh: bool, reason: Reason
) -> None:
    d = DecisionDriver()
    asked_ns = d.now if fresh else d.now - 121 * SECOND
    d.e.on_quote(0, asked_ns, d.now, ltp_e4=1_000_000, band_lo_e4=950_000, band_hi_e4=1_050_000)
    d.decided(10_000, Action.BUY, **terms)
    assert d.reasons() == [reason]


def test_a_refusal_that_repeats_itself_is_told_once_a_minute_and_counted_each_time() -> None:
    d = DecisionDriver()
    for at in range(5):
        d.decided(10_000 + 5 * at, Action.BUY, stop=200.0, stop_is=Level.PRICE)
    assert d.reasons() == [Reason.STOP_SIDE]
    d.decided(10_000, Action.BUY, qty=-1)
    d.decided(10_005, Action.BUY, stop=200.0, stop_is=Level.PRICE)
    assert d.reasons() == [Reason.DECISION_QTY, Reason.STOP_SIDE], "another one came between"
    d.decided(10_000, Action.BUY, after=MINUTE, stop=200.0, stop_is=Level.PRICE)
    assert d.reasons() == [Reason.STOP_SIDE]
    assert d.e.strategy(0)["n_refused_decisions"] == 8


def test_an_entry_that_waits_keeps_its_own_levels() -> None:
    w = DecisionDriver(entry_wait_ns=5 * SECOND)
    w.e.set_budget(per_second=3, reserve_second=1, modifies_per_order=24)
    w.held()
    w.decided(9_990, Action.EXIT, after=2 * SECOND)
    leave = w.take()
    w.ack(leave)
    w.say(leave, Ev.FILL_FULL, 10, 999_000)
    w.e.take_signals()
    w.decided(9_995, Action.BUY, stop=97.0, stop_is=Level.PRICE, qty=3)
    assert w.reasons() == [Reason.ENTRY_WAIT]
    w.decided(10_000, Action.MOVE_STOP, stop=99.0, stop_is=Level.PRICE)
    w.wait(2 * SECOND)
    assert w.take().qty == 3
    assert w.e.bracket(1)["said_stop_e4"] == 970_000


def test_an_entry_that_waited_is_not_sent_once_its_stop_has_traded() -> None:
    w = DecisionDriver(entry_wait_ns=5 * SECOND)
    w.e.set_budget(per_second=1, reserve_second=1, modifies_per_order=24)
    w.decided(10_000, Action.BUY, stop=99.0, stop_is=Level.PRICE)
    assert w.reasons() == [Reason.ENTRY_WAIT]
    w.e.take_notices()
    w.price(9_890, after=2 * SECOND)
    w.quiet()
    dropped = [n for n in w.e.take_notices() if n["note"] == Note.ENTRY_DROPPED]
    assert [n["reason"] for n in dropped] == [Reason.STOP_DISTANCE]


def test_a_reversal_keeps_the_levels_of_what_turned_it() -> None:
    d = DecisionDriver(plan={"on_opposite": 2})
    d.held()
    d.decided(9_990, Action.SELL, stop=103.0, stop_is=Level.PRICE)
    assert d.reasons() == [Reason.REVERSE_WAIT]
    leave = d.take()
    d.ack(leave)
    d.say(leave, Ev.FILL_FULL, 10, 999_000)
    entry = d.take()
    assert (entry.side, d.e.bracket(1)["said_stop_e4"]) == (Side.SELL, 1_030_000)


# ---------------------------------------------------------------------------------------------- exits
def test_an_exit_leaves_what_is_held() -> None:
    d = DecisionDriver()
    d.held()
    d.decided(10_010, Action.EXIT, why=2)
    leave = d.take()
    assert (leave.kind, leave.ord_type, leave.qty) == (Cmd.REPLACE, OrdType.LIMIT, 10)
    (signal,) = d.e.take_signals()
    assert (signal["side"], signal["taken"], signal["reason"]) == (Side.SELL, True, Reason.OK)
    assert signal["decision"] is not None and signal["decision"]["why"] == 2
    d.ack(leave)
    d.say(leave, Ev.FILL_FULL, 10, 1_001_000)
    assert (d.b["state"], d.b["exit_reason"]) == (BracketState.CLOSED, ExitReason.SIGNAL)
    d.price(10_020)
    position = d.strategy.calls[-1].position
    assert (position.is_flat, position.last_exit, position.n_trades) == (1, ExitReason.SIGNAL, 1)


def test_an_exit_takes_an_unfilled_entry_out() -> None:
    d = DecisionDriver()
    d.decided(10_000, Action.BUY)
    entry = d.take()
    d.ack(entry)
    d.say(entry, Ev.WORKING)
    d.decided(10_005, Action.EXIT)
    assert d.take().kind == Cmd.CANCEL


def test_an_exit_of_nothing_is_no_news() -> None:
    d = DecisionDriver()
    d.decided(10_000, Action.EXIT)
    d.quiet()
    assert d.reasons() == []
    assert d.e.strategy(0)["n_refused_decisions"] == 0


@pytest.mark.parametrize(
    ("stop_it", "reason"),
    [
        (lambda d: d.e.on_halt(Halt.HALTED, 0, d.now), Reason.HALTED),
        (lambda d: d.e.set_strategy_enabled(0, False), Reason.DISABLED),
    ],
)
def test_an_exit_is_not_heard_in_a_halt_or_when_switched_off(stop_it: Any, reason: Reason) -> None:
    d = DecisionDriver()
    d.held()
    stop_it(d)
    d.decided(10_010, Action.EXIT)
    d.quiet()
    assert d.reasons() == [reason]


# --------------------------------------------------------------------------------- moves of the stop
def moved(d: DecisionDriver, paise: int, level: float, after: int = MS) -> None:
    d.decided(paise, Action.MOVE_STOP, after, stop=level, stop_is=Level.PRICE)


@pytest.mark.parametrize(
    ("side", "paise", "level", "trigger"),
    [
        (Side.BUY, 10_100, 99.0, 990_000),
        (Side.BUY, 10_100, 99.01, 990_500),
        (Side.SELL, 9_900, 101.0, 1_010_000),
    ],
)
def test_a_stop_moves_towards_the_price(side: Side, paise: int, level: float, trigger: int) -> None:
    d = DecisionDriver()
    d.held(side)
    moved(d, paise, level)
    change = d.take()
    assert (change.kind, change.ord_type, change.trigger_e4) == (Cmd.REPLACE, OrdType.SL, trigger)
    assert d.b["n_stop_moves"] == 1


def test_a_distance_is_from_the_last_price() -> None:
    d = DecisionDriver()
    d.held()
    d.decided(10_100, Action.MOVE_STOP, stop=1.25, stop_is=Level.DISTANCE)
    assert d.take().trigger_e4 == 997_500


@pytest.mark.parametrize(
    ("level", "reasons"),
    [
        (97.9, []),  # looser
        (98.0, []),  # the same
        (98.01, []),  # to the tick it is 98.05, which is one: see below
        (101.0, [Reason.STOP_SIDE]),
        (101.5, [Reason.STOP_SIDE]),
    ],
)
def test_what_is_looser_or_beyond_the_price_moves_nothing(
    level: float, reasons: list[Reason]
) -> None:
    d = DecisionDriver()
    d.held()
    moved(d, 10_100, level)
    if level == 98.01:
        assert d.take().trigger_e4 == 980_500
        return
    d.quiet()
    assert d.b["n_stop_moves"] == 0
    assert d.reasons() == reasons


def test_moves_are_a_second_apart_and_the_tightest_of_what_waits_is_done() -> None:
    d = DecisionDriver()
    stop = d.held()
    moved(d, 10_100, 98.5)
    assert (change := d.take()).trigger_e4 == 985_000
    at_ns = d.now
    d.ack(change, stop.broker_order_id or "N1")
    d.say(change, Ev.REPLACED)
    moved(d, 10_105, 99.0, 100 * MS)
    moved(d, 10_100, 99.5, 100 * MS)
    moved(d, 10_105, 99.2, 100 * MS)
    d.quiet()
    assert d.e.next_timer_ns() == at_ns + SECOND
    d.now = at_ns
    d.wait(SECOND - MS)
    d.quiet()
    d.wait(MS)
    assert d.take().trigger_e4 == 995_000
    assert d.b["n_stop_moves"] == 2


@pytest.mark.parametrize(("level", "trigger"), [(100.5, 1_005_000), (99.5, 1_000_000)])
def test_of_strategy_and_trail_the_tighter_wins(level: float, trigger: int) -> None:
    d = DecisionDriver(plan={"trail_kind": 2, "trail_value": 1.0, "trail_step_value": 0.05})
    d.held()
    d.decided(10_100, Action.MOVE_STOP, stop=level, stop_is=Level.PRICE)  # the trail: 100.00
    cmd = d.take()
    while (more := d.e.take_command()) is not None:
        cmd = more
    d.ack(cmd, "N1")
    d.say(cmd, Ev.REPLACED)
    while (more := d.e.take_command()) is not None:
        d.ack(more, "N1")
        d.say(more, Ev.REPLACED)
    assert d.b["stop_e4"] == trigger


def test_beyond_the_reserve_of_modifications_the_exchange_s_stop_is_left_and_ours_leaves() -> None:
    d = DecisionDriver(orders_left=6, plan={"target_kind": 0})
    d.held()
    d.e.set_budget(per_second=1, reserve_second=1, modifies_per_order=6)  # and no room to renew it
    moved(d, 10_100, 100.0, 2 * SECOND)
    d.quiet()
    assert d.b["stop_e4"] == 1_000_000
    d.price(9_995)
    leave = d.take()
    assert (leave.kind, leave.ord_type) == (Cmd.REPLACE, OrdType.LIMIT)
    assert (d.b["state"], d.b["exit_reason"]) == (BracketState.EXITING, ExitReason.TRAIL)


def test_a_target_that_works_keeps_the_wish_until_it_falls_back() -> None:
    d = DecisionDriver()
    d.held(target=101.0, target_is=Level.PRICE)
    moved(d, 10_105, 99.0)
    armed = d.take()
    assert (armed.ord_type, armed.price_e4) == (OrdType.LIMIT, 1_010_000)
    d.ack(armed, "N1")
    d.say(armed, Ev.REPLACED)
    assert (d.b["move_e4"], d.b["stop_e4"]) == (990_000, 980_000)
    d.price(10_080)  # 10 bps below the target and more: it is a stop again, where it was wished
    assert d.take().trigger_e4 == 990_000


@pytest.mark.parametrize(
    "stop_it",
    [
        lambda d: d.e.on_halt(Halt.HALTED, 0, d.now),
        lambda d: d.e.set_strategy_enabled(0, False),
    ],
)
def test_like_a_trail_it_goes_on_in_a_halt_and_when_switched_off(stop_it: Any) -> None:
    d = DecisionDriver()
    d.held()
    stop_it(d)
    moved(d, 10_100, 99.0)
    assert d.take().trigger_e4 == 990_000


def test_a_move_of_nothing_is_no_news() -> None:
    d = DecisionDriver()
    moved(d, 10_000, 99.0)
    d.quiet()
    assert d.reasons() == []


# ------------------------------------------------------------------------------- what it is shown
def test_a_position_in_numbers() -> None:
    d = DecisionDriver()
    d.decided(10_000, Action.BUY)
    entry = d.take()
    d.ack(entry)
    d.price(10_005)
    waiting = d.strategy.calls[-1].position
    assert (waiting.is_flat, waiting.is_entering, waiting.side, waiting.qty) == (1, 1, 0, 0)
    d.say(entry, Ev.FILL_PART, 4, 1_000_000)
    d.price(10_010)
    held = d.strategy.calls[-1].position
    assert (held.side, held.qty, held.entry, held.is_long, held.is_entering) == (
        1,
        4,
        1_000_000,
        1,
        1,
    )
    assert held.profit == 4 * 1_000, "ten paise on four units"
    assert (held.stop, held.target) == (980_000, 1_040_000)
    assert (held.last_exit, held.n_trades, held.is_leaving, held.bars_held) == (0, 0, 0, 0)


def test_a_position_that_the_freeze_quantity_cuts_is_one() -> None:
    d = DecisionDriver(freeze_qty=6)
    d.decided(10_000, Action.BUY, qty=10)
    first, second = d.take(), d.take()
    for cmd, px in ((first, 1_000_000), (second, 1_001_000)):
        d.ack(cmd)
        d.say(cmd, Ev.FILL_FULL, cmd.qty, px)
    d.price(10_020)
    held = d.strategy.calls[-1].position
    # 6 at 100.00 and 4 at 100.10: 100.04
    assert (held.qty, held.entry, held.profit) == (10, 1_000_400, 6 * 2_000 + 4 * 1_000)


def test_time_as_it_is_shown() -> None:
    d = DecisionDriver()
    d.e.set_expiry(0, 3)
    d.now = OPEN_NS + 90 * SECOND
    d.price(10_000, after=0)
    clock = d.strategy.calls[-1].clock
    of_day = (d.now + 19_800 * SECOND) % (24 * HOUR) // SECOND
    assert (clock.now_ns, clock.second_of_day, clock.minute_of_day) == (d.now, of_day, of_day // 60)
    assert (clock.minute_of_session, clock.minutes_left) == (1, 358)
    assert (clock.phase, clock.days_to_expiry) == (Phase.ENTRY, 3)


def test_the_market_is_the_core_s_own() -> None:
    d = DecisionDriver()
    d.price(10_000)
    d.now += MS
    d.e.on_frame_bytes(frame(packet(T0, 10_050, bid=10_045, ask=10_055)), d.now)
    seen = d.strategy.calls[-1].market
    assert (seen.last, seen.last_before) == (1_005_000, 1_000_000)
    assert (seen.bid, seen.ask) == (1_004_500, 1_005_500)


def bars_at(e: Engine, *prices: tuple[float, int]) -> None:
    for after_s, paise in prices:
        e.on_frame_bytes(frame(packet(T0, paise)), OPEN_NS + round(after_s * SECOND))


def test_bars_are_numbered_and_further_ones_are_there_before_any_strategy_runs() -> None:
    order: list[int] = []
    short = ScriptedStrategy(on_bar=lambda see: order.append(60))
    long = ScriptedStrategy(on_bar=lambda see: order.append(300))
    e = engine_of((60, short), (300, long), lengths_s=(60, 300), further_s=(60, 300))
    bars_at(e, (0, 10_000), (61, 10_010), (130, 9_990), (299, 10_020), (301, 10_030))
    assert order == [60, 60, 60, 300, 60], "the longest first where both close by one price"
    first, second, _, last = (call.bar for call in short.calls)
    assert (first.index, first.count, first.minute_of_session, first.close) == (0, 1, 0, 1_000_000)
    assert (second.index, second.minute_of_session, second.gap) == (1, 1, 0)
    assert (last.index, last.minute_of_session, last.gap, last.close) == (3, 4, 1, 1_002_000)
    before, at_last = short.calls[2].bars, short.calls[3].bars
    assert before[0].count == 0
    assert (at_last[0].count, at_last[0].high, at_last[0].low) == (1, 1_002_000, 999_000)
    assert at_last[1].count == 0
    assert long.calls[0].bars[0].close == 1_002_000, "of the minute that closed with it"


def test_a_bar_s_strategy_is_asked_before_its_tick_and_heard_once_in_an_event() -> None:
    strategy = ScriptedStrategy(
        on_bar=lambda see: see.say(Action.BUY, qty=3),
        on_tick=lambda see: see.say(Action.SELL, qty=5),
    )
    e = engine_of((60, strategy))
    bars_at(e, (0, 10_000))
    assert [s["reason"] for s in e.take_signals()] == [Reason.OK], "the tick of no bar"
    strategy.calls.clear()
    f = engine_of((60, strategy))
    f.set_strategy_enabled(0, False)
    bars_at(f, (0, 10_000))
    f.set_strategy_enabled(0, True)
    f.take_signals()
    bars_at(f, (61, 10_010))
    signals = f.take_signals()
    assert [(s["side"], s["reason"]) for s in signals] == [
        (Side.BUY, Reason.OK),
        (Side.SELL, Reason.DECIDED_TWICE),
    ]
    assert [call.entry for call in strategy.calls] == ["on_tick", "on_bar", "on_tick"]
    command = f.take_command()
    assert command is not None and command.qty == 3


def test_a_bar_that_no_trade_ends_is_shown_when_the_timer_ends_it() -> None:
    order: list[tuple[int, int]] = []
    short = ScriptedStrategy(on_bar=lambda see: order.append((60, see.clock.now_ns - OPEN_NS)))
    long = ScriptedStrategy(on_bar=lambda see: order.append((120, see.clock.now_ns - OPEN_NS)))
    e = engine_of((60, short), (120, long), lengths_s=(60, 120))
    bars_at(e, (1, 10_000), (61, 10_010))
    assert [length for length, _ in order] == [60]
    e.on_timer(OPEN_NS + 121 * SECOND)
    assert len(order) == 1, "its last packet may still come"
    at_ns = 121 * SECOND + 500 * MS
    e.on_timer(OPEN_NS + at_ns)
    assert order[1:] == [(120, at_ns), (60, at_ns)], "the longest first"
    bars_at(e, (130, 10_020))
    assert len(order) == 3, "and once"


def test_bars_while_held_are_counted() -> None:
    d = DecisionDriver()
    seen: list[int] = []
    strategy = ScriptedStrategy(
        on_bar=lambda see: seen.append(see.position.bars_held),
        on_tick=lambda see: see.say(Action.BUY) if see.market.last == 1_000_000 else None,
    )
    d.e = engine_of((60, strategy))
    d.now = OPEN_NS
    d.price(10_000)
    entry = d.take()
    d.ack(entry)
    d.say(entry, Ev.FILL_FULL, 10, 1_000_000)
    d.take()
    for paise in (10_005, 10_010, 10_005):
        d.price(paise, after=MINUTE)
    assert seen == [1, 2, 3]


# ---------------------------------------------------------------------------------------------- fills
class FilledDriver(DecisionDriver):
    """The same with a strategy that is told of its fills."""

    def __init__(self, **given: Any) -> None:
        super().__init__()
        self.strategy = ScriptedStrategy(on_tick=self._on_tick, on_fill=self._on_tick)
        self.e = engine_of((60, self.strategy), **given)

    @property
    def fills(self) -> list[tuple[int, int, int, int, int]]:
        return [
            (f.entered_qty, f.entered_price, f.left_qty, f.left_price, f.exit_reason)
            for f in (call.fill for call in self.strategy.seen("on_fill"))
        ]


def test_a_fill_is_told_once_after_its_stop_is_asked_for() -> None:
    d = FilledDriver()
    d.decided(10_000, Action.BUY)
    entry = d.take()
    d.ack(entry)
    d.say(entry, Ev.FILL_PART, 4, 1_000_000)
    assert d.fills == [(4, 1_000_000, 0, 0, 0)]
    assert d.strategy.seen("on_fill")[0].position.stop == 980_000
    d.say(entry, Ev.FILL_PART, 4, 1_000_000)  # told again
    assert len(d.fills) == 1
    d.say(entry, Ev.FILL_FULL, 10, value=4 * 1_000_000 + 6 * 1_000_500)
    assert d.fills[1:] == [(6, 1_000_500, 0, 0, 0)]


def test_a_book_is_one_event_and_nobody_is_asked_inside_it() -> None:
    d = FilledDriver()
    d.decided(10_000, Action.BUY)
    entry = d.take()
    d.ack(entry)
    d.say(entry, Ev.WORKING)
    d.e.on_book_begin(d.now)
    d.say(entry, Ev.FILL_PART, 4, 1_000_000, source=2)
    d.say(entry, Ev.FILL_FULL, 10, value=4 * 1_000_000 + 6 * 1_000_500, source=2)
    assert d.fills == []
    d.now += MS
    d.e.on_book_end(d.now)
    # (4 x 100.00 + 6 x 100.05) / 10
    assert d.fills == [(10, 1_000_300, 0, 0, 0)]
    assert d.take().kind == Cmd.NEW, "its stop"


def test_an_exit_s_fill_and_what_the_strategy_says_of_it() -> None:
    d = FilledDriver()
    stop = d.held()
    d.strategy.calls.clear()
    d.price(9_795)
    d.say(Action.SELL, qty=2)
    d.say(stop, Ev.FILL_FULL, 10, 979_500, triggered=True)
    assert d.fills == [(0, 0, 10, 979_500, ExitReason.STOP)]
    told = d.strategy.seen("on_fill")[0].position
    assert (told.is_flat, told.last_exit, told.n_trades) == (1, ExitReason.STOP, 1)
    while (cmd := d.take()).kind != Cmd.NEW:
        pass
    assert (cmd.side, cmd.qty) == (Side.SELL, 2)


# --------------------------------------------------------------------------------------------- timers
def test_a_timer_beats_from_the_open_until_the_close_and_once_for_what_was_missed() -> None:
    strategy = ScriptedStrategy(on_timer=lambda see: None, timer_s=10)
    e = engine_of((60, strategy))

    def beats() -> list[int]:
        return [(c.clock.now_ns - OPEN_NS) // SECOND for c in strategy.calls]

    e.on_timer(OPEN_NS - SECOND)
    assert e.next_timer_ns() == OPEN_NS + 10 * SECOND
    for after_s in (0, 9, 10, 11, 19, 55, 56, 60):
        e.on_timer(OPEN_NS + after_s * SECOND)
    assert beats() == [10, 55, 60]
    assert e.next_timer_ns() == OPEN_NS + 70 * SECOND
    e.on_timer(OPEN_NS + 7 * HOUR - SECOND)
    e.on_timer(OPEN_NS + 7 * HOUR)
    e.on_timer(OPEN_NS + 8 * HOUR)
    assert beats()[3:] == [7 * 3600 - 1]
    assert e.next_timer_ns() == 0


def test_a_timer_decides() -> None:
    strategy = ScriptedStrategy(on_timer=lambda see: see.say(Action.SELL), timer_s=10)
    e = engine_of((60, strategy))
    bars_at(e, (1, 10_000))
    e.on_timer(OPEN_NS + 2 * SECOND)
    e.on_timer(OPEN_NS + 10 * SECOND)
    command = e.take_command()
    assert command is not None and command.side == Side.SELL


def test_each_beat_decides_though_no_bar_has_closed_between_them() -> None:
    """Prices that close no bar ask no strategy: two beats of one bar are two events all the same."""
    sides = [Action.SELL, Action.BUY]
    strategy = ScriptedStrategy(on_timer=lambda see: see.say(sides.pop(0)), timer_s=10)
    e = engine_of((60, strategy))
    bars_at(e, (1, 10_000))
    for after_s in (2, 10, 20):
        e.on_timer(OPEN_NS + after_s * SECOND)
    assert not sides
    assert Reason.DECIDED_TWICE not in [row["reason"] for row in e.take_signals()]


@pytest.mark.parametrize("n", [1, 2])
def test_a_bar_and_a_timer_of_one_beat_are_one_decision(n: int) -> None:
    """Of each strategy."""

    def say(see: ShownCall) -> None:
        see.say(Action.SELL)

    strategies = [ScriptedStrategy(on_bar=say, on_timer=say, timer_s=90) for _ in range(n)]
    e = engine_of(*((60, strategy) for strategy in strategies))
    bars_at(e, (1, 10_000))
    e.on_timer(OPEN_NS + 2 * SECOND)
    e.take_signals()
    e.on_timer(OPEN_NS + 90 * SECOND)
    assert all(len(strategy.calls) == 2 for strategy in strategies)
    reasons = [row["reason"] for row in e.take_signals()]
    assert reasons.count(Reason.DECIDED_TWICE) == n and len(reasons) == 2 * n


# ----------------------------------------------------------------------------------- state and journal
def counting(see: ShownCall) -> None:
    see.state[0] += 1
    if see.state[0] == 2:
        see.say(Action.BUY, stop=98.0, stop_is=Level.PRICE, why=1, inputs=(1.5, 2.5))


def test_history_feeds_it_and_is_not_heard() -> None:
    strategy = ScriptedStrategy(on_bar=counting)
    e = engine_of((60, strategy))
    day = 24 * HOUR
    bars = [
        (OPEN_NS - day + i * MINUTE, OPEN_NS - day + (i + 1) * MINUTE, 1, 1, 1, 1, 5)
        for i in range(3)
    ]
    e.on_history(bars, OPEN_NS - 1, series_id=0, strategy_id=0)
    assert [(c.bar.index, c.bar.count, c.bar.minute_of_session) for c in strategy.calls] == [
        (0, 1, 0),
        (1, 2, 1),
        (2, 3, 2),
    ]
    assert strategy.calls[-1].state[0] == 3
    assert not e.take_signals() and e.take_command() is None
    bars_at(e, (0, 10_000), (61, 10_010))
    assert (strategy.calls[-1].bar.index, strategy.calls[-1].bar.count) == (0, 4)


def test_a_checkpoint_goes_back_to_what_the_strategy_knew() -> None:
    strategy = ScriptedStrategy(on_tick=counting)
    e = engine_of((60, strategy))
    bars_at(e, (0, 10_000))
    saved = Checkpoint(e).save()
    bars_at(e, (1, 10_005))
    first = e.take_command()
    Checkpoint(e).restore(saved)
    assert Checkpoint(e).save() == saved
    bars_at(e, (1, 10_005))
    second = e.take_command()
    assert first is not None and second is not None
    assert first.request == second.request


def test_an_adopted_bracket_has_the_book_s_stop_and_no_target() -> None:
    d = DecisionDriver()
    d.price(10_000)
    d.e.adopt_bracket(0, Side.BUY, 10, 20_000, d.now, stop_e4=985_000)
    d.e.adopt_order(
        0,
        Leg.ENTRY,
        0,
        OrdStatus.PENDING_NEW,
        cl_ord_id="",
        broker_order_id="E1",
        side=Side.BUY,
        order_qty=10,
        price_e4=1_000_000,
        trigger_e4=0,
        ord_type=OrdType.LIMIT,
        ts_ns=d.now,
    )
    d.e.on_report(
        order_report(
            cl_ord_id="",
            broker_order_id="E1",
            ev=Ev.FILL_FULL,
            source=2,
            side=Side.BUY,
            order_qty=10,
            cum_qty=10,
            cum_value_e4=10_000_000,
            price_e4=1_000_000,
            ord_type=OrdType.LIMIT,
            ts_recv_ns=d.now,
        )
    )
    assert (d.b["stop_e4"], d.b["target_e4"]) == (985_000, 0)
    assert d.take().trigger_e4 == 985_000


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"entry_points": {}}, "has none of the entry points"),
        ({"entry_points": {"on_dream": 1}}, "one that there is not"),
        ({"entry_points": {"on_bar": 0}}, "one that there is not"),
        ({"state": b""}, "no state"),
        ({"state": bytes(65_537)}, "more state"),
        ({"params_bytes": 4_097}, "parameters than the core keeps"),
        ({"timer_s": 5}, "a timer has on_timer"),
        ({"timer_s": -5, "entry_points": {"on_timer": 1}}, "a second at least"),
    ],
)
def test_a_strategy_that_cannot_be_run_is_not_registered(given: dict[str, Any], words: str) -> None:
    whole: dict[str, Any] = dict(
        build="bad",
        name="Bad",
        entry_points={"on_bar": 1},
        params_bytes=0,
        state=bytes(8),
        timer_s=0,
        reasons=(),
    )
    with pytest.raises(EngineError, match=words):
        register(CompiledStrategy(**{**whole, **given}))


def test_an_engine_refuses_by_name_what_it_does_not_have() -> None:
    e = Engine(instruments=1, series=1, strategies=1)
    e.add_instrument(
        token=T0, segment=NSE, symbol="S", exchange="NSE", product=0, tick_size_e4=500, lot_size=1
    )
    series = e.add_series(0, MINUTE)
    known = ScriptedStrategy(on_bar=counting)
    with pytest.raises(EngineError, match="build gone is not loaded: build it from its source"):
        e.add_compiled(series, "gone", "", PLAN)
    with pytest.raises(EngineError, match="0 bytes of parameters, and not 2"):
        e.add_compiled(series, known.build, "0102", PLAN)
    with pytest.raises(EngineError, match="none of its own"):
        e.add_compiled(series, known.build, "", PLAN, (MINUTE,))
    with pytest.raises(EngineError, match=f"at most {BARS_MAX} further"):
        e.add_compiled(series, known.build, "", PLAN, tuple(range(1, 7)))
    with pytest.raises(EngineError, match="no plan 'dream'"):
        e.add_compiled(series, known.build, "", {"dream": 1})
    assert e.n_strategies == 0
