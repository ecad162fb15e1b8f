"""The table of routes: what is served, who may ask for it, and what goes in and out.

The application, its OpenAPI document and the tests that go through every route all read this table;
a route that is not here is not served. A handler is found by the route's name (`handlers.py`, `query_handlers.py`,
`result_handlers.py`, `session_handlers.py`), or else is the method of that name of `EngineSource`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from otrade.contract import queries, results, views
from otrade.contract.views import CommandName, Row, Scope

PREFIX = "/api/v1"
SOCKET_PATH = f"{PREFIX}/ws"
CALLBACK_PATH = "/login/callback"
COMMAND_BYTES_MAX = 4 * 1024
CONFIG_BYTES_MAX = 1024 * 1024
JSON, TEXT = "application/json", "text/plain"


@dataclass(frozen=True, slots=True)
class ApiRoute:
    """One row. `scope` is what the asker must have; "public" asks for nothing, and is for what must
    work before a login.
    """

    name: str
    method: Literal["GET", "POST"]
    path: str
    scope: Scope | Literal["public"]
    summary: str
    response: Any
    """Type of a good answer."""
    query: type[Row] | None = None
    request: type[Row] | None = None
    """Type of the body."""
    command: CommandName | None = None
    """A command to the engine: it carries an idempotency key, and is in the journal."""
    session_only: bool = False
    """For somebody with a session, not for a program with a token."""
    former_path: str = ""
    """Its path before 0.2.0, served until 0.3.0; CHANGELOG.md has the table."""
    body_bytes_max: int = COMMAND_BYTES_MAX
    media_type: str = JSON

    @property
    def handler_name(self) -> str:
        return self.name.replace("-", "_")

    @property
    def is_change(self) -> bool:
        return self.method != "GET"

    @property
    def needs_csrf(self) -> bool:
        """Whether somebody who shows a session cookie must show that session's CSRF token too."""
        return self.is_change and self.scope != "public"


def _get(name: str, summary: str, response: Any, **more: Any) -> ApiRoute:
    return ApiRoute(
        name,
        "GET",
        more.pop("path", f"{PREFIX}/{name}"),
        more.pop("scope", "read"),
        summary,
        response,
        **more,
    )


def _post(
    name: str,
    scope: Scope | Literal["public"],
    summary: str,
    request: type[Row],
    response: Any,
    **more: Any,
) -> ApiRoute:
    return ApiRoute(
        name, "POST", f"{PREFIX}/{name}", scope, summary, response, request=request, **more
    )


def _command(
    name: CommandName, scope: Scope, summary: str, request: type[Row], former: str = ""
) -> ApiRoute:
    path = f"{PREFIX}/commands/{name}"
    return ApiRoute(
        f"command_{name}",
        "POST",
        path,
        scope,
        summary,
        views.CommandResult,
        request=request,
        command=name,
        former_path=f"{PREFIX}/commands/{former}" if former else "",
    )


