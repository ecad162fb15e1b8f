"""What README and docs say is so: links and anchors lead somewhere, commands parse, targets exist, the how-tos
name every file that takes part, the site lists every page, and what its generators make is whole.
"""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import talib

from docs.site import make_site
from docs.site.command_page import subcommands
from otrade.cli.main import parser
from otrade.strategy.indicators import HELPERS, averages, registry
from tests.strategy.test_indicators import close_after, naive_ema, run, walk

ROOT = Path(__file__).parents[1]
AT_ROOT = [
    ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CODE_OF_CONDUCT.md")
]
DOCS = sorted(path for path in (ROOT / "docs").rglob("*.md") if path.parent.name != "site")
PAGES = [*AT_ROOT, *DOCS]
command_line = cache(parser)
FENCE = re.compile(r"(?ms)^( *)```(\w*)\n(.*?)^ *```")
TARGETS = set(re.findall(r"(?m)^([a-z-]+):", (ROOT / "Makefile").read_text()))


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def without_code(text: str) -> str:
    return re.sub(r"`[^`\n]+`", "", FENCE.sub("", text))


def anchors(text: str) -> set[str]:
    """As GitHub and the site make them of headings."""
    found: set[str] = set()
    for heading in re.findall(r"(?m)^#+ (.+)$", FENCE.sub("", text)):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").strip().lower()
        found.add(re.sub(r"[^\w\- ]", "", plain).replace(" ", "-"))
    return found


def ids(path: Path) -> str:
    return str(path.relative_to(ROOT))


