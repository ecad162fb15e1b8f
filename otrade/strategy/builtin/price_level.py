"""The price against a level that stays where it is."""

from otrade.strategy import Cross, Strategy, cross, param, reason


class PriceLevelCrossing(Strategy):
    """Follows the price when it crosses a fixed level."""

    level: float = param(100.0, 0, 1_000_000, "the level, rupees")
    price: float = 0.0
    sides: Cross
    ABOVE = reason("the price crossed above the level")
    BELOW = reason("the price crossed below the level")

    def on_bar(self, bar, out):
        self.price = bar.close
        side = cross(self.sides, bar.close, self.level)
        if side > 0:
            out.buy(why=self.ABOVE, inputs=(bar.close, self.level))
        elif side < 0:
            out.sell(why=self.BELOW, inputs=(bar.close, self.level))

    def on_tick(self, market, out):
        self.price = market.last
        side = cross(self.sides, market.last, self.level)
        if side > 0:
            out.buy(why=self.ABOVE, inputs=(market.last, self.level))
        elif side < 0:
            out.sell(why=self.BELOW, inputs=(market.last, self.level))
