"""The JSON contract between the engine and its clients: REST, `/ws`, the page, the command line.

`python -m otrade.contract.typescript` turns this file into `web/src/api/contract.ts`; nothing of the
contract is spelled twice.

Units come last in names: `_e4` ten-thousandths of a rupee (integers, exact), `_ms` milliseconds,
`_ns` nanoseconds, `_bps` hundredths of a per cent. `ts_*_ms` is a moment of the engine's clock
since the UNIX epoch: nanoseconds do not fit into a JavaScript number. Quantities are units, never
lots. `null` means "there is none"; 0 is a value. A row holds the moment at which it was last
heard of and not its age, so that a quiet row does not change: age = `Status.now_ms` - `ts_*_ms`.
Words in capitals are the names of the core's enums (FIX words where FIX has one).
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Mode = Literal["paper", "live", "replay"]
Lifecycle = Literal["starting", "running", "stopping", "stopped", "gone"]
"""Of the engine. `gone`: it does not answer the page's server; see `EngineGone`."""
EngineState = Literal["ACTIVE", "REDUCING", "HALTED"]
SessionPhase = Literal[
    "UNKNOWN", "BEFORE", "OPEN_NO_ENTRY", "ENTRY", "NO_ENTRY", "SQUARE_OFF", "CLOSED"
]
Side = Literal["BUY", "SELL"]
OrdType = Literal["MARKET", "LIMIT", "SL", "SL_M"]
OrdStatus = Literal[
    "INITIALIZED",
    "DENIED",
    "PENDING_NEW",
    "NEW",
    "PARTIALLY_FILLED",
    "FILLED",
    "CANCELED",
    "REJECTED",
    "EXPIRED",
    "UNKNOWN",
    "ABSENT",
]
Pending = Literal["NONE", "NEW", "REPLACE", "CANCEL"]
Leg = Literal["ENTRY", "STOP", "TARGET", "FIX"]
BracketState = Literal["ENTERING", "OPEN", "EXITING", "CLOSED"]
ExitReason = Literal[
    "NONE",
    "STOP",
    "TARGET",
    "TRAIL",
    "TIME",
    "SQUARE_OFF",
    "SIGNAL",
    "FLATTEN",
    "ENTRY_FAILED",
    "RISK",
    "FIX",
    "MANUAL",
    "BROKER",
]
Severity = Literal["info", "warn", "error", "alarm"]
Source = Literal["push", "answer", "book", "engine"]
"""Who told us: an order push, the answer to our request, a poll of the order book, or our own
computation.
"""
Verdict = Literal["GO", "LOOK", "NO_GO"]
CommandName = Literal[
    "pause",
    "resume",
    "rearm",
    "stop-entries",
    "flatten",
    "take-over",
    "kill",
    "stop-engine",
    "login",
    "test-alert",
]
"""Acts, as docs/glossary.md names them."""
Role = Literal["viewer", "trader"]
"""Of a person: a viewer reads, a trader may do everything."""
Scope = Literal["read", "trade", "admin"]
"""Of a script's token."""


class Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """Base of every piece of the contract: immutable, compared field by field to find what
    changed.
    """


# --------------------------------------------------------------------------------------- status
class FeedStatus(Row, frozen=True, kw_only=True):
    connected: bool
    age_ms: int | None  # since the last frame of any kind; null before the first
    frames: int
    ticks: int
    reconnects: int
    refused: int  # packets that were refused as malformed or absurd


class BrokerStatus(Row, frozen=True, kw_only=True):
    connected: bool
    token_until_ms: int | None  # when the broker session dies; null when it does not
    orders_sent: int  # requests: new, replace and cancel
    in_doubt: int  # orders whose fate is unknown now
    book_ms: int | None = None  # when the order book was last read whole
    positions_ms: int | None = None  # when the broker's positions were
    quarantined: int = (
        0  # instruments that do not trade, because something there cannot be explained
    )


