# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""An engine's memory, copied out and back: it goes on from there as if nothing had happened since, without allocating anything.

For whoever runs one engine many times over: the model check tries each event that is possible from one state, a sweep runs one day with other
parameters. What is copied is all that may still be decided upon or shown: the scalars, every table as far as it is used, strategies with
their kernels' states, the budget's ring, and what has not been taken yet out of the rings of commands, notices, signals and bars. What
is not copied is what never changes after set-up: hashes of tokens and names, kernels and their parameters. An engine that writes a
journal cannot go back: what is written is written.
"""
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdint cimport int32_t, int64_t
from libc.string cimport memcpy, memset

from otrade._core.engine.engine cimport Engine
from otrade._core.state cimport compiled_t, core_t, counters_t, strategy_t
from otrade._core.types cimport (
    bar_rec_t, bracket_t, command_t, decision_rec_t, instrument_t, market_t, notice_t, order_t, position_t, series_t, signal_rec_t,
)

from otrade.errors import EngineError

cdef extern from *:
    """
    #include "otrade/_core/types.h"
    enum { TAKEN_COMMAND = offsetof(command_t, request) };
    """
    enum:
        TAKEN_COMMAND  # a command whose request has been taken: what is still asked of it is which order it was about

cdef enum:
    COUNT, SAVE, RESTORE


cdef class _Walk:
    """One way over all blocks, in the same order each time: to count their bytes, to save them, or to restore them."""

    cdef int what
    cdef char* at
    cdef Py_ssize_t n
    cdef dict places

    cdef int block(self, str name, void* block, int64_t size) except -1:
        if self.places is not None:
            self.places[name] = self.n
        if self.what == SAVE:
            memcpy(self.at + self.n, block, size)
            memset(self.at + self.n + size, 0, (size + 7) // 8 * 8 - size)
        elif self.what == RESTORE:
            memcpy(block, self.at + self.n, size)
        self.n += (size + 7) // 8 * 8  # whole words, so that readers may look at them as such
        return 0

    cdef int ring(self, str name, char* ring, int64_t head, int64_t tail, int64_t cap, int64_t size) except -1:
        """What stands in a ring between two of its counts."""
        cdef int64_t i
        for i in range(head, tail):
            self.block(name, ring + i % cap * size, size)
        return 0

    cdef int over(self, core_t* c) except -1:
        cdef strategy_t* s
        cdef int i
        cdef char* scalars = <char*>&c.bucket_mask  # the pointers stand before it
        self.block("core", scalars, sizeof(core_t) - (scalars - <char*>c))
        self.block("instruments", c.instruments, c.n_instruments * sizeof(instrument_t))
        self.block("markets", c.markets, c.n_instruments * sizeof(market_t))
        self.block("positions", c.positions, c.n_instruments * sizeof(position_t))
        self.block("series", c.series, c.n_series * sizeof(series_t))
        for i in range(c.n_strategies):
            s = &c.strategies[i]
            self.block("strategies", &s.plan, sizeof(strategy_t) - (<char*>&s.plan - <char*>s))
            self.block("kernels", s.state, s.state_bytes)
            self.block("shown", &s.compiled.said, sizeof(compiled_t) - (<char*>&s.compiled.said - <char*>s.compiled))
        self.block("live", c.live, c.n_live * sizeof(int32_t))
        self.block("waiting", c.waiting, c.n_waiting * sizeof(int32_t))
        self.block("brackets", c.brackets, c.n_brackets * sizeof(bracket_t))
        self.block("orders", c.orders, c.n_orders * sizeof(order_t))
        for i in range(c.cap_commands if c.command_tail > c.cap_commands else <int>c.command_tail):
            self.block("commands", &c.commands[i], TAKEN_COMMAND)
        if self.what == RESTORE:
            for i in range(<int>c.command_tail, c.cap_commands):
                memset(&c.commands[i], 0, TAKEN_COMMAND)  # a LOOK leaves in it what stands there
        self.ring("requests", <char*>c.commands, c.command_head, c.command_tail, c.cap_commands, sizeof(command_t))
        self.ring("notices", <char*>c.notices, c.notice_head, c.notice_tail, c.cap_notices, sizeof(notice_t))
        self.ring("signals", <char*>c.signals, c.signal_head, c.signal_tail, c.cap_signals, sizeof(signal_rec_t))
        self.ring("decisions", <char*>c.decisions, c.signal_head, c.signal_tail, c.cap_signals, sizeof(decision_rec_t))
        self.ring("bars", <char*>c.bars, c.bar_head, c.bar_tail, c.cap_bars, sizeof(bar_rec_t))
        return 0


cdef class Checkpoint:
    """Saves and restores one engine."""

    cdef Engine engine
    cdef core_t* c
    cdef _Walk back  # the way of `restore`, which makes no object

    def __init__(self, Engine engine not None):
        self.engine = engine
        self.c = &engine.pipeline.c
        self.back = _Walk()

    cdef int _check(self) except -1:
        if self.engine.pipeline.recorder.journaling:
            raise EngineError("an engine that writes a journal cannot go back: what is written is written")
        return 0

    def save(self):
        """All of it, as bytes that `restore` of this engine takes, or of one that was set up in the same way."""
        cdef _Walk walk = _Walk()
        self._check()
        walk.over(self.c)
        data = PyBytes_FromStringAndSize(NULL, walk.n)
        walk.what, walk.at, walk.n = SAVE, PyBytes_AS_STRING(data), 0
        walk.over(self.c)
        return data

    def restore(self, bytes data not None):
        """Go on from there. EngineError when it is not of an engine like this one, which is then as it was."""
        cdef core_t given
        cdef core_t* c = self.c
        cdef _Walk walk = self.back
        cdef char* scalars = <char*>&c.bucket_mask
        cdef Py_ssize_t size = sizeof(core_t) - (scalars - <char*>c)
        self._check()
        if len(data) < size:
            raise EngineError("these bytes are no engine's memory")
        given = c[0]
        memcpy(&given.bucket_mask, PyBytes_AS_STRING(data), size)
        if (given.n_instruments != c.n_instruments or given.n_series != c.n_series or given.n_strategies != c.n_strategies
                or given.cap_brackets != c.cap_brackets or given.cap_orders != c.cap_orders or given.cap_commands != c.cap_commands
                or given.cap_notices != c.cap_notices or given.cap_signals != c.cap_signals or given.cap_bars != c.cap_bars):
            raise EngineError("this is the memory of an engine that was set up in another way")
        walk.what, walk.n = COUNT, 0
        walk.over(&given)
        if walk.n != len(data):
            raise EngineError("these bytes are not all of an engine's memory")
        walk.what, walk.at, walk.n = RESTORE, PyBytes_AS_STRING(data), 0
        walk.over(c)

    def places(self):
        """Where what `save` returns now has which block, and which scalars: offsets in bytes by name; of a block that comes several
        times (`strategies`, `kernels`, `commands` and the rings), the last. For readers of states: equal bytes are equal engines, and they
        may know better what makes no difference.
        """
        cdef core_t* c = self.c
        cdef char* scalars = <char*>&c.bucket_mask
        cdef _Walk walk = _Walk()
        walk.places = {}
        walk.over(c)
        walk.places.update({
            "n_orders": <char*>&c.n_orders - scalars, "n_brackets": <char*>&c.n_brackets - scalars,
            "command_head": <char*>&c.command_head - scalars, "seq": <char*>&c.seq - scalars,
            "feed_alive": <char*>&c.feed_alive - scalars, "now_ns": <char*>&c.now_ns - scalars,
            "ts_frame_ns": <char*>&c.ts_frame_ns - scalars, "poll_next_ns": <char*>&c.poll_next_ns - scalars,
            "wait_next_ns": <char*>&c.wait_next_ns - scalars, "book_request_ns": <char*>&c.book_request_ns - scalars,
            "run_id": <char*>&c.run_id - scalars, "risk": <char*>&c.risk - scalars, "budget": <char*>&c.budget - scalars,
            "counters": <char*>&c.counters - scalars, "reverse_until_ns": self._of_strategy(&c.strategies[0].reverse_until_ns),
            "cooldown_until_ns": self._of_strategy(&c.strategies[0].cooldown_until_ns),
            "brake_until_ns": self._of_strategy(&c.strategies[0].brake_until_ns),
            "n_signals": self._of_strategy(&c.strategies[0].n_signals),
            "signal": self._of_strategy(&c.strategies[0].signal), "instrument_id": self._of_strategy(&c.strategies[0].instrument_id),
            "size_of_core": sizeof(core_t) - (scalars - <char*>c), "size_of_counters": sizeof(counters_t),
            "size_of_strategy": sizeof(strategy_t) - (<char*>&c.strategies[0].plan - <char*>&c.strategies[0]),
        })
        return walk.places

    cdef Py_ssize_t _of_strategy(self, void* field):
        """Offset in a block of `strategies`."""
        return <char*>field - <char*>&self.c.strategies[0].plan
