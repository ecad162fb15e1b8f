"""Hours by segment and date, worked by hand from the circulars named in `calendar.json`."""

import datetime as dt
from pathlib import Path

import pytest

from otrade.calendar import IST, Calendar, date_of
from otrade.errors import CalendarError

CAL = Calendar.load()


def hours(segment, day, **kw):
    session = CAL.session(segment, dt.date.fromisoformat(day), **kw)
    if session is None:
        return None
    return " ".join(
        dt.datetime.fromtimestamp(ns / 1e9, IST).strftime("%H:%M")
        for ns in (session.open_ns, session.close_ns)
    )


@pytest.mark.parametrize(
    ("segment", "day", "want"),
    [
        ("cash", "2025-09-04", "09:15 15:30"),
        ("cash", "2026-11-23", "09:15 15:30"),
        ("cash_with_derivatives", "2026-07-31", "09:15 15:30"),
        ("cash_with_derivatives", "2026-08-03", "09:15 15:15"),
        ("cash_with_derivatives", "2026-12-04", "09:15 15:15"),
        ("cash_with_derivatives", "2026-12-07", "09:15 15:30"),
        ("derivatives", "2026-07-31", "09:15 15:30"),
        ("derivatives", "2026-08-03", "09:15 15:40"),
        ("derivatives", "2026-12-07", "09:15 15:45"),
        ("currency", "2026-11-23", "09:00 17:00"),
        ("commodity", "2026-11-23", "09:00 23:30"),
        ("cash", "2026-11-24", None),  # holiday
        ("cash", "2026-11-22", None),  # Sunday
        ("cash", "2026-11-08", "18:15 19:15"),  # Muhurat, a Sunday
        ("currency", "2026-11-08", None),
        ("cash", "2025-10-21", None),
    ],
)
def test_hours(segment, day, want):
    assert hours(segment, day) == want


def test_an_index_contract_stops_earlier_on_its_own_expiry_from_december_2026():
    assert hours("derivatives", "2026-12-08", is_index_expiry=True) == "09:15 15:30"
    assert hours("derivatives", "2026-12-08") == "09:15 15:45"
    assert hours("derivatives", "2026-12-01", is_index_expiry=True) == "09:15 15:40"


@pytest.mark.parametrize("day", ["2024-12-31", "2027-01-01"])
def test_an_unknown_date_names_the_file_to_update(day):
    with pytest.raises(CalendarError, match=r"calendar\.json"):
        CAL.session("cash", dt.date.fromisoformat(day))


def test_last_trading_day_skips_weekend_and_holiday():
    assert CAL.last_trading_day("cash", dt.date(2026, 11, 24)) == dt.date(2026, 11, 23)
    assert CAL.last_trading_day("cash", dt.date(2026, 11, 22)) == dt.date(2026, 11, 20)


def test_the_date_is_india_s():
    # 2026-11-22 20:00 UTC is 01:30 of the 23rd in India
    assert date_of(
        int(dt.datetime(2026, 11, 22, 20, tzinfo=dt.UTC).timestamp()) * 10**9
    ) == dt.date(2026, 11, 23)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "cut in half"),
        ('{"known_from": "2025-01-01"}', "known_until"),
        (
            '{"known_from":"2025-01-01","known_until":"2026-01-01","segments":{"moon":[]},"holidays":{}}',
            "moon",
        ),
        (
            '{"known_from":"2025-01-01","known_until":"2026-01-01","segments":{"cash":[]},"holidays":{}}',
            "segments.cash",
        ),
    ],
)
def test_a_bad_calendar_is_refused_by_name(tmp_path: Path, text, words):
    path = tmp_path / "cal.json"
    path.write_text(text)
    with pytest.raises(Exception, match=words) as caught:
        Calendar.load(path)
    assert "cal.json" in str(caught.value)
