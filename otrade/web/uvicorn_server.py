"""uvicorn without its command line: `Config` and `Server`, and neither click nor multiprocessing nor package metadata.

`import uvicorn` also imports `uvicorn.main` and with it some 2 MB that an engine never runs; the
whole engine has 40. An empty module takes its place while the package is imported, and is gone
afterwards. Should a later uvicorn arrange its modules otherwise, all that is lost is the saving.
"""

import importlib
import sys
import types
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from uvicorn.config import Config
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
    from uvicorn.server import Server

__all__ = ["Config", "HttpToolsProtocol", "Server"]


def _stand_in_for_version() -> None:
    """The version module of `websockets` imports the reader of package metadata, half a megabyte, to name itself in a header."""
    if "websockets" in sys.modules:
        return
    version = types.ModuleType("websockets.version")
    vars(version).update(released=True, tag="", version="", commit="")
    sys.modules["websockets.version"] = version


def _import_package() -> None:
    if "uvicorn" in sys.modules:
        return
    main = types.ModuleType("uvicorn.main")
    vars(main).update(Server=None, main=None, run=None)
    sys.modules["uvicorn.main"] = main
    try:
        import uvicorn
        import uvicorn.server
    finally:
        del sys.modules["uvicorn.main"]
    uvicorn.Server = uvicorn.server.Server  # type: ignore[misc]
    del uvicorn.main, uvicorn.run


if not TYPE_CHECKING:
    _stand_in_for_version()
    _import_package()
    Config = importlib.import_module("uvicorn.config").Config
    HttpToolsProtocol = importlib.import_module("uvicorn.protocols.http.httptools_impl").HttpToolsProtocol
    Server = importlib.import_module("uvicorn.server").Server
