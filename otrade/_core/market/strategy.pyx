# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Strategies: entry points, parameters and a state. Kinds that are built in are files too, which the build of the package has compiled
into this module; other files are made known by `register`, and named by their build from then on.

A strategy has the entry points of `kernels/strategy_abi.py` and says a decision (`orders/decision.pyx`); what it is shown of bars and
time is written here, and what stands beside a built-in kind: its filters, and where its lines are.
"""
from libc.stdint cimport int32_t, int64_t, uint8_t, uintptr_t
from libc.math cimport NAN, isfinite
from libc.stdlib cimport calloc
from libc.string cimport memcpy, memset

from otrade._core cimport otk
from otrade._core.state cimport (
    compiled_t, core_t, say_on_bar_t, say_on_fill_t, say_on_tick_t, strategy_t, watch_t, watched_value_t,
)
from otrade._core.types cimport (
    MAX_FURTHER_BARS, PHASE_UNKNOWN, bar_t, bar_view_t, clock_view_t, filter_state_t, instrument_t,
)

from otrade._core.kernels.strategy_abi import (
    ENTRY_POINTS, IN_FILTERS, IN_PARAMETERS, IN_STATE, PARAMS_BYTES_MAX, STATE_BYTES_MAX, TIMER_MIN_S, WATCHED_BARS, WATCHED_MAX,
    WatchedValue,
)
from otrade.errors import EngineError

cdef extern from "otrade/_core/builtin.h":
    enum:
        N_BUILTIN
    ctypedef struct builtin_param_t:
        const char* name
        int32_t is_whole
        int32_t at
        double first
        double low
        double high
    ctypedef struct builtin_t:
        const char* kind
        void* on_bar
        void* on_tick
        const uint8_t* state
        int32_t state_bytes
        int32_t params_bytes
        int32_t n_params
        int32_t fast_at
        int32_t slow_at
        int32_t slow_is_param
        int32_t ready_at
        int32_t seen_at
        builtin_param_t params[8]
    const builtin_t BUILTIN[N_BUILTIN]

KINDS = tuple(BUILTIN[i].kind.decode() for i in range(N_BUILTIN))
_OF_ANY_KIND = {"bar_mode": 0, "fast_period": 0, "slow_period": 0, "level": 0.0}
"""Parameters beside those of the filters; a kind ignores what it has not."""

cdef enum:
    FILE = -1  # a strategy's place in KINDS when it is none of them

cdef int64_t IST_NS = 19_800_000_000_000
cdef int64_t DAY_NS = 86_400_000_000_000
cdef int64_t MINUTE_NS = 60_000_000_000
cdef int64_t SECOND_NS = 1_000_000_000

_builds = {}
"""Compiled strategies that this process has loaded, by their build."""
_finders = []
"""The one that is asked for a build that is not among them."""


def register(loaded not None):
    """Make a compiled strategy (`strategy_abi.CompiledStrategy`) known to this process. Whoever loaded it has checked what it is."""
    unknown = set(loaded.entry_points) - set(ENTRY_POINTS)
    if unknown or not loaded.entry_points or not all(loaded.entry_points.values()):
        raise EngineError(f"strategy {loaded.name} has none of the entry points {', '.join(ENTRY_POINTS)}, or one that there is not")
    if not 0 < len(loaded.state) <= STATE_BYTES_MAX or not 0 <= loaded.params_bytes <= PARAMS_BYTES_MAX:
        raise EngineError(f"strategy {loaded.name} has more state or parameters than the core keeps, or no state")
    if loaded.timer_s != 0 and (loaded.timer_s < TIMER_MIN_S or "on_timer" not in loaded.entry_points):
        raise EngineError(f"strategy {loaded.name} has a timer of {loaded.timer_s} s; a timer has on_timer, and a second at least")
    _builds[loaded.build] = loaded


def find_with(finder not None):
    """Who is asked, with build and source, for a strategy that has not been registered: a replay's reader of the journal, which registers
    it or says why not.
    """
    _finders[:] = [finder]


cdef int load(strategy_t* s, str kind, dict params, dict plan) except -1:
    """Fill a slot with a kind that is built in: entry points, parameters, its first state, filters, the plan. Unknown names are refused by
    name, and so is a number out of its bounds; what is not given is the file's own.
    """
    if kind not in KINDS:
        raise EngineError(f"there is no strategy kind {kind!r}; kinds are {', '.join(KINDS)}")
    cdef const builtin_t* row = &BUILTIN[<int>KINDS.index(kind)]
    cdef compiled_t* k = <compiled_t*>_block(sizeof(compiled_t))
    s.compiled = k
    filters = dict(s.filters)
    given = _complete({**_OF_ANY_KIND, **filters}, params, "parameter", kind)
    s.filters = {name: given[name] for name in filters}
    s.params = _block(row.params_bytes)
    s.state_bytes = row.state_bytes
    s.state = _block(s.state_bytes)
    memcpy(s.state, row.state, s.state_bytes)
    s.kind = KINDS.index(kind)
    for i in range(row.n_params):
        _set_parameter(s.params, &row.params[i], params, kind)
    s.plan = _complete(dict(s.plan), plan, "plan", kind)
    s.enabled = s.plan.enabled
    s.wants_ticks = given["bar_mode"] == 0
    if s.wants_ticks:
        k.on_tick = <say_on_tick_t>row.on_tick
    else:
        k.on_bar = <say_on_bar_t>row.on_bar
    k.decided_event = -1
    k.position.is_flat = 1
    return 0


cdef int _set_parameter(void* params, const builtin_param_t* one, dict given, str kind) except -1:
    cdef str name = one.name.decode()
    cdef double value = given.get(name, one.first)
    if not one.low <= value <= one.high:
        raise EngineError(f"strategy kind {kind!r}: {name} is {value:g}; it goes from {one.low:g} to {one.high:g}")
    if one.is_whole:
        (<int64_t*>(<char*>params + one.at))[0] = <int64_t>value
    else:
        (<double*>(<char*>params + one.at))[0] = value
    return 0


def lines_of(str kind not None):
    """Where a built-in kind has its fast and its slow line (`WatchedValue`). Both are known when the slow one is."""
    cdef const builtin_t* row = &BUILTIN[<int>KINDS.index(kind)]
    return (
        WatchedValue(row.fast_at, row.ready_at),
        WatchedValue(row.slow_at, row.ready_at, memory=IN_PARAMETERS if row.slow_is_param else IN_STATE),
    )


def line_of_filter(str name not None, int period):
    """Where a built-in kind has its RSI or its ATR of so many bars (`WatchedValue`): each counts its bars up to one more than that."""
    cdef filter_state_t at
    cdef const char* begins = <const char*>&at
    if name == "rsi":
        return WatchedValue(<const char*>&at.rsi - begins, <const char*>&at.rsi_n - begins, 4, period + 1, IN_FILTERS)
    return WatchedValue(<const char*>&at.atr - begins, <const char*>&at.atr_n - begins, 4, period + 1, IN_FILTERS)


cdef dict _parameters(const strategy_t* s):
    """What `load` was given, by its names; of a file nothing but that it sees bars."""
    cdef const builtin_t* row
    cdef const char* at
    found = {**_OF_ANY_KIND, **dict(s.filters), "bar_mode": int(s.kind < 0 or not s.wants_ticks)}
    del found["_pad"]
    if s.kind < 0:
        return found
    row = &BUILTIN[s.kind]
    for i in range(row.n_params):
        at = <const char*>s.params + row.params[i].at
        found[row.params[i].name.decode()] = (<const int64_t*>at)[0] if row.params[i].is_whole else (<const double*>at)[0]
    return found


cdef int load_compiled(strategy_t* s, str build, str source, bytes params, dict plan, tuple further_ns) except -1:
    """The same with a strategy that has been registered, or is found by its source."""
    if build not in _builds and source:
        for finder in _finders:
            finder(build, source)
    loaded = _builds.get(build)
    if loaded is None:
        raise EngineError(f"the strategy of build {build} is not loaded: build it from its source, which its journal keeps, and register it")
    if len(params) != loaded.params_bytes:
        raise EngineError(f"strategy {loaded.name} has {loaded.params_bytes} bytes of parameters, and not {len(params)}")
    if len(further_ns) > MAX_FURTHER_BARS or min(further_ns, default=1) <= 0:
        raise EngineError(f"strategy {loaded.name} sees at most {MAX_FURTHER_BARS} further lengths of bars, each above 0")
    cdef compiled_t* k = <compiled_t*>_block(sizeof(compiled_t))
    cdef bytes state = loaded.state
    s.compiled = k
    s.params = _block(max(len(params), 1))
    memcpy(s.params, <const char*>params, len(params))
    s.state_bytes = len(state)
    s.state = _block(s.state_bytes)
    memcpy(s.state, <const char*>state, s.state_bytes)
    s.plan = _complete(dict(s.plan), plan, "plan", loaded.name)
    s.kind = FILE
    s.enabled = s.plan.enabled
    at = loaded.entry_points.get
    k.on_bar = <say_on_bar_t><uintptr_t>at("on_bar", 0)
    k.on_tick = <say_on_tick_t><uintptr_t>at("on_tick", 0)
    k.on_timer = <say_on_tick_t><uintptr_t>at("on_timer", 0)
    k.on_fill = <say_on_fill_t><uintptr_t>at("on_fill", 0)
    s.wants_ticks = k.on_tick != NULL
    s.wants_fills = k.on_fill != NULL
    k.timer_ns = loaded.timer_s * SECOND_NS
    k.decided_event = -1
    k.position.is_flat = 1
    for i, length_ns in enumerate(further_ns):
        k.further_ns[i] = length_ns
    return 0


cdef void* _block(size_t size) except NULL:
    cdef void* block = calloc(1, size)
    if block == NULL:
        raise EngineError("no memory for a strategy; lower `engine.max_strategies`")
    return block


cdef void show_bar(bar_view_t* view, const bar_t* bar, const instrument_t* inst) noexcept nogil:
    """A closed bar as a compiled strategy sees it. The bar before still stands in `view`."""
    cdef int64_t day = (bar.ts_open_ns + IST_NS) // DAY_NS
    cdef int64_t since = (bar.ts_open_ns - inst.open_ns) % DAY_NS
    if view.count == 0 or (view.ts_open_ns + IST_NS) // DAY_NS != day:
        view.index = 0
    else:
        view.index += 1
    view.count += 1
    view.open_e4 = bar.open_e4
    view.high_e4 = bar.high_e4
    view.low_e4 = bar.low_e4
    view.close_e4 = bar.close_e4
    view.volume = bar.volume
    view.n_trades = bar.n_ticks
    view.gap = bar.gap
    view.minute_of_session = (since if since >= 0 else since + DAY_NS) // MINUTE_NS
    view.ts_open_ns = bar.ts_open_ns
    view.ts_end_ns = bar.ts_end_ns


cdef int64_t _whole(int64_t span_ns, int64_t unit_ns) noexcept nogil:
    """Whole units, rounded down: C's division goes towards 0."""
    return span_ns // unit_ns - (1 if span_ns < 0 and span_ns % unit_ns != 0 else 0)


