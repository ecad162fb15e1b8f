"""Tables of brokers' daily instrument files, `<broker>-<date>.table` in one directory, the newest
few kept.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from otrade.errors import InstrumentError
from otrade.instruments.catalog import Catalog, write_catalog
from otrade.instruments.model import Instrument
from otrade.instruments.table import SortedTable

KEPT = 5


class CachedTable(Protocol):
    """A broker's file, whole."""

    def entries(self) -> Iterator[tuple[str, Instrument | str]]: ...


def table_path(directory: Path, broker: str, date: dt.date) -> Path:
    return directory / f"{broker}-{date}.table"


def build(directory: Path, broker: str, date: dt.date, file: CachedTable) -> int:
    """Write that day's table and delete the oldest ones; how many instruments. InstrumentError when
    it cannot be written.
    """
    path = table_path(directory, broker, date)
    try:
        n = write_catalog(path, f"{broker} {date}", file.entries())
    except OSError as error:
        raise InstrumentError(
            f"{path} cannot be written ({error.strerror}); make room, or make the directory writable"
        ) from None
    for _, old in dated(directory, broker)[KEPT:]:
        old.unlink(missing_ok=True)
    return n


def dated(directory: Path, broker: str) -> list[tuple[dt.date, Path]]:
    """A broker's tables, newest first."""
    found = []
    for path in directory.glob(f"{broker}-*.table"):
        try:
            found.append((dt.date.fromisoformat(path.stem.removeprefix(f"{broker}-")), path))
        except ValueError:
            continue
    return sorted(found, reverse=True)


def open_table(path: Path, broker: str, date: dt.date) -> Catalog:
    """InstrumentError when it is damaged, or is another broker's or day's under this name."""
    table = SortedTable(path)
    if table.about != f"{broker} {date}":
        table.close()
        raise InstrumentError(f"{path}: it holds {table.about}, not {broker} {date}; delete it")
    return Catalog(table, f"instrument table of {broker}, {date}")
