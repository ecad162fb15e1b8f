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
from otrade.live.day.trading_day import TradingDay
from otrade.patience import WAITS_NS, patiently
from otrade.simulator.base.virtual_clock import VirtualClock
from otrade.simulator.faults.requests import RequestFault
from otrade.simulator.simulator import Simulator
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


FIRST_ASKED = {
    KiteAdapter: ["/instruments", "/quote", "/orders", "/portfolio/positions"],
    UpstoxAdapter: [
        "/market-quote/instruments",
        "/v2/market-quote/quotes",
        "/v2/order/retrieve-all",
        "/v2/portfolio/short-term-positions",
    ],
}


@pytest.mark.parametrize("adapter", [KiteAdapter, UpstoxAdapter])
@pytest.mark.parametrize("how", ["429", "503", "silence", "reset"])
def test_the_first_answer_to_each_question_of_a_start_may_be_lost(
    folder: Path, monkeypatch: pytest.MonkeyPatch, adapter: type, how: RequestFault
) -> None:
    """On the wire: what a second start within a second gets from Kite (`/quote`, one a second)."""
    sims: list[Simulator] = []
    start = Simulator.start

    async def listening(sim: Simulator) -> Any:
        for path in FIRST_ASKED[adapter]:
            sim.faults.lose_request(how, path_prefix=path)
        sims.append(sim)
        return await start(sim)

    monkeypatch.setattr(Simulator, "start", listening)
    traded: list[int] = []

    def look(day: TradingDay, now_ns: int) -> None:
        traded.append(now_ns)
        day.shutdown.stop("test")

    on_beat(monkeypatch, look)
    config = write(folder, instruments=OPTION, broker={"kind": adapter.name})  # type: ignore[attr-defined]
    assert trade(config) == app.EXIT_OK
    assert traded and not sims[0].faults.pending


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
