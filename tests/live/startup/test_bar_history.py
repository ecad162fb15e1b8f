"""Who is asked for bars of earlier sessions, how often, and what becomes of every kind of failure:
words, and never an exception.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from otrade.brokers.candle_rows import MinuteCandle, bars_of
from otrade.calendar import Calendar, TradingSession, at_ns
from otrade.clock import NS_PER_S
from otrade.errors import BrokerError, NetworkError, RateLimitError, TokenError
from otrade.instruments import Instrument
from otrade.live.history.session_bars import FormingBar, closed_bars, running_bar, session_bars
from otrade.live.startup.bar_history import (
    BarHistoryReader,
    HistoryAnswer,
    HistoryStore,
    HistoryWish,
    sessions_before,
)

MINUTE = 60 * NS_PER_S
TODAY, BEFORE = dt.date(2026, 11, 27), dt.date(2026, 11, 26)
INFY = Instrument(
    exchange="NSE",
    tradingsymbol="INFY",
    token=408065,
    exchange_token=1594,
    name="INFOSYS",
    segment="NSE",
    instrument_type="EQ",
    expiry=None,
    strike_e4=0,
    tick_size_e4=1_000,
    lot_size=1,
)


class QuickClock:
    """Time passes only where somebody waits."""

    def __init__(self) -> None:
        self.ns = at_ns(TODAY, "08:50")
        self.n_waits = 0

    def now_ns(self) -> int:
        return self.ns

    def call_at(self, ts_ns: int, callback: Callable[[], None], /) -> Any:
        self.ns, self.n_waits = max(self.ns, ts_ns), self.n_waits + 1
        asyncio.get_running_loop().call_soon(callback)


class HistoryTeller:
    """A broker that tells, in turn, what stands in `turns`: bars, or what it raises."""

    def __init__(self, clock: QuickClock, *turns: Any) -> None:
        self.clock, self.turns = clock, list(turns)
        self.asked: list[tuple[int, dt.date, bool]] = []

    async def minute_bars(
        self, instrument: Instrument, first: dt.date, today: dt.date, *, with_today: bool
    ) -> list[MinuteCandle]:
        self.asked.append((self.clock.ns, first, with_today))
        turn = self.turns.pop(0) if len(self.turns) > 1 else self.turns[0]
        if isinstance(turn, Exception):
            raise turn
        return turn


def minutes_on(date: dt.date, n: int = 375, begin: str = "09:15") -> list[MinuteCandle]:
    first_ns = at_ns(date, begin)
    return [
        MinuteCandle(first_ns + i * MINUTE, 1_000 + i, 1_020 + i, 990 + i, 1_010 + i, i)
        for i in range(n)
    ]


def session_on(date: dt.date) -> TradingSession:
    return TradingSession("cash", date, at_ns(date, "09:15"), at_ns(date, "15:30"))


def wish(with_today: bool = False) -> HistoryWish:
    return HistoryWish(INFY, "NSE:INFY", [session_on(BEFORE)], with_today)


def reader_of(
    adapter: HistoryTeller, store: HistoryStore | None = None, **given: Any
) -> BarHistoryReader:
    return BarHistoryReader(
        adapter,  # type: ignore[arg-type]
        adapter.clock,
        TODAY,
        given.get("files", {}),
        given.get("max_wait_s", 30) * NS_PER_S,
        store,
    )


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(work)


def asked_for(adapter: HistoryTeller, n: int, **given: Any) -> list[HistoryAnswer]:
    async def body() -> list[HistoryAnswer]:
        reader = reader_of(adapter, **given)
        return [await reader.read(wish()) for _ in range(n)]

    found: list[HistoryAnswer] = run(body())
    return found


# ---------------------------------------------------------------------------------------- asking
def test_questions_keep_their_distance() -> None:
    adapter = HistoryTeller(QuickClock(), minutes_on(BEFORE))
    answers = asked_for(adapter, 7)
    assert all(not answer.trouble and len(answer.minutes) == 375 for answer in answers)
    times = [ns for ns, _, _ in adapter.asked]
    for first, fourth in zip(times, times[3:], strict=False):
        assert fourth - first >= NS_PER_S, "Kite takes three a second"


def test_one_429_is_waited_out() -> None:
    adapter = HistoryTeller(QuickClock(), RateLimitError("429: slow down"), minutes_on(BEFORE))
    (answer,) = asked_for(adapter, 1)
    assert not answer.trouble
    assert adapter.asked[1][0] - adapter.asked[0][0] >= 2 * NS_PER_S


@pytest.mark.parametrize(
    ("turn", "n_asked"),
    [
        (RateLimitError("429: slow down"), 3),
        (NetworkError("no answer in 10 s"), 1),
        (TokenError("403: log in"), 1),
        (BrokerError("PermissionException 403: no subscription to historical data"), 2),
    ],
)
def test_a_broker_that_does_not_tell_is_left_alone(turn: Exception, n_asked: int) -> None:
    adapter = HistoryTeller(QuickClock(), turn)
    answers = asked_for(adapter, 50)
    assert [answer.trouble for answer in answers] == [str(turn)] * 50
    assert len(adapter.asked) == n_asked


def test_one_instrument_that_is_refused_keeps_no_other_from_asking() -> None:
    adapter = HistoryTeller(QuickClock(), BrokerError("no such instrument"), minutes_on(BEFORE))
    first, second = asked_for(adapter, 2)
    assert first.trouble == "no such instrument" and not second.trouble


def test_a_start_waits_no_longer_than_it_is_told() -> None:
    adapter = HistoryTeller(QuickClock(), minutes_on(BEFORE))
    answers = asked_for(adapter, 20, max_wait_s=2)
    assert [bool(answer.trouble) for answer in answers] == [False] * 6 + [True] * 14
    assert "max_wait_s" in answers[-1].trouble
    (never,) = asked_for(HistoryTeller(QuickClock(), minutes_on(BEFORE)), 1, max_wait_s=0)
    assert "max_wait_s" in never.trouble


def test_a_history_without_the_session_before_is_not_used() -> None:
    (answer,) = asked_for(HistoryTeller(QuickClock(), minutes_on(dt.date(2026, 11, 25))), 1)
    assert answer.trouble == f"the history has nothing of {BEFORE}"


# ----------------------------------------------------------------------------------------- keeping
def test_what_was_told_is_kept_for_the_day_and_no_longer(tmp_path: Path) -> None:
    kept = minutes_on(BEFORE)
    adapter = HistoryTeller(QuickClock(), kept)
    store = HistoryStore(tmp_path, "kite-abc", TODAY)
    (first,) = asked_for(adapter, 1, store=store)
    (second,) = asked_for(adapter, 1, store=HistoryStore(tmp_path, "kite-abc", TODAY))
    assert list(second.minutes) == list(first.minutes) == kept and len(adapter.asked) == 1
    tomorrow = HistoryStore(tmp_path, "kite-abc", TODAY + dt.timedelta(days=3))
    assert tomorrow.read(INFY, BEFORE) is None, "a split may have changed it"
    tomorrow.write(INFY, BEFORE, kept)
    assert [path.name for path in (tmp_path / "kite-abc").iterdir()] == ["2026-11-30"]


def test_in_mid_day_only_today_is_asked_for_again(tmp_path: Path) -> None:
    clock = QuickClock()
    adapter = HistoryTeller(clock, minutes_on(BEFORE))
    store = HistoryStore(tmp_path, "a", TODAY)
    asked_for(adapter, 1, store=store)
    clock.ns = at_ns(TODAY, "09:30") + NS_PER_S
    adapter.turns = [minutes_on(TODAY, 16)]

    async def body() -> HistoryAnswer:
        return await reader_of(adapter, store).read(wish(with_today=True))

    answer = run(body())
    assert len(answer.minutes) == 375 + 16
    assert adapter.asked[-1][1:] == (TODAY, True)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b'{"symbol":"NSE:SBIN","first":"2026-11-26","bars":[]}',
        b'{"symbol":"NSE:INFY","first":"2026-11-27","bars":[]}',
        b'{"symbol":"NSE:INFY","first":"2026-11-26","bars":[[2,1,1,1,1,0],[1,1,1,1,1,0]]}',
        b'{"symbol":"NSE:INFY","first":"2026-11-26","bars":[[1,5,1,1,1,0]]}',
        b'{"symbol":"NSE:INFY","first":"2026-11-26","bars":[[1,1,1,1,1]]}',
    ],
)
def test_a_damaged_file_is_as_if_it_were_not_there(tmp_path: Path, data: bytes) -> None:
    store = HistoryStore(tmp_path, "a", TODAY)
    store.write(INFY, BEFORE, minutes_on(BEFORE))
    (path,) = tmp_path.rglob("*.json")
    path.write_bytes(data)
    adapter = HistoryTeller(QuickClock(), minutes_on(BEFORE))
    (answer,) = asked_for(adapter, 1, store=store)
    assert not answer.trouble and len(adapter.asked) == 1
    assert store.read(INFY, BEFORE) == minutes_on(BEFORE), "and it is written anew"


def test_a_directory_that_cannot_be_written_fails_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no directory")
    store = HistoryStore(tmp_path / "file", "a", TODAY)
    (answer,) = asked_for(HistoryTeller(QuickClock(), minutes_on(BEFORE)), 1, store=store)
    assert not answer.trouble


# ------------------------------------------------------------------------------------------- files
def test_a_file_of_minutes_stands_for_the_broker(tmp_path: Path) -> None:
    path = tmp_path / "infy.csv"
    rows = [f"{BEFORE} 09:{15 + i}:00,100,102.5,99,101" for i in range(20)]
    path.write_text("\n".join(["time_ist,open,high,low,close", *rows]) + "\n")
    adapter = HistoryTeller(QuickClock(), NetworkError("nobody asks"))
    (answer,) = asked_for(adapter, 1, files={"NSE:INFY": str(path)})
    assert len(answer.minutes) == 20 and not adapter.asked
    assert answer.minutes[0] == (at_ns(BEFORE, "09:15"), 1_000_000, 1_025_000, 990_000, 1_010_000, 0)  # fmt: skip
    for given, words in (
        (str(tmp_path / "none.csv"), "No such file"),
        (str(path), "not of one minute"),
    ):
        if given == str(path):
            rows = [f"{BEFORE} 09:{15 + 5 * i}:00,100,102.5,99,101" for i in range(9)]
            path.write_text("\n".join(["time_ist,open,high,low,close", *rows]) + "\n")
        (answer,) = asked_for(adapter, 1, files={"NSE:INFY": given})
        assert words in answer.trouble


# ------------------------------------------------------------------------------------- candle rows
ROW = ["2026-11-26T09:15:00+0530", 100.0, 101.5, 99.95, 101, 1200]


def test_rows_of_either_broker_are_read() -> None:
    """Kite writes them oldest first, Upstox newest first and with another zone's spelling."""
    later = ["2026-11-26T09:16:00+05:30", 101, 101, 101, 101, 0, 0]
    for rows in ([ROW, later], [later, ROW], [later, ROW, later]):
        first, second = bars_of({"candles": rows})
        assert first == (at_ns(BEFORE, "09:15"), 1_000_000, 1_015_000, 999_500, 1_010_000, 1200)
        assert second.ts_open_ns == at_ns(BEFORE, "09:16")
    assert bars_of({"candles": None}) == bars_of({"candles": []}) == []


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {},
        {"candles": {}},
        {"candles": [ROW[:5]]},
        {"candles": ["text"]},
        {"candles": [[None, *ROW[1:]]]},
        {"candles": [["2026-11-26T09:15:30+0530", *ROW[1:]]]},
        {"candles": [[ROW[0], "100", *ROW[2:]]]},
        {"candles": [[ROW[0], True, *ROW[2:]]]},
        {"candles": [[ROW[0], 0, *ROW[2:]]]},
        {"candles": [[ROW[0], 100.0, 99.0, 98.0, 99.0, 0]]},
        {"candles": [[ROW[0], 100.0, 101.0, float("nan"), 99.0, 0]]},
        {"candles": [[*ROW[:5], -1]]},
        {"candles": [[*ROW[:5], 1.5]]},
        {"candles": [[*ROW[:5], None]]},
    ],
)
def test_rows_that_cannot_be_are_no_history(data: Any) -> None:
    with pytest.raises(BrokerError):
        bars_of(data)


