"""Indicators against TA-Lib, against naive numpy over the whole history, and against numbers worked
by hand.
"""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import talib

from otrade._core.kernels import layout
from tests.core.kernels import kernel_run

N = 600


@pytest.fixture(scope="module")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return kernel_run.load(Path(tmp_path_factory.mktemp("kernels")))


def state(name: str, **fields: Any) -> Any:
    made = layout.ctypes_struct(name)()
    for field, value in fields.items():
        setattr(made, field, value)
    return made


def walk(seed: int = 5, n: int = N) -> tuple[Any, Any, Any, Any]:
    """(high, low, close, volume) of a seeded random walk."""
    rng = np.random.default_rng(seed)
    close = 1500 + np.cumsum(rng.normal(0, 2, n)).round(2)
    high = close + rng.uniform(0, 3, n).round(2)
    low = close - rng.uniform(0, 3, n).round(2)
    return high, low, close, rng.integers(0, 500, n).astype(float)


def run(kernel: Any, s: Any, *series: Any) -> Any:
    return np.array(
        [kernel(ctypes.byref(s), *map(float, row)) for row in zip(*series, strict=True)]
    )


def naive_ema(x: Any, period: int) -> Any:
    """The definition: weights k (1-k)^i, the rest on the first value."""
    k, out = 2 / (period + 1), [x[0]]
    for v in x[1:]:
        out.append(k * v + (1 - k) * out[-1])
    return np.array(out)


def close_after(got: Any, want: Any, warm: int) -> None:
    np.testing.assert_allclose(got[warm:], want[warm:], rtol=1e-9, atol=1e-9)
    assert not np.isnan(want[warm:]).any()


@pytest.mark.parametrize("period", [2, 9, 21, 200])
def test_moving_averages(kernels: Any, period: int) -> None:
    # TA-Lib seeds an EMA with a mean, we with the first value: the seed's weight fades as (1 -
    # k)^n.
    _, _, close, _ = walk(n=8_000)
    ours = run(kernels["otk_ema"], state("ema_t", period=period), close)
    close_after(ours, talib.EMA(close, period), 30 * period)
    np.testing.assert_allclose(ours, naive_ema(close, period), rtol=1e-12)
    close_after(
        run(kernels["otk_sma"], state("sma_t", period=period), close),
        talib.SMA(close, period),
        period,
    )


def test_a_simple_average_does_not_drift(kernels: Any) -> None:
    rng = np.random.default_rng(1)
    x = rng.uniform(1e4, 1e5, 100_000)
    got = run(kernels["otk_sma"], state("sma_t", period=200), x)
    want = np.convolve(x, np.ones(200) / 200, "valid")
    np.testing.assert_allclose(got[199:], want, rtol=1e-12)


@pytest.mark.parametrize("period", [2, 14, 50])
def test_rsi_and_atr(kernels: Any, period: int) -> None:
    high, low, close, _ = walk()
    close_after(
        run(kernels["otk_rsi"], state("rsi_t", period=period), close),
        talib.RSI(close, period),
        period + 1,
    )
    close_after(
        run(kernels["otk_atr"], state("atr_t", period=period), high, low, close),
        talib.ATR(high, low, close, period),
        period + 1,
    )


def test_rsi_by_hand(kernels: Any) -> None:
    # changes +1, -1, +2 with period 2: gains (1+0)/2 = 0.5 -> (0.5+2)/2 = 1.25, losses 0.5 -> 0.25;
    # 100 - 100/(1+5) = 83.33
    got = run(kernels["otk_rsi"], state("rsi_t", period=2), [10, 11, 10, 12])
    np.testing.assert_allclose(got, [50, 100, 50, 100 - 100 / 6], rtol=1e-12)


@pytest.mark.parametrize(("period", "k"), [(5, 1.0), (20, 2.0), (200, 2.5)])
def test_bollinger(kernels: Any, period: int, k: float) -> None:
    _, _, close, _ = walk()
    s = state("bollinger_t", period=period, k=k)
    rows = np.array(
        [[kernels["otk_bollinger"](ctypes.byref(s), x), s.upper, s.lower] for x in close]
    )
    upper, mid, lower = talib.BBANDS(close, period, k, k)
    for at, want in enumerate((mid, upper, lower)):
        np.testing.assert_allclose(rows[period:, at], want[period:], rtol=1e-8)


def test_macd(kernels: Any) -> None:
    _, _, close, _ = walk()
    s = state("macd_t", fast_period=12, slow_period=26, signal_period=9)
    rows = np.array([[kernels["otk_macd"](ctypes.byref(s), x), s.signal, s.hist] for x in close])

    line = naive_ema(close, 12) - naive_ema(close, 26)
    signal = naive_ema(line, 9)
    np.testing.assert_allclose(
        rows, np.column_stack([line, signal, line - signal]), rtol=1e-9, atol=1e-9
    )


