"""A folder of months: `EXCHANGE/NAME/LENGTH/YYYY-MM.parquet`, with a small manifest beside the months of
each series.

A change is prepared whole, written beside what is there, and then renamed: what is refused, or dies
on the way, leaves every month as it was.
"""

from __future__ import annotations

import hashlib
import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import msgspec

from otrade.errors import HistoryError
from otrade.file_lock import lock_file
from otrade.plain_file import NEW, write_beside
from otrade.price_files.bars import FileBar
from otrade.research.arrow import pa, pc
from otrade.research.history.findings import HistoryFinding
from otrade.research.history.month_file import (
    BAR_SCHEMA,
    FORMAT,
    MonthFacts,
    bars_of_table,
    encoded,
    read_facts,
    read_month,
    read_plain_file,
    schema_of,
    table_of,
)
from otrade.research.history.series import (
    LENGTHS_NS,
    MONTH,
    TICK,
    Origin,
    PriceSeries,
    SeriesFacts,
    date_words,
    segment_of,
)
from otrade.units import IST_NS, NS_PER_DAY, rupees

MANIFEST = "manifest.json"
LOCK = ".lock"
SHOWN = 5
Conflict = Literal["refuse", "replace", "keep"]
"""Where a bar is there and another one of its time comes: nothing is written, the new one counts, or
the old one.
"""


class ManifestMonth(msgspec.Struct, frozen=True):
    """One month, as its file was when it was written."""

    sha256: str
    rows: int
    rows_sha256: str
    first: str
    last: str


class Manifest(msgspec.Struct, frozen=True):
    """The file beside the months: the months of a series, and what is known of it."""

    format: int
    symbol: str
    length: str
    series: SeriesFacts
    months: dict[str, ManifestMonth]


class NewMonth(msgspec.Struct):
    """Rows for one month, and where they come from."""

    table: Any
    origin: Origin


class MergeResult(msgspec.Struct):
    """What a change did, in rows: `same` were there already; `completed` got a volume or an open interest
    that they lacked; `replaced` and `kept` are bars of one time that differed.
    """

    months: list[str] = []
    added: int = 0
    same: int = 0
    completed: int = 0
    replaced: int = 0
    kept: int = 0


