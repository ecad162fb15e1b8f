# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Upstox's wire: the protobuf messages of market data feed v3 into `tick_t`, commands into HTTP order requests (v3).

The reader walks protobuf's wire format (https://protobuf.dev/programming-guides/encoding/) directly: tags, varints, 64-bit and
length-delimited fields. Fields that it does not know are skipped, because the feed gains some without notice; repeated
sub-messages merge and the last scalar wins, as every protobuf reader does. Prices are doubles in rupees and become
ten-thousandths, half away from zero.

A message brings parts: the feed sends what has changed, and a full-mode message without depth, without candles, or with nothing
but depth is usual. A part that is there sets its bit of `Has`; a field that is absent is 0 and has no bit. A scalar of 0 is not
on the wire (proto3), so it counts as absent.

Nothing here allocates, holds state, or reads past the length it was given.
"""
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from otrade._core.types cimport MAX_DEPTH as DEPTH
from otrade._core.types cimport (
    CMD_CANCEL, CMD_NEW, CMD_REPLACE, HAS_AVERAGE, HAS_DEPTH, HAS_OFFERED, HAS_OI, HAS_QUOTE, HAS_TRADE, HAS_VOLUME, HAS_WANTED,
    PRODUCT_CNC, PRODUCT_MIS, PRODUCT_NRML, REASON_ENCODE, REASON_FRAME_HEARTBEAT, REASON_FRAME_LENGTH,
    REASON_FRAME_SHORT, REASON_OK, REASON_PACKET_KIND, REASON_PRICE_ABSURD, REASON_PRICE_ZERO, SIDE_BUY, SIDE_SELL,
    TIF_DAY, TIF_IOC, TYPE_LIMIT, TYPE_MARKET, TYPE_SL, TYPE_SL_M, command_t, tick_t,
)
from otrade._core.codecs.interface cimport PACKET, OrderEncoder, decoder_t, frame_t, packet_t
from otrade._core.writer cimport put, put_decimal, put_escaped, put_json_text, put_number, writer_t

cdef enum:
    VARINT = 0
    FIXED64 = 1
    BYTES = 2
    FIXED32 = 5
    BODY_BYTES = 512
    PROTECTION_MAX_E2 = 2500
    KIND_LTPC = 1  # the three oneofs of a Feed, as `tick_t.kind`
    KIND_FULL = 2
    KIND_LEVEL = 3
    KIND_INDEX = 4  # a full feed of an index: no depth

cdef int64_t NS_IN_MS = 1_000_000
cdef int64_t MS_MAX = 9_000_000_000_000  # beyond it nanoseconds do not fit
cdef size_t TICK_BYTES = sizeof(tick_t)
cdef double PX_MAX = 1e11  # rupees; beyond it is no price


# --------------------------------------------------------------------------------------------------------------- protobuf in
cdef struct field_t:
    uint32_t number
    uint32_t kind
    uint64_t value  # a varint, or the bits of a fixed number
    const uint8_t* p  # length-delimited: where its bytes are
    Py_ssize_t n


cdef inline int take_varint(const uint8_t** at, const uint8_t* end, uint64_t* out) noexcept nogil:
    """0, or 1 when it is cut or longer than ten bytes."""
    cdef const uint8_t* p = at[0]
    cdef uint64_t v = 0
    cdef int shift = 0
    if p < end and p[0] < 128:
        out[0] = p[0]
        at[0] = p + 1
        return 0
    while p < end and shift < 70:
        v |= <uint64_t>(p[0] & 127) << shift
        if p[0] < 128:
            out[0] = v
            at[0] = p + 1
            return 0
        shift += 7
        p += 1
    return 1


cdef inline int take_field(const uint8_t** at, const uint8_t* end, field_t* f) noexcept nogil:
    """1 and a field, 0 at the end, -1 when the bytes are no protobuf. Groups, long gone from the language, are refused."""
    cdef uint64_t tag, n
    cdef uint32_t bits
    if at[0] == end:
        return 0
    if take_varint(at, end, &tag) or tag >> 3 == 0 or tag >> 32 != 0:
        return -1
    f.number = <uint32_t>(tag >> 3)
    f.kind = <uint32_t>(tag & 7)
    if f.kind == FIXED64:
        if end - at[0] < 8:
            return -1
        memcpy(&f.value, at[0], 8)
        at[0] += 8
    elif f.kind == VARINT:
        if take_varint(at, end, &f.value):
            return -1
    elif f.kind == BYTES:
        if take_varint(at, end, &n) or n > <uint64_t>(end - at[0]):
            return -1
        f.p = at[0]
        f.n = <Py_ssize_t>n
        at[0] += n
    elif f.kind == FIXED32:
        if end - at[0] < 4:
            return -1
        memcpy(&bits, at[0], 4)
        f.value = bits
        at[0] += 4
    else:
        return -1
    return 1


cdef inline double as_double(const field_t* f) noexcept nogil:
    cdef double x
    memcpy(&x, &f.value, 8)
    return x


cdef inline int64_t rounded(double x, double scale, bint* bad) noexcept nogil:
    """x * scale to the nearest integer; NaN, infinity and what no market has set `bad` and give 0."""
    if not -PX_MAX < x < PX_MAX:
        bad[0] = True
        return 0
    return <int64_t>(x * scale + (0.5 if x >= 0 else -0.5))


cdef inline int64_t e4(const field_t* f, bint* bad) noexcept nogil:
    return rounded(as_double(f), 10_000.0, bad)


cdef inline int64_t whole(const field_t* f) noexcept nogil:
    """A quantity that Upstox sends as a double. What is not a number counts as none."""
    cdef bint bad = False
    return rounded(as_double(f), 1.0, &bad)


cdef inline int64_t time_ns(const field_t* f) noexcept nogil:
    """Milliseconds since the epoch as nanoseconds; 0 for what no clock shows."""
    cdef int64_t ms = <int64_t>f.value
    return ms * NS_IN_MS if 0 < ms < MS_MAX else 0


cdef int take_ltpc(const uint8_t* p, Py_ssize_t n, tick_t* out, bint* bad) noexcept nogil:
    cdef const uint8_t* end = p + n
    cdef field_t f
    cdef int got
    while True:
        got = take_field(&p, end, &f)
        if got <= 0:
            return got
        if f.kind == FIXED64:
            if f.number == 1:
                out.ltp_e4 = e4(&f, bad)
                out.has |= HAS_TRADE
            elif f.number == 4:
                out.close_e4 = e4(&f, bad)
        elif f.kind == VARINT:
            if f.number == 2:
                out.ts_trade_ns = time_ns(&f)
            elif f.number == 3:
                out.ltq = <int64_t>f.value


cdef int take_quote(const uint8_t* p, Py_ssize_t n, int level, tick_t* out, bint* bad) noexcept nogil:
    """One level of depth; levels beyond the fifth are walked and forgotten."""
    cdef const uint8_t* end = p + n
    cdef field_t f
    cdef int got
    while True:
        got = take_field(&p, end, &f)
        if got <= 0:
            return got
        if level >= DEPTH:
            continue
        if f.kind == VARINT:
            if f.number == 1:
                out.bid_qty[level] = <int64_t>f.value
            elif f.number == 3:
                out.ask_qty[level] = <int64_t>f.value
        elif f.kind == FIXED64:
            if f.number == 2:
                out.bid_px_e4[level] = e4(&f, bad)
            elif f.number == 4:
                out.ask_px_e4[level] = e4(&f, bad)


cdef int take_depth(const uint8_t* p, Py_ssize_t n, tick_t* out, bint* bad) noexcept nogil:
    cdef const uint8_t* end = p + n
    cdef field_t f
    cdef int got, level = 0
    while True:
        got = take_field(&p, end, &f)
        if got <= 0:
            return got
        if f.number == 1 and f.kind == BYTES:
            if take_quote(f.p, f.n, level, out, bad) < 0:
                return -1
            level += 1


cdef int take_candle(const uint8_t* p, Py_ssize_t n, tick_t* out, bint* bad) noexcept nogil:
    """The day's candle gives open, high and low; the others (a minute, half an hour) are ours to make."""
    cdef const uint8_t* end = p + n
    cdef int64_t open_e4 = 0, high_e4 = 0, low_e4 = 0
    cdef bint is_day = False, odd = False
    cdef field_t f
    cdef int got
    while True:
        got = take_field(&p, end, &f)
        if got <= 0:
            break
        if f.number == 1 and f.kind == BYTES:
            is_day = f.n == 2 and f.p[0] == c"1" and f.p[1] == c"d"
        elif f.kind == FIXED64:
            if f.number == 2:
                open_e4 = e4(&f, &odd)
            elif f.number == 3:
                high_e4 = e4(&f, &odd)
            elif f.number == 4:
                low_e4 = e4(&f, &odd)
    if got == 0 and is_day:
        out.open_e4 = open_e4
        out.high_e4 = high_e4
        out.low_e4 = low_e4
        out.has |= HAS_QUOTE
        if odd:
            bad[0] = True
    return got


