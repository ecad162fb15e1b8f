"""The day's tables as the page sees them: rows are made as they are asked for, and only anew when
what they show has changed.
"""

from collections.abc import Iterator
from enum import IntEnum
from typing import Any

from otrade._core.engine.rows import BracketRow
from otrade._core.types import (
    BracketState,
    ExitReason,
    Leg,
    OrdStatus,
    OrdType,
    Pending,
    Phase,
    Side,
)
from otrade.charges import LINES, Charges
from otrade.contract import views
from otrade.live.day.trading_day import TradingDay
from otrade.live.history.trade_ledger import average_e4
from otrade.live.notices.messages import reason_words
from otrade.live.plan.warm_start import waiting_words
from otrade.units import NS_PER_MS

NOTHING_LIVE = {"value_e4": 0, "size": 0, "unrealised_e4": 0}


class RowBuilder:
    """Of one day. What is made is cached with the mark that the engine gave of it
    (`Engine.order_mark` and its like).
    """

    def __init__(self, day: TradingDay) -> None:
        self._day = day
        self._instruments: dict[int, tuple[int, views.InstrumentView]] = {}
        self._brackets: dict[int, tuple[int, views.BracketView]] = {}
        self._orders: dict[int, tuple[int, views.OrderView]] = {}
        self._naked: set[int] = set()

    def instruments(self) -> Iterator[views.InstrumentView]:
        day = self._day
        for instrument_id in range(len(day.plan.instruments)):
            mark = day.engine.instrument_mark(instrument_id)
            cached = self._instruments.get(instrument_id)
            if cached is None or cached[0] != mark:
                cached = self._instruments[instrument_id] = mark, self._instrument(instrument_id)
            yield cached[1]

    def _instrument(self, instrument_id: int) -> views.InstrumentView:
        engine, planned = self._day.engine, self._day.plan.instruments[instrument_id]
        inst, market = engine.instrument(instrument_id), engine.market(instrument_id)
        return views.InstrumentView(
            id=instrument_id,
            symbol=planned.name,
            ltp_e4=market["ltp_e4"] or None,
            close_e4=market["close_e4"] or None,
            bid_e4=market["bid_px_e4"] or None,
            ask_e4=market["ask_px_e4"] or None,
            volume=market["volume"],
            ts_recv_ms=ms_or_none(market["ts_recv_ns"]),
            phase=word_of(Phase(inst["phase"])),
            quarantined=bool(inst["quarantined"]),
            tick_size_e4=inst["tick_size_e4"],
            lot_size=inst["lot_size"],
        )

    def strategies(self) -> Iterator[views.StrategyView]:
        day = self._day
        live = day.engine.live_of_strategies()
        for strategy_id, planned in enumerate(day.plan.strategies):
            view = day.engine.strategy(strategy_id)
            signal, has_lines = view["signal"], bool(view["signal"]["ready"])
            params = view["params"]
            yield views.StrategyView(
                id=strategy_id,
                name=planned.name,
                instrument_id=planned.instrument_id,
                kind=planned.kind,
                interval_s=planned.interval_s,
                params=planned.params,
                enabled=view["enabled"],
                ready=has_lines or view["is_file"],
                waits_for=waiting_words(day.engine, view, day.engine.now_ns),
                fast=signal["fast"] if has_lines else None,
                slow=signal["slow"] if has_lines else None,
                rsi=signal["rsi"] if params["rsi_period"] and has_lines else None,
                atr=signal["atr"] if params["atr_period"] and has_lines else None,
                last_signal_seq=day.signals.last_of(strategy_id),
                bracket_ids=live.get(strategy_id, []),
            )

    def brackets(self) -> Iterator[views.BracketView]:
        day = self._day
        for bracket_id in range(day.engine.n_brackets):
            mark = day.engine.bracket_mark(bracket_id)
            cached = self._brackets.get(bracket_id)
            # The time without a stop goes on though nothing changes.
            if cached is None or cached[0] != mark or bracket_id in self._naked:
                cached = self._brackets[bracket_id] = mark, self._bracket(bracket_id)
            yield cached[1]

    def _bracket(self, bracket_id: int) -> views.BracketView:
        day = self._day
        bracket = day.engine.bracket(bracket_id)
        state = BracketState(bracket["state"])
        is_closed = state == BracketState.CLOSED
        self._naked.discard(bracket_id)
        if bracket["naked_since_ns"] or bracket["target_since_ns"]:
            self._naked.add(bracket_id)
        return views.BracketView(
            id=bracket_id,
            strategy_id=bracket["strategy_id"],
            instrument_id=bracket["instrument_id"],
            side=side_of(bracket["side"]),
            state=word_of(state),
            qty=bracket["order_qty"],
            open_qty=bracket["open_qty"],
            protected_qty=bracket["protected_qty"],
            entry_px_e4=average_e4(bracket["entry_value_e4"], bracket["entry_qty"]) or None,
            stop_px_e4=bracket["stop_e4"] or None,
            target_px_e4=bracket["target_e4"] or None,
            ltp_e4=None
            if is_closed
            else day.engine.market(bracket["instrument_id"])["ltp_e4"] or None,
            pnl_e4=bracket["pnl_e4"],
            risk_e4=_risk_e4(day, bracket),
            naked_ms=bracket["naked_total_ns"] / NS_PER_MS,
            target_ms=bracket["target_total_ns"] / NS_PER_MS,
            ts_open_ms=bracket["ts_open_ns"] // NS_PER_MS,
            ts_close_ms=ms_or_none(bracket["ts_close_ns"]) if is_closed else None,
            exit_reason=word_of(ExitReason(bracket["exit_reason"])),
        )

    def orders(self) -> Iterator[views.OrderView]:
        day = self._day
        for slot in range(day.engine.n_orders):
            mark = day.engine.order_mark(slot)
            cached = self._orders.get(slot)
            if cached is None or cached[0] != mark:
                cached = self._orders[slot] = mark, self._order(slot)
            yield cached[1]

    def _order(self, slot: int) -> views.OrderView:
        day = self._day
        order = day.engine.order(slot)
        instrument_id, bracket_id = order["instrument_id"], order["bracket_id"]
        return views.OrderView(
            cl_ord_id=order["cl_ord_id"],
            broker_order_id=order["broker_order_id"] or None,
            instrument_id=instrument_id,
            symbol=day.plan.instruments[instrument_id].name,
            bracket_id=bracket_id if bracket_id >= 0 else None,
            leg=word_of(Leg(order["leg"])),
            side=side_of(order["side"]),
            ord_type=word_of(OrdType(order["ord_type"])),
            qty=order["order_qty"],
            cum_qty=order["cum_qty"],
            avg_px_e4=average_e4(order["cum_value_e4"], order["cum_qty"]) or None,
            price_e4=order["price_e4"] or None,
            trigger_e4=order["trigger_e4"] or None,
            ord_status=word_of(OrdStatus(order["ord_status"])),
            pending=word_of(Pending(order["pending"])),
            in_doubt=bool(order["in_doubt"]),
            text=reason_words(order["reason"]) if order["reason"] else "",
            ts_intent_ms=order["ts_intent_ns"] // NS_PER_MS,
            ts_sent_ms=ms_or_none(order["ts_sent_ns"]),
            ts_ack_ms=ms_or_none(order["ts_ack_ns"]),
            ts_last_ms=max(order["ts_intent_ns"], order["ts_ack_ns"], order["ts_report_ns"])
            // NS_PER_MS,
            source=day.router.source_of(order["cl_ord_id"]),
        )

    def positions(self) -> Iterator[views.PositionView]:
        day = self._day
        lives = day.engine.live_sums()
        for instrument_id, planned in enumerate(day.plan.instruments):
            position, market = day.engine.position(instrument_id), day.engine.market(instrument_id)
            if not position["buy_qty"] and not position["sell_qty"]:
                continue
            here = lives.get(instrument_id, NOTHING_LIVE)
            yield views.PositionView(
                instrument_id=instrument_id,
                symbol=planned.name,
                net_qty=position["net_qty"],
                avg_px_e4=average_e4(here["value_e4"], here["size"]) or None,
                ltp_e4=market["ltp_e4"] or None,
                gross_e4=position["pnl_e4"],
                realised_e4=position["pnl_e4"] - here["unrealised_e4"],
                source="engine",
                ts_last_ms=market["ts_recv_ns"] // NS_PER_MS,
            )

    def trades(self) -> Iterator[views.TradeView]:
        day = self._day
        for number, trade in enumerate(day.trades.trades, 1):
            yield views.TradeView(
                id=number,
                bracket_id=trade.bracket_id,
                strategy_id=trade.strategy_id,
                instrument_id=trade.instrument_id,
                side=side_of(trade.side),
                qty=trade.qty,
                entry_px_e4=trade.entry_px_e4,
                exit_px_e4=trade.exit_px_e4,
                ts_entry_ms=trade.ts_entry_ns // NS_PER_MS,
                ts_exit_ms=trade.ts_exit_ns // NS_PER_MS,
                gross_e4=trade.gross_e4,
                charges_e4=trade.charges_e4,
                net_e4=trade.net_e4,
                charges=charges_view(trade.charges),
                naked_ms=trade.naked_total_ns / NS_PER_MS,
                target_ms=trade.target_total_ns / NS_PER_MS,
                slippage_e4=trade.slippage_e4,
                exit_reason=word_of(trade.exit_reason),
            )


