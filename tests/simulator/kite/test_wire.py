"""Tick packets against the vendor's own decoder."""

import datetime as dt

import pytest
from kiteconnect import KiteTicker

from otrade.simulator.base.config import SimConfig
from otrade.simulator.base.hours import ist_ns
from otrade.simulator.base.virtual_clock import VirtualClock
from otrade.simulator.exchange.market_data import MarketSnapshot
from otrade.simulator.exchange.order_system import OrderSystem
from otrade.simulator.kite.rms_rules import RULES
from otrade.simulator.kite.wire import frame, packet

DATE = dt.date(2026, 11, 18)
KEYS = [
    "NSE:INFY",
    "NSE:IDEA",
    "NSE:MARUTI",
    "NFO:NIFTY.FUT",
    "NFO:BANKNIFTY.FUT",
    "MCX:CRUDEOIL.FUT",
    "CDS:USDINR.FUT",
]
SIZES = {"ltp": 8, "quote": 44, "full": 184}
INDEX_SIZES = {"ltp": 8, "quote": 28, "full": 32}


def exchange_at(time: str) -> OrderSystem:
    clock = VirtualClock(ist_ns(DATE, time))
    exchange = OrderSystem(SimConfig(dates=(DATE,)), clock, RULES)
    exchange.open_day(DATE)
    return exchange


def parse(quote: MarketSnapshot, mode: str) -> dict:
    ticker = KiteTicker("key", "token")
    ticks = ticker._parse_binary(frame([packet(quote, mode), packet(quote, mode)]))
    assert len(ticks) == 2 and ticks[0] == ticks[1]
    return ticks[0]


@pytest.mark.parametrize("mode", ["ltp", "quote", "full"])
@pytest.mark.parametrize("key", KEYS)
def test_vendor_reads_what_the_quote_says(key: str, mode: str) -> None:
    exchange = exchange_at("11:00:00")
    quote = exchange.market.quote(exchange.market.universe.resolve(key))
    assert len(packet(quote, mode)) == SIZES[mode]
    tick = parse(quote, mode)
    assert tick["instrument_token"] == quote.contract.token
    assert tick["tradable"] is True
    assert tick["last_price"] == quote.ltp_e4 / 10_000
    if mode == "ltp":
        return
    assert tick["volume_traded"] == quote.volume > 0
    assert tick["last_traded_quantity"] == quote.last_qty
    assert tick["average_traded_price"] == pytest.approx(quote.average_price, abs=0.01)
    assert tick["ohlc"] == {
        "open": quote.open_e4 / 10_000,
        "high": quote.high_e4 / 10_000,
        "low": quote.low_e4 / 10_000,
        "close": quote.prev_close_e4 / 10_000,
    }
    assert (tick["total_buy_quantity"], tick["total_sell_quantity"]) == quote.totals()
    if mode == "quote":
        return
    assert tick["exchange_timestamp"].timestamp() * 1_000_000_000 == quote.ts_ns
    assert (tick["oi"], tick["oi_day_high"], tick["oi_day_low"]) == (
        quote.oi,
        quote.oi_high,
        quote.oi_low,
    )
    for side, levels in zip(("buy", "sell"), quote.depth(), strict=True):
        shown = [(row["price"], row["quantity"], row["orders"]) for row in tick["depth"][side]]
        assert shown == [(level.price_e4 / 10_000, level.qty, level.orders) for level in levels]
    assert tick["depth"]["buy"][0]["price"] < tick["depth"]["sell"][0]["price"]


@pytest.mark.parametrize("mode", ["ltp", "quote", "full"])
def test_index_packets(mode: str) -> None:
    exchange = exchange_at("11:00:00")
    quote = exchange.market.quote(exchange.market.universe.resolve("NSE:NIFTY 50"))
    assert quote.contract.token == 256265
    assert len(packet(quote, mode)) == INDEX_SIZES[mode]
    tick = parse(quote, mode)
    assert tick["tradable"] is False
    assert tick["last_price"] == quote.ltp_e4 / 10_000
    if mode != "ltp":
        assert tick["ohlc"] == {
            "open": quote.open_e4 / 10_000,
            "high": quote.high_e4 / 10_000,
            "low": quote.low_e4 / 10_000,
            "close": quote.prev_close_e4 / 10_000,
        }


def test_before_the_open_the_screen_shows_yesterday() -> None:
    exchange = exchange_at("09:05:00")
    quote = exchange.market.quote(exchange.market.universe.resolve("NSE:INFY"))
    tick = parse(quote, "full")
    assert tick["last_price"] == tick["ohlc"]["close"] == quote.prev_close_e4 / 10_000
    assert tick["volume_traded"] == 0
    assert all(row["quantity"] == 0 for side in tick["depth"].values() for row in side)
