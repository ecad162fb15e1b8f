"""A cell: the state of one indicator, a field of the strategy that uses it.

A cell declares its fields as a class does: `float`, `int`, `bool`, another cell, or `Window`, which
is as many numbers as the user's brackets say (`Sma[64]`). Names that begin with `_` are the cell's
own; the others may be read (`self.bands.upper`). It begins as zeros.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Any, ClassVar, NewType, Self, get_type_hints

Window = NewType("Window", list[float])
"""The last values, oldest overwritten first. A power of two of them, so that an index is masked and
cannot leave it.
"""
WINDOW_MIN, WINDOW_MAX = 2, 4096
CODES: dict[type, str] = {float: "f8", int: "i8", bool: "?"}
CTYPES: dict[str, Any] = {"f8": ctypes.c_double, "i8": ctypes.c_int64, "?": ctypes.c_bool}


@dataclass(frozen=True)
class RecordField:
    """A field of a record. `kind`: f8, i8, ? or the cell that it is; `n`: how many, 0 for one."""

    name: str
    kind: str | type[Cell]
    n: int = 0


class Cell:
    """Base of cells. `size` is 0 where it has no window."""

    size: ClassVar[int] = 0
    _sized: ClassVar[dict[tuple[type[Cell], int], type[Cell]]] = {}
    seen: int
    """How many values it was given, at most the warm-up."""
    ready: bool
    """It has been given as many values as its definition needs."""

    def __class_getitem__(cls, size: int) -> type[Self]:
        """`Sma[64]`, as a strategy file writes it."""
        return cls.sized(size)

    @classmethod
    def sized(cls, size: int) -> type[Self]:
        made = cls._sized.get((cls, size))
        if made is None:
            made = type(f"{cls.__name__}{size}", (cls,), {"size": size})
            cls._sized[cls, size] = made
        return made  # type: ignore[return-value]

    @classmethod
    def rows(cls) -> list[RecordField]:
        """Its fields in order: what all cells have comes first."""
        found = []
        for name, hint in get_type_hints(cls).items():
            if getattr(hint, "__origin__", None) is ClassVar:
                continue
            if hint is Window:
                found.append(RecordField(name, "f8", cls.size))
            elif issubclass(hint, Cell):
                found.append(RecordField(name, hint.sized(cls.size) if hint.has_window() else hint))
            else:
                found.append(RecordField(name, CODES[hint]))
        own = {row.name: row for row in found}
        return [own.pop("seen"), own.pop("ready"), *own.values()]

    @classmethod
    def has_window(cls) -> bool:
        hints = get_type_hints(cls).values()
        return any(
            hint is Window
            or (isinstance(hint, type) and issubclass(hint, Cell) and hint.has_window())
            for hint in hints
        )


def structure(name: str, rows: list[RecordField], _made: dict[Any, Any] = {}) -> Any:  # noqa: B006 - the default is the cache
    """The record in memory, aligned as C does."""
    key = (name, *rows)
    if key not in _made:
        fields = []
        for row in rows:
            kind = (
                CTYPES[row.kind]
                if isinstance(row.kind, str)
                else structure(row.kind.__name__, row.kind.rows())
            )
            fields.append((row.name, kind * row.n if row.n else kind))
        _made[key] = type(name, (ctypes.Structure,), {"_fields_": fields})
    return _made[key]
