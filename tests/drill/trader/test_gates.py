"""What a person may change while the session runs, and what a loss does, over days made by hand."""

from types import SimpleNamespace
from typing import Any

import pytest

from otrade.drill.trader.gates import Gates, Verdict
from otrade.drill.trader.holdings import EnteredDecision, SeenBracket
from otrade.drill.trader.loss import LossLimits
from otrade.drill.trader.plan import TradedStrategy, TraderInstrument
from otrade.drill.trader.profit import RunningProfit
from otrade.drill.trader.record import (
    SWITCHED_OFF,
    SWITCHED_ON,
    PersonCommand,
    ProcessLife,
    SessionRecord,
)
from otrade.drill.trader.replay import SeenTouch
from otrade.simulator.exchange.orders import RequestedTerms

SECOND = 1_000_000_000
OPEN = 1_000_000 * SECOND
LIMITS = {
    "stale_feed_ns": 0, "max_open_positions": 0, "max_trades": 0, "max_order_qty": 0, "max_daily_loss_e4": 0,
    "max_drawdown_e4": 0, "flatten_on_limit": 0, "entry_wait_ns": 0,
}  # fmt: skip
SOLD = SimpleNamespace(contract=SimpleNamespace(key="NSE:INFY"), tag="OT", side=1)


def at(s: float) -> int:
    return OPEN + round(s * SECOND)


def record(*limits: tuple[float, dict[str, int]], commands: Any = ()) -> SessionRecord:
    changes = [(0, LIMITS)] + [(at(s), {**LIMITS, **more}) for s, more in limits]
    found = SessionRecord("kite", {}, commands=list(commands), limits=changes)
    found.lives.append(ProcessLife(OPEN, has_journal=False, opened_ns=OPEN))
    return found


def bought(prices: dict[float, int]) -> RunningProfit:
    """Ten units at 100 rupees after a second, and these prices."""
    one = TraderInstrument("NSE:INFY", "MIS", 500, 1, 0, 1, False, OPEN, OPEN, at(900), at(900))
    trade: Any = SimpleNamespace(ts_ns=at(1), order=SOLD, qty=10, price_e4=1_000_000)
    touches = [SeenTouch(at(s), px, px, px, at(s)) for s, px in prices.items()]
    return RunningProfit({"NSE:INFY": one}, [trade], {"NSE:INFY": touches})


@pytest.mark.parametrize(
    ("limits", "asked_s", "reached"),
    [
        ([(0, {"max_daily_loss_e4": 100_000})], 15, False),
        ([(0, {"max_daily_loss_e4": 100_000})], 25, True),
        ([(0, {"max_daily_loss_e4": 150_000})], 35, None),  # a hundredth from it
        ([(0, {"max_drawdown_e4": 240_000})], 35, True),
        ([(0, {"max_drawdown_e4": 300_000})], 35, False),
        ([(26, {"max_daily_loss_e4": 100_000})], 25.5, False),
        ([(26, {"max_daily_loss_e4": 100_000})], 35, True),
        # what was reached before it was lifted has halted the engine, or nothing had traded yet
        ([(0, {"max_daily_loss_e4": 100_000}), (26, {})], 35, None),
    ],
)
def test_a_limit_of_the_day(
    limits: list[tuple[float, dict[str, int]]], asked_s: float, reached: bool | None
) -> None:
    # a peak of 100 rupees, then losses of 120 and of 149
    profit = bought({2: 1_000_000, 10: 1_010_000, 20: 988_000, 30: 985_100})
    assert LossLimits(record(*limits), profit).is_reached(OPEN, at(asked_s)) is reached


def test_a_book_alone_marks_nothing() -> None:
    """A packet without a last price comes just after the fill, and the price then is the one before it."""
    one = TraderInstrument("NSE:INFY", "MIS", 500, 1, 0, 1, False, OPEN, OPEN, at(900), at(900))
    trade: Any = SimpleNamespace(ts_ns=at(1), order=SOLD, qty=10, price_e4=1_000_000)
    for is_price, reached_ns in ((True, at(2)), (False, 0)):
        touches = [
            SeenTouch(at(0), 999_000, 999_000, 999_000, at(0)),
            SeenTouch(at(2), 999_000, 998_000, 999_000, at(2), is_price),
            SeenTouch(at(4), 1_000_000, 999_000, 1_000_000, at(4)),
        ]
        profit = RunningProfit({"NSE:INFY": one}, [trade], {"NSE:INFY": touches})
        assert profit.first_beyond(10_000, 0, OPEN, at(9), loosely=False) == reached_ns


