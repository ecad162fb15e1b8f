"""The core speaks in codes; these are their words. Every `Note` and every `Reason` has exactly one
entry.

A note's words are a template over its fields (`NOTE_FIELDS`) and those of every notice, see
`board.fields_of`: rupees for what ends in `_e4`, words for a code, `_ns` as its format asks (`ms`,
`s`). A reason's words complete the sentence "... because ...".
"""

from otrade._core.types import ExitReason, Halt, Note, Reason

REASON_WORDS: dict[Reason, str] = {
    Reason.OK: "all is well",
    Reason.FRAME_SHORT: "the feed's frame is too short",
    Reason.FRAME_LENGTH: "the feed's frame has a length that is not true",
    Reason.FRAME_LARGE: "the feed's frame is larger than the journal could ever hold",
    Reason.PACKET_KIND: "the feed's packet is of no known kind",
    Reason.PRICE_ZERO: "the price is zero",
    Reason.PRICE_ABSURD: "the price is absurdly far from the last one",
    Reason.TIME_BACK: "the exchange's time went back",
    Reason.SEGMENT_UNKNOWN: "the feed's packet is of an unknown segment",
    Reason.FRAME_HEARTBEAT: "the frame is a heartbeat",
    Reason.TIME_AHEAD: "the exchange's time is ahead of ours",
    Reason.HALTED: "the engine is halted or only reduces",
    Reason.QUARANTINED: "the instrument is quarantined",
    Reason.SESSION: "it is outside the entry hours of this instrument",
    Reason.STALE_FEED: "the price is stale",
    Reason.QTY_ZERO: "the quantity comes to less than one lot",
    Reason.LOT: "the quantity is not a multiple of the lot",
    Reason.TICK_SIZE: "the price is not a multiple of the tick size",
    Reason.FREEZE: "the quantity is above the exchange's freeze limit",
    Reason.BAND: "the price is outside the exchange's band",
    Reason.MAX_QTY: "the quantity of the whole entry is above the configured maximum",
    Reason.MAX_NOTIONAL: "the value of the whole entry is above the configured maximum",
    Reason.MAX_POSITIONS: "as many positions are open as are allowed",
    Reason.TRADE_COUNT: "as many trades were made today as are allowed",
    Reason.DAILY_LOSS: "the daily loss limit is reached",
    Reason.DRAWDOWN: "the drawdown limit is reached",
    Reason.COOLDOWN: "the strategy cools down after a stop",
    Reason.RATE_SECOND: "the order rate of this second is used up",
    Reason.RATE_MINUTE: "the order rate of this minute is used up",
    Reason.RATE_HALF_HOUR: "the order rate of this half hour is used up",
    Reason.RATE_BROKER: "the broker has asked to slow down a moment ago",
    Reason.RATE_DAY: "the order count of this day is used up",
    Reason.STOP_DISTANCE: "the stop would be at or beyond the price",
    Reason.IN_DOUBT: "an order of this instrument is in doubt",
    Reason.CAPACITY: "a table of the engine is full",
    Reason.ENTRY_BRAKE: "its entries were rejected one after another, and it pauses",
    Reason.STOPPING: "the engine is stopping",
    Reason.JOURNAL: "the journal cannot be written",
    Reason.KILL_FILE: "the kill file is there",
    Reason.SLICES: "the exchange's freeze quantity would cut it into more orders than one entry may have (10)",
    Reason.ENTRY_WAIT: "the entry waits for the rate budget",
    Reason.SUPERSEDED: "a newer signal took its place",
    Reason.RESTARTED: "the engine was started again meanwhile",
    Reason.LEAVING: "what it belongs to is being closed",
    Reason.FORGOTTEN: "an earlier run's journal is gone, and with it whether a person had halted",
    Reason.ILLEGAL_EVENT: "the report does not fit the order's state",
    Reason.CUM_QTY_FELL: "the report's filled quantity is smaller than before",
    Reason.OVER_FILL: "more was filled than was ordered",
    Reason.OVER_EXIT: "more was closed than was open",
    Reason.LATE_ACCEPT: "the broker accepted an order that was thought absent",
    Reason.LATE_FILL: "the order was filled after it had ended",
    Reason.UNKNOWN_STATUS: "the broker used a status word that is not known here",
    Reason.UNKNOWN_ORDER: "the order is not ours",
    Reason.VANISHED: "whole order books no longer show it",
    Reason.READ_BACK: "the broker stored something else than was sent",
    Reason.BROKER_INPUT: "the broker calls a parameter wrong",
    Reason.BROKER_TOKEN: "the broker session has expired",
    Reason.BROKER_PERMISSION: "the broker does not permit it",
    Reason.BROKER_ORDER: "the broker refused the order",
    Reason.BROKER_MARGIN: "the funds do not suffice",
    Reason.BROKER_RATE: "the broker asks to slow down",
    Reason.BROKER_NETWORK: "the broker cannot reach the exchange",
    Reason.BROKER_OTHER: "the broker refused without a reason known here",
    Reason.PROVEN_ABSENT: "two looks at the order book prove that it never arrived",
    Reason.TIMED_OUT: "no answer came in time",
    Reason.MODIFY_CAP: "the order may not be modified any more",
    Reason.BROKER_BUSY: "the order is being processed or has ended; the order book is read before anything more is asked of it",
    Reason.EXCHANGE_REJECT: "the exchange rejected it",
    Reason.EXIT_RESTING: "an exit rests without being filled",
    Reason.PRICE_RANGE: "the price is outside the circuit limits or the price protection of this moment",
    Reason.MARKET_HALTED: "the exchange takes no orders now",
    Reason.TOUCH_OLD: "neither the feed nor the broker tells a price",
    Reason.SIDE_OFF: "the strategy does not trade this side",
    Reason.WARM_UP: "the averages are still warming up",
    Reason.RSI_FILTER: "the RSI filter forbids it",
    Reason.ATR_FILTER: "the ATR filter forbids it",
    Reason.TIME_FILTER: "the time-of-day filter forbids it",
    Reason.ALREADY_OPEN: "the strategy has a position already",
    Reason.DISABLED: "the strategy is switched off",
    Reason.REVERSE_WAIT: "the former position is still being closed",
    Reason.REVERSE_EXPIRED: "the former position was closed too late for it",
    Reason.DECISION_UNKNOWN: "the strategy said something that there is not",
    Reason.DECISION_NAN: "a level that the strategy said is no number",
    Reason.STOP_SIDE: "the stop that the strategy said lies where the price has been",
    Reason.TARGET_SIDE: "the target that the strategy said lies behind the price",
    Reason.LEVEL_ABSURD: "a level that the strategy said lies beyond the price band, or nobody means it",
    Reason.DECISION_QTY: "the quantity that the strategy said is not whole lots",
    Reason.DECIDED_TWICE: "the strategy had decided in this event already",
    Reason.NOTHING_HELD: "the strategy holds nothing",
    Reason.STOP_LOOSER: "a stop moves only towards the price, by a tick at least",
    Reason.RING_FULL: "a ring of the engine is full",
    Reason.ENCODE: "the request could not be written",
    Reason.FAULT: "a part of the engine failed",
}

