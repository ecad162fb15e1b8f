"""Many seeds, on every core. The same seed gives the same session wherever it runs."""

import gc
import logging
import multiprocessing
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from otrade.drill.bounds.stretches import stretch_lines
from otrade.drill.coverage import coverage_lines, never_covered
from otrade.drill.scenario import Scenario, StrategyDraw, draw
from otrade.drill.session import SessionResult, run
from otrade.drill.sheet import failure, missing, render
from otrade.drill.shrink import shrink

CHUNK = 4
COVERING_SEEDS = 10_000
"""In so many sessions every row of the coverage table must have come."""
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


def sessions(request: CampaignRequest) -> Iterator[SessionResult]:
    """The results, in the order of the seeds."""
    seeds = range(request.first_seed, request.first_seed + request.seeds)
    jobs = request.jobs or os.cpu_count() or 1
    if jobs == 1 or request.seeds == 1:
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
            [request.kinds] * request.seeds,
            [request.strategies] * request.seeds,
            [request.broker] * request.seeds,
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
    """Run, and print the sheet or the first violation. 0 when nothing was violated and every kind
    really happened.
    """
    began_s = said_s = time.monotonic()
    results: list[SessionResult] = []
    for result in sessions(request):
        results.append(result)
        if result.error:
            break
        if time.monotonic() - said_s > (PROGRESS_S if sys.stderr.isatty() else PROGRESS_FILE_S):
            said_s = time.monotonic()
            print(f"{len(results)} of {request.seeds} sessions, no violation", file=sys.stderr)
    wall_s = time.monotonic() - began_s
    if results[-1].error:
        say(_explain(results[-1], request))
        say("")
    say(render(results, request.kinds, wall_s))
    say("\n" + "\n".join(stretch_lines(result.stretches for result in results)))
    drawn, placed, pairs = (Counter[tuple[str, str]]() for _ in range(3))
    for result in results:
        drawn.update(result.drawn)
        placed.update(result.placed)
        pairs.update(result.pairs)
    say("\n" + "\n".join(coverage_lines(drawn, placed, pairs)))
    if results[-1].error:
        return 1
    if request.seeds >= COVERING_SEEDS and not request.strategies and not request.broker:
        bare = never_covered(placed, pairs)
        if bare:
            say(f"\nnever covered, so nothing is proved about them: {', '.join(bare)}")
            return 1
    never = missing(results, request.kinds)
    if never and request.seeds >= 1_000:
        say(f"\nnever happened, so nothing is proved about them: {', '.join(never)}")
        return 1
    return 0


def _explain(result: SessionResult, request: CampaignRequest) -> str:
    """The violation once more, with as little as it needs."""
    scenario = draw(
        result.seed, list(request.kinds), list(request.strategies) or None, request.broker
    )
    _quiet()  # here, and not only where the sessions ran
    try:
        small = shrink(scenario, lambda candidate: bool(attempt(candidate).error))
        again = attempt(small)
    finally:
        logging.disable(logging.NOTSET)
    return failure(again if again.error else result, small if again.error else replace(scenario))
