"""The shape of the one configuration file: every key, its unit (last in the name), its range and
its meaning.

`otrade config schema` prints this as JSON Schema; editors complete from it. Distances are pairs of
a kind and a value: per cent of the price, rupees, or multiples of the ATR filter's value.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from otrade.brokers import registry
from otrade.brokers.registry import BrokerName, OptionalBrokerName

Bps = Annotated[float, Meta(ge=0, le=2_000)]
HourMinute = Annotated[
    str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", description="HH:MM, Indian time")
]
Name = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,39}$", description="1 to 40 letters, digits, . _ -"
    ),
]
Symbol = Annotated[
    str,
    Meta(
        pattern=r"^[A-Z]{3,5}:[^:]{1,47}$",
        description="EXCHANGE:TRADINGSYMBOL as the exchange or Kite writes it, or a contract by what it is: NFO:NIFTY.FUT, "
        "NFO:NIFTY.26000CE@2026-12-29, NFO:NIFTY.ATM+1CE@M",
    ),
]


class ConfigBase(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """No key is ignored: a misspelt limit that is not applied is worse than a refusal."""


class DistanceConfig(ConfigBase, frozen=True, kw_only=True):
    """How far: `value` per cent of the price, rupees, or ATR multiples."""

    kind: Literal["pct", "rupees", "atr"]
    value: Annotated[float, Meta(gt=0, le=100_000)]


class TrailConfig(ConfigBase, frozen=True, kw_only=True):
    """A stop that follows the best price at `distance`, in steps of at least `step`, once price has
    gone `activate` in favour of the entry (all of one kind). Without `activate` it follows from the
    first fill, and may then not be nearer than the stop.
    """

    kind: Literal["pct", "rupees", "atr"]
    distance: Annotated[float, Meta(gt=0, le=100_000)]
    step: Annotated[float, Meta(gt=0, le=100_000)]
    activate: Annotated[
        float, Meta(ge=0, le=100_000, description="from the entry, before the stop follows")
    ] = 0.0


class EntryConfig(ConfigBase, frozen=True, kw_only=True):
    """A marketable limit `offset_bps` beyond the touch, or a market order with the broker's
    protection.
    """

    type: Literal["limit", "market"] = "limit"
    offset_bps: Bps = 5.0
    timeout_s: Annotated[
        float, Meta(gt=0, le=3_600, description="then the unfilled rest is cancelled")
    ] = 30.0


class LadderConfig(ConfigBase, frozen=True, kw_only=True):
    """An exit that rests unfilled is re-priced one step deeper each interval."""

    start_bps: Bps = 10.0
    step_bps: Bps = 20.0
    interval_ms: Annotated[int, Meta(ge=200, le=60_000)] = 2_000
    max_steps: Annotated[int, Meta(ge=1, le=50)] = 10


class BracketConfig(ConfigBase, frozen=True, kw_only=True):
    """What stands around an entry. A stop is not optional."""

    stop: DistanceConfig
    target: DistanceConfig | None = None
    trail: TrailConfig | None = None
    entry: EntryConfig = EntryConfig()
    ladder: LadderConfig = LadderConfig()
    exit_mode: Annotated[
        Literal["stop_resting", "oco", "auto"],
        Meta(
            description="stop_resting: one live exit, which becomes the target when the target trades; oco: stop and target both work; "
            "auto: oco where the broker's margin preview says that the second exit costs nothing, else stop_resting"
        ),
    ] = "stop_resting"
    stop_limit_buffer_bps: Bps = 30.0
    target_hysteresis_bps: Bps = 10.0
    time_exit_min: Annotated[float, Meta(gt=0, le=600)] | None = None
    on_opposite: Literal["ignore", "exit", "reverse"] = "exit"


class SizingConfig(ConfigBase, frozen=True, kw_only=True):
    """Units of an entry: fixed, from a notional in rupees, or from the rupees at risk between entry
    and stop.
    """

    mode: Literal["fixed", "notional", "risk"]
    value: Annotated[
        float, Meta(gt=0, le=1e9, description="units, rupees of notional, or rupees at risk")
    ]
    max_qty: Annotated[
        int, Meta(ge=0, le=10_000_000, description="0: no cap but the risk limits'")
    ] = 0


class RsiFilter(ConfigBase, frozen=True, kw_only=True):
    """Sides are allowed only while Wilder's RSI of closed bars lies in their range."""

    period: Annotated[int, Meta(ge=2, le=200)] = 14
    long_min: Annotated[float, Meta(ge=0, le=100)] = 0.0
    long_max: Annotated[float, Meta(ge=0, le=100)] = 100.0
    short_min: Annotated[float, Meta(ge=0, le=100)] = 0.0
    short_max: Annotated[float, Meta(ge=0, le=100)] = 100.0


