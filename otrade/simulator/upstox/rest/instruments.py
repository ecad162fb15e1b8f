"""Upstox's instrument files: gzipped JSON arrays, tick sizes in paise."""

import datetime as dt
import gzip
from typing import Any

import orjson

from otrade.simulator.base.hours import IST
from otrade.simulator.base.listings import INDICES, ISINS
from otrade.simulator.base.universe import E4, ListedContract, Universe
from otrade.simulator.upstox.rest.names import EXCHANGES, INDEX_NAMES, instrument_key, segment

FILES = ("complete", "NSE", "BSE", "MCX")
_INDEX_SYMBOLS = {index.symbol: index.name for index in INDICES}


def instruments_file(universe: Universe, name: str) -> bytes:
    """One file; `name` is one of `FILES`."""
    rows = [record(contract, universe) for contract in universe.contracts]
    if name != "complete":
        rows = [row for row in rows if row["exchange"] == name]
    return gzip.compress(orjson.dumps(rows), 6, mtime=0)


def record(contract: ListedContract, universe: Universe) -> dict[str, Any]:
    """One instrument as the files have it."""
    common: dict[str, Any] = {
        "segment": segment(contract),
        "name": contract.name,
        "exchange": EXCHANGES.get(contract.exchange, contract.exchange),
        "instrument_key": instrument_key(contract),
        "exchange_token": str(contract.token >> 8),
    }
    if not contract.tradable:
        symbol = _INDEX_SYMBOLS[contract.tradingsymbol]
        name = INDEX_NAMES[contract.tradingsymbol]
        return common | {"name": name, "instrument_type": "INDEX", "trading_symbol": symbol}
    common |= {
        "lot_size": contract.lot,
        "freeze_quantity": float(contract.freeze_qty),
        "tick_size": contract.tick_e4 / 100,
        "qty_multiplier": float(contract.multiplier),
    }
    if contract.expiry is None:
        return common | {
            "isin": ISINS[contract.tradingsymbol],
            "instrument_type": "EQ",
            "trading_symbol": contract.tradingsymbol,
            "short_name": contract.name.title(),
            "security_type": "NORMAL",
        }
    end = dt.datetime.combine(contract.expiry, dt.time(23, 59, 59), IST)
    day = f"{contract.expiry:%d %b %y}".upper()
    strike = f"{contract.strike_e4 / E4:g} " if contract.is_option else ""
    under, kind = _underlying(contract, universe)
    return common | {
        "instrument_type": contract.instrument_type,
        "trading_symbol": f"{contract.name} {strike}{contract.instrument_type} {day}",
        "minimum_lot": contract.lot,
        "expiry": int(end.timestamp()) * 1000,
        "strike_price": contract.strike_e4 / E4,
        "weekly": contract.is_weekly,
        "underlying_symbol": contract.name,
        "underlying_key": under,
        "underlying_type": kind,
        "asset_symbol": contract.name,
        "asset_key": under,
        "asset_type": kind,
    }


def _underlying(contract: ListedContract, universe: Universe) -> tuple[str, str]:
    under = universe.underlying(contract)
    if under is not contract:
        return instrument_key(under), "INDEX" if contract.is_of_index else "EQUITY"
    kind = "COM" if contract.exchange == "MCX" else "CUR"
    return f"{segment(contract)}|{contract.name}", kind
