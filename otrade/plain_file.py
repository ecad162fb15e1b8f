"""Files that must be files. In the place of one may lie a pipe, on which an ordinary read waits for
ever, and with it everything that the process protects.
"""

import errno
import os
import stat
import tempfile
from pathlib import Path
from typing import BinaryIO

IS_LINK = "it is a link; what OTrade keeps for itself is none"
NOT_OURS = "it belongs to another user"
FOR_OTHERS = "others may write it; take that right away (chmod go-w)"
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


def open_own(path: Path) -> BinaryIO:
    """Open what this program has left for itself: no link, ours, and nobody else's to write. OSError
    otherwise, in words.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise OSError(errno.ELOOP, IS_LINK, str(path)) from None
        raise
    try:
        require_own(fd, path)
        return os.fdopen(fd, "rb")
    except BaseException:
        os.close(fd)
        raise


def read_own(path: Path, most: int = -1) -> bytes:
    """Its bytes, at most so many. OSError as `open_own`."""
    with open_own(path) as file:
        return file.read(most)


def require_own(fd: int, path: Path) -> None:
    """OSError unless an ordinary file of ours was opened, which others may not write."""
    require_plain(fd, path)
    status = os.fstat(fd)
    if status.st_uid != os.geteuid():
        raise OSError(0, NOT_OURS, str(path))
    if status.st_mode & 0o022:
        raise OSError(0, FOR_OTHERS, str(path))


def require_plain(fd: int, path: Path) -> None:
    """OSError unless an ordinary file was opened."""
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        raise OSError(0, NOT_PLAIN, str(path))


def new_file(path: Path) -> BinaryIO:
    """Make a file that a person has named, for its owner alone (0600). OSError when anything has
    that name, a link and a pipe included: what is there is nobody's to overwrite.
    """
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    os.fchmod(fd, 0o600)
    return os.fdopen(fd, "wb")


def write_whole(path: Path, data: bytes) -> None:
    """Put a file in its place, whole or not at all: readable by its owner only. Its directory is
    made. OSError when it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")  # made with mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
