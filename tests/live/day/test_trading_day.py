"""Whole days over real sockets, against the exchange's own truth."""

import pytest

from otrade._core.types import Ev, Halt, Reason, Severity
from otrade.brokers.session import Answer
from otrade.live.control.commands import Commands
from otrade.live.day.trading_day import TOLD_AT_ONCE
from otrade.live.monitoring.day_report import DaySummary, render, summarize
from tests.harness.simulated_day import MINUTE, SECOND, SimulatedDay, run, simulated_day

NAKED_MAX_NS = 5 * SECOND


def check_truth(here: SimulatedDay) -> DaySummary:
    """What must hold at the end of every day that ended flat."""
    summary = summarize(here.day)
    assert here.sim.exchange.net_qty() == {}
    assert set(here.day.plan.net_of().values()) == {0}
    assert here.sim.exchange.live_orders() == []
    assert summary.gross_e4 == here.true_pnl_e4()
    assert sum(trade.gross_e4 for trade in summary.trades) == summary.gross_e4
    traded = sum(trade.qty for trade in here.sim.exchange.trades())
    assert traded == 2 * sum(trade.qty for trade in summary.trades)
    assert summary.charges_e4 == sum(trade.charges_e4 for trade in summary.trades)
    assert here.worst_naked_ns <= NAKED_MAX_NS
    # The core counts more as naked: an exit that rests at the target does not protect either.
    assert summary.naked_worst_ns <= MINUTE
    return summary


def test_a_day_ends_flat_and_its_profit_is_the_exchanges() -> None:
    async def body() -> None:
        async with simulated_day(hours=24) as here:
            await here.open()
            await here.run_to_end()
            summary = check_truth(here)
            assert summary.n_trades > 20
            assert summary.n_alarms == 0, [
                n.text for n in here.notices if n.severity == Severity.ALARM
            ]
            assert "VERIFIED" in here.codes()
            assert summary.ticks > 20_000 and summary.refused == {}
            screen = render(summary)
            assert f"trades         {summary.n_trades}" in screen and "Nothing is open." in screen

    run(body())


async def _day(seed: int, speed: float) -> tuple[object, ...]:
    async with simulated_day(seed=seed, speed=speed) as here:
        await here.open()
        await here.run_to_end()
        check_truth(here)
        executions = [
            (trade.trade_id, trade.order.tag, trade.qty, trade.price_e4, trade.ts_ns)
            for trade in here.sim.exchange.trades()
        ]
        return executions, here.day.trades.trades, [notice.text for notice in here.notices]


def test_the_same_seed_gives_the_same_day_at_any_speed() -> None:
    first = run(_day(11, float("inf")))
    again = run(_day(11, float("inf")))
    paced = run(_day(11, 20_000.0))
    other = run(_day(12, float("inf")))
    assert first == again
    assert first == paced
    assert first[0] != other[0]


@pytest.mark.parametrize("cut", ["silent", "closed"])
def test_a_feed_that_drops_blocks_entries_and_comes_back(cut: str) -> None:
    async def body() -> None:
        async with simulated_day() as here:
            await here.open()
            await here.sim.run_until(here.at("10:00"))
            before = here.day.engine.n_brackets
            if cut == "silent":
                here.sim.stop_feed()
            else:
                here.sim.disconnect_feed()
            await here.run_until(lambda: "FEED_DOWN" in here.codes())
            if cut == "silent":
                await here.sim.run_until(here.now_ns + 3 * MINUTE)
                assert here.day.engine.n_brackets == before, "no entries without prices"
                here.sim.start_feed()
            await here.run_until(lambda: bool(here.day.engine.risk()["feed_alive"]))
            await here.run_to_end()
            assert here.day.n_reconnects >= 1
            assert summarize(here.day).n_trades > 0
            # While the feed is silent nothing can be re-priced, but stops rest: the exchange shows
            # cover.
            check_truth(here)

    run(body())


def test_a_dead_token_stops_entries_keeps_stops_and_a_new_one_resumes() -> None:
    async def body() -> None:
        async with simulated_day() as here:
            await here.open()
            await here.sim.run_until(here.at("09:30"))
            await here.run_until(lambda: bool(here.open_keys()))
            await here.sim.run_until(here.now_ns + 5 * SECOND)
            await here.run_until(lambda: bool(here.open_keys()))
            held = here.open_keys()
            here.sim.expire_tokens()
            here.sim.disconnect_feed()
            await here.run_until(lambda: here.day.is_token_dead)
            brackets = here.day.engine.n_brackets
            assert here.day.engine.risk()["halt"] == Halt.REDUCING
            assert here.day.engine.risk()["halt_reason"] == Reason.BROKER_TOKEN
            await here.sim.run_until(here.now_ns + 2 * MINUTE)
            assert here.day.engine.n_brackets == brackets, "no entry without a token"
            for key in here.open_keys() & held:
                assert any(
                    order.contract.key == key for order in here.sim.exchange.live_orders()
                ), "the stop stays"
            here.day.on_token(here.new_token())
            await here.run_until(lambda: bool(here.day.engine.risk()["feed_alive"]))
            assert here.day.engine.risk()["halt"] == Halt.ACTIVE
            await here.run_to_end()
            assert here.day.engine.n_brackets > brackets, "it trades again"
            check_truth(here)

    run(body())


