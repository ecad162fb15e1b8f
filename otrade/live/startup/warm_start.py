"""A day's indicators begin where the sessions before have left them: bars of the past feed the
strategies' kernels before the first tick, and act on nothing.

A core that comes from the day's journal has been brought what was fed to it, and knows up to where:
it is fed only what a start that was broken off had left, and nothing once a series has bars of its
own. What is known of a bar that runs when a day begins in its middle is put in its place; where it
is not known the bar is left out, since half a bar is none.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Sequence

import msgspec

from otrade._core.engine.engine import Engine
from otrade._core.types import Limit, Severity
from otrade.brokers.candle_rows import MinuteCandle
from otrade.calendar import Calendar, TradingSession
from otrade.clock import NS_PER_S, Clock
from otrade.instruments import Instrument
from otrade.live.history.candles import ClosedBar
from otrade.live.history.session_bars import (
    PastBar,
    can_be_made,
    closed_bars,
    minutes_of,
    running_bar,
    session_bars,
)
from otrade.live.notices.board import NoticeBoard
from otrade.live.plan import warm_start as needs
from otrade.live.plan.day_plan import DayPlan, PlannedStrategy
from otrade.live.startup.bar_history import (
    HistoryAnswer,
    HistorySource,
    HistoryWish,
    sessions_before,
)
from otrade.units import ist_hms

NAMES_MAX = 12
BY_CHOICE = "warm_start is off"


class WarmedInstrument(msgspec.Struct, frozen=True):
    """One instrument of the plan, at its place in it."""

    record: Instrument
    symbol: str
    """As it is configured."""
    session: TradingSession


class WarmStart:
    """`make_room`: called before each record, when there is a journal."""

    def __init__(
        self,
        plan: DayPlan,
        traded: Sequence[WarmedInstrument],
        calendar: Calendar,
        clock: Clock,
        reader: HistorySource,
        make_room: Callable[[], None] | None = None,
    ) -> None:
        self._plan = plan
        self._engine: Engine = plan.engine
        self._traded = traded
        self._calendar = calendar
        self._clock = clock
        self._reader = reader
        self._make_room = make_room
        self._why_cold: dict[int, str] = {}
        self._fed_from: dict[int, dt.date] = {}
        self._running: defaultdict[str, list[str]] = defaultdict(list)
        self._has_asked = False
        self.earlier: dict[int, list[ClosedBar]] = {}
        """Minutes of earlier sessions for the chart, by series."""

    async def feed(self) -> None:
        """Ask for what is not known yet, and feed. Never fails: who gets nothing starts cold."""
        for instrument_id, of_it in self._by_instrument().items():
            wanting = [strategy_id for strategy_id in of_it if self._wants(strategy_id)]
            ids = [strategy_id for strategy_id in wanting if self._lacks(strategy_id)]
            wish = self._wish(instrument_id, ids or wanting)
            answer = HistoryAnswer()
            if ids:
                self._has_asked = True
                answer = await self._reader.read(wish)
            elif wanting:
                self._show(instrument_id, wish, self._reader.kept(wish))
            if answer.trouble:
                self._why_cold.update(dict.fromkeys(ids, answer.trouble))
            elif ids:
                self._show(instrument_id, wish, answer.minutes)
                for strategy_id in ids:
                    self._feed(strategy_id, wish, answer)
            if self._is_today(self._traded[instrument_id].session):
                self._join(instrument_id, of_it, answer)

    # ------------------------------------------------------------------------------------- feeding
    def _by_instrument(self) -> dict[int, list[int]]:
        found: dict[int, list[int]] = {}
        for strategy_id, planned in enumerate(self._plan.strategies):
            found.setdefault(planned.instrument_id, []).append(strategy_id)
        return found

    def _wants(self, strategy_id: int) -> bool:
        planned = self._plan.strategies[strategy_id]
        if not planned.warm_start:
            self._why_cold[strategy_id] = BY_CHOICE
        elif not needs.bars_to_settle(planned.kind, planned.params):
            return False
        elif not can_be_made(planned.interval_s * NS_PER_S):
            self._why_cold[strategy_id] = "history has whole minutes only"
        else:
            return True
        return False

    def _lacks(self, strategy_id: int) -> bool:
        """Is there history that it has not been fed? Once its series makes bars, none can be."""
        row = self._engine.strategy(strategy_id)
        if self._has_begun(row["series_id"]):
            return False
        is_today = self._is_today(self._traded[row["instrument_id"]].session)
        return row["fed_ns"] == 0 or row["n_to_feed"] > 0 or is_today

    def _has_begun(self, series_id: int) -> bool:
        series = self._engine.series(series_id)
        return bool(series["has_bar"] or series["n_closed"] or series["from_ns"])

    def _is_today(self, session: TradingSession) -> bool:
        return session.open_ns <= self._clock.now_ns() < session.close_ns

    def _wish(self, instrument_id: int, ids: Sequence[int]) -> HistoryWish:
        traded = self._traded[instrument_id]
        session = traded.session
        n_sessions = 1
        for strategy_id in ids:
            planned = self._plan.strategies[strategy_id]
            in_session = max((session.close_ns - session.open_ns) // self._length_ns(planned), 1)
            wanted = needs.bars_to_settle(planned.kind, planned.params)
            n_sessions = max(n_sessions, -(-wanted // in_session))
            for _, length_s in planned.further:
                in_session = max((session.close_ns - session.open_ns) // (length_s * NS_PER_S), 1)
                n_sessions = max(n_sessions, -(-needs.FURTHER_SETTLES // in_session))
        return HistoryWish(
            traded.record,
            traded.symbol,
            sessions_before(self._calendar, traded.record, session.date, n_sessions),
            self._is_today(session),
        )

    def _feed(self, strategy_id: int, wish: HistoryWish, answer: HistoryAnswer) -> None:
        planned = self._plan.strategies[strategy_id]
        row, now_ns = self._engine.strategy(strategy_id), self._clock.now_ns()
        sessions = [*wish.sessions]
        if wish.with_today:
            sessions.append(self._traded[planned.instrument_id].session)
        bars = self._past_bars(wish, answer, strategy_id, self._length_ns(planned), row["fed_ns"])
        # A slower bar is shown before the own bar that ends with it, as in the day.
        slower = sorted(
            (bar.ts_end_ns, -length_s, series_id, bar)
            for (series_id, length_s), fed_ns in zip(
                planned.further, row["further_fed_ns"], strict=True
            )
            for bar in self._past_bars(wish, answer, strategy_id, length_s * NS_PER_S, fed_ns)
        )
        first = 0
        while first < len(bars) or slower:
            while slower and (first == len(bars) or slower[0][0] <= bars[first].ts_end_ns):
                _, _, series_id, bar = slower.pop(0)
                self._room()
                self._engine.on_history([bar], now_ns, series_id=series_id, strategy_id=strategy_id)
            last = min(first + Limit.HISTORY_BARS, len(bars))
            if slower:
                last = next(
                    (at for at in range(first, last) if bars[at].ts_end_ns >= slower[0][0]), last
                )
            if last > first:
                self._room()
                self._engine.on_history(
                    bars[first:last],
                    now_ns,
                    series_id=planned.series_id,
                    strategy_id=strategy_id,
                    n_left=len(bars) - last,
                )
            first = last
        self._fed_from[strategy_id] = next(
            session.date for session in sessions if minutes_of(answer.minutes, session)
        )

    def _past_bars(
        self,
        wish: HistoryWish,
        answer: HistoryAnswer,
        strategy_id: int,
        length_ns: int,
        fed_ns: int,
    ) -> list[PastBar]:
        """Closed bars of one length of the sessions before and of today, those behind what it has seen."""
        bars = [
            bar
            for session in wish.sessions
            for bar in session_bars(answer.minutes, session, length_ns)
        ]
        if wish.with_today:
            today = self._traded[self._plan.strategies[strategy_id].instrument_id].session
            bars += closed_bars(answer.minutes, today, length_ns, answer.asked_ns)
        return [bar for bar in bars if bar.ts_open_ns >= fed_ns]

    def _join(self, instrument_id: int, ids: Sequence[int], answer: HistoryAnswer) -> None:
        """The bars that run now, of the minute and of the strategies' lengths. Half a bar is none: one
        that history does not tell is left out, whether it was asked or not.
        """
        planned = self._plan.instruments[instrument_id]
        session, now_ns = self._traded[instrument_id].session, self._clock.now_ns()
        strategies = [self._plan.strategies[strategy_id] for strategy_id in ids]
        lengths_ns = {one.series_id: self._length_ns(one) for one in strategies}
        lengths_ns |= {
            series_id: length_s * NS_PER_S
            for one in strategies
            for series_id, length_s in one.further
        }
        lengths_ns.setdefault(planned.minute_series_id, 60 * NS_PER_S)
        for series_id, length_ns in lengths_ns.items():
            if self._has_begun(series_id):
                continue
            running = running_bar(answer.minutes, session, length_ns, now_ns)
            self._room()
            self._engine.on_history(
                [running.bar] if running.bar is not None else [],
                now_ns,
                series_id=series_id,
                ts_from_ns=running.from_ns,
            )
            at = ist_hms(running.from_ns)[:5]
            self._running[
                f"the bar that runs since {at} is joined"
                if running.bar is not None
                else f"history does not tell the running bar: the first one begins at {at}"
            ] += [
                one.name
                for one in strategies
                if one.series_id == series_id and needs.bars_to_settle(one.kind, one.params)
            ]

    def _room(self) -> None:
        if self._make_room is not None:
            self._make_room()

    def _show(self, instrument_id: int, wish: HistoryWish, minutes: Sequence[MinuteCandle]) -> None:
        self.earlier[self._plan.instruments[instrument_id].minute_series_id] = [
            ClosedBar(*minute, n_ticks=0)
            for session in (
                *wish.sessions,
                *([self._traded[instrument_id].session] if wish.with_today else []),
            )
            for minute in minutes_of(minutes, session)
            if minute.ts_open_ns + 60 * NS_PER_S <= self._clock.now_ns()
        ]

    @staticmethod
    def _length_ns(planned: PlannedStrategy) -> int:
        return planned.interval_s * NS_PER_S

    # ------------------------------------------------------------------------------------- telling
    def say(self, board: NoticeBoard, *, is_resumed: bool) -> None:
        """What is warm, and since when what is not will be. Nothing of a core that goes on from the
        journal, where nothing was asked for.
        """
        if is_resumed and not self._has_asked:
            return
        warm: defaultdict[str, list[str]] = defaultdict(list)
        cold: defaultdict[str, list[str]] = defaultdict(list)
        chosen: defaultdict[str, list[str]] = defaultdict(list)
        now_ns = self._clock.now_ns()
        for strategy_id, planned in enumerate(self._plan.strategies):
            why = self._why_cold.get(strategy_id, "")
            waits = needs.waiting_words(self._engine, self._engine.strategy(strategy_id), now_ns)
            fed_from = self._fed_from.get(strategy_id)
            if fed_from is not None:
                warm[f"bars since {fed_from}"].append(planned.name)
            if not waits:
                continue
            if needs.is_of_ticks(planned.kind, planned.params) or why == BY_CHOICE:
                chosen[f"{waits} ({why})" if why else waits].append(planned.name)
            else:
                reason = why or "too few bars of earlier sessions"
                cold[f"{waits} ({reason})"].append(planned.name)
        for words, names in (*self._running.items(), *chosen.items()):
            if names:
                warm[words] = names
        if warm:
            board.say(
                Severity.INFO, "WARM_START", f"indicators start from history: {_joined(warm)}"
            )
        if cold:
            board.say(Severity.WARN, "COLD_START", f"indicators start afresh: {_joined(cold)}")


def _joined(groups: dict[str, list[str]]) -> str:
    parts = []
    for words, names in groups.items():
        more = f" and {len(names) - NAMES_MAX} more" if len(names) > NAMES_MAX else ""
        parts.append(f"{', '.join(names[:NAMES_MAX])}{more}: {words}")
    return "; ".join(parts)
