"""The core's records as a strategy reads them: prices in rupees, flags as True and False. The rows are
the core's (`_core/kernels/strategy_abi.py`).
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

from otrade._core.kernels import strategy_abi as abi

SPOKEN = {"position": "pos", "decision": "out"}
"""Records that a strategy file calls by a shorter name."""
RECORDS = {spoken: name for name, spoken in SPOKEN.items()}
PRICE_UNIT = 10_000.0
IST_NS, DAY_NS = 19_800_000_000_000, 86_400_000_000_000
DAYS = {"bar": "ts_open_ns", "clock": "now_ns"}
"""Records with a `day`, the number of the Indian date, and the time that it is made from."""
_READ = {"e4": "float", "f8": "float", "i8": "int", "flag": "bool"}


@cache
def readable(record: str) -> dict[str, str]:
    """Fields of a record and the kinds that a strategy reads: float, int or bool."""
    found = {row.field: _READ[row.type] for row in abi.fields(record)}
    return {**found, "day": "int"} if record in DAYS else found


def arguments(hook: str) -> list[str]:
    """What a hook may ask for by name, in the words of a strategy file."""
    own = ("params", "state", "bars")
    return [SPOKEN.get(name, name) for name in abi.ENTRY_POINTS[hook] if name not in own]


def _property(name: str, kind: str) -> property:
    if kind == "e4":
        return property(lambda view: getattr(view.record, name) / PRICE_UNIT)
    if kind == "flag":
        return property(lambda view: getattr(view.record, name) != 0)
    return property(lambda view: getattr(view.record, name))


@cache
def _view(record: str) -> type[Any]:
    fields = {row.field: _property(row.field, row.type) for row in abi.fields(record)}
    if record in DAYS:
        made_from = DAYS[record]
        fields["day"] = property(lambda it: (getattr(it.record, made_from) + IST_NS) // DAY_NS)
    return type(f"{record}_view", (), {"__slots__": ("record",), **fields})


def view(record: str, memory: ctypes.Structure) -> Any:
    """The record as plain Python reads it."""
    made = _view(record)()
    made.record = memory
    return made
