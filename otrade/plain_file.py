"""Files that must be files, and those that this program keeps for itself.

In the place of a file may lie a pipe, on which an ordinary read waits for ever, and with it
everything that the process protects. In the place of one of ours may lie a link, or somebody else's
file: what it says is not ours, and what is written goes where he likes. So what stands in `var` is
opened by `open_own` and `own_file`, in folders of `own_folder`: an ordinary file, ours, for us alone, whatever the
umask.
"""

import errno
import os
import stat
import tempfile
from pathlib import Path
from typing import BinaryIO

NOT_PLAIN = "it is no ordinary file, but a pipe, a device or a directory"
IS_LINK = "it is a link; what OTrade keeps for itself is none"
NOT_OURS = "it belongs to another user"
FOR_OTHERS = "others may write it; take that right away (chmod go-w)"


class NotOursError(OSError):
    """A link, another user's, or one that others may write: it is not believed."""


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


# ------------------------------------------------------------------------------------------- ours
def open_own(path: Path) -> BinaryIO:
    """Open what this program has left for itself, for reading. NotOursError when it is not to be
    believed, another OSError as `open_plain`.
    """
    fd = _opened(path, os.O_RDONLY)
    try:
        _require_own(fd, path)
        if os.fstat(fd).st_mode & 0o022:
            raise NotOursError(0, FOR_OTHERS, str(path))
        return os.fdopen(fd, "rb")
    except BaseException:
        os.close(fd)
        raise


def read_own(path: Path, most: int = -1) -> bytes:
    """Its bytes, at most so many. OSError as `open_own`."""
    with open_own(path) as file:
        return file.read(most)


def is_own(path: Path) -> bool:
    """Whether an ordinary file of ours is there, without opening it: what a list of files shows."""
    try:
        status = os.lstat(path)
    except OSError:
        return False
    return stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid()


def own_file(path: Path, flags: int) -> int:
    """A descriptor of what this program writes for itself: made when it is missing, and its owner's
    alone (0600) before any byte is in it. OSError as `open_own`.
    """
    fd = _opened(path, (flags & ~os.O_TRUNC) | os.O_CREAT)
    try:
        _require_own(fd, path)
        if os.fstat(fd).st_mode & 0o077:
            os.fchmod(fd, 0o600)  # of a version before, or made under another umask
        if flags & os.O_TRUNC:
            os.ftruncate(fd, 0)
        return fd
    except BaseException:
        os.close(fd)
        raise


def _opened(path: Path, flags: int) -> int:
    try:
        return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise NotOursError(errno.ELOOP, IS_LINK, str(path)) from None
        raise


def _require_own(fd: int, path: Path) -> None:
    require_plain(fd, path)
    if os.fstat(fd).st_uid != os.geteuid():
        raise NotOursError(0, NOT_OURS, str(path))


def own_folder(path: Path) -> None:
    """A folder for what this program keeps: made when it is missing, with those above it, and its
    owner's alone (0700). NotOursError when it is another user's; root's may be.
    """
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        pass
    except FileNotFoundError:
        own_folder(path.parent)
        os.mkdir(path, 0o700)
    status = os.stat(path)
    if not stat.S_ISDIR(status.st_mode):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path))
    if status.st_uid not in (os.geteuid(), 0):
        raise NotOursError(0, NOT_OURS, str(path))
    # A folder that everybody shares by design (/tmp) stays so.
    if (
        status.st_uid == os.geteuid()
        and status.st_mode & 0o077
        and not status.st_mode & stat.S_ISVTX
    ):
        os.chmod(path, 0o700)


# ----------------------------------------------------------------------------------------- writing
def new_file(path: Path) -> BinaryIO:
    """Make a file that a person has named, for its owner alone (0600). OSError when anything has
    that name, a link and a pipe included: what is there is nobody's to overwrite.
    """
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    os.fchmod(fd, 0o600)
    return os.fdopen(fd, "wb")


def write_whole(path: Path, data: bytes) -> None:
    """Put a file in its place, whole or not at all: its owner's alone. Its folder is made. OSError
    when it cannot be written. What lay there, a link too, is gone and not written through.
    """
    own_folder(path.parent)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")  # made with mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
