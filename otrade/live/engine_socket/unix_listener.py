"""A Unix socket that only this user can open, in the engine's own folder."""

import contextlib
import os
import socket
import stat
import struct
from pathlib import Path

from otrade.errors import StartError

PATH_BYTES_MAX = 107
"""What fits into `sockaddr_un`, less its end."""
BACKLOG = 16
UCRED = struct.Struct("3i")


def listen_unix(path: Path) -> socket.socket:
    """A socket that listens at `path`, mode 0600 before anybody can connect; what an engine that
    was killed has left there is replaced. StartError in words when it cannot be.

    The caller holds the folder's lock, so no other engine listens there.
    """
    if len(os.fsencode(path)) > PATH_BYTES_MAX:
        raise StartError(
            f"{path} is too long for the name of a Unix socket ({len(os.fsencode(path))} bytes, {PATH_BYTES_MAX} are allowed): set "
            "paths.var to a shorter one"
        )
    _remove_former(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.setblocking(False)
        listener.bind(str(path))
        path.chmod(0o600)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise StartError(
            f"no Unix socket can be made at {path} ({error.strerror}): paths.var must be on a file system of this machine that has "
            "sockets, and be writable"
        ) from None
    return listener


def _remove_former(path: Path) -> None:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    except OSError as error:
        raise StartError(f"{path} cannot be looked at ({error.strerror})") from None
    if not stat.S_ISSOCK(found.st_mode):
        raise StartError(f"{path} is in the way and is no socket: remove it yourself")
    with contextlib.suppress(FileNotFoundError):
        path.unlink()


def peer_is_owner(connection: socket.socket) -> bool:
    """Does the process at the other end belong to this user, or to root?"""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, UCRED.size)
    _, uid, _ = UCRED.unpack(raw)
    return uid in (os.geteuid(), 0)
