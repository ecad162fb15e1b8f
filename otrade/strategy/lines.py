"""Which numbers of a strategy file a chart shows: the indicators that it declares as fields, where
each lies in the strategy's state, and whether it is a price.

Whether a number is a price is read out of the file, by counting prices: `bar.close` is one,
`(bar.high + bar.low) / 2` is one too, `bar.close - self.mean.value` is none of them left, and a range
(ATR) never had one. What comes out as exactly one price may be drawn over the candles; of what cannot
be counted (`bar.close * self.factor`) nobody says that it is one.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Any

from otrade._core.kernels import strategy_abi as abi
from otrade.strategy.check.spec import Spec
from otrade.strategy.indicators import HELPERS
from otrade.strategy.indicators.registry import Period
from otrade.strategy.indicators.shown import GIVEN, OWN, SHOWN, SPREAD
from otrade.strategy.words.cell import structure
from otrade.strategy.words.records import RECORDS

UNKNOWN = "unknown"
NUMBER = "number"
"""Counts nothing: a length, a factor."""
ITSELF = "itself"
"""A field or local inside what is put into it: nothing new is learnt of it there."""
Unit = float | str
"""How many prices a number is made of, or one of the above."""
FACTORS = ("k", "factor")
"""Arguments that belong to an indicator's name, beside its lengths."""
NO_PRICES = ("profit",)
"""Rupees of a record that are money."""


def lines_of(spec: Spec, params: Mapping[str, float]) -> tuple[abi.IndicatorOutput, ...]:
    """Every number to be shown, in the order of the file's fields; at most WATCHED_MAX of them.
    `params`: what is given; the others have their defaults.
    """
    units = _Units(spec)
    state = structure("state", spec.state_rows)
    found = []
    for field, declared in spec.fields.items():
        calls = units.calls.get(field, [])
        if isinstance(declared.kind, str) or not calls:
            continue
        word = _word(calls[0])
        shown = SHOWN.get(word)
        if shown is None:
            continue
        begins = getattr(state, field).offset
        memory = structure(declared.kind.__name__, declared.kind.rows())
        for part in shown.fields:
            found.append(
                abi.IndicatorOutput(
                    indicator=field,
                    label=" ".join([shown.name, *_lengths(spec, calls, params)]),
                    part=part if len(shown.fields) > 1 else "",
                    scale=_scale(word, units.of_field(field, part)),
                    watched=abi.WatchedValue(
                        at=begins + getattr(memory, part).offset,
                        counter_at=begins + memory.ready.offset,
                    ),
                )
            )
    return tuple(found[: abi.WATCHED_MAX])


def _scale(word: str, unit: Unit) -> str:
    of_price: str = abi.OF_PRICE
    if _is_price(unit):
        return of_price
    has_own = OWN in SHOWN[word].fields.values() or word == "atr"
    return SHOWN[word].name if has_own else ""


def _is_price(unit: Unit) -> bool:
    return isinstance(unit, float) and abs(unit - 1) < 1e-9


def _word(call: ast.Call) -> str:
    assert isinstance(call.func, ast.Name)
    return call.func.id


def _lengths(spec: Spec, calls: list[ast.Call], params: Mapping[str, float]) -> list[str]:
    """The lengths and factors of an indicator, as its only call gives them: "20, 2". Nothing where they
    are not the same at each call, or made while it runs.
    """
    said = {tuple(_said(spec, call, params)) for call in calls}
    texts = said.pop()
    return [", ".join(texts)] if texts and not said and "" not in texts else []


def _said(spec: Spec, call: ast.Call, params: Mapping[str, float]) -> Iterator[str]:
    for (name, kind), node in zip(HELPERS[_word(call)].arguments.items(), call.args, strict=True):
        if kind is Period or name in FACTORS:
            match node:
                case ast.Constant(value=int() | float() as value):
                    yield f"{value:g}"
                case ast.Name(id=constant) if constant in spec.constants:
                    yield f"{spec.constants[constant][1]:g}"
                case ast.Attribute(value=ast.Name(id="self"), attr=own) if own in spec.params:
                    yield f"{params.get(own, spec.params[own].default):g}"
                case _:
                    yield ""


