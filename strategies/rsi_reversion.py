"""RSI reversion: a tired move against the longer trend is bought back; the trend is asked of slower bars."""

from otrade.strategy import ExitReason, Rsi, Sma, Strategy, bars, param, reason, rsi, sma


class RsiReversion(Strategy):
    """Buys weakness while slower bars rise, sells strength while they fall; in the middle it leaves."""

    period: int = param(14, 2, 100, "bars of RSI")
    low: float = param(30.0, 1, 50, "RSI below which to buy")
    high: float = param(70.0, 50, 99, "RSI above which to sell")
    trend_period: int = param(8, 2, 64, "slower bars of the trend's average")
    rest: int = param(3, 0, 100, "bars without an entry after a stop")
    stop: float = param(0.8, 0.05, 10, "between entry and stop, per cent of the price")
    slower = bars(15)
    strength: Rsi
    trend: Sma[64]
    slower_seen: int = 0
    resting: int = 0
    WEAK = reason("weak within a rising trend")
    STRONG = reason("strong within a falling trend")
    MIDDLE = reason("the strength is in the middle again")

    def on_bar(self, bar, pos, out):
        if self.slower.count != self.slower_seen:
            self.slower_seen = self.slower.count
            sma(self.trend, self.slower.close, self.trend_period)
        strength = rsi(self.strength, bar.close, self.period)
        self.resting = max(self.resting - 1, 0)
        if not (self.strength.ready and self.trend.ready):
            return
        if pos.is_flat:
            if self.resting == 0 and strength < self.low and self.slower.close > self.trend.value:
                out.buy(
                    stop_distance=bar.close * self.stop / 100,
                    why=self.WEAK,
                    inputs=(strength, self.trend.value),
                )
            elif (
                self.resting == 0 and strength > self.high and self.slower.close < self.trend.value
            ):
                out.sell(
                    stop_distance=bar.close * self.stop / 100,
                    why=self.STRONG,
                    inputs=(strength, self.trend.value),
                )
        elif (pos.is_long and strength > 50) or (pos.is_short and strength < 50):
            out.exit(why=self.MIDDLE, inputs=(strength,))

    def on_fill(self, fill, out):
        if fill.exit_reason == ExitReason.STOP:
            self.resting = self.rest
