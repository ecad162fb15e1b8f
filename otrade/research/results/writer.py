"""Writes a result folder, a day at a time, in bounded memory. It stands beside its place until it is
whole, and is renamed then: a folder that is there is a whole result.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import shutil
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from otrade.errors import ResultError
from otrade.file_lock import is_locked, lock_file
from otrade.plain_file import NEW, is_own, open_plain, own_file, own_folder
from otrade.research.arrow import pa, pc, pq
from otrade.research.results.facts import RESULT_FILE, VERSION, ResultDay, ResultFacts
from otrade.research.results.schema import FILES, SCHEMAS, table_of_rows

ROWS_A_GROUP = 4_096
LOCK = ".lock"
TABLES_WAITING = 16
"""A day's few rows weigh many times their bytes as tables of their own."""
CHUNK = 1 << 20


class ResultWriter:
    """`with ResultWriter(folder) as writer: writer.add_day(...); writer.finish(facts)`. What is left
    without `finish` leaves nothing. With `replace` a result that is there makes room at the end.
    ResultError says what is refused.
    """

    def __init__(self, folder: Path, *, replace: bool = False) -> None:
        self._folder = folder
        self._replace = replace
        self._require_room()
        self._days: list[ResultDay] = []
        self._last_ns = 0
        self._waiting: dict[str, list[Any]] = {name: [] for name in SCHEMAS}
        try:
            own_folder(folder.parent)
            _clear_abandoned(folder)
            self._beside = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f"{NEW}{folder.name}-"))
            self._lock = lock_file(self._beside / LOCK)
            self._files = {
                name: os.fdopen(own_file(self._beside / file, os.O_WRONLY), "wb")
                for name, file in FILES.items()
            }
        except OSError as error:
            raise ResultError(f"{error.filename or folder}: {error.strerror}") from None
        self._writers = {
            name: pq.ParquetWriter(self._files[name], schema, compression="zstd")
            for name, schema in SCHEMAS.items()
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """What was not finished is taken away."""
        if self._beside.exists():
            self._close()
            os.close(self._lock)
            shutil.rmtree(self._beside, ignore_errors=True)

    def add_day(
        self,
        day: dt.date,
        *,
        trades: Any = (),
        orders: Any = (),
        fills: Any = (),
        equity: Any = (),
        note: str | None = None,
    ) -> ResultDay:
        """The rows of the next trading day; one on which nothing was traded counts too. Each is a
        pyarrow table, columns by name, or rows as dictionaries (`schema.py`).
        """
        if self._days and day <= self._days[-1].date:
            raise ResultError(f"{day} comes after {self._days[-1].date}: days must rise")
        given = {"trades": trades, "orders": orders, "fills": fills, "equity": equity}
        tables = {name: table_of_rows(name, rows) for name, rows in given.items()}
        for name, table in tables.items():
            odd = set(pc.unique(table["day"]).to_pylist()) - {day}
            if odd:
                raise ResultError(f"{name}.day: {min(odd)} among the rows of {day}")
        self._require_order(tables["equity"]["ts_ns"])
        for name, table in tables.items():
            self._waiting[name].append(table)
            if len(self._waiting[name]) == TABLES_WAITING:
                self._waiting[name] = [pa.concat_tables(self._waiting[name]).combine_chunks()]
            if sum(one.num_rows for one in self._waiting[name]) >= ROWS_A_GROUP:
                self._flush(name)
        self._days.append(_day_of(day, tables["trades"], note))
        return self._days[-1]

    def finish(self, facts: ResultFacts) -> Path:
        """Put the folder in its place; `facts` without what the writer knows itself."""
        for name in SCHEMAS:
            self._flush(name)
        try:
            self._close()
            whole = msgspec.structs.replace(
                facts,
                version=VERSION,
                days=self._days,
                n_days=len(self._days),
                files={file: sha256_of(self._beside / file) for file in FILES.values()},
            )
            with os.fdopen(own_file(self._beside / RESULT_FILE, os.O_WRONLY), "wb") as file:
                file.write(msgspec.json.format(msgspec.json.encode(whole), indent=1) + b"\n")
                file.flush()
                os.fsync(file.fileno())
            (self._beside / LOCK).unlink()
            self._put_in_place()
        except OSError as error:
            raise ResultError(f"{error.filename or self._folder}: {error.strerror}") from None
        os.close(self._lock)
        return self._folder

    def _put_in_place(self) -> None:
        self._require_room()
        old = None
        if self._folder.exists():
            old = Path(
                tempfile.mkdtemp(dir=self._folder.parent, prefix=f"{NEW}{self._folder.name}-")
            )
            os.replace(self._folder, old)
        os.rename(self._beside, self._folder)
        if old is not None:
            shutil.rmtree(old)
        parent = os.open(self._folder.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(parent)
        finally:
            os.close(parent)

    def _require_room(self) -> None:
        if not self._folder.exists() and not self._folder.is_symlink():
            return
        if not self._replace:
            raise ResultError(
                f"{self._folder} is there already; name another folder, or replace it"
            )
        if self._folder.is_symlink() or not is_own(self._folder / RESULT_FILE):
            raise ResultError(f"{self._folder} is no result; what is there is not replaced")

    def _require_order(self, times: Any) -> None:
        """Points of the curve come in the order of their time."""
        if not len(times):
            return
        numbers = times.to_numpy()
        if numbers[0] < self._last_ns or (numbers[1:] < numbers[:-1]).any():
            raise ResultError("equity.ts_ns: a point that is earlier than the one before it")
        self._last_ns = int(numbers[-1])

    def _flush(self, name: str) -> None:
        if self._waiting[name]:
            table = pa.concat_tables(self._waiting[name])
            self._writers[name].write_table(table, row_group_size=ROWS_A_GROUP)
            self._waiting[name] = []

    def _close(self) -> None:
        for name, writer in self._writers.items():
            writer.close()
            file = self._files[name]
            if not file.closed:
                file.flush()
                os.fsync(file.fileno())
                file.close()


def _day_of(day: dt.date, trades: Any, note: str | None) -> ResultDay:
    net = trades["net_paise"]
    return ResultDay(
        date=day,
        trades=trades.num_rows,
        net_paise=None if net.null_count else pc.sum(net, min_count=0).as_py(),
        gross_paise=pc.sum(trades["gross_paise"], min_count=0).as_py(),
        note=note,
    )


def _clear_abandoned(folder: Path) -> None:
    """What a writer of this folder left that died."""
    for path in folder.parent.glob(f"{NEW}{folder.name}-*"):
        if path.is_dir() and not path.is_symlink() and not is_locked(path / LOCK):
            shutil.rmtree(path, ignore_errors=True)


def sha256_of(path: Path) -> str:
    """OSError when it cannot be read, or is no ordinary file."""
    digest = hashlib.sha256()
    with open_plain(path) as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
