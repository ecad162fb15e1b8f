"""Trades out of fair values: the spread of the instrument's kind around each, who took whose offer,
and how much traded. Formulas: `docs/simulator.md`.
"""

from __future__ import annotations

from array import array
from typing import Final

from otrade.simulator.base.universe import ListedContract
from otrade.simulator.prices.daily_levels import UNIT_BITS
from otrade.simulator.prices.fixed_tables import EXPONENTIAL
from otrade.simulator.prices.price_paths import PricePath
from otrade.simulator.prices.session_path import SHAPE, SHAPE_MEAN

SPREAD_PPM: Final = {
    "EQ": 60,
    "FUT": 250,
    "INDEX_FUT": 60,
    "OPT": 10_000,
    "INDEX_OPT": 1_500,
    "MCX": 200,
    "CDS": 28,
}
"""Of the price, by kind; never less than a tick. Stock futures: recorded ticks of November 2025."""
JITTER: Final = (10, 12, 14, 16, 16, 18, 20, 32)
"""By three random bits: a spread, in sixteenths of the ordinary one."""
OPENING: Final = ((5, 200), (15, 150))
"""Before that minute of a session: per cent of the ordinary spread."""
SPREAD_MAX: Final = 65_535
BOUNCES: Final = 2
"""Of sixteen trades so many are at the far side of the book; of those in a book one tick wide, one."""


def spread_ppm(contract: ListedContract) -> int:
    """The ordinary spread of an instrument's kind, in millionths of its price."""
    if contract.exchange in SPREAD_PPM:
        return SPREAD_PPM[contract.exchange]
    kind = "OPT" if contract.is_option else contract.instrument_type
    return SPREAD_PPM["INDEX_" + kind if contract.is_of_index and kind != "EQ" else kind]


class TradeMaker:
    """Adds one instrument's trades of one session to its path, minute by minute."""

    def __init__(self, contract: ListedContract, path: PricePath, n_minutes: int) -> None:
        self._contract = contract
        self._path = path
        self._n_minutes = max(n_minutes, 1)
        self._ppm = spread_ppm(contract)
        self._last = 0
        """The value of the last trade that was given."""
        self._held = 0
        """The price, in ticks, that trades hold to until the book has left it."""

    def add(self, values: list[int], bits: array[int], minute: int, *, is_as_given: bool) -> None:
        """Trades at (or, `is_as_given`, not around but exactly at) these values of one minute."""
        contract, path = self._contract, self._path
        tick_e4 = contract.tick_e4
        tick = tick_e4 << UNIT_BITS
        if not contract.tradable:
            half = tick >> 1
            path.px_e4.extend([(value + half) // tick * tick_e4 for value in values])
            path.qty.extend([0] * len(values))
            path.noise.extend(bits)
            path.spread.extend([1] * len(values))
            return
        ticks = self._spreads(values[0], minute, tick)
        part = min(minute, self._n_minutes - 1) * len(SHAPE) // self._n_minutes
        lot, typical = contract.lot, contract.depth_lots * SHAPE[part]
        scale = 2 * SHAPE_MEAN << 8
        last, held, double = self._last, self._held, 2 * tick
        prices, noise, spreads, qty = list[int](), list[int](), list[int](), list[int]()
        for value, b in zip(values, bits, strict=True):
            spread = ticks[b >> 4 & 7]
            if is_as_given:
                is_buy = (value > last) ^ ((b >> 1 & 7) < 3) if value != last else b & 1
                last = value
                place = (2 * value + tick) // double
            else:
                place = (2 * value - (spread - 1) * tick) // double
                if place < 1:
                    place = 1
                offer = place + spread
                if not held:
                    held = (2 * value + tick) // double
                if held < place:
                    held = place
                elif held > offer:
                    held = offer
                to_bid, to_offer = held - place, offer - held
                is_near = to_offer < to_bid if to_offer != to_bid else b >> 7 & 1
                is_buy = is_near ^ ((b & 15) < (BOUNCES if spread > 1 else 1))
                if is_buy:
                    place = offer
            prices.append(place * tick_e4)
            noise.append(b | 1 if is_buy else b & ~1)
            spreads.append(spread)
            qty.append(lot * (1 + typical * EXPONENTIAL[b >> 10 & 63] // scale))
        self._last, self._held = last, held
        path.px_e4.extend(prices)
        path.noise.extend(noise)
        path.spread.extend(spreads)
        path.qty.extend(qty)

    def _spreads(self, value: int, minute: int, tick: int) -> list[int]:
        """In ticks, to the nearest, at least one, by three random bits."""
        percent = next((percent for until, percent in OPENING if minute < until), 100)
        wide = value * self._ppm * percent // 100_000_000
        return [min(SPREAD_MAX, max(1, (wide * part + 8 * tick) // (16 * tick))) for part in JITTER]
