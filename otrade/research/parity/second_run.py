"""A tape's day once more in the compiled loop: the engine that the journal says, its frames at their times, and
orders that decide, leave, match and are answered by themselves.

The exchange's prices are one of two. Of a paper day those of the simulation, by its draws, and then its delays are too. Else the packets
that the journal has, with their order books; an order is as long on its way as half of this day's median round trip.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np

from otrade._core.codecs.decoders import decode_frame
from otrade._core.engine.engine import Engine
from otrade._core.kernels.layout import dtype
from otrade._core.types import Rec
from otrade.brokers.registry import BROKERS
from otrade.errors import BacktestError
from otrade.journal.packet_owner import owner_of
from otrade.journal.replay import encoder_of
from otrade.research.backtest.day_loop import DayLoop
from otrade.research.backtest.exchange import Exchange
from otrade.research.backtest.journal_latency import round_trips_ns
from otrade.research.backtest.models import QUEUES
from otrade.research.parity.day_tape import JournalTape
from otrade.simulator.base import hours
from otrade.simulator.base.config import SimConfig
from otrade.simulator.base.universe import ListedContract
from otrade.simulator.draws import number_of_day
from otrade.simulator.prices.price_source import PriceSource
from otrade.units import NS_PER_MS, NS_PER_S

BOOK_PATH = 0
LPP_FUTURE, LPP_OPTION = 1, 2
AFTER_NS = 5 * NS_PER_S
CALL = int(Rec.CALL)
TICK_TYPE = dtype("tick_t")
Numbers = np.ndarray[Any, np.dtype[np.int64]]
Packets = np.ndarray[Any, Any]


class SecondRun(msgspec.Struct):
    """The engine and the exchange at the day's end. `way_ns`: of an order, there; 0: as the simulation draws it."""

    engine: Engine
    exchange: Exchange
    way_ns: int


def run_simulated(tape: JournalTape, sim: SimConfig, broker: str) -> SecondRun:
    """At the prices and with the delays of the simulation that the day was run in."""
    prices = PriceSource(sim)
    contracts = prices.universe(tape.date).by_token
    exchange = Exchange(len(tape.listed))
    by_key = {contract.key: contract for contract in contracts.values()}
    for said in tape.listed:
        contract = contracts.get(int(said["token"])) or by_key.get(
            f"{said['exchange']}:{said['symbol']}"
        )
        if contract is None:
            raise BacktestError(
                f"{said['exchange']}:{said['symbol']} is not listed in this simulation: name the configuration that the day was run with"
            )
        add_contract(exchange, contract, prices, tape.date)
    way = sim.latency.exchange
    day = number_of_day(tape.date)
    exchange.open_day(sim.seed, day, *_span_ns(way.low_ms, way.high_ms))
    exchange.set_models(queue=QUEUES["drawn"], slip_ticks=0, slip_bps_e2=0, share_e2=0)
    legs = {name: getattr(sim.latency, name) for name in ("request", "order_ack", "push", "tick")}
    spans = {name: _span_ns(span.low_ms, span.high_ms) for name, span in legs.items()}

    def prepare(loop: DayLoop) -> None:
        for i in range(len(tape.listed)):
            loop.set_path(i)
        loop.set_paper(
            broker, spans, sim.seed, day, sim.book_percent, BROKERS[broker].updates_with_prices
        )

    return SecondRun(_run(tape, exchange, prepare), exchange, 0)


def run_recorded(tape: JournalTape) -> SecondRun:
    """At the packets that the journal has."""
    engine = _engine_of(tape)
    exchange = Exchange(len(tape.listed))
    for i in range(len(tape.listed)):
        row = engine.instrument(i)
        is_contract = row["exchange"] not in ("NSE", "BSE")
        exchange.add_instrument(
            key=f"{row['exchange']}:{row['symbol']}",
            token=row["token"],
            tick_e4=row["tick_size_e4"],
            lot=max(row["lot_size"], 1),
            freeze_qty=row["freeze_qty"],
            open_ns=row["open_ns"],
            close_ns=row["close_ns"],
            low_band_e4=row["band_lo_e4"],
            high_band_e4=row["band_hi_e4"],
            is_derivative=is_contract,
        )
    exchange.open_day(1, number_of_day(tape.date), 0, 0)
    exchange.set_models(queue=QUEUES["ahead"], slip_ticks=0, slip_bps_e2=0, share_e2=0)
    way_ns = _median_way_ns(tape)

    def prepare(loop: DayLoop) -> None:
        for i, (ts_ns, ticks) in enumerate(_packets(tape)):
            loop.set_ticks(i, ts_ns, ticks.view(np.uint8).reshape(-1), in_frames=True)
        loop.set_latency(way_ns, way_ns, np.empty(0, np.int64), 1, number_of_day(tape.date))

    return SecondRun(_run(tape, exchange, prepare, engine), exchange, way_ns)


