"""A line from the terminal, or none: a person who stops instead is not held up."""

from __future__ import annotations

import asyncio
import os
import sys

import pytest

from otrade.errors import StoppedError
from otrade.live.startup.terminal import read_line
from otrade.patience import unless


def test_a_line_is_taken_without_its_blanks(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = os.pipe()
    with os.fdopen(ours) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        os.write(theirs, b" https://127.0.0.1/?code=1 \n")
        assert asyncio.run(read_line()) == "https://127.0.0.1/?code=1"
        os.close(theirs)
        assert asyncio.run(read_line()) == ""


def test_a_stop_does_not_wait_for_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    async def asked() -> None:
        stop = asyncio.Event()
        asyncio.get_running_loop().call_soon(stop.set)
        await unless(stop, read_line())

    ours, theirs = os.pipe()
    with os.fdopen(ours) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        with pytest.raises(StoppedError):
            asyncio.run(asked())  # ends, though nobody has written
        os.close(theirs)  # and so does the thread
