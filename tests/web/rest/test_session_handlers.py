"""Coming in and going out over HTTP: the first password, logins, cookies, limits, and what the
journal is told.
"""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from starlette.requests import HTTPConnection
from starlette.testclient import TestClient
from starlette.types import ASGIApp
from starlette.websockets import WebSocketDisconnect

from otrade.live.notices.redact import redact
from otrade.web.app import create_app
from otrade.web.auth.access_control import CODE_LIFE_S, AccessControl
from otrade.web.auth.audit import KNOWN_PER_MIN, STRANGERS_PER_MIN, WORDS_CHARS_MAX, Audit
from otrade.web.auth.recovery_codes import new_codes
from otrade.web.auth.tokens import new_token
from otrade.web.auth.users import User, Users
from tests.web.fake_engine import FakeSource
from tests.web.http.test_routes import problem
from tests.web.logins import BASE_URL, COOKIE, PASSWORD, TOKEN, Time, key, log_in, password_hash

ORIGIN = {"Origin": BASE_URL}
SOCKET = "ws://127.0.0.1:8500/api/v1/ws"
NEW = "another four wooden ships"


def login(
    client: TestClient, name: str = "trader", password: str = PASSWORD, code: str = ""
) -> Any:
    return client.post(
        "/api/v1/login", json={"name": name, "password": password, "code": code}, headers=ORIGIN
    )


def state(client: TestClient) -> str:
    return str(client.get("/api/v1/session").json()["state"])


# --------------------------------------------------------------------------------------- the
# session
def test_a_login_and_a_logout(stranger: TestClient, source: FakeSource) -> None:
    assert state(stranger) == "out"
    response = login(stranger)
    assert response.status_code == 200
    grant = response.json()
    assert (grant["name"], grant["role"], grant["ends_in_s"]) == ("trader", "trader", 12 * 3600)
    assert stranger.get("/api/v1/session").json() == {
        "state": "in", "name": "trader", "role": "trader", "scopes": ["admin", "read", "trade"], "ends_in_s": 12 * 3600,
    }  # fmt: skip
    assert grant["csrf"] not in stranger.get("/api/v1/session").text, (
        "told once, to whoever logged in"
    )
    cookie = stranger.cookies[COOKIE]
    left = stranger.post("/api/v1/logout", headers=ORIGIN | {"X-CSRF-Token": grant["csrf"]})
    assert left.json()["state"] == "out" and COOKIE not in stranger.cookies
    stranger.cookies.set(COOKIE, cookie)
    assert state(stranger) == "out", "the cookie is void, not only forgotten"
    assert [(who, what, ok) for who, what, ok, _ in source.records] == [
        ("person trader (trader) at testclient", "page login", True),
        ("person trader (trader) at testclient", "new browser", True),
        ("person trader (trader) at testclient", "page logout", True),
    ]


def test_the_cookie_is_for_the_browser_alone(stranger: TestClient, app: ASGIApp) -> None:
    plain = login(stranger).headers["set-cookie"].lower()
    assert plain.startswith("otrade_8500=") and "secure" not in plain
    for word in ("httponly", "samesite=strict", "path=/", "max-age=43200"):
        assert word in plain
    assert "domain" not in plain
    with TestClient(app, base_url="https://127.0.0.1:8500") as client:
        response = client.post(
            "/api/v1/login",
            json={"password": PASSWORD},
            headers={"Origin": "https://127.0.0.1:8500"},
        )
        secure = response.headers["set-cookie"].lower()
    assert secure.startswith("__host-otrade_8500=") and "; secure" in secure and "path=/" in secure


def test_a_new_login_never_goes_on_with_an_old_session(stranger: TestClient) -> None:
    stranger.cookies.set(COOKIE, "chosen-by-somebody-else")
    log_in(stranger)
    first = next(
        cookie.value for cookie in stranger.cookies.jar if cookie.value != "chosen-by-somebody-else"
    )
    stranger.cookies.clear()
    stranger.cookies.set(COOKIE, first)
    log_in(stranger)
    stranger.cookies.clear()
    stranger.cookies.set(COOKIE, first)
    assert state(stranger) == "out"


