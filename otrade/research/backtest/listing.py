"""What an instrument was on a date of the past, by the rules of that date: no broker's file of that morning
is at hand. What is not known is asked for by name, never guessed.
"""

from __future__ import annotations

import datetime as dt
import zlib
from collections.abc import Mapping

import msgspec

from otrade.calendar import Calendar
from otrade.errors import BacktestError, CalendarError
from otrade.instruments import Instrument
from otrade.instruments.contract_names import MONTHS, ContractName, read_name
from otrade.instruments.contracts import SPOT_OF, read_wish
from otrade.instruments.dated import lot_of, monthly_expiry, on_day
from otrade.instruments.model import MULTIPLIERS
from otrade.units import rupees

SEGMENT_BYTES = {"NSE": 1, "NFO": 2, "CDS": 3, "BSE": 4, "BFO": 5, "BCD": 6, "MCX": 7, "NCO": 12}
INDICES_BYTE = 9
INDEX_SYMBOLS = frozenset(SPOT_OF.values())
FINE_TICKS_FROM = dt.date(2024, 6, 10)
"""Shares below 250 rupees move by 0.01 (exchange circular of 2024-05-24; zerodha.com/marketintel/bulletin/380460)."""
FINE_FUTURES_FROM = dt.date(2024, 7, 8)
"""And their futures from then on (the same bulletin)."""
LEVEL_TICKS_FROM = dt.date(2025, 4, 15)
"""Ticks by price level, of shares and of index futures (fyers.in/notice-board, 2025-03-17: tick size revision)."""
SHARE_TICKS = ((250, 100), (1_000, 500), (5_000, 1_000), (10_000, 5_000), (20_000, 10_000))
INDEX_FUTURE_TICKS = ((15_000, 500), (30_000, 1_000))


class KnownFacts(msgspec.Struct, frozen=True):
    """What the user says of instruments, by configured symbol."""

    ticks_e4: Mapping[str, int] = {}
    lots: Mapping[str, int] = {}


