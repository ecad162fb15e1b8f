"""The engine as the page's server has it: `EngineSource` out of the link, and of what is on the disk."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import otrade
from otrade.config import Config
from otrade.config.manager import from_bytes
from otrade.contract import queries, results, views
from otrade.contract.blank_status import blank_status
from otrade.contract.engine_source import CommandOrder
from otrade.contract.messages import Acted, CommandArgs, PersonRecord, QueryName, RunningConfig
from otrade.engine_link.link import BROKER_WITHIN_S, EngineLink
from otrade.engine_link.replica import gone
from otrade.errors import EngineGoneError
from otrade.journal.questions import MomentQuestion, RowsQuestion
from otrade.live.notices.json_log import AUDIT_NAME
from otrade.server.backtest_worker import BacktestWorker
from otrade.server.broker_login import BrokerLogin
from otrade.server.config_editor import ConfigEditor, ConfigInForce
from otrade.server.engine_gone import GoneWords
from otrade.server.engine_starter import EngineStarter
from otrade.server.journal_queries import JournalQueries
from otrade.server.result_queries import ResultQueries
from otrade.units import NS_PER_MS

STOPS = {
    "flatten": "It closes everything that is open and then ends.",
    "leave": "It cancels entries, leaves what is open under the stops that rest at the exchange, and ends: then only those "
    "stops and the watchdog protect it.",
}
"""What an orderly stop does, by `engine.on_stop`."""

audit_log = logging.getLogger(AUDIT_NAME)


class RemoteQueries:
    """`QuerySource`: the day's from the engine, journals and the configuration file from the disk."""

    def __init__(self, link: EngineLink, path: Path, config: Config) -> None:
        self._link = link
        self._path = path
        self._config = config
        self._journals = JournalQueries(
            Path(config.paths.var) / "journal",
            lambda: link.replica.last.day if link.is_up and link.replica.last else "",
        )

    async def equity(self, since_ms: int) -> Sequence[queries.EquityPoint]:
        return await self._rows("equity", since_ms=since_ms)

    async def indicators(
        self, instrument_id: int, since_ms: int
    ) -> Sequence[queries.IndicatorSeries]:
        return await self._rows("indicators", instrument_id=instrument_id, since_ms=since_ms)

    async def order_timeline(self, cl_ord_id: str) -> queries.OrderTimelineView | None:
        found: queries.OrderTimelineView | None = await self._link.ask(
            "order_timeline", {"cl_ord_id": cl_ord_id}
        )
        return found

    async def decision(self, signal_seq: int) -> queries.DecisionView | None:
        found: queries.DecisionView | None = await self._link.ask(
            "decision", {"signal_seq": signal_seq}
        )
        return found

    async def latency(self) -> Sequence[queries.LatencyStageView]:
        return await self._rows("latency")

    async def limits(self) -> queries.LimitsView | None:
        found: queries.LimitsView | None = await self._link.ask("limits")
        return found

    async def _rows(self, name: QueryName, **args: int) -> list[Any]:
        found: list[Any] = await self._link.ask(name, args)
        return found

    # ------------------------------------------------------------------------------- on the disk
    def journals(self) -> Sequence[queries.JournalFileView]:
        return self._journals.files()

    async def journal(
        self, name: str, *, kinds: str, text: str, offset: int, limit: int, is_tail: bool
    ) -> queries.JournalPage:
        return await self._journals.page(name, RowsQuestion(kinds, text, offset, limit, is_tail))

    async def replay(self, name: str, ts_ms: int, *, curve: bool) -> queries.ReplayView:
        return await self._journals.moment(name, MomentQuestion(ts_ms * NS_PER_MS, curve))

    async def config(self) -> queries.ConfigView | None:
        return (await self._editor()).view()

    async def configure(self, draft: queries.ConfigDraft) -> queries.ConfigVerdict | None:
        return (await self._editor()).check(draft)

    async def _editor(self) -> ConfigEditor:
        return ConfigEditor(ConfigInForce(self._path, await self.in_force()))

    async def in_force(self) -> Config:
        """The engine's to say; without one, what was when this server began."""
        try:
            running: RunningConfig = await self._link.ask("running_config")
            self._config = from_bytes(running.values, str(self._path))
        except EngineGoneError:
            pass
        return self._config


class RemoteResults(ResultQueries):
    """`ResultSource`: files, and the backtest that was started here."""

    def __init__(self, path: Path, var: Path) -> None:
        super().__init__(var / "results")
        self._worker = BacktestWorker(path, var)

    def backtest(self) -> results.BacktestView:
        return self._worker.view

    async def start_backtest(self, draft: results.BacktestDraft, who: str) -> results.BacktestView:
        return await self._worker.start(draft, who)

    async def stop_backtest(self) -> results.BacktestView:
        return await self._worker.stop()

    async def close(self) -> None:
        await self._worker.close()