cdef int take_candles(const uint8_t* p, Py_ssize_t n, tick_t* out, bint* bad) noexcept nogil:
    cdef const uint8_t* end = p + n
    cdef field_t f
    cdef int got
    while True:
        got = take_field(&p, end, &f)
        if got <= 0:
            return got
        if f.number == 1 and f.kind == BYTES and take_candle(f.p, f.n, out, bad) < 0:
            return -1


cdef int take_market(const uint8_t* p, Py_ssize_t n, tick_t* out, bint* bad) noexcept nogil:
    cdef const uint8_t* end = p + n
    cdef field_t f
    cdef int got, sub
    while True:
        got = take_field(&p, end, &f)
        if got <= 0:
            return got
        sub = 0
        if f.kind == BYTES:
            if f.number == 1:
                sub = take_ltpc(f.p, f.n, out, bad)
            elif f.number == 2:
                sub = take_depth(f.p, f.n, out, bad)
                out.has |= HAS_DEPTH
            elif f.number == 4:
                sub = take_candles(f.p, f.n, out, bad)
        elif f.kind == FIXED64:
            if f.number == 5:
                out.avg_px_e4 = e4(&f, bad)
                out.has |= HAS_AVERAGE
            elif f.number == 7:
                out.oi = whole(&f)
                out.has |= HAS_OI
            elif f.number == 9:
                out.buy_qty = whole(&f)
                out.has |= HAS_WANTED
            elif f.number == 10:
                out.sell_qty = whole(&f)
                out.has |= HAS_OFFERED
        elif f.kind == VARINT and f.number == 6:
            out.volume = <int64_t>f.value
            out.has |= HAS_VOLUME
        if sub < 0:
            return -1


