"""The page's process: what it holds, what the engine's does not, and how the one looks after the other."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from otrade.live.runtime.child_processes import serve_command
from otrade.live.runtime.listening_process import ListeningProcess
from otrade.live.runtime.server_file import ServerInfo, read_server_info, running_server
from tests.harness.paper_run import FRIDAY
from tests.harness.paper_run import write as write_config
from tests.harness.waiting import until, wait_until

ROOT = Path(__file__).parents[2]
SECRET = "a-token-that-the-page-must-never-see"
OF_A_BROKER = re.compile(
    r"otrade\.(brokers\.(?!registry)|_core\.(engine|codecs|orders|market)|simulator|live\.(startup|oms|day|plan|api|persistence))"
)
"""What could make or send an order, or log in."""
OF_A_SERVER = (
    "starlette",
    "uvicorn",
    "websockets",
    "prometheus_client",
    "argon2",
    "otrade.web",
    "otrade.guard",
    "otrade.server",
)


def config_in(folder: Path) -> Path:
    (folder / "secrets.json").write_text(json.dumps({"OTRADE_KITE_ACCESS_TOKEN": SECRET}))
    (folder / "secrets.json").chmod(0o600)
    paths = {"var": str(folder / "var"), "secrets": str(folder / "secrets.json")}
    return write_config(folder, paths=paths)


def modules_after(code: str, cwd: Path) -> set[str]:
    told = f"{code}\nimport sys\nprint(); print(*sys.modules)"
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", told], capture_output=True, text=True, cwd=cwd, env=env, check=True
    )
    return set(done.stdout.splitlines()[-1].split())


# ------------------------------------------------------------------------------------- what is held
def test_the_engine_imports_no_web_library_even_with_its_page_served(tmp_path: Path) -> None:
    """A run from its start to its end, the page's process beside it."""
    path = config_in(tmp_path)
    code = f"""
from pathlib import Path
from otrade.config import RunOptions
from otrade.live import app, live_mode
from otrade.live.runner import Runner
begin = Runner.begin
def begin_and_stop(runner, day):
    begin(runner, day)
    day.listen_to_beats(lambda now_ns: day.shutdown.stop("test"))
Runner.begin = begin_and_stop
options = RunOptions(config=Path({str(path)!r}), speed=float("inf"), date="{FRIDAY}", port=0)
assert app.run(options) == 0
"""
    loaded = modules_after(code, tmp_path)
    assert "otrade.live.runtime.listening_process" in loaded
    strange = {name for name in loaded if name.startswith(OF_A_SERVER)}
    assert not strange
    ours = {name for name in loaded if not name.startswith("otrade.simulator")}
    print(f"{len(loaded)} modules, {len(ours)} without the simulator")
    assert len(ours) < 540, "an engine is small; what has come to it?"


NEVER_NEEDED = (
    "calendar",
    "csv",
    "ctypes",
    "email",
    "importlib.resources",
    "logging.handlers",
    "pickle",
    "zipfile",
    "otrade.contract.engine_source",
    "otrade.contract.results",
    "otrade.instruments.kite",
    "otrade.instruments.upstox",
    "otrade.live.alerts.dispatcher",
    "otrade.live.watchdog.process",
    "otrade.live.watchdog.protector",
)
"""Of a live engine at Kite without alerts: each costs memory that only others have a use for."""


def test_a_live_engine_loads_nothing_that_it_never_needs(tmp_path: Path) -> None:
    loaded = modules_after(
        "import otrade.live.app, otrade.live.live_mode, otrade.brokers.kite.adapter", tmp_path
    )
    assert "otrade.live.startup.day_builder" in loaded
    assert not [
        name for name in loaded if any(f"{name}.".startswith(f"{one}.") for one in NEVER_NEEDED)
    ]


def test_the_server_loads_nothing_that_could_make_or_send_an_order(tmp_path: Path) -> None:
    loaded = modules_after("import otrade.server.app, otrade.server.metrics_text", tmp_path)
    assert "otrade.web.app" in loaded
    assert not [name for name in loaded if OF_A_BROKER.match(name)]


