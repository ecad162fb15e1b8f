"""What the averages and filters of a built-in kind are called, and where the core keeps them."""

from collections.abc import Mapping, Sequence
from typing import Any

from otrade._core.kernel_states import KERNEL_STRUCTS
from otrade._core.kernels.strategy_abi import IN_FILTERS, OF_PRICE, IndicatorOutput, WatchedValue
from otrade._core.market.strategy import lines_of

NAMES = {
    "ema_cross": ("EMA {fast_period}", "EMA {slow_period}"),
    "sma_cross": ("SMA {fast_period}", "SMA {slow_period}"),
    "price_ema": ("", "EMA {slow_period}"),
    "price_sma": ("", "SMA {slow_period}"),
    "price_level": ("", "level"),
}
"""What a kind's fast and slow line are; an empty one is the price."""
FILTERS = (("rsi", "rsi_period", "rsi_n", "RSI"), ("atr", "atr_period", "atr_n", "ATR"))
"""Value, length and count of a filter, as state and parameters name them; and what people call it."""
BYTES = {"i4": 4, "i8": 8, "f8": 8}


def names_of(kind: str, params: Mapping[str, int | float]) -> tuple[str, str]:
    """What the fast and the slow line of a strategy are called; empty: the price itself."""
    fast, slow = NAMES.get(kind, ("fast", "slow"))
    return fast.format_map(params), slow.format_map(params)


def lines_of_kind(kind: str, params: Mapping[str, int | float]) -> tuple[IndicatorOutput, ...]:
    """Both averages as the kind said them last, and the filters that are switched on."""
    if kind not in NAMES:
        return ()
    named = zip(("fast", "slow"), names_of(kind, params), lines_of(kind), strict=True)
    lines = [
        IndicatorOutput(name, label, "", OF_PRICE, watched)
        for name, label, watched in named
        if label
    ]
    state = _offsets(KERNEL_STRUCTS["filter_state_t"])
    for value, length, count, label in FILTERS:
        n = int(params.get(length, 0))
        if n:
            # It counts its bars up to one more than its length.
            watched = WatchedValue(state[value], state[count], 4, n + 1, IN_FILTERS)
            lines.append(IndicatorOutput(value, f"{label} {n}", "", label, watched))
    return tuple(lines)


def _offsets(rows: Sequence[Any]) -> dict[str, int]:
    found, at = {}, 0
    for name, code in rows:
        at += -at % BYTES[code]
        found[name] = at
        at += BYTES[code]
    return found
