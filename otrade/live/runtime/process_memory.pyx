# cython: language_level=3
"""What others may see of this process's memory."""

cdef extern from *:
    """
    #ifdef __linux__
    #include <sys/prctl.h>
    static int hide_from_others(void) { return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); }
    static int is_hidden_from_others(void) { return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0; }
    #else
    static int hide_from_others(void) { return -1; }
    static int is_hidden_from_others(void) { return 0; }
    #endif
    """
    int hide_from_others()
    int is_hidden_from_others()


def hide_memory():
    """No core file, no debugger, and no other process of this user reads the memory, in which the access token is. False where the system has no
    such thing."""
    return hide_from_others() == 0


def is_hidden():
    """Whether it is so now."""
    return bool(is_hidden_from_others())
