"""`otrade journal` and `otrade replay` on a real morning's file: nothing left out, damage named, a
difference shown with both sides.
"""

from __future__ import annotations

import csv
import os
import re
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from otrade._core.types import Lost, Rec
from otrade.cli import main
from otrade.cli.commands import journal as commands
from otrade.errors import JournalError
from otrade.journal import export as exporting
from otrade.journal.file import JournalFile
from otrade.journal.layout import HEADER_BYTES
from otrade.journal.memory import MemoryJournal
from otrade.journal.record import WINDOW_BYTES, Record
from otrade.journal.scan import records
from tests.journal.test_peek import NAME, day_until, write
from tests.journal.test_replay import packed, with_payload

ROOT = Path(__file__).parents[2]
INCOMPLETE, BAD_INPUT = 3, 5


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("commands") / NAME, day_until("09:25"))


@pytest.fixture(scope="module")
def rows(whole: Path, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[int, int, int]]:
    """(sequence number, time, kind) as the reader in the document sees them, which knows nothing of
    the code.
    """
    code = re.search(r"```python\n(.*?)```", (ROOT / "docs" / "journal.md").read_text(), re.S)
    assert code is not None
    reader = tmp_path_factory.mktemp("reader") / "reader.py"
    reader.write_text(code[1])
    done = subprocess.run(
        [sys.executable, str(reader), str(whole)], capture_output=True, text=True, check=True
    )
    return [
        (int(a), int(b), int(c))
        for a, b, c, _ in (line.split() for line in done.stdout.splitlines())
    ]


def run(*words: object) -> int:
    return main.main([str(word) for word in words])


def damaged(whole: Path, folder: Path) -> tuple[Path, int]:
    """A copy with one flipped bit in a record in the middle; the record's offset."""
    at = [record.offset for record in records(whole) if record.kind == Rec.COMMAND][1]
    content = bytearray(whole.read_bytes())
    content[at + 40] ^= 4
    path = folder / NAME
    path.write_bytes(content)
    return path, at


