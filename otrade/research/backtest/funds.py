"""The account's money in a backtest, by the simulated broker's own rule (`otrade/simulator/exchange/ledger.py`): what
positions and working orders block, and whether another order is covered. Asked once for an order or a change of one, never for a price.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from otrade._core.types import Product
from otrade.instruments import Instrument
from otrade.simulator.base.universe import ListedContract
from otrade.simulator.exchange.ledger import Ledger
from otrade.simulator.exchange.rms import FEE_E4

Claimed = tuple[int, int, int, int, int, int]
"""Of an order: instrument, product, side, units that are left, price, sequence."""


class ClaimedOrder(NamedTuple):
    """As the ledger knows it."""

    contract: ListedContract
    product: str
    side: int
    leaves_qty: int
    price_e4: int
    sequence: int


class BacktestFunds:
    """One day's. `contracts` in the exchange's order."""

    def __init__(self, opening_e4: int, contracts: Sequence[ListedContract]) -> None:
        self._ledger = Ledger(0.0)
        self._ledger.opening_e4 = opening_e4
        self._contracts = contracts

    def book(self, screen: int, product: int, side: int, qty: int, price_e4: int) -> None:
        """One execution."""
        position = self._ledger.position(self._contracts[screen], Product(product).name)
        if side > 0:
            position.buy_qty += qty
            position.buy_value_e4 += qty * price_e4
        else:
            position.sell_qty += qty
            position.sell_value_e4 += qty * price_e4

    def take_fee(self) -> None:
        """Of an order of the broker's own square-off."""
        self._ledger.fees_e4 += FEE_E4

    def is_short(self, working: Sequence[Claimed], wanted: Claimed) -> bool:
        """Is there too little for an order, beside those that work?"""
        others = [self._order(one) for one in working]
        short = self._ledger.shortage_e4(others, self._order(wanted), lambda one: one.price_e4)
        return short is not None

    def _order(self, claimed: Claimed) -> ClaimedOrder:
        screen, product, *rest = claimed
        return ClaimedOrder(self._contracts[screen], Product(product).name, *rest)


def contract_of(record: Instrument) -> ListedContract:
    """What the ledger asks of an instrument."""
    return ListedContract(
        token=record.token,
        exchange=record.exchange,
        tradingsymbol=record.tradingsymbol,
        name=record.name,
        segment=record.segment,
        instrument_type=record.instrument_type,
        tick_e4=record.tick_size_e4,
        lot=record.lot_size,
        freeze_qty=record.freeze_qty,
        band_bps=0,
        hours_kind="",
        root=record.name,
        base_e4=0,
        day_sigma=0.0,
        depth_lots=1,
        multiplier=record.multiplier,
        expiry=record.expiry,
        strike_e4=record.strike_e4,
    )
