"""The words of the core, spelled once: enums, limits, reason codes and struct layouts.

Everything else is derived from this file by `layout.py`: `types.h` (C, with every offset asserted),
`types.pxd` and `notes.pxd` (Cython), numpy dtypes (Numba records, research) and ctypes structs
(tests). It is plain data and imports nothing of ours.

Units, last in every name: `_e4` ten-thousandths of a rupee (int64), `_ns` nanoseconds since the
UNIX epoch (UTC) or a duration, `_bps` hundredths of a per cent. Quantities are units, never lots.
Names follow FIX where FIX has a word.
"""

from enum import IntEnum

E4 = 10_000
"""Ten-thousandths in a rupee: the scale of every `_e4` integer."""

NONE_ID = -1
"""No instrument, order, bracket or strategy."""


class Limit(IntEnum):
    """Fixed sizes. The engine allocates once, from these and its constructor's arguments, and never
    again.
    """

    SYMBOL_BYTES = 32
    EXCHANGE_BYTES = 8
    DEPTH = 5
    REQUEST_BYTES = 2048  # one encoded HTTP order request; an access token may take half of it
    ORDERS_PER_BRACKET = 1024  # attempts beyond are the watchdog's
    KEY_BYTES = 48  # an instrument's name on a wire that uses text
    FEEDS = 2
    SLICES = 10  # brackets that one signal may open when the freeze quantity splits it
    HISTORY_BARS = 512  # of one HISTORY record
    FURTHER_BARS = 4  # bar lengths that a compiled strategy sees beside its own


class Side(IntEnum):
    """+1 buys, -1 sells: the sign of the position that it makes."""

    SELL = -1
    NONE = 0
    BUY = 1


class OrdType(IntEnum):
    MARKET = 1
    LIMIT = 2
    SL = 3  # stop-limit: trigger and limit price
    SL_M = 4  # stop-market


class Tif(IntEnum):
    DAY = 0
    IOC = 3


class Product(IntEnum):
    MIS = 0
    NRML = 1
    CNC = 2


class OrdStatus(IntEnum):
    """What the exchange last told us (FIX tag 39), plus DENIED for our own gate and UNKNOWN for a
    word not in our table.
    """

    INITIALIZED = 0
    DENIED = 1
    PENDING_NEW = 2
    NEW = 3
    PARTIALLY_FILLED = 4
    FILLED = 5
    CANCELED = 6
    REJECTED = 7
    EXPIRED = 8
    UNKNOWN = 9
    # In doubt, and then proved never to have reached the broker; a late acceptance may still
    # contradict it
    ABSENT = 10


class Pending(IntEnum):
    """What we have asked of the exchange and not heard about. Whether the question itself is in
    doubt is a bit beside it.
    """

    NONE = 0
    NEW = 1
    REPLACE = 2
    CANCEL = 3


class Source(IntEnum):
    """By which road a report came. A book row is asked for, and therefore also proves what is
    absent.
    """

    PUSH = 1
    BOOK = 2
    POSTBACK = 3
    ASKED = 4  # that order was asked for alone


class Ev(IntEnum):
    """Everything that can happen to an order."""

    DENY = 0  # our gate refused it before any byte left
    SEND_NEW = 1  # the place request was handed to the wire
    SEND_REPLACE = 2
    SEND_CANCEL = 3
    ACK = 4  # the broker took the request and named the order
    REFUSED = 5  # the broker refused the request before its order book
    TIMEOUT = 6  # no answer, a 5xx or a lost connection: in doubt
    ABSENT = 7  # two polls of the order book, a safe time apart, proved that it never arrived
    ACCEPTED = 8  # report: received or being validated
    WORKING = 9  # report: at the exchange, nothing filled
    FILL_PART = 10
    FILL_FULL = 11
    CANCELED = 12
    REJECTED = 13
    EXPIRED = 14
    REPLACED = 15  # report: the modification is in force
    REPLACE_REJECTED = 16
    CANCEL_REJECTED = 17
    UNKNOWN = 18  # report: a status word that is not in our table


class Leg(IntEnum):
    ENTRY = 0
    STOP = 1
    TARGET = 2
    FIX = 3  # undoes an over-exit: both exits filled, or a fill came after a cancel


class Cmd(IntEnum):
    NEW = 1
    REPLACE = 2
    CANCEL = 3
    LOOK = 4  # poll the order book: something is in doubt


class Action(IntEnum):
    """What a strategy decides."""

    NONE = 0
    BUY = 1
    SELL = 2
    EXIT = 3
    MOVE_STOP = 4


class Level(IntEnum):
    """What a level of a decision is: nothing that the strategy has said, a price, which stays where
    it is, a distance, which follows the average fill; or there is none, whatever the plan says.
    """

    PLAN = 0
    PRICE = 1
    DISTANCE = 2
    NONE = 3


class Lane(IntEnum):
    """Who may spend the rate budget first."""

    PROTECT = 0
    EXIT = 1
    ENTRY = 2


