"""What brokers say, turned into order events. See `report.pyx`."""
from libc.stdint cimport int64_t, uint32_t

from otrade._core.state cimport core_t
from otrade._core.types cimport report_t

cdef int on_report(core_t* c, const report_t* report) noexcept nogil
cdef int on_answer(core_t* c, uint32_t seq, int outcome, const char* broker_order_id, int reason) noexcept nogil
cdef int on_traded(core_t* c, const char* broker_order_id, int64_t qty, int64_t value_e4) noexcept nogil
cdef void on_sent(core_t* c, uint32_t seq) noexcept nogil
cdef void on_book_begin(core_t* c, int64_t ts_request_ns) noexcept nogil
cdef void on_book_end(core_t* c, bint proves) noexcept nogil
cdef int on_missing(core_t* c, const char* broker_order_id, bint proven) noexcept nogil
cdef void doubt(core_t* c, int slot, int reason) noexcept nogil
cdef void on_time(core_t* c) noexcept nogil
