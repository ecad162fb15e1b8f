"""Layouts of the structs that only kernels use: indicator states and strategy parameters. Plain
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
    "ema_t": [("value", F8), ("period", I4), ("n", I4)],
    "sma_t": [
        ("sum", F8),
        ("period", I4),
        ("n", I4),
        ("head", I4),
        ("_pad", I4),
        ("ring", F8, RING),
    ],
    "rsi_t": [("prev", F8), ("avg_gain", F8), ("avg_loss", F8), ("period", I4), ("n", I4)],
    "atr_t": [("prev_close", F8), ("value", F8), ("period", I4), ("n", I4)],
    "vwap_t": [("value_sum", F8), ("qty_sum", F8), ("day", I8)],
    "bollinger_t": [
        ("k", F8),
        ("mid", F8),
        ("upper", F8),
        ("lower", F8),
        ("period", I4),
        ("n", I4),
        ("head", I4),
        ("_pad", I4),
        ("ring", F8, RING),
    ],
    "macd_t": [
        ("fast", F8),
        ("slow", F8),
        ("signal", F8),
        ("hist", F8),
        ("fast_period", I4),
        ("slow_period", I4),
        ("signal_period", I4),
        ("n", I4),
    ],
    "supertrend_t": [
        ("factor", F8),
        ("upper", F8),
        ("lower", F8),
        ("value", F8),
        ("atr_prev_close", F8),
        ("atr", F8),
        ("period", I4),
        ("n", I4),
        ("trend", I4),
        ("_pad", I4),
    ],
    "donchian_t": [
        ("upper", F8),
        ("lower", F8),
        ("mid", F8),
        ("period", I4),
        ("n", I4),
        ("head", I4),
        ("_pad", I4),
        ("highs", F8, RING),
        ("lows", F8, RING),
    ],
    "stochastic_t": [
        ("k", F8),
        ("d", F8),
        ("period", I4),
        ("smooth", I4),
        ("n", I4),
        ("head", I4),
        ("k_head", I4),
        ("k_n", I4),
        ("highs", F8, RING),
        ("lows", F8, RING),
        ("ks", F8, RING),
    ],
    "adx_t": [
        ("prev_high", F8),
        ("prev_low", F8),
        ("prev_close", F8),
        ("plus_dm", F8),
        ("minus_dm", F8),
        ("tr", F8),
        ("dx_sum", F8),
        ("adx", F8),
        ("plus_di", F8),
        ("minus_di", F8),
        ("period", I4),
        ("n", I4),
    ],
    "cross_t": [("side", I4), ("_pad", I4)],
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
