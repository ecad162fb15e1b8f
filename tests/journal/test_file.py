"""The journal's file: what a process wrote survives its death, what is broken is found and named, a
full disk loses nothing in silence.
"""

from __future__ import annotations

import errno
import gzip
import os
import random
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otrade._core.journal_writer import JournalWriter, crc32c, keep_writable
from otrade._core.types import Rec
from otrade.errors import EngineError, JournalError
from otrade.journal.archive import aside, tidy
from otrade.journal.file import JournalBusy, JournalFile
from otrade.journal.layout import HEADER_BYTES
from otrade.journal.record import BadRecord, walk
from otrade.journal.scan import check, records, salvage, windows
from otrade.journal.words import StructReader
from tests.harness.waiting import PATIENCE_S, attempts, wait_until

ROOT = Path(__file__).parents[2]
IDENTITY = {"day": "2026-11-23", "account": "a", "engine": "otrade", "mode": "paper"}
SMALL = 64 << 10
HEAD = 32


def opened(path: Path, **given: Any) -> JournalFile:
    return JournalFile(
        path, IDENTITY, 7, **{"max_mb": 8, "reserve_mb": 1, "window_bytes": SMALL, **given}
    )


def fill(journal: JournalFile, n: int, size: int = 100, *, first: int = 0) -> None:
    """`n` records whose payload tells their number, with the windows polled as a beat would."""
    for i in range(first, first + n):
        assert journal.writer.append(Rec.WORDS, i, i.to_bytes(8, "little") + b"." * (size - 8))
        if i % 50 == 0:
            wait_for_window(journal)


def wait_for_window(journal: JournalFile) -> None:
    """Or for the word that there will be none."""

    def is_settled() -> bool:
        journal.poll()
        return journal.writer.windows_ahead >= 1 or bool(journal.trouble)

    wait_until("the journal's thread offers a window", is_settled)


def numbers(path: Path) -> list[int]:
    return [
        int.from_bytes(record.payload[:8], "little")
        for record in records(path)
        if record.kind == Rec.WORDS
    ]


# -------------------------------------------------------------------------------------------------------------
# oracles
@pytest.mark.parametrize(
    ("data", "crc"),
    [
        # RFC 3720, appendix B.4
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(reversed(range(32))), 0x113FDB5C),
        (b"123456789", 0xE3069283),
        (b"", 0),
    ],
)
def test_the_checksum_is_the_published_one(data: bytes, crc: int) -> None:
    assert crc32c(data) == crc
    for cut in range(len(data)):
        assert crc32c(data[cut:], crc32c(data[:cut])) == crc


@pytest.mark.parametrize(
    "name",
    [
        "report_t",
        "answer_t",
        "notice_t",
        "signal_rec_t",
        "bar_rec_t",
        "order_t",
        "bracket_t",
        "command_t",
    ],
)
def test_layouts_are_those_of_the_compiler(name: str) -> None:
    from otrade._core.kernels.layout import dtype

    theirs = dtype(name)
    ours = StructReader(name)
    assert ours.size == theirs.itemsize
    rng = np.random.default_rng(5)
    raw = rng.integers(0, 255, theirs.itemsize, dtype=np.uint8).tobytes()
    row = np.frombuffer(raw, theirs)[0]
    read = ours.read(raw)
    for field in theirs.names:
        if field.startswith("_") or theirs.fields[field][0].names is not None:
            continue
        if isinstance(read[field], str):
            continue
        value = row[field].tolist()
        assert read[field] == value or value != value, field


def test_the_reader_in_the_document_reads_a_real_file(tmp_path: Path) -> None:
    journal = opened(tmp_path / "a.otj")
    fill(journal, 1500)
    journal.close()
    code = re.search(r"```python\n(.*?)```", (ROOT / "docs" / "journal.md").read_text(), re.S)
    assert code is not None
    (tmp_path / "reader.py").write_text(code[1])
    done = subprocess.run(
        [sys.executable, str(tmp_path / "reader.py"), str(journal.path)],
        capture_output=True,
        text=True,
        check=True,
    )
    rows = [line.split() for line in done.stdout.splitlines()]
    assert [int(row[0]) for row in rows] == [record.seq for record in records(journal.path)]
    assert {row[2] for row in rows} == {"48"} and len(rows) == 1500


