"""Each operator on a few lines of Python and of Cython: which mutants there are, and what they say."""

from __future__ import annotations

from textwrap import dedent

import pytest

from tests.mutation.equivalents import flat
from tests.mutation.sites import OPERATORS, Site, Slot, sites_of
from tests.mutation.tree import all_sites


def found(code: str, operator: str = "") -> list[tuple[str, str]]:
    """(operator, what the statement or the condition becomes) of each mutant of a body."""
    body = "".join(f"    {line}\n" for line in dedent(code).strip().splitlines())
    sites = sites_of(f"def f(a, b):\n{body}", "toy.py")
    return [(s.operator, flat(s.new)) for s in sites if operator in ("", s.operator)]


def words(code: str, operator: str) -> list[str]:
    return [new for _, new in found(code, operator)]


@pytest.mark.parametrize(
    ("old", "new"),
    [("<", "<="), ("<=", "<"), (">", ">="), (">=", ">"), ("==", "!="), ("!=", "==")],
)
def test_comparisons(old: str, new: str) -> None:
    assert words(f"return a {old} b", "compare") == [f"return a {new} b"]
    assert words(f"if a {old} b:\n    pass", "compare") == [f"a {new} b"]


def test_comparisons_in_words() -> None:
    assert words("return a is None", "compare") == ["return a is not None"]
    assert words("return a is not None", "compare") == ["return a is None"]
    assert words("return a in b", "compare") == ["return a not in b"]
    assert words("return a not in b", "compare") == ["return a in b"]
    assert words("return [x for x in b]", "compare") == []


def test_a_cast_is_no_comparison() -> None:
    assert words("return f(<int>-a.side, <bint>(a < b), <b_t*>a)", "compare") == [
        "return f(<int>-a.side, <bint>(a <= b), <b_t*>a)"
    ]
    assert words("return f(<int>-a.b)", "sign") == ["return f(<int>a.b)"]


def test_constants() -> None:
    assert words("return a + 1", "constant") == ["return a + 2"]
    assert words("return a * 0", "constant") == ["return a * 1"]
    assert words("return a * 10_000", "constant") == ["return a * 20000"]
    assert words("a.b = True", "constant") == ["a.b = False"]
    assert words("return a[0]", "constant") == [], "a pointer has nothing behind it"
    assert words("for i in range(3, -1, -1):\n    pass", "constant") == ["4", "2"], (
        "a step stays: C must know it"
    )


def test_a_constant_of_the_module_is_changed_where_it_is_used() -> None:
    text = "cdef int64_t GAP_NS = 5_000\ncdef enum:\n    MODE = 1\n\n\ndef f(a):\n    return a > GAP_NS + MODE\n"
    assert [s.new for s in sites_of(text, "toy.pyx") if s.operator == "constant"] == [
        "return a > (GAP_NS * 2) + MODE",
        "return a > GAP_NS + (MODE + 1)",
    ]


def test_signs() -> None:
    assert words("return a + b", "sign") == ["return a - b"]
    assert words("return a - b", "sign") == ["return a + b"]
    assert words("return -a", "sign") == ["return a"]
    assert words("a -= b", "sign") == ["a += b"]
    assert words("return f(a.side, b)", "sign") == ["return f(-a.side, b)"]
    assert words("return f(-a.side)", "sign") == ["return f(a.side)"]
    assert words("return f(a.side == b)", "sign") == []


def test_branches() -> None:
    code = "if a and b:\n    return"
    assert words(code, "branch") == ["a or b", "not (a and b)", "False", "True"]
    assert words("while a:\n    pass", "branch") == ["not (a)", "False"], "never for ever"
    assert words("return a if b else a + b", "branch") == ["return a if not (b) else a + b"]
    assert words("return [x for x in a if x]", "branch") == []


def test_calls_and_assignments() -> None:
    assert words("f(a)", "call") == ["pass"]
    assert words("await a.f(b)[0].g()", "call") == ["pass"]
    assert words("return f(a)", "call") == []
    assert words("f(a)\ng(b)\nh()", "swap") == ["g(b) f(a)", "h() g(b)"]
    assert words("f(a)\nif a:\n    g(b)", "swap") == []
    assert words("a.b = 1\na[1] = 2\na += 1", "statement") == ["pass"] * 3
    assert words("x = a", "statement") == [], "nothing runs without a local name"


def test_what_is_left_alone() -> None:
    assert found('"""a < b and 1."""') == []
    assert found("raise Bad(a + 1)") == []
    assert words("notes.halt(c, -1, 2, a == b)", "constant") == []
    assert words("notes.halt(c, -1, 2, a == b)", "call") == ["pass"]
    assert sites_of("X = 1 + 2\nif X > 2:\n    f(X)\n", "toy.py") == [], "it runs once, at import"
    assert sites_of("def _pack():\n    return 1\n\n\n_pack()\n", "toy.py") == [], "so does this"
    assert found("if a: b = 1") == [], "a block on the line of its condition"


def test_declarations_of_cython() -> None:
    sites = sites_of("cdef int f(int a):\n    cdef int n, m = a + 1\n    cdef int* p\n", "toy.pyx")
    assert [(s.operator, s.slot, s.new) for s in sites] == [
        ("sign", Slot.VALUE, "a - 1"),
        ("constant", Slot.VALUE, "a + 2"),
    ]
    two = "cdef int f(int a):\n    cdef int n = 1, m = 2\n    return n\n"
    assert sites_of(two, "toy.pyx") == []


def test_names_follow_the_code() -> None:
    text = "class A:\n    def f(self, a):\n        return a < 1 < 2\n\n    def g(self):\n        return 3\n"
    names = [s.name for s in sites_of(text, "x.py")]
    assert names == [
        "x.py:A.f:compare:1",
        "x.py:A.f:constant:1",
        "x.py:A.f:compare:2",
        "x.py:A.f:constant:2",
        "x.py:A.g:constant:1",
    ]
    moved = [s.name for s in sites_of("import os\n\n\n" + text, "x.py")]
    assert moved == names


def test_the_sources_have_some_of_each() -> None:
    sites: list[Site] = all_sites()
    assert len(sites) > 5_000
    assert {site.operator for site in sites} == set(OPERATORS)
    assert len({site.name for site in sites}) == len(sites)
