"""`otrade backtest`: a configuration over days of the past."""

from __future__ import annotations

import argparse
import datetime as dt
import signal
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

import msgspec
import orjson

from otrade.calendar import IST, Calendar
from otrade.config import manager
from otrade.config.schema import Config
from otrade.errors import BacktestError, OTradeError
from otrade.research.backtest.backtest import Backtest, BacktestReport, BacktestWish, DayDone
from otrade.research.backtest.listing import KnownFacts
from otrade.research.backtest.models import models_of
from otrade.units import E4_A_PAISA, e4_of, rupees

FAILED, TERMINATED = 1, 143
STOP_PERCENT = 0.5
"""Of a strategy that is tested by its file alone, where it says no stop of its own."""
BAR = 30
APART_S = 0.1
NOTES_SHOWN = 12


def run(args: argparse.Namespace) -> int:
    """Run it, and say what became of it."""
    signal.signal(signal.SIGTERM, _terminated)
    if args.progress != "json":
        return _run(args)
    try:
        return _run(args)
    except OTradeError as error:
        print(f"otrade: {error}", file=sys.stderr)
        return FAILED


def _terminated(_signal: int, _frame: object) -> NoReturn:
    raise SystemExit(TERMINATED)


def _run(args: argparse.Namespace) -> int:
    config = _configured(args)
    calendar = Calendar.load(Path(config.paths.calendar) if config.paths.calendar else None)
    name = args.name or (args.strategy or args.config).stem
    stamp = dt.datetime.now(IST)
    out = args.out or Path(config.paths.var) / "results" / f"{name}-{stamp:%Y%m%d-%H%M%S}"
    models, origins = models_of(config.backtest, _told(args), args.length)
    wish = BacktestWish(
        config=config,
        first=dt.date.fromisoformat(args.since),
        last=dt.date.fromisoformat(args.to),
        data=args.data or Path(config.paths.var) / "data",
        out=out,
        name=name,
        length=args.length,
        prices=dict(args.prices),
        known=KnownFacts(
            ticks_e4={symbol: _number(value, "--tick", 1) for symbol, value in args.tick},
            lots={symbol: _number(value, "--lot", 10_000) // 10_000 for symbol, value in args.lot},
        ),
        models=models,
        origins=origins,
        seed=args.seed,
        replace=args.replace,
    )
    backtest = Backtest(wish, calendar)
    progress = BacktestProgress(args.progress)
    report = backtest.run(progress.tell)
    progress.end(report)
    return 0


def _configured(args: argparse.Namespace) -> Config:
    """The configuration, or with --strategy that file alone in its place."""
    config = manager.load(args.config)
    if args.strategy is None:
        if args.on or args.quantity:
            raise BacktestError("--on and --quantity belong to --strategy")
        return config
    if args.quantity <= 0:
        raise BacktestError(
            "say how much an entry of --strategy is: --quantity UNITS (a contract's in whole lots)"
        )
    if not args.strategy.is_file():
        raise BacktestError(
            f"{args.strategy}: there is no such file; otrade strategy new {args.strategy.stem} writes one to begin with"
        )
    symbol = args.on or config.instruments[0].symbol
    said = msgspec.to_builtins(config)
    known = [one for one in said["instruments"] if one["symbol"] == symbol]
    said["instruments"] = known or [{"symbol": symbol}]
    said["paths"]["strategies"] = str(args.strategy.parent)
    said["strategies"] = [
        {
            "kind": "file",
            "name": args.strategy.stem,
            "file": args.strategy.name,
            "instrument": symbol,
            "sizing": {"mode": "fixed", "value": args.quantity},
            "bracket": {"stop": {"kind": "pct", "value": STOP_PERCENT}},
        }
    ]
    return manager.from_bytes(orjson.dumps(said), str(args.config))


def _told(args: argparse.Namespace) -> dict[str, Any]:
    """What the command says of models, as fields of the configuration."""
    told: dict[str, Any] = {}
    is_drawn = args.latency is not None and args.latency < 0  # the word `journal`
    if args.journals and not is_drawn:
        raise BacktestError("--journals: they are for --latency journal; say that too")
    if is_drawn:
        if not args.journals:
            raise BacktestError("--latency journal: name some of your days' with --journals")
        told |= {"latency_ms": 0.0, "journals": [str(path) for path in args.journals]}
    elif args.latency is not None:
        told["latency_ms"] = args.latency
    if args.slippage is not None:
        told |= {"slippage_ticks": args.slippage[0], "slippage_bps": args.slippage[1]}
    for name, value in (
        ("queue", args.queue),
        ("share_percent", args.share),
        ("path", args.path),
        ("funds_rupees", args.funds),
        ("stop_first", False if args.target_first else None),
    ):
        if value is not None:
            told[name] = value
    return told


def _number(text: str, option: str, least_e4: int) -> int:
    try:
        value_e4 = e4_of(text)
    except (ArithmeticError, ValueError):
        value_e4 = 0
    if value_e4 < least_e4:
        raise BacktestError(f"{option} {text}: write a number above 0")
    return value_e4


class BacktestProgress:
    """On a terminal a bar, for a program a line of JSON; at most ten a second."""

    def __init__(self, how: str) -> None:
        self._how = how
        self._next_s = 0.0
        self._is_terminal = sys.stderr.isatty()

    def tell(self, day: DayDone) -> None:
        now_s = time.monotonic()
        if now_s < self._next_s and day.done < day.of:
            return
        self._next_s = now_s + APART_S
        if self._how == "json":
            said = {
                "day": str(day.date),
                "done": day.done,
                "of": day.of,
                "trades": day.trades,
                "net_paise": day.net_paise,
            }
            print(orjson.dumps(said).decode(), flush=True)
        elif self._how == "bar" and self._is_terminal:
            full = BAR * day.done // day.of
            print(
                f"\r[{'#' * full}{'.' * (BAR - full)}] {day.date}  {day.done} of {day.of} days",
                end="",
                file=sys.stderr,
                flush=True,
            )

    def end(self, report: BacktestReport) -> None:
        if self._how == "json":
            print(orjson.dumps({"result": str(report.folder.absolute())}).decode(), flush=True)
            return
        if self._how == "bar" and self._is_terminal:
            print(file=sys.stderr)
        net = "not known" if report.net_paise is None else rupees(report.net_paise * E4_A_PAISA)
        print(
            f"{report.days} days, {report.trades} trades: {rupees(report.gross_paise * E4_A_PAISA)} before charges, net {net} rupees"
        )
        print(
            f"{report.ticks} prices in {report.loop_s:.2f} s of the core's and the exchange's time"
        )
        for text in report.notes[:NOTES_SHOWN]:
            print(f"  {text}")
        if len(report.notes) > NOTES_SHOWN:
            print(f"  and {len(report.notes) - NOTES_SHOWN} notes more")
        print(f"result: {report.folder}")
