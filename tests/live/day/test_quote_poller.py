"""Asking for quotes: what is due, within the minute's share, and what an answer or its want leads
to.
"""

import asyncio
from typing import Any

import pytest

from otrade._core.types import Reason
from otrade.brokers.kite.error_map import answer_of as kite_answer
from otrade.brokers.quote_rows import quote_of
from otrade.brokers.refusal_words import reason_of_words
from otrade.brokers.session import BrokerQuote
from otrade.brokers.upstox.error_map import answer_of as upstox_answer
from otrade.drill.rest_budget import RestBudgetExceeded, check_rest_budget
from otrade.errors import BrokerError, NetworkError
from otrade.live.day.quote_poller import GAP_NS, PER_MINUTE, QuotePoller
from otrade.live.plan.day_plan import DayPlan, PlannedInstrument

SECOND = 1_000_000_000


class QuotePollerSetup:
    """Everything is due always; the broker knows what `quotes` says, or raises it."""

    def __init__(self, n: int = 2) -> None:
        self.now = 1_000 * SECOND
        self.answer: Any = {}
        self.asked: list[tuple[int, list[tuple[int, str]]]] = []
        self.told: list[tuple[Any, ...]] = []
        self.troubles: list[BrokerError] = []
        rows = [
            PlannedInstrument(100 + i, "NSE", f"S{i}", "MIS", "", "full", 0, 0, 0, 0)
            for i in range(n)
        ]
        self.due = list(range(n))
        plan: Any = DayPlan("2026-11-23", self, rows, [])
        self.poller = QuotePoller(
            plan,
            self,
            self,
            on_commands=lambda: None,
            on_trouble=self.troubles.append,
            on_fault=self.fault,
        )

    def fault(self, error: BaseException, doing: str) -> None:
        raise error

    def now_ns(self) -> int:
        return self.now

    def quotes_wanted(self, now_ns: int) -> list[int]:
        return self.due

    def on_quote(self, i: int, ts_ask_ns: int, ts_ns: int, **given: int) -> None:
        self.told.append((i, ts_ask_ns, ts_ns, given))

    async def quotes(self, wanted: list[tuple[int, str]]) -> dict[int, BrokerQuote]:
        self.asked.append((self.now, wanted))
        if isinstance(self.answer, BrokerError):
            raise self.answer
        answer: dict[int, BrokerQuote] = self.answer
        return answer

    async def beats(self, seconds: float) -> None:
        for _ in range(round(seconds * 10)):
            self.poller.poll(self.now)
            if self.poller._task is not None:
                await self.poller._task
            self.now += SECOND // 10


def test_an_answer_is_told_with_the_time_of_its_question_and_a_missing_row_as_nothing() -> None:
    setup = QuotePollerSetup()
    setup.answer = {100: BrokerQuote(1_000, 999, 1_001, 900, 1_100)}
    asyncio.run(setup.beats(0.1))
    assert setup.asked == [(1_000 * SECOND, [(100, "NSE:S0"), (101, "NSE:S1")])]
    (first, second) = setup.told
    assert first[:3] == (0, 1_000 * SECOND, 1_000 * SECOND)
    assert first[3] == {
        "ltp_e4": 1_000,
        "bid_px_e4": 999,
        "ask_px_e4": 1_001,
        "band_lo_e4": 900,
        "band_hi_e4": 1_100,
    }
    assert second[3] == dict.fromkeys(first[3], 0)


def test_never_two_in_a_second_nor_more_than_its_share_of_a_minute() -> None:
    setup = QuotePollerSetup()
    asyncio.run(setup.beats(300))
    times = [ts_ns for ts_ns, _ in setup.asked]
    assert min(b - a for a, b in zip(times, times[1:], strict=False)) >= GAP_NS
    check_rest_budget([(ts_ns, "quote", "/quote") for ts_ns in times])
    assert len(times) == 5 * PER_MINUTE
    with pytest.raises(RestBudgetExceeded, match="within a second"):
        check_rest_budget([(ts_ns, "quote", "/quote") for ts_ns in (0, SECOND // 2)])


def test_a_failing_broker_is_asked_less_often_and_is_told_of() -> None:
    setup = QuotePollerSetup()
    setup.answer = NetworkError("no")
    asyncio.run(setup.beats(60))
    assert (
        5 <= len(setup.asked) <= 10 and len(setup.troubles) == len(setup.asked) and not setup.told
    )
    setup.answer = {}
    asyncio.run(setup.beats(12))
    assert setup.told and setup.poller.n_failed == 0


def test_more_than_one_question_holds_are_asked_in_turn() -> None:
    setup = QuotePollerSetup(1_200)
    asyncio.run(setup.beats(4))
    sizes = [len(wanted) for _, wanted in setup.asked]
    assert sizes[:2] == [500, 500]
    assert {token for _, wanted in setup.asked[:3] for token, _ in wanted} == {
        100 + i for i in range(1_200)
    }


@pytest.mark.parametrize(("words", "reason"), [
    ("Price exceeds circuit limits for the instrument. Place an order within the daily range.", Reason.PRICE_RANGE),
    ("The order was cancelled by the exchange because the price is outside the current allowed limit price protection range",
     Reason.PRICE_RANGE),
    ("Trigger price for stoploss sell orders cannot be below the lower circuit price of 90.00", Reason.PRICE_RANGE),
    ("17070:The Price is out of the current LPP range", Reason.PRICE_RANGE),
    ("16387 : Security is not allowed to trade in this market.", Reason.MARKET_HALTED),
    ("16283 : Tick size for this script is 10 paise.", Reason.OK),
    ("Trigger price for stoploss buy orders should be higher than the last traded price (100.00).", Reason.OK),
    ("Insufficient funds. Required margin is 1.00", Reason.OK),
])  # fmt: skip
def test_words_about_a_price_or_a_halt_are_known_at_both_brokers(
    words: str, reason: Reason
) -> None:
    assert reason_of_words(words) == reason
    kite = kite_answer(
        400,
        b'{"status": "error", "error_type": "InputException", "message": "%s"}' % words.encode(),
    )
    upstox = upstox_answer(
        400,
        b'{"status": "error", "errors": [{"errorCode": "UDAPI100036", "message": "%s"}]}'
        % words.encode(),
    )
    if reason:
        assert kite.reason == upstox.reason == reason


def test_a_row_of_a_quote_is_read_as_far_as_it_goes() -> None:
    row: dict[str, Any] = {
        "last_price": 100.5,
        "lower_circuit_limit": "90",
        "upper_circuit_limit": 110,
    }
    row["depth"] = {"buy": [{"price": 100.45}]}
    assert quote_of(row) == BrokerQuote(1_005_000, 1_004_500, 0, 900_000, 1_100_000, (1_004_500,))
    assert quote_of({"last_price": 0}) is None and quote_of(None) is None and quote_of([]) is None
    with pytest.raises(BrokerError):
        quote_of({"last_price": "much"})
