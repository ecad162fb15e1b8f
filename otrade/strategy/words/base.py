"""The base of every strategy file, and the words of its fields. Here a file runs as plain Python, on
the same bytes of state and parameters as compiled.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any, ClassVar

from otrade._core.kernels import strategy_abi as abi
from otrade.strategy.words.cell import CODES, Cell, RecordField, structure
from otrade.strategy.words.decision import Spoken
from otrade.strategy.words.records import RECORDS, arguments, view

HOOKS = tuple(abi.ENTRY_POINTS)
NOTHING = RecordField("_none", "i8")
"""Stands in a record that has no field: a record of no bytes has no address."""


@dataclass(frozen=True)
class Parameter:
    default: float
    low: float
    high: float
    words: str


@dataclass(frozen=True)
class Reasoned:
    words: str


@dataclass(frozen=True)
class FurtherBars:
    minutes: int


@dataclass(frozen=True)
class Timed:
    seconds: int


def param(default: float, low: float, high: float, words: str) -> Any:
    """A number that the user of the strategy sets: `fast: int = param(9, 1, 200, "fast average, bars")`."""
    return Parameter(default, low, high, words)


def reason(words: str) -> Any:
    """Why the strategy decides, to be shown: `UP = reason("the fast average is above the slow one")`."""
    return Reasoned(words)


def bars(minutes: int) -> Any:
    """Bars of a further length of the same instrument: `quarter = bars(15)`, `self.quarter.close`."""
    return FurtherBars(minutes)


def timer(seconds: int) -> Any:
    """How often `on_timer` is asked: `every = timer(30)`."""
    return Timed(seconds)


class _Param:
    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, it: Strategy, _: object = None) -> Any:
        return getattr(it._params, self.name)

    def __set__(self, it: Strategy, value: object) -> None:
        raise AttributeError(f"{self.name} is a parameter and stays as the user set it")


class _Field:
    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, it: Strategy, _: object = None) -> Any:
        return getattr(it._state, self.name)

    def __set__(self, it: Strategy, value: object) -> None:
        setattr(it._state, self.name, value)


class _Bars:
    def __init__(self, at: int) -> None:
        self.at = at

    def __get__(self, it: Strategy, _: object = None) -> Any:
        return view("bar", it._bars[self.at])


class Strategy:
    """Base of a strategy. Its fields are parameters, state, cells of indicators and reasons."""

    _parameters: ClassVar[dict[str, Parameter]]
    _first: ClassVar[dict[str, Any]]
    _rows: ClassVar[tuple[list[RecordField], list[RecordField]]]

    def __init_subclass__(cls) -> None:
        own = dict(vars(cls))
        kinds = {name: cls.__annotations__[name] for name in cls.__annotations__}
        cls._parameters = {n: v for n, v in own.items() if isinstance(v, Parameter)}
        cls._first = {n: own.get(n) for n in kinds if n not in cls._parameters}
        rows = {n: RecordField(n, CODES.get(kind, kind)) for n, kind in kinds.items()}
        cls._rows = (
            [rows[n] for n in cls._parameters] or [NOTHING],
            [rows[n] for n in cls._first] or [NOTHING],
        )
        for name in kinds:
            setattr(cls, name, _Param(name) if name in cls._parameters else _Field(name))
        for code, name in enumerate((n for n, v in own.items() if isinstance(v, Reasoned)), 1):
            setattr(cls, name, code)
        for at, name in enumerate(n for n, v in own.items() if isinstance(v, FurtherBars)):
            setattr(cls, name, _Bars(at))

    def __init__(self, **given: float) -> None:
        params, state = self._rows
        self._params: Any = structure("params", params)()
        self._state: Any = structure("state", state)()
        self._bars: Any = abi.structure("bars")()
        for name, one in self._parameters.items():
            setattr(self._params, name, given.get(name, one.default))
        for name, first in self._first.items():
            if first is not None:
                setattr(self._state, name, first)

    @property
    def params_bytes(self) -> bytes:
        return bytes(self._params)

    @property
    def state_bytes(self) -> bytes:
        return bytes(self._state)

    def call(self, hook: str, records: dict[str, Any]) -> int:
        """One call as the core makes it, on the core's records; gives the action."""
        self._bars = records["bars"]
        records["decision"].action = abi.NONE
        asked = list(inspect.signature(getattr(self, hook)).parameters)
        assert set(asked) <= set(arguments(hook))
        given = {
            name: Spoken(records["decision"])
            if name == "out"
            else view(RECORDS.get(name, name), records[RECORDS.get(name, name)])
            for name in asked
        }
        getattr(self, hook)(**given)
        return int(records["decision"].action)


__all__ = ["HOOKS", "NOTHING", "Cell", "Strategy", "bars", "param", "reason", "timer"]
