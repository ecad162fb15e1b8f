"""The server's link: a copy that is true, questions, and an engine that goes and comes back."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from otrade.config.manager import load
from otrade.contract import messages, views
from otrade.contract.engine_source import CommandOrder
from otrade.engine_link.link import EngineLink
from otrade.engine_link.replica import Replica
from otrade.errors import EngineGoneError
from otrade.server.source import RemoteEngine
from otrade.stream.delta_stream import DeltaStream
from otrade.stream.row_tables import KEYS
from tests.harness.waiting import until
from tests.live.engine_socket.test_engine_socket import engine, run
from tests.web.fake_engine import STATUS, FakeSource, notice, order, signal

ROOT = Path(__file__).parents[2]


def test_the_copy_is_what_the_source_says() -> None:
    source, copy = FakeSource(), Replica()

    async def test() -> None:
        stream = DeltaStream(source, encode=msgspec.msgpack.encode)
        client = stream.join()
        assert client is not None

        async def hear() -> bool:
            told: Any = msgspec.msgpack.decode(await client.next(), type=messages.Reply)
            return copy.take(told)

        def same() -> bool:
            return (
                copy.last == source.status()
                and all(list(copy.rows(name)) == list(getattr(source, name)()) for name in KEYS)
                and copy.signals(0) == source.signals(0)
                and copy.notices(0) == source.notices(0)
            )

        await stream.tick()
        assert await hear() and same()
        source.change("order", 1, cum_qty=50)
        source.order_rows.append(order("OT0003"))
        source.signal_rows.append(signal(3))
        source.notice_rows.append(notice(3))
        source.status_row = msgspec.structs.replace(STATUS, now_ms=STATUS.now_ms + 1)
        await stream.tick()
        assert await hear() and await hear() and same()
        del source.order_rows[0]  # rows that go make a snapshot
        await stream.tick()
        assert await hear() and same()

    asyncio.run(test())


def test_a_message_that_is_missing_is_noticed() -> None:
    copy = Replica()
    assert not copy.take(views.NoticesMessage(seq=5, notices=[]))
    blank: dict[str, Any] = {name: [] for name in (*KEYS, "signals", "notices")}
    assert copy.take(views.Snapshot(seq=7, status=STATUS, **blank))
    assert copy.take(views.Delta(seq=8, status=STATUS))
    assert not copy.take(views.Delta(seq=10, status=STATUS))
    assert not copy.take(views.Delta(seq=11, status=STATUS)), "only a snapshot helps"
    assert copy.take(views.Snapshot(seq=11, status=STATUS, **blank))


def test_an_engine_goes_and_another_comes(tmp_path: Path) -> None:
    config = load(ROOT / "config" / "paper.json")
    (tmp_path / "run").mkdir()
    var = msgspec.structs.replace(config.paths, var=str(tmp_path))
    config = msgspec.structs.replace(config, paths=var)
    order_of = CommandOrder("anand", "10.0.0.7", "key-of-anand")

    async def test() -> None:
        async with EngineLink(tmp_path / "run" / messages.SOCKET) as link:
            remote = RemoteEngine(link, tmp_path / "paper.json", config)
            blank = remote.status()
            assert blank.lifecycle == "gone" and blank.gone is not None
            assert blank.gone.since_ms is None and "No engine has answered yet" in blank.gone.words
            with pytest.raises(EngineGoneError):
                await link.ask("status")
            with pytest.raises(EngineGoneError):
                await remote.command("pause", views.PauseArgs(), order_of)

            async with engine(tmp_path / "run") as here:
                await until(lambda: link.is_up and link.replica.last is not None, pause_s=0.001)
                assert remote.status() == STATUS
                assert await link.ask("status") == STATUS
                assert list(remote.orders()) == here.source.order_rows
                done = await remote.command("pause", views.PauseArgs(), order_of)
                assert done.result is not None and done.result.ok
                assert here.source.who == ["anand at 10.0.0.7"]
                here.requests.go_on.clear()
                asked = asyncio.create_task(link.ask("status"))
                await until(lambda: here.requests.n_begun == 3)
            with pytest.raises(EngineGoneError):
                await asked
            await until(lambda: not link.is_up, pause_s=0.001)
            gone = remote.status()
            assert gone.lifecycle == "gone" and gone.gone is not None
            assert gone.gone.since_ms == link.heard_ms
            assert (gone.gone.open_qty, gone.gone.protected_qty) == (150, 150)
            assert "has not answered since" in gone.gone.words
            assert "By its last word 150 units were open, 150 of them protected" in gone.gone.words
            assert gone.not_ready and msgspec.structs.replace(
                gone, lifecycle="running", gone=None, not_ready=[]
            ) == msgspec.structs.replace(STATUS)

            async with engine(tmp_path / "run") as second:
                second.source.order_rows = [order("OT0009")]
                second.source.status_row = msgspec.structs.replace(STATUS, day="2025-09-02")
                await until(lambda: link.is_up, pause_s=0.001)
                await until(lambda: remote.status().day == "2025-09-02", pause_s=0.001)
                assert list(remote.orders()) == second.source.order_rows
                ended = msgspec.structs.replace(STATUS, lifecycle="stopped")
                await second.socket.close(ended)
                await until(lambda: link.is_ended, pause_s=0.001)
                last = remote.status()
                assert last.gone is not None and "has ended in order" in last.gone.words

    run(test())
