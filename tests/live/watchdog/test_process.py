"""The watchdog against the simulated broker, with real processes that hang and die."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

from otrade._core.types import Leg
from otrade.live.oms.cl_ord_id import WATCHDOG_SLOT, parse
from otrade.live.watchdog.heartbeat import EngineState, HeartbeatReading, start_ticks
from otrade.live.watchdog.process import EngineVitals, HeartbeatMonitor
from tests.harness.alert_listener import TOKEN, environment, listening
from tests.harness.realtime_broker import (
    SYMBOL,
    EngineDirectory,
    RealtimeBroker,
    bracket,
    home,
    on_tick,
    wait_for_broker,
)
from tests.harness.waiting import wait_until


def die(child: subprocess.Popen[str]) -> None:
    child.kill()
    child.wait()


def stops(here: RealtimeBroker) -> list[tuple[int, float]]:
    return [
        (int(row["pending_quantity"]), float(row["trigger_price"]))
        for row in here.live()
        if row["order_type"] == "SL"
    ]


def naked(place: EngineDirectory) -> float:
    """A dead engine's open bracket without a stop; returns where the stop belongs."""
    trigger = on_tick(place.here.enter() * 0.97)
    die(place.engine(bracket(trigger)))
    return trigger


def test_a_dead_engines_naked_position_gets_its_stop_once(tmp_path: Path) -> None:
    with home(tmp_path) as place:
        trigger = naked(place)
        code, said = place.once()
        assert code == 0, said
        assert stops(place.here) == [(10, trigger)]
        tag = parse(next(row["tag"] for row in place.here.live()))
        assert (
            tag is not None
            and tag.is_watchdog
            and tag.slot == WATCHDOG_SLOT
            and tag.leg == Leg.STOP
        )
        before = place.here.book()
        code, said = place.once()
        assert code == 0, said
        assert place.here.book() == before, "the second look changed something"


def test_an_entry_that_rests_is_cancelled_and_the_stop_that_rests_is_kept(tmp_path: Path) -> None:
    with home(tmp_path) as place:
        here = place.here
        ltp = here.enter()
        stop_id = here.stop(10, ltp * 0.97)
        entry_id = here.place(Leg.ENTRY, "BUY", 5, "LIMIT", on_tick(ltp * 0.95), bracket=2)
        foreign_id = here.place(None, "BUY", 5, "LIMIT", on_tick(ltp * 0.95))
        die(place.engine(bracket(ltp * 0.97)))
        code, said = place.once()
        assert code == 0, said
        assert here.status(entry_id) == "CANCELLED"
        assert sorted(row["order_id"] for row in here.live()) == sorted([stop_id, foreign_id])


def test_a_stop_that_covers_a_part_is_made_whole(tmp_path: Path) -> None:
    with home(tmp_path) as place:
        ltp = place.here.enter(10)
        place.here.stop(4, ltp * 0.97)
        die(place.engine(bracket(ltp * 0.97)))
        code, said = place.once()
        assert code == 0, said
        assert sorted(qty for qty, _ in stops(place.here)) == [4, 6]


def test_stops_for_more_than_is_open_are_cut_down(tmp_path: Path) -> None:
    with home(tmp_path) as place:
        ltp = place.here.enter(10)
        place.here.stop(10, ltp * 0.97)
        place.here.stop(7, ltp * 0.97)
        die(place.engine(bracket(ltp * 0.97)))
        code, said = place.once()
        assert code == 0, said
        assert sum(qty for qty, _ in stops(place.here)) == 10


def test_where_nobody_knows_the_stop_the_position_is_closed(tmp_path: Path) -> None:
    with home(tmp_path) as place:
        place.here.enter()
        die(place.engine())
        code, said = place.once()
        assert code == 0, said
        assert place.here.net() == 0 and place.here.live() == []


def test_a_price_past_the_stop_closes_a_short_too(tmp_path: Path) -> None:
    with home(tmp_path) as place:
        ltp = place.here.enter(10, side="SELL")
        die(place.engine(bracket(ltp * 0.98, side=-1)))
        code, said = place.once()
        assert code == 0, said
        assert place.here.net() == 0 and place.here.live() == []