def test_a_session_ends_with_silence_and_with_its_life(stranger: TestClient, clock: Time) -> None:
    log_in(stranger)
    clock.s += 3599
    assert state(stranger) == "in"
    clock.s += 3601
    assert state(stranger) == "out"
    log_in(stranger)
    for _ in range(12):
        clock.s += 3599
        assert state(stranger) == "in"
    clock.s += 12
    assert state(stranger) == "out"


def test_a_program_sees_who_it_is(client: TestClient) -> None:
    assert client.get("/api/v1/session").json() == {
        "state": "in", "name": "user", "role": None, "scopes": ["admin", "read", "trade"], "ends_in_s": None,
    }  # fmt: skip


# ------------------------------------------------------------------------------------- wrong logins
@pytest.mark.parametrize(
    ("name", "password", "code"),
    [("trader", "wrong wrong", ""), ("trader", "", ""), ("nobody", PASSWORD, ""), ("careful", PASSWORD, ""),
     ("careful", PASSWORD, "000000"), ("careful", "wrong wrong", "081804"), ("Trader", PASSWORD, "")],
)  # fmt: skip
def test_a_wrong_login_does_not_say_what_was_wrong(
    stranger: TestClient, source: FakeSource, clock: Time, name: str, password: str, code: str
) -> None:
    clock.s = 1_111_111_109
    response = login(stranger, name, password, code)
    found = problem(response, 401, "wrong_login")
    assert (
        found.detail == "Name, password or code is wrong." and "set-cookie" not in response.headers
    )
    [(who, what, ok, words)] = source.records
    assert (who, what, ok) == ("a stranger at testclient", "page login", False)
    assert password not in words or not password


def test_a_login_with_an_authenticator(stranger: TestClient, clock: Time) -> None:
    clock.s = 1_111_111_109
    assert login(stranger, "careful", PASSWORD, "081804").status_code == 200
    problem(login(stranger, "careful", PASSWORD, "081804"), 401, "wrong_login")
    clock.s = 1_111_111_111
    assert login(stranger, "careful", PASSWORD, "050 471").status_code == 200


def test_a_wrong_password_does_not_use_up_a_code(stranger: TestClient, clock: Time) -> None:
    clock.s = 1_111_111_109
    problem(login(stranger, "careful", "wrong wrong", "081804"), 401, "wrong_login")
    assert login(stranger, "careful", PASSWORD, "081804").status_code == 200


def test_logins_are_limited(stranger: TestClient, clock: Time) -> None:
    for _ in range(5):
        problem(login(stranger, password="wrong wrong"), 401, "wrong_login")
    response = login(stranger)
    problem(response, 429, "too_many_attempts")
    assert 60 <= int(response.headers["retry-after"]) <= 61, "even the right password waits"
    clock.s += 60
    assert login(stranger).status_code == 200


def test_a_viewer_s_login_makes_no_room_for_guesses_at_the_trader_s(
    stranger: TestClient, clock: Time
) -> None:
    n_heard = 0
    for n in range(40):
        n_heard += login(stranger, "trader", f"wrong wrong {n}").status_code == 401
        assert login(stranger, "viewer").status_code in (200, 429)
    assert n_heard == 5


def test_strangers_at_the_same_address_do_not_lock_the_owner_out(
    stranger: TestClient, app: ASGIApp
) -> None:
    """Through a tunnel everybody has one address."""
    assert login(stranger).status_code == 200
    device = stranger.cookies.get(f"{COOKIE}_device")
    assert device
    stranger.cookies.clear()
    for _ in range(50):
        login(stranger, password="wrong wrong")
    problem(login(stranger), 429, "too_many_attempts")
    owner = TestClient(app, base_url=BASE_URL, cookies={f"{COOKIE}_device": device})
    assert state(owner) == "out", "it lets nobody in"
    assert login(owner).status_code == 200
    problem(login(owner, password="wrong wrong"), 401, "wrong_login")


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1"])
def test_another_page_cannot_log_a_browser_in(stranger: TestClient, origin: str) -> None:
    response = stranger.post(
        "/api/v1/login", json={"password": PASSWORD}, headers={"Origin": origin}
    )
    problem(response, 403, "foreign_origin")
    assert "set-cookie" not in response.headers


