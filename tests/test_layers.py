"""The rooms of the tree: what each may import, no circles, no crowds, a word about each, nothing dead.

A room is a folder; of the core, where one folder holds a pipeline, and at the top level, a module.
Imports are read from the sources, those for type checking and cimports included.
"""

from __future__ import annotations

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OTRADE = ROOT / "otrade"
SOURCES = (".py", ".pyi", ".pyx", ".pxd")
MODULES_MAX = 16

TICK = "_core.types _core.state _core.notes _core.otk errors"
"""What a tick's way through the core is made of."""
BASE = "_core.types errors units clock patience plain_file"
"""What every room above the core may use."""
TABLE = {
    # ------------------------------------------------------------------- the core's ground
    "errors": "",
    "ordinary_rank": "",
    "file_lock": "plain_file",
    "child_environment": "",
    "plain_file": "",
    "price_files": "",
    "patience": "clock errors",
    "_core": "",
    "_core.types": "",
    "_core.kernel_states": "",
    "_core.otk": "_core.types",
    "_core.writer": "",
    "_core.pack": "_core.types",
    "_core.build_id": "",
    "_core.cpu_check": "",
    "_core.histogram": "",
    "_core.journal_writer": "_core.types errors",
    "_core.state": "_core.types errors",
    "_core.notes": "_core.types _core.state",
    # build time only
    "_core.kernels": "_core.types _core.kernel_states _core.kernels.strategy_abi _core.kernels.wilder",
    # what compiled strategies and the core hold between them: plain data, for both
    "_core.kernels.strategy_abi": "_core.types",
    # formulas that the filters and strategy files share: plain functions, for both
    "_core.kernels.wilder": "",
    # ------------------------------------------------------------------------ its pipeline
    "_core.codecs": "_core.types _core.writer",
    "_core.market": f"{TICK} _core.kernels.strategy_abi",
    "_core.orders": "",
    "_core.orders.order": TICK,
    "_core.orders.position": TICK,
    "_core.orders.charges": TICK,
    "_core.orders.refusal": TICK,
    "_core.orders.waiting_entries": TICK,
    "_core.orders.risk": f"{TICK} _core.market _core.orders.order",
    "_core.orders.request": f"{TICK} _core.orders.order _core.orders.risk",
    "_core.orders.exits": f"{TICK} _core.market _core.orders.order _core.orders.refusal "
    "_core.orders.request _core.orders.risk",
    "_core.orders.stop_moves": f"{TICK} _core.market _core.orders.exits",
    "_core.orders.bracket": f"{TICK} _core.orders.charges _core.orders.exits _core.orders.order _core.orders.position "
    "_core.orders.refusal _core.orders.risk _core.orders.stop_moves _core.orders.waiting_entries",
    "_core.orders.entry": f"{TICK} _core.orders.bracket _core.orders.exits _core.orders.refusal "
    "_core.orders.request _core.orders.risk _core.orders.waiting_entries",
    "_core.orders.decision": f"{TICK} _core.market _core.orders.bracket _core.orders.entry _core.orders.exits "
    "_core.orders.order _core.orders.risk _core.orders.stop_moves _core.orders.waiting_entries",
    "_core.orders.fill_price": f"{TICK} _core.orders.charges _core.orders.exits _core.orders.position",
    "_core.orders.report": f"{TICK} _core.orders.bracket _core.orders.exits "
    "_core.orders.fill_price _core.orders.order _core.orders.request _core.orders.risk",
    "_core.orders.adopt": f"{TICK} _core.orders.bracket _core.orders.order _core.orders.report _core.orders.risk "
    "_core.orders.waiting_entries",
    "_core.engine": "",
    "_core.engine.rows": "",
    "_core.engine.record": f"{TICK} _core.codecs _core.journal_writer",
    "_core.engine.setup": f"{TICK} _core.cpu_check _core.engine.record _core.market _core.orders.risk",
    "_core.engine.views": f"{TICK} _core.engine.setup _core.market _core.orders.bracket "
    "_core.orders.order _core.orders.risk",
    "_core.engine.pipeline": f"{TICK} _core.codecs _core.engine.record _core.engine.setup "
    "_core.market _core.orders.bracket _core.orders.decision _core.orders.entry _core.orders.fill_price "
    "_core.orders.position _core.orders.report",
    "_core.engine.engine": f"{TICK} _core.codecs _core.engine.pipeline _core.engine.rows "
    "_core.engine.setup _core.engine.views _core.journal_writer _core.kernels.strategy_abi _core.market "
    "_core.orders.adopt _core.orders.bracket _core.orders.report _core.orders.risk "
    "_core.orders.waiting_entries _core.pack",
    "_core.engine.checkpoint": f"{TICK} _core.engine.engine _core.engine.pipeline _core.market",
    "_core.engine.replay": f"{TICK} _core.codecs _core.engine.engine _core.journal_writer",
    "_core.engine.warmup": f"{TICK} _core.engine.engine _core.engine.pipeline _core.journal_writer",
    "_core.engine.feed_sink": f"{TICK} _core.codecs _core.engine.engine _core.engine.pipeline "
    "_core.engine.warmup",
    # ------------------------------------------------------------------------ shared ground
    "otrade": "",
    "units": "_core.types",
    "clock": "",
    # Which brokers there are: facts that configuration reads, and no broker's code.
    "brokers.registry": "",
    "config": "brokers.registry errors plain_file",
    "instruments": "errors plain_file",
    "calendar": "config errors plain_file",
    "square_off": "calendar config errors plain_file",
    "charges": "config errors plain_file units",
    "contract": "",
    "stream": "contract",
    "engine_link": "otrade contract errors stream",
    # ---------------------------------------------------------------- strategies, a Python file each
    "strategy.words": "_core.kernels.strategy_abi",
    "strategy.indicators": "_core.kernels.wilder strategy.words",
    "strategy": "_core.types _core.cpu_check _core.kernels.strategy_abi errors strategy.build strategy.check "
    "strategy.indicators strategy.words",
    "strategy.check": "_core.types _core.kernels.strategy_abi errors otrade plain_file strategy strategy.indicators strategy.words",
    "strategy.builtin": "strategy",
    "strategy.build": "_core.cpu_check _core.kernels.strategy_abi _core.kernels.wilder child_environment errors otrade plain_file "
    "strategy.check strategy.indicators strategy.words",
    # build time only
    "strategy.build.builtin": "_core.kernels _core.kernels.strategy_abi errors strategy.build strategy.builtin strategy.check "
    "strategy.words",
    # -------------------------------------------------------------- brokers, the simulator
    "brokers.transport": f"{BASE} _core.codecs _core.histogram brokers",
    "brokers": f"{BASE} _core.codecs _core.histogram brokers.registry instruments",
    "brokers.kite": f"{BASE} _core.codecs brokers brokers.transport instruments",
    "brokers.upstox": f"{BASE} _core.codecs brokers brokers.transport instruments",
    "simulator.draws": "",
    "simulator.base": "simulator.draws",
    "simulator.prices": "price_files simulator.base simulator.draws",
    "simulator.faults": "simulator.base simulator.draws",
    "simulator.exchange": "plain_file simulator.base simulator.draws simulator.faults simulator.prices",
    "simulator.net": "simulator.base simulator.draws simulator.exchange simulator.faults",
    "simulator.kite.rest": "simulator.base simulator.draws simulator.exchange simulator.faults simulator.net",
    "simulator.kite": "simulator.base simulator.exchange simulator.faults simulator.kite.rest "
    "simulator.net",
    "simulator.upstox.rest": "simulator.base simulator.draws simulator.exchange simulator.faults simulator.net",
    "simulator.upstox.streams": "simulator.base simulator.exchange simulator.faults simulator.prices "
    "simulator.net simulator.upstox.rest",
    "simulator.upstox": "simulator.base simulator.exchange simulator.faults simulator.net "
    "simulator.upstox.rest simulator.upstox.streams",
    "drill.trader.leave": "drill.trader drill.trader.reading simulator.exchange",
    "simulator": "simulator.base simulator.exchange simulator.faults simulator.kite.rest simulator.kite.rest "
    "simulator.net simulator.upstox.rest",
    # ------------------------------------------------------------------ the running engine
    "journal": f"{BASE} file_lock ordinary_rank brokers _core.codecs _core.cpu_check _core.market _core.pack _core.engine.engine "
    "_core.engine.replay _core.journal_writer strategy strategy.build strategy.check",
    "live.notices": f"{BASE} config",
    "live.runtime": f"{BASE} child_environment file_lock _core.engine.engine config live.notices",
    "live.plan": f"{BASE} brokers _core.codecs _core.engine.feed_sink _core.engine.engine _core.engine.rows _core.market "
    "_core.engine.warmup _core.kernel_states _core.kernels.strategy_abi calendar charges config instruments square_off",
    "live.history": f"{BASE} _core.engine.engine _core.engine.rows _core.histogram brokers calendar charges "
    "contract live.plan",
    "live.persistence": f"{BASE} _core.build_id _core.engine.engine _core.journal_writer "
    "brokers config journal live.notices live.plan",
    "live.oms": f"{BASE} _core.engine.engine _core.engine.views brokers live.history "
    "live.persistence",
    "live.reconciliation": f"{BASE} _core.engine.engine _core.engine.rows brokers live.notices "
    "live.oms live.plan",
    "live.day": f"{BASE} _core.histogram brokers live.history live.notices "
    "live.oms live.persistence live.plan live.reconciliation",
    "live.startup": f"{BASE} _core.engine.engine brokers brokers.registry brokers.transport "
    "calendar charges config hooks instruments journal live.day live.history "
    "_core.market live.notices live.persistence live.plan live.runtime price_files simulator.prices square_off "
    "strategy strategy.build strategy.check",
    "live.alerts": f"{BASE} config live.notices",
    "live.monitoring": f"{BASE} _core.engine.rows _core.histogram _core.kernels.strategy_abi charges contract live.alerts "
    "live.day live.history live.notices live.plan",
    "live.control": f"{BASE} brokers calendar config contract instruments live.day live.notices live.persistence "
    "live.plan live.startup simulator simulator.base square_off",
    "live.broker_io": f"{BASE} brokers contract live.notices live.startup",
    "live.watchdog": f"{BASE} file_lock brokers config live.alerts live.day live.notices live.oms "
    "live.runtime live.startup",
    "live.api": f"{BASE} _core.engine.rows charges config contract journal live.alerts "
    "live.broker_io live.control live.day live.history live.monitoring live.notices live.persistence live.plan "
    "live.startup",
    "live.engine_socket": f"{BASE} otrade contract live.api live.control live.persistence stream",
    "live": f"{BASE} otrade brokers calendar config price_files live.broker_io live.control live.day "
    "live.monitoring live.notices live.runner live.runtime live.startup live.watchdog simulator "
    "simulator.base simulator.exchange simulator.prices",
    "live.runner": f"{BASE} config contract journal live.alerts live.api live.broker_io "
    "live.control live.day live.engine_socket live.history live.monitoring live.notices live.plan live.runtime "
    "live.startup hooks stream",
    # --------------------------------------------------- the past: files that no engine needs
    "research": "research.notebook",
    "research.notebook": "errors live.runtime research.report research.results",
    "research.arrow": "errors",
    "research.results": f"{BASE} charges file_lock research.arrow",
    # the core's own door, and what makes a live day ready: tested is what trades
    "research.backtest": f"{BASE} otrade _core.codecs _core.engine.engine _core.engine.pipeline _core.kernels "
    "_core.orders.bracket _core.orders.order _core.orders.report _core.state brokers brokers.registry calendar charges "
    "config instruments journal live.history live.notices live.plan live.startup research.arrow research.history "
    "research.results simulator.base simulator.draws simulator.exchange simulator.prices square_off _core.pack",
    # A day of trading beside its own second run.
    "research.parity": f"{BASE} _core.codecs _core.engine.engine _core.kernels brokers.registry journal live.notices live.plan "
    "research.backtest simulator.base simulator.draws simulator.prices",
    "research.history": f"{BASE} file_lock _core.codecs brokers brokers.registry calendar instruments journal price_files research.arrow",
    # A day of trading, replayed and counted as the engine counts it.
    "research.days": f"{BASE} otrade _core.codecs _core.engine.engine _core.engine.rows _core.journal_writer charges journal "
    "live.history live.plan research.results",
    "research.report": f"{BASE} contract research.arrow price_files research.history research.results",
    # ---------------------------------------------------------------------- its page, people
    "guard": "errors ordinary_rank",
    # The process of the hooks: a broker's check, and no more of a broker.
    "hooks": "brokers.registry contract errors guard",
    "web.http": "contract errors guard",
    "web.auth": "contract errors guard plain_file web.http",
    "web.rest": "contract errors guard web.auth web.http",
    "web.stream": "contract guard stream web.auth web.http",
    "web": "contract guard stream web.auth web.http web.rest web.stream",
    # The process of the page: no broker, no core, no day.
    "server": "otrade child_environment config contract engine_link errors file_lock guard journal live.notices live.runtime "
    "live.watchdog plain_file strategy.check units web web.auth web.http",
    # What it knows of the engine is nothing: no core, no live, no broker's readers.
    "drill.trader.feeds": "simulator.base simulator.upstox.streams",
    "drill.trader.reading": "",
    "drill.trader": "drill.trader.feeds drill.trader.reading simulator simulator.base simulator.exchange",
    "drill.bounds": "",
    "drill.draws": "",
    "drill.reports": "errors plain_file",
    "drill.starts": f"{BASE} otrade _core.market brokers calendar drill.draws drill.trader instruments journal live.day live.plan "
    "live.startup live.watchdog simulator simulator.base strategy strategy.build strategy.check",
    "drill.inbound": f"{BASE} otrade contract hooks live.api live.broker_io live.control live.engine_socket live.notices "
    "live.startup simulator simulator.base simulator.exchange stream",
    "drill": f"{BASE} otrade "
    "_core.orders.order brokers brokers.registry calendar charges config drill.bounds drill.draws drill.inbound "
    "drill.reports drill.starts drill.trader drill.trader.leave journal live.control live.day live.history live.notices "
    "live.oms live.persistence live.plan live.startup live.watchdog simulator simulator.base simulator.exchange",
    "cli.engine": f"{BASE} config file_lock engine_link live.control live.runtime live.watchdog",
    "cli.processes": f"{BASE} config live.runtime live.startup",
    "cli.research": f"{BASE} brokers brokers.registry calendar child_environment cli.commands config journal live price_files "
    "research.backtest research.days research.history research.parity research.report research.results",
    "cli.commands": f"{BASE} _core.codecs brokers brokers.registry calendar charges cli.engine config contract drill "
    "engine_link drill.draws drill.reports drill.starts instruments journal live live.alerts live.broker_io live.control "
    "live.engine_socket live.history live.notices live.plan "
    "live.runtime live.startup price_files research.history simulator simulator.base simulator.prices square_off "
    "strategy strategy.build strategy.builtin strategy.check web.auth",
    "cli": "brokers.registry cli.commands cli.engine cli.processes cli.research config errors live server",
    "__main__": "cli",
}
"""Room: the rooms that it may import, besides itself. It stands in the order in which they are
built on each other, more or less; that there is no circle is a test of its own.
"""

