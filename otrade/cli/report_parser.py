"""The command line of `otrade report`."""

import argparse
from collections.abc import Callable
from pathlib import Path

from otrade.cli.options import data_option


def add_report(
    report: argparse.ArgumentParser, between: Callable[[int, int], Callable[[str], int]]
) -> None:
    """`report` is the command; `between` reads whole numbers."""
    report.add_argument(
        "results",
        nargs="+",
        metavar="RESULT",
        help="a result folder, a day (2026-11-20) or days (2026-11-16..2026-11-20): of a day the journal is kept as a result first",
    )
    report.add_argument(
        "--capital",
        type=between(1, 10_000_000_000),
        default=None,
        metavar="RUPEES",
        help="what the account held at first, for ratios of returns (default: as the result says)",
    )
    report.add_argument(
        "--html", type=Path, metavar="FILE", help="the page (default: beside the result)"
    )
    report.add_argument("--csv", type=Path, metavar="FILE", help="every figure and trade as CSV")
    report.add_argument("--json", type=Path, metavar="FILE", help="everything as JSON")
    report.add_argument(
        "--charts",
        type=between(0, 1_000),
        default=12,
        metavar="N",
        help="at most so many instruments' days on charts (default 12)",
    )
    data_option(report, "for the charts; default var/data, of paper days var/paper-data")
