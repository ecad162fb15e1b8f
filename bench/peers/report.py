"""Samples to figures, figures to Markdown and JSON."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import ssl
import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.peers.measure import FLOOR, Load, Outcome, Peer, cores

PERCENTS = (50.0, 90.0, 99.0, 99.9)


def percentile(ordered: list[int], percent: float) -> int:
    """The smallest sample that `percent` of all do not exceed."""
    return ordered[max(0, -int(-len(ordered) * percent // 100) - 1)]


@dataclass(frozen=True, slots=True)
class Row:
    """One client in one scenario, over all rounds. Times in ns; ratios of medians, round by round, to the floor's of the same round."""

    peer: str
    label: str
    n: int
    percentiles_ns: dict[str, int]
    max_ns: int
    round_p50_ns: list[int]
    round_ratio: list[float]
    counts: dict[str, int]
    inside_p50_ns: int
    """From a frame in hand until its order was sent and booked, by the client's own clock; 0: it does not say."""

    @property
    def ratio(self) -> float:
        return statistics.median(self.round_ratio)


@dataclass(frozen=True, slots=True)
class Table:
    """One scenario: a load over plain sockets or TLS."""

    load: Load
    tls: bool
    rows: list[Row]

    @property
    def title(self) -> str:
        return f"{self.load.name}, {'TLS' if self.tls else 'plain'}"

    @property
    def floor_spread(self) -> float:
        """How far the floor's own median moved between rounds: (greatest - least) / median. The noise under everything else."""
        floor = next(row for row in self.rows if row.peer == FLOOR.name).round_p50_ns
        return (max(floor) - min(floor)) / statistics.median(floor)


def table(load: Load, tls: bool, peers: list[Peer], rounds: list[dict[str, Outcome]]) -> Table:
    """`rounds` maps a peer's name to what came of it."""
    floor = [median(r[FLOOR.name]) for r in rounds]
    rows = []
    for peer in peers:
        outcomes = [r[peer.name] for r in rounds]
        ordered = sorted(ns for outcome in outcomes for ns in outcome.samples_ns)
        if not ordered:
            raise RuntimeError(f"{peer.label} placed not one order")
        p50 = [median(outcome) for outcome in outcomes]
        counts = {
            name: sum(getattr(outcome, name) for outcome in outcomes) for name in ("triggers", "orders", "missed", "wrong", "surplus")
        }
        inside = [outcome.says["inside"]["p50_ns"] for outcome in outcomes if "inside" in outcome.says]
        rows.append(Row(
            peer.name, peer.label, len(ordered), {f"p{p:g}": percentile(ordered, p) for p in PERCENTS}, ordered[-1], p50,
            [mine / its for mine, its in zip(p50, floor, strict=True)], counts, round(statistics.median(inside)) if inside else 0,
        ))
    return Table(load, tls, rows)


def median(outcome: Outcome) -> int:
    return percentile(sorted(outcome.samples_ns), 50)


# ------------------------------------------------------------------------------------------------------------------- the machine
def machine() -> dict[str, Any]:
    exchange, client = cores()
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "core_of_exchange": sorted(exchange),
        "cores_of_client": sorted(client),
        "kernel": f"{platform.system()} {platform.release()} {platform.machine()}",
        "governor": _read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor") or "not shown",
        "virtual": "hypervisor" in _read("/proc/cpuinfo"),
        "python": platform.python_version(),
        "openssl": ssl.OPENSSL_VERSION,
        "libraries": {name: importlib.metadata.version(name) for name in
                      ("uvloop", "picows", "websockets", "aiohttp", "orjson", "kiteconnect")},
        "load_before": os.getloadavg()[0],
    }


def _read(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""


def _cpu() -> str:
    lines = _read("/proc/cpuinfo").splitlines()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.processor())


# ----------------------------------------------------------------------------------------------------------------------- Markdown
def markdown(tables: list[Table], about: dict[str, Any], rounds: int) -> str:
    libraries = ", ".join(f"{name} {version}" for name, version in about["libraries"].items())
    kind = "virtual, " if about["virtual"] else ""
    lines = [
        f"{about['cpu']} ({kind}{about['cores']} cores, governor {about['governor']}), {about['kernel']}, Python {about['python']}, "
        f"{about['openssl']}; {libraries}. Exchange on core {about['core_of_exchange']}, client on {about['cores_of_client']}; "
        f"load average {about['load_before']:.1f} before.",
        "",
    ]
    if about["core_of_exchange"] == about["cores_of_client"]:
        lines += ["**One core only: exchange and client take turns on it, and these figures say little.**", ""]
    for one in tables:
        load = one.load
        lines += [
            f"### {one.title}",
            "",
            f"{rounds} rounds in turns, {load.triggers} orders a round after {load.warm_up} to warm up; packets a frame: "
            f"{load.instruments}, {1e6 / load.gap_us:.0f} frames a second, one in {load.quiet + 1} triggers. The floor's median moved by "
            f"{100 * one.floor_spread:.0f} % between rounds.",
            "",
            "| client | p50 us (rounds) | p90 | p99 | p99.9 | max | of the floor, same round (rounds) |",
            "|---|---|---|---|---|---|---|",
        ]
        lines += [_row(row) for row in one.rows]
        lines += [f"\n{row.label} by its own clock, from a frame in hand until its order was sent and booked: "
                  f"{us(row.inside_p50_ns)} us (p50)." for row in one.rows if row.inside_p50_ns]
        lines += [f"\n**{row.label}: {row.counts}: not one right order for each trigger.**" for row in one.rows if not _is_clean(row)]
        lines.append("")
    return "\n".join(lines)


def _is_clean(row: Row) -> bool:
    return row.counts["orders"] == row.counts["triggers"] and not (row.counts["missed"] or row.counts["wrong"] or row.counts["surplus"])


def _row(row: Row) -> str:
    p = row.percentiles_ns
    return (
        f"| {row.label} | {us(p['p50'])} ({us(min(row.round_p50_ns))}-{us(max(row.round_p50_ns))}) | {us(p['p90'])} | {us(p['p99'])} | "
        f"{us(p['p99.9'])} | {us(row.max_ns)} | {row.ratio:.2f} ({min(row.round_ratio):.2f}-{max(row.round_ratio):.2f}) |"
    )


def us(ns: int) -> str:
    return f"{ns / 1000:,.0f}"
