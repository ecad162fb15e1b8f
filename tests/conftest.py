"""What is not run is said aloud: a test that is skipped for want of a browser must not look like
one that passed.
"""

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reasons = {
        str(report.longrepr[2])
        for report in terminalreporter.stats.get("skipped", [])
        if isinstance(report.longrepr, tuple)
    }
    for reason in sorted(reason for reason in reasons if "NO BROWSER" in reason):
        terminalreporter.write_line(f"THE PAGE WAS NOT TESTED. {reason}", red=True, bold=True)
