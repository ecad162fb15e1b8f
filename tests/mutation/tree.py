"""The copy of the tree that holds every mutant, and its build."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.drill.operators import ROOT
from tests.mutation.schemata import with_mutants, write_mask
from tests.mutation.sites import Site, sites_of

COPY = ROOT / "build" / "mutation"
ORDERS = ("order", "bracket", "entry", "exits", "report", "risk", "request", "position", "adopt")
SOURCES = (
    *(f"otrade/_core/orders/{name}.pyx" for name in ORDERS),
    *(f"otrade/_core/orders/{name}.pyx" for name in ("waiting_entries", "refusal", "fill_price")),
    "otrade/_core/state.pyx",
    "otrade/live/reconciliation/bracket_recovery.py",
    "otrade/live/reconciliation/discrepancies.py",
    "otrade/live/reconciliation/foreign_orders.py",
    "otrade/live/reconciliation/position_audit.py",
    "otrade/live/reconciliation/reconciler.py",
    "otrade/brokers/kite/reports.py",
    "otrade/brokers/upstox/reports.py",
    "otrade/brokers/parse.py",
)
"""What decides orders: the state machines, reconciliation, and the readers of brokers' rows."""
TRACKED = (
    "otrade",
    "strategies",
    "tests",
    "docs",
    "config",
    "web/package.json",
    "setup.py",
    "pyproject.toml",
    "README.md",
    "LICENSE",
)
MADE = ("types.h", "types.pxd", "notes.pxd", "otk.h", "otk.pxd", "build_id.h", "builtin.h")


def all_sites(root: Path = ROOT) -> list[Site]:
    """Every mutant there is; its number is its place here, from one."""
    return [site for name in SOURCES for site in sites_of((root / name).read_text(), name)]


def prepare() -> list[Site]:
    """Copy, rewrite and build. Compiled modules that hold no mutant are taken as they are."""
    shutil.rmtree(COPY / "otrade" / "live", ignore_errors=True)
    asked = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *TRACKED]
    listed = subprocess.check_output(asked, cwd=ROOT).decode().split("\0")[:-1]
    made = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "otrade").rglob("*")
        if path.suffix in (".so", ".c") or path.name in MADE
    ]
    sites = all_sites()
    mutated = {name: (ROOT / name).read_text() for name in SOURCES}
    for name, text in mutated.items():
        numbered = ((n, site) for n, site in enumerate(sites, 1) if site.file == name)
        mutated[name] = with_mutants(text, Path(name).suffix, numbered)
    with_mask = {Path(name).with_suffix("").name for name in SOURCES if name.endswith(".pyx")}
    for name in [*listed, *made]:
        if name in mutated or not (ROOT / name).exists():
            continue
        built = name.endswith((".so", ".c")) and Path(name).name.split(".")[0] in with_mask
        if built and Path(name).parent.as_posix().endswith(("_core", "orders")):
            continue  # without the mask
        _copy_if_newer(ROOT / name, COPY / name)
    for name, text in mutated.items():
        path = COPY / name
        if not path.exists() or path.read_text() != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    write_mask(COPY)
    setup = COPY / "setup.py"
    setup.write_text(setup.read_text().replace('"-O3"', '"-O1"'))
    if (ROOT / "build" / "kernels").exists():
        for path in (ROOT / "build" / "kernels").iterdir():
            _copy_if_newer(path, COPY / "build" / "kernels" / path.name)
    done = subprocess.run(
        [sys.executable, "setup.py", "-q", "build_ext", "--inplace", "-j2"],
        cwd=COPY,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": ""},
    )
    if done.returncode:
        raise SystemExit(f"the mutants do not compile:\n{done.stderr[-4000:]}")
    return sites


def _copy_if_newer(source: Path, target: Path) -> None:
    if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target)
