"""OTrade's backtest beside NautilusTrader and backtrader, on the same ticks by the same rules (`rules.py`): `make bench-research`.

Each run is a process of its own, on one core and timed in seconds of CPU; engines take turns, and a ratio is made within one round.
Trades are compared one by one. A peer that does not install on this Python is left out with a word. docs/backtest.md has what
differs, and why.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bench.research import rules
from bench.research.trades import differences, placed

ROOT = Path(__file__).parents[2]


class PeerEngine(NamedTuple):
    """Who stands beside, how many per cent of the ticks it gets, and how many times slower it is to be."""

    name: str
    module: str
    distribution: str
    part_percent: int
    goal: int


PEERS = (
    PeerEngine("NautilusTrader", "bench.research.nautilus_day", "nautilus_trader", 100, 50),
    PeerEngine("backtrader", "bench.research.backtrader_day", "backtrader", 10, 1_000),
)


def has(python: Path, package: str) -> bool:
    """Is it installed there?"""
    asked = [python, "-c", f"import {package}"]
    return python.exists() and subprocess.run(asked, capture_output=True).returncode == 0


def run(python: Path | str, module: str, day: Path, out: Path) -> dict[str, Any]:
    """One day in one engine."""
    cpu = str(max(os.sched_getaffinity(0)))
    subprocess.run(["taskset", "-c", cpu, python, "-m", module, day, out], check=True, cwd=ROOT)
    told: dict[str, Any] = json.loads(out.read_text())
    return told


def spread(values: list[float], form: str) -> str:
    """Median, and from the least to the most."""
    low, high = min(values), max(values)
    return f"{statistics.median(values):{form}} ({low:{form}} to {high:{form}})"


def main() -> None:
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--ticks", type=int, default=5_000_000)
    ap.add_argument("--rounds", type=int, default=5)
    ap.add_argument("--seed", type=int, default=7)
    ap.add_argument("--peers", type=Path, default=ROOT / "build/venv-peers/bin/python")
    args = ap.parse_args()
    peers = [peer for peer in PEERS if has(args.peers, peer.distribution)]
    for peer in PEERS:
        if peer not in peers:
            print(f"{peer.name}: left out, it is not installed in {args.peers.parents[1]}")
    day = rules.make_day(args.ticks, args.seed)
    ours: list[dict[str, Any]] = []
    theirs: dict[str, list[dict[str, Any]]] = {peer.name: [] for peer in peers}
    with tempfile.TemporaryDirectory() as folder:
        whole, out = Path(folder) / "day.npz", Path(folder) / "out.json"
        np.savez(whole, **day._asdict())
        parts = {}
        for peer in peers:
            n = args.ticks * peer.part_percent // 100
            parts[peer.name] = Path(folder) / f"{peer.part_percent}.npz"
            np.savez(parts[peer.name], **{k: v[:n] for k, v in day._asdict().items()})
        for _ in range(args.rounds):
            ours.append(run(sys.executable, "bench.research.otrade_day", whole, out))
            for peer in peers:
                theirs[peer.name].append(run(args.peers, peer.module, parts[peer.name], out))
    ns = [told["seconds"] * 1e9 / args.ticks for told in ours]
    print(
        f"{args.ticks:,} ticks, seed {args.seed}, {args.rounds} rounds; median (least to most) of CPU"
    )
    print(
        f"OTrade {ours[0]['version']}: {spread(ns, '.1f')} ns a tick,"
        f" {spread([1e3 / each for each in ns], '.1f')} million ticks a second a core;"
        f" {len(ours[0]['round_trips'])} trades"
    )
    for peer in peers:
        n = args.ticks * peer.part_percent // 100
        told = theirs[peer.name]
        peer_ns = [each["seconds"] * 1e9 / n for each in told]
        ratios = [one / other for one, other in zip(peer_ns, ns, strict=True)]
        reached = "met" if statistics.median(ratios) >= peer.goal else "NOT met"
        tick_ns = rules.SESSION_NS // args.ticks
        same, others = differences(
            placed(ours[0]["round_trips"], tick_ns, n), placed(told[0]["round_trips"], tick_ns, n)
        )
        print(
            f"{peer.name} {told[0]['version']}, the first {n:,} ticks: {spread(peer_ns, ',.0f')} ns a tick;"
            f" {spread(ratios, ',.0f')} times OTrade's (goal {peer.goal:,}: {reached})"
        )
        print(f"  trades: {same} the same in everything; {dict(others) or 'none differ'}")


if __name__ == "__main__":
    main()