class HistoricalListing:
    """Answers for any date that the calendar knows."""

    def __init__(self, calendar: Calendar, known: KnownFacts) -> None:
        self._calendar = calendar
        self._known = known

    def find(
        self, symbol: str, date: dt.date, price_e4: int, tick_e4: int, segment: str
    ) -> Instrument:
        """`price_e4`: about where it trades. `tick_e4`, `segment`: what its prices' archive says of it;
        0 and empty where it does not. BacktestError for what cannot be known.
        """
        exchange, _, name = symbol.partition(":")
        if exchange not in SEGMENT_BYTES or not name:
            raise BacktestError(f"{symbol}: write exchange and name, as NSE:INFY or NFO:NIFTY.FUT")
        tick_e4 = self._known.ticks_e4.get(symbol, tick_e4)
        if symbol in INDEX_SYMBOLS or segment == "index":
            return self._plain(exchange, name, tick_e4 or 500, "INDICES", "EQ", INDICES_BYTE)
        if exchange in ("NSE", "BSE"):
            return msgspec.structs.replace(
                self._plain(
                    exchange,
                    name,
                    tick_e4 or share_tick_e4(price_e4, date),
                    exchange,
                    "EQ",
                    SEGMENT_BYTES[exchange],
                ),
                has_derivatives=segment == "cash_with_derivatives",
            )
        return self._derivative(symbol, exchange, name, date, price_e4, tick_e4)

    def _plain(
        self, exchange: str, name: str, tick_e4: int, segment: str, kind: str, byte: int
    ) -> Instrument:
        number = zlib.crc32(f"{exchange}:{name}".encode()) & 0xFFFFFF
        return Instrument(
            token=number << 8 | byte,
            exchange_token=number,
            exchange=exchange,
            tradingsymbol=name,
            name=name,
            expiry=None,
            tick_size_e4=tick_e4,
            lot_size=1,
            instrument_type=kind,
            segment=segment,
        )

    def _derivative(
        self, symbol: str, exchange: str, name: str, date: dt.date, price_e4: int, tick_e4: int
    ) -> Instrument:
        wish, said = read_wish(symbol), read_name(name)
        if said is None and (wish is None or wish.kind != "FUT" or wish.when):
            raise BacktestError(
                f"{symbol}: name the nearest future ({exchange}:NIFTY.FUT), or a contract as its prices are kept ({exchange}:NIFTY26DECFUT)"
            )
        under = said.under if said is not None else wish.under if wish is not None else ""
        expiry = (
            self._expiry_of(exchange, said) if said else self._next_expiry(exchange, under, date)
        )
        if expiry < date:
            raise BacktestError(
                f"{symbol} expired on {expiry}: name {exchange}:{under}.FUT, or end the backtest before {date}"
            )
        kind = said.kind if said is not None else "FUT"
        is_future = kind == "FUT"
        is_index = f"{under}" in SPOT_OF
        lot = self._known.lots.get(symbol, 0) or lot_of(exchange, under, expiry)
        multiplier = 1
        if exchange in ("MCX", "NCO", "CDS", "BCD"):
            lot, multiplier = 1, MULTIPLIERS.get(under, 0)
        if not lot or not multiplier:
            raise BacktestError(
                f"{symbol}: the lot of {under} contracts that expire on {expiry} is not known here; say it: --lot '{symbol}=UNITS'"
            )
        if not tick_e4:
            tick_e4 = _derivative_tick_e4(exchange, price_e4, date, is_index, is_future)
        if not tick_e4:
            raise BacktestError(
                f"{symbol}: its tick is not known here; say it: --tick '{symbol}=0.05'"
            )
        text = name if said is not None else f"{under}{expiry:%y}{MONTHS[expiry.month - 1]}FUT"
        number = zlib.crc32(f"{exchange}:{text}".encode()) & 0xFFFFFF
        return on_day(
            Instrument(
                token=number << 8 | SEGMENT_BYTES[exchange],
                exchange_token=number,
                exchange=exchange,
                tradingsymbol=text,
                name=under,
                expiry=expiry,
                tick_size_e4=tick_e4,
                lot_size=lot,
                instrument_type=kind,
                segment=f"{exchange}-{'FUT' if is_future else 'OPT'}",
                strike_e4=said.strike_e4 if said is not None else 0,
                multiplier=multiplier,
            ),
            date,
        )

    # ------------------------------------------------------------------------------------- expiries
    def _expiry_of(self, exchange: str, said: ContractName) -> dt.date:
        year = 2000 + said.year
        if said.day:
            return dt.date(year, said.month, said.day)
        return self._monthly(exchange, said.under, year, said.month)

    def _next_expiry(self, exchange: str, under: str, date: dt.date) -> dt.date:
        found = self._monthly(exchange, under, date.year, date.month)
        if found >= date:
            return found
        year, month = (date.year, date.month + 1) if date.month < 12 else (date.year + 1, 1)
        return self._monthly(exchange, under, year, month)

    def _monthly(self, exchange: str, under: str, year: int, month: int) -> dt.date:
        segment = "derivatives" if exchange in ("NFO", "BFO") else "commodity"
        found = monthly_expiry(exchange, under, year, month, lambda day: self._trades(segment, day))
        if found is None:
            raise BacktestError(
                f"{exchange}:{under}: on which day its contracts expire is not known here; name one by its day as its prices are kept"
            )
        return found

    def _trades(self, segment: str, day: dt.date) -> bool:
        try:
            return self._calendar.session(segment, day) is not None
        except CalendarError:
            return True  # beyond the calendar: as an ordinary day


def share_tick_e4(price_e4: int, date: dt.date) -> int:
    """NSE's tick of a share by price level and date."""
    price = price_e4 / 10_000
    if date >= LEVEL_TICKS_FROM:
        return next((tick_e4 for below, tick_e4 in SHARE_TICKS if price < below), 50_000)
    return 100 if date >= FINE_TICKS_FROM and price < 250 else 500


def _derivative_tick_e4(
    exchange: str, price_e4: int, date: dt.date, is_index: bool, is_future: bool
) -> int:
    if exchange not in ("NFO", "BFO"):
        return 0
    if not is_future or exchange == "BFO":
        return 500
    if not is_index:
        return share_tick_e4(price_e4, date) if date >= FINE_FUTURES_FROM else 500
    if date < LEVEL_TICKS_FROM:
        return 500
    price = price_e4 / 10_000
    return next((tick_e4 for below, tick_e4 in INDEX_FUTURE_TICKS if price < below), 2_000)


def words_of(record: Instrument) -> str:
    """What a result says of an instrument's facts."""
    expires = f", expires {record.expiry}" if record.expiry else ""
    freeze = f", freeze {record.freeze_qty}" if record.freeze_qty else ""
    return f"{record.symbol}: tick {rupees(record.tick_size_e4)}, lot {record.lot_size}{expires}{freeze}"
