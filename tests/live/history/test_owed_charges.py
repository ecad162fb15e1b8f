"""Charges are owed from the fill on: what the ledger tells of the day is at every moment what the
core's limits are held against, also of what is still open.
"""

import datetime as dt

import msgspec

from otrade._core.types import Ev
from otrade.charges import ChargeTable, TradedValue
from otrade.live.history.trade_ledger import TradeLedger
from tests.core.orders.test_brackets import EngineDriver

RATES = ChargeTable.load().on(dt.date(2026, 11, 20), "zerodha")
WHAT = TradedValue("NSE", "intraday", "INFY")


def test_of_what_is_open_and_what_is_closed() -> None:
    driver = EngineDriver(plan={"target_kind": 0})
    driver.e.set_charges(0, dp_at=0, **msgspec.to_builtins(RATES.core_rates(WHAT)))
    ledger = TradeLedger(driver.e, lambda bracket, instrument, fills: RATES.trade(WHAT, fills))

    def both() -> int | None:
        risk = driver.e.risk()
        assert ledger.charges.total_e4 == risk["charges_e4"]
        assert risk["net_e4"] == risk["pnl_e4"] - risk["charges_e4"]
        return ledger.charges.total_e4

    assert both() == 0
    entry = driver.enter()
    driver.ack(entry)
    assert both() == 0, "an order that has not traded costs nothing"
    driver.say(entry, Ev.FILL_PART, 4, 1_000_000)
    part_e4 = both()
    assert part_e4 == RATES.order(WHAT, 1, 4_000_000).total_e4
    driver.say(entry, Ev.FILL_FULL, 10, 1_000_000)
    entry_e4 = both()
    assert entry_e4 == RATES.order(WHAT, 1, 10_000_000).total_e4
    stop = driver.take()
    driver.ack(stop)
    driver.say(stop, Ev.WORKING)
    driver.say(stop, Ev.FILL_FULL, 10, 990_000)
    assert driver.e.live_brackets() == []
    trade = ledger.close(0)
    assert trade is not None and trade.charges_e4 == both()
    # The exchange tells of two more units of the entry's: the bracket lives again, and owes more.
    driver.say(entry, Ev.FILL_FULL, 12, 1_000_000, qty=12)
    assert driver.e.live_brackets() == [0]
    assert (both() or 0) > (trade.charges_e4 or 0)


def test_charges_that_are_not_known_leave_no_net() -> None:
    driver = EngineDriver(plan={"target_kind": 0})
    assert driver.e.risk()["net_e4"] == 0, "nothing has traded"
    driver.opened()
    assert driver.e.risk()["net_e4"] is None
