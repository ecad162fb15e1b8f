"""The table of routes: what is served, who may ask for it, and what goes in and out.

The application, its OpenAPI document and the tests that go through every route all read this table; a route that is not here is not
served. A handler is found by the route's name (`api.py`, `signing.py`), or else is the method of that name of `EngineSource`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from . import asked, schema
from .schema import CommandName, Row, Scope

PREFIX = "/api/v1"
SOCKET_PATH = f"{PREFIX}/ws"
CALLBACK_PATH = "/login/callback"
COMMAND_BYTES_MAX = 4 * 1024
CONFIG_BYTES_MAX = 1024 * 1024
JSON, TEXT = "application/json", "text/plain"


@dataclass(frozen=True, slots=True)
class ApiRoute:
    """One row. `scope` is what the asker must have; "public" asks for nothing, and is for what must work before a login."""

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
    return ApiRoute(name, "GET", more.pop("path", f"{PREFIX}/{name}"), more.pop("scope", "read"), summary, response, **more)


def _post(name: str, scope: Scope | Literal["public"], summary: str, request: type[Row], response: Any, **more: Any) -> ApiRoute:
    return ApiRoute(name, "POST", f"{PREFIX}/{name}", scope, summary, response, request=request, **more)


def _command(name: CommandName, scope: Scope, summary: str, request: type[Row]) -> ApiRoute:
    path = f"{PREFIX}/commands/{name}"
    return ApiRoute(f"command_{name}", "POST", path, scope, summary, schema.CommandResult, request=request, command=name)


SIGNING = (
    _get("session", "Who asks, and whether a first password must be set", schema.SessionView, scope="public"),
    _post("setup", "public", "Set the first password, with the code that the terminal shows", schema.FirstPassword, schema.SessionGrant),
    _post("login", "public", "Begin a session", schema.SignIn, schema.SessionGrant),
    _post("logout", "read", "End this session", schema.SignOut, schema.SessionView, only_person=True),
    _post("password", "read", "Change one's own password", schema.PasswordChange, schema.SessionGrant, only_person=True),
)
READS = (
    _get("status", "The engine on one screen", schema.Status),
    _get("instruments", "What is traded, with its last prices", list[schema.InstrumentView]),
    _get("strategies", "The strategies and their indicators", list[schema.StrategyView]),
    _get("brackets", "The brackets of the day", list[schema.BracketView]),
    _get("orders", "The orders of the day", list[schema.OrderView]),
    _get("positions", "The positions", list[schema.PositionView]),
    _get("trades", "The closed brackets of the day", list[schema.TradeView]),
    _get("signals", "The signals of the day, taken or not", list[schema.SignalView], query=schema.SinceQuery),
    _get("notices", "The notices of the day", list[schema.NoticeView], query=schema.SinceQuery),
    _get("candles", "Candles of one instrument", list[schema.Candle], query=schema.CandlesQuery),
    _get("accounts", "What every configured broker holds for us", list[schema.AccountView]),
    _get("preflight", "The morning board", schema.PreflightView),
)
LOOKS = (
    _get("equity", "The day's profit over time", list[asked.EquityPoint], query=asked.EquityQuery),
    _get("lines", "The averages of an instrument's strategies", list[asked.StrategyLine], query=asked.LinesQuery),
    _get("story", "What became of one order, step by step, and why it was sent", asked.OrderStory, query=asked.StoryQuery),
    _get("why", "Why a signal was taken or refused", asked.WhyView, query=asked.WhyQuery),
    _get("latency", "How long the stages of the pipeline took", list[asked.StageView]),
    _get("limits", "The broker's rates and our limits, and what of them is used", asked.LimitsView),
    _get("journals", "The journals on the disk", list[asked.JournalFileView]),
    _get("journal", "Rows of a journal", asked.JournalPage, query=asked.JournalQuery),
    _get("moment", "The engine as it was, from a journal", asked.Moment, query=asked.MomentQuery),
    _get("config", "The configuration file and its schema", asked.ConfigView),
    _post(
        "configure",
        "admin",
        "Check a configuration, or write it",
        asked.ConfigDraft,
        asked.ConfigVerdict,
        body_bytes_max=CONFIG_BYTES_MAX,
    ),
)
COMMANDS = (
    _command("pause", "trade", "No new entries; exits and stops go on", schema.PauseArgs),
    _command("resume", "trade", "Entries again; `rearm` lifts a latched halt", schema.ResumeArgs),
    _command("reduce", "trade", "Take unfilled entries out and take no new ones, until re-armed", schema.ReduceArgs),
    _command("flatten", "trade", "Close every open position, or those of one instrument", schema.FlattenArgs),
    _command("adopt", "trade", "Take over a position that somebody else has opened", schema.AdoptArgs),
    _command("kill", "trade", "Halt now; every stop stays at the exchange", schema.KillArgs),
    _command("stop", "admin", "End the engine gracefully", schema.StopArgs),
    _command("test-alert", "trade", "Send a test alert to every configured target", schema.TestAlertArgs),
    _command("login", "admin", "Begin a login at the broker", schema.LoginArgs),
)
PLAIN = (
    _get("openapi", "This document", dict[str, Any], path=f"{PREFIX}/openapi.json", scope="public"),
    _get("ready", "Whether an entry would be taken now; why not: to who may read", str, path="/readyz", scope="public", media_type=TEXT),
    _get("metrics", "The engine's numbers for Prometheus", str, path="/metrics", media_type=TEXT),
    _get("health", "Whether the loop answers and the views can be built", str, path="/healthz", scope="public", media_type=TEXT),
)
ROUTES: Sequence[ApiRoute] = (*SIGNING, *READS, *LOOKS, *COMMANDS, *PLAIN)

assert {route.command for route in COMMANDS} == set(get_args(CommandName))
assert len({route.name for route in ROUTES}) == len({(route.method, route.path) for route in ROUTES}) == len(ROUTES)
