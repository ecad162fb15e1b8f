"""Orders that the core did not send, over a stubbed broker: which are taken in, which are taken back,
which put an instrument in quarantine, and which are nobody's business here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from otrade._core.types import BracketState, Ev, Leg, OrdType, Reason, Severity, Side, Worth
from otrade.brokers.session import BrokerPosition, BrokerRows, OrderReport
from otrade.errors import BrokerError, NetworkError, RateLimitError
from otrade.live.oms.cl_ord_id import ClOrdId, make
from otrade.live.reconciliation.reconciler import Reconciler
from tests.harness.core_engine import SECOND, make_engine
from tests.live.reconciliation.test_foreign_orders import order
from tests.live.reconciliation.test_position_audit import START, position

MINUTE = 60 * SECOND


class AccountWorld:
    """Two instruments; run 7 is ours. The broker shows what the test says."""

    def __init__(self) -> None:
        self.engine = make_engine(instruments=2, plan={"target_kind": 0})
        self.now = START
        self.book: list[OrderReport] = []
        self.books: list[list[OrderReport]] = []
        """What the next answers are, before `book`."""
        self.shown: list[BrokerPosition] = []
        self.traded: dict[str, tuple[int, int]] = {}
        self.errors: list[Exception] = []
        self.asked: list[str] = []
        self.said: list[tuple[Severity, str, str]] = []
        self.troubles: list[str] = []
        self.faults: list[tuple[BaseException, str]] = []
        self.missing: list[list[str]] = []
        self.waits: list[int] = []
        self.drained = 0
        self.books_wanted = 0
        self.ts_last_request_ns = 0
        instruments = [
            SimpleNamespace(
                product="MIS", symbol=f"NSE:{name}", broker_square_off_ns=0, close_ns=START + 10**15
            )
            for name in ("ONE", "TWO")
        ]
        self.plan: Any = SimpleNamespace(
            engine=self.engine, instruments=instruments, instrument_of={1: 0, 2: 1},
            strategies=[SimpleNamespace(instrument_id=0, name="one")], budget={"per_day": 900},
            symbol_of=lambda i: instruments[i].symbol,
            net_of=lambda: {i: self.engine.position(i)["net_qty"] for i in range(2)},
        )  # fmt: skip
        world: Any = self
        self.reconciler = Reconciler(
            self.plan, world, world, world, world, world,
            on_trouble=lambda error: self.troubles.append(str(error)),
            on_fault=lambda error, doing: self.faults.append((error, doing)),
            stop=asyncio.Event(),
        )  # fmt: skip

    # The clock, the board, the router, the broker and the poller of books.
    def now_ns(self) -> int:
        return self.now

    def call_at(self, ts_ns: int, do: Callable[[], None]) -> Any:
        self.waits.append(ts_ns - self.now)
        self.now = ts_ns
        do()
        return SimpleNamespace(cancel=lambda: None)

    def say(self, severity: Severity, code: str, text: str, **_: Any) -> None:
        self.said.append((severity, code, text))

    def drain(self) -> None:
        self.drained += 1

    def take_report(self, report: OrderReport) -> int:
        return self.engine.on_report(report)

    def _answer(self, what: str) -> None:
        self.asked.append(what)
        if self.errors:
            raise self.errors.pop(0)

    async def order_book(self) -> BrokerRows[OrderReport]:
        self._answer("book")
        return BrokerRows(self.books.pop(0) if self.books else list(self.book))

    async def positions(self) -> BrokerRows[BrokerPosition]:
        self._answer("positions")
        return BrokerRows(list(self.shown))

    async def trades(self) -> dict[str, tuple[int, int]]:
        self._answer("trades")
        return self.traded

    def want(self) -> None:
        self.books_wanted += 1

    def lacking(self, rows: Any, ts_request_ns: int) -> list[str]:
        return self.missing.pop(0) if self.missing else []

    def take(self, rows: Any, ts_request_ns: int, *, before_end: Any = None) -> list[OrderReport]:
        self.engine.on_book_begin(ts_request_ns)
        unknown = [row for row in rows if self.engine.on_report(row) == Reason.UNKNOWN_ORDER]
        if before_end is not None:
            before_end(unknown)
        self.engine.on_book_end(self.now)
        return unknown

    # What a test looks at.
    @property
    def quarantined(self) -> list[int]:
        return self.reconciler.positions.quarantined()

    def codes(self) -> list[str]:
        return [code for _, code, _ in self.said]

    async def start(self) -> AccountWorld:
        await self.reconciler.reconcile_start()
        return self

    async def hears(self, report: OrderReport) -> AccountWorld:
        self.reconciler.on_unknown(report)
        await self.reconciler.close()
        await asyncio.sleep(0)
        return self


def ours(
    run: int, leg: Leg = Leg.ENTRY, bracket: int = 0, cum: int = 10, **given: Any
) -> OrderReport:
    """An order with a tag of ours: of that run, filled unless it is said otherwise."""
    tag = make(ClOrdId(run=run, bracket=bracket, leg=leg, attempt=0, slot=bracket * 2 + leg))
    side = Side.BUY if leg == Leg.ENTRY else Side.SELL
    return order(
        f"R{run}B{bracket}L{leg:d}", side, cum,
        **{"cl_ord_id": tag, "order_qty": 10, "ev": Ev.FILL_FULL if cum == 10 else Ev.WORKING, "ts_update_ns": START - SECOND,
           **given},
    )  # fmt: skip


def play(work: Callable[[AccountWorld], Awaitable[None]], *, start: bool = True) -> None:
    async def body() -> None:
        w = AccountWorld()
        if start:
            await w.start()
        await work(w)
        assert not w.faults, w.faults

    asyncio.run(body())


# ------------------------------------------------------------------------------------------------------------------------
# orders of others
@pytest.mark.parametrize(
    ("changed", "suspect"),
    [
        ({}, True),  # it can still trade
        ({"cum_qty": 0}, True),
        ({"ev": Ev.FILL_FULL, "cum_qty": 100}, True),  # it has traded
        ({"ev": Ev.CANCELED, "cum_qty": 3}, True),
        ({"ev": Ev.CANCELED, "cum_qty": 0}, False),
        ({"ev": Ev.REJECTED, "cum_qty": 0}, False),
        ({"product": "NRML"}, False),  # another position
        ({"product": ""}, True),
        ({"instrument_token": 9}, False),
        ({"instrument_token": 2}, True),
    ],
)
def test_which_order_of_somebodys_puts_an_instrument_in_quarantine(
    changed: dict[str, Any], suspect: bool
) -> None:
    async def work(w: AccountWorld) -> None:
        report = order("H1", Side.BUY, 4, **changed)
        await w.hears(report)
        token = changed.get("instrument_token", 1)
        assert w.quarantined == ([token - 1] if suspect else [])
        assert w.codes() == (["UNEXPLAINED"] if suspect else [])
        if suspect:
            severity, _, text = w.said[0]
            assert severity == Severity.ALARM and "order H1" in text and "not this engine's" in text
        await w.hears(report)
        assert len(w.said) == suspect, "it is said once"

    play(work)


def test_what_it_did_to_the_position_is_read_soon() -> None:
    async def work(w: AccountWorld) -> None:
        w.reconciler.audit(w.now)
        await w.reconciler.close()
        reads = w.asked.count("positions")
        await w.hears(order("H1", Side.BUY, 0))
        w.now += SECOND
        w.reconciler.audit(w.now)
        await w.reconciler.close()
        assert w.asked.count("positions") == reads + 1

    play(work)


def test_an_order_that_a_book_no_longer_shows_live_releases_its_instrument() -> None:
    async def work(w: AccountWorld) -> None:
        live = order("H1", Side.BUY, 0)
        w.reconciler.on_book([live])
        assert w.quarantined == [0]

        async def audit() -> None:
            w.now += 20 * SECOND
            w.reconciler.audit(w.now)
            await w.reconciler.close()

        w.reconciler.audit(w.now)
        await audit()
        assert w.quarantined == [0], "it could trade"
        w.reconciler.on_book([live])
        await audit()
        assert w.quarantined == [0]
        w.reconciler.on_book([msgspec.structs.replace(live, ev=Ev.CANCELED)])
        await audit()
        assert w.quarantined == []

    play(work)


# ------------------------------------------------------------------------------------------------------------------------
# orders of ours
def test_an_order_of_a_bracket_that_we_know_is_taken_in() -> None:
    async def work(w: AccountWorld) -> None:
        w.book = [ours(3)]
        w.shown = [position(10)]
        await w.start()
        assert w.engine.bracket(0)["open_qty"] == 10 and w.quarantined == []
        assert w.reconciler.runs_taken_back == {3} and "TAKEN_BACK" in w.codes()
        said, drained = len(w.said), w.drained
        watchdog = make(ClOrdId(run=3, bracket=0, leg=Leg.STOP, attempt=1_152, slot=9))
        for n, (tag, whose) in enumerate(
            ((None, "of an earlier run"), (watchdog, "sent by the watchdog"))
        ):
            report = ours(
                3, Leg.STOP, cum=2, order_qty=10 if n else 2, ev=Ev.WORKING if n else Ev.FILL_FULL
            )
            if tag is not None:
                report = msgspec.structs.replace(report, cl_ord_id=tag, broker_order_id="W")
            await w.hears(report)
            severity, code, text = w.said[-1]
            assert (severity, code) == (Severity.WARN, "TAKEN_BACK") and whose in text
            assert len(w.said) == said + n + 1 and w.drained == drained + n + 1
        assert w.engine.bracket(0)["open_qty"] == 6 and w.quarantined == []

    play(work, start=False)


@pytest.mark.parametrize(
    ("run", "now_ns", "update_ns", "late"),
    [
        (3, 0, -SECOND, True),
        (3, MINUTE, MINUTE, True),  # a book may be behind for a minute
        (3, MINUTE + 1, MINUTE, False),  # an engine that runs beside this one
        (3, 5 * MINUTE, 0, True),  # from before our start
        (3, 5 * MINUTE, 1, False),
        (7, 0, -SECOND, False),  # of this run, and not known: not ours to take back
        (8, 0, -SECOND, False),
    ],
)
def test_which_order_of_an_earlier_run_is_taken_back_late(
    run: int, now_ns: int, update_ns: int, late: bool
) -> None:
    async def work(w: AccountWorld) -> None:
        report = ours(run, ts_update_ns=START + update_ns)
        w.now = START + now_ns
        w.book = [report]
        w.traded = {report.broker_order_id: (10, 10_000_300)}
        await w.hears(report)
        if late:
            assert w.engine.bracket(0)["open_qty"] == 10 and w.quarantined == []
            assert w.engine.bracket(0)["entry_value_e4"] == 10_000_300, "by the day's trades"
            assert w.engine.budget()["day_used"] >= 1 and w.books_wanted == 1
            assert w.reconciler.runs_taken_back == {run}
        else:
            assert w.engine.n_brackets == 0 and w.quarantined == [0]

    play(work)


def test_an_earlier_runs_order_of_an_instrument_that_nobody_trades_is_left_alone() -> None:
    async def work(w: AccountWorld) -> None:
        await w.hears(ours(3, instrument_token=9))
        assert w.engine.n_brackets == 0 and w.said == [] and w.asked.count("book") == 1

    play(work)


def test_what_cannot_be_taken_back_is_suspect() -> None:
    """Its entry is not shown."""

    async def work(w: AccountWorld) -> None:
        report = ours(3, Leg.STOP, cum=0)
        w.book = [report]
        await w.hears(report)
        assert w.engine.n_brackets == 0 and w.quarantined == [0]
        said = len(w.said)
        await w.hears(report)
        assert len(w.said) == said, "once"

    play(work)


def test_where_the_broker_does_not_answer_nothing_new_is_traded() -> None:
    async def work(w: AccountWorld) -> None:
        w.errors = [NetworkError("no answer")]
        await w.hears(ours(3))
        assert w.quarantined == [0] and w.troubles == ["no answer"]
        assert "earlier run" in w.said[-1][2] and w.books_wanted == 1
        said = len(w.said)
        w.errors = [NetworkError("no answer")]
        await w.hears(ours(3, bracket=1))
        assert len(w.said) == said, "it is in quarantine already"

    play(work)


# ------------------------------------------------------------------------------------------------------------------------
# the start
@pytest.mark.parametrize(
    ("traded", "cum", "worth", "value"),
    [
        ((10, 10_000_300), 10, Worth.EXACT, 10_000_300),
        ((9, 9_000_000), 10, Worth.AVERAGE, 10_000_000),  # the list is behind
        (None, 10, Worth.AVERAGE, 10_000_000),
    ],
)
def test_what_an_earlier_run_bought_has_the_value_of_its_trades(
    traded: tuple[int, int] | None, cum: int, worth: Worth, value: int
) -> None:
    async def work(w: AccountWorld) -> None:
        report = ours(3, cum=cum, worth=Worth.AVERAGE)
        w.book, w.shown = [report], [position(cum)]
        w.traded = {report.broker_order_id: traded} if traded else {}
        await w.start()
        assert (w.engine.order(0)["worth"], w.engine.order(0)["cum_value_e4"]) == (worth, value)

    play(work, start=False)


def test_trades_are_asked_for_only_where_something_of_ours_is_strange() -> None:
    async def work(w: AccountWorld) -> None:
        w.book = [order("H1", Side.BUY, 4, ev=Ev.FILL_FULL), ours(3, cum=0, ev=Ev.CANCELED)]
        w.shown = [position(4)]
        await w.start()
        assert "trades" not in w.asked

    play(work, start=False)


def test_what_the_start_has_seen_is_no_news_later() -> None:
    async def work(w: AccountWorld) -> None:
        ended = order("H1", Side.BUY, 4, ev=Ev.FILL_FULL)
        w.book, w.shown = [ended], [position(4)]
        began_ns = w.now
        await w.start()
        assert w.quarantined == [0], "the position is nobody's of ours"
        assert w.now - began_ns >= SECOND, "two books a second are the most that is asked for"
        assert w.asked.count("book") == w.asked.count("positions") == 2, "looked at twice"
        said = len(w.said)
        await w.hears(ended)
        assert len(w.said) == said

    play(work, start=False)


def test_a_start_without_a_difference_looks_once() -> None:
    async def work(w: AccountWorld) -> None:
        w.book = [order("H1", Side.BUY, 0)]
        await w.start()
        assert w.asked == ["book", "positions"] and w.quarantined == [0]
        assert w.engine.budget()["day_used"] == 1 and w.engine.budget()["per_day"] == 900

    play(work, start=False)


def test_a_day_of_placements_is_never_counted_down() -> None:
    async def work(w: AccountWorld) -> None:
        w.engine.set_budget(per_day=900, day_used=17)
        w.book = [order("H1", Side.BUY, 0)]
        await w.start()
        assert w.engine.budget()["day_used"] == 17

    play(work, start=False)


def test_what_the_book_tells_of_the_last_half_hour_is_counted_on() -> None:
    """An order each, and a cancel where it was cancelled: the journal that knew them is lost."""
    minute = 60 * SECOND

    async def work(w: AccountWorld) -> None:
        w.book = [
            order("H1", Side.BUY, 0, ts_update_ns=START - 31 * minute),
            order("H2", Side.BUY, 0, ts_update_ns=START - 29 * minute),
            order("H3", Side.BUY, 0, ts_update_ns=START - minute, ev=Ev.CANCELED),
            order("H4", Side.BUY, 0, ts_update_ns=0),
        ]
        await w.start()
        assert w.engine.budget()["half_hour_used"] == 4 and w.engine.budget()["day_used"] == 4

    play(work, start=False)


def test_a_broker_that_is_busy_is_asked_again_and_longer_each_time() -> None:
    async def work(w: AccountWorld) -> None:
        w.errors = [RateLimitError("slow"), NetworkError("gone")] * 3 + [NetworkError("gone")]
        await w.start()
        assert [ns // SECOND for ns in w.waits] == [1, 1, 2, 4, 8, 15, 30]
        assert w.troubles == ["slow", "gone"] * 3 + ["gone"] and w.asked.count("book") == 8
        w.errors = [NetworkError("gone")] * 8
        with pytest.raises(NetworkError):
            await w.start()

    play(work, start=False)


def test_another_error_is_not_waited_for() -> None:
    async def work(w: AccountWorld) -> None:
        w.errors = [BrokerError("no")]
        with pytest.raises(BrokerError):
            await w.start()
        assert w.waits == []

    play(work, start=False)


def test_a_book_that_lacks_what_the_journal_knows_is_asked_for_again() -> None:
    async def work(w: AccountWorld) -> None:
        w.missing = [["A", "B"], ["B"]]
        await w.start()
        assert w.asked.count("book") == 3 and len(w.waits) == 2
        assert "lacks 2 orders" in w.troubles[0] and "the first is A" in w.troubles[0]
        w.missing = [["A"]] * 9
        w.waits.clear()
        await w.start()
        assert len(w.waits) == 7, "at last it is taken for what it shows"

    play(work, start=False)


@pytest.mark.parametrize(("ns", "wanted"), [(MINUTE, 1), (MINUTE + 1, 0)])
def test_what_a_start_could_not_explain_is_looked_for_in_the_next_books(
    ns: int, wanted: int
) -> None:
    async def work(w: AccountWorld) -> None:
        w.shown = [position(4)]
        await w.start()
        before = w.books_wanted
        w.now = START + ns
        w.reconciler.audit(w.now)
        await w.reconciler.close()
        assert w.books_wanted - before >= wanted
        if not wanted:
            assert w.books_wanted == before

    async def calm(w: AccountWorld) -> None:
        await w.start()
        before = w.books_wanted
        w.reconciler.audit(w.now)
        await w.reconciler.close()
        assert w.books_wanted == before

    play(work, start=False)
    play(calm, start=False)


def test_a_stop_of_an_earlier_run_covers_what_its_entry_bought() -> None:
    async def work(w: AccountWorld) -> None:
        stop = ours(
            3, Leg.STOP, cum=0, ord_type=OrdType.SL, price_e4=978_000, trigger_e4=980_000, ev=Ev.WORKING
        )  # fmt: skip
        w.book, w.shown = [ours(3), stop], [position(10)]
        await w.start()
        b = w.engine.bracket(0)
        assert (b["state"], b["open_qty"], b["protected_qty"]) == (BracketState.OPEN, 10, 10)
        assert w.quarantined == [] and w.engine.take_command() is None

    play(work, start=False)


def test_a_fault_of_ours_is_said_with_what_it_was_doing() -> None:
    async def body() -> None:
        w = await AccountWorld().start()
        w.errors = [ValueError("ours")]
        await w.hears(ours(3))
        ((error, doing),) = w.faults
        assert str(error) == "ours" and doing == "taking back orders of an earlier run"
        assert w.books_wanted == 1

    asyncio.run(body())
