"""Every route that reads, and every way to ask it wrongly."""

import asyncio

import msgspec
import pytest
from starlette.testclient import TestClient

from otrade.contract import views
from tests.web.fake_engine import MINUTE_MS, STATUS, T0_MS, FakeSource

PROBLEM_JSON = "application/problem+json"


def problem(response: object, status: int, code: str) -> views.Problem:
    """The problem of an answer, checked against the contract."""
    assert response.status_code == status
    assert response.headers["content-type"] == PROBLEM_JSON
    found = msgspec.json.decode(response.content, type=views.Problem)
    assert (found.status, found.code) == (status, code)
    assert found.title and found.detail and found.fix
    return found


def test_status(client: TestClient) -> None:
    response = client.get("/api/v1/status")
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert msgspec.json.decode(response.content, type=views.Status) == STATUS
    told = response.json()
    assert told["now_ms"] == 1_756_701_900_000
    assert told["pnl"]["net_e4"] == 15_561_200
    assert told["latency"] == {"p50_ns": 21_400, "p99_ns": 88_000, "max_ns": 412_000, "count": 41}


@pytest.mark.parametrize(
    ("name", "kind", "n"),
    [
        ("instruments", views.InstrumentView, 3),
        ("strategies", views.StrategyView, 2),
        ("brackets", views.BracketView, 2),
        ("orders", views.OrderView, 2),
        ("positions", views.PositionView, 1),
        ("trades", views.TradeView, 1),
        ("signals", views.SignalView, 2),
        ("notices", views.NoticeView, 2),
    ],
)
def test_tables(
    client: TestClient, source: FakeSource, name: str, kind: type[views.Row], n: int
) -> None:
    response = client.get(f"/api/v1/{name}")
    assert response.status_code == 200
    rows = msgspec.json.decode(response.content, type=list[kind])
    assert len(rows) == n
    held = {"signals": source.signals(0), "notices": source.notices(0)}
    assert rows == list(held.get(name) or getattr(source, name)())


@pytest.mark.parametrize("name", ["signals", "notices"])
def test_since(client: TestClient, name: str) -> None:
    assert [row["seq"] for row in client.get(f"/api/v1/{name}?since_seq=1").json()] == [2]
    assert client.get(f"/api/v1/{name}?since_seq=2").json() == []
    found = problem(client.get(f"/api/v1/{name}?since_seq=-1"), 422, "wrong_parameter")
    assert found.field == "since_seq"


def test_candles(client: TestClient) -> None:
    rows = client.get("/api/v1/candles?instrument_id=0&interval_s=60").json()
    assert len(rows) == 61
    assert rows[0] == {
        "ts_ms": T0_MS,
        "open_e4": 14_998_000,
        "high_e4": 15_003_000,
        "low_e4": 14_996_000,
        "close_e4": 15_000_000,
        "volume": 1000,
    }
    since = T0_MS + 59 * MINUTE_MS
    rows = client.get(f"/api/v1/candles?instrument_id=0&interval_s=60&since_ms={since}").json()
    assert [row["ts_ms"] for row in rows] == [since, since + MINUTE_MS]
    assert client.get("/api/v1/candles?instrument_id=1").json() == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "instrument_id"),
        ("instrument_id=", "instrument_id"),
        ("instrument_id=INFY", "instrument_id"),
        ("instrument_id=1.0", "instrument_id"),
        ("instrument_id=-1", "instrument_id"),
        ("instrument_id=%D9%A1", "instrument_id"),  # an Arabic one: a digit, but not one of ours
        ("instrument_id=1_0", "instrument_id"),
        ("instrument_id=99999999999999999999999", "instrument_id"),
        ("instrument_id=0&interval_s=61", "interval_s"),
        ("instrument_id=0&interval_s=x", "interval_s"),
        ("instrument_id=0&since_ms=yesterday", "since_ms"),
    ],
)
def test_wrong_parameters(client: TestClient, query: str, field: str) -> None:
    found = problem(client.get(f"/api/v1/candles?{query}"), 422, "wrong_parameter")
    assert found.field == field
    assert field in found.fix


def test_unknown_instrument(client: TestClient) -> None:
    found = problem(client.get("/api/v1/candles?instrument_id=77"), 404, "unknown_instrument")
    assert found.field == "instrument_id"
    assert "77" in found.detail and "/api/v1/instruments" in found.fix


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/",
        "/api/v1/nothing",
        "/nothing.js",
        "/assets/../index.html",
        "/assets/%2e%2e/%2e%2e/app.py",
    ],
)
def test_unknown_routes(client: TestClient, path: str) -> None:
    problem(client.get(path), 404, "unknown_route")


def test_wrong_method(client: TestClient) -> None:
    response = client.get("/api/v1/commands/pause")
    found = problem(response, 405, "wrong_method")
    assert "POST" in found.fix
    assert response.headers["allow"] == "POST"


def test_health(client: TestClient, source: FakeSource) -> None:
    assert client.get("/healthz").text == "ok\n"
    source.broken = True
    problem(client.get("/healthz"), 500, "internal")


def test_an_error_inside_says_nothing_of_its_cause(
    client: TestClient, source: FakeSource, caplog: pytest.LogCaptureFixture
) -> None:
    source.broken = True
    response = client.get("/api/v1/status")
    problem(response, 500, "internal")
    assert "secret-looking" not in response.text
    assert "/api/v1/status failed" in caplog.text


def test_ready_or_why_not(client: TestClient, stranger: TestClient, source: FakeSource) -> None:
    assert client.get("/readyz").text == stranger.get("/readyz").text == "ready\n"
    source.why_not_ready = ["the feed is down", "a person has paused entries"]
    found = problem(client.get("/readyz"), 503, "not_ready")
    assert found.detail == "the feed is down; a person has paused entries"
    assert "paused" not in problem(stranger.get("/readyz"), 503, "not_ready").detail


def test_metrics(client: TestClient) -> None:
    response = client.get("/metrics")
    assert response.text == "otrade_ready 1.0\n"
    assert response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert response.headers["cache-control"] == "no-store"


def test_accounts_say_whose_word_they_are_and_when(client: TestClient, source: FakeSource) -> None:
    rows = msgspec.json.decode(client.get("/api/v1/accounts").content, type=list[views.AccountView])
    assert rows == source.account_rows
    assert rows[1].trouble and not rows[1].positions, "nothing known is not nothing held"


def test_the_morning_board(client: TestClient, source: FakeSource) -> None:
    assert (
        msgspec.json.decode(client.get("/api/v1/preflight").content, type=views.PreflightView)
        == source.board
    )
    source.board = None
    problem(client.get("/api/v1/preflight"), 409, "refused")


@pytest.mark.parametrize("path", ["/api/v1/accounts", "/api/v1/preflight"])
def test_a_broker_that_says_nothing_keeps_nobody_waiting(
    client: TestClient, source: FakeSource, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    async def never() -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr("otrade.web.rest.handlers.BROKER_WITHIN_S", 0)
    monkeypatch.setattr(source, "accounts", never)
    monkeypatch.setattr(source, "preflight", never)
    assert "not answered" in problem(client.get(path), 409, "refused").detail
