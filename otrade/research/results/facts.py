"""`result.json`: what a result says of itself, beside its rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, Literal

import msgspec

VERSION = 1
"""Of the layout of a result folder."""
RESULT_FILE = "result.json"
Kind = Literal["backtest", "paper", "dry", "live"]


class _FactsBase(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class ResultStrategy(_FactsBase, frozen=True, kw_only=True):
    """One strategy: its id in the configuration, its kind; of a file, which one."""

    id: str
    kind: str
    file: str | None = None
    sha256: str | None = None


class ResultData(_FactsBase, frozen=True, kw_only=True):
    """Prices that were used: whose, how long the bars are (or `tick`), which days, from where."""

    symbol: str
    interval: str
    first: dt.date = msgspec.field(name="from")
    last: dt.date = msgspec.field(name="to")
    origin: str
    sha256: str


class ResultRefusal(_FactsBase, frozen=True, kw_only=True):
    """Entries that a strategy asked for and a gate refused, by reason. Not `is_all`: at least so many."""

    strategy: str
    reason: str
    words: str
    entries: int
    is_all: bool = True


def refused_words(refused: Sequence[ResultRefusal]) -> str:
    """In one sentence; "" when nothing was refused."""
    if not refused:
        return ""
    parts = [f"{one.strategy}: {one.words} ({one.entries})" for one in refused]
    least = "" if all(one.is_all for one in refused) else "at least "
    total = sum(one.entries for one in refused)
    return f"{least}{total} entries refused, {', '.join(parts)}"


class ResultDay(_FactsBase, frozen=True, kw_only=True):
    """One trading day, also one without a trade. `net_paise` is null when the charges of a trade are
    not known; `note` says what is to be known of the day.
    """

    date: dt.date
    trades: int
    net_paise: int | None
    gross_paise: int
    note: str | None = None


class ResultFacts(_FactsBase, frozen=True, kw_only=True):
    """The whole file. `version`, `days`, `n_days` and `files` (SHA-256 by name) are the writer's."""

    version: int = VERSION
    kind: Kind
    name: str
    first: dt.date = msgspec.field(name="from")
    last: dt.date = msgspec.field(name="to")
    created: dt.datetime
    engine_version: str
    broker: str
    configuration: dict[str, Any]
    """As it was, secrets left out."""
    strategies: list[ResultStrategy]
    data: list[ResultData] = []
    models: dict[str, Any] = {}
    """How what no price tells was decided: latency, queue, slippage, path, stop_first."""
    refused: list[ResultRefusal] = []
    seed: int | None = None
    capital_paise: int | None = None
    days: list[ResultDay] = []
    n_days: int = 0
    files: dict[str, str] = {}
