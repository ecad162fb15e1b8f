"""An event loop that counts what is scheduled on it.

In lockstep the driver has to know when every client has reacted. Four turns of the loop without
bytes say so of any client; where client and servers share a loop that counts, one can tell sooner:
a turn in which nobody scheduled anything and no socket spoke has nothing that could come of it.
"""

import asyncio
from collections.abc import Callable
from contextvars import Context
from typing import TypeVarTuple

import uvloop

Ts = TypeVarTuple("Ts")


class CountingLoop(uvloop.Loop):
    """`n_calls` goes up with each callback that is to run in the next turn: each step of a task,
    each callback of a future.
    """

    n_calls = 0

    def call_soon(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        self.n_calls += 1
        return super().call_soon(callback, *args, context=context)
