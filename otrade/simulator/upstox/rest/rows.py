"""Orders, trades, positions and holdings as Upstox writes them, from what the model has."""

import datetime as dt
from typing import Any

from otrade.simulator.base.config import NS_PER_S
from otrade.simulator.base.hours import IST
from otrade.simulator.base.universe import E4, ListedContract
from otrade.simulator.exchange.ledger import Position
from otrade.simulator.exchange.market_data import MarketSnapshot
from otrade.simulator.exchange.orders import Execution, number
from otrade.simulator.upstox.rest.names import instrument_key, product, segment

Row = dict[str, Any]


def trade_stamp(ts_ns: int) -> str:
    """`dd-Mon-yyyy hh:mm:ss`: trades are stamped otherwise than orders."""
    return dt.datetime.fromtimestamp(ts_ns // NS_PER_S, IST).strftime("%d-%b-%Y %H:%M:%S")


def order_row(told: Row, contract: ListedContract) -> Row:
    """`told` is the model's order object at some time."""
    return {
        "exchange": contract.exchange,
        "product": product(told["product"]),
        "price": told["price"],
        "quantity": told["quantity"],
        "status": told["status"].lower(),
        "guid": told["guid"],
        "tag": told["tag"]
        or next(reversed(told["tags"]), None),  # Upstox has no words of its own there
        "instrument_token": instrument_key(contract),
        "placed_by": told["placed_by"],
        "trading_symbol": contract.tradingsymbol,
        "tradingsymbol": contract.tradingsymbol,
        "order_type": told["order_type"],
        "validity": "IOC" if told["validity"] == "IOC" else "DAY",
        "trigger_price": told["trigger_price"],
        "disclosed_quantity": told["disclosed_quantity"],
        "transaction_type": told["transaction_type"],
        "average_price": told["average_price"],
        "filled_quantity": told["filled_quantity"],
        "pending_quantity": told["pending_quantity"],
        "status_message": told["status_message"],
        "status_message_raw": told["status_message_raw"],
        "exchange_order_id": told["exchange_order_id"],
        "parent_order_id": told["parent_order_id"],
        "order_id": told["order_id"],
        "variety": "SIMPLE",
        "order_timestamp": told["order_timestamp"],
        "exchange_timestamp": told["exchange_timestamp"],
        "is_amo": False,
        "order_request_id": "2" if told["modified"] else "1",
        "order_ref_id": told["guid"],
    }


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
        "average_price": number(trade.price_e4),
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
    told = position.to_json(quote.ltp_e4, quote.prev_close_e4, day=day_only)
    overnight = 0 if day_only else position.overnight_qty
    overnight_value = 0 if day_only else number(position.overnight_value_e4 * contract.multiplier)
    closed = min(told["buy_quantity"], told["sell_quantity"])
    realised = round((told["sell_price"] - told["buy_price"]) * closed * contract.multiplier, 4)
    return {
        "exchange": contract.exchange,
        "multiplier": contract.multiplier,
        "value": told["value"],
        "pnl": told["pnl"],
        "product": product(position.product),
        "instrument_token": instrument_key(contract),
        "average_price": told["average_price"] if told["quantity"] else None,
        "buy_value": told["buy_value"],
        "overnight_quantity": overnight,
        "day_buy_value": told["day_buy_value"],
        "day_buy_price": told["day_buy_price"],
        "overnight_buy_amount": overnight_value if overnight > 0 else 0,
        "overnight_buy_quantity": max(overnight, 0),
        "day_buy_quantity": told["day_buy_quantity"],
        "day_sell_value": told["day_sell_value"],
        "day_sell_price": told["day_sell_price"],
        "overnight_sell_amount": overnight_value if overnight < 0 else 0,
        "overnight_sell_quantity": max(-overnight, 0),
        "day_sell_quantity": told["day_sell_quantity"],
        "quantity": told["quantity"],
        "last_price": told["last_price"],
        "unrealised": told["pnl"] - realised,
        "realised": realised,
        "sell_value": told["sell_value"],
        "trading_symbol": contract.tradingsymbol,
        "tradingsymbol": contract.tradingsymbol,
        "close_price": told["close_price"],
        "buy_price": told["buy_price"],
        "sell_price": told["sell_price"],
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
