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
from bench.peers.rank import permitted

PERCENTS = (50.0, 90.0, 99.0, 99.9)


def percentile(ordered: list[int], percent: float) -> int:
    """The smallest sample that `percent` of all do not exceed."""
    return ordered[max(0, -int(-len(ordered) * percent // 100) - 1)]


@dataclass(frozen=True, slots=True)
class ReportRow:
    """One client in one scenario, over all rounds. Times in ns; ratios round by round, to the same
    figure of the C client that waits in the same way (`of_floor`, and `of_floor_p99`), and to the
    median of the C client that sleeps (`of_epoll`).
    """

    peer: str
    label: str
    n: int
    percentiles_ns: dict[str, int]
    max_ns: int
    round_p50_ns: list[int]
    of_floor: list[float]
    of_floor_p99: list[float]
    of_epoll: list[float]
    counts: dict[str, int]
    inside_p50_ns: dict[str, int]
    """By the client's own clock, from a frame in hand until its orders were decided (`core`) and
    their bytes with the kernel (`order`).
    """
    round_p99_ns: list[int]
    pages: list[dict[str, float]]
    """By round, what the open pages saw, and the engine's memory."""


@dataclass(frozen=True, slots=True)
class Table:
    """One scenario: a load over plain sockets or TLS."""

    load: Load
    tls: bool
    rows: list[ReportRow]

    @property
    def title(self) -> str:
        return f"{self.load.name}, {'TLS' if self.tls else 'plain'}"

    @property
    def floor_spread(self) -> float:
        """How far the floor's own median moved between rounds: (greatest - least) / median. The
        noise under everything else.
        """
        floor = self.row(FLOOR.name)
        assert floor is not None
        return (max(floor.round_p50_ns) - min(floor.round_p50_ns)) / statistics.median(
            floor.round_p50_ns
        )

    def row(self, peer: str) -> ReportRow | None:
        return next((row for row in self.rows if row.peer == peer), None)


def table(load: Load, tls: bool, peers: list[Peer], rounds: list[dict[str, Outcome]]) -> Table:
    """`rounds` maps a peer's name to what came of it."""
    rows = []
    for peer in peers:
        outcomes = [r[peer.name] for r in rounds]
        ordered = sorted(ns for outcome in outcomes for ns in outcome.samples_ns)
        if not ordered:
            raise RuntimeError(f"{peer.label} placed not one order")
        counts = {
            name: sum(getattr(outcome, name) for outcome in outcomes)
            for name in ("triggers", "orders", "missed", "wrong", "surplus")
        }
        floor = peer.floor if peer.floor in rounds[0] else FLOOR.name
        inside = {
            stage: round(statistics.median(outcome.says[stage]["p50_ns"] for outcome in outcomes))
            for stage in ("core", "inside")
            if all(stage in outcome.says for outcome in outcomes)
        }
        rows.append(
            ReportRow(
                peer.name,
                peer.label,
                len(ordered),
                {f"p{p:g}": percentile(ordered, p) for p in PERCENTS},
                ordered[-1],
                [of_round(r[peer.name], 50) for r in rounds],
                [of_round(r[peer.name], 50) / of_round(r[floor], 50) for r in rounds],
                [of_round(r[peer.name], 99) / of_round(r[floor], 99) for r in rounds],
                [of_round(r[peer.name], 50) / of_round(r[FLOOR.name], 50) for r in rounds],
                counts,
                inside,
                [of_round(r[peer.name], 99) for r in rounds],
                [outcome.says["pages"] for outcome in outcomes if outcome.says.get("pages")],
            )
        )
    return Table(load, tls, rows)


def of_round(outcome: Outcome, percent: float) -> int:
    return percentile(sorted(outcome.samples_ns), percent)


# -------------------------------------------------------------------------------------------------------------------
# the machine
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
        "libraries": {
            name: importlib.metadata.version(name)
            for name in ("uvloop", "picows", "websockets", "aiohttp", "orjson", "kiteconnect")
        },
        "rank": permitted(),
        "load_before": os.getloadavg()[0],
    }


def _read(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""


def _cpu() -> str:
    lines = _read("/proc/cpuinfo").splitlines()
    return next(
        (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")),
        platform.processor(),
    )


# -----------------------------------------------------------------------------------------------------------------------
# Markdown
def markdown(
    tables: list[Table], about: dict[str, Any], rounds: int, traces: dict[str, dict[str, Any]]
) -> str:
    libraries = ", ".join(f"{name} {version}" for name, version in about["libraries"].items())
    kind = "virtual, " if about["virtual"] else ""
    lines = [
        f"{about['cpu']} ({kind}{about['cores']} cores, governor {about['governor']}), {about['kernel']}, Python {about['python']}, "
        f"{about['openssl']}; {libraries}. Exchange on core {about['core_of_exchange']}, client on {about['cores_of_client']}; "
        f"{about['rank']}; load average {about['load_before']:.1f} before, {about['load_after']:.1f} after.",
        "",
    ]
    if about["core_of_exchange"] == about["cores_of_client"]:
        lines += [
            "**One core only: exchange and client take turns on it, and these figures say little.**",
            "",
        ]
    for one in tables:
        load = one.load
        lines += [
            f"### {one.title}",
            "",
            f"{rounds} rounds in turns, {load.triggers} orders a round after {load.warm_up} to warm up; packets a frame: "
            f"{load.instruments}, {1e6 / load.gap_us:.0f} frames a second, one in {load.quiet + 1} triggers. The floor's median moved by "
            f"{100 * one.floor_spread:.0f} % between rounds.",
            "",
            "| client | p50 us (rounds) | p90 | p99 | p99.9 | max | of C, same mode (rounds) | p99 of C's | of C, epoll |",
            "|---|---|---|---|---|---|---|---|---|",
        ]
        lines += [_row(row) for row in one.rows]
        lines += [
            "",
            *(
                f"{row.label} by its own clock: {_inside(row)}."
                for row in one.rows
                if row.inside_p50_ns
            ),
        ]
        lines += [f"{row.label}: {_pages(row.pages)}." for row in one.rows if row.pages]
        lines += [
            f"\n**{row.label}: {row.counts}: not one right order for each trigger.**"
            for row in one.rows
            if not _is_clean(row)
        ]
        lines.append("")
    lines += [
        "### Against the goals",
        "",
        "| figure | measured | goal | |",
        "|---|---|---|---|",
        *map(_goal, goals(tables)),
        "",
    ]
    if not traces:
        return "\n".join(lines)
    lines += ["### Python between a payload and its order's bytes", ""]
    lines += [
        f"- {name}: {t['between']} functions entered in {t['orders']} orders ({t['entered']} while a frame was in hand)"
        for name, t in traces.items()
    ]
    return "\n".join([*lines, ""])


@dataclass(frozen=True, slots=True)
class Goal:
    """`measured` is to be at most `most`, or at least `least`."""

    figure: str
    measured: float
    most: float = 0.0
    least: float = 0.0

    @property
    def is_met(self) -> bool:
        return self.measured <= self.most if self.most else self.measured >= self.least


def goals(tables: list[Table]) -> list[Goal]:
    """Medians over the rounds of the ratios that are worth holding to."""
    found = []
    for one in tables:
        full = one.load.mode == "full"
        for peer, most in (("otrade", 1.15), ("otrade_spin", 1.3)):
            row = one.row(peer)
            if row is None:
                continue
            most = 1.3 if full else 1.25 if one.tls else most
            found.append(
                Goal(
                    f"{one.title}: {row.label}, p50 of C in the same mode",
                    statistics.median(row.of_floor),
                    most=most,
                )
            )
            found.append(
                Goal(
                    f"{one.title}: {row.label}, p99 of C's in the same mode",
                    statistics.median(row.of_floor_p99),
                    most=1.5,
                )
            )
            if peer == "otrade_spin" and not full:
                found.append(
                    Goal(
                        f"{one.title}: {row.label}, p50 of C, epoll",
                        statistics.median(row.of_epoll),
                        most=1.0,
                    )
                )
            sdk = one.row("sdk")
            if sdk is not None and not full:
                times = statistics.median(
                    its / mine for its, mine in zip(sdk.round_p50_ns, row.round_p50_ns, strict=True)
                )
                least = 25.0 if peer == "otrade_spin" else 12.0
                found.append(
                    Goal(f"{one.title}: {row.label}, times faster than the SDK", times, least=least)
                )
        found += _page_goals(one)
    return found


def _page_goals(one: Table) -> list[Goal]:
    served, viewed = one.row("otrade_served"), one.row("otrade_viewed")
    if served is None or viewed is None:
        return []
    slower = statistics.median(
        its / mine for its, mine in zip(viewed.round_p99_ns, served.round_p99_ns, strict=True)
    )
    n = viewed.pages[0]["viewers"]
    fewest = min(p["messages_per_s_least"] for p in viewed.pages)
    return [
        Goal(f"{n} pages open: p99 of tick to order, of nobody looking", slower, most=1.2),
        Goal(f"{n} pages open: messages a second, of the page with the fewest", fewest, least=19.5),
        Goal(
            f"{n} pages open: age of the oldest message, s",
            max(p["age_ms_max"] for p in viewed.pages) / 1000,
            most=1.0,
        ),
    ]


def _goal(goal: Goal) -> str:
    wanted = f"at most {goal.most:g}" if goal.most else f"at least {goal.least:g}"
    return f"| {goal.figure} | {goal.measured:.2f} | {wanted} | {'met' if goal.is_met else 'NOT met'} |"


def _pages(pages: list[dict[str, float]]) -> str:
    """Of all rounds, the worst."""

    def worst(name: str) -> str:
        return f"{max(page[name] for page in pages):.1f}"

    memory = f"the engine's memory {worst('rss_before_mib')} MiB before, {worst('rss_after_mib')} after, peak {worst('peak_mib')}"
    if "viewers" not in pages[0]:
        return memory
    fewest = min(page["messages_per_s_least"] for page in pages)
    return (
        f"{pages[0]['viewers']:.0f} pages for {worst('seconds')} s: {fewest:.1f} messages a second or more for each, their age "
        f"p50 {worst('age_ms_p50')} ms, p99 {worst('age_ms_p99')}, max {worst('age_ms_max')}; "
        f"{worst('snapshots')} fell behind and were sent a snapshot, {worst('out_of_order')} out of order; {memory}"
    )


def _inside(row: ReportRow) -> str:
    words = {"core": "decided", "inside": "with the kernel"}
    said = ", ".join(f"{words[stage]} {us(ns)} us" for stage, ns in row.inside_p50_ns.items())
    return f"from a frame in hand until its order is {said} (p50)"


def _is_clean(row: ReportRow) -> bool:
    return row.counts["orders"] == row.counts["triggers"] and not (
        row.counts["missed"] or row.counts["wrong"] or row.counts["surplus"]
    )


def _row(row: ReportRow) -> str:
    p = row.percentiles_ns
    of = row.of_floor
    return (
        f"| {row.label} | {us(p['p50'])} ({us(min(row.round_p50_ns))}-{us(max(row.round_p50_ns))}) | {us(p['p90'])} | {us(p['p99'])} | "
        f"{us(p['p99.9'])} | {us(row.max_ns)} | {statistics.median(of):.2f} ({min(of):.2f}-{max(of):.2f}) | "
        f"{statistics.median(row.of_floor_p99):.2f} | {statistics.median(row.of_epoll):.2f} |"
    )


def us(ns: int) -> str:
    return f"{ns / 1000:,.0f}"
