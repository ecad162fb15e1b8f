"""Orders, trades, positions and holdings as Upstox writes them, from what the model has."""

import datetime as dt
from typing import Any

from otrade.simulator.base.config import NS_PER_S
from otrade.simulator.base.formats import rupees, stamp
from otrade.simulator.base.hours import IST
from otrade.simulator.base.universe import E4
from otrade.simulator.exchange.ledger import Position
from otrade.simulator.exchange.market_data import MarketSnapshot
from otrade.simulator.exchange.orders import Execution, Order, OrderState
from otrade.simulator.faults.books import BadField
from otrade.simulator.upstox.rest.names import instrument_key, product, segment

Row = dict[str, Any]


def trade_stamp(ts_ns: int) -> str:
    """`dd-Mon-yyyy hh:mm:ss`: trades are stamped otherwise than orders."""
    return dt.datetime.fromtimestamp(ts_ns // NS_PER_S, IST).strftime("%d-%b-%Y %H:%M:%S")


BAD_FIELDS: dict[BadField, Row] = {
    "quantity": {"quantity": -1},
    "order_id": {"order_id": None},
    "filled": {"filled_quantity": 1e300},
    "price": {"price": "NaN"},
    "many": {"quantity": 7.5, "average_price": []},
}
"""What makes a row of an order unreadable."""


def order_row(state: OrderState) -> Row:
    """An order at some time."""
    order, terms = state.order, state.terms
    contract = order.contract
    return {
        "exchange": contract.exchange,
        "product": product(order.product),
        "price": rupees(terms.price_e4),
        "quantity": terms.quantity,
        "status": state.status.lower(),
        "guid": order.guid,
        "tag": order.tag or None,
        "instrument_token": instrument_key(contract),
        "placed_by": order.placed_by,
        "trading_symbol": contract.tradingsymbol,
        "tradingsymbol": contract.tradingsymbol,
        "order_type": terms.order_type,
        "validity": "IOC" if terms.validity == "IOC" else "DAY",
        "trigger_price": rupees(terms.trigger_e4),
        "disclosed_quantity": terms.disclosed_quantity,
        "transaction_type": order.transaction_type,
        "average_price": round(state.average_price, 2),
        "filled_quantity": state.filled_qty,
        "pending_quantity": state.leaves_qty,
        "status_message": state.status_message,
        "status_message_raw": state.status_message,
        "exchange_order_id": state.exchange_order_id,
        "parent_order_id": order.parent_order_id,
        "order_id": order.order_id,
        "variety": "SIMPLE",
        "order_timestamp": stamp(order.ts_order_ns),
        "exchange_timestamp": stamp(state.ts_exchange_ns) if state.ts_exchange_ns else None,
        "is_amo": False,
        "order_request_id": "2" if state.modifications > 0 else "1",
        "order_ref_id": order.guid,
    }


def row_of(order: Order, status: str | None = None) -> Row:
    """The order now, with another status word when one is given."""
    return order_row(order.state(status))


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
    order = trade.order
    return {
        "exchange": order.contract.exchange,
        "product": product(order.product),
        "trading_symbol": order.contract.tradingsymbol,
        "tradingsymbol": order.contract.tradingsymbol,
        "instrument_token": instrument_key(order.contract),
        "order_type": order.terms.order_type,
        "transaction_type": order.transaction_type,
        "quantity": trade.qty,
        "exchange_order_id": order.exchange_order_id,
        "order_id": order.order_id,
        "exchange_timestamp": trade_stamp(trade.ts_ns),
        "average_price": rupees(trade.price_e4),
        "trade_id": trade.trade_id,
        "order_ref_id": order.guid,
        "order_timestamp": trade_stamp(order.ts_order_ns),
    }


def is_short_term(position: Position) -> bool:
    """Shares for delivery that were only held are a holding, not a position."""
    return position.product != "CNC" or bool(position.buy_qty or position.sell_qty)


def position_row(position: Position, quote: MarketSnapshot) -> Row:
    """A row of short-term positions. Of shares for delivery it tells the day, the rest are
    holdings.
    """
    contract, day_only = position.contract, position.product == "CNC"
    told = position.figures(quote.ltp_e4, quote.prev_close_e4, day=day_only)
    by = contract.multiplier
    overnight = 0 if day_only else position.overnight_qty
    overnight_value = 0 if day_only else rupees(position.overnight_value_e4 * contract.multiplier)
    closed = min(told.bought, told.sold)
    realised = round((told.sell_price - told.buy_price) * closed * contract.multiplier, 4)
    return {
        "exchange": contract.exchange,
        "multiplier": contract.multiplier,
        "value": rupees(told.value_e4),
        "pnl": rupees(told.pnl_e4),
        "product": product(position.product),
        "instrument_token": instrument_key(contract),
        "average_price": told.average if told.qty else None,
        "buy_value": rupees(told.buy_value_e4),
        "overnight_quantity": overnight,
        "day_buy_value": rupees(position.buy_value_e4 * by),
        "day_buy_price": told.day_buy_price,
        "overnight_buy_amount": overnight_value if overnight > 0 else 0,
        "overnight_buy_quantity": max(overnight, 0),
        "day_buy_quantity": position.buy_qty,
        "day_sell_value": rupees(position.sell_value_e4 * by),
        "day_sell_price": told.day_sell_price,
        "overnight_sell_amount": overnight_value if overnight < 0 else 0,
        "overnight_sell_quantity": max(-overnight, 0),
        "day_sell_quantity": position.sell_qty,
        "quantity": told.qty,
        "last_price": rupees(quote.ltp_e4),
        "unrealised": rupees(told.pnl_e4) - realised,
        "realised": realised,
        "sell_value": rupees(told.sell_value_e4),
        "trading_symbol": contract.tradingsymbol,
        "tradingsymbol": contract.tradingsymbol,
        "close_price": rupees(quote.prev_close_e4) if position.overnight_qty else 0,
        "buy_price": told.buy_price,
        "sell_price": told.sell_price,
    }


def position_update(position: Position, quote: MarketSnapshot) -> Row:
    """The same on the portfolio stream, which names the segment and leaves out what moves with the
    market.
    """
    told = position_row(position, quote)
    for name in ("last_price", "pnl", "unrealised", "realised", "close_price"):
        del told[name]
    return told | {
        "update_type": "position",
        "exchange": segment(position.contract),
        "instrument_key": told["instrument_token"],
    }


def holding_row(position: Position, quote: MarketSnapshot, isin: str) -> Row:
    """Shares for delivery that were held overnight; what was sold today is used, and still listed."""
    held = position.overnight_qty
    average = position.overnight_value_e4 / held / E4
    ltp, close = quote.ltp_e4 / E4, quote.prev_close_e4 / E4
    return {
        "isin": isin,
        "cnc_used_quantity": min(position.sell_qty, held),
        "collateral_type": "WC",
        "company_name": position.contract.name,
        "haircut": 0.2,
        "product": "D",
        "quantity": held,
        "trading_symbol": position.contract.tradingsymbol,
        "tradingsymbol": position.contract.tradingsymbol,
        "last_price": ltp,
        "close_price": close,
        "pnl": held * (ltp - average),
        "day_change": ltp - close,
        "day_change_percentage": (ltp / close - 1) * 100,
        "instrument_token": instrument_key(position.contract),
        "average_price": average,
        "collateral_quantity": 0,
        "collateral_update_quantity": 0,
        "t1_quantity": 0,
        "exchange": position.contract.exchange,
    }