def test_flatten_closes_what_is_ours_and_nothing_else(tmp_path: Path) -> None:
    with home(tmp_path) as place:
        here = place.here
        ltp = here.enter(10)
        here.stop(10, ltp * 0.97)
        theirs = here.place(None, "BUY", 3, "LIMIT", on_tick(ltp * 1.01))
        wait_for_broker("the person's order is filled", lambda: here.status(theirs) == "COMPLETE")
        die(place.engine(bracket(ltp * 0.97)))
        code, said = place.once(flatten=True)
        assert code == 0, said
        assert here.net() == 3 and here.live() == []


def test_what_a_person_has_closed_gets_no_exit(tmp_path: Path) -> None:
    with home(tmp_path) as place:
        here = place.here
        trigger = naked(place)
        by_hand = here.place(None, "SELL", 10, "LIMIT", on_tick(trigger))
        wait_for_broker("it is closed by hand", lambda: here.status(by_hand) == "COMPLETE")
        code, said = place.once()
        assert here.net() == 0 and here.live() == []
        assert "by our orders, but the position shows 0" in said
        assert code == 0, said


def test_lost_answers_double_no_stop(tmp_path: Path) -> None:
    for how in ("504", "reset", "silence", "cut"):
        path = tmp_path / how
        path.mkdir()
        with home(path) as place:
            trigger = naked(place)
            place.here.call(
                lambda p=place, h=how: p.here.sim.faults.answer_wrongly(
                    h, method="POST", path_prefix="/orders/"
                )
            )
            code, said = place.once()
            assert code == 0, said
            assert place.here.sim.faults.seen[f"answer_{how}"] == 1
            assert stops(place.here) == [(10, trigger)], how


def test_a_lost_request_is_sent_again_under_another_tag(tmp_path: Path) -> None:
    with home(tmp_path) as place:
        trigger = naked(place)
        place.here.call(
            lambda: place.here.sim.faults.lose_request(
                "reset", method="POST", path_prefix="/orders/"
            )
        )
        code, said = place.once()
        assert code == 0, said
        assert stops(place.here) == [(10, trigger)]
        assert "never arrived" in said


def test_a_book_that_is_old_doubles_no_stop(tmp_path: Path) -> None:
    with home(tmp_path) as place:
        trigger = naked(place)
        # The third reading comes after the order was placed, and still shows the book before it.
        child = place.watchdog(once=True)
        wait_for_broker("a stop rests", lambda: bool(stops(place.here)))
        place.here.call(lambda: place.here.sim.faults.stale_book(1, 3_000_000_000))
        out, err = child.communicate(timeout=120)
        assert child.returncode == 0, out + err
        assert stops(place.here) == [(10, trigger)]


def test_a_broker_that_fails_for_a_while_is_asked_until_it_answers(tmp_path: Path) -> None:
    with home(tmp_path) as place:
        trigger = naked(place)
        for status, kind in (
            (503, "NetworkException"),
            (429, "NetworkException"),
            (500, "GeneralException"),
        ):
            place.here.call(
                lambda s=status, k=kind: place.here.sim.faults.fail_next(s, k, "not now")
            )
        code, said = place.once()
        assert code == 0, said
        assert stops(place.here) == [(10, trigger)]


def test_a_stop_that_is_rejected_closes_the_position(tmp_path: Path) -> None:
    with home(tmp_path) as place:
        naked(place)
        place.here.call(lambda: place.here.sim.faults.reject_exits(1))
        code, said = place.once()
        assert code == 0, said
        assert place.here.net() == 0 and place.here.live() == []


def test_a_living_engine_is_left_alone(tmp_path: Path) -> None:
    with home(tmp_path) as place:
        ltp = place.here.enter()
        engine = place.engine(bracket(ltp * 0.97))
        before = place.here.book()
        code, said = place.once()
        assert code == 0 and "lives" in said
        assert engine.poll() is None and place.here.book() == before


