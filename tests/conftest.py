"""What is not run is said aloud: a test that is skipped for want of a browser must not look like
one that passed.
"""

from pathlib import Path

import pytest

TIMEOUT_S = {"config": 120, "instruments": 120, "page": 600}
"""Of each test of a room, where that is not pyproject's. Reading files is quick; a browser at a
simulated day is not, and on a busy machine less so.
"""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reasons = {
        str(report.longrepr[2])
        for report in terminalreporter.stats.get("skipped", [])
        if isinstance(report.longrepr, tuple)
    }
    for reason in sorted(reason for reason in reasons if "NO BROWSER" in reason):
        terminalreporter.write_line(f"THE PAGE WAS NOT TESTED. {reason}", red=True, bold=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    limits = {here / room: timeout_s for room, timeout_s in TIMEOUT_S.items()}
    for item in items:
        timeout_s = next((limits[path] for path in item.path.parents if path in limits), None)
        if timeout_s is not None and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(timeout_s))
