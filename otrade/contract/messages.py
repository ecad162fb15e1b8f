"""What is said on the engine's Unix socket (`var/run/engine.sock`), as msgpack in the chunks of
`framing`.

A peer says who it is (`Hello`) and is welcomed or refused in words. Then it may ask (`QueryRequest`, answered
by `QueryAnswer` with the same id), act in somebody's name (`ActRequest`, `FinishLogin`, answered by `Acted`),
and subscribe: it is told a snapshot and then deltas, as a page is (`views`). Answers come in any
order. Fields that the other side does not know are ignored, so that a command line of another
version can still stop an engine.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from otrade.contract import queries, views

SOCKET = "engine.sock"
"""In the folder `run` of the engine's directory."""
REQUEST_BYTES_MAX = 60 * 1024
"""Of a message to the engine: it fits into one chunk."""
KEY_PATTERN = r"[\x21-\x7e]{8,128}"
"""Of a command's key."""
KEY_KEPT_S = 600
"""So long the answer to a command is kept for whoever sends it again."""
REPLY_BYTES_MAX = 64 * 1024 * 1024
"""Of a message from it: a snapshot of everything that fits into its tables."""

PeerRole = Literal["server", "cli"]
QueryName = Literal[
    "status",
    "instruments",
    "candles",
    "equity",
    "indicators",
    "order_timeline",
    "decision",
    "latency",
    "limits",
    "accounts",
    "preflight",
    "metrics",
    "running_config",
]
ActRefusal = Literal[
    "", "wrong_key", "foreign_key", "reused_key", "expired_key", "expired", "failed"
]
"""Why there is no result; empty when there is one. `expired`: the command came too late; `failed`: it
was begun, and what came of it is not known.
"""

CommandArgs = (
    views.PauseArgs
    | views.RearmArgs
    | views.StopEntriesArgs
    | views.FlattenArgs
    | views.TakeOverArgs
    | views.KillArgs
    | views.StopEngineArgs
    | views.LoginArgs
    | views.TestAlertArgs
)
COMMAND_ARGS: dict[views.CommandName, type[CommandArgs]] = {
    "pause": views.PauseArgs,
    "resume": views.RearmArgs,
    "rearm": views.RearmArgs,
    "stop-entries": views.StopEntriesArgs,
    "flatten": views.FlattenArgs,
    "take-over": views.TakeOverArgs,
    "kill": views.KillArgs,
    "stop-engine": views.StopEngineArgs,
    "login": views.LoginArgs,
    "test-alert": views.TestAlertArgs,
}
"""What each command is given."""


class Message(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """Base of what is said on the socket and not on the page's."""


# ----------------------------------------------------------------------------------- to the engine
class Hello(Message, frozen=True, kw_only=True, tag="hello"):
    """First. A server must be of the engine's own version."""

    role: PeerRole
    version: str


class Subscribe(Message, frozen=True, kw_only=True, tag="subscribe"):
    """Begin to tell; or, when it is being told: something is missing, tell everything."""


class QueryRequest(Message, frozen=True, kw_only=True, tag="ask"):
    id: int
    name: QueryName
    args: dict[str, int | str] = {}


class ActRequest(Message, frozen=True, kw_only=True, tag="act"):
    """`actor` is a person or a script, `via` says from where. The same key again gets the first
    answer. After `expires_ms` (UNIX time; null: never) it is not done any more; a kill always is.
    """

    id: int
    name: views.CommandName
    args: dict[str, int | bool | None] = {}
    actor: Annotated[str, Meta(max_length=128)]
    via: Annotated[str, Meta(max_length=128)] = ""
    key: Annotated[str, Meta(max_length=128)]
    expires_ms: int | None = None


class FinishLogin(Message, frozen=True, kw_only=True, tag="finish_login"):
    """Where the broker has sent a person's browser; its state is the proof that the login was begun
    here.
    """

    id: int
    redirected_to: Annotated[str, Meta(max_length=8192)]

    def __repr__(self) -> str:
        return f"FinishLogin(id={self.id})"


class PersonRecord(Message, frozen=True, kw_only=True, tag="person_record"):
    """What somebody has done on the page that is no command, for the journal; it is not answered. What
    was refused stays in the server's audit.
    """

    who: Annotated[str, Meta(max_length=256)]
    what: Annotated[str, Meta(max_length=64)]
    words: Annotated[str, Meta(max_length=1024)]


Request = Hello | Subscribe | QueryRequest | ActRequest | FinishLogin | PersonRecord


# --------------------------------------------------------------------------------- from the engine
class Welcome(Message, frozen=True, kw_only=True, tag="welcome"):
    version: str
    pid: int
    mode: views.Mode


class Refused(Message, frozen=True, kw_only=True, tag="refused"):
    """The last word before the engine hangs up."""

    words: str


class QueryAnswer(Message, frozen=True, kw_only=True, tag="answer"):
    """`found` is msgpack of what `EngineSource` returns; null when `trouble` says why there is
    nothing.
    """

    id: int
    found: msgspec.Raw
    trouble: str = ""


class Acted(Message, frozen=True, kw_only=True, tag="acted"):
    """`is_again`: what was answered the first time."""

    id: int
    result: views.CommandResult | None
    refusal: ActRefusal = ""
    is_again: bool = False


class Farewell(Message, frozen=True, kw_only=True, tag="farewell"):
    """The engine ends, in order; its last status."""

    status: views.Status


Reply = (
    Welcome
    | Refused
    | QueryAnswer
    | Acted
    | Farewell
    | views.Snapshot
    | views.Delta
    | views.NoticesMessage
)


# -------------------------------------------------------------------------------- answers' own rows
class MetricSample(msgspec.Struct, frozen=True):
    """One number. `suffix` is appended to the family's name."""

    suffix: str
    labels: dict[str, str]
    value: float


class MetricFamily(msgspec.Struct, frozen=True):
    """One metric of the engine: the server spells it for Prometheus."""

    name: str
    words: str
    kind: Literal["gauge", "counter", "summary"]
    samples: list[MetricSample]


class RunningConfig(msgspec.Struct, frozen=True):
    """The configuration that is in force, as JSON: the file may have been changed since."""

    values: bytes


QUERY_ANSWERS: dict[QueryName, object] = {
    "status": views.Status,
    "instruments": list[views.InstrumentView],
    "candles": list[views.Candle],
    "equity": list[queries.EquityPoint],
    "indicators": list[queries.IndicatorSeries],
    "order_timeline": queries.OrderTimelineView | None,
    "decision": queries.DecisionView | None,
    "latency": list[queries.LatencyStageView],
    "limits": queries.LimitsView | None,
    "accounts": list[views.AccountView],
    "preflight": views.PreflightView | None,
    "metrics": list[MetricFamily],
    "running_config": RunningConfig,
}
"""What each query is answered with."""
