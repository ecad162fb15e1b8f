"""The session against the simulated broker, over real sockets and in virtual time: log in, listen,
place, modify, cancel, and the ways in which a broker fails.
"""

import datetime as dt
import random
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from otrade._core.codecs.interface import CallbackSink
from otrade._core.codecs.kite import KiteEncoder, decode_frame, encode_command
from otrade._core.types import Cmd, Ev, Lane, OrdType, Product, Reason, Side, Source
from otrade.brokers import token_store as session_file
from otrade.brokers.kite import login
from otrade.brokers.kite.rest import KiteRest
from otrade.brokers.kite.session import KiteSession
from otrade.brokers.session import Answer, Callbacks, OrderReport
from otrade.brokers.transport.endpoint import parse
from otrade.errors import TokenError
from tests.brokers.kite.test_session import QueuedRequest
from tests.harness.scripted_server import run

simulator = pytest.importorskip("otrade.simulator.simulator", reason="the simulated broker")
sim_config = pytest.importorskip("otrade.simulator.base.config", reason="the simulated broker")

SEED = 3
DAY = dt.date(2026, 11, 23)
NS_PER_S = 1_000_000_000
IST = dt.timezone(dt.timedelta(hours=5, minutes=30))
OPEN_NS = int(dt.datetime(2026, 11, 23, 9, 15, tzinfo=IST).timestamp()) * NS_PER_S


class SimulatedSession:
    """A simulator, a session on it, and everything that the session said."""

    def __init__(self) -> None:
        self.sim = simulator.Simulator(sim_config.SimConfig(seed=SEED, dates=(DAY,)))
        self.contract = self.sim.exchange.market.universe.resolve("NSE:INFY")
        self.ticks: list[dict[str, Any]] = []
        self.reports: list[OrderReport] = []
        self.answers: dict[int, Answer] = {}
        self.sent: list[int] = []
        self.events: list[Any] = []
        self.on_tick: Callable[[dict[str, Any]], int] = lambda tick: 0
        self.on_commands: Callable[[], None] = lambda: None
        self.seq = 0

    async def open(self) -> None:
        ports = await self.sim.start()
        cfg = self.sim.cfg
        rest = KiteRest(parse(ports.rest_url, ("http",)), cfg.api_key, clock=self.sim.clock)
        session = await self.sim.during(
            login.auto_login(
                rest,
                cfg.api_key,
                cfg.api_secret,
                login_root=ports.rest_url,
                clock=self.sim.clock,
            )
        )
        rest.close()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "session.json"
            session_file.save_session(path, session)
            assert session_file.load_session(path, cfg.api_key, self.sim.clock.now_ns()) == session
        token = f"token {cfg.api_key}:{session.access_token}".encode()
        self.encoder = KiteEncoder(parse(ports.rest_url, ("http",)).authority.encode(), b"", token)
        self.broker = KiteSession(
            api_key=cfg.api_key,
            access_token=session.access_token,
            encoder=self.encoder,
            sink=CallbackSink(self._on_frame),
            clock=self.sim.clock,
            rng=random.Random(SEED),
            rest_root=ports.rest_url,
            feed_root=ports.feed_url,
            feed_now_ns=self.sim.clock.now_ns,
            callbacks=Callbacks(
                on_report=self.reports.append,
                on_answer=self.answers.__setitem__,
                on_sent=lambda seq, ts_ns: self.sent.append(seq),
                on_feed=lambda alive, why: self.events.append(("feed", alive)),
                on_push=lambda alive, why: None,
                on_token_dead=lambda: self.events.append("dead"),
                on_commands=lambda: self.on_commands(),
                on_message=lambda kind, text: self.events.append((kind, text)),
            ),
        )
        self.sim.set_idle_probe(lambda: not self.broker.is_connecting)
        self.broker.subscribe([(self.contract.token, "full")])
        await self.sim.during(self.broker.connect())

    def _on_frame(self, frame: bytes, ts_recv_ns: int) -> int:
        waiting = 0
        for tick in decode_frame(frame):
            if "token" in tick:
                self.ticks.append(tick)
                waiting += self.on_tick(tick)
        return waiting

    def send(self, lane: Lane = Lane.ENTRY, **fields: Any) -> int:
        """Encode and send one command; its sequence number."""
        self.seq += 1
        symbol = self.contract.tradingsymbol
        base = {"product": Product.MIS, "symbol": symbol, "exchange": self.contract.exchange}
        request = encode_command(self.encoder, **(base | fields))
        self.broker.send(QueuedRequest(self.seq, lane, request))
        return self.seq

    async def after(self, seconds: float) -> None:
        await self.sim.run_until(self.sim.clock.now_ns() + round(seconds * NS_PER_S))

    async def close(self) -> None:
        await self.broker.close()
        await self.sim.stop()


