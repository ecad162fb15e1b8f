"""A journal's file read from end to end, a window at a time: its records, and everything that is
wrong with it.

A torn tail (the last record was being written when the process died) is harmless: what it would
have told never happened for the engine that reads it. A bad record with good ones behind it is
damage. Either is named with its offset, and nothing is skipped in silence.
"""

import fcntl
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

import msgspec

from otrade._core.journal_writer import measure, next_good, record_at
from otrade._core.types import Lost, Rec
from otrade.errors import JournalError
from otrade.journal.layout import HEADER_BYTES, Header, read_header
from otrade.journal.record import BadRecord, Record, walk
from otrade.plain_file import open_plain

HEAD = 32


class Damage(msgspec.Struct, frozen=True):
    """A place where records cannot be read, or are missing."""

    offset: int
    why: str
    skipped_bytes: int


class ScanResult(msgspec.Struct):
    """What a file holds. `end` is the offset behind the last good record, `end_seq` that record's
    number (0 for none).
    """

    header: Header
    n_records: int = 0
    n_sections: int = 0
    end: int = HEADER_BYTES
    end_seq: int = 0
    first_ts_ns: int = 0
    last_ts_ns: int = 0
    torn_at: int = -1
    """Offset of a record that was being written when the process died; -1: none."""
    torn_why: str = ""
    damages: list[Damage] = msgspec.field(default_factory=list)
    last_kind: int = 0
    n_lost: int = 0
    """Records that the engine could not write, market frames included; `lost_why`: bits of `Lost`,
    0 for a build that did not say.
    """
    n_lost_frames: int = 0
    lost_why: int = 0

    @property
    def is_whole(self) -> bool:
        """Nothing of it is damaged."""
        return not self.damages

    @property
    def has_ended(self) -> bool:
        """The last run ended in order, and nothing behind its last word has been cut off."""
        return self.last_kind == Rec.END and self.torn_at < 0

    def count_lost(self, payload: memoryview | bytes) -> None:
        """Add what a DROPPED record tells."""
        lost, frames, why = lost_of(payload)
        self.n_lost += lost
        self.n_lost_frames += frames
        self.lost_why |= why


def lost_of(payload: memoryview | bytes) -> tuple[int, int, int]:
    """(records, market frames among them, why) of a DROPPED record."""
    lost, frames, why = (int.from_bytes(payload[at : at + 8], "little") for at in (0, 8, 16))
    return lost, frames, why


LOST_WORDS = {
    0: "the build that wrote it did not say why",
    Lost.FAST: "they came faster than room for them was made ready",
    Lost.DISK: "the disk was full or refused, or the file had reached journal.max_mb",
    Lost.FAST
    | Lost.DISK: "the disk was full or refused, and some came faster than room was made ready",
}


def open_stream(path: Path) -> BinaryIO:
    """The file's bytes, unzipped when its name says so. JournalError when it cannot be opened."""
    try:
        if path.suffix == ".gz":
            import gzip  # not small, and no running engine needs it

            return cast(BinaryIO, gzip.open(path, "rb"))
        return open_plain(path)
    except OSError as error:
        raise JournalError(f"{path}: {error.strerror}") from None


def is_being_written(path: Path) -> bool:
    """Does an engine hold this file?"""
    try:
        with open_plain(path) as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def header_of(path: Path) -> Header:
    with open_stream(path) as stream:
        return read_header(_read(stream, HEADER_BYTES, path), str(path))


def records(path: Path) -> Iterator[Record]:
    """Every record but PADs, offsets counted from the file's first byte. JournalError at the first
    damage.

    A payload is borrowed: it is good until the next record is asked for.
    """
    verdict = None
    for found in _walk_file(path):
        if isinstance(found, ScanResult):
            verdict = found
            if verdict.damages:
                damage = verdict.damages[0]
                raise JournalError(
                    f"{path}: damaged at offset {damage.offset}: {damage.why}. See: otrade journal verify {path}"
                )
        else:
            yield found


def windows(path: Path, end: int = -1) -> Iterator[memoryview]:
    """The file's windows, whole or cut at offset `end`. Each is good until the next one is asked
    for.
    """
    with open_stream(path) as stream:
        header = read_header(_read(stream, HEADER_BYTES, path), str(path))
        offset = HEADER_BYTES
        while (end < 0 or offset < end) and (window := _read(stream, header.window_bytes, path)):
            yield memoryview(window)[: end - offset] if end >= 0 else memoryview(window)
            offset += len(window)


