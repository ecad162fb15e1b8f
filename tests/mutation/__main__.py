"""Mutants, sampled and tried; exit code 1 when fewer than 95 % are noticed, or a row of
`equivalents.json` is stale.

    python -m tests.mutation [--size N] [--seed N] [--all] [--only NAME] [--file PART] [--jobs N]
        [--drill SECONDS] [--again]
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter

from tests.drill.operators import ROOT
from tests.mutation.campaign import (
    RECORDED,
    MutantOutcome,
    read_reach,
    recorded,
    servers,
    tried,
    write_reach,
)
from tests.mutation.equivalents import argued
from tests.mutation.schedule import sample
from tests.mutation.table import (
    caught_before,
    caught_share,
    survived_before,
    survivors,
    tables,
    write_report,
)
from tests.mutation.tree import COPY, SOURCES, prepare

SIZE = 400
WANTED = 0.95
DRILL_SEEDS = 40
DRILL_S = 3.0
RENOUNCED = "equivalent"
REPORT = "report.json"


def main() -> int:
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--size", type=int, default=SIZE, help="of the sample, equivalents left out")
    ap.add_argument("--seed", type=int, default=1, help="of the sample")
    ap.add_argument("--all", action="store_true")
    ap.add_argument("--only", default="", metavar="NAME", help="mutants whose name holds this")
    ap.add_argument("--file", default="", metavar="PART", help="of files whose path holds this")
    ap.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    ap.add_argument(
        "--drill", type=float, default=DRILL_S, help="seconds of it, for what survives the tests"
    )
    ap.add_argument(
        "--again",
        action="store_true",
        help="only what is new: tests, and mutants that were not caught before",
    )
    args = ap.parse_args()
    began_s = time.monotonic()
    sites = prepare()
    texts = {name: (ROOT / name).read_text() for name in SOURCES}
    reasons, stale = argued(sites, texts)
    numbered = [
        (n, site)
        for n, site in enumerate(sites, 1)
        if args.only in site.name and args.file in site.file
    ]
    able = [(n, site) for n, site in numbered if site.name not in reasons]
    drawn = able if args.all or args.only else sample(able, args.size, args.seed)
    print(f"{len(sites)} mutants, {len(drawn)} tried, seed {args.seed}", flush=True)

    caught = caught_before(COPY / REPORT, drawn, texts) if args.again else []
    before = {outcome.site.name for outcome in caught}
    open_still = [(n, site) for n, site in drawn if site.name not in before]
    survived = survived_before(COPY / REPORT) if args.again else set()
    open_still.sort(key=lambda numbered: numbered[1].name not in survived)
    if caught:
        print(f"{len(caught)} of them were caught before, {len(open_still)} are tried", flush=True)
    said = Counter[str]()
    told: list[MutantOutcome] = list(caught)

    def say(outcome: MutantOutcome) -> None:
        said[outcome.verdict] += 1
        told.append(outcome)
        if outcome.verdict == "survived" or sum(said.values()) % 25 == 0:
            minutes = (time.monotonic() - began_s) / 60
            print(
                f"{sum(said.values())} in {minutes:.1f} min: {outcome.site.name} {outcome.verdict}",
                flush=True,
            )
        if sum(said.values()) % 25 == 0:
            write_report(COPY / REPORT, told, texts, args.seed, time.monotonic() - began_s)

    with servers(args.jobs) as running:
        path = COPY / "build" / RECORDED
        known = read_reach(path, sites) if args.again else ([], [])
        tests, drilled = recorded(running, DRILL_SEEDS if args.drill else 0, print, known)
        write_reach(path, sites, tests, drilled)
        outcomes = [*caught, *tried(running, open_still, tests, drilled, args.drill, say)]
    outcomes += [
        MutantOutcome(site, RENOUNCED, "", reasons[site.name], 0.0, 0)
        for _, site in numbered
        if site.name in reasons and not args.only
    ]
    seconds = time.monotonic() - began_s
    write_report(COPY / REPORT, outcomes, texts, args.seed, seconds)
    print(survivors(outcomes, texts), flush=True)
    print(tables(outcomes))
    share = caught_share(Counter(outcome.verdict for outcome in outcomes))
    print(f"{100 * share:.1f} % caught, in {seconds / 60:.0f} min")
    for row in stale:
        print(f"stale: {row}")
    return 1 if stale or share < WANTED else 0


if __name__ == "__main__":
    sys.exit(main())
