"""The calendar against two published ones: holidays of both years, and the hours of 2026."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from otrade.calendar import IST, Calendar, date_of

CAL = Calendar.load()
MUHURAT = dt.date(2026, 11, 8)
ON_DAYS_OFF = {dt.date(2025, 2, 1), dt.date(2025, 10, 21), dt.date(2026, 2, 1), MUHURAT}
"""Sessions by circulars of their own: budgets and Muhurat. Neither package has them."""


def days(first: dt.date, last: dt.date) -> Iterator[dt.date]:
    while first <= last:
        yield first
        first += dt.timedelta(days=1)


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore:Series.values returning")
def test_trading_days_are_those_of_exchange_calendars() -> None:
    exchange_calendars = pytest.importorskip("exchange_calendars")
    bombay = exchange_calendars.get_calendar("XBOM", start="2025-01-01", end="2026-12-31")
    theirs = {session.date() for session in bombay.sessions}
    ours = {
        day for day in days(CAL.data.known_from, CAL.data.known_until) if CAL.session("cash", day)
    }
    assert ours - theirs == ON_DAYS_OFF
    assert theirs - ours == set()


SEGMENTS = {
    "cash": "NSE_EQUITY",
    "cash_with_derivatives": "NSE_EQUITY_FNO_UNDERLYING",
    "derivatives": "NSE_EQUITY_DERIVATIVES",
    "currency": "NSE_CURRENCY_DERIVATIVES",
}


@pytest.mark.parametrize("segment", SEGMENTS)
def test_hours_are_those_of_the_indian_market_calendar(
    segment: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The last continuous part of each day ends when ours does, and the auction after it too."""
    # Its own data only: left alone it looks for newer ones on the network and keeps them.
    monkeypatch.setenv("AION_IN_CALENDAR_OFFLINE", "1")
    monkeypatch.setenv("AION_IN_CALENDAR_CACHE", str(tmp_path))
    package = pytest.importorskip("aion_indian_market_calendar")
    theirs = package.IndiaMarketCalendar.bundled(telemetry=False, taxonomy_refresh_enabled=False)
    checked = 0
    for day in days(dt.date(2026, 1, 1), dt.date(2026, 12, 25)):
        if day in ON_DAYS_OFF:
            continue
        noon = dt.datetime(day.year, day.month, day.day, 12, tzinfo=theirs_zone(package))
        parts = theirs.get_session(noon, SEGMENTS[segment]) or []
        session = CAL.session(segment, day)
        assert (session is not None) == bool(parts), day
        if session is None:
            continue
        close = dt.datetime.fromtimestamp(session.close_ns / 1e9, IST).time()
        assert close == max(part.close for part in parts if part.kind == "continuous"), day
        auctions = [part for part in parts if part.kind == "closing_auction"]
        is_auction = CAL.phase_at(segment, session.close_ns) == "closing_auction"
        assert is_auction == bool(auctions), day
        checked += 1
    assert checked > 230


def theirs_zone(package: object) -> dt.tzinfo:
    zone: dt.tzinfo = package.get_ist_timezone()
    return zone


def test_a_date_and_its_sessions_agree() -> None:
    for day in days(CAL.data.known_from, CAL.data.known_until):
        for segment in CAL.data.segments:
            session = CAL.session(segment, day)
            if session is not None:
                assert session.open_ns < session.close_ns
                assert date_of(session.open_ns) == date_of(session.close_ns) == day
