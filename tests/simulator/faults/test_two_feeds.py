"""Of two brokers' feeds over one exchange one is in trouble, and the other one goes on."""

from __future__ import annotations

from collections import Counter

import pytest
import uvloop

from otrade.drill.scenario import Event, draw
from otrade.drill.session import DrillSession, SessionResult
from otrade.drill.trader.record import SessionRecord
from otrade.simulator.simulator import Simulator

SEED = next(seed for seed in range(50) if draw(seed, []).second_feed.broker == "upstox")
SECOND = 1_000_000_000


def recorded(kind: str, args: dict[str, object]) -> tuple[SessionRecord, int]:
    scenario = draw(SEED, [])
    scenario.events.append(Event(60.0, kind, args))
    session = DrillSession(scenario, SessionResult(SEED))
    uvloop.run(session.run(), loop_factory=Simulator.new_event_loop)
    assert session._result.seen[kind] == 1 and not session._result.error, session._result.error
    return session.recorder.record, session._open_ns


def frames(record: SessionRecord, since_ns: int, until_ns: int) -> Counter[int]:
    return Counter(
        one.feed
        for one in record.frames
        if since_ns < one.ts_ns < until_ns and not one.is_text and len(one.payload) > 2
    )


@pytest.mark.parametrize(
    ("kind", "broker", "feed"),
    [("first_feed_silent", "kite", 0), ("second_feed_silent", "upstox", 1)],
)
def test_one_is_silent(kind: str, broker: str, feed: int) -> None:
    record, open_ns = recorded(kind, {"s": 3.0, "broker": broker})
    during = frames(record, open_ns + 60 * SECOND, open_ns + 63 * SECOND)
    assert not during[feed] and during[1 - feed]
    assert frames(record, open_ns + 70 * SECOND, open_ns + 90 * SECOND)[feed]


def test_one_repeats_what_it_said_last() -> None:
    record, open_ns = recorded("feed_stuck", {"s": 9.0, "broker": "upstox"})
    told = [
        one.payload
        for one in record.frames
        if one.feed and open_ns + 60.5 * SECOND < one.ts_ns < open_ns + 69 * SECOND
    ]
    assert len(told) > 3 and len(set(told)) == 1


def test_one_lags() -> None:
    record, open_ns = recorded("second_feed_lags", {"s": 20.0, "lag_s": 1.0, "broker": "upstox"})
    late = [
        one.ts_ns - one.packet_ns
        for one in record.sights
        if one.feed and open_ns + 62 * SECOND < one.ts_ns < open_ns + 79 * SECOND
    ]
    assert late and min(late) >= SECOND
