"""What brokers hold for us, and the running engine's morning board, asked in the middle of a day."""

from __future__ import annotations

from functools import partial
from typing import Any, cast

import pytest

from otrade.brokers.session import (
    BrokerPosition,
    BrokerRows,
    EmergencyClient,
    Funds,
    Holding,
    UnreadableRow,
)
from otrade.brokers.upstox.emergency_client import holding_of as upstox_holding
from otrade.calendar import Calendar
from otrade.cli.commands.account import render
from otrade.drill.process import adapter_at
from otrade.errors import NetworkError
from otrade.live.broker_io.account_queries import LOOK_EVERY_NS, TIMEOUT_NS, AccountQueries, read
from otrade.live.control.preflight_service import LOOK_EVERY_NS as BOARD_EVERY_NS
from otrade.live.control.preflight_service import PreflightService
from otrade.live.paper_mode import paper_adapter
from otrade.simulator.base.config import SimConfig
from otrade.simulator.simulator import Simulator
from tests.harness.simulated_day import run, simulated_day
from tests.live.control.test_preflight import BROKERS, config_of


class CountingBroker:
    """A broker that counts what it is asked."""

    def __init__(self, fails: bool = False) -> None:
        self.asked = 0
        self.closed = 0
        self.fails = fails

    async def positions(self) -> BrokerRows[BrokerPosition]:
        self.asked += 1
        return BrokerRows([BrokerPosition(1, "NSE", "INFY", "MIS", 10, 10, 0, 15_000_000, 0, 0, 1)])

    async def mtf_positions(self) -> BrokerRows[BrokerPosition]:
        return BrokerRows([BrokerPosition(1, "NSE", "INFY", "MTF", 40, 0, 0, 0, 0, 0, 1)])

    async def holdings(self) -> BrokerRows[Holding]:
        if self.fails:
            raise NetworkError("the broker did not answer")
        return BrokerRows(
            [Holding("NSE", "TCS", "INE1", 5, 2, 35_000_000, 36_000_000, 300, 20)],
            [UnreadableRow("SB\x1bIN", "", 0, "quantity of a broker's row is missing")] * 7,
        )

    async def funds(self) -> list[Funds]:
        return [Funds("equity", 1_000_000, 5)]

    def close(self) -> None:
        self.closed += 1


class QueryClock:
    ns = 10**18

    def now_ns(self) -> int:
        return self.ns


def test_many_looks_are_one_question_and_its_age_is_told() -> None:
    client, clock = CountingBroker(), QueryClock()
    accounts = AccountQueries([("kite", lambda: cast(EmergencyClient, client))], clock.now_ns)

    async def work() -> None:
        (first,) = await accounts.fetch()
        clock.ns += LOOK_EVERY_NS - 1
        assert await accounts.fetch() == [first] and client.asked == 1 and first.ts_ms == 10**12
        clock.ns += 1
        (second,) = await accounts.fetch()
        assert client.asked == client.closed == 2 and second.ts_ms == clock.ns // 10**6
        assert second.positions[0].ltp_e4 is None, "a price that is not told is not 0"
        assert second.holdings[0].t1_qty == 2 and "last not told" in render(second)
        assert [(p.product, p.net_qty) for p in second.positions] == [("MIS", 10), ("MTF", 40)]
        assert "2 not delivered yet, 300 pledged, 20 on margin (MTF)" in render(second)

    run(work())


def test_a_row_that_cannot_be_read_is_named_and_hides_nothing() -> None:
    client = CountingBroker()
    accounts = AccountQueries(
        [("kite", lambda: cast(EmergencyClient, client))], QueryClock().now_ns
    )

    async def work() -> None:
        (row,) = await accounts.fetch()
        assert row.positions and row.holdings and row.funds
        assert row.trouble.startswith("holdings, SB IN: quantity of a broker's row is missing; ")
        assert row.trouble.endswith("; holdings, 2 more rows")
        words = render(row)
        assert "could not be read, and is not known: holdings" in words and "NSE:TCS" in words

    run(work())


def test_an_account_with_an_unreadable_row_is_not_said_to_be_empty() -> None:
    client = CountingBroker(fails=True)
    cast(Any, client).positions = cast(Any, client).mtf_positions = no_rows

    async def work() -> None:
        found = await read("kite", cast(EmergencyClient, client), QueryClock().now_ns)
        assert "no position and no holding" not in render(found)

    run(work())


async def no_rows() -> BrokerRows[BrokerPosition]:
    return BrokerRows()


