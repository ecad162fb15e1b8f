"""Random messages of Upstox's market data feed v3, made and read by the protobuf runtime with the
vendor SDK's own generated module.
"""

from __future__ import annotations

import random
import warnings
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest

from otrade._core.types import Has

KINDS = ("ltpc", "full", "index", "level")
DEPTH = 5


def vendor() -> Any:
    """The SDK's generated module; skips, loudly, when it is not installed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip(
            "upstox_client.feeder.proto.MarketDataFeedV3_pb2",
            reason="the vendor SDK's protobuf module is the oracle of this test",
        )


def price(rng: random.Random) -> float:
    """Mostly what markets show: two or four decimals; at times nothing at all."""
    return rng.choice(
        (
            0.0,
            round(rng.uniform(0.05, 99_999), 2),
            round(rng.uniform(0.0025, 400), 4),
            float(rng.randrange(1, 10**6)),
        )
    )


def quantity(rng: random.Random) -> int:
    return rng.choice(
        (
            0,
            rng.randrange(1, 128),
            rng.randrange(1 << 14),
            rng.randrange(1 << 31),
            rng.randrange(1 << 62),
        )
    )


def ltpc(rng: random.Random, out: Any) -> None:
    out.ltp = rng.choice((price(rng), 0.05 + rng.randrange(10**7) * 0.05))
    out.ltt = rng.randrange(1_600_000_000_000, 1_900_000_000_000)
    out.ltq = quantity(rng)
    out.cp = price(rng)
    if rng.random() < 0.1:
        out.iep.value = price(rng)


def candles(rng: random.Random, out: Any) -> None:
    for interval in rng.sample(("1d", "I1", "I30", "1dx", ""), rng.randrange(4)):
        candle = out.ohlc.add(interval=interval, vol=quantity(rng), ts=rng.randrange(10**13))
        candle.open, candle.high, candle.low, candle.close = (price(rng) for _ in range(4))


def greeks(rng: random.Random, out: Any) -> None:
    out.delta, out.theta, out.gamma, out.vega, out.rho = (rng.uniform(-5, 5) for _ in range(5))


def quote(rng: random.Random, out: Any) -> None:
    out.bidQ, out.bidP, out.askQ, out.askP = quantity(rng), price(rng), quantity(rng), price(rng)


def fill(rng: random.Random, kind: str, feed: Any) -> None:
    """Write one Feed of this kind."""
    feed.requestMode = rng.randrange(4)
    if kind == "ltpc":
        ltpc(rng, feed.ltpc)
    elif kind == "index":
        ltpc(rng, feed.fullFeed.indexFF.ltpc)
        candles(rng, feed.fullFeed.indexFF.marketOHLC)
    elif kind == "level":
        level = feed.firstLevelWithGreeks
        ltpc(rng, level.ltpc)
        quote(rng, level.firstDepth)
        greeks(rng, level.optionGreeks)
        level.vtt, level.oi, level.iv = quantity(rng), float(rng.randrange(10**9)), rng.random()
    else:
        full = feed.fullFeed.marketFF
        ltpc(rng, full.ltpc)
        for _ in range(rng.choice((0, 1, 5, 5, 5, 30))):
            quote(rng, full.marketLevel.bidAskQuote.add())
        if rng.random() < 0.5:
            greeks(rng, full.optionGreeks)
        candles(rng, full.marketOHLC)
        full.atp, full.vtt, full.oi, full.iv = (
            price(rng),
            quantity(rng),
            float(rng.randrange(10**9)),
            rng.random(),
        )
        full.tbq, full.tsq = float(rng.randrange(10**9)), float(rng.randrange(10**9))
        if rng.random() < 0.1:
            full.iep = price(rng)
            full.casEligible = True


def e4(rupees: float) -> int:
    """Rupees to ten-thousandths, through exact decimal text rather than our multiplication."""
    return int((Decimal(repr(rupees)) * 10_000).quantize(Decimal(1), ROUND_HALF_UP))


def expected(feed: Any, ts_frame_ms: int) -> dict[str, Any]:
    """What a Feed says, in the words of `tick_t`, read from the protobuf runtime's object."""
    union = feed.WhichOneof("FeedUnion")
    out: dict[str, Any] = {}
    if union == "ltpc":
        source = feed
    elif union == "firstLevelWithGreeks":
        source = feed.firstLevelWithGreeks
        out |= {"volume": source.vtt, "oi": round(source.oi)}
        levels = [source.firstDepth]
    elif feed.fullFeed.WhichOneof("FullFeedUnion") == "indexFF":
        source = feed.fullFeed.indexFF
    else:
        source = feed.fullFeed.marketFF
        out |= {"volume": source.vtt, "oi": round(source.oi), "avg_px_e4": e4(source.atp)}
        out |= {"buy_qty": round(source.tbq), "sell_qty": round(source.tsq)}
        levels = list(source.marketLevel.bidAskQuote)[:DEPTH]
    last = source.ltpc
    out |= {
        "ltp_e4": e4(last.ltp),
        "close_e4": e4(last.cp),
        "ltq": last.ltq,
        "ts_trade_ns": last.ltt * 1_000_000,
    }
    out["ts_exch_ns"] = (ts_frame_ms or last.ltt) * 1_000_000
    if "volume" in out:
        pad = [0] * (DEPTH - len(levels))
        out |= {
            "bid_px_e4": [e4(q.bidP) for q in levels] + pad,
            "bid_qty": [q.bidQ for q in levels] + pad,
        }
        out |= {
            "ask_px_e4": [e4(q.askP) for q in levels] + pad,
            "ask_qty": [q.askQ for q in levels] + pad,
        }
    if union == "fullFeed":
        day = next((c for c in source.marketOHLC.ohlc if c.interval == "1d"), None)
        for name in ("open", "high", "low"):
            out[f"{name}_e4"] = e4(getattr(day, name)) if day is not None else 0
    out["has"] = parts(feed)
    return out


