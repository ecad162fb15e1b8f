"""Limits of the day that the first draws leave out."""

import random

E4 = 10_000


def widen_limits(seed: int, limits: dict[str, int]) -> dict[str, int]:
    """`max_order_notional_e4`: a whole decision whose limit price (at the market: the last price)
    times its units is above it is refused. `max_drawdown_e4`: once the day's profit is that far
    below its peak, REDUCING or (`flatten_on_limit`) everything out; no entry after. `px_jump_bps_max`:
    a price farther from the last one in one packet is not believed until book, time or the next
    packets agree; nothing is decided on it before.
    """
    rng = random.Random(f"limits {seed}")
    return {
        **limits,
        "max_order_notional_e4": rng.choice((0, 0, 0, 150_000, 5_000_000)) * E4,
        "max_drawdown_e4": rng.choice((0, 0, 0, 1_000, 8_000)) * E4,
        "px_jump_bps_max": rng.choice((2_000, 2_000, 1_000)),
    }