CALLED_FROM_OUTSIDE = {
    r"otrade/_core/kernels/(brackets|filters|money)\.py": "compiled to C by their names",
    r"otrade/strategy/builtin/.*": "compiled into the core by their files' names",
    r"otrade/strategy/build/rewrite\.py: visit_\w+": "ast.NodeTransformer calls them",
    r"otrade/.*: on_(ws|url|header|body|message|chunk)_?\w*": "picows and httptools call them",
    r"otrade/.*: (pause_writing|resume_writing|eof_received)": "asyncio's protocols",
    r"otrade/guard/.*: (send_400_response|capture_signals|startup|shutdown)": "uvicorn's own methods, replaced",
    r"otrade/guard/connection\.py: (connection_\w+|\w*_buffer\w*|buffer_updated|set_protocol|get_extra_info)": "asyncio's",
}
"""`path: name` of public definitions that no source of ours names, and who uses them."""


def module_of(path: Path) -> str:
    """Dotted name below `otrade`; the package itself is `otrade`."""
    parts = path.relative_to(OTRADE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts) or "otrade"


@cache
def modules() -> Mapping[str, list[Path]]:
    """Every module, by name; a compiled one has several files."""
    found: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(OTRADE.rglob("*")):
        if path.suffix in SOURCES:
            found[module_of(path)].append(path)
    return found


