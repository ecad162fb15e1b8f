"""The contract's other half: what is queried when a page needs it, and is not streamed. Units and
words as in `views`.

Moments within a microsecond or two matter here and do not fit into milliseconds: `after_us` counts
from an order's intent.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from otrade.contract.views import Id, Leg, Row, SecretRow, Seq, Side

JournalName = Annotated[
    str,
    Meta(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([.][0-9]{1,4})?[.]otj([.]gz)?$",
        description="of a file that /api/v1/journals lists",
    ),
]
YesNo = Literal["no", "yes"]


# ----------------------------------------------------------------------------- parameters of queries
class EquityQuery(Row, frozen=True, kw_only=True):
    since_ms: Seq = 0


class IndicatorsQuery(Row, frozen=True, kw_only=True):
    """`since_ms`: only of bars that ended after it."""

    instrument_id: Id
    since_ms: Seq = 0


class OrderTimelineQuery(Row, frozen=True, kw_only=True):
    cl_ord_id: Annotated[
        str,
        Meta(pattern="^[A-Za-z0-9]{1,24}$", description="our own number of an order of this day"),
    ]


class DecisionQuery(Row, frozen=True, kw_only=True):
    signal_seq: Seq


class JournalQuery(Row, frozen=True, kw_only=True):
    """`kinds`: names of record kinds with commas, empty for all but the many; `text` is looked for
    in the words.
    """

    name: JournalName
    kinds: Annotated[
        str,
        Meta(pattern="^[A-Z0-9_,]{0,200}$", description="names of kinds with commas between them"),
    ] = ""
    text: Annotated[str, Meta(max_length=200)] = ""
    offset: Seq = 0
    limit: Annotated[int, Meta(ge=1, le=1000)] = 200
    tail: YesNo = "no"


class ReplayQuery(Row, frozen=True, kw_only=True):
    """`ts_ms` 0: the journal's end."""

    name: JournalName
    ts_ms: Seq = 0
    curve: YesNo = "no"


# ------------------------------------------------------------------------------------ equity curve
class EquityPoint(Row, frozen=True, kw_only=True):
    ts_ms: int
    gross_e4: int  # realised + unrealised, before charges
    net_e4: int | None  # less the charges of what has traded; null when these are not known


# -------------------------------------------------------------------------------------- indicators
class IndicatorLine(Row, frozen=True, kw_only=True):
    """One number of an indicator, by bar."""

    indicator: str  # the strategy's own name of it; its numbers have one name
    label: str  # what it is: "EMA 9"
    part: str  # which of its numbers: "upper"; empty when it has one
    pane: str  # empty: a price, over the candles; lines of one pane have one scale
    values: list[float | None]  # null: not known yet, which is not 0


class IndicatorSeries(Row, frozen=True, kw_only=True):
    """A strategy's indicators at the close of its own bars, oldest first."""

    strategy_id: int
    name: str
    ts_ms: list[int]  # where each bar begins
    end_ms: list[int]  # where it ends: the values were known from then on
    lines: list[IndicatorLine]


# ---------------------------------------------------------------------------------------- one order
TimelineActor = Literal["engine", "wire", "broker", "exchange"]


class TimelineStep(Row, frozen=True, kw_only=True):
    """One thing that happened to an order."""

    ts_ms: int
    after_us: int  # since the order's intent
    by: TimelineActor
    what: str
    words: str  # the broker's own, or the terms that were asked for


class DecisionFact(Row, frozen=True, kw_only=True):
    name: str
    value: str


class GateResult(Row, frozen=True, kw_only=True):
    code: str
    words: str
    verdict: Literal["passed", "failed", "not_asked"]


class DecisionView(Row, frozen=True, kw_only=True):
    """Why a decision was taken: what was known, by which rule, and which gates it passed."""

    title: str
    rule: str
    facts: list[DecisionFact]
    gates: list[GateResult]


class OrderTimelineView(Row, frozen=True, kw_only=True):
    """What became of one order, and why it was sent. Not `is_whole`: an earlier process sent it,
    and only its marks are known.
    """

    cl_ord_id: str
    leg: Leg
    side: Side
    is_whole: bool
    steps: list[TimelineStep]
    why: DecisionView