class ChargesView(Row, frozen=True, kw_only=True):
    """Lines of a contract note; null: not known for this instrument and date, which is not 0."""

    brokerage_e4: int | None
    stt_e4: int | None  # or CTT
    exchange_e4: int | None
    ipft_e4: int | None  # the exchange's Investor Protection Fund
    sebi_e4: int | None
    gst_e4: int | None
    stamp_e4: int | None
    dp_e4: int | None  # the depository's, on a sale from the demat account, GST included
    square_off_e4: int | None  # the broker's fee for closing a position itself, GST included
    words: str  # what is missing; empty when the charges are complete


class PnlStatus(Row, frozen=True, kw_only=True):
    gross_e4: int  # realised + unrealised, before charges
    charges_e4: int | None  # of all that has traded; null when a part is not known
    net_e4: int | None  # gross - charges; null when these are not known
    charges: ChargesView
    realised_e4: int
    unrealised_e4: int
    peak_e4: int  # highest net of the day, at least 0
    drawdown_e4: int  # peak - net, never negative


class CountStatus(Row, frozen=True, kw_only=True):
    signals: int
    trades: int
    open_brackets: int
    orders: int


class ProtectionStatus(Row, frozen=True, kw_only=True):
    """The service level: how much open quantity has a working stop, and how long some had none."""

    open_qty: int
    protected_qty: int
    naked_ms_total: float
    naked_ms_worst: float
    # An order worked at the target, with no stop behind it: by design, and not in `naked_`
    target_ms_total: float
    target_ms_worst: float
    naked_now: int  # brackets with open quantity that is not covered now


class LatencyStatus(Row, frozen=True, kw_only=True):
    """Tick in to order bytes out."""

    p50_ns: int
    p99_ns: int
    max_ns: int
    count: int


class EngineGone(Row, frozen=True, kw_only=True):
    """The engine does not answer: everything else that is shown is its last word. Moments are UNIX
    time.
    """

    since_ms: int | None  # when it was last heard; null: this server has never heard it
    open_qty: int | None  # by its last word; null when there is none
    protected_qty: int | None
    words: str  # what is known, what the watchdog says, and what to do


class LoopStatus(Row, frozen=True, kw_only=True):
    """Whether the engine's event loop keeps time: while one turn of it lasts, nothing else happens."""

    lag_ms: float  # the longest of the last minute or two: how much later than due something ran
    longest_turn_ms: float  # since the start; true to 20 ms
    longest_turn_at_ms: int | None  # when that was; null when nothing was timed yet
    stalls: int  # turns longer than `alerts.loop_stall_ms`
    stalled_ms: float  # of all of them together


class Status(Row, frozen=True, kw_only=True):
    version: str
    mode: Mode
    broker_kind: str  # "sim", "kite", ...
    lifecycle: Lifecycle
    state: EngineState
    state_reason: str  # words; empty while ACTIVE
    paused: bool  # no new entries, by command; exits go on
    phase: SessionPhase  # the earliest phase of all instruments that trade today
    phase_words: str
    phase_ends_ms: int | None
    day: str  # the trading day, YYYY-MM-DD in India
    now_ms: int  # the engine's clock; simulated in a paper day
    speed: float  # engine seconds in a real second; 1 is real time, 0 is as fast as possible
    feed: FeedStatus
    broker: BrokerStatus
    pnl: PnlStatus
    counts: CountStatus
    protection: ProtectionStatus
    latency: LatencyStatus
    loop: LoopStatus
    not_ready: list[str] = []  # what would keep an entry out now, in words; empty when it is ready
    gone: EngineGone | None = None


# ----------------------------------------------------------------------------------------- rows
class InstrumentView(Row, frozen=True, kw_only=True):
    id: int
    symbol: str  # NSE:INFY
    ltp_e4: int | None
    close_e4: int | None  # of the previous day; change = ltp - close
    bid_e4: int | None
    ask_e4: int | None
    volume: int
    ts_recv_ms: int | None  # of the last tick
    phase: SessionPhase
    quarantined: bool
    tick_size_e4: int
    lot_size: int


