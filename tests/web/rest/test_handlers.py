"""Commands: what reaches the engine, what never does, and what a second time does."""

import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from otrade.contract.messages import KEY_KEPT_S
from otrade.contract.views import CommandResult
from otrade.web.http.routes import COMMAND_BYTES_MAX
from otrade.web.rest.command_expiry import COMMAND_LIFE_S
from tests.web.fake_engine import FakeSource
from tests.web.http.test_routes import problem
from tests.web.logins import Time, key, log_in


def give(client: TestClient, name: str, content: Any = b"", **headers: str) -> Any:
    """POST a command with a key of its own."""
    return client.post(
        f"/api/v1/commands/{name}",
        content=content,
        headers=key() | {"Content-Type": "application/json"} | headers,
    )


@pytest.mark.parametrize(
    ("name", "body", "args"),
    [
        ("pause", b"", {}),
        ("pause", b"{}", {}),
        ("resume", b"", {}),
        ("rearm", b"", {}),
        ("flatten", b"", {"instrument_id": None}),
        ("flatten", b'{"instrument_id": null}', {"instrument_id": None}),
        ("flatten", b'{"instrument_id": 2}', {"instrument_id": 2}),
        ("stop-engine", b" {} ", {}),
        ("kill", b"", {}),
        ("test-alert", b"", {}),
    ],
)
def test_commands(
    client: TestClient, source: FakeSource, name: str, body: bytes, args: dict[str, object]
) -> None:
    response = give(client, name, body)
    assert response.status_code == 200
    assert response.json() == {"ok": True, "words": "done", "url": None}
    assert source.commands == [(name, args)]
    assert source.who == ["local user at testclient"], "the journal knows who it was"


@pytest.mark.parametrize(
    ("former", "body", "name", "args"),
    [
        ("resume", b'{"rearm": true}', "rearm", {}),
        ("resume", b'{"rearm": false}', "resume", {}),
        ("reduce", b"", "stop-entries", {}),
        ("adopt", b'{"instrument_id": 2}', "take-over", {"instrument_id": 2}),
        ("stop", b"", "stop-engine", {}),
    ],
)
def test_former_names_of_commands(
    client: TestClient,
    source: FakeSource,
    former: str,
    body: bytes,
    name: str,
    args: dict[str, object],
) -> None:
    assert give(client, former, body).status_code == 200
    assert source.commands == [(name, args)]


@pytest.mark.parametrize(
    "query",
    [
        "lines?instrument_id=0",
        "story?cl_ord_id=OT0001",
        "why?signal_seq=1",
        "moment?name=2025-09-01.otj",
    ],
)
def test_former_paths_of_queries(client: TestClient, stranger: TestClient, query: str) -> None:
    assert client.get(f"/api/v1/{query}").status_code == 200
    assert stranger.get(f"/api/v1/{query}").status_code == 401


def test_refusal_of_the_engine(client: TestClient, source: FakeSource) -> None:
    source.result = CommandResult(ok=False, words="the day is over")
    found = problem(give(client, "flatten"), 409, "refused")
    assert found.detail == "the day is over"
    assert source.records == [], "the engine writes its own refusals down"


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
        (b'{"instrument_id": ' + b"[" * 4000, 400, "too_deep", "body", "32"),
        (b"[" * 33, 400, "too_deep", "body", "32"),
        (b"[" * 32, 422, "wrong_argument", "body", "object"),
        (b'{"a":' * 33, 400, "too_deep", "body", "32"),
        (
            b'{"x": "' + b"[" * 200 + b'"}',
            422,
            "wrong_argument",
            "x",
            "unknown field",
        ),  # in a string they are no depth
        (b"[" + b"[]," * 200 + b"[]]", 422, "wrong_argument", "body", "object"),
        (b"[]", 422, "wrong_argument", "body", "object"),
        (b"null", 422, "wrong_argument", "body", "object"),
        (b'{"instrument_id": "1"}', 422, "wrong_argument", "instrument_id", "`str`"),
        (b'{"instrument_id": 1.5}', 422, "wrong_argument", "instrument_id", "`float`"),
        (b'{"instrument_id": true}', 422, "wrong_argument", "instrument_id", "`bool`"),
        (b'{"instrument_id": -1}', 422, "wrong_argument", "instrument_id", ">= 0"),
        (
            b'{"instrument_id": 99999999999999999999999999}',
            422,
            "wrong_argument",
            "instrument_id",
            "",
        ),
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
    found = problem(give(client, "flatten", body), status, code)
    assert found.field == field
    assert words in found.detail
    assert source.commands == []
    [(who, what, ok, said)] = source.records
    assert (who, what, ok) == ("local user at testclient", "flatten", False) and said.startswith(
        code
    )


def test_what_is_missing_is_named(client: TestClient) -> None:
    found = problem(give(client, "take-over"), 422, "wrong_argument")
    assert (
        found.field == "instrument_id"
        and "instrument_id (a whole number from 0 to 2147483647)" in found.fix
    )


