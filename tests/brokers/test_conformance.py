"""What the engine relies on, asked of every broker alike, over its real protocol at the simulator.
Every broker of the registry.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest

from otrade._core.types import Ev, OrdType, Reason, Side, Source
from otrade.brokers.registry import BROKERS as ROWS
from otrade.brokers.registry import NAMES, part_of
from otrade.brokers.session import Answer, Callbacks, OrderReport, OrderTerms
from otrade.drill.process import BrokerKind, adapter_at, new_token
from otrade.drill.trouble import TROUBLES
from otrade.errors import BrokerError, NetworkError, RateLimitError, TokenError
from tests.harness.simulated_day import SECOND, SimulatedDay, run, simulated_day

BROKERS = NAMES
pytestmark = pytest.mark.parametrize("broker", BROKERS)
PRICE_AWAY = 0.97


@dataclass
class BrokerUnderTest:
    """A broker's emergency client and adapter beside a simulated day whose engine is not opened: orders are ours
    alone.
    """

    here: SimulatedDay
    broker: BrokerKind
    heard: list[OrderReport] = field(default_factory=list)
    answers: list[tuple[int, Answer]] = field(default_factory=list)
    feed: list[tuple[bool, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.adapter = adapter_at(self.here.sim, self.here.ports, self.broker, self.here.sim.clock)
        self.token = new_token(self.here.sim, self.broker)
        self.adapter.use(self.token)
        self.client = self.adapter.emergency_client(5 * SECOND)
        self.client.set_access_token(self.token)
        contract = self.here.sim.exchange.market.universe.resolve("NSE:INFY")
        self.contract = contract
        spec = self.here.process.instruments[0]
        raw = {"instrument_token": spec.key or spec.token, "variety": "regular"}
        self.like = OrderReport(
            "", "", Ev.UNKNOWN, Source.BOOK, Side.NONE, 0, 0, 0, 0, 0, 0, False, 0, 0, 0, spec.token, "NSE", "INFY", "MIS", "", "", raw
        )  # fmt: skip

    async def do(self, work: Awaitable[Any]) -> Any:
        """Let the simulated world answer."""

        async def inner() -> Any:
            return await work

        return await self.here.sim.during(inner())

    async def wait(self, seconds: float) -> None:
        await self.here.sim.run_until(self.here.sim.clock.now_ns() + round(seconds * SECOND))

    async def ltp_e4(self) -> int:
        return int((await self.do(self.client.quote(self.like))).ltp_e4)

    def near(self, px_e4: float) -> int:
        tick = self.contract.tick_e4
        return round(px_e4 / tick) * tick

    async def order(self, tag: str) -> OrderReport:
        return next(row for row in await self.do(self.client.order_book()) if row.cl_ord_id == tag)

    def callbacks(self) -> Callbacks:
        return Callbacks(
            on_report=self.heard.append,
            on_answer=lambda seq, answer: self.answers.append((seq, answer)),
            on_sent=lambda seq, ts_ns: None,
            on_feed=lambda alive, why: self.feed.append((alive, why)),
            on_push=lambda alive, why: None,
            on_token_dead=lambda: self.feed.append((False, "token")),
            on_commands=lambda: None,
            on_message=lambda kind, text: None,
        )


def at_broker(broker: BrokerKind, work: Callable[[BrokerUnderTest], Awaitable[None]]) -> None:
    async def inner() -> None:
        async with simulated_day(broker=broker) as here:
            await here.sim.run_until(here.at("09:30"))
            tested = BrokerUnderTest(here, broker)
            try:
                await work(tested)
            finally:
                tested.client.close()
                tested.adapter.close()
                await asyncio.sleep(0)

    run(inner())


def test_an_order_lives_in_the_same_words(broker: BrokerKind) -> None:
    async def work(tested: BrokerUnderTest) -> None:
        away = tested.near(await tested.ltp_e4() * PRICE_AWAY)
        answer = await tested.do(
            tested.client.place(
                tested.like, 1, OrderTerms(10, OrdType.LIMIT, away), "OTCONFORM0000000001"
            )
        )
        assert answer.outcome == Ev.ACK and answer.broker_order_id
        await tested.wait(1)
        row = await tested.order("OTCONFORM0000000001")
        assert (row.ev, row.side, row.order_qty, row.price_e4, row.ord_type) == (
            Ev.WORKING,
            Side.BUY,
            10,
            away,
            OrdType.LIMIT,
        )
        assert (row.exchange, row.product, row.broker_order_id) == (
            "NSE",
            "MIS",
            answer.broker_order_id,
        )
        assert row.ts_update_ns > 0 and row.source == Source.BOOK
        lower = tested.near(away * 0.999)
        assert (
            await tested.do(tested.client.modify(row, OrderTerms(15, OrdType.LIMIT, lower)))
        ).outcome == Ev.ACK
        await tested.wait(1)
        row = await tested.order("OTCONFORM0000000001")
        assert (row.order_qty, row.price_e4, row.ev) == (15, lower, Ev.WORKING)
        assert (await tested.do(tested.client.cancel(row))).outcome == Ev.ACK
        await tested.wait(1)
        row = await tested.order("OTCONFORM0000000001")
        assert (row.ev, row.cum_qty) == (Ev.CANCELED, 0)
        again = await tested.do(tested.client.cancel(row))
        assert again.outcome == Ev.REFUSED and again.reason != Reason.BROKER_NETWORK

    at_broker(broker, work)


def test_a_trade_shows_in_book_trades_positions_and_funds(broker: BrokerKind) -> None:
    async def work(tested: BrokerUnderTest) -> None:
        before = sum(f.net_e4 for f in await tested.do(tested.client.funds()))
        away = tested.near(await tested.ltp_e4() * 1.01)
        await tested.do(
            tested.client.place(
                tested.like, 1, OrderTerms(10, OrdType.LIMIT, away), "OTCONFORM0000000002"
            )
        )
        await tested.wait(3)
        row = await tested.order("OTCONFORM0000000002")
        assert (row.ev, row.cum_qty) == (Ev.FILL_FULL, 10) and 0 < row.cum_value_e4 <= 10 * away
        (trade,) = tested.here.sim.exchange.trades()
        assert row.cum_value_e4 == trade.qty * trade.price_e4, "the exchange's own execution"
        assert await tested.do(tested.client.holdings()) == [], "a day's trade is no holding"
        assert await tested.do(tested.client.mtf_positions()) == []
        (held,) = [p for p in await tested.do(tested.client.positions()) if p.net_qty]
        assert (held.net_qty, held.buy_qty, held.sell_qty, held.product) == (10, 10, 0, "MIS")
        assert held.buy_value_e4 == row.cum_value_e4 and held.multiplier == 1
        assert sum(f.net_e4 for f in await tested.do(tested.client.funds())) < before

    at_broker(broker, work)


def test_a_stop_waits_for_its_trigger(broker: BrokerKind) -> None:
    async def work(tested: BrokerUnderTest) -> None:
        ltp = await tested.ltp_e4()
        terms = OrderTerms(10, OrdType.SL, tested.near(ltp * 0.96), tested.near(ltp * 0.97))
        await tested.do(tested.client.place(tested.like, -1, terms, "OTCONFORM0000000003"))
        await tested.wait(1)
        row = await tested.order("OTCONFORM0000000003")
        assert (row.ev, row.triggered, row.ord_type) == (Ev.WORKING, False, OrdType.SL)
        assert (row.trigger_e4, row.price_e4) == (terms.trigger_e4, terms.price_e4)

    at_broker(broker, work)


def test_refusals_are_certain_and_named(broker: BrokerKind) -> None:
    async def work(tested: BrokerUnderTest) -> None:
        ghost = await tested.do(
            tested.client.cancel(msgspec.structs.replace(tested.like, broker_order_id="1"))
        )
        assert ghost.outcome == Ev.REFUSED and ghost.reason in (
            Reason.BROKER_ORDER,
            Reason.BROKER_INPUT,
        )
        odd = await tested.do(
            tested.client.place(
                tested.like, 1, OrderTerms(0, OrdType.LIMIT, 10_000), "OTCONFORM0000000004"
            )
        )
        assert odd.outcome == Ev.REFUSED and odd.reason == Reason.BROKER_INPUT and odd.text
        assert not [
            row
            for row in await tested.do(tested.client.order_book())
            if row.cl_ord_id == "OTCONFORM0000000004"
        ]

    at_broker(broker, work)


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        ("lose_429", Ev.REFUSED), ("lose_503", Ev.TIMEOUT), ("lose_500", Ev.TIMEOUT), ("answer_504", Ev.TIMEOUT),
        ("answer_502_html", Ev.TIMEOUT), ("answer_reset", Ev.TIMEOUT),
    ],
)  # fmt: skip
def test_what_nobody_knows_is_in_doubt(broker: BrokerKind, fault: str, outcome: Ev) -> None:
    async def work(tested: BrokerUnderTest) -> None:
        away = tested.near(await tested.ltp_e4() * PRICE_AWAY)
        arm(tested, fault, "POST")
        answer = await tested.do(
            tested.client.place(
                tested.like, 1, OrderTerms(10, OrdType.LIMIT, away), "OTCONFORM0000000005"
            )
        )
        assert answer.outcome == outcome
        assert (answer.reason == Reason.BROKER_RATE) == (fault == "lose_429")
        await tested.wait(2)
        tags = [row.cl_ord_id for row in await tested.do(tested.client.order_book())]
        assert ("OTCONFORM0000000005" in tags) == fault.startswith("answer"), "the book tells which"

    at_broker(broker, work)


def arm(tested: BrokerUnderTest, fault: str, method: str) -> None:
    """The next request of this method suffers."""
    do = TROUBLES[fault].do
    assert do is not None
    do(tested.here.sim, {"count": 1, "method": method})


def test_a_dead_token_is_told_apart(broker: BrokerKind) -> None:
    async def work(tested: BrokerUnderTest) -> None:
        tested.here.sim.expire_tokens()
        with pytest.raises(TokenError) as caught:
            await tested.do(tested.client.order_book())
        assert tested.token not in str(caught.value)
        answer = await tested.do(
            tested.client.place(
                tested.like, 1, OrderTerms(10, OrdType.LIMIT, 10_000_000), "OTCONFORM0000000006"
            )
        )
        assert (answer.outcome, answer.reason) == (Ev.REFUSED, Reason.BROKER_TOKEN)

    at_broker(broker, work)


def test_html_silence_and_cut_answers_to_questions(broker: BrokerKind) -> None:
    async def work(tested: BrokerUnderTest) -> None:
        for fault in ("lose_503", "lose_429"):
            arm(tested, fault, "GET")
            with pytest.raises(RateLimitError if fault == "lose_429" else NetworkError):
                await tested.do(tested.client.order_book())
        assert isinstance(await tested.do(tested.client.order_book()), list), (
            "and the next question is answered"
        )

    at_broker(broker, work)


def test_instruments_bands_and_login(broker: BrokerKind) -> None:
    async def work(tested: BrokerUnderTest) -> None:
        pause = tested.wait
        names = await tested.do(instruments(tested))
        infy = names.find("NSE:INFY", dt.date(2026, 11, 23))
        assert (infy.token, infy.tick_size_e4, infy.lot_size) == (
            tested.contract.token,
            tested.contract.tick_e4,
            1,
        )
        low, high = (await tested.do(tested.adapter.bands([infy], lambda: pause(1))))["NSE:INFY"]
        await tested.wait(1.1)  # one quote request a second
        assert low < await tested.ltp_e4() < high
        assert "http" in tested.adapter.login_url("s1") and tested.adapter.account.startswith(
            broker
        )
        assert (
            tested.adapter.token_dies_ns(tested.here.sim.clock.now_ns())
            > tested.here.sim.clock.now_ns()
        )
        with pytest.raises(BrokerError, match="another login"):
            await tested.adapter.log_in(
                "http://127.0.0.1/?request_token=x&code=x&state=foreign", "mine"
            )
        assert tested.token not in repr(tested.adapter) + repr(tested.client)

    at_broker(broker, work)


async def instruments(tested: BrokerUnderTest) -> Any:
    if tested.broker == "upstox":
        tested.adapter._instruments_url = f"{tested.here.ports.upstox_rest_url}/market-quote/instruments/exchange/complete.json.gz"
    return await tested.adapter.instruments()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"{}",
        b"<html>",
        b'{"order_id": 5, "checksum": "x"}',
        b"\xff\xfe",
        b"[" * 50_000,
    ],
)
def test_what_comes_to_a_web_hook_is_proved_or_refused(broker: BrokerKind, body: bytes) -> None:
    async def work(tested: BrokerUnderTest) -> None:
        if ROWS[tested.broker].order_hook:
            with pytest.raises(BrokerError):
                part_of(tested.broker, "postback").read_postback(body, "a secret", "")
        with pytest.raises(BrokerError):
            await tested.adapter.approved(body, "XX0000")
        if not ROWS[tested.broker].token_hook:
            with pytest.raises(BrokerError, match="approval"):
                await tested.adapter.ask_approval()

    at_broker(broker, work)
