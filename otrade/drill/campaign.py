"""Many seeds, on every core. The same seed gives the same session wherever it runs."""

import gc
import hashlib
import logging
import multiprocessing
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from otrade.drill.bounds.stretches import stretch_lines
from otrade.drill.coverage import coverage_lines, never_covered
from otrade.drill.draws.files import FILES
from otrade.drill.reports.build import this_build
from otrade.drill.reports.report_file import (
    DrillIdentity,
    DrillReport,
    merge_reports,
    write_report,
)
from otrade.drill.reports.shard import Shard
from otrade.drill.scenario import Scenario, StrategyDraw, draw
from otrade.drill.session import SessionResult, run
from otrade.drill.sheet import NIGHTS, PERSON, failure, missing, render
from otrade.drill.shrink import shrink
from otrade.drill.starts.strategy_files import prepare

CHUNK = 4
COVERING_SEEDS = 10_000
"""In so many sessions every row of the coverage table must have come."""
SUMMED = ("stretches", "drawn", "placed", "pairs")
"""What is only ever told of all sessions together: the first one's result keeps it for all, or a
million sessions would take more memory than a machine has.
"""
EXPLAINED_MAX = 20
"""Violations of one drill that are cut down to what they need; a build with more is told as it was."""
PROGRESS_S = 10.0
PROGRESS_FILE_S = 600.0
"""Where nobody watches a terminal."""


@dataclass(frozen=True, slots=True)
class CampaignRequest:
    """What a drill is asked to do."""

    first_seed: int
    seeds: int
    kinds: tuple[str, ...]
    jobs: int = 0
    """Processes; 0: one a core."""
    strategies: tuple[StrategyDraw, ...] = ()
    broker: str = ""
    """Only this one; empty: both in turn."""
    shard: Shard = Shard()
    """The part of the seeds that is run here."""
    keeps_going: bool = False
    """Run on after a violation, and tell them all."""
    report: Path | None = None
    """A file for the results."""

    @property
    def own_seeds(self) -> range:
        """Those of its shard."""
        return self.shard.seeds(self.first_seed, self.seeds)

    @property
    def identity(self) -> DrillIdentity:
        """What all shards of one drill have in common."""
        drawn = orjson.dumps(self.strategies) if self.strategies else b""
        return DrillIdentity(
            this_build(),
            self.first_seed,
            self.seeds,
            self.kinds,
            hashlib.sha256(drawn).hexdigest()[:16] if drawn else "",
            self.broker,
        )


def sessions(request: CampaignRequest) -> Iterator[SessionResult]:
    """The results, in the order of the seeds."""
    seeds = request.own_seeds
    jobs = request.jobs or os.cpu_count() or 1
    if jobs == 1 or len(seeds) == 1:
        _quiet()
        try:
            yield from (
                one(seed, request.kinds, request.strategies, request.broker) for seed in seeds
            )
        finally:
            logging.disable(logging.NOTSET)
        return
    pool = ProcessPoolExecutor(
        jobs, mp_context=multiprocessing.get_context("spawn"), initializer=_quiet
    )
    try:
        same: list[list[Any]] = [
            [request.kinds] * len(seeds),
            [request.strategies] * len(seeds),
            [request.broker] * len(seeds),
        ]
        yield from pool.map(one, seeds, *same, chunksize=CHUNK)
    finally:
        pool.shutdown(cancel_futures=True)


def _quiet() -> None:
    """A drill makes thousands of warnings on purpose; what matters is in the timeline."""
    logging.disable(logging.CRITICAL)


def one(
    seed: int, kinds: tuple[str, ...], strategies: tuple[StrategyDraw, ...] = (), broker: str = ""
) -> SessionResult:
    """One session of a drill; a crash of ours is a violation too."""
    return attempt(draw(seed, list(kinds), list(strategies) or None, broker))


def attempt(scenario: Scenario) -> SessionResult:
    try:
        result = run(scenario)
        gc.collect()  # a world is full of cycles
        return result
    except Exception as error:
        return SessionResult(
            scenario.seed,
            f"CRASH {type(error).__name__}: {error}",
            kinds=tuple(event.kind for event in scenario.events),
        )


