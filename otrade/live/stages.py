"""How long the stages of the pipeline took today, for the page: what the broker's session measures, and what an order's story tells."""

from typing import Literal

from otrade._core.histogram import LatencyHistogram
from otrade.web.asked import Bucket, StageView

from .day import TradingDay

MACHINE: tuple[tuple[str, str, str], ...] = (
    ("frame", "Frame", "a feed frame in hand, until the core has dealt with it"),
    ("order", "Tick to order", "a feed frame in hand, until the last byte of the order that it led to is out"),
)


def stages_of(day: TradingDay) -> list[StageView]:
    """The stages in the order of the pipeline; the first two are the machine's own time, also on a paper day."""
    latency = day.desk.session.latency if day.desk.session is not None else None
    found = []
    if latency is not None:
        found += [_stage(name, words, "machine", getattr(latency, field)) for field, name, words in MACHINE]
    stories = day.desk.stories
    found.append(_stage("Answer", "a request's last byte out, until the broker's answer", "engine", stories.answer))
    found.append(_stage("Word", "a request's last byte out, until the first report about its order", "engine", stories.word))
    return found


def _stage(name: str, words: str, clock: Literal["machine", "engine"], seen: LatencyHistogram) -> StageView:
    return StageView(
        name=name,
        words=words,
        clock=clock,
        n=seen.n,
        p50_ns=seen.percentile_ns(50),
        p99_ns=seen.percentile_ns(99),
        p999_ns=seen.percentile_ns(99.9),
        max_ns=seen.max_ns,
        buckets=[Bucket(up_to_ns=up_to_ns, n=n) for up_to_ns, n in seen.buckets()],
    )
