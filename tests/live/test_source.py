"""What the page is shown, in the middle of a day, against the contract and the exchange."""

import msgspec

from otrade.live.control import Control
from otrade.live.source import LiveSource
from otrade.web import schema
from otrade.web.source import EngineSource

from .world import SECOND, World, run, world


def source_of(here: World) -> EngineSource:
    source = LiveSource(here.board, Control(), mode="paper", broker_kind="sim", speed=0.0)
    source.set_day(here.day)
    return source


def valid(row: object) -> None:
    """msgspec checks types on the way in only: so out and in again."""
    again = msgspec.json.decode(msgspec.json.encode(row), type=type(row))
    assert again == row


def test_every_view_holds_to_the_contract_and_to_the_exchange() -> None:
    async def body() -> None:
        async with world() as here:
            source = source_of(here)
            await here.open()
            await here.sim.run_until(here.at("09:40"))
            await here.run_until(lambda: bool(here.open_keys()) and len(here.day.trades) > 2)
            await here.sim.run_until(here.now_ns + SECOND)
            tables = [
                source.instruments(), source.strategies(), source.brackets(), source.orders(), source.positions(),
                source.trades(), source.signals(0), source.notices(0), source.candles(0, 60), source.candles(0, 300),
            ]  # fmt: skip
            for rows in tables:
                assert rows
                for row in rows:
                    valid(row)
            status = source.status()
            valid(status)
            nets = {row.symbol: row.net_qty for row in source.positions() if row.net_qty}
            assert nets == here.sim.exchange.net_qty()
            ours = {row.broker_order_id: (row.qty, row.cum_qty) for row in source.orders()}
            theirs = {o.order_id: (o.terms.quantity, o.filled_qty) for o in here.sim.exchange.orders()}
            assert ours == theirs
            assert status.pnl.net_e4 == status.pnl.gross_e4 - status.pnl.charges_e4
            assert status.pnl.realised_e4 + status.pnl.unrealised_e4 == status.pnl.gross_e4
            assert status.protection.open_qty >= status.protection.protected_qty
            assert status.counts.open_brackets == sum(row.state != "CLOSED" for row in source.brackets())
            await here.run_to_end()
            assert all(row.state == "CLOSED" for row in source.brackets()), "rows that are kept are the last ones"
            assert all(row.net_qty == 0 for row in source.positions())
            assert {row.ord_status for row in source.orders()} <= {"FILLED", "CANCELED"}

    run(body())


def test_before_the_first_day_there_is_a_blank_page() -> None:
    from otrade.live.notices import NoticeBoard

    source = LiveSource(NoticeBoard(lambda: 0), Control(), mode="paper", broker_kind="sim", speed=0.0)
    valid(source.status())
    assert list(source.orders()) == [] and list(source.candles(0, 60)) == []


def test_commands_answer_in_words() -> None:
    async def body() -> None:
        async with world() as here:
            source = source_of(here)
            result = await source.command("resume", "somebody", rearm=False)
            assert isinstance(result, schema.CommandResult)
            assert not result.ok and result.words == "no trading day is running"

    run(body())
