"""The shipped examples, each worked out anew from what its words say (`docs/strategies.md`)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from otrade.drill.trader.reading.arithmetic import (
    ExponentialAverage,
    LastValues,
    WilderRange,
    WilderRsi,
)
from otrade.drill.trader.reading.sayings import Enter, Leave, MoveStop, Saying
from otrade.drill.trader.reading.seen_bar import TraderBar

Numbers = Mapping[str, float]
CLOSE_CALL = 1e-9
"""Of the price: what is nearer than that may be above or below."""
STRENGTH_CALL = 1e-6
"""The same of a relative strength, which is between 0 and 100."""
NEAR_UNIT = 1e-6
"""The same of a number of units, before it is cut to whole ones."""


@dataclass(frozen=True, slots=True)
class ShownBar:
    """What a file is shown when a bar of its own length has closed."""

    bar: TraderBar
    minute: int
    """Whole minutes from the session's open to its begin."""
    minutes_left: int
    """Until the square-off."""
    day: int = 0
    """A number that another day changes."""


@dataclass(frozen=True, slots=True)
class TimedLook:
    """What a file is shown at a beat of its timer."""

    price: float
    """The last one, rupees."""
    minutes_left: int
    """Until the square-off."""
    may_be_less: bool = False
    """The beat is at the end of a minute: a moment later one minute less is left."""
    is_doubtful: bool = False
    """Nobody knows whether it is asked."""


class Reading(Protocol):
    """One strategy's memory. `slower`: a bar of a further length has closed. `on_trade`: something has
    traded, at that price in rupees. `on_timer`: every `timer_s` seconds of the session; 0: it has no timer.
    """

    timer_s: int

    def on_timer(self, look: TimedLook) -> list[Saying]: ...

    def slower(self, bar: TraderBar) -> None: ...

    def on_trade(self, price: float) -> list[Saying]: ...

    def on_bar(self, seen: ShownBar) -> list[Saying]: ...


class Timeless:
    """Has no timer."""

    timer_s = 0

    def on_timer(self, look: TimedLook) -> list[Saying]:
        return []


class ClosesOnly(Timeless):
    """Says nothing to a trade."""

    def on_trade(self, price: float) -> list[Saying]:
        return []


class OwnBarsOnly(ClosesOnly):
    """Sees no bars beside its own."""

    def slower(self, bar: TraderBar) -> None:
        return


def _is_close(a: float, b: float) -> bool:
    return a != b and abs(a - b) < CLOSE_CALL * max(abs(a), abs(b))


class ReadEmaCrossover(OwnBarsOnly):
    """The side of the fast average, each time that it changes. Touching changes nothing."""

    def __init__(self, params: Numbers) -> None:
        self._fast = ExponentialAverage(int(params["fast_period"]))
        self._slow = ExponentialAverage(int(params["slow_period"]))
        self._side = 0
        self._was_close = False

    def on_bar(self, seen: ShownBar) -> list[Saying]:
        close = seen.bar.prices[2]
        fast, slow = self._fast.take(close), self._slow.take(close)
        near, before = _is_close(fast, slow), self._side
        is_close, self._was_close = near or self._was_close, near
        if fast != slow:
            self._side = 1 if fast > slow else -1
        if not self._slow.is_ready or not before or self._side == before:
            return []
        return [Enter(self._side, is_close=is_close)]


class ReadOpeningRange(OwnBarsOnly):
    """Bars of the first minutes draw a range; a close above it, and room, is bought. The stop is the
    range's low, the target twice as far away.
    """

    def __init__(self, params: Numbers) -> None:
        self._minutes = params["minutes"]
        self._room = params["room"]
        self._high = self._low = 0.0
        self._day = -1

    def on_bar(self, seen: ShownBar) -> list[Saying]:
        high, low, close = seen.bar.prices
        is_first, self._day = seen.day != self._day, seen.day
        if seen.minute < self._minutes:
            self._low = low if is_first else min(self._low, low)
            self._high = high if is_first else max(self._high, high)
            return []
        edge = self._high + self._high * self._room / 10_000
        near = abs(close - edge) < CLOSE_CALL * close
        if close <= edge and not near:
            return []
        risk = close - self._low
        return [Enter(1, True, self._low, target_at=close + 2 * risk, is_close=near)]


