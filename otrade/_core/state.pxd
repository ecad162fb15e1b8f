"""The core's memory: one block of arrays, allocated once, that every room reads and writes. See `state.pyx`."""
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t

from otrade._core.types cimport (
    MAX_FURTHER_BARS, bar_rec_t, bar_t, bar_view_t, bracket_t, budget_t, charge_rates_t, clock_view_t, command_t, decision_rec_t,
    decision_t, fill_view_t, filter_params_t, filter_state_t, instrument_t, market_t, notice_t, order_t, plan_t, position_t,
    position_view_t, risk_limits_t, risk_state_t, series_t, signal_rec_t, signal_t,
)

# Entry points of a strategy, as `kernels/strategy_abi.py` tells them.
ctypedef int64_t (*say_on_bar_t)(
    const void* params, void* state, const bar_view_t* bar, const bar_view_t* bars, const market_t* market,
    const position_view_t* position, const clock_view_t* clock, decision_t* decision) noexcept nogil
ctypedef int64_t (*say_on_tick_t)(
    const void* params, void* state, const market_t* market, const bar_view_t* bars, const position_view_t* position,
    const clock_view_t* clock, decision_t* decision) noexcept nogil
ctypedef int64_t (*say_on_fill_t)(
    const void* params, void* state, const fill_view_t* fill, const market_t* market, const bar_view_t* bars,
    const position_view_t* position, const clock_view_t* clock, decision_t* decision) noexcept nogil

# Its entry points, what it is shown, and what it says. What comes behind the addresses is saved.
cdef struct compiled_t:
    say_on_bar_t on_bar
    say_on_tick_t on_tick
    say_on_tick_t on_timer
    say_on_fill_t on_fill
    decision_t said
    bar_view_t bar
    bar_view_t bars[MAX_FURTHER_BARS]
    position_view_t position
    clock_view_t clock
    fill_view_t fill
    int64_t further_ns[MAX_FURTHER_BARS]  # lengths of `bars`; 0: none
    int64_t timer_ns  # 0: it has no timer
    int64_t timer_next_ns
    int64_t decided_event  # the event of its last decision
    int64_t entered_value_e4  # of what an event has filled, until it has been told
    int64_t left_value_e4
    int64_t told_action  # what was told of last, and what came of it: a refusal that repeats itself is told once
    int64_t told_reason
    int64_t told_ns

# What a decision said of the entry, in the core's units. All zero: it is the plan's to say.
cdef struct terms_t:
    int32_t stop_is
    int32_t target_is
    int64_t stop_e4
    int64_t target_e4
    int64_t qty

# One number of a strategy that is kept by bar, to be shown, and the counter beside it that says whether it is known.
cdef struct watched_value_t:
    const double* value
    const void* counter
    int32_t counter_bytes  # 1 or 4
    int32_t known_from  # the value is known when the counter is at least that

# What is kept of them: a ring of rows, each the bar's begin and end and the numbers, eight bytes each. Never journalled.
cdef struct watch_t:
    watched_value_t* values
    int32_t n
    int64_t n_rows  # ever written
    int64_t n_kept  # of them, the newest
    int64_t* rows

cdef struct strategy_t:
    void* params
    void* state
    compiled_t* compiled
    watch_t* watch  # NULL: nobody looks
    size_t state_bytes
    filter_params_t filters  # of a kind that is built in
    plan_t plan
    signal_t signal
    filter_state_t filtered
    int32_t instrument_id
    int32_t series_id
    int32_t kind  # its place among those that are built in; below 0: a file
    int32_t enabled
    int32_t wants_ticks
    int32_t wants_fills
    int32_t has_fills  # that it has not been told of
    int32_t last_exit  # ExitReason of what was closed last
    int64_t n_closed  # positions
    int64_t n_refused_decisions  # that could not be meant
    terms_t terms  # of the decision at hand
    terms_t wait_terms
    terms_t reverse_terms
    int32_t n_open  # brackets that are not closed
    int32_t reverse_side  # side to enter once flat, after an opposite signal
    int32_t wait_side  # of the decision that waits for the rate budget; 0: none does
    int32_t wait_sent  # slices of it that have been sent
    int32_t wait_said
    int32_t decision  # bracket of the first slice of the decision made last
    int32_t n_held  # brackets that hold the strategy's one position
    int32_t in_flight  # that position has been sent for and is no trade yet
    int64_t reverse_px_e4  # the signal's price
    int64_t wait_px_e4
    int64_t wait_left  # units of it that are not sent yet; 0: none of it is, and it is sized when it is
    int64_t wait_total  # units of all its slices
    int64_t wait_since_ns
    int64_t wait_until_ns
    int32_t n_entry_rejects  # in a row
    int64_t cooldown_until_ns
    int64_t reverse_until_ns
    int64_t brake_until_ns  # no entries before that
    int64_t brake_ns
    int64_t n_signals
    int64_t n_taken
    int64_t fed_ns  # end of the last bar of the past that has fed it; 0: none has
    int64_t n_to_feed  # bars of the same history that further records bring

