"""One shard's results in a file, and many files as one drill.

What cannot be one drill is refused by name: a file of another format, build or drill, and seeds
that two files hold. Seeds that no file holds are told by the sheet, for a shard may have failed.
"""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import orjson

from otrade.drill.reports.rows import result_of, row_of
from otrade.errors import OTradeError
from otrade.plain_file import new_file

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

FORMAT = "otrade drill report"
VERSION = 1

R = TypeVar("R", bound="DataclassInstance")


class DrillReportError(OTradeError):
    """A report of a drill that cannot be used; names the file."""


@dataclass(frozen=True, slots=True)
class DrillIdentity:
    """What must be the same in all parts of one drill."""

    build: str
    first_seed: int
    n_seeds: int
    kinds: tuple[str, ...]
    strategies: str = ""
    """Digest of the strategies that are drilled instead of random ones."""
    broker: str = ""


@dataclass(slots=True)
class DrillReport(Generic[R]):
    """What one shard has done, or several together."""

    identity: DrillIdentity
    shard: str
    wall_s: float
    """The longest of its parts."""
    results: list[R]
    """In the order of their seeds."""
    seeds: list[int]
    failures: dict[int, str] = field(default_factory=dict)
    """By seed: a violation with its timeline."""

    @property
    def missing(self) -> list[tuple[int, int]]:
        """Runs of seeds of the drill that were not run: first and last."""
        first = self.identity.first_seed
        edges = [first - 1, *self.seeds, first + self.identity.n_seeds]
        return [(a + 1, b - 1) for a, b in pairwise(edges) if b - a > 1]


def write_report(path: Path, report: DrillReport[Any]) -> None:
    """Whole or not at all. DrillReportError when it cannot be written."""
    identity = report.identity
    about = {
        "format": FORMAT,
        "version": VERSION,
        "build": identity.build,
        "first_seed": identity.first_seed,
        "n_seeds": identity.n_seeds,
        "kinds": identity.kinds,
        "strategies": identity.strategies,
        "broker": identity.broker,
        "shard": report.shard,
        "wall_s": report.wall_s,
        "failures": [[seed, text] for seed, text in sorted(report.failures.items())],
    }
    rows = (
        orjson.dumps([seed, row_of(result)])
        for seed, result in zip(report.seeds, report.results, strict=True)
    )
    half = half_of(path)
    try:
        with new_file(half) as file:
            try:
                file.write(orjson.dumps(about)[:-1] + b',"sessions":[\n')
                file.write(b",\n".join(rows))
                file.write(b"\n]}\n")
                file.flush()
                _name(half, path)
            finally:
                half.unlink(missing_ok=True)
    except OSError as error:
        raise DrillReportError(f"{path}: cannot be written: {error.strerror}") from None


def _name(half: Path, path: Path) -> None:
    """Unlike a rename, a second name is never in the place of another file."""
    try:
        os.link(half, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without them
        os.replace(half, path)


def half_of(path: Path) -> Path:
    """Where a report grows until it is whole."""
    return path.with_name(path.name + ".part")


def read_report(path: Path, cls: type[R]) -> DrillReport[R]:
    """DrillReportError, with the file's name, when it is not a report of this format."""
    try:
        about = orjson.loads(path.read_bytes())
    except OSError as error:
        raise DrillReportError(f"{path}: cannot be read: {error.strerror}") from None
    except orjson.JSONDecodeError as error:
        raise DrillReportError(f"{path}: no report of a drill, or cut short ({error})") from None
    if not isinstance(about, dict) or about.get("format") != FORMAT:
        raise DrillReportError(f"{path}: no report of a drill; otrade drill --report makes one")
    if about.get("version") != VERSION:
        raise DrillReportError(
            f"{path}: a report of version {about.get('version')}; this build reads {VERSION}"
        )
    try:
        sessions = sorted(about["sessions"], key=lambda session: int(session[0]))
        report = DrillReport(
            DrillIdentity(
                str(about["build"]),
                int(about["first_seed"]),
                int(about["n_seeds"]),
                tuple(map(str, about["kinds"])),
                str(about["strategies"]),
                str(about["broker"]),
            ),
            str(about["shard"]),
            float(about["wall_s"]),
            [result_of(row, cls) for _, row in sessions],
            [int(seed) for seed, _ in sessions],
            {int(seed): str(text) for seed, text in about["failures"]},
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DrillReportError(
            f"{path}: not what this build writes ({type(error).__name__}: {error})"
        ) from None
    identity = report.identity
    for a, b in pairwise([identity.first_seed - 1, *report.seeds]):
        if not a < b < identity.first_seed + identity.n_seeds:
            raise DrillReportError(f"{path}: seed {b} comes twice, or is none of this drill's")
    return report


def merge_reports(paths: Sequence[Path], cls: type[R]) -> DrillReport[R]:
    """One report of many. DrillReportError where they are not parts of one drill."""
    parts = [(path, read_report(path, cls)) for path in paths]
    first_path, first = parts[0]
    for path, part in parts[1:]:
        for words, here, there in _differences(part.identity, first.identity):
            raise DrillReportError(f"{path}: {words} {here}, and {first_path} has {there}")
    holder: dict[int, Path] = {}
    for path, part in parts:
        for seed in part.seeds:
            if seed in holder:
                raise DrillReportError(f"{path}: seed {seed} is in {holder[seed]} already")
            holder[seed] = path
    rows = sorted(
        (
            (seed, result)
            for _, part in parts
            for seed, result in zip(part.seeds, part.results, strict=True)
        ),
        key=lambda row: row[0],
    )
    return DrillReport(
        first.identity,
        ", ".join(part.shard for _, part in parts),
        max(part.wall_s for _, part in parts),
        [result for _, result in rows],
        [seed for seed, _ in rows],
        {seed: text for _, part in parts for seed, text in part.failures.items()},
    )


def _differences(here: DrillIdentity, there: DrillIdentity) -> Iterable[tuple[str, object, object]]:
    """What tells two drills apart: words, and what each has."""
    pairs = [
        ("build", here.build, there.build),
        ("first seed", here.first_seed, there.first_seed),
        ("number of seeds", here.n_seeds, there.n_seeds),
        ("broker", here.broker or "both", there.broker or "both"),
        ("faults", ",".join(here.kinds) or "none", ",".join(there.kinds) or "none"),
        ("strategies", here.strategies or "random", there.strategies or "random"),
    ]
    return [(words, one, other) for words, one, other in pairs if one != other]
