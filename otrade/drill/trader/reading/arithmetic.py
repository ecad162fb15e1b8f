"""Averages and ranges with a pencil. Prices are rupees; each is fed one value or bar at a time."""

from collections import deque
from math import sqrt


class ExponentialAverage:
    """Begins at its first price and moves by 2 / (period + 1) of the distance."""

    def __init__(self, period: int) -> None:
        self._share = 2 / (period + 1)
        self._period = period
        self.count = 0
        self.value = 0.0

    @property
    def is_ready(self) -> bool:
        return self.count >= self._period

    def take(self, price: float) -> float:
        self.value = price if not self.count else self.value + (price - self.value) * self._share
        self.count += 1
        return self.value


class LastValues:
    """The last `period` values, or those that there are."""

    def __init__(self, period: int) -> None:
        self._values: deque[float] = deque(maxlen=period)

    @property
    def is_ready(self) -> bool:
        return len(self._values) == self._values.maxlen

    def take(self, value: float) -> None:
        self._values.append(value)

    @property
    def mean(self) -> float:
        return sum(self._values) / len(self._values)

    @property
    def deviation(self) -> float:
        """Of all of them from their mean: the root of the mean square."""
        mean = self.mean
        return sqrt(sum((value - mean) ** 2 for value in self._values) / len(self._values))

    @property
    def highest(self) -> float:
        return max(self._values, default=0.0)

    @property
    def lowest(self) -> float:
        return min(self._values, default=0.0)


class WilderRsi:
    """Wilder's relative strength over closes: the mean of the first `period` changes, then
    smoothed.
    """

    def __init__(self, period: int) -> None:
        self._period = period
        self._closes = 0
        self._last = self._gain = self._loss = 0.0

    @property
    def is_ready(self) -> bool:
        return self._closes > self._period

    @property
    def value(self) -> float:
        if not self._loss:
            return 100.0 if self._gain else 50.0
        return 100.0 - 100.0 / (1.0 + self._gain / self._loss)

    def take(self, close: float) -> None:
        change, self._last = close - self._last, close
        self._closes += 1
        n = min(self._closes - 1, self._period)
        if n:
            self._gain += (max(change, 0.0) - self._gain) / n
            self._loss += (max(-change, 0.0) - self._loss) / n


class WilderRange:
    """Wilder's average true range, in rupees: as he writes it, so that a close which touches a band
    touches it here as well.
    """

    def __init__(self, period: int) -> None:
        self._period = period
        self._bars = 0
        self._last = 0.0
        self.value = 0.0

    @property
    def is_ready(self) -> bool:
        return self._bars > self._period

    def take(self, high: float, low: float, close: float) -> None:
        widest = max(high - low, abs(high - self._last), abs(low - self._last))
        self._last = close
        self._bars += 1
        n = self._bars - 1 if self._period else 0
        if n > self._period:
            self.value = (self.value * (self._period - 1) + widest) / self._period
        elif n:
            self.value += (widest - self.value) / n
