"""One month of a series as a Parquet file: columns, what its metadata say, and the proof that neither
was changed since. docs/history.md has the format for readers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from otrade._core.types import Limit
from otrade.errors import HistoryError
from otrade.plain_file import read_plain
from otrade.price_files.bars import FileBar
from otrade.research.arrow import pa, pc, pq
from otrade.research.history.series import TICK, Origin, PriceSeries, SeriesFacts, date_words

FORMAT = 1
KEY = b"otrade"
"""Of the schema's metadata: JSON, `MonthFacts`."""
INDIA = "Asia/Kolkata"
UNREADABLE = (pa.ArrowException, OSError, ValueError, OverflowError, MemoryError)
"""What a damaged file makes the library raise: whatever a wrong byte leads to."""
UNKNOWN = -(2**63)
"""In place of a value that is not there, where a hash is made."""
TIME = ("time", pa.timestamp("us", tz=INDIA))
BAR_NUMBERS = ("open_e4", "high_e4", "low_e4", "close_e4", "volume", "oi")
BAR_SCHEMA = pa.schema(
    [("symbol", pa.string()), TIME, *((name, pa.int64()) for name in BAR_NUMBERS)]
)
DEPTH_COLUMNS = tuple(
    f"{side}_{what}_{level}"
    for side in ("bid", "ask")
    for what in ("px_e4", "qty", "orders")
    for level in range(1, Limit.DEPTH + 1)
)
TICK_NUMBERS = (
    "ltp_e4", "ltq", "volume", "oi", "avg_px_e4", "buy_qty", "sell_qty", "open_e4", "high_e4", "low_e4", "close_e4",
    "ts_trade_ns", "ts_exch_ns", *DEPTH_COLUMNS,
)  # fmt: skip
TICK_OWN = ("ts_ns", "seq", "packet", "feed")
"""When the engine received it, exactly; which record of its journal and packet of the frame; by which
feed (0, and 1 for a second one).
"""
TICK_SCHEMA = pa.schema(
    [("symbol", pa.string()), TIME, *((name, pa.int64()) for name in (*TICK_OWN, *TICK_NUMBERS))]
)


class MonthFacts(msgspec.Struct, frozen=True):
    """What a month's file says of itself."""

    format: int
    symbol: str
    length: str
    month: str
    rows: int
    first: str
    last: str
    rows_sha256: str
    series: SeriesFacts
    origins: tuple[Origin, ...]
    price_unit: str = "ten-thousandths of a rupee (columns that end in _e4): rupees = value / 10000"
    time: str = "when the bar opened, or the tick was received"


def schema_of(series: PriceSeries) -> Any:
    return TICK_SCHEMA if series.length == TICK else BAR_SCHEMA