def test_strangers_do_not_fill_the_journal(
    stranger: TestClient, source: FakeSource, clock: Time
) -> None:
    for _ in range(3 * STRANGERS_PER_MIN):
        stranger.post("/api/v1/commands/kill", headers=key())
    assert len(source.records) == STRANGERS_PER_MIN
    clock.s += 60
    stranger.post("/api/v1/commands/kill", headers=key())
    who, what, ok, words = source.records[-2]
    assert (who, ok) == ("strangers", False) and words.startswith(str(2 * STRANGERS_PER_MIN))


def test_a_viewer_does_not_fill_the_journal_nor_roll_over_what_others_did(
    stranger: TestClient, app: ASGIApp, source: FakeSource, clock: Time
) -> None:
    headers = log_in(stranger, "viewer")
    for _ in range(20 * KNOWN_PER_MIN):
        stranger.post("/api/v1/commands/kill", headers=headers | key())
    assert len(source.records) == KNOWN_PER_MIN
    other = TestClient(app, base_url=BASE_URL)
    log_in(other)
    assert ("page login", True) in [one[1:3] for one in source.records[-2:]], "another's count"
    clock.s += 60
    stranger.post("/api/v1/commands/kill", headers=headers | key())
    who, what, ok, words = source.records[-2]
    assert (who, what, ok) == ("person viewer (viewer)", "more", False)
    assert words.startswith(str(19 * KNOWN_PER_MIN + 2))


def test_logging_in_and_out_for_ever_does_not_fill_it_either(
    stranger: TestClient, source: FakeSource
) -> None:
    for _ in range(KNOWN_PER_MIN):
        headers = log_in(stranger)
        stranger.post("/api/v1/logout", headers=headers)
    assert len(source.records) == KNOWN_PER_MIN


def test_one_line_is_not_for_ever_long(access: AccessControl, source: FakeSource) -> None:
    connection = HTTPConnection({"type": "http", "headers": [], "client": ("10.0.0.1", 1)})
    Audit(source).write(None, connection, "page login", "x" * 10_000, ok=False)
    assert len(source.records[-1][3]) <= WORDS_CHARS_MAX + 3


def test_a_script_gives_so_many_commands_a_minute_but_what_makes_safer_always(
    client: TestClient, source: FakeSource, clock: Time
) -> None:
    def give(name: str) -> Any:
        issued = {"Issued-At": str(round(clock.s * 1000))}
        return client.post(f"/api/v1/commands/{name}", headers=key() | issued)

    assert [give("test-alert").status_code for _ in range(120)] == [200] * 120
    assert int(give("test-alert").headers["retry-after"]) == 61
    problem(give("rearm"), 429, "too_many_commands")
    n = len(source.commands)
    for name in ("kill", "flatten", "stop-entries", "pause"):
        assert give(name).status_code == 200
    assert len(source.commands) == n + 4
    clock.s += 60
    assert give("rearm").status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"password": 5},
        {"password": "x" * 257},
        {"password": "x", "name": "a b"},
        {"password": "x", "more": 1},
        [],
        "x",
    ],
)
def test_logins_that_are_none(stranger: TestClient, body: Any) -> None:
    found = problem(
        stranger.post("/api/v1/login", json=body, headers=ORIGIN), 422, "wrong_argument"
    )
    assert "xxx" not in found.detail


