"""`otrade login`: the day's login, by the browser's redirect to this machine or by pasting its
address.
"""

from __future__ import annotations

import asyncio
import sys
import webbrowser
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from otrade.brokers.registry import BROKERS
from otrade.brokers.token_store import AccessSession
from otrade.cli.engine.client import BROKER_S_MAX
from otrade.clock import WallClock
from otrade.config import manager
from otrade.config.schema import BrokerConfig, Config
from otrade.config.socket_folders import hooks_folder
from otrade.engine_link.call import EngineCall, NoAnswerError
from otrade.errors import BrokerError, ConfigError, OTradeError, StartError
from otrade.live.broker_io.hint_receiver import HintReceiver
from otrade.live.engine_socket.hint_socket import HintSocket
from otrade.live.notices.board import NoticeBoard
from otrade.live.runtime.child_processes import hooks_command
from otrade.live.runtime.listening_process import ListeningProcess
from otrade.live.runtime.run_file import RunFile
from otrade.live.startup.credentials import LiveAccess, secondary_broker
from otrade.live.startup.hooks_settings import hooks_settings
from otrade.live.startup.login_flow import LoginFlow, login_notice
from otrade.live.startup.terminal import read_line

HEAD_BYTES_MAX = 16_384
LOOPBACK = ("127.0.0.1", "localhost", "::1")
DONE, TIMED_OUT, REFUSED = 0, 3, 4


def login(
    config_path: Path, broker: str, *, paste: bool, approve: bool, open_browser: bool, wait_s: float
) -> int:
    """Exit code 0 when logged in (or the running engine waits for the approval), 3 when no login
    came, 4 when the engine refused.
    """
    config = manager.load(config_path)
    wanted: BrokerConfig | None = None
    if broker and broker != config.broker.kind:
        second = secondary_broker(config)
        wanted = (
            second
            if second is not None and second.kind == broker
            else msgspec.convert({"kind": broker}, BrokerConfig)
        )
    clock = WallClock()
    access = LiveAccess(config, clock, wanted)
    if approve:
        return asyncio.run(_approved(config, access, clock, wait_s))
    flow = LoginFlow(access, clock, lambda session: None)
    redirect = urlsplit((wanted or config.broker).redirect_url)
    return asyncio.run(
        _login(flow, redirect.hostname or "", redirect.port or 80, paste, open_browser, wait_s)
    )


async def _login(
    flow: LoginFlow, host: str, port: int, paste: bool, open_browser: bool, wait_s: float
) -> int:
    url = flow.begin()
    callback = (
        None if paste or host not in LOOPBACK else await LoginCallback.listen(flow, host, port)
    )
    if callback is None:
        return await _pasted(flow, url)
    print(
        f"Log in at\n  {url}\nwaiting on {host}:{port} for the browser to come back (Ctrl-C ends it)",
        file=sys.stderr,
    )
    if open_browser:
        webbrowser.open(url)
    try:
        async with asyncio.timeout(wait_s):
            session = await callback.session
    except TimeoutError:
        print("no login came; run `otrade login` again", file=sys.stderr)
        return TIMED_OUT
    finally:
        await callback.close()
    print(login_notice(session)[1])
    return DONE


async def _approved(config: Config, access: LiveAccess, clock: WallClock, wait_s: float) -> int:
    """Ask for an approval in the broker's app, and wait for the token that comes to the web hook:
    here, or in the running engine.
    """
    var = Path(config.paths.var)
    try:
        with RunFile(var):
            return await _awaited(config, access, clock, wait_s)
    except StartError:
        return _ask_engine(var)


