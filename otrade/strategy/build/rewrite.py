"""The class becomes kernels: the tree of a hook, with every name of the user's turned into a field of
a record. Nodes keep their lines, so that what the compiler still finds points into the user's file.
No name of a user's begins with `_`; all of ours do.
"""

from __future__ import annotations

import ast
from typing import Any

from otrade._core.kernels import strategy_abi as abi
from otrade.strategy.check.expressions import ENUMS
from otrade.strategy.check.spec import Spec
from otrade.strategy.indicators import HELPERS
from otrade.strategy.words.decision import VERBS
from otrade.strategy.words.records import DAY_NS, DAYS, IST_NS, PRICE_UNIT, RECORDS

PARAMS, STATE, DECISION = "_params", "_state", "_decision"
TYPES = {record: {row.field: row.type for row in abi.fields(record)} for record in abi.BYTES}


def helper_name(word: str) -> str:
    return f"_{word}"


class Rewrite(ast.NodeTransformer):
    def __init__(self, spec: Spec) -> None:
        self.spec = spec

    def function(self, node: ast.FunctionDef) -> ast.Module:
        """A module with the hook as a function of its records, in the order of the ABI."""
        body = [self.visit(one) for one in node.body]
        names = [ast.arg(f"_{record}") for record in abi.ENTRY_POINTS[node.name]]
        arguments = ast.arguments([], names, None, [], [], None, [])
        made = ast.FunctionDef(node.name, arguments, body, [])
        return ast.fix_missing_locations(ast.Module([ast.copy_location(made, node)], []))

    def visit_Attribute(self, node: ast.Attribute) -> Any:
        match node:
            case ast.Attribute(value=ast.Name(id="self"), attr=name):
                if name in self.spec.reasons:
                    return _at(node, ast.Constant(self.spec.reasons[name][0]))
                owner = PARAMS if name in self.spec.params else STATE
                return _at(node, ast.Attribute(_load(owner), name, node.ctx))
            case ast.Attribute(value=ast.Name(id=enum), attr=name) if enum in ENUMS:
                return _at(node, ast.Constant(int(ENUMS[enum][name])))
            case ast.Attribute(value=ast.Name(id=owner), attr=name):
                record = RECORDS.get(owner, owner)
                return _read(node, record, _load(f"_{record}"), name)
            case ast.Attribute(value=ast.Attribute(attr=owner) as inner, attr=name):
                if owner in self.spec.bars:
                    at = list(self.spec.bars).index(owner)
                    bar = _at(node, ast.Attribute(_load("_bars"), f"bar_{at}", ast.Load()))
                    return _read(node, "bar", bar, name)
                return _at(node, ast.Attribute(self.visit(inner), name, node.ctx))
        raise AssertionError(ast.dump(node))

    def visit_Name(self, node: ast.Name) -> Any:
        if node.id in self.spec.constants:
            return _at(node, ast.Constant(self.spec.constants[node.id][1]))
        return node

    def visit_Call(self, node: ast.Call) -> Any:
        if isinstance(node.func, ast.Attribute):
            return self._decision(node, node.func.attr)
        assert isinstance(node.func, ast.Name)
        name, given = node.func.id, [self.visit(one) for one in node.args]
        if name in ("min", "max"):
            made = given[0]
            for other in given[1:]:
                made = _call(node, f"_{name}", [made, other])
            return made
        if name in HELPERS:
            kinds = HELPERS[name].arguments.values()
            given = [
                _float(x) if kind is float else x for x, kind in zip(given, kinds, strict=True)
            ]
            return _call(node, helper_name(name), given)
        return _call(node, name, given)

    def _decision(self, node: ast.Call, verb: str) -> ast.Call:
        given = {str(one.arg): one.value for one in node.keywords}
        inputs = given.pop("inputs", ast.Tuple([], ast.Load()))
        assert isinstance(inputs, ast.Tuple)
        said = {name: self.visit(value) for name, value in given.items()}
        shown = [_float(self.visit(one)) for one in inputs.elts]
        rest: list[ast.expr] = [ast.Constant(0.0)] * (abi.INPUTS_MAX - len(shown))
        arguments = [
            _load(DECISION),
            ast.Constant(VERBS[verb][0]),
            said.get("why", ast.Constant(0)),
            *_level(said, "stop"),
            *_level(said, "target"),
            said.get("qty", ast.Constant(0)),
            ast.Constant(len(shown)),
            *shown,
            *rest,
        ]
        return _call(node, "_decide", arguments)


def _level(said: dict[str, Any], name: str) -> tuple[ast.expr, ast.expr]:
    """How a level is said, and the level."""
    if name in said:
        return ast.Constant(abi.PRICE), _float(said[name])
    if f"{name}_distance" in said:
        return ast.Constant(abi.DISTANCE), _float(said[f"{name}_distance"])
    return ast.Constant(abi.PLAN), ast.Constant(0.0)


def _read(node: ast.Attribute, record: str, memory: ast.expr, name: str) -> Any:
    """What lies in memory, as a strategy reads it."""
    if name == "day" and record in DAYS:
        since = _at(node, ast.Attribute(memory, DAYS[record], ast.Load()))
        local = _at(node, ast.BinOp(since, ast.Add(), ast.Constant(IST_NS)))
        return _at(node, ast.BinOp(local, ast.FloorDiv(), ast.Constant(DAY_NS)))
    value = _at(node, ast.Attribute(memory, name, ast.Load()))
    kind = TYPES[record][name]
    if kind == "e4":
        return _at(node, ast.BinOp(value, ast.Div(), ast.Constant(PRICE_UNIT)))
    if kind == "flag":
        return _at(node, ast.Compare(value, [ast.NotEq()], [ast.Constant(0)]))
    return value


def _load(name: str) -> ast.Name:
    return ast.Name(name, ast.Load())


def _call(node: ast.AST, name: str, given: list[ast.expr]) -> ast.Call:
    made: ast.Call = _at(node, ast.Call(_load(name), given, []))
    return made


def _float(node: Any) -> ast.expr:
    return _call(node, "float", [node])


def _at(node: ast.AST, made: Any) -> Any:
    return ast.copy_location(made, node)
