"""One client against one exchange, each a process of its own: start both, open the market, collect
what the exchange saw.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.peers.build import Tools
from bench.peers.rank import ready_process

ROOT = Path(__file__).parents[2]
START_S = 30.0
STOP_S = 20.0


@dataclass(frozen=True, slots=True)
class Load:
    """What comes over the feed. One frame in `quiet + 1` is a trigger; a frame holds one packet of
    each instrument.
    """

    name: str
    mode: str
    instruments: int
    gap_us: int
    quiet: int
    triggers: int
    warm_up: int


@dataclass(frozen=True, slots=True)
class Peer:
    """One way to trade. `command` makes its command line of (tools, ports, load, CA file or "")."""

    name: str
    label: str
    command: Callable[[Tools, tuple[str, str], Load, str], list[str]]
    spins: bool = False
    """Asks without end instead of sleeping. It is held against the floor that does the same."""

    @property
    def floor(self) -> str:
        return "floor_spin" if self.spins else "floor_block"


@dataclass(slots=True)
class Outcome:
    """What the exchange counted, and the tick-to-order times that it measured, in ns. `says` is the
    client's own word.
    """

    samples_ns: list[int]
    triggers: int
    orders: int
    missed: int
    wrong: int
    surplus: int
    says: dict[str, Any] = field(default_factory=dict)

    @property
    def is_clean(self) -> bool:
        """Exactly the right order for every trigger."""
        return self.orders == self.triggers and not (self.missed or self.wrong or self.surplus)


def cores() -> tuple[set[int], set[int]]:
    """(of the exchange, of the client). The exchange spins while it waits: on a core that it shared
    it would measure itself.
    """
    allowed = sorted(os.sched_getaffinity(0))
    return ({allowed[-1]}, set(allowed[:-1])) if len(allowed) > 1 else (set(allowed), set(allowed))


def run_once(tools: Tools, peer: Peer, load: Load, *, tls: bool, seed: int) -> Outcome:
    """One measurement. RuntimeError when a process fails or does not speak in time."""
    exchange_cores, client_cores = cores()
    ca_file = str(tools.cert) if tls else ""
    command = [
        str(tools.exchange),
        "--instruments",
        str(load.instruments),
        "--triggers",
        str(load.triggers),
        "--warm-up",
        str(load.warm_up),
        "--gap-us",
        str(load.gap_us),
        "--quiet",
        str(load.quiet),
        "--seed",
        str(seed),
        *(["--full"] if load.mode == "full" else []),
        *(["--cert", str(tools.cert), "--key", str(tools.key)] if tls else []),
    ]
    with _process(command, exchange_cores, False, {}, tools) as exchange:
        _, *ports = _line(exchange, START_S, "the exchange").split()
        trust = {"SSL_CERT_FILE": ca_file, "REQUESTS_CA_BUNDLE": ca_file} if tls else {}
        with _process(
            peer.command(tools, (ports[0], ports[1]), load, ca_file),
            client_cores,
            peer.spins,
            trust,
            tools,
        ) as client:
            if _line(client, START_S, peer.label) != "ready\n":
                raise RuntimeError(f"{peer.label} did not say that it is ready")
            assert exchange.stdin is not None
            exchange.stdin.write("go\n")
            exchange.stdin.flush()
            frames = (load.triggers + load.warm_up) * (load.quiet + 1)
            seen = json.loads(
                _line(exchange, START_S + 4 * frames * load.gap_us / 1e6, "the exchange")
            )
            client.terminate()
            last, _ = client.communicate(timeout=STOP_S)
    del seen["frames"]
    return Outcome(**seen, says=json.loads(last) if last.strip() else {})


@contextlib.contextmanager
def _process(
    command: list[str], on: set[int], spins: bool, env: dict[str, str], tools: Tools
) -> Iterator[subprocess.Popen[str]]:
    """A process of ours, and its end."""
    known = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    with (
        open(tools.build / "stderr.txt", "a") as errors,
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            cwd=ROOT,
            env={**known, "TMPDIR": str(tools.build), **env},
            start_new_session=True,
            preexec_fn=ready_process(on, spins),
        ) as process,
    ):
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def _line(process: subprocess.Popen[str], timeout_s: float, who: str) -> str:
    """Its next line. Nothing else of it is waiting: each line is a whole message."""
    assert process.stdout is not None
    if not select.select([process.stdout], [], [], timeout_s)[0]:
        raise RuntimeError(f"{who} said nothing for {timeout_s:.0f} seconds")
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"{who} ended; see stderr.txt")
    return line


def _floor(how: str) -> Callable[[Tools, tuple[str, str], Load, str], list[str]]:
    def command(tools: Tools, ports: tuple[str, str], load: Load, ca_file: str) -> list[str]:
        return [
            str(tools.floor),
            *ports,
            load.mode,
            str(load.instruments),
            how,
            *([ca_file] if ca_file else []),
        ]

    return command


def python_client(
    module: str, *options: str
) -> Callable[[Tools, tuple[str, str], Load, str], list[str]]:
    def command(tools: Tools, ports: tuple[str, str], load: Load, ca_file: str) -> list[str]:
        trust = ["--ca-file", ca_file] if ca_file else []
        most = ["--orders-max", str(load.triggers + load.warm_up)]
        return [
            sys.executable,
            "-m",
            f"bench.peers.{module}",
            *ports,
            load.mode,
            str(load.instruments),
            *most,
            *trust,
            *options,
        ]

    return command


FLOOR = Peer("floor_block", "C, epoll", _floor("block"))
PEERS = (
    FLOOR,
    Peer("floor_spin", "C, spinning", _floor("spin"), spins=True),
    Peer("otrade", "OTrade", python_client("client_otrade")),
    Peer(
        "otrade_spin",
        "OTrade, busy_poll",
        python_client("client_otrade", "--busy-poll"),
        spins=True,
    ),
    Peer("asyncio", "websockets + aiohttp, uvloop", python_client("client_asyncio")),
    Peer("sdk", "KiteTicker + KiteConnect", python_client("client_sdk")),
)
SERVED = Peer(
    "otrade_served",
    "OTrade, its page served, nobody looks",
    python_client("client_otrade", "--pages", "0"),
)
VIEWED = Peer(
    "otrade_viewed", "OTrade, 100 pages open", python_client("client_otrade", "--pages", "100")
)
BESIDE_PAGES = (FLOOR, SERVED, VIEWED)
TRACED = {
    "as it trades": Peer("traced", "OTrade, traced", python_client("client_otrade", "--trace")),
    "early writer off": Peer(
        "traced_late",
        "OTrade, traced, early writer off",
        python_client("client_otrade", "--trace", "--late"),
    ),
}
"""Not timed: they count what Python runs between a payload and its order."""
