# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The memory of the core. Everything is allocated here, once, at the sizes that the constructor names; nothing grows later.

Rings (commands, notices, signals, bars) are read by the world outside between events. A full notice, signal or bar ring
forgets its oldest entry and counts it; a full command ring refuses the new command, because a forgotten order is worse than
a refused one.

ClOrdID (19 characters, [0-9A-Z]): "OT", run (6), bracket (4), leg (1), attempt (2), order slot (4), numbers in base 36. It
fits Kite's 20-character tag, is unique, and alone suffices to rebuild the bracket from the broker's book: run and bracket are
those under which the bracket was opened, for all of its orders, whatever process sends them.
"""
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcmp, memcpy, memset, strcmp, strncmp

from otrade._core.types cimport (
    MAX_ORDERS_PER_BRACKET, ORD_INITIALIZED, PENDING_NONE,
    bar_rec_t, bracket_t, charge_rates_t, command_t, decision_rec_t, instrument_t, market_t, notice_t, order_t, position_t, series_t, signal_rec_t,
)

from otrade.errors import EngineError

cdef extern from * nogil:
    void __builtin_prefetch(const void* p, int for_writing, int locality)

cdef enum:
    AHEAD = 32  # entries of each table whose memory is held ready
    NOTICES_OF_ONE = 2  # that one decision leaves
    COMMAND_USED = 704  # bytes of a command that a usual request fills

cdef const char* DIGITS = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
# A variable on purpose: of a constant size gcc makes `rep stosq`, which costs twice the library's memset.
cdef size_t ORDER_BYTES = sizeof(order_t)


cdef void* _array(int64_t n, size_t size) except NULL:
    cdef void* block = calloc(n if n > 0 else 1, size)
    if block == NULL:
        raise EngineError(f"no memory for {n} entries of {size} bytes; lower the limits in `engine`")
    return block


cdef int allocate(core_t* c) except -1:
    """Allocate every array from the `cap_` fields."""
    cdef uint32_t n = 16
    while n < <uint32_t>c.cap_instruments * 2:
        n *= 2
    c.bucket_mask = n - 1
    c.buckets = <int32_t*>_array(n, sizeof(int32_t))
    memset(c.buckets, 255, n * sizeof(int32_t))
    c.key_buckets = <int32_t*>_array(n, sizeof(int32_t))
    memset(c.key_buckets, 255, n * sizeof(int32_t))
    c.keys = <key_t*>_array(c.cap_instruments, sizeof(key_t))
    c.instruments = <instrument_t*>_array(c.cap_instruments, sizeof(instrument_t))
    c.markets = <market_t*>_array(c.cap_instruments, sizeof(market_t))
    c.positions = <position_t*>_array(c.cap_instruments, sizeof(position_t))
    c.charge_rates = <charge_rates_t*>_array(c.cap_instruments, sizeof(charge_rates_t))
    c.series = <series_t*>_array(c.cap_series, sizeof(series_t))
    c.strategies = <strategy_t*>_array(c.cap_strategies, sizeof(strategy_t))
    c.orders = <order_t*>_array(c.cap_orders, sizeof(order_t))
    c.brackets = <bracket_t*>_array(c.cap_brackets, sizeof(bracket_t))
    c.live = <int32_t*>_array(c.cap_brackets, sizeof(int32_t))
    c.waiting = <int32_t*>_array(c.cap_strategies, sizeof(int32_t))
    c.commands = <command_t*>_array(c.cap_commands, sizeof(command_t))
    c.notices = <notice_t*>_array(c.cap_notices, sizeof(notice_t))
    c.signals = <signal_rec_t*>_array(c.cap_signals, sizeof(signal_rec_t))
    c.decisions = <decision_rec_t*>_array(c.cap_signals, sizeof(decision_rec_t))
    c.by_length = <int32_t*>_array(c.cap_series, sizeof(int32_t))
    c.bars = <bar_rec_t*>_array(c.cap_bars, sizeof(bar_rec_t))
    return 0


cdef void touch(void* block, int64_t first, int64_t entries, int64_t cap, size_t size, int ring) noexcept nogil:
    """Write what stands there to the pages of so many entries from `first` on; a ring goes on at its beginning."""
    cdef volatile char* p
    cdef char* at = <char*>block
    cdef int64_t i = first, last = first + entries
    if not ring and last > cap:
        last = cap
    while i < last:
        p = <volatile char*>(at + (i % cap) * <int64_t>size)
        p[0] = p[0]
        p[size - 1] = p[size - 1]
        i += 1


cdef void touch_ahead(core_t* c) noexcept nogil:
    """Have the memory of the next decisions in place: the kernel gives a page when it is first written, which costs more than a decision
    does. Only what comes next, because memory that is not needed today is not asked for.
    """
    touch(c.orders, c.n_orders, AHEAD, c.cap_orders, sizeof(order_t), False)
    touch(c.brackets, c.n_brackets, AHEAD, c.cap_brackets, sizeof(bracket_t), False)
    touch(c.live, c.n_live, AHEAD, c.cap_brackets, sizeof(int32_t), False)
    touch(c.commands, c.command_tail, AHEAD, c.cap_commands, sizeof(command_t), True)
    touch(c.notices, c.notice_tail, AHEAD, c.cap_notices, sizeof(notice_t), True)
    touch(c.signals, c.signal_tail, AHEAD, c.cap_signals, sizeof(signal_rec_t), True)
    touch(c.bars, c.bar_tail, AHEAD, c.cap_bars, sizeof(bar_rec_t), True)


cdef inline void _fetch(const void* block, size_t size) noexcept nogil:
    """Ask for memory that will be written to, without waiting for it."""
    cdef const char* p = <const char*>block
    cdef const char* end = p + size
    while p < end:
        __builtin_prefetch(p, 1, 3)
        p += 64


cdef void fetch_ahead(const core_t* c) noexcept nogil:
    """Have what the next decision reads and writes in the processor's caches. Changes nothing."""
    cdef int64_t i
    if c.n_orders < c.cap_orders:
        _fetch(&c.orders[c.n_orders], sizeof(order_t))
    if c.n_brackets < c.cap_brackets:
        _fetch(&c.brackets[c.n_brackets], sizeof(bracket_t))
        _fetch(&c.live[c.n_live], sizeof(int32_t))
    _fetch(&c.commands[c.command_tail % c.cap_commands], COMMAND_USED)
    _fetch(&c.signals[c.signal_tail % c.cap_signals], sizeof(signal_rec_t))
    for i in range(c.notice_tail, c.notice_tail + NOTICES_OF_ONE):
        _fetch(&c.notices[i % c.cap_notices], sizeof(notice_t))
    _fetch(&c.limits, sizeof(c.limits))
    _fetch(&c.risk, sizeof(c.risk))
    _fetch(&c.counters, sizeof(c.counters))
    _fetch(&c.budget.ts_ring_ns[c.budget.head % (sizeof(c.budget.ts_ring_ns) // sizeof(int64_t))], sizeof(int64_t))


cdef void release(core_t* c) noexcept:
    cdef int i
    if c.strategies != NULL:
        for i in range(c.n_strategies):
            free(c.strategies[i].params)
            free(c.strategies[i].state)
            free(c.strategies[i].compiled)
            if c.strategies[i].watch != NULL:
                free(c.strategies[i].watch.values)
                free(c.strategies[i].watch.rows)
                free(c.strategies[i].watch)
    free(c.buckets)
    free(c.key_buckets)
    free(c.keys)
    free(c.instruments)
    free(c.markets)
    free(c.positions)
    free(c.charge_rates)
    free(c.series)
    free(c.strategies)
    free(c.orders)
    free(c.brackets)
    free(c.live)
    free(c.waiting)
    free(c.commands)
    free(c.notices)
    free(c.signals)
    free(c.decisions)
    free(c.by_length)
    free(c.bars)
    memset(c, 0, sizeof(core_t))


cdef void put_token(core_t* c, uint32_t token, int instrument_id) noexcept nogil:
    cdef uint32_t at = hash_token(token) & c.bucket_mask
    while c.buckets[at] >= 0:
        at = (at + 1) & c.bucket_mask
    c.buckets[at] = instrument_id


cdef inline uint32_t _hash_text(const uint8_t* text, Py_ssize_t n) noexcept nogil:
    """Eight bytes at a time: keys are some twenty bytes long."""
    cdef uint64_t h = <uint64_t>n
    cdef uint64_t word
    while n > 0:
        word = 0
        memcpy(&word, text, 8 if n > 8 else n)
        h = (h ^ word) * <uint64_t>0x9E3779B97F4A7C15U
        h ^= h >> 32
        text += 8
        n -= 8
    return <uint32_t>h


cdef int find_key(const core_t* c, const uint8_t* text, Py_ssize_t n) noexcept nogil:
    """Instrument id of a name on a wire that uses text, or -1."""
    cdef uint32_t at = _hash_text(text, n) & c.bucket_mask
    cdef int32_t i
    while True:
        i = c.key_buckets[at]
        if i < 0 or (c.keys[i].n == n and memcmp(c.keys[i].text, text, n) == 0):
            return i
        at = (at + 1) & c.bucket_mask


cdef void put_key(core_t* c, const uint8_t* text, Py_ssize_t n, int instrument_id) noexcept nogil:
    """`n` from 1 to 47."""
    cdef uint32_t at = _hash_text(text, n) & c.bucket_mask
    c.keys[instrument_id].n = <uint8_t>n
    memcpy(c.keys[instrument_id].text, text, n)
    while c.key_buckets[at] >= 0:
        at = (at + 1) & c.bucket_mask
    c.key_buckets[at] = instrument_id


cdef notice_t* notify(core_t* c, int code, int severity, int instrument_id, int bracket_id, int order_slot, int reason) noexcept nogil:
    """Say something to the world. Called by `notes` alone, which is made from `NOTE_FIELDS` and fills in what the note tells."""
    if c.notice_tail - c.notice_head == c.cap_notices:
        c.notice_head += 1
        c.counters.notices_dropped += 1
    cdef notice_t* n = &c.notices[c.notice_tail % c.cap_notices]
    n.seq = c.notice_tail
    n.ts_ns = c.now_ns
    n.code = code
    n.severity = severity
    n.instrument_id = instrument_id
    n.bracket_id = bracket_id
    n.strategy_id = c.brackets[bracket_id].strategy_id if bracket_id >= 0 else -1
    n.order_slot = order_slot
    n.reason = reason
    n.side = 0
    n.a = 0
    n.b = 0
    n.c = 0
    c.notice_tail += 1
    return n


cdef command_t* push_command(core_t* c) noexcept nogil:
    """The next free command, its sequence number set; NULL when the ring is full."""
    if c.command_tail - c.command_head == c.cap_commands:
        c.counters.commands_dropped += 1
        return NULL
    cdef command_t* cmd = &c.commands[c.command_tail % c.cap_commands]
    c.command_tail += 1
    c.seq += 1
    cmd.seq = c.seq
    cmd.ts_ns = c.now_ns
    cmd.n_bytes = 0
    cmd.unrecorded = 0
    return cmd


cdef inline void _push_decision(core_t* c, int strategy_id, int taken, int reason) noexcept nogil:
    """The same of all that a strategy file said. A built-in kind says no more than its signal."""
    cdef decision_rec_t* rec = &c.decisions[c.signal_tail % c.cap_signals]
    cdef strategy_t* s = &c.strategies[strategy_id]
    if s.kind >= 0:
        rec.decision.action = 0
        return
    rec.decision = s.compiled.said
    rec.ts_ns = s.signal.ts_ns
    rec.px_e4 = s.signal.px_e4
    rec.strategy_id = strategy_id
    rec.instrument_id = s.instrument_id
    rec.taken = taken
    rec.reason = reason


cdef void push_signal(core_t* c, int strategy_id, int taken, int reason) noexcept nogil:
    if c.signal_tail - c.signal_head == c.cap_signals:
        c.signal_head += 1
    cdef signal_rec_t* rec = &c.signals[c.signal_tail % c.cap_signals]
    rec.signal = c.strategies[strategy_id].signal
    rec.strategy_id = strategy_id
    rec.instrument_id = c.strategies[strategy_id].instrument_id
    rec.taken = taken
    rec.reason = reason
    _push_decision(c, strategy_id, taken, reason)
    c.signal_tail += 1


cdef void push_bar(core_t* c, int series_id) noexcept nogil:
    if c.bar_tail - c.bar_head == c.cap_bars:
        c.bar_head += 1
    cdef bar_rec_t* rec = &c.bars[c.bar_tail % c.cap_bars]
    rec.bar = c.series[series_id].last
    rec.series_id = series_id
    rec.instrument_id = c.series[series_id].instrument_id
    c.bar_tail += 1


cdef inline void _base36(char* out, int width, uint32_t value) noexcept nogil:
    """No number in a ClOrdID has more than six digits, and 36 ** 6 is below 2 ** 32."""
    cdef int i
    for i in range(width - 1, -1, -1):
        out[i] = DIGITS[value % 36]
        value //= 36


cdef int64_t _parse36(const char* text, int width) noexcept nogil:
    cdef int64_t value = 0
    cdef int i
    cdef char ch
    for i in range(width):
        ch = text[i]
        if c'0' <= ch <= c'9':
            value = value * 36 + ch - c'0'
        elif c'A' <= ch <= c'Z':
            value = value * 36 + ch - c'A' + 10
        else:
            return -1
    return value


cdef int new_order(core_t* c, int bracket_id, int leg, int side) noexcept nogil:
    """A fresh order slot with its ClOrdID, linked to its bracket; -1 when a table is full."""
    cdef bracket_t* b = &c.brackets[bracket_id]
    if c.n_orders == c.cap_orders or b.n_orders == MAX_ORDERS_PER_BRACKET:
        return -1
    cdef int slot = c.n_orders
    cdef order_t* o = &c.orders[slot]
    c.n_orders += 1
    memset(o, 0, ORDER_BYTES)
    o.ord_status = ORD_INITIALIZED
    o.pending = PENDING_NONE
    o.leg = leg
    o.side = side
    o.bracket_id = bracket_id
    o.instrument_id = b.instrument_id
    o.product = c.instruments[b.instrument_id].product
    o.attempt = b.next_attempt
    b.next_attempt += 1
    o.next = b.order_head
    b.order_head = slot
    b.n_orders += 1
    o.cl_ord_id[0] = c'O'
    o.cl_ord_id[1] = c'T'
    _base36(&o.cl_ord_id[2], 6, <uint32_t>b.tag_run)
    _base36(&o.cl_ord_id[8], 4, b.tag_bracket)
    o.cl_ord_id[12] = b"ESTF"[leg]
    _base36(&o.cl_ord_id[13], 2, o.attempt)
    _base36(&o.cl_ord_id[15], 4, slot)
    o.cl_ord_id[19] = 0
    return slot


cdef int find_order(const core_t* c, const char* cl_ord_id, const char* broker_order_id) noexcept nogil:
    """Slot of an order by our tag (it holds the slot), else by the broker's id; -1 when it is not ours."""
    cdef int64_t slot
    cdef int i
    if strncmp(cl_ord_id, b"OT", 2) == 0 and cl_ord_id[2] != 0:
        for i in range(2, 19):
            if cl_ord_id[i] == 0:
                return -1
        slot = _parse36(&cl_ord_id[15], 4)
        if 0 <= slot < c.n_orders and strcmp(c.orders[slot].cl_ord_id, cl_ord_id) == 0:
            return <int>slot
        if c.n_adopted > 0:
            for i in range(c.n_orders - 1, -1, -1):
                if strcmp(c.orders[i].cl_ord_id, cl_ord_id) == 0:
                    return i
        return -1
    if broker_order_id[0] != 0:
        for i in range(c.n_orders - 1, -1, -1):
            if strcmp(c.orders[i].broker_order_id, broker_order_id) == 0:
                return i
    return -1