NOTE_WORDS: dict[Note, str] = {
    Note.SIGNAL_TAKEN: "{symbol}: {strategy} says {side} at {price_e4}: taken",
    Note.SIGNAL_REFUSED: "{symbol}: {strategy} says {side} at {price_e4}: refused, {why}",
    Note.ENTRY_SENT: "{symbol}: entry to {side} {qty} units sent ({order})",
    Note.ENTRY_FILLED: "{symbol}: entry filled, {qty} units for {value_e4} rupees ({order})",
    Note.STOP_PLACED: "{symbol}: stop at {trigger_e4} for {qty} units rests at the exchange ({order})",
    Note.STOP_MOVED: "{symbol}: stop moved to {trigger_e4} for {qty} units ({order})",
    Note.TARGET_ARMED: (
        "{symbol}: target price traded, the stop order became a limit at the target ({order})"
    ),
    Note.TARGET_DISARMED: (
        "{symbol}: price fell back, the target order became a stop again ({order})"
    ),
    Note.EXIT_SENT: "{symbol}: {qty} units are being closed by {exit_reason} ({order})",
    Note.BRACKET_CLOSED: (
        "{symbol}: closed by {exit_reason}, gross {pnl_e4} rupees, {naked_ns:ms} ms without a working stop"
    ),
    Note.AT_TARGET: "{symbol}: of what was closed, its order worked at the target for {total_ns:ms} ms, with no stop behind it by design",
    Note.ORDER_REFUSED: "{symbol}: the broker refused order {order}: {why}",
    Note.ORDER_REJECTED: "{symbol}: order {order} was rejected: {why}",
    Note.EXIT_REJECTED: (
        "{symbol}: EXIT {order} WAS REJECTED, the position may be unprotected: {why}"
    ),
    Note.EXIT_CHASED: "{symbol}: exit {order} was re-priced to follow the market",
    Note.IN_DOUBT: "{symbol}: order {order} is in doubt: {why}",
    Note.DOUBT_RESOLVED: "{symbol}: the doubt about order {order} is resolved",
    Note.PROVEN_ABSENT: "{symbol}: order {order} never reached the broker",
    Note.LATE_FILL: (
        "{symbol}: order {order} was filled after it had ended; the bracket takes it in"
    ),
    Note.OVER_EXIT: "{symbol}: more was closed than was open; an order to undo it is sent",
    Note.ILLEGAL_EVENT: (
        "{symbol}: a report about order {order} does not fit its state and was refused"
    ),
    Note.UNKNOWN_STATUS: (
        "{symbol}: the broker used an unknown status word for order {order}; no new orders here"
    ),
    Note.HALT_CHANGED: "the engine is now {halt}: {halt_reason}",
    Note.LIMIT_TRIPPED: "{why}: net {net_e4} rupees after {charges_e4} of charges, {drawdown_e4} below its peak",
    Note.SQUARE_OFF: "{symbol}: square-off time, open positions are being closed",
    Note.QUARANTINED: "{symbol}: quarantined, nothing new is traded here: {why}",
    Note.BUDGET_WAIT: "{symbol}: a request waits for the rate budget: {why}",
    Note.READ_BACK: "{symbol}: the broker stored order {order} differently than it was sent",
    Note.CAPACITY: "a table of the engine is full: {why}",
    Note.ADOPTED: "{symbol}: {qty} units ({side}) are taken over under strategy {strategy}",
    Note.ENTRY_WAITS: "{symbol}: {strategy}: {rest} ({side}) waits up to {at_most_ns:s} s for the rate budget: {why}",
    Note.ENTRY_DROPPED: "{symbol}: {strategy}: {rest} ({side}) is not sent after {waited_ns:s} s: {why}",
    Note.ENTRY_CUT: (
        "{symbol}: {strategy}: {rest} ({side}) is not sent after {waited_ns:s} s, the position stays smaller than decided: {why}"
    ),
    Note.VALUE_UNKNOWN: (
        "{symbol}: the broker tells no price for order {order}: its {qty} units are booked at {price_e4}, the last price within its limit, "
        "and profit here is provisional. The stop stands by that; the day's trades are asked for"
    ),
    Note.VALUE_TAKEN: "{symbol}: what order {order} traded for is known better: profit here changes by {change_e4} rupees",
    Note.EXIT_AT_BAND: (
        "{symbol}: exit {order} rests at the price band {price_e4}, where nobody takes the other side: it is filled when the circuit "
        "opens. The position stays open until then; watch it, or hedge it"
    ),
    Note.TARGET_REFUSED: (
        "{symbol}: the broker refused target {order}: {why}. The stop protects the position; the target is asked for again after a pause"
    ),
    Note.ENTRY_BRAKE: (
        "{symbol}: {n_rejected} entries of {strategy} were rejected in a row, the last because {why}. It enters nothing for "
        "{pause_ns:whole_s} s; exits go on. See whether the broker allows this instrument and product today"
    ),
    Note.STOP_RENEWED: (
        "{symbol}: {why}, so stop {order} is cancelled and placed anew at {trigger_e4} for {qty} units; nothing protects them in between"
    ),
    Note.TRAIL_WAITS: (
        "{symbol}: the stop stands at {trigger_e4} and should trail to {wanted_e4}; it may not be modified any more, and cannot be placed "
        "anew because {why}. The engine leaves at {wanted_e4} by itself; move the stop by hand if the engine could stop"
    ),
    Note.RESUMED: "the engine goes on from its journal: {n_open} brackets are open, {n_in_doubt} requests are in doubt",
}

