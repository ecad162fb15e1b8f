"""Which sessions a day of the past had: by the calendar, and before its reach by a table of its own."""

import datetime as dt
from pathlib import Path

from otrade.calendar import Calendar, TradingSession, at_ns
from otrade.errors import CalendarError
from otrade.instruments.contract_names import read_name
from otrade.instruments.contracts import SPOT_OF
from otrade.instruments.dated import monthly_expiry

DERIVATIVES = "derivatives"
PAST = Path(__file__).with_name("past_sessions.json")


class PastSessions:
    """Answers for any date; a session may have parts."""

    def __init__(self, calendar: Calendar | None = None) -> None:
        self._calendars = (calendar or Calendar.load(), Calendar.load(PAST))

    def parts(self, segment: str, date: dt.date, symbol: str = "") -> list[TradingSession] | None:
        """Continuous trading of a date, in order; empty when the segment was closed; None when nobody
        knows. An index contract (`symbol`) may end earlier on the day on which it expires.
        """
        for calendar in self._calendars:
            if not calendar.is_known(date) or segment not in calendar.data.segments:
                continue
            special = [
                TradingSession(
                    segment, date, at_ns(date, row.open), at_ns(date, row.close), row.name
                )
                for row in calendar.data.special_sessions
                if row.date == date and segment in row.segments
            ]
            if special:
                return special
            try:
                session = calendar.session(
                    segment, date, is_index_expiry=self._is_index_expiry(symbol, date)
                )
            except CalendarError:
                return None
            return [session] if session is not None else []
        return None

    def _is_index_expiry(self, symbol: str, date: dt.date) -> bool:
        exchange, _, name = symbol.partition(":")
        said = read_name(name)
        if said is None or said.under not in SPOT_OF:
            return False
        if (2000 + said.year, said.month) != (date.year, date.month):
            return False
        if said.day:
            return said.day == date.day
        return date == monthly_expiry(
            exchange,
            said.under,
            date.year,
            date.month,
            lambda day: self.parts(DERIVATIVES, day) != [],
        )
