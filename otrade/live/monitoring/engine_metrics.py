"""The engine's numbers for Prometheus. Built when somebody asks, from what the core counts anyway;
between two scrapes it costs nothing. The page's server spells them.

Money is in rupees and time in seconds, as Prometheus wants its base units; counters begin anew with
each trading day of a process, which `rate()` takes for a restart.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import otrade
from otrade._core.engine.rows import CountersRow, RiskRow
from otrade._core.types import E4, Halt, Lane, Severity
from otrade.charges import LINES
from otrade.contract.messages import MetricFamily
from otrade.live.history.latency import PERCENTS, StageDurations, stage_of
from otrade.live.history.trade_ledger import net_after
from otrade.live.monitoring.metric_family import Metric, counter, gauge, summary
from otrade.live.monitoring.process_metrics import process_metrics
from otrade.units import NS_PER_S

if TYPE_CHECKING:
    from otrade.live.alerts.dispatcher import AlertDispatcher
    from otrade.live.day.trading_day import TradingDay
    from otrade.live.monitoring.loop_watch import LoopWatch
    from otrade.live.monitoring.staleness import FrameWatch
    from otrade.live.notices.board import NoticeBoard
    from otrade.live.notices.json_log import TolerantLogFile

LANES = (("protection", Lane.PROTECT), ("exit", Lane.EXIT), ("entry", Lane.ENTRY))
LIFECYCLES = ("starting", "running", "stopping", "stopped")


class EngineMetrics:
    """Reads one engine. What there is not (a day that has not begun, alerts that are not
    configured) is left out.
    """

    def __init__(
        self,
        board: "NoticeBoard",
        *,
        mode: str,
        broker_kind: str,
        lifecycle: str,
        why_not_ready: Iterable[str],
        day: "TradingDay | None",
        frames: "FrameWatch | None",
        loop_watch: "LoopWatch | None",
        alerts: "AlertDispatcher | None",
        log: "TolerantLogFile | None",
    ) -> None:
        self._board = board
        self._info = {
            "version": otrade.__version__,
            "mode": mode,
            "broker": broker_kind,
            "day": day.plan.day if day is not None else "",
        }
        self._lifecycle = lifecycle
        self._why_not_ready = list(why_not_ready)
        self._day = day
        self._frames = frames
        self._loop_watch = loop_watch
        self._alerts = alerts
        self._log = log

    def families(self) -> list[MetricFamily]:
        """All of them, now."""
        return [metric.family for metric in self._collect()]

    def _collect(self) -> Iterator[Metric]:
        yield _one_hot("otrade_info", "What runs: always 1", [self._info], self._info)
        yield _one_hot(
            "otrade_lifecycle",
            "1 for the state of the process",
            [{"state": s} for s in LIFECYCLES],
            {"state": self._lifecycle},
        )
        yield gauge(
            "otrade_ready",
            "1: an entry would be taken if a strategy asked for one",
            float(not self._why_not_ready),
        )
        yield _counts(
            "otrade_notices",
            "Notices said",
            "severity",
            {s.name.lower(): self._board.n_by_severity[s] for s in Severity},
        )
        if self._log is not None:
            yield counter(
                "otrade_log_lost_lines", "Lines that the log could not take", self._log.n_lost
            )
        if self._loop_watch is not None:
            yield from _loop(self._loop_watch)
        if self._day is not None:
            yield from _day(self._day, self._frames)
        if self._alerts is not None:
            yield _counts(
                "otrade_alerts_delivered",
                "Alerts that a target took",
                "target",
                self._alerts.n_delivered,
            )
            yield _counts(
                "otrade_alerts_failed",
                "Alerts that a target did not get",
                "target",
                self._alerts.n_failed,
            )
            yield _counts(
                "otrade_alerts_held", "Alerts held back for a digest", "target", self._alerts.n_held
            )
        yield from process_metrics()


def _loop(watch: "LoopWatch") -> Iterator[Metric]:
    yield gauge(
        "otrade_loop_lag_seconds",
        "How much later than due something ran, at most, in the last minute or two",
        watch.lag_ns / NS_PER_S,
    )
    yield gauge(
        "otrade_loop_longest_turn_seconds",
        "The longest turn of the event loop since the start",
        watch.longest_turn_ns / NS_PER_S,
    )
    yield counter("otrade_loop_stalls", "Turns longer than alerts.loop_stall_ms", watch.n_stalls)
    yield counter(
        "otrade_loop_stalled_seconds", "All of those together", watch.stalled_ns / NS_PER_S
    )


def _day(day: "TradingDay", frames: "FrameWatch | None") -> Iterator[Metric]:
    engine, risk, counters = day.engine, day.engine.risk(), day.engine.counters()
    yield from _orders(day, risk, counters)
    yield from _money(day, risk)
    yield from _protection(day, counters)
    yield from _feed(day, risk, counters, frames)
    yield from _limits(engine.budget())
    yield _one_hot(
        "otrade_halt",
        "1 for the halt state",
        [{"state": h.name} for h in Halt],
        {"state": Halt(risk["halt"]).name},
    )
    yield gauge("otrade_paused", "1: entries are kept out by somebody", float(risk["paused"]))
    yield gauge(
        "otrade_token_dead",
        "1: the broker no longer accepts the access token",
        float(day.is_token_dead),
    )
    quarantined = engine.n_quarantined
    yield gauge(
        "otrade_quarantined_instruments",
        "Instruments that are not traded, being unexplained",
        quarantined,
    )
    if day.journal is not None:
        yield counter(
            "otrade_journal_records", "Records in the day's journal", day.journal.n_records
        )
        yield counter("otrade_journal_bytes", "Bytes of the day's journal", day.journal.n_bytes)
        yield counter(
            "otrade_journal_lost_records", "Records that could not be written", day.journal.n_lost
        )
        yield gauge(
            "otrade_journal_trouble", "1: the journal is failing", float(bool(day.journal.trouble))
        )
    yield _latencies({name: stage_of(histogram) for name, histogram in day.stages().items()})


def _orders(day: "TradingDay", risk: RiskRow, counters: CountersRow) -> Iterator[Metric]:
    yield counter("otrade_orders", "Orders made", day.engine.n_orders)
    yield counter(
        "otrade_requests", "Requests sent to the broker: new, change and cancel", day.router.n_sent
    )
    yield counter("otrade_reports", "Order reports taken", counters["reports"])
    yield counter(
        "otrade_illegal_reports",
        "Order reports that did not fit and changed nothing",
        counters["illegal_events"],
    )
    yield counter(
        "otrade_request_timeouts", "Requests that were not answered in time", counters["timeouts"]
    )
    yield gauge("otrade_orders_in_doubt", "Orders whose fate is not known now", risk["n_in_doubt"])
    taken, refused = day.signals.n_taken, sum(day.signals.refused.values())
    yield _counts(
        "otrade_signals",
        "Signals, and what became of them",
        "result",
        {"taken": taken, "refused": refused},
    )
    files = [day.engine.strategy(at) for at in range(len(day.plan.strategies))]
    yield counter(
        "otrade_refused_decisions",
        "Decisions of strategy files that cannot be meant",
        sum(row["n_refused_decisions"] for row in files),
    )
    yield counter("otrade_trades", "Trades that are closed", len(day.trades))


def _money(day: "TradingDay", risk: RiskRow) -> Iterator[Metric]:
    charges = day.trades.charges
    pnl = gauge(
        "otrade_pnl_rupees", "Profit of the day, open positions at the last price", labels=["kind"]
    )
    for kind, e4 in (
        ("gross", risk["pnl_e4"]),
        ("net", net_after(risk["pnl_e4"], charges)),
        ("peak", risk["peak_e4"]),
    ):
        if e4 is not None:  # no net is told while charges are not known
            pnl.add_metric([kind], e4 / E4)
    yield pnl
    yield gauge(
        "otrade_drawdown_rupees", "How far profit is below its peak", risk["drawdown_e4"] / E4
    )
    if charges.total_e4 is not None:
        yield gauge("otrade_charges_rupees", "Charges of the day's trades", charges.total_e4 / E4)
    lines = gauge(
        "otrade_charges_line_rupees",
        "The same by line of a contract note, those that are known",
        labels=["line"],
    )
    for line in LINES:
        line_e4 = charges.line(line)
        if line_e4 is not None:
            lines.add_metric([line], line_e4 / E4)
    yield lines
    yield gauge(
        "otrade_charges_unknown",
        "Lines of the charges that are not known; then there is no net",
        len(charges.unknown),
    )


def _protection(day: "TradingDay", counters: CountersRow) -> Iterator[Metric]:
    opened = gauge("otrade_open_quantity", "Units that are open", labels=["symbol"])
    covered = gauge(
        "otrade_protected_quantity", "Open units with a working stop", labels=["symbol"]
    )
    by_symbol: dict[str, tuple[int, int]] = {}
    n_naked = 0
    for bracket_id in day.engine.live_brackets():
        bracket = day.engine.bracket(bracket_id)
        n_naked += bracket["protected_qty"] < bracket["open_qty"]
        symbol = day.plan.symbol_of(bracket["instrument_id"])
        before = by_symbol.get(symbol, (0, 0))
        by_symbol[symbol] = before[0] + bracket["open_qty"], before[1] + bracket["protected_qty"]
    for symbol, (open_qty, protected_qty) in sorted(by_symbol.items()):
        opened.add_metric([symbol], open_qty)
        covered.add_metric([symbol], protected_qty)
    yield opened
    yield covered
    yield gauge("otrade_brackets_live", "Brackets that are not closed", day.engine.n_live)
    yield gauge(
        "otrade_brackets_naked", "Brackets with open units that no working stop covers", n_naked
    )
    yield counter(
        "otrade_naked_seconds",
        "Time that open units had no working stop",
        counters["naked_ns_total"] / NS_PER_S,
    )
    yield gauge(
        "otrade_naked_worst_seconds",
        "The longest of it in one bracket",
        counters["naked_ns_worst"] / NS_PER_S,
    )
    at_target_s = counters["target_ns_total"] / NS_PER_S
    yield counter(
        "otrade_at_target_seconds",
        "Time that an order worked at the target with no stop behind it",
        at_target_s,
    )
    yield gauge(
        "otrade_at_target_worst_seconds",
        "The longest of it in one bracket",
        counters["target_ns_worst"] / NS_PER_S,
    )


def _feed(
    day: "TradingDay",
    risk: RiskRow,
    counters: CountersRow,
    frames: "FrameWatch | None",
) -> Iterator[Metric]:
    yield gauge("otrade_feed_up", "1: a feed is connected", float(risk["feed_alive"]))
    if frames is not None and frames.ts_ns:
        age_s = max(day.clock.now_ns() - frames.ts_ns, 0) / NS_PER_S
        yield gauge(
            "otrade_feed_age_seconds", "Since the last frame of any kind, to within a beat", age_s
        )
    yield counter("otrade_feed_frames", "Frames received", counters["frames"])
    yield counter("otrade_feed_ticks", "Ticks taken", counters["ticks"])
    yield counter(
        "otrade_feed_refused",
        "Packets and frames refused as malformed or absurd",
        sum(_listed(counters["refused"])),
    )
    yield counter("otrade_feed_unknown", "Packets of other instruments", counters["unknown_tokens"])
    yield counter(
        "otrade_feed_doubled", "Ticks that the other feed had brought before", counters["doubled"]
    )
    yield counter("otrade_feed_reconnects", "Times that the feed came back", day.n_reconnects)


def _limits(budget: Mapping[str, Any]) -> Iterator[Metric]:
    """What `risk.budget_left` would still let through, lane by lane."""
    left = gauge(
        "otrade_rate_left",
        "Requests that the rate budget still allows now",
        labels=["lane", "window"],
    )
    limit = gauge("otrade_rate_limit", "The rate budget itself", labels=["window"])
    for window in ("second", "minute", "half_hour", "day"):
        whole = budget[f"per_{window}"]
        if whole <= 0:
            continue
        limit.add_metric([window], whole)
        used = budget["day_used"] if window == "day" else budget[f"{window}_used"]
        for name, lane in LANES:
            may_use = whole
            if lane == Lane.ENTRY:
                may_use -= budget[f"reserve_{window}"]
            elif lane == Lane.EXIT and window == "second" and whole > 1:
                may_use -= 1  # kept for protection
            left.add_metric([name, window], max(may_use - used, 0))
    yield limit
    yield left
    yield counter(
        "otrade_rate_denied", "Requests that the rate budget did not allow", budget["n_denied"]
    )
    yield counter(
        "otrade_rate_slowed", "Times that the broker asked to slow down", budget["n_tightened"]
    )


def _latencies(stages: Mapping[str, StageDurations]) -> Metric:
    """A summary a stage. The sum is that of the histogram's buckets, at most 3.2 % too much."""
    family = summary("otrade_latency_seconds", "Durations by stage, since the day began")
    for name, stage in stages.items():
        for percent in PERCENTS:
            labels = {"stage": name, "quantile": f"{percent / 100:g}"}
            family.add_sample("", labels, stage.percentile_ns(percent) / NS_PER_S)
        family.add_sample("_count", {"stage": name}, stage.n)
        family.add_sample("_sum", {"stage": name}, stage.total_ns / NS_PER_S)
    return family


def _listed(value: object) -> list[int]:
    assert isinstance(value, list)
    return value


def _one_hot(name: str, words: str, states: list[dict[str, str]], now: Mapping[str, str]) -> Metric:
    family = gauge(name, words, labels=list(states[0]))
    for labels in states:
        family.add_metric(list(labels.values()), float(labels == now))
    return family


def _counts(name: str, words: str, label: str, counts: Mapping[str, int]) -> Metric:
    family = counter(name, words, labels=[label])
    for value, n in counts.items():
        family.add_metric([value], n)
    return family
