# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Strategies: a kernel, its parameters and its state behind one ABI. A newcomer's kernel is a row of KINDS.

`on_tick(params, state, market, signal)` and `on_bar(params, state, bar, signal)` return 1 when they say a crossover.
"""
from libc.stdlib cimport calloc

from otrade._core cimport otk
from otrade._core.state cimport on_bar_t, on_tick_t, strategy_t
from otrade._core.types cimport bar_t, cross_params_t, ema_cross_t, sma_cross_t

from otrade.errors import EngineError

KINDS = ("ema_cross", "sma_cross", "price_ema", "price_sma", "price_level")


cdef struct kind_t:
    on_tick_t on_tick
    on_bar_t on_bar
    size_t state_bytes


cdef kind_t TABLE[5]
TABLE[0] = kind_t(<on_tick_t>otk.otk_ema_cross_on_tick, <on_bar_t>otk.otk_ema_cross_on_bar, sizeof(ema_cross_t))
TABLE[1] = kind_t(<on_tick_t>otk.otk_sma_cross_on_tick, <on_bar_t>otk.otk_sma_cross_on_bar, sizeof(sma_cross_t))
TABLE[2] = kind_t(<on_tick_t>otk.otk_price_ema_on_tick, <on_bar_t>otk.otk_price_ema_on_bar, sizeof(ema_cross_t))
TABLE[3] = kind_t(<on_tick_t>otk.otk_price_sma_on_tick, <on_bar_t>otk.otk_price_sma_on_bar, sizeof(sma_cross_t))
TABLE[4] = kind_t(<on_tick_t>otk.otk_price_level_on_tick, <on_bar_t>otk.otk_price_level_on_bar, sizeof(ema_cross_t))


cdef int load(strategy_t* s, str kind, dict params, dict plan) except -1:
    """Fill a slot: kernel addresses, parameters, a zeroed state, the plan. Unknown names are refused by name."""
    if kind not in KINDS:
        raise EngineError(f"there is no strategy kind {kind!r}; kinds are {', '.join(KINDS)}")
    cdef int row = KINDS.index(kind)
    cdef cross_params_t* p = <cross_params_t*>calloc(1, sizeof(cross_params_t))
    s.params = p
    s.state = calloc(1, TABLE[row].state_bytes)
    if s.params == NULL or s.state == NULL:
        raise EngineError("no memory for a strategy; lower `engine.max_strategies`")
    p[0] = _complete(dict(p[0]), params, "parameter", kind)
    s.plan = _complete(dict(s.plan), plan, "plan", kind)
    s.kind = row
    s.on_tick = TABLE[row].on_tick
    s.on_bar = TABLE[row].on_bar
    s.wants_ticks = p.bar_mode == 0
    s.enabled = s.plan.enabled
    return 0


cdef void feed(strategy_t* s, bar_t* bar) noexcept nogil:
    """Run the kernel on a closed bar of the past: what it says of it is history, and no signal."""
    on_bar(s, bar)
    s.signal.side = s.signal.blocked = 0


cdef dict _complete(dict zeros, dict given, str what, str kind):
    for name in given:
        if name not in zeros:
            raise EngineError(f"strategy kind {kind!r} has no {what} {name!r}; it has {', '.join(zeros)}")
    zeros.update(given)
    return zeros


cdef size_t state_bytes(const strategy_t* s) noexcept nogil:
    """Size of its kernel's state."""
    return TABLE[s.kind].state_bytes


cdef object view(const strategy_t* s):
    """A strategy as a dict for the page and the tests. `n_average`, `n_rsi`, `n_atr`: the values that each has seen, as far as it counts."""
    cdef const ema_cross_t* head = <const ema_cross_t*>s.state  # every kind's state begins so
    return {
        "kind": KINDS[s.kind], "instrument_id": s.instrument_id, "series_id": s.series_id, "enabled": bool(s.enabled),
        "n_open": s.n_open, "n_signals": s.n_signals, "n_taken": s.n_taken, "cooldown_until_ns": s.cooldown_until_ns,
        "wait_side": s.wait_side, "wait_left": s.wait_left, "wait_until_ns": s.wait_until_ns if s.wait_side else 0,
        "reverse_side": s.reverse_side, "entry_rejects": s.n_entry_rejects, "brake_until_ns": s.brake_until_ns,
        "n_average": head.n, "n_rsi": head.rsi_n, "n_atr": head.atr_n,
        "fed_ns": s.fed_ns, "n_to_feed": s.n_to_feed,
        "plan": s.plan, "signal": s.signal, "params": (<cross_params_t*>s.params)[0],
    }
