# cython: language_level=3
"""Which core this is: the build writes a hash of the core's sources into `build_id.h`.

Two cores with one version number may still decide differently, so a journal is folded only into the core that wrote it.
"""

cdef extern from "otrade/_core/build_id.h":
    const char* OTRADE_CORE

CORE = OTRADE_CORE.decode("ascii")
"""Twelve hexadecimal digits."""
