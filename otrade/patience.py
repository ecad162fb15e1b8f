"""What a start waits for: a broker that is busy, and a person who may stop it meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from otrade.clock import NS_PER_S, Clock, pause
from otrade.errors import BrokerError, NetworkError, RateLimitError, StoppedError

WAITS_NS = tuple(NS_PER_S * seconds for seconds in (1, 1, 2, 4, 8, 15, 30))
"""Between two questions to a broker that is busy, or does not answer: a minute in all."""
CANCEL_WITHIN_S = 2.0
T = TypeVar("T")


async def unless(stop: asyncio.Event, work: Coroutine[Any, Any, T]) -> T:
    """The work's result, or StoppedError when `stop` is set before it has one: the work has been
    cancelled then.
    """
    task = asyncio.ensure_future(work)
    stopped = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait((task, stopped), return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise StoppedError("stopped during the start")
        return task.result()
    finally:
        stopped.cancel()
        if not task.done():
            task.cancel()
            await asyncio.wait((task,), timeout=CANCEL_WITHIN_S)


async def patiently(
    ask: Callable[[], Awaitable[T]],
    clock: Clock,
    on_trouble: Callable[[BrokerError], None],
    stop: asyncio.Event | None = None,
) -> T:
    """Ask again when the broker is busy or did not answer, for a minute. StoppedError in place of
    another try once `stop` is set.
    """
    for wait_ns in WAITS_NS:
        try:
            return await ask()
        except (RateLimitError, NetworkError) as error:
            on_trouble(error)
            if stop is None:
                await pause(clock, wait_ns)
            else:
                await wait_unless(stop, clock, wait_ns)
    return await ask()


async def wait_unless(stop: asyncio.Event, clock: Clock, wait_ns: int) -> None:
    """Let engine time pass; StoppedError when `stop` is set meanwhile."""
    passed = asyncio.Event()
    timer = clock.call_at(clock.now_ns() + wait_ns, passed.set)
    try:
        await unless(stop, passed.wait())
    finally:
        timer.cancel()
