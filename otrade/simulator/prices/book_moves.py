"""How far an order book has moved since the last trade: it goes on between trades, and with it what
an order meets that was sent a moment ago. Formulas: `docs/simulator.md`.
"""

from math import isqrt
from typing import Final

from otrade.simulator.draws import KeyedDraws
from otrade.simulator.prices.fixed_tables import NORMAL
from otrade.simulator.prices.price_paths import PricePath

SLOTS: Final = 256
"""Between two trades the book stands in so many places, one after another."""
NEIGHBOURS: Final = 4
"""Trades on either side from which it is known how far the book moves."""
HALF_TICK: Final = 256
"""The unit here is a 256th of half a tick."""
MOST: Final = max(map(abs, NORMAL))


def slot_at(path: PricePath, last: int, at_ns: int) -> int:
    """Which place between the trade with that number and the next one a time falls into."""
    if not path.spread or last < 0 or last + 1 >= len(path):
        return 0
    start_ns, end_ns = path.ts_ns[last], path.ts_ns[last + 1]
    return min(max((at_ns - start_ns) * SLOTS // (end_ns - start_ns), 0), SLOTS - 1)


def moved_ticks(path: PricePath, last: int, slot: int, tick_e4: int) -> int:
    """Whole ticks by which both sides stand higher than at the trade with that number. A bridge from
    its middle to the next one's, halved until it has the slot.
    """
    if not slot:
        return 0
    start, then, variance = _bridge(path, last, tick_e4)
    at = start
    low, high = 0, SLOTS
    while low != slot:
        between = (low + high) // 2
        middle = _between(path.noise[last], between, at, then, variance)
        variance >>= 1
        if slot < between:
            high, then = between, middle
        else:
            low, at = between, middle
    return (at - start + HALF_TICK) // (2 * HALF_TICK)


def slot_start_ns(path: PricePath, last: int, slot: int) -> int:
    """When the book comes to that place."""
    start_ns, end_ns = path.ts_ns[last], path.ts_ns[last + 1]
    return start_ns - (start_ns - end_ns) * slot // SLOTS


def first_slot(
    path: PricePath, last: int, after: int, tick_e4: int, ticks: int, *, is_up: bool
) -> int | None:
    """The first place behind `after`, before the next trade, in which `moved_ticks` is `ticks` or more
    (`is_up`), or `ticks` or less. None: there is none.
    """
    if not path.spread or last < 0 or last + 1 >= len(path):
        return None
    start, then, whole = _bridge(path, last, tick_e4)
    sign = 1 if is_up else -1
    level = sign * (start + 2 * HALF_TICK * ticks) - (HALF_TICK if is_up else HALF_TICK - 1)

    def find(low: int, high: int, at: int, then: int, variance: int) -> int | None:
        # Halvings add half of the root of what is left, and 1.71 of it all together at most.
        reach = (isqrt(variance) * MOST >> 11) + 16
        if high - low < 2 or high - 1 <= after or max(sign * at, sign * then) + reach < level:
            return None
        between = (low + high) // 2
        middle = _between(path.noise[last], between, at, then, variance)
        found = find(low, between, at, middle, variance >> 1)
        if found is None and between > after and sign * middle >= level:
            found = between
        return find(between, high, middle, then, variance >> 1) if found is None else found

    return find(0, SLOTS, start, then, whole)


def _bridge(path: PricePath, last: int, tick_e4: int) -> tuple[int, int, int]:
    """The book's middle at a trade and at the next one, and the variance of the way between."""
    first = max(0, last - NEIGHBOURS)
    after = min(len(path) - 1, last + NEIGHBOURS)
    middles = [_middle(path, i, tick_e4) for i in range(first, after + 1)]
    variance = sum((b - a) ** 2 for a, b in zip(middles, middles[1:], strict=False))
    variance //= max(1, after - first)
    return middles[last - first], middles[last - first + 1], variance


def _between(noise: int, slot: int, at: int, then: int, variance: int) -> int:
    bits = KeyedDraws(noise, slot).bits()
    return (at + then >> 1) + ((isqrt(variance) >> 1) * NORMAL[bits & 1023] >> 12)


def _middle(path: PricePath, i: int, tick_e4: int) -> int:
    """Between the best bid and the best offer at a trade."""
    half_spread = path.spread[i] if path.noise[i] & 1 else -path.spread[i]
    return (2 * path.px_e4[i] // tick_e4 - half_spread) * HALF_TICK
