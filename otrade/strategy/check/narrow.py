"""What a test tells of the values in it: after `if self.n > 0`, `self.n` may be divided by."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import Protocol

from otrade.strategy.check.values import Value, next_above, next_below

_MIRROR: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.Gt,
    ast.LtE: ast.GtE,
    ast.Gt: ast.Lt,
    ast.GtE: ast.LtE,
    ast.Eq: ast.Eq,
    ast.NotEq: ast.NotEq,
}
_NOT: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.GtE,
    ast.LtE: ast.Gt,
    ast.Gt: ast.LtE,
    ast.GtE: ast.Lt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
}


class Knowledge(Protocol):
    """Who reads the expressions."""

    def known(self, node: ast.expr) -> Value:
        """The value of an expression that has been read already."""

    def is_kept(self, node: ast.expr) -> bool:
        """A name of what only a store changes: a local, a field of self or of a record. A cell's is
        changed by its helper.
        """


def holds(test: ast.expr, truth: bool, known: Knowledge) -> dict[str, Value]:
    """What is known more, by the source text of each name, where the test came out so."""
    match test:
        case ast.UnaryOp(op=ast.Not(), operand=inner):
            return holds(inner, not truth, known)
        case ast.BoolOp(op=op, values=parts) if isinstance(op, ast.And) == truth:
            found: dict[str, Value] = {}
            for part in parts:
                # What two parts tell of one name is joined by the later one alone: less, never wrong.
                found.update(holds(part, truth, known))
            return found
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            kind = type(op) if truth else _NOT[type(op)]
            return {
                **_narrowed(left, kind, right, truth, known),
                **_narrowed(right, _MIRROR[kind], left, truth, known),
            }
        case ast.Name() | ast.Attribute() if truth and known.is_kept(test):
            value = known.known(test)
            return {ast.unparse(test): replace(value, nonzero=True)} if value.kind == "int" else {}
    return {}


def _narrowed(
    name: ast.expr, op: type[ast.cmpop], bound: ast.expr, truth: bool, known: Knowledge
) -> dict[str, Value]:
    if not known.is_kept(name):
        return {}
    value, other = known.known(name), known.known(bound)
    if "float" in (value.kind, other.kind) and not truth and not other.is_constant:
        return {}  # the test was false, which it also is of a NaN on the other side
    kind = value.kind
    if op is ast.Gt:
        value = value.above(next_above(kind, other.low) if kind == other.kind else other.low)
        found = replace(value, nonzero=value.nonzero or other.low >= 0)
    elif op is ast.GtE:
        found = value.above(other.low)
    elif op is ast.Lt:
        value = value.below(next_below(kind, other.high) if kind == other.kind else other.high)
        found = replace(value, nonzero=value.nonzero or other.high <= 0)
    elif op is ast.LtE:
        found = value.below(other.high)
    elif op is ast.NotEq and other.is_constant and other.low == 0:
        found = replace(value, nonzero=True)
    elif op is ast.Eq:
        found = value.above(other.low).below(other.high)
    else:
        return {}
    if found.low > found.high:
        return {}  # a way that is never taken; nothing is said of it
    return {ast.unparse(name): found}
