"""The day's profit over time, for the page: a point every few seconds of engine time, in fixed
memory.
"""

from collections import deque

import msgspec

from otrade.charges import NO_CHARGES
from otrade.clock import NS_PER_S
from otrade.live.day.trading_day import TradingDay
from otrade.live.history.trade_ledger import net_after

GAP_NS = 15 * NS_PER_S
KEPT_MAX = 4_000
"""Sixteen hours: the longest session there is."""


class EquityPointValue(msgspec.Struct, frozen=True):
    ts_ns: int
    gross_e4: int
    net_e4: int | None
    """None from the first trade on whose charges are not known."""


class EquityCurve:
    """`on_beat` belongs on the beat. A day that goes on after a restart begins with what its closed
    trades tell.
    """

    def __init__(self, day: TradingDay) -> None:
        self._day = day
        self._points: deque[EquityPointValue] = deque(maxlen=KEPT_MAX)
        self._next_ns = 0
        gross_e4, charges = 0, NO_CHARGES
        for trade in sorted(day.trades.trades, key=lambda trade: trade.ts_exit_ns):
            gross_e4 += trade.gross_e4
            charges += trade.charges
            self._points.append(
                EquityPointValue(trade.ts_exit_ns, gross_e4, net_after(gross_e4, charges))
            )

    def on_beat(self, now_ns: int) -> None:
        if now_ns < self._next_ns:
            return
        self._next_ns = now_ns - now_ns % GAP_NS + GAP_NS
        gross_e4 = self._day.engine.risk()["pnl_e4"]
        self._points.append(
            EquityPointValue(now_ns, gross_e4, net_after(gross_e4, self._day.trades.charges))
        )

    def since(self, ts_ns: int) -> list[EquityPointValue]:
        """Those at `ts_ns` or later, oldest first."""
        return [point for point in self._points if point.ts_ns >= ts_ns]
