"""Passwords and one-time codes: how they are hashed and compared. Argon2id with OWASP's parameters:
19 MiB, two passes, one lane.

The libraries are imported when somebody logs in, and not before: an engine that nobody looks at
does not carry them.
"""

import hmac
import time
from collections.abc import Callable

from otrade.web.auth.common_passwords import is_common

PASSWORD_CHARS_MIN = 12
PASSWORD_CHARS_MAX = 256
STEP_S = 30
"""Of an authenticator (RFC 6238)."""
DRIFT_STEPS = 1
"""How far the authenticator's clock may be off, to either side."""
NOBODYS = "$argon2id$v=19$m=19456,t=2,p=1$b3RyYWRlLW5vYm9keS0wMA$zJoPyXwgvlivR6PpZTd4jkdkL7iodiegmcVHiyncwVs"
"""Compared with when there is no such person, so that an answer takes as long either way."""


def hashed(password: str) -> str:
    """About 30 ms and 19 MiB: call it in a thread."""
    from argon2 import PasswordHasher

    return PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1).hash(password)


def is_password(hash: str, password: str) -> bool:
    """Whether `hash` is that of `password`. As costly as `hashed`."""
    from argon2 import PasswordHasher
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        return PasswordHasher().verify(hash, password)
    except (VerificationError, InvalidHashError):
        return False


def weakness(password: str, name: str) -> str:
    """Why a new password will not do; empty when it will. Nobody asks this of an old one."""
    if not PASSWORD_CHARS_MIN <= len(password) <= PASSWORD_CHARS_MAX:
        return f"a password has {PASSWORD_CHARS_MIN} to {PASSWORD_CHARS_MAX} characters"
    if len(set(password)) < 4:
        return "that password is a few characters again and again"
    if password.lower().strip("0123456789") == name.lower():
        return "that password is the name"
    if is_common(password) or is_common(password.lower().replace(name.lower(), "")):
        return "that password is of words that are tried first"
    return ""


def new_totp_secret() -> str:
    import pyotp

    return pyotp.random_base32()


def totp_address(secret: str, name: str) -> str:
    """What an authenticator takes (otpauth://); it holds the secret."""
    import pyotp

    return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name="OTrade")


def totp_step(secret: str, code: str, now_s: float) -> int | None:
    """The step whose code this is, among those around `now_s` (UNIX time); None when it is none of
    them.
    """
    import pyotp

    given = "".join(code.split())
    if not (len(given) == 6 and given.isascii() and given.isdigit()):
        return None
    otp = pyotp.TOTP(secret)
    now = int(now_s) // STEP_S
    found = None
    for step in range(now - DRIFT_STEPS, now + DRIFT_STEPS + 1):
        if step >= 0 and hmac.compare_digest(otp.generate_otp(step), given):
            found = step
    return found


class Codes:
    """Each code is good once: a step that was used, and those before it, are void for that person."""

    def __init__(self, now_s: Callable[[], float] = time.time) -> None:
        self._now_s = now_s
        self._used: dict[str, int] = {}

    def take(self, name: str, secret: str, code: str) -> bool:
        """Whether that code is good now. It is void afterwards."""
        step = totp_step(secret, code, self._now_s())
        if step is None or step <= self._used.get(name, -1):
            return False
        self._used[name] = step
        return True
