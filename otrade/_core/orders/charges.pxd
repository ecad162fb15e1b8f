"""What a bracket's orders have cost so far. See `charges.pyx`."""
from otrade._core.state cimport core_t


cdef void refresh(core_t* c, int bracket_id) noexcept nogil
