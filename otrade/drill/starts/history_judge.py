"""The judge of warm starts: what fed an engine's indicators is what has traded at the exchange, each
minute once, up to the last one before the engine listened; and what they say of it is plain
arithmetic.

It reads the journal's records of history and the exchange's own trades, and of the engine only the
two averages of each strategy.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from otrade._core.types import Rec
from otrade.drill.draws.history import HistoryDraw
from otrade.journal.memory import MemoryJournal
from otrade.journal.words import words_of
from otrade.live.plan.day_plan import DayPlan, PlannedStrategy
from otrade.live.plan.warm_start import FILE
from otrade.simulator.base import hours
from otrade.simulator.base.universe import ListedContract
from otrade.simulator.simulator import Simulator

MINUTE = 60_000_000_000
Bar = dict[str, Any]
OHLC = tuple[int, int, int, int]
CLOSE_ENOUGH = 1e-9


def check_history(
    sim: Simulator,
    plan: DayPlan,
    journal: MemoryJournal,
    contracts: Sequence[ListedContract],
    draw: HistoryDraw,
) -> str:
    """What is wrong with what this journal's engine was fed; empty when nothing is. `contracts` as
    the plan has them. Before the first tick of a process. Who starts again at once may find the
    broker's second used up by the process before, and starts afresh.
    """
    fed: dict[int, list[Bar]] = {}
    for record in journal.records():
        if record.kind == Rec.HISTORY:
            row = words_of(record)
            strategy_id = row["strategy_id"]
            # Slower bars, which a strategy file sees beside its own, are the trader's to judge.
            if strategy_id >= 0 and row["series_id"] == plan.strategies[strategy_id].series_id:
                fed.setdefault(row["strategy_id"], []).extend(row["bars"])
    if fed and draw.answer in ("refused", "empty"):
        return "a broker told no history, and indicators were fed"
    is_before_open = sim.clock.now_ns() < plan.open_ns
    for strategy_id, planned in enumerate(plan.strategies):
        contract = contracts[planned.instrument_id]
        bars = fed.get(strategy_id, [])
        if bars:
            wrong = _bars(sim, contract, bars) or _averages(plan, strategy_id, planned, bars)
            if wrong:
                return f"strategy {strategy_id} of {contract.key}: {wrong}"
        elif (
            draw.answer == "whole"
            and not draw.dies_behind
            and is_before_open
            and _sees_bars(planned)
        ):
            return f"strategy {strategy_id} of {contract.key} starts afresh, and history was told"
    return ""


def _sees_bars(planned: PlannedStrategy) -> bool:
    params = planned.params
    return planned.kind == FILE or any(
        params.get(name) for name in ("bar_mode", "rsi_period", "atr_period")
    )


def _bars(sim: Simulator, contract: ListedContract, bars: list[Bar]) -> str:
    """Each is the trades of its minute, and none is left out between the first and the last."""
    traded: dict[int, OHLC] = {}
    first, today = hours.ist_date(bars[0]["ts_open_ns"]), sim.exchange.date
    date = today
    while date >= first:
        traded |= _minutes(sim, contract, date)
        date = hours.previous_trading_day(date)
    times = [bar["ts_open_ns"] for bar in bars]
    if times != sorted(set(times)):
        return "a bar of the past has fed it twice, or out of turn"
    for bar in bars:
        has = tuple(bar[name] for name in ("open_e4", "high_e4", "low_e4", "close_e4"))
        if traded.get(bar["ts_open_ns"]) != has:
            return f"the bar of {bar['ts_open_ns']} is {has}, and what traded {traded.get(bar['ts_open_ns'])}"
    yesterday = hours.previous_trading_day(today)
    until_ns = max(times[-1], max(_minutes(sim, contract, yesterday), default=0))
    missing = [ts_ns for ts_ns in traded if times[0] <= ts_ns <= until_ns and ts_ns not in times]
    return f"the bar of {missing[0]} has not fed it" if missing else ""


def _minutes(sim: Simulator, contract: ListedContract, date: dt.date) -> dict[int, OHLC]:
    """Of one day, by the exchange's trades."""
    exchange = sim.exchange
    if date == exchange.date:
        trades = [(ts, px) for ts, px, *_ in exchange.market.quote(contract).trades()]
    else:
        path = exchange.prices.earlier(contract, date)
        trades = list(zip(path.ts_ns, path.px_e4, strict=True))
    found: dict[int, OHLC] = {}
    for ts_ns, px_e4 in trades:
        at = ts_ns // MINUTE * MINUTE
        opened, high, low, _ = found.get(at, (px_e4, px_e4, px_e4, px_e4))
        found[at] = (opened, max(high, px_e4), min(low, px_e4), px_e4)
    return found


def _averages(plan: DayPlan, strategy_id: int, planned: PlannedStrategy, bars: list[Bar]) -> str:
    """By pencil. Once the series has closed bars of its own, these are in it too. What a strategy file
    makes of it its decisions tell.
    """
    if planned.kind == FILE:
        return ""
    row = plan.engine.strategy(strategy_id)
    if not planned.params.get("bar_mode") or plan.engine.series(row["series_id"])["n_closed"]:
        return ""
    closes = [bar["close_e4"] / 10_000 for bar in bars]
    slow = int(planned.params.get("slow_period", 0))
    average = _simple if planned.kind in ("sma_cross", "price_sma") else _exponential
    if planned.kind == "price_level" or len(closes) < slow:
        return ""
    is_cross = planned.kind in ("ema_cross", "sma_cross")
    fast = average(closes, int(planned.params["fast_period"])) if is_cross else closes[-1]
    wanted, said = (fast, average(closes, slow)), (row["signal"]["fast"], row["signal"]["slow"])
    if any(abs(a - b) > CLOSE_ENOUGH * a for a, b in zip(wanted, said, strict=True)):
        return f"its averages are {said}, and those of what fed it {wanted}"
    return ""


def _simple(values: list[float], period: int) -> float:
    return sum(values[-period:]) / period


def _exponential(values: list[float], period: int) -> float:
    """From the first value on: e += (v - e) * 2 / (period + 1)."""
    e = values[0]
    for value in values[1:]:
        e += (value - e) * 2 / (period + 1)
    return e
