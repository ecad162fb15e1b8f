"""The watchdog between a death and the next start: the engine's own (`live.watchdog.protector`), at the
broker, in virtual time. It may die too.
"""

import asyncio
from collections.abc import Callable
from typing import Any, cast

from otrade._core.types import Severity
from otrade.brokers.adapter import BrokerAdapter
from otrade.brokers.session import EmergencyClient
from otrade.live.watchdog.heartbeat import ProtectionFile, protected_of
from otrade.live.watchdog.protector import ProtectionOutcome, Protector
from otrade.patience import wait_unless
from otrade.simulator.simulator import Simulator

SECOND = 1_000_000_000
STALE_S = 7.0
"""A process that hangs is seen by its silence; one that is gone at once."""
GONE_S = 0.5
GAP_S = 2.0
"""Between two looks, as `engine.doubt_look_gap_ms` has it by itself."""
GIVE_UP_S = 60.0
ASKING = ("place", "modify", "cancel")


class WatchdogDied(Exception):
    """In the middle of its work, behind a request."""


class MortalClient:
    """An emergency client whose owner dies behind so many requests; 0: he does not."""

    def __init__(self, client: EmergencyClient, dies_behind: int) -> None:
        self._client = client
        self._left = dies_behind

    def __getattr__(self, name: str) -> Any:
        ask = getattr(self._client, name)
        if name not in ASKING or not self._left:
            return ask

        async def mortal(*args: Any) -> Any:
            answer = await ask(*args)
            self._left -= 1
            if not self._left:
                raise WatchdogDied
            return answer

        return mortal


def left_word(day: Any) -> ProtectionFile:
    """What an engine writes down on a beat for whoever comes after it."""
    return ProtectionFile(1, day.plan.day, protected_of(day))


async def step_in(
    sim: Simulator,
    adapter: BrokerAdapter,
    word: ProtectionFile | None,
    say: Callable[[Severity, str, str], None],
    dies_behind: int,
) -> ProtectionOutcome | None:
    """Protect what the dead engine has left, as its word has it. How that ended; None: nothing was at
    risk, or the watchdog has died.
    """

    async def pause(seconds: float) -> None:
        await wait_unless(asyncio.Event(), cast(Any, sim.clock), round(seconds * SECOND))

    client = adapter.emergency_client(5 * SECOND)
    protector = Protector(
        cast(EmergencyClient, MortalClient(client, dies_behind)),
        say,
        gap_s=GAP_S,
        sleep=pause,
        now_s=lambda: sim.clock.now_ns() / SECOND,
    )
    try:
        return await sim.during(protector.protect(word, flatten=False, give_up_s=GIVE_UP_S))
    except WatchdogDied:
        return None
    finally:
        client.close()
        adapter.close()
