"""What paper days earn: the shipped strategies over many seeds, a row each and the mean of all.

`python -m bench.paper_days --seeds 50` runs `otrade run` once a seed, for the table in
`docs/simulator.md`; on a free core a day takes about a quarter of a minute.
"""

import argparse
import json
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

CONFIG = Path(__file__).parents[1] / "config"
NUMBERS = {
    "trades": r"^trades +(\d+)",
    "won": r"^trades +\d+ +\((\d+) won",
    "gross": r"^P&L gross +(-?[\d,.]+)",
    "charges": r"^charges +(-?[\d,.]+)",
    "net": r"^P&L net +(-?[\d,.]+)",
}


def day(folder: Path, seed: int, date: str) -> dict[str, float]:
    """The numbers of one day's screen."""
    command = [sys.executable, "-m", "otrade", "run", "--speed", "max", "--no-page"]
    command += ["--config", str(folder / "config" / "paper.json"), "--date", date]
    done = subprocess.run(
        [*command, "--seed", str(seed)], cwd=folder, capture_output=True, text=True, check=True
    )
    found = {name: re.search(row, done.stdout, re.MULTILINE) for name, row in NUMBERS.items()}
    return {name: float(m[1].replace(",", "")) for name, m in found.items() if m is not None}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--date", default="2026-11-20")
    parser.add_argument("--ticks", type=float, default=0.1, help="trades a second of an instrument")
    args = parser.parse_args()
    config = json.loads((CONFIG / "paper.json").read_text())
    config["sim"]["ticks_per_s"] = args.ticks
    config["$schema"] = str(CONFIG / "schema.json")
    rows = []
    for seed in range(1, args.seeds + 1):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "config").mkdir()
            (folder / "config" / "paper.json").write_text(json.dumps(config))
            rows.append(day(folder, seed, args.date))
        print(seed, *(f"{key} {value:,.2f}" for key, value in rows[-1].items()), flush=True)
    for key in NUMBERS:
        values = [row[key] for row in rows]
        error = statistics.stdev(values) / len(values) ** 0.5 if len(values) > 1 else 0.0
        print(f"mean {key} {statistics.fmean(values):,.2f} +- {error:,.2f}")


if __name__ == "__main__":
    main()
