"""Imports and cimports point up the layer table of docs/architecture.md only."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

CORE = {
    # room: rooms of the core that it may use, besides `types`
    "types": set(),
    "processor": set(),
    "wire": set(),
    "histogram": set(),
    "order": set(),
    "market": set(),
    "journal": set(),
    "build_id": set(),
    "wire_kite": {"wire", "writer"},
    "wire_upstox": {"wire", "writer"},
    "writer": set(),
    "state": set(),
    "quote": {"state"},
    "position": {"otk"},
    "strategy": {"otk", "state"},
    "risk": {"order", "quote", "state"},
    "request": {"order", "risk", "state"},
    "refusal": {"state"},
    "exits": {"order", "otk", "quote", "refusal", "request", "risk", "state"},
    "waiting": {"state"},
    "bracket": {"exits", "order", "otk", "position", "refusal", "risk", "state", "waiting"},
    "entry": {"bracket", "exits", "otk", "refusal", "request", "risk", "state", "waiting"},
    "value": {"exits", "position", "state"},
    "report": {"bracket", "exits", "order", "request", "risk", "state", "value"},
    "adopt": {"bracket", "report", "risk", "state", "waiting"},
    "setup": {"journal", "processor", "state", "strategy", "wire"},
    "views": {"bracket", "order", "quote", "risk", "setup", "state", "strategy"},
    "record": {"journal", "state", "views"},
    "engine": {
        "adopt",
        "bracket",
        "entry",
        "journal",
        "market",
        "position",
        "quote",
        "record",
        "report",
        "risk",
        "state",
        "strategy",
        "value",
        "waiting",
        "wire",
        "wire_kite",
        "wire_upstox",
    },
    "replay": {"engine", "journal"},
    "warmup": {"engine", "journal", "state"},
    "sink": {"engine", "journal", "warmup", "wire"},
    # build time only
    "layout": {"kernels"},
    "aot": {"kernels", "layout"},
    "kernels": {"kernels", "layout"},
}
PURE = {"errors", "types"}  # layer 0
LAYER_1 = PURE | {
    "_core.wire",
    "_core.wire_kite",
    "_core.wire_upstox",
    "_core.histogram",
    "_core.journal",
    "_core.build_id",
}
LAYER_4 = PURE | {"config", "instruments", "calendar", "charges", "square_off"}
# of all brokers
SHARED = {
    "brokers.base",
    "brokers.margins",
    "brokers.quotes",
    "brokers.refusals",
    "brokers.rows",
    "brokers.order_book",
    "brokers.session",
    "brokers.transport",
}
LAYER_5 = LAYER_1 | LAYER_4 | {"brokers", "journal"}
LIVE = LAYER_5 | {
    "_core.engine",
    "_core.warmup",
    "_core.sink",
    "_core.views",
    "lean",
    "live",
    "web",
}
# room of a file (longest match wins) -> what it may import; "web" is narrowed for `live` below
TABLE: dict[str, set[str]] = {
    "errors": set(),
    "lean": set(),
    "config": PURE | {"config"},
    "calendar": PURE | {"config"},
    "square_off": PURE | {"config", "calendar"},
    "instruments": PURE | {"instruments"},
    "charges": PURE | {"config"},
    "brokers.base": LAYER_1 | LAYER_4 | {"brokers.base"},
    "brokers.rows": PURE,
    "brokers.order_book": LAYER_1 | {"brokers.base", "brokers.rows"},
    "brokers.session": PURE | {"brokers.rows"},
    "brokers.refusals": PURE,
    "brokers.quotes": LAYER_1 | {"brokers.base", "brokers.rows"},
    "brokers.margins": PURE | {"brokers.rows"},
    "brokers.kit": LAYER_1 | LAYER_4 | {"brokers.base", "brokers.session", "brokers.transport"},
    "brokers.transport": LAYER_1
    | PURE
    | {"lean", "brokers.base", "brokers.rows", "brokers.transport"},
    "brokers.kite": LAYER_1 | LAYER_4 | SHARED | {"brokers.kite"},
    "brokers.upstox": LAYER_1 | LAYER_4 | SHARED | {"brokers.upstox"},
    "brokers.sim": {"brokers.sim"},
    "journal": LAYER_1 | LAYER_4 | {"_core.engine", "_core.replay", "journal"},
    "drill": LIVE | {"drill"},
    "live": LIVE,
    "web": PURE | {"web", "config", "lean", "__init__"},
    "commands": LIVE | {"commands", "drill"},
    "cli": LIVE | {"commands", "__init__"},
    "__main__": {"cli"},
    "__init__": set(),
    "brokers": set(),
}
# The live room knows the page's contract; only the host that composes them may start the server.
WEB_CONTRACT = {"web.asked", "web.schema", "web.source"}
HOSTS = {"live.host"}


def module_of(path: Path) -> str:
    """Dotted name below `otrade`."""
    parts = path.relative_to(ROOT / "otrade").with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def imports_of(path: Path) -> set[str]:
    """Modules of ours that a file names, below `otrade`."""
    text = path.read_text()
    own = module_of(path).split(".")
    package = own if path.name == "__init__.py" else own[:-1]
    found: set[str] = set()
    if path.suffix == ".py":
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import):
                found |= {a.name for a in node.names}
            elif isinstance(node, ast.ImportFrom):
                base = node.module or ""
                if node.level:
                    up = package[: len(package) - node.level + 1]
                    base = ".".join(["otrade", *up, *([base] if base else [])])
                found |= {f"{base}.{a.name}" for a in node.names} | {base}
    else:
        for base, names in re.findall(
            r"^\s*from ([\w.]+) c?import (\([^)]*\)|[^\n#]+)", text, re.M
        ):
            found |= {
                f"{base}.{n.split(' as ')[0].strip()}"
                for n in names.strip("()").split(",")
                if n.strip()
            } | {base}
        found |= set(re.findall(r"^\s*c?import ([\w.]+)", text, re.M))
    return {
        f.removeprefix("otrade.")
        for f in found
        if f.startswith("otrade.") and f != "otrade.__version__"
    }


def core_faults(room: str, names: set[str]) -> set[str]:
    used = {n.split(".")[1] for n in names if n.startswith("_core.") and len(n.split(".")) > 1}
    used &= set(CORE) | {"otk"}
    return used - CORE[room] - {room, "types"}


def is_allowed(name: str, allowed: set[str]) -> bool:
    name = "types" if name.startswith("_core.types") else name
    return any(name == a or name.startswith(a + ".") for a in allowed)


def faults(path: Path, names: set[str]) -> set[str]:
    """Imports of a file that the table does not allow."""
    module = module_of(path)
    if module.startswith("_core"):
        room = module.split(".")[1] if "." in module else ""
        outside = {
            n
            for n in names
            if not n.startswith("_core") and n != "errors" and not n.startswith("errors.")
        }
        return outside | (core_faults(room, names) if room in CORE else set())
    key = max((k for k in TABLE if module == k or module.startswith(k + ".")), key=len)
    modules = {n for n in names if n not in ("_core", "brokers", "")}
    bad = {n for n in modules if not is_allowed(n, TABLE[key])}
    if key == "live" and module not in HOSTS:
        bad |= {n for n in modules if n.startswith("web.") and not is_allowed(n, WEB_CONTRACT)}
    return bad


FILES = sorted(
    p
    for p in (ROOT / "otrade").rglob("*")
    if p.suffix in (".py", ".pyx", ".pxd") and "static" not in p.parts
)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_up(path: Path) -> None:
    assert not faults(path, imports_of(path))


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("otrade/_core/orders/order.pyx", {"_core.bracket"}),
        ("otrade/_core/state.pyx", {"live.day"}),
        ("otrade/_core/market/market.pxd", {"_core.order.apply"}),
        ("otrade/simulator/exchange/order_system.py", {"errors"}),
        ("otrade/brokers/transport/order_pool.py", {"_core.engine"}),
        ("otrade/config/manager.py", {"brokers.kite"}),
        ("otrade/live/day/trading_day.py", {"web.server"}),
        ("otrade/errors.py", {"config"}),
    ],
)
def test_the_table_can_say_no(path: str, names: set[str]) -> None:
    assert faults(ROOT / path, names)


def test_every_room_of_the_core_is_in_the_table() -> None:
    rooms = {p.stem for p in (ROOT / "otrade/_core").glob("*.pyx")}
    assert rooms <= set(CORE)
