"""Mutants that no test could notice, each with the reason why: `equivalents.json`.

`single` names a mutant with its statement before and after (`was`, `new`), so that a row does not
follow another line into its place. `rules` are kinds: an expression that matches in the statement
(`was`), and what stands there afterwards (`new`), or what the whole statement is then (`becomes`);
`name` keeps one to mutants whose name it finds. A row that fits no mutant is stale, which is an
error.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path

from tests.mutation.sites import Site

TABLE = Path(__file__).with_name("equivalents.json")


def argued(
    sites: Iterable[Site], texts: dict[str, str], table: Path = TABLE
) -> tuple[dict[str, str], list[str]]:
    """(reason by name, what is stale)."""
    rows = json.loads(table.read_text())
    every = list(sites)
    by_name = {site.name: site for site in every}
    reasons: dict[str, str] = {}
    stale = []
    for row in rows["single"]:
        site = by_name.get(row["name"])
        if site is None or changed_words(site, texts[site.file]) != (row["was"], row["new"]):
            stale.append(f"{row['name']}: {row['was']} → {row['new']}")
        else:
            reasons[site.name] = row["reason"]
    for row in rows["rules"]:
        found = [
            site
            for site in every
            if re.search(row.get("name", ""), site.name)
            and _fits(row, *changed_words(site, texts[site.file]))
        ]
        if not found:
            stale.append(f"rule {row}")
        reasons.update({site.name: row["reason"] for site in found})
    return reasons, stale


def _fits(row: dict[str, str], was: str, new: str) -> bool:
    """Is this change of the rule's kind? `new` is what stands where `was` did; `becomes` is a
    pattern of the whole."""
    found = list(re.finditer(row["was"], was))
    if "becomes" in row:
        return bool(found) and re.fullmatch(row["becomes"], new) is not None
    return new in {was[: m.start()] + m.expand(row["new"]) + was[m.end() :] for m in found}


def changed_words(site: Site, text: str) -> tuple[str, str]:
    """A mutant's statement before and after."""
    return flat(text[site.start : site.end]), flat(site.new)


def flat(code: str) -> str:
    return " ".join(code.split())
