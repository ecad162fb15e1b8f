"""Order books: the spread of an instrument's kind, and that they move while an order is on its way."""

import datetime as dt
import statistics
from collections import Counter

import pytest

from otrade.simulator.base import hours
from otrade.simulator.base.config import NS_PER_MS, NS_PER_S, SimConfig
from otrade.simulator.base.virtual_clock import VirtualClock
from otrade.simulator.exchange.market_data import MarketSnapshot
from otrade.simulator.exchange.order_system import OrderSystem
from otrade.simulator.exchange.orders import Order, OrderRequest, RequestedTerms
from otrade.simulator.kite.rms_rules import RULES
from otrade.simulator.prices.book_moves import SLOTS, first_slot, moved_ticks, slot_start_ns
from tests.simulator.scripted_market import INSTANT

DATE = dt.date(2026, 11, 18)
OPEN_NS = hours.ist_ns(DATE, "09:15")


class OpenMarket:
    """One instrument of a seeded day, looked at whenever."""

    def __init__(self, key: str, seed: int = 1) -> None:
        self.clock = VirtualClock(OPEN_NS)
        self.exchange = OrderSystem(SimConfig(seed=seed, latency=INSTANT), self.clock, RULES)
        self.exchange.open_day(DATE)
        self.contract = self.exchange.market.universe.resolve(key)

    def at(self, s: float) -> MarketSnapshot:
        """So long after the open."""
        self.clock.advance(OPEN_NS + round(s * NS_PER_S))
        return self.exchange.market.quote(self.contract)

    def best(self, s: float) -> tuple[int, int]:
        bids, asks = self.at(s).depth()
        return bids[0].price_e4, asks[0].price_e4

    def run(self, s: float) -> None:
        """Every event up to then."""
        until_ns = OPEN_NS + round(s * NS_PER_S)
        while (ts_ns := self.clock.next_ns()) is not None and ts_ns <= until_ns:
            if (callback := self.clock.pop().callback) is not None:
                callback()
        self.clock.advance(until_ns)

    def rest(self, side: int, price_e4: int) -> Order:
        """A lot's limit order, at the exchange now."""
        terms = RequestedTerms("LIMIT", self.contract.lot, price_e4, 0)
        (order,) = self.exchange.place(OrderRequest(self.contract, side, "NRML", terms, "regular"))
        assert isinstance(order, Order)
        self.run((self.clock.now_ns() - OPEN_NS) / NS_PER_S)
        assert order.status == "OPEN" and not order.trades
        return order


@pytest.mark.parametrize(
    ("key", "low_bps", "high_bps"),
    [
        ("NSE:INFY", 0.5, 1.0),
        ("NFO:NIFTY.FUT", 0.5, 0.8),
        ("NFO:INFY.FUT", 2.0, 3.0),
        ("NFO:NIFTY.ATMCE", 10.0, 22.0),
        ("MCX:CRUDEOIL.FUT", 1.5, 3.0),
        ("CDS:USDINR.FUT", 0.2, 0.4),
    ],
)
def test_spreads_are_of_the_kind(key: str, low_bps: float, high_bps: float) -> None:
    """Stock futures: 2.5 to 2.6 basis points for three of four names, recorded in November 2025."""
    market = OpenMarket(key)
    tick_e4 = market.contract.tick_e4
    found = []
    for s in range(1_800, 5_400, 7):
        bid_e4, ask_e4 = market.best(s)
        assert ask_e4 - bid_e4 >= tick_e4 and bid_e4 % tick_e4 == ask_e4 % tick_e4 == 0
        assert market.at(s).ltp_e4 in (bid_e4, ask_e4), "a trade is at one of the two"
        found.append((ask_e4 - bid_e4) / bid_e4 * 1e4)
    assert low_bps <= statistics.median(found) <= high_bps
    assert len(set(found)) > 1


