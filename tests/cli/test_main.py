"""The command line: what it accepts, its exit codes, and that its words name the fix."""

import http.server
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from otrade import __version__
from otrade.cli import main
from otrade.cli.commands import doctor as doctor_command
from otrade.config import manager
from otrade.config.options import RunOptions
from otrade.contract import messages
from otrade.errors import BrokerError, ConfigError, InstrumentError, OTradeError, StartError
from otrade.live.runtime.server_file import ServerFile, ServerInfo
from tests.harness.linked_engine import acted, answered, engine_stub

ROOT = Path(__file__).parents[2]
HEAVY = ("otrade._core", "otrade.live", "otrade.web", "uvloop", "starlette", "msgspec", "numpy")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Commands write below the working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys\nfrom otrade.cli.main import parser\nparser().format_help()\n"
        f"print([n for n in {HEAVY!r} if n in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_help_tells_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main.main(["--help"])
    assert caught.value.code == 0
    text = capsys.readouterr().out
    for number in (0, 1, 2, 3, 4, 5, 6, 130):
        assert f" {number}  " in text


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["version"]) == 0
    assert capsys.readouterr().out == f"otrade {__version__}\n"


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ([], "COMMAND"),
        (["fly"], "invalid choice"),
        (["run", "--speed", "0"], "above 0"),
        (["run", "--speed", "nan"], "or max"),
        (["run", "--speed", "fast"], "or max"),
        (["run", "--seed", "-1"], "a whole number from 0"),
        (["run", "--seed", "1.5"], "a whole number from 0"),
        (["run", "--port", "65536"], "from 0 to 65535"),
        (["run", "--date", "23-11-2026"], "write YYYY-MM-DD"),
        (["run", "--date", "20261123"], "write YYYY-MM-DD"),
        (["run", "--date", "2026-02-30"], "there is no such day"),
        (["run", "--prices", "none.csv"], "none.csv: there is no such file"),
        (["run", "--prices", "none.csv=NSE:INFY"], "none.csv: there is no such file"),
        (["run", "--prices", f"{__file__}=INFY"], "a symbol like NSE:INFY"),
        (["sim", "serve", "--start", "24:00"], "write HH:MM"),
        (["sim", "serve", "--rest-port", "x"], "from 0 to 65535"),
        (["config", "shema"], "invalid choice"),
    ],
)
def test_wrong_arguments_are_refused_with_what_is_allowed(
    argv: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main.main(argv)
    assert caught.value.code == 2
    assert words in capsys.readouterr().err


def test_run_hands_its_options_over(monkeypatch: pytest.MonkeyPatch, elsewhere: Path) -> None:
    from otrade.live import app

    given: list[RunOptions] = []

    def run(options: RunOptions) -> int:
        given.append(options)
        return 6

    monkeypatch.setattr(app, "run", run)
    bars = elsewhere / "a=b.csv"
    bars.write_text("")
    argv = ["run", "--config", "c.json", "--speed", "max", "--seed", "7", "--date", "2025-09-01"]
    argv += ["--port", "0", "--no-page", "--prices", str(bars), "--prices", f"{bars}=NSE:INFY"]
    assert main.main(argv) == 6
    assert main.main(["run"]) == 6
    assert given[0] == RunOptions(
        config=Path("c.json"),
        prices={"NFO:NIFTY.FUT": bars, "NSE:INFY": bars},
        speed=float("inf"),
        seed=7,
        date="2025-09-01",
        port=0,
        page=False,
    )
    assert given[1] == RunOptions()


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError("x"), 5),
        (InstrumentError("x"), 5),
        (OTradeError("x"), 5),
        (StartError("x"), 4),
        (BrokerError("x"), 4),
        (KeyboardInterrupt(), 130),
        (BrokenPipeError(), 0),
    ],
)
def test_an_error_becomes_its_exit_code(
    error: BaseException, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from otrade.live import app

    def run(_options: RunOptions) -> int:
        raise error

    monkeypatch.setattr(app, "run", run)
    assert main.main(["run"]) == code


def test_a_fault_of_ours_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    from otrade.live import app

    def run(_options: RunOptions) -> int:
        raise RuntimeError("bug")

    monkeypatch.setattr(app, "run", run)
    with pytest.raises(RuntimeError):
        main.main(["run"])


# ------------------------------------------------------------------------------------------ config
def test_init_then_check_then_show(capsys: pytest.CaptureFixture[str], elsewhere: Path) -> None:
    assert main.main(["init"]) == 0
    assert "wrote config/paper.json" in capsys.readouterr().out
    assert main.main(["init"]) == 0
    assert "nothing was missing" in capsys.readouterr().out
    assert main.main(["config", "check"]) == 0
    assert "4 strategies" in capsys.readouterr().out
    assert main.main(["config", "show"]) == 0
    shown = capsys.readouterr().out
    assert manager.from_bytes(shown.encode(), "x") == manager.load(Path("config/paper.json"))
    assert main.main(["config", "schema"]) == 0
    assert json.loads(capsys.readouterr().out)["$schema"].endswith("2020-12/schema")


@pytest.mark.parametrize("command", [["config", "check"], ["run"]])
def test_no_configuration_says_how_to_make_one(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(command) == 5
    assert capsys.readouterr().err == (
        "otrade: config/paper.json: there is no such file; `otrade init` writes the defaults\n"
    )


def test_init_where_nothing_may_be_written(
    capsys: pytest.CaptureFixture[str], elsewhere: Path
) -> None:
    (elsewhere / "file").write_text("")
    assert main.main(["init", "file/config"]) == 5
    assert "file/config: cannot be written" in capsys.readouterr().err


def test_sim_refuses_a_holiday(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["sim", "serve", "--date", "2026-11-24"]) == 5
    assert "2026-11-24 is no trading day" in capsys.readouterr().err


# ------------------------------------------------------------------------------------------ status
STATUS = {
    "mode": "paper",
    "lifecycle": "running",
    "state": "REDUCING",
    "state_reason": "daily loss",
    "paused": True,
    "day": "2026-11-23",
    "phase_words": "entries until 14:45",
    "pnl": {
        "gross_e4": -12_345_600,
        "charges_e4": 500_000,
        "net_e4": -12_845_600,
        "charges": {"words": ""},
    },
    "protection": {
        "protected_qty": 5,
        "open_qty": 10,
        "naked_ms_worst": 12.3,
        "target_ms_worst": 204.0,
        "naked_now": 1,
    },
    "feed": {"connected": False, "ticks": 3, "refused": 1, "reconnects": 2},
    "broker": {"connected": True, "orders_sent": 4, "in_doubt": 1, "quarantined": 0},
    "latency": {"p50_ns": 1_500, "p99_ns": 9_000},
    "loop": {"lag_ms": 3.25, "longest_turn_ms": 7_900.0, "stalls": 2},
    "counts": {"signals": 3, "open_brackets": 1},
}
VAR = Path("var")
TOKEN = "t" * 43


def write_run_file(pid: int | None = None) -> None:
    (VAR / "run").mkdir(parents=True, exist_ok=True)
    info = {"pid": os.getpid() if pid is None else pid, "mode": "paper", "started_ns": 1}
    (VAR / "run" / "engine.json").write_text(json.dumps(info))


def test_status_when_no_engine_runs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["status"]) == 3
    assert "no engine runs in var (start one with: otrade run)" in capsys.readouterr().err


def test_status_of_an_engine_that_was_killed(capsys: pytest.CaptureFixture[str]) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    write_run_file(gone.pid)
    assert main.main(["status"]) == 3
    assert "no engine runs" in capsys.readouterr().err


def test_status_as_words(capsys: pytest.CaptureFixture[str]) -> None:
    write_run_file()
    with engine_stub(VAR, answered(STATUS)) as asked:
        assert main.main(["status"]) == 0
    assert [request["name"] for request in asked] == ["status"]
    text = capsys.readouterr().out
    for words in (
        "paper, running, REDUCING (daily loss), entries paused",
        "2026-11-23: entries until 14:45",
        "5 of 10 open covered, naked 12 ms at worst, at the target by design 204 ms NAKED NOW",
        "DOWN, 3 ticks, 1 refused, 2 reconnects",
        "connected, 4 requests, 1 in doubt",
        "1.5 us p50, 9.0 us p99",
        "late by 3.2 ms at most in the last minutes, longest turn 7900.0 ms, 2 stalls",
        "3 signals, 1 open brackets",
    ):
        assert words in text


def test_status_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    write_run_file()
    with engine_stub(VAR, answered(STATUS)):
        assert main.main(["status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == STATUS


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", "1 to 65527 are allowed"),
        (messages.Refused(words="4 of your kind (cli) are here already"), "of your kind"),
        (messages.Farewell, "something else"),
        (messages.QueryAnswer(id=1, found=msgspec.Raw(b"\xc0"), trouble="not now"), "not now"),
        (messages.QueryAnswer(id=1, found=msgspec.Raw(b"\x90")), "not a status"),
    ],
)
def test_an_answer_that_is_none(
    said: object, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    said = {"type": "farewell"} if said is messages.Farewell else said
    write_run_file()
    with engine_stub(VAR, lambda request: said):
        assert main.main(["status", "--json"]) == 4
    text = capsys.readouterr().err
    assert "does not answer" in text and words in text


def test_an_engine_that_does_not_listen(capsys: pytest.CaptureFixture[str]) -> None:
    write_run_file()
    assert main.main(["status"]) == 4
    assert "does not answer" in capsys.readouterr().err


@pytest.mark.parametrize(("symbol", "code"), [("NSE:M&M", 0), ("NSE:NONE", 1), ("NSE:INFY", 1)])
def test_take_over_finds_the_instrument_by_its_symbol(
    symbol: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [{"id": 0, "symbol": "NSE:INFY"}, {"id": 1, "symbol": "NSE:M&M"}]

    def say(request: dict[str, Any]) -> object:
        if request["type"] == "ask":
            return answered(rows)(request)
        done = request["args"] == {"instrument_id": 1}
        return acted({"take-over": (done, "done" if done else "nothing there is foreign")})(request)

    write_run_file()
    with engine_stub(VAR, say):
        assert main.main(["take-over", symbol]) == code
    said = capsys.readouterr()
    assert (said.out or said.err).strip() == {
        "NSE:M&M": "done",
        "NSE:NONE": "the engine does not trade NSE:NONE; it trades NSE:INFY, NSE:M&M",
        "NSE:INFY": "nothing there is foreign",
    }[symbol]


# ------------------------------------------------------------------------------------------ doctor
def test_doctor_names_each_thing_and_its_fix(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def bad(_config: Path) -> str:
        raise OTradeError("it is broken; mend it")

    checks = (("good", lambda config: f"{config} is fine"), ("bad", bad))
    monkeypatch.setattr(doctor_command, "CHECKS", checks)
    assert main.main(["doctor"]) == 4
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["ok", "good", "config/paper.json", "is", "fine"]
    assert lines[1].startswith("NO  bad") and "mend it" in lines[1]


def test_doctor_without_a_configuration_still_checks_the_rest(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main.main(["doctor"]) == 4
    text = capsys.readouterr().out
    assert "ok  python" in text and "NO  configuration" in text and "otrade init" in text


def test_doctor_says_which_port_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main.main(["init"]) == 0
        path = Path("config/paper.json")
        data = json.loads(path.read_text())
        data["web"] = {"port": port}
        path.write_text(json.dumps(data))
        assert main.main(["doctor"]) == 4
    assert f"port {port} cannot be used" in capsys.readouterr().out


def test_doctor_misses_the_key_of_a_live_run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OTRADE_KITE_API_KEY", raising=False)
    assert main.main(["init"]) == 0
    assert main.main(["doctor", "--config", "config/live.kite.example.json"]) == 4
    assert "NO  secrets" in capsys.readouterr().out
    monkeypatch.setenv("OTRADE_KITE_API_KEY", "hunter2")
    main.main(["doctor", "--config", "config/live.kite.example.json"])
    text = capsys.readouterr().out
    assert "ok  secrets" in text and "hunter2" not in text


def test_doctor_misses_the_address_of_an_alert_target(
    elsewhere: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = elsewhere / "alerts.json"
    data = json.loads(manager.default_bytes("paper.json"))
    path.write_text(json.dumps(data | {"alerts": {"targets": [{"name": "phone"}]}}))
    main.main(["doctor", "--config", str(path)])
    assert "NO  alerts        no OTRADE_ALERT_PHONE" in capsys.readouterr().out
    monkeypatch.setenv("OTRADE_ALERT_PHONE", "json://localhost/secret-address")
    main.main(["doctor", "--config", str(path)])
    text = capsys.readouterr().out
    assert "ok  alerts" in text and "secret-address" not in text


SESSION_ROW = {
    "id": "0" * 16, "name": "trader", "role": "trader", "address": "10.0.0.2", "browser": "Some\x1b[31mBrowser",
    "began_ms": 1_763_610_000_000, "seen_ms": 1_763_613_600_000, "ends_in_s": 3_600, "is_this": False,
}  # fmt: skip


@contextmanager
def page(rows: object) -> Iterator[list[str]]:
    """Something that answers like the page's server of this directory; yields what it was asked."""
    seen: list[str] = []
    body = json.dumps(rows).encode()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(f"{self.path} {self.headers['Authorization']}")
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server, ServerFile(VAR) as file:
        file.write(ServerInfo(os.getpid(), f"http://127.0.0.1:{server.server_port}/", TOKEN, "0"))
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield seen
        finally:
            server.shutdown()
            thread.join()


def test_sessions_are_listed_and_ended(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["sessions"]) == 3
    with page([SESSION_ROW]) as seen:
        assert main.main(["sessions"]) == 0
        assert main.main(["sessions", "--end-all-of", "meera"]) == 1
        assert seen == [f"/api/v1/sessions Bearer {TOKEN}"] * 2
    said = capsys.readouterr()
    assert "0000000000000000  trader (trader) from 10.0.0.2, since 20 Nov 09:10" in said.out
    assert "ends in 60 min  Some?[31mBrowser" in said.out and "\x1b" not in said.out
    assert "meera is not logged in" in said.err