def _median_way_ns(tape: JournalTape) -> int:
    try:
        trips = sorted(round_trips_ns([tape.path]))
    except BacktestError:
        return 0
    return trips[len(trips) // 2] // 2


def _engine_of(tape: JournalTape) -> Engine:
    """Wired up as the journal says, at the moment before its first beat."""
    engine = Engine(**tape.hello["sizes"])
    engine.set_encoder(encoder_of(tape.hello["encoder"]))
    for kind, ts_ns, payload in tape.before:
        engine.on_record(kind, ts_ns, payload)
    engine.discard_commands()
    return engine


def _run(
    tape: JournalTape,
    exchange: Exchange,
    prepare: Callable[[DayLoop], None],
    engine: Engine | None = None,
) -> Engine:
    engine = engine if engine is not None else _engine_of(tape)
    loop = DayLoop(engine, exchange)
    prepare(loop)
    frames = [np.array(row, np.int64) for row in (tape.ts_ns, tape.kinds, tape.at)]
    loop.set_frames(frames[0], frames[1], frames[2], np.frombuffer(bytes(tape.data), np.uint8))
    loop.begin(tape.first_beat_ns)
    runs = list(tape.runs)
    for ts_ns, payload in tape.calls:
        _go_on(engine, loop, runs, ts_ns)
        loop.run_before(ts_ns)
        engine.on_record(CALL, ts_ns, payload)
        loop.send()
    _go_on(engine, loop, runs, tape.last_ns)
    closes = [engine.instrument(i)["close_ns"] for i in range(engine.n_instruments)]
    loop.run(max(closes) + AFTER_NS)
    return engine


def _go_on(engine: Engine, loop: DayLoop, runs: list[tuple[int, int]], until_ns: int) -> None:
    """Runs of the journal that went on by then: the simulation draws by an order's id, which has its run in it."""
    while runs and runs[0][0] <= until_ns:
        ts_ns, run_id = runs.pop(0)
        loop.run_before(ts_ns)
        engine.set_run(run_id)


def _packets(tape: JournalTape) -> list[tuple[Numbers, Packets]]:
    """Of each instrument: when each packet was received, and the packets as `tick_t`. What a second feed told is among them:
    the exchange counts a trade by the day's volume, so that none counts twice.
    """
    by_token = {(int(said["token"]), int(said["segment"])): i for i, said in enumerate(tape.listed)}
    times: list[list[int]] = [[] for _ in tape.listed]
    rows: list[list[dict[str, object]]] = [[] for _ in tape.listed]
    for n, ts_ns in enumerate(tape.ts_ns):
        for tick in decode_frame(tape.kinds[n], tape.data[tape.at[n] : tape.at[n + 1]]):
            if tick["reason"]:
                continue
            at = owner_of(tick, tape.keys, by_token)
            if at is not None:
                times[at].append(ts_ns)
                rows[at].append(tick)
    found = []
    for said, ticks in zip(times, rows, strict=True):
        packets = np.zeros(len(ticks), TICK_TYPE)
        for name in TICK_TYPE.names or ():
            if ticks and name in ticks[0]:
                packets[name] = [tick[name] for tick in ticks]
        found.append((np.array(said, np.int64), packets))
    return found


def _span_ns(low_ms: float, high_ms: float) -> tuple[int, int]:
    return round(low_ms * NS_PER_MS), round(high_ms * NS_PER_MS)


def add_contract(
    exchange: Exchange, contract: ListedContract, prices: PriceSource, date: dt.date
) -> None:
    """A contract of the simulation, with its day's path."""
    open_ns, close_ns = contract.session_ns(date)
    low, high = prices.band_e4(contract, date)
    path = prices.path(contract, date)
    is_stock = contract.exchange in ("NSE", "NFO", "BSE", "BFO") and date not in hours.MUHURAT
    screen = exchange.add_instrument(
        key=contract.key,
        token=contract.token,
        tick_e4=contract.tick_e4,
        lot=max(contract.lot, 1),
        freeze_qty=contract.freeze_qty,
        open_ns=open_ns,
        close_ns=close_ns,
        low_band_e4=low,
        high_band_e4=high,
        depth_lots=contract.depth_lots,
        book=BOOK_PATH,
        lpp=0 if contract.expiry is None else LPP_OPTION if contract.is_option else LPP_FUTURE,
        is_derivative=contract.expiry is not None,
        taken_from_ns=hours.ist_ns(date, "09:00") if is_stock else 0,
        taken_until_ns=hours.ist_ns(date, "16:00") if is_stock else 0,
    )
    exchange.set_before(screen, prices.previous_close_e4(contract, date))
    ts_ns, px_e4, qty = (
        np.array(column, np.int64) for column in (path.ts_ns, path.px_e4, path.qty)
    )
    noise, spread = np.array(path.noise, np.uint64), np.array(path.spread, np.uint16)
    exchange.set_path(screen, ts_ns, px_e4, qty, noise, spread)
