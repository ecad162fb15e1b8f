"""A live engine, its hooks' process and a simulated broker, each in a process or thread of its own: a
postback makes the engine read the book, and nothing else that is posted does.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from tests.attack.whole import free_port
from tests.harness.realtime_broker import ROOT, RealtimeBroker, broker
from tests.harness.waiting import wait_until
from tests.hooks.test_postbacks import body
from tests.live.test_kill_9 import a_configuration

ORDER, TOKEN = "/hooks/kite/order", "/hooks/upstox/token"


def post(port: int, path: str, content: bytes) -> int:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", content)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code


def counted(here: RealtimeBroker) -> list[int]:
    """How often the broker's book was read, from now on."""
    reads, whole = [0], here.sim.exchange.book

    def book() -> object:
        reads[0] += 1
        return whole()

    here.call(lambda: setattr(here.sim.exchange, "book", book))
    return reads


def test_a_postback_moves_the_book_read(tmp_path: Path) -> None:
    """Nothing is open, so that nothing else makes the engine read it."""
    with broker() as here:
        config, port = a_configuration(tmp_path, here), free_port()
        row = json.loads(config.read_text()) | {"strategies": []}
        row["hooks"] = {"enabled": True, "port": port}
        row["web"] = {"port": 0}
        config.write_text(json.dumps(row))
        shift_ns = here.call(lambda: here.sim.clock.now_ns()) - time.time_ns()
        where = [here.ports.rest_url, here.ports.feed_url, str(shift_ns), here.token]
        with subprocess.Popen(
            [sys.executable, "-m", "tests.attack.engine_target", str(config), *where]
            + [str(tmp_path / "turns"), str(port)],
            cwd=ROOT,
            text=True,
            stdout=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        ) as process:
            try:
                assert process.stdout is not None
                while "ready" not in (line := process.stdout.readline()):
                    assert line, "the engine has ended while it was starting"
                reads = counted(here)
                assert post(port, ORDER, body(secret="another")) == 400
                assert post(port, ORDER, body(user_id="ZZ9999")) == 400
                assert post(port, ORDER, b"{}") == 400
                assert post(port, TOKEN, b"a notice that nobody waits for") in (200, 503)
                before = reads[0]
                for n in range(3):
                    # 503 until the hooks' process has found its engine: the sender comes again.
                    wait_until("it is taken", lambda n=n: post(port, ORDER, body(str(n))) == 200)
                    wait_until("the book is read", lambda n=n: reads[0] == before + n + 1)
                assert post(port, ORDER, body("0")) == 200, "known already"
                assert post(port, ORDER, body("3")) == 200
                wait_until("the book is read", lambda: reads[0] == before + 4)
            finally:
                process.terminate()
                process.communicate(timeout=90)
        assert process.returncode == 0
