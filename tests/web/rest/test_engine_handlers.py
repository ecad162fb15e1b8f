"""Starting and stopping the engine's process: a person gives his password again, and says no more."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from starlette.testclient import TestClient

from otrade.contract.queries import EngineProcessView
from otrade.contract.views import CommandResult
from tests.web.fake_engine import FakeSource
from tests.web.http.test_routes import problem
from tests.web.logins import BEARER, PASSWORD, key, log_in

START, STOP = "/api/v1/start-engine", "/api/v1/commands/stop-engine"


def post(client: TestClient, path: str, headers: dict[str, str], **body: Any) -> Any:
    return client.post(path, json=body, headers=headers | key())


def test_how_it_would_be_started_is_shown(stranger: TestClient, source: FakeSource) -> None:
    log_in(stranger, "viewer")
    answer = stranger.get("/api/v1/engine-process")
    view = msgspec.json.decode(answer.content, type=EngineProcessView)
    assert view.pid == 4711 and view.start == "the unit otrade.service (systemd)"


@pytest.mark.parametrize("path", [START, STOP])
@pytest.mark.parametrize("password", ["", "not this one", PASSWORD + " "])
def test_without_the_right_password_nothing_happens(
    stranger: TestClient, source: FakeSource, path: str, password: str
) -> None:
    headers = log_in(stranger)
    problem(post(stranger, path, headers, password=password), 403, "wrong_old_password")
    assert source.starts == [] and source.commands == []


def test_a_stop_without_a_password_at_all(stranger: TestClient, source: FakeSource) -> None:
    headers = log_in(stranger)
    problem(post(stranger, STOP, headers), 403, "wrong_old_password")
    assert source.commands == []


def test_with_it_the_engine_hears_no_password(stranger: TestClient, source: FakeSource) -> None:
    headers = log_in(stranger)
    assert post(stranger, STOP, headers, password=PASSWORD).status_code == 200
    assert source.commands == [("stop-engine", {})]
    assert post(stranger, START, headers, password=PASSWORD).status_code == 200
    assert source.starts == ["person trader (trader)"]
    assert not [record for record in source.records if PASSWORD in str(record)]


def test_programs_stop_without_one_and_start_nothing(
    client: TestClient, source: FakeSource
) -> None:
    assert post(client, STOP, BEARER).status_code == 200
    problem(post(client, START, BEARER, password=PASSWORD), 403, "only_person")
    assert source.starts == []


def test_what_is_started_cannot_be_said(stranger: TestClient, source: FakeSource) -> None:
    headers = log_in(stranger)
    for more in ({"command": ["/bin/sh"]}, {"unit": "other.service"}, {"directory": "/"}):
        problem(post(stranger, START, headers, password=PASSWORD, **more), 422, "wrong_argument")
    assert source.starts == []


def test_a_refusal_is_told_and_written_down(stranger: TestClient, source: FakeSource) -> None:
    headers = log_in(stranger)
    source.result = CommandResult(ok=False, words="an engine runs here already (process 7)")
    told = problem(post(stranger, START, headers, password=PASSWORD), 409, "refused")
    assert "process 7" in str(told)
    assert source.records[-1][1:3] == ("page start-engine", False)
    assert "process 7" in source.records[-1][3]


def test_passwords_are_not_tried_here_without_end(stranger: TestClient, source: FakeSource) -> None:
    headers = log_in(stranger)
    codes = [post(stranger, START, headers, password="x").status_code for _ in range(12)]
    assert codes[0] == 403 and codes[-1] == 429 and source.starts == []