def table_of(series: PriceSeries, bars: Sequence[FileBar]) -> Any:
    """Bars as a table."""

    def known(values: Iterable[int]) -> list[int | None]:
        return [None if value < 0 else value for value in values]

    columns = {
        "symbol": [series.symbol] * len(bars),
        "time": pa.array([bar.ts_ns // 1000 for bar in bars], pa.int64()).cast(TIME[1]),
        "open_e4": [bar.open_e4 for bar in bars],
        "high_e4": [bar.high_e4 for bar in bars],
        "low_e4": [bar.low_e4 for bar in bars],
        "close_e4": [bar.close_e4 for bar in bars],
        "volume": known(bar.volume for bar in bars),
        "oi": known(bar.oi for bar in bars),
    }
    return pa.table(columns, BAR_SCHEMA)


def bars_of_table(table: Any) -> list[FileBar]:
    """The bars of a table, as they stand."""
    times = pc.cast(table["time"], pa.int64()).to_pylist()
    numbers = [table[name].to_pylist() for name in BAR_NUMBERS[:4]]
    others = [table[name].fill_null(-1).to_pylist() for name in BAR_NUMBERS[4:]]
    return [FileBar(row[0] * 1000, *row[1:]) for row in zip(times, *numbers, *others, strict=True)]


def encoded(
    series: PriceSeries, month: str, table: Any, facts: SeriesFacts, origins: Sequence[Origin]
) -> tuple[bytes, MonthFacts]:
    """The file's bytes, and what it says of itself."""
    said = MonthFacts(
        FORMAT,
        series.symbol,
        series.length,
        month,
        table.num_rows,
        _time_words(table, 0),
        _time_words(table, table.num_rows - 1),
        rows_sha256(table),
        facts,
        tuple(origins),
    )
    out = pa.BufferOutputStream()
    pq.write_table(
        table.replace_schema_metadata({KEY: msgspec.json.encode(said)}),
        out,
        compression="zstd",
        use_dictionary=["symbol"],
        column_encoding={name: "DELTA_BINARY_PACKED" for name in table.column_names[1:]},
    )
    return out.getvalue().to_pybytes(), said


def read_facts(path: Path) -> MonthFacts:
    """What a file says of itself. HistoryError when it is no file of ours, or another version's."""
    return _facts_of(path, _opened(path, read_plain_file(path)).schema_arrow.metadata)


def read_month(path: Path, series: PriceSeries, month: str) -> tuple[Any, MonthFacts]:
    """A month's table and facts, both proved. HistoryError, naming the file and what to do."""
    # Without threads of its own: one that starts while the process ends, ends it by force.
    file = _opened(path, read_plain_file(path))
    facts = _facts_of(path, file.schema_arrow.metadata)
    if (facts.symbol, facts.length, facts.month) != (series.symbol, series.length, month):
        raise HistoryError(
            f"{path}: it says that it holds {facts.symbol} {facts.length} of {facts.month}, and lies where {series} of {month} should; "
            "move it to its own place"
        )
    if not file.schema_arrow.remove_metadata().equals(schema_of(series)):
        raise HistoryError(f"{path}: its columns are not those of format {FORMAT}; import it anew")
    try:
        table = file.read(use_threads=False).replace_schema_metadata(None)
        table.validate(full=True)
    except UNREADABLE as error:
        raise HistoryError(
            f"{path}: damaged ({_first_line(error)}); take it away and bring the month in again"
        ) from None
    if table.num_rows != facts.rows or rows_sha256(table) != facts.rows_sha256:
        raise HistoryError(
            f"{path}: its rows are not those that OTrade wrote (their hash differs): another program changed it; take it away and "
            "bring the month in again"
        )
    symbols = [name for name in pc.unique(table["symbol"]).to_pylist() if name != series.symbol]
    if symbols:
        raise HistoryError(f"{path}: two symbols in one file: {series.symbol} and {symbols[0]}")
    return table, facts


def read_plain_file(path: Path) -> bytes:
    """HistoryError when it cannot be read."""
    try:
        return read_plain(path)
    except OSError as error:
        raise HistoryError(f"{path}: {error.strerror}") from None


def rows_sha256(table: Any) -> str:
    """A hash of the values alone, whichever version of a library wrote them: each column in order, its
    name, then its values as little-endian integers; of a text its UTF-8, each with a newline.
    """
    digest = hashlib.sha256()
    for name in table.column_names:
        digest.update(name.encode() + b"\n")
        for chunk in table[name].chunks:
            if pa.types.is_string(chunk.type):
                digest.update("".join(f"{text}\n" for text in chunk.to_pylist()).encode())
                continue
            values = pc.fill_null(chunk.cast(pa.int64()), UNKNOWN)
            start = values.offset * 8
            digest.update(memoryview(values.buffers()[1])[start : start + len(values) * 8])
    return digest.hexdigest()


def _time_words(table: Any, row: int) -> str:
    return date_words(table["time"][row].value * 1000)


def _opened(path: Path, data: bytes) -> Any:
    try:
        return pq.ParquetFile(pa.BufferReader(data), pre_buffer=False)
    except UNREADABLE as error:
        raise HistoryError(
            f"{path}: no Parquet file, or damaged ({_first_line(error)}); take it away and bring the month in again"
        ) from None


def _facts_of(path: Path, metadata: dict[bytes, bytes] | None) -> MonthFacts:
    said = (metadata or {}).get(KEY)
    if said is None:
        raise HistoryError(
            f"{path}: no price file of OTrade (it lacks the metadata `otrade`); take it away, or import it as CSV"
        )
    try:
        version = msgspec.json.decode(said, type=_FormatAlone).format
        if version == FORMAT:
            return msgspec.json.decode(said, type=MonthFacts)
    except msgspec.DecodeError as error:
        raise HistoryError(f"{path}: its metadata cannot be read ({error})") from None
    raise HistoryError(
        f"{path}: the file has format {version}, and this build reads format {FORMAT}: use the build that wrote it, or import it again"
    )


class _FormatAlone(msgspec.Struct, frozen=True):
    format: int


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
