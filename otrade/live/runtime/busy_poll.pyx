# cython: language_level=3
"""A loop that never sleeps: with something to do in every turn it only asks the kernel what has come, and a frame finds the process awake
and its memory warm.

Asking the feed's socket directly, past the loop, would save one system call a turn and lose everything else that the loop looks at.
"""


cdef class Spinner:
    """Keeps `loop` turning from `start` to `stop`. Takes a whole core."""

    cdef object _call_soon
    cdef object _turn
    cdef bint _is_running
    cdef bint _is_due
    cdef readonly long long n_turns

    def __init__(self, loop) -> None:
        self._call_soon = loop.call_soon
        self._turn = self.turn

    def start(self) -> None:
        self._is_running = True
        if not self._is_due:
            self._is_due = True
            self._call_soon(self._turn)

    def stop(self) -> None:
        """The turn that is due is the last one."""
        self._is_running = False

    def turn(self) -> None:
        self.n_turns += 1
        if self._is_running:
            self._call_soon(self._turn)
        else:
            self._is_due = False