class AtrFilter(ConfigBase, frozen=True, kw_only=True):
    """Entries only while Wilder's ATR, in bps of the price, lies in the range; 0 is no bound.
    Needed by ATR distances.
    """

    period: Annotated[int, Meta(ge=2, le=200)] = 14
    min_bps: Annotated[float, Meta(ge=0, le=10_000)] = 0.0
    max_bps: Annotated[float, Meta(ge=0, le=10_000)] = 0.0


class TimeFilter(ConfigBase, frozen=True, kw_only=True):
    """Entries only inside this time of day, `until` not included. A bar counts by its end, when it
    is decided.
    """

    start: HourMinute = "09:15"
    until: HourMinute = "15:30"


class Params(ConfigBase, frozen=True, kw_only=True):
    """What every crossover strategy has."""

    bar_s: Annotated[int, Meta(ge=5, le=21_600, description="length of a bar")] = 60
    on: Literal["tick", "bar_close"] = "bar_close"
    side: Literal["long", "short", "both"] = "both"
    rsi: RsiFilter | None = None
    atr: AtrFilter | None = None
    time_of_day: TimeFilter | None = None


class EmaCrossParams(Params, frozen=True, kw_only=True):
    fast_period: Annotated[int, Meta(ge=1, le=5_000)] = 9
    slow_period: Annotated[int, Meta(ge=2, le=5_000)] = 21


class SmaCrossParams(Params, frozen=True, kw_only=True):
    fast_period: Annotated[int, Meta(ge=1, le=256)] = 9
    slow_period: Annotated[int, Meta(ge=2, le=256)] = 21


class PriceEmaParams(Params, frozen=True, kw_only=True):
    period: Annotated[int, Meta(ge=2, le=5_000)] = 21


class PriceSmaParams(Params, frozen=True, kw_only=True):
    period: Annotated[int, Meta(ge=2, le=256)] = 21


class PriceLevelParams(Params, frozen=True, kw_only=True):
    level_rupees: Annotated[float, Meta(gt=0, le=1_000_000)]


class StrategyConfig(ConfigBase, frozen=True, kw_only=True, tag_field="kind"):
    """One strategy on one instrument."""

    name: Name
    instrument: Symbol
    sizing: SizingConfig
    bracket: BracketConfig
    enabled: bool = True
    warm_start: Annotated[
        bool, Meta(description="indicators go on from earlier sessions' bars; false: start afresh")
    ] = True


class EmaCross(StrategyConfig, frozen=True, kw_only=True, tag="ema_cross"):
    """Fast exponential average against slow."""

    params: EmaCrossParams = EmaCrossParams()


class SmaCross(StrategyConfig, frozen=True, kw_only=True, tag="sma_cross"):
    """Fast simple average against slow."""

    params: SmaCrossParams = SmaCrossParams()


class PriceEma(StrategyConfig, frozen=True, kw_only=True, tag="price_ema"):
    """Price against its exponential average."""

    params: PriceEmaParams = PriceEmaParams()


class PriceSma(StrategyConfig, frozen=True, kw_only=True, tag="price_sma"):
    """Price against its simple average."""

    params: PriceSmaParams = PriceSmaParams()


class PriceLevel(StrategyConfig, frozen=True, kw_only=True, tag="price_level"):
    """Price against a fixed level."""

    params: PriceLevelParams


