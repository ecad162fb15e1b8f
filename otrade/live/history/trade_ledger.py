"""Closed brackets as trades: what came in, what went out, exact profit, charges, and how well it
was protected.
"""

from collections.abc import Callable

import msgspec

from otrade._core.engine.engine import Engine
from otrade._core.engine.rows import BracketRow
from otrade._core.types import BracketState, ExitReason, Leg
from otrade.charges import Charges, sum_of
from otrade.live.plan.bracket_orders import orders_of


class OrderFill(msgspec.Struct, frozen=True):
    """What one order traded. `value_e4` is price e4 times units times the multiplier."""

    side: int
    qty: int
    value_e4: int
    squared_off: bool = False
    """An order of the broker's own square-off, for which it takes a fee."""


ChargeRule = Callable[[int, int, list[OrderFill]], Charges]
"""(bracket id, instrument id, filled orders) to charges."""
BROKER = "BROKER"
"""The exit reason of what the broker has squared off by itself."""


class ClosedTrade(msgspec.Struct, frozen=True):
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
    charges: Charges
    naked_total_ns: int
    naked_worst_ns: int
    target_total_ns: int
    slippage_e4: int
    exit_reason: ExitReason

    @property
    def charges_e4(self) -> int | None:
        """None when a part of them is not known."""
        return self.charges.total_e4

    @property
    def net_e4(self) -> int | None:
        """None when the charges are not known."""
        return net_after(self.gross_e4, self.charges)


def net_after(gross_e4: int, charges: Charges) -> int | None:
    """Profit after charges; None when a part of them is not known: nothing is called net that
    leaves some out.
    """
    total_e4 = charges.total_e4
    return None if total_e4 is None else gross_e4 - total_e4


class TradeLedger:
    """The day's trades by bracket. A bracket that a late fill brought back replaces its record when
    it closes again.
    """

    def __init__(self, engine: Engine, charge_rule: ChargeRule) -> None:
        self._engine = engine
        self._charge_rule = charge_rule
        self._trades: dict[int, ClosedTrade] = {}
        self._closed: Charges | None = None
        self._open: dict[int, tuple[tuple[int, ...], Charges]] = {}
        """Charges of brackets that are open, and what they had traded when these were counted."""

    def __len__(self) -> int:
        return len(self._trades)

    @property
    def trades(self) -> list[ClosedTrade]:
        """In the order in which they first closed."""
        return list(self._trades.values())

    @property
    def charges(self) -> Charges:
        """Owed by all that has traded: of closed trades, and of what is open. To the paisa what the
        core counts, which its limits are held against.
        """
        live = self._engine.live_brackets()
        owed = [self._owed(bracket_id) for bracket_id in live]
        if self._closed is None:
            self._closed = sum_of(
                trade.charges for key, trade in self._trades.items() if key not in live
            )
        return sum_of([self._closed, *owed])

    def _owed(self, bracket_id: int) -> Charges:
        bracket = self._engine.bracket(bracket_id)
        traded = (
            bracket["entry_qty"],
            bracket["entry_value_e4"],
            bracket["exit_qty"],
            bracket["exit_value_e4"],
            bracket["exit_reason"],
        )
        known = self._open.get(bracket_id)
        if known is None or known[0] != traded:
            if bracket_id in self._trades:
                self._closed = None  # it was closed, and lives again
            charges = self._charge_rule(bracket_id, bracket["instrument_id"], self._fills(bracket))
            known = self._open[bracket_id] = traded, charges
        return known[1]

    def close(self, bracket_id: int) -> ClosedTrade | None:
        """Record a bracket that has closed; None when it never traded."""
        bracket = self._engine.bracket(bracket_id)
        if bracket["state"] != BracketState.CLOSED or bracket["entry_qty"] == 0:
            return None
        trade = self._trade_of(bracket_id, bracket)
        self._trades[bracket_id] = trade
        self._open.pop(bracket_id, None)
        self._closed = None
        return trade

    def _trade_of(self, bracket_id: int, bracket: BracketRow) -> ClosedTrade:
        qty, exit_qty = bracket["entry_qty"], bracket["exit_qty"]
        entry_px_e4 = average_e4(bracket["entry_value_e4"], qty)
        return ClosedTrade(
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
            self._charge_rule(bracket_id, bracket["instrument_id"], self._fills(bracket)),
            bracket["naked_total_ns"],
            bracket["naked_worst_ns"],
            bracket["target_total_ns"],
            bracket["side"] * (entry_px_e4 - bracket["signal_px_e4"]),
            ExitReason(bracket["exit_reason"]),
        )

    def _fills(self, bracket: BracketRow) -> list[OrderFill]:
        multiplier = self._engine.instrument(bracket["instrument_id"])["multiplier"]
        by_broker = ExitReason(bracket["exit_reason"]).name == BROKER
        fills = []
        for order in orders_of(self._engine, bracket):
            if order["cum_qty"]:
                value_e4 = order["cum_value_e4"] * multiplier
                # An exit without a tag of ours is somebody else's.
                squared_off = by_broker and not order["cl_ord_id"] and order["leg"] != Leg.ENTRY
                fills.append(OrderFill(order["side"], order["cum_qty"], value_e4, squared_off))
        return fills


def average_e4(value_e4: int, qty: int) -> int:
    """The average price, nearest e4; 0 when nothing traded."""
    return (2 * value_e4 + qty) // (2 * qty) if qty > 0 else 0
