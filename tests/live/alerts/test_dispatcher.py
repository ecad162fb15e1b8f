"""Who is told what, when, and how often. Time is handed in, targets are lists, and the table is
held against the sources themselves.
"""

import ast
import asyncio
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otrade._core.types import Note, Severity
from otrade.config.schema import AlertsConfig, AlertTargetConfig, QuietHoursConfig
from otrade.live.alerts.dispatcher import BODY_CHARS_MAX, AlertDispatcher, words_of_test
from otrade.live.alerts.retry_queue import (
    AGE_S_MAX,
    CAP_S,
    CAPACITY,
    DeliveryOutcome,
    PendingAlert,
    RetryQueue,
)
from otrade.live.alerts.rules import ALERTS, GOOD_NEWS, AlertLevel, NoticeLevel, level_of
from otrade.live.alerts.throttle import HELD_CODES_MAX, LOUDEST_REPEAT_NS, Alert, AlertThrottle
from otrade.live.notices.board import Notice, NoticeBoard

ROOT = Path(__file__).parents[3]
SECOND = 1_000_000_000
MINUTE = 60 * SECOND
NOON = 1_763_620_200 * SECOND  # 2025-11-20 12:00 in India


# -------------------------------------------------------------------------------------------------
# the table
PUT_TOGETHER = {"DAY_SUMMARY", "ALERT_TEST", "REQUEST_REFUSED", "REQUEST_TIMEOUT"}
"""Codes that are no notice's, or are put together at run time."""


