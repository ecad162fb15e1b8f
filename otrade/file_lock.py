"""A file that one process holds alone, for as long as it lives: the kernel lets go of it when the
process ends, however it ends.
"""

import fcntl
import os
from pathlib import Path

from otrade.plain_file import own_file, own_folder


def lock_file(path: Path) -> int:
    """Make the file, and its folder, and hold it: a descriptor, which lets go when it is closed.
    BlockingIOError while another process holds it; another OSError when it cannot be made, or is not
    ours.
    """
    own_folder(path.parent)
    fd = own_file(path, os.O_RDWR)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(fd)
        raise
    return fd


def is_locked(path: Path) -> bool:
    """Does a process hold it? Nothing is made where nothing is; a link is nobody's lock."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False
