"""What a broker wants people to read reaches terminals, logs and alerts: on one line, without
control characters, of bounded length.
"""

from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from otrade.brokers.kite.error_map import error_of
from otrade.brokers.kite.stream import MESSAGE_MAX, KiteStream
from otrade.brokers.parse import TEXT_MAX, clean_text
from otrade.brokers.upstox import error_map as upstox

ESCAPE = "\x1b[2J\x1b]0;owned\x07"
BIDI = "\u202e"


def told(message: dict[str, Any]) -> list[tuple[str, str]]:
    said: list[tuple[str, str]] = []
    stream: Any = SimpleNamespace(
        _calls=SimpleNamespace(on_message=lambda kind, text: said.append((kind, text)))
    )
    KiteStream._text(stream, orjson.dumps(message))
    return said


def test_a_message_of_the_feed_is_cleaned_and_bounded() -> None:
    assert told({"type": "message", "data": "Markets\nclose early"}) == [
        ("message", "Markets close early")
    ]
    ((kind, text),) = told({"type": "x\n" * 500, "data": f"{ESCAPE}{BIDI}" + "y" * 100_000})
    assert len(kind) <= TEXT_MAX and len(text) <= MESSAGE_MAX
    assert kind.isprintable() and text.isprintable()
    assert told({"type": "error", "data": {"not": "text"}}) == [("error", "")]


@pytest.mark.parametrize("of", [error_of, upstox.error_of])
def test_an_error_of_a_question_is_bounded_in_each_part(of: Any) -> None:
    long = f"{ESCAPE}\n" + "z" * 10_000
    kite = {"status": "error", "error_type": long, "message": long}
    both = kite | {"errors": [{"errorCode": long, "message": long}]}
    text = str(of(400, orjson.dumps(both)))
    assert len(text) < 3 * TEXT_MAX and text.isprintable()


def test_a_huge_text_is_cut_before_it_is_cleaned() -> None:
    assert clean_text("a\tb" * 10**6) == ("a b" * 100)[:TEXT_MAX]