class FileStrategy(StrategyConfig, frozen=True, kw_only=True, tag="file"):
    """A strategy file of one's own, compiled at the start. What it says of stop, target and size goes
    before `bracket` and `sizing`; the stop of `bracket` is also what protects a position whose
    journal is lost.
    """

    file: Annotated[
        str,
        Meta(
            pattern=r"^[a-z][a-z0-9_]{0,59}\.py$",
            description="its name in the folder of paths.strategies",
        ),
    ]
    bar_s: Annotated[int, Meta(ge=5, le=21_600, description="length of its own bars")] = 60
    params: Annotated[
        dict[str, float], Meta(description="its own parameters, by their names in the file")
    ] = {}


BuiltInStrategy = EmaCross | SmaCross | PriceEma | PriceSma | PriceLevel
AnyStrategy = BuiltInStrategy | FileStrategy


class EngineConfig(ConfigBase, frozen=True, kw_only=True):
    """The engine itself."""

    name: Name = "otrade"
    on_stop: Annotated[
        Literal["flatten", "leave"],
        Meta(
            description="at Ctrl-C: exit everything, or leave positions with their stops at the "
            "exchange"
        ),
    ] = "flatten"
    order_timeout_ms: Annotated[
        int, Meta(ge=500, le=60_000, description="then a request is in doubt")
    ] = 5_000
    doubt_look_gap_ms: Annotated[
        int, Meta(ge=500, le=60_000, description="between two looks for it")
    ] = 1_500
    max_brackets: Annotated[int, Meta(ge=16, le=100_000, description="in one day")] = 2_048
    max_orders: Annotated[int, Meta(ge=64, le=500_000, description="in one day")] = 8_192


class SpeedConfig(ConfigBase, frozen=True, kw_only=True):
    """What the machine is asked for in live mode, to make the way from tick to order short. The
    defaults ask for nothing.
    """

    busy_poll: Annotated[
        bool, Meta(description="never sleep: half the time to an order, for a whole core")
    ] = False
    core: Annotated[
        int,
        Meta(
            ge=-1,
            le=1_023,
            description="the trading thread's own core, counted from 0, all other threads kept off it; -1: any",
        ),
    ] = -1
    lock_memory: Annotated[
        bool, Meta(description="keep all memory resident; needs an unlimited `ulimit -l`")
    ] = False


class BrokerConfig(ConfigBase, frozen=True, kw_only=True):
    """The broker's addresses and limits. The defaults stay below both brokers' published ones; an
    empty address is the broker's own.
    """

    kind: BrokerName = registry.DEFAULT
    plan: Annotated[
        Literal["basic", "plus"],
        Meta(description="upstox: the price plan of the account, for the charges"),
    ] = "basic"
    rest_url: str = ""
    order_url: Annotated[str, Meta(description="upstox: where orders go, its low-latency host")] = (
        ""
    )
    feed_url: Annotated[str, Meta(description="kite: the feed's address; upstox tells its own")] = (
        ""
    )
    login_url: str = ""
    instruments_url: Annotated[str, Meta(description="upstox: where the instrument file is")] = ""
    redirect_url: Annotated[
        str, Meta(description="the address registered with the app, to which a login returns")
    ] = "http://127.0.0.1:8000/login/callback"
    user_id: Annotated[
        str,
        Meta(
            max_length=32,
            pattern=r"^[A-Za-z0-9]*$",
            description="the account's user; empty: that of the last login",
        ),
    ] = ""
    algo_name: Annotated[
        str,
        Meta(
            max_length=64,
            pattern=r"^[ -~]*$",
            description="upstox: X-Algo-Name of a registered algo",
        ),
    ] = ""
    algo_id: Annotated[
        str,
        Meta(
            max_length=32,
            pattern=r"^[A-Za-z0-9]*$",
            description="kite: the exchange's id of a registered algo",
        ),
    ] = ""
    market_protection_pct: Annotated[
        float, Meta(ge=-1, le=100, description="-1: the broker's automatic protection")
    ] = -1.0
    connections: Annotated[int, Meta(ge=1, le=8, description="order connections kept warm")] = 2
    orders_per_s: Annotated[
        int, Meta(ge=1, le=10, description="10 a second and above need a registered algo")
    ] = 9
    orders_per_min: Annotated[int, Meta(ge=1, le=500)] = 390
    orders_per_half_hour: Annotated[
        int, Meta(ge=0, le=2_000, description="0: no limit of the broker's; upstox has 2000")
    ] = 1_900
    orders_per_day: Annotated[int, Meta(ge=1, le=5_000)] = 4_900
    exit_reserve_per_s: Annotated[int, Meta(ge=0, le=9)] = 3
    exit_reserve_per_min: Annotated[int, Meta(ge=0, le=399)] = 60
    exit_reserve_per_half_hour: Annotated[int, Meta(ge=0, le=1_999)] = 300
    exit_reserve_per_day: Annotated[int, Meta(ge=0, le=4_999)] = 500
    modifications_per_order: Annotated[int, Meta(ge=8, le=25)] = 24
    poll_s: Annotated[
        float, Meta(ge=1, le=300, description="audit of the order book when nothing is pending")
    ] = 15.0


