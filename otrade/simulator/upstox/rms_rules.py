"""When Upstox squares off intraday positions, and under which name. Published times, by the date
from which they hold: announcement "intraday-square-off-timings-are-changing" (since 2026-09-11).
"""

from otrade.simulator.exchange.rms import RmsRules

RULES = RmsRules(
    placed_by="rms",
    times=[
        (
            "2000-01-01",
            {"cash": "15:15", "cash_fno": "15:15", "fno": "15:20", "cds": "16:30", "mcx": "22:50"},
        ),
        (
            "2026-09-11",
            {"cash": "15:25", "cash_fno": "15:10", "fno": "15:25", "cds": "16:30", "mcx": "22:50"},
        ),
    ],
)
