"""What can be said of an engine that does not answer: since when, what was open by its last word, what
the watchdog says.
"""

import os
from pathlib import Path

import msgspec

from otrade.contract import views
from otrade.engine_link.link import EngineLink
from otrade.file_lock import is_locked
from otrade.live.watchdog.heartbeat import read_protection
from otrade.plain_file import open_own
from otrade.server.engine_starter import EngineStarter
from otrade.units import NS_PER_MS, ist_hms

TAIL_BYTES = 4096
WORDS_MAX = 400
SAME_MS = 5_000
"""The end of the engine that was heard last, and not of one before."""


class GoneWords:
    """Of one directory. Files are looked at once a second."""

    def __init__(
        self, link: EngineLink, var: Path, mode: views.Mode, starter: EngineStarter
    ) -> None:
        self._link = link
        self._var = var
        self._mode = mode
        self._starter = starter
        self._looked_s = -1
        self._disk = (None, "")  # type: tuple[int | None, str]

    def now(self, now_ms: int) -> views.EngineGone:
        """As of this moment of UNIX time."""
        if now_ms // 1000 != self._looked_s:
            self._looked_s = now_ms // 1000
            self._disk = (self._open_on_disk(), self._watchdog())
        open_on_disk, watchdog = self._disk
        last, heard_ms = self._link.replica.last, self._link.heard_ms
        open_qty = last.protection.open_qty if last is not None else open_on_disk
        protected_qty = last.protection.protected_qty if last is not None else None
        words = [self._since(heard_ms, now_ms)]
        if heard_ms is not None or open_on_disk is not None:
            words.append(_open_words(open_qty, protected_qty))
        if self._starter.last_words and (self._starter.ended_ms or 0) + SAME_MS >= (heard_ms or 0):
            words.append(self._starter.last_words)
        if not self._link.is_ended:
            words.append(watchdog)
            words.append("Start it again, or look at the broker's page.")
        return views.EngineGone(
            since_ms=heard_ms,
            open_qty=open_qty,
            protected_qty=protected_qty,
            words=" ".join(word for word in words if word),
        )

    def _since(self, heard_ms: int | None, now_ms: int) -> str:
        if self._link.refusal:
            return f"The engine does not let this server in: {self._link.refusal}."
        if heard_ms is None:
            return "No engine has answered yet."
        at = f"{ist_hms(heard_ms * NS_PER_MS)} IST ({max(now_ms - heard_ms, 0) // 1000} s ago)"
        if self._link.is_ended:
            return f"The engine has ended in order at {at}."
        return f"The engine has not answered since {at}; what is shown is of then."

    def _open_on_disk(self) -> int | None:
        protection = read_protection(self._var)
        return sum(b.open_qty for b in protection.brackets) if protection is not None else None

    def _watchdog(self) -> str:
        if not (self._var / "run" / "engine.lock").exists() and self._link.heard_ms is not None:
            return "The engine is another user's: what its watchdog says is not known here."
        if self._mode == "paper":
            return "On paper there is no watchdog: what was open was on the simulated exchange."
        lives = "runs" if is_locked(self._var / "run" / "watchdog.lock") else "does NOT run"
        said = last_line(self._var / "log" / "watchdog.jsonl")
        return f"The watchdog {lives}" + (f"; it said last: {said}" if said else ".")


def _open_words(open_qty: int | None, protected_qty: int | None) -> str:
    if open_qty is None:
        return ""
    if open_qty == 0:
        return "By its last word nothing was open."
    covered = f", {protected_qty} of them protected" if protected_qty is not None else ""
    return f"By its last word {open_qty} units were open{covered}; stops that rest at the exchange stay there."


def last_line(path: Path) -> str:
    """What a log of ours said last; empty when there is none that is to be believed."""
    try:
        with open_own(path) as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(size - TAIL_BYTES, 0))
            lines = file.read().splitlines()
        row = msgspec.json.decode(lines[-1])
        return str(row.get("text", ""))[:WORDS_MAX]
    except (OSError, IndexError, AttributeError, msgspec.DecodeError):
        return ""
