"""Reading the parameters of a REST request; everything a client can write wrong is an
InputException that names it.
"""

import math
from dataclasses import replace

from otrade.simulator.base.errors import bad_input
from otrade.simulator.base.universe import E4, Universe
from otrade.simulator.exchange.orders import OrderRequest, RequestedTerms, used_terms

Fields = dict[str, str]


def integer(fields: Fields, name: str, default: int = 0) -> int:
    """Written as a whole number: 10.0 is none."""
    text = fields.get(name, "").strip()
    if not text:
        return default
    if not text.isascii() or not text.lstrip("-").isdigit() or len(text) > 12:
        raise bad_input(f"Invalid `{name}`. It should be a whole number.")
    return int(text)


def decimal(fields: Fields, name: str, default: float = 0.0) -> float:
    text = fields.get(name, "").strip()
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        raise bad_input(f"Invalid `{name}`. It should be a number.") from None
    if not math.isfinite(value) or abs(value) > 1e9:
        raise bad_input(f"Invalid `{name}`. It is out of range.")
    return value


def price_e4(fields: Fields, name: str, default_e4: int = 0) -> int:
    """Rupees to ten-thousandths; negative is refused."""
    if not fields.get(name, "").strip():
        return default_e4
    value = decimal(fields, name)
    if value < 0:
        raise bad_input(f"Invalid `{name}`. It should not be negative.")
    return round(value * E4)


def required(fields: Fields, name: str) -> str:
    value = fields.get(name, "").strip()
    if not value:
        raise bad_input(f"Missing `{name}`.")
    return value


def place_request(
    universe: Universe, variety: str, fields: Fields, slices_max: int
) -> OrderRequest:
    """A place request. RequestRefused 400."""
    key = f"{required(fields, 'exchange')}:{required(fields, 'tradingsymbol')}"
    contract = universe.by_key.get(key)
    if contract is None:
        raise bad_input(
            "The instrument you are placing an order for has either expired or does not exist."
        )
    side = {"BUY": 1, "SELL": -1}.get(required(fields, "transaction_type"))
    if side is None:
        raise bad_input("Invalid `transaction_type`. Use BUY or SELL.")
    required(fields, "quantity")
    terms = RequestedTerms(
        order_type=required(fields, "order_type"),
        quantity=integer(fields, "quantity"),
        price_e4=price_e4(fields, "price"),
        trigger_e4=price_e4(fields, "trigger_price"),
        validity=fields.get("validity") or "DAY",
        validity_ttl=integer(fields, "validity_ttl"),
        disclosed_quantity=integer(fields, "disclosed_quantity"),
        protection_pct=decimal(fields, "market_protection"),
    )
    return OrderRequest(
        contract,
        side,
        required(fields, "product"),
        used_terms(terms),
        variety,
        fields.get("tag") or None,
        fields.get("autoslice", "").lower() in ("true", "1"),
        slices_max=slices_max,
    )


def changed_terms(old: RequestedTerms, fields: Fields) -> RequestedTerms:
    """The present terms with what a modify request names. RequestRefused 400."""
    return used_terms(
        replace(
            old,
            order_type=fields.get("order_type") or old.order_type,
            quantity=integer(fields, "quantity", old.quantity),
            price_e4=price_e4(fields, "price", old.price_e4),
            trigger_e4=price_e4(fields, "trigger_price", old.trigger_e4),
            validity=fields.get("validity") or old.validity,
            validity_ttl=integer(fields, "validity_ttl", old.validity_ttl),
            disclosed_quantity=integer(fields, "disclosed_quantity", old.disclosed_quantity),
            protection_pct=decimal(fields, "market_protection", old.protection_pct),
        )
    )
