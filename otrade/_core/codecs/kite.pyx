# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True,
# initializedcheck=False
"""Kite's wire: binary ticks into `tick_t`, commands into HTTP order requests, and the two JSON
messages of the feed.

Every integer of the feed is big-endian and unsigned. A packet's length is its kind (8, 28, 32, 44,
184), the low byte of its token is the segment, and the segment fixes the price's divisor. Prices
become ten-thousandths of a rupee: exactly, but for CDS, whose wire unit is 1e-7 rupee and which is
rounded to the nearest e4 (half up).

Nothing here allocates, holds state, or reads past the length it was given.
"""
from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t
from libc.string cimport memcpy, memset

from otrade._core.types cimport MAX_DEPTH as DEPTH
from otrade._core.types cimport (
    CMD_CANCEL, CMD_NEW, CMD_REPLACE, HAS_AVERAGE, HAS_DEPTH, HAS_OFFERED, HAS_OI, HAS_QUOTE, HAS_TRADE, HAS_VOLUME,
    HAS_WANTED, PRODUCT_CNC, PRODUCT_MIS, PRODUCT_NRML,
    REASON_ENCODE, REASON_FRAME_HEARTBEAT, REASON_FRAME_LENGTH, REASON_FRAME_SHORT, REASON_OK, REASON_PACKET_KIND,
    REASON_PRICE_ZERO, REASON_SEGMENT_UNKNOWN, SIDE_BUY, SIDE_SELL, TIF_DAY, TIF_IOC, TYPE_LIMIT, TYPE_MARKET, TYPE_SL,
    TYPE_SL_M, command_t, tick_t,
)
from otrade._core.codecs.interface cimport PACKET, SHORT_PACKET, OrderEncoder, decoder_t, frame_t, packet_t
from otrade._core.writer cimport put, put_decimal, put_escaped, put_number, writer_t

cdef extern from *:
    uint16_t __builtin_bswap16(uint16_t) nogil
    uint32_t __builtin_bswap32(uint32_t) nogil

cdef enum:
    LTP = 8
    INDEX_QUOTE = 28
    INDEX_FULL = 32
    QUOTE = 44
    FULL = 184
    SEGMENT_CDS = 3
    SEGMENT_INDICES = 9
    LEVEL_BYTES = 12
    BODY_BYTES = 512
    PROTECTION_MAX_E2 = 10_000

cdef enum:
    NS = 1_000_000_000
    # What each kind of packet says; a 0 in it is a value.
    PARTS_QUOTE = HAS_TRADE | HAS_QUOTE | HAS_VOLUME | HAS_AVERAGE | HAS_WANTED | HAS_OFFERED
    PARTS_FULL = PARTS_QUOTE | HAS_DEPTH | HAS_OI

# A variable on purpose: of a constant size gcc makes `rep stosq`, which costs twice the library's
# memset.
cdef size_t TICK_BYTES = sizeof(tick_t)

# What one wire unit is worth in e4, by segment; 0 is a segment that does not exist, -1 marks CDS
# (1e-7 rupee).
cdef int32_t UNIT_E4[256]
memset(UNIT_E4, 0, sizeof(UNIT_E4))
for _segment, _unit in ((1, 100), (2, 100), (3, -1), (4, 100), (5, 100), (6, 1), (7, 100), (8, 100), (9, 100), (12, 1)):
    UNIT_E4[<int>_segment] = _unit


# --------------------------------------------------------------------------------------- packets in
cdef inline uint32_t be32(const uint8_t* p) noexcept nogil:
    """An unaligned load: packets lie at any address of the socket's buffer."""
    cdef uint32_t v
    memcpy(&v, p, 4)
    return __builtin_bswap32(v)


cdef inline uint16_t be16(const uint8_t* p) noexcept nogil:
    cdef uint16_t v
    memcpy(&v, p, 2)
    return __builtin_bswap16(v)


cdef inline int64_t price_e4(const uint8_t* p, int64_t unit) noexcept nogil:
    """`unit` is positive (multiply) or -1 (CDS: divide by a thousand, to the nearest)."""
    cdef int64_t raw = be32(p)
    return raw * unit if unit > 0 else (raw + 500) // 1000


