"""The process that carries alerts, and the engine's end of its pipe: with fakes for Apprise's
notify, and once with the real thing against a web server of ours.
"""

import asyncio
import datetime as dt
import io
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import apprise
import orjson
import pytest

from otrade.cli.commands import alerts as command
from otrade.config import manager
from otrade.config.schema import AlertsConfig, AlertTargetConfig
from otrade.config.secret import Secret, known_secrets
from otrade.errors import ConfigError, TokenError
from otrade.live.alerts.dispatcher import AlertDispatcher
from otrade.live.alerts.retry_queue import DeliveryOutcome, PendingAlert
from otrade.live.alerts.rules import AlertLevel
from otrade.live.alerts.sender_client import OUT_MAX, AlertSenderClient
from otrade.live.alerts.sender_process import (
    LOUDEST,
    TYPES,
    AlertSenderProcess,
    addresses,
    by_apprise,
)
from otrade.live.day.trading_day import TradingDay
from otrade.live.runtime.child_processes import alert_command
from tests.harness.alert_listener import TOKEN, AlertListener, environment, listening
from tests.harness.paper_run import on_beat
from tests.harness.waiting import PATIENCE_S, PAUSE_S, until

ROOT = Path(__file__).parents[3]


def sender_of(tries: int, targets: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    command = alert_command("no/such/file", tries, targets)
    return command.args, command.env


def test_the_levels_are_the_engine_s() -> None:
    assert LOUDEST == AlertLevel.LOUDEST and set(TYPES) == set(AlertLevel)


# -------------------------------------------------------------------------------------------------
# by Apprise
@pytest.fixture
def notified(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Apprise's notify is a list; what it answers is the `answer` of the last entry that was put
    there before.
    """
    calls: list[dict[str, Any]] = []

    def notify(self: apprise.Apprise, **given: Any) -> bool:
        calls.append(given)
        return True

    monkeypatch.setattr(apprise.Apprise, "notify", notify)
    return calls


def test_a_parcel_reaches_apprise_as_plain_text_and_as_loud_as_it_is(
    notified: list[dict[str, Any]],
) -> None:
    notify = by_apprise(Secret(f"json://localhost/{TOKEN}"))
    for level in AlertLevel:
        assert notify(PendingAlert(1, int(level), "title", "a < b & c")) == (True, "")
    assert [call["notify_type"].value for call in notified] == [
        "info",
        "warning",
        "failure",
        "failure",
        "failure",
    ]
    assert {(call["title"], call["body"], call["body_format"]) for call in notified} == {
        ("title", "a < b & c", apprise.NotifyFormat.TEXT)
    }


def test_why_it_failed_is_told_without_the_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(self: apprise.Apprise, **given: Any) -> bool:
        logging.getLogger("apprise").warning(
            "Failed to send to https://api.example.com/%s/send: 401", TOKEN
        )
        return False

    monkeypatch.setattr(apprise.Apprise, "notify", fails)
    ok, why = by_apprise(Secret(f"json://localhost/{TOKEN}"))(PendingAlert(1, 2, "t", "b"))
    assert not ok and "401" in why and TOKEN not in why


def test_a_plugin_that_raises_is_a_failure_like_another(monkeypatch: pytest.MonkeyPatch) -> None:
    def raises(self: apprise.Apprise, **given: Any) -> bool:
        raise RuntimeError(f"cannot reach /{TOKEN}")

    monkeypatch.setattr(apprise.Apprise, "notify", raises)
    ok, why = by_apprise(Secret(f"json://localhost/{TOKEN}"))(PendingAlert(1, 2, "t", "b"))
    assert not ok and why.startswith("RuntimeError") and TOKEN not in why


def test_addresses_come_from_secrets_only_and_are_named_never_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = tmp_path / "secrets.json"
    secrets.write_text(
        json.dumps(
            {
                "OTRADE_ALERT_MAIL": "json://localhost/mail-secret",
                "OTRADE_ALERT_ODD": f"nothing://{TOKEN}",
            }
        )
    )
    secrets.chmod(0o600)
    monkeypatch.setenv("OTRADE_ALERT_PHONE", f"json://localhost/{TOKEN}")
    notifies, bad = addresses(["phone", "mail", "odd", "none"], secrets)
    assert set(notifies) == {"phone", "mail"} and set(bad) == {"odd", "none"}
    assert "OTRADE_ALERT_NONE" in bad["none"] and "OTRADE_ALERT_ODD" in bad["odd"]
    assert TOKEN not in str(bad) and TOKEN in known_secrets()
    secrets.chmod(0o644)
    notifies, bad = addresses(["phone"], secrets)
    assert notifies == {} and "chmod 600" in bad["phone"]


# -------------------------------------------------------------------------------------------------
# the process
def carried(
    lines: Sequence[dict[str, Any]],
    notifies: dict[str, Callable[[PendingAlert], tuple[bool, str]]],
    **bad: str,
) -> list[dict[str, Any]]:
    """What a sender says that is given these lines, and then no more."""
    out = io.StringIO()
    given = b"".join(orjson.dumps(line) + b"\n" for line in lines)
    AlertSenderProcess(notifies, bad, tries=1, out=out).run(io.BytesIO(given), linger_s=PATIENCE_S)
    return sorted((orjson.loads(line) for line in out.getvalue().splitlines()), key=str)


def line(id: int, target: str, level: int = 2) -> dict[str, Any]:
    return {"id": id, "target": target, "level": level, "title": "t", "body": "b"}


def test_every_parcel_gets_one_outcome_and_a_failing_target_delays_no_other() -> None:
    may_end = threading.Event()

    def hangs(parcel: PendingAlert) -> tuple[bool, str]:
        may_end.wait(PATIENCE_S)
        return False, "timed out"

    def works(parcel: PendingAlert) -> tuple[bool, str]:
        if parcel.id == 4:
            # Only when the other target has delivered all of its own does the first one end
            may_end.set()
        return True, ""

    rows = carried(
        [line(1, "slow"), line(2, "fast"), line(3, "nobody"), line(4, "fast")],
        {"slow": hangs, "fast": works},
        odd="no address",
    )
    assert {(row["id"], row["target"], row["ok"]) for row in rows if "id" in row} == {
        (1, "slow", False), (2, "fast", True), (4, "fast", True), (3, "nobody", False)
    }  # fmt: skip
    assert {"bad": "odd", "why": "no address"} in rows


def test_from_a_notice_to_a_server_and_back_with_the_real_apprise() -> None:
    """The whole road, twice refused on the way."""
    outcomes: list[DeliveryOutcome] = []
    said: list[str] = []

    async def body(server: AlertListener) -> None:
        client = AlertSenderClient(
            *sender_of(5, ["phone", "mail"]),
            on_outcome=outcomes.append,
            on_trouble=said.append,
        )
        client.start()
        assert client.send("phone", PendingAlert(1, 3, "ALARM", "price < 5 & falling"))
        assert client.send("mail", PendingAlert(2, 3, "ALARM", "nowhere"))
        await until(lambda: len(outcomes) == 2, pause_s=PAUSE_S)
        assert client.n_out == 0
        await client.close(PATIENCE_S)

    with listening() as server, environment(OTRADE_ALERT_PHONE=server.address):
        server.statuses = [500]
        asyncio.run(body(server))
    assert sorted((one.target, one.ok, one.n_tries) for one in outcomes) == [
        ("mail", False, 0),
        ("phone", True, 2),
    ]
    assert [post["message"] for post in server.heard] == ["price < 5 & falling"] * 2
    assert (
        len(said) == 1 and "OTRADE_ALERT_MAIL" in said[0] and TOKEN not in str(said) + str(outcomes)
    )


FAKE = """
import json, sys
for line in sys.stdin:
    row = json.loads(line)
    if row["title"] == "die":
        sys.exit(1)
    if row["title"] != "keep":
        print(json.dumps({"id": row["id"], "target": row["target"], "ok": True, "n_tries": 1, "why": ""}), flush=True)
"""


def test_half_a_line_takes_nothing_else_with_it() -> None:
    out = io.StringIO()
    given = orjson.dumps(line(1, "phone")) + b"\n" + b'[1]\n{"target": "phone"}\n{"id": 2, "tar'
    AlertSenderProcess({"phone": lambda parcel: (True, "")}, {}, tries=1, out=out).run(
        io.BytesIO(given), linger_s=PATIENCE_S
    )
    assert [orjson.loads(row)["id"] for row in out.getvalue().splitlines()] == [1]


def test_the_sender_has_no_broker_s_secrets() -> None:
    outcomes: list[DeliveryOutcome] = []
    program = """
import json, os, sys
row = json.loads(sys.stdin.readline())
why = ",".join(sorted(name for name in os.environ if name.startswith("OTRADE_")))
print(json.dumps({"id": row["id"], "target": row["target"], "ok": True, "n_tries": 1, "why": why}), flush=True)
"""

    async def body() -> None:
        client = AlertSenderClient(
            [sys.executable, "-c", program],
            alert_command("no/such/file", 1, ["phone"]).env,
            on_outcome=outcomes.append,
            on_trouble=lambda words: None,
        )
        client.start()
        assert client.send("phone", PendingAlert(1, 0, "t", "b"))
        await until(lambda: bool(outcomes), pause_s=PAUSE_S)
        await client.close(PATIENCE_S)

    with environment(
        OTRADE_ALERT_PHONE="json://localhost/x", OTRADE_KITE_ACCESS_TOKEN="of the broker"
    ):
        asyncio.run(body())
    assert outcomes[0].why == "OTRADE_ALERT_PHONE"


def test_a_sender_that_dies_is_said_and_another_takes_its_place() -> None:
    outcomes: list[DeliveryOutcome] = []
    said: list[str] = []
    now = 0.0

    async def body() -> None:
        nonlocal now
        client = AlertSenderClient(
            [sys.executable, "-c", FAKE],
            os.environ,
            on_outcome=outcomes.append,
            on_trouble=said.append,
            now_s=lambda: now,
        )
        client.start()
        assert client.send("phone", PendingAlert(1, 0, "keep", "")) and client.send(
            "phone", PendingAlert(2, 0, "die", "")
        )
        await until(lambda: len(outcomes) == 2, pause_s=PAUSE_S)
        assert (
            [one.ok for one in outcomes] == [False, False]
            and "has ended" in outcomes[0].why
            and len(said) == 1
        )
        assert not client.send("phone", PendingAlert(3, 0, "", "")), (
            "not every alert starts a process"
        )
        now += 31.0
        assert not client.send("phone", PendingAlert(4, 0, "", "")), (
            "it is being started, off the loop"
        )
        await until(lambda: client.send("phone", PendingAlert(5, 0, "", "")), pause_s=PAUSE_S)
        await until(lambda: len(outcomes) == 3, pause_s=PAUSE_S)
        await client.close(PATIENCE_S)
        assert not client.send("phone", PendingAlert(6, 0, "", ""))

    asyncio.run(body())
    assert outcomes[-1] == DeliveryOutcome(5, "phone", True, 1)


def test_a_sender_that_hangs_fills_no_pipe_and_stops_nobody() -> None:
    """It is stopped by a signal: it reads nothing. What is on its way has a bound, and the end does
    not wait for it.
    """
    outcomes: list[DeliveryOutcome] = []

    async def body() -> None:
        client = AlertSenderClient(
            [sys.executable, "-c", FAKE],
            os.environ,
            on_outcome=outcomes.append,
            on_trouble=lambda words: None,
        )
        client.start()
        assert client._process is not None
        pid = client._process.pid
        os.kill(pid, signal.SIGSTOP)
        try:
            taken = [
                client.send("phone", PendingAlert(id, 0, "t", "x" * 200))
                for id in range(OUT_MAX + 50)
            ]
            assert taken == [True] * OUT_MAX + [False] * 50
            await client.close(0.0)
        finally:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)

    asyncio.run(body())
    assert outcomes == []


def test_a_pipe_that_is_full_means_no_and_not_waiting() -> None:
    async def body() -> None:
        client = AlertSenderClient(
            [sys.executable, "-c", FAKE],
            os.environ,
            on_outcome=lambda outcome: None,
            on_trouble=lambda words: None,
        )
        client.start()
        assert client._process is not None
        pid = client._process.pid
        os.kill(pid, signal.SIGSTOP)
        try:
            n = sum(
                client.send("phone", PendingAlert(id, 0, "t", "x" * 3_000)) for id in range(OUT_MAX)
            )
            assert 0 < n < OUT_MAX
            await client.close(0.0)
        finally:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)

    asyncio.run(body())


def test_a_sender_that_cannot_be_started_is_said() -> None:
    said: list[str] = []

    async def body() -> None:
        client = AlertSenderClient(
            ["/no/such/program"], {}, on_outcome=lambda outcome: None, on_trouble=said.append
        )
        client.start()
        assert not client.send("phone", PendingAlert(1, 0, "t", "b"))
        await client.close(1.0)

    asyncio.run(body())
    assert len(said) == 1 and "cannot be started" in said[0]


def test_the_page_s_test_button_end_to_end() -> None:
    async def body(server: AlertListener) -> list[DeliveryOutcome]:
        dispatcher = AlertDispatcher(
            AlertsConfig(targets=[AlertTargetConfig(name="phone")]),
            "OTrade",
            say=lambda *words: None,
            wall_ns=lambda: 0,
        )
        client = dispatcher.sender = AlertSenderClient(
            *sender_of(1, ["phone"]),
            on_outcome=dispatcher.on_outcome,
            on_trouble=dispatcher.on_trouble,
        )
        client.start()
        outcomes = await dispatcher.test(PATIENCE_S)
        await client.close(PATIENCE_S)
        return outcomes

    with listening() as server, environment(OTRADE_ALERT_PHONE=server.address):
        assert [one.ok for one in asyncio.run(body(server))] == [True]
        assert server.heard[0]["title"].endswith("ALERT TEST")


# -------------------------------------------------------------------------------------------------
# the command
def config_file(tmp_path: Path, **alerts: Any) -> Path:
    data = json.loads(manager.default_bytes("paper.json"))
    data["alerts"] = alerts
    data["paths"] = {"secrets": str(tmp_path / "secrets.json")}
    path = tmp_path / "config.json"
    path.write_text(json.dumps(data))
    return path


def test_otrade_alerts_test(
    tmp_path: Path, notified: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    path = config_file(tmp_path, targets=[{"name": "phone"}, {"name": "mail"}])
    with environment(OTRADE_ALERT_PHONE=f"json://localhost/{TOKEN}"):
        assert command.test(path, "phone") == 0
        assert command.test(path, "") == 4
    shown = capsys.readouterr()
    assert (
        shown.out == "phone: delivered\n" * 2
        and "mail: NOT delivered: it has no address" in shown.err
    )
    assert TOKEN not in shown.out + shown.err
    assert {call["title"] for call in notified} == {"OTrade otrade PAPER: info, ALERT TEST"}
    with pytest.raises(ConfigError, match="no alert target 'fax'.*phone, mail"):
        command.test(path, "fax")
    with pytest.raises(ConfigError, match="no alerts are configured"):
        command.test(config_file(tmp_path), "")


@pytest.mark.parametrize(("alerts", "words"), [
    ({"targets": [{"name": "phone"}, {"name": "phone"}]}, "used twice"),
    ({"targets": [{"name": "Phone"}]}, "targets"),
    ({"targets": [{"name": "phone", "url": "tgram://x"}]}, "url"),
    ({"targets": [{"name": "p", "quiet": [{"start": "10:00", "until": "10:00"}]}]}, "how long"),
    ({"max_per_min": 0}, "max_per_min"),
])  # fmt: skip
def test_a_bad_configuration_is_refused(tmp_path: Path, alerts: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        manager.load(config_file(tmp_path, **alerts))


# ---------------------------------------------------------------------------------------------------
# a whole day
def test_a_paper_day_tells_its_troubles_and_its_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything as `otrade run` wires it: a feed that is cut for two minutes, a target that takes
    all and one that has no address.
    """
    from otrade.config import RunOptions
    from otrade.live import app

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))  # the sender is started from elsewhere
    data = json.loads(manager.default_bytes("paper.json"))
    data["alerts"] = {
        "targets": [{"name": "phone", "min_severity": "error"}, {"name": "lost"}],
        "max_per_min": 100,
    }
    data["strategies"] = data["strategies"][:1]
    data["instruments"] = [
        one for one in data["instruments"] if one["symbol"] == data["strategies"][0]["instrument"]
    ]
    data["sim"] |= {"ticks_per_s": 0.1, "rehearse": [{"at": "09:20", "what": "feed"}]}
    config = tmp_path / "config.json"
    config.write_text(json.dumps(data))

    def stop_when_it_is_back(day: TradingDay, now_ns: int) -> None:
        if any(notice.code == "FEED_BACK" for notice in day.board.since(0)):
            day.shutdown.stop("that will do")

    on_beat(monkeypatch, stop_when_it_is_back)
    with listening() as server, environment(OTRADE_ALERT_PHONE=server.address):
        app.run(RunOptions(config=config, speed=float("inf"), date="2026-11-20", page=False))
    titles = [post["title"] for post in server.heard]
    assert {
        f"OTrade otrade PAPER: {words}"
        for words in ("ERROR, FEED LOST", "resolved, FEED BACK", "DAY SUMMARY")
    } <= set(titles)
    (summary,) = [post["message"] for post in server.heard if post["title"].endswith("DAY SUMMARY")]
    assert "2026-11-20: stopped (that will do)" in summary and "Nothing is open." in summary
    log = (tmp_path / "var" / "log" / "otrade.jsonl").read_text()
    codes = [json.loads(line).get("code") for line in log.splitlines()]
    assert codes.count("ALERT_DELIVERED") == len(server.heard)
    assert "OTRADE_ALERT_LOST" in log, "who has no address is said"
    everything = [path.read_bytes() for path in (tmp_path / "var").rglob("*") if path.is_file()]
    assert everything and not any(TOKEN.encode() in content for content in everything), (
        "the address is in no file"
    )


def test_a_live_engine_that_cannot_begin_tells_people(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No token, and nobody at the terminal: the morning's most likely trouble."""
    from otrade.config import RunOptions
    from otrade.live import app

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("OTRADE_KITE_API_KEY", "an-api-key-of-ours")
    monkeypatch.delenv("OTRADE_KITE_ACCESS_TOKEN", raising=False)
    monkeypatch.setattr("otrade.live.live_mode.date_of", lambda now_ns: dt.date(2026, 11, 20))
    monkeypatch.setattr("sys.stdin", io.StringIO())
    data = json.loads(manager.default_bytes("live.kite.example.json"))
    data |= {"alerts": {"targets": [{"name": "phone"}]}, "watchdog": {"enabled": False}}
    config = tmp_path / "config.json"
    config.write_text(json.dumps(data))
    with listening() as server, environment(OTRADE_ALERT_PHONE=server.address):
        with pytest.raises(TokenError, match="no access token"):
            app.run(RunOptions(config=config, page=False))
    (post,) = server.heard
    assert post["title"] == "OTrade otrade LIVE: ALARM, NOT TRADING"
    assert "otrade login" in post["message"] and "an-api-key-of-ours" not in post["message"]
