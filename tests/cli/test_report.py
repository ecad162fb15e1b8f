"""`otrade report`: what it prints, writes and refuses."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from otrade.cli.main import main
from otrade.price_files.bars import FileBar
from otrade.research.history.archive import NewMonth, PriceArchive
from otrade.research.history.month_file import table_of
from otrade.research.history.series import Origin, PriceSeries, SeriesFacts
from tests.research.report.test_one_day_sheet import sheet, sheet_trades
from tests.research.results.rows import DAY, at_ns


def archive_of_a_day(root: Path) -> None:
    series = PriceSeries("NSE:INFY", "1m")
    bars = [
        FileBar(at_ns(DAY, n), 1_000_000, 1_030_000, 995_000, 1_010_000, 10) for n in range(120)
    ]
    origin = Origin("csv", "made", "2026-11-20 16:00", len(bars), "", "", "0")
    archive = PriceArchive(root)
    with archive.changing():
        month = {"2026-11": NewMonth(table_of(series, bars), origin)}
        archive.merge(series, SeriesFacts("cash"), month, "refuse")


def test_a_report_in_every_form(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sheet(tmp_path / "r", sheet_trades())
    archive_of_a_day(tmp_path / "data")
    files = [str(tmp_path / name) for name in ("page.html", "f.csv", "f.json")]
    code = main(
        ["report", str(tmp_path / "r"), "--capital", "100000", "--data", str(tmp_path / "data"),
         "--html", files[0], "--csv", files[1], "--json", files[2]]
    )  # fmt: skip
    said = capsys.readouterr().out
    assert code == 0 and "Profit net                   285.00" in said
    page = Path(files[0]).read_text()
    assert page.count('class="up"') == 120
    assert "2026-11-20 NSE:SBIN; no minutes of it in the archive" in page
    assert (
        len(list(csv.DictReader(Path(files[1]).read_text().splitlines())))
        == 1 + 1 + 1 + 2 + 2 + 3 + 3 + 4
    )
    assert json.loads(Path(files[2]).read_text())["capital_paise"] == 10_000_000


def test_the_page_lies_beside_the_result(tmp_path: Path) -> None:
    sheet(tmp_path / "my.first", sheet_trades())
    assert main(["report", str(tmp_path / "my.first"), "--var", str(tmp_path)]) == 0
    assert (tmp_path / "my.first.html").stat().st_mode & 0o077 == 0


def test_a_damaged_archive_is_said_and_the_report_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sheet(tmp_path / "r", sheet_trades())
    archive_of_a_day(tmp_path / "data")
    month = next((tmp_path / "data").rglob("2026-11.parquet"))
    month.write_bytes(b"nothing")
    assert main(["report", str(tmp_path / "r"), "--data", str(tmp_path / "data")]) == 0
    assert "no chart of it" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["nowhere", "r/result.json"])
def test_what_is_no_result_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    sheet(tmp_path / "r", sheet_trades())
    assert main(["report", str(tmp_path / name)]) == 5
    assert "result" in capsys.readouterr().err


@pytest.mark.parametrize("days", ["2026-11-20", "2026-11-16..2026-11-20"])
def test_days_without_anything_are_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], days: str
) -> None:
    assert main(["report", days, "--var", str(tmp_path)]) == 5
    assert "neither a journal in" in capsys.readouterr().err


def test_days_that_have_only_a_result(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The journal is gone, and the day is there."""
    sheet(tmp_path / "results" / "2026-11-20-live", sheet_trades(), kind="live")
    assert main(["report", "2026-11-16..2026-11-20", "--var", str(tmp_path)]) == 0
    assert "285.00" in capsys.readouterr().out


def test_a_journal_that_cannot_be_read_leaves_what_was_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "journal").mkdir()
    (tmp_path / "journal" / "2026-11-20.otj").write_bytes(b"of another build")
    assert main(["report", "2026-11-20", "--var", str(tmp_path)]) == 5
    assert "no journal of OTrade" in capsys.readouterr().err
    sheet(tmp_path / "results" / "2026-11-20-live", sheet_trades(), kind="live")
    assert main(["report", "2026-11-20", "--var", str(tmp_path)]) == 0
    told = capsys.readouterr()
    assert "as it was kept before" in told.err and "285.00" in told.out
