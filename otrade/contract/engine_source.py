"""The engine as the web layer has it in its own process: what is streamed (`EngineViews`), queries and
commands, which go to another process (EngineGoneError says in words that it does not answer), and
results. The web layer imports nothing of the core, and the engine none of this.
"""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from otrade.contract import queries, results
from otrade.contract.engine_views import EngineViews
from otrade.contract.messages import Acted, CommandArgs
from otrade.contract.queries import EngineProcessView
from otrade.contract.views import (
    AccountView,
    Candle,
    CommandName,
    CommandResult,
    PreflightView,
)


class CommandOrder(msgspec.Struct, frozen=True):
    """In whose name a command is given, from where, its idempotency key, and the UNIX time after
    which it shall not be done any more (None: there is none).
    """

    actor: str
    via: str
    key: str
    expires_ms: int | None = None


class QuerySource(Protocol):
    """What is queried and not streamed (`otrade.contract.queries`). What is None is not there, or not
    yet. JournalError says in words what cannot be read. Journals and the configuration file are read
    from the disk, and need no engine.
    """

    async def equity(self, since_ms: int) -> Sequence[queries.EquityPoint]: ...

    async def indicators(
        self, instrument_id: int, since_ms: int
    ) -> Sequence[queries.IndicatorSeries]: ...

    async def order_timeline(self, cl_ord_id: str) -> queries.OrderTimelineView | None: ...

    async def decision(self, signal_seq: int) -> queries.DecisionView | None: ...

    async def latency(self) -> Sequence[queries.LatencyStageView]: ...

    async def limits(self) -> queries.LimitsView | None: ...

    def journals(self) -> Sequence[queries.JournalFileView]: ...

    async def journal(
        self, name: str, *, kinds: str, text: str, offset: int, limit: int, is_tail: bool
    ) -> queries.JournalPage: ...

    async def replay(self, name: str, ts_ms: int, *, curve: bool) -> queries.ReplayView: ...

    async def config(self) -> queries.ConfigView | None: ...

    async def configure(self, draft: queries.ConfigDraft) -> queries.ConfigVerdict | None: ...


class ResultSource(Protocol):
    """Results and backtests, which are files and processes of their own: none of it needs an engine.
    ResultError says in words what cannot be read or done.
    """

    async def summaries(self) -> Sequence[results.ResultSummary]: ...

    async def whole(self, query: results.ResultQuery) -> results.ResultView: ...

    async def result_trades(self, query: results.ResultRowsQuery) -> results.ResultTradesPage: ...

    async def result_orders(self, query: results.ResultRowsQuery) -> results.ResultOrdersPage: ...

    async def result_candles(self, query: results.ResultCandlesQuery) -> Sequence[Candle]: ...

    def backtest(self) -> results.BacktestView: ...

    async def start_backtest(
        self, draft: results.BacktestDraft, who: str
    ) -> results.BacktestView: ...

    async def stop_backtest(self) -> results.BacktestView: ...


class EngineSource(EngineViews, Protocol):
    """All that the web layer asks."""

    @property
    def queries(self) -> QuerySource:
        """What is queried and not streamed."""
        ...

    @property
    def results(self) -> ResultSource:
        """What is kept of backtests and days."""
        ...

    async def candles(self, instrument_id: int, interval_s: int) -> Sequence[Candle]:
        """Oldest first, the forming one last; `interval_s` is one of `INTERVALS_S`
        (`otrade.contract.candle_lengths`).
        """
        ...

    async def accounts(self) -> Sequence[AccountView]:
        """What every configured broker holds for us, asked now or not long ago; empty before the
        engine is up.
        """
        ...

    async def preflight(self) -> PreflightView | None:
        """The preflight checks, asked now or not long ago; None before the engine is up."""
        ...

    async def command(self, name: CommandName, args: CommandArgs, order: CommandOrder) -> Acted:
        """Do it once, or say in words why not (`result.ok` False); the journal has it either way."""
        ...

    async def metrics(self) -> tuple[bytes, str]:
        """The engine's numbers in Prometheus' text format, and their content type."""
        ...

    async def engine_process(self) -> EngineProcessView:
        """The engine as a process; needs none that runs."""
        ...

    async def start_engine(self, who: str) -> CommandResult:
        """Start the one that the machine's owner has configured, or say in words why not."""
        ...

    def record(self, who: str, what: str, ok: bool, words: str) -> None:
        """Write into the server's audit what somebody did, or was refused, over the API."""
        ...

    async def finish_login(self, redirected_to: str) -> CommandResult:
        """Take the address to which the broker has sent a person's browser; its state is the proof
        that the login was begun here.
        """
        ...
