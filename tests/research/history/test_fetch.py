"""Minutes from a broker: how often it is asked, that it goes on where it ended, and every kind of failure."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from otrade.brokers.candle_rows import MinuteCandle
from otrade.calendar import DAY, at_ns, date_of
from otrade.cli.main import main
from otrade.config.manager import default_bytes
from otrade.errors import BrokerError, HistoryError, NetworkError, RateLimitError, TokenError
from otrade.instruments import Instrument
from otrade.price_files.bars import FileBar
from otrade.research.history.archive import Conflict, PriceArchive
from otrade.research.history.fetch import FetchReport, HistoryFetcher
from otrade.research.history.series import PriceSeries
from otrade.research.history.sessions import PastSessions
from tests.research.history.bars import day_of_bars

pytest.importorskip("pyarrow")
SECOND = 10**9
APART_NS = SECOND * 35 // 100
INFY = Instrument(
    exchange="NSE", tradingsymbol="INFY", token=408065, exchange_token=1594, name="INFOSYS", segment="NSE", instrument_type="EQ",
    expiry=None, tick_size_e4=1_000, lot_size=1,
)  # fmt: skip
SERIES = PriceSeries("NSE:INFY", "1m")


class LeapingClock:
    """Time passes only where somebody waits."""

    def __init__(self) -> None:
        self.ns = 1_796_000_000 * SECOND

    def now_ns(self) -> int:
        return self.ns

    def call_at(self, ts_ns: int, callback: Callable[[], None], /) -> Any:
        self.ns = max(self.ns, ts_ns)
        asyncio.get_running_loop().call_soon(callback)


class CandleTeller:
    """A broker's history of every weekday, with turns in which it raises."""

    def __init__(self, clock: LeapingClock, **troubles: Any) -> None:
        self.clock, self.troubles = clock, {int(turn[1:]): what for turn, what in troubles.items()}
        self.asked: list[tuple[int, dt.date, dt.date]] = []

    async def __call__(self, first: dt.date, last: dt.date) -> list[MinuteCandle]:
        self.asked.append((self.clock.ns, first, last))
        trouble = self.troubles.get(len(self.asked))
        if trouble is not None:
            raise trouble
        found, day = list[MinuteCandle](), first
        while day <= last:
            if day.weekday() < 5:
                found += [
                    MinuteCandle(b.ts_ns, b.open_e4, b.high_e4, b.low_e4, b.close_e4, b.volume)
                    for b in day_of_bars(f"{day}", n=3)
                ]
            day += DAY
        return found


FIRST, LAST = dt.date(2026, 7, 30), dt.date(2026, 10, 31)


def fetch(
    root: Path,
    teller: CandleTeller,
    first: dt.date = FIRST,
    last: dt.date = LAST,
    conflict: Conflict = "refuse",
    *,
    is_simulated: bool = False,
    broker: str = "kite",
) -> FetchReport:
    said: list[str] = []
    fetcher = HistoryFetcher(
        PriceArchive(root),
        PastSessions(),
        teller.clock,
        broker,
        said.append,
        is_simulated=is_simulated,
    )
    return asyncio.run(fetcher.fetch(INFY, teller, first, last, conflict))


def kept(root: Path) -> list[FileBar]:
    archive = PriceArchive(root)
    return archive.bars(SERIES, archive.months(SERIES))


def days_of(bars: list[FileBar]) -> set[dt.date]:
    return {date_of(bar.ts_ns) for bar in bars}


