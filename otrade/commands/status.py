"""`otrade status`: asks the engine that runs in a directory, as the local user, over its own
API.
"""

from __future__ import annotations

import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import orjson

from otrade.live.units import rupees

NO_ENGINE, STOPPED = 3, 4


def status(var: Path, *, as_json: bool) -> int:
    """Print the engine's status; exit code 3 when none runs there."""
    from otrade.live.runfile import read_run_info

    info = read_run_info(var)
    if info is None:
        print(f"no engine runs in {var} (start one with: otrade run)", file=sys.stderr)
        return NO_ENGINE
    if not info.url:
        print(
            f"engine {info.pid} runs without its page, so it cannot be asked; start it without "
            "--no-page",
            file=sys.stderr,
        )
        return STOPPED
    request = urllib.request.Request(
        info.url.rstrip("/") + "/api/status", headers={"Authorization": f"Bearer {info.token}"}
    )
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            body = answer.read()
    except (urllib.error.URLError, TimeoutError, ConnectionError) as err:
        print(
            f"engine {info.pid} at {info.url} does not answer ({getattr(err, 'reason', err)}): it "
            "may be starting, or hung",
            file=sys.stderr,
        )
        return STOPPED
    if as_json:
        sys.stdout.write(
            orjson.dumps(
                orjson.loads(body), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
            ).decode()
        )
    else:
        print(plain(orjson.loads(body), info.url))
    return 0


def plain(s: dict[str, Any], url: str) -> str:
    """One screen of words from `/api/status` (see `otrade/web/schema.py` for its fields)."""
    pnl, protection, feed, broker, latency = (
        s["pnl"],
        s["protection"],
        s["feed"],
        s["broker"],
        s["latency"],
    )
    state = (
        s["state"]
        + (f" ({s['state_reason']})" if s["state_reason"] else "")
        + (", entries paused" if s["paused"] else "")
    )
    rows = [
        ("engine", f"{s['mode']}, {s['lifecycle']}, {state}, page {url}"),
        ("session", f"{s['day']}: {s['phase_words']}"),
        (
            "profit",
            f"gross {rupees(pnl['gross_e4'])}, charges {rupees(pnl['charges_e4'])}, "
            f"net {rupees(pnl['net_e4'])}",
        ),
        (
            "protection",
            f"{protection['protected_qty']} of {protection['open_qty']} open covered, "
            f"naked {protection['naked_ms_worst']:.0f} ms at worst"
            + (" NAKED NOW" if protection["naked_now"] else ""),
        ),
        (
            "feed",
            ("up" if feed["connected"] else "DOWN")
            + f", {feed['ticks']} ticks, {feed['refused']} refused, "
            f"{feed['reconnects']} reconnects",
        ),
        (
            "broker",
            ("connected" if broker["connected"] else "NOT CONNECTED")
            + f", {broker['orders_sent']} requests, "
            f"{broker['in_doubt']} in doubt",
        ),
        (
            "latency",
            f"tick to order {latency['p50_ns'] / 1000:.1f} us p50, "
            f"{latency['p99_ns'] / 1000:.1f} us p99",
        ),
        ("today", ", ".join(f"{v} {k.replace('_', ' ')}" for k, v in s["counts"].items())),
    ]
    return "\n".join(f"{name:<12}{text}" for name, text in rows)
