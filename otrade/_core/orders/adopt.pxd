"""What the core did not make itself is made its own. See `adopt.pyx`."""
from libc.stdint cimport int64_t

from otrade._core.state cimport core_t
from otrade._core.types cimport report_t

cdef int adopt_bracket(
    core_t* c, int strategy_id, int side, int64_t order_qty, int64_t stop_distance_e4, int64_t stop_e4, int64_t ts_open_ns,
    int64_t tag_run, int tag_bracket, int slice_of
) noexcept nogil
cdef int adopt_order(
    core_t* c, int bracket_id, int leg, int attempt, int status, const report_t* row, bint by_broker
) noexcept nogil
cdef void bound(core_t* c, int instrument_id, int64_t net_qty) noexcept nogil
cdef void resume(core_t* c, int64_t run_id) noexcept nogil
