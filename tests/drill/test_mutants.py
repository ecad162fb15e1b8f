"""The table of planted bugs follows the code: each row finds its places, once each, and what it
plants there can still be read as a source.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from functools import cache

import pytest
from Cython.Compiler import Errors
from Cython.Compiler.Main import CompilationOptions, Context
from Cython.Compiler.Scanning import FileSourceDescriptor
from Cython.Compiler.Symtab import ModuleScope

from tests.drill import mutant_tree
from tests.drill.mutants import HARMLESS, MUTANTS, Mutant
from tests.drill.operators import (
    ROOT,
    Operator,
    PlaceError,
    after,
    also_if,
    argument,
    changed,
    condition,
    drop,
    inside,
    instead,
    never,
    only_if,
    returns,
    swap,
    tokens_of,
    without,
)

SOURCE = '''
cdef class Router(Base):
    """A class."""

    cdef int send(self, order_t* o) noexcept nogil:
        if o.qty > 0:
            self.put(o, 1 + max(2, 3), <int>o.qty)
        elif o.gone or o.late:
            return 1
        else:
            self.put(o, 0, 0)
        return 0


cdef inline int twice(int n):
    if n > 0:  # why
        n += 1
    if n > 0:
        n += 2
    return n
'''


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_it_finds_its_places_and_still_reads(mutant: Mutant, tmp_path) -> None:
    text = (ROOT / mutant.file).read_text()
    planted = mutant.planted_in(text)
    assert planted != text and mutant.wrong
    if mutant.file.endswith(".py"):
        ast.parse(planted)
    else:
        path = tmp_path / "planted.pyx"
        path.write_text(planted)
        read_cython(path)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_it_plants_names_that_the_code_knows(mutant: Mutant) -> None:
    """A bug with a name that is gone would be caught for that name, and prove nothing."""
    known = words_of_the_tree()
    for operator in mutant.operators:
        unknown = {w for w in tokens_of(operator.new) if w.isidentifier() and w not in known}
        assert not unknown, f"{mutant.name}: nothing in otrade is named {unknown}"


def test_names_are_unique_and_enough_are_to_be_caught() -> None:
    names = [mutant.name for mutant in MUTANTS]
    assert len(names) == len(set(names)) and set(HARMLESS) <= set(names)
    assert len(names) - len(HARMLESS) >= 15


@pytest.mark.parametrize(
    ("function", "operator", "gone", "came"),
    [
        ("Router.send", never("o.qty"), "if o.qty > 0:", "if False:"),
        ("Router.send", condition("gone", "o.x"), "elif o.gone or o.late:", "elif o.x:"),
        ("Router.send", only_if("gone", "o.x"), "o.gone or o.late:", "(o.gone or o.late) and o.x:"),
        ("Router.send", also_if("gone", "o.x"), "o.gone or o.late:", "o.gone or o.late or o.x:"),
        ("Router.send", without("gone"), "o.gone or o.late", "o.late"),
        ("Router.send", without("late"), "o.gone or o.late", "o.gone"),
        ("Router.send", swap("gone", "o.gone or", "not"), "elif o.gone or o", "elif not o"),
        ("Router.send", argument("max", "self.put", 1, "7"), "1 + max(2, 3)", "7"),
        ("Router.send", argument("max", "max", 1, "7"), "max(2, 3)", "max(2, 7)"),
        ("Router.send", argument("max", "put", 2, "7"), "<int>o.qty)", "7)"),
        ("Router.send", returns("0", "2"), "return 0", "return 2"),
        (
            "Router.send",
            drop("else / put"),
            "            self.put(o, 0, 0)\n",
            "            pass\n",
        ),
        ("Router", drop("return 0"), "        return 0\n", ""),
        ("twice", drop("if: 1"), "    if n > 0:  # why\n        n += 1\n", ""),
        ("twice", instead("+= 2", "a", "b"), "        n += 2\n", "        a\n        b\n"),
        ("twice", after("if: 1", "a"), "        n += 1\n", "        n += 1\n    a\n"),
        ("twice", inside("if: 1", "a"), "# why\n", "# why\n        a\n"),
    ],
)
def test_an_operator_changes_its_place(function, operator, gone, came) -> None:
    assert SOURCE.count(gone) == 1
    assert changed(SOURCE, function, (operator,)) == SOURCE.replace(gone, came)


@pytest.mark.parametrize(
    ("function", "operator", "words"),
    [
        ("thrice", drop("n"), "0 functions"),
        ("Router.twice", drop("n"), "0 functions"),
        ("twice", never("n > 0"), r"2 statements have 'n > 0' \(lines 16, 18\)"),
        ("twice", never("m"), "0 statements have 'm'"),
        ("twice", returns("+= 1", "0"), "0 statements"),
        ("twice", swap("return", "m", "0"), "'m' stands 0 times"),
        ("Router.send", without("o.gone o.late"), "0 of 2 operands"),
        ("Router.send", without("o.qty"), "1 of 1 operands"),
        ("Router.send", argument("max", "max", 2, "0"), "'max' has no argument 2"),
        ("Router.send", argument("max", "min", 0, "0"), "0 calls of 'min'"),
    ],
)
def test_a_place_that_is_not_there_once_is_an_error_that_names_the_row(
    function: str, operator: Operator, words: str
) -> None:
    row = Mutant("a bug", "otrade.clock", function, (operator,), "wrong")
    with pytest.raises(PlaceError, match=f"'a bug'.*otrade.clock, {function}.*{words}"):
        row.planted_in(SOURCE)


def test_a_module_that_is_gone_is_an_error_that_names_the_row() -> None:
    row = Mutant("a bug", "otrade.gone", "f", (never("n"),), "wrong")
    with pytest.raises(PlaceError, match="'a bug': there is no module otrade.gone"):
        print(row.file)


def read_cython(path) -> None:
    """Parse, and no more: names and types are the build's to judge."""
    context = Context.from_options(CompilationOptions())
    source = FileSourceDescriptor(str(path), path.name)
    scope = ModuleScope("planted", None, context)
    with Errors.local_errors() as errors:
        context.parse(source, scope, pxd=False, full_module_name="planted")
    assert not errors, errors


