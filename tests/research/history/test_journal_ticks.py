"""Ticks out of a morning's journal, against the vendor's own reader of the same frames."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from otrade._core.types import Rec
from otrade.cli.main import main
from otrade.journal.scan import records
from otrade.research.history.archive import PriceArchive
from otrade.research.history.series import PriceSeries
from tests.journal.test_peek import NAME, day_until, write
from tests.journal.test_replay import packed

pytest.importorskip("pyarrow")
BAD_INPUT = 5
INFY = PriceSeries("NSE:INFY", "tick")
TOKEN = 408065


@pytest.fixture(scope="module")
def morning(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("ticks") / NAME, day_until("09:20"))


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "var/paper-data"


def rows(root: Path, month: str = "2026-11") -> list[dict[str, Any]]:
    table = PriceArchive(root).table(INFY, month)
    return list(table.to_pylist())


def test_every_packet_is_as_the_vendors_reader_says(morning: Path, root: Path) -> None:
    ticker = pytest.importorskip("kiteconnect").KiteTicker("key", "token")
    theirs = [
        (record.ts_ns, tick)
        for record in records(morning)
        if record.kind == Rec.FRAME and len(record.payload) > 1
        for tick in ticker._parse_binary(bytes(record.payload))
        if tick["instrument_token"] == TOKEN
    ]
    assert main(["data", "import", str(morning)]) == 0
    ours = rows(root)
    assert len(ours) == len(theirs) > 500
    n_books = 0
    for row, (ts_ns, tick) in zip(ours, theirs, strict=True):
        assert (row["symbol"], row["ts_ns"]) == ("NSE:INFY", ts_ns)
        assert row["ltp_e4"] == round(tick["last_price"] * 10_000)
        assert row["volume"] == tick["volume_traded"] and row["ltq"] == tick["last_traded_quantity"]
        if "depth" not in tick:
            assert row["bid_px_e4_1"] is None and row["ask_orders_5"] is None
            continue
        n_books += 1
        for side, name in (("bid", "buy"), ("ask", "sell")):
            for level, theirs_at in enumerate(tick["depth"][name], 1):
                assert row[f"{side}_px_e4_{level}"] == round(theirs_at["price"] * 10_000)
                assert row[f"{side}_qty_{level}"] == theirs_at["quantity"]
                assert row[f"{side}_orders_{level}"] == theirs_at["orders"]
        assert row["oi"] == tick["oi"]
    assert n_books > 400


def test_a_longer_reading_of_the_same_day_goes_on_where_the_shorter_ended(
    morning: Path, root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = list(records(morning))
    shorter = write(
        tmp_path / "shorter.otj", [bytes(window) for window in packed(found[: len(found) // 2])]
    )
    assert main(["data", "import", str(shorter), "--symbol", "NSE:INFY"]) == 0
    n = len(rows(root))
    assert main(["data", "import", str(morning), "--symbol", "NSE:INFY"]) == 0
    n_all = len(rows(root))
    assert n < n_all and f"{n_all - n:,} added, {n:,} were here" in capsys.readouterr().out
    assert main(["data", "import", str(shorter), "--symbol", "NSE:INFY"]) == 0
    assert len(rows(root)) == n_all, "a shorter one takes nothing away"
    without = [record for i, record in enumerate(found) if record.kind != Rec.FRAME or i % 7]
    other = write(tmp_path / "other.otj", [bytes(window) for window in packed(without)])
    before = rows(root)
    assert main(["data", "import", str(other), "--symbol", "NSE:INFY"]) == BAD_INPUT
    assert "the archive has other ticks of 2026-11-23" in capsys.readouterr().err
    assert rows(root) == before
    assert main(["data", "import", str(other), "--symbol", "NSE:INFY", "--replace"]) == 0
    assert len(rows(root)) < n_all
    capsys.readouterr()
    assert main(["data", "check", "--data", str(root)]) == 3
    assert "no tick for" in (out := capsys.readouterr().out) and "-15:30:00" in out


def test_symbols_and_folders_are_told(
    morning: Path, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["data", "import", str(morning), "--symbol", "NSE:TCS"]) == BAD_INPUT
    assert "no ticks of NSE:TCS; it has NSE:INFY, NSE:SBIN" in capsys.readouterr().err
    assert main(["data", "import", str(morning)]) == 0
    assert main(["data", "list", "--data", str(root)]) == 0
    out = capsys.readouterr().out
    assert "NSE:INFY" in out and "NSE:SBIN" in out and "journal, simulated" in out
    facts = PriceArchive(root).facts_of_month(INFY, "2026-11")
    assert facts.series.is_simulated and facts.origins[0].name == NAME
    assert main(["data", "export", "NSE:INFY", "--length", "tick", "--data", str(root)]) == 0
    header, first, *_ = capsys.readouterr().out.splitlines()
    assert header.startswith("time_ist,ts_ns,seq,packet,feed,ltp,ltq,volume") and first.startswith(
        "2026-11-23 09:00:00."
    )