def test_unknown_field_says_what_is_allowed(client: TestClient) -> None:
    found = problem(give(client, "resume", b'{"force": true}'), 422, "wrong_argument")
    assert found.field == "force"
    assert "rearm (true or false)" in found.fix


def test_body_of_another_type(client: TestClient, source: FakeSource) -> None:
    response = client.post(
        "/api/v1/commands/pause", content=b"{}", headers=key() | {"Content-Type": "text/plain"}
    )
    assert problem(response, 415, "not_json").field == "Content-Type"
    assert source.commands == []


def test_huge_bodies(client: TestClient, source: FakeSource) -> None:
    exact = json.dumps({}).encode().ljust(COMMAND_BYTES_MAX)
    assert give(client, "pause", exact).status_code == 200
    assert (
        str(COMMAND_BYTES_MAX)
        in problem(give(client, "pause", exact + b" "), 413, "body_too_large").detail
    )
    chunks = (b" " * 1000 for _ in range(100))  # no Content-Length: the body is counted as it comes
    problem(give(client, "pause", chunks), 413, "body_too_large")
    assert len(source.commands) == 1


def test_unknown_command(client: TestClient, source: FakeSource) -> None:
    found = problem(give(client, "buy"), 404, "unknown_command")
    assert "flatten" in found.fix
    assert source.commands == []


def test_a_query_string_is_not_ignored(client: TestClient, source: FakeSource) -> None:
    response = client.post("/api/v1/commands/flatten?instrument_id=1", headers=key())
    assert problem(response, 422, "wrong_parameter").field == "instrument_id"
    assert source.commands == [], "who thinks that this closes one instrument must not close all"


# ----------------------------------------------------------------------------------------------
# twice
def test_the_same_again_is_not_done_again(client: TestClient, source: FakeSource) -> None:
    same = key()
    first = client.post("/api/v1/commands/pause", headers=same)
    source.result = CommandResult(ok=False, words="paused already")
    again = client.post(
        "/api/v1/commands/pause", headers=same | {"Content-Type": "application/json"}, content=b"{}"
    )
    assert again.status_code == first.status_code == 200 and again.json() == first.json()
    assert (
        "idempotency-replayed" not in first.headers
        and again.headers["idempotency-replayed"] == "true"
    )
    assert len(source.commands) == 1
    assert source.records == [("local user at testclient", "pause again", True, "done")]


def test_a_refusal_is_an_answer_too(client: TestClient, source: FakeSource) -> None:
    same = key()
    source.result = CommandResult(ok=False, words="nothing is open there")
    problem(client.post("/api/v1/commands/flatten", headers=same), 409, "refused")
    source.result = CommandResult(ok=True, words="closing 3 positions")
    found = problem(client.post("/api/v1/commands/flatten", headers=same), 409, "refused")
    assert found.detail == "nothing is open there" and len(source.commands) == 1


@pytest.mark.parametrize(
    "given", [None, "", "short", "with a space", "x" * 129, "n\xe4me-der-taste"]
)
def test_a_command_has_a_key(client: TestClient, source: FakeSource, given: str | None) -> None:
    headers = {} if given is None else {b"Idempotency-Key": given.encode("latin-1")}
    found = problem(client.post("/api/v1/commands/kill", headers=headers), 400, "wrong_key")
    assert found.field == "Idempotency-Key" and source.commands == []


def test_a_key_is_for_one_command_with_its_arguments(
    client: TestClient, source: FakeSource
) -> None:
    same = key() | {"Content-Type": "application/json"}
    assert (
        client.post(
            "/api/v1/commands/flatten", content=b'{"instrument_id": 1}', headers=same
        ).status_code
        == 200
    )
    problem(
        client.post("/api/v1/commands/flatten", content=b'{"instrument_id": 2}', headers=same),
        409,
        "reused_key",
    )
    problem(client.post("/api/v1/commands/flatten", headers=same), 409, "reused_key")
    problem(client.post("/api/v1/commands/kill", headers=same), 409, "reused_key")
    assert (
        client.post(
            "/api/v1/commands/flatten", content=b' {"instrument_id":1}', headers=same
        ).status_code
        == 200
    )
    assert len(source.commands) == 1


def test_anothers_key_is_refused(
    client: TestClient, stranger: TestClient, source: FakeSource
) -> None:
    same = key()
    assert client.post("/api/v1/commands/pause", headers=same).status_code == 200
    problem(
        stranger.post("/api/v1/commands/pause", headers=same | log_in(stranger)),
        403,
        "foreign_key",
    )
    assert len(source.commands) == 1


def test_a_key_that_is_used_up_is_refused(
    client: TestClient, source: FakeSource, clock: Time
) -> None:
    same = key()
    assert client.post("/api/v1/commands/pause", headers=same).status_code == 200
    clock.s += KEY_KEPT_S
    assert client.post("/api/v1/commands/pause", headers=same).status_code == 200
    clock.s += 1
    problem(client.post("/api/v1/commands/pause", headers=same), 409, "expired_key")
    give(client, "kill")  # tidies up; the key is still known
    problem(client.post("/api/v1/commands/pause", headers=same), 409, "expired_key")
    assert [name for name, _ in source.commands] == ["pause", "kill"]


