"""What stamps frames with the engine's time: read in C, where that time runs with the wall."""

from collections.abc import Callable

from otrade.brokers.transport.frame_reader import FrameClock
from otrade.clock import Clock, WallClock


def frame_clock(clock: Clock) -> Callable[[], int]:
    """Reads that clock's time. A simulated clock is asked itself."""
    if type(clock) is not WallClock:
        return clock.now_ns
    frames = FrameClock()
    clock.follow(frames.set)
    return frames
