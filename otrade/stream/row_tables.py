"""Tables of rows: what there is, what has changed since it was last read, and each row encoded
once.

Reading yields after every row, so that whoever reads can let the engine go on in between. With
thousands of instruments a whole reading takes longer than an order may wait.
"""

from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import Any

import msgspec

from otrade.contract.engine_views import EngineViews
from otrade.contract.views import Row

Key = int | str

KEYS: dict[str, Callable[[Any], Key]] = {
    "instruments": attrgetter("id"),
    "strategies": attrgetter("id"),
    "brackets": attrgetter("id"),
    "orders": attrgetter("cl_ord_id"),
    "positions": attrgetter("instrument_id"),
    "trades": attrgetter("id"),
}
"""The tables, and what names a row in each."""


class RowTable:
    """The rows of one table as last read, by key: what they are, and their bytes."""

    def __init__(self) -> None:
        self.rows: dict[Key, Row] = {}
        self.texts: dict[Key, msgspec.Raw] = {}


class RowTables:
    """What the engine's tables held when they were last read; half read, some rows are newer than
    others.
    """

    def __init__(self, source: EngineViews, encode: Callable[[Any], bytes]) -> None:
        self._source = source
        self._tables = {name: RowTable() for name in KEYS}
        self._encode = encode
        self.changed: dict[str, list[msgspec.Raw]] = {}
        """By table, encoded: the rows that the last reading found new or different."""
        self.is_less = False
        """Rows that were there were gone at the last reading."""

    def read(self) -> Iterator[None]:
        """Read all tables once; then `changed` and `is_less` are true of it."""
        self.is_less = False
        self.changed = {}
        for name, key_of in KEYS.items():
            changed: list[msgspec.Raw] = []
            n_seen = 0
            table = self._tables[name]
            for row in self._rows(name):
                self._take(table, key_of(row), row, changed)
                n_seen += 1
                yield
            if n_seen < len(table.rows):
                fresh = RowTable()
                for row in self._rows(name):
                    self._take(fresh, key_of(row), row, [])
                    yield
                # Whole or not at all: a snapshot may be asked for at any time.
                self._tables[name] = fresh
                self.is_less = True
            self.changed[name] = changed

    def _rows(self, name: str) -> Iterator[Row]:
        return iter(getattr(self._source, name)())

    def _take(self, table: RowTable, key: Key, row: Row, changed: list[msgspec.Raw]) -> None:
        was = table.rows.get(key)
        if was is row or was == row:
            return
        text = msgspec.Raw(self._encode(row))
        table.rows[key], table.texts[key] = row, text
        changed.append(text)

    def all(self) -> dict[str, list[msgspec.Raw]]:
        """Every row, encoded, by table."""
        return {name: list(table.texts.values()) for name, table in self._tables.items()}
