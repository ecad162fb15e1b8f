"""`python -m otrade.hooks.process`: listens to what brokers post, and passes hints on to the engine.

Its settings come by standard input and hold all that it knows. In one line it says where it
listens, or why it cannot; then nothing.
"""

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
import uvloop

from otrade.errors import OTradeError, StartError
from otrade.guard.http_server import GuardedServer, listen, shown
from otrade.guard.humble import be_humble
from otrade.guard.limits import Limits
from otrade.guard.refusals import Refusals
from otrade.hooks.app import BODY_BYTES_MAX, create_hooks_app
from otrade.hooks.engine_link import HintLink
from otrade.hooks.settings import HooksSettings

LIMITS = Limits(
    connections=64,
    head_bytes=16 * 1024,
    request_bytes=BODY_BYTES_MAX + 16 * 1024,
    body_s=5.0,
    bytes_per_s=64 * 1024,
    burst_bytes=256 * 1024,
    unproven_requests_per_s=500.0,
)
BACKLOG = 64
MEMORY_BYTES_MAX = 256 * 1024 * 1024
PARENT_EVERY_S = 1.0


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code 0 after a signal or the parent's end, 1 when it cannot listen."""
    argparse.ArgumentParser(description=__doc__).parse_args(argv)
    settings = msgspec.json.decode(sys.stdin.buffer.read(), type=HooksSettings)
    words = be_humble(MEMORY_BYTES_MAX)
    try:
        uvloop.run(_run(settings, words))
    except OTradeError as error:
        _say(trouble=str(error))
        return 1
    return 0


async def _run(settings: HooksSettings, words: list[str]) -> None:
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    link = HintLink(Path(settings.run_dir))
    server = GuardedServer(
        create_hooks_app(settings.senders, link.offer), limits=LIMITS, refusals=Refusals()
    )
    try:
        sock = listen(settings.host, settings.port, BACKLOG)
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise StartError(
            f"the web hooks cannot listen on {settings.host}, hooks.port {settings.port} ({why}): choose a free port"
        ) from None
    task = server.serve_on(sock)
    await server.started_by(task, StartError("the web hooks' server ended while it was starting"))
    delivery = asyncio.create_task(link.run())
    url = f"http://{shown(settings.host)}:{sock.getsockname()[1]}"
    if settings.ends_with_parent:
        _say(url=url, words=words)
    else:
        print("web hooks are taken at", url, *words, flush=True)
    await _until(ended, os.getppid() if settings.ends_with_parent else 0)
    delivery.cancel()
    server.should_exit = True
    server.abort_connections()
    await task


async def _until(ended: asyncio.Event, parent: int) -> None:
    """A signal, or the end of whoever has started us."""
    while not ended.is_set() and parent in (0, os.getppid()):
        try:
            async with asyncio.timeout(PARENT_EVERY_S):
                await ended.wait()
        except TimeoutError:
            continue


def _say(**what: object) -> None:
    sys.stdout.write(msgspec.json.encode(what).decode() + "\n")
    sys.stdout.flush()
    # Nobody reads on.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


if __name__ == "__main__":
    sys.exit(main())
