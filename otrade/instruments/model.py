"""What is known of one instrument, whichever broker's file it comes from, and what no file says.

Tick size, lot and expiry always come from the file. Freeze quantities and contract multipliers that a file does not have are in
the tables here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

import msgspec

from otrade.errors import InstrumentError

EXCHANGES = frozenset(
    {"NSE", "BSE", "NFO", "BFO", "CDS", "BCD", "MCX", "NCO", "NSEIX", "GLOBAL", "MF"}
)
DERIVATIVE_EXCHANGES = frozenset({"NFO", "BFO"})
COMMODITY_EXCHANGES = frozenset({"MCX", "NCO"})
CURRENCY_EXCHANGES = frozenset({"CDS", "BCD"})
INDEX_NAMES = frozenset(
    {"NIFTY", "BANKNIFTY", "FINNIFTY", "MIDCPNIFTY", "NIFTYNXT50", "SENSEX", "BANKEX"}
)
TOKEN_MAX = 2**32 - 1
TICK_RUPEES_MAX = 1_000_000
LOT_MAX = 10_000_000
INDEX_TICK_E4 = 500

# Largest quantity of one order; above it the exchange rejects (NSE circulars on quantity freeze
# limits). 0, not known: any other.
FREEZE_QTY = {
    "NIFTY": 1_800,
    "BANKNIFTY": 600,
    "FINNIFTY": 1_200,
    "MIDCPNIFTY": 2_800,
    "NIFTYNXT50": 600,
}

# Commodity and currency contracts are ordered in lots, and the dump says neither how many priced
# units a lot holds. From the exchanges' contract specifications. One that is missing is refused:
# with a wrong multiplier every limit in rupees would be wrong by as much.
MULTIPLIERS = {
    "CRUDEOIL": 100,
    "CRUDEOILM": 10,
    "NATURALGAS": 1_250,
    "NATGASMINI": 250,
    "GOLD": 100,
    "GOLDM": 10,
    "SILVER": 30,
    "SILVERM": 5,
    "COPPER": 2_500,
    "ZINC": 5_000,
    "ALUMINIUM": 5_000,
    "LEAD": 5_000,
    "USDINR": 1_000,
    "EURINR": 1_000,
    "GBPINR": 1_000,
    "JPYINR": 1_000,
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
    strike_e4: int = 0
    freeze_qty: int = 0
    multiplier: int = 1
    has_derivatives: bool = False
    key: str = ""
    """Its name on a wire that uses text (Upstox's instrument_key)."""

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
        if self.exchange in COMMODITY_EXCHANGES:
            return "commodity"
        if self.exchange in CURRENCY_EXCHANGES:
            return "currency"
        if self.exchange in DERIVATIVE_EXCHANGES:
            return "derivatives"
        return "cash_with_derivatives" if self.has_derivatives else "cash"

    def is_index_expiry(self, date: dt.date) -> bool:
        """An index contract on its own expiry day stops earlier (from 7 December 2026)."""
        return self.expiry == date and self.name in INDEX_NAMES


def missing(source: str, symbol: str, what: str, name: str, known: Iterable[str]) -> InstrumentError:
    """The error for a symbol that is not there. Names that begin alike are compared first."""
    import difflib  # only a refusal needs it

    names = list(known)
    alike = [n for n in names if n[:2] == name[:2]] or names
    near = difflib.get_close_matches(name, alike, 3, 0.5)
    hint = f"; did you mean {' or '.join(near)}?" if near else "."
    return InstrumentError(f"{symbol}: {what} in the {source}{hint} Correct `instruments` in the configuration.")


def multiplier_of(exchange: str, name: str, tradingsymbol: str) -> int:
    if exchange not in COMMODITY_EXCHANGES | CURRENCY_EXCHANGES:
        return 1
    if name not in MULTIPLIERS:
        raise InstrumentError(
            f"{exchange}:{tradingsymbol}: the contract multiplier of {name} is not known, so its "
            "profit and limits cannot be computed; remove it from `instruments`"
        )
    return MULTIPLIERS[name]
