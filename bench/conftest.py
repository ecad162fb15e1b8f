"""Collect the figures and print them as one Markdown table at the end of the run."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from pathlib import Path

import pytest

HEAD = ("figure", "median", "p99", "side by side", "goal")
_figures: list[tuple[str, ...]] = []


@pytest.fixture
def figures() -> Iterator[list[tuple[str, ...]]]:
    yield _figures


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(
            line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")
        )
    except (OSError, StopIteration):
        return platform.processor()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not _figures:
        return
    terminalreporter.section("figures")
    terminalreporter.write_line(
        f"{_cpu()}, Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    )
    for row in (HEAD, ("---",) * len(HEAD), *_figures):
        terminalreporter.write_line("| " + " | ".join(row) + " |")
