"""The page's or the hooks' server with an engine that is invented: `python -m tests.attack.page_target`.
Prints its port.
"""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

import uvloop

from otrade.web.auth.access_control import AccessControl
from otrade.web.http.tls import Tls
from otrade.web.server import WebServer
from tests.attack.turns import TurnProbe
from tests.web.logins import TOKEN
from tests.web.show import MovingSource


async def main(turns: Path, var: Path, tls: Tls | None) -> None:
    TurnProbe(turns).start()
    source = MovingSource("calm")
    access = AccessControl(var, local_token=TOKEN)
    server = WebServer(source, access, port=0, tls=tls)
    await server.start()
    print(server.url.rstrip("/").rpartition(":")[2], flush=True)
    while True:
        await asyncio.sleep(0.1)
        source.advance(100)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("turns", type=Path)
    parser.add_argument("var", type=Path)
    parser.add_argument("--cert", type=Path)
    parser.add_argument("--key", type=Path)
    args = parser.parse_args()
    uvloop.run(main(args.turns, args.var, Tls(args.cert, args.key) if args.cert else None))
