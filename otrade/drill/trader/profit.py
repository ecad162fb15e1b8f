"""The day's profit as it ran: executions of orders with our tags, what is open at the last price."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping

from otrade.drill.trader.plan import TradedInstrument
from otrade.drill.trader.replay import SeenTouch
from otrade.simulator.exchange.orders import Execution


class RunningProfit:
    """At its worst, up to each moment."""

    def __init__(
        self,
        instruments: Mapping[str, TradedInstrument],
        trades: Iterable[Execution],
        touches: Mapping[str, list[SeenTouch]],
    ) -> None:
        events: list[tuple[int, str, int, int]] = [
            (trade.ts_ns, trade.order.contract.key, trade.order.side * trade.qty, trade.price_e4)
            for trade in trades
            if trade.order.tag
        ]
        if events:
            events += [
                (one.ts_ns, key, 0, one.ltp_e4) for key, seen in touches.items() for one in seen
            ]
        cash_e4 = 0
        net, last_e4 = Counter[str](), dict[str, int]()
        self._times: list[int] = []
        self._pnl_e4: list[int] = []
        for ts_ns, key, qty, price_e4 in sorted(events):
            multiplier = instruments[key].multiplier
            if not qty or not net[key]:  # what begins is worth its own price until the next tick
                last_e4[key] = price_e4
            cash_e4 -= qty * price_e4 * multiplier
            net[key] += qty
            open_e4 = sum(n * last_e4[of] * instruments[of].multiplier for of, n in net.items())
            self._times.append(ts_ns)
            self._pnl_e4.append(cash_e4 + open_e4)

    def worst_e4(self, from_ns: int, until_ns: int) -> int:
        """The lowest between these times; 0 when nothing had been traded."""
        first, last = bisect_right(self._times, from_ns), bisect_right(self._times, until_ns)
        return min(self._pnl_e4[first:last], default=0)

    def first_below(self, level_e4: int, since_ns: int) -> int:
        """When it was so low for the first time after then; 0: never."""
        first = bisect_right(self._times, since_ns)
        return next(
            (
                ts_ns
                for ts_ns, pnl_e4 in zip(self._times[first:], self._pnl_e4[first:], strict=True)
                if pnl_e4 <= level_e4
            ),
            0,
        )
