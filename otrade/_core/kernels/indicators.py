"""Indicators, one value in, one value out, in float64. Each state starts as zeros with its periods
set.

O(1) a value, but for Bollinger's deviation, Donchian and Stochastic, whose definitions look at the
whole window: they scan their ring (at most 256 values). A value before the warm-up is over is the
best estimate so far; `n` tells how many were seen.
"""

import math

from otrade._core.kernels._abi import DAY_NS, IST_NS, f8, helper, i4, i8, kernel, ptr, rec


@helper
def _true_range(high, low, prev_close):
    tr = high - low
    up = abs(high - prev_close)
    down = abs(low - prev_close)
    if up > tr:
        tr = up
    if down > tr:
        tr = down
    return tr


@helper
def _rsi(gain, loss):
    if loss == 0.0:
        return 100.0 if gain > 0.0 else 50.0
    return 100.0 - 100.0 / (1.0 + gain / loss)


@kernel(f8(ptr("ema_t"), f8))
def ema(p, x):
    """Exponential average: e += k (x - e), k = 2 / (period + 1), seeded with the first value
    (Hunter 1986; Appel).
    """
    s = rec(p)
    if s.n == 0:
        s.value = x
    else:
        s.value = s.value + (x - s.value) * (2.0 / (s.period + 1.0))
    if s.n < s.period:
        s.n += 1
    return s.value


@kernel(f8(ptr("sma_t"), f8))
def sma(p, x):
    """Mean of the last `period` values (fewer before that). The running sum is added up anew once a
    round: it cannot drift.
    """
    s = rec(p)
    if s.n < s.period:
        s.n += 1
        s.sum += x
    else:
        s.sum += x - s.ring[s.head]
    s.ring[s.head] = x
    s.head += 1
    if s.head >= s.period:
        s.head = 0
        total = 0.0
        for i in range(s.period):
            total += s.ring[i]
        s.sum = total
    return s.sum / s.n


@kernel(f8(ptr("rsi_t"), f8))
def rsi(p, x):
    """Relative strength index, 0 to 100 (Wilder, "New Concepts in Technical Trading Systems",
    1978).

    Seeded with the mean of the first `period` changes, then smoothed a = (a (n-1) + new) / n. 50
    before the first change.
    """
    s = rec(p)
    if s.n == 0:
        s.prev = x
        s.n = 1
        return 50.0
    change = x - s.prev
    s.prev = x
    gain = change if change > 0.0 else 0.0
    loss = -change if change < 0.0 else 0.0
    if s.n <= s.period:
        s.avg_gain += (gain - s.avg_gain) / s.n
        s.avg_loss += (loss - s.avg_loss) / s.n
        s.n += 1
    else:
        s.avg_gain = (s.avg_gain * (s.period - 1.0) + gain) / s.period
        s.avg_loss = (s.avg_loss * (s.period - 1.0) + loss) / s.period
    return _rsi(s.avg_gain, s.avg_loss)


@kernel(f8(ptr("atr_t"), f8, f8, f8))
def atr(p, high, low, close):
    """Average true range, in the price's unit (Wilder 1978). The first bar only gives the former
    close; seeded by a mean.
    """
    s = rec(p)
    if s.n == 0:
        s.prev_close = close
        s.n = 1
        return 0.0
    tr = _true_range(high, low, s.prev_close)
    s.prev_close = close
    if s.n <= s.period:
        s.value += (tr - s.value) / s.n
        s.n += 1
    else:
        s.value = (s.value * (s.period - 1.0) + tr) / s.period
    return s.value


@kernel(f8(ptr("vwap_t"), f8, f8, i8))
def vwap(p, px, qty, ts_ns):
    """Volume-weighted average price of the Indian date of `ts_ns`: sum(px qty) / sum(qty); the
    price itself before any volume. Another date begins anew: bars of earlier sessions leave nothing
    in it.
    """
    s = rec(p)
    day = (ts_ns + IST_NS) // DAY_NS
    if day != s.day:
        s.day = day
        s.value_sum = 0.0
        s.qty_sum = 0.0
    if qty > 0.0:
        s.value_sum += px * qty
        s.qty_sum += qty
    return s.value_sum / s.qty_sum if s.qty_sum > 0.0 else px