def test_a_price_about_a_fill_may_have_been_known_before_it() -> None:
    profit = bought({2: 1_000_000, 10: 1_010_000})
    one = TraderInstrument("NSE:INFY", "MIS", 500, 1, 0, 1, False, OPEN, OPEN, at(900), at(900))
    sold: Any = SimpleNamespace(
        ts_ns=at(20), order=SimpleNamespace(contract=SOLD.contract, tag="OT", side=-1), qty=10, price_e4=1_010_000
    )  # fmt: skip
    trade: Any = SimpleNamespace(ts_ns=at(1), order=SOLD, qty=10, price_e4=1_000_000)
    seen = [
        SeenTouch(at(s), px, px, px, at(s)) for s, px in ((10.0, 1_010_000), (20.004, 1_020_000))
    ]
    profit = RunningProfit({"NSE:INFY": one}, [trade, sold], {"NSE:INFY": seen})
    assert profit.first_beyond(0, 90_000, OPEN, at(30), loosely=False) == 0
    assert profit.first_beyond(0, 90_000, OPEN, at(30), loosely=True) == at(20)


@pytest.mark.parametrize(("asked_s", "surely", "perhaps"), [(10.5, 0, 10), (12, 11, 10)])
def test_prices_of_one_message_are_known_in_any_order(
    asked_s: float, surely: int, perhaps: int
) -> None:
    """Ten of each bought at 100 rupees; one is told at 99, the other at 101, in one moment."""
    keys = ("NSE:INFY", "NSE:SBIN")
    ones = {
        key: TraderInstrument(key, "MIS", 500, 1, 0, 1, False, OPEN, OPEN, at(900), at(900))
        for key in keys
    }
    trades: list[Any] = [
        SimpleNamespace(
            ts_ns=at(1), qty=10, price_e4=1_000_000,
            order=SimpleNamespace(contract=SimpleNamespace(key=key), tag="OT", side=1),
        )
        for key in keys
    ]  # fmt: skip
    first, second = (
        [SeenTouch(at(s), px, px, px, at(s)) for s, px in rows]
        for rows in (((10, 990_000), (11, 990_000)), ((10, 1_010_000), (11, 1_000_000)))
    )
    profit = RunningProfit(ones, trades, dict(zip(keys, (first, second), strict=True)))
    found = profit.first_beyond(50_000, 0, OPEN, at(asked_s), loosely=False)
    assert found == (at(surely) if surely else 0)
    assert profit.first_beyond(50_000, 0, OPEN, at(asked_s), loosely=True) == at(perhaps)
    assert profit.first_beyond(0, 150_000, OPEN, at(10.5), loosely=False) == 0
    assert profit.first_beyond(0, 150_000, OPEN, at(10.5), loosely=True) == at(10)


def test_a_position_that_may_be_any_ones_counts() -> None:
    """Two are open, and both may be the first strategy's or the second's: no third one surely fits."""
    named = [TradedStrategy(n, "ema_cross", SECOND, {}, {}, f"{n}") for n in range(3)]
    asked = gates(record((0, {"max_open_positions": 2})))
    for _ in range(2):
        held: Any = SimpleNamespace(also=[named[1]], first_flat_ns=0, last_ns=0)
        asked.decisions.append(EnteredDecision(named[0], 1, at(1), 10, [held]))
    assert asked._positions(named[2], at(5)).verdict is Verdict.OPEN
    asked.decisions.pop()
    assert asked._positions(named[2], at(5)).verdict is Verdict.YES


def gates(found: SessionRecord) -> Gates:
    return Gates(found, RunningProfit({}, [], {}), [], {})


