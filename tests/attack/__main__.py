"""Attack the page's server, one attack after the other, and say what each did to it:
`python -m tests.attack` (`make attack`). Exit code 1 when memory was not flat or it no longer answers.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from tests.attack.target import Target, page, plain
from tests.attack.vectors import ATTACKS, NEEDS_SOCKET, NEEDS_TLS

GROWTH_MAX_MB = 24.0
"""What a server may grow by under any attack: buffers of all its places are less."""


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", default=list(ATTACKS), choices=ATTACKS)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--seed", type=int, default=int(time.time()) & 0xFFFF)
    parser.add_argument(
        "--server", default="page", help="or uvicorn-h11, uvicorn-httptools, hypercorn, granian"
    )
    parser.add_argument("--python", default=sys.executable, help="which has the server to compare")
    args = parser.parse_args(argv)
    print(f"seed {args.seed}; attackers at the lowest priority, {args.seconds:g} s each")
    print(
        f"{'attack':<20}{'turn ms':>9}{'work ms':>9}{'wait ms':>9}{'grew MB':>9}{'CPU s':>7}  what came of it"
    )
    bad: list[str] = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        target = None
        for name in ("quiet", *args.only):
            if name in NEEDS_SOCKET:
                continue  # `tests.attack.whole` has them
            is_tls = name in NEEDS_TLS
            if is_tls and args.server != "page":
                continue
            if target is None or target.is_tls != is_tls:
                target = stack.enter_context(
                    page(folder, is_tls=is_tls)
                    if args.server == "page"
                    else plain(args.server, args.python, folder)
                )
            bad += one(name, target, args.seconds, args.seed)
            if not target.is_alive or not target.answers():
                target = None
    print("; ".join(bad) or "memory was flat, and it answered throughout")
    return 1 if bad else 0


def one(name: str, target: Target, seconds: float, seed: int) -> list[str]:
    """Attack once; the words of what must not be."""
    target.begin()
    waits: list[float] = []
    attacker = None if name == "quiet" else attacked(name, target, seconds, seed)
    until = time.monotonic() + seconds + 1
    while time.monotonic() < until and (attacker is None or attacker.poll() is None):
        waits.append(target.wait_s())
        time.sleep(0.02)
    words = "" if attacker is None else attacker.communicate(timeout=30)[0].strip()
    seen = target.end()
    print(
        f"{name:<20}{seen.longest_turn_ms:>9.1f}{seen.work_ms:>9.1f}{max(waits) * 1000:>9.1f}"
        f"{seen.grew_mb:>9.1f}{seen.cpu_s:>7.2f}  {words}",
        flush=True,
    )
    bad = []
    if seen.grew_mb > GROWTH_MAX_MB:
        bad.append(f"{name}: grew by {seen.grew_mb:.0f} MB")
    if not target.answers():
        bad.append(f"{name}: it answers nobody any more")
    return bad


def attacked(name: str, target: Target, seconds: float, seed: int) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "tests.attack.attacker",
            name,
            str(target.port),
            "--seconds",
            str(seconds),
            "--seed",
            str(seed),
            "--path",
            target.path,
        ]
        + (["--tls"] if target.is_tls else []),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=dict(os.environ),
    )
    assert process.stdin is not None
    process.stdin.write(target.token + "\n")
    process.stdin.flush()
    return process


if __name__ == "__main__":
    sys.exit(main())
