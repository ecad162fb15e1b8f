"""Upstox's login by approval: we ask, the person approves in Upstox's app, and the token comes to
the app's web hook (`notifier_url`).

Nothing proves who posts to that hook, so a body is taken for hostile: it must name our app and our
user, and the token must be able to tell Upstox's own profile of that user. Facts: docs of "Access
Token Request".
"""

import re
import secrets

from otrade.brokers.parse import parse_body
from otrade.brokers.token_store import AccessSession, expiry_ns
from otrade.brokers.transport.endpoint import Endpoint
from otrade.brokers.upstox.login import EXPIRY_HOUR_IST, EXPIRY_MINUTE_IST
from otrade.brokers.upstox.rest import UpstoxRest
from otrade.clock import Clock
from otrade.errors import BrokerError

BODY_BYTES_MAX = 16 * 1024
_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]{16,8192}", re.ASCII)
"""What may stand behind `Bearer` (RFC 6750, section 2.1): nothing that could end a header line."""


def token_of(body: bytes, client_id: str, user_id: str) -> str:
    """The access token in a body of the hook. BrokerError when it is not of our app and our user,
    or not one at all.
    """
    row = parse_body(body) if len(body) <= BODY_BYTES_MAX else None
    if row is None:
        raise BrokerError("a token notice that is no JSON object, or too large for one")
    if row.get("message_type", "access_token") != "access_token":
        raise BrokerError("a notice that is about something else than an access token")
    for field, ours in (("client_id", client_id), ("user_id", user_id)):
        given = row.get(field)
        if not isinstance(given, str) or not secrets.compare_digest(
            given.encode("utf-8", "replace"), ours.encode()
        ):
            raise BrokerError(f"a token notice with another {field}")
    token = row.get("access_token")
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise BrokerError("a token notice without an access token")
    return token


async def session_of(
    body: bytes, client_id: str, user_id: str, endpoint: Endpoint, clock: Clock
) -> AccessSession:
    """The session that a notice brings, once the broker has said whose token it is. TokenError when
    it accepts it from nobody.
    """
    token = token_of(body, client_id, user_id)
    rest = UpstoxRest(endpoint, token, clock=clock)
    try:
        profile = await rest.profile()
    finally:
        rest.close()
    if profile.get("user_id") != user_id:
        raise BrokerError("a token notice with somebody else's token")
    now_ns = clock.now_ns()
    return AccessSession(
        client_id, token, user_id, now_ns, expiry_ns(now_ns, EXPIRY_HOUR_IST, EXPIRY_MINUTE_IST)
    )
