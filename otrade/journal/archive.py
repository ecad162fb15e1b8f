"""Journals of days that are over: compressed, kept by age and size, and names for those that cannot be used."""

from pathlib import Path


def aside(path: Path) -> Path:
    """Move a journal out of the way, under a name of its own; nothing is ever overwritten."""
    n = 1
    while (kept := path.with_suffix(f".{n}.otj")).exists():
        n += 1
    return path.rename(kept)
