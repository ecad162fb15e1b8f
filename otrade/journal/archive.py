"""Journals of days that are over: compressed, kept by age and size, and names for those that cannot
be used.

gzip, of the standard library: a year of journals is a few gigabytes either way, and any machine can
read it.
"""

import re
import shutil
from pathlib import Path

import msgspec

from otrade.plain_file import is_own, new_file, open_own

NAME = re.compile(r"\d{4}-\d{2}-\d{2}(\.\d+)?\.otj(\.gz)?")
LEVEL = 6


class ArchiveResult(msgspec.Struct):
    """What was done."""

    compressed: list[str] = msgspec.field(default_factory=list)
    deleted: list[str] = msgspec.field(default_factory=list)
    failed: list[str] = msgspec.field(default_factory=list)
    """Files that could not be compressed, with why; they are kept as they are."""


def aside(path: Path) -> Path:
    """Move a journal out of the way, under a name of its own; nothing is ever overwritten."""
    n = 1
    while (kept := path.with_suffix(f".{n}.otj")).exists() or kept.with_suffix(".otj.gz").exists():
        n += 1
    return path.rename(kept)


def tidy(directory: Path, today: str, *, keep_days: int, keep_mb: int) -> ArchiveResult:
    """Compress all but today's journal (`today` is YYYY-MM-DD), and delete the oldest beyond the
    policy.
    """
    done = ArchiveResult()
    if not directory.is_dir():
        return done
    closed = sorted(
        path
        for path in directory.iterdir()
        if NAME.fullmatch(path.name) and path.name != f"{today}.otj" and is_own(path)
    )
    for path in closed:
        if path.suffix != ".gz":
            try:
                compress(path)
                done.compressed.append(path.name)
            except OSError as error:
                done.failed.append(f"{path.name}: {error.strerror}")
    closed = sorted(
        (
            path
            for path in directory.iterdir()
            if NAME.fullmatch(path.name) and path.name != f"{today}.otj" and is_own(path)
        ),
        reverse=True,
    )
    days: list[str] = []
    bytes_kept = 0
    for path in closed:
        day = path.name[:10]
        if day not in days:
            days.append(day)
        bytes_kept += path.stat().st_size
        if len(days) > keep_days or bytes_kept > keep_mb << 20:
            path.unlink()
            done.deleted.append(path.name)
    return done


def compress(path: Path) -> Path:
    """`X.otj` becomes `X.otj.gz`, whole or not at all. OSError when that fails; the original then
    stays.
    """
    import gzip  # not small, and no trading hour needs it

    target = path.with_suffix(".otj.gz")
    temporary = path.with_suffix(".otj.gz.tmp")
    try:
        temporary.unlink(missing_ok=True)
        with open_own(path) as source, new_file(temporary) as file:
            with gzip.open(file, "wb", LEVEL) as out:
                shutil.copyfileobj(source, out, 1 << 20)
        temporary.replace(target)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    path.unlink()
    return target