class SecondFeedConfig(ConfigBase, frozen=True, kw_only=True):
    """Market data from a second connection, of the same broker or of the other one. It only ever
    gives prices: orders stay with the broker that holds the positions. Addresses are those of
    `broker` when it is the same one; empty: the broker's own.
    """

    kind: OptionalBrokerName = registry.NO_BROKER
    failover_ms: Annotated[
        int,
        Meta(
            ge=200,
            le=60_000,
            description="silence about an index before the other feed is believed",
        ),
    ] = 2_000
    rest_url: str = ""
    feed_url: str = ""
    login_url: str = ""
    instruments_url: str = ""
    redirect_url: str = "http://127.0.0.1:8000/login/callback"


class FaultRehearsalConfig(ConfigBase, frozen=True, kw_only=True):
    """A trouble of a paper day: `token` (refused, a new login a minute later), `feed` (cut for two
    minutes), `silence` (the same, not cut), `hand` (somebody buys a lot of the first instrument by
    hand).
    """

    at: HourMinute
    what: Literal["token", "feed", "silence", "hand"]


class SimulatorConfig(ConfigBase, frozen=True, kw_only=True):
    """The built-in simulated exchange (mode "paper")."""

    seed: Annotated[int, Meta(ge=0, le=2**31 - 1)] = 1
    speed: Annotated[
        float, Meta(gt=0, le=1e6, description="1 is real time; --speed max does not wait at all")
    ] = 60.0
    date: Annotated[
        str, Meta(pattern=r"^(|\d{4}-\d{2}-\d{2})$", description="empty: the last trading day")
    ] = ""
    ticks_per_s: Annotated[float, Meta(gt=0, le=20)] = 1.0
    ticks_per_bar: Annotated[
        int, Meta(ge=4, le=600, description="ticks made of one bar of a price file")
    ] = 15
    listing: Annotated[
        Literal["near", "whole"],
        Meta(
            description="near: about a hundred instruments; whole: five thousand, with weekly, far "
            "and BSE contracts and options on shares"
        ),
    ] = "near"
    funds_rupees: Annotated[float, Meta(gt=0, le=1e12)] = 1_000_000.0
    prices: dict[str, str] = {}
    rehearse: Annotated[
        list[FaultRehearsalConfig],
        Meta(max_length=100, description="troubles to come, at their times (IST)"),
    ] = []


class HistoryConfig(ConfigBase, frozen=True, kw_only=True):
    """Bars of earlier sessions, for strategies with `warm_start`: from the broker's history, or from
    a file.
    """

    max_wait_s: Annotated[
        float,
        Meta(ge=0, le=600, description="how long a start may wait for the broker's history"),
    ] = 30.0
    files: Annotated[
        dict[str, str],
        Meta(description="price files of one-minute bars by symbol, instead of the broker"),
    ] = {}


