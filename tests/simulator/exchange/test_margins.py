"""Margins of derivatives together, worked by hand: 12 per cent of a future's value or of a written
option's strike alone, and less beside a hedge.
"""

import random

import pytest

from otrade.simulator.base.errors import RequestRefused
from otrade.simulator.base.universe import ListedContract, Universe
from otrade.simulator.exchange.margins import MarginLeg, netted, together_e4
from otrade.simulator.exchange.orders import Order, OrderRequest, RequestedTerms
from tests.simulator.scripted_market import DATE, ScriptedMarket, e4

UNIVERSE = Universe(DATE, listing="whole")
F, NEXT = (UNIVERSE.by_key[f"NFO:NIFTY26{month}FUT"] for month in ("NOV", "DEC"))
C260, C262, C265, P255, P258, P260 = (
    UNIVERSE.by_key[f"NFO:NIFTY26NOV{name}"]
    for name in ("26000CE", "26200CE", "26500CE", "25500PE", "25800PE", "26000PE")
)
LATER_C262 = UNIVERSE.by_key["NFO:NIFTY26DEC26200CE"]
LOT = 65


def blocks(*legs: tuple[ListedContract, int, float]) -> float:
    """Rupees of (contract, lots, price) together."""
    made = [MarginLeg(c, lots * LOT, e4(price) * abs(lots) * LOT) for c, lots, price in legs]
    return together_e4(made) / 10_000


FUTURE = 0.12 * 26_000 * LOT
SHORT_260 = 0.12 * 26_000 * LOT


@pytest.mark.parametrize(
    ("legs", "rupees"),
    [
        ([], 0),
        ([(F, 1, 26_000)], FUTURE),
        ([(F, -2, 26_000)], 2 * FUTURE),
        ([(C260, -1, 150)], SHORT_260),
        ([(C260, 1, 150)], 150 * LOT),
        # A call spread that was sold: what it can lose, and the premium of the bought call.
        ([(C260, -1, 150), (C262, 1, 80)], 200 * LOT + 80 * LOT),
        # One that was bought can lose its premium only.
        ([(C260, 1, 150), (C262, -1, 80)], 150 * LOT),
        ([(P260, -1, 150), (P258, 1, 90)], 200 * LOT + 90 * LOT),
        # A strangle: only one side can lose, the dearer one.
        ([(C265, -1, 50), (P255, -1, 60)], 0.12 * 26_500 * LOT),
        # An iron condor: the wider wing (300 above, 300 below) and two premiums.
        (
            [(C262, -1, 80), (C265, 1, 30), (P258, -1, 90), (P255, 1, 40)],
            300 * LOT + (30 + 40) * LOT,
        ),
        # Months against each other: 2 per cent of the dearer side.
        ([(F, 1, 26_000), (NEXT, -1, 26_150)], 0.02 * 26_150 * LOT),
        ([(F, 2, 26_000), (NEXT, -1, 26_150)], 0.02 * 26_150 * LOT + FUTURE),
        # A future with its put, or its call: what is left to lose.
        ([(F, 1, 26_000), (P258, 1, 90)], 200 * LOT + 90 * LOT),
        ([(F, -1, 26_000), (C262, 1, 80)], 200 * LOT + 80 * LOT),
        # A covered call blocks what the future does.
        ([(F, 1, 26_000), (C262, -1, 80)], FUTURE),
        ([(F, -1, 26_000), (P258, -1, 80)], FUTURE),
        # Puts do not hedge calls; what dies earlier hedges nothing that lives longer.
        ([(C260, -1, 150), (P258, 1, 90)], SHORT_260 + 90 * LOT),
        ([(LATER_C262, -1, 200), (C262, 1, 80)], 0.12 * 26_200 * LOT + 80 * LOT),
        ([(C262, -1, 80), (LATER_C262, 1, 200)], 200 * LOT),
        # Two written, one bought.
        ([(C260, -2, 150), (C262, 1, 80)], SHORT_260 + 200 * LOT + 80 * LOT),
        # A leg that closes itself is none.
        ([(C260, -1, 150), (C260, 1, 140)], 0),
    ],
)
def test_worked_by_hand(legs: list[tuple[ListedContract, int, float]], rupees: float) -> None:
    assert blocks(*legs) == pytest.approx(rupees, abs=0.02)


