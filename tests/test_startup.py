"""What a running engine does not carry: compilers, number crunchers, vendors' SDKs."""

import subprocess
import sys

import pytest

HEAVY = (
    "numba",
    "numpy",
    "llvmlite",
    "pandas",
    "kiteconnect",
    "upstox_client",
    "twisted",
    "Cython",
    "scipy",
    "talib",
)


@pytest.mark.parametrize(
    "modules",
    [
        "otrade.cli.main",
        "otrade._core.engine.engine",
        "otrade.brokers.kite.session",
        "otrade.live.app, otrade.live.paper_mode, otrade.live.live_mode",
        "otrade.web.server, otrade.web.app",
        "otrade.simulator.simulator",
        "otrade.cli.commands.doctor, otrade.cli.engine.status, otrade.cli.commands.sim",
    ],
)
def test_nothing_heavy_is_imported(modules: str) -> None:
    code = f"import sys, {modules}; print(*(m for m in {HEAVY} if m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_a_live_engine_loads_no_simulator() -> None:
    code = "import sys, otrade.live.live_mode; print(*(m for m in sys.modules if m.startswith('otrade.simulator')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_the_command_line_is_light() -> None:
    code = "import sys, otrade.cli.main; print(*(m for m in ('asyncio', 'msgspec', 'uvloop', 'starlette', 'ssl') if m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "", "each command imports what it needs when it runs"
