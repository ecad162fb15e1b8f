"""WebSocket frames, counted as they pass (RFC 6455 5.2): only their heads are looked at, whoever
reads the messages reads them after us.
"""

from otrade.guard.limits import Bucket, Limits

POLICY = 1008
CONTINUATION = 0
CONTROL = 8


class FrameCount:
    """The frames of one connection. `feed` says whether it is too much."""

    def __init__(self, limits: Limits, now_s: float) -> None:
        self._limits = limits
        self._bucket = Bucket(limits.frames_per_s, limits.frames_burst, now_s)
        self._head = bytearray()
        self._payload_left = 0
        self._n_fragments = 0

    def feed(self, data: bytes, now_s: float) -> bool:
        """Count what has come; False when it is more frames, or more fragments, than anybody needs."""
        at = 0
        while at < len(data):
            if self._payload_left:
                step = min(self._payload_left, len(data) - at)
                self._payload_left -= step
                at += step
                continue
            self._head.append(data[at])
            at += 1
            if len(self._head) >= 2 and len(self._head) == _head_bytes(self._head):
                if not self._begin(now_s):
                    return False
                self._head.clear()
        return True

    def _begin(self, now_s: float) -> bool:
        """A frame's head is whole."""
        head = self._head
        self._payload_left = _payload_bytes(head)
        opcode, is_last = head[0] & 0x0F, bool(head[0] & 0x80)
        if opcode < CONTROL:
            self._n_fragments = 0 if is_last else self._n_fragments + 1
        return self._n_fragments <= self._limits.fragments and self._bucket.has(1, now_s)


def _head_bytes(head: bytearray) -> int:
    length = head[1] & 0x7F
    more = 8 if length == 127 else 2 if length == 126 else 0
    return 2 + more + (4 if head[1] & 0x80 else 0)


def _payload_bytes(head: bytearray) -> int:
    length = head[1] & 0x7F
    if length == 126:
        return int.from_bytes(head[2:4], "big")
    return int.from_bytes(head[2:10], "big") if length == 127 else length


def close_frame(code: int) -> bytes:
    """A server's close frame."""
    return b"\x88\x02" + code.to_bytes(2, "big")
