"""A scripted client trades over real sockets: the same seed gives the same trades, at any speed, on
any loop.
"""

import asyncio
import datetime as dt
import math
import socket
import struct
from collections.abc import Callable, Coroutine
from typing import Any, Literal

import pytest
import uvloop

from otrade.simulator.base.config import NS_PER_S, SimConfig
from otrade.simulator.base.hours import ist_ns
from otrade.simulator.simulator import Simulator
from tests.simulator.kite.kite_client import KiteFeedConnection, KiteHttpClient, open_feed

DATE = dt.date(2026, 11, 18)
Row = tuple[str, int, str, int, float]


class Crosser(KiteFeedConnection):
    """Trades a crossing of two averages of the last price, with a market order and a stop, on two
    connections.
    """

    def __init__(self, sim: Simulator, http: list[KiteHttpClient], token: int) -> None:
        super().__init__()
        self._sim = sim
        self._http = http
        self._prices: list[int] = []
        self._above: bool | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._side = 0
        self._symbol = sim.exchange.market.universe.by_token[token].tradingsymbol

    def on_binary(self, payload: bytes) -> None:
        super().on_binary(payload)
        if len(payload) < 4:
            return
        (price,) = struct.unpack_from(">I", payload, 8)
        self._prices.append(price)
        if len(self._prices) < 120:
            return
        above = sum(self._prices[-20:]) * 6 > sum(self._prices[-120:])
        if self._above is not None and above != self._above:
            side = 1 if above else -1
            lots = 20 if self._side else 10
            self._side = side
            self._order(
                0,
                side,
                {"order_type": "MARKET", "quantity": 65 * lots, "market_protection": "0.05"},
            )
            trigger = round(price / 100 - side * 30)
            stop = {
                "order_type": "SL",
                "quantity": 65,
                "trigger_price": trigger,
                "price": trigger - side * 20,
            }
            self._order(1, -side, stop)
        self._above = above

    def _order(self, connection: int, side: int, terms: dict[str, Any]) -> None:
        form = {
            "exchange": "NFO",
            "tradingsymbol": self._symbol,
            "product": "MIS",
            "validity": "DAY",
            "transaction_type": "BUY" if side > 0 else "SELL",
            **terms,
        }
        task = asyncio.ensure_future(self._http[connection].ask("POST", "/orders/regular", form))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def trade(
    seed: int, minutes: int, speed: float = math.inf, broker: Literal["kite", "both"] = "kite"
) -> tuple[list[Row], list[str]]:
    cfg = SimConfig(seed=seed, dates=(DATE,), funds_rupees=1e9, speed=speed, broker=broker)
    sim = Simulator(cfg)
    ports = await sim.start()
    access = sim.issue_access_token()
    token = sim.exchange.market.universe.resolve("NFO:NIFTY.FUT").token
    http = [KiteHttpClient(ports.rest, access), KiteHttpClient(ports.rest, access)]
    feed = Crosser(sim, http, token)
    await open_feed(sim, ports, access, feed)
    feed.say({"a": "mode", "v": ["full", [token]]})
    sim.clock.advance(ist_ns(DATE, "09:14:58"))
    await sim.run_until(ist_ns(DATE, "09:15:00") + minutes * 60 * NS_PER_S)
    rows = [
        (
            trade.order.order_id,
            trade.ts_ns,
            trade.order.transaction_type,
            trade.qty,
            trade.price_e4 / 10_000,
        )
        for trade in sim.exchange.trades()
    ]
    pushed = [f"{m['data']['order_id']} {m['data']['status']}" for m in feed.texts]
    for connection in http:
        connection.close()
    await sim.stop()
    return rows, pushed


def run(work: Callable[[], Coroutine[Any, Any, Any]], factory: Any = None) -> Any:
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(work())


def test_same_seed_same_trades() -> None:
    first = run(lambda: trade(11, 90))
    assert len(first[0]) > 20
    assert any("COMPLETE" in push for push in first[1])
    assert run(lambda: trade(11, 90)) == first
    assert run(lambda: trade(11, 90), uvloop.new_event_loop) == first
    assert run(lambda: trade(11, 90), Simulator.new_event_loop) == first
    assert run(lambda: trade(12, 90)) != first


def test_same_trades_at_any_speed() -> None:
    assert run(lambda: trade(11, 15, 6000.0)) == run(lambda: trade(11, 15))


