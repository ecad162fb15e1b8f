"""The days of price files against the sessions of what they are prices of: bars outside a session
are counted and said, never dropped in silence, and a file whose times cannot be right is refused.
"""

import datetime as dt

from otrade.price_files.bars import FileBar, PriceFile
from otrade.simulator.base.config import NS_PER_S
from otrade.simulator.base.universe import ListedContract

UTC_IS_BEHIND_NS = (5 * 60 + 30) * 60 * NS_PER_S


class BarsOutsideSessions:
    """Counts the bars of one file that no session holds."""

    def __init__(self, file: PriceFile, key: str) -> None:
        self._file = file
        self._key = key
        self._n = self._inside = self._inside_if_utc = 0
        self._days: list[str] = []
        self._first: tuple[int, str] | None = None

    def add(self, date: dt.date, bars: list[FileBar], contract: ListedContract) -> None:
        start_ns, end_ns = contract.session_ns(date)
        self._n += len(bars)
        outside = [bar for bar in bars if not start_ns <= bar.ts_ns < end_ns]
        self._inside += len(bars) - len(outside)
        self._inside_if_utc += sum(
            start_ns <= bar.ts_ns + UTC_IS_BEHIND_NS < end_ns for bar in bars
        )
        if not outside:
            return
        self._days.append(f"{date} {len(outside)} of {len(bars)}")
        worst = 2 * len(outside) > len(bars)
        if self._first is None or (worst and not self._first[1]):
            words = f"{len(outside)} of {len(bars)} bars of {date} lie outside the session ({_clock(start_ns)} to {_clock(end_ns)} IST)"
            self._first = self._file.lines[outside[0].ts_ns], words if worst else ""

    def settle(self) -> str:
        """What to say of them; empty when there are none. PriceFileError when most of a day, or of
        the file read as UTC, says that the times are wrong.
        """
        if self._first is None:
            return ""
        line, words = self._first
        n_outside = self._n - self._inside
        told = f"{n_outside} of {self._n} bars lie outside the sessions of {self._key}"
        if self._inside_if_utc > self._inside:
            raise self._file.error(
                line,
                self._file.time_column,
                f"{told}; the times look like UTC: turn them into Indian time, or write their zone (2026-11-20 03:45:00+00:00)",
            )
        if words:
            raise self._file.error(
                line,
                self._file.time_column,
                f"{words}; correct the times, or remove what is no trading of {self._key}",
            )
        days = ", ".join(self._days[:5]) + (
            f" and {len(self._days) - 5} days more" if len(self._days) > 5 else ""
        )
        return f"{self._file.path}: {told} and are not traded ({days}); the first is on line {line}"


def _clock(ts_ns: int) -> str:
    minutes = (ts_ns // NS_PER_S + 19_800) % 86_400 // 60
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