# ---------------------------------------------------------------------------------------- first run
@pytest.fixture
def fresh(
    source: FakeSource, tmp_path: Path, static_dir: Path, clock: Time
) -> tuple[AccessControl, TestClient]:
    access = AccessControl(tmp_path / "fresh", local_token=TOKEN, now_s=clock, wall_s=clock)
    app = create_app(source, access, static_dir=static_dir, now_s=clock)
    return access, TestClient(app, base_url=BASE_URL, raise_server_exceptions=False)


def first(client: TestClient, code: str, password: str = PASSWORD, name: str = "trader") -> Any:
    return client.post(
        "/api/v1/setup", json={"code": code, "password": password, "name": name}, headers=ORIGIN
    )


def test_the_first_password(fresh: tuple[AccessControl, TestClient], source: FakeSource) -> None:
    access, client = fresh
    assert state(client) == "first_run"
    problem(login(client), 401, "wrong_login")
    code = access.first_code()
    assert len(code.replace("-", "")) == 12
    answer = first(client, code.lower().replace("-", " "))
    assert answer.status_code == 200 and answer.json()["role"] == "trader"
    assert state(client) == "in"
    assert (
        access.file.path.stat().st_mode & 0o777 == 0o600
        and PASSWORD not in access.file.path.read_text()
    )
    assert source.records[-2][:3] == ("person trader (trader) at testclient", "page setup", True)
    assert all(code not in words and PASSWORD not in words for *_, words in source.records)
    client.cookies.clear()
    assert login(client).status_code == 200


def test_the_code_is_good_once_and_not_for_ever(
    fresh: tuple[AccessControl, TestClient], clock: Time
) -> None:
    access, client = fresh
    problem(first(client, ""), 401, "wrong_code")
    old = access.first_code()
    code = access.first_code()
    problem(first(client, old), 401, "wrong_code")
    clock.s += CODE_LIFE_S
    problem(first(client, code), 401, "wrong_code")
    code = access.first_code()
    problem(first(client, code, password="short"), 422, "wrong_argument")
    problem(first(client, code, password="aaaaaaaaaaaa"), 422, "weak_password")
    assert first(client, code).status_code == 200
    problem(first(client, code, name="second"), 409, "not_first_run")
    access.file.path.unlink()
    problem(first(client, code), 401, "wrong_code")
    assert first(client, access.first_code()).status_code == 200
    problem(first(client, access.first_code(), name="second"), 409, "not_first_run")


def test_codes_are_not_guessed(fresh: tuple[AccessControl, TestClient]) -> None:
    access, client = fresh
    code = access.first_code()
    for _ in range(5):
        problem(first(client, "AAAA-AAAA-AAAA"), 401, "wrong_code")
    problem(first(client, code), 429, "too_many_attempts")


def test_a_file_that_cannot_be_trusted_is_no_first_run(
    fresh: tuple[AccessControl, TestClient], clock: Time, caplog: pytest.LogCaptureFixture
) -> None:
    access, client = fresh
    access.file.path.parent.mkdir()
    for content, mode in (
        (b"{", 0o600),
        (b'{"people": []}', 0o644),
        (b'{"people": [], "admin": true}', 0o600),
    ):
        access.file.path.write_bytes(content)
        access.file.path.chmod(mode)
        for response in (
            client.get("/api/v1/session"),
            first(client, access.first_code()),
            login(client),
        ):
            assert str(access.file.path) not in problem(response, 503, "no_people").detail
        assert str(access.file.path) in caplog.text
        clock.s += 3600
        assert (
            client.get("/api/v1/status", headers={"Authorization": f"Bearer {TOKEN}"}).status_code
            == 200
        ), "the command line works on"


