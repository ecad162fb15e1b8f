"""What is used up of the broker's rates and of our own limits, for the page."""

from collections.abc import Mapping
from typing import Any, Literal

from otrade._core.types import Phase
from otrade.contract.queries import BudgetView, LimitsView, LimitView
from otrade.live.day.trading_day import TradingDay
from otrade.live.plan.bracket_orders import orders_of
from otrade.units import NS_PER_MS

RATES: tuple[tuple[str, str, str, str], ...] = (
    ("Requests in the last second", "second_used", "per_second", "reserve_second"),
    ("Requests in the last minute", "minute_used", "per_minute", "reserve_minute"),
    ("Requests in the last half hour", "half_hour_used", "per_half_hour", "reserve_half_hour"),
    ("Orders placed today", "day_used", "per_day", "reserve_day"),
)
Unit = Literal["count", "units", "money", "ms"]


def limit_usage_of(day: TradingDay) -> LimitsView:
    engine = day.engine
    budget, limits, risk = engine.budget(), engine.limits(), engine.risk()
    now_ns = day.clock.now_ns()
    ages_ns = [
        now_ns - ts_ns
        for i in range(engine.n_instruments)
        if _in_session(day, i) and (ts_ns := engine.market(i)["ts_recv_ns"])
    ]
    ours: tuple[tuple[str, Unit, int | None, int], ...] = (
        (
            "Loss of the day, net",
            "money",
            max(0, risk["charges_e4"] - risk["pnl_e4"]),
            limits["max_daily_loss_e4"],
        ),
        ("Drawdown from the peak, net", "money", risk["drawdown_e4"], limits["max_drawdown_e4"]),
        ("Positions open", "count", risk["open_positions"], limits["max_open_positions"]),
        ("Trades today", "count", risk["trades"], limits["max_trades"]),
        (
            "Oldest price",
            "ms",
            max(ages_ns, default=0) // NS_PER_MS,
            limits["stale_feed_ns"] // NS_PER_MS,
        ),
        ("Units in one order", "units", None, limits["max_order_qty"]),
        ("Value of one order", "money", None, limits["max_order_notional_e4"]),
        ("Changes of one order", "count", _most_changed(day), budget["modifies_per_order"]),
    )
    slow_until_ns = budget["tight_until_ns"]
    figures: Mapping[str, Any] = budget
    return LimitsView(
        ts_ms=now_ns // NS_PER_MS,
        budgets=[
            BudgetView(name=name, used=figures[used], limit=figures[limit], reserve=figures[kept])
            for name, used, limit, kept in RATES
        ],
        slow_until_ms=slow_until_ns // NS_PER_MS if slow_until_ns > now_ns else None,
        limits=[
            LimitView(name=name, unit=unit, used=used, limit=limit)
            for name, unit, used, limit in ours
        ],
    )


def _in_session(day: TradingDay, instrument_id: int) -> bool:
    """A price of an instrument that has closed is not old: it is the last."""
    return day.engine.instrument(instrument_id)["phase"] not in (
        Phase.UNKNOWN,
        Phase.BEFORE,
        Phase.CLOSED,
    )


def _most_changed(day: TradingDay) -> int:
    """The largest number of changes that an order of an open bracket has had."""
    engine = day.engine
    return max(
        (
            order["n_modifies"]
            for bracket_id in engine.live_brackets()
            for order in orders_of(engine, engine.bracket(bracket_id))
        ),
        default=0,
    )
