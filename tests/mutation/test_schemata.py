"""A source with all its mutants in it does what the original does, until one is switched on; and no
release build has the switch.
"""

from __future__ import annotations

import importlib.util
import json
import os
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.drill.operators import ROOT
from tests.mutation.campaign import MutantOutcome
from tests.mutation.equivalents import argued
from tests.mutation.schedule import Reach, reaching, sample
from tests.mutation.schemata import CAPACITY, MASK, with_mutants, write_mask
from tests.mutation.sites import sites_of
from tests.mutation.table import caught_share, survivors, tables
from tests.mutation.tree import SOURCES, all_sites

PYTHON = """\
import math

LIMIT = 3


def f(a, b):
    seen = []
    if a > b and b >= 0:
        seen.append("more")
        seen.extend([a - b])
    elif a == b:
        seen.append("same")
    total = math.floor(a) + LIMIT
    for i in range(2):
        total += i
    return seen, total if a else -1
"""
CYTHON = """\
# cython: language_level=3
cdef struct t:
    int n
    double x

cdef int grow(t* s, int by) noexcept nogil:
    cdef bint up = s.n > 0 and by > 0
    cdef int m, k = by * 2
    if s.n and by or up:
        s.n += k
    else:
        s.n = -k
    for m in range(3, -1, -1):
        s.x = s.x + m if s.n > 5 else s.x
    return 1 if up else 0


def f(int n, int by):
    cdef t s
    s.n = n
    s.x = 0.5
    cdef int up = grow(&s, by)
    return s.n, s.x, up
"""


def numbered(text: str) -> list[Any]:
    return list(enumerate(sites_of(text, "toy"), 1))


def python_with(text: str, on: int) -> Any:
    """The function `f` of the source, with one mutant on."""
    scope: dict[str, Any] = {}
    mask = SimpleNamespace(**{MASK: lambda number: number == on})
    sys.modules["otrade.mutant_mask"] = mask
    try:
        exec(compile(text, "toy", "exec"), scope)
    finally:
        del sys.modules["otrade.mutant_mask"]
    return scope["f"]


def changed_by_hand(text: str, site: Any) -> str:
    """The mutant in place of what it changes: no switch."""
    new = site.new
    if site.operator == "swap":
        indent = text[text.rindex("\n", 0, site.start) + 1 : site.start]
        new = new.replace("\n", f"\n{indent}")
        start, end = site.second
        text = text[:start] + "pass" + text[end:]
    elif site.slot.value != "statement":
        new = f"({new})"
    return text[: site.start] + new + text[site.end :]


CASES = [(5, 2), (2, 5), (3, 3), (0, 0), (-1, 4), (1, 0)]


def test_a_python_source_switches() -> None:
    """Each mutant in the one source does what it does when it is written by hand."""
    sites = numbered(PYTHON)
    whole = with_mutants(PYTHON, ".py", sites)
    plain = {"f": python_with(PYTHON, 0)}
    assert [python_with(whole, 0)(*case) for case in CASES] == [plain["f"](*case) for case in CASES]
    assert len(sites) > 20 and {site.operator for _, site in sites} >= {"swap", "call", "branch"}
    for number, site in sites:
        by_hand = python_with(changed_by_hand(PYTHON, site), 0)
        switched = python_with(whole, number)
        assert [switched(*case) for case in CASES] == [by_hand(*case) for case in CASES], site.name


