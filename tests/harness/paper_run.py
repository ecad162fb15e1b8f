"""`otrade run` on paper in this process, and a way to take part in its day's beat."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from otrade.live.day.trading_day import TradingDay
from otrade.live.runner import Runner

MAX = float("inf")
FRIDAY = "2026-11-20"
CONFIG: dict[str, Any] = {
    "mode": "paper",
    "sim": {"seed": 5, "ticks_per_s": 0.5},
    "instruments": [{"symbol": "NSE:INFY"}, {"symbol": "NSE:SBIN"}],
    "strategies": [
        {
            "kind": "ema_cross",
            "name": f"{symbol} cross",
            "instrument": f"NSE:{symbol}",
            "sizing": {"mode": "fixed", "value": 10},
            "bracket": {
                "stop": {"kind": "pct", "value": 0.2},
                "target": {"kind": "pct", "value": 0.3},
            },
            "params": {"fast_period": 3, "slow_period": 8},
        }
        for symbol in ("INFY", "SBIN")
    ],
    "risk": {"cooldown_after_stop_s": 0},
}


def file_strategy(name: str, file: str, **params: float) -> dict[str, Any]:
    """One of the shipped strategy files on INFY, as a configuration has it."""
    return {
        "kind": "file",
        "name": name,
        "file": file,
        "instrument": "NSE:INFY",
        "sizing": {"mode": "fixed", "value": 10},
        "bracket": {"stop": {"kind": "pct", "value": 0.5}},
        "params": params,
    }


def write(folder: Path, **changes: Any) -> Path:
    path = folder / "config.json"
    path.write_text(json.dumps(CONFIG | changes))
    return path


def on_beat(monkeypatch: pytest.MonkeyPatch, listener: Callable[[TradingDay, int], None]) -> None:
    """Let a test take part in the day's beat."""
    begin = Runner.begin

    def begin_and_listen(runner: Runner, day: TradingDay) -> None:
        begin(runner, day)
        day.listen_to_beats(lambda now_ns: listener(day, now_ns))

    monkeypatch.setattr(Runner, "begin", begin_and_listen)