def test_another_brokers_servers_changes_nothing() -> None:
    assert run(lambda: trade(11, 30, broker="both")) == run(lambda: trade(11, 30))


@pytest.mark.parametrize("mode", ["ltp", "quote", "full"])
def test_whole_day_reaches_the_client(mode: str) -> None:
    async def work() -> KiteFeedConnection:
        sim = Simulator(SimConfig(dates=(DATE,)))
        ports = await sim.start()
        feed = await open_feed(sim, ports, sim.issue_access_token(), KiteFeedConnection())
        feed.say({"a": "mode", "v": [mode, [408065]]})
        await sim.run_day()
        await sim.stop()
        return feed

    feed = run(work, uvloop.new_event_loop)
    ticks = [payload for payload in feed.binary if len(payload) > 1]
    # INFY trades continuously for six hours; one snapshot when it was subscribed.
    assert len(ticks) == 6 * 3600 + 1
    assert {len(payload) for payload in ticks} == {4 + {"ltp": 8, "quote": 44, "full": 184}[mode]}
    # With heartbeats no gap is longer than two beats.
    gaps = [b - a for a, b in zip(feed.times_ns, feed.times_ns[1:], strict=False)]
    assert max(gaps) <= 2 * NS_PER_S
    assert feed.times_ns == sorted(feed.times_ns)


def test_another_instrument_changes_no_ones_latency() -> None:
    """Frames of one instrument come at the same nanoseconds, whatever else is subscribed."""

    async def times(*more: str) -> list[int]:
        sim = Simulator(SimConfig(seed=3, dates=(DATE,)))
        ports = await sim.start()
        feed = await open_feed(sim, ports, sim.issue_access_token(), KiteFeedConnection())
        resolve = sim.exchange.market.universe.resolve
        feed.say({"a": "mode", "v": ["full", [408065, *(resolve(key).token for key in more)]]})
        await sim.run_until(ist_ns(DATE, "09:15:00"))
        n_before = len(feed.times_ns)
        await sim.run_until(ist_ns(DATE, "09:17:00"))
        await sim.stop()
        return feed.times_ns[n_before:]

    alone = run(lambda: times())
    assert len(alone) >= 119
    assert run(lambda: times("NSE:SBIN", "NFO:NIFTY.FUT")) == alone


def test_client_timers_share_the_clock() -> None:
    seen: list[int] = []

    async def work() -> None:
        sim = Simulator(SimConfig(dates=(DATE,)))
        start_ns = sim.clock.now_ns()
        sim.clock.call_at(
            start_ns + 2 * NS_PER_S, lambda: seen.append(sim.clock.now_ns() - start_ns)
        )
        sim.clock.call_at(start_ns + NS_PER_S, lambda: seen.append(sim.clock.now_ns() - start_ns))
        sim.clock.call_at(start_ns + NS_PER_S, lambda: seen.append(-1))
        sim.clock.call_at(start_ns + 3 * NS_PER_S, lambda: seen.append(-2)).cancel()
        await sim.run_until(start_ns + 10 * NS_PER_S)
        assert sim.clock.now_ns() == start_ns + 10 * NS_PER_S

    run(work)
    assert seen == [NS_PER_S, -1, 2 * NS_PER_S]


def test_client_that_never_answers_a_ping_is_given_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("otrade.simulator.net.driver.PATIENCE_S", 0.05)

    async def work() -> int:
        sim = Simulator(SimConfig(dates=(DATE,)))
        ports = await sim.start()
        access = sim.issue_access_token()
        reader, writer = await asyncio.open_connection("127.0.0.1", ports.feed)
        writer.write(
            f"GET /?api_key=paper&access_token={access} HTTP/1.1\r\n"
            "Host: x\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
        )
        await reader.readuntil(b"\r\n\r\n")
        await sim.run_until(sim.clock.now_ns() + 3 * NS_PER_S)
        writer.close()
        await sim.stop()
        return sim.clock.now_ns()

    assert run(work) >= ist_ns(DATE, "09:00:03")


