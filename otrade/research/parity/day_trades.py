"""What a core knows of a day at its end: brackets with their orders, in one form for a day that was and for its
second run.
"""

from __future__ import annotations

import msgspec

from otrade._core.engine.engine import Engine
from otrade._core.types import BracketState, ExitReason, Leg, OrdStatus, OrdType, Reason, Side
from otrade.journal.day_names import DayNames
from otrade.live.plan.bracket_orders import orders_of


class TradeOrder(msgspec.Struct, frozen=True):
    """One order of a bracket. Times are 0 where there is none."""

    tag: str
    leg: Leg
    side: int
    ord_type: OrdType
    intent_ns: int
    sent_ns: int
    ack_ns: int
    update_ns: int
    status: OrdStatus
    reason: Reason
    qty: int
    value_e4: int
    wanted: int

    @property
    def trip_ns(self) -> int:
        """From its last byte to the broker's answer; 0 where that is not known."""
        return self.ack_ns - self.sent_ns if self.ack_ns > self.sent_ns > 0 else 0


class DayTrade(msgspec.Struct, frozen=True):
    """One bracket."""

    strategy: str
    symbol: str
    side: int
    open_ns: int
    close_ns: int
    is_closed: bool
    exit_reason: ExitReason
    qty: int
    multiplier: int
    gross_e4: int | None
    """None while it is open."""
    orders: list[TradeOrder]

    def words(self) -> str:
        return f"{self.strategy} {Side(self.side).name} {self.symbol}"


def day_trades(engine: Engine, names: DayNames) -> list[DayTrade]:
    """Every bracket, traded or not, in the order in which they were opened."""
    found = []
    rows = [engine.instrument(i) for i in range(engine.n_instruments)]
    symbols = [f"{row['exchange']}:{row['symbol']}" for row in rows]
    if len(names.instruments) == len(symbols):
        symbols = [one.symbol for one in names.instruments]
    for bracket_id in range(engine.n_brackets):
        bracket = engine.bracket(bracket_id)
        if bracket["state"] == BracketState.FREE:
            continue
        is_closed = bracket["state"] == BracketState.CLOSED
        found.append(
            DayTrade(
                names.strategy(bracket["strategy_id"]),
                symbols[bracket["instrument_id"]],
                bracket["side"],
                bracket["ts_open_ns"],
                bracket["ts_close_ns"],
                is_closed,
                ExitReason(bracket["exit_reason"]),
                bracket["entry_qty"],
                rows[bracket["instrument_id"]]["multiplier"],
                bracket["pnl_e4"] if is_closed else None,
                [
                    TradeOrder(
                        order["cl_ord_id"] or order["broker_order_id"],
                        Leg(order["leg"]),
                        order["side"],
                        OrdType(order["ord_type"]),
                        order["ts_intent_ns"],
                        order["ts_sent_ns"],
                        order["ts_ack_ns"],
                        order["ts_update_ns"],
                        OrdStatus(order["ord_status"]),
                        Reason(order["reason"]),
                        order["cum_qty"],
                        order["cum_value_e4"],
                        order["order_qty"],
                    )
                    for order in sorted(
                        orders_of(engine, bracket), key=lambda row: row["ts_intent_ns"]
                    )
                ],
            )
        )
    return sorted(found, key=lambda trade: trade.open_ns)