cdef int take_index(const uint8_t* p, Py_ssize_t n, tick_t* out, bint* bad) noexcept nogil:
    cdef const uint8_t* end = p + n
    cdef field_t f
    cdef int got, sub
    while True:
        got = take_field(&p, end, &f)
        if got <= 0:
            return got
        sub = 0
        if f.kind == BYTES:
            if f.number == 1:
                sub = take_ltpc(f.p, f.n, out, bad)
            elif f.number == 2:
                sub = take_candles(f.p, f.n, out, bad)
        if sub < 0:
            return -1


cdef int take_level(const uint8_t* p, Py_ssize_t n, tick_t* out, bint* bad) noexcept nogil:
    """FirstLevelWithGreeks: the greeks are not ours."""
    cdef const uint8_t* end = p + n
    cdef field_t f
    cdef int got, sub
    while True:
        got = take_field(&p, end, &f)
        if got <= 0:
            return got
        sub = 0
        if f.kind == BYTES:
            if f.number == 1:
                sub = take_ltpc(f.p, f.n, out, bad)
            elif f.number == 2:
                sub = take_quote(f.p, f.n, 0, out, bad)
                out.has |= HAS_DEPTH
        elif f.kind == VARINT and f.number == 4:
            out.volume = <int64_t>f.value
            out.has |= HAS_VOLUME
        elif f.kind == FIXED64 and f.number == 5:
            out.oi = whole(&f)
            out.has |= HAS_OI
        if sub < 0:
            return -1


