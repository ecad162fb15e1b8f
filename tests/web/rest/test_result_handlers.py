"""Routes of results and backtests: who may, what is refused in words, and what the audit says."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.web.fake_engine import FakeSource
from tests.web.http.test_routes import problem
from tests.web.logins import log_in

DRAFT = {"first": "2025-08-01", "last": "2025-08-29", "name": "mine", "latency_ms": 25}


def test_results_are_read(client: TestClient) -> None:
    [row] = client.get("/api/v1/results").json()
    assert row["name"] == "first" and row["net_e4"] is None
    assert client.get("/api/v1/result?name=first").json()["summary"] == row
    for name in ("result-trades", "result-orders"):
        assert client.get(f"/api/v1/{name}?name=first&day=2025-08-01").json() == {
            "rows": [],
            "total": 0,
        }
    assert (
        client.get("/api/v1/result-candles?name=first&symbol=NSE:INFY&day=2025-08-01").json() == []
    )
    assert client.get("/api/v1/backtest").json()["state"] == "none"


@pytest.mark.parametrize(
    "path",
    [
        "result?name=second",
        "result-trades?name=second",
        "result-candles?name=second&symbol=NSE:A&day=2025-08-01",
    ],
)
def test_what_is_not_there_is_said(client: TestClient, path: str) -> None:
    told = problem(client.get(f"/api/v1/{path}"), 409, "refused")
    assert "there is no result 'second'" in told.detail


@pytest.mark.parametrize(
    "query",
    ["result?name=../../etc", "result?name=", "result?name=.hidden", "result-trades?name=first&day=now",
     "result-trades?name=first&limit=501", "result-candles?name=first&symbol=--x&day=2025-08-01"],
)  # fmt: skip
def test_names_have_a_form(client: TestClient, query: str) -> None:
    assert client.get(f"/api/v1/{query}").status_code == 422


def test_a_backtest_is_started_in_a_name(stranger: TestClient, source: FakeSource) -> None:
    csrf = log_in(stranger)
    view = stranger.post("/api/v1/start-backtest", json=DRAFT, headers=csrf).json()
    assert view["state"] == "running" and view["started_by"] == "person trader (trader)"
    [draft] = source.results.drafts
    assert draft.latency_ms == 25 and draft.slippage_ticks == 1
    assert ("page start-backtest", True) in [(what, ok) for _, what, ok, _ in source.records]
    stranger.post("/api/v1/stop-backtest", json={}, headers=csrf)
    assert source.results.stops == 1


def test_a_viewer_starts_and_ends_none(stranger: TestClient, source: FakeSource) -> None:
    csrf = log_in(stranger, "viewer")
    for name, body in (("start-backtest", DRAFT), ("stop-backtest", {})):
        problem(stranger.post(f"/api/v1/{name}", json=body, headers=csrf), 403, "no_right")
    assert not source.results.drafts and not source.results.stops
    assert stranger.get("/api/v1/backtest").status_code == 200


def test_a_refusal_is_said_and_written_down(client: TestClient, source: FakeSource) -> None:
    source.results.refusal = "mine runs: stop it"
    told = problem(client.post("/api/v1/start-backtest", json=DRAFT), 409, "refused")
    assert told.detail == "mine runs: stop it"
    assert ("page start-backtest", False) in [(what, ok) for _, what, ok, _ in source.records]


@pytest.mark.parametrize(
    "changes",
    [{"first": ""}, {"name": "../x"}, {"data": "/etc"}, {"config": "/etc/passwd"}, {"seed": -1},
     {"prices": [{"symbol": "x", "series": "y"}]}],
)  # fmt: skip
def test_a_draft_that_is_none_is_refused(
    client: TestClient, source: FakeSource, changes: dict[str, Any]
) -> None:
    assert client.post("/api/v1/start-backtest", json=DRAFT | changes).status_code == 422
    assert not source.results.drafts
