"""In what range an integer of the optimised code lies. Whatever may wrap, or is not understood, may be
anything that its type can hold: that is always true.
"""

from __future__ import annotations

import re
from typing import Any

Span = tuple[int, int]
_SHAPE = re.compile(r"i(\d+)")


def bits_of(value: Any) -> int:
    """Of an integer type; 0 of another."""
    found = _SHAPE.fullmatch(str(value.type))
    return int(found[1]) if found else 0


def full(bits: int) -> Span:
    return -(1 << (bits - 1)), (1 << (bits - 1)) - 1


def signed(value: int, bits: int) -> int:
    half = 1 << (bits - 1)
    return ((value & ((1 << bits) - 1)) ^ half) - half


def fits(span: Span, bits: int) -> Span:
    low, high = full(bits)
    return span if low <= span[0] and span[1] <= high else (low, high)


def binary(op: str, a: Span, b: Span, bits: int) -> Span:
    """The range of `a op b`."""
    everything = full(bits)
    constant = b[0] if b[0] == b[1] and 0 <= b[0] < bits else None
    match op:
        case "add":
            found = a[0] + b[0], a[1] + b[1]
        case "sub":
            found = a[0] - b[1], a[1] - b[0]
        case "mul":
            ends = [x * y for x in a for y in b]
            found = min(ends), max(ends)
        case "and":
            tops = [span[1] for span in (a, b) if span[0] >= 0]
            found = (0, min(tops)) if tops else everything
        case "or" | "xor" if a[0] >= 0 and b[0] >= 0:
            found = 0, (1 << max(a[1], b[1]).bit_length()) - 1
        case "urem" if b[0] > 0:
            found = 0, b[1] - 1
        case "shl" if constant is not None:
            found = a[0] << constant, a[1] << constant
        case "lshr" if constant is not None and a[0] >= 0:
            found = a[0] >> constant, a[1] >> constant
        case "lshr" if constant:
            found = 0, (1 << (bits - constant)) - 1
        case "ashr" if constant is not None:
            found = a[0] >> constant, a[1] >> constant
        case _:
            found = everything
    return fits(found, bits)


def call(name: str, a: Span, b: Span, bits: int) -> Span:
    """The range of an intrinsic of two integers."""
    if name.startswith("llvm.smin."):
        return min(a[0], b[0]), min(a[1], b[1])
    if name.startswith("llvm.smax."):
        return max(a[0], b[0]), max(a[1], b[1])
    if name.startswith("llvm.umin."):
        tops = [span[1] for span in (a, b) if span[0] >= 0]
        return (0, min(tops)) if tops else full(bits)
    return full(bits)


def converted(op: str, a: Span, source_bits: int, bits: int) -> Span:
    """The range after zext, sext or trunc."""
    if op == "zext" and a[0] < 0:
        return 0, (1 << source_bits) - 1
    return fits(a, bits)


def compare(predicate: str, x: int, y: int, bits: int) -> bool:
    """`icmp`, on two constants."""
    if predicate[0] == "u":
        x, y = x & ((1 << bits) - 1), y & ((1 << bits) - 1)
    return {
        "eq": x == y,
        "ne": x != y,
        "lt": x < y,
        "le": x <= y,
        "gt": x > y,
        "ge": x >= y,
    }[predicate if predicate in ("eq", "ne") else predicate[1:]]