cdef inline void take_index(const uint8_t* p, uint32_t n, int64_t unit, tick_t* out) noexcept nogil:
    """An index sends high, low, open, close: another order than a tradable instrument. Bytes 24-27
    (change) are derived.
    """
    out.high_e4 = price_e4(p + 8, unit)
    out.low_e4 = price_e4(p + 12, unit)
    out.open_e4 = price_e4(p + 16, unit)
    out.close_e4 = price_e4(p + 20, unit)
    if n == INDEX_FULL:
        out.ts_exch_ns = be32(p + 28) * <int64_t>NS


cdef inline void take_quote(const uint8_t* p, int64_t unit, tick_t* out) noexcept nogil:
    out.ltq = be32(p + 8)
    out.avg_px_e4 = price_e4(p + 12, unit)
    out.volume = be32(p + 16)
    out.buy_qty = be32(p + 20)
    out.sell_qty = be32(p + 24)
    out.open_e4 = price_e4(p + 28, unit)
    out.high_e4 = price_e4(p + 32, unit)
    out.low_e4 = price_e4(p + 36, unit)
    out.close_e4 = price_e4(p + 40, unit)


cdef inline void take_full(const uint8_t* p, int64_t unit, tick_t* out) noexcept nogil:
    cdef const uint8_t* bid = p + 64
    cdef const uint8_t* ask = p + 64 + DEPTH * LEVEL_BYTES
    cdef int i
    out.ts_trade_ns = be32(p + 44) * <int64_t>NS
    out.oi = be32(p + 48)
    out.oi_high = be32(p + 52)
    out.oi_low = be32(p + 56)
    out.ts_exch_ns = be32(p + 60) * <int64_t>NS
    for i in range(DEPTH):
        out.bid_qty[i] = be32(bid + i * LEVEL_BYTES)
        out.bid_px_e4[i] = price_e4(bid + i * LEVEL_BYTES + 4, unit)
        out.bid_orders[i] = be16(bid + i * LEVEL_BYTES + 8)
        out.ask_qty[i] = be32(ask + i * LEVEL_BYTES)
        out.ask_px_e4[i] = price_e4(ask + i * LEVEL_BYTES + 4, unit)
        out.ask_orders[i] = be16(ask + i * LEVEL_BYTES + 8)


cdef inline void take_body(const uint8_t* p, uint32_t n, int64_t unit, tick_t* out) noexcept nogil:
    out.ltp_e4 = price_e4(p + 4, unit)
    if n == FULL or n == QUOTE:
        take_quote(p, unit, out)
        if n == FULL:
            take_full(p, unit, out)
    elif n != LTP:
        take_index(p, n, unit, out)


cdef int decode_packet(const uint8_t* p, uint32_t n, tick_t* out) noexcept nogil:
    """One packet of `n` bytes. A field that this kind lacks is 0 in `out`. See the `.pxd` for
    the codes.
    """
    cdef uint32_t token = be32(p) if n >= 4 else 0
    cdef int64_t unit = UNIT_E4[token & 0xFF]
    # A full packet writes every field; everything else needs the rest cleared.
    if n != FULL or unit == 0:
        memset(out, 0, TICK_BYTES)
    out.token = token
    out.segment = token & 0xFF
    out.kind = n
    out.tradable = out.segment != SEGMENT_INDICES
    if n == FULL:
        out.has = PARTS_FULL
    elif n == QUOTE:
        out.has = PARTS_QUOTE
    else:
        out.has = HAS_TRADE if n == LTP else HAS_TRADE | HAS_QUOTE
    if n != LTP and n != INDEX_QUOTE and n != INDEX_FULL and n != QUOTE and n != FULL:
        return REASON_PACKET_KIND
    if unit == 0:
        return REASON_SEGMENT_UNKNOWN
    # Split here, for the whole packet, so that no single price is tested for its unit's sign.
    if unit > 0:
        take_body(p, n, unit, out)
    else:
        take_body(p, n, -1, out)
    return REASON_OK if out.ltp_e4 != 0 else REASON_PRICE_ZERO