def test_a_strategy_that_is_switched_off_does_not_enter() -> None:
    off, on = (
        PersonCommand(at(s), name, {"place": 0, "name": "0 ema_cross"}, done=True)
        for s, name in ((10, SWITCHED_OFF), (20, SWITCHED_ON))
    )
    one = TraderInstrument("NSE:INFY", "MIS", 500, 1, 0, 1, False, OPEN, OPEN, at(900), at(900))
    named = [TradedStrategy(n, "ema_cross", SECOND, {}, {}, f"{n} ema_cross") for n in range(2)]
    asked = gates(record(commands=(off, on)))
    for number, s, verdict in ((0, 5, "YES"), (0, 15, "NO"), (0, 25, "YES"), (1, 15, "YES")):
        assert asked._switch(one, named[number], at(s)).verdict is Verdict[verdict]


def ended(leg: str, kind: str, paid: int, left: int, moved: str = "") -> SeenBracket:
    def order(tag: str, side: int, s: float, terms: list[RequestedTerms], price: int) -> Any:
        states = [
            (
                at(s + n / 10),
                SimpleNamespace(
                    filled_qty=10 * (n + 1 == len(terms)), terms=one,
                    status="COMPLETE" if n + 1 == len(terms) else "OPEN",
                ),
            )
            for n, one in enumerate(terms)
        ]  # fmt: skip
        trades = [SimpleNamespace(ts_ns=states[-1][0], qty=10, price_e4=price)]
        return SimpleNamespace(tag=tag, side=side, told=states, trades=trades)

    entry = order("OT0000000000E010000", 1, 1, [RequestedTerms("LIMIT", 10, paid, 0)], paid)
    trigger = paid - 5_000 if kind == "SL" else 0
    asked = [RequestedTerms(kind, 10, left, trigger)]
    if moved == "chased":  # it had triggered, and was priced anew
        asked = [RequestedTerms("SL", 10, paid, paid - 5_000), *asked]
    elif moved:
        asked = [RequestedTerms(kind, 10, left, trigger - 500), *asked]
    tag = f"OT0000000000{leg}010000"
    return SeenBracket(entry, [entry, order(tag, -1, 2, asked, left)], [])


@pytest.mark.parametrize(
    ("bracket", "s", "verdict"),
    [
        (("S", "SL", 1_000_000, 994_000), 10, "NO"),
        (("S", "SL", 1_000_000, 994_000), 23, "YES"),
        (("S", "SL", 1_000_000, 994_000, "trailed"), 10, "OPEN"),  # a trail is no stop
        (("T", "LIMIT", 1_000_000, 1_010_000), 10, "YES"),
        (("S", "LIMIT", 1_000_000, 994_000), 10, "OPEN"),
        (("S", "LIMIT", 1_000_000, 1_010_000, "chased"), 10, "OPEN"),
        (("S", "LIMIT", 1_000_000, 1_010_000), 10, "OPEN"),  # its price was beyond the stop
    ],
)
def test_the_cool_down_after_a_stop(bracket: tuple[Any, ...], s: float, verdict: str) -> None:
    one = TradedStrategy(0, "ema_cross", SECOND, {}, {"cooldown_ns": 20 * SECOND})
    asked = gates(record())
    asked.decisions.append(EnteredDecision(one, 1, at(1), 10, [ended(*bracket)]))
    assert asked._cooldown(one, at(s)).verdict is Verdict[verdict]


@pytest.mark.parametrize(
    ("sent_s", "per_second", "has_room"),
    [
        ((), 5, True),
        ((50, 90), 5, True),  # long before
        ((99.1, 99.5, 100, 100.5, 101.4), 5, True),
        ((99.1, 99.5, 100, 100.5, 101.4), 4, False),
        ((99.1, 99.5, 100, 100.5, 101.4), 0, True),  # nobody counts
    ],
)
def test_a_cancel_may_take_all_of_the_rate(
    sent_s: tuple[float, ...], per_second: int, has_room: bool
) -> None:
    budget = {"per_second": per_second, "reserve_second": 3}
    one = Gates(record(), RunningProfit({}, [], {}), [], budget, [at(s) for s in sent_s])
    assert one.has_room_to_cancel(at(100), at(101.5)) is has_room
