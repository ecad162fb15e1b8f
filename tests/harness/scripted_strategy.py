"""Compiled strategies whose entry points are Python functions: what the core shows them is kept, and
what they say is the test's to write.
"""

from __future__ import annotations

import ctypes
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from otrade._core.kernels.strategy_abi import (
    BARS_MAX,
    ENTRY_POINTS,
    CompiledStrategy,
    structure,
)
from otrade._core.market.strategy import register
from otrade._core.types import Action, Level

STATE_BYTES = 16
_STRUCTURES = {
    name: structure(name)
    for name in ("bar", "bars", "market", "position", "clock", "fill", "decision")
}
_numbers = itertools.count()
_alive: list[Any] = []
"""ctypes' callbacks: the core keeps their addresses for the life of the process."""


class ShownCall:
    """What one call was shown. `decision` is the core's own memory; the rest reads as a strategy file
    reads it: prices in rupees.
    """

    def __init__(self, entry: str, given: dict[str, Any], state: Any) -> None:
        self.entry = entry
        self.given = given
        self.state = state

    def __getattr__(self, name: str) -> Any:
        return self.given[name]

    def say(
        self,
        action: Action,
        *,
        stop: float = 0.0,
        stop_is: int = Level.PLAN,
        target: float = 0.0,
        target_is: int = Level.PLAN,
        qty: int = 0,
        why: int = 0,
        inputs: tuple[float, ...] = (),
    ) -> None:
        d = self.given["decision"]
        d.action, d.why, d.qty = action, why, qty
        d.stop, d.stop_is, d.target, d.target_is = stop, stop_is, target, target_is
        d.n_inputs = len(inputs)
        for at, value in enumerate((*inputs, 0.0, 0.0, 0.0, 0.0)[:4], 1):
            setattr(d, f"input_{at}", value)


Handler = Callable[[ShownCall], None]


def copied(record: Any) -> Any:
    """A record as it is now, for the test to look at later."""
    return type(record).from_buffer_copy(record)


@dataclass
class ScriptedStrategy:
    """Registers itself under a build of its own."""

    on_bar: Handler | None = None
    on_tick: Handler | None = None
    on_timer: Handler | None = None
    on_fill: Handler | None = None
    timer_s: int = 0
    params_bytes: int = 0
    calls: list[ShownCall] = field(default_factory=list)
    build: str = field(default_factory=lambda: f"scripted{next(_numbers)}")

    def __post_init__(self) -> None:
        handlers = {name: getattr(self, name) for name in ENTRY_POINTS}
        addresses = {
            name: self._entry_point(name, handler) for name, handler in handlers.items() if handler
        }
        register(
            CompiledStrategy(
                build=self.build,
                name="Scripted",
                entry_points=addresses,
                params_bytes=self.params_bytes,
                state=bytes(STATE_BYTES),
                timer_s=self.timer_s,
                reasons=("first", "second"),
            )
        )

    def _entry_point(self, entry: str, handler: Handler) -> int:
        names = ENTRY_POINTS[entry]

        def call(*pointers: int) -> int:
            given = {
                name: _STRUCTURES[name].from_address(address)
                for name, address in zip(names, pointers, strict=True)
                if name in _STRUCTURES
            }
            state = (ctypes.c_int64 * 2).from_address(pointers[1])
            handler(ShownCall(entry, given, state))
            kept = {name: copied(record) for name, record in given.items()}
            self.calls.append(ShownCall(entry, kept, list(state)))
            return int(given["decision"].action)

        made = ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_void_p] * len(names))(call)
        _alive.append(made)
        return ctypes.cast(made, ctypes.c_void_p).value or 0

    def seen(self, entry: str) -> list[ShownCall]:
        return [call for call in self.calls if call.entry == entry]


assert ctypes.sizeof(_STRUCTURES["bars"]) == BARS_MAX * ctypes.sizeof(_STRUCTURES["bar"])
