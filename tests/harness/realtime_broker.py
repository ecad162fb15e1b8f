"""A simulated broker in a thread, on the wall's time, and a child process that beats like an
engine: what a watchdog needs to be tested.

What happened is asked of the exchange itself, not of the watchdog.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

from otrade._core.types import Leg
from otrade.live.oms.cl_ord_id import ClOrdId, make
from otrade.live.runtime.run_file import RunFile
from otrade.live.watchdog.heartbeat import Heartbeat
from otrade.simulator.base.config import SimConfig
from otrade.simulator.exchange.orders import OrderState
from otrade.simulator.kite.rest.rows import order_row
from otrade.simulator.simulator import Ports, Simulator
from tests.harness.waiting import PATIENCE_S, wait_until

ROOT = Path(__file__).parents[2]
DAY = dt.date(2026, 11, 18)
RUN = 123_456
SYMBOL = "INFY"
ASK_PAUSE_S = 0.25
"""Between two questions to the broker, which counts them."""


def wait_for_broker(what: str, condition: Callable[[], object]) -> None:
    """Ask the simulated broker until it is so."""
    wait_until(what, condition, pause_s=ASK_PAUSE_S)


@dataclass
class RealtimeBroker:
    """The simulated broker and its ground truth."""

    sim: Simulator
    ports: Ports
    token: str
    loop: asyncio.AbstractEventLoop
    n_placed: int = 0

    def ask(self, method: str, path: str, **form: Any) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.ports.rest, timeout=PATIENCE_S)
        headers = {
            "Authorization": f"token paper:{self.token}",
            "X-Kite-Version": "3",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        try:
            connection.request(
                method, path, body=urlencode(form) if form else None, headers=headers
            )
            response = connection.getresponse()
            answer = json.loads(response.read())
        finally:
            connection.close()
        assert response.status == 200, answer
        return answer["data"]

    def call(self, function: Any) -> Any:
        """Run something inside the simulator's thread."""
        done: threading.Event = threading.Event()
        found: list[Any] = []

        def work() -> None:
            found.append(function())
            done.set()

        self.loop.call_soon_threadsafe(work)
        assert done.wait(PATIENCE_S)
        return found[0]

    def book(self) -> list[Any]:
        """The exchange's own, which no limit of questions keeps."""
        states: list[OrderState] = self.call(self.sim.exchange.book)
        return [order_row(state) for state in states]

    def live(self) -> list[Any]:
        return [row for row in self.book() if row["status"] in ("OPEN", "TRIGGER PENDING")]

    def net(self) -> int:
        rows = self.ask("GET", "/portfolio/positions")["net"]
        return sum(int(row["quantity"]) for row in rows if row["tradingsymbol"] == SYMBOL)

    def ltp(self) -> float:
        return float(self.ask("GET", f"/quote/ltp?i=NSE:{SYMBOL}")[f"NSE:{SYMBOL}"]["last_price"])

    def place(
        self,
        leg: Leg | None,
        side: str,
        qty: int,
        order_type: str,
        price: float,
        trigger: float = 0.0,
        bracket: int = 1,
    ) -> str:
        """An order as the engine would have placed it, or a person's, without a tag, when `leg` is
        None.
        """
        self.n_placed += 1
        form: dict[str, Any] = {
            "exchange": "NSE",
            "tradingsymbol": SYMBOL,
            "transaction_type": side,
            "quantity": qty,
            "order_type": order_type,
            "product": "MIS",
            "validity": "DAY",
            "price": price,
        }
        if trigger:
            form["trigger_price"] = trigger
        if leg is not None:
            form["tag"] = make(ClOrdId(RUN, bracket, leg, 0, self.n_placed))
        return str(self.ask("POST", "/orders/regular", **form)["order_id"])

    def status(self, order_id: str) -> str:
        return next(str(row["status"]) for row in self.book() if row["order_id"] == order_id)

    def enter(self, qty: int = 10, bracket: int = 1, side: str = "BUY") -> float:
        """Open a position of ours; returns the price around it."""
        ltp = self.ltp()
        away = 1.01 if side == "BUY" else 0.99
        order_id = self.place(Leg.ENTRY, side, qty, "LIMIT", on_tick(ltp * away), bracket=bracket)
        wait_for_broker("the entry is filled", lambda: self.status(order_id) == "COMPLETE")
        return ltp

    def stop(self, qty: int, trigger: float, bracket: int = 1, side: str = "SELL") -> str:
        away = 0.995 if side == "SELL" else 1.005
        order_id = self.place(
            Leg.STOP, side, qty, "SL", on_tick(trigger * away), on_tick(trigger), bracket=bracket
        )
        wait_for_broker("the stop rests", lambda: self.status(order_id) == "TRIGGER PENDING")
        return order_id


def on_tick(price: float) -> float:
    """A multiple of 10 paise, which is one of every tick size below."""
    return round(round(price * 10) / 10, 2)


