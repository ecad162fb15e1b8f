"""Looking into a journal from outside: a page of its rows, or the engine as it was at a moment. One
question, one JSON answer.

    python -m otrade.journal.peek rows FILE '{"kinds": "NOTICE,COMMAND", "text": "", "offset": 0,
    "limit": 200}' python -m otrade.journal.peek moment FILE '{"ts_ns": 1756698300000000000,
    "curve": true}'

It is a process of its own, so that a person who reads in yesterday takes no moment from the engine
of today.
"""

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import orjson

from otrade._core.codecs.decoders import FRAMES
from otrade._core.journal_writer import find, measure, next_good, record_at
from otrade._core.types import Halt, Rec
from otrade.errors import JournalError, OTradeError
from otrade.journal.layout import HEADER_BYTES, read_header
from otrade.journal.questions import MomentQuestion, RowsQuestion
from otrade.journal.record import BadRecord, Record, walk
from otrade.journal.replay import Replay
from otrade.journal.scan import open_stream
from otrade.journal.words import line_of, words_of

QUIET = frozenset((*FRAMES, Rec.TIMER, Rec.BOOK_BEGIN, Rec.BOOK_END, Rec.PAD))
"""Kinds too many to read; a filter may name them all the same."""
LIMIT_MAX = 1_000
WITHIN_S = 2.0
"""After that long the rows so far are given, and where to go on."""
POLITE = 10


