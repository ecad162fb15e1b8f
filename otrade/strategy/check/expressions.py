"""Expressions of a hook: the kind and the range of each, or a fault."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

from otrade._core.types import ExitReason, Phase
from otrade.strategy.check.banned import BANNED, OTHERWISE
from otrade.strategy.check.faults import GUIDE, Faults, nearest
from otrade.strategy.check.narrow import holds
from otrade.strategy.check.spec import Spec
from otrade.strategy.check.values import INF, LITERAL, WHOLE, Value, arithmetic
from otrade.strategy.indicators import CELLS, HELPERS
from otrade.strategy.indicators.registry import Helper, Period
from otrade.strategy.words.cell import CODES, Cell, RecordField
from otrade.strategy.words.records import RECORDS, arguments, readable

ENUMS: dict[str, Any] = {"ExitReason": ExitReason, "Phase": Phase}
BUILT_IN = ("abs", "float", "max", "min")
KIND_OF = {code: kind.__name__ for kind, code in CODES.items()}
RANGES = {
    "volume": 2**50,
    "new_volume": 2**50,
    "ts_open_ns": 2**61,
    "ts_end_ns": 2**61,
    "now_ns": 2**61,
}
"""Whole numbers of the core's records that are never below 0, and the most that they are."""
MOST = 2**40
"""Any other whole number of a record, either way."""
Facts = dict[str, Value]


