"""Upstox's daily instrument file, of which only what is wanted is read.

The file is one JSON array of flat objects, some hundred thousand. It stays one block of bytes:
candidates are found by their names as bytes, and only they become objects. Names are Kite's
(`NFO:NIFTY26DECFUT`) or the exchange's own trading symbol, so that one configuration serves both
brokers. Tick sizes are in paise.
"""

from __future__ import annotations

import codecs
import datetime as dt
import re
from collections.abc import Callable, Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

from otrade.errors import InstrumentError
from otrade.instruments.contract_names import read_name
from otrade.instruments.contracts import Contract, ContractSpec, choose, read_wish
from otrade.instruments.dated import lot_of, on_day
from otrade.instruments.model import (
    COMMODITY_EXCHANGES,
    INDEX_TICK_E4,
    LOT_MAX,
    TICK_RUPEES_MAX,
    TOKEN_MAX,
    Instrument,
    lot_and_multiplier,
    missing,
)

IST = dt.timezone(dt.timedelta(hours=5, minutes=30))
E4_IN_PAISE = 100
IN_LOTS = COMMODITY_EXCHANGES
"""Where Upstox counts an order's quantity in lots (docs, place order: "For commodity, number of
lots"); elsewhere in units.
"""
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

Row = dict[str, Any]


