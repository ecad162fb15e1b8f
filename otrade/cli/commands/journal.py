"""`otrade journal verify|show|tail|export` and `otrade replay`: reading an engine's events and
decisions.
"""

from __future__ import annotations

import datetime as dt
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson

from otrade._core.codecs.decoders import FRAMES
from otrade._core.types import Rec
from otrade.errors import JournalError
from otrade.journal import export as exporting
from otrade.journal.record import Record
from otrade.journal.replay import Divergence, KeptRecord, Replay
from otrade.journal.scan import LOST_WORDS, check, is_being_written, salvage, windows
from otrade.journal.words import kind_name, line_of, words_of
from otrade.units import IST_NS, NS_PER_DAY, ist_hms

OK, DIFFERENT, INCOMPLETE = 0, 1, 3
TAIL_S = 0.25
NS_PER_S = 1_000_000_000


def verify(path: Path) -> int:
    """Say whether the file is whole and tells its whole day. Exit code 1: it is damaged; 3: nothing
    in it is, but records were lost while it was written, or its last run did not end in order (it
    died, or the file was cut).
    """
    verdict = check(path)
    identity = ", ".join(f"{name} {value}" for name, value in verdict.header.identity.items())
    print(f"{path}: {identity}")
    print(
        f"{verdict.n_records:,} records in {verdict.n_sections} runs, {_when(verdict.first_ts_ns)} to {_when(verdict.last_ts_ns)}"
    )
    for damage in verdict.damages:
        print(
            f"DAMAGED at offset {damage.offset}: {damage.why}; {damage.skipped_bytes} bytes cannot be read"
        )
    if verdict.torn_at >= 0:
        print(
            f"torn tail at offset {verdict.torn_at} ({verdict.torn_why}): the process died while writing it, or the file was cut there"
        )
    if verdict.n_lost:
        print(
            f"INCOMPLETE: {verdict.n_lost:,} records ({verdict.n_lost_frames:,} market frames) could not be written: "
            f"{LOST_WORDS[verdict.lost_why & 3]}. A replay ends at the first of them"
        )
    if not verdict.is_whole:
        return DIFFERENT
    if is_being_written(path):
        print("whole so far: an engine is writing it")
    elif not verdict.has_ended:
        print(
            "NO END: its last run did not end in order. The process died or the file was cut, and what came after "
            f"{_when(verdict.last_ts_ns)} is not known; a build before this one wrote no end"
        )
        return INCOMPLETE
    elif not verdict.n_lost:
        print("whole")
    return INCOMPLETE if verdict.n_lost else OK


def show(
    path: Path,
    *,
    kinds: str,
    order: str,
    instrument: int | None,
    since: str,
    until: str,
    limit: int,
    packets: bool,
    as_json: bool,
) -> int:
    """Print the records that pass every filter, damaged places named between them."""
    shown = 0
    for record in _chosen(salvage(path), kinds, order, instrument, since, until):
        print(_line(record, packets, as_json))
        shown += 1
        if limit and shown >= limit:
            break
    return verify_quietly(path)


def verify_quietly(path: Path) -> int:
    """Name damages on the error stream, so that a part is not taken for the whole."""
    verdict = check(path)
    for damage in verdict.damages:
        print(f"{path}: DAMAGED at offset {damage.offset}: {damage.why}", file=sys.stderr)
    return OK if verdict.is_whole else DIFFERENT


def tail(path: Path, *, lines: int, follow: bool, as_json: bool) -> int:
    """The last records, and with `follow` those that come, until Ctrl-C. Damaged places are named
    on the error stream.
    """
    kept: deque[Record] = deque(maxlen=lines)
    last = at = 0
    for record in salvage(path):
        last, at = record.seq, record.offset
        if record.kind not in QUIET:
            kept.append(record)
    for record in kept:
        print(_line(record, False, as_json), flush=True)
    code = verify_quietly(path)
    while follow:
        time.sleep(TAIL_S)
        for record in salvage(path, since=at):  # a day's file is long, and only its end is news
            if record.seq > last:
                last, at = record.seq, record.offset
                if record.kind not in QUIET:
                    print(_line(record, False, as_json), flush=True)
    return code


QUIET = (*FRAMES, Rec.TIMER, Rec.BOOK_BEGIN, Rec.BOOK_END)
"""Kinds too many to watch."""


