"""A page's server and hooks that are other users than the engine: who may come in by a group, and that
everything else stays the engine's user's alone.
"""

from __future__ import annotations

import asyncio
import grp
import os
import socket
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from otrade.config.manager import from_bytes
from otrade.config.schema import Config
from otrade.config.socket_folders import hooks_folder, server_folder
from otrade.contract import messages
from otrade.contract.hints import OrderHint
from otrade.errors import ConfigError, StartError
from otrade.live.engine_socket import engine_socket, hint_socket, unix_listener
from otrade.live.engine_socket.engine_socket import STRANGERS_MAX, EngineSocket, SharedPlace
from otrade.live.engine_socket.hint_socket import HintSocket
from otrade.live.engine_socket.unix_listener import PeerProcess, listen_unix, may_enter, peer_of
from otrade.stream.delta_stream import DeltaStream
from tests.harness.waiting import until
from tests.hooks.test_process import Heard, chunks
from tests.live.engine_socket.test_engine_socket import CLI, SERVER, SocketPeer, StubRequests
from tests.web.fake_engine import FakeSource

OURS = grp.getgrgid(os.getegid())
"""A group of which this process is a member: any user can give a file to it."""
OTHER_UID, OTHER_GID, THIRD_GID = 40_001, 40_002, 40_003
MEMBER = PeerProcess(OTHER_UID, frozenset({OTHER_GID, OURS.gr_gid}))
NO_MEMBER = PeerProcess(OTHER_UID, frozenset({OTHER_GID}))


