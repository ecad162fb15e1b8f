"""A day's instruments as a table on disk: what is looked for is read, and nothing else.

Lines by their first letter: `s` a symbol and its record, `d` a derivative by underlying, kind,
expiry and strike, `t` the exchange's own number, `n` an index by its name in capitals. All lead to
a symbol.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from otrade.errors import InstrumentError
from otrade.instruments.contract_names import read_name
from otrade.instruments.contracts import Contract, choose, read_wish
from otrade.instruments.dated import on_day
from otrade.instruments.model import DERIVATIVE_EXCHANGES, Instrument, missing
from otrade.instruments.table import SortedTable, write_table

NAMES_MAX = 20_000
"""Names that are compared for a suggestion."""
_BAD = "!"


class Catalog:
    """One broker's instruments of one day. `source` is what errors call it."""

    def __init__(self, table: SortedTable, source: str = "instrument table") -> None:
        self._table = table
        self.source = source

    def find(self, symbol: str, today: dt.date, spot_e4: int = 0) -> Instrument:
        """See `otrade.instruments.contracts` for the ways to name a contract; a plain name is the
        exchange's or Kite's. InstrumentError: not there (with the nearest names), expired, or its
        row was malformed. `spot_e4` is the underlying's price, for ATM.
        """
        exchange, _, name = symbol.partition(":")
        wish = read_wish(symbol)
        if wish is not None:
            listed = self.contracts(exchange, wish.under)
            if not listed:
                what = f"nothing is derived from {wish.under} on {exchange}"
                raise missing(self.source, symbol, what, wish.under, self._unders(exchange))
            return on_day(
                self._at(
                    f"{exchange}:{choose(symbol, wish, listed, today, spot_e4).tradingsymbol}"
                ),
                today,
            )
        found = self._known(exchange, name)
        if found is None:
            raise missing(
                self.source,
                symbol,
                "there is no such instrument",
                name,
                self._names(exchange, name),
            )
        record = self._at(found)
        if record.expiry and record.expiry < today:
            raise InstrumentError(
                f"{symbol} expired on {record.expiry}; name a live contract, or {exchange}:{record.name}.FUT"
            )
        return on_day(record, today)

    def contracts(self, exchange: str, under: str) -> list[Contract]:
        """All derivatives of an underlying, expired ones too while the file has them."""
        found = []
        for key, symbol in self._table.prefix(f"d {exchange}:{under}\x1f"):
            _, kind, expiry, strike = key.split("\x1f")
            found.append(
                Contract(dt.date.fromisoformat(expiry), int(strike), kind, symbol.partition(":")[2])
            )
        return found

    def by_number(self, exchange: str, exchange_token: int) -> Instrument | None:
        """By the exchange's own number, which a change of name leaves."""
        symbol = self._table.first(f"t {exchange}:{exchange_token}")
        return self._at(symbol) if symbol is not None else None

    def search(self, text: str, limit: int) -> Iterator[str]:
        """Symbols in which `text` occurs, in capitals."""
        wanted, n = text.upper(), 0
        for key, _ in self._table.prefix("s "):
            if wanted in key.upper():
                yield key[2:]
                n += 1
                if n == limit:
                    return

    def _known(self, exchange: str, name: str) -> str | None:
        """The symbol of a name: as the file has it, an index in any case, or a contract as Kite
        writes it.
        """
        if self._table.first(f"s {exchange}:{name}") is not None:
            return f"{exchange}:{name}"
        index = self._table.first(f"n {exchange}:{name.upper()}")
        if index is not None:
            return index
        said = read_name(name)
        if said is None:
            return None
        fits = [
            one
            for one in self.contracts(exchange, said.under)
            if said.fits(one.kind, one.expiry, one.strike_e4)
        ]
        # Several expiries in the month named: the month's contract is the last of them.
        return f"{exchange}:{max(fits).tradingsymbol}" if fits else None

    def _at(self, symbol: str) -> Instrument:
        values = [
            value for key, value in self._table.prefix(f"s {symbol}\t") if key == f"s {symbol}"
        ]
        good = [
            msgspec.json.decode(value, type=Instrument)
            for value in values
            if not value.startswith(_BAD)
        ]
        if not good:
            raise InstrumentError(
                values[0][1:] if values else f"{symbol} is not in the {self.source}"
            )
        # Bonds and other series may bear a share's name: the share is meant.
        record = min(good, key=lambda one: one.instrument_type != "EQ")
        if record.exchange in ("NSE", "BSE") and not record.is_index:
            derivatives = "NFO" if record.exchange == "NSE" else "BFO"
            has = any(
                True
                for _ in self._table.prefix(f"d {derivatives}:{record.tradingsymbol}\x1fFUT\x1f")
            )
            return msgspec.structs.replace(record, has_derivatives=has)
        return record

    def _names(self, exchange: str, name: str) -> list[str]:
        found = [key.partition(":")[2] for key, _ in self._some(f"s {exchange}:{name[:2]}")]
        return found or [key.partition(":")[2] for key, _ in self._some(f"s {exchange}:")]

    def _unders(self, exchange: str) -> list[str]:
        return sorted(
            {key.partition(":")[2].split("\x1f")[0] for key, _ in self._some(f"d {exchange}:")}
        )

    def _some(self, prefix: str) -> Iterator[tuple[str, str]]:
        for n, pair in enumerate(self._table.prefix(prefix)):
            if n == NAMES_MAX:
                return
            yield pair

    def close(self) -> None:
        self._table.close()


def write_catalog(path: Path, about: str, entries: Iterable[tuple[str, Instrument | str]]) -> int:
    """Build a catalog from (symbol, record or what is wrong with its row); how many symbols.
    OSError when the disk refuses.
    """
    n = 0

    def lines() -> Iterator[tuple[str, str]]:
        nonlocal n
        for symbol, record in entries:
            n += 1
            if isinstance(record, str):
                yield f"s {_plain(symbol)}", _BAD + _plain(record)
                continue
            yield f"s {_plain(symbol)}", msgspec.json.encode(record).decode()
            yield f"t {record.exchange}:{record.exchange_token}", symbol
            if record.is_index:
                yield f"n {record.exchange}:{record.tradingsymbol.upper()}", symbol
                yield f"n {record.exchange}:{_plain(record.name).upper()}", symbol
            if record.expiry is not None:
                where = f"{record.exchange}:{_plain(record.name)}"
                yield (
                    f"d {where}\x1f{record.instrument_type}\x1f{record.expiry}\x1f{record.strike_e4:012d}",
                    symbol,
                )

    write_table(path, about, lines())
    return n


def _plain(text: str) -> str:
    """Without what separates keys, values and lines."""
    return "".join(c if c.isprintable() else " " for c in text)


assert DERIVATIVE_EXCHANGES == {"NFO", "BFO"}
