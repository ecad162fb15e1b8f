"""What an order must satisfy: before the order system (HTTP 400, not in the book) and after it
(REJECTED in the book).
"""

from otrade.simulator.base.errors import bad_input, bad_order
from otrade.simulator.base.universe import E4, ListedContract
from otrade.simulator.exchange import price_bands
from otrade.simulator.exchange.market_data import MarketSnapshot
from otrade.simulator.exchange.orders import OrderRequest, RequestedTerms

ORDER_TYPES = ("MARKET", "LIMIT", "SL", "SL-M")
VALIDITIES = ("DAY", "IOC", "TTL")
NO_PROTECTION = (
    "Market orders without market protection are not allowed via API. "
    "Set `market_protection` and try again."
)


def _rupees(value_e4: int) -> str:
    return f"{value_e4 / E4:.2f}"


def check_request(request: OrderRequest) -> None:
    """Facts about the instrument and product. RequestRefused 400."""
    contract, product = request.contract, request.product
    if not contract.tradable:
        raise bad_input(
            f"`{contract.tradingsymbol}` is an index and cannot be traded. "
            "Trade its future or options.",
            "instrument",
        )
    allowed = ("NRML", "MIS") if contract.expiry is not None else ("CNC", "MIS")
    if product not in allowed:
        raise bad_input(
            f"Invalid `product` {product} for {contract.exchange}. Use one of {', '.join(allowed)}.",
            "product",
        )
    if request.variety != "regular":
        raise bad_input(
            f"The variety `{request.variety}` is not offered here. Use `regular`.", "variety"
        )
    tag = request.tag
    if (
        tag is not None
        and not request.any_tag
        and not (len(tag) <= 20 and tag.isascii() and tag.isalnum())
    ):
        raise bad_input("Invalid `tag`. It should be alphanumeric and at most 20 characters.")


def check_terms(
    terms: RequestedTerms, contract: ListedContract, side: int, quote: MarketSnapshot
) -> None:
    """Quantity, prices, trigger and protection of a new order or a modification. RequestRefused 400."""
    if terms.order_type not in ORDER_TYPES:
        raise bad_input(f"Invalid `order_type`. Use one of {', '.join(ORDER_TYPES)}.", "order_type")
    if terms.validity not in VALIDITIES:
        raise bad_input(f"Invalid `validity`. Use one of {', '.join(VALIDITIES)}.", "validity")
    if terms.validity == "TTL" and not 1 <= terms.validity_ttl <= 1440:
        raise bad_input("Invalid `validity_ttl`. It should be minutes from 1 to 1440.", "validity")
    if terms.validity == "IOC" and contract.exchange == "MCX":
        raise bad_input("IOC orders are not allowed on MCX via API.", "validity")
    if terms.quantity <= 0:
        raise bad_input("Invalid `quantity`. It should be a whole number above 0.", "no_quantity")
    if terms.quantity % contract.lot:
        raise bad_input(
            f"Invalid `quantity`. It should be in multiples of the lot size {contract.lot}.",
            "quantity",
        )
    if not 0 <= terms.disclosed_quantity <= terms.quantity:
        raise bad_input(
            "Invalid `disclosed_quantity`. It should not exceed `quantity`.", "disclosed"
        )
    if terms.order_type in ("MARKET", "SL-M"):
        pct = terms.protection_pct
        if pct == 0:
            raise bad_input(NO_PROTECTION, "no_protection")
        if pct != -1 and not 0 < pct <= 100:
            raise bad_input(
                "Invalid `market_protection`. It should be above 0 and up to 100, "
                "or -1 for automatic.",
                "protection",
            )
    elif terms.price_e4 <= 0:
        raise bad_input(
            f"Invalid `price`. A {terms.order_type} order needs a price above 0.", "price"
        )
    if terms.order_type in ("SL", "SL-M"):
        _check_trigger(terms, side, quote)


def _check_trigger(terms: RequestedTerms, side: int, quote: MarketSnapshot) -> None:
    if terms.trigger_e4 <= 0:
        raise bad_input(
            f"Invalid `trigger_price`. A {terms.order_type} order needs a trigger above 0.",
            "trigger",
        )
    if terms.order_type == "SL" and (terms.price_e4 - terms.trigger_e4) * side < 0:
        where = "at or below" if side > 0 else "at or above"
        raise bad_input(f"Trigger price should be {where} the limit price.", "trigger")
    if (quote.ltp_e4 - terms.trigger_e4) * side >= 0 and quote.traded_today:
        name, where = ("buy", "higher") if side > 0 else ("sell", "lower")
        raise bad_input(
            f"Trigger price for stoploss {name} orders should be {where} than the last traded "
            f"price ({_rupees(quote.ltp_e4)}).",
            "trigger",
        )


def rms_reason(
    terms: RequestedTerms, contract: ListedContract, side: int, quote: MarketSnapshot, now_ns: int
) -> str | None:
    """Why the risk system or the exchange rejects it after it got its id; None when they do not."""
    if terms.quantity > contract.freeze_qty:
        return f"16419 : Order quantity exceeds the freeze quantity of {contract.freeze_qty}."
    prices = [terms.price_e4] if terms.order_type in ("LIMIT", "SL") else []
    if terms.order_type in ("SL", "SL-M"):
        prices.append(terms.trigger_e4)
    for price_e4 in prices:
        if price_e4 % contract.tick_e4:
            return (
                f"16283 : Tick size for this script is {contract.tick_e4 / 100:g} paise. "
                "Kindly enter price in the multiple of tick size for this script."
            )
        if not quote.low_band_e4 <= price_e4 <= quote.high_band_e4:
            return (
                "RMS:Rule: Check circuit limit including square off order exceeds : "
                "Circuit breach, "
                f"Order Price :{_rupees(price_e4)}, Low Price Range:{_rupees(quote.low_band_e4)} "
                f"High Price Range:{_rupees(quote.high_band_e4)}"
            )
    # A stop's limit is looked at when it is triggered.
    if terms.order_type == "LIMIT" and price_bands.is_outside(quote, side, terms.price_e4, now_ns):
        return price_bands.OUTSIDE_RANGE
    return None


def check_hours(now_ns: int, day_open_ns: int, day_close_ns: int) -> None:
    """Before and after the market day an order is not even taken. RequestRefused 400."""
    if not day_open_ns <= now_ns < day_close_ns:
        raise bad_order(
            "Markets are closed right now. Use GTT or AMO to place orders outside market hours.",
            "closed",
        )


NO_HOLDINGS = "RMS:Rule: Check holdings"
"""Of a sale for delivery of more than is held and not yet on sale (tradingqna 24010)."""
NOT_IN_CONTINUOUS_SESSION = "16387 : Security is not allowed to trade in this market."
