"""What begins anew with each session. `day` is any number that another day changes (`bar.day`)."""

from otrade.strategy.indicators.registry import helper
from otrade.strategy.words.cell import Cell


class Vwap(Cell):
    value: float
    _day: int
    _turnover: float
    _volume: float


class Obv(Cell):
    value: float
    _close: float


class SessionHigh(Cell):
    value: float
    _day: int


class SessionLow(Cell):
    value: float
    _day: int


class Pivots(Cell):
    pivot: float
    r1: float
    r2: float
    r3: float
    s1: float
    s2: float
    s3: float
    _day: int
    _high: float
    _low: float
    _close: float


class HeikinAshi(Cell):
    open: float
    high: float
    low: float
    close: float


@helper("turnover through volume of the day; the price itself before any volume", warm_up=lambda: 1)
def vwap(s: Vwap, price: float, volume: float, day: int) -> float:
    if s.seen == 0 or day != s._day:
        s._day = day
        s._turnover = 0.0
        s._volume = 0.0
    s.seen = 1
    s.ready = True
    if volume > 0.0:
        s._turnover += price * volume
        s._volume += volume
    s.value = s._turnover / s._volume if s._volume > 0.0 else price
    return s.value


@helper(
    "on-balance volume: added when the close rises, taken away when it falls (Granville 1963)",
    warm_up=lambda: 2,
)
def obv(s: Obv, close: float, volume: float) -> float:
    if s.seen > 0:
        if close > s._close:
            s.value += volume
        elif close < s._close:
            s.value -= volume
    s._close = close
    if s.seen < 2:
        s.seen += 1
    s.ready = s.seen >= 2
    return s.value


@helper("the highest of the day so far", warm_up=lambda: 1)
def session_high(s: SessionHigh, high: float, day: int) -> float:
    if s.seen == 0 or day != s._day or high > s.value:
        s.value = high
    s._day = day
    s.seen = 1
    s.ready = True
    return s.value


@helper("the lowest of the day so far", warm_up=lambda: 1)
def session_low(s: SessionLow, low: float, day: int) -> float:
    if s.seen == 0 or day != s._day or low < s.value:
        s.value = low
    s._day = day
    s.seen = 1
    s.ready = True
    return s.value


@helper(
    "floor pivots of the day before: pivot = (high + low + close) / 3, r1 to r3 above it, s1 to s3 below. 0 on the first day; ready "
    "with the first bar of the second",
)
def pivots(s: Pivots, high: float, low: float, close: float, day: int) -> float:
    if s.seen == 0 or day != s._day:
        if s.seen > 0:
            width = s._high - s._low
            s.pivot = (s._high + s._low + s._close) / 3.0
            s.r1 = 2.0 * s.pivot - s._low
            s.s1 = 2.0 * s.pivot - s._high
            s.r2 = s.pivot + width
            s.s2 = s.pivot - width
            s.r3 = s._high + 2.0 * (s.pivot - s._low)
            s.s3 = s._low - 2.0 * (s._high - s.pivot)
            s.ready = True
        s._day = day
        s._high = high
        s._low = low
    if high > s._high:
        s._high = high
    if low < s._low:
        s._low = low
    s._close = close
    s.seen = 1
    return s.pivot


@helper(
    "averaged candles: close the mean of the bar, open the middle of the averaged bar before; gives `close` (Valcu, Stocks and "
    "Commodities, 2004)",
    warm_up=lambda: 1,
)
def heikin_ashi(s: HeikinAshi, open_: float, high: float, low: float, close: float) -> float:
    s.open = (open_ + close) / 2.0 if s.seen == 0 else (s.open + s.close) / 2.0
    s.close = (open_ + high + low + close) / 4.0
    s.high = high
    if s.open > s.high:
        s.high = s.open
    if s.close > s.high:
        s.high = s.close
    s.low = low
    if s.open < s.low:
        s.low = s.open
    if s.close < s.low:
        s.low = s.close
    s.seen = 1
    s.ready = True
    return s.close
