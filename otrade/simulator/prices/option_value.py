"""What an option is worth: Bachelier's formula on the future of its expiry, by a table.

A call less a put of one strike is the future less the strike, to the unit; values are convex in the
strike; and at expiry nothing but the intrinsic value is left. Formulas: `docs/simulator.md`.
"""

from typing import NamedTuple

from otrade.simulator.prices.fixed_tables import TIME_VALUE

PREMIUM_PERCENT = 110
"""What an option's volatility is beside that of its underlying."""


class OptionOutlook(NamedTuple):
    """What an option's value depends on at a moment, for who wants its slopes; no price is made of
    it.
    """

    forward: float
    """The future of its expiry, rupees."""
    sd: float
    """That future's standard deviation until expiry, rupees."""
    units: float
    """Variance until expiry; a weekday's is 4."""
    iv: float
    """Volatility a year, as a share."""


def option_values(forwards: list[int], strike: int, sd: int, is_call: bool) -> list[int]:
    """At each level of the future, in units; `sd`: standard deviation of the future until expiry,
    in units.
    """
    sign = 1 if is_call else -1
    if sd <= 0:
        return [max(0, sign * (forward - strike)) for forward in forwards]
    found = []
    last = len(TIME_VALUE) - 1
    for forward in forwards:
        inside = sign * (forward - strike)
        far = (abs(inside) << 15) // sd
        place = far >> 10
        value = inside if inside > 0 else 0
        if place < last:
            at = TIME_VALUE[place]
            value += sd * (at - ((at - TIME_VALUE[place + 1]) * (far & 1023) >> 10)) >> 30
        found.append(value)
    return found
