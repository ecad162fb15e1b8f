"""A record as a person or a script reads it: a plain dict, codes by their names, prices as they are
(`_e4`).

Struct layouts come from `otrade/_core/types.py`, the one place where they are spelled.
"""

import struct
from collections.abc import Mapping
from enum import IntEnum
from typing import Any

import orjson

from otrade._core.codecs.decoders import FRAMES, count_packets, decode_frame
from otrade._core.pack import CODES
from otrade._core.types import (
    NOTE_FIELDS,
    STRUCTS,
    Action,
    Cmd,
    Ev,
    Halt,
    Lane,
    Leg,
    Level,
    Lost,
    Note,
    OrdType,
    Product,
    Reason,
    Rec,
    Severity,
    Side,
    Source,
    Tif,
)
from otrade.journal.record import Record

ENUMS: dict[str, type[IntEnum]] = {
    "side": Side,
    "ord_type": OrdType,
    "tif": Tif,
    "product": Product,
    "lane": Lane,
    "leg": Leg,
    "ev": Ev,
    "outcome": Ev,
    "reason": Reason,
    "blocked": Reason,
    "severity": Severity,
    "halt": Halt,
}
SOURCES = {source: source.name.lower() for source in Source}
OWN = ("seq", "section", "ts_ns", "kind", "offset")
"""Columns that every row has."""
COMMAND_FIELDS_UNTIL = "n_bytes"
"""A COMMAND record ends its struct here; the request's first line and body follow."""


class StructReader:
    """One struct of `STRUCTS`, C-aligned, as a reader of bytes."""

    align: int
    end: int
    """Bytes up to and including the last field."""
    size: int

    def __init__(self, name: str, until: str = "") -> None:
        self._fields: list[tuple[str, struct.Struct | StructReader, int]] = []
        at = widest = 0
        for field in STRUCTS[name]:
            if field[0] == until:
                break
            kind, count = field[1], field[2] if len(field) == 3 else 0
            if kind in STRUCTS:
                inner = StructReader(kind)
                at = _aligned(at, inner.align)
                self._fields.append((field[0], inner, at))
                at += inner.size
                widest = max(widest, inner.align)
                continue
            size = 1 if kind == "c" else struct.calcsize(CODES[kind])
            at = _aligned(at, size)
            code = f"<{count or 1}s" if kind == "c" else f"<{count or 1}{CODES[kind]}"
            self._fields.append((field[0], struct.Struct(code), at))
            at += size * (count or 1)
            widest = max(widest, size)
        self.align = widest
        self.end = at
        self.size = _aligned(at, widest)

    def read(self, payload: bytes | memoryview, base: int = 0) -> dict[str, Any]:
        """Every field but padding; texts as str, arrays as lists, inner structs as dicts."""
        found: dict[str, Any] = {}
        for name, how, at in self._fields:
            if name.startswith("_"):
                continue
            if isinstance(how, StructReader):
                found[name] = how.read(payload, base + at)
                continue
            values = how.unpack_from(payload, base + at)
            value = values[0] if len(values) == 1 else list(values)
            found[name] = (
                value.split(b"\0")[0].decode("ascii", "replace")
                if isinstance(value, bytes)
                else value
            )
        return found


