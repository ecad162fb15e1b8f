"""Why a decision was taken, in words: what was known, by which rule, and the gates in the order in
which the core asks them.

The core stops at the first gate that says no and gives its code; so everything before that one has
passed, and nothing behind it was asked. A test holds the order below against the core's own source.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from otrade._core.engine.rows import BracketRow, DecisionRow
from otrade._core.types import Action, ExitReason, Leg, Level, Reason, Side
from otrade.contract.queries import DecisionFact, DecisionView, GateResult
from otrade.live.day.trading_day import TradingDay
from otrade.live.history.signal_history import SignalRecord
from otrade.live.history.trade_ledger import average_e4
from otrade.live.notices.board import Notice
from otrade.live.notices.messages import EXIT_WORDS, reason_words
from otrade.live.plan.kind_lines import names_of
from otrade.units import NS_PER_S, ist_hms, rupees

TAKE_GATES: tuple[tuple[Reason, str], ...] = (
    (Reason.DISABLED, "the strategy is switched on"),
    (Reason.ALREADY_OPEN, "the strategy has no position on this side"),
)
FILTER_GATES: tuple[tuple[Reason, str, str], ...] = (
    (Reason.SIDE_OFF, "the strategy trades this side", ""),
    (Reason.WARM_UP, "the filters are warm", "rsi_period"),
    (Reason.RSI_FILTER, "the RSI lies in its range", "rsi_period"),
    (Reason.ATR_FILTER, "the ATR lies in its range", "atr_period"),
    (Reason.TIME_FILTER, "the time of day is allowed", "tod_until_ns"),
)
"""With the parameter that switches a filter on."""
RISK_GATES: tuple[tuple[Reason, str], ...] = (
    (Reason.STOP_DISTANCE, "a stop can stand before the price"),
    (Reason.QTY_ZERO, "the size comes to at least one lot"),
    (Reason.HALTED, "the engine is active and not paused"),
    (Reason.QUARANTINED, "the instrument is explained"),
    (Reason.SESSION, "it is inside the entry hours of this instrument"),
    (Reason.STALE_FEED, "the price is fresh"),
    (Reason.LOT, "whole lots"),
    (Reason.TICK_SIZE, "the price is a multiple of the tick"),
    (Reason.FREEZE, "each order below the exchange's freeze quantity"),
    (Reason.BAND, "inside the exchange's price band"),
    (Reason.SLICES, "the freeze quantity cuts it into ten orders at most"),
    (Reason.MAX_QTY, "the whole entry is below the largest order"),
    (Reason.MAX_NOTIONAL, "the whole entry is below the largest order value"),
    (Reason.MAX_POSITIONS, "fewer positions open than are allowed"),
    (Reason.TRADE_COUNT, "fewer trades today than are allowed"),
    (Reason.DAILY_LOSS, "the day's loss is below its limit"),
    (Reason.DRAWDOWN, "the drawdown is below its limit"),
    (Reason.COOLDOWN, "the strategy does not cool down after a stop"),
    (Reason.IN_DOUBT, "no order of the instrument is in doubt"),
    (Reason.ENTRY_BRAKE, "its last entries were not rejected one after another"),
    (Reason.RATE_BROKER, "the broker has not asked to slow down"),
    (
        Reason.RATE_SECOND,
        "order rate of the second, less the reserve for exits and one request for each stop",
    ),
    (Reason.RATE_MINUTE, "order rate of the minute, less the reserve"),
    (Reason.RATE_HALF_HOUR, "order rate of the half hour, less the reserve"),
    (Reason.RATE_DAY, "order count of the day, less the reserve"),
)
RULES = {
    "ema_cross": ("{fast} crossed {way} {slow}"),
    "sma_cross": ("{fast} crossed {way} {slow}"),
    "price_ema": ("the price crossed {way} its {slow}"),
    "price_sma": ("the price crossed {way} its {slow}"),
    "price_level": ("the price crossed {way} its level"),
}
LEG_RULES = {
    Leg.STOP: "Open quantity is covered at the exchange by a stop for exactly what has been filled; it moves only in our favour.",
    Leg.TARGET: "The profit target of the bracket, for exactly what is open.",
    Leg.FIX: "More was closed than was open: this order undoes the excess.",
}


SAID = {
    Action.BUY: "buy",
    Action.SELL: "sell",
    Action.EXIT: "exit",
    Action.MOVE_STOP: "move the stop",
}
LEVELS = {Level.PRICE: "", Level.DISTANCE: " from the average fill", Level.NONE: " (unknown)"}


def why_signal(day: TradingDay, seen: SignalRecord) -> DecisionView:
    """Why a crossover, or what a compiled strategy said, was taken or refused."""
    planned = day.plan.strategies[seen.strategy_id]
    side = "buy" if seen.side == Side.BUY else "sell"
    if seen.decision is not None:
        side = SAID.get(Action(seen.decision["action"]), side) if _is_known(seen.decision) else "?"
    verdict = "taken" if seen.taken else f"refused: {reason_words(seen.reason)}"
    return DecisionView(
        title=f"{planned.name} says {side} at {rupees(seen.px_e4)}: {verdict}",
        rule=rule_of(day, seen),
        facts=facts_of(day, seen) + waits_of(day, seen),
        gates=gates_of(
            planned.params if seen.decision is None else {}, seen.reason, taken=seen.taken
        ),
    )


def why_order(day: TradingDay, order: Mapping[str, Any]) -> DecisionView:
    """Why an order was sent: an entry by its signal, an exit by its bracket."""
    bracket_id = order["bracket_id"]
    if bracket_id < 0:
        return DecisionView(title="An order outside every bracket", rule="", facts=[], gates=[])
    bracket, leg = day.engine.bracket(bracket_id), Leg(order["leg"])
    if leg == Leg.ENTRY:
        seen = signal_of(day, bracket)
        if seen is not None:
            return why_signal(day, seen)
        return DecisionView(
            title="Entry; its signal was seen by an earlier process",
            rule="",
            facts=_bracket_facts(day, bracket),
            gates=[],
        )
    reason = ExitReason(bracket["exit_reason"])
    left = f"; the bracket was left by {EXIT_WORDS[reason]}" if reason != ExitReason.NONE else ""
    title = f"{leg.name.capitalize()} of bracket {bracket_id}{left}"
    return DecisionView(
        title=title, rule=LEG_RULES.get(leg, ""), facts=_bracket_facts(day, bracket), gates=[]
    )


def signal_of(day: TradingDay, bracket: BracketRow) -> SignalRecord | None:
    """The taken signal that opened a bracket: the newest of its strategy, side and price before the
    bracket was there.
    """
    return next(
        (
            seen
            for seen in reversed(day.signals.since(0))
            if seen.taken
            and (seen.decision is None or seen.decision["action"] in (Action.BUY, Action.SELL))
            and (seen.strategy_id, seen.side, seen.px_e4)
            == (bracket["strategy_id"], bracket["side"], bracket["signal_px_e4"])
            and seen.ts_ns <= bracket["ts_open_ns"]
        ),
        None,
    )


def _is_known(decision: DecisionRow) -> bool:
    return decision["action"] in SAID


def rule_of(day: TradingDay, seen: SignalRecord) -> str:
    """By which rule: the reason that a compiled strategy gave, in its own words, or what crossed what."""
    planned = day.plan.strategies[seen.strategy_id]
    if seen.decision is not None:
        why = seen.decision["why"]
        if not 0 < why <= len(planned.reasons):
            return f"{planned.name} gave no reason."
        words = planned.reasons[why - 1]
        return f"{words[:1].upper()}{words[1:]}."
    fast, slow = names_of(planned.kind, planned.params)
    way = "above" if seen.side == Side.BUY else "below"
    crossed = RULES.get(planned.kind, "{fast} crossed {way} {slow}").format(
        fast=fast, slow=slow, way=way
    )
    when = (
        f"at the close of a bar of {planned.interval_s} s"
        if planned.params.get("bar_mode")
        else "on a tick"
    )
    return f"{crossed[:1].upper()}{crossed[1:]} {when}."


def facts_of(day: TradingDay, seen: SignalRecord) -> list[DecisionFact]:
    """What the strategy knew."""
    planned = day.plan.strategies[seen.strategy_id]
    params = planned.params
    facts = [
        DecisionFact(name="Instrument", value=day.plan.instruments[seen.instrument_id].name),
        DecisionFact(name="Bar or tick of", value=f"{ist_hms(seen.ts_ns)} IST"),
        DecisionFact(name="Price", value=rupees(seen.px_e4)),
    ]
    if seen.decision is not None:
        return facts + _said(seen.decision)
    fast, slow = names_of(planned.kind, params)
    facts += [
        DecisionFact(name=fast or "Price, as averaged", value=_number(seen.fast)),
        DecisionFact(name=slow, value=_number(seen.slow)),
    ]
    if params.get("rsi_period"):
        side = "long" if seen.side == Side.BUY else "short"
        allowed = f"allowed {params[f'rsi_{side}_min']:g} to {params[f'rsi_{side}_max']:g}"
        facts.append(
            DecisionFact(name=f"RSI {params['rsi_period']}", value=f"{seen.rsi:.2f}, {allowed}")
        )
    if params.get("atr_period"):
        bps = seen.atr * 1e8 / seen.px_e4 if seen.px_e4 else 0.0
        facts.append(
            DecisionFact(
                name=f"ATR {params['atr_period']}",
                value=f"{_number(seen.atr)} ({bps:.1f} bps of the price)",
            )
        )
    return facts


def _said(decision: DecisionRow) -> list[DecisionFact]:
    """Levels, size and inputs as a compiled strategy said them."""
    facts = []
    for name, kind, value in (
        ("Stop", decision["stop_is"], decision["stop"]),
        ("Target", decision["target_is"], decision["target"]),
    ):
        words = "the plan's"
        if kind != Level.PLAN:
            words = _number(value) + LEVELS.get(Level(kind), "") if kind in LEVELS else "unknown"
        facts.append(DecisionFact(name=f"{name} that it said", value=words))
    qty = f"{decision['qty']} units" if decision["qty"] else "sized by the plan"
    facts.append(DecisionFact(name="Size that it said", value=qty))
    inputs = (decision["input_1"], decision["input_2"], decision["input_3"], decision["input_4"])
    for number, value in enumerate(inputs[: max(decision["n_inputs"], 0)], 1):
        facts.append(DecisionFact(name=f"Input {number}", value=f"{value:g}"))
    return facts


WAITS = ("ENTRY_WAITS", "ENTRY_SENT", "ENTRY_DROPPED", "ENTRY_CUT")
DECIDED = ("SIGNAL_TAKEN", "SIGNAL_REFUSED")


def waits_of(day: TradingDay, seen: SignalRecord) -> list[DecisionFact]:
    """What came of an entry that had to wait for the rate budget, whole or in part; nothing of one
    that did not.
    """
    told: list[Notice] = []
    n_decided = 0
    for notice in day.board.since(0):
        if notice.strategy_id != seen.strategy_id or notice.ts_ns < seen.ts_ns:
            continue
        n_decided += notice.code in DECIDED
        if n_decided > 1:
            break
        told += [notice] if notice.code in WAITS else []
    if all(notice.code == "ENTRY_SENT" for notice in told):
        return []
    return [DecisionFact(name=f"{ist_hms(notice.ts_ns)} IST", value=notice.text) for notice in told]


def gates_of(params: Mapping[str, int | float], reason: int, *, taken: bool) -> list[GateResult]:
    """Every gate of an entry with what it said."""
    rules: list[tuple[Reason, str]] = [*TAKE_GATES]
    rules += [
        (code, words)
        for code, words, switch in FILTER_GATES
        if not switch or params.get(switch) or _warm(code, params)
    ]
    rules += RISK_GATES
    known = {code for code, _ in rules}
    if not taken and reason not in known:
        rules.append((Reason(reason), reason_words(reason)))
    gates, has_failed = [], False
    for code, words in rules:
        fails = not taken and code == reason
        gates.append(
            GateResult(
                code=code.name,
                words=words,
                verdict="failed" if fails else "not_asked" if has_failed else "passed",
            )
        )
        has_failed = has_failed or fails
    return gates


def _warm(code: Reason, params: Mapping[str, int | float]) -> bool:
    return code == Reason.WARM_UP and bool(params.get("atr_period"))


def _bracket_facts(day: TradingDay, bracket: BracketRow) -> list[DecisionFact]:
    entry_e4 = average_e4(bracket["entry_value_e4"], bracket["entry_qty"])
    facts: Sequence[tuple[str, str]] = (
        (
            "Strategy",
            day.plan.strategies[bracket["strategy_id"]].name
            if bracket["strategy_id"] >= 0
            else "none",
        ),
        ("Instrument", day.plan.instruments[bracket["instrument_id"]].name),
        ("Entry average", rupees(entry_e4) if entry_e4 else "nothing filled yet"),
        (
            "First stop",
            rupees(bracket["initial_stop_e4"]) if bracket["initial_stop_e4"] else "none",
        ),
        ("Stop now", rupees(bracket["stop_e4"]) if bracket["stop_e4"] else "none"),
        ("Stop moved", f"{bracket['n_stop_moves']} times"),
        ("Target", rupees(bracket["target_e4"]) if bracket["target_e4"] else "none"),
        ("Best price seen", rupees(bracket["best_e4"]) if bracket["best_e4"] else "none"),
        ("Open, and covered", f"{bracket['open_qty']} units, {bracket['protected_qty']} covered"),
        ("Without a working stop", f"{bracket['naked_total_ns'] / NS_PER_S:.3f} s so far"),
        (
            "At the target, no stop behind",
            f"{bracket['target_total_ns'] / NS_PER_S:.3f} s so far, by design",
        ),
    )
    return [DecisionFact(name=name, value=value) for name, value in facts]


def _number(value: float) -> str:
    return "not known" if not math.isfinite(value) else rupees(round(value * 10_000))