cdef int _begin_or_end(frame_t* frame, packet_t* out) noexcept nogil:
    """Of `next_packet`, what is not the next whole packet: the header, the end, or a lie. A refused
    frame is at its end: one refusal, then 0.
    """
    cdef Py_ssize_t n = frame.end - frame.at
    cdef int reason = REASON_OK
    if frame.left < 0:
        if n >= 2:
            frame.left = be16(frame.at)
            frame.at += 2
            return next_packet(frame, out)
        reason = REASON_FRAME_HEARTBEAT if n == 1 else REASON_FRAME_SHORT
    elif frame.left == 0:
        reason = REASON_FRAME_LENGTH if n > 0 else REASON_OK
    else:
        reason = REASON_FRAME_SHORT if n < 2 else REASON_FRAME_LENGTH
    frame.left = 0
    frame.at = frame.end
    return -reason


cdef int next_packet(frame_t* frame, packet_t* out) noexcept nogil:
    """-FRAME_HEARTBEAT for a one-byte frame, -FRAME_SHORT when a header is cut, -FRAME_LENGTH when a
    length lies or bytes are left over. Packets before the lie were whole and have been handed out.
    """
    cdef const uint8_t* at = frame.at
    cdef Py_ssize_t n = frame.end - at - 2
    cdef Py_ssize_t size
    if frame.left > 0 and n >= 0:
        size = be16(at)
        if size <= n:
            frame.at = at + 2 + size
            frame.left -= 1
            out.body = at + 2
            out.n = size
            if size < 4:
                return SHORT_PACKET
            out.token = be32(at + 2)
            return PACKET
    return _begin_or_end(frame, out)


cdef int _decode(const frame_t* frame, const packet_t* packet, tick_t* out) noexcept nogil:
    return decode_packet(packet.body, <uint32_t>packet.n, out)


cdef void fill(decoder_t* decoder) noexcept:
    """This wire's row in the table of decoders."""
    decoder.next = next_packet
    decoder.decode = _decode
    decoder.by_name = False


# ------------------------------------------------------------------------------------- requests out
cdef inline void put_terms(writer_t* w, const command_t* cmd) noexcept nogil:
    """What both a new order and a modification say: quantity, type, prices, validity, market
    protection.
    """
    cdef bint has_price = cmd.ord_type == TYPE_LIMIT or cmd.ord_type == TYPE_SL
    cdef bint has_trigger = cmd.ord_type == TYPE_SL or cmd.ord_type == TYPE_SL_M
    if cmd.qty <= 0 or (has_price and cmd.price_e4 <= 0) or (has_trigger and cmd.trigger_e4 <= 0):
        w.full = True
        return
    put(w, b"quantity=", 9)
    put_number(w, cmd.qty)
    if cmd.ord_type == TYPE_MARKET:
        put(w, b"&order_type=MARKET", 18)
    elif cmd.ord_type == TYPE_LIMIT:
        put(w, b"&order_type=LIMIT", 17)
    elif cmd.ord_type == TYPE_SL:
        put(w, b"&order_type=SL", 14)
    elif cmd.ord_type == TYPE_SL_M:
        put(w, b"&order_type=SL-M", 16)
    else:
        w.full = True
    if has_price:
        put(w, b"&price=", 7)
        put_decimal(w, cmd.price_e4, 4)
    if has_trigger:
        put(w, b"&trigger_price=", 15)
        put_decimal(w, cmd.trigger_e4, 4)
    if not has_price:
        # Kite refuses a market order without it, and 0 as well; -1 asks for the exchange's
        # automatic protection.
        put(w, b"&market_protection=", 19)
        if cmd.protection_e2 <= 0:
            put(w, b"-1", 2)
        elif cmd.protection_e2 <= PROTECTION_MAX_E2:
            put_decimal(w, cmd.protection_e2, 2)
        else:
            w.full = True
    if cmd.tif == TIF_DAY:
        put(w, b"&validity=DAY", 13)
    elif cmd.tif == TIF_IOC:
        put(w, b"&validity=IOC", 13)
    else:
        w.full = True


cdef inline void put_new(writer_t* w, const command_t* cmd) noexcept nogil:
    put(w, b"exchange=", 9)
    put_escaped(w, cmd.exchange, sizeof(cmd.exchange))
    put(w, b"&tradingsymbol=", 15)
    put_escaped(w, cmd.symbol, sizeof(cmd.symbol))
    if cmd.side == SIDE_BUY:
        put(w, b"&transaction_type=BUY&product=", 30)
    elif cmd.side == SIDE_SELL:
        put(w, b"&transaction_type=SELL&product=", 31)
    else:
        w.full = True
    if cmd.product == PRODUCT_MIS:
        put(w, b"MIS&", 4)
    elif cmd.product == PRODUCT_NRML:
        put(w, b"NRML&", 5)
    elif cmd.product == PRODUCT_CNC:
        put(w, b"CNC&", 4)
    else:
        w.full = True
    put_terms(w, cmd)
    put(w, b"&tag=", 5)
    put_escaped(w, cmd.cl_ord_id, sizeof(cmd.cl_ord_id))