def export(path: Path, target: Path | None, form: str, *, kinds: str) -> int:
    """Write the records as JSON Lines, CSV or Parquet, a row each."""
    rows = (words_of(record) for record in _chosen(salvage(path), kinds, "", None, "", ""))
    n = exporting.write(rows, target, form)
    print(f"{n:,} records written to {target or 'standard output'}", file=sys.stderr)
    return verify_quietly(path)


def replay(path: Path) -> int:
    """Feed the journal to a fresh core and compare. Exit code 0 when every decision is the same, 1
    at the first that is not.
    """
    began_s = time.monotonic()
    done = Replay()
    verdict = check(path)
    # Imported when it is wanted: to look at a journal needs no compiler of strategies.
    from otrade.journal.strategies import find_kept

    find_kept(path, may_compile=True)
    # A torn tail was never acted on; behind damage it is not known what is missing.
    for window in windows(path, verdict.damages[0].offset if verdict.damages else verdict.end):
        done.feed(window)
        if done.divergence is not None:
            break
    done.end(is_whole=verdict.is_whole and verdict.torn_at < 0)
    if done.divergence is not None:
        print(_explain(path, done.divergence))
        return DIFFERENT
    if verdict.damages:
        raise JournalError(
            f"{path}: damaged at offset {verdict.damages[0].offset}; what comes after it was not replayed"
        )
    took_s = time.monotonic() - began_s
    print(
        f"{path}: {done.n_events:,} events in {done.n_sections} runs give the same {done.n_decisions:,} decisions, bit for bit "
        f"({took_s:.2f} s)"
    )
    return OK


def _explain(path: Path, divergence: Divergence) -> str:
    event = next((record for record in salvage(path) if record.seq == divergence.event_seq), None)
    lines = [f"{path}: DIFFERENT after record {divergence.event_seq}"]
    if event is not None:
        lines.append(f"event       {_line(event, True, False)}")
    lines.append(f"journal     {_side(divergence.recorded, divergence.seq)}")
    lines.append(f"this build  {_side(divergence.replayed, divergence.seq)}")
    return "\n".join(lines)


def _side(kept: KeptRecord | None, seq: int) -> str:
    if kept is None:
        return "nothing was decided here"
    return _line(Record(kept.kind, 0, seq, kept.ts_ns, memoryview(kept.payload), 0), False, False)


# ----------------------------------------------------------------------------------------------------------------
# choosing
def _chosen(
    records: Iterator[Record],
    kinds: str,
    order: str,
    instrument: int | None,
    since: str,
    until: str,
) -> Iterator[Record]:
    wanted = _kinds(kinds)
    first, last = _time_of_day(since, "--from"), _time_of_day(until, "--until")
    tests: list[Callable[[Record], bool]] = []
    if wanted:
        tests.append(lambda record: record.kind in wanted)
    if first is not None:
        tests.append(lambda record: (record.ts_ns + IST_NS) % NS_PER_DAY >= first)
    if last is not None:
        tests.append(lambda record: (record.ts_ns + IST_NS) % NS_PER_DAY < last)
    if order:
        tests.append(lambda record: order.encode() in bytes(record.payload))
    if instrument is not None:
        tests.append(lambda record: words_of(record).get("instrument_id") == instrument)
    return (record for record in records if all(test(record) for test in tests))


def _kinds(text: str) -> frozenset[int]:
    found = set()
    for name in filter(None, text.upper().split(",")):
        if name not in Rec.__members__:
            raise JournalError(
                f"--kind {name}: there is no such kind; kinds are {', '.join(Rec.__members__)}"
            )
        found.add(int(Rec[name]))
    return frozenset(found)


def _time_of_day(text: str, option: str) -> int | None:
    if not text:
        return None
    try:
        at = dt.time.fromisoformat(text)
    except ValueError:
        raise JournalError(f"{option} {text}: write HH:MM or HH:MM:SS, Indian time") from None
    return ((at.hour * 60 + at.minute) * 60 + at.second) * NS_PER_S


def _line(record: Record, packets: bool, as_json: bool) -> str:
    row = words_of(record, packets=packets)
    if as_json:
        return orjson.dumps(row, default=str).decode()
    return f"{record.seq:>9}  {_when(record.ts_ns)}  {kind_name(record.kind):<10}  {line_of(row)}"


def _when(ts_ns: int) -> str:
    return f"{ist_hms(ts_ns)}.{ts_ns % NS_PER_S // 1000:06d}" if ts_ns else "-"