@pytest.mark.parametrize("seed", range(200))
def test_never_more_than_apart_and_never_less_than_the_premiums(seed: int) -> None:
    rng = random.Random(seed)
    listed = [F, NEXT, C260, C262, C265, P255, P258, P260, LATER_C262]
    legs = [
        (c, rng.choice((-3, -2, -1, 1, 2, 3)), rng.uniform(20, 300) if c.is_option else 26_000.0)
        for c in rng.sample(listed, rng.randint(1, 7))
    ]
    apart = sum(blocks(leg) for leg in legs)
    premiums = sum(lots * LOT * price for c, lots, price in legs if c.is_option and lots > 0)
    together = blocks(*legs)
    assert premiums - 0.1 <= together <= apart + 0.1, f"seed {seed}: {legs}"
    shuffled = rng.sample(legs, len(legs))
    assert blocks(*shuffled) == together, f"seed {seed}: the order of legs"
    made = [MarginLeg(c, lots * LOT, e4(price) * abs(lots) * LOT) for c, lots, price in legs]
    assert {leg.contract.key for leg in netted(made)} == {c.key for c, _, _ in legs}


# ------------------------------------------------------------------------------- on the account
def option_order(
    market: ScriptedMarket, contract: ListedContract, side: int, price: float, lots: int = 1
) -> Order:
    terms = RequestedTerms("LIMIT", lots * contract.lot, e4(price))
    placed = market.exchange.place(OrderRequest(contract, side, "NRML", terms))[0]
    assert isinstance(placed, Order)
    market.settle()
    return placed


def spread(funds: float) -> tuple[ScriptedMarket, ListedContract, ListedContract]:
    """A market of one call (far of its neighbour's prices), with so much money."""
    market = ScriptedMarket(
        [150.0] * 600,
        key="NFO:NIFTY26NOV26000CE",
        last_qty=6500,
        funds_rupees=funds,
        listing="whole",
    )
    return market, market.contract, market.exchange.market.universe.by_key["NFO:NIFTY26NOV26200CE"]


def test_funds_block_a_spread_and_not_two_legs() -> None:
    """The hedge first, then the written call: it costs what the spread can lose."""
    market, written, bought = spread(1e9)
    exchange = market.exchange
    quote = exchange.market.quote(bought)
    hedge = option_order(market, bought, 1, quote.ltp_e4 / 10_000 + 15)
    market.at(2)
    assert hedge.status == "COMPLETE"
    premium = hedge.average_price * LOT
    assert exchange.funds().blocked_e4 / 10_000 == pytest.approx(premium, abs=0.5)
    sold = option_order(market, written, -1, 145.0)
    market.at(3)
    assert sold.status == "COMPLETE"
    assert exchange.funds().blocked_e4 / 10_000 == pytest.approx(200 * LOT + premium, abs=0.5)


def test_money_for_the_spread_is_enough_behind_the_hedge_and_not_before_it() -> None:
    market, written, bought = spread(60_000.0)
    with pytest.raises(RequestRefused, match="Insufficient funds"):
        option_order(market, written, -1, 145.0)
    quote = market.exchange.market.quote(bought)
    hedge = option_order(market, bought, 1, quote.ltp_e4 / 10_000 + 15)
    market.at(2)
    assert hedge.status == "COMPLETE"
    assert option_order(market, written, -1, 145.0).status in ("OPEN", "COMPLETE")
    with pytest.raises(RequestRefused, match="Insufficient funds"):
        option_order(market, written, -1, 145.0)


def test_a_basket_tells_the_benefit() -> None:
    market, written, bought = spread(1e9)
    requests = [
        OrderRequest(c, side, "NRML", RequestedTerms("LIMIT", LOT, e4(price)))
        for c, side, price in ((written, -1, 150.0), (bought, 1, 80.0))
    ]
    alone = sum(market.exchange.margin_of(request) for request in requests)
    assert alone == pytest.approx(SHORT_260 + 80 * LOT)
    for order in (requests, requests[::-1]):
        assert market.exchange.margin_together(order) == pytest.approx(280 * LOT)
        assert market.exchange.margin_together(order, with_positions=True) == pytest.approx(
            280 * LOT
        )


def test_orders_that_wait_are_no_hedge_for_each_other() -> None:
    market, written, bought = spread(1e9)
    low = market.exchange.market.quote(bought).low_band_e4 / 10_000
    hedge = option_order(market, bought, 1, low)
    sold = option_order(market, written, -1, 200.0)
    assert {hedge.status, sold.status} == {"OPEN"}
    blocked = market.exchange.funds().blocked_e4 / 10_000
    assert blocked == pytest.approx(SHORT_260 + low * LOT, abs=0.5)
