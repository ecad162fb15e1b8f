"""The frame of a journal's file: a header block, then windows of records. docs/journal.md has it in
words.

8 bytes magic | u32 format | u32 header block bytes | u32 window bytes | u32 identity bytes | i64
created, ns identity (JSON) | u32 CRC-32C of all of that
"""

import struct

import msgspec
import orjson

from otrade._core.journal_writer import crc32c
from otrade.errors import JournalError
from otrade.journal.record import WINDOW_BYTES

MAGIC = b"OTJRNL\x00\x01"
FORMAT = 2
"""Of the file and of the records in it: it rises with every change of a struct that records hold.
`tests/journal/test_format.py`.
"""
HEADER_BYTES = 65_536
"""The largest memory page in use: a window can be mapped on any machine."""
_FIXED = struct.Struct("<8s4Iq")


class Header(msgspec.Struct, frozen=True):
    """`identity`: the day (YYYY-MM-DD), account, engine and mode whose journal it is."""

    identity: dict[str, str]
    created_ns: int
    window_bytes: int = WINDOW_BYTES

    def to_bytes(self) -> bytes:
        identity = orjson.dumps(self.identity)
        fixed = _FIXED.pack(
            MAGIC, FORMAT, HEADER_BYTES, self.window_bytes, len(identity), self.created_ns
        )
        checked = fixed + identity
        checksum: int = crc32c(checked)
        return (checked + checksum.to_bytes(4, "little")).ljust(HEADER_BYTES, b"\0")


def read_header(block: bytes, name: str) -> Header:
    """JournalError, naming what is wrong, when these are not the first bytes of a journal that this
    build reads.
    """
    if len(block) < _FIXED.size or block[:6] != MAGIC[:6]:
        raise JournalError(f"{name}: this is no journal of OTrade")
    magic, version, header_bytes, window_bytes, n, created_ns = _FIXED.unpack_from(block)
    if magic != MAGIC or version != FORMAT:
        raise JournalError(
            f"{name}: the file has format {version}, and this build reads format {FORMAT}: use the build that wrote it"
        )
    end = _FIXED.size + n
    if (
        header_bytes != HEADER_BYTES
        or end + 4 > len(block)
        or int.from_bytes(block[end : end + 4], "little") != crc32c(block[:end])
    ):
        raise JournalError(f"{name}: the header is damaged")
    return Header(orjson.loads(block[_FIXED.size : end]), created_ns, window_bytes)