class Expressions:
    def __init__(self, spec: Spec, faults: Faults, imported: set[str]) -> None:
        self.spec = spec
        self.faults = faults
        self.imported = imported
        self.facts: Facts = {}
        """What is known here of locals (all that are certainly set) and of fields."""
        self.kinds: dict[str, str] = {}
        """Locals of the hook, set on some way."""
        self.hook_name = ""
        self.records: set[str] = set()
        """What the hook has asked for."""

    def fail(self, node: Any, what: str, instead: str) -> NoReturn:
        raise self.faults.at(node, what, instead)

    def banned(self, node: ast.AST) -> NoReturn:
        words = BANNED.get(type(node))
        self.fail(
            node,
            *(words or (f"`{type(node).__name__}`, which is no word of a strategy", OTHERWISE)),
        )

    @contextmanager
    def given(self, test: ast.expr, truth: bool) -> Iterator[None]:
        """Read on as where the test has this outcome."""
        before = dict(self.facts)
        self.facts.update(holds(test, truth, self))
        try:
            yield
        finally:
            self.facts = before

    def known(self, node: ast.expr) -> Value:
        return self.value(node)

    def is_kept(self, node: ast.expr) -> bool:
        match node:
            case ast.Name() | ast.Attribute(value=ast.Name()):
                return True
            case ast.Attribute(value=ast.Attribute(value=ast.Name(id="self"), attr=owner)):
                return owner in self.spec.bars
        return False

    # ----------------------------------------------------------------------------------- values
    def value(self, node: ast.expr) -> Value:
        reader: Callable[[Any], Value] | None = getattr(self, f"_{type(node).__name__}", None)
        if reader is None:
            self.banned(node)
        found = reader(node)
        if not found.fits:
            self.fail(
                node,
                "a whole number that may not fit into 64 bits",
                "float(...) around a part of it",
            )
        return found

    def number(self, node: ast.expr) -> Value:
        found = self.value(node)
        if not found.is_number:
            self.fail(node, f"arithmetic on a {found.kind}", "1 if x else 0, or a comparison")
        return found

    def test(self, node: ast.expr) -> None:
        found = self.value(node)
        if found.kind not in ("bool", "int"):
            self.fail(node, f"a condition that is a {found.kind}", "a comparison: x > 0.0")

    def _Constant(self, node: ast.Constant) -> Value:
        match node.value:
            case bool():
                return Value("bool")
            case int(n):
                if n > LITERAL:
                    self.fail(
                        node, f"the whole number {n}", f"at most {LITERAL}, or a float: {n}.0"
                    )
                return Value("int", n, n)
            case float(x):
                if not math.isfinite(x):
                    self.fail(node, "a number too large for a float", "at most 1e308")
                return Value("float", x, x)
            case str():
                self.fail(
                    node, "text in a hook", 'why=self.NAME, with NAME = reason("...") in the class'
                )
        self.fail(node, f"`{ast.unparse(node)}`", "a number, True or False")

    def _Name(self, node: ast.Name) -> Value:
        name = node.id
        if name in self.spec.constants:
            kind, value = self.spec.constants[name]
            return Value(kind) if kind == "bool" else Value(kind, value, value)
        if name in self.facts:
            return self.facts[name]
        if name in self.kinds:
            self.fail(
                node,
                f"`{name}` is not set on every way to here",
                f"{name} = ... before the `if` or `for`",
            )
        if name in (*HELPERS, *BUILT_IN):
            self.fail(node, f"`{name}` without its arguments", f"{name}(...)")
        if name in ("self", *self.records):
            self.fail(
                node, f"`{name}` by itself", f"a field of it, like {name}.{self._example(name)}"
            )
        known = {*self.kinds, *self.spec.constants, *HELPERS, *BUILT_IN, "self", *self.records}
        self.fail(node, f"there is no `{name}`", nearest(name, known))

    def _example(self, name: str) -> str:
        if name == "self":
            return next(iter((*self.spec.params, *self.spec.fields)), "count")
        return "buy(...)" if name == "out" else next(iter(readable(RECORDS.get(name, name))))

    def _Attribute(self, node: ast.Attribute) -> Value:
        key = ast.unparse(node)
        match node:
            case ast.Attribute(value=ast.Name(id="self"), attr=name):
                return self.facts.get(key) or self._own(node, name)
            case ast.Attribute(value=ast.Name(id=owner), attr=name) if owner in ENUMS:
                self.word(node.value, owner)
                if name not in ENUMS[owner].__members__:
                    self.fail(
                        node,
                        f"there is no {owner}.{name}",
                        nearest(name, ENUMS[owner].__members__, f"{owner}."),
                    )
                code = int(ENUMS[owner][name])
                return Value("int", code, code)
            case ast.Attribute(value=ast.Name(id=owner), attr=name) if owner in self.records - {
                "out"
            }:
                return self.facts.get(key) or self._of_record(
                    node, RECORDS.get(owner, owner), owner, name
                )
            case ast.Attribute(
                value=ast.Attribute(value=ast.Name(id="self"), attr=owner), attr=name
            ):
                if owner in self.spec.bars:
                    return self.facts.get(key) or self._of_record(
                        node, "bar", f"self.{owner}", name
                    )
                return self._of_cell(node, owner, name)
        match node.value:
            case ast.Name(id=owner) if owner in arguments(self.hook_name) and owner != "out":
                asked = [
                    one for one in arguments(self.hook_name) if one in self.records or one == owner
                ]
                signature = f"def {self.hook_name}(self, {', '.join(asked)}):"
                self.fail(
                    node, f"`{owner}` is not among the arguments of {self.hook_name}", signature
                )
        self.fail(
            node,
            "a field of something else than self and the hook's arguments",
            "self.name, bar.close or pos.is_flat",
        )

    def _own(self, node: ast.Attribute, name: str) -> Value:
        spec = self.spec
        if name in spec.params:
            one = spec.params[name]
            return Value(one.kind, one.low, one.high)
        if name in spec.reasons:
            return Value("reason")
        if name in spec.bars:
            self.fail(node, f"`{name}` is bars of another length", f"self.{name}.close")
        if name not in spec.fields:
            known = {*spec.params, *spec.fields, *spec.reasons, *spec.bars}
            self.fail(node, f"there is no field `{name}`", nearest(name, known, "self."))
        kind = spec.fields[name].kind
        if isinstance(kind, str):
            return Value.of(kind)
        self.fail(
            node,
            f"`{name}` is the memory of an indicator",
            f"what it gave, or self.{name}.{_outputs(kind)[-1].name}",
        )

    def _of_cell(self, node: ast.Attribute, owner: str, name: str) -> Value:
        if owner not in self.spec.fields:
            known = {n for n, f in self.spec.fields.items() if not isinstance(f.kind, str)}
            self.fail(
                node,
                f"there is no field `{owner}`",
                nearest(owner, {*known, *self.spec.bars}, "self."),
            )
        kind = self.spec.fields[owner].kind
        if isinstance(kind, str):
            self.fail(node, f"`{owner}` is {kind} and has no `{name}`", f"self.{owner}")
        rows = {row.name: row for row in _outputs(kind)}
        if name not in rows:
            self.fail(
                node,
                f"{kind.__name__.rstrip('0123456789')} has no `{name}`",
                nearest(name, rows, f"self.{owner}."),
            )
        found = KIND_OF[str(rows[name].kind)]
        return Value("int", -LITERAL, LITERAL) if found == "int" else Value(found)

    def _of_record(self, node: ast.Attribute, record: str, owner: str, name: str) -> Value:
        kinds = readable(record)
        if name not in kinds:
            self.fail(node, f"{owner} has no `{name}`", nearest(name, kinds, f"{owner}."))
        if kinds[name] != "int":
            return Value(kinds[name])
        return Value("int", 0, RANGES[name]) if name in RANGES else Value("int", -MOST, MOST)

    # -------------------------------------------------------------------------------- operators
    def _BinOp(self, node: ast.BinOp) -> Value:
        a, b = self.number(node.left), self.number(node.right)
        match node.op:
            case ast.Add() | ast.Sub() | ast.Mult():
                return arithmetic(node.op, a, b)
            case ast.Div():
                if b.may_be_zero:
                    instead = f"ratio({ast.unparse(node.left)}, {ast.unparse(node.right)}, 0.0)"
                    self.fail(node.right, "a divisor that may be 0", instead)
                for part, value in ((node.left, a), (node.right, b)):
                    if not value.is_exact:
                        self.fail(
                            part,
                            "a whole number too large to be divided exactly",
                            f"float({ast.unparse(part)})",
                        )
                return Value("float")
            case ast.FloorDiv() | ast.Mod():
                if a.kind == "float" or b.kind == "float" or not b.is_constant or b.low <= 0:
                    self.fail(
                        node,
                        "`//` or `%` by something else than a constant whole number above 0",
                        "whole(ratio(a, b, 0.0), 0, 1000), or a constant",
                    )
                if isinstance(node.op, ast.Mod):
                    return Value("int", 0, b.high - 1)
                return Value("int", a.low // b.low, a.high // b.low)
        self.fail(
            node,
            f"the operator {_OPERATORS.get(type(node.op), type(node.op).__name__)}",
            "x * x for a power; and, or, not for bits",
        )

    def _UnaryOp(self, node: ast.UnaryOp) -> Value:
        if isinstance(node.op, ast.Not):
            self.test(node.operand)
            return Value("bool")
        if isinstance(node.op, ast.Invert):
            self.fail(node, "the operator ~", "`not`")
        found = self.number(node.operand)
        return found.negative() if isinstance(node.op, ast.USub) else found

    def _BoolOp(self, node: ast.BoolOp) -> Value:
        before, truth = dict(self.facts), isinstance(node.op, ast.And)
        try:
            for part in node.values:
                if self.value(part).kind != "bool":
                    self.fail(part, "`and` and `or` join conditions", "a comparison: x != 0")
                self.facts.update(holds(part, truth, self))
        finally:
            self.facts = before
        return Value("bool")

    def _Compare(self, node: ast.Compare) -> Value:
        for op in node.ops:
            if not isinstance(op, ast.Lt | ast.LtE | ast.Gt | ast.GtE | ast.Eq | ast.NotEq):
                self.fail(node, "`is` and `in`", "== or !=")
        sides = [node.left, *node.comparators]
        values = [self.number(side) for side in sides]
        if "float" in {value.kind for value in values}:
            for side, value in zip(sides, values, strict=True):
                if not value.is_exact:
                    self.fail(
                        side,
                        "a whole number too large to be compared exactly",
                        f"float({ast.unparse(side)})",
                    )
        return Value("bool")

    def _IfExp(self, node: ast.IfExp) -> Value:
        self.test(node.test)
        with self.given(node.test, True):
            a = self.value(node.body)
        with self.given(node.test, False):
            b = self.value(node.orelse)
        return self._same(node, [a, b])

    def _same(self, node: ast.expr, values: Sequence[Value]) -> Value:
        kinds = sorted({value.kind for value in values})
        if len(kinds) != 1:
            self.fail(
                node,
                f"a value that is {' or '.join(kinds)}",
                "both of one kind: 0.0 for 0, float(x) for x",
            )
        if kinds == ["reason"]:
            self.fail(
                node, "a reason chosen in an expression", "if and else with a decision in each"
            )
        found = values[0]
        for other in values[1:]:
            found = found.either(other)
        return found

    # ------------------------------------------------------------------------------------ calls
    def word(self, node: ast.AST, name: str) -> None:
        if name not in self.imported:
            self.fail(
                node,
                f"`{name}` is not imported",
                f"from otrade.strategy import {name} at the top of the file",
            )

    def _Call(self, node: ast.Call) -> Value:
        match node.func:
            case ast.Name(id=name):
                pass
            case ast.Attribute(value=ast.Name(id="out")):
                self.fail(
                    node, "a decision inside an expression", "out.buy(...) on a line of its own"
                )
            case ast.Attribute(value=ast.Name(id="self"), attr=name) if name in self.spec.hooks:
                self.fail(
                    node, "a hook that is called", "its lines here: the engine calls the hooks"
                )
            case _:
                self.fail(node, "a call of something that is no word of ours", f"a word of {GUIDE}")
        if node.keywords or any(isinstance(one, ast.Starred) for one in node.args):
            self.fail(node, f"{name} takes its arguments by place", f"{name}(a, b)")
        if name in BUILT_IN:
            return self._built_in(node, name)
        if name in ("int", "round"):
            self.fail(node, f"{name}(), which has no answer for NaN", "whole(x, 0, 100)")
        if name in self.spec.hooks or name == self.spec.name:
            self.fail(node, "a hook that is called", "its lines here: the engine calls the hooks")
        if name not in HELPERS:
            self.fail(node, f"there is no function `{name}`", nearest(name, {*HELPERS, *BUILT_IN}))
        self.word(node, name)
        return self._helper(node, name, HELPERS[name])

    def _built_in(self, node: ast.Call, name: str) -> Value:
        if name in ("abs", "float"):
            if len(node.args) != 1:
                self.fail(node, f"{name} with {len(node.args)} arguments", f"{name}(x)")
            found = self.number(node.args[0])
            return (
                found.absolute()
                if name == "abs"
                else Value("float", found.low, found.high, found.nonzero)
            )
        if len(node.args) < 2:
            self.fail(node, f"{name} of one value", f"{name}(a, b)")
        values = [self.number(one) for one in node.args]
        kind = self._same(node, values).kind
        pick = min if name == "min" else max
        return Value(kind, pick(v.low for v in values), pick(v.high for v in values))

    def _helper(self, node: ast.Call, name: str, helper: Helper) -> Value:
        wanted = helper.arguments
        if len(node.args) != len(wanted):
            self.fail(
                node,
                f"{name} takes {len(wanted)} arguments",
                f"{name}({', '.join(_call_words(wanted))})",
            )
        size, values = 0, []
        for one, (argument, kind) in zip(node.args, wanted.items(), strict=True):
            if isinstance(kind, type) and issubclass(kind, Cell):
                size = self._cell(one, name, kind)
                continue
            value = self.number(one)
            values.append(value)
            if kind in (int, Period) and value.kind != "int":
                self.fail(
                    one,
                    f"{name} needs a whole number as `{argument}`",
                    f"whole({ast.unparse(one)}, 0, 100)",
                )
            if kind is int and not value.is_exact:
                self.fail(
                    one, "a whole number that is too large", f"min({ast.unparse(one)}, 1000000)"
                )
            if kind is Period:
                self._period(one, value, size)
        if name == "whole":
            low, high = values[1], values[2]
            return Value("int", min(low.low, high.low), max(low.high, high.high))
        if name == "root":
            return Value("float", 0.0, INF)
        gives = helper.gives
        if gives is int:
            return Value("int", -1, 1)
        return Value(gives.__name__ if gives else "nothing")

    def _cell(self, node: ast.expr, name: str, kind: type[Cell]) -> int:
        """The window of the field that is given, 0 for none."""
        match node:
            case ast.Attribute(value=ast.Name(id="self"), attr=attr) if attr in self.spec.fields:
                found = self.spec.fields[attr].kind
                if not isinstance(found, str) and issubclass(found, kind):
                    return found.size
        declared = f"{kind.__name__}[64]" if kind.has_window() else kind.__name__
        field = (
            ast.unparse(node).removeprefix("self.") if isinstance(node, ast.Attribute) else "name"
        )
        self.fail(
            node,
            f"{name} needs a field of kind {kind.__name__}",
            f"self.{field}, with `{field}: {declared}` in the class",
        )

    def _period(self, node: ast.expr, value: Value, size: int) -> None:
        text = ast.unparse(node)
        if value.low < 1:
            self.fail(
                node,
                "a period that may be below 1",
                f"a parameter whose lowest is 1 or more, or max({text}, 1)",
            )
        if size and value.high > size:
            wanted = 1 << (int(min(value.high, WHOLE)) - 1).bit_length()
            instead = f"a window of {wanted}" if wanted <= 4096 else f"min({text}, {size})"
            self.fail(node, f"a period of up to {int(value.high)} in a window of {size}", instead)
        if value.high > LITERAL:
            self.fail(node, "a period without an end", f"min({text}, 1000)")


_OPERATORS: dict[type[ast.operator], str] = {
    ast.Pow: "**",
    ast.BitAnd: "&",
    ast.BitOr: "|",
    ast.BitXor: "^",
    ast.LShift: "<<",
    ast.RShift: ">>",
    ast.MatMult: "@",
}


def _outputs(cell: type[Cell]) -> list[RecordField]:
    """What may be read of a cell."""
    return [row for row in cell.rows() if not row.name.startswith("_")]


def _call_words(wanted: dict[str, Any]) -> list[str]:
    return [
        "self." + kind.__name__.lower()
        if isinstance(kind, type) and issubclass(kind, Cell)
        else name.rstrip("_")
        for name, kind in wanted.items()
    ]


__all__ = ["BUILT_IN", "CELLS", "ENUMS", "Expressions", "Facts"]
