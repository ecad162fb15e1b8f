"""A line from the person at the terminal, who may also press Ctrl-C instead.

The thread that reads is not waited for: a read of a terminal cannot be taken back, and the process
must be able to end without it.
"""

import asyncio
import contextlib
import sys
import threading


async def read_line() -> str:
    """The next line of standard input, without blanks around it; empty at its end."""
    loop = asyncio.get_running_loop()
    line: asyncio.Future[str] = loop.create_future()

    def take(text: str) -> None:
        if not line.done():
            line.set_result(text.strip())

    def read() -> None:
        text = sys.stdin.readline()
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(take, text)

    threading.Thread(target=read, name="terminal", daemon=True).start()
    return await line
