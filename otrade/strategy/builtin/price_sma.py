"""The price against its simple average."""

from otrade.strategy import Cross, MeanPrice, Strategy, cross, mean_price, param, reason


class PriceSmaCrossing(Strategy):
    """Follows the price when it crosses its simple average."""

    slow_period: int = param(21, 2, 256, "average, bars or trades")
    price: float = 0.0
    average: MeanPrice[256]
    sides: Cross
    ABOVE = reason("the price crossed above its average")
    BELOW = reason("the price crossed below its average")

    def on_bar(self, bar, out):
        self.price = bar.close
        average = mean_price(self.average, bar.close, self.slow_period)
        side = cross(self.sides, bar.close, average)
        if not self.average.ready:
            return
        if side > 0:
            out.buy(why=self.ABOVE, inputs=(bar.close, average))
        elif side < 0:
            out.sell(why=self.BELOW, inputs=(bar.close, average))

    def on_tick(self, market, out):
        self.price = market.last
        average = mean_price(self.average, market.last, self.slow_period)
        side = cross(self.sides, market.last, average)
        if not self.average.ready:
            return
        if side > 0:
            out.buy(why=self.ABOVE, inputs=(market.last, average))
        elif side < 0:
            out.sell(why=self.BELOW, inputs=(market.last, average))
