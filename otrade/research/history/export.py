"""History given out again: as the CSV that paper days and warm starts read, or as Parquet in rupees."""

from __future__ import annotations

import csv
import datetime as dt
import os
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

from otrade._core.types import E4
from otrade.calendar import IST
from otrade.errors import HistoryError
from otrade.plain_file import write_beside
from otrade.research.arrow import pa, pc, pq
from otrade.research.history.archive import PriceArchive
from otrade.research.history.month_file import schema_of
from otrade.research.history.series import TICK, PriceSeries, month_of, month_ranges, months_between

RUPEES = pa.decimal128(18, 4)
CSV_TIME = "time_ist"
SUFFIX = "_e4"


def chosen(
    archive: PriceArchive, series: PriceSeries, first: dt.date | None, last: dt.date | None
) -> Any:
    """Rows of these days, in order. HistoryError naming each month that is wanted and not there."""
    there = archive.months(series)
    if not there:
        archive.table(series, month_of(first or last or dt.date.today()))
    begins = month_of(first) if first else there[0]
    months = months_between(begins, month_of(last) if last else max(begins, there[-1]))
    missing = [month for month in months if month not in there]
    if missing:
        try:
            archive.table(series, missing[0])
        except HistoryError as error:
            raise HistoryError(
                f"{error}; missing are {month_ranges(missing)}. Other days can be named: --from, --until"
            ) from None
    table = pa.concat_tables([archive.table(series, month) for month in months])
    times = pc.cast(table["time"], pa.int64())
    if first:
        table = table.filter(pc.greater_equal(times, _us(first)))
        times = pc.cast(table["time"], pa.int64())
    if last:
        table = table.filter(pc.less(times, _us(last + dt.timedelta(days=1))))
    if not table.num_rows:
        raise HistoryError(
            f"{series}: no row from {first or 'the first day'} to {last or 'the last one'}"
        )
    return table


def write_csv(series: PriceSeries, table: Any, out: IO[str]) -> None:
    """Rupees, exact, and Indian time; what is not known is empty."""
    rows = csv.writer(out, lineterminator="\n")
    names = [name for name in schema_of(series).names if name not in ("symbol", "time")]
    if series.length != TICK and table["oi"].null_count == table.num_rows:
        names.remove("oi")
    rows.writerow([CSV_TIME, *(name.replace(SUFFIX, "") for name in names)])
    form = "%Y-%m-%d %H:%M:%S.%f" if series.length == TICK else "%Y-%m-%d %H:%M:%S"
    for batch in table.to_batches(max_chunksize=10_000):
        times = batch["time"].cast(pa.int64()).to_pylist()
        columns = [_texts(name, batch[name]) for name in names]
        for time_us, *values in zip(times, *columns, strict=True):
            at = dt.datetime.fromtimestamp(time_us // 1_000_000, IST)
            rows.writerow([at.replace(microsecond=time_us % 1_000_000).strftime(form), *values])


def write_parquet(table: Any, path: Path) -> None:
    """Prices as decimals in rupees, exact; whole or not at all."""
    columns = {}
    for name in table.column_names:
        if "_e4" in name:
            values = [None if px is None else Decimal(px) / E4 for px in table[name].to_pylist()]
            columns[name.replace(SUFFIX, "")] = pa.array(values, RUPEES)
        else:
            columns[name] = table[name]
    out = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), out, compression="zstd")
    _put(path, out.getvalue().to_pybytes())


def write_csv_file(series: PriceSeries, table: Any, path: Path) -> None:
    """Whole or not at all."""
    import io

    text = io.StringIO(newline="")
    write_csv(series, table, text)
    _put(path, text.getvalue().encode())


def _put(path: Path, data: bytes) -> None:
    try:
        os.replace(write_beside(path, data), path)
    except OSError as error:
        raise HistoryError(f"{path}: {error.strerror}") from None


def _texts(name: str, column: Any) -> Sequence[object]:
    values = column.to_pylist()
    if "_e4" in name:
        return ["" if px is None else _rupees(px) for px in values]
    return ["" if value is None else value for value in values]


def _rupees(px_e4: int) -> str:
    """`1234500` -> `123.45`: as `units.rupees`, ungrouped."""
    whole, part = divmod(px_e4, E4)
    return f"{whole}.{part:04d}" if part % 100 else f"{whole}.{part // 100:02d}"


def _us(date: dt.date) -> int:
    return int(dt.datetime.combine(date, dt.time(), IST).timestamp()) * 1_000_000
