"""Crossover strategies: kernels of the one ABI. `on_tick(params, state, market, signal)`,
`on_bar(params, state, bar, signal)`.

Each returns 1 when a crossover happened (`signal.side`), else 0. In tick mode the averages move
with every last price, in bar mode with every bar's close; the RSI and ATR filters always move with
closed bars. A filter does not hide a crossover: it sets `signal.blocked` to its Reason, so that a
person can see what was refused and why. A signal's time is when it was decided: a tick's arrival,
a bar's end. Prices are rupees inside.
"""

from otrade._core.kernels import wilder
from otrade._core.kernels._abi import DAY_NS, IST_NS, helper, i4, kernel, ptr, rec
from otrade._core.types import Reason

SIDE_OFF = int(Reason.SIDE_OFF)
WARM_UP = int(Reason.WARM_UP)
RSI_FILTER = int(Reason.RSI_FILTER)
ATR_FILTER = int(Reason.ATR_FILTER)
TIME_FILTER = int(Reason.TIME_FILTER)
_true_range, _smoothed = helper(wilder.true_range), helper(wilder.smoothed)
_strength = helper(wilder.strength)


@helper
def _feed_filters(q, s, bar):
    """Wilder's RSI and ATR over closed bars, inside the strategy's state."""
    close = bar.close_e4 / 10000.0
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
            high = bar.high_e4 / 10000.0
            low = bar.low_e4 / 10000.0
            widest = _true_range(high, low, s.atr_prev_close)
            s.atr = _smoothed(s.atr, widest, s.atr_n, q.atr_period)
            if s.atr_n <= q.atr_period:
                s.atr_n += 1
        s.atr_prev_close = close


@helper
def _blocked(q, s, side, px, ts_ns):
    """0, or the Reason of the first filter that refuses this side now."""
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


@helper
def _say(q, s, g, fast, slow, ready, px_e4, ts_ns):
    """Fill the signal; 1 when the sides have changed. The side before the warm-up is remembered but
    never spoken of.
    """
    side = 1 if fast > slow else (-1 if fast < slow else s.side)
    before = s.side
    s.side = side
    g.fast = fast
    g.slow = slow
    g.rsi = s.rsi
    g.atr = s.atr
    g.ready = 1 if ready else 0
    g.px_e4 = px_e4
    g.ts_ns = ts_ns
    g.side = 0
    g.blocked = 0
    if not ready or before == 0 or side == before:
        return 0
    g.side = side
    g.blocked = _blocked(q, s, side, px_e4 / 10000.0, ts_ns)
    return 1


@helper
def _ema_step(q, s, px):
    if s.n == 0:
        s.fast = px
        s.slow = px
    else:
        s.fast = s.fast + (px - s.fast) * (2.0 / (q.fast_period + 1.0))
        s.slow = s.slow + (px - s.slow) * (2.0 / (q.slow_period + 1.0))
    if s.n < q.slow_period:
        s.n += 1


@helper
def _sma_step(q, s, px_e4):
    """Both sums over one ring: add the new price, drop the one that leaves each window."""
    if s.n >= q.fast_period and q.fast_period > 0:
        s.fast_sum_e4 -= s.ring_e4[(s.head + 256 - q.fast_period) % 256]
    if s.n >= q.slow_period:
        s.slow_sum_e4 -= s.ring_e4[(s.head + 256 - q.slow_period) % 256]
    s.ring_e4[s.head] = px_e4
    s.head = (s.head + 1) % 256
    s.fast_sum_e4 += px_e4
    s.slow_sum_e4 += px_e4
    if s.n < 256:
        s.n += 1


@helper
def _mean(total_e4, n, period):
    count = n if n < period else period
    return total_e4 / (count * 10000.0) if count > 0 else 0.0


@helper
def _ema_cross(q, s, g, px_e4, ts_ns):
    _ema_step(q, s, px_e4 / 10000.0)
    return _say(q, s, g, s.fast, s.slow, s.n >= q.slow_period, px_e4, ts_ns)


@helper
def _sma_cross(q, s, g, px_e4, ts_ns):
    _sma_step(q, s, px_e4)
    fast = _mean(s.fast_sum_e4, s.n, q.fast_period)
    slow = _mean(s.slow_sum_e4, s.n, q.slow_period)
    return _say(q, s, g, fast, slow, s.n >= q.slow_period, px_e4, ts_ns)


@helper
def _price_ema(q, s, g, px_e4, ts_ns):
    px = px_e4 / 10000.0
    _ema_step(q, s, px)
    return _say(q, s, g, px, s.slow, s.n >= q.slow_period, px_e4, ts_ns)