def test_a_hung_engine_is_killed_before_anything_is_sent(tmp_path: Path) -> None:
    with home(tmp_path) as place:
        ltp = place.here.enter()
        engine = place.engine(bracket(ltp * 0.97))
        dog = place.watchdog(once=False)
        engine.send_signal(signal.SIGSTOP)
        wait_for_broker("the stop rests", lambda: bool(stops(place.here)))
        assert engine.wait(60) == -signal.SIGKILL
        assert stops(place.here) == [(10, on_tick(ltp * 0.97))]
        assert dog.poll() is None, "it goes on watching"


def test_a_hung_engine_with_nothing_open_is_not_killed(tmp_path: Path) -> None:
    with home(tmp_path) as place:
        engine = place.engine()
        dog = place.watchdog(once=False)
        engine.send_signal(signal.SIGSTOP)
        log = place.var / "log" / "watchdog.jsonl"
        wait_until(
            "it says so", lambda: log.exists() and "nothing of ours is open" in log.read_text()
        )
        engine.send_signal(signal.SIGCONT)
        assert engine.poll() is None and dog.poll() is None


def test_the_watchdog_goes_when_the_engine_ends_cleanly(tmp_path: Path) -> None:
    with home(tmp_path) as place:
        ltp = place.here.enter()
        place.here.stop(10, ltp * 0.97)
        engine = place.engine(bracket(ltp * 0.97))
        dog = place.watchdog(once=False)
        log = place.var / "log" / "watchdog.jsonl"
        wait_until("it watches", log.exists)
        engine.terminate()
        assert engine.wait(60) == 0 and dog.wait(60) == 0
        assert len(stops(place.here)) == 1


def test_no_secret_is_written(tmp_path: Path) -> None:
    with home(tmp_path) as place:
        naked(place)
        _, said = place.once()
        log = (place.var / "log" / "watchdog.jsonl").read_text()
        assert place.here.token not in said + log and "paper:" not in said + log
        assert f"NSE:{SYMBOL} 10 units long" in log


def test_a_machine_that_slept_has_no_hung_engine() -> None:
    vigil = HeartbeatMonitor(stale_s=10, poll_s=0.5)
    beat = HeartbeatReading(os.getpid(), start_ticks(os.getpid()), 0, 1, EngineState.RUNNING, 1)
    assert vigil.see(beat, 100.0) is EngineVitals.ALIVE
    assert vigil.see(beat, 10_000.0) is EngineVitals.QUIET
    for step in range(20):
        vital = vigil.see(beat, 10_000.5 + step / 2)
    assert vital is EngineVitals.HUNG


def test_a_later_process_with_its_number_is_not_the_engine() -> None:
    beat = HeartbeatReading(os.getpid(), start_ticks(os.getpid()) - 1, 0, 1, EngineState.RUNNING, 1)
    assert HeartbeatMonitor(stale_s=10, poll_s=0.5).see(beat, 1.0) is EngineVitals.DEAD


def test_a_watchdog_that_steps_in_tells_people(tmp_path: Path) -> None:
    with (
        listening() as server,
        environment(OTRADE_ALERT_PHONE=server.address),
        home(tmp_path) as place,
    ):
        config = json.loads(place.config.read_text())
        place.config.write_text(json.dumps(config | {"alerts": {"targets": [{"name": "phone"}]}}))
        place.here.enter()
        die(place.engine())
        child = place.watchdog(once=False)
        out, err = child.communicate(timeout=120)
        assert child.returncode == 0, out + err
        titles = [post["title"] for post in server.heard]
        assert [title for title in titles if "STEPPING IN" in title or "GUARDED" in title] == [
            "OTrade otrade WATCHDOG: ALARM, STEPPING IN", "OTrade otrade WATCHDOG: ALARM, GUARDED"
        ]  # fmt: skip
        said = (place.var / "log" / "watchdog.jsonl").read_text()
        assert "ALERT_DELIVERED" in said and TOKEN not in said + out + err
