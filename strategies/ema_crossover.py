"""EMA crossover: the oldest of trend followers, always in the market once it has begun."""

from otrade.strategy import Cross, Ema, Strategy, cross, ema, param, reason


class EmaCrossover(Strategy):
    """Follows the fast average when it crosses the slow one."""

    fast_period: int = param(9, 1, 200, "fast average, bars")
    slow_period: int = param(21, 2, 400, "slow average, bars")
    fast: Ema
    slow: Ema
    sides: Cross
    UP = reason("the fast average is above the slow one")
    DOWN = reason("the fast average is below the slow one")

    def on_bar(self, bar, out):
        fast = ema(self.fast, bar.close, self.fast_period)
        slow = ema(self.slow, bar.close, self.slow_period)
        crossed = cross(self.sides, fast, slow)
        if not self.slow.ready:
            return
        if crossed > 0:
            out.buy(why=self.UP, inputs=(fast, slow))
        elif crossed < 0:
            out.sell(why=self.DOWN, inputs=(fast, slow))
