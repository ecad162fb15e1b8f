"""One part of a drill's seeds, for one of many machines."""

import re
from dataclasses import dataclass

SHARDS_MAX = 100_000


@dataclass(frozen=True, slots=True)
class Shard:
    """The `number`th of `of` parts, counted from 1. Parts are runs of seeds, and together all."""

    number: int = 1
    of: int = 1

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    def seeds(self, first_seed: int, n: int) -> range:
        """Those of its part; no two parts differ by more than one seed."""
        return range(
            first_seed + n * (self.number - 1) // self.of, first_seed + n * self.number // self.of
        )


def shard_of(text: str) -> Shard:
    """ValueError unless it is I/M, and I one of 1 to M."""
    found = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text)
    number, of = map(int, found.groups()) if found else (0, 0)
    if not 1 <= number <= of <= SHARDS_MAX:
        raise ValueError(f"{text!r}: I/M, the Ith of M parts, for example 1/8")
    return Shard(number, of)
