"""The fan-out to the page: one delta an interval, built and encoded once, the same text for every
client.

The engine never waits for a client. A client that lags has its queue replaced by one fresh
snapshot; a client that takes nothing for `DROP_AFTER_S` is dropped. While nobody looks nothing is
built. Building may take at most one part in `BUILD_SHARE` of the loop's time: with more rows the
interval grows.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Any

import msgspec

from .schema import Delta, Notice, NoticeView, Row, SignalView, Snapshot, Status
from .source import EngineSource

log = logging.getLogger("otrade.web")

INTERVAL_S = 0.1
BUILD_SHARE = 20
QUEUED_MAX = 4
DROP_AFTER_S = 10.0
CLIENTS_MAX = 16
KEPT_MAX = 500  # signals and notices in a snapshot

CLOSE_GOING_AWAY = 1001
CLOSE_INTERNAL = 1011
CLOSE_TRY_LATER = 1013
CLOSE_NOT_SIGNED_IN = 4401
"""The session behind the socket has ended."""

KEYS: dict[str, Callable[[Any], int | str]] = {
    "instruments": attrgetter("id"),
    "strategies": attrgetter("id"),
    "brackets": attrgetter("id"),
    "orders": attrgetter("cl_ord_id"),
    "positions": attrgetter("instrument_id"),
    "trades": attrgetter("id"),
}
"""The tables of rows, and what names a row in each."""


class Client:
    """One reader: a short queue, and whether it must be told everything afresh."""

    def __init__(self, hub: "Hub", may_stay: Callable[[], bool]) -> None:
        self._hub = hub
        self.may_stay = may_stay
        self._queue: deque[str] = deque()
        self._ready = asyncio.Event()
        self._wants_all = True
        self._busy_since_s: float | None = None
        self.closed = asyncio.Event()
        self.close_code = 0
        self._ready.set()

    def offer(self, text: str) -> None:
        """Queue a message, or note that only a snapshot will do when too many wait already."""
        if self._wants_all:
            return
        if len(self._queue) >= QUEUED_MAX:
            self.resync()
            return
        self._queue.append(text)
        self._ready.set()

    def resync(self) -> None:
        """The next message is a snapshot; what waits is void."""
        self._queue.clear()
        self._wants_all = True
        self._ready.set()

    async def next(self) -> str:
        """The next message. Calling again says that the one before it has left."""
        self._busy_since_s = None
        await self._ready.wait()
        self._busy_since_s = self._hub.now_s()
        if self._wants_all:
            self._wants_all = False
            text = self._hub.snapshot()
        else:
            text = self._queue.popleft()
        if not self._queue:
            self._ready.clear()
        return text

    def is_stuck(self, now_s: float) -> bool:
        return self._busy_since_s is not None and now_s - self._busy_since_s > DROP_AFTER_S

    def close(self, code: int) -> None:
        self.close_code = code
        self.closed.set()


class Hub:
    """Knows what every client was told last, and tells the difference.

    `now_s` is a monotonic clock in seconds; it only paces the sending, the engine's time comes in
    `Status`.
    """

    def __init__(
        self,
        source: EngineSource,
        *,
        interval_s: float = INTERVAL_S,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        if not 0.05 <= interval_s <= 10:
            raise ValueError(f"the page's interval is {interval_s} s; it must be 0.05 to 10 s")
        self.now_s = now_s
        self.n_dropped = 0
        self._source = source
        self._interval_s = interval_s
        self._clients: set[Client] = set()
        self._task: asyncio.Task[None] | None = None
        self._is_closed = False
        self._seq = 0
        self._status: Status | None = None
        self._tables: dict[str, dict[int | str, Row]] = {name: {} for name in KEYS}
        self._signals: deque[SignalView] = deque(maxlen=KEPT_MAX)
        self._notices: deque[NoticeView] = deque(maxlen=KEPT_MAX)
        self._snapshot: str | None = None
        self._encode = msgspec.json.Encoder().encode

    # ---------------------------------------------------------------------------------- clients
    @property
    def n_clients(self) -> int:
        return len(self._clients)

    def join(self, may_stay: Callable[[], bool] = lambda: True) -> Client | None:
        """A new reader, whose first message is a snapshot, and who is sent away once `may_stay` says
        no. None when there are `CLIENTS_MAX`, when the data cannot be built, or when the hub is
        closed.
        """
        if self._is_closed or len(self._clients) >= CLIENTS_MAX:
            return None
        if not self._clients:
            try:
                self._reload()
            except Exception:
                log.exception("the page's data could not be built; a client is sent away")
                return None
        client = Client(self, may_stay)
        self._clients.add(client)
        return client

    def leave(self, client: Client) -> None:
        self._clients.discard(client)

    def run(self) -> None:
        """Tick in the running loop until nobody looks any more. Harmless when it ticks already."""
        if self._task is None and self._clients:
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        try:
            while self._clients:
                await asyncio.sleep(self.tick())
        finally:
            self._task = None

    def close(self) -> None:
        """Tell every client to go. The ticking ends by itself with the last of them."""
        self._is_closed = True
        self._close_all(CLOSE_GOING_AWAY)

    def _close_all(self, code: int) -> None:
        for client in self._clients:
            client.close(code)
        self._clients.clear()

    # ---------------------------------------------------------------------------------- ticking
    def tick(self) -> float:
        """Send what changed to all clients. Returns the seconds to wait until the next tick."""
        started_s = self.now_s()
        for client in [client for client in self._clients if client.is_stuck(started_s)]:
            self._clients.discard(client)
            self.n_dropped += 1
            client.close(CLOSE_TRY_LATER)
        for client in [client for client in self._clients if not client.may_stay()]:
            self._clients.discard(client)
            client.close(CLOSE_NOT_SIGNED_IN)
        try:
            self._send_changes()
        except Exception:
            # A view that cannot be built must not take the engine's loop down with it, nor fill
            # the log ten times a second.
            log.exception("the page's data could not be built; its clients are disconnected")
            self._close_all(CLOSE_INTERNAL)
        return max(self._interval_s, (self.now_s() - started_s) * BUILD_SHARE)

    def _send_changes(self) -> None:
        status = self._source.status()
        tables = self._read_tables()
        if self._is_new_day(status) or any(
            not self._tables[name].keys() <= rows.keys() for name, rows in tables.items()
        ):
            self._reload()
            for client in self._clients:
                client.resync()
            return
        changed: dict[str, Any] = {
            name: [row for key, row in rows.items() if self._tables[name].get(key) != row]
            for name, rows in tables.items()
        }
        signals = self._source.signals(_last_seq(self._signals))
        notices = self._source.notices(_last_seq(self._notices))
        self._status, self._tables = status, tables
        self._signals.extend(signals)
        self._notices.extend(notices)
        self._offer(Delta(seq=self._seq + 1, status=status, signals=list(signals), **changed))
        if notices:
            self._offer(Notice(seq=self._seq + 1, notices=list(notices)))

    def _offer(self, message: Delta | Notice) -> None:
        self._seq = message.seq
        self._snapshot = None
        text = self._encode(message).decode()
        for client in self._clients:
            client.offer(text)

    # ------------------------------------------------------------------------------------ state
    def snapshot(self) -> str:
        """Everything as of the last message; encoded once between two messages."""
        if self._snapshot is None:
            assert self._status is not None, "a client joins only after the first reload"
            tables: dict[str, Any] = {
                name: list(rows.values()) for name, rows in self._tables.items()
            }
            message = Snapshot(
                seq=self._seq,
                status=self._status,
                signals=list(self._signals),
                notices=list(self._notices),
                **tables,
            )
            self._snapshot = self._encode(message).decode()
        return self._snapshot

    def _reload(self) -> None:
        """Read everything afresh: nobody looked for a while, a new day, or rows are gone."""
        self._status = self._source.status()
        self._tables = self._read_tables()
        self._signals = deque(self._source.signals(0), maxlen=KEPT_MAX)
        self._notices = deque(self._source.notices(0), maxlen=KEPT_MAX)
        self._seq += 1
        self._snapshot = None

    def _read_tables(self) -> dict[str, dict[int | str, Row]]:
        return {name: _keyed(getattr(self._source, name)(), key) for name, key in KEYS.items()}

    def _is_new_day(self, status: Status) -> bool:
        return self._status is not None and status.day != self._status.day


def _keyed(rows: Iterable[Row], key: Callable[[Row], int | str]) -> dict[int | str, Row]:
    return {key(row): row for row in rows}


def _last_seq(rows: Sequence[SignalView | NoticeView] | deque[Any]) -> int:
    return int(rows[-1].seq) if rows else 0
