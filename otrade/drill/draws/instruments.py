"""How an instrument is traded: its product, what its feed brings, and our own hours in it."""

import random
from dataclasses import dataclass

FULL, QUOTE, LTP = "full", "quote", "ltp"
PRODUCT_CODES = {"MIS": 0, "NRML": 1, "CNC": 2}
DELIVERY = {True: "NRML", False: "CNC"}
"""The other product: of a derivative, and of a share."""
LONG_ONLY = 1
"""`side_mask` of a strategy on shares in CNC: nobody may sell short there."""


@dataclass(frozen=True, slots=True)
class InstrumentDraw:
    """One instrument. Seconds after the open, and before the close."""

    product: str = "MIS"
    """Every order says it. Another product of the same instrument is another position: it is
    neither closed, nor covered, nor counted. Of any product all is out at the square-off.
    """
    feed_mode: str = FULL
    """`full`: trades, volume and the order book. `quote`: no book at Kite, so an entry is priced
    from the last trade (Upstox sends all the same). `ltp`: the last price alone, at Upstox with its
    time; without volume and time another price is a trade.
    """
    entry_delay_s: int = 0
    """No entry before."""
    entry_stop_s: int = 150
    """No entry from here to the close; what waits is dropped; exits go on."""
    square_off_s: int = 60
    """All that is open leaves (ExitReason.SQUARE_OFF), and unfilled entries are cancelled."""


def draw_instrument(seed: int, key: str, *, is_derivative: bool) -> InstrumentDraw:
    product = random.Random(f"product {seed} {key}")
    hours = random.Random(f"hours {seed} {key}")
    feed = random.Random(f"feed mode {seed} {key}")
    return InstrumentDraw(
        DELIVERY[is_derivative] if product.random() < (0.35 if is_derivative else 0.15) else "MIS",
        feed.choice((FULL,) * 8 + (QUOTE, LTP)),
        hours.choice((0, 0, 0, 20, 60)),
        hours.choice((150, 150, 180, 240)),
        hours.choice((60, 60, 90, 120)),
    )


def draw_contract(seed: int, future: str) -> str:
    """What is traded in the future's place: sometimes an option at the money. Its price is a hundredth
    of the future's, its tick a larger part of that, its lot the same.
    """
    name = future.removesuffix(".FUT")
    draws = (future, future, future, f"{name}.ATMCE", f"{name}.ATMPE")
    return random.Random(f"contract {seed}").choice(draws)
