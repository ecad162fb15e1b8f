"""What every run has around its days: the lock, the log, the terminal, the engine's socket, the page's
process, signals, and the words at the end.
"""

import asyncio
import logging
import math
import os
import socket
import time
from collections.abc import Coroutine
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from otrade._core.types import Severity
from otrade.clock import NS_PER_S, Clock
from otrade.config import ConfigManager, RunOptions
from otrade.config.manager import to_bytes
from otrade.config.schema import Config
from otrade.contract.views import Mode
from otrade.errors import OTradeError, StartError, StoppedError
from otrade.hooks.settings import HooksSettings
from otrade.journal.archive import tidy
from otrade.live.alerts.dispatcher import AlertDispatcher
from otrade.live.api.engine_source import LiveEngineSource
from otrade.live.api.queries import LiveQueries
from otrade.live.broker_io.account_queries import TIMEOUT_NS, AccountQueries
from otrade.live.control.command_keys import CommandKeys
from otrade.live.control.commands import Commands
from otrade.live.control.config_reload import ConfigReloader
from otrade.live.control.kill_switch import KillSwitch
from otrade.live.control.os_signals import StopSignals
from otrade.live.control.preflight_service import PreflightService
from otrade.live.day.trading_day import TradingDay
from otrade.live.engine_socket.engine_socket import EngineSocket
from otrade.live.engine_socket.hint_socket import HintHandler, HintSocket
from otrade.live.engine_socket.requests import Requests
from otrade.live.history.latency import keep
from otrade.live.monitoring.day_report import DaySummary, render, render_total, short, summarize
from otrade.live.monitoring.loop_watch import LoopWatch
from otrade.live.monitoring.price_alarm import PriceAlarm
from otrade.live.monitoring.progress import Progress
from otrade.live.monitoring.staleness import FrameWatch, NakedWatch
from otrade.live.notices.board import Notice, NoticeBoard
from otrade.live.notices.json_log import LOGGER_NAME, TolerantLogFile, close_log, open_log
from otrade.live.plan.open_exposure import what_is_open
from otrade.live.runtime.child_processes import (
    alert_command,
    begin_and_leave,
    hooks_command,
    keep_day_command,
    serve_command,
)
from otrade.live.runtime.cpu_tuning import CpuTuning
from otrade.live.runtime.cpu_tuning import check as check_tuning
from otrade.live.runtime.gc_control import GcControl
from otrade.live.runtime.listening_process import ListeningProcess
from otrade.live.runtime.run_file import RunFile, RunInfo
from otrade.live.runtime.server_file import running_server
from otrade.patience import unless
from otrade.stream.delta_stream import DeltaStream
from otrade.units import NS_PER_MS, ns_of_s

if TYPE_CHECKING:
    from otrade.live.alerts.sender_client import AlertSenderClient
    from otrade.live.startup.day_builder import DayBuilder, PreparedDay

T = TypeVar("T")
LEVELS = {
    Severity.INFO: logging.INFO,
    Severity.WARN: logging.WARNING,
    Severity.ERROR: logging.ERROR,
    Severity.ALARM: logging.CRITICAL,
}
PROGRESS_FILE_NS = 1_800 * NS_PER_S
"""Engine time between two progress lines when nobody watches a terminal."""
PROGRESS_MAX_NS = 300 * NS_PER_S
"""The same on a terminal when time does not wait."""
LAST_ALERTS_S = 10.0
"""How long the end waits for the last alerts' fate; their process goes on delivering without us."""


