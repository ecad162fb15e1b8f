"""Messages as bytes on a Unix socket: each is cut into chunks, and each chunk has a head that says
how long it is, its number and whether it is its message's last.

    chunk    length (u32), sequence (u32), flags (u8), all big-endian; then `length` bytes of payload
    message  the payloads of the chunks up to one with the flag LAST

A chunk is at most 64 KiB with its head. Sequences count from 0 in each direction of a connection,
one a chunk: bytes that are lost, doubled or torn show as a wrong number or a wrong length, and the
connection is hung up on, for nobody knows any more where a message begins. Messages are not
interleaved. What a message holds is msgpack of the types in `messages`.

Nothing here knows of sockets, loops or clocks. How long a peer may take is the caller's matter.
"""

from collections.abc import Iterator
from struct import Struct

CHUNK_BYTES_MAX = 64 * 1024
HEAD = Struct(">IIB")
PAYLOAD_BYTES_MAX = CHUNK_BYTES_MAX - HEAD.size
LAST = 1
SEQUENCES = 2**32
"""The sequence begins again at 0 after so many chunks."""


class FrameError(ValueError):
    """Bytes that are no chunk here, or a message that is too long. The connection cannot go on."""


class FrameWriter:
    """One direction of one connection: messages into chunks."""

    def __init__(self, message_bytes_max: int) -> None:
        self._message_bytes_max = message_bytes_max
        self._sequence = 0

    def chunks(self, message: bytes) -> Iterator[bytes]:
        """The chunks of a message, made as they are asked for; all of them must be sent, in order,
        before another message's. FrameError, before the first, for one that is empty or too long.
        """
        if not 0 < len(message) <= self._message_bytes_max:
            raise FrameError(
                f"a message of {len(message)} bytes; 1 to {self._message_bytes_max} are allowed"
            )
        return self._cut(message)

    def _cut(self, message: bytes) -> Iterator[bytes]:
        for start in range(0, len(message), PAYLOAD_BYTES_MAX):
            payload = message[start : start + PAYLOAD_BYTES_MAX]
            is_last = start + PAYLOAD_BYTES_MAX >= len(message)
            head = HEAD.pack(len(payload), self._sequence, LAST if is_last else 0)
            self._sequence = (self._sequence + 1) % SEQUENCES
            yield head + payload


class FrameReader:
    """One direction of one connection: bytes, as they come, into messages.

    It keeps what was fed and not yet asked for: whoever feeds stops while `n_buffered` is as high as
    he allows. A FrameError is final.
    """

    def __init__(self, message_bytes_max: int) -> None:
        self._message_bytes_max = message_bytes_max
        self._sequence = 0
        self._buffer = bytearray()
        self._message = bytearray()

    @property
    def n_buffered(self) -> int:
        """Bytes that were fed and are not yet part of a message that was handed out."""
        return len(self._buffer) + len(self._message)

    def feed(self, data: bytes | bytearray | memoryview) -> None:
        """Take bytes; nothing is looked at yet."""
        self._buffer += data

    def next(self) -> bytes | None:
        """The next message that is whole, or None. Looks at one message's chunks and no more."""
        while True:
            if len(self._buffer) < HEAD.size:
                return None
            length, sequence, flags = HEAD.unpack_from(self._buffer)
            self._check(length, sequence, flags)
            end = HEAD.size + length
            if len(self._buffer) < end:
                return None
            self._message += memoryview(self._buffer)[HEAD.size : end]
            del self._buffer[:end]
            self._sequence = (self._sequence + 1) % SEQUENCES
            if flags == LAST:
                message = bytes(self._message)
                self._message.clear()
                return message

    def _check(self, length: int, sequence: int, flags: int) -> None:
        """A head is judged before its payload is waited for."""
        if not 0 < length <= PAYLOAD_BYTES_MAX:
            raise FrameError(f"a chunk of {length} bytes; 1 to {PAYLOAD_BYTES_MAX} are allowed")
        if sequence != self._sequence:
            raise FrameError(f"chunk {sequence} came where {self._sequence} was due")
        if flags not in (0, LAST):
            raise FrameError(f"a chunk with unknown flags {flags:#04x}")
        if len(self._message) + length > self._message_bytes_max:
            raise FrameError(f"a message of more than {self._message_bytes_max} bytes")