class PriceArchive:
    """Reads and changes one folder of price history."""

    def __init__(self, root: Path) -> None:
        self.root = root

    # ------------------------------------------------------------------------------------ reading
    def series(self) -> list[PriceSeries]:
        """Every series that has a folder, by name."""
        found = []
        for folder in sorted(self.root.glob("*/*/*")):
            if folder.is_dir() and folder.name in LENGTHS_NS:
                exchange, name = folder.parts[-3:-1]
                found.append(PriceSeries(f"{exchange}:{name}", folder.name))
        return sorted(found)

    def months(self, series: PriceSeries) -> list[str]:
        """Months of which there is a file, oldest first."""
        return sorted(
            path.stem
            for path in (self.root / series.place).glob("*.parquet")
            if MONTH.fullmatch(path.stem)
        )

    def path(self, series: PriceSeries, month: str) -> Path:
        return self.root / series.place / f"{month}.parquet"

    def facts_of_month(self, series: PriceSeries, month: str) -> MonthFacts:
        """What a month's file says, its rows unread. HistoryError when it cannot be used."""
        self._require(series, month)
        return read_facts(self.path(series, month))

    def facts(self, series: PriceSeries) -> SeriesFacts:
        """What is known of a series; of one that is not there, what its symbol says."""
        months = self.months(series)
        if months:
            return read_facts(self.path(series, months[-1])).series
        return SeriesFacts(segment_of(series.symbol))

    def table(self, series: PriceSeries, month: str) -> Any:
        """A month's rows, proved. HistoryError when they cannot be believed, or are not there."""
        self._require(series, month)
        return read_month(self.path(series, month), series, month)[0]

    def bars(self, series: PriceSeries, months: Sequence[str]) -> list[FileBar]:
        """Bars of some months, in order."""
        return [bar for month in months for bar in bars_of_table(self.table(series, month))]

    def tick_times_ns(self, series: PriceSeries, months: Sequence[str]) -> list[int]:
        """When the ticks of some months were received, in order."""
        return [
            ts_ns for month in months for ts_ns in self.table(series, month)["ts_ns"].to_pylist()
        ]

    def _require(self, series: PriceSeries, month: str) -> None:
        if self.path(series, month).exists():
            return
        months = self.months(series)
        there = (
            f"there are {months[0]} to {months[-1]}"
            if months
            else f"there is nothing of {series} in {self.root}"
        )
        raise HistoryError(f"{series}: no prices of {month} ({there}); {way_to_get(series, month)}")

    # ----------------------------------------------------------------------------------- changing
    @contextmanager
    def changing(self) -> Iterator[None]:
        """Nobody else changes the archive meanwhile. HistoryError while somebody does."""
        try:
            fd = lock_file(self.root / LOCK)
        except BlockingIOError:
            raise HistoryError(
                f"{self.root}: another otrade data command is writing here; wait for its end"
            ) from None
        except OSError as error:
            raise HistoryError(f"{self.root}: {error.strerror}") from None
        try:
            self._clear_unfinished()
            yield
        finally:
            os.close(fd)

    def merge(
        self,
        series: PriceSeries,
        facts: SeriesFacts,
        new: Mapping[str, NewMonth],
        conflict: Conflict,
    ) -> MergeResult:
        """Add rows to their months, all or none. HistoryError for what is refused: another row of a
        time that is there (unless `conflict` says which one counts), prices of a simulated market
        among real ones, a file that is there and cannot be read.
        """
        result = MergeResult()
        known = self._known(series, facts)
        data: dict[str, tuple[bytes, MonthFacts]] = {}
        for month, part in sorted(new.items()):
            table, origins = part.table, list[Origin]()
            if self.path(series, month).exists():
                old, old_facts = read_month(self.path(series, month), series, month)
                origins = [one for one in old_facts.origins if one.identity != part.origin.identity]
                merging = _merged_ticks if series.length == TICK else _merged_bars
                table = merging(series, old, part.table, conflict, result)
            else:
                result.added += table.num_rows
            data[month] = encoded(series, month, table, known, [*origins, part.origin])
        self._write(series, known, data)
        result.months = sorted(data)
        return result

    def _known(self, series: PriceSeries, facts: SeriesFacts) -> SeriesFacts:
        """What is said now, and else what was known."""
        months = self.months(series)
        if not months:
            return msgspec.structs.replace(
                facts, segment=facts.segment or segment_of(series.symbol)
            )
        before = self.facts(series)
        if before.is_simulated != facts.is_simulated:
            words = ("of a market", "of a simulated market")
            raise HistoryError(
                f"{series}: {self.root} has prices {words[before.is_simulated]}, and these are {words[facts.is_simulated]}; keep them "
                "apart: --data names another folder"
            )
        return SeriesFacts(
            facts.segment or before.segment, facts.tick_e4 or before.tick_e4, facts.is_simulated
        )

    def _write(
        self,
        series: PriceSeries,
        facts: SeriesFacts,
        data: Mapping[str, tuple[bytes, MonthFacts]],
    ) -> None:
        folder = self.root / series.place
        written = {
            month: ManifestMonth(
                hashlib.sha256(content).hexdigest(),
                said.rows,
                said.rows_sha256,
                said.first,
                said.last,
            )
            for month, (content, said) in data.items()
        }
        try:
            before = self.manifest(series)
            months = before.months if before is not None else self._months_as_they_are(series)
        except HistoryError:
            months = self._months_as_they_are(series)
        manifest = Manifest(
            FORMAT, series.symbol, series.length, facts, dict(sorted({**months, **written}.items()))
        )
        files = {self.path(series, month): content for month, (content, _) in data.items()}
        files[folder / MANIFEST] = (
            msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n"
        )
        beside: list[tuple[Path, Path]] = []
        try:
            for path, content in files.items():
                beside.append((write_beside(path, content, is_durable=True), path))
            for temporary, path in beside:
                os.replace(temporary, path)
        except OSError as error:
            raise HistoryError(
                f"{error.filename or folder}: {error.strerror}; what was there is as it was"
            ) from None
        finally:
            for temporary, _ in beside:
                temporary.unlink(missing_ok=True)

    def _clear_unfinished(self) -> None:
        """What a change left that died before its renaming."""
        for path in self.root.glob(f"*/*/*/{NEW}*"):
            path.unlink(missing_ok=True)

    # ---------------------------------------------------------------------------------- manifests
    def manifest(self, series: PriceSeries) -> Manifest | None:
        """None when there is none. HistoryError when it cannot be read."""
        path = self.root / series.place / MANIFEST
        if not path.exists():
            return None
        try:
            return msgspec.json.decode(read_plain_file(path), type=Manifest)
        except msgspec.DecodeError as error:
            raise HistoryError(f"{path}: {error}") from None

    def _months_as_they_are(self, series: PriceSeries) -> dict[str, ManifestMonth]:
        """For a manifest that is lost."""
        found = {}
        for month in self.months(series):
            try:
                said = self.facts_of_month(series, month)
            except HistoryError:
                continue  # `check` names it
            found[month] = ManifestMonth(
                hashlib.sha256(read_plain_file(self.path(series, month))).hexdigest(),
                said.rows,
                said.rows_sha256,
                said.first,
                said.last,
            )
        return found

    def damage(self, series: PriceSeries) -> list[HistoryFinding]:
        """Files that cannot be believed, are not ours, or are not those of the manifest."""
        found = []
        folder = self.root / series.place
        for path in sorted(folder.iterdir()):
            is_month = path.suffix == ".parquet" and MONTH.fullmatch(path.stem)
            if not is_month and path.name != MANIFEST and not path.name.startswith(NEW):
                found.append(HistoryFinding("stray", "", f"{path}"))
        told: Mapping[str, ManifestMonth] = {}
        try:
            manifest = self.manifest(series)
            if manifest is None:
                found.append(HistoryFinding("manifest", "", f"{folder / MANIFEST} is not there"))
            else:
                told = manifest.months
                found += [
                    HistoryFinding("missing_month", month, f"{self.path(series, month)} is gone")
                    for month in sorted(set(told) - set(self.months(series)))
                ]
        except HistoryError as error:
            found.append(HistoryFinding("manifest", "", str(error)))
        for month in self.months(series):
            path = self.path(series, month)
            try:
                read_month(path, series, month)
            except HistoryError as error:
                found.append(HistoryFinding("damaged", month, str(error)))
                continue
            if told and (
                month not in told
                or hashlib.sha256(read_plain_file(path)).hexdigest() != told[month].sha256
            ):
                found.append(
                    HistoryFinding(
                        "manifest", month, f"{path} is whole, and the manifest tells of another one"
                    )
                )
        return found