cdef void show_clock(clock_view_t* view, const instrument_t* inst, int64_t now_ns, int phase) noexcept nogil:
    """The time of an event as a compiled strategy sees it."""
    cdef int64_t since_midnight = (now_ns + IST_NS) % DAY_NS
    view.now_ns = now_ns
    view.second_of_day = since_midnight // SECOND_NS
    view.minute_of_day = since_midnight // MINUTE_NS
    view.minute_of_session = _whole(now_ns - inst.open_ns, MINUTE_NS)
    view.minutes_left = (inst.square_off_ns - now_ns) // MINUTE_NS if inst.square_off_ns > now_ns else 0
    view.phase = phase
    view.days_to_expiry = inst.days_to_expiry


cdef void feed_filters(strategy_t* s, const bar_t* bar) noexcept nogil:
    """A bar of its series has closed: what a built-in kind's RSI and ATR are made of. They are shown where sizing and stops look for them."""
    otk.otk_filters_on_bar(&s.filters, &s.filtered, <bar_t*>bar)
    s.signal.rsi = s.filtered.rsi
    s.signal.atr = s.filtered.atr


cdef void feed(core_t* c, int strategy_id, bar_t* bar) noexcept nogil:
    """Run the kernel on a closed bar of the past: what it says of it is history, and no signal. Nothing is held then."""
    cdef strategy_t* s = &c.strategies[strategy_id]
    cdef compiled_t* k = s.compiled
    cdef const instrument_t* inst = &c.instruments[s.instrument_id]
    if s.kind >= 0:
        feed_filters(s, bar)
    show_bar(&k.bar, bar, inst)
    if k.on_bar != NULL:
        memset(&k.position, 0, sizeof(k.position))
        k.position.is_flat = 1
        show_clock(&k.clock, inst, bar.ts_end_ns, PHASE_UNKNOWN)
        k.said.action = 0
        k.on_bar(s.params, s.state, &k.bar, k.bars, &c.markets[s.instrument_id], &k.position, &k.clock, &k.said)
        k.said.action = 0
    note(s, bar)


