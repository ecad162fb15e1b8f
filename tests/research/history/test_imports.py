"""`otrade data import` as a person uses it: each dialect, each refusal by its words, and that a refusal
leaves the folder as it was, byte for byte.
"""

import datetime as dt
import hashlib
import json
import os
import random
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from otrade.cli.main import main
from otrade.errors import HistoryError
from otrade.price_files.bars import FileBar
from otrade.research.history.archive import PriceArchive
from otrade.research.history.series import PriceSeries
from tests.research.history.bars import csv_of, day_of_bars, ns

pq = pytest.importorskip("pyarrow.parquet")
BAD_INPUT, DAMAGED, FOUND = 5, 1, 3
INFY = PriceSeries("NSE:INFY", "1m")
DAYS = ("2026-11-26", "2026-11-27", "2026-11-30", "2026-12-01")
BARS = [bar for date in DAYS for bar in day_of_bars(date)]
SHARED = Path(__file__).parents[4] / "shared"


class Desk:
    """One folder of history, and the command line."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.root = folder / "data"
        self._capsys = capsys

    def __call__(self, *words: object) -> tuple[int, str]:
        """Exit code, and everything that was said."""
        self._capsys.readouterr()
        code = main(["data", *map(str, words), "--data", str(self.root)])
        said = self._capsys.readouterr()
        return code, said.out + said.err

    def files(self) -> dict[str, str]:
        return {
            str(path.relative_to(self.root)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(self.root.rglob("*"))
            if path.is_file() and path.name != ".lock"
        }

    def bars(self, series: PriceSeries = INFY) -> list[FileBar]:
        archive = PriceArchive(self.root)
        return archive.bars(series, archive.months(series))


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk(tmp_path, capsys)


def test_a_file_becomes_months_with_their_origin(desk: Desk, tmp_path: Path) -> None:
    path = csv_of(tmp_path, BARS)
    code, said = desk("import", path, "--symbol", "nse:infy")
    assert code == 0
    assert (
        f"{path}: NSE:INFY 1m, 2026-11-26 09:15 to 2026-12-01 15:29: 1,500 added (2 months)" in said
    )
    assert "1,500 times say no zone and were read as Indian time" in said
    assert desk.bars() == BARS
    facts = PriceArchive(desk.root).facts_of_month(INFY, "2026-11")
    (origin,) = facts.origins
    assert (origin.kind, origin.name, origin.rows) == ("csv", "bars.csv", 1_125)
    assert origin.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (facts.first, facts.last) == ("2026-11-26 09:15:00", "2026-11-30 15:29:00")
    manifest = json.loads((desk.root / "NSE/INFY/1m/manifest.json").read_text())
    assert list(manifest["months"]) == ["2026-11", "2026-12"]
    assert manifest["months"]["2026-12"]["sha256"] == desk.files()["NSE/INFY/1m/2026-12.parquet"]


def test_what_comes_again_changes_nothing_and_what_is_new_is_added(
    desk: Desk, tmp_path: Path
) -> None:
    assert desk("import", csv_of(tmp_path, BARS[:800]), "--symbol", "NSE:INFY")[0] == 0
    code, said = desk("import", csv_of(tmp_path, BARS, name="more.csv"), "--symbol", "NSE:INFY")
    assert code == 0 and "700 added, 800 were here (2 months)" in said
    assert desk.bars() == BARS
    code, said = desk("import", csv_of(tmp_path, BARS, name="more.csv"), "--symbol", "NSE:INFY")
    assert code == 0 and "0 added, 1,500 were here" in said and desk.bars() == BARS
    kinds = [one.name for one in PriceArchive(desk.root).facts_of_month(INFY, "2026-11").origins]
    assert kinds == ["bars.csv", "more.csv"], "the same file told twice is one origin"


DIALECTS: dict[str, dict[str, object]] = {
    "kite": dict(header="date,open,high,low,close,volume", form="%Y-%m-%d %H:%M:%S+05:30"),
    "upstox": dict(header="timestamp,open,high,low,close,volume", form="%Y-%m-%dT%H:%M:%S+05:30"),
    "tradingview": dict(header="time,open,high,low,close,Volume", form="%s"),
    "yfinance": dict(
        header="Datetime,Open,High,Low,Close,Volume", form="%Y-%m-%d %H:%M:%S+00:00", zone=dt.UTC
    ),
    "nse": dict(header="Date ,OPEN ,HIGH ,LOW ,close ,VOLUME ", form="%d-%b-%Y %H:%M"),
}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_dialects_that_people_have(desk: Desk, tmp_path: Path, dialect: str) -> None:
    how = DIALECTS[dialect]
    if how["form"] == "%s":
        lines = [str(how["header"])]
        for bar in BARS:
            prices = (bar.open_e4, bar.high_e4, bar.low_e4, bar.close_e4)
            lines.append(
                ",".join(
                    [str(bar.ts_ns // 10**9), *(f"{px / 1e4}" for px in prices), str(bar.volume)]
                )
            )
        path = tmp_path / "bars.csv"
        path.write_text("\n".join(lines))
    else:
        path = csv_of(tmp_path, BARS[::-1] if dialect == "upstox" else BARS, **how)  # type: ignore[arg-type]
    code, said = desk("import", path, "--symbol", "NSE:INFY")
    assert code == 0, said
    assert desk.bars() == BARS
    assert ("newest first: read from its end" in said) == (dialect == "upstox")


def test_a_mapping_and_a_file_of_many_symbols(desk: Desk, tmp_path: Path) -> None:
    """As a vendor of India writes it: ticker, day first, a minute by its last second."""
    lines = ["Ticker,Date,Time,O,H,L,C,Vol,Open Interest"]
    for bar in BARS[:375]:
        at = dt.datetime.fromtimestamp(
            bar.ts_ns // 10**9 + 59, dt.timezone(dt.timedelta(hours=5.5))
        )
        prices = (f"{px / 1e4}" for px in (bar.open_e4, bar.high_e4, bar.low_e4, bar.close_e4))
        row = ",".join([f"{at:%d/%m/%Y %H:%M:%S}", "x", *prices, str(bar.volume), "4"])
        lines += [f"INFY.NSE,{row}", f"TCS.NSE,{row}"]
    path = tmp_path / "vendor.csv"
    path.write_text("\n".join(lines))
    told = [
        "--symbol", "NSE:INFY", "--map", "time=Date,open=O,high=H,low=L,close=C,volume=Vol",
        "--time-format", "%d/%m/%Y %H:%M:%S", "--stamped", "close",
    ]  # fmt: skip
    code, said = desk("import", path, *told)
    assert code == BAD_INPUT and "2 symbols (INFY.NSE, TCS.NSE)" in said and not desk.root.exists()
    code, said = desk("import", path, *told, "--only", "INFY.NSE")
    assert code == 0, said
    assert desk.bars() == [replace(bar, oi=4) for bar in BARS[:375]]
    assert "bars were stamped at their end" in said and "the file calls it INFY.NSE" in said


Spoil = Callable[[list[str]], list[str]]
LINES: dict[str, tuple[Spoil, str]] = {
    "duplicate": (
        lambda rows: [*rows[:9], rows[8], *rows[9:]],
        "1 lines say again what another has said",
    ),
    "differs": (
        lambda rows: [*rows[:9], rows[8].rpartition(",")[0] + ",77777", *rows[9:]],
        "line 10, column time_ist: 2026-11-26 09:22:00 is a duplicate: line 9 has that bar already, and they differ",
    ),
    "disorder": (
        lambda rows: [*rows[:3], rows[9], *rows[3:9], *rows[10:]],
        "sort the lines by time",
    ),
    "cut": (
        lambda rows: [*rows[:20], "2026-11-26 09:3"],
        "line 21, column open: 1 cells where the header has 6",
    ),
    "no price": (
        lambda rows: [*rows[:20], "2026-11-26 15:29:00,-,1,1,1,1"],
        "line 21, column open: '-' is not a number",
    ),
    "no column": (
        lambda rows: ["when,open,high,low,close,volume", *rows[1:]],
        "line 1, column time_ist: missing",
    ),
    "empty": (lambda rows: rows[:1], "no bars below the header"),
    "seconds": (
        lambda rows: [rows[0], *(row.replace(":00,", ":59,") for row in rows[1:])],
        "line 2, column time_ist: 2026-11-26 09:15:59 and 1499 more bars do not begin at a whole minute",
    ),
}


@pytest.mark.parametrize("what", LINES)
def test_a_file_that_is_refused_leaves_everything_as_it_was(
    desk: Desk, tmp_path: Path, what: str
) -> None:
    assert desk("import", csv_of(tmp_path, BARS[:500]), "--symbol", "NSE:INFY")[0] == 0
    before = desk.files()
    spoil, words = LINES[what]
    path = csv_of(tmp_path, BARS, name="bad.csv")
    path.write_text("\n".join(spoil(path.read_text().splitlines())) + "\n")
    code, said = desk("import", path, "--symbol", "NSE:INFY")
    assert code == BAD_INPUT and words in said and f"{path}" in said, said
    assert desk.files() == before


def test_wrong_lines_can_be_left_out_by_name_and_the_file_says_so(
    desk: Desk, tmp_path: Path
) -> None:
    path = csv_of(tmp_path, BARS[:375])
    rows = path.read_text().splitlines()
    path.write_text(
        "\n".join([*rows[:9], rows[8], "2026-11-26 09:23:00,0,0,0,0,0", *rows[10:]]) + "\n"
    )
    code, said = desk("import", path, "--symbol", "NSE:INFY", "--skip-bad-lines")
    assert code == 0 and "1 lines cannot be used and were left out" in said and "hole (1)" in said
    assert desk.bars() == [bar for bar in BARS[:375] if bar.ts_ns != ns("2026-11-26", "09:23")]
    (origin,) = PriceArchive(desk.root).facts_of_month(INFY, "2026-11").origins
    assert any("line 11, column open: price 0 is out of range" in note for note in origin.notes)


def test_other_values_of_a_bar_that_is_here_are_a_persons_choice(
    desk: Desk, tmp_path: Path
) -> None:
    assert desk("import", csv_of(tmp_path, BARS), "--symbol", "NSE:INFY")[0] == 0
    before = desk.files()
    other = [
        replace(bar, volume=bar.volume + 1) if i % 500 == 0 else bar for i, bar in enumerate(BARS)
    ]
    path = csv_of(tmp_path, other, name="other.csv")
    code, said = desk("import", path, "--symbol", "NSE:INFY")
    assert code == BAD_INPUT and "NSE:INFY 1m: 3 bars are in the archive with other values" in said
    assert "2026-11-26 09:15:00: there 1,500.00 " in said and "--replace takes the new ones" in said  # noqa: F541
    assert desk.files() == before
    code, said = desk("import", path, "--symbol", "NSE:INFY", "--keep")
    assert code == 0 and "3 differ and were kept as they were here" in said and desk.bars() == BARS
    code, said = desk("import", path, "--symbol", "NSE:INFY", "--replace")
    assert code == 0 and "3 replaced" in said and desk.bars() == other


def test_a_source_without_volume_contradicts_nobody(desk: Desk, tmp_path: Path) -> None:
    bare = [replace(bar, volume=-1) for bar in BARS]
    path = tmp_path / "bare.csv"
    lines = csv_of(tmp_path, BARS).read_text().splitlines()
    path.write_text("\n".join(line.rpartition(",")[0] for line in lines) + "\n")
    assert desk("import", path, "--symbol", "NSE:INFY")[0] == 0 and desk.bars() == bare
    code, said = desk("import", csv_of(tmp_path, BARS), "--symbol", "NSE:INFY")
    assert code == 0 and "0 added, 1,500 got the volume or open interest that they lacked" in said
    assert desk.bars() == BARS
    code, said = desk("import", path, "--symbol", "NSE:INFY")
    assert code == 0 and "0 added, 1,500 were here" in said and desk.bars() == BARS


def test_times_of_another_zone_are_found(desk: Desk, tmp_path: Path) -> None:
    path = csv_of(tmp_path, BARS, zone=dt.UTC)
    code, said = desk("import", path, "--symbol", "NSE:INFY")
    assert code == BAD_INPUT and not desk.root.exists()
    assert (
        "line 2, column time_ist: 1,320 of 1,500 bars lie outside the sessions (09:15 to 15:30 IST); the times look like UTC"
        in said
    )
    code, said = desk("import", path, "--symbol", "NSE:INFY", "--zone", "UTC")
    assert code == 0 and desk.bars() == BARS and "were read as UTC" in said
    assert desk("import", path, "--symbol", "NSE:INFY", "--zone", "Mars")[0] == BAD_INPUT


def test_ends_of_bars_are_found_and_read_when_a_person_says_so(desk: Desk, tmp_path: Path) -> None:
    ends = [replace(bar, ts_ns=bar.ts_ns + 60 * 10**9) for bar in BARS]
    path = csv_of(tmp_path, ends)
    code, said = desk("import", path, "--symbol", "NSE:INFY")
    assert code == BAD_INPUT and "each time looks like the end of its bar" in said
    assert desk("import", path, "--symbol", "NSE:INFY", "--stamped", "close")[0] == 0
    assert desk.bars() == BARS


def test_floats_are_rounded_aloud(desk: Desk, tmp_path: Path) -> None:
    """yfinance writes 32-bit floats: 1505.4 as 1505.4000244140625."""
    path = tmp_path / "yf.csv"
    path.write_text(
        "Datetime,Open,High,Low,Close\n2026-11-26 03:45:00+00:00" + ",1505.4000244140625" * 4 + "\n"
    )
    code, said = desk("import", path, "--symbol", "NSE:INFY", "--length", "1m")
    assert code == 0 and "1 lines have prices finer than a ten-thousandth of a rupee" in said
    (bar,) = desk.bars()
    assert (bar.open_e4, bar.volume) == (15_054_000, -1)


def test_lengths_are_found_or_told(desk: Desk, tmp_path: Path) -> None:
    five = [bar for date in DAYS for bar in day_of_bars(date, n=75, minutes=5)]
    code, said = desk("import", csv_of(tmp_path, five), "--symbol", "NSE:INFY")
    assert code == 0 and "NSE:INFY 5m" in said and desk.bars(PriceSeries("NSE:INFY", "5m")) == five
    daily = [day_of_bars(date, n=1)[0] for date in DAYS]
    code, said = desk("import", csv_of(tmp_path, daily), "--symbol", "NSE:INFY")
    assert code == 0 and "NSE:INFY 1d" in said
    assert [bar.ts_ns for bar in desk.bars(PriceSeries("NSE:INFY", "1d"))] == [
        ns(date) for date in DAYS
    ]
    code, said = desk("import", csv_of(tmp_path, BARS), "--symbol", "NSE:INFY", "--length", "5m")
    assert code == BAD_INPUT and "60 seconds apart, so they are not of 5m" in said
    seven = [
        replace(bar, ts_ns=BARS[0].ts_ns + i * 7 * 60 * 10**9) for i, bar in enumerate(BARS[:9])
    ]
    code, said = desk("import", csv_of(tmp_path, seven), "--symbol", "NSE:INFY")
    assert code == BAD_INPUT and "420 seconds apart" in said
    assert (
        desk("import", csv_of(tmp_path, five), "--symbol", "NSE:INFY", "--length", "tick")[0]
        == BAD_INPUT
    )


@pytest.mark.parametrize("symbol", ["INFY", "NSE:../x", "NSE:", "NSE:A/B", ":INFY", "NSE:.x", ""])
def test_a_symbol_that_cannot_be(desk: Desk, tmp_path: Path, symbol: str) -> None:
    code, said = desk("import", csv_of(tmp_path, BARS), "--symbol", symbol)
    assert code == BAD_INPUT and ("is no symbol" in said or "say whose prices" in said)
    assert not desk.root.exists()


# -------------------------------------------------------------------------------- list, check, export
def test_check_names_what_is_missing_and_its_exit_code_says_so(desk: Desk, tmp_path: Path) -> None:
    assert desk("import", csv_of(tmp_path, BARS), "--symbol", "NSE:INFY")[0] == 0
    code, said = desk("check")
    assert (code, said) == (0, "NSE:INFY 1m, 1,500 bars: nothing to say\n")
    holes = [bar for i, bar in enumerate(BARS) if not 400 < i < 404 and not 800 < i < 1_200]
    assert desk("import", csv_of(tmp_path, holes), "--symbol", "NSE:TCS")[0] == 0
    code, said = desk("check", "NSE:TCS")
    assert code == FOUND and "2026-11-27  3 of 375 bars are not there: 09:41-09:43" in said
    code, said = desk("check", "--json")
    told = {row["symbol"]: row["findings"] for row in json.loads(said)}
    assert told["NSE:INFY"] == [] and {one["kind"] for one in told["NSE:TCS"]} == {"hole"}
    code, said = desk("check", "NSE:TCS", "--until", "2026-11-26")
    assert code == 0
    code, said = desk("check", "NSE:SBIN")
    assert code == BAD_INPUT and "nothing of NSE:SBIN" in said


def test_damage_is_named_and_the_rest_can_be_used(desk: Desk, tmp_path: Path) -> None:
    assert desk("import", csv_of(tmp_path, BARS), "--symbol", "NSE:INFY")[0] == 0
    folder = desk.root / "NSE/INFY/1m"
    november, whole = folder / "2026-11.parquet", (folder / "2026-11.parquet").read_bytes()
    for spoilt, words in (
        (whole[: len(whole) // 2], "no Parquet file, or damaged"),
        (whole[:400] + bytes([whole[400] ^ 1]) + whole[401:], "2026-11.parquet: "),
        (b"", "no Parquet file, or damaged"),
    ):
        november.write_bytes(spoilt)
        code, said = desk("check")
        assert code == DAMAGED and words in said and "take it away and bring" in said, said
        code, said = desk("export", "NSE:INFY", "--from", "2026-12-01")
        assert code == 0, "the other month is whole"
        code, said = desk("export", "NSE:INFY")
        assert code == BAD_INPUT and "2026-11.parquet" in said
        code, said = desk("import", csv_of(tmp_path, BARS), "--symbol", "NSE:INFY")
        assert code == BAD_INPUT and november.read_bytes() == spoilt
        code, said = desk("list")
        assert code == 0 and "NSE:INFY" in said
    november.write_bytes(whole)
    assert desk("check")[0] == 0


def test_files_of_others_and_of_other_versions(desk: Desk, tmp_path: Path) -> None:
    assert desk("import", csv_of(tmp_path, BARS), "--symbol", "NSE:INFY")[0] == 0
    path = desk.root / "NSE/INFY/1m/2026-11.parquet"
    table, whole = pq.read_table(path), path.read_bytes()
    facts = json.loads(table.schema.metadata[b"otrade"])

    def spoil(words: str, **changes: object) -> None:
        metadata = {b"otrade": json.dumps(facts | changes).encode()}
        pq.write_table(table.replace_schema_metadata(metadata), path)
        code, said = desk("check")
        assert code == DAMAGED and words in said, said
        path.write_bytes(whole)

    spoil("the file has format 2, and this build reads format 1", format=2)
    spoil("it says that it holds NSE:TCS 1m of 2026-11", symbol="NSE:TCS")
    spoil("(their hash differs)", rows_sha256="0" * 64)
    spoil("its metadata cannot be read", origins=7)
    pq.write_table(table.replace_schema_metadata(None), path)
    assert "no price file of OTrade" in desk("check")[1]
    pq.write_table(table.slice(1), path)
    code, said = desk("check")
    assert code == DAMAGED and "another program changed it" in said
    path.unlink()
    assert "2026-11.parquet is gone" in desk("check")[1]
    (path.parent / "notes.txt").write_text("mine")
    assert "stray (1)" in desk("check")[1]


def test_a_manifest_that_is_behind_is_said_and_written_anew(desk: Desk, tmp_path: Path) -> None:
    """As a process leaves it that died between two renamings."""
    assert desk("import", csv_of(tmp_path, BARS[:700]), "--symbol", "NSE:INFY")[0] == 0
    manifest = desk.root / "NSE/INFY/1m/manifest.json"
    behind = manifest.read_bytes()
    assert desk("import", csv_of(tmp_path, BARS), "--symbol", "NSE:INFY")[0] == 0
    for content in (behind, b"{", None):
        manifest.unlink()
        if content is not None:
            manifest.write_bytes(content)
        code, said = desk("check")
        assert code == DAMAGED and "manifest" in said
        assert desk("import", csv_of(tmp_path, BARS), "--symbol", "NSE:INFY")[0] == 0
        assert desk("check")[0] == 0 and desk.bars() == BARS


def test_export_is_what_came_in(desk: Desk, tmp_path: Path) -> None:
    path = csv_of(tmp_path, BARS)
    assert desk("import", path, "--symbol", "NSE:INFY")[0] == 0
    out = tmp_path / "out.csv"
    code, said = desk("export", "NSE:INFY", "--to", out)
    assert code == 0 and out.read_text() == path.read_text()
    code, said = desk(
        "export", "NSE:INFY", "--from", "2026-11-27", "--until", "2026-11-27", "--to", out
    )
    assert code == 0 and len(out.read_text().splitlines()) == 376
    code, said = desk(
        "export", "NSE:INFY", "--from", "2026-11-27", "--until", "2027-02-01", "--to", out
    )
    assert code == BAD_INPUT and "missing are 2027-01 to 2027-02" in said
    assert len(out.read_text().splitlines()) == 376, "what was there is as it was"
    code, said = desk("export", "NSE:INFY", "--from", "2026-11-28", "--until", "2026-11-29")
    assert code == BAD_INPUT and "no row from 2026-11-28" in said
    code, said = desk("export", "NSE:INFY", "--length", "5m")
    assert code == BAD_INPUT and "there is nothing of NSE:INFY 5m" in said
    code, said = desk("export", "NSE:INFY", "--format", "parquet")
    assert code == BAD_INPUT and "--to" in said


def test_nothing_is_written_while_somebody_else_writes(desk: Desk, tmp_path: Path) -> None:
    archive = PriceArchive(desk.root)
    with archive.changing():
        code, said = desk("import", csv_of(tmp_path, BARS), "--symbol", "NSE:INFY")
    assert code == BAD_INPUT and "another otrade data command is writing here" in said
    assert archive.series() == []


def test_a_disk_that_refuses_leaves_everything(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert desk("import", csv_of(tmp_path, BARS[:500]), "--symbol", "NSE:INFY")[0] == 0
    before, n = desk.files(), 0

    def write(path: Path, data: bytes, *, is_durable: bool = False) -> Path:
        nonlocal n
        n += 1
        if n == 2:
            raise OSError(28, "No space left on device", str(path))
        (path.parent / ".new-1").write_bytes(data)
        return path.parent / ".new-1"

    monkeypatch.setattr("otrade.research.history.archive.write_beside", write)
    code, said = desk("import", csv_of(tmp_path, BARS), "--symbol", "NSE:INFY")
    assert code == BAD_INPUT and "No space left on device; what was there is as it was" in said
    assert desk.files() == before


class Died(BaseException):
    """The process is no more."""


def test_a_death_between_two_renamings_leaves_whole_months(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At any of them; what it leaves unfinished goes with the next change, which finishes it."""
    path, more = csv_of(tmp_path, BARS[:500]), csv_of(tmp_path, BARS, name="more.csv")
    real = os.replace
    for n_done in range(3):
        shutil.rmtree(desk.root, ignore_errors=True)
        assert desk("import", path, "--symbol", "NSE:INFY")[0] == 0
        left = n_done

        def rename(source: Path, target: Path) -> None:
            nonlocal left
            if not left:
                raise Died
            left -= 1
            real(source, target)

        monkeypatch.setattr("otrade.research.history.archive.os.replace", rename)
        monkeypatch.setattr(Path, "unlink", lambda self, missing_ok=False: None)
        with pytest.raises(Died):
            desk("import", more, "--symbol", "NSE:INFY")
        monkeypatch.undo()
        there = desk.bars()
        assert there == BARS[: len(there)] and len(there) in (500, 1_125, 1_500)
        assert list(desk.root.rglob(".new-*"))
        assert desk("import", more, "--symbol", "NSE:INFY")[0] == 0
        assert desk.bars() == BARS and not list(desk.root.rglob(".new-*"))
        assert desk("check")[0] == 0


