"""A commodity at both brokers: an order for 1 is one lot, and its profit is in rupees of the whole
lot.
"""

import datetime as dt
import gzip
from typing import Any

import pytest

from otrade._core.types import Ev, OrdType, Reason, Side, Source
from otrade.brokers.session import OrderReport, OrderTerms
from otrade.drill.process import BrokerKind, adapter_at
from otrade.instruments import Instrument
from otrade.instruments.kite import KiteInstrumentFile
from otrade.instruments.upstox import UpstoxInstrumentFile
from otrade.simulator.kite.rest.instruments import instruments_csv
from otrade.simulator.upstox.rest.instruments import instruments_file
from tests.harness.simulated_day import SimulatedDay, run, simulated_day

KEY = "MCX:CRUDEOIL.FUT"
BARRELS = 100
BOTH = pytest.mark.parametrize("broker", ["kite", "upstox"])


def listed(here: SimulatedDay, broker: BrokerKind) -> Instrument:
    """As the broker's file of that day says."""
    universe = here.sim.exchange.market.universe
    if broker == "kite":
        return KiteInstrumentFile(instruments_csv(universe, None, lambda contract: 0)).find(
            KEY, here.date
        )
    return UpstoxInstrumentFile(gzip.decompress(instruments_file(universe, "complete"))).find(
        KEY, here.date
    )


@BOTH
def test_quantity_counts_lots_and_profit_counts_barrels(broker: BrokerKind) -> None:
    async def main() -> None:
        config = {
            "dates": (dt.date(2026, 9, 21),)
        }  # two days later Upstox took no MCX order by its API any more
        async with simulated_day(
            seed=5, broker=broker, keys=(KEY,), hours=2.0, config=config, plan={"size_value": 2.0}
        ) as here:
            record = listed(here, broker)
            (spec,) = here.process.instruments
            assert (
                (record.lot_size, record.multiplier)
                == (spec.lot_size, spec.multiplier)
                == (1, BARRELS)
            )
            assert record.freeze_qty in (0, spec.freeze_qty), "Kite's file does not say it"
            await here.open()
            await here.run_to_end()
            trades = here.sim.exchange.trades()
            assert trades and {trade.order.terms.quantity for trade in trades} == {2}
            gross_e4 = -sum(
                trade.order.side * trade.qty * trade.price_e4 * BARRELS for trade in trades
            )
            assert (
                here.day.engine.risk()["pnl_e4"]
                == gross_e4
                == sum(trade.gross_e4 for trade in here.day.trades.trades)
            )
            assert here.day.is_verified

    run(main())


def test_upstox_takes_no_mcx_order_by_its_api_since_then() -> None:
    async def main() -> None:
        for date, outcome in ((dt.date(2026, 9, 22), Ev.ACK), (dt.date(2026, 9, 23), Ev.REFUSED)):
            async with simulated_day(
                broker="upstox", keys=(KEY,), config={"dates": (date,)}
            ) as here:
                await here.sim.run_until(here.at("09:30"))
                adapter = adapter_at(here.sim, here.ports, "upstox", here.sim.clock)
                adapter.use(here.new_token())
                client = adapter.emergency_client(5 * 10**9)
                client.set_access_token(here.new_token())
                (spec,) = here.process.instruments
                like = OrderReport(
                    "", "", Ev.UNKNOWN, Source.BOOK, Side.NONE, 0, 0, 0, 0, 0, 0, False, 0, 0, 0, spec.token, "MCX", spec.symbol, "NRML",
                    "", "", {"instrument_token": spec.key},
                )  # fmt: skip
                px_e4 = here.sim.exchange.prices.previous_close_e4(
                    here.sim.exchange.market.universe.resolve(KEY), date
                )

                async def place(
                    client: Any = client, like: OrderReport = like, px_e4: int = px_e4
                ) -> Any:
                    return await client.place(
                        like,
                        1,
                        OrderTerms(1, OrdType.LIMIT, px_e4 // 10_000 * 10_000),
                        "OTCOMMODITY00000001",
                    )

                answer = await here.sim.during(place())
                client.close()
                adapter.close()
                assert answer.outcome == outcome, answer.text
                if outcome == Ev.REFUSED:
                    assert answer.reason == Reason.BROKER_PERMISSION and "UDAPI1161" in answer.text

    run(main())
