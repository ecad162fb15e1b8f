"""The hooks' process as it runs, and the engine's end of its socket: what it holds, what it passes
on, and that it gives way.
"""

import asyncio
import json
import os
import re
import resource
import socket
import stat
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest

from otrade.contract.framing import FrameWriter
from otrade.contract.hints import HINT_BYTES_MAX, NOTICE_BYTES_MAX, OrderHint
from otrade.guard.humble import NICE, OOM_SCORE
from otrade.hooks.process import MEMORY_BYTES_MAX
from otrade.hooks.settings import HookSender, HooksSettings
from otrade.live.engine_socket.hint_socket import HintSocket
from otrade.live.runtime.child_processes import hooks_command
from otrade.live.runtime.listening_process import ListeningProcess
from tests.harness.waiting import until
from tests.hooks.test_postbacks import SECRET, SENDER, body

ORDER, TOKEN = "/hooks/kite/order", "/hooks/upstox/token"


class Heard:
    """The engine, as far as hints go."""

    def __init__(self) -> None:
        self.orders: list[OrderHint] = []
        self.tokens: list[tuple[str, bytes]] = []

    def order(self, hint: OrderHint) -> None:
        self.orders.append(hint)

    async def token(self, broker: str, body: bytes) -> None:
        self.tokens.append((broker, body))


class Hooks:
    def __init__(self, run_dir: Path) -> None:
        self.heard = Heard()
        self.run_dir = run_dir
        self.socket = HintSocket(run_dir, self.heard)
        settings = HooksSettings(
            "127.0.0.1", 0, str(run_dir), {ORDER: SENDER, TOKEN: HookSender("upstox")}
        )
        self.ended: list[str] = []
        self.process = ListeningProcess(
            "the web hooks' process",
            hooks_command(),
            self.ended.append,
            told=msgspec.json.encode(settings),
        )
        self.port = 0

    async def post(self, path: str, content: bytes, method: str = "POST") -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(content)}\r\n\r\n"
        writer.write(head.encode() + content)
        line = await reader.readline()
        writer.close()
        return int(line.split()[1])

    async def taken(self, path: str, content: bytes) -> None:
        """Post until the engine is reached."""
        while (status := await self.post(path, content)) == 503:
            await asyncio.sleep(0.01)
        assert status == 200


def with_hooks(tmp_path: Path, work: Callable[[Hooks], Awaitable[None]]) -> None:
    async def go() -> None:
        hooks = Hooks(tmp_path)
        await hooks.socket.open()
        try:
            started = await hooks.process.start()
            assert started.trouble == "" and started.words == ()
            hooks.port = int(started.url.rpartition(":")[2])
            async with asyncio.timeout(60):
                await work(hooks)
        finally:
            await hooks.process.stop()
            await hooks.socket.close()

    asyncio.run(go())


def test_hints_reach_the_engine_and_nothing_else_does(tmp_path: Path) -> None:
    async def work(hooks: Hooks) -> None:
        await hooks.taken(ORDER, body())
        assert await hooks.post(ORDER, body()) == 200, "posted again: it is none"
        assert await hooks.post(ORDER, body(secret="another")) == 400
        assert await hooks.post(ORDER, body("2", user_id="ZZ9999")) == 400
        notice = b'{"unread": \xff\x00'
        assert await hooks.post(TOKEN, notice) == 200
        assert await hooks.post(TOKEN, b"t" * (NOTICE_BYTES_MAX + 1)) == 413
        assert await hooks.post("/", b"") == 404 and await hooks.post("/api/v1/status", b"") == 404
        assert await hooks.post(ORDER, b"", method="GET") == 405
        await until(lambda: bool(hooks.heard.tokens))
        assert [hint.order_id for hint in hooks.heard.orders] == ["221111000000001"]
        assert hooks.heard.tokens == [("upstox", notice)]

    with_hooks(tmp_path, work)


def test_without_an_engine_the_sender_is_told_to_come_again(tmp_path: Path) -> None:
    async def work(hooks: Hooks) -> None:
        await hooks.taken(ORDER, body("1"))
        await hooks.socket.close()
        n = 0
        while await hooks.post(ORDER, body(f"lost {n}")) != 503:
            n += 1
        assert await hooks.post(TOKEN, b"x") == 503
        hooks.socket = HintSocket(hooks.run_dir, hooks.heard)
        await hooks.socket.open()
        await hooks.taken(ORDER, body("2"))
        await until(lambda: [hint.order_id for hint in hooks.heard.orders][-1:] == ["2"])

    with_hooks(tmp_path, work)


def memory_of(pid: int) -> bytes:
    """What a process has written into its memory."""
    found = []
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            span = re.match(r"([0-9a-f]+)-([0-9a-f]+) rw", line)
            if span is not None:
                start, end = int(span[1], 16), int(span[2], 16)
                memory.seek(start)
                found.append(memory.read(end - start) or b"")
    return b"".join(found)


