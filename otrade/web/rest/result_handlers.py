"""The handlers of results and backtests (`otrade.contract.results`)."""

from collections.abc import Awaitable, Sequence
from typing import TypeVar

from otrade.contract import results as contract
from otrade.contract.engine_source import ResultSource
from otrade.contract.views import Candle
from otrade.errors import ResultError
from otrade.web.auth.audit import Audit
from otrade.web.http import problems
from otrade.web.http.problems import ProblemError
from otrade.web.rest.dispatch import Call

T = TypeVar("T")


class ResultHandlers:
    """A handler for each route of `routes.RESULTS`, by its name."""

    def __init__(self, source: ResultSource, audit: Audit) -> None:
        self._source = source
        self._audit = audit

    async def results(self, call: Call) -> Sequence[contract.ResultSummary]:
        return await _told(self._source.summaries())

    async def result(self, call: Call) -> contract.ResultView:
        return await _told(self._source.whole(call.query))

    async def result_trades(self, call: Call) -> contract.ResultTradesPage:
        return await _told(self._source.result_trades(call.query))

    async def result_orders(self, call: Call) -> contract.ResultOrdersPage:
        return await _told(self._source.result_orders(call.query))

    async def result_candles(self, call: Call) -> Sequence[Candle]:
        return await _told(self._source.result_candles(call.query))

    async def backtest(self, call: Call) -> contract.BacktestView:
        return self._source.backtest()

    async def start_backtest(self, call: Call) -> contract.BacktestView:
        return await self._done(call, self._source.start_backtest(call.body, call.principal.who))

    async def stop_backtest(self, call: Call) -> contract.BacktestView:
        return await self._done(call, self._source.stop_backtest())

    async def _done(
        self, call: Call, doing: Awaitable[contract.BacktestView]
    ) -> contract.BacktestView:
        try:
            view = await _told(doing)
        except ProblemError as error:
            self._write(call, str(error), ok=False)
            raise
        self._write(call, view.name, ok=True)
        return view

    def _write(self, call: Call, words: str, *, ok: bool) -> None:
        self._audit.write(call.principal, call.request, f"page {call.route.name}", words, ok=ok)


async def _told(doing: Awaitable[T]) -> T:
    try:
        return await doing
    except ResultError as error:
        raise ProblemError(problems.refused(str(error))) from None
