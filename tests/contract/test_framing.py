"""Chunks: what goes in comes out, however it is torn; what is no chunk is refused, and nothing grows."""

from __future__ import annotations

import random
import struct

import pytest

from otrade.contract.framing import (
    CHUNK_BYTES_MAX,
    HEAD,
    PAYLOAD_BYTES_MAX,
    FrameError,
    FrameReader,
    FrameWriter,
)

MAX = 300_000


def naive(messages: list[bytes]) -> bytes:
    """The format by its description, written down once more."""
    out, n = b"", 0
    for message in messages:
        rest = message
        while True:
            now, rest = rest[: 65536 - 9], rest[65536 - 9 :]
            out += (
                struct.pack(">I", len(now)) + struct.pack(">I", n) + bytes([0 if rest else 1]) + now
            )
            n += 1
            if not rest:
                break
    return out


def drawn(rng: random.Random) -> bytes:
    size = rng.choice(
        [1, 2, 100, PAYLOAD_BYTES_MAX - 1, PAYLOAD_BYTES_MAX, PAYLOAD_BYTES_MAX + 1, MAX]
    )
    return rng.randbytes(size)


def read_all(reader: FrameReader) -> list[bytes]:
    found = []
    while (message := reader.next()) is not None:
        found.append(message)
    return found


def test_the_bytes_are_those_of_the_description() -> None:
    seed = random.randrange(2**32)
    print("seed", seed)
    rng = random.Random(seed)
    messages = [drawn(rng) for _ in range(12)]
    writer = FrameWriter(MAX)
    chunks = [chunk for message in messages for chunk in writer.chunks(message)]
    assert b"".join(chunks) == naive(messages)
    assert max(len(chunk) for chunk in chunks) == CHUNK_BYTES_MAX


@pytest.mark.parametrize("step", [1, 7, 4096, 10**7])
def test_whole_messages_come_out_however_they_are_torn(step: int) -> None:
    seed = random.randrange(2**32)
    print("seed", seed)
    rng = random.Random(seed)
    messages = [drawn(rng) for _ in range(3 if step == 1 else 12)]
    stream, reader, found = naive(messages), FrameReader(MAX), []
    for start in range(0, len(stream), step):
        reader.feed(stream[start : start + step])
        found += read_all(reader)
    assert found == messages
    assert reader.n_buffered == 0


def test_one_message_is_handed_out_at_a_time() -> None:
    reader = FrameReader(MAX)
    reader.feed(naive([b"one", b"two"]))
    assert reader.next() == b"one"
    assert reader.n_buffered == HEAD.size + 3
    assert reader.next() == b"two"
    assert reader.next() is None


@pytest.mark.parametrize("message", [b"", bytes(MAX + 1)])
def test_a_message_out_of_bounds_is_not_written(message: bytes) -> None:
    writer = FrameWriter(MAX)
    with pytest.raises(FrameError):
        writer.chunks(message)
    assert b"".join(writer.chunks(b"x")) == naive([b"x"])


@pytest.mark.parametrize(
    ("head", "words"),
    [
        ((0, 0, 1), "a chunk of 0 bytes"),
        ((PAYLOAD_BYTES_MAX + 1, 0, 1), "1 to"),
        ((2**32 - 1, 0, 1), "1 to"),
        ((1, 1, 1), "chunk 1 came where 0 was due"),
        ((1, 0, 2), "unknown flags 0x02"),
        ((1, 0, 255), "unknown flags 0xff"),
    ],
)
def test_a_wrong_head_is_refused_before_its_payload(head: tuple[int, int, int], words: str) -> None:
    reader = FrameReader(MAX)
    reader.feed(HEAD.pack(*head))
    with pytest.raises(FrameError, match=words):
        reader.next()


def test_a_message_without_an_end_is_refused_at_its_limit() -> None:
    reader = FrameReader(MAX)
    n, most = 0, 0
    with pytest.raises(FrameError, match=f"more than {MAX} bytes"):
        while True:
            reader.feed(HEAD.pack(PAYLOAD_BYTES_MAX, n, 0) + bytes(PAYLOAD_BYTES_MAX))
            assert reader.next() is None
            n += 1
            most = max(most, reader.n_buffered)
    assert n == MAX // PAYLOAD_BYTES_MAX
    assert most <= MAX


def test_a_lost_and_a_doubled_chunk_are_seen() -> None:
    chunks = list(FrameWriter(MAX).chunks(bytes(200_000)))
    for wrong in ([chunks[0], chunks[2]], [chunks[0], chunks[0]], chunks[::-1]):
        reader = FrameReader(MAX)
        reader.feed(b"".join(wrong))
        with pytest.raises(FrameError, match="was due"):
            read_all(reader)


def test_random_bytes_end_in_messages_or_a_refusal_and_nothing_grows() -> None:
    seed = random.randrange(2**32)
    print("seed", seed)
    rng = random.Random(seed)
    for _ in range(2000):
        stream = bytearray(naive([rng.randbytes(rng.randrange(1, 60)) for _ in range(4)]))
        for _ in range(rng.randrange(4)):
            stream[rng.randrange(len(stream))] = rng.randrange(256)
        if rng.random() < 0.3:
            del stream[rng.randrange(len(stream)) :]
        reader, fed = FrameReader(1000), 0
        try:
            while stream:
                n = rng.randrange(1, 40)
                reader.feed(stream[:n])
                fed += len(stream[:n])
                del stream[:n]
                for message in read_all(reader):
                    assert 0 < len(message) <= 1000
                assert reader.n_buffered <= fed
        except FrameError:
            continue
