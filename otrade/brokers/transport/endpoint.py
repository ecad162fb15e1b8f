"""Where a broker listens, and whether the way there may be trusted.

Plain http and ws carry the access token in clear, so they are allowed to this machine only (the
simulator); everything else is TLS with certificate and host name verified.
"""

import ssl
from urllib.parse import urlsplit

import msgspec

from otrade.errors import BrokerError

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}
_SECURE = frozenset({"https", "wss"})


class Endpoint(msgspec.Struct, frozen=True):
    """A parsed root URL. `path` has no slash at its end."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def is_secure(self) -> bool:
        return self.scheme in _SECURE

    @property
    def authority(self) -> str:
        """Host and, unless it is the scheme's own, port: the value of a Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    def tls(self) -> ssl.SSLContext | None:
        """A verifying TLS context, or None on loopback."""
        return ssl.create_default_context() if self.is_secure else None


def parse(url: str, schemes: tuple[str, ...]) -> Endpoint:
    """The endpoint of a root URL such as https://api.kite.trade. BrokerError when it may not be
    used.
    """
    parts = urlsplit(url)
    if parts.scheme not in schemes or not parts.hostname:
        raise BrokerError(
            f"the address must start with {' or '.join(s + '://' for s in schemes)} and name a host"
        )
    if parts.scheme not in _SECURE and parts.hostname not in LOOPBACK:
        raise BrokerError(
            f"{parts.scheme}:// would carry the access token in clear to {parts.hostname}: use TLS"
        )
    return Endpoint(
        parts.scheme, parts.hostname, parts.port or _PORTS[parts.scheme], parts.path.rstrip("/")
    )
