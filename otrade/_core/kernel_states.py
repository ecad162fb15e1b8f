"""Layouts of the structs that only kernels use: states and parameters of the built-in strategies. Plain
data, like `types.py`.

A state starts as zeros with its period(s) set. Rings hold at most `Limit.MA_PERIOD_MAX` values.
"""

from typing import Any

I8, I4, F8 = "i8", "i4", "f8"
RING = 256

# What the signal kernels remember of the filters; the same fields head every strategy's state.
_FILTER_STATE = [
    ("rsi_prev", F8),
    ("rsi_gain", F8),
    ("rsi_loss", F8),
    ("rsi", F8),
    ("atr_prev_close", F8),
    ("atr", F8),
    ("rsi_n", I4),
    ("atr_n", I4),
    ("n", I4),
    ("side", I4),
]

KERNEL_STRUCTS: dict[str, list[Any]] = {
    # One parameters struct for every crossover strategy; a kind ignores what it does not need.
    "cross_params_t": [
        ("bar_mode", I4),
        ("side_mask", I4),
        ("fast_period", I4),
        ("slow_period", I4),
        ("rsi_period", I4),
        ("atr_period", I4),
        ("level", F8),
        ("rsi_long_min", F8),
        ("rsi_long_max", F8),
        ("rsi_short_min", F8),
        ("rsi_short_max", F8),
        ("atr_min_bps", F8),
        ("atr_max_bps", F8),
        ("tod_from_ns", I8),
        ("tod_until_ns", I8),
    ],
    "ema_cross_t": [*_FILTER_STATE, ("fast", F8), ("slow", F8)],
    # Prices are kept as integers so that the running sums are exact and never drift.
    "sma_cross_t": [
        *_FILTER_STATE,
        ("fast_sum_e4", I8),
        ("slow_sum_e4", I8),
        ("head", I4),
        ("_pad", I4),
        ("ring_e4", I8, RING),
    ],
}
