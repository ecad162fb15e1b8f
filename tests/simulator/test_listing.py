"""What is listed, and when each contract trades: worked from the circulars, and read back by our own
readers of the brokers' files.
"""

import datetime as dt
import gzip

import orjson
import pytest

from otrade.instruments.contract_names import read_name
from otrade.simulator.base import hours
from otrade.simulator.base.hours import ist_ns
from otrade.simulator.base.universe import Universe
from otrade.simulator.exchange.orders import Order, OrderRequest, RequestedTerms
from otrade.simulator.upstox.rest.instruments import instruments_file
from tests.simulator.scripted_market import ScriptedMarket

DATE = dt.date(2026, 11, 18)
LATER = dt.date(2026, 12, 29)
"""A last Tuesday, after 2026-12-07: monthly contracts of NSE expire."""


@pytest.fixture(scope="module")
def whole() -> Universe:
    return Universe(DATE, listing="whole")


def test_there_are_thousands_each_once(whole: Universe) -> None:
    assert len(whole.contracts) >= 3000
    assert len(whole.by_token) == len(whole.by_key) == len(whole.contracts)
    assert max(whole.by_token) < 2**31
    held = {(c.exchange, c.instrument_type) for c in whole.contracts if c.expiry}
    assert held >= {(e, k) for e in ("NFO", "BFO") for k in ("FUT", "CE", "PE")}
    assert {c.name for c in whole.contracts if c.is_option} >= {"RELIANCE", "SENSEX", "IDEA"}


def test_near_is_a_part_of_whole(whole: Universe) -> None:
    """The same contracts with the same tokens, so that a setting changes no instrument."""
    near = Universe(DATE)
    assert len(near.contracts) < 120
    assert all(whole.by_key[c.key] == c for c in near.contracts)


def test_a_contract_keeps_its_token() -> None:
    """On every day of its life, wherever the money is."""
    days = [DATE, dt.date(2026, 11, 19), dt.date(2026, 11, 20)]
    listed = [
        Universe(day, closes={"NIFTY 50": 25_900.0 + 350 * i}, listing="whole")
        for i, day in enumerate(days)
    ]
    for before, after in zip(listed, listed[1:], strict=False):
        kept = before.by_key.keys() & after.by_key.keys()
        assert len(kept) > 3000
        assert all(before.by_key[key].token == after.by_key[key].token for key in kept)


def test_weekly_and_far_expiries(whole: Universe) -> None:
    """Tuesdays at NSE, Thursdays at BSE; 2026-11-24 is a holiday, so the month ends on Monday."""

    def expiries(name: str) -> list[str]:
        found = {(c.expiry, c.is_weekly) for c in whole.contracts if c.name == name and c.is_option}
        return [f"{day:%m-%d}{'w' if weekly else ''}" for day, weekly in sorted(found) if day]

    assert expiries("NIFTY") == [
        "11-23", "12-01w", "12-08w", "12-15w", "12-22w", "12-29", "01-26", "03-30", "06-29", "09-28",
    ]  # fmt: skip
    assert expiries("SENSEX")[:5] == ["11-19w", "11-26", "12-03w", "12-10w", "12-17w"]
    assert expiries("BANKNIFTY") == ["11-23", "12-29", "01-26"]
    assert expiries("BANKEX")[0] == "11-26"


def test_names_are_kites(whole: Universe) -> None:
    for contract in whole.contracts:
        if contract.expiry is not None and contract.name != "M&M":
            name = read_name(contract.tradingsymbol)
            assert name is not None, contract.tradingsymbol
            assert name.under == contract.name
            assert name.fits(contract.instrument_type, contract.expiry, contract.strike_e4)
            assert bool(name.day) == contract.is_weekly


def test_half_strikes_and_cent_ticks(whole: Universe) -> None:
    """ITC 412.5 exists; options of shares below 250 rupees move by 0.01 since 2025-11-03."""
    itc = whole.by_key["NFO:ITC26NOV412.5CE"]
    assert (itc.strike_e4, itc.tick_e4) == (4_125_000, 500)
    steel = next(c for c in whole.contracts if c.name == "TATASTEEL" and c.is_option)
    assert steel.tick_e4 == 100 and steel.lot == whole.resolve("NFO:TATASTEEL.FUT").lot


def test_lots_are_the_circulars() -> None:
    """By the contract's expiry: NSE/FAOP/70616."""
    lots = {
        name: Universe(DATE, listing="whole").resolve(f"{exchange}:{name}.FUT").lot
        for exchange, name in (
            ("NFO", "NIFTY"),
            ("NFO", "BANKNIFTY"),
            ("NFO", "FINNIFTY"),
            ("NFO", "MIDCPNIFTY"),
            ("BFO", "SENSEX"),
            ("BFO", "BANKEX"),
        )
    }
    assert lots == {
        "NIFTY": 65,
        "BANKNIFTY": 30,
        "FINNIFTY": 60,
        "MIDCPNIFTY": 120,
        "SENSEX": 20,
        "BANKEX": 30,
    }


def test_upstox_lists_the_same(whole: Universe) -> None:
    rows = orjson.loads(gzip.decompress(instruments_file(whole, "complete")))
    assert len({row["instrument_key"] for row in rows}) == len(whole.contracts)
    sensex = [row for row in rows if row["name"] == "SENSEX" and row["instrument_type"] == "CE"]
    assert {row["segment"] for row in sensex} == {"BSE_FO"}
    assert {row["underlying_key"] for row in sensex} == {"BSE_INDEX|SENSEX"}
    assert {row["weekly"] for row in sensex} == {True, False}
    infy = next(row for row in rows if row["name"] == "INFY" and row["instrument_type"] == "PE")
    assert infy["underlying_key"] == "NSE_EQ|INE009A01021" and infy["underlying_type"] == "EQUITY"


@pytest.mark.parametrize(
    ("date", "key", "ends"),
    [
        (LATER, "NFO:INFY.FUT", "15:45"),
        (LATER, "NFO:NIFTY.FUT", "15:30"),
        (LATER - hours.DAY, "NFO:NIFTY.FUT", "15:45"),
        (dt.date(2026, 11, 23), "NFO:NIFTY.FUT", "15:40"),
        (dt.date(2026, 11, 23), "NFO:INFY.FUT", "15:40"),
        (dt.date(2026, 12, 31), "BFO:SENSEX.FUT", "15:30"),
        (LATER, "BFO:SENSEX.FUT", "15:45"),
    ],
)
def test_when_a_contract_stops_on_its_last_day(date: dt.date, key: str, ends: str) -> None:
    """SEBI I/23843/2026: of those that expire, index contracts stop at 15:30."""
    contract = Universe(date, listing="whole").resolve(key)
    assert contract.session_ns(date)[1] == ist_ns(date, ends)


@pytest.mark.parametrize(
    ("key", "status"), [("NFO:INFY.FUT", "OPEN"), ("NFO:NIFTY.FUT", "REJECTED")]
)
def test_an_order_at_15_40_of_the_last_day(key: str, status: str) -> None:
    start_ns = ist_ns(LATER, "15:40")
    market = ScriptedMarket([1500.0] * 3, key=key, start_ns=start_ns, date=LATER, funds_rupees=1e9)
    terms = RequestedTerms("LIMIT", market.contract.lot, 14_000_000)
    order = market.exchange.place(OrderRequest(market.contract, 1, "NRML", terms))[0]
    assert isinstance(order, Order)
    market.settle()
    assert order.status == status
