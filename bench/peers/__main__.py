"""Measure tick to order, clients in turns, and print a Markdown table for each scenario.

    python -m bench.peers [--short] [--rounds N] [--scenario NAME ...] [--peer NAME ...]

The samples, the figures, the tables and a picture are kept below build/peers/.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from bench.peers import report
from bench.peers.build import Missing, make
from bench.peers.measure import BESIDE_PAGES, FLOOR, PEERS, TRACED, Load, Outcome, Peer, run_once
from bench.peers.plot import svg

BUILD = Path(__file__).parents[2] / "build" / "peers"
LTP = Load("one LTP packet a frame", "ltp", 1, 500, 9, 400, 50)
FULL = Load("fifty full packets a frame", "full", 50, 5_000, 3, 200, 40)
PAGES = Load("fifty LTP packets a frame, beside a page", "ltp", 50, 10_000, 19, 280, 20)
"""A minute: three hundred orders, all of them at work to the end."""
SCENARIOS = {
    "ltp": (LTP, False),
    "ltp-tls": (LTP, True),
    "full": (FULL, False),
    "full-tls": (FULL, True),
    "pages": (PAGES, False),
}
USUAL = ("ltp", "ltp-tls", "full", "full-tls")
SHORT = ("ltp", "ltp-tls")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.peers")
    parser.add_argument("--short", action="store_true", help="three rounds of one kind of frame")
    parser.add_argument("--rounds", type=int, default=0)
    parser.add_argument("--scenario", action="append", choices=SCENARIOS)
    parser.add_argument(
        "--peer", action="append", choices=[peer.name for peer in PEERS], help="beside the floors"
    )
    asked = parser.parse_args()
    rounds = max(1, asked.rounds or (3 if asked.short else 8))
    names = asked.scenario or (SHORT if asked.short else USUAL)
    beside = [
        peer
        for peer in PEERS
        if not asked.peer or peer.name in asked.peer or peer is FLOOR or peer.name == "floor_spin"
    ]
    peers = {name: list(BESIDE_PAGES) if name == "pages" else beside for name in names}
    try:
        tools = make(BUILD)
    except Missing as missing:
        print(f"SKIPPED: tick to order beside the peers is NOT measured: {missing}")
        return 0
    (BUILD / "stderr.txt").unlink(missing_ok=True)
    about = report.machine()
    loads = {
        name: replace(SCENARIOS[name][0], triggers=150) if asked.short else SCENARIOS[name][0]
        for name in names
    }
    seen: dict[str, list[dict[str, Outcome]]] = {
        name: [{} for _ in range(rounds)] for name in names
    }
    traces = (
        {}
        if names == ["pages"]
        else {
            f"{name}, {'TLS' if tls else 'plain'}": run_once(
                tools, peer, replace(LTP, triggers=150), tls=tls, seed=1
            ).says["python_frames"]
            for name, peer in TRACED.items()
            for tls in (False, True)
        }
    )
    for turn in range(rounds):
        for name in names:
            print(f"round {turn + 1} of {rounds}: {name}", file=sys.stderr, flush=True)
            for peer in peers[name]:
                seen[name][turn][peer.name] = run_once(
                    tools, peer, loads[name], tls=SCENARIOS[name][1], seed=1 + turn
                )
        about["load_after"] = os.getloadavg()[0]
        # After each round, so that a run that is broken off has been of use.
        text = keep(
            {name: turns[: turn + 1] for name, turns in seen.items()}, loads, peers, about, traces
        )
    print(text)
    print(f"Kept: {BUILD}/peers.json, peers.md, peers.svg")
    clean = all(o.is_clean for turns in seen.values() for turn in turns for o in turn.values())
    return 0 if clean else 1


def keep(
    seen: dict[str, list[dict[str, Outcome]]],
    loads: dict[str, Load],
    peers: dict[str, list[Peer]],
    about: dict[str, Any],
    traces: dict[str, dict[str, Any]],
) -> str:
    """Write everything that is known so far; the Markdown."""
    tables = [
        report.table(loads[name], SCENARIOS[name][1], peers[name], turns)
        for name, turns in seen.items()
    ]
    text = report.markdown(tables, about, len(next(iter(seen.values()))), traces)
    kept = {
        "machine": about,
        "goals": [{**asdict(goal), "is_met": goal.is_met} for goal in report.goals(tables)],
        "python_between": traces,
        "tables": [{"title": t.title, **asdict(t)} for t in tables],
        "samples_ns": {
            name: [{who: o.samples_ns for who, o in turn.items()} for turn in turns]
            for name, turns in seen.items()
        },
        "says": {
            name: [{who: o.says for who, o in turn.items()} for turn in turns]
            for name, turns in seen.items()
        },
    }
    (BUILD / "peers.json").write_text(json.dumps(kept))
    (BUILD / "peers.md").write_text(text)
    (BUILD / "peers.svg").write_text(svg(tables))
    return text


if __name__ == "__main__":
    sys.exit(main())
