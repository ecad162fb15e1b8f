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
from otrade.simulator.kite.rms_rules import RULES

DATE = dt.date(2026, 11, 18)
OPEN_NS = hours.ist_ns(DATE, "09:15")


class OpenMarket:
    """One instrument of a seeded day, looked at whenever."""

    def __init__(self, key: str, seed: int = 1) -> None:
        self.clock = VirtualClock(OPEN_NS)
        self.exchange = OrderSystem(SimConfig(seed=seed), self.clock, RULES)
        self.exchange.open_day(DATE)
        self.contract = self.exchange.market.universe.resolve(key)

    def at(self, s: float) -> MarketSnapshot:
        """So long after the open."""
        self.clock.advance(OPEN_NS + round(s * NS_PER_S))
        return self.exchange.market.quote(self.contract)

    def best(self, s: float) -> tuple[int, int]:
        bids, asks = self.at(s).depth()
        return bids[0].price_e4, asks[0].price_e4


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
