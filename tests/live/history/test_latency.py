"""An order's stages, and what is kept of a day. Percentiles are held against sorting, stages
against the simulator's own times.
"""

import datetime as dt
import json
import random
from pathlib import Path

import pytest

from otrade._core.histogram import LatencyHistogram
from otrade._core.types import Cmd, Ev, Side, Source
from otrade.brokers.session import OrderReport
from otrade.cli import main
from otrade.errors import OTradeError
from otrade.live.history.latency import (
    AWAITED_MAX,
    STAGES,
    OrderLatency,
    StageDurations,
    duration,
    keep,
    kept_days,
    merged,
    read,
    stage_of,
    summary,
    table,
)
from tests.harness.simulated_day import run, simulated_day

SEED = 41
MS = 1_000_000


def histogram(values: list[int]) -> LatencyHistogram:
    made = LatencyHistogram()
    for value in values:
        made.record_ns(value)
    return made


def report(tag: str, recv_ns: int, exch_ns: int = 0, source: Source = Source.PUSH) -> OrderReport:
    return OrderReport(
        tag, "1", Ev.ACK, source, Side.BUY, 1, 0, 0, 0, 0, 0, False, 0, exch_ns, recv_ns, 1, "NSE", "INFY", "MIS", "OPEN", ""
    )  # fmt: skip


def test_the_stages_of_one_order() -> None:
    seen = OrderLatency()
    seen.on_made(7, Cmd.NEW, "OT7", 1_000)
    seen.on_sent(7, 1_000 + 5)
    seen.on_report(report("OT7", 1_005 + 20, exch_ns=1_005 + 17))
    seen.on_answer(7, 1_005 + 30, is_answered=True)
    seen.on_report(report("OT7", 9_999))
    seen.on_market(500, 512)
    assert {name: (each.n, each.max_ns) for name, each in seen.stages().items()} == {
        "sent": (1, 5), "ack": (1, 30), "push": (1, 20), "exchange": (1, 3), "feed": (1, 12)
    }  # fmt: skip


def test_what_is_not_known_is_not_counted() -> None:
    seen = OrderLatency()
    seen.on_made(1, Cmd.NEW, "OT1", 0)
    seen.on_answer(1, 50, is_answered=True)  # refused before a byte left
    seen.on_sent(1, 60)  # and of a request that has been answered
    seen.on_made(2, Cmd.REPLACE, "OT1", 0)
    seen.on_sent(2, 5)
    seen.on_answer(2, 9_000, is_answered=False)  # given up
    seen.on_report(report("OT1", 9_000))  # a change is not a new order
    seen.on_report(
        report("OTHER", 9_000, exch_ns=1, source=Source.BOOK)
    )  # asked for, so its age says nothing
    seen.on_market(0, 5)
    assert {name: each.n for name, each in seen.stages().items()} == {
        "sent": 1,
        "ack": 0,
        "push": 0,
        "exchange": 0,
        "feed": 0,
    }
    assert not seen._made and not seen._ts_sent


def test_lost_pushes_do_not_pile_up() -> None:
    seen = OrderLatency()
    for seq in range(AWAITED_MAX + 100):
        seen.on_made(seq, Cmd.NEW, f"OT{seq}", 0)
        seen.on_sent(seq, 1)
        seen.on_answer(seq, 2, is_answered=True)
    assert len(seen._awaited) == AWAITED_MAX and not seen._made


