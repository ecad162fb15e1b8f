"""Instruments: from the broker's daily dump, only what is wanted.

Kite's dump is CSV (columns below), one line an instrument, some 100,000 lines: the file is scanned as text and only wanted lines
become records. Tick size, lot and expiry always come from the dump; the freeze quantity is not in it (0: not known).
"""

from __future__ import annotations

import csv
import datetime as dt
import difflib
import io
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation

import msgspec

from otrade.errors import InstrumentError

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
DERIVATIVE_EXCHANGES = frozenset({"NFO", "BFO"})
INDEX_NAMES = frozenset(
    {"NIFTY", "BANKNIFTY", "FINNIFTY", "MIDCPNIFTY", "NIFTYNXT50", "SENSEX", "BANKEX"}
)
NEAREST_FUTURE = ".FUT"

# Largest quantity of one order; above it the exchange rejects (NSE circular, quantity freeze limits). Others: not known.
FREEZE_QTY = {
    "NIFTY": 1_800,
    "BANKNIFTY": 600,
    "FINNIFTY": 1_200,
    "MIDCPNIFTY": 2_800,
    "NIFTYNXT50": 600,
}


class Instrument(msgspec.Struct, frozen=True, kw_only=True):
    """One tradable, or an index. Prices in e4, quantities in units."""

    token: int
    exchange_token: int
    exchange: str
    tradingsymbol: str
    name: str
    expiry: dt.date | None
    tick_size_e4: int
    lot_size: int
    instrument_type: str
    segment: str
    freeze_qty: int = 0
    multiplier: int = 1
    has_derivatives: bool = False

    @property
    def wire_segment(self) -> int:
        """Kite's segment number, the low byte of the token."""
        return self.token & 0xFF

    @property
    def symbol(self) -> str:
        return f"{self.exchange}:{self.tradingsymbol}"

    @property
    def is_index(self) -> bool:
        return self.segment == "INDICES"

    @property
    def calendar_segment(self) -> str:
        """The family of hours in `calendar.json`."""
        if self.is_index:
            return "index"
        if self.exchange in ("MCX", "NCO"):
            return "commodity"
        if self.exchange in ("CDS", "BCD"):
            return "currency"
        if self.exchange in DERIVATIVE_EXCHANGES:
            return "derivatives"
        return "cash_with_derivatives" if self.has_derivatives else "cash"

    def is_index_expiry(self, date: dt.date) -> bool:
        """An index contract on its own expiry day stops earlier (from 7 December 2026)."""
        return self.expiry == date and self.name in INDEX_NAMES


def _e4(text: str) -> int:
    value = Decimal(text) * 10_000
    if value != int(value):
        raise InvalidOperation
    return int(value)


def _record(row: Mapping[str, str], line: int, has_derivatives: bool) -> Instrument:
    try:
        tick = _e4(row["tick_size"])
        return Instrument(
            token=int(row["instrument_token"]),
            exchange_token=int(row["exchange_token"]),
            exchange=row["exchange"],
            tradingsymbol=row["tradingsymbol"],
            name=row["name"],
            expiry=dt.date.fromisoformat(row["expiry"]) if row["expiry"] else None,
            tick_size_e4=tick if tick > 0 else 500,
            lot_size=max(int(row["lot_size"]), 1),
            instrument_type=row["instrument_type"],
            segment=row["segment"],
            freeze_qty=FREEZE_QTY.get(row["name"], 0)
            if row["exchange"] in DERIVATIVE_EXCHANGES
            else 0,
            has_derivatives=has_derivatives,
        )
    except (ValueError, InvalidOperation, TypeError):
        raise InstrumentError(
            f"instrument file, line {line}: {row.get('tradingsymbol')!r} has a malformed number or date; "
            "fetch the file again"
        ) from None


class InstrumentFile:
    """One day's dump, kept as text; records are made for what is asked."""

    def __init__(self, text: str, *, source: str = "instrument file") -> None:
        self.source = source
        header, _, body = text.partition("\n")
        if tuple(header.strip().split(",")) != COLUMNS:
            raise InstrumentError(
                f"{source}: the first line is not the known header; fetch the file again (did a page come instead?)"
            )
        if body and not body.endswith("\n"):
            raise InstrumentError(
                f"{source}: the last line has no end, so the file was cut short; fetch it again"
            )
        self._text = text
        self._rows: list[list[str]] | None = None
        self._underlyings: frozenset[str] | None = None

    def _all(self) -> list[list[str]]:
        if self._rows is None:
            self._rows = list(csv.reader(io.StringIO(self._text)))[1:]
            for i, row in enumerate(self._rows):
                if len(row) != len(COLUMNS):
                    raise InstrumentError(
                        f"{self.source}: line {i + 2} has {len(row)} columns instead of {len(COLUMNS)}; fetch it again"
                    )
        return self._rows

    def _stocks_with_derivatives(self) -> frozenset[str]:
        if self._underlyings is None:
            self._underlyings = frozenset(
                r[3] for r in self._all() if r[11] in DERIVATIVE_EXCHANGES and r[9] == "FUT"
            )
        return self._underlyings

    def _make(self, at: int) -> Instrument:
        row = dict(zip(COLUMNS, self._all()[at], strict=True))
        stock = row["exchange"] in ("NSE", "BSE") and row["segment"] != "INDICES"
        return _record(
            row, at + 2, stock and row["tradingsymbol"] in self._stocks_with_derivatives()
        )

    def find(self, symbol: str, today: dt.date) -> Instrument:
        """`NSE:INFY`, `NFO:NIFTY26DECFUT`, or `NFO:NIFTY.FUT` for the future that expires next (today included)."""
        exchange, _, name = symbol.partition(":")
        rows = self._all()
        if name.endswith(NEAREST_FUTURE):
            under = name.removesuffix(NEAREST_FUTURE)
            futures = [
                (r[5], i)
                for i, r in enumerate(rows)
                if r[11] == exchange
                and r[9] == "FUT"
                and r[3] == under
                and r[5] >= today.isoformat()
            ]
            if not futures:
                known = sorted({r[3] for r in rows if r[11] == exchange and r[9] == "FUT"})
                raise InstrumentError(
                    self._missing(
                        symbol,
                        f"no future of {under} on {exchange} expires on or after {today}",
                        under,
                        known,
                    )
                )
            return self._make(min(futures)[1])
        for i, r in enumerate(rows):
            if r[2] == name and r[11] == exchange:
                found = self._make(i)
                if found.expiry and found.expiry < today:
                    raise InstrumentError(
                        f"{symbol} expired on {found.expiry}; name a live contract, or {exchange}:{found.name}.FUT"
                    )
                return found
        raise InstrumentError(
            self._missing(
                symbol,
                "there is no such instrument",
                name,
                [r[2] for r in rows if r[11] == exchange],
            )
        )

    def _missing(self, symbol: str, what: str, name: str, known: Iterable[str]) -> str:
        near = difflib.get_close_matches(name, list(known), 3, 0.5)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        return f"{symbol}: {what} in the {self.source}{hint} Correct `instruments` in the configuration."
