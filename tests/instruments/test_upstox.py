"""Upstox's instrument file: the same names find the same instruments as in Kite's, what is odd is
refused by name.
"""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest

from otrade.errors import InstrumentError
from otrade.instruments.kite import COLUMNS, KiteInstrumentFile
from otrade.instruments.upstox import UpstoxInstrumentFile
from tests.instruments.test_kite import ROWS

TODAY = dt.date(2026, 11, 23)
IST = dt.timezone(dt.timedelta(hours=5, minutes=30))


def ms(date: str) -> int:
    """The contract's last moment, as the file writes it."""
    return int(dt.datetime.fromisoformat(f"{date}T23:59:59").replace(tzinfo=IST).timestamp() * 1000)


def share(symbol: str, token: int, isin: str, tick: float = 10.0, **more: Any) -> dict[str, Any]:
    return {
        "segment": "NSE_EQ", "name": symbol + " LIMITED", "exchange": "NSE", "isin": isin, "instrument_type": "EQ",
        "instrument_key": f"NSE_EQ|{isin}", "lot_size": 1, "freeze_quantity": 100000.0, "exchange_token": str(token), "tick_size": tick,
        "trading_symbol": symbol, "short_name": symbol, "security_type": "NORMAL",
    } | more  # fmt: skip


def contract(
    under: str,
    symbol: str,
    token: int,
    expiry: str,
    kind: str = "FUT",
    strike: float = 0.0,
    **more: Any,
) -> dict[str, Any]:
    return {
        "weekly": False, "segment": "NSE_FO", "name": under, "exchange": "NSE", "expiry": ms(expiry), "instrument_type": kind,
        "asset_symbol": under, "underlying_symbol": under, "instrument_key": f"NSE_FO|{token}", "lot_size": 65,
        "freeze_quantity": 1755.0, "exchange_token": str(token), "minimum_lot": 65, "tick_size": 10.0, "asset_type": "INDEX",
        "trading_symbol": symbol, "strike_price": strike, "qty_multiplier": 1.0,
    } | more  # fmt: skip


ROWS_UPSTOX: list[dict[str, Any]] = [
    share("INFY", 1594, "INE009A01021"),
    share("TATAGOLD", 547, "INF277KA1976", 1.0),
    {
        "segment": "NSE_INDEX", "name": "Nifty 50", "exchange": "NSE", "instrument_type": "INDEX", "instrument_key": "NSE_INDEX|Nifty 50",
        "exchange_token": "26000", "trading_symbol": "NIFTY",
    },
    contract("NIFTY", "NIFTY FUT 23 NOV 26", 50016, "2026-11-23"),
    contract("NIFTY", "NIFTY FUT 29 DEC 26", 50017, "2026-12-29"),
    contract("INFY", "INFY FUT 29 DEC 26", 50018, "2026-12-29", lot_size=400, asset_type="EQUITY"),
    contract("NIFTY", "NIFTY FUT 27 OCT 26", 50019, "2026-10-27"),
    contract("NIFTY", "NIFTY 26000 CE 29 DEC 26", 50020, "2026-12-29", "CE", 26000.0, tick_size=5.0),
    contract("NIFTY", "NIFTY 26000 CE 08 DEC 26", 50021, "2026-12-08", "CE", 26000.0, tick_size=5.0, weekly=True),
]  # fmt: skip


def file(rows: list[dict[str, Any]] = ROWS_UPSTOX, **dumps: Any) -> UpstoxInstrumentFile:
    return UpstoxInstrumentFile(json.dumps(rows, **dumps).encode())


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
@pytest.mark.parametrize(
    "symbol",
    [
        "NSE:INFY",
        "NSE:TATAGOLD",
        "NFO:NIFTY.FUT",
        "NFO:NIFTY26DECFUT",
        "NFO:INFY26DECFUT",
        "NFO:NIFTY26DEC26000CE",
    ],
)
def test_one_name_finds_the_same_instrument_at_both_brokers(
    symbol: str, separators: tuple[str, str]
) -> None:
    kite = KiteInstrumentFile(",".join(COLUMNS) + "\n" + ROWS).find(symbol, TODAY)
    upstox = file(separators=separators).find(symbol, TODAY)
    for name in (
        "token",
        "exchange_token",
        "exchange",
        "expiry",
        "tick_size_e4",
        "lot_size",
        "has_derivatives",
        "calendar_segment",
    ):
        assert getattr(kite, name) == getattr(upstox, name), name
    assert upstox.key.startswith("NSE_") and not kite.key


