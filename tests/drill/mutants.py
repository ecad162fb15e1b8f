"""Bugs, planted one at a time in a copy of the tree, each to be caught by the drill: proof that the
drill can fail.

    python -m tests.drill.mutants [--only NAME] [--seeds N] [--jobs N]

A mutant is a row: module, function, the operators that change it (`operators.py`: each finds its
place by names), and what is wrong with that. A place that is not there once is an error that names
the row. Prints the seeds that each took; exit code 1 when one survives.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass

from otrade.drill.trouble import OF_TWO_FEEDS
from tests.drill.mutant_tree import COPY, drill, planted, prepare
from tests.drill.operators import (
    ROOT,
    Operator,
    PlaceError,
    after,
    also_if,
    always,
    argument,
    before,
    changed,
    drop,
    inside,
    instead,
    never,
    only_if,
    returns,
    source_of,
    swap,
    without,
)

CORE = "otrade._core."
BUILTIN = "otrade.strategy.builtin."
FEEDS = ",".join(OF_TWO_FEEDS)


@dataclass(frozen=True)
class Mutant:
    name: str
    module: str
    function: str
    """Or a method, or a whole class: then the words are unique in that."""
    operators: tuple[Operator, ...]
    wrong: str
    faults: str = ""
    """The only troubles under which it is drilled; empty: all of them."""

    @property
    def file(self) -> str:
        """Relative to the tree."""
        try:
            return str(source_of(self.module).relative_to(ROOT))
        except PlaceError as error:
            raise PlaceError(f"mutant {self.name!r}: {error}") from None

    def planted_in(self, text: str) -> str:
        """This module's source with the bug in it. PlaceError, which names the row, when a place is
        not there once.
        """
        try:
            return changed(text, self.function, self.operators)
        except PlaceError as error:
            row = f"mutant {self.name!r} ({self.module}, {self.function})"
            raise PlaceError(f"{row}: {error}; bring the table up to date") from None


MUTANTS = (
    # ------------------------------------------------ entries that a trader would not have made
    Mutant(
        "trades the wrong side",
        CORE + "orders.entry",
        "take_decision",
        (swap("cdef side s.signal.side", "s.signal.side", "-s.signal.side"),),
        "a buy signal sells",
    ),
    Mutant(
        "size doubled",
        CORE + "orders.entry",
        "_size",
        (swap("e.total otk_size_qty", "plan.size_value", "2 * plan.size_value"),),
        "twice what the plan says",
    ),
    Mutant(
        "no entry cut-off",
        CORE + "orders.risk",
        "phase",
        (never("entry_until_ns"),),
        "entries go on until the square-off",
    ),
    Mutant(
        "pause and halt ignored",
        CORE + "orders.risk",
        "gate_entry",
        (never("c.paused"),),
        "a person says stop, and it enters",
    ),
    Mutant(
        "entry limit on the wrong side",
        CORE + "orders.entry",
        "_size",
        (argument("e.limit_e4 otk_limit_through", "otk_limit_through", 1, "-side"),),
        "an entry that waits for a better price than there is",
    ),
    Mutant(
        "entry offset doubled",
        CORE + "orders.entry",
        "_size",
        (
            argument(
                "e.limit_e4 otk_limit_through",
                "otk_limit_through",
                2,
                "2.0 * plan.entry_offset_bps",
            ),
        ),
        "pays twice the distance through the market",
    ),
    Mutant(
        "best ask ignored",
        CORE + "orders.entry",
        "_size",
        (never("SIDE_BUY m.ask_px_e4"),),
        "a buy is priced from the last price alone",
    ),
    Mutant(
        "entry timeout doubled",
        CORE + "orders.entry",
        "_send",
        (swap("b.entry_expire_ns", "plan.entry_timeout_ns if", "2 * plan.entry_timeout_ns if"),),
        "an entry stands twice as long as its plan lets it",
    ),
    Mutant(
        "limit entries go to the market",
        CORE + "orders.entry",
        "_size",
        (never("ENTRY_MARKET"),),
        "a limit of 0",
    ),
    Mutant(
        "one position more than allowed",
        CORE + "orders.risk",
        "gate_entry",
        (
            swap(
                "limits.max_open_positions risk.open_positions",
                "risk.open_positions >=",
                "risk.open_positions >",
            ),
        ),
        "max_open_positions off by one",
    ),
    Mutant(
        "one trade more than allowed",
        CORE + "orders.risk",
        "gate_entry",
        (swap("limits.max_trades risk.trades", "risk.n_entering >=", "risk.n_entering >"),),
        "max_trades off by one",
    ),
    Mutant(
        "max_order_qty ignored",
        CORE + "orders.risk",
        "gate_entry",
        (never("limits.max_order_qty"),),
        "a decision larger than its limit",
    ),
    Mutant(
        "enters while in a position",
        CORE + "orders.entry",
        "take_decision",
        (never("s.n_open > 0"),),
        "a second position beside the first",
    ),
    Mutant(
        "reversal to the same side",
        CORE + "orders.entry",
        "_on_opposite",
        (swap("s.reverse_side = side", "side", "-side"),),
        "what was left is entered again",
    ),
    Mutant(
        "side mask ignored",
        CORE + "kernels.filters",
        "filters_refuse",
        (never("side_mask"),),
        "sells where the strategy only buys",
    ),
    Mutant(
        "slow average off by one",
        BUILTIN + "ema_cross",
        "EmaCrossing",
        (
            swap("on_bar / slow ema", "self.slow_period", "self.slow_period + 1"),
            swap("on_tick / slow ema", "self.slow_period", "self.slow_period + 1"),
        ),
        "another average, and other crossings",
    ),
    Mutant(
        "warm-up dropped",
        BUILTIN + "ema_cross",
        "EmaCrossing",
        (never("on_bar / self.slow.ready"), never("on_tick / self.slow.ready")),
        "a crossing of averages that are none yet",
    ),
    Mutant(
        "touching is crossing",
        "otrade.strategy.indicators.trend",
        "cross",
        (swap("a > b", "a > b", "a >= b"),),
        "equal averages change the side",
    ),
    Mutant(
        "lots not rounded",
        CORE + "kernels.money",
        "size_qty",
        (returns("lot", "qty"),),
        "a quantity that the exchange does not take",
    ),
    Mutant(
        "slices above the freeze quantity",
        CORE + "orders.entry",
        "_size",
        (never("inst.freeze_qty"),),
        "one order where several are needed",
    ),
    Mutant(
        "a new position valued at an old price",
        CORE + "orders.position",
        "fill",
        (never("was_flat"),),
        "a loss limit trips without a loss",
    ),
    Mutant(
        "resend without the second look",
        CORE + "orders.report",
        "on_book_end",
        (never("looks"), always("ts_look_ns")),
        "one look at a book that is late makes a second order",
    ),
    Mutant(
        "timeout taken for a refusal",
        CORE + "orders.report",
        "on_answer",
        (after("cdef ev outcome", "if outcome == EV_TIMEOUT:", "    outcome = ev = EV_REFUSED"),),
        "unknown is not failed",
    ),
    Mutant(
        "resend while in doubt",
        CORE + "orders.exits",
        "_ensure",
        (also_if("NULL", "o.in_doubt"),),
        "a stop that may stand is sent again",
    ),
    Mutant(
        "forget a partial fill",
        CORE + "orders.report",
        "on_report",
        (only_if("d_qty: on_fill", "o.cum_qty >= o.order_qty"),),
        "the quantity filled before the last report is lost",
    ),
    Mutant(
        "accept a falling filled quantity",
        CORE + "orders.order",
        "take_fill",
        (instead("return REASON_CUM_QTY_FELL", "order.cum_qty = cum_qty"),),
        "an old report counts a fill twice later",
    ),
    Mutant(
        "failed query taken for an empty book",
        "otrade.live.oms.order_book_poller",
        "OrderBookPoller",
        (
            after(
                "gap_ns (error)",
                "self._engine.on_book_begin(ts_request_ns)",
                "self._engine.on_book_end(self._clock.now_ns())",
            ),
        ),
        "a question that was not answered proves nothing",
    ),
    Mutant(
        "zero average booked for good",
        "otrade.brokers.parse",
        "fill_value",
        (returns("AVERAGE", "value, Worth.AVERAGE if value else Worth.EXACT"),),
        "a price that is not told is taken for nothing",
    ),
    Mutant(
        "value at an unchanged quantity dropped",
        CORE + "orders.order",
        "is_better",
        (returns("True", "False"),),
        "what the trades say comes too late to be taken",
    ),
    Mutant(
        "empty book proves absence",
        "otrade.live.oms.order_book_poller",
        "take",
        (argument("on_book_end", "on_book_end", 1, "True"),),
        "a book without what we know is taken for a whole one",
        faults="stop_in_doubt_and_empty_book",
    ),
    Mutant(
        "403 at the book ignored",
        "otrade.live.day.trading_day",
        "TradingDay",
        (drop("error TokenError: _on_token_dead"),),
        "a token that is refused at the order book goes on to trade",
        faults="book_403",
    ),
    Mutant(
        "second exit beside the first",
        CORE + "orders.exits",
        "_ensure",
        (also_if("NULL", "o.ord_type != ord_type"),),
        "the target is placed and the stop left: both can fill",
    ),
    Mutant(
        "budget ignored",
        CORE + "orders.risk",
        "budget_left",
        (never("per_second"),),
        "more requests a second than are allowed",
    ),
    Mutant(
        "tag used again",
        CORE + "state",
        "new_order",
        (
            drop("b.next_attempt +="),
            after("b.n_orders +=", "if b.n_orders > 2:", "    slot = b.order_head - 1"),
        ),
        "two orders with one ClOrdID",
    ),
    Mutant(
        "stop for what was ordered",
        CORE + "orders.exits",
        "_work_open",
        (argument("else / TYPE_SL", "_ensure", 4, "b.order_qty"),),
        "a partly filled entry gets a stop for more than is open",
    ),
    Mutant(
        "late fill ignored",
        CORE + "orders.report",
        "on_report",
        (only_if("cum_qty", "not was_final"),),
        "what traded after the cancel is nobody's",
    ),
    Mutant(
        "unknown status taken for cancelled",
        "otrade.brokers.kite.reports",
        "report_of",
        (swap("EV_OF_STATUS", "UNKNOWN", "CANCELED"),),
        "a word that nobody knows ends an order that lives",
    ),
    Mutant(
        "naked clock stopped too early",
        CORE + "orders.exits",
        "standing_qty",
        (swap("TYPE_SL", "not order.is_working", "order.is_final"),),
        "a stop that was only asked for counts as standing",
    ),
    Mutant(
        "exits blocked by a halt",
        CORE + "orders.exits",
        "begin_exit",
        (also_if("BR_EXITING BR_CLOSED", "c.risk.halt == 2"),),
        "a halted engine cannot get out",
    ),
    Mutant(
        "modification forgets what has filled",
        CORE + "orders.exits",
        "_ensure",
        (argument("request.replace", "request.replace", 3, "qty"),),
        "exchanges count the total, filled part included",
    ),
    Mutant(
        "quarantine ignored",
        CORE + "orders.risk",
        "gate_entry",
        (never("quarantined"),),
        "it trades where it cannot explain the position",
    ),
    Mutant(
        "recovery forgets what is in doubt",
        CORE + "orders.adopt",
        "resume",
        (
            before(
                "if PENDING_NONE",
                "c.orders[slot].pending = PENDING_NONE",
                "c.orders[slot].in_doubt = 0",
            ),
            never("PENDING_NONE"),
        ),
        "a stop that was being sent when the process died is neither there nor missed",
    ),
    Mutant(
        "over-exit left alone",
        CORE + "orders.exits",
        "work",
        (drop("_undo_over_exit"),),
        "a late fill leaves a position on the other side",
    ),
    Mutant(
        "exit never follows the market",
        CORE + "orders.exits",
        "climb",
        (always("BR_EXITING"),),
        "an exit that rests is left resting",
    ),
    Mutant(
        "command leaves without a record",
        CORE + "engine.record",
        "decided",
        (only_if("journaling: _command", "cmd.kind != 1"),),
        "an order without an intent in the journal",
    ),
    Mutant(
        "early request leaves without a record",
        CORE + "engine.pipeline",
        "only_request",
        (without("has_died"),),
        "the bytes are gone when the process dies, and its journal knows nothing of them",
        faults="kill",
    ),
    Mutant(
        "early request sent once more",
        "otrade.brokers.transport.order_pool",
        "submit",
        (
            instead(
                "written_to request",
                "self._idle.append(written_to)",
                "written_to.line.settle()",
            ),
            drop("written_to / return"),
        ),
        "both ways write it: one intent, two orders",
    ),
    Mutant(
        "early request never waited for",
        "otrade.brokers.transport.order_pool",
        "submit",
        (drop("written_to request"),),
        "its answer meets nobody, and its connection is lost to the pool",
    ),
    Mutant(
        "order book alone makes a bar",
        CORE + "market.market",
        "take_tick",
        (
            before(
                "market.traded",
                "market.ts_bar_ns = market.ts_bar_ns if traded else tick.ts_exch_ns",
                "traded = True",
            ),
        ),
        "the last trade again, with another book, is counted as one more",
        faults="thin,tick_part",
    ),
    Mutant(
        "any price believed",
        CORE + "market.market",
        "_is_confirmed",
        (before("_book_agrees", "return True"),),
        "a price that is wrong by a decimal point moves bars, stops and profit",
        faults="tick_wrong",
    ),
    Mutant(
        "limits by slice",
        CORE + "orders.risk",
        "gate_entry",
        (swap("max_order_qty", "qty", "slice_qty"),),
        "what the freeze quantity cuts passes the limit piece by piece",
    ),
    Mutant(
        "no budget kept for stops",
        CORE + "orders.risk",
        "gate_rate",
        (swap("obligations", "obligations(c)", "0"),),
        "entries eat the second in which their stops are wanted",
    ),
    Mutant(
        "waiting entry asks no gate",
        CORE + "orders.entry",
        "_try",
        (drop("REASON_OK: _gate"),),
        "what was allowed when it began to wait is not when its turn comes",
    ),
    Mutant(
        "remaining slices forgotten silently",
        CORE + "orders.entry",
        "_decide",
        (only_if("e.qty: put", "reason != REASON_OK"),),
        "half a position that everybody takes for a whole one",
    ),
    Mutant(
        "refused target closes the position",
        CORE + "orders.bracket",
        "on_refusal",
        (
            inside(
                "LEG_TARGET",
                "if b.n_target_rejects >= REFUSALS:",
                "    exits.begin_exit(c, o.bracket_id, EXIT_RISK)",
            ),
        ),
        "what the stop protects is thrown away for want of a target",
        faults="reject_targets",
    ),
    Mutant(
        "refusals never forgotten",
        CORE + "orders.refusal",
        "forget",
        (swap("if in_a_row", "[0] ==", "[0] >="),),
        "stops lost minutes apart, and placed anew each time, end in an exit",
        faults="lose_stops",
    ),
    Mutant(
        "entries without a brake",
        CORE + "orders.refusal",
        "is_braked",
        (returns("now_ns", "False"),),
        "entries go on as long as a ban does",
        faults="reject_entries",
    ),
    Mutant(
        "half a book acted on",
        CORE + "orders.report",
        "on_book_begin",
        (swap("in_book", "1", "0"),),
        "a stop's fill that is read before its entry's looks like an over-exit",
    ),
    Mutant(
        "our tag is read only where it should stand",
        "otrade.brokers.parse",
        "tag_of",
        (swap("OWN_TAG", "OWN_TAG.fullmatch(word)", "not tag"),),
        "an order that the broker has marked with its own words is a stranger's, and ours is sent again",
        "broker_tags,answer_504,kill,push_dropped",
    ),
    Mutant(
        "a step of the machine's clock is believed at once",
        "otrade.clock",
        "WallClock",
        (swap("abs(error_ns) <=", "<= self.STEP_NS", "< 86_400 * NS_PER_S"),),
        "a clock that is wrong for four seconds ends the day with its positions open",
        "clock_wrong",
    ),
    Mutant(
        "exits not bounded by the broker's net",
        "otrade.live.reconciliation.position_audit",
        "PositionAudit",
        (never("elif foreign: row"),),
        "what somebody has closed is closed again: the other side opens",
        "closed_by_hand,broker_square_off",
    ),
    Mutant(
        "products summed",
        "otrade.live.reconciliation.position_audit",
        "compare",
        (always("position.product"),),
        "what is held for delivery is taken for what is traded within the day",
        "other_product",
    ),
    # ------------------------------------------------- two feeds, hooks, and what a night has left
    Mutant(
        "a trade that both feeds tell is two",
        CORE + "market.market",
        "arbitrate",
        (never("tick.volume == market.volume"),),
        "the second packet's time is in another precision, and counts as a later trade",
        FEEDS,
    ),
    Mutant(
        "an older volume of the other feed is news",
        CORE + "market.market",
        "arbitrate",
        (never("tick.volume < market.volume"),),
        "prices of a feed that lags come between those of now",
        FEEDS,
    ),
    Mutant(
        "the feed that is believed is believed for ever",
        CORE + "market.market",
        "arbitrate",
        (always("alive >> market.feed & 1"),),
        "where no volume decides, a silent feed's last price stays the price",
    ),
    Mutant(
        "the second feed is not listened to",
        CORE + "engine.pipeline",
        "_packets",
        (also_if("id < 0", "wire.feed > 0"),),
        "while the first one is silent nothing trades",
        FEEDS,
    ),
    Mutant(
        "a feed without times is waited for beside one with times",
        CORE + "market.market",
        "take_tick",
        (
            swap(
                "market.feeds_timed >> market.feed_last & 1",
                "market.feeds_timed >> market.feed_last & 1",
                "market.ts_trade_ns > 0",
            ),
        ),
        "in quote mode Kite's packets make no bar once Upstox was heard, and none while it is down",
        FEEDS,
    ),
    Mutant(
        "the watchdog takes any order for a stop",
        "otrade.live.watchdog.protection_plan",
        "_protect",
        (instead("qty = min", "qty = 0"),),
        "what the dead engine had not covered yet stays uncovered until the next one",
        "kill",
    ),
    Mutant(
        "the watchdog looks for no order in doubt",
        "otrade.live.watchdog.protector",
        "_carry_out",
        (never("need.key in in_doubt"),),
        "what was sent by it and not answered is sent again",
        "kill,answer_504,lose_silence,answer_silence",
    ),
    Mutant(
        "a hint makes nobody look",
        "otrade.live.broker_io.hint_receiver",
        "order",
        (instead("self._want_book", "pass"),),
        "a postback is heard and nothing comes of it",
        "postback",
    ),
    Mutant(
        "another user's postback is heard",
        "otrade.brokers.kite.postback",
        "read_postback",
        (never("row.user_id != user_id"),),
        "whoever uses the same app makes the engine read its book",
        "postback",
    ),
    Mutant(
        "a postback needs no proof",
        "otrade.brokers.kite.postback",
        "read_postback",
        (never("hmac.compare_digest"),),
        "anybody can make the engine read its book",
        "postback",
    ),
    Mutant(
        "a postback is heard as often as it comes",
        "otrade.hooks.postbacks",
        "judge",
        (never("self._known"),),
        "the same update is a hint each time",
        "postback",
    ),
    Mutant(
        "postbacks have no bound",
        "otrade.hooks.postbacks",
        "judge",
        (never("self._bucket"),),
        "two hundred at once are two hundred hints",
        "postback",
    ),
    Mutant(
        "a position of the day before is not seen",
        "otrade.live.reconciliation.position_audit",
        "compare",
        (
            also_if(
                "instrument_id is None", "position.net_qty and not self._plan.engine.n_brackets"
            ),
        ),
        "while this engine has traded nothing, what the account holds is nobody's",
    ),
    Mutant(
        "ladder never leaves an old touch",
        CORE + "orders.exits",
        "climb",
        (never("touch_is_old"),),
        "with the feed silent and no quote the exit rests two per cent from a price nobody stands at",
        "silent_run",
    ),
    Mutant(
        "way out not priced by the broker's quote",
        CORE + "orders.exits",
        "touch_px",
        (never("is_newer_than_tick"),),
        "the broker has told the price, and the exit follows the feed's last word",
        "silent_run",
    ),
    Mutant(
        "end of a halt not noticed",
        CORE + "engine.pipeline",
        "_tick",
        (never("inst.halted"),),
        "what the halt cancelled comes back half a minute late",
        "halt_market",
    ),
    Mutant(
        "quotes asked for at every beat",
        "otrade.live.day.quote_poller",
        "QuotePoller",
        (without("_next_ns"),),
        "the broker's limit of questions is passed just when they are needed",
        "silent_run",
    ),
    Mutant(
        "margin preview asked and not heeded",
        "otrade.live.startup.exit_modes",
        "_ask",
        (swap("FREE COSTS", "FREE if with_both_e4 <= with_stop_e4 else COSTS", "FREE"),),
        "a second exit works where the broker asks margin for it, and takes the money of other positions",
    ),
    Mutant(
        "a later start asks for margin again",
        "otrade.live.startup.exit_modes",
        "settle",
        (instead("known before.items", "known: dict[str, str] = {}"),),
        "the broker says otherwise by then: brackets change their mode, and the core cannot use its journal",
        "kill",
    ),
    Mutant(
        "stop at twice its distance",
        CORE + "orders.exits",
        "set_levels",
        (argument("otk_stop_price", "otk.otk_stop_price", 2, "2 * b.stop_distance_e4"),),
        "a position risks twice what its plan says",
    ),
    Mutant(
        "target three times as far",
        CORE + "orders.exits",
        "set_levels",
        (swap("otk_target_price", "plan.target_value", "3 * plan.target_value"),),
        "a profit that the plan would have taken is waited for",
    ),
    Mutant(
        "square-off 50 s late",
        CORE + "orders.bracket",
        "on_time",
        (
            swap(
                "BR_EXITING square_off_ns",
                ">= inst.square_off_ns",
                ">= inst.square_off_ns + 100 * CHASE_NS",
            ),
        ),
        "the broker's own square-off, and its charge, may be first",
    ),
    Mutant(
        "halt cancels nothing",
        CORE + "orders.bracket",
        "cancel_entries",
        (drop("entry_cancel = 1"),),
        "what a person has stopped opens positions all the same",
        "halt",
    ),
    Mutant(
        "quarantine never lifted",
        "otrade.live.reconciliation.position_audit",
        "PositionAudit._release",
        (never("differences _is_suspect"),),
        "what somebody has given back keeps entries out for the rest of the day",
        "manual",
    ),
    Mutant(
        "taken over with a stop at twice its distance",
        "otrade.live.reconciliation.bracket_recovery",
        "adopt_position",
        (
            argument(
                "bracket_id plan.engine.adopt_bracket",
                "plan.engine.adopt_bracket",
                3,
                "2 * distance_e4",
            ),
        ),
        "what a person hands over may lose twice what its strategy's plan allows",
    ),
    Mutant(
        "one unit of what is taken over forgotten",
        "otrade.live.reconciliation.bracket_recovery",
        "adopt_position",
        (argument("_fill Leg.ENTRY", "_fill", 4, "part - 1"),),
        "a unit that a person has handed over has no stop",
    ),
    Mutant(
        "flatten_on_limit ignored",
        CORE + "orders.bracket",
        "on_pnl",
        (never("flatten_on_limit"),),
        "the day's loss goes on behind its limit",
    ),
    Mutant(
        "stop from the signal's price",
        CORE + "orders.exits",
        "set_levels",
        (argument("otk_stop_price", "otk.otk_stop_price", 0, "b.signal_px_e4"),),
        "the stop's distance is not of what was paid",
    ),
    Mutant(
        "stop limit on the other side of its trigger",
        CORE + "orders.exits",
        "set_levels",
        (argument("stop_limit_e4 otk_limit_through", "otk.otk_limit_through", 1, "b.side"),),
        "a stop's limit rests where the market has come from",
    ),
    Mutant(
        "trigger rounded away from the entry",
        CORE + "orders.exits",
        "set_levels",
        (argument("otk_stop_price", "otk.otk_stop_price", 0, "entry - b.side * tick"),),
        "each stop risks a tick more than asked",
    ),
    Mutant(
        "target at the entry limit's distance from the last price",
        CORE + "orders.exits",
        "set_levels",
        (argument("otk_target_price", "otk.otk_target_price", 0, "b.signal_px_e4"),),
        "the profit asked for is not of what was paid",
    ),
    Mutant(
        "trail distance doubled",
        CORE + "orders.exits",
        "set_levels",
        (swap("trail_e4 trail_value", "plan.trail_value", "2 * plan.trail_value"),),
        "a stop follows at twice its distance",
    ),
    Mutant(
        "trail at the stop's first distance",
        CORE + "orders.bracket",
        "_watch",
        (argument("otk_trail_stop", "otk.otk_trail_stop", 3, "b.stop_distance_e4"),),
        "a stop follows at another distance than its trail's",
    ),
    Mutant(
        "trail behind the last price",
        CORE + "orders.bracket",
        "_watch",
        (instead("best_e4 = ltp_e4", "b.best_e4 = ltp_e4 - b.side * b.trail_step_e4"),),
        "a stop follows a step too late",
    ),
    Mutant(
        "ladder starts at the near touch",
        CORE + "orders.exits",
        "touch_px",
        (swap("buying entering", "== entering", "!= entering"),),
        "entry and exit are priced from the side that does not trade",
    ),
    Mutant(
        "ladder steps away from the market",
        CORE + "orders.exits",
        "_price_exit",
        (swap("bps ladder_start_bps", "+ plan.ladder_step_bps", "- plan.ladder_step_bps"),),
        "each step is further from a price that trades",
    ),
    Mutant(
        "ladder step doubled",
        CORE + "orders.exits",
        "_price_exit",
        (swap("bps ladder_start_bps", "+ plan.ladder_step_bps", "+ 1.5 * plan.ladder_step_bps"),),
        "a way out gives away more than asked",
    ),
    Mutant(
        "ladder begins a step late",
        CORE + "orders.exits",
        "_price_exit",
        (swap("bps ladder_start_bps", "plan.ladder_start_bps", "0.5 * plan.ladder_start_bps"),),
        "the first step of a way out is not marketable enough",
    ),
    Mutant(
        "target not moved with the average",
        CORE + "orders.exits",
        "set_levels",
        (only_if("plan.target_kind != 0", "b.target_e4 == 0"),),
        "a later fill leaves the target where the first one put it",
    ),
    Mutant(
        "time exit twice as long",
        CORE + "orders.bracket",
        "on_time",
        (
            swap(
                "BR_OPEN held_qty / ts_entry_ns",
                "b.ts_entry_ns + b.time_exit_ns",
                "b.ts_entry_ns + 2 * b.time_exit_ns",
            ),
        ),
        "a position is held longer than its plan says",
    ),
    Mutant(
        "time exit after half its time",
        CORE + "orders.bracket",
        "on_time",
        (
            swap(
                "BR_OPEN held_qty / ts_entry_ns",
                "b.ts_entry_ns + b.time_exit_ns",
                "b.ts_entry_ns + b.time_exit_ns // 2",
            ),
        ),
        "a position is left before its time",
    ),
    Mutant(
        "square-off a minute early",
        CORE + "orders.bracket",
        "on_time",
        (
            swap(
                "BR_EXITING square_off_ns",
                ">= inst.square_off_ns",
                ">= inst.square_off_ns - 120 * CHASE_NS",
            ),
        ),
        "a position is left before its time",
    ),
    Mutant(
        "opposite signal exits nothing",
        CORE + "orders.entry",
        "_on_opposite",
        (always("OPPOSITE_IGNORE"),),
        "a position is kept against its strategy's word",
    ),
    Mutant(
        "opposite signal exits what should ignore it",
        CORE + "orders.entry",
        "_on_opposite",
        (swap("OPPOSITE_IGNORE", "s.plan.on_opposite == OPPOSITE_IGNORE or", ""),),
        "a position is left though its plan waits for stop or target",
    ),
    Mutant(
        "flatten leaves positions open",
        CORE + "orders.bracket",
        "flatten",
        (drop("begin_exit"),),
        "a person's word does nothing",
        "flatten",
    ),
    Mutant(
        "loss limit with its sign swapped",
        CORE + "orders.risk",
        "change_pnl",
        (
            swap(
                "max_daily_loss_e4 net_e4",
                "<= -c.limits.max_daily_loss_e4",
                ">= c.limits.max_daily_loss_e4",
            ),
        ),
        "a profit closes the day, and a loss does not",
    ),
    Mutant(
        "loss limit twice as far",
        CORE + "orders.risk",
        "change_pnl",
        (
            swap(
                "max_daily_loss_e4 net_e4",
                "<= -c.limits.max_daily_loss_e4",
                "<= -2 * c.limits.max_daily_loss_e4",
            ),
        ),
        "the day loses twice what it may",
    ),
    Mutant(
        "target taken before it trades",
        CORE + "orders.bracket",
        "_watch",
        (
            swap(
                "ltp_e4 >= b.target_e4 ltp_e4 <= b.target_e4: can_change",
                "ltp_e4 >= b.target_e4",
                "ltp_e4 >= b.target_e4 - b.stop_distance_e4 // 2",
            ),
        ),
        "the order works at the target, and no stop behind it, far from it",
    ),
    Mutant(
        "product mixed up",
        CORE + "orders.request",
        "_fill_command",
        (instead("cmd.product", "cmd.product = 0"),),
        "what is to be carried is bought for the day: another position, which the broker squares off",
    ),
    Mutant(
        "lowered limit not taken",
        CORE + "engine.setup",
        "set_limits",
        (
            instead(
                "limits.max_order_qty",
                "if c.limits.max_order_qty == 0 or max_order_qty > c.limits.max_order_qty: c.limits.max_order_qty = max_order_qty",
            ),
            instead(
                "limits.max_trades",
                "if c.limits.max_trades == 0 or max_trades > c.limits.max_trades: c.limits.max_trades = max_trades",
            ),
        ),
        "a person has lowered the size of an order or the number of trades, and the old one goes on",
    ),
    Mutant(
        "strategies not asked at a trade",
        CORE + "engine.pipeline",
        "_tick",
        (never("inst.n_by_tick > 0"),),
        "averages of trades see the trades alone that end a bar",
    ),
    Mutant(
        "strategy that is switched off enters",
        CORE + "orders.entry",
        "take_decision",
        (never("s.enabled"),),
        "a person has switched it off, and it opens positions",
    ),
    Mutant(
        "pause ignored",
        CORE + "orders.risk",
        "gate_entry",
        (without("c.paused"),),
        "a person has paused entries, and they are sent",
    ),
    Mutant(
        "value of an entry not limited",
        CORE + "orders.risk",
        "gate_entry",
        (never("max_order_notional_e4"),),
        "a decision is worth more than the configuration allows",
    ),
    Mutant(
        "square-off of the day's product alone",
        CORE + "orders.bracket",
        "on_time",
        (only_if("BR_EXITING square_off_ns", "inst.product == 0"),),
        "what is held in NRML or CNC stays overnight",
    ),
    Mutant(
        "target of a strategy file ignored",
        CORE + "orders.decision",
        "_check",
        (instead("t.target_is", "t.target_is = 0"),),
        "a file has said where its target is, and the plan's stands",
    ),
    Mutant(
        "stop of a strategy file ignored",
        CORE + "orders.decision",
        "_check",
        (after("t.target_is", "t.stop_is = 0"),),
        "a file has said where its stop is, and the plan's stands",
    ),
    Mutant(
        "size of a strategy file ignored",
        CORE + "orders.decision",
        "_check",
        (instead("t.qty = d.qty", "t.qty = 0"),),
        "a file has said how much, and the plan's size is sent",
    ),
    Mutant(
        "level of a strategy file on the other tick",
        CORE + "orders.decision",
        "_check_level",
        (argument("otk_round_tick", "otk_round_tick", 2, "-side"),),
        "a stop is a tick wider than it was said to be",
    ),
    Mutant(
        "exit of a strategy file left undone",
        CORE + "orders.decision",
        "_hear",
        (instead("_leave", "reason = REASON_OK"),),
        "a file has said to leave, and what it holds stays",
    ),
    Mutant(
        "strategy file is shown nothing of what it holds",
        CORE + "orders.decision",
        "_show_position",
        (instead("p.is_flat", "p.is_flat = 1"), instead("p.is_long", "p.is_long = 0")),
        "a file never leaves what it has bought",
    ),
    Mutant(
        "further bars not shown",
        CORE + "orders.decision",
        "on_further_bar",
        (instead("strategy.show_bar", "pass"),),
        "a file goes by slower bars that stand still",
    ),
    Mutant(
        "strategy file is not told of its stop",
        CORE + "orders.decision",
        "on_fills",
        (before("k.on_fill", "k.fill.exit_reason = 0"),),
        "a file that rests after a stop goes on at once",
    ),
    Mutant(
        "timer of a strategy file never beats",
        CORE + "orders.decision",
        "on_time",
        (instead("is_due timer_next_ns now_ns", "is_due = False"),),
        "a file that looks at the clock is never asked",
    ),
    Mutant(
        "timer of a strategy file beats late",
        CORE + "orders.decision",
        "_beat_after",
        (returns("close_ns", "beat_ns + every_ns // 6 if beat_ns < inst.close_ns else 0"),),
        "a file looks five seconds after its time",
    ),
    Mutant(
        "timer of a strategy file beats twice",
        CORE + "orders.decision",
        "on_time",
        (
            before(
                "k.on_timer",
                "k.on_timer(s.params, s.state, m, k.bars, &k.position, &k.clock, &k.said)",
            ),
        ),
        "a file takes each look into its average two times, and one decision is lost",
    ),
    Mutant(
        "strategy file forgets at a restart what it had seen",
        CORE + "engine.engine",
        "resume",
        (
            after(
                "adopt.resume",
                "for i in range(self.c.n_strategies):",
                "    if self.c.strategies[i].compiled != NULL:",
                "        memset(self.c.strategies[i].state, 0, self.c.strategies[i].state_bytes)",
            ),
        ),
        "its levels and sizes after an engine's death come from nothing",
        "kill",
    ),
    Mutant(
        "two beats of one bar are one event",
        CORE + "engine.pipeline",
        "on_timer",
        (drop("c.n_events"),),
        "what a file decides at the second beat is refused as said twice",
    ),
    Mutant(
        "timer of a strategy file beats without a pause",
        CORE + "orders.decision",
        "on_time",
        (only_if("is_due timer_next_ns", "not is_due"),),
        "a file is asked with every beat of the engine, once its first time has come",
    ),
    Mutant(
        "share for delivery sold short by a strategy file",
        CORE + "orders.decision",
        "_hear",
        (never("PRODUCT_CNC"),),
        "shares are sold that nobody holds",
    ),
    Mutant(
        "move of a stop forgotten",
        CORE + "orders.stop_moves",
        "apply",
        (drop("b.stop_e4 = b.move_e4"),),
        "a file has asked for a tighter stop, and the wide one stands",
    ),
    Mutant(
        "limit of a moved stop left behind",
        CORE + "orders.stop_moves",
        "apply",
        (drop("b.stop_limit_e4 = exits.clamp_to_band"),),
        "a moved stop is allowed to trade far below it",
    ),
    Mutant(
        "stop moved beyond the price",
        CORE + "orders.stop_moves",
        "wish",
        (never("c.markets[b.instrument_id].ltp_e4"),),
        "a stop is asked for on the other side of the price, and the position is left",
    ),
    Mutant(
        "stop moved with every trade",
        CORE + "orders.stop_moves",
        "apply",
        (without("b.move_next_ns"),),
        "the changes that the broker lets an order have are used up by wishes",
    ),
    Mutant(
        "stop moved to the other tick",
        CORE + "orders.stop_moves",
        "wish",
        (argument("otk_round_tick", "otk_round_tick", 2, "-b.side"),),
        "a stop is a tick wider than it was asked for",
    ),
)
HARMLESS = {
    "early request never waited for": "what nobody answers becomes a doubt, which the book resolves; the early way stays shut from then on",
    "half a book acted on": "Kite's book lists an order's entry before its exits, so the wrong order does not come up",
    "modification forgets what has filled": "the exit ends early, and what is left open gets an exit of its own within the bound",
}
"""Planted all the same, not caught, and why that need not be: nothing that a trader would lose by
follows from them.
"""


ROUNDS = (30, 300)
"""Every bug is drilled so far before any is drilled further: what is soon found is soon told."""
HARMLESS_SEEDS = 200


def main() -> int:
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument(
        "--only", default="", metavar="PART,PART", help="mutants whose name holds one of these"
    )
    ap.add_argument("--seeds", type=int, default=3_000)
    ap.add_argument("--jobs", type=int, default=0)
    args = ap.parse_args()
    open_still = [
        mutant
        for mutant in MUTANTS
        if not args.only or any(part in mutant.name for part in args.only.split(","))
    ]
    prepare()
    print(f"{'planted bug':<40}{'seeds':>7}  caught as", flush=True)
    first = 0
    for last in sorted({*(n for n in ROUNDS if n < args.seeds), args.seeds}):
        open_still = [mutant for mutant in open_still if not _is_caught(mutant, first, last, args)]
        first = last
    for mutant in open_still:
        print(f"{mutant.name:<40}{'-':>7}  {HARMLESS.get(mutant.name, 'NOT CAUGHT')}", flush=True)
    return 1 if any(mutant.name not in HARMLESS for mutant in open_still) else 0


def _is_caught(mutant: Mutant, first: int, last: int, args: argparse.Namespace) -> bool:
    """By the seeds from the first on, the last one left out."""
    if mutant.name in HARMLESS:
        last = min(last, HARMLESS_SEEDS)
    if last <= first:
        return False
    began = time.monotonic()
    with planted(mutant.file, mutant.planted_in((COPY / mutant.file).read_text())):
        built = time.monotonic()
        took, words = drill(first, last - first, args.jobs, mutant.faults)
    if took:
        seconds = f"{built - began:.0f}+{time.monotonic() - built:.0f} s"
        print(f"{mutant.name:<40}{first + took:>7}  {words[:110]}  ({seconds})", flush=True)
    return took > 0


if __name__ == "__main__":
    sys.exit(main())
