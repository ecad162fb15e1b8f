"""What the averages and filters of a built-in kind are called, and where the core keeps them."""

from collections.abc import Mapping

from otrade._core.kernels.strategy_abi import OF_PRICE, IndicatorOutput
from otrade._core.market.strategy import line_of_filter, lines_of

NAMES = {
    "ema_cross": ("EMA {fast_period}", "EMA {slow_period}"),
    "sma_cross": ("SMA {fast_period}", "SMA {slow_period}"),
    "price_ema": ("", "EMA {slow_period}"),
    "price_sma": ("", "SMA {slow_period}"),
    "price_level": ("", "level"),
}
"""What a kind's fast and slow line are; an empty one is the price."""
FILTERS = (("rsi", "rsi_period", "RSI"), ("atr", "atr_period", "ATR"))
"""A filter and its length, as the core and parameters name them; and what people call it."""


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
    for name, length, label in FILTERS:
        n = int(params.get(length, 0))
        if n:
            watched = line_of_filter(name, n)
            lines.append(IndicatorOutput(name, f"{label} {n}", "", label, watched))
    return tuple(lines)
