"""How long, and with how much, something was open."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from otrade.research.report.source import TradeRow


class Exposure(msgspec.Struct, frozen=True):
    """`in_market_ns`: with at least one trade open. Values are those of the entries, in rupees' paise;
    the mean is over that time.
    """

    in_market_ns: int
    most_paise: int
    mean_paise: int
    most_trades: int


def exposure_of(trades: Sequence[TradeRow]) -> Exposure:
    changes = sorted(
        change
        for trade in trades
        for change in (
            (trade.entry_ns, 1, 1, trade.value_paise),
            (trade.exit_ns, 0, -1, -trade.value_paise),
        )
    )
    open_n = open_paise = most = most_n = in_market = weighted = 0
    last_ns = 0
    for ts_ns, _, n, paise in changes:
        if open_n:
            in_market += ts_ns - last_ns
            weighted += open_paise * (ts_ns - last_ns)
        last_ns = ts_ns
        open_n += n
        open_paise += paise
        most, most_n = max(most, open_paise), max(most_n, open_n)
    return Exposure(in_market, most, weighted // in_market if in_market else 0, most_n)