cdef inline void forget(tick_t* out) noexcept nogil:
    """Another member of a oneof takes the place of what was read before."""
    memset(out, 0, TICK_BYTES)


cdef int take_full(const uint8_t* p, Py_ssize_t n, tick_t* out, bint* bad) noexcept nogil:
    cdef const uint8_t* end = p + n
    cdef field_t f
    cdef int got, sub
    while True:
        got = take_field(&p, end, &f)
        if got <= 0:
            return got
        sub = 0
        if f.kind == BYTES and f.number == 1:
            if out.kind != KIND_FULL:
                forget(out)
                bad[0] = False
            out.kind = KIND_FULL
            sub = take_market(f.p, f.n, out, bad)
        elif f.kind == BYTES and f.number == 2:
            if out.kind != KIND_INDEX:
                forget(out)
                bad[0] = False
            out.kind = KIND_INDEX
            sub = take_index(f.p, f.n, out, bad)
        if sub < 0:
            return -1


cdef int decode_feed(const uint8_t* p, Py_ssize_t n, int64_t ts_frame_ns, tick_t* out) noexcept nogil:
    """One Feed. `ts_exch_ns` is the frame's own time or, when that is not said, its last trade's. See the `.pxd` for the codes."""
    cdef const uint8_t* end = p + n
    cdef bint bad = False
    cdef field_t f
    cdef int got, sub
    memset(out, 0, TICK_BYTES)
    while True:
        got = take_field(&p, end, &f)
        if got <= 0:
            break
        sub = 0
        if f.kind == BYTES:
            if f.number == 1:
                if out.kind != KIND_LTPC:
                    forget(out)
                    bad = False
                out.kind = KIND_LTPC
                sub = take_ltpc(f.p, f.n, out, &bad)
            elif f.number == 2:
                if out.kind != KIND_FULL and out.kind != KIND_INDEX:
                    forget(out)
                    bad = False
                sub = take_full(f.p, f.n, out, &bad)
            elif f.number == 3:
                if out.kind != KIND_LEVEL:
                    forget(out)
                    bad = False
                out.kind = KIND_LEVEL
                sub = take_level(f.p, f.n, out, &bad)
        if sub < 0:
            got = -1
            break
    if got < 0:
        return REASON_FRAME_LENGTH
    if out.kind == 0:
        return REASON_PACKET_KIND
    out.tradable = out.kind != KIND_INDEX
    out.ts_exch_ns = ts_frame_ns if ts_frame_ns > 0 else out.ts_trade_ns
    if bad:
        return REASON_PRICE_ABSURD
    if out.ltp_e4 > 0 or (not out.has & HAS_TRADE and out.kind != KIND_LTPC):
        return REASON_OK
    return REASON_PRICE_ZERO


cdef int64_t check_frame(const uint8_t* buf, Py_ssize_t n) noexcept nogil:
    """Walk the top level once: a frame that ends in the middle of an entry must not move half of its instruments."""
    cdef const uint8_t* p = buf
    cdef const uint8_t* end = buf + n
    cdef int64_t ts_ns = 0
    cdef field_t f
    cdef int got
    if n == 0:
        return -REASON_FRAME_SHORT
    while True:
        got = take_field(&p, end, &f)
        if got < 0:
            return -REASON_FRAME_LENGTH
        if got == 0:
            return ts_ns
        if f.number == 3 and f.kind == VARINT:
            ts_ns = time_ns(&f)


