"""What a notice tells has names, from the place that says it to whoever reads it."""

from __future__ import annotations

import ctypes
import re
from pathlib import Path

import pytest

from otrade._core.kernels import layout
from otrade._core.types import NOTE_FIELDS, Note, Reason, Rec, Severity, Side
from otrade.journal.memory import MemoryJournal
from otrade.journal.record import Record
from otrade.journal.words import NOTICE, read_notice, words_of
from tests.core.orders.test_brackets import EngineDriver

CORE = Path(layout.__file__).parent
NOTICE_T = layout.ctypes_struct("notice_t")


def payload(**fields: int) -> bytes:
    return bytes(NOTICE_T(**fields))


def test_nobody_fills_a_notice_but_by_the_names_of_its_note() -> None:
    for path in CORE.rglob("*.pyx"):
        text = path.read_text()
        if path.name != "state.pyx":
            assert not re.search(r"\bnotify\(", text), path
        assert not re.search(r"\b(n|note|notice)\.[abc] = (?!0)", text), path


def test_the_reader_of_records_knows_the_struct() -> None:
    assert NOTICE.size == ctypes.sizeof(NOTICE_T)


@pytest.mark.parametrize("note", Note)
def test_a_record_is_read_by_the_names_of_its_note(note: Note) -> None:
    row = read_notice(payload(seq=7, code=note, severity=Severity.WARN, a=1, b=2, c=3))
    assert (row["note"], row["seq"], row["severity"]) == (note, 7, Severity.WARN)
    assert [row[name] for name in NOTE_FIELDS[note]] == [1, 2, 3][: len(NOTE_FIELDS[note])]
    assert not {"a", "b", "c", "code"} & set(row)


def test_a_note_of_another_build_keeps_its_numbers() -> None:
    row = read_notice(payload(code=777, a=1, b=2, c=3))
    assert (row["note"], row["a"], row["b"], row["c"]) == (777, 1, 2, 3)


def test_the_journal_shows_codes_by_their_names() -> None:
    said = payload(code=Note.BRACKET_CLOSED, a=-5_000, b=1_000, c=2)
    row = words_of(Record(Rec.NOTICE, 0, 1, 9, memoryview(said), 0))
    assert (row["note"], row["pnl_e4"], row["naked_ns"]) == ("BRACKET_CLOSED", -5_000, 1_000)
    assert row["exit_reason"] == "TARGET"


def test_the_engine_and_its_journal_say_the_same() -> None:
    journal = MemoryJournal()
    d = EngineDriver()
    d.e.open_journal(journal.writer, b"{}", d.now)
    d.opened()
    shown = d.e.take_notices()
    told = [read_notice(r.payload) for r in journal.records() if r.kind == Rec.NOTICE]
    assert shown == told
    sent = next(row for row in shown if row["note"] == Note.ENTRY_SENT)
    assert (sent["qty"], sent["side"], sent["reason"]) == (10, Side.BUY, Reason.OK)
    stop = next(row for row in shown if row["note"] == Note.STOP_PLACED)
    order = d.e.order(stop["order_slot"])
    assert (stop["trigger_e4"], stop["qty"]) == (order["trigger_e4"], order["order_qty"])