cdef int watch(strategy_t* s, values, int64_t n_bars) except -1:
    """Keep these numbers (`strategy_abi.WatchedValue`) of every bar from now on, of the newest so many. Changes no decision, and stands
    in no journal.
    """
    cdef watch_t* w
    cdef watched_value_t* v
    cdef size_t bytes_of_rows
    cdef int i
    cdef char* place
    cdef char* counters
    cdef int64_t size, of_counters
    if s.watch != NULL or not 0 < len(values) <= WATCHED_MAX:
        raise EngineError(f"a strategy is watched once, for 1 to {WATCHED_MAX} numbers")
    if not 0 < n_bars <= WATCHED_BARS:
        raise EngineError(f"of {n_bars} bars: a strategy is watched for 1 to {WATCHED_BARS}")
    for one in values:
        if one.memory != IN_STATE and s.kind < 0:
            raise EngineError("a strategy file has no filters, and its parameters stand in its configuration")
        size = of_counters = sizeof(s.filtered) if one.memory == IN_FILTERS else s.state_bytes
        if one.memory == IN_PARAMETERS:
            size = BUILTIN[s.kind].params_bytes
        if one.at % 8 or not 0 <= one.at <= size - 8 or one.counter_bytes not in (1, 4) or not (
                0 <= one.counter_at <= of_counters - one.counter_bytes):
            raise EngineError("a number to be watched lies inside the strategy's own memory")
    w = <watch_t*>_block(sizeof(watch_t))
    w.n, w.n_kept = len(values), n_bars
    w.values = <watched_value_t*>_block(w.n * sizeof(watched_value_t))
    bytes_of_rows = <size_t>(w.n_kept * (2 + w.n)) * sizeof(int64_t)
    w.rows = <int64_t*>_block(bytes_of_rows)
    memset(w.rows, 0xFF, bytes_of_rows)  # touched now, and not by the bar that is first to need a page
    for i, one in enumerate(values):
        v = &w.values[i]
        counters = <char*>&s.filtered if one.memory == IN_FILTERS else <char*>s.state
        place = <char*>s.params if one.memory == IN_PARAMETERS else counters
        v.value = <const double*>(place + <int64_t>one.at)
        v.counter = counters + <int64_t>one.counter_at
        v.counter_bytes = one.counter_bytes
        v.known_from = one.known_from
    s.watch = w
    return 0


