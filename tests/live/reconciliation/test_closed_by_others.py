"""A position that others make smaller, poll by poll: what exits may still be for, what is booked, at
which price, and what is said. Ten units bought at 100 rupees under a stop; prices in e4.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest

from otrade._core.types import BracketState, Ev, ExitReason, Severity, Side
from otrade.brokers.session import BrokerRows, OrderReport
from otrade.live.reconciliation.bracket_recovery import adopt_position, closable_qty, closed_at
from tests.harness.core_engine import MS, SECOND, frame, make_engine, order_report, packet, token_of
from tests.live.reconciliation.test_foreign_orders import order
from tests.live.reconciliation.test_position_audit import START, AuditWorld, position


class HeldWorld(AuditWorld):
    """Ten of the first instrument are held, long or short, and known to both."""

    def __init__(self, side: int = Side.BUY, ltp: int = 1_000_000) -> None:
        super().__init__(position(10 * side, ltp=ltp))
        self.side = side
        self.spoken: list[tuple[Severity, str, str]] = []
        self.traded: dict[str, tuple[int, int]] = {}
        self.plan.strategies.append(SimpleNamespace(instrument_id=0, name="one"))
        self.plan.net_of = lambda: {i: self.engine.position(i)["net_qty"] for i in range(2)}
        adopt_position(self.plan, 0, 10 * side, 10_000_000, START - SECOND)
        self.commands()

    def commands(self) -> list[Any]:
        found = []
        while (cmd := self.engine.take_command()) is not None:
            found.append(cmd)
        return found

    def say(self, severity: Severity, code: str, text: str, **_: Any) -> None:
        super().say(severity, code, text)
        self.spoken.append((severity, code, text))

    async def trades(self) -> dict[str, tuple[int, int]]:
        return self.traded

    def shows(self, net: int, **given: Any) -> None:
        self.shown = BrokerRows([position(net, **given)])

    def book_comes(self) -> None:
        self.ts_last_request_ns = self.now

    def closes(
        self, qty: int, price_e4: int = 990_000, number: str = "H1", **given: Any
    ) -> OrderReport:
        """Somebody's order of the other side has filled so much."""
        terms = {"cum_value_e4": qty * price_e4, "ts_update_ns": self.now, **given}
        report = order(number, -self.side, qty, **terms)
        self.audit.on_foreign(report)
        return report

    async def polls(self, times: int = 1) -> HeldWorld:
        """So many polls, each as soon as one is due."""
        for _ in range(times):
            self.audit.poll_soon()
            assert await self.beat(SECOND) == 1
        return self

    async def agreed(self) -> HeldWorld:
        """Two polls, and a book between them."""
        await self.polls()
        self.now += MS
        self.book_comes()
        return await self.polls()

    @property
    def b(self) -> dict[str, Any]:
        return dict(self.engine.bracket(0))

    @property
    def held(self) -> int:
        return int(self.b["open_qty"] - self.b["gone_qty"])

    def codes(self) -> list[str]:
        return [code for _, code, _ in self.spoken]


def play(side: int, work: Callable[[HeldWorld], Awaitable[None]], **given: Any) -> None:
    async def body() -> None:
        w = HeldWorld(side, **given)
        await w.beat(0)
        await w.polls()  # what is right is looked at, and nothing follows
        assert (w.held, w.spoken, w.audit.differences) == (10, [], {})
        await work(w)
        assert not w.faults, w.faults

    asyncio.run(body())


SIDES = pytest.mark.parametrize("side", [Side.BUY, Side.SELL], ids=["long", "short"])


