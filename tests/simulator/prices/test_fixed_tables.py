"""Tables of whole numbers, held against the functions that they stand for."""

import math
from statistics import NormalDist

import pytest

from otrade.simulator.prices.daily_levels import exp2_q24
from otrade.simulator.prices.fixed_tables import EXP2, EXPONENTIAL, NORMAL, TIME_VALUE

STANDARD = NormalDist()


def test_normal_numbers_have_the_moments_and_the_quantiles() -> None:
    numbers = [z / 4096 for z in NORMAL]
    assert len(numbers) == 1024 and sum(NORMAL) == 0 and numbers == sorted(numbers)
    assert sum(z * z for z in numbers) / 1024 == pytest.approx(1, abs=1e-4)
    assert sum(z**4 for z in numbers) / 1024 == pytest.approx(3, abs=0.05)
    for i, z in enumerate(numbers):
        assert z == pytest.approx(STANDARD.inv_cdf((i + 0.5) / 1024), abs=0.005)


def test_time_value_is_bacheliers() -> None:
    for k, value in enumerate(TIME_VALUE):
        x = k / 32
        exact = STANDARD.pdf(x) - x * STANDARD.cdf(-x)
        assert value / 2**30 == pytest.approx(exact, abs=1e-8)
    drops = [a - b for a, b in zip(TIME_VALUE, TIME_VALUE[1:], strict=False)]
    assert drops == sorted(drops, reverse=True) and drops[-1] >= 0, "it falls, ever more slowly"


@pytest.mark.parametrize("power", [-3.7, -1.0, -0.25, 0.0, 0.001, 0.5, 1.0, 2.999])
def test_powers_of_two(power: float) -> None:
    assert exp2_q24(round(power * 2**24)) / 2**24 == pytest.approx(2**power, rel=2e-5)
    assert EXP2[0] == 2**24 and EXP2[-1] == 2**25


def test_exponential_numbers() -> None:
    assert sum(EXPONENTIAL) / len(EXPONENTIAL) / 256 == pytest.approx(1, abs=0.01)
    for i, number in enumerate(EXPONENTIAL):
        assert number / 256 == pytest.approx(-math.log(1 - (i + 0.5) / 64), abs=0.002)
