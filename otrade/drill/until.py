"""Seeds until the first violation, in one line: for whoever wants to know whether a bug is found,
and how soon.

python -m otrade.drill.until --seeds N [--seed N] [--jobs N] [--faults A,B]
"""

import argparse

from otrade.drill.campaign import CampaignRequest, sessions
from otrade.drill.draws.files import FILES
from otrade.drill.starts.strategy_files import prepare
from otrade.drill.trouble import TROUBLES


def main() -> None:
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--seeds", type=int, default=1_000)
    ap.add_argument("--seed", type=int, default=0, help="the first of them")
    ap.add_argument("--jobs", type=int, default=0)
    ap.add_argument("--faults", default="", metavar="A,B", help="only these; default: all")
    args = ap.parse_args()
    kinds = tuple(args.faults.split(",")) if args.faults else tuple(TROUBLES)
    prepare(FILES)
    request = CampaignRequest(args.seed, args.seeds, kinds, args.jobs)
    for number, result in enumerate(sessions(request), 1):
        if result.error:
            print(f"CAUGHT {number} {result.error}")
            return
    print("SURVIVED")


if __name__ == "__main__":
    main()
