"""Opening range: the first minutes draw the range, the first close beyond it is followed."""

from otrade.strategy import Strategy, param, reason


class OpeningRange(Strategy):
    """Buys the break of the first minutes, with the stop at the other side of the range."""

    minutes: int = param(15, 1, 120, "length of the opening range, minutes")
    room: float = param(5.0, 0, 200, "beyond the range, bps")
    high: float = 0.0
    low: float = 0.0
    BROKEN = reason("the opening range is broken")

    def on_bar(self, bar, pos, out):
        if bar.minute_of_session < self.minutes:
            self.high = max(self.high, bar.high) if bar.index else bar.high
            self.low = min(self.low, bar.low) if bar.index else bar.low
        elif pos.is_flat and bar.close > self.high * (1 + self.room / 1e4):
            out.buy(stop=self.low, target=bar.close + 2 * (bar.close - self.low), why=self.BROKEN)
