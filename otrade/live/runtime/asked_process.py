"""A process that is asked one thing, answers on its standard output, and ends."""

import asyncio
from typing import NamedTuple

from otrade.live.runtime.child_processes import ChildCommand


class ProcessAnswer(NamedTuple):
    """Exit code, what it wrote, and the last line of what it complained of."""

    code: int
    told: bytes
    last_words: str


async def answer_of(command: ChildCommand, within_s: float) -> ProcessAnswer:
    """Start it and wait for its end. TimeoutError when it takes longer; whoever stops waiting, for
    whatever reason, leaves no process behind. OSError when it cannot be started.
    """
    process = await asyncio.create_subprocess_exec(
        *command.args,
        env=command.env,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(within_s):
            told, said = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return ProcessAnswer(
        process.returncode, told, said.decode(errors="replace").strip().rpartition("\n")[2]
    )