@cache
def packages() -> frozenset[str]:
    return frozenset(module_of(path.parent / "__init__.py") for path in OTRADE.rglob("__init__.py"))


def known(name: str) -> str:
    """The module that a dotted name is, or is in; empty for one that is not ours."""
    while name and name not in modules():
        name = name.rpartition(".")[0]
    return name


def named_by(path: Path) -> Iterator[str]:
    """What a file's imports name, below `otrade`: both the module, and each name in it."""
    text = path.read_text()
    found: list[str] = []
    if path.suffix in (".py", ".pyi"):
        package = list(path.relative_to(ROOT).parent.parts)
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import):
                found += [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                base = node.module or ""
                if node.level:
                    base = ".".join([*package[: len(package) - node.level + 1], *base.split(".")])
                found += [f"{base}.{alias.name}".replace("..", ".") for alias in node.names]
    else:
        for base, names in re.findall(
            r"^\s*from ([\w.]+) c?import (\([^)]*\)|[^\n#]+)", text, re.M
        ):
            found += [
                f"{base}.{name.split()[0]}" for name in names.strip("()").split(",") if name.strip()
            ]
        found += re.findall(r"^\s*c?import ([\w.]+)", text, re.M)
    return (name.removeprefix("otrade.") for name in found if name.startswith("otrade."))


@cache
def imports() -> Mapping[str, frozenset[str]]:
    """Modules that each module imports."""
    return {
        module: frozenset(
            target
            for path in paths
            for name in named_by(path)
            if (target := known(name)) and target != module
        )
        for module, paths in modules().items()
    }


def room_of(module: str) -> str:
    """The module's own row in the table, else its folder."""
    if module in TABLE or module in packages():
        return module
    return module.rpartition(".")[0]


def forbidden(module: str, targets: frozenset[str]) -> set[str]:
    """Imports of a module that the table does not allow."""
    own = room_of(module)
    allowed = {own, *TABLE[own].split()}
    return {target for target in targets if room_of(target) not in allowed}


def circles(graph: Mapping[str, frozenset[str]]) -> list[list[str]]:
    """Groups of nodes that reach each other: what is left when nodes without arrows out, or in, are
    taken away.
    """
    left = {node: set(targets) & set(graph) - {node} for node, targets in graph.items()}
    while True:
        wanted = {target for targets in left.values() for target in targets}
        ends = {node for node, targets in left.items() if not targets or node not in wanted}
        if not ends:
            break
        left = {node: targets - ends for node, targets in left.items() if node not in ends}
    return [[node, *sorted(targets)] for node, targets in sorted(left.items())]


def of_folders() -> Mapping[str, frozenset[str]]:
    """Arrows between folders; modules at the top level are folders of their own."""
    found: dict[str, set[str]] = defaultdict(set)
    for module, targets in imports().items():
        for target in targets - packages():
            found[folder_of(module)].add(folder_of(target))
    return {folder: frozenset(targets - {folder}) for folder, targets in found.items()}


def folder_of(module: str) -> str:
    return module if module in packages() or "." not in module else module.rpartition(".")[0]


# ------------------------------------------------------------------------------------------- imports
@pytest.mark.parametrize("module", sorted(modules()))
def test_a_room_imports_what_its_row_allows(module: str) -> None:
    assert room_of(module) in TABLE, f"{room_of(module)} is a new room: it needs a row in the table"
    assert not forbidden(module, imports()[module])


def test_the_table_names_rooms_that_are_there() -> None:
    there = set(map(room_of, modules()))
    assert {room for row in TABLE.values() for room in row.split()} <= set(TABLE)
    assert not set(TABLE) - there


@pytest.mark.parametrize(
    ("module", "target"),
    [
        ("_core.orders.order", "_core.orders.bracket"),
        ("_core.state", "live.day.trading_day"),
        ("_core.market.market", "_core.orders.order"),
        ("simulator.exchange.order_system", "errors"),
        ("brokers.transport.order_pool", "_core.engine.engine"),
        ("config.manager", "brokers.kite.adapter"),
        ("live.day.trading_day", "web.server"),
        ("live.paper_mode", "web.server"),
        ("web.server", "live.runner"),
        ("live.day.trading_day", "live.monitoring.day_report"),
        ("errors", "config"),
        ("live.startup.bar_history", "research.history.archive"),
        ("drill.trader.record", "_core.types"),
        ("drill.trader.record", "live.plan.engine_builder"),
        ("drill.trader.feeds.kite", "brokers.kite.reports"),
    ],
)
def test_the_table_can_say_no(module: str, target: str) -> None:
    assert forbidden(module, frozenset({target}))


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert not circles(imports())


def test_no_folders_import_each_other_in_a_circle() -> None:
    assert not circles(of_folders())


def test_a_circle_is_found() -> None:
    arrows = {"a": "b", "b": "c", "c": "b d", "d": ""}
    graph = {node: frozenset(targets.split()) for node, targets in arrows.items()}
    assert circles(graph) == [["b", "c"], ["c", "b"]]


def test_imports_of_every_kind_are_read() -> None:
    assert "live.day.trading_day" in imports()["live.watchdog.heartbeat"], "for type checking"
    assert "_core.orders.risk" in imports()["_core.orders.request"], "cimport"
    assert "config" in imports()["live.app"], "names of a package"


# ------------------------------------------------------------------------------------------- folders
def test_no_folder_is_a_crowd() -> None:
    held = Counter(module.rpartition(".")[0] for module in modules() if module not in packages())
    assert not {folder: n for folder, n in held.items() if n > MODULES_MAX}


@pytest.mark.parametrize("path", sorted(OTRADE.rglob("__init__.py")), ids=lambda p: p.parent.name)
def test_each_package_says_what_lives_there(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text())), f"{path.parent} has no docstring"


