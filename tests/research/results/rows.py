"""Rows of results for tests: one honest row of each table, to be changed where a test likes."""

from __future__ import annotations

import datetime as dt
from typing import Any

from otrade.research.results.facts import ResultFacts, ResultStrategy
from otrade.units import IST_NS, NS_PER_MINUTE

DAY = dt.date(2026, 11, 20)
OPEN_MINUTE = 9 * 60 + 15


def at_ns(day: dt.date, minute: int = 0) -> int:
    """So many minutes after 09:15 in India."""
    midnight = dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC)
    return int(midnight.timestamp()) * 10**9 - IST_NS + (OPEN_MINUTE + minute) * NS_PER_MINUTE


def trade(day: dt.date = DAY, **changes: Any) -> dict[str, Any]:
    """A hundred bought at 100 and sold at 101; charges of 2.50 in two kinds."""
    kinds = ("brokerage", "stt", "exchange", "gst", "sebi", "stamp", "other")
    row = {
        "trade_id": 1, "day": day, "strategy": "ema", "symbol": "NSE:INFY", "product": "MIS", "side": "BUY",
        "quantity": 100, "multiplier": 1, "entry_ns": at_ns(day, 5), "exit_ns": at_ns(day, 20),
        "entry_e4": 1_000_000, "exit_e4": 1_010_000, "stop_e4": 995_000, "target_e4": None,
        "gross_paise": 10_000, "charges_paise": 250, **{f"{kind}_paise": 0 for kind in kinds},
        "net_paise": 9_750, "exit_reason": "TARGET", "signal_e4": 999_500, "entry_slippage_paise": 500,
        "exit_slippage_paise": 0, "mae_paise": -3_000, "mfe_paise": 11_000, "naked_ns": 40_000_000, "bars_held": 15,
    }  # fmt: skip
    row |= {"brokerage_paise": 200, "gst_paise": 50}
    return row | changes


def money(gross: int, charges: int | None) -> dict[str, Any]:
    """Columns of a trade that made `gross` and cost `charges`, all of it brokerage."""
    return {
        "gross_paise": gross,
        "charges_paise": charges,
        "brokerage_paise": charges,
        "gst_paise": 0,
        "net_paise": None if charges is None else gross - charges,
    }


def order(day: dt.date = DAY, **changes: Any) -> dict[str, Any]:
    return {
        "day": day, "order_id": "OT0000010000E010001", "strategy": "ema", "symbol": "NSE:INFY", "leg": "ENTRY",
        "side": "BUY", "order_type": "LIMIT", "product": "MIS", "quantity": 100, "limit_e4": 1_000_000,
        "trigger_e4": None, "status": "FILLED", "filled_quantity": 100, "average_e4": 1_000_000,
        "placed_ns": at_ns(day, 5), "ended_ns": at_ns(day, 5), "n_changes": 0, "words": "",
    } | changes  # fmt: skip


def fill(day: dt.date = DAY, **changes: Any) -> dict[str, Any]:
    return {
        "day": day, "order_id": "OT0000010000E010001", "trade_id": 1, "symbol": "NSE:INFY", "side": "BUY",
        "quantity": 100, "price_e4": 1_000_000, "ts_ns": at_ns(day, 5), "leg": "ENTRY", "reason": "",
    } | changes  # fmt: skip


def point(
    ts_ns: int, gross: int, charges: int | None, open_paise: int = 0, day: dt.date = DAY
) -> dict[str, Any]:
    net = None if charges is None else gross - charges
    return {
        "ts_ns": ts_ns, "day": day, "gross_paise": gross, "charges_paise": charges, "net_paise": net,
        "open_paise": open_paise,
    }  # fmt: skip


def facts(**changes: Any) -> ResultFacts:
    told: dict[str, Any] = {
        "kind": "backtest", "name": "try", "first": DAY, "last": DAY,
        "created": dt.datetime(2026, 11, 30, 12, tzinfo=dt.UTC), "engine_version": "1", "broker": "kite",
        "configuration": {"mode": "paper"}, "strategies": [ResultStrategy(id="ema", kind="ema_cross")],
    }  # fmt: skip
    return ResultFacts(**(told | changes))