class GroupEngine:
    """A socket of the owner's and one for a group. `peer` is whom the kernel says to be there."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.run_dir, self.folder = folder / "var" / "run", folder / "sockets"
        self.run_dir.mkdir(parents=True)
        self.there: PeerProcess | None = None
        source = FakeSource()
        requests: Any = StubRequests(source)
        stream = DeltaStream(source, interval_s=0.05, encode=msgspec.msgpack.encode)
        self.socket = EngineSocket(
            self.run_dir, requests, stream, "paper", SharedPlace(self.folder, OURS.gr_name)
        )
        for module in (engine_socket, hint_socket):
            monkeypatch.setattr(module, "peer_of", lambda connection: self._peer(connection))

    def _peer(self, connection: socket.socket) -> PeerProcess:
        return self.there or peer_of(connection)

    @property
    def shared(self) -> Path:
        return self.folder / messages.SOCKET

    async def said(self, path: Path, hello: object) -> messages.Reply | None:
        """What is answered to a hello; None: it is hung up on."""
        reader, writer = await asyncio.open_unix_connection(str(path))
        peer = SocketPeer(reader, writer)
        try:
            await peer.say(hello)
            found: messages.Reply | None = await peer.hear()
            return found
        except (ConnectionError, asyncio.IncompleteReadError):
            return None
        finally:
            writer.close()


def with_engine(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    work: Callable[[GroupEngine], Awaitable[None]],
) -> None:
    async def go() -> None:
        here = GroupEngine(tmp_path, monkeypatch)
        here.socket.open()
        await here.socket.serve()
        try:
            async with asyncio.timeout(60):
                await work(here)
        finally:
            await here.socket.close()
        assert not here.shared.exists() and not here.socket.path.exists()

    asyncio.run(go())


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_group_s_socket_is_the_group_s_and_the_owner_s_stays_his(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(here: GroupEngine) -> None:
        assert mode_of(here.socket.path) == 0o600
        assert mode_of(here.shared) == 0o660 and here.shared.stat().st_gid == OURS.gr_gid
        assert mode_of(here.folder) == 0o711

    with_engine(tmp_path, monkeypatch, work)


def test_a_member_comes_in_as_a_server_and_nobody_else_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(here: GroupEngine) -> None:
        here.there = MEMBER
        assert isinstance(await here.said(here.shared, SERVER), messages.Welcome)
        told = await here.said(here.shared, CLI)
        assert isinstance(told, messages.Refused) and "own user" in told.words
        assert await here.said(here.socket.path, SERVER) is None, "only its owner's"
        here.there = NO_MEMBER
        assert await here.said(here.shared, SERVER) is None
        for owner in (PeerProcess(os.geteuid(), frozenset()), PeerProcess(0, frozenset())):
            here.there = owner
            for path in (here.shared, here.socket.path):
                assert isinstance(await here.said(path, CLI), messages.Welcome)

    with_engine(tmp_path, monkeypatch, work)


def test_a_group_s_silent_connections_push_out_none_of_the_owner_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(here: GroupEngine) -> None:
        reader, writer = await asyncio.open_unix_connection(str(here.socket.path))
        await until(lambda: len(here.socket._peers) == 1)
        here.there = MEMBER
        crowd = [
            await asyncio.open_unix_connection(str(here.shared)) for _ in range(STRANGERS_MAX + 4)
        ]
        await until(lambda: len(here.socket._peers) == STRANGERS_MAX + 1)
        peer = SocketPeer(reader, writer)
        await peer.say(CLI)
        assert isinstance(await peer.hear(), messages.Welcome)
        for _, one in (*crowd, (reader, writer)):
            one.close()

    with_engine(tmp_path, monkeypatch, work)


def test_hints_come_by_a_group_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hint = OrderHint(broker="kite", order_id="1", order_time="2")

    async def go() -> None:
        here = GroupEngine(tmp_path, monkeypatch)
        heard = Heard()
        hints = HintSocket(here.folder, heard, OURS.gr_name)
        await hints.open()
        assert mode_of(hints.path) == 0o660
        for here.there, n in ((NO_MEMBER, 0), (MEMBER, 1)):
            reader, writer = await asyncio.open_unix_connection(str(hints.path))
            writer.write(chunks(hint))
            if n == 0:
                with pytest.raises((ConnectionError, AssertionError)):
                    assert await reader.read(1) != b""
            await until(lambda n=n: len(heard.orders) == n)
            writer.close()
        await hints.close()

    asyncio.run(go())


# -------------------------------------------------------------------------------------- the folder
@pytest.mark.parametrize("mode", [0o777, 0o731, 0o713])
def test_a_folder_that_others_may_write_is_not_believed(tmp_path: Path, mode: int) -> None:
    folder = tmp_path / "sockets"
    folder.mkdir()
    folder.chmod(mode)
    with pytest.raises(StartError, match="not believed"):
        listen_unix(folder / "engine.sock", OURS.gr_name)


def test_a_link_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "sockets").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StartError, match="is no folder"):
        listen_unix(tmp_path / "sockets" / "engine.sock", OURS.gr_name)


def test_no_such_group(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="there is no group"):
        listen_unix(tmp_path / "sockets" / "engine.sock", "nobody-has-this-one")


def test_a_group_that_is_not_the_engine_s_user_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(unix_listener.os, "chown", refused)
    with pytest.raises(StartError, match="must be a member of it"):
        listen_unix(tmp_path / "sockets" / "engine.sock", OURS.gr_name)


def test_the_owner_s_socket_goes_when_the_group_s_cannot_be(tmp_path: Path) -> None:
    requests: Any = None
    stream: Any = None
    (tmp_path / "sockets").mkdir(mode=0o777)
    (tmp_path / "sockets").chmod(0o777)
    made = EngineSocket(
        tmp_path, requests, stream, "paper", SharedPlace(tmp_path / "sockets", OURS.gr_name)
    )
    with pytest.raises(StartError):
        made.open()
    assert not made.path.exists()


# ------------------------------------------------------------------------------ what the kernel says
def test_who_may_enter() -> None:
    assert may_enter(PeerProcess(os.geteuid(), frozenset()), None)
    assert may_enter(PeerProcess(0, frozenset()), None)
    assert not may_enter(MEMBER, None) and may_enter(MEMBER, OURS.gr_gid)
    assert not may_enter(NO_MEMBER, OURS.gr_gid)


def test_our_own_groups_are_seen() -> None:
    here, there = socket.socketpair(socket.AF_UNIX)
    with here, there:
        found = peer_of(here)
    assert found.uid == os.geteuid()
    assert found.gids == frozenset({os.getegid(), *os.getgroups()})


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another user")
def test_another_user_s_further_groups_are_seen(tmp_path: Path) -> None:
    """By a process that is one."""
    tmp_path.chmod(0o755)
    listener = socket.socket(socket.AF_UNIX)
    with listener:
        path = Path("/tmp") / f"otrade-groups-{os.getpid()}.sock"
        listener.bind(str(path))
        try:
            path.chmod(0o666)
            listener.listen(1)
            child = os.fork()
            if child == 0:
                os.setgroups([THIRD_GID])
                os.setgid(OTHER_GID)
                os.setuid(OTHER_UID)
                with socket.socket(socket.AF_UNIX) as connection:
                    connection.connect(str(path))
                    connection.recv(1)
                os._exit(0)
            connection, _ = listener.accept()
            with connection:
                found = peer_of(connection)
            assert os.waitpid(child, 0)[1] == 0
        finally:
            path.unlink()
    assert found == PeerProcess(OTHER_UID, frozenset({OTHER_GID, THIRD_GID}))
    assert may_enter(found, THIRD_GID) and not may_enter(found, 0)


# --------------------------------------------------------------------------------- the configuration
def configured(**sockets: str) -> Config:
    values = {"mode": "paper", "instruments": [{"symbol": "NSE:INFY"}], "sockets": sockets}
    return from_bytes(msgspec.json.encode(values), "here.json")


def test_folders_by_group() -> None:
    plain = configured()
    assert server_folder(plain) == hooks_folder(plain) == Path("var/run")
    page = configured(folder="/run/otrade", server_group="otrade-page")
    assert server_folder(page) == Path("/run/otrade") and hooks_folder(page) == Path("var/run")
    hooks = configured(folder="/run/otrade", hooks_group="otrade-hooks")
    assert hooks_folder(hooks) == Path("/run/otrade") and server_folder(hooks) == Path("var/run")


@pytest.mark.parametrize(
    "sockets",
    [
        {"server_group": "page"},
        {"hooks_group": "hooks"},
        {"server_group": "page", "folder": "run"},
        {"folder": "/run/otrade"},
        {"folder": "/run/otrade", "server_group": "no group!"},
        {"folder": "/run/otrade", "server_group": "-x"},
    ],
)
def test_what_makes_no_sense(sockets: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="sockets"):
        configured(**sockets)