@SIDES
def test_what_an_order_explains_is_booked_at_its_price(side: int) -> None:
    async def work(w: HeldWorld) -> None:
        w.closes(4)
        w.shows(side * 6)
        wanted = w.books_wanted
        await w.polls()
        assert w.books_wanted == wanted + 1 and w.held == 10, "one poll is no difference"
        assert w.audit.quarantined() == []
        await w.polls()
        assert w.books_wanted == wanted + 2 and w.held == 10, "an own fill would look the same"
        assert w.audit.quarantined() == [0] and w.codes() == ["UNEXPLAINED"]
        w.book_comes()
        await w.polls()
        assert (w.b["open_qty"], w.b["gone_qty"], w.b["exit_qty"]) == (6, 0, 4)
        assert w.b["exit_value_e4"] == 4 * 990_000
        assert w.b["exit_reason"] == ExitReason.MANUAL
        severity, code, text = w.spoken[-1]
        assert (severity, code) == (Severity.WARN, "CLOSED_ELSEWHERE")
        assert "4 units" in text and "somebody else" in text and "order H1" in text
        assert "at 99" in text and "not known" not in text
        await w.polls()
        assert w.audit.quarantined() == [] and w.audit.differences == {}
        assert w.audit.foreign.net(0) == 0 and w.b["open_qty"] == 6

    play(side, work)


@SIDES
def test_all_of_it_closed_by_the_broker_is_an_alarm(side: int) -> None:
    async def work(w: HeldWorld) -> None:
        w.closes(10, raw={"placed_by": "ADMINSQF"})
        w.shows(0)
        await w.agreed()
        assert (w.b["open_qty"], w.b["exit_reason"]) == (0, ExitReason.BROKER)
        severity, _, text = w.spoken[-1]
        assert severity == Severity.ALARM and "the broker's own square-off" in text
        assert w.b["pnl_e4"] == -side * 10 * 10_000

    play(side, work)


@pytest.mark.parametrize(
    ("traded", "filled_e4", "value_e4", "known"),
    [
        ({"H1": (4, 3_961_000)}, 990_000, 3_961_000, True),  # the day's trades are the truth
        ({"H1": (3, 2_971_000)}, 990_000, 3_960_000, True),  # they are behind
        ({"H1": (4, 0)}, 990_000, 3_960_000, True),
        ({"H1": (4, 1)}, 990_000, 1, True),
        ({"X9": (4, 1)}, 990_000, 3_960_000, True),
        ({}, 0, 4 * 985_000, False),  # the last price stands for it
        ({"H1": (4, 3_961_000)}, 0, 3_961_000, True),
    ],
)
def test_what_is_booked_costs_what_the_trades_say(
    traded: dict[str, tuple[int, int]], filled_e4: int, value_e4: int, known: bool
) -> None:
    async def work(w: HeldWorld) -> None:
        w.traded = traded
        w.closes(4, filled_e4)
        w.shows(6, ltp=985_000)
        await w.agreed()
        assert (w.b["exit_qty"], w.b["exit_value_e4"]) == (4, value_e4)
        assert ("not known" in w.spoken[-1][2]) != known

    play(Side.BUY, work)


def test_where_the_feed_tells_a_price_it_is_the_last_one() -> None:
    async def work(w: HeldWorld) -> None:
        w.engine.on_frame_bytes(frame(packet(token_of(0), 9_870)), w.now)
        w.closes(4, 0)
        w.shows(6, ltp=985_000)
        await w.agreed()
        assert w.b["exit_value_e4"] == 4 * 987_000

    play(Side.BUY, work)


@SIDES
def test_what_nobody_explains_shrinks_exits_after_three_looks_and_half_a_minute(side: int) -> None:
    async def work(w: HeldWorld) -> None:
        w.shows(side * 6)
        await w.polls()
        first = w.now
        w.now += MS
        w.book_comes()
        await w.polls(2)
        assert w.held == 10, "three looks, and no half minute"
        w.now = first + 30 * SECOND - 2 * SECOND
        await w.polls()
        assert w.held == 10
        await w.polls()
        assert w.held == 6 and w.b["open_qty"] == 10, "exits shrink; nothing is booked"
        severity, code, text = w.spoken[-1]
        assert (severity, code) == (Severity.ALARM, "CLOSED_ELSEWHERE") and "4 units less" in text
        said = len(w.spoken)
        await w.polls()
        assert len(w.spoken) == said and w.held == 6, "once"
        # They are there again.
        w.shows(side * 9)
        await w.polls(2)
        assert w.held == 9
        w.shows(side * 10)
        await w.polls(2)
        assert w.held == 10
        await w.polls()
        assert w.audit.quarantined() == []

    play(side, work)