class BracketState(IntEnum):
    FREE = 0
    ENTERING = 1  # entry sent, nothing filled
    OPEN = 2  # quantity open, exits working
    EXITING = 3  # being flattened
    CLOSED = 4


class ExitReason(IntEnum):
    NONE = 0
    STOP = 1
    TARGET = 2
    TRAIL = 3
    TIME = 4
    SQUARE_OFF = 5
    SIGNAL = 6
    FLATTEN = 7
    ENTRY_FAILED = 8
    RISK = 9
    FIX = 10
    MANUAL = 11
    BROKER = 12  # the broker's own square-off


class Halt(IntEnum):
    """ACTIVE trades. REDUCING takes no entries. HALTED also ignores signals that would exit. Exits
    work on in all. Latched.
    """

    ACTIVE = 0
    REDUCING = 1
    HALTED = 2


class Phase(IntEnum):
    """Where an instrument's own session is. Entry window and square-off are ours, the rest is the
    exchange's.
    """

    UNKNOWN = 0
    BEFORE = 1
    OPEN_NO_ENTRY = 2
    ENTRY = 3
    NO_ENTRY = 4
    SQUARE_OFF = 5
    CLOSED = 6


class PauseBy(IntEnum):
    """Who keeps entries out; bits, because one must not lift what another has set. A person's pause
    outlives a restart.
    """

    PERSON = 1
    START = 2  # not everything that the broker shows is explained yet
    STOP = 4  # the engine is ending
    BOOK = 8  # no whole order book has come for a while


class Rec(IntEnum):
    """Kinds of journal records: 1 to 31 is what the core was told, 32 to 47 what it decided, from
    48 remarks of others.
    """

    PAD = 1  # the rest of a window
    HELLO = 2  # a section begins: one run of an engine (JSON)
    CALL = 3  # a rare event or a piece of set-up: the method and its arguments (JSON)
    FRAME = 4  # a feed frame, byte for byte, as Kite sends it
    TIMER = 5
    REPORT = 6  # report_t
    SENT = 7  # u32: the request's sequence number
    ANSWER = 8  # answer_t
    BOOK_BEGIN = 9  # the record's time is when the book was asked for
    BOOK_END = 10
    FRAME_KITE_B = 11  # the same of a second feed
    FRAME_UPSTOX = 12
    FRAME_UPSTOX_B = 13
    HISTORY = 14  # history_t, then bar_t: bars of a time in which this engine did not listen
    COMMAND = (
        32  # command_t without `request`, then the request's first line, a newline, and its body
    )
    NOTICE = 33  # notice_t
    SIGNAL = 34  # signal_rec_t
    # Records that could not be written: (i64 how many, i64 of these market frames, i64 why: bits of
    # Lost)
    DROPPED = 35
    DECISION = 36  # decision_rec_t: all that a compiled strategy said, behind its SIGNAL
    WORDS = 48  # what was said to people (JSON)
    RAW = 49  # what a broker said about an order, as it said it
    PERSON = 50  # a command of a person, and what became of it (JSON)
    END = 51  # the run ended in order; empty


class Lost(IntEnum):
    """Why records could not be written; bits. A DROPPED record of 16 bytes is from a build that did
    not say.
    """

    FAST = 1  # they came faster than room for them was made ready
    DISK = 2  # the disk, or the size limit of the file, had no room


class Has(IntEnum):
    """Which parts of a tick were on the wire; bits. What did not come is not known from it, and is
    not 0.
    """

    QUOTE = 1  # the day's open, high and low
    DEPTH = 2  # the order book, which may be empty
    TRADE = 4  # the last trade: its price, and its quantity and time where the wire has them
    VOLUME = 8
    OI = 16
    AVERAGE = 32  # the day's average price
    WANTED = 64  # total quantity of the buyers
    OFFERED = 128  # and of the sellers


class Worth(IntEnum):
    """How well the value of what an order has filled is known. A broker's average may be rounded,
    absent, or come late.
    """

    NONE = 0  # nothing has filled
    AVERAGE = 1  # quantity times the broker's average price, which may be rounded
    UNKNOWN = (
        2  # no price was told: a substitute is booked, the last price within the order's limit
    )
    UNPRICED = 3  # not even a substitute was known: booked at nothing until the first price comes
    EXACT = 4  # the sum of its trades


class Severity(IntEnum):
    INFO = 0
    WARN = 1
    ERROR = 2
    ALARM = 3


