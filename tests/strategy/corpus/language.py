"""Everything that the language can say, once."""

from otrade.strategy import (
    ExitReason,
    Ring,
    Strategy,
    ago,
    bars,
    param,
    push,
    ratio,
    reason,
    root,
    timer,
    whole,
)

LOOK = 20
SHARE = -0.5
QUIET = True


class Language(Strategy):
    """Says each word of the language."""

    limit: float = param(30.0, 1, 500, "a limit, bps")
    back: int = param(3, 0, 10, "bars left out")
    hour = bars(60)
    slow = bars(15)
    every = timer(60)
    closes: Ring[32]
    total: float = 1.5
    count: int = -3
    armed: bool = True
    quiet: bool = False
    filled: int = 0
    UP = reason("up")
    DOWN = reason("down")
    TIME = reason("time")

    def on_bar(self, bar, market, pos, clock, out):
        push(self.closes, bar.close)
        fast = 0.0
        for i in range(LOOK):
            if i >= self.closes.seen:
                break
            fast += ago(self.closes, i + self.back)
        fast = fast / LOOK
        contract = 0.0
        for i in range(0, LOOK):
            for j in range(2):
                if (i + j) % 3 == 1:
                    continue
                atomic = ago(self.closes, i - j * self.back) - fast
                contract += atomic * atomic if atomic > 0.0 else SHARE * atomic
        bps = ratio(root(contract / LOOK), fast, 0.0) * 1e4
        self.armed = bps < self.limit and not self.quiet or QUIET
        self.quiet = not self.armed
        self.count += whole(bps, -5, 5) - bar.index // 3
        self.count = max(min(self.count, 1000), -1000, bar.index % 7)
        self.total = self.total * 0.5 + abs(self.count) - bar.volume / max(bar.n_trades, 1)
        if self.slow.count > 0 and self.hour.close != 0:
            self.total = self.total + self.slow.high / self.hour.close
        if 0 <= bar.minute_of_session < 5 or market.bid == 0 or clock.phase != 3:
            return
        if bar.day % 2 == 0 and clock.days_to_expiry > 0 and pos.bars_held > 3:
            out.exit(why=self.DOWN)
        elif bar.close > fast and pos.side <= 0:
            out.buy(
                stop=bar.low - 1,
                target_distance=bps,
                qty=whole(bps, 1, 50),
                why=self.UP,
                inputs=(fast, bps, self.count, 1),
            )
        elif bar.close < fast and not pos.is_short:
            out.sell(stop_distance=2, target=bar.close - 5)
        elif pos.is_long:
            out.move_stop(stop=max(pos.stop, bar.low), inputs=(bps,))

    def on_tick(self, market, pos, out):
        self.total += market.last - market.last_before
        if pos.is_long and market.last < pos.entry * 0.99:
            out.exit()

    def on_timer(self, clock, pos, out):
        self.filled = self.filled + clock.minute_of_session % 2
        if not pos.is_flat and clock.minutes_left < 15:
            out.exit(why=self.TIME, inputs=(clock.minutes_left,))

    def on_fill(self, fill, pos, out):
        if fill.entered_qty > 0:
            self.filled += fill.entered_qty
        if fill.exit_reason == ExitReason.SIGNAL and fill.left_price > 0.0:
            self.total = self.total + (fill.left_price - pos.profit)
            self.quiet = True
