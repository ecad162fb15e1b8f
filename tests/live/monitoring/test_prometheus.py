"""/metrics, read by Prometheus' own parser and held against the exchange and the page's rows; and
the board and rules that come with it.
"""

import asyncio
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import promql_parser
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from otrade._core.types import Halt, Reason, Severity
from otrade.config.schema import AlertsConfig, AlertTargetConfig, LogConfig
from otrade.journal.memory import MemoryJournal
from otrade.live.alerts.dispatcher import AlertDispatcher
from otrade.live.alerts.retry_queue import DeliveryOutcome
from otrade.live.api.engine_source import LiveEngineSource
from otrade.live.control.commands import Commands
from otrade.live.monitoring.loop_watch import LoopWatch
from otrade.live.monitoring.staleness import FrameWatch
from otrade.live.notices.json_log import TolerantLogFile
from otrade.server.metrics_text import CONTENT_TYPE, metrics_text
from tests.harness.simulated_day import BUDGET, SECOND, SimulatedDay, run, simulated_day

ROOT = Path(__file__).parents[3]
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def source_of(here: SimulatedDay) -> LiveEngineSource:
    source = LiveEngineSource(here.board, Commands(), mode="paper", broker_kind="sim", speed=0.0)
    source.set_day(here.day)
    source.lifecycle = "running"
    source.frames = FrameWatch(lambda: here.day.engine.counters()["frames"])
    here.day.listen_to_beats(source.frames.on_beat)
    return source


def a_loop_watch() -> LoopWatch:
    loop = cast(asyncio.AbstractEventLoop, None)  # it is never started
    watch = LoopWatch(loop, stall_ns=SECOND, now_ns=lambda: 0, board=None)
    watch._recent_ns, watch.longest_turn_ns, watch.ts_longest_ns = (
        SECOND // 4,
        7_900_000_000,
        12_000_000,
    )
    watch.n_stalls, watch.stalled_ns = 2, 8_500_000_000
    return watch


def a_dispatcher() -> AlertDispatcher:
    return AlertDispatcher(
        AlertsConfig(targets=[AlertTargetConfig(name="phone")]),
        "OTrade",
        say=lambda *words: None,
        wall_ns=lambda: 0,
    )


async def scrape(source: LiveEngineSource) -> Samples:
    content = metrics_text(source.metrics())
    assert CONTENT_TYPE.startswith("text/plain; version=")
    found: Samples = {}
    for family in text_string_to_metric_families(content.decode()):
        assert family.documentation, family.name
        for sample in family.samples:
            key = sample.name, frozenset(sample.labels.items())
            assert key not in found, f"{key} is there twice"
            found[key] = sample.value
    return found


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples[name, frozenset(labels.items())]


