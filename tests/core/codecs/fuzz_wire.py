"""Fuzz Kite's decoder and encoder: random, mutated and lying frames against a slow reference, with
a guard page behind.

    python -m tests.core.codecs.fuzz_wire [--seed N] [--cases N] [--seconds S]

Each frame ends where a protected page begins, so that one byte read too far kills the process (and
names the seed, printed first). Under the sanitised build (OTRADE_SANITIZE=1) undefined behaviour
stops it as well. The reference below is written from the wire's description with `struct`, not from
our decoder.
"""

import argparse
import ctypes
import faulthandler
import mmap
import random
import struct
import sys
import time
from urllib.parse import parse_qs

from otrade._core.codecs.kite import KiteEncoder, decode_frame, encode_command
from otrade._core.types import Cmd, Has, OrdType, Product, Reason, Side, Tif

KINDS = (8, 28, 32, 44, 184)
DIVISORS = {1: 100, 2: 100, 3: 10**7, 4: 100, 5: 100, 6: 10**4, 7: 100, 8: 100, 9: 100, 12: 10**4}
TEXT = "ABCXYZ019&-_. %+/é?"


class GuardedBuffer:
    """Memory that ends at a page nobody may touch."""

    def __init__(self, size: int = 1 << 17) -> None:
        page = mmap.PAGESIZE
        self._map = mmap.mmap(-1, size + page)
        self._end = size
        start = ctypes.addressof(ctypes.c_char.from_buffer(self._map))
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.mprotect(ctypes.c_void_p(start + size), page, 0) != 0:
            raise OSError(ctypes.get_errno(), "mprotect of the guard page failed")
        self._view = memoryview(self._map)

    def hold(self, data: bytes) -> memoryview:
        """The same bytes, up against the guard page."""
        start = self._end - len(data)
        self._view[start : self._end] = data
        return self._view[start : self._end]


def price_e4(raw: int, segment: int) -> int:
    """Exact rational arithmetic, half up."""
    divisor = DIVISORS[segment]
    return (raw * 10_000 * 2 + divisor) // (divisor * 2)


ALL_BUT_DEPTH = Has.TRADE | Has.QUOTE | Has.VOLUME | Has.AVERAGE | Has.WANTED | Has.OFFERED


def expect_packet(packet: bytes) -> dict[str, object]:
    """What the wire's description says of one packet: the fields that it carries, and the reason it
    gets.
    """
    if len(packet) not in KINDS:
        return {"reason": Reason.PACKET_KIND}
    token = struct.unpack_from(">I", packet)[0]
    segment = token & 0xFF
    if segment not in DIVISORS:
        return {"reason": Reason.SEGMENT_UNKNOWN, "token": token}

    def price(offset: int) -> int:
        return price_e4(struct.unpack_from(">I", packet, offset)[0], segment)

    def whole(offset: int) -> int:
        return int(struct.unpack_from(">I", packet, offset)[0])

    seen: dict[str, object] = {
        "token": token,
        "segment": segment,
        "kind": len(packet),
        "has": {8: Has.TRADE, 44: ALL_BUT_DEPTH, 184: ALL_BUT_DEPTH | Has.DEPTH | Has.OI}.get(
            len(packet), Has.TRADE | Has.QUOTE
        ),
        "ltp_e4": price(4),
        "tradable": int(segment != 9),
        "reason": Reason.OK if price(4) else Reason.PRICE_ZERO,
    }
    if len(packet) in (28, 32):
        seen |= {
            "high_e4": price(8),
            "low_e4": price(12),
            "open_e4": price(16),
            "close_e4": price(20),
        }
        seen["ts_exch_ns"] = whole(28) * 10**9 if len(packet) == 32 else 0
    if len(packet) in (44, 184):
        seen |= {
            "ltq": whole(8),
            "avg_px_e4": price(12),
            "volume": whole(16),
            "buy_qty": whole(20),
            "sell_qty": whole(24),
            "open_e4": price(28),
            "high_e4": price(32),
            "low_e4": price(36),
            "close_e4": price(40),
        }
    if len(packet) == 184:
        levels = [struct.unpack_from(">IIH", packet, offset) for offset in range(64, 184, 12)]
        seen |= {
            "ts_trade_ns": whole(44) * 10**9,
            "oi": whole(48),
            "oi_high": whole(52),
            "oi_low": whole(56),
            "ts_exch_ns": whole(60) * 10**9,
            "bid_qty": [q for q, _, _ in levels[:5]],
            "ask_qty": [q for q, _, _ in levels[5:]],
            "bid_px_e4": [price_e4(p, segment) for _, p, _ in levels[:5]],
            "ask_px_e4": [price_e4(p, segment) for _, p, _ in levels[5:]],
            "bid_orders": [n for _, _, n in levels[:5]],
            "ask_orders": [n for _, _, n in levels[5:]],
        }
    return seen


def expect_frame(frame: bytes) -> list[dict[str, object]]:
    """The packets that a frame holds, and the refusal that ends it if it is not whole."""
    if len(frame) < 2:
        return [{"reason": Reason.FRAME_HEARTBEAT if len(frame) == 1 else Reason.FRAME_SHORT}]
    out: list[dict[str, object]] = []
    left, pos = struct.unpack_from(">H", frame)[0], 2
    for _ in range(left):
        if len(frame) - pos < 2:
            return [*out, {"reason": Reason.FRAME_SHORT}]
        size = struct.unpack_from(">H", frame, pos)[0]
        if len(frame) - pos - 2 < size:
            return [*out, {"reason": Reason.FRAME_LENGTH}]
        out.append(expect_packet(frame[pos + 2 : pos + 2 + size]))
        pos += 2 + size
    if pos != len(frame):
        out.append({"reason": Reason.FRAME_LENGTH})
    return out


