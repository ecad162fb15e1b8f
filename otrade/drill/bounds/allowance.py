"""How long what is wanted since a moment may still be missing: the time that it takes by itself, and
what troubles have added that have really struck.

A trouble that is armed and has not struck excuses nothing; nor does one that struck when the thing
was due already, nor one whose after-effect had ended before the thing was wanted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

SECOND = 1_000_000_000
Strikes = Sequence[tuple[int, str]]
"""(when, kind), in order of time."""


@dataclass(frozen=True, slots=True)
class TroubleAllowance:
    """One trouble of a session: from when on it may strike, for how long it is in force after it has
    struck, and how much longer all that it concerns may take, at most.
    """

    kind: str
    armed_ns: int
    lasts_ns: int
    most_ns: int

    @property
    def after_ns(self) -> int:
        """What is left of it when it is over. Where it delays by more than it lasts, the rest."""
        return self.most_ns - self.lasts_ns if self.most_ns > self.lasts_ns else self.most_ns

    def delay_ns(self, strikes: Strikes, since_ns: int, due_ns: int) -> int:
        """By how much it delays a thing that is wanted since then and due at that time."""
        mine = [
            ts_ns
            for ts_ns, kind in strikes
            if kind == self.kind and self.armed_ns <= ts_ns <= due_ns
        ]
        if not mine:
            return 0
        over_ns = max(mine) + self.lasts_ns + self.after_ns
        return max(0, min(self.most_ns, over_ns - max(since_ns, mine[0])))


class Allowances:
    """Those of one session. `base_ns`: what a thing takes where nothing goes wrong. `strikes` grows
    while the session runs.
    """

    def __init__(
        self, base_ns: int, troubles: Sequence[TroubleAllowance], strikes: Strikes
    ) -> None:
        self._base_ns = base_ns
        self._troubles = troubles
        self._strikes = strikes

    def due_ns(self, since_ns: int) -> int:
        """By when a thing must be done that is wanted since then."""
        return since_ns + self._base_ns + sum(self._delays(since_ns).values())

    def excuses(self, since_ns: int) -> list[str]:
        """Kinds of trouble that delay it."""
        return sorted(self._delays(since_ns))

    def _delays(self, since_ns: int) -> Mapping[str, int]:
        """By kind. One trouble may delay a thing until another one strikes, so it is looked at until
        nothing is added.
        """
        due_ns, before_ns = since_ns + self._base_ns, 0
        found: dict[str, int] = {}
        while due_ns != before_ns:
            before_ns, found = due_ns, {}
            for trouble in self._troubles:
                delay_ns = trouble.delay_ns(self._strikes, since_ns, due_ns)
                if delay_ns:
                    found[trouble.kind] = found.get(trouble.kind, 0) + delay_ns
            due_ns = max(before_ns, since_ns + self._base_ns + sum(found.values()))
        return found
