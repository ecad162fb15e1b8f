"""Which ends a process may have had, and what a file can have said on each of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from otrade.drill.trader.crossings import GRACE_NS
from otrade.drill.trader.gates import Gates
from otrade.drill.trader.plan import TradedStrategy, TraderInstrument
from otrade.drill.trader.profit import RunningProfit
from otrade.drill.trader.record import ProcessLife, SessionRecord, TroubleWindow
from otrade.drill.trader.replay import WAYS_MAX, InstrumentReplay, possible_ends
from tests.drill.trader.test_gates import LIMITS, at
from tests.drill.trader.test_trader import OPEN, PLAN, SECOND, instrument, sight

FILE = TradedStrategy(
    0,
    "file",
    10 * SECOND,
    {"minutes": 1, "room": 0.0},
    {**PLAN, "target_kind": 0, "target_value": 0.0},
    file="opening_range.py",
)
STOP_AT = "stop_at_e4"


def deaths(*windows: tuple[float, float], has_journal: bool = True) -> SessionRecord:
    """Packets each second. Of each process when it was last seen alive, and when surely dead; the next
    one begins two seconds later."""
    record = SessionRecord("kite", {}, limits=[(0, LIMITS)])
    # It falls for a minute, from 1010 rupees to 1004.1, and then rises by as much.
    prices = [
        10_100_000 - 1_000 * s if s < 60 else 10_041_000 + 2_000 * (s - 60) for s in range(130)
    ]
    record.sights.extend(sight(s, px, 10 + s) for s, px in enumerate(prices, 1))
    began_ns, kept = OPEN, False
    for alive_s, dead_s in windows:
        record.lives.append(ProcessLife(began_ns, kept, began_ns, at(alive_s), at(dead_s)))
        began_ns, kept = at(dead_s + 2), has_journal
    record.lives.append(ProcessLife(began_ns, kept, began_ns))
    return record


def traded(**more: Any) -> TraderInstrument:
    return instrument(strategies=[FILE], **more)


def ends(record: SessionRecord, one: TraderInstrument) -> list[list[float]]:
    found = possible_ends(record, one)
    return [[round((end_ns - OPEN) / SECOND, 3) for end_ns in way.values()] for way in found]


def test_at_each_packet_and_at_each_time_that_came() -> None:
    assert ends(deaths((40.5, 42.5)), traded()) == [[40.5], [41.0], [41.5], [42.0]], (
        "a bar of ten seconds is closed a second and a half late, if nothing trades"
    )
    assert GRACE_NS == 1_500_000_000
    timed = replace(FILE, file="timed_momentum.py", params={"looks": 2, "edge": 0.0, "last": 0})
    assert ends(deaths((59.5, 60.5)), instrument(strategies=[timed])) == [[59.5], [60.0], [60.0]], (
        "a packet and a beat come at one time"
    )


def test_of_several_deaths_every_way_and_not_too_many() -> None:
    record = deaths((20.5, 21.2), (50.5, 51.2))
    assert ends(record, traded()) == [[a, b] for a in (20.5, 21.0) for b in (50.5, 51.0)]
    assert possible_ends(deaths(), traded()) == [{}]
    assert possible_ends(deaths((20.5, 21.2), has_journal=False), traded()) == [{}], (
        "what it had seen is lost in any case"
    )
    many = deaths(*((10.0 * n + 0.5, 10.0 * n + 6.2) for n in range(1, 4)))
    assert 7**3 > WAYS_MAX and possible_ends(many, traded()) == []


def test_what_a_file_says_after_a_death_rests_on_what_was_seen_before() -> None:
    """The last packets before the death hold the low of the opening range, which is the stop."""
    record, one = deaths((56.5, 59.5)), traded()
    stops = {
        tuple(way.values()): {
            signal.plan[STOP_AT]
            for signal in InstrumentReplay(record, one, way).signals
            if signal.side > 0
        }
        for way in possible_ends(record, one)
    }
    lows = {found for way in stops.values() for found in way}
    # After 56.5, 57, 58 or 59 s: the second n has 1010 - 0.1 (n - 1) rupees.
    assert lows == {10_045_000, 10_044_000, 10_043_000, 10_042_000}
    (seen,) = {
        signal.plan[STOP_AT] for signal in InstrumentReplay(record, one).signals if signal.side > 0
    }
    assert seen in lows


def test_only_where_a_death_is_all_that_moves_signals() -> None:
    def only_deaths(record: SessionRecord, from_s: float, until_s: float) -> bool:
        gates = Gates(record, RunningProfit({}, [], {}), [], {})
        return gates.only_deaths(at(from_s), at(until_s))

    assert not only_deaths(deaths(), 0, 100), "nobody died"
    assert not only_deaths(deaths((40.5, 41.5)), 0, 40), "not yet"
    assert only_deaths(deaths((40.5, 41.5)), 30, 100)
    wrong = deaths((40.5, 41.5))
    wrong.troubles.append(TroubleWindow("clock_wrong", at(60), at(70), {}))
    assert only_deaths(wrong, 41, 59) and not only_deaths(wrong, 41, 61)
