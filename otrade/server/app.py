"""The composition root of the page's server. `otrade serve` is this call; `otrade run` starts it in a
process of its own.
"""

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import uvloop

import otrade
from otrade.config import Config
from otrade.config.manager import load
from otrade.config.schema import LogConfig
from otrade.config.secret import remember
from otrade.contract.messages import SOCKET
from otrade.engine_link.link import EngineLink
from otrade.errors import OTradeError
from otrade.guard.humble import be_humble
from otrade.live.notices.json_log import close_log, open_page_log
from otrade.live.runtime.server_file import ServerFile, ServerInfo, ServerStarted
from otrade.server.source import RemoteEngine
from otrade.web.auth.access_control import AccessControl, new_local_token
from otrade.web.auth.users import ACCESS_DIR
from otrade.web.http.tls import Tls
from otrade.web.server import WebServer

MEMORY_BYTES_MAX = 1024 * 1024 * 1024
"""What it may write: a flood that gets past every other limit ends the page, and not the engine."""

log = logging.getLogger("otrade.web")


class ServeOptions(msgspec.Struct, frozen=True):
    """Of the command line. `for_engine`: say one line of JSON and nothing else, to the engine that
    started us; `shows_code`: it has a terminal where a person may read the one-time code.
    """

    config: Path
    port: int | None = None
    for_engine: bool = False
    shows_code: bool = False


def serve(options: ServeOptions) -> int:
    """Serve the page until a signal. OTradeError in words when it cannot be."""
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(options))
    except OTradeError as error:
        if not options.for_engine:
            raise
        _tell(ServerStarted(trouble=str(error)))
        return 1
    return 0


async def _serve(options: ServeOptions) -> None:
    config = load(options.config)
    var = Path(config.paths.var)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    for trouble in be_humble(MEMORY_BYTES_MAX):
        print(f"the page's server: {trouble}", file=sys.stderr)
    with ServerFile(var) as file, _logs(var, config.log):
        token = new_local_token()
        remember(token)
        async with EngineLink(var / "run" / SOCKET) as link:
            source = RemoteEngine(link, options.config, config)
            access = AccessControl(
                var / ACCESS_DIR,
                local_token=token,
                record=source.record,
                life_s=config.web.session_h * 3600,
                idle_s=config.web.idle_min * 60,
            )
            server = _web_server(source, access, config, options.port)
            await server.start()
            try:
                cert = config.web.tls_cert
                file.write(
                    ServerInfo(
                        os.getpid(),
                        server.url,
                        token,
                        otrade.__version__,
                        cert and str(Path(cert).absolute()),
                    )
                )
                words = _login_words(access, server.url, var, shows_code=options.shows_code)
                if options.for_engine:
                    _tell(ServerStarted(server.url, words))
                else:
                    print(f"the page is at {server.url}", *words, sep="\n", flush=True)
                await stopped.wait()
            finally:
                await source.results.close()
                await server.stop()


def _web_server(
    source: RemoteEngine, access: AccessControl, config: Config, port: int | None
) -> WebServer:
    web = config.web
    return WebServer(
        source,
        access,
        host=web.host,
        port=web.port if port is None else port,
        names=web.names,
        tls=Tls(Path(web.tls_cert), Path(web.tls_key)) if web.tls_cert else None,
        interval_s=1 / web.updates_per_s,
    )


def _login_words(
    access: AccessControl, url: str, var: Path, *, shows_code: bool
) -> tuple[str, ...]:
    """The one-time code is for whoever sits at the terminal, and is written into no file."""
    by_command = f"otrade password --var {var}"
    try:
        people = access.file.read().users
    except OTradeError as error:
        return (f"nobody can log in on the page: {error}",)
    if people:
        names = " or ".join(person.name for person in people)
        return (f"log in as {names} (forgotten: {by_command})",)
    if not shows_code:
        return (f"nobody has a password for the page yet; set one with: {by_command}",)
    link = f"{url}#setup={access.first_code()}"
    return (
        f"first visit: open {link} and choose a password (once, within half an hour; or: {by_command})",
    )


def _tell(started: ServerStarted) -> None:
    """One line, and no more: the engine that listens has closed its end by then."""
    sys.stdout.write(msgspec.json.encode(started).decode() + "\n")
    sys.stdout.flush()
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def _logs(var: Path, config: LogConfig) -> Iterator[None]:
    """The server's log, and what people did and were refused."""
    handlers = open_page_log(var, config, lambda words: print(words, file=sys.stderr))
    try:
        yield
    finally:
        for handler in handlers:
            close_log(handler)
