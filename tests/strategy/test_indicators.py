"""Indicators against TA-Lib, against straightforward numpy over the whole history, and against numbers
worked by hand; how long each warms up; that none ever raises. Compiled they are the same by
`test_compiled.py`.
"""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import talib

from otrade.strategy.indicators import CELLS, HELPERS
from otrade.strategy.indicators.registry import Period
from otrade.strategy.words.cell import Cell, structure

N = 600
WINDOW = 256


def cell(kind: type[Cell]) -> Any:
    sized = kind.sized(WINDOW) if kind.has_window() else kind
    return structure(sized.__name__, sized.rows())()


def run(name: str, *given: Any, **outputs: str) -> Any:
    """What a helper gives for each row; a series is an array, a constant a number. With `outputs=`, those
    fields of its cell instead.
    """
    helper = HELPERS[name]
    assert helper.cell
    s = cell(helper.cell)
    n = max(len(one) for one in given if isinstance(one, np.ndarray))
    rows = []
    for i in range(n):
        values = [one[i].item() if isinstance(one, np.ndarray) else one for one in given]
        value = helper.word(s, *values)
        rows.append(
            [getattr(s, field) for field in outputs["outputs"].split()] if outputs else value
        )
    return np.array(rows)


def walk(seed: int = 5, n: int = N) -> tuple[Any, Any, Any, Any]:
    """(high, low, close, volume) of a seeded random walk."""
    rng = np.random.default_rng(seed)
    close = 1500 + np.cumsum(rng.normal(0, 2, n)).round(2)
    high = close + rng.uniform(0, 3, n).round(2)
    low = close - rng.uniform(0, 3, n).round(2)
    return high, low, close, rng.integers(0, 500, n).astype(float)


def naive_ema(x: Any, period: int) -> Any:
    """The definition: weights k (1-k)^i, the rest on the first value."""
    k, out = 2 / (period + 1), [x[0]]
    for v in x[1:]:
        out.append(k * v + (1 - k) * out[-1])
    return np.array(out)


def windows(x: Any, period: int) -> Any:
    """Rows of the last `period` values, from the first that is whole."""
    return np.lib.stride_tricks.sliding_window_view(x, period)


def close_after(got: Any, want: Any, warm: int) -> None:
    np.testing.assert_allclose(got[warm:], want[warm:], rtol=1e-9, atol=1e-9)
    assert not np.isnan(want[warm:]).any()


# ------------------------------------------------------------------------------------------ averages
@pytest.mark.parametrize("period", [2, 9, 21, 200])
def test_moving_averages(period: int) -> None:
    # TA-Lib seeds an EMA with a mean, we with the first value: the seed's weight fades as (1 - k)^n.
    _, _, close, _ = walk(n=8_000)
    ours = run("ema", close, period)
    close_after(ours, talib.EMA(close, period), 30 * period)
    np.testing.assert_allclose(ours, naive_ema(close, period), rtol=1e-12)
    close_after(run("sma", close, period), talib.SMA(close, period), period)


