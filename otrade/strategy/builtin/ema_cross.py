"""EMA crossover: the fast exponential average against the slow one."""

from otrade.strategy import Cross, Ema, Strategy, cross, ema, param, reason


class EmaCrossing(Strategy):
    """Follows the fast exponential average when it crosses the slow one."""

    fast_period: int = param(9, 1, 5000, "fast average, bars or trades")
    slow_period: int = param(21, 2, 5000, "slow average, bars or trades")
    fast: Ema
    slow: Ema
    sides: Cross
    ABOVE = reason("the fast average crossed above the slow one")
    BELOW = reason("the fast average crossed below the slow one")

    def on_bar(self, bar, out):
        fast = ema(self.fast, bar.close, self.fast_period)
        slow = ema(self.slow, bar.close, self.slow_period)
        side = cross(self.sides, fast, slow)
        if not self.slow.ready:
            return
        if side > 0:
            out.buy(why=self.ABOVE, inputs=(fast, slow))
        elif side < 0:
            out.sell(why=self.BELOW, inputs=(fast, slow))

    def on_tick(self, market, out):
        fast = ema(self.fast, market.last, self.fast_period)
        slow = ema(self.slow, market.last, self.slow_period)
        side = cross(self.sides, fast, slow)
        if not self.slow.ready:
            return
        if side > 0:
            out.buy(why=self.ABOVE, inputs=(fast, slow))
        elif side < 0:
            out.sell(why=self.BELOW, inputs=(fast, slow))
