"""The limits of the day's loss and of its fall from the peak, as a person changes them.

A limit that is reached halts entries until somebody arms the engine again, also where it is lifted
before that.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from otrade.drill.trader.profit import RunningProfit
from otrade.drill.trader.record import SessionRecord
from otrade.drill.trader.tolerances import LOSS_SHARE, TOLD_NS

NAMES = ("max_daily_loss_e4", "max_drawdown_e4")


@dataclass(frozen=True, slots=True)
class LimitSpan:
    """The limits that are in force between these times."""

    from_ns: int
    until_ns: int
    limits: Mapping[str, int]

    @property
    def amounts_e4(self) -> tuple[int, int]:
        return self.limits.get(NAMES[0], 0), self.limits.get(NAMES[1], 0)


class LossLimits:
    """Asks when they were reached."""

    def __init__(self, record: SessionRecord, profit: RunningProfit) -> None:
        self._record = record
        self._profit = profit

    def spans(self, from_ns: int, until_ns: int) -> Iterator[LimitSpan]:
        """Oldest first; neighbours of the same amounts are one."""
        found: list[LimitSpan] = []
        rows = self._record.limits
        for number, (since_ns, limits) in enumerate(rows):
            end_ns = rows[number + 1][0] if number + 1 < len(rows) else until_ns
            one = LimitSpan(max(since_ns, from_ns), min(end_ns, until_ns), limits)
            if one.until_ns < one.from_ns or end_ns <= from_ns:
                continue
            same = found and found[-1].amounts_e4 == one.amounts_e4
            if same and found[-1].limits.get("flatten_on_limit") == limits.get("flatten_on_limit"):
                one = LimitSpan(found.pop().from_ns, one.until_ns, limits)
            found.append(one)
        yield from found

    def surely(self, span: LimitSpan) -> int:
        """When it was reached, in force; 0: not surely."""
        loss_e4, fall_e4 = span.amounts_e4
        return self._profit.first_beyond(
            loss_e4 * (1 + LOSS_SHARE),
            fall_e4 * (1 + LOSS_SHARE),
            span.from_ns,
            span.until_ns,
            loosely=False,
        )

    def perhaps(self, span: LimitSpan) -> int:
        """When it may have been; 0: never."""
        loss_e4, fall_e4 = span.amounts_e4
        return self._profit.first_beyond(
            loss_e4 * (1 - LOSS_SHARE),
            fall_e4 * (1 - LOSS_SHARE),
            span.from_ns,
            span.until_ns,
            loosely=True,
        )

    def is_reached(self, armed_ns: int, ts_ns: int) -> bool | None:
        """Since the engine was armed: surely, surely not, or None: nobody can say."""
        spans = list(self.spans(armed_ns, ts_ns))
        if not any(self.perhaps(span) for span in spans):
            return False
        last = spans[-1]
        known = LimitSpan(last.from_ns, max(last.from_ns, ts_ns - TOLD_NS), last.limits)
        return True if self.surely(known) else None