cdef int next_feed(const uint8_t* buf, Py_ssize_t n, Py_ssize_t* pos, packet_t* out) noexcept nogil:
    """The next entry of the map `feeds`. An entry without a key or a value has an empty one, as protobuf says."""
    cdef const uint8_t* p = buf + pos[0]
    cdef const uint8_t* end = buf + n
    cdef const uint8_t* entry
    cdef field_t f, g
    cdef int got
    while take_field(&p, end, &f) > 0:
        if f.number != 2 or f.kind != BYTES:
            continue
        out.key = out.body = f.p
        out.key_n = out.n = 0
        entry = f.p
        while True:
            got = take_field(&entry, f.p + f.n, &g)
            if got <= 0:
                break
            if g.kind == BYTES and g.number == 1:
                out.key = g.p
                out.key_n = g.n
            elif g.kind == BYTES and g.number == 2:
                out.body = g.p
                out.n = g.n
        if got < 0:  # the entry's own bytes are wrong: it is handed out so that it is refused and counted
            out.key_n = 0
        pos[0] = p - buf
        return 1
    pos[0] = n
    return 0


cdef int _next(frame_t* frame, packet_t* out) noexcept nogil:
    """The next entry. A frame is checked whole before the first one; a frame without any says that the feed lives."""
    cdef bint is_first = frame.left < 0
    cdef Py_ssize_t pos = 0
    cdef int found
    if is_first:
        frame.left = 0
        frame.ts_ns = check_frame(frame.at, frame.end - frame.at)
        if frame.ts_ns < 0:
            return <int>frame.ts_ns
    found = next_feed(frame.at, frame.end - frame.at, &pos, out)
    frame.at += pos
    if found:
        return PACKET
    return -REASON_FRAME_HEARTBEAT if is_first else 0


cdef int _decode(const frame_t* frame, const packet_t* packet, tick_t* out) noexcept nogil:
    return decode_feed(packet.body, packet.n, frame.ts_ns, out)


cdef void fill(decoder_t* decoder) noexcept:
    """This wire's row in the table of decoders."""
    decoder.next = _next
    decoder.decode = _decode
    decoder.by_name = True


# -------------------------------------------------------------------------------------------------------------- requests out
cdef inline void put_terms(writer_t* w, const command_t* cmd) noexcept nogil:
    """What both a new order and a modification say. Prices that a type does not have are 0, as the API asks."""
    cdef bint has_price = cmd.ord_type == TYPE_LIMIT or cmd.ord_type == TYPE_SL
    cdef bint has_trigger = cmd.ord_type == TYPE_SL or cmd.ord_type == TYPE_SL_M
    if cmd.qty <= 0 or (has_price and cmd.price_e4 <= 0) or (has_trigger and cmd.trigger_e4 <= 0):
        w.full = True
        return
    put(w, b"\"quantity\":", 11)
    put_number(w, cmd.qty)
    if cmd.ord_type == TYPE_MARKET:
        put(w, b",\"order_type\":\"MARKET\"", 22)
    elif cmd.ord_type == TYPE_LIMIT:
        put(w, b",\"order_type\":\"LIMIT\"", 21)
    elif cmd.ord_type == TYPE_SL:
        put(w, b",\"order_type\":\"SL\"", 18)
    elif cmd.ord_type == TYPE_SL_M:
        put(w, b",\"order_type\":\"SL-M\"", 20)
    else:
        w.full = True
    put(w, b",\"price\":", 9)
    put_decimal(w, cmd.price_e4 if has_price else 0, 4)
    put(w, b",\"trigger_price\":", 17)
    put_decimal(w, cmd.trigger_e4 if has_trigger else 0, 4)
    if not has_price:
        # A market order without it is refused (UDAPI1158), and so is more than 25 per cent; -1 is the broker's automatic one.
        put(w, b",\"market_protection\":", 21)
        if cmd.protection_e2 <= 0:
            put(w, b"-1", 2)
        elif cmd.protection_e2 <= PROTECTION_MAX_E2:
            put_decimal(w, cmd.protection_e2, 2)
        else:
            w.full = True
    if cmd.tif == TIF_DAY:
        put(w, b",\"validity\":\"DAY\"", 17)
    elif cmd.tif == TIF_IOC:
        put(w, b",\"validity\":\"IOC\"", 17)
    else:
        w.full = True
    put(w, b",\"disclosed_quantity\":0", 23)


