"""A result folder is whole or not there, and is read only as it was written."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import tracemalloc
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from otrade.charges import Charges
from otrade.errors import ResultError
from otrade.research.results.facts import ResultFacts
from otrade.research.results.reader import Result, read_facts_of
from otrade.research.results.schema import SCHEMAS, charges_in_paise
from otrade.research.results.writer import ResultWriter
from tests.research.results.rows import DAY, at_ns, facts, fill, money, order, point, trade

NEXT = DAY + dt.timedelta(days=3)


def written(folder: Path, **changes: Any) -> Path:
    with ResultWriter(folder) as writer:
        writer.add_day(
            DAY,
            trades=[trade()],
            orders=[order()],
            fills=[fill()],
            equity=[point(at_ns(DAY, 5), 0, 100), point(at_ns(DAY, 20), 10_000, 250)],
        )
        writer.add_day(NEXT, note="half a day")
        return writer.finish(facts(**changes))


def test_what_is_written_is_read(tmp_path: Path) -> None:
    result = Result.open(written(tmp_path / "r"))
    assert result.table("trades").to_pylist() == [trade()]
    assert result.table("orders").to_pylist() == [order()]
    assert result.table("fills").to_pylist() == [fill()]
    assert [row["net_paise"] for row in result.table("equity").to_pylist()] == [-100, 9_750]
    assert result.n_rows("equity") == 2
    assert [day.trades for day in result.facts.days] == [1, 0]
    assert [day.net_paise for day in result.facts.days] == [9_750, 0]
    assert result.facts.days[1].note == "half a day"
    assert result.facts.n_days == 2


def test_the_json_has_the_names_of_the_door(tmp_path: Path) -> None:
    said = json.loads((written(tmp_path / "r") / "result.json").read_text())
    assert {"version", "kind", "name", "from", "to", "created", "files", "n_days"} <= set(said)
    for name, digest in said["files"].items():
        assert hashlib.sha256((tmp_path / "r" / name).read_bytes()).hexdigest() == digest


def test_rows_may_come_as_columns_or_tables(tmp_path: Path) -> None:
    rows = [trade(trade_id=1), trade(trade_id=2)]
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    tables = []
    for n, form in enumerate((rows, columns, pa.Table.from_pylist(rows, SCHEMAS["trades"]))):
        with ResultWriter(tmp_path / str(n)) as writer:
            writer.add_day(DAY, trades=form)
            tables.append(Result.open(writer.finish(facts())).table("trades"))
    assert tables[0] == tables[1] == tables[2]


def test_the_same_rows_are_the_same_files(tmp_path: Path) -> None:
    one, two = (read_facts_of(written(tmp_path / name)).files for name in "ab")
    assert one == two


def test_it_is_for_its_owner_alone(tmp_path: Path) -> None:
    os.umask(0)
    folder = written(tmp_path / "r")
    for path in (folder, *folder.iterdir()):
        assert path.stat().st_mode & 0o077 == 0, path


def test_unknown_charges_leave_the_day_unknown(tmp_path: Path) -> None:
    with ResultWriter(tmp_path / "r") as writer:
        day = writer.add_day(
            DAY, trades=[trade(), trade(trade_id=2, **money(-500, None))], note="STT unknown"
        )
    assert day.net_paise is None and day.gross_paise == 9_500


def test_lines_of_a_contract_note_become_columns() -> None:
    known = charges_in_paise(
        Charges(brokerage=200_000, exchange=1_200, ipft=300, square_off=590_000)
    )
    assert known["exchange_paise"] == 15 and known["other_paise"] == 5_900
    assert known["charges_paise"] == 2_000 + 15 + 5_900
    unknown = charges_in_paise(Charges(brokerage=200_000, unknown={"ipft": "no rate"}))
    assert unknown["exchange_paise"] is None and unknown["charges_paise"] is None
    assert unknown["brokerage_paise"] == 2_000 and unknown["stt_paise"] == 0


# -------------------------------------------------------------------------------------- bad rows
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"side": "LONG"}, "trades.side: LONG (allowed: BUY, SELL)"),
        ({"gross_paise": None}, "trades.gross_paise: a row without it"),
        ({"net_paise": 9_751}, "trades.net_paise: 9751 in row 1; its parts make 9750"),
        ({"charges_paise": None}, "trades.charges_paise: None in row 1; its parts make 250"),
        ({"stt_paise": None}, "trades.charges_paise: 250 in row 1; its parts make None"),
        ({"mae_paise": 1}, "trades.mae_paise: it must be 0 or less"),
        ({"mfe_paise": -1}, "trades.mfe_paise: it must be 0 or more"),
        ({"quantity": 0}, "trades.quantity: it must be more than 0"),
        ({"exit_ns": 0}, "trades.exit_ns: it must be no earlier than entry"),
        ({"day": NEXT}, f"trades.day: {NEXT} among the rows of {DAY}"),
        ({"quantity": "ten"}, "trades: "),
        ({"gross_paise": 2**70}, "trades: "),
        ({"extra": 1}, "trades: the table does not have extra"),
    ],
)
def test_a_row_that_cannot_be_is_refused(
    tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    with ResultWriter(tmp_path / "r") as writer, pytest.raises(ResultError) as refused:
        writer.add_day(DAY, trades=[trade(**changes)])
    assert words in str(refused.value)
    assert not list(tmp_path.iterdir())


def test_columns_that_lack_are_named(tmp_path: Path) -> None:
    row = fill()
    del row["leg"]
    with ResultWriter(tmp_path / "r") as writer, pytest.raises(ResultError, match="lacks leg"):
        writer.add_day(DAY, fills=[row])


def test_days_and_points_rise(tmp_path: Path) -> None:
    with ResultWriter(tmp_path / "r") as writer:
        writer.add_day(DAY, equity=[point(at_ns(DAY, 9), 0, 0)])
        with pytest.raises(ResultError, match="days must rise"):
            writer.add_day(DAY)
        with pytest.raises(ResultError, match="earlier than the one before"):
            writer.add_day(NEXT, equity=[point(at_ns(DAY, 8), 0, 0, day=NEXT)])


def test_a_point_adds_up(tmp_path: Path) -> None:
    odd = point(at_ns(DAY), 100, 10) | {"net_paise": 100}
    with ResultWriter(tmp_path / "r") as writer, pytest.raises(ResultError, match=r"equity\.net"):
        writer.add_day(DAY, equity=[odd])


# ------------------------------------------------------------------------------------ the folder
def test_what_was_not_finished_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), ResultWriter(tmp_path / "r") as writer:
        writer.add_day(DAY, trades=[trade()])
        assert not (tmp_path / "r").exists()
        raise ZeroDivisionError
    assert not list(tmp_path.iterdir())


def test_what_a_dead_writer_left_goes_with_the_next_one(tmp_path: Path) -> None:
    abandoned, other = tmp_path / ".new-r-dead", tmp_path / ".new-q-dead"
    for folder in (abandoned, other):
        folder.mkdir()
        (folder / ".lock").touch()
    with ResultWriter(tmp_path / "r") as first:
        assert not abandoned.exists() and other.exists()
        with ResultWriter(tmp_path / "r") as second:  # the first one lives, and is left alone
            second.finish(facts())
        with pytest.raises(ResultError, match="is there already"):
            first.finish(facts())
    assert {path.name for path in tmp_path.iterdir()} == {"r", other.name}


def test_a_result_that_is_there_is_replaced_only_when_told(tmp_path: Path) -> None:
    folder = written(tmp_path / "r")
    with pytest.raises(ResultError, match="is there already"):
        ResultWriter(folder)
    with ResultWriter(folder, replace=True) as writer:
        writer.finish(facts(name="second"))
    assert Result.open(folder).facts.name == "second"
    assert [path.name for path in tmp_path.iterdir()] == ["r"]


def test_what_is_no_result_is_never_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "letter.txt").write_text("mine")
    link = tmp_path / "link"
    link.symlink_to(written(tmp_path / "r"))
    for path in (folder, link):
        with pytest.raises(ResultError, match="no result"):
            ResultWriter(path, replace=True)
    assert (folder / "letter.txt").read_text() == "mine"


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ResultError, match="Not a directory"):
        ResultWriter(tmp_path / "file" / "r")


# --------------------------------------------------------------------------------------- reading
def changed(folder: Path, **changes: Any) -> None:
    path = folder / "result.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_another_version_is_refused_in_words(tmp_path: Path) -> None:
    folder = written(tmp_path / "r")
    changed(folder, version=2, something="new")
    with pytest.raises(ResultError, match="layout 2, and this OTrade reads 1"):
        Result.open(folder)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"version": 1}', b'{"version": "x"}'])
def test_a_torn_json_is_refused(tmp_path: Path, content: bytes) -> None:
    folder = written(tmp_path / "r")
    (folder / "result.json").write_bytes(content)
    with pytest.raises(ResultError, match=r"result\.json"):
        Result.open(folder)


@pytest.mark.parametrize("name", ["trades", "orders", "fills", "equity"])
def test_a_missing_or_changed_file_is_named(tmp_path: Path, name: str) -> None:
    folder = written(tmp_path / "r")
    path = folder / f"{name}.parquet"
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(ResultError, match=rf"{name}\.parquet was changed"):
        Result.open(folder)
    path.unlink()
    with pytest.raises(ResultError, match=rf"{name}\.parquet is missing"):
        Result.open(folder)
    os.mkfifo(path)
    with pytest.raises(ResultError, match="no ordinary file"):
        Result.open(folder)


def test_a_file_of_other_columns_is_refused_with_its_hash_right(tmp_path: Path) -> None:
    folder = written(tmp_path / "r")
    path = folder / "fills.parquet"
    pq.write_table(pa.table({"a": [1]}), path)
    files = read_facts_of(folder).files | {path.name: hashlib.sha256(path.read_bytes()).hexdigest()}
    changed(folder, files=files)
    with pytest.raises(ResultError, match="columns are not those of layout 1"):
        Result.open(folder)
    del files["fills.parquet"]
    changed(folder, files=files)
    with pytest.raises(ResultError, match=r"does not name fills\.parquet"):
        Result.open(folder)


def test_no_folder_and_no_result(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(ResultError, match="is no result"):
            read_facts_of(folder)


def test_facts_are_what_they_were(tmp_path: Path) -> None:
    told: ResultFacts = read_facts_of(written(tmp_path / "r", seed=7, models={"stop_first": True}))
    assert told.seed == 7 and told.models == {"stop_first": True} and told.first == DAY


def test_memory_does_not_grow_with_the_days(tmp_path: Path) -> None:
    """Rows that were written are let go of: Arrow's own memory, and Python's."""
    most = []
    for days in (10, 40):
        tracemalloc.start()
        peak = 0
        with ResultWriter(tmp_path / str(days)) as writer:
            for n in range(days):
                day = DAY + dt.timedelta(days=n)
                columns = {
                    name: [value] * 20_000 for name, value in point(0, 0, 0, day=day).items()
                }
                columns["ts_ns"] = [at_ns(day)] * 20_000
                writer.add_day(day, equity=columns)
                peak = max(peak, pa.total_allocated_bytes())
            writer.finish(facts())
        most.append((peak, tracemalloc.get_traced_memory()[1]))
        tracemalloc.stop()
    (short, short_python), (long, long_python) = most
    assert long < 1.5 * short + 2_000_000 and long_python < 1.5 * short_python + 200_000
    assert (
        sum(batch.num_rows for batch in Result.open(tmp_path / "40").batches("equity")) == 800_000
    )