# --------------------------------------------------------------------------------------------- rows
def rows(path: Path, asked: RowsQuestion) -> dict[str, Any]:
    """A page of rows that pass the filter: {rows, next_offset, is_end, trouble}. JournalError when
    it cannot be read at all.
    """
    until_s = time.monotonic() + WITHIN_S
    kinds = _kinds(asked.kinds)
    limit = max(1, min(asked.limit, LIMIT_MAX))
    needle = asked.text.casefold()
    found: list[dict[str, Any]] = []
    trouble: list[str] = []
    with open_stream(path) as stream:
        window_bytes = read_header(stream.read(HEADER_BYTES), str(path)).window_bytes
        start = (
            _tail_window(stream, window_bytes)
            if asked.is_tail and path.suffix != ".gz"
            else asked.offset
        )
        end = max(start, HEADER_BYTES)
        for base, at, window in _windows(stream, window_bytes, end):
            if asked.is_tail and len(found) > limit:
                del found[:-limit]
            for record in _records(window, base, at, kinds, trouble):
                end = base + record.offset + 1
                row = words_of(
                    Record(
                        record.kind,
                        record.section,
                        record.seq,
                        record.ts_ns,
                        record.payload,
                        base + record.offset,
                    )
                )
                said = line_of(row)
                if (
                    needle
                    and needle not in said.casefold()
                    and needle not in row["kind"].casefold()
                ):
                    continue
                own = {name: row[name] for name in ("seq", "kind", "offset")}
                found.append({**own, "ts_ms": row["ts_ns"] // 1_000_000, "words": said})
                if len(found) >= limit and not asked.is_tail:
                    return {"rows": found, "next_offset": end, "is_end": False, "trouble": trouble}
            end = max(end, base + _written(window))
            if time.monotonic() > until_s:
                return {
                    "rows": found[-limit:],
                    "next_offset": end,
                    "is_end": False,
                    "trouble": trouble,
                }
    return {
        "rows": found[-limit:] if asked.is_tail else found,
        "next_offset": end,
        "is_end": True,
        "trouble": trouble,
    }


def _kinds(text: str) -> int:
    """The bit set of the wanted kinds; without a filter everything but the quiet ones."""
    names = [name for name in text.upper().split(",") if name]
    unknown = [name for name in names if name not in Rec.__members__]
    if unknown:
        raise JournalError(
            f"{unknown[0]}: there is no such kind; kinds are {', '.join(Rec.__members__)}"
        )
    wanted = [Rec[name] for name in names] or [kind for kind in Rec if kind not in QUIET]
    return sum(1 << kind for kind in set(wanted))


def _windows(stream: BinaryIO, window_bytes: int, start: int) -> Iterator[tuple[int, int, bytes]]:
    """(offset in the file, where to begin inside, bytes) of each window from the one that holds
    `start` on, until nothing is written.
    """
    number, at = divmod(start - HEADER_BYTES, window_bytes)
    base = HEADER_BYTES + number * window_bytes
    stream.seek(base)
    while window := stream.read(window_bytes):
        if not window[:4].strip(b"\0"):
            return
        yield base, at, window
        base, at = base + len(window), 0


def _written(window: bytes) -> int:
    """How far a window's good records reach."""
    return int(measure(window, 0, 0)[0])


def _records(window: bytes, base: int, at: int, kinds: int, trouble: list[str]) -> Iterator[Record]:
    """Records of the wanted kinds; a damaged place is named and stepped over."""
    if at % 8:
        at = _boundary(window, at)
    while True:
        while (place := find(window, at, kinds)) >= 0:
            _, kind, section, seq, ts_ns, start, n, at = record_at(window, place)
            yield Record(kind, section, seq, ts_ns, memoryview(window)[start : start + n], place)
        end = _end_of_good(window, at)
        good = next_good(window, end + 8) if end < len(window) else -1
        if good < 0:
            return
        trouble.append(f"damaged at offset {base + end}; {good - end} bytes cannot be read")
        at = good


def _boundary(window: bytes, after: int) -> int:
    """The first record behind the one that begins a byte before `after`."""
    return int(record_at(window, after - 1)[7])


def _end_of_good(window: bytes, at: int) -> int:
    """Where reading from `at` on has to stop."""
    while at < len(window):
        following = record_at(window, at)[7]
        if following <= at:
            return at
        at = following
    return at


def _tail_window(stream: BinaryIO, window_bytes: int) -> int:
    """Offset of the last but one window in which something is written: what is allocated ahead is
    empty.
    """
    stream.seek(0, os.SEEK_END)
    low, high = 0, max((stream.tell() - HEADER_BYTES - 1) // window_bytes, 0)
    while low < high:
        middle = (low + high + 1) // 2
        stream.seek(HEADER_BYTES + middle * window_bytes)
        low, high = (middle, high) if stream.read(4).strip(b"\0") else (low, middle - 1)
    return HEADER_BYTES + max(low - 1, 0) * window_bytes


# ------------------------------------------------------------------------------------------ moments
def moment(path: Path, asked: MomentQuestion) -> dict[str, Any]:
    """The engine after everything up to `ts_ns`, from a replay: see
    `otrade.contract.queries.ReplayView`.
    """
    done = Replay()
    state: dict[str, Any] | None = None
    curve: list[dict[str, int | None]] = []
    first_ns = last_ns = 0
    trouble = ""
    with open_stream(path) as stream:
        window_bytes = read_header(stream.read(HEADER_BYTES), str(path)).window_bytes
        for _, _, window in _windows(stream, window_bytes, HEADER_BYTES):
            starts_ns, ends_ns = measure(window, 0, 0)[4:6]
            first_ns = first_ns or starts_ns
            last_ns = ends_ns or last_ns
            at = 0
            try:
                if state is None and asked.ts_ns and ends_ns > asked.ts_ns:
                    at = _cut(window, asked.ts_ns)
                    done.feed(window[:at].ljust(len(window), b"\0"))
                    state = _state(done, asked.ts_ns)
                    if not asked.curve:
                        continue
                if state is None or asked.curve:
                    done.feed(window, at)
            except OTradeError as error:
                trouble = str(error)
            if asked.curve and done.engine is not None:
                curve.append(
                    {
                        "ts_ms": done.last_ts_ns // 1_000_000,
                        "gross_e4": done.engine.risk()["pnl_e4"],
                        "net_e4": done.engine.risk()["net_e4"],
                    }
                )
            if trouble or done.divergence is not None:
                break
    if done.divergence is not None:
        trouble = f"this build decides differently after record {done.divergence.event_seq}: what is shown ends there"
    state = state or _state(done, done.last_ts_ns)
    return {
        **state,
        "first_ms": first_ns // 1_000_000,
        "last_ms": last_ns // 1_000_000,
        "curve": curve,
        "trouble": trouble,
    }


def _cut(window: bytes, ts_ns: int) -> int:
    """The offset of the first record after the moment."""
    for record in walk(window):
        if isinstance(record, BadRecord):
            return record.offset
        if record.kind != Rec.PAD and record.ts_ns > ts_ns:
            return record.offset
    return len(window)


def _state(done: Replay, ts_ns: int) -> dict[str, Any]:
    engine = done.engine
    if engine is None:
        return {
            "ts_ms": ts_ns // 1_000_000,
            "halt": "ACTIVE",
            "gross_e4": 0,
            "net_e4": 0,
            "n_orders": 0,
            "n_open": 0,
            "positions": [],
        }
    risk = engine.risk()
    lives = [engine.bracket(i) for i in engine.live_brackets()]
    positions = []
    for instrument_id in range(engine.n_instruments):
        position = engine.position(instrument_id)
        if not position["buy_qty"] and not position["sell_qty"]:
            continue
        here = [bracket for bracket in lives if bracket["instrument_id"] == instrument_id]
        instrument = engine.instrument(instrument_id)
        positions.append(
            {
                "symbol": f"{instrument['exchange']}:{instrument['symbol']}",
                "net_qty": position["net_qty"],
                "open_qty": sum(bracket["open_qty"] for bracket in here),
                "protected_qty": sum(bracket["protected_qty"] for bracket in here),
                "ltp_e4": engine.market(instrument_id)["ltp_e4"] or None,
                "gross_e4": position["pnl_e4"],
            }
        )
    return {
        "ts_ms": ts_ns // 1_000_000,
        "halt": Halt(risk["halt"]).name,
        "gross_e4": risk["pnl_e4"],
        "net_e4": risk["net_e4"],
        "n_orders": engine.n_orders,
        "n_open": engine.n_live,
        "positions": positions,
    }


def main(what: str, path: str, question: str) -> int:
    os.nice(POLITE)
    try:
        if what == "rows":
            answer = rows(Path(path), msgspec.json.decode(question, type=RowsQuestion))
        else:
            # Imported when it is wanted: rows need no strategies.
            from otrade.journal.strategies import find_kept

            find_kept(Path(path), may_compile=False)
            answer = moment(Path(path), msgspec.json.decode(question, type=MomentQuestion))
    except (OTradeError, EOFError, OSError) as error:
        answer = {"error": str(error)}
    sys.stdout.buffer.write(orjson.dumps(answer))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