@pytest.mark.parametrize(
    ("row", "qty", "pledged"),
    [
        ({"quantity": 36, "t1_quantity": 0, "collateral_quantity": 36}, 36, 36),
        ({"quantity": 36}, 36, 0),
        ({"quantity": 36, "collateral_quantity": None}, 36, 0),
    ],
)
def test_what_upstox_has_as_collateral(row: dict[str, Any], qty: int, pledged: int) -> None:
    told = {"exchange": "NSE", "trading_symbol": "TCS", "average_price": 10.5, "last_price": 11}
    held = upstox_holding({**told, **row})
    assert (held.qty, held.pledged_qty) == (qty, pledged)


def test_one_question_that_fails_hides_neither_the_others_nor_the_other_broker() -> None:
    bad, good = CountingBroker(fails=True), CountingBroker()
    accounts = AccountQueries(
        [
            ("kite", lambda: cast(EmergencyClient, bad)),
            ("upstox", lambda: cast(EmergencyClient, good)),
        ],
        QueryClock().now_ns,
    )

    async def work() -> None:
        first, second = await accounts.fetch()
        assert first.trouble == "holdings: the broker did not answer" and bad.closed == 1
        assert first.positions and first.funds and not first.holdings
        assert "could not be read" in render(first)
        assert second.positions

    run(work())


@pytest.mark.parametrize("broker", BROKERS)
def test_the_running_engines_questions(tmp_path: Any, broker: Any) -> None:
    """Against the exchange's own books, on either protocol, while a day runs."""

    async def work() -> None:
        async with simulated_day(broker=broker) as here:
            await here.open()
            await here.sim.run_until(here.at("09:40"))
            await here.run_until(lambda: bool(here.open_keys()))
            adapter = adapter_at(here.sim, here.ports, broker, here.sim.clock)
            adapter.use(here.process.access_token)
            accounts = AccountQueries(
                [(adapter.name, partial(adapter.emergency_client, TIMEOUT_NS))],
                here.sim.clock.now_ns,
            )
            (row,) = await here.sim.during(accounts.fetch())
            assert not row.trouble and row.funds
            assert {
                p.symbol: p.net_qty for p in row.positions if p.net_qty
            } == here.sim.exchange.net_qty()
            config = config_of(tmp_path, broker)
            morning = PreflightService(
                config, adapter, Calendar.load(), cast(Any, here.sim.clock), here.day, []
            )
            board = await here.sim.during(morning.run())
            lines = {line.name: line for line in board.lines}
            assert "address" not in lines, "orders have told already that they are taken from here"
            assert lines["positions"].verdict == lines["leftovers"].verdict == "GO", (
                "what is at work is not left over"
            )
            assert (
                "all of them this engine's own" in lines["leftovers"].words
                and "as this engine has it" in lines["positions"].words
            )
            assert await here.sim.during(morning.run()) is board, (
                "a young board is not asked for again"
            )
            here.sim.exchange.place_manual("NSE:TCS", 1, 3)
            far_e4 = here.sim.exchange.prices.previous_close_e4(
                here.sim.exchange.market.universe.resolve("NSE:TCS"), here.date
            )
            here.sim.exchange.place_manual("NSE:TCS", 1, 2, price=float(far_e4 * 95 // 1_000_000))
            await here.sim.run_until(here.now_ns + BOARD_EVERY_NS)
            later = await here.sim.during(morning.run())
            assert later.ts_ms > board.ts_ms
            lines = {line.name: line for line in later.lines}
            assert lines["positions"].verdict == lines["leftovers"].verdict == "LOOK"
            assert lines["positions"].words == "open already: TCS +3 MIS" and lines[
                "leftovers"
            ].words.startswith("1 orders are working")
            adapter.close()

    run(work())


@pytest.mark.parametrize("broker", BROKERS)
def test_a_desk_by_hand_has_the_token_in_use(broker: Any, tmp_path: Any) -> None:
    async def work() -> None:
        sim = Simulator(SimConfig(broker=broker))
        ports = await sim.start()
        try:
            adapter = paper_adapter(config_of(tmp_path, broker).broker, sim, ports)
            await sim.during(adapter.log_in_here())
            client = adapter.emergency_client(TIMEOUT_NS)
            assert await sim.during(client.order_book()) == []
            adapter.use(sim.new_token(broker))
            newer = adapter.emergency_client(TIMEOUT_NS)
            assert await sim.during(newer.order_book()) == []
            client.close()
            newer.close()
            adapter.close()
        finally:
            await sim.stop()

    run(work())