@pytest.mark.parametrize("seed", range(3))
def test_runs_of_a_day_are_one_day(tmp_path: Path, seed: int) -> None:
    rng = random.Random(f"{SEED} {seed}")
    runs = [
        [int(rng.lognormvariate(10, 2)) for _ in range(rng.randint(1, 2_000))] for _ in range(3)
    ]
    for values in runs:
        path = keep(
            tmp_path, "2026-11-20", "live", {"order": histogram(values), "ack": LatencyHistogram()}
        )
    found = read(path)
    values = sorted(value for values in runs for value in values)
    order = found.stages["order"]
    assert (found.day, found.mode, found.n_runs, order.n, order.max_ns) == (
        "2026-11-20",
        "live",
        3,
        len(values),
        values[-1],
    )
    for percent in (1.0, 50.0, 90.0, 99.0, 99.9, 100.0):
        exact = values[max(0, -(-len(values) * percent // 100).__trunc__() - 1)]
        assert exact <= order.percentile_ns(percent) <= exact * 33 / 32 + 1
    assert sum(values) <= order.total_ns <= sum(values) * 33 / 32 + len(values)
    assert (
        found.stages["ack"] == StageDurations(0, 0, [])
        and found.stages["ack"].percentile_ns(50) == 0
    )
    assert json.loads(path.read_bytes())["stages"]["order"]["p999_ns"] == summary(order)["p999_ns"]


def test_one_run_says_what_its_histogram_says() -> None:
    rng = random.Random(SEED)
    made = histogram([int(rng.expovariate(1e-6)) for _ in range(5_000)])
    stage = stage_of(made)
    assert (
        {**made.summary(), "p999_ns": made.percentile_ns(99.9)}
        == summary(stage)
        == summary(merged([stage]))
    )


def test_a_paper_day_is_not_mixed_into_a_live_one(tmp_path: Path) -> None:
    keep(tmp_path, "2026-11-20", "paper", {"order": histogram([1])})
    keep(tmp_path, "2026-11-20", "live", {"order": histogram([2])})
    keep(tmp_path, "2026-11-19", "live", {"order": histogram([3])})
    (tmp_path / "latency" / "notes.json").write_text("{}")
    assert [(day, read(path).mode, read(path).stages["order"].max_ns) for day, path in kept_days(tmp_path)] == [
        ("2026-11-19", "live", 3), ("2026-11-20", "live", 2), ("2026-11-20", "paper", 1)
    ]  # fmt: skip


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{",
        b"[]",
        b'{"day": 1}',
        b'{"day":"d","mode":"live","runs":1,"stages":{"x":{"n":1}}}',
        b"\xff",
    ],
)
def test_a_damaged_file_is_named_and_begun_afresh(tmp_path: Path, damage: bytes) -> None:
    path = keep(tmp_path, "2026-11-20", "live", {"order": histogram([1])})
    path.write_bytes(damage)
    with pytest.raises(OTradeError, match=r"2026-11-20\.json"):
        read(path)
    assert (
        read(keep(tmp_path, "2026-11-20", "live", {"order": histogram([2])})).stages["order"].n == 1
    )


def test_otrade_latency(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    var = ["--var", str(tmp_path)]
    assert main.main(["latency", *var]) == 4
    assert "written when a day ends" in capsys.readouterr().err
    keep(tmp_path, "2026-11-19", "live", {"order": histogram([1_500, 2_500_000])})
    keep(
        tmp_path,
        "2026-11-20",
        "live",
        {"order": histogram([999]), "ack": histogram([27 * MS]), "frame": LatencyHistogram()},
    )
    assert main.main(["latency", *var]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[0] == "2026-11-20, live" and [row.split()[0] for row in shown[1:]] == [
        "stage",
        "frame",
        "order",
        "ack",
    ]
    assert shown[2].split() == ["frame", "0", "-", "-", "-", "-"] and shown[4].split()[-2:] == [
        "27.0",
        "ms",
    ]
    assert main.main(["latency", "2026-11-19", *var, "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["stages"]["order"]["max_ns"] == 2_500_000 and "buckets" not in row["stages"]["order"]
    assert main.main(["latency", "2026-11-18", *var]) == 4


def test_words() -> None:
    assert [duration(ns) for ns in (0, 999, 1_000, 27_340_000, 3_000_000_000)] == [
        "0 ns",
        "999 ns",
        "1.0 us",
        "27.3 ms",
        "3.0 s",
    ]
    assert table({"new": StageDurations(1, 5, [(5, 1)])}).splitlines()[1].split()[0] == "new"


def test_a_day_times_every_stage() -> None:
    """Against the simulator: its clock is the engine's, so what it adds is what is seen."""

    async def body() -> None:
        async with simulated_day() as here:
            await here.open()
            await here.run_to_end()
            stages = here.day.stages()
            assert set(stages) == set(STAGES)
            counts = {name: each.n for name, each in stages.items()}
            n_requests = here.day.router.n_sent
            assert counts["sent"] == counts["ack"] == n_requests > 10
            assert counts["push"] == here.day.engine.n_orders
            assert counts["frame"] >= here.day.engine.counters()["ticks"] / len(here.settings.keys)
            assert 0 < counts["feed"] <= here.day.engine.n_orders and counts["exchange"] > 0
            assert 0 < stages["ack"].percentile_ns(50) < 1_000 * MS, (
                "milliseconds, as the simulator delays answers"
            )
            assert dt.date.fromisoformat(here.day.plan.day) == here.date

    run(body())
