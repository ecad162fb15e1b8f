"""What a broker wants people to read reaches terminals, logs and alerts: on one line, without
control characters, of bounded length.
"""

from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from otrade._core.types import Ev, Source
from otrade.brokers.kite.emergency_client import holding_of as kite_holding
from otrade.brokers.kite.error_map import answer_of as kite_answer
from otrade.brokers.kite.error_map import error_of
from otrade.brokers.kite.reports import report_of as kite_report
from otrade.brokers.kite.session import position_of as kite_position
from otrade.brokers.kite.stream import MESSAGE_MAX, KiteStream
from otrade.brokers.parse import TEXT_MAX, clean_text
from otrade.brokers.upstox import error_map as upstox
from otrade.brokers.upstox.emergency_client import holding_of as upstox_holding
from otrade.brokers.upstox.reports import position_of as upstox_position
from otrade.brokers.upstox.reports import report_of as upstox_report
from otrade.brokers.upstox.symbol_map import SymbolMap

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


NAMES = {
    name: f"{ESCAPE}{BIDI}" + "n" * 10_000
    for name in ("exchange", "tradingsymbol", "trading_symbol", "product", "isin", "tag")
}
NUMBERS = {"quantity": 1, "order_id": "1", "status": "OPEN", "average_price": 1, "last_price": 1}


@pytest.mark.parametrize(
    "read",
    [
        kite_position,
        kite_holding,
        lambda row: kite_report(row, Source.BOOK, 0),
        lambda row: upstox_position(row, SymbolMap()),
        upstox_holding,
        lambda row: upstox_report(row, Source.BOOK, 0, SymbolMap()),
    ],
)
def test_names_in_a_row_are_cleaned_and_bounded(read: Any) -> None:
    row = read({**NUMBERS, **NAMES})
    names = ("exchange", "tradingsymbol", "product", "isin", "cl_ord_id")
    shown = [getattr(row, name) for name in names if hasattr(row, name)]
    assert len(shown) >= 3
    assert all(len(text) <= TEXT_MAX and text.isprintable() for text in shown)


@pytest.mark.parametrize("order_id", ["1" * 32, "a\x1b[2J", "", None, 1.5, {}, [], True])
def test_an_answer_whose_order_id_is_none_leaves_the_order_in_doubt(order_id: Any) -> None:
    """The core keeps 31 characters: a longer one would never be found again."""
    for of, data in (
        (kite_answer, {"order_id": order_id}),
        (upstox.answer_of, {"order_id": order_id}),
        (upstox.answer_of, {"order_ids": [order_id]}),
    ):
        answer = of(200, orjson.dumps({"status": "success", "data": data}))
        assert (answer.outcome, answer.broker_order_id) == (Ev.TIMEOUT, "")
