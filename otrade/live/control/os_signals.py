"""Ctrl-C, SIGTERM and a terminal that goes away: the first asks for a graceful stop, the second
insists.
"""

import asyncio
import signal
from collections.abc import Callable
from types import TracebackType

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopSignals:
    """Context manager around a running loop. Handlers are loop callbacks, never inside the core."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        on_stop: Callable[[str], None],
        on_insist: Callable[[str], None],
    ) -> None:
        self._loop = loop
        self._on_stop = on_stop
        self._on_insist = on_insist
        self._n = 0

    def __enter__(self) -> "StopSignals":
        for number in STOP_SIGNALS:
            # With nohup it is to outlive its terminal.
            is_nohup = number == signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN
            if not is_nohup:
                self._loop.add_signal_handler(number, self._heard, number)
        return self

    def _heard(self, number: signal.Signals) -> None:
        self._n += 1
        if self._n == 1:
            self._on_stop(number.name)
        else:
            self._on_insist(number.name)

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number in STOP_SIGNALS:
            self._loop.remove_signal_handler(number)
