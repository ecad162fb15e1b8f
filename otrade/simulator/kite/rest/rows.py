"""Orders, trades, positions and money as Kite writes them, from what the model has."""

from typing import Any

from otrade.simulator.base.formats import rupees, stamp
from otrade.simulator.exchange.funds import AccountFunds
from otrade.simulator.exchange.ledger import Position
from otrade.simulator.exchange.orders import Execution, Order, OrderState
from otrade.simulator.faults.books import BadField

Row = dict[str, Any]
MARKS = ("mktp", "mktp:2.00")
"""What Kite puts among the tags of an order that it marks."""
BAD_FIELDS: dict[BadField, Row] = {
    "quantity": {"quantity": -1},
    "order_id": {"order_id": None},
    "filled": {"filled_quantity": 1e300},
    "price": {"price": "NaN"},
    "many": {"quantity": 7.5, "average_price": []},
}
"""What makes a row of an order unreadable."""


def order_row(state: OrderState) -> Row:
    """The order object of every payload."""
    order, terms = state.order, state.terms
    contract, marks = order.contract, _marks(order)
    return {
        "placed_by": order.placed_by,
        "account_id": order.placed_by,
        "order_id": order.order_id,
        "exchange_order_id": state.exchange_order_id,
        "parent_order_id": order.parent_order_id,
        "status": state.status,
        "status_message": state.status_message,
        "status_message_raw": state.status_message,
        "order_timestamp": stamp(order.ts_order_ns),
        "exchange_update_timestamp": stamp(state.ts_update_ns) if state.ts_update_ns else None,
        "exchange_timestamp": stamp(state.ts_exchange_ns) if state.ts_exchange_ns else None,
        "variety": order.variety,
        "modified": state.modifications > 0,
        "exchange": contract.exchange,
        "tradingsymbol": contract.tradingsymbol,
        "instrument_token": contract.token,
        "order_type": terms.order_type,
        "transaction_type": order.transaction_type,
        "validity": terms.validity,
        "validity_ttl": terms.validity_ttl,
        "product": order.product,
        "quantity": terms.quantity,
        "disclosed_quantity": terms.disclosed_quantity,
        "price": rupees(terms.price_e4),
        "trigger_price": rupees(terms.trigger_e4),
        # as brokers round it; the list of trades is exact
        "average_price": round(state.average_price, 2),
        "filled_quantity": state.filled_qty,
        "pending_quantity": state.leaves_qty,
        "cancelled_quantity": state.cancelled_qty,
        "auction_number": None,
        "market_protection": terms.protection_pct,
        "meta": {},
        # The broker's words push the user's own tag out of `tag`.
        "tag": None if marks else order.tag,
        "tags": [*marks, *([order.tag] if order.tag else [])],
        "guid": order.guid,
    }


def _marks(order: Order) -> tuple[str, ...]:
    """Kite names market protection and its own slicing among the tags of an order."""
    if order.is_marked:
        return MARKS
    slices = ("autoslice",) if order.autoslice else ()
    pct = order.market_protection_pct
    if not pct:
        return slices
    return (*slices, "mktp", *((f"mktp:{pct:.2f}",) if pct > 0 else ()))


def push_row(state: OrderState, user_id: str) -> Row:
    """The same in an order update."""
    return order_row(state) | {
        "user_id": user_id,
        "app_id": 1,
        "unfilled_quantity": state.leaves_qty,
        "checksum": "",
    }


def foreign_row(like: Row, bad: BadField) -> Row:
    """Somebody else's order, which cannot be read."""
    strange = like | {
        "order_id": "9900000000000001",
        "tag": None,
        "tags": [],
        "exchange_order_id": None,
    }
    return strange | BAD_FIELDS[bad]


def trade_row(trade: Execution) -> Row:
    contract, at = trade.order.contract, stamp(trade.ts_ns)
    return {
        "trade_id": trade.trade_id,
        "order_id": trade.order.order_id,
        "exchange": contract.exchange,
        "tradingsymbol": contract.tradingsymbol,
        "instrument_token": contract.token,
        "product": trade.order.product,
        "average_price": rupees(trade.price_e4),
        "quantity": trade.qty,
        "exchange_order_id": trade.order.exchange_order_id,
        "transaction_type": trade.order.transaction_type,
        "fill_timestamp": at,
        "order_timestamp": at[11:],
        "exchange_timestamp": at,
    }


def position_row(position: Position, ltp_e4: int, close_e4: int, *, day: bool = False) -> Row:
    """`day` leaves out what was held overnight."""
    contract, by = position.contract, position.contract.multiplier
    told = position.figures(ltp_e4, close_e4, day=day)
    return {
        "tradingsymbol": contract.tradingsymbol,
        "exchange": contract.exchange,
        "instrument_token": contract.token,
        "product": position.product,
        "quantity": told.qty,
        "overnight_quantity": 0 if day else position.overnight_qty,
        "multiplier": by,
        "average_price": told.average,
        "close_price": rupees(close_e4) if position.overnight_qty else 0,
        "last_price": rupees(ltp_e4),
        "value": rupees(told.value_e4),
        "pnl": rupees(told.pnl_e4),
        "m2m": rupees(told.m2m_e4),
        "unrealised": rupees(told.pnl_e4),
        "realised": 0,
        "buy_quantity": told.bought,
        "buy_price": told.buy_price,
        "buy_value": rupees(told.buy_value_e4),
        "buy_m2m": rupees(told.buy_value_e4),
        "sell_quantity": told.sold,
        "sell_price": told.sell_price,
        "sell_value": rupees(told.sell_value_e4),
        "sell_m2m": rupees(told.sell_value_e4),
        "day_buy_quantity": position.buy_qty,
        "day_buy_price": told.day_buy_price,
        "day_buy_value": rupees(position.buy_value_e4 * by),
        "day_sell_quantity": position.sell_qty,
        "day_sell_price": told.day_sell_price,
        "day_sell_value": rupees(position.sell_value_e4 * by),
    }


def funds_row(funds: AccountFunds) -> Row:
    """Both segments. All money is in the equity segment, which carries every order."""
    return {"equity": _segment(funds), "commodity": _segment(AccountFunds(0, 0, 0, 0, 0))}


def _segment(funds: AccountFunds) -> Row:
    available = dict.fromkeys(("adhoc_margin", "collateral", "intraday_payin"), 0)
    utilised = dict.fromkeys(
        (
            "exposure",
            "option_premium",
            "payout",
            "holding_sales",
            "turnover",
            "liquid_collateral",
            "stock_collateral",
            "delivery",
        ),
        0,
    )
    return {
        "enabled": True,
        "net": rupees(funds.net_e4),
        "available": available
        | {
            "cash": rupees(funds.opening_e4),
            "opening_balance": rupees(funds.opening_e4),
            "live_balance": rupees(funds.net_e4),
        },
        "utilised": utilised
        | {
            "debits": rupees(funds.blocked_e4 - funds.realised_e4),
            "span": rupees(funds.blocked_e4),
            "m2m_realised": rupees(funds.realised_e4),
            "m2m_unrealised": rupees(funds.unrealised_e4),
        },
    }
