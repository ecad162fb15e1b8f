"""The readings of the shipped files, each against a few bars worked out by hand."""

from dataclasses import replace

import pytest

from otrade.drill.trader.plan import TradedStrategy, TraderInstrument
from otrade.drill.trader.reading.arithmetic import LastValues, WilderRange, WilderRsi
from otrade.drill.trader.reading.examples import EXAMPLES, ShownBar, TimedLook
from otrade.drill.trader.reading.sayings import Enter, Leave, MoveStop, Saying
from otrade.drill.trader.reading.seen_bar import TraderBar
from otrade.drill.trader.said import asked_for, unknown_terms
from tests.drill.trader import test_trader

SECOND = 1_000_000_000
PLAN = {"stop_kind": 1, "stop_value": 20.0, "target_kind": 0, "target_value": 0.0, "max_qty": 0}


def shown(
    high: float, low: float, close: float, volume: int = 10, minute: int = 60, left: int = 200
) -> ShownBar:
    prices = [round(price * 10_000) for price in (high, low, close)]
    return ShownBar(TraderBar(0, SECOND, *prices, volume=volume), minute, left)


def said(file: str, params: dict[str, float], bars: list[ShownBar]) -> list[list[Saying]]:
    reading = EXAMPLES[file][0](params)
    return [reading.on_bar(bar) for bar in bars]


def closes(*prices: float) -> list[ShownBar]:
    return [shown(price, price, price) for price in prices]


def test_ema_crossover() -> None:
    """Fast 1 is the close itself; slow 3 moves by a half."""
    found = said(
        "ema_crossover.py", {"fast_period": 1, "slow_period": 3}, closes(100, 101, 102, 100, 100)
    )
    assert found == [[], [], [], [Enter(-1)], []]


def test_opening_range() -> None:
    bars = [
        shown(101, 99, 100, minute=0),
        shown(102, 100, 101, minute=1),
        shown(102, 101, 101.9, minute=2),
        shown(103, 101, 102.5, minute=3),
    ]
    found = said("opening_range.py", {"minutes": 2, "room": 0.0}, bars)
    assert found == [[], [], [], [Enter(1, True, stop_at=99, target_at=109.5)]]


def test_what_begins_anew_with_each_day() -> None:
    """The range and the day's average price forget the day before."""
    reading = EXAMPLES["opening_range.py"][0]({"minutes": 1, "room": 0.0})
    first, second = shown(110, 90, 100, minute=0), shown(102, 98, 100, minute=0)
    reading.on_bar(first)
    reading.on_bar(replace(second, day=1))
    found = reading.on_bar(replace(shown(103, 101, 103, minute=1), day=1))
    assert found == [Enter(1, True, stop_at=98, target_at=113.0)]
    fair = EXAMPLES["vwap_reversion.py"][0]({"period": 5, "far": 2, "stop_at": 1, "last": 0})
    fair.on_bar(shown(50, 50, 50))
    assert fair.on_bar(replace(shown(100, 100, 100), day=1)) == [Leave(1, True), Leave(-1, True)]


def test_vwap_reversion() -> None:
    """Five bars at 100 and one at 106 of the same volume: fair is 101, away 5; of (0, 0, 0, 0, 5) the
    deviation is 2, so that it is 2.5 deviations away.
    """
    params = {"period": 5, "far": 2.4, "stop_at": 1.5, "last": 30}
    found = said("vwap_reversion.py", params, closes(100, 100, 100, 100, 100, 106))
    assert found[0] == [Leave(1, True), Leave(-1, True)], "at fair: rounding decides"
    assert found[-1] == [
        Leave(1),
        Enter(-1, True, stop_away=pytest.approx(3.0), target_at=pytest.approx(101.0)),
    ]
    late = said("vwap_reversion.py", params, [*closes(100, 100, 100, 100, 100), shown(106, 106, 106, left=30)])  # fmt: skip
    assert late[-1] == [Leave(1)]


def test_timed_momentum() -> None:
    """The mean of three looks; 10 bps of 100 are 0.1."""
    reading = EXAMPLES["timed_momentum.py"][0]({"looks": 3, "edge": 10.0, "last": 5})
    assert reading.timer_s == 30 and reading.on_bar(shown(100, 100, 100)) == []

    def look(price: float, left: int = 200, **more: bool) -> list[Saying]:
        return reading.on_timer(TimedLook(price, left, **more))

    assert look(0.0) == []
    assert look(100.0) == [Leave(1, True), Leave(-1, True)], "at the mean: rounding decides"
    assert look(100.2) == [Leave(-1)], "two looks are not three"
    assert look(100.3) == [Enter(1, True), Leave(-1)], "0.133 above 100.167"
    assert look(100.2) == [Leave(1)], "0.033 below 100.233"
    assert look(99.9) == [Leave(1), Enter(-1, True)]
    assert look(99.0, left=5) == [Leave(1), Leave(-1)], "the day is nearly over"
    at_the_end = look(98.0, left=6, may_be_less=True)
    assert at_the_end == [Leave(1), Leave(-1, True), Enter(-1, True, is_close=True)]
    first = look(97.0, is_doubtful=True)
    assert all(one.is_close for one in first) and first
    again = [look(96.0), look(95.0)]
    assert all(one.is_close for said in again for one in said), "the mean still holds that look"
    assert not any(one.is_close for one in look(94.0))


