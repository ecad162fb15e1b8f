"""How long to wait before the next try: twice as long each time, up to a cap, with jitter so that
clients spread out.
"""

import random

NS_PER_S = 1_000_000_000


class Backoff:
    """Delays in nanoseconds. The random source is injected: a run with the same seed waits the
    same.
    """

    def __init__(
        self, rng: random.Random, *, first_ns: int = NS_PER_S, cap_ns: int = 60 * NS_PER_S
    ) -> None:
        self._rng = rng
        self._first_ns = first_ns
        self._cap_ns = cap_ns
        self.tries = 0

    def next_ns(self) -> int:
        """The next delay: between half and all of first * 2**tries, and never more than the cap."""
        full_ns = min(self._cap_ns, self._first_ns << min(self.tries, 32))
        self.tries += 1
        return int(full_ns * self._rng.uniform(0.5, 1.0))

    def reset(self) -> None:
        """It works again."""
        self.tries = 0
