"""Door of the engine's views. See `views.pyx`."""
from otrade._core.engine.setup cimport EngineSetup

cdef class EngineViews(EngineSetup):
    pass