def test_between_two_looks_without_a_word_ten_seconds_pass() -> None:
    async def work(w: HeldWorld) -> None:
        w.shows(6)
        await w.polls()
        w.now += MS
        w.book_comes()
        await w.polls()
        assert await w.beat(10 * SECOND - 1) == 0
        assert await w.beat(1) == 1

    play(Side.BUY, work)


def test_an_answer_without_any_row_closes_nothing() -> None:
    async def work(w: HeldWorld) -> None:
        w.audit.foreign = SimpleNamespace(  # type: ignore[assignment]
            has_traded=lambda i: False, net=lambda i: 0, unexplained=lambda i, side: []
        )
        w.shown = BrokerRows([])
        for _ in range(8):
            w.now += 20 * SECOND
            w.book_comes()
            w.audit.poll_soon()
            await w.beat(SECOND)
        assert w.held == 10

    play(Side.BUY, work)


@SIDES
def test_what_is_added_by_others_is_theirs(side: int) -> None:
    async def work(w: HeldWorld) -> None:
        w.shows(side * 13)
        await w.agreed()
        await w.polls(3)
        assert (w.held, w.b["open_qty"]) == (10, 10) and w.codes() == ["UNEXPLAINED"]
        assert w.audit.quarantined() == [0]

    play(side, work)


@SIDES
def test_beyond_what_we_hold_nothing_is_closed(side: int) -> None:
    """Somebody has sold fifteen: ten close ours, five are his."""

    async def work(w: HeldWorld) -> None:
        w.closes(15)
        w.shows(-side * 5)
        await w.agreed()
        assert (w.b["open_qty"], w.b["exit_qty"], w.b["exit_value_e4"]) == (0, 10, 9_900_000)
        assert w.audit.foreign.net(0) == -side * 5

    play(side, work)


@SIDES
def test_what_was_sold_before_we_bought_closes_nothing(side: int) -> None:
    async def work(w: HeldWorld) -> None:
        w.closes(4, ts_update_ns=START - 10 * SECOND)
        w.shows(side * 6)
        await w.agreed()
        await w.polls(2)
        assert (w.held, w.b["exit_qty"]) == (10, 0) and w.audit.quarantined() == [0]

    play(side, work)


@SIDES
def test_two_orders_are_booked_each_at_its_own_price(side: int) -> None:
    async def work(w: HeldWorld) -> None:
        w.closes(4, 990_000, "H1")
        w.now += SECOND
        w.closes(3, 980_000, "H2")
        w.shows(side * 3)
        await w.agreed()
        assert (w.b["open_qty"], w.b["exit_qty"]) == (3, 7)
        assert w.b["exit_value_e4"] == 4 * 990_000 + 3 * 980_000
        assert w.codes().count("CLOSED_ELSEWHERE") == 2

    play(side, work)


# ------------------------------------------------------------------------------------------------------------------------
# another product
@SIDES
def test_what_was_converted_is_no_longer_ours(side: int) -> None:
    async def work(w: HeldWorld) -> None:
        w.shown = BrokerRows([position(side * 6), position(side * 4, product="NRML")])
        await w.agreed()
        assert (w.b["open_qty"], w.b["exit_qty"]) == (6, 4)
        assert w.b["exit_value_e4"] == 4 * 1_000_000, "the last price stands for it"
        severity, code, text = w.spoken[-1]
        assert (severity, code) == (Severity.ALARM, "CLOSED_ELSEWHERE")
        assert "4 units were converted from MIS to NRML" in text
        await w.polls(2)
        assert w.audit.quarantined() == [] and w.b["open_qty"] == 6
        # And once more, the rest of it
        w.shown = BrokerRows([position(0), position(side * 10, product="NRML")])
        await w.agreed()
        assert w.b["open_qty"] == 0

    play(side, work)


