"""What is known of a value before a strategy runs: its kind and its range.

A range holds unless the value is NaN, which divides without raising. A whole number of which nothing
is known is taken to lie within 2**53 either way, where floats are exact; the stores keep it there.
"""

from __future__ import annotations

import ast
import math
from dataclasses import dataclass, replace

WHOLE = 2**53
GROWTH = 2**41
"""By how much a store may let a whole number grow beyond what was known of it."""
FITS = 2**62
LITERAL = 2**40
INF = math.inf


@dataclass(frozen=True)
class Value:
    kind: str  # float, int, bool, reason
    low: float = -INF
    high: float = INF
    nonzero: bool = False

    @staticmethod
    def of(kind: str) -> Value:
        return Value("int", -WHOLE, WHOLE) if kind == "int" else Value(kind)

    @staticmethod
    def ranged(kind: str, low: float, high: float) -> Value:
        """An unknown end (inf - inf) is no end."""
        return Value(kind, -INF if math.isnan(low) else low, INF if math.isnan(high) else high)

    @property
    def is_number(self) -> bool:
        return self.kind in ("int", "float")

    @property
    def is_constant(self) -> bool:
        return self.low == self.high

    @property
    def may_be_zero(self) -> bool:
        return not (self.nonzero or self.low > 0 or self.high < 0)

    @property
    def fits(self) -> bool:
        return self.kind != "int" or max(abs(self.low), abs(self.high)) <= FITS

    @property
    def is_exact(self) -> bool:
        """As a float it is the same number, so that machine code and Python compare alike."""
        return self.kind != "int" or max(abs(self.low), abs(self.high)) <= WHOLE + GROWTH

    def negative(self) -> Value:
        return Value(self.kind, -self.high, -self.low, self.nonzero)

    def absolute(self) -> Value:
        ends = abs(self.low), abs(self.high)
        low = 0 if self.low <= 0 <= self.high else min(ends)
        return Value(self.kind, low, max(ends), self.nonzero)

    def either(self, other: Value) -> Value:
        return Value(
            self.kind,
            min(self.low, other.low),
            max(self.high, other.high),
            not self.may_be_zero and not other.may_be_zero,
        )

    def above(self, low: float) -> Value:
        return replace(self, low=max(self.low, low))

    def below(self, high: float) -> Value:
        return replace(self, high=min(self.high, high))


def arithmetic(op: ast.operator, a: Value, b: Value) -> Value:
    """The range of `a op b`, for + - and *."""
    kind = "float" if "float" in (a.kind, b.kind) else "int"
    if isinstance(op, ast.Add):
        return Value.ranged(kind, a.low + b.low, a.high + b.high)
    if isinstance(op, ast.Sub):
        return Value.ranged(kind, a.low - b.high, a.high - b.low)
    ends = [x * y if x and y else 0 for x in (a.low, a.high) for y in (b.low, b.high)]
    return Value.ranged(kind, min(ends), max(ends))


def next_above(kind: str, bound: float) -> float:
    return bound + 1 if kind == "int" and abs(bound) < INF else math.nextafter(bound, INF)


def next_below(kind: str, bound: float) -> float:
    return bound - 1 if kind == "int" and abs(bound) < INF else math.nextafter(bound, -INF)
