"""Files that must be files. In the place of one may lie a pipe, on which an ordinary read waits for
ever, and with it everything that the process protects.
"""

import os
import stat
import tempfile
from pathlib import Path
from typing import BinaryIO

NEW = ".new-"
"""How the name of a file begins that is not in its place yet."""
NOT_PLAIN = "it is no ordinary file, but a pipe, a device or a directory"


def open_plain(path: Path) -> BinaryIO:
    """Open for reading. OSError when it cannot be read, or is no ordinary file."""
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        require_plain(fd, path)
        return os.fdopen(fd, "rb")
    except BaseException:
        os.close(fd)
        raise


def read_plain(path: Path, most: int = -1) -> bytes:
    """Its bytes, at most so many. OSError as `open_plain`."""
    with open_plain(path) as file:
        return file.read(most)


def require_plain(fd: int, path: Path) -> None:
    """OSError unless an ordinary file was opened."""
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        raise OSError(0, NOT_PLAIN, str(path))


def write_whole(path: Path, data: bytes) -> None:
    """Put a file in its place, whole or not at all: readable by its owner only. Its directory is
    made. OSError when it cannot be written.
    """
    temporary = write_beside(path, data)
    try:
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_beside(path: Path, data: bytes, *, is_durable: bool = False) -> Path:
    """Write what is to be renamed to `path`, readable by its owner only, and say where it lies.
    `is_durable`: a power cut after the renaming loses neither this nor what it replaces.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=NEW)  # made with mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            if is_durable:
                file.flush()
                os.fsync(file.fileno())
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return Path(name)