# ------------------------------------------------------------------------------- changes elsewhere
def test_another_password(stranger: TestClient, access: AccessControl) -> None:
    elsewhere = log_in(stranger)
    there = stranger.cookies[COOKIE]
    stranger.cookies.clear()
    headers = log_in(stranger)
    wrong = stranger.post("/api/v1/password", json={"old": "wrong", "new": NEW}, headers=headers)
    problem(wrong, 403, "wrong_old_password")
    changed = stranger.post("/api/v1/password", json={"old": PASSWORD, "new": NEW}, headers=headers)
    assert changed.status_code == 200 and changed.json()["csrf"] != headers["X-CSRF-Token"]
    assert state(stranger) == "in"
    stranger.cookies.clear()
    stranger.cookies.set(COOKIE, there)
    assert state(stranger) == "out" and elsewhere
    stranger.cookies.clear()
    problem(login(stranger), 401, "wrong_login")
    assert login(stranger, password=NEW).status_code == 200


@pytest.mark.parametrize(
    "how",
    [
        lambda users: users.without_user("trader"),
        lambda users: users.with_user(User("trader", "viewer", password_hash())),
        lambda users: users.with_user(User("trader", "trader", "another hash")),
        lambda users: users.with_user(User("trader", "trader", password_hash(), "TOTPSECRET")),
    ],
    ids=["removed", "another role", "another password", "an authenticator"],
)
def test_who_is_changed_is_out_at_once(
    stranger: TestClient, access: AccessControl, source: FakeSource, how: Any
) -> None:
    headers = log_in(stranger)
    access.file.change(how)
    problem(stranger.post("/api/v1/commands/kill", headers=headers | key()), 401, "not_signed_in")
    assert source.commands == []


# --------------------------------------------------------------------------------- recovery codes
@pytest.fixture
def codes(access: AccessControl) -> list[str]:
    """Of the careful one, who has an authenticator."""
    shown, kept = new_codes()

    def with_codes(users: Users) -> Users:
        careful = users.user("careful")
        assert careful is not None
        return users.with_user(msgspec.structs.replace(careful, recovery=kept))

    access.file.change(with_codes)
    return shown


def test_a_recovery_code_is_good_once_and_ends_the_other_sessions(
    stranger: TestClient, app: ASGIApp, access: AccessControl, codes: list[str]
) -> None:
    elsewhere = TestClient(app, base_url=BASE_URL)
    assert login(elsewhere, "careful", PASSWORD, codes[9]).status_code == 200
    problem(login(stranger, "careful", "wrong wrong", codes[0]), 401, "wrong_login")
    typed = codes[0].lower().replace("-", " ")
    assert login(stranger, "careful", PASSWORD, typed).status_code == 200, "it was not used up"
    assert state(stranger) == "in" and state(elsewhere) == "out"
    stranger.cookies.clear()
    problem(login(stranger, "careful", PASSWORD, codes[0]), 401, "wrong_login")
    problem(login(stranger, "careful", PASSWORD, "A" * 16), 401, "wrong_login")
    problem(login(stranger, "careful", PASSWORD, ""), 401, "wrong_login")
    user = access.file.read().user("careful")
    assert user is not None and len(user.recovery) == 8 and user.totp
    text = access.file.path.read_text()
    assert all(code not in text and code.replace("-", "") not in text for code in codes)


def test_a_recovery_code_is_not_kept_waiting_by_those_who_try_passwords(
    stranger: TestClient, codes: list[str]
) -> None:
    """From a browser and an address that nobody knows, with every limit used up."""
    for n in range(60):
        login(stranger, "careful", f"wrong wrong {n}")
    problem(login(stranger, "careful", PASSWORD, "123456"), 429, "too_many_attempts")
    assert login(stranger, "careful", PASSWORD, codes[3]).status_code == 200


def test_another_s_code_is_none_and_a_code_is_no_password(
    stranger: TestClient, codes: list[str]
) -> None:
    assert login(stranger, "trader", PASSWORD, codes[1]).status_code == 200, "it needs no code"
    tried = [login(stranger, "careful", codes[2], codes[2]).status_code for _ in range(30)]
    assert tried.count(401) == 10 and set(tried) == {401, 429}, "a stolen code guesses no password"


