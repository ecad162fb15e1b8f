"""The last gate, on kernels straight from Python; and its parts on graphs and numbers by hand."""

from __future__ import annotations

import itertools
import subprocess
import sys

import pytest

from otrade.strategy.build import flow, intervals
from tests.strategy.gate_run import CASES


def test_each_kernel_is_refused_or_passes() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.strategy.gate_run"], capture_output=True, text=True
    )
    assert done.stdout == f"{len(CASES)} kernels\n", done.stdout + done.stderr[-2000:]


OPS = ["add", "sub", "mul", "and", "or", "xor", "urem", "shl", "lshr", "ashr"]


def exact(op: str, x: int, y: int, bits: int) -> int | None:
    """What a processor of so many bits gives, by Python's own arithmetic; None: undefined."""
    mask = (1 << bits) - 1
    ux, uy = x & mask, y & mask
    if op in ("shl", "lshr", "ashr") and uy >= bits:
        return None
    if op == "urem" and uy == 0:
        return None
    value = {
        "add": lambda: x + y,
        "sub": lambda: x - y,
        "mul": lambda: x * y,
        "and": lambda: x & y,
        "or": lambda: x | y,
        "xor": lambda: x ^ y,
        "urem": lambda: ux % uy,
        "shl": lambda: x << uy,
        "lshr": lambda: ux >> uy,
        "ashr": lambda: x >> uy,
    }[op]()
    return ((value & mask) ^ (1 << (bits - 1))) - (1 << (bits - 1))


@pytest.mark.parametrize("op", OPS)
def test_a_range_holds_every_value(op: str) -> None:
    """All pairs of ranges of four-bit numbers, and every value in them."""
    bits = 4
    spans = list(itertools.combinations_with_replacement(range(-8, 8), 2))[::5]
    for a, b in itertools.product(spans, spans):
        low, high = intervals.binary(op, a, b, bits)
        for x in range(a[0], a[1] + 1):
            for y in range(b[0], b[1] + 1):
                value = exact(op, x, y, bits)
                assert value is None or low <= value <= high, (op, a, b, x, y)


def test_conversions_hold_every_value() -> None:
    for a in itertools.combinations_with_replacement(range(-8, 8), 2):
        for x in range(a[0], a[1] + 1):
            low, high = intervals.converted("zext", a, 4, 8)
            assert low <= x & 15 <= high
            low, high = intervals.converted("sext", a, 4, 8)
            assert low <= x <= high
            low, high = intervals.converted("trunc", a, 4, 2)
            assert low <= ((x & 3) ^ 2) - 2 <= high


def test_comparisons_are_the_processors() -> None:
    for x, y in itertools.product(range(-8, 8), repeat=2):
        ux, uy = x & 15, y & 15
        assert intervals.compare("slt", x, y, 4) == (x < y)
        assert intervals.compare("ult", x, y, 4) == (ux < uy)
        assert intervals.compare("uge", x, y, 4) == (ux >= uy)
        assert intervals.compare("ne", x, y, 4) == (x != y)


DIAMOND = {0: [1, 2], 1: [3], 2: [3], 3: []}
LOOP = {0: [1], 1: [2, 3], 2: [1], 3: []}
NESTED = {0: [1], 1: [2], 2: [2, 3], 3: [1, 4], 4: []}
EARLY = {0: [1], 1: [2, 5], 2: [3, 4], 3: [1], 4: [6], 5: [6], 6: []}


def cost(edges: dict[int, list[int]], rounds: dict[int, int], **weights: int) -> int:
    nearest = flow.dominators(edges)
    found = flow.loops(edges, nearest)
    assert set(found) == set(rounds)
    return flow.longest(edges, found, rounds, lambda block: weights.get(f"b{block}", 1))


def test_the_longest_way_by_hand() -> None:
    assert cost(DIAMOND, {}) == 3
    assert cost(DIAMOND, {}, b2=10) == 12
    assert cost(LOOP, {1: 10}) == 1 + 10 + 10 + 1
    assert cost(NESTED, {1: 10, 2: 5}) == 1 + 10 + 50 + 10 + 1
    assert cost(EARLY, {1: 10}, b4=7) == 1 + 10 + 10 + 10 + 7 + 1  # the break, after all rounds


def test_dominators_by_hand() -> None:
    assert flow.dominators(DIAMOND) == {0: 0, 1: 0, 2: 0, 3: 0}
    assert flow.dominators(EARLY) == {0: 0, 1: 0, 2: 1, 3: 2, 4: 2, 5: 1, 6: 1}


def test_a_cycle_with_two_heads_is_refused() -> None:
    edges = {0: [1, 2], 1: [2, 3], 2: [1], 3: []}
    nearest = flow.dominators(edges)
    assert not flow.loops(edges, nearest)
    with pytest.raises(flow.Tangled):
        flow.longest(edges, {}, {}, lambda _: 1)
