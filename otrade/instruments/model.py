"""What is known of one instrument, whichever broker's file it comes from.

Tick size and expiry always come from the file. Freeze quantities and lots that a file does not have
are in `contracts.json`, by date (see `dated.py`); contract multipliers that it does not have are in
the table here, by which a file's own are checked.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from enum import Enum

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

# How many priced units a lot of a commodity or currency contract holds. From the exchanges'
# contract specifications. A file that says otherwise, or nothing about one that is missing here, is
# refused: with a wrong multiplier every limit in rupees would be wrong by as much.
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


class Freeze(Enum):
    """Who says what the largest order is."""

    UNKNOWN = ""
    FILE = "file"
    TABLE = "table"
    ASSUMED = "assumed"
    """By a table whose list for that day nobody has read."""


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
    freeze: Freeze = Freeze.UNKNOWN
    freeze_source: str = ""
    multiplier: int = 1
    """Priced units in one unit of quantity."""
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


def missing(
    source: str, symbol: str, what: str, name: str, known: Iterable[str]
) -> InstrumentError:
    """The error for a symbol that is not there. Names that begin alike are compared first."""
    import difflib  # only a refusal needs it

    names = list(known)
    alike = [n for n in names if n[:2] == name[:2]] or names
    near = difflib.get_close_matches(name, alike, 3, 0.5)
    hint = f"; did you mean {' or '.join(near)}?" if near else "."
    return InstrumentError(
        f"{symbol}: {what} in the {source}{hint} Correct `instruments` in the configuration."
    )


def lot_and_multiplier(
    exchange: str,
    name: str,
    tradingsymbol: str,
    file_lot: int,
    file_multiplier: int,
    in_lots: frozenset[str],
) -> tuple[int, int]:
    """The step of an order's quantity, and priced units in one unit of it. `in_lots`: where the
    broker counts quantity in lots.

    What a file says in two fields is one number, the priced units of a lot: Upstox wrote crude oil
    as lot 100 and multiplier 1 and now writes 1 and 100, and either way an order for 1 is one lot
    of 100 barrels. InstrumentError when the file and the contract's specification disagree, or
    neither says it.
    """
    where = f"{exchange}:{tradingsymbol}"
    if exchange not in COMMODITY_EXCHANGES | CURRENCY_EXCHANGES:
        if file_multiplier != 1:
            raise InstrumentError(
                f"{where}: the file gives it a multiplier of {file_multiplier}, which such an instrument has not"
            )
        return file_lot, 1
    known, said = MULTIPLIERS.get(name, 0), file_lot * file_multiplier
    if said == 1:
        if not known:
            raise InstrumentError(
                f"{where}: the contract multiplier of {name} is not known, so its profit and limits cannot be computed; "
                "remove it from `instruments`"
            )
        return 1, known
    if known and said != known:
        raise InstrumentError(
            f"{where}: the file says that a lot of {name} is {file_lot} times {file_multiplier} priced units, its specification says "
            f"{known}; profit and limits would be wrong, so remove it from `instruments` until it is known which is right"
        )
    return (1, said) if exchange in in_lots else (file_lot, file_multiplier)
