"""What a strategy's indicators need before they say anything, and before they say what a chart
says.

Ready is what the kernels call so: an average has seen as many values as its period, a filter one
bar more than its own. An exponential average never forgets its first value, and Wilder's forget it
half as fast: settled is when less than a 20,000th of it is left.
"""

from collections.abc import Mapping

from otrade._core.engine.engine import Engine
from otrade._core.engine.rows import StrategyRow
from otrade.units import ist_hms

EMA_SETTLES = 5
WILDER_SETTLES = 10
FILE = "file"
FILE_SETTLES = 512
"""Bars of the past that a compiled strategy is fed: what it looks back to, nobody but it knows."""
FURTHER_SETTLES = 64
"""The same of bars of a further length: as long as most windows of slower averages."""
AVERAGED = ("ema_cross", "sma_cross", "price_ema", "price_sma")
EXPONENTIAL = ("ema_cross", "price_ema")

Numbers = Mapping[str, int | float]


def bars_to_settle(kind: str, params: Numbers) -> int:
    """Bars after which a strategy's indicators have settled; 0: bars of the past tell it nothing."""
    if kind == FILE:
        return FILE_SETTLES
    wilder = WILDER_SETTLES * int(max(params.get("rsi_period", 0), params.get("atr_period", 0)))
    if not params.get("bar_mode"):
        return wilder
    if kind not in AVERAGED:
        return max(wilder, 1)  # on which side of its level the price was
    periods = EMA_SETTLES if kind in EXPONENTIAL else 1
    return max(wilder, periods * int(params["slow_period"]))


def is_of_ticks(kind: str, params: Numbers) -> bool:
    """Its averages move with ticks, which no history of bars can tell."""
    return kind in AVERAGED and not params.get("bar_mode")


def bars_missing(row: StrategyRow) -> int:
    """Bars that must close before its filters, and its averages of bars, are ready."""
    params = row["params"]
    missing = 0
    if params["rsi_period"]:
        missing = max(missing, params["rsi_period"] + 1 - row["n_rsi"])
    if params["atr_period"]:
        missing = max(missing, params["atr_period"] + 1 - row["n_atr"])
    if row["kind"] in AVERAGED and params["bar_mode"]:
        missing = max(missing, params["slow_period"] - row["n_average"])
    return missing


def ticks_missing(row: StrategyRow) -> int:
    """Ticks that must come before its averages of ticks are ready."""
    if row["kind"] not in AVERAGED or row["params"]["bar_mode"]:
        return 0
    return max(0, row["params"]["slow_period"] - row["n_average"])


def ready_from_ns(engine: Engine, row: StrategyRow, now_ns: int) -> int | None:
    """When a strategy may be ready, if every bar comes; 0: it is; None: not on this day."""
    n = bars_missing(row)
    if n == 0:
        return 0
    instrument, series = engine.instrument(row["instrument_id"]), engine.series(row["series_id"])
    open_ns, length_ns = instrument["open_ns"], series["interval_ns"]
    if series["has_bar"]:
        begins_ns = series["bar"]["ts_open_ns"]
    else:
        since_ns = max(now_ns, open_ns, series["from_ns"])
        begins_ns = open_ns + (since_ns - open_ns) // length_ns * length_ns
    ready_ns = begins_ns + n * length_ns
    return ready_ns if ready_ns < instrument["close_ns"] else None


def waiting_words(engine: Engine, row: StrategyRow, now_ns: int) -> str:
    """What a strategy's indicators wait for; empty when they are ready."""
    n_ticks, from_ns = ticks_missing(row), ready_from_ns(engine, row, now_ns)
    words = [f"averages of ticks need {n_ticks} more"] if n_ticks else []
    if from_ns is None:
        words.append("not ready on this day")
    elif from_ns:
        words.append(f"not ready before {ist_hms(from_ns)[:5]}")
    return ", ".join(words)
