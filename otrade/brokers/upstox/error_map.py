"""What Upstox's answers mean: HTTP status and error code to one of our Reasons, and to ACK, REFUSED
or in doubt.

REFUSED is said only where the order certainly does not exist. A 5xx, an answer that cannot be read
or silence leaves it in doubt (TIMEOUT): it may have been placed, and is looked for by its tag.
Source of the codes: docs "Error Codes" and the order pages.
"""

import re
from typing import Any

from otrade._core.types import Ev, Reason
from otrade.brokers.parse import clean_text, id_text, is_about_money, parse_body
from otrade.brokers.refusal_words import reason_of_words
from otrade.brokers.session import Answer
from otrade.errors import BrokerError, NetworkError, NoSuchOrderError, RateLimitError, TokenError

NO_SUCH_ORDER = "UDAPI100010"
REASON_OF_CODE: dict[str, Reason] = {
    "UDAPI10000": Reason.BROKER_INPUT,  # no such address
    "UDAPI10005": Reason.BROKER_RATE,
    NO_SUCH_ORDER: Reason.BROKER_ORDER,
    "UDAPI100011": Reason.BROKER_INPUT,  # no such instrument
    "UDAPI100015": Reason.BROKER_INPUT,  # version header
    "UDAPI100016": Reason.BROKER_PERMISSION,  # credentials of the app
    "UDAPI100036": Reason.BROKER_INPUT,
    "UDAPI100038": Reason.BROKER_INPUT,
    "UDAPI100040": Reason.BROKER_BUSY,  # to be cancelled, and ended already
    "UDAPI100041": Reason.BROKER_BUSY,  # to be modified, and ended already
    "UDAPI100049": Reason.BROKER_PERMISSION,  # the account may not place orders by API
    "UDAPI100050": Reason.BROKER_TOKEN,
    "UDAPI100067": Reason.BROKER_PERMISSION,  # a read-only token
    "UDAPI100068": Reason.BROKER_PERMISSION,
    "UDAPI100073": Reason.BROKER_PERMISSION,  # the app is inactive
    "UDAPI100500": Reason.BROKER_OTHER,
    "UDAPI1154": Reason.BROKER_PERMISSION,  # static IP
    "UDAPI1156": Reason.BROKER_PERMISSION,  # algo name
    "UDAPI1158": Reason.BROKER_INPUT,  # market order without protection
    "UDAPI1040": Reason.BROKER_INPUT,  # a market order with a price
    "UDAPI1161": Reason.BROKER_PERMISSION,  # MCX by API is off: NSE's commodities (NSCOM) instead
    "UDAPI100057": Reason.BROKER_ORDER,  # the market is closed
    "UDAPI100060": Reason.BROKER_INPUT,  # no such address
    "UDAPI1176": Reason.BROKER_INPUT,
    "UDAPI1177": Reason.BROKER_INPUT,
}
_REASON_OF_STATUS: dict[int, Reason] = {
    400: Reason.BROKER_INPUT,
    401: Reason.BROKER_TOKEN,
    403: Reason.BROKER_PERMISSION,
    404: Reason.BROKER_INPUT,
    405: Reason.BROKER_INPUT,
    406: Reason.BROKER_INPUT,
    410: Reason.BROKER_INPUT,
    423: Reason.BROKER_NETWORK,  # the nightly service window
    429: Reason.BROKER_RATE,
}

_BUSY = re.compile(r"(modif|cancel).*\b(being processed|already)", re.IGNORECASE | re.DOTALL)
_MODIFY_CAP = re.compile(
    r"(maximum|exceed).*modif|modif.*(maximum|exceed)", re.IGNORECASE | re.DOTALL
)
"""No code is documented for an order that is on its way, or that has been modified too often: these
are Kite's words.
"""


def first_error(body: bytes) -> tuple[str, str]:
    """(code, message) of an error answer, empty when it has none. Both spellings of the keys occur."""
    envelope = parse_body(body) or {}
    errors = envelope.get("errors")
    row: Any = errors[0] if isinstance(errors, list) and errors else {}
    if not isinstance(row, dict):
        return "", ""
    code = clean_text(row.get("errorCode") or row.get("error_code"))
    return code, clean_text(row.get("message"))


def reason_of(status: int, code: str, message: str) -> Reason:
    """The Reason of an error answer: the code's, else the status's."""
    if status == 429:
        return Reason.BROKER_RATE
    if status in (400, 403, 422) and is_about_money(message):
        return (
            Reason.BROKER_MARGIN
        )  # whatever the code: one code stands for many refusals of risk management
    if _MODIFY_CAP.search(message):
        return Reason.MODIFY_CAP
    if status == 400 and _BUSY.search(message):
        return Reason.BROKER_BUSY
    known = REASON_OF_CODE.get(code)
    if status < 500 and known in (None, Reason.BROKER_INPUT, Reason.BROKER_ORDER):
        known = reason_of_words(f"{code} {message}") or known
    if known is not None:
        return known
    return _REASON_OF_STATUS.get(status, Reason.BROKER_OTHER)


def answer_of(status: int, body: bytes) -> Answer:
    """What an answer to an order request means."""
    if 200 <= status < 300:
        return _answer_of_success(parse_body(body))
    code, message = first_error(body)
    reason = reason_of(status, code, message)
    text = clean_text(f"{code} {message}" if code else message or f"HTTP {status}")
    in_doubt = status >= 500 or status == 408 or reason == Reason.BROKER_NETWORK
    return Answer(Ev.TIMEOUT if in_doubt else Ev.REFUSED, "", reason, text)


def _answer_of_success(envelope: dict[str, Any] | None) -> Answer:
    """`order_ids` of a placement, `order_id` of a change. One order each: we never ask Upstox to
    slice.
    """
    data = (envelope or {}).get("data")
    if (
        envelope is not None
        and envelope.get("status") in ("success", "partial_success")
        and isinstance(data, dict)
    ):
        ids = data.get("order_ids")
        listed = ids if isinstance(ids, list) else []
        found = [text for one in (*listed, data.get("order_id")) if (text := id_text(one))]
        if found:
            return Answer(Ev.ACK, found[0])
    return Answer(Ev.TIMEOUT, "", Reason.BROKER_OTHER, "the broker's success answer names no order")


def error_of(status: int, body: bytes) -> BrokerError:
    """The exception for a failed question (not an order). It carries the broker's message and
    nothing of the request.
    """
    code, message = first_error(body)
    reason = reason_of(status, code, message)
    text = f"{code or 'HTTP'} {status}: {message or 'an answer without an error message'}"
    # A gate that lets us see nothing, and does not say what else it misses, has no use for our
    # token either.
    if reason == Reason.BROKER_TOKEN or (status == 401 and code not in REASON_OF_CODE):
        return TokenError(f"{text}; log in again")
    if reason == Reason.BROKER_RATE:
        return RateLimitError(f"{text}; ask less often")
    if (
        reason == Reason.BROKER_NETWORK
        or status >= 500
        or (status == 403 and code not in REASON_OF_CODE)
    ):
        return NetworkError(text)
    return NoSuchOrderError(text) if code == NO_SUCH_ORDER else BrokerError(text)