class BacktestConfig(ConfigBase, frozen=True, kw_only=True):
    """How `otrade backtest` decides what no price of the past tells; options of the command go before. A running
    engine heeds none of it.
    """

    latency_ms: Annotated[
        float, Meta(ge=0, le=60_000, description="of a request to the exchange, and as long back")
    ] = 0.0
    journals: Annotated[
        list[str],
        Meta(
            max_length=400,
            description="journals of your own days, whose round trips are drawn from instead of latency_ms",
        ),
    ] = []
    queue: Annotated[
        Literal["auto", "through", "touch", "ahead", "drawn"],
        Meta(
            description="what a resting order gets of a trade at its own price: nothing, all, what trades beyond the quantity before "
            "it, a random part; auto: through of bars, ahead of ticks"
        ),
    ] = "auto"
    slippage_ticks: Annotated[
        int,
        Meta(ge=0, le=1_000, description="of an order that takes, where there is no order book"),
    ] = 1
    slippage_bps: Annotated[
        float, Meta(ge=0, le=1_000, description="likewise, in hundredths of a per cent, on top")
    ] = 0.0
    share_percent: Annotated[
        float,
        Meta(
            ge=0, le=100, description="an order gets at most this part of what trades; 0: no bound"
        ),
    ] = 0.0
    path: Annotated[
        Literal["nearer", "high", "low"],
        Meta(
            description="inside a bar, after the open: the extreme that is nearer to it, the high or the low comes first"
        ),
    ] = "nearer"
    stop_first: Annotated[
        bool,
        Meta(description="where stop and target of a position lie in one bar, the stop counts"),
    ] = True
    funds_rupees: Annotated[
        float,
        Meta(
            ge=0,
            le=1e12,
            description="of the account when it begins: an entry that they do not cover is refused; 0: never asked",
        ),
    ] = 0.0


class InstrumentConfig(ConfigBase, frozen=True, kw_only=True):
    """What may be traded."""

    symbol: Symbol
    product: Literal["MIS", "NRML", "CNC"] = "MIS"
    feed_mode: Literal["full", "quote", "ltp"] = "full"


class RiskConfig(ConfigBase, frozen=True, kw_only=True):
    """Limits of the day; 0 is no limit. They are for a whole entry, however many orders the
    exchange's freeze quantity makes of it. All but the cool-down may be changed while trading.
    """

    max_order_qty: Annotated[
        int, Meta(ge=0, description="of one entry, all its orders together")
    ] = 10_000
    max_order_notional_rupees: Annotated[float, Meta(ge=0, le=1e11, description="likewise")] = (
        2_500_000.0
    )
    max_open_positions: Annotated[int, Meta(ge=0, le=10_000)] = 5
    max_trades_per_day: Annotated[int, Meta(ge=0, le=100_000)] = 100
    max_daily_loss_rupees: Annotated[float, Meta(ge=0, le=1e11)] = 20_000.0
    max_drawdown_rupees: Annotated[float, Meta(ge=0, le=1e11)] = 25_000.0
    cooldown_after_stop_s: Annotated[float, Meta(ge=0, le=86_400)] = 60.0
    entry_wait_s: Annotated[
        float,
        Meta(
            ge=0,
            le=60,
            description="for how long an entry may wait for the order rate; 0: not at all",
        ),
    ] = 5.0
    stale_feed_ms: Annotated[int, Meta(ge=0, le=600_000)] = 10_000
    price_jump_bps: Annotated[
        int,
        Meta(
            ge=100,
            le=10_000,
            description="farther in one packet is refused until book, time or the next packets agree",
        ),
    ] = 2_000
    on_limit: Annotated[
        Literal["stop-entries", "flatten", "reduce"],
        Meta(
            description="when a loss limit trips; reduce is stop-entries, as it was called before"
        ),
    ] = "stop-entries"


class SessionsConfig(ConfigBase, frozen=True, kw_only=True):
    """Our own margins inside each instrument's continuous session."""

    entry_delay_min: Annotated[float, Meta(ge=0, le=300)] = 1.0
    entry_stop_min: Annotated[float, Meta(ge=0, le=300, description="before the close")] = 30.0
    square_off_min: Annotated[float, Meta(ge=1, le=300, description="before the close")] = 10.0
    square_off_room_min: Annotated[
        float,
        Meta(
            ge=1,
            le=120,
            description="MIS: at least so long before the broker's own square-off, see square_off.json",
        ),
    ] = 3.0


HostName = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$",
        description="as in the browser's address, without port",
    ),
]


