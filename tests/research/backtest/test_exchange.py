"""The compiled exchange against its oracle: random days of orders go through the simulator's order system and
through the compiled one, over the same price paths; the executions are the same, one by one.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from otrade._core.types import OrdType, Product, Tif
from otrade.research.backtest.exchange import Exchange
from otrade.research.backtest.funds import BacktestFunds
from otrade.research.parity.second_run import add_contract
from otrade.simulator.base.config import SimConfig
from otrade.simulator.base.errors import RequestRefused
from otrade.simulator.base.universe import ListedContract
from otrade.simulator.base.virtual_clock import EventKind, VirtualClock
from otrade.simulator.draws import number_of_day
from otrade.simulator.exchange.order_system import OrderSystem
from otrade.simulator.exchange.orders import Order, OrderRequest, RequestedTerms
from otrade.simulator.kite.servers import RMS_RULES as KITE
from otrade.simulator.upstox.servers import RMS_RULES as UPSTOX

DATE = dt.date(2026, 11, 23)
SYMBOLS = (
    "NSE:INFY",
    "NSE:IDEA",
    "NSE:NIFTYBEES",
    "NFO:NIFTY.FUT",
    "NFO:INFY.FUT",
    "NFO:NIFTY.ATMCE",
)
MS, SECOND = 1_000_000, 1_000_000_000
TYPES = {"MARKET": OrdType.MARKET, "LIMIT": OrdType.LIMIT, "SL": OrdType.SL, "SL-M": OrdType.SL_M}
FUNDS_RUPEES = (1e12, 1_500_000.0)
"""Of two days: one that never lacks money, and one that does."""


class Wish(NamedTuple):
    """What happens at one moment: an order is placed, or one of those before it changed or cancelled."""

    at_ns: int
    what: str
    screen: int
    side: int
    kind: str
    lots: int
    away_ticks: int
    trigger_ticks: int
    product: str
    is_ioc: bool
    of: int


class Twins:
    """The same day at the oracle and at the compiled exchange."""

    def __init__(
        self, seed: int, rules: Any, symbols: tuple[str, ...], interval_ms: int, funds_rupees: float
    ) -> None:
        cfg = SimConfig(
            seed=seed,
            broker="kite" if rules is KITE else "upstox",
            dates=(DATE,),
            tick_interval_ms=interval_ms,
            funds_rupees=funds_rupees,
        )
        self.clock = VirtualClock()
        self.system = OrderSystem(cfg, self.clock, rules)
        self.system.open_day(DATE)
        universe = self.system.market.universe
        self.contracts = sorted(map(universe.resolve, symbols), key=lambda one: one.token)
        self.fast = Exchange(len(self.contracts))
        way = cfg.latency.exchange
        self.fast.open_day(
            seed, number_of_day(DATE), round(way.low_ms * MS), round(way.high_ms * MS)
        )
        self.fast.set_models(queue=0, slip_ticks=0, slip_bps_e2=0, share_e2=0)
        for contract in self.contracts:
            add_contract(self.fast, contract, self.system.prices, DATE)
        if funds_rupees < FUNDS_RUPEES[0]:
            funds = BacktestFunds(round(funds_rupees * 10_000), self.contracts)
            self.fast.set_funds(funds, in_book=rules is UPSTOX)
        self.is_in_book = rules is UPSTOX
        self.cut_off_ns = {c.key: rules.cut_off_ns(c, DATE) for c in self.contracts}
        for screen, contract in enumerate(self.contracts):
            self.fast.set_square_off(screen, self.cut_off_ns[contract.key])
        self.fast.arm()
        self.orders: list[Order | None] = []
        self.ids: list[int] = []
        self.refused: list[tuple[bool, bool]] = []

    def terms(self, wish: Wish, contract: ListedContract) -> RequestedTerms:
        quote = self.system.market.quote(contract)
        tick = contract.tick_e4
        around = quote.ltp_e4 // tick * tick
        trigger = around + wish.side * wish.trigger_ticks * tick
        price = around + wish.away_ticks * tick
        if wish.kind in ("SL", "SL-M"):
            price = trigger + wish.side * abs(wish.away_ticks) * tick
        return RequestedTerms(
            wish.kind,
            wish.lots * contract.lot,
            price_e4=price if wish.kind in ("LIMIT", "SL") else 0,
            trigger_e4=trigger if wish.kind in ("SL", "SL-M") else 0,
            validity="IOC" if wish.is_ioc else "DAY",
            protection_pct=-1.0 if wish.kind in ("MARKET", "SL-M") else 0.0,
        )

    def _fast_terms(self, terms: RequestedTerms) -> tuple[int, int, int, int, int]:
        return (
            int(TYPES[terms.order_type]),
            terms.quantity,
            terms.price_e4,
            terms.trigger_e4,
            -1 if terms.order_type in ("MARKET", "SL-M") else 0,
        )

    def do(self, n: int, wish: Wish) -> None:
        """Both are at this moment: their trades and events of it have happened."""
        self.fast.run_paths_until(wish.at_ns)
        contract = self.contracts[wish.screen]
        tif = int(Tif.IOC if wish.is_ioc else Tif.DAY)
        if wish.what == "place":
            terms = self.terms(wish, contract)
            tag = f"OT{n:017d}"
            request = OrderRequest(
                contract, wish.side, wish.product, terms, tag=tag, margin_in_book=self.is_in_book
            )
            placed: Order | None = None
            try:
                one = self.system.place(request)[0]
                placed = one if isinstance(one, Order) else None
            except RequestRefused:
                pass
            self.orders.append(placed)
            got = self.fast.try_place(
                wish.screen,
                wish.side,
                int(Product[wish.product]),
                *self._fast_terms(terms),
                tag,
                tif,
            )
            self.ids.append(got)
            self.refused.append((placed is None, got < 0))
            return
        order = self.orders[wish.of]
        if order is None:
            return
        if wish.what == "cancel":
            is_refused = _refused(lambda: self.system.cancel(order.order_id))
            self.refused.append((is_refused, self.fast.try_cancel(self.ids[wish.of]) != 0))
            return
        own = wish._replace(side=order.side, screen=self.contracts.index(order.contract))
        terms = self.terms(own, order.contract)
        is_refused = _refused(lambda: self.system.modify(order.order_id, lambda _: terms))
        got = self.fast.try_modify(self.ids[wish.of], *self._fast_terms(terms), tif)
        self.refused.append((is_refused, got != 0))

    def run(self, wishes: list[Wish], until_ns: int) -> None:
        for n, wish in enumerate(wishes):
            self.clock.schedule(
                wish.at_ns, lambda n=n, wish=wish: self.do(n, wish), EventKind.CLIENT
            )
        while (due_ns := self.clock.next_ns()) is not None and due_ns <= until_ns:
            timer = self.clock.pop()
            if timer.callback is not None:
                self.clock.advance(due_ns)
                timer.callback()
        self.fast.run_paths_until(until_ns)

    def fills(self) -> tuple[list[Any], list[Any]]:
        screens = {contract.token: i for i, contract in enumerate(self.contracts)}
        oracle = [
            (
                t.ts_ns,
                screens[t.order.contract.token],
                t.order.tag or "",
                t.order.side,
                t.qty,
                t.price_e4,
            )
            for t in self.system.all_trades
        ]
        return oracle, self.fast.fill_rows()


def _refused(ask: Callable[[], object]) -> bool:
    try:
        ask()
    except RequestRefused:
        return True
    return False


def random_wishes(rng: random.Random, twins: Twins, count: int) -> list[Wish]:
    """Orders in bursts through the day, near the market and far from it, some that cannot be."""
    open_ns = min(c.session_ns(DATE)[0] for c in twins.contracts)
    close_ns = max(c.session_ns(DATE)[1] for c in twins.contracts)
    wishes: list[Wish] = []
    at_ns, n_placed = open_ns - 5 * SECOND, 0
    gap_ns = (close_ns - open_ns) // count
    for _ in range(count):
        at_ns += rng.choice((7 * MS, 40 * MS, gap_ns // 2, 2 * gap_ns)) + rng.randrange(1, 1000)
        what = rng.choices(("place", "modify", "cancel"), (5, 3, 2))[0] if n_placed else "place"
        screen = rng.randrange(len(twins.contracts))
        is_share = twins.contracts[screen].expiry is None
        wishes.append(
            Wish(
                at_ns,
                what,
                screen,
                rng.choice((1, -1)),
                rng.choices(("MARKET", "LIMIT", "SL", "SL-M"), (2, 6, 3, 1))[0],
                rng.choice((1, 1, 2, 5, 40, 5000 if rng.random() < 0.1 else 3)),
                rng.choice((-400, -12, -3, -1, 0, 0, 1, 2, 8, 300)),
                rng.choice((1, 2, 5, 20, -2)),
                "MIS" if rng.random() < 0.9 else "CNC" if is_share else "NRML",
                rng.random() < 0.1,
                rng.randrange(max(n_placed, 1)),
            )
        )
        n_placed += what == "place"
    return wishes


@pytest.mark.parametrize("rules", [KITE, UPSTOX], ids=["kite", "upstox"])
@pytest.mark.parametrize("case", range(6))
def test_a_random_day_has_the_same_executions(case: int, rules: Any) -> None:
    seed = 1_000 + case
    rng = random.Random(seed)
    symbols = tuple(rng.sample(SYMBOLS, rng.randint(1, 3)))
    funds_rupees = FUNDS_RUPEES[case % 2]
    twins = Twins(seed, rules, symbols, rng.choice((1_000, 5_000, 20_000)), funds_rupees)
    wishes = random_wishes(rng, twins, 220)
    twins.run(wishes, max(c.session_ns(DATE)[1] for c in twins.contracts) + 60 * SECOND)
    oracle, compiled = twins.fills()
    print(f"seed {seed}, {symbols}, {len(oracle)} executions")
    assert [both for both in twins.refused if both[0] != both[1]] == []
    for n, (one, other) in enumerate(zip(oracle, compiled, strict=False)):
        assert one == other, f"seed {seed}, execution {n}"
    assert len(oracle) == len(compiled), f"seed {seed}"
    assert len(oracle) > 12, f"seed {seed}: a day that says too little"
    states = {tag: state for tag, state, _ in twins.fast.order_rows()}
    told = {o.tag: o.status == "REJECTED" for o in twins.orders if o is not None}
    assert {tag: states[tag or ""] == "rejected" for tag in told} == told, f"seed {seed}"
    words = [o.status_message for o in twins.orders if o is not None and o.status_message]
    if funds_rupees < FUNDS_RUPEES[0] and rules is UPSTOX and symbols != ("NSE:IDEA",):
        assert any("Insufficient funds" in text for text in words), f"seed {seed}"
