"""A whole strategy file: imports, constants, the one class and its fields. `read(path)` gives its Spec
or raises StrategyError with every fault.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

from otrade import strategy
from otrade._core.kernels import strategy_abi as abi
from otrade.errors import StrategyError
from otrade.plain_file import read_plain
from otrade.strategy.check.faults import FaultFound, Faults, nearest
from otrade.strategy.check.spec import FieldSpec, ParameterSpec, Spec
from otrade.strategy.check.statements import Statements
from otrade.strategy.check.values import LITERAL
from otrade.strategy.indicators import CELLS
from otrade.strategy.words.base import HOOKS
from otrade.strategy.words.cell import WINDOW_MAX, WINDOW_MIN
from otrade.strategy.words.records import arguments

FILE_BYTES_MAX = 65_536
BAR_MINUTES_MAX, TIMER_S_MAX = 375, 22_500
REASONS_MAX = 1_000
_SIGNATURES = {
    hook: f"def {hook}(self, {', '.join(arguments(hook))}): or fewer of them" for hook in HOOKS
}


def read(path: Path) -> Spec:
    """The strategy that stands in a file. StrategyError when it cannot be read or is refused."""
    try:
        source = read_plain(path, FILE_BYTES_MAX + 1)
    except OSError as error:
        raise StrategyError(f"{path}: cannot be read: {error.strerror or error}") from None
    return read_source(str(path), source)


def read_source(path: str, source: bytes) -> Spec:
    """The strategy of these bytes; `path` is only named."""
    lines = source.decode(errors="replace").splitlines()
    faults = Faults(path, lines)
    reader = _FileReader(Spec(path, source), faults)
    try:
        reader.read()
    except FaultFound as found:
        faults.found.append(found.fault)
    faults.raise_all()
    return reader.spec


class _FileReader(Statements):
    def __init__(self, spec: Spec, faults: Faults) -> None:
        super().__init__(spec, faults, set())
        self.class_node: ast.ClassDef | None = None

    def read(self) -> None:
        if len(self.spec.source) > FILE_BYTES_MAX:
            self.fail(None, f"a file of more than {FILE_BYTES_MAX} bytes", "a shorter one")
        tree = self._parsed()
        self._nodes(tree.body, self._top)
        if not self.faults.found and self.class_node is None:
            self.fail(
                None, "no strategy", "class Name(Strategy): with def on_bar(self, bar, pos, out):"
            )
        if self.class_node is not None:
            if not self.faults.found:
                self._whole(self.class_node)
            for hook in self.spec.hooks.values():
                self._nodes([hook], self.hook)

    def _parsed(self) -> ast.Module:
        try:
            return ast.parse(self.spec.source)
        except SyntaxError as error:
            place = ast.Pass(lineno=error.lineno or 1, col_offset=0)
            fault = self.faults.at(place, error.msg, "valid Python").fault
            object.__setattr__(fault, "column", max(error.offset or 1, 1))
            raise FaultFound(fault) from None
        except (RecursionError, MemoryError, ValueError) as error:
            self.fail(None, f"a file that cannot be read ({error})", "shorter expressions")

    def _nodes(self, nodes: Any, visit: Any) -> None:
        for node in nodes:
            try:
                visit(node)
            except FaultFound as found:
                self.faults.found.append(found.fault)
            except RecursionError:
                deep = self.faults.at(
                    node, "an expression or block nested too deep", "several lines"
                )
                self.faults.found.append(deep.fault)

    # ---------------------------------------------------------------------------------- the file
    def _top(self, node: ast.stmt) -> None:
        match node:
            case ast.Expr(value=ast.Constant(value=str())):
                pass
            case ast.ImportFrom(module="otrade.strategy", level=0):
                for alias in node.names:
                    if alias.asname:
                        self.fail(alias, "a word under another name", alias.name)
                    if alias.name not in strategy.__all__:
                        self.fail(
                            alias,
                            f"there is no word `{alias.name}`",
                            nearest(alias.name, strategy.__all__),
                        )
                    self.imported.add(alias.name)
            case ast.Import() | ast.ImportFrom():
                self.fail(node, "an import of something else", "from otrade.strategy import ...")
            case ast.Assign(targets=[ast.Name(id=name)]):
                self.own_name(node, name)
                if name in self.spec.constants:
                    self.fail(node, f"`{name}` stands twice", "another name")
                self.spec.constants[name] = self._literal(node.value, ("int", "float", "bool"))
            case ast.ClassDef() if self.class_node is not None:
                self.fail(node, "a second class", "one strategy a file")
            case ast.ClassDef(bases=[ast.Name(id="Strategy")], keywords=[], decorator_list=[]):
                self.own_name(node, node.name)
                if node.name in strategy.__all__:
                    self.fail(
                        node, f"`{node.name}` is a word already", f"My{node.name} or another name"
                    )
                self.word(node.bases[0], "Strategy")
                self.class_node = node
                self.spec.name = node.name
                self.spec.words = ast.get_docstring(node) or ""
                self._nodes(node.body, self._member)
            case ast.ClassDef():
                self.fail(node, "a class that is no strategy", f"class {node.name}(Strategy):")
            case _:
                self.fail(
                    node,
                    "something else than a constant or the one class",
                    "class Name(Strategy): once, at the top",
                )

    def _literal(self, node: ast.expr, kinds: tuple[str, ...]) -> tuple[str, float]:
        value, sign = node, 1
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            value, sign = node.operand, -1
        if isinstance(value, ast.Constant) and type(value.value).__name__ in kinds:
            found = self.value(value)  # too large, or not finite
            plain: Any = value.value
            if not isinstance(plain, bool):
                return found.kind, sign * plain
            if sign == 1:
                return "bool", plain
        self.fail(
            node,
            f"something else than a constant of kind {' or '.join(kinds)}",
            "a plain number" if kinds != ("bool",) else "True or False",
        )

    # --------------------------------------------------------------------------------- the class
    def _member(self, node: ast.stmt) -> None:
        match node:
            case ast.Expr(value=ast.Constant(value=str())) | ast.Pass():
                pass
            case ast.AnnAssign(target=ast.Name(id=name)):
                self._named(node, name)
                if _called(node.value) == "param":
                    self._parameter(node, name)
                else:
                    self.spec.fields[name] = self._typed(node, name)
            case ast.Assign(
                targets=[ast.Name(id=name)], value=ast.Call(func=ast.Name(id=word)) as call
            ) if word in ("reason", "bars", "timer"):
                self._named(node, name)
                self.word(call.func, word)
                {"reason": self._reason, "bars": self._bars, "timer": self._timer}[word](call, name)
            case ast.Assign(targets=[ast.Name(id=name)]):
                self.fail(
                    node, f"`{name}` has no kind", f'{name}: float = 0.0, or {name} = reason("...")'
                )
            case ast.FunctionDef(name=name) if name in HOOKS:
                self._signature(node)
            case ast.FunctionDef(name=name):
                self.fail(
                    node,
                    f"a function `{name}`",
                    f"its lines where they are needed; the hooks are {', '.join(HOOKS)}",
                )
            case _:
                self.fail(
                    node,
                    "something else than a field or a hook",
                    f"fields, then {', '.join(HOOKS)}",
                )

    def _named(self, node: ast.stmt, name: str) -> None:
        self.own_name(node, name)
        spec = self.spec
        if name in {*spec.params, *spec.fields, *spec.reasons, *spec.bars, *HOOKS}:
            self.fail(node, f"`{name}` stands twice", "another name")
        if name in _TAKEN:
            self.fail(node, f"`{name}` is a word of the base class", f"my_{name}")

    def _parameter(self, node: ast.AnnAssign, name: str) -> None:
        call = node.value
        assert isinstance(call, ast.Call)
        self.word(call.func, "param")
        match node.annotation:
            case ast.Name(id=("int" | "float") as kind):
                pass
            case _:
                self.fail(node.annotation, "a parameter that is no number", "int or float")
        match call:
            case ast.Call(args=[default, low, high, ast.Constant(value=str(words))], keywords=[]):
                pass
            case _:
                self.fail(
                    call,
                    "a parameter without default, lowest, highest and words",
                    f'{name}: {kind} = param(10, 1, 100, "what it is")',
                )
        kinds = ("int",) if kind == "int" else ("int", "float")
        d, lo, hi = (self._literal(one, kinds)[1] for one in (default, low, high))
        if not lo <= d <= hi:
            self.fail(default, f"the default {d}, outside {lo} to {hi}", "a default inside")
        if not words.strip():
            self.fail(call.args[3], "a parameter without words", "what it is, for the page")
        self.spec.params[name] = ParameterSpec(kind, d, lo, hi, words)

    def _typed(self, node: ast.AnnAssign, name: str) -> FieldSpec:
        match node.annotation:
            case ast.Name(id=("int" | "float" | "bool") as kind):
                first = {"int": "0", "float": "0.0", "bool": "False"}[kind]
                if node.value is None:
                    self.fail(
                        node, f"`{name}` without its first value", f"{name}: {kind} = {first}"
                    )
                kinds = {"int": ("int",), "float": ("int", "float"), "bool": ("bool",)}[kind]
                return FieldSpec(kind, self._literal(node.value, kinds)[1])
            case ast.Name(id=cell) if cell in CELLS:
                self._no_value(node, name)
                self.word(node.annotation, cell)
                if CELLS[cell].has_window():
                    self.fail(
                        node.annotation,
                        f"{cell} without its longest window",
                        f"{cell}[64]: a power of two, {WINDOW_MIN} to {WINDOW_MAX}",
                    )
                return FieldSpec(CELLS[cell], None)
            case ast.Subscript(value=ast.Name(id=cell), slice=size) if cell in CELLS:
                self._no_value(node, name)
                self.word(node.annotation, cell)
                if not CELLS[cell].has_window():
                    self.fail(node.annotation, f"{cell} has no window", cell)
                n = int(self._literal(size, ("int",))[1])
                if not (WINDOW_MIN <= n <= WINDOW_MAX and n & (n - 1) == 0):
                    fit = min(WINDOW_MAX, max(WINDOW_MIN, 1 << max(n - 1, 1).bit_length()))
                    self.fail(
                        node.annotation,
                        f"a window of {n}",
                        f"{cell}[{fit}]: a power of two, {WINDOW_MIN} to {WINDOW_MAX}",
                    )
                return FieldSpec(CELLS[cell].sized(n), None)
            case ast.Name(id=other):
                self.fail(
                    node.annotation,
                    f"a field of kind {other}",
                    nearest(other, {"int", "float", "bool", *CELLS}),
                )
        self.fail(node.annotation, "a field of another kind", "int, float, bool, Ema or Ring[64]")

    def _no_value(self, node: ast.AnnAssign, name: str) -> None:
        if node.value is not None:
            self.fail(
                node.value,
                "a first value of an indicator's memory",
                f"{name}: {ast.unparse(node.annotation)}",
            )

    def _reason(self, call: ast.Call, name: str) -> None:
        match call:
            case ast.Call(args=[ast.Constant(value=str(words))], keywords=[]) if words.strip():
                if len(words) > 200:
                    self.fail(call, f"a reason of {len(words)} characters", "at most 200")
                self.spec.reasons[name] = (len(self.spec.reasons) + 1, words)
            case _:
                self.fail(call, "a reason without words", f'{name} = reason("the range is broken")')

    def _bars(self, call: ast.Call, name: str) -> None:
        if len(call.args) != 1 or call.keywords:
            self.fail(call, "bars without their length", f"{name} = bars(15): minutes")
        minutes = int(self._literal(call.args[0], ("int",))[1])
        if not 1 <= minutes <= BAR_MINUTES_MAX:
            self.fail(call.args[0], f"bars of {minutes} minutes", f"1 to {BAR_MINUTES_MAX}")
        if len(self.spec.bars) == abi.BARS_MAX:
            self.fail(
                call, f"more than {abi.BARS_MAX} further bar lengths", f"at most {abi.BARS_MAX}"
            )
        if minutes in self.spec.bars.values():
            self.fail(call, f"bars of {minutes} minutes for the second time", "the first name")
        self.spec.bars[name] = minutes

    def _timer(self, call: ast.Call, name: str) -> None:
        if len(call.args) != 1 or call.keywords:
            self.fail(call, "a timer without its time", f"{name} = timer(30): seconds")
        seconds = int(self._literal(call.args[0], ("int",))[1])
        if not abi.TIMER_MIN_S <= seconds <= TIMER_S_MAX:
            self.fail(
                call.args[0], f"a timer of {seconds} seconds", f"{abi.TIMER_MIN_S} to {TIMER_S_MAX}"
            )
        if self.spec.timer_s:
            self.fail(call, "a second timer", "one timer a strategy")
        self.spec.timer_s = seconds

    def _signature(self, node: ast.FunctionDef) -> None:
        if node.name in self.spec.hooks:
            self.fail(node, f"`{node.name}` stands twice", "one of it")
        if node.decorator_list:
            self.fail(
                node.decorator_list[0], "a decorator", f"the hook alone: {_SIGNATURES[node.name]}"
            )
        args = node.args
        names = [one.arg for one in args.args]
        known = arguments(node.name)
        extra = args.posonlyargs or args.kwonlyargs or args.vararg or args.kwarg or args.defaults
        if (
            extra
            or names[:1] != ["self"]
            or not set(names[1:]) <= set(known)
            or len(set(names)) < len(names)
        ):
            self.fail(node, f"other arguments of {node.name}", _SIGNATURES[node.name])
        self.spec.hooks[node.name] = node

    def _whole(self, node: ast.ClassDef) -> None:
        """What can be said once all fields are known."""
        spec = self.spec
        if not spec.hooks:
            self.fail(node, "a strategy without a hook", "def on_bar(self, bar, pos, out):")
        if spec.state_bytes > abi.STATE_BYTES_MAX:
            self.fail(
                node,
                f"a state of {spec.state_bytes} bytes",
                f"shorter windows: at most {abi.STATE_BYTES_MAX} bytes",
            )
        if spec.params_bytes > abi.PARAMS_BYTES_MAX:
            self.fail(
                node,
                f"parameters of {spec.params_bytes} bytes",
                f"fewer: at most {abi.PARAMS_BYTES_MAX} bytes",
            )
        if len(spec.reasons) > REASONS_MAX:
            self.fail(node, f"{len(spec.reasons)} reasons", f"at most {REASONS_MAX}")
        if "on_timer" in spec.hooks and not spec.timer_s:
            self.fail(
                spec.hooks["on_timer"],
                "on_timer without a timer",
                "every = timer(30) in the class: seconds",
            )
        if spec.timer_s and "on_timer" not in spec.hooks:
            self.fail(node, "a timer without on_timer", f"{_SIGNATURES['on_timer']}, or no timer")


_TAKEN = {name for name in dir(strategy.Strategy) if not re.match(r"__", name)}


def _called(node: ast.expr | None) -> str:
    return node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""


__all__ = ["LITERAL", "read", "read_source"]