@pytest.mark.parametrize("period", [5, 14])
def test_adx(kernels: Any, period: int) -> None:
    high, low, close, _ = walk(8)
    close_after(
        run(kernels["otk_adx"], state("adx_t", period=period), high, low, close),
        talib.ADX(high, low, close, period),
        2 * period,
    )


@pytest.mark.parametrize(("period", "smooth"), [(5, 3), (14, 3), (14, 1)])
def test_stochastic(kernels: Any, period: int, smooth: int) -> None:
    high, low, close, _ = walk()
    s = state("stochastic_t", period=period, smooth=smooth)
    rows = np.array(
        [
            [kernels["otk_stochastic"](ctypes.byref(s), *r), s.d]
            for r in zip(high, low, close, strict=True)
        ]
    )
    k, d = talib.STOCHF(high, low, close, fastk_period=period, fastd_period=smooth)
    close_after(rows[:, 0], k, period + smooth)
    close_after(rows[:, 1], d, period + smooth)


@pytest.mark.parametrize("period", [2, 20, 55])
def test_donchian(kernels: Any, period: int) -> None:
    high, low, _, _ = walk()
    s = state("donchian_t", period=period)
    rows = np.array(
        [
            [kernels["otk_donchian"](ctypes.byref(s), h, lo), s.upper, s.lower]
            for h, lo in zip(high, low, strict=True)
        ]
    )
    top, bottom = talib.MAX(high, period), talib.MIN(low, period)
    np.testing.assert_allclose(
        rows[period:], np.column_stack([(top + bottom) / 2, top, bottom])[period:], rtol=1e-12
    )


def test_vwap(kernels: Any) -> None:
    _, _, close, volume = walk()
    volume[:5] = 0.0
    s, noon_ns = state("vwap_t"), 1_718_260_000_000_000_000
    got = [
        kernels["otk_vwap"](ctypes.byref(s), px, qty, noon_ns)
        for px, qty in zip(close, volume, strict=True)
    ]
    want = np.array(
        [
            np.sum(close[: i + 1] * volume[: i + 1]) / np.sum(volume[: i + 1])
            if i >= 5 and volume[: i + 1].any()
            else close[i]
            for i in range(N)
        ]
    )
    np.testing.assert_allclose(got, want, rtol=1e-12)


def test_vwap_begins_anew_with_each_indian_date(kernels: Any) -> None:
    """Bars of the day before leave nothing in it: 23:59:59 IST is one day, midnight another."""
    s, midnight_ns = state("vwap_t"), 1_718_217_000_000_000_000
    vwap = kernels["otk_vwap"]
    assert vwap(ctypes.byref(s), 100.0, 10.0, midnight_ns - 2) == 100.0
    assert vwap(ctypes.byref(s), 200.0, 10.0, midnight_ns - 1) == 150.0
    assert vwap(ctypes.byref(s), 300.0, 10.0, midnight_ns) == 300.0
    assert vwap(ctypes.byref(s), 400.0, 30.0, midnight_ns + 1) == 375.0


def test_supertrend_against_a_naive_account(kernels: Any) -> None:
    high, low, close, _ = walk(3)
    period, factor = 10, 3.0
    s = state("supertrend_t", period=period, factor=factor)
    got = [
        (kernels["otk_supertrend"](ctypes.byref(s), *r), s.value)
        for r in zip(high, low, close, strict=True)
    ]
    true_ranges: list[float] = []
    atr = upper = lower = 0.0
    trend = 0
    for i in range(1, N):
        true_ranges.append(
            max(high[i] - low[i], abs(high[i] - close[i - 1]), abs(low[i] - close[i - 1]))
        )
        atr = (
            float(np.mean(true_ranges))
            if i <= period
            else (atr * (period - 1) + true_ranges[-1]) / period
        )
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
    assert {1, -1} <= {t for t, _ in got}, "the trend must have turned"


@pytest.mark.parametrize(
    ("a", "b", "want"),
    [
        ([1, 2, 3, 2, 1], [2, 2, 2, 2, 2], [0, 0, 1, 0, -1]),  # touching is not crossing
        ([3, 1, 3, 1], [2, 2, 2, 2], [0, -1, 1, -1]),
        ([2, 2, 3], [2, 2, 2], [0, 0, 0]),  # no former side, no crossing
    ],
)
def test_crossings_by_hand(kernels: Any, a: list[float], b: list[float], want: list[int]) -> None:
    assert run(kernels["otk_cross"], state("cross_t"), a, b).tolist() == want
    assert run(kernels["otk_cross_level"], state("cross_t"), a, b).tolist() == want
