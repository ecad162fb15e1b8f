"""Seeds until the first violation, in one line: for whoever wants to know whether a bug is found, and how soon.

python -m otrade.drill.until --seeds N [--jobs N]
"""

import argparse

from .campaign import Order, sessions
from .trouble import TROUBLES


def main() -> None:
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--seeds", type=int, default=1_000)
    ap.add_argument("--jobs", type=int, default=0)
    args = ap.parse_args()
    for number, result in enumerate(sessions(Order(0, args.seeds, tuple(TROUBLES), args.jobs)), 1):
        if result.error:
            print(f"CAUGHT {number} {result.error}")
            return
    print("SURVIVED")


if __name__ == "__main__":
    main()
