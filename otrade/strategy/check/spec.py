"""What a strategy file declares, once it has passed the check."""

from __future__ import annotations

import ast
import ctypes
from collections.abc import Mapping
from dataclasses import dataclass, field

from otrade.strategy.check.faults import nearest
from otrade.strategy.words.base import NOTHING
from otrade.strategy.words.cell import CODES, Cell, RecordField, structure

KINDS = {"int": int, "float": float, "bool": bool}


@dataclass(frozen=True)
class ParameterSpec:
    kind: str
    default: float
    low: float
    high: float
    words: str


@dataclass(frozen=True)
class FieldSpec:
    kind: str | type[Cell]
    first: float | None


@dataclass
class Spec:
    """One strategy. `source` is the file's bytes, which were read once."""

    path: str
    source: bytes
    name: str = ""
    words: str = ""
    params: dict[str, ParameterSpec] = field(default_factory=dict)
    fields: dict[str, FieldSpec] = field(default_factory=dict)
    reasons: dict[str, tuple[int, str]] = field(default_factory=dict)
    bars: dict[str, int] = field(default_factory=dict)
    """Further bar lengths by name, in minutes, in the order of the ABI's `bars`."""
    timer_s: int = 0
    constants: dict[str, tuple[str, float]] = field(default_factory=dict)
    hooks: dict[str, ast.FunctionDef] = field(default_factory=dict)

    def refused(self, given: Mapping[str, float]) -> tuple[str, str]:
        """Name and words of the first parameter that is not there, out of its bounds or of the wrong kind;
        empty when all may stand.
        """
        for name in given:
            if name not in self.params:
                known = nearest(name, self.params)
                return name, f"there is no parameter {name!r}; write {known} instead"
        for name, one in self.params.items():
            value = given.get(name, one.default)
            # Not a number lies between no bounds either.
            if not one.low <= value <= one.high:
                return (
                    name,
                    f"{name} is {value}; write a number from {one.low} to {one.high} instead",
                )
            if one.kind == "int" and value != int(value):
                return name, f"{name} is {value}; write a whole number instead"
        return "", ""

    @property
    def params_rows(self) -> list[RecordField]:
        return [RecordField(n, CODES[KINDS[p.kind]]) for n, p in self.params.items()] or [NOTHING]

    @property
    def state_rows(self) -> list[RecordField]:
        return [
            RecordField(n, CODES[KINDS[f.kind]] if isinstance(f.kind, str) else f.kind)
            for n, f in self.fields.items()
        ] or [NOTHING]

    @property
    def first_state(self) -> bytes:
        """The state before the first call."""
        record = structure("state", self.state_rows)()
        for name, one in self.fields.items():
            if one.first is not None:
                setattr(record, name, one.first)
        return bytes(record)

    @property
    def params_bytes(self) -> int:
        return ctypes.sizeof(structure("params", self.params_rows))

    @property
    def state_bytes(self) -> int:
        return ctypes.sizeof(structure("state", self.state_rows))