def test_every_number_is_the_exchange_s_or_the_page_s(tmp_path: Path) -> None:
    async def body() -> None:
        async with simulated_day(journal=MemoryJournal()) as here:
            source = source_of(here)
            source.loop_watch = a_loop_watch()
            source.log = TolerantLogFile(tmp_path / "x.jsonl", LogConfig(), lambda words: None)
            alerts = source.alerts = a_dispatcher()
            alerts.on_outcome(DeliveryOutcome(1, "phone", True, 1))
            await here.open()
            await here.sim.run_until(here.at("09:40"))
            await here.run_until(lambda: bool(here.open_keys()) and len(here.day.trades) > 2)
            await here.sim.run_until(here.now_ns + SECOND)
            status, seen = source.status(), await scrape(source)
            assert (
                value(seen, "otrade_orders_total")
                == len(here.sim.exchange.orders())
                == len(list(source.orders()))
            )
            assert value(seen, "otrade_requests_total") == status.broker.orders_sent
            assert value(seen, "otrade_trades_total") == len(list(source.trades())) > 2
            signals = source.signals(0)
            for result, taken in (("taken", True), ("refused", False)):
                assert value(seen, "otrade_signals_total", result=result) == sum(
                    row.taken == taken for row in signals
                )
            assert value(seen, "otrade_pnl_rupees", kind="gross") == pytest.approx(
                status.pnl.gross_e4 / 10_000
            )
            assert value(seen, "otrade_pnl_rupees", kind="net") == pytest.approx(
                status.pnl.net_e4 / 10_000
            )
            nets = {
                key.split(":")[1] if ":" in key else key: abs(qty)
                for key, qty in here.sim.exchange.net_qty().items()
            }
            opened = {
                dict(labels)["symbol"]: n
                for (name, labels), n in seen.items()
                if name == "otrade_open_quantity" and n
            }
            assert {symbol.rsplit(":", 1)[-1]: n for symbol, n in opened.items()} == nets
            covered = sum(n for (name, _), n in seen.items() if name == "otrade_protected_quantity")
            assert covered == status.protection.protected_qty
            assert value(seen, "otrade_feed_frames_total") == status.feed.frames
            assert value(seen, "otrade_feed_ticks_total") == status.feed.ticks
            assert value(seen, "otrade_feed_up") == 1 and value(seen, "otrade_ready") == 1
            assert 0 <= value(seen, "otrade_feed_age_seconds") <= 5
            assert value(seen, "otrade_loop_lag_seconds") == 0.25 == status.loop.lag_ms / 1000
            assert value(seen, "otrade_loop_longest_turn_seconds") == 7.9
            assert status.loop.longest_turn_ms == 7_900 and status.loop.longest_turn_at_ms == 12
            assert value(seen, "otrade_loop_stalls_total") == status.loop.stalls == 2
            assert value(seen, "otrade_loop_stalled_seconds_total") == 8.5
            assert (
                value(
                    seen,
                    "otrade_info",
                    version=status.version,
                    mode="paper",
                    broker="sim",
                    day=status.day,
                )
                == 1
            )
            assert (
                value(seen, "otrade_halt", state="ACTIVE") == 1
                and value(seen, "otrade_halt", state="HALTED") == 0
            )
            assert here.journal is not None
            *_, last = here.journal.records()
            assert value(seen, "otrade_journal_records_total") == last.seq
            assert value(seen, "otrade_journal_bytes_total") > 32 * value(
                seen, "otrade_journal_records_total"
            )
            assert value(seen, "otrade_journal_lost_records_total") == 0
            assert (
                value(seen, "otrade_notices_total", severity="info")
                == here.board.n_by_severity[Severity.INFO]
                > 0
            )
            assert value(seen, "otrade_alerts_delivered_total", target="phone") == 1
            assert value(seen, "otrade_log_lost_lines_total") == 0
            for name, each in here.day.stages().items():
                assert value(seen, "otrade_latency_seconds_count", stage=name) == each.n
                assert (
                    value(seen, "otrade_latency_seconds", stage=name, quantile="0.999")
                    == each.percentile_ns(99.9) / 1e9
                )
            assert (
                value(seen, "process_resident_memory_bytes") > 1 << 20
                and value(seen, "process_open_fds") > 3
            )
            assert value(seen, "otrade_quarantined_instruments") == 0
            here.day.engine.on_quarantine(1, True, here.now_ns)
            here.day.engine.on_halt(Halt.HALTED, Reason.OK, here.now_ns)
            seen = await scrape(source)
            assert (
                value(seen, "otrade_halt", state="HALTED") == 1 and value(seen, "otrade_ready") == 0
            )
            assert (
                value(seen, "otrade_quarantined_instruments")
                == len(here.day.reconciler.positions.quarantined())
                == 1
            )
            await here.run_to_end()
            seen = await scrape(source)
            assert value(seen, "otrade_brackets_live") == 0, "after the day its numbers stay"
            source.log.close()

    run(body())


def test_what_is_left_of_the_rate_budget_is_what_the_gate_lets_through() -> None:
    async def body() -> None:
        async with simulated_day() as here:
            source = source_of(here)
            await here.open()
            await here.run_until(lambda: here.day.router.n_sent > 0)
            seen = await scrape(source)
            n = here.day.router.n_sent
            assert (
                value(seen, "otrade_rate_left", lane="protection", window="minute")
                == BUDGET["per_minute"] - n
            )
            assert (
                value(seen, "otrade_rate_left", lane="exit", window="minute")
                == BUDGET["per_minute"] - n
            )
            assert (
                value(seen, "otrade_rate_left", lane="entry", window="minute")
                == BUDGET["per_minute"] - BUDGET["reserve_minute"] - n
            )
            in_second = value(seen, "otrade_rate_left", lane="protection", window="second")
            assert value(seen, "otrade_rate_left", lane="exit", window="second") == max(
                in_second - 1, 0
            )
            assert value(seen, "otrade_rate_left", lane="entry", window="second") == max(
                in_second - BUDGET["reserve_second"], 0
            )
            assert (
                value(seen, "otrade_rate_left", lane="protection", window="day")
                == BUDGET["per_day"] - here.day.engine.n_orders
            )
            assert value(seen, "otrade_rate_limit", window="day") == BUDGET["per_day"]
            assert ("otrade_rate_limit", frozenset({("window", "half_hour")})) not in seen, (
                "no limit, no number"
            )

    run(body())


