"""Kite's daily instrument dump, of which only what is wanted is read.

The dump is CSV (columns below), a line an instrument, some 100,000 lines. It stays one block of
bytes: a wanted line is found by its name and becomes a record, no other line becomes an object."""

from __future__ import annotations

import codecs
import csv
import datetime as dt
import io
import re
from collections.abc import Iterator, Sequence
from decimal import Decimal, InvalidOperation

from otrade.errors import InstrumentError
from otrade.instruments.contracts import Contract, ContractSpec, choose, read_wish
from otrade.instruments.dated import lot_of, on_day
from otrade.instruments.model import (
    COMMODITY_EXCHANGES,
    CURRENCY_EXCHANGES,
    DERIVATIVE_EXCHANGES,
    EXCHANGES,
    INDEX_TICK_E4,
    LOT_MAX,
    TICK_RUPEES_MAX,
    TOKEN_MAX,
    Instrument,
    lot_and_multiplier,
    missing,
)

COLUMNS = (
    "instrument_token",
    "exchange_token",
    "tradingsymbol",
    "name",
    "last_price",
    "expiry",
    "strike",
    "tick_size",
    "lot_size",
    "instrument_type",
    "segment",
    "exchange",
)
HEADER_BYTES_MAX = 1_000
IN_LOTS = COMMODITY_EXCHANGES | CURRENCY_EXCHANGES
"""Where Kite counts an order's quantity in lots."""


