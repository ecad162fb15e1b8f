"""Records for other tools: JSON Lines, CSV, Parquet. Rows come from `words`; columns of one
export are those of its kinds.
"""

import csv
import importlib.util
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Any, BinaryIO

import orjson

from otrade.errors import JournalError
from otrade.plain_file import new_file

COLUMNS = ("seq", "section", "ts_ns", "kind", "offset")
BATCH = 10_000


def write(rows: Iterable[dict[str, Any]], target: Path | None, form: str) -> int:
    """Write the rows to a new file, or to standard output; how many. JournalError when it cannot be
    done, and when anything has that name: nothing is overwritten, least of all the journal itself.
    """
    if form == "parquet":
        _require_parquet(target)
    try:
        if target is None:
            return _write_text(rows, sys.stdout, form)
        with _made(target) as out:
            if form == "parquet":
                return _parquet(rows, out)
            with TextIOWrapper(out, encoding="utf-8", newline="") as text:
                return _write_text(rows, text, form)
    except FileExistsError:
        raise JournalError(
            f"{target} is there already, and nothing is overwritten: name a file that does not exist"
        ) from None
    except OSError as error:
        raise JournalError(f"{target}: {error.strerror}") from None


@contextmanager
def _made(target: Path) -> Iterator[BinaryIO]:
    """The new file; it goes again when it cannot be written whole."""
    with new_file(target) as out:
        try:
            yield out
            if not out.closed:
                out.flush()
        except BaseException:
            target.unlink(missing_ok=True)
            raise


def _write_text(rows: Iterable[dict[str, Any]], out: IO[str], form: str) -> int:
    return _csv(rows, out) if form == "csv" else _jsonl(rows, out)


def _jsonl(rows: Iterable[dict[str, Any]], out: IO[str]) -> int:
    n = 0
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


def _csv(rows: Iterable[dict[str, Any]], out: IO[str]) -> int:
    n = 0
    table = csv.DictWriter(out, [*COLUMNS, "body"])
    table.writeheader()
    for row in rows:
        table.writerow(flat(row))
        n += 1
    return n


def _require_parquet(target: Path | None) -> None:
    """Before anything is made. JournalError when it cannot be written."""
    if target is None:
        raise JournalError("Parquet cannot be written to standard output: name a file with --to")
    if importlib.util.find_spec("pyarrow") is None:
        raise JournalError("Parquet needs the pyarrow library: pip install 'otrade[export]'")


def _parquet(rows: Iterable[dict[str, Any]], out: BinaryIO) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    numbers = [(name, pa.int64()) for name in ("seq", "ts_ns", "offset")]
    schema = pa.schema(
        [*numbers, ("section", pa.int32()), ("kind", pa.string()), ("body", pa.string())]
    )
    n = 0
    with pq.ParquetWriter(out, schema) as table:
        batch: list[dict[str, Any]] = []
        for row in rows:
            batch.append(flat(row))
            n += 1
            if len(batch) == BATCH:
                table.write_table(pa.Table.from_pylist(batch, schema))
                batch = []
        table.write_table(pa.Table.from_pylist(batch, schema))
    return n