class WebConfig(ConfigBase, frozen=True, kw_only=True):
    """The page. Others can reach it only by TLS: `host` beyond the loopback needs `tls_cert` and
    `tls_key`.
    """

    host: Annotated[
        str,
        Meta(
            pattern=r"^(localhost|[0-9A-Fa-f.:]{2,45})$",
            description="localhost, or an IP address of this computer to listen on",
        ),
    ] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65_535, description="0: any free one")] = 8_000
    names: Annotated[
        list[HostName],
        Meta(
            max_length=16,
            description="under which others open the page, besides `host`; anything else is refused",
        ),
    ] = []
    tls_cert: Annotated[str, Meta(description="PEM file: the certificate and its chain")] = ""
    tls_key: Annotated[str, Meta(description="PEM file: its key, which others may not read")] = ""
    updates_per_s: Annotated[int, Meta(ge=1, le=20)] = 10
    session_h: Annotated[int, Meta(ge=1, le=24, description="then a person must log in again")] = 12
    idle_min: Annotated[
        int,
        Meta(ge=5, le=1_440, description="a session ends when no page has been open for so long"),
    ] = 60


class HooksConfig(ConfigBase, frozen=True, kw_only=True):
    """What brokers post to us (live mode): Kite's order postbacks at `/hooks/kite/order`, tokens
    that were approved in Upstox's app at `/hooks/upstox/token`. A tunnel or reverse proxy of yours
    ends TLS and leads here.
    """

    enabled: bool = False
    host: Literal["127.0.0.1", "localhost", "::1"] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65_535, description="0: any free one")] = 8_001


GroupName = Annotated[str, Meta(pattern=r"^([a-z_][a-z0-9_-]{0,31})?$")]


class SocketsConfig(ConfigBase, frozen=True, kw_only=True):
    """For a page's server and hooks that are other users than the engine. Without groups everything
    is one user's, and the sockets lie below `paths.var`, which nobody else can enter.
    """

    folder: Annotated[
        str, Meta(description="where the sockets for groups are, such as /run/otrade")
    ] = ""
    server_group: Annotated[
        GroupName, Meta(description="whose members may open engine.sock there, as a page's server")
    ] = ""
    hooks_group: Annotated[
        GroupName, Meta(description="whose members may open hooks.sock there")
    ] = ""


class LogConfig(ConfigBase, frozen=True, kw_only=True):
    """The log: one JSON object a line, rotated by size. All files together take at most `max_mb`
    times (`files` + 1).
    """

    level: Literal["debug", "info", "warning", "error"] = "info"
    path: Annotated[str, Meta(description="empty: log/otrade.jsonl below paths.var")] = ""
    max_mb: Annotated[int, Meta(ge=1, le=1_000, description="of one file, then it is rotated")] = 10
    files: Annotated[int, Meta(ge=1, le=100, description="rotated ones that are kept")] = 5


class QuietHoursConfig(ConfigBase, frozen=True, kw_only=True):
    """Between these hours (Indian time, over midnight when `until` is the earlier one) only alerts
    of at least `min_severity` go out; the rest follows in one message afterwards. A rejected exit
    always goes out.
    """

    start: HourMinute
    until: HourMinute
    min_severity: Literal["warn", "error", "alarm"] = "alarm"


class AlertTargetConfig(ConfigBase, frozen=True, kw_only=True):
    """A place where alerts go. Its address is a secret and never stands here: an Apprise URL in
    OTRADE_ALERT_<NAME> of the environment or of the secrets file.
    """

    name: Annotated[
        str,
        Meta(
            pattern=r"^[a-z][a-z0-9_]{0,23}$",
            description="a to z, digits, _; its secret is OTRADE_ALERT_<NAME>",
        ),
    ]
    min_severity: Literal["info", "warn", "error", "alarm"] = "error"
    day_summary: Annotated[
        bool, Meta(description="the day's result at its end, whatever min_severity says")
    ] = True
    quiet: Annotated[list[QuietHoursConfig], Meta(max_length=8)] = []


