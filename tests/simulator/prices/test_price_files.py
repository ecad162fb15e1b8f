"""Files of bars as people have them: exports of brokers and charts, other zones, odd rows; each is
read right or refused with its fix.
"""

import datetime as dt
import random
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from otrade.price_files import reader as price_file
from otrade.price_files.bars import FileBar, PriceFileError, bar_length_ns
from otrade.simulator.base import hours
from otrade.simulator.base.config import SimConfig
from otrade.simulator.prices.price_source import PriceSource

DATE = dt.date(2026, 11, 19)
FUTURE = "NFO:NIFTY.FUT"
UTC = dt.UTC
CASES = Path(__file__).parents[4] / "shared/cases/prices"


def minutes(
    date: dt.date = DATE, n: int = 375, step_min: int = 1, at: str = "09:15"
) -> list[dt.datetime]:
    first = dt.datetime.combine(date, dt.time.fromisoformat(at), hours.IST)
    return [first + dt.timedelta(minutes=i * step_min) for i in range(n)]


def bars(
    times: Sequence[dt.datetime], level: float = 24_900.0, seed: int = 1
) -> list[tuple[dt.datetime, list[float]]]:
    """A walk of open, high, low, close on a tick of 0.05."""
    rng = random.Random(seed)
    found, px = [], level
    for time in times:
        close = px + rng.randint(-60, 60) * 0.05
        low, high = (
            min(px, close) - rng.randint(0, 40) * 0.05,
            max(px, close) + rng.randint(0, 40) * 0.05,
        )
        found.append((time, [round(v, 2) for v in (px, high, low, close)]))
        px = close
    return found


def naive(time: dt.datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M:%S}"


def lines(
    rows: Sequence[tuple[dt.datetime, list[float]]], stamp: Callable[[dt.datetime], str] = naive
) -> list[str]:
    return [",".join([stamp(time), *map(str, prices), "1500"]) for time, prices in rows]


def write(folder: Path, header: str, body: Sequence[str], name: str = "bars.csv") -> str:
    path = folder / name
    path.write_text("\n".join([header, *body]) + "\n")
    return str(path)


OURS = "time_ist,open,high,low,close,volume"
ROWS = bars(minutes())
PLAIN = [bar for _, bar in ROWS]


def read_prices(path: str) -> list[list[float]]:
    (day,) = price_file.read(path).days.values()
    return [
        [px / 10_000 for px in (bar.open_e4, bar.high_e4, bar.low_e4, bar.close_e4)] for bar in day
    ]


# ---------------------------------------------------------------------------------------------
# exports
EXPORTS: dict[str, tuple[str, Callable[[dt.datetime], str]]] = {
    "ours": (OURS, naive),
    "kite, pykiteconnect to_csv": (
        ",date,open,high,low,close,volume",
        lambda t: f"0,{t:%Y-%m-%d %H:%M:%S}+05:30",
    ),
    "kite, date first": (
        "date,open,high,low,close,volume",
        lambda t: f"{t:%Y-%m-%d %H:%M:%S}+05:30",
    ),
    "kite, as the interface writes it": (
        "date,open,high,low,close,volume",
        lambda t: f"{t:%Y-%m-%dT%H:%M:%S}+0530",
    ),
    "tradingview, seconds": ("time,open,high,low,close,Volume", lambda t: str(int(t.timestamp()))),
    "tradingview, ISO": (
        "time,open,high,low,close,Volume",
        lambda t: f"{t:%Y-%m-%dT%H:%M:%S}+05:30",
    ),
    "milliseconds": (
        "timestamp,Open,High,Low,Close,Volume",
        lambda t: str(int(t.timestamp()) * 1000),
    ),
    "yfinance": (
        "Datetime,Open,High,Low,Close,Volume",
        lambda t: f"{t.astimezone(UTC):%Y-%m-%d %H:%M:%S}+00:00",
    ),
    "UTC with Z": (
        "datetime,open,high,low,close,volume",
        lambda t: f"{t.astimezone(UTC):%Y-%m-%dT%H:%M:%S}Z",
    ),
    "date and time apart": (
        "Date,Time,Open,High,Low,Close,Volume",
        lambda t: f"{t:%Y-%m-%d},{t:%H:%M:%S}",
    ),
}


