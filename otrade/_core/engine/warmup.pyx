# cython: language_level=3
"""The way of an order, gone through while nothing happens, by a twin of the engine whose orders nobody takes.

A processor forgets: what decides an order in 0.4 us right after another one takes ten times as long when a few milliseconds of other work
lie between, because its code and memory must be fetched again. The twin has one instrument and one strategy, whose price crosses a level
each time, so that sizing, gates, bracket, order, encoding and journalling run as they are compiled, with the real encoder. It shares no
state with the real engine, whose own memory is only asked for ahead of time; so it cannot change a decision.
"""
from libc.stdint cimport uint8_t
from libc.string cimport memset

from otrade._core.engine.engine cimport Engine
from otrade._core.journal_writer cimport JournalWriter
from otrade._core.state cimport core_t, fetch_ahead
from otrade._core.types cimport MAX_SLICES, REASON_OK, REC_FRAME

cdef enum:
    JOURNAL_BYTES = 8192  # more than one order's records
    BELOW_E4 = 9_999_500
    LEVEL_E4 = 10_000_000
    ABOVE_E4 = 10_000_500

MINUTE_NS = 60_000_000_000
SIZES = {
    "instruments": 1, "series": 1, "strategies": 1, "brackets": 2, "orders": MAX_SLICES + 2, "commands": 2, "notices": 8, "signals": 2,
    "bars": 2,
}
PARAMS = {"bar_mode": 0, "side_mask": 1, "level": LEVEL_E4 / 10_000}
PLAN = {
    "enabled": 1, "size_mode": 0, "size_value": 1.0, "stop_kind": 1, "stop_value": 50.0, "target_kind": 1, "target_value": 100.0,
    "entry_offset_bps": 5.0, "entry_timeout_ns": MINUTE_NS, "stop_limit_bps": 20.0, "hysteresis_bps": 10.0, "ladder_interval_ns": MINUTE_NS,
    "protection_e2": -1,
}
LIMITS = {
    "max_order_qty": 1_000, "max_order_notional_e4": 10**13, "max_open_positions": 10, "max_trades": 10, "max_daily_loss_e4": 10**13,
    "max_drawdown_e4": 10**13, "stale_feed_ns": MINUTE_NS,
}
BUDGET = {"per_second": 9, "per_minute": 390, "per_half_hour": 1_000, "per_day": 3_000, "reserve_second": 3}


cdef class WarmUp:
    """`real` has its encoder. `n_runs` counts."""

    def __init__(self, Engine real not None):
        self._real = real.pipeline
        twin = Engine(**SIZES)
        self._twin = twin.pipeline
        twin.add_instrument(token=257, segment=1, symbol="WARMUP", exchange="NSE", product=0, tick_size_e4=500, lot_size=1)
        twin.add_strategy(twin.add_series(0, MINUTE_NS), "price_level", PARAMS, PLAN)
        twin.set_session(0, open_ns=0, entry_from_ns=0, entry_until_ns=2 * MINUTE_NS, square_off_ns=2 * MINUTE_NS, close_ns=2 * MINUTE_NS)
        twin.set_limits(**LIMITS)
        twin.set_budget(**BUDGET)
        twin.set_encoder(self._real.recorder.encoder)
        twin.start(MINUTE_NS)
        twin.on_feed(True, MINUTE_NS)
        self._journal = JournalWriter(bytearray(JOURNAL_BYTES))
        twin.open_journal(self._journal, b"", MINUTE_NS)
        memset(&self._tick, 0, sizeof(self._tick))
        self._forget()

    @property
    def n_orders(self):
        """Orders that the twin has decided: one a run, or a run has missed its purpose."""
        return self._twin.c.counters.orders

    @property
    def request(self):
        """The bytes that the last run encoded, for whoever wants to see that it went all the way."""
        return self._twin.c.commands[0].request[:self._twin.c.commands[0].n_bytes]

    def try_run(self):
        """`run`, from Python."""
        self.run()

    cdef void run(self) noexcept nogil:
        """One order, from a tick to its request and its records, and as if it had not been."""
        if self._real.recorder.journaling:
            self._real.recorder.journal.fetch_ahead()
        fetch_ahead(&self._real.c)
        self._twin.recorder.event(REC_FRAME, self._twin.c.now_ns, &self._tick, sizeof(self._tick))
        self._tick.ltp_e4 = BELOW_E4
        self._twin._tick(0, REASON_OK, &self._tick, 0)
        self._tick.ltp_e4 = ABOVE_E4
        self._twin._tick(0, REASON_OK, &self._tick, 0)
        self._twin.recorder.decided(&self._twin.c)
        self._forget()
        self.n_runs += 1

    cdef void _forget(self) noexcept nogil:
        """Back to before the order."""
        cdef core_t* c = &self._twin.c
        c.n_brackets = c.n_orders = c.n_live = 0
        c.instruments[0].bracket_head = -1
        c.strategies[0].n_open = c.strategies[0].n_held = c.strategies[0].in_flight = 0
        c.risk.open_positions = 0
        c.risk.trades = c.risk.n_entering = 0
        c.budget.head = c.budget.day_used = 0
        memset(c.budget.minute_ring, 0, sizeof(c.budget.minute_ring))
        c.budget.in_half_hour = 0
        c.command_head = c.command_encoded = c.command_tail = 0
        c.notice_head = c.notice_tail = c.signal_head = c.signal_tail = 0
        self._twin.recorder.notice_told = self._twin.recorder.signal_told = 0
        self._journal.at = <uint8_t*>self._journal.windows[0].buf
