"""Upstox's daily instrument file, of which only what is wanted is read.

The file is one JSON array of flat objects, some hundred thousand. It stays one block of bytes: candidates are found by their
names as bytes, and only they become objects. Names are Kite's (`NFO:NIFTY26DECFUT`) or the exchange's own trading symbol, so that
one configuration serves both brokers. Tick sizes are in paise.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

from otrade.errors import InstrumentError
from otrade.instruments.model import (
    DERIVATIVE_EXCHANGES,
    FREEZE_QTY,
    INDEX_TICK_E4,
    LOT_MAX,
    TICK_RUPEES_MAX,
    TOKEN_MAX,
    Instrument,
    missing,
    multiplier_of,
)

IST = dt.timezone(dt.timedelta(hours=5, minutes=30))
E4_IN_PAISE = 100
SEGMENTS: dict[str, tuple[str, ...]] = {
    "NSE": ("NSE_EQ", "NSE_INDEX"),
    "BSE": ("BSE_EQ", "BSE_INDEX"),
    "NFO": ("NSE_FO",),
    "BFO": ("BSE_FO",),
    "CDS": ("NCD_FO",),
    "BCD": ("BCD_FO",),
    "MCX": ("MCX_FO",),
    "NCO": ("NSE_COM",),
}
"""Our exchange word -> Upstox's segments."""
WIRE_SEGMENT = {
    "NSE_EQ": 1, "NSE_FO": 2, "NCD_FO": 3, "BSE_EQ": 4, "BSE_FO": 5, "BCD_FO": 6, "MCX_FO": 7,
    "NSE_INDEX": 9, "BSE_INDEX": 9, "NSE_COM": 12,
}  # fmt: skip
"""The low byte of a token: Kite's numbers, so that tokens of both brokers are the same."""
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_MONTHLY = re.compile(rf"(?P<name>.+?)(?P<yy>\d\d)(?P<month>{'|'.join(MONTHS)})(?:FUT|(?P<strike>\d+(?:\.\d+)?)(?P<right>CE|PE))")
_WEEKLY = re.compile(r"(?P<name>.+?)(?P<yy>\d\d)(?P<month>[1-9OND])(?P<dd>\d\d)(?P<strike>\d+(?:\.\d+)?)(?P<right>CE|PE)")
_MONTH_LETTER = {"O": 10, "N": 11, "D": 12}
_FUTURE = ".FUT"

Row = dict[str, Any]


