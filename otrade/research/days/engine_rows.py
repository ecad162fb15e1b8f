"""Rows of a result out of a core in its present state: closed brackets as trades, orders as they stand."""

from __future__ import annotations

import datetime as dt
from typing import Any

from otrade._core.engine.engine import Engine
from otrade._core.engine.rows import BracketRow, OrderRow
from otrade._core.types import (
    BracketState,
    ExitReason,
    Leg,
    OrdStatus,
    OrdType,
    Product,
    Reason,
    Side,
)
from otrade.charges import LINES, Charges, DayCharges
from otrade.journal.day_names import DayNames
from otrade.live.history.day_charges import charge_rule_of
from otrade.live.history.trade_ledger import OrderFill, TradeLedger
from otrade.live.plan.day_plan import DayPlan, PlannedInstrument
from otrade.research.results.schema import ENDED, charges_in_paise, in_paise

LEVELS = {ExitReason.STOP: "stop_e4", ExitReason.TRAIL: "stop_e4", ExitReason.TARGET: "target_e4"}
"""The level that a trade was left at, by the reason of its exit: what its exit price is held against."""
WITH_LIMIT = (OrdType.LIMIT, OrdType.SL)
WITH_TRIGGER = (OrdType.SL, OrdType.SL_M)
NO_PLAN = "the journal does not say whose charges hold"
BracketKey = tuple[int, int]
"""Run and number in its orders' tags: the same bracket in every core that knew it."""


def key_of(bracket: BracketRow) -> BracketKey:
    return bracket["tag_run"], bracket["tag_bracket"]