class Reason(IntEnum):
    """Why: 1xx input, 2xx risk, 3xx order state, 4xx broker, 5xx exchange, 6xx strategy, 9xx
    internal. 0 is fine.
    """

    OK = 0
    # 1xx: bad input, refused and counted
    FRAME_SHORT = 101
    FRAME_LENGTH = 102  # a length that lies, or bytes left over
    PACKET_KIND = 103
    FRAME_LARGE = 104  # no window of the journal could hold it
    PRICE_ZERO = 105
    PRICE_ABSURD = 106
    TIME_BACK = 107
    SEGMENT_UNKNOWN = 108
    FRAME_HEARTBEAT = 110
    TIME_AHEAD = 111
    # 2xx: risk gates, in the order in which they are asked
    HALTED = 201
    QUARANTINED = 202
    SESSION = 203
    STALE_FEED = 204
    QTY_ZERO = 205
    LOT = 206
    TICK_SIZE = 207
    FREEZE = 208
    BAND = 209
    MAX_QTY = 210
    MAX_NOTIONAL = 211
    MAX_POSITIONS = 212
    TRADE_COUNT = 213
    DAILY_LOSS = 214
    DRAWDOWN = 215
    COOLDOWN = 216
    RATE_SECOND = 217
    RATE_MINUTE = 218
    RATE_DAY = 219
    STOP_DISTANCE = 220
    IN_DOUBT = 221
    CAPACITY = 222
    STOPPING = 223  # a graceful stop; a restart lifts it
    JOURNAL = 224  # the journal cannot be written: no entries without a record
    KILL_FILE = 225
    RATE_HALF_HOUR = 226
    RATE_BROKER = 227  # the broker has asked to slow down
    FORGOTTEN = 228  # an earlier run's journal is gone: nobody knows whether a person had halted it
    SLICES = 240  # the freeze quantity would cut it into more than Limit.SLICES orders
    ENTRY_WAIT = 241  # the entry waits for the rate budget
    SUPERSEDED = 242  # a newer signal of the strategy took its place
    RESTARTED = 243  # the process that made an entry wait has ended
    LEAVING = 244  # the position that an entry would add to is being left
    ENTRY_BRAKE = 250  # entries of this strategy were rejected one after another
    # 3xx: order state
    ILLEGAL_EVENT = 301
    CUM_QTY_FELL = 302
    OVER_FILL = 303
    OVER_EXIT = 304
    LATE_ACCEPT = 305
    LATE_FILL = 306
    UNKNOWN_STATUS = 307
    UNKNOWN_ORDER = 308
    READ_BACK = 309  # the broker stored something else than we sent
    VANISHED = 319  # whole books no longer show an order that stood
    # 4xx: broker
    BROKER_INPUT = 401
    BROKER_TOKEN = 402
    BROKER_PERMISSION = 403
    BROKER_ORDER = 404
    BROKER_MARGIN = 405
    BROKER_RATE = 406
    BROKER_NETWORK = 407
    BROKER_OTHER = 408
    PROVEN_ABSENT = 409
    TIMED_OUT = 410
    MODIFY_CAP = 411
    BROKER_BUSY = 440  # the order is being processed, or has ended: the book is read first
    # 5xx: exchange
    EXCHANGE_REJECT = 501
    EXIT_RESTING = 503
    PRICE_RANGE = 520  # outside the circuit limits or the limit price protection of this moment
    MARKET_HALTED = 521  # the exchange takes no orders now
    TOUCH_OLD = 522  # neither feed nor broker tells a price
    # 6xx: strategy; the filters of a signal
    SIDE_OFF = 601
    WARM_UP = 602
    RSI_FILTER = 603
    ATR_FILTER = 604
    TIME_FILTER = 605
    ALREADY_OPEN = 606
    DISABLED = 607
    REVERSE_WAIT = 608
    REVERSE_EXPIRED = (
        640  # the former position was closed too late for the entry that waited for it
    )
    # What a compiled strategy said and the core does not do
    DECISION_UNKNOWN = 650  # an action, a kind of level or a reason that there is not
    DECISION_NAN = 651  # a level that is no number
    STOP_SIDE = 652  # the stop is where the price has been already
    TARGET_SIDE = 653
    LEVEL_ABSURD = 654  # beyond the price band, or beyond ten times the price
    DECISION_QTY = 655  # below 0, or not whole lots
    DECIDED_TWICE = 656  # it has said something in this event already
    NOTHING_HELD = 657  # nothing to exit, or whose stop could move
    STOP_LOOSER = 658  # a stop moves only towards the price, by a tick at least
    # 9xx: internal
    RING_FULL = 901
    ENCODE = 903
    FAULT = 904  # code of ours failed; the notice beside it says where


