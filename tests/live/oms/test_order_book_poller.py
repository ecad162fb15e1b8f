"""The order book as an audit: what has ended is told to the core once, what is open or strange at
every look.
"""

from __future__ import annotations

from copy import copy

from otrade._core.types import Rec
from otrade.brokers.session import BrokerRows
from otrade.journal.memory import MemoryJournal
from otrade.journal.replay import replay
from tests.harness.simulated_day import SECOND, run, simulated_day


def told(journal: MemoryJournal) -> list[int]:
    """Rows that the core was told, of each book so far."""
    found: list[int] = []
    inside = False
    for record in journal.records():
        if record.kind == Rec.BOOK_BEGIN:
            found.append(0)
            inside = True
        elif record.kind == Rec.BOOK_END:
            inside = False
        elif record.kind == Rec.REPORT and inside:
            found[-1] += 1
    return found


def test_what_has_ended_is_told_once() -> None:
    async def body() -> None:
        journal = MemoryJournal()
        async with simulated_day(journal=journal, seed=1, hours=1.5) as here:
            await here.open()
            exchange = here.sim.exchange
            await here.run_until(
                lambda: (
                    len(exchange.orders()) >= 6
                    and not exchange.live_orders()
                    and here.day.engine.n_live == 0
                )
            )
            here.day.engine.on_pause(True, here.now_ns)
            await here.sim.run_until(here.now_ns + 130 * SECOND)
            n_orders, before = len(exchange.orders()), len(told(journal))
            await here.sim.run_until(here.now_ns + 300 * SECOND)
            assert len(exchange.orders()) == n_orders
            looks = told(journal)[before:]
            assert len(looks) >= 2 and set(looks) == {0}, (
                "nothing has happened, and something was told"
            )

            books, before = here.day._book_poller, len(told(journal))
            assert books is not None
            rows = await here.sim.during(here.broker.order_book())
            assert len(rows) == n_orders
            rows[2].raw = {**rows[2].raw, "status_message": "a word of the broker's"}
            strange = copy(rows[0])
            strange.cl_ord_id, strange.broker_order_id = "BYHAND", "12345"
            for _ in range(3):
                assert books.take(BrokerRows([*rows, strange]), here.now_ns) == [strange]
            assert told(journal)[before:] == [2, 1, 1], (
                "the row that has changed once, one that nobody knows each time"
            )

            before = len(told(journal))
            await here.restart()
            assert told(journal)[before] == n_orders, (
                "another process knows nothing of what the one before was told"
            )
            here.day.engine.on_pause(False, here.now_ns)
            await here.run_until(
                lambda: here.day.engine.n_live > 0 and bool(exchange.live_orders())
            )
            before = len(told(journal))
            await here.run_until(lambda: len(told(journal)) > before)
            assert told(journal)[before] > 0, "what is open is told at every look"
            await here.run_to_end()
            assert here.day.engine.risk()["pnl_e4"] == here.true_pnl_e4()
            assert replay(journal.windows()).divergence is None

    run(body())


def test_without_pushes_the_book_is_read_every_two_seconds() -> None:
    """While a position is open: its fills would be known by nothing else."""

    async def body() -> None:
        journal = MemoryJournal()
        async with simulated_day(journal=journal, seed=1, hours=0.5, broker="upstox") as here:
            await here.open()
            told_of_push = here.day.callbacks().on_push
            await here.run_until(lambda: here.day.engine.n_live > 0)

            async def books_in_twenty_seconds() -> int:
                before = len(told(journal))
                await here.sim.run_until(here.now_ns + 20 * SECOND)
                assert here.day.engine.n_live > 0
                return len(told(journal)) - before

            assert await books_in_twenty_seconds() <= 3
            told_of_push(False, "its socket is gone")
            assert "PUSH_DOWN" in here.codes()
            assert await books_in_twenty_seconds() >= 8
            told_of_push(True, "")
            assert await books_in_twenty_seconds() <= 4
            await here.run_to_end()

    run(body())


def test_a_new_token_is_not_kept_waiting_by_what_the_dead_one_failed() -> None:
    """Each refused look doubles the wait for the next one; a new token begins anew."""

    async def body() -> None:
        journal = MemoryJournal()
        async with simulated_day(journal=journal, seed=1, hours=0.5, broker="upstox") as here:
            await here.open()
            await here.run_until(lambda: here.day.engine.n_live > 0)
            books = here.day._book_poller
            assert books is not None
            here.sim.faults.shut_book(200 * SECOND)
            for _ in range(20):
                books.want()  # as the core does while an order is in doubt
                await here.sim.run_until(here.now_ns + 5 * SECOND)
            assert books.n_failed >= 5, "the wait has grown to half a minute"
            here.sim.faults.open_book()
            before = len(told(journal))
            here.day.on_token(here.new_token())
            await here.sim.run_until(here.now_ns + 3 * SECOND)
            assert len(told(journal)) > before and books.n_failed == 0
            await here.run_to_end()

    run(body())
