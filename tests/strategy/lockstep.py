"""One strategy file, run compiled and as plain Python on the same events: every decision and every byte of
state must be the same. A small broker that fills at once moves the position.
"""

from __future__ import annotations

import ctypes
import importlib.util
import math
import random
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from otrade._core.kernels import strategy_abi as abi
from otrade.strategy.build.library import Library
from otrade.strategy.check.spec import Spec
from otrade.strategy.loader import load
from otrade.strategy.words.base import Strategy
from otrade.strategy.words.cell import structure
from tests.strategy.guard_pages import READ_ONLY, READ_WRITE, GuardedRecord

OPEN_NS = 1_718_250_300_000_000_000  # 2024-06-13 09:15 IST
MINUTE_NS = 60_000_000_000
DAY_NS = 86_400_000_000_000
BARS_A_DAY = 75
Event = tuple[str, dict[str, dict[str, int]]]


def plain_class(path: Path) -> type[Strategy]:
    """The file's class, imported; after the check only."""
    made = importlib.util.spec_from_file_location(f"strategy_{path.stem}", path)
    assert made and made.loader
    module = importlib.util.module_from_spec(made)
    made.loader.exec_module(module)
    found = [v for v in vars(module).values() if isinstance(v, type) and issubclass(v, Strategy)]
    return next(one for one in found if one is not Strategy)