# ----------------------------------------------------------------------------------------------------
# writing and dying
WRITER = """
import sys
from pathlib import Path
from otrade.journal.file import JournalFile
from tests.harness.waiting import wait_until
journal = JournalFile(Path(sys.argv[1]), {identity!r}, 7, max_mb=64, window_bytes={window})
said = open(sys.argv[2], "wb", buffering=0)
i = 0
while True:
    if journal.writer.append(48, i, i.to_bytes(8, "little") + bytes(i % 900)):
        i += 1
        said.seek(0)
        said.write(i.to_bytes(8, "little"))
    else:
        wait_until("a window", lambda: journal.poll() or journal.writer.windows_ahead >= 1)
    journal.poll()
"""


@pytest.mark.parametrize("seed", range(6))
def test_kill_9_loses_nothing_that_was_written(tmp_path: Path, seed: int) -> None:
    path, count = tmp_path / "a.otj", tmp_path / "count"
    code = WRITER.format(identity=IDENTITY, window=SMALL)
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path), str(count)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as child:
        enough = 50 + seed * 400 + random.Random(seed).randrange(400)

        def has_written_enough() -> bool:
            assert child.poll() is None
            told = count.read_bytes() if count.exists() else b""
            return len(told) == 8 and int.from_bytes(told, "little") >= enough

        wait_until(f"{enough} records are written", has_written_enough, pause_s=0.0)
        child.send_signal(signal.SIGKILL)
        child.wait(PATIENCE_S)
    said = int.from_bytes(count.read_bytes(), "little")
    verdict = check(path)
    assert verdict.is_whole
    found = numbers(path)
    # The one being written may or may not have come to its end; whatever was said to be written
    # has.
    assert found == list(range(len(found))) and said <= len(found) <= said + 1
    journal = opened(path, max_mb=64)  # and the next process goes on behind it
    assert journal.writer.append(Rec.WORDS, 1, len(found).to_bytes(8, "little"))
    journal.close()
    assert numbers(path) == list(range(len(found) + 1)) and check(path).is_whole


RANKED = """
import os, sys
from pathlib import Path
from otrade.journal.file import JournalFile
from tests.harness.waiting import wait_until
try:
    os.setpriority(os.PRIO_PROCESS, 0, -5)
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(5))
except OSError:
    sys.exit("not permitted")
journal = JournalFile(Path(sys.argv[1]), {"day": "d"}, 7)
[thread] = set(os.listdir("/proc/self/task")) - {str(os.getpid())}
wait_until("the thread has let its rank go", lambda: os.getpriority(os.PRIO_PROCESS, int(thread)) >= 0)
print(os.sched_getscheduler(0), os.sched_getscheduler(int(thread)), os.getpriority(os.PRIO_PROCESS, int(thread)))
journal.close()
"""


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="threads have no rank of their own here"
)
def test_the_rank_of_the_process_is_its_loops_and_not_its_threads(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", RANKED, str(tmp_path / "a.otj")],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if "not permitted" in done.stderr:
        pytest.skip("this user may not raise a process's rank")
    assert done.stdout.split() == [str(os.SCHED_FIFO), str(os.SCHED_OTHER), "0"], done.stderr


def test_a_file_is_private_and_cut_to_what_was_written(tmp_path: Path) -> None:
    journal = opened(tmp_path / "journal" / "a.otj")
    fill(journal, 10)
    journal.close()
    journal.close()  # twice is once
    assert (
        journal.path.stat().st_mode & 0o777 == 0o600
        and journal.path.parent.stat().st_mode & 0o777 == 0o700
    )
    assert journal.path.stat().st_size == HEADER_BYTES + 10 * (HEAD + 104)


def test_runs_are_numbered_through(tmp_path: Path) -> None:
    for run in range(3):
        journal = opened(tmp_path / "a.otj")
        section = journal.begin_section()
        assert section == run
        journal.writer.begin_section(section)
        journal.writer.append(Rec.HELLO, run, b'{"format":1,"resume":false,"run_id":1}')
        fill(journal, 700, first=run * 700)
        journal.close()
    found = list(records(tmp_path / "a.otj"))
    assert [record.section for record in found if record.kind == Rec.HELLO] == [0, 1, 2]
    assert check(tmp_path / "a.otj").n_sections == 3
    numbered = [
        int.from_bytes(r.payload[:8], "little")
        for r in salvage(tmp_path / "a.otj")
        if r.kind == Rec.WORDS
    ]
    assert numbered == list(range(2100))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=900), max_size=60), st.integers(0, 4))
