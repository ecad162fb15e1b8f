"""Bars of earlier sessions: from a file of the user's, from what was kept of this day's answers, or
from the broker, within its rates and a bound of time.

A start never fails because of them. Who has none is told why, and starts cold.
"""

import datetime as dt
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from otrade.brokers.adapter import BrokerAdapter
from otrade.brokers.candle_rows import (
    MINUTE_NS,
    QUESTION_DAYS_MAX,
    QUESTIONS_APART_NS,
    MinuteCandle,
    can_be,
)
from otrade.calendar import Calendar, TradingSession
from otrade.clock import NS_PER_S, Clock, pause
from otrade.errors import (
    BrokerError,
    CalendarError,
    NetworkError,
    RateLimitError,
    TokenError,
)
from otrade.instruments import Instrument
from otrade.live.history.session_bars import minutes_of
from otrade.plain_file import own_folder, read_own, write_whole

SLOW_DOWN_NS = 2 * NS_PER_S
TRIES = 3
SAME_MAX = 2
"""Refused in the same words so often, the next one would be too."""
DAY_NAME = re.compile(r"\d{4}-\d{2}-\d{2}")


class HistoryWish(msgspec.Struct, frozen=True):
    """What is wanted of one instrument: these sessions, oldest first, and today's bars so far."""

    record: Instrument
    symbol: str
    """As it is configured."""
    sessions: list[TradingSession]
    with_today: bool


class HistoryAnswer(msgspec.Struct, frozen=True):
    """Bars of a minute, oldest first; or why there are none."""

    minutes: Sequence[MinuteCandle] = ()
    trouble: str = ""
    asked_ns: int = 0
    """When; what closed later may not be all in it."""


class HistorySource(Protocol):
    """Where a start has bars of earlier sessions from."""

    async def read(self, wish: HistoryWish) -> HistoryAnswer: ...

    def kept(self, wish: HistoryWish) -> Sequence[MinuteCandle]: ...


def sessions_before(
    calendar: Calendar, record: Instrument, date: dt.date, n: int
) -> list[TradingSession]:
    """The `n` sessions of an instrument before a date, oldest first; fewer where the calendar, or
    what one question reaches, ends.
    """
    found: list[TradingSession] = []
    for back in range(1, QUESTION_DAYS_MAX + 1):
        if len(found) >= n:
            break
        day = date - dt.timedelta(days=back)
        try:
            session = calendar.session(
                record.calendar_segment, day, is_index_expiry=record.is_index_expiry(day)
            )
        except CalendarError:
            break
        if session is not None:
            found.append(session)
    return found[::-1]


class HistoryStore:
    """Answers of one account on one day, below `directory`. What cannot be read or written is as if
    it were not there: the broker is asked again.
    """

    def __init__(self, directory: Path, account: str, today: dt.date) -> None:
        self._account = directory / account
        self._today = self._account / str(today)

    def read(self, record: Instrument, first: dt.date) -> list[MinuteCandle] | None:
        """Bars since that day, none of today's."""
        try:
            kept = msgspec.json.decode(read_own(self._path(record)), type=_KeptBars)
        except (OSError, msgspec.DecodeError):
            return None
        if kept.symbol != record.symbol or kept.first > first:
            return None
        bars = kept.bars
        times = [bar.ts_open_ns for bar in bars]
        is_whole = times == sorted(set(times)) and all(
            can_be(*bar[1:5]) and bar.volume >= 0 for bar in bars
        )
        return bars if is_whole else None

    def write(self, record: Instrument, first: dt.date, bars: Sequence[MinuteCandle]) -> None:
        """Whole or not at all. Other days' answers go: splits may have changed them."""
        data = msgspec.json.encode(_KeptBars(record.symbol, first, list(bars)))
        try:
            own_folder(self._today)
            for other in self._account.iterdir():
                if DAY_NAME.fullmatch(other.name) and other != self._today:
                    shutil.rmtree(other, ignore_errors=True)
            write_whole(self._path(record), data)
        except OSError:
            return

    def _path(self, record: Instrument) -> Path:
        return self._today / f"{record.exchange}-{record.token}.json"


class _KeptBars(msgspec.Struct, frozen=True):
    symbol: str
    first: dt.date
    bars: list[MinuteCandle]


