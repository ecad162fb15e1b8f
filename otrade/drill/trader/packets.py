"""Packets of the brokers' feeds, read from the bytes that were sent: what each says of one
instrument.

Kite: binary, big-endian, 8 (last price), 44 (and the day) or 184 bytes (and times and five levels);
28 and 32 are indices. Upstox: protobuf, in parts: what a message lacks is None or 0 here.
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from otrade.simulator.base.universe import ListedContract
from otrade.simulator.upstox.streams.proto import FeedResponse

SECOND = 1_000_000_000
MS = 1_000_000
E4 = 10_000
KITE_FULL, KITE_QUOTE, KITE_LTP, KITE_INDEX_FULL = 184, 44, 8, 32
PAISE_UNITS = {3: 10_000_000, 6: 10_000, 12: 10_000}
"""Units of Kite's prices in a rupee, by segment; 100 in all others."""
FIRST_BID, FIRST_ASK = 64, 124
"""Where the first level of either side begins in a full packet of Kite: quantity, then price."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What one packet says of one instrument, at the moment at which its bytes were sent: the
    engine has worked through it within that same moment of virtual time.

    Prices in ten-thousandths of a rupee; 0: the packet does not say, or says 0.
    """

    ts_ns: int
    key: str
    """The contract's, `EXCH:SYMBOL`."""
    ltp_e4: int
    has_trade: bool
    """It names a last price at all."""
    trade_ns: int
    """The last trade's time in the broker's precision: whole seconds at Kite, milliseconds at
    Upstox.
    """
    packet_ns: int
    """The packet's own time; Kite's full packets alone, and indices, have one on each packet,
    Upstox has one a message.
    """
    volume: int
    """Units traded today."""
    has_volume: bool
    has_book: bool
    """It has an order book, if perhaps one in which nothing stands."""
    bid_e4: int
    ask_e4: int
    bid_qty: int
    ask_qty: int
    close_e4: int
    """Yesterday's close."""
    has_more: bool
    """It says something else of the day: candles, averages, open interest, totals."""
    is_whole: bool
    """Kite's full packet, or an Upstox message with last trade, volume and order book: no part of
    it is older than the rest.
    """


def kite_sights(
    ts_ns: int, payload: bytes, contracts: Mapping[str, ListedContract]
) -> Iterator[Sight]:
    """The packets of one binary frame of Kite."""
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
            yield _kite_sight(ts_ns, body, contract)


def _kite_sight(ts_ns: int, body: bytes, contract: ListedContract) -> Sight:
    size, units = len(body), PAISE_UNITS.get(contract.token & 0xFF, 100)

    def number(at: int) -> int:
        return int(struct.unpack_from(">I", body, at)[0])

    def price_e4(at: int) -> int:
        return (number(at) * E4 + units // 2) // units

    is_full, has_day = size == KITE_FULL, size in (KITE_FULL, KITE_QUOTE)
    return Sight(
        ts_ns,
        contract.key,
        price_e4(4),
        has_trade=True,
        trade_ns=number(44) * SECOND if is_full else 0,
        packet_ns=number(60) * SECOND
        if is_full
        else (number(28) * SECOND if size == KITE_INDEX_FULL else 0),
        volume=number(16) if has_day else 0,
        has_volume=has_day,
        has_book=is_full,
        bid_e4=price_e4(FIRST_BID + 4) if is_full else 0,
        ask_e4=price_e4(FIRST_ASK + 4) if is_full else 0,
        bid_qty=number(FIRST_BID) if is_full else 0,
        ask_qty=number(FIRST_ASK) if is_full else 0,
        close_e4=price_e4(40) if has_day else (price_e4(20) if size != KITE_LTP else 0),
        has_more=size != KITE_LTP,
        is_whole=is_full,
    )


def upstox_sights(
    ts_ns: int, payload: bytes, contracts: Mapping[str, ListedContract]
) -> Iterator[Sight]:
    """The instruments of one message of Upstox's market feed, in the order of the bytes."""
    message = FeedResponse.FromString(payload)
    for key, one in sorted(message.feeds.items()):  # as the simulator writes them
        contract = contracts.get(key)
        if contract is None:
            continue
        book = volume = None
        has_more = False
        way = one.WhichOneof("FeedUnion")
        if way == "ltpc":
            trade = one.ltpc
        elif way == "firstLevelWithGreeks":
            level = one.firstLevelWithGreeks
            trade = level.ltpc if level.HasField("ltpc") else None
            book, volume = [level.firstDepth] if level.HasField("firstDepth") else None, level.vtt
        elif way == "fullFeed" and one.fullFeed.WhichOneof("FullFeedUnion") == "marketFF":
            full = one.fullFeed.marketFF
            trade = full.ltpc if full.HasField("ltpc") else None
            book = list(full.marketLevel.bidAskQuote) if full.HasField("marketLevel") else None
            volume = full.vtt
            has_more = bool(full.marketOHLC.ohlc or full.atp or full.oi or full.tbq or full.tsq)
        elif way == "fullFeed":
            index = one.fullFeed.indexFF
            trade = index.ltpc if index.HasField("ltpc") else None
        else:
            trade = None
        ltp_e4 = round(trade.ltp * E4) if trade is not None else 0
        best = book[0] if book else None
        yield Sight(
            ts_ns,
            contract.key,
            ltp_e4,
            # A price of 0 is not on the wire.
            has_trade=trade is not None and trade.ltp != 0,
            trade_ns=trade.ltt * MS if trade is not None else 0,
            packet_ns=message.currentTs * MS,
            volume=volume or 0,
            has_volume=bool(volume),
            has_book=book is not None,
            bid_e4=round(best.bidP * E4) if best is not None else 0,
            ask_e4=round(best.askP * E4) if best is not None else 0,
            bid_qty=best.bidQ if best is not None else 0,
            ask_qty=best.askQ if best is not None else 0,
            close_e4=round(trade.cp * E4) if trade is not None else 0,
            has_more=has_more,
            is_whole=trade is not None and bool(volume) and book is not None,
        )