def drill(request: CampaignRequest, say: Callable[[str], None] = print) -> int:
    """Run, and print the sheet, and the first violation or all. 0 when nothing was violated and
    every kind really happened.
    """
    prepare(FILES)
    identity = request.identity  # of the sources that were there when the first session began
    began_s = said_s = time.monotonic()
    results: list[SessionResult] = []
    failures: dict[int, str] = {}
    for result in sessions(request):
        results.append(result)
        _fold(result, results[0])
        if result.error:
            failures[result.seed] = _explain(result, request, len(failures) < EXPLAINED_MAX)
            say(failures[result.seed])
            say("")
            if not request.keeps_going:
                break
        if time.monotonic() - said_s > (PROGRESS_S if sys.stderr.isatty() else PROGRESS_FILE_S):
            said_s = time.monotonic()
            told = f"{len(failures)} violations" if failures else "no violation"
            print(f"{len(results)} of {len(request.own_seeds)} sessions, {told}", file=sys.stderr)
    wall_s = time.monotonic() - began_s
    report = DrillReport(
        identity, str(request.shard), wall_s, results, [r.seed for r in results], failures
    )
    if request.report is not None:
        write_report(request.report, report)
    return _judged(report, say, is_all=False)


def _fold(result: SessionResult, into: SessionResult) -> None:
    """Add what is summed to the first result, and drop it here."""
    if result is into:
        return
    for name in SUMMED:
        getattr(into, name).update(getattr(result, name))
        setattr(result, name, Counter())


def tell_reports(paths: Sequence[Path], say: Callable[[str], None] = print) -> int:
    """The sheet of a drill that was run in parts: its violations, seeds that are missing, and
    whether everything was shown that a drill must show. DrillReportError where they are not parts of
    one drill.
    """
    report = merge_reports(paths, SessionResult)
    for result in report.results:
        _fold(result, report.results[0])
    for _, text in sorted(report.failures.items()):
        say(text)
        say("")
    return _judged(report, say, is_all=True)


def _judged(report: DrillReport[SessionResult], say: Callable[[str], None], *, is_all: bool) -> int:
    """Print the sheet. 0 where nothing is left to be shown; `is_all`: a seed that was not run is."""
    identity, results = report.identity, report.results
    if not results:
        say("no session was run")
        return 1
    say(render(results, identity.kinds, report.wall_s))
    total = results[0]  # it holds what is summed
    say("\n" + "\n".join(stretch_lines([total.stretches])))
    say("\n" + "\n".join(coverage_lines(total.drawn, total.placed, total.pairs)))
    missed = report.missing if is_all else []
    if missed:
        runs = ", ".join(f"{a} to {b}" if a != b else str(a) for a, b in missed)
        say(f"\nnot run, so nothing is proved about them: seeds {runs}")
    violated = [result.seed for result in results if result.error]
    if violated:
        say(f"\nviolated by seeds {', '.join(map(str, violated))}")
    if violated or missed:
        return 1
    if len(results) >= COVERING_SEEDS and not identity.strategies and not identity.broker:
        bare = never_covered(total.placed, total.pairs)
        bare += [NIGHTS[name] for name in missing(results, tuple(NIGHTS))]
        if "manual" in identity.kinds:  # who takes something over takes it from somebody
            bare += [PERSON[name] for name in missing(results, tuple(PERSON))]
        if bare:
            say(f"\nnever covered, so nothing is proved about them: {', '.join(bare)}")
            return 1
    never = missing(results, identity.kinds)
    if never and len(results) >= 1_000:
        say(f"\nnever happened, so nothing is proved about them: {', '.join(never)}")
        return 1
    return 0


def _explain(result: SessionResult, request: CampaignRequest, is_cut_down: bool) -> str:
    """The violation, and where it is cut down once more with as little as it needs."""
    scenario = draw(
        result.seed, list(request.kinds), list(request.strategies) or None, request.broker
    )
    if not is_cut_down:
        return failure(result, scenario)
    _quiet()  # here, and not only where the sessions ran
    try:
        small = shrink(scenario, lambda candidate: bool(attempt(candidate).error))
        again = attempt(small)
    finally:
        logging.disable(logging.NOTSET)
    return failure(again if again.error else result, small if again.error else replace(scenario))
