"""The audit of positions over a stubbed broker: when it reads, what it compares, what it believes,
and what a difference is worth. By hand, to the nanosecond and the unit.
"""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from otrade._core.types import Severity
from otrade.brokers.session import BrokerPosition, BrokerRows
from otrade.errors import BrokerError
from otrade.live.reconciliation.position_audit import PositionAudit
from tests.harness.core_engine import SECOND, make_engine

START = 1_790_000_000_000_000_000
MINUTE = 60 * SECOND


def position(
    net: int, *, token: int = 1, product: str = "MIS", ltp: int = 1_000_000, **given: Any
) -> BrokerPosition:
    sums = {"buy_qty": 0, "sell_qty": 0, "buy_value_e4": 0, "sell_value_e4": 0, "multiplier": 1}
    return BrokerPosition(
        instrument_token=token, exchange="NSE", tradingsymbol="ONE", product=product, net_qty=net,
        ltp_e4=ltp, **{**sums, **given},
    )  # fmt: skip


class AuditWorld:
    """Two instruments, and a broker that shows what the test says."""

    def __init__(self, *shown: BrokerPosition) -> None:
        self.engine = make_engine(instruments=2)
        self.now = START
        self.shown = BrokerRows(list(shown))
        self.error: BaseException | None = None
        self.read_ns: list[int] = []
        self.said: list[tuple[str, str]] = []
        self.troubles: list[BaseException] = []
        self.faults: list[tuple[BaseException, str]] = []
        self.books_wanted = 0
        self.suspects: set[int] = set()
        self.cut_ns = 0
        self.net = {0: 0, 1: 0}
        instruments = [
            SimpleNamespace(
                product="MIS", symbol=f"NSE:{name}", broker_square_off_ns=0, close_ns=START + 10**15
            )
            for name in ("ONE", "TWO")
        ]
        self.plan: Any = SimpleNamespace(
            engine=self.engine, instruments=instruments, instrument_of={1: 0, 2: 1}, strategies=[],
            symbol_of=lambda i: instruments[i].symbol, net_of=lambda: dict(self.net),
        )  # fmt: skip
        world: Any = self
        self.audit = PositionAudit(
            self.plan,
            SimpleNamespace(now_ns=lambda: self.now),
            world,
            world,
            world,
            is_suspect=lambda instrument_id: instrument_id in self.suspects,
            drain=lambda: None,
            on_trouble=self.troubles.append,
            on_fault=lambda error, doing: self.faults.append((error, doing)),
        )

    # What the audit asks of the board, the broker and the poller of books.
    def say(self, severity: Severity, code: str, text: str, **_: Any) -> None:
        self.said.append((code, text))

    async def positions(self) -> BrokerRows[BrokerPosition]:
        self.read_ns.append(self.now)
        if self.error is not None:
            raise self.error
        return self.shown

    def want(self) -> None:
        self.books_wanted += 1

    ts_last_request_ns = 0

    async def beat(self, ns: int) -> int:
        """Time passes; how often the positions have been read at its end."""
        before = len(self.read_ns)
        self.now += ns
        self.audit.audit(self.now)
        await self.audit.close()
        return len(self.read_ns) - before


def play(work: Any) -> None:
    asyncio.run(work())


async def calm(w: AuditWorld) -> None:
    """Its first look only remembers the time."""
    assert await w.beat(0) == 0


def test_a_calm_day_reads_every_five_minutes() -> None:
    async def work() -> None:
        w = AuditWorld()
        await calm(w)
        assert await w.beat(5 * MINUTE - 1) == 0
        assert await w.beat(1) == 1
        assert await w.beat(5 * MINUTE - 1) == 0
        assert await w.beat(1) == 1

    play(work)


def test_with_something_in_quarantine_it_reads_every_fifteen_seconds() -> None:
    async def work() -> None:
        w = AuditWorld()
        w.suspects.add(0)
        await calm(w)
        w.engine.on_quarantine(0, True, w.now)
        assert await w.beat(15 * SECOND - 1) == 0
        assert await w.beat(1) == 1
        assert w.audit.quarantined() == [0], "an order of somebody's could still trade there"
        w.suspects.clear()
        assert await w.beat(15 * SECOND) == 1
        assert w.audit.quarantined() == []

    play(work)


