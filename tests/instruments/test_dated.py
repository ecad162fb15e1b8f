"""Largest orders, lots, multipliers and half strikes: what a contract is, by its date, at both
brokers.
"""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from otrade.errors import InstrumentError
from otrade.instruments import Instrument
from otrade.instruments.catalog import Catalog, write_catalog
from otrade.instruments.contracts import read_wish
from otrade.instruments.dated import freeze_of, freeze_words, lot_of, monthly_expiry, not_by_api
from otrade.instruments.kite import COLUMNS, KiteInstrumentFile
from otrade.instruments.model import Freeze
from otrade.instruments.table import SortedTable
from tests.instruments.test_upstox import contract, file, ms

TODAY = dt.date(2026, 11, 23)
SHARED = (
    Path(__file__).parents[2].parent / "shared" / "cases" / "instruments" / "itc_half_strike.csv"
)


def kite(*rows: str) -> KiteInstrumentFile:
    return KiteInstrumentFile(",".join(COLUMNS) + "\n" + "\n".join(rows) + "\n")


def table(tmp_path: Path, entries: Any) -> Catalog:
    write_catalog(tmp_path / "a.table", "kite 2026-11-23", entries)
    return Catalog(SortedTable(tmp_path / "a.table"))


# ------------------------------------------------------------------------------------------------------------------
# freeze
@pytest.mark.parametrize(
    ("exchange", "name", "day", "qty", "assumed"),
    [
        ("NFO", "NIFTY", "2024-05-02", 1800, False), ("NFO", "NIFTY", "2026-11-23", 1800, True),
        ("NFO", "BANKNIFTY", "2025-06-30", 900, False), ("NFO", "BANKNIFTY", "2025-07-01", 600, False),
        ("NFO", "BANKNIFTY", "2025-11-02", 900, False), ("NFO", "BANKNIFTY", "2025-11-03", 600, False),
        ("NFO", "BANKNIFTY", "2026-04-15", 900, False), ("NFO", "BANKNIFTY", "2026-05-15", 600, True),
        ("NFO", "BANKNIFTY", "2026-09-30", 600, False), ("NFO", "BANKNIFTY", "2026-11-23", 600, True),
        ("NFO", "FINNIFTY", "2025-11-28", 1800, False), ("NFO", "FINNIFTY", "2025-12-01", 1200, False),
        ("NFO", "FINNIFTY", "2026-02-02", 1800, False), ("NFO", "FINNIFTY", "2026-03-31", 1200, False),
        ("NFO", "FINNIFTY", "2026-08-31", 1800, False), ("NFO", "FINNIFTY", "2026-11-23", 1200, True),
        ("NFO", "MIDCPNIFTY", "2025-03-03", 4200, False), ("NFO", "MIDCPNIFTY", "2026-11-23", 2800, True),
        ("BFO", "SENSEX", "2025-06-02", 1000, False), ("BFO", "SENSEX", "2026-11-23", 600, False),
        ("BFO", "BANKEX", "2026-11-23", 600, False),
    ],
)  # fmt: skip
def test_freeze_goes_by_the_trading_date(
    exchange: str, name: str, day: str, qty: int, assumed: bool
) -> None:
    found = freeze_of(exchange, name, dt.date.fromisoformat(day))
    assert found is not None and (found.qty, found.is_assumed) == (qty, assumed) and found.source


def test_what_the_table_does_not_know_is_unknown_and_said() -> None:
    assert freeze_of("NFO", "RELIANCE", TODAY) is None
    assert freeze_of("NFO", "NIFTY", dt.date(2019, 1, 1)) is None
    found = kite("1,1,RELIANCE26DECFUT,RELIANCE,0,2026-12-29,0,0.1,500,FUT,NFO-FUT,NFO").find(
        "NFO:RELIANCE.FUT", TODAY
    )
    assert (found.freeze_qty, found.freeze) == (0, Freeze.UNKNOWN)
    assert "is not known" in freeze_words(found)


def test_a_file_that_lags_is_bounded_by_the_list() -> None:
    """The smaller of the two is never refused."""
    old = file(
        [
            contract(
                "BANKNIFTY",
                "BANKNIFTY FUT 29 DEC 26",
                1,
                "2026-12-29",
                lot_size=30,
                freeze_quantity=900.0,
            )
        ]
    )
    found = old.find("NFO:BANKNIFTY.FUT", dt.date(2026, 9, 1))
    assert (found.freeze_qty, found.freeze) == (600, Freeze.TABLE) and freeze_words(found) == ""
    less = file(
        [contract("NIFTY", "NIFTY FUT 29 DEC 26", 1, "2026-12-29", freeze_quantity=1755.0)]
    ).find("NFO:NIFTY.FUT", TODAY)
    assert (less.freeze_qty, less.freeze) == (1755, Freeze.FILE) and freeze_words(less) == ""
    below_a_lot = file(
        [contract("INFY", "INFY FUT 29 DEC 26", 1, "2026-12-29", lot_size=400, freeze_quantity=1.0)]
    )
    assert below_a_lot.find("NFO:INFY.FUT", TODAY).freeze is Freeze.UNKNOWN, (
        "no order at all would be allowed: that is no figure"
    )


