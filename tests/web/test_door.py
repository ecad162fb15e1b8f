"""Who may ask: Host, Origin and the token; and the headers that keep the page to itself."""

from pathlib import Path

import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from otrade.web.app import create_app
from otrade.web.auth import LocalDoor, is_loopback, new_token
from otrade.web.page import SECURITY_HEADERS

from .conftest import BASE_URL, BEARER, TOKEN
from .fake import FakeSource
from .test_routes import problem


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1:8500", True),
        ("127.0.0.1", True),
        ("localhost:1", True),
        ("LOCALHOST:8500", True),
        ("[::1]:8500", True),
        ("[::1]", True),
        ("", False),
        ("::1", False),
        ("127.0.0.1:", False),
        ("127.0.0.1:8500x", False),
        ("127.0.0.1.evil.example:8500", False),
        ("evil.example:8500", False),
        ("localhost.evil.example", False),
        ("127.0.0.1:8500@evil.example", False),
        ("0.0.0.0:8500", False),
        ("192.168.1.5:8500", False),
    ],
)
def test_loopback_names(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


@pytest.mark.parametrize(
    "path", ["/", "/healthz", "/api/status", "/assets/index-abc.js", "/nothing"]
)
def test_a_rebound_name_reads_nothing(client: TestClient, path: str) -> None:
    response = client.get(path, headers={"Host": "evil.example:8500"})
    found = problem(response, 403, "foreign_host")
    assert found.field == "Host" and "127.0.0.1" in found.fix
    assert TOKEN not in response.text


def test_two_hosts_are_no_host(client: TestClient) -> None:
    headers = [("Host", "127.0.0.1:8500"), ("Host", "evil.example")]
    problem(client.get("/api/status", headers=headers), 403, "foreign_host")


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        "https://127.0.0.1:8500",
        "http://127.0.0.1:9999",
        "http://localhost:8500",
        "",
    ],
)
def test_a_foreign_page_changes_nothing(
    client: TestClient, source: FakeSource, origin: str
) -> None:
    response = client.post("/api/commands/kill", headers=BEARER | {"Origin": origin})
    assert problem(response, 403, "foreign_origin").field == "Origin"
    assert source.commands == []


def test_our_own_page_may(client: TestClient, source: FakeSource) -> None:
    response = client.post("/api/commands/pause", headers=BEARER | {"Origin": BASE_URL})
    assert response.status_code == 200
    assert [name for name, _ in source.commands] == ["pause"]


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer " + "t" * 42,
        "Bearer " + "t" * 44,
        "Basic " + TOKEN,
        TOKEN,
        "Bearer \xe9",
    ],
)
def test_no_change_without_the_token(
    client: TestClient, source: FakeSource, authorization: str | None
) -> None:
    headers: dict[bytes, bytes] = {}
    if authorization is not None:
        headers[b"Authorization"] = authorization.encode("latin-1")
    response = client.post("/api/commands/kill", headers=headers)
    problem(response, 401, "wrong_token")
    assert response.headers["www-authenticate"] == "Bearer"
    assert TOKEN not in response.text
    assert source.commands == []


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "POST"])
def test_every_changing_method_needs_the_token(client: TestClient, method: str) -> None:
    problem(client.request(method, "/api/status"), 401, "wrong_token")
    problem(client.request(method, "/api/status", headers=BEARER), 405, "wrong_method")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Host": "evil.example", "Origin": "http://evil.example"},
    ],
)
def test_a_foreign_page_hears_nothing(
    client: TestClient, source: FakeSource, headers: dict[str, str]
) -> None:
    session = client.websocket_connect(f"ws{BASE_URL[4:]}/ws", headers=headers)
    with pytest.raises(WebSocketDisconnect) as refused, session:
        raise AssertionError("it was let in")
    assert refused.value.code == 1008
    assert source.n_status == 0


def test_our_own_page_hears(client: TestClient) -> None:
    with client.websocket_connect(f"ws{BASE_URL[4:]}/ws", headers={"Origin": BASE_URL}) as ws:
        assert ws.receive_json()["type"] == "snapshot"


@pytest.mark.parametrize(
    "path", ["/", "/api/status", "/healthz", "/nothing", "/assets/index-abc.js"]
)
def test_security_headers_are_everywhere(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    for name, value in SECURITY_HEADERS.items():
        assert headers[name] == value
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy and "http:" not in policy and "https:" not in policy
    assert "access-control-allow-origin" not in headers


def test_security_headers_are_on_errors(client: TestClient, source: FakeSource) -> None:
    source.broken = True
    for response in (
        client.get("/api/status"),
        client.get("/", headers={"Host": "evil.example"}),
        client.post("/api/commands/kill"),
    ):
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["cache-control"] == "no-store"


def test_the_token_is_in_the_page_and_nowhere_else(client: TestClient) -> None:
    page = client.get("/")
    assert f'content="{TOKEN}"' in page.text
    assert page.headers["cache-control"] == "no-store"
    for path in ("/api/status", "/healthz", "/assets/index-abc.js", "/api/notices"):
        assert TOKEN not in client.get(path).text


def test_files_of_the_page(client: TestClient) -> None:
    script = client.get("/assets/index-abc.js")
    assert script.headers["content-type"].startswith("text/javascript")
    assert "immutable" in script.headers["cache-control"]
    icon = client.get("/favicon.svg")
    assert icon.headers["content-type"] == "image/svg+xml"
    assert icon.headers["cache-control"] == "no-cache"


def test_a_page_that_is_not_built_says_how(source: FakeSource, tmp_path: Path) -> None:
    app = create_app(source, token=TOKEN, static_dir=tmp_path / "nothing")
    page = TestClient(app, base_url=BASE_URL).get("/")
    assert page.status_code == 200
    assert "npm run build" in page.text


def test_tokens() -> None:
    assert len(new_token()) >= 43
    assert new_token() != new_token()
    with pytest.raises(ValueError, match="at least 32"):
        create_app(FakeSource(), token="short")
    assert TOKEN not in repr(LocalDoor(lambda *_: None, TOKEN))  # type: ignore[arg-type]
