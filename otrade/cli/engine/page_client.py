"""Asking the page's server of a directory, as the local user, over its own API: what only it knows."""

from __future__ import annotations

import http.client
import uuid
from typing import Any
from urllib.parse import urlsplit

import orjson

from otrade.live.runtime.server_file import ServerInfo

API = "/api/v1"


def call(
    info: ServerInfo, method: str, path: str, body: dict[str, Any] | None, timeout_s: float
) -> tuple[int, Any]:
    """Status and JSON of an answer, whatever it is. OSError, HTTPException or ValueError when there
    is none.
    """
    connection = _connect(info, timeout_s)
    headers = {"Authorization": f"Bearer {info.token}"}
    if body is not None:
        headers |= {"Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())}
    try:
        connection.request(
            method, path, body=orjson.dumps(body) if body is not None else None, headers=headers
        )
        response = connection.getresponse()
        answer = response.read()
    finally:
        connection.close()
    if response.status != http.client.OK and not answer.startswith(b"{"):
        raise ValueError(f"HTTP {response.status}")
    return response.status, orjson.loads(answer)


def _connect(info: ServerInfo, timeout_s: float) -> http.client.HTTPConnection:
    """To the server's own address alone, by no proxy: the token goes there."""
    address = urlsplit(info.url)
    if not address.hostname:
        raise ValueError("it has no address")
    if address.scheme != "https":
        return http.client.HTTPConnection(address.hostname, address.port, timeout=timeout_s)
    import ssl

    # Its own certificate and no other is believed, whatever name is in it.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(info.cert)
    return http.client.HTTPSConnection(
        address.hostname, address.port, timeout=timeout_s, context=context
    )


NO_ANSWER = (OSError, http.client.HTTPException, ValueError)
"""What `call` raises."""
