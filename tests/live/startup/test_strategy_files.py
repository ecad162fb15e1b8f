"""Strategy files of a configuration: a day keeps what it began with, a file that is wrong is named at
its line, and what is compiled trades as the built-in kind of the same rule does.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import random
from pathlib import Path
from typing import Any

import orjson
import pytest

from otrade._core.codecs.kite import KiteEncoder
from otrade._core.engine.engine import Engine
from otrade._core.types import Severity
from otrade.config import manager
from otrade.config.schema import Config
from otrade.errors import ConfigError, StrategyError
from otrade.live.notices.board import NoticeBoard
from otrade.live.plan.config_to_spec import plan_of, strategy_spec
from otrade.live.plan.engine_builder import CompiledSpec
from otrade.live.startup.strategy_files import StrategyFiles
from otrade.strategy.build.library import remove_unused
from tests.harness.core_engine import HOUR, NSE, OPEN_NS, SECOND, frame, packet, token_of

DAY, NEXT = dt.date(2026, 11, 20), dt.date(2026, 11, 23)
EXAMPLES = Path(__file__).parents[3] / "strategies"
T0 = token_of(0)
SIMPLE = '''from otrade.strategy import Strategy, param, reason


class Simple(Strategy):
    """Buys above a price."""

    level: float = param({level}, 1, 1000, "price above which it buys")
    ABOVE = reason("the price is above the level")

    def on_bar(self, bar, pos, out):
        if pos.is_flat and bar.close > self.level:
            out.buy(why=self.ABOVE)
'''


def raw(folder: Path, **strategy: Any) -> dict[str, Any]:
    return {
        "mode": "paper",
        "paths": {"var": str(folder / "var"), "strategies": str(folder / "strategies")},
        "instruments": [{"symbol": "NSE:INFY"}],
        "strategies": [
            {
                "kind": "file",
                "name": "mine",
                "file": "simple.py",
                "instrument": "NSE:INFY",
                "sizing": {"mode": "fixed", "value": 10},
                "bracket": {"stop": {"kind": "pct", "value": 0.5}},
                **strategy,
            }
        ],
    }


def config_of(folder: Path, **strategy: Any) -> Config:
    return manager.from_bytes(orjson.dumps(raw(folder, **strategy)), "config.json")


class StartedFiles:
    """A folder with a strategy file, and starts of days with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "strategies" / "simple.py"
        self.path.parent.mkdir()
        self.write(SIMPLE.replace("{level}", "100.0"))
        self.said: list[str] = []
        self.turns = 0
        """Of the last start's event loop, while it was under way."""

    def write(self, text: str) -> None:
        self.path.write_text(text)

    def start(self, date: dt.date, **strategy: Any) -> dict[str, CompiledSpec]:
        board = NoticeBoard(lambda: 0)
        made = asyncio.run(
            self._start(StrategyFiles(config_of(self.folder, **strategy), board), date)
        )
        self.said = [n.text for n in board.since(0) if n.severity >= Severity.WARN]
        return made

    async def _start(self, files: StrategyFiles, date: dt.date) -> dict[str, CompiledSpec]:
        loop = asyncio.get_running_loop()
        self.turns = 0

        def turn() -> None:
            self.turns += 1
            loop.call_later(0.01, turn)

        loop.call_soon(turn)
        return await files.compiled(date)


@pytest.fixture
def started(tmp_path: Path) -> StartedFiles:
    return StartedFiles(tmp_path)


