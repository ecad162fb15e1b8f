"""Prices: a session that looks like one, the same whoever looks and when, and files of bars."""

import datetime as dt
import random
from pathlib import Path

import pytest

from otrade.price_files import reader as price_file
from otrade.price_files.bars import FileBar, PriceFileError
from otrade.simulator.base import hours
from otrade.simulator.base.config import SimConfig
from otrade.simulator.base.virtual_clock import VirtualClock
from otrade.simulator.draws import KeyedDraws
from otrade.simulator.exchange.order_system import OrderSystem
from otrade.simulator.kite.rms_rules import RULES
from otrade.simulator.prices import bar_trades
from otrade.simulator.prices.price_source import PriceSource

DATE = dt.date(2026, 11, 18)
KEYS = [
    "NSE:INFY",
    "NSE:IDEA",
    "NSE:NIFTY 50",
    "NFO:NIFTY.FUT",
    "MCX:CRUDEOIL.FUT",
    "CDS:USDINR.FUT",
]


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_session_is_plausible(key: str, seed: int) -> None:
    prices = PriceSource(SimConfig(seed=seed))
    contract = prices.universe(DATE).resolve(key)
    path = prices.path(contract, DATE)
    start_ns, end_ns = contract.session_ns(DATE)
    assert len(path) == (end_ns - start_ns) // 1_000_000_000
    assert list(path.ts_ns) == sorted(path.ts_ns)
    low_e4, high_e4 = prices.band_e4(contract, DATE)
    assert all(px % contract.tick_e4 == 0 and low_e4 <= px <= high_e4 for px in path.px_e4)
    spread = (max(path.px_e4) - min(path.px_e4)) / path.px_e4[0]
    assert 0.2 * contract.day_sigma < spread < 8 * contract.day_sigma
    assert max(path.qty) == 0 if not contract.tradable else min(path.qty) >= contract.lot
    assert all(qty % max(contract.lot, 1) == 0 for qty in path.qty)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_averages_cross_several_times_a_day(seed: int) -> None:
    prices = PriceSource(SimConfig(seed=seed))
    path = prices.path(prices.universe(DATE).resolve("NFO:NIFTY.FUT"), DATE).px_e4
    closes = path[59::60]
    crossings, above = 0, None
    for i in range(20, len(closes)):
        now = sum(closes[i - 9 : i + 1]) / 10 > sum(closes[i - 20 : i + 1]) / 21
        crossings += above is not None and now != above
        above = now
    assert 4 <= crossings <= 60


