"""Bars of the past: a day that they begin says what one without a night would have said, what plain
arithmetic over both days says, and what its journal says again.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from otrade._core.engine.engine import Engine
from otrade._core.types import Rec
from otrade.errors import EngineError
from otrade.journal.memory import MemoryJournal
from otrade.journal.replay import replay
from otrade.journal.words import words_of
from tests.core.market.test_strategies import FILTERS, Account
from tests.harness.core_engine import (
    HOUR,
    MS,
    OPEN_NS,
    SECOND,
    frame,
    make_engine,
    packet,
    token_of,
)

T = token_of(0)
MINUTE = 60 * SECOND
NIGHT_NS = 24 * HOUR
KINDS = ("ema_cross", "sma_cross", "price_ema", "price_sma", "price_level")
Minute = tuple[int, list[int]]
"""When it begins, and its prices in paise."""
REAL = Path(__file__).parents[4] / "shared" / "data"
"""Beside the project, where somebody has put it: rows of time_ist, open, high, low, close."""


def made_day(seed: str, begins_ns: int, px: int, n: int = 375) -> list[Minute]:
    """Four prices a minute, a walk that is drawn back to 100 rupees; some minutes without a trade."""
    rng = random.Random(seed)
    found: list[Minute] = []
    for i in range(n):
        prices = []
        for _ in range(4):
            px = max(8_000, min(12_000, px + rng.randint(-9, 9) + (10_000 - px) // 12))
            prices.append(px)
        if rng.random() > 0.03:
            found.append((begins_ns + i * MINUTE, prices))
    return found


def bar_of(minute: Minute, length_ns: int = MINUTE) -> tuple[int, int, int, int, int, int, int]:
    """As history has it."""
    begins_ns, prices = minute
    opened, high, low, close = (
        100 * px for px in (prices[0], max(prices), min(prices), prices[-1])
    )
    return begins_ns, begins_ns + length_ns, opened, high, low, close, 0


def an_engine(kind: str, q: dict[str, Any], **given: Any) -> Engine:
    return make_engine(kind=kind, params={"bar_mode": 1, **q}, plan={"enabled": 0}, **given)


def play(engine: Engine, minutes: Sequence[Minute]) -> list[dict[str, Any]]:
    """Every price as a trade, a quarter of a minute apart; all signals."""
    found = []
    volume = engine.market(0)["volume"] + 1
    if engine.market(0)["n_ticks"] == 0:  # what had traded before anybody listened
        before = packet(T, minutes[0][1][0], volume=volume)
        engine.on_frame_bytes(frame(before), minutes[0][0] - MINUTE)
    for begins_ns, prices in minutes:
        for i, px in enumerate(prices):
            volume += 1
            engine.on_frame_bytes(
                frame(packet(T, px, volume=volume)), begins_ns + i * 15 * SECOND + MS
            )
        found += engine.take_signals()
    engine.on_timer(minutes[-1][0] + 2 * MINUTE)
    return found + engine.take_signals()


def fed(engine: Engine, minutes: Sequence[Minute], now_ns: int, strategies: int = 1) -> None:
    for strategy_id in range(strategies):
        engine.on_history(
            [bar_of(minute) for minute in minutes], now_ns, series_id=0, strategy_id=strategy_id
        )


def by_pencil(kind: str, q: dict[str, Any], days: Sequence[Sequence[Minute]]) -> list[Any]:
    """What a strategy says on the last day, by arithmetic over all of them."""
    account = Account(kind, q)
    said = []
    for day in days:
        n_before = len(account.said)
        for begins_ns, prices in day:
            account.bars.append((max(prices) / 100, min(prices) / 100, prices[-1] / 100))
            account.value(prices[-1] / 100, begins_ns + MINUTE)
            for _, side, blocked in account.said[n_before + len(said) :]:
                said.append((side, blocked, begins_ns + MINUTE, prices[-1] * 100))
        if day is not days[-1]:
            said = []
    return said


def plain(signals: Sequence[dict[str, Any]]) -> list[Any]:
    return [(s["side"], s["blocked"], s["ts_ns"], s["px_e4"]) for s in signals]


def two_ways(kind: str, q: dict[str, Any], first: list[Minute], second: list[Minute]) -> int:
    """Day two after a warm start, and after a day one without a stop. How many signals."""
    both, warm = an_engine(kind, q), an_engine(kind, q)
    play(both, first)
    fed(warm, first, second[0][0] - MINUTE)
    assert warm.take_signals() == warm.take_bars() == [], "history acts on nothing"
    counts = warm.series(0)
    assert (counts["n_closed"], counts["n_gaps"], counts["n_late"]) == (0, 0, 0)
    a, b = play(both, second), play(warm, second)
    assert a == b, "every value of every signal, bit for bit"
    assert plain(b) == by_pencil(kind, q, [first, second])
    assert warm.series(0)["n_late"] == 0
    return len(b)


@pytest.mark.parametrize("filters", FILTERS)
@pytest.mark.parametrize("kind", KINDS)
def test_day_two_is_that_of_an_engine_which_never_stopped(kind: str, filters: str) -> None:
    q = {"side_mask": 3, "fast_period": 9, "slow_period": 21, "level": 100.0, **FILTERS[filters]}
    first = made_day(f"{kind} one", OPEN_NS, 10_000)
    second = made_day(f"{kind} two", OPEN_NS + NIGHT_NS, 10_080)
    assert two_ways(kind, q, first, second) > 3


@pytest.mark.parametrize(
    ("name", "kinds", "n_sessions"),
    [
        ("nifty50_1min_2025-09.csv", KINDS, range(5, 6)),
        ("nifty50_1min_2024-01_04.csv", KINDS[:1], range(60, 100)),
    ],
)
def test_real_sessions(name: str, kinds: Sequence[str], n_sessions: range) -> None:
    """Sessions of NIFTY 50: each after the one before."""
    if not (REAL / name).exists():
        pytest.skip(f"NO REAL PRICES: {name} is not beside the project")
    days: dict[str, list[list[float]]] = {}
    with (REAL / name).open() as file:
        for row in csv.DictReader(file):
            at = datetime.fromisoformat(row["time_ist"])
            minute = (at.hour * 60 + at.minute) - 555
            if 0 <= minute < 375:
                ohlc = [float(row[name]) for name in ("open", "high", "low", "close")]
                days.setdefault(str(at.date()), []).append([minute, *ohlc])
    sessions = [
        [
            (OPEN_NS + int(minute) * MINUTE, [round(px * 100) for px in ohlc])
            for minute, *ohlc in rows
        ]
        for rows in days.values()
    ]
    assert len(sessions) in n_sessions
    q = {
        "side_mask": 3,
        "fast_period": 9,
        "slow_period": 21,
        "level": 24_800.0,
        "rsi_period": 14,
        "rsi_long_min": 0.0,
        "rsi_long_max": 70.0,
        "rsi_short_min": 0.0,
        "rsi_short_max": 100.0,
    }
    n = 0
    for kind in kinds:
        for first, second in zip(sessions, sessions[1:], strict=False):
            next_day = [(begins_ns + NIGHT_NS, prices) for begins_ns, prices in second]
            n += two_ways(kind, q, first, next_day)
    assert n > 100


def test_each_strategy_chooses_for_itself() -> None:
    e = an_engine("ema_cross", {"fast_period": 9, "slow_period": 21}, strategies=2)
    fed(e, made_day("one", OPEN_NS, 10_000), OPEN_NS + NIGHT_NS)
    assert [e.strategy(i)["n_average"] for i in (0, 1)] == [21, 0]
    assert [e.strategy(i)["signal"]["ready"] for i in (0, 1)] == [1, 0]


def test_averages_of_ticks_are_not_fed_and_their_filters_are() -> None:
    q = {"fast_period": 9, "slow_period": 21, "rsi_period": 14}
    e = make_engine(kind="ema_cross", params={"bar_mode": 0, **q}, plan={"enabled": 0})
    fed(e, made_day("one", OPEN_NS, 10_000), OPEN_NS + NIGHT_NS)
    row = e.strategy(0)
    assert (row["n_average"], row["n_rsi"]) == (0, 15)


def test_no_bar_of_the_past_is_fed_twice() -> None:
    """A core knows up to where it was fed, and what is still to come: by its journal too."""
    q = {"fast_period": 9, "slow_period": 21}
    journal = MemoryJournal()
    e = an_engine("ema_cross", q, strategies=2, journal=journal, start=False)
    journal.make_room()
    day, now_ns = [bar_of(m) for m in made_day("one", OPEN_NS, 10_000)], OPEN_NS + NIGHT_NS
    e.on_history(day[:200], now_ns, series_id=0, strategy_id=0, n_left=len(day) - 200)
    row = e.strategy(0)
    assert (row["fed_ns"], row["n_to_feed"]) == (day[199][1], len(day) - 200)
    done = replay(journal.windows()).engine
    assert done is not None and done.strategy(0) == row
    for again in (day[:200], day[199:], day[150:]):
        with pytest.raises(EngineError, match="where it should be"):
            e.on_history(again, now_ns, series_id=0, strategy_id=0)
    e.on_history(day[200:], now_ns, series_id=0, strategy_id=0)
    e.on_history(day, now_ns, series_id=0, strategy_id=1)
    one, other = e.strategy(0), e.strategy(1)
    assert one["signal"] == other["signal"]
    assert (one["fed_ns"], one["n_to_feed"]) == (day[-1][1], 0)


# ---------------------------------------------------------------------------------- in mid-day
def test_a_bar_that_runs_is_joined() -> None:
    """It closes with what history had of it, and what has traded since; then the kernels see it."""
    e = an_engine("price_level", {"level": 100.0})
    e.on_history(
        [bar_of((OPEN_NS, [9_900, 9_950, 9_850, 9_990]))],
        OPEN_NS + MINUTE,
        series_id=0,
        strategy_id=0,
    )
    runs_ns = OPEN_NS + MINUTE
    running = bar_of((runs_ns, [9_980, 9_995, 9_970, 9_985]))
    e.on_history([running], runs_ns + 20 * SECOND, series_id=0, ts_from_ns=runs_ns)
    # The snapshot after subscribing tells of a trade of the bar before: that one is history's.
    e.on_frame_bytes(
        frame(packet(T, 9_700, volume=5, ts_s=(runs_ns - SECOND) // SECOND)), runs_ns + 21 * SECOND
    )
    e.on_frame_bytes(
        frame(packet(T, 10_010, volume=6, ts_s=(runs_ns + 30 * SECOND) // SECOND)),
        runs_ns + 30 * SECOND,
    )
    e.on_frame_bytes(
        frame(packet(T, 10_005, volume=7, ts_s=(runs_ns + 61 * SECOND) // SECOND)),
        runs_ns + 61 * SECOND,
    )
    (bar,) = e.take_bars()
    assert bar[1:6] == (runs_ns, 998_000, 1_001_000, 997_000, 1_001_000)
    (signal,) = e.take_signals()
    assert (signal["side"], signal["ts_ns"]) == (1, runs_ns + MINUTE)


def test_a_joined_bar_in_which_nothing_trades_any_more_is_fed_without_acting() -> None:
    e = an_engine("price_level", {"level": 100.0})
    e.on_history([bar_of((OPEN_NS, [9_900]))], OPEN_NS + MINUTE, series_id=0, strategy_id=0)
    runs_ns = OPEN_NS + MINUTE
    e.on_history([bar_of((runs_ns, [10_100]))], runs_ns + SECOND, series_id=0, ts_from_ns=runs_ns)
    e.on_timer(runs_ns + 2 * MINUTE)
    assert len(e.take_bars()) == 1 and e.take_signals() == []
    for i, px in enumerate((9_990, 9_990, 9_990)):
        e.on_frame_bytes(frame(packet(T, px, volume=9 + i)), runs_ns + (2 + i) * MINUTE + SECOND)
    assert [s["side"] for s in e.take_signals()] == [-1], "it knows on which side price was"


def test_a_bar_that_history_does_not_tell_is_left_out() -> None:
    e = an_engine("price_level", {"level": 100.0})
    runs_ns = OPEN_NS + MINUTE
    e.on_history([], runs_ns + 20 * SECOND, series_id=0, ts_from_ns=runs_ns + MINUTE)
    volume = 5
    for at_s, px in ((10, 9_000), (30, 9_000), (50, 9_100), (61, 9_200), (90, 9_300), (121, 9_400)):
        volume += 1
        e.on_frame_bytes(frame(packet(T, px, volume=volume)), runs_ns + at_s * SECOND)
    (bar,) = e.take_bars()
    assert bar[1:6] == (runs_ns + MINUTE, 920_000, 930_000, 920_000, 930_000)
    assert e.series(0)["n_late"] == 0


# ----------------------------------------------------------------------------------- the record
def test_the_journal_says_it_again() -> None:
    journal = MemoryJournal()
    q = {"fast_period": 4, "slow_period": 11, "rsi_period": 5, "rsi_long_max": 70.0}
    e = an_engine("ema_cross", q, journal=journal, start=False)
    first, second = made_day("one", OPEN_NS, 10_000), made_day("two", OPEN_NS + NIGHT_NS, 9_990, 90)
    journal.make_room()
    fed(e, first, second[0][0] - 2 * MINUTE)
    e.on_history([bar_of(second[0])], second[0][0] + SECOND, series_id=0, ts_from_ns=second[0][0])
    journal.make_room()
    e.start(second[0][0] + SECOND)
    assert play(e, second)
    done = replay(journal.windows())
    assert done.divergence is None and done.engine is not None
    assert done.n_decisions > 3
    assert done.engine.strategy(0) == e.strategy(0)
    assert done.engine.series(0) == e.series(0)
    closed, running = (r for r in journal.records() if r.kind == Rec.HISTORY)
    row = words_of(closed)
    assert (row["kind"], row["n_bars"], row["strategy_id"]) == ("HISTORY", len(first), 0)
    assert row["bars"][0]["close_e4"] == first[0][1][-1] * 100
    assert words_of(running)["ts_from_ns"] == second[0][0]


def test_without_it_the_journal_is_another_one() -> None:
    """What was fed is what the decisions rest on: a journal that lacks it is found out."""
    journal = MemoryJournal()
    e = an_engine("ema_cross", {"fast_period": 4, "slow_period": 11}, journal=journal)
    fed(e, made_day("one", OPEN_NS, 10_000), OPEN_NS + NIGHT_NS)
    play(e, made_day("two", OPEN_NS + NIGHT_NS, 9_990, 5))
    other = an_engine("ema_cross", {"fast_period": 4, "slow_period": 11})
    for record in journal.records():
        if record.kind not in (Rec.HISTORY, Rec.HELLO, Rec.CALL) and record.kind < Rec.COMMAND:
            other.on_record(record.kind, record.ts_ns, bytes(record.payload))
    assert other.strategy(0)["signal"]["fast"] != e.strategy(0)["signal"]["fast"]


def test_what_cannot_be_is_refused_and_nothing_is_written() -> None:
    journal = MemoryJournal()
    e = an_engine("ema_cross", {"fast_period": 4, "slow_period": 11}, journal=journal)
    n = journal.writer.seq
    good, now_ns = bar_of((OPEN_NS, [10_000, 10_010])), OPEN_NS + NIGHT_NS
    for bars, given, words in (
        ([good, good], {"strategy_id": 0}, "where it should be"),
        ([(*good[:3], 1, *good[4:])], {"strategy_id": 0}, "cannot be"),
        ([(*good[:6], -1)], {"strategy_id": 0}, "cannot be"),
        ([bar_of((now_ns, [10_000]))], {"strategy_id": 0}, "where it should be"),
        ([bar_of((OPEN_NS, [10_000]), 2 * MINUTE)], {"strategy_id": 0}, "where it should be"),
        ([good] * 600, {"strategy_id": 0}, "512"),
        ([good], {"strategy_id": 3}, "strategy"),
        ([good, good], {"ts_from_ns": OPEN_NS}, "at a time"),
        ([good], {}, "from when on"),
        ([good], {"ts_from_ns": OPEN_NS + 1}, "where it should be"),
        ([good], {"series_id": 4, "strategy_id": 0}, "series"),
    ):
        with pytest.raises(EngineError, match=words):
            e.on_history(bars, now_ns, **{"series_id": 0, **given})  # type: ignore[arg-type]
    with pytest.raises(EngineError, match="another length"):
        e.on_record(Rec.HISTORY, now_ns, bytes(40))
    assert journal.writer.seq == n and e.strategy(0)["n_average"] == 0
    e.on_frame_bytes(frame(packet(T, 10_000, volume=1)), now_ns)
    e.on_frame_bytes(frame(packet(T, 10_000, volume=2)), now_ns + 1)
    with pytest.raises(EngineError, match="before those of the day"):
        e.on_history([good], now_ns, series_id=0, strategy_id=0)