def test_it_holds_one_secret_and_gives_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No access token and no other secret in its memory or environment, whatever ours has."""
    secrets = {
        "OTRADE_KITE_ACCESS_TOKEN": "anaccesstokenthatisnobodyselse",
        "OTRADE_UPSTOX_API_SECRET": "anothersecretthatisnobodyselse",
        "PYTHON_KITE_TOKEN": "",
    }
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)

    async def work(hooks: Hooks) -> None:
        await hooks.taken(ORDER, body())
        pid = hooks.process.pid
        assert pid is not None
        environment = Path(f"/proc/{pid}/environ").read_bytes()
        assert b"OTRADE_" not in environment
        memory = await asyncio.to_thread(memory_of, pid)
        assert SECRET.encode() in memory, "or this looks in the wrong place"
        for value in filter(None, secrets.values()):
            assert value.encode() not in memory and value.encode() not in environment
        assert Path(f"/proc/{pid}/cmdline").read_bytes().count(SECRET.encode()) == 0
        assert os.getpriority(os.PRIO_PROCESS, pid) >= NICE
        assert int(Path(f"/proc/{pid}/oom_score_adj").read_text()) == OOM_SCORE
        assert resource.prlimit(pid, resource.RLIMIT_DATA)[0] == MEMORY_BYTES_MAX
        assert os.getsid(pid) == pid != os.getsid(0), "Ctrl-C on our terminal is not its own"
        loaded = Path(f"/proc/{pid}/maps").read_text()
        assert "/otrade/_core/" not in loaded, "it knows nothing of the engine"

    with_hooks(tmp_path, work)


def test_it_ends_with_who_started_it_and_says_why_it_cannot_begin(tmp_path: Path) -> None:
    async def go() -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            settings = HooksSettings("127.0.0.1", taken.getsockname()[1], str(tmp_path), {})
            process = ListeningProcess(
                "hooks", hooks_command(), print, told=msgspec.json.encode(settings)
            )
            started = await process.start()
            assert "hooks.port" in started.trouble and "free port" in started.trouble
            assert process.pid is None

    asyncio.run(go())


# ------------------------------------------------------------------------------ the engine's end
def sent(run_dir: Path) -> socket.socket:
    made = socket.socket(socket.AF_UNIX)
    made.connect(str(run_dir / "hooks.sock"))
    made.setblocking(False)
    return made


def chunks(*hints: object) -> bytes:
    frames = FrameWriter(HINT_BYTES_MAX)
    return b"".join(
        chunk for hint in hints for chunk in frames.chunks(msgspec.msgpack.encode(hint))
    )


HINT = OrderHint(broker="kite", order_id="1", order_time="2")
OTHER = OrderHint(broker="kite", order_id="2", order_time="2")


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        struct.pack(">IIB", 1 << 30, 0, 1),
        struct.pack(">IIB", 4, 7, 1) + b"abcd",
        chunks({"type": "kill", "flatten": True}),
        chunks({"type": "order", "broker": "kite", "order_id": "x" * 65, "order_time": ""}),
        chunks({"type": "token", "broker": "upstox", "body": b"t" * (NOTICE_BYTES_MAX + 1)}),
        chunks({"type": "order", "broker": 5}),
        b"".join(chunks(b"[" * 100) for _ in range(3)),
    ],
)
def test_whoever_says_anything_but_hints_is_hung_up_on(tmp_path: Path, garbage: bytes) -> None:
    async def go() -> None:
        heard = Heard()
        hints = HintSocket(tmp_path, heard)
        await hints.open()
        assert stat.S_IMODE(hints.path.stat().st_mode) == 0o600
        loop = asyncio.get_running_loop()
        with sent(tmp_path) as peer:
            await loop.sock_sendall(peer, chunks(HINT) + garbage.replace(b"", b"", 0))
            try:
                assert await loop.sock_recv(peer, 10) == b""
            except ConnectionResetError:
                pass
        assert heard.orders == [HINT] and heard.tokens == []
        with sent(tmp_path) as peer:
            await loop.sock_sendall(peer, chunks(HINT))
            await until(lambda: len(heard.orders) == 2)
        await hints.close()
        assert not hints.path.exists()

    asyncio.run(go())


def test_a_newer_peer_takes_the_place_of_one_that_hangs(tmp_path: Path) -> None:
    async def go() -> None:
        heard = Heard()
        hints = HintSocket(tmp_path, heard)
        await hints.open()
        loop = asyncio.get_running_loop()
        with sent(tmp_path) as first, sent(tmp_path) as second:
            await loop.sock_sendall(first, chunks(HINT)[:5])
            await loop.sock_sendall(second, chunks(HINT))
            await until(lambda: heard.orders == [HINT])
        await hints.close()

    asyncio.run(go())


def test_what_a_peer_that_was_replaced_has_said_is_not_kept(tmp_path: Path) -> None:
    async def go() -> None:
        heard = Heard()
        hints = HintSocket(tmp_path, heard)
        await hints.open()
        loop = asyncio.get_running_loop()
        with sent(tmp_path) as first:
            await loop.sock_sendall(first, chunks(*[HINT] * 60))
            await until(lambda: len(heard.orders) == 1)
            with sent(tmp_path) as second:
                await loop.sock_sendall(second, chunks(*[OTHER] * 3))
                await until(lambda: heard.orders.count(OTHER) == 3)
            assert heard.orders.count(HINT) <= 2  # not one between two of the newer peer's
        await hints.close()

    asyncio.run(go())


def test_settings_show_no_secret() -> None:
    settings = HooksSettings("127.0.0.1", 0, "run", {ORDER: SENDER})
    assert SECRET not in repr(settings) and SECRET in json.dumps(msgspec.to_builtins(settings))
