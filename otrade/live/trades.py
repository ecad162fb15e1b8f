"""Closed brackets as trades: what came in, what went out, exact profit, charges, and how well it
was protected.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from otrade._core.engine import Engine
from otrade._core.types import BracketState, ExitReason


class OrderFill(msgspec.Struct, frozen=True):
    """What one order traded. `value_e4` is price e4 times units times the multiplier."""

    side: int
    qty: int
    value_e4: int


ChargeRule = Callable[[int, list[OrderFill]], int]
"""(instrument id, filled orders) to charges in e4 rupees."""


class Trade(msgspec.Struct, frozen=True):
    """One closed bracket that traded. Prices are averages, rounded to the nearest e4; money is
    exact.
    """

    bracket_id: int
    strategy_id: int
    instrument_id: int
    side: int
    qty: int
    entry_px_e4: int
    exit_px_e4: int
    ts_entry_ns: int
    ts_exit_ns: int
    gross_e4: int
    charges_e4: int
    naked_total_ns: int
    naked_worst_ns: int
    slippage_e4: int
    exit_reason: ExitReason

    @property
    def net_e4(self) -> int:
        return self.gross_e4 - self.charges_e4


class TradeBook:
    """The day's trades by bracket. A bracket that a late fill brought back replaces its record when
    it closes again.
    """

    def __init__(self, engine: Engine, charge_rule: ChargeRule) -> None:
        self._engine = engine
        self._charge_rule = charge_rule
        self._trades: dict[int, Trade] = {}
        self.charges_e4 = 0

    def __len__(self) -> int:
        return len(self._trades)

    @property
    def trades(self) -> list[Trade]:
        """In the order in which they first closed."""
        return list(self._trades.values())

    def close(self, bracket_id: int) -> Trade | None:
        """Record a bracket that has closed; None when it never traded."""
        bracket = self._engine.bracket(bracket_id)
        if bracket["state"] != BracketState.CLOSED or bracket["entry_qty"] == 0:
            return None
        trade = self._trade_of(bracket_id, bracket)
        was = self._trades.get(bracket_id)
        self.charges_e4 += trade.charges_e4 - (was.charges_e4 if was else 0)
        self._trades[bracket_id] = trade
        return trade

    def _trade_of(self, bracket_id: int, bracket: dict[str, Any]) -> Trade:
        qty, exit_qty = bracket["entry_qty"], bracket["exit_qty"]
        entry_px_e4 = average_e4(bracket["entry_value_e4"], qty)
        return Trade(
            bracket_id,
            bracket["strategy_id"],
            bracket["instrument_id"],
            bracket["side"],
            qty,
            entry_px_e4,
            average_e4(bracket["exit_value_e4"], exit_qty),
            bracket["ts_entry_ns"],
            bracket["ts_close_ns"],
            bracket["pnl_e4"],
            self._charge_rule(bracket["instrument_id"], self._fills(bracket)),
            bracket["naked_total_ns"],
            bracket["naked_worst_ns"],
            bracket["side"] * (entry_px_e4 - bracket["signal_px_e4"]),
            ExitReason(bracket["exit_reason"]),
        )

    def _fills(self, bracket: dict[str, Any]) -> list[OrderFill]:
        multiplier = self._engine.instrument(bracket["instrument_id"])["multiplier"]
        fills = []
        slot = bracket["order_head"]
        while slot >= 0:
            order = self._engine.order(slot)
            if order["cum_qty"]:
                value_e4 = order["cum_value_e4"] * multiplier
                fills.append(OrderFill(order["side"], order["cum_qty"], value_e4))
            slot = order["next"]
        return fills


def average_e4(value_e4: int, qty: int) -> int:
    """The average price, nearest e4; 0 when nothing traded."""
    return (2 * value_e4 + qty) // (2 * qty) if qty > 0 else 0
