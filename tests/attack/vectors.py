"""The attacks, by name. Each takes an `Aim`, stays within it, and says what it got through."""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Callable

from tests.attack.peer import Aim, AttackPeer, frame

Attack = Callable[[Aim], str]
ATTACKS: dict[str, Attack] = {}
NEEDS_TLS = ("tls_stalls", "tls_garbage")
NEEDS_SOCKET = ("socket_fuzz",)
"""A Unix socket of the engine's, by `Aim.path`."""
NEEDS_WEBSOCKET = ("ws_frames", "ws_pings_unread", "ws_fragments", "ws_never_reads", "ws_large")
LINE = b"X-Filler: " + b"f" * 100 + b"\r\n"


def attack(made: Attack) -> Attack:
    ATTACKS[made.__name__] = made
    return made


def _flood(aim: Aim, start: bytes, piece: bytes, *, reads: bool = True) -> str:
    """Begin with `start`, then `piece` for as long as it is taken."""
    peer = AttackPeer(aim)
    peer.send(start)
    while peer.send(piece):
        if reads:
            peer.look()
    words = _end(peer)
    peer.close()
    return words


def _end(peer: AttackPeer) -> str:
    peer.look(0.05)
    status = peer.answer.split(b"\r\n", 1)[0][:40].decode("latin-1") if peer.answer else "no answer"
    return f"{peer.n_sent:,} bytes, {'hung up on' if peer.is_gone else 'still connected'}, {status}"


# ----------------------------------------------------------------------------------------- HTTP
@attack
def trailers(aim: Aim) -> str:
    """Endless trailers after a request that is finished."""
    return _flood(aim, aim.head(more="Transfer-Encoding: chunked\r\n") + b"\r\n0\r\n", LINE * 500)


@attack
def trailers_one_line(aim: Aim) -> str:
    """One trailer without an end."""
    return _flood(
        aim, aim.head(more="Transfer-Encoding: chunked\r\n") + b"\r\n0\r\nX: ", b"t" * 65_536
    )


@attack
def chunk_extension(aim: Aim) -> str:
    """A chunk's head that does not end."""
    return _flood(aim, aim.head(more="Transfer-Encoding: chunked\r\n") + b"\r\n1;", b"e" * 65_536)


@attack
def chunks_of_one_byte(aim: Aim) -> str:
    """A body in chunks of one byte, with an extension each."""
    piece = (b"1;" + b"e" * 60 + b"\r\nx\r\n") * 1000
    return _flood(aim, aim.head(more="Transfer-Encoding: chunked\r\n") + b"\r\n", piece)


@attack
def endless_body(aim: Aim) -> str:
    return _flood(aim, aim.head(more="Content-Length: 999999999999\r\n") + b"\r\n", b"b" * 65_536)


@attack
def header_flood(aim: Aim) -> str:
    """A head of small headers that does not end."""
    return _flood(aim, aim.head("GET"), b"A:\r\n" * 16_000)


@attack
def header_without_end(aim: Aim) -> str:
    return _flood(aim, aim.head("GET") + b"X: ", b"h" * 65_536)


@attack
def pipelined(aim: Aim) -> str:
    """Requests without a pause, whose answers nobody reads."""
    return _flood(aim, b"", (aim.head("GET", "/healthz") + b"\r\n") * 500, reads=False)


@attack
def pipelined_read(aim: Aim) -> str:
    """The same, answers read, on eight connections."""
    peers = [AttackPeer(aim) for _ in range(8)]
    piece = (aim.head("GET", "/healthz") + b"\r\n") * 200
    while not aim.is_over and any(not peer.is_gone for peer in peers):
        for peer in peers:
            peer.send(piece)
            peer.look()
    n = sum(peer.n_sent for peer in peers)
    for peer in peers:
        peer.close()
    return f"{n:,} bytes"


def _drip(aim: Aim, n: int, start: bytes, piece: bytes, every_s: float = 0.1) -> str:
    peers = [AttackPeer(aim) for _ in range(n)]
    for peer in peers:
        peer.send(start)
    while not aim.is_over and any(not peer.is_gone for peer in peers):
        for peer in peers:
            peer.send(piece)
            peer.look()
        time.sleep(every_s)
    n_gone = sum(peer.is_gone for peer in peers)
    for peer in peers:
        peer.close()
    return f"{n_gone} of {n} hung up on"


@attack
def slow_heads(aim: Aim) -> str:
    """A byte of a head at a time, on 150 connections."""
    return _drip(aim, 150, aim.head("GET"), b"a")


@attack
def slow_bodies(aim: Aim) -> str:
    return _drip(aim, 150, aim.head(more="Content-Length: 4000\r\n") + b"\r\n", b"b")


# ---------------------------------------------------------------------------------- connections
@attack
def many_connections(aim: Aim) -> str:
    """Connections that say nothing."""
    held: list[socket.socket] = []
    n_refused = 0
    while not aim.is_over and len(held) < 600:
        made = socket.socket()
        made.settimeout(0.2)
        try:
            made.connect(("127.0.0.1", aim.port))
            held.append(made)
        except OSError:
            n_refused += 1
            made.close()
    time.sleep(max(0.0, aim.until_s - time.monotonic()))
    for made in held:
        made.close()
    return f"{len(held)} connected, {n_refused} not"


@attack
def connect_and_go(aim: Aim) -> str:
    n = 0
    while not aim.is_over:
        made = socket.socket()
        made.settimeout(0.2)
        try:
            made.connect(("127.0.0.1", aim.port))
        except OSError:
            time.sleep(0.005)
        made.close()
        n += 1
    return f"{n:,} connections"


