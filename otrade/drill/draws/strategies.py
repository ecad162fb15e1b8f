"""What one strategy's plan and parameters may say that the first draws leave out. `number` is its
place in the scenario.
"""

import random
from typing import Any

from otrade.drill.draws.instruments import LONG_ONLY

Numbers = dict[str, Any]
BPS, RUPEES, ATR = 1, 2, 3
NOTIONAL, RISK = 1, 2
LEVELS = {"NSE:INFY": 1_545.0, "NSE:SBIN": 962.0}
FUTURE_LEVEL, OPTION_LEVEL = 25_900.0, 250.0
"""About what is paid, in rupees: only to draw distances in rupees that are like those in bps."""
SECOND = 1_000_000_000
OPEN_IST_NS = (9 * 60 + 15) * 60 * SECOND
"""Nanoseconds after midnight in India."""


def widen_strategy(
    seed: int, number: int, key: str, params: Numbers, plan: Numbers, *, is_delivery: bool
) -> tuple[Numbers, Numbers]:
    """Parameters and plan of a strategy, each subject from its own stream."""

    def stream(subject: str) -> random.Random:
        return random.Random(f"{subject} {seed} {number}")

    params = {**params, **_filters(stream("filters"))}
    if is_delivery:
        params["side_mask"] = LONG_ONLY
    level = LEVELS.get(key, FUTURE_LEVEL if key.endswith(".FUT") else OPTION_LEVEL)
    params, distances = _distances(stream("distances"), level, params, plan)
    plan = {**plan, **distances}
    plan |= _activation(stream("activation"), level, plan)
    is_share = key in LEVELS
    plan = {**plan, **_sizing(stream("sizing"), plan, is_share=is_share), **_exits(stream("ways"))}
    return params, plan


def draw_kind(seed: int, number: int, kind: str) -> str:
    """Price against its exponential or its simple average: by the latter's rules it trades alike."""
    if kind == "price_ema" and random.Random(f"average {seed} {number}").random() < 0.5:
        return "price_sma"
    return kind


def _sizing(rng: random.Random, plan: Numbers, *, is_share: bool) -> Numbers:
    """Units of a decision, in whole lots, never more than asked and never above `max_qty` (0: no
    cap). Notional: rupees divided by the reference price and the multiplier. Risk: rupees divided
    by the stop's distance and the multiplier, so that a stop twice as far halves the order. The
    reference is the last price, or the touch on the side that is entered where that is worse. Less
    than a lot: no order.
    """
    mode = rng.choice((0, 0, 0, NOTIONAL, RISK))
    if mode == NOTIONAL:
        value = rng.choice((20_000, 100_000, 800_000) if is_share else (2e6, 6e6, 1.2e8))
    elif mode == RISK:
        value = rng.choice((30, 300, 2_000) if is_share else (2_000, 6_000, 20_000))
    else:
        return {}
    caps = (0, 50, 2_000, 20_000) if is_share else (0, 300, 6_000)
    return {"size_mode": mode, "size_value": float(value), "max_qty": rng.choice(caps)}


def _distances(
    rng: random.Random, level: float, params: Numbers, plan: Numbers
) -> tuple[Numbers, Numbers]:
    """Stop, target and trail in bps of the entry's price, in rupees, or in multiples of the ATR at
    the signal; each may be of another kind. A stop of less than a tick: no entry. An ATR that has not
    warmed up lets nothing in.
    """
    kinds = {
        name: rng.choice((BPS, BPS, BPS, RUPEES, ATR)) if plan.get(f"{name}_kind") else 0
        for name in ("stop", "target", "trail")
    }
    found: Numbers = {}
    for name, kind in kinds.items():
        if kind == RUPEES:
            values = [f"{name}_value"] + (["trail_step_value"] if name == "trail" else [])
            found |= {value: max(0.05, round(plan[value] * level / 1e4, 2)) for value in values}
        elif kind == ATR:
            found[f"{name}_value"] = rng.choice((1.0, 1.5, 3.0))
            if name == "trail":
                found["trail_step_value"] = rng.choice((0.25, 1.0))
        if kind:
            found[f"{name}_kind"] = kind
    if ATR in kinds.values() and not params.get("atr_period"):
        params = {**params, "atr_period": rng.randint(2, 4)}
    return params, found


def _activation(rng: random.Random, level: float, plan: Numbers) -> Numbers:
    """How far price must have gone from the entry before the stop follows, in the trail's kind. Until
    then the stop stands where the entry has put it.
    """
    kind = plan.get("trail_kind")
    if not kind or rng.random() >= 0.4:
        return {}
    bps = rng.choice((3.0, 8.0))
    if kind == ATR:
        return {"trail_from_value": rng.choice((0.5, 1.5))}
    return {"trail_from_value": bps if kind == BPS else max(0.05, round(bps * level / 1e4, 2))}


def _filters(rng: random.Random) -> Numbers:
    """A signal whose side, RSI, ATR or time of day (a bar counts by its end) lies outside
    enters nothing; it still closes what is open the other way. Warm-up counts as outside.
    """
    found: Numbers = {}
    if rng.random() < 0.15:
        low, high = rng.choice(((50.0, 100.0), (0.0, 50.0), (35.0, 65.0)))
        found |= {"rsi_period": rng.randint(2, 5), "rsi_long_min": low, "rsi_long_max": high}
        found |= {"rsi_short_min": 100.0 - high, "rsi_short_max": 100.0 - low}
    if rng.random() < 0.15:
        low, high = rng.choice(((1.0, 0.0), (0.0, 6.0), (0.5, 20.0)))
        found |= {"atr_period": rng.randint(2, 5), "atr_min_bps": low, "atr_max_bps": high}
    if rng.random() < 0.15:
        from_s, until_s = rng.choice((0, 60, 120)), rng.choice((240, 360, 600))
        found |= {
            "tod_from_ns": OPEN_IST_NS + from_s * SECOND,
            "tod_until_ns": OPEN_IST_NS + until_s * SECOND,
        }
    return found


def _exits(rng: random.Random) -> Numbers:
    """`hysteresis_bps`: how far behind the target price must fall before the order at the target
    becomes the stop again. `ladder_*`: an exit that rests is priced `start` behind the touch, then a
    step deeper each interval, at most so many steps; then it goes to the market. `protection_e2`:
    what a market order says of its protection, in hundredths of a per cent (-1: the broker's own).
    `cooldown_ns`: after a stop no entry of this strategy for so long.
    """
    return {
        "hysteresis_bps": rng.choice((3.0, 3.0, 0.0, 10.0)),
        "ladder_start_bps": rng.choice((10.0, 10.0, 0.0, 30.0)),
        "ladder_step_bps": rng.choice((10.0, 10.0, 25.0)),
        "ladder_interval_ns": rng.choice((2_000, 2_000, 500, 5_000)) * 1_000_000,
        "ladder_max_steps": rng.choice((5, 5, 2, 12)),
        "protection_e2": rng.choice((-1, -1, -1, 100, 300)),
        "cooldown_ns": rng.choice((0, 0, 0, 20, 60)) * SECOND,
    }
