"""One day's journal, that journal replayed, and the backtest of the same prices and configuration."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec

from otrade._core.engine.engine import Engine
from otrade.errors import BacktestError
from otrade.journal.replay import replay
from otrade.journal.scan import windows
from otrade.research.parity.comparison import (
    CLASSES,
    UNEXPLAINED,
    Comparison,
    Difference,
    TradePair,
)
from otrade.research.parity.day_tape import DayTrouble, JournalTape
from otrade.research.parity.day_trades import TradeOrder, day_trades
from otrade.research.parity.second_run import run_recorded, run_simulated
from otrade.simulator.base.config import SimConfig
from otrade.units import NS_PER_MS, ist_hms

PAPER = "paper"
SIMULATION, PACKETS = "simulation", "packets"


class ClassSum(msgspec.Struct, frozen=True):
    """Of one reason: orders that differ, trades that do, and by how much the journal's gross profit is the better one.
    None where a trade is still open.
    """

    why: str
    orders: int
    trades: int
    better_e4: int | None


class ParityReport(msgspec.Struct, frozen=True, kw_only=True):
    """`prices`: of the backtest: the `simulation` that the day was run in, or the `packets` that the journal has."""

    day: dt.date
    mode: str
    broker: str
    prices: str
    way_ns: int
    orders: tuple[int, int]
    """That traded, in the journal and in the backtest."""
    trades: tuple[int, int]
    n_same: int
    gross_e4: tuple[int, int]
    """Of closed trades."""
    differences: list[Difference]
    pairs: list[TradePair]
    sums: list[ClassSum]
    troubles: list[DayTrouble]
    notes: list[str]

    @property
    def is_explained(self) -> bool:
        return all(difference.why != UNEXPLAINED for difference in self.differences)

    def row(self) -> dict[str, Any]:
        """For JSON. Money in e4, times in ns; null is not known."""
        return {
            "day": str(self.day),
            "mode": self.mode,
            "broker": self.broker,
            "prices": self.prices,
            "way_ns": self.way_ns if self.prices == PACKETS else None,
            "orders": {"journal": self.orders[0], "backtest": self.orders[1], "same": self.n_same},
            "trades": {"journal": self.trades[0], "backtest": self.trades[1]},
            "gross_e4": {"journal": self.gross_e4[0], "backtest": self.gross_e4[1]},
            "by_reason": [msgspec.structs.asdict(one) for one in self.sums],
            "differences": [
                {
                    **{
                        name: getattr(one, name)
                        for name in ("what", "why", "words", "at_ns", "strategy", "symbol", "leg")
                    },
                    "side": one.side,
                    "journal": _order_row(one.first),
                    "backtest": _order_row(one.second),
                    "better_e4": one.better_e4,
                }
                for one in self.differences
            ],
            "troubles": [msgspec.structs.asdict(one) for one in self.troubles],
            "notes": self.notes,
        }


def _order_row(order: TradeOrder | None) -> dict[str, Any] | None:
    if order is None:
        return None
    return {
        "order_id": order.tag,
        "quantity": order.qty,
        "value_e4": order.value_e4,
        "intent_ns": order.intent_ns,
        "traded_ns": order.update_ns,
        "round_trip_ns": order.trip_ns or None,
    }


def parity(journal: Path, sim: SimConfig | None) -> ParityReport:
    """`sim`: the simulation that a paper day was run in; None: the journal's own packets are the prices.
    BacktestError when it cannot be.
    """
    tape = JournalTape(journal)
    if sim is not None and tape.mode != PAPER:
        raise BacktestError(f"{journal}: a {tape.mode} day was not run in a simulation")
    broker = tape.names.broker or str(tape.hello["encoder"].get("kind", ""))
    was = _replayed(tape)
    other = run_simulated(tape, sim, broker) if sim is not None else run_recorded(tape)
    first, second = day_trades(was, tape.names), day_trades(other.engine, tape.names)
    found = Comparison(first, second, tape, other.way_ns, is_recorded=sim is None)
    counted = [
        [order for trade in side for order in trade.orders if order.qty] for side in (first, second)
    ]
    return ParityReport(
        day=tape.date,
        mode=tape.mode,
        broker=broker,
        prices=PACKETS if sim is None else SIMULATION,
        way_ns=other.way_ns,
        orders=(len(counted[0]), len(counted[1])),
        trades=(sum(trade.qty > 0 for trade in first), sum(trade.qty > 0 for trade in second)),
        n_same=found.n_same,
        gross_e4=(
            sum(trade.gross_e4 or 0 for trade in first),
            sum(trade.gross_e4 or 0 for trade in second),
        ),
        differences=found.differences,
        pairs=found.pairs,
        sums=_sums(found),
        troubles=tape.troubles,
        notes=_notes(tape, other.way_ns, is_recorded=sim is None),
    )


def _replayed(tape: JournalTape) -> Engine:
    done = replay(windows(tape.path, tape.end), is_whole=False)
    if done.engine is None or done.divergence is not None:
        raise BacktestError(
            f"{tape.path}: its replay decides otherwise than the day did (otrade journal replay shows where)"
        )
    return done.engine


def _sums(found: Comparison) -> list[ClassSum]:
    orders = Counter(difference.why for difference in found.differences)
    sums = []
    for why in CLASSES:
        amounts = [pair.better_e4 for pair in found.pairs if pair.why == why]
        if orders[why] or amounts:
            known = [amount for amount in amounts if amount is not None]
            total = sum(known) if len(known) == len(amounts) else None
            sums.append(ClassSum(why, orders[why], len(amounts), total))
    return sums


def _notes(tape: JournalTape, way_ns: int, *, is_recorded: bool) -> list[str]:
    notes = []
    if is_recorded:
        notes.append(
            f"prices are the journal's packets; an order takes {way_ns / NS_PER_MS:.1f} ms there and as long back, "
            "half of the day's median round trip"
        )
    if tape.end < 0 and not tape.is_whole:
        notes.append(
            f"the journal ends at {ist_hms(tape.last_ns)}, where its engine did not end in order: what came later has no other side"
        )
    if tape.later_runs:
        at = ist_hms(tape.last_ns)
        notes.append(
            f"from {at} on another core traded (another set-up): {tape.later_runs} runs that are not compared"
        )
    return notes
