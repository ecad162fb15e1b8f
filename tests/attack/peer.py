"""One hostile connection: it sends what it likes, reads only when it likes, and stops by itself."""

from __future__ import annotations

import base64
import contextlib
import os
import select
import socket
import ssl
import struct
import time
from dataclasses import dataclass, field


@dataclass
class Aim:
    """What is attacked, and how much of it: no attack sends more bytes or takes longer."""

    port: int
    seconds: float = 3.0
    bytes_max: int = 64 << 20
    token: str = ""
    path: str = "/api/v1/login"
    ws_path: str = "/api/v1/ws"
    is_tls: bool = False
    seed: int = 1
    until_s: float = field(default=0.0)

    def __post_init__(self) -> None:
        self.until_s = time.monotonic() + self.seconds

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self.until_s

    def head(self, method: str = "POST", path: str = "", more: str = "") -> bytes:
        proof = f"Authorization: Bearer {self.token}\r\n" if self.token else ""
        return (
            f"{method} {path or self.path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n{proof}{more}"
        ).encode()


class AttackPeer:
    """A blocking socket with a short timeout; `is_gone` once the other side has hung up."""

    def __init__(self, aim: Aim, *, tls: bool | None = None) -> None:
        self.aim = aim
        self.n_sent = 0
        self.is_gone = False
        self.answer = b""
        self.sock = socket.socket()
        self.sock.settimeout(2.0)
        try:
            self.sock.connect(("127.0.0.1", aim.port))
            if aim.is_tls if tls is None else tls:
                context = ssl.create_default_context()
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
                self.sock = context.wrap_socket(self.sock)
        except OSError:
            self.is_gone = True

    def send(self, data: bytes) -> bool:
        """False when it is over: hung up on, out of bytes, or out of time."""
        if self.is_gone or self.aim.is_over or self.n_sent >= self.aim.bytes_max:
            return False
        view = memoryview(data)
        while view and not self.aim.is_over:
            try:
                self.sock.settimeout(0.2)
                n = self.sock.send(view)
            except (TimeoutError, ssl.SSLWantWriteError):
                continue  # nobody takes it now
            except OSError:
                self.is_gone = True
                return False
            self.n_sent += n
            view = view[n:]
        return True

    def look(self, seconds: float = 0.0) -> bytes:
        """What has come by now."""
        with contextlib.suppress(OSError, ValueError):
            if select.select([self.sock], [], [], seconds)[0]:
                got = self.sock.recv(65_536)
                self.answer = (self.answer + got)[-4096:]
                self.is_gone = self.is_gone or not got
                return got
        return b""

    def upgrade(self) -> bool:
        """Become a WebSocket."""
        key = base64.b64encode(os.urandom(16)).decode()
        self.send(
            self.aim.head("GET", self.aim.ws_path)
            + f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
        )
        return b" 101 " in self.look(2.0)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.sock.close()


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True) -> bytes:
    """A masked frame; the mask is zero, which costs an attacker nothing."""
    n = len(payload)
    length = (
        bytes([0x80 | n])
        if n < 126
        else bytes([0x80 | 126]) + struct.pack(">H", n)
        if n < 65_536
        else bytes([0x80 | 127]) + struct.pack(">Q", n)
    )
    return bytes([(0x80 if fin else 0) | opcode]) + length + b"\0\0\0\0" + payload
