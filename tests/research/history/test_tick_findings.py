"""Days and stretches of a session in which no tick came; prices off the tick."""

import datetime as dt

from otrade.research.arrow import pa
from otrade.research.history.series import SeriesFacts
from otrade.research.history.sessions import PastSessions
from otrade.research.history.tick_findings import PRICES, examine_ticks, off_tick
from tests.research.history.bars import ns

SECOND = 10**9
FRIDAY, TUESDAY = "2025-06-06", "2025-06-10"


def day(date: str) -> list[int]:
    """A tick each half minute of the session."""
    return [ns(date, "09:15") + i * 30 * SECOND for i in range(750)]


def found(times_ns: list[int]) -> list[tuple[str, str, str, int]]:
    told = examine_ticks(SeriesFacts("cash"), times_ns, PastSessions())
    return [(one.kind, one.date, one.text, one.count) for one in told]


def test_a_whole_day_has_nothing_to_say() -> None:
    assert found(day(FRIDAY)) == [] and found([]) == []
    assert found([ns(FRIDAY, "08:00"), *day(FRIDAY)]) == [], (
        "what came before the open is no matter"
    )


def test_a_day_and_stretches_without_a_tick() -> None:
    times = [*day(FRIDAY)[4:], *day(TUESDAY)[:700]]
    del times[100:110]
    assert found(times) == [
        (
            "silence",
            FRIDAY,
            "no tick for 450 s of the session: 09:15:00-09:17:00, 10:06:30-10:12:00",
            2,
        ),
        ("missing_session", "2025-06-09", "no tick of this session", 1),
        ("silence", TUESDAY, "no tick for 1,530 s of the session: 15:04:30-15:30:00", 1),
    ]


def test_time_that_goes_back() -> None:
    times = day(FRIDAY)
    times[5], times[6] = times[6], times[5]
    assert found(times) == [("order", FRIDAY, "09:17:30: received before the tick before it", 1)]


def test_many_stretches_are_counted_and_some_are_named() -> None:
    ((kind, _, text, n),) = found(day(FRIDAY)[::4])
    assert (kind, n) == ("silence", 187) and text.endswith(" and 181 more")


def test_prices_of_trades_and_of_the_book_off_the_tick() -> None:
    times = [ns(FRIDAY, "10:00"), ns(FRIDAY, "10:01"), ns(TUESDAY, "10:00")]
    columns = {name: pa.array([10_000, 10_500, None], pa.int64()) for name in PRICES}
    columns["ltp_e4"] = pa.array([10_000, 10_200, 10_300], pa.int64())
    columns["bid_px_e4_2"] = pa.array([10_000, 0, 10_000], pa.int64())
    table = pa.table({"ts_ns": pa.array(times, pa.int64()), **columns})

    def told(tick_e4: int, last: dt.date | None = None) -> list[tuple[str, str, int]]:
        return [
            (one.date, one.text, one.count) for one in off_tick([table, table], tick_e4, None, last)
        ]

    assert told(100) == []
    friday = (FRIDAY, "10:01:00: 1.02 is no multiple of 0.05", 1)
    tuesday = (TUESDAY, "10:00:00: 1.03 is no multiple of 0.05", 1)
    assert told(500) == [friday, tuesday, friday, tuesday]
    assert told(500, dt.date.fromisoformat(FRIDAY)) == [friday, friday]