def test_each_folder_with_modules_is_a_package() -> None:
    held = {path.parent for paths in modules().values() for path in paths}
    assert not [folder for folder in held if not (folder / "__init__.py").exists()]


# --------------------------------------------------------------------------------------------- names
def test_no_class_name_stands_twice() -> None:
    """One meaning each, in the whole tree."""
    found: dict[str, list[str]] = defaultdict(list)
    for folder in ("otrade", "tests", "bench"):
        for path in sorted((ROOT / folder).rglob("*.py*")):
            if path.suffix == ".py":
                nodes = ast.walk(ast.parse(path.read_text()))
                names = [node.name for node in nodes if isinstance(node, ast.ClassDef)]
            elif path.suffix == ".pyx":
                names = re.findall(r"^cdef class (\w+)", path.read_text(), re.M)
            else:
                continue
            for name in names:
                found[name].append(str(path.relative_to(ROOT)))
    assert not {name: paths for name, paths in found.items() if len(paths) > 1}


# ---------------------------------------------------------------------------------------- dead code
COMPILED_DEFINITION = re.compile(
    r"^([ \t]*)(?:cdef class|class|def|async def|cpdef|cdef)\b[^(=:\n]*?(\w+)[ \t]*(?=[(:])", re.M
)


def words_and_definitions(path: Path) -> tuple[set[str], set[str]]:
    """Names that a source uses (docstrings and comments left out), and public ones that it defines:
    classes, functions, methods and constants.
    """
    text = path.read_text()
    if path.suffix not in (".py", ".pyi"):
        text = re.sub(r'"""[\s\S]*?"""|#[^\n]*', "", text)
        defined = {match[2] for match in COMPILED_DEFINITION.finditer(text)}
        return set(re.findall(r"\w+", COMPILED_DEFINITION.sub(" ", text))), defined
    used: set[str] = set()
    defined = set()
    tree = ast.parse(text)
    said = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Load()) | ast.Attribute(attr=name, ctx=ast.Load()):
                used.add(name)
            case ast.keyword(arg=str(name)):
                used.add(name)
            case ast.alias(name=name, asname=str(_)):
                used.add(name)
            case ast.Constant(value=str(words)) if id(node) not in said:
                used.update(re.findall(r"\w+", words))
            case ast.Module(body=body) | ast.ClassDef(body=body):
                defined |= {
                    one.name
                    for one in body
                    if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
                }
                if isinstance(node, ast.Module):
                    defined |= {
                        name.id
                        for one in body
                        if isinstance(one, ast.Assign | ast.AnnAssign)
                        for name in ast.walk(one)
                        if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)
                    }
    return used, defined


