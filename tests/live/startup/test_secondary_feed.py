"""Two feeds at once: a day with one of them failing is the day with neither failing."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from otrade._core.types import Severity
from otrade.drill.process import BrokerKind
from otrade.instruments import Instrument
from otrade.live.startup.secondary_feed import joined
from tests.harness.simulated_day import SECOND, SimulatedDay, run, simulated_day

TODAY = dt.date(2026, 11, 19)
PAIRS: list[tuple[BrokerKind, BrokerKind]] = [
    ("kite", "upstox"),
    ("upstox", "kite"),
    ("kite", "kite"),
]


async def traded(here: SimulatedDay) -> list[tuple[Any, ...]]:
    """What the day's trades were, by their prices and sides; ids and times to the millisecond
    belong to the run.
    """
    return [
        (t.instrument_id, t.side, t.qty, t.entry_px_e4, t.exit_px_e4, t.exit_reason)
        for t in here.day.trades.trades
    ]


@pytest.mark.parametrize(("broker", "second"), PAIRS)
def test_one_feed_failing_changes_no_trade(broker: BrokerKind, second: BrokerKind) -> None:
    async def day(*, with_outage: bool, with_second: bool) -> tuple[list[Any], SimulatedDay]:
        async with simulated_day(broker=broker, second=second if with_second else None) as here:
            await here.open()
            await here.sim.run_until(here.at("09:40"))
            if with_outage and broker == "upstox":
                market: Any = here.process.broker._market
                await market.stop()  # its order updates have a socket of their own, which goes on
                await here.sim.run_until(here.at("09:50"))
                market.start()
                await here.sim.run_until(here.at("09:51"))
                here.sim.feed_of(second).disconnect_all()
            elif with_outage and broker != second:
                here.sim.feed_of(broker).pause()  # silent, and not closed: only the clock shows it
                await here.sim.run_until(here.at("09:50"))
                here.sim.feed_of(broker).resume()
                here.sim.feed_of(second).disconnect_all()
            elif with_outage:
                await here.day.secondary_feed.stop()
            await here.sim.run_until(here.at("11:20"))
            assert here.day.engine.n_live == 0
            found = await traded(here)
            await here.sim.during(here.day.close())
            return found, here

    alone, _ = run(day(with_outage=False, with_second=False))
    both, here = run(day(with_outage=False, with_second=True))
    assert len(alone) > 5
    assert both == alone, "the second feed repeats what the first has said"
    counters = here.day.engine.counters()
    assert counters["doubled"] > 1_000
    failing, here = run(day(with_outage=True, with_second=True))
    assert failing == alone, "and takes its place without a trade more or less"
    codes = {notice.code for notice in here.notices}
    assert "SECOND_FEED_UP" in codes and not [
        n for n in here.notices if n.severity == Severity.ALARM
    ]


def test_with_both_feeds_gone_there_are_no_entries_and_stops_stay() -> None:
    async def work() -> None:
        async with simulated_day(broker="kite", second="upstox") as here:
            await here.open()
            await here.sim.run_until(here.at("09:40"))
            here.sim.feed_of("kite").pause()
            assert here.day.secondary_feed is not None
            await here.day.secondary_feed.stop()
            await here.sim.run_until(here.sim.clock.now_ns() + 20 * SECOND)
            assert any("no entries; stops rest" in n.text for n in here.notices)
            await here.sim.during(here.day.close())

    run(work())


# -------------------------------------------------------------------------------------------------------------
# the join
def instrument(**fields: Any) -> Instrument:
    usual: dict[str, Any] = {
        "token": 408065, "exchange_token": 1594, "exchange": "NSE", "tradingsymbol": "INFY", "name": "INFOSYS", "expiry": None,
        "tick_size_e4": 1000, "lot_size": 1, "instrument_type": "EQ", "segment": "NSE",
    }  # fmt: skip
    return Instrument(**(usual | fields))


class Names:
    """The other broker's file: one row, by name whatever is asked, by number when it is asked with
    its own.
    """

    def __init__(self, row: Instrument) -> None:
        self.row = row

    def find(self, symbol: str, today: dt.date, spot_e4: int = 0) -> Instrument:
        return self.row

    def by_number(self, exchange: str, exchange_token: int) -> Instrument | None:
        return (
            self.row
            if (exchange, exchange_token) == (self.row.exchange, self.row.exchange_token)
            else None
        )


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"lot_size": 2}, "lot_size 1 here and 2 there"),
        ({"tick_size_e4": 500}, "tick_size_e4 1000 here and 500 there"),
        ({"exchange_token": 7}, "the other broker has no number 1594 on NSE"),
        ({"segment": "INDICES"}, "an index at one broker only"),
    ],
)
def test_what_the_brokers_do_not_agree_on_is_left_out_by_name(
    other: dict[str, Any], words: str
) -> None:
    listed, odd = joined(
        [("NSE:INFY", instrument())], Names(instrument(key="K", **other)), TODAY, by_token=False
    )
    assert not listed and len(odd) == 1 and words in odd[0] and "NSE:INFY" in odd[0]


def test_what_agrees_is_joined_and_what_is_missing_is_said() -> None:
    wanted = [
        ("NSE:INFY", instrument()),
        ("NSE:GONE", instrument(token=5, exchange_token=7, tradingsymbol="GONE")),
    ]
    names = Names(instrument(key="NSE_EQ|INE009A01021", tradingsymbol="INFY-EQ"))
    (listed,), (odd,) = joined(wanted, names, TODAY, by_token=False)
    assert (listed.token, listed.key) == (408065, "NSE_EQ|INE009A01021") and "NSE:GONE" in odd


def test_a_wire_of_numbers_needs_the_same_number() -> None:
    names = Names(instrument(segment="INDICES", token=9))
    listed, odd = joined(
        [("NSE:NIFTY 50", instrument(segment="INDICES"))], names, TODAY, by_token=True
    )
    assert not listed and "has number 408065 here and 9 there" in odd[0]
