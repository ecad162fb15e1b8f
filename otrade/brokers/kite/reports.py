"""Kite's order object (push, book row, postback: one shape) as an `OrderReport`.

Kite's numbers arrive as int, float, string or null for the same field, ids as strings of up to 19
digits, times in IST without a zone. An object that cannot be read raises BrokerError: an order
whose row we do not understand must not be taken for absent.
"""

from collections.abc import Mapping
from typing import Any

from otrade._core.types import Ev, OrdType, Reason, Side, Source
from otrade.brokers.parse import (
    clean_text,
    count,
    fill_value,
    identity,
    is_about_money,
    ist_ns,
    price_e4,
    status_word,
    tag_of,
)
from otrade.brokers.refusal_words import reason_of_words
from otrade.brokers.session import OrderReport

EV_OF_STATUS: dict[str, Ev] = {
    # On the way to the exchange: nothing is known of the terms in force.
    "PUT ORDER REQ RECEIVED": Ev.ACCEPTED,
    "VALIDATION PENDING": Ev.ACCEPTED,
    "OPEN PENDING": Ev.ACCEPTED,
    "AMO REQ RECEIVED": Ev.ACCEPTED,
    # A change on its way. MODIFIED still shows the old terms: the OPEN after it shows the new ones.
    "MODIFY VALIDATION PENDING": Ev.ACCEPTED,
    "MODIFY PENDING": Ev.ACCEPTED,
    "MODIFY AMO REQ RECEIVED": Ev.ACCEPTED,
    "MODIFIED": Ev.ACCEPTED,
    "NOT MODIFIED": Ev.REPLACE_REJECTED,
    "CANCEL PENDING": Ev.ACCEPTED,
    "NOT CANCELLED": Ev.CANCEL_REJECTED,
    # At the exchange. UPDATE is a push's word for a partial fill or a modification in force.
    "OPEN": Ev.WORKING,
    "TRIGGER PENDING": Ev.WORKING,
    "UPDATE": Ev.WORKING,
    "PARTIALLY FILLED": Ev.WORKING,
    # A broker's dealer, or the account's owner in its app, has yet to approve it.
    "WAITING FOR APPROVAL": Ev.ACCEPTED,
    # The end.
    "COMPLETE": Ev.FILL_FULL,
    "CANCELLED": Ev.CANCELED,
    "CANCELLED AMO": Ev.CANCELED,
    "REJECTED": Ev.REJECTED,
    "INVALID": Ev.REJECTED,
    # Its validity is over: what was not filled is gone.
    "LAPSED": Ev.CANCELED,
}
"""A word that is not here is Ev.UNKNOWN. Partly filled is OPEN with a filled quantity: the reader
makes it FILL_PART.
"""

_ORD_TYPES = {
    "MARKET": OrdType.MARKET,
    "LIMIT": OrdType.LIMIT,
    "SL": OrdType.SL,
    "SL-M": OrdType.SL_M,
}
_SIDES = {"BUY": Side.BUY, "SELL": Side.SELL}


def _reason(ev: Ev, message: str) -> Reason:
    # An order that the exchange took out, or did not change, says why in the same place.
    reason = reason_of_words(message)
    if reason != Reason.OK or ev != Ev.REJECTED:
        return reason
    return Reason.BROKER_MARGIN if is_about_money(message) else Reason.EXCHANGE_REJECT


def report_of(row: Mapping[str, Any], source: Source, ts_recv_ns: int) -> OrderReport:
    """One order object as a report. BrokerError when a field that matters cannot be read."""
    status = status_word(row.get("status")).upper()
    ev = EV_OF_STATUS.get(status, Ev.UNKNOWN)
    cum_qty = count(row, "filled_quantity")
    cum_value_e4, worth = fill_value(row, "average_price", cum_qty)
    order_qty = count(row, "quantity")
    if ev == Ev.WORKING and cum_qty > 0:
        ev = Ev.FILL_PART
    ord_type = _ORD_TYPES.get(str(row.get("order_type")), 0)
    is_stop = ord_type in (OrdType.SL, OrdType.SL_M)
    text = clean_text(row.get("status_message") or row.get("status_message_raw"))
    return OrderReport(
        cl_ord_id=tag_of(row),
        broker_order_id=identity(row, "order_id"),
        ev=ev,
        source=source,
        side=_SIDES.get(str(row.get("transaction_type")), Side.NONE),
        order_qty=order_qty,
        cum_qty=cum_qty,
        cum_value_e4=cum_value_e4,
        price_e4=price_e4(row, "price"),
        trigger_e4=price_e4(row, "trigger_price"),
        ord_type=ord_type,
        # A stop that stands as OPEN, or that trades, has been triggered; before that it is TRIGGER
        # PENDING.
        triggered=is_stop and (status == "OPEN" or cum_qty > 0),
        reason=_reason(ev, text),
        ts_update_ns=ist_ns(row.get("exchange_update_timestamp")),
        ts_recv_ns=ts_recv_ns,
        instrument_token=count(row, "instrument_token"),
        exchange=clean_text(row.get("exchange")),
        tradingsymbol=clean_text(row.get("tradingsymbol")),
        product=clean_text(row.get("product")),
        status=status,
        text=text,
        raw=row,
        worth=worth,
    )
