# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The pipeline: what happens to a frame, a report or a moment, without a Python object.

In the words of the code, the metrics and the page:

    1 decode    the wire's bytes -> tick_t                        codecs
    2 market    last tick, depth, bars                            market
    3 strategy  a strategy's kernels -> a decision                strategy, decision
    4 risk      gates, rate budget, halts                         risk
    5 order     the two-axis state machine, requests              entry, waiting_entries, order, request
    6 encode    command_t -> the bytes of an HTTP request         record, codecs
    7 report    answers, pushes and book rows -> order events     report
    8 position  fills, brackets, exits, profit                    position, bracket, exits

No clock, no I/O, no randomness, no threads. The same events give the same commands, live, on paper, replayed or in a test.
Every event is journalled before it is acted on, every decision before it can leave. Python's way in is `Engine` (engine.pyx); a
feed's is `FeedSink` (feed_sink.pyx).
"""
from libc.stdint cimport int64_t, uint8_t, uint32_t
from libc.string cimport memset

from otrade._core.codecs.decoders cimport wire_of, wire_t
from otrade._core.codecs.interface cimport SHORT_PACKET, decoder_t, frame_t, packet_t
from otrade._core.engine.record cimport Recorder
from otrade._core.engine.setup cimport lay_out
from otrade._core.market cimport market, strategy
from otrade._core.orders cimport bracket, decision, fill_price as value, position, report
from otrade._core.orders.entry cimport next_ns as next_entry_ns
from otrade._core.orders.entry cimport work as work_entries
from otrade._core.state cimport core_t, find_key, find_token, instrument_t, market_t, push_bar, release, series_t, strategy_t
from otrade._core.types cimport (
    HAS_DEPTH, HAS_TRADE, REASON_FRAME_HEARTBEAT, REASON_FRAME_LARGE, REASON_FRAME_LENGTH, REASON_OK, REC_ANSWER, REC_HISTORY,
    REC_REPORT, REC_TIMER, answer_t, bar_t, bracket_t, command_t, history_t, report_t, tick_t,
)

cdef int64_t BEAT_OPEN_NS = 100_000_000
cdef int64_t BEAT_FLAT_NS = 500_000_000  # while no bracket lives only bars and audits are due, and both know their own times


cdef inline int64_t _sooner(int64_t first, int64_t due, int64_t after_ns) noexcept nogil:
    """`due` if it is later than `after_ns` and before `first`; 0 is never."""
    return due if due > after_ns and (first == 0 or due < first) else first


cdef class Pipeline:
    """One engine's memory, and every step of its events. Owned by an `Engine`."""

    def __cinit__(self, dict sizes):
        lay_out(&self.c, sizes)
        self.recorder = Recorder(sizes)

    def __dealloc__(self):
        release(&self.c)

    cdef void advance(self, int64_t ts_ns) noexcept nogil:
        """Time of the core: the newest that any event brought. A clock that steps back is counted and not followed."""
        if ts_ns >= self.c.now_ns:
            self.c.now_ns = ts_ns
        else:
            self.c.counters.clock_back += 1

    cdef void done(self) noexcept nogil:
        """An event is over: strategies are told of their fills, entries that wait have their turn, then all that was decided gets its bytes
        and its records.
        """
        if self.c.n_filled > 0:
            decision.on_fills(&self.c)
        if self.c.n_waiting > 0:
            work_entries(&self.c)
        self.recorder.decided(&self.c)

    cdef int n_waiting(self) noexcept nogil:
        return <int>(self.c.command_tail - self.c.command_head)

    cdef void _bar_closed(self, int series_id) noexcept nogil:
        """A bar has closed. Its strategies see it once all series of the instrument have the price."""
        cdef core_t* c = &self.c
        cdef series_t* s = &c.series[series_id]
        push_bar(c, series_id)
        s.has_news = 1
        if c.instruments[s.instrument_id].n_compiled > 0:
            decision.on_further_bar(c, s.instrument_id, s.interval_ns, &s.last)

    cdef void _strategies(self, int instrument_id, bint has_traded) noexcept nogil:
        """3 strategy, and through its decision: 4 risk, 5 order. Those of the longest bars first, and of each length: bars that have just
        closed, then the trade.
        """
        cdef core_t* c = &self.c
        cdef instrument_t* inst = &c.instruments[instrument_id]
        cdef series_t* s
        cdef int at, i
        for at in range(inst.series_first, inst.series_first + inst.series_n):
            s = &c.series[c.by_length[at]]
            if s.has_news:
                s.has_news = 0
                for i in range(s.strategy_first, s.strategy_first + s.strategy_n):
                    if s.last.n_ticks == 0:
                        strategy.feed(c, i, &s.last)  # joined, and nothing has traded in it since
                        continue
                    decision.on_bar(c, i, &s.last)
                    strategy.note(&c.strategies[i], &s.last)
            if not has_traded:
                continue
            for i in range(s.strategy_first, s.strategy_first + s.strategy_n):
                if c.strategies[i].wants_ticks:
                    decision.on_tick(c, i)

    cdef int _packets(self, const wire_t* wire, const uint8_t* buf, Py_ssize_t n) noexcept nogil:
        """Every packet of a frame. 0, or the 1xx reason why the frame ended early."""
        cdef core_t* c = &self.c
        cdef frame_t frame
        cdef packet_t packet
        cdef tick_t tick
        cdef decoder_t decoder = wire.decoder
        cdef int got, id, reason, feed = wire.feed
        frame.at, frame.end, frame.left, frame.ts_ns = buf, buf + n, -1, 0
        memset(&packet, 0, sizeof(packet))
        while True:
            got = decoder.next(&frame, &packet)
            if got <= 0:
                return -got
            c.counters.packets += 1
            if got == SHORT_PACKET:
                c.counters.refused[REASON_FRAME_LENGTH - 100] += 1
                continue
            id = find_key(c, packet.key, packet.key_n) if decoder.by_name else find_token(c, packet.token)
            if id < 0:
                c.counters.unknown_tokens += 1
                continue
            # 1 decode
            reason = decoder.decode(&frame, &packet, &tick)
            if reason == REASON_OK and not tick.has & HAS_TRADE:
                self._part(id, &tick, feed)
            else:
                self._tick(id, reason, &tick, feed)

    cdef void _part(self, int id, const tick_t* tick, int feed) noexcept nogil:
        """Step 2 for a message without a last trade: life and an order book, and no reason to trade."""
        cdef core_t* c = &self.c
        cdef market_t* m = &c.markets[id]
        cdef int reason
        if c.feeds_seen > 1 and not market.is_believed(m, feed, c.feed_alive, c.now_ns, c.failover_ns):
            c.counters.doubled += 1
            return
        reason = market.take_part(m, tick, feed, c.now_ns)
        if reason != REASON_OK:
            c.counters.refused[(reason - 100) & 15] += 1

    cdef void _tick(self, int id, int reason, const tick_t* tick, int feed) noexcept nogil:
        """Steps 2 to 6 for one decoded tick."""
        cdef core_t* c = &self.c
        cdef market_t* m = &c.markets[id]
        cdef instrument_t* inst = &c.instruments[id]
        cdef int64_t ts
        cdef int i, what
        cdef bint has_closed = False
        # 2 market
        if reason == REASON_OK and c.feeds_seen > 1:
            what = market.arbitrate(m, tick, feed, c.feed_alive, c.now_ns, c.failover_ns)
            if what != market.TAKE:
                c.counters.doubled += 1
                if what == market.DEPTH and tick.has & HAS_DEPTH:
                    market.take_depth(m, tick, c.now_ns)
                return
        if reason == REASON_OK:
            reason = market.take_tick(m, inst, tick, c.now_ns, c.limits.px_jump_bps_max)
        if reason != REASON_OK:
            c.counters.refused[(reason - 100) & 15] += 1
            return
        c.counters.ticks += 1
        if inst.band_hi_e4 > 0 and (m.ltp_e4 > inst.band_hi_e4 or m.ltp_e4 < inst.band_lo_e4) and not inst.band_doubted:
            inst.band_doubted = inst.quote_wanted = 1
        # 8 position: exits come before entries
        if c.positions[id].n_unpriced > 0:
            bracket.on_pnl(c, value.price_unpriced(c, id))
        if c.positions[id].net_qty != 0:
            bracket.on_pnl(c, position.mark(&c.positions[id], m.ltp_e4, inst.multiplier))
        if inst.bracket_head >= 0:
            bracket.on_price(c, id)
        # Where a feed tells no volume, another price is all that tells of a trade.
        if inst.halted > 0 and (m.d_volume > 0 or (m.traded and m.volume == 0)):
            bracket.on_reopen(c, id)
        if not m.traded:
            return  # the same trade again: it makes no bar and moves no average
        ts = m.ts_bar_ns if m.ts_bar_ns > 0 else c.now_ns
        for i in range(inst.series_first, inst.series_first + inst.series_n):
            if market.take_price(&c.series[i], inst, m.ltp_e4, m.d_volume, ts):
                self._bar_closed(i)
                has_closed = True
        if has_closed or inst.n_by_tick > 0:
            c.n_events += 1
            self._strategies(id, True)

    cdef int on_frame(self, int kind, const uint8_t* buf, Py_ssize_t n, int64_t ts_recv_ns) noexcept nogil:
        """One frame. Its record's kind, one of those in the table of wires, says in which wire it is written and which of the
        feeds it came by. Returns how many commands are waiting. One that the journal could never hold is no frame: a decision
        that rests on it could not be explained, and its loss would look like a failing disk.
        """
        cdef const wire_t* wire = wire_of(kind)
        cdef int reason
        if self.recorder.journaling and not self.recorder.journal.can_hold(n):
            self.c.counters.refused[REASON_FRAME_LARGE - 100] += 1
            return self.n_waiting()
        self.recorder.event(kind, ts_recv_ns, buf, n)
        self.advance(ts_recv_ns)
        self.c.counters.frames += 1
        self.c.ts_frame_ns = ts_recv_ns
        reason = self._packets(wire, buf, n)
        if reason == REASON_FRAME_HEARTBEAT:
            self.c.counters.heartbeats += 1
        elif reason != REASON_OK:
            self.c.counters.refused[(reason - 100) & 15] += 1
        self.done()
        return self.n_waiting()

    cdef int on_tick(self, int id, const tick_t* tick, int64_t ts_recv_ns) noexcept nogil:
        """One tick of the past that has been decoded already, alone in its frame, by an engine without a journal."""
        self.advance(ts_recv_ns)
        self.c.counters.frames += 1
        self.c.counters.packets += 1
        self.c.ts_frame_ns = ts_recv_ns
        if tick.has & HAS_TRADE:
            self._tick(id, REASON_OK, tick, 0)
        else:
            self._part(id, tick, 0)
        self.done()
        return self.n_waiting()

    cdef int on_timer(self, int64_t ts_ns) noexcept nogil:
        cdef core_t* c = &self.c
        cdef int i, id
        cdef bint has_closed = False
        self.recorder.event(REC_TIMER, ts_ns, NULL, 0)
        self.advance(ts_ns)
        c.in_book = 0  # a book whose end never came
        c.n_events += 1  # bars that it closes and the strategies' timers are one: between two beats there may be no bar
        for i in range(c.n_series):
            if c.series[i].has_bar and market.close_due(
                    &c.series[i], c.now_ns, c.bar_grace_ns):
                self._bar_closed(i)
                has_closed = True
        if has_closed:
            for i in range(c.n_instruments):
                self._strategies(i, False)
        decision.on_time(c)
        report.on_time(c)
        i = 0
        while i < c.n_live:
            id = c.live[i]
            bracket.on_time(c, id)
            if i < c.n_live and c.live[i] == id:
                i += 1
        self.done()
        return self.n_waiting()

    cdef void on_history(self, const history_t* h, int64_t ts_ns) noexcept nogil:
        """Bars of a time in which this engine did not listen, behind their head: kernels are fed, and nothing acts. A running bar
        becomes its series' own. `Engine` has looked at all of it.
        """
        cdef bar_t* bars = <bar_t*>(<uint8_t*>h + sizeof(history_t))
        cdef strategy_t* s
        cdef int i
        self.recorder.event(REC_HISTORY, ts_ns, h, sizeof(history_t) + <size_t>h.n_bars * sizeof(bar_t))
        self.advance(ts_ns)
        if h.strategy_id < 0:
            market.join_bar(&self.c.series[h.series_id], bars if h.n_bars > 0 else NULL, h.ts_from_ns)
            return
        s = &self.c.strategies[h.strategy_id]
        if s.series_id != h.series_id:
            for i in range(h.n_bars):
                strategy.feed_further(&self.c, h.strategy_id, self.c.series[h.series_id].interval_ns, &bars[i])
            return
        for i in range(h.n_bars):
            strategy.feed(&self.c, h.strategy_id, &bars[i])
            s.fed_ns = bars[i].ts_end_ns
        s.n_to_feed = h.n_left

    cdef int on_report(self, const report_t* r) noexcept nogil:
        cdef int result
        self.recorder.event(REC_REPORT, r.ts_recv_ns, r, sizeof(report_t))
        self.advance(r.ts_recv_ns)
        result = report.on_report(&self.c, r)
        self.done()
        return result

    cdef int on_answer(self, const answer_t* a, int64_t ts_ns) noexcept nogil:
        cdef int result
        self.recorder.event(REC_ANSWER, ts_ns, a, sizeof(answer_t))
        self.advance(ts_ns)
        result = report.on_answer(&self.c, a.seq, a.outcome, a.broker_order_id, a.reason)
        self.done()
        return result

    cdef int only_request(self, const char** out, uint32_t* seq) noexcept:
        """The request that waits alone, once its decision is in the journal. Several are sorted by lane first, by their taker, who also
        knows what may leave all the same when the journal is full.
        """
        cdef core_t* c = &self.c
        cdef command_t* cmd
        if self.n_waiting() != 1 or (self.recorder.journaling and self.recorder.journal.has_died()):
            return 0
        cmd = &c.commands[c.command_head % c.cap_commands]
        if cmd.order_slot < 0 or cmd.n_bytes <= 0 or cmd.unrecorded:
            return 0
        out[0] = cmd.request
        seq[0] = cmd.seq
        return cmd.n_bytes

    cdef int64_t next_timer_ns(self) noexcept nogil:
        """The earliest time at which `on_timer` has something to do, or 0. Between frames the 100 ms beat covers the rest."""
        cdef core_t* c = &self.c
        cdef const bracket_t* b
        cdef int64_t first = 0
        cdef int i
        for i in range(c.n_series):
            first = _sooner(first, market.due_ns(&c.series[i], c.bar_grace_ns), 0)
        for i in range(c.n_live):
            b = &c.brackets[c.live[i]]
            first = _sooner(first, b.retry_ns, c.now_ns)
            first = _sooner(first, b.ladder_next_ns, c.now_ns)
            first = _sooner(first, b.entry_expire_ns, c.now_ns)
            if b.move_e4 != 0:
                first = _sooner(first, b.move_next_ns, c.now_ns)
            first = _sooner(first, c.instruments[b.instrument_id].square_off_ns, c.now_ns)
        first = _sooner(first, decision.next_ns(c), 0)
        return _sooner(first, next_entry_ns(c), 0)

    cdef int64_t next_beat_ns(self, int64_t now_ns) noexcept nogil:
        """When time passes in this core next, after a beat now. The one rule for a live day, a paper day and a backtest."""
        cdef int64_t next_ns = now_ns + (BEAT_OPEN_NS if self.c.n_live > 0 else BEAT_FLAT_NS)
        cdef int64_t due_ns = self.next_timer_ns()
        return due_ns if now_ns < due_ns < next_ns else next_ns