def test_what_failed_in_the_middle_is_not_tried_again(
    client: TestClient, source: FakeSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: Any, **__: Any) -> CommandResult:
        source.commands.append(("failed", {}))
        raise RuntimeError("in the middle")

    same = key()
    monkeypatch.setattr(source, "_do", fails)
    problem(client.post("/api/v1/commands/flatten", headers=same), 500, "internal")
    problem(client.post("/api/v1/commands/flatten", headers=same), 409, "expired_key")
    assert len(source.commands) == 1
    assert [(what, ok) for _, what, ok, _ in source.records] == [
        ("flatten", False),
        ("flatten", False),
    ]


# ----------------------------------------------------------------------------------------------
# late
def issued(at_s: float) -> dict[str, str]:
    return {"Issued-At": str(round(1000 * at_s))}


@pytest.mark.parametrize(
    "name",
    ["pause", "resume", "rearm", "stop-entries", "flatten", "stop-engine", "test-alert", "login"],
)
def test_a_command_that_comes_late_is_void_and_stays_so(
    client: TestClient, source: FakeSource, clock: Time, name: str
) -> None:
    given_s = clock.s
    clock.s += COMMAND_LIFE_S
    assert give(client, name, **issued(given_s)).status_code == 200
    clock.s += 0.001
    same, source.commands = key(), []
    found = problem(
        client.post(f"/api/v1/commands/{name}", headers=same | issued(given_s)),
        409,
        "expired_command",
    )
    assert (
        found.field == "Issued-At"
        and "30 s ago" in found.detail
        and "Nothing was done" in found.detail
    )
    assert source.commands == []
    who, what, ok, words = source.records[-1]
    assert (who, what, ok) == ("local user at testclient", name, False) and words.startswith(
        "expired_command"
    )
    problem(
        client.post(f"/api/v1/commands/{name}", headers=same | issued(clock.s)), 409, "expired_key"
    )
    assert source.commands == [], "a key whose command was void does nothing later either"


def test_a_kill_is_never_too_late(client: TestClient, source: FakeSource, clock: Time) -> None:
    assert give(client, "kill", **issued(clock.s - 86_400)).status_code == 200
    assert source.commands == [("kill", {})]


def test_the_answer_of_a_command_that_was_done_in_time_can_be_had_late(
    client: TestClient, source: FakeSource, clock: Time
) -> None:
    same = key() | issued(clock.s)
    first = client.post("/api/v1/commands/pause", headers=same)
    clock.s += 10 * COMMAND_LIFE_S
    again = client.post("/api/v1/commands/pause", headers=same)
    assert again.status_code == 200 and again.json() == first.json() and len(source.commands) == 1


@pytest.mark.parametrize("given", ["", "now", "-1", "1.5", "1e12", "9" * 16, "+5", " ", "١٢٣"])
def test_what_is_no_moment(client: TestClient, source: FakeSource, given: str) -> None:
    headers = {k.encode(): v.encode() for k, v in (key() | {"Issued-At": given}).items()}
    found = problem(client.post("/api/v1/commands/pause", headers=headers), 422, "wrong_moment")
    assert found.field == "Issued-At" and source.commands == []


def test_a_clock_that_is_ahead_is_said(client: TestClient, source: FakeSource, clock: Time) -> None:
    assert give(client, "pause", **issued(clock.s + COMMAND_LIFE_S)).status_code == 200, (
        "clocks differ a little"
    )
    problem(give(client, "pause", **issued(clock.s + COMMAND_LIFE_S + 0.001)), 409, "wrong_clock")
    assert len(source.commands) == 1


# ------------------------------------------------------------------------------ the broker's login
def test_a_login_tells_where_to_go_on(client: TestClient, source: FakeSource) -> None:
    source.result = CommandResult(
        ok=True, words="log in", url="https://broker.example/login?state=s"
    )
    answer = give(client, "login").json()
    assert answer["url"] == "https://broker.example/login?state=s" and source.commands == [
        ("login", {"approve": False})
    ]


def test_the_brokers_redirect_is_handed_on_whole_and_needs_no_token(
    stranger: TestClient, source: FakeSource
) -> None:
    response = stranger.get("/login/callback?request_token=abc&state=s%26t&action=login")
    assert response.status_code == 200 and response.headers["cache-control"] == "no-store"
    assert "done" in response.text and "abc" not in response.text
    assert source.redirects[0].endswith(
        "/login/callback?request_token=abc&state=s%26t&action=login"
    )


def test_an_answer_that_is_no_login_of_ours_is_refused(
    stranger: TestClient, source: FakeSource
) -> None:
    source.result = CommandResult(ok=False, words="this is the answer to another login")
    response = stranger.get("/login/callback?state=foreign")
    assert response.status_code == 409 and "another login" in response.text
    problem(stranger.post("/login/callback"), 405, "wrong_method")