@pytest.mark.parametrize("period", [2, 9, 200])
def test_weighted_averages(period: int) -> None:
    _, _, close, _ = walk()
    close_after(run("wma", close, period), talib.WMA(close, period), period)
    half, smooth = max(period // 2, 1), math.isqrt(period)

    def weighted(x: Any, n: int) -> Any:
        return windows(x, n) @ np.arange(1, n + 1) / (n * (n + 1) / 2)

    raw = 2 * weighted(close, half)[period - half :] - weighted(close, period)
    want = weighted(raw, smooth)
    np.testing.assert_allclose(run("hma", close, period)[period + smooth - 2 :], want, rtol=1e-10)


@pytest.mark.parametrize("period", [1, 9, 21, 256])
def test_a_mean_of_prices_is_the_nearest_number_to_the_exact_one(period: int) -> None:
    seed = 7
    print(f"seed {seed}")
    units = np.random.default_rng(seed).integers(1, 10**10, 3_000)
    got = run("mean_price", units / 10_000.0, period)
    for i in range(len(units)):
        last = [int(one) for one in units[max(0, i + 1 - period) : i + 1]]
        assert got[i] == float(Fraction(sum(last), 10_000 * len(last)))


def test_a_simple_average_does_not_drift() -> None:
    x = np.random.default_rng(1).uniform(1e4, 1e5, 100_000)
    got = run("sma", x, 200)
    np.testing.assert_allclose(got[199:], np.convolve(x, np.ones(200) / 200, "valid"), rtol=1e-12)


# ------------------------------------------------------------------------------------------ momentum
@pytest.mark.parametrize("period", [2, 14, 50])
def test_rsi_and_atr(period: int) -> None:
    high, low, close, _ = walk()
    close_after(run("rsi", close, period), talib.RSI(close, period), period + 1)
    close_after(
        run("atr", high, low, close, period), talib.ATR(high, low, close, period), period + 1
    )


def test_rsi_by_hand() -> None:
    # changes +1, -1, +2 with period 2: gains (1+0)/2 = 0.5 -> (0.5+2)/2 = 1.25, losses 0.5 -> 0.25;
    # 100 - 100/(1+5) = 83.33
    got = run("rsi", np.array([10.0, 11, 10, 12]), 2)
    np.testing.assert_allclose(got, [50, 100, 50, 100 - 100 / 6], rtol=1e-12)


def test_true_range_by_hand() -> None:
    word = HELPERS["true_range"].word
    assert [word(12, 10, 11), word(12, 10, 14), word(12, 10, 7)] == [2.0, 4.0, 5.0]


def test_macd() -> None:
    _, _, close, _ = walk()
    rows = run("macd", close, 12, 26, 9, outputs="value signal histogram")
    line = naive_ema(close, 12) - naive_ema(close, 26)
    signal = naive_ema(line, 9)
    want = np.column_stack([line, signal, line - signal])
    np.testing.assert_allclose(rows, want, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("period", [1, 10, 100])
def test_roc(period: int) -> None:
    _, _, close, _ = walk()
    close_after(run("roc", close, period), talib.ROC(close, period), period)


@pytest.mark.parametrize("period", [5, 20])
def test_cci_and_williams(period: int) -> None:
    high, low, close, _ = walk()
    close_after(run("cci", high, low, close, period), talib.CCI(high, low, close, period), period)
    want = talib.WILLR(high, low, close, period)
    close_after(run("williams_r", high, low, close, period), want, period)


@pytest.mark.parametrize(("period", "smooth"), [(5, 3), (14, 3), (14, 1)])
def test_stochastic(period: int, smooth: int) -> None:
    high, low, close, _ = walk()
    rows = run("stochastic", high, low, close, period, smooth, outputs="k d")
    k, d = talib.STOCHF(high, low, close, fastk_period=period, fastd_period=smooth)
    close_after(rows[:, 0], k, period + smooth)
    close_after(rows[:, 1], d, period + smooth)


def test_what_does_not_move_has_no_place_in_its_range() -> None:
    flat = np.full(20, 100.0)
    assert set(run("stochastic", flat, flat, flat, 5, 3)) == {50.0}
    assert set(run("williams_r", flat, flat, flat, 5)) == {-50.0}
    assert set(run("cci", flat, flat, flat, 5)) == {0.0}
    assert set(run("rsi", flat, 5)) == {50.0}
    assert set(run("roc", np.zeros(20), 5)) == {0.0}


# -------------------------------------------------------------------------------------------- ranges
@pytest.mark.parametrize("period", [2, 20, 200])
def test_deviation(period: int) -> None:
    _, _, close, _ = walk()
    rows = run("deviation", close, period, outputs="value mean")
    want = windows(close, period)
    np.testing.assert_allclose(rows[period - 1 :, 0], want.std(axis=1), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(rows[period - 1 :, 1], want.mean(axis=1), rtol=1e-12)


@pytest.mark.parametrize(("period", "k"), [(5, 1.0), (20, 2.0), (200, 2.5)])
def test_bollinger(period: int, k: float) -> None:
    _, _, close, _ = walk()
    rows = run("bollinger", close, period, k, outputs="upper mid lower")
    for at, want in enumerate(talib.BBANDS(close, period, k, k)):
        np.testing.assert_allclose(rows[period:, at], want[period:], rtol=1e-8)


def test_keltner() -> None:
    high, low, close, _ = walk()
    period, k = 10, 1.5
    rows = run("keltner", high, low, close, period, k, outputs="upper mid lower")
    mid, spread = naive_ema(close, period), talib.ATR(high, low, close, period)
    want = np.column_stack([mid + k * spread, mid, mid - k * spread])
    np.testing.assert_allclose(rows[period + 1 :], want[period + 1 :], rtol=1e-10)


@pytest.mark.parametrize("period", [2, 20, 55])
def test_donchian_highest_and_lowest(period: int) -> None:
    high, low, _, _ = walk()
    rows = run("donchian", high, low, period, outputs="mid upper lower")
    top, bottom = talib.MAX(high, period), talib.MIN(low, period)
    want = np.column_stack([(top + bottom) / 2, top, bottom])
    np.testing.assert_allclose(rows[period:], want[period:], rtol=1e-12)
    close_after(run("highest", high, period), top, period)
    close_after(run("lowest", low, period), bottom, period)


# --------------------------------------------------------------------------------------------- trend
@pytest.mark.parametrize("period", [5, 14])
def test_adx(period: int) -> None:
    high, low, close, _ = walk(8)
    rows = run("adx", high, low, close, period, outputs="value plus minus")
    close_after(rows[:, 0], talib.ADX(high, low, close, period), 2 * period)
    close_after(rows[:, 1], talib.PLUS_DI(high, low, close, period), 2 * period)
    close_after(rows[:, 2], talib.MINUS_DI(high, low, close, period), 2 * period)


@pytest.mark.parametrize("period", [3, 14, 100])
def test_linear_regression(period: int) -> None:
    _, _, close, _ = walk()
    rows = run("linear_regression", close, period, outputs="value slope")
    close_after(rows[:, 0], talib.LINEARREG(close, period), period)
    np.testing.assert_allclose(
        rows[period:, 1], talib.LINEARREG_SLOPE(close, period)[period:], rtol=1e-6, atol=1e-9
    )


def test_supertrend_against_a_naive_account() -> None:
    high, low, close, _ = walk(3)
    period, factor = 10, 3.0
    got = run("supertrend", high, low, close, period, factor, outputs="trend value")
    true_ranges: list[float] = []
    atr = upper = lower = 0.0
    trend = 0
    for i in range(1, N):
        sides = (high[i] - low[i], abs(high[i] - close[i - 1]), abs(low[i] - close[i - 1]))
        true_ranges.append(max(sides))
        if i <= period:
            atr = float(np.mean(true_ranges))
        else:
            atr = (atr * (period - 1) + true_ranges[-1]) / period
        mid = (high[i] + low[i]) / 2
        up, down = mid + factor * atr, mid - factor * atr
        if i > 1:
            up = up if up < upper or close[i - 1] > upper else upper
            down = down if down > lower or close[i - 1] < lower else lower
        upper, lower = up, down
        if trend == 0:
            trend = 1 if close[i] >= mid else -1
        elif trend > 0 and close[i] < lower:
            trend = -1
        elif trend < 0 and close[i] > upper:
            trend = 1
        assert got[i][0] == trend, i
        assert got[i][1] == pytest.approx(lower if trend > 0 else upper, rel=1e-9)
    assert {1, -1} <= set(got[:, 0]), "the trend must have turned"


@pytest.mark.parametrize(
    ("a", "b", "want"),
    [
        ([1, 2, 3, 2, 1], [2, 2, 2, 2, 2], [0, 0, 1, 0, -1]),  # touching is not crossing
        ([3, 1, 3, 1], [2, 2, 2, 2], [0, -1, 1, -1]),
        ([2, 2, 3], [2, 2, 2], [0, 0, 0]),  # no former side, no crossing
    ],
)
def test_crossings_by_hand(a: list[float], b: list[float], want: list[int]) -> None:
    assert run("cross", np.array(a), np.array(b)).tolist() == want


# ------------------------------------------------------------------------------------------- session
def days(n: int, each: int = 75) -> Any:
    return np.arange(n) // each + 19_000


def by_day(day: Any, x: Any, over: Any) -> Any:
    """`over` of what each day has brought so far."""
    return np.array([over(x[: i + 1][day[: i + 1] == day[i]]) for i in range(len(x))])


def test_session_high_and_low() -> None:
    high, low, _, _ = walk()
    day = days(N)
    np.testing.assert_array_equal(run("session_high", high, day), by_day(day, high, np.max))
    np.testing.assert_array_equal(run("session_low", low, day), by_day(day, low, np.min))


def test_vwap_begins_anew_with_each_day() -> None:
    _, _, close, volume = walk()
    day = days(N)
    volume[:5] = 0.0
    turnover = by_day(day, close * volume, np.sum)
    total = by_day(day, volume, np.sum)
    want = np.where(total > 0, turnover / np.where(total > 0, total, 1), close)
    np.testing.assert_allclose(run("vwap", close, volume, day), want, rtol=1e-12)


def test_obv() -> None:
    _, _, close, volume = walk()
    want = talib.OBV(close, volume)
    np.testing.assert_allclose(run("obv", close, volume), want - want[0], rtol=1e-12)


def test_pivots_are_of_the_day_before() -> None:
    high, low, close, _ = walk()
    day = days(N)
    rows = run("pivots", high, low, close, day, outputs="pivot r1 r2 r3 s1 s2 s3 ready")
    for i in range(N):
        before = day == day[i] - 1
        if not before.any():
            assert not rows[i].any()
            continue
        h, lo, c = high[before].max(), low[before].min(), close[before][-1]
        p = (h + lo + c) / 3
        want = [
            p,
            2 * p - lo,
            p + h - lo,
            h + 2 * (p - lo),
            2 * p - h,
            p - h + lo,
            lo - 2 * (h - p),
            1,
        ]
        np.testing.assert_allclose(rows[i], want, rtol=1e-12)


def test_heikin_ashi() -> None:
    high, low, close, _ = walk()
    opens = np.roll(close, 1)
    rows = run("heikin_ashi", opens, high, low, close, outputs="open high low close")
    averaged = (opens + high + low + close) / 4
    begin = (opens[0] + close[0]) / 2
    for i in range(N):
        if i:
            begin = (begin + averaged[i - 1]) / 2
        top, bottom = max(high[i], begin, averaged[i]), min(low[i], begin, averaged[i])
        np.testing.assert_allclose(rows[i], [begin, top, bottom, averaged[i]], rtol=1e-12)


def test_a_ring_looks_back() -> None:
    s, put, back = cell(CELLS["Ring"]), HELPERS["push"].word, HELPERS["ago"].word
    for i in range(1_000):
        put(s, float(i))
        for k in (0, 1, 5, 255):
            assert back(s, k) == max(i - k, 0)
        assert s.seen == min(i + 1, WINDOW) and s.ready == (i + 1 >= WINDOW)


# --------------------------------------------------------------------------------------------- all
def arguments(name: str) -> tuple[list[str], list[str]]:
    """Names of a helper's numbers, and of its periods."""
    given = HELPERS[name].arguments
    periods = [n for n, kind in given.items() if kind is Period]
    return [n for n, kind in given.items() if kind in (float, int)], periods


@pytest.mark.parametrize("name", [n for n, h in HELPERS.items() if h.cell and h.warm_up])
@pytest.mark.parametrize("period", [1, 2, 3, 14, 60])
def test_it_is_ready_after_its_warm_up_and_not_before(name: str, period: int) -> None:
    helper = HELPERS[name]
    assert helper.cell and helper.warm_up
    numbers, periods = arguments(name)
    lengths = [period + 2 * at for at in range(len(periods))]
    s, rng = cell(helper.cell), np.random.default_rng(period)
    warm_up = helper.warm_up(*lengths)
    for n in range(1, warm_up + 20):
        values = iter(rng.uniform(90, 110, len(numbers)).tolist())
        given = [
            lengths[periods.index(a)] if a in periods else 5 if a == "day" else next(values)
            for a in list(helper.arguments)[1:]
        ]
        helper.word(s, *given)
        assert s.ready == (n >= warm_up), n
        assert s.seen <= warm_up


@pytest.mark.parametrize("name", HELPERS)
def test_no_number_makes_it_raise(name: str) -> None:
    helper = HELPERS[name]
    rng = np.random.default_rng(7)
    wild = [0.0, -0.0, 1.0, -1.0, math.inf, -math.inf, math.nan, 1e308, -1e308, 5e-324, 100.25]
    numbers, periods = arguments(name)
    for window in ((1, 1, 1), (3, 2, 5), (256, 256, 256)):
        s = [cell(helper.cell)] if helper.cell else []
        for _ in range(300):
            values = {
                n: int(rng.integers(-3, 3))
                if helper.arguments[n] is int
                else float(rng.choice(wild))
                for n in numbers
            }
            values |= dict(zip(periods, window, strict=False))
            helper.word(*s, *(values[n] for n in helper.arguments if n in values))


def test_each_says_where_it_comes_from() -> None:
    assert all(len(helper.source) > 10 for helper in HELPERS.values())


def test_each_cell_has_one_word() -> None:
    used = [helper.cell for helper in HELPERS.values() if helper.cell]
    assert set(used) == set(CELLS.values())
    twice = [a for a, b in itertools.pairwise(sorted(c.__name__ for c in used)) if a == b]
    assert set(twice) <= {"Ring"}
