"""What derivatives on one underlying block together. A pencil's rule, after the exchange's (SPAN):
only one side of the market can lose.

Alone, a future blocks 12 per cent of its value, a written option 12 per cent of its strike, and a
bought option its premium. Together, in one product:

- Futures of different months against each other (a calendar spread) block 2 per cent of the dearer
  side.
- A written call with a bought call that lives as long blocks what the spread can lose, `bought strike
  - written strike`, at least 0 and at most what it blocks alone; a written put likewise. The lowest
  written call takes the lowest bought one, the highest written put the highest bought one.
- What is left of futures is protected by what is left of bought options (a short future by calls, a
  long one by puts: `strike - price` the one way or the other), and covers written ones (a long
  future calls, a short one puts), which then block nothing.
- Of what can be lost above and what can be lost below, the larger blocks; premiums come on top.

All in 1/10,000 rupee; parts of a value are rounded down.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from otrade.simulator.base.universe import E4, ListedContract

SHORT_BPS = 1200
CALENDAR_BPS = 200


@dataclass(slots=True)
class MarginLeg:
    """A quantity of one contract, with its sign, and what it is worth at its price."""

    contract: ListedContract
    qty: int
    value_e4: int
    """Without a sign, the multiplier in it."""

    def take(self, qty: int) -> int:
        """Take so many units out; their value."""
        value_e4 = self.value_e4 * qty // abs(self.qty)
        self.qty -= qty if self.qty > 0 else -qty
        self.value_e4 -= value_e4
        return value_e4

    @property
    def alone_e4(self) -> int:
        """What it blocks by itself."""
        if not self.contract.is_option:
            return self.value_e4 * SHORT_BPS // E4
        if self.qty > 0:
            return self.value_e4
        return -self.qty * self.contract.strike_e4 * SHORT_BPS // E4


def netted(legs: Iterable[MarginLeg]) -> list[MarginLeg]:
    """One leg a contract; what closes takes its part of the value away."""
    found: dict[str, MarginLeg] = {}
    for leg in legs:
        before = found.get(leg.contract.key)
        if before is None:
            found[leg.contract.key] = MarginLeg(leg.contract, leg.qty, leg.value_e4)
        elif before.qty * leg.qty >= 0:
            before.qty += leg.qty
            before.value_e4 += leg.value_e4
        elif abs(leg.qty) <= abs(before.qty):
            before.take(abs(leg.qty))
        else:
            turned = MarginLeg(leg.contract, leg.qty, leg.value_e4)
            turned.take(abs(before.qty))
            found[leg.contract.key] = turned
    return [leg for leg in found.values() if leg.qty]


def together_e4(legs: Iterable[MarginLeg]) -> int:
    """What all of these block."""
    left = netted(legs)
    if len(left) == 1:
        return left[0].alone_e4
    premium_e4 = sum(leg.value_e4 for leg in left if leg.contract.is_option and leg.qty > 0)
    futures = [leg for leg in left if not leg.contract.is_option]
    calendar_e4 = _calendar_e4(futures)
    up_e4 = _side_e4(left, futures, "CE", -1)
    down_e4 = _side_e4(left, futures, "PE", 1)
    return premium_e4 + calendar_e4 + max(up_e4, down_e4)


def _calendar_e4(futures: list[MarginLeg]) -> int:
    """Takes out what stands against each other; what that blocks."""
    futures.sort(key=lambda leg: (str(leg.contract.expiry), leg.contract.key))
    longs, shorts = ([f for f in futures if f.qty * side > 0] for side in (1, -1))
    matched = min(sum(f.qty for f in longs), -sum(f.qty for f in shorts))
    return max(_taken_e4(side, matched) for side in (longs, shorts)) * CALENDAR_BPS // E4


def _taken_e4(legs: list[MarginLeg], qty: int) -> int:
    value_e4 = 0
    for leg in legs:
        part = min(abs(leg.qty), qty)
        if part:
            value_e4 += leg.take(part)
            qty -= part
    return value_e4


def _side_e4(legs: list[MarginLeg], futures: list[MarginLeg], kind: str, side: int) -> int:
    """What can be lost above (calls, and futures that are sold) or below (puts, and futures that are
    bought). `side`: of the futures that lose there.
    """
    way = -side
    options = [leg for leg in legs if leg.contract.instrument_type == kind and leg.qty]
    options.sort(key=lambda leg: (way * leg.contract.strike_e4, leg.contract.key))
    bought = [MarginLeg(o.contract, o.qty, o.value_e4) for o in options if o.qty > 0]
    total_e4 = 0
    cover = sum(abs(f.qty) for f in futures if f.qty * side < 0)
    for option in (o for o in options if o.qty < 0):
        left, strike_e4 = -option.qty, option.contract.strike_e4
        alone_e4 = strike_e4 * SHORT_BPS // E4
        for other in bought:
            part = min(left, other.qty)
            if part and str(other.contract.expiry) >= str(option.contract.expiry):
                width_e4 = way * (other.contract.strike_e4 - strike_e4)
                total_e4 += part * min(alone_e4, max(0, width_e4))
                other.take(part)
                left -= part
        covered = min(left, cover)
        cover -= covered
        total_e4 += (left - covered) * alone_e4
    for future in (f for f in futures if f.qty * side > 0):
        left, price_e4 = abs(future.qty), future.value_e4 // abs(future.qty)
        alone_e4 = price_e4 * SHORT_BPS // E4
        for other in bought:
            part = min(left, other.qty)
            if part:
                width_e4 = way * (other.contract.strike_e4 - price_e4)
                total_e4 += part * min(alone_e4, max(0, width_e4))
                other.take(part)
                left -= part
        total_e4 += (
            future.value_e4 * SHORT_BPS // E4 if left == abs(future.qty) else left * alone_e4
        )
    return total_e4