@contextmanager
def served(config: Path) -> Iterator[ServerInfo]:
    command = serve_command(config, 0, shows_code=False)
    process = subprocess.Popen(command.args, env=command.env, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        assert b'"url":"http://127.0.0.1:' in process.stdout.readline()
        info = read_server_info(config.parent / "var")
        assert info is not None and info.pid == process.pid
        yield info
    finally:
        process.terminate()
        process.communicate()
    assert process.returncode == 0


def get(info: ServerInfo, path: str) -> tuple[int, bytes]:
    request = urllib.request.Request(
        info.url + path, headers={"Authorization": f"Bearer {info.token}"}
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def memory_of(pid: int) -> bytes:
    found = b""
    maps = Path(f"/proc/{pid}/maps").read_text().splitlines()
    with open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            span, rights, *_ = line.split()
            if not rights.startswith("rw"):
                continue
            start, end = (int(part, 16) for part in span.split("-"))
            try:
                memory.seek(start)
                found += memory.read(end - start)
            except OSError:
                continue
    return found


def test_no_token_is_in_its_environment_or_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With one in the environment of the engine that starts it, and one in the secrets file."""
    monkeypatch.setenv("OTRADE_KITE_ACCESS_TOKEN", SECRET)
    monkeypatch.setenv("OTRADE_KITE_API_SECRET", SECRET)
    with served(config_in(tmp_path)) as info:
        assert get(info, "api/v1/config")[0] == 200
        environ = Path(f"/proc/{info.pid}/environ").read_bytes()
        assert SECRET.encode() not in environ and b"OTRADE_" not in environ
        memory = memory_of(info.pid)
        assert info.token.encode() in memory, "the search finds what is there"
        assert SECRET.encode() not in memory


def test_started_by_a_person_it_leaves_his_keys_behind(tmp_path: Path) -> None:
    config = config_in(tmp_path)
    process = subprocess.Popen(
        [sys.executable, "-m", "otrade", "serve", "--config", str(config), "--port", "0"],
        env={**os.environ, "PYTHONPATH": str(ROOT), "OTRADE_KITE_ACCESS_TOKEN": SECRET},
        stdout=subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        assert b"the page is at http://127.0.0.1:" in process.stdout.readline()
        assert SECRET.encode() not in Path(f"/proc/{process.pid}/environ").read_bytes()
        assert SECRET.encode() not in memory_of(process.pid)
    finally:
        process.terminate()
        process.communicate()
    assert process.returncode == 0


def test_without_an_engine_it_says_so_and_shows_what_is_on_the_disk(tmp_path: Path) -> None:
    config = config_in(tmp_path)
    with served(config) as info:
        status, body = get(info, "api/v1/status")
        told = json.loads(body)
        assert status == 200 and told["lifecycle"] == "gone" and told["gone"]["since_ms"] is None
        assert get(info, "healthz") == (200, b"ok\n")
        assert get(info, "readyz")[0] == 503
        assert get(info, "api/v1/journals") == (200, b"[]")
        assert get(info, "api/v1/config")[0] == 200
        for path in ("api/v1/equity", "api/v1/accounts", "metrics"):
            status, body = get(info, path)
            assert status == 503 and json.loads(body)["code"] == "engine_gone"
        again = subprocess.run(
            [sys.executable, "-m", "otrade", "serve", "--config", str(config), "--port", "0"],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        assert again.returncode != 0 and f"served by process {info.pid}" in again.stderr
    assert running_server(tmp_path / "var") is None


# ----------------------------------------------------------------------------------- looking after
def test_it_is_started_again_when_it_dies_and_ended_with_the_engine(tmp_path: Path) -> None:
    ends: list[str] = []

    async def test() -> None:
        command = serve_command(config_in(tmp_path), 0, shows_code=False)
        page = ListeningProcess("the page's server", command, ends.append)
        started = await page.start()
        assert started.url.startswith("http://127.0.0.1:") and not started.trouble
        first = page.pid
        assert first is not None and os.getsid(first) == first, "Ctrl-C is not its"
        os.kill(first, signal.SIGKILL)
        await until(lambda: page.pid not in (None, first), pause_s=0.01)
        await until(lambda: running_server(tmp_path / "var"), pause_s=0.01)
        second = page.pid
        await page.stop()
        assert page.pid is None and second is not None
        wait_until("it is gone", lambda: not Path(f"/proc/{second}").exists())

    asyncio.run(test())
    assert ends == ["the page's server has ended (signal 9); it is started again"]


def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    async def test() -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            command = serve_command(config_in(tmp_path), taken.getsockname()[1], shows_code=False)
            page = ListeningProcess("the page's server", command, lambda words: None)
            started = await page.start()
        assert "in use by another program" in started.trouble and page.pid is None

    asyncio.run(test())
