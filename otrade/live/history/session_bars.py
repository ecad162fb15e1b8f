"""Bars of a minute, as a broker or a file has them, put together to the bars of a series: those
that the engine would have made, had it listened.
"""

from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

from otrade.brokers.candle_rows import MINUTE_NS, MinuteCandle
from otrade.calendar import TradingSession


class PastBar(NamedTuple):
    """A closed bar, or the one that runs: what `Engine.on_history` takes."""

    ts_open_ns: int
    ts_end_ns: int
    open_e4: int
    high_e4: int
    low_e4: int
    close_e4: int
    volume: int


class FormingBar(NamedTuple):
    """The bar that runs when a day begins in its middle. `bar` None: history does not tell it all;
    then `from_ns` is its end.
    """

    from_ns: int
    bar: PastBar | None


def can_be_made(interval_ns: int) -> bool:
    """Bars of whole minutes only: nobody keeps shorter ones."""
    return interval_ns % MINUTE_NS == 0


def minutes_of(minutes: Sequence[MinuteCandle], session: TradingSession) -> Sequence[MinuteCandle]:
    """Those of one session; what a vendor has before the open and after the close is no trading."""
    first, behind = (bisect_left(minutes, (ns,)) for ns in (session.open_ns, session.close_ns))
    return minutes[first:behind]


def session_bars(
    minutes: Sequence[MinuteCandle], session: TradingSession, interval_ns: int
) -> list[PastBar]:
    """Every length starts at the opening bell; a bar without a trade is none."""
    found: list[PastBar] = []
    for minute in minutes_of(minutes, session):
        n = (minute.ts_open_ns - session.open_ns) // interval_ns
        begins_ns = session.open_ns + n * interval_ns
        if not found or found[-1].ts_open_ns != begins_ns:
            ends_ns = min(begins_ns + interval_ns, session.close_ns)
            found.append(PastBar(begins_ns, ends_ns, *minute[1:]))
            continue
        last = found[-1]
        found[-1] = last._replace(
            high_e4=max(last.high_e4, minute.high_e4),
            low_e4=min(last.low_e4, minute.low_e4),
            close_e4=minute.close_e4,
            volume=last.volume + minute.volume,
        )
    return found


def closed_bars(
    minutes: Sequence[MinuteCandle], session: TradingSession, interval_ns: int, asked_ns: int
) -> list[PastBar]:
    """Bars of a session that still runs, which had closed when history was asked and which it tells
    to their end: where it is behind, its last bar is not all of it.
    """
    today = minutes_of(minutes, session)
    known_ns = min(asked_ns, today[-1].ts_open_ns + MINUTE_NS) if today else 0
    return [bar for bar in session_bars(today, session, interval_ns) if bar.ts_end_ns <= known_ns]


def running_bar(
    minutes: Sequence[MinuteCandle], session: TradingSession, interval_ns: int, now_ns: int
) -> FormingBar:
    """The bar in which `now_ns` lies. It is told by a history that reaches into this minute, or to
    the end of the one before: brokers are a little late.
    """
    begins_ns = session.open_ns + (now_ns - session.open_ns) // interval_ns * interval_ns
    today = minutes_of(minutes, session)
    reached_ns = today[-1].ts_open_ns + 2 * MINUTE_NS if today else 0
    if today and today[-1].ts_open_ns >= begins_ns and reached_ns > now_ns // MINUTE_NS * MINUTE_NS:
        return FormingBar(begins_ns, session_bars(today, session, interval_ns)[-1])
    return FormingBar(min(begins_ns + interval_ns, session.close_ns), None)
