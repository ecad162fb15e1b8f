"""Greeks of the model's options: derivatives of the price formula of `price_paths.option_e4` (Black's,
without interest).
"""

import math
from typing import NamedTuple

from otrade.simulator.base.config import NS_PER_S
from otrade.simulator.base.hours import ist_ns
from otrade.simulator.base.universe import E4, ListedContract

DAYS_MIN = 0.02


class Greeks(NamedTuple):
    """In rupees: by one rupee of the underlying, by a day, by one per cent of volatility."""

    iv: float
    """Volatility a year, as a share."""
    delta: float
    theta: float
    gamma: float
    vega: float


def greeks(contract: ListedContract, spot_e4: int, now_ns: int) -> Greeks:
    """Of an option at that level of its underlying."""
    assert contract.expiry is not None
    sigma = contract.day_sigma * math.sqrt(252) * 1.1
    days = max((ist_ns(contract.expiry, "15:30") - now_ns) / NS_PER_S / 86_400, DAYS_MIN)
    years = days / 365
    spot, spread = spot_e4 / E4, sigma * math.sqrt(years)
    d1 = math.log(spot_e4 / contract.strike_e4) / spread + spread / 2
    density = math.exp(-d1 * d1 / 2) / math.sqrt(2 * math.pi)
    call_delta = 0.5 * (1 + math.erf(d1 / math.sqrt(2)))
    return Greeks(
        sigma,
        call_delta if contract.instrument_type == "CE" else call_delta - 1,
        -spot * density * sigma / (2 * math.sqrt(years)) / 365,
        density / (spot * spread),
        spot * density * math.sqrt(years) / 100,
    )
