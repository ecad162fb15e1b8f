"""Books, positions and lists of trades that are not whole, over both brokers' protocols: they prove
nothing, and nothing is invented.
"""

from __future__ import annotations

from typing import Any

import pytest

from otrade._core.types import Halt, OrdStatus, PauseBy, Reason, Severity, Worth
from otrade.journal.memory import MemoryJournal
from otrade.journal.replay import replay
from otrade.live.monitoring.day_report import render, short, summarize
from otrade.simulator.faults.books import BookFault
from tests.harness.simulated_day import MINUTE, SECOND, SimulatedDay, run, simulated_day
from tests.live.reconciliation.test_bracket_recovery import check_end

DAY: dict[str, Any] = {
    "seed": 1,
    "hours": 0.5,
    "offsets_bps": (-20, 20),
    "plan": {"target_value": 15.0, "stop_value": 15.0},
}
BROKERS = ("kite", "upstox")


def said(here: SimulatedDay, code: str) -> list[str]:
    return [notice.text for notice in here.notices if notice.code == code]


def stop_slots(here: SimulatedDay) -> list[int]:
    """Live stops that the exchange has confirmed."""
    engine = here.day.engine
    slots = [engine.bracket(i)["stop_slot"] for i in engine.live_brackets()]
    return [
        slot for slot in slots if slot >= 0 and engine.order(slot)["ord_status"] == OrdStatus.NEW
    ]


@pytest.mark.parametrize("broker", BROKERS)
def test_prices_of_fills_that_are_never_told_come_from_the_trades(broker: Any) -> None:
    async def body() -> None:
        journal = MemoryJournal()
        async with simulated_day(broker=broker, journal=journal, **DAY) as here:
            here.sim.faults.miss_averages(10_000)
            here.sim.faults.late_trades(6, 20 * SECOND)
            await here.open()
            seen: list[int] = []

            def look(now_ns: int) -> None:
                engine = here.day.engine
                for i in engine.live_brackets():
                    bracket = engine.bracket(i)
                    if bracket["open_qty"] > 0:
                        seen.append(engine.n_unvalued)
                        last = engine.market(bracket["instrument_id"])["ltp_e4"]
                        assert abs(bracket["stop_e4"] - last) < last // 100, (
                            "a stop far from every price"
                        )
                assert abs(engine.risk()["pnl_e4"]) < 10_000_0000, "an invented profit"

            here.day.listen_to_beats(look)
            await here.run_to_end()
            check_end(here)
            assert (
                here.sim.faults.seen["avg_missing"]
                and here.sim.faults.seen["trades_late"]
                and max(seen) > 0
            )
            engine = here.day.engine
            assert engine.n_unvalued == engine.n_rounded == 0
            assert {engine.order(i)["worth"] for i in range(engine.n_orders)} <= {
                Worth.NONE,
                Worth.EXACT,
            }
            assert any("profit here is provisional" in text for text in said(here, "VALUE_UNKNOWN"))
            assert replay(journal.windows()).divergence is None

    run(body())


def test_a_day_whose_values_nobody_tells_ends_provisional_and_says_so() -> None:
    async def body() -> None:
        async with simulated_day(**DAY) as here:
            here.sim.faults.miss_averages(10_000)
            here.sim.faults.late_trades(10_000, 24 * 60 * MINUTE)
            await here.open()
            await here.run_to_end()
            assert here.sim.exchange.net_qty() == {} and here.day.engine.n_unvalued > 0
            summary = summarize(here.day)
            assert "provisional" in render(summary) and "provisional" in short(summary)
            assert said(here, "VALUES_OPEN")
            assert abs(summary.gross_e4 - here.true_pnl_e4()) < 500 * 10_000, (
                "near, and not wrong by a notional"
            )

    run(body())


