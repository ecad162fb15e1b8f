"""The contract's third part: results of backtests and days, which are files and need no engine. Units and
words as in `views`: money and prices in ten-thousandths of a rupee, null where not known.
"""

from typing import Annotated, Literal

from msgspec import Meta

from otrade.contract.views import Row, Seq, Side

ResultName = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._ -]{0,99}$",
        description="of a result that /api/v1/results lists",
    ),
]
ResultDate = Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
ResultSymbol = Annotated[str, Meta(pattern=r"^[A-Z]{2,6}:[A-Z0-9][A-Z0-9 &_.+-]{0,60}$")]
ResultTableName = Literal["trades", "orders"]


# ----------------------------------------------------------------------------- parameters of queries
class ResultQuery(Row, frozen=True, kw_only=True):
    name: ResultName


class ResultRowsQuery(Row, frozen=True, kw_only=True):
    """`day` empty: of all days."""

    name: ResultName
    day: Annotated[str, Meta(pattern=r"^([0-9]{4}-[0-9]{2}-[0-9]{2})?$")] = ""
    offset: Seq = 0
    limit: Annotated[int, Meta(ge=1, le=500)] = 200


class ResultCandlesQuery(Row, frozen=True, kw_only=True):
    name: ResultName
    symbol: ResultSymbol
    day: ResultDate


# --------------------------------------------------------------------------------------- results
class ResultSummary(Row, frozen=True, kw_only=True):
    """One of those that are there. `trouble`: it cannot be used, and why; its numbers are 0 then."""

    name: str  # of its folder
    title: str
    kind: str
    first: str
    last: str
    created_ms: int
    days: int
    trades: int
    gross_e4: int
    net_e4: int | None  # null when charges are not known
    trouble: str


class ResultFigure(Row, frozen=True, kw_only=True):
    """A figure of the report, spelled as `otrade report` does."""

    name: str
    value: str


class ResultGroupRow(Row, frozen=True, kw_only=True):
    key: str
    trades: int
    gross_e4: int
    charges_e4: int | None
    net_e4: int | None
    win_rate: float | None  # by net; null where that is not known
    profit_factor: float | None  # of net; null where nothing lost too


class ResultGroup(Row, frozen=True, kw_only=True):
    by: str
    title: str
    rows: list[ResultGroupRow]


class ResultDayView(Row, frozen=True, kw_only=True):
    date: str
    trades: int
    gross_e4: int
    net_e4: int | None
    note: str


class ResultPoint(Row, frozen=True, kw_only=True):
    ts_ms: int
    value_e4: int
    below_e4: int  # below the highest so far: 0 or less


class ResultView(Row, frozen=True, kw_only=True):
    """A result whole, but for its rows. `is_net` False: charges are not known, and the curve is gross."""

    summary: ResultSummary
    notes: list[str]
    figures: list[ResultFigure]
    groups: list[ResultGroup]
    days: list[ResultDayView]
    is_net: bool
    curve: list[ResultPoint]
    made_of: list[ResultFigure]


class ResultTradeView(Row, frozen=True, kw_only=True):
    id: int
    day: str
    strategy: str
    symbol: str
    side: Side
    qty: int
    ts_entry_ms: int
    ts_exit_ms: int
    entry_px_e4: int
    exit_px_e4: int
    exit_reason: str
    gross_e4: int
    charges_e4: int | None
    net_e4: int | None
    mae_e4: int | None
    mfe_e4: int | None
    slippage_e4: int | None  # entry and exit together, what it cost
    naked_ms: float | None


class ResultOrderView(Row, frozen=True, kw_only=True):
    order_id: str
    day: str
    strategy: str
    symbol: str
    leg: str
    side: Side
    ord_type: str
    qty: int
    limit_e4: int | None
    trigger_e4: int | None
    ord_status: str
    cum_qty: int
    avg_px_e4: int | None
    ts_placed_ms: int
    ts_ended_ms: int | None
    changes: int
    words: str


class ResultTradesPage(Row, frozen=True, kw_only=True):
    rows: list[ResultTradeView]
    total: int


class ResultOrdersPage(Row, frozen=True, kw_only=True):
    rows: list[ResultOrderView]
    total: int


# -------------------------------------------------------------------------------------- backtests
class BacktestPrices(Row, frozen=True, kw_only=True):
    """An instrument that trades at another series' prices."""

    symbol: ResultSymbol
    series: ResultSymbol


class BacktestDraft(Row, frozen=True, kw_only=True):
    """A backtest of the engine's own configuration file over days of the price archive. `data`:
    a market's prices, or those of the simulator.
    """

    first: ResultDate
    last: ResultDate
    name: Annotated[str, Meta(pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]{0,59})?$")] = ""
    data: Literal["data", "paper-data"] = "data"
    length: Literal["tick", "1m", "2m", "3m", "5m", "10m", "15m", "30m", "1h"] = "1m"
    latency_ms: Annotated[int, Meta(ge=0, le=60_000)] = 0
    slippage_ticks: Annotated[int, Meta(ge=0, le=9_999)] = 1
    queue: Literal["", "through", "touch", "ahead", "drawn"] = ""
    target_first: bool = False
    seed: Annotated[int, Meta(ge=0, le=2_147_483_647)] = 1
    prices: Annotated[list[BacktestPrices], Meta(max_length=50)] = []


class BacktestStop(Row, frozen=True, kw_only=True):
    """Nothing to say: there is one at most."""


class BacktestView(Row, frozen=True, kw_only=True):
    """The backtest that the page's server has started last. `words`: what it said at its end."""

    state: Literal["none", "running", "done", "failed", "stopped"]
    name: str
    started_by: str
    started_ms: int
    day: str
    done: int
    of: int
    trades: int
    net_e4: int | None
    words: str