@contextmanager
def broker(**changed: Any) -> Iterator[RealtimeBroker]:
    """A market that is open, moving with the wall."""
    ready = threading.Event()
    box: list[RealtimeBroker] = []

    async def serve() -> None:
        cfg = SimConfig(
            seed=3, dates=(DAY,), day_start="09:20", speed=1.0, symbols=(SYMBOL,), **changed
        )
        sim = Simulator(cfg, realtime=True)
        ports = await sim.start()
        token = sim.new_token(cfg.broker or "kite")
        box.append(RealtimeBroker(sim, ports, token, asyncio.get_running_loop()))
        running = asyncio.ensure_future(sim.run_day(DAY))
        ready.set()
        try:
            with suppress(asyncio.CancelledError):
                await running
        finally:
            await sim.stop()

    loop = asyncio.new_event_loop()
    task = loop.create_task(serve())

    def work() -> None:
        loop.run_until_complete(asyncio.wait([task]))
        loop.close()

    thread = threading.Thread(target=work, name="broker")
    thread.start()
    try:
        assert ready.wait(PATIENCE_S)
        yield box[0]
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join(PATIENCE_S)
        assert not thread.is_alive(), "the simulated broker does not end"


@dataclass
class EngineDirectory:
    """A directory with a live configuration that points at the simulated broker."""

    path: Path
    here: RealtimeBroker
    children: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def var(self) -> Path:
        return self.path / "var"

    @property
    def config(self) -> Path:
        return self.path / "live.json"

    def make(self) -> EngineDirectory:
        config = {
            "mode": "live",
            "instruments": [{"symbol": f"NSE:{SYMBOL}"}],
            "engine": {"doubt_look_gap_ms": 500, "order_timeout_ms": 1000},
            "broker": {"rest_url": self.here.ports.rest_url, "feed_url": self.here.ports.feed_url},
            "paths": {"var": str(self.var), "secrets": str(self.path / "secrets.json")},
        }
        self.config.write_text(json.dumps(config))
        return self

    def spawn(self, code: str, *args: str) -> subprocess.Popen[str]:
        keys = {"OTRADE_KITE_API_KEY": "paper", "OTRADE_KITE_ACCESS_TOKEN": self.here.token}
        env = os.environ | keys | {"XDG_STATE_HOME": str(self.path / "state")}
        child = subprocess.Popen(
            [sys.executable, "-c", code, *args],
            env=env,
            cwd=ROOT,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.children.append(child)
        return child

    def engine(self, *brackets: dict[str, Any]) -> subprocess.Popen[str]:
        """A process that owns the directory and beats, with these brackets open. It ends cleanly on
        SIGTERM.
        """
        code = "import sys; from tests.harness.realtime_broker import beat; beat(sys.argv[1], sys.argv[2])"
        child = self.spawn(code, str(self.var), json.dumps(brackets))
        assert child.stdout is not None and child.stdout.readline() == "beating\n"
        return child

    def watchdog(
        self, *, once: bool, flatten: bool = False, force: bool = False
    ) -> subprocess.Popen[str]:
        code = (
            "import sys; from pathlib import Path; from otrade.cli.engine.watchdog import watch; "
            f"sys.exit(watch(Path(sys.argv[1]), once={once}, flatten={flatten}, force={force}, stale_s=2.0))"
        )
        return self.spawn(code, str(self.config))

    def once(self, **wanted: bool) -> tuple[int, str]:
        """(exit code, what it said) of one look."""
        child = self.watchdog(once=True, **wanted)
        out, err = child.communicate(timeout=2 * PATIENCE_S)
        return child.returncode, out + err

    def close(self) -> None:
        for child in self.children:
            if child.poll() is None:
                child.kill()
            child.communicate()


@contextmanager
def home(path: Path, **changed: Any) -> Iterator[EngineDirectory]:
    with broker(**changed) as here:
        found = EngineDirectory(path, here).make()
        try:
            yield found
        finally:
            found.close()


def bracket(trigger: float, *, qty: int = 10, number: int = 1, side: int = 1) -> dict[str, Any]:
    """What the engine would know of an open bracket."""
    limit = on_tick(trigger * (0.995 if side > 0 else 1.005))
    return {
        "open_qty": qty,
        "side": side,
        "instrument_id": 0,
        "stop_e4": round(on_tick(trigger) * 10_000),
        "stop_limit_e4": round(limit * 10_000),
        "tag_run": RUN,
        "tag_bracket": number,
    }


def fake_day(brackets: list[dict[str, Any]]) -> Any:
    """As much of a day as the heartbeat reads."""
    engine = SimpleNamespace(
        live_brackets=lambda: range(len(brackets)),
        bracket=brackets.__getitem__,
        instrument=lambda _: {"tick_size_e4": 1_000},
    )
    instrument = SimpleNamespace(
        exchange="NSE", symbol=SYMBOL, token=408_065, product="MIS", freeze_qty=1_800
    )
    return SimpleNamespace(
        engine=engine, plan=SimpleNamespace(day=str(DAY), instruments=[instrument])
    )


def beat(var: str, brackets: str) -> None:
    """The child's main: beat until SIGTERM."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    day = fake_day(json.loads(brackets))
    heartbeat = Heartbeat(Path(var))
    with RunFile(Path(var)), closing(heartbeat):
        heartbeat.open()
        heartbeat.on_beat(day, time.time_ns())
        print("beating", flush=True)
        while not stop.wait(0.1):
            heartbeat.on_beat(day, time.time_ns())
        heartbeat.end()