class UpstoxInstrumentFile:
    """One day's file, unzipped. InstrumentError when it is none, or was cut short."""

    def __init__(self, data: bytes, *, source: str = "instrument file") -> None:
        self.source = source
        self._data = data = data.removeprefix(codecs.BOM_UTF8)
        if data.lstrip()[:1] != b"[":
            raise InstrumentError(
                f"{source}: it is no JSON array (a page of words?); fetch it again"
            )
        if not data.rstrip().endswith(b"]"):
            raise InstrumentError(
                f"{source}: it ends too early, so it was cut short; fetch it again"
            )
        if data.find(b"{") < 0:
            raise InstrumentError(f"{source}: there is no instrument in it; fetch it again")

    def find(self, symbol: str, today: dt.date, spot_e4: int = 0) -> Instrument:
        """`NSE:INFY`, `NSE:NIFTY 50`, `NFO:NIFTY26DECFUT`, `NFO:NIFTY FUT 29 DEC 26`, or a contract
        by what it is: see
        `otrade.instruments.contracts`, for whose ATM `spot_e4` is the underlying's price.

        InstrumentError: not there (with the nearest names), expired, or its object is malformed.
        """
        exchange, _, name = symbol.partition(":")
        if exchange not in SEGMENTS:
            raise InstrumentError(f"{symbol}: {exchange!r} is not one of {', '.join(SEGMENTS)}")
        wish = read_wish(symbol)
        if wish is not None:
            return self._wished(symbol, wish, today, spot_e4)
        for row in self._named(exchange, name) or self._contracts_named(exchange, name):
            found = self._record(row, exchange)
            if found.expiry and found.expiry < today:
                raise InstrumentError(
                    f"{symbol} expired on {found.expiry}; name a live contract, or {exchange}:{found.name}.FUT"
                )
            return on_day(found, today)
        raise missing(
            self.source, symbol, "there is no such instrument", name, self._names(exchange)
        )

    # ---------------------------------------------------------------------------------------------------------------
    # searching
    def _named(self, exchange: str, name: str) -> list[Row]:
        """By trading symbol, or an index by its name as other brokers write it (`NIFTY 50`)."""
        found = self._rows(
            b'"trading_symbol":' + _quoted(name),
            lambda row: row.get("trading_symbol") == name,
            exchange,
        )
        if not found and exchange in ("NSE", "BSE"):
            segment = f'"{exchange}_INDEX"'.encode()
            found = self._rows(
                segment, lambda row: str(row.get("name") or "").upper() == name.upper(), exchange
            )
        return found

    def _contracts_named(self, exchange: str, name: str) -> list[Row]:
        """By Kite's way of writing a contract."""
        said = read_name(name)
        if said is None:
            return []
        found = [
            row
            for row in self._derived(exchange, said.under)
            if (expiry := _expiry(row))
            and said.fits(str(row.get("instrument_type")), expiry, _strike_e4(row))
        ]
        # Several expiries in the month named: the month's contract is the last of them.
        return sorted(found, key=lambda row: _expiry(row) or dt.date.min, reverse=True)

    def _derived(self, exchange: str, under: str) -> list[Row]:
        return self._rows(
            b'"underlying_symbol":' + _quoted(under), lambda row: _under(row) == under, exchange
        )

    def _wished(self, symbol: str, wish: ContractSpec, today: dt.date, spot_e4: int) -> Instrument:
        listed = {}
        for row in self._derived(wish.exchange, wish.under):
            expiry = _expiry(row)
            if expiry is not None:
                kind = str(row.get("instrument_type"))
                listed[Contract(expiry, _strike_e4(row), kind, str(row.get("trading_symbol")))] = (
                    row
                )
        if not any(one.kind == wish.kind for one in listed):
            what = f"nothing of that kind is derived from {wish.under} on {wish.exchange}"
            raise missing(
                self.source,
                symbol,
                what,
                wish.under,
                sorted({_under(row) for row in self._futures(wish.exchange)}),
            )
        return on_day(
            self._record(listed[choose(symbol, wish, list(listed), today, spot_e4)], wish.exchange),
            today,
        )

    def by_number(self, exchange: str, exchange_token: int) -> Instrument | None:
        """By the exchange's own number."""
        number = str(exchange_token)
        for needle in (_quoted(number), number.encode()):
            for row in self._rows(
                b'"exchange_token":' + needle,
                lambda row: str(row.get("exchange_token")) == number,
                exchange,
            ):
                return self._record(row, exchange)
        return None

    def entries(self) -> Iterator[tuple[str, Instrument | str]]:
        """Every object's symbol with its record, or with what is wrong with it. Segments that we do
        not know are left out.
        """
        exchange_of = {
            segment: exchange for exchange, segments in SEGMENTS.items() for segment in segments
        }
        for match in re.finditer(rb"\{[^{}]*\}", self._data):
            row = self._object_at(match.start() + 1)
            exchange = exchange_of.get(str(row.get("segment")))
            if exchange is None:
                continue
            symbol = f"{exchange}:{row.get('trading_symbol') or ''}"
            try:
                yield symbol, self._record(row, exchange, derivatives=False)
            except InstrumentError as error:
                yield symbol, str(error)

    def _futures(self, exchange: str) -> list[Row]:
        return self._rows(
            b'"instrument_type":"FUT"', lambda row: row.get("instrument_type") == "FUT", exchange
        )

    def _rows(self, needle: bytes, fits: Callable[[Row], bool], exchange: str) -> list[Row]:
        """Objects around each occurrence of `needle`, that fit. The needle is written as compact
        JSON writes it, or with one blank.
        """
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

    # ---------------------------------------------------------------------------------------------------------------
    # reading
    def _record(self, row: Row, exchange: str, *, derivatives: bool = True) -> Instrument:
        """`derivatives`: look whether there are any of it."""
        symbol = str(row.get("trading_symbol") or "")
        try:
            return self._read(row, exchange, symbol, derivatives)
        except (ValueError, InvalidOperation, TypeError, OverflowError):
            raise InstrumentError(
                f"{self.source}: {symbol!r} has a malformed token, tick size, lot or expiry; fetch it again"
            ) from None

    def _read(self, row: Row, exchange: str, symbol: str, derivatives: bool) -> Instrument:
        segment = str(row["segment"]) if "segment" in row else ""
        is_index = segment.endswith("_INDEX")
        key = row.get("instrument_key")
        expiry = _expiry(row)
        name = _under(row) if expiry else str(row.get("name") or "")
        exchange_token, lot = int(str(row.get("exchange_token"))), _whole(row, "lot_size")
        if not lot and expiry:
            lot = lot_of(exchange, name, expiry)
        tick_e4 = _decimal(row.get("tick_size")) * E4_IN_PAISE
        token = exchange_token << 8 | WIRE_SEGMENT[segment]
        if (
            not isinstance(key, str)
            or not key
            or not symbol
            or not 0 < token <= TOKEN_MAX
            or not 0 <= lot <= LOT_MAX
        ):
            raise ValueError
        if (
            tick_e4 != int(tick_e4)
            or not 0 <= tick_e4 <= TICK_RUPEES_MAX * 10_000
            or (not is_index and (tick_e4 == 0 or lot == 0))
        ):
            raise ValueError
        step, multiplier = lot_and_multiplier(
            exchange, name, symbol, lot or 1, _whole(row, "qty_multiplier") or 1, IN_LOTS
        )
        # The largest order is said in what the file's lot is said in; an order counts lots where
        # the step is one.
        freeze = int(_decimal(row.get("freeze_quantity"))) // max((lot or 1) // step, 1)
        return Instrument(
            token=token,
            exchange_token=exchange_token,
            exchange=exchange,
            tradingsymbol=symbol,
            name=name,
            expiry=expiry,
            tick_size_e4=int(tick_e4) or INDEX_TICK_E4,
            lot_size=step,
            instrument_type=str(row.get("instrument_type") or ""),
            segment="INDICES" if is_index else segment,
            strike_e4=_strike_e4(row),
            freeze_qty=freeze,
            multiplier=multiplier,
            has_derivatives=derivatives
            and exchange in ("NSE", "BSE")
            and not is_index
            and self._has_derivatives(symbol, exchange),
            key=key,
        )

    def _has_derivatives(self, symbol: str, exchange: str) -> bool:
        derivatives = "NFO" if exchange == "NSE" else "BFO"
        return any(_under(row) == symbol for row in self._futures(derivatives))


def _under(row: Row) -> str:
    return str(row.get("underlying_symbol") or row.get("asset_symbol") or "")


def _strike_e4(row: Row) -> int:
    return int(_decimal(row.get("strike_price")) * 10_000)


def _expiry(row: Row) -> dt.date | None:
    """Milliseconds since the epoch; the contract's last day in India."""
    value = row.get("expiry")
    if value is None or value == "":
        return None
    return dt.datetime.fromtimestamp(int(value) / 1000, IST).date()


def _decimal(value: Any) -> Decimal:
    return Decimal(0) if value is None or value == "" else Decimal(str(value))


def _whole(row: Row, field: str) -> int:
    """A whole number; 0 when the file does not say it. ValueError when it is none."""
    value = _decimal(row.get(field))
    if value < 0 or value != int(value):
        raise ValueError(field)
    return int(value)


def _quoted(name: str) -> bytes:
    return orjson.dumps(name)
