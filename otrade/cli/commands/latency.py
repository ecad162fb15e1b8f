"""`otrade latency`: how long each stage took on a day, from what the engine kept of it."""

from __future__ import annotations

import sys
from pathlib import Path

import orjson

from otrade.live.history.latency import kept_days, read, summary, table

NOTHING = 4


def latency(var: Path, day: str, *, as_json: bool) -> int:
    """Print p50, p99, p99.9 and max by stage: of the day named, or of the last one that was kept.
    Exit code 4 when there is none.

    OTradeError for a file that cannot be read.
    """
    days = kept_days(var)
    wanted = day or (days[-1][0] if days else "")
    paths = [path for kept, path in days if kept == wanted]
    if not paths:
        which = f"of {wanted}" if wanted else "yet"
        print(
            f"no latencies are kept {which} below {var / 'latency'}: they are written when a day ends",
            file=sys.stderr,
        )
        return NOTHING
    found = [read(path) for path in paths]
    if as_json:
        rows = [
            {
                "day": one.day,
                "mode": one.mode,
                "runs": one.n_runs,
                "stages": {name: summary(stage) for name, stage in one.stages.items()},
            }
            for one in found
        ]
        sys.stdout.write(
            orjson.dumps(rows, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()
        )
        return 0
    for one in found:
        runs = f", {one.n_runs} runs" if one.n_runs > 1 else ""
        print(f"{one.day}, {one.mode}{runs}")
        print(table(one.stages))
    return 0
