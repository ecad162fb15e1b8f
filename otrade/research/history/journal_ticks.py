"""Ticks with their order book out of a journal: every packet that an engine received, as it was on the
wire.
"""

from __future__ import annotations

import hashlib
from array import array
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec

from otrade._core.codecs.decoders import FRAMES, decode_frame
from otrade._core.types import Has, Limit, Rec
from otrade.brokers.registry import BROKERS
from otrade.brokers.wire import wire_of
from otrade.errors import HistoryError
from otrade.journal.day_names import DayNames, read_names
from otrade.journal.packet_owner import owner_of
from otrade.journal.record import Record
from otrade.journal.replay import read_hello
from otrade.journal.scan import check, header_of, open_stream, salvage
from otrade.journal.words import words_of
from otrade.research.arrow import pa
from otrade.research.history.archive import Conflict, MergeResult, NewMonth, PriceArchive
from otrade.research.history.month_file import (
    DEPTH_COLUMNS,
    TICK_NUMBERS,
    TICK_OWN,
    TICK_SCHEMA,
    TIME,
)
from otrade.research.history.series import (
    TICK,
    Origin,
    PriceSeries,
    SeriesFacts,
    date_words,
    segment_of,
    series_of,
    stamp,
)

SECOND_FEEDS = frozenset(wire.frame_kinds[1] for name in BROKERS if (wire := wire_of(name)))
PART_OF = {
    "ltp_e4": Has.TRADE,
    "ltq": Has.TRADE,
    "ts_trade_ns": Has.TRADE,
    "volume": Has.VOLUME,
    "oi": Has.OI,
    "avg_px_e4": Has.AVERAGE,
    "buy_qty": Has.WANTED,
    "sell_qty": Has.OFFERED,
    "open_e4": Has.QUOTE,
    "high_e4": Has.QUOTE,
    "low_e4": Has.QUOTE,
    "close_e4": 0,
    "ts_exch_ns": 0,
    **dict.fromkeys(DEPTH_COLUMNS, Has.DEPTH),
}
"""Which part of a packet tells a column; 0: any, where it is not 0."""
CHUNK = 1 << 20


class JournalReport(msgspec.Struct):
    """What was taken of a journal, by series, and what is to be said of it."""

    merged: dict[PriceSeries, MergeResult]
    notes: list[str]