def test_spreads_are_wider_at_the_open() -> None:
    def mean(first_s: int) -> float:
        market = OpenMarket("NFO:NIFTY.FUT")
        books = [market.best(first_s + i) for i in range(200)]
        return statistics.fmean(ask - bid for bid, ask in books)

    assert mean(0) > 1.7 * mean(5_000)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_books_move_between_trades(seed: int) -> None:
    """In 30 ms, the time that an order needs, sometimes; in half a second mostly; up as often as
    down.
    """
    market = OpenMarket("NFO:NIFTY.FUT", seed)
    early, late = Counter[int](), Counter[int]()
    for s in range(600, 1_800):
        bid_e4, ask_e4 = market.best(s)
        for after_s, moves in ((0.03, early), (0.5, late)):
            then = market.best(s + after_s)
            assert then[1] - then[0] == ask_e4 - bid_e4
            moves[(then[0] > bid_e4) - (then[0] < bid_e4)] += 1
    assert 0.3 < 1 - early[0] / 1200 < 0.9, f"seed {seed}: {early}"
    assert 1 - late[0] / 1200 > 0.8, f"seed {seed}: {late}"
    assert 0.8 < early[1] / early[-1] < 1.25 and 0.8 < late[1] / late[-1] < 1.25


def test_who_looks_when_does_not_matter() -> None:
    often, once = OpenMarket("NSE:INFY", 4), OpenMarket("NSE:INFY", 4)
    for ms in range(100_000, 100_900, 10):
        seen = often.best(ms / 1000)
    assert seen == once.best(100.89)
    quantities = [level.qty for level in often.at(100.89).depth()[0]]
    assert quantities == [level.qty for level in once.at(100.89).depth()[0]]


def test_what_was_taken_is_gone_until_the_book_moves() -> None:
    market = OpenMarket("NSE:INFY", 5)
    quote = market.at(60)
    level = quote.depth()[1][0]
    level.qty -= 1
    assert quote.depth()[1][0] is level
    market.clock.advance(market.clock.now_ns() + 3 * NS_PER_MS)
    assert quote.depth()[1][0] is level
    assert market.at(61).depth()[1][0] is not level


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_where_the_book_first_comes_to_a_level_is_found_without_each_place(seed: int) -> None:
    market = OpenMarket("NFO:NIFTY.FUT", seed)
    tick_e4 = market.contract.tick_e4
    path = market.exchange.prices.path(market.contract, DATE)
    found = Counter[bool]()
    for trade in range(60, 12_000, 397):
        moves = [moved_ticks(path, trade, slot, tick_e4) for slot in range(SLOTS)]
        for after in (0, 1, 100, 254, 255):
            for ticks in range(-6, 7):
                for is_up in (True, False):
                    right = next(
                        (
                            slot
                            for slot in range(after + 1, SLOTS)
                            if (moves[slot] >= ticks if is_up else moves[slot] <= ticks)
                        ),
                        None,
                    )
                    slot = first_slot(path, trade, after, tick_e4, ticks, is_up=is_up)
                    assert slot == right, f"seed {seed}, trade {trade}"
                    found[slot is not None] += 1
    assert min(found.values()) > 500
    assert first_slot(path, len(path) - 1, 0, tick_e4, 0, is_up=True) is None, "the last trade"


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_resting_order_trades_when_the_book_comes_to_its_price(seed: int, side: int) -> None:
    """Between two trades as well: at its own price, at the moment in which the other side stands there
    first, and not in a second in which it never does.
    """
    market = OpenMarket("NFO:NIFTY.FUT", seed)
    path, tick_e4 = market.exchange.prices.path(market.contract, DATE), market.contract.tick_e4
    found = Counter[bool]()
    for s in range(600, 900, 5):
        market.run(s)
        bid_e4, ask_e4 = market.best(s)
        ticks = (ask_e4 - bid_e4) // tick_e4 + 1
        due = next(
            (
                slot
                for slot in range(1, SLOTS)
                if -side * moved_ticks(path, s, slot, tick_e4) >= ticks
            ),
            None,
        )
        order = market.rest(side, (bid_e4 if side > 0 else ask_e4) - side * tick_e4)
        market.run(s + 0.999)
        assert [trade.ts_ns for trade in order.trades[:1]] == (
            [] if due is None else [slot_start_ns(path, s, due)]
        ), f"seed {seed}, second {s}"
        assert {trade.price_e4 for trade in order.trades} <= {order.terms.price_e4}
        if not order.is_final:
            market.exchange.cancel(order.order_id)
        found[due is not None] += 1
    assert min(found[True], found[False]) > 3, f"seed {seed}"
