"""A process that dies after any record of its journal is followed by one that protects, doubles
nothing and orphans nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

from otrade._core.types import Halt, Leg, Reason, Rec, Severity
from otrade.journal.memory import MemoryJournal
from otrade.journal.replay import replay
from otrade.live.control.commands import Commands
from otrade.live.oms.cl_ord_id import ClOrdId, make
from otrade.simulator.exchange.orders import OrderRequest, RequestedTerms
from tests.harness.simulated_day import SECOND, SimulatedDay, run, simulated_day

PROTECTED_AGAIN_NS = 2 * SECOND
DAY: dict[str, Any] = {
    "seed": 1,
    "hours": 0.4,
    "offsets_bps": (-6, 6),
    "plan": {"target_value": 15.0, "stop_value": 15.0},
}


def check_end(here: SimulatedDay) -> None:
    """What must hold at the end of any day, however often its process has died."""
    assert here.sim.exchange.net_qty() == {}
    assert here.sim.exchange.live_orders() == []
    assert set(here.day.plan.net_of().values()) == {0}
    assert here.day.engine.risk()["pnl_e4"] == here.true_pnl_e4()
    tags = [order.tag for order in here.sim.exchange.orders()]
    assert len(tags) == len(set(tags)), "one intent, two orders"
    assert sum(t.gross_e4 for t in here.day.trades.trades) == here.true_pnl_e4()
    assert here.worst_naked_ns <= 5 * SECOND
    counters = here.day.engine.counters()
    assert counters["illegal_events"] == 0


def is_covered(here: SimulatedDay) -> bool:
    """By the exchange's own book: is every open unit of ours covered by a live exit of its bracket?"""
    opened: dict[str, int] = {}
    covered: dict[str, int] = {}
    for order in here.sim.exchange.orders():
        if order.tag is None:
            continue
        bracket = order.tag[2:12]
        opened[bracket] = opened.get(bracket, 0) + order.side * order.filled_qty
        if order.tag[12] != "E" and not order.is_final:
            covered[bracket] = covered.get(bracket, 0) - order.side * (
                order.terms.quantity - order.filled_qty
            )
    return all(abs(covered.get(bracket, 0)) >= abs(qty) for bracket, qty in opened.items())


async def recorded() -> list[tuple[int, int]]:
    """(sequence number, kind) of the records that are about orders, or led to one, of the day
    without any death.
    """
    journal = MemoryJournal()
    async with simulated_day(journal=journal, **DAY) as here:
        await here.open()
        await here.run_to_end()
        check_end(here)
    found: list[tuple[int, int]] = []
    before: tuple[int, int] | None = None
    for record in journal.records():
        if record.kind in (Rec.FRAME, Rec.TIMER):
            before = record.seq, record.kind
            continue
        if record.kind == Rec.COMMAND and before is not None:
            found.append(before)
            before = None
        if record.kind in (
            Rec.REPORT,
            Rec.SENT,
            Rec.ANSWER,
            Rec.COMMAND,
            Rec.BOOK_BEGIN,
            Rec.BOOK_END,
            Rec.CALL,
            Rec.RAW,
        ):
            found.append((record.seq, record.kind))
    return found