class BarHistoryReader:
    """`files`: price files by configured symbol. `max_wait_ns`: how long a start may wait for all
    of it.
    """

    def __init__(
        self,
        adapter: BrokerAdapter,
        clock: Clock,
        today: dt.date,
        files: Mapping[str, str],
        max_wait_ns: int,
        store: HistoryStore | None,
    ) -> None:
        self._adapter = adapter
        self._clock = clock
        self._today = today
        self._files = files
        self._until_ns = clock.now_ns() + max_wait_ns
        self._store = store
        self._given_up = ""
        self._last_trouble = ""
        self._n_same = 0
        self._asked_ns = 0

    async def read(self, wish: HistoryWish) -> HistoryAnswer:
        if not wish.sessions:
            return HistoryAnswer(trouble="the calendar knows no earlier session")
        if wish.symbol in self._files:
            answer = _of_file(self._files[wish.symbol])
            if not wish.with_today or answer.trouble:
                return _checked(answer, wish)
            today = await self._asked(wish.record, self._today, with_today=True)
            earlier = [bar for bar in answer.minutes if bar.ts_open_ns < wish_ends_ns(wish)]
            minutes = [*earlier, *today.minutes]
            return _checked(msgspec.structs.replace(today, minutes=minutes), wish)
        first = wish.sessions[0].date
        kept = self._store.read(wish.record, first) if self._store is not None else None
        if kept is not None and not wish.with_today:
            return _checked(HistoryAnswer(kept), wish)
        answer = await self._asked(
            wish.record, first if kept is None else self._today, with_today=wish.with_today
        )
        if kept is not None:
            answer = msgspec.structs.replace(answer, minutes=[*kept, *answer.minutes])
        elif not answer.trouble and self._store is not None:
            behind_ns = wish_ends_ns(wish)
            earlier = [bar for bar in answer.minutes if bar.ts_open_ns < behind_ns]
            self._store.write(wish.record, first, earlier)
        return _checked(answer, wish)

    def kept(self, wish: HistoryWish) -> Sequence[MinuteCandle]:
        """What is there without asking anybody."""
        if wish.symbol in self._files:
            return _of_file(self._files[wish.symbol]).minutes
        if self._store is None or not wish.sessions:
            return ()
        return self._store.read(wish.record, wish.sessions[0].date) or ()

    async def _asked(
        self, record: Instrument, first: dt.date, *, with_today: bool
    ) -> HistoryAnswer:
        for _ in range(TRIES):
            if self._given_up:
                break
            now_ns = self._clock.now_ns()
            may_ask_ns = max(now_ns, self._asked_ns + QUESTIONS_APART_NS if self._asked_ns else 0)
            if may_ask_ns >= self._until_ns:
                self._given_up = "the time for history at a start (history.max_wait_s) was over"
                break
            if may_ask_ns > now_ns:
                await pause(self._clock, may_ask_ns - now_ns)
            self._asked_ns = self._clock.now_ns()
            try:
                bars = await self._adapter.minute_bars(
                    record, first, self._today, with_today=with_today
                )
            except RateLimitError as error:
                self._last_trouble = str(error)
                await pause(self._clock, SLOW_DOWN_NS)
                continue
            except (NetworkError, TokenError) as error:
                self._given_up = str(error)
                break
            except BrokerError as error:
                return self._refused(str(error))
            return HistoryAnswer(bars, asked_ns=self._asked_ns)
        else:
            self._given_up = self._last_trouble
        return HistoryAnswer(trouble=self._given_up)

    def _refused(self, words: str) -> HistoryAnswer:
        self._n_same = self._n_same + 1 if words == self._last_trouble else 1
        self._last_trouble = words
        if self._n_same >= SAME_MAX:
            self._given_up = words
        return HistoryAnswer(trouble=words)


def wish_ends_ns(wish: HistoryWish) -> int:
    """Where the last of the earlier sessions ends."""
    return wish.sessions[-1].close_ns


def _checked(answer: HistoryAnswer, wish: HistoryWish) -> HistoryAnswer:
    """Without the session just before, indicators would go on from a price of long ago."""
    if answer.trouble or minutes_of(answer.minutes, wish.sessions[-1]):
        return answer
    return HistoryAnswer(trouble=f"the history has nothing of {wish.sessions[-1].date}")


def _of_file(path: str) -> HistoryAnswer:
    # Imported when it is wanted: few live engines have such a file.
    from otrade.price_files.bars import bar_length_ns
    from otrade.price_files.reader import read

    try:
        file = read(path)
    except (ValueError, OSError) as error:
        return HistoryAnswer(trouble=str(error))
    if bar_length_ns(file.days.values()) != MINUTE_NS:
        return HistoryAnswer(trouble=f"{path}: its bars are not of one minute")
    return HistoryAnswer(
        [
            MinuteCandle(
                bar.ts_ns,
                bar.open_e4,
                bar.high_e4,
                bar.low_e4,
                bar.close_e4,
                max(bar.volume, 0),
            )
            for date in sorted(file.days)
            for bar in file.days[date]
        ]
    )