def way_to_get(series: PriceSeries, month: str) -> str:
    """How a month that is not there comes here."""
    symbol = shlex.quote(series.symbol)
    if series.length == "1m":
        return f"otrade data fetch {symbol} --from {month}-01, or otrade data import FILE --symbol {symbol}"
    if series.length == TICK:
        return "otrade data import JOURNAL"
    return f"otrade data import FILE --symbol {symbol} --length {series.length}"


def by_month(series: PriceSeries, bars: Sequence[FileBar]) -> dict[str, list[FileBar]]:
    """Bars by the month of their day in India."""
    found: dict[str, list[FileBar]] = {}
    for bar in bars:
        found.setdefault(date_words(bar.ts_ns)[:7], []).append(bar)
    return found


def _numbers(table: Any) -> Any:
    return pc.cast(table["time"], pa.int64())


def _merged_bars(
    series: PriceSeries, old: Any, new: Any, conflict: Conflict, result: MergeResult
) -> Any:
    old_times, new_times = _numbers(old), _numbers(new)
    is_there = pc.is_in(new_times, value_set=old_times.combine_chunks())
    fresh = new.filter(pc.invert(is_there))
    before = bars_of_table(old.filter(pc.is_in(old_times, value_set=new_times.combine_chunks())))
    again = bars_of_table(new.filter(is_there))
    result.added += fresh.num_rows
    changed: list[FileBar] = []
    differing: list[tuple[FileBar, FileBar]] = []
    for there, here in zip(before, again, strict=True):
        both = _completed(there, here)
        if both is None:
            differing.append((there, here))
        elif both != there:
            changed.append(both)
    result.completed += len(changed)
    result.same += len(again) - len(differing) - len(changed)
    if differing and conflict == "refuse":
        raise HistoryError(_conflict_words(series, differing))
    if conflict == "replace":
        result.replaced += len(differing)
        changed += [here for _, here in differing]
    else:
        result.kept += len(differing)
    if changed:
        new_values = table_of(series, changed)
        is_changed = pc.is_in(old_times, value_set=_numbers(new_values).combine_chunks())
        old = pa.concat_tables([old.filter(pc.invert(is_changed)), new_values])
    merged = pa.concat_tables([old, fresh])
    return merged.sort_by("time").combine_chunks().cast(BAR_SCHEMA)


