"""Where a root (a share, an index, a commodity) stands at the close of each calendar day: a random
walk whose volatility comes in spells, known for any day without the days before it.

Prices are in units of 1/256 of a ten-thousandth of a rupee. Formulas: `docs/simulator.md`.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import NamedTuple

from otrade.simulator.base.universe import ListedContract
from otrade.simulator.draws import KeyedDraws, number_of
from otrade.simulator.prices.fixed_tables import EXP2, NORMAL

UNIT_BITS = 8
PPM = 1_000_000
BLOCK_DAYS = 364
"""From Monday to the Sunday a year later; the level is the listed one again at each of its ends."""
DAY_UNITS = (4, 4, 4, 4, 4, 1, 1)
"""What a weekday's variance counts, from Monday on: news come on weekends too, and fewer."""
_UNITS_BEFORE = (0, 4, 8, 12, 16, 20, 21)
_WEEK_UNITS = 22
_ROOT_OF_UNITS = {4: 4096, 1: 2048}
"""The root of a day's variance in that of a weekday, in 1/4096."""
Q24_A_LOG = 24_204_406
"""2**24 / ln 2: a relative change as a power of two."""
SPELL_STEP, SPELL_MEAN = 542, 410
"""The day's volatility as a power of two, in 1/4096: what it changes by, and what is taken off so
that the mean variance is the listed one.
"""
MCX_AND_CURRENCY_BAND_BPS = {"mcx": 400, "cds": 300}
STOCK_EXCHANGE_BAND_BPS = 1000


class DayRange(NamedTuple):
    """What a session starts from, and where it ends."""

    before: int
    """Level at the close of the session before."""
    eve: int
    """Level at the end of the calendar day before: further than `before` after days off."""
    close: int
    sd: int
    """Standard deviation of this calendar day's change."""


@dataclass(frozen=True, slots=True)
class PriceRoot:
    """Facts of a root that all its instruments agree on."""

    name: str
    base_e4: int
    sigma_ppm: int
    """Standard deviation of a weekday's change."""
    band_bps: int
    kind: str
    """`mcx`, `cds`, or `fno` for what the stock exchanges trade."""

    @classmethod
    def of(cls, contract: ListedContract) -> PriceRoot:
        kind = contract.hours_kind if contract.hours_kind in ("mcx", "cds") else "fno"
        sigma_ppm = round(contract.day_sigma * PPM)
        band_bps = MCX_AND_CURRENCY_BAND_BPS.get(kind, STOCK_EXCHANGE_BAND_BPS)
        return cls(contract.root, contract.base_e4, sigma_ppm, band_bps, kind)


def exp2_q24(power_q24: int) -> int:
    """2 to a power, both in 2**-24, by a straight line between 64ths; rounded down."""
    part = power_q24 & 0xFFFFFF
    low, rest = part >> 18, part & 0x3FFFF
    value = EXP2[low] + ((EXP2[low + 1] - EXP2[low]) * rest >> 18)
    whole = power_q24 >> 24
    return value << whole if whole >= 0 else value >> -whole


def units_until(date: dt.date) -> int:
    """Units of variance up to the end of a calendar day."""
    week, weekday = divmod(date.toordinal() - 1, 7)
    return week * _WEEK_UNITS + _UNITS_BEFORE[weekday] + DAY_UNITS[weekday]


def units_of(date: dt.date) -> int:
    return DAY_UNITS[date.weekday()]


class DailyLevels:
    """One root's levels under one seed."""

    def __init__(self, seed: int, root: PriceRoot) -> None:
        self._seed = seed
        self._root = root
        self._blocks: dict[int, tuple[list[int], list[int]]] = {}

    def level(self, date: dt.date) -> int:
        """At the close of that calendar day."""
        levels, _, day = self._of(date)
        return levels[day + 1]

    def day(self, date: dt.date, before: dt.date) -> DayRange:
        """Of a session, and the session before it."""
        levels, volatilities, day = self._of(date)
        start = self.level(before)
        sd = start * self._root.sigma_ppm // PPM * volatilities[day] >> 24
        sd = sd * _ROOT_OF_UNITS[units_of(date)] >> 12
        return DayRange(start, levels[day], levels[day + 1], sd)

    def _of(self, date: dt.date) -> tuple[list[int], list[int], int]:
        number, day = divmod(date.toordinal() - 1, BLOCK_DAYS)
        block = self._blocks.get(number)
        if block is None:
            block = self._blocks[number] = self._block(number)
        return *block, day

    def _block(self, number: int) -> tuple[list[int], list[int]]:
        """Levels at the start and after each day, and the volatility of each day in 2**-24."""
        root = self._root
        draws = KeyedDraws(self._seed, number, number_of(root.name), number_of("days"))
        sigma_q24 = root.sigma_ppm * Q24_A_LOG // PPM
        limit_q24 = root.band_bps * 8 * Q24_A_LOG // 100_000
        spell = 3 * SPELL_STEP * NORMAL[draws.bits() & 1023] >> 12
        logs, volatilities = [0], list[int]()
        for day, bits in enumerate(draws.many(BLOCK_DAYS)):
            spell = (spell * 15 >> 4) + (SPELL_STEP * NORMAL[bits >> 10 & 1023] >> 12)
            volatility = exp2_q24((spell - SPELL_MEAN) << 12)
            step = (sigma_q24 * volatility >> 24) * NORMAL[bits & 1023]
            step = step * _ROOT_OF_UNITS[DAY_UNITS[day % 7]] >> 24
            logs.append(logs[-1] + min(limit_q24, max(-limit_q24, step)))
            volatilities.append(volatility)
        base = root.base_e4 << UNIT_BITS
        last = logs[-1]
        levels = [
            base * exp2_q24(log - last * day // BLOCK_DAYS) >> 24 for day, log in enumerate(logs)
        ]
        return levels, volatilities
