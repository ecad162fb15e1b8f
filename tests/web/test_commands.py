"""Commands: what reaches the engine, and what never does."""

import json

import pytest
from starlette.testclient import TestClient

from otrade.web.app import BODY_BYTES_MAX
from otrade.web.schema import CommandResult

from .conftest import BEARER
from .fake import FakeSource
from .test_routes import problem

JSON = BEARER | {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("name", "body", "args"),
    [
        ("pause", b"", {}),
        ("pause", b"{}", {}),
        ("resume", b"", {"rearm": False}),
        ("resume", b'{"rearm": true}', {"rearm": True}),
        ("flatten", b"", {"instrument_id": None}),
        ("flatten", b'{"instrument_id": null}', {"instrument_id": None}),
        ("flatten", b'{"instrument_id": 2}', {"instrument_id": 2}),
        ("stop", b" {} ", {}),
        ("kill", b"", {}),
        ("test-alert", b"", {}),
    ],
)
def test_commands(
    client: TestClient, source: FakeSource, name: str, body: bytes, args: dict[str, object]
) -> None:
    response = client.post(f"/api/commands/{name}", content=body, headers=JSON)
    assert response.status_code == 200
    assert response.json() == {"ok": True, "words": "done", "url": None}
    assert source.commands == [(name, args)]


def test_refusal_of_the_engine(client: TestClient, source: FakeSource) -> None:
    source.result = CommandResult(ok=False, words="the day is over")
    found = problem(client.post("/api/commands/flatten", headers=JSON), 409, "refused")
    assert found.detail == "the day is over"


@pytest.mark.parametrize(
    ("body", "status", "code", "field", "words"),
    [
        (b"{", 400, "broken_json", "body", "truncated"),
        (b'{"instrument_id": 1', 400, "broken_json", "body", "truncated"),
        (b'{"instrument_id": NaN}', 400, "broken_json", "body", "invalid"),
        (b"\xff\xfe", 400, "broken_json", "body", ""),
        (b'{"instrument_id": 1,}', 400, "broken_json", "body", "trailing"),
        (b'{"instrument_id": 1} {}', 400, "broken_json", "body", "trailing"),
        (b'{"instrument_id": "\xff"}', 422, "wrong_argument", "instrument_id", "`str`"),
        (b'{"instrument_id": ' + b"[" * 5000, 422, "wrong_argument", "instrument_id", "`array`"),
        (b"[" * 5000, 422, "wrong_argument", "body", "object"),
        (b"[]", 422, "wrong_argument", "body", "object"),
        (b"null", 422, "wrong_argument", "body", "object"),
        (b'{"instrument_id": "1"}', 422, "wrong_argument", "instrument_id", "`str`"),
        (b'{"instrument_id": 1.5}', 422, "wrong_argument", "instrument_id", "`float`"),
        (b'{"instrument_id": true}', 422, "wrong_argument", "instrument_id", "`bool`"),
        (b'{"instrument": 1}', 422, "wrong_argument", "instrument", "unknown field"),
        (b'{"instrument_id": 77}', 404, "unknown_instrument", "instrument_id", "77"),
    ],
)
def test_wrong_bodies(
    client: TestClient,
    source: FakeSource,
    body: bytes,
    status: int,
    code: str,
    field: str,
    words: str,
) -> None:
    found = problem(client.post("/api/commands/flatten", content=body, headers=JSON), status, code)
    assert found.field == field
    assert words in found.detail
    assert source.commands == []


def test_unknown_field_says_what_is_allowed(client: TestClient) -> None:
    response = client.post("/api/commands/resume", content=b'{"force": true}', headers=JSON)
    found = problem(response, 422, "wrong_argument")
    assert found.field == "force"
    assert "rearm (true or false)" in found.fix


def test_body_of_another_type(client: TestClient, source: FakeSource) -> None:
    headers = BEARER | {"Content-Type": "text/plain"}
    response = client.post("/api/commands/pause", content=b"{}", headers=headers)
    assert problem(response, 415, "not_json").field == "Content-Type"
    assert source.commands == []


def test_huge_bodies(client: TestClient, source: FakeSource) -> None:
    exact = json.dumps({}).encode().ljust(BODY_BYTES_MAX)
    assert client.post("/api/commands/pause", content=exact, headers=JSON).status_code == 200
    response = client.post("/api/commands/pause", content=exact + b" ", headers=JSON)
    assert "65536" in problem(response, 413, "body_too_large").detail
    chunks = (b" " * 1000 for _ in range(100))  # no Content-Length: the body is counted as it comes
    response = client.post("/api/commands/pause", content=chunks, headers=JSON)
    problem(response, 413, "body_too_large")
    assert len(source.commands) == 1


def test_unknown_command(client: TestClient, source: FakeSource) -> None:
    found = problem(client.post("/api/commands/buy", headers=JSON), 404, "unknown_command")
    assert "flatten" in found.fix
    assert source.commands == []


def test_a_login_tells_where_to_go_on(client: TestClient, source: FakeSource) -> None:
    source.result = CommandResult(ok=True, words="log in", url="https://broker.example/login?state=s")
    answer = client.post("/api/commands/login", headers=JSON).json()
    assert answer["url"] == "https://broker.example/login?state=s" and source.commands == [("login", {"approve": False})]


def test_the_brokers_redirect_is_handed_on_whole_and_needs_no_token(client: TestClient, source: FakeSource) -> None:
    response = client.get("/login/callback?request_token=abc&state=s%26t&action=login")
    assert response.status_code == 200 and response.headers["cache-control"] == "no-store"
    assert "done" in response.text and "abc" not in response.text
    assert source.redirects[0].endswith("/login/callback?request_token=abc&state=s%26t&action=login")


def test_an_answer_that_is_no_login_of_ours_is_refused(client: TestClient, source: FakeSource) -> None:
    source.result = CommandResult(ok=False, words="this is the answer to another login")
    response = client.get("/login/callback?state=foreign")
    assert response.status_code == 409 and "another login" in response.text
    assert client.post("/login/callback").status_code in (401, 405)
