"""Kite: binary, big-endian, 8 (last price), 44 (and the day) or 184 bytes (and times and five levels);
28 and 32 are indices.
"""

import struct
from collections.abc import Iterator, Mapping

from otrade.drill.trader.feeds.sight import Sight
from otrade.simulator.base.universe import ListedContract

SECOND = 1_000_000_000
E4 = 10_000
FULL, QUOTE, LTP, INDEX_FULL = 184, 44, 8, 32
PAISE_UNITS = {3: 10_000_000, 6: 10_000, 12: 10_000}
"""Units of prices in a rupee, by segment; 100 in all others."""
FIRST_BID, FIRST_ASK = 64, 124
"""Where the first level of either side begins in a full packet: quantity, then price."""


def sights(ts_ns: int, payload: bytes, contracts: Mapping[str, ListedContract]) -> Iterator[Sight]:
    """The packets of one binary frame."""
    if len(payload) < 2:
        return  # a heartbeat
    at = 2
    for _ in range(int.from_bytes(payload[:2], "big")):
        size = int.from_bytes(payload[at : at + 2], "big")
        body = payload[at + 2 : at + 2 + size]
        at += 2 + size
        token = int.from_bytes(body[:4], "big")
        contract = contracts.get(str(token))
        if contract is not None:
            yield _sight(ts_ns, body, contract)


def _sight(ts_ns: int, body: bytes, contract: ListedContract) -> Sight:
    size, units = len(body), PAISE_UNITS.get(contract.token & 0xFF, 100)

    def number(at: int) -> int:
        return int(struct.unpack_from(">I", body, at)[0])

    def price_e4(at: int) -> int:
        return (number(at) * E4 + units // 2) // units

    is_full, has_day = size == FULL, size in (FULL, QUOTE)
    return Sight(
        ts_ns,
        contract.key,
        price_e4(4),
        has_trade=True,
        trade_ns=number(44) * SECOND if is_full else 0,
        packet_ns=number(60) * SECOND
        if is_full
        else (number(28) * SECOND if size == INDEX_FULL else 0),
        volume=number(16) if has_day else 0,
        has_volume=has_day,
        has_book=is_full,
        bid_e4=price_e4(FIRST_BID + 4) if is_full else 0,
        ask_e4=price_e4(FIRST_ASK + 4) if is_full else 0,
        bid_qty=number(FIRST_BID) if is_full else 0,
        ask_qty=number(FIRST_ASK) if is_full else 0,
        close_e4=price_e4(40) if has_day else (price_e4(20) if size != LTP else 0),
        has_more=size != LTP,
        is_whole=is_full,
    )
