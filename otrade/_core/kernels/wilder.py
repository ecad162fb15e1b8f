"""Wilder's formulas (New Concepts in Technical Trading Systems, 1978), once for the filters of the core and
for strategy files. Plain functions on numbers: whoever compiles them inlines them, and a running engine may
import them.
"""


def true_range(high: float, low: float, close_before: float) -> float:
    """The bar's range, the close before it counted in."""
    widest = high - low
    up = abs(high - close_before)
    down = abs(low - close_before)
    if up > widest:
        widest = up
    if down > widest:
        widest = down
    return widest


def smoothed(value: float, new: float, n: int, period: int) -> float:
    """Wilder's average after its n-th value: the mean of the first `period`, then a = (a (period - 1) +
    new) / period.
    """
    if n <= period:
        return value + (new - value) / n
    return (value * (period - 1.0) + new) / period


def strength(gain: float, loss: float) -> float:
    """RSI of an average gain and loss, 0 to 100; 50 where nothing moves."""
    if loss == 0.0:
        return 100.0 if gain > 0.0 else 50.0
    return 100.0 - 100.0 / (1.0 + gain / loss)