# -------------------------------------------------------------------------------------------- bars
def test_minutes_are_put_together_from_the_opening_bell() -> None:
    minutes = [
        *minutes_on(BEFORE, 8, "09:00"),  # before the open
        *minutes_on(BEFORE),
        *minutes_on(BEFORE, 10, "15:30"),  # flat ones of a vendor
    ]
    hours = session_bars(minutes, session_on(BEFORE), 60 * MINUTE)
    assert len(hours) == 7
    assert hours[0] == (
        at_ns(BEFORE, "09:15"),
        at_ns(BEFORE, "10:15"),
        1_000,
        1_020 + 59,
        990,
        1_010 + 59,
        sum(range(60)),
    )
    assert hours[-1][:2] == (at_ns(BEFORE, "15:15"), at_ns(BEFORE, "15:30"))
    assert session_bars(minutes, session_on(BEFORE), MINUTE)[374][5] == 1_010 + 374


def test_a_bar_of_today_is_closed_when_history_tells_it_to_its_end() -> None:
    """A broker that is behind has not told the last one whole, nor has one asked before it ended."""
    session, asked_ns = session_on(TODAY), at_ns(TODAY, "11:10") + 5 * NS_PER_S
    for last, asked_at_ns, ends in (
        ("11:09", asked_ns, "11:10"),
        ("11:10", asked_ns, "11:10"),
        ("11:08", asked_ns, "11:05"),
        ("11:09", at_ns(TODAY, "11:10") - 1, "11:05"),
        ("11:09", at_ns(TODAY, "11:10"), "11:10"),
    ):
        n = (at_ns(TODAY, last) - session.open_ns) // MINUTE + 1
        found = closed_bars(minutes_on(TODAY, n), session, 5 * MINUTE, asked_at_ns)
        assert found[-1].ts_end_ns == at_ns(TODAY, ends), (last, ends)
        assert found[0].ts_open_ns == session.open_ns
    assert closed_bars([], session, 5 * MINUTE, asked_ns) == []


