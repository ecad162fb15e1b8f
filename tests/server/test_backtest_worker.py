"""The page's backtest: one at a time, with words that are made here alone, watched, ended, and below
everything that trades. A program of this test stands in the place of `otrade backtest`.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import msgspec
import pytest

from otrade.contract.results import BacktestDraft, BacktestPrices
from otrade.errors import ResultError
from otrade.live.runtime.child_processes import ChildCommand
from otrade.server.backtest_worker import LOWEST, BacktestWorker
from tests.harness.waiting import PAUSE_S, until

DRAFT = BacktestDraft(first="2026-11-02", last="2026-11-20", name="mine")
PROGRESS = '{"day": "2026-11-02", "done": 1, "of": 15, "trades": 3, "net_paise": -125}'
WAITS = "import signal; signal.pause()"


def worker(folder: Path, program: str, given: list[str] | None = None) -> BacktestWorker:
    def command(words: Sequence[str]) -> ChildCommand:
        if given is not None:
            given.extend(words)
        return ChildCommand([sys.executable, "-c", program], {})

    return BacktestWorker(folder / "config.json", folder / "var", command)


def run(body: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(60):
            await body()

    asyncio.run(bounded())


def test_it_is_watched_to_its_end(tmp_path: Path) -> None:
    program = f"print('{PROGRESS}'); print('nonsense'); print('{{\"result\": \"/somewhere\"}}')"

    async def body() -> None:
        made = worker(tmp_path, program)
        begun = await made.start(DRAFT, "meera")
        assert (begun.state, begun.name, begun.started_by) == ("running", "mine", "meera")
        await until(lambda: made.view.state != "running", pause_s=PAUSE_S)
        view = made.view
        assert (view.state, view.day, view.done, view.of, view.trades) == (
            "done",
            "2026-11-02",
            1,
            15,
            3,
        )
        assert view.net_e4 == -12_500 and view.words == ""

    run(body)


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("import sys; print('otrade: no prices of July', file=sys.stderr); sys.exit(1)", "no prices of July"),
        ("import sys; sys.stderr.write('x' * 10**6 + 'the end'); sys.exit(1)", "the end"),
        ("print('{\"done\": 1}')", "it ended with code 0"),
        ("import sys; sys.stdout.write('x' * 10**6)", "it ended with code"),
    ],
)  # fmt: skip
def test_what_goes_wrong_is_said(tmp_path: Path, program: str, words: str) -> None:
    async def body() -> None:
        made = worker(tmp_path, program)
        await made.start(DRAFT, "meera")
        await until(lambda: made.view.state != "running", pause_s=PAUSE_S)
        assert made.view.state == "failed" and words in made.view.words
        assert len(made.view.words) <= 2_000

    run(body)


@pytest.mark.parametrize(
    "program", [WAITS, "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('{}', flush=True); signal.pause()"]
)  # fmt: skip
def test_it_is_ended(tmp_path: Path, program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("otrade.server.backtest_worker.END_WITHIN_S", 0.5)

    async def body() -> None:
        made = worker(tmp_path, program)
        with pytest.raises(ResultError, match="no backtest runs"):
            await made.stop()
        await made.start(DRAFT, "meera")
        with pytest.raises(ResultError, match="mine runs: stop it"):
            await made.start(DRAFT, "ravi")
        process = made._process
        assert process is not None
        assert (await made.stop()).state == "stopped"
        assert process.returncode is not None
        with pytest.raises(ResultError, match="no backtest runs"):
            await made.stop()
        await made.start(DRAFT, "ravi")
        await made.close()
        assert made.view.state == "stopped"

    run(body)


def test_it_has_the_lowest_place(tmp_path: Path) -> None:
    async def body() -> None:
        made = worker(tmp_path, WAITS)
        await made.start(DRAFT, "meera")
        assert made._process is not None
        assert os.getpriority(os.PRIO_PROCESS, made._process.pid) == LOWEST
        limits = Path(f"/proc/{made._process.pid}/limits").read_text()
        assert "14400" in next(line for line in limits.splitlines() if "cpu time" in line)
        assert os.getpgid(made._process.pid) != os.getpgid(0), "a Ctrl-C of ours is not its"
        await made.close()

    run(body)


def test_what_is_in_the_way_is_said(tmp_path: Path) -> None:
    async def body() -> None:
        made = worker(tmp_path, WAITS)
        with pytest.raises(ResultError, match="before the first"):
            await made.start(msgspec.structs.replace(DRAFT, name="", last="2026-11-01"), "meera")
        for changes in ({"first": "2026-11-02\n"}, {"last": "2026-11-31"}, {"name": "other\n"}):
            with pytest.raises(ResultError, match="no such day|a line's end"):
                await made.start(msgspec.structs.replace(DRAFT, **changes), "meera")
        (tmp_path / "var" / "results" / "mine").mkdir(parents=True)
        with pytest.raises(ResultError, match="a result mine already"):
            await made.start(DRAFT, "meera")
        assert made.view.state == "none"

    run(body)


# ---------------------------------------------------------------------------------------- its words
def words_of(tmp_path: Path, draft: BacktestDraft) -> list[str]:
    given: list[str] = []

    async def body() -> None:
        made = worker(tmp_path, "", given)
        await made.start(draft, "meera")
        await until(lambda: made.view.state != "running", pause_s=PAUSE_S)

    run(body)
    return given


def test_its_words_are_those_of_the_draft_alone(tmp_path: Path) -> None:
    var = tmp_path / "var"
    assert words_of(tmp_path, DRAFT) == [
        str(tmp_path / "config.json"), "--from=2026-11-02", "--to=2026-11-20", f"--data={var / 'data'}",
        f"--out={var / 'results' / 'mine'}", "--name=mine", "--length=1m", "--latency=0", "--slippage=1", "--seed=1",
        "--progress=json",
    ]  # fmt: skip
    whole = msgspec.structs.replace(
        DRAFT, data="paper-data", queue="ahead", target_first=True,
        prices=[BacktestPrices(symbol="NFO:NIFTY.FUT", series="NSE:NIFTY 50")],
    )  # fmt: skip
    words = words_of(tmp_path, whole)
    assert words[-3:] == ["--queue=ahead", "--target-first", "--prices=NFO:NIFTY.FUT=NSE:NIFTY 50"]
    assert f"--data={var / 'paper-data'}" in words


@pytest.mark.parametrize(
    "changes",
    [
        {"first": "--out=/etc"},
        {"name": "../../etc"},
        {"name": "--replace"},
        {"name": "a/b"},
        {"data": "/etc"},
        {"data": "../data"},
        {"length": "7m"},
        {"latency_ms": -1},
        {"latency_ms": 10**9},
        {"slippage_ticks": "1 --out=/etc"},
        {"queue": "--replace"},
        {"seed": -1},
        {"config": "/etc/passwd"},
        {"prices": [{"symbol": "--out", "series": "NSE:A"}]},
        {"prices": [{"symbol": "NSE:A", "series": "NSE:A=NSE:B"}]},
        {"prices": [{"symbol": "NSE:A", "series": "NSE:B"}] * 51},
    ],
)
def test_a_draft_can_say_nothing_else(changes: dict[str, object]) -> None:
    raw = msgspec.json.encode(msgspec.to_builtins(DRAFT) | changes)
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(raw, type=BacktestDraft)