def test_another_product_that_moves_by_something_else_explains_nothing() -> None:
    async def work(w: HeldWorld) -> None:
        w.shown = BrokerRows([position(6), position(3, product="NRML")])
        await w.agreed()
        assert (w.held, w.b["exit_qty"]) == (10, 0)
        w.shown = BrokerRows([position(6), position(-4, product="NRML")])
        await w.agreed()
        assert (w.held, w.b["exit_qty"]) == (10, 0), "the same way is no conversion"

    play(Side.BUY, work)


# ------------------------------------------------------------------------------------------------------------------------
# the start
@SIDES
@pytest.mark.parametrize(
    ("told", "shown", "held"),
    [
        (4, 6, 6),  # the book explains it
        (4, 7, 7),  # more than is missing
        (3, 6, 10),  # less than is missing
        (-4, 6, 10),  # somebody's order of our own side
        (0, 6, 10),
        (4, 10, 10),  # nothing is missing
    ],
)
def test_what_a_start_bounds_before_it_asks_for_a_stop(
    side: int, told: int, shown: int, held: int
) -> None:
    w = HeldWorld(side)
    reports = []
    if told:
        reports = [order("H1", -side if told > 0 else side, abs(told), ts_update_ns=START)]
    w.audit.bound_at_start(reports, [position(side * shown)])
    assert w.held == held
    w = HeldWorld(side)
    w.audit.bound_at_start([order("H1", -side, 10, ts_update_ns=START)], [])
    assert w.held == 10, "no row is no word"


# ------------------------------------------------------------------------------------------------------------------------
# a person takes it over
@SIDES
def test_what_a_person_takes_over(side: int) -> None:
    async def work(w: HeldWorld) -> None:
        assert w.audit.adopt(0)[0] is False
        w.shows(side * 6, ltp=970_000)
        await w.agreed()
        assert w.audit.quarantined() == [0]
        done, words = w.audit.adopt(0)
        assert done and "4 units closed by hand" in words
        assert (w.b["open_qty"], w.b["exit_qty"], w.b["exit_value_e4"]) == (6, 4, 4 * 970_000)
        assert w.b["gone_qty"] == 0 and w.audit.differences == {}
        assert w.audit.quarantined() == [] and w.codes()[-1] == "ADOPTED"
        assert "97" in w.spoken[-1][2]
        assert w.audit.adopt(0)[0] is False, "once"

    play(side, work)


@pytest.mark.parametrize(("freeze", "parts"), [(0, [7]), (3, [3, 3, 1])])
def test_what_is_left_over_becomes_brackets_of_its_own(freeze: int, parts: list[int]) -> None:
    engine = make_engine(freeze_qty=freeze)
    plan: Any = SimpleNamespace(
        engine=engine, strategies=[SimpleNamespace(instrument_id=0, name="one")],
        symbol_of=lambda i: "NSE:ONE",
    )  # fmt: skip
    words = adopt_position(plan, 0, 7, 7_000_003, START)
    assert [engine.bracket(i)["open_qty"] for i in range(engine.n_brackets)] == parts
    assert sum(engine.bracket(i)["entry_value_e4"] for i in range(len(parts))) == 7_000_003
    assert {engine.bracket(i)["decision"] for i in range(len(parts))} == {0}
    # The paisa's hundredth that is left over is the last one's: its stop is a tick nearer
    assert engine.bracket(0)["stop_e4"] == 980_000
    assert words.startswith("NSE:ONE: 7 units are taken over under one")
    assert ("its stop" in words) == (len(parts) == 1)
    adopt_position(plan, 0, -8, 8_000_000, START)
    assert [engine.bracket(i)["open_qty"] for i in range(len(parts))] == [0] * len(parts)
    last = engine.bracket(engine.n_brackets - 1)
    assert (last["side"], last["open_qty"], last["entry_value_e4"]) == (Side.SELL, 1, 1_000_000)