def charges_view(charges: Charges, n_open: int = 0) -> views.ChargesView:
    """The breakdown, and in words what is missing from it: lines that are not known, and trades
    that still are open, of which what has traded so far is charged.
    """
    words = [charges.words] if charges.unknown else []
    if n_open:
        words.append(f"{n_open} open: the exit is charged when it trades")
    return views.ChargesView(
        **{f"{name}_e4": charges.line(name) for name in LINES}, words="; ".join(words)
    )


def _risk_e4(day: TradingDay, bracket: BracketRow) -> int | None:
    """What the open quantity would lose from the last price to its stop. A gap through the stop can
    lose more.
    """
    if not bracket["stop_e4"]:
        return None
    market, instrument = (
        day.engine.market(bracket["instrument_id"]),
        day.engine.instrument(bracket["instrument_id"]),
    )
    away_e4 = bracket["side"] * (market["ltp_e4"] - bracket["stop_e4"])
    return max(0, int(away_e4 * bracket["open_qty"] * instrument["multiplier"]))


def ms_or_none(ts_ns: int) -> int | None:
    return ts_ns // NS_PER_MS if ts_ns else None


def word_of(member: IntEnum) -> Any:
    """The name of an enum's member: the literals of the contract are these names."""
    return member.name


def side_of(side: int) -> views.Side:
    return "BUY" if side == Side.BUY else "SELL"
