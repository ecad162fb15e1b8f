"""What the averages and filters of a built-in kind are called, and where the core keeps them."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from otrade._core.kernel_states import KERNEL_STRUCTS
from otrade._core.kernels.strategy_abi import (
    OF_FILTERS,
    OF_PARAMS,
    OF_PRICE,
    IndicatorOutput,
    WatchedValue,
)
from otrade.strategy.builtin import kinds
from otrade.strategy.check.file import read
from otrade.strategy.check.spec import Spec
from otrade.strategy.lines import lines_of
from otrade.strategy.words.cell import structure

NAMES = {
    "ema_cross": ("EMA {fast_period}", "EMA {slow_period}"),
    "sma_cross": ("SMA {fast_period}", "SMA {slow_period}"),
    "price_ema": ("", "EMA {slow_period}"),
    "price_sma": ("", "SMA {slow_period}"),
    "price_level": ("", "level"),
}
"""What a kind's fast and slow line are; an empty one is the price."""
FILTERS = (("rsi", "rsi_period", "rsi_n", "RSI"), ("atr", "atr_period", "atr_n", "ATR"))
"""Value, length and count of a filter, as its memory and parameters name them; and what people call it."""
LEVEL = "level"
BYTES = {"i4": 4, "i8": 8, "f8": 8}


def names_of(kind: str, params: Mapping[str, int | float]) -> tuple[str, str]:
    """What the fast and the slow line of a strategy are called; empty: the price itself."""
    fast, slow = NAMES.get(kind, ("fast", "slow"))
    return fast.format_map(params), slow.format_map(params)


def lines_of_kind(kind: str, params: Mapping[str, int | float]) -> tuple[IndicatorOutput, ...]:
    """The indicators of its file, a level that it is held against, and the filters that are switched on."""
    if kind not in kinds():
        return ()
    spec = _spec(kind)
    lines = list(lines_of(spec, {name: params[name] for name in spec.params if name in params}))
    if LEVEL in spec.params:
        at = int(getattr(structure("params", spec.params_rows), LEVEL).offset)
        level = WatchedValue(at, at, known_from=0, memory=OF_PARAMS)  # a parameter is always known
        lines.append(IndicatorOutput(LEVEL, LEVEL, "", OF_PRICE, level))
    held = _offsets(KERNEL_STRUCTS["filter_state_t"])
    for value, length, count, label in FILTERS:
        n = int(params.get(length, 0))
        if n:
            # It counts its bars up to one more than its length.
            watched = WatchedValue(held[value], held[count], 4, n + 1, OF_FILTERS)
            lines.append(IndicatorOutput(value, f"{label} {n}", "", label, watched))
    return tuple(lines)


@cache
def _spec(kind: str) -> Spec:
    return read(kinds()[kind])


def _offsets(rows: Sequence[Any]) -> dict[str, int]:
    found, at = {}, 0
    for name, code in rows:
        at += -at % BYTES[code]
        found[name] = at
        at += BYTES[code]
    return found