class KiteInstrumentFile:
    """One day's dump. InstrumentError when it is no dump, or was cut short."""

    def __init__(self, dump: str | bytes, *, source: str = "instrument file") -> None:
        self.source = source
        self._data = _without_blanks(dump.encode() if isinstance(dump, str) else dump)
        body = self._data.find(b"\n") + 1
        names = _fields(self._data[: min(body or HEADER_BYTES_MAX, HEADER_BYTES_MAX)])
        if not set(COLUMNS) <= set(names) or len(names) != len(set(names)):
            raise InstrumentError(
                f"{source}: the first line is not the known header, so this is something else "
                "(a page of words?); fetch it again"
            )
        if not 0 < body < len(self._data):
            raise InstrumentError(f"{source}: there is no instrument in it; fetch it again")
        self._check_end(names)
        if tuple(names) != COLUMNS:
            self._data = _in_order(self._data, names)
        self._futures: list[tuple[str, str, str, int]] | None = None

    def _check_end(self, names: Sequence[str]) -> None:
        """A dump that was cut short ends inside a line; the last line break may be absent."""
        start = self._data.rfind(b"\n", 0, len(self._data) - 1) + 1
        last = self._row(start, names)
        ends = names[-1] != "exchange" or last[-1] in EXCHANGES
        if not ends and not self._data.endswith(b"\n"):
            raise InstrumentError(self._cut_short())

    def _cut_short(self) -> str:
        return f"{self.source}: the last line ends too early, so it was cut short; fetch it again"

    def find(self, symbol: str, today: dt.date, spot_e4: int = 0) -> Instrument:
        """`NSE:INFY`, `NSE:NIFTY 50`, `NFO:NIFTY26DECFUT`, or a contract by what it is: see
        `otrade.instruments.contracts`, for whose ATM `spot_e4` is the underlying's price.

        InstrumentError: not there (with the nearest names), expired, or its line is malformed.
        """
        exchange, _, name = symbol.partition(":")
        wish = read_wish(symbol)
        if wish is not None:
            return self._wished(symbol, wish, today, spot_e4)
        for at in self._lines_of(name):
            row = self._row(at)
            if row[2] == name and row[11] == exchange:
                found = self._record(row, at)
                if found.expiry and found.expiry < today:
                    raise InstrumentError(
                        f"{symbol} expired on {found.expiry}; name a live contract, or "
                        f"{exchange}:{found.name}.FUT"
                    )
                return on_day(found, today)
        raise missing(
            self.source, symbol, "there is no such instrument", name, self._names(exchange)
        )

    def by_number(self, exchange: str, exchange_token: int) -> Instrument | None:
        """By the exchange's own number."""
        for start in self._lines_with(f",{exchange_token},"):
            row = self._row(start)
            if row[1] == str(exchange_token) and row[11] == exchange:
                return self._record(row, start)
        return None

    def _wished(self, symbol: str, wish: ContractSpec, today: dt.date, spot_e4: int) -> Instrument:
        listed = {}
        for start in self._lines_with(f",{wish.kind},{wish.exchange}-"):
            row = self._row(start)
            if (row[3], row[9], row[11]) == (wish.under, wish.kind, wish.exchange):
                record = self._record(row, start)
                if record.expiry is not None:
                    listed[
                        Contract(record.expiry, record.strike_e4, wish.kind, record.tradingsymbol)
                    ] = record
        if not listed:
            what = f"nothing of that kind is derived from {wish.under} on {wish.exchange}"
            known = sorted({name for of, name, _, _ in self._all_futures() if of == wish.exchange})
            raise missing(self.source, symbol, what, wish.under, known)
        return on_day(listed[choose(symbol, wish, list(listed), today, spot_e4)], today)

    def entries(self) -> Iterator[tuple[str, Instrument | str]]:
        """Every line's symbol with its record, or with what is wrong with it."""
        start = self._data.find(b"\n") + 1
        while 0 < start < len(self._data):
            try:
                row = self._row(start)
            except InstrumentError:
                row = []
            if row:
                symbol = f"{row[11]}:{row[2]}"
                try:
                    yield symbol, self._record(row, start, derivatives=False)
                except InstrumentError as error:
                    yield symbol, str(error)
            start = self._data.find(b"\n", start) + 1

    def _lines_with(self, text: str) -> Iterator[int]:
        """Where lines begin that hold a text."""
        needle = text.encode()
        at = self._data.find(needle)
        while at >= 0:
            yield self._data.rfind(b"\n", 0, at) + 1
            at = self._data.find(needle, at + 1)

    def _lines_of(self, name: str) -> Iterator[int]:
        """Where lines begin whose third field may be `name`."""
        needle = f",{name},".encode()
        at = self._data.find(needle)
        while at >= 0:
            start = self._data.rfind(b"\n", 0, at) + 1
            if self._data.count(b",", start, at) == 1:
                yield start
            at = self._data.find(needle, at + 1)

    def _all_futures(self) -> list[tuple[str, str, str, int]]:
        """(exchange, name of the underlying, expiry, where its line begins), some thousand."""
        if self._futures is None:
            found = []
            for match in re.finditer(rb",FUT,", self._data):
                start = self._data.rfind(b"\n", 0, match.start()) + 1
                row = self._row(start)
                if row[9] == "FUT":
                    found.append((row[11], row[3], row[5], start))
            self._futures = found
        return self._futures

    def _names(self, exchange: str) -> Iterator[str]:
        """Every tradingsymbol of an exchange: only for a suggestion, so it may be slow."""
        tail = f",{exchange}".encode()
        for line in self._data.splitlines():
            if line.endswith(tail) and line.count(b",") >= len(COLUMNS) - 1:
                yield line.split(b",", 3)[2].decode(errors="replace")

    def _row(self, start: int, names: Sequence[str] = COLUMNS) -> list[str]:
        end = self._data.find(b"\n", start)
        try:
            row = _fields(self._data[start : end if end >= 0 else None])
        except csv.Error as err:
            raise InstrumentError(
                f"{self.source}, line {self._line_number(start)}: {err}; fetch it again"
            ) from None
        if len(row) != len(names):
            if end < 0:
                raise InstrumentError(self._cut_short())
            raise InstrumentError(
                f"{self.source}, line {self._line_number(start)}: {len(row)} columns instead of "
                f"{len(names)}; fetch it again"
            )
        return row

    def _line_number(self, start: int) -> int:
        return self._data.count(b"\n", 0, start) + 1

    def _has_derivatives(self, row: list[str]) -> bool:
        return any(
            of in DERIVATIVE_EXCHANGES and name == row[2] for of, name, _, _ in self._all_futures()
        )

    def _record(self, row: list[str], start: int, *, derivatives: bool = True) -> Instrument:
        """`derivatives`: look whether there are any of it."""
        token, exchange_token, tradingsymbol, name, _, expiry, strike, tick, lot, kind = row[:10]
        segment, exchange = row[10], row[11]
        is_index = segment == "INDICES"
        try:
            tick_size_e4, expires = _e4(tick), dt.date.fromisoformat(expiry) if expiry else None
            lot_size = int(lot or 0) or (lot_of(exchange, name, expires) if expires else 0)
            if not is_index and (tick_size_e4 == 0 or lot_size == 0):
                raise ValueError
            if not 0 < int(token) <= TOKEN_MAX or not 0 <= lot_size <= LOT_MAX:
                raise ValueError
            lot_size, multiplier = lot_and_multiplier(
                exchange, name, tradingsymbol, lot_size or 1, 1, IN_LOTS
            )
            return Instrument(
                token=int(token),
                exchange_token=int(exchange_token),
                exchange=exchange,
                tradingsymbol=tradingsymbol,
                name=name,
                expiry=expires,
                tick_size_e4=tick_size_e4 or INDEX_TICK_E4,
                lot_size=lot_size,
                instrument_type=kind,
                segment=segment,
                strike_e4=int(Decimal(strike or 0) * 10_000),
                multiplier=multiplier,
                has_derivatives=derivatives
                and exchange in ("NSE", "BSE")
                and not is_index
                and self._has_derivatives(row),
            )
        except (ValueError, InvalidOperation):
            raise InstrumentError(
                f"{self.source}, line {self._line_number(start)}: {tradingsymbol!r} has a "
                "malformed token, tick size, lot or date; fetch it again"
            ) from None


def _without_blanks(data: bytes) -> bytes:
    """Without a byte order mark and blank lines at the end; it is large, and not copied without need."""
    data = data.removeprefix(codecs.BOM_UTF8)
    if not data[-2:-1].isspace() and data[-1:] not in (b" ", b"\t"):
        return data
    text = data.rstrip()
    return text + b"\n" if b"\n" in data[len(text) :] else text


def _fields(line: bytes) -> list[str]:
    return next(csv.reader([line.decode(errors="replace").rstrip("\r\n")]), [])


def _in_order(data: bytes, names: Sequence[str]) -> bytes:
    """A dump with additional columns, or in another order, as one with the known ones. A line of
    another width stays one that is refused when somebody asks for it.
    """
    places = [names.index(column) for column in COLUMNS]
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    for line in data.splitlines():
        try:
            row = _fields(line)
        except csv.Error:
            row = []
        whole = len(row) == len(names)
        rows.writerow([row[place] for place in places] if whole else [*row[:3], "", ""])
    return text.getvalue().encode()


def _e4(text: str) -> int:
    value = Decimal(text)
    if not 0 <= value <= TICK_RUPEES_MAX or value * 10_000 != int(value * 10_000):
        raise ValueError
    return int(value * 10_000)
