"""What a run found, by file and by operator, and each survivor."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.mutation.campaign import MutantOutcome
from tests.mutation.equivalents import changed_words
from tests.mutation.sites import Site

VERDICTS = ("killed", "timeout", "drill", "survived", "equivalent")
HEADS = ("tests", "timeout", "drill", "survived", "argued equivalent")


def caught_share(counted: Counter[str]) -> float:
    """Of those that could be noticed."""
    able = sum(counted.values()) - counted["equivalent"]
    return (able - counted["survived"]) / able if able else 1.0


def _rows(title: str, counted: Iterable[tuple[str, Counter[str]]]) -> list[str]:
    lines = [f"| {title} | mutants | {' | '.join(HEADS)} | caught |", "|---" * 8 + "|"]
    for name, verdicts in counted:
        cells = [str(verdicts[verdict] or "") for verdict in VERDICTS]
        share = f"{100 * caught_share(verdicts):.1f} %"
        lines.append(f"| {name} | {sum(verdicts.values())} | {' | '.join(cells)} | {share} |")
    return lines


def tables(outcomes: Sequence[MutantOutcome]) -> str:
    """Two tables: by file, and by operator; each ends with all."""
    by_file: dict[str, Counter[str]] = {}
    by_operator: dict[str, Counter[str]] = {}
    total: Counter[str] = Counter()
    for outcome in outcomes:
        file, operator = outcome.site.file.removeprefix("otrade/"), outcome.site.operator
        for counted in (
            by_file.setdefault(f"`{file}`", Counter()),
            by_operator.setdefault(operator, Counter()),
            total,
        ):
            counted[outcome.verdict] += 1
    both = [
        *_rows("file", [*sorted(by_file.items()), ("all", total)]),
        "",
        *_rows("operator", [*sorted(by_operator.items()), ("all", total)]),
    ]
    return "\n".join(both)


def survivors(outcomes: Sequence[MutantOutcome], texts: dict[str, str]) -> str:
    """Each mutant that nothing noticed: its name, its line, and what the line became."""
    lines = []
    for outcome in outcomes:
        if outcome.verdict == "survived":
            site = outcome.site
            old, new = changed_words(site, texts[site.file])
            lines.append(f"{site.name} (line {site.line}; {outcome.n_tests} tests reach it)")
            lines.append(f"    - {old}\n    + {new}")
    return "\n".join(lines)


def write_report(
    path: Path, outcomes: Sequence[MutantOutcome], texts: dict[str, str], seed: int, seconds: float
) -> None:
    rows = []
    for outcome in outcomes:
        old, new = changed_words(outcome.site, texts[outcome.site.file])
        rows.append(
            {
                "name": outcome.site.name,
                "line": outcome.site.line,
                "was": old,
                "new": new,
                "verdict": outcome.verdict,
                "by": outcome.by,
                "words": outcome.words,
                "seconds": outcome.seconds,
                "tests": outcome.n_tests,
            }
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    words = {"seed": seed, "seconds": round(seconds, 1), "mutants": rows}
    path.write_text(json.dumps(words, indent=1) + "\n")


def caught_before(
    path: Path, drawn: Iterable[tuple[int, Site]], texts: dict[str, str]
) -> list[MutantOutcome]:
    """Those that the last run has caught, where they still are what they were."""
    rows = (
        {row["name"]: row for row in json.loads(path.read_text())["mutants"]}
        if path.exists()
        else {}
    )
    found = []
    for _, site in drawn:
        row = rows.get(site.name)
        if (
            row
            and row["verdict"] in ("killed", "timeout", "drill")
            and (row["was"], row["new"]) == changed_words(site, texts[site.file])
        ):
            kept = row["verdict"], row["by"], row["words"], row["seconds"], row["tests"]
            found.append(MutantOutcome(site, *kept))
    return found


def survived_before(path: Path) -> set[str]:
    """Names of those that nothing noticed in the last run: the first to be tried again."""
    if not path.exists():
        return set()
    rows = json.loads(path.read_text())["mutants"]
    return {row["name"] for row in rows if row["verdict"] == "survived"}
