"""One calendar for the days that trading knows and for the years before them."""

from __future__ import annotations

import msgspec

from otrade.calendar import Calendar
from otrade.research.history.sessions import PAST


def with_the_past(calendar: Calendar) -> Calendar:
    """The calendar, with the sessions of earlier years where it begins after them. Of a session in two
    parts the first one is traded.
    """
    past = Calendar.load(PAST).data
    data = calendar.data
    if data.known_from <= past.known_from:
        return calendar
    before = data.known_from
    merged = msgspec.structs.replace(
        data,
        known_from=past.known_from,
        segments={
            name: [rule for rule in past.segments[name] if rule.start < before]
            + [msgspec.structs.replace(rule, start=max(rule.start, before)) for rule in rules]
            for name, rules in data.segments.items()
            if name in past.segments
        },
        holidays={
            **{day: why for day, why in past.holidays.items() if day < before},
            **data.holidays,
        },
        special_sessions=[
            *(row for row in past.special_sessions if row.date < before),
            *data.special_sessions,
        ],
    )
    return Calendar(merged, calendar.file)