@kernel(f8(ptr("bollinger_t"), f8))
def bollinger(p, x):
    """Bands k population deviations about the mean (Bollinger, "Bollinger on Bollinger Bands",
    2001). Returns the middle.

    Two passes over the window: a running sum of squares cancels badly at index-sized prices.
    """
    s = rec(p)
    s.ring[s.head] = x
    s.head += 1
    if s.head >= s.period:
        s.head = 0
    if s.n < s.period:
        s.n += 1
    total = 0.0
    for i in range(s.n):
        total += s.ring[i]
    mid = total / s.n
    squares = 0.0
    for i in range(s.n):
        d = s.ring[i] - mid
        squares += d * d
    width = s.k * math.sqrt(squares / s.n)
    s.mid = mid
    s.upper = mid + width
    s.lower = mid - width
    return mid


@kernel(f8(ptr("macd_t"), f8))
def macd(p, x):
    """Fast less slow exponential average, its own average as the signal, and their difference
    (Appel 1979). Returns MACD.
    """
    s = rec(p)
    if s.n == 0:
        s.fast = x
        s.slow = x
    else:
        s.fast = s.fast + (x - s.fast) * (2.0 / (s.fast_period + 1.0))
        s.slow = s.slow + (x - s.slow) * (2.0 / (s.slow_period + 1.0))
    line = s.fast - s.slow
    if s.n == 0:
        s.signal = line
    else:
        s.signal = s.signal + (line - s.signal) * (2.0 / (s.signal_period + 1.0))
    s.hist = line - s.signal
    if s.n < s.slow_period:
        s.n += 1
    return line


@kernel(i4(ptr("supertrend_t"), f8, f8, f8))
def supertrend(p, high, low, close):
    """Bands `factor` ATRs about the bar's middle that only tighten; the trend turns when the close
    passes one (Seban 2008).

    Returns +1 up, -1 down, 0 before the first range. `value` is the band that price would have to
    pass.
    """
    s = rec(p)
    if s.n == 0:
        s.atr_prev_close = close
        s.n = 1
        return 0
    tr = _true_range(high, low, s.atr_prev_close)
    prev_close = s.atr_prev_close
    s.atr_prev_close = close
    if s.n <= s.period:
        s.atr += (tr - s.atr) / s.n
    else:
        s.atr = (s.atr * (s.period - 1.0) + tr) / s.period
    mid = (high + low) / 2.0
    upper = mid + s.factor * s.atr
    lower = mid - s.factor * s.atr
    if s.n > 1:
        if not (upper < s.upper or prev_close > s.upper):
            upper = s.upper
        if not (lower > s.lower or prev_close < s.lower):
            lower = s.lower
    if s.trend == 0:
        s.trend = 1 if close >= mid else -1
    elif s.trend > 0 and close < lower:
        s.trend = -1
    elif s.trend < 0 and close > upper:
        s.trend = 1
    s.upper = upper
    s.lower = lower
    s.value = lower if s.trend > 0 else upper
    if s.n <= s.period:
        s.n += 1
    return s.trend


@kernel(f8(ptr("donchian_t"), f8, f8))
def donchian(p, high, low):
    """Highest high and lowest low of the last `period` bars (Donchian, about 1960). Returns the
    middle. Scans its window.
    """
    s = rec(p)
    s.highs[s.head] = high
    s.lows[s.head] = low
    s.head += 1
    if s.head >= s.period:
        s.head = 0
    if s.n < s.period:
        s.n += 1
    top = s.highs[0]
    bottom = s.lows[0]
    for i in range(1, s.n):
        if s.highs[i] > top:
            top = s.highs[i]
        if s.lows[i] < bottom:
            bottom = s.lows[i]
    s.upper = top
    s.lower = bottom
    s.mid = (top + bottom) / 2.0
    return s.mid


