"""What Upstox takes of an order: by API its own fixed sum, and that of the basic plan in the end."""

import datetime as dt

from otrade.simulator.exchange import charge_rates

_PLAN = {"CNC": (1.0, 20.0), "MIS": (1e-3, 20.0), "FUT": (5e-4, 20.0), "OPT": (1.0, 20.0)}
_BY_API = [("2020-01-01", 0.0), ("2024-09-01", 10.0), ("2026-10-01", -1.0)]
"""An order by API; below 0: as any other order of the basic plan."""


def brokerage(kind: str, value: float, date: dt.date) -> float:
    """See `Brokerage`."""
    flat = charge_rates.at(_BY_API, date)
    return flat if flat >= 0 else charge_rates.of_plan(_PLAN, kind, value)
