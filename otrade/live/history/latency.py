"""How long each stage takes, always on. The feed's own stages are counted in its compiled listener;
an order's are counted here.

    frame     a frame in our hands -> dealt with, every frame
    core      a frame in our hands -> its orders are decided and journalled
    order     a frame in our hands -> the last order that it led to is written
    sent      the event that asked for a request -> its last byte is with the kernel
    ack       its last byte -> the broker's answer
    push      a new order's last byte -> the first push that tells of it
    exchange  the exchange's time of an order's state -> its push in our hands
    feed      the exchange's time of the last tick -> that tick in our hands, when an order is sent

The first three are measured by the monotonic clock (brokers/transport/feed_socket), core and order
for frames that led to orders only; the others by the engine's clock. The last two compare the
exchange's clock with ours, and Kite writes whole seconds: they tell seconds from milliseconds, no
more. What comes out negative counts as 0. A day's summary is kept beside the journal, in
`var/latency/`.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import orjson

from otrade._core.histogram import LatencyHistogram
from otrade._core.types import Cmd, Source
from otrade.brokers.session import OrderReport
from otrade.errors import OTradeError
from otrade.plain_file import read_own, write_whole

STAGES = ("frame", "core", "order", "sent", "ack", "push", "exchange", "feed")
PERCENTS = (50.0, 90.0, 99.0, 99.9)
AWAITED_MAX = 4_096
"""Orders whose first push has not come: where pushes are lost they must not pile up."""


class LatencySummary(msgspec.Struct, frozen=True):
    """From a frame in our hands to its order's last byte written, real nanoseconds."""

    n: int = 0
    p50_ns: int = 0
    p99_ns: int = 0
    max_ns: int = 0


class OrderLatency:
    """Told by the order router of what leaves and what comes. Times are engine time, ns."""

    def __init__(self) -> None:
        self.sent = LatencyHistogram()
        self.ack = LatencyHistogram()
        self.push = LatencyHistogram()
        self.exchange = LatencyHistogram()
        self.feed = LatencyHistogram()
        self._made: dict[int, tuple[int, str]] = {}
        """By request: when it was asked for, and of which new order; until its answer."""
        self._ts_sent: dict[int, int] = {}
        self._awaited: dict[str, int] = {}
        """New orders of which no push has told yet: when they were sent."""

    def stages(self) -> dict[str, LatencyHistogram]:
        return {
            "sent": self.sent,
            "ack": self.ack,
            "push": self.push,
            "exchange": self.exchange,
            "feed": self.feed,
        }

    def on_made(self, seq: int, kind: int, cl_ord_id: str, ts_ns: int) -> None:
        """A request is about to be sent. Everything that is made is answered, so nothing stays
        here.
        """
        self._made[seq] = ts_ns, cl_ord_id if kind == Cmd.NEW else ""

    def on_market(self, ts_exch_ns: int, ts_recv_ns: int) -> None:
        """The last tick of an instrument of which an order has just been sent."""
        if ts_exch_ns > 0 and ts_recv_ns > 0:
            self.feed.record_ns(ts_recv_ns - ts_exch_ns)

    def on_sent(self, seq: int, ts_ns: int) -> None:
        made = self._made.get(seq)
        if made is None:
            return
        ts_made_ns, cl_ord_id = made
        self.sent.record_ns(ts_ns - ts_made_ns)
        self._ts_sent[seq] = ts_ns
        if cl_ord_id:
            if len(self._awaited) >= AWAITED_MAX:
                del self._awaited[next(iter(self._awaited))]
            self._awaited[cl_ord_id] = ts_ns

    def on_answer(self, seq: int, ts_ns: int, *, is_answered: bool) -> None:
        """`is_answered` False: it was given up."""
        self._made.pop(seq, None)
        ts_sent_ns = self._ts_sent.pop(seq, 0)
        if ts_sent_ns and is_answered:
            self.ack.record_ns(ts_ns - ts_sent_ns)

    def on_report(self, report: OrderReport) -> None:
        if report.source != Source.PUSH:
            return
        ts_sent_ns = self._awaited.pop(report.cl_ord_id, 0)
        if ts_sent_ns:
            self.push.record_ns(report.ts_recv_ns - ts_sent_ns)
        if report.ts_update_ns > 0:
            self.exchange.record_ns(report.ts_recv_ns - report.ts_update_ns)


class StageDurations(msgspec.Struct, frozen=True):
    """One stage's durations: buckets as (longest duration in it, how many), shortest first."""

    n: int
    max_ns: int
    buckets: list[tuple[int, int]]

    def percentile_ns(self, percent: float) -> int:
        """What `percent` of all do not exceed; 0 when nothing was counted."""
        wanted, seen = self.n * percent / 100, 0
        for edge_ns, count in self.buckets:
            seen += count
            if seen >= wanted:
                return min(edge_ns, self.max_ns)
        return self.max_ns

    @property
    def total_ns(self) -> int:
        """All of them together, at most 3.2 % too much."""
        return sum(edge_ns * count for edge_ns, count in self.buckets)


