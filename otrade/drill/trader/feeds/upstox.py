"""Upstox: protobuf, in parts: what a message lacks is None or 0 here."""

from collections.abc import Iterator, Mapping

from otrade.drill.trader.feeds.sight import Sight
from otrade.simulator.base.universe import ListedContract
from otrade.simulator.upstox.streams.proto import FeedResponse

MS = 1_000_000
E4 = 10_000


def sights(ts_ns: int, payload: bytes, contracts: Mapping[str, ListedContract]) -> Iterator[Sight]:
    """The instruments of one message of the market feed, in the order of the bytes."""
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
