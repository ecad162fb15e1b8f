"""The engine's metrics in Prometheus' text format. Import it only when somebody asks: it loads
`prometheus_client`.
"""

from collections.abc import Iterable, Iterator

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from otrade.contract.messages import MetricFamily

CONTENT_TYPE = CONTENT_TYPE_LATEST


class _Told(Collector):
    """What the engine has told."""

    def __init__(self, families: Iterable[MetricFamily]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        for family in self._families:
            metric = Metric(family.name, family.words, family.kind)
            for sample in family.samples:
                metric.add_sample(family.name + sample.suffix, sample.labels, sample.value)
            yield metric


def metrics_text(families: Iterable[MetricFamily]) -> bytes:
    """Of `CONTENT_TYPE`."""
    return generate_latest(_Told(families))
