"""One instrument's trades of one day, made before it begins, so that nothing depends on who looks
when.
"""

from __future__ import annotations

import math
import random
from array import array
from dataclasses import dataclass, field

from otrade.simulator.base.config import NS_PER_S
from otrade.simulator.base.universe import ListedContract

REGIME_S = (420, 2100)
"""A drift lasts between 7 and 35 minutes: moving averages cross several times a day."""


@dataclass(slots=True)
class PricePath:
    """Parallel arrays, one entry a trade."""

    ts_ns: array[int] = field(default_factory=lambda: array("q"))
    px_e4: array[int] = field(default_factory=lambda: array("q"))
    qty: array[int] = field(default_factory=lambda: array("q"))
    """Quantity traded since the entry before (0 for an index)."""
    noise: array[int] = field(default_factory=lambda: array("Q"))
    """64 random bits, out of which depth is made when somebody looks."""

    def __len__(self) -> int:
        return len(self.ts_ns)


@dataclass(frozen=True, slots=True)
class ReferencePath:
    """An unrounded price in time: what an index, its futures and its options are priced from."""

    ts_ns: array[int]
    px_e4: array[float]


def shape(part: float) -> float:
    """Volatility and volume through the day, U-shaped, about 1 on average. `part` is 0 at the open
    and 1 at the close.
    """
    x = 2 * part - 1
    return 0.62 + 1.9 * x**4 + 0.5 * math.exp(-part * 60)


def times(start_ns: int, end_ns: int, interval_ns: int) -> array[int]:
    """A grid from the open, the close excluded."""
    return array("q", range(start_ns, end_ns, interval_ns))


def walk(
    seed: str, ts_ns: array[int], start_e4: float, end_e4: float, day_sigma: float, first: int = 0
) -> ReferencePath:
    """A random walk with drift regimes from an opening gap to `end_e4`, the day's close.

    `first`: only that many steps of it are made, with the day's volatility, and bent to no close; 0
    means all.
    """
    rng = random.Random(seed)
    n = len(ts_ns)
    gap = rng.gauss(0, 0.3 * day_sigma)
    step_s = (ts_ns[1] - ts_ns[0]) / NS_PER_S if n > 1 else 1.0
    step_sigma = 0.8 * day_sigma / math.sqrt(max(n, 1))
    logs = array("d")
    at, drift, change_at = 0.0, 0.0, 0
    gauss = rng.gauss
    for i in range(min(first, n) if first else n):
        if i == change_at:
            length = max(1, int(rng.uniform(*REGIME_S) / step_s))
            drift = gauss(0, 0.35 * day_sigma) / length
            change_at = i + length
        at += drift + step_sigma * shape(i / n) * gauss(0, 1)
        logs.append(at)
    first_e4 = start_e4 * math.exp(gap)
    # The walk is bent so that it ends where the next day's previous close will be.
    bend = (math.log(end_e4 / first_e4) - at) / n if n and not first else 0.0
    exp = math.exp
    return ReferencePath(
        ts_ns[: len(logs)],
        array("d", [first_e4 * exp(x + bend * (i + 1)) for i, x in enumerate(logs)]),
    )


def traded(
    seed: str, contract: ListedContract, reference: ReferencePath, prices_e4: array[int], n_day: int
) -> PricePath:
    """Add traded quantities and noise to prices. `n_day`: trades of the whole day, over which the
    volume has its shape.
    """
    rng = random.Random(seed)
    bits, expo = rng.getrandbits, rng.expovariate
    n = len(prices_e4)
    qty, noise = array("q"), array("Q")
    typical = contract.depth_lots * 0.5
    for i in range(n):
        noise.append(bits(64))
        qty.append(
            contract.lot * (1 + int(typical * shape(i / n_day) * expo(1.0)))
            if contract.tradable
            else 0
        )
    return PricePath(reference.ts_ns[:n], prices_e4, qty, noise)


def _normal(x: float) -> float:
    return 0.5 * (1 + math.erf(x / math.sqrt(2)))


def option_e4(spot_e4: float, strike_e4: int, days: float, sigma_year: float, kind: str) -> float:
    """Black's price without interest: what is plausible, not what is exact."""
    spread = sigma_year * math.sqrt(max(days, 0.02) / 365)
    d1 = math.log(spot_e4 / strike_e4) / spread + spread / 2
    call = spot_e4 * _normal(d1) - strike_e4 * _normal(d1 - spread)
    return max(call if kind == "CE" else call - spot_e4 + strike_e4, 0.0)
