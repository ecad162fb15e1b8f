"""Contracts by what they are: against a plain search through the list, and by hand."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otrade.errors import InstrumentError
from otrade.instruments.contracts import Contract, choose, read_wish

TODAY = dt.date(2026, 11, 23)
WEEKS = [
    dt.date(2026, 11, 17),
    TODAY,
    dt.date(2026, 12, 1),
    dt.date(2026, 12, 8),
    dt.date(2026, 12, 29),
    dt.date(2027, 1, 26),
]
STRIKES = [25_900, 25_950, 26_000, 26_050, 26_100]
FUTURES = [dt.date(2026, 11, 17), TODAY, dt.date(2026, 12, 29)]
LISTED = [
    *(
        Contract(day, strike * 10_000, kind, f"{day}/{strike}{kind}")
        for day in WEEKS
        for strike in STRIKES
        for kind in ("CE", "PE")
    ),
    *(Contract(day, 0, "FUT", f"{day}/FUT") for day in FUTURES),
]


def meant(symbol: str, spot: float = 0, today: dt.date = TODAY) -> str:
    wish = read_wish(symbol)
    assert wish is not None
    return choose(symbol, wish, LISTED, today, round(spot * 10_000)).tradingsymbol


@pytest.mark.parametrize(
    ("symbol", "spot", "name"),
    [
        ("NFO:NIFTY.FUT", 0, "2026-11-23/FUT"),
        ("NFO:NIFTY.FUT@+1", 0, "2026-12-29/FUT"),
        ("NFO:NIFTY.FUT@2026-12-29", 0, "2026-12-29/FUT"),
        ("NFO:NIFTY.26000CE", 0, "2026-11-23/26000CE"),
        ("NFO:NIFTY.26000CE@+1", 0, "2026-12-01/26000CE"),
        ("NFO:NIFTY.26000PE@M", 0, "2026-11-23/26000PE"),
        ("NFO:NIFTY.26000PE@M+1", 0, "2026-12-29/26000PE"),
        ("NFO:NIFTY.26000PE@M+2", 0, "2027-01-26/26000PE"),
        ("NFO:NIFTY.26000CE@2026-12-08", 0, "2026-12-08/26000CE"),
        ("NFO:NIFTY.ATMCE", 26_024.9, "2026-11-23/26000CE"),
        ("NFO:NIFTY.ATMCE", 26_025.1, "2026-11-23/26050CE"),
        ("NFO:NIFTY.ATMCE", 26_025, "2026-11-23/26000CE"),
        ("NFO:NIFTY.ATM+1CE@+1", 26_000, "2026-12-01/26050CE"),
        ("NFO:NIFTY.ATM-2PE@M+1", 26_010, "2026-12-29/25900PE"),
        ("NFO:NIFTY.ATMPE", 26_149, "2026-11-23/26100PE"),
    ],
)
def test_by_hand(symbol: str, spot: float, name: str) -> None:
    assert meant(symbol, spot) == name


@pytest.mark.parametrize(
    ("symbol", "spot", "words"),
    [
        ("NFO:NIFTY.FUT@+2", 0, "2 such expiries are listed, the last on 2026-12-29"),
        (
            "NFO:NIFTY.26025CE",
            0,
            "the nearest are 25950, 26000, 26050|the nearest are 26000, 26050",
        ),
        (
            "NFO:NIFTY.26000CE@2026-12-02",
            0,
            "nothing of it expires on 2026-12-02; the nearest expiries are",
        ),
        ("NFO:NIFTY.26000CE@2026-13-02", 0, "2026-13-02 is no date"),
        ("NFO:NIFTY.26000CE@2026-11-17", 0, "nothing of it expires"),
        ("NFO:NIFTY.ATMCE", 0, "the price of NSE:NIFTY 50 is not known"),
        (
            "NFO:NIFTY.ATM+3CE",
            26_000,
            r"strikes from 25900 to 26100 are listed for 2026-11-23: ATM\+3 is beyond them",
        ),
        ("NFO:NIFTY.ATM-5PE", 26_000, "beyond them"),
        (
            "NFO:NIFTY.ATMCE",
            26_400,
            "the nearest strike of 2026-11-23 is 26100: nothing is at the money",
        ),
        ("NFO:NIFTY.ATMCE", 20_000, "nothing is at the money"),
    ],
)
def test_what_is_not_listed_is_refused_with_what_is(symbol: str, spot: float, words: str) -> None:
    with pytest.raises(InstrumentError, match=words) as caught:
        meant(symbol, spot)
    assert symbol in str(caught.value)


def test_after_the_last_expiry_there_is_nothing() -> None:
    with pytest.raises(InstrumentError, match="no future of NIFTY on NFO expires on or after 2028"):
        meant("NFO:NIFTY.FUT", today=dt.date(2028, 1, 1))


@pytest.mark.parametrize(
    "symbol",
    [
        "NSE:INFY",
        "NFO:NIFTY26DECFUT",
        "NSE:NIFTY 50",
        "NFO:NIFTY.",
        "NFO:NIFTY.ATM",
        "NFO:NIFTY.FUT@-1",
        "NSE:A.B",
    ],
)
def test_plain_names_are_no_wishes(symbol: str) -> None:
    assert read_wish(symbol) is None


@pytest.mark.parametrize(
    ("symbol", "spot"),
    [
        ("NFO:BANKNIFTY.ATMCE", "NSE:NIFTY BANK"),
        ("BFO:SENSEX.ATMPE", "BSE:SENSEX"),
        ("NFO:M&M.ATMCE", "NSE:M&M"),
    ],
)
def test_whose_price_is_meant(symbol: str, spot: str) -> None:
    wish = read_wish(symbol)
    assert wish is not None and wish.needs_spot and wish.spot_symbol == spot


@given(spot=st.integers(25_860, 26_140), n=st.integers(0, 3), kind=st.sampled_from(["CE", "PE"]))
def test_at_the_money_is_the_nearest_by_search(spot: int, n: int, kind: str) -> None:
    day = [day for day in WEEKS if day >= TODAY][n]
    of_day = [one for one in LISTED if one.kind == kind and one.expiry == day]
    best = min(of_day, key=lambda one: (abs(one.strike_e4 - spot * 10_000), one.strike_e4))
    assert meant(f"NFO:NIFTY.ATM{kind}@+{n}", spot) == best.tradingsymbol
