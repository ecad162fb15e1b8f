"""Layouts of the structs that only kernels use: what the filters of the built-in kinds are told, and what
they remember. Plain data, like `types.py`. A state starts as zeros.
"""

from typing import Any

I8, I4, F8 = "i8", "i4", "f8"

KERNEL_STRUCTS: dict[str, list[Any]] = {
    "filter_params_t": [
        ("side_mask", I4),
        ("rsi_period", I4),
        ("atr_period", I4),
        ("_pad", I4),
        ("rsi_long_min", F8),
        ("rsi_long_max", F8),
        ("rsi_short_min", F8),
        ("rsi_short_max", F8),
        ("atr_min_bps", F8),
        ("atr_max_bps", F8),
        ("tod_from_ns", I8),
        ("tod_until_ns", I8),
    ],
    "filter_state_t": [
        ("rsi_prev", F8),
        ("rsi_gain", F8),
        ("rsi_loss", F8),
        ("rsi", F8),
        ("atr_prev_close", F8),
        ("atr", F8),
        ("rsi_n", I4),
        ("atr_n", I4),
    ],
}