SPECIAL_WORDS: dict[tuple[Note, Reason], str] = {
    (
        Note.SIGNAL_TAKEN,
        Reason.ENTRY_WAIT,
    ): "{symbol}: {strategy} says {side} at {price_e4}: taken, and waits for the rate budget",
    (Note.UNKNOWN_STATUS, Reason.VANISHED): (
        "{symbol}: the broker's order books no longer show order {order}, which stood: what it covers counts as uncovered until "
        "the broker, asked for it alone, says what became of it. Look at it there"
    ),
    (Note.PROVEN_ABSENT, Reason.VANISHED): (
        "{symbol}: order {order} stood, and the broker knows no such order any more: it is gone, and what it covered is covered anew"
    ),
    (Note.LATE_FILL, Reason.LATE_ACCEPT): (
        "{symbol}: order {order} was thought absent and lives after all; it is taken out"
    ),
    (Note.EXIT_CHASED, Reason.TOUCH_OLD): (
        "{symbol}: {why}, so exit {order} goes to the band or to the market with protection. Look at the feed, and at the broker"
    ),
    (Note.EXIT_REJECTED, Reason.PRICE_RANGE): (
        "{symbol}: exit {order} was rejected, {why}: the bands are read again and it is placed nearer to the market"
    ),
    (Note.EXIT_REJECTED, Reason.MARKET_HALTED): (
        "{symbol}: exit {order} was rejected, {why}: the position is unprotected until trading resumes; its exit is placed again then"
    ),
    (
        Note.QUARANTINED,
        Reason.QUARANTINED,
    ): "{symbol}: quarantined, nothing new is traded here until it is explained or taken over",
    (Note.QUARANTINED, Reason.OK): "{symbol}: released from quarantine",
}
"""Where the reason changes the sentence."""

