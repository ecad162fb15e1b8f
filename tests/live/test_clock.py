"""The wall clock never goes back, whatever the system's clock does. All clocks here are fakes:
nothing sleeps.
"""

import asyncio
import random

from otrade.live.clock import NS_PER_S, WallClock

START_NS = 1_760_000_000 * NS_PER_S


class Fake:
    def __init__(self, ns: int) -> None:
        self.ns = ns

    def __call__(self) -> int:
        return self.ns


def make() -> tuple[WallClock, Fake, Fake]:
    wall, mono = Fake(START_NS), Fake(77)
    return WallClock(wall, mono), wall, mono


def test_follows_the_monotonic_clock_between_resyncs() -> None:
    clock, wall, mono = make()
    mono.ns += NS_PER_S // 2
    wall.ns += 10 * NS_PER_S  # a step of the system's clock is not looked at yet
    assert clock.now_ns() == START_NS + NS_PER_S // 2


def test_jumps_forward_with_the_system_clock() -> None:
    clock, wall, mono = make()
    mono.ns += 2 * NS_PER_S
    wall.ns += 3_600 * NS_PER_S
    assert clock.now_ns() == wall.ns


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
