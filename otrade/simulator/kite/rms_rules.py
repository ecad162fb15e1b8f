"""When Zerodha squares off intraday positions, and under which name. Published times, by the date
from which they hold: support article "intraday-auto-square-off-timings" (since 2026-08-03), before
that its older copies.
"""

from otrade.simulator.exchange.rms import RmsRules

RULES = RmsRules(
    placed_by="ADMINSQF",
    times=[
        (
            "2000-01-01",
            {"cash": "15:20", "cash_fno": "15:20", "fno": "15:25", "cds": "16:45", "mcx": "23:05"},
        ),
        (
            "2025-12-01",
            {"cash": "15:25", "cash_fno": "15:25", "fno": "15:26", "cds": "16:45", "mcx": "23:05"},
        ),
        (
            "2026-08-03",
            {"cash": "15:25", "cash_fno": "15:12", "fno": "15:26", "cds": "16:45", "mcx": "23:20"},
        ),
    ],
)
