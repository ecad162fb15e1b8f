"""A scripted world around a bare engine: frames by `struct`, and an exchange that is right by
construction and late by choice.

Written apart from the product: it shares no code with it but the enums. Time is a number that the
test moves.
"""

from __future__ import annotations

import random
import struct
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import orjson

from otrade._core.codecs.kite import KiteEncoder
from otrade._core.engine.engine import Engine
from otrade._core.types import STRUCTS, Cmd, Ev, OrdType, Side, Worth
from otrade.journal.layout import FORMAT

NSE = 1
OPEN_NS = 1_790_000_000_000_000_000
HOUR = 3_600_000_000_000
MS = 1_000_000
SECOND = 1_000 * MS


def order_report(**fields: Any) -> SimpleNamespace:
    """One order as a broker tells it, by the names of `report_t`; what a test leaves out is 0, and
    the value an average.
    """
    whole = {name: 0 for name, *_ in STRUCTS["report_t"] if name != "_pad"}
    assert set(fields) <= set(whole)
    return SimpleNamespace(**whole | {"worth": Worth.AVERAGE} | fields)


def packet(
    token: int,
    ltp: int,
    *,
    bid: int | None = None,
    ask: int | None = None,
    ts_s: int = 0,
    volume: int = 0,
    quantity: int = 1_000,
) -> bytes:
    """One full-mode packet; prices in paise."""
    bid = ltp if bid is None else bid
    ask = ltp if ask is None else ask
    head = struct.pack(
        ">16I", token, ltp, 1, ltp, volume, 0, 0, ltp, ltp, ltp, ltp, ts_s, 0, 0, 0, ts_s
    )
    levels = b"".join(
        struct.pack(">IIHxx", quantity, px, 1) for px in [max(bid - 5 * i, 0) for i in range(5)]
    )
    levels += b"".join(
        struct.pack(">IIHxx", quantity, px, 1) for px in [ask + 5 * i for i in range(5)]
    )
    return head + levels


def ltp_packet(token: int, ltp: int) -> bytes:
    return struct.pack(">II", token, ltp)


def frame(*packets: bytes) -> bytes:
    return struct.pack(">H", len(packets)) + b"".join(
        struct.pack(">H", len(p)) + p for p in packets
    )


PLAN: dict[str, Any] = {
    "stop_kind": 2,
    "stop_value": 2.0,
    "target_kind": 2,
    "target_value": 4.0,
    "size_mode": 0,
    "size_value": 10.0,
    "max_qty": 1000,
    "enabled": 1,
    "entry_offset_bps": 5.0,
    "entry_timeout_ns": 30 * SECOND,
    "stop_limit_bps": 20.0,
    "hysteresis_bps": 10.0,
    "ladder_start_bps": 10.0,
    "ladder_step_bps": 10.0,
    "ladder_interval_ns": 2 * SECOND,
    "ladder_max_steps": 5,
    "protection_e2": -1,
    "on_opposite": 1,
}
PARAMS: dict[str, Any] = {"bar_mode": 0, "side_mask": 3, "level": 100.0}


def make_engine(
    *,
    plan: dict[str, Any] | None = None,
    params: dict[str, Any] | None = None,
    kind: str = "price_level",
    instruments: int = 1,
    strategies: int = 1,
    freeze_qty: int = 0,
    lot_size: int = 1,
    brackets: int = 2048,
    orders: int = 32768,
    notices: int = 4096,
    commands: int = 256,
    run_id: int = 7,
    start: bool = True,
    journal: Any = None,
    **limits: Any,
) -> Engine:
    """An engine with `instruments` instruments (token 1001 + 256 i), each with a minute series and
    its strategies.
    """
    engine = Engine(
        instruments=instruments,
        series=instruments,
        strategies=instruments * strategies,
        brackets=brackets,
        orders=orders,
        notices=notices,
        commands=commands,
        run_id=run_id,
        order_timeout_ns=5 * SECOND,
        look_gap_ns=2 * SECOND,
    )
    for i in range(instruments):
        inst = engine.add_instrument(
            token=token_of(i),
            segment=NSE,
            symbol=f"STOCK{i}",
            exchange="NSE",
            product=0,
            tick_size_e4=500,
            lot_size=lot_size,
            freeze_qty=freeze_qty,
        )
        series = engine.add_series(inst, 60 * SECOND)
        for _ in range(strategies):
            engine.add_strategy(
                series, kind, {**PARAMS, **(params or {})}, {**PLAN, **(plan or {})}
            )
        engine.set_session(
            inst,
            open_ns=OPEN_NS,
            entry_from_ns=OPEN_NS,
            entry_until_ns=OPEN_NS + 900 * HOUR,
            square_off_ns=OPEN_NS + 910 * HOUR,
            close_ns=OPEN_NS + 920 * HOUR,
        )
    engine.set_limits(**limits)
    engine.set_budget(modifies_per_order=24)
    engine.set_encoder(KiteEncoder(b"127.0.0.1", b"", b"token k:t"))
    if journal is not None:
        journal.begin_section()
        engine.open_journal(journal.writer, hello(engine), OPEN_NS - HOUR)
    if not start:
        return engine
    engine.start(OPEN_NS - HOUR)
    engine.on_feed(True, OPEN_NS - HOUR)
    return engine


