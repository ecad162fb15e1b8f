"""Postbacks of a session: which are heard, and that a look at the book must follow."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from otrade.drill.draws.actions import SECOND
from otrade.drill.inbound.postbacks import BOOK, FLOOD, PostedHints, WrongHint
from otrade.drill.trouble import POSTBACK_WAYS
from otrade.hooks.postbacks import BURST
from otrade.simulator.base.config import SimConfig
from otrade.simulator.base.virtual_clock import VirtualClock


class HintedDay:
    """Counts the looks that are wanted, and makes them unless it is told not to."""

    def __init__(self, *, looks: bool = True) -> None:
        self.clock = VirtualClock()
        self.clock.advance(1_000 * SECOND)
        self.board = None
        self.asked: list[tuple[int, str, str]] = []
        self.n_wanted = 0
        self._looks = looks
        order = SimpleNamespace(
            order_id="261123000000001", tag="OT00000000000E000000", ts_update_ns=900 * SECOND,
            status="OPEN", filled_qty=0, is_final=False, terms=SimpleNamespace(quantity=10),
            contract=SimpleNamespace(tradingsymbol="INFY"),
        )  # fmt: skip
        sim = SimpleNamespace(
            cfg=SimConfig(), clock=self.clock, exchange=SimpleNamespace(orders=lambda: [order]),
            faults=SimpleNamespace(asked=self.asked),
        )  # fmt: skip
        self.posted = PostedHints(cast(Any, sim), lambda: self)

    def want_book(self) -> None:
        self.n_wanted += 1
        if self._looks:
            self.asked.append((self.clock.now_ns(), "read", BOOK))

    def pass_by(self, seconds: int) -> None:
        until_ns = self.clock.now_ns() + seconds * SECOND
        while (next_ns := self.clock.next_ns()) is not None and next_ns <= until_ns:
            callback = self.clock.pop().callback
            assert callback is not None
            callback()
        self.clock.advance(until_ns)

    def check(self) -> None:
        self.posted.check(is_calm=True, end_ns=self.clock.now_ns())


@pytest.mark.parametrize(
    ("way", "n_wanted"),
    [
        ("true", 1),
        ("lies", 1),
        ("unproved", 0),
        ("foreign", 0),
        ("doubled", 1),
        ("late", 1),
        ("flood", BURST),
    ],
)
def test_what_is_heard_makes_the_book_be_looked_at_and_nothing_else_does(
    way: str, n_wanted: int
) -> None:
    assert way in POSTBACK_WAYS and FLOOD > BURST
    day = HintedDay()
    assert day.posted.post(way)
    day.pass_by(60)
    assert day.n_wanted == n_wanted
    day.check()


def test_a_hint_that_makes_nobody_look_is_a_violation() -> None:
    day = HintedDay(looks=False)
    day.posted.post("true")
    day.pass_by(60)
    with pytest.raises(WrongHint, match="was not looked at"):
        day.check()


def test_what_is_heard_and_should_not_be_is_a_violation(monkeypatch: pytest.MonkeyPatch) -> None:
    day = HintedDay()
    monkeypatch.setattr("otrade.drill.inbound.postbacks.OTHER_USER", SimConfig().user_id)
    day.posted.post("foreign")
    with pytest.raises(WrongHint, match="must be REFUSED"):
        day.check()
