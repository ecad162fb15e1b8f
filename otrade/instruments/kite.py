"""Kite's daily instrument dump, of which only what is wanted is read.

The dump is CSV (columns below), a line an instrument, some 100,000 lines. It stays one block of
bytes: a wanted line is found by its name and becomes a record, no other line becomes an object."""

from __future__ import annotations

import csv
import datetime as dt
import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation

from otrade.errors import InstrumentError
from otrade.instruments.model import (
    DERIVATIVE_EXCHANGES,
    EXCHANGES,
    FREEZE_QTY,
    INDEX_TICK_E4,
    LOT_MAX,
    TICK_RUPEES_MAX,
    TOKEN_MAX,
    Instrument,
    missing,
    multiplier_of,
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
NEAREST_FUTURE = ".FUT"


class InstrumentFile:
    """One day's dump. InstrumentError when it is no dump, or was cut short."""

    def __init__(self, dump: str | bytes, *, source: str = "instrument file") -> None:
        self.source = source
        self._data = dump.encode() if isinstance(dump, str) else dump
        body = self._data.find(b"\n") + 1
        header = self._data[: body or HEADER_BYTES_MAX]
        if header.decode(errors="replace").strip() != ",".join(COLUMNS):
            raise InstrumentError(
                f"{source}: the first line is not the known header, so this is something else "
                "(a page of words?); fetch it again"
            )
        if not 0 < body < len(self._data):
            raise InstrumentError(f"{source}: there is no instrument in it; fetch it again")
        self._check_end()
        self._futures: list[tuple[str, str, str, int]] | None = None

    def _check_end(self) -> None:
        """A dump that was cut short ends inside a line; the last line break may be absent."""
        last = self._row(self._data.rfind(b"\n", 0, len(self._data) - 1) + 1)
        if not self._data.endswith(b"\n") and last[-1] not in EXCHANGES:
            raise InstrumentError(self._cut_short())

    def _cut_short(self) -> str:
        return f"{self.source}: the last line ends too early, so it was cut short; fetch it again"

    def find(self, symbol: str, today: dt.date) -> Instrument:
        """`NSE:INFY`, `NSE:NIFTY 50`, `NFO:NIFTY26DECFUT`, or `NFO:NIFTY.FUT` for the future that
        expires next (today included).

        InstrumentError: not there (with the nearest names), expired, or its line is malformed.
        """
        exchange, _, name = symbol.partition(":")
        if name.endswith(NEAREST_FUTURE):
            return self._nearest_future(symbol, exchange, name.removesuffix(NEAREST_FUTURE), today)
        for at in self._lines_of(name):
            row = self._row(at)
            if row[2] == name and row[11] == exchange:
                found = self._record(row, at)
                if found.expiry and found.expiry < today:
                    raise InstrumentError(
                        f"{symbol} expired on {found.expiry}; name a live contract, or "
                        f"{exchange}:{found.name}.FUT"
                    )
                return found
        raise missing(self.source, symbol, "there is no such instrument", name, self._names(exchange))

    def _nearest_future(self, symbol: str, exchange: str, under: str, today: dt.date) -> Instrument:
        futures = self._all_futures()
        live = [
            (expiry, at)
            for of, name, expiry, at in futures
            if of == exchange and name == under and expiry >= today.isoformat()
        ]
        if not live:
            known = {name for of, name, _, _ in futures if of == exchange}
            what = f"no future of {under} on {exchange} expires on or after {today}"
            raise missing(self.source, symbol, what, under, sorted(known))
        at = min(live)[1]
        return self._record(self._row(at), at)

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

    def _row(self, start: int) -> list[str]:
        end = self._data.find(b"\n", start)
        line = self._data[start : end if end >= 0 else None].decode(errors="replace")
        try:
            row = next(csv.reader([line.rstrip("\r")]))
        except csv.Error as err:
            raise InstrumentError(
                f"{self.source}, line {self._line_number(start)}: {err}; fetch it again"
            ) from None
        if len(row) != len(COLUMNS):
            if end < 0:
                raise InstrumentError(self._cut_short())
            raise InstrumentError(
                f"{self.source}, line {self._line_number(start)}: {len(row)} columns instead of "
                f"{len(COLUMNS)}; fetch it again"
            )
        return row

    def _line_number(self, start: int) -> int:
        return self._data.count(b"\n", 0, start) + 1

    def _has_derivatives(self, row: list[str]) -> bool:
        return any(
            of in DERIVATIVE_EXCHANGES and name == row[2] for of, name, _, _ in self._all_futures()
        )

    def _record(self, row: list[str], start: int) -> Instrument:
        token, exchange_token, tradingsymbol, name, _, expiry, _, tick, lot, kind = row[:10]
        segment, exchange = row[10], row[11]
        is_index = segment == "INDICES"
        try:
            tick_size_e4, lot_size = _e4(tick), int(lot)
            if not is_index and (tick_size_e4 == 0 or lot_size == 0):
                raise ValueError
            if not 0 < int(token) <= TOKEN_MAX or not 0 <= lot_size <= LOT_MAX:
                raise ValueError
            return Instrument(
                token=int(token),
                exchange_token=int(exchange_token),
                exchange=exchange,
                tradingsymbol=tradingsymbol,
                name=name,
                expiry=dt.date.fromisoformat(expiry) if expiry else None,
                tick_size_e4=tick_size_e4 or INDEX_TICK_E4,
                lot_size=lot_size or 1,
                instrument_type=kind,
                segment=segment,
                freeze_qty=FREEZE_QTY.get(name, 0) if exchange in DERIVATIVE_EXCHANGES else 0,
                multiplier=multiplier_of(exchange, name, tradingsymbol),
                has_derivatives=exchange in ("NSE", "BSE")
                and not is_index
                and self._has_derivatives(row),
            )
        except (ValueError, InvalidOperation):
            raise InstrumentError(
                f"{self.source}, line {self._line_number(start)}: {tradingsymbol!r} has a "
                "malformed token, tick size, lot or date; fetch it again"
            ) from None


def _e4(text: str) -> int:
    value = Decimal(text)
    if not 0 <= value <= TICK_RUPEES_MAX or value * 10_000 != int(value * 10_000):
        raise ValueError
    return int(value * 10_000)