# -------------------------------------------------------------------------------- what one hears
def test_a_browser_that_was_not_known_is_told_once(
    stranger: TestClient, source: FakeSource
) -> None:
    log_in(stranger)
    log_in(stranger)
    log_in(stranger, "viewer")
    told = [(who, words) for who, what, ok, words in source.records if what == "new browser" and ok]
    assert [who for who, _ in told] == [
        "person trader (trader) at testclient",
        "person viewer (viewer) at testclient",
    ]


def test_what_changes_about_people_is_told_whoever_changes_it(
    source: FakeSource, tmp_path: Path, static_dir: Path
) -> None:
    told: list[str] = []
    access = AccessControl(
        tmp_path, local_token=TOKEN, record=lambda who, what, ok, words: told.append(words)
    )
    change = access.file.change
    client = TestClient(create_app(source, access, static_dir=static_dir), base_url=BASE_URL)
    assert state(client) == "first_run" and not told
    change(lambda users: users.with_user(User("trader", "trader", password_hash())))
    headers = log_in(client)
    assert told == ["trader may log in now, as a trader"]
    new = {"old": PASSWORD, "new": NEW}
    client.post("/api/v1/password", json=new, headers=headers)
    assert told[1:] == ["trader has another password"], "at once, on the page"
    token, kept = new_token("robot", ("read", "trade"), 0, 2)
    for how in (
        lambda users: users.with_user(User("trader", "viewer", "h", "T")),
        lambda users: users.with_user(User("trader", "viewer", "h", "T", ("a", "b"))),
        lambda users: users.with_user(User("trader", "viewer", "h", "T", ("b",))),
        lambda users: users.with_user(User("trader", "viewer", "h")),
        lambda users: users.with_token(kept),
        lambda users: users.without_token("robot"),
        lambda users: users.without_user("trader"),
        lambda users: users,
    ):
        change(how)
        state(client)
    assert told[2:] == [
        "trader is a viewer now", "trader has another password", "trader has another authenticator",
        "trader has new recovery codes", "trader has used a recovery code; 1 are left",
        "trader has no authenticator any more",
        "trader has used a recovery code; 0 are left", "there is a new token robot (read, trade)",
        "the token robot is void", "trader may no longer log in",
    ]  # fmt: skip


# ------------------------------------------------------------------------------ the configuration
def configure(client: TestClient, headers: dict[str, str], **more: Any) -> Any:
    draft = {"digest": "d" * 32, "values": {}, "write": True, **more}
    return client.post("/api/v1/configure", json=draft, headers=headers)


def test_a_configuration_is_written_by_whoever_knows_the_password(
    stranger: TestClient, source: FakeSource
) -> None:
    headers = log_in(stranger)
    for given in ({}, {"password": ""}, {"password": "wrong wrong"}):
        found = problem(configure(stranger, headers, **given), 403, "wrong_old_password")
        assert found.field == "password"
    assert source.queries.drafts == []
    assert configure(stranger, headers, write=False).status_code == 200, "to look costs nothing"
    assert configure(stranger, headers, password=PASSWORD).status_code == 200
    [draft] = source.queries.drafts
    assert draft.password == "" and PASSWORD not in repr(source.records)
    for _ in range(9):
        configure(stranger, headers, password="wrong wrong")
    problem(configure(stranger, headers, password=PASSWORD), 429, "too_many_attempts")


def test_no_token_writes_a_configuration(
    client: TestClient, access: AccessControl, source: FakeSource, clock: Time
) -> None:
    """Neither a script's nor the run file's, with a password neither."""
    token, kept = new_token("robot", ("read", "trade", "admin"), clock(), 2)
    access.file.change(lambda users: users.with_token(kept))
    for headers in ({}, {"Authorization": f"Bearer {token}"}):
        for more in ({"password": PASSWORD}, {"write": False}):
            problem(configure(client, headers, **more), 403, "only_person")
    assert source.queries.drafts == []