def built(folder: Path, name: str, text: str) -> Path:
    source = folder / f"{name}.pyx"
    source.write_text(text)
    words = [sys.executable, "-m", "Cython.Build.Cythonize", "-i", "-3", "-q", source.name]
    flags = {"CFLAGS": f"-O0 -w -I{folder}"}
    done = subprocess.run(
        words, cwd=folder, env={**os.environ, **flags}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return next(folder.glob(f"{name}*.so"))


def test_a_cython_source_switches(tmp_path: Path) -> None:
    """By the memory that its processes share, in which each place also says that it was reached."""
    sites = numbered(CYTHON)
    (tmp_path / "otrade").mkdir()
    write_mask(tmp_path)
    module = built(tmp_path, "toy", with_mutants(CYTHON, ".pyx", sites))
    assert MASK.encode() in module.read_bytes()
    memory = tmp_path / "memory"
    asked = f"""
import json, mmap, sys
file = open({str(memory)!r}, "r+b")
memory = mmap.mmap(file.fileno(), {4 + CAPACITY})
import toy
found = []
for on in range({len(sites) + 1}):
    memory[:] = bytes(len(memory))
    memory[:4] = on.to_bytes(4, sys.byteorder)
    found.append([toy.f(5, 2), toy.f(-1, 3), toy.f(0, 1), toy.f(2, 0)])
    reached = [n for n, hit in enumerate(memory[4:]) if hit]
print(json.dumps([found, reached]))
"""
    memory.write_bytes(bytes(4 + CAPACITY))
    done = subprocess.run(
        [sys.executable, "-c", asked],
        cwd=tmp_path,
        env={**os.environ, "OTRADE_MUTANT_MEMORY": str(memory)},
        capture_output=True,
        text=True,
        check=True,
    )
    found, reached = json.loads(done.stdout)
    # By hand: 5 grows by 4; -1 by 6; 0 becomes -2; 2 becomes 0, by 2 * 0 and not `up`.
    plain = [[9, 6.5, 1], [5, 0.5, 0], [-2, 0.5, 0], [0, 0.5, 0]]
    assert found[0] == plain
    by_name = {site.name.removeprefix("toy:"): found[n] for n, site in sites}
    assert by_name["grow:constant:3"][0][0] == 5 + 2 * 3, "twice becomes three times"
    assert by_name["grow:statement:1"][0][0] == 5, "nothing is added"
    assert by_name["grow:sign:1"][0][0] == 5 - 4
    assert sum(outcome != plain for outcome in found[1:]) > len(sites) * 0.6
    assert reached[0] >= 1 and len(reached) >= len(sites) - 1


def test_no_release_build_has_the_mask() -> None:
    modules = list((ROOT / "otrade").rglob("*.so"))
    assert modules, "nothing is built"
    assert not [path for path in modules if MASK.encode() in path.read_bytes()]
    assert importlib.util.find_spec("otrade.mutant_mask") is None
    assert not [
        path for path in (ROOT / "otrade").rglob("*mutant*") if "__pycache__" not in str(path)
    ]


def test_every_source_holds_all_its_mutants() -> None:
    for name in SOURCES:
        text = (ROOT / name).read_text()
        sites = list(enumerate(sites_of(text, name), 1))
        whole = with_mutants(text, Path(name).suffix, sites)
        assert all(f"{MASK}({number})" in whole for number, _ in sites)
        if name.endswith(".py"):
            compile(whole, name, "exec")


def test_a_row_of_the_equivalents_fits_a_mutant() -> None:
    """In the table that is there; a stale one is an error."""
    texts = {name: (ROOT / name).read_text() for name in SOURCES}
    reasons, stale = argued(all_sites(), texts)
    assert not stale
    assert all(len(reason.split()) > 4 for reason in reasons.values())


@pytest.mark.parametrize(
    ("rows", "stale"),
    [
        ({"single": [["toy:f:compare:1", "a > b and b >= 0", "a >= b and b >= 0"]]}, False),
        ({"single": [["toy:f:compare:1", "a > c and b >= 0", "a >= c and b >= 0"]]}, True),
        ({"single": [["toy:f:compare:9", "a > b", "a >= b"]]}, True),
        ({"rules": [[r"(\w) > b\b", r"\1 >= b"]]}, False),
        ({"rules": [[r"(\w) > c\b", r"\1 >= c"]]}, True),
    ],
)
def test_stale_rows_are_told(rows: dict[str, Any], stale: bool, tmp_path: Path) -> None:
    table = tmp_path / "rows.json"
    single = [
        {"name": name, "was": was, "new": new, "reason": "none"}
        for name, was, new in rows.get("single", [])
    ]
    rules = [{"was": was, "new": new, "reason": "none"} for was, new in rows.get("rules", [])]
    table.write_text(json.dumps({"single": single, "rules": rules}))
    reasons, told = argued(sites_of(PYTHON, "toy"), {"toy": PYTHON}, table)
    assert bool(told) == stale
    assert list(reasons) == ([] if stale else ["toy:f:compare:1"])


def test_a_sample_is_spread_and_repeats() -> None:
    sites = list(enumerate(all_sites(), 1))
    seed = random.SystemRandom().randrange(10**6)
    print("seed", seed)
    drawn = sample(sites, 400, seed)
    assert drawn == sample(sites, 400, seed) and len(set(drawn)) == 400
    assert {site.file for _, site in drawn} == set(SOURCES)
    kinds = {(site.file, site.operator) for _, site in sites}
    assert {(site.file, site.operator) for _, site in drawn} == kinds
    assert sample(sites, 400, seed + 1) != drawn
    fewer = [numbered for numbered in sites if numbered != drawn[-1]]
    assert len(set(drawn) & set(sample(fewer, 400, seed))) >= 398, "the others keep their turn"


def test_tests_are_chosen_by_reach_the_quickest_and_then_the_widest() -> None:
    reaches = [
        Reach("narrow", 3.0, frozenset({1})),
        Reach("wide", 2.0, frozenset({1, 2, 3})),
        Reach("other", 0.1, frozenset({2})),
        Reach("quick[a]", 0.5, frozenset({1})),
        Reach("quick[b]", 0.6, frozenset({1})),
        Reach("slowest", 6.0, frozenset({1, 2, 3, 4})),
    ]
    assert [r.step for r in reaching(1, reaches, 8.0)] == ["quick[a]", "wide", "narrow", "quick[b]"]
    assert [r.step for r in reaching(1, reaches, 1.0)] == ["quick[a]"]
    assert [r.step for r in reaching(1, reaches, 24.0)][-1] == "quick[b]"
    assert [r.step for r in reaching(2, reaches, 0.0)] == ["other"], "one at least"
    assert reaching(9, reaches, 9.0) == []


def test_the_table_counts_what_could_be_caught() -> None:
    sites = sites_of(PYTHON, "toy")
    verdicts = ["killed"] * 6 + ["timeout", "drill", "survived", "equivalent"]
    outcomes = [
        MutantOutcome(site, verdict, "", "", 0.1, 3)
        for site, verdict in zip(sites, verdicts, strict=False)
    ]
    assert caught_share(Counter(verdicts)) == 8 / 9
    last = tables(outcomes).splitlines()[-1]
    assert last == "| all | 10 | 6 | 1 | 1 | 1 | 1 | 88.9 % |"
    told = survivors(outcomes, {"toy": PYTHON})
    assert told.splitlines()[0].startswith(f"{sites[8].name} (line ")
    assert len(told.splitlines()) == 3
