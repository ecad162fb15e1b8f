"""Reading the JSON of an Upstox order request; everything a client can write wrong is an
UpstoxError that names the field.
"""

import math
from dataclasses import replace
from typing import Any

import orjson

from otrade.simulator.base.universe import E4
from otrade.simulator.exchange.orders import OrderRequest, RequestedTerms, used_terms
from otrade.simulator.net.http_server import HttpRequest
from otrade.simulator.upstox.rest.errors import UpstoxError, bad_field, bad_key
from otrade.simulator.upstox.rest.names import InstrumentKeys, model_product

Fields = dict[str, Any]
TAG_MAX = 40
PROTECTION_MAX_PCT = 25


def body(request: HttpRequest) -> Any:
    """The JSON of a request. UpstoxError 400."""
    try:
        return orjson.loads(request.body)
    except orjson.JSONDecodeError:
        raise UpstoxError("UDAPI100038", "Invalid input passed to the API") from None


def body_object(request: HttpRequest) -> Fields:
    fields = body(request)
    if not isinstance(fields, dict):
        raise UpstoxError("UDAPI100038", "Invalid input passed to the API")
    return fields


def query(request: HttpRequest, name: str, code: str = "UDAPI100036") -> str:
    """A query parameter that must be there. UpstoxError 400."""
    value = optional_query(request, name)
    if value is None:
        raise bad_field(name, f"{name} is required", code)
    return value


def optional_query(request: HttpRequest, name: str) -> str | None:
    values = request.query.get(name)
    return values[-1].strip() or None if values else None


def number(fields: Fields, name: str, default: float = 0.0) -> float:
    """A JSON number; absent or null is the default."""
    value = fields.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise bad_field(name, f"{name} should be a number", value=value)
    if not math.isfinite(value) or abs(value) > 1e9:
        raise bad_field(name, f"{name} is out of range", value=value)
    return float(value)


def whole(fields: Fields, name: str, default: int = 0) -> int:
    """Written as a whole number: Upstox refuses 65.0."""
    value = number(fields, name, default)
    if not isinstance(fields.get(name, default), int) and fields.get(name) is not None:
        raise bad_field(name, f"{name} should be a whole number", value=fields[name])
    return int(value)


def price_e4(fields: Fields, name: str, default_e4: int = 0) -> int:
    """Rupees to ten-thousandths; negative is refused."""
    value = number(fields, name, default_e4 / E4)
    if value < 0:
        raise bad_field(name, f"{name} should not be negative", value=value)
    return round(value * E4)


def text(fields: Fields, name: str, code: str, default: str | None = None) -> str:
    """A word that must be there, or have a default. `code` is what Upstox answers when it is
    missing.
    """
    value = fields.get(name)
    if value is None or value == "":
        if default is None:
            raise bad_field(name, f"{name} is required", code)
        return default
    if not isinstance(value, str):
        raise bad_field(name, f"{name} should be a text", value=value)
    return value


def flag(fields: Fields, name: str) -> bool:
    value = fields.get(name)
    if value not in (None, True, False):
        raise bad_field(name, f"{name} should be true or false", value=value)
    return bool(value)


def protection_pct(fields: Fields, default: float = 0.0) -> float:
    """Per cent, -1 for automatic; 0 is none, which the model refuses where it is needed."""
    pct = number(fields, "market_protection", default)
    if pct > PROTECTION_MAX_PCT:
        raise bad_field(
            "market_protection", "Market protection cannot be above 25", "UDAPI1176", pct
        )
    if pct < 0 and pct != -1:
        raise bad_field("market_protection", "Invalid market protection", "UDAPI1177", pct)
    return pct


def validity(fields: Fields, default: str | None = None) -> str:
    value = text(fields, "validity", "UDAPI1007", default)
    if value not in ("DAY", "IOC", default):
        raise bad_field("validity", "Validity is invalid", "UDAPI1055", value)
    return value


def side_of(fields: Fields) -> int:
    name = text(fields, "transaction_type", "UDAPI100036")
    if name not in ("BUY", "SELL"):
        raise bad_field("transaction_type", "Use BUY or SELL", value=name)
    return 1 if name == "BUY" else -1


def _used(fields: Fields, terms: RequestedTerms) -> RequestedTerms:
    """UpstoxError when a price is named that the order type has no use for."""
    if terms.order_type in ("MARKET", "SL-M") and number(fields, "price"):
        raise bad_field("price", "Price not required", "UDAPI1040", fields["price"])
    if terms.order_type in ("MARKET", "LIMIT") and number(fields, "trigger_price"):
        given = fields["trigger_price"]
        raise bad_field("trigger_price", "Trigger price not required", "UDAPI1041", given)
    return used_terms(terms)


def place_request(keys: InstrumentKeys, fields: Fields, slices_max: int) -> OrderRequest:
    """A place request. UpstoxError 400."""
    key = text(fields, "instrument_token", "UDAPI1026")
    contract = keys.find(key)
    if contract is None:
        raise bad_key(key, "instrument_token")
    wanted = text(fields, "product", "UDAPI100036")
    product = model_product(wanted, contract)
    if product is None:
        raise bad_field("product", "Use I or D", value=wanted)
    tag = text(fields, "tag", "", "")
    if len(tag) > TAG_MAX:
        raise bad_field("tag", f"Tag should have at most {TAG_MAX} characters", "UDAPI1119", tag)
    flag(fields, "is_amo")  # the session decides, whatever it says
    terms = RequestedTerms(
        order_type=text(fields, "order_type", "UDAPI1004"),
        quantity=whole(fields, "quantity"),
        price_e4=price_e4(fields, "price"),
        trigger_e4=price_e4(fields, "trigger_price"),
        validity=validity(fields),
        disclosed_quantity=whole(fields, "disclosed_quantity"),
        protection_pct=protection_pct(fields),
    )
    return OrderRequest(
        contract,
        side_of(fields),
        product,
        _used(fields, terms),
        tag=tag or None,
        autoslice=flag(fields, "slice"),
        any_tag=True,
        slices_max=slices_max,
        margin_in_book=True,
    )


def changed_terms(old: RequestedTerms, fields: Fields) -> RequestedTerms:
    """The present terms with what a modify request names. UpstoxError 400."""
    return _used(
        fields,
        replace(
            old,
            order_type=text(fields, "order_type", "", old.order_type),
            quantity=whole(fields, "quantity", old.quantity),
            price_e4=price_e4(fields, "price", old.price_e4),
            trigger_e4=price_e4(fields, "trigger_price", old.trigger_e4),
            validity=validity(fields, old.validity),
            disclosed_quantity=whole(fields, "disclosed_quantity", old.disclosed_quantity),
            protection_pct=protection_pct(fields, old.protection_pct),
        ),
    )
