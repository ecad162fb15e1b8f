"""Upstox's order object (stream, book row, history: one shape) as an `OrderReport`, and its
positions and funds.

Status words are lower case. Times come in two forms without a zone, which is IST. An object that
cannot be read raises
BrokerError: an order whose row we do not understand must not be taken for absent.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from otrade._core.types import Ev, OrdType, Reason, Side, Source
from otrade.brokers.parse import (
    clean_text,
    count,
    e4,
    fill_value,
    identity,
    is_about_money,
    ist_ns,
    number,
    price_e4,
    signed_count,
    status_word,
    tag_of,
)
from otrade.brokers.refusal_words import reason_of_words
from otrade.brokers.session import BrokerPosition, Funds, OrderReport
from otrade.brokers.upstox.symbol_map import SymbolMap

EV_OF_STATUS: dict[str, Ev] = {
    # On the way to the exchange: nothing is known of the terms in force.
    "put order req received": Ev.ACCEPTED,
    "validation pending": Ev.ACCEPTED,
    "open pending": Ev.ACCEPTED,
    "after market order req received": Ev.ACCEPTED,
    # A change on its way. `modified` still shows the old terms: the `open` after it shows the new
    # ones.
    "modify after market order req received": Ev.ACCEPTED,
    "modify validation pending": Ev.ACCEPTED,
    "modify pending": Ev.ACCEPTED,
    "modified": Ev.ACCEPTED,
    "not modified": Ev.REPLACE_REJECTED,
    "cancel pending": Ev.ACCEPTED,
    "not cancelled": Ev.CANCEL_REJECTED,
    # At the exchange.
    "open": Ev.WORKING,
    "trigger pending": Ev.WORKING,
    "update": Ev.WORKING,
    "partially filled": Ev.WORKING,
    # A broker's dealer, or the account's owner in its app, has yet to approve it.
    "waiting for approval": Ev.ACCEPTED,
    "amo req received": Ev.ACCEPTED,
    # The end.
    "complete": Ev.FILL_FULL,
    "cancelled": Ev.CANCELED,
    "cancelled after market order": Ev.CANCELED,
    "cancelled amo": Ev.CANCELED,
    "rejected": Ev.REJECTED,
    "invalid": Ev.REJECTED,
    # Its validity is over: what was not filled is gone.
    "lapsed": Ev.CANCELED,
}
"""A word that is not here is Ev.UNKNOWN. Partly filled is `open` with a filled quantity: the reader
makes it FILL_PART.
"""

_ORD_TYPES = {
    "MARKET": OrdType.MARKET,
    "LIMIT": OrdType.LIMIT,
    "SL": OrdType.SL,
    "SL-M": OrdType.SL_M,
}
_SIDES = {"BUY": Side.BUY, "SELL": Side.SELL}
_EQUITY = frozenset({"NSE", "BSE"})


def product_of(word: object, exchange: str) -> str:
    """Upstox's product in the exchange's words: I is MIS; D is CNC for shares and NRML for
    contracts.
    """
    text = clean_text(word)
    if text == "I":
        return "MIS"
    if text == "D":
        return "CNC" if exchange in _EQUITY else "NRML"
    return text


def time_ns(text: object) -> int:
    """`yyyy-mm-dd hh:mm:ss` or `dd-Mon-yyyy hh:mm:ss`, IST, as ns since the epoch; 0 when it is
    neither.
    """
    if isinstance(text, str) and text[2:3] == "-":
        try:
            return ist_ns(datetime.strptime(text, "%d-%b-%Y %H:%M:%S").isoformat())
        except ValueError:
            return 0
    return ist_ns(text)


def report_of(
    row: Mapping[str, Any], source: Source, ts_recv_ns: int, listing: SymbolMap
) -> OrderReport:
    """One order object as a report. BrokerError when a field that matters cannot be read."""
    status = status_word(row.get("status")).lower()
    ev = EV_OF_STATUS.get(status, Ev.UNKNOWN)
    cum_qty = count(row, "filled_quantity")
    cum_value_e4, worth = fill_value(row, "average_price", cum_qty)
    if ev == Ev.WORKING and cum_qty > 0:
        ev = Ev.FILL_PART
    ord_type = _ORD_TYPES.get(str(row.get("order_type")), 0)
    is_stop = ord_type in (OrdType.SL, OrdType.SL_M)
    text = clean_text(row.get("status_message") or row.get("status_message_raw"))
    listed = listing.of_row(row)
    return OrderReport(
        cl_ord_id=tag_of(row),
        broker_order_id=identity(row, "order_id"),
        ev=ev,
        source=source,
        side=_SIDES.get(str(row.get("transaction_type")), Side.NONE),
        order_qty=count(row, "quantity"),
        cum_qty=cum_qty,
        cum_value_e4=cum_value_e4,
        price_e4=price_e4(row, "price"),
        trigger_e4=price_e4(row, "trigger_price"),
        ord_type=ord_type,
        # A stop that stands as `open`, or that trades, has been triggered; before that it is
        # `trigger pending`.
        triggered=is_stop and (status == "open" or cum_qty > 0),
        reason=_reason(ev, text),
        ts_update_ns=time_ns(row.get("exchange_timestamp")),
        ts_recv_ns=ts_recv_ns,
        instrument_token=listed.token,
        exchange=listed.exchange,
        tradingsymbol=listed.tradingsymbol,
        product=product_of(row.get("product"), listed.exchange),
        status=status,
        text=text,
        raw=row,
        worth=worth,
    )


def _reason(ev: Ev, message: str) -> Reason:
    # An order that the exchange took out, or did not change, says why in the same place.
    reason = reason_of_words(message)
    if reason != Reason.OK or ev != Ev.REJECTED:
        return reason
    return Reason.BROKER_MARGIN if is_about_money(message) else Reason.EXCHANGE_REJECT


def position_of(row: Mapping[str, Any], listing: SymbolMap) -> BrokerPosition:
    """One row of short-term positions. Bought and sold are the day's own."""
    listed = listing.of_row(row)
    return BrokerPosition(
        instrument_token=listed.token,
        exchange=listed.exchange,
        tradingsymbol=listed.tradingsymbol,
        product=product_of(row.get("product"), listed.exchange),
        net_qty=signed_count(row, "quantity"),
        buy_qty=count(row, "day_buy_quantity"),
        sell_qty=count(row, "day_sell_quantity"),
        buy_value_e4=e4(number(row, "day_buy_value")),
        sell_value_e4=e4(number(row, "day_sell_value")),
        ltp_e4=price_e4(row, "last_price"),
        multiplier=count(row, "multiplier") or 1,
    )


def funds_of(segments: Mapping[str, Any]) -> list[Funds]:
    """Funds (v2) by segment: `equity`, `commodity`."""
    return [
        Funds(clean_text(name), e4(number(row, "available_margin")), e4(number(row, "used_margin")))
        for name, row in segments.items()
        if isinstance(row, dict)
    ]
