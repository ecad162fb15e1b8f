"""Asking the engine that runs in a directory, as the local user, over its own API."""

from __future__ import annotations

import http.client
import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson

from otrade.live.runfile import RunInfo, read_run_info

ANSWER_S_MAX = 5.0


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
    return _call(info, "GET", path, None, timeout_s)


def post(info: RunInfo, path: str, body: dict[str, Any], timeout_s: float = ANSWER_S_MAX) -> Any:
    """The same for a command."""
    return _call(info, "POST", path, body, timeout_s)


def _call(info: RunInfo, method: str, path: str, body: dict[str, Any] | None, timeout_s: float) -> Any:
    # The token goes to the engine's own address alone, by no proxy.
    address = urlsplit(info.url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=timeout_s)
    headers = {"Authorization": f"Bearer {info.token}"}
    if body is not None:
        headers["Content-Type"] = "application/json"
    try:
        connection.request(method, path, body=orjson.dumps(body) if body is not None else None, headers=headers)
        response = connection.getresponse()
        answer = response.read()
    finally:
        connection.close()
    if response.status != http.client.OK:
        raise ValueError(f"HTTP {response.status}")
    return orjson.loads(answer)


NO_ANSWER = (OSError, http.client.HTTPException, ValueError)
"""What `get` and `post` raise."""
