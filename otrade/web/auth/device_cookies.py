"""Browsers in which somebody has logged in before: a cookie that says so, and lets nobody in.

Whoever shows it has a login limit of its own for that person, which strangers cannot use up. It is
the person's name and 128 random bits, signed with a key of this installation, and lives for a year.
"""

import hashlib
import hmac
import secrets
from pathlib import Path

from otrade.plain_file import read_own, write_whole

KEY_FILE = "devices.key"
KEY_BYTES = 32
LIFE_S = 365 * 86_400


class DeviceCookies:
    """`directory` holds the key. Where it cannot be kept, browsers are known until the next start."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / KEY_FILE
        self._key = b""

    def new(self, name: str) -> str:
        """A cookie for a browser in which that person has logged in now."""
        nonce = secrets.token_urlsafe(16)
        return f"{name}~{nonce}~{self._signature(name, nonce)}"

    def known(self, cookie: str, name: str) -> str:
        """What that browser is known by, when that person has logged in there; else empty."""
        parts = cookie.split("~")
        if len(parts) != 3 or parts[0] != name:
            return ""
        expected = self._signature(name, parts[1])
        return parts[1] if hmac.compare_digest(parts[2].encode(), expected.encode()) else ""

    def _signature(self, name: str, nonce: str) -> str:
        if not self._key:
            self._key = self._kept_key()
        return hmac.new(self._key, f"{name}~{nonce}".encode(), hashlib.sha256).hexdigest()

    def _kept_key(self) -> bytes:
        try:
            key = read_own(self._path, KEY_BYTES + 1)
            if len(key) == KEY_BYTES:
                return key
        except OSError:
            pass  # none yet, or one that is not to be believed
        key = secrets.token_bytes(KEY_BYTES)
        try:
            write_whole(self._path, key)
        except OSError:
            pass
        return key
