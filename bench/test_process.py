"""The whole process: how long until it may trade, and how much memory it takes with the page open."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from otrade.calendar import Calendar, at_ns, date_of

ROOT = Path(__file__).parents[1]
ROUNDS = 9
# A .pyc that is missing costs more than everything measured here.
ENV = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}


# A simulator that answers at once: how long a broker thinks is not ours to measure.
EXCHANGE = """
import datetime as dt, sys, uvloop
from otrade.simulator.base.config import DelayRange, LatencyConfig, SimConfig
from otrade.simulator.serve import serve
now = DelayRange(0, 0)
cfg = SimConfig(dates=(dt.date.fromisoformat(sys.argv[1]),), day_start="09:20", speed=1.0,
                latency=LatencyConfig(request=now, order_ack=now, exchange=now, read=now, push=now, tick=now))
uvloop.run(serve(cfg, lambda sim, ports: print(ports.rest_url, ports.feed_url, flush=True)))
"""


# The libraries that an engine imports, and nothing of ours.
BARE_ENGINE = """
import asyncio, uvloop, orjson, msgspec, picows
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


@pytest.fixture(scope="module")
def exchange() -> Iterator[list[str]]:
    """A simulator in a process of its own: rest, feed and shift as arguments of bench.trader."""
    date = Calendar.load().last_trading_day("cash", date_of(time.time_ns()))
    shift_ns = at_ns(date, "09:20") - time.time_ns()
    sim = subprocess.Popen(
        [sys.executable, "-c", EXCHANGE, str(date)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=ENV,
    )
    assert sim.stdout is not None
    yield [*sim.stdout.readline().split(), str(shift_ns)]
    sim.terminate()
    sim.communicate()


def ready_s(args: list[str], cwd: Path) -> float:
    time.sleep(1.2)  # the exchange answers one quote a second, and each start asks one
    start = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-m", "bench.trader", *args],
        stdout=subprocess.PIPE,
        text=True,
        cwd=cwd,
        env={**ENV, "PYTHONPATH": str(ROOT)},
    ) as p:
        assert p.stdout is not None
        assert p.stdout.readline() == "ready\n"
        took = time.perf_counter() - start
        p.kill()
    return took


def bare_s() -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import uvloop, orjson, picows"], check=True, env=ENV)
    return time.perf_counter() - start


def test_ready_to_trade(
    benchmark: Any, figures: list[tuple[str, ...]], exchange: list[str], tmp_path: Path
) -> None:
    ready_s(exchange, tmp_path)  # the simulator makes its prices on the first question
    pairs = [(bare_s(), ready_s(exchange, tmp_path)) for _ in range(ROUNDS)]
    benchmark.pedantic(bare_s, rounds=1)
    ratio = statistics.median(b / a for a, b in pairs)
    bare, ready = (sorted(p[i] for p in pairs) for i in (0, 1))
    figures.append(
        (
            "ready to trade, from process start",
            f"{statistics.median(ready) * 1000:.0f} ms",
            f"{ready[-1] * 1000:.0f} ms",
            f"{ratio:.2f}x of importing uvloop, orjson and picows ({statistics.median(bare) * 1000:.0f} ms)",
            "1.3x",
        )
    )


def test_peak_memory_with_the_page(
    benchmark: Any, figures: list[tuple[str, ...]], exchange: list[str], tmp_path: Path
) -> None:
    def peak_kb() -> int:
        time.sleep(1.2)
        done = subprocess.run(
            [sys.executable, "-m", "bench.trader", *exchange, "page"],
            capture_output=True,
            text=True,
            check=True,
            cwd=tmp_path,
            env={**ENV, "PYTHONPATH": str(ROOT)},
        )
        return int(done.stdout.split("\n")[1])

    peaks = [peak_kb() / 1024 for _ in range(3)]
    floors = [
        int(
            subprocess.run(
                [sys.executable, "-c", BARE_ENGINE],
                capture_output=True,
                text=True,
                check=True,
                env=ENV,
            ).stdout
        )
        / 1024
        for _ in range(3)
    ]
    benchmark.pedantic(lambda: None, rounds=1)
    figures.append(
        (
            "peak memory, page connected",
            f"{statistics.median(peaks):.1f} MiB",
            f"{max(peaks):.1f} MiB",
            f"VmHWM; {statistics.median(floors):.1f} MiB of it are the libraries alone, imported and idle",
            "40 MB",
        )
    )
