"""Live trading: the same day, on the wall clock, with a real broker."""

import contextlib
import datetime as dt
from functools import partial
from pathlib import Path

from otrade._core.types import Severity
from otrade.calendar import Calendar, date_of
from otrade.clock import NS_PER_S, WallClock
from otrade.config import ConfigManager, RunOptions
from otrade.errors import CalendarError, OTradeError, StoppedError
from otrade.live.broker_io.hint_receiver import HintReceiver
from otrade.live.day.clock_step_check import ClockStepCheck
from otrade.live.day.opening_funds import note_opening_funds
from otrade.live.day.trading_day import TradingDay
from otrade.live.monitoring.day_report import DaySummary
from otrade.live.runner import Runner
from otrade.live.runtime.run_file import AccountLock
from otrade.live.startup.credentials import Access, LiveAccess, secondary_broker
from otrade.live.startup.day_builder import DayBuilder
from otrade.live.startup.hooks_settings import hooks_settings
from otrade.live.startup.instrument_cache import InstrumentCache, directory_of, refresh_by_process
from otrade.live.startup.login_flow import LoginFlow
from otrade.live.watchdog.heartbeat import Heartbeat
from otrade.live.watchdog.start import spawn

TOKEN_LOOK_NS = 10 * NS_PER_S


async def run_live(
    manager: ConfigManager, options: RunOptions, calendar: Calendar
) -> list[DaySummary]:
    """Trade today. Returns what became of it."""
    clock = WallClock()
    today = date_of(clock.now_ns())
    why = calendar.holiday(today)
    if why and calendar.session("cash", today) is None:
        raise CalendarError(f"{today} is no trading day ({why}); there is nothing to do today")
    access = LiveAccess(manager.config, clock)
    heartbeat = Heartbeat(Path(manager.config.paths.var))
    with (
        AccountLock(access.account),
        Runner(
            manager, options, clock, mode="live", broker_kind=manager.config.broker.kind, speed=1.0
        ) as runner,
        contextlib.closing(heartbeat),
    ):
        try:
            await _run_day(manager, calendar, clock, today, runner, access, heartbeat)
        except StoppedError:
            raise
        except OTradeError as error:
            # Nobody may be at the terminal of a service.
            runner.board.say(Severity.ALARM, "NOT_TRADING", f"the engine is not trading: {error}")
            raise
        finally:
            await runner.close()
        return runner.summaries


async def _run_day(
    manager: ConfigManager,
    calendar: Calendar,
    clock: WallClock,
    today: dt.date,
    runner: Runner,
    access: LiveAccess,
    heartbeat: Heartbeat,
) -> None:
    heartbeat.open()
    if manager.config.watchdog.enabled:
        _start_watchdog(runner, manager)
    other = secondary_broker(manager.config)
    secondary = LiveAccess(manager.config, clock, other) if other is not None else None
    cache = InstrumentCache(
        directory_of(manager.config), runner.board, refresh_by_process(manager.path)
    )
    builder = DayBuilder(
        manager.config,
        calendar,
        access,
        clock,
        runner.board,
        is_paper=False,
        cache=cache,
        secondary=secondary,
    )
    prepared = await runner.prepare(builder.build(today))
    day = prepared.day
    runner.begin(day)
    runner.set_broker_queries(prepared, builder)
    watch = TokenWatch(day, access, prepared.access_token)
    login = runner.source.login = LoginFlow(
        access, clock, lambda session: watch.use(session.access_token)
    )
    day.listen_to_beats(
        ClockStepCheck(day, clock).on_beat, watch.on_beat, partial(heartbeat.on_beat, day)
    )
    await runner.open(day, day.open(prepared.session))
    await runner.take_hints(
        HintReceiver(login, runner.board, clock, day.want_book),
        hooks_settings(manager.config, access),
    )
    await note_opening_funds(day, prepared.session)
    await day.ended.wait()
    heartbeat.end()  # hanging up takes its time, and nobody need step in
    await day.close()
    runner.finish()
    await runner.after_last(keep_page=False)


def _start_watchdog(runner: Runner, manager: ConfigManager) -> None:
    try:
        spawn(manager.path, manager.config)
    except OSError as error:
        runner.board.say(
            Severity.ERROR,
            "NO_WATCHDOG",
            f"the watchdog cannot be started ({error.strerror}): nobody looks after a dead engine",
        )


class TokenWatch:
    """While the token is dead, looks whether a person has left a new one. Says whose it was that
    died.
    """

    def __init__(self, day: TradingDay, access: Access, token: str) -> None:
        self._day = day
        self._token = token
        self._access = access
        self._next_ns = 0
        self._trouble = ""
        self._was_dead = False

    def use(self, token: str) -> None:
        """Another one is in use: from a file, or from a login on the page."""
        self._token = token
        self._access.adapter.use(token)
        self._was_dead = False
        self._day.on_token(token)

    def on_beat(self, now_ns: int) -> None:
        if not self._day.is_token_dead:
            self._was_dead = False
            return
        if not self._was_dead:
            self._was_dead = True
            self._next_ns = 0
            source = self._access.refused(self._token)
            self._day.board.say(
                Severity.WARN,
                "TOKEN_REFUSED",
                f"the broker refused the access token from {source}; it is not taken again. The newest one that anybody leaves is: "
                f"{self._day.options.login_words}",
            )
        if now_ns < self._next_ns:
            return
        self._next_ns = now_ns + TOKEN_LOOK_NS
        try:
            token = self._access.fresh_token(self._token)
        except OTradeError as error:
            if str(error) != self._trouble:
                self._trouble = str(error)
                self._day.board.say(Severity.ERROR, "TOKEN", self._trouble)
            return
        if token is not None:
            self.use(token)
