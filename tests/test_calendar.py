"""Hours by segment and date, worked by hand from the circulars named in `calendar.json`."""

import datetime as dt
import json
from pathlib import Path

import pytest

from otrade.calendar import IST, Calendar, date_of
from otrade.config.manager import default_bytes
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
        ("cash", "2025-10-21", "13:45 14:45"),  # Muhurat in the afternoon, on a holiday
        ("currency", "2025-10-21", None),
        ("derivatives", "2025-02-01", "09:15 15:30"),  # the budget, a Saturday
        ("derivatives", "2026-02-01", "09:15 15:30"),  # the budget, a Sunday
        ("commodity", "2026-02-01", None),
        ("cash", "2026-02-07", None),
    ],
)
def test_hours(segment, day, want):
    assert hours(segment, day) == want


def test_an_index_contract_stops_earlier_on_its_own_expiry_from_december_2026():
    assert hours("derivatives", "2026-12-08", is_index_expiry=True) == "09:15 15:30"
    assert hours("derivatives", "2026-12-08") == "09:15 15:45"
    assert hours("derivatives", "2026-12-01", is_index_expiry=True) == "09:15 15:40"


def test_days_that_somebody_has_prices_of_count_before_the_calendars_reach_and_only_there() -> None:
    days = [dt.date(2024, 1, 20), dt.date(2024, 12, 31), dt.date(2026, 11, 24), dt.date(2027, 1, 4)]
    told = CAL.with_days(days)
    assert told.given == {days[0], days[1]}
    for segment in ("cash", "derivatives", "index"):
        session = told.session(segment, days[0])
        assert (
            session is not None
            and session.open_ns == ns("2024-01-20T09:15")
            and session.close_ns == ns("2024-01-20T15:30")
        )
    assert told.phase_at("cash", ns("2024-01-20T10:00")) == "continuous"
    assert told.session("cash", days[2]) is None, "a holiday stays one"
    for unknown in (days[3], dt.date(2024, 1, 22)):
        with pytest.raises(CalendarError, match="outside the known calendar"):
            told.session("cash", unknown)
    assert CAL.with_days(days[2:]) is CAL


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


def ns(text):
    return int(dt.datetime.fromisoformat(f"{text}+05:30").timestamp()) * 10**9


@pytest.mark.parametrize(
    ("segment", "when", "phase"),
    [
        ("cash_with_derivatives", "2026-11-23T08:59:59", "closed"),
        ("cash_with_derivatives", "2026-11-23T09:00", "pre_open"),
        ("cash_with_derivatives", "2026-11-23T09:15", "continuous"),
        ("cash_with_derivatives", "2026-11-23T15:14:59", "continuous"),
        ("cash_with_derivatives", "2026-11-23T15:15", "closing_auction"),
        ("cash_with_derivatives", "2026-11-23T15:34:59", "closing_auction"),
        ("cash_with_derivatives", "2026-11-23T15:35", "closed"),
        ("cash_with_derivatives", "2026-11-23T15:50", "post_close"),
        ("cash_with_derivatives", "2026-11-23T16:00", "closed"),
        ("cash_with_derivatives", "2026-12-07T15:29", "continuous"),
        ("cash_with_derivatives", "2026-12-07T15:39", "closing_auction"),
        ("cash", "2026-07-31T15:40", "post_close"),
        ("derivatives", "2026-11-23T09:05", "closed"),
        ("cash", "2026-11-24T10:00", "closed"),
        ("cash", "2026-11-08T09:05", "closed"),  # Muhurat has no ordinary morning
        ("cash", "2026-11-08T18:30", "continuous"),
    ],
)
def test_phases(segment, when, phase):
    assert CAL.phase_at(segment, ns(when)) == phase


def test_an_expiring_index_contract_is_closed_while_the_others_trade():
    assert CAL.phase_at("derivatives", ns("2026-12-08T15:35"), is_index_expiry=True) == "closed"
    assert CAL.phase_at("derivatives", ns("2026-12-08T15:35")) == "continuous"


@pytest.mark.parametrize(
    ("now", "day"),
    [
        ("2026-11-23T10:00", "2026-11-23"),  # the one that runs
        ("2026-11-23T15:30", "2026-11-25"),  # over; the 24th is a holiday
        ("2026-11-07T12:00", "2026-11-08"),  # Muhurat on a Sunday
        ("2026-11-08T19:15", "2026-11-09"),
    ],
)
def test_the_next_session_skips_what_does_not_trade(now, day):
    assert str(CAL.next_session("cash", ns(now)).date) == day


def test_the_next_session_is_not_guessed_beyond_the_calendar():
    with pytest.raises(CalendarError, match=r"2027-01-01 is outside"):
        CAL.next_session("cash", ns("2026-12-31T16:00"))


def test_the_last_trading_day_after_the_calendar_s_end_is_its_last():
    assert CAL.last_trading_day("cash", dt.date(2027, 6, 1)) == dt.date(2026, 12, 31)


def test_a_bank_holiday_closes_currency_alone():
    assert hours("currency", "2026-02-19") is None
    assert hours("cash", "2026-02-19") == "09:15 15:30"


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        (("segments", "cash", 0, "close"), "09:00", "open 09:15 must be before close 09:00"),
        (("segments", "cash", 0, "close"), "25:00", "segments"),
        (("segments", "cash", 0, "from"), "2025-02-01", "must hold on known_from"),
        (("segments", "cash", 0, "opens"), "09:00", "opens"),
        (("segment_holidays", "moon"), {}, "unknown segment 'moon'"),
        (("special_sessions", 0, "segments"), ["moon"], "unknown segment 'moon'"),
        (("special_sessions", 0, "open"), "23:00", r"special_sessions\[0\]: open 23:00"),
    ],
)
def test_a_calendar_that_contradicts_itself_is_refused(tmp_path: Path, place, value, words):
    data = node = json.loads(default_bytes("calendar.json"))
    *way, last = place
    for step in way:
        node = node[step]
    node[last] = value
    path = tmp_path / "cal.json"
    path.write_text(json.dumps(data))
    with pytest.raises(CalendarError, match=words) as caught:
        Calendar.load(path)
    assert "cal.json" in str(caught.value)


def test_a_calendar_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(CalendarError, match=r"none\.json: No such file.*paths\.calendar"):
        Calendar.load(tmp_path / "none.json")
