"""Historical candles: the current day as far as it has happened, earlier days as they were, or
would have been, tick by tick.
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from otrade.simulator.base import hours
from otrade.simulator.base.config import NS_PER_S
from otrade.simulator.base.universe import ListedContract
from otrade.simulator.base.virtual_clock import VirtualClock
from otrade.simulator.exchange.market_data import OI_UNITS, next_oi, oi_unit
from otrade.simulator.exchange.order_system import OrderSystem

HISTORY_DAYS_MAX = 60
"""Trading days before the current one of which the simulator has prices."""


@dataclass(slots=True)
class CandleBar:
    """One candle."""

    ts_ns: int
    """When it began."""
    ohlc_e4: list[int]
    volume: int
    oi: int = 0
    """Open interest at its end."""


def bars(
    exchange: OrderSystem,
    clock: VirtualClock,
    contract: ListedContract,
    minutes: int,
    from_ns: int,
    to_ns: int,
) -> list[CandleBar]:
    """Candles of so many minutes, or of days when that is 0, oldest first; none of what has not
    happened yet.
    """
    to_ns = min(to_ns, clock.now_ns())
    found: list[CandleBar] = []
    dates = set(_days(exchange.date, from_ns, to_ns))
    first, last = hours.ist_date(from_ns), hours.ist_date(to_ns)
    dates |= {d for d in exchange.prices.file_dates() if first <= d <= last and d < exchange.date}
    for date in sorted(dates):
        trades: Iterable[tuple[int, int, int, int]]
        if date == exchange.date:
            trades = exchange.market.quote(contract).trades()
        else:
            path = exchange.prices.earlier(contract, date)
            trades = zip(path.ts_ns, path.px_e4, path.qty, path.noise, strict=True)
        found += _bars(trades, contract, date, minutes, from_ns, to_ns)
    return found


def _days(today: dt.date, from_ns: int, to_ns: int) -> list[dt.date]:
    found: list[dt.date] = []
    date = today
    first = hours.ist_date(from_ns)
    for _ in range(HISTORY_DAYS_MAX):
        if date < first:
            break
        if date <= hours.ist_date(to_ns):
            found.append(date)
        date = hours.previous_trading_day(date)
    return found[::-1]


def _bars(
    trades: Iterable[tuple[int, int, int, int]],
    contract: ListedContract,
    date: dt.date,
    minutes: int,
    from_ns: int,
    to_ns: int,
) -> list[CandleBar]:
    start_ns = contract.session_ns(date)[0] if minutes else hours.ist_ns(date, "00:00")
    length_ns = minutes * 60 * NS_PER_S if minutes else 86_400 * NS_PER_S
    found: list[CandleBar] = []
    current, unit = -1, oi_unit(contract)
    oi = unit * OI_UNITS
    for ts_ns, px_e4, qty, noise in trades:
        if ts_ns > to_ns:
            break
        oi = next_oi(oi, unit, noise)
        slot = (ts_ns - start_ns) // length_ns
        if start_ns + slot * length_ns < from_ns and minutes:
            continue
        if slot != current:
            current = slot
            found.append(CandleBar(start_ns + slot * length_ns, [px_e4, px_e4, px_e4, px_e4], 0))
        bar = found[-1]
        prices = bar.ohlc_e4
        prices[1] = max(prices[1], px_e4)
        prices[2] = min(prices[2], px_e4)
        prices[3] = px_e4
        bar.volume += qty
        bar.oi = oi
    return found