def parts(feed: Any) -> int:
    """Which parts a Feed brings: those that the runtime says are there, and scalars that are not 0."""
    union = feed.WhichOneof("FeedUnion")
    if union == "ltpc":
        return Has.TRADE if feed.ltpc.ltp else 0
    found = 0
    if union == "firstLevelWithGreeks":
        source = feed.firstLevelWithGreeks
        found |= Has.DEPTH if source.HasField("firstDepth") else 0
    else:
        source = getattr(feed.fullFeed, feed.fullFeed.WhichOneof("FullFeedUnion"))
        found |= (
            Has.QUOTE if any(candle.interval == "1d" for candle in source.marketOHLC.ohlc) else 0
        )
        if feed.fullFeed.WhichOneof("FullFeedUnion") == "marketFF":
            found |= Has.DEPTH if source.HasField("marketLevel") else 0
            found |= (
                (Has.AVERAGE if source.atp else 0)
                | (Has.WANTED if source.tbq else 0)
                | (Has.OFFERED if source.tsq else 0)
            )
    found |= Has.TRADE if source.ltpc.ltp else 0
    if union == "firstLevelWithGreeks" or feed.fullFeed.WhichOneof("FullFeedUnion") == "marketFF":
        found |= (Has.VOLUME if source.vtt else 0) | (Has.OI if source.oi else 0)
    return int(found)


def full_frame(pb2: Any, n: int, seed: int = 1) -> bytes:
    """A frame of `n` instruments in full mode, five levels and two candles each, as a liquid
    market's.
    """
    rng = random.Random(seed)
    response = pb2.FeedResponse(type=1, currentTs=1_790_000_000_000)
    for i in range(n):
        full = response.feeds[f"NSE_FO|{50_000 + i}"].fullFeed.marketFF
        px = round(rng.uniform(100, 3_000), 2)
        full.ltpc.ltp, full.ltpc.ltt, full.ltpc.ltq, full.ltpc.cp = (
            px,
            1_790_000_000_000 - i,
            75,
            px,
        )
        for level in range(DEPTH):
            full.marketLevel.bidAskQuote.add(
                bidQ=75 * level + 75, bidP=px - 0.05 * level, askQ=150, askP=px + 0.05 * level
            )
        greeks(rng, full.optionGreeks)
        for interval in ("1d", "I1"):
            full.marketOHLC.ohlc.add(
                interval=interval,
                open=px,
                high=px,
                low=px,
                close=px,
                vol=1_000,
                ts=1_790_000_000_000,
            )
        full.atp, full.vtt, full.oi, full.iv, full.tbq, full.tsq = (
            px,
            1_000_000,
            50_000.0,
            0.2,
            1e6,
            1e6,
        )
    return bytes(response.SerializeToString())
