"""One state of the market as either broker's bytes, with its parts and clocks told apart: for tests
of what the engine makes of it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from otrade._core.codecs.kite import KiteEncoder
from otrade._core.engine.engine import Engine
from otrade._core.types import Rec
from tests.core.codecs import upstox_frames
from tests.harness.core_engine import HOUR, MS, OPEN_NS, PARAMS, PLAN, SECOND, frame

NSE, NFO, INDICES = 1, 2, 9
KEY = "NSE_FO|51000"
NOBODY = (0, 0)


@dataclass(frozen=True)
class MarketState:
    """What the exchange shows. Prices in paise; a book of (bid, ask), `NOBODY` for an empty one."""

    ltp: int
    volume: int = 0
    ltt_ns: int = 0
    book: tuple[int, int] = NOBODY
    oi: int = 0
    day: tuple[int, int, int] = (0, 0, 0)
    """Open, high, low."""

    def but(self, **changed: Any) -> MarketState:
        return replace(self, **changed)


def kite(state: MarketState, token: int, now_ns: int) -> bytes:
    """A frame with one full packet."""
    bid, ask = state.book
    head = struct.pack(
        ">16I", token, state.ltp, 1, state.ltp, state.volume, 0, 0, *state.day, state.ltp,
        state.ltt_ns // SECOND, state.oi, 0, 0, now_ns // SECOND,
    )  # fmt: skip
    levels = [(100 if px else 0, px, 1 if px else 0) for px in (bid, 0, 0, 0, 0, ask, 0, 0, 0, 0)]
    return frame(head + b"".join(struct.pack(">IIHxx", *level) for level in levels))


def upstox(state: MarketState, now_ns: int, parts: str = "ltpc depth ohlc rest") -> bytes:
    """A frame with one full-mode message that has these parts."""
    response = upstox_frames.vendor().FeedResponse(type=1, currentTs=now_ns // MS)
    full = response.feeds[KEY].fullFeed.marketFF
    full.SetInParent()
    if "ltpc" in parts:
        full.ltpc.ltp, full.ltpc.ltt, full.ltpc.ltq, full.ltpc.cp = (
            state.ltp / 100,
            state.ltt_ns // MS,
            1,
            state.ltp / 100,
        )
    if "depth" in parts:
        bid, ask = state.book
        full.marketLevel.SetInParent()
        if state.book != NOBODY:
            full.marketLevel.bidAskQuote.add(
                bidQ=100 if bid else 0, bidP=bid / 100, askQ=100 if ask else 0, askP=ask / 100
            )
    if "ohlc" in parts:
        day = [px / 100 for px in state.day]
        full.marketOHLC.ohlc.add(
            interval="1d", open=day[0], high=day[1], low=day[2], close=state.ltp / 100
        )
    if "rest" in parts:
        full.vtt, full.oi = state.volume, float(state.oi)
    return bytes(response.SerializeToString())


def engine(
    *,
    segment: int = NFO,
    kind: str = "price_level",
    params: dict[str, Any] | None = None,
    plan: dict[str, Any] | None = None,
    **limits: Any,
) -> Any:
    """An engine with one instrument that both wires name, a minute series and one strategy."""
    made = Engine(
        instruments=1,
        series=1,
        strategies=1,
        brackets=64,
        orders=1024,
        run_id=7,
        order_timeout_ns=5 * SECOND,
        look_gap_ns=2 * SECOND,
    )
    made.add_instrument(
        token=token(segment),
        segment=segment,
        symbol="X",
        exchange="NFO",
        product=0,
        tick_size_e4=500,
        lot_size=1,
    )
    made.add_strategy(
        made.add_series(0, 60 * SECOND),
        kind,
        {**PARAMS, **(params or {})},
        {**PLAN, "enabled": 0, **(plan or {})},
    )
    made.set_session(
        0,
        open_ns=OPEN_NS,
        entry_from_ns=OPEN_NS,
        entry_until_ns=OPEN_NS + 8 * HOUR,
        square_off_ns=OPEN_NS + 9 * HOUR,
        close_ns=OPEN_NS + 10 * HOUR,
    )
    made.add_key(0, KEY)
    made.set_limits(**limits)
    made.set_budget(modifies_per_order=24)
    made.set_encoder(KiteEncoder(b"127.0.0.1", b"", b"token k:t"))
    made.start(OPEN_NS - HOUR)
    made.on_feed(True, OPEN_NS - HOUR)
    return made


def token(segment: int = NFO) -> int:
    return 51_000 << 8 | segment


class FrameFeed:
    """Tells an engine of states of the market over one broker's wire."""

    def __init__(self, to: Any, broker: str, segment: int = NFO) -> None:
        self.engine = to
        self.broker = broker
        self._token = token(segment)

    def tell(self, state: MarketState, now_ns: int, parts: str = "ltpc depth ohlc rest") -> None:
        if self.broker == "kite":
            self.engine.on_frame_bytes(kite(state, self._token, now_ns), now_ns, Rec.FRAME)
        else:
            self.engine.on_frame_bytes(upstox(state, now_ns, parts), now_ns, Rec.FRAME_UPSTOX)

    @property
    def market(self) -> dict[str, Any]:
        return dict(self.engine.market(0))


@contextmanager
def unmoved(feed: FrameFeed, *names: str) -> Iterator[None]:
    """These fields of the market stay what they are."""
    before = {name: feed.market[name] for name in names}
    yield
    after = feed.market
    assert {name: after[name] for name in names} == before
