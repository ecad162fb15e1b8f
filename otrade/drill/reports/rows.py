"""A flat dataclass as a row of JSON and back: numbers, words, lists of words, and counters, whose
keys may be tuples.
"""

from collections import Counter
from dataclasses import MISSING, fields
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

R = TypeVar("R", bound="DataclassInstance")


def row_of(result: "DataclassInstance") -> dict[str, Any]:
    """What differs from the default alone: most of a session's counters stand at nought."""
    row: dict[str, Any] = {}
    for spec in fields(result):
        value = getattr(result, spec.name)
        if spec.default is not MISSING:
            before = spec.default
        else:
            before = spec.default_factory() if spec.default_factory is not MISSING else MISSING
        if before is not MISSING and value == before:
            continue
        row[spec.name] = (
            [[key, n] for key, n in sorted(value.items(), key=repr)]
            if isinstance(value, Counter)
            else value
        )
    return row


def result_of(row: dict[str, Any], cls: type[R]) -> R:
    """TypeError or ValueError where a row is not one of that class."""
    blank = {
        spec.name: spec.default_factory()
        for spec in fields(cls)
        if spec.default_factory is not MISSING
    }
    tuples = {spec.name for spec in fields(cls) if isinstance(spec.default, tuple)}
    values: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(blank.get(name), Counter):
            values[name] = Counter(
                {tuple(key) if isinstance(key, list) else key: n for key, n in value}
            )
        else:
            values[name] = tuple(value) if name in tuples else value
    return cls(**values)