class RemoteEngine:
    """`EngineSource`. `wall_s` is UNIX time; without a `starter` no engine is started here."""

    def __init__(
        self,
        link: EngineLink,
        path: Path,
        config: Config,
        wall_s: Callable[[], float] = time.time,
        starter: EngineStarter | None = None,
    ) -> None:
        self.queries = RemoteQueries(link, path, config)
        self.results = RemoteResults(path, Path(config.paths.var))
        self._link = link
        self._wall_s = wall_s
        self._starter = starter or EngineStarter(link, config, wall_s)
        self.login = BrokerLogin(path)
        self._gone_words = GoneWords(link, Path(config.paths.var), config.mode, self._starter)
        self._blank = blank_status(
            version=otrade.__version__,
            mode=config.mode,
            broker_kind="",
            lifecycle="gone",
            not_ready=[],
        )

    # ----------------------------------------------------------------------------------- streamed
    def status(self) -> views.Status:
        last = self._link.replica.last
        if last is not None and self._link.is_up and not self._link.is_ended:
            return last
        return gone(last or self._blank, self._gone_words.now(round(self._wall_s() * 1000)))

    def instruments(self) -> Iterator[views.InstrumentView]:
        return self._link.replica.rows("instruments")

    def strategies(self) -> Iterator[views.StrategyView]:
        return self._link.replica.rows("strategies")

    def brackets(self) -> Iterator[views.BracketView]:
        return self._link.replica.rows("brackets")

    def orders(self) -> Iterator[views.OrderView]:
        return self._link.replica.rows("orders")

    def positions(self) -> Iterator[views.PositionView]:
        return self._link.replica.rows("positions")

    def trades(self) -> Iterator[views.TradeView]:
        return self._link.replica.rows("trades")

    def signals(self, since_seq: int) -> Sequence[views.SignalView]:
        return self._link.replica.signals(since_seq)

    def notices(self, since_seq: int) -> Sequence[views.NoticeView]:
        return self._link.replica.notices(since_seq)

    # -------------------------------------------------------------------------------------- asked
    async def candles(self, instrument_id: int, interval_s: int) -> Sequence[views.Candle]:
        asked = {"instrument_id": instrument_id, "interval_s": interval_s}
        found: list[views.Candle] = await self._link.ask("candles", asked)
        return found

    async def accounts(self) -> Sequence[views.AccountView]:
        found: list[views.AccountView] = await self._link.ask("accounts", within_s=BROKER_WITHIN_S)
        return found

    async def preflight(self) -> views.PreflightView | None:
        found: views.PreflightView | None = await self._link.ask(
            "preflight", within_s=BROKER_WITHIN_S
        )
        return found

    async def metrics(self) -> tuple[bytes, str]:
        families = await self._link.ask("metrics")
        from otrade.server.metrics_text import CONTENT_TYPE, metrics_text

        return metrics_text(families), CONTENT_TYPE

    # --------------------------------------------------------------------------------------- done
    async def command(
        self, name: views.CommandName, args: CommandArgs, order: CommandOrder
    ) -> Acted:
        if isinstance(args, views.LoginArgs) and not self._link.is_up:
            return await self._log_in(args, order)
        return await self._link.act(name, args, order)

    async def _log_in(self, args: views.LoginArgs, order: CommandOrder) -> Acted:
        """Without an engine. Asked again, the login begins anew, and the one before is void."""
        if args.approve:
            words = "an approval in the broker's app needs the running engine: log in in the browser, or start the engine"
            result = views.CommandResult(ok=False, words=words)
        else:
            result = await self.login.begin()
        self.record(f"{order.actor} at {order.via}", "login", result.ok, result.words)
        return Acted(id=0, result=result)

    async def finish_login(self, redirected_to: str) -> views.CommandResult:
        if not self.login.is_waiting:
            return await self._link.finish_login(redirected_to)
        result = await self.login.finish(redirected_to)
        if not result.ok and self._link.is_up:
            return await self._link.finish_login(redirected_to)
        self.record("whoever began it", "login finished", result.ok, result.words)
        return result

    async def engine_process(self) -> queries.EngineProcessView:
        start, trouble = self._starter.how()
        return queries.EngineProcessView(
            pid=self._link.pid if self._link.is_up else None,
            start=start,
            start_trouble=trouble,
            stop=STOPS[(await self.queries.in_force()).engine.on_stop],
            last_words=self._starter.last_words,
        )

    async def start_engine(self, who: str) -> views.CommandResult:
        return await self._starter.start(who)

    def record(self, who: str, what: str, ok: bool, words: str) -> None:
        """Into the audit, a log of its own (`otrade-audit.jsonl`); what was done, into the engine's
        journal too.
        """
        audit_log.info(words, extra={"fields": {"who": who, "what": what, "ok": ok}})
        if ok:
            self._link.tell(PersonRecord(who=who[:256], what=what[:64], words=words[:1024]))
