"""The same figures as a picture: SVG, written by hand, so that it needs nothing."""

from __future__ import annotations

import math
from html import escape

from bench.peers.report import ReportRow, Table

LEFT, WIDTH, RIGHT, LINE, HEAD = 230, 620, 90, 26, 44
COLOURS = {
    "otrade_served": "#2563eb",
    "otrade_viewed": "#0d9488",
    "floor_block": "#6b7280",
    "floor_spin": "#9ca3af",
    "otrade": "#2563eb",
    "otrade_spin": "#7c3aed",
    "asyncio": "#d97706",
    "sdk": "#dc2626",
}


def svg(tables: list[Table]) -> str:
    """A row a client: the bar runs from p50 to p90, the line on to p99, the number is p50. The
    scale is logarithmic.
    """
    everything = [
        ns
        for t in tables
        for row in t.rows
        for ns in (row.percentiles_ns["p50"], row.percentiles_ns["p99"])
    ]
    low, high = (
        math.floor(math.log10(min(everything) / 1000)),
        math.ceil(math.log10(max(everything) / 1000)),
    )

    def x(ns: float) -> float:
        return LEFT + WIDTH * (math.log10(ns / 1000) - low) / (high - low)

    parts: list[str] = []
    y = HEAD
    for one in tables:
        parts.append(f'<text x="10" y="{y + 16}" font-weight="bold">{escape(one.title)}</text>')
        y += LINE
        for row in one.rows:
            parts.append(_bar(row, y, x))
            y += LINE
        y += LINE // 2
    grid = []
    for decade in range(low, high + 1):
        for times in (1, 2, 5):
            at_us = times * 10**decade
            if decade < high or times == 1:
                at = x(at_us * 1000)
                grid.append(
                    f'<line x1="{at:.1f}" y1="{HEAD - 12}" x2="{at:.1f}" y2="{y}" stroke="#e5e7eb"/>'
                )
                grid.append(
                    f'<text x="{at:.1f}" y="{HEAD - 18}" text-anchor="middle" fill="#6b7280">{at_us:g}</text>'
                )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + RIGHT}" height="{y + 10}" font-family="sans-serif" font-size="12">'
        f'<rect width="100%" height="100%" fill="white"/><text x="10" y="{HEAD - 18}">tick to order, us</text>'
        + "".join(grid + parts)
        + "</svg>\n"
    )


def _bar(row: ReportRow, y: int, x: object) -> str:
    assert callable(x)
    p50, p90, p99 = (x(row.percentiles_ns[p]) for p in ("p50", "p90", "p99"))
    colour = COLOURS.get(row.peer, "#111827")
    middle = y + LINE / 2 - 2
    return (
        f'<text x="20" y="{middle + 4}">{escape(row.label)}</text>'
        f'<line x1="{p50:.1f}" y1="{middle}" x2="{p99:.1f}" y2="{middle}" stroke="{colour}" stroke-width="2"/>'
        f'<rect x="{p50:.1f}" y="{middle - 7}" width="{max(p90 - p50, 2):.1f}" height="14" fill="{colour}" fill-opacity="0.75"/>'
        f'<text x="{p50 - 5:.1f}" y="{middle + 4}" text-anchor="end" fill="{colour}">{row.percentiles_ns["p50"] / 1000:,.0f}</text>'
    )
