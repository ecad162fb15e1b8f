"""The same paper day three times: as it was over sockets (its journal), that journal replayed, and once more in
the compiled loop, which hears the same frames at the same times and decides, sends, matches and answers by itself.

The loop begins where the journal's first beat stands, with the engine that the journal says. From then on it takes from the
journal what no order of ours leads to: market frames, quotes and the state of feeds, pauses and halts. Orders, their ways, fills,
answers, reports and beats are its own; the exchange's prices and delays are the simulation's, by its draws.
"""

from __future__ import annotations

import datetime as dt
from array import array
from pathlib import Path

import msgspec
import numpy as np
import orjson

from otrade._core.codecs.decoders import FRAMES
from otrade._core.engine.engine import Engine
from otrade._core.pack import field_names
from otrade._core.types import STRUCTS, Rec, Side
from otrade.brokers.registry import BROKERS
from otrade.config.schema import Config
from otrade.errors import BacktestError
from otrade.journal.record import Record
from otrade.journal.replay import encoder_of, read_hello, replay
from otrade.journal.scan import header_of, salvage, windows
from otrade.research.backtest.day_loop import DayLoop
from otrade.research.backtest.exchange import Exchange
from otrade.simulator.base import hours
from otrade.simulator.base.config import SimConfig
from otrade.simulator.base.universe import ListedContract
from otrade.simulator.draws import number_of_day
from otrade.simulator.prices.price_source import PriceSource
from otrade.units import NS_PER_MS, NS_PER_S, ist_hms, rupees

OUTSIDE = frozenset(
    ("on_quote", "on_feed", "on_pause", "on_halt", "set_limits", "set_strategy_enabled")
)
"""Calls that no order of ours leads to."""
BOOK_PATH = 0
LPP_FUTURE, LPP_OPTION = 1, 2
AFTER_NS = 5 * NS_PER_S


class ParityFill(msgspec.Struct, frozen=True):
    """What one order traded at one moment of the exchange, by its whole second."""

    second: int
    tag: str
    side: int
    quantity: int
    value_e4: int

    def words(self) -> str:
        """As a line of the comparison has it."""
        price = self.value_e4 / self.quantity
        return f"{ist_hms(self.second * NS_PER_S)} {Side(self.side).name:4} {self.quantity:>6} at {rupees(round(price)):>12} {self.tag}"


class ParityReport(msgspec.Struct, frozen=True):
    """The three lists, and what differs, in words."""

    day: dt.date
    broker: str
    paper: list[ParityFill]
    replayed: dict[str, tuple[int, int]]
    """Quantity and value of each order in the replayed core."""
    backtest: list[ParityFill]
    differences: list[str]


class _Tape:
    """A journal of one run, taken apart: what comes before the first beat, and after it."""

    def __init__(self, path: Path) -> None:
        self.before: list[tuple[int, int, bytes]] = []
        self.calls: list[tuple[int, bytes]] = []
        self.hello: dict[str, object] = {}
        self.first_beat_ns = 0
        self.listed: list[dict[str, int | str]] = []
        self.reports: list[tuple[int, bytes]] = []
        self.ts_ns, self.kinds, self.at = array("q"), array("q"), array("q", [0])
        self.data = bytearray()
        for record in salvage(path):
            self._take(record)
        if not self.first_beat_ns:
            raise BacktestError(f"{path}: no beat of an engine: the day was never opened")

    def _take(self, record: Record) -> None:
        payload = bytes(record.payload)
        if record.kind == Rec.HELLO:
            if self.hello:
                raise BacktestError("a day of several runs cannot be compared: start it afresh")
            self.hello = read_hello(payload)
            return
        if record.kind >= Rec.COMMAND or record.kind == Rec.PAD:
            return
        if record.kind == Rec.REPORT:
            self.reports.append((record.ts_ns, payload))
        if record.kind == Rec.TIMER and not self.first_beat_ns:
            self.first_beat_ns = record.ts_ns
        if not self.first_beat_ns:
            self.before.append((record.kind, record.ts_ns, payload))
            if record.kind == Rec.CALL:
                call = orjson.loads(payload)
                if call["m"] == "add_instrument":
                    self.listed.append(call["k"])
        elif record.kind == Rec.CALL:
            if orjson.loads(payload)["m"] in OUTSIDE:
                self.calls.append((record.ts_ns, payload))
        elif record.kind in FRAMES:
            self.ts_ns.append(record.ts_ns)
            self.kinds.append(record.kind)
            self.data += payload
            self.at.append(len(self.data))


def parity(journal: Path, config: Config, sim: SimConfig) -> ParityReport:
    """Compare a paper day with its replay and with the loop. BacktestError when it cannot be."""
    identity = header_of(journal).identity
    if identity.get("mode") != "paper":
        raise BacktestError(
            f"{journal}: a day at a real exchange cannot be traded again: only paper days are compared"
        )
    date = dt.date.fromisoformat(identity["day"])
    tape = _Tape(journal)
    paper = _paper_fills(tape)
    replayed = _replayed(journal)
    ours = _loop_fills(tape, date, config, sim)
    return ParityReport(
        date, config.broker.kind, paper, replayed, ours, _differences(paper, replayed, ours)
    )


