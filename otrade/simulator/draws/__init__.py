"""The simulator's random draws: a function of a key and a count, and of nothing else.

A key is a few integers: (seed, day, instrument or order, purpose). Whoever draws for one order or
one instrument takes nothing away from another, whatever else trades beside it and in whatever
order. All arithmetic is on unsigned integers of 64 bits that wrap around, so that a compiled twin
repeats every draw to the bit:

    mix(z):   z ^= z >> 30;  z *= 0xBF58476D1CE4E5B9
              z ^= z >> 27;  z *= 0x94D049BB133111EB
              z ^= z >> 31                                  (splitmix64's finaliser)
    state of a key:  s = 0; for each part:  s = mix((s ^ part) + 0x9E3779B97F4A7C15)
    draw n = 1, 2, ...:  bits = mix(s + n * 0x9E3779B97F4A7C15)
    integer(below):  the upper half of the 128 bits of bits * below, so rounded down
    fraction():      (bits >> 11) / 2**53, exact in a double

A part that is negative stands for itself modulo 2**64. A text is the 64 bits of FNV-1a over its
UTF-8 bytes; a day is yyyymmdd as a number.
"""

from __future__ import annotations

import datetime as dt
from array import array
from functools import lru_cache

MASK = (1 << 64) - 1
STEP = 0x9E3779B97F4A7C15


def _mix(z: int) -> int:
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & MASK
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB & MASK
    return z ^ (z >> 31)


@lru_cache(maxsize=4096)
def number_of(text: str) -> int:
    """A text as a part of a key."""
    state = 0xCBF29CE484222325
    for byte in text.encode():
        state = (state ^ byte) * 0x100000001B3 & MASK
    return state


def number_of_day(date: dt.date) -> int:
    """A day as a part of a key."""
    return (date.year * 100 + date.month) * 100 + date.day


class KeyedDraws:
    """The draws of one key, one after another."""

    __slots__ = ("_at",)

    def __init__(self, *key: int) -> None:
        state = 0
        for part in key:
            state = _mix(((state ^ part) + STEP) & MASK)
        self._at = state

    def bits(self) -> int:
        """64 of them."""
        self._at = self._at + STEP & MASK
        return _mix(self._at)

    def integer(self, below: int) -> int:
        """From 0 to `below` - 1; of `below` in 2**64 draws less than one is off."""
        return self.bits() * below >> 64

    def between(self, low: int, high: int) -> int:
        """From `low` to `high`, both of them included."""
        return low + self.integer(high - low + 1)

    def fraction(self) -> float:
        """At least 0 and less than 1."""
        return (self.bits() >> 11) * 2.0**-53

    def many(self, n: int) -> array[int]:
        """The next `n` of 64 bits, as `bits` draws them."""
        first = self._at
        self._at = first + n * STEP & MASK
        found = array("Q")
        for at in range(first + STEP, first + n * STEP + 1, STEP):
            z = at & MASK
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & MASK
            z = (z ^ (z >> 27)) * 0x94D049BB133111EB & MASK
            found.append(z ^ (z >> 31))
        return found
