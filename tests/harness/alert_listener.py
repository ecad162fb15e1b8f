"""Somebody who takes alerts: a web server to which Apprise posts JSON, and the environment that
leads there.
"""

from __future__ import annotations

import http.server
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.harness.waiting import PATIENCE_S

TOKEN = "bot-secret-0123456789"
"""In the address; to be found nowhere else."""


class AlertRequestHandler(http.server.BaseHTTPRequestHandler):
    """Takes what Apprise posts."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server = self.server
        assert isinstance(server, AlertListener)
        server.heard.append(body)
        self.send_response(server.statuses.pop(0) if server.statuses else 200)
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        """Silent."""


class AlertListener(http.server.ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), AlertRequestHandler)
        self.heard: list[dict[str, Any]] = []
        self.statuses: list[int] = []

    @property
    def address(self) -> str:
        return f"json://127.0.0.1:{self.server_address[1]}/{TOKEN}"


@contextmanager
def listening() -> Iterator[AlertListener]:
    with AlertListener() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join(PATIENCE_S)
            assert not thread.is_alive(), "the web server of alerts does not end"


@contextmanager
def environment(**names: str) -> Iterator[None]:
    os.environ.update(names)
    try:
        yield
    finally:
        for name in names:
            del os.environ[name]
