"""Feed frames for the benchmarks, built by `struct`; prices walk at random from a fixed seed."""

import random
import struct

NSE = 1


def token(i: int) -> int:
    return (1001 + i) << 8 | NSE


def full_packet(tok: int, ltp: int, ts_s: int, volume: int) -> bytes:
    """184 bytes, prices in paise."""
    head = struct.pack(
        ">16I", tok, ltp, 1, ltp, volume, 5_000, 5_000, ltp, ltp, ltp, ltp, ts_s, 0, 0, 0, ts_s
    )
    depth = b"".join(struct.pack(">IIHxx", 100, ltp - 5 * i, 3) for i in range(5))
    return (
        head + depth + b"".join(struct.pack(">IIHxx", 100, ltp + 5 * (i + 1), 3) for i in range(5))
    )


def frame(*packets: bytes) -> bytes:
    return struct.pack(">H", len(packets)) + b"".join(
        struct.pack(">H", len(p)) + p for p in packets
    )


def walk(n: int, instruments: int, packets_per_frame: int = 1) -> list[bytes]:
    """`n` frames over `instruments` instruments in turn. No exchange time, so that they may be fed
    again and again.
    """
    rng = random.Random(11)
    px = [100_000 + 37 * i for i in range(instruments)]
    out, at, volume = [], 0, 1_000
    for _ in range(n):
        packets = []
        for _ in range(packets_per_frame):
            i = at % instruments
            px[i] = max(1_000, px[i] + 5 * rng.randint(-4, 4))
            volume += 1
            packets.append(full_packet(token(i), px[i], 0, volume))
            at += 1
        out.append(frame(*packets))
    return out
