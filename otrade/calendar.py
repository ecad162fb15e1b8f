"""When each segment trades: hours with effective dates, holidays, special sessions. Pure: dates and
times are passed in.

The end of *continuous* trading belongs to the instrument's segment, never to the market as a whole:
since 3 August 2026 a stock that has derivatives leaves continuous trading at 15:15, and no
stop-loss rests in the closing auction that follows.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from otrade.config.manager import default_bytes, parse_json
from otrade.errors import CalendarError, ConfigError
from otrade.plain_file import read_plain

IST = dt.timezone(dt.timedelta(hours=5, minutes=30), "IST")
SEGMENTS = ("cash", "cash_with_derivatives", "derivatives", "index", "currency", "commodity")
DAY = dt.timedelta(days=1)

Clock = Annotated[str, msgspec.Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
Phase = Literal["closed", "pre_open", "continuous", "closing_auction", "post_close"]


class Hours(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hours of a segment from a date on; `open` to `close` is continuous trading.

    `index_expiry_close`: index contracts on their own expiry day. `auction_until`: the closing
    auction begins at `close`. `post_close`: the session at the closing price, from and until.
    """

    start: dt.date = msgspec.field(name="from")
    open: Clock
    close: Clock
    index_expiry_close: Clock | None = None
    pre_open: Clock | None = None
    auction_until: Clock | None = None
    post_close: tuple[Clock, Clock] | None = None


