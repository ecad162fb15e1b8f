"""A broker is its folder and its row: nothing else in the product's code spells its name."""

from __future__ import annotations

import ast
import datetime as dt
from pathlib import Path

import pytest

from otrade._core.codecs.decoders import FRAMES
from otrade.brokers.adapter import MakeAdapter
from otrade.brokers.kite import adapter as kite
from otrade.brokers.registry import BROKERS, NAMES, part_of
from otrade.brokers.upstox import adapter as upstox
from otrade.brokers.wire import wire_of
from otrade.calendar import Calendar
from otrade.charges import ChargeTable
from otrade.config.manager import DEFAULTS, default_bytes
from otrade.config.secret import NAMES as SECRETS
from otrade.simulator.simulator import SPOKEN
from otrade.square_off import SquareOffs

ROOT = Path(__file__).parents[2] / "otrade"
MAKERS: tuple[MakeAdapter, ...] = (kite.make, upstox.make)  # mypy holds them to the protocol
HOMES = ("brokers", "simulator", "instruments", "_core")
"""Rooms that have a folder or a file a broker, and say so."""


def names_in(path: Path) -> set[str]:
    """Identifiers, and texts without a blank, that have a broker's name in them. What a sentence
    says is for people.
    """
    tree = ast.parse(path.read_text())
    found: set[str] = set()
    for node in ast.walk(tree):
        words: list[str] = []
        if isinstance(node, ast.Name):
            words = [node.id]
        elif isinstance(node, ast.Attribute):
            words = [node.attr]
        elif isinstance(node, ast.arg):
            words = [node.arg]
        elif isinstance(node, ast.keyword) and node.arg is not None:
            words = [node.arg]
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            words = [node.name]
        elif isinstance(node, ast.ImportFrom):
            words = [node.module or "", *(alias.name for alias in node.names)]
        elif isinstance(node, ast.Import):
            words = [alias.name for alias in node.names]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            words = [node.value] if " " not in node.value.strip() else []
        found |= {word for word in words if any(name in word.lower() for name in NAMES)}
    return found


FILES = sorted(
    path
    for path in ROOT.rglob("*.py")
    if path.relative_to(ROOT).parts[0] not in HOMES
    and path.stem not in NAMES  # a file a broker says so too
    and "static" not in path.parts
)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_other_code_spells_a_brokers_name(path: Path) -> None:
    assert names_in(path) == set()


def test_the_search_finds_names() -> None:
    found = names_in(ROOT / "simulator" / "simulator.py")
    assert {"kite", "upstox", "upstox_rest_url"} <= found


@pytest.mark.parametrize("name", NAMES)
def test_a_row_has_all_that_it_promises(name: str) -> None:
    row = BROKERS[name]
    adapter = part_of(name, "adapter")
    assert adapter.make in MAKERS
    wire = wire_of(name)
    assert wire is not None and wire.frame_kinds[0] != wire.frame_kinds[1]
    assert name in SPOKEN, "the simulator has a folder for it"
    assert f"live.{name}.example.json" in DEFAULTS and default_bytes(f"live.{name}.example.json")
    assert f"OTRADE_{name.upper()}_API_KEY" in SECRETS
    day = dt.date(2026, 11, 23)
    session = Calendar.load().session("cash", day)
    assert session is not None and SquareOffs.load().cut_off(name, session) is not None
    charges = ChargeTable.load()
    assert row.price_plans and all(charges.on(day, plan) for plan in row.price_plans.values())


def test_each_frame_has_one_broker() -> None:
    wires = [wire for name in NAMES if (wire := wire_of(name)) is not None]
    kinds = [kind for wire in wires for kind in wire.frame_kinds]
    assert len(kinds) == len(set(kinds)) and set(kinds) == set(FRAMES), "the core reads each"
    assert set(SPOKEN) == set(NAMES)
    assert wire_of("nobody") is None
