"""Bugs of the drill's table, planted one at a time, each to be found by the model check: proof that it can fail.

    python -m tests.model.mutants [--only PART,PART] [--states N]

Prints the plan and root, the depth of the shortest path and the states that it took; exit code 1 when one is not found.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys

from tests.drill import mutants as table

FOUND_HERE = (
    "resend without the second look",
    "timeout taken for a refusal",
    "resend while in doubt",
    "forget a partial fill",
    "second exit beside the first",
    "stop for what was ordered",
    "late fill ignored",
    "over-exit left alone",
    "tag used again",
    "recovery forgets what is in doubt",
    "exits blocked by a halt",
    "exit never follows the market",
)
"""Of those that change the core alone."""


def check(states: int) -> str:
    """What the check finds in the copy; empty when nothing is wrong."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.model", "--states", str(states), "--first"],
        cwd=table.COPY,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(table.COPY), "PATH": "/usr/bin:/bin"},
        timeout=3600,
    )
    found = re.search(r"^VIOLATION .*$", done.stdout, re.M)
    if found:
        after = re.search(r"^([\d,]+) states in", done.stdout, re.M)
        return f"{after[1] if after else '?'} states, {found[0].removeprefix('VIOLATION ')}"
    return "" if done.returncode == 0 else f"CRASH {done.stderr.strip().splitlines()[-1:]}"


def main() -> int:
    ap = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    ap.add_argument("--only", default="", metavar="PART,PART")
    ap.add_argument("--states", type=int, default=400_000)
    args = ap.parse_args()
    table.prepare()
    missed = []
    for mutant in table.MUTANTS:
        if mutant.name not in FOUND_HERE or not any(
            part in mutant.name for part in args.only.split(",")
        ):
            continue
        text = table.plant(mutant)
        try:
            table.build()
            words = check(args.states)
        finally:
            (table.COPY / mutant.file).write_text(text)
        if not words:
            missed.append(mutant.name)
        print(f"{mutant.name}: {words or 'NOT FOUND'}", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
