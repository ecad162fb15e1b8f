"""The stubs of the compiled core say what it has: every public name, method and parameter, and the
rows that an engine shows. So what mypy finds right in a caller is right.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

import pytest

from otrade._core.engine import rows
from tests.harness.core_engine import OPEN_NS, SECOND, frame, make_engine, packet, token_of

ROOT = Path(__file__).parents[2]
CORE = ROOT / "otrade/_core"
STUBS = sorted(p for p in CORE.rglob("*.pyi"))

Parameter = tuple[str, Any, object]
"""A parameter's name, kind and default."""


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def declared(body: list[ast.stmt]) -> dict[str, ast.stmt]:
    """The public names that a stub, or a class in it, spells."""
    found: dict[str, ast.stmt] = {}
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found[node.name] = node
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found[node.target.id] = node
        elif isinstance(node, ast.Assign):
            found |= {t.id: node for t in node.targets if isinstance(t, ast.Name)}
    return {name: node for name, node in found.items() if not name.startswith("_")}


def spelled(source: str) -> set[str]:
    """The public names that a .pyx gives to Python."""
    names = set(re.findall(r"^(?:def|class|cdef class) (\w+)", source, re.M))
    for row in re.findall(r"^([A-Za-z]\w*(?:, \w+)*) = ", source, re.M):
        names |= set(row.split(", "))
    return {name for name in names if not name.startswith("_")}


def in_stub(node: ast.FunctionDef) -> list[Parameter]:
    args = node.args
    positional = [*args.posonlyargs, *args.args]
    lacking: list[ast.expr | None] = [None] * (len(positional) - len(args.defaults))
    found = [
        (a.arg, inspect.Parameter.POSITIONAL_OR_KEYWORD, value_of(d))
        for a, d in zip(positional, [*lacking, *args.defaults], strict=True)
    ]
    if args.vararg:
        found.append((args.vararg.arg, inspect.Parameter.VAR_POSITIONAL, None))
    found += [
        (a.arg, inspect.Parameter.KEYWORD_ONLY, value_of(d))
        for a, d in zip(args.kwonlyargs, args.kw_defaults, strict=True)
    ]
    if args.kwarg:
        found.append((args.kwarg.arg, inspect.Parameter.VAR_KEYWORD, None))
    return [p for p in found if p[0] != "self"]


def value_of(default: ast.expr | None) -> object:
    return inspect.Parameter.empty if default is None else ast.literal_eval(default)


def in_module(made: Any) -> list[Parameter]:
    variable = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    return [
        (p.name, p.kind, None if p.kind in variable else p.default)
        for p in inspect.signature(made).parameters.values()
        if p.name != "self"
    ]


def of_constructor(source: str, name: str) -> list[Parameter] | None:
    """Parameters of a compiled class's `__init__` or `__cinit__`: inspect does not know them."""
    body = re.search(rf"^cdef class {name}\b.*?(?=^\S|\Z)", source, re.M | re.S)
    assert body, name
    found = re.search(r"^    def __c?init__\((.*?)\)(?: -> None)?:\n", body[0], re.M | re.S)
    if found is None:
        return None
    plain = re.sub(r"\b(?:[\w.]+ )+(?=\w)", "", found[1].replace(" not None", ""))
    node = ast.parse(f"def made({plain}): ...").body[0]
    assert isinstance(node, ast.FunctionDef)
    return in_stub(node)


def differences(stub: Path) -> list[str]:
    module = importlib.import_module(name_of(stub))
    source = stub.with_suffix(".pyx").read_text()
    names = declared(ast.parse(stub.read_text()).body)
    wrong = [f"{n}: only in one of stub and module" for n in sorted(spelled(source) ^ set(names))]
    wrong += [f"{n}: not in the module" for n in names if not hasattr(module, n)]
    for name, node in names.items():
        made = getattr(module, name, None)
        if isinstance(node, ast.FunctionDef) and in_stub(node) != in_module(made):
            wrong.append(f"{name}: {in_stub(node)} is not {in_module(made)}")
        if isinstance(node, ast.ClassDef) and made is not None:
            wrong += of_class(node, made, source)
    return wrong


