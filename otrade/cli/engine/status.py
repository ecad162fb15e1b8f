"""`otrade status`: asks the engine that runs in a directory, as the local user, over its socket."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import orjson

from otrade.cli.engine.client import ANSWER_S_MAX, running
from otrade.engine_link.call import EngineCall, NoAnswerError
from otrade.live.runtime.server_file import running_server
from otrade.units import or_unknown, rupees

NO_ENGINE, STOPPED = 3, 4


def status(var: Path, *, as_json: bool) -> int:
    """Print the engine's status. Exit code 3 when none runs there, 4 when it does not answer."""
    info = running(var)
    if info is None:
        return _no(NO_ENGINE, f"no engine runs in {var} (start one with: otrade run)")
    try:
        with EngineCall(var, ANSWER_S_MAX) as engine:
            answer = engine.ask("status")
            if not isinstance(answer, dict):
                raise NoAnswerError("not a status")
    except NoAnswerError as error:
        return _no(
            STOPPED,
            f"engine {info.pid} does not answer ({error}): it may be starting, ending, or hung",
        )
    page = running_server(var)
    if as_json:
        options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
        sys.stdout.write(orjson.dumps(answer, option=options).decode())
    else:
        print(plain(answer, page.url if page is not None else "not served"))
    return 0


def _no(code: int, words: str) -> int:
    print(words, file=sys.stderr)
    return code


def plain(s: dict[str, Any], url: str) -> str:
    """One screen of words from a status (see `otrade/contract/views.py` for its fields)."""
    pnl, cover, feed, broker = s["pnl"], s["protection"], s["feed"], s["broker"]
    latency, loop = s["latency"], s["loop"]
    state = s["state"] + (f" ({s['state_reason']})" if s["state_reason"] else "")
    if s["paused"]:
        state += ", entries paused"
    rows = [
        ("engine", f"{s['mode']}, {s['lifecycle']}, {state}, page {url}"),
        ("session", f"{s['day']}: {s['phase_words']}"),
        (
            "profit",
            f"gross {rupees(pnl['gross_e4'])}, charges {or_unknown(pnl['charges_e4'])}, net {or_unknown(pnl['net_e4'])}"
            + (f" ({pnl['charges']['words']})" if pnl["charges"]["words"] else ""),
        ),
        (
            "protection",
            f"{cover['protected_qty']} of {cover['open_qty']} open covered, "
            f"naked {cover['naked_ms_worst']:.0f} ms at worst, at the target by design {cover['target_ms_worst']:.0f} ms"
            + (" NAKED NOW" if cover["naked_now"] else ""),
        ),
        (
            "feed",
            f"{'up' if feed['connected'] else 'DOWN'}, {feed['ticks']} ticks, "
            f"{feed['refused']} refused, {feed['reconnects']} reconnects",
        ),
        (
            "broker",
            f"{'connected' if broker['connected'] else 'NOT CONNECTED'}, "
            f"{broker['orders_sent']} requests, {broker['in_doubt']} in doubt, {broker['quarantined']} instruments in quarantine",
        ),
        (
            "latency",
            f"tick to order {latency['p50_ns'] / 1000:.1f} us p50, "
            f"{latency['p99_ns'] / 1000:.1f} us p99",
        ),
        (
            "loop",
            f"late by {loop['lag_ms']:.1f} ms at most in the last minutes, longest turn {loop['longest_turn_ms']:.1f} ms, "
            f"{loop['stalls']} stalls",
        ),
        ("today", ", ".join(f"{v} {k.replace('_', ' ')}" for k, v in s["counts"].items())),
    ]
    return "\n".join(f"{name:<12}{text}" for name, text in rows)
