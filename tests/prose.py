"""The prose linter: phrases of `tests/prose.toml` in the folders that it names.

    python -m tests.prose [FILE ...]

Without files: everything in its scope. Exit code 1 with a line for each place and what to write instead.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
TABLE = tomllib.loads((ROOT / "tests" / "prose.toml").read_text(encoding="utf-8"))
KINDS = (".md", ".py", ".toml")


@dataclass(frozen=True)
class Phrase:
    pattern: re.Pattern[str]
    write: str
    example: str
    good: str


def _phrase(find: str, write: str, example: str, good: str) -> Phrase:
    """A blank of the pattern stands for any white space, and for a string that goes on in the next line."""
    between = find.replace(" ", r'(?:\s|"\s*f?"|\#\s)+')
    return Phrase(re.compile(between, re.IGNORECASE), write, example, good)


PHRASES = tuple(_phrase(**row) for row in TABLE["phrase"])


def _is_below(path: Path, folders: list[str]) -> bool:
    return any(path.is_relative_to(ROOT / folder) for folder in folders)


def is_in_scope(path: Path) -> bool:
    """Of what comes next only a place inside a folder of the scope is left out."""
    inner = [one for one in TABLE["next"] if _is_below(ROOT / one, TABLE["scope"])]
    return path.suffix in KINDS and _is_below(path, TABLE["scope"]) and not _is_below(path, inner)


def in_scope() -> list[Path]:
    found = (
        path for folder in TABLE["scope"] for path in (ROOT / folder, *(ROOT / folder).rglob("*"))
    )
    return sorted(path for path in found if path.is_file() and is_in_scope(path))


def faults(path: Path) -> Iterator[str]:
    """`file:line: phrase: what to write`."""
    text = path.read_text(encoding="utf-8")
    for phrase in PHRASES:
        for found in phrase.pattern.finditer(text):
            line = text.count("\n", 0, found.start()) + 1
            said = " ".join(found[0].split())
            yield f"{path.relative_to(ROOT)}:{line}: {said!r}: write: {phrase.write}"


def main(names: list[str]) -> int:
    """Exit code."""
    paths = [path for name in names if is_in_scope(path := Path(name).resolve())]
    found = [fault for path in (paths if names else in_scope()) for fault in faults(path)]
    print(*found, sep="\n", end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
