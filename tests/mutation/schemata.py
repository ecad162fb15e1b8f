"""One source that holds all its mutants: each asks a mask whether it is the one.

Which mutant is switched on stands in memory that all processes of a run share
(`OTRADE_MUTANT_MEMORY` names the file): an `int`, and behind it one byte a mutant that says whether
its place was reached. Without that file none is on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from tests.mutation.sites import Site, Slot

MASK = "otrade_mutant"
"""A C function; no release build has it."""
CAPACITY = 1 << 16
HEADER = f"""\
#ifndef OTRADE_MUTANT_H
#define OTRADE_MUTANT_H
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

typedef struct {{ int on; unsigned char reached[{CAPACITY}]; }} otrade_mutants_t;
static otrade_mutants_t otrade_no_mutants;
static volatile otrade_mutants_t *otrade_mutants = &otrade_no_mutants;

__attribute__((constructor)) static void otrade_mutants_open(void) {{
    const char *path = getenv("OTRADE_MUTANT_MEMORY");
    int fd = path ? open(path, O_RDWR) : -1;
    void *at = fd < 0 ? MAP_FAILED
                      : mmap(0, sizeof(otrade_mutants_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at != MAP_FAILED) otrade_mutants = at;
    if (fd >= 0) close(fd);
}}

__attribute__((noinline, used)) static int {MASK}(int number) {{
    otrade_mutants->reached[number] = 1;
    return otrade_mutants->on == number;
}}
#endif
"""
CYTHON_HEAD = f"""\
cdef extern from "otrade/mutant_mask.h" nogil:
    bint {MASK}(int number) noexcept
"""
PYTHON_HEAD = f"from otrade.mutant_mask import {MASK}\n"
MODULE = f"""\
# cython: language_level=3
cdef extern from "otrade/mutant_mask.h" nogil:
    bint is_on "{MASK}"(int number) noexcept


def {MASK}(int number):
    return is_on(number)
"""


def with_mutants(text: str, suffix: str, numbered: Iterable[tuple[int, Site]]) -> str:
    """The source with all of these in it, each behind its number."""
    slots: dict[tuple[int, int], list[tuple[int, Site]]] = defaultdict(list)
    for number, site in numbered:
        slots[site.start, site.end].append((number, site))
        if site.second != (0, 0):
            slots[site.second].append((number, replace(site, new="pass")))
    for (start, end), sites in sorted(slots.items(), reverse=True):
        text = text[:start] + _switched(text, start, end, sites) + text[end:]
    return _with_head(text, suffix)


def _switched(text: str, start: int, end: int, sites: list[tuple[int, Site]]) -> str:
    old = text[start:end]
    match sites[0][1].slot:
        case Slot.CONDITION:
            # `not not`: Cython makes one C type of two truths, and a Python object of a truth and a
            # number.
            ways = "".join(f"not not ({site.new}) if {MASK}({n}) else " for n, site in sites)
            return f"({ways}not not ({old}))"
        case Slot.VALUE:
            ways = "".join(f"({site.new}) if {MASK}({n}) else " for n, site in sites)
            return f"({ways}({old}))"
        case Slot.STATEMENT:
            indent = text[text.rindex("\n", 0, start) + 1 : start]
            lines = []
            for i, (n, site) in enumerate(sites):
                word = "elif" if i else "if"
                body = site.new
                if site.operator == "swap":  # two lines
                    body = body.replace("\n", f"\n{indent}    ")
                lines.append(f"{word} {MASK}({n}):\n{indent}    {body}\n{indent}")
            return "".join(lines) + f"else:\n{indent}    {old}"


def _with_head(text: str, suffix: str) -> str:
    """The mask's name, made known before the first statement that could use it."""
    lines = text.splitlines(keepends=True)
    if suffix == ".pyx":
        at = 0
        while lines[at].startswith("#"):
            at += 1
        return "".join([*lines[:at], CYTHON_HEAD, *lines[at:]])
    at = next(
        i
        for i, line in enumerate(lines)
        if line.startswith(("import ", "from ")) and "__future__" not in line
    )
    return "".join([*lines[:at], PYTHON_HEAD, *lines[at:]])


def write_mask(tree: Path) -> None:
    """The mask's header and module, in a copy of the tree."""
    (tree / "otrade" / "mutant_mask.h").write_text(HEADER)
    (tree / "otrade" / "mutant_mask.pyx").write_text(MODULE)
