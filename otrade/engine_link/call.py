"""One short talk with an engine, as the command line has it: ask, act, hang up. Nothing is waited for
longer than was said.
"""

import getpass
import socket
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec

import otrade
from otrade.contract import messages
from otrade.contract.framing import CHUNK_BYTES_MAX, FrameError, FrameReader, FrameWriter
from otrade.contract.views import CommandName


class NoAnswerError(Exception):
    """The engine does not answer, or not sensibly; says why."""


class EngineCall:
    """Context manager. NoAnswerError from each method."""

    def __init__(self, var: Path, within_s: float) -> None:
        """`within_s`: for all of it, from now on."""
        self._path = var / "run" / messages.SOCKET
        self._end_s = time.monotonic() + within_s
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._in = FrameReader(messages.REPLY_BYTES_MAX)
        self._out = FrameWriter(messages.REQUEST_BYTES_MAX)
        self._n = 0

    def __enter__(self) -> "EngineCall":
        try:
            self._socket.settimeout(self._left_s())
            self._socket.connect(str(self._path))
            self._say(messages.Hello(role="cli", version=otrade.__version__))
            self._hear("welcome")
        except OSError as error:
            self._socket.close()
            raise NoAnswerError(f"{self._path}: {error.strerror or error}") from None
        except NoAnswerError:
            self._socket.close()
            raise
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._socket.close()

    def ask(self, name: messages.QueryName, args: Mapping[str, int | str] | None = None) -> Any:
        """The answer as lists and dicts: an engine of another version is understood as far as it
        goes.
        """
        self._n += 1
        self._say(messages.QueryRequest(id=self._n, name=name, args=dict(args or {})))
        answer = self._hear("answer")
        if answer.get("trouble"):
            raise NoAnswerError(str(answer["trouble"]))
        return answer.get("found")

    def act(
        self, name: CommandName, args: Mapping[str, int | bool | None] | None = None
    ) -> tuple[bool, str]:
        """(done, words) of a command, in the name of the local user."""
        self._n += 1
        self._say(
            messages.ActRequest(
                id=self._n,
                name=name,
                args=dict(args or {}),
                actor=f"local user {getpass.getuser()}",
                via="the command line",
                key=str(uuid.uuid4()),
            )
        )
        acted = self._hear("acted")
        result = acted.get("result")
        if not isinstance(result, dict):
            raise NoAnswerError(str(acted.get("refusal")))
        return bool(result.get("ok")), str(result.get("words"))

    def _say(self, request: messages.Request) -> None:
        try:
            for chunk in self._out.chunks(msgspec.msgpack.encode(request)):
                self._socket.settimeout(self._left_s())
                self._socket.sendall(chunk)
        except (OSError, FrameError) as error:
            raise NoAnswerError(_words(error)) from None

    def _hear(self, kind: str) -> dict[str, Any]:
        """The next message, which must be of that kind."""
        try:
            while (message := self._in.next()) is None:
                self._socket.settimeout(self._left_s())
                data = self._socket.recv(CHUNK_BYTES_MAX)
                if not data:
                    raise NoAnswerError("it has hung up")
                self._in.feed(data)
            said = msgspec.msgpack.decode(message)
        except (OSError, FrameError, msgspec.MsgspecError) as error:
            raise NoAnswerError(_words(error)) from None
        if isinstance(said, dict) and said.get("type") == "refused":
            raise NoAnswerError(str(said.get("words")))
        if not isinstance(said, dict) or said.get("type") != kind:
            raise NoAnswerError("it says something else")
        return said

    def _left_s(self) -> float:
        left_s = self._end_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError("timed out")
        return left_s


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__