def test_verify(
    whole: Path, rows: list[Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("journal", "verify", whole) == INCOMPLETE, "a morning that ends without a word"
    out = capsys.readouterr().out
    assert f"{len(rows):,} records in 1 runs" in out and "NO END" in out and "account a" in out
    path, at = damaged(whole, tmp_path)
    assert run("journal", "verify", path) == 1
    assert f"DAMAGED at offset {at}: its checksum is wrong" in capsys.readouterr().out
    (tmp_path / "no.otj").write_text("hello")
    assert (
        run("journal", "verify", tmp_path / "no.otj") == BAD_INPUT
        and "no.otj" in capsys.readouterr().err
    )


def verified(
    folder: Path, found: list[Record], capsys: pytest.CaptureFixture[str]
) -> tuple[int, str]:
    code = run(
        "journal", "verify", write(folder / NAME, [bytes(window) for window in packed(found)])
    )
    return code, capsys.readouterr().out


def dropped(*numbers: int) -> Record:
    return Record(
        Rec.DROPPED, 0, 0, 9, memoryview(b"".join(n.to_bytes(8, "little") for n in numbers)), 0
    )


def test_verify_tells_a_day_that_was_cut_from_a_whole_one(
    whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    end = Record(Rec.END, 0, 0, 9, memoryview(b""), 0)
    found = [
        *(
            Record(r.kind, r.section, r.seq, r.ts_ns, memoryview(bytes(r.payload)), r.offset)
            for r in records(whole)
        ),
        end,
    ]
    code, out = verified(tmp_path, found, capsys)
    assert code == 0 and out.endswith("\nwhole\n")
    code, out = verified(tmp_path, found[: len(found) // 2], capsys)
    assert code == INCOMPLETE and "NO END" in out and "whole" not in out
    for numbers, words in (
        ((5, 3, Lost.FAST), "5 records (3 market frames) could not be written: they came faster"),
        ((5, 3, Lost.DISK), "the disk was full"),
        ((5, 3), "did not say why"),
    ):
        code, out = verified(tmp_path, [*found[:-1], dropped(*numbers), end], capsys)
        assert (
            code == INCOMPLETE
            and words in out
            and "NO END" not in out
            and not out.endswith("whole\n")
        )
    cut = tmp_path / "cut.otj"
    last = [record.offset for record in records(whole) if len(record.payload) > 64][-1]
    cut.write_bytes(whole.read_bytes()[: last + 64])
    assert run("journal", "verify", cut) == INCOMPLETE
    out = capsys.readouterr().out
    assert "torn tail" in out and "NO END" in out


def test_verify_knows_a_file_that_an_engine_is_writing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    journal = JournalFile(
        tmp_path / NAME, {"day": "2026-11-23"}, 7, max_mb=8, reserve_mb=1, window_bytes=8192
    )
    journal.writer.append(Rec.WORDS, 1, b"{}")
    assert (
        run("journal", "verify", tmp_path / NAME) == 0
        and "an engine is writing it" in capsys.readouterr().out
    )
    journal.close()
    assert run("journal", "verify", tmp_path / NAME) == INCOMPLETE


def test_replay_names_the_true_cause_of_what_is_missing(
    whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = [
        Record(r.kind, r.section, r.seq, r.ts_ns, memoryview(bytes(r.payload)), r.offset)
        for r in records(whole)
    ]
    path = write(
        tmp_path / NAME,
        [bytes(window) for window in packed([*found[:9], dropped(5, 3, Lost.FAST)])],
    )
    assert run("replay", path) == BAD_INPUT
    assert "they came faster than room for them was made ready" in capsys.readouterr().err


def test_show(
    whole: Path,
    rows: list[tuple[int, int, int]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run("journal", "show", whole, "--json") == 0
    shown = [orjson.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(row["seq"], row["ts_ns"]) for row in shown] == [(seq, ts_ns) for seq, ts_ns, _ in rows]
    assert run("journal", "show", whole, "--kind", "command,notice") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [int(line.split()[0]) for line in lines] == [
        seq for seq, _, kind in rows if kind in (Rec.COMMAND, Rec.NOTICE)
    ]
    tag = next(
        row["cl_ord_id"] for row in shown if row["kind"] == "COMMAND" and row.get("cl_ord_id")
    )
    assert run("journal", "show", whole, "--order", tag, "--kind", "COMMAND", "--limit", 1) == 0
    assert tag in capsys.readouterr().out
    assert run("journal", "show", whole, "--from", "09:20", "--until", "09:21", "--json") == 0
    minute = [orjson.loads(line)["seq"] for line in capsys.readouterr().out.splitlines()]
    assert minute and minute == [
        seq for seq, ts_ns, _ in rows if (ts_ns // 10**9 + 19_800) % 86_400 // 60 == 9 * 60 + 20
    ]
    path, at = damaged(whole, tmp_path)
    assert run("journal", "show", path, "--kind", "COMMAND") == 1
    assert f"DAMAGED at offset {at}" in capsys.readouterr().err
    assert run("journal", "show", whole, "--kind", "COMAND") == BAD_INPUT
    assert "COMMAND" in capsys.readouterr().err


@pytest.mark.parametrize("n", [0, 1, 2, 7])
def test_tail(
    whole: Path, rows: list[tuple[int, int, int]], n: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("journal", "tail", whole, "-n", n) == 0
    told = [seq for seq, _, kind in rows if kind not in commands.QUIET]
    assert [int(line.split()[0]) for line in capsys.readouterr().out.splitlines()] == (
        told[-n:] if n else []
    )


def test_tail_follows_over_a_windows_end_and_names_damage(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    journal = MemoryJournal()
    path = tmp_path / NAME
    steps = iter(range(6))

    def grow(seconds: float) -> None:
        """Instead of sleeping: the engine writes on, each time most of a window."""
        step = next(steps, None)
        if step is None:
            raise KeyboardInterrupt
        assert journal.writer.append(Rec.WORDS, step, b'{"text": "word %d"}' % step)
        assert journal.writer.append(Rec.FRAME, step, bytes(WINDOW_BYTES * 2 // 3))
        journal.poll()
        write(path, [bytes(window) for window in journal.windows()])

    grow(0)
    monkeypatch.setattr(time, "sleep", grow)
    assert run("journal", "tail", path, "-f") == main.INTERRUPTED
    found = re.findall(r"word (\d)", capsys.readouterr().out)
    assert found == list("012345")
    broken, at = damaged(whole, tmp_path)
    assert run("journal", "tail", broken) == 1
    assert f"DAMAGED at offset {at}" in capsys.readouterr().err


def test_export_is_the_same_in_every_form_and_holds_no_secret(
    whole: Path,
    rows: list[tuple[int, int, int]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    for form in ("jsonl", "csv", "parquet"):
        assert (
            run("journal", "export", whole, "--format", form, "--to", tmp_path / f"a.{form}") == 0
        )
        assert f"{len(rows):,} records written" in capsys.readouterr().err
    lines = [orjson.loads(line) for line in (tmp_path / "a.jsonl").read_bytes().splitlines()]
    with (tmp_path / "a.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    columns = parquet.read_table(tmp_path / "a.parquet").to_pylist()
    assert [row["seq"] for row in lines] == [seq for seq, _, _ in rows]
    for line, cells, column in zip(lines, table, columns, strict=True):
        assert (int(cells["seq"]), int(cells["ts_ns"]), cells["kind"], cells["body"]) == (
            line["seq"], line["ts_ns"], line["kind"], column["body"])  # fmt: skip
        assert (column["seq"], column["ts_ns"], column["kind"]) == (
            line["seq"],
            line["ts_ns"],
            line["kind"],
        )
        assert orjson.loads(column["body"]) == {
            k: v for k, v in line.items() if k not in ("seq", "section", "ts_ns", "kind", "offset")
        }
    for secret in (b"uthorization", b"token paper:", b"access_token"):
        assert (
            secret not in (tmp_path / "a.jsonl").read_bytes() and secret not in whole.read_bytes()
        )
    assert (
        run("journal", "export", whole, "--format", "parquet") == BAD_INPUT
        and "--to" in capsys.readouterr().err
    )


FORMS = ("jsonl", "csv", "parquet")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "kind", ["itself", "other", "link", "link to itself", "to nowhere", "pipe"]
)
def test_export_overwrites_nothing(
    kind: str, form: str, whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`journal export J --to J` once emptied the day's journal."""
    journal, other = tmp_path / NAME, tmp_path / "other"
    journal.write_bytes(whole.read_bytes())
    other.write_bytes(b"precious")
    target = tmp_path / "target"
    if kind in ("itself", "other"):
        target = journal if kind == "itself" else other
    elif kind == "pipe":
        os.mkfifo(target)
    else:
        target.symlink_to({"link": other, "link to itself": journal}.get(kind, tmp_path / "no"))
    assert run("journal", "export", journal, "--format", form, "--to", target) == BAD_INPUT
    assert "is there already, and nothing is overwritten" in capsys.readouterr().err
    assert journal.read_bytes() == whole.read_bytes() and other.read_bytes() == b"precious"
    assert not (tmp_path / "no").exists()


@pytest.mark.parametrize("form", FORMS)
def test_export_is_its_owner_s_alone(form: str, whole: Path, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        assert run("journal", "export", whole, "--format", form, "--to", tmp_path / "a") == 0
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o600


def test_an_export_that_fails_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def rows() -> Iterator[dict[str, Any]]:
        yield {"seq": 1, "section": 0, "ts_ns": 0, "kind": "HELLO", "offset": 0}
        raise OSError(28, "No space left on device")

    for form in FORMS:
        with pytest.raises(JournalError, match="No space left"):
            exporting.write(rows(), tmp_path / "a", form)
        assert not (tmp_path / "a").exists()


def test_replay_says_the_same_or_shows_both_sides(
    whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("replay", whole) == 0
    assert "bit for bit" in capsys.readouterr().out
    found: list[Record] = list(records(whole))
    at = next(i for i, record in enumerate(found) if record.kind == Rec.COMMAND)
    command = found[at]
    changed = bytearray(command.payload)
    changed[40] ^= 8  # of its quantity
    path = write(
        tmp_path / NAME,
        [bytes(w) for w in packed([*found[:at], with_payload(command, changed), *found[at + 1 :]])],
    )
    assert run("replay", path) == 1
    out = capsys.readouterr().out
    event = max(i for i, record in enumerate(found[:at]) if record.kind < Rec.COMMAND) + 1
    assert f"DIFFERENT after record {event}" in out
    sides = dict(re.findall(r"^(event|journal|this build) +(.*)$", out, re.M))
    assert set(sides) == {"event", "journal", "this build"} and "FRAME" in sides["event"]
    assert sides["journal"] != sides["this build"] and all(
        "COMMAND" in sides[name] for name in ("journal", "this build")
    )
    nothing = write(
        tmp_path / "less.otj", [bytes(w) for w in packed([*found[:at], *found[at + 1 :]])]
    )
    assert run("replay", nothing) == 1 and "this build" in capsys.readouterr().out


def test_replay_refuses_what_it_cannot_read_by_name(
    whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, at = damaged(whole, tmp_path)
    assert run("replay", path) == BAD_INPUT
    assert (
        f"damaged at offset {at}; what comes after it was not replayed" in capsys.readouterr().err
    )
    found = list(records(whole))
    older = with_payload(found[0], bytearray(b'{"format":0,"build":"0.1"}'))
    assert (
        run("replay", write(tmp_path / "old.otj", [bytes(w) for w in packed([older, *found[1:]])]))
        == BAD_INPUT
    )
    assert "record format 0 (written by OTrade 0.1)" in capsys.readouterr().err
    content = bytearray(whole.read_bytes())
    content[8] = 9
    (tmp_path / "newer.otj").write_bytes(content)
    assert (
        run("replay", tmp_path / "newer.otj") == BAD_INPUT and "format" in capsys.readouterr().err
    )
    torn = [record.offset for record in found][-1] + 20
    (tmp_path / "torn.otj").write_bytes(
        whole.read_bytes()[:torn].ljust(HEADER_BYTES + 4 * WINDOW_BYTES, b"\0")
    )
    assert run("replay", tmp_path / "torn.otj") == 0
