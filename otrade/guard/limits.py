"""How much of what a stranger may bring, and a bucket that measures it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one listener."""

    connections: int = 192
    """Places, all together. Who proves nothing gives his up to a newcomer when there is none left."""
    per_address: int = 32
    """Places of one address that is not this computer: an office behind one has enough."""
    new_per_s: float = 20.0
    new_burst: int = 64
    """New connections of one address that is not this computer."""
    handshake_s: float = 5.0
    head_bytes: int = 32 * 1024
    head_s: float = 10.0
    """From the connection, or the last answer, to the end of the next head. What follows an answer,
    be it the rest of a body that was not wanted, is counted here too.
    """
    request_bytes: int = 1024 * 1024
    """A body as it is on the wire. What a route takes is less, and its own to say."""
    body_s: float = 15.0
    burst_bytes: int = 512 * 1024
    bytes_per_s: float = 128 * 1024
    """Of one connection."""
    unproven_bytes_per_s: float = 4.0 * 1024 * 1024
    unproven_requests_per_s: float = 200.0
    unproven_requests_burst: int = 400
    """Of all together who have proved nothing; more waits."""
    frames_per_s: float = 20.0
    frames_burst: int = 100
    """WebSocket frames of one connection, pings and pongs among them."""
    fragments: int = 8
    stalled_s: float = 10.0
    """Whoever takes nothing of what is written for him for so long is hung up on."""
    close_s: float = 2.0
    """How long a connection that we close may take for its last bytes, and how long the rest of a body
    may come after its answer.
    """


class Bucket:
    """So much a second, and a burst. `take` says how long to wait before the next one."""

    __slots__ = ("_burst", "_left", "_per_s", "_then_s")

    def __init__(self, per_s: float, burst: float, now_s: float) -> None:
        self._per_s = per_s
        self._burst = burst
        self._left = burst
        self._then_s = now_s

    def take(self, n: float, now_s: float) -> float:
        """Take `n`, which may leave a debt. Seconds until it is paid; 0: go on."""
        self._left = min(self._burst, self._left + (now_s - self._then_s) * self._per_s) - n
        self._then_s = now_s
        return max(0.0, -self._left / self._per_s)

    def has(self, n: float, now_s: float) -> bool:
        """Take `n` if it is there, and nothing otherwise."""
        if self.take(0, now_s) > 0 or self._left < n:
            return False
        self._left -= n
        return True