cdef void note(strategy_t* s, const bar_t* bar) noexcept nogil:
    """A bar of its length has closed and the strategy has seen it: keep what is watched. What is not known yet, or is no number, is NaN."""
    cdef watch_t* w = s.watch
    cdef int64_t* row
    cdef double* out
    cdef const watched_value_t* v
    cdef bint is_known
    cdef int i
    if w == NULL:
        return
    row = w.rows + w.n_rows % w.n_kept * (2 + w.n)
    row[0] = bar.ts_open_ns
    row[1] = bar.ts_end_ns
    out = <double*>(row + 2)
    for i in range(w.n):
        v = &w.values[i]
        if v.counter_bytes == 1:
            is_known = (<const uint8_t*>v.counter)[0] >= v.known_from
        else:
            is_known = (<const int32_t*>v.counter)[0] >= v.known_from
        out[i] = v.value[0] if is_known and isfinite(v.value[0]) else NAN
    w.n_rows += 1


cdef list watched(const strategy_t* s, int64_t after_ns):
    """(begin, end, numbers) of the bars that ended after a moment, oldest first, as far as they are kept; None: not known then."""
    cdef const watch_t* w = s.watch
    cdef const int64_t* row
    cdef const double* numbers
    cdef int64_t i, first
    cdef list found = []
    if w == NULL:
        return found
    first = w.n_rows
    while first > 0 and first > w.n_rows - w.n_kept and w.rows[(first - 1) % w.n_kept * (2 + w.n) + 1] > after_ns:
        first -= 1
    for i in range(first, w.n_rows):
        row = w.rows + i % w.n_kept * (2 + w.n)
        numbers = <const double*>(row + 2)
        found.append((row[0], row[1], tuple([None if numbers[j] != numbers[j] else numbers[j] for j in range(w.n)])))
    return found