cdef inline void put_new(writer_t* w, const command_t* cmd) noexcept nogil:
    put(w, b"{\"instrument_token\":", 20)
    put_json_text(w, cmd.symbol, sizeof(cmd.symbol))
    if cmd.side == SIDE_BUY:
        put(w, b",\"transaction_type\":\"BUY\"", 25)
    elif cmd.side == SIDE_SELL:
        put(w, b",\"transaction_type\":\"SELL\"", 26)
    else:
        w.full = True
    if cmd.product == PRODUCT_MIS:
        put(w, b",\"product\":\"I\",", 15)
    elif cmd.product == PRODUCT_NRML or cmd.product == PRODUCT_CNC:
        put(w, b",\"product\":\"D\",", 15)
    else:
        w.full = True
    put_terms(w, cmd)
    put(w, b",\"is_amo\":false,\"slice\":false,\"tag\":", 36)
    put_json_text(w, cmd.cl_ord_id, sizeof(cmd.cl_ord_id))
    put(w, b"}", 1)


cdef inline void put_change(writer_t* w, const command_t* cmd) noexcept nogil:
    put(w, b"{\"order_id\":", 12)
    put_json_text(w, cmd.broker_order_id, sizeof(cmd.broker_order_id))
    put(w, b",", 1)
    put_terms(w, cmd)
    put(w, b"}", 1)