@pytest.mark.parametrize("kind", EXPORTS)
def test_exports_are_read_as_they_are(tmp_path: Path, kind: str) -> None:
    header, stamp = EXPORTS[kind]
    path = write(tmp_path, header, lines(ROWS, stamp))
    assert read_prices(path) == PLAIN
    (day,) = price_file.read(path).days.values()
    assert [bar.ts_ns for bar in day] == [int(time.timestamp()) * 10**9 for time, _ in ROWS]
    prices = PriceSource(SimConfig(prices={FUTURE: path}))
    assert prices.file_dates() == [DATE] and not prices.notes


def test_columns_may_stand_in_any_order_and_others_are_left_alone(tmp_path: Path) -> None:
    """TradingView's averages, Kite's open interest, yfinance's adjusted close."""
    body = [f"{c},{naive(t)},x,{h},{low},{o},NaN,7" for t, (o, h, low, c) in ROWS]
    path = write(tmp_path, "close,time,Volume MA,high,low,open,Volume,oi", body)
    assert read_prices(path) == PLAIN
    (day,) = price_file.read(path).days.values()
    assert {bar.volume for bar in day} == {-1}, "a volume of NaN is none"


Rows = Sequence[tuple[dt.datetime, list[float]]]


def yfinance(
    rows: Rows, tickers: Sequence[str] = ("INFY.NS",) * 5, index: str = "Datetime"
) -> list[str]:
    body = [
        f"{t.astimezone(UTC):%Y-%m-%d %H:%M:%S}+00:00,{c},{h},{low},{o},900"
        for t, (o, h, low, c) in rows
    ]
    return [",".join(["Ticker", *tickers]), f"{index},,,,,", *body]


def test_the_three_header_lines_of_yfinance(tmp_path: Path) -> None:
    path = write(tmp_path, "Price,Close,High,Low,Open,Volume", yfinance(ROWS))
    assert read_prices(path) == PLAIN
    two = write(
        tmp_path,
        "Price,Close,High,Low,Open,Volume",
        yfinance(ROWS, ["INFY.NS", "TCS.NS", "INFY.NS", "TCS.NS", "INFY.NS"]),
    )
    with pytest.raises(
        PriceFileError,
        match=r"line 2, column ticker: 2 symbols \(INFY.NS, TCS.NS\); write one file a symbol",
    ):
        price_file.read(two)


# ---------------------------------------------------------------------------------------- daily
# files
@pytest.mark.parametrize(
    ("header", "stamp"),
    [
        (OURS, lambda t: f"{t:%Y-%m-%d}"),
        ("date,open,high,low,close,volume", lambda t: f"{t:%Y-%m-%d} 00:00:00+05:30"),
        ("time,open,high,low,close,Volume", lambda t: str(int(t.timestamp()))),
    ],
)
def test_daily_bars_are_refused_with_the_way_to_minutes(
    tmp_path: Path, header: str, stamp: Callable[[dt.datetime], str]
) -> None:
    rows = bars([minutes(dt.date(2026, 11, day), 1)[0] for day in (16, 17, 18, 19, 20)])
    path = write(tmp_path, header, lines(rows, stamp))
    with pytest.raises(
        PriceFileError, match=r"line 2, column \w+: daily bars \(5 in 5 days\): .*interval='1m'"
    ):
        price_file.read(path)


def test_one_daily_bar_of_yfinance_is_known_too(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "Price,Close,High,Low,Open,Volume",
        [*yfinance([], index="Date"), "2026-11-20,1505.4,1510.2,1490.3,1500.1,100"],
    )
    with pytest.raises(PriceFileError, match="daily bars"):
        price_file.read(path)


# ------------------------------------------------------------------------------------- length of a
# bar
def n_ticks(path: str) -> int:
    prices = PriceSource(SimConfig(prices={FUTURE: path}))
    return len(prices.path(prices.universe(DATE).resolve(FUTURE), DATE))


def test_one_odd_row_changes_nothing(tmp_path: Path) -> None:
    rows = bars(minutes(n=75, step_min=5))
    whole = n_ticks(write(tmp_path, OURS, lines(rows)))
    assert whole == 75 * 75
    odd = bars([*minutes(n=74, step_min=5), minutes(at="15:21", n=1)[0]])
    assert n_ticks(write(tmp_path, OURS, lines(odd))) == whole
    within = sorted([*rows, (minutes(at="10:01", n=1)[0], rows[9][1])])
    assert n_ticks(write(tmp_path, OURS, lines(within))) == whole + 75
    holes = [row for i, row in enumerate(ROWS) if i % 7]
    assert n_ticks(write(tmp_path, OURS, lines(holes))) == 15 * len(holes)


