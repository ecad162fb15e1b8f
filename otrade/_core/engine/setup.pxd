"""Setting up an engine, as functions over its memory. See `setup.pyx`."""
from libc.stdint cimport int64_t, uint32_t

from otrade._core.engine.record cimport Recorder
from otrade._core.state cimport core_t
from otrade._core.types cimport bar_t, history_t

cdef int check_id(int id, int n, str what) except -1
cdef int check_run(int64_t run_id) except -1
cdef int lay_out(core_t* c, dict sizes) except -1
cdef int add_instrument(
    core_t* c, Recorder record, uint32_t token, int segment, str symbol, str exchange, int product,
    int64_t tick_size_e4, int64_t lot_size, int64_t freeze_qty, int64_t multiplier, int64_t band_lo_e4,
    int64_t band_hi_e4
) except -1
cdef int add_key(core_t* c, Recorder record, int instrument_id, str key) except -1
cdef int set_failover(core_t* c, Recorder record, int64_t failover_ns) except -1
cdef int add_series(core_t* c, Recorder record, int instrument_id, int64_t interval_ns) except -1
cdef int add_strategy(core_t* c, Recorder record, int series_id, str kind, dict params, dict plan) except -1
cdef int add_compiled(
    core_t* c, Recorder record, int series_id, str build, bytes params, dict plan, tuple further_ns, str source
) except -1
cdef int set_expiry(core_t* c, Recorder record, int instrument_id, int days) except -1
cdef int check_history(core_t* c, const history_t* h, const bar_t* bars, int64_t ts_ns) except -1
cdef int set_session(
    core_t* c, Recorder record, int instrument_id, int64_t open_ns, int64_t entry_from_ns, int64_t entry_until_ns,
    int64_t square_off_ns, int64_t close_ns
) except -1
cdef int set_band(core_t* c, Recorder record, int instrument_id, int64_t band_lo_e4, int64_t band_hi_e4) except -1
cdef int set_charges(
    core_t* c, Recorder record, int instrument_id, dict own, dict same_day, int64_t dp_e4, int64_t square_off_e4, bint is_delivery,
    int dp_at, bint known,
) except -1
cdef int set_limits(
    core_t* c, Recorder record, int64_t max_order_qty, int64_t max_order_notional_e4, int64_t max_open_positions,
    int64_t max_trades, int64_t max_daily_loss_e4, int64_t max_drawdown_e4, int64_t stale_feed_ns,
    bint flatten_on_limit, int px_jump_bps_max, int64_t entry_wait_ns
) except -1
cdef int set_budget(
    core_t* c, Recorder record, int64_t per_second, int64_t per_minute, int64_t per_half_hour, int64_t per_day,
    int64_t reserve_second, int64_t reserve_minute, int64_t reserve_half_hour, int64_t reserve_day,
    int64_t modifies_per_order, int64_t day_used, int64_t half_hour_used
) except -1