# ------------------------------------------------------------------------------------------- tokens
def test_a_token_lives_until_its_end_or_until_it_is_revoked(
    stranger: TestClient, access: AccessControl, clock: Time
) -> None:
    token, kept = new_token("robot", ("read",), clock(), 2)
    assert token not in repr(kept) and kept.sha256 not in token
    access.file.change(lambda users: users.with_token(kept))
    headers = {"Authorization": f"Bearer {token}"}
    assert stranger.get("/api/v1/session", headers=headers).json()["scopes"] == ["read"]
    clock.s += 2 * 86_400 - 1
    assert stranger.get("/api/v1/status", headers=headers).status_code == 200
    clock.s += 1
    problem(stranger.get("/api/v1/status", headers=headers), 401, "wrong_token")
    clock.s -= 10
    access.file.change(lambda users: users.without_token("robot"))
    problem(stranger.get("/api/v1/status", headers=headers), 401, "wrong_token")


# ------------------------------------------------------------------------------------------- socket
def refused(client: TestClient, headers: dict[str, str]) -> int:
    session = client.websocket_connect(SOCKET, headers=headers)
    with pytest.raises(WebSocketDisconnect) as closed, session:
        raise AssertionError("it was let in")
    return closed.value.code


def test_the_socket_asks_who_comes(stranger: TestClient, source: FakeSource) -> None:
    assert refused(stranger, ORIGIN) == 1008
    assert refused(stranger, {"Authorization": "Bearer wrong"}) == 1008
    assert source.n_status == 0
    log_in(stranger, "viewer")
    assert refused(stranger, {"Origin": "http://evil.example"}) == 1008
    with stranger.websocket_connect(SOCKET, headers=ORIGIN) as ws:
        assert ws.receive_json()["type"] == "snapshot"


def until_closed(ws: Any) -> int:
    with pytest.raises(WebSocketDisconnect) as closed:
        for _ in range(200):
            ws.receive_text()
    return closed.value.code


def test_the_socket_ends_with_its_session(
    stranger: TestClient, access: AccessControl, clock: Time
) -> None:
    headers = log_in(stranger)
    with stranger.websocket_connect(SOCKET, headers=ORIGIN) as ws:
        ws.receive_text()
        stranger.post("/api/v1/logout", headers=headers)
        assert until_closed(ws) == 4401
    log_in(stranger)
    with stranger.websocket_connect(SOCKET, headers=ORIGIN) as ws:
        ws.receive_text()
        access.file.change(lambda users: users.without_user("trader"))
        assert until_closed(ws) == 4401
    log_in(stranger, "viewer")
    with stranger.websocket_connect(SOCKET, headers=ORIGIN) as ws:
        ws.receive_text()
        clock.s += 12 * 3600
        assert until_closed(ws) == 4401


def test_a_socket_of_a_script_ends_with_its_token(
    stranger: TestClient, access: AccessControl, clock: Time
) -> None:
    token, kept = new_token("robot", ("read",), clock(), 2)
    access.file.change(lambda users: users.with_token(kept))
    with stranger.websocket_connect(SOCKET, headers={"Authorization": f"Bearer {token}"}) as ws:
        ws.receive_text()
        access.file.change(lambda users: users.without_token("robot"))
        assert until_closed(ws) == 4401


def test_a_page_that_listens_is_not_silent(stranger: TestClient, clock: Time) -> None:
    log_in(stranger)
    with stranger.websocket_connect(SOCKET, headers=ORIGIN) as ws:
        for _ in range(4):
            ws.receive_text()
            clock.s += 1800
            for _ in range(3):
                ws.receive_text()
    assert state(stranger) == "in"


def test_a_token_that_may_not_read_hears_nothing(
    stranger: TestClient, access: AccessControl, clock: Time
) -> None:
    token, kept = new_token("robot", ("trade",), clock(), 2)
    access.file.change(lambda users: users.with_token(kept))
    assert refused(stranger, {"Authorization": f"Bearer {token}"}) == 1008


