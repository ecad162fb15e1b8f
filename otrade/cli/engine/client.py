"""Asking the engine that runs in a directory, as the local user, over its own API."""

from __future__ import annotations

import http.client
import os
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson

from otrade.live.runtime.run_file import RunInfo, read_run_info

ANSWER_S_MAX = 5.0
API = "/api/v1"


def running(var: Path) -> RunInfo | None:
    """The engine that runs in this directory, or None."""
    info = read_run_info(var)
    return info if info is not None and is_running(info.pid) else None


def is_running(pid: int) -> bool:
    """Is there such a process? A run-file outlives an engine that was killed."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def get(info: RunInfo, path: str, timeout_s: float = ANSWER_S_MAX) -> Any:
    """JSON of the engine's answer. OSError, HTTPException or ValueError when there is no good one."""
    status, answer = call(info, "GET", path, None, timeout_s)
    if status != http.client.OK:
        raise ValueError(f"HTTP {status}")
    return answer


def command(
    info: RunInfo, name: str, args: dict[str, Any], timeout_s: float = ANSWER_S_MAX
) -> tuple[bool, str]:
    """(done, words) of a command. OSError, HTTPException or ValueError when there is no good
    answer.
    """
    status, answer = call(info, "POST", f"{API}/commands/{name}", args, timeout_s)
    if not isinstance(answer, dict):
        raise ValueError(f"HTTP {status}")
    if status == http.client.OK:
        return bool(answer.get("ok")), str(answer.get("words"))
    if status == http.client.CONFLICT:
        return False, str(answer.get("detail") or answer.get("title"))
    raise ValueError(f"HTTP {status}: {answer.get('title')}")


def call(
    info: RunInfo, method: str, path: str, body: dict[str, Any] | None, timeout_s: float
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


def _connect(info: RunInfo, timeout_s: float) -> http.client.HTTPConnection:
    """To the engine's own address alone, by no proxy: the token goes there."""
    address = urlsplit(info.url)
    if not address.hostname:
        raise ValueError("it serves no page")
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
"""What `get`, `command` and `call` raise."""