def test_stop_flattens() -> None:
    async def body() -> None:
        async with simulated_day() as here:
            control = Commands()
            control.set_day(here.day)
            await here.open()
            await here.sim.run_until(here.at("09:30"))
            await here.run_until(lambda: bool(here.open_keys()))
            ok, words = control.command("stop-engine", {})
            assert ok and "being closed" in words
            assert control.command("stop-engine", {}) == (False, "the engine is stopping already")
            await here.run_to_end()
            assert here.now_ns < here.at("10:30")
            summary = check_truth(here)
            assert summary.why_ended == "stopped (stop command)"

    run(body())


def test_stop_may_leave_positions_under_their_stops_and_says_so() -> None:
    async def body() -> None:
        async with simulated_day(on_stop="leave") as here:
            await here.open()
            await here.sim.run_until(here.at("09:30"))
            await here.run_until(lambda: bool(here.open_keys()))
            await here.sim.run_until(here.now_ns + 2 * SECOND)
            await here.run_until(lambda: bool(here.open_keys()))
            here.day.shutdown.stop("SIGTERM")
            await here.run_to_end(SECOND // 10)
            nets = here.sim.exchange.net_qty()
            assert nets
            last = next(notice for notice in here.notices if notice.code == "DAY_END")
            assert last.severity == Severity.ALARM
            for key, net in nets.items():
                covers = [o for o in here.sim.exchange.live_orders() if o.contract.key == key]
                assert sum(o.terms.quantity - o.filled_qty for o in covers) == abs(net)
                for order in covers:
                    assert order.order_id in last.text
            assert summarize(here.day).open_words in last.text

    run(body())


def test_insisting_ends_at_once_and_names_what_is_open() -> None:
    async def body() -> None:
        async with simulated_day() as here:
            await here.open()
            await here.sim.run_until(here.at("09:30"))
            await here.run_until(lambda: bool(here.open_keys()))
            here.day.shutdown.insist("second SIGINT")
            assert here.day.ended.is_set()
            (last,) = [notice for notice in here.notices if notice.code == "DAY_END"]
            assert "OPEN:" in last.text and last.severity == Severity.ALARM
            await here.run_to_end()

    run(body())


def test_kill_halts_keeps_stops_and_needs_rearming() -> None:
    async def body() -> None:
        async with simulated_day() as here:
            control = Commands()
            control.set_day(here.day)
            await here.open()
            await here.sim.run_until(here.at("09:30"))
            await here.run_until(lambda: bool(here.open_keys()))
            await here.sim.run_until(here.now_ns + 2 * SECOND)
            ok, words = control.command("kill", {})
            assert ok and "every stop stays" in words
            brackets, held = here.day.engine.n_brackets, here.open_keys()
            await here.sim.run_until(here.now_ns + MINUTE)
            assert here.day.engine.n_brackets == brackets
            for key in here.open_keys() & held:
                assert any(order.contract.key == key for order in here.sim.exchange.live_orders())
            ok, words = control.command("resume", {})
            assert not ok and "re-arm" in words
            assert control.command("rearm", {})[0]
            assert here.day.engine.risk()["halt"] == Halt.ACTIVE
            await here.run_to_end()
            check_truth(here)

    run(body())


def test_pause_takes_no_entries_until_resumed() -> None:
    async def body() -> None:
        async with simulated_day() as here:
            control = Commands()
            control.set_day(here.day)
            await here.open()
            assert control.command("pause", {})[0]
            await here.run_until(lambda: here.day.signals.refused[Reason.HALTED] > 0)
            assert here.day.engine.n_brackets == 0
            assert control.command("resume", {})[0]
            await here.run_to_end()
            assert check_truth(here).n_trades > 0
            assert control.command("flatten", {}) == (False, "no trading day is running")

    run(body())


def test_flatten_one_instrument_by_command() -> None:
    async def body() -> None:
        async with simulated_day() as here:
            control = Commands()
            control.set_day(here.day)
            await here.open()
            await here.sim.run_until(here.at("09:30"))
            await here.run_until(lambda: bool(here.open_keys()))
            key = sorted(here.open_keys())[0]
            instrument_id = [i.name for i in here.day.plan.instruments].index(key)
            ok, words = control.command("flatten", {"instrument_id": instrument_id})
            assert ok and "closing" in words
            await here.run_until(lambda: key not in here.open_keys())
            assert not control.command("flatten", {"instrument_id": 99})[0]
            await here.run_to_end()
            check_truth(here)

    run(body())


def test_what_was_there_before_is_quarantined_and_the_rest_trades() -> None:
    async def body() -> None:
        async with simulated_day(seed=5) as here:
            await here.sim.run_until(here.at("09:16"))
            here.sim.exchange.place_manual("NSE:SBIN", 1, 5)
            await here.sim.run_until(here.now_ns + SECOND)
            assert here.open_keys() == {"NSE:SBIN"}
            await here.open()
            sbin = [i.symbol for i in here.day.plan.instruments].index("SBIN")
            assert here.day.engine.instrument(sbin)["quarantined"]
            assert any(
                "SBIN" in n.text and "+5" in n.text for n in here.notices if n.code == "UNEXPLAINED"
            )
            await here.run_to_end()
            assert {t.instrument_id for t in here.day.trades.trades} == {0, 1} - {sbin}
            assert here.sim.exchange.net_qty() in ({"NSE:SBIN": 5}, {}), (
                "the stranger's position is not ours to touch"
            )

    run(body())


def test_a_strangers_order_during_the_day_is_quarantined() -> None:
    async def body() -> None:
        async with simulated_day() as here:
            await here.open()
            await here.sim.run_until(here.at("10:00"))
            here.sim.exchange.place_manual("NSE:INFY", 1, 3)
            await here.run_until(lambda: "UNEXPLAINED" in here.codes())
            infy = [i.symbol for i in here.day.plan.instruments].index("INFY")
            assert here.day.engine.instrument(infy)["quarantined"]
            await here.run_to_end()

    run(body())


def test_a_fault_on_the_order_path_halts_keeps_stops_and_shouts() -> None:
    async def body() -> None:
        async with simulated_day() as here:
            await here.open()
            await here.sim.run_until(here.at("09:30"))
            await here.run_until(lambda: bool(here.open_keys()))
            await here.sim.run_until(here.now_ns + 2 * SECOND)
            held = here.open_keys()

            def broken(seq: int, answer: Answer) -> None:
                raise RuntimeError("a bug of ours")

            here.day.router._on_refused = broken
            here.day.router.on_answer(1, Answer(Ev.REFUSED, "", Reason.BROKER_OTHER, "x"))
            risk = here.day.engine.risk()
            assert (risk["halt"], risk["halt_reason"]) == (Halt.HALTED, Reason.FAULT)
            (fault,) = [notice for notice in here.notices if notice.code == "FAULT"]
            assert fault.severity == Severity.ALARM and "a bug of ours" in fault.text
            for key in here.open_keys() & held:
                assert any(order.contract.key == key for order in here.sim.exchange.live_orders())
            await here.run_to_end()
            check_truth(here)

    run(body())


def test_a_failure_beside_the_order_path_is_said_and_trading_goes_on() -> None:
    async def body() -> None:
        async with simulated_day() as here:

            def broken(now_ns: int) -> None:
                raise OSError("the page fell over")

            here.day.listen_to_beats(broken)
            await here.open()
            await here.run_to_end()
            assert here.codes().count("FAILED") == 1
            assert here.day.engine.risk()["halt"] == Halt.ACTIVE
            assert check_truth(here).n_trades > 0

    run(body())


def test_many_notices_are_told_few_at_a_time_and_in_order() -> None:
    """Words take Python a while; a frame that comes meanwhile is not to wait for all of them."""

    async def body() -> None:
        async with simulated_day(hours=1) as here:
            await here.open()
            await here.sim.run_until(here.now_ns + SECOND)

            def said() -> list[str]:
                return [notice.text for notice in here.notices if notice.code == "HALT_CHANGED"]

            def turn(n: int) -> None:
                for k in range(n):
                    here.day.engine.on_halt(
                        Halt.ACTIVE if k % 2 else Halt.REDUCING, Reason.OK, here.now_ns
                    )
                here.day.collect()

            turn(10 * TOLD_AT_ONCE)
            assert len(said()) == TOLD_AT_ONCE
            turn(2)
            assert len(said()) == 2 * TOLD_AT_ONCE, "new ones wait behind those that wait already"
            await here.sim.run_until(here.now_ns + SECOND // 10)
            assert len(said()) == 10 * TOLD_AT_ONCE + 2
            assert len(set(said()[::2])) == len(set(said()[1::2])) == 1, (
                "in the order in which the core said them"
            )

            turn(5 * TOLD_AT_ONCE)
            here.day.shutdown.insist("test")
            await here.sim.during(here.day.close())
            assert len(said()) == 15 * TOLD_AT_ONCE + 2, "a day that ends says all"

    run(body())
