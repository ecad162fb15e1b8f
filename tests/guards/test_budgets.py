"""What a tick, an order and a record cost may not grow unseen: instructions within 5 % of what is
recorded, and no memory made at all.

After a change that is worth its price, `python -m tests.guards.counting` records anew; the diff of
budgets.json then shows the price.
"""

from __future__ import annotations

import platform
import shutil
from pathlib import Path

import pytest

from tests.guards.counting import (
    ALLOCATORS,
    CORE,
    GUARDS,
    Count,
    Guard,
    budgets,
    c_name,
    compiler,
    count,
    count_backtest,
)

SLACK = 1.05
SLACK_UNKNOWN = 1.25
"""Compilers differ by more than a slip does: against one that nobody has recorded."""
RECORDED_BY = "x86_64 gcc 12"

pytestmark = pytest.mark.skipif(
    platform.machine() != "x86_64" or not shutil.which("valgrind"),
    reason="NO VALGRIND: instructions and allocations are NOT guarded",
)


@pytest.mark.parametrize("name", GUARDS)
def test_instructions_and_allocations(name: str, tmp_path: Path) -> None:
    check(name, count(GUARDS[name], tmp_path))


def test_a_backtest_s_day(tmp_path: Path) -> None:
    """A tick and a bar with exchange, orders and charges on, and core, exchange and loop set back to
    a day's beginning.
    """
    for name, seen in count_backtest(tmp_path).items():
        check(name, seen)


def check(name: str, seen: Count) -> None:
    known = budgets()
    slack = SLACK if compiler() in known else SLACK_UNKNOWN
    budget = known.get(compiler(), known[RECORDED_BY])[name]
    print(f"{name}: {seen.instructions:.0f} instructions, {budget:.0f} recorded")
    assert seen.instructions <= budget * slack, (
        f"{name}: {seen.instructions:.0f} instructions, {budget:.0f} are recorded for {compiler()}"
    )
    assert seen.allocators == [], f"{name} makes memory"


def test_the_count_sees_what_makes_memory(tmp_path: Path) -> None:
    """`take_command` makes a Python object a command: a guard that saw nothing there would see
    nothing anywhere.
    """
    seen = count(
        Guard("orders", c_name(CORE + "engine.views", "take_command"), 20, 1),
        tmp_path,
    )
    assert seen.allocators and seen.instructions > 100


def test_names_that_make_memory() -> None:
    for name in (
        "malloc",
        "__libc_calloc",
        "_int_malloc",
        "_PyObject_Malloc",
        "PyMem_RawMalloc",
        "_PyObject_GC_New",
        "realloc",
    ):
        assert ALLOCATORS.search(name), name
    for name in (
        "memcpy",
        "free_slot",
        "otk_size_qty",
        c_name(CORE + "state", "new_order"),
        "place",
    ):
        assert not ALLOCATORS.search(name), name
