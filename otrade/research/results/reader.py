"""Reads a result folder: only as it was written, and only of this layout."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import msgspec

from otrade.errors import ResultError
from otrade.plain_file import open_plain, read_plain
from otrade.research.arrow import pa, pq
from otrade.research.results.facts import RESULT_FILE, VERSION, ResultFacts
from otrade.research.results.schema import FILES, SCHEMAS
from otrade.research.results.writer import sha256_of

MOST_BYTES = 64 << 20
"""Of `result.json`: a century of days is far below."""
UNREADABLE = (pa.ArrowException, OSError, ValueError, OverflowError, MemoryError)


class _Version(msgspec.Struct):
    version: int


class Result:
    """A result that is whole: every file was there, and is as it was written, when it was opened."""

    def __init__(self, folder: Path, facts: ResultFacts) -> None:
        self.folder = folder
        self.facts = facts

    @classmethod
    def open(cls, folder: Path) -> Self:
        """ResultError says which file is missing, changed or of another version."""
        facts = read_facts_of(folder)
        for name, file in FILES.items():
            path = folder / file
            if file not in facts.files:
                raise ResultError(f"{folder / RESULT_FILE}: it does not name {file}")
            try:
                digest = sha256_of(path)
            except FileNotFoundError:
                raise ResultError(f"{path} is missing; the result is not whole") from None
            except OSError as error:
                raise ResultError(f"{path}: {error.strerror}") from None
            if digest != facts.files[file]:
                raise ResultError(
                    f"{path} was changed since it was written (its SHA-256 is not the one in {RESULT_FILE})"
                )
            try:
                schema = pq.read_schema(path)
            except UNREADABLE as error:
                raise ResultError(f"{path}: {error}") from None
            if not schema.equals(SCHEMAS[name]):
                raise ResultError(f"{path}: its columns are not those of layout {VERSION}")
        return cls(folder, facts)

    def table(self, name: str, columns: Sequence[str] | None = None) -> Any:
        """One of `trades`, `orders`, `fills`, `equity`, whole, as a pyarrow table."""
        with self._file(name) as file:
            return file.read(columns=list(columns) if columns else None)

    def batches(self, name: str, columns: Sequence[str] | None = None) -> Iterator[Any]:
        """The same, some thousands of rows at a time: what is long is never in memory whole."""
        with self._file(name) as file:
            yield from file.iter_batches(columns=list(columns) if columns else None)

    def n_rows(self, name: str) -> int:
        with self._file(name) as file:
            count: int = file.metadata.num_rows
        return count

    @contextmanager
    def _file(self, name: str) -> Iterator[Any]:
        path = self.folder / FILES[name]
        try:
            with open_plain(path) as file:
                yield pq.ParquetFile(file)
        except UNREADABLE as error:
            raise ResultError(f"{path}: {error}") from None


def read_facts_of(folder: Path) -> ResultFacts:
    """What `result.json` says; its files unread. ResultError when it cannot be believed."""
    path = folder / RESULT_FILE
    try:
        raw = read_plain(path, MOST_BYTES)
    except FileNotFoundError:
        raise ResultError(f"{folder} is no result: there is no {RESULT_FILE}") from None
    except OSError as error:
        raise ResultError(f"{path}: {error.strerror}") from None
    try:
        version = msgspec.json.decode(raw, type=_Version).version
        if version != VERSION:
            raise ResultError(
                f"{path}: a result of layout {version}, and this OTrade reads {VERSION}; "
                "open it with the version that wrote it, or make it again"
            )
        return msgspec.json.decode(raw, type=ResultFacts)
    except msgspec.DecodeError as error:
        raise ResultError(f"{path}: {error}") from None