class ReadVwapReversion(OwnBarsOnly):
    """Against a close that is far from the day's average price, in deviations of that distance; out
    where the close is back at it.
    """

    def __init__(self, params: Numbers) -> None:
        self._params = params
        self._turnover, self._volume, self._day = 0.0, 0, -1
        self._away = LastValues(int(params["period"]))

    def on_bar(self, seen: ShownBar) -> list[Saying]:
        high, low, close = seen.bar.prices
        typical = (high + low + close) / 3
        if seen.day != self._day:
            self._turnover, self._volume, self._day = 0.0, 0, seen.day
        self._turnover += typical * seen.bar.volume
        self._volume += seen.bar.volume
        fair = self._turnover / self._volume if self._volume else typical
        away = close - fair
        self._away.take(away)
        spread, near = self._away.deviation, abs(away) < CLOSE_CALL * close
        found: list[Saying] = []
        if close >= fair or near:
            found.append(Leave(1, near))
        if close <= fair or near:
            found.append(Leave(-1, near))
        is_late = seen.minutes_left <= self._params["last"]
        if not self._away.is_ready or is_late or spread < CLOSE_CALL * close:
            return found
        far, bound = abs(away) / spread, self._params["far"]
        if far > bound - STRENGTH_CALL:
            found.append(
                Enter(
                    -1 if away > 0 else 1,
                    True,
                    stop_away=self._params["stop_at"] * spread,
                    target_at=fair,
                    is_close=abs(far - bound) < STRENGTH_CALL,
                )
            )
        return found


class ReadRsiReversion(ClosesOnly):
    """Weakness is bought where the last slower close is above the average of slower closes, strength
    sold where it is below. Out when the strength is past the middle. The stop is a share of the price.
    """

    def __init__(self, params: Numbers) -> None:
        self._params = params
        self._strength = WilderRsi(int(params["period"]))
        self._trend = LastValues(int(params["trend_period"]))
        self._slower: TraderBar | None = None
        self._is_new = False

    def slower(self, bar: TraderBar) -> None:
        self._slower, self._is_new = bar, True

    def on_bar(self, seen: ShownBar) -> list[Saying]:
        close = seen.bar.prices[2]
        if self._slower is not None and self._is_new:
            self._trend.take(self._slower.prices[2])
            self._is_new = False
        self._strength.take(close)
        if not self._strength.is_ready or not self._trend.is_ready or self._slower is None:
            return []
        strength = self._strength.value
        found: list[Saying] = [
            Leave(side, abs(strength - 50) < STRENGTH_CALL)
            for side in (1, -1)
            if (strength - 50) * side > -STRENGTH_CALL
        ]
        rise = self._slower.prices[2] - self._trend.mean
        for side, bound in ((1, self._params["low"]), (-1, self._params["high"])):
            beyond, is_flat = (bound - strength) * side, abs(rise) < CLOSE_CALL * close
            if beyond > -STRENGTH_CALL and (rise * side > 0 or is_flat):
                found.append(
                    Enter(
                        side,
                        True,
                        stop_away=close * self._params["stop"] / 100,
                        rest_bars=int(self._params["rest"]),
                        is_close=beyond < STRENGTH_CALL or is_flat,
                    )
                )
        return found


class ReadTimedMomentum(OwnBarsOnly):
    """Every half minute the last price is taken into the mean of the last looks. Price that is so far
    from the mean is followed; out where they meet, and whatever is held when few minutes are left.
    """

    timer_s = 30

    def __init__(self, params: Numbers) -> None:
        self._edge, self._last = params["edge"], params["last"]
        self._n = int(params["looks"])
        self._looks = LastValues(self._n)
        self._doubtful = 0
        """So many looks more hold one that nobody knows of."""

    def on_bar(self, seen: ShownBar) -> list[Saying]:
        return []

    def on_timer(self, look: TimedLook) -> list[Saying]:
        price = look.price
        if not price:
            return []
        self._looks.take(price)
        self._doubtful = self._n if look.is_doubtful else max(self._doubtful - 1, 0)
        mean, doubtful = self._looks.mean, self._doubtful > 0
        if look.minutes_left <= self._last:
            return [Leave(side, doubtful) for side in (1, -1)]
        is_late = look.may_be_less and look.minutes_left - 1 <= self._last
        found: list[Saying] = []
        for side in (1, -1):
            behind = (price - mean) * side
            near = abs(behind) < CLOSE_CALL * price
            if behind <= 0 or near or is_late or doubtful:
                found.append(Leave(side, near or doubtful or (is_late and behind > 0)))
            room = behind - mean * self._edge / 10_000
            near = abs(room) < CLOSE_CALL * price
            if self._looks.is_ready and (room > 0 or near):
                found.append(Enter(side, True, is_close=near or is_late or doubtful))
        return found


