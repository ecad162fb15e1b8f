"""What a day has left in the core and at the exchange, as rows of a result."""

from __future__ import annotations

import datetime as dt
from typing import Any

from otrade._core.engine.engine import Engine
from otrade._core.types import NONE_ID, BracketState, ExitReason, Leg, OrdStatus, OrdType, Side
from otrade.live.history.day_charges import charge_rule_of
from otrade.live.history.trade_ledger import ClosedTrade, TradeLedger, average_e4
from otrade.live.notices.messages import reason_words
from otrade.live.plan.day_plan import DayPlan
from otrade.research.backtest.day_loop import DayLoop
from otrade.research.backtest.day_setup import ReadyDay
from otrade.research.backtest.exchange import Exchange
from otrade.research.results.schema import ENDED, charges_in_paise, exact_parts, in_paise
from otrade.units import NS_PER_S

ASKED_AT_STOP = (ExitReason.STOP, ExitReason.TRAIL)
Row = dict[str, Any]


class DayRows:
    """`first_trade_id` goes on from the days before."""

    def __init__(
        self, date: dt.date, ready: ReadyDay, loop: DayLoop, exchange: Exchange, first_trade_id: int
    ) -> None:
        self._date = date
        self._plan: DayPlan = ready.plan
        self._engine: Engine = ready.plan.engine
        self._loop = loop
        self._exchange = exchange
        self._first_trade_id = first_trade_id
        ledger = TradeLedger(self._engine, charge_rule_of(self._plan, ready.charges))
        self._trades: dict[int, ClosedTrade] = {}
        self.left_open: list[str] = []
        """In words: positions that the day could not close."""
        for bracket_id in range(self._engine.n_brackets):
            trade = ledger.close(bracket_id)
            if trade is not None:
                self._trades[bracket_id] = trade
            elif self._engine.bracket(bracket_id)["entry_qty"] > 0:
                self.left_open.append(self._left_words(bracket_id))
        self._ids = {bracket_id: first_trade_id + n for n, bracket_id in enumerate(self._trades)}

    def _left_words(self, bracket_id: int) -> str:
        bracket = self._engine.bracket(bracket_id)
        name = self._plan.symbol_of(bracket["instrument_id"])
        strategy = self._plan.strategy_of(bracket["strategy_id"])
        return f"{strategy}: {bracket['open_qty']} {name} could not be closed"

    @property
    def n_trades(self) -> int:
        return len(self._trades)

    def trades(self) -> list[Row]:
        return [self._trade(bracket_id, trade) for bracket_id, trade in self._trades.items()]

    def _trade(self, bracket_id: int, trade: ClosedTrade) -> Row:
        bracket = self._engine.bracket(bracket_id)
        instrument = self._plan.instruments[trade.instrument_id]
        strategy = self._plan.strategies[trade.strategy_id]
        multiplier = self._engine.instrument(trade.instrument_id)["multiplier"]
        charges = charges_in_paise(trade.charges)
        gross = in_paise(trade.gross_e4)
        total = charges["charges_paise"]
        worst_e4, best_e4 = self._loop.excursion_e4(bracket_id)
        asked_e4 = None
        if trade.exit_reason in ASKED_AT_STOP:
            asked_e4 = bracket["stop_e4"] or None
        elif trade.exit_reason == ExitReason.TARGET:
            asked_e4 = bracket["target_e4"] or None
        else:
            asked_e4 = self._loop.left_e4(bracket_id) or None
        worth = trade.qty * multiplier
        return {
            "trade_id": self._ids[bracket_id],
            "day": self._date,
            "strategy": strategy.name,
            "symbol": instrument.name,
            "product": instrument.product,
            "side": Side(trade.side).name,
            "quantity": trade.qty,
            "multiplier": multiplier,
            "entry_ns": trade.ts_entry_ns,
            "exit_ns": trade.ts_exit_ns,
            "entry_e4": trade.entry_px_e4,
            "exit_e4": trade.exit_px_e4,
            "stop_e4": bracket["initial_stop_e4"] or None,
            "target_e4": bracket["target_e4"] or None,
            "gross_paise": gross,
            **charges,
            "net_paise": None if total is None else gross - total,
            "exit_reason": trade.exit_reason.name,
            "signal_e4": bracket["signal_px_e4"] or None,
            "entry_slippage_paise": in_paise(trade.slippage_e4 * worth)
            if bracket["signal_px_e4"]
            else None,
            "exit_slippage_paise": None
            if asked_e4 is None
            else in_paise(trade.side * (asked_e4 - trade.exit_px_e4) * worth),
            "mae_paise": in_paise(min(worst_e4, 0)),
            "mfe_paise": in_paise(max(best_e4, 0)),
            "naked_ns": trade.naked_total_ns,
            "bars_held": (trade.ts_exit_ns - trade.ts_entry_ns) // (strategy.interval_s * NS_PER_S),
        }

    def orders(self) -> list[Row]:
        rows = []
        asked_ns = self._exchange.asked_ns()
        for slot in range(self._engine.n_orders):
            order = self._engine.order(slot)
            status = OrdStatus(order["ord_status"])
            bracket = self._engine.bracket(order["bracket_id"])
            instrument = self._plan.instruments[order["instrument_id"]]
            rows.append(
                {
                    "day": self._date,
                    "order_id": order["cl_ord_id"] or order["broker_order_id"],
                    "strategy": self._plan.strategies[bracket["strategy_id"]].name,
                    "symbol": instrument.name,
                    "leg": Leg(order["leg"]).name,
                    "side": Side(order["side"]).name,
                    "order_type": OrdType(order["ord_type"]).name,
                    "product": instrument.product,
                    "quantity": order["order_qty"],
                    "limit_e4": order["price_e4"] or None,
                    "trigger_e4": order["trigger_e4"] or None,
                    "status": status.name,
                    "filled_quantity": order["cum_qty"],
                    "average_e4": average_e4(order["cum_value_e4"], order["cum_qty"]) or None,
                    "placed_ns": asked_ns.get(order["cl_ord_id"], order["ts_intent_ns"]),
                    "ended_ns": order["ts_update_ns"] or None if status in ENDED else None,
                    "n_changes": order["n_modifies"],
                    "words": reason_words(order["reason"]) if order["reason"] else "",
                }
            )
        return rows

    def fills(self) -> list[Row]:
        rows = []
        for ts_ns, instrument_id, tag, side, quantity, price_e4 in self._exchange.fill_rows():
            slot = self._engine.find_order(tag, "")
            if slot == NONE_ID:
                continue
            fill = self._fill(slot, tag, instrument_id, side, ts_ns)
            if fill is not None:
                rows.append({**fill, "quantity": quantity, "price_e4": price_e4})
        for ts_ns, instrument_id, name, side, quantity, value_e4 in self._loop.square_off_rows():
            fill = self._fill(self._engine.find_order("", name), name, instrument_id, side, ts_ns)
            if fill is not None:
                rows += [{**fill, **part} for part in exact_parts(quantity, value_e4)]
        return sorted(rows, key=lambda row: row["ts_ns"])

    def _fill(
        self, slot: int, order_id: str, instrument_id: int, side: int, ts_ns: int
    ) -> Row | None:
        """An execution without quantity and price; None of a position that was never closed: it is no trade."""
        order = self._engine.order(slot)
        trade = self._trades.get(order["bracket_id"])
        if trade is None:
            return None
        leg = Leg(order["leg"])
        return {
            "day": self._date,
            "order_id": order_id,
            "trade_id": self._ids[order["bracket_id"]],
            "symbol": self._plan.instruments[instrument_id].name,
            "side": Side(side).name,
            "ts_ns": ts_ns,
            "leg": leg.name,
            "reason": "" if leg == Leg.ENTRY else trade.exit_reason.name,
        }

    def equity(self, gross_before: int, charges_before: int | None) -> dict[str, list[Any]]:
        """Points of the curve; `before`: what the days before have left, in paise. The day's last point
        is the sum of its trades.
        """
        points = self._loop.equity_rows()
        is_known = charges_before is not None and not self._engine.risk()["uncharged"]
        gross = [gross_before + in_paise(point[1]) for point in points]
        charges = [
            (charges_before or 0) + in_paise(point[2]) if is_known else None for point in points
        ]
        return {
            "ts_ns": [point[0] for point in points],
            "day": [self._date] * len(points),
            "gross_paise": gross,
            "charges_paise": charges,
            "net_paise": [
                None if cost is None else profit - cost
                for profit, cost in zip(gross, charges, strict=True)
            ],
            "open_paise": [in_paise(point[3]) for point in points],
        }

    def is_flat(self) -> bool:
        return all(
            self._engine.bracket(i)["state"] == BracketState.CLOSED
            for i in range(self._engine.n_brackets)
        )
