"""The whole under attack: an engine with a position open on the simulator, its page and its hooks.

    python -m tests.attack.whole [--seconds S] [--seed N]

Asserted: the engine's and the listeners' memory stays flat, whatever is open is covered by stops,
the engine's socket answers, and `otrade kill --flatten` closes everything in the middle of it.
Reported: the engine's longest turn, beside its quiet run; on a busy machine look at its work.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from otrade.engine_link.call import EngineCall, NoAnswerError
from otrade.live.runtime.server_file import running_server
from tests.attack.__main__ import GROWTH_MAX_MB, attacked
from tests.attack.target import Target
from tests.attack.vectors import ATTACKS, NEEDS_SOCKET, NEEDS_TLS, NEEDS_WEBSOCKET
from tests.harness.realtime_broker import ROOT, RealtimeBroker, broker, wait_for_broker
from tests.live.test_kill_9 import a_configuration, ours, uncovered

ENGINE_GROWTH_MAX_MB = 8.0
ANSWER_WITHIN_S = 10.0
AT_ONCE = ("pipelined_read", "header_flood", "fuzz")
"""What goes on while the kill is given."""


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--seed", type=int, default=int(time.time()) & 0xFFFF)
    args = parser.parse_args(argv)
    print(f"seed {args.seed}; attackers at the lowest priority, {args.seconds:g} s each")
    with tempfile.TemporaryDirectory() as folder, broker() as here:
        whole = Whole(Path(folder), here)
        try:
            whole.run(args.seconds, args.seed)
        finally:
            whole.close()
    print("; ".join(whole.bad) or "memory was flat, stops were kept, and the kill was obeyed")
    return 1 if whole.bad else 0


class Whole:
    """The processes, and what they must not do."""

    def __init__(self, path: Path, here: RealtimeBroker) -> None:
        self.here = here
        self.bad: list[str] = []
        self.config = a_configuration(path, here)
        row = json.loads(self.config.read_text())
        hooks_port = free_port()
        row["hooks"] = {"enabled": True, "port": hooks_port}
        row["web"] = {"port": 0}
        self.config.write_text(json.dumps(row))
        self.var = path / "var"
        turns = path / "turns"
        shift_ns = here.call(lambda: here.sim.clock.now_ns()) - time.time_ns()
        where = [here.ports.rest_url, here.ports.feed_url, str(shift_ns), here.token]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.attack.engine_target", str(self.config), *where]
            + [str(turns), str(hooks_port)],
            cwd=ROOT,
            text=True,
            stdout=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        assert self.process.stdout is not None
        while "ready" not in (line := self.process.stdout.readline()):
            assert line, "the engine has ended while it was starting"
        wait_for_broker("the page is served", lambda: running_server(self.var) is not None)
        found = running_server(self.var)
        assert found is not None
        port = int(found.url.rstrip("/").rpartition(":")[2])
        self.engine = Target(self.process, self.process.pid, port, turns)
        self.page = Target(self.process, found.pid, port, turns, found.token)
        self.hooks = Target(
            self.process,
            listener_of(hooks_port),
            hooks_port,
            turns,
            path="/hooks/kite/order",
            polite=b"POST /hooks/kite/order HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}",
        )

    def run(self, seconds: float, seed: int) -> None:
        wait_for_broker("a position is open", lambda: self.here.net() != 0)
        print(
            f"{'attack':<28}{'engine ms':>10}{'work ms':>10}{'socket ms':>10}{'engine MB':>10}{'theirs MB':>10}"
        )
        self.one("quiet", self.page, 4 * seconds, seed)
        for name in ATTACKS:
            if name in NEEDS_TLS:
                continue
            if name in NEEDS_SOCKET:
                for sock in ("engine.sock", "hooks.sock"):
                    self.page.path = str(self.var / "run" / sock)
                    self.one(name, self.page, seconds, seed)
                self.page.path = "/api/v1/login"
                continue
            self.one(name, self.page, seconds, seed)
            if name not in NEEDS_WEBSOCKET:
                self.one(name, self.hooks, seconds, seed)
        self.kill_in_the_middle(seed)

    def one(self, name: str, target: Target, seconds: float, seed: int) -> None:
        """Attack once, and look at everybody."""
        attackers = [] if name == "quiet" else [attacked(name, target, seconds, seed)]
        self.look(name, target, attackers, seconds, is_hung_up_on=name in NEEDS_SOCKET)

    def look(
        self,
        name: str,
        target: Target,
        attackers: Sequence[subprocess.Popen[str]],
        seconds: float,
        *,
        is_hung_up_on: bool,
    ) -> None:
        """At everybody, while these attack. `is_hung_up_on`: the command line may be, by a flood of its
        own kind.
        """
        self.engine.begin()
        target.begin()
        until, waits, n_unanswered = time.monotonic() + seconds, [0.0], 0
        while time.monotonic() < until:
            begun = time.monotonic()
            try:
                with EngineCall(self.var, ANSWER_WITHIN_S) as call:
                    call.ask("status")
                waits.append(time.monotonic() - begun)
            except NoAnswerError:
                n_unanswered += 1
            time.sleep(0.1)
        words = "; ".join(one.communicate(timeout=30)[0].strip() for one in attackers)
        seen, theirs = self.engine.end(), target.end()  # one file of turns: the engine's
        where = "hooks" if target is self.hooks else Path(target.path).name
        print(
            f"{name + ' ' + where:<28}{seen.longest_turn_ms:>10.1f}{seen.work_ms:>10.1f}"
            f"{max(waits) * 1000:>10.1f}{seen.grew_mb:>10.1f}{theirs.grew_mb:>10.1f}  {words}",
            flush=True,
        )
        if theirs.grew_mb > GROWTH_MAX_MB or seen.grew_mb > ENGINE_GROWTH_MAX_MB:
            self.bad.append(f"{name} at {where}: memory grew")
        if n_unanswered and not is_hung_up_on or len(waits) == 1:
            self.bad.append(f"{name} at {where}: the engine's socket did not answer")
        elif n_unanswered:
            print(
                f"{'':<28}{n_unanswered} of {n_unanswered + len(waits) - 1} questions were hung up on"
            )
        if not target.answers():
            self.bad.append(f"{name} at {where}: it answers nobody any more")
        wait_for_broker("everything open is covered", lambda: not uncovered(self.here))

    def kill_in_the_middle(self, seed: int) -> None:
        wait_for_broker("a position is open", lambda: self.here.net() != 0)
        attackers = [
            attacked(name, target, 20.0, seed)
            for name in AT_ONCE
            for target in (self.page, self.hooks)
        ]
        command = [sys.executable, "-m", "otrade", "kill", "--flatten", "--var", str(self.var)]
        begun = time.monotonic()
        killed = subprocess.run(
            command, cwd=ROOT, text=True, capture_output=True, timeout=60, check=False
        )
        took_s = time.monotonic() - begun
        wait_for_broker("nothing is open", lambda: self.here.net() == 0)
        print(f"kill --flatten: {took_s:.1f} s, of them {started_s():.1f} s to start Python")
        print(killed.stdout.strip() or killed.stderr.strip())
        if killed.returncode != 0:
            self.bad.append(f"kill --flatten: exit code {killed.returncode}")
        for attacker in attackers:
            attacker.kill()
            attacker.communicate()
        tags = [row["tag"] for row in ours(self.here)]
        if len(tags) != len(set(tags)):
            self.bad.append("one intent, two orders")

    def close(self) -> None:
        self.process.terminate()
        try:
            self.process.communicate(timeout=90)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            self.bad.append("the engine did not end")


def started_s() -> float:
    """How long the command line takes to do nothing, now."""
    begun = time.monotonic()
    subprocess.run(
        [sys.executable, "-m", "otrade", "version"], cwd=ROOT, capture_output=True, check=True
    )
    return time.monotonic() - begun


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listener_of(port: int) -> int:
    """The process that listens there, as the kernel says."""
    inode = ""
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port:
            inode = fields[9]
    for entry in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if os.readlink(entry) == f"socket:[{inode}]":
                return int(entry.parts[2])
        except OSError:
            continue
    raise AssertionError(f"nobody listens on {port}")


if __name__ == "__main__":
    sys.exit(main())