@pytest.mark.parametrize("how", ["empty", "null", "partial", "lacks"])
@pytest.mark.parametrize("broker", BROKERS)
def test_a_book_that_is_not_whole_is_asked_for_again(broker: Any, how: BookFault) -> None:
    async def body() -> None:
        async with simulated_day(broker=broker, **DAY) as here:
            await here.open()
            await here.run_until(lambda: bool(stop_slots(here)))
            books = here.day._book_poller
            assert books is not None
            here.sim.faults.spoil_books(how, 3)
            await here.run_until(lambda: here.sim.faults.seen[f"book_{how}"] >= 3)
            await here.run_until(lambda: books.n_failed == 0 and not books._missed)
            await here.run_to_end()
            check_end(here)
            assert not said(here, "PROVEN_ABSENT") and not said(here, "BOOK_LOST")

    run(body())


@pytest.mark.parametrize("broker", BROKERS)
def test_a_stop_that_books_go_on_to_lack_is_asked_for_alone(broker: Any) -> None:
    async def body() -> None:
        async with simulated_day(broker=broker, **DAY) as here:
            await here.open()
            await here.run_until(lambda: bool(stop_slots(here)))
            engine, exchange = here.day.engine, here.sim.exchange
            slot = stop_slots(here)[0]
            hidden = engine.order(slot)["broker_order_id"]
            whole = exchange.book
            exchange.book = lambda: [s for s in whole() if s.order.order_id != hidden]
            n_orders = len(exchange.orders())
            books = here.day._book_poller
            assert books is not None
            books.want()
            await here.run_until(lambda: books._missed.get(hidden) == 0, SECOND // 5)
            assert engine.order(slot)["ord_status"] == OrdStatus.NEW, (
                "the broker has vouched for it"
            )
            assert len(exchange.orders()) == n_orders, "nothing took its place"
            exchange.book = whole
            await here.run_to_end()
            check_end(here)

    run(body())


@pytest.mark.parametrize("broker", BROKERS)
def test_entries_stop_when_the_token_is_refused_at_the_book_alone(broker: Any) -> None:
    async def body() -> None:
        async with simulated_day(broker=broker, **DAY) as here:
            await here.open()
            await here.run_until(lambda: here.day.engine.n_live > 0)
            here.sim.faults.shut_book(20 * MINUTE)
            await here.run_until(lambda: here.day.is_token_dead)
            risk = here.day.engine.risk()
            assert (risk["halt"], risk["halt_reason"]) == (Halt.REDUCING, Reason.BROKER_TOKEN), (
                "403 at the book ignored"
            )
            (alarm,) = [n for n in here.notices if n.code == "TOKEN_DEAD"]
            assert alarm.severity == Severity.ALARM and here.day.options.login_words in alarm.text
            n_entries = sum((order.tag or "")[12:13] == "E" for order in here.sim.exchange.orders())
            await here.sim.run_until(here.now_ns + 10 * MINUTE)
            assert (
                sum((order.tag or "")[12:13] == "E" for order in here.sim.exchange.orders())
                == n_entries
            )
            here.sim.faults.open_book()
            here.day.on_token(here.new_token())
            assert here.day.engine.risk()["halt"] == Halt.ACTIVE
            await here.run_to_end()
            check_end(here)

    run(body())


@pytest.mark.parametrize("broker", BROKERS)
def test_without_a_whole_book_for_a_minute_nothing_is_entered(broker: Any) -> None:
    async def body() -> None:
        async with simulated_day(broker=broker, **DAY) as here:
            await here.open()
            await here.run_until(lambda: here.day.engine.n_live > 0)
            here.sim.faults.spoil_books("empty", 30)
            await here.run_until(lambda: bool(here.day.engine.risk()["paused_by"] & PauseBy.BOOK))
            (alarm,) = said(here, "BOOK_LOST")
            assert "no new entries" in alarm and "stops and exits go on" in alarm
            here.sim.faults.clear()
            await here.run_until(lambda: not here.day.engine.risk()["paused_by"] & PauseBy.BOOK)
            assert said(here, "BOOK_BACK")
            await here.run_to_end()
            check_end(here)

    run(body())


@pytest.mark.parametrize("broker", BROKERS)
def test_somebody_elses_bad_row_blinds_nobody_and_is_said_once(broker: Any) -> None:
    async def body() -> None:
        async with simulated_day(broker=broker, **DAY) as here:
            await here.open()
            here.sim.faults.foreign_bad_rows(10_000)
            await here.run_to_end()
            check_end(here)
            assert here.sim.faults.seen["foreign_bad_row"] > 10
            texts = [text for text in said(here, "BOOK_FAILED") if "cannot be read" in text]
            assert 1 <= len(texts) <= 2 and any("9900000000000001" in text for text in texts)

    run(body())


@pytest.mark.parametrize("how", ["empty", "null"])
@pytest.mark.parametrize("broker", BROKERS)
def test_positions_that_lack_what_was_traded_quarantine_nothing(
    broker: Any, how: BookFault
) -> None:
    async def body() -> None:
        async with simulated_day(broker=broker, **DAY) as here:
            await here.open()
            await here.run_until(lambda: bool(stop_slots(here)))
            here.sim.faults.spoil_positions(how, 3)
            here.day.reconciler.positions.poll_soon()
            await here.run_until(lambda: here.sim.faults.seen[f"positions_{how}"] >= 3)
            assert (
                here.day.engine.n_quarantined == 0 and not here.day.reconciler.positions.differences
            )
            here.sim.faults.spoil_positions(how, 1)
            await here.run_to_end()
            check_end(here)
            assert not said(here, "UNEXPLAINED") and not said(here, "NOT_VERIFIED")[1:]

    run(body())


@pytest.mark.parametrize("how", ["empty", "null"])
@pytest.mark.parametrize("broker", BROKERS)
def test_positions_that_lack_what_another_order_filled_lift_no_quarantine(
    broker: Any, how: BookFault
) -> None:
    """A person buys where nothing of ours is open. Two answers without a single position say nothing
    of it, as the book has told of the fill.
    """

    async def body() -> None:
        async with simulated_day(broker=broker, **{**DAY, "offsets_bps": (-200, 200)}) as here:
            await here.open()
            await here.sim.run_until(here.at("09:15") + 10 * SECOND)
            here.sim.faults.spoil_positions(how, 2)
            here.sim.exchange.place_manual("NSE:SBIN", 1, 5)
            await here.run_until(lambda: here.day.engine.n_quarantined == 1)
            await here.run_until(lambda: here.sim.faults.seen[f"positions_{how}"] >= 2)
            await here.sim.run_until(here.now_ns + 30 * SECOND)
            assert here.day.engine.n_quarantined == 1
            here.sim.exchange.place_manual("NSE:SBIN", -1, 5)
            await here.run_until(lambda: here.day.engine.n_quarantined == 0)
            await here.run_to_end()

    run(body())


@pytest.mark.parametrize("how", ["empty", "null", "partial"])
@pytest.mark.parametrize("broker", BROKERS)
def test_a_start_waits_for_a_book_that_holds_what_its_journal_knows(
    broker: Any, how: BookFault
) -> None:
    async def body() -> None:
        async with simulated_day(broker=broker, journal=MemoryJournal(), **DAY) as here:
            await here.open()
            await here.run_until(lambda: bool(stop_slots(here)))
            n_orders = len(here.sim.exchange.orders())
            here.sim.faults.spoil_books(how, 2)
            here.sim.faults.spoil_positions("empty", 1)
            await here.restart()
            assert here.sim.faults.seen[f"book_{how}"] == 2 and here.day.engine.n_quarantined == 0
            assert len(here.sim.exchange.orders()) == n_orders, (
                "the stop stands, and no second one is sent"
            )
            await here.run_to_end()
            check_end(here)

    run(body())
