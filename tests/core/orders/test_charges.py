"""The core's charges in integers, held against `otrade.charges`, which counts in decimals and is
itself held against notes worked by hand.
"""

import datetime as dt
import random
from decimal import Decimal

import msgspec
import pytest

from otrade._core.types import Ev, ExitReason, Halt, Note, Side
from otrade.charges import ChargeTable, DayCharges, TradedValue
from otrade.live.history.trade_ledger import OrderFill
from tests.core.orders.test_brackets import EngineDriver
from tests.harness.core_engine import MS

TABLE = ChargeTable.load()
DAYS = ("2022-06-01", "2024-11-05", "2025-06-10", "2026-11-20")
PLANS = ("zerodha", "upstox")
KINDS = [
    TradedValue("NSE", "intraday", "INFY"),
    TradedValue("BSE", "intraday", "INFY"),
    TradedValue("NSE", "delivery", "INFY"),
    TradedValue("NSE", "delivery", "NIFTYBEES"),
    TradedValue("NSE", "futures", "NIFTY"),
    TradedValue("BSE", "options", "SENSEX"),
    TradedValue("NSE", "options", "NIFTY"),
    TradedValue("MCX", "commodity_futures", "CRUDEOIL"),
    TradedValue("NSE", "currency_futures", "USDINR"),
]


def charged(rates: DayCharges, what: TradedValue, *, qty: int = 10) -> EngineDriver:
    driver = EngineDriver(plan={"target_kind": 0, "size_value": float(qty), "max_qty": 0})
    charge(driver, rates, what)
    return driver


def charge(driver: EngineDriver, rates: DayCharges, what: TradedValue, at: int = 0) -> None:
    driver.e.set_charges(at, dp_at=0, **msgspec.to_builtins(rates.core_rates(what)))


@pytest.mark.parametrize("what", KINDS, ids=lambda what: f"{what.exchange}-{what.segment}")
def test_to_the_paisa(what: TradedValue) -> None:
    """Random orders of each kind: after every fill the core owes what the decimals say."""
    seed = random.randrange(1 << 30)
    print("seed", seed)
    rng = random.Random(seed)
    for _ in range(40):
        rates = TABLE.on(dt.date.fromisoformat(rng.choice(DAYS)), rng.choice(PLANS))
        qty = rng.choice((1, 7, 75, 1_300, 90_000))
        driver = charged(rates, what, qty=qty)
        is_long = rng.random() < 0.5
        side = Side.BUY if is_long else Side.SELL
        entry = driver.enter(side)
        driver.ack(entry)
        fills: dict[str, OrderFill] = {}

        def check(fills: dict[str, OrderFill], rates=rates, driver=driver) -> None:
            exact = rates.trade(what, list(fills.values()))
            assert driver.e.bracket(0)["charges_e4"] == exact.known_e4, (seed, fills)
            assert driver.e.risk()["charges_e4"] == exact.known_e4
            position = driver.e.position(0)
            assert position["charges_e4"] == exact.known_e4
            unknown = exact.unknown.keys() - {"square_off"}
            assert bool(position["uncharged"]) >= bool(unknown), "unknown is a state"

        filled = value = 0
        while filled < qty:
            part = rng.randint(1, qty - filled)
            filled += part
            value += part * rng.randrange(500, 40_000_000, 500)
            done = Ev.FILL_FULL if filled == qty else Ev.FILL_PART
            driver.say(entry, done, filled, value=value)
            fills["entry"] = OrderFill(side, filled, value)
            check(fills)
        left = qty
        for number in range(rng.randint(1, 4)):
            part = left if number == 3 else rng.randint(1, left)
            px, by_broker = rng.randrange(500, 40_000_000, 500), rng.random() < 0.3
            driver.now += MS
            driver.closed_by_other(-side, part, px, by_broker=by_broker, number=f"X{number}")
            fills[str(number)] = OrderFill(-side, part, part * px)
            if driver.e.bracket(0)["exit_reason"] == ExitReason.BROKER:
                fills = {
                    key: msgspec.structs.replace(one, squared_off=key != "entry")
                    for key, one in fills.items()
                }
            check(fills)
            left -= part
            if not left:
                break


def test_a_short_lot_owes_its_entry_at_the_fill() -> None:
    """A NIFTY lot of 75 sold at 24,500: 18,37,500 rupees. Zerodha 20; STT 0.05 % 918.75; NSE
    0.00183 % 33.63; SEBI 10 a crore 1.84; GST 18 % of 55.4638 9.98; and no stamp for a seller.
    """
    rates = TABLE.on(dt.date(2026, 11, 20), "zerodha")
    exact = rates.order(TradedValue("NSE", "futures", "NIFTY"), -1, 75 * 24_500 * 10_000)
    driver = charged(rates, TradedValue("NSE", "futures", "NIFTY"), qty=75)
    entry = driver.enter(Side.SELL)
    driver.ack(entry)
    driver.say(entry, Ev.FILL_FULL, 75, value=75 * 24_500 * 10_000)
    owed = Decimal(driver.e.risk()["charges_e4"]) / 10_000
    assert owed == Decimal(exact.known_e4) / 10_000
    assert owed > 900


def test_the_days_loss_is_net() -> None:
    """Ten shares at 100.05 rupees that stand where they were bought: only the charges are lost, and a
    limit of less than these stops the day.
    """
    rates = TABLE.on(dt.date(2026, 11, 20), "zerodha")
    what = TradedValue("NSE", "intraday", "INFY")
    entry_e4 = rates.order(what, 1, 10 * 1_000_500).known_e4
    for limit_e4, halt in ((entry_e4 + 1, Halt.ACTIVE), (entry_e4, Halt.REDUCING)):
        driver = EngineDriver(plan={"target_kind": 0}, max_daily_loss_e4=limit_e4)
        charge(driver, rates, what)
        entry = driver.enter()
        driver.ack(entry)
        driver.say(entry, Ev.FILL_FULL, 10, 1_000_500)
        risk = driver.e.risk()
        assert (risk["pnl_e4"], risk["halt"]) == (0, halt)
        assert risk["drawdown_e4"] == entry_e4
        tripped = [n for n in driver.e.take_notices() if n["note"] == Note.LIMIT_TRIPPED]
        assert bool(tripped) == (halt == Halt.REDUCING)


def test_a_corrected_price_corrects_the_charges() -> None:
    """The broker tells another average for what had filled: charges are those of the new value."""
    rates = TABLE.on(dt.date(2026, 11, 20), "upstox")
    what = TradedValue("NSE", "delivery", "INFY")
    driver = charged(rates, what)
    entry = driver.enter()
    driver.ack(entry)
    driver.say(entry, Ev.FILL_FULL, 10, 1_000_000)
    driver.say(entry, Ev.FILL_FULL, 10, 1_300_000)
    assert driver.e.bracket(0)["entry_value_e4"] == 13_000_000
    assert driver.e.risk()["charges_e4"] == rates.order(what, 1, 13_000_000).known_e4


def test_every_rate_of_the_table_is_whole() -> None:
    for day in DAYS:
        for plan in PLANS:
            for what in KINDS:
                TABLE.on(dt.date.fromisoformat(day), plan).core_rates(what)
