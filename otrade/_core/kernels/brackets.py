"""Bracket prices: tick rounding, stops, targets, marketable limits, trailing. Integers in e4.

Rounding is always to the side that cannot hurt: a stop is rounded towards the entry (a smaller
loss), a target away from it, a marketable limit through the market.
"""

import math

from otrade._core.kernels._abi import f8, helper, i4, i8, kernel


@helper
def _round(px_e4, tick_e4, direction):
    if tick_e4 <= 1:
        return px_e4
    down = px_e4 // tick_e4 * tick_e4
    if down == px_e4 or direction < 0:
        return down
    if direction > 0 or 2 * (px_e4 - down) >= tick_e4:
        return down + tick_e4
    return down


@helper
def _stop(entry_e4, side, distance_e4, tick_e4):
    if distance_e4 <= 0:
        return 0
    raw = entry_e4 - side * distance_e4
    px = _round(raw, tick_e4, side)
    if side * (entry_e4 - px) < tick_e4:
        px = _round(entry_e4 - side * tick_e4, tick_e4, -side)
    return px if px > tick_e4 else tick_e4


@kernel(i8(i8, i8, i4))
def round_tick(px_e4, tick_e4, direction):
    """To a multiple of the tick size: direction -1 down, +1 up, 0 nearest (half up)."""
    return _round(px_e4, tick_e4, direction)


@kernel(i8(i4, f8, i8, f8))
def distance_e4(kind, value, px_e4, atr):
    """A distance in e4: kind 1 `value` bps of the price, 2 `value` rupees, 3 `value` times the ATR
    (rupees); nearest, never negative.
    """
    if kind == 1:
        d = px_e4 * value / 10000.0
    elif kind == 2:
        d = value * 10000.0
    elif kind == 3:
        d = value * atr * 10000.0
    else:
        return 0
    if not (d > 0.0) or d > 9e15:
        return 0
    return int(math.floor(d + 0.5))


@kernel(i8(i8, i4, i8, i8))
def stop_price(entry_e4, side, distance_e4, tick_e4):
    """Stop of a position (side +1 long, -1 short): rounded towards the entry, yet a tick away from
    it, never below a tick. 0: none.
    """
    return _stop(entry_e4, side, distance_e4, tick_e4)


@kernel(i8(i8, i4, i8, i8))
def target_price(entry_e4, side, distance_e4, tick_e4):
    """Target of a position: rounded away from the entry, so the profit is never below what was
    asked. 0 when no distance.
    """
    if distance_e4 <= 0:
        return 0
    px = _round(entry_e4 + side * distance_e4, tick_e4, side)
    return px if px > tick_e4 else tick_e4


@kernel(i8(i8, i4, f8, i8))
def limit_through(px_e4, side, bps, tick_e4):
    """Marketable limit: `bps` through the price for a buy (+1, rounded up) or a sell (-1, rounded
    down, never below one tick).
    """
    move = px_e4 * bps / 10000.0
    if side > 0:
        return _round(int(math.ceil(px_e4 + move)), tick_e4, 1)
    px = _round(int(math.floor(px_e4 - move)), tick_e4, -1)
    return px if px > tick_e4 else tick_e4


@kernel(i8(i4, i8, i8, i8, i8, i8))
def trail_stop(side, best_e4, stop_e4, distance_e4, step_e4, tick_e4):
    """Stop `distance` behind the best price, if that improves the present one by at least `step`;
    it never moves back.
    """
    if distance_e4 <= 0:
        return stop_e4
    px = _stop(best_e4, side, distance_e4, tick_e4)
    gain = side * (px - stop_e4)
    if gain > 0 and gain >= step_e4:
        return px
    return stop_e4