class StrategyView(Row, frozen=True, kw_only=True):
    id: int
    name: str
    instrument_id: int
    kind: str
    interval_s: int  # of its bars
    params: dict[str, int | float]
    enabled: bool
    ready: bool  # warmed up
    waits_for: str  # what its indicators wait for, in words; empty when it is ready, or not known
    fast: float | None  # rupees, as the indicators below
    slow: float | None
    rsi: float | None  # 0..100; null when the filter is off
    atr: float | None
    last_signal_seq: int | None
    bracket_ids: list[int]  # the open ones


class SignalView(Row, frozen=True, kw_only=True):
    seq: int  # counts from 1
    ts_ms: int
    strategy_id: int
    instrument_id: int
    side: Side
    px_e4: int
    taken: bool
    reason: str  # code: OK, RSI_FILTER, DAILY_LOSS, ...
    words: str  # why it was taken or refused


class BracketView(Row, frozen=True, kw_only=True):
    id: int
    strategy_id: int
    instrument_id: int
    side: Side
    state: BracketState
    qty: int  # ordered
    open_qty: int
    protected_qty: int  # covered by a working exit at the exchange
    entry_px_e4: int | None  # average
    stop_px_e4: int | None
    target_px_e4: int | None
    ltp_e4: int | None
    pnl_e4: int  # gross, realised and not
    risk_e4: (
        int | None
        # What it would lose from here if its stop were filled at its price; null where it has no stop
    )
    naked_ms: float
    target_ms: float
    ts_open_ms: int
    ts_close_ms: int | None
    exit_reason: ExitReason


class OrderView(Row, frozen=True, kw_only=True):
    cl_ord_id: str  # the key
    broker_order_id: str | None
    instrument_id: int
    symbol: str
    bracket_id: int | None
    leg: Leg
    side: Side
    ord_type: OrdType
    qty: int
    cum_qty: int
    avg_px_e4: int | None
    price_e4: int | None
    trigger_e4: int | None
    ord_status: OrdStatus
    pending: Pending
    in_doubt: bool
    text: str  # why it was denied or rejected; empty when it was not
    ts_intent_ms: int
    ts_sent_ms: int | None
    ts_ack_ms: int | None
    ts_last_ms: int  # of the last thing heard about it
    source: Source


class PositionView(Row, frozen=True, kw_only=True):
    instrument_id: int  # the key
    symbol: str
    net_qty: int
    avg_px_e4: int | None
    ltp_e4: int | None
    gross_e4: int  # realised + unrealised
    realised_e4: int
    source: Source
    ts_last_ms: int


class TradeView(Row, frozen=True, kw_only=True):
    """A closed bracket."""

    id: int  # counts from 1
    bracket_id: int
    strategy_id: int
    instrument_id: int
    side: Side
    qty: int
    entry_px_e4: int
    exit_px_e4: int
    ts_entry_ms: int
    ts_exit_ms: int
    gross_e4: int
    charges_e4: int | None  # null when a part is not known
    net_e4: int | None  # null when the charges are not known
    charges: ChargesView
    naked_ms: float
    target_ms: float
    slippage_e4: int  # a unit, against the signal's price; positive is worse
    exit_reason: ExitReason


class NoticeView(Row, frozen=True, kw_only=True):
    seq: int  # counts from 1
    ts_ms: int
    severity: Severity
    code: str
    words: str
    instrument_id: int | None
    bracket_id: int | None


class Candle(Row, frozen=True, kw_only=True):
    ts_ms: int  # of its open
    open_e4: int
    high_e4: int
    low_e4: int
    close_e4: int
    volume: int


# ------------------------------------------------------------------------- told by the broker
class FundsView(Row, frozen=True, kw_only=True):
    segment: str
    net_e4: int  # what can still be blocked
    used_e4: int


class BrokerPositionView(Row, frozen=True, kw_only=True):
    """A day position as the broker books it."""

    symbol: str
    product: str
    net_qty: int
    buy_qty: int
    sell_qty: int
    ltp_e4: int | None


class HoldingView(Row, frozen=True, kw_only=True):
    symbol: str
    qty: int
    t1_qty: int  # of these, not delivered yet
    pledged_qty: int  # given as collateral; whether `qty` has them in it is the broker's matter
    mtf_qty: int  # bought with the broker's money
    avg_px_e4: int
    ltp_e4: int | None


