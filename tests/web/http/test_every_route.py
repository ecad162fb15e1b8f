"""Every route of the table, asked by everybody: who is let in, and who is not. A route that is
added is tested here without a word.
"""

import itertools
from typing import Any

import msgspec
import pytest
from starlette.routing import Route
from starlette.testclient import TestClient

from otrade.contract.views import Scope
from otrade.web.auth.tokens import new_token
from otrade.web.auth.users import UsersFile
from otrade.web.http.routes import PREFIX, ROUTES, ApiRoute
from tests.web.fake_engine import FakeSource
from tests.web.http.test_routes import problem
from tests.web.logins import BASE_URL, BEARER, PASSWORD, Time, key, log_in

CHANGES = [route for route in ROUTES if route.is_change and route.scope != "public"]
READS = [route for route in ROUTES if not route.is_change and route.scope != "public"]
TRADES = [route for route in CHANGES if route.command is not None]
SCOPES: list[Scope] = ["read", "trade", "admin"]
BODY = {
    "take-over": {"instrument_id": 0},
    "configure": {"digest": "", "values": {}, "write": True, "password": PASSWORD},
    "password": {"old": "x" * 12, "new": "y" * 12},
    "end-session": {"id": "0" * 16},
    "start-backtest": {"first": "2025-08-01", "last": "2025-08-29"},
}
QUERY = {
    "candles": "?instrument_id=0",
    "indicators": "?instrument_id=0",
    "order-timeline": "?cl_ord_id=OT0001",
    "decision": "?signal_seq=1",
    "journal": "?name=2025-09-01.otj",
    "replay": "?name=2025-09-01.otj",
    "result": "?name=first",
    "result-trades": "?name=first&day=2025-08-01",
    "result-orders": "?name=first",
    "result-candles": "?name=first&symbol=NSE:INFY&day=2025-08-01",
}


def by_name(route: ApiRoute) -> str:
    return route.name


def ask(client: TestClient, route: ApiRoute, **headers: str) -> Any:
    """The route's own good request."""
    if not route.is_change:
        return client.get(route.path + QUERY.get(route.name, ""), headers=headers)
    return client.request(
        route.method,
        route.path,
        json=BODY.get(route.command or route.name, {}),
        headers=key() | headers,
    )


def changed(source: FakeSource) -> bool:
    return bool(
        source.commands or source.queries.drafts or source.results.drafts or source.results.stops
    )


def test_there_is_something_to_test() -> None:
    assert len(CHANGES) >= 9 and len(READS) >= 12 and len(TRADES) >= 7


def test_everything_that_is_served_is_in_the_table(app: Any) -> None:
    """Except the page's own files, the documents and the broker's way back: none of them changes
    anything.
    """
    starlette = app._app._app
    served = {
        (method, route.path)
        for route in starlette.routes
        if isinstance(route, Route)
        for method in route.methods or ()
    }
    listed = {
        (method, path)
        for route in ROUTES
        for path in filter(None, (route.path, route.former_path))
        for method in (route.method, *(["HEAD"] if route.method == "GET" else []))
    }
    assert listed <= served
    assert {method for method, _ in served - listed} == {"GET", "HEAD"}
    assert {path for _, path in served - listed} == {
        "/", "/login/callback", "/favicon.svg", "/assets/index-abc.js", f"{PREFIX}/docs", f"{PREFIX}/docs.js", f"{PREFIX}/docs.css",
    }  # fmt: skip


@pytest.mark.parametrize("route", CHANGES + READS, ids=by_name)
def test_nobody_without_a_session(
    stranger: TestClient, source: FakeSource, route: ApiRoute
) -> None:
    response = ask(stranger, route, Origin=BASE_URL)
    problem(response, 401, "not_signed_in")
    assert response.headers["www-authenticate"] == "Bearer"
    assert not changed(source)


@pytest.mark.parametrize("route", CHANGES + READS, ids=by_name)
def test_nobody_with_a_wrong_token(
    stranger: TestClient, source: FakeSource, route: ApiRoute
) -> None:
    log_in(stranger)
    short, long = "Bearer " + "t" * 42, "Bearer " + "t" * 44
    for given in (
        "",
        "Bearer",
        "Bearer ",
        short,
        long,
        "Basic " + "t" * 43,
        "t" * 43,
        "Bearer \xe9",
        "Bearer otrade_",
    ):
        response = ask(stranger, route, Authorization=given.encode("latin-1"))
        problem(response, 401, "wrong_token")
    assert not changed(source), "a wrong token is not mended by a good cookie"


@pytest.mark.parametrize("cookie", ["", "x", "x" * 43, "x" * 5000, "%00", '"quoted"'])
def test_nobody_with_a_wrong_cookie(stranger: TestClient, cookie: str) -> None:
    problem(
        stranger.get("/api/v1/status", headers={"Cookie": f"otrade_8500={cookie}"}),
        401,
        "not_signed_in",
    )


