"""What a strategy file says becomes what it asks for: its plan with the levels and the size that it
has named itself, in ten-thousandths of a rupee and on the tick.

A stop is rounded towards the price, a target away from it. What cannot be meant is refused whole: a
stop that is not behind the last price, a target that is not before it, a level above ten times the
price, a size that is not in whole lots.
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from otrade.drill.trader.plan import TradedStrategy, TraderInstrument
from otrade.drill.trader.reading.examples import EXAMPLES, Reading, ShownBar, TimedLook
from otrade.drill.trader.reading.sayings import Enter, Saying
from otrade.drill.trader.reading.seen_bar import TraderBar

E4 = 10_000
SECOND = 1_000_000_000
MINUTE = 60 * SECOND
DAY_NS = 1_440 * MINUTE
FAR = 10
"""Times the price: nobody means a level beyond."""
RUPEES, UNKNOWN = 2, 3
"""Kinds of a distance: the second, a multiple of an ATR that nobody knows, stands for any."""
TIMER_NS = 150_000_000
"""The engine's timer may close a bar so much later."""
Plan = Mapping[str, Any]


class FileReader:
    """One strategy of a file: the reading of its example, and when its bars have closed."""

    atr = 0.0

    def __init__(self, strategy: TradedStrategy, instrument: TraderInstrument) -> None:
        read, _ = EXAMPLES[strategy.file]
        self._reading: Reading = read(strategy.params)
        self._instrument = instrument
        self._closed_ns: list[int] = []

    def on_further(self, bar: TraderBar) -> None:
        self._reading.slower(bar)

    def on_own(self, bar: TraderBar, ts_ns: int, until_ns: int) -> list[Saying]:
        """A bar of its own length has closed, at `ts_ns` or not after `until_ns`."""
        self._closed_ns.append(ts_ns)
        instrument = self._instrument
        day, since_ns = divmod(bar.start_ns - instrument.open_ns, DAY_NS)
        minute = since_ns // MINUTE
        left = [
            max(instrument.square_off_ns - at_ns, 0) // MINUTE
            for at_ns in (ts_ns, max(until_ns, ts_ns + TIMER_NS))
        ]
        said = self._reading.on_bar(ShownBar(bar, minute, left[0], day))
        if left[0] == left[1]:
            return said
        # Which minute it was by the engine's clock nobody else knows.
        return [replace(one, is_close=True) if isinstance(one, Enter) else one for one in said]

    @property
    def timer_ns(self) -> int:
        """Between two beats; 0: it has no timer."""
        return self._reading.timer_s * SECOND

    def on_beat(self, price_e4: int, ts_ns: int, *, is_doubtful: bool) -> list[Saying]:
        """Its timer beats, at that last price."""
        left = max(self._instrument.square_off_ns - ts_ns, 0)
        minutes, rest = divmod(left, MINUTE)
        look = TimedLook(price_e4 / E4, minutes, rest < TIMER_NS and minutes > 0, is_doubtful)
        return self._reading.on_timer(look)

    def on_trade(self, price_e4: int) -> list[Saying]:
        return self._reading.on_trade(price_e4 / E4)

    def calm_since_ns(self, bars: int) -> int:
        """A stop after then silences it: the close of the last bar but `bars` - 1."""
        if not bars:
            return 1 << 62
        return self._closed_ns[-bars] if len(self._closed_ns) >= bars else 0


def asked_for(instrument: TraderInstrument, plan: Plan, said: Enter, last_e4: int) -> Plan | None:
    """The plan with what was said laid over it, at that last price. None: it cannot be meant."""
    found = dict(plan)
    if not last_e4 or said.qty % instrument.lot:
        return None
    for name, at, away, ahead in (
        ("stop", said.stop_at, said.stop_away, -said.side),
        ("target", said.target_at, said.target_away, said.side),
    ):
        rupees = at if at is not None else away
        if rupees is None:
            continue
        level_e4 = math.floor(rupees * E4 + 0.5)
        if rupees <= 0 or level_e4 > FAR * last_e4:
            return None
        if at is None:
            found |= {f"{name}_kind": RUPEES, f"{name}_value": level_e4 / E4}
            continue
        level_e4 = on_tick(level_e4, instrument.tick_e4, said.side)
        if (level_e4 - last_e4) * ahead <= 0:
            return None
        found[f"{name}_at_e4"] = level_e4
    if said.qty:
        found["own_qty"] = said.qty
    return found


def unknown_terms(strategy: TradedStrategy) -> Plan:
    """The plan of a file's entry of which nobody knows with which bar it was said."""
    if not strategy.file or not EXAMPLES[strategy.file][1]:
        return strategy.plan
    return {
        **strategy.plan,
        "stop_kind": UNKNOWN,
        "target_kind": UNKNOWN,
        "is_unknown": True,
    }


def on_tick(price_e4: int, tick_e4: int, direction: int) -> int:
    """The next multiple of the tick, upwards (1) or downwards (-1)."""
    down = price_e4 // tick_e4 * tick_e4
    return down if down == price_e4 or direction < 0 else down + tick_e4