@kernel(f8(ptr("stochastic_t"), f8, f8, f8))
def stochastic(p, high, low, close):
    """Fast %K: the close's place in the range of `period` bars, 0 to 100; %D its mean of `smooth`
    (Lane 1957). Returns %K.

    A range of nothing gives 50. Scans its window.
    """
    s = rec(p)
    s.highs[s.head] = high
    s.lows[s.head] = low
    s.head += 1
    if s.head >= s.period:
        s.head = 0
    if s.n < s.period:
        s.n += 1
    top = s.highs[0]
    bottom = s.lows[0]
    for i in range(1, s.n):
        if s.highs[i] > top:
            top = s.highs[i]
        if s.lows[i] < bottom:
            bottom = s.lows[i]
    s.k = 100.0 * (close - bottom) / (top - bottom) if top > bottom else 50.0
    s.ks[s.k_head] = s.k
    s.k_head += 1
    if s.k_head >= s.smooth:
        s.k_head = 0
    if s.k_n < s.smooth:
        s.k_n += 1
    total = 0.0
    for i in range(s.k_n):
        total += s.ks[i]
    s.d = total / s.k_n
    return s.k


@kernel(f8(ptr("adx_t"), f8, f8, f8))
def adx(p, high, low, close):
    """Average directional index, 0 to 100 (Wilder 1978), with TA-Lib's seeding: sums of period-1
    bars, then `period` DX values.

    0 until the first DX; the mean of those so far until `period` of them have been seen.
    """
    s = rec(p)
    if s.n == 0:
        s.prev_high = high
        s.prev_low = low
        s.prev_close = close
        s.n = 1
        return 0.0
    up = high - s.prev_high
    down = s.prev_low - low
    plus = up if up > 0.0 and up > down else 0.0
    minus = down if down > 0.0 and up < down else 0.0
    tr = _true_range(high, low, s.prev_close)
    s.prev_high = high
    s.prev_low = low
    s.prev_close = close
    if s.n < s.period:
        s.plus_dm += plus
        s.minus_dm += minus
        s.tr += tr
        s.n += 1
        return 0.0
    s.plus_dm = s.plus_dm - s.plus_dm / s.period + plus
    s.minus_dm = s.minus_dm - s.minus_dm / s.period + minus
    s.tr = s.tr - s.tr / s.period + tr
    dx = 0.0
    has_dx = False
    if s.tr > 0.0:
        s.plus_di = 100.0 * (s.plus_dm / s.tr)
        s.minus_di = 100.0 * (s.minus_dm / s.tr)
        both = s.plus_di + s.minus_di
        if both > 0.0:
            dx = 100.0 * (abs(s.minus_di - s.plus_di) / both)
            has_dx = True
    if s.n < 2 * s.period:
        if has_dx:
            s.dx_sum += dx
        s.n += 1
        s.adx = s.dx_sum / (s.n - s.period)
    elif has_dx:
        s.adx = (s.adx * (s.period - 1.0) + dx) / s.period
    return s.adx


@kernel(i4(ptr("cross_t"), f8, f8))
def cross(p, a, b):
    """+1 when `a` has come to lie above `b`, -1 when below, 0 otherwise. Touching is not crossing:
    equal keeps the former side.
    """
    s = rec(p)
    side = 1 if a > b else (-1 if a < b else s.side)
    before = s.side
    s.side = side
    return side if before != 0 and side != before else 0


@kernel(i4(ptr("cross_t"), f8, f8))
def cross_level(p, x, level):
    """The same for one series and a fixed level."""
    s = rec(p)
    side = 1 if x > level else (-1 if x < level else s.side)
    before = s.side
    s.side = side
    return side if before != 0 and side != before else 0