@attack
def tls_stalls(aim: Aim) -> str:
    """Half a handshake, on 150 connections."""
    peers = [AttackPeer(aim, tls=False) for _ in range(150)]
    for peer in peers:
        peer.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
    time.sleep(max(0.0, aim.until_s - time.monotonic() - 0.2))
    for peer in peers:
        peer.look()
    n_gone = sum(peer.is_gone for peer in peers)
    for peer in peers:
        peer.close()
    return f"{n_gone} of 150 hung up on"


@attack
def tls_garbage(aim: Aim) -> str:
    """Records of a handshake that is none."""
    draw, n = random.Random(aim.seed), 0
    while not aim.is_over:
        peer = AttackPeer(aim, tls=False)
        peer.send(b"\x16\x03\x01\x40\x00" + draw.randbytes(16_384))
        peer.close()
        n += 1
    return f"{n:,} connections"


# ------------------------------------------------------------------------------------ WebSockets
def _ws_flood(aim: Aim, piece: bytes, start: bytes = b"", *, reads: bool) -> str:
    peer = AttackPeer(aim)
    if not peer.upgrade():
        return "no WebSocket: " + _end(peer)
    peer.send(start)
    while peer.send(piece):
        if reads:
            peer.look()
    words = f"{peer.n_sent:,} bytes, {'hung up on' if peer.is_gone else 'still connected'}"
    peer.close()
    return words


@attack
def ws_frames(aim: Aim) -> str:
    """Messages of the contract, without a pause."""
    return _ws_flood(aim, frame(1, b'{"type":"resync"}') * 1000, reads=True)


@attack
def ws_pings_unread(aim: Aim) -> str:
    """Pings whose pongs nobody reads."""
    return _ws_flood(aim, frame(9, b"p" * 125) * 500, reads=False)


@attack
def ws_fragments(aim: Aim) -> str:
    """A message in empty fragments that never ends."""
    return _ws_flood(aim, frame(0, fin=False) * 5000, frame(1, b"{", fin=False), reads=True)


@attack
def ws_never_reads(aim: Aim) -> str:
    """Forty pages that ask for everything and take nothing."""
    peers = [AttackPeer(aim) for _ in range(40)]
    n = sum(peer.upgrade() for peer in peers)
    while not aim.is_over:
        for peer in peers:
            peer.send(frame(1, b'{"type":"resync"}') * 20)
        time.sleep(0.01)
    for peer in peers:
        peer.close()
    return f"{n} WebSockets"


@attack
def ws_large(aim: Aim) -> str:
    """One frame that says it is huge."""
    head = bytes([0x81, 0xFF]) + (1 << 40).to_bytes(8, "big") + b"\0\0\0\0"
    return _ws_flood(aim, b"l" * 65_536, head, reads=True)


# -------------------------------------------------------------------------------------- anything
SEEDS = (
    b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b'POST /api/v1/login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 12\r\n\r\n{"name":"x"}',
    b"POST /hooks/kite/order HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nT: 1\r\n\r\n",
    b"GET /api/v1/ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
    frame(1, b'{"type":"resync"}') + frame(9, b"ping") + frame(8, b"\x03\xe8"),
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64),
    (8).to_bytes(4, "big") + b"\x81\xa4kind\xa1x",
)
WORDS = (
    b"\r\n",
    b"\n",
    b"\0",
    b"\xff\xff\xff\xff",
    b"chunked",
    b"Content-Length: -1\r\n",
    b"0\r\n",
    b":",
    b" ",
    b"%00",
)


def mutated(draw: random.Random) -> bytes:
    """A seed of `SEEDS`, or two, changed in a few places."""
    data = bytearray(draw.choice(SEEDS) + (draw.choice(SEEDS) if draw.random() < 0.3 else b""))
    for _ in range(draw.randrange(1, 9)):
        at = draw.randrange(len(data) + 1)
        kind = draw.randrange(5)
        if kind == 0:
            data[at:at] = draw.choice(WORDS)
        elif kind == 1:
            del data[at : at + draw.randrange(1, 9)]
        elif kind == 2:
            data[at:at] = draw.randbytes(draw.randrange(1, 17))
        elif kind == 3 and at < len(data):
            data[at] ^= 1 << draw.randrange(8)
        else:
            data[at:at] = data[: draw.randrange(len(data) + 1)] * draw.randrange(1, 20)
    return bytes(data)


@attack
def fuzz(aim: Aim) -> str:
    """Requests, frames and records with bytes changed; the same seed sends the same."""
    draw, n = random.Random(aim.seed), 0
    while not aim.is_over:
        peer = AttackPeer(aim, tls=False if draw.random() < 0.2 else None)
        if aim.token and draw.random() < 0.3:
            peer.upgrade()
        for _ in range(draw.randrange(1, 4)):
            peer.send(mutated(draw))
        peer.look(0.002)
        peer.close()
        n += 1
    return f"{n:,} connections, seed {aim.seed}"


@attack
def socket_fuzz(aim: Aim) -> str:
    """Chunks of the engine's sockets with bytes changed, torn, or out of turn."""
    draw, n = random.Random(aim.seed), 0
    while not aim.is_over:
        made = socket.socket(socket.AF_UNIX)
        made.settimeout(0.2)
        try:
            made.connect(aim.path)
            for number in range(draw.randrange(1, 6)):
                body = mutated(draw)[: draw.randrange(1, 70_000)]
                head = len(body).to_bytes(4, "big") + number.to_bytes(4, "big") + b"\1"
                made.sendall(body if draw.random() < 0.3 else head + body)
        except OSError:
            time.sleep(0.001)
        made.close()
        n += 1
    return f"{n:,} connections, seed {aim.seed}"