class Note(IntEnum):
    """What a notice is about. `NOTE_FIELDS` names what it tells; its sentence is in
    `otrade/live/notices/messages.py`.
    """

    SIGNAL_TAKEN = 1
    SIGNAL_REFUSED = 2
    ENTRY_SENT = 3
    ENTRY_FILLED = 4
    STOP_PLACED = 5
    STOP_MOVED = 6
    TARGET_ARMED = 7
    TARGET_DISARMED = 8
    EXIT_SENT = 9
    BRACKET_CLOSED = 10
    ORDER_REFUSED = 11
    ORDER_REJECTED = 12
    EXIT_REJECTED = 13
    EXIT_CHASED = 14
    IN_DOUBT = 15
    DOUBT_RESOLVED = 16
    PROVEN_ABSENT = 17
    LATE_FILL = 18
    OVER_EXIT = 19
    ILLEGAL_EVENT = 20
    UNKNOWN_STATUS = 21
    HALT_CHANGED = 23
    LIMIT_TRIPPED = 24
    SQUARE_OFF = 25
    QUARANTINED = 27
    BUDGET_WAIT = 28
    READ_BACK = 29
    CAPACITY = 30
    ADOPTED = 31
    RESUMED = 32
    ENTRY_WAITS = 50  # a decision, or the rest of one, waits for the rate budget
    ENTRY_DROPPED = 51  # it is not sent
    ENTRY_CUT = 52  # the same, where a part of it has been sent
    VALUE_UNKNOWN = 40
    VALUE_TAKEN = 41
    EXIT_AT_BAND = 60
    TARGET_REFUSED = 70
    ENTRY_BRAKE = 71
    STOP_RENEWED = 72  # cancelled, to be placed anew with a fresh count of modifications
    TRAIL_WAITS = 73
    AT_TARGET = 74  # how long a closed bracket had no stop by design


NOTE_FIELDS: dict[int, dict[str, type[int]]] = {
    # What each note tells beside the notice's own fields (severity, ids, order, reason, side), in
    # the order of `notice_t`'s a, b, c. An `int` has its unit in its name; an enum says what a code
    # means. Nobody else may know a, b and c: `notes.pxd`, the engine's views and the journal's
    # readers are made from this table.
    Note.SIGNAL_TAKEN: {"price_e4": int},
    Note.SIGNAL_REFUSED: {"price_e4": int},
    Note.ENTRY_SENT: {"qty": int, "price_e4": int},
    Note.ENTRY_FILLED: {"qty": int, "value_e4": int},
    Note.STOP_PLACED: {"trigger_e4": int, "qty": int},
    Note.STOP_MOVED: {"trigger_e4": int, "qty": int},
    Note.TARGET_ARMED: {},
    Note.TARGET_DISARMED: {},
    Note.EXIT_SENT: {"qty": int, "exit_reason": ExitReason},
    Note.BRACKET_CLOSED: {"pnl_e4": int, "naked_ns": int, "exit_reason": ExitReason},
    Note.ORDER_REFUSED: {},
    Note.ORDER_REJECTED: {},
    Note.EXIT_REJECTED: {},
    Note.EXIT_CHASED: {"price_e4": int, "ladder_step": int},
    Note.IN_DOUBT: {},
    Note.DOUBT_RESOLVED: {"ev": Ev},
    Note.PROVEN_ABSENT: {},
    Note.LATE_FILL: {},
    Note.OVER_EXIT: {"qty": int},
    Note.ILLEGAL_EVENT: {"ord_status": OrdStatus, "ev": Ev},
    Note.UNKNOWN_STATUS: {},
    Note.HALT_CHANGED: {"halt": Halt, "halt_reason": Reason},
    Note.LIMIT_TRIPPED: {"net_e4": int, "drawdown_e4": int, "charges_e4": int},
    Note.SQUARE_OFF: {},
    Note.QUARANTINED: {},
    Note.BUDGET_WAIT: {},
    # What the broker has stored; of an order that filled more than was ordered, `qty` alone: what
    # it has filled
    Note.READ_BACK: {"qty": int, "price_e4": int, "trigger_e4": int},
    Note.CAPACITY: {},
    Note.ADOPTED: {"qty": int},
    Note.RESUMED: {"n_open": int, "n_in_doubt": int},
    # `rest_qty` 0: all of it waits, and is sized when it is sent
    Note.ENTRY_WAITS: {"rest_qty": int, "sent_qty": int, "at_most_ns": int},
    Note.ENTRY_DROPPED: {"rest_qty": int, "sent_qty": int, "waited_ns": int},
    Note.ENTRY_CUT: {"rest_qty": int, "sent_qty": int, "waited_ns": int},
    Note.VALUE_UNKNOWN: {"qty": int, "price_e4": int},
    # `is_news`: else it is for the books only
    Note.VALUE_TAKEN: {"change_e4": int, "value_e4": int, "is_news": bool},
    Note.EXIT_AT_BAND: {"price_e4": int},
    Note.TARGET_REFUSED: {},
    Note.ENTRY_BRAKE: {"n_rejected": int, "pause_ns": int},
    Note.STOP_RENEWED: {"trigger_e4": int, "qty": int},
    Note.TRAIL_WAITS: {"trigger_e4": int, "wanted_e4": int},
    Note.AT_TARGET: {"worst_ns": int, "total_ns": int},
}


# ----------------------------------------------------------------------------------------------------------------
# structs
# (field, code) or (field, code, length). i8 i4 i2 i1 u8 u4 u2 u1 are integers of that many bytes,
# f8 a double, c a char.
I8, I4, U4, F8, C = "i8", "i4", "u4", "f8", "c"

