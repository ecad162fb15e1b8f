"""The results on the disk, for the page. They are read by a process of its own
(`otrade.research.report.peek`), one at a time: the page's server imports nothing of what reads them.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from otrade.contract import results
from otrade.contract.views import Candle
from otrade.errors import ResultError
from otrade.live.runtime.asked_process import answer_of
from otrade.live.runtime.child_processes import result_command

WITHIN_S = 60
T = TypeVar("T")


class ResultQueries:
    """`directory` holds them. ResultError in words when a question cannot be answered."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock = asyncio.Lock()

    async def summaries(self) -> Sequence[results.ResultSummary]:
        if not self._directory.is_dir():
            return []
        return await self._ask("list", {}, list[results.ResultSummary])

    async def whole(self, query: results.ResultQuery) -> results.ResultView:
        return await self._ask("result", query, results.ResultView)

    async def result_trades(self, query: results.ResultRowsQuery) -> results.ResultTradesPage:
        return await self._ask("trades", query, results.ResultTradesPage)

    async def result_orders(self, query: results.ResultRowsQuery) -> results.ResultOrdersPage:
        return await self._ask("orders", query, results.ResultOrdersPage)

    async def result_candles(self, query: results.ResultCandlesQuery) -> Sequence[Candle]:
        return await self._ask("candles", query, list[Candle])

    async def _ask(self, what: str, question: Any, kind: type[T]) -> T:
        command = result_command(what, self._directory, msgspec.json.encode(question))
        async with self._lock:
            try:
                done = await answer_of(command, WITHIN_S)
            except TimeoutError:
                raise ResultError(
                    f"reading it takes longer than {WITHIN_S} s; use `otrade report`"
                ) from None
        if done.code != 0:
            raise ResultError(
                done.last_words.partition("HistoryError: ")[2]
                or f"the reader of results ended with code {done.code}"
            )
        answer = msgspec.json.decode(done.told)["answer"]
        if isinstance(answer, dict) and "error" in answer:
            raise ResultError(answer["error"])
        return msgspec.convert(answer, kind)
