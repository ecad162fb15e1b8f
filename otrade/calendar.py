"""When each segment trades: hours with effective dates, holidays, special sessions. Pure: dates and times are passed in.

The end of *continuous* trading belongs to the instrument's segment, never to the market as a whole: since 3 August 2026 a stock
that has derivatives leaves continuous trading at 15:15, and no stop-loss rests in the closing auction that follows.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import msgspec

from otrade.config.manager import default_bytes, parse_json
from otrade.errors import CalendarError

IST = dt.timezone(dt.timedelta(hours=5, minutes=30), "IST")
SEGMENTS = ("cash", "cash_with_derivatives", "derivatives", "index", "currency", "commodity")


class Hours(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hours of a segment from a date on. `index_expiry_close`: index contracts on their own expiry day."""

    start: dt.date = msgspec.field(name="from")
    open: str
    close: str
    index_expiry_close: str | None = None


class SpecialSession(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A session on a day that would have none, or other hours than usual."""

    date: dt.date
    segments: list[str]
    open: str
    close: str
    name: str = ""


class CalendarFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Shape of `calendar.json`."""

    known_from: dt.date
    known_until: dt.date
    segments: dict[str, list[Hours]]
    holidays: dict[dt.date, str]
    special_sessions: list[SpecialSession] = []
    about: str = ""


class Session(msgspec.Struct, frozen=True):
    """One segment's continuous session, nanoseconds since the epoch."""

    segment: str
    date: dt.date
    open_ns: int
    close_ns: int
    name: str = ""


def at_ns(date: dt.date, hour_minute: str) -> int:
    """HH:MM, Indian time, on a date, as nanoseconds since the epoch."""
    hour, minute = hour_minute.split(":")
    moment = dt.datetime(date.year, date.month, date.day, int(hour), int(minute), tzinfo=IST)
    return int(moment.timestamp()) * 1_000_000_000


def date_of(now_ns: int) -> dt.date:
    """The date in India at a time."""
    return dt.datetime.fromtimestamp(now_ns // 1_000_000_000, IST).date()


class Calendar:
    """Answers from one calendar file. `file` is for its error messages."""

    def __init__(self, data: CalendarFile, file: str = "calendar.json") -> None:
        self.data = data
        self.file = file
        for name, rules in data.segments.items():
            if name not in SEGMENTS:
                raise CalendarError(
                    f"{file}: segments.{name}: unknown segment (allowed: {', '.join(SEGMENTS)})"
                )
            if not rules or [r.start for r in rules] != sorted({r.start for r in rules}):
                raise CalendarError(
                    f"{file}: segments.{name}: the rules' dates must rise, and there must be one"
                )

    @classmethod
    def load(cls, path: Path | None = None) -> Calendar:
        """From a file, or the calendar that comes with OTrade."""
        try:
            raw = path.read_bytes() if path else default_bytes("calendar.json")
        except OSError as err:
            raise CalendarError(
                f"{path}: {err.strerror}; set paths.calendar to a calendar file, or to nothing"
            ) from None
        name = str(path) if path else "calendar.json"
        try:
            data: Any = parse_json(raw, name)
            return cls(msgspec.convert(data, CalendarFile), name)
        except msgspec.ValidationError as err:
            raise CalendarError(f"{name}: {err}") from None

    def is_known(self, date: dt.date) -> bool:
        return self.data.known_from <= date <= self.data.known_until

    def _require_known(self, date: dt.date) -> None:
        if not self.is_known(date):
            raise CalendarError(
                f"{date} is outside the known calendar ({self.data.known_from} to {self.data.known_until}): its hours and holidays "
                f"are not known, so nothing is traded. Update {self.file} (paths.calendar) from the exchange's circular"
            )

    def holiday(self, date: dt.date) -> str:
        """Why there is no ordinary session: a holiday's name, "weekend", or "" when there is one."""
        self._require_known(date)
        if date in self.data.holidays:
            return self.data.holidays[date]
        return "weekend" if date.weekday() >= 5 else ""

    def session(
        self, segment: str, date: dt.date, *, is_index_expiry: bool = False
    ) -> Session | None:
        """The segment's continuous session of a date; None when it does not trade. CalendarError on an unknown date."""
        if segment not in self.data.segments:
            raise CalendarError(
                f"{self.file}: no hours for segment {segment!r}; it has {', '.join(self.data.segments)}"
            )
        self._require_known(date)
        for special in self.data.special_sessions:
            if special.date == date and segment in special.segments:
                return Session(
                    segment,
                    date,
                    at_ns(date, special.open),
                    at_ns(date, special.close),
                    special.name,
                )
        if self.holiday(date):
            return None
        rule = [r for r in self.data.segments[segment] if r.start <= date][-1]
        close = (
            rule.index_expiry_close if is_index_expiry and rule.index_expiry_close else rule.close
        )
        return Session(segment, date, at_ns(date, rule.open), at_ns(date, close))

    def last_trading_day(self, segment: str, date: dt.date) -> dt.date:
        """The newest date up to `date` on which the segment trades."""
        while self.session(segment, date) is None:
            date -= dt.timedelta(days=1)
        return date
