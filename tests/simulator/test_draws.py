"""Draws by key, held against published values and against arithmetic written another way."""

import datetime as dt
from collections import Counter

import numpy as np
import pytest

from otrade.simulator.draws import KeyedDraws, number_of, number_of_day

SEED = 20261130


def twin_bits(key: tuple[int, ...], n: int) -> list[int]:
    """The documented formulas on a machine's wrapping 64-bit integers."""
    u = np.uint64

    def mix(z: np.uint64) -> np.uint64:
        z = (z ^ (z >> u(30))) * u(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> u(27))) * u(0x94D049BB133111EB)
        return z ^ (z >> u(31))

    with np.errstate(over="ignore"):
        state = u(0)
        for part in key:
            state = mix((state ^ u(part % 2**64)) + u(0x9E3779B97F4A7C15))
        return [int(mix(state + u(i) * u(0x9E3779B97F4A7C15))) for i in range(1, n + 1)]


def test_an_empty_key_is_splitmix64_with_seed_0() -> None:
    draws = KeyedDraws()
    assert [draws.bits() for _ in range(3)] == [
        0xE220A8397B1DCDAF,
        0x6E789E6AA1B965F4,
        0x06C45D188009454F,
    ]


@pytest.mark.parametrize(("text", "number"), [("", 0xCBF29CE484222325), ("a", 0xAF63DC4C8601EC8C)])
def test_a_text_is_fnv_1a(text: str, number: int) -> None:
    assert number_of(text) == number


def test_a_day_is_its_digits() -> None:
    assert number_of_day(dt.date(2026, 12, 7)) == 20261207


@pytest.mark.parametrize(
    "key", [(0,), (1, 2, 3), (3, 2, 1), (-1,), (SEED, 20261207, number_of("NSE:INFY"), 2**64 - 1)]
)
def test_a_twin_on_wrapping_integers_draws_the_same(key: tuple[int, ...]) -> None:
    draws = KeyedDraws(*key)
    assert [draws.bits() for _ in range(100)] == twin_bits(key, 100)


def test_how_bits_become_numbers() -> None:
    bits = twin_bits((SEED,), 4)
    draws = KeyedDraws(SEED)
    assert draws.integer(1000) == (bits[0] * 1000) >> 64
    assert draws.between(-5, 5) == -5 + ((bits[1] * 11) >> 64)
    assert draws.fraction() == (bits[2] >> 11) / 2**53
    assert draws.integer(1) == 0


def test_neighbouring_keys_have_nothing_in_common() -> None:
    """Keys that differ by one part, or by their order, draw evenly and independently."""
    first = [KeyedDraws(SEED, 20261207, order, 1).integer(16) for order in range(20_000)]
    after = [KeyedDraws(SEED, 20261207, order, 2).integer(16) for order in range(20_000)]
    pairs = Counter(zip(first, after, strict=True))
    mean = 20_000 / 256
    chi2 = sum((pairs[i, j] - mean) ** 2 / mean for i in range(16) for j in range(16))
    assert 150 < chi2 < 380, f"255 degrees of freedom, seed {SEED}"
    assert KeyedDraws(1, 2).bits() != KeyedDraws(2, 1).bits()
    assert KeyedDraws(1).bits() != KeyedDraws(1, 0).bits()
