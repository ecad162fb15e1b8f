"""The simulated account on disk, so that it outlives whoever runs it, even one that is killed.

A file of lines, each a JSON object: what the world is, each day's opening, and each change of an
order with its new executions. A line is written before anybody can hear of the change. Beside it
eight bytes in a mapped file hold the time, which moves before each event. What was on its way
between two places when the process died (a change of an order that had not reached the exchange) is
lost, as a request can be.

Prices are not kept: they follow from the seed, or from their file.
"""

import mmap
import os
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date as Date
from io import FileIO
from pathlib import Path
from typing import Any, Protocol

import orjson

from otrade.plain_file import own_file, own_folder, read_own
from otrade.simulator.base.universe import ListedContract
from otrade.simulator.base.virtual_clock import VirtualClock
from otrade.simulator.exchange.ledger import Ledger, Position
from otrade.simulator.exchange.orders import Execution, Order, OrderState, RequestedTerms

FILE, CLOCK_FILE = "account.jsonl", "clock.bin"
FORMAT = 1
_TIME = struct.Struct("<q")
ORDER_FIELDS = tuple(
    name
    for name in Order.__slots__
    if name not in ("contract", "terms", "history", "trades", "told")
)
STATE_FIELDS = tuple(name for name in OrderState.__slots__ if name not in ("order", "terms"))


@dataclass(frozen=True)
class SavedAccount:
    """An account of which a run was cut off. Its rows are of the present day."""

    world: str
    date: Date
    ts_ns: int
    opening: dict[str, Any]
    rows: list[dict[str, Any]] = field(repr=False)


class KeptExchange(Protocol):
    """What is recorded of an order system."""

    ledger: Ledger
    on_state: list[Any]
    on_update: list[Any]
    on_day: list[Any]

    @property
    def date(self) -> Date: ...