class AlertsConfig(ConfigBase, frozen=True, kw_only=True):
    """Alerts to people, through Apprise (Telegram, mail, Slack and a hundred more). Without targets
    nothing of it is loaded.
    """

    targets: Annotated[list[AlertTargetConfig], Meta(max_length=8)] = []
    repeat_s: Annotated[
        float, Meta(ge=10, le=86_400, description="the same alert is not sent again before")
    ] = 300.0
    max_per_min: Annotated[
        int, Meta(ge=1, le=120, description="to one target; the rest follows in one message")
    ] = 10
    feed_down_s: Annotated[
        float, Meta(ge=1, le=3_600, description="a feed that is down for longer is told about")
    ] = 30.0
    naked_s: Annotated[
        float,
        Meta(
            ge=1,
            le=3_600,
            description="open quantity without a working stop for longer is an alarm",
        ),
    ] = 10.0
    loop_stall_ms: Annotated[
        int,
        Meta(
            ge=50,
            le=60_000,
            description="a turn of the trading loop that lasts longer is told about (live)",
        ),
    ] = 500
    tries: Annotated[
        int, Meta(ge=1, le=20, description="to deliver one message, each after a longer wait")
    ] = 5


class JournalConfig(ConfigBase, frozen=True, kw_only=True):
    """The record of everything that the engine was told and decided: var/journal/YYYY-MM-DD.otj."""

    sync_ms: Annotated[
        int,
        Meta(
            ge=10,
            le=60_000,
            description="between two writes to the disk: what a power cut can take; a crash takes nothing",
        ),
    ] = 1_000
    max_mb: Annotated[int, Meta(ge=32, le=1_000_000, description="of one day")] = 4_096
    reserve_mb: Annotated[
        int,
        Meta(
            ge=1,
            le=1_024,
            description="allocated at the start, kept for orders when the disk is full",
        ),
    ] = 16
    keep_days: Annotated[int, Meta(ge=1, le=10_000, description="closed days, compressed")] = 365
    keep_mb: Annotated[
        int, Meta(ge=32, le=10_000_000, description="of closed days; the oldest go first")
    ] = 20_000


class WatchdogConfig(ConfigBase, frozen=True, kw_only=True):
    """A small process of its own that protects what is open when the engine is gone (live only)."""

    enabled: bool = True
    stale_s: Annotated[
        float,
        Meta(
            ge=5,
            le=600,
            description="without a sign of life; then the engine is killed: what is open is covered within 10 s",
        ),
    ] = 7.0
    flatten: Annotated[
        bool, Meta(description="close everything, instead of making sure that the stops rest")
    ] = False


class PathsConfig(ConfigBase, frozen=True, kw_only=True):
    var: Annotated[
        str, Meta(description="run files, logs, sessions; relative to the working directory")
    ] = "var"
    strategies: Annotated[
        str, Meta(description="the folder of strategy files; relative to the working directory")
    ] = "strategies"
    calendar: Annotated[str, Meta(description="empty: the calendar that comes with OTrade")] = ""
    square_off: Annotated[
        str, Meta(description="brokers' square-off times; empty: the table that comes with OTrade")
    ] = ""
    charges: Annotated[
        str, Meta(description="empty: the table of charges that comes with OTrade")
    ] = ""
    secrets: Annotated[
        str,
        Meta(description="a JSON file only its owner may read (0600); the environment goes first"),
    ] = "config/secrets.json"


class Config(ConfigBase, frozen=True, kw_only=True):
    """OTrade's configuration."""

    schema: Annotated[str, Meta(description="for editors")] = msgspec.field(
        name="$schema", default=""
    )
    mode: Annotated[
        Literal["paper", "live"], Meta(description="paper: the built-in simulated exchange")
    ]
    engine: EngineConfig = EngineConfig()
    speed: SpeedConfig = SpeedConfig()
    broker: BrokerConfig = BrokerConfig()
    second_feed: SecondFeedConfig = SecondFeedConfig()
    sim: SimulatorConfig = SimulatorConfig()
    instruments: Annotated[list[InstrumentConfig], Meta(min_length=1, max_length=9_000)]
    strategies: list[AnyStrategy] = []
    risk: RiskConfig = RiskConfig()
    sessions: SessionsConfig = SessionsConfig()
    history: HistoryConfig = HistoryConfig()
    backtest: BacktestConfig = BacktestConfig()
    web: WebConfig = WebConfig()
    hooks: HooksConfig = HooksConfig()
    sockets: SocketsConfig = SocketsConfig()
    log: LogConfig = LogConfig()
    alerts: AlertsConfig = AlertsConfig()
    journal: JournalConfig = JournalConfig()
    watchdog: WatchdogConfig = WatchdogConfig()
    paths: PathsConfig = PathsConfig()
