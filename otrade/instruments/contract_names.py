"""How Kite writes a contract: NIFTY26DECFUT, NIFTY26DEC26000CE (the month's last expiry),
NIFTY26D0126000CE (a week's, by its day).
"""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from typing import NamedTuple

MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_MONTHLY = re.compile(
    rf"(?P<name>[^.]+?)(?P<yy>\d\d)(?P<month>{'|'.join(MONTHS)})(?:FUT|(?P<strike>\d+(?:\.\d+)?)(?P<right>CE|PE))"
)
_WEEKLY = re.compile(
    r"(?P<name>[^.]+?)(?P<yy>\d\d)(?P<month>[1-9OND])(?P<dd>\d\d)(?P<strike>\d+(?:\.\d+)?)(?P<right>CE|PE)"
)
_MONTH_LETTER = {"O": 10, "N": 11, "D": 12}


class ContractName(NamedTuple):
    """What a contract's name says. `day` 0: the month's own contract, the last one to expire in it."""

    under: str
    kind: str
    year: int
    month: int
    day: int
    strike_e4: int

    def fits(self, kind: str, expiry: dt.date, strike_e4: int) -> bool:
        """Whether a contract may be meant."""
        return (
            kind == self.kind
            and (expiry.year % 100, expiry.month) == (self.year, self.month)
            and (not self.day or expiry.day == self.day)
            and (kind == "FUT" or strike_e4 == self.strike_e4)
        )


def read_name(name: str) -> ContractName | None:
    """None when it is no contract's name."""
    match = _MONTHLY.fullmatch(name) or _WEEKLY.fullmatch(name)
    if match is None:
        return None
    said = match.groupdict()
    month = _MONTH_LETTER.get(said["month"]) or (
        MONTHS.index(said["month"]) + 1 if said["month"] in MONTHS else int(said["month"])
    )
    strike_e4 = int(Decimal(said["strike"]) * 10_000) if said["strike"] else 0
    return ContractName(
        said["name"],
        said["right"] or "FUT",
        int(said["yy"]),
        month,
        int(said.get("dd") or 0),
        strike_e4,
    )