class UpstoxInstrumentFile:
    """One day's file, unzipped. InstrumentError when it is none, or was cut short."""

    def __init__(self, data: bytes, *, source: str = "instrument file") -> None:
        self.source = source
        self._data = data
        if data.lstrip()[:1] != b"[":
            raise InstrumentError(f"{source}: it is no JSON array (a page of words?); fetch it again")
        if not data.rstrip().endswith(b"]"):
            raise InstrumentError(f"{source}: it ends too early, so it was cut short; fetch it again")
        if data.find(b"{") < 0:
            raise InstrumentError(f"{source}: there is no instrument in it; fetch it again")

    def find(self, symbol: str, today: dt.date) -> Instrument:
        """`NSE:INFY`, `NSE:NIFTY 50`, `NFO:NIFTY26DECFUT`, `NFO:NIFTY FUT 29 DEC 26`, or `NFO:NIFTY.FUT` for the future that expires
        next (today included).

        InstrumentError: not there (with the nearest names), expired, or its object is malformed.
        """
        exchange, _, name = symbol.partition(":")
        if exchange not in SEGMENTS:
            raise InstrumentError(f"{symbol}: {exchange!r} is not one of {', '.join(SEGMENTS)}")
        if name.endswith(_FUTURE):
            return self._nearest_future(symbol, exchange, name.removesuffix(_FUTURE), today)
        for row in self._named(exchange, name) or self._contracts_named(exchange, name):
            found = self._record(row, exchange)
            if found.expiry and found.expiry < today:
                raise InstrumentError(f"{symbol} expired on {found.expiry}; name a live contract, or {exchange}:{found.name}.FUT")
            return found
        raise missing(self.source, symbol, "there is no such instrument", name, self._names(exchange))

    # --------------------------------------------------------------------------------------------------------------- searching
    def _named(self, exchange: str, name: str) -> list[Row]:
        """By trading symbol, or an index by its name as other brokers write it (`NIFTY 50`)."""
        found = self._rows(b'"trading_symbol":' + _quoted(name), lambda row: row.get("trading_symbol") == name, exchange)
        if not found and exchange in ("NSE", "BSE"):
            segment = f'"{exchange}_INDEX"'.encode()
            found = self._rows(segment, lambda row: str(row.get("name") or "").upper() == name.upper(), exchange)
        return found

    def _contracts_named(self, exchange: str, name: str) -> list[Row]:
        """By Kite's way of writing a contract: NAME yy MMM FUT, NAME yy MMM strike CE, NAME yy m dd strike CE."""
        match = _MONTHLY.fullmatch(name) or _WEEKLY.fullmatch(name)
        if match is None:
            return []
        said = match.groupdict()
        month = _MONTH_LETTER.get(said["month"]) or (MONTHS.index(said["month"]) + 1 if said["month"] in MONTHS else int(said["month"]))
        kind = said["right"] or "FUT"

        def fits(row: Row) -> bool:
            expiry = _expiry(row)
            return (
                row.get("instrument_type") == kind
                and _under(row) == said["name"]
                and expiry is not None
                and (expiry.year % 100, expiry.month) == (int(said["yy"]), month)
                and ("dd" not in said or expiry.day == int(said["dd"]))
                and (kind == "FUT" or _decimal(row.get("strike_price")) == Decimal(said["strike"]))
            )

        found = self._rows(b'"underlying_symbol":' + _quoted(said["name"]), fits, exchange)
        # Several expiries in the month named: the month's contract is the last of them.
        return sorted(found, key=lambda row: _expiry(row) or dt.date.min, reverse=True)

    def _nearest_future(self, symbol: str, exchange: str, under: str, today: dt.date) -> Instrument:
        futures = self._futures(exchange)
        live = [(expiry, row) for row in futures if _under(row) == under and (expiry := _expiry(row)) and expiry >= today]
        if not live:
            what = f"no future of {under} on {exchange} expires on or after {today}"
            raise missing(self.source, symbol, what, under, sorted({_under(row) for row in futures}))
        return self._record(min(live, key=lambda pair: pair[0])[1], exchange)

    def _futures(self, exchange: str) -> list[Row]:
        return self._rows(b'"instrument_type":"FUT"', lambda row: row.get("instrument_type") == "FUT", exchange)

    def _rows(self, needle: bytes, fits: Callable[[Row], bool], exchange: str) -> list[Row]:
        """Objects around each occurrence of `needle`, that fit. The needle is written as compact JSON writes it, or with one blank."""
        segments = SEGMENTS[exchange]
        found = []
        for form in (needle, needle.replace(b":", b": ", 1)):
            at = self._data.find(form)
            while at >= 0:
                row = self._object_at(at)
                if row.get("segment") in segments and fits(row):
                    found.append(row)
                at = self._data.find(form, at + 1)
            if b":" not in needle:
                break
        return found

    def _object_at(self, at: int) -> Row:
        """The flat object in which this byte lies."""
        start, end = self._data.rfind(b"{", 0, at), self._data.find(b"}", at) + 1
        try:
            row = orjson.loads(self._data[start:end])
        except orjson.JSONDecodeError as error:
            raise InstrumentError(f"{self.source}, byte {start}: {error}; fetch it again") from None
        return row if isinstance(row, dict) else {}

    def _names(self, exchange: str) -> Iterator[str]:
        """Every trading symbol of an exchange: only for a suggestion, so it may be slow."""
        segments = SEGMENTS[exchange]
        for match in re.finditer(rb"\{[^{}]*\}", self._data):
            row = self._object_at(match.start() + 1)
            if row.get("segment") in segments:
                yield str(row.get("trading_symbol") or "")

    # --------------------------------------------------------------------------------------------------------------- reading
    def _record(self, row: Row, exchange: str) -> Instrument:
        symbol = str(row.get("trading_symbol") or "")
        try:
            return self._read(row, exchange, symbol)
        except (ValueError, InvalidOperation, TypeError, OverflowError):
            raise InstrumentError(
                f"{self.source}: {symbol!r} has a malformed token, tick size, lot or expiry; fetch it again"
            ) from None

    def _read(self, row: Row, exchange: str, symbol: str) -> Instrument:
        segment = str(row["segment"]) if "segment" in row else ""
        is_index = segment.endswith("_INDEX")
        key = row.get("instrument_key")
        exchange_token, lot = int(str(row.get("exchange_token"))), int(_decimal(row.get("lot_size")))
        tick_e4 = _decimal(row.get("tick_size")) * E4_IN_PAISE
        token = exchange_token << 8 | WIRE_SEGMENT[segment]
        if not isinstance(key, str) or not key or not symbol or not 0 < token <= TOKEN_MAX or not 0 <= lot <= LOT_MAX:
            raise ValueError
        if tick_e4 != int(tick_e4) or not 0 <= tick_e4 <= TICK_RUPEES_MAX * 10_000 or (not is_index and (tick_e4 == 0 or lot == 0)):
            raise ValueError
        name = _under(row) if _expiry(row) else str(row.get("name") or "")
        freeze = int(_decimal(row.get("freeze_quantity")))
        if not freeze and exchange in DERIVATIVE_EXCHANGES:
            freeze = FREEZE_QTY.get(name, 0)
        return Instrument(
            token=token,
            exchange_token=exchange_token,
            exchange=exchange,
            tradingsymbol=symbol,
            name=name,
            expiry=_expiry(row),
            tick_size_e4=int(tick_e4) or INDEX_TICK_E4,
            lot_size=lot or 1,
            instrument_type=str(row.get("instrument_type") or ""),
            segment="INDICES" if is_index else segment,
            freeze_qty=freeze,
            multiplier=multiplier_of(exchange, name, symbol),
            has_derivatives=exchange in ("NSE", "BSE") and not is_index and self._has_derivatives(symbol, exchange),
            key=key,
        )

    def _has_derivatives(self, symbol: str, exchange: str) -> bool:
        derivatives = "NFO" if exchange == "NSE" else "BFO"
        return any(_under(row) == symbol for row in self._futures(derivatives))


def _under(row: Row) -> str:
    return str(row.get("underlying_symbol") or row.get("asset_symbol") or "")


def _expiry(row: Row) -> dt.date | None:
    """Milliseconds since the epoch; the contract's last day in India."""
    value = row.get("expiry")
    if value is None or value == "":
        return None
    return dt.datetime.fromtimestamp(int(value) / 1000, IST).date()


def _decimal(value: Any) -> Decimal:
    return Decimal(0) if value is None or value == "" else Decimal(str(value))


def _quoted(name: str) -> bytes:
    return orjson.dumps(name)