# --------------------------------------------------------------------------------------------------------------------
# lots
@pytest.mark.parametrize(
    ("name", "expiry", "lot"),
    [
        ("NIFTY", "2021-07-22", 75), ("NIFTY", "2021-07-29", 50), ("NIFTY", "2024-04-25", 50), ("NIFTY", "2024-05-02", 25),
        ("NIFTY", "2024-12-26", 25), ("NIFTY", "2025-01-02", 75), ("NIFTY", "2025-12-30", 75), ("NIFTY", "2026-01-06", 65),
        ("BANKNIFTY", "2023-07-20", 25), ("BANKNIFTY", "2023-07-27", 15), ("BANKNIFTY", "2025-06-26", 30),
        ("BANKNIFTY", "2025-07-31", 35), ("BANKNIFTY", "2026-01-27", 30), ("MIDCPNIFTY", "2025-07-31", 140), ("GOLD", "2026-01-27", 0),
    ],
)  # fmt: skip
def test_lots_go_with_the_contract(name: str, expiry: str, lot: int) -> None:
    assert lot_of("NFO", name, dt.date.fromisoformat(expiry)) == lot


def test_on_one_day_two_contracts_have_their_own_lots() -> None:
    """2025-12-23: the December contract is still 75, the January one 65, whatever day it is; also
    where the file has none.
    """
    day, expiries = dt.date(2025, 12, 23), ("2025-12-30", "2026-01-27")
    for lots in ((75, 65), (None, None), (0, 0)):
        listed = list(enumerate(zip(expiries, lots, strict=True), 1))
        of_kite = kite(
            *(
                f"{i},{i},NIFTYX{i},NIFTY,0,{when},0,0.1,{'' if lot is None else lot},FUT,NFO-FUT,NFO"
                for i, (when, lot) in listed
            )
        )
        of_upstox = file(
            [
                contract("NIFTY", f"NIFTY FUT {i}", i, when, lot_size=lot)
                for i, (when, lot) in listed
            ]
        )
        for source in (of_kite, of_upstox):
            assert [
                source.find(name, day).lot_size for name in ("NFO:NIFTY.FUT", "NFO:NIFTY.FUT@+1")
            ] == [75, 65]


# -------------------------------------------------------------------------------------------------------
# commodity and currency
def crude(**more: Any) -> dict[str, Any]:
    return {
        "segment": "MCX_FO", "name": "CRUDEOIL", "exchange": "MCX", "expiry": ms("2026-12-18"), "instrument_type": "FUT",
        "asset_symbol": "CRUDEOIL", "underlying_symbol": "CRUDEOIL", "instrument_key": "MCX_FO|5", "exchange_token": "5",
        "trading_symbol": "CRUDEOIL FUT 18 DEC 26", "tick_size": 100.0, "lot_size": 1, "qty_multiplier": 100.0, "freeze_quantity": 100.0,
    } | more  # fmt: skip


@pytest.mark.parametrize(
    "said",
    [
        {"lot_size": 1, "qty_multiplier": 100.0, "freeze_quantity": 100.0},  # as it is now
        {"lot_size": 100, "qty_multiplier": 1.0, "freeze_quantity": 10_000.0},  # as it was
        {"lot_size": 100, "qty_multiplier": None, "freeze_quantity": 10_000.0},
        {
            "lot_size": 1,
            "qty_multiplier": 1.0,
            "freeze_quantity": 100.0,
        },  # says nothing: the specification does
    ],
)
def test_a_commoditys_order_counts_lots_however_the_file_splits_it(said: dict[str, Any]) -> None:
    upstox = file([crude(**said)]).find("MCX:CRUDEOIL.FUT", TODAY)
    of_kite = kite("1,5,CRUDEOIL26DECFUT,CRUDEOIL,0,2026-12-18,0,1,1,FUT,MCX-FUT,MCX").find(
        "MCX:CRUDEOIL.FUT", TODAY
    )
    for found in (upstox, of_kite):
        assert (found.lot_size, found.multiplier) == (1, 100), "an order for 1 is 100 barrels"
    assert upstox.freeze_qty == 100, "lots too"