class AccountView(Row, frozen=True, kw_only=True):
    """One broker's word. `trouble` says what could not be read: that is not known, whatever the lists
    hold or do not.
    """

    broker: str
    ts_ms: int  # when it was told
    trouble: str
    funds: list[FundsView]
    positions: list[BrokerPositionView]
    holdings: list[HoldingView]


class PreflightLine(Row, frozen=True, kw_only=True):
    name: str
    verdict: Verdict
    words: str
    fix: str  # empty for a go


class PreflightView(Row, frozen=True, kw_only=True):
    """The preflight checks."""

    verdict: Verdict
    ts_ms: int
    lines: list[PreflightLine]


# ------------------------------------------------------------------------------------------ /ws
class Snapshot(Row, frozen=True, kw_only=True, tag_field="type", tag="snapshot"):
    """Everything. The first message, and the answer to a resync."""

    seq: int
    status: Status
    instruments: list[InstrumentView]
    strategies: list[StrategyView]
    brackets: list[BracketView]
    orders: list[OrderView]
    positions: list[PositionView]
    trades: list[TradeView]
    signals: list[SignalView]  # the newest ones, oldest first
    notices: list[NoticeView]  # the newest ones, oldest first


class Delta(Row, frozen=True, kw_only=True, tag_field="type", tag="delta", omit_defaults=True):
    """What changed since the message before it. Rows replace the row of the same key or are new;
    an absent list is empty.

    A row that is gone is never told by a delta: a snapshot follows instead. `seq` is one more
    than that of the message before; after a gap the client asks for a resync.
    """

    seq: int
    status: Status
    instruments: list[InstrumentView] = []
    strategies: list[StrategyView] = []
    brackets: list[BracketView] = []
    orders: list[OrderView] = []
    positions: list[PositionView] = []
    trades: list[TradeView] = []
    signals: list[SignalView] = []


class NoticesMessage(Row, frozen=True, kw_only=True, tag_field="type", tag="notice"):
    """New notices, oldest first. Numbered together with the deltas."""

    seq: int
    notices: list[NoticeView]


ServerMessage = Snapshot | Delta | NoticesMessage


class Resync(Row, frozen=True, kw_only=True, tag_field="type", tag="resync"):
    """From the client: something is missing, send everything."""


ClientMessage = Resync


# ------------------------------------------------------------------------------ query strings
Seq = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Id = Annotated[int, Meta(ge=0, le=2**31 - 1)]


class SinceQuery(Row, frozen=True, kw_only=True):
    """Only what is numbered above `since_seq`; 0: everything that is kept."""

    since_seq: Seq = 0


class CandlesQuery(Row, frozen=True, kw_only=True):
    """`since_ms`: only those that open then or later."""

    instrument_id: Id
    interval_s: Literal[60, 300, 900] = 60
    since_ms: Seq = 0


# ----------------------------------------------------------------------------------------- login
UserName = Annotated[
    str,
    Meta(pattern="^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$", description="1 to 32 letters, digits, . _ -"),
]
NewPassword = Annotated[str, Meta(min_length=12, max_length=256)]


