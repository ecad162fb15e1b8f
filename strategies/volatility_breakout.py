"""Volatility-scaled breakout: the channel's edge gives the entry, the range of the bars the stop and the size."""

from otrade.strategy import Atr, Donchian, Strategy, atr, donchian, param, ratio, reason, whole


class VolatilityBreakout(Strategy):
    """Buys a new high and sells a new low of the channel; as wide as the market moves, so small the size."""

    period: int = param(20, 2, 128, "bars of the channel")
    atr_period: int = param(14, 2, 100, "bars of the average true range")
    stop_ranges: float = param(2.0, 0.2, 10, "ranges between entry and stop")
    target_ranges: float = param(4.0, 0.2, 30, "ranges between entry and target")
    risk: float = param(5_000.0, 100, 1_000_000, "rupees that one stop may cost")
    channel: Donchian[128]
    spread: Atr
    top: float = 0.0
    bottom: float = 0.0
    HIGH = reason("above the channel")
    LOW = reason("below the channel")

    def on_bar(self, bar, pos, out):
        top = self.top
        bottom = self.bottom
        was_ready = self.channel.ready
        donchian(self.channel, bar.high, bar.low, self.period)
        spread = atr(self.spread, bar.high, bar.low, bar.close, self.atr_period)
        self.top = self.channel.upper
        self.bottom = self.channel.lower
        stop = self.stop_ranges * spread
        qty = whole(ratio(self.risk, stop, 0.0), 0, 100_000)
        if not was_ready or not self.spread.ready or not pos.is_flat or qty < 1:
            return
        if bar.close > top:
            out.buy(
                stop_distance=stop,
                target_distance=self.target_ranges * spread,
                qty=qty,
                why=self.HIGH,
                inputs=(top, spread),
            )
        elif bar.close < bottom:
            out.sell(
                stop_distance=stop,
                target_distance=self.target_ranges * spread,
                qty=qty,
                why=self.LOW,
                inputs=(bottom, spread),
            )
