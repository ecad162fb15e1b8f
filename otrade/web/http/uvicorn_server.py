"""uvicorn without its command line: `Config` and `Server`, and neither click nor multiprocessing
nor package metadata nor the reader of logging configurations.

`import uvicorn` also imports `uvicorn.main` and with it some 2 MB that an engine never runs; the
whole engine has 40.
"""

import importlib
from typing import TYPE_CHECKING

from otrade.lean import without

if TYPE_CHECKING:
    from uvicorn.config import Config
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
    from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
    from uvicorn.server import Server

__all__ = ["Config", "HttpToolsProtocol", "Server", "WebSocketsSansIOProtocol"]

UNUSED = {
    "uvicorn.main": {"Server": None, "main": None, "run": None},
    "logging.config": {},
    "configparser": {"RawConfigParser": None},
    # The version module of `websockets` imports the reader of package metadata to name itself in a
    # header.
    "websockets.version": {"released": True, "tag": "", "version": "", "commit": ""},
}

if not TYPE_CHECKING:
    with without(UNUSED):
        Config = importlib.import_module("uvicorn.config").Config
        HttpToolsProtocol = importlib.import_module(
            "uvicorn.protocols.http.httptools_impl"
        ).HttpToolsProtocol
        Server = importlib.import_module("uvicorn.server").Server
        WebSocketsSansIOProtocol = importlib.import_module(
            "uvicorn.protocols.websockets.websockets_sansio_impl"
        ).WebSocketsSansIOProtocol
        importlib.import_module("uvicorn").Server = Server