def _completed(there: FileBar, here: FileBar) -> FileBar | None:
    """One bar that says what both say, where neither contradicts the other: a source without volume or
    open interest does not say that there was none.
    """
    counts = []
    for old, new in ((there.volume, here.volume), (there.oi, here.oi)):
        if old != new and min(old, new) >= 0:
            return None
        counts.append(max(old, new))
    both = replace(there, volume=counts[0], oi=counts[1])
    return both if both == replace(here, volume=counts[0], oi=counts[1]) else None


def _conflict_words(series: PriceSeries, differing: Sequence[tuple[FileBar, FileBar]]) -> str:
    lines = [
        f"  {date_words(old.ts_ns)}: there {_bar_words(old)}, here {_bar_words(new)}"
        for old, new in differing[:SHOWN]
    ]
    if len(differing) > SHOWN:
        lines.append(f"  and {len(differing) - SHOWN} more of this month")
    return (
        f"{series}: {len(differing)} bars are in the archive with other values, so nothing was written; --replace takes the new ones, "
        "--keep the old ones:\n" + "\n".join(lines)
    )


def _bar_words(bar: FileBar) -> str:
    prices = " ".join(rupees(px) for px in (bar.open_e4, bar.high_e4, bar.low_e4, bar.close_e4))
    volume = f" volume {bar.volume}" if bar.volume >= 0 else " no volume"
    return prices + volume + (f" oi {bar.oi}" if bar.oi >= 0 else "")


def _merged_ticks(
    series: PriceSeries, old: Any, new: Any, conflict: Conflict, result: MergeResult
) -> Any:
    """A day's ticks come from one journal: a longer reading of it takes the place of a shorter one."""
    old_days, new_days = _days(old), _days(new)
    found = [old.filter(pc.invert(pc.is_in(old_days, value_set=pc.unique(new_days))))]
    for day in pc.unique(new_days).to_pylist():
        before = old.filter(pc.equal(old_days, day))
        after = new.filter(pc.equal(new_days, day))
        n = before.num_rows
        if after.slice(0, n).equals(before):
            result.same += n
            result.added += after.num_rows - n
        elif before.slice(0, after.num_rows).equals(after):
            result.same += after.num_rows
            after = before
        elif conflict == "refuse":
            raise HistoryError(
                f"{series}: the archive has other ticks of {date_words(day * NS_PER_DAY - IST_NS)[:10]}, so nothing was written; --replace "
                "takes the new ones, --keep the old ones"
            )
        elif conflict == "replace":
            result.replaced += after.num_rows
        else:
            result.kept += n
            after = before
        found.append(after)
    return (
        pa.concat_tables(found)
        .sort_by([("ts_ns", "ascending"), ("seq", "ascending"), ("packet", "ascending")])
        .cast(schema_of(series))
    )


def _days(table: Any) -> Any:
    """Days since 1970 in India, by row."""
    return pc.divide(pc.add(table["ts_ns"], IST_NS), NS_PER_DAY)