def said_codes() -> dict[str, set[str]]:
    """Every code that the sources say, by file: the words in capitals among the arguments of `say`
    and its like.
    """
    found: dict[str, set[str]] = {}
    for path in sorted((ROOT / "otrade" / "live").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            name = (
                node.func.attr
                if isinstance(node.func, ast.Attribute)
                else getattr(node.func, "id", "")
            )
            if name in ("say", "_say", "_say_once"):
                for argument in node.args[:2]:
                    if (
                        isinstance(argument, ast.Constant)
                        and isinstance(argument.value, str)
                        and argument.value.isupper()
                    ):
                        found.setdefault(argument.value, set()).add(path.name)
    return found


def test_every_code_has_its_line_in_the_table() -> None:
    said = said_codes()
    assert {"KILLED", "TOKEN_DEAD", "JOURNAL_FULL", "GIVEN_UP", "FEED_LOST"} <= set(said), (
        "the search finds what is known to be said"
    )
    assert not {code: files for code, files in said.items() if code not in ALERTS}
    assert {note.name for note in Note} <= set(ALERTS)
    left = set(ALERTS) - set(said) - {note.name for note in Note}
    assert left == PUT_TOGETHER, "a code that nobody says any more has no business in the table"
    assert set(ALERTS) >= GOOD_NEWS


def notice(
    code: str, severity: Severity = Severity.INFO, text: str = "words", **more: Any
) -> Notice:
    return Notice(1, more.pop("ts_ns", NOON), severity, code, text, **more)


def test_what_must_be_loud_is() -> None:
    assert [code for code, level in ALERTS.items() if level == AlertLevel.LOUDEST] == [
        "EXIT_REJECTED",
        "GIVEN_UP",
    ]
    for code in (
        "NAKED",
        "TOKEN_DEAD",
        "JOURNAL_FULL",
        "NO_JOURNAL",
        "KILLED",
        "FAULT",
        "LIMIT_TRIPPED",
    ):
        assert level_of(notice(code)) == AlertLevel.ALARM
    assert level_of(notice("HALT_CHANGED", Severity.ALARM)) == AlertLevel.ALARM
    assert level_of(notice("HALT_CHANGED", Severity.WARN)) == AlertLevel.WARN
    assert level_of(notice("IN_DOUBT", Severity.WARN)) == AlertLevel.ERROR
    assert level_of(notice("QUARANTINED", Severity.ALARM)) == AlertLevel.ALARM


@pytest.mark.parametrize(
    "code",
    ["ENTRY_SENT", "EXIT_SENT", "STOP_PLACED", "SIGNAL_TAKEN", "REQUEST_REFUSED", "BUDGET_WAIT"],
)
@pytest.mark.parametrize("severity", Severity)
def test_what_is_merely_asked_for_is_no_alert(code: str, severity: Severity) -> None:
    assert level_of(notice(code, severity)) is None


def test_a_new_code_is_an_alert_only_when_it_is_an_alarm() -> None:
    assert level_of(notice("NEVER_HEARD_OF", Severity.ALARM)) == AlertLevel.ALARM
    assert level_of(notice("NEVER_HEARD_OF", Severity.ERROR)) is None
    assert all(
        isinstance(level, AlertLevel | NoticeLevel) or level is None for level in ALERTS.values()
    )


# --------------------------------------------------------------------------------------------------
# the gate
def gate(**target: Any) -> AlertThrottle:
    rates = {
        "repeat_s": target.pop("repeat_s", 300.0),
        "max_per_min": target.pop("max_per_min", 10),
    }
    return AlertThrottle(AlertTargetConfig(name="phone", **target), **rates)


def alert(
    level: AlertLevel = AlertLevel.ALARM, code: str = "NAKED", key: object = 0, **more: Any
) -> Alert:
    return Alert(level, code, f"{code} {key}", NOON, (code, key), **more)


def test_the_same_thing_is_said_once_in_a_window_and_counted() -> None:
    throttle = gate()
    assert throttle.offer(alert(), NOON)
    assert not any(throttle.offer(alert(), NOON + i * SECOND) for i in range(1, 300))
    assert throttle.offer(alert(key=1), NOON + 10 * SECOND), "another bracket is another thing"
    assert throttle.offer(alert(), NOON + 300 * SECOND)
    told = throttle.digest(NOON + 310 * SECOND)
    assert (
        told is not None
        and told.level == AlertLevel.ALARM
        and told.text.splitlines()[1:] == ["299 x NAKED: NAKED 0"]
    )
    assert throttle.digest(NOON + 900 * SECOND) is None, "what has been told is told once"
    assert throttle.n_held == 299


def test_severity_is_a_threshold() -> None:
    for minimum, level in (("info", 0), ("warn", 1), ("error", 2), ("alarm", 3)):
        passed = [one for one in AlertLevel if gate(min_severity=minimum).offer(alert(one), NOON)]
        assert passed == [one for one in AlertLevel if one >= level]
    assert gate(min_severity="alarm").digest(NOON + 999 * SECOND) is None, (
        "what is not wanted is not held either"
    )


def test_the_rate_holds_back_all_but_the_loudest() -> None:
    throttle = gate(max_per_min=3)
    assert [throttle.offer(alert(key=i), NOON) for i in range(5)] == [True] * 3 + [False] * 2
    assert all(
        throttle.offer(alert(AlertLevel.LOUDEST, "EXIT_REJECTED", i), NOON) for i in range(20)
    )
    assert not throttle.offer(alert(key=9), NOON + 19 * SECOND)
    assert throttle.offer(alert(key=10), NOON + 21 * SECOND), (
        "three a minute are one in twenty seconds"
    )
    told = throttle.digest(NOON + 300 * SECOND)
    assert told is not None and told.text.splitlines() == [
        "3 held back since 12:00:00 IST:",
        "3 x NAKED: NAKED 9",
    ]


def test_a_rejected_exit_is_repeated_sooner() -> None:
    throttle = gate()
    loud = alert(AlertLevel.LOUDEST, "EXIT_REJECTED")
    sent = [at for at in range(0, 120) if throttle.offer(loud, NOON + at * SECOND)]
    assert sent == [0, 30, 60, 90] and LOUDEST_REPEAT_NS == 30 * SECOND


def test_quiet_hours_let_alarms_through_and_tell_the_rest_afterwards() -> None:
    lunch = QuietHoursConfig(start="12:30", until="13:00", min_severity="error")
    throttle = gate(
        min_severity="info", quiet=[QuietHoursConfig(start="22:00", until="08:00"), lunch]
    )
    night = NOON + 11 * 60 * MINUTE  # 23:00
    assert throttle.offer(alert(AlertLevel.ALARM), night) and throttle.offer(
        alert(AlertLevel.LOUDEST, "EXIT_REJECTED"), night
    )
    assert not throttle.offer(alert(AlertLevel.ERROR, "IN_DOUBT"), night)
    assert not throttle.offer(
        alert(AlertLevel.WARN, "ADOPTED"), NOON + 31 * MINUTE
    ) and throttle.offer(alert(AlertLevel.ERROR, "TOKEN"), NOON + 31 * MINUTE)
    assert throttle.digest(night + 8 * 60 * MINUTE) is None, "07:00 is quiet"
    morning = throttle.digest(night + 9 * 60 * MINUTE)
    assert (
        morning is not None
        and morning.level == AlertLevel.ERROR
        and "IN_DOUBT" in morning.text
        and "ADOPTED" in morning.text
    )


def test_the_summary_goes_out_whatever_else_is_held() -> None:
    summary = alert(AlertLevel.INFO, "DAY_SUMMARY", is_summary=True)
    assert gate(min_severity="alarm", quiet=[QuietHoursConfig(start="00:00", until="23:59")]).offer(
        summary, NOON
    )
    assert not gate(day_summary=False, min_severity="info").offer(summary, NOON)


def test_what_could_not_be_handed_on_is_not_lost() -> None:
    throttle = gate()
    assert throttle.offer(alert(), NOON)
    throttle.give_back(alert(), NOON)
    assert throttle.offer(alert(), NOON + SECOND), "it was not sent, so this is no repetition"
    told = throttle.digest(NOON + 300 * SECOND)
    assert told is not None and "NAKED 0" in told.text


@given(
    st.lists(
        st.tuples(st.integers(0, 600), st.sampled_from(list(AlertLevel)), st.integers(0, 4)),
        max_size=200,
    ),
    st.integers(1, 30),
)
def test_nothing_wanted_is_lost_and_the_rate_is_kept(
    steps: list[tuple[int, AlertLevel, int]], per_min: int
) -> None:
    throttle = gate(min_severity="info", max_per_min=per_min)
    now, sent, wanted, told = NOON, [], 0, 0
    for wait_s, level, key in steps:
        now += wait_s * SECOND
        wanted += 1
        if throttle.offer(alert(level, f"CODE_{level}", key), now):
            sent.append((now, level))
        digest = throttle.digest(now)
        if digest is not None:
            told += int(digest.text.split(" ", 1)[0])
            sent.append((now, digest.level))
    last = throttle.digest(now, at_once=True)
    told += int(last.text.split(" ", 1)[0]) if last is not None else 0
    n_direct = wanted - throttle.n_held
    assert told == throttle.n_held and n_direct >= 0
    ordinary = [at for at, level in sent if level < AlertLevel.LOUDEST]
    for at in ordinary:
        assert sum(at - MINUTE < other <= at for other in ordinary) <= 2 * per_min


def test_a_clock_that_steps_back_silences_nobody() -> None:
    throttle = gate()
    assert throttle.offer(alert(), NOON)
    assert throttle.offer(alert(), NOON - 3_600 * SECOND)


def test_memory_is_bounded() -> None:
    throttle = gate(max_per_min=1)
    for i in range(5 * HELD_CODES_MAX):
        throttle.offer(alert(code=f"C{i}"), NOON + i)
    told = throttle.digest(NOON, at_once=True)
    assert told is not None and len(told.text.splitlines()) <= HELD_CODES_MAX + 2


# ------------------------------------------------------------------------------------------------
# the outbox
def parcel(id: int, level: int = 2) -> PendingAlert:
    return PendingAlert(id, level, "title", "body")


def outbox(tries: int = 3) -> RetryQueue:
    return RetryQueue("phone", tries=tries, loudest=4, rng=random.Random(1))


def test_the_loudest_goes_first_and_then_the_oldest() -> None:
    box = outbox()
    for id, level in ((1, 1), (2, 3), (3, 3), (4, 0), (5, 4)):
        box.put(parcel(id, level), 0.0)
    order = []
    while (taken := box.take(0.0)) is not None:
        order.append(taken.id)
        assert box.tried(taken, True, "", 0.0) == DeliveryOutcome(taken.id, "phone", True, 1)
    assert order == [5, 2, 3, 1, 4]


def test_a_failing_target_is_tried_after_longer_waits_and_given_up() -> None:
    box = outbox(tries=4)
    box.put(parcel(1), 0.0)
    now, waits = 0.0, []
    while True:
        taken = box.take(now)
        assert taken is not None
        outcome = box.tried(taken, False, "no route", now)
        if outcome is not None:
            break
        wait = box.wait_s(now)
        assert wait is not None and box.take(now + wait * 0.99) is None
        waits.append(wait)
        now += wait
    assert outcome == DeliveryOutcome(1, "phone", False, 4, "no route")
    assert all(1.5 * 2**i <= wait <= 2.5 * 2**i for i, wait in enumerate(waits)), waits
    assert len(box) == 0 and box.wait_s(now) is None


def test_the_loudest_does_not_wait_for_the_back_off_of_others() -> None:
    box = outbox()
    box.put(parcel(1), 0.0)
    taken = box.take(0.0)
    assert taken is not None and box.tried(taken, False, "busy", 0.0) is None
    assert box.take(0.1) is None
    box.put(parcel(2, 4), 0.1)
    loud = box.take(0.1)
    assert loud is not None and loud.id == 2


def test_waits_and_ages_have_a_bound() -> None:
    box = outbox(tries=1_000)
    box.put(parcel(1), 0.0)
    now = 0.0
    while (taken := box.take(now)) is not None:
        if box.tried(taken, False, "no", now) is not None:
            break
        wait = box.wait_s(now)
        assert wait is not None and wait <= 1.25 * CAP_S
        now += wait
    assert AGE_S_MAX <= now <= AGE_S_MAX + 1.25 * CAP_S


def test_too_many_means_that_the_least_important_goes() -> None:
    box = outbox()
    given_up = [box.put(parcel(id, 3 if id % 2 else 1), 0.0) for id in range(CAPACITY + 2)]
    outcomes = [one for one in given_up if one is not None]
    assert [one.id for one in outcomes] == [CAPACITY, CAPACITY - 2] and not any(
        one.ok for one in outcomes
    )
    assert len(box) == CAPACITY


# --------------------------------------------------------------------------------------------------
# the dispatcher
class AlertSink:
    """Takes parcels, or does not."""

    def __init__(self) -> None:
        self.parcels: list[tuple[str, PendingAlert]] = []
        self.takes = True

    def send(self, target: str, parcel: PendingAlert) -> bool:
        if self.takes:
            self.parcels.append((target, parcel))
        return self.takes

    def titles(self, target: str = "phone") -> list[str]:
        return [parcel.title for name, parcel in self.parcels if name == target]


class DispatcherSetup:
    """A dispatcher, its board and its sink, at a time that a test sets."""

    def __init__(self, *targets: AlertTargetConfig, **config: Any) -> None:
        self.now = NOON
        self.board = NoticeBoard(lambda: self.now)
        self.sink = AlertSink()
        targets = targets or (AlertTargetConfig(name="phone"),)
        config = {"max_per_min": 60, **config}
        self.dispatcher = AlertDispatcher(
            AlertsConfig(targets=list(targets), **config),
            "OTrade test",
            say=self.board.say,
            wall_ns=lambda: self.now,
        )
        self.dispatcher.sender = self.sink
        self.board.listen(self.dispatcher.hear)

    def codes(self) -> list[str]:
        return [notice.code for notice in self.board.since(0)]


def test_a_notice_becomes_a_parcel_for_everybody_who_wants_it() -> None:
    here = DispatcherSetup(
        AlertTargetConfig(name="phone"), AlertTargetConfig(name="mail", min_severity="info")
    )
    here.board.say(Severity.INFO, "DAY_OPEN", "2025-11-20: connected")
    here.board.say(Severity.ALARM, "TOKEN_DEAD", "the token is dead")
    assert here.sink.titles("phone") == ["OTrade test: ALARM, TOKEN DEAD"]
    assert here.sink.titles("mail") == [
        "OTrade test: info, DAY OPEN",
        "OTrade test: ALARM, TOKEN DEAD",
    ]
    assert here.sink.parcels[-1][1].body == "12:00:00 IST  the token is dead"


def test_rejected_exits_of_two_brackets_are_two_alerts() -> None:
    here = DispatcherSetup()
    for bracket_id in (1, 2, 1, 2):
        here.dispatcher.hear(
            notice(
                "EXIT_REJECTED",
                Severity.ALARM,
                "EXIT REJECTED",
                instrument_id=0,
                bracket_id=bracket_id,
            )
        )
    assert here.sink.titles() == ["OTrade test: ACT NOW, EXIT REJECTED"] * 2


def test_only_a_feed_that_stays_down_is_told_and_then_its_return() -> None:
    here = DispatcherSetup(feed_down_s=30.0)
    here.board.say(Severity.WARN, "FEED_DOWN", "down")
    here.dispatcher.on_beat(NOON + 29 * SECOND)
    here.now += 29 * SECOND
    here.board.say(Severity.INFO, "FEED_UP", "up")
    here.dispatcher.on_beat(NOON + 90 * SECOND)
    assert here.sink.titles() == []
    here.now = NOON + 100 * SECOND
    for _ in range(3):
        here.board.say(Severity.WARN, "FEED_DOWN", "down")  # each try to reconnect says it again
    here.dispatcher.on_beat(NOON + 131 * SECOND)
    here.dispatcher.on_beat(NOON + 140 * SECOND)
    assert here.sink.titles() == ["OTrade test: ERROR, FEED LOST"]
    here.now = NOON + 150 * SECOND
    here.board.say(Severity.INFO, "FEED_UP", "up")
    assert here.sink.titles()[1:] == ["OTrade test: resolved, FEED BACK"]
    assert "the feed is back after 50 s" in here.sink.parcels[-1][1].body
    here.board.say(Severity.WARN, "SECOND_FEED_DOWN", "down")
    here.dispatcher.on_beat(NOON + 180 * SECOND)
    assert "the second feed has been down for 30 s" in here.sink.parcels[-1][1].body


def test_what_becomes_of_an_alert_is_said_and_never_alerted() -> None:
    here = DispatcherSetup(AlertTargetConfig(name="phone", min_severity="info"))
    here.board.say(Severity.ALARM, "FAULT", "fault")
    id = here.sink.parcels[-1][1].id
    here.dispatcher.on_outcome(DeliveryOutcome(id, "phone", False, 5, "Unauthorized"))
    here.dispatcher.on_outcome(DeliveryOutcome(id + 1, "phone", True, 2))
    here.dispatcher.on_trouble("the process has ended")
    assert here.codes() == ["FAULT", "ALERT_FAILED", "ALERT_DELIVERED", "ALERTS"]
    assert "FAULT, after 5 tries: Unauthorized" in here.board.since(1)[0].text
    assert len(here.sink.parcels) == 1
    assert (here.dispatcher.n_delivered, here.dispatcher.n_failed) == ({"phone": 1}, {"phone": 1})


def test_when_nobody_takes_parcels_they_come_in_the_digest() -> None:
    here = DispatcherSetup(repeat_s=60.0)
    here.sink.takes = False
    here.board.say(Severity.ALARM, "FAULT", "first")
    here.dispatcher.on_beat(NOON)
    here.now += 61 * SECOND
    here.dispatcher.on_beat(here.now)
    here.sink.takes = True
    here.now += 61 * SECOND
    here.dispatcher.on_beat(here.now)
    ((_, told),) = here.sink.parcels
    assert told.title == "OTrade test: ALARM, DIGEST" and "first" in told.body


def test_the_day_s_end_tells_its_result_and_what_was_held() -> None:
    here = DispatcherSetup(
        AlertTargetConfig(name="phone", min_severity="alarm"),
        AlertTargetConfig(name="mail", day_summary=False),
    )
    here.board.say(Severity.ALARM, "FAULT", "again")
    here.board.say(Severity.ALARM, "FAULT", "again")
    here.dispatcher.day_over("net 1,234.00", NOON)
    assert here.sink.titles("phone") == [
        "OTrade test: ALARM, FAULT",
        "OTrade test: DAY SUMMARY",
        "OTrade test: ALARM, DIGEST",
    ]
    assert here.sink.titles("mail") == ["OTrade test: ALARM, FAULT", "OTrade test: ALARM, DIGEST"]


def test_bodies_are_bounded() -> None:
    here = DispatcherSetup()
    here.board.say(Severity.ALARM, "FAULT", "x" * 100_000)
    assert len(here.sink.parcels[0][1].body) <= BODY_CHARS_MAX + 3


def run_test(
    here: DispatcherSetup,
    answer: Callable[[str, PendingAlert], DeliveryOutcome | None],
    within_s: float = 60.0,
) -> list[DeliveryOutcome]:
    async def body() -> list[DeliveryOutcome]:
        loop = asyncio.get_running_loop()
        asked = asyncio.ensure_future(here.dispatcher.test(within_s))
        await asyncio.sleep(0)
        for name, parcel in list(here.sink.parcels):
            if (outcome := answer(name, parcel)) is not None:
                loop.call_soon(here.dispatcher.on_outcome, outcome)
        return await asked

    return asyncio.run(body())


def test_the_test_asks_every_target_past_all_gates_and_waits_for_each() -> None:
    silent = [QuietHoursConfig(start="00:00", until="23:59")]
    here = DispatcherSetup(
        AlertTargetConfig(name="phone", min_severity="alarm", quiet=silent),
        AlertTargetConfig(name="mail"),
    )
    outcomes = run_test(
        here,
        lambda name, parcel: DeliveryOutcome(
            parcel.id, name, name == "phone", 1, "" if name == "phone" else "no such user"
        ),
    )
    assert {one.target: one.ok for one in outcomes} == {"phone": True, "mail": False}
    ok, words = words_of_test(outcomes)
    assert not ok and "phone: delivered" in words and "mail: NOT delivered (no such user)" in words


def test_a_test_without_an_answer_says_so_and_a_courier_that_takes_nothing_too() -> None:
    here = DispatcherSetup()
    ok, words = words_of_test(run_test(here, lambda name, parcel: None, within_s=0.0))
    assert not ok and "no answer within" in words
    here.sink.takes = False
    ok, words = words_of_test(run_test(here, lambda name, parcel: None))
    assert not ok and "not running" in words


def test_targets_with_no_sender_hold_everything() -> None:
    here = DispatcherSetup()
    here.dispatcher.sender = None
    here.board.say(Severity.ALARM, "FAULT", "x")
    assert here.dispatcher.n_held == {"phone": 1}
