"""SMA crossover: the fast simple average against the slow one."""

from otrade.strategy import Cross, MeanPrice, Strategy, cross, mean_price, param, reason


class SmaCrossing(Strategy):
    """Follows the fast simple average when it crosses the slow one."""

    fast_period: int = param(9, 1, 256, "fast average, bars or trades")
    slow_period: int = param(21, 2, 256, "slow average, bars or trades")
    fast: MeanPrice[256]
    slow: MeanPrice[256]
    sides: Cross
    ABOVE = reason("the fast average crossed above the slow one")
    BELOW = reason("the fast average crossed below the slow one")

    def on_bar(self, bar, out):
        fast = mean_price(self.fast, bar.close, self.fast_period)
        slow = mean_price(self.slow, bar.close, self.slow_period)
        side = cross(self.sides, fast, slow)
        if not self.slow.ready:
            return
        if side > 0:
            out.buy(why=self.ABOVE, inputs=(fast, slow))
        elif side < 0:
            out.sell(why=self.BELOW, inputs=(fast, slow))

    def on_tick(self, market, out):
        fast = mean_price(self.fast, market.last, self.fast_period)
        slow = mean_price(self.slow, market.last, self.slow_period)
        side = cross(self.sides, fast, slow)
        if not self.slow.ready:
            return
        if side > 0:
            out.buy(why=self.ABOVE, inputs=(fast, slow))
        elif side < 0:
            out.sell(why=self.BELOW, inputs=(fast, slow))
