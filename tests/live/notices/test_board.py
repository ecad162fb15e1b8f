"""Every code of the core has words, and the words can be said."""

from string import Formatter
from typing import Any

import pytest

from otrade._core.types import NOTE_FIELDS, STRUCTS, ExitReason, Halt, Note, Reason, Severity
from otrade.live.notices.board import KEPT_MAX, Notice, NoticeBoard, words_of
from otrade.live.notices.messages import (
    EXIT_WORDS,
    HALT_WORDS,
    NOT_SAID,
    NOTE_WORDS,
    REASON_WORDS,
    SPECIAL_WORDS,
    reason_words,
)


class FakeNames:
    def symbol_of(self, instrument_id: int) -> str:
        return f"SYMBOL{instrument_id}"

    def strategy_of(self, strategy_id: int) -> str:
        return f"strategy {strategy_id}"

    def tag_of(self, order_slot: int) -> str:
        return f"TAG{order_slot}"


HEAD = tuple(name for name, *_ in STRUCTS["notice_t"] if name not in ("code", "a", "b", "c"))
OF_EVERY_NOTICE = {"symbol", "strategy", "order", "side", "why"}
SAID_TOGETHER = {"rest": {"rest_qty", "sent_qty"}}


def notice_row(note: int, **fields: Any) -> dict[str, Any]:
    """A notice as the engine gives it."""
    own = NOTE_FIELDS.get(note, {})
    assert set(fields) <= {*own, *HEAD}
    return {"note": note} | dict.fromkeys((*HEAD, *own), 0) | fields


def fields_in(template: str) -> set[str]:
    """Fields of the note that a template shows."""
    names = {name for _, name, _, _ in Formatter().parse(template) if name}
    return set().union(*(SAID_TOGETHER.get(name, {name}) for name in names - OF_EVERY_NOTICE))


def test_tables_are_complete() -> None:
    assert set(NOTE_WORDS) == set(Note)
    assert set(REASON_WORDS) == set(Reason)
    assert set(EXIT_WORDS) == set(ExitReason)
    assert set(HALT_WORDS) == set(Halt)
    assert len(set(NOTE_WORDS.values())) == len(Note), "two notes may not read the same"


@pytest.mark.parametrize("note", Note)
def test_a_message_says_its_notes_fields_and_no_others(note: Note) -> None:
    own = set(NOTE_FIELDS[note])
    assert not own & {*HEAD, *OF_EVERY_NOTICE, "note", "code"}, "a name means one thing"
    assert fields_in(NOTE_WORDS[note]) == own - NOT_SAID.get(note, frozenset())
    for (special, _), template in SPECIAL_WORDS.items():
        assert special != note or fields_in(template) <= own


def test_every_note_has_a_row_that_the_struct_can_hold() -> None:
    assert set(NOTE_FIELDS) == set(Note)
    assert all(len(fields) <= len("abc") for fields in NOTE_FIELDS.values())
    assert all(fields <= set(NOTE_FIELDS[note]) for note, fields in NOT_SAID.items())


@pytest.mark.parametrize("note", Note)
@pytest.mark.parametrize("reason", [Reason.OK, Reason.DAILY_LOSS, 12_345])
def test_every_note_can_be_said(note: Note, reason: int) -> None:
    row = notice_row(note, reason=reason, **dict.fromkeys(NOTE_FIELDS[note], 99_999))
    text = words_of(row, FakeNames())
    assert text and "{" not in text


@pytest.mark.parametrize("note", Note)
def test_a_price_is_said_in_rupees(note: Note) -> None:
    for name in {name for name in NOTE_FIELDS[note] if name.endswith("_e4")}:
        text = words_of(notice_row(note, **{name: 12_345_600}), FakeNames())
        assert ("1,234.56" in text) == (name not in NOT_SAID.get(note, ())), text
        assert "12345600" not in text


def test_codes_and_durations_are_said_in_words() -> None:
    row = notice_row(
        Note.BRACKET_CLOSED, pnl_e4=-5_000, naked_ns=1_250_000, exit_reason=ExitReason.TRAIL
    )
    said = "SYMBOL0: closed by its trailing stop, gross -0.50 rupees, 1.2 ms without a working stop"
    assert words_of(row, FakeNames()) == said
    halted = notice_row(Note.HALT_CHANGED, halt=Halt.REDUCING, halt_reason=Reason.DRAWDOWN)
    said = "the engine is now reducing (positions are only closed): the drawdown limit is reached"
    assert words_of(halted, FakeNames()) == said
    by_command = notice_row(Note.HALT_CHANGED, halt=Halt.ACTIVE)
    assert words_of(by_command, FakeNames()) == "the engine is now active: by command"
    brake = notice_row(Note.ENTRY_BRAKE, n_rejected=3, pause_ns=60 * 10**9)
    assert "3 entries" in words_of(brake, FakeNames()) and "for 60 s;" in words_of(
        brake, FakeNames()
    )
    cut = notice_row(Note.ENTRY_CUT, rest_qty=20, sent_qty=10, waited_ns=2_500_000_000)
    assert "the rest of the entry, 20 of 30 units, () is not sent after 2.5 s" in words_of(
        cut, FakeNames()
    )


def test_a_code_of_the_future_is_said_with_its_number() -> None:
    assert "777" in words_of(notice_row(777), FakeNames())
    assert "777" in reason_words(777)


def test_the_board_is_bounded_numbered_and_heard() -> None:
    board = NoticeBoard(lambda: 42)
    heard: list[Notice] = []
    board.listen(heard.append)
    for index in range(KEPT_MAX + 10):
        board.say(Severity.INFO, "TEST", f"notice {index}")
    row = notice_row(
        Note.STOP_PLACED, severity=Severity.WARN, trigger_e4=25_000_500, qty=75, ts_ns=7
    )
    last = board.say_core(row, FakeNames())
    assert last.text == "SYMBOL0: stop at 2,500.05 for 75 units rests at the exchange (TAG0)"
    assert [notice.seq for notice in heard] == list(range(1, KEPT_MAX + 12))
    assert len(board.since(0)) == KEPT_MAX
    assert board.since(last.seq - 1) == [last]
    assert board.n_by_severity[Severity.WARN] == 1


def test_a_listener_that_fails_is_dropped_and_said() -> None:
    board = NoticeBoard(lambda: 42)
    heard: list[str] = []

    def broken(notice: Notice) -> None:
        raise ValueError("no more paper")

    board.listen(broken)
    board.listen(lambda notice: heard.append(notice.code))
    board.say(Severity.INFO, "ONE", "one")
    board.say(Severity.INFO, "TWO", "two")
    assert heard == ["LISTENER", "ONE", "TWO"]
    assert "no more paper" in board.since(0)[1].text


def test_what_is_said_is_on_one_line_and_of_bounded_length() -> None:
    """Whoever's words they are: a terminal, a log and a page show them."""
    board = NoticeBoard(lambda: 1)
    said = board.say(Severity.WARN, "X", "the broker says: \x1b[2J\r\nall\u202e is well\x00")
    assert said.text == "the broker says:  [2J  all  is well "
    assert len(board.say(Severity.WARN, "X", "y" * 10**6).text) < 33_000