SESSIONS = (
    _get(
        "session",
        "Who asks, and whether a first password must be set",
        views.SessionView,
        scope="public",
    ),
    _post(
        "setup",
        "public",
        "Set the first password, with the code that the terminal shows",
        views.FirstPasswordRequest,
        views.SessionGrant,
    ),
    _post("login", "public", "Begin a session", views.LoginRequest, views.SessionGrant),
    _post(
        "logout",
        "read",
        "End this session",
        views.LogoutRequest,
        views.SessionView,
        session_only=True,
    ),
    _post(
        "end-session",
        "read",
        "End one of those",
        views.EndSessionRequest,
        list[views.LoginSessionView],
    ),
    _post(
        "password",
        "read",
        "Change one's own password",
        views.PasswordChangeRequest,
        views.SessionGrant,
        session_only=True,
    ),
)
VIEWS = (
    _get("status", "The engine on one screen", views.Status),
    _get("instruments", "What is traded, with its last prices", list[views.InstrumentView]),
    _get("strategies", "The strategies and their indicators", list[views.StrategyView]),
    _get("brackets", "The brackets of the day", list[views.BracketView]),
    _get("orders", "The orders of the day", list[views.OrderView]),
    _get("positions", "The positions", list[views.PositionView]),
    _get("trades", "The closed brackets of the day", list[views.TradeView]),
    _get(
        "signals",
        "The signals of the day, taken or not",
        list[views.SignalView],
        query=views.SinceQuery,
    ),
    _get("notices", "The notices of the day", list[views.NoticeView], query=views.SinceQuery),
    _get("candles", "Candles of one instrument", list[views.Candle], query=views.CandlesQuery),
    _get("accounts", "What every configured broker holds for us", list[views.AccountView]),
    _get("preflight", "The preflight checks", views.PreflightView),
)
QUERIES = (
    _get(
        "equity", "The day's profit over time", list[queries.EquityPoint], query=queries.EquityQuery
    ),
    _get(
        "indicators",
        "The indicators of an instrument's strategies, by bar",
        list[queries.IndicatorSeries],
        query=queries.IndicatorsQuery,
        former_path=f"{PREFIX}/lines",
    ),
    _get(
        "order-timeline",
        "What became of one order, step by step, and why it was sent",
        queries.OrderTimelineView,
        query=queries.OrderTimelineQuery,
        former_path=f"{PREFIX}/story",
    ),
    _get(
        "decision",
        "Why a signal was taken or refused",
        queries.DecisionView,
        query=queries.DecisionQuery,
        former_path=f"{PREFIX}/why",
    ),
    _get("latency", "How long the stages of the pipeline took", list[queries.LatencyStageView]),
    _get(
        "limits", "The broker's rates and our limits, and what of them is used", queries.LimitsView
    ),
    _get("journals", "The journals on the disk", list[queries.JournalFileView]),
    _get("journal", "Rows of a journal", queries.JournalPage, query=queries.JournalQuery),
    _get(
        "replay",
        "The engine as it was, from a journal",
        queries.ReplayView,
        query=queries.ReplayQuery,
        former_path=f"{PREFIX}/moment",
    ),
    _get(
        "sessions",
        "One's own logins that are open; everybody's for the local user",
        list[views.LoginSessionView],
    ),
    _get(
        "engine-process",
        "The engine's process, how it would be started, what stopping it does",
        queries.EngineProcessView,
    ),
    _get("config", "The configuration file and its schema", queries.ConfigView),
    _post(
        "configure",
        "admin",
        "Check a configuration, or write it",
        queries.ConfigDraft,
        queries.ConfigVerdict,
        session_only=True,
        body_bytes_max=CONFIG_BYTES_MAX,
    ),
    _post(
        "start-engine",
        "admin",
        "Start the engine that the machine's owner has configured",
        views.StartEngineRequest,
        views.CommandResult,
        session_only=True,
    ),
)
RESULTS = (
    _get("results", "Results of backtests and days that are kept", list[results.ResultSummary]),
    _get(
        "result",
        "One result whole: figures, groups, days, equity",
        results.ResultView,
        query=results.ResultQuery,
    ),
    _get(
        "result-trades",
        "Trades of a result",
        results.ResultTradesPage,
        query=results.ResultRowsQuery,
    ),
    _get(
        "result-orders",
        "Orders of a result",
        results.ResultOrdersPage,
        query=results.ResultRowsQuery,
    ),
    _get(
        "result-candles",
        "Minutes of an instrument's day, where the price archive has them",
        list[views.Candle],
        query=results.ResultCandlesQuery,
    ),
    _get("backtest", "The backtest that was started here last", results.BacktestView),
    _post(
        "start-backtest",
        "trade",
        "Start a backtest of the configuration file, in a process of its own",
        results.BacktestDraft,
        results.BacktestView,
    ),
    _post(
        "stop-backtest",
        "trade",
        "End the backtest that runs; it leaves nothing",
        results.BacktestStop,
        results.BacktestView,
    ),
)
COMMANDS = (
    _command("pause", "trade", "No new entries; exits and stops go on", views.PauseArgs),
    _command("resume", "trade", "Lift a pause: entries again", views.ResumeArgs),
    _command("rearm", "trade", "Lift a latched halt: entries again", views.RearmArgs),
    _command(
        "stop-entries",
        "trade",
        "Take unfilled entries out and take no new ones, until re-armed",
        views.StopEntriesArgs,
        former="reduce",
    ),
    _command(
        "flatten",
        "trade",
        "Close every open position, or those of one instrument",
        views.FlattenArgs,
    ),
    _command(
        "take-over",
        "trade",
        "Take over a position that somebody else has opened",
        views.TakeOverArgs,
        former="adopt",
    ),
    _command("kill", "trade", "Halt now; every stop stays at the exchange", views.KillArgs),
    _command(
        "stop-engine",
        "admin",
        "End the engine gracefully; a person gives his password again",
        views.StopEngineRequest,
        former="stop",
    ),
    _command(
        "test-alert", "trade", "Send a test alert to every configured target", views.TestAlertArgs
    ),
    _command("login", "admin", "Begin a login at the broker", views.LoginArgs),
)
PLAIN = (
    _get("openapi", "This document", dict[str, Any], path=f"{PREFIX}/openapi.json", scope="public"),
    _get(
        "ready",
        "Whether an entry would be taken now; why not: to who may read",
        str,
        path="/readyz",
        scope="public",
        media_type=TEXT,
    ),
    _get("metrics", "The engine's numbers for Prometheus", str, path="/metrics", media_type=TEXT),
    _get(
        "health",
        "Whether the loop answers and the views can be built",
        str,
        path="/healthz",
        scope="public",
        media_type=TEXT,
    ),
)
ROUTES: Sequence[ApiRoute] = (*SESSIONS, *VIEWS, *QUERIES, *RESULTS, *COMMANDS, *PLAIN)

assert {route.command for route in COMMANDS} == set(get_args(CommandName))
assert (
    len({route.name for route in ROUTES})
    == len({(route.method, route.path) for route in ROUTES})
    == len(ROUTES)
)