cdef class UpstoxEncoder(OrderEncoder):
    """Writes Upstox's v3 order requests. The access token lives in this object's C memory and nowhere else that prints.

    host: the Host header, as in b"api-hft.upstox.com". path_prefix: b"" or what a gateway puts before the path. authorization:
    the whole header value, b"Bearer <access_token>". algo_name: the X-Algo-Name of a registered algo, or b"".
    """

    def __init__(
        self, bytes host not None, bytes path_prefix not None, bytes authorization not None, bytes algo_name not None = b"",
    ):
        if not host or not _is_header_text(host):
            raise ValueError("host must be printable ASCII, as b'api-hft.upstox.com'")
        if len(path_prefix) > PREFIX_BYTES or not _is_header_text(path_prefix) or b" " in path_prefix:
            raise ValueError(f"path_prefix must be printable ASCII without spaces, at most {PREFIX_BYTES} bytes")
        if not _is_header_text(algo_name):
            raise ValueError("algo_name must be printable ASCII")
        self._host = host
        self._algo_name = algo_name
        self._prefix_n = <int>len(path_prefix)
        memcpy(self._prefix, <const char*>path_prefix, self._prefix_n)
        self.set_authorization(authorization)

    def set_authorization(self, bytes authorization not None) -> None:
        """Swap the Authorization header's value; the next request carries it. ValueError, which does not repeat it."""
        if not authorization or not _is_header_text(authorization):
            raise ValueError("authorization must be printable ASCII, as b'Bearer <access_token>'")
        lines = b" HTTP/1.1\r\nHost: " + self._host + b"\r\nAccept: application/json\r\nAuthorization: " + authorization + b"\r\n"
        if self._algo_name:
            lines += b"X-Algo-Name: " + self._algo_name + b"\r\n"
        if len(lines) > HEADERS_BYTES:
            raise ValueError(f"host, authorization and algo name must fit {HEADERS_BYTES} bytes of header lines")
        memset(self._headers, 0, HEADERS_BYTES)
        self._headers_n = <int>len(lines)
        memcpy(self._headers, <const char*><bytes>lines, self._headers_n)

    def __dealloc__(self):
        memset(self._headers, 0, HEADERS_BYTES)

    def __repr__(self) -> str:
        return "UpstoxEncoder()"

    cdef int encode(self, const command_t* cmd, char* out, int cap) noexcept nogil:
        """An empty key, tag or id, or a price of 0 where one is due, is -REASON_ENCODE."""
        cdef char body_bytes[BODY_BYTES]
        cdef writer_t body
        cdef writer_t w
        body.out, body.cap, body.n, body.full = body_bytes, BODY_BYTES, 0, False
        w.out, w.cap, w.n, w.full = out, cap, 0, False
        if cmd.kind == CMD_NEW:
            put_new(&body, cmd)
            put(&w, b"POST ", 5)
            put(&w, self._prefix, self._prefix_n)
            put(&w, b"/v3/order/place", 15)
        elif cmd.kind == CMD_REPLACE:
            put_change(&body, cmd)
            put(&w, b"PUT ", 4)
            put(&w, self._prefix, self._prefix_n)
            put(&w, b"/v3/order/modify", 16)
        elif cmd.kind == CMD_CANCEL:
            put(&w, b"DELETE ", 7)
            put(&w, self._prefix, self._prefix_n)
            put(&w, b"/v3/order/cancel?order_id=", 26)
            put_escaped(&w, cmd.broker_order_id, sizeof(cmd.broker_order_id))
        else:
            return -REASON_ENCODE
        put(&w, self._headers, self._headers_n)
        if cmd.kind != CMD_CANCEL:
            put(&w, b"Content-Type: application/json\r\nContent-Length: ", 48)
            put_number(&w, body.n)
            put(&w, b"\r\n", 2)
        put(&w, b"\r\n", 2)
        put(&w, body.out, body.n)
        return -REASON_ENCODE if w.full or body.full else w.n


def _is_header_text(bytes text) -> bool:
    """Printable ASCII: no line break can smuggle a second header in."""
    return all(32 <= c < 127 for c in text)


# ------------------------------------------------------------------------------------------------ for Python: cold paths
def decode_frame(const uint8_t[::1] frame not None) -> list:
    """Every entry of a frame as a dict of tick_t's fields plus `key` and `reason`; a frame that is refused whole is one
    `{"reason": code}`. For tests and tools: the feed never comes this way.
    """
    cdef const uint8_t* buf = &frame[0] if frame.shape[0] else NULL
    cdef Py_ssize_t pos = 0
    cdef int64_t ts_ns = check_frame(buf, frame.shape[0])
    cdef packet_t feed
    cdef tick_t tick
    if ts_ns < 0:
        return [{"reason": -ts_ns}]
    found = []
    while next_feed(buf, frame.shape[0], &pos, &feed):
        reason = decode_feed(feed.body, feed.n, ts_ns, &tick)
        found.append({"key": feed.key[:feed.key_n].decode("utf-8", "replace"), "reason": reason, **tick})
    return found


def count_packets(frame) -> int | None:
    """None: this wire does not say it."""
    return None


def encode_command(UpstoxEncoder encoder not None, command) -> bytes:
    """The request for a command given as a buffer of `command_t`. ValueError when it cannot be encoded. For tests and tools."""
    cdef const uint8_t[::1] raw = command
    cdef command_t cmd
    cdef char out[4096]
    if raw.shape[0] != sizeof(cmd):
        raise ValueError(f"a command has {sizeof(cmd)} bytes")
    memcpy(&cmd, &raw[0], sizeof(cmd))
    n = encoder.encode(&cmd, out, sizeof(out))
    if n < 0:
        raise ValueError("the command cannot be encoded: check its kind, side, quantity, prices, key, tag and id")
    return out[:n]


COMMAND_BYTES = sizeof(command_t)