class AccountRecord:
    """`saved`, then `begin` (or `go_on`), then every change is written by itself; `end` when a day is
    over. OSError when the directory cannot be written.
    """

    def __init__(
        self, directory: Path, identity: dict[str, Any], on_trouble: Callable[[str], None]
    ) -> None:
        """`identity`: what makes it this world and no other. `on_trouble` hears, once, why nothing is
        kept any more.
        """
        self._on_trouble = on_trouble
        self._path = directory / FILE
        self._clock_path = directory / CLOCK_FILE
        self._identity = orjson.loads(orjson.dumps(identity))
        self._file: FileIO | None = None
        self._clock: mmap.mmap | None = None
        self._exchange: KeptExchange
        self._n_states: dict[str, int] = {}
        self._n_trades: dict[str, int] = {}
        self._fees_e4 = 0

    # ---------------------------------------------------------------------------------------- reading
    def saved(self) -> SavedAccount | None:
        """What a run that was cut off has left; None when there is nothing, it is another world's, or
        its last day was ended in order.
        """
        head, rows = self._rows()
        if not rows or head.get("identity") != self._identity:
            return None
        try:
            (ts_ns,) = _TIME.unpack(read_own(self._clock_path, _TIME.size))
        except (OSError, struct.error):
            return None
        opened = [at for at, row in enumerate(rows) if "day" in row]
        day = rows[opened[-1]]
        return SavedAccount(
            str(head["world"]),
            Date.fromisoformat(day["day"]),
            max([ts_ns, *(int(row.get("ts_ns", 0)) for row in rows)]),
            day["opening"],
            rows[opened[-1] + 1 :],
        )

    def is_of_another_world(self) -> bool:
        """Has a run been cut off there whose world had another seed, other days or other prices?"""
        head, rows = self._rows()
        return bool(rows) and head.get("identity") != self._identity

    def _rows(self) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """The head and what follows, which is nothing where no day was cut off."""
        if not (self._path.is_file() and self._clock_path.is_file()):
            return {}, []
        try:
            lines = read_own(self._path).splitlines()
        except OSError:
            return {}, []
        head, *rows = [row for line in lines if (row := _row(line)) is not None] or [{}]
        is_cut_off = any("day" in row for row in rows) and "end" not in rows[-1]
        return head, rows if head.get("format") == FORMAT and is_cut_off else []

    # ---------------------------------------------------------------------------------------- writing
    def begin(self, world: str, exchange: KeptExchange, clock: VirtualClock) -> None:
        """A new account; the one before is gone."""
        self._open(exchange, clock, os.O_TRUNC)
        self._write({"format": FORMAT, "identity": self._identity, "world": world})
        self._new_day()

    def go_on(self, exchange: KeptExchange, clock: VirtualClock) -> None:
        """The account that was saved, after it has been restored."""
        self._open(exchange, clock, 0)

    def restored(self, orders: list[Order], fees_e4: int) -> None:
        """So much of these is on disk already."""
        self._fees_e4 = fees_e4
        for order in orders:
            self._n_states[order.order_id] = len(order.history)
            self._n_trades[order.order_id] = len(order.trades)

    def end(self) -> None:
        """The day is over: a later run begins a new one."""
        self._write({"end": str(self._exchange.date)})

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
        if self._clock is not None:
            self._clock.close()
            self._clock = None

    def _open(self, exchange: KeptExchange, clock: VirtualClock, flags: int) -> None:
        own_folder(self._path.parent)
        self._file = FileIO(own_file(self._path, os.O_WRONLY | os.O_APPEND | flags), "ab")
        fd = own_file(self._clock_path, os.O_RDWR)
        try:
            os.ftruncate(fd, mmap.PAGESIZE)
            self._clock = mmap.mmap(fd, mmap.PAGESIZE)
        finally:
            os.close(fd)
        self._exchange = exchange
        exchange.on_state.append(lambda order, status: self._changed(order))
        exchange.on_update.append(lambda state: self._changed(state.order))
        exchange.on_day.append(self._new_day)
        self._tick(clock.now_ns())
        clock.on_advance = self._tick

    def _tick(self, ts_ns: int) -> None:
        if self._clock is not None:
            _TIME.pack_into(self._clock, 0, ts_ns)

    def _new_day(self) -> None:
        ledger = self._exchange.ledger
        self._n_states.clear()
        self._n_trades.clear()
        self._fees_e4 = ledger.fees_e4
        held = [
            [p.contract.key, p.product, p.overnight_qty, p.overnight_value_e4]
            for p in ledger.positions()
        ]
        opening = {"cash_e4": ledger.opening_e4, "held": held}
        self._write({"day": str(self._exchange.date), "opening": opening})

    def _changed(self, order: Order) -> None:
        n_states = self._n_states.get(order.order_id, 0)
        n_trades = self._n_trades.get(order.order_id, 0)
        row: dict[str, Any] = {
            "ts_ns": order.ts_update_ns,
            "order": {name: getattr(order, name) for name in ORDER_FIELDS},
            "contract": order.contract.key,
            "terms": order.terms,
            "states": [
                [state.terms, *(getattr(state, name) for name in STATE_FIELDS)]
                for state in order.history[n_states:]
            ],
            "trades": [
                [trade.trade_id, trade.qty, trade.price_e4, trade.ts_ns]
                for trade in order.trades[n_trades:]
            ],
        }
        if self._exchange.ledger.fees_e4 != self._fees_e4:
            row["fees_e4"] = self._fees_e4 = self._exchange.ledger.fees_e4
        self._n_states[order.order_id] = len(order.history)
        self._n_trades[order.order_id] = len(order.trades)
        self._write(row)

    def _write(self, row: dict[str, Any]) -> None:
        if self._file is None:
            return
        line = orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)
        try:
            n_written = self._file.write(line)
        except OSError as error:
            why = error.strerror
        else:
            if n_written == len(line):
                return
            why = "no room"
        # Half an account would be a wrong one.
        self.close()
        self._path.unlink(missing_ok=True)
        self._on_trouble(f"{self._path} cannot be written ({why})")


def _row(line: bytes) -> dict[str, Any] | None:
    """The last line may be cut short: it was never told to anybody."""
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return row if isinstance(row, dict) else None


def orders_of(
    saved: SavedAccount, contracts: dict[str, ListedContract]
) -> tuple[list[Order], list[Execution], int]:
    """The day's orders, its executions in their order, and the broker's fees. KeyError for a contract
    that the day does not list.
    """
    orders: dict[str, Order] = {}
    trades: list[Execution] = []
    fees_e4 = 0
    for row in saved.rows:
        if "order" not in row:
            continue
        fees_e4 = row.get("fees_e4", fees_e4)
        fields, terms = row["order"], RequestedTerms(**row["terms"])
        order = orders.get(fields["order_id"])
        if order is None:
            order = Order(contract=contracts[row["contract"]], terms=terms, **fields)
            orders[order.order_id] = order
        order.terms = terms
        for name, value in fields.items():
            setattr(order, name, value)
        for of_state, *values in row["states"]:
            told = dict(zip(STATE_FIELDS, values, strict=True))
            state = OrderState(order=order, terms=RequestedTerms(**of_state), **told)
            order.history.append(state)
            order.told.append((state.ts_update_ns, state))
        for trade_id, qty, price_e4, ts_ns in row["trades"]:
            trade = Execution(trade_id, order, qty, price_e4, ts_ns)
            order.trades.append(trade)
            trades.append(trade)
    return list(orders.values()), trades, fees_e4


def positions_of(saved: SavedAccount, contracts: dict[str, ListedContract]) -> list[Position]:
    """What was held when the day began."""
    return [
        Position(contracts[key], product, qty, value_e4)
        for key, product, qty, value_e4 in saved.opening["held"]
    ]