@helper
def _price_sma(q, s, g, px_e4, ts_ns):
    _sma_step(q, s, px_e4)
    return _say(
        q,
        s,
        g,
        px_e4 / 10000.0,
        _mean(s.slow_sum_e4, s.n, q.slow_period),
        s.n >= q.slow_period,
        px_e4,
        ts_ns,
    )


@helper
def _price_level(q, s, g, px_e4, ts_ns):
    return _say(q, s, g, px_e4 / 10000.0, q.level, True, px_e4, ts_ns)


PARAMS, MARKET, BAR, SIGNAL = ptr("cross_params_t"), ptr("market_t"), ptr("bar_t"), ptr("signal_t")
EMA, SMA = ptr("ema_cross_t"), ptr("sma_cross_t")


@kernel(i4(PARAMS, EMA, MARKET, SIGNAL))
def ema_cross_on_tick(params, state, market, signal):
    """Fast against slow exponential average of the last price."""
    q, m = rec(params), rec(market)
    return _ema_cross(q, rec(state), rec(signal), m.ltp_e4, m.ts_recv_ns) if q.bar_mode == 0 else 0


@kernel(i4(PARAMS, EMA, BAR, SIGNAL))
def ema_cross_on_bar(params, state, bar, signal):
    """Fast against slow exponential average of the close."""
    q, s, b = rec(params), rec(state), rec(bar)
    _feed_filters(q, s, b)
    return _ema_cross(q, s, rec(signal), b.close_e4, b.ts_end_ns) if q.bar_mode != 0 else 0


@kernel(i4(PARAMS, SMA, MARKET, SIGNAL))
def sma_cross_on_tick(params, state, market, signal):
    """Fast against slow simple average of the last price."""
    q, m = rec(params), rec(market)
    return _sma_cross(q, rec(state), rec(signal), m.ltp_e4, m.ts_recv_ns) if q.bar_mode == 0 else 0


@kernel(i4(PARAMS, SMA, BAR, SIGNAL))
def sma_cross_on_bar(params, state, bar, signal):
    """Fast against slow simple average of the close."""
    q, s, b = rec(params), rec(state), rec(bar)
    _feed_filters(q, s, b)
    return _sma_cross(q, s, rec(signal), b.close_e4, b.ts_end_ns) if q.bar_mode != 0 else 0


@kernel(i4(PARAMS, EMA, MARKET, SIGNAL))
def price_ema_on_tick(params, state, market, signal):
    """Last price against its exponential average."""
    q, m = rec(params), rec(market)
    return _price_ema(q, rec(state), rec(signal), m.ltp_e4, m.ts_recv_ns) if q.bar_mode == 0 else 0


@kernel(i4(PARAMS, EMA, BAR, SIGNAL))
def price_ema_on_bar(params, state, bar, signal):
    """Close against its exponential average."""
    q, s, b = rec(params), rec(state), rec(bar)
    _feed_filters(q, s, b)
    return _price_ema(q, s, rec(signal), b.close_e4, b.ts_end_ns) if q.bar_mode != 0 else 0


@kernel(i4(PARAMS, SMA, MARKET, SIGNAL))
def price_sma_on_tick(params, state, market, signal):
    """Last price against its simple average."""
    q, m = rec(params), rec(market)
    return _price_sma(q, rec(state), rec(signal), m.ltp_e4, m.ts_recv_ns) if q.bar_mode == 0 else 0


@kernel(i4(PARAMS, SMA, BAR, SIGNAL))
def price_sma_on_bar(params, state, bar, signal):
    """Close against its simple average."""
    q, s, b = rec(params), rec(state), rec(bar)
    _feed_filters(q, s, b)
    return _price_sma(q, s, rec(signal), b.close_e4, b.ts_end_ns) if q.bar_mode != 0 else 0


@kernel(i4(PARAMS, EMA, MARKET, SIGNAL))
def price_level_on_tick(params, state, market, signal):
    """Last price against a fixed level."""
    q, m = rec(params), rec(market)
    return (
        _price_level(q, rec(state), rec(signal), m.ltp_e4, m.ts_recv_ns) if q.bar_mode == 0 else 0
    )


@kernel(i4(PARAMS, EMA, BAR, SIGNAL))
def price_level_on_bar(params, state, bar, signal):
    """Close against a fixed level."""
    q, s, b = rec(params), rec(state), rec(bar)
    _feed_filters(q, s, b)
    return _price_level(q, s, rec(signal), b.close_e4, b.ts_end_ns) if q.bar_mode != 0 else 0
