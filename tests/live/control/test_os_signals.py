"""Which signals ask for a stop: also where a shell has told the process to ignore them, but a hang-up
after nohup.
"""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from otrade.live.control.os_signals import STOP_SIGNALS, StopSignals


def heard(numbers: tuple[signal.Signals, ...]) -> list[str]:
    said: list[str] = []

    async def work() -> None:
        loop = asyncio.get_running_loop()
        with StopSignals(
            loop, on_stop=said.append, on_insist=lambda why: said.append(f"{why} again")
        ):
            for number in numbers:
                os.kill(os.getpid(), number)
                for _ in range(3):
                    await asyncio.sleep(0)

    asyncio.run(work())
    return said


@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_the_first_asks_and_the_second_insists(number: signal.Signals) -> None:
    before = signal.signal(number, signal.SIG_DFL)  # the tests may run under nohup
    try:
        assert heard((number, number)) == [number.name, f"{number.name} again"]
    finally:
        signal.signal(number, before)


def test_a_shell_s_background_job_hears_them_and_nohup_keeps_it_from_a_hang_up() -> None:
    before = {number: signal.signal(number, signal.SIG_IGN) for number in STOP_SIGNALS}
    try:
        assert heard((signal.SIGHUP, signal.SIGINT, signal.SIGTERM)) == ["SIGINT", "SIGTERM again"]
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
