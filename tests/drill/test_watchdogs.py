"""The watchdog of a session: when one is drawn, how it dies, and what of a position is not judged."""

from __future__ import annotations

import asyncio
from collections import Counter
from types import SimpleNamespace
from typing import Any, cast

import pytest

from otrade.drill.campaign import attempt
from otrade.drill.scenario import draw
from otrade.drill.starts.watchdog import MortalClient, WatchdogDied
from otrade.drill.trader.record import SessionRecord
from otrade.drill.trouble import TROUBLES, WATCHDOG_S


def test_a_watchdog_is_behind_some_deaths_and_its_time_is_in_their_bound() -> None:
    how = Counter[str]()
    for seed in range(600):
        for event in draw(seed, ["kill"]).events:
            assert event.kind == "kill"
            watchdog = event.args.get("watchdog", "")
            how[watchdog] += 1
            bare = {**event.args, "watchdog_s": 0.0}
            more_s = TROUBLES["kill"].allowance_s(event.args) - TROUBLES["kill"].allowance_s(bare)
            assert more_s == pytest.approx(WATCHDOG_S.get(watchdog, 0.0))
    assert set(how) == {"", *WATCHDOG_S} and 0.3 < 1 - how[""] / how.total() < 0.5


class AskedClient:
    """Takes everything, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def order_book(self) -> list[Any]:
        self.asked.append("book")
        return []

    async def cancel(self, order: Any) -> str:
        self.asked.append("cancel")
        return "taken"

    async def place(self, *terms: Any) -> str:
        self.asked.append("place")
        return "taken"


async def ask(client: Any, n_books: int) -> None:
    for _ in range(n_books):
        await client.order_book()
    await client.cancel(None)
    await client.place(None, 1)
    await client.place(None, 2)


def test_it_dies_behind_a_request_that_has_arrived_and_looks_do_not_count() -> None:
    client = AskedClient()
    with pytest.raises(WatchdogDied):
        asyncio.run(ask(MortalClient(cast(Any, client), 2), 3))
    assert client.asked == ["book"] * 3 + ["cancel", "place"]
    client = AskedClient()
    asyncio.run(ask(MortalClient(cast(Any, client), 0), 1))
    assert client.asked == ["book", "cancel", "place", "place"]


def order(ended_ns: int) -> Any:
    return SimpleNamespace(is_final=ended_ns > 0, ts_update_ns=ended_ns)


@pytest.mark.parametrize(
    ("opened_ns", "ended_ns", "guarded"),
    [
        (10, 90, False),
        (10, 100, True),
        (150, 180, True),
        (10, 0, True),
        (200, 0, True),
        (201, 0, False),
    ],
)
def test_only_what_was_there_beside_a_watchdog_is_its(
    opened_ns: int, ended_ns: int, guarded: bool
) -> None:
    record = SessionRecord("kite", {}, guarded=[(100, 200)])
    assert record.was_guarded(opened_ns, [order(5), order(ended_ns)]) == guarded


def test_what_a_watchdog_has_closed_gets_no_stop_from_the_next_start() -> None:
    """Seed 1 of deaths alone, at Upstox: the order updates' own socket came up first, and the book that
    was read for it knew of the entry before it knew of the watchdog's exit.
    """
    result = attempt(draw(1, ["kill"]))
    assert not result.error and result.seen["watchdog_hung"], result.error