def test_the_log_can_say_which_script_it_was(
    stranger: TestClient, access: AccessControl, clock: Time
) -> None:
    token, kept = new_token("robot-2024", ("read",), clock(), 2)
    access.file.change(lambda users: users.with_token(kept))
    principal = access.by_token(token)
    assert principal is not None
    assert (
        redact(f"{principal.who} at 127.0.0.1: command pause")
        == "script robot-2024 at 127.0.0.1: command pause"
    )


# -------------------------------------------------------------------------------- the open sessions
def open_sessions(client: TestClient, **headers: str) -> list[dict[str, Any]]:
    answer = client.get("/api/v1/sessions", headers=headers)
    assert answer.status_code == 200
    found: list[dict[str, Any]] = answer.json()
    return found


def end_session(client: TestClient, headers: dict[str, str], id: str) -> Any:
    return client.post("/api/v1/end-session", json={"id": id}, headers=headers)


def test_one_s_sessions_are_listed_and_each_can_be_ended(
    stranger: TestClient, app: ASGIApp, source: FakeSource, clock: Time
) -> None:
    here = log_in(stranger)
    clock.s += 60
    elsewhere = TestClient(app, base_url=BASE_URL, headers={"User-Agent": "Some\tBrowser/1 " * 20})
    log_in(elsewhere)
    clock.s += 30
    log_in(TestClient(app, base_url=BASE_URL), "viewer")
    rows = open_sessions(stranger)
    assert [(row["name"], row["role"], row["is_this"]) for row in rows] == [
        ("trader", "trader", False),
        ("trader", "trader", True),
    ], "the newest first, and nobody else's"
    other, mine = rows
    assert other["browser"].startswith("Some Browser/1 ") and len(other["browser"]) == 120
    assert other["address"] == "testclient"
    assert (other["began_ms"], mine["began_ms"]) == (
        round((clock.s - 30) * 1000),
        round((clock.s - 90) * 1000),
    )
    assert mine["seen_ms"] == round(clock.s * 1000)
    assert other["seen_ms"] == other["began_ms"], "to be listed is not to be heard"
    assert other["ends_in_s"] == 3600 - 30
    cookie = stranger.cookies[COOKIE]
    assert all(word not in str(rows) for word in (cookie, here["X-CSRF-Token"]))
    left = end_session(stranger, here, other["id"])
    assert left.status_code == 200 and [row["id"] for row in left.json()] == [mine["id"]]
    assert state(elsewhere) == "out" and state(stranger) == "in"
    assert source.records[-1] == (
        "person trader (trader) at testclient",
        "page end-session",
        True,
        "a session of trader from testclient was ended",
    )
    problem(end_session(stranger, here, other["id"]), 404, "unknown_session")
    assert end_session(stranger, here, mine["id"]).status_code == 200
    assert state(stranger) == "out"


def test_nobody_ends_another_s_but_the_local_user(
    stranger: TestClient, client: TestClient, app: ASGIApp, access: AccessControl, clock: Time
) -> None:
    log_in(stranger)
    (row,) = open_sessions(client)
    viewer = TestClient(app, base_url=BASE_URL)
    headers = log_in(viewer, "viewer")
    problem(end_session(viewer, headers, row["id"]), 404, "unknown_session")
    token, kept = new_token("robot", ("read", "trade", "admin"), clock(), 2)
    access.file.change(lambda users: users.with_token(kept))
    robot = {"Authorization": f"Bearer {token}"}
    assert open_sessions(TestClient(app, base_url=BASE_URL), **robot) == []
    bare = TestClient(app, base_url=BASE_URL)
    problem(end_session(bare, robot, row["id"]), 404, "unknown_session")
    assert {one["name"] for one in open_sessions(client)} == {"trader", "viewer"}
    assert end_session(client, {}, row["id"]).status_code == 200
    assert state(stranger) == "out" and state(viewer) == "in"


def test_a_session_whose_person_has_changed_is_not_listed(
    stranger: TestClient, client: TestClient, access: AccessControl
) -> None:
    log_in(stranger)
    access.file.change(lambda users: users.with_user(User("trader", "trader", "another hash")))
    assert open_sessions(client) == []