class SpecialSession(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A session on a day that would have none, or other hours than usual."""

    date: dt.date
    segments: list[str]
    open: Clock
    close: Clock
    name: str = ""


class CalendarFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Shape of `calendar.json`. `holidays` close every segment, `segment_holidays` some."""

    known_from: dt.date
    known_until: dt.date
    segments: dict[str, list[Hours]]
    holidays: dict[dt.date, str]
    segment_holidays: dict[str, dict[dt.date, str]] = {}
    special_sessions: list[SpecialSession] = []
    about: str = ""


class TradingSession(msgspec.Struct, frozen=True):
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

    def __init__(
        self,
        data: CalendarFile,
        file: str = "calendar.json",
        given: frozenset[dt.date] = frozenset(),
    ) -> None:
        self.data = data
        self.file = file
        self.given = given
        """Days before `known_from` that somebody has prices of: sessions, by the first rule's
        hours.
        """
        for name, rules in data.segments.items():
            self._check_segment(f"segments.{name}", name)
            if not rules or [r.start for r in rules] != sorted({r.start for r in rules}):
                raise CalendarError(
                    f"{file}: segments.{name}: the rules' dates must rise, and there must be one"
                )
            if rules[0].start > data.known_from:
                raise CalendarError(
                    f"{file}: segments.{name}: the first rule must hold on known_from "
                    f"{data.known_from}"
                )
            for i, rule in enumerate(rules):
                self._check_order(f"segments.{name}[{i}]", rule.open, rule.close)
        for name in data.segment_holidays:
            self._check_segment("segment_holidays", name)
        for i, special in enumerate(data.special_sessions):
            for name in special.segments:
                self._check_segment(f"special_sessions[{i}].segments", name)
            self._check_order(f"special_sessions[{i}]", special.open, special.close)

    def _check_segment(self, path: str, name: str) -> None:
        if name not in SEGMENTS:
            raise CalendarError(
                f"{self.file}: {path}: unknown segment {name!r} (allowed: {', '.join(SEGMENTS)})"
            )

    def _check_order(self, path: str, opens: str, closes: str) -> None:
        if opens >= closes:
            raise CalendarError(f"{self.file}: {path}: open {opens} must be before close {closes}")

    @classmethod
    def load(cls, path: Path | None = None) -> Calendar:
        """From a file, or the calendar that comes with OTrade."""
        try:
            raw = read_plain(path) if path else default_bytes("calendar.json")
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
        except ConfigError as err:
            raise CalendarError(str(err)) from None

    def with_days(self, dates: Iterable[dt.date]) -> Calendar:
        """This calendar, and a session on each of the dates that lie before its reach: there were
        prices, so there was trading.
        """
        earlier = frozenset(date for date in dates if date < self.data.known_from)
        return Calendar(self.data, self.file, earlier) if earlier else self

    def is_known(self, date: dt.date) -> bool:
        return date in self.given or self.data.known_from <= date <= self.data.known_until

    def _require_known(self, date: dt.date) -> None:
        if not self.is_known(date):
            raise CalendarError(
                f"{date} is outside the known calendar ({self.data.known_from} to "
                f"{self.data.known_until}): its hours and holidays are not known, so nothing is "
                f"traded. Update {self.file} (paths.calendar) from the exchange's circular"
            )

    def holiday(self, date: dt.date) -> str:
        """Why there is no ordinary session: a holiday's name, "weekend", or "" when there is one.
        CalendarError on an unknown date.
        """
        self._require_known(date)
        if date in self.given:
            return ""
        if date in self.data.holidays:
            return self.data.holidays[date]
        return "weekend" if date.weekday() >= 5 else ""

    def session(
        self, segment: str, date: dt.date, *, is_index_expiry: bool = False
    ) -> TradingSession | None:
        """The segment's continuous session of a date; None when it does not trade. CalendarError on
        an unknown date.
        """
        special = self._special(segment, date)
        if special is not None:
            opens, closes = at_ns(date, special.open), at_ns(date, special.close)
            return TradingSession(segment, date, opens, closes, special.name)
        if self.holiday(date) or date in self.data.segment_holidays.get(segment, {}):
            return None
        rule = self._rule(segment, date)
        close = rule.close
        if is_index_expiry and rule.index_expiry_close:
            close = rule.index_expiry_close
        return TradingSession(segment, date, at_ns(date, rule.open), at_ns(date, close))

    def _special(self, segment: str, date: dt.date) -> SpecialSession | None:
        if segment not in self.data.segments:
            raise CalendarError(
                f"{self.file}: no hours for segment {segment!r}; it has "
                f"{', '.join(self.data.segments)}"
            )
        self._require_known(date)
        for special in self.data.special_sessions:
            if special.date == date and segment in special.segments:
                return special
        return None

    def _rule(self, segment: str, date: dt.date) -> Hours:
        rules = self.data.segments[segment]
        return next((rule for rule in reversed(rules) if rule.start <= date), rules[0])

    def phase_at(self, segment: str, now_ns: int, *, is_index_expiry: bool = False) -> Phase:
        """What the exchange does with the segment at a time; only `continuous` is for trading here.
        CalendarError on an unknown date.
        """
        date = date_of(now_ns)
        session = self.session(segment, date, is_index_expiry=is_index_expiry)
        if session is None:
            return "closed"
        if session.open_ns <= now_ns < session.close_ns:
            return "continuous"
        if self._special(segment, date) is not None:
            return "closed"
        rule = self._rule(segment, date)
        if rule.pre_open and at_ns(date, rule.pre_open) <= now_ns < session.open_ns:
            return "pre_open"
        if rule.auction_until and session.close_ns <= now_ns < at_ns(date, rule.auction_until):
            return "closing_auction"
        if rule.post_close and (
            at_ns(date, rule.post_close[0]) <= now_ns < at_ns(date, rule.post_close[1])
        ):
            return "post_close"
        return "closed"

    def next_session(self, segment: str, now_ns: int) -> TradingSession:
        """The first session that has not ended at a time. CalendarError when the calendar ends
        before it.
        """
        date = date_of(now_ns)
        while True:
            session = self.session(segment, date)
            if session is not None and now_ns < session.close_ns:
                return session
            date += DAY

    def last_trading_day(self, segment: str, date: dt.date) -> dt.date:
        """The newest known date up to `date` on which the segment trades. After the calendar's end
        that is its last one, so that a simulation needs no new file each year.
        """
        date = min(date, self.data.known_until)
        while self.session(segment, date) is None:
            date -= DAY
        return date