def test_ticks_of_a_bar_that_is_cut_short_end_before_the_next(tmp_path: Path) -> None:
    within = sorted([*bars(minutes(n=75, step_min=5)), (minutes(at="10:01", n=1)[0], ROWS[0][1])])
    path = write(tmp_path, OURS, lines(within))
    prices = PriceSource(SimConfig(prices={FUTURE: path}))
    ts_ns = list(prices.path(prices.universe(DATE).resolve(FUTURE), DATE).ts_ns)
    assert ts_ns == sorted(set(ts_ns))


def test_of_two_gaps_as_common_the_shorter_is_the_length() -> None:
    def bar(minute: int) -> FileBar:
        return FileBar(minute * 60 * 10**9, 1, 1, 1, 1, 0)

    assert bar_length_ns([[bar(0), bar(5), bar(6)]]) == 60 * 10**9
    assert bar_length_ns([[bar(0)], [bar(9)]]) == 60 * 10**9
    assert bar_length_ns([[bar(0), bar(5), bar(10)], [bar(100), bar(101)]]) == 300 * 10**9


# ------------------------------------------------------------------------------------ outside
# sessions
def utc_naive(time: dt.datetime) -> str:
    return naive(time.astimezone(UTC))


def refusal(path: str, key: str = FUTURE) -> str:
    with pytest.raises(PriceFileError) as caught:
        PriceSource(SimConfig(prices={key: path}))
    assert str(caught.value).startswith(path)
    return str(caught.value)


def test_a_file_in_utc_is_refused_and_called_so(tmp_path: Path) -> None:
    words = refusal(write(tmp_path, OURS, lines(ROWS, utc_naive)))
    assert (
        "line 2, column time_ist: 330 of 375 bars lie outside the sessions of NFO:NIFTY.FUT; the times look like UTC"
        in words
    )


def test_a_file_in_utc_is_known_where_most_of_it_would_fit(tmp_path: Path) -> None:
    """Crude oil trades from 09:00 to 23:30: of its day in UTC 540 of 870 minutes lie inside."""
    rows = bars(minutes(at="09:00", n=870), 6_000.0)
    words = refusal(write(tmp_path, OURS, lines(rows, utc_naive)), "MCX:CRUDEOIL.FUT")
    assert "330 of 870" in words and "UTC" in words


def test_a_few_bars_outside_are_counted_said_and_not_traded(tmp_path: Path) -> None:
    rows = bars([*minutes(at="09:00", n=15), *minutes(), *minutes(at="15:45", n=5)])
    path = write(tmp_path, OURS, lines(rows))
    prices = PriceSource(SimConfig(prices={FUTURE: path}))
    assert prices.notes == [
        f"{path}: 20 of 395 bars lie outside the sessions of {FUTURE} and are not traded ({DATE} 20 of 395); the first is on line 2"
    ]
    assert len(prices.path(prices.universe(DATE).resolve(FUTURE), DATE)) == 15 * 375


def test_a_day_of_which_most_lies_outside_is_refused(tmp_path: Path) -> None:
    rows = bars(
        [
            *minutes(dt.date(2026, 11, 18)),
            *minutes(DATE, 30, at="09:15"),
            *minutes(DATE, 100, at="16:00"),
        ]
    )
    words = refusal(write(tmp_path, OURS, lines(rows)))
    assert (
        "line 407, column time_ist: 100 of 130 bars of 2026-11-19 lie outside the session (09:15 to 15:40 IST)"
        in words
    )


# -----------------------------------------------------------------------------------------
# duplicates
@pytest.mark.parametrize("again", [101, 200])
def test_a_duplicate_is_called_one(tmp_path: Path, again: int) -> None:
    body = lines(ROWS)
    body.insert(again, body[100])
    with pytest.raises(
        PriceFileError,
        match=rf"line {again + 2}, column time_ist: {DATE} 10:55:00 is a duplicate: line 102 has that bar",
    ):
        price_file.read(write(tmp_path, OURS, body))


def test_disorder_is_still_called_disorder(tmp_path: Path) -> None:
    with pytest.raises(
        PriceFileError, match="is not after the line before; sort the lines by time"
    ):
        price_file.read(write(tmp_path, OURS, lines(ROWS[::-1])))


