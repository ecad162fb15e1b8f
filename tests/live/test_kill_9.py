"""Real processes: an engine is killed with SIGKILL in the middle of trading, again and again, and
the next one takes over.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from otrade.journal.replay import replay
from otrade.journal.scan import check, windows
from otrade.live.oms.cl_ord_id import parse
from otrade.simulator.kite.rest.rows import order_row
from tests.harness.realtime_broker import ROOT, SYMBOL, RealtimeBroker, broker, wait_for_broker

DEATHS = 4
SEED = 11
FINAL = ("COMPLETE", "CANCELLED", "REJECTED")


def a_configuration(path: Path, here: RealtimeBroker) -> Path:
    """A strategy that trades every few seconds, with stops that are seldom hit."""
    config = {
        "mode": "live",
        "instruments": [{"symbol": f"NSE:{SYMBOL}"}],
        "strategies": [
            {
                "name": "quick",
                "instrument": f"NSE:{SYMBOL}",
                "kind": "ema_cross",
                "params": {"fast_period": 1, "slow_period": 3, "bar_s": 5, "on": "tick"},
                "sizing": {"mode": "fixed", "value": 10},
                "bracket": {"stop": {"kind": "pct", "value": 1.0}, "on_opposite": "reverse"},
            }
        ],
        "sessions": {"entry_delay_min": 0},
        "risk": {
            "max_trades_per_day": 0,
            "cooldown_after_stop_s": 0,
            "max_daily_loss_rupees": 0,
            "max_drawdown_rupees": 0,
        },
        "broker": {"rest_url": here.ports.rest_url, "feed_url": here.ports.feed_url, "poll_s": 5},
        "journal": {"max_mb": 64, "reserve_mb": 1},
        "watchdog": {"enabled": False},
        "paths": {"var": str(path / "var"), "secrets": str(path / "secrets.json")},
    }
    target = path / "live.json"
    target.write_text(json.dumps(config))
    return target


def start(config: Path, here: RealtimeBroker, shift_ns: int) -> tuple[subprocess.Popen[str], str]:
    """An engine that is ready, and its first word."""
    words = [str(config), here.ports.rest_url, here.ports.feed_url, str(shift_ns), here.token]
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.harness.engine_process", *words],
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert child.stdout is not None
    first = child.stdout.readline().strip()
    assert child.stdout.readline() == "ready\n"
    return child, first


def ours(here: RealtimeBroker) -> list[dict[str, Any]]:
    # Asked in the exchange's own thread: over HTTP we would use up the engine's rate.
    rows: list[dict[str, Any]] = here.call(
        lambda: [order_row(order.state()) for order in here.sim.exchange.orders()]
    )
    return [row for row in rows if row["tag"]]


def uncovered(here: RealtimeBroker) -> dict[str, int]:
    """Open units without a live exit, by bracket, in the exchange's book."""
    opened: dict[str, int] = {}
    covered: dict[str, int] = {}
    for row in ours(here):
        sign = 1 if row["transaction_type"] == "BUY" else -1
        bracket = row["tag"][2:12]
        opened[bracket] = opened.get(bracket, 0) + sign * row["filled_quantity"]
        if row["tag"][12] != "E" and row["status"] not in FINAL:
            covered[bracket] = covered.get(bracket, 0) + row["quantity"] - row["filled_quantity"]
    return {bracket: qty for bracket, qty in opened.items() if abs(qty) > covered.get(bracket, 0)}


def test_killed_in_the_middle_of_trading(tmp_path: Path) -> None:
    rng = random.Random(SEED)
    print(f"seed {SEED}")
    with broker() as here:
        shift_ns = here.call(lambda: here.sim.clock.now_ns()) - time.time_ns()
        config = a_configuration(tmp_path, here)
        child, first = start(config, here, shift_ns)
        try:
            assert first == "fresh"
            for death in range(DEATHS):
                n_before = len(ours(here))
                wait_for_broker("it trades", lambda n=n_before: len(ours(here)) >= n + 3)
                threading.Event().wait(
                    rng.uniform(0, 1.2)
                )  # anywhere in what it does, not in step with our questions
                child.send_signal(signal.SIGKILL)
                child.communicate()
                child, first = start(config, here, shift_ns)
                assert first.startswith("resumed "), f"death {death}: the journal was not used"
                wait_for_broker("everything open is covered", lambda: not uncovered(here))
            child.send_signal(signal.SIGTERM)
            child.communicate(timeout=90)
            assert child.returncode == 0
        finally:
            if child.poll() is None:  # the test has failed: leave nobody behind
                child.kill()
                child.communicate()
        rows = ours(here)
        tags = [row["tag"] for row in rows]
        assert len(tags) == len(set(tags)), "one intent, two orders"
        assert all(parse(tag) is not None for tag in tags)
        assert not [row for row in rows if row["status"] not in FINAL], "an order was orphaned"
        assert here.net() == 0
    (journal,) = (tmp_path / "var" / "journal").glob("*.otj")
    verdict = check(journal)
    assert verdict.is_whole and verdict.n_sections == DEATHS + 1
    done = replay(windows(journal))
    assert done.divergence is None and done.n_sections == DEATHS + 1 and done.n_decisions > 10
    assert (
        b"Authorization" not in journal.read_bytes()
        and here.token.encode() not in journal.read_bytes()
    )