class _TickColumns:
    """The ticks of one instrument, as they come."""

    def __init__(self) -> None:
        self.own = {name: array("q") for name in TICK_OWN}
        self.numbers = {name: array("q") for name in TICK_NUMBERS}
        self.known = array("q")

    def add(self, record: Record, packet: int, tick: dict[str, Any]) -> None:
        for name, value in zip(
            TICK_OWN,
            (record.ts_ns, record.seq, packet, int(record.kind in SECOND_FEEDS)),
            strict=True,
        ):
            self.own[name].append(value)
        self.known.append(tick["has"])
        for name in TICK_NUMBERS[: -len(DEPTH_COLUMNS)]:
            self.numbers[name].append(tick[name])
        for side in ("bid", "ask"):
            for what in ("px_e4", "qty", "orders"):
                for level, value in enumerate(tick[f"{side}_{what}"], 1):
                    self.numbers[f"{side}_{what}_{level}"].append(value)

    def table(self, series: PriceSeries) -> Any:
        n = len(self.known)
        columns = {"symbol": [series.symbol] * n}
        times = array("q", (ts_ns // 1000 for ts_ns in self.own["ts_ns"]))
        columns["time"] = pa.array(times, pa.int64()).cast(TIME[1])
        columns |= {name: pa.array(values, pa.int64()) for name, values in self.own.items()}
        for name, values in self.numbers.items():
            part = PART_OF[name]
            columns[name] = pa.array(
                (
                    value if (has & part if part else value) else None
                    for value, has in zip(values, self.known, strict=True)
                ),
                pa.int64(),
                size=n,
            )
        return pa.table(columns, TICK_SCHEMA)


def import_journal(
    archive: PriceArchive, path: Path, symbol: str, conflict: Conflict, now_ns: int
) -> JournalReport:
    """Ticks of every instrument of a journal, or of one. HistoryError when they are refused,
    JournalError when the file cannot be read.
    """
    identity = header_of(path).identity
    is_simulated = identity.get("mode") != "live"
    found, notes = _ticks_of(path)
    if symbol:
        wanted = series_of(symbol, TICK).symbol
        if wanted not in found:
            raise HistoryError(
                f"{path}: no ticks of {wanted}; it has {', '.join(sorted(found)) or 'none'}"
            )
        found = {wanted: found[wanted]}
    if not found:
        raise HistoryError(f"{path}: no ticks")
    added = stamp(now_ns)
    digest = _sha256(path)
    merged = {}
    with archive.changing():
        for name, columns in sorted(found.items()):
            series = series_of(name, TICK)
            table = columns.table(series)
            times = columns.own["ts_ns"]
            first, last = date_words(times[0]), date_words(times[-1])
            if first[:7] != last[:7]:
                raise HistoryError(f"{path}: a journal of two months ({first} to {last})")
            origin = Origin(
                "journal", path.name, added, len(times), first, last, digest, notes=tuple(notes)
            )
            facts = SeriesFacts(segment_of(name), 0, is_simulated)
            merged[series] = archive.merge(
                series, facts, {first[:7]: NewMonth(table, origin)}, conflict
            )
    return JournalReport(merged, notes)


def _ticks_of(path: Path) -> tuple[dict[str, _TickColumns], list[str]]:
    """By symbol, and what is missing of them."""
    by_token: dict[tuple[int, int], str] = {}
    by_key: dict[str, str] = {}
    names: list[str] = []
    told = DayNames()
    found: dict[str, _TickColumns] = {}
    refused, unknown = Counter[int](), 0
    for record in salvage(path):
        if record.kind == Rec.HELLO:
            names, told = [], read_names(read_hello(record.payload))
        elif record.kind == Rec.CALL:
            row = words_of(record)
            args = row.get("args", {})
            if row.get("method") == "add_instrument":
                name = f"{args['exchange']}:{args['symbol']}"
                if len(names) < len(told.instruments):  # on the wire a broker may call it otherwise
                    name = told.instruments[len(names)].symbol
                names.append(name)
                by_token[args["token"], args["segment"]] = name
            elif row.get("method") == "add_key":
                by_key[args["key"]] = names[args["instrument_id"]]
        elif record.kind in FRAMES:
            for packet, tick in enumerate(decode_frame(record.kind, record.payload)):
                if tick["reason"]:
                    refused[tick["reason"]] += 1
                    continue
                symbol = owner_of(tick, by_key, by_token)
                if symbol is None:
                    unknown += 1
                    continue
                found.setdefault(symbol, _TickColumns()).add(record, packet, tick)
    return found, _notes(path, unknown)


def _notes(path: Path, unknown: int) -> list[str]:
    """What of the day's ticks is not in the file."""
    verdict, notes = check(path), []
    if verdict.damages:
        notes.append(
            f"the journal is damaged in {len(verdict.damages)} places: ticks are missing there (otrade journal verify)"
        )
    if verdict.n_lost_frames:
        notes.append(f"{verdict.n_lost_frames:,} market frames could not be written that day")
    if unknown:
        notes.append(
            f"{unknown:,} packets of instruments that the journal does not name were left out"
        )
    return notes


def _sha256(path: Path) -> str:
    """Of the journal itself, compressed or not."""
    digest = hashlib.sha256()
    with open_stream(path) as stream:
        while data := stream.read(CHUNK):
            digest.update(data)
    return digest.hexdigest()


assert len(DEPTH_COLUMNS) == 6 * Limit.DEPTH
