"""What exchanges and the state take, by trade date: (first day, rate) in rising order, rates as
shares of the order's value.

Written from the circulars by itself, so that whoever computes charges has something to be held
against. Before a list's first day
its first rate holds: a broker always charges something.
"""

import datetime as dt
from bisect import bisect_right

Dated = list[tuple[str, float]]
PER_CRORE = 1e-7

STT_SELL: dict[str, Dated] = {
    "CNC": [("2020-01-01", 1e-3)],
    "MIS": [("2020-01-01", 2.5e-4)],
    "FUT": [
        ("2020-01-01", 1e-4),
        ("2023-04-01", 1.25e-4),
        ("2024-10-01", 2e-4),
        ("2026-04-01", 5e-4),
    ],
    "OPT": [
        ("2020-01-01", 5e-4),
        ("2023-04-01", 6.25e-4),
        ("2024-10-01", 1e-3),
        ("2026-04-01", 1.5e-3),
    ],
    "MCX FUT": [("2020-01-01", 1e-4)],
    "MCX OPT": [("2020-01-01", 5e-4)],
}
"""Delivery pays it on the purchase too; currency pays none."""

# NSE in rupees a crore, without its fund: shares, futures, options
_NSE = [
    ("2020-01-01", 325, 190, 5000),
    ("2021-01-01", 345, 200, 5300),
    ("2023-04-01", 325, 190, 5000),
    ("2024-04-01", 322, 188, 4950),
    ("2024-10-01", 297, 173, 3503),
    ("2026-03-01", 306.99, 182.99, 3552.99),
]
EXCHANGE: dict[str, Dated] = {
    "NSE": [(day, shares * PER_CRORE) for day, shares, _, _ in _NSE],
    "NFO FUT": [(day, futures * PER_CRORE) for day, _, futures, _ in _NSE],
    "NFO OPT": [(day, options * PER_CRORE) for day, _, _, options in _NSE],
    "BFO FUT": [("2020-01-01", 0.0)],
    "BFO OPT": [("2020-01-01", 500 * PER_CRORE), ("2024-10-01", 3250 * PER_CRORE)],
    "CDS FUT": [("2020-01-01", 90 * PER_CRORE), ("2024-10-01", 35 * PER_CRORE)],
    "CDS OPT": [("2020-01-01", 3500 * PER_CRORE), ("2024-10-01", 3110 * PER_CRORE)],
    "MCX FUT": [("2020-01-01", 260 * PER_CRORE), ("2024-10-01", 210 * PER_CRORE)],
    "MCX OPT": [
        ("2020-01-01", 0.0),
        ("2021-10-01", 5000 * PER_CRORE),
        ("2024-10-01", 4180 * PER_CRORE),
    ],
}
FUND: dict[str, Dated] = {
    "NSE": [("2020-01-01", 0.0), ("2023-04-01", 10 * PER_CRORE), ("2026-03-01", 0.01 * PER_CRORE)],
    "NFO FUT": [
        ("2020-01-01", 0.0),
        ("2023-04-01", 10 * PER_CRORE),
        ("2026-03-01", 0.01 * PER_CRORE),
    ],
    "NFO OPT": [
        ("2020-01-01", 0.0),
        ("2023-04-01", 50 * PER_CRORE),
        ("2026-03-01", 0.01 * PER_CRORE),
    ],
    "BFO FUT": [("2020-01-01", 5 * PER_CRORE)],
    "BFO OPT": [("2020-01-01", 50 * PER_CRORE)],
}
"""The exchanges' Investor Protection Funds, on top."""
SEBI: Dated = [
    ("2020-01-01", 10 * PER_CRORE),
    ("2020-06-01", 5 * PER_CRORE),
    ("2021-04-01", 10 * PER_CRORE),
]
STAMP = {"CNC": 15e-5, "MIS": 3e-5, "FUT": 2e-5, "OPT": 3e-5, "CDS FUT": 1e-6, "CDS OPT": 1e-6}
"""On the purchase, everywhere in India alike since 2020-07-01."""
GST = 0.18


def at(dated: Dated, date: dt.date) -> float:
    """The rate of a day."""
    return dated[max(bisect_right([day for day, _ in dated], f"{date}") - 1, 0)][1]


def of_plan(plan: dict[str, tuple[float, float]], kind: str, value: float) -> float:
    """Brokerage of one order by a plan: (share of the value, most an order) of each kind; a share
    of 1 is the most itself.
    """
    share, most = plan[kind]
    return most if share == 1.0 and value > 0 else min(value * share, most)