def test_a_wrong_byte_anywhere_gives_no_other_price(desk: Desk, tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    rng = random.Random(seed)
    assert desk("import", csv_of(tmp_path, BARS[:375]), "--symbol", "NSE:INFY")[0] == 0
    path = desk.root / "NSE/INFY/1m/2026-11.parquet"
    whole, n_refused = path.read_bytes(), 0
    for _ in range(400):
        damaged = bytearray(whole)
        damaged[rng.randrange(len(whole))] = rng.randrange(256)
        path.write_bytes(damaged if rng.random() < 0.9 else damaged[: rng.randrange(len(whole))])
        try:
            assert desk.bars() == BARS[:375]
        except HistoryError as error:
            n_refused += 1
            assert str(path) in str(error)
    assert n_refused > 200


# ----------------------------------------------------------------------------------------- real data
def test_recorded_minutes_of_2024(desk: Desk) -> None:
    path = SHARED / "data/nifty50_1min_2024-01_04.csv"
    if not path.is_file():
        pytest.skip(f"{path} is not on this machine")
    code, said = desk("import", path, "--symbol", "NSE:NIFTY 50", "--segment", "index")
    assert code == 0 and "29,522 added (4 months)" in said
    assert "2024-01-20  167 of 542 bars lie outside 09:15-15:30: 15:30-18:16" in said
    assert "missing_session (3)" in said and "hole" not in said and "split" not in said
    series = PriceSeries("NSE:NIFTY 50", "1m")
    rows = [line.split(",") for line in path.read_text().splitlines()[1:]]
    assert [
        (bar.ts_ns, bar.open_e4, bar.high_e4, bar.low_e4, bar.close_e4) for bar in desk.bars(series)
    ] == [
        (ns(row[0][:10], row[0][11:]), *(int(px.replace(".", "") + "00") for px in row[1:]))
        for row in rows
    ]


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("utc_naive.csv", BAD_INPUT, "the times look like UTC"),
        ("daily_dates.csv", 0, "NSE:INFY 1d"),
        ("yfinance_new.csv", 0, "the file calls it INFY.NS"),
        ("dup_row.csv", BAD_INPUT, "line 102: says what line 101 has said"),
        ("kite_header_date.csv", 0, "375 added"),
        ("tradingview.csv", 0, "375 added"),
        ("five_min_one_minute_row.csv", 0, "off_grid"),
        ("results_gap_12pct.csv", 0, "added"),
        ("with_budget_sunday.csv", 0, "added (2 months)"),
    ],
)
def test_the_inputs_that_went_wrong_elsewhere(desk: Desk, name: str, code: int, words: str) -> None:
    path = SHARED / "cases/prices" / name
    if not path.is_file():
        pytest.skip(f"{path} is not on this machine")
    length = ["--length", "1d"] if name == "yfinance_new.csv" else []
    done, said = desk("import", path, "--symbol", "NSE:INFY", *length)
    assert done == code and words in said, said
