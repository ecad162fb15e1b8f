"""The dump as a broker sends it: large, with odd lines, and the simulated exchange's own."""

import datetime as dt
import tracemalloc

import pytest

from otrade.errors import InstrumentError
from otrade.instruments.kite import COLUMNS, KiteInstrumentFile
from otrade.simulator.base.universe import Universe
from otrade.simulator.kite.rest.instruments import instruments_csv

TODAY = dt.date(2026, 11, 23)
HEADER = ",".join(COLUMNS)
INFY = "408065,1594,INFY,INFOSYS,0,,0,0.1,1,EQ,NSE,NSE"


def dump(*rows: str, end: str = "\n") -> KiteInstrumentFile:
    return KiteInstrumentFile("\n".join([HEADER, *rows]) + end)


@pytest.mark.parametrize("end", ["\n", "", "\r\n"])
def test_how_the_last_line_ends_does_not_matter(end: str) -> None:
    assert dump(INFY, end=end).find("NSE:INFY", TODAY).token == 408065


def test_windows_line_ends_and_bytes() -> None:
    file = KiteInstrumentFile(f"{HEADER}\r\n{INFY}\r\n".encode())
    assert file.find("NSE:INFY", TODAY).exchange == "NSE"


@pytest.mark.parametrize("cut", range(1, len(INFY)))
def test_a_last_line_cut_anywhere_is_seen(cut: int) -> None:
    with pytest.raises(InstrumentError, match="cut short"):
        dump(INFY, INFY[:cut], end="")


def test_a_name_with_a_comma_is_one_field() -> None:
    file = dump('1,1,ODD,"ODD, INFY, AND SONS",0,,0,0.05,1,EQ,NSE,NSE', INFY)
    assert file.find("NSE:ODD", TODAY).name == "ODD, INFY, AND SONS"
    assert file.find("NSE:INFY", TODAY).token == 408065


def test_the_same_name_on_two_exchanges() -> None:
    file = dump(INFY, "128053508,500209,INFY,INFOSYS,0,,0,0.05,1,EQ,BSE,BSE")
    assert file.find("BSE:INFY", TODAY).token == 128053508
    assert file.find("NSE:INFY", TODAY).token == 408065


def test_a_line_without_end_is_no_crash() -> None:
    with pytest.raises(InstrumentError, match="line 3.*field larger"):
        dump(INFY, "1,1,X," + "x" * 200_000)


def test_a_company_name_is_not_a_symbol() -> None:
    with pytest.raises(InstrumentError, match="no such instrument"):
        dump(INFY).find("NSE:INFOSYS", TODAY)


@pytest.mark.parametrize(
    ("row", "symbol", "multiplier"),
    [
        (
            "1,1,CRUDEOIL26DECFUT,CRUDEOIL,0,2026-12-18,0,1,1,FUT,MCX-FUT,MCX",
            "MCX:CRUDEOIL.FUT",
            100,
        ),
        (
            "1,1,USDINR26NOVFUT,USDINR,0,2026-11-26,0,0.0025,1,FUT,CDS-FUT,CDS",
            "CDS:USDINR.FUT",
            1000,
        ),
        ("1,1,NIFTY26NOVFUT,NIFTY,0,2026-11-23,0,0.1,65,FUT,NFO-FUT,NFO", "NFO:NIFTY.FUT", 1),
    ],
)
def test_multipliers(row: str, symbol: str, multiplier: int) -> None:
    assert dump(row).find(symbol, TODAY).multiplier == multiplier


def test_a_contract_whose_multiplier_is_not_known_is_refused() -> None:
    row = "1,1,CARDAMOM26DECFUT,CARDAMOM,0,2026-12-15,0,1,1,FUT,MCX-FUT,MCX"
    with pytest.raises(InstrumentError, match="multiplier of CARDAMOM is not known"):
        dump(row).find("MCX:CARDAMOM.FUT", TODAY)


@pytest.mark.parametrize(
    ("tick", "lot"),
    [
        ("0", "1"),
        ("-0.05", "1"),
        ("0.05", "0"),
        ("x", "1"),
        ("0.05", "1.5"),
        ("1e999999", "1"),
        ("NaN", "1"),
        ("0.05", "9" * 20),
        ("0.05", "-1"),
    ],
)
def test_tick_and_lot_are_never_guessed(tick: str, lot: str) -> None:
    with pytest.raises(InstrumentError, match="line 2.*malformed"):
        dump(f"1,1,INFY,INFOSYS,0,,0,{tick},{lot},EQ,NSE,NSE").find("NSE:INFY", TODAY)


@pytest.mark.parametrize("token", ["0", "-1", "4294967296", "x"])
def test_a_token_that_cannot_be_one(token: str) -> None:
    with pytest.raises(InstrumentError, match="malformed token"):
        dump(f"{token},1,INFY,INFOSYS,0,,0,0.05,1,EQ,NSE,NSE").find("NSE:INFY", TODAY)


def test_the_simulator_s_dump_agrees_with_the_simulator() -> None:
    universe = Universe(TODAY)
    file = KiteInstrumentFile(instruments_csv(universe, None, lambda contract: contract.base_e4))
    for contract in universe.contracts:
        symbol = f"{contract.exchange}:{contract.tradingsymbol}"
        found = file.find(symbol, TODAY)
        assert found.symbol == symbol
        assert (found.token, found.expiry) == (contract.token, contract.expiry)
        if not found.is_index:
            want = (contract.tick_e4, contract.lot, contract.multiplier)
            assert (found.tick_size_e4, found.lot_size, found.multiplier) == want


def test_a_hundred_thousand_lines_cost_little_more_than_their_bytes() -> None:
    rows = (
        f"{i},{i},NIFTY26DEC{i}CE,NIFTY,0,2026-12-29,{i},0.05,65,CE,NFO-OPT,NFO"
        for i in range(100_000)
    )
    future = "1,1,INFY26DECFUT,INFY,0,2026-12-29,0,0.1,400,FUT,NFO-FUT,NFO"
    data = "\n".join([HEADER, *rows, future, INFY, ""]).encode()
    tracemalloc.start()
    try:
        found = KiteInstrumentFile(data).find("NSE:INFY", TODAY)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found.calendar_segment == "cash_with_derivatives"
    assert peak_bytes < 2_000_000