def test_before_the_first_day_there_is_little_to_tell() -> None:
    async def body() -> None:
        async with simulated_day() as here:
            seen = await scrape(
                LiveEngineSource(here.board, Commands(), mode="live", broker_kind="kite", speed=1.0)
            )
            assert (
                value(seen, "otrade_lifecycle", state="starting") == 1
                and value(seen, "otrade_ready") == 0
            )
            assert not any(name.startswith("otrade_feed") for name, _ in seen)

    run(body())


def test_nobody_pays_for_metrics_or_alerts_that_nobody_wants() -> None:
    for modules in (
        "otrade.live.runner, otrade.live.live_mode, otrade.live.paper_mode, otrade.live.api.engine_source, otrade.server.app",
        # The carrier loads Apprise when it has an address
        "otrade.live.alerts.sender_process, otrade.live.alerts.sender_client",
    ):
        code = f"import sys, {modules}; print(*(m for m in ('prometheus_client', 'apprise', 'requests', 'yaml') if m in sys.modules))"
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == ""


# --------------------------------------------------------------------------------- what comes with
# it, in docs/
METRIC = re.compile(r"\b(?:otrade|process)_[a-z0-9_]+")


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Names of all samples of a day in its middle."""

    async def body() -> set[str]:
        async with simulated_day(journal=MemoryJournal()) as here:
            source = source_of(here)
            source.alerts = a_dispatcher()
            source.loop_watch = a_loop_watch()
            source.log = TolerantLogFile(
                tmp_path_factory.mktemp("log") / "x.jsonl", LogConfig(), lambda words: None
            )
            await here.open()
            await here.run_until(lambda: bool(here.open_keys()))
            return {name for name, _ in await scrape(source)}

    return set(run(body()))


def rules() -> list[dict[str, Any]]:
    loaded = yaml.safe_load((ROOT / "docs" / "prometheus-alerts.yml").read_text())
    return [rule for group in loaded["groups"] for rule in group["rules"]]


def test_the_grafana_board_asks_for_what_there_is(known: set[str]) -> None:
    board = json.loads((ROOT / "docs" / "grafana.json").read_text())
    panels = [panel for panel in board["panels"] if panel["type"] != "row"]
    asked = [target["expr"] for panel in panels for target in panel["targets"]]
    for expr in asked:
        promql_parser.parse(expr)  # ValueError when it is none
    assert len(panels) >= 12 and len({panel["id"] for panel in board["panels"]}) == len(
        board["panels"]
    )
    names = {name for expr in asked for name in METRIC.findall(expr)}
    assert names <= known, names - known
    for area in (
        "pnl",
        "open_quantity",
        "protected_quantity",
        "naked",
        "feed_age",
        "in_doubt",
        "rate_left",
        "latency",
        "journal",
        "halt",
    ):
        assert any(area in name for name in names), area
    spots = [
        (p["gridPos"]["x"], p["gridPos"]["y"], p["gridPos"]["w"], p["gridPos"]["h"])
        for p in board["panels"]
    ]
    for index, (x, y, w, h) in enumerate(spots):
        assert 0 <= x and x + w <= 24
        assert not any(
            x < x2 + w2 and x2 < x + w and y < y2 + h2 and y2 < y + h
            for x2, y2, w2, h2 in spots[:index]
        ), "panels overlap"


def test_the_alert_rules_ask_for_what_there_is(known: set[str]) -> None:
    found = rules()
    for rule in found:
        promql_parser.parse(rule["expr"])
    assert {name for rule in found for name in METRIC.findall(rule["expr"])} <= known
    assert all(
        rule["annotations"]["summary"] and rule["labels"]["severity"] in ("page", "look")
        for rule in found
    )
    assert {"OTradeGone", "OTradeNaked", "OTradeHalted", "OTradeFeedOld", "OTradeInDoubt"} <= {
        rule["alert"] for rule in found
    }


def test_the_scrape_example_names_the_page_s_port_and_the_rules() -> None:
    loaded = yaml.safe_load((ROOT / "docs" / "prometheus.yml").read_text())
    (job,) = loaded["scrape_configs"]
    assert job["metrics_path"] == "/metrics" and job["static_configs"] == [
        {"targets": ["127.0.0.1:8000"]}
    ]
    assert loaded["rule_files"] == ["prometheus-alerts.yml"]


def test_a_scrape_makes_no_garbage_that_waits_for_a_collection() -> None:
    """The collector is off while something is open: a scrape every few seconds must not fill the
    memory.
    """
    import gc

    async def body() -> None:
        async with simulated_day() as here:
            source = source_of(here)
            await here.open()
            source.metrics()
            gc.collect()
            gc.disable()
            try:
                for _ in range(20):
                    source.metrics()
                assert gc.collect() < 20
            finally:
                gc.enable()
            await asyncio.sleep(0)

    run(body())