def test_what_is_no_source_is_seen(tmp_path) -> None:
    path = tmp_path / "planted.pyx"
    path.write_text("cdef int f(int n):\n    if n >:\n        return 1\n")
    with pytest.raises(Errors.CompileError):
        read_cython(path)


@cache
def words_of_the_tree() -> set[str]:
    paths = [path for kind in ("*.py", "*.pyx") for path in (ROOT / "otrade").rglob(kind)]
    return {word for path in paths for word in re.findall(r"[A-Za-z_]\w*", path.read_text())}


def test_only_what_a_row_changes_is_built_and_put_back(tmp_path, monkeypatch) -> None:
    names = ("orders/entry.pyx", "orders/entry.c", "orders/entry.cpython.so", "orders/exits.c")
    for name in names:
        (tmp_path / "otrade/_core" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "otrade/_core" / name).write_text("as it was")
    built = list[tuple[str, ...]]()

    def build(*words: str) -> None:
        built.append(words[-1:])
        for name in names[1:3]:
            (tmp_path / "otrade/_core" / name).write_text("with the bug")

    monkeypatch.setattr(mutant_tree, "COPY", tmp_path)
    monkeypatch.setattr(mutant_tree, "_build", build)
    before = {name: (tmp_path / "otrade/_core" / name).stat().st_mtime_ns for name in names}
    with mutant_tree.planted("otrade/_core/orders/entry.pyx", "the bug"):
        assert (tmp_path / "otrade/_core" / names[0]).read_text() == "the bug"
    for name in names:
        path = tmp_path / "otrade/_core" / name
        assert (path.read_text(), path.stat().st_mtime_ns) == ("as it was", before[name])
    (tmp_path / "otrade/clock.py").write_text("as it was")
    with mutant_tree.planted("otrade/clock.py", "the bug"):
        pass
    assert built == [("otrade/_core/orders/entry.pyx",)]


def test_one_extension_is_found_by_its_source() -> None:
    """What builds one row reads the tree's own setup; a Cython file that it does not name is none."""
    listing = mutant_tree.PART.replace("dist.run_commands()", "print(len(dist.ext_modules))")

    def listed(word: str) -> str:
        asked = [sys.executable, "-c", listing, word]
        return subprocess.run(asked, cwd=ROOT, capture_output=True, text=True).stdout.strip()

    assert listed("otrade/_core/state.pyx") == "1"
    assert 2 <= int(listed(mutant_tree.OF_KERNELS)) <= 12
    assert listed("otrade/_core/gone.pyx") == ""
