"""A server under attack, in a process of its own, and what can be seen of it from outside."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.attack.turns import take_longest_ms
from tests.web.logins import TOKEN

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
PATIENCE_S = 5.0


@dataclass
class UnderAttack:
    longest_turn_ms: float
    work_ms: float
    """Of the processor, between two looks."""
    grew_mb: float
    cpu_s: float


@dataclass
class Target:
    process: subprocess.Popen[str]
    pid: int
    port: int
    turns: Path
    token: str = ""
    is_tls: bool = False
    path: str = "/api/v1/login"
    polite: bytes = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    _rss: int = 0
    _cpu: float = 0.0

    @property
    def is_alive(self) -> bool:
        return self.process.poll() is None

    def begin(self) -> None:
        take_longest_ms(self.turns)
        # 5 resets the peak that the kernel keeps.
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")
        self._rss, self._cpu = self._kb("VmRSS"), self._cpu_s()

    def end(self) -> UnderAttack:
        grew = (self._kb("VmHWM") - self._rss) / 1000
        late_ms, work_ms = take_longest_ms(self.turns)
        return UnderAttack(late_ms, work_ms, grew, self._cpu_s() - self._cpu)

    def wait_s(self) -> float:
        """How long a polite stranger waits for an answer; at most `PATIENCE_S`."""
        begun = time.monotonic()
        self.answers()
        return time.monotonic() - begun

    def answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), PATIENCE_S) as plain:
                plain.settimeout(PATIENCE_S)
                wrapped: socket.socket = plain
                if self.is_tls:
                    context = ssl.create_default_context()
                    context.check_hostname = False
                    context.verify_mode = ssl.CERT_NONE
                    wrapped = context.wrap_socket(plain)
                with wrapped:
                    wrapped.sendall(self.polite)
                    return wrapped.recv(4096).startswith(b"HTTP/1.1 ")
        except OSError:
            return False

    def _kb(self, name: str) -> int:
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(name):
                return int(line.split()[1])
        return 0

    def _cpu_s(self) -> float:
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


@contextlib.contextmanager
def page(folder: Path, *, is_tls: bool) -> Iterator[Target]:
    """Our page's server, by TLS or without."""
    turns = folder / f"turns-{is_tls}"
    command = [sys.executable, "-m", "tests.attack.page_target", str(turns), str(folder / "access")]
    if is_tls:
        cert, key = certificate(folder)
        command += ["--cert", str(cert), "--key", str(key)]
    with _running(command) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        yield Target(process, process.pid, port, turns, TOKEN, is_tls)


@contextlib.contextmanager
def plain(server: str, python: str, folder: Path) -> Iterator[Target]:
    """Another server with `plain_app`."""
    turns = folder / "turns-plain"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    name = "tests.attack.plain_app:app"
    uvicorn = [
        "uvicorn",
        name,
        "--port",
        str(port),
        "--log-level",
        "critical",
        "--no-access-log",
        "--ws-max-size",
        "4096",
    ]
    words = {
        "uvicorn-h11": [*uvicorn, "--http", "h11"],
        "uvicorn-httptools": [*uvicorn, "--http", "httptools"],
        "hypercorn": [
            "hypercorn",
            name,
            "--bind",
            f"127.0.0.1:{port}",
            "--worker-class",
            "uvloop",
            "--log-level",
            "critical",
            "--websocket-ping-interval",
            "20",
        ],
        "granian": [
            "granian",
            "--interface",
            "asgi",
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
            "--log-level",
            "critical",
            name,
        ],
    }[server]
    with _running([python, "-m", *words], TURNS=str(turns)) as process:
        until = time.monotonic() + 10
        while not turns.is_file() and time.monotonic() < until:
            time.sleep(0.05)
        time.sleep(0.3)
        yield Target(process, worker_of(process.pid), port, turns)


@contextlib.contextmanager
def _running(command: list[str], **more: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=dict(os.environ, **more)
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def worker_of(pid: int) -> int:
    """The youngest of the processes that a server has made of itself."""
    while children := Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        pid = int(children[-1])
    return pid


def certificate(folder: Path) -> tuple[Path, Path]:
    cert, key = folder / "cert.pem", folder / "key.pem"
    if not cert.exists():
        subprocess.run(
            [
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-nodes",
                "-days",
                "1",
                "-subj",
                "/CN=localhost",
            ]
            + ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(cert)],
            check=True,
            capture_output=True,
        )
        key.chmod(0o600)
    return cert, key
