"""The latency histogram against sorting."""

import random

import pytest

from otrade._core.histogram import LatencyHistogram

SEED = 99
PERCENTS = (0.1, 1, 10, 50, 90, 99, 99.9, 100)


@pytest.mark.parametrize("spread", [0.1, 1.0, 3.0])
def test_percentiles_are_never_low_and_at_most_one_bucket_high(spread: float) -> None:
    rng = random.Random(SEED)
    values = sorted(int(rng.lognormvariate(9, spread)) for _ in range(20_000))
    histogram = LatencyHistogram()
    for value in values:
        histogram.record_ns(value)
    for percent in PERCENTS:
        exact = values[max(0, -(-len(values) * percent // 100).__trunc__() - 1)]
        assert exact <= histogram.percentile_ns(percent) <= exact * 33 / 32 + 1
    assert histogram.n == len(values) and histogram.max_ns == values[-1]
    assert histogram.percentile_ns(100) == values[-1]


def test_edges() -> None:
    histogram = LatencyHistogram()
    assert histogram.summary() == {"n": 0, "p50_ns": 0, "p90_ns": 0, "p99_ns": 0, "max_ns": 0}
    for value in (-5, 0, 31, 32, 33, 63, 64, 2**40 - 1, 2**40, 2**62):
        histogram.reset()
        histogram.record_ns(value)
        assert histogram.n == 1 and histogram.percentile_ns(50) == max(value, 0)


@pytest.mark.parametrize("spread", [0.1, 3.0])
def test_buckets_hold_every_duration_once(spread: float) -> None:
    rng = random.Random(SEED)
    values = [int(rng.lognormvariate(9, spread)) for _ in range(5_000)]
    histogram = LatencyHistogram()
    for value in values:
        histogram.record_ns(value)
    buckets = histogram.buckets()
    edges = [edge for edge, _ in buckets]
    assert edges == sorted(set(edges)) and edges[-1] == max(values) == histogram.max_ns
    for index, (edge, count) in enumerate(buckets):
        below = edges[index - 1] if index else -1
        assert count == sum(below < value <= edge for value in values)
