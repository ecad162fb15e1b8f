"""Trailing by range: in where the close crosses its average, and the stop follows each trade at a few ranges' distance."""

from otrade.strategy import Atr, Cross, Ema, Strategy, atr, cross, ema, param, reason


class RangeTrailing(Strategy):
    """Follows a close that crosses its average, with a stop that each trade may draw nearer."""

    period: int = param(20, 2, 200, "average, bars")
    atr_period: int = param(14, 2, 100, "bars of the average true range")
    ranges: float = param(3.0, 0.2, 20, "ranges between price and stop")
    average: Ema
    sides: Cross
    spread: Atr
    UP = reason("the close is above its average")
    DOWN = reason("the close is below its average")
    NEARER = reason("the price has gone on")

    def on_bar(self, bar, pos, out):
        average = ema(self.average, bar.close, self.period)
        spread = atr(self.spread, bar.high, bar.low, bar.close, self.atr_period)
        crossed = cross(self.sides, bar.close, average)
        if not (self.average.ready and self.spread.ready and pos.is_flat):
            return
        if crossed > 0:
            out.buy(stop_distance=self.ranges * spread, why=self.UP, inputs=(average, spread))
        elif crossed < 0:
            out.sell(stop_distance=self.ranges * spread, why=self.DOWN, inputs=(average, spread))

    def on_tick(self, market, pos, out):
        if not self.spread.ready:
            return
        away = self.ranges * self.spread.value
        if pos.is_long and market.last - away > pos.stop:
            out.move_stop(stop=market.last - away, why=self.NEARER)
        elif pos.is_short and market.last + away < pos.stop:
            out.move_stop(stop=market.last + away, why=self.NEARER)