def test_a_day_keeps_what_it_began_with_and_the_next_one_takes_the_change(
    started: StartedFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = started.start(DAY)["mine"]
    assert not started.said
    assert started.turns > 10, "the loop has waited for the compiler"
    assert first.reasons == ("the price is above the level",)
    started.write(SIMPLE.replace("{level}", "200.0"))
    with monkeypatch.context() as m:
        m.setattr("otrade.strategy.build.builder.Compilation", None)  # no compiler is asked
        again = started.start(DAY)["mine"]
    assert again == first
    assert len(started.said) == 1 and "has changed since the day began" in started.said[0]
    started.path.unlink()
    assert started.start(DAY)["mine"] == first
    started.write(SIMPLE.replace("{level}", "200.0"))
    changed = started.start(NEXT)["mine"]
    assert changed.build != first.build and "200.0" in changed.source
    assert "is another one than on 2026-11-20" in started.said[0]
    assert started.start(NEXT)["mine"] == changed
    assert not started.said


def test_what_no_start_uses_any_more_is_removed(started: StartedFiles) -> None:
    started.start(DAY)
    folder = started.folder / "var" / "strategies"
    made = {path for path in folder.iterdir() if path.suffix in (".so", ".json")} - {
        folder / "day.paper.json"
    }
    assert len(made) == 2
    old_s = 31 * 86_400
    other, scratch = folder / f"Other-{'0' * 16}-{'1' * 16}.so", folder / ".build-cut"
    other.write_bytes(b"")
    scratch.mkdir()
    mine = folder / "mine.txt"
    mine.write_text("a person's own")
    for path in (*made, other, scratch, mine):
        found = path.stat()
        os.utime(path, (found.st_atime - old_s, found.st_mtime - old_s))
    assert remove_unused(folder, other.stat().st_mtime + 86_400) == []
    started.start(DAY)  # what it uses is kept, however old
    assert not other.exists() and not scratch.exists() and mine.exists()
    assert all(path.exists() for path in made)


def test_a_file_that_is_wrong_is_named_at_its_line(started: StartedFiles) -> None:
    started.write(SIMPLE.replace("{level}", "100.0").replace("bar.close > self", "bar.clos > self"))
    with pytest.raises(StrategyError, match=r"simple\.py:\d+:\d+: .*clos"):
        started.start(DAY)


def test_a_file_that_is_not_there_is_named(started: StartedFiles) -> None:
    started.path.unlink()
    with pytest.raises(StrategyError, match=r"simple\.py: cannot be read"):
        started.start(DAY)


def test_parameters_are_the_file_s_own(started: StartedFiles) -> None:
    assert (
        started.start(DAY, params={"level": 150})["mine"].params
        != started.start(DAY)["mine"].params
    )
    with pytest.raises(StrategyError, match="there is no parameter 'lvl'"):
        started.start(DAY, params={"lvl": 150})
    with pytest.raises(StrategyError, match="level is 1001"):
        started.start(DAY, params={"level": 1001})


def test_a_day_s_record_that_is_damaged_is_said(started: StartedFiles) -> None:
    started.start(DAY)
    (started.folder / "var" / "strategies" / "day.paper.json").write_text("{")
    started.start(DAY)
    assert "cannot be read" in started.said[0]


@pytest.mark.parametrize(
    ("strategy", "path"),
    [
        ({"file": "../simple.py"}, "file"),
        ({"file": "Simple.py"}, "file"),
        ({"bracket": {"stop": {"kind": "atr", "value": 2}}}, "bracket.stop.kind"),
        ({"sizing": {"mode": "fixed", "value": 1.5}}, "sizing.value"),
    ],
)
def test_what_no_file_can_be_is_refused(
    tmp_path: Path, strategy: dict[str, Any], path: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        config_of(tmp_path, **strategy)
    assert path in str(refused.value)


# -------------------------------------------------------------------- the same trades as a built-in kind
def _engine(config: Config, compiled: dict[str, CompiledSpec]) -> Engine:
    """One instrument with the configuration's one strategy, by bars of a minute."""
    spec = strategy_spec(config.strategies[0], config, compiled)
    engine = Engine(instruments=1, series=1, strategies=1)
    engine.add_instrument(
        token=T0,
        segment=NSE,
        symbol="INFY",
        exchange="NSE",
        product=0,
        tick_size_e4=500,
        lot_size=1,
    )
    series = engine.add_series(0, 60 * SECOND)
    plan = {**plan_of(config.strategies[0], config), "enabled": 1}
    if spec.compiled is None:
        engine.add_strategy(series, spec.kind, spec.params, plan)
    else:
        engine.add_compiled(series, spec.compiled.build, spec.compiled.params.hex(), plan)
    engine.set_session(
        0,
        open_ns=OPEN_NS,
        entry_from_ns=OPEN_NS,
        entry_until_ns=OPEN_NS + 90 * HOUR,
        square_off_ns=OPEN_NS + 91 * HOUR,
        close_ns=OPEN_NS + 92 * HOUR,
    )
    engine.set_limits()
    engine.set_budget()
    engine.set_encoder(KiteEncoder(b"127.0.0.1", b"", b"token k:t"))
    engine.start(OPEN_NS - HOUR)
    engine.on_feed(True, OPEN_NS - HOUR)
    return engine


@pytest.mark.parametrize("seed", [1, 2])
def test_the_file_of_the_ema_cross_decides_as_the_built_in_kind(tmp_path: Path, seed: int) -> None:
    print(f"seed {seed}")
    periods = {"fast_period": 3, "slow_period": 8}
    given = {
        "instrument": "NSE:INFY",
        "bracket": {
            "stop": {"kind": "pct", "value": 0.2},
            "entry": {"timeout_s": 30},
            "on_opposite": "reverse",
        },
    }
    of_file = raw(tmp_path, file="ema_crossover.py", params=periods, **given)
    of_file["paths"]["strategies"] = str(EXAMPLES)
    config = manager.from_bytes(orjson.dumps(of_file), "config.json")
    compiled = asyncio.run(StrategyFiles(config, NoticeBoard(lambda: 0)).compiled(DAY))
    built_in = raw(tmp_path, kind="ema_cross", params=periods, **given)
    del built_in["strategies"][0]["file"]
    engines = [
        _engine(config, compiled),
        _engine(manager.from_bytes(orjson.dumps(built_in), "config.json"), {}),
    ]
    rng = random.Random(seed)
    paise, n_signals = 150_000, 0
    for at in range(6_000):
        paise += rng.randint(-40, 40)
        now_ns = OPEN_NS + at * 7 * SECOND
        told = []
        for engine in engines:
            engine.on_timer(now_ns - 1)
            engine.on_frame_bytes(frame(packet(T0, paise)), now_ns)
            signals = [
                (s["side"], s["taken"], s["reason"], s["px_e4"], s["ts_ns"])
                for s in engine.take_signals()
            ]
            requests = []
            while (command := engine.take_command()) is not None:
                requests.append(command.request)
            told.append((signals, requests))
        assert told[0] == told[1]
        n_signals += len(told[0][0])
    assert n_signals > 50
