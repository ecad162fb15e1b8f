"""Historical candles as Kite asks for and writes them."""

import datetime as dt
from typing import Any

from otrade.simulator.base.config import NS_PER_S
from otrade.simulator.base.errors import bad_input
from otrade.simulator.base.formats import rupees
from otrade.simulator.base.hours import IST
from otrade.simulator.base.universe import ListedContract
from otrade.simulator.base.virtual_clock import VirtualClock
from otrade.simulator.exchange.candles import bars
from otrade.simulator.exchange.order_system import OrderSystem

MINUTES = {
    "minute": 1,
    "3minute": 3,
    "5minute": 5,
    "10minute": 10,
    "15minute": 15,
    "30minute": 30,
    "60minute": 60,
    "day": 0,
}
SPAN_DAYS = {
    "minute": 60,
    "3minute": 100,
    "5minute": 100,
    "10minute": 100,
    "15minute": 200,
    "30minute": 200,
    "60minute": 400,
}
DAY_SPAN_DAYS = 2000


def parse_time(text: str, name: str) -> int:
    """`yyyy-mm-dd[ hh:mm:ss]` IST, nanoseconds. RequestRefused 400."""
    try:
        return (
            int(dt.datetime.fromisoformat(text.strip()).replace(tzinfo=IST).timestamp()) * NS_PER_S
        )
    except (ValueError, OverflowError):
        raise bad_input(f"Invalid `{name}` date. Use yyyy-mm-dd hh:mm:ss.") from None


def candles(
    exchange: OrderSystem,
    clock: VirtualClock,
    contract: ListedContract,
    interval: str,
    from_ns: int,
    to_ns: int,
    with_oi: bool,
) -> list[list[Any]]:
    """Arrays [time, open, high, low, close, volume(, oi)], oldest first. RequestRefused 400."""
    if interval not in MINUTES:
        raise bad_input(f"Invalid `interval`. Use one of {', '.join(MINUTES)}.")
    if to_ns < from_ns:
        raise bad_input("Invalid `from` date. It should not be after `to`.")
    span = SPAN_DAYS.get(interval, DAY_SPAN_DAYS)
    if to_ns - from_ns > span * 86_400 * NS_PER_S:
        raise bad_input(f"Interval exceeds the maximum limit of {span} days for `{interval}`.")
    rows: list[list[Any]] = []
    for bar in bars(exchange, clock, contract, MINUTES[interval], from_ns, to_ns):
        opened = dt.datetime.fromtimestamp(bar.ts_ns // NS_PER_S, IST)
        row = [opened.strftime("%Y-%m-%dT%H:%M:%S+0530"), *map(rupees, bar.ohlc_e4), bar.volume]
        rows.append([*row, bar.oi] if with_oi else row)
    return rows
