"""Timed momentum: looks at the price every half minute, follows it when it has left its average, and is out before the close."""

from otrade.strategy import Sma, Strategy, param, reason, sma, timer


class TimedMomentum(Strategy):
    """Follows a price that has left the average of its looks; out where they meet, and before the close."""

    looks: int = param(20, 2, 64, "looks of the average, half a minute each")
    edge: float = param(8.0, 0, 200, "from the average at which to enter, bps")
    last: int = param(15, 0, 375, "minutes before the square-off from which it is out")
    every = timer(30)
    average: Sma[64]
    UP = reason("the price has left its average upwards")
    DOWN = reason("the price has left its average downwards")
    BACK = reason("the price is back at its average")
    LATE = reason("the day is nearly over")

    def on_timer(self, market, pos, clock, out):
        price = market.last
        if price <= 0:
            return
        average = sma(self.average, price, self.looks)
        beyond = average * self.edge / 10_000
        if clock.minutes_left <= self.last:
            if not pos.is_flat:
                out.exit(why=self.LATE)
        elif pos.is_long:
            if price <= average:
                out.exit(why=self.BACK, inputs=(average,))
        elif pos.is_short:
            if price >= average:
                out.exit(why=self.BACK, inputs=(average,))
        elif self.average.ready:
            if price > average + beyond:
                out.buy(why=self.UP, inputs=(average,))
            elif price < average - beyond:
                out.sell(why=self.DOWN, inputs=(average,))
