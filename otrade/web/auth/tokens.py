"""Tokens of scripts: `otrade_` and 256 random bits, shown once and kept as a hash. They are sent as
`Authorization: Bearer`.
"""

import hashlib
import hmac
import secrets

from otrade.contract.views import Scope
from otrade.web.auth.users import ScriptToken, Users

PREFIX = "otrade_"


def new_token(
    name: str, scopes: tuple[Scope, ...], now_s: float, days: int
) -> tuple[str, ScriptToken]:
    """The token to hand out, and what is kept of it. `now_s` is UNIX time."""
    token = PREFIX + secrets.token_urlsafe(32)
    return token, ScriptToken(name, scopes, _sha256(token), int(now_s), int(now_s) + days * 86_400)


def find_token(users: Users, given: str, now_s: float) -> ScriptToken | None:
    """Whose token this is, if it still lives."""
    digest = _sha256(given)
    found = None
    for token in users.tokens:
        if hmac.compare_digest(token.sha256, digest) and now_s < token.ends_s:
            found = token
    return found


def _sha256(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
