"""What the page is shown, in the middle of a day, against the contract and the exchange."""

import asyncio

import msgspec

from otrade._core.types import Rec
from otrade.config.schema import AlertsConfig, AlertTargetConfig
from otrade.contract import views
from otrade.contract.engine_source import EngineSource
from otrade.journal.memory import MemoryJournal
from otrade.live.alerts.dispatcher import AlertDispatcher
from otrade.live.alerts.retry_queue import DeliveryOutcome, PendingAlert
from otrade.live.alerts.rules import AlertLevel, level_of
from otrade.live.api.engine_source import LiveEngineSource
from otrade.live.api.row_builder import RowBuilder
from otrade.live.control.commands import Commands
from otrade.live.notices.board import NoticeBoard
from otrade.live.persistence.actor import Actor
from tests.harness.simulated_day import SECOND, SimulatedDay, run, simulated_day


def source_of(here: SimulatedDay) -> EngineSource:
    source = LiveEngineSource(here.board, Commands(), mode="paper", broker_kind="sim", speed=0.0)
    source.set_day(here.day)
    return source


def valid(row: object) -> None:
    """msgspec checks types on the way in only: so out and in again."""
    again = msgspec.json.decode(msgspec.json.encode(row), type=type(row))
    assert again == row


def test_every_view_holds_to_the_contract_and_to_the_exchange() -> None:
    async def body() -> None:
        async with simulated_day() as here:
            source = source_of(here)
            await here.open()
            await here.sim.run_until(here.at("09:40"))
            await here.run_until(lambda: bool(here.open_keys()) and len(here.day.trades) > 2)
            await here.sim.run_until(here.now_ns + SECOND)
            tables = [
                source.instruments(), source.strategies(), source.brackets(), source.orders(), source.positions(),
                source.trades(), source.signals(0), source.notices(0), source.candles(0, 60), source.candles(0, 300),
            ]  # fmt: skip
            for rows in map(list, tables):
                assert rows
                for row in rows:
                    valid(row)
            status = source.status()
            valid(status)
            nets = {row.symbol: row.net_qty for row in source.positions() if row.net_qty}
            assert nets == here.sim.exchange.net_qty()
            ours = {row.broker_order_id: (row.qty, row.cum_qty) for row in source.orders()}
            theirs = {
                o.order_id: (o.terms.quantity, o.filled_qty) for o in here.sim.exchange.orders()
            }
            assert ours == theirs
            assert status.pnl.net_e4 == status.pnl.gross_e4 - status.pnl.charges_e4
            assert status.pnl.realised_e4 + status.pnl.unrealised_e4 == status.pnl.gross_e4
            assert status.protection.open_qty >= status.protection.protected_qty
            assert status.counts.open_brackets == sum(
                row.state != "CLOSED" for row in source.brackets()
            )
            await here.run_to_end()
            assert all(row.state == "CLOSED" for row in source.brackets()), (
                "rows that are kept are the last ones"
            )
            assert all(row.net_qty == 0 for row in source.positions())
            assert {row.ord_status for row in source.orders()} <= {"FILLED", "CANCELED"}

    run(body())


def test_before_the_first_day_there_is_a_blank_page() -> None:
    from otrade.live.notices.board import NoticeBoard

    source = LiveEngineSource(
        NoticeBoard(lambda: 0), Commands(), mode="paper", broker_kind="sim", speed=0.0
    )
    valid(source.status())
    assert list(source.orders()) == [] and list(source.candles(0, 60)) == []


def test_commands_answer_in_words() -> None:
    async def body() -> None:
        async with simulated_day() as here:
            source = source_of(here)
            result = await source.command("resume", Actor("somebody"))
            assert isinstance(result, views.CommandResult)
            assert not result.ok and result.words == "no trading day is running"

    run(body())


def test_logins_and_changed_passwords_are_notices_and_strange_ones_alerts() -> None:
    board = NoticeBoard(lambda: 0)
    source = LiveEngineSource(board, Commands(), mode="paper", broker_kind="sim", speed=1.0)
    for what in ("page login", "page setup", "new browser", "people", "page logout"):
        source.record("person trader at 10.0.0.1", what, "words of it")
    said = board.since(0)
    assert [(one.code, level_of(one)) for one in said] == [
        ("PAGE_LOGIN", None),
        ("PAGE_LOGIN", None),
        ("NEW_BROWSER", AlertLevel.WARN),
        ("PEOPLE_CHANGED", AlertLevel.WARN),
    ]
    assert "trader at 10.0.0.1 words of it" in said[2].text and "words of it" in said[3].text


def test_a_test_alert_is_sent_answered_and_kept_in_the_journal() -> None:
    class Sender:
        """Takes a parcel, and delivers it in the next turn of the loop."""

        def send(self, target: str, parcel: PendingAlert) -> bool:
            asyncio.get_running_loop().call_soon(
                dispatcher.on_outcome, DeliveryOutcome(parcel.id, target, True, 1)
            )
            return True

    dispatcher = AlertDispatcher(
        AlertsConfig(targets=[AlertTargetConfig(name="phone")]),
        "OTrade",
        say=lambda *words: None,
        wall_ns=lambda: 0,
    )
    dispatcher.sender = Sender()

    async def body() -> None:
        async with simulated_day(journal=MemoryJournal()) as here:
            source = source_of(here)
            source._control.set_day(here.day)
            refused = await source.command("test-alert", Actor("trader"))
            assert not refused.ok and "alerts.targets" in refused.words
            source.alerts = dispatcher
            await here.open()
            done = await source.command("test-alert", Actor("trader"))
            assert (done.ok, done.words) == (True, "phone: delivered")
            assert here.journal is not None
            _, audit = [
                msgspec.json.decode(record.payload)
                for record in here.journal.records()
                if record.kind == Rec.PERSON
            ]
            assert audit == {
                "command": "test-alert",
                "args": {},
                "ok": True,
                "words": "phone: delivered",
                "who": "trader",
            }

    run(body())


def test_rows_that_are_kept_are_those_that_would_be_made_now() -> None:
    """At every second of a morning with trades: what is shown from memory is what is built from
    nothing.
    """

    async def body() -> None:
        async with simulated_day() as here:
            source = source_of(here)
            await here.open()
            n_kept = 0
            before: dict[str, list[object]] = {}
            for second in range(1_500):
                await here.sim.run_until(here.at("09:15") + second * SECOND)
                fresh = RowBuilder(here.day)
                for name in (
                    "instruments",
                    "strategies",
                    "brackets",
                    "orders",
                    "positions",
                    "trades",
                ):
                    shown = list(getattr(source, name)())
                    assert shown == list(getattr(fresh, name)()), (name, second)
                    n_kept += sum(a is b for a, b in zip(before.get(name, []), shown, strict=False))
                    before[name] = shown
                status = source.status()
                brackets = [row for row in before["brackets"] if row.state != "CLOSED"]
                assert status.protection.open_qty == sum(row.open_qty for row in brackets)
                assert status.protection.protected_qty == sum(row.protected_qty for row in brackets)
                assert status.protection.naked_now == sum(
                    row.protected_qty < row.open_qty for row in brackets
                )
                assert status.counts.open_brackets == len(brackets)
            assert len(before["trades"]) > 2 and n_kept > 10_000

    run(body())
