"""`otrade run` on paper in a process of its own, which kills itself in the middle of the day:

    python -m tests.harness.paper_process CONFIG FACTS WHEN [OPTIONS]

WHEN is `HH:MM:SS` of engine time, or that and `+open`: then the first moment after it with an open
position. FACTS gets, as JSON, what the exchange had just before. OPTIONS: those of RunOptions, JSON.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from otrade.config import RunOptions
from otrade.live import app
from otrade.live.day.trading_day import TradingDay
from otrade.live.runner import Runner
from otrade.simulator.simulator import Simulator
from otrade.units import ist_hms


def facts_of(sim: Simulator) -> dict[str, Any]:
    exchange = sim.exchange
    funds = exchange.funds()
    return {
        "net": exchange.net_qty(),
        "orders": {o.order_id: [o.status, o.filled_qty] for o in exchange.orders()},
        "n_trades": len(exchange.trades()),
        "funds": [funds.net_e4, funds.blocked_e4, funds.realised_e4],
    }


def die_when(facts: Path, when: str, day_name: str) -> None:
    at, _, wants_open = when.partition("+")
    sims: list[Simulator] = []
    make, begin = Simulator.__init__, Runner.begin

    def made(sim: Simulator, *args: Any, **options: Any) -> None:
        make(sim, *args, **options)
        sims.append(sim)

    def beat(day: TradingDay, now_ns: int) -> None:
        if day_name not in ("", day.plan.day) or ist_hms(now_ns) < at:
            return
        if wants_open and not any(day.plan.net_of().values()):
            return
        found = facts_of(sims[-1]) | {"now_ns": now_ns}
        facts.write_text(json.dumps(found))
        os.kill(os.getpid(), signal.SIGKILL)

    def begun(runner: Runner, day: TradingDay) -> None:
        begin(runner, day)
        day.listen_to_beats(lambda now_ns: beat(day, now_ns))

    Simulator.__init__ = made  # type: ignore[method-assign]
    Runner.begin = begun  # type: ignore[method-assign]


def run_and_die(
    config: Path, when: str, *, on: str = "", prices: dict[str, Path] | None = None, **options: Any
) -> dict[str, Any]:
    """The facts of a run that has killed itself."""
    facts = config.with_name("facts.json")
    facts.unlink(missing_ok=True)
    told = options | {"prices": {k: str(v) for k, v in prices.items()}} if prices else options
    command = [sys.executable, "-m", "tests.harness.paper_process", config, facts, when, on]
    done = subprocess.run(
        [*command, json.dumps(told)],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()[-3000:]
    found: dict[str, Any] = json.loads(facts.read_text())
    return found


if __name__ == "__main__":
    config, facts, when, day_name, options = sys.argv[1:]
    die_when(Path(facts), when, day_name)
    given = {"speed": float("inf"), "page": False} | json.loads(options)
    if "prices" in given:
        given["prices"] = {key: Path(path) for key, path in given["prices"].items()}
    sys.exit(app.run(RunOptions(config=Path(config), **given)))
