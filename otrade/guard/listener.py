"""A port that strangers reach: one newcomer a turn of the loop, his address looked at before any TLS,
and one slice of one connection's bytes a turn.
"""

import asyncio
import contextlib
import socket
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from otrade.guard.connection import GuardedConnection
from otrade.guard.limits import Bucket, Limits
from otrade.guard.places import Places
from otrade.guard.refusals import Refusals

if TYPE_CHECKING:
    import ssl

BREATH_S = 1.0
"""Without a file descriptor for a newcomer, how long none is taken."""
MakeInner = Callable[[GuardedConnection], asyncio.Protocol]


class Listener:
    """`start`, `stop_listening`."""

    def __init__(
        self,
        sock: socket.socket,
        make_inner: MakeInner,
        limits: Limits,
        refusals: Refusals,
        ssl_context: "ssl.SSLContext | None" = None,
    ) -> None:
        self.limits = limits
        self.refusals = refusals
        self.places = Places(limits)
        self.n_faults = 0
        self._loop = asyncio.get_running_loop()
        now_s = self._loop.time()
        self.bytes_of_all = Bucket(limits.unproven_bytes_per_s, limits.unproven_bytes_per_s, now_s)
        self.requests_of_all = Bucket(
            limits.unproven_requests_per_s, limits.unproven_requests_burst, now_s
        )
        self._sock = sock
        self._make_inner = make_inner
        self._ssl = ssl_context
        self._due: deque[GuardedConnection] = deque()
        self._is_listening = False
        self._handshakes: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        self._is_listening = True
        self._loop.add_reader(self._sock.fileno(), self._accept)

    def stop_listening(self) -> None:
        """Nobody new; who is there stays. Harmless when it has not begun."""
        if self._is_listening:
            self._is_listening = False
            self._loop.remove_reader(self._sock.fileno())
        self._sock.close()
        for task in self._handshakes:
            task.cancel()

    # ------------------------------------------------------------------------------------- newcomers
    def _accept(self) -> None:
        try:
            made, address = self._sock.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return
        except OSError:
            self._loop.remove_reader(self._sock.fileno())
            self._loop.call_later(BREATH_S, self._take_breath)
            return
        made.setblocking(False)
        place = self._place_for(str(address[0]))
        if place is None:
            self._turn_away(made)
            return
        connection = GuardedConnection(self, place, self._make_inner)
        self.places.add(connection)
        task = self._loop.create_task(self._serve(made, connection))
        self._handshakes.add(task)
        task.add_done_callback(partial(self._served, made))

    def _take_breath(self) -> None:
        if self._is_listening:
            self._loop.add_reader(self._sock.fileno(), self._accept)

    def _place_for(self, address: str) -> str | None:
        group = self.places.may_come(address, self._loop.time())
        if group is None:
            return None
        has_place, victim = self.places.find(group, address)
        if isinstance(victim, GuardedConnection):
            self.places.remove(victim)
            victim.send_away()
        return group if has_place else None

    def _turn_away(self, made: socket.socket) -> None:
        with contextlib.suppress(OSError), made:
            if self._ssl is None:
                made.send(self.refusals.wire(503))

    async def _serve(self, made: socket.socket, connection: GuardedConnection) -> None:
        try:
            await self._loop.connect_accepted_socket(
                lambda: connection,
                made,
                ssl=self._ssl,
                ssl_handshake_timeout=None if self._ssl is None else self.limits.handshake_s,
            )
        except OSError:  # ssl.SSLError is one
            made.close()
            self.gone(connection)

    def _served(self, made: socket.socket, task: asyncio.Task[None]) -> None:
        self._handshakes.discard(task)
        if task.cancelled():
            made.close()

    def gone(self, connection: GuardedConnection) -> None:
        self.places.remove(connection)

    # ----------------------------------------------------------------------------------------- turns
    def wants_turn(self, connection: GuardedConnection) -> None:
        self._due.append(connection)
        if len(self._due) == 1:
            self._loop.call_soon(self._next)

    def _next(self) -> None:
        self._due[0].turn()
        self._due.popleft()
        if self._due:
            self._loop.call_soon(self._next)
