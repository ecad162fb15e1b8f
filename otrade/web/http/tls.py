"""TLS for a page that others can reach: the certificate and key of the configuration, TLS 1.2 or
newer.
"""

import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from otrade.errors import StartError

if TYPE_CHECKING:
    import ssl


class WebServerError(StartError):
    """The page cannot be served; the text names the setting and the fix."""


@dataclass(frozen=True, slots=True)
class Tls:
    """PEM files: the certificate with its chain, and its key without a passphrase."""

    cert: Path
    key: Path


def context_of(tls: Tls) -> "ssl.SSLContext":
    """WebServerError, naming the setting, when the files cannot be used."""
    import ssl

    for name, path in (("web.tls_cert", tls.cert), ("web.tls_key", tls.key)):
        if not path.is_file():
            raise WebServerError(f"{name}: there is no file {path}")
    if stat.S_IMODE(tls.key.stat().st_mode) & 0o007:
        raise WebServerError(
            f"web.tls_key: anybody on this computer may read {tls.key}; run: chmod o= {tls.key}"
        )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        # A key with a passphrase is refused, rather than a question asked on a terminal that nobody
        # watches.
        context.load_cert_chain(tls.cert, tls.key, password=lambda: "")
    except (ssl.SSLError, OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or "unreadable"
        raise WebServerError(
            f"web.tls_cert {tls.cert} and web.tls_key {tls.key} cannot be used together: {reason}"
        ) from None
    return context
