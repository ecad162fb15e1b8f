# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""The engine: a pure state machine. Events come in with their own time, order requests come out as bytes.

The pipeline, in the words of the code, the metrics and the page:

    1 decode    the wire's bytes -> tick_t                        wire_kite
    2 market    last tick, depth, bars                            market
    3 strategy  kernels -> signal_t                               kernels, strategy
    4 risk      gates, rate budget, halts                         risk
    5 order     the two-axis state machine, requests              order, request
    6 encode    command_t -> the bytes of an HTTP request         wire_kite
    7 report    answers, pushes and book rows -> order events     report
    8 position  fills, brackets, exits, profit                    position, bracket, exits

No clock, no I/O, no randomness, no threads. The same events give the same commands, live, on paper, replayed or in a test.
Between the bytes of a frame and the bytes of an order no Python object is touched.
"""
from libc.stdint cimport int64_t, uint8_t, uint32_t
from libc.string cimport memset, strncpy

from otrade._core cimport bracket, market, position, report, risk, strategy
from otrade._core.state cimport (
    allocate, command_t, core_t, find_token, instrument_t, market_t, put_token, push_bar, release, series_t,
)
from otrade._core.types cimport (
    EXIT_FLATTEN, HALT_ACTIVE, REASON_FRAME_HEARTBEAT, REASON_OK, report_t, tick_t,
)
from otrade._core.wire cimport FrameSink, OrderEncoder
from otrade._core.wire_kite cimport decode_packet, next_packet

from otrade._core.processor import check as _fits  # no-cython-lint: importing it refuses an unfit processor
from otrade.errors import EngineError


class Command:
    """One request for the outside world: `request` holds the bytes to send; a LOOK (read the order book) has none."""

    __slots__ = ("kind", "lane", "seq", "order_slot", "instrument_id", "side", "ord_type", "qty", "price_e4", "trigger_e4",
                 "cl_ord_id", "broker_order_id", "request", "ts_ns")


cdef _text(const char* chars):
    return (<bytes>chars).decode("ascii", "replace")


cdef class Engine(FrameSink):
    """One trading day of one account. Sizes are fixed here; see `types.Limit` for what they bound."""

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
        allocate(&self.c)

    def __dealloc__(self):
        release(&self.c)

    # ------------------------------------------------------------------------------------------------------ set-up
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
        return c.n_instruments - 1

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

    def set_limits(
        self, *, int64_t max_order_qty=0, int64_t max_order_notional_e4=0, int64_t max_open_positions=0,
        int64_t max_trades=0, int64_t max_daily_loss_e4=0, int64_t max_drawdown_e4=0, int64_t stale_feed_ns=0,
        bint flatten_on_limit=False, int px_jump_bps_max=2000,
    ):
        """Risk limits; 0 means no limit. May be changed while running."""
        self.c.limits.max_order_qty = max_order_qty
        self.c.limits.max_order_notional_e4 = max_order_notional_e4
        self.c.limits.max_open_positions = max_open_positions
        self.c.limits.max_trades = max_trades
        self.c.limits.max_daily_loss_e4 = max_daily_loss_e4
        self.c.limits.max_drawdown_e4 = max_drawdown_e4
        self.c.limits.stale_feed_ns = stale_feed_ns
        self.c.limits.flatten_on_limit = flatten_on_limit
        self.c.limits.px_jump_bps_max = px_jump_bps_max

    def set_budget(
        self, *, int64_t per_second=0, int64_t per_minute=0, int64_t per_day=0, int64_t reserve_second=0,
        int64_t reserve_minute=0, int64_t reserve_day=0, int64_t modifies_per_order=25, int64_t day_used=0,
    ):
        """The broker's request limits, 0 meaning none, and the reserve of each that entries may not touch."""
        if per_minute > 500:
            raise EngineError("the rate budget remembers 512 requests: at most 500 a minute")
        self.c.budget.per_second = per_second
        self.c.budget.per_minute = per_minute
        self.c.budget.per_day = per_day
        self.c.budget.reserve_second = reserve_second
        self.c.budget.reserve_minute = reserve_minute
        self.c.budget.reserve_day = reserve_day
        self.c.budget.modifies_per_order = modifies_per_order
        self.c.budget.day_used = day_used

    def set_encoder(self, OrderEncoder encoder not None):
        self.encoder = encoder

    def start(self, int64_t ts_ns):
        """Begin the day. Nothing is traded before a feed is alive."""
        if self.encoder is None:
            raise EngineError("set_encoder comes before start")
        self.started = True
        self._advance(ts_ns)

    # ------------------------------------------------------------------------------------------------------ events
    cdef void _advance(self, int64_t ts_ns) noexcept nogil:
        """Time of the core: the newest that any event brought. A clock that steps back is counted and not followed."""
        if ts_ns >= self.c.now_ns:
            self.c.now_ns = ts_ns
        else:
            self.c.counters.clock_back += 1

    cdef int _waiting(self) noexcept nogil:
        return <int>(self.c.command_tail - self.c.command_head)

    cdef void _bar(self, int series_id) noexcept nogil:
        """A bar has closed: its strategies look at it."""
        cdef core_t* c = &self.c
        cdef series_t* s = &c.series[series_id]
        cdef int i
        push_bar(c, series_id)
        for i in range(s.strategy_first, s.strategy_first + s.strategy_n):
            if strategy.on_bar(&c.strategies[i], &s.last):
                bracket.take_signal(c, i)

    cdef void _packet(self, const uint8_t* packet, unsigned int n) noexcept nogil:
        cdef core_t* c = &self.c
        cdef tick_t tick
        cdef market_t* m
        cdef instrument_t* inst
        cdef series_t* s
        cdef int64_t ts
        cdef int id, reason, i, k
        c.counters.packets += 1
        if n < 4:
            c.counters.refused[2] += 1  # Reason.FRAME_LENGTH
            return
        id = find_token(c, (<uint32_t>packet[0] << 24) | (<uint32_t>packet[1] << 16) | (<uint32_t>packet[2] << 8) | packet[3])
        if id < 0:
            c.counters.unknown_tokens += 1
            return
        # 1 decode
        reason = decode_packet(packet, n, &tick)
        # 2 market
        inst = &c.instruments[id]
        m = &c.markets[id]
        if reason == REASON_OK:
            reason = market.take_tick(m, inst, &tick, c.now_ns, c.limits.px_jump_bps_max)
        if reason != REASON_OK:
            c.counters.refused[(reason - 100) & 15] += 1
            return
        c.counters.ticks += 1
        # 8 position: exits come before entries
        if c.positions[id].net_qty != 0:
            bracket.on_pnl(c, position.mark(&c.positions[id], m.ltp_e4, inst.multiplier))
        if inst.bracket_head >= 0:
            bracket.on_price(c, id)
        ts = tick.ts_exch_ns if tick.ts_exch_ns > 0 else c.now_ns
        for i in range(inst.series_first, inst.series_first + inst.series_n):
            s = &c.series[i]
            if market.take_price(s, inst, m.ltp_e4, m.d_volume, ts):
                self._bar(i)
            # 3 strategy, and through take_signal: 4 risk, 5 order
            for k in range(s.strategy_first, s.strategy_first + s.strategy_n):
                if c.strategies[k].wants_ticks and strategy.on_tick(&c.strategies[k], m):
                    bracket.take_signal(c, k)

    cdef void _encode(self) noexcept nogil:
        """6 encode: the bytes of every request that has none yet."""
        cdef core_t* c = &self.c
        cdef command_t* cmd
        while c.command_encoded < c.command_tail:
            cmd = &c.commands[c.command_encoded % c.cap_commands]
            if cmd.order_slot >= 0:
                cmd.n_bytes = self.encoder.encode(cmd, cmd.request, sizeof(cmd.request))
            c.command_encoded += 1

    cdef int _frame(self, const uint8_t* buf, Py_ssize_t n, int64_t ts_recv_ns) noexcept nogil:
        cdef Py_ssize_t pos = 0
        cdef int left = -1
        cdef const uint8_t* packet = NULL
        cdef uint32_t size = 0
        cdef int got
        self._advance(ts_recv_ns)
        self.c.counters.frames += 1
        while True:
            got = next_packet(buf, n, &pos, &left, &packet, &size)
            if got <= 0:
                break
            self._packet(packet, size)
        if got == -REASON_FRAME_HEARTBEAT:
            self.c.counters.heartbeats += 1
        elif got < 0:
            self.c.counters.refused[(-got - 100) & 15] += 1
        self._encode()
        return self._waiting()

    cdef int on_frame(self, const uint8_t* buf, Py_ssize_t n, int64_t ts_recv_ns) noexcept:
        """A binary frame of the feed, in borrowed memory. Returns how many commands are waiting."""
        return self._frame(buf, n, ts_recv_ns)

    def on_frame_bytes(self, const uint8_t[::1] payload, int64_t ts_recv_ns):
        """The same for a Python buffer: replays and tests."""
        if payload.shape[0] == 0:
            return self._frame(NULL, 0, ts_recv_ns)
        return self._frame(&payload[0], payload.shape[0], ts_recv_ns)

    def on_timer(self, int64_t ts_ns):
        """Time has passed: close due bars, expire, square off, chase, look for what is in doubt."""
        cdef core_t* c = &self.c
        cdef int i, id
        with nogil:
            self._advance(ts_ns)
            for i in range(c.n_series):
                if c.series[i].has_bar and market.close_due(
                        &c.series[i], &c.instruments[c.series[i].instrument_id], c.now_ns, c.bar_grace_ns):
                    self._bar(i)
            report.on_time(c)
            i = 0
            while i < c.n_live:
                id = c.live[i]
                bracket.on_time(c, id)
                if i < c.n_live and c.live[i] == id:
                    i += 1
            self._encode()
        return self._waiting()

    def next_timer_ns(self):
        """The earliest time at which `on_timer` has something to do, or 0. Between frames the 100 ms beat covers the rest."""
        cdef core_t* c = &self.c
        cdef int64_t due, first = 0
        cdef int i
        for i in range(c.n_series):
            due = market.due_ns(&c.series[i], &c.instruments[c.series[i].instrument_id], c.bar_grace_ns)
            if due > 0 and (first == 0 or due < first):
                first = due
        for i in range(c.n_live):
            b = &c.brackets[c.live[i]]
            for due in (b.retry_ns, b.ladder_next_ns, b.entry_expire_ns, c.instruments[b.instrument_id].square_off_ns):
                if due > c.now_ns and (first == 0 or due < first):
                    first = due
        return first

    def on_report(
        self, *, str cl_ord_id, str broker_order_id, int ev, int source, int64_t order_qty, int64_t cum_qty,
        int64_t cum_value_e4, int64_t price_e4, int64_t trigger_e4, int ord_type, bint triggered, int reason,
        int64_t ts_update_ns, int64_t ts_recv_ns, int side=0,
    ):
        """7 report: what the broker said about one order. Returns 0 or the Reason why it changed nothing."""
        cdef report_t r
        cdef int result
        memset(&r, 0, sizeof(r))
        tag, number = cl_ord_id.encode("ascii", "replace"), broker_order_id.encode("ascii", "replace")
        strncpy(r.cl_ord_id, tag, sizeof(r.cl_ord_id) - 1)
        strncpy(r.broker_order_id, number, sizeof(r.broker_order_id) - 1)
        r.ev = ev
        r.source = source
        r.side = side
        r.order_qty = order_qty
        r.cum_qty = cum_qty
        r.cum_value_e4 = cum_value_e4
        r.price_e4 = price_e4
        r.trigger_e4 = trigger_e4
        r.ord_type = ord_type
        r.triggered = triggered
        r.reason = reason
        r.ts_update_ns = ts_update_ns
        r.ts_recv_ns = ts_recv_ns
        self._advance(ts_recv_ns)
        result = report.on_report(&self.c, &r)
        self._encode()
        return result

    def on_sent(self, uint32_t seq, int64_t ts_ns):
        """The last byte of request `seq` has been handed to the kernel."""
        self._advance(ts_ns)
        report.on_sent(&self.c, seq)

    def on_answer(self, uint32_t seq, int outcome, *, str broker_order_id="", int reason=0, int64_t ts_ns):
        """The broker's answer to request `seq`: Ev.ACK, Ev.REFUSED, or Ev.TIMEOUT for anything that leaves it in doubt."""
        number = broker_order_id.encode("ascii", "replace")[:31]
        self._advance(ts_ns)
        cdef char text[32]
        memset(text, 0, sizeof(text))
        strncpy(text, number, 31)
        result = report.on_answer(&self.c, seq, outcome, text, reason)
        self._encode()
        return result

    def on_book_begin(self, int64_t ts_request_ns):
        """Rows of an order book follow as reports; the book was asked for at `ts_request_ns`."""
        report.on_book_begin(&self.c, ts_request_ns)

    def on_book_end(self, int64_t ts_ns):
        self._advance(ts_ns)
        report.on_book_end(&self.c)
        self._encode()
        return self._waiting()

    def on_feed(self, bint alive, int64_t ts_ns):
        """The feed came up or went down. Entries need it, exits do not."""
        self._advance(ts_ns)
        self.c.feed_alive = alive

    def on_halt(self, int halt, int reason, int64_t ts_ns):
        """Set the halt state. The caller has checked who may lower it."""
        self._advance(ts_ns)
        risk.set_halt(&self.c, halt, reason)
        if halt != HALT_ACTIVE:
            bracket.cancel_entries(&self.c)
        self._encode()
        return self._waiting()

    def on_pause(self, bint paused, int64_t ts_ns):
        """No new entries while paused; everything else goes on."""
        self._advance(ts_ns)
        self.c.paused = paused

    def on_flatten(self, int instrument_id, int64_t ts_ns):
        """Exit every bracket (-1), or those of one instrument."""
        self._advance(ts_ns)
        bracket.flatten(&self.c, instrument_id, EXIT_FLATTEN)
        self._encode()
        return self._waiting()

    def on_quarantine(self, int instrument_id, bint quarantined, int64_t ts_ns):
        """An instrument whose state cannot be explained takes no entries until it is released."""
        self._set_up(instrument_id, self.c.n_instruments, "instrument")
        self._advance(ts_ns)
        if self.c.instruments[instrument_id].quarantined != quarantined:
            self.c.instruments[instrument_id].quarantined = quarantined
            strategy.note_quarantine(&self.c, instrument_id, quarantined)

    def set_strategy_enabled(self, int strategy_id, bint enabled):
        self._set_up(strategy_id, self.c.n_strategies, "strategy")
        self.c.strategies[strategy_id].enabled = enabled

    # ------------------------------------------------------------------------------------------------------ output
    def take_command(self):
        """The next request, or None."""
        cdef core_t* c = &self.c
        cdef command_t* cmd
        if c.command_head == c.command_tail:
            return None
        cmd = &c.commands[c.command_head % c.cap_commands]
        c.command_head += 1
        out = Command()
        out.kind = cmd.kind
        out.lane = cmd.lane
        out.seq = cmd.seq
        out.order_slot = cmd.order_slot
        out.instrument_id = cmd.instrument_id
        out.side = cmd.side
        out.ord_type = cmd.ord_type
        out.qty = cmd.qty
        out.price_e4 = cmd.price_e4
        out.trigger_e4 = cmd.trigger_e4
        out.ts_ns = cmd.ts_ns
        out.cl_ord_id = _text(cmd.cl_ord_id) if cmd.order_slot >= 0 else ""
        out.broker_order_id = _text(cmd.broker_order_id) if cmd.order_slot >= 0 else ""
        if cmd.n_bytes < 0:
            raise EngineError(f"order {out.cl_ord_id} could not be encoded (reason {-cmd.n_bytes}); this is a fault of ours")
        out.request = cmd.request[:cmd.n_bytes] if cmd.order_slot >= 0 else b""
        return out

    def take_notices(self):
        """Notices since the last call, oldest first, as dicts of notice_t."""
        cdef core_t* c = &self.c
        out = []
        while c.notice_head < c.notice_tail:
            out.append(c.notices[c.notice_head % c.cap_notices])
            c.notice_head += 1
        return out

    def take_signals(self):
        """Signals since the last call with what became of each."""
        cdef core_t* c = &self.c
        out = []
        while c.signal_head < c.signal_tail:
            rec = c.signals[c.signal_head % c.cap_signals]
            row = dict(rec.signal)
            row.update(strategy_id=rec.strategy_id, instrument_id=rec.instrument_id, taken=bool(rec.taken), reason=rec.reason)
            out.append(row)
            c.signal_head += 1
        return out

    def take_bars(self):
        """Bars closed since the last call: (series_id, ts_open_ns, open, high, low, close, volume, n_ticks)."""
        cdef core_t* c = &self.c
        out = []
        while c.bar_head < c.bar_tail:
            rec = &c.bars[c.bar_head % c.cap_bars]
            out.append((rec.series_id, rec.bar.ts_open_ns, rec.bar.open_e4, rec.bar.high_e4, rec.bar.low_e4,
                        rec.bar.close_e4, rec.bar.volume, rec.bar.n_ticks))
            c.bar_head += 1
        return out

    # ------------------------------------------------------------------------------------------------------ views
    @property
    def n_instruments(self):
        return self.c.n_instruments

    @property
    def n_series(self):
        return self.c.n_series

    @property
    def n_strategies(self):
        return self.c.n_strategies

    @property
    def n_brackets(self):
        return self.c.n_brackets

    @property
    def n_orders(self):
        return self.c.n_orders

    @property
    def n_live(self):
        """Brackets that are not closed."""
        return self.c.n_live

    @property
    def now_ns(self):
        return self.c.now_ns

    def instrument(self, int i):
        self._set_up(i, self.c.n_instruments, "instrument")
        out = dict(self.c.instruments[i])
        out["symbol"], out["exchange"] = _text(self.c.instruments[i].symbol), _text(self.c.instruments[i].exchange)
        out["phase"] = risk.phase(&self.c.instruments[i], self.c.now_ns)
        return out

    def market(self, int i):
        self._set_up(i, self.c.n_instruments, "instrument")
        return self.c.markets[i]

    def series(self, int i):
        self._set_up(i, self.c.n_series, "series")
        return self.c.series[i]

    def strategy(self, int i):
        self._set_up(i, self.c.n_strategies, "strategy")
        return strategy.view(&self.c.strategies[i])

    def bracket(self, int i):
        self._set_up(i, self.c.n_brackets, "bracket")
        out = dict(self.c.brackets[i])
        out["pnl_e4"] = bracket.pnl_e4(&self.c, i)
        return out

    def order(self, int i):
        self._set_up(i, self.c.n_orders, "order")
        out = dict(self.c.orders[i])
        out["cl_ord_id"] = _text(self.c.orders[i].cl_ord_id)
        out["broker_order_id"] = _text(self.c.orders[i].broker_order_id)
        return out

    def position(self, int i):
        self._set_up(i, self.c.n_instruments, "instrument")
        return self.c.positions[i]

    def live_brackets(self):
        """Ids of the brackets that are not closed."""
        return [self.c.live[i] for i in range(self.c.n_live)]

    def find_instrument(self, uint32_t token):
        """Instrument id of a broker's token, or -1."""
        return find_token(&self.c, token)

    def risk(self):
        out = dict(self.c.risk)
        out["paused"] = bool(self.c.paused)
        out["feed_alive"] = bool(self.c.feed_alive)
        out["n_in_doubt"] = self.c.n_in_doubt
        return out

    def budget(self):
        out = dict(self.c.budget)
        del out["ts_ring_ns"]
        return out

    def counters(self):
        return self.c.counters
