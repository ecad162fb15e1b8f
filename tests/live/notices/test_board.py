"""Every code of the core has words, and the words can be said."""

from typing import Any

import pytest

from otrade._core.types import STRUCTS, ExitReason, Halt, Note, Reason, Severity
from otrade.live.notices.board import KEPT_MAX, Notice, NoticeBoard, words_of
from otrade.live.notices.messages import (
    EXIT_WORDS,
    HALT_WORDS,
    NOTE_WORDS,
    REASON_WORDS,
    reason_words,
)


class FakeNames:
    def symbol_of(self, instrument_id: int) -> str:
        return f"SYMBOL{instrument_id}"

    def strategy_of(self, strategy_id: int) -> str:
        return f"strategy {strategy_id}"

    def tag_of(self, order_slot: int) -> str:
        return f"TAG{order_slot}"


def notice_row(**fields: Any) -> dict[str, Any]:
    return {name: 0 for name, *_ in STRUCTS["notice_t"]} | fields


def test_tables_are_complete() -> None:
    assert set(NOTE_WORDS) == set(Note)
    assert set(REASON_WORDS) == set(Reason)
    assert set(EXIT_WORDS) == set(ExitReason)
    assert set(HALT_WORDS) == set(Halt)
    assert len(set(NOTE_WORDS.values())) == len(Note), "two notes may not read the same"


@pytest.mark.parametrize("note", Note)
@pytest.mark.parametrize("reason", [Reason.OK, Reason.DAILY_LOSS, 12_345])
def test_every_note_can_be_said(note: Note, reason: int) -> None:
    text = words_of(notice_row(code=note, reason=reason, a=1_234_500, b=reason, c=99), FakeNames())
    assert text and "{" not in text


def test_a_code_of_the_future_is_said_with_its_number() -> None:
    assert "777" in words_of(notice_row(code=777), FakeNames())
    assert "777" in reason_words(777)


def test_the_board_is_bounded_numbered_and_heard() -> None:
    board = NoticeBoard(lambda: 42)
    heard: list[Notice] = []
    board.listen(heard.append)
    for index in range(KEPT_MAX + 10):
        board.say(Severity.INFO, "TEST", f"notice {index}")
    row = notice_row(code=Note.STOP_PLACED, severity=Severity.WARN, a=25_000_500, b=75, ts_ns=7)
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