def test_the_bar_that_runs() -> None:
    session, now_ns = session_on(TODAY), at_ns(TODAY, "11:07") + 20 * NS_PER_S
    begins_ns, ends_ns = at_ns(TODAY, "11:05"), at_ns(TODAY, "11:10")
    for last in ("11:07", "11:06"):  # a broker may be a minute behind
        n = (at_ns(TODAY, last) - session.open_ns) // MINUTE + 1
        found = running_bar(minutes_on(TODAY, n), session, 5 * MINUTE, now_ns)
        assert found.from_ns == begins_ns and found.bar is not None
        assert found.bar[:3] == (begins_ns, ends_ns, 1_000 + 110)
        assert found.bar.close_e4 == 1_010 + n - 1
    for n in (111, 110, 0):  # to 11:05, 11:04, nothing
        assert running_bar(minutes_on(TODAY, n), session, 5 * MINUTE, now_ns) == FormingBar(
            ends_ns, None
        )


def test_sessions_before_are_those_of_the_calendar() -> None:
    calendar = Calendar.load()
    dates = [s.date for s in sessions_before(calendar, INFY, TODAY, 4)]
    assert dates == [dt.date(2026, 11, day) for day in (20, 23, 25, 26)], "the 24th is a holiday"
    assert len(sessions_before(calendar, INFY, TODAY, 500)) < 23
    assert sessions_before(calendar, INFY, calendar.data.known_from, 5) == []
