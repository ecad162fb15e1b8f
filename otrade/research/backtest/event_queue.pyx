# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Events to come, in the order of the simulator's: time, kind, token, ClOrdID, and then as they were made. Memory is taken once."""
from libc.stdint cimport int32_t, int64_t, uint32_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, strcmp

from otrade.research.backtest.market_types cimport due_t

cdef enum:
    EVENTS = 8192  # that are still to come


cdef class EventQueue:
    """A heap of places in a pool."""

    def __cinit__(self):
        self.cap_heap = EVENTS
        self.pool = <due_t*>calloc(self.cap_heap, sizeof(due_t))
        self.heap = <int32_t*>calloc(self.cap_heap, sizeof(int32_t))
        self.unused = <int32_t*>calloc(self.cap_heap, sizeof(int32_t))
        if self.pool == NULL or self.heap == NULL or self.unused == NULL:
            raise MemoryError()
        self.forget_events()

    def __dealloc__(self):
        free(self.pool)
        free(self.heap)
        free(self.unused)

    cdef void forget_events(self) noexcept nogil:
        """As if none had been made."""
        cdef int i
        self.n_heap = 0
        self.seq = 0
        self.is_full = False
        self.n_unused = self.cap_heap
        for i in range(self.cap_heap):
            self.unused[i] = self.cap_heap - 1 - i

    cdef bint before(self, int32_t a, int32_t b) noexcept nogil:
        cdef due_t* x = &self.pool[a]
        cdef due_t* y = &self.pool[b]
        cdef int order
        if x.ts_ns != y.ts_ns:
            return x.ts_ns < y.ts_ns
        if x.kind != y.kind:
            return x.kind < y.kind
        if x.token != y.token:
            return x.token < y.token
        order = strcmp(x.name, y.name)
        return order < 0 if order != 0 else x.seq < y.seq

    cdef due_t* later(self, int64_t ts_ns, int kind, uint32_t token, const char* name, int what, int order) noexcept nogil:
        """A new event, in its place. It holds until the next one is asked for; its order in time does not depend on the rest of it."""
        cdef due_t* due
        cdef int32_t at, parent, here
        if self.n_unused == 0:
            self.is_full = True
            return &self.pool[0]
        self.n_unused -= 1
        here = self.unused[self.n_unused]
        due = &self.pool[here]
        due.ts_ns, due.kind, due.token, due.what, due.order = ts_ns, kind, token, what, order
        due.seq = self.seq
        self.seq += 1
        if name != NULL:
            memcpy(due.name, name, sizeof(due.name))
        else:
            due.name[0] = 0
        at = self.n_heap
        self.n_heap += 1
        while at > 0:
            parent = (at - 1) // 2
            if not self.before(here, self.heap[parent]):
                break
            self.heap[at] = self.heap[parent]
            at = parent
        self.heap[at] = here
        return due

    cdef int pop(self) noexcept nogil:
        """Take the first event out of the heap: its place in the pool, which `free_due` gives back."""
        cdef int32_t first = self.heap[0], moved, at = 0, child
        self.n_heap -= 1
        moved = self.heap[self.n_heap]
        while True:
            child = 2 * at + 1
            if child >= self.n_heap:
                break
            if child + 1 < self.n_heap and self.before(self.heap[child + 1], self.heap[child]):
                child += 1
            if not self.before(self.heap[child], moved):
                break
            self.heap[at] = self.heap[child]
            at = child
        self.heap[at] = moved
        return first

    cdef void free_due(self, int at) noexcept nogil:
        self.unused[self.n_unused] = at
        self.n_unused += 1
