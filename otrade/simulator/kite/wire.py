"""Kite's binary tick packets, written from a quote: 8, 28, 32, 44 or 184 bytes, big-endian, and the
frame around them.
"""

import struct
from typing import Final

from otrade.simulator.base.config import NS_PER_S
from otrade.simulator.exchange.market_data import LEVELS, DepthLevel, MarketSnapshot

HEARTBEAT: Final = b"\x00"
MODES: Final = ("ltp", "quote", "full")

_LTP = struct.Struct(">2I")
_INDEX_QUOTE = struct.Struct(">7I")
_INDEX_FULL = struct.Struct(">8I")
_QUOTE = struct.Struct(">11I")
_TAIL = struct.Struct(">5I")
_DEPTH = struct.Struct(">" + "IIHxx" * (2 * LEVELS))

FULL_BYTES: Final = _QUOTE.size + _TAIL.size + _DEPTH.size

_U32 = 0xFFFFFFFF
_DIVISORS: Final = {3: 10_000_000, 6: 10_000, 12: 10_000}
"""Wire units a rupee by segment; 100 for all others."""
_NOBODY = DepthLevel(0, 0, 0)


def packet(quote: MarketSnapshot, mode: str, ts_ns: int = 0) -> bytes:
    """One instrument in the mode in which it is subscribed. `ts_ns`: when this was so, if that is
    not when it last traded.
    """
    contract = quote.contract
    token, segment = contract.token, contract.token & 0xFF
    units = _DIVISORS.get(segment, 100)

    def px(price_e4: int) -> int:
        return price_e4 * units // 10_000 & _U32

    ltp = px(quote.ltp_e4)
    if mode == "ltp":
        return _LTP.pack(token, ltp)
    day = (px(quote.open_e4), px(quote.high_e4), px(quote.low_e4), px(quote.prev_close_e4))
    second = quote.ts_ns // NS_PER_S & _U32
    if not contract.tradable:
        index = (token, ltp, day[1], day[2], day[0], day[3], abs(ltp - day[3]) & _U32)
        return _INDEX_QUOTE.pack(*index) if mode == "quote" else _INDEX_FULL.pack(*index, second)
    wanted, offered = quote.totals()
    head = _QUOTE.pack(
        token,
        ltp,
        quote.last_qty & _U32,
        px(quote.average_e4),
        quote.volume & _U32,
        wanted & _U32,
        offered & _U32,
        *day,
    )
    if mode == "quote":
        return head
    tail = _TAIL.pack(
        second,
        quote.oi & _U32,
        quote.oi_high & _U32,
        quote.oi_low & _U32,
        (ts_ns or quote.ts_ns) // NS_PER_S & _U32,
    )
    cells: list[int] = []
    for side in quote.depth():
        for i in range(LEVELS):
            level = side[i] if i < len(side) else _NOBODY
            cells += (level.qty & _U32, px(level.price_e4), min(level.orders, 0xFFFF))
    return head + tail + _DEPTH.pack(*cells)


def with_price(body: bytes, times: int, divided_by: int) -> bytes:
    """The same packet with another last price."""
    return (
        body[:4]
        + (int.from_bytes(body[4:8], "big") * times // divided_by & _U32).to_bytes(4, "big")
        + body[8:]
    )


def without_book(body: bytes) -> bytes:
    """The same packet with nothing in its order book."""
    return body[: -_DEPTH.size] + bytes(_DEPTH.size) if len(body) == FULL_BYTES else body


def frame(packets: list[bytes]) -> bytes:
    """A binary message: the number of packets, then each with its length."""
    parts = [len(packets).to_bytes(2, "big")]
    for body in packets:
        parts.append(len(body).to_bytes(2, "big"))
        parts.append(body)
    return b"".join(parts)
