"""Whole days through the one command, on either broker, with a dead token, a cut and a silent feed
in the middle: they end reconciled.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from otrade.config import RunOptions
from otrade.config.manager import load
from otrade.errors import ConfigError
from otrade.journal.replay import replay
from otrade.journal.scan import windows
from otrade.live import app
from tests.harness.paper_run import CONFIG, FRIDAY, MAX, on_beat, write

REHEARSE = [
    {"at": "10:05", "what": "feed"},
    {"at": "11:00", "what": "token"},
    {"at": "12:10", "what": "silence"},
    {"at": "13:00", "what": "feed"},
    {"at": "13:00", "what": "token"},
]


def a_day(
    folder: Path, monkeypatch: pytest.MonkeyPatch, broker: str, second: str
) -> tuple[int, list[Any], set[str]]:
    """Exit code, trades, and the codes of what was said."""
    seen: dict[str, Any] = {}
    on_beat(monkeypatch, lambda day, now_ns: seen.update(day=day))
    sim = {"seed": 5, "ticks_per_s": 0.5, "rehearse": REHEARSE}
    path = write(folder, broker={"kind": broker}, second_feed={"kind": second}, sim=sim)
    code = app.run(RunOptions(config=path, speed=MAX, date=FRIDAY, page=False))
    day = seen["day"]
    assert day.is_verified and day.engine.n_live == 0 and not day.has_fault, (
        "the broker's positions agree at the end"
    )
    trades = day.trades.trades
    (journal,) = (folder / "var" / "journal").glob("*.otj")
    done = replay(windows(journal))
    assert done.divergence is None and done.n_decisions > 50
    return code, trades, {notice.code for notice in day.board.since(0)}


@pytest.mark.parametrize(("broker", "second"), [("kite", "upstox"), ("upstox", "kite")])
def test_a_bad_day_ends_reconciled(
    folder: Path, monkeypatch: pytest.MonkeyPatch, broker: str, second: str
) -> None:
    """That a lost feed costs no trade is tests/live/startup/test_secondary_feed.py's."""
    code, trades, codes = a_day(folder, monkeypatch, broker, second)
    assert code == 0 and len(trades) > 5
    assert {
        "REHEARSAL",
        "TOKEN_DEAD",
        "TOKEN_NEW",
        "FEED_DOWN",
        "FEED_UP",
        "SECOND_FEED_UP",
        "VERIFIED",
    } <= codes


def test_what_somebody_buys_by_hand_is_shown_and_left_alone(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, Any] = {}
    quarantined: set[int] = set()

    def watch(day: Any, now_ns: int) -> None:
        seen.update(day=day)
        quarantined.update(
            i for i in range(len(day.plan.instruments)) if day.engine.instrument(i)["quarantined"]
        )

    on_beat(monkeypatch, watch)
    sim = {
        "seed": 6,
        "ticks_per_s": 0.5,
        "rehearse": [{"at": "10:05", "what": "hand"}],
    }
    app.run(RunOptions(config=write(folder, sim=sim), speed=MAX, date=FRIDAY, page=False))
    day = seen["day"]
    told = [notice for notice in day.board.since(0) if notice.code == "REHEARSAL"]
    assert [notice.text for notice in told] == ["rehearsal: somebody buys 1 of NSE:INFY by hand"]
    assert quarantined == {0}
    assert not day.engine.instrument(0)["quarantined"], "until the broker squares it off itself"
    after = [
        trade
        for trade in day.trades.trades
        if trade.ts_entry_ns > told[0].ts_ns and trade.instrument_id == 0
    ]
    assert len(after) <= 1, "nothing is begun there any more; what was open is closed"


def test_what_stands_at_the_end_is_in_the_summary(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A future for delivery, which nobody squares off: the summary said that nothing is open."""
    sim = {"seed": 5, "ticks_per_s": 0.2, "rehearse": [{"at": "10:05", "what": "hand"}]}
    config = write(
        folder,
        sim=sim,
        instruments=[{"symbol": "NFO:NIFTY.FUT", "product": "NRML"}, *CONFIG["instruments"]],
    )
    code = app.run(RunOptions(config=config, speed=MAX, date=FRIDAY, page=False))
    assert code == app.EXIT_OPEN
    (end,) = [
        line for line in capsys.readouterr().out.splitlines() if line.startswith("at the end")
    ]
    assert end.endswith("Nothing is open. NOT THIS ENGINE'S: NFO:NIFTY26NOVFUT +65 NRML.")


@pytest.mark.parametrize("at", ["08:00", "09:14", "15:45", "23:59"])
def test_a_trouble_outside_the_day_is_refused(folder: Path, at: str) -> None:
    config = write(folder, sim={"rehearse": [{"at": at, "what": "feed"}]})
    with pytest.raises(ConfigError, match=rf"rehearse\[0\].at: {at} is outside the day"):
        app.run(RunOptions(config=config, speed=MAX, date=FRIDAY, page=False))


def test_a_trouble_that_is_not_known_is_refused_by_name(folder: Path) -> None:
    with pytest.raises(ConfigError, match="rehearse"):
        load(write(folder, sim={"rehearse": [{"at": "10:00", "what": "flood"}]}))
