"""What the account has carried over the night: positions of a day that this engine knows nothing of."""

import random
from collections.abc import Mapping
from dataclasses import dataclass

SHARE = 0.6
"""Of the futures that are traded to be carried (NRML). Brokers show shares that were bought for
delivery among the holdings the day after, which are no positions.
"""
KEPT = 0.5
"""Of those: nobody closes them all day."""


@dataclass(frozen=True, slots=True)
class CarriedPosition:
    """So many lots of `key`, bought (`side` 1) or sold on the day before. No entry is sent there while
    it is held, and nothing of it is ever touched. `closed_s`: its owner closes it so many seconds
    after the open, and the instrument trades again; 0: he does not.
    """

    key: str
    product: str
    side: int
    lots: int
    closed_s: float = 0.0


def draw_carried(seed: int, products: Mapping[str, str], last_s: float) -> list[CarriedPosition]:
    """`products`: of the instruments that are traded, by their keys."""
    found = []
    for key, product in products.items():
        rng = random.Random(f"carried {seed} {key}")
        if product != "NRML" or not key.endswith(".FUT") or rng.random() >= SHARE:
            continue
        side, lots = rng.choice((-1, 1)), rng.choice((1, 3))
        closed_s = 0.0 if rng.random() < KEPT else round(rng.uniform(20, last_s * 0.6), 1)
        found.append(CarriedPosition(key, product, side, lots, closed_s))
    return found
