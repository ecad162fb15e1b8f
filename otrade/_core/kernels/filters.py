"""Filters of the built-in kinds: which side, RSI, ATR and time of day let what a strategy says through.

They see the bars of its series that have closed and are no part of its file, so that an ATR is there for
stops too. A filter does not hide a crossover: it gives its Reason, so that a person can see what was
refused and why. Prices are rupees inside.
"""

from otrade._core.kernels import wilder
from otrade._core.kernels._abi import DAY_NS, IST_NS, helper, i4, i8, kernel, ptr, rec
from otrade._core.types import Reason

SIDE_OFF = int(Reason.SIDE_OFF)
WARM_UP = int(Reason.WARM_UP)
RSI_FILTER = int(Reason.RSI_FILTER)
ATR_FILTER = int(Reason.ATR_FILTER)
TIME_FILTER = int(Reason.TIME_FILTER)
_true_range, _smoothed = helper(wilder.true_range), helper(wilder.smoothed)
_strength = helper(wilder.strength)
PARAMS, STATE, BAR = ptr("filter_params_t"), ptr("filter_state_t"), ptr("bar_t")


@kernel(i4(PARAMS, STATE, BAR))
def filters_on_bar(params, state, bar):
    """Wilder's RSI and ATR over closed bars. 1 once each that is switched on has seen enough of them."""
    q, s, b = rec(params), rec(state), rec(bar)
    close = b.close_e4 / 10000.0
    if q.rsi_period > 0:
        if s.rsi_n == 0:
            s.rsi = 50.0
            s.rsi_n = 1
        else:
            change = close - s.rsi_prev
            gain = change if change > 0.0 else 0.0
            loss = -change if change < 0.0 else 0.0
            s.rsi_gain = _smoothed(s.rsi_gain, gain, s.rsi_n, q.rsi_period)
            s.rsi_loss = _smoothed(s.rsi_loss, loss, s.rsi_n, q.rsi_period)
            if s.rsi_n <= q.rsi_period:
                s.rsi_n += 1
            s.rsi = _strength(s.rsi_gain, s.rsi_loss)
        s.rsi_prev = close
    if q.atr_period > 0:
        if s.atr_n == 0:
            s.atr_n = 1
        else:
            high = b.high_e4 / 10000.0
            low = b.low_e4 / 10000.0
            widest = _true_range(high, low, s.atr_prev_close)
            s.atr = _smoothed(s.atr, widest, s.atr_n, q.atr_period)
            if s.atr_n <= q.atr_period:
                s.atr_n += 1
        s.atr_prev_close = close
    if q.rsi_period > 0 and s.rsi_n <= q.rsi_period:
        return 0
    if q.atr_period > 0 and s.atr_n <= q.atr_period:
        return 0
    return 1


@kernel(i4(PARAMS, STATE, i4, i8, i8))
def filters_refuse(params, state, side, px_e4, ts_ns):
    """0, or the Reason of the first filter that refuses this side now: at this price, decided at this time."""
    q, s = rec(params), rec(state)
    px = px_e4 / 10000.0
    if (side > 0 and q.side_mask & 1 == 0) or (side < 0 and q.side_mask & 2 == 0):
        return SIDE_OFF
    if q.rsi_period > 0:
        if s.rsi_n <= q.rsi_period:
            return WARM_UP
        low = q.rsi_long_min if side > 0 else q.rsi_short_min
        high = q.rsi_long_max if side > 0 else q.rsi_short_max
        if s.rsi < low or s.rsi > high:
            return RSI_FILTER
    if q.atr_period > 0:
        if s.atr_n <= q.atr_period:
            return WARM_UP
        bps = s.atr / px * 10000.0 if px > 0.0 else 0.0
        if (q.atr_min_bps > 0.0 and bps < q.atr_min_bps) or (
            q.atr_max_bps > 0.0 and bps > q.atr_max_bps
        ):
            return ATR_FILTER
    if q.tod_until_ns > 0:
        now = (ts_ns + IST_NS) % DAY_NS
        if now < q.tod_from_ns or now >= q.tod_until_ns:
            return TIME_FILTER
    return 0
