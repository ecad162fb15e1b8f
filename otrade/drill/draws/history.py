"""Whether indicators go on from the sessions before, and how the broker answers when it is asked for
them.
"""

import random
from dataclasses import dataclass

SHARE = 0.2
"""Of the scenarios: their bars are of a minute, the shortest that history has."""
INTERVAL_S = 60
FURTHER_S = 180
"""Of bars beside those: history has whole minutes."""
ANSWERS = ("whole", "whole", "whole", "empty", "refused", "late")
MAX_WAIT_S = 2.0
LATE_S = 1.5
"""Of one answer: the second question is still asked, a third one is not."""


@dataclass(frozen=True, slots=True)
class HistoryDraw:
    """`whole`: the bars of the sessions before, and today's so far. `empty`: an answer without a row;
    `refused`: no subscription; `late`: the time that a start may wait is over behind the second
    instrument. Who is told nothing starts afresh, and nobody acts on what was told.
    """

    answer: str = ""
    """Empty: nobody asks (`warm_start` is off)."""
    dies_behind: int = 0
    """The day's first process dies behind so many records of history; 0: it does not."""

    @property
    def kept_waiting_s(self) -> float:
        """How much later a start in mid-day may be there because of it."""
        return {"": 0.0, "late": MAX_WAIT_S + LATE_S}.get(self.answer, MAX_WAIT_S)


COLD = HistoryDraw()


def draw_history(seed: int) -> HistoryDraw:
    rng = random.Random(f"history {seed}")
    if rng.random() >= SHARE:
        return COLD
    return HistoryDraw(rng.choice(ANSWERS), rng.choice((0, 0, 1, 2, 3)))
