"""The command line of `otrade backtest`."""

import argparse
import re
from collections.abc import Callable
from pathlib import Path

from otrade.cli.data_parser import LENGTHS
from otrade.cli.options import CONFIG, data_option


def _pair(text: str) -> tuple[str, str]:
    symbol, equals, value = text.partition("=")
    if not equals or ":" not in symbol or not value:
        raise argparse.ArgumentTypeError(f"{text!r}: write SYMBOL=VALUE, as NFO:NIFTY.FUT=...")
    return symbol, value


def _slippage(text: str) -> tuple[int, float]:
    """`1`, `2ticks`, `1.5bps`."""
    found = re.fullmatch(r"(\d{1,4})(?:ticks?)?|(\d{1,4}(?:\.\d{1,2})?)bps", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r}: write ticks (1) or basis points (1.5bps)")
    return (int(found[1]), 0.0) if found[1] is not None else (0, float(found[2]))


def _latency(text: str) -> float:
    """Milliseconds each way; below 0: drawn from journals."""
    if text == "none":
        return 0.0
    if text == "journal":
        return -1.0
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 60_000:
        raise argparse.ArgumentTypeError(f"{text!r}: none, milliseconds (25), or journal")
    return value


def add_backtest(sub: argparse.ArgumentParser, date: Callable[[str], str]) -> None:
    """`sub` is the command; `date` reads YYYY-MM-DD."""
    sub.add_argument(
        "config", type=Path, nargs="?", default=CONFIG, metavar="CONFIG",
        help=f"whose instruments, strategies and limits (default {CONFIG})",
    )  # fmt: skip
    sub.add_argument(
        "--strategy", type=Path, default=None, metavar="FILE.py",
        help="test this strategy file, instead of the configuration's strategies",
    )  # fmt: skip
    sub.add_argument(
        "--on", default="", metavar="SYMBOL",
        help="what --strategy trades (default: the configuration's first instrument)",
    )  # fmt: skip
    sub.add_argument(
        "--quantity", type=int, default=0, metavar="UNITS",
        help="units of an entry of --strategy; a contract's in whole lots",
    )  # fmt: skip
    sub.add_argument(
        "--from", dest="since", type=date, required=True, metavar="YYYY-MM-DD", help="the first day"
    )
    sub.add_argument(
        "--to", type=date, required=True, metavar="YYYY-MM-DD", help="the last day, it included"
    )
    data_option(sub)
    sub.add_argument(
        "--out", type=Path, default=None, metavar="FOLDER",
        help="where the result goes (default: a new folder in var/results)",
    )  # fmt: skip
    sub.add_argument(
        "--replace", action="store_true", help="a result that is there already makes room"
    )
    sub.add_argument(
        "--name", default="", help="what the result is called (default: the configuration's file)"
    )
    sub.add_argument(
        "--length",
        choices=LENGTHS,
        default="1m",
        help="of the bars, or tick: as recorded (default 1m)",
    )
    sub.add_argument(
        "--prices", type=_pair, action="append", default=[], metavar="SYMBOL=SERIES",
        help="trade an instrument at another series' prices: 'NFO:NIFTY.FUT=NSE:NIFTY 50'",
    )  # fmt: skip
    sub.add_argument(
        "--lot",
        type=_pair,
        action="append",
        default=[],
        metavar="SYMBOL=UNITS",
        help="where no table has it",
    )
    sub.add_argument(
        "--tick", type=_pair, action="append", default=[], metavar="SYMBOL=RUPEES",
        help="where neither the archive nor a rule says it",
    )  # fmt: skip
    sub.add_argument(
        "--latency", type=_latency, default=None, metavar="none|MS|journal",
        help="milliseconds to the exchange and back again, or round trips drawn from journals (default: "
        "backtest.latency_ms of the configuration; so for all models)",
    )  # fmt: skip
    sub.add_argument(
        "--journals",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE",
        help="journals for --latency journal",
    )
    sub.add_argument(
        "--slippage", type=_slippage, default=None, metavar="TICKS|BPSbps",
        help="of an order that takes, where there is no order book (default 1 tick)",
    )  # fmt: skip
    sub.add_argument(
        "--queue", choices=("auto", "through", "touch", "ahead", "drawn"), default=None,
        help="what a resting order gets at a trade at its own price (default: through; of ticks: ahead)",
    )  # fmt: skip
    sub.add_argument(
        "--share", type=float, default=None, metavar="PERCENT",
        help="an order gets at most this part of what trades (default: no bound)",
    )  # fmt: skip
    sub.add_argument(
        "--path", choices=("nearer", "high", "low"), default=None,
        help="which extreme of a bar comes first (default: the one that is nearer to the open)",
    )  # fmt: skip
    sub.add_argument(
        "--target-first", action="store_true",
        help="where stop and target lie in one bar, do not put the stop first",
    )  # fmt: skip
    sub.add_argument(
        "--funds", type=float, default=None, metavar="RUPEES",
        help="of the account when it begins; an entry that they do not cover is refused (default: never asked)",
    )  # fmt: skip
    sub.add_argument("--seed", type=int, default=1, help="of what is drawn (default 1)")
    sub.add_argument(
        "--progress",
        choices=("bar", "json", "none"),
        default="bar",
        help="how it tells where it is",
    )