def events(seed: int, n: int, hooks: list[str], wild: bool = False) -> Iterator[Event]:
    """Bars, and the other hooks that a strategy has, of some days; `wild`: any prices and gaps."""
    rng = random.Random(seed)
    px, count = rng.choice([500_000, 15_000_000, 250_000_000]), 0
    further: dict[str, dict[str, int]] = {}
    volume = drift = 0
    for i in range(n):
        day, index = divmod(i, BARS_A_DAY)
        step = max(px // 1000 // 500, 1)
        before = px
        if i % 40 == 0:
            drift = rng.choice([-step // 2, 0, step // 2])
        px = max(500, px + 500 * (drift + rng.randint(-step, step)))
        if wild and rng.random() < 0.05:
            px = rng.choice([500, 1_000_000, 10**12, px])
        high = max(px, before) + 500 * rng.randint(0, step)
        low = max(min(px, before) - 500 * rng.randint(0, step), 5)
        opens = OPEN_NS + day * DAY_NS + index * 5 * MINUTE_NS
        traded = rng.choice([0, rng.randint(1, 5_000), rng.randint(1, 10**7)])
        volume += traded
        count += 1
        bar = {
            "open": before,
            "high": high,
            "low": low,
            "close": px,
            "volume": traded,
            "n_trades": rng.randint(0, 300),
            "gap": rng.choice([0, 0, 0, 2]),
            "index": index,
            "count": count,
            "minute_of_session": index * 5,
            "ts_open_ns": opens,
            "ts_end_ns": opens + 5 * MINUTE_NS,
        }
        for at, every in enumerate((3, 6, 12, 25)):
            if count % every == 0:
                further[f"bar_{at}"] = {**bar, "count": count // every, "index": index // every}
        clock = {
            "now_ns": opens + 5 * MINUTE_NS,
            "second_of_day": 33_300 + index * 300,
            "minute_of_day": 555 + index * 5,
            "minute_of_session": index * 5 + 5,
            "minutes_left": 370 - index * 5,
            "phase": 3,
            "days_to_expiry": rng.choice([-1, 7 - day % 7]),
        }
        market = {
            "last": px,
            "last_before": before,
            "bid": rng.choice([0, px - 500]),
            "ask": rng.choice([0, px + 500]),
            "bid_qty": rng.randint(0, 900),
            "ask_qty": rng.randint(0, 900),
            "volume": volume,
            "last_qty": rng.randint(0, 100),
            "new_volume": traded,
            "average": px,
        }
        shared = {"clock": clock, "market": market, **further}
        if "on_tick" in hooks:
            for _ in range(2):
                yield "on_tick", shared
        if "on_bar" in hooks:
            yield "on_bar", {"bar": bar, **shared}
        if "on_timer" in hooks and index % 4 == 0:
            yield "on_timer", shared


class Memory:
    """The records of a call. `mode`: plain, or guarded at its end or at its beginning."""

    def __init__(self, spec: Spec, mode: str) -> None:
        kinds = {name: abi.structure(name) for name in (*abi.BYTES, "bars")}
        kinds["params"] = structure("params", spec.params_rows)
        kinds["state"] = structure("state", spec.state_rows)
        self.guards: dict[str, GuardedRecord] = {}
        if mode != "plain":
            self.guards = {n: GuardedRecord(kind, mode == "end") for n, kind in kinds.items()}
        self.records = {
            n: self.guards[n].record if self.guards else kind() for n, kind in kinds.items()
        }
        self.addresses = {n: ctypes.addressof(record) for n, record in self.records.items()}

    def fill(self, given: dict[str, dict[str, int]]) -> None:
        self._allow(READ_WRITE)
        for name, values in given.items():
            if name.startswith("bar_"):
                record = self.records["bars"][int(name[4:])]
            else:
                record = self.records[name]
            for field, value in values.items():
                setattr(record, field, value)
        self._allow(READ_ONLY)

    def _allow(self, how: int) -> None:
        for name, guard in self.guards.items():
            if name not in abi.WRITTEN:
                guard.allow(how)


class Broker:
    """Fills what is decided at the last price, whole and at once."""

    def __init__(self) -> None:
        self.side, self.entry, self.held, self.last_exit, self.closed = 0, 0, 0, 0, 0

    def position(self, px: int) -> dict[str, int]:
        self.held += self.side != 0
        return {
            "side": self.side,
            "qty": 75 * abs(self.side),
            "entry": self.entry,
            "profit": (px - self.entry) * self.side * 75,
            "bars_held": self.held,
            "is_flat": self.side == 0,
            "is_long": self.side > 0,
            "is_short": self.side < 0,
            "last_exit": self.last_exit,
            "n_trades": self.closed,
        }

    def decided(self, action: int, px: int) -> dict[str, int] | None:
        """What is filled."""
        wanted = {abi.BUY: 1, abi.SELL: -1, abi.EXIT: 0}.get(action, self.side)
        if wanted == self.side:
            return None
        left = 75 * abs(self.side)
        self.closed += self.side != 0
        self.last_exit = 6 if self.side else self.last_exit
        self.side, self.entry, self.held = wanted, px if wanted else 0, 0
        entered = 75 * abs(wanted)
        return {
            "entered_qty": entered,
            "entered_price": px if entered else 0,
            "left_qty": left,
            "left_price": px if left else 0,
            "exit_reason": 6 if left else 0,
        }


class Both:
    """The plain class and the library."""

    def __init__(
        self, found: Library, plain: type[Strategy], mode: str = "plain", **given: float
    ) -> None:
        spec = found.spec
        self.loaded = load(found)
        self.memory, self.other = Memory(spec, mode), Memory(spec, "plain")
        self.plain = plain(**given)
        ctypes.memmove(
            self.memory.addresses["params"], self.loaded.params(given), spec.params_bytes
        )
        ctypes.memmove(self.memory.addresses["state"], self.loaded.compiled.state, spec.state_bytes)
        kind = ctypes.CFUNCTYPE
        self.calls = {
            hook: kind(ctypes.c_int64, *[ctypes.c_void_p] * len(abi.ENTRY_POINTS[hook]))(address)
            for hook, address in self.loaded.compiled.entry_points.items()
        }

    def call(self, hook: str, given: dict[str, dict[str, int]]) -> tuple[int, str]:
        """The action, and what differs (nothing)."""
        self.memory.fill(given)
        self.other.fill(given)
        self.memory.records["decision"].action = abi.NONE
        action = self.calls[hook](*(self.memory.addresses[name] for name in abi.ENTRY_POINTS[hook]))
        plain = self.plain.call(hook, self.other.records)
        if action != plain or action != self.memory.records["decision"].action:
            return action, f"{hook} says {action}, plain Python {plain}"
        if action:
            said = _different(self.memory.records["decision"], self.other.records["decision"])
            if said:
                return action, f"{hook}: decision.{said}"
        if bytes(self.memory.records["state"]) != self.plain.state_bytes:
            said = _different(self.memory.records["state"], self.plain._state)
            if said:
                return action, f"{hook}: state.{said}"
        return action, ""


def _different(a: Any, b: Any, path: str = "") -> str:
    """The first field that differs; two that are no numbers are the same."""
    for name, *_ in a._fields_:
        x, y = getattr(a, name), getattr(b, name)
        if isinstance(x, ctypes.Structure):
            if found := _different(x, y, f"{path}{name}."):
                return found
            continue
        pairs = zip(x, y, strict=True) if isinstance(x, ctypes.Array) else [(x, y)]
        for one, other in pairs:
            if _bits(one) != _bits(other):
                return f"{path}{name} is {one!r}, plain Python {other!r}"
    return ""


def _bits(value: Any) -> bytes:
    if isinstance(value, float):
        return b"nan" if math.isnan(value) else struct.pack("<d", value)
    return repr(value).encode()


def run(both: Both, happened: Iterator[Event]) -> tuple[list[int], str]:
    """Actions that were decided, and the first difference."""
    broker, actions = Broker(), []
    for n, (hook, given) in enumerate(happened):
        px = given["market"]["last"]
        action, differs = both.call(hook, {**given, "position": broker.position(px)})
        if differs:
            return actions, f"event {n}: {differs}"
        if action:
            actions.append(action)
        fill = broker.decided(action, px)
        if fill and "on_fill" in both.calls:
            told = {**given, "position": broker.position(px), "fill": fill}
            _, differs = both.call("on_fill", told)
            if differs:
                return actions, f"event {n}: {differs}"
    return actions, ""
