"""When Python may collect garbage: never while something is open. And what must not cost a page
fault: the next orders.

A full collection walks every container that is alive and stops the loop for milliseconds. What
start-up made is frozen, so that no later collection walks it; automatic collection is off, because
it starts whenever an allocation happens to cross a threshold, which is on a tick as likely as
anywhere; and the young generations are collected on the beat, when nothing is open and at most
every `IDLE_NS`. Reference counting frees all but cycles at once, so little is waiting.
"""

import gc

from otrade._core.engine.engine import Engine
from otrade.clock import NS_PER_S

IDLE_NS = 300 * NS_PER_S


class GcControl:
    """Context manager around a trading day; `on_beat` belongs on the beat."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._next_ns = 0

    def __enter__(self) -> "GcControl":
        gc.collect()
        gc.freeze()
        gc.disable()
        return self

    def on_beat(self, now_ns: int) -> None:
        self._engine.touch_ahead()
        if now_ns >= self._next_ns and self._engine.n_live == 0:
            self._next_ns = now_ns + IDLE_NS
            gc.collect(1)

    def __exit__(self, *_exc: object) -> None:
        gc.enable()
        gc.unfreeze()
