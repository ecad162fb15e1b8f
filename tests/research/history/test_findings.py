"""What is wrong with bars is named, each kind by itself, and a clean year has nothing to say."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from otrade.price_files.bars import FileBar
from otrade.research.history.findings import HistoryFinding, examine
from otrade.research.history.series import PriceSeries, SeriesFacts
from otrade.research.history.sessions import PastSessions
from tests.research.history.bars import MINUTE_NS, day_of_bars, ns

SHARE = PriceSeries("NSE:INFY", "1m")
THURSDAY, FRIDAY, MONDAY = "2025-06-05", "2025-06-06", "2025-06-09"


def found(
    bars: Sequence[FileBar],
    series: PriceSeries = SHARE,
    facts: SeriesFacts = SeriesFacts("cash"),  # noqa: B008
) -> list[tuple[str, str, str]]:
    return [(one.kind, one.date, one.text) for one in examine(series, facts, bars, PastSessions())]


def test_two_clean_days_over_a_weekend() -> None:
    assert found([*day_of_bars(FRIDAY), *day_of_bars(MONDAY)]) == []
    assert found([]) == []


def test_holes_and_missing_sessions() -> None:
    bars = [*day_of_bars(THURSDAY), *day_of_bars(MONDAY)]
    del bars[10:13], bars[200]
    assert found(bars) == [
        ("hole", THURSDAY, "4 of 375 bars are not there: 09:25-09:27, 12:38"),
        ("missing_session", FRIDAY, "no bar of this session"),
    ]
    bars = [*day_of_bars(THURSDAY)[::2], *day_of_bars("2025-06-17")]
    hole, missing = examine(SHARE, SeriesFacts("cash"), bars, PastSessions())
    assert (hole.count, hole.text.endswith("09:26 and 181 places more")) == (187, True)
    assert missing == HistoryFinding(
        "missing_session", FRIDAY, "no bar of 7 sessions, to 2025-06-16", 7
    )


def test_bars_where_no_session_is() -> None:
    early = day_of_bars(FRIDAY, n=15, begin="09:00")
    late = [replace(bar, ts_ns=bar.ts_ns) for bar in day_of_bars(FRIDAY, n=2, begin="15:30")]
    saturday = day_of_bars("2025-06-07", n=3)
    assert found([*early, *day_of_bars(FRIDAY), *late, *saturday]) == [
        ("outside", FRIDAY, "17 of 392 bars lie outside 09:15-15:30: 09:00-09:14, 15:30-15:31"),
        ("no_session", "2025-06-07", "3 bars on a day without a session"),
    ]


def test_a_session_in_two_parts_has_no_hole_between_them() -> None:
    parts = [
        *day_of_bars("2024-03-02", n=45),
        *day_of_bars("2024-03-02", n=60, begin="11:30"),
    ]
    assert found(parts) == []
    assert found(
        [*parts[:45], replace(parts[44], ts_ns=ns("2024-03-02", "10:30")), *parts[45:]]
    ) == [("outside", "2024-03-02", "1 of 106 bars lie outside 09:15-10:00 and 11:30-12:30: 10:30")]


def test_other_lengths_have_their_own_grid() -> None:
    five = PriceSeries("NSE:INFY", "5m")
    bars = day_of_bars(FRIDAY, n=75, minutes=5)
    assert found(bars, five) == []
    odd = [*bars[:3], replace(bars[3], ts_ns=bars[3].ts_ns + MINUTE_NS), *bars[4:]]
    assert found(odd, five) == [
        ("hole", FRIDAY, "1 of 75 bars are not there: 09:30"),
        ("off_grid", FRIDAY, "1 bars, the first at 09:31:00"),
    ]
    hours = day_of_bars(FRIDAY, n=7, minutes=60)
    assert found(hours, PriceSeries("NSE:INFY", "1h")) == [], "the last one is cut short"
    daily = [
        replace(bar, ts_ns=ns(date))
        for date in (THURSDAY, FRIDAY)
        for bar in day_of_bars(date, n=1)
    ]
    assert found(daily, PriceSeries("NSE:INFY", "1d")) == []


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (30_000_000, 6_040_000, ("split", "a split or bonus of 5 for 1")),
        (30_000_000, 15_100_000, ("split", "a split or bonus of 2 for 1")),
        (30_000_000, 20_000_000, ("split", "a split or bonus of 3 for 2")),
        (3_000_000, 30_000_000, ("split", "a consolidation of 1 for 10")),
        (30_000_000, 22_500_000, ("split", "a split or bonus of 4 for 3")),
        (30_000_000, 38_000_000, ("jump", "+26.7 %")),
        (30_000_000, 25_000_000, None),
    ],
)
def test_prices_that_jump_over_a_night(old: int, new: int, words: tuple[str, str] | None) -> None:
    bars = [
        *(
            replace(bar, open_e4=old, high_e4=old, low_e4=old, close_e4=old)
            for bar in day_of_bars(FRIDAY)
        ),
        *(
            replace(bar, open_e4=new, high_e4=new, low_e4=new, close_e4=new)
            for bar in day_of_bars(MONDAY)
        ),
    ]
    told = found(bars)
    if words is None:
        assert told == []
        return
    ((kind, date, text),) = told
    assert (kind, date) == (words[0], MONDAY) and words[1] in text
    option = PriceSeries("NFO:NIFTY25JUN25000CE", "1m")
    facts = SeriesFacts("derivatives")
    assert found(bars, option, facts) == [], "an option may lose most of its price over a night"


def test_prices_off_the_tick() -> None:
    bars = day_of_bars(FRIDAY)
    bars[7] = replace(bars[7], high_e4=bars[7].high_e4 + 30)
    bars[9] = replace(bars[9], high_e4=bars[9].high_e4 + 100)
    ((kind, _, text),) = found(bars)
    assert (
        kind == "off_tick"
        and text.startswith("09:22:00: ")
        and text.endswith(" is no multiple of 0.01")
    )
    ((_, _, text),) = found(bars, facts=SeriesFacts("cash", 500))
    assert text.endswith(" is no multiple of 0.05, and 1 more")
    rupee = PriceSeries("CDS:USDINR25JUNFUT", "1m")
    quarter = [
        replace(bar, open_e4=850_025, high_e4=850_025, low_e4=850_025, close_e4=850_025)
        for bar in bars
    ]
    assert [
        one for one in found(quarter, rupee, SeriesFacts("currency")) if one[0] == "off_tick"
    ] == []


def test_a_share_that_ends_as_those_with_derivatives_do() -> None:
    """Since 3 August 2026 they leave continuous trading at 15:15."""
    bars = [bar for date in ("2026-08-04", "2026-08-05") for bar in day_of_bars(date, n=360)]
    told = found(bars)
    assert [kind for kind, _, _ in told] == ["hole", "segment", "hole"]
    assert told[1][2].startswith(
        "on 2 days the last bar ends where a share that has derivatives ends"
    )
    assert found(bars, facts=SeriesFacts("cash_with_derivatives")) == []


def test_disorder_and_prices_that_cannot_be() -> None:
    bars = day_of_bars(FRIDAY)
    bars[5], bars[6] = bars[6], bars[5]
    bars[9] = replace(bars[9], low_e4=bars[9].high_e4 + 500)
    assert [kind for kind, _, _ in found(bars)] == ["cannot_be", "order"]


def test_days_of_which_nobody_knows_are_said_and_not_judged() -> None:
    bars = [*day_of_bars("2019-06-06", n=3), *day_of_bars("2019-06-07", n=5)]
    assert found(bars) == [
        ("unknown_session", "2019-06-06", "2 days (2019-06-06 to 2019-06-07) of cash")
    ]