def test_each_question_is_of_one_month_and_no_longer_than_one_may_be(tmp_path: Path) -> None:
    teller = CandleTeller(LeapingClock())
    report = fetch(tmp_path, teller)
    spans = [(f"{first:%m-%d}", f"{last:%m-%d}") for _, first, last in teller.asked]
    assert spans == [("07-30", "07-31"), ("08-03", "08-31"), ("09-01", "09-30"), ("10-01", "10-30")]
    assert all(last - first < dt.timedelta(days=30) for _, first, last in teller.asked)
    moments = [at for at, _, _ in teller.asked]
    assert all(b - a == APART_NS for a, b in zip(moments, moments[1:], strict=False)), (
        "three a second"
    )
    assert report.merged.months == ["2026-07", "2026-08", "2026-09", "2026-10"]
    assert report.merged.added == len(kept(tmp_path)) and report.n_had == 0
    (origin,) = PriceArchive(tmp_path).facts_of_month(SERIES, "2026-08").origins
    assert (origin.kind, origin.asked_from, origin.asked_until) == (
        "kite",
        "2026-08-03",
        "2026-08-31",
    )


def test_a_day_that_is_not_over_is_taken_as_far_as_it_goes_and_completed_later(
    tmp_path: Path,
) -> None:
    friday, monday = dt.date(2026, 11, 27), dt.date(2026, 11, 30)
    open_ns = at_ns(monday, "09:15")
    teller = CandleTeller(LeapingClock())

    def ask(at: int) -> FetchReport:
        teller.clock.ns = open_ns + at * SECOND
        teller.asked.clear()
        return fetch(tmp_path, teller, friday, monday)

    assert ask(-60).n_questions == 1, "nothing of today yet"
    assert days_of(kept(tmp_path)) == {friday}
    for _ in range(2):  # 09:17:30: two whole minutes, and one that is not over
        report = ask(150)
        assert [asked[1:] for asked in teller.asked] == [(monday, monday)]
        assert [bar.ts_ns for bar in kept(tmp_path) if date_of(bar.ts_ns) == monday] == [
            open_ns,
            open_ns + 60 * SECOND,
        ]
    assert report.merged.same == 2
    report = ask(7 * 3600)
    assert (report.n_questions, report.merged.added, report.merged.same) == (1, 1, 2)
    assert len(kept(tmp_path)) == 6
    report = ask(7 * 3600)
    assert (report.n_questions, report.n_had) == (0, 2), "it is over, and settled"


@pytest.mark.parametrize(
    "error", [NetworkError("no answer"), BrokerError("no such instrument"), TokenError("log in")]
)
def test_what_came_before_a_failure_is_kept_and_not_asked_again(
    tmp_path: Path, error: BrokerError
) -> None:
    troubles = {f"n{turn}": error for turn in range(3, 30)}
    teller = CandleTeller(LeapingClock(), **troubles)
    with pytest.raises(type(error)):
        fetch(tmp_path, teller)
    assert max(days_of(kept(tmp_path))) == dt.date(2026, 8, 31)
    again = CandleTeller(LeapingClock())
    report = fetch(tmp_path, again)
    assert [first for _, first, _ in again.asked] == [dt.date(2026, 9, 1), dt.date(2026, 10, 1)]
    assert report.n_had == 23
    third = CandleTeller(LeapingClock())
    assert fetch(tmp_path, third).n_questions == 0 and third.asked == []
    wider = CandleTeller(LeapingClock())
    fetch(tmp_path, wider, dt.date(2026, 7, 20))
    assert [(f"{a:%m-%d}", f"{b:%m-%d}") for _, a, b in wider.asked] == [("07-20", "07-29")]


def test_a_busy_broker_is_asked_again_more_and_more_slowly(tmp_path: Path) -> None:
    teller = CandleTeller(
        LeapingClock(), n1=RateLimitError("429"), n2=RateLimitError("429"), n3=NetworkError("cut")
    )
    fetch(tmp_path, teller, last=dt.date(2026, 7, 31))
    moments = [at for at, _, _ in teller.asked]
    waits = [(b - a) / SECOND for a, b in zip(moments, moments[1:], strict=False)]
    assert waits == [1, 1, 2] and len(kept(tmp_path)) == 6


