"""What is wrong with a strategy file: where, what, and what to write instead."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from otrade.errors import StrategyError

GUIDE = "docs/strategies.md"
LISTED_MAX = 16


@dataclass(frozen=True)
class Fault:
    line: int
    column: int
    what: str
    instead: str


class FaultFound(Exception):
    """Ends the reading of one statement; the others are read all the same."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.what)
        self.fault = fault


class Faults:
    """All faults of a file, so that a person sees every one and not only the first."""

    def __init__(self, path: str, lines: list[str]) -> None:
        self.path = path
        self.lines = lines
        self.found: list[Fault] = []

    def at(self, node: Any, what: str, instead: str) -> FaultFound:
        """The fault at a node. Columns count characters from 1; the tree counts bytes."""
        line, offset = getattr(node, "lineno", 1), getattr(node, "col_offset", 0)
        text = self.lines[line - 1] if line <= len(self.lines) else ""
        column = len(text.encode()[:offset].decode(errors="replace")) + 1
        return FaultFound(Fault(line, column, what, instead))

    def raise_all(self) -> None:
        if self.found:
            raise self.error()

    def error(self) -> StrategyError:
        ordered = sorted(dict.fromkeys(self.found), key=lambda one: (one.line, one.column))
        return StrategyError(
            "\n".join(
                f"{self.path}:{one.line}:{one.column}: {one.what}; write {one.instead} instead"
                for one in ordered
            )
        )


def nearest(name: str, known: Iterable[str], prefix: str = "") -> str:
    """What was meant, or all that there is."""
    words = sorted(known)
    close = difflib.get_close_matches(name, words, 1)
    if close:
        return prefix + close[0]
    if not words or len(words) > LISTED_MAX:
        return f"a word of {GUIDE}" if words else "another name"
    return "one of " + ", ".join(prefix + word for word in words)
