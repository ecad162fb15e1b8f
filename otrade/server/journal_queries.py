"""The journals on the disk, for the page. They are read by a process of its own
(`otrade.journal.peek`), one at a time.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from otrade.contract.queries import JournalFileView, JournalPage, JournalRow, ReplayView
from otrade.errors import JournalError
from otrade.journal.archive import NAME
from otrade.journal.questions import MomentQuestion, RowsQuestion
from otrade.live.runtime.asked_process import answer_of
from otrade.live.runtime.child_processes import journal_command
from otrade.plain_file import is_own

WITHIN_S = 30


class JournalQueries:
    """`directory` holds them; `today` says the day (YYYY-MM-DD) whose journal is being written."""

    def __init__(self, directory: Path, today: Callable[[], str] = str) -> None:
        self._directory = directory
        self._lock = asyncio.Lock()
        self._today = today

    def files(self) -> list[JournalFileView]:
        """Newest first."""
        today = self._today()
        try:
            found = sorted(
                (
                    path
                    for path in self._directory.iterdir()
                    if NAME.fullmatch(path.name) and is_own(path)
                ),
                reverse=True,
            )
            return [
                JournalFileView(
                    name=path.name,
                    day=path.name[:10],
                    size_bytes=path.stat().st_size,
                    is_today=path.name == f"{today}.otj",
                )
                for path in found
            ]
        except OSError:
            return []

    async def page(self, name: str, question: RowsQuestion) -> JournalPage:
        """JournalError in words when there is no such journal, or it cannot be read."""
        answer = await self._ask("rows", name, question)
        return JournalPage(
            name=name,
            rows=[JournalRow(**row) for row in answer["rows"]],
            next_offset=answer["next_offset"],
            is_end=answer["is_end"],
            trouble=answer["trouble"],
        )

    async def moment(self, name: str, question: MomentQuestion) -> ReplayView:
        """As `page`."""
        return msgspec.convert(
            {"name": name, **await self._ask("moment", name, question)}, type=ReplayView
        )

    async def _ask(self, what: str, name: str, question: msgspec.Struct) -> dict[str, Any]:
        # A name is looked for among those that are there, so that no path can be asked for.
        if name not in {row.name for row in self.files()}:
            raise JournalError(f"there is no journal {name!r}")
        command = journal_command(what, self._directory / name, msgspec.json.encode(question))
        async with self._lock:
            try:
                done = await answer_of(command, WITHIN_S)
            except TimeoutError:
                raise JournalError(
                    f"{name}: reading it takes longer than {WITHIN_S} s; use `otrade journal show`"
                ) from None
        if done.code != 0:
            raise JournalError(f"{name}: the reader ended with code {done.code}")
        answer: dict[str, Any] = msgspec.json.decode(done.told)
        if "error" in answer:
            raise JournalError(answer["error"])
        return answer