def stage_of(histogram: LatencyHistogram) -> StageDurations:
    return StageDurations(histogram.n, histogram.max_ns, histogram.buckets())


def merged(stages: Iterable[StageDurations]) -> StageDurations:
    """Several runs' as one."""
    n, max_ns = 0, 0
    buckets: dict[int, int] = {}
    for stage in stages:
        n, max_ns = n + stage.n, max(max_ns, stage.max_ns)
        for edge_ns, count in stage.buckets:
            buckets[edge_ns] = buckets.get(edge_ns, 0) + count
    return StageDurations(n, max_ns, sorted(buckets.items()))


# -------------------------------------------------------------------------------------- kept by day
class DayLatency(msgspec.Struct, frozen=True):
    """What is kept of a day."""

    day: str
    mode: str
    n_runs: int
    stages: dict[str, StageDurations]


class _LatencyFile(msgspec.Struct, forbid_unknown_fields=True):
    day: str
    mode: str
    runs: int
    stages: dict[str, dict[str, Any]]


def path_of(var_dir: Path, day: str, mode: str) -> Path:
    """A paper day must not be mixed into the live day of the same date."""
    return var_dir / "latency" / (f"{day}.json" if mode == "live" else f"{day}.{mode}.json")


def keep(var_dir: Path, day: str, mode: str, histograms: Mapping[str, LatencyHistogram]) -> Path:
    """Write the day's file; what an earlier run of the same day has left is added to. OSError when
    it cannot be written. An unreadable one is begun afresh.
    """
    path = path_of(var_dir, day, mode)
    stages = {name: stage_of(histogram) for name, histogram in histograms.items()}
    n_runs = 1
    try:
        before = read(path)
    except OTradeError:
        before = None
    if before is not None and before.mode == mode:
        n_runs += before.n_runs
        for name, stage in before.stages.items():
            stages[name] = merged([stage, stages[name]]) if name in stages else stage
    rows = {name: {**summary(stage), "buckets": stage.buckets} for name, stage in stages.items()}
    data = orjson.dumps(
        {"day": day, "mode": mode, "runs": n_runs, "stages": rows}, option=orjson.OPT_APPEND_NEWLINE
    )
    write_whole(path, data)
    return path


def summary(stage: StageDurations) -> dict[str, int]:
    """`n`, `p50_ns`, `p90_ns`, `p99_ns`, `p999_ns`, `max_ns`."""
    shown = {
        f"p{str(percent).replace('.0', '').replace('.', '')}_ns": stage.percentile_ns(percent)
        for percent in PERCENTS
    }
    return {"n": stage.n, **shown, "max_ns": stage.max_ns}


def read(path: Path) -> DayLatency:
    """OTradeError naming the file when it is missing or is none of ours."""
    try:
        found = msgspec.json.decode(read_own(path), type=_LatencyFile)
        stages = {
            name: msgspec.convert(
                {key: row[key] for key in ("n", "max_ns", "buckets")}, StageDurations
            )
            for name, row in found.stages.items()
        }
    except OSError as error:
        raise OTradeError(f"{path} cannot be read ({error.strerror})") from None
    except (msgspec.MsgspecError, KeyError, UnicodeDecodeError) as error:
        raise OTradeError(f"{path} is no summary of latencies ({error})") from None
    return DayLatency(found.day, found.mode, found.runs, stages)


def kept_days(var_dir: Path) -> list[tuple[str, Path]]:
    """(day, file), oldest first."""
    found = []
    for path in sorted((var_dir / "latency").glob("*.json")):
        day = path.name.split(".", 1)[0]
        try:
            dt.date.fromisoformat(day)
        except ValueError:
            continue
        found.append((day, path))
    return found


def table(stages: Mapping[str, StageDurations]) -> str:
    """p50, p99, p99.9 and max by stage, as text."""
    known = [name for name in STAGES if name in stages] + sorted(set(stages) - set(STAGES))
    rows: list[Sequence[str]] = [("stage", "count", "p50", "p99", "p99.9", "max")]
    for name in known:
        stage = stages[name]
        shown = (
            [duration(stage.percentile_ns(p)) for p in (50.0, 99.0, 99.9)] if stage.n else ["-"] * 3
        )
        rows.append((name, f"{stage.n:,}", *shown, duration(stage.max_ns) if stage.n else "-"))
    return "\n".join(
        f"{name:<10}" + "".join(f"{cell:>12}" for cell in cells) for name, *cells in rows
    )


def duration(duration_ns: int) -> str:
    """In the unit that leaves one to three digits before the point."""
    for unit, ns in (("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000)):
        if duration_ns >= ns:
            return f"{duration_ns / ns:.1f} {unit}"
    return f"{duration_ns} ns"
