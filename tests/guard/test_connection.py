"""The guard on real sockets: what comes is handed on in slices, what is too much or too slow ends."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import uvloop

from otrade.errors import StartError
from otrade.guard.connection import SLICE_BYTES
from otrade.guard.http_server import GuardedServer, listen
from otrade.guard.limits import Limits
from otrade.guard.refusals import Refusals

Work = Callable[["Place"], Awaitable[None]]
POST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"


class Place:
    """A server whose application notes what it was given."""

    def __init__(self, limits: Limits, reads: bool, answer: int) -> None:
        self.reads = reads
        self.answer = answer
        self.bodies: list[int] = []
        self.largest = 0
        self.port = 0
        self.server = GuardedServer(self.app, limits=limits, refusals=Refusals())

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        n, more = 0, self.reads
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            self.largest = max(self.largest, len(message["body"]))
            n += len(message["body"])
            more = message["more_body"]
        self.bodies.append(n)
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [(b"content-length", str(self.answer).encode())],
            }
        )
        await send({"type": "http.response.body", "body": b"a" * self.answer})

    async def say(self, data: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(data)
        try:
            return await reader.read()
        except ConnectionResetError:
            return b"reset"
        finally:
            writer.close()


def serve(work: Work, limits: Limits | None = None, *, reads: bool = True, answer: int = 2) -> None:
    async def go() -> None:
        place = Place(limits or Limits(), reads, answer)
        sock = listen("127.0.0.1", 0, 16)
        place.port = sock.getsockname()[1]
        task = place.server.serve_on(sock)
        await place.server.started_by(task, StartError("it ended"))
        try:
            await work(place)
        finally:
            place.server.should_exit = True
            place.server.abort_connections()
            await task

    for run in (uvloop.run, asyncio.run):
        run(go())


def test_a_body_comes_whole_and_in_slices() -> None:
    async def work(place: Place) -> None:
        n = 300_000
        close = POST.replace(b"Host", b"Connection: close\r\nHost")
        assert b"200 OK" in await place.say(close % n + b"b" * n)
        assert place.bodies == [n]
        listener = place.server.listener
        assert listener is not None and not listener._due and len(listener.places) == 0

    serve(work)


def test_nothing_is_handed_on_faster_than_it_is_taken() -> None:
    """An application that does not read has at most what the server keeps, and a slice."""

    async def work(place: Place) -> None:
        assert (await place.say(POST % 10_000_000 + b"b" * 10_000_000)).count(b"200 OK") in (0, 1)
        assert place.bodies == [0]

    serve(work, reads=False)
    assert SLICE_BYTES < Limits().head_bytes


@pytest.mark.parametrize(
    ("limits", "text", "status"),
    [
        (Limits(request_bytes=50_000), POST % 100_000 + b"b" * 100_000, b"413"),
        (Limits(body_s=0.05), POST % 10, b"408"),
        (Limits(head_s=0.05), POST[:20], b"408"),
        (Limits(), b"GET / HTTP/1.1\r\n" + b"A: \r\n" * 10_000, b"431"),
        (Limits(), b"\x00\x01\x02\r\n\r\n", b"400"),
    ],
)
def test_what_is_too_much_or_too_slow_is_told_so(
    limits: Limits, text: bytes, status: bytes
) -> None:
    async def work(place: Place) -> None:
        answer = await place.say(text)
        assert answer == b"reset" or answer.split(b" ")[1] == status
        assert place.bodies == []

    serve(work, limits)


def test_a_body_that_goes_on_after_its_answer_ends_soon() -> None:
    """And one that has come whole, or none at all, keeps its connection."""

    async def work(place: Place) -> None:
        first = await place.say(POST % 100 + b"b" * 50)
        assert b"200 OK" in first and b"408" in first.split(b"200 OK", 1)[1]
        begun = asyncio.get_running_loop().time()
        close = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        assert (await place.say(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" + close)).count(b"200") == 2
        print(f"{asyncio.get_running_loop().time() - begun:.3f} s")

    serve(work, Limits(close_s=0.05, head_s=1000), reads=False)


def test_whoever_takes_nothing_is_hung_up_on() -> None:
    async def work(place: Place) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", place.port, limit=1024)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        listener = place.server.listener
        assert listener is not None
        while not place.bodies:
            await asyncio.sleep(0)
        async with asyncio.timeout(20):
            while len(listener.places):
                await asyncio.sleep(0.01)
        writer.close()

    serve(work, Limits(stalled_s=0.05), answer=40_000_000)


def test_a_stranger_waits_when_all_together_bring_too_much() -> None:
    """More requests than a second may bring wait; none is lost."""

    async def work(place: Place) -> None:
        close = POST.replace(b"Host", b"Connection: close\r\nHost") % 0
        answers = await asyncio.gather(*(place.say(close) for _ in range(20)))
        assert all(b"200 OK" in answer for answer in answers) and len(place.bodies) == 20
        listener = place.server.listener
        assert listener is not None
        now_s = asyncio.get_running_loop().time()
        assert listener.requests_of_all.take(0, now_s) >= 0

    serve(work, Limits(unproven_requests_per_s=200, unproven_requests_burst=5))
