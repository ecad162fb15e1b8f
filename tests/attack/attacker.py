"""One attack in a process of its own, at the lowest priority: `python -m tests.attack.attacker NAME PORT`."""

from __future__ import annotations

import argparse
import os
import sys

from tests.attack.peer import Aim
from tests.attack.vectors import ATTACKS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=ATTACKS)
    parser.add_argument("port", type=int)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--bytes-max", type=int, default=64 << 20)
    parser.add_argument("--path", default="/api/v1/login")
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    os.nice(19)
    # By standard input: a command line is everybody's to read.
    token = sys.stdin.readline().strip()
    aim = Aim(
        args.port,
        args.seconds,
        args.bytes_max,
        token,
        args.path,
        is_tls=args.tls,
        seed=args.seed,
    )
    print(ATTACKS[args.name](aim))


if __name__ == "__main__":
    main()
