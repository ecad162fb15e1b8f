"""The price against its exponential average."""

from otrade.strategy import Cross, Ema, Strategy, cross, ema, param, reason


class PriceEmaCrossing(Strategy):
    """Follows the price when it crosses its exponential average."""

    slow_period: int = param(21, 2, 5000, "average, bars or trades")
    price: float = 0.0
    average: Ema
    sides: Cross
    ABOVE = reason("the price crossed above its average")
    BELOW = reason("the price crossed below its average")

    def on_bar(self, bar, out):
        self.price = bar.close
        average = ema(self.average, bar.close, self.slow_period)
        side = cross(self.sides, bar.close, average)
        if not self.average.ready:
            return
        if side > 0:
            out.buy(why=self.ABOVE, inputs=(bar.close, average))
        elif side < 0:
            out.sell(why=self.BELOW, inputs=(bar.close, average))

    def on_tick(self, market, out):
        self.price = market.last
        average = ema(self.average, market.last, self.slow_period)
        side = cross(self.sides, market.last, average)
        if not self.average.ready:
            return
        if side > 0:
            out.buy(why=self.ABOVE, inputs=(market.last, average))
        elif side < 0:
            out.sell(why=self.BELOW, inputs=(market.last, average))
