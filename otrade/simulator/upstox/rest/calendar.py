"""When each segment trades, as Upstox's calendar interface and its market feed tell it."""

import datetime as dt
from typing import Any

from otrade.simulator.base import hours
from otrade.simulator.base.hours import BUDGET_DAYS, HOLIDAYS, MUHURAT, ist_ns
from otrade.simulator.base.virtual_clock import VirtualClock
from otrade.simulator.net.http_server import HttpRequest
from otrade.simulator.upstox.rest.errors import bad_field

STATUSES = (
    "PRE_OPEN_START",
    "PRE_OPEN_END",
    "NORMAL_OPEN",
    "NORMAL_CLOSE",
    "CLOSING_START",
    "CLOSING_END",
)
_KINDS = {
    "NSE_EQ": "cash",
    "NSE_INDEX": "index",
    "NSE_FO": "fno",
    "BSE_EQ": "cash",
    "BSE_INDEX": "index",
    "BSE_FO": "fno",
    "NCD_FO": "cds",
    "MCX_FO": "mcx",
}
_EXCHANGES = {
    "NSE": "NSE_EQ",
    "NFO": "NSE_FO",
    "CDS": "NCD_FO",
    "BSE": "BSE_EQ",
    "BFO": "BSE_FO",
    "MCX": "MCX_FO",
}
SEGMENTS = tuple(_KINDS)


def timeline(segment: str, date: dt.date) -> list[tuple[int, str]]:
    """(time, status from then on) of a trading day; before the first it is NORMAL_CLOSE."""
    if not hours.is_trading_day(date):
        return []
    start, end = hours.hours(_KINDS[segment], date)
    told = [(start, "NORMAL_OPEN"), (end, "NORMAL_CLOSE")]
    if segment in ("NSE_EQ", "BSE_EQ") and date not in MUHURAT:
        told = [("09:00", "PRE_OPEN_START"), ("09:08", "PRE_OPEN_END"), *told]
    return [(ist_ns(date, clock), status) for clock, status in told]


def status_at(segment: str, now_ns: int) -> tuple[str, int]:
    """(status, since when); nothing has changed today: midnight."""
    date = hours.ist_date(now_ns)
    found = ("NORMAL_CLOSE", ist_ns(date, "00:00"))
    for since_ns, status in timeline(segment, date):
        if since_ns <= now_ns:
            found = (status, since_ns)
    return found


class UpstoxCalendar:
    """One method a route."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock

    def holidays(self, request: HttpRequest, date: str | None = None) -> Any:
        """Of the present year, or what is special about one date."""
        year = hours.ist_date(self._clock.now_ns()).year
        wanted = None if date is None else _date(date)
        days = sorted(HOLIDAYS | set(MUHURAT) | BUDGET_DAYS)
        return [
            _holiday(day)
            for day in days
            if (day == wanted if wanted is not None else day.year == year)
        ]

    def timings(self, request: HttpRequest, date: str) -> Any:
        day = _date(date)
        return _timings(day) if hours.is_trading_day(day) else []

    def status(self, request: HttpRequest, exchange: str) -> Any:
        if exchange not in _EXCHANGES:
            raise bad_field("exchange", "Invalid exchange", value=exchange)
        status, since_ns = status_at(_EXCHANGES[exchange], self._clock.now_ns())
        return {"exchange": exchange, "status": status, "last_updated": since_ns // 1_000_000}


def _date(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise bad_field("date", "Use yyyy-mm-dd", value=text) from None


def _timings(day: dt.date) -> list[dict[str, Any]]:
    rows = []
    for exchange, segment in _EXCHANGES.items():
        start, end = hours.hours(_KINDS[segment], day)
        rows.append(
            {
                "exchange": exchange,
                "start_time": ist_ns(day, start) // 1_000_000,
                "end_time": ist_ns(day, end) // 1_000_000,
            }
        )
    return rows


def _holiday(day: dt.date) -> dict[str, Any]:
    special = day in MUHURAT or day in BUDGET_DAYS
    return {
        "date": f"{day}",
        "description": "Muhurat trading"
        if day in MUHURAT
        else "Budget session"
        if special
        else "Exchange holiday",
        "holiday_type": "SPECIAL_TIMING" if special else "TRADING_HOLIDAY",
        "closed_exchanges": [] if special else list(_EXCHANGES),
        "open_exchanges": _timings(day) if special else [],
    }
