"""The link of the page's server to the engine: it connects, subscribes, and connects again for as long
as it lives. What was told last stays when the engine is gone.
"""

import asyncio
import contextlib
import itertools
import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

import otrade
from otrade.contract import messages, views
from otrade.contract.engine_source import CommandOrder
from otrade.contract.framing import CHUNK_BYTES_MAX, FrameError, FrameReader, FrameWriter
from otrade.engine_link.replica import Replica
from otrade.errors import EngineGoneError

log = logging.getLogger("otrade.web")

CONNECT_WITHIN_S = 5.0
AGAIN_S = (0.1, 0.2, 0.5, 1.0)
"""Between two tries; the last one goes on."""
SILENT_S = 3.0
"""Without a word (a delta comes each interval) it is as good as gone."""
ANSWER_WITHIN_S = 10.0
BROKER_WITHIN_S = 30.0
"""For what the engine has to ask a broker."""
SEEN_WITHIN_S = 0.5
"""How long an answer waits for what it has changed to be told."""
UNDER_WAY_MAX = 12
"""Questions at one time; the engine reads no more than sixteen of one peer."""
LINK_ERRORS = (FrameError, msgspec.MsgspecError, OSError, TimeoutError, asyncio.IncompleteReadError)


class EngineLink:
    """`run` as a task for the life of the process."""

    def __init__(
        self,
        path: Path,
        *,
        now_s: Callable[[], float] = time.monotonic,
        wall_s: Callable[[], float] = time.time,
    ) -> None:
        self.replica = Replica()
        self.heard_ms: int | None = None
        """UNIX time of the last word."""
        self.is_ended = False
        """The last engine has said farewell."""
        self.refusal = ""
        """Why the engine does not let us in; empty when it does."""
        self.pid: int | None = None
        """Of the engine that spoke last."""
        self._path = path
        self._now_s = now_s
        self._wall_s = wall_s
        self._heard_s = float("-inf")
        self._writer: asyncio.StreamWriter | None = None
        self._out = FrameWriter(messages.REQUEST_BYTES_MAX)
        self._sending = asyncio.Lock()
        self._room = asyncio.Semaphore(UNDER_WAY_MAX)
        self._ids = itertools.count(1)
        self._n_told = 0
        self._told = asyncio.Event()
        self._telling: set[asyncio.Task[None]] = set()
        self._waiting: dict[int, asyncio.Future[messages.QueryAnswer | messages.Acted]] = {}
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = msgspec.msgpack.Decoder(messages.Reply).decode

    @property
    def is_up(self) -> bool:
        """The engine has said something a moment ago."""
        return self._writer is not None and self._now_s() - self._heard_s < SILENT_S

    # ------------------------------------------------------------------------------------- talking
    async def run(self) -> None:
        """For ever."""
        n_failed = 0
        while True:
            try:
                await self._talk()
            except LINK_ERRORS as error:
                if self._writer is not None:
                    log.warning("the engine's socket: %s", error or type(error).__name__)
            finally:
                n_failed = 0 if self._hang_up() else n_failed + 1
            await asyncio.sleep(AGAIN_S[min(n_failed, len(AGAIN_S) - 1)])

    async def _talk(self) -> None:
        async with asyncio.timeout(CONNECT_WITHIN_S):
            reader, writer = await asyncio.open_unix_connection(
                str(self._path), limit=CHUNK_BYTES_MAX
            )
        self._out = FrameWriter(messages.REQUEST_BYTES_MAX)
        frames = FrameReader(messages.REPLY_BYTES_MAX)
        self.replica.forget_sequence()
        try:
            await self._send(writer, messages.Hello(role="server", version=otrade.__version__))
            while data := await reader.read(CHUNK_BYTES_MAX):
                frames.feed(data)
                while (message := frames.next()) is not None:
                    await self._hear(self._decode(message), writer)
        finally:
            writer.transport.abort()

    async def _hear(self, reply: messages.Reply, writer: asyncio.StreamWriter) -> None:
        self._heard_s, self.heard_ms = self._now_s(), round(self._wall_s() * 1000)
        match reply:
            case messages.Welcome():
                self.refusal, self.is_ended, self.pid = "", False, reply.pid
                self._writer = writer
                await self._send(writer, messages.Subscribe())
            case messages.Refused():
                self.refusal = reply.words
            case messages.QueryAnswer() | messages.Acted():
                waiting = self._waiting.pop(reply.id, None)
                if waiting is not None and not waiting.done():
                    waiting.set_result(reply)
            case messages.Farewell():
                self.is_ended = True
                self.replica.last = reply.status
            case _:
                if not self.replica.take(reply):
                    await self._send(writer, messages.Subscribe())
                elif not isinstance(reply, views.NoticesMessage):
                    self._n_told += 1
                    self._told.set()

    def _hang_up(self) -> bool:
        """Whether there was a connection. Who waits for an answer is told that there is none."""
        was_up, self._writer = self._writer is not None, None
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(EngineGoneError(self._gone_words()))
        self._waiting.clear()
        return was_up

    async def _send(self, writer: asyncio.StreamWriter, request: messages.Request) -> None:
        async with self._sending:
            for chunk in self._out.chunks(self._encode(request)):
                writer.write(chunk)
            await writer.drain()

    # -------------------------------------------------------------------------------------- asking
    async def ask(
        self,
        name: messages.QueryName,
        args: Mapping[str, int | str] | None = None,
        within_s: float = ANSWER_WITHIN_S,
    ) -> Any:
        """A query's answer, of its own type. EngineGoneError; ValueError when the engine refuses it."""
        request = messages.QueryRequest(id=next(self._ids), name=name, args=dict(args or {}))
        answer = await self._request(request.id, request, within_s)
        assert isinstance(answer, messages.QueryAnswer)
        if answer.trouble:
            raise EngineGoneError(answer.trouble)
        return msgspec.msgpack.decode(answer.found, type=messages.QUERY_ANSWERS[name])

    async def act(
        self, name: views.CommandName, args: messages.CommandArgs, order: CommandOrder
    ) -> messages.Acted:
        """A command. EngineGoneError: it may have been done or not; the same key again says so."""
        request = messages.ActRequest(
            id=next(self._ids),
            name=name,
            args=msgspec.structs.asdict(args),
            actor=order.actor,
            via=order.via,
            key=order.key,
            expires_ms=order.expires_ms,
        )
        acted = await self._request(request.id, request, BROKER_WITHIN_S)
        assert isinstance(acted, messages.Acted)
        await self._seen()
        return acted

    async def _seen(self) -> None:
        """Whoever looks after his command sees what it did: the next reading may have begun before it,
        the one after that has not.
        """
        wanted = self._n_told + 2
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SEEN_WITHIN_S):
                while self._n_told < wanted:
                    self._told.clear()
                    await self._told.wait()

    def tell(self, record: messages.PersonRecord) -> None:
        """For the journal, if there is an engine that keeps one."""
        if self._writer is None or len(self._telling) >= UNDER_WAY_MAX:
            return
        task = asyncio.get_running_loop().create_task(self._tell(self._writer, record))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _tell(self, writer: asyncio.StreamWriter, record: messages.PersonRecord) -> None:
        with contextlib.suppress(*LINK_ERRORS):
            await self._send(writer, record)

    async def finish_login(self, redirected_to: str) -> views.CommandResult:
        """EngineGoneError."""
        request = messages.FinishLogin(id=next(self._ids), redirected_to=redirected_to)
        acted = await self._request(request.id, request, BROKER_WITHIN_S)
        assert isinstance(acted, messages.Acted) and acted.result is not None
        return acted.result

    async def _request(
        self, id: int, request: messages.Request, within_s: float
    ) -> messages.QueryAnswer | messages.Acted:
        writer = self._writer
        if writer is None:
            raise EngineGoneError(self._gone_words())
        answer: asyncio.Future[messages.QueryAnswer | messages.Acted] = (
            asyncio.get_running_loop().create_future()
        )
        try:
            async with asyncio.timeout(within_s), self._room:
                self._waiting[id] = answer
                await self._send(writer, request)
                return await answer
        except TimeoutError:
            raise EngineGoneError(f"the engine has not answered within {within_s:g} s") from None
        except (OSError, FrameError) as error:
            raise EngineGoneError(f"the engine cannot be told: {error}") from None
        finally:
            self._waiting.pop(id, None)
            answer.cancel()

    def _gone_words(self) -> str:
        return self.refusal or "the engine does not answer"

    async def __aenter__(self) -> "EngineLink":
        self._task = asyncio.get_running_loop().create_task(self.run())
        return self

    async def __aexit__(self, *_exc: object) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