def test_volume_is_u_shaped() -> None:
    prices = PriceSource(SimConfig())
    qty = prices.path(prices.universe(DATE).resolve("NSE:INFY"), DATE).qty
    third = len(qty) // 6
    middle = len(qty) // 2
    assert sum(qty[:third]) > 1.3 * sum(qty[middle - third // 2 : middle + third // 2])


def test_order_of_looking_does_not_matter() -> None:
    one, other = PriceSource(SimConfig(seed=7)), PriceSource(SimConfig(seed=7))
    keys = ["NSE:INFY", "NFO:NIFTY.FUT", "NSE:TCS"]
    forward = [one.path(one.universe(DATE).resolve(key), DATE) for key in keys]
    backward = [other.path(other.universe(DATE).resolve(key), DATE) for key in keys[::-1]][::-1]
    assert forward == backward
    assert (
        PriceSource(SimConfig(seed=8)).path(one.universe(DATE).resolve("NSE:INFY"), DATE)
        != forward[0]
    )


def test_skipping_gives_the_same_state_as_watching() -> None:
    def state(watch: bool) -> tuple[int, ...]:
        clock = VirtualClock(hours.ist_ns(DATE, "09:00"))
        exchange = OrderSystem(SimConfig(), clock, RULES)
        exchange.open_day(DATE)
        contract = exchange.market.universe.resolve("NFO:NIFTY.FUT")
        if watch:
            exchange.market.watch(contract)
        until_ns = hours.ist_ns(DATE, "10:00")
        while (ts_ns := clock.next_ns()) is not None and ts_ns <= until_ns:
            callback = clock.pop().callback
            assert callback is not None
            callback()
        clock.advance(until_ns)
        q = exchange.market.quote(contract)
        return q.ltp_e4, q.open_e4, q.high_e4, q.low_e4, q.volume, q.value_e4, q.oi, q.noise()

    assert state(True) == state(False)


@pytest.mark.parametrize(
    ("date", "symbol", "expiry", "lot"),
    [
        (
            dt.date(2026, 11, 18),
            "NIFTY26NOVFUT",
            dt.date(2026, 11, 23),
            65,
        ),  # Tuesday 24th is a holiday
        (dt.date(2026, 11, 23), "NIFTY26NOVFUT", dt.date(2026, 11, 23), 65),
        (dt.date(2026, 11, 25), "NIFTY26DECFUT", dt.date(2026, 12, 29), 65),
        (dt.date(2025, 9, 4), "NIFTY25SEPFUT", dt.date(2025, 9, 30), 75),
        (
            dt.date(2025, 7, 1),
            "NIFTY25JULFUT",
            dt.date(2025, 7, 31),
            75,
        ),  # Thursdays until August 2025
    ],
)
def test_nearest_future(date: dt.date, symbol: str, expiry: dt.date, lot: int) -> None:
    contract = PriceSource(SimConfig()).universe(date).resolve("NFO:NIFTY.FUT")
    assert (contract.tradingsymbol, contract.expiry, contract.lot) == (symbol, expiry, lot)


@pytest.mark.parametrize("date", [dt.date(2026, m, 20) for m in range(1, 13)])
def test_tokens_are_unique(date: dt.date) -> None:
    universe = PriceSource(SimConfig()).universe(date)
    assert len(universe.by_token) == len(universe.contracts) == len(universe.by_key)


@pytest.mark.parametrize(
    ("kind", "date", "ends"),
    [
        ("cash_fno", dt.date(2026, 7, 31), "15:30"),
        ("cash_fno", dt.date(2026, 8, 3), "15:15"),
        ("cash_fno", dt.date(2026, 12, 7), "15:30"),
        ("cash", dt.date(2026, 11, 18), "15:30"),
        ("fno", dt.date(2026, 7, 31), "15:30"),
        ("fno", dt.date(2026, 11, 18), "15:40"),
        ("fno", dt.date(2026, 12, 7), "15:45"),
    ],
)
def test_end_of_continuous_trading(kind: str, date: dt.date, ends: str) -> None:
    assert hours.hours(kind, date)[1] == ends


BARS = """time_ist,open,high,low,close
2025-09-04 09:15:00,24970.3,24990.1,24867.05,24876.6
2025-09-04 09:16:00,24876.95,24892.7,24875.8,24876.95
2025-09-05 09:15:00,24800,24800,24800,24800
"""


def write(folder: Path, text: str) -> str:
    path = folder / "bars.csv"
    path.write_text(text)
    return str(path)


def test_bars_become_trades_that_make_the_bars(tmp_path: Path) -> None:
    prices = PriceSource(SimConfig(prices={"NFO:NIFTY.FUT": write(tmp_path, BARS)}))
    assert prices.file_dates() == [dt.date(2025, 9, 4), dt.date(2025, 9, 5)]
    date = dt.date(2025, 9, 4)
    universe = prices.universe(date)
    index = prices.path(universe.resolve("NSE:NIFTY 50"), date)
    assert len(index) == 30
    first = [px / 10_000 for px in index.px_e4[:15]]
    assert (first[0], max(first), min(first), first[-1]) == (24970.3, 24990.1, 24867.05, 24876.6)
    assert index.ts_ns[1] - index.ts_ns[0] == 4_000_000_000
    # The future has the same prices, on its own tick of 0.10.
    future = prices.path(universe.resolve("NFO:NIFTY.FUT"), date)
    assert all(abs(a - b) <= 500 for a, b in zip(future.px_e4, index.px_e4, strict=True))
    # The file's last close is the next day's previous close.
    next_day = dt.date(2025, 9, 5)
    close_e4 = prices.previous_close_e4(prices.universe(next_day).resolve("NSE:NIFTY 50"), next_day)
    assert close_e4 == 248_769_500


@pytest.mark.parametrize("seed", range(20))
def test_ticks_never_leave_the_bar(seed: int) -> None:
    rng = random.Random(seed)
    low, high = 1000, 1000 + rng.randrange(0, 500)
    bar = FileBar(0, rng.randint(low, high), high, low, rng.randint(low, high), -1)
    for count in (4, 5, 15, 60):
        ticks = bar_trades.ticks_of(bar, count, KeyedDraws(seed, count))
        assert len(ticks) == count
        assert (ticks[0], ticks[-1], max(ticks), min(ticks)) == (
            bar.open_e4,
            bar.close_e4,
            high,
            low,
        )


def test_volume_column_is_shared_out(tmp_path: Path) -> None:
    text = "time_ist,open,high,low,close,volume\n2025-09-04 09:15:00,1500,1510,1490,1505,100\n"
    prices = PriceSource(SimConfig(prices={"NSE:INFY": write(tmp_path, text)}))
    date = dt.date(2025, 9, 4)
    path = prices.path(prices.universe(date).resolve("NSE:INFY"), date)
    assert sum(path.qty) == 100
    assert list(path.qty) == [7] * 10 + [6] * 5


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "line 1, column time_ist: missing"),
        ("time_ist,open,high,low\n", "line 1, column close: missing"),
        ("time_ist,open,high,low,close\n", "no bars"),
        (
            BARS + "2025-09-05 09:15:00,1,1,1,1\n",
            "line 5, column time_ist: 2025-09-05 09:15:00 is a duplicate: line 4 has that bar",
        ),
        (BARS + "noon,1,1,1,1\n", "line 5, column time_ist: 'noon' is not a time"),
        (BARS + "2025-09-06 09:15:00,x,1,1,1\n", "line 5, column open: 'x' is not a number"),
        (BARS + "2025-09-06 09:15:00,0,1,1,1\n", "line 5, column open: price 0 is out of range"),
        (BARS + "2025-09-06 09:15:00,nan,1,1,1\n", "line 5, column open"),
        (BARS + "2025-09-06 09:15:00,5,4,1,2\n", "line 5, column high: below another price"),
        (BARS + "2025-09-06 09:15:00,5,6,5.5,5.6\n", "line 5, column low: above another price"),
        (BARS + "2025-09-06 09:15:00,5,6\n", "line 5, column low: 3 cells where the header has 5"),
    ],
)
def test_bad_file_names_file_line_column_and_fix(tmp_path: Path, text: str, words: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(PriceFileError) as caught:
        PriceSource(SimConfig(prices={"NSE:NIFTY 50": path}))
    assert str(caught.value).startswith(path)
    assert words in str(caught.value)


def test_binary_file_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "bars.csv"
    path.write_bytes(b"\xff\xfe\x00\x81" * 10)
    with pytest.raises(PriceFileError, match="UTF-8"):
        price_file.read(str(path))


@pytest.mark.parametrize("key", ["NSE:NOSUCH", "NFO:NOSUCH.FUT", "INFY"])
def test_unknown_symbol_is_named(tmp_path: Path, key: str) -> None:
    with pytest.raises(ValueError, match=key):
        PriceSource(SimConfig(prices={key: write(tmp_path, BARS)}))
