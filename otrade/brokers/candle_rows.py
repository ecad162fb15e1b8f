"""Rows of a broker's history, [time, open, high, low, close, volume, ...], as bars of a minute."""

from typing import Any, NamedTuple

from otrade.brokers.parse import COUNT_MAX, RUPEES_MAX, ist_ns
from otrade.errors import BrokerError

MINUTE_NS = 60_000_000_000
QUESTION_DAYS_MAX = 30
"""One question of history reaches as far at either broker."""
QUESTIONS_APART_NS = 350_000_000
"""Kite takes three questions of history a second."""
FIELDS = 6


class MinuteCandle(NamedTuple):
    """One minute in which something traded. Prices in e4."""

    ts_open_ns: int
    open_e4: int
    high_e4: int
    low_e4: int
    close_e4: int
    volume: int


def can_be(opened: int, high: int, low: int, close: int) -> bool:
    """Low and high lie around open and close."""
    return 0 < low <= min(opened, close) <= max(opened, close) <= high


def bars_of(data: Any) -> list[MinuteCandle]:
    """`data.candles` of an answer, oldest first whatever the broker's order; of a minute that stands
    twice, the row told last. BrokerError for what is no table of candles: a row that cannot be may
    be any minute's, so that nothing of such an answer is believed.
    """
    rows = data.get("candles") if isinstance(data, dict) else None
    if rows is None and isinstance(data, dict) and "candles" in data:
        rows = []
    if not isinstance(rows, list):
        raise BrokerError("the broker's answer has no candles where they are documented")
    found = {bar.ts_open_ns: bar for bar in map(_bar, rows)}
    return [found[ts_ns] for ts_ns in sorted(found)]


def _bar(row: Any) -> MinuteCandle:
    if not isinstance(row, list) or len(row) < FIELDS:
        raise BrokerError("a candle of the broker's history is cut short")
    ts_ns = ist_ns(row[0])
    if ts_ns <= 0 or ts_ns % MINUTE_NS:
        raise BrokerError("a candle of the broker's history does not begin at a minute")
    opened, high, low, close = map(_price_e4, row[1:5])
    if not can_be(opened, high, low, close):
        raise BrokerError(f"prices of a candle of the broker's history cannot be: {row[1:5]}")
    volume = row[5]
    if isinstance(volume, float) and volume.is_integer():
        volume = int(volume)
    if type(volume) is not int or not 0 <= volume <= COUNT_MAX:
        raise BrokerError("the volume of a candle of the broker's history is no quantity")
    return MinuteCandle(ts_ns, opened, high, low, close, volume)


def _price_e4(value: Any) -> int:
    if type(value) not in (int, float) or not 0 < value < RUPEES_MAX:
        raise BrokerError("a price of a candle of the broker's history is none")
    return int(round(value * 10_000))
