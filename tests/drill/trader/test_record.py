"""The record of a session: what it says is what the exchange knows."""

import pytest
import uvloop

from otrade.brokers.registry import NAMES
from otrade.drill.scenario import Event, draw
from otrade.drill.session import DrillSession, SessionResult
from otrade.drill.trader.record import SessionRecord, SessionRecorder
from otrade.simulator.base.config import SimConfig
from otrade.simulator.simulator import Simulator

MINUTE = 60_000_000_000


def recorded(seed: int, broker: str, events: list[Event]) -> tuple[SessionRecord, DrillSession]:
    scenario = draw(seed, [], broker=broker)
    scenario.instruments.clear()  # feeds in full, whatever the seed draws
    scenario.events.extend(events)
    result = SessionResult(seed)
    session = DrillSession(scenario, result)
    uvloop.run(session.run())
    assert not result.error, result.error
    return session.recorder.record, session


@pytest.mark.parametrize("broker", NAMES)
def test_prices_are_those_that_traded(broker: str) -> None:
    record, session = recorded(11, broker, [])
    market = session._sim.exchange.market
    whole = [sight for sight in record.sights if sight.is_whole]
    assert len(whole) > 100
    for sight in whole:
        contract = market.universe.by_key[sight.key]
        quote = market.quote(contract)
        traded = {price for price, _ in quote.trades_since(sight.trade_ns - 1_000_000_000)}
        assert sight.ltp_e4 in traded | {quote.prev_close_e4}
        assert not sight.bid_e4 or sight.bid_e4 < sight.ask_e4
        assert sight.close_e4 == quote.prev_close_e4
    assert [s.ts_ns for s in record.sights] == sorted(s.ts_ns for s in record.sights)


@pytest.mark.parametrize("broker", NAMES)
def test_what_the_driver_did_is_there(broker: str) -> None:
    events = [
        Event(60.0, "tick_wrong", {"n": 3}),
        Event(90.0, "silence_feed", {"s": 20.0}),
        Event(150.0, "halt", {"s": 30.0}),
        Event(200.0, "kill", {"behind": "TIMER", "records": 0, "s": 4.0, "twice": False, "lost": True}),
        Event(240.0, "token", {"s": 3.0}),
        Event(260.0, "clock_wrong", {"s": 4.0, "for_s": 9.0}),
    ]  # fmt: skip
    record, session = recorded(12, broker, events)
    open_ns = record.troubles[0].from_ns - 60_000_000_000
    first, second = record.lives
    assert first.started_ns < first.opened_ns < open_ns + 200 * 10**9 <= first.alive_ns
    assert first.alive_ns < first.dead_ns <= first.alive_ns + 10**9
    assert second.started_ns == first.dead_ns + 4 * 10**9 and not second.has_journal
    assert [(c.name, c.done) for c in record.commands][:2] == [("kill", True), ("rearm", True)]
    assert [good for _, good in record.tokens] == [True, True, False, True]
    assert [ahead for _, ahead in record.clock_errors] == [4 * 10**9, 0]
    silence = next(one for one in record.troubles if one.kind == "silence_feed")
    assert silence.until_ns - silence.from_ns == 20 * 10**9
    assert not [f for f in record.frames if silence.from_ns < f.ts_ns < silence.until_ns]
    assert sum(kind == "tick_wrong" for _, kind in record.happened) == 3
    assert record.in_force(["silence_feed"], open_ns + 100 * 10**9, open_ns + 101 * 10**9)
    assert not record.in_force(["silence_feed"], open_ns, open_ns + 80 * 10**9)
    assert record.limits_at(open_ns) == session._scenario.limits
    assert [one.stands for one in record.connections][0] and not record.connections[-1].stands


def test_a_recorder_alone_hears_faults() -> None:
    sim = Simulator(SimConfig(seed=3, broker="kite"))
    recorder = SessionRecorder(sim, "kite", ["NSE:INFY"])
    sim.faults.seen["gap"] += 1
    sim.faults.seen["gap"] += 0
    assert [kind for _, kind in recorder.record.happened] == ["gap"]
