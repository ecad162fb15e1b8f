"""A price is a function of seed, day and instrument: nothing else that is configured, listed or
asked has a part in it, and a twin that follows the written formulas has the same digits.
"""

import datetime as dt
import hashlib

import pytest

from otrade.simulator.base import hours
from otrade.simulator.base.config import NS_PER_S, SimConfig
from otrade.simulator.base.virtual_clock import VirtualClock
from otrade.simulator.exchange.candles import bars
from otrade.simulator.exchange.order_system import OrderSystem
from otrade.simulator.kite.rms_rules import RULES
from otrade.simulator.prices.price_paths import PricePath
from otrade.simulator.prices.price_source import PriceSource

DATE = dt.date(2026, 11, 18)


def path(prices: PriceSource, key: str, date: dt.date = DATE) -> PricePath:
    return prices.path(prices.universe(date).resolve(key), date)


def test_who_is_asked_first_changes_nothing() -> None:
    """The future of a share that was asked for first stopped at 15:14, where the share's auction
    begins.
    """
    one, other = (PriceSource(SimConfig(seed=7, tick_interval_ms=5_000)) for _ in range(2))
    share, future = path(one, "NSE:INFY"), path(one, "NFO:INFY.FUT")
    assert path(other, "NFO:INFY.FUT") == future and path(other, "NSE:INFY") == share
    assert future.ts_ns[-1] == hours.ist_ns(DATE, "15:39:55")
    assert share.ts_ns[-1] == hours.ist_ns(DATE, "15:14:55")


def test_what_else_is_listed_changes_nothing() -> None:
    few = PriceSource(SimConfig(seed=7, tick_interval_ms=5_000, symbols=("INFY",)))
    many = PriceSource(SimConfig(seed=7, tick_interval_ms=5_000))
    for key in ("NSE:INFY", "NFO:INFY.FUT", "NSE:NIFTY 50"):
        assert path(few, key) == path(many, key)


def test_how_often_it_trades_does_not_move_its_minutes() -> None:
    minutes = []
    for interval_ms in (500, 1_000, 20_000, 60_000):
        prices = PriceSource(SimConfig(seed=7, tick_interval_ms=interval_ms))
        index = path(prices, "NSE:NIFTY 50")
        step = 60_000 // interval_ms
        minutes.append((list(index.px_e4[::step]), list(index.ts_ns[::step])))
    assert all(found == minutes[0] for found in minutes[1:])
    assert len(minutes[0][0]) == 375


def test_the_first_minutes_are_those_of_the_whole_day() -> None:
    whole, first = (PriceSource(SimConfig(seed=7, first_minutes=minutes)) for minutes in (0, 12))
    for key in ("NSE:SBIN", "NFO:NIFTY.FUT", "NFO:NIFTY.ATMCE"):
        full, part = path(whole, key), path(first, key)
        assert len(part) == 12 * 60
        assert part == PricePath(
            full.ts_ns[:720], full.px_e4[:720], full.qty[:720], full.noise[:720], full.spread[:720]
        )


def test_a_day_is_kept_in_bounds_and_made_again_alike() -> None:
    prices = PriceSource(SimConfig(seed=7, tick_interval_ms=60_000))
    first = path(prices, "NSE:INFY")
    date = DATE
    for _ in range(70):
        date = hours.next_trading_day(date)
        path(prices, "NSE:INFY", date)
    again = path(prices, "NSE:INFY")
    assert again == first and again is not first, "memory does not grow with the days"


def test_history_has_the_bars_that_the_ticks_made() -> None:
    clock = VirtualClock(hours.ist_ns(DATE, "09:00"))
    exchange = OrderSystem(SimConfig(seed=7), clock, RULES)
    exchange.open_day(DATE)
    contract = exchange.market.universe.resolve("NSE:INFY")
    ticks = exchange.prices.path(contract, DATE)
    tomorrow = hours.next_trading_day(DATE)
    clock.advance(hours.ist_ns(tomorrow, "09:10"))
    exchange.open_day(tomorrow)
    start_ns = hours.ist_ns(DATE, "09:15")
    asked = bars(exchange, clock, contract, 5, start_ns, start_ns + 6 * 3600 * NS_PER_S)
    assert len(asked) == 72
    for i, bar in enumerate(asked):
        px = ticks.px_e4[300 * i : 300 * (i + 1)]
        assert bar.ohlc_e4 == [px[0], max(px), min(px), px[-1]]
        assert bar.volume == sum(ticks.qty[300 * i : 300 * (i + 1)])


def test_a_close_is_the_next_days_previous_close() -> None:
    """The index's level at 15:30; its future's with the interest of the days left."""
    prices = PriceSource(SimConfig(seed=7))
    tomorrow = hours.next_trading_day(DATE)
    index = path(prices, "NSE:NIFTY 50")
    close_e4 = prices.previous_close_e4(prices.universe(tomorrow).resolve("NSE:NIFTY 50"), tomorrow)
    assert abs(close_e4 - index.px_e4[-1]) < 30_000, "what the last second of the day moves"


GOLDEN = {
    "NSE:NIFTY 50": (258634500, 258675500, "e9a3a29cb099cb34"),
    "NSE:INFY": (13439000, 13443000, "e52405db6fdcac1d"),
    "NFO:NIFTY.FUT": (258892000, 258905000, "016a161052f8f348"),
    "NFO:NIFTY.ATMCE": (1581000, 1522000, "938f86756a933b7f"),
    "NFO:NIFTY.ATMPE": (1705000, 1611500, "04bd19ee37010ae1"),
    "MCX:CRUDEOIL.FUT": (51410000, 51540000, "6df6108702232cbc"),
    "CDS:USDINR.FUT": (907725, 908150, "d1474710ab5b318e"),
}


@pytest.mark.parametrize("key", GOLDEN)
def test_the_digits_are_these_on_every_machine(key: str) -> None:
    """Where a formula is changed on purpose, the digits here are changed, and the formula's text in
    docs/simulator.md.
    """
    found = path(PriceSource(SimConfig(seed=1, tick_interval_ms=10_000)), key)
    rows = zip(found.ts_ns, found.px_e4, found.qty, found.noise, found.spread, strict=True)
    digest = hashlib.sha256(repr(list(rows)).encode()).hexdigest()[:16]
    assert (found.px_e4[0], found.px_e4[1000], digest) == GOLDEN[key]