STRUCTS: dict[str, list[tuple[str, str] | tuple[str, str, int]]] = {
    # One decoded market-data packet, exactly as the wire said it. A field that the packet lacks is
    # 0; `has` says which are there. `ts_trade_ns` is the last trade's time, `ts_exch_ns` the
    # packet's or frame's own: two clocks, compared each with itself.
    "tick_t": [
        ("token", U4),
        ("segment", I4),
        ("kind", I4),
        ("tradable", I4),
        ("has", I4),
        ("_pad", I4),
        ("ltp_e4", I8),
        ("avg_px_e4", I8),
        ("volume", I8),
        ("ltq", I8),
        ("buy_qty", I8),
        ("sell_qty", I8),
        ("open_e4", I8),
        ("high_e4", I8),
        ("low_e4", I8),
        ("close_e4", I8),
        ("oi", I8),
        ("oi_high", I8),
        ("oi_low", I8),
        ("ts_trade_ns", I8),
        ("ts_exch_ns", I8),
        ("bid_px_e4", I8, 5),
        ("ask_px_e4", I8, 5),
        ("bid_qty", I8, 5),
        ("ask_qty", I8, 5),
        ("bid_orders", I4, 5),
        ("ask_orders", I4, 5),
    ],
    # The last known state of one instrument: what a strategy's on_tick sees. Best bid and ask
    # first, depth after. A bid or ask of 0 is not known, or nobody's; `has_depth` says whether the
    # book is known. `ts_recv_ns`: when anything of it last came, `ts_price_ns` its last trade,
    # `ts_book_ns` its book. `traded`: the last packet brought a trade and did not repeat one;
    # `ts_bar_ns`: when that was (0: not said); `bare`: that trade came without the day's volume.
    # `feeds_heard` and `feeds_timed` have a bit for each feed that has told of a last trade, and of one with its time.
    # From `absurd_px_e4` on: the run of refused prices that is not settled (none when `n_absurd` is
    # 0).
    "market_t": [
        ("ltp_e4", I8),
        ("prev_ltp_e4", I8),
        ("bid_px_e4", I8),
        ("ask_px_e4", I8),
        ("bid_qty", I8),
        ("ask_qty", I8),
        ("ts_recv_ns", I8),
        ("ts_exch_ns", I8),
        ("volume", I8),
        ("ltq", I8),
        ("d_volume", I8),
        ("n_ticks", I8),
        ("open_e4", I8),
        ("high_e4", I8),
        ("low_e4", I8),
        ("close_e4", I8),
        ("avg_px_e4", I8),
        ("oi", I8),
        ("buy_qty", I8),
        ("sell_qty", I8),
        ("ts_trade_ns", I8),
        ("n_refused", I8),
        ("ts_price_ns", I8),
        ("ts_book_ns", I8),
        ("ts_bar_ns", I8),
        ("kind", I4),
        ("has_depth", I4),
        ("feed", I4),
        ("feed_last", I4),
        ("traded", I4),
        ("n_agree", I4),
        ("absurd_px_e4", I8),
        ("absurd_since_ns", I8),
        ("absurd_ts_ns", I8),
        ("absurd_volume", I8),
        ("n_absurd", I4),
        ("bare", I4),
        ("feeds_heard", I4),
        ("feeds_timed", I4),
        ("depth_bid_px_e4", I8, 5),
        ("depth_ask_px_e4", I8, 5),
        ("depth_bid_qty", I8, 5),
        ("depth_ask_qty", I8, 5),
    ],
    # One bar, aligned to the session's open. `ts_end_ns`: its end, the session's close at the
    # latest. `gap` is how many empty bars came just before it.
    "bar_t": [
        ("ts_open_ns", I8),
        ("ts_end_ns", I8),
        ("open_e4", I8),
        ("high_e4", I8),
        ("low_e4", I8),
        ("close_e4", I8),
        ("volume", I8),
        ("n_ticks", I8),
        ("gap", I8),
    ],
    # What heads a HISTORY record. Bars that have closed are one strategy's, and feed its kernel
    # without a signal; `n_left` more come in further records. `strategy_id` NONE_ID: the one bar is
    # the series' own, which runs now; from `ts_from_ns` on, its beginning or its end, the series
    # makes bars (0: the record is of closed bars).
    "history_t": [
        ("series_id", I4),
        ("strategy_id", I4),
        ("n_bars", I4),
        ("n_left", I4),
        ("ts_from_ns", I8),
    ],
    # What a strategy says. `side` is the crossover (0: none); `blocked` is 0 or the Reason of the
    # filter that refused it.
    "signal_t": [
        ("side", I4),
        ("blocked", I4),
        ("ready", I4),
        ("_pad", I4),
        ("px_e4", I8),
        ("ts_ns", I8),
        ("fast", F8),
        ("slow", F8),
        ("rsi", F8),
        ("atr", F8),
    ],
    # All that a compiled strategy says, as `kernels/strategy_abi.py` tells it, and what became of it.
    "decision_t": [
        ("action", I8),
        ("why", I8),
        ("stop_is", I8),
        ("stop", F8),
        ("target_is", I8),
        ("target", F8),
        ("qty", I8),
        ("n_inputs", I8),
        ("input_1", F8),
        ("input_2", F8),
        ("input_3", F8),
        ("input_4", F8),
    ],
    "decision_rec_t": [
        ("decision", "decision_t"),
        ("ts_ns", I8),
        ("px_e4", I8),
        ("strategy_id", I4),
        ("instrument_id", I4),
        ("taken", I4),
        ("reason", I4),
    ],
    # How a strategy's entry is sized and bracketed. Distances: kind 0 off, 1 bps of entry, 2 rupees
    # (e4), 3 ATR multiples.
    "plan_t": [
        ("stop_kind", I4),
        ("target_kind", I4),
        ("trail_kind", I4),
        ("size_mode", I4),
        ("stop_value", F8),
        ("target_value", F8),
        ("trail_value", F8),
        ("trail_step_value", F8),
        ("trail_from_value", F8),  # in `trail_kind`: how far price goes before the stop follows
        ("size_value", F8),
        ("max_qty", I8),
        ("entry_type", I4),
        ("exit_mode", I4),
        ("on_opposite", I4),
        ("enabled", I4),
        ("entry_offset_bps", F8),
        ("entry_timeout_ns", I8),
        ("stop_limit_bps", F8),
        ("hysteresis_bps", F8),
        ("time_exit_ns", I8),
        ("ladder_start_bps", F8),
        ("ladder_step_bps", F8),
        ("ladder_interval_ns", I8),
        ("ladder_max_steps", I4),
        ("protection_e2", I4),
        ("cooldown_ns", I8),
    ],
    "instrument_t": [
        ("token", U4),
        ("segment", I4),
        ("product", I4),
        ("quarantined", I4),
        ("tick_size_e4", I8),
        ("lot_size", I8),
        ("freeze_qty", I8),
        ("multiplier", I8),
        ("band_lo_e4", I8),
        ("band_hi_e4", I8),
        # What the broker said by REST, and when it was asked (0: never). `band_doubted`: a price
        # was beyond the band since, or a refusal speaks of it. `halted`: the exchange took no
        # order; a trade ends it.
        ("band_ts_ns", I8),
        ("quote_ts_ns", I8),
        ("quote_ltp_e4", I8),
        ("quote_bid_e4", I8),
        ("quote_ask_e4", I8),
        ("band_doubted", I4),
        ("quote_wanted", I4),
        ("halted", I4),
        ("days_to_expiry", I4),  # of its contract; -1: it has none
        ("open_ns", I8),
        ("entry_from_ns", I8),
        ("entry_until_ns", I8),
        ("square_off_ns", I8),
        ("close_ns", I8),
        ("series_first", I4),
        ("series_n", I4),
        ("bracket_head", I4),
        ("n_in_doubt", I4),
        ("n_by_tick", I4),  # strategies that see each trade
        ("n_compiled", I4),
        ("symbol", C, 32),
        ("exchange", C, 8),
    ],
    "series_t": [
        ("interval_ns", I8),
        ("instrument_id", I4),
        ("strategy_first", I4),
        ("strategy_n", I4),
        ("has_bar", I4),
        ("has_news", I4),  # a bar has closed that its strategies have not seen
        ("_pad", I4),
        ("from_ns", I8),  # no bar begins before it
        ("bar", "bar_t"),
        ("last", "bar_t"),
        ("n_closed", I8),
        ("n_gaps", I8),
        ("n_late", I8),
    ],
    "position_t": [
        ("net_qty", I8),
        ("buy_qty", I8),
        ("sell_qty", I8),
        ("buy_value_e4", I8),
        ("sell_value_e4", I8),
        ("mark_e4", I8),
        ("pnl_e4", I8),
        ("charges_e4", I8),
        ("n_unvalued", I4),
        ("n_unpriced", I4),
        ("dp_bracket", I4),  # 1 + the bracket that owes the depository for this scrip; 0: none
        ("uncharged", I4),  # it has traded at charges that are not known
    ],
    # What an order costs, in units of 1e-12 of its value, and e4 rupees. `brokerage_flat_e4` below 0:
    # the lower of a share and a most.
    "side_rates_t": [
        ("stt", I8),
        ("exchange", I8),
        ("ipft", I8),
        ("sebi", I8),
        ("stamp", I8),
    ],
    "segment_rates_t": [
        ("buy", "side_rates_t"),
        ("sell", "side_rates_t"),
        ("gst", I8),
        ("brokerage", I8),
        ("brokerage_most_e4", I8),
        ("brokerage_flat_e4", I8),
    ],
    # One instrument's, in its product. `same_day`: of shares for delivery, those both bought and
    # sold. `dp_at`: the instrument that keeps who owes the depository for this scrip. `known`: no
    # rate is missing.
    "charge_rates_t": [
        ("own", "segment_rates_t"),
        ("same_day", "segment_rates_t"),
        ("dp_e4", I8),
        ("square_off_e4", I8),
        ("is_delivery", I4),
        ("dp_at", I4),
        ("known", I4),
        ("_pad", I4),
    ],
    "order_t": [
        ("ord_status", I4),
        ("pending", I4),
        ("in_doubt", I4),
        ("leg", I4),
        ("side", I4),
        ("ord_type", I4),
        ("tif", I4),
        ("product", I4),
        ("instrument_id", I4),
        ("bracket_id", I4),
        ("attempt", I4),
        ("n_modifies", I4),
        ("next", I4),
        ("looks", I4),
        ("reason", I4),
        ("order_qty", I8),
        ("cum_qty", I8),
        ("cum_value_e4", I8),
        ("price_e4", I8),
        ("trigger_e4", I8),
        ("req_qty", I8),
        ("req_price_e4", I8),
        ("req_trigger_e4", I8),
        ("req_type", I4),
        ("triggered", I4),
        ("ts_intent_ns", I8),
        ("ts_sent_ns", I8),
        ("ts_ack_ns", I8),
        ("ts_report_ns", I8),
        ("ts_update_ns", I8),
        ("ts_doubt_ns", I8),
        ("ts_look_ns", I8),
        ("ts_busy_ns", I8),
        ("protection_e2", I4),
        ("request_seq", U4),
        ("worth", I4),
        ("_pad", I4),
        ("ts_known_ns", I8),  # since when we know the broker's id
        ("cl_ord_id", C, 24),
        ("broker_order_id", C, 32),
    ],
    # One request for the wire, in the broker-neutral words; `order_slot` names the order that it is
    # about. `unrecorded`: the journal had no room for it.
    "command_t": [
        ("kind", I4),
        ("lane", I4),
        ("order_slot", I4),
        ("instrument_id", I4),
        ("seq", U4),
        ("side", I4),
        ("ord_type", I4),
        ("tif", I4),
        ("product", I4),
        ("protection_e2", I4),
        ("qty", I8),
        ("price_e4", I8),
        ("trigger_e4", I8),
        ("ts_ns", I8),
        ("cl_ord_id", C, 24),
        ("broker_order_id", C, 32),
        ("symbol", C, 32),
        ("exchange", C, 8),
        ("n_bytes", I4),
        ("unrecorded", I4),
        ("request", C, 2048),
    ],
    # What a broker said about one order: the same for a push, an answer and a row of the book.
    "report_t": [
        ("ev", I4),
        ("source", I4),
        ("ord_type", I4),
        ("side", I4),
        ("order_qty", I8),
        ("cum_qty", I8),
        ("cum_value_e4", I8),
        ("price_e4", I8),
        ("trigger_e4", I8),
        ("ts_update_ns", I8),
        ("ts_recv_ns", I8),
        ("triggered", I4),
        ("reason", I4),
        ("cl_ord_id", C, 24),
        ("broker_order_id", C, 32),
        ("worth", I4),
        ("_pad", I4),
    ],
    # What a broker answered to a request, as the journal keeps it.
    "answer_t": [
        ("seq", U4),
        ("outcome", I4),
        ("reason", I4),
        ("_pad", I4),
        ("broker_order_id", C, 32),
    ],
    "bracket_t": [
        ("state", I4),
        ("strategy_id", I4),
        ("instrument_id", I4),
        ("side", I4),
        ("exit_reason", I4),
        ("next", I4),
        ("order_head", I4),
        ("n_orders", I4),
        ("entry_slot", I4),
        ("stop_slot", I4),
        ("target_slot", I4),
        ("fix_slot", I4),
        ("exit_mode", I4),
        ("target_armed", I4),
        ("ladder_step", I4),
        ("n_rejects", I4),
        ("entry_cancel", I4),
        ("holds_position", I4),
        ("counted_trade", I4),
        ("n_stop_moves", I4),
        ("leave_reason", I4),
        ("trail_said", I4),
        # Refusals in a row and pauses are by leg; `n_rejects` and `retry_ns` are the stop's, which
        # is the way out too.
        ("n_target_rejects", I4),
        ("n_fix_rejects", I4),
        ("refused_seq", U4),
        ("target_refused_seq", U4),
        ("fix_refused_seq", U4),
        ("n_unvalued", I4),  # orders of it whose value is not known
        ("decision", I4),  # the bracket of the decision's first slice
        ("slice_no", I4),  # which slice of it this one is, from 0
        ("order_qty", I8),
        ("entry_qty", I8),
        ("entry_value_e4", I8),
        ("exit_qty", I8),
        ("exit_value_e4", I8),
        ("open_qty", I8),
        ("protected_qty", I8),
        ("signal_px_e4", I8),
        ("stop_e4", I8),
        ("stop_limit_e4", I8),
        ("target_e4", I8),
        ("best_e4", I8),
        ("trail_e4", I8),
        ("trail_step_e4", I8),
        ("trail_from_e4", I8),  # the price at which the stop begins to follow; 0: at once
        ("stop_distance_e4", I8),
        ("ts_open_ns", I8),
        ("ts_entry_ns", I8),
        ("ts_close_ns", I8),
        ("time_exit_ns", I8),
        ("entry_expire_ns", I8),
        ("naked_since_ns", I8),
        ("naked_total_ns", I8),
        ("naked_worst_ns", I8),
        ("ladder_next_ns", I8),
        ("retry_ns", I8),
        ("stop_crossed_ns", I8),
        ("atr_e4", I8),
        ("flat_px_e4", I8),
        ("initial_stop_e4", I8),
        ("ts_armed_ns", I8),
        ("target_retry_ns", I8),
        ("fix_retry_ns", I8),
        ("renew_ns", I8),
        ("trail_waits_ns", I8),
        # An exit's price that was refused for its range, when, and how often; `blind` counts steps
        # of the ladder without any price.
        ("refused_px_e4", I8),
        ("refused_ts_ns", I8),
        ("flat_ts_ns", I8),
        ("n_px_refused", I4),
        ("blind", I4),
        ("flat_type", I4),
        ("told_at_band", I4),
        # Without a stop by design: its order works at the target instead. `naked_` is all other
        # time without one.
        ("target_since_ns", I8),
        ("target_total_ns", I8),
        ("target_worst_ns", I8),
        # What its orders' tags say: the run and number under which it was opened, whatever run
        # manages it now.
        ("tag_run", I8),
        ("tag_bracket", I4),
        ("next_attempt", I4),
        # Of the open quantity, what the account no longer holds: somebody else has closed it. No
        # exit is placed for it.
        ("gone_qty", I8),
        ("charges_e4", I8),  # of what its orders have traded
        # What a decision said of its levels; 0: the plan's. A price stays where it is, a distance
        # follows the average fill.
        ("stop_is_price", I4),
        ("target_is", I4),
        ("said_stop_e4", I8),
        ("said_target_e4", I8),
        # Where its strategy wants the stop, not done yet (0: nothing), and when it may be.
        ("move_e4", I8),
        ("move_next_ns", I8),
    ],
    "risk_limits_t": [
        ("max_order_qty", I8),
        ("max_order_notional_e4", I8),
        ("max_open_positions", I8),
        ("max_trades", I8),
        ("max_daily_loss_e4", I8),
        ("max_drawdown_e4", I8),
        ("stale_feed_ns", I8),
        ("flatten_on_limit", I4),
        ("px_jump_bps_max", I4),
        ("entry_wait_ns", I8),
    ],
    "risk_state_t": [
        ("halt", I4),
        ("halt_reason", I4),
        ("open_positions", I8),
        ("trades", I8),
        ("pnl_e4", I8),  # gross
        ("charges_e4", I8),  # owed by what has traded; the loss, the peak and its drawdown are net
        ("peak_e4", I8),
        ("drawdown_e4", I8),
        ("n_denied", I8),
        ("n_entering", I8),
        ("uncharged", I4),  # something has traded at charges that are not known
        ("_pad", I4),
        ("n_unvalued", I4),
        ("n_rounded", I4),  # orders whose value is not known, or only a broker's average of
    ],
    # What may be sent in a sliding second, minute, half hour and in the day, and what has been:
    # `ts_ring_ns` holds the times of the last requests, `minute_ring` their number in each minute.
    # `reserve` is what entries may never touch.
    "budget_t": [
        ("per_second", I8),
        ("per_minute", I8),
        ("per_half_hour", I8),
        ("per_day", I8),
        ("reserve_second", I8),
        ("reserve_minute", I8),
        ("reserve_half_hour", I8),
        ("reserve_day", I8),
        ("modifies_per_order", I8),
        ("day_used", I8),
        ("head", I8),
        ("n_denied", I8),
        ("tight_ns", I8),
        ("tight_until_ns", I8),
        ("n_tightened", I8),
        ("minute", I8),
        ("in_half_hour", I8),  # the sum of `minute_ring`, as of `minute`
        ("ts_ring_ns", I8, 512),
        ("minute_ring", I4, 32),
    ],
    # A signal and what became of it, a closed bar: what the page and the journal read.
    "signal_rec_t": [
        ("signal", "signal_t"),
        ("strategy_id", I4),
        ("instrument_id", I4),
        ("taken", I4),
        ("reason", I4),
    ],
    "bar_rec_t": [("bar", "bar_t"), ("series_id", I4), ("instrument_id", I4)],
    # `a`, `b`, `c` are called by their names in `NOTE_FIELDS`, and nowhere by these.
    "notice_t": [
        ("seq", I8),
        ("ts_ns", I8),
        ("code", I4),
        ("severity", I4),
        ("instrument_id", I4),
        ("bracket_id", I4),
        ("strategy_id", I4),
        ("order_slot", I4),
        ("reason", I4),
        ("side", I4),
        ("a", I8),
        ("b", I8),
        ("c", I8),
    ],
}
