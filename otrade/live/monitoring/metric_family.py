"""One metric while it is being filled: its name, what it is, and its numbers."""

from collections.abc import Mapping, Sequence
from typing import Literal

from otrade.contract.messages import MetricFamily, MetricSample


class Metric:
    """Without labels it has one number, which is given at once; with labels, one for each set."""

    def __init__(
        self,
        kind: Literal["gauge", "counter", "summary"],
        name: str,
        words: str,
        value: float | None,
        labels: Sequence[str],
    ) -> None:
        self.family = MetricFamily(name, words, kind, [])
        self._suffix = "_total" if kind == "counter" else ""
        self._labels = labels
        if value is not None:
            self.add_sample(self._suffix, {}, value)

    def add_metric(self, values: Sequence[str], value: float) -> None:
        """The number of one set of labels' values."""
        self.add_sample(self._suffix, dict(zip(self._labels, values, strict=True)), value)

    def add_sample(self, suffix: str, labels: Mapping[str, str], value: float) -> None:
        """As Prometheus spells it: the suffix is appended to the name."""
        self.family.samples.append(MetricSample(suffix, dict(labels), float(value)))


def gauge(name: str, words: str, value: float | None = None, labels: Sequence[str] = ()) -> Metric:
    """A number that goes up and down."""
    return Metric("gauge", name, words, value, labels)


def counter(
    name: str, words: str, value: float | None = None, labels: Sequence[str] = ()
) -> Metric:
    """A number that only grows."""
    return Metric("counter", name, words, value, labels)


def summary(name: str, words: str) -> Metric:
    """Quantiles, a count and a sum: `add_sample` each."""
    return Metric("summary", name, words, None, ())
