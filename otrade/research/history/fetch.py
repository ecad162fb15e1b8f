"""Minutes of the past from a broker, month by month: as fast as it may be asked, each answer kept at
once, so that the same command goes on where one before has ended.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable, Iterator, Sequence, Set

import msgspec

from otrade.brokers.candle_rows import QUESTION_DAYS_MAX, QUESTIONS_APART_NS, MinuteCandle
from otrade.calendar import DAY, date_of
from otrade.clock import Clock, pause
from otrade.errors import BrokerError, HistoryError
from otrade.instruments import Instrument
from otrade.patience import patiently
from otrade.price_files.bars import FileBar
from otrade.research.history.archive import Conflict, MergeResult, NewMonth, PriceArchive
from otrade.research.history.month_file import table_of
from otrade.research.history.series import (
    Origin,
    PriceSeries,
    SeriesFacts,
    date_words,
    month_of,
    series_of,
    stamp,
)
from otrade.research.history.sessions import PastSessions
from otrade.units import NS_PER_MINUTE

MINUTES = "1m"
SETTLED_NS = 15 * NS_PER_MINUTE
"""After a session's end its last minutes are in a broker's history."""
Ask = Callable[[dt.date, dt.date], Awaitable[list[MinuteCandle]]]
"""Bars of a minute of the days from one to another, both included."""


class HistoryQuestion(msgspec.Struct, frozen=True):
    """Days of one month, as many as one question reaches; none of them is here yet. `is_under_way`: a day that is not over;
    `is_begun`: one of which an earlier question has brought the beginning.
    """

    month: str
    first: dt.date
    last: dt.date
    is_under_way: bool = False
    is_begun: bool = False


class FetchReport(msgspec.Struct):
    """What came. `n_had`: sessions that were here."""

    series: PriceSeries
    n_questions: int
    n_had: int
    merged: MergeResult


class HistoryFetcher:
    """Fetches one instrument's minutes. `say` is told how far it is."""

    def __init__(
        self,
        archive: PriceArchive,
        days: PastSessions,
        clock: Clock,
        broker: str,
        say: Callable[[str], None],
        *,
        is_simulated: bool,
    ) -> None:
        self._archive = archive
        self._days = days
        self._clock = clock
        self._broker = broker
        self._say = say
        self._is_simulated = is_simulated
        self._asked_ns = 0

    async def fetch(
        self, record: Instrument, ask: Ask, first: dt.date, last: dt.date, conflict: Conflict
    ) -> FetchReport:
        """Every session from one day to another that is not here. BrokerError when the broker refuses
        or does not answer for a minute: what came before that is kept.
        """
        series = series_of(record.symbol, MINUTES)
        facts = SeriesFacts(record.calendar_segment, 0, self._is_simulated)
        today = date_of(self._clock.now_ns())
        wanted = [
            day
            for day in self._wanted(record.calendar_segment, first, last)
            if day < today or self._has_begun(record.calendar_segment, day)
        ]
        had = self._had(series, wanted) if conflict != "replace" else frozenset()
        begun = self._begun(series, wanted)
        is_over = self._is_over(record.calendar_segment, today)
        questions = [
            msgspec.structs.replace(
                question,
                is_under_way=question.last == today and not is_over,
                is_begun=question.last in begun,
            )
            for question in _questions([day for day in wanted if day not in had], {today, *begun})
        ]
        report = FetchReport(series, len(questions), len(had), MergeResult())
        for i, question in enumerate(questions, 1):
            bars = await self._asked(ask, question)
            merged = self._keep(series, facts, question, bars, conflict)
            for name in ("added", "same", "completed", "replaced", "kept"):
                total = getattr(report.merged, name) + getattr(merged, name)
                setattr(report.merged, name, total)
            report.merged.months += [m for m in merged.months if m not in report.merged.months]
            self._say(
                f"{series} {question.first} to {question.last}: {len(bars):,} bars ({i} of {len(questions)} questions)"
            )
        return report

    def _wanted(self, segment: str, first: dt.date, last: dt.date) -> list[dt.date]:
        """Days with a session, and weekdays of which nobody knows."""
        found, date = [], first
        while date <= last:
            parts = self._days.parts(segment, date)
            if parts or (parts is None and date.weekday() < 5):
                found.append(date)
            date += DAY
        return found

    def _has_begun(self, segment: str, date: dt.date) -> bool:
        """Has a minute of its session passed?"""
        parts = self._days.parts(segment, date)
        now_ns = self._clock.now_ns()
        return date == date_of(now_ns) and (not parts or now_ns >= parts[0].open_ns + NS_PER_MINUTE)

    def _is_over(self, segment: str, date: dt.date) -> bool:
        """Has its session ended so long ago that the broker's history has all of it?"""
        parts = self._days.parts(segment, date)
        return not parts or self._clock.now_ns() >= parts[-1].close_ns + SETTLED_NS

    def _begun(self, series: PriceSeries, wanted: Sequence[dt.date]) -> frozenset[dt.date]:
        """Days that were taken while they were not over, and not since."""
        had = self._had(series, wanted)
        return (
            frozenset(
                dt.date.fromisoformat(one.asked_from)
                for month in sorted({month_of(date) for date in wanted})
                if self._archive.path(series, month).exists()
                for one in self._archive.facts_of_month(series, month).origins
                if one.kind == self._broker and one.asked_from and not one.asked_until
            )
            - had
        )

    def _had(self, series: PriceSeries, wanted: Sequence[dt.date]) -> frozenset[dt.date]:
        """Days that this broker was asked about before, whatever it had."""
        spans = [
            (one.asked_from, one.asked_until)
            for month in sorted({month_of(date) for date in wanted})
            if self._archive.path(series, month).exists()
            for one in self._archive.facts_of_month(series, month).origins
            if one.kind == self._broker
        ]
        return frozenset(
            date for date in wanted if any(low <= f"{date}" <= high for low, high in spans)
        )

    async def _asked(self, ask: Ask, question: HistoryQuestion) -> list[FileBar]:
        async def once() -> list[MinuteCandle]:
            now_ns = self._clock.now_ns()
            may_ask_ns = self._asked_ns + QUESTIONS_APART_NS if self._asked_ns else now_ns
            if may_ask_ns > now_ns:
                await pause(self._clock, may_ask_ns - now_ns)
            self._asked_ns = self._clock.now_ns()
            return await ask(question.first, question.last)

        def busy(error: BrokerError) -> None:
            self._say(f"{error}; asked again")

        candles = await patiently(once, self._clock, busy)
        bars = [FileBar(*candle) for candle in candles]
        if question.is_under_way:  # its newest minute is not over
            bars = [bar for bar in bars if bar.ts_ns + NS_PER_MINUTE <= self._clock.now_ns()]
        for bar in bars:
            if not question.first <= date_of(bar.ts_ns) <= question.last:
                raise HistoryError(
                    f"the broker was asked for {question.first} to {question.last} and answered with {date_words(bar.ts_ns)}: nothing "
                    "of this answer is kept"
                )
        return bars

    def _keep(
        self,
        series: PriceSeries,
        facts: SeriesFacts,
        question: HistoryQuestion,
        bars: Sequence[FileBar],
        conflict: Conflict,
    ) -> MergeResult:
        if not bars:
            return MergeResult()
        origin = Origin(
            self._broker,
            series.symbol,
            stamp(self._clock.now_ns()),
            len(bars),
            date_words(bars[0].ts_ns),
            date_words(bars[-1].ts_ns),
            asked_from=f"{question.first}",
            # Of a day that is not over nothing is settled: the same command asks again.
            asked_until="" if question.is_under_way else f"{question.last}",
        )
        if conflict == "refuse" and (question.is_begun or question.is_under_way):
            # The last minutes of a day under way may have been told before they were whole.
            conflict = "replace"
        with self._archive.changing():
            return self._archive.merge(
                series,
                facts,
                {question.month: NewMonth(table_of(series, bars), origin)},
                conflict,
            )


def _questions(days: Sequence[dt.date], alone: Set[dt.date]) -> Iterator[HistoryQuestion]:
    """Runs of days of one month, none longer than one question reaches. `alone`: days that are a question of their own."""
    run: list[dt.date] = []
    for day in days:
        if run and (
            month_of(day) != month_of(run[0])
            or (day - run[0]).days >= QUESTION_DAYS_MAX
            or not alone.isdisjoint((day, run[-1]))
        ):
            yield HistoryQuestion(month_of(run[0]), run[0], run[-1])
            run = []
        run.append(day)
    if run:
        yield HistoryQuestion(month_of(run[0]), run[0], run[-1])
