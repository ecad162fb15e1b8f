"""What one target still has to get: the loudest first, again after a longer wait when it failed,
never without end. Pure: no thread, no clock.
"""

import random

import msgspec

CAPACITY = 64
FIRST_S, CAP_S = 2.0, 60.0
"""Wait after the first failure, and at most."""
AGE_S_MAX = 900.0
"""What is older is given up: by then somebody has looked, or will not."""


class PendingAlert(msgspec.Struct):
    """One message for one target. `level` is an `AlertLevel`; the higher goes first."""

    id: int
    level: int
    title: str
    body: str
    ts_s: float = 0.0
    n_tries: int = 0


class DeliveryOutcome(msgspec.Struct, frozen=True):
    """What became of an alert, for good."""

    id: int
    target: str
    ok: bool
    n_tries: int
    why: str = ""


class RetryQueue:
    """Times are seconds on any clock that only moves forward."""

    def __init__(self, target: str, *, tries: int, loudest: int, rng: random.Random) -> None:
        """An alert of level `loudest` is tried at once, whatever failed before it."""
        self._target = target
        self._tries = tries
        self._loudest = loudest
        self._rng = rng
        self._waiting: list[PendingAlert] = []
        self._rest_until_s = 0.0
        self._n_failures = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, pending: PendingAlert, now_s: float) -> DeliveryOutcome | None:
        """Take one in. When there is no room the least important one is given up: its outcome."""
        pending.ts_s = now_s
        self._waiting.append(pending)
        if pending.level >= self._loudest:
            self._rest_until_s = now_s
        if len(self._waiting) <= CAPACITY:
            return None
        least = min(self._waiting, key=lambda one: (one.level, -one.id))
        self._waiting.remove(least)
        return DeliveryOutcome(
            least.id, self._target, False, least.n_tries, f"more than {CAPACITY} alerts are waiting"
        )

    def wait_s(self, now_s: float) -> float | None:
        """How long until the next try; None when nothing waits."""
        return max(self._rest_until_s - now_s, 0.0) if self._waiting else None

    def take(self, now_s: float) -> PendingAlert | None:
        """The next one to try now, or None. It is to be told of by `tried` before the next is
        taken.
        """
        if not self._waiting or now_s < self._rest_until_s:
            return None
        pending = max(self._waiting, key=lambda one: (one.level, -one.id))
        self._waiting.remove(pending)
        pending.n_tries += 1
        return pending

    def tried(
        self, pending: PendingAlert, ok: bool, why: str, now_s: float
    ) -> DeliveryOutcome | None:
        """What came of it. None: it will be tried again."""
        if ok:
            self._n_failures = 0
            return DeliveryOutcome(pending.id, self._target, True, pending.n_tries)
        self._n_failures += 1
        wait_s = min(FIRST_S * 2 ** (self._n_failures - 1), CAP_S)
        self._rest_until_s = now_s + wait_s * self._rng.uniform(0.75, 1.25)
        if pending.n_tries >= self._tries or now_s - pending.ts_s >= AGE_S_MAX:
            return DeliveryOutcome(pending.id, self._target, False, pending.n_tries, why)
        self._waiting.append(pending)
        return None

    def give_up(self, why: str) -> list[DeliveryOutcome]:
        """Everything that waits is not delivered."""
        outcomes = [
            DeliveryOutcome(one.id, self._target, False, one.n_tries, why) for one in self._waiting
        ]
        self._waiting.clear()
        return outcomes
