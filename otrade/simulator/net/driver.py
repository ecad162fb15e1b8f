"""Runs the events of a `VirtualClock` over real sockets.

Lockstep: after each event to which a client could react, wait until it has. A feed client answers a
ping only after it has worked through the frames before it; what it then sends by HTTP is in our
socket's buffer at once, because loopback delivery is synchronous in the kernel. So when all pongs
are in and a few turns of the event loop have shown nothing new, the client is done, and the run is
one deterministic discrete-event simulation at any speed.
"""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from otrade.simulator.base.config import NS_PER_S
from otrade.simulator.base.virtual_clock import VirtualClock
from otrade.simulator.net.counting_loop import CountingLoop
from otrade.simulator.net.reaction_gate import ReactionGate

log = logging.getLogger(__name__)
T = TypeVar("T")

IDLE_TURNS = 4
QUIET_TURNS = 2
"""Where the loop counts: what a client wrote while it read comes to a server a turn later."""
PATIENCE_S = 1.0
"""Wall seconds after which a client which does not react is given up on, for this event."""
WAITS_BEFORE_TIME = 20
FAR_NS = 10 * NS_PER_S
"""Nothing that a client's start waits for is as far off, but its own timers: it is on wall time."""
FAR_PATIENCE_S = 20.0
"""Wall seconds after which time moves that far all the same."""
SPIN_TURNS = 200
"""Turns after which waiting for another process stops burning the processor."""