def test_next_day_keeps_the_feed_and_forgets_the_orders() -> None:
    async def work() -> None:
        days = (DATE, dt.date(2026, 11, 19))
        sim = Simulator(SimConfig(dates=days, day_end="09:20"))
        ports = await sim.start()
        access = sim.issue_access_token()
        feed = await open_feed(sim, ports, access, KiteFeedConnection())
        feed.say({"a": "mode", "v": ["ltp", [408065]]})
        await sim.run_until(ist_ns(DATE, "09:16"))
        sim.exchange.place_manual("NSE:INFY", 1, 10, product="CNC")
        await sim.run_day(days[0])
        assert sim.exchange.net_qty() == {"NSE:INFY": 10}
        before = len(feed.binary)
        await sim.run_day(days[1])
        assert sim.exchange.orders() == []
        assert sim.exchange.net_qty() == {"NSE:INFY": 10}
        position = sim.exchange.ledger.positions()[0]
        assert (position.overnight_qty, position.buy_qty) == (10, 0)
        assert len([p for p in feed.binary[before:] if len(p) > 1]) == 301
        assert not sim.sessions.is_valid("paper", access)
        with pytest.raises(ValueError, match="backwards"):
            sim.open_day(DATE)
        await sim.stop()

    run(work)


@pytest.mark.parametrize("window", [4_096, 1 << 20])
def test_time_waits_for_an_answer_that_the_clients_window_does_not_hold(window: int) -> None:
    """The kernel hands a large answer over in pieces, and late: a client that reads the rest has
    not been idle.
    """

    async def work() -> tuple[int, int]:
        sim = Simulator(SimConfig(seed=3, dates=(DATE,), tick_interval_ms=100))
        ports = await sim.start()
        sim.open_day(DATE)
        read, whole_ns = bytearray(), 0
        try:
            token = await sim.during(sim_login(sim))
            sock = socket.socket()
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
            sock.setblocking(False)
            await asyncio.get_running_loop().sock_connect(
                sock, ("127.0.0.1", int(ports.rest_url.rpartition(":")[2]))
            )
            await sim.run_until(ist_ns(DATE, "09:20"))
            for _ in range(150):
                sim.exchange.place_manual("NSE:INFY", 1, 1)
            at_ns = ist_ns(DATE, "09:21")
            await sim.run_until(at_ns)
            request = f"GET /orders HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\n\r\n"
            await asyncio.get_running_loop().sock_sendall(sock, request.encode())

            async def take() -> None:
                nonlocal whole_ns
                while b"\r\n\r\n" not in read or len(read) < _length(bytes(read)):
                    read.extend(await asyncio.get_running_loop().sock_recv(sock, 1 << 16))
                whole_ns = sim.clock.now_ns()

            taking = asyncio.ensure_future(take())
            await sim.run_until(at_ns + 5 * NS_PER_S)
            await taking
            sock.close()
            return whole_ns - at_ns, len(read)
        finally:
            await sim.stop()

    taken_ns, size = uvloop.run(work())
    assert size > 100_000 and taken_ns < NS_PER_S, (
        f"{size} bytes took {taken_ns / NS_PER_S:.2f} simulated seconds"
    )


def _length(answer: bytes) -> int:
    """Bytes of the whole answer, by its own words."""
    head, _, _ = answer.partition(b"\r\n\r\n")
    (length,) = [
        int(line.split(b":")[1])
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"content-length")
    ]
    return len(head) + 4 + length


async def sim_login(sim: Simulator) -> str:
    return f"token {sim.cfg.api_key}:{sim.new_token('kite')}"


@pytest.mark.parametrize("factory", [uvloop.new_event_loop, Simulator.new_event_loop])
def test_a_slow_start_does_not_find_itself_in_the_afternoon(factory: Any) -> None:
    """A client that is on wall time for a while, with nothing before it but the exchange's
    square-off; its own timers come as soon as it waits for them.
    """

    async def work() -> None:
        sim = Simulator(SimConfig(seed=3, dates=(DATE,), tick_interval_ms=100))
        await sim.start()
        sim.open_day(DATE)
        try:
            begun_ns, loop = sim.clock.now_ns(), asyncio.get_running_loop()

            async def slow_on_the_wall() -> None:
                done = asyncio.Event()
                loop.call_later(0.3, done.set)
                await done.wait()

            await sim.during(slow_on_the_wall())
            assert sim.clock.now_ns() == begun_ns

            async def with_a_timer_of_its_own() -> None:
                done = asyncio.Event()
                sim.clock.call_at(begun_ns + 600 * NS_PER_S, done.set)
                await done.wait()

            await sim.during(with_a_timer_of_its_own())
            assert sim.clock.now_ns() == begun_ns + 600 * NS_PER_S
        finally:
            await sim.stop()

    run(work, factory)
