# cython: language_level=3
"""Refuse to be imported on a processor that the kernels were not compiled for: an ImportError now, not a SIGILL in the market."""

cdef extern from *:
    """
    #include "otrade/_core/otk.h"
    #if defined(__x86_64__)
    /* gcc wants a literal; OTK_CPU is one of the psABI levels, of which "x86-64" itself is every such processor. */
    static int otrade_fits(void) {
        __builtin_cpu_init();
        return __builtin_strcmp(OTK_CPU, "x86-64") == 0 || __builtin_cpu_supports(OTK_LEVEL);
    }
    #else
    static int otrade_fits(void) { return 1; }
    #endif
    """
    bint otrade_fits()
    const char* OTK_CPU


def check(bint fits, str cpu):
    """Raise ImportError unless `fits`."""
    if not fits:
        raise ImportError(
            f"OTrade was compiled for {cpu} and this processor lacks some of its instructions. Build it here with "
            "OTRADE_CPU=x86-64 pip install ."
        )


CPU = OTK_CPU.decode()  # the processor level that the core and every compiled strategy are made for
check(otrade_fits(), CPU)