class SecretRow(Row, frozen=True, kw_only=True):
    """Base of what holds a password: it prints without its fields."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(...)"


class LoginRequest(SecretRow, frozen=True, kw_only=True):
    """`code` is the six digits of the authenticator, where one is set up, or a recovery code, which
    is used up.
    """

    name: UserName = "trader"
    password: Annotated[str, Meta(max_length=256)]
    code: Annotated[str, Meta(max_length=32)] = ""


class FirstPasswordRequest(SecretRow, frozen=True, kw_only=True):
    """Makes the first trader, while there is nobody. `code` is the one-time code that the terminal
    shows.
    """

    code: Annotated[str, Meta(max_length=64)]
    name: UserName = "trader"
    password: NewPassword


class PasswordChangeRequest(SecretRow, frozen=True, kw_only=True):
    """Every other session of that person ends."""

    old: Annotated[str, Meta(max_length=256)]
    new: NewPassword


class LogoutRequest(Row, frozen=True, kw_only=True):
    """No arguments."""


class SessionView(Row, frozen=True, kw_only=True):
    """Who asks. `first_run`: nobody has a password yet."""

    state: Literal["first_run", "out", "in"]
    name: str  # empty unless "in"
    role: Role | None  # null for a program
    scopes: list[Scope]
    ends_in_s: int | None  # null: it does not


class LoginSessionView(Row, frozen=True, kw_only=True):
    """One login that is open. `id` names it and lets nobody in."""

    id: str
    name: str
    role: Role
    address: str  # from where it was begun
    browser: str  # as it calls itself
    began_ms: int  # UNIX time, as the next
    seen_ms: int  # when it asked or listened last
    ends_in_s: int  # if nothing more is heard of it
    is_this: bool  # the one that asks


class EndSessionRequest(Row, frozen=True, kw_only=True):
    """One's own; the local user may end anybody's."""

    id: Annotated[str, Meta(pattern="^[0-9a-f]{16}$", description="of a row of /api/v1/sessions")]


class SessionGrant(SecretRow, frozen=True, kw_only=True):
    """A session has begun; its cookie comes in a header. The page keeps `csrf` in its own storage,
    which no page of another port can read, and sends it as X-CSRF-Token with every change. It is
    told this once.
    """

    name: str
    role: Role
    csrf: str
    ends_in_s: int


# ------------------------------------------------------------------------------------- commands
class PauseArgs(Row, frozen=True, kw_only=True):
    """No new entries; exits and stops go on."""


class ResumeArgs(Row, frozen=True, kw_only=True):
    """Lift a pause: entries again. A latched REDUCING or HALTED is lifted by the command `rearm`;
    the field of that name asks for the same, as it did before 0.2.0.
    """

    rearm: bool = False


class RearmArgs(Row, frozen=True, kw_only=True):
    """Lift a latched REDUCING or HALTED: entries again. A person must have asked for it."""


class StopEntriesArgs(Row, frozen=True, kw_only=True):
    """REDUCING: unfilled entries are taken out of the market and no new ones come, until a person
    re-arms; exits and stops go on.
    """


class FlattenArgs(Row, frozen=True, kw_only=True):
    """Close every open position, or those of one instrument."""

    instrument_id: Id | None = None


class TakeOverArgs(Row, frozen=True, kw_only=True):
    """Take over the quantity of one instrument that somebody else has traded: from then on it has a
    stop and is the engine's.
    """

    instrument_id: Id


class StopEngineArgs(Row, frozen=True, kw_only=True):
    """End gracefully: open positions are flattened or left as the configuration says."""


class StopEngineRequest(SecretRow, frozen=True, kw_only=True):
    """The same, asked for on the page: a person gives his `password` again; a program has none."""

    password: Annotated[str, Meta(max_length=256)] = ""


class StartEngineRequest(SecretRow, frozen=True, kw_only=True):
    """Start the engine that the machine's owner has configured, with one's own `password` given again."""

    password: Annotated[str, Meta(max_length=256)]


class KillArgs(Row, frozen=True, kw_only=True):
    """Halt now: no entries; every stop stays at the exchange; needs a person to re-arm. `flatten`
    is what closes.
    """


class LoginArgs(Row, frozen=True, kw_only=True):
    """Begin a login at the broker; the answer has the address at which the person goes on. With
    `approve` the person goes on in the broker's app instead, where the broker has such a thing.
    """

    approve: bool = False


class TestAlertArgs(Row, frozen=True, kw_only=True):
    """Send a test to every alert target, and say which of them took it."""


class CommandResult(Row, frozen=True, kw_only=True):
    ok: bool
    words: str  # what was done, or why it was not
    url: str | None = None  # where to go on, for a login


class Problem(Row, frozen=True, kw_only=True, omit_defaults=True):
    """An error, RFC 9457 (`application/problem+json`). `field` names what was wrong, `fix` says
    what to do.
    """

    title: str
    status: int
    code: str  # stable, for programs
    detail: str
    fix: str
    field: str | None = None
    type: str = "about:blank"
