"""The table of routes: what is served, who may ask for it, and what goes in and out.

The application, its OpenAPI document and the tests that go through every route all read this table;
a route that is not here is not served. A handler is found by the route's name (`api.py`,
`signing.py`), or else is the method of that name of `EngineSource`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from otrade.contract import queries, views
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
    only_person: bool = False
    """For somebody with a session, not for a program with a token."""
    body_bytes_max: int = COMMAND_BYTES_MAX
    media_type: str = JSON

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


def _command(name: CommandName, scope: Scope, summary: str, request: type[Row]) -> ApiRoute:
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
    )


SIGNING = (
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
        views.FirstPassword,
        views.SessionGrant,
    ),
    _post("login", "public", "Begin a session", views.SignIn, views.SessionGrant),
    _post("logout", "read", "End this session", views.SignOut, views.SessionView, only_person=True),
    _post(
        "password",
        "read",
        "Change one's own password",
        views.PasswordChange,
        views.SessionGrant,
        only_person=True,
    ),
)
READS = (
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
    _get("preflight", "The morning board", views.PreflightView),
)
LOOKS = (
    _get(
        "equity", "The day's profit over time", list[queries.EquityPoint], query=queries.EquityQuery
    ),
    _get(
        "lines",
        "The averages of an instrument's strategies",
        list[queries.StrategyLine],
        query=queries.LinesQuery,
    ),
    _get(
        "story",
        "What became of one order, step by step, and why it was sent",
        queries.OrderStory,
        query=queries.StoryQuery,
    ),
    _get("why", "Why a signal was taken or refused", queries.WhyView, query=queries.WhyQuery),
    _get("latency", "How long the stages of the pipeline took", list[queries.StageView]),
    _get(
        "limits", "The broker's rates and our limits, and what of them is used", queries.LimitsView
    ),
    _get("journals", "The journals on the disk", list[queries.JournalFileView]),
    _get("journal", "Rows of a journal", queries.JournalPage, query=queries.JournalQuery),
    _get(
        "moment", "The engine as it was, from a journal", queries.Moment, query=queries.MomentQuery
    ),
    _get("config", "The configuration file and its schema", queries.ConfigView),
    _post(
        "configure",
        "admin",
        "Check a configuration, or write it",
        queries.ConfigDraft,
        queries.ConfigVerdict,
        body_bytes_max=CONFIG_BYTES_MAX,
    ),
)
COMMANDS = (
    _command("pause", "trade", "No new entries; exits and stops go on", views.PauseArgs),
    _command("resume", "trade", "Entries again; `rearm` lifts a latched halt", views.ResumeArgs),
    _command(
        "reduce",
        "trade",
        "Take unfilled entries out and take no new ones, until re-armed",
        views.ReduceArgs,
    ),
    _command(
        "flatten",
        "trade",
        "Close every open position, or those of one instrument",
        views.FlattenArgs,
    ),
    _command(
        "adopt", "trade", "Take over a position that somebody else has opened", views.AdoptArgs
    ),
    _command("kill", "trade", "Halt now; every stop stays at the exchange", views.KillArgs),
    _command("stop", "admin", "End the engine gracefully", views.StopArgs),
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
ROUTES: Sequence[ApiRoute] = (*SIGNING, *READS, *LOOKS, *COMMANDS, *PLAIN)

assert {route.command for route in COMMANDS} == set(get_args(CommandName))
assert (
    len({route.name for route in ROUTES})
    == len({(route.method, route.path) for route in ROUTES})
    == len(ROUTES)
)
