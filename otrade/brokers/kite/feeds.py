"""Kite's feed over as many connections as the instruments need: 3,000 on each, three for one app
(docs, "WebSocket streaming").

Order updates come on every connection; the first one's are taken. The feed is up when all of its
connections are.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from otrade.brokers.kite.stream import MODES, TOKENS_MAX, KiteStream, StreamCallbacks
from otrade.brokers.transport.frame_reader import FeedLatency

CONNECTIONS_MAX = 3


class KiteFeeds:
    """`make(callbacks, name)` gives a stream; further ones are made when instruments ask for them."""

    def __init__(
        self, callbacks: StreamCallbacks, make: Callable[[StreamCallbacks, str], KiteStream]
    ) -> None:
        self._callbacks = callbacks
        self._make = make
        self._shards: list[KiteStream] = []
        self._shard_of: dict[int, int] = {}
        self._is_running = False
        self._was_up = False
        self.latency = FeedLatency()
        self._add()

    def __repr__(self) -> str:
        return f"KiteFeeds({len(self._shards)})"

    @property
    def is_up(self) -> bool:
        return all(shard.is_up for shard in self._shards)

    @property
    def is_connecting(self) -> bool:
        return any(shard.is_connecting for shard in self._shards)

    def start(self) -> None:
        self._is_running = True
        for shard in self._shards:
            shard.start()

    async def stop(self) -> None:
        self._is_running = False
        await asyncio.gather(*(shard.stop() for shard in self._shards))

    def set_access_token(self, access_token: str) -> None:
        """Reconnect with a new token, at once."""
        for shard in self._shards:
            shard.set_access_token(access_token)

    def subscribe(self, wanted: Sequence[tuple[int, str]]) -> None:
        """Add (token, mode) pairs, or change modes. ValueError for an unknown mode or more
        instruments than three connections carry; then nothing has changed.
        """
        new = dict(wanted)
        for mode in new.values():
            if mode not in MODES:
                raise ValueError(f"feed mode {mode!r} is not one of {', '.join(MODES)}")
        n_tokens = len(self._shard_of.keys() | new.keys())
        if n_tokens > TOKENS_MAX * CONNECTIONS_MAX:
            raise ValueError(
                f"{n_tokens} instruments are more than Kite's {CONNECTIONS_MAX} connections of {TOKENS_MAX} carry"
            )
        loads = [0] * CONNECTIONS_MAX
        for at in self._shard_of.values():
            loads[at] += 1
        parts: dict[int, list[tuple[int, str]]] = {}
        for token, mode in new.items():
            at = self._shard_of.get(token, -1)
            if at < 0:
                at = next(i for i, load in enumerate(loads) if load < TOKENS_MAX)
                loads[at] += 1
                self._shard_of[token] = at
            parts.setdefault(at, []).append((token, mode))
        for at, part in sorted(parts.items()):
            while len(self._shards) <= at:
                self._add()
            self._shards[at].subscribe(part)

    def unsubscribe(self, tokens: Sequence[int]) -> None:
        """Forget tokens. Their connection stays: it may be wanted again."""
        for at, shard in enumerate(self._shards):
            shard.unsubscribe([token for token in tokens if self._shard_of.get(token) == at])
        for token in tokens:
            self._shard_of.pop(token, None)

    def _add(self) -> None:
        first = not self._shards
        shard_calls = msgspec.structs.replace(
            self._callbacks,
            on_up=self._on_up,
            on_down=self._on_down,
            on_order=self._callbacks.on_order if first else _nobody,
            on_message=self._callbacks.on_message if first else lambda kind, text: None,
        )
        shard = self._make(shard_calls, "feed" if first else f"feed {len(self._shards) + 1}")
        shard.latency = self.latency
        self._shards.append(shard)
        if self._is_running:
            shard.start()

    def _on_up(self) -> None:
        if self.is_up:
            self._was_up = True
            self._callbacks.on_up()

    def _on_down(self, why: str) -> None:
        was_up, self._was_up = self._was_up, False
        if was_up:
            self._callbacks.on_down(why)


def _nobody(row: dict[str, Any]) -> None:
    """The first connection has told it."""