cdef void feed_further(core_t* c, int strategy_id, int64_t interval_ns, const bar_t* bar) noexcept nogil:
    """Show a closed bar of the past of a further length."""
    cdef strategy_t* s = &c.strategies[strategy_id]
    cdef int i
    for i in range(MAX_FURTHER_BARS):
        if s.compiled.further_ns[i] == interval_ns:
            show_bar(&s.compiled.bars[i], bar, &c.instruments[s.instrument_id])


cdef int64_t further_fed_ns(const strategy_t* s, int64_t interval_ns) noexcept nogil:
    """The end of the last bar of that further length which it was shown; 0: none was. -1: it sees no bars of that length."""
    cdef int i
    for i in range(MAX_FURTHER_BARS):
        if s.compiled.further_ns[i] == interval_ns:
            return s.compiled.bars[i].ts_end_ns
    return -1


cdef dict _complete(dict zeros, dict given, str what, str kind):
    for name in given:
        if name not in zeros:
            raise EngineError(f"strategy kind {kind!r} has no {what} {name!r}; it has {', '.join(zeros)}")
    zeros.update(given)
    return zeros


cdef str name_of(const strategy_t* s):
    """What the page calls its kind."""
    return KINDS[s.kind] if s.kind >= 0 else "file"


cdef dict _signal(const strategy_t* s):
    """The signal of last, and of a built-in kind its lines as they are now."""
    cdef const builtin_t* row
    cdef const char* state = <const char*>s.state
    shown = dict(s.signal)
    if s.kind >= 0:
        row = &BUILTIN[s.kind]
        shown["ready"] = int((state + row.ready_at)[0] != 0)
        shown["fast"] = (<const double*>(state + row.fast_at))[0]
        if not row.slow_is_param:
            shown["slow"] = (<const double*>(state + row.slow_at))[0]
        elif shown["ready"]:  # before, nothing has been held against it
            shown["slow"] = (<const double*>(<const char*>s.params + row.slow_at))[0]
    return shown


cdef object view(const strategy_t* s):
    """A strategy as a dict for the page and the tests. `n_average`, `n_rsi`, `n_atr`: the values that each has seen, as far as it counts;
    nobody but a strategy file itself knows that of it.
    """
    cdef list further = [s.compiled.bars[i].ts_end_ns for i in range(MAX_FURTHER_BARS) if s.compiled.further_ns[i] > 0]
    cdef int64_t n_average = 0
    if s.kind >= 0:
        if BUILTIN[s.kind].seen_at >= 0:
            n_average = (<const int64_t*>(<const char*>s.state + BUILTIN[s.kind].seen_at))[0]
    return {
        "kind": name_of(s), "instrument_id": s.instrument_id, "series_id": s.series_id, "enabled": bool(s.enabled),
        "n_open": s.n_open, "n_signals": s.n_signals, "n_taken": s.n_taken, "cooldown_until_ns": s.cooldown_until_ns,
        "wait_side": s.wait_side, "wait_left": s.wait_left, "wait_until_ns": s.wait_until_ns if s.wait_side else 0,
        "reverse_side": s.reverse_side, "entry_rejects": s.n_entry_rejects, "brake_until_ns": s.brake_until_ns,
        "n_average": n_average, "n_rsi": s.filtered.rsi_n, "n_atr": s.filtered.atr_n,
        "fed_ns": s.fed_ns, "further_fed_ns": further, "n_to_feed": s.n_to_feed, "is_file": s.kind < 0,
        "n_refused_decisions": s.n_refused_decisions,
        "plan": s.plan, "signal": _signal(s), "params": _parameters(s),
    }
