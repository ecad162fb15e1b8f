"""Limits of a whole decision, over days made by hand."""

from types import SimpleNamespace
from typing import Any

import pytest

from otrade.drill.limits import LimitJudge, LimitPassed
from otrade.drill.trader.holdings import EnteredDecision, SeenBracket
from otrade.drill.trader.plan import TradedStrategy, TraderInstrument
from otrade.simulator.exchange.orders import RequestedTerms

SECOND = 1_000_000_000
KEYS = ("NSE:INFY", "NSE:SBIN")
KNOWN_S = 5


def strategy(number: int, **plan: Any) -> TradedStrategy:
    return TradedStrategy(number, "price_level", SECOND, {}, plan)


def order(side: int, at_s: float, qty: int, leg: str, filled_s: float, key: str) -> Any:
    at_ns = round(at_s * SECOND)
    terms = RequestedTerms("LIMIT", qty, 1_000_000)
    told = [(at_ns, SimpleNamespace(filled_qty=0, status="OPEN", terms=terms))]
    trades = []
    if filled_s:
        ts_ns = round(filled_s * SECOND)
        told.append((ts_ns, SimpleNamespace(filled_qty=qty, status="COMPLETE", terms=terms)))
        trades.append(SimpleNamespace(ts_ns=ts_ns, qty=qty, price_e4=1_000_000))
    return SimpleNamespace(
        side=side,
        tag=f"OT0000010000{leg}00{at_s}",
        contract=SimpleNamespace(key=key),
        ts_placed_ns=at_ns,
        history=[SimpleNamespace(terms=terms)],
        told=told,
        trades=trades,
    )


def bracket(
    at_s: float, *, qty: int = 10, filled_s: float = 0, out_s: float = 0, key: str = KEYS[0]
) -> SeenBracket:
    entry = order(1, at_s, qty, "E", filled_s, key)
    exits = [order(-1, filled_s, qty, "S", out_s, key)] if filled_s else []
    return SeenBracket(entry, [entry, *exits], [])


def decision(one: TradedStrategy, *brackets: SeenBracket) -> EnteredDecision:
    since_ns = brackets[0].entry.ts_placed_ns
    qty = sum(b.entry.history[0].terms.quantity for b in brackets)
    return EnteredDecision(one, 1, since_ns, qty, list(brackets))


def check(
    decisions: list[EnteredDecision],
    *,
    strategies: tuple[tuple[TradedStrategy, ...], ...],
    why: str = "",
    **limits: int,
) -> None:
    traded = [
        TraderInstrument(key, "MIS", 500, 1, 0, 1, False, 0, 0, 0, 0, 0, place, list(own))
        for place, (key, own) in enumerate(zip(KEYS, strategies, strict=False))
    ]
    LimitJudge(
        traded,
        decisions,
        lambda since, until: why,
        lambda name, since: limits.get(name, 0),
        lambda entry: int(entry.ts_placed_ns) - SECOND,
        lambda since, entry: bool(entry.ts_placed_ns > since + KNOWN_S * SECOND),
    ).check()


A, B, MARKET = strategy(0), strategy(1), strategy(2, entry_type=1)
TWO = decision(A, bracket(10, filled_s=11), bracket(10.1, filled_s=11))


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"max_order_qty": 19}, r"makes 20 units of one decision; max_order_qty is 19"),
        ({"max_order_qty": 20}, ""),
        ({"max_order_notional_e4": 19_999_999}, r"makes 2000\.00 of one decision; the limit is"),
        ({"max_order_notional_e4": 20_000_000}, ""),
    ],
)
def test_slices_are_measured_together(limits: dict[str, int], words: str) -> None:
    if words:
        with pytest.raises(LimitPassed, match=words):
            check([TWO], strategies=((A,),), **limits)
    else:
        check([TWO], strategies=((A,),), **limits)


def test_whose_slices_nobody_knows_are_measured_one_by_one() -> None:
    check([TWO], strategies=((A, B),), why="a trouble", max_order_qty=10)
    with pytest.raises(LimitPassed, match="makes 10 units"):
        check([TWO], strategies=((A, B),), why="a trouble", max_order_qty=9)
    with pytest.raises(LimitPassed, match="makes 20 units"):
        check([TWO], strategies=((A, B),), max_order_qty=10)  # no trouble: he knows
    with pytest.raises(LimitPassed, match="makes 20 units"):
        check([TWO], strategies=((A,),), why="a trouble", max_order_qty=10)  # there is one alone


def test_at_the_market_no_price_stands_in_the_order() -> None:
    check([TWO], strategies=((MARKET,),), max_order_notional_e4=1)


@pytest.mark.parametrize(
    ("second_s", "limit", "is_wrong"), [(60, 1, True), (60, 2, False), (15, 1, False)]
)
def test_slices_of_a_decision_are_one_trade(second_s: float, limit: int, is_wrong: bool) -> None:
    """And one that filled just now is not known yet."""
    first = decision(
        A, bracket(10.1, filled_s=11, out_s=12), bracket(10, filled_s=11, out_s=12)
    )  # the later number may come first
    days = [first, decision(A, bracket(second_s))]
    if is_wrong:
        with pytest.raises(LimitPassed, match="after 1 trades; the limit is 1"):
            check(days, strategies=((A,),), max_trades=limit)
    else:
        check(days, strategies=((A,),), max_trades=limit)


@pytest.mark.parametrize(
    ("other", "out_s", "limit", "is_wrong"),
    [(B, 0, 1, True), (B, 0, 2, False), (B, 30, 1, False), (A, 0, 1, False)],
)
def test_an_entry_beside_open_positions(
    other: TradedStrategy, out_s: float, limit: int, is_wrong: bool
) -> None:
    key = KEYS[0] if other is A else KEYS[1]
    days = [
        decision(other, bracket(10, filled_s=11, out_s=out_s, key=key)),
        decision(A, bracket(60)),
    ]
    if is_wrong:
        with pytest.raises(LimitPassed, match="beside 1 open positions; the limit is 1"):
            check(days, strategies=((A,), (B,)), max_open_positions=limit)
    else:
        check(days, strategies=((A,), (B,)), max_open_positions=limit)
