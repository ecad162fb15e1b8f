"""The newest signals and what became of them, numbered, in fixed memory; and how many of each fate
the day has had.
"""

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from otrade._core.engine.rows import DecisionRow

KEPT_MAX = 1_000


class SignalRecord(msgspec.Struct, frozen=True):
    """One crossover, or what a compiled strategy said. `reason` is a `Reason`: 0 when it was taken,
    else the gate or filter that refused it. The averages, RSI and ATR are what a built-in kind knew
    then, in rupees; `decision` is all that a compiled strategy said.
    """

    seq: int
    ts_ns: int
    strategy_id: int
    instrument_id: int
    side: int
    px_e4: int
    taken: bool
    reason: int
    fast: float
    slow: float
    rsi: float
    atr: float
    decision: DecisionRow | None = None


class SignalHistory:
    """What `Engine.take_signals` gave, bounded. Numbers count from `first_seq` and never repeat."""

    def __init__(self, first_seq: int = 1) -> None:
        self._kept: deque[SignalRecord] = deque(maxlen=KEPT_MAX)
        self._last_of: dict[int, int] = {}
        self.next_seq = first_seq
        self.n_taken = 0
        self.refused: Counter[int] = Counter()

    def extend(self, rows: Iterable[Mapping[str, Any]]) -> None:
        for row in rows:
            seen = SignalRecord(
                self.next_seq,
                row["ts_ns"],
                row["strategy_id"],
                row["instrument_id"],
                row["side"],
                row["px_e4"],
                row["taken"],
                row["reason"],
                row["fast"],
                row["slow"],
                row["rsi"],
                row["atr"],
                row["decision"],
            )
            self.next_seq += 1
            self._kept.append(seen)
            self._last_of[seen.strategy_id] = seen.seq
            if seen.taken:
                self.n_taken += 1
            else:
                self.refused[seen.reason] += 1

    def since(self, seq: int) -> list[SignalRecord]:
        """The kept signals with a number above `seq`, oldest first."""
        return [seen for seen in self._kept if seen.seq > seq]

    def last_of(self, strategy_id: int) -> int | None:
        """The number of the strategy's newest signal."""
        return self._last_of.get(strategy_id)
