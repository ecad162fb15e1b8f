"""Reading what brokers say: numbers that come as text, ids that must not lose digits, times without
a zone.

What cannot be read raises BrokerError, which names the field and never repeats a whole row.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

import orjson

from otrade._core.types import Worth
from otrade.errors import BrokerError

OWN_TAG = re.compile(r"OT[0-9A-Z]{10}[ESTF][0-9A-Z]{6}", re.ASCII)
"""A ClOrdID of ours: what its parts mean is in `otrade/live/oms/cl_ord_id.py`."""
IST = timezone(timedelta(hours=5, minutes=30))
TEXT_MAX = 127
COUNT_MAX = 10**10
"""Units: more than any exchange lists. The core's integers hold this times any price of ours."""
RUPEES_MAX = 10**10
VALUE_MAX_E4 = 2**62
"""Price times units, in e4: what is larger would not fit into the core."""
NS_MAX = 2**62
ID_MAX = 31
"""Characters of an id that the core keeps."""
_EXACT_BELOW = 1e10
"""Rupees: below, a float tells four decimal places apart from any other."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def clean_text(text: object, longest: int = TEXT_MAX) -> str:
    """A broker's message on one line, without control characters, by default short enough for the
    core.
    """
    if not text:
        return ""
    said = str(text)[:longest]
    if not said.isprintable():
        said = "".join(c if c.isprintable() else " " for c in said)
    return said.strip()


def status_word(text: object) -> str:
    """A status with one blank between words, whatever the broker wrote there: `TRIGGER_PENDING`,
    `partially  filled`.
    """
    return " ".join(clean_text(text).replace("_", " ").replace("-", " ").split())


def tag_of(row: Mapping[str, Any]) -> str:
    """The order's own tag. A broker puts its own words there too: Kite sends `tag: null, tags:
    ["mktp", "mktp:2.00", ours]` for a market order with protection, and `autoslice` for one that it
    cut. Ours is looked for first, wherever it stands.
    """
    tag, tags = row.get("tag"), row.get("tags")
    words = [clean_text(word) for word in (tag, *(tags if isinstance(tags, list) else ())) if word]
    return next((word for word in words if OWN_TAG.fullmatch(word)), words[0] if words else "")


_MONEY = re.compile(
    r"\bmargins?\b|\binsufficient\b|\bfunds\b|\bshortfall\b|\bnot enough (?:balance|cash|money)\b|\badd (?:rs|inr|₹)",
    re.IGNORECASE,
)
_NO_MONEY_MATTER = re.compile(r"\bmargin trading\b|\bMTF\b", re.IGNORECASE)


def is_about_money(message: str) -> bool:
    """Does a refusal say that there is too little money? Brokers say it in many words and under
    one code for all they refuse.
    """
    return _MONEY.search(_NO_MONEY_MATTER.sub("", message)) is not None


def parse_body(body: bytes) -> dict[str, Any] | None:
    """A JSON object, or None when it is not one: HTML from a gateway, a cut answer."""
    try:
        envelope = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return envelope if isinstance(envelope, dict) else None


def number(row: Mapping[str, Any], field: str) -> Decimal:
    """A number that may be written as int, float, string or null (0). BrokerError when it is none
    of these.
    """
    value = row.get(field)
    if value is None or value == "":
        return Decimal(0)
    try:
        read = Decimal(str(value))
    except InvalidOperation:
        read = Decimal("NaN")
    if isinstance(value, bool) or not read.is_finite():
        raise BrokerError(f"{field} of a broker's row is not a number")
    if abs(read) > VALUE_MAX_E4:
        raise BrokerError(
            f"{field} of a broker's row is {_short(read)}: no such number is possible"
        )
    return read


def _short(value: Decimal) -> str:
    return f"{value:.6g}"


def count(row: Mapping[str, Any], field: str) -> int:
    """A whole number of units, never negative."""
    plain = row.get(field)
    if type(plain) is int and 0 <= plain <= COUNT_MAX:
        return plain
    value = number(row, field)
    if not 0 <= value <= COUNT_MAX or value != value.to_integral_value():
        raise BrokerError(f"{field} of a broker's row is {_short(value)}, not a whole quantity")
    return int(value)


def signed_count(row: Mapping[str, Any], field: str) -> int:
    """A whole number of units, negative where it was sold. What is not told is not 0: unknown is
    not flat.
    """
    if row.get(field) in (None, ""):
        raise BrokerError(f"{field} of a broker's row is missing")
    value = number(row, field)
    if abs(value) > COUNT_MAX or value != value.to_integral_value():
        raise BrokerError(f"{field} of a broker's row is {_short(value)}, not a whole quantity")
    return int(value)


def price_e4(row: Mapping[str, Any], field: str) -> int:
    """A price in rupees as ten-thousandths, half up. BrokerError when it is no number."""
    return value_e4(row, field, 1)


def value_e4(row: Mapping[str, Any], field: str, qty: int) -> int:
    """`qty` times a price in rupees, as ten-thousandths, half up. BrokerError when it is no number."""
    plain = row.get(field)
    value = None
    if type(plain) is int and abs(plain) < RUPEES_MAX:
        value = plain * qty * 10_000
    elif type(plain) is float and abs(plain) < _EXACT_BELOW:
        px_e4 = round(plain * 10_000)
        if (
            px_e4 / 10_000 == plain
        ):  # the shortest decimal of this float has four places at most: it is this one
            value = px_e4 * qty
    if value is None:
        read = number(row, field)
        if abs(read) > RUPEES_MAX:
            raise BrokerError(
                f"{field} of a broker's row is {_short(read)}: no such price is possible"
            )
        value = e4(read * qty)
    if abs(value) > VALUE_MAX_E4:
        raise BrokerError(f"{field} of a broker's row times {qty} units is more than can be")
    return value


def fill_value(row: Mapping[str, Any], field: str, qty: int) -> tuple[int, Worth]:
    """What `qty` filled units cost by the row's average price, and how well that is known. Brokers
    document an average of complete
    orders only: 0, null, an empty text or nothing beside a filled quantity says that the price is
    not known.
    """
    value = value_e4(row, field, qty)
    if qty == 0:
        return 0, Worth.NONE
    if value < 0:
        raise BrokerError(f"{field} of a broker's row is negative")
    return (value, Worth.AVERAGE) if value else (0, Worth.UNKNOWN)


def e4(value: Decimal) -> int:
    """Rupees to ten-thousandths, half up."""
    return int((value * 10_000).to_integral_value(ROUND_HALF_UP))


def identity(row: Mapping[str, Any], field: str) -> str:
    """An id as a string. A float has lost digits already and is refused."""
    text = id_text(row.get(field))
    if not text:
        raise BrokerError(f"{field} of a broker's row is missing or not an id")
    return text


def id_text(value: object) -> str:
    """The same; empty when it is none that the core could keep."""
    if isinstance(value, (str, int)) and not isinstance(value, bool):
        text = str(value)
        if 0 < len(text) <= ID_MAX and text.isascii() and text.isprintable():
            return text
    return ""


def ist_ns(text: object) -> int:
    """`yyyy-mm-dd hh:mm:ss` in IST as ns since the epoch; 0 for null, empty or unreadable: no time
    is better than a false one.
    """
    if not isinstance(text, str) or not text:
        return 0
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return 0
    if when.tzinfo is None:
        when = when.replace(tzinfo=IST)
    ns = (when - _EPOCH) // timedelta(microseconds=1) * 1000
    return ns if 0 <= ns <= NS_MAX else 0


def decimal(px_e4: int) -> str:
    """Ten-thousandths as rupees in their shortest exact form."""
    whole, part = divmod(px_e4, 10_000)
    return f"{whole}.{part:04d}".rstrip("0").rstrip(".")
