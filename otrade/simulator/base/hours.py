"""When each segment of the simulated exchange trades continuously, its holidays, and when contracts
expire.

Rules have effective dates; a day in the past follows the rule of that day.
"""

import calendar
import datetime as dt

from otrade.simulator.base.config import NS_PER_S

IST = dt.timezone(dt.timedelta(hours=5, minutes=30), "IST")
DAY = dt.timedelta(days=1)

CAS_FROM = dt.date(2026, 8, 3)
"""Shares that have derivatives close in an auction; derivatives trade longer."""
CAS_LATER_FROM = dt.date(2026, 12, 7)
"""The auction moves to 15:30 and derivatives end at 15:45; of the contracts that expire that day
those on an index stop at 15:30, where their settlement price is being made, and those on shares
trade to the close (SEBI HO/47/11/11(3)2025-MRD-POD2/I/23843/2026 of 2026-10-15, NSE/CMTR/76963 of
2026-10-16).
"""
EXPIRY_DAYS: dict[str, list[tuple[str, int]]] = {
    "NFO": [("2020-01-01", calendar.THURSDAY), ("2025-09-01", calendar.TUESDAY)],
    "BFO": [
        ("2023-05-15", calendar.FRIDAY),
        ("2025-01-07", calendar.TUESDAY),
        ("2025-09-01", calendar.THURSDAY),
    ],
}
"""(first day, weekday on which contracts expire); a holiday moves it to the day before
(NSE/FAOP/68747, BSE 20250623-59).
"""
MUHURAT = {dt.date(2025, 10, 21): ("13:45", "14:45"), dt.date(2026, 11, 8): ("18:15", "19:15")}
"""An hour of trading on a holiday (NSE/CMTR/71775); the times of 2026 are provisional."""
BUDGET_DAYS = frozenset({dt.date(2025, 2, 1), dt.date(2026, 2, 1)})
"""Full sessions of the stock exchanges on a weekend, for the budget."""

_HOLIDAYS = {
    2025: "02-26 03-14 03-31 04-10 04-14 04-18 05-01 08-15 08-27 10-02 10-22 11-05 12-25",
    2026: "01-15 01-26 03-03 03-26 03-31 04-03 04-14 05-01 "
    "05-28 06-26 09-14 10-02 10-20 11-10 11-24 12-25",
}
HOLIDAYS = frozenset(
    dt.date.fromisoformat(f"{year}-{day}")
    for year, days in _HOLIDAYS.items()
    for day in days.split()
)


def ist_ns(date: dt.date, clock: str) -> int:
    """`HH:MM` or `HH:MM:SS` IST of that date, nanoseconds since the epoch."""
    return int(dt.datetime.combine(date, dt.time.fromisoformat(clock), IST).timestamp()) * NS_PER_S


def ist_date(ts_ns: int) -> dt.date:
    return dt.datetime.fromtimestamp(ts_ns // NS_PER_S, IST).date()


def is_trading_day(date: dt.date) -> bool:
    return date in MUHURAT or date in BUDGET_DAYS or (date.weekday() < 5 and date not in HOLIDAYS)


def next_trading_day(date: dt.date) -> dt.date:
    date += DAY
    while not is_trading_day(date):
        date += DAY
    return date


def previous_trading_day(date: dt.date) -> dt.date:
    date -= DAY
    while not is_trading_day(date):
        date -= DAY
    return date


def hours(kind: str, date: dt.date, *, is_index_expiry: bool = False) -> tuple[str, str]:
    """Continuous trading, IST, of `cash`, `cash_fno`, `index`, `fno`, `cds` or `mcx`.
    `is_index_expiry`: of a contract on an index on its last day.
    """
    if date in MUHURAT:
        return MUHURAT[date]
    if kind == "mcx":
        return "09:00", "23:30"
    if kind == "cds":
        return "09:00", "17:00"
    if kind == "cash_fno" and CAS_FROM <= date < CAS_LATER_FROM:
        return "09:15", "15:15"
    if kind == "fno" and date >= CAS_LATER_FROM:
        return "09:15", "15:30" if is_index_expiry else "15:45"
    if kind == "fno" and date >= CAS_FROM:
        return "09:15", "15:40"
    return "09:15", "15:30"


def _or_before(date: dt.date) -> dt.date:
    return date if is_trading_day(date) else previous_trading_day(date)


def _expiry_day(exchange: str, date: dt.date) -> int:
    """The weekday of expiries around that date."""
    rows = EXPIRY_DAYS[exchange]
    return next((day for first, day in reversed(rows) if first <= f"{date}"), rows[0][1])


def monthly_expiry(year: int, month: int, exchange: str = "NFO") -> dt.date:
    """The last day of expiry in the month."""
    last = dt.date(year, month, calendar.monthrange(year, month)[1])
    return _or_before(last - DAY * ((last.weekday() - _expiry_day(exchange, last)) % 7))


def weekly_expiries(date: dt.date, exchange: str, count: int) -> list[dt.date]:
    """The next so many, from that day on."""
    found: list[dt.date] = []
    day = date
    while len(found) < count:
        expiry = _or_before(day) if day.weekday() == _expiry_day(exchange, day) else None
        if expiry is not None and expiry >= date:
            found.append(expiry)
        day += DAY
    return found


def commodity_expiry(year: int, month: int) -> dt.date:
    """Crude oil: the 19th or the trading day before."""
    return _or_before(dt.date(year, month, 19))


def currency_expiry(year: int, month: int) -> dt.date:
    """Two trading days before the last trading day of the month."""
    last = dt.date(year, month, calendar.monthrange(year, month)[1])
    return previous_trading_day(previous_trading_day(_or_before(last)))