OWN = "OT0000010001E000000"
"""A market order's tag stands behind the broker's own words, and is told by its form."""


def day(play: Callable[[SimulatedSession], Awaitable[None]]) -> None:
    async def main() -> None:
        world = SimulatedSession()
        await world.open()
        try:
            await world.sim.run_until(OPEN_NS + 60 * NS_PER_S)
            await play(world)
        finally:
            await world.close()

    run(main())


def test_ticks_arrive_and_make_sense() -> None:
    async def play(world: SimulatedSession) -> None:
        assert ("feed", True) in world.events
        ticks = [tick for tick in world.ticks if tick["reason"] == Reason.OK]
        assert len(ticks) > 20
        # What comes between the subscription and its mode is the broker's own choice.
        for tick in ticks[5:]:
            assert tick["token"] == world.contract.token and tick["kind"] == 184
            assert tick["bid_px_e4"][0] < tick["ask_px_e4"][0]
            assert tick["ltp_e4"] % world.contract.tick_e4 == 0
            assert tick["ts_exch_ns"] <= world.sim.clock.now_ns()

    day(play)


def test_place_modify_cancel_and_fill() -> None:
    async def play(world: SimulatedSession) -> None:
        tick = world.ticks[-1]
        far_e4 = tick["bid_px_e4"][0] - 20 * world.contract.tick_e4
        order: dict[str, Any] = {"kind": Cmd.NEW, "side": Side.BUY, "qty": 10}
        order["ord_type"] = OrdType.LIMIT
        placed = world.send(**order, price_e4=far_e4, cl_ord_id="KT0001")
        assert world.sent == [placed]
        await world.after(1)
        answer = world.answers[placed]
        assert answer.outcome == Ev.ACK
        assert [(r.cl_ord_id, r.ev, r.order_qty, r.price_e4) for r in world.reports][-1] == (
            "KT0001",
            Ev.WORKING,
            10,
            far_e4,
        )
        number = answer.broker_order_id
        changed = world.send(
            kind=Cmd.REPLACE,
            ord_type=OrdType.LIMIT,
            qty=12,
            price_e4=far_e4 - world.contract.tick_e4,
            broker_order_id=number,
        )
        await world.after(1)
        assert world.answers[changed].outcome == Ev.ACK
        (row,) = await world.sim.during(world.broker.order_book())
        assert (row.source, row.ev, row.order_qty) == (Source.BOOK, Ev.WORKING, 12)
        assert row.price_e4 == far_e4 - world.contract.tick_e4 and row.cl_ord_id == "KT0001"
        cancelled = world.send(kind=Cmd.CANCEL, broker_order_id=number)
        await world.after(1)
        assert world.answers[cancelled].outcome == Ev.ACK
        assert world.reports[-1].ev == Ev.CANCELED
        again = world.send(kind=Cmd.CANCEL, broker_order_id=number)
        await world.after(1)
        assert world.answers[again].outcome == Ev.REFUSED

        bought = world.send(
            Lane.EXIT,
            kind=Cmd.NEW,
            side=Side.BUY,
            ord_type=OrdType.MARKET,
            qty=5,
            cl_ord_id=OWN,
        )
        await world.after(2)
        assert world.answers[bought].outcome == Ev.ACK
        filled = [r for r in world.reports if r.cl_ord_id == OWN][-1]
        assert (filled.ev, filled.cum_qty) == (Ev.FILL_FULL, 5)
        assert filled.cum_value_e4 % 5 == 0 or filled.cum_value_e4 > 0
        (position,) = [p for p in await world.sim.during(world.broker.positions()) if p.net_qty]
        assert (position.net_qty, position.buy_value_e4) == (5, filled.cum_value_e4)
        assert (await world.sim.during(world.broker.funds()))[0].net_e4 > 0

    day(play)


