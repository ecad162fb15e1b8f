"""A login at the broker while no engine runs: the day's token comes into its file, and never into the
page's server.
"""

from __future__ import annotations

import json
import os
import stat
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from otrade.clock import WallClock
from otrade.config.manager import load
from otrade.live.runtime.child_processes import BROKER_LOGIN
from otrade.live.runtime.login_pipe import LoginWord
from otrade.live.runtime.server_file import ServerInfo
from otrade.live.startup.credentials import LiveAccess
from tests.harness.realtime_broker import SYMBOL, RealtimeBroker, broker
from tests.harness.waiting import wait_until
from tests.server.test_process import config_in, get, memory_of, served
from tests.web.logins import key

API_SECRET = "paper-secret"  # the simulated broker's
KEYS = {"API_KEY": "paper", "API_SECRET": API_SECRET}


def live_config(folder: Path, here: RealtimeBroker, kind: str, keys: dict[str, str]) -> Path:
    secrets = {f"OTRADE_{kind.upper()}_{what}": value for what, value in keys.items()}
    (folder / "secrets.json").write_text(json.dumps(secrets))
    (folder / "secrets.json").chmod(0o600)
    config = {
        "mode": "live",
        "instruments": [{"symbol": f"NSE:{SYMBOL}"}],
        "broker": {"kind": kind, **here.ports.client_settings[kind]},
        "paths": {"var": str(folder / "var"), "secrets": str(folder / "secrets.json")},
    }
    path = folder / "live.json"
    path.write_text(json.dumps(config))
    return path


def log_in(info: ServerInfo, **args: bool) -> tuple[int, dict[str, Any]]:
    request = urllib.request.Request(
        f"{info.url}api/v1/commands/login",
        json.dumps(args).encode(),
        {"Authorization": f"Bearer {info.token}", "Content-Type": "application/json", **key()},
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status, json.loads(response.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


class NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


def sent_to(url: str) -> str:
    """Where the broker sends the browser."""
    try:
        urllib.request.build_opener(NoRedirects).open(url, timeout=60)
    except urllib.error.HTTPError as error:
        assert error.code in (302, 303)
        return str(error.headers["Location"])
    raise AssertionError("it did not redirect")


def children_of(pid: int) -> list[str]:
    """The command lines of what a process has started and runs."""
    found = []
    for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        found.append(Path(f"/proc/{one}/cmdline").read_bytes().decode().replace("\0", " "))
    return found


@pytest.mark.parametrize("kind", ["kite", "upstox"])
def test_the_token_is_kept_for_the_engine_and_the_server_never_has_it(
    tmp_path: Path, kind: str
) -> None:
    with broker(broker=kind) as here:
        config = live_config(tmp_path, here, kind, KEYS)
        with served(config) as info:
            assert get(info, "login/callback?code=x&state=y")[0] == 503, "none is under way"
            status, told = log_in(info, approve=False)
            assert status == 200 and told["ok"], told
            assert [one for one in children_of(info.pid) if BROKER_LOGIN in one]
            back = urlsplit(sent_to(told["url"])).query
            wrong = back.replace("state=", "state=x")
            status, body = get(info, f"login/callback?{wrong}")
            assert status == 409 and b"another login" in body
            status, body = get(info, f"login/callback?{back}")
            assert status == 200 and b"logged in as PAPER1" in body, body
            saved = LiveAccess(load(config), WallClock()).saved()
            assert saved is not None and saved.user_id == "PAPER1"
            path = tmp_path / "var" / "session" / f"{kind}.json"
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            assert get(info, f"login/callback?{back}")[0] == 503, "good once"
            wait_until(
                "its process has ended",
                lambda: not [one for one in children_of(info.pid) if BROKER_LOGIN in one],
            )
            memory = memory_of(info.pid)
            assert info.token.encode() in memory, "the search finds what is there"
            for secret in (saved.access_token, API_SECRET):
                assert secret.encode() not in memory
            audit = (tmp_path / "var" / "log" / "otrade-audit.jsonl").read_text()
            assert "login finished" in audit and saved.access_token not in audit
            assert "request_token=" not in audit and "code=" not in audit


def test_a_login_that_is_begun_anew_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    with broker() as here:
        with served(live_config(tmp_path, here, "kite", KEYS)) as info:
            first, second = log_in(info)[1]["url"], log_in(info)[1]["url"]
            assert first != second
            status, body = get(info, f"login/callback?{urlsplit(sent_to(first)).query}")
            assert status == 409 and b"another login" in body
            assert get(info, f"login/callback?{urlsplit(sent_to(second)).query}")[0] == 200


@pytest.mark.parametrize(
    ("keys", "args", "words"),
    [
        ({"API_KEY": "paper"}, {}, "API_SECRET"),
        ({}, {}, "API_KEY"),
        (KEYS, {"approve": True}, "needs the running engine"),
    ],
)
def test_what_cannot_be_is_said(
    tmp_path: Path, keys: dict[str, str], args: dict[str, bool], words: str
) -> None:
    with broker() as here:
        with served(live_config(tmp_path, here, "kite", keys)) as info:
            status, told = log_in(info, **args)
            assert status == 409 and words in told["detail"]


def test_a_paper_day_needs_none(tmp_path: Path) -> None:
    with served(config_in(tmp_path)) as info:
        status, told = log_in(info)
        assert status == 409 and "by itself" in told["detail"]


def test_it_cannot_be_looked_into_and_ends_with_the_server(tmp_path: Path) -> None:
    """By its pipes: nobody writes to it, nobody reads from it."""
    from otrade.live.runtime.child_processes import login_command

    with broker() as here:
        command = login_command(live_config(tmp_path, here, "kite", KEYS))
        with subprocess.Popen(
            command.args, env=command.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None and process.stdin is not None
            assert b"connect/login" in process.stdout.readline()
            if os.geteuid() != 0:
                with pytest.raises(PermissionError):
                    open(f"/proc/{process.pid}/mem", "rb")
            assert b"OTRADE_" not in Path(f"/proc/{process.pid}/environ").read_bytes()
            process.stdin.close()
            assert process.wait(60) == 1


def test_its_words_show_nothing() -> None:
    assert "https" not in repr(LoginWord(url="https://broker.example/?state=secret"))