def of_class(node: ast.ClassDef, made: type, source: str) -> list[str]:
    inside = declared(node.body)
    real = {name for name in vars(made) if not name.startswith("_")}
    wrong = [f"{node.name}.{n}: only in one of stub and module" for n in real ^ set(inside)]
    for name, each in inside.items():
        if isinstance(each, ast.FunctionDef) and not each.decorator_list and name in real:
            found = in_module(getattr(made, name))
            if in_stub(each) != found:
                wrong.append(f"{node.name}.{name}: {in_stub(each)} is not {found}")
        elif name in real and callable(getattr(made, name)):
            wrong.append(f"{node.name}.{name}: a method and not a value")
    constructor = [n for n in node.body if isinstance(n, ast.FunctionDef) and n.name == "__init__"]
    if f"cdef class {node.name}" in source:
        taken = of_constructor(source, node.name) or []
        given = in_stub(constructor[0]) if constructor else []
        if taken != given:
            wrong.append(f"{node.name}(): {given} is not {taken}")
    return wrong


@pytest.mark.parametrize("stub", STUBS, ids=name_of)
def test_a_stub_says_what_its_module_has(stub: Path) -> None:
    assert not differences(stub)


def test_what_python_imports_of_the_core_has_a_stub() -> None:
    used: set[str] = set()
    for room in ("otrade", "tests", "bench"):
        for path in (ROOT / room).rglob("*.py"):
            used |= set(
                re.findall(r"^ *from (otrade\._core\.[\w.]+) import", path.read_text(), re.M)
            )
    compiled = {name_of(p) for p in CORE.rglob("*.pyx")}
    assert used & compiled <= {name_of(p) for p in STUBS}


def test_the_comparison_can_say_no() -> None:
    stub = ast.parse("class WarmUp:\n    def try_run(self, n: int) -> None: ...\n    x: int").body[
        0
    ]
    assert isinstance(stub, ast.ClassDef)
    module = importlib.import_module("otrade._core.engine.warmup")
    source = (CORE / "engine/warmup.pyx").read_text()
    wrong = " ".join(of_class(stub, module.WarmUp, source))
    for each in ("WarmUp.x:", "WarmUp.n_orders:", "WarmUp.try_run:", "WarmUp():"):
        assert each in wrong, each


def traded() -> dict[type, list[Any]]:
    """Every kind of row, of an engine that has traded."""
    e = make_engine(params={"side_mask": 1})
    for k, paise in enumerate((9_990, 10_005, 10_010)):
        e.on_frame_bytes(frame(packet(token_of(0), paise)), OPEN_NS + (k + 1) * SECOND)
    assert e.n_brackets == e.n_orders == 1
    return {
        rows.InstrumentRow: [e.instrument(0)],
        rows.MarketRow: [e.market(0)],
        rows.SeriesRow: [e.series(0)],
        rows.StrategyRow: [e.strategy(0)],
        rows.BracketRow: [e.bracket(0)],
        rows.OrderRow: [e.order(0)],
        rows.PositionRow: [e.position(0)],
        rows.RiskRow: [e.risk()],
        rows.BudgetRow: [e.budget()],
        rows.LimitsRow: [e.limits()],
        rows.LiveSumsRow: list(e.live_sums().values()),
        rows.CountersRow: [e.counters()],
        rows.TakenSignalRow: list(e.take_signals()),
    }


def fits(value: object, hint: Any) -> bool:
    if get_origin(hint) is list:
        return isinstance(value, list) and all(fits(v, get_args(hint)[0]) for v in value)
    if hasattr(hint, "__required_keys__"):
        hints = get_type_hints(hint)
        return (
            isinstance(value, dict)
            and value.keys() == hints.keys()
            and all(fits(value[name], each) for name, each in hints.items())
        )
    if get_origin(hint) is UnionType:
        return any(fits(value, each) for each in get_args(hint))
    return type(value) is hint


def test_rows_are_what_an_engine_shows() -> None:
    for kind, shown in traded().items():
        assert shown, kind
        for row in shown:
            hints = get_type_hints(kind)
            assert row.keys() == hints.keys(), kind
            wrong = {n: (row[n], h) for n, h in hints.items() if not fits(row[n], h)}
            assert not wrong, kind
