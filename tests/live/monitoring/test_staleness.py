"""What lasts is said, once; what keeps an entry out is told in words."""

from types import SimpleNamespace
from typing import Any

from otrade._core.types import Halt, PauseBy, Phase, Reason, Severity
from otrade.live.monitoring.readiness import why_not_ready
from otrade.live.monitoring.staleness import FrameWatch, NakedWatch
from otrade.live.notices.board import NoticeBoard
from tests.harness.simulated_day import SECOND, run, simulated_day

Bracket = dict[str, int]


def naked_day(brackets: dict[int, Bracket]) -> Any:
    engine = SimpleNamespace(
        live_brackets=lambda: [i for i, b in brackets.items() if b["open_qty"]],
        bracket=lambda i: brackets[i],
    )
    return SimpleNamespace(
        engine=engine,
        board=NoticeBoard(lambda: 0),
        plan=SimpleNamespace(symbol_of=lambda i: f"NSE:X{i}"),
    )


def bracket(open_qty: int, protected_qty: int, naked_since_ns: int) -> Bracket:
    return {
        "instrument_id": 3,
        "open_qty": open_qty,
        "protected_qty": protected_qty,
        "naked_since_ns": naked_since_ns,
    }


def test_naked_quantity_is_an_alarm_when_it_lasts_and_its_end_is_told() -> None:
    brackets = {0: bracket(10, 10, 0), 1: bracket(10, 4, 100 * SECOND)}
    day = naked_day(brackets)
    watch = NakedWatch(day, 10 * SECOND)
    for at in range(100, 140):
        watch.on_beat(at * SECOND)
        watch.on_beat(at * SECOND + SECOND // 10)
    (said,) = day.board.since(0)
    assert (said.severity, said.code, said.instrument_id, said.bracket_id) == (
        Severity.ALARM,
        "NAKED",
        3,
        1,
    )
    assert said.text == "NSE:X3: 6 of 10 open units have had no working stop for 10 s"
    brackets[1] = bracket(10, 10, 0)
    watch.on_beat(150 * SECOND)
    assert (
        day.board.since(1)[0].text == "NSE:X3: what was naked has a working stop again, after 50 s"
    )
    brackets[1] = bracket(10, 0, 200 * SECOND)
    watch.on_beat(215 * SECOND)
    brackets[1] = bracket(0, 0, 0)
    watch.on_beat(220 * SECOND)
    assert [(one.code, one.text.rpartition(", ")[0]) for one in day.board.since(2)][1] == (
        "COVERED",
        "NSE:X3: what was naked is closed",
    )
    watch.on_beat(230 * SECOND)
    assert len(day.board.since(0)) == 4


def test_a_moment_without_a_stop_is_no_alarm() -> None:
    brackets = {0: bracket(10, 0, 100 * SECOND)}
    day = naked_day(brackets)
    watch = NakedWatch(day, 10 * SECOND)
    watch.on_beat(109 * SECOND)
    brackets[0] = bracket(10, 10, 0)
    watch.on_beat(111 * SECOND)
    assert day.board.since(0) == []


def test_the_age_of_the_feed() -> None:
    n_frames = 0
    watch = FrameWatch(lambda: n_frames)
    watch.on_beat(5)
    assert watch.ts_ns == 0
    n_frames = 2
    watch.on_beat(6)
    watch.on_beat(7)
    assert watch.ts_ns == 6


def test_ready_and_every_reason_why_not() -> None:
    assert why_not_ready(None, "starting") == ["the engine is starting"]

    async def body() -> None:
        async with simulated_day() as here:
            day, now = here.day, lambda: here.now_ns
            assert "the feed is down" in why_not_ready(day, "starting")
            await here.open()
            await here.sim.run_until(here.at("09:40"))
            assert why_not_ready(day, "running") == []
            assert why_not_ready(day, "stopping") == ["the engine is stopping"]
            day.engine.on_pause(True, now(), PauseBy.PERSON)
            assert why_not_ready(day, "running") == ["a person has paused entries"]
            day.engine.on_pause(False, now(), PauseBy.PERSON)
            day.engine.on_halt(Halt.REDUCING, Reason.DAILY_LOSS, now())
            (why,) = why_not_ready(day, "running")
            assert "reducing" in why and "daily loss" in why
            day.engine.on_halt(Halt.ACTIVE, Reason.OK, now())
            day.engine.on_feed(False, now())
            assert why_not_ready(day, "running") == ["the feed is down"]
            day.engine.on_feed(True, now())
            day.is_token_dead = True
            assert why_not_ready(day, "running") == ["the broker's access token is dead"]
            day.is_token_dead = False
            for instrument_id in range(day.engine.n_instruments):
                assert why_not_ready(day, "running") == []
                day.engine.on_quarantine(instrument_id, True, now())
            assert why_not_ready(day, "running") == ["every instrument that is open is quarantined"]
            for instrument_id in range(day.engine.n_instruments):
                day.engine.on_quarantine(instrument_id, False, now())
            await here.sim.run_until(here.at("11:00"))
            assert all(
                day.engine.instrument(i)["phase"] != Phase.ENTRY
                for i in range(day.engine.n_instruments)
            )
            assert why_not_ready(day, "running") == [
                "it is outside the entry hours of every instrument"
            ]
            await here.run_to_end()
            assert why_not_ready(day, "stopping") == ["the trading day has ended"]

    run(body())
