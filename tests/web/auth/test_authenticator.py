"""From where a request may come: Host and Origin; and the headers that keep the page to itself."""

from pathlib import Path

import pytest
from starlette.testclient import TestClient
from starlette.types import ASGIApp
from starlette.websockets import WebSocketDisconnect

from otrade.web.app import create_app
from otrade.web.auth.access_control import AccessControl, new_local_token
from otrade.web.auth.authenticator import is_ours
from otrade.web.http.page import SECURITY_HEADERS
from tests.web.fake_engine import FakeSource
from tests.web.http.test_routes import problem
from tests.web.logins import BASE_URL, TOKEN, key

SOCKET = "ws://127.0.0.1:8500/api/v1/ws"


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1:8500", True),
        ("127.0.0.1", True),
        ("localhost:1", True),
        ("LOCALHOST:8500", True),
        ("[::1]:8500", True),
        ("[::1]", True),
        ("desk.example:8500", True),
        ("Desk.Example", True),
        ("", False),
        ("::1", False),
        ("127.0.0.1:", False),
        ("127.0.0.1:8500x", False),
        ("127.0.0.1.evil.example:8500", False),
        ("evil.example:8500", False),
        ("desk.example.evil.example", False),
        ("localhost.evil.example", False),
        ("127.0.0.1:8500@evil.example", False),
        ("0.0.0.0:8500", False),
        ("192.168.1.5:8500", False),
    ],
)
def test_names(host: str, expected: bool) -> None:
    assert is_ours(host, frozenset({"desk.example"})) is expected


@pytest.mark.parametrize(
    "path",
    ["/", "/healthz", "/api/v1/status", "/api/v1/session", "/assets/index-abc.js", "/nothing"],
)
def test_a_rebound_name_reads_nothing(client: TestClient, path: str) -> None:
    response = client.get(path, headers={"Host": "evil.example:8500"})
    found = problem(response, 403, "foreign_host")
    assert found.field == "Host" and "127.0.0.1" in found.fix
    assert TOKEN not in response.text


def test_two_hosts_are_no_host(client: TestClient) -> None:
    headers = [("Host", "127.0.0.1:8500"), ("Host", "evil.example")]
    problem(client.get("/api/v1/status", headers=headers), 403, "foreign_host")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://127.0.0.1:8500"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Origin": "http://localhost:8500"},
        {"Origin": ""},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_foreign_page_changes_nothing(
    client: TestClient, source: FakeSource, headers: dict[str, str]
) -> None:
    response = client.post("/api/v1/commands/kill", headers=key() | headers)
    assert problem(response, 403, "foreign_origin").field == "Origin"
    assert source.commands == []


def test_our_own_page_may(client: TestClient, source: FakeSource) -> None:
    response = client.post(
        "/api/v1/commands/pause",
        headers=key() | {"Origin": BASE_URL, "Sec-Fetch-Site": "same-origin"},
    )
    assert response.status_code == 200
    assert [name for name, _ in source.commands] == ["pause"]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "POST", "OPTIONS", "TRACE"])
def test_no_other_method(client: TestClient, method: str) -> None:
    response = client.request(method, "/api/v1/status")
    problem(response, 405, "wrong_method")
    assert response.headers["allow"] in ("GET, HEAD", "HEAD, GET")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Host": "evil.example", "Origin": "http://evil.example"},
        {"Origin": BASE_URL, "Sec-Fetch-Site": "cross-site"},
    ],
)
def test_a_foreign_page_hears_nothing(
    client: TestClient, source: FakeSource, headers: dict[str, str]
) -> None:
    session = client.websocket_connect(SOCKET, headers=headers)
    with pytest.raises(WebSocketDisconnect) as refused, session:
        raise AssertionError("it was let in")
    assert refused.value.code == 1008
    assert source.n_status == 0


def test_our_own_page_hears(client: TestClient) -> None:
    with client.websocket_connect(SOCKET, headers={"Origin": BASE_URL}) as ws:
        assert ws.receive_json()["type"] == "snapshot"


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/api/v1/status",
        "/healthz",
        "/nothing",
        "/assets/index-abc.js",
        "/api/v1/docs",
        "/api/v1/docs.js",
        "/api/v1/openapi.json",
    ],
)
def test_security_headers_are_everywhere(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    for name, value in SECURITY_HEADERS.items():
        assert headers[name] == value
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy and "http:" not in policy and "https:" not in policy
    assert "access-control-allow-origin" not in headers
    assert "strict-transport-security" not in headers, "which a browser must not learn without TLS"


def test_under_tls_browsers_come_back_by_tls(app: ASGIApp) -> None:
    with TestClient(app, base_url="https://127.0.0.1:8500") as client:
        assert "max-age=31536000" in client.get("/").headers["strict-transport-security"]


def test_security_headers_are_on_errors(client: TestClient, source: FakeSource) -> None:
    source.broken = True
    for response in (
        client.get("/api/v1/status"),
        client.get("/", headers={"Host": "evil.example"}),
        client.post("/api/v1/commands/kill"),
    ):
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["cache-control"] == "no-store"


def test_the_page_holds_no_secret(client: TestClient) -> None:
    page = client.get("/")
    assert page.status_code == 200 and page.headers["cache-control"] == "no-store"
    for path in (
        "/",
        "/api/v1/status",
        "/healthz",
        "/assets/index-abc.js",
        "/api/v1/notices",
        "/api/v1/session",
    ):
        assert TOKEN not in client.get(path).text


def test_files_of_the_page(stranger: TestClient) -> None:
    script = stranger.get("/assets/index-abc.js")
    assert script.headers["content-type"].startswith("text/javascript")
    assert "immutable" in script.headers["cache-control"]
    icon = stranger.get("/favicon.svg")
    assert icon.headers["content-type"] == "image/svg+xml"
    assert icon.headers["cache-control"] == "no-cache"


def test_a_file_of_the_page_that_has_gone_is_not_there(
    stranger: TestClient, static_dir: Path
) -> None:
    (
        static_dir / "favicon.svg"
    ).unlink()  # built anew under other names, with the engine still running
    gone = stranger.get("/favicon.svg")
    assert gone.status_code == 404
    assert gone.headers["content-type"] == "application/problem+json"
    assert str(static_dir) not in gone.text


def test_a_page_that_is_not_built_says_how(
    source: FakeSource, access: AccessControl, tmp_path: Path
) -> None:
    app = create_app(source, access, static_dir=tmp_path / "nothing")
    page = TestClient(app, base_url=BASE_URL).get("/")
    assert page.status_code == 200
    assert "npm run build" in page.text


def test_local_tokens(tmp_path: Path) -> None:
    assert len(new_local_token()) >= 43
    assert new_local_token() != new_local_token()
    with pytest.raises(ValueError, match="at least 32"):
        AccessControl(tmp_path, local_token="short")
    assert TOKEN not in repr(AccessControl(tmp_path, local_token=TOKEN))
