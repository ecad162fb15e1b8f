"""Ratios of daily returns, as the field computes them (docs/report.md names the sources): a year has
252 trading days, the riskless rate is 0, nothing is rounded. None where a ratio is not defined.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

DAYS_A_YEAR = 252


def returns_of(nets_paise: Sequence[int | None], capital_paise: int | None) -> list[float] | None:
    """Each day's net profit by what the account held the evening before. None where the capital or a
    day's charges are not known, or nothing is left to trade with.
    """
    if not capital_paise or capital_paise <= 0:
        return None
    found = []
    held = capital_paise
    for net in nets_paise:
        if net is None or held <= 0:
            return None
        found.append(net / held)
        held += net
    return found


def sharpe(returns: Sequence[float]) -> float | None:
    """Mean by standard deviation (of a sample), a year."""
    if len(returns) < 2:
        return None
    mean = math.fsum(returns) / len(returns)
    variance = math.fsum((one - mean) ** 2 for one in returns) / (len(returns) - 1)
    return None if variance == 0 else mean / math.sqrt(variance) * math.sqrt(DAYS_A_YEAR)


def sortino(returns: Sequence[float]) -> float | None:
    """Mean by downside deviation, a year: the root of the mean square of the losses, days without a
    loss counted as 0.
    """
    if len(returns) < 2:
        return None
    downside = math.fsum(min(one, 0.0) ** 2 for one in returns) / len(returns)
    if downside == 0:
        return None
    return math.fsum(returns) / len(returns) / math.sqrt(downside) * math.sqrt(DAYS_A_YEAR)


def annual_return(returns: Sequence[float]) -> float | None:
    """Compound growth a year (CAGR)."""
    growth = math.prod(1 + one for one in returns)
    return growth ** (DAYS_A_YEAR / len(returns)) - 1 if returns and growth > 0 else None


def max_drawdown(returns: Sequence[float]) -> float:
    """The deepest fall of the evening's account below its highest one, as a part of that: 0 or less."""
    value = peak = 1.0
    deepest = 0.0
    for one in returns:
        value *= 1 + one
        peak = max(peak, value)
        deepest = min(deepest, (value - peak) / peak)
    return deepest


def calmar(returns: Sequence[float]) -> float | None:
    """Compound growth a year by the deepest drawdown."""
    growth, deepest = annual_return(returns), max_drawdown(returns)
    return None if growth is None or deepest == 0 else growth / -deepest