def random_packet(rng: random.Random) -> bytes:
    """Mostly a known kind and segment; now and then neither."""
    size = rng.choice(KINDS) if rng.random() < 0.95 else rng.randrange(0, 300)
    packet = bytearray(rng.randbytes(size))
    if size >= 4 and rng.random() < 0.95:
        packet[3] = rng.choice(tuple(DIVISORS))
    if size >= 8 and rng.random() < 0.05:
        packet[4:8] = bytes(4)
    return bytes(packet)


def random_frame(rng: random.Random) -> bytes:
    """A whole frame, or one that was cut, mutated, lengthened, or never was one."""
    packets = [random_packet(rng) for _ in range(rng.randrange(0, 6))]
    frame = bytearray(struct.pack(">H", len(packets)))
    for packet in packets:
        frame += struct.pack(">H", len(packet)) + packet
    kind = rng.randrange(8)
    if kind == 0:
        del frame[rng.randrange(len(frame)) :]
    elif kind == 1:
        frame += rng.randbytes(rng.randrange(1, 9))
    elif kind == 2:
        for _ in range(rng.randrange(1, 5)):
            frame[rng.randrange(len(frame))] ^= 1 << rng.randrange(8)
    elif kind == 3:
        frame = bytearray(rng.randbytes(rng.randrange(0, 64)))
    elif kind == 4:
        frame[:2] = rng.randbytes(2)
    return bytes(frame)


def check_frame(buffer: GuardedBuffer, frame: bytes) -> None:
    """Our decoder says what the reference says, field by field."""
    got, expected = decode_frame(buffer.hold(frame)), expect_frame(frame)
    assert len(got) == len(expected), (frame.hex(), got, expected)
    for ours, theirs in zip(got, expected, strict=True):
        for field, value in theirs.items():
            assert ours[field] == value, (field, ours[field], value, frame.hex())
        if theirs["reason"] in (Reason.OK, Reason.PRICE_ZERO):
            rest = {name: value for name, value in ours.items() if name not in theirs}
            assert not any(any(v) if isinstance(v, list) else v for v in rest.values()), (
                rest,
                frame.hex(),
            )


def random_command(rng: random.Random) -> dict[str, object]:
    """Fields of a command, sensible or not."""

    def text(size_max: int) -> str:
        return "".join(rng.choice(TEXT) for _ in range(rng.randrange(0, size_max)))

    def whole() -> int:
        return rng.choice((0, -1, 1, 9_999, 10_000, rng.getrandbits(20), rng.getrandbits(62)))

    return {
        "kind": rng.choice((*Cmd, 0, 99)),
        "side": rng.choice((*Side, 5)),
        "ord_type": rng.choice((*OrdType, 0)),
        "tif": rng.choice((*Tif, Tif.DAY)),
        "product": rng.choice((*Product, 9)),
        "qty": whole(),
        "price_e4": whole(),
        "trigger_e4": whole(),
        "protection_e2": rng.choice((-1, 0, 1, 250, 10_000, 10_001)),
        "symbol": text(15),
        "exchange": text(4),
        "cl_ord_id": text(11),
        "broker_order_id": text(15),
    }


def check_command(encoder: KiteEncoder, fields: dict[str, object]) -> None:
    """Either a refusal or a request whose head and body agree with each other and with the
    fields.
    """
    try:
        request = encode_command(encoder, **fields)
    except ValueError:
        return
    head, _, body = request.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    lengths = [int(line.split(b":")[1]) for line in lines if line.startswith(b"Content-Length:")]
    assert lengths == ([len(body)] if body else []), request
    assert b"\r" not in body and b"\n" not in body and lines[0].count(b" ") == 2, request
    if fields["kind"] == Cmd.NEW:
        form = parse_qs(body.decode("ascii"), strict_parsing=True)
        assert form["tradingsymbol"] == [fields["symbol"]] and form["tag"] == [
            fields["cl_ord_id"]
        ], request


def run(seed: int, cases: int, seconds: float = float("inf")) -> int:
    """Fuzz until `cases` or `seconds` have passed; the number of cases done. AssertionError names
    the input.
    """
    rng = random.Random(seed)
    buffer = GuardedBuffer()
    encoder = KiteEncoder(b"127.0.0.1:9", b"/prefix", b"token key:secret")
    until = time.monotonic() + seconds
    for done in range(cases):
        check_frame(buffer, random_frame(rng))
        check_command(encoder, random_command(rng))
        if done % 1000 == 0 and time.monotonic() > until:
            return done
    return cases


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=None, help="default: a fresh one, printed")
    parser.add_argument("--cases", type=int, default=1 << 62)
    parser.add_argument("--seconds", type=float, default=30.0)
    args = parser.parse_args(argv)
    seed = args.seed if args.seed is not None else random.SystemRandom().getrandbits(32)
    print(f"fuzz_wire seed {seed}", flush=True)
    faulthandler.enable()
    print(f"fuzz_wire {run(seed, args.cases, args.seconds)} cases, no fault")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