cdef class KiteEncoder(OrderEncoder):
    """Writes Kite's order requests. The access token lives in this object's C memory and nowhere
    else that prints.

    host: the Host header, as in b"api.kite.trade". path_prefix: b"" or what a gateway puts before
    the path. authorization: the whole header value, b"token <api_key>:<access_token>". algo_id: the
    exchange's id of a registered algo, or b""; new orders carry it.
    """

    def __init__(
        self, bytes host not None, bytes path_prefix not None, bytes authorization not None, bytes algo_id not None = b"",
    ):
        if not host or not _is_header_text(host):
            raise ValueError("host must be printable ASCII, as b'api.kite.trade'")
        if len(path_prefix) > PREFIX_BYTES or not _is_header_text(path_prefix) or b" " in path_prefix:
            raise ValueError(f"path_prefix must be printable ASCII without spaces, at most {PREFIX_BYTES} bytes")
        if len(algo_id) > ALGO_BYTES or not algo_id.isalnum() and algo_id:
            raise ValueError(f"algo_id must be letters and digits, at most {ALGO_BYTES}")
        self._host = host
        self._algo_n = <int>len(algo_id)
        memcpy(self._algo, <const char*>algo_id, self._algo_n)
        self._prefix_n = <int>len(path_prefix)
        memcpy(self._prefix, <const char*>path_prefix, self._prefix_n)
        self.set_authorization(authorization)

    def set_authorization(self, bytes authorization not None) -> None:
        """Swap the Authorization header's value; the next request carries it. ValueError, which
        does not repeat it.
        """
        if not authorization or not _is_header_text(authorization):
            raise ValueError("authorization must be printable ASCII, as b'token <api_key>:<access_token>'")
        cdef bytes lines = (
            b" HTTP/1.1\r\nHost: " + self._host + b"\r\nX-Kite-Version: 3\r\nAuthorization: " + authorization + b"\r\n"
        )
        if len(lines) > HEADERS_BYTES:
            raise ValueError(f"host and authorization must fit {HEADERS_BYTES} bytes of header lines")
        memset(self._headers, 0, HEADERS_BYTES)
        self._headers_n = <int>len(lines)
        memcpy(self._headers, <const char*>lines, self._headers_n)

    def __dealloc__(self):
        memset(self._headers, 0, HEADERS_BYTES)

    def __repr__(self) -> str:
        return "KiteEncoder()"

    cdef int encode(self, const command_t* cmd, char* out, int cap) noexcept nogil:
        """Quantity of a modification is the new total. An empty symbol, tag or id, or a price of 0,
        is -REASON_ENCODE.
        """
        cdef char body_bytes[BODY_BYTES]
        cdef writer_t body
        cdef writer_t w
        body.out, body.cap, body.n, body.full = body_bytes, BODY_BYTES, 0, False
        w.out, w.cap, w.n, w.full = out, cap, 0, False
        if cmd.kind == CMD_NEW:
            put_new(&body, cmd)
            if self._algo_n:
                put(&body, b"&algo_id=", 9)
                put(&body, self._algo, self._algo_n)
            put(&w, b"POST ", 5)
        elif cmd.kind == CMD_REPLACE:
            put_terms(&body, cmd)
            put(&w, b"PUT ", 4)
        elif cmd.kind == CMD_CANCEL:
            put(&w, b"DELETE ", 7)
        else:
            return -REASON_ENCODE
        put(&w, self._prefix, self._prefix_n)
        put(&w, b"/orders/regular", 15)
        if cmd.kind != CMD_NEW:
            put(&w, b"/", 1)
            put_escaped(&w, cmd.broker_order_id, sizeof(cmd.broker_order_id))
        put(&w, self._headers, self._headers_n)
        if cmd.kind != CMD_CANCEL:
            put(&w, b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: ", 65)
            put_number(&w, body.n)
            put(&w, b"\r\n", 2)
        put(&w, b"\r\n", 2)
        put(&w, body.out, body.n)
        return -REASON_ENCODE if w.full or body.full else w.n


def _is_header_text(bytes text) -> bool:
    """Printable ASCII: no line break can smuggle a second header in."""
    return all(32 <= c < 127 for c in text)


# --------------------------------------------------------------------------- for Python: cold paths
def subscribe_message(tokens, str mode=None) -> bytes:
    """The feed's text message that subscribes `tokens` or, with a mode (ltp, quote, full), sets
    their mode.

    Kite needs both: what a bare subscription sends is undocumented.
    """
    listed = ",".join([str(int(token)) for token in tokens])
    if mode is None:
        return f'{{"a":"subscribe","v":[{listed}]}}'.encode()
    if mode not in ("ltp", "quote", "full"):
        raise ValueError(f"mode {mode!r} is not one of ltp, quote, full")
    return f'{{"a":"mode","v":["{mode}",[{listed}]]}}'.encode()


def unsubscribe_message(tokens) -> bytes:
    """The feed's text message that ends a subscription."""
    return f'{{"a":"unsubscribe","v":[{",".join([str(int(token)) for token in tokens])}]}}'.encode()


def decode_frame(const uint8_t[::1] frame not None) -> list:
    """Every packet of a frame as a dict of tick_t's fields plus `reason`; a refused frame ends with
    `{"reason": code}`.

    For tests and tools: the feed never comes this way.
    """
    cdef frame_t reader
    cdef packet_t packet
    cdef int found, reason
    cdef tick_t tick
    reader.at = &frame[0] if frame.shape[0] else NULL
    reader.end = reader.at + frame.shape[0]
    reader.left = -1
    found_all = []
    while True:
        found = next_packet(&reader, &packet)
        if found <= 0:
            if found < 0:
                found_all.append({"reason": -found})
            return found_all
        memset(&tick, 0, sizeof(tick))
        reason = decode_packet(packet.body, <uint32_t>packet.n, &tick)
        found_all.append({"reason": reason, **tick})


def count_packets(frame) -> int | None:
    """How many packets a frame's header says it has."""
    return int.from_bytes(frame[:2], "big") if len(frame) > 1 else 0


def encode_command(KiteEncoder encoder not None, **fields) -> bytes:
    """The request for a command with these command_t fields (strings as str). ValueError when it
    cannot be encoded.
    """
    cdef command_t cmd
    cdef char out[1024]
    cdef int n
    memset(&cmd, 0, sizeof(cmd))
    for name, value in fields.items():
        _set_field(&cmd, name, value)
    n = encoder.encode(&cmd, out, sizeof(out))
    if n < 0:
        raise ValueError("the command cannot be encoded: check its kind, side, quantity, prices, symbol, tag and id")
    return out[:n]


cdef int _copy_text(char* field, int cap, str value) except -1:
    encoded = value.encode()
    if len(encoded) >= cap:
        raise ValueError(f"{value!r} must be shorter than {cap} bytes")
    memcpy(field, <const char*>encoded, len(encoded))
    return 0


cdef int _set_field(command_t* cmd, str name, value) except -1:
    if name == "cl_ord_id":
        return _copy_text(cmd.cl_ord_id, sizeof(cmd.cl_ord_id), value)
    if name == "broker_order_id":
        return _copy_text(cmd.broker_order_id, sizeof(cmd.broker_order_id), value)
    if name == "symbol":
        return _copy_text(cmd.symbol, sizeof(cmd.symbol), value)
    if name == "exchange":
        return _copy_text(cmd.exchange, sizeof(cmd.exchange), value)
    if name == "kind":
        cmd.kind = value
    elif name == "side":
        cmd.side = value
    elif name == "ord_type":
        cmd.ord_type = value
    elif name == "tif":
        cmd.tif = value
    elif name == "product":
        cmd.product = value
    elif name == "protection_e2":
        cmd.protection_e2 = value
    elif name == "qty":
        cmd.qty = value
    elif name == "price_e4":
        cmd.price_e4 = value
    elif name == "trigger_e4":
        cmd.trigger_e4 = value
    else:
        raise ValueError(f"command_t has no settable field {name!r}")
    return 0