def test_it_reads_sooner_when_asked_a_second_apart() -> None:
    async def work() -> None:
        w = AuditWorld()
        await calm(w)
        await w.beat(5 * MINUTE)
        w.now += SECOND // 2
        w.audit.poll_soon()
        w.audit.poll_soon()
        assert await w.beat(SECOND // 2 - 1) == 0
        assert await w.beat(1) == 1
        assert await w.beat(SECOND) == 0, "once"
        w.audit.poll_soon()
        assert await w.beat(0) == 1, "the last one is more than a second ago"

    play(work)


def test_a_difference_is_one_when_two_looks_a_second_apart_agree() -> None:
    async def work() -> None:
        w = AuditWorld(position(7))
        await calm(w)
        await w.beat(5 * MINUTE)
        assert (w.audit.differences[0][0], w.audit.quarantined(), w.books_wanted) == (7, [], 1)
        assert await w.beat(SECOND - 1) == 0
        assert await w.beat(1) == 1
        assert w.audit.quarantined() == [0]
        assert [code for code, _ in w.said] == ["UNEXPLAINED"]
        w.shown = BrokerRows([])
        assert await w.beat(15 * SECOND) == 1
        assert (w.audit.quarantined(), w.audit.differences) == ([], {})

    play(work)


def test_a_difference_that_has_changed_begins_again() -> None:
    async def work() -> None:
        w = AuditWorld(position(7))
        await calm(w)
        await w.beat(5 * MINUTE)
        w.shown = BrokerRows([position(8)])
        await w.beat(SECOND)
        assert w.audit.quarantined() == [], "another one: seen once"
        await w.beat(SECOND)
        assert w.audit.quarantined() == [0]

    play(work)


def test_what_trades_during_the_question_makes_it_void() -> None:
    async def work() -> None:
        w = AuditWorld(position(7))
        await calm(w)
        real = w.positions

        async def meanwhile() -> BrokerRows[BrokerPosition]:
            w.net[0] = 7
            return await real()

        w.positions = meanwhile
        await w.beat(5 * MINUTE)
        assert w.audit.differences == {} and w.books_wanted == 0
        assert await w.beat(SECOND) == 1, "asked again"

    play(work)


def test_a_broker_that_fails_is_asked_again_and_a_fault_of_ours_is_said() -> None:
    async def work() -> None:
        w = AuditWorld()
        await calm(w)
        w.error = BrokerError("not now")
        await w.beat(5 * MINUTE)
        assert w.troubles == [w.error] and not w.faults
        assert await w.beat(SECOND) == 1
        w.error = KeyError("ours")
        await w.beat(SECOND)
        assert w.faults == [(w.error, "comparing positions")]

    play(work)


def test_rows_of_one_product_are_added_and_others_kept_apart() -> None:
    w = AuditWorld()
    w.net = {0: 10, 1: -3}
    rows = [
        position(4, buy_qty=4, buy_value_e4=100),
        position(5, buy_qty=6, sell_qty=1, buy_value_e4=200, sell_value_e4=30),
        position(2, product="CNC"),
        position(1, product="CNC"),
        position(-3, token=2),
        position(99, token=5),
    ]
    (found,) = w.audit.compare(rows)
    assert (found.instrument_id, found.key) == (0, "position 9")
    assert list(w.audit.differences) == [0]
    foreign, row = w.audit.differences[0]
    assert row is not None and foreign == -1
    assert (row.buy_qty, row.sell_qty, row.buy_value_e4, row.sell_value_e4) == (10, 1, 300, 30)
    assert w.audit.ts_last_ns == w.now
    done, words = w.audit.adopt(1)
    assert not done and words == "NSE:TWO: the broker shows no quantity that is not this engine's"
    w.net[0] = 9
    w.audit.compare(rows)
    assert "It shows +3 in CNC: another product" in w.audit.adopt(0)[1]


def test_an_answer_that_cannot_be_read_says_nothing() -> None:
    async def work() -> None:
        w = AuditWorld()
        for token, row_id, bad in (
            (1, "ONE", True),
            (9, "NINE", False),
            (0, "", True),
            (0, "X", False),
        ):
            unread = SimpleNamespace(instrument_token=token, row_id=row_id, why="it is odd")
            rows: BrokerRows[BrokerPosition] = BrokerRows([])
            rows.unread = [unread]
            w.shown = rows
            if not bad:
                assert await w.audit.read() == []
                continue
            with pytest.raises(BrokerError, match=row_id or "an unknown instrument"):
                await w.audit.read()

    play(work)


@pytest.mark.parametrize(
    ("cut_s", "close_s", "gap_s"),
    [
        (121, 900, 60),  # later than two minutes: as with any open position
        (120, 900, 5),
        (-30, 900, 5),  # it has begun
        (-30, 0, 60),  # after the close
        (0, 900, 5),
    ],
)
def test_how_often_it_reads_with_a_position_near_the_brokers_square_off(
    cut_s: int, close_s: int, gap_s: int
) -> None:
    w = AuditWorld()
    w.engine.adopt_bracket(0, 1, 10, 20_000, w.now)
    assert w.engine.n_live == 1
    w.plan.instruments[1].broker_square_off_ns = w.now + cut_s * SECOND
    for instrument in w.plan.instruments:
        instrument.close_ns = w.now + close_s * SECOND
    assert w.audit._gap_ns(w.now) == gap_s * SECOND


def test_an_exit_that_is_refused_after_the_cut_off_is_said_once_and_looked_into() -> None:
    async def work() -> None:
        w = AuditWorld()
        await calm(w)
        await w.beat(5 * MINUTE)
        w.plan.instruments[0].broker_square_off_ns = w.now + 1
        w.audit.on_exit_refused(0)
        w.audit.on_exit_refused(1)
        assert w.said == [], "before its time, or without one"
        assert await w.beat(SECOND) == 1
        w.plan.instruments[0].broker_square_off_ns = w.now
        w.audit.on_exit_refused(0)
        w.audit.on_exit_refused(0)
        assert [code for code, _ in w.said] == ["EXIT_AFTER_CUT_OFF"]

    play(work)


@pytest.mark.parametrize(
    ("qty", "row", "per_unit_e4"),
    [
        # All that was bought is foreign: exactly what the broker says it cost
        (7, position(7, buy_qty=7, buy_value_e4=7_007_000), 1_001_000),
        (-7, position(-7, sell_qty=7, sell_value_e4=6_993_000), 999_000),
        # Somebody has traded the other way too: the last price stands for it
        (7, position(7, buy_qty=8, sell_qty=1, buy_value_e4=8_000_000), 1_000_000),
        (7, position(7, buy_qty=7, buy_value_e4=0), 1_000_000),
        (7, position(7, buy_qty=6, buy_value_e4=6_006_000), 1_000_000),
    ],
)
def test_what_a_difference_is_worth(qty: int, row: BrokerPosition, per_unit_e4: int) -> None:
    w = AuditWorld()
    w.plan.strategies = [SimpleNamespace(instrument_id=0, name="one")]
    w.engine.start(START)
    w.audit.compare([row])
    done, words = w.audit.adopt(0)
    assert done, words
    adopted = w.engine.bracket(0)
    assert (adopted["entry_qty"], adopted["side"]) == (7, 1 if qty > 0 else -1)
    assert adopted["entry_value_e4"] == 7 * per_unit_e4
    assert w.audit.differences == {}
    assert w.said[-1][0] == "ADOPTED" and w.said[-1][1].endswith(f"(at {per_unit_e4 / 10_000:.2f})")


def test_what_has_no_price_is_not_taken_over() -> None:
    w = AuditWorld()
    w.audit.compare([position(7, ltp=0)])
    done, words = w.audit.adopt(0)
    assert not done and "tells no price" in words
    w.net[0] = 3
    w.audit.compare([])
    done, words = w.audit.adopt(0)
    assert not done and "tells no price" in words, "there is no row at all"


def test_nothing_is_taken_over_beside_an_order_that_nobody_here_knows() -> None:
    """A stop of an earlier run whose journal is lost would trade beside the new one, and turn the
    position round.
    """
    w = AuditWorld()
    w.plan.strategies = [SimpleNamespace(instrument_id=0, name="one")]
    w.engine.start(START)
    w.audit.compare([position(7, buy_qty=7, buy_value_e4=7_007_000)])
    w.suspects = {0}
    done, words = w.audit.adopt(0)
    assert not done and "cancel it at the broker" in words and w.engine.n_brackets == 0
    w.suspects = {1}
    assert w.audit.adopt(0)[0]
