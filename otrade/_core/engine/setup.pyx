# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Setting up an engine: memory, instruments, series, strategies, limits. Everything here may raise, and runs before the day.

Instruments, their series and their strategies are added in nested order, so that what a tick touches lies side by side.
"""
from libc.stdint cimport int64_t, uint32_t
from libc.string cimport strncpy

import orjson

from otrade._core.market cimport strategy
from otrade._core.state cimport allocate, core_t, find_key, find_token, instrument_t, put_key, put_token, release
from otrade._core.types cimport MAX_KEY_BYTES, REC_CALL
from otrade._core.codecs.interface cimport FrameSink, OrderEncoder

from otrade._core.journal_writer import crc32c
from otrade._core.cpu_check import check as _fits  # no-cython-lint: importing it refuses an unfit processor
from otrade.errors import EngineError


cdef class EngineSetup(FrameSink):
    """The set-up half of an engine. Sizes are fixed here; see `types.Limit` for what else is."""

    def __init__(
        self, *, int instruments, int series, int strategies, int brackets=512, int orders=4096, int commands=256,
        int notices=4096, int signals=1024, int bars=8192, int64_t run_id=0, int64_t order_timeout_ns=5_000_000_000,
        int64_t look_gap_ns=2_000_000_000, int64_t bar_grace_ns=1_500_000_000,
    ):
        if min(instruments, series, strategies, brackets, orders, commands, notices, signals, bars) <= 0:
            raise EngineError("every limit of the engine must be at least 1; raise the zero or negative one")
        if brackets > 36 ** 4 or orders > 36 ** 4:
            raise EngineError("brackets and orders are limited to 1679616 by the four characters a ClOrdID has for each")
        if not 0 <= run_id < 36 ** 6:
            raise EngineError("run_id must be from 0 to 2176782335: it has six characters of the ClOrdID")
        self.c.cap_instruments = instruments
        self.c.cap_series = series
        self.c.cap_strategies = strategies
        self.c.cap_brackets = brackets
        self.c.cap_orders = orders
        self.c.cap_commands = commands
        self.c.cap_notices = notices
        self.c.cap_signals = signals
        self.c.cap_bars = bars
        self.c.run_id = run_id
        self.c.order_timeout_ns = order_timeout_ns
        self.c.look_gap_ns = look_gap_ns
        self.c.bar_grace_ns = bar_grace_ns
        self.c.budget.modifies_per_order = 25
        self.c.failover_ns = 2_000_000_000
        allocate(&self.c)
        self.sizes = {
            "instruments": instruments, "series": series, "strategies": strategies, "brackets": brackets, "orders": orders,
            "commands": commands, "notices": notices, "signals": signals, "bars": bars, "run_id": run_id,
            "order_timeout_ns": order_timeout_ns, "look_gap_ns": look_gap_ns, "bar_grace_ns": bar_grace_ns,
        }
        self.told = []
        self.digest = crc32c(orjson.dumps({name: n for name, n in self.sizes.items() if name != "run_id"}))

    def __dealloc__(self):
        release(&self.c)

    cdef _tell(self, str method, dict given, bint is_setup=False):
        """Keep a rare call for the journal: its name and all its arguments by name."""
        payload = orjson.dumps({"m": method, "k": given})
        if is_setup:
            self.digest = crc32c(payload, self.digest)
        if self.journaling:
            self.journal.append(REC_CALL, given.get("ts_ns", self.c.now_ns), payload)
        elif self.told is not None:
            self.told.append(payload)

    def set_run(self, int64_t run_id):
        """Tag new brackets as this run's. Before the day begins; a run that goes on from a journal uses `resume`."""
        if not 0 <= run_id < 36 ** 6:
            raise EngineError("run_id must be from 0 to 2176782335: it has six characters of the ClOrdID")
        self.c.run_id = run_id

    @property
    def setup_digest(self):
        """A number of everything that shapes the core's memory: instruments, series, strategies, sessions, sizes. Cores with the
        same number understand each other's journal.
        """
        return self.digest

    cdef int _set_up(self, int id, int n, str what) except -1:
        if not 0 <= id < n:
            raise EngineError(f"there is no {what} {id}; there are {n}, counted from 0")
        return id

    def add_instrument(
        self, *, uint32_t token, int segment, str symbol, str exchange, int product, int64_t tick_size_e4,
        int64_t lot_size, int64_t freeze_qty=0, int64_t multiplier=1, int64_t band_lo_e4=0, int64_t band_hi_e4=0,
    ):
        """Add an instrument; its series follow at once. Returns its id, counted from 0."""
        cdef core_t* c = &self.c
        cdef instrument_t* inst
        if c.n_instruments == c.cap_instruments:
            raise EngineError(f"more than {c.cap_instruments} instruments; raise `engine.max_instruments`")
        if find_token(c, token) >= 0:
            raise EngineError(f"{exchange}:{symbol}: token {token} is already in use; name each instrument once")
        name, venue = symbol.encode("ascii"), exchange.encode("ascii")
        if len(name) >= 32 or len(venue) >= 8:
            raise EngineError(f"{exchange}:{symbol}: a symbol has at most 31 characters and an exchange 7")
        if tick_size_e4 <= 0 or lot_size <= 0 or multiplier <= 0 or (freeze_qty > 0 and freeze_qty < lot_size):
            raise EngineError(f"{exchange}:{symbol}: tick size, lot size and multiplier must be positive, and the freeze "
                              "quantity at least a lot; fetch the instrument file again")
        inst = &c.instruments[c.n_instruments]
        inst.token = token
        inst.segment = segment
        inst.product = product
        inst.tick_size_e4 = tick_size_e4
        inst.lot_size = lot_size
        inst.freeze_qty = freeze_qty
        inst.multiplier = multiplier
        inst.band_lo_e4 = band_lo_e4
        inst.band_hi_e4 = band_hi_e4
        inst.bracket_head = -1
        inst.series_first = c.n_series
        strncpy(inst.symbol, name, 31)
        strncpy(inst.exchange, venue, 7)
        put_token(c, token, c.n_instruments)
        c.n_instruments += 1
        self._tell("add_instrument", {
            "token": token, "segment": segment, "symbol": symbol, "exchange": exchange, "product": product,
            "tick_size_e4": tick_size_e4, "lot_size": lot_size, "freeze_qty": freeze_qty, "multiplier": multiplier,
            "band_lo_e4": band_lo_e4, "band_hi_e4": band_hi_e4,
        }, True)
        return c.n_instruments - 1

    def add_key(self, int instrument_id, str key):
        """Name an instrument as a text wire does (Upstox's instrument_key). Frames of such a feed find it by this name. To say it
        again changes nothing: a run that goes on may have one more feed than the run before.
        """
        cdef core_t* c = &self.c
        self._set_up(instrument_id, c.n_instruments, "instrument")
        name = key.encode("utf-8")
        if not 0 < len(name) < MAX_KEY_BYTES:
            raise EngineError(f"instrument key {key!r} must have 1 to {MAX_KEY_BYTES - 1} bytes")
        found = find_key(c, name, len(name))
        if found != instrument_id:
            if c.keys[instrument_id].n or found >= 0:
                raise EngineError(f"instrument key {key!r} is already in use, or its instrument has another one")
            put_key(c, name, len(name), instrument_id)
        self._tell("add_key", {"instrument_id": instrument_id, "key": key})

    def set_failover(self, int64_t failover_ns):
        """How long one of two feeds may be silent about an instrument without volume before the other one is believed."""
        if failover_ns <= 0:
            raise EngineError("the time to fail over must be positive")
        self.c.failover_ns = failover_ns
        self._tell("set_failover", {"failover_ns": failover_ns})

    def add_series(self, int instrument_id, int64_t interval_ns):
        """Add a bar series to the instrument added last; its strategies follow at once. Returns its id."""
        cdef core_t* c = &self.c
        self._set_up(instrument_id, c.n_instruments, "instrument")
        if instrument_id != c.n_instruments - 1:
            raise EngineError("add the series of an instrument right after it: they lie side by side in memory")
        if interval_ns <= 0:
            raise EngineError("a bar's length must be positive")
        if c.n_series == c.cap_series:
            raise EngineError(f"more than {c.cap_series} bar series; raise `engine.max_series`")
        c.series[c.n_series].interval_ns = interval_ns
        c.series[c.n_series].instrument_id = instrument_id
        c.series[c.n_series].strategy_first = c.n_strategies
        c.instruments[instrument_id].series_n += 1
        c.n_series += 1
        self._tell("add_series", {"instrument_id": instrument_id, "interval_ns": interval_ns}, True)
        return c.n_series - 1

    def add_strategy(self, int series_id, str kind, dict params, dict plan):
        """Add a strategy to the series added last. `params` and `plan` name fields of the kind's parameters and of plan_t."""
        cdef core_t* c = &self.c
        self._set_up(series_id, c.n_series, "series")
        if series_id != c.n_series - 1:
            raise EngineError("add the strategies of a series right after it: they lie side by side in memory")
        if c.n_strategies == c.cap_strategies:
            raise EngineError(f"more than {c.cap_strategies} strategies; raise `engine.max_strategies`")
        strategy.load(&c.strategies[c.n_strategies], kind, params, plan)
        c.strategies[c.n_strategies].instrument_id = c.series[series_id].instrument_id
        c.strategies[c.n_strategies].series_id = series_id
        c.series[series_id].strategy_n += 1
        c.n_strategies += 1
        self._tell("add_strategy", {"series_id": series_id, "kind": kind, "params": params, "plan": plan}, True)
        return c.n_strategies - 1

    def set_session(
        self, int instrument_id, *, int64_t open_ns, int64_t entry_from_ns, int64_t entry_until_ns,
        int64_t square_off_ns, int64_t close_ns,
    ):
        """The instrument's own day: continuous trading from open to close, our entry window and square-off inside it."""
        self._set_up(instrument_id, self.c.n_instruments, "instrument")
        if not open_ns <= entry_from_ns <= entry_until_ns <= square_off_ns <= close_ns:
            raise EngineError("session times must rise: open, entry from, entry until, square-off, close")
        cdef instrument_t* inst = &self.c.instruments[instrument_id]
        inst.open_ns = open_ns
        inst.entry_from_ns = entry_from_ns
        inst.entry_until_ns = entry_until_ns
        inst.square_off_ns = square_off_ns
        inst.close_ns = close_ns
        self._tell("set_session", {
            "instrument_id": instrument_id, "open_ns": open_ns, "entry_from_ns": entry_from_ns,
            "entry_until_ns": entry_until_ns, "square_off_ns": square_off_ns, "close_ns": close_ns,
        }, True)

    def set_band(self, int instrument_id, int64_t band_lo_e4, int64_t band_hi_e4):
        """The price band as the morning read it, 0 for none: of unknown age, so that it clamps nothing until a quote says it anew."""
        self._set_up(instrument_id, self.c.n_instruments, "instrument")
        self.c.instruments[instrument_id].band_lo_e4 = band_lo_e4
        self.c.instruments[instrument_id].band_hi_e4 = band_hi_e4
        self.c.instruments[instrument_id].band_ts_ns = 0
        self._tell("set_band", {"instrument_id": instrument_id, "band_lo_e4": band_lo_e4, "band_hi_e4": band_hi_e4})

    def set_limits(
        self, *, int64_t max_order_qty=0, int64_t max_order_notional_e4=0, int64_t max_open_positions=0,
        int64_t max_trades=0, int64_t max_daily_loss_e4=0, int64_t max_drawdown_e4=0, int64_t stale_feed_ns=0,
        bint flatten_on_limit=False, int px_jump_bps_max=2000, int64_t entry_wait_ns=0,
    ):
        """Risk limits; 0 means no limit. They are for a whole decision, all of its slices together. `entry_wait_ns`: for how long an
        entry may wait for the rate budget. May be changed while running.
        """
        self.c.limits.max_order_qty = max_order_qty
        self.c.limits.max_order_notional_e4 = max_order_notional_e4
        self.c.limits.max_open_positions = max_open_positions
        self.c.limits.max_trades = max_trades
        self.c.limits.max_daily_loss_e4 = max_daily_loss_e4
        self.c.limits.max_drawdown_e4 = max_drawdown_e4
        self.c.limits.stale_feed_ns = stale_feed_ns
        self.c.limits.flatten_on_limit = flatten_on_limit
        self.c.limits.px_jump_bps_max = px_jump_bps_max
        self.c.limits.entry_wait_ns = entry_wait_ns
        self._tell("set_limits", {
            "max_order_qty": max_order_qty, "max_order_notional_e4": max_order_notional_e4,
            "max_open_positions": max_open_positions, "max_trades": max_trades, "max_daily_loss_e4": max_daily_loss_e4,
            "max_drawdown_e4": max_drawdown_e4, "stale_feed_ns": stale_feed_ns, "flatten_on_limit": bool(flatten_on_limit),
            "px_jump_bps_max": px_jump_bps_max, "entry_wait_ns": entry_wait_ns,
        })

    def set_budget(
        self, *, int64_t per_second=0, int64_t per_minute=0, int64_t per_half_hour=0, int64_t per_day=0, int64_t reserve_second=0,
        int64_t reserve_minute=0, int64_t reserve_half_hour=0, int64_t reserve_day=0, int64_t modifies_per_order=25, int64_t day_used=0,
    ):
        """The broker's request limits, 0 meaning none, and the reserve of each that entries may not touch."""
        if per_minute > 500:
            raise EngineError("the rate budget remembers 512 requests: at most 500 a minute")
        self.c.budget.per_second = per_second
        self.c.budget.per_minute = per_minute
        self.c.budget.per_half_hour = per_half_hour
        self.c.budget.per_day = per_day
        self.c.budget.reserve_second = reserve_second
        self.c.budget.reserve_minute = reserve_minute
        self.c.budget.reserve_half_hour = reserve_half_hour
        self.c.budget.reserve_day = reserve_day
        self.c.budget.modifies_per_order = modifies_per_order
        self.c.budget.day_used = day_used
        self._tell("set_budget", {
            "per_second": per_second, "per_minute": per_minute, "per_half_hour": per_half_hour, "per_day": per_day,
            "reserve_second": reserve_second, "reserve_minute": reserve_minute, "reserve_half_hour": reserve_half_hour,
            "reserve_day": reserve_day, "modifies_per_order": modifies_per_order,
            "day_used": day_used,
        })

    def set_encoder(self, OrderEncoder encoder not None):
        self.encoder = encoder
