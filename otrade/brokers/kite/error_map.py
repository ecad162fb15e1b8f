"""What Kite's answers mean: HTTP status and `error_type` to one of our Reasons, and to ACK, REFUSED
or in doubt.

REFUSED is said only where the order certainly does not exist. A 5xx, an answer that cannot be read,
or a complaint about the network behind Kite's gate leaves it in doubt (TIMEOUT): it may have been
placed, and is looked for by its tag.
"""

import re
from typing import Any

from otrade._core.types import Ev, Reason
from otrade.brokers.parse import clean_text, id_text, parse_body
from otrade.brokers.refusal_words import reason_of_words
from otrade.brokers.session import Answer
from otrade.errors import BrokerError, NetworkError, NoSuchOrderError, RateLimitError, TokenError

REASON_OF_ERROR_TYPE: dict[str, Reason] = {
    "TokenException": Reason.BROKER_TOKEN,
    # The second factor is not done, or its time is over: log in again
    "TwoFAException": Reason.BROKER_TOKEN,
    "UserException": Reason.BROKER_PERMISSION,
    "PermissionException": Reason.BROKER_PERMISSION,
    "InputException": Reason.BROKER_INPUT,
    "OrderException": Reason.BROKER_ORDER,
    "MarginException": Reason.BROKER_MARGIN,
    "HoldingException": Reason.BROKER_MARGIN,
    "NetworkException": Reason.BROKER_NETWORK,
    "DataException": Reason.BROKER_NETWORK,
    "GeneralException": Reason.BROKER_OTHER,
}


def _plain(error_type: str) -> str:
    return "".join(error_type.replace("_", " ").split()).lower()


_OF_PLAIN_TYPE = {_plain(error_type): reason for error_type, reason in REASON_OF_ERROR_TYPE.items()}
_REASON_OF_STATUS: dict[int, Reason] = {
    400: Reason.BROKER_INPUT,
    401: Reason.BROKER_TOKEN,
    403: Reason.BROKER_PERMISSION,
    404: Reason.BROKER_INPUT,
    405: Reason.BROKER_INPUT,
    410: Reason.BROKER_INPUT,
}
_STATIC_IP = re.compile(r"\bIPs?\b|\bip address", re.ASCII)
_NO_SUCH_ORDER = re.compile(
    r"(couldn't find|could not find|no such).*order|order.*not (found|exist)", re.IGNORECASE
)
_MODIFY_CAP = re.compile(
    r"(maximum|exceed).*modif|modif.*(maximum|exceed)", re.IGNORECASE | re.DOTALL
)

# Said of an order that is on its way to the exchange, and also of one that has filled or been
# cancelled (Kite's staff, forum 7489, 8106 and 9899): no refusal of what was asked, but a reason to
# read the book.
_BUSY = re.compile(
    r"cannot be (modified|cancell?ed)\b.*\b(being processed|already)", re.IGNORECASE | re.DOTALL
)


def reason_of(status: int, error_type: str, message: str) -> Reason:
    """The Reason of an error answer.

    A refusal for want of a registered static IP is a matter of permission whatever Kite calls it:
    the token is not dead.
    """
    if status == 429:
        return Reason.BROKER_RATE
    if status in (400, 403) and _STATIC_IP.search(message):
        return Reason.BROKER_PERMISSION
    if _MODIFY_CAP.search(message):
        return Reason.MODIFY_CAP
    if status == 400 and _BUSY.search(message):
        return Reason.BROKER_BUSY
    known = _OF_PLAIN_TYPE.get(_plain(error_type))
    if known in (Reason.BROKER_INPUT, Reason.BROKER_ORDER):
        known = reason_of_words(message) or known
    return known if known is not None else _REASON_OF_STATUS.get(status, Reason.BROKER_OTHER)


def answer_of(status: int, body: bytes) -> Answer:
    """What an answer to an order request means."""
    envelope = parse_body(body)
    if 200 <= status < 300:
        return _answer_of_success(envelope)
    error_type = str((envelope or {}).get("error_type") or "")
    message = clean_text((envelope or {}).get("message")) or f"HTTP {status}"
    reason = reason_of(status, error_type, message)
    # 408: the gate gave up while reading or waiting. A 4xx about the network behind it says as
    # little as a 5xx.
    in_doubt = status >= 500 or status == 408 or reason == Reason.BROKER_NETWORK
    return Answer(Ev.TIMEOUT if in_doubt else Ev.REFUSED, "", reason, message)


def _answer_of_success(envelope: dict[str, Any] | None) -> Answer:
    """An order id, in any of the shapes that Kite documents: alone, with children of a sliced
    order, or a bare list.
    """
    if envelope is not None and envelope.get("status") == "success":
        data = envelope.get("data")
        rows: list[Any] = data if isinstance(data, list) else [data]
        if (
            len(rows) == 1
            and isinstance(rows[0], dict)
            and isinstance(rows[0].get("children"), list)
        ):
            rows = [rows[0], *rows[0]["children"]]
        rows = [row for row in rows if isinstance(row, dict)]
        ids = [found for row in rows if (found := id_text(row.get("order_id")))]
        errors = [row["error"] for row in rows if isinstance(row.get("error"), dict)]
        if ids:
            text = f"{len(errors)} slices refused: {errors[0].get('message')}" if errors else ""
            return Answer(Ev.ACK, ids[0], 0, clean_text(text))
        if errors:
            error_type, message = (
                str(errors[0].get("error_type")),
                clean_text(errors[0].get("message")),
            )
            return Answer(Ev.REFUSED, "", reason_of(400, error_type, message), message)
    return Answer(Ev.TIMEOUT, "", Reason.BROKER_OTHER, "the broker's success answer names no order")


def error_of(status: int, body: bytes) -> BrokerError:
    """The exception for a failed question (not an order). It carries the broker's message and
    nothing of the request.
    """
    envelope = parse_body(body)
    error_type = clean_text((envelope or {}).get("error_type"))
    message = clean_text((envelope or {}).get("message")) or "an answer that is not JSON"
    reason = reason_of(status, error_type, message)
    text = f"{error_type or 'HTTP'} {status}: {message}"
    # A gate that lets us see nothing, and does not say what else it misses, has no use for our
    # token either.
    is_shut_out = (
        status == 401
        and _plain(error_type) not in _OF_PLAIN_TYPE
        and not _STATIC_IP.search(message)
    )
    if reason == Reason.BROKER_TOKEN or is_shut_out:
        return TokenError(f"{text}; log in again")
    if reason == Reason.BROKER_RATE:
        return RateLimitError(f"{text}; ask less often")
    if (
        reason == Reason.BROKER_NETWORK
        or status >= 500
        or (status == 403 and _plain(error_type) not in _OF_PLAIN_TYPE)
    ):
        return NetworkError(text)
    if _NO_SUCH_ORDER.search(message):
        return NoSuchOrderError(text)
    return BrokerError(text)
