"""Which of the shipped strategy files a strategy is, with parameters for sessions of some minutes."""

import random
from dataclasses import dataclass
from typing import Any

SHARE = 0.2
"""Of the strategies."""
BPS, ATR = 1, 3
INSTEAD = {
    "stop_kind": {"stop_value": 20.0},
    "target_kind": {"target_value": 15.0},
    "trail_kind": {"trail_value": 10.0, "trail_step_value": 2.0, "trail_from_value": 0.0},
}
"""Distances of a plan whose multiples of an ATR a file cannot have."""


@dataclass(frozen=True, slots=True)
class FileDraw:
    """`params`: all that the file has. `further_s`: in place of the minutes that it names."""

    file: str
    interval_s: int
    params: dict[str, Any]
    further_s: tuple[int, ...] = ()


def draw_file(seed: int, number: int) -> FileDraw | None:
    """What the strategy of that place is; None: it is of a built-in kind."""
    rng = random.Random(f"file {seed} {number}")
    if rng.random() >= SHARE:
        return None
    file, interval_s = rng.choice(FILES), rng.choice((5, 10, 15))
    return FileDraw(file, interval_s, _params(rng, file), (30,) if file == SLOWER else ())


def without_atr(plan: dict[str, Any]) -> dict[str, Any]:
    """Where a distance is a multiple of the ATR, bps of the price in its place."""
    found = dict(plan)
    for kind, values in INSTEAD.items():
        if found.get(kind) == ATR:
            found |= {kind: BPS, **values}
    return found


SLOWER = "rsi_reversion.py"
FILES = (
    "ema_crossover.py",
    "opening_range.py",
    "range_trailing.py",
    SLOWER,
    "supertrend_trailing.py",
    "timed_momentum.py",
    "volatility_breakout.py",
    "vwap_reversion.py",
)


def _params(rng: random.Random, file: str) -> dict[str, Any]:
    """Short periods, so that each says something in a session's hundred bars."""
    if file == "ema_crossover.py":
        return {"fast_period": rng.randint(2, 4), "slow_period": rng.randint(5, 9)}
    if file == "opening_range.py":
        return {"minutes": rng.randint(1, 2), "room": rng.choice((0.0, 1.0, 5.0))}
    if file == "range_trailing.py":
        return {
            "period": rng.randint(3, 8),
            "atr_period": rng.randint(2, 5),
            "ranges": rng.choice((0.7, 1.5, 3.0)),
        }
    if file == SLOWER:
        return {
            "period": rng.randint(2, 4),
            "low": rng.choice((35.0, 45.0)),
            "high": rng.choice((55.0, 65.0)),
            "trend_period": rng.randint(2, 3),
            "rest": rng.choice((0, 4, 10)),
            "stop": rng.choice((0.05, 0.1, 0.3)),
        }
    if file == "supertrend_trailing.py":
        return {"period": rng.randint(2, 5), "factor": rng.choice((1.0, 1.5, 3.0))}
    if file == "timed_momentum.py":
        return {
            "looks": rng.randint(2, 5),
            "edge": rng.choice((0.0, 1.0, 3.0)),
            "last": rng.choice((0, 1, 3)),
        }
    if file == "volatility_breakout.py":
        return {
            "period": rng.randint(4, 12),
            "atr_period": rng.randint(2, 5),
            "stop_ranges": rng.choice((1.0, 2.0, 5.0)),
            "target_ranges": rng.choice((1.0, 4.0)),
            "risk": rng.choice((100.0, 500.0, 5_000.0)),
        }
    return {
        "period": rng.randint(5, 10),
        "far": rng.choice((0.8, 1.2, 2.0)),
        "stop_at": rng.choice((1.0, 2.5)),
        "last": rng.choice((0, 3)),
    }