@SIDES
def test_how_much_of_a_quantity_closes_what_was_open_then(side: int) -> None:
    w = HeldWorld(side)
    opened = w.b["ts_open_ns"]
    assert closable_qty(w.plan, 0, -side * 4) == 4
    assert closable_qty(w.plan, 0, -side * 14) == 10
    assert closable_qty(w.plan, 0, side * 4) == 0
    assert closable_qty(w.plan, 1, -side * 4) == 0
    assert closable_qty(w.plan, 0, -side * 4, opened - SECOND) == 4, "times are whole seconds"
    assert closable_qty(w.plan, 0, -side * 4, opened - SECOND - 1) == 0


@SIDES
def test_which_bracket_was_open_at_a_time(side: int) -> None:
    w = HeldWorld(side)
    assert closed_at(w.plan, 0, -side, w.b["ts_open_ns"]) == (-1, 0), "it is open still"
    stop = w.engine.order(w.b["stop_slot"])
    closed = START + 5 * SECOND
    w.engine.on_report(
        order_report(
            cl_ord_id=stop["cl_ord_id"], broker_order_id="S", ev=Ev.FILL_FULL, source=1, order_qty=10,
            cum_qty=10, cum_value_e4=9_800_000, price_e4=stop["price_e4"], trigger_e4=stop["trigger_e4"],
            ord_type=stop["ord_type"], triggered=True, ts_update_ns=closed, ts_recv_ns=closed,
        )
    )  # fmt: skip
    opened, ended = w.b["ts_open_ns"], w.b["ts_close_ns"]
    assert w.b["state"] == BracketState.CLOSED
    for at, found in (
        (opened - SECOND - 1, (-1, 0)),
        (opened - SECOND, (0, 10)),
        (closed, (0, 10)),
        (closed + 1, (-1, 0)),
    ):
        if at <= ended:
            assert closed_at(w.plan, 0, -side, at) == found, at
    assert closed_at(w.plan, 0, -side, ended + 1) == (-1, 0)
    assert closed_at(w.plan, 0, side, closed) == (-1, 0)
    assert closed_at(w.plan, 1, -side, closed) == (-1, 0)


def test_an_entry_that_rests_is_nothing_that_could_be_closed() -> None:
    engine = make_engine()
    for at, paise in enumerate((9_990, 10_005)):
        engine.on_frame_bytes(frame(packet(token_of(0), paise)), START + at)
    assert engine.n_live == 1 and engine.bracket(0)["open_qty"] == 0
    plan: Any = SimpleNamespace(
        engine=engine, strategies=[SimpleNamespace(instrument_id=0, name="one")],
        symbol_of=lambda i: "NSE:ONE",
    )  # fmt: skip
    words = adopt_position(plan, 0, -5, 5_000_000, START + SECOND)
    assert "closed" not in words and closable_qty(plan, 0, -5) == 0
    assert (engine.bracket(1)["side"], engine.bracket(1)["open_qty"]) == (Side.SELL, 5)


def test_what_somebody_traded_before_our_entry_filled_closes_nothing() -> None:
    """The entry waited at the exchange for twenty seconds, and he traded after ten."""
    engine = make_engine()
    for at, paise in enumerate((9_990, 10_005)):
        engine.on_frame_bytes(frame(packet(token_of(0), paise)), START + at)
    entry = engine.order(0)
    filled = START + 20 * SECOND
    for ev, cum in ((Ev.WORKING, 0), (Ev.FILL_FULL, entry["order_qty"])):
        engine.on_report(
            order_report(
                cl_ord_id=entry["cl_ord_id"], broker_order_id="E", ev=ev, source=1, order_qty=entry["order_qty"],
                cum_qty=cum, cum_value_e4=cum * 1_000_000, price_e4=entry["price_e4"], trigger_e4=0,
                ord_type=entry["ord_type"], triggered=False, ts_update_ns=filled, ts_recv_ns=filled,
            )
        )  # fmt: skip
    plan: Any = SimpleNamespace(engine=engine)
    side = engine.bracket(0)["side"]
    assert engine.bracket(0)["open_qty"] == entry["order_qty"]
    assert closable_qty(plan, 0, -side * 5, START + 10 * SECOND) == 0
    assert closable_qty(plan, 0, -side * 5, filled) == 5


