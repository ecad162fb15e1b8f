# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The engine: a pure state machine. Events come in with their own time, order requests come out as bytes.

The pipeline, in the words of the code, the metrics and the page:

    1 decode    the wire's bytes -> tick_t                        wire_kite, wire_upstox
    2 market    last tick, depth, bars                            market
    3 strategy  kernels -> signal_t                               kernels, strategy
    4 risk      gates, rate budget, halts                         risk
    5 order     the two-axis state machine, requests              entry, waiting, order, request
    6 encode    command_t -> the bytes of an HTTP request         record, wire_kite, wire_upstox
    7 report    answers, pushes and book rows -> order events     report
    8 position  fills, brackets, exits, profit                    position, bracket, exits

No clock, no I/O, no randomness, no threads. The same events give the same commands, live, on paper, replayed or in a test.
Between the bytes of a frame and the bytes of an order no Python object is touched. Every event is journalled before it is acted
on, every decision before it can leave; `on_record` takes a journal's event in the place of the world.
"""
from libc.stdint cimport int64_t, uint8_t, uint32_t
from libc.string cimport memcpy, memset, strncpy

import orjson

from otrade._core.codecs cimport upstox as wire_upstox
from otrade._core.market cimport market, quote, strategy
from otrade._core.orders cimport adopt, bracket, fill_price as value, position, report, risk, waiting_entries as waiting
from otrade._core.orders.entry cimport next_ns as next_entry_ns
from otrade._core.orders.entry cimport take_signal
from otrade._core.orders.entry cimport work as work_entries
from otrade._core.journal_writer cimport is_frame
from otrade._core.engine.record cimport EngineRecord
from otrade._core.state cimport core_t, find_key, find_token, instrument_t, market_t, push_bar, series_t
from otrade._core.types cimport (
    EXIT_FLATTEN, HALT_ACTIVE, HAS_DEPTH, HAS_TRADE, MAX_FEEDS, REASON_DISABLED, REASON_FRAME_HEARTBEAT,
    REASON_HALTED, REASON_OK, REASON_QUARANTINED, REC_ANSWER, REC_BOOK_BEGIN, REC_BOOK_END, REC_CALL, REC_FRAME,
    REC_FRAME_KITE_B, REC_FRAME_UPSTOX_B, REC_REPORT, REC_SENT, REC_TIMER, answer_t, command_t,
    report_t, tick_t,
)
from otrade._core.codecs.kite cimport be32, decode_packet, next_packet

from otrade._core.pack import packer
from otrade._core.types import PauseBy
from otrade.errors import EngineError

report_bytes = packer("report_t")


cdef void _text_into(char* field, int cap, str text):
    """Copy a text, cut to what the field holds; what is not ASCII becomes a question mark."""
    encoded = text.encode("ascii", "replace")
    memset(field, 0, cap)
    strncpy(field, encoded, cap - 1)


cdef class Engine(EngineRecord):
    """One trading day of one account: set up (setup.pyx), fed with events (here), read (views.pyx)."""

    def start(self, int64_t ts_ns):
        """Begin the day. Nothing is traded before a feed is alive."""
        if self.encoder is None:
            raise EngineError("set_encoder comes before start")
        self._tell("start", {"ts_ns": ts_ns})
        self.told = None
        self._advance(ts_ns)

    cdef void _advance(self, int64_t ts_ns) noexcept nogil:
        """Time of the core: the newest that any event brought. A clock that steps back is counted and not followed."""
        if ts_ns >= self.c.now_ns:
            self.c.now_ns = ts_ns
        else:
            self.c.counters.clock_back += 1

    cdef void _done(self) noexcept nogil:
        """An event is over: entries that wait have their turn, then all that was decided gets its bytes and its records."""
        if self.c.n_waiting > 0:
            work_entries(&self.c)
        self._decided()

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
                take_signal(c, i)

    cdef int _kite(self, const uint8_t* buf, Py_ssize_t n, int feed) noexcept nogil:
        """Every packet of one of Kite's frames. 0, or the 1xx reason why the frame ended early."""
        cdef core_t* c = &self.c
        cdef Py_ssize_t pos = 0
        cdef int left = -1
        cdef const uint8_t* packet = NULL
        cdef uint32_t size = 0
        cdef tick_t tick
        cdef int got, id
        while True:
            got = next_packet(buf, n, &pos, &left, &packet, &size)
            if got <= 0:
                return -got
            c.counters.packets += 1
            if size < 4:
                c.counters.refused[2] += 1  # Reason.FRAME_LENGTH
                continue
            id = find_token(c, be32(packet))
            if id < 0:
                c.counters.unknown_tokens += 1
                continue
            # 1 decode
            self._tick(id, decode_packet(packet, size, &tick), &tick, feed)

    cdef int _upstox(self, const uint8_t* buf, Py_ssize_t n, int feed) noexcept nogil:
        """Every entry of one of Upstox's frames; a frame without any says that the feed lives."""
        cdef core_t* c = &self.c
        cdef Py_ssize_t pos = 0
        cdef int64_t ts_frame_ns = wire_upstox.check_frame(buf, n)
        cdef wire_upstox.feed_t entry
        cdef tick_t tick
        cdef int id, reason
        if ts_frame_ns < 0:
            return <int>-ts_frame_ns
        if not wire_upstox.next_feed(buf, n, &pos, &entry):
            return REASON_FRAME_HEARTBEAT
        while True:
            c.counters.packets += 1
            id = find_key(c, entry.key, entry.key_n)
            if id < 0:
                c.counters.unknown_tokens += 1
            else:
                # 1 decode
                reason = wire_upstox.decode_feed(entry.body, entry.body_n, ts_frame_ns, &tick)
                if reason == REASON_OK and not tick.has & HAS_TRADE:
                    self._part(id, &tick, feed)
                else:
                    self._tick(id, reason, &tick, feed)
            if not wire_upstox.next_feed(buf, n, &pos, &entry):
                return REASON_OK

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
        cdef series_t* s
        cdef int64_t ts
        cdef int i, k, what
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
        if inst.halted > 0 and m.d_volume > 0:
            bracket.on_reopen(c, id)
        if not m.traded:
            return  # the same trade again: it makes no bar and moves no average
        ts = m.ts_bar_ns if m.ts_bar_ns > 0 else c.now_ns
        for i in range(inst.series_first, inst.series_first + inst.series_n):
            s = &c.series[i]
            if market.take_price(s, inst, m.ltp_e4, m.d_volume, ts):
                self._bar(i)
            # 3 strategy, and through take_signal: 4 risk, 5 order
            for k in range(s.strategy_first, s.strategy_first + s.strategy_n):
                if c.strategies[k].wants_ticks and strategy.on_tick(&c.strategies[k], m):
                    take_signal(c, k)

    cdef int _frame(self, int kind, const uint8_t* buf, Py_ssize_t n, int64_t ts_recv_ns) noexcept nogil:
        """One frame. Its record's kind says in which wire it is written and which of the feeds it came by."""
        cdef int reason, feed = kind == REC_FRAME_KITE_B or kind == REC_FRAME_UPSTOX_B
        self._event(kind, ts_recv_ns, buf, n)
        self._advance(ts_recv_ns)
        self.c.counters.frames += 1
        self.c.ts_frame_ns = ts_recv_ns
        if kind == REC_FRAME or kind == REC_FRAME_KITE_B:
            reason = self._kite(buf, n, feed)
        else:
            reason = self._upstox(buf, n, feed)
        if reason == REASON_FRAME_HEARTBEAT:
            self.c.counters.heartbeats += 1
        elif reason != REASON_OK:
            self.c.counters.refused[(reason - 100) & 15] += 1
        self._done()
        return self._waiting()

    cdef int on_frame(self, const uint8_t* buf, Py_ssize_t n, int64_t ts_recv_ns) noexcept:
        """A binary frame of Kite's feed, in borrowed memory. Returns how many commands are waiting."""
        return self._frame(REC_FRAME, buf, n, ts_recv_ns)

    cdef int only_request(self, const char** out, uint32_t* seq) noexcept:
        """The request that waits alone, once its decision is in the journal. Several are sorted by lane first, by their taker, who also
        knows what may leave all the same when the journal is full.
        """
        cdef core_t* c = &self.c
        cdef command_t* cmd
        if self._waiting() != 1 or (self.journaling and self.journal.has_died()):
            return 0
        cmd = &c.commands[c.command_head % c.cap_commands]
        if cmd.order_slot < 0 or cmd.n_bytes <= 0 or cmd.unrecorded:
            return 0
        out[0] = cmd.request
        seq[0] = cmd.seq
        return cmd.n_bytes

    def on_frame_bytes(self, const uint8_t[::1] payload, int64_t ts_recv_ns, int kind=REC_FRAME):
        """The same for a Python buffer: replays and tests."""
        if not is_frame(kind):
            raise EngineError(f"a journal record of kind {kind} is no frame")
        if payload.shape[0] == 0:
            return self._frame(kind, NULL, 0, ts_recv_ns)
        return self._frame(kind, &payload[0], payload.shape[0], ts_recv_ns)

    cdef int _timer(self, int64_t ts_ns) noexcept nogil:
        cdef core_t* c = &self.c
        cdef int i, id
        self._event(REC_TIMER, ts_ns, NULL, 0)
        self._advance(ts_ns)
        c.in_book = 0  # a book whose end never came
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
        self._done()
        return self._waiting()

    def on_timer(self, int64_t ts_ns):
        """Time has passed: close due bars, expire, square off, chase, look for what is in doubt."""
        return self._timer(ts_ns)

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
        due = next_entry_ns(c)
        if due > 0 and (first == 0 or due < first):
            first = due
        return first

    def on_report(self, order_report not None):
        """7 report: what the broker said about one order, an object with the fields of `report_t` (`OrderReport`). Returns 0 or the
        Reason why it changed nothing.
        """
        cdef report_t r
        cdef bytes told = report_bytes(order_report)
        if len(told) != sizeof(r):
            raise EngineError("report_t has gaps that its layout does not spell")
        memcpy(&r, <const char*>told, sizeof(r))
        return self._report(&r)

    cdef int _report(self, const report_t* r) noexcept nogil:
        cdef int result
        self._event(REC_REPORT, r.ts_recv_ns, r, sizeof(report_t))
        self._advance(r.ts_recv_ns)
        result = report.on_report(&self.c, r)
        self._done()
        return result

    def on_sent(self, uint32_t seq, int64_t ts_ns):
        """The last byte of request `seq` has been handed to the kernel."""
        self._event(REC_SENT, ts_ns, &seq, sizeof(seq))
        self._advance(ts_ns)
        report.on_sent(&self.c, seq)

    def on_answer(self, uint32_t seq, int outcome, *, str broker_order_id="", int reason=0, int64_t ts_ns):
        """The broker's answer to request `seq`: Ev.ACK, Ev.REFUSED, or Ev.TIMEOUT for anything that leaves it in doubt."""
        cdef answer_t a
        memset(&a, 0, sizeof(a))
        a.seq = seq
        a.outcome = outcome
        a.reason = reason
        _text_into(a.broker_order_id, sizeof(a.broker_order_id), broker_order_id)
        self._event(REC_ANSWER, ts_ns, &a, sizeof(a))
        self._advance(ts_ns)
        result = report.on_answer(&self.c, seq, outcome, a.broker_order_id, reason)
        self._done()
        return result

    def on_book_begin(self, int64_t ts_request_ns):
        """Rows of an order book follow as reports; the book was asked for at `ts_request_ns`."""
        self._event(REC_BOOK_BEGIN, ts_request_ns, NULL, 0)
        report.on_book_begin(&self.c, ts_request_ns)

    def on_book_end(self, int64_t ts_ns, bint proves=True):
        """All rows have come. `proves`: what is not in this book is not at the broker. False leaves one byte in the record."""
        cdef uint8_t lacks = 1
        self._event(REC_BOOK_END, ts_ns, &lacks, 0 if proves else 1)
        self._advance(ts_ns)
        report.on_book_end(&self.c, proves)
        self._done()
        return self._waiting()

    def on_traded(self, str broker_order_id, int64_t qty, int64_t value_e4, int64_t ts_ns):
        """What an order has traded so far by the broker's list of trades. 0, or UNKNOWN_ORDER."""
        self._tell("on_traded", {"broker_order_id": broker_order_id, "qty": qty, "value_e4": value_e4, "ts_ns": ts_ns})
        self._advance(ts_ns)
        result = report.on_traded(&self.c, broker_order_id.encode("ascii", "replace"), qty, value_e4)
        self._decided()
        return result

    def on_missing(self, str broker_order_id, bint proven, int64_t ts_ns):
        """Whole books no longer show an order that stood. `proven`: the broker, asked for it alone, knows no such order."""
        self._tell("on_missing", {"broker_order_id": broker_order_id, "proven": bool(proven), "ts_ns": ts_ns})
        self._advance(ts_ns)
        result = report.on_missing(&self.c, broker_order_id.encode("ascii", "replace"), proven)
        self._decided()
        return result

    def on_feed(self, bint alive, int64_t ts_ns, int feed=0):
        """A feed came up or went down. Entries need one, exits do not."""
        self._set_up(feed, MAX_FEEDS, "feed")
        self._tell("on_feed", {"alive": bool(alive), "ts_ns": ts_ns, "feed": feed})
        self._advance(ts_ns)
        cdef int i
        if alive:
            # It may be another server, whose clock is another.
            for i in range(self.c.n_instruments):
                if self.c.markets[i].feed_last == feed:
                    self.c.markets[i].ts_exch_ns = 0
            self.c.feed_alive |= 1 << feed
            self.c.feeds_seen |= 1 << feed
        else:
            self.c.feed_alive &= ~(1 << feed)

    def on_quote(
        self, int instrument_id, int64_t ts_ask_ns, int64_t ts_ns, *, str source="rest", int64_t ltp_e4=0, int64_t bid_px_e4=0,
        int64_t ask_px_e4=0, int64_t band_lo_e4=0, int64_t band_hi_e4=0,
    ):
        """What the broker said by REST of one instrument, asked for at `ts_ask_ns`; 0 is what it did not say. It makes no bar and no
        signal, and overwrites no tick. `source`: by which road it came, for the journal's readers.
        """
        cdef bint is_other_band
        self._set_up(instrument_id, self.c.n_instruments, "instrument")
        self._tell("on_quote", {
            "instrument_id": instrument_id, "ts_ask_ns": ts_ask_ns, "ts_ns": ts_ns, "source": source, "ltp_e4": ltp_e4,
            "bid_px_e4": bid_px_e4, "ask_px_e4": ask_px_e4, "band_lo_e4": band_lo_e4, "band_hi_e4": band_hi_e4,
        })
        self._advance(ts_ns)
        is_other_band = quote.take(&self.c, instrument_id, ts_ask_ns, ltp_e4, bid_px_e4, ask_px_e4, band_lo_e4, band_hi_e4)
        bracket.on_quote(&self.c, instrument_id, is_other_band)
        self._decided()
        return self._waiting()

    def on_halt(self, int halt, int reason, int64_t ts_ns):
        """Set the halt state. The caller has checked who may lower it."""
        self._tell("on_halt", {"halt": halt, "reason": reason, "ts_ns": ts_ns})
        self._advance(ts_ns)
        risk.set_halt(&self.c, halt, reason)
        if halt != HALT_ACTIVE:
            bracket.cancel_entries(&self.c)
        self._done()
        return self._waiting()

    def on_pause(self, bint paused, int64_t ts_ns, int by=PauseBy.PERSON):
        """No new entries while anybody (PauseBy) pauses; everything else goes on."""
        self._tell("on_pause", {"paused": bool(paused), "ts_ns": ts_ns, "by": by})
        self._advance(ts_ns)
        if paused:
            self.c.paused |= by
            waiting.clear(&self.c, -1, REASON_HALTED)
        else:
            self.c.paused &= ~by
        self._decided()

    def on_flatten(self, int instrument_id, int64_t ts_ns):
        """Exit every bracket (-1), or those of one instrument."""
        self._tell("on_flatten", {"instrument_id": instrument_id, "ts_ns": ts_ns})
        self._advance(ts_ns)
        bracket.flatten(&self.c, instrument_id, EXIT_FLATTEN)
        self._done()
        return self._waiting()

    def on_quarantine(self, int instrument_id, bint quarantined, int64_t ts_ns):
        """An instrument whose state cannot be explained takes no entries until it is released."""
        self._set_up(instrument_id, self.c.n_instruments, "instrument")
        self._tell("on_quarantine", {"instrument_id": instrument_id, "quarantined": bool(quarantined), "ts_ns": ts_ns})
        self._advance(ts_ns)
        if self.c.instruments[instrument_id].quarantined != quarantined:
            self.c.instruments[instrument_id].quarantined = quarantined
            if quarantined:
                waiting.clear(&self.c, instrument_id, REASON_QUARANTINED)
            risk.note_quarantine(&self.c, instrument_id, quarantined)
        self._done()

    def on_broker_net(self, int instrument_id, int64_t net_qty, int64_t ts_ns):
        """The broker holds so much of an instrument, in its product, as looks that agree have shown: no exit is for more than that.
        The caller has made sure that our own fills are all known.
        """
        self._set_up(instrument_id, self.c.n_instruments, "instrument")
        self._tell("on_broker_net", {"instrument_id": instrument_id, "net_qty": net_qty, "ts_ns": ts_ns})
        self._advance(ts_ns)
        adopt.bound(&self.c, instrument_id, net_qty)
        self._done()
        return self._waiting()

    def set_strategy_enabled(self, int strategy_id, bint enabled):
        self._set_up(strategy_id, self.c.n_strategies, "strategy")
        self._tell("set_strategy_enabled", {"strategy_id": strategy_id, "enabled": bool(enabled)})
        self.c.strategies[strategy_id].enabled = enabled
        if not enabled and self.c.strategies[strategy_id].wait_side != 0:
            waiting.drop(&self.c, strategy_id, REASON_DISABLED)
        self._decided()

    # -------------------------------------------------------------------------------------------- what others have made
    def resume(self, int64_t run_id, int64_t ts_ns):
        """A new process goes on from a journal's state: what was not answered is in doubt, new orders carry the new run."""
        self._tell("resume", {"run_id": run_id, "ts_ns": ts_ns})
        self._advance(ts_ns)
        adopt.resume(&self.c, run_id)
        self._done()

    def adopt_bracket(
        self, int strategy_id, int side, int64_t order_qty, int64_t stop_distance_e4, int64_t ts_ns, int64_t stop_e4=0,
        int64_t ts_open_ns=0, int64_t tag_run=-1, int tag_bracket=0,
    ):
        """A bracket for orders that exist already. Its id; EngineError when the table is full. See `adopt.pyx`."""
        self._set_up(strategy_id, self.c.n_strategies, "strategy")
        if side not in (-1, 1) or order_qty <= 0 or stop_distance_e4 <= 0:
            raise EngineError("an adopted bracket has a side, a quantity and a distance of its stop")
        self._tell("adopt_bracket", {
            "strategy_id": strategy_id, "side": side, "order_qty": order_qty, "stop_distance_e4": stop_distance_e4,
            "ts_ns": ts_ns, "stop_e4": stop_e4, "ts_open_ns": ts_open_ns, "tag_run": tag_run, "tag_bracket": tag_bracket,
        })
        self._advance(ts_ns)
        id = adopt.adopt_bracket(
            &self.c, strategy_id, side, order_qty, stop_distance_e4, stop_e4, ts_open_ns, tag_run, tag_bracket)
        self._done()
        if id < 0:
            raise EngineError("no bracket is free: raise engine.max_brackets and start again")
        return id

    def adopt_order(
        self, int bracket_id, int leg, int attempt, int status, *, str cl_ord_id, str broker_order_id, int side, int64_t order_qty,
        int64_t price_e4, int64_t trigger_e4, int ord_type, int64_t ts_ns, bint by_broker=False,
    ):
        """An order of the broker's book becomes this bracket's; its row is to be reported next. Its slot, or EngineError.
        `by_broker`: an exit of the broker's own square-off.
        """
        cdef report_t r
        self._set_up(bracket_id, self.c.n_brackets, "bracket")
        self._tell("adopt_order", {
            "bracket_id": bracket_id, "leg": leg, "attempt": attempt, "status": status,
            "cl_ord_id": cl_ord_id, "broker_order_id": broker_order_id, "side": side, "order_qty": order_qty, "price_e4": price_e4,
            "trigger_e4": trigger_e4, "ord_type": ord_type, "ts_ns": ts_ns, "by_broker": bool(by_broker),
        })
        self._advance(ts_ns)
        memset(&r, 0, sizeof(r))
        _text_into(r.cl_ord_id, sizeof(r.cl_ord_id), cl_ord_id)
        _text_into(r.broker_order_id, sizeof(r.broker_order_id), broker_order_id)
        r.side = side
        r.order_qty = order_qty
        r.price_e4 = price_e4
        r.trigger_e4 = trigger_e4
        r.ord_type = ord_type
        slot = adopt.adopt_order(&self.c, bracket_id, leg, attempt, status, &r, by_broker)
        self._done()
        if slot < 0:
            raise EngineError("no order slot is free: raise engine.max_orders and start again")
        return slot

    # ------------------------------------------------------------------------------------------------- a journal's event
    def is_call_of(self, int kind, const uint8_t[::1] payload not None, frozenset names not None):
        """Is this event a CALL of one of these methods?"""
        return kind == REC_CALL and orjson.loads((<const char*>&payload[0])[:payload.shape[0]])["m"] in names

    def on_record(self, int kind, int64_t ts_ns, const uint8_t[::1] payload not None):
        """Take one event of a journal, as the world once gave it. EngineError for a record that is not an event."""
        cdef const uint8_t* p = &payload[0] if payload.shape[0] else NULL
        cdef report_t r
        cdef answer_t a
        cdef uint32_t seq
        if is_frame(kind):
            self._frame(kind, p, payload.shape[0], ts_ns)
        elif kind == REC_TIMER:
            self._timer(ts_ns)
        elif kind == REC_REPORT and payload.shape[0] == sizeof(r):
            memcpy(&r, p, sizeof(r))
            self._report(&r)
        elif kind == REC_SENT and payload.shape[0] == sizeof(seq):
            memcpy(&seq, p, sizeof(seq))
            self.on_sent(seq, ts_ns)
        elif kind == REC_ANSWER and payload.shape[0] == sizeof(a):
            memcpy(&a, p, sizeof(a))
            self.on_answer(a.seq, a.outcome, broker_order_id=(<bytes>a.broker_order_id).decode("ascii"), reason=a.reason, ts_ns=ts_ns)
        elif kind == REC_BOOK_BEGIN:
            self.on_book_begin(ts_ns)
        elif kind == REC_BOOK_END:
            self.on_book_end(ts_ns, payload.shape[0] == 0)
        elif kind == REC_CALL:
            call = orjson.loads((<const char*>p)[:payload.shape[0]])
            if call["m"] not in CALLS:
                raise EngineError(f"the journal has a call {call['m']!r} that this build does not know")
            getattr(self, call["m"])(**call["k"])
        else:
            raise EngineError(f"a journal record of kind {kind} and {payload.shape[0]} bytes is no event that this build knows")


CALLS = frozenset((
    "add_instrument", "add_key", "set_failover", "add_series",
    "add_strategy", "set_session", "set_band", "set_limits", "set_budget", "start", "on_feed",
    "on_quote", "on_halt", "on_pause", "on_flatten", "on_quarantine", "on_broker_net", "set_strategy_enabled", "resume", "adopt_bracket",
    "adopt_order", "on_traded", "on_missing",
))
"""What a CALL record may name."""
