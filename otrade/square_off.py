"""When a broker closes intraday positions by itself: a dated table, by broker and segment. Pure:
dates and sessions are passed in.

Ours must come first: an order of the broker's costs a fee, and after its time an exit of ours as
MIS may be refused.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from otrade.calendar import SEGMENTS, Clock, TradingSession, at_ns
from otrade.config.manager import default_bytes, parse_json
from otrade.errors import CalendarError, ConfigError
from otrade.plain_file import read_plain

MINUTE_NS = 60_000_000_000
FILE = "square_off.json"
Certainty = Literal["sure", "second-hand", "unknown"]


class SquareOffTime(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One segment's. At least one of the first two is given; of both the earlier counts."""

    at: Clock | None = None
    before_close_min: Annotated[int, msgspec.Meta(ge=1, le=300)] | None = None
    no_new_at: Clock | None = None


class SquareOffRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A broker's times from a date on."""

    start: dt.date = msgspec.field(name="from")
    certainty: Certainty
    source: str
    times: dict[str, SquareOffTime]


class SquareOffFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Shape of `square_off.json`."""

    brokers: dict[str, list[SquareOffRule]]
    special_session_min: Annotated[int, msgspec.Meta(ge=1, le=300)] = 20
    about: str = ""


class CutOff(msgspec.Struct, frozen=True):
    """What one broker does with one session, nanoseconds since the epoch."""

    square_off_ns: int
    no_new_ns: int
    """From then on new intraday orders may be refused."""
    certainty: Certainty
    source: str


class SquareOffs:
    """Answers from one file."""

    def __init__(self, data: SquareOffFile, file: str = FILE) -> None:
        self._data = data
        for broker, rules in data.brokers.items():
            at = f"{file}: brokers.{broker}"
            if not rules or [rule.start for rule in rules] != sorted(
                {rule.start for rule in rules}
            ):
                raise CalendarError(f"{at}: the rules' dates must rise, and there must be one")
            for i, rule in enumerate(rules):
                for segment, time in rule.times.items():
                    if segment not in SEGMENTS:
                        raise CalendarError(
                            f"{at}[{i}].times: unknown segment {segment!r} (allowed: {', '.join(SEGMENTS)})"
                        )
                    if time.at is None and time.before_close_min is None:
                        raise CalendarError(
                            f"{at}[{i}].times.{segment}: give at or before_close_min"
                        )

    @classmethod
    def load(cls, named: str = "") -> SquareOffs:
        """From the file of that name, or the table that comes with OTrade."""
        path = Path(named) if named else None
        try:
            raw = read_plain(path) if path else default_bytes(FILE)
        except OSError as err:
            raise CalendarError(
                f"{path}: {err.strerror}; set paths.square_off to a table of square-off times, or to nothing"
            ) from None
        name = str(path) if path else FILE
        try:
            data: Any = parse_json(raw, name)
            return cls(msgspec.convert(data, SquareOffFile), name)
        except msgspec.ValidationError as err:
            raise CalendarError(f"{name}: {err}") from None
        except ConfigError as err:
            raise CalendarError(str(err)) from None

    def cut_off(self, broker: str, session: TradingSession) -> CutOff | None:
        """Of that session's intraday positions; None when the broker, or the date, is not in the
        table.
        """
        rules = [rule for rule in self._data.brokers.get(broker, ()) if rule.start <= session.date]
        if not rules:
            return None
        rule = rules[-1]
        time = rule.times.get(session.segment)
        early_ns = session.close_ns - self._data.special_session_min * MINUTE_NS
        if (
            time is None
            or session.name
            or (time.at is not None and at_ns(session.date, time.at) >= session.close_ns)
        ):
            why = f"nothing published for {session.name or session.segment}: {self._data.special_session_min} minutes before its end"
            return CutOff(early_ns, early_ns, "unknown", why)
        times = [at_ns(session.date, time.at)] if time.at is not None else []
        if time.before_close_min is not None:
            times.append(session.close_ns - time.before_close_min * MINUTE_NS)
        square_off_ns = min(times)
        no_new_ns = (
            at_ns(session.date, time.no_new_at) if time.no_new_at is not None else square_off_ns
        )
        return CutOff(square_off_ns, min(no_new_ns, square_off_ns), rule.certainty, rule.source)