async def _awaited(config: Config, access: LiveAccess, clock: WallClock, wait_s: float) -> int:
    """No engine runs, and none can start meanwhile: the hooks' process speaks to us."""
    arrived = asyncio.Event()
    flow = LoginFlow(access, clock, lambda session: arrived.set())
    board = NoticeBoard(clock.now_ns)
    board.listen(lambda notice: print(notice.text, file=sys.stderr))
    hints = HintSocket(
        hooks_folder(config),
        HintReceiver(flow, board, clock, lambda: None),
        config.sockets.hooks_group,
    )
    await hints.open()
    hooks = ListeningProcess(
        "the web hooks' process",
        hooks_command(),
        on_end=lambda words: print(words, file=sys.stderr),
        told=msgspec.json.encode(hooks_settings(config, access)),
    )
    try:
        started = await hooks.start()
        if started.trouble:
            raise ConfigError(started.trouble, path="hooks.port")
        await flow.ask_approval()
        print(
            f"Approve the login in the broker's app; its token is awaited at {started.url}{BROKERS[access.adapter.name].token_hook}",
            file=sys.stderr,
        )
        async with asyncio.timeout(wait_s):
            await arrived.wait()
    except TimeoutError:
        print(
            "no token has come; run `otrade login --approve` again, or log in in the browser",
            file=sys.stderr,
        )
        return TIMED_OUT
    finally:
        await hooks.stop()
        await hints.close()
    return DONE


def _ask_engine(var: Path) -> int:
    """The engine of that directory runs: it asks and waits itself."""
    try:
        with EngineCall(var, BROKER_S_MAX) as engine:
            ok, words = engine.act("login", {"approve": True})
    except NoAnswerError as error:
        raise ConfigError(
            f"an engine holds this directory and cannot be asked ({error}): wait until it has started",
            path="paths.var",
        ) from None
    print(words, file=sys.stdout if ok else sys.stderr)
    return DONE if ok else REFUSED


async def _pasted(flow: LoginFlow, url: str) -> int:
    if not sys.stdin.isatty():
        raise ConfigError(
            "the address of broker.redirect_url is not on this machine, or its port is in use: run this in a terminal and paste the "
            "address that you are sent to, or log in on the page of the running engine"
        )
    print(f"Log in at\n  {url}\nthen paste the address that you are sent to:", file=sys.stderr)
    print(login_notice(await flow.finish(await read_line()))[1])
    return DONE


class LoginCallback:
    """A server for one answer. Whatever is not the login that was begun is refused, and waited on."""

    def __init__(self, flow: LoginFlow, base: str) -> None:
        self._flow = flow
        self._base = base
        self.session: asyncio.Future[AccessSession] = asyncio.get_running_loop().create_future()
        self._server: asyncio.Server | None = None

    @classmethod
    async def listen(cls, flow: LoginFlow, host: str, port: int) -> LoginCallback | None:
        """None when the port is taken, most likely by the running engine's page, which takes logins
        itself.
        """
        made = cls(flow, f"http://{host}:{port}")
        try:
            made._server = await asyncio.start_server(made._serve, host, port, limit=HEAD_BYTES_MAX)
        except OSError:
            return None
        return made

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(5):
                head = await reader.readuntil(b"\r\n\r\n")
            status, words = await self._answer(head)
        except (TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            status, words = 400, "this is no login"
        body = f"OTrade: {words}\n".encode()
        head_out = (
            f"HTTP/1.1 {status} {'OK' if status == 200 else 'Bad Request'}\r\nContent-Type: text/plain; charset=utf-8\r\n"
            f"Content-Length: {len(body)}\r\nCache-Control: no-store\r\nReferrer-Policy: no-referrer\r\nConnection: close\r\n\r\n"
        )
        writer.write(head_out.encode() + body)
        try:
            await writer.drain()
        except OSError:
            pass
        writer.close()

    async def _answer(self, head: bytes) -> tuple[int, str]:
        words = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
        if len(words) != 3 or words[0] != "GET" or "?" not in words[1]:
            return 400, "this is no login"
        if self.session.done():
            return 200, "logged in already; close this page"
        try:
            session = await self._flow.finish(self._base + words[1])
        except BrokerError as error:
            return 400, str(error)
        except OTradeError as error:
            return 400, f"the login failed: {error}"
        if not self.session.done():
            self.session.set_result(session)
        return 200, f"{login_notice(session)[1]}. Close this page."
