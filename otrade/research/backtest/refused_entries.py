"""Entries that a strategy asked for and that a gate of the core refused, counted by strategy and reason: a backtest in which no lot
fits the capital would otherwise say "0 trades" and nothing else.
"""

from __future__ import annotations

from collections import Counter

from otrade._core.types import Action, Reason
from otrade.live.notices.messages import reason_words
from otrade.live.plan.day_plan import DayPlan
from otrade.research.results.facts import ResultRefusal, refused_words

RING = 1024
"""Signals of a day that an engine keeps for whoever asks."""
ENTRIES = (Action.BUY, Action.SELL)


class RefusedEntries:
    """Of all days. A strategy file that asks for the same again within a minute is told, and counted, once."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, int]] = Counter()
        self._is_all = True

    def add_day(self, plan: DayPlan) -> str:
        """What the day's engine has refused; in words, "" when nothing."""
        signals = plan.engine.take_signals()
        if len(signals) == RING:
            self._is_all = False
        of_day: Counter[tuple[str, int]] = Counter()
        for signal in signals:
            said = signal["decision"]
            is_entry = signal["side"] != 0 if said is None else said["action"] in ENTRIES
            if is_entry and not signal["taken"]:
                of_day[plan.strategy_of(signal["strategy_id"]), signal["reason"]] += 1
        self._counts += of_day
        return refused_words(self._rows(of_day))

    def rows(self) -> list[ResultRefusal]:
        """The most first."""
        return self._rows(self._counts)

    def _rows(self, counts: Counter[tuple[str, int]]) -> list[ResultRefusal]:
        return [
            ResultRefusal(
                strategy=name,
                reason=Reason(reason).name,
                words=reason_words(reason),
                entries=n,
                is_all=self._is_all,
            )
            for (name, reason), n in counts.most_common()
        ]