NOT_SAID: dict[Note, frozenset[str]] = {
    Note.ENTRY_SENT: frozenset({"price_e4"}),
    Note.AT_TARGET: frozenset({"worst_ns"}),
    Note.EXIT_CHASED: frozenset({"price_e4", "ladder_step"}),
    Note.DOUBT_RESOLVED: frozenset({"ev"}),
    Note.OVER_EXIT: frozenset({"qty"}),
    Note.ILLEGAL_EVENT: frozenset({"ord_status", "ev"}),
    Note.READ_BACK: frozenset({"qty", "price_e4", "trigger_e4"}),
    Note.VALUE_TAKEN: frozenset({"value_e4", "is_news"}),
}
"""Fields that no sentence tells: they are for the journal's readers."""

EXIT_WORDS: dict[ExitReason, str] = {
    ExitReason.NONE: "nothing",
    ExitReason.STOP: "its stop",
    ExitReason.TARGET: "its target",
    ExitReason.TRAIL: "its trailing stop",
    ExitReason.TIME: "its time limit",
    ExitReason.SQUARE_OFF: "the square-off",
    ExitReason.SIGNAL: "a signal of its strategy",
    ExitReason.FLATTEN: "a flatten command",
    ExitReason.ENTRY_FAILED: "its entry, which was not filled",
    ExitReason.RISK: "a risk limit",
    ExitReason.FIX: "an order that undid an over-exit",
    ExitReason.MANUAL: "hand",
    ExitReason.BROKER: "the broker's own square-off",
}

HALT_WORDS: dict[Halt, str] = {
    Halt.ACTIVE: "active",
    Halt.REDUCING: "reducing (positions are only closed)",
    Halt.HALTED: "halted (no entries; every stop stays)",
}


def reason_words(reason: int) -> str:
    """The words of a reason code; a number that is not in the table is said to be unknown, with the
    number.
    """
    try:
        return REASON_WORDS[Reason(reason)]
    except ValueError:
        return f"unknown reason {reason}"