def check(path: Path) -> ScanResult:
    """Read all of it."""
    with open_stream(path) as stream:
        verdict = ScanResult(read_header(_read(stream, HEADER_BYTES, path), str(path)))
        offset = HEADER_BYTES
        while window := _read(stream, verdict.header.window_bytes, path):
            at = _measure(memoryview(window), offset, verdict)
            for _ in _walk_window(memoryview(window), offset, verdict, at):
                pass
            offset += len(window)
    return verdict


def _measure(window: memoryview, base: int, verdict: ScanResult) -> int:
    """Count the good records that a window begins with, as `_walk_window` would; where they end."""
    if verdict.torn_at >= 0 or verdict.end_seq < 0:
        return 0
    at, seq, n_records, n_hellos, first_ns, last_ns, last_kind, dropped = measure(
        window, 0, verdict.end_seq
    )
    if at:
        verdict.end, verdict.end_seq = base + at, seq
        verdict.n_records += n_records
        verdict.n_sections += n_hellos
        verdict.first_ts_ns = verdict.first_ts_ns or first_ns
        verdict.last_ts_ns = last_ns or verdict.last_ts_ns
        verdict.last_kind = last_kind or verdict.last_kind
        for offset in dropped:
            _, _, _, _, _, start, n, _ = record_at(window, offset)
            verdict.count_lost(window[start : start + n])
    return int(at)


def salvage(path: Path, since: int = 0) -> Iterator[Record]:
    """Every record that can be read, across damages too: for a person who looks, never for a
    replay. `since`: only those of the window that has this byte of the file, and of the windows
    after it.
    """
    return (found for found in _walk_file(path, since) if isinstance(found, Record))


def _walk_file(path: Path, since: int = 0) -> Iterator[Record | ScanResult]:
    """Records, and whenever something is wrong and at the end the verdict so far."""
    with open_stream(path) as stream:
        header = read_header(_read(stream, HEADER_BYTES, path), str(path))
        verdict = ScanResult(header)
        offset = HEADER_BYTES
        if since > offset:
            offset += (since - offset) // header.window_bytes * header.window_bytes
            stream.seek(offset)
            verdict.end_seq = -1  # what was skipped is no gap
        while window := _read(stream, header.window_bytes, path):
            yield from _walk_window(memoryview(window), offset, verdict)
            offset += len(window)
        yield verdict


def _read(stream: BinaryIO, n: int, path: Path) -> bytes:
    try:
        return stream.read(n)
    except (OSError, EOFError) as error:
        raise JournalError(f"{path}: it cannot be read to its end ({error})") from None


def _walk_window(
    window: memoryview, base: int, verdict: ScanResult, at: int = 0
) -> Iterator[Record | ScanResult]:
    while True:
        bad: BadRecord | None = None
        for found in walk(window, at):
            if isinstance(found, BadRecord):
                bad = found
                break
            at = found.offset + HEAD + (len(found.payload) + 7) // 8 * 8
            if found.kind == Rec.PAD:
                at = len(window)
            _note(verdict, found, base)
            if verdict.damages and verdict.damages[-1].offset == base + found.offset:
                yield verdict
            verdict.end = base + at
            if found.kind != Rec.PAD:
                yield Record(
                    found.kind,
                    found.section,
                    found.seq,
                    found.ts_ns,
                    found.payload,
                    base + found.offset,
                )
        start = bad.offset if bad is not None else at
        good = next_good(window, start + 8) if start < len(window) else -1
        if good < 0:
            if bad is not None:
                verdict.torn_at, verdict.torn_why = base + bad.offset, bad.why
            return
        why = bad.why if bad is not None else "nothing is written where a record should be"
        verdict.damages.append(Damage(base + start, why, good - start))
        yield verdict
        at = good
        verdict.end_seq = -1  # the gap has been named


def _note(verdict: ScanResult, record: Record, base: int) -> None:
    """Count a good record, and see whether it follows the one before."""
    if verdict.torn_at >= 0:
        verdict.damages.append(
            Damage(verdict.torn_at, verdict.torn_why, base + record.offset - verdict.torn_at)
        )
        verdict.torn_at, verdict.torn_why = -1, ""
    elif verdict.end_seq >= 0 and record.seq != verdict.end_seq + 1:
        verdict.damages.append(
            Damage(base + record.offset, f"record {record.seq} follows record {verdict.end_seq}", 0)
        )
    verdict.end_seq = record.seq
    if record.kind == Rec.PAD:
        return
    verdict.n_records += 1
    verdict.n_sections += record.kind == Rec.HELLO
    verdict.last_kind = record.kind
    if record.kind == Rec.DROPPED:
        verdict.count_lost(record.payload)
    verdict.first_ts_ns = verdict.first_ts_ns or record.ts_ns
    verdict.last_ts_ns = record.ts_ns
