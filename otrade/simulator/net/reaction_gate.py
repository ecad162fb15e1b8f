"""What the driver must know of the sockets to tell whether the client has reacted, and the queue of
requests.

In lockstep, requests that arrive between two events are handled together, in an order that depends
on their content and not on which socket the kernel showed first. Without it they are handled as
they come.
"""

import fcntl
import struct
from collections.abc import Callable
from typing import Protocol

Handler = Callable[[], None]
SIOCOUTQNSD = 0x894B
"""Linux: bytes of a socket's send queue that have not been sent (linux/sockios.h)."""
SortKey = tuple[bytes, bytes, bytes]


class FeedPeer(Protocol):
    """One connected feed client."""

    pong_due: bool

    def ping(self, payload: bytes) -> None: ...


class AnsweringConnection(Protocol):
    """A connection whose last answer was larger than a socket takes at once."""

    @property
    def unsent(self) -> int: ...


def unsent_bytes(fd: int) -> int:
    """What the kernel still holds back, because the client's window is full; 0 where that cannot be
    told.
    """
    try:
        (waiting,) = struct.unpack("i", fcntl.ioctl(fd, SIOCOUTQNSD, b"\0\0\0\0"))
    except OSError:
        return 0
    return int(waiting)


class ReactionGate:
    """Shared by the servers, who report, and the driver, who waits."""

    def __init__(self) -> None:
        self.lockstep = True
        self.activity = 0
        """Bytes were seen from a client this many times."""
        self.wrote = False
        """Something went out to which a client may react."""
        self.replies_due = 0
        """Requests taken and not yet answered."""
        self.peers: list[FeedPeer] = []
        self.senders: list[AnsweringConnection] = []
        self.on_request: Handler | None = None
        self._requests: list[tuple[SortKey, int, Handler]] = []

    def submit(self, key: SortKey, handler: Handler) -> None:
        """Hand in one request."""
        self.replies_due += 1
        if not self.lockstep:
            handler()
            return
        self._requests.append((key, len(self._requests), handler))
        if self.on_request is not None:
            self.on_request()

    @property
    def has_requests(self) -> bool:
        return bool(self._requests)

    def drain(self) -> None:
        """Handle the waiting requests."""
        requests = self._requests
        self._requests = []
        if len(requests) > 1:
            requests.sort(key=lambda item: item[:2])
        for _, _, handler in requests:
            handler()

    def is_sending(self) -> bool:
        """Part of a large answer is still on its way: a client that waits for the rest has not
        reacted, it cannot yet.
        """
        if not self.senders:
            return False
        self.senders = [sender for sender in self.senders if sender.unsent]
        return bool(self.senders)

    @property
    def is_owed_pong(self) -> bool:
        """Has a feed client not answered the last ping?"""
        for peer in self.peers:
            if peer.pong_due:
                return True
        return False

    def awaited(self) -> list[FeedPeer]:
        """Feed clients which have not answered the last ping."""
        return [peer for peer in self.peers if peer.pong_due]