def test_what_goes_in_comes_out(payloads: list[bytes], spare: int) -> None:
    """Over windows of 4 KiB, so that every way to meet a window's end comes up."""
    made = [bytearray(4096) for _ in range(20)]
    writer = JournalWriter(made[0])
    for i, payload in enumerate(payloads):
        while writer.windows_ahead < 1:
            writer.retire()
            writer.offer(made[writer.window + 1])
        assert writer.append(Rec.RAW, i, payload)
    found = [r for window in made for r in walk(window)]
    assert not any(isinstance(r, BadRecord) for r in found)
    assert [
        bytes(r.payload) for r in found if not isinstance(r, BadRecord) and r.kind == Rec.RAW
    ] == payloads


@pytest.mark.parametrize("left", [0, 8, 24, 32, 40, 64])
def test_the_end_of_a_window(left: int) -> None:
    """A record that just fits, and one that just does not."""
    first, second = bytearray(4096), bytearray(4096)
    writer = JournalWriter(first)
    writer.offer(second)
    writer.append(Rec.RAW, 1, bytes(4096 - left - HEAD))
    assert writer.append(Rec.RAW, 2, b"12345678")
    assert (writer.window == 0) == (left >= 40)
    found = [
        (r.kind, r.seq)
        for window in (first, second)
        for r in walk(window)
        if not isinstance(r, BadRecord)
    ]
    assert [kind for kind, _ in found if kind != Rec.PAD] == [Rec.RAW, Rec.RAW]
    assert [seq for _, seq in found] == list(range(1, len(found) + 1))


def test_wrong_windows_are_refused() -> None:
    with pytest.raises(EngineError):
        JournalWriter(bytearray(100))
    with pytest.raises(EngineError):
        JournalWriter(bytearray(4096), used=4097)
    writer = JournalWriter(bytearray(4096))
    for _ in range(3):
        writer.offer(bytearray(4096))
    with pytest.raises(EngineError):
        writer.offer(bytearray(4096))


# -------------------------------------------------------------------------------------------------------
# broken things
def written(path: Path, n: int = 40) -> bytes:
    journal = opened(path)
    fill(journal, n)
    journal.close()
    return path.read_bytes()


def test_a_torn_tail_at_every_byte_of_the_last_record(tmp_path: Path) -> None:
    path = tmp_path / "a.otj"
    whole = written(path)
    last = len(whole) - (HEAD + 104)
    for cut in range(last, len(whole) - 4):  # the last four bytes are padding, zero either way
        # A torn record in a file that was allocated ahead: zeros follow.
        path.write_bytes(whole[:cut] + bytes(SMALL - (cut - HEADER_BYTES)))
        verdict = check(path)
        assert verdict.is_whole and verdict.n_records == 39, cut
        assert (verdict.torn_at >= 0) == (cut > last + 3 or any(whole[last:cut])), cut
        journal = opened(path)
        assert journal.writer.seq == 39 and journal.writer.append(
            Rec.WORDS, 5, (39).to_bytes(8, "little")
        )
        journal.close()
        assert numbers(path) == list(range(40)), cut
        path.unlink()


def test_every_flipped_bit_is_found(tmp_path: Path) -> None:
    path = tmp_path / "a.otj"
    whole = bytearray(written(path, 12))
    rng = random.Random(3)
    places = [rng.randrange(HEADER_BYTES, len(whole)) for _ in range(400)] + list(
        range(HEADER_BYTES, HEADER_BYTES + HEAD)
    )
    for at in places:
        bit = 1 << rng.randrange(8)
        offset_in_record = (at - HEADER_BYTES) % (HEAD + 104)
        whole[at] ^= bit
        path.write_bytes(whole)
        verdict = check(path)
        is_padding = offset_in_record >= HEAD + 100
        is_last = at >= len(whole) - (HEAD + 104)
        if is_padding:
            assert verdict.is_whole
        elif is_last:
            assert verdict.torn_at >= 0 or verdict.damages, (at, bit)
        else:
            assert verdict.damages, (at, bit)
            damage = verdict.damages[0]
            assert damage.offset <= at < damage.offset + max(damage.skipped_bytes, HEAD + 104)
            with pytest.raises(JournalError, match="damaged at offset"):
                list(records(path))
            with pytest.raises(JournalError, match="damaged at offset"):
                opened(path)
        whole[at] ^= bit