def test_an_answer_of_other_days_is_refused_whole(tmp_path: Path) -> None:
    class Stranger(CandleTeller):
        async def __call__(self, first: dt.date, last: dt.date) -> list[MinuteCandle]:
            return await super().__call__(first - DAY, last)

    with pytest.raises(
        HistoryError, match="was asked for 2026-07-30 to 2026-07-31 and answered with 2026-07-29"
    ):
        fetch(tmp_path, Stranger(LeapingClock()))
    assert kept(tmp_path) == []


def test_prices_of_a_simulated_market_are_kept_apart(tmp_path: Path) -> None:
    fetch(tmp_path, CandleTeller(LeapingClock()))
    with pytest.raises(
        HistoryError,
        match="has prices of a market, and these are of a simulated market; keep them apart",
    ):
        fetch(tmp_path, CandleTeller(LeapingClock()), dt.date(2026, 7, 1), is_simulated=True)


def test_other_prices_of_days_that_are_here(tmp_path: Path) -> None:
    """After a split brokers tell the whole past adjusted."""

    class Adjusted(CandleTeller):
        async def __call__(self, first: dt.date, last: dt.date) -> list[MinuteCandle]:
            bars = await super().__call__(first, last)
            return [
                bar._replace(
                    **{f: bar[i] // 5 for i, f in enumerate(bar._fields) if f.endswith("_e4")}
                )
                for bar in bars
            ]

    fetch(tmp_path, CandleTeller(LeapingClock()))
    before = kept(tmp_path)
    assert fetch(tmp_path, Adjusted(LeapingClock()), conflict="refuse").n_questions == 0
    other = Adjusted(LeapingClock())
    with pytest.raises(HistoryError, match="bars are in the archive with other values"):
        fetch(tmp_path, other, broker="upstox")
    assert fetch(tmp_path, other, conflict="keep", broker="upstox").merged.kept == len(before)
    assert kept(tmp_path) == before
    n_asked = len(other.asked)
    fetch(tmp_path, other, conflict="keep", broker="upstox")
    assert len(other.asked) == n_asked, "it goes on where it ended"
    assert fetch(tmp_path, Adjusted(LeapingClock()), conflict="replace").merged.replaced == len(
        before
    )
    assert [bar.close_e4 for bar in kept(tmp_path)] == [bar.close_e4 // 5 for bar in before]


@pytest.mark.parametrize("broker", ["kite", "upstox"])
def test_a_simulated_broker_is_fetched_from_by_the_command(
    tmp_path: Path, broker: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both clients, over sockets; the second time there is nothing to ask."""
    config = json.loads(default_bytes("paper.json"))
    config["paths"] = config.get("paths", {}) | {"var": f"{tmp_path}/var"}
    config["broker"] = config.get("broker", {}) | {"kind": broker}
    config["sim"] = config.get("sim", {}) | {"date": "2026-11-27"}
    path = tmp_path / "paper.json"
    path.write_text(json.dumps(config))
    command = ["data", "fetch", "NSE:INFY", "--from", "2026-11-23", "--config", f"{path}"]
    assert main(command) == 0
    said = capsys.readouterr()
    # The 24th is a holiday, and today's session has not ended; INFY leaves continuous trading at 15:15.
    assert "1,080 added (1 month)" in said.out and "(1 of 1 questions)" in said.err
    archive = PriceArchive(tmp_path / "var/paper-data")
    facts = archive.facts_of_month(SERIES, "2026-11")
    assert facts.series.is_simulated and facts.series.segment == "cash_with_derivatives"
    assert [one.kind for one in facts.origins] == [broker]
    assert main(command) == 0
    assert "0 added" in (said := capsys.readouterr().out) and "3 sessions were here" in said
    assert main([*command[:4], "2026-11-27", *command[5:]]) == 0, "its session has not begun"
    assert "0 added" in capsys.readouterr().out
    assert main([*command[:4], "2026-11-28", *command[5:]]) == 5
    assert "2026-11-28 to 2026-11-27 is no time" in capsys.readouterr().err
