"""A Unix socket that only this user can open, in the engine's own folder; or the members of a group too,
in a folder that they can enter.
"""

import contextlib
import grp
import os
import socket
import stat
import struct
from pathlib import Path
from typing import NamedTuple

from otrade.errors import StartError

PATH_BYTES_MAX = 107
"""What fits into `sockaddr_un`, less its end."""
BACKLOG = 16
UCRED = struct.Struct("3i")
SO_PEERGROUPS = 59
"""Of Linux, 4.13 and newer: all groups of the process at the other end."""
GROUPS_BYTES_MAX = 1024
"""What Python asks at most: 256 groups. Of a process that has more only the first is seen."""


def listen_unix(path: Path, group: str = "") -> socket.socket:
    """A socket that listens at `path`, mode 0600 before anybody can connect, or 0660 and that group's;
    what an engine that was killed has left there is replaced. StartError in words when it cannot be.

    The caller holds the folder's lock, so no other engine listens there.
    """
    if len(os.fsencode(path)) > PATH_BYTES_MAX:
        raise StartError(
            f"{path} is too long for the name of a Unix socket ({len(os.fsencode(path))} bytes, {PATH_BYTES_MAX} are allowed): set "
            "paths.var to a shorter one"
        )
    gid = group_id(group) if group else -1
    if group:
        _require_shared(path.parent)
    _remove_former(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.setblocking(False)
        listener.bind(str(path))
        path.chmod(0o600)
        if group:
            _give_to(path, gid, group)
        listener.listen(BACKLOG)
    except StartError:
        listener.close()
        raise
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


def _give_to(path: Path, gid: int, group: str) -> None:
    try:
        os.chown(path, -1, gid)
        path.chmod(0o660)
    except OSError as error:
        raise StartError(
            f"{path} cannot be given to the group {group} ({error.strerror}): the engine's user must be a member of it"
        ) from None


def _require_shared(folder: Path) -> None:
    """A folder that others may enter and not change: made when it is missing. StartError."""
    try:
        with contextlib.suppress(FileExistsError):
            folder.mkdir()
            folder.chmod(0o711)
        found = folder.lstat()
    except OSError as error:
        raise StartError(
            f"{folder} (sockets.folder) cannot be used ({error.strerror}): make it for the engine's user, mode 0711"
        ) from None
    if not stat.S_ISDIR(found.st_mode):
        raise StartError(f"{folder} (sockets.folder) is no folder")
    if found.st_uid not in (os.geteuid(), 0) or found.st_mode & 0o022:
        raise StartError(
            f"{folder} (sockets.folder) is not believed: it must be the engine's user's or root's, and nobody else may write there "
            "(mode 0711)"
        )


def group_id(name: str) -> int:
    """StartError when there is no such group."""
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        raise StartError(f"there is no group {name!r} on this machine") from None


class PeerProcess(NamedTuple):
    """The process at the other end, as the kernel saw it when it connected."""

    uid: int
    gids: frozenset[int]


def peer_of(connection: socket.socket) -> PeerProcess:
    """OSError when the kernel does not say."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, UCRED.size)
    _, uid, gid = UCRED.unpack(raw)
    more: tuple[int, ...] = ()
    with contextlib.suppress(OSError):
        found = connection.getsockopt(socket.SOL_SOCKET, SO_PEERGROUPS, GROUPS_BYTES_MAX)
        more = struct.unpack(f"{len(found) // 4}I", found)
    return PeerProcess(uid, frozenset((gid, *more)))


def is_owner(peer: PeerProcess) -> bool:
    """This user, or root."""
    return peer.uid in (os.geteuid(), 0)


def may_enter(peer: PeerProcess, gid: int | None) -> bool:
    """The owner, or a member of the group that the socket is for."""
    return is_owner(peer) or (gid is not None and gid in peer.gids)