@pytest.mark.parametrize("at", [0, 3, 7, 9, 13, 20, 30, 60])
def test_a_damaged_header_is_named(tmp_path: Path, at: int) -> None:
    path = tmp_path / "a.otj"
    whole = bytearray(written(path))
    whole[at] ^= 0x40
    path.write_bytes(whole)
    with pytest.raises(JournalError, match="no journal of OTrade|format|damaged"):
        check(path)


def test_a_hole_is_damage_and_a_lost_record_too(tmp_path: Path) -> None:
    path = tmp_path / "a.otj"
    whole = bytearray(written(path))
    size = HEAD + 104
    at = HEADER_BYTES + 5 * size
    path.write_bytes(whole[:at] + bytes(2 * size) + whole[at + 2 * size :])
    verdict = check(path)
    assert [(d.offset, d.skipped_bytes) for d in verdict.damages] == [
        (at, 2 * size)
    ] and verdict.n_records == 38
    path.write_bytes(whole[:at] + whole[at + size :])
    verdict = check(path)
    assert len(verdict.damages) == 1 and "follows record 5" in verdict.damages[0].why
    assert len(list(salvage(path))) == 39, "a person may still read the rest"


@pytest.mark.parametrize("damage", ["truncate", "text", "empty", "directory", "newer"])
def test_what_is_no_journal_is_refused_by_name(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "a.otj"
    whole = bytearray(written(path))
    if damage == "truncate":
        path.write_bytes(whole[:40])
    elif damage == "text":
        path.write_text("hello\n" * 100)
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "newer":
        whole[8] = 9
        path.write_bytes(whole)
    else:
        path.unlink()
        path.mkdir()
    with pytest.raises(JournalError, match=re.escape(str(path))):
        check(path)


def test_another_identity_and_a_second_writer_are_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "a.otj"
    journal = opened(path)
    with pytest.raises(JournalBusy, match="another engine"):
        opened(path)
    journal.close()
    with pytest.raises(JournalError, match="account b"):
        JournalFile(path, {**IDENTITY, "account": "b"}, 1)
    opened(path).close()


# ---------------------------------------------------------------------------------------------------------
# a full disk
def test_a_full_disk_gives_up_frames_first_then_counts_what_is_lost_and_goes_on_when_there_is_room(
    tmp_path: Path,
) -> None:
    full = [False]

    def allocate(fd: int, offset: int, length: int) -> None:
        if full[0]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.posix_fallocate(fd, offset, length)

    journal = opened(tmp_path / "a.otj", reserve_mb=1, allocate=allocate)
    writer = journal.writer
    fill(journal, 100)
    full[0] = True
    i = 100
    for _ in attempts("the journal says that there is no room"):
        if journal.trouble:
            break
        assert writer.append(Rec.WORDS, i, i.to_bytes(8, "little") + bytes(4000))
        i += 1
        journal.poll()
    assert "No space left" in journal.trouble or "no room" in journal.trouble
    assert not writer.append(Rec.FRAME, i, bytes(100)), "frames are given up first"
    n_reserve = 0
    for _ in attempts("the reserve, which is kept for orders, is used up"):
        if not writer.append(Rec.WORDS, i, i.to_bytes(8, "little") + bytes(4000)):
            break
        i += 1
        n_reserve += 1
        journal.poll()
    assert n_reserve > 100
    assert writer.n_lost == 2 and writer.n_lost_frames == 1
    full[0] = False
    for _ in attempts("there is room again"):
        if not journal.trouble and writer.windows_ahead >= 1:
            break
        journal.poll()
    assert writer.append(Rec.WORDS, i, i.to_bytes(8, "little") + bytes(4000))
    journal.close()
    found = list(salvage(journal.path))
    dropped = [r for r in found if r.kind == Rec.DROPPED]
    assert sum(int.from_bytes(r.payload[:8], "little") for r in dropped) == 2
    assert sum(int.from_bytes(r.payload[8:16], "little") for r in dropped) == 1
    assert check(journal.path).is_whole


def test_the_size_limit_is_met_like_a_full_disk(tmp_path: Path) -> None:
    journal = opened(tmp_path / "a.otj", max_mb=2, reserve_mb=1)
    n = 0
    failures = 0
    for _ in attempts("the journal is full"):
        # The thread that offers windows may be late on a busy machine: only its word and many refusals
        # count
        if failures == 200:
            break
        if journal.writer.append(Rec.WORDS, n, n.to_bytes(8, "little") + bytes(4000)):
            n += 1
            failures = 0
        else:
            failures += bool(journal.trouble)
        journal.poll()
    assert "max_mb" in journal.trouble and n > 400
    journal.close()
    assert journal.path.stat().st_size <= HEADER_BYTES + (2 << 20)
    assert numbers(journal.path) == list(range(n))


def test_no_room_at_all_is_said_at_the_start(tmp_path: Path) -> None:
    def allocate(fd: int, offset: int, length: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(JournalError, match="no room"):
        opened(tmp_path / "a.otj", allocate=allocate)
    with pytest.raises(JournalError, match="cannot be written"):
        opened(Path("/proc/nowhere/a.otj"))


def test_opening_and_closing_leaves_nothing_behind(tmp_path: Path) -> None:
    def held() -> tuple[int, int, int]:
        maps = sum(
            str(tmp_path) in line for line in Path("/proc/self/maps").read_text().splitlines()
        )
        return len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task")), maps

    opened(tmp_path / "a.otj").close()
    before = held()
    for round in range(50):
        journal = opened(tmp_path / "a.otj")
        fill(journal, 30, first=round * 30)
        journal.close()
    assert held() == before


# -----------------------------------------------------------------------------------------------------------
# old files
def test_closed_days_are_compressed_kept_by_policy_and_still_read(tmp_path: Path) -> None:
    for day in range(1, 8):
        journal = JournalFile(
            tmp_path / f"2026-11-0{day}.otj", IDENTITY, 7, max_mb=8, window_bytes=SMALL
        )
        fill(journal, 300)
        journal.close()
    kept = aside(tmp_path / "2026-11-06.otj")
    assert kept.name == "2026-11-06.1.otj"
    (tmp_path / "notes.txt").write_text("not ours")
    done = tidy(tmp_path, "2026-11-07", keep_days=3, keep_mb=1000)
    assert not done.failed
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "2026-11-04.otj.gz",
        "2026-11-05.otj.gz",
        "2026-11-06.1.otj.gz",
        "2026-11-07.otj",
        "notes.txt",
    ]
    assert numbers(tmp_path / "2026-11-05.otj.gz") == list(range(300))
    assert (
        check(tmp_path / "2026-11-05.otj.gz").is_whole
        and len(list(windows(tmp_path / "2026-11-05.otj.gz"))) == 1
    )
    assert tidy(tmp_path, "2026-11-07", keep_days=3, keep_mb=1000).compressed == []
    tidy(tmp_path, "2026-11-07", keep_days=100, keep_mb=0)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["2026-11-07.otj", "notes.txt"], (
        "today's is never deleted"
    )


def test_a_cut_archive_is_named(tmp_path: Path) -> None:
    whole = written(tmp_path / "2026-11-01.otj")
    packed = gzip.compress(whole)
    (tmp_path / "cut.otj.gz").write_bytes(packed[: len(packed) // 2])
    with pytest.raises(JournalError, match=r"cut\.otj\.gz"):
        check(tmp_path / "cut.otj.gz")


# -------------------------------------------------------------------------------------------------------------
# pages kept writable
@pytest.mark.parametrize(
    ("first", "n"),
    [(0, 1 << 20), (100, 5_000), (8_190, 1), (16_000, 1 << 20), (-5, 10), (1 << 20, 7)],
)
def test_keeping_pages_writable_changes_no_byte(first: int, n: int) -> None:
    window = bytearray(random.Random(3).randbytes(16 << 10))
    before = bytes(window)
    keep_writable(window, first, n)
    assert window == before


def test_a_full_window_in_the_threads_hands_is_given_back_later(tmp_path: Path) -> None:
    journal = opened(tmp_path / "a.otj")
    try:
        held = memoryview(journal._maps[0])  # as while its pages are touched
        for _ in attempts("the first window is full"):
            if journal.writer.window > 0:
                break
            fill(journal, 10)
        journal.poll()
        assert 0 in journal._maps
        held.release()
        journal.poll()
        assert 0 not in journal._maps
    finally:
        journal.close()
    assert numbers(tmp_path / "a.otj")
