"""The stages of `history.latency` for the page: their durations with words."""

from typing import Literal

from otrade._core.histogram import LatencyHistogram
from otrade.contract.queries import LatencyBucket, LatencyStageView
from otrade.live.day.trading_day import TradingDay

Whose = Literal["machine", "engine"]
SHOWN: dict[str, tuple[str, str, Whose]] = {
    "frame": ("Frame", "a feed frame in hand, until the core has dealt with it", "machine"),
    "core": (
        "Tick to decision",
        "a feed frame in hand, until the orders that it led to are decided and in the journal",
        "machine",
    ),
    "order": (
        "Tick to order",
        "a feed frame in hand, until the last byte of the order that it led to is out",
        "machine",
    ),
    "sent": (
        "Asked to sent",
        "the event that asked for a request, until its last byte is with the kernel",
        "engine",
    ),
    "ack": ("Sent to answer", "a request's last byte out, until the broker's answer", "engine"),
    "push": (
        "Sent to push",
        "a new order's last byte out, until the first push that tells of it",
        "engine",
    ),
    "exchange": (
        "Exchange to push",
        "the exchange's time of an order's state, until its push; whole seconds at some brokers",
        "engine",
    ),
    "feed": (
        "Exchange to tick",
        "the exchange's time of the last tick before an order, until it is in hand; whole seconds",
        "engine",
    ),
}


def stages_of(day: TradingDay) -> list[LatencyStageView]:
    """In the order of the pipeline."""
    return [_stage(name, seen) for name, seen in day.stages().items()]


def _stage(name: str, seen: LatencyHistogram) -> LatencyStageView:
    title, words, clock = SHOWN[name]
    return LatencyStageView(
        name=title,
        words=words,
        clock=clock,
        n=seen.n,
        p50_ns=seen.percentile_ns(50),
        p99_ns=seen.percentile_ns(99),
        p999_ns=seen.percentile_ns(99.9),
        max_ns=seen.max_ns,
        buckets=[LatencyBucket(up_to_ns=up_to_ns, n=n) for up_to_ns, n in seen.buckets()],
    )
