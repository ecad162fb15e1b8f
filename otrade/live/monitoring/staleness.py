"""What lasts too long is said, and what is quiet has its age: two looks on the beat, at what the
core already knows.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from otrade._core.types import Severity
from otrade.clock import NS_PER_S

if TYPE_CHECKING:
    from otrade.live.day.trading_day import TradingDay


class NakedWatch:
    """Says once of each bracket that some of its open quantity has had no working stop for
    `naked_ns`, and once that it has again.
    """

    def __init__(self, day: "TradingDay", naked_ns: int) -> None:
        self._day = day
        self._naked_ns = naked_ns
        self._next_ns = 0
        self._said: dict[int, int] = {}
        """Brackets that were said to be naked, and since when they were."""

    def on_beat(self, now_ns: int) -> None:
        """At most once a second of engine time: each bracket that lives is a look into the core."""
        if now_ns < self._next_ns:
            return
        self._next_ns = now_ns + NS_PER_S
        engine = self._day.engine
        naked: dict[int, int] = {}
        for bracket_id in engine.live_brackets():
            bracket = engine.bracket(bracket_id)
            since_ns = bracket["naked_since_ns"]
            if not since_ns or now_ns - since_ns < self._naked_ns:
                continue
            naked[bracket_id] = since_ns
            if bracket_id not in self._said:
                left = bracket["open_qty"] - bracket["protected_qty"]
                self._say(
                    Severity.ALARM,
                    "NAKED",
                    bracket_id,
                    f"{left} of {bracket['open_qty']} open units have had no working stop for {(now_ns - since_ns) // NS_PER_S} s",
                )
        for bracket_id in [bracket_id for bracket_id in self._said if bracket_id not in naked]:
            gone_s = (now_ns - self._said.pop(bracket_id)) // NS_PER_S
            bracket = engine.bracket(bracket_id)
            how = "is closed" if not bracket["open_qty"] else "has a working stop again"
            self._say(
                Severity.INFO, "COVERED", bracket_id, f"what was naked {how}, after {gone_s} s"
            )
        self._said.update(naked)

    def _say(self, severity: Severity, code: str, bracket_id: int, words: str) -> None:
        instrument_id = self._day.engine.bracket(bracket_id)["instrument_id"]
        symbol = self._day.plan.symbol_of(instrument_id)
        self._day.board.say(
            severity, code, f"{symbol}: {words}", instrument_id=instrument_id, bracket_id=bracket_id
        )


class FrameWatch:
    """When the last frame of a feed came, to within a beat, without a word on the feed's own path."""

    def __init__(self, n_frames: Callable[[], int]) -> None:
        self._n_frames = n_frames
        self._n_seen = 0
        self.ts_ns = 0
        """Engine time of the beat that saw it; 0: none has come."""

    def on_beat(self, now_ns: int) -> None:
        n = self._n_frames()
        if n != self._n_seen:
            self._n_seen, self.ts_ns = n, now_ns
