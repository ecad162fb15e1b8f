"""`otrade parity`: one paper day over sockets, replayed, and in the backtest's loop, side by side."""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from itertools import zip_longest
from pathlib import Path

import msgspec

from otrade.calendar import Calendar
from otrade.child_environment import SYSTEM, environment_of
from otrade.config import RunOptions, manager
from otrade.config.manager import to_bytes
from otrade.config.schema import Config
from otrade.errors import BacktestError
from otrade.live.paper_mode import sim_config_of
from otrade.plain_file import write_whole
from otrade.research.backtest.parity import ParityFill, ParityReport, parity

SAME, DIFFERENT = 0, 1
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
SHOWN = 20


def run(args: argparse.Namespace) -> int:
    """0: the same executions; 1: what differs is shown."""
    if DAY.fullmatch(args.what):
        config = manager.load(args.config)
        report = _compared(config, _journal_of(Path(config.paths.var), args.what), args.what, args)
        return _say(report, every=args.all)
    config = manager.load(Path(args.what))
    with tempfile.TemporaryDirectory(prefix="otrade-parity-") as folder:
        var = Path(folder) / "var"
        paths = msgspec.structs.replace(config.paths, var=str(var))
        own = msgspec.structs.replace(config, paths=paths, mode="paper")
        _trade(own, Path(folder), args)
        days = sorted((var / "journal").glob("*.otj*"))
        if not days:
            raise BacktestError("the paper day left no journal: run it with otrade run and see why")
        day = days[-1].name[:10]
        return _say(_compared(own, days[-1], day, args), every=args.all)


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


def _compared(config: Config, journal: Path, day: str, args: argparse.Namespace) -> ParityReport:
    calendar = Calendar.load(Path(config.paths.calendar) if config.paths.calendar else None)
    return parity(
        journal, config, sim_config_of(config, RunOptions(date=day, seed=args.seed), calendar)
    )


def _say(report: ParityReport, *, every: bool) -> int:
    print(
        f"{report.day}, {report.broker}: {len(report.paper)} executions on paper, {len(report.replayed)} orders traded in the replay, "
        f"{len(report.backtest)} executions in the backtest"
    )
    pairs = list(zip_longest(_sorted(report.paper), _sorted(report.backtest)))
    for one, other in pairs if every else pairs[: SHOWN if report.differences else 5]:
        left = one.words() if one is not None else ""
        right = other.words() if other is not None else ""
        print(f"  {'=' if one == other else '!'} {left:62} {right}")
    if not report.differences:
        print("the same: every execution, its second, side, quantity and price")
        return SAME
    print(f"{len(report.differences)} differences:")
    for text in report.differences if every else report.differences[:SHOWN]:
        print(f"  {text}")
    return DIFFERENT


def _sorted(fills: list[ParityFill]) -> list[ParityFill]:
    return sorted(fills, key=lambda fill: (fill.second, fill.tag, fill.quantity))
