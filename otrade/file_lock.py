"""A file that one process holds alone, for as long as it lives: the kernel lets go of it when the
process ends, however it ends.
"""

import fcntl
import os
from pathlib import Path


def lock_file(path: Path, *, folder_mode: int = 0o777) -> int:
    """Make the file, and its folder, and hold it: a descriptor, which lets go when it is closed.
    BlockingIOError while another process holds it; another OSError when it cannot be made.
    """
    path.parent.mkdir(mode=folder_mode, parents=True, exist_ok=True)
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(fd)
        raise
    return fd
