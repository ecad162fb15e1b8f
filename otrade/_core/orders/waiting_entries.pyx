# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Decisions to enter that wait for the rate budget: a list of strategies, the oldest first and of the same moment in their order.

A strategy has one decision at most, so the list is as long as there are strategies and never full. What waits is bound to nothing:
whoever takes it from here asks every gate again, at the prices of then (`entry.pyx`). A halt, a pause, a flatten or a quarantine
empties the list at once, and what is dropped is said: an entry that nobody hears of again is taken for one that was made.
"""
from libc.stdint cimport int64_t

from otrade._core cimport notes
from otrade._core.state cimport core_t, strategy_t
from otrade._core.types cimport SEV_INFO, SEV_WARN


cdef void put(core_t* c, int strategy_id, int side, int64_t px_e4, int64_t left, int64_t total, int sent) noexcept nogil:
    """Have the decision at hand wait. `left`: what is still to be sent of `total` units, of which `sent` slices have been; 0: all of it."""
    cdef strategy_t* s = &c.strategies[strategy_id]
    cdef int at = c.n_waiting
    if s.wait_side != 0:
        take(c, strategy_id)
        at = c.n_waiting
    s.wait_side = side
    s.wait_px_e4 = px_e4
    s.wait_left = left
    s.wait_total = total
    s.wait_sent = sent
    s.wait_terms = s.terms
    s.wait_said = 0
    s.wait_since_ns = c.now_ns
    s.wait_until_ns = c.now_ns + c.limits.entry_wait_ns
    while at > 0 and c.strategies[c.waiting[at - 1]].wait_since_ns == c.now_ns and c.waiting[at - 1] > strategy_id:
        c.waiting[at] = c.waiting[at - 1]
        at -= 1
    c.waiting[at] = strategy_id
    c.n_waiting += 1
    c.wait_next_ns = 0


cdef void take(core_t* c, int strategy_id) noexcept nogil:
    """It waits no more."""
    cdef int i, kept = 0
    c.strategies[strategy_id].wait_side = 0
    for i in range(c.n_waiting):
        if c.waiting[i] != strategy_id:
            c.waiting[kept] = c.waiting[i]
            kept += 1
    c.n_waiting = kept


cdef void say(core_t* c, int strategy_id, int reason) noexcept nogil:
    """Say once that it waits, and for what."""
    cdef strategy_t* s = &c.strategies[strategy_id]
    if s.wait_said:
        return
    s.wait_said = 1
    n = notes.entry_waits(
        c, SEV_INFO, s.instrument_id, -1, -1, reason,
        rest_qty=s.wait_left, sent_qty=s.wait_total - s.wait_left, at_most_ns=s.wait_until_ns - c.now_ns)
    n.strategy_id = strategy_id
    n.side = s.wait_side


cdef void drop(core_t* c, int strategy_id, int reason) noexcept nogil:
    """It is not sent, and why. Half a position is more than a missed one: somebody should know of it."""
    cdef strategy_t* s = &c.strategies[strategy_id]
    cdef int64_t sent = s.wait_total - s.wait_left, waited = c.now_ns - s.wait_since_ns
    if s.wait_left > 0:
        n = notes.entry_cut(
            c, SEV_WARN, s.instrument_id, -1, -1, reason, rest_qty=s.wait_left, sent_qty=sent, waited_ns=waited)
    else:
        n = notes.entry_dropped(
            c, SEV_INFO, s.instrument_id, -1, -1, reason, rest_qty=s.wait_left, sent_qty=sent, waited_ns=waited)
    n.strategy_id = strategy_id
    n.side = s.wait_side
    c.risk.n_denied += 1
    take(c, strategy_id)


cdef void clear(core_t* c, int instrument_id, int reason) noexcept nogil:
    """Drop all that waits, or all of one instrument."""
    cdef int i = 0
    while i < c.n_waiting:
        if instrument_id < 0 or c.strategies[c.waiting[i]].instrument_id == instrument_id:
            drop(c, c.waiting[i], reason)
        else:
            i += 1