@pytest.mark.parametrize("stamp", ["20-11-2026 09:15", "45981.4", "11/20/2026 09:15"])
def test_a_time_that_could_mean_two_things_is_no_time(tmp_path: Path, stamp: str) -> None:
    with pytest.raises(
        PriceFileError, match="line 2, column time_ist: .* is not a time; write IST as"
    ):
        price_file.read(write(tmp_path, OURS, [f"{stamp},1,1,1,1,1"]))


# ----------------------------------------------------------------------------- prices outside the
# band
def test_a_users_prices_are_never_clamped(tmp_path: Path) -> None:
    """Results overnight: the share opens 12 % lower and ends 14 % lower, with a band of 10 %."""
    before, after = dt.date(2026, 11, 18), DATE
    rows = [*bars(minutes(before, 360), 1_500.0), *bars(minutes(after, 360), 1_310.0, 2)]
    prices = PriceSource(SimConfig(prices={"NSE:INFY": write(tmp_path, OURS, lines(rows))}))
    share = prices.universe(after).resolve("NSE:INFY")
    path = prices.path(share, after)
    day = [bar for time, bar in rows if time.date() == after]
    low, high = min(bar[2] for bar in day), max(bar[1] for bar in day)
    assert (
        abs(min(path.px_e4) / 10_000 - low) <= 0.05 and abs(max(path.px_e4) / 10_000 - high) <= 0.05
    )
    assert len(set(path.px_e4)) > 50
    low_band_e4, high_band_e4 = prices.band_e4(share, after)
    assert low_band_e4 < min(path.px_e4) and max(path.px_e4) < high_band_e4
    assert low_band_e4 % share.tick_e4 == 0 and low_band_e4 > 0.9 * min(path.px_e4)


def test_ordinary_days_keep_the_ordinary_band(tmp_path: Path) -> None:
    path = write(tmp_path, OURS, lines(bars(minutes(), 1_500.0)))
    prices = PriceSource(SimConfig(prices={"NSE:INFY": path}))
    share = prices.universe(DATE).resolve("NSE:INFY")
    low_e4, high_e4 = prices.band_e4(share, DATE)
    assert (low_e4, high_e4) == (13_500_000, 16_500_000)


# -------------------------------------------------------------------------------- sessions of
# weekends
@pytest.mark.parametrize(
    ("day", "opens", "closes"),
    [
        ("2025-02-01", "09:15", "15:30"),
        ("2026-02-01", "09:15", "15:30"),
        ("2025-10-21", "13:45", "14:45"),
        ("2026-11-08", "18:15", "19:15"),
    ],
)
def test_sessions_on_days_off(day: str, opens: str, closes: str) -> None:
    date = dt.date.fromisoformat(day)
    assert hours.is_trading_day(date)
    assert hours.hours("fno", date) == (opens, closes)


# ------------------------------------------------------------------------------------- shared
# inputs
SHARED = {
    "utc_naive.csv": "330 of 375 bars lie outside .*UTC",
    "daily_dates.csv": "daily bars .*needs minutes",
    "yfinance_new.csv": "daily bars .*needs minutes",
    "dup_row.csv": "is a duplicate: line 101",
    "kite_header_date.csv": "",
    "tradingview.csv": "",
    "five_min_one_minute_row.csv": "",
    "with_budget_sunday.csv": "",
    "results_gap_12pct.csv": "",
}


@pytest.mark.parametrize("name", SHARED)
def test_the_inputs_that_went_wrong(name: str) -> None:
    path = CASES / name
    if not path.is_file():
        pytest.skip(f"{path} is not on this machine")
    key = "NSE:INFY" if name.startswith("results") else FUTURE
    if words := SHARED[name]:
        with pytest.raises(PriceFileError, match=words):
            PriceSource(SimConfig(prices={key: str(path)}))
        return
    prices = PriceSource(SimConfig(prices={key: str(path)}))
    n_ticks_of = [
        len(prices.path(prices.universe(date).resolve(key), date)) for date in prices.file_dates()
    ]
    assert min(n_ticks_of) > 5_300
    if name.startswith("results"):
        px_e4 = prices.path(
            prices.universe(dt.date(2026, 11, 20)).resolve(key), dt.date(2026, 11, 20)
        ).px_e4
        assert (min(px_e4), max(px_e4)) == (12_928_000, 13_263_000)
    if name.startswith("with_budget"):
        assert len(n_ticks_of) == 3
