"""Door of the engine's views. See `views.pyx`."""
from otrade._core.setup cimport EngineSetup

cdef class EngineViews(EngineSetup):
    pass
