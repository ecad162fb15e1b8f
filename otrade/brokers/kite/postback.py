"""Kite's postback: an order update sent to the app's own address, and the proof that it is Kite's.

The checksum is SHA-256 of order id, order time and the app's secret. It covers those two and nothing
else: whatever more the body says could be anybody's, so nothing more of it is believed.
"""

import hashlib
import hmac

import msgspec

from otrade.errors import BrokerError

BODY_BYTES_MAX = 64 * 1024
TEXT_MAX = 64


class _Row(msgspec.Struct):
    """What is looked at."""

    order_id: str
    order_timestamp: str
    checksum: str
    user_id: str = ""


def read_postback(body: bytes, api_secret: str, user_id: str) -> tuple[str, str]:
    """The order's id and time. BrokerError when it is too large, cannot be read, is not Kite's, or
    is of another user than `user_id` (empty: of any).
    """
    if len(body) > BODY_BYTES_MAX:
        raise BrokerError(f"a postback of {len(body)} bytes is none of Kite's")
    try:
        row = msgspec.json.decode(body, type=_Row)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise BrokerError("a postback that cannot be read") from None
    seed = f"{row.order_id}{row.order_timestamp}{api_secret}"
    due = hashlib.sha256(seed.encode("utf-8", "replace")).hexdigest()
    if not api_secret or not hmac.compare_digest(
        row.checksum.encode("utf-8", "replace"), due.encode()
    ):
        raise BrokerError(
            "a postback whose checksum is wrong: it is not from Kite, or the app's secret is another"
        )
    if max(len(row.order_id), len(row.order_timestamp)) > TEXT_MAX:
        raise BrokerError("a postback with a longer id or time than Kite's are")
    if user_id and row.user_id != user_id:
        raise BrokerError("a postback of another user of this app")
    return row.order_id, row.order_timestamp