def _paper_fills(tape: _Tape) -> list[ParityFill]:
    """What reports of pushes and books said that traded, each once."""
    names = field_names("report_t")
    kinds = np.dtype([(name, _numpy_kind(name)) for name in names], align=True)
    had: dict[str, tuple[int, int]] = {}
    found = []
    for _, payload in tape.reports:
        row = np.frombuffer(payload, kinds)[0]
        tag = bytes(row["cl_ord_id"]).rstrip(b"\0").decode()
        quantity, value = had.get(tag, (0, 0))
        if row["cum_qty"] > quantity:
            found.append(
                ParityFill(
                    int(row["ts_update_ns"]) // NS_PER_S,
                    tag,
                    int(row["side"]),
                    int(row["cum_qty"]) - quantity,
                    int(row["cum_value_e4"]) - value,
                )
            )
            had[tag] = int(row["cum_qty"]), int(row["cum_value_e4"])
    return found


def _numpy_kind(name: str) -> str:
    rest: list[str] = next(
        [str(part) for part in field[1:]] for field in STRUCTS["report_t"] if field[0] == name
    )
    return f"S{rest[1]}" if rest[0] == "c" else f"<{rest[0]}"


def _replayed(journal: Path) -> dict[str, tuple[int, int]]:
    done = replay(windows(journal), is_whole=False)
    engine = done.engine
    if engine is None or done.divergence is not None:
        raise BacktestError(
            f"{journal}: its replay decides otherwise than the day did (otrade journal replay shows where)"
        )
    orders = (engine.order(slot) for slot in range(engine.n_orders))
    return {
        row["cl_ord_id"]: (row["cum_qty"], row["cum_value_e4"]) for row in orders if row["cum_qty"]
    }


def _loop_fills(tape: _Tape, date: dt.date, config: Config, sim: SimConfig) -> list[ParityFill]:
    sizes = tape.hello["sizes"]
    spelled = tape.hello["encoder"]
    assert isinstance(sizes, dict) and isinstance(spelled, dict)
    engine = Engine(**sizes)
    engine.set_encoder(encoder_of(spelled))
    prices = PriceSource(sim)
    contracts = prices.universe(date).by_token
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
        add_contract(exchange, contract, prices, date)
    way = sim.latency.exchange
    exchange.open_day(sim.seed, number_of_day(date), *_span_ns(way.low_ms, way.high_ms))
    exchange.set_models(queue=0, slip_ticks=0, slip_bps_e2=0, share_e2=0)
    for kind, ts_ns, payload in tape.before:
        engine.on_record(kind, ts_ns, payload)
    engine.discard_commands()
    loop = DayLoop(engine, exchange)
    for i in range(len(tape.listed)):
        loop.set_path(i)
    legs = {name: getattr(sim.latency, name) for name in ("request", "order_ack", "push", "tick")}
    broker = config.broker.kind
    loop.set_paper(
        broker,
        {name: _span_ns(span.low_ms, span.high_ms) for name, span in legs.items()},
        sim.seed,
        number_of_day(date),
        sim.book_percent,
        BROKERS[broker].updates_with_prices,
    )
    frames = [np.array(row, np.int64) for row in (tape.ts_ns, tape.kinds, tape.at)]
    loop.set_frames(frames[0], frames[1], frames[2], np.frombuffer(bytes(tape.data), np.uint8))
    loop.begin(tape.first_beat_ns)
    for ts_ns, payload in tape.calls:
        loop.run_before(ts_ns)
        engine.on_record(int(Rec.CALL), ts_ns, payload)
        loop.send()
    closes = [engine.instrument(i)["close_ns"] for i in range(engine.n_instruments)]
    loop.run(max(closes) + AFTER_NS)
    found: dict[tuple[int, str, int], list[int]] = {}
    for at_ns, _, tag, side, quantity, price_e4 in exchange.fill_rows():
        one = found.setdefault((at_ns, tag, side), [0, 0])
        one[0] += quantity
        one[1] += quantity * price_e4
    return [
        ParityFill(at_ns // NS_PER_S, tag, side, quantity, value)
        for (at_ns, tag, side), (quantity, value) in found.items()
    ]


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


def _differences(
    paper: list[ParityFill], replayed: dict[str, tuple[int, int]], ours: list[ParityFill]
) -> list[str]:
    """In words; empty when all three are the same."""
    found = []
    sums: dict[str, tuple[int, int]] = {}
    for fill in paper:
        quantity, value = sums.get(fill.tag, (0, 0))
        sums[fill.tag] = quantity + fill.quantity, value + fill.value_e4
    for tag in sorted(set(sums) | set(replayed)):
        if sums.get(tag) != replayed.get(tag):
            found.append(
                f"replay: {tag} traded {replayed.get(tag)} there, {sums.get(tag)} on paper"
            )
    one, other = sorted(paper, key=_place), sorted(ours, key=_place)
    for mine in [fill for fill in other if fill not in one]:
        alike = next((fill for fill in one if fill.tag == mine.tag), None)
        if alike is None:
            found.append(f"order: {mine.words()} in the backtest alone")
        elif (alike.quantity, alike.value_e4) == (mine.quantity, mine.value_e4):
            found.append(f"time: {mine.words()}, on paper at {ist_hms(alike.second * NS_PER_S)}")
        elif alike.quantity == mine.quantity:
            found.append(f"price: {mine.words()}, on paper {alike.words()}")
        else:
            found.append(f"quantity: {mine.words()}, on paper {alike.words()}")
    tags = {fill.tag for fill in other}
    found += [f"order: {fill.words()} on paper alone" for fill in one if fill.tag not in tags]
    return found


def _place(fill: ParityFill) -> tuple[int, str, int]:
    return fill.second, fill.tag, fill.quantity
