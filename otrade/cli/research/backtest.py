"""`otrade backtest`: a configuration over days of the past."""

from __future__ import annotations

import argparse
import datetime as dt
import signal
import sys
import time
from pathlib import Path
from typing import NoReturn

import orjson

from otrade.calendar import IST, Calendar
from otrade.config import manager
from otrade.errors import BacktestError, OTradeError
from otrade.research.backtest.backtest import Backtest, BacktestReport, BacktestWish, DayDone
from otrade.research.backtest.journal_latency import round_trips_ns
from otrade.research.backtest.listing import KnownFacts
from otrade.research.backtest.models import Models
from otrade.research.history.series import TICK
from otrade.units import E4_A_PAISA, e4_of, rupees

FAILED, TERMINATED = 1, 143
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
    config = manager.load(args.config)
    calendar = Calendar.load(Path(config.paths.calendar) if config.paths.calendar else None)
    name = args.name or args.config.stem
    stamp = dt.datetime.now(IST)
    out = args.out or Path(config.paths.var) / "results" / f"{name}-{stamp:%Y%m%d-%H%M%S}"
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
        models=Models(
            latency_ms=args.latency or 0.0,
            round_trips_ns=round_trips_ns(args.journals) if args.latency is None else (),
            queue=args.queue or ("ahead" if args.length == TICK else "through"),
            slippage_ticks=args.slippage[0],
            slippage_bps=args.slippage[1],
            share_percent=args.share,
            stop_first=not args.target_first,
        ),
        seed=args.seed,
        replace=args.replace,
    )
    backtest = Backtest(wish, calendar)
    progress = BacktestProgress(args.progress)
    report = backtest.run(progress.tell)
    progress.end(report)
    return 0


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
