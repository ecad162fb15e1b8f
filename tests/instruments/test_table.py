"""The table on disk beside what it stands for: a dictionary, a plain reading of the whole file, and
every way of damaging it.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import random
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otrade.errors import InstrumentError
from otrade.instruments.cache import KEPT, build, dated, open_table, table_path
from otrade.instruments.catalog import Catalog
from otrade.instruments.dated import on_day
from otrade.instruments.kite import COLUMNS, KiteInstrumentFile
from otrade.instruments.table import SortedTable, write_table
from otrade.instruments.upstox import UpstoxInstrumentFile
from otrade.simulator.base.universe import Universe
from otrade.simulator.kite.rest.instruments import instruments_csv

TODAY = dt.date(2026, 11, 23)
HEADER = ",".join(COLUMNS)


def catalog(tmp_path: Path, file: Any, broker: str = "kite") -> Catalog:
    build(tmp_path, broker, TODAY, file)
    return open_table(table_path(tmp_path, broker, TODAY), broker, TODAY)


# --------------------------------------------------------------------------------------------------------------
# the table itself
KEYS = st.text(
    st.characters(codec="utf-8", exclude_characters="\t\n", exclude_categories=["Cs", "Cc"]),
    min_size=1,
    max_size=12,
)


@settings(max_examples=150, deadline=None)
@given(
    rows=st.dictionaries(KEYS, KEYS, min_size=1, max_size=60),
    asked=st.lists(KEYS, max_size=10),
    run=st.integers(1, 7),
)
def test_a_table_is_a_dictionary(
    tmp_path_factory: pytest.TempPathFactory, rows: dict[str, str], asked: list[str], run: int
) -> None:
    path = tmp_path_factory.mktemp("t") / "x.table"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("otrade.instruments.table.RUN_LINES", run)
        assert write_table(path, "about", rows.items()) == len(rows)
    table = SortedTable(path)
    assert table.about == "about"
    for key in [*rows, *asked]:
        assert table.first(key) == rows.get(key)
        told = {found for found, _ in table.prefix(key)}
        assert told == {row for row in rows if (row + "\t" + rows[row]).startswith(key)}
    table.close()
    assert [p.name for p in path.parent.iterdir()] == ["x.table"], "nothing else is left behind"


def test_every_cut_and_every_flipped_byte_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "x.table"
    write_table(
        path,
        "kite 2026-11-23",
        [("s NSE:INFY", "one"), ("s NSE:TCS", "two"), ("t NSE:1", "NSE:INFY")],
    )
    whole = path.read_bytes()
    rng = random.Random(20261123)
    for cut in range(len(whole)):
        path.write_bytes(whole[:cut])
        with pytest.raises(InstrumentError, match=str(path)):
            SortedTable(path)
    for at in range(whole.find(b"\n") + 1, len(whole)):
        path.write_bytes(
            whole[:at] + bytes([whole[at] ^ (1 << rng.randrange(8))]) + whole[at + 1 :]
        )
        with pytest.raises(InstrumentError, match="damaged"):
            SortedTable(path)
    path.unlink()
    with pytest.raises(InstrumentError, match="cannot be read"):
        SortedTable(path)


def test_another_days_or_brokers_table_under_this_name_is_refused(tmp_path: Path) -> None:
    build(
        tmp_path,
        "kite",
        TODAY,
        KiteInstrumentFile(f"{HEADER}\n408065,1594,INFY,INFOSYS,0,,0,0.1,1,EQ,NSE,NSE\n"),
    )
    other = table_path(tmp_path, "upstox", TODAY)
    table_path(tmp_path, "kite", TODAY).rename(other)
    with pytest.raises(InstrumentError, match="it holds kite 2026-11-23, not upstox"):
        open_table(other, "upstox", TODAY)


def test_only_the_newest_tables_are_kept(tmp_path: Path) -> None:
    file = KiteInstrumentFile(f"{HEADER}\n408065,1594,INFY,INFOSYS,0,,0,0.1,1,EQ,NSE,NSE\n")
    days = [TODAY - dt.timedelta(days=n) for n in range(KEPT + 3)]
    (tmp_path / "kite-yesterday.table").write_text("somebody's own")
    for day in reversed(days):
        build(tmp_path, "kite", day, file)
    build(tmp_path, "upstox", TODAY, file)
    assert [day for day, _ in dated(tmp_path, "kite")] == days[:KEPT]
    assert len(dated(tmp_path, "upstox")) == 1 and (tmp_path / "kite-yesterday.table").exists()


# ----------------------------------------------------------------------------------------------------
# the same as the file itself
def test_the_simulators_whole_dump_comes_out_as_the_file_says(tmp_path: Path) -> None:
    dump = instruments_csv(Universe(TODAY), None, lambda contract: 0)
    rows = list(csv.DictReader(io.StringIO(dump)))
    assert len(rows) > 100
    file = KiteInstrumentFile(dump)
    found = catalog(tmp_path, file)
    for row in rows:
        symbol = f"{row['exchange']}:{row['tradingsymbol']}"
        if row["expiry"] and row["expiry"] < str(TODAY):
            continue
        record = found.find(symbol, TODAY)
        assert record == file.find(symbol, TODAY)
        assert (record.token, record.exchange_token) == (
            int(row["instrument_token"]),
            int(row["exchange_token"]),
        )
        assert record.strike_e4 == round(float(row["strike"] or 0) * 10_000)
        by_number = found.by_number(record.exchange, record.exchange_token)
        assert (
            by_number == file.by_number(record.exchange, record.exchange_token) or record.is_index
        )
        assert record.is_index or (by_number is not None and on_day(by_number, TODAY) == record)
    assert (
        found.by_number("NSE", 999_999_999) is None and file.by_number("NSE", 999_999_999) is None
    )


def upstox(*rows: dict[str, Any]) -> UpstoxInstrumentFile:
    return UpstoxInstrumentFile(json.dumps(list(rows)).encode())


INFY = {
    "segment": "NSE_EQ", "name": "INFOSYS LIMITED", "exchange": "NSE", "isin": "INE009A01021", "instrument_type": "EQ",
    "instrument_key": "NSE_EQ|INE009A01021", "lot_size": 1, "freeze_quantity": 100000.0, "exchange_token": "1594", "tick_size": 10.0,
    "trading_symbol": "INFY",
}  # fmt: skip
NIFTY = {
    "segment": "NSE_INDEX", "name": "Nifty 50", "exchange": "NSE", "instrument_type": "INDEX", "instrument_key": "NSE_INDEX|Nifty 50",
    "exchange_token": "26000", "trading_symbol": "NIFTY",
}  # fmt: skip


def option(strike: float, expiry: dt.date, kind: str = "CE", **changes: Any) -> dict[str, Any]:
    number = 40_000 + int(strike) // 50 + expiry.toordinal() % 97 * 100 + (kind == "PE") * 50
    at_ms = int(
        dt.datetime.combine(
            expiry, dt.time(23, 59), dt.timezone(dt.timedelta(hours=5, minutes=30))
        ).timestamp()
        * 1000
    )
    return {
        "segment": "NSE_FO", "name": "NIFTY", "exchange": "NSE", "instrument_type": kind, "underlying_symbol": "NIFTY",
        "underlying_key": "NSE_INDEX|Nifty 50", "instrument_key": f"NSE_FO|{number}", "exchange_token": str(number), "expiry": at_ms,
        "strike_price": strike, "tick_size": 5.0, "lot_size": 65, "freeze_quantity": 1800.0,
        "trading_symbol": f"NIFTY {strike:g} {kind} {expiry:%d %b %y}".upper(),
    } | changes  # fmt: skip


WEEK, MONTH = dt.date(2026, 12, 1), dt.date(2026, 12, 29)


def test_an_upstox_file_by_either_name_and_an_index_in_any_case(tmp_path: Path) -> None:
    file = upstox(
        INFY, NIFTY, option(26_000, WEEK), option(26_000, MONTH), option(26_000, MONTH, "PE")
    )
    found = catalog(tmp_path, file, "upstox")
    for symbol in (
        "NSE:INFY", "NSE:NIFTY 50", "NSE:NIFTY", "NFO:NIFTY26DEC26000CE", "NFO:NIFTY26D0126000CE", "NFO:NIFTY 26000 PE 29 DEC 26",
        "NFO:NIFTY.26000CE", "NFO:NIFTY.26000CE@M", "NFO:NIFTY.26000PE",
    ):  # fmt: skip
        assert found.find(symbol, TODAY) == file.find(symbol, TODAY), symbol
    assert found.find("NFO:NIFTY26DEC26000CE", TODAY).expiry == MONTH
    assert found.find("NFO:NIFTY26D0126000CE", TODAY).expiry == WEEK
    assert found.find("NFO:NIFTY.26000CE", TODAY).expiry == WEEK


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"tick_size": None}, "malformed"),
        ({"tick_size": "ten"}, "malformed"),
        ({"exchange_token": "x"}, "malformed"),
        ({"lot_size": -1}, "malformed"),
        ({"instrument_key": 5}, "malformed"),
    ],
)
def test_an_odd_row_harms_nobody_else(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    found = catalog(
        tmp_path,
        upstox(INFY | change, NIFTY, {"segment": "MARS_EQ", "trading_symbol": "INFY"}, {}),
        "upstox",
    )
    assert found.find("NSE:NIFTY 50", TODAY).is_index
    with pytest.raises(InstrumentError, match=words):
        found.find("NSE:INFY", TODAY)


def test_a_bond_under_a_shares_name_is_not_the_share(tmp_path: Path) -> None:
    bond = INFY | {"instrument_type": "N1", "exchange_token": "99", "instrument_key": "NSE_EQ|BOND"}
    for order in ((bond, INFY), (INFY, bond)):
        assert (
            catalog(tmp_path, upstox(*order), "upstox").find("NSE:INFY", TODAY).key
            == "NSE_EQ|INE009A01021"
        )


def test_what_is_not_there_is_named_with_the_nearest(tmp_path: Path) -> None:
    found = catalog(
        tmp_path, KiteInstrumentFile(f"{HEADER}\n408065,1594,INFY,INFOSYS,0,,0,0.1,1,EQ,NSE,NSE\n")
    )
    with pytest.raises(InstrumentError, match="NSE:INFI: .*did you mean INFY"):
        found.find("NSE:INFI", TODAY)
    with pytest.raises(InstrumentError, match="nothing is derived from NIFTY on NFO"):
        found.find("NFO:NIFTY.FUT", TODAY)


# ---------------------------------------------------------------------------------------------------------------
# what it costs
def test_five_of_many_are_found_without_the_others(tmp_path: Path) -> None:
    """Python objects made by a start: some kilobytes, whatever the size of the market. Reading
    every row makes thirty megabytes of them.
    """
    n = 40_000
    lines = [f"{i << 8 | 1},{i},S{i:06d},SHARE {i},0,,0,0.05,1,EQ,NSE,NSE" for i in range(1, n)]
    build(tmp_path, "kite", TODAY, KiteInstrumentFile("\n".join([HEADER, *lines]) + "\n"))
    del lines
    tracemalloc.start()
    try:
        found = open_table(table_path(tmp_path, "kite", TODAY), "kite", TODAY)
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        assert [
            found.find(f"NSE:S{i:06d}", TODAY).token >> 8 for i in (1, 777, 20_000, 39_998, n - 1)
        ] == [1, 777, 20_000, 39_998, n - 1]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak - before < 100_000, peak - before
