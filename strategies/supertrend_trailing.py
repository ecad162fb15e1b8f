"""Supertrend with a trailing stop: in with the turn of the trend, the stop on the band behind the price."""

from otrade.strategy import Strategy, Supertrend, param, reason, supertrend


class SupertrendTrailing(Strategy):
    """Enters when Supertrend turns and moves the stop along its band."""

    period: int = param(10, 2, 100, "bars of the average true range")
    factor: float = param(3.0, 0.5, 10, "ranges between price and band")
    band: Supertrend
    before: int = 0
    UP = reason("the trend turned up")
    DOWN = reason("the trend turned down")
    ALONG = reason("the band has moved")

    def on_bar(self, bar, pos, out):
        trend = supertrend(self.band, bar.high, bar.low, bar.close, self.period, self.factor)
        turned = self.before != 0 and trend != self.before
        self.before = trend
        if not self.band.ready:
            return
        if turned and trend > 0:
            out.buy(stop=self.band.value, why=self.UP, inputs=(self.band.value,))
        elif turned:
            out.sell(stop=self.band.value, why=self.DOWN, inputs=(self.band.value,))
        elif pos.is_long and self.band.value > pos.stop:
            out.move_stop(stop=self.band.value, why=self.ALONG)
        elif pos.is_short and (pos.stop == 0 or self.band.value < pos.stop):
            out.move_stop(stop=self.band.value, why=self.ALONG)