def test_what_only_upstox_says_is_taken() -> None:
    december = file().find("NFO:NIFTY26DECFUT", TODAY)
    assert (december.freeze_qty, december.key, december.tradingsymbol) == (
        1755,
        "NSE_FO|50017",
        "NIFTY FUT 29 DEC 26",
    )


def test_a_month_with_several_expiries_means_the_last_and_a_week_is_named_by_its_day() -> None:
    assert file().find("NFO:NIFTY26DEC26000CE", TODAY).expiry == dt.date(2026, 12, 29)
    assert file().find("NFO:NIFTY26D0826000CE", TODAY).expiry == dt.date(2026, 12, 8)


def test_the_exchanges_own_name_and_an_index_by_either_name() -> None:
    assert file().find("NFO:NIFTY FUT 29 DEC 26", TODAY).exchange_token == 50017
    for name in ("NSE:NIFTY 50", "NSE:NIFTY"):
        index = file().find(name, TODAY)
        assert index.is_index and index.key == "NSE_INDEX|Nifty 50" and index.wire_segment == 9


@pytest.mark.parametrize(
    ("symbol", "words"),
    [
        ("NSE:INFI", "did you mean INFY"),
        ("NFO:NIFTI.FUT", "did you mean NIFTY"),
        ("NFO:NIFTY26OCTFUT", "expired on 2026-10-27"),
        ("BSE:INFY", "no such instrument"),
        ("XYZ:INFY", "'XYZ' is not one of"),
    ],
)
def test_what_is_not_there_is_named_with_a_fix(symbol: str, words: str) -> None:
    with pytest.raises(InstrumentError, match=words) as caught:
        file().find(symbol, TODAY)
    assert symbol in str(caught.value)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"tick_size": 0}, "malformed"), ({"tick_size": None}, "malformed"), ({"tick_size": 0.123456}, "malformed"),
        ({"tick_size": -5}, "malformed"),
        ({"lot_size": 0}, "malformed"), ({"lot_size": 10**9}, "malformed"), ({"exchange_token": "x"}, "malformed"),
        ({"exchange_token": None}, "malformed"), ({"exchange_token": str(2**30)}, "malformed"), ({"instrument_key": None}, "malformed"),
        ({"expiry": "soon"}, "malformed"),
    ],
)  # fmt: skip
def test_an_odd_row_is_refused_by_name(change: dict[str, Any], why: str) -> None:
    with pytest.raises(InstrumentError, match=why) as caught:
        file([share("INFY", 1594, "INE009A01021") | change]).find("NSE:INFY", TODAY)
    assert "INFY" in str(caught.value)


def test_numbers_as_text_are_numbers() -> None:
    row = share("INFY", 1594, "INE009A01021", tick_size="10.0", lot_size="1")
    assert file([row]).find("NSE:INFY", TODAY).tick_size_e4 == 1000


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"<html>busy</html>", "no JSON array"),
        (b"", "no JSON array"),
        (b"[]", "no instrument"),
        (json.dumps(ROWS_UPSTOX).encode()[:-30], "cut short"),
    ],
)
def test_a_file_that_is_none_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(InstrumentError, match=words):
        UpstoxInstrumentFile(data)


def test_a_mark_blank_lines_and_one_more_field_change_nothing() -> None:
    plain = file()
    marked = UpstoxInstrumentFile(
        b"\xef\xbb\xbf" + json.dumps([{**row, "one_more": 1} for row in ROWS_UPSTOX]).encode()
    )
    blank = UpstoxInstrumentFile(b"\n" + json.dumps(ROWS_UPSTOX).encode() + b"\r\n \n\n")
    for symbol in ("NSE:INFY", "NFO:NIFTY.FUT"):
        for other in (marked, blank):
            assert other.find(symbol, TODAY) == plain.find(symbol, TODAY)
    assert list(marked.entries()) == list(plain.entries()) == list(blank.entries())
