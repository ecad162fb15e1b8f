"""Every indicator of averages, windows and ranges."""

from otrade.strategy import (
    Atr,
    Bollinger,
    Deviation,
    Donchian,
    Ema,
    Highest,
    Hma,
    Keltner,
    Lowest,
    Sma,
    Strategy,
    Wma,
    atr,
    bollinger,
    deviation,
    donchian,
    ema,
    highest,
    hma,
    keltner,
    lowest,
    param,
    sma,
    true_range,
    wma,
)


class Averages(Strategy):
    """Feeds them all."""

    period: int = param(9, 1, 32, "bars")
    k: float = param(2.0, -1, 10, "deviations")
    e: Ema
    s: Sma[32]
    w: Wma[32]
    h: Hma[32]
    top: Highest[32]
    bottom: Lowest[32]
    spread: Atr
    away: Deviation[32]
    bands: Bollinger[32]
    channel: Keltner
    edges: Donchian[32]
    total: float = 0.0
    before: float = 0.0

    def on_bar(self, bar, out):
        x = bar.close
        total = (
            ema(self.e, x, self.period) + sma(self.s, x, self.period) + wma(self.w, x, self.period)
        )
        total += hma(self.h, x, self.period) - highest(self.top, bar.high, self.period)
        total += lowest(self.bottom, bar.low, self.period) - atr(
            self.spread, bar.high, bar.low, x, self.period
        )
        total += deviation(self.away, x, self.period) + bollinger(
            self.bands, x, self.period, self.k
        )
        total += keltner(self.channel, bar.high, bar.low, x, self.period, self.k)
        total += donchian(self.edges, bar.high, bar.low, self.period) + true_range(
            bar.high, bar.low, self.before
        )
        self.before = x
        self.total = (
            total + self.bands.upper - self.channel.lower + self.edges.upper - self.away.mean
        )
        if self.h.ready and self.total > 0.0 and bar.index % 11 == 0:
            out.buy(stop=self.bands.lower, inputs=(self.total, self.h.value))
