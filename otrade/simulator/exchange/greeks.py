"""Greeks of the model's options: derivatives of Bachelier's formula, of which `option_value` has the
table.
"""

import math
from typing import NamedTuple

from otrade.simulator.base.universe import E4, ListedContract
from otrade.simulator.prices.option_value import OptionOutlook

UNITS_A_DAY = 22 / 7
"""Variance of a calendar day, weekends among them."""
SD_LEAST = 0.05


class Greeks(NamedTuple):
    """In rupees: by one rupee of the future, by a day, by one per cent of volatility."""

    iv: float
    """Volatility a year, as a share."""
    delta: float
    theta: float
    gamma: float
    vega: float


def greeks(outlook: OptionOutlook, contract: ListedContract) -> Greeks:
    """Of an option as things stand."""
    sd = max(outlook.sd, SD_LEAST)
    inside = (outlook.forward - contract.strike_e4 / E4) / sd
    density = math.exp(-inside * inside / 2) / math.sqrt(2 * math.pi)
    call_delta = 0.5 * (1 + math.erf(inside / math.sqrt(2)))
    units = max(outlook.units, UNITS_A_DAY / 100)
    return Greeks(
        outlook.iv,
        call_delta if contract.instrument_type == "CE" else call_delta - 1,
        -density * sd / (2 * units) * UNITS_A_DAY,
        density / sd,
        density * sd / outlook.iv / 100,
    )