def test_a_difference_that_is_there_from_the_first_poll_is_no_conversion() -> None:
    async def body() -> None:
        w = HeldWorld()
        await w.beat(0)
        w.shown = BrokerRows([position(6), position(4, product="NRML")])
        await w.agreed()
        assert not w.faults, w.faults
        assert (w.held, w.b["exit_qty"]) == (10, 0), "nobody has seen it move"

    asyncio.run(body())


@SIDES
def test_what_our_stop_and_somebody_else_both_closed_is_undone(side: int) -> None:
    async def work(w: HeldWorld) -> None:
        stop = w.engine.order(w.b["stop_slot"])
        w.now += SECOND
        w.closes(10, ts_update_ns=w.now)
        w.engine.on_report(
            order_report(
                cl_ord_id=stop["cl_ord_id"], broker_order_id="S", ev=Ev.FILL_FULL, source=1, order_qty=10,
                cum_qty=10, cum_value_e4=9_800_000, price_e4=stop["price_e4"], trigger_e4=stop["trigger_e4"],
                ord_type=stop["ord_type"], triggered=True, ts_update_ns=w.now, ts_recv_ns=w.now,
            )
        )  # fmt: skip
        assert w.b["state"] == BracketState.CLOSED
        w.shows(-side * 10)
        await w.agreed()
        assert "CLOSED_TWICE" in w.codes() and w.b["open_qty"] == -10
        fix = w.commands()[-1]
        assert (fix.side, fix.qty) == (side, 10), "it is bought back (or sold)"
        assert w.audit.foreign.net(0) == 0

    play(side, work)


@SIDES
def test_what_somebody_opened_beyond_what_we_held_is_his(side: int) -> None:
    """He trades 15 against our 10, and our stop closes the 10 too: ten go back, and his five stay."""

    async def work(w: HeldWorld) -> None:
        stop = w.engine.order(w.b["stop_slot"])
        w.now += SECOND
        w.closes(15, ts_update_ns=w.now)
        told = {
            "source": 1, "trigger_e4": stop["trigger_e4"], "triggered": True,
            "ts_update_ns": w.now, "ts_recv_ns": w.now,
        }  # fmt: skip
        w.engine.on_report(
            order_report(
                cl_ord_id=stop["cl_ord_id"], broker_order_id="S", ev=Ev.FILL_FULL, order_qty=10, cum_qty=10,
                cum_value_e4=9_800_000, price_e4=stop["price_e4"], ord_type=stop["ord_type"], **told,
            )
        )  # fmt: skip
        w.shows(-side * 15)
        await w.agreed()
        assert w.codes().count("CLOSED_TWICE") == 1 and w.b["open_qty"] == -10
        fix = w.commands()[-1]
        order = w.engine.order(fix.order_slot)
        w.engine.on_report(
            order_report(
                cl_ord_id=order["cl_ord_id"], broker_order_id="F", ev=Ev.FILL_FULL, order_qty=10, cum_qty=10,
                cum_value_e4=9_800_000, price_e4=order["price_e4"], ord_type=order["ord_type"],
                **{**told, "trigger_e4": 0, "triggered": False},
            )
        )  # fmt: skip
        assert w.b["state"] == BracketState.CLOSED
        w.shows(-side * 5)
        await w.agreed()
        await w.agreed()
        assert w.codes().count("CLOSED_TWICE") == 1 and w.b["open_qty"] == 0
        assert not w.commands(), "nobody closes what is his"

    play(side, work)


def test_what_is_not_shown_at_all_differs_by_all_of_it() -> None:
    w = HeldWorld()
    w.audit.compare([])
    assert w.audit.differences == {0: (-10, None)}
