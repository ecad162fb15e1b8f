# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""The engine: a pure state machine. Events come in with their own time, order requests come out as bytes.

`Engine` is all of it for Python: it is set up (setup.pyx), fed with events (here), and read (views.pyx). What an event does is in
pipeline.pyx. No Python object is touched between the bytes of a frame and the bytes of an order: a live feed goes from its socket
through `FeedSink` (feed_sink.pyx) to the pipeline. `on_record` takes a journal's event in the place of the world.
"""
from libc.stdint cimport int64_t, uint8_t, uint32_t
from libc.string cimport memcpy, memset, strncpy

import struct

import orjson

from otrade._core.codecs.decoders cimport wire_of
from otrade._core.codecs.interface cimport OrderEncoder
from otrade._core.engine cimport setup, views
from otrade._core.engine.pipeline cimport Pipeline
from otrade._core.journal_writer cimport JournalWriter
from otrade._core.market cimport quote
from otrade._core.orders cimport adopt, bracket, report, risk, waiting_entries as waiting
from otrade._core.state cimport find_order, touch_ahead
from otrade._core.types cimport (
    EXIT_FLATTEN, HALT_ACTIVE, MAX_FEEDS, REASON_DISABLED, REASON_HALTED, REASON_QUARANTINED, REC_ANSWER, REC_BOOK_BEGIN,
    REC_BOOK_END, REC_CALL, REC_FRAME, REC_HISTORY, REC_REPORT, REC_SENT, REC_TIMER, answer_t, bar_t, history_t, report_t,
)

from otrade._core.kernels.strategy_abi import WATCHED_BARS
from otrade._core.pack import packer
from otrade._core.types import PauseBy
from otrade.errors import EngineError

_report_bytes = packer("report_t")
_bar_bytes = struct.Struct("<9q").pack


cdef void _text_into(char* field, int cap, str text):
    """Copy a text, cut to what the field holds; what is not ASCII becomes a question mark."""
    encoded = text.encode("ascii", "replace")
    memset(field, 0, cap)
    strncpy(field, encoded, cap - 1)


cdef class Engine:
    """One trading day of one account. Sizes are fixed when it is made."""

    def __cinit__(
        self, *, int instruments, int series, int strategies, int brackets=512, int orders=4096, int commands=256,
        int notices=4096, int signals=1024, int bars=8192, int64_t run_id=0, int64_t order_timeout_ns=5_000_000_000,
        int64_t look_gap_ns=2_000_000_000, int64_t bar_grace_ns=1_500_000_000,
    ):
        self.sizes = {
            "instruments": instruments, "series": series, "strategies": strategies, "brackets": brackets, "orders": orders,
            "commands": commands, "notices": notices, "signals": signals, "bars": bars, "run_id": run_id,
            "order_timeout_ns": order_timeout_ns, "look_gap_ns": look_gap_ns, "bar_grace_ns": bar_grace_ns,
        }
        self.pipeline = Pipeline(self.sizes)
        self.c = &self.pipeline.c

    # ------------------------------------------------------------------------------------------------------ set-up
    @property
    def setup_digest(self):
        """A number of everything that shapes the core's memory: instruments, series, strategies, sessions, sizes. Cores with the
        same number understand each other's journal.
        """
        return self.pipeline.recorder.digest

    def set_run(self, int64_t run_id):
        """Tag new brackets as this run's. Before the day begins; a run that goes on from a journal uses `resume`."""
        setup.check_run(run_id)
        self.c.run_id = run_id

    def add_instrument(
        self, *, uint32_t token, int segment, str symbol, str exchange, int product, int64_t tick_size_e4,
        int64_t lot_size, int64_t freeze_qty=0, int64_t multiplier=1, int64_t band_lo_e4=0, int64_t band_hi_e4=0,
    ):
        """Add an instrument; its series follow at once. Returns its id, counted from 0."""
        return setup.add_instrument(
            self.c, self.pipeline.recorder, token, segment, symbol, exchange, product, tick_size_e4, lot_size, freeze_qty,
            multiplier, band_lo_e4, band_hi_e4,
        )

    def add_key(self, int instrument_id, str key):
        """Name an instrument as a wire of names does. Frames of such a feed find it by this name. To say it
        again changes nothing: a run that goes on may have one more feed than the run before.
        """
        setup.add_key(self.c, self.pipeline.recorder, instrument_id, key)

    def set_failover(self, int64_t failover_ns):
        """How long one of two feeds may be silent about an instrument without volume before the other one is believed."""
        setup.set_failover(self.c, self.pipeline.recorder, failover_ns)

    def add_series(self, int instrument_id, int64_t interval_ns):
        """Add a bar series to the instrument added last; its strategies follow at once. Returns its id."""
        return setup.add_series(self.c, self.pipeline.recorder, instrument_id, interval_ns)

    def add_strategy(self, int series_id, str kind, dict params, dict plan):
        """Add a strategy to the series added last. `params` and `plan` name fields of the kind's parameters and of plan_t."""
        return setup.add_strategy(self.c, self.pipeline.recorder, series_id, kind, params, plan)

    def add_compiled(self, int series_id, str build, str params, dict plan, further_ns=(), str source=""):
        """Add a strategy that has been compiled and registered (`market.strategy.register`), by its build, to the series added last.
        `params`: its parameters' bytes, hexadecimal. `further_ns`: lengths of the bars that it sees beside its own. `source`: what it
        was compiled from, for the journal.
        """
        return setup.add_compiled(
            self.c, self.pipeline.recorder, series_id, build, bytes.fromhex(params), plan, tuple(further_ns), source)

    def set_expiry(self, int instrument_id, int days):
        """Calendar days until the instrument's contract expires, today 0. One that never does is not told of."""
        setup.set_expiry(self.c, self.pipeline.recorder, instrument_id, days)

    def set_session(
        self, int instrument_id, *, int64_t open_ns, int64_t entry_from_ns, int64_t entry_until_ns,
        int64_t square_off_ns, int64_t close_ns,
    ):
        """The instrument's own day: continuous trading from open to close, our entry window and square-off inside it."""
        setup.set_session(
            self.c, self.pipeline.recorder, instrument_id, open_ns, entry_from_ns, entry_until_ns, square_off_ns, close_ns,
        )

    def set_band(self, int instrument_id, int64_t band_lo_e4, int64_t band_hi_e4):
        """The price band as the morning read it, 0 for none: of unknown age, so that it clamps nothing until a quote says it anew."""
        setup.set_band(self.c, self.pipeline.recorder, instrument_id, band_lo_e4, band_hi_e4)

    def set_charges(
        self, int instrument_id, *, dict own not None, dict same_day not None, int64_t dp_e4, int64_t square_off_e4,
        bint is_delivery, int dp_at, bint known,
    ):
        """What orders of an instrument cost in its product: `own` and `same_day` as segment_rates_t, in units of 1e-12 of the value.
        `dp_at`: the instrument that stands for the scrip at the depository. `known` is False where a rate is missing; without this
        call nothing is known, and nothing is charged.
        """
        setup.set_charges(
            self.c, self.pipeline.recorder, instrument_id, own, same_day, dp_e4, square_off_e4, is_delivery, dp_at, known)

    def set_limits(
        self, *, int64_t max_order_qty=0, int64_t max_order_notional_e4=0, int64_t max_open_positions=0,
        int64_t max_trades=0, int64_t max_daily_loss_e4=0, int64_t max_drawdown_e4=0, int64_t stale_feed_ns=0,
        bint flatten_on_limit=False, int px_jump_bps_max=2000, int64_t entry_wait_ns=0,
    ):
        """Risk limits; 0 means no limit. They are for a whole decision, all of its slices together. `entry_wait_ns`: for how long an
        entry may wait for the rate budget. May be changed while running.
        """
        setup.set_limits(
            self.c, self.pipeline.recorder, max_order_qty, max_order_notional_e4, max_open_positions, max_trades,
            max_daily_loss_e4, max_drawdown_e4, stale_feed_ns, flatten_on_limit, px_jump_bps_max, entry_wait_ns,
        )

    def set_budget(
        self, *, int64_t per_second=0, int64_t per_minute=0, int64_t per_half_hour=0, int64_t per_day=0,
        int64_t reserve_second=0, int64_t reserve_minute=0, int64_t reserve_half_hour=0, int64_t reserve_day=0,
        int64_t modifies_per_order=25, int64_t day_used=0, int64_t half_hour_used=0,
    ):
        """The broker's request limits, 0 meaning none, and the reserve of each that entries may not touch. `half_hour_used`: so many
        requests of the last half hour are known at least, whoever sent them.
        """
        setup.set_budget(
            self.c, self.pipeline.recorder, per_second, per_minute, per_half_hour, per_day, reserve_second, reserve_minute,
            reserve_half_hour, reserve_day, modifies_per_order, day_used, half_hour_used,
        )
        risk.count_earlier(self.c, half_hour_used)

    def set_encoder(self, OrderEncoder encoder not None):
        self.pipeline.recorder.encoder = encoder

    def open_journal(self, JournalWriter journal not None, bytes hello not None, int64_t ts_ns, make_room=None):
        """Write every further event and decision into `journal`, after a HELLO record and the set-up so far. That is written at once,
        however much it is: `make_room` is called whenever there is no room for the next record.
        """
        self.pipeline.recorder.open(self.c, journal, hello, ts_ns, make_room)

    cdef _tell(self, str method, dict given):
        self.pipeline.recorder.tell(method, given, self.c.now_ns)

    # ------------------------------------------------------------------------------------------------------ events
    def start(self, int64_t ts_ns):
        """Begin the day. Nothing is traded before a feed is alive."""
        if self.pipeline.recorder.encoder is None:
            raise EngineError("set_encoder comes before start")
        self._tell("start", {"ts_ns": ts_ns})
        self.pipeline.recorder.told = None
        self.pipeline.advance(ts_ns)

    def on_history(
        self, bars not None, int64_t ts_ns, *, int series_id, int strategy_id=-1, int n_left=0, int64_t ts_from_ns=0,
    ):
        """Bars (ts_open_ns, ts_end_ns, open, high, low, close, volume) of a time in which this engine did not listen, the oldest first.
        Closed ones are for one strategy of the series, or one that sees its length beside its own, and `n_left` more of them follow by
        further calls. Without a strategy: the one bar
        that runs now, or none where that is not known, and from when on the series makes bars. Before the series has any bar of its own.
        """
        cdef history_t head
        memset(&head, 0, sizeof(head))
        head.series_id, head.strategy_id, head.n_bars, head.n_left = series_id, strategy_id, len(bars), n_left
        head.ts_from_ns = ts_from_ns
        self._history((<const char*>&head)[:sizeof(head)] + b"".join([_bar_bytes(*bar, 0, 0) for bar in bars]), ts_ns)

    cdef _history(self, bytes payload, int64_t ts_ns):
        """Look at a HISTORY record's payload, and take it."""
        cdef const history_t* h = <const history_t*><const char*>payload
        cdef size_t n = len(payload)
        if n < sizeof(history_t) or h.n_bars < 0 or h.n_left < 0 or n != sizeof(history_t) + <size_t>h.n_bars * sizeof(bar_t):
            raise EngineError("a record of bars of the past has another length than it says")
        cdef const bar_t* bars = <const bar_t*>(<const char*>payload + sizeof(history_t))
        setup.check_history(self.c, h, bars, ts_ns)
        self.pipeline.on_history(h, ts_ns)

    def on_frame_bytes(self, const uint8_t[::1] payload, int64_t ts_recv_ns, int kind=REC_FRAME):
        """One frame of a feed, journalled and read as a record of this kind. Returns how many commands are waiting. For replays and
        tests: a live feed has a `FeedSink`.
        """
        if wire_of(kind) == NULL:
            raise EngineError(f"a journal record of kind {kind} is no frame")
        if payload.shape[0] == 0:
            return self.pipeline.on_frame(kind, NULL, 0, ts_recv_ns)
        return self.pipeline.on_frame(kind, &payload[0], payload.shape[0], ts_recv_ns)

    def on_timer(self, int64_t ts_ns):
        """Time has passed: close due bars, expire, square off, chase, look for what is in doubt."""
        return self.pipeline.on_timer(ts_ns)

    def next_timer_ns(self):
        """The earliest time at which `on_timer` has something to do, or 0. Between frames the 100 ms beat covers the rest."""
        return self.pipeline.next_timer_ns()

    def next_beat_ns(self, int64_t now_ns):
        """When `on_timer` is to be called next, after a beat now."""
        return self.pipeline.next_beat_ns(now_ns)

    def touch_ahead(self):
        """Have the memory of the next decisions in place. Belongs on the beat; changes nothing."""
        touch_ahead(self.c)

    def on_report(self, order_report not None):
        """7 report: what the broker said about one order, an object with the fields of `report_t` (`OrderReport`). Returns 0 or the
        Reason why it changed nothing.
        """
        cdef report_t r
        cdef bytes told = _report_bytes(order_report)
        if len(told) != sizeof(r):
            raise EngineError("report_t has gaps that its layout does not spell")
        memcpy(&r, <const char*>told, sizeof(r))
        return self.pipeline.on_report(&r)

    def on_sent(self, uint32_t seq, int64_t ts_ns):
        """The last byte of request `seq` has been handed to the kernel."""
        self.pipeline.recorder.event(REC_SENT, ts_ns, &seq, sizeof(seq))
        self.pipeline.advance(ts_ns)
        report.on_sent(self.c, seq)

    def on_answer(self, uint32_t seq, int outcome, *, str broker_order_id="", int reason=0, int64_t ts_ns):
        """The broker's answer to request `seq`: Ev.ACK, Ev.REFUSED, or Ev.TIMEOUT for anything that leaves it in doubt."""
        cdef answer_t a
        memset(&a, 0, sizeof(a))
        a.seq = seq
        a.outcome = outcome
        a.reason = reason
        _text_into(a.broker_order_id, sizeof(a.broker_order_id), broker_order_id)
        return self.pipeline.on_answer(&a, ts_ns)

    def on_book_begin(self, int64_t ts_request_ns):
        """Rows of an order book follow as reports; the book was asked for at `ts_request_ns`."""
        self.pipeline.recorder.event(REC_BOOK_BEGIN, ts_request_ns, NULL, 0)
        report.on_book_begin(self.c, ts_request_ns)

    def on_book_end(self, int64_t ts_ns, bint proves=True):
        """All rows have come. `proves`: what is not in this book is not at the broker. False leaves one byte in the record."""
        cdef uint8_t lacks = 1
        self.pipeline.recorder.event(REC_BOOK_END, ts_ns, &lacks, 0 if proves else 1)
        self.pipeline.advance(ts_ns)
        report.on_book_end(self.c, proves)
        self.pipeline.done()
        return self.pipeline.n_waiting()

    def on_traded(self, str broker_order_id, int64_t qty, int64_t value_e4, int64_t ts_ns):
        """What an order has traded so far by the broker's list of trades. 0, or UNKNOWN_ORDER."""
        self._tell("on_traded", {"broker_order_id": broker_order_id, "qty": qty, "value_e4": value_e4, "ts_ns": ts_ns})
        self.pipeline.advance(ts_ns)
        result = report.on_traded(self.c, broker_order_id.encode("ascii", "replace"), qty, value_e4)
        self.pipeline.recorder.decided(self.c)
        return result

    def on_missing(self, str broker_order_id, bint proven, int64_t ts_ns):
        """Whole books no longer show an order that stood. `proven`: the broker, asked for it alone, knows no such order."""
        self._tell("on_missing", {"broker_order_id": broker_order_id, "proven": bool(proven), "ts_ns": ts_ns})
        self.pipeline.advance(ts_ns)
        result = report.on_missing(self.c, broker_order_id.encode("ascii", "replace"), proven)
        self.pipeline.recorder.decided(self.c)
        return result

    def on_feed(self, bint alive, int64_t ts_ns, int feed=0):
        """A feed came up or went down. Entries need one, exits do not."""
        setup.check_id(feed, MAX_FEEDS, "feed")
        self._tell("on_feed", {"alive": bool(alive), "ts_ns": ts_ns, "feed": feed})
        self.pipeline.advance(ts_ns)
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
        setup.check_id(instrument_id, self.c.n_instruments, "instrument")
        self._tell("on_quote", {
            "instrument_id": instrument_id, "ts_ask_ns": ts_ask_ns, "ts_ns": ts_ns, "source": source, "ltp_e4": ltp_e4,
            "bid_px_e4": bid_px_e4, "ask_px_e4": ask_px_e4, "band_lo_e4": band_lo_e4, "band_hi_e4": band_hi_e4,
        })
        self.pipeline.advance(ts_ns)
        is_other_band = quote.take(self.c, instrument_id, ts_ask_ns, ltp_e4, bid_px_e4, ask_px_e4, band_lo_e4, band_hi_e4)
        bracket.on_quote(self.c, instrument_id, is_other_band)
        self.pipeline.recorder.decided(self.c)
        return self.pipeline.n_waiting()

    def on_halt(self, int halt, int reason, int64_t ts_ns):
        """Set the halt state. The caller has checked who may lower it."""
        self._tell("on_halt", {"halt": halt, "reason": reason, "ts_ns": ts_ns})
        self.pipeline.advance(ts_ns)
        risk.set_halt(self.c, halt, reason)
        if halt != HALT_ACTIVE:
            bracket.cancel_entries(self.c, -1, REASON_HALTED)
        self.pipeline.done()
        return self.pipeline.n_waiting()

    def on_pause(self, bint paused, int64_t ts_ns, int by=PauseBy.PERSON):
        """No new entries while anybody (PauseBy) pauses; everything else goes on."""
        self._tell("on_pause", {"paused": bool(paused), "ts_ns": ts_ns, "by": by})
        self.pipeline.advance(ts_ns)
        if paused:
            self.c.paused |= by
            waiting.clear(self.c, -1, REASON_HALTED)
        else:
            self.c.paused &= ~by
        self.pipeline.recorder.decided(self.c)

    def on_flatten(self, int instrument_id, int64_t ts_ns):
        """Exit every bracket (-1), or those of one instrument."""
        self._tell("on_flatten", {"instrument_id": instrument_id, "ts_ns": ts_ns})
        self.pipeline.advance(ts_ns)
        bracket.flatten(self.c, instrument_id, EXIT_FLATTEN)
        self.pipeline.done()
        return self.pipeline.n_waiting()

    def on_quarantine(self, int instrument_id, bint quarantined, int64_t ts_ns):
        """An instrument whose state cannot be explained takes no entries until it is released; those that rest leave the market."""
        setup.check_id(instrument_id, self.c.n_instruments, "instrument")
        self._tell("on_quarantine", {"instrument_id": instrument_id, "quarantined": bool(quarantined), "ts_ns": ts_ns})
        self.pipeline.advance(ts_ns)
        if self.c.instruments[instrument_id].quarantined != quarantined:
            self.c.instruments[instrument_id].quarantined = quarantined
            if quarantined:
                bracket.cancel_entries(self.c, instrument_id, REASON_QUARANTINED)
            risk.note_quarantine(self.c, instrument_id, quarantined)
        self.pipeline.done()

    def on_broker_net(self, int instrument_id, int64_t net_qty, int64_t ts_ns):
        """The broker holds so much of an instrument, in its product, as looks that agree have shown: no exit is for more than that.
        The caller has made sure that our own fills are all known.
        """
        setup.check_id(instrument_id, self.c.n_instruments, "instrument")
        self._tell("on_broker_net", {"instrument_id": instrument_id, "net_qty": net_qty, "ts_ns": ts_ns})
        self.pipeline.advance(ts_ns)
        adopt.bound(self.c, instrument_id, net_qty)
        self.pipeline.done()
        return self.pipeline.n_waiting()

    def set_strategy_enabled(self, int strategy_id, bint enabled):
        setup.check_id(strategy_id, self.c.n_strategies, "strategy")
        self._tell("set_strategy_enabled", {"strategy_id": strategy_id, "enabled": bool(enabled)})
        self.c.strategies[strategy_id].enabled = enabled
        if not enabled and self.c.strategies[strategy_id].wait_side != 0:
            waiting.drop(self.c, strategy_id, REASON_DISABLED)
        self.pipeline.recorder.decided(self.c)

    # -------------------------------------------------------------------------------------------- what others have made
    def resume(self, int64_t run_id, int64_t ts_ns):
        """A new process goes on from a journal's state: what was not answered is in doubt, new orders carry the new run."""
        self._tell("resume", {"run_id": run_id, "ts_ns": ts_ns})
        self.pipeline.advance(ts_ns)
        adopt.resume(self.c, run_id)
        self.pipeline.done()

    def adopt_bracket(
        self, int strategy_id, int side, int64_t order_qty, int64_t stop_distance_e4, int64_t ts_ns, int64_t stop_e4=0,
        int64_t ts_open_ns=0, int64_t tag_run=-1, int tag_bracket=0, int slice_of=-1,
    ):
        """A bracket for orders that exist already. Its id; EngineError when the table is full. See `adopt.pyx`."""
        setup.check_id(strategy_id, self.c.n_strategies, "strategy")
        if side not in (-1, 1) or order_qty <= 0 or stop_distance_e4 <= 0:
            raise EngineError("an adopted bracket has a side, a quantity and a distance of its stop")
        if slice_of >= self.c.n_brackets or slice_of >= 0 and self.c.brackets[slice_of].strategy_id != strategy_id:
            raise EngineError("an adopted slice belongs to a bracket of the same strategy")
        self._tell("adopt_bracket", {
            "strategy_id": strategy_id, "side": side, "order_qty": order_qty, "stop_distance_e4": stop_distance_e4,
            "ts_ns": ts_ns, "stop_e4": stop_e4, "ts_open_ns": ts_open_ns, "tag_run": tag_run, "tag_bracket": tag_bracket,
            "slice_of": slice_of,
        })
        self.pipeline.advance(ts_ns)
        id = adopt.adopt_bracket(
            self.c, strategy_id, side, order_qty, stop_distance_e4, stop_e4, ts_open_ns, tag_run, tag_bracket, slice_of)
        self.pipeline.done()
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
        setup.check_id(bracket_id, self.c.n_brackets, "bracket")
        self._tell("adopt_order", {
            "bracket_id": bracket_id, "leg": leg, "attempt": attempt, "status": status,
            "cl_ord_id": cl_ord_id, "broker_order_id": broker_order_id, "side": side, "order_qty": order_qty, "price_e4": price_e4,
            "trigger_e4": trigger_e4, "ord_type": ord_type, "ts_ns": ts_ns, "by_broker": bool(by_broker),
        })
        self.pipeline.advance(ts_ns)
        memset(&r, 0, sizeof(r))
        _text_into(r.cl_ord_id, sizeof(r.cl_ord_id), cl_ord_id)
        _text_into(r.broker_order_id, sizeof(r.broker_order_id), broker_order_id)
        r.side = side
        r.order_qty = order_qty
        r.price_e4 = price_e4
        r.trigger_e4 = trigger_e4
        r.ord_type = ord_type
        slot = adopt.adopt_order(self.c, bracket_id, leg, attempt, status, &r, by_broker)
        self.pipeline.done()
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
        if wire_of(kind) != NULL:
            self.pipeline.on_frame(kind, p, payload.shape[0], ts_ns)
        elif kind == REC_TIMER:
            self.pipeline.on_timer(ts_ns)
        elif kind == REC_REPORT and payload.shape[0] == sizeof(r):
            memcpy(&r, p, sizeof(r))
            self.pipeline.on_report(&r)
        elif kind == REC_SENT and payload.shape[0] == sizeof(seq):
            memcpy(&seq, p, sizeof(seq))
            self.on_sent(seq, ts_ns)
        elif kind == REC_ANSWER and payload.shape[0] == sizeof(a):
            memcpy(&a, p, sizeof(a))
            self.on_answer(a.seq, a.outcome, broker_order_id=(<bytes>a.broker_order_id).decode("ascii"), reason=a.reason, ts_ns=ts_ns)
        elif kind == REC_HISTORY:
            self._history(bytes(payload), ts_ns)
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

    # ------------------------------------------------------------------------------------------------------ views
    def take_command(self):
        return views.take_command(self.c)

    def discard_commands(self):
        """Forget the waiting commands: in a replay nothing leaves."""
        self.c.command_head = self.c.command_tail

    def take_notices(self):
        return views.take_notices(self.c)

    def take_signals(self):
        return views.take_signals(self.c)

    def take_bars(self):
        return views.take_bars(self.c)

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
    def n_unvalued(self):
        """Orders that have filled at prices which nobody has told yet: profit is provisional while there are any."""
        return self.c.risk.n_unvalued

    @property
    def n_rounded(self):
        """Orders whose value is only a broker's average of."""
        return self.c.risk.n_rounded

    @property
    def n_quarantined(self):
        return views.n_quarantined(self.c)

    @property
    def now_ns(self):
        return self.c.now_ns

    def instrument(self, int i):
        return views.instrument_row(self.c, i)

    def quotes_wanted(self, int64_t now_ns):
        return views.quotes_wanted(self.c, now_ns)

    def first_phase(self):
        return views.first_phase(self.c)

    def newest_tick_ns(self):
        return views.newest_tick_ns(self.c)

    def newest_exchange_ns(self):
        return views.newest_exchange_ns(self.c)

    def market(self, int i):
        return views.market_row(self.c, i)

    def series(self, int i):
        return views.series_row(self.c, i)

    def strategy(self, int i):
        return views.strategy_row(self.c, i)

    def watch(self, int strategy_id, values, int64_t n_bars=WATCHED_BARS):
        """Keep these numbers (`strategy_abi.WatchedValue`) of each bar that the strategy sees from now on: for people, and in no journal."""
        views.watch(self.c, strategy_id, values, n_bars)

    def watched(self, int strategy_id, int64_t after_ns=0):
        """What has been kept of the bars that ended after a moment: (begin, end, numbers), oldest first. None: not known then."""
        return views.watched(self.c, strategy_id, after_ns)

    def bracket(self, int i):
        return views.bracket_row(self.c, i)

    def order(self, int i):
        return views.order_row(self.c, i)

    def position(self, int i):
        return views.position_row(self.c, i)

    def order_mark(self, int i):
        return views.order_mark(self.c, i)

    def bracket_mark(self, int i):
        return views.bracket_mark(self.c, i)

    def instrument_mark(self, int i):
        return views.instrument_mark(self.c, i)

    def live_sums(self):
        return views.live_sums(self.c)

    def live_of_strategies(self):
        return views.live_of_strategies(self.c)

    def live_brackets(self):
        """Ids of the brackets that are not closed."""
        return [self.c.live[i] for i in range(self.c.n_live)]

    def find_order(self, str cl_ord_id, str broker_order_id):
        """Slot of an order by its tag or, when it has none of ours, by the broker's id; -1 when it is not ours."""
        return find_order(self.c, cl_ord_id.encode("ascii", "replace"), broker_order_id.encode("ascii", "replace"))

    def known_ids(self, int64_t before_ns):
        return views.known_ids(self.c, before_ns)

    def unvalued_fills(self):
        return views.unvalued_fills(self.c)

    def risk(self):
        return views.risk_row(self.c)

    def budget(self):
        return views.budget_row(self.c)

    def limits(self):
        """The risk limits in force; 0 is none."""
        return self.c.limits

    def counters(self):
        return views.counters_row(self.c)


CALLS = frozenset((
    "add_instrument", "add_key", "set_failover", "add_series",
    "add_strategy", "add_compiled", "set_expiry", "set_session", "set_band", "set_charges", "set_limits", "set_budget", "start", "on_feed",
    "on_quote", "on_halt", "on_pause", "on_flatten", "on_quarantine", "on_broker_net", "set_strategy_enabled", "resume", "adopt_bracket",
    "adopt_order", "on_traded", "on_missing",
))
"""What a CALL record may name."""
