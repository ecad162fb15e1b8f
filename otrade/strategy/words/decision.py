"""What a strategy says: `out.buy(...)`, `out.sell(...)`, `out.exit(...)`, `out.move_stop(...)`."""

from __future__ import annotations

from typing import Any

from otrade._core.kernels import strategy_abi as abi

LEVELS = ("stop", "stop_distance", "target", "target_distance")
VERBS: dict[str, tuple[int, tuple[str, ...]]] = {
    "buy": (abi.BUY, (*LEVELS, "qty", "why", "inputs")),
    "sell": (abi.SELL, (*LEVELS, "qty", "why", "inputs")),
    "exit": (abi.EXIT, ("why", "inputs")),
    "move_stop": (abi.MOVE_STOP, ("stop", "why", "inputs")),
}
"""Verb: its action, and the arguments that it knows, all by name."""


def decide(
    o: Any,
    action: int,
    why: int,
    stop_is: int,
    stop: float,
    target_is: int,
    target: float,
    qty: int,
    n_inputs: int,
    input_1: float,
    input_2: float,
    input_3: float,
    input_4: float,
) -> None:
    """Fill the record. Compiled too: one source."""
    o.action = action
    o.why = why
    o.stop_is = stop_is
    o.stop = stop
    o.target_is = target_is
    o.target = target
    o.qty = qty
    o.n_inputs = n_inputs
    o.input_1 = input_1
    o.input_2 = input_2
    o.input_3 = input_3
    o.input_4 = input_4


class Spoken:
    """The decision in plain Python."""

    def __init__(self, record: Any) -> None:
        self.record = record

    def buy(self, **said: Any) -> None:
        self._say("buy", said)

    def sell(self, **said: Any) -> None:
        self._say("sell", said)

    def exit(self, **said: Any) -> None:
        self._say("exit", said)

    def move_stop(self, **said: Any) -> None:
        self._say("move_stop", said)

    def _say(self, verb: str, said: dict[str, Any]) -> None:
        action, known = VERBS[verb]
        if not said.keys() <= set(known):
            raise TypeError(f"out.{verb} takes {', '.join(known)} by name")
        inputs = tuple(said.get("inputs", ()))
        decide(
            self.record,
            action,
            said.get("why", 0),
            *_level(said, "stop"),
            *_level(said, "target"),
            said.get("qty", 0),
            len(inputs),
            *map(float, inputs),
            *(0.0,) * (abi.INPUTS_MAX - len(inputs)),
        )


def _level(said: dict[str, Any], name: str) -> tuple[int, float]:
    if name in said:
        return abi.PRICE, float(said[name])
    distance = f"{name}_distance"
    return (abi.DISTANCE, float(said[distance])) if distance in said else (abi.PLAN, 0.0)
