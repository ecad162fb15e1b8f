"""The process that keeps days as results, started by an engine when its day is over: lower than anything
that trades, and silent where results cannot be kept.

    python -m otrade.research.days.process --var VAR 2026-11-20 ...
"""

import argparse
import datetime as dt
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from otrade.errors import OTradeError

LOWEST = 19


def main(words: Sequence[str] | None = None) -> int:
    """0 when all were kept; 1 with words for those that were not."""
    parser = argparse.ArgumentParser(description="keep days of trading as results")
    parser.add_argument("--var", type=Path, required=True)
    parser.add_argument("days", type=dt.date.fromisoformat, nargs="+")
    args = parser.parse_args(words)
    os.nice(LOWEST)
    try:
        # pyarrow is an extra: without it nothing is kept, and `otrade report` says how to get it.
        from otrade.research.days.keeping import keep_days
    except OTradeError:
        return 0
    now = dt.datetime.now(dt.UTC)
    troubles = keep_days(args.var / "journal", args.var / "results", args.days, now)
    for words_of_one in troubles:
        print(f"otrade: the result of {words_of_one}", file=sys.stderr)
    return int(bool(troubles))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
