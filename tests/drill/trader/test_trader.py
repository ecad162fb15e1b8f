"""The trader's arithmetic, against examples done by hand."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from otrade.drill.trader.crossings import CrossingStrategy, TraderSeries
from otrade.drill.trader.feeds.sight import Sight
from otrade.drill.trader.holdings import brackets_of
from otrade.drill.trader.market import SeenMarket, SeenTrade
from otrade.drill.trader.plan import TradedStrategy, TraderInstrument
from otrade.drill.trader.reading.seen_bar import TraderBar
from otrade.drill.trader.replay import SeenTouch
from otrade.drill.trader.terms import entry_terms, through

SECOND = 1_000_000_000
OPEN = 1_000_000 * SECOND
PLAN: dict[str, Any] = {
    "stop_kind": 1, "stop_value": 20.0, "size_mode": 0, "size_value": 10.0, "max_qty": 100, "entry_offset_bps": 5.0, "entry_type": 0,
}  # fmt: skip


def instrument(**more: Any) -> TraderInstrument:
    plain = TraderInstrument(
        "NSE:INFY", "MIS", 500, 1, 0, 1, False, OPEN, OPEN, OPEN + 600 * SECOND, OPEN + 900 * SECOND
    )
    return replace(plain, **more)


def strategy(kind: str, **params: Any) -> TradedStrategy:
    return TradedStrategy(0, kind, 10 * SECOND, {"bar_mode": 0, "side_mask": 3, **params}, PLAN)


def sight(s: float, ltp: int, volume: int, bid: int = 0, ask: int = 0, **more: Any) -> Sight:
    ts_ns = OPEN + round(s * SECOND)
    at_ns = ts_ns // SECOND * SECOND
    plain = Sight(
        ts_ns, "NSE:INFY", ltp, True, at_ns, at_ns, volume, True, True, bid or ltp - 500, ask or ltp, 1, 1, 1_000_000, True, True
    )  # fmt: skip
    return replace(plain, **more)


def said(one: TradedStrategy, prices: list[int]) -> list[int]:
    """What a tick strategy says to each of these prices; 0: nothing."""
    averages = CrossingStrategy(one)
    found = [averages.on_trade(SeenTrade(OPEN, price, OPEN)) for price in prices]
    return [crossing.side if crossing else 0 for crossing in found]


def test_a_level_is_crossed_and_not_touched() -> None:
    one = strategy("price_level", level=100.0)
    assert said(one, [990_000, 1_000_000, 1_001_000, 1_000_000, 999_500]) == [0, 0, 1, 0, -1]


def test_an_average_speaks_once_it_is_warm() -> None:
    # slow of 3: 10, 10.5, 11.25, 10.125; the price is above, above, below
    one = strategy("price_ema", slow_period=3)
    assert said(one, [100_000, 110_000, 120_000, 90_000, 120_000]) == [0, 0, 0, -1, 1]
    # the same crossing one price earlier falls into the warm-up
    assert said(one, [100_000, 110_000, 90_000]) == [0, 0, -1]
    assert said(strategy("price_ema", slow_period=4), [100_000, 110_000, 90_000]) == [0, 0, 0]


def test_simple_averages_forget_what_is_out_of_the_window() -> None:
    one = strategy("sma_cross", fast_period=1, slow_period=2)
    assert said(one, [100_000, 110_000, 100_000, 90_000, 95_000]) == [0, 0, -1, 0, 1]


def test_a_crossing_of_nothing_is_a_close_call() -> None:
    averages = CrossingStrategy(strategy("price_level", level=100.0 + 1e-9))
    averages.on_trade(SeenTrade(OPEN, 1_000_100, OPEN))
    crossing = averages.on_trade(SeenTrade(OPEN, 1_000_000, OPEN))
    assert crossing is not None and crossing.is_close


@pytest.mark.parametrize(("mask", "is_filtered"), [(1, True), (2, False), (3, False)])
def test_the_side_that_a_strategy_does_not_trade(mask: int, is_filtered: bool) -> None:
    averages = CrossingStrategy(strategy("price_level", level=100.0, side_mask=mask))
    averages.on_trade(SeenTrade(OPEN, 1_010_000, OPEN))
    crossing = averages.on_trade(SeenTrade(OPEN, 990_000, OPEN))
    assert crossing is not None and crossing.is_filtered is is_filtered


def test_filters_move_with_bars() -> None:
    one = strategy("price_level", level=100.0, rsi_period=2, rsi_long_min=60.0, rsi_long_max=100.0)
    averages = CrossingStrategy(one)
    for close in (1_000_000, 990_000, 1_020_000):  # changes of -1 and +2: 100 - 100 / (1 + 2)
        averages.on_bar(TraderBar(OPEN, OPEN + 10 * SECOND, close, close, close))
    averages.on_trade(SeenTrade(OPEN, 990_000, OPEN))
    crossing = averages.on_trade(SeenTrade(OPEN, 1_010_000, OPEN))
    assert crossing is not None and not crossing.is_filtered


def test_bars_begin_at_the_open_and_skip_what_did_not_trade() -> None:
    series = TraderSeries(instrument(), 10 * SECOND)
    trade = [SeenTrade(OPEN, p, OPEN + s * SECOND) for s, p in ((1, 5), (9, 7), (10, 6), (35, 8))]
    assert series.take(trade[0]) is None and series.take(trade[1]) is None
    first = series.take(trade[2])
    assert (
        first == TraderBar(OPEN, OPEN + 10 * SECOND, 7, 5, 7)
        and series.due_ns == OPEN + 21_500_000_000
    )
    assert series.take(trade[3]) == TraderBar(OPEN + 10 * SECOND, OPEN + 20 * SECOND, 6, 6, 6)
    assert series.take(trade[1]) is None, "its bar is closed, and stands"
    assert (
        series.close() == TraderBar(OPEN + 30 * SECOND, OPEN + 40 * SECOND, 8, 8, 8)
        and series.due_ns == 0
    )


def test_only_trades_are_trades() -> None:
    market = SeenMarket(instrument())
    assert market.take(sight(1, 1_000_000, 100)) is not None
    assert market.take(sight(1, 1_000_000, 100)) is None, "sent twice"
    assert market.take(sight(2, 1_000_000, 100, trade_ns=OPEN + SECOND)) is None, "a book"
    assert market.take(sight(2, 1_000_500, 120)) is not None
    assert market.take(sight(3, 0, 0, has_trade=False, bid=1_000_000, ask=1_000_500)) is None
    assert (market.bid_e4, market.heard_ns) == (1_000_000, OPEN + 3 * SECOND)


def test_a_wrong_price_among_right_ones_moves_nothing() -> None:
    market = SeenMarket(instrument())
    market.take(sight(1, 1_000_000, 100))
    assert market.take(sight(2, 10_000_000, 120, bid=1_000_000, ask=1_000_500)) is None
    assert market.ltp_e4 == 1_000_000
    trade = market.take(sight(2, 1_000_500, 120))
    assert trade is not None and trade.price_e4 == 1_000_500


@pytest.mark.parametrize(
    ("side", "bps", "limit_e4"),
    [(1, 0.0, 1_000_500), (1, 5.0, 1_001_500), (-1, 5.0, 999_000), (-1, 0.0, 999_500)],
)
def test_limits_go_through_the_touch(side: int, bps: float, limit_e4: int) -> None:
    touch = SeenTouch(OPEN, 1_000_000, 999_500, 1_000_500, OPEN)
    terms = entry_terms(instrument(), {**PLAN, "entry_offset_bps": bps}, side, touch)
    assert (terms.limit_e4, terms.qty, terms.why_not) == (limit_e4, 10, "")


def test_sizes() -> None:
    touch = SeenTouch(OPEN, 1_000_000, 0, 0, OPEN)

    def terms(one: TraderInstrument, **plan: Any) -> tuple[int, int, str]:
        found = entry_terms(one, {**PLAN, **plan}, 1, touch)
        return found.qty, found.slice_qty, found.why_not

    lots = instrument(lot=30, freeze_qty=70)
    assert terms(lots, size_value=100.0) == (90, 60, "")
    assert terms(lots, size_value=9000.0, max_qty=0)[2] == "it would be more than 10 orders"
    assert terms(instrument(), size_mode=1, size_value=1050.0) == (10, 10, "")
    # at risk: 0.2 rupees a unit
    assert terms(instrument(), size_mode=2, size_value=5.0) == (25, 25, "")
    assert terms(instrument(), stop_value=0.01)[2] == "its stop would have no place"
    assert terms(lots, size_value=29.0)[2] == "its size is nothing"
    assert through(1_000_100, 1, 0.0, 500) == 1_000_500


def test_a_bracket_that_others_may_have_closed() -> None:
    def order(tag: str | None, side: int, at: int, filled: int, end: int) -> Any:
        told = [
            (at, SimpleNamespace(filled_qty=0, status="OPEN")),
            (end, SimpleNamespace(filled_qty=filled, status="COMPLETE")),
        ]
        return SimpleNamespace(
            tag=tag, side=side, ts_placed_ns=at, told=told, product="MIS", contract=SimpleNamespace(key="A")
        )  # fmt: skip

    entry, stop = (
        order("OT" + "1" * 10 + "E", 1, 1, 10, 2),
        order("OT" + "1" * 10 + "S", -1, 3, 10, 9),
    )
    alone = brackets_of([entry, stop])["1" * 10]
    assert (alone.first_flat_ns, alone.last_ns) == (9, 9)
    other = order(None, -1, 5, 10, 6)
    assert brackets_of([entry, stop, other])["1" * 10].first_flat_ns == 5
    unfinished = brackets_of([entry])["1" * 10]
    assert (unfinished.first_flat_ns, unfinished.last_ns) == (0, 0)