def test_a_file_and_a_specification_that_disagree_are_refused_by_name() -> None:
    with pytest.raises(
        InstrumentError, match="CRUDEOIL is 10 times 100 priced units, its specification says 100"
    ):
        file([crude(lot_size=10)]).find("MCX:CRUDEOIL.FUT", TODAY)
    with pytest.raises(InstrumentError, match="multiplier of CARDAMOM is not known"):
        file([crude(name="CARDAMOM", underlying_symbol="CARDAMOM", qty_multiplier=1.0)]).find(
            "MCX:CARDAMOM.FUT", TODAY
        )
    new = file([crude(name="CARDAMOM", underlying_symbol="CARDAMOM", qty_multiplier=100.0)]).find(
        "MCX:CARDAMOM.FUT", TODAY
    )
    assert (new.lot_size, new.multiplier) == (1, 100), (
        "where no specification is known the file's own is taken"
    )
    with pytest.raises(InstrumentError, match="multiplier of 10"):
        file([contract("NIFTY", "NIFTY FUT 29 DEC 26", 1, "2026-12-29", qty_multiplier=10.0)]).find(
            "NFO:NIFTY.FUT", TODAY
        )
    with pytest.raises(InstrumentError, match="malformed"):
        file([crude(qty_multiplier=1.5)]).find("MCX:CRUDEOIL.FUT", TODAY)


@pytest.mark.parametrize(
    ("lot", "by", "read"),
    [(1000, 1.0, (1000, 1)), (1, 1000.0, (1, 1000)), (1, 1.0, (1, 1000)), (1000, None, (1000, 1))],
)
def test_a_currencys_priced_units_are_the_same_however_it_is_counted(
    lot: int, by: float | None, read: tuple[int, int]
) -> None:
    row = crude(
        segment="NCD_FO", name="USDINR", underlying_symbol="USDINR", exchange="NSE", lot_size=lot, qty_multiplier=by, tick_size=0.25,
        trading_symbol="USDINR FUT", freeze_quantity=None,
    )  # fmt: skip
    found = file([row]).find("CDS:USDINR.FUT", TODAY)
    assert (found.lot_size, found.multiplier) == read and found.lot_size * found.multiplier == 1000


def test_a_broker_that_takes_no_mcx_orders_is_named() -> None:
    assert not_by_api("upstox", "MCX", dt.date(2026, 9, 22)) == ""
    assert "UDAPI1161" in not_by_api("upstox", "MCX", dt.date(2026, 9, 23)) and "NCO" in not_by_api(
        "upstox", "MCX", TODAY
    )
    assert not_by_api("kite", "MCX", TODAY) == "" and not_by_api("upstox", "NFO", TODAY) == ""


# -----------------------------------------------------------------------------------------------------------------
# strikes
HALVES = (
    "1,1660,ITC,ITC,0,,0,0.05,1,EQ,NSE,NSE",
    "2,48225,ITC26DECFUT,ITC,0,2026-12-29,0,0.05,1600,FUT,NFO-FUT,NFO",
    "3,58225,ITC26DEC412.5CE,ITC,0,2026-12-29,412.5,0.05,1600,CE,NFO-OPT,NFO",
    "4,58226,ITC26DEC410CE,ITC,0,2026-12-29,410,0.05,1600,CE,NFO-OPT,NFO",
    "5,58227,USDINR26NOV88.25CE,USDINR,0,2026-11-26,88.25,0.0025,1,CE,CDS-OPT,CDS",
)
HALVES_UPSTOX = [
    contract("ITC", "ITC 412.5 CE 29 DEC 26", 58225, "2026-12-29", "CE", 412.5, lot_size=1600, freeze_quantity=64000.0),
    contract("ITC", "ITC 410 CE 29 DEC 26", 58226, "2026-12-29", "CE", 410.0, lot_size=1600, freeze_quantity=64000.0),
    crude(
        segment="NCD_FO", name="USDINR", underlying_symbol="USDINR", exchange="NSE", instrument_type="CE", strike_price=88.25,
        exchange_token="58227", trading_symbol="USDINR 88.25 CE 26 NOV 26", qty_multiplier=1000.0, expiry=ms("2026-11-26"), tick_size=0.25,
    ),
]  # fmt: skip
STRIKES = [
    ("NFO:ITC26DEC412.5CE", 4_125_000), ("NFO:ITC.412.5CE", 4_125_000), ("NFO:ITC.412.5CE@2026-12-29", 4_125_000),
    ("NFO:ITC.412.50CE@M", 4_125_000), ("NFO:ITC.410CE", 4_100_000), ("NFO:ITC26DEC410CE", 4_100_000),
    ("CDS:USDINR26NOV88.25CE", 882_500), ("CDS:USDINR.88.25CE", 882_500), ("CDS:USDINR.88.2500CE@+0", 882_500),
]  # fmt: skip


