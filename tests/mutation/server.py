"""Imports everything once, and forks: each child is one mutant. Runs inside the copy of the tree.

    python -m tests.mutation.server DESCRIPTOR TEST_PATHS…

Asked by lines of JSON on a socket. A child switches its mutant on, runs tests in the order that it
is told, stops at the first that fails, and says when each begins: one that goes on for too long is
an endless loop, which is a mutant noticed. Mutants of one server share its memory, so that a
process that a test starts is the same mutant.
"""

from __future__ import annotations

import json
import mmap
import os
import select
import shutil
import signal
import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

from tests.mutation.schemata import CAPACITY

DRILL_LIMIT_S = 60.0


class MutantServer:
    """A pytest plugin: instead of running what was collected it waits to be told what to run."""

    def __init__(self, asked: socket.socket, memory: mmap.mmap) -> None:
        self._asked = asked.makefile("rw", encoding="utf-8")
        self._memory = memory
        self._items: dict[str, pytest.Item] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        self._items = {item.nodeid: item for item in session.items}
        self._say({"tests": list(self._items)})
        for line in self._asked:
            self._say(self._answer(json.loads(line)))
        return True

    def _say(self, words: dict[str, Any]) -> None:
        self._asked.write(json.dumps(words) + "\n")
        self._asked.flush()

    def _answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Run one mutant, 0 being none. `steps`: [test or seed, seconds that it may take]."""
        self._memory[:] = bytes(len(self._memory))
        self._memory[:4] = int(asked["mutant"]).to_bytes(4, sys.byteorder)
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reading)
            self._child(asked, writing)
        os.close(writing)
        try:
            how, at, words = self._watch(reading, asked)
        finally:
            os.close(reading)
            try:
                os.killpg(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            used = os.wait4(pid, 0)[2]
            shutil.rmtree(_folder(pid), ignore_errors=True)
        reached = [n for n, hit in enumerate(self._memory[4:]) if hit] if asked.get("reach") else []
        seconds = (
            used.ru_utime + used.ru_stime
        )  # of the processor: another program is no test's time
        return {"how": how, "at": at, "words": words, "seconds": seconds, "reached": reached}

    def _watch(self, reading: int, asked: dict[str, Any]) -> tuple[str, str, str]:
        """(passed, failed, timeout or died; at which step; in which words)."""
        limits = {str(step): limit_s for step, limit_s in asked["steps"]}
        step, limit_s, buffer = "", 60.0, b""
        deadline_s = time.monotonic() + limit_s
        while True:
            left_s = deadline_s - time.monotonic()
            if left_s <= 0 or not select.select([reading], [], [], left_s)[0]:
                return "timeout", step, ""
            chunk = os.read(reading, 65536)
            if not chunk:
                return "died", step, ""
            buffer += chunk
            while b"\n" in buffer:
                line, _, buffer = buffer.partition(b"\n")
                told = json.loads(line)
                if "how" in told:
                    return told["how"], step, told["words"]
                step = told["begins"]
                deadline_s = time.monotonic() + limits[step]

    def _child(self, asked: dict[str, Any], writing: int) -> None:
        try:
            os.setpgid(0, 0)
            said = os.fdopen(writing, "w", encoding="utf-8")
            run = _drill if asked["kind"] == "drill" else self._tests
            how, words = "passed", ""
            for step, _ in asked["steps"]:
                said.write(json.dumps({"begins": str(step)}) + "\n")
                said.flush()
                words = run(step)
                if words:
                    how = "failed"
                    break
            said.write(json.dumps({"how": how, "words": words[:300]}) + "\n")
            said.flush()
        finally:
            os._exit(0)

    def _tests(self, step: str) -> str:
        item = self._items[step]
        item.config._tmp_path_factory._basetemp = _folder(os.getpid())
        _folder(os.getpid()).mkdir(parents=True, exist_ok=True)
        for report in runtestprotocol(item, nextitem=None, log=False):
            if report.failed:
                return str(report.longrepr)[-300:]
        return ""


def _folder(pid: int) -> Path:
    return Path(tempfile.gettempdir()) / f"otrade-mutant-{pid}"


def _drill(seed: int) -> str:
    import logging

    from otrade.drill.campaign import one
    from otrade.drill.trouble import TROUBLES

    logging.disable(logging.CRITICAL)
    return one(int(seed), tuple(TROUBLES)).error


def main() -> int:
    descriptor, *paths = sys.argv[1:]
    with open(os.environ["OTRADE_MUTANT_MEMORY"], "r+b") as file:
        memory = mmap.mmap(file.fileno(), 4 + CAPACITY)
    import otrade.drill.campaign  # noqa: F401  # once, and not in every child
    from otrade.drill.draws.files import FILES
    from otrade.drill.starts.strategy_files import prepare

    prepare(FILES)

    asked = socket.socket(fileno=int(descriptor))
    options = ["-q", "-s", "-p", "no:xdist", "-p", "no:cacheprovider"]
    return int(pytest.main([*options, *paths], plugins=[MutantServer(asked, memory)]))


if __name__ == "__main__":
    sys.exit(main())