async def die_at(seq: int, *, with_journal: bool = True) -> SimulatedDay:
    journal = MemoryJournal()
    async with simulated_day(journal=journal, **DAY) as here:
        journal.writer.last_seq = seq
        await here.open()
        while not journal.writer.is_dead and not here.day.ended.is_set():
            await here.sim.run_until(here.now_ns + SECOND // 5)
        if not here.day.ended.is_set():
            await here.restart(with_journal=with_journal)
            if here.day.engine.risk()["halt_reason"] == Reason.FORGOTTEN:
                here.day.engine.on_halt(
                    Halt.ACTIVE, Reason.OK, here.now_ns
                )  # a person re-arms: trading goes on in the test
            deadline_ns = here.now_ns + PROTECTED_AGAIN_NS
            while not is_covered(here):
                assert here.now_ns < deadline_ns, (
                    f"died at record {seq}: not protected again in time"
                )
                await here.sim.run_until(here.now_ns + SECOND // 10)
        await here.run_to_end()
        check_end(here)
        if with_journal and here.n_restarts:
            assert here.day.journal is not None and here.day.journal.is_resumed
            done = replay(journal.windows())
            assert done.divergence is None, done.divergence
            assert done.n_sections == 2
        return here


STRIDE = int(os.environ.get("OTRADE_DEATH_STRIDE", "10"))
"""Of the records about orders, one in so many; `make deaths` takes every one."""


@pytest.mark.parametrize("part", range(4))
def test_death_at_a_record_about_orders(part: int) -> None:
    async def body() -> None:
        points = await recorded()
        kinds = {kind for _, kind in points}
        assert {Rec.FRAME, Rec.REPORT, Rec.SENT, Rec.ANSWER, Rec.COMMAND, Rec.RAW} <= kinds
        chosen = [seq for seq, _ in points[::STRIDE]][part::4]
        print(f"{len(points)} records are about orders; dying at {chosen}")
        for seq in chosen:
            await die_at(seq)

    run(body())


@pytest.mark.parametrize("part", range(3))
def test_death_and_a_lost_journal(part: int) -> None:
    """The broker's book alone suffices."""

    async def body() -> None:
        points = await recorded()
        for seq, _ in points[10 + part * 20 :: 3 * STRIDE]:
            await die_at(seq, with_journal=False)

    run(body())


def a_day(work: Callable[[SimulatedDay], Any], **given: Any) -> None:
    async def body() -> None:
        async with simulated_day(journal=MemoryJournal(), **{**DAY, **given}) as here:
            await here.open()
            await work(here)

    run(body())


def test_recovery_again_and_again_changes_nothing() -> None:
    async def work(here: SimulatedDay) -> None:
        await here.run_until(lambda: here.day.engine.n_live > 0)
        await here.sim.run_until(here.now_ns + 5 * SECOND)
        n_orders = len(here.sim.exchange.orders())
        live = [(o.order_id, o.terms) for o in here.sim.exchange.live_orders()]
        for _ in range(4):
            await here.restart()
            assert here.day.journal is not None and here.day.journal.is_resumed
        await here.restart(with_journal=False)
        assert len(here.sim.exchange.orders()) == n_orders, (
            "recovery placed an order where none was missing"
        )
        assert [(o.order_id, o.terms) for o in here.sim.exchange.live_orders()] == live
        await here.run_to_end()
        check_end(here)

    a_day(work)


def test_deaths_in_a_row_at_random_records() -> None:
    """Each process dies a few hundred records after the one before, wherever that is."""

    async def work(here: SimulatedDay) -> None:
        assert here.journal is not None
        n = 0
        for gap in (2900, 41, 230, 7, 390, 3, 61, 800, 13, 1):
            here.journal.writer.last_seq = here.journal.writer.seq + gap
            while not here.journal.writer.is_dead and not here.day.ended.is_set():
                await here.sim.run_until(here.now_ns + SECOND // 5)
            if here.day.ended.is_set():
                break
            n += 1
            await here.restart()
        assert n >= 8
        await here.run_to_end()
        check_end(here)
        done = replay(here.journal.windows())
        assert done.divergence is None and done.n_sections == n + 1

    a_day(work)


def test_a_halt_and_a_pause_of_a_person_outlive_the_process() -> None:
    async def work(here: SimulatedDay) -> None:
        control = Commands()
        control.set_day(here.day)
        assert control.command("pause", {})[0] and control.command("kill", {})[0]
        for given in (
            {},
            {"offsets_bps": (-20, 20, 40)},
        ):  # with the journal's core, and with another configuration
            await here.restart(**given)
            assert here.day.engine.risk()["halt"] == Halt.HALTED
            assert here.day.is_paused
        control.set_day(here.day)
        assert control.command("rearm", {})[0]
        await here.restart()
        assert here.day.engine.risk()["halt"] == Halt.ACTIVE and not here.day.is_paused
        await here.run_to_end()
        check_end(here)

    a_day(work)


def test_another_configuration_takes_the_brackets_back_from_the_book() -> None:
    async def work(here: SimulatedDay) -> None:
        await here.run_until(lambda: here.day.engine.n_live > 0 and len(here.day.trades) > 1)
        n_trades = len(here.day.trades)
        await here.restart(offsets_bps=(-20, 20, 45))
        assert "JOURNAL_NOT_USED" in here.codes() and "TAKEN_BACK" in here.codes()
        assert here.day.journal is not None and not here.day.journal.is_resumed
        await here.sim.run_until(here.now_ns + SECOND)
        assert len(here.day.trades) >= n_trades
        await here.run_to_end()
        check_end(here)

    a_day(work)


def test_changed_limits_keep_the_journals_core_and_are_in_force() -> None:
    async def work(here: SimulatedDay) -> None:
        await here.run_until(lambda: here.day.engine.n_live > 0)
        n_trades = here.day.engine.risk()["trades"]
        await here.restart(limits={"max_trades": n_trades})
        assert here.day.journal is not None and here.day.journal.is_resumed
        await here.run_to_end()
        assert here.day.engine.risk()["trades"] == n_trades
        check_end(here)

    a_day(work)


@pytest.mark.parametrize("broker", ["kite", "upstox"])
def test_a_day_with_a_new_login_a_reload_and_a_restart_replays_bit_for_bit(broker: Any) -> None:
    async def work(here: SimulatedDay) -> None:
        engine = here.day.engine
        await here.run_until(lambda: engine.n_live > 0)
        here.sim.expire_tokens()
        await here.run_until(lambda: here.day.is_token_dead)
        here.day.on_token(here.new_token())
        await here.run_until(
            lambda: bool(engine.risk()["feed_alive"]) and not here.day.is_token_dead
        )
        # What a reload of the configuration does.
        engine.set_limits(max_trades=engine.risk()["trades"] + 3, stale_feed_ns=7 * SECOND)
        engine.set_strategy_enabled(1, False)
        await here.sim.run_until(here.now_ns + 60 * SECOND)
        before = engine.risk()
        await here.restart(limits={"max_trades": before["trades"] + 3})
        assert here.day.journal is not None and here.day.journal.is_resumed
        await here.run_to_end()
        assert here.journal is not None
        done = replay(here.journal.windows())
        assert done.divergence is None, done.divergence
        assert done.n_sections == 2 and done.n_decisions > 10
        assert done.engine is not None and done.engine.risk() == here.day.engine.risk()
        calls = [
            bytes(record.payload) for record in here.journal.records() if record.kind == Rec.CALL
        ]
        assert sum(b'"m":"set_limits"' in call for call in calls) >= 3 and any(
            b'"m":"on_feed"' in call for call in calls
        )

    a_day(work, broker=broker)


def test_what_a_lost_journal_knew_is_not_taken_for_nothing() -> None:
    """Somebody had halted it, or had not: without the journal nobody knows, so nothing is entered
    before a person re-arms.
    """

    async def work(here: SimulatedDay) -> None:
        def entries() -> set[str]:
            return {
                order.order_id
                for order in here.sim.exchange.orders()
                if order.tag and order.tag[12] == "E"
            }

        await here.run_until(lambda: here.day.engine.n_live > 0)
        here.day.engine.on_halt(Halt.HALTED, Reason.OK, here.now_ns)
        await here.sim.run_until(here.now_ns + 5 * SECOND)
        await here.restart(with_journal=False)
        risk = here.day.engine.risk()
        assert (risk["halt"], risk["halt_reason"]) == (Halt.REDUCING, Reason.FORGOTTEN)
        assert any(notice.code == "JOURNAL_GONE" for notice in here.notices)
        began_ns = here.now_ns
        await here.run_until(lambda: not here.day.engine.risk()["paused"])
        assert here.now_ns - began_ns >= 59 * SECOND, (
            "what was sent in the last minute is not known either"
        )
        before = entries()
        await here.restart()  # the new journal remembers it, and is no lost one
        assert here.day.engine.risk()["halt_reason"] == Reason.FORGOTTEN
        await here.run_until(lambda: here.day.signals.refused.get(Reason.HALTED))
        assert entries() == before
        here.day.engine.on_halt(Halt.ACTIVE, Reason.OK, here.now_ns)
        await here.run_until(lambda: entries() != before)
        await here.run_to_end()
        check_end(here)

    a_day(work)


@pytest.mark.parametrize("is_closed", [False, True], ids=["still open", "closed again"])
@pytest.mark.parametrize("answers", ["at once", "late"])
def test_without_a_journal_a_book_that_is_behind_is_made_up_for(
    is_closed: bool, answers: str
) -> None:
    """What had traded seconds before the death is not in the book that the start believes, and
    turns up in a later one.
    """

    async def work(here: SimulatedDay) -> None:
        exchange = here.sim.exchange
        await here.run_until(lambda: here.day.engine.n_live > 0)
        if is_closed:
            here.day.engine.on_flatten(-1, here.now_ns)
            here.day.router.drain()
        await here.run_until(
            lambda: bool(exchange.net_qty()) != is_closed and len(exchange.trades()) > 0,
            SECOND // 10,
        )
        here.sim.faults.stale_book(5, 60 * SECOND)
        await here.restart(with_journal=False)
        assert here.day.engine.n_brackets == 0, "the book of the start was to hide it"
        if answers == "late":
            here.sim.faults.fail_next(
                503, "NetworkException", "not now", count=2, path_prefix="/trades"
            )
        await here.run_until(lambda: "TAKEN_BACK" in here.codes())
        await here.sim.run_until(here.now_ns + PROTECTED_AGAIN_NS)
        assert is_covered(here)
        risk = here.day.engine.risk()
        assert (risk["halt"], risk["halt_reason"]) == (Halt.REDUCING, Reason.FORGOTTEN)
        assert here.codes().count("JOURNAL_GONE") == 1
        here.day.engine.on_halt(Halt.ACTIVE, Reason.OK, here.now_ns)
        await here.run_until(lambda: here.day.reconciler.positions.quarantined() == [])
        await here.sim.run_until(here.now_ns + 120 * SECOND)
        assert here.day.engine.risk()["halt"] == Halt.ACTIVE, (
            "a person has spoken: it is not forgotten twice"
        )
        await here.run_to_end()
        check_end(here)

    a_day(work)


@pytest.mark.parametrize("run_id", [3, 900], ids=["started before", "started after"])
def test_orders_of_an_engine_that_runs_beside_this_one_are_not_taken(run_id: int) -> None:
    """Not even when an earlier run's are, out of the same book."""

    async def work(here: SimulatedDay) -> None:
        exchange = here.sim.exchange
        await here.sim.run_until(here.at("09:17"))
        await here.run_until(
            lambda: (
                len(exchange.trades()) > 0
                and not exchange.net_qty()
                and here.day.engine.n_live == 0
            )
        )
        here.sim.faults.stale_book(8, 60 * SECOND)
        await here.restart(with_journal=False)
        if run_id == 3:
            await here.sim.run_until(here.now_ns + 70 * SECOND)
        tag = make(ClOrdId(run=run_id, bracket=9, leg=Leg.ENTRY, attempt=0, slot=0))
        contract = exchange.market.universe.resolve("NSE:SBIN")
        exchange.place(
            OrderRequest(
                contract, 1, "MIS", RequestedTerms("MARKET", 7, protection_pct=-1.0), tag=tag
            )
        )
        await here.run_until(
            lambda: (
                "TAKEN_BACK" in here.codes() and bool(here.day.reconciler.positions.quarantined())
            )
        )
        await here.sim.run_until(here.now_ns + 20 * SECOND)
        assert here.day.engine.find_order(tag, exchange.orders()[-1].order_id) < 0
        assert "UNEXPLAINED" in here.codes() and exchange.net_qty()["NSE:SBIN"] == 7, (
            "shown and left alone"
        )
        exchange.place_manual("NSE:SBIN", -1, 7)
        await here.run_to_end()

    a_day(work)


def test_what_the_start_could_not_explain_trades_again_soon_after_it_has_gone() -> None:
    async def work(here: SimulatedDay) -> None:
        exchange = here.sim.exchange
        await here.sim.run_until(here.at("09:15") + 10 * SECOND)
        exchange.place_manual("NSE:SBIN", 1, 7)
        await here.sim.run_until(here.now_ns + 5 * SECOND)
        await here.restart()
        token = exchange.market.universe.resolve("NSE:SBIN").token
        assert here.day.reconciler.positions.quarantined() == [here.day.plan.instrument_of[token]]
        await here.sim.run_until(here.now_ns + 70 * SECOND)
        here.sim.faults.drop_pushes(9)  # a push about it would have the positions read anyway
        exchange.place_manual("NSE:SBIN", -1, 7)
        gone_ns = here.now_ns
        await here.run_until(lambda: here.day.reconciler.positions.quarantined() == [])
        assert here.now_ns - gone_ns <= 20 * SECOND
        await here.run_to_end()

    a_day(work, offsets_bps=(-200, 200))


def test_a_manual_trade_is_shown_left_alone_and_adopted_when_a_person_says_so() -> None:
    async def work(here: SimulatedDay) -> None:
        key = "NSE:SBIN"
        await here.sim.run_until(here.at("09:15") + 10 * SECOND)
        here.sim.exchange.place_manual(key, 1, 7)
        await here.sim.run_until(here.now_ns + 60 * SECOND)
        i = here.day.plan.instrument_of[here.sim.exchange.market.universe.resolve(key).token]
        assert here.day.engine.instrument(i)["quarantined"]
        other = 1 - i
        assert not here.day.engine.instrument(other)["quarantined"]
        assert here.sim.exchange.net_qty()[key] == 7, "nobody touches it"
        alarms = [n.text for n in here.notices if n.severity == Severity.ALARM]
        assert any("is not this engine's" in text or "the broker shows" in text for text in alarms)
        control = Commands()
        control.set_day(here.day)
        assert control.command("take-over", {"instrument_id": other}) == (
            False,
            f"{here.day.plan.symbol_of(other)}: the broker shows no quantity that is not this engine's",
        )
        done, words = control.command("take-over", {"instrument_id": i})
        assert done, words
        await here.sim.run_until(here.now_ns + 3 * SECOND)
        assert here.day.plan.net_of()[i] == 7
        stops = [o for o in here.sim.exchange.live_orders() if o.tag and o.contract.key == key]
        assert [o.terms.quantity for o in stops] == [7], "an adopted position has its stop"
        assert not here.day.engine.instrument(i)["quarantined"]
        await here.run_to_end()
        assert here.sim.exchange.net_qty() == {}
        assert here.day.engine.risk()["pnl_e4"] == here.true_pnl_e4()

    a_day(work, plan={"stop_value": 300.0, "target_kind": 0}, offsets_bps=(-200, 200))


def test_a_position_closed_by_hand_is_booked_on_its_bracket_when_adopted() -> None:
    async def work(here: SimulatedDay) -> None:
        await here.run_until(lambda: here.day.engine.n_live > 0)
        await here.sim.run_until(here.now_ns + SECOND)
        bracket = here.day.engine.bracket(here.day.engine.live_brackets()[0])
        name = here.day.plan.instruments[bracket["instrument_id"]].name
        here.sim.exchange.place_manual(name, -bracket["side"], bracket["open_qty"])
        await here.sim.run_until(here.now_ns + 20 * SECOND)
        control = Commands()
        control.set_day(here.day)
        done, words = control.command("take-over", {"instrument_id": bracket["instrument_id"]})
        if not done:  # its stop was quicker
            assert "shows no quantity" in words
        await here.sim.run_until(here.now_ns + 5 * SECOND)
        here.day.shutdown.stop("test")
        await here.run_to_end()

    a_day(work)
