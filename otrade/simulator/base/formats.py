"""How JSON for clients writes money and times, at every broker alike."""

import datetime as dt
from functools import lru_cache

from otrade.simulator.base.config import NS_PER_S
from otrade.simulator.base.hours import IST
from otrade.simulator.base.universe import E4


@lru_cache(maxsize=64)
def _stamp(second: int) -> str:
    return dt.datetime.fromtimestamp(second, IST).strftime("%Y-%m-%d %H:%M:%S")


def stamp(ts_ns: int) -> str:
    """`yyyy-mm-dd hh:mm:ss` IST."""
    return _stamp(ts_ns // NS_PER_S)


def rupees(value_e4: int) -> int | float:
    """Rupees; whole amounts as JSON integers."""
    whole, rest = divmod(value_e4, E4)
    return whole if not rest else value_e4 / E4