class ReadRangeTrailing(OwnBarsOnly):
    """Each time that the close changes sides of its average; the stop so many average ranges away from
    the entry, and from each trade since.
    """

    def __init__(self, params: Numbers) -> None:
        self._ranges = params["ranges"]
        self._average = ExponentialAverage(int(params["period"]))
        self._range = WilderRange(int(params["atr_period"]))
        self._side = 0
        self._was_close = False

    @property
    def _away(self) -> float:
        return self._ranges * self._range.value

    def on_bar(self, seen: ShownBar) -> list[Saying]:
        high, low, close = seen.bar.prices
        average = self._average.take(close)
        self._range.take(high, low, close)
        near, before = _is_close(close, average), self._side
        is_close, self._was_close = near or self._was_close, near
        if close != average:
            self._side = 1 if close > average else -1
        is_ready = self._average.is_ready and self._range.is_ready
        if not is_ready or not before or self._side == before:
            return []
        return [Enter(self._side, True, stop_away=self._away, is_close=is_close)]

    def on_trade(self, price: float) -> list[Saying]:
        if not self._range.is_ready:
            return []
        return [MoveStop(side, price - side * self._away) for side in (1, -1)]


class ReadSupertrend(OwnBarsOnly):
    """In with each turn of the trend, the stop at the band behind the price; between turns the stop
    follows the band.
    """

    def __init__(self, params: Numbers) -> None:
        self._factor = params["factor"]
        self._range = WilderRange(int(params["period"]))
        self._bars = self._trend = 0
        self._upper = self._lower = self._close = 0.0
        self._is_doubtful = False
        """A close was so near a band that rounding decides: the trend may be the other one, until a
        close is clearly beyond a band.
        """

    def on_bar(self, seen: ShownBar) -> list[Saying]:
        high, low, close = seen.bar.prices
        self._range.take(high, low, close)
        self._bars += 1
        before, self._close = self._close, close
        if self._bars == 1:
            return []
        middle, width = (high + low) / 2, self._factor * self._range.value
        upper, lower = middle + width, middle - width
        if self._bars > 2:  # a band only comes nearer, until a close has passed it
            upper = upper if before > self._upper else min(upper, self._upper)
            lower = lower if before < self._lower else max(lower, self._lower)
        former = self._trend
        if not former:
            self._trend = 1 if close >= middle else -1
        elif former > 0 and close < lower:
            self._trend = -1
        elif former < 0 and close > upper:
            self._trend = 1
        is_near = _is_close(close, lower) or _is_close(close, upper)
        is_clear = not is_near and not lower <= close <= upper
        self._is_doubtful = is_near or (self._is_doubtful and not is_clear)
        self._upper, self._lower = upper, lower
        if not self._range.is_ready:
            return []
        band = lower if self._trend > 0 else upper
        if former and self._trend != former:
            return [Enter(self._trend, stop_at=band, is_close=self._is_doubtful)]
        bands = {band, lower, upper} if self._is_doubtful else {band}
        return [MoveStop(side, at, self._is_doubtful) for side in (1, -1) for at in bands]


class ReadVolatilityBreakout(OwnBarsOnly):
    """A close beyond the highest high or lowest low of the bars before it. Stop and target are so many
    average ranges away, and as many units are traded as lose `risk` at the stop.
    """

    def __init__(self, params: Numbers) -> None:
        self._params = params
        self._highs = LastValues(int(params["period"]))
        self._lows = LastValues(int(params["period"]))
        self._range = WilderRange(int(params["atr_period"]))

    def on_bar(self, seen: ShownBar) -> list[Saying]:
        high, low, close = seen.bar.prices
        was_ready, top, bottom = self._highs.is_ready, self._highs.highest, self._lows.lowest
        self._highs.take(high)
        self._lows.take(low)
        self._range.take(high, low, close)
        stop = self._params["stop_ranges"] * self._range.value
        units = self._params["risk"] / stop if stop else 0.0
        qty = min(int(units), 100_000)
        side = 1 if close > top else -1 if close < bottom else 0
        if not was_ready or not self._range.is_ready or not side or qty < 1:
            return []
        return [
            Enter(
                side,
                True,
                stop_away=stop,
                target_away=self._params["target_ranges"] * self._range.value,
                qty=qty,
                is_close=abs(units - round(units)) < NEAR_UNIT,
            )
        ]


EXAMPLES: dict[str, tuple[Callable[[Numbers], Reading], bool]] = {
    "ema_crossover.py": (ReadEmaCrossover, False),
    "opening_range.py": (ReadOpeningRange, True),
    "range_trailing.py": (ReadRangeTrailing, True),
    "rsi_reversion.py": (ReadRsiReversion, True),
    "supertrend_trailing.py": (ReadSupertrend, True),
    "timed_momentum.py": (ReadTimedMomentum, False),
    "volatility_breakout.py": (ReadVolatilityBreakout, True),
    "vwap_reversion.py": (ReadVwapReversion, True),
}
"""By the file's name: how it is read, and whether it has levels or a size of its own."""
