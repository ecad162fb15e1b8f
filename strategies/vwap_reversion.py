"""VWAP reversion: what has gone far from the day's average price is expected back."""

from otrade.strategy import Deviation, Strategy, Vwap, deviation, param, ratio, reason, vwap


class VwapReversion(Strategy):
    """Fades a price many deviations away from the day's VWAP, and leaves where they meet."""

    period: int = param(20, 5, 128, "bars of the deviation")
    far: float = param(2.0, 0.5, 6, "deviations from VWAP at which to enter")
    stop_at: float = param(1.5, 0.2, 6, "further deviations at which the stop lies")
    last: int = param(30, 0, 375, "no entry in the last minutes before the square-off")
    day_average: Vwap
    away: Deviation[128]
    LOW = reason("the price is far below VWAP")
    HIGH = reason("the price is far above VWAP")
    BACK = reason("the price is back at VWAP")

    def on_bar(self, bar, clock, pos, out):
        typical = (bar.high + bar.low + bar.close) / 3
        fair = vwap(self.day_average, typical, bar.volume, bar.day)
        spread = deviation(self.away, bar.close - fair, self.period)
        far = ratio(bar.close - fair, spread, 0.0)
        if pos.is_long:
            if bar.close >= fair:
                out.exit(why=self.BACK)
        elif pos.is_short:
            if bar.close <= fair:
                out.exit(why=self.BACK)
        elif self.away.ready and clock.minutes_left > self.last:
            if far < -self.far:
                out.buy(
                    stop_distance=self.stop_at * spread,
                    target=fair,
                    why=self.LOW,
                    inputs=(fair, far),
                )
            elif far > self.far:
                out.sell(
                    stop_distance=self.stop_at * spread,
                    target=fair,
                    why=self.HIGH,
                    inputs=(fair, far),
                )
