"""`otrade parity`: a day's journal beside the backtest of the same prices: what is the same, what differs, and why."""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec
import orjson

from otrade.calendar import Calendar
from otrade.child_environment import SYSTEM, environment_of
from otrade.config import RunOptions, manager
from otrade.config.manager import to_bytes
from otrade.config.schema import Config
from otrade.errors import BacktestError
from otrade.journal.scan import header_of
from otrade.journal.strategies import find_kept
from otrade.live.paper_mode import sim_config_of
from otrade.plain_file import write_whole
from otrade.research.parity.comparison import order_words
from otrade.research.parity.parity import PAPER, SIMULATION, ParityReport, parity
from otrade.units import rupees

SAME, DIFFERENT, UNEXPLAINED = 0, 1, 3
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
JOURNALS = (".otj", ".otj.gz")
SHOWN = 20


def run(args: argparse.Namespace) -> int:
    """0: the same executions; 1: what differs is shown, each with its reason; 3: some of it without one."""
    what = Path(args.what)
    if what.name.endswith(JOURNALS):
        mode = header_of(what).identity.get("mode", "")
        config = manager.load(args.config) if _is_simulated(mode, args) else None
        return _say(_compared(config, what, args), args)
    if DAY.fullmatch(args.what):
        config = manager.load(args.config)
        return _say(_compared(config, _journal_of(Path(config.paths.var), args.what), args), args)
    config = manager.load(what)
    with tempfile.TemporaryDirectory(prefix="otrade-parity-") as folder:
        var = Path(folder) / "var"
        paths = msgspec.structs.replace(config.paths, var=str(var))
        own = msgspec.structs.replace(config, paths=paths, mode="paper")
        _trade(own, Path(folder), args)
        days = sorted((var / "journal").glob("*.otj*"))
        if not days:
            raise BacktestError("the paper day left no journal: run it with otrade run and see why")
        return _say(_compared(own, days[-1], args), args)


def _is_simulated(mode: str, args: argparse.Namespace) -> bool:
    return args.prices == SIMULATION or (args.prices is None and mode == PAPER)


def _journal_of(var: Path, day: str) -> Path:
    for name in (f"{day}.otj", f"{day}.otj.gz"):
        if (var / "journal" / name).exists():
            return var / "journal" / name
    raise BacktestError(
        f"{var / 'journal'}: there is no journal of {day}; otrade parity CONFIG runs a day"
    )


def _trade(config: Config, folder: Path, args: argparse.Namespace) -> None:
    """A paper day over sockets, in a process of its own."""
    path = folder / "config.json"
    write_whole(path, to_bytes(config))
    command = [
        sys.executable,
        "-P",
        "-m",
        "otrade",
        "run",
        "--config",
        str(path),
        "--speed",
        "max",
        "--no-page",
    ]
    if args.date:
        command += ["--date", args.date]
    if args.seed is not None:
        command += ["--seed", str(args.seed)]
    env = environment_of(SYSTEM, os.environ)
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BacktestError(
            f"the paper day ended with code {done.returncode}: {done.stderr.strip() or done.stdout.strip()[-500:]}"
        )


def _compared(config: Config | None, journal: Path, args: argparse.Namespace) -> ParityReport:
    find_kept(journal, may_compile=True)
    identity = header_of(journal).identity
    if config is None or not _is_simulated(identity.get("mode", ""), args):
        return parity(journal, None)
    calendar = Calendar.load(Path(config.paths.calendar) if config.paths.calendar else None)
    options = RunOptions(date=identity["day"], seed=args.seed)
    return parity(journal, sim_config_of(config, options, calendar))


def _say(report: ParityReport, args: argparse.Namespace) -> int:
    if args.json:
        print(orjson.dumps(report.row(), option=orjson.OPT_INDENT_2).decode())
    else:
        _print(report, every=args.all)
    if not report.differences:
        return SAME
    return DIFFERENT if report.is_explained else UNEXPLAINED


def _print(report: ParityReport, *, every: bool) -> None:
    print(
        f"{report.day} ({report.mode}), {report.broker}: {report.orders[0]} orders traded, {report.orders[1]} in the backtest, "
        f"{report.n_same} of them the same"
    )
    print(
        f"{report.trades[0]} trades, {rupees(report.gross_e4[0])} rupees before charges; "
        f"in the backtest {report.trades[1]} and {rupees(report.gross_e4[1])}"
    )
    for text in report.notes:
        print(f"  {text}")
    if not report.differences:
        print("the same: every execution, its second, side, quantity and price")
        return
    print(f"{len(report.differences)} differences:")
    for one in report.differences if every else report.differences[:SHOWN]:
        money = "" if one.better_e4 is None else f", {_signed(one.better_e4)} rupees"
        print(f"  {one.what}, {one.why}: {one.strategy} {one.symbol}{money}: {one.words}")
        print(f"    journal  {order_words(one.first)}")
        print(f"    backtest {order_words(one.second)}")
    if len(report.differences) > SHOWN and not every:
        print(f"  and {len(report.differences) - SHOWN} more: --all")
    print("by reason, in rupees by which the journal is the better one:")
    for one_sum in report.sums:
        amount = "not known" if one_sum.better_e4 is None else _signed(one_sum.better_e4)
        print(
            f"  {one_sum.why:12} {one_sum.orders:>5} orders {one_sum.trades:>5} trades {amount:>14}"
        )


def _signed(amount_e4: int) -> str:
    return f"{'+' if amount_e4 > 0 else ''}{rupees(amount_e4)}"
