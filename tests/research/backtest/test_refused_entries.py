"""A backtest whose entries are refused says so, by strategy and reason, wherever it is looked at."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from otrade._core.types import Reason
from otrade.live.notices.messages import reason_words
from otrade.research.report.page import html_page
from otrade.research.report.report import report_of
from otrade.research.report.source import ReportSource
from tests.research.backtest import worlds

FAST, SLOW = 4, 11
"""Of the strategy in `worlds`."""


def crossings(day: dt.date) -> int:
    """Of a day that begins cold, by pencil."""
    fast = slow = 0.0
    side = found = 0
    for n, bar in enumerate(worlds.bars_of(day, 0, 15_000_000), 1):
        close = bar.close_e4 / 10_000
        fast = close if n == 1 else fast + (close - fast) * 2 / (FAST + 1)
        slow = close if n == 1 else slow + (close - slow) * 2 / (SLOW + 1)
        before, side = side, 1 if fast > slow else -1 if fast < slow else side
        found += n >= SLOW and before not in (0, side)
    return found


def test_no_lot_fits_and_it_is_said(tmp_path: Path) -> None:
    """A thousand rupees buy no share of 1,500."""
    day = worlds.DAYS[0]
    worlds.archive(tmp_path / "data", days=(day,))
    poor = worlds.strategy("poor", "NSE:INFY", sizing={"mode": "notional", "value": 1_000})
    made = worlds.config([poor], tmp_path / "var")
    report, result = worlds.run(tmp_path, made, last=day)
    assert report.trades == 0
    refused = {one.reason: one for one in result.facts.refused}
    assert all(one.strategy == "poor" and one.is_all for one in refused.values())
    n = sum(one.entries for one in refused.values())
    assert n == crossings(day) > 10
    assert set(refused) <= {Reason.QTY_ZERO.name, Reason.SESSION.name}
    no_lot = refused[Reason.QTY_ZERO.name]
    assert no_lot.entries > 10 and no_lot.words == reason_words(Reason.QTY_ZERO)
    said = f"poor: {no_lot.words} ({no_lot.entries})"
    assert report.notes[0].startswith(f"{n} entries refused, ") and said in report.notes[0]
    note = result.facts.days[0].note
    assert note is not None and said in note
    assert f"{n} entries refused, " in "".join(report_of(ReportSource([result])).notes)
    page = html_page(report_of(ReportSource([result])), lambda trade: [])
    assert "entries refused" in page and f"{no_lot.words}: {no_lot.entries}" in page


def test_a_day_that_trades_keeps_its_note_and_the_result_counts_the_rest(tmp_path: Path) -> None:
    day = worlds.DAYS[0]
    worlds.archive(tmp_path / "data", days=(day,))
    made = worlds.config(
        [worlds.strategy("once", "NSE:INFY")], tmp_path / "var", risk={"max_trades_per_day": 1}
    )
    report, result = worlds.run(tmp_path, made, last=day)
    assert report.trades == 1 and result.facts.days[0].note is None
    by_reason = {one.reason: one.entries for one in result.facts.refused}
    assert by_reason[Reason.TRADE_COUNT.name] > 5


def test_nothing_is_refused_and_nothing_is_said(tmp_path: Path) -> None:
    day = worlds.DAYS[0]
    worlds.archive(tmp_path / "data", days=(day,))
    wide = worlds.strategy("wide", "NSE:INFY")
    report, result = worlds.run(tmp_path, worlds.config([wide], tmp_path / "var"), last=day)
    late = {Reason.SESSION.name, Reason.COOLDOWN.name}
    assert report.trades > 5 and {one.reason for one in result.facts.refused} <= late
