"""Records for other tools: JSON Lines, CSV, Parquet. Rows come from `words`; columns of one
export are those of its kinds.
"""

import csv
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import orjson

from otrade.errors import JournalError

COLUMNS = ("seq", "section", "ts_ns", "kind", "offset")
BATCH = 10_000


def write(rows: Iterable[dict[str, Any]], target: Path | None, form: str) -> int:
    """Write the rows to a file, or to standard output; how many. JournalError when it cannot be
    done.
    """
    try:
        if form == "jsonl":
            return _jsonl(rows, target)
        if form == "csv":
            return _csv(rows, target)
        return _parquet(rows, target)
    except OSError as error:
        raise JournalError(f"{target}: {error.strerror}") from None


@contextmanager
def _opened(target: Path | None) -> Iterator[IO[str]]:
    if target is None:
        yield sys.stdout
        return
    with target.open("w", encoding="utf-8", newline="") as out:
        yield out


def _jsonl(rows: Iterable[dict[str, Any]], target: Path | None) -> int:
    n = 0
    with _opened(target) as out:
        for row in rows:
            out.write(orjson.dumps(row, default=str).decode() + "\n")
            n += 1
    return n


def flat(row: dict[str, Any]) -> dict[str, Any]:
    """The record's own columns, and the rest as one column of JSON: kinds differ in their fields, a
    table may not.
    """
    rest = {name: value for name, value in row.items() if name not in COLUMNS}
    return {name: row[name] for name in COLUMNS} | {
        "body": orjson.dumps(rest, default=str).decode()
    }


def _csv(rows: Iterable[dict[str, Any]], target: Path | None) -> int:
    n = 0
    with _opened(target) as out:
        table = csv.DictWriter(out, [*COLUMNS, "body"])
        table.writeheader()
        for row in rows:
            table.writerow(flat(row))
            n += 1
    return n


def _parquet(rows: Iterable[dict[str, Any]], target: Path | None) -> int:
    if target is None:
        raise JournalError("Parquet cannot be written to standard output: name a file with --to")
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise JournalError(
            "Parquet needs the pyarrow library: pip install 'otrade[export]'"
        ) from None
    numbers = [(name, pa.int64()) for name in ("seq", "ts_ns", "offset")]
    schema = pa.schema(
        [*numbers, ("section", pa.int32()), ("kind", pa.string()), ("body", pa.string())]
    )
    n = 0
    with pq.ParquetWriter(target, schema) as out:
        batch: list[dict[str, Any]] = []
        for row in rows:
            batch.append(flat(row))
            n += 1
            if len(batch) == BATCH:
                out.write_table(pa.Table.from_pylist(batch, schema))
                batch = []
        out.write_table(pa.Table.from_pylist(batch, schema))
    return n
