"""A journal read as a day: it is replayed, and looked at after each event that may matter.

A replay ends at damage, at records that were lost, or where this build decides differently; what was
read until then is the day, and `trouble` says so.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from otrade._core.codecs.decoders import FRAMES
from otrade._core.engine.engine import Engine
from otrade._core.engine.rows import BracketRow
from otrade._core.journal_writer import GOOD, record_at
from otrade._core.types import Leg, Note, Rec, Side
from otrade.charges import ChargeTable, DayCharges
from otrade.errors import OTradeError
from otrade.journal.day_names import CONFIGURATION_FIELD, DayNames, read_names
from otrade.journal.replay import Replay, read_hello
from otrade.journal.scan import ScanResult, check, windows
from otrade.journal.words import read_notice
from otrade.live.plan.bracket_orders import orders_of
from otrade.research.days.engine_rows import BracketKey, EngineRows, key_of, order_id_of
from otrade.research.results.schema import exact_parts, in_paise
from otrade.units import NS_PER_MINUTE, ist_hms

FIRST_DECISION = Rec.COMMAND
QUIET = frozenset((Rec.TIMER, Rec.PAD))


class _Extremes:
    """Worst and best open profit of a bracket so far, e4."""

    def __init__(self) -> None:
        self.low = self.high = 0

    def take(self, profit_e4: int) -> None:
        self.low, self.high = min(self.low, profit_e4), max(self.high, profit_e4)


class _OrderSoFar:
    """What of an order is in the fills by now."""

    def __init__(self) -> None:
        self.qty = self.value_e4 = 0
        self.fills: list[tuple[dict[str, Any], int]] = []
        """Each with its value; of the last one it may become known later."""


class JournalDay:
    """`read` it; then `trades`, `orders`, `fills`, `equity` are rows of the result's tables."""

    def __init__(self, path: Path, charges: ChargeTable) -> None:
        self.path = path
        self.found: ScanResult = check(path)
        self.identity = self.found.header.identity
        self.day = dt.date.fromisoformat(self.identity["day"])
        self.names = DayNames()
        self.config_hash = ""
        self.build = ""
        self.trouble = ""
        self.n_open = 0
        self.equity: list[dict[str, Any]] = []
        self._charges = charges
        self._trades: dict[BracketKey, dict[str, Any]] = {}
        self._ids: dict[BracketKey, int] = {}
        self._extremes: dict[BracketKey, _Extremes] = {}
        self._orders: dict[str, dict[str, Any]] = {}
        self._so_far: dict[str, _OrderSoFar] = {}
        self._left_e4: dict[BracketKey, int] = {}
        """The last price when a bracket was told to leave."""
        self._closed: dict[BracketKey, tuple[int, int | None]] = {}
        """Gross and charges of closed brackets, paise."""
        self.configuration: dict[str, Any] = {}
        """Of the last run; empty where the journal has none."""
        self._engine: Engine | None = None
        self._rows: EngineRows | None = None
        """Of that engine, once it is set up."""
        self._watched: set[int] = set()
        self._marks: dict[int, int] = {}
        self._next_ns = self._n_fills = 0

    @property
    def trades(self) -> list[dict[str, Any]]:
        return sorted(self._trades.values(), key=lambda row: (row["exit_ns"], row["trade_id"]))

    @property
    def orders(self) -> list[dict[str, Any]]:
        return sorted(self._orders.values(), key=lambda row: (row["placed_ns"], row["order_id"]))

    @property
    def fills(self) -> list[dict[str, Any]]:
        """Money is exact: where the average of an execution is no whole e4, a part of its units has the next one."""
        reasons = {row["trade_id"]: row["exit_reason"] for row in self._trades.values()}
        rows = []
        for order in self._so_far.values():
            for fill, value_e4 in order.fills:
                is_entry = fill["leg"] == Leg.ENTRY.name
                reason = "" if is_entry else reasons.get(fill["trade_id"], "")
                rows += [
                    {**fill, **part, "reason": reason}
                    for part in exact_parts(fill["quantity"], value_e4)
                ]
        return sorted(rows, key=lambda row: row["ts_ns"])

    # ------------------------------------------------------------------------------------- reading
    def read(self) -> None:
        """Once. OTradeError only when nothing can be read at all."""
        done = Replay()
        verdict = self.found
        end = verdict.damages[0].offset if verdict.damages else verdict.end
        if verdict.damages:
            self.trouble = f"the journal is damaged ({verdict.damages[0].why})"
        try:
            for window in windows(self.path, end):
                for ts_ns, kind in self._steps(done, window):
                    self._look(ts_ns, kind)
                if done.divergence is not None:
                    self.trouble = (
                        f"this build decides differently after record {done.divergence.event_seq}"
                    )
                    break
        except OTradeError as error:
            if self._rows is None:
                raise
            self.trouble = str(error)
        self._harvest()
        if self._rows is not None:
            engine = self._rows.engine
            self.n_open = sum(engine.bracket(i)["open_qty"] > 0 for i in engine.live_brackets())
            self._point(max(done.last_ts_ns, self._last_point_ns))
            if self.trouble:
                self.trouble += f": this is the day until {ist_hms(done.last_ts_ns)}"

    @property
    def _last_point_ns(self) -> int:
        return self.equity[-1]["ts_ns"] if self.equity else 0

    def _steps(self, done: Replay, window: memoryview) -> Iterator[tuple[int, int]]:
        """Feed a window piece by piece: after each event that is to be looked at, its time and kind."""
        fed = at = 0
        while at < len(window):
            verdict, kind, _, _, ts_ns, start, n, following = record_at(window, at)
            if verdict != GOOD:
                break
            if kind == Rec.HELLO:
                done.feed(window[:at], fed)
                hello = read_hello(bytes(window[start : start + n]))
                self._harvest()
                done.feed(window[:following], at)
                fed = following
                self._begin(done, hello)
            elif kind < FIRST_DECISION and self._is_wanted(kind, ts_ns):
                done.feed(window[:following], fed)
                fed = following
                if done.divergence is not None:
                    return
                yield ts_ns, kind
            elif kind == Rec.NOTICE and self._rows is not None:
                notice = read_notice(window[start : start + n])
                if notice["note"] == Note.EXIT_SENT:
                    done.feed(window[:following], fed)
                    fed = following
                    if done.divergence is not None:
                        return
                    self._note_leaving(notice["bracket_id"])
            at = following
        done.feed(window, fed)

    def _is_wanted(self, kind: int, ts_ns: int) -> bool:
        if self._engine is None or kind == Rec.PAD:
            return False
        if self._rows is None:
            return kind != Rec.CALL  # it is being set up
        if kind in FRAMES:
            return bool(self._watched)
        return kind not in QUIET or (bool(self._watched) and ts_ns >= self._next_ns)

    def _begin(self, done: Replay, hello: dict[str, Any]) -> None:
        """A section begins: the same core goes on, or another one begins."""
        if done.engine is self._engine:
            return
        self.names = read_names(hello)
        self.config_hash = str(hello.get("config_hash", ""))
        self.build = str(hello.get("build", ""))
        self.configuration = hello.get(CONFIGURATION_FIELD, {})
        self._engine, self._rows = done.engine, None
        self._watched, self._marks = set(), {}

    def _rates(self) -> DayCharges | None:
        plan = self.names.price_plan
        return self._charges.on(self.day, plan) if plan else None

    # ------------------------------------------------------------------------------------- looking
    def _look(self, ts_ns: int, kind: int) -> None:
        if self._rows is None:
            assert self._engine is not None
            self._rows = EngineRows(self._engine, self.names, self.day, self._rates())
        engine = self._rows.engine
        if kind in FRAMES:
            self._look_at_prices(engine)
        elif kind not in QUIET:
            self._look_at_orders(engine, ts_ns)
        if ts_ns >= self._next_ns and self._watched:
            self._point(ts_ns)

    def _look_at_prices(self, engine: Engine) -> None:
        for bracket_id in self._watched:
            mark = engine.bracket_mark(bracket_id)
            if self._marks.get(bracket_id) != mark:
                self._marks[bracket_id] = mark
                self._take_extremes(engine, bracket_id)

    def _take_extremes(self, engine: Engine, bracket_id: int) -> None:
        bracket = engine.bracket(bracket_id)
        if bracket["entry_qty"] and _is_priced(engine, bracket):
            extremes = self._extremes.setdefault(key_of(bracket), _Extremes())
            extremes.take(bracket["pnl_e4"])

    def _note_leaving(self, bracket_id: int) -> None:
        assert self._rows is not None
        engine = self._rows.engine
        bracket = engine.bracket(bracket_id)
        last_e4 = engine.market(bracket["instrument_id"])["ltp_e4"]
        self._left_e4.setdefault(key_of(bracket), last_e4)

    def _look_at_orders(self, engine: Engine, ts_ns: int) -> None:
        live = set(engine.live_brackets())
        n_fills = self._n_fills
        for bracket_id in self._watched | live:
            bracket = engine.bracket(bracket_id)
            key = key_of(bracket)
            trade_id = self._ids.setdefault(key, len(self._ids) + 1)
            for order in orders_of(engine, bracket):
                self._take_fills(order_id_of(order), order, trade_id, ts_ns)
            if bracket_id in live:
                self._closed.pop(key, None)
                self._take_extremes(engine, bracket_id)
            elif bracket["entry_qty"]:
                self._take_closed(bracket_id)
        self._watched = live
        if self._n_fills > n_fills:
            self._point(ts_ns)

    def _take_fills(self, order_id: str, order: Any, trade_id: int, ts_ns: int) -> None:
        so_far = self._so_far.setdefault(order_id, _OrderSoFar())
        qty, value_e4 = order["cum_qty"], order["cum_value_e4"]
        if qty == so_far.qty and value_e4 == so_far.value_e4:
            return
        more, worth_e4 = qty - so_far.qty, value_e4 - so_far.value_e4
        so_far.qty, so_far.value_e4 = qty, value_e4
        if more <= 0:
            # Its value is known better now: the last fill was at another price.
            if so_far.fills:
                last, value_before_e4 = so_far.fills[-1]
                so_far.fills[-1] = last, value_before_e4 + worth_e4
            return
        assert self._rows is not None
        fill = {
            "day": self.day,
            "order_id": order_id,
            "trade_id": trade_id,
            "symbol": self._rows.symbol(order["instrument_id"]),
            "side": Side(order["side"]).name,
            "quantity": more,
            "ts_ns": ts_ns,
            "leg": Leg(order["leg"]).name,
        }
        so_far.fills.append((fill, worth_e4))
        self._n_fills += 1

    def _take_closed(self, bracket_id: int) -> None:
        assert self._rows is not None
        bracket = self._rows.engine.bracket(bracket_id)
        key = key_of(bracket)
        extremes = self._extremes.get(key)
        trade = self._rows.trade(
            bracket_id,
            self._ids.setdefault(key, len(self._ids) + 1),
            in_paise(extremes.low) if extremes else None,
            in_paise(extremes.high) if extremes else None,
            self._left_e4.get(key, 0),
        )
        if trade is not None:
            self._trades[key] = trade
            self._closed[key] = trade["gross_paise"], trade["charges_paise"]

    def _point(self, ts_ns: int) -> None:
        """Of the curve: what has closed, and what is open at its price."""
        assert self._rows is not None
        engine = self._rows.engine
        self._next_ns = ts_ns - ts_ns % NS_PER_MINUTE + NS_PER_MINUTE
        gross = sum(gross for gross, _ in self._closed.values())
        owed = [charges for _, charges in self._closed.values()]
        open_paise = 0
        for bracket_id in engine.live_brackets():
            bracket = engine.bracket(bracket_id)
            if not bracket["entry_qty"]:
                continue
            if not _is_priced(engine, bracket):
                return  # what it is worth is not known
            open_paise += in_paise(bracket["pnl_e4"])
            is_unknown = engine.position(bracket["instrument_id"])["uncharged"]
            owed.append(None if is_unknown else in_paise(bracket["charges_e4"]))
        known = [one for one in owed if one is not None]
        charges = sum(known) if len(known) == len(owed) else None
        gross += open_paise
        self.equity.append(
            {
                "ts_ns": max(ts_ns, self._last_point_ns),
                "day": self.day,
                "gross_paise": gross,
                "charges_paise": charges,
                "net_paise": None if charges is None else gross - charges,
                "open_paise": open_paise,
            }
        )

    def _harvest(self) -> None:
        """All that a core knows, before another one begins, and at the end."""
        if self._rows is None:
            return
        engine = self._rows.engine
        self._look_at_orders(engine, self._last_point_ns)
        live = set(engine.live_brackets())
        for bracket_id in self._rows.closed_brackets():
            if bracket_id not in live:
                # What its orders were worth may have been told after it had closed.
                bracket = engine.bracket(bracket_id)
                trade_id = self._ids.setdefault(key_of(bracket), len(self._ids) + 1)
                for order in orders_of(engine, bracket):
                    self._take_fills(order_id_of(order), order, trade_id, self._last_point_ns)
                self._take_closed(bracket_id)
        for slot in range(engine.n_orders):
            order = engine.order(slot)
            if order_id_of(order) and order["bracket_id"] >= 0:
                strategy = self._rows.strategy_of(order["bracket_id"])
                self._orders[order_id_of(order)] = self._rows.order(order, strategy)


def _is_priced(engine: Engine, bracket: BracketRow) -> bool:
    """Is what is open worth something that is known? A core that begins in the middle of a day takes
    positions over before it hears a price.
    """
    return not bracket["open_qty"] or engine.market(bracket["instrument_id"])["ltp_e4"] > 0