class SimDriver:
    """Advances one clock. Only one of its coroutines may run at a time."""

    def __init__(self, clock: VirtualClock, gate: ReactionGate, speed: float = math.inf) -> None:
        self.clock = clock
        self.gate = gate
        self.speed = speed
        self.idle_probe: Callable[[], bool] | None = None
        """Says False while the client still has work which the sockets do not show."""
        self._pings = 0
        self._calls_at_rest = -1
        """What a loop that counts had counted when everybody was at rest; no settling: -1."""
        self._sleeper: asyncio.Future[None] | None = None
        self._anchor: tuple[int, float] | None = None
        clock.on_scheduled = self._wake
        gate.on_request = self._wake

    async def run(self, until_ns: int) -> None:
        """Run every event up to and including `until_ns`, then stand at `until_ns`."""
        if not self.gate.lockstep:
            self.clock.follow_wall(self.speed)
        self._anchor = (self.clock.now_ns(), time.monotonic())
        await self._settle()
        while True:
            ts_ns = self.clock.next_ns()
            target_ns = until_ns if ts_ns is None or ts_ns > until_ns else ts_ns
            if not await self._reach(target_ns):
                continue
            if ts_ns != target_ns:
                break
            await self._step()
        self.clock.advance(until_ns)

    async def during(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a client's coroutine (its start, say), and move time only as far as it needs."""
        task = asyncio.ensure_future(work)
        try:
            await self._carry(task)
        finally:
            if not task.done():
                task.cancel()
                await asyncio.wait((task,), timeout=PATIENCE_S)
        return task.result()

    async def _carry(self, task: asyncio.Future[T]) -> None:
        waits = 0
        moved_s = time.monotonic()
        while not task.done():
            await self._settle()
            if task.done():
                break
            if self.gate.replies_due == 0 and waits < WAITS_BEFORE_TIME:
                # Nothing of ours is outstanding: the client is on wall time (a connect, a file).
                waits += 1
                await asyncio.sleep(0.001)
                continue
            waits = 0
            is_patient = time.monotonic() < moved_s + FAR_PATIENCE_S
            if self.clock.next_ns() is None or (is_patient and self._is_far()):
                await asyncio.wait([task], timeout=0.01)
            else:
                await self._step()
                moved_s = time.monotonic()

    def _is_far(self) -> bool:
        """Is the next event hours away, the exchange's square-off say? A start that is slow on a busy
        machine must not find itself in the afternoon.
        """
        ts_ns = self.clock.next_ns()
        return (
            ts_ns is not None
            and ts_ns > self.clock.now_ns() + FAR_NS
            and not self.clock.is_next_external
            and self.gate.replies_due == 0
        )

    async def _step(self) -> None:
        timer = self.clock.pop()
        callback = timer.callback
        if callback is None:
            return
        timer.callback = None
        callback()
        if timer.external or self.gate.wrote:
            await self._settle()

    async def _settle(self) -> None:
        """Return when every client has reacted to all that was written."""
        gate = self.gate
        if not gate.lockstep:
            gate.wrote = False
            return
        give_up_s = time.monotonic() + PATIENCE_S
        loop = asyncio.get_running_loop()
        counting = loop if isinstance(loop, CountingLoop) else None
        if counting is not None and await self._is_quiet(counting):
            return
        while True:
            if gate.wrote:
                gate.wrote = False
                self._pings += 1
                payload = self._pings.to_bytes(8, "big")
                for peer in tuple(gate.peers):
                    peer.ping(payload)
            await self._until_idle(give_up_s, counting)
            if gate.has_requests:
                gate.drain()
            elif not gate.wrote and (self.idle_probe is None or self.idle_probe()):
                if counting is not None:
                    self._calls_at_rest = counting.n_calls
                return
            if time.monotonic() > give_up_s:
                log.warning(
                    "a client has not settled within %s s; the simulation goes on without it",
                    PATIENCE_S,
                )
                return

    async def _is_quiet(self, counting: CountingLoop) -> bool:
        """Has nothing happened since everybody was at rest? Whatever a client has sent just now, the
        servers read in one turn.
        """
        gate = self.gate
        if gate.wrote or gate.is_owed_pong or gate.has_requests:
            return False
        if counting.n_calls != self._calls_at_rest or gate.is_sending():
            return False
        seen = gate.activity
        await asyncio.sleep(0)
        if gate.activity != seen or counting.n_calls != self._calls_at_rest + 1:
            return False
        self._calls_at_rest = counting.n_calls
        return self.idle_probe is None or self.idle_probe()

    async def _until_idle(self, give_up_s: float, counting: CountingLoop | None) -> None:
        gate = self.gate
        seen, idle, turns = gate.activity, 0, 0
        calls, wanted = 0, IDLE_TURNS if counting is None else QUIET_TURNS
        while idle < wanted:
            turns += 1
            if counting is not None:
                calls = counting.n_calls + 1  # the sleep's own
            await asyncio.sleep(0 if turns < SPIN_TURNS else 0.0002)
            if gate.activity != seen:
                seen, idle = gate.activity, 0
            elif gate.is_owed_pong or gate.is_sending():
                idle = 0
                if turns >= SPIN_TURNS and time.monotonic() > give_up_s:
                    self._abandon()
            elif counting is not None and turns < SPIN_TURNS and counting.n_calls != calls:
                idle = 0
            else:
                idle += 1

    def _abandon(self) -> None:
        late = self.gate.awaited()
        log.warning(
            "%d feed client(s) did not answer a ping, %d took no answer within %s s; going on without",
            len(late),
            len(self.gate.senders),
            PATIENCE_S,
        )
        self.gate.senders.clear()
        for peer in late:
            peer.pong_due = False

    async def _reach(self, ts_ns: int) -> bool:
        """Wait for the wall to reach `ts_ns`. False when something came up meanwhile: look at the
        queue again.
        """
        if math.isinf(self.speed):
            return True
        assert self._anchor is not None
        anchor_ns, anchor_s = self._anchor
        wait_s = (ts_ns - anchor_ns) / NS_PER_S / self.speed - (time.monotonic() - anchor_s)
        if wait_s > 0:
            loop = asyncio.get_running_loop()
            self._sleeper = loop.create_future()
            handle = loop.call_later(wait_s, self._wake)
            await self._sleeper
            handle.cancel()
            self._sleeper = None
        if not self.gate.has_requests:
            return time.monotonic() - anchor_s >= (ts_ns - anchor_ns) / NS_PER_S / self.speed
        # A person pressed a button between two events: it happens now, not at the last event.
        passed_ns = int((time.monotonic() - anchor_s) * self.speed * NS_PER_S)
        self.clock.advance(min(ts_ns, anchor_ns + passed_ns))
        await self._settle()
        return False

    def _wake(self) -> None:
        if self._sleeper is not None and not self._sleeper.done():
            self._sleeper.set_result(None)
