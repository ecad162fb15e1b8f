"""The fan-out: what a client hears, and what becomes of one that does not listen. Time is a
number here.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any

import msgspec
import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from otrade.contract import views
from otrade.stream.delta_stream import (
    CLIENTS_MAX,
    CLOSE_INTERNAL,
    CLOSE_TRY_LATER,
    DROP_AFTER_S,
    KEPT_MAX,
    QUEUED_MAX,
    STEP_S,
    DeltaStream,
    StreamClient,
)
from otrade.web.auth.audit import STRANGERS_PER_MIN
from tests.web.fake_engine import STATUS, FakeSource, notice, order, signal

URL = "ws://127.0.0.1:8500/api/v1/ws"


class StepTime:
    """A clock that a test moves. `step_s` passes at every look."""

    def __init__(self) -> None:
        self.s = 1000.0
        self.step_s = 0.0

    def __call__(self) -> float:
        self.s += self.step_s
        return self.s

    def pass_s(self, s: float) -> None:
        self.s += s


@pytest.fixture
def time() -> StepTime:
    return StepTime()


@pytest.fixture
def quiet(source: FakeSource, time: StepTime) -> DeltaStream:
    """A stream that ticks only when the test says so."""
    return DeltaStream(source, interval_s=0.1, now_s=time)


def read(text: str) -> Any:
    return msgspec.json.decode(text, type=views.ServerMessage)


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(test)


async def joined(stream: DeltaStream) -> StreamClient:
    """A client for whom there is a snapshot."""
    client = stream.join()
    assert client is not None
    if not stream.is_fresh:
        await stream.tick()
    return client


async def hear(client: StreamClient) -> Any:
    return read(await asyncio.wait_for(client.next(), 1))


def test_first_a_snapshot_then_only_what_changed(quiet: DeltaStream, source: FakeSource) -> None:
    async def test() -> None:
        client = await joined(quiet)
        first = await hear(client)
        assert isinstance(first, views.Snapshot)
        assert first.status == STATUS
        assert first.orders == source.order_rows
        assert first.notices == source.notice_rows

        source.change("instrument", 1, ltp_e4=32_150_000)
        source.order_rows.append(order("OT0003"))
        source.signal_rows.append(signal(3))
        await quiet.tick()
        delta = await hear(client)
        assert isinstance(delta, views.Delta)
        assert delta.seq == first.seq + 1
        assert [row.id for row in delta.instruments] == [1]
        assert [row.cl_ord_id for row in delta.orders] == ["OT0003"]
        assert [row.seq for row in delta.signals] == [3]
        assert (delta.brackets, delta.positions, delta.trades, delta.strategies) == ([], [], [], [])

    run(test())


def test_a_quiet_delta_names_no_table(quiet: DeltaStream) -> None:
    async def test() -> None:
        client = await joined(quiet)
        await client.next()
        await quiet.tick()
        assert set(msgspec.json.decode(await client.next())) == {"type", "seq", "status"}

    run(test())


def test_notices_are_numbered_with_the_deltas(quiet: DeltaStream, source: FakeSource) -> None:
    async def test() -> None:
        client = await joined(quiet)
        first = await hear(client)
        source.notice_rows.append(notice(3, severity="alarm"))
        await quiet.tick()
        delta, told = await hear(client), await hear(client)
        assert [delta.seq, told.seq] == [first.seq + 1, first.seq + 2]
        assert isinstance(told, views.NoticesMessage)
        assert [(row.seq, row.severity) for row in told.notices] == [(3, "alarm")]
        await quiet.tick()
        assert isinstance(await hear(client), views.Delta)

    run(test())


def test_all_clients_get_the_same_text_and_it_is_built_once(
    quiet: DeltaStream, source: FakeSource
) -> None:
    async def test() -> None:
        clients = [await joined(quiet) for _ in range(3)]
        snapshots = [await client.next() for client in clients]
        n = source.n_status
        await quiet.tick()
        assert source.n_status == n + 1
        deltas = [await client.next() for client in clients]
        for texts in (snapshots, deltas):
            assert texts[0] is texts[1] is texts[2]

    run(test())


def test_a_second_client_continues_where_its_snapshot_ends(
    quiet: DeltaStream, source: FakeSource
) -> None:
    async def test() -> None:
        early = await joined(quiet)
        await early.next()
        source.change("instrument", 0, ltp_e4=1)
        await quiet.tick()
        late = await joined(quiet)
        snapshot = await hear(late)
        assert snapshot.instruments[0].ltp_e4 == 1
        await quiet.tick()
        assert (await hear(late)).seq == snapshot.seq + 1

    run(test())


@pytest.mark.parametrize("gone", ["order", "bracket", "trade", "position"])
def test_a_row_that_is_gone_brings_a_snapshot(
    quiet: DeltaStream, source: FakeSource, gone: str
) -> None:
    async def test() -> None:
        client = await joined(quiet)
        await client.next()
        getattr(source, f"{gone}_rows").pop(0)
        await quiet.tick()
        message = await hear(client)
        assert isinstance(message, views.Snapshot)
        assert len(getattr(message, f"{gone}s")) == len(getattr(source, f"{gone}_rows"))

    run(test())


def test_a_new_day_brings_a_snapshot(quiet: DeltaStream, source: FakeSource) -> None:
    async def test() -> None:
        client = await joined(quiet)
        first = await hear(client)
        source.status_row = msgspec.structs.replace(STATUS, day="2025-09-02")
        source.signal_rows = [signal(1)]
        await quiet.tick()
        message = await hear(client)
        assert isinstance(message, views.Snapshot)
        assert message.seq > first.seq
        assert [row.seq for row in message.signals] == [1]

    run(test())


def test_a_slow_client_gets_one_fresh_snapshot_and_no_backlog(
    quiet: DeltaStream, source: FakeSource
) -> None:
    async def test() -> None:
        slow, fast = await joined(quiet), await joined(quiet)
        await slow.next()
        await fast.next()
        for n in range(1000):
            source.change("instrument", 0, ltp_e4=n)
            await quiet.tick()
            assert (await hear(fast)).instruments[0].ltp_e4 == n
            assert len(slow._queue) <= QUEUED_MAX
        message = await hear(slow)
        assert isinstance(message, views.Snapshot)
        assert message.instruments[0].ltp_e4 == 999
        await quiet.tick()
        assert (await hear(slow)).seq == message.seq + 1

    run(test())


def test_a_stuck_client_is_dropped_and_the_others_go_on(quiet: DeltaStream, time: StepTime) -> None:
    async def test() -> None:
        stuck, idle, fine = await joined(quiet), await joined(quiet), await joined(quiet)
        await stuck.next()
        await fine.next()
        time.s += DROP_AFTER_S
        await quiet.tick()
        assert quiet.n_clients == 3
        await fine.next()
        time.s += 0.1
        await quiet.tick()
        assert stuck.closed.is_set() and stuck.close_code == CLOSE_TRY_LATER
        assert not fine.closed.is_set() and not idle.closed.is_set()
        assert (quiet.n_clients, quiet.n_dropped) == (2, 1)

    run(test())


def test_a_client_that_waits_for_news_is_not_stuck(quiet: DeltaStream, time: StepTime) -> None:
    async def test() -> None:
        client = await joined(quiet)
        await client.next()
        waiting = asyncio.ensure_future(client.next())
        await asyncio.sleep(0)
        time.s += 100 * DROP_AFTER_S
        await quiet.tick()
        assert not client.closed.is_set()
        await waiting

    run(test())


def test_the_interval_grows_with_the_cost_of_building(
    quiet: DeltaStream, source: FakeSource, time: StepTime
) -> None:
    async def test() -> None:
        await joined(quiet)
        assert await quiet.tick() == pytest.approx(0.1)
        source.on_status = lambda: time.pass_s(0.05)
        assert await quiet.tick() == pytest.approx(20 * 0.05)

    run(test())


def test_the_loop_has_its_turn_between_rows_and_between_clients(
    quiet: DeltaStream, source: FakeSource, time: StepTime
) -> None:
    """Somebody else in the loop counts how often he comes to his turn during one tick."""

    async def test() -> None:
        clients = [await joined(quiet) for _ in range(20)]
        for client in clients:
            await client.next()
        turns = 0

        async def somebody() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        other = asyncio.ensure_future(somebody())
        await asyncio.sleep(0)
        before = turns
        await quiet.tick()
        assert turns - before >= len(clients)
        source.order_rows = [order(f"OT{n:04}") for n in range(500)]
        time.step_s = STEP_S / 10  # at every row the clock is looked at
        before = turns
        await quiet.tick()
        assert turns - before >= len(clients) + 500 // 12
        other.cancel()

    run(test())


def test_a_snapshot_in_the_middle_of_a_reading_is_whole(
    quiet: DeltaStream, source: FakeSource, time: StepTime
) -> None:
    """Rows are gone, and somebody asks for everything while the tables are read afresh."""

    async def test() -> None:
        source.order_rows = [order(f"OT{n:04}") for n in range(100)]
        client = await joined(quiet)
        await client.next()
        source.order_rows = source.order_rows[:90]
        time.step_s = 1.0  # every row is a turn of the loop
        tick = asyncio.ensure_future(quiet.tick())
        seen = []
        while not tick.done():
            await asyncio.sleep(0)
            seen.append(len(read(quiet.snapshot()).orders))
        assert len(seen) > 100 and set(seen) == {100, 90}
        assert len((await hear(client)).orders) == 90

    run(test())


def test_nothing_is_built_while_nobody_looks(quiet: DeltaStream, source: FakeSource) -> None:
    async def test() -> None:
        quiet.run()
        await asyncio.sleep(0)
        assert source.n_status == 0
        client = await joined(quiet)
        assert source.n_status == 1
        quiet.leave(client)
        source.change("instrument", 0, ltp_e4=7)
        again = await hear(await joined(quiet))
        assert again.instruments[0].ltp_e4 == 7

    run(test())


def test_a_broken_view_closes_the_clients_and_not_the_engine(
    quiet: DeltaStream, source: FakeSource, caplog: pytest.LogCaptureFixture
) -> None:
    async def test() -> None:
        client = await joined(quiet)
        await client.next()
        source.broken = True
        await quiet.tick()
        assert client.close_code == CLOSE_INTERNAL
        assert quiet.n_clients == 0
        assert "could not be built" in caplog.text

    run(test())


def test_nobody_stays_at_a_broken_view(
    quiet: DeltaStream, source: FakeSource, caplog: pytest.LogCaptureFixture
) -> None:
    async def test() -> None:
        source.broken = True
        client = await joined(quiet)
        assert client.close_code == CLOSE_INTERNAL
        assert "could not be built" in caplog.text
        source.broken = False
        assert isinstance(await hear(await joined(quiet)), views.Snapshot)

    run(test())


def test_there_is_room_for_so_many(quiet: DeltaStream) -> None:
    async def test() -> None:
        clients = [await joined(quiet) for _ in range(CLIENTS_MAX)]
        assert quiet.join() is None
        quiet.leave(clients[0])
        assert quiet.join() is not None
        quiet.close()
        assert quiet.join() is None
        assert all(client.closed.is_set() for client in clients[1:])

    run(test())


def test_a_snapshot_holds_only_the_newest(quiet: DeltaStream, source: FakeSource) -> None:
    async def test() -> None:
        source.notice_rows = [notice(seq) for seq in range(1, KEPT_MAX + 100)]
        message = await hear(await joined(quiet))
        assert len(message.notices) == KEPT_MAX
        assert message.notices[-1].seq == KEPT_MAX + 99

    run(test())


@pytest.mark.parametrize("interval_s", [0, 0.01, 11, float("nan")])
def test_wrong_interval(source: FakeSource, interval_s: float) -> None:
    with pytest.raises(ValueError, match=r"0\.05 to 10"):
        DeltaStream(source, interval_s=interval_s)


# ------------------------------------------------------------------------------ over the socket
def test_socket(client: TestClient, source: FakeSource) -> None:
    with client.websocket_connect(URL) as ws:
        first = read(ws.receive_text())
        assert isinstance(first, views.Snapshot)
        delta = read(ws.receive_text())
        assert isinstance(delta, views.Delta)
        assert delta.seq == first.seq + 1
        ws.send_text('{"type":"resync"}')
        while not isinstance(message := read(ws.receive_text()), views.Snapshot):
            pass
        assert message.seq > first.seq


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"type":"buy"}',
        '{"type":"resync","x":1}',
        "[" * 4000,
        '{"type":' * 500,
        '{"type":{"type":"resync"}}',
        "null",
        "\0",
    ],
)
def test_socket_refuses_what_it_does_not_know(
    client: TestClient, source: FakeSource, stream: DeltaStream, text: str
) -> None:
    with client.websocket_connect(URL) as ws:
        ws.send_text(text)
        with pytest.raises(WebSocketDisconnect) as closed:
            while True:
                ws.receive_text()
        assert closed.value.code == 1007 and "no message of the contract" in closed.value.reason
    assert stream.n_clients == 0
    [(who, what, ok, words)] = source.records
    assert (who, what, ok) == (
        "local user at testclient",
        "page socket",
        False,
    ) and "no message of the contract" in words
    assert source.commands == []


def test_garbage_on_sockets_does_not_fill_the_journal(
    client: TestClient, source: FakeSource
) -> None:
    for _ in range(STRANGERS_PER_MIN + 5):
        with client.websocket_connect(URL) as ws:
            ws.send_text("garbage")
            with pytest.raises(WebSocketDisconnect):
                while True:
                    ws.receive_text()
    assert len(source.records) == STRANGERS_PER_MIN


def test_socket_refuses_bytes(client: TestClient) -> None:
    with client.websocket_connect(URL) as ws:
        ws.send_bytes(b"\x00")
        with pytest.raises(WebSocketDisconnect) as closed:
            while True:
                ws.receive_text()
        assert closed.value.code == 1007


def test_socket_is_closed_with_the_hub(client: TestClient, stream: DeltaStream) -> None:
    with client.websocket_connect(URL) as ws:
        ws.receive_text()
        assert client.portal is not None
        client.portal.call(stream.close)
        with pytest.raises(WebSocketDisconnect) as closed:
            while True:
                ws.receive_text()
        assert closed.value.code == 1001


def test_socket_has_no_room(client: TestClient, stream: DeltaStream) -> None:
    stream.close()
    with client.websocket_connect(URL) as ws, pytest.raises(WebSocketDisconnect) as closed:
        ws.receive_text()
    assert closed.value.code == 1013