class Runner:
    """Context manager of a run: `with Runner(...) as runner`, then a day after the other through
    `begin` and `finish`.
    """

    def __init__(
        self,
        manager: ConfigManager,
        options: RunOptions,
        clock: Clock,
        *,
        mode: Mode,
        broker_kind: str,
        speed: float,
    ) -> None:
        self.manager = manager
        self.clock = clock
        self.speed = speed
        self.board = NoticeBoard(clock.now_ns)
        self.progress = Progress()
        self._kill_switch = KillSwitch(Path(self.config.paths.var))
        self.commands = Commands(
            on_stop=self._on_stop_requested, blocks_rearm=self._kill_switch.blocks_rearm
        )
        self.source = LiveEngineSource(
            self.board,
            self.commands,
            mode=mode,
            broker_kind=broker_kind,
            speed=speed,
            queries=LiveQueries(),
        )
        self._keys = CommandKeys()
        self._socket = EngineSocket(
            Path(self.config.paths.var) / "run",
            Requests(self.source, self._keys, lambda: to_bytes(self.config)),
            DeltaStream(
                self.source,
                interval_s=1 / self.config.web.updates_per_s,
                encode=msgspec.msgpack.encode,
            ),
            mode,
        )
        self.summaries: list[DaySummary] = []
        self.stop_wanted = asyncio.Event()
        self.day: TradingDay | None = None
        self._give_up = asyncio.Event()
        """The day's opening is not waited for any more."""
        self._is_opening = False
        self._stop_why = ""
        self._mode = mode
        self._shows_page = options.page
        self._port = self.config.web.port if options.port is None else options.port
        self._run_file = RunFile(Path(self.config.paths.var))
        self._reloader = ConfigReloader(manager, self.board)
        self._gc_control: GcControl | None = None
        self._cpu_tuning: CpuTuning | None = None
        self._page: ListeningProcess | None = None
        self._page_url = ""
        self._serving: asyncio.Task[None] | None = None
        self._loop_watch: LoopWatch | None = None
        self._hooks: ListeningProcess | None = None
        self._hints: HintSocket | None = None
        self._signals: StopSignals | None = None
        self._log: TolerantLogFile | None = None
        self._alerts: AlertDispatcher | None = None
        self._alert_sender: AlertSenderClient | None = None
        self._progress_ns = 0
        self._tidy: asyncio.Future[None] | None = None

    @property
    def config(self) -> Config:
        return self.manager.config

    def __enter__(self) -> "Runner":
        if self._mode == "live":
            check_tuning(self.config.speed)
        self._run_file.__enter__()
        try:
            if self._shows_page and running_server(Path(self.config.paths.var)) is None:
                require_free_port(self.config.web.host, self._port)
            self._socket.open()
        except BaseException:
            self._run_file.__exit__(None, None, None)
            raise
        self._log = open_log(Path(self.config.paths.var), self.config.log, self._log_failed)
        self.source.log = self._log
        self.board.listen(self._on_notice)
        self._start_alerts()
        self._signals = StopSignals(
            asyncio.get_running_loop(),
            on_stop=self._on_stop_requested,
            on_insist=self._on_stop_insisted,
        )
        self._signals.__enter__()
        self._kill_switch.install(asyncio.get_running_loop())
        self._write_run_file()
        self._serving = asyncio.get_running_loop().create_task(self._socket.serve())
        self._start_loop_watch()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._loop_watch is not None:
            self._loop_watch.stop()
        self._stop_tuning()
        self.progress.end()
        self._kill_switch.remove()
        self._socket.shut()
        if self._signals is not None:
            self._signals.__exit__(exc_type, exc, traceback)
        self._run_file.__exit__(exc_type, exc, traceback)
        close_log(self._log)

    def _start_loop_watch(self) -> None:
        """On a paper day a stall is counted and not said: simulated time waits for the loop, and a
        journal must not depend on how busy the machine is.
        """
        self._loop_watch = self.source.loop_watch = LoopWatch(
            asyncio.get_running_loop(),
            stall_ns=self.config.alerts.loop_stall_ms * NS_PER_MS,
            now_ns=self.clock.now_ns,
            board=self.board if self._mode == "live" else None,
        )
        self._loop_watch.start()

    # ---------------------------------------------------------------------------------------- days
    async def prepare(self, work: Coroutine[Any, Any, T]) -> T:
        """What comes before a day is there; a broker hears nothing of it but questions.
        StoppedError when somebody stops the engine first.
        """
        try:
            return await unless(self.stop_wanted, work)
        except StoppedError:
            raise StoppedError(
                f"stopped during the start ({self._stop_why}): nothing was begun, and no order was sent. What an earlier run has left at "
                "the broker stays as it is."
            ) from None

    async def open(self, day: TradingDay, opening: Coroutine[Any, Any, None]) -> None:
        """Open the day. A stop that comes while nothing has reached the broker ends it at once, a
        later one as soon as the account is known; a second one at once. StoppedError: it is not
        open, and everything is closed.
        """
        self._is_opening = True
        if self.stop_wanted.is_set():
            self._on_stop_requested(self._stop_why)
        try:
            await unless(self._give_up, opening)
        except StoppedError:
            await self._give_day_up(day)
        finally:
            self._is_opening = False
        await self._opened()

    async def _give_day_up(self, day: TradingDay) -> None:
        """Say what the journal knows to be open, and hang up. Raises StoppedError."""
        day.ended.set()
        is_open = any(day.plan.net_of().values())
        words = f"stopped during the start ({day.shutdown.why}): nothing was entered. {what_is_open(day.plan)}"
        if is_open:
            words += " So says the journal; the broker has not been asked. Start again, or look at the broker's page."
        self.board.say(Severity.ALARM if is_open else Severity.WARN, "START_STOPPED", words)
        await day.close()
        raise StoppedError(words, is_open=is_open)

    def begin(self, day: TradingDay) -> None:
        """A day is made and about to be opened."""
        self.day = day
        if day.journal is not None:
            self._keys.restore(day.journal.acts_before())
        self.commands.set_day(day)
        self.source.set_day(day)
        self._gc_control = GcControl(day.engine)
        frames = FrameWatch(lambda: day.engine.counters()["frames"])
        self.source.frames = frames
        naked = NakedWatch(day, ns_of_s(self.config.alerts.naked_s))
        day.listen_to_beats(
            partial(self._kill_switch.on_beat, day),
            self._show_progress,
            self._gc_control.on_beat,
            self._check_reload,
        )
        prices = PriceAlarm(day, self.config.risk.stale_feed_ms * NS_PER_MS)
        day.listen_to_beats(frames.on_beat, naked.on_beat, prices.on_beat)
        if self._alerts is not None:
            day.listen_to_beats(self._alerts.on_beat)

    def set_broker_queries(self, prepared: "PreparedDay", builder: "DayBuilder") -> None:
        """Where the page's questions to brokers go."""
        adapters = [builder.access.adapter]
        if prepared.secondary is not None and prepared.secondary.adapter is not adapters[0]:
            adapters.append(prepared.secondary.adapter)
        self.source.account_queries = AccountQueries(
            [(adapter.name, partial(adapter.emergency_client, TIMEOUT_NS)) for adapter in adapters],
            self.clock.now_ns,
        )
        self.source.preflight_service = PreflightService(
            builder.config,
            adapters[0],
            builder.calendar,
            self.clock,
            prepared.day,
            prepared.records,
        )

    async def _opened(self) -> None:
        """The core trades: only now comes the page's process, which would take the processor from the
        start.
        """
        assert self.day is not None
        if self._gc_control is not None:
            self._gc_control.__enter__()
        if self._mode == "live":
            self._cpu_tuning = CpuTuning(self.config.speed, self.board)
            self._cpu_tuning.__enter__()
        self.source.lifecycle = "running"
        self._tidy = asyncio.get_running_loop().run_in_executor(
            None, self._tidy_journals, self.day.plan.day
        )
        if self._shows_page and not self._page_url:
            await self._start_page()

    def _tidy_journals(self, today: str) -> None:
        """In a thread: compress what is over, and keep what the policy says."""
        config = self.config.journal
        done = tidy(
            Path(self.config.paths.var) / "journal",
            today,
            keep_days=config.keep_days,
            keep_mb=config.keep_mb,
        )
        log = logging.getLogger(LOGGER_NAME)
        for name in done.failed:
            log.warning("journal %s could not be compressed", name)
        if done.compressed or done.deleted:
            log.info(
                "journals compressed: %s; deleted: %s",
                ", ".join(done.compressed) or "none",
                ", ".join(done.deleted) or "none",
            )

    def finish(self, prices_words: str = "") -> DaySummary:
        """A day has ended and is closed: print its screen. `prices_words`: what must be said of the
        prices on which it traded.
        """
        assert self.day is not None
        self._stop_tuning()
        if self._gc_control is not None:
            self._gc_control.__exit__()
        summary = summarize(self.day, prices_words)
        # The screen of a day is printed once: thirty days' trades are not kept for the totals.
        self.summaries.append(msgspec.structs.replace(summary, trades=()))
        self._keep_latency(self.day)
        self._keep_result(self.day)
        if self._alerts is not None:
            self._alerts.day_over(short(summary), self.clock.now_ns())
        self.progress.end()
        print(render(summary), flush=True)
        return summary

    def _stop_tuning(self) -> None:
        if self._cpu_tuning is not None:
            self._cpu_tuning.__exit__(None, None, None)
            self._cpu_tuning = None

    def _keep_latency(self, day: TradingDay) -> None:
        try:
            keep(Path(self.config.paths.var), day.plan.day, self._mode, day.stages())
        except OSError as error:
            self.board.say(
                Severity.WARN,
                "NO_LATENCY_FILE",
                f"the day's latencies are not kept ({error.strerror})",
            )

    def _keep_result(self, day: TradingDay) -> None:
        """In a process of its own, which outlives us. A paper day that did not wait for its market is
        made again by the same command, and kept when somebody asks for it.
        """
        if day.journal is None or math.isinf(self.speed):
            return
        command = keep_day_command(Path(self.config.paths.var).absolute(), day.plan.day)
        try:
            begin_and_leave(command)
        except OSError as error:
            self.board.say(
                Severity.WARN,
                "NO_RESULT",
                f"the day is not kept as a result ({error.strerror}); otrade report {day.plan.day} makes it of its journal",
            )

    async def after_last(self, *, keep_page: bool) -> None:
        """Print the totals; keep the page up until somebody stops it."""
        self.source.lifecycle = "stopped"
        if len(self.summaries) > 1:
            print(render_total(self.summaries), flush=True)
        if keep_page and self._page_url and not self.stop_wanted.is_set():
            self.progress.say(f"the day is over; the page stays at {self._page_url} until Ctrl-C")
            await self.stop_wanted.wait()

    async def take_hints(self, handler: HintHandler, settings: HooksSettings) -> None:
        """Start what listens to brokers' posts, if configured, and hear its hints. What cannot be
        had is said, and trading goes on without.
        """
        if not self.config.hooks.enabled:
            return
        hints = HintSocket(Path(self.config.paths.var) / "run", handler)
        try:
            await hints.open()
        except OTradeError as error:
            self.board.say(Severity.ERROR, "NO_HOOKS", str(error))
            return
        self._hints = hints
        hooks = ListeningProcess(
            "the web hooks' process",
            hooks_command(),
            on_end=lambda words: self.board.say(Severity.ERROR, "HOOKS_ENDED", words),
            told=msgspec.json.encode(settings),
        )
        started = await hooks.start()
        if started.trouble:
            self.board.say(
                Severity.ERROR,
                "NO_HOOKS",
                f"{started.trouble}. If `otrade hooks` of this directory holds it, that is heard all the same",
            )
            return
        self._hooks = hooks
        self.progress.say(f"web hooks are taken at {started.url}")
        for words in started.words:
            self.board.say(Severity.WARN, "HOOKS", f"the web hooks' process: {words}")

    async def close(self) -> None:
        """The socket and the page go, and the last alerts leave. The last thing of a run, whatever
        became of it.
        """
        await self._socket.close(self.source.status())
        await self.stop_page()
        if self._alert_sender is not None:
            await self._alert_sender.close(LAST_ALERTS_S)
            self._alert_sender = None

    async def stop_page(self) -> None:
        if self._hooks is not None:
            await self._hooks.stop()
            self._hooks = None
        if self._hints is not None:
            await self._hints.close()
            self._hints = None
        if self._page is not None:
            await self._page.stop()
            self._page = None

    @property
    def next_signal_seq(self) -> int:
        return self.day.signals.next_seq if self.day is not None else 1

    # -------------------------------------------------------------------------------------- alerts
    def _start_alerts(self) -> None:
        """Without targets nothing of it is loaded; with them, Apprise is loaded by a process of its
        own.
        """
        config = self.config.alerts
        if not config.targets:
            return
        from otrade.live.alerts.sender_client import AlertSenderClient

        self._alerts = AlertDispatcher(
            config,
            f"OTrade {self.config.engine.name} {self._mode.upper()}",
            say=self.board.say,
            wall_ns=time.time_ns,
        )
        command = alert_command(
            self.config.paths.secrets, config.tries, [target.name for target in config.targets]
        )
        self._alert_sender = self._alerts.sender = AlertSenderClient(
            command.args,
            command.env,
            on_outcome=self._alerts.on_outcome,
            on_trouble=self._alerts.on_trouble,
        )
        self._alert_sender.start()
        self.board.listen(self._alerts.hear)
        self.source.alerts = self._alerts

    # ---------------------------------------------------------------------------------------- page
    async def _start_page(self) -> None:
        """A page that cannot be served is said, and trading goes on without it. One that another
        run has left is used, and left alone.
        """
        var = Path(self.config.paths.var)
        if (found := running_server(var)) is not None:
            self._page_url = found.url
            self.progress.say(
                f"the page is at {found.url}, served by process {found.pid}, which ran before this engine and is not ended with it"
            )
            return
        page = ListeningProcess(
            "the page's server",
            serve_command(self.manager.path, self._port, shows_code=self.progress.is_tty),
            on_end=lambda words: self.board.say(Severity.ERROR, "PAGE_ENDED", words),
        )
        started = await page.start()
        if started.trouble:
            self.board.say(Severity.ERROR, "NO_PAGE", f"the page is not served: {started.trouble}")
            return
        self._page, self._page_url = page, started.url
        self.progress.say(f"the page is at {started.url}")
        for words in started.words:
            self.progress.say(words)

    def _write_run_file(self) -> None:
        try:
            self._run_file.write(RunInfo(os.getpid(), self._mode, self.clock.now_ns()))
        except OSError as error:
            self.board.say(
                Severity.ERROR,
                "NO_RUN_FILE",
                f"{self._run_file.path} cannot be written ({error.strerror}); `otrade status` will not find this engine",
            )

    # ------------------------------------------------------------------------------------ stopping
    def _on_stop_requested(self, why: str) -> None:
        self._stop_why = self._stop_why or why
        self.stop_wanted.set()
        self.source.lifecycle = "stopping"
        day = self.day
        if day is None or day.ended.is_set():
            return
        if not day.shutdown.is_stopping:
            words = day.shutdown.stop(why)
            self.progress.say(f"{words}; Ctrl-C again to insist")
        if not day.is_connected:
            self._give_up.set()

    def _on_stop_insisted(self, why: str) -> None:
        if self._is_opening:
            self._give_up.set()
        elif self.day is not None:
            self.day.shutdown.insist(f"second {why}")

    # ------------------------------------------------------------------------------------ listening
    def _on_notice(self, notice: Notice) -> None:
        logging.getLogger(LOGGER_NAME).log(
            LEVELS[notice.severity],
            notice.text,
            extra={"fields": {"code": notice.code, "ts_ns": notice.ts_ns, "seq": notice.seq}},
        )
        if notice.severity >= Severity.ERROR:
            self.progress.say(f"{notice.severity.name}: {notice.text}")

    def _log_failed(self, text: str) -> None:
        self.board.say(Severity.ERROR, "LOG", text)

    def _check_reload(self, now_ns: int) -> None:
        assert self.day is not None
        self._reloader.on_beat(self.day, now_ns)

    def _show_progress(self, now_ns: int) -> None:
        if now_ns < self._progress_ns:
            return
        day = self.day
        assert day is not None
        self._progress_ns = now_ns + self._progress_gap_ns()
        risk = day.engine.risk()
        self.progress.update(
            day=day.plan.day,
            ts_ns=now_ns,
            gross_e4=risk["pnl_e4"],
            net_e4=risk["net_e4"],
            n_trades=len(day.trades),
            n_open=day.engine.n_live,
        )

    def _progress_gap_ns(self) -> int:
        if not self.progress.is_tty:
            return PROGRESS_FILE_NS
        return min(round(min(self.speed, 1e6) * NS_PER_S / 4), PROGRESS_MAX_NS)


def require_free_port(host: str, port: int) -> None:
    """StartError before anything starts, rather than a page that is missing later."""
    if port == 0:
        return
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError as error:
            raise StartError(
                f"port {port} on {host} cannot be used for the page ({error.strerror}): "
                f"set web.port or "
                "--port to a free one (0 takes any), or run with --no-page"
            ) from None
