"""Every indicator of momentum, trend and session."""

from otrade.strategy import (
    Adx,
    Cci,
    Cross,
    HeikinAshi,
    Macd,
    Obv,
    Pivots,
    Regression,
    Roc,
    Rsi,
    SessionHigh,
    SessionLow,
    Stochastic,
    Strategy,
    Supertrend,
    Vwap,
    WilliamsR,
    adx,
    cci,
    cross,
    heikin_ashi,
    linear_regression,
    macd,
    obv,
    param,
    pivots,
    roc,
    rsi,
    session_high,
    session_low,
    stochastic,
    supertrend,
    vwap,
    williams_r,
)


class Oscillators(Strategy):
    """Feeds them all."""

    period: int = param(9, 1, 16, "bars")
    smooth: int = param(3, 1, 16, "bars")
    factor: float = param(2.0, 0, 10, "ranges")
    strength: Rsi
    averages: Macd
    change: Roc[16]
    channel: Cci[16]
    place: WilliamsR[16]
    fast: Stochastic[16]
    sides: Cross
    trend: Supertrend
    index: Adx
    line: Regression[16]
    fair: Vwap
    balance: Obv
    top: SessionHigh
    bottom: SessionLow
    levels: Pivots
    candle: HeikinAshi
    total: float = 0.0
    turns: int = 0

    def on_bar(self, bar, out):
        n = self.period
        x = bar.close
        total = (
            rsi(self.strength, x, n)
            + macd(self.averages, x, n, n + 5, self.smooth)
            + roc(self.change, x, n)
        )
        total += cci(self.channel, bar.high, bar.low, x, n) + williams_r(
            self.place, bar.high, bar.low, x, n
        )
        total += stochastic(self.fast, bar.high, bar.low, x, n, self.smooth) - adx(
            self.index, bar.high, bar.low, x, n
        )
        total += linear_regression(self.line, x, n) - vwap(self.fair, x, bar.volume, bar.day)
        total += obv(self.balance, x, bar.volume) / 1e6 + pivots(
            self.levels, bar.high, bar.low, x, bar.day
        )
        total += session_high(self.top, bar.high, bar.day) - session_low(
            self.bottom, bar.low, bar.day
        )
        total += heikin_ashi(self.candle, bar.open, bar.high, bar.low, x) - self.candle.open
        self.total = (
            total + self.levels.r3 - self.levels.s2 + self.line.slope + self.averages.histogram
        )
        turn = cross(self.sides, x, self.line.value)
        self.turns = min(self.turns + abs(turn), 1000)
        if supertrend(self.trend, bar.high, bar.low, x, n, self.factor) > 0 and turn > 0:
            out.buy(stop=self.trend.value, inputs=(self.total, self.index.plus, self.fast.d))
        elif turn < 0:
            out.exit(inputs=(self.total,))