def hello(engine: Engine, **given: Any) -> bytes:
    """The first record of a journal for this engine."""
    return orjson.dumps(
        {
            "format": FORMAT,
            "build": "test",
            "resume": False,
            "run_id": engine.sizes["run_id"],
            "setup": engine.setup_digest,
            "sizes": engine.sizes,
            "encoder": {"kind": "kite", "host": "127.0.0.1", "prefix": ""},
            **given,
        }
    )


def token_of(i: int) -> int:
    return (1001 + i) << 8 | NSE


@dataclass
class ExchangeOrder:
    """An order as the exchange holds it."""

    number: str
    tag: str
    side: int
    kind: int
    qty: int
    price: int
    trigger: int
    status: str = "OPEN"  # OPEN, TRIGGER, COMPLETE, CANCELLED, REJECTED
    cum: int = 0
    value: int = 0
    version: int = 0
    triggered: bool = False

    @property
    def live(self) -> bool:
        return self.status in ("OPEN", "TRIGGER")


@dataclass
class ScriptedExchange:
    """Matches against one price. Every word that it says goes into `mail`, to be delivered when and
    as the test likes.
    """

    rng: random.Random
    price: int = 1_000_000
    orders: dict[str, ExchangeOrder] = field(default_factory=dict)
    mail: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    net: int = 0
    cash: int = 0
    tags: set[str] = field(default_factory=set)
    n: int = 0
    partial: float = 0.5

    def say(self, o: ExchangeOrder, source: int = 1) -> dict[str, Any]:
        ev = {
            "OPEN": Ev.WORKING,
            "TRIGGER": Ev.WORKING,
            "COMPLETE": Ev.FILL_FULL,
            "CANCELLED": Ev.CANCELED,
            "REJECTED": Ev.REJECTED,
        }[o.status]
        if ev == Ev.WORKING and o.cum:
            ev = Ev.FILL_PART
        return {
            "cl_ord_id": o.tag,
            "broker_order_id": o.number,
            "ev": ev,
            "source": source,
            "order_qty": o.qty,
            "cum_qty": o.cum,
            "cum_value_e4": o.value,
            "price_e4": o.price,
            "trigger_e4": o.trigger,
            "ord_type": o.kind,
            "triggered": o.triggered,
            "reason": 0,
            "ts_update_ns": o.version,
        }

    def push(self, o: ExchangeOrder) -> None:
        o.version += 1
        self.mail.append(("report", self.say(o)))

    def take(self, cmd: Any) -> str:
        """A request has arrived. Returns "" when it is taken, else the refusal; the answer is the
        caller's to deliver.
        """
        if cmd.kind == Cmd.NEW:
            assert cmd.cl_ord_id not in self.tags, f"tag used twice: {cmd.cl_ord_id}"
            self.tags.add(cmd.cl_ord_id)
            assert cmd.qty > 0
            self.n += 1
            o = ExchangeOrder(
                str(10**15 + self.n),
                cmd.cl_ord_id,
                cmd.side,
                cmd.ord_type,
                cmd.qty,
                cmd.price_e4,
                cmd.trigger_e4,
            )
            self._protect(o)
            self.orders[o.number] = o
            if o.kind == OrdType.SL:
                assert o.trigger > 0
                o.status = "TRIGGER"
                if self._crossed(o):
                    # A stop whose trigger has traded already is refused by the exchange
                    o.status = "REJECTED"
            self.push(o)
            self.match(o)
            return ""
        o = self.orders[cmd.broker_order_id]
        if not o.live:
            return "order is closed"
        if cmd.kind == Cmd.CANCEL:
            o.status = "CANCELLED"
        else:
            if cmd.qty <= o.cum:
                return "quantity below the filled part"
            o.qty, o.price, o.trigger, o.kind = cmd.qty, cmd.price_e4, cmd.trigger_e4, cmd.ord_type
            self._protect(o)
            o.status, o.triggered = ("TRIGGER", False) if o.kind == OrdType.SL else ("OPEN", False)
        self.push(o)
        self.match(o)
        return ""

    def _protect(self, o: ExchangeOrder) -> None:
        """A market order is kept as a limit at its protection, three per cent from the price."""
        if o.kind == OrdType.MARKET:
            o.kind, o.price = OrdType.LIMIT, self.price * (103 if o.side == Side.BUY else 97) // 100

    def _crossed(self, o: ExchangeOrder) -> bool:
        return self.price >= o.trigger if o.side == Side.BUY else self.price <= o.trigger

    def match(self, o: ExchangeOrder) -> None:
        if o.status == "TRIGGER" and self._crossed(o):
            o.status, o.triggered = "OPEN", True
            self.push(o)
        if o.status != "OPEN" or (
            self.price > o.price if o.side == Side.BUY else self.price < o.price
        ):
            return
        left = o.qty - o.cum
        qty = self.rng.randint(1, left) if self.rng.random() < self.partial else left
        o.cum += qty
        o.value += qty * self.price
        self.net += o.side * qty
        self.cash -= o.side * qty * self.price
        if o.cum == o.qty:
            o.status = "COMPLETE"
        self.push(o)

    def move(self, price: int) -> None:
        self.price = price
        for o in list(self.orders.values()):
            if o.live:
                self.match(o)
