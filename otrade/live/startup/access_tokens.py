"""Which access token is taken: the newest that the broker has not refused, whatever its source.

A process's environment cannot be changed from outside, so a token that came with it and is dead
would be dead for ever: whoever logs in again must win. A token that was refused once is not taken
again, over a restart too: its hash is kept beside the session file, never the token.
"""

import contextlib
import hashlib
import time
from pathlib import Path

import msgspec

from otrade.plain_file import read_own, write_whole

KEPT = 32
"""Refused tokens that are remembered: one or two a day come."""


class TokenCandidate(msgspec.Struct, frozen=True):
    """One token that somebody has left. Its repr does not show it."""

    token: str
    source: str
    """For people."""
    since_ns: int
    """When it was left there; for the environment, when this process began."""

    def __repr__(self) -> str:
        return f"TokenCandidate(source={self.source!r})"


class _RefusedFile(msgspec.Struct):
    refused: list[str]


class RefusedTokens:
    """Hashes, in memory and in a file. The file is a help: where it cannot be read or written,
    memory serves.
    """

    def __init__(self, path: Path, salt: str) -> None:
        self._path = path
        self._salt = salt
        self._hashes: list[str] = []

    def __contains__(self, token: str) -> bool:
        return self._hash(token) in self._hashes or self._hash(token) in self._read()

    def add(self, token: str) -> None:
        """OSError never: that a token is dead is known here whatever the disk does."""
        found = self._hash(token)
        if found in self._hashes:
            return
        self._hashes.append(found)
        kept = [one for one in self._read() if one != found][-KEPT + 1 :]
        with contextlib.suppress(OSError):
            self._write([*kept, found])

    def discard(self, token: str) -> None:
        """A login has just brought it: it is good, whatever was said of it before."""
        found = self._hash(token)
        self._hashes = [one for one in self._hashes if one != found]
        if found in (kept := self._read()):
            with contextlib.suppress(OSError):
                self._write([one for one in kept if one != found])

    def _hash(self, token: str) -> str:
        return hashlib.sha256(f"{self._salt}:{token}".encode()).hexdigest()

    def _read(self) -> list[str]:
        try:
            return msgspec.json.decode(read_own(self._path), type=_RefusedFile).refused
        except (OSError, msgspec.DecodeError):
            return []

    def _write(self, hashes: list[str]) -> None:
        write_whole(self._path, msgspec.json.encode(_RefusedFile(hashes)))


def process_began_ns() -> int:
    """On the machine's clock. As a process sees it, its environment is as old as itself."""
    return _BEGAN_NS


_BEGAN_NS = time.time_ns()