def _aligned(at: int, size: int) -> int:
    return -(-at // size) * size if size else at


REPORT, ANSWER, SIGNAL, DECISION, HISTORY, BAR = map(
    StructReader,
    ("report_t", "answer_t", "signal_rec_t", "decision_rec_t", "history_t", "bar_t"),
)
NOTICE = struct.Struct("<" + "".join(CODES[kind] for _, kind, *_ in STRUCTS["notice_t"]))
"""`notice_t`, which has no gaps: a day may hold a hundred thousand."""
NOTICE_FIELDS = tuple(field[0] for field in STRUCTS["notice_t"])
COMMAND = StructReader("command_t", COMMAND_FIELDS_UNTIL)


def read_notice(payload: bytes | memoryview) -> dict[str, int]:
    """A NOTICE record's fields by their names: those of every notice, `note` among them, and those
    of `NOTE_FIELDS`. Of a note that this build does not know they stay a, b and c.
    """
    row: dict[str, int] = dict(zip(NOTICE_FIELDS, NOTICE.unpack(payload), strict=True))
    fields = NOTE_FIELDS.get(row["code"])
    found = {"note": row.pop("code"), **row}
    if fields is not None:
        values = [found.pop(place) for place in ("a", "b", "c")]
        found.update(zip(fields, values, strict=False))
    return found


def named(row: Mapping[str, Any]) -> dict[str, Any]:
    """Codes replaced by their names; a number that is in no table stays a number."""
    found = dict(row)
    for name, enum in ENUMS.items():
        if isinstance(found.get(name), int):
            found[name] = _name(enum, found[name])
    return found


def _name(enum: type[IntEnum], code: int) -> str | int:
    try:
        return enum(code).name
    except ValueError:
        return code


def kind_name(kind: int) -> str:
    """The kind's name, or its number when this build does not know it."""
    return str(_name(Rec, kind))


def words_of(record: Record, *, packets: bool = False) -> dict[str, Any]:
    """What a record says. `packets`: a frame's packets decoded too. Never raises for a payload that
    is not as it should be.
    """
    row: dict[str, Any] = {
        "seq": record.seq,
        "section": record.section,
        "ts_ns": record.ts_ns,
        "kind": kind_name(record.kind),
        "offset": record.offset,
    }
    try:
        return row | _body(record.kind, record.payload, packets)
    except (struct.error, orjson.JSONDecodeError, ValueError) as error:
        return row | {
            "unreadable": f"{type(error).__name__}: {error}",
            "payload": bytes(record.payload).hex(),
        }


def _body(kind: int, payload: memoryview, packets: bool) -> dict[str, Any]:
    if kind in (Rec.HELLO, Rec.CALL, Rec.WORDS, Rec.PERSON, Rec.RAW):
        said = orjson.loads(payload)
        if kind == Rec.CALL:
            return {"method": said["m"], "args": said["k"]}
        return {"raw": said} if kind == Rec.RAW else {"says": said}
    if kind in FRAMES:
        found: dict[str, Any] = {"bytes": len(payload)}
        told = count_packets(kind, payload)
        if told is not None:
            found["packets"] = told
        if packets:
            found["ticks"] = decode_frame(kind, payload)
        return found
    if kind == Rec.HISTORY:
        row = HISTORY.read(payload)
        bars = [BAR.read(payload, HISTORY.size + i * BAR.size) for i in range(row["n_bars"])]
        return {**row, "bars": bars}
    if kind == Rec.REPORT:
        row = named(REPORT.read(payload))
        return {**row, "source": SOURCES.get(row["source"], row["source"])}
    if kind == Rec.ANSWER:
        row = named(ANSWER.read(payload))
        return {"request_seq": row.pop("seq"), **row}
    if kind == Rec.SENT:
        return {"request": int.from_bytes(payload[:4], "little")}
    if kind == Rec.COMMAND:
        line, _, body = bytes(payload[COMMAND.end :]).partition(b"\n")
        row = COMMAND.read(payload)
        what = {
            "cmd": _name(Cmd, row.pop("kind")),
            "request_seq": row.pop("seq"),
            "asked_ns": row.pop("ts_ns"),
        }
        request = {
            "request": line.decode("ascii", "replace"),
            "body": body.decode("ascii", "replace"),
        }
        return {**what, **named(row), **request}
    if kind == Rec.NOTICE:
        notice = read_notice(payload)
        note = notice.pop("note")
        what = {"note": _name(Note, note), "notice_seq": notice.pop("seq")}
        del notice["ts_ns"]  # the record's own
        row = named(notice)
        for name, kind_of in NOTE_FIELDS.get(note, {}).items():
            if issubclass(kind_of, IntEnum):
                row[name] = _name(kind_of, notice[name])
        return {**what, **row}
    if kind == Rec.SIGNAL:
        row = SIGNAL.read(payload)
        return {**named(row), "signal": named(row["signal"])}
    if kind == Rec.DECISION:
        row = DECISION.read(payload)
        decision = row.pop("decision")
        decision["action"] = _name(Action, decision["action"])
        for name in ("stop_is", "target_is"):
            decision[name] = _name(Level, decision[name])
        return {**named(row), "decision": decision}
    if kind == Rec.DROPPED:
        lost, frames, why = (int.from_bytes(payload[at : at + 8], "little") for at in (0, 8, 16))
        return {
            "lost": lost,
            "lost_frames": frames,
            "why": "+".join(bit.name for bit in Lost if why & bit),
        }
    return {"bytes": len(payload)}


def line_of(row: Mapping[str, Any]) -> str:
    """What a row says beyond its own columns, on one line; what is empty is left out."""
    rest = {name: value for name, value in row.items() if name not in OWN and _tells(value)}
    return "  ".join(f"{name} {_plain(value)}" for name, value in rest.items())


def _tells(value: Any) -> bool:
    return value not in (0, "", "OK", "NONE", -1, None)


def _plain(value: Any) -> str:
    return (
        orjson.dumps(value, default=str).decode() if isinstance(value, dict | list) else str(value)
    )
