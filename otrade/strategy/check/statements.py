"""Statements of a hook: what is stored where, which names are set, and that a call decides once."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from otrade._core.kernels import strategy_abi as abi
from otrade.strategy.check.expressions import BUILT_IN, ENUMS, Expressions, Facts
from otrade.strategy.check.faults import FaultFound, nearest
from otrade.strategy.check.narrow import holds
from otrade.strategy.check.values import GROWTH, WHOLE, Value
from otrade.strategy.indicators import CELLS, HELPERS
from otrade.strategy.words.decision import VERBS
from otrade.strategy.words.records import RECORDS, arguments, readable

ROUNDS_MAX = 4096
NODES_MAX = 5_000
"""Syntax nodes of a hook: compile time grows faster than the file."""


class Statements(Expressions):
    ended = False
    """No way leads here: after `return`, `break` or `continue`."""
    decided = False
    """Some way to here has decided."""

    def hook(self, node: ast.FunctionDef) -> None:
        """Read one hook, after all declarations."""
        self.facts, self.kinds = {}, {}
        self.ended = self.decided = False
        self.hook_name = node.name
        self.records = {one.arg for one in node.args.args} - {"self"}
        parts = sum(1 for _ in ast.walk(node))
        if parts > NODES_MAX:
            self.fail(node, f"{node.name} has {parts} parts", f"at most {NODES_MAX}")
        self.each(node.body)

    def each(self, nodes: Sequence[ast.stmt]) -> None:
        for node in nodes:
            try:
                self.statement(node)
            except FaultFound as found:
                self.faults.found.append(found.fault)
                self._assume(node)
            except RecursionError:
                deep = self.faults.at(
                    node, "an expression or block nested too deep", "several lines"
                )
                self.faults.found.append(deep.fault)

    def _assume(self, node: ast.stmt) -> None:
        """A name whose line is at fault is set all the same: one fault, not one for each use."""
        targets = node.targets if isinstance(node, ast.Assign) else []
        for target in targets:
            if isinstance(target, ast.Name) and target.id not in self.facts:
                kind = self.kinds.setdefault(target.id, "float")
                self.facts[target.id] = Value.of(kind)

    def statement(self, node: ast.stmt) -> None:
        if self.ended:
            self.fail(node, "a line that never runs", "it before the line that leaves, or nothing")
        match node:
            case ast.Expr(value=ast.Constant(value=str())) | ast.Pass():
                pass
            case ast.Return(value=value):
                if value is not None:
                    self.fail(
                        node,
                        "a hook returns nothing",
                        "out.buy(...) or another decision, and `return`",
                    )
                self.ended = True
            case ast.Break():
                self.ended = True
            case ast.Continue():
                self.ended = True
                if self.decided and not self._loop_decided:
                    self.fail(
                        node,
                        "a decision in a loop that goes on",
                        "`break` or `return` after the decision",
                    )
            case ast.Expr(
                value=ast.Call(func=ast.Attribute(value=ast.Name(id="out"), attr=verb)) as call
            ):
                self._decision(call, verb)
            case ast.Expr(value=ast.Call(func=ast.Name(id=name)) as call) if (
                name in HELPERS and HELPERS[name].cell
            ):
                self.value(call)
            case ast.Expr(value=value):
                self.value(value)
                self.fail(node, "a value that nobody uses", "x = ... or nothing")
            case ast.Assign(targets=[target], value=value):
                self._store(target, self.value(value))
            case ast.Assign():
                self.fail(node, "two names in one assignment", "one assignment a line")
            case ast.AugAssign(target=target, op=op, value=value):
                whole = ast.copy_location(ast.BinOp(_loaded(target), op, value), node)
                self._store(target, self.value(whole))
            case ast.If():
                self._if(node)
            case ast.For():
                self._for(node)
            case _:
                self.banned(node)

    # ------------------------------------------------------------------------------------- ways
    _loop_decided = False

    def _if(self, node: ast.If) -> None:
        self.test(node.test)
        before = (dict(self.facts), self.decided)
        ways: list[tuple[Facts, bool]] = []
        decided_before_leaving = self.decided
        for truth, body in ((True, node.body), (False, node.orelse)):
            self.facts, self.decided = dict(before[0]), before[1]
            self.facts.update(holds(node.test, truth, self))
            self.ended = False
            self.each(body)
            decided_before_leaving |= self.decided
            if not self.ended:
                ways.append((self.facts, self.decided))
        self._left_decided |= decided_before_leaving
        self.ended = not ways
        if ways:
            self.facts = ways[0][0]
            for facts, _ in ways[1:]:
                self.facts = _joined(self.facts, facts)
            self.decided = any(decided for _, decided in ways)

    _left_decided = False
    """A decision was met, on a way that may have left by `break`."""

    def _for(self, node: ast.For) -> None:
        low, high = self._rounds(node)
        if node.orelse:
            self.fail(node.orelse[0], "`else` of a loop", "the lines after the loop")
        if not isinstance(node.target, ast.Name):
            self.fail(
                node.target, "a loop over something else than one name", "for i in range(20):"
            )
        self._store(node.target, Value("int", low, high - 1))
        changed = {ast.unparse(t) for one in node.body for t in ast.walk(one) if _is_stored(t)}
        for key in changed & set(self.facts):
            if key in self.kinds:
                self.facts[key] = Value.of(self.kinds[key])
            else:
                del self.facts[key]  # a field: what its declaration says
        entry, outer, before = dict(self.facts), self._loop_decided, self.decided
        left = self._left_decided
        self._loop_decided, self._left_decided = before, before
        self.each(node.body)
        if not self.ended and self.decided and not before:  # once more in the next round
            self.faults.found.append(
                self.faults.at(
                    node,
                    "a decision in a loop that goes on",
                    "`break` or `return` after the decision",
                ).fault
            )
        self.decided = before or self._left_decided or self.decided
        self._loop_decided, self._left_decided = outer, left or self.decided
        # A `break` may come first: what only the body sets is not certain after it.
        self.facts, self.ended = entry, False

    def _rounds(self, node: ast.For) -> tuple[int, int]:
        match node.iter:
            case ast.Call(func=ast.Name(id="range"), args=[_] | [_, _] as bounds, keywords=[]):
                values = [self.value(bound) for bound in bounds]
            case _:
                self.fail(
                    node.iter,
                    "a loop over something else than range(number)",
                    "for i in range(20):",
                )
        for bound, value in zip(bounds, values, strict=True):
            if value.kind != "int" or not value.is_constant:
                self.fail(
                    bound,
                    "a loop whose length is not a constant",
                    "for i in range(200): and `if i >= self.period: break` inside",
                )
        low, high = (
            (0, int(values[0].low))
            if len(values) == 1
            else (int(values[0].low), int(values[1].low))
        )
        if not 1 <= high - low <= ROUNDS_MAX:
            self.fail(
                node.iter, f"a loop of {max(high - low, 0)} rounds", f"1 to {ROUNDS_MAX} rounds"
            )
        return low, high

    # ----------------------------------------------------------------------------------- stores
    def own_name(self, node: ast.AST, name: str) -> None:
        if name.startswith("_") or not name.isascii():
            self.fail(
                node, f"the name `{name}`", "a name of plain letters that does not begin with _"
            )
        if name in (
            *HELPERS,
            *CELLS,
            *BUILT_IN,
            *ENUMS,
            *VERBS,
            "range",
            "int",
            "bool",
            "self",
            "bars",
            "param",
            "reason",
            "timer",
        ):
            self.fail(node, f"`{name}` is a word already", f"{name}_ or another name")

    def _store(self, target: ast.expr, value: Value) -> None:
        if value.kind == "nothing":
            self.fail(
                target, "nothing is given that could be kept", "the call on a line of its own"
            )
        match target:
            case ast.Name(id=name):
                self._local(target, name, value)
            case ast.Attribute(value=ast.Name(id="self"), attr=name):
                self._field(target, name, value)
            case ast.Attribute(value=ast.Name(id=owner)) if owner in self.records:
                self.fail(
                    target,
                    f"`{owner}` belongs to the engine",
                    "out.buy(...), or a field of your own",
                )
            case ast.Attribute(value=ast.Attribute(value=ast.Name(id="self"), attr=name)):
                self.fail(target, f"`{name}` belongs to its indicator", "a field of your own")
            case ast.Tuple() | ast.List():
                self.fail(target, "two names in one assignment", "one assignment a line")
            case ast.Subscript():
                self.banned(target)
            case _:
                self.fail(
                    target,
                    "a store to something else than a variable or a field",
                    "self.name = ...",
                )

    def _local(self, target: ast.Name, name: str, value: Value) -> None:
        self.own_name(target, name)
        if name in self.records or name in arguments("on_bar"):
            self.fail(target, f"`{name}` is a word already", f"{name}_ or another name")
        if name in self.spec.constants or name in (self.spec.name, "Strategy"):
            self.fail(target, f"`{name}` is a name of the file", "another name")
        if value.kind == "reason":
            self.fail(target, "a reason in a variable", "why=self.NAME where the decision is")
        if self.kinds.setdefault(name, value.kind) != value.kind:
            self.fail(
                target,
                f"`{name}` was {self.kinds[name]} and becomes {value.kind}",
                "another name, or 0.0 for 0",
            )
        self._grows(target, value)
        self.facts[name] = value

    def _field(self, target: ast.Attribute, name: str, value: Value) -> None:
        spec = self.spec
        if name in spec.params:
            kind = spec.params[name].kind
            self.fail(
                target,
                f"`{name}` is a parameter and stays as the user set it",
                f"a field: `my_{name}: {kind} = 0`",
            )
        if name in spec.reasons or name in spec.bars:
            self.fail(target, f"`{name}` stays as the class says", "a field of your own")
        if name not in spec.fields:
            instead = f"{nearest(name, spec.fields, 'self.')}, or `{name}: {value.kind} = {_ZERO.get(value.kind, 0)}` in the class"
            self.fail(target, f"there is no field `{name}`", instead)
        declared = spec.fields[name].kind
        if not isinstance(declared, str):
            word = next(n for n, h in HELPERS.items() if h.cell and issubclass(declared, h.cell))
            self.fail(
                target, f"`{name}` is the memory of an indicator", f"{word}(self.{name}, ...)"
            )
        if value.kind != declared and (declared, value.kind) != ("float", "int"):
            instead = {"int": "whole(x, 0, 100)", "float": "1.0 if x else 0.0", "bool": "x > 0"}[
                declared
            ]
            self.fail(target, f"`{name}` is {declared} and this is {value.kind}", instead)
        self._grows(target, value)
        key = f"self.{name}"
        if declared == "float":
            self.facts[key] = Value("float", float(value.low), float(value.high), value.nonzero)
        else:
            self.facts[key] = value

    def _grows(self, target: ast.expr, value: Value) -> None:
        if value.kind == "int" and max(abs(value.low), abs(value.high)) > WHOLE + GROWTH:
            name = ast.unparse(target)
            self.fail(
                target, f"`{name}` may outgrow a whole number", "float(...), or min(..., 1000000)"
            )

    # -------------------------------------------------------------------------------- decisions
    def _decision(self, node: ast.Call, verb: str) -> None:
        if "out" not in self.records:
            self.fail(node, "there is no `out`", "out among the hook's arguments")
        if verb not in VERBS:
            self.fail(node, f"there is no decision out.{verb}", nearest(verb, VERBS, "out."))
        known = VERBS[verb][1]
        given = {one.arg: one.value for one in node.keywords}
        if node.args or not set(given) <= set(known) or len(given) != len(node.keywords):
            self.fail(
                node,
                f"out.{verb} takes {', '.join(known)}, by name",
                f"out.{verb}({', '.join(f'{k}=...' for k in known)})",
            )
        for name in ("stop", "target"):
            if name in given and f"{name}_distance" in given:
                self.fail(
                    node,
                    f"both {name} and {name}_distance",
                    "one of them: a price stays, a distance follows the fill",
                )
        for argument, value in given.items():
            self._said(str(argument), value)
        if verb == "move_stop" and "stop" not in given:
            self.fail(node, "out.move_stop without a stop", "out.move_stop(stop=...)")
        if self.decided:
            self.fail(
                node,
                "a second decision in one call, which nobody would hear",
                "`return` after the first, or elif",
            )
        self.decided = self._left_decided = True

    def _said(self, argument: str, node: ast.expr) -> None:
        if argument == "inputs":
            parts = node.elts if isinstance(node, ast.Tuple) else [node]
            if not isinstance(node, ast.Tuple) or not 1 <= len(parts) <= abi.INPUTS_MAX:
                self.fail(
                    node, "inputs are 1 to 4 numbers in brackets", "inputs=(self.high, bar.close)"
                )
            for part in parts:
                self.number(part)
            return
        value = self.value(node)
        kinds: dict[str, tuple[str, ...]] = {"qty": ("int",), "why": ("reason",)}
        wanted = kinds.get(argument, ("int", "float"))
        if value.kind not in wanted:
            instead = {
                "why": 'why=self.NAME, with NAME = reason("...") in the class',
                "qty": "whole(x, 1, 1000)",
            }.get(argument, f"{argument}=bar.close - 10.0")
            self.fail(node, f"{argument} is {wanted[-1]} and this is {value.kind}", instead)
        if argument == "qty" and value.high <= 0:
            self.fail(
                node,
                "a quantity that is never above 0",
                "a quantity above 0, or none: the plan's size",
            )


_ZERO: dict[str, object] = {"int": 0, "float": 0.0, "bool": False}


def _loaded(target: Any) -> Any:
    fields = {**dict(ast.iter_fields(target)), "ctx": ast.Load()}
    return ast.copy_location(type(target)(**fields), target)


def _is_stored(node: ast.AST) -> bool:
    return isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store)


def _joined(a: Facts, b: Facts) -> Facts:
    """What is known on both ways."""
    return {key: a[key].either(b[key]) for key in a if key in b and a[key].kind == b[key].kind}


__all__ = ["RECORDS", "Statements", "readable"]
