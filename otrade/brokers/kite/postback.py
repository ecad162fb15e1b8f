"""Kite's postback: an order update sent to the app's own address, and the proof that it is Kite's.

The checksum is SHA-256 of order id, order time and the app's secret; without it anybody could tell
us of fills. Even then it is a
hint like every push: the report goes to the core by the same road, and the book has the last word.
"""

import hashlib
import hmac

from otrade._core.types import Source
from otrade.brokers.kite.reports import report_of
from otrade.brokers.parse import parse_body
from otrade.brokers.session import OrderReport
from otrade.errors import BrokerError

BODY_BYTES_MAX = 64 * 1024


def read_postback(body: bytes, api_secret: str, ts_recv_ns: int) -> OrderReport:
    """The report of a postback. BrokerError when it is too large, no JSON object, not Kite's, or
    cannot be read.
    """
    if len(body) > BODY_BYTES_MAX:
        raise BrokerError(f"a postback of {len(body)} bytes is none of Kite's")
    row = parse_body(body)
    if row is None:
        raise BrokerError("a postback that is no JSON object")
    given = row.get("checksum")
    seed = f"{row.get('order_id')}{row.get('order_timestamp')}{api_secret}"
    due = hashlib.sha256(seed.encode("utf-8", "replace")).hexdigest()
    if (
        not api_secret
        or not isinstance(given, str)
        or not hmac.compare_digest(given.encode("utf-8", "replace"), due.encode())
    ):
        raise BrokerError(
            "a postback whose checksum is wrong: it is not from Kite, or the app's secret is another"
        )
    return report_of(row, Source.POSTBACK, ts_recv_ns)