# ------------------------------------------------------------------------------------------ latency
class LatencyBucket(Row, frozen=True, kw_only=True):
    up_to_ns: int
    n: int


class LatencyStageView(Row, frozen=True, kw_only=True):
    """How long one stage took, every time so far today."""

    name: str
    words: str
    clock: Literal["machine", "engine"]  # whose time; a paper day's engine clock is simulated
    n: int
    p50_ns: int
    p99_ns: int
    p999_ns: int
    max_ns: int
    buckets: list[LatencyBucket]


# ------------------------------------------------------------------------------------------- limits
class BudgetView(Row, frozen=True, kw_only=True):
    """One of the broker's rates."""

    name: str
    used: int
    limit: int  # 0: none
    reserve: int  # what entries may not touch


class LimitView(Row, frozen=True, kw_only=True):
    """One of our own limits."""

    name: str
    unit: Literal["count", "units", "money", "ms"]
    used: int | None  # money in e4; null where nothing is used up, as for a single order's size
    limit: int  # 0: none


class LimitsView(Row, frozen=True, kw_only=True):
    ts_ms: int
    budgets: list[BudgetView]
    slow_until_ms: int | None  # the broker has asked to slow down
    limits: list[LimitView]


# ------------------------------------------------------------------------------------------ journal
class JournalFileView(Row, frozen=True, kw_only=True):
    name: str
    day: str
    size_bytes: int
    is_today: bool


class JournalRow(Row, frozen=True, kw_only=True):
    seq: int
    ts_ms: int
    kind: str
    words: str
    offset: int  # in the file, for `otrade journal show`


class JournalPage(Row, frozen=True, kw_only=True):
    """Rows that pass the filter, oldest first. `next_offset` is where the next question goes on;
    `is_end`: there is no more now.
    """

    name: str
    rows: list[JournalRow]
    next_offset: int
    is_end: bool
    trouble: list[str]  # damages, torn tails: in words


class ReplayPosition(Row, frozen=True, kw_only=True):
    symbol: str
    net_qty: int
    open_qty: int
    protected_qty: int
    ltp_e4: int | None
    gross_e4: int


class ReplayView(Row, frozen=True, kw_only=True):
    """The engine as it was: a journal replayed up to a moment."""

    name: str
    ts_ms: int
    first_ms: int
    last_ms: int
    halt: str
    gross_e4: int
    net_e4: int | None  # less the charges of what had traded; null when these are not known
    n_orders: int
    n_open: int
    positions: list[ReplayPosition]
    curve: list[
        EquityPoint
    ]  # of the whole day, to choose the moment on; empty unless it was asked for
    trouble: str


# ------------------------------------------------------------------------------------ configuration
class ConfigView(Row, frozen=True, kw_only=True):
    """The file as it is on the disk. `digest` names this text; `json_schema` says what it may hold."""

    path: str
    digest: str
    values: msgspec.Raw
    json_schema: msgspec.Raw
    hot: str  # what may change while trading, in words
    file_only: list[str]  # paths that are changed in the file alone, with what is below them
    trouble: str  # why the file cannot be read now; `values` is then what is in force


class ConfigChange(Row, frozen=True, kw_only=True):
    path: str
    was: str
    becomes: str
    when: Literal["now", "next_start"]


class ConfigDraft(SecretRow, frozen=True, kw_only=True):
    """A whole new configuration. It is written only with `write`, only when the file is still the
    one that `digest` names, and only with one's own `password` given again.
    """

    digest: Annotated[str, Meta(max_length=64)]
    values: msgspec.Raw
    write: bool = False
    password: Annotated[str, Meta(max_length=256)] = ""


class ConfigVerdict(Row, frozen=True, kw_only=True):
    """`field` and `problem` say what is wrong first; empty when nothing is."""

    ok: bool
    field: str
    problem: str
    changes: list[ConfigChange]
    words: str
    backup: str  # where the former file is kept; empty when nothing was written


class EngineProcessView(Row, frozen=True, kw_only=True):
    """The engine as a process, which can be started and stopped here."""

    pid: int | None  # of the engine that answers; null when none does
    start: str  # what would be started; empty when nothing can be
    start_trouble: str  # why not
    stop: str  # what an orderly stop does with what is open
    last_words: str  # how the engine that was started here last has ended; empty while it has not