cdef struct counters_t:
    int64_t frames
    int64_t heartbeats
    int64_t packets
    int64_t ticks
    int64_t unknown_tokens
    int64_t signals
    int64_t orders
    int64_t reports
    int64_t duplicate_reports
    int64_t illegal_events
    int64_t commands_dropped
    int64_t notices_dropped
    int64_t clock_back
    int64_t doubled  # ticks that another feed had brought before
    int64_t naked_ns_total
    int64_t naked_ns_worst
    int64_t target_ns_total  # without a stop by design, while its order works at the target
    int64_t target_ns_worst
    int64_t timeouts
    int64_t refused[16]  # packets and frames refused, by Reason - 100

cdef struct key_t:
    uint8_t n
    uint8_t text[47]

cdef struct core_t:
    instrument_t* instruments
    market_t* markets
    position_t* positions
    charge_rates_t* charge_rates  # by instrument
    series_t* series
    strategy_t* strategies
    order_t* orders
    bracket_t* brackets
    command_t* commands
    notice_t* notices
    signal_rec_t* signals
    decision_rec_t* decisions  # beside each signal; `decision.action` is 0 where it was a built-in kind's
    bar_rec_t* bars
    int32_t* live  # ids of the brackets that are not closed, in the order of their opening
    int32_t* by_length  # series ids, an instrument's together, the longest bars first
    int32_t* waiting  # ids of the strategies whose decision waits, the oldest first
    int32_t* buckets  # open-addressed hash of instrument tokens
    int32_t* key_buckets  # the same of their names on a wire that uses text
    key_t* keys
    uint32_t bucket_mask
    int32_t n_instruments, cap_instruments
    int32_t n_series, cap_series
    int32_t n_strategies, cap_strategies
    int32_t n_orders, cap_orders
    int32_t n_brackets, cap_brackets
    int32_t n_live
    int32_t n_waiting
    int32_t n_in_doubt
    int32_t n_adopted  # orders whose tag does not name their slot
    int64_t command_head, command_encoded, command_tail, cap_commands
    int64_t notice_head, notice_tail, cap_notices
    int64_t signal_head, signal_tail, cap_signals
    int64_t bar_head, bar_tail, cap_bars
    int64_t n_events  # prices, timer beats and rounds of fills: a strategy decides once in each
    int32_t n_filled  # strategies with fills that they have not been told of
    int32_t n_timers  # strategies with a timer
    uint32_t seq
    int32_t feed_alive  # a bit for each feed
    int32_t feeds_seen  # feeds that were ever up
    int64_t failover_ns
    int32_t paused  # bits of PauseBy
    int32_t poll_wanted
    int32_t in_book  # rows of a book are coming in: half a book is not acted on
    int64_t run_id
    int64_t now_ns
    int64_t ts_frame_ns  # when any frame came last
    int64_t order_timeout_ns
    int64_t look_gap_ns
    int64_t bar_grace_ns
    int64_t poll_next_ns
    int64_t wait_next_ns  # when the waiting decisions are looked at again
    int64_t book_request_ns
    risk_limits_t limits
    risk_state_t risk
    budget_t budget
    counters_t counters

cdef int allocate(core_t* c) except -1
cdef void touch_ahead(core_t* c) noexcept nogil
cdef void fetch_ahead(const core_t* c) noexcept nogil
cdef void release(core_t* c) noexcept
cdef void put_token(core_t* c, uint32_t token, int instrument_id) noexcept nogil
cdef int find_key(const core_t* c, const uint8_t* text, Py_ssize_t n) noexcept nogil
cdef void put_key(core_t* c, const uint8_t* text, Py_ssize_t n, int instrument_id) noexcept nogil
cdef notice_t* notify(core_t* c, int code, int severity, int instrument_id, int bracket_id, int order_slot, int reason) noexcept nogil
cdef command_t* push_command(core_t* c) noexcept nogil
cdef void push_signal(core_t* c, int strategy_id, int taken, int reason) noexcept nogil
cdef void push_bar(core_t* c, int series_id) noexcept nogil
cdef int new_order(core_t* c, int bracket_id, int leg, int side) noexcept nogil
cdef int find_order(const core_t* c, const char* cl_ord_id, const char* broker_order_id) noexcept nogil


cdef inline uint32_t hash_token(uint32_t token) noexcept nogil:
    return (token * <uint32_t>2654435769U) >> 7


cdef inline int find_token(const core_t* c, uint32_t token) noexcept nogil:
    """Instrument id of a broker's token, or -1. Here, to be compiled into the walk over a frame's packets."""
    cdef uint32_t at = hash_token(token) & c.bucket_mask
    cdef int32_t i
    while True:
        i = c.buckets[at]
        if i < 0 or c.instruments[i].token == token:
            return i
        at = (at + 1) & c.bucket_mask