class EngineRows:
    """Of one core of a day. `rates`: None where nobody knows whose price plan it was."""

    def __init__(
        self, engine: Engine, names: DayNames, day: dt.date, rates: DayCharges | None
    ) -> None:
        self.engine = engine
        self._names = names
        self._day = day
        self._instruments = [engine.instrument(i) for i in range(engine.n_instruments)]
        self._knows_instruments = len(names.instruments) == len(self._instruments)
        plan = DayPlan(
            str(day), engine, [self._planned(i) for i in range(engine.n_instruments)], []
        )
        rule = (
            charge_rule_of(plan, rates) if rates is not None and self._knows_instruments else None
        )

        def charge(bracket_id: int, instrument_id: int, fills: list[OrderFill]) -> Charges:
            if rule is None:
                return Charges(unknown=dict.fromkeys(LINES, NO_PLAN))
            return rule(bracket_id, instrument_id, fills)

        self._ledger = TradeLedger(engine, charge)

    def symbol(self, instrument_id: int) -> str:
        if self._knows_instruments:
            return self._names.instruments[instrument_id].symbol
        row = self._instruments[instrument_id]
        return f"{row['exchange']}:{row['symbol']}"

    def _planned(self, instrument_id: int) -> PlannedInstrument:
        """As far as charges need it."""
        row = self._instruments[instrument_id]
        named = self._names.instruments[instrument_id] if self._knows_instruments else None
        exchange, _, symbol = self.symbol(instrument_id).partition(":")
        return PlannedInstrument(
            token=row["token"],
            exchange=exchange,
            symbol=symbol,
            product=Product(row["product"]).name,
            segment=named.segment if named else "",
            feed_mode="",
            minute_series_id=0,
            open_ns=row["open_ns"],
            square_off_ns=row["square_off_ns"],
            close_ns=row["close_ns"],
            root=named.root if named else "",
        )

    def trade(
        self,
        bracket_id: int,
        trade_id: int,
        mae_paise: int | None,
        mfe_paise: int | None,
        left_e4: int,
    ) -> dict[str, Any] | None:
        """A closed bracket that has traded. `left_e4`: the last price when it was told to leave; 0: not known."""
        closed = self._ledger.close(bracket_id)
        if closed is None:
            return None
        bracket = self.engine.bracket(bracket_id)
        instrument = self._instruments[closed.instrument_id]
        multiplier, qty, side = instrument["multiplier"], closed.qty, closed.side
        charges = charges_in_paise(closed.charges)
        gross = in_paise(closed.gross_e4)
        owed = charges["charges_paise"]

        def cost(asked_e4: int, price_e4: int, direction: int) -> int | None:
            worse_e4 = direction * (price_e4 - asked_e4)
            return in_paise(worse_e4 * qty * multiplier) if asked_e4 else None

        level = LEVELS.get(closed.exit_reason)
        asked_e4: int = bracket[level] if level else left_e4  # type: ignore[literal-required]
        exit_ns = max(closed.ts_exit_ns, closed.ts_entry_ns)
        return {
            "trade_id": trade_id,
            "day": self._day,
            "strategy": self._names.strategy(closed.strategy_id),
            "symbol": self.symbol(closed.instrument_id),
            "product": Product(instrument["product"]).name,
            "side": Side(side).name,
            "quantity": qty,
            "multiplier": multiplier,
            "entry_ns": closed.ts_entry_ns,
            "exit_ns": exit_ns,
            "entry_e4": closed.entry_px_e4,
            "exit_e4": closed.exit_px_e4,
            "stop_e4": bracket["initial_stop_e4"] or None,
            "target_e4": bracket["target_e4"] or None,
            "gross_paise": gross,
            **charges,
            "net_paise": None if owed is None else gross - owed,
            "exit_reason": closed.exit_reason.name,
            "signal_e4": bracket["signal_px_e4"] or None,
            "entry_slippage_paise": cost(bracket["signal_px_e4"], closed.entry_px_e4, side),
            "exit_slippage_paise": cost(asked_e4, closed.exit_px_e4, -side),
            "mae_paise": None if mae_paise is None else min(mae_paise, gross, 0),
            "mfe_paise": None if mfe_paise is None else max(mfe_paise, gross, 0),
            "naked_ns": closed.naked_total_ns,
            "bars_held": (exit_ns - closed.ts_entry_ns) // self._bar_ns(closed.strategy_id),
        }

    def _bar_ns(self, strategy_id: int) -> int:
        """How long the strategy's bars are."""
        series_id = self.engine.strategy(strategy_id)["series_id"]
        return self.engine.series(series_id)["interval_ns"]

    def order(self, order: OrderRow, strategy: str) -> dict[str, Any]:
        status = OrdStatus(order["ord_status"])
        kind = OrdType(order["ord_type"])
        filled = order["cum_qty"]
        return {
            "day": self._day,
            "order_id": order_id_of(order),
            "strategy": strategy,
            "symbol": self.symbol(order["instrument_id"]),
            "leg": Leg(order["leg"]).name,
            "side": Side(order["side"]).name,
            "order_type": kind.name,
            "product": Product(order["product"]).name,
            "quantity": order["order_qty"],
            "limit_e4": (order["price_e4"] or None) if kind in WITH_LIMIT else None,
            "trigger_e4": (order["trigger_e4"] or None) if kind in WITH_TRIGGER else None,
            "status": status.name,
            "filled_quantity": filled,
            "average_e4": (2 * order["cum_value_e4"] + filled) // (2 * filled) if filled else None,
            "placed_ns": order["ts_intent_ns"],
            "ended_ns": (order["ts_update_ns"] or order["ts_report_ns"] or None)
            if status in ENDED
            else None,
            "n_changes": order["n_modifies"],
            "words": "" if order["reason"] == Reason.OK else Reason(order["reason"]).name,
        }

    def strategy_of(self, bracket_id: int) -> str:
        return self._names.strategy(self.engine.bracket(bracket_id)["strategy_id"])

    def closed_brackets(self) -> list[int]:
        """Those that have traded, by id."""
        rows = ((i, self.engine.bracket(i)) for i in range(self.engine.n_brackets))
        return [i for i, row in rows if row["state"] == BracketState.CLOSED and row["entry_qty"]]


def order_id_of(order: OrderRow) -> str:
    """Our ClOrdID; an order of somebody else's has the broker's id only."""
    return order["cl_ord_id"] or order["broker_order_id"]
