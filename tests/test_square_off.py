"""When brokers close intraday positions by themselves, by date, and what that makes of our own
times.
"""

import datetime as dt
import json
from pathlib import Path

import pytest

from otrade.calendar import Calendar, TradingSession, at_ns
from otrade.config.manager import default_bytes
from otrade.config.schema import SessionsConfig
from otrade.errors import CalendarError
from otrade.live.plan.config_to_spec import session_spec
from otrade.square_off import SquareOffs

CALENDAR = Calendar.load()
TABLE = SquareOffs.load()


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def session(segment: str, date: str) -> TradingSession:
    found = CALENDAR.session(segment, day(date))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("broker", "segment", "date", "at", "certainty"),
    [
        # Zerodha since 2026-08-03.
        ("kite", "cash_with_derivatives", "2026-08-03", "15:12", "sure"),
        ("kite", "cash", "2026-11-23", "15:25", "sure"),
        ("kite", "derivatives", "2026-11-23", "15:26", "sure"),
        ("kite", "commodity", "2026-11-23", "23:20", "sure"),
        # Before.
        ("kite", "cash_with_derivatives", "2026-07-31", "15:25", "second-hand"),
        ("kite", "derivatives", "2026-07-31", "15:26", "second-hand"),
        ("kite", "cash", "2025-11-28", "15:20", "second-hand"),
        ("kite", "derivatives", "2025-11-28", "15:25", "second-hand"),
        ("kite", "commodity", "2025-11-28", "23:05", "second-hand"),
        # Upstox since Friday 2026-09-11, and before.
        ("upstox", "cash_with_derivatives", "2026-09-11", "15:10", "second-hand"),
        ("upstox", "cash", "2026-09-11", "15:25", "second-hand"),
        ("upstox", "derivatives", "2026-09-11", "15:25", "second-hand"),
        ("upstox", "commodity", "2026-11-23", "22:50", "second-hand"),
        ("upstox", "cash", "2026-09-10", "15:15", "second-hand"),
        ("upstox", "derivatives", "2026-09-10", "15:20", "second-hand"),
        ("upstox", "currency", "2026-09-10", "16:30", "second-hand"),
        # From 2026-12-07 nobody knows: the earlier ones.
        ("kite", "cash_with_derivatives", "2026-12-07", "15:12", "unknown"),
        ("kite", "derivatives", "2026-12-07", "15:26", "unknown"),
        ("upstox", "cash_with_derivatives", "2026-12-07", "15:10", "unknown"),
        ("upstox", "derivatives", "2026-12-08", "15:25", "unknown"),
        # An hour on a Sunday evening, and a morning without an evening.
        ("kite", "cash_with_derivatives", "2026-11-08", "18:55", "unknown"),
        ("upstox", "derivatives", "2026-11-08", "18:55", "unknown"),
        ("upstox", "commodity", "2026-01-01", "16:40", "unknown"),
    ],
)
def test_the_table(broker: str, segment: str, date: str, at: str, certainty: str) -> None:
    cut_off = TABLE.cut_off(broker, session(segment, date))
    assert cut_off is not None
    assert (cut_off.square_off_ns, cut_off.certainty) == (at_ns(day(date), at), certainty)
    assert cut_off.source


@pytest.mark.parametrize(
    ("broker", "segment", "date", "entries", "ours"),
    [
        (
            "kite",
            "derivatives",
            "2026-11-23",
            "15:10",
            "15:23",
        ),  # by the close alone 15:30: four minutes too late
        ("kite", "cash_with_derivatives", "2026-11-23", "14:45", "15:05"),
        ("kite", "commodity", "2026-11-23", "23:00", "23:17"),
        ("upstox", "commodity", "2026-11-23", "22:47", "22:47"),  # by the close alone 23:20
        ("upstox", "derivatives", "2026-11-23", "15:09", "15:22"),
        ("upstox", "cash_with_derivatives", "2026-12-07", "15:00", "15:07"),
    ],
)
def test_ours_comes_first(broker: str, segment: str, date: str, entries: str, ours: str) -> None:
    of = session(segment, date)
    cut_off = TABLE.cut_off(broker, of)
    assert cut_off is not None
    spec = session_spec(of, SessionsConfig(), cut_off)
    assert (spec.entry_until_ns, spec.square_off_ns) == (
        at_ns(day(date), entries),
        at_ns(day(date), ours),
    )
    assert (
        spec.entry_until_ns
        <= spec.square_off_ns
        < spec.broker_square_off_ns
        == cut_off.square_off_ns
    )


def test_what_is_carried_over_night_is_nobodys_to_square_off() -> None:
    of = session("derivatives", "2026-11-23")
    spec = session_spec(of, SessionsConfig())
    assert (spec.square_off_ns, spec.broker_square_off_ns) == (at_ns(of.date, "15:30"), 0)


def test_nothing_of_ours_is_open_when_the_exchange_takes_stops_out() -> None:
    """15:15, shares with a closing auction: whatever margins a configuration asks for, the broker's
    time bounds them.
    """
    for broker in ("kite", "upstox"):
        of = session("cash_with_derivatives", "2026-11-23")
        spec = session_spec(
            of, SessionsConfig(square_off_min=1.0, entry_stop_min=1.0), TABLE.cut_off(broker, of)
        )
        assert spec.square_off_ns <= at_ns(of.date, "15:09")
        assert spec.entry_until_ns <= spec.square_off_ns


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda data: data["brokers"]["kite"].reverse(), "must rise"),
        (lambda data: data["brokers"]["kite"][0]["times"].update(moon={"at": "15:00"}), "moon"),
        (lambda data: data["brokers"]["kite"][0]["times"]["cash"].clear(), "before_close_min"),
        (lambda data: data["brokers"]["upstox"][0]["times"]["cash"].update(at="3 pm"), "brokers"),
        (lambda data: data["brokers"].update(kite=[]), "kite"),
    ],
)
def test_a_damaged_table_is_refused_by_name(change: object, words: str, tmp_path: Path) -> None:
    data = json.loads(default_bytes("square_off.json"))
    change(data)
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(data))
    with pytest.raises(CalendarError, match=words) as refused:
        SquareOffs.load(str(path))
    assert "mine.json" in str(refused.value)


def test_no_table_no_guess(tmp_path: Path) -> None:
    with pytest.raises(CalendarError, match=r"paths\.square_off"):
        SquareOffs.load(str(tmp_path / "none.json"))
    assert TABLE.cut_off("somebody", session("cash", "2026-11-23")) is None
    assert TABLE.cut_off("kite", TradingSession("cash", day("2019-06-03"), 0, 1)) is None
