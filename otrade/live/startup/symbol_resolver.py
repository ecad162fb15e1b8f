"""Configured symbols to the day's instruments: contracts named by what they are, shares that bear
another name since yesterday.

What "at the money" or "the next future" meant in the morning holds all day, over any restart: the
instruments are part of what a journal is folded into, and a position in yesterday's strike must not
become a stranger's.
"""

import datetime as dt
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import msgspec

from otrade._core.types import Severity
from otrade.brokers.adapter import InstrumentSource
from otrade.errors import InstrumentError
from otrade.instruments import Instrument
from otrade.instruments.catalog import Catalog
from otrade.instruments.contracts import read_wish
from otrade.instruments.dated import freeze_words
from otrade.instruments.model import Freeze
from otrade.live.notices.board import NoticeBoard
from otrade.plain_file import read_own, write_whole

SHARES = ("NSE", "BSE")


class _Meant(msgspec.Struct):
    """The file: what each wish meant on a day."""

    date: str
    symbols: dict[str, str]


class SymbolResolver:
    """`spot_e4` asks the broker for a price, and `pause` lets pass what must lie between two such
    questions. `path` keeps what wishes meant; None: nothing outlives this run. `older` are catalogs
    of days before.
    """

    def __init__(
        self,
        source: InstrumentSource,
        today: dt.date,
        board: NoticeBoard,
        spot_e4: Callable[[Instrument], Awaitable[int]],
        pause: Callable[[], Awaitable[None]],
        *,
        path: Path | None = None,
        older: Callable[[], Sequence[Catalog]] = tuple,
    ) -> None:
        self._source = source
        self._today = today
        self._board = board
        self._spot_e4 = spot_e4
        self._pause = pause
        self._spots: dict[str, int] = {}
        self._path = path
        self._older = older
        self._meant = self._read()

    async def find(self, symbol: str) -> Instrument:
        """InstrumentError when it is not there, or means nothing today."""
        found = await self._find(symbol)
        words = freeze_words(found)
        if words:
            severity = Severity.WARN if found.freeze is Freeze.UNKNOWN else Severity.INFO
            fix = (
                "keep risk.max_order_qty below it"
                if found.freeze is Freeze.UNKNOWN
                else "larger orders are cut at it"
            )
            self._board.say(severity, "FREEZE", f"{words}; {fix}")
        return found

    async def _find(self, symbol: str) -> Instrument:
        wish = read_wish(symbol)
        if wish is None:
            return self._named(symbol)
        kept = self._meant.get(symbol)
        if kept is not None:
            return self._source.find(kept, self._today)
        spot_e4 = 0
        if wish.needs_spot:
            spot_e4 = await self._price(wish.spot_symbol)
        found = self._source.find(symbol, self._today, spot_e4)
        at = f" ({wish.spot_symbol} is at {spot_e4 / 10_000:g})" if spot_e4 else ""
        expires = f", expires {found.expiry}, lot {found.lot_size}" if found.expiry else ""
        self._board.say(Severity.INFO, "RESOLVED", f"{symbol} is {found.symbol} today{expires}{at}")
        self._meant[symbol] = found.symbol
        return found

    async def _price(self, symbol: str) -> int:
        """Asked once for each underlying: all wishes of a morning mean the same moment."""
        if symbol not in self._spots:
            self._spots[symbol] = await self._spot_e4(self._source.find(symbol, self._today))
            await self._pause()
        return self._spots[symbol]

    def keep(self) -> None:
        """Write down what the wishes meant."""
        if self._path is None or not self._meant:
            return
        try:
            write_whole(self._path, msgspec.json.encode(_Meant(str(self._today), self._meant)))
        except OSError as error:
            self._board.say(
                Severity.WARN,
                "RESOLVED",
                f"{self._path} cannot be written ({error.strerror}): after a restart ATM may mean another strike",
            )

    def _read(self) -> dict[str, str]:
        if self._path is None:
            return {}
        try:
            kept = msgspec.json.decode(read_own(self._path), type=_Meant)
        except (OSError, msgspec.DecodeError):
            return {}
        return kept.symbols if kept.date == str(self._today) else {}

    def _named(self, symbol: str) -> Instrument:
        try:
            return self._source.find(symbol, self._today)
        except InstrumentError:
            renamed = self._renamed(symbol)
            if renamed is None:
                raise
        words = f"{symbol} is called {renamed.symbol} since its last file (the same number at the exchange, {renamed.exchange_token})"
        self._board.say(
            Severity.WARN, "RENAMED", f"{words}; correct `instruments` in the configuration"
        )
        return renamed

    def _renamed(self, symbol: str) -> Instrument | None:
        """A share that had this name in an earlier file, and has another one now."""
        if symbol.partition(":")[0] not in SHARES:
            return None
        for catalog in self._older():
            try:
                before = catalog.find(symbol, self._today)
            except InstrumentError:
                continue
            now = self._source.by_number(before.exchange, before.exchange_token)
            return (
                now if now is not None and now.instrument_type == before.instrument_type else None
            )
        return None