# --------------------------------------------------------------------------------------------- links
@pytest.mark.parametrize("path", PAGES, ids=ids)
def test_links_and_anchors_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code(path.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        there = (path.parent / name).resolve() if name else path
        assert there.is_file(), target
        if anchor:
            assert anchor in anchors(there.read_text(encoding="utf-8")), target


def test_the_site_lists_every_page_once() -> None:
    listed = list(make_site.pages_in_navigation())
    assert len(listed) == len(set(listed))
    made = {*make_site.MADE, *make_site.AT_ROOT.values()}
    assert set(listed) == {*make_site.kept_pages(), *made}


def test_readme_leads_to_every_page() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [name for name in make_site.kept_pages() if f"(docs/{name})" not in readme] == []


@pytest.mark.parametrize("name", make_site.MADE)
def test_generated_pages_have_no_dead_anchors(name: str) -> None:
    text = make_site.MADE[name]()
    dead = set(re.findall(r"\]\(#([^)]+)\)", text)) - anchors(text)
    assert text.startswith("# ") and not dead


def test_a_dead_link_of_the_site_is_found(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text('<a href="b.html#x">b</a><a href="c.html">c</a>')
    (tmp_path / "b.html").write_text(
        '<p id="y"><script src="https://elsewhere.example/x.js"></script>'
    )
    assert make_site.faults(tmp_path) == [
        "a.html: b.html#x: there is no such anchor",
        "a.html: c.html leads nowhere",
        "b.html: loads https://elsewhere.example/x.js",
    ]


# ------------------------------------------------------------------------------------------ commands
def command_lines(text: str) -> Iterator[str]:
    """Of the code blocks: without comments, `&&` cut apart, redirections left out."""
    for _, kind, block in FENCE.findall(text):
        if kind in ("", "sh", "bash"):
            for line in block.replace("\\\n", " ").splitlines():
                for part in re.split(r"&&|\|(?= )", re.sub(r"\s#.*", "", line)):
                    yield re.sub(r"\s(?:[<>]+ ?\S+|&)\s*$", "", part.strip())


def otrade_lines() -> list[tuple[str, str]]:
    found = []
    for path in PAGES:
        for line in command_lines(path.read_text(encoding="utf-8")):
            words = re.match(r"(?:\$ )?(?:\.venv/bin/)?otrade ", line)
            if words:
                found.append((ids(path), line[words.end() :]))
    return found


@pytest.mark.parametrize(("where", "line"), otrade_lines())
def test_commands_of_code_blocks_parse(
    where: str, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = [word for word in shlex.split(line) if word != "..."]
    monkeypatch.chdir(tmp_path)
    for word in words:  # files that the parser asks for
        if re.fullmatch(r"[\w-]+\.csv(=.*)?", word):
            Path(word.partition("=")[0]).touch()
    try:
        command_line().parse_args(words)
    except SystemExit as error:
        pytest.fail(f"{where}: otrade {line}: exit {error.code}")


def options_of(of: argparse.ArgumentParser) -> set[str]:
    """Its own and those of its commands."""
    own = {option for action in of._actions for option in action.option_strings}
    return own.union(*(options_of(sub) for sub in subcommands(of).values()))


def test_commands_in_sentences_exist() -> None:
    known = subcommands(command_line())
    wrong = []
    for path in PAGES:
        text = FENCE.sub("", path.read_text(encoding="utf-8"))
        for said in re.findall(r"`(?:\.venv/bin/)?otrade ([^`]+)`", text):
            name, *rest = said.split()
            if name.startswith("-") or "..." in name:
                continue
            options = {word.partition("=")[0].strip("[]") for word in rest if word.startswith("--")}
            if name not in known or not options <= options_of(known[name]):
                wrong.append(f"{ids(path)}: otrade {said}")
    assert wrong == []


def test_targets_that_are_named_exist() -> None:
    wrong = []
    for path in PAGES:
        text = path.read_text(encoding="utf-8")
        said = re.findall(r"`make ([a-z-]+)[^`]*`", text)
        said += [m[1] for line in command_lines(text) if (m := re.match(r"make ([a-z-]+)", line))]
        wrong += [f"{ids(path)}: make {target}" for target in said if target not in TARGETS]
    assert wrong == []


def test_long_targets_are_explained() -> None:
    proof = re.search(r"(?m)^proof: (.*)$", (ROOT / "Makefile").read_text())
    assert proof
    assert [one for one in proof[1].split() if f"`make {one}`" not in page("proof.md")] == []


def test_files_that_commands_name_are_there() -> None:
    for path in PAGES:
        for line in command_lines(path.read_text(encoding="utf-8")):
            for named in re.findall(r"(?<![\w/])(?:tests|bench|otrade|web)/[\w/]+(?:\.\w+)?", line):
                assert (ROOT / named).exists(), f"{ids(path)}: {line}"


# ----------------------------------------------------------------------------------------- figures
def test_figures_are_those_of_the_tree() -> None:
    concepts = page("concepts.md")
    indicators = [name for name, one in HELPERS.items() if one.cell and name not in ("push", "ago")]
    assert f"{len(indicators)} indicators" in concepts
    assert (
        len(list((ROOT / "strategies").glob("*.py"))) == 8 and "eight worked examples" in concepts
    )
    views = re.findall(
        r'\{ id: "\w+", title', (ROOT / "web/src/stores/route.svelte.ts").read_text()
    )
    assert len(views) == 15 and "[fifteen views]" in concepts
    node = {
        re.findall(r"Node [\d.]*\d", path.read_text())[0]
        for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "docs/index.md")
    }
    assert node == {"Node 20.19"}


def test_figures_of_readme_are_measured_ones() -> None:
    """The table of docs/performance.md, which `make peers` prints."""
    readme, measured = (ROOT / "README.md").read_text(), page("performance.md")
    claim = re.search(
        r"takes ([\d.]+) to ([\d.]+) times.*?\(([\d.]+) to\s+([\d.]+) times", readme, re.S
    )
    assert claim
    ratios = [
        (match[1], float(match[2]))
        for match in re.finditer(
            r"(?m)^\| (OTrade(?:, busy_poll)?) \|(?:[^|]*\|){4} ([\d.]+) \(", measured
        )
    ]
    sleeping = [ratio for name, ratio in ratios if name == "OTrade"]
    spinning = [ratio for name, ratio in ratios if name != "OTrade"]
    assert (min(sleeping), max(sleeping)) == (float(claim[1]), float(claim[2]))
    assert (min(spinning), max(spinning)) == (float(claim[3]), float(claim[4]))


# ----------------------------------------------------------------------------------------- how-tos
def sources_with(pattern: str, *folders: str) -> set[str]:
    """Files of ours whose text has it, without what is made."""
    made = {"types.pxd", "types.h"}
    kinds = {".py", ".pyx", ".pxd", ".pyi", ".ts", ".svelte"}
    return {
        path.name
        for folder in folders
        for path in (ROOT / folder).rglob("*")
        if path.suffix in kinds and path.name not in made and re.search(pattern, path.read_text())
    }


def test_the_how_to_of_a_gate_names_every_file() -> None:
    told = page("howto/gate.md")
    parts = sources_with(r"\bmax_trades(?:_per_day)?\b", "otrade") | {
        "messages.py",
        "decision_card.py",
    }
    assert [name for name in sorted(parts) if name not in told] == []


def test_the_how_to_of_a_view_names_every_file() -> None:
    told = page("howto/view.md")
    parts = sources_with(r"\b(?:LimitsView|fetchLimits|limit_usage_of)\b", "otrade", "web/src")
    assert [name for name in sorted(parts | {"requests.py"}) if name not in told] == []


def test_the_how_to_of_a_broker_names_every_file() -> None:
    told = page("howto/broker.md")
    homes = [
        path for path in (ROOT / "otrade").rglob("*upstox*") if "__pycache__" not in path.parts
    ]
    places = [path for path in homes if path.suffix in ("", ".py", ".pyx", ".json")]
    assert len(places) > 5
    assert [str(p) for p in places if str(p.relative_to(ROOT)) not in told] == []
    adapter = (ROOT / "otrade/brokers/upstox").glob("*.py")
    assert [p.name for p in adapter if p.name not in (told + "__init__.py")] == []


def blocks(name: str) -> list[str]:
    return [block for _, kind, block in FENCE.findall(page(name)) if kind == "python"]


def test_the_indicator_of_the_how_to_works() -> None:
    """Its code and its test, as they stand on the page."""
    code, test, _ = blocks("howto/indicator.md")
    kept, inner = dict(HELPERS), dict(registry.INNER)
    here: dict[str, Any] = {**vars(averages), "__name__": "how_to"}
    try:
        exec(compile(code, "docs/howto/indicator.md", "exec", dont_inherit=True), here)
        there: dict[str, Any] = {
            "pytest": pytest, "np": np, "talib": talib, "walk": walk, "run": run,
            "naive_ema": naive_ema, "close_after": close_after,
        }  # fmt: skip
        exec(compile(test, "docs/howto/indicator.md", "exec", dont_inherit=True), there)
        (mark,) = there["test_dema"].pytestmark
        for period in mark.args[1]:
            there["test_dema"](period)
    finally:
        for table, before in ((HELPERS, kept), (registry.INNER, inner)):
            table.clear()
            table.update(before)