class _Units:
    """Counts prices, over all hooks of a file."""

    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self.calls: dict[str, list[ast.Call]] = {}
        """Calls that feed each cell, by field."""
        self._hook_of: dict[int, str] = {}
        self._set: dict[tuple[str, str], list[ast.expr]] = {}
        """What is put into each local of a hook, and into each field (hook ""), by name."""
        self._asked: set[tuple[str, str]] = set()
        for hook, function in spec.hooks.items():
            for node in ast.walk(function):
                self._hook_of[id(node)] = hook
                self._read(hook, node)

    def _read(self, hook: str, node: ast.AST) -> None:
        match node:
            case ast.Call(func=ast.Name(id=word), args=[ast.Attribute(attr=field), *_]) if (
                word in HELPERS and HELPERS[word].cell is not None
            ):
                if word != "ago":
                    self.calls.setdefault(field, []).append(node)
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    self._put(hook, target, value)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                self._put(hook, target, value)
            case ast.AugAssign(target=target, op=op, value=value):
                whole = ast.BinOp(_as_read(target), op, value)
                self._hook_of[id(whole)] = hook
                self._hook_of[id(whole.left)] = hook
                self._put(hook, target, whole)

    def _put(self, hook: str, target: ast.expr, value: ast.expr) -> None:
        match target:
            case ast.Name(id=name):
                self._set.setdefault((hook, name), []).append(value)
            case ast.Attribute(value=ast.Name(id="self"), attr=name):
                self._set.setdefault(("", name), []).append(value)

    # ------------------------------------------------------------------------------- of an indicator
    def of_field(self, field: str, part: str) -> Unit:
        """Of what may be read of a cell, when all calls that feed it agree."""
        units = {self._of_call(call, part) for call in self.calls.get(field, [])}
        return units.pop() if len(units) == 1 else UNKNOWN

    def _of_call(self, call: ast.Call, part: str = "") -> Unit:
        """Of a field of the indicator; empty: of what the call gives."""
        shown = SHOWN.get(_word(call))
        if shown is None:
            return UNKNOWN
        how = shown.fields.get(part, UNKNOWN) if part else next(iter(shown.fields.values()))
        if how == GIVEN:
            return self.of(call.args[1])
        if how == SPREAD:
            return 0.0 if isinstance(self.of(call.args[1]), float) else UNKNOWN
        return UNKNOWN

    # ------------------------------------------------------------------------------ of an expression
    def of(self, node: ast.expr) -> Unit:
        match node:
            case ast.Constant():
                return NUMBER
            case ast.Name(id=name):
                if name in self._spec.constants:
                    return NUMBER
                return self._of_all((self._hook_of.get(id(node), ""), name))
            case ast.UnaryOp(operand=inner):
                unit = self.of(inner)
                return -unit if isinstance(node.op, ast.USub) and isinstance(unit, float) else unit
            case ast.BinOp(left=left, op=op, right=right):
                return self._of_two(op, left, right)
            case ast.IfExp(body=body, orelse=other):
                return _same([self.of(body), self.of(other)])
            case ast.Attribute(value=ast.Name(id="self"), attr=name):
                return NUMBER if name in self._spec.params else self._of_all(("", name))
            case ast.Attribute(value=ast.Name(id=record), attr=name):
                return _of_record(RECORDS.get(record, record), name)
            case ast.Attribute(
                value=ast.Attribute(value=ast.Name(id="self"), attr=owner), attr=name
            ):
                if owner in self._spec.bars:
                    return _of_record("bar", name)
                return self.of_field(owner, name)
            case ast.Call(func=ast.Name(id=word), args=given):
                return self._of_word(word, given, node)
        return UNKNOWN

    def _of_word(self, word: str, given: list[ast.expr], call: ast.Call) -> Unit:
        if word in ("min", "max"):
            return _same([self.of(one) for one in given])
        if word in ("abs", "float"):
            return self.of(given[0])
        if word == "true_range":
            return 0.0
        if word == "ago" and isinstance(given[0], ast.Attribute):
            puts = self.calls.get(given[0].attr, [])
            return _same([self.of(put.args[1]) for put in puts]) if puts else UNKNOWN
        return self._of_call(call)

    def _of_two(self, op: ast.operator, left: ast.expr, right: ast.expr) -> Unit:
        a, b = self.of(left), self.of(right)
        if UNKNOWN in (a, b):
            return UNKNOWN
        if ITSELF in (a, b):
            adds = isinstance(op, ast.Add | ast.Sub) and {a, b} <= {ITSELF, NUMBER, 0.0}
            return ITSELF if adds else UNKNOWN
        match op:
            case ast.Add() | ast.Sub():
                if a == b == NUMBER:
                    return NUMBER
                x, y = (one if isinstance(one, float) else 0.0 for one in (a, b))
                return x + y if isinstance(op, ast.Add) else x - y
            case ast.Mult():
                for unit, factor, other in ((a, b, right), (b, a, left)):
                    if isinstance(unit, float) and factor == NUMBER:
                        return _times(unit, _constant(other, self._spec))
                return NUMBER if a == b == NUMBER else UNKNOWN
            case ast.Div():
                if isinstance(a, float) and b == NUMBER:
                    by = _constant(right, self._spec)
                    return _times(a, 1 / by if by else by)
                return NUMBER if a == b == NUMBER else UNKNOWN
        return UNKNOWN

    def _of_all(self, place: tuple[str, str]) -> Unit:
        """Of a local or a field: of all that is put there, when it agrees."""
        if place in self._asked:
            return ITSELF
        if place not in self._set:
            return UNKNOWN
        self._asked.add(place)
        try:
            return _same([self.of(value) for value in self._set[place]])
        finally:
            self._asked.discard(place)


def _of_record(record: str, name: str) -> Unit:
    kinds = {row.field: row.type for row in abi.fields(record)} if record in abi.BYTES else {}
    return 1.0 if kinds.get(name) == "e4" and name not in NO_PRICES else UNKNOWN


def _constant(node: ast.expr, spec: Spec) -> float | None:
    match node:
        case ast.Constant(value=int() | float() as value):
            return float(value)
        case ast.Name(id=name) if name in spec.constants:
            return spec.constants[name][1]
    return None


def _times(unit: float, factor: float | None) -> Unit:
    """No price at all is none, however often it is taken."""
    if unit == 0:
        return 0.0
    return UNKNOWN if factor is None else unit * factor


def _same(units: list[Unit]) -> Unit:
    """Of one number that is any of these. `max(spread, 0.05)` is what `spread` is."""
    known = {unit for unit in units if unit not in (ITSELF, NUMBER)}
    if len(known) > 1:
        return UNKNOWN
    return known.pop() if known else NUMBER if NUMBER in units else ITSELF


def _as_read(target: ast.expr) -> Any:
    """The place that is written to, as an expression."""
    match target:
        case ast.Name(id=name):
            return ast.Name(name, ast.Load())
        case ast.Attribute(value=value, attr=name):
            return ast.Attribute(value, name, ast.Load())
    return target
