"""Sessions of past years against a calendar of others, and what a day in two parts is."""

import datetime as dt
from pathlib import Path

import pytest

from otrade.calendar import IST
from otrade.research.history.sessions import PastSessions
from otrade.units import ist_hms

DATA = Path(__file__).parents[4] / "shared/data"


def parts(date: str, segment: str = "index") -> list[str] | None:
    found = PastSessions().parts(segment, dt.date.fromisoformat(date))
    if found is None:
        return None
    return [
        "-".join(
            f"{dt.datetime.fromtimestamp(ns // 10**9, IST):%H:%M}"
            for ns in (one.open_ns, one.close_ns)
        )
        for one in found
    ]


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore:Series.values returning")
def test_closed_weekdays_are_those_of_exchange_calendars() -> None:
    """Which knows no Muhurat: those days of ours have an hour, and are closed there."""
    exchange_calendars = pytest.importorskip("exchange_calendars")
    calendar = exchange_calendars.get_calendar("XBOM", start="2020-01-01", end="2024-12-31")
    days = PastSessions()
    theirs = {session.date() for session in calendar.sessions}
    day = dt.date(2019, 12, 31)
    while (day := day + dt.timedelta(days=1)) < dt.date(2025, 1, 1):
        ours = days.parts("cash", day)
        assert ours is not None
        if day.weekday() >= 5:
            assert day not in theirs
            continue
        is_muhurat = len(ours) == 1 and ours[0].name == "Muhurat"
        assert (day in theirs) == (bool(ours) and not is_muhurat), day


@pytest.mark.parametrize(
    ("date", "hours"),
    [
        ("2024-01-20", ["09:15-15:30"]),
        ("2024-03-02", ["09:15-10:00", "11:30-12:30"]),
        ("2021-02-24", ["09:15-11:40", "15:45-17:00"]),
        ("2023-11-12", ["18:15-19:15"]),
        ("2024-03-03", []),
        ("2024-12-31", ["09:15-15:30"]),
        ("2025-01-01", ["09:15-15:30"]),
        ("2025-10-21", ["13:45-14:45"]),
        ("2019-12-31", None),
        ("2030-01-01", None),
    ],
)
def test_sessions_of_a_date(date: str, hours: list[str] | None) -> None:
    assert parts(date) == hours


def test_hours_belong_to_the_segment_and_the_date() -> None:
    assert parts("2026-07-31", "cash_with_derivatives") == ["09:15-15:30"]
    assert parts("2026-08-03", "cash_with_derivatives") == ["09:15-15:15"]
    assert parts("2026-08-03", "derivatives") == ["09:15-15:40"]
    assert parts("2024-06-03", "commodity") is None, "nobody knows here"
    assert parts("2024-06-03", "") is None
    assert parts("2025-06-02", "commodity") == ["09:00-23:30"]


def test_recorded_minutes_lie_in_the_sessions_of_2024() -> None:
    """But for a vendor's flat ones after 15:30 on 2024-01-20."""
    path = DATA / "nifty50_1min_2024-01_04.csv"
    if not path.is_file():
        pytest.skip(f"{path} is not on this machine")
    days = PastSessions()
    outside = []
    for line in path.read_text().splitlines()[1:]:
        at = dt.datetime.fromisoformat(line.partition(",")[0]).replace(tzinfo=IST)
        ns = int(at.timestamp()) * 10**9
        if not any(
            one.open_ns <= ns < one.close_ns for one in days.parts("index", at.date()) or []
        ):
            outside.append(at)
    assert len(outside) == 167 and {at.date() for at in outside} == {dt.date(2024, 1, 20)}


def test_an_index_contract_ends_earlier_on_its_own_expiry_day() -> None:
    """From 2026-12-07 derivatives go on to 15:45, and those on an index that expire stop at 15:30."""
    days, expiry = PastSessions(), dt.date(2026, 12, 29)

    def close(symbol: str, date: dt.date) -> str:
        (part,) = days.parts("derivatives", date, symbol) or ()
        return ist_hms(part.close_ns)[:5]

    for symbol in ("NFO:NIFTY26DECFUT", "NFO:BANKNIFTY26DEC55000CE", "NFO:NIFTY26DEC26000PE"):
        assert (close(symbol, expiry), close(symbol, dt.date(2026, 12, 28))) == ("15:30", "15:45")
    assert close("NFO:NIFTY26D1526000CE", dt.date(2026, 12, 15)) == "15:30", "a weekly one"
    assert close("NFO:INFY26DECFUT", expiry) == "15:45" == close("NFO:NIFTY27JANFUT", expiry)
    assert close("NFO:NIFTY26NOVFUT", dt.date(2026, 11, 23)) == "15:40"