@pytest.mark.parametrize(("symbol", "strike_e4"), STRIKES)
def test_half_strikes_can_be_named_at_both_brokers_and_in_the_table(
    symbol: str, strike_e4: int, tmp_path: Path
) -> None:
    sources: list[Any] = [
        kite(*HALVES),
        file(HALVES_UPSTOX),
        table(tmp_path, kite(*HALVES).entries()),
    ]
    sources.append(table(tmp_path / "upstox", file(HALVES_UPSTOX).entries()))
    for source in sources:
        found: Instrument = source.find(symbol, TODAY)
        assert (found.strike_e4, found.instrument_type) == (strike_e4, "CE")


def test_a_strike_that_is_not_listed_names_its_neighbours_exactly() -> None:
    for source in (kite(*HALVES), file(HALVES_UPSTOX)):
        with pytest.raises(InstrumentError, match=r"the nearest are 410, 412\.5$"):
            source.find("NFO:ITC.411CE", TODAY)


def test_a_name_with_a_point_inside_its_strike_is_no_wish() -> None:
    assert read_wish("NFO:ITC26DEC412.5CE") is None and read_wish("NFO:NIFTY26D0126000.5CE") is None
    wish = read_wish("NFO:ITC.412.5CE@2026-12-29")
    assert wish is not None and (wish.under, wish.strike_e4, wish.when) == (
        "ITC",
        4_125_000,
        "2026-12-29",
    )
    million = read_wish("NFO:GOLD.9810500CE")
    assert million is not None and million.strike_e4 == 98_105_000_000


def test_the_case_that_failed() -> None:
    if not SHARED.exists():
        pytest.skip(f"{SHARED} is not there: the case that failed is not read")
    source = KiteInstrumentFile(SHARED.read_bytes())
    assert source.find("NFO:ITC26DEC412.5CE", TODAY) == source.find(
        "NFO:ITC.412.5CE@2026-12-29", TODAY
    )


def test_the_tables_are_in_order() -> None:
    book = json.loads(
        (Path(__file__).parents[2] / "otrade" / "instruments" / "contracts.json").read_text()
    )
    for name in book["expiries"]:
        since = [row["from"] for row in name["rows"]]
        assert since == sorted(set(since)) and all(row["source"] for row in name["rows"])
    for name in (*book["freeze"], *book["lots"]):
        since = [row["from"] for row in name["rows"]]
        assert since == sorted(set(since)) and all(
            row["qty"] > 0 and row["sure"] in "SHU" and row["source"] for row in name["rows"]
        )


HOLIDAYS = {"2024-12-25", "2024-01-26", "2025-01-26"}


@pytest.mark.parametrize(
    ("contract", "expiry"),
    [
        ("NFO:NIFTY", "2024-01-25"),
        ("NFO:NIFTY", "2025-08-28"),
        ("NFO:NIFTY", "2025-09-30"),
        ("NFO:INFY", "2026-12-29"),
        ("NFO:BANKNIFTY", "2024-02-29"),
        ("NFO:BANKNIFTY", "2024-03-27"),
        ("NFO:BANKNIFTY", "2024-04-24"),
        ("NFO:BANKNIFTY", "2024-12-24"),
        ("NFO:BANKNIFTY", "2025-01-30"),
        ("NFO:BANKNIFTY", "2026-11-24"),
        ("NFO:FINNIFTY", "2024-04-30"),
        ("NFO:MIDCPNIFTY", "2024-04-29"),
        ("BFO:SENSEX", "2024-12-27"),
        ("BFO:SENSEX", "2025-01-28"),
        ("BFO:BANKEX", "2024-11-25"),
        ("BFO:SENSEX", "2025-09-25"),
    ],
)
def test_the_months_expiry_is_the_exchanges_of_that_time(contract: str, expiry: str) -> None:
    """As they were: a holiday moves it to the day before."""
    exchange, _, name = contract.partition(":")
    day = dt.date.fromisoformat(expiry)
    found = monthly_expiry(
        exchange, name, day.year, day.month, lambda one: f"{one}" not in HOLIDAYS
    )
    assert found == day


def test_an_exchange_without_a_rule_has_no_expiry() -> None:
    assert monthly_expiry("MCX", "CRUDEOIL", 2026, 11, lambda _: True) is None
