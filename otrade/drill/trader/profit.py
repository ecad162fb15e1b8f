"""The day's profit as it ran: executions of our orders, what is open at the last price."""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import pairwise

from otrade.drill.trader.plan import TraderInstrument
from otrade.drill.trader.replay import SeenTouch
from otrade.drill.trader.tolerances import TOLD_NS
from otrade.simulator.exchange.orders import Execution


class RunningProfit:
    """At each moment, and how far below its peak it was (`fall`). The peak begins at 0."""

    def __init__(
        self,
        instruments: Mapping[str, TraderInstrument],
        trades: Iterable[Execution],
        touches: Mapping[str, list[SeenTouch]],
    ) -> None:
        events: list[tuple[int, str, int, int]] = [
            (trade.ts_ns, trade.order.contract.key, trade.order.side * trade.qty, trade.price_e4)
            for trade in trades
        ]
        if events:
            events += [
                (one.ts_ns, key, 0, one.ltp_e4)
                for key, seen in touches.items()
                for one in seen
                if one.is_price
            ]
        cash_e4 = peak_e4 = highest_e4 = 0
        net, last_e4 = Counter[str](), dict[str, int]()
        self._times: list[int] = []
        self._pnl_e4: list[int] = []
        self._fall_e4: list[int] = []
        self._lowest_e4: list[int] = []
        self._deepest_e4: list[int] = []
        """Profit and fall where a price that came about the time of a fill was known before it."""
        self._found: dict[tuple[float, float, int, bool], int] = {}

        def worth(key: str, price_e4: int) -> int:
            prices = {**last_e4, key: price_e4}
            return sum(n * prices[of] * instruments[of].multiplier for of, n in net.items())

        for ts_ns, key, qty, price_e4 in sorted(events):
            multiplier = instruments[key].multiplier
            near = [cash_e4 + worth(key, one) for one in _near(touches, key, ts_ns)] if qty else []
            if not qty or not net[key]:  # what begins is worth its own price until the next tick
                last_e4[key] = price_e4
            cash_e4 -= qty * price_e4 * multiplier
            net[key] += qty
            pnl_e4 = cash_e4 + worth(key, last_e4[key])
            near += [cash_e4 + worth(key, one) for one in _near(touches, key, ts_ns)] if qty else []
            peak_e4 = max(peak_e4, pnl_e4)
            highest_e4 = max([highest_e4, pnl_e4, *near])
            self._times.append(ts_ns)
            self._pnl_e4.append(pnl_e4)
            self._fall_e4.append(peak_e4 - pnl_e4)
            self._lowest_e4.append(min([pnl_e4, *near]))
            self._deepest_e4.append(highest_e4 - min([pnl_e4, *near]))
        self._surely = [after_ns != ts_ns for ts_ns, after_ns in pairwise([*self._times, 1 << 62])]
        """Was no other price known at that moment? Those of one message are known in any order."""
        self._take_moments()

    def _take_moments(self) -> None:
        """At a moment at which several prices came: the least and the most that it may have been."""
        at, most_e4 = 0, 0
        while at < len(self._times):
            end, before_e4 = at + 1, self._pnl_e4[at - 1] if at else 0
            while end < len(self._times) and self._times[end] == self._times[at]:
                end += 1
            if end - at > 1:
                steps = [after - one for one, after in pairwise([before_e4, *self._pnl_e4[at:end]])]
                low_e4 = before_e4 + sum(min(step, 0) for step in steps)
                most_e4 = max(most_e4, before_e4 + sum(max(step, 0) for step in steps))
                for one in range(at, end):
                    self._lowest_e4[one] = min(self._lowest_e4[one], low_e4)
            else:
                most_e4 = max(most_e4, self._pnl_e4[at])
            for one in range(at, end):
                fall_e4 = most_e4 - self._lowest_e4[one]
                self._deepest_e4[one] = max(self._deepest_e4[one], fall_e4)
            at = end

    def first_beyond(
        self, loss_e4: float, fall_e4: float, since_ns: int, until_ns: int, *, loosely: bool
    ) -> int:
        """When, between these times, as much was lost for the first time, or it was as far below the
        peak (0: no limit). 0: never. `loosely`: it may have been; otherwise it surely was, after a
        change that came later than `since_ns`, or it is at the end.
        """
        if not loss_e4 and not fall_e4:
            return 0
        asked = loss_e4, fall_e4, since_ns, loosely
        if asked not in self._found:
            self._found[asked] = self._first_beyond(*asked)
        found_ns, last = self._found[asked], bisect_right(self._times, until_ns) - 1
        if found_ns and found_ns <= until_ns:
            return found_ns
        if last < 0 or loosely:
            return 0
        now_e4, fallen_e4 = self._pnl_e4[last], self._fall_e4[last]
        is_beyond = (loss_e4 and now_e4 <= -loss_e4) or (fall_e4 and fallen_e4 >= fall_e4)
        return until_ns if is_beyond else 0

    def _first_beyond(self, loss_e4: float, fall_e4: float, since_ns: int, loosely: bool) -> int:
        first = bisect_right(self._times, since_ns)
        pnl_e4, fall = (
            (self._lowest_e4, self._deepest_e4) if loosely else (self._pnl_e4, self._fall_e4)
        )
        before_e4 = self._pnl_e4[first - 1] if first else 0
        has_changed = loosely
        for at in range(max(first - 1, 0) if loosely else first, len(self._times)):
            has_changed = has_changed or self._pnl_e4[at] != before_e4
            if not loosely and not self._surely[at]:
                continue
            if has_changed and (
                (loss_e4 and pnl_e4[at] <= -loss_e4) or (fall_e4 and fall[at] >= fall_e4)
            ):
                return max(self._times[at], since_ns)
        return 0


def _near(touches: Mapping[str, list[SeenTouch]], key: str, ts_ns: int) -> list[int]:
    """Prices that came so near to a fill that it was not known yet, or known before they were."""
    seen = touches.get(key, [])
    first = bisect_left(seen, ts_ns - TOLD_NS, key=lambda one: one.ts_ns)
    last = bisect_right(seen, ts_ns + TOLD_NS, key=lambda one: one.ts_ns)
    return [one.ltp_e4 for one in seen[first:last]]
