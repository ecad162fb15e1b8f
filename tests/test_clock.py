"""The wall clock never goes back, whatever the system's clock does. All clocks here are fakes:
nothing sleeps.
"""

import asyncio
import random
import time

import pytest

from otrade.brokers.transport.frame_clock import frame_clock
from otrade.clock import NS_PER_S, WallClock

START_NS = 1_760_000_000 * NS_PER_S


class SetNanoseconds:
    def __init__(self, ns: int) -> None:
        self.ns = ns

    def __call__(self) -> int:
        return self.ns


def make() -> tuple[WallClock, SetNanoseconds, SetNanoseconds]:
    wall, mono = SetNanoseconds(START_NS), SetNanoseconds(77)
    return WallClock(wall, mono), wall, mono


def test_follows_the_monotonic_clock_between_resyncs() -> None:
    clock, wall, mono = make()
    mono.ns += NS_PER_S // 2
    wall.ns += 10 * NS_PER_S  # a step of the system's clock is not looked at yet
    assert clock.now_ns() == START_NS + NS_PER_S // 2


def pass_time(
    clock: WallClock,
    wall: SetNanoseconds,
    mono: SetNanoseconds,
    seconds: float,
    lag_ns: int | None = None,
    wrong_ns: int = 0,
) -> None:
    """Half-second beats. `lag_ns`: how far ticks of the exchange lie behind the true time, which is
    the wall's less `wrong_ns`.
    """
    for _ in range(round(seconds * 2)):
        mono.ns += NS_PER_S // 2
        wall.ns += NS_PER_S // 2
        clock.now_ns()
        if lag_ns is not None:
            clock.testify((wall.ns - wrong_ns - lag_ns) // NS_PER_S * NS_PER_S)


def test_small_leads_are_made_up_at_once() -> None:
    clock, wall, mono = make()
    mono.ns += 2 * NS_PER_S
    wall.ns += 3 * NS_PER_S
    assert clock.now_ns() == wall.ns and clock.step is None


@pytest.mark.parametrize("wrong_s", [4, 90, 3_600, 10**6, -4, -90, -3_600])
@pytest.mark.parametrize("for_s", [1, 4, 600])
def test_a_step_that_ticks_deny_moves_nothing(wrong_s: int, for_s: int) -> None:
    """Four seconds of a wrong clock ended a day with its positions open."""
    clock, wall, mono = make()
    pass_time(clock, wall, mono, 3, lag_ns=NS_PER_S // 10)
    wall.ns += wrong_s * NS_PER_S
    pass_time(clock, wall, mono, for_s, lag_ns=NS_PER_S // 10, wrong_ns=wrong_s * NS_PER_S)
    assert (
        clock.now_ns()
        == wall.ns - wrong_s * NS_PER_S
        == clock._anchor_ns + (mono.ns - clock._anchor_mono_ns)
    )
    if for_s > 1:
        assert clock.is_in_doubt and clock.step is not None and clock.step.is_denied
    wall.ns -= wrong_s * NS_PER_S
    pass_time(clock, wall, mono, 2)
    assert clock.step is None and clock.now_ns() == wall.ns


@pytest.mark.parametrize("wrong_s", [4, 3_600, -4, -3_600])
def test_a_short_step_without_any_tick_moves_nothing(wrong_s: int) -> None:
    clock, wall, mono = make()
    wall.ns += wrong_s * NS_PER_S
    pass_time(clock, wall, mono, 20)
    assert clock.now_ns() == wall.ns - wrong_s * NS_PER_S
    wall.ns -= wrong_s * NS_PER_S
    pass_time(clock, wall, mono, 2)
    assert clock.step is None and clock.now_ns() == wall.ns


def test_a_correction_that_ticks_confirm_is_taken_in_seconds() -> None:
    """The engine began with a clock that was wrong; now it is set right."""
    clock, wall, mono = make()
    wall.ns += 300 * NS_PER_S
    pass_time(clock, wall, mono, 6, lag_ns=NS_PER_S // 5)
    assert clock.now_ns() == wall.ns and clock.step is None


def test_a_step_back_that_ticks_confirm_is_waited_for() -> None:
    clock, wall, mono = make()
    wall.ns -= 30 * NS_PER_S
    last_ns = clock.now_ns()
    for _ in range(600):
        pass_time(clock, wall, mono, 1, lag_ns=NS_PER_S // 5)
        assert clock.now_ns() >= last_ns
        last_ns = clock.now_ns()
    assert clock.now_ns() == wall.ns and clock.step is None, (
        "thirty seconds are made up in some minutes"
    )


def test_a_step_that_nobody_speaks_against_is_believed_in_the_end() -> None:
    """A machine that slept, or whose clock was wrong before the feed was up. An old tick says
    nothing.
    """
    clock, wall, mono = make()
    clock.testify(START_NS - 3 * NS_PER_S)
    wall.ns += 7_200 * NS_PER_S
    for _ in range(60):
        pass_time(clock, wall, mono, 0.5)
        clock.testify(START_NS - 3 * NS_PER_S)
    pass_time(clock, wall, mono, 3)
    assert clock.now_ns() == wall.ns


def test_frames_are_stamped_with_the_engines_time() -> None:
    """In C, by the same anchor: a wrong clock of the machine must not reach the core by the feed."""
    offset = SetNanoseconds(0)
    clock = WallClock(lambda: time.time_ns() + offset.ns)
    frames = frame_clock(clock)
    assert 0 <= frames() - clock.now_ns() + NS_PER_S // 100 < NS_PER_S // 50
    offset.ns = 3_600 * NS_PER_S
    assert abs(frames() - time.time_ns()) < NS_PER_S
    clock.now_ns()
    assert frames() == pytest.approx(clock.now_ns(), abs=NS_PER_S)


def test_waits_and_never_goes_back_when_the_system_clock_is_set_back() -> None:
    clock, wall, mono = make()
    mono.ns += 2 * NS_PER_S
    wall.ns += NS_PER_S  # one second behind now
    last_ns = clock.now_ns()
    for _ in range(200):
        mono.ns += NS_PER_S // 10
        wall.ns += NS_PER_S // 10
        now_ns = clock.now_ns()
        assert now_ns >= last_ns
        last_ns = now_ns
    assert last_ns == wall.ns, "a tenth of a second a second: one second is made up in ten"


def test_monotone_under_random_steps() -> None:
    rng = random.Random(20_251_101)
    clock, wall, mono = make()
    last_ns = clock.now_ns()
    for _ in range(5_000):
        step_ns = rng.randrange(2 * NS_PER_S)
        mono.ns += step_ns
        wall.ns += step_ns + (rng.randrange(-NS_PER_S, NS_PER_S) if rng.random() < 0.1 else 0)
        now_ns = clock.now_ns()
        assert now_ns >= last_ns
        last_ns = now_ns


def test_a_timer_that_fires_early_looks_again() -> None:
    clock, _wall, mono = make()
    called: list[int] = []

    async def run() -> None:
        timer = clock.call_at(START_NS + 5, lambda: called.append(clock.now_ns()))
        cancelled = clock.call_at(START_NS + 5, lambda: called.append(-1))
        cancelled.cancel()
        for _ in range(20):
            await asyncio.sleep(0)
        assert called == [], "the loop's timer rounds; the clock's own time decides"
        mono.ns += 5
        loop = asyncio.get_running_loop()
        done = loop.create_future()
        loop.call_later(0.005, done.set_result, None)
        await done
        timer.cancel()

    asyncio.run(run())
    assert called == [START_NS + 5]
