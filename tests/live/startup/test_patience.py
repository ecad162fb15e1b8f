"""A broker that is busy at the start: each question is asked again, and a person may end it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from otrade.brokers.kite.adapter import KiteAdapter
from otrade.brokers.upstox.adapter import UpstoxAdapter
from otrade.clock import NS_PER_S
from otrade.errors import BrokerError, NetworkError, RateLimitError, StoppedError
from otrade.live import app
from otrade.patience import WAITS_NS, patiently
from otrade.simulator.base.virtual_clock import VirtualClock
from tests.harness.paper_run import CONFIG, on_beat, write
from tests.live.test_app import trade

QUESTIONS = ["log_in_here", "instruments", "last_price_e4", "bands"]
OPTION = [{"symbol": "NFO:NIFTY.ATMCE"}, *CONFIG["instruments"]]


@pytest.mark.parametrize("adapter", [KiteAdapter, UpstoxAdapter])
@pytest.mark.parametrize("question", QUESTIONS)
def test_too_many_requests_at_the_start_are_waited_for(
    folder: Path, monkeypatch: pytest.MonkeyPatch, adapter: type, question: str
) -> None:
    errors: list[BrokerError] = [RateLimitError("429: Too many requests"), NetworkError("502")]
    real = getattr(adapter, question)

    async def busy(*args: Any, **options: Any) -> Any:
        if errors:
            raise errors.pop(0)
        return await real(*args, **options)

    monkeypatch.setattr(adapter, question, busy)
    on_beat(monkeypatch, lambda day, now_ns: day.shutdown.stop("test"))
    config = write(folder, instruments=OPTION, broker={"kind": adapter.name})  # type: ignore[attr-defined]
    assert trade(config) == app.EXIT_OK
    assert not errors
    lines = (folder / "var" / "log" / "otrade.jsonl").read_bytes().splitlines()
    said = [row["text"] for row in map(json.loads, lines) if row.get("code") == "START_WAITS"]
    assert len(said) == 2 and "429: Too many requests" in said[0]


def ask(clock: VirtualClock, stop: asyncio.Event | None, errors: list[BrokerError]) -> Any:
    """Run to the end on virtual time."""

    async def question() -> str:
        if errors:
            raise errors.pop(0)
        return "answer"

    async def work() -> Any:
        told: list[BrokerError] = []
        task = asyncio.ensure_future(patiently(question, clock, told.append, stop))
        while not task.done():
            for _ in range(5):
                await asyncio.sleep(0)
            if (timer := clock.pop() if clock.next_ns() else None) is not None and timer.callback:
                timer.callback()
        return task.result()

    return asyncio.run(work())


def test_it_is_patient_for_a_minute() -> None:
    clock = VirtualClock()
    before_ns = clock.now_ns()
    n = len(WAITS_NS)
    assert ask(clock, None, [RateLimitError("busy") for _ in range(n)]) == "answer"
    assert clock.now_ns() - before_ns == sum(WAITS_NS) == 61 * NS_PER_S
    with pytest.raises(RateLimitError):
        ask(clock, None, [RateLimitError("busy") for _ in range(n + 1)])


def test_what_is_refused_for_good_is_not_asked_again() -> None:
    left: list[BrokerError] = [BrokerError("no such thing"), BrokerError("not asked")]
    with pytest.raises(BrokerError, match="no such thing"):
        ask(VirtualClock(), None, left)
    assert len(left) == 1


def test_a_stop_ends_it() -> None:
    stop = asyncio.Event()
    stop.set()
    left: list[BrokerError] = [RateLimitError("busy"), RateLimitError("not asked")]
    with pytest.raises(StoppedError):
        ask(VirtualClock(), stop, left)
    assert len(left) == 1
