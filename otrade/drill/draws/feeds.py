"""A second feed beside the session's own, of another broker, and what goes wrong with one of the two
while the other one is well.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

SHARE = 0.2
"""Of the scenarios: prices come by two feeds."""
FAILOVERS_MS = (500, 2_000)
"""Shorter than a socket's silence is noticed in, so that this alone says when the other is believed."""
TROUBLED = 0.7
"""Of those: one of the feeds is in trouble, once or several times."""


@dataclass(frozen=True, slots=True)
class SecondFeedDraw:
    """`broker`: whose feed it is; empty: there is none. What is traded comes to the strategies once,
    from whichever feed tells of it first: by the day's volume, or, where the wire has none, from one
    feed until it is down or silent about the instrument for `failover_ms`. Orders, and all that is
    told of them, stay with the session's own broker.
    """

    broker: str = ""
    failover_ms: int = 2_000

    @property
    def failover_ns(self) -> int:
        return self.failover_ms * 1_000_000


ONE_FEED = SecondFeedDraw()


def draw_second_feed(
    seed: int, broker: str, brokers: Sequence[str], *, is_wanted: bool
) -> SecondFeedDraw:
    """`broker`: the session's own. `is_wanted`: whatever the seed says."""
    rng = random.Random(f"second feed {seed}")
    if rng.random() >= SHARE and not is_wanted:
        return ONE_FEED
    others = [name for name in brokers if name != broker]
    return SecondFeedDraw(rng.choice(others), rng.choice(FAILOVERS_MS))


def draw_feed_troubles(
    seed: int, kinds: Sequence[str], last_s: float, *, is_wanted: bool
) -> list[tuple[float, str, random.Random]]:
    """When, which of these kinds, and what its own terms are drawn from."""
    rng = random.Random(f"feed trouble {seed}")
    if not kinds or (rng.random() >= TROUBLED and not is_wanted):
        return []
    return [
        (
            round(rng.uniform(5, last_s), 1),
            rng.choice(kinds),
            random.Random(f"feed trouble {seed} {number}"),
        )
        for number in range(rng.choice((1, 1, 2, 3)))
    ]