@pytest.mark.parametrize("route", CHANGES, ids=by_name)
def test_no_change_without_the_csrf_token(
    stranger: TestClient, source: FakeSource, route: ApiRoute
) -> None:
    log_in(stranger)
    problem(ask(stranger, route, Origin=BASE_URL), 403, "wrong_csrf")
    for csrf in ("", "x", "x" * 43):
        problem(ask(stranger, route, Origin=BASE_URL, **{"X-CSRF-Token": csrf}), 403, "wrong_csrf")
    assert not changed(source)
    assert stranger.get("/api/v1/status").status_code == 200, "and the session goes on"


@pytest.mark.parametrize("route", CHANGES, ids=by_name)
def test_no_change_with_the_csrf_token_of_another_session(
    stranger: TestClient, source: FakeSource, route: ApiRoute
) -> None:
    old = log_in(stranger)
    stranger.cookies.clear()
    log_in(stranger)
    problem(ask(stranger, route, **old), 403, "wrong_csrf")
    assert not changed(source)


@pytest.mark.parametrize("route", CHANGES, ids=by_name)
def test_no_change_from_a_foreign_page(
    stranger: TestClient, source: FakeSource, route: ApiRoute
) -> None:
    headers = log_in(stranger)
    for origin in ("http://evil.example", "null", "http://127.0.0.1:9999", "http://localhost:8500"):
        problem(ask(stranger, route, **headers | {"Origin": origin}), 403, "foreign_origin")
    del headers["Origin"]  # a browser always says it for a change
    problem(ask(stranger, route, **headers), 403, "foreign_origin")
    assert not changed(source)


@pytest.mark.parametrize("route", TRADES, ids=by_name)
def test_a_viewer_changes_nothing(
    stranger: TestClient, source: FakeSource, route: ApiRoute
) -> None:
    headers = log_in(stranger, "viewer")
    problem(ask(stranger, route, **headers), 403, "no_right")
    assert not changed(source)
    [(who, what, ok, words)] = source.records[-1:]
    assert (who, what, ok) == (
        "person viewer (viewer) at testclient",
        route.command,
        False,
    ) and words.startswith("no_right")


@pytest.mark.parametrize("route", READS, ids=by_name)
@pytest.mark.parametrize("name", ["viewer", "trader"])
def test_people_read(stranger: TestClient, route: ApiRoute, name: str) -> None:
    log_in(stranger, name)
    assert ask(stranger, route).status_code == 200


@pytest.mark.parametrize("route", TRADES, ids=by_name)
def test_a_trader_changes(stranger: TestClient, source: FakeSource, route: ApiRoute) -> None:
    headers = log_in(stranger)
    assert ask(stranger, route, **headers).status_code == 200
    assert [name for name, _ in source.commands] == [route.command]
    assert source.who == ["person trader (trader) at testclient"]


@pytest.mark.parametrize("route", TRADES, ids=by_name)
def test_the_command_line_changes(
    stranger: TestClient, source: FakeSource, route: ApiRoute
) -> None:
    assert ask(stranger, route, **BEARER).status_code == 200
    assert changed(source)


@pytest.mark.parametrize(
    "scopes",
    [scopes for n in (1, 2, 3) for scopes in itertools.combinations(SCOPES, n)],
    ids="+".join,
)
def test_a_script_may_what_its_token_says(
    stranger: TestClient, source: FakeSource, access: Any, clock: Time, scopes: tuple[Scope, ...]
) -> None:
    token, kept = new_token("robot", scopes, clock(), 1)
    file: UsersFile = access.file
    file.change(lambda users: users.with_token(kept))
    for route in CHANGES + READS:
        response = ask(stranger, route, Authorization=f"Bearer {token}")
        if route.scope not in scopes:
            problem(response, 403, "no_right")
        elif route.session_only:
            problem(response, 403, "only_person")
        elif route.name == "end-session":
            problem(response, 404, "unknown_session")  # a script has none
        else:
            assert response.status_code == 200, route
    assert len(source.commands) == sum(route.scope in scopes for route in TRADES)
    assert set(source.who) <= {"script robot at testclient"}


@pytest.mark.parametrize("route", ROUTES, ids=by_name)
def test_a_scope_is_one_that_the_contract_knows(route: ApiRoute) -> None:
    assert route.scope in ("public", *SCOPES)
    if route.command is not None:
        assert route.is_change and route.scope in ("trade", "admin"), (
            "a command is never a viewer's"
        )


@pytest.mark.parametrize("route", [route for route in ROUTES if not route.is_change], ids=by_name)
def test_answers_are_what_the_table_says(client: TestClient, route: ApiRoute) -> None:
    response = ask(client, route)
    assert response.headers["content-type"].partition(";")[0] == route.media_type
    if route.media_type == "application/json":
        msgspec.json.decode(response.content, type=route.response)