@cache
def unused() -> frozenset[str]:
    """`path: name` of every public definition that no source names."""
    used: set[str] = set()
    defined: set[tuple[str, str]] = set()
    for folder in ("otrade", "tests", "bench", "setup.py", "pyproject.toml"):
        for path in sorted((ROOT / folder).rglob("*")) or [ROOT / folder]:
            if path.suffix == ".toml":
                used.update(re.findall(r"\w+", path.read_text()))
            elif path.suffix in SOURCES and path != Path(__file__):
                words, names = words_and_definitions(path)
                used |= words
                if folder == "otrade" and path.suffix != ".pyi":
                    place = path.relative_to(ROOT).as_posix()
                    defined |= {(place, name) for name in names if not name.startswith("_")}
    return frozenset(f"{place}: {name}" for place, name in defined if name not in used)


def test_every_public_definition_is_used() -> None:
    left = {
        found
        for found in unused()
        if not any(re.fullmatch(f"{rule}(: .*)?", found) for rule in CALLED_FROM_OUTSIDE)
    }
    assert not left, "nobody uses them: delete them, or say who calls them"


@pytest.mark.parametrize("rule", CALLED_FROM_OUTSIDE)
def test_each_exception_is_one(rule: str) -> None:
    assert any(re.fullmatch(f"{rule}(: .*)?", found) for found in unused())