def test_rsi_reversion() -> None:
    """Changes of +1 and -3 of period 2: 100 - 100 / (1 + 1 / 3) = 25. The slower close is above its mean."""
    params = {"period": 2, "low": 30, "high": 70, "trend_period": 2, "rest": 3, "stop": 1.0}
    reading = EXAMPLES["rsi_reversion.py"][0](params)
    found = list[Saying]()
    for slower, bar in zip((98, 99, 100), closes(100, 101, 98), strict=True):
        reading.slower(closes(slower)[0].bar)
        found = reading.on_bar(bar)
    assert found == [
        Leave(-1),
        Enter(1, True, stop_away=pytest.approx(0.98), rest_bars=3),
    ]


def test_supertrend() -> None:
    """Ranges of 2 throughout, period 1, factor 1: bands 2 away from the middle, which only tighten."""
    bars = [shown(101, 99, 100), shown(102, 100, 102), shown(103, 101, 102), shown(101, 99, 99.5)]
    found = said("supertrend_trailing.py", {"period": 1, "factor": 1.0}, bars)
    assert found[1] == [MoveStop(1, 99.0), MoveStop(-1, 99.0)]
    assert found[2] == [MoveStop(1, 100.0), MoveStop(-1, 100.0)]
    assert found[3] == [Enter(-1, stop_at=103.0)], "true range 3, middle 100: below the band at 100"


def test_range_trailing() -> None:
    """Ranges of 2, one range away: the stop is 2 from the entry, and from each trade since."""
    reading = EXAMPLES["range_trailing.py"][0]({"period": 2, "atr_period": 1, "ranges": 1.0})
    bars = [shown(101, 99, 100), shown(101, 99, 99.5), shown(101.5, 99.5, 101)]
    assert not reading.on_trade(100.0)
    found = [reading.on_bar(bar) for bar in bars]
    assert found == [[], [], [Enter(1, True, stop_away=2.0)]]
    assert reading.on_trade(102.0) == [MoveStop(1, 100.0), MoveStop(-1, 104.0)]


def test_volatility_breakout() -> None:
    params = {"period": 2, "atr_period": 1, "stop_ranges": 2, "target_ranges": 4, "risk": 50.0}
    bars = [shown(101, 99, 100), shown(102, 100, 101), shown(103, 101, 102.5)]
    found = said("volatility_breakout.py", params, bars)
    assert found == [[], [], [Enter(1, True, stop_away=4.0, target_away=8.0, qty=12)]]


def test_what_repeats_needs_no_memory() -> None:
    values = LastValues(2)
    for value in (1.0, 2.0, 4.0):
        values.take(value)
    assert (values.mean, values.deviation, values.highest, values.lowest) == (3.0, 1.0, 4.0, 2.0)
    strength, spread = WilderRsi(2), WilderRange(2)
    for high, low, close in ((10, 8, 9), (11, 9, 10), (12, 7, 8), (9, 8, 8.5)):
        strength.take(close)
        spread.take(high, low, close)
    assert spread.value == ((2 + 5) / 2 + 1) / 2
    assert strength.value == 50.0, "gains 1, 0, 0.5 and losses 0, 2, 0: a half each"


@pytest.fixture
def instrument() -> TraderInstrument:
    return test_trader.instrument()


def test_levels_are_on_the_tick_and_on_their_sides(instrument: TraderInstrument) -> None:
    """The tick is 0.05: a stop is rounded towards the price, a target away from it."""
    asked = asked_for(instrument, PLAN, Enter(1, stop_at=98.91, target_at=103.01), 1_000_000)
    assert asked is not None
    assert (asked["stop_at_e4"], asked["target_at_e4"]) == (989_500, 1_030_500)
    asked = asked_for(instrument, PLAN, Enter(-1, stop_away=1.25, qty=3), 1_000_000)
    assert asked is not None
    assert (asked["stop_kind"], asked["stop_value"], asked["own_qty"]) == (2, 1.25, 3)


@pytest.mark.parametrize(
    "entry",
    [
        Enter(1, stop_at=100.0),
        Enter(-1, stop_at=99.0),
        Enter(1, target_at=99.0),
        Enter(1, stop_at=0.0),
        Enter(1, stop_away=-1.0),
        Enter(1, target_away=2_000.0),
    ],
)
def test_what_cannot_be_meant_is_refused(instrument: TraderInstrument, entry: Enter) -> None:
    assert asked_for(instrument, PLAN, entry, 1_000_000) is None


def test_terms_of_which_nobody_knows() -> None:
    own = TradedStrategy(0, "file", SECOND, {}, PLAN, file="supertrend_trailing.py")
    plain = TradedStrategy(0, "file", SECOND, {}, PLAN, file="ema_crossover.py")
    assert unknown_terms(own)["is_unknown"] and unknown_terms(plain) is plain.plan