def test_a_reaction_to_a_tick_leaves_before_time_moves() -> None:
    async def play(world: SimulatedSession) -> None:
        wanted: list[tuple[int, int]] = []

        def on_tick(tick: dict[str, Any]) -> int:
            wanted.append((world.sim.clock.now_ns(), tick["bid_px_e4"][0]))
            world.on_tick = lambda tick: 0
            return 1

        def on_commands() -> None:
            price_e4 = wanted[0][1] - 50 * world.contract.tick_e4
            fields = {"side": Side.BUY, "ord_type": OrdType.LIMIT, "qty": 1, "price_e4": price_e4}
            world.send(kind=Cmd.NEW, cl_ord_id="KT0003", **fields)
            assert world.sent and world.sim.clock.now_ns() == wanted[0][0]

        world.on_tick, world.on_commands = on_tick, on_commands
        await world.after(5)
        assert world.answers[1].outcome == Ev.ACK
        assert world.broker.latency.order.n == 1

    day(play)


def test_refusals_and_a_dead_token() -> None:
    async def play(world: SimulatedSession) -> None:
        order: dict[str, Any] = {
            "kind": Cmd.NEW,
            "side": Side.BUY,
            "ord_type": OrdType.LIMIT,
            "cl_ord_id": "KT0004",
        }
        price_e4 = world.ticks[-1]["bid_px_e4"][0]
        world.send(**order, qty=1, price_e4=price_e4, symbol="NOSUCH")
        world.send(**order, qty=10**8, price_e4=price_e4)
        await world.after(1)
        assert world.answers[1].outcome == Ev.REFUSED and world.answers[1].text
        world.sim.expire_tokens()
        world.send(**order, qty=1, price_e4=price_e4)
        await world.after(1)
        assert world.answers[3].outcome == Ev.REFUSED
        assert world.answers[3].reason == Reason.BROKER_TOKEN and "dead" in world.events
        with pytest.raises(TokenError):
            await world.sim.during(world.broker.order_book())
        world.broker.set_access_token(world.sim.issue_access_token())
        await world.after(5)
        world.send(**order, qty=1, price_e4=price_e4)
        await world.after(1)
        assert world.answers[4].outcome == Ev.ACK and world.broker.is_feed_up

    day(play)


def test_a_silent_and_a_cut_feed_come_back() -> None:
    async def play(world: SimulatedSession) -> None:
        world.sim.stop_feed()
        await world.after(10)
        assert ("feed", False) in world.events
        world.sim.start_feed()
        await world.after(90)
        assert world.broker.is_feed_up
        n = len(world.ticks)
        world.sim.disconnect_feed()
        await world.after(90)
        assert world.broker.is_feed_up and len(world.ticks) > n

    day(play)


def test_two_runs_of_the_same_day_are_the_same() -> None:
    seen: list[list[Any]] = []

    async def play(world: SimulatedSession) -> None:
        world.send(kind=Cmd.NEW, side=Side.BUY, ord_type=OrdType.MARKET, qty=50, cl_ord_id="KT0005")
        await world.after(30)
        seen.append([(r.ev, r.cum_value_e4, r.ts_recv_ns) for r in world.reports])
        seen.append([(t["ltp_e4"], t["volume"]) for t in world.ticks])

    day(play)
    day(play)
    assert seen[0] == seen[2] and seen[1] == seen[3] and seen[0]
