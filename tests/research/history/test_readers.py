"""The files as others read them: pandas, polars and DuckDB with nothing of ours, a paper day and a warm
start from what is exported.
"""

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path

import pytest

from otrade.cli.main import main
from otrade.live.startup.bar_history import _of_file
from otrade.research.history.archive import PriceArchive
from otrade.research.history.series import PriceSeries
from otrade.simulator.base.config import SimConfig
from otrade.simulator.prices.price_source import PriceSource
from tests.research.history.bars import IST, csv_of, day_of_bars

pq = pytest.importorskip("pyarrow.parquet")
DAYS = ("2026-11-26", "2026-11-27", "2026-12-01")
BARS = [bar for date in DAYS for bar in day_of_bars(date)]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "data"
    for symbol in ("NSE:INFY", "NSE:TCS"):
        assert (
            main(
                [
                    "data",
                    "import",
                    str(csv_of(tmp_path, BARS)),
                    "--symbol",
                    symbol,
                    "--data",
                    str(root),
                ]
            )
            == 0
        )
    return root


def test_pandas_reads_a_folder_as_it_is(root: Path) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.concat(
        [pandas.read_parquet(path) for path in sorted(root.glob("NSE/INFY/1m/*.parquet"))]
    )
    assert list(frame.columns) == [
        "symbol",
        "time",
        "open_e4",
        "high_e4",
        "low_e4",
        "close_e4",
        "volume",
        "oi",
    ]
    assert str(frame["time"].dt.tz) == "Asia/Kolkata"
    assert [time.to_pydatetime() for time in frame["time"]] == [
        dt.datetime.fromtimestamp(bar.ts_ns // 10**9, IST) for bar in BARS
    ]
    assert frame["close_e4"].tolist() == [bar.close_e4 for bar in BARS]
    assert frame["oi"].isna().all() and frame["volume"].tolist() == [bar.volume for bar in BARS]


def test_polars_reads_a_folder_as_it_is(root: Path) -> None:
    polars = pytest.importorskip("polars")
    frame = polars.read_parquet(root / "NSE/*/1m/*.parquet")
    assert frame.height == 2 * len(BARS) and frame["symbol"].n_unique() == 2
    assert frame.filter(polars.col("symbol") == "NSE:INFY").sort("time")["close_e4"].to_list() == [
        bar.close_e4 for bar in BARS
    ]


def test_duckdb_reads_a_folder_as_it_is(root: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    found = duckdb.sql(
        f"select symbol, count(*), sum(close_e4) from '{root}/NSE/*/1m/*.parquet' group by 1 order by 1"
    ).fetchall()
    total = sum(bar.close_e4 for bar in BARS)
    assert found == [("NSE:INFY", len(BARS), total), ("NSE:TCS", len(BARS), total)]


def test_the_unit_stands_in_the_file(root: Path) -> None:
    schema = pq.read_schema(root / "NSE/INFY/1m/2026-11.parquet")
    said = json.loads(schema.metadata[b"otrade"])
    assert said["price_unit"].endswith("rupees = value / 10000") and said["symbol"] == "NSE:INFY"
    assert said["time"] == "when the bar opened, or the tick was received"


def test_parquet_in_rupees_is_exact(root: Path, tmp_path: Path) -> None:
    out = tmp_path / "rupees.parquet"
    command = [
        "data",
        "export",
        "NSE:INFY",
        "--format",
        "parquet",
        "--to",
        str(out),
        "--data",
        str(root),
    ]
    assert main(command) == 0
    table = pq.read_table(out)
    assert table.column_names == ["symbol", "time", "open", "high", "low", "close", "volume", "oi"]
    assert table["close"].to_pylist() == [Decimal(bar.close_e4) / 10_000 for bar in BARS]


def test_a_warm_start_and_a_paper_day_read_what_is_exported(root: Path, tmp_path: Path) -> None:
    out = tmp_path / "plain.csv"
    assert main(["data", "export", "NSE:INFY", "--to", str(out), "--data", str(root)]) == 0
    answer = _of_file(str(out))
    assert answer.trouble == "" and [tuple(bar) for bar in answer.minutes] == [
        (bar.ts_ns, bar.open_e4, bar.high_e4, bar.low_e4, bar.close_e4, bar.volume) for bar in BARS
    ]
    prices = PriceSource(SimConfig(prices={"NSE:INFY": str(out)}))
    assert prices.file_dates() == [dt.date.fromisoformat(date) for date in DAYS]


def test_a_year_is_read_in_one_go(root: Path) -> None:
    archive = PriceArchive(root)
    series = PriceSeries("NSE:INFY", "1m")
    assert archive.months(series) == ["2026-11", "2026-12"]
    assert archive.bars(series, archive.months(series)) == BARS
