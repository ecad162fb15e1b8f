"""The day's instruments for a live engine: from the table on disk; else fetched and turned into one
by another process, so that a file of a hundred megabytes never lies in the engine's memory; else,
loudly, from the last days' table, which is good for shares only.
"""

import asyncio
import datetime as dt
from collections.abc import Callable
from pathlib import Path

import msgspec

from otrade._core.types import Severity
from otrade.brokers.adapter import InstrumentSource
from otrade.config.schema import Config
from otrade.errors import InstrumentError
from otrade.instruments import Instrument
from otrade.instruments.cache import dated, open_table, table_path
from otrade.instruments.catalog import Catalog
from otrade.instruments.contracts import read_wish
from otrade.live.notices.board import NoticeBoard
from otrade.live.runtime.asked_process import answer_of
from otrade.live.runtime.child_processes import refresh_command

REFRESH_WITHIN_S = 180.0
OLD_DAYS_MAX = 7
WORDS_MAX = 300


def directory_of(config: Config) -> Path:
    return Path(config.paths.var) / "instruments"


class OldTable(msgspec.Struct, frozen=True):
    """A table of an earlier day. Contracts come and go, and their numbers are used again: only
    shares and indices are taken from it.
    """

    catalog: Catalog
    date: dt.date

    def find(self, symbol: str, today: dt.date, spot_e4: int = 0) -> Instrument:
        if read_wish(symbol) is None:
            found = self.catalog.find(symbol, today, spot_e4)
            if found.expiry is None:
                return found
        raise InstrumentError(
            f"{symbol}: no contract is taken from the file of {self.date}; fetch today's with otrade instruments refresh"
        )

    def by_number(self, exchange: str, exchange_token: int) -> Instrument | None:
        found = self.catalog.by_number(exchange, exchange_token)
        return found if found is not None and found.expiry is None else None


class InstrumentCache:
    """`refresh(broker)` makes today's table; it raises InstrumentError when it cannot."""

    def __init__(
        self,
        directory: Path,
        board: NoticeBoard,
        refresh: Callable[[str], "asyncio.Future[None]"] | None,
    ) -> None:
        self._directory = directory
        self._board = board
        self._refresh = refresh

    async def source(self, broker: str, today: dt.date) -> InstrumentSource:
        """InstrumentError when there is neither today's file nor one of the last week."""
        path = table_path(self._directory, broker, today)
        if path.exists():
            try:
                return open_table(path, broker, today)
            except InstrumentError as error:
                self._board.say(
                    Severity.WARN, "INSTRUMENTS_DAMAGED", f"{error}; it is fetched anew"
                )
                path.unlink(missing_ok=True)
        why = "nobody fetches it"
        if self._refresh is not None:
            try:
                await self._refresh(broker)
                return open_table(path, broker, today)
            except InstrumentError as error:
                why = str(error)
        return self._old(broker, today, why)

    def older(self, broker: str, today: dt.date) -> list[Catalog]:
        """Tables of days before, newest first; damaged ones are left out."""
        found = []
        for date, path in dated(self._directory, broker):
            if date < today:
                try:
                    found.append(open_table(path, broker, date))
                except InstrumentError:
                    continue
        return found

    def _old(self, broker: str, today: dt.date, why: str) -> OldTable:
        for date, path in dated(self._directory, broker):
            if dt.timedelta(0) < today - date <= dt.timedelta(days=OLD_DAYS_MAX):
                try:
                    catalog = open_table(path, broker, date)
                except InstrumentError:
                    continue
                words = f"today's instruments of {broker} could not be had ({why}): shares are taken from the file of {date}"
                self._board.say(
                    Severity.ALARM, "OLD_INSTRUMENTS", f"{words}, contracts are refused"
                )
                return OldTable(catalog, date)
        raise InstrumentError(f"today's instruments of {broker} could not be had: {why}")


def refresh_by_process(config_path: Path) -> Callable[[str], "asyncio.Future[None]"]:
    """`otrade instruments refresh` as a process of its own."""

    async def refresh(broker: str) -> None:
        try:
            done = await answer_of(refresh_command(config_path, broker), REFRESH_WITHIN_S)
        except TimeoutError:
            raise InstrumentError(f"fetching them took more than {REFRESH_WITHIN_S:g} s") from None
        if done.code:
            raise InstrumentError(
                done.last_words[:WORDS_MAX] or f"otrade instruments refresh ended with {done.code}"
            )

    return lambda broker: asyncio.ensure_future(refresh(broker))
