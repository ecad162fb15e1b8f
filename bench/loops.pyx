# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Inner loops of the benchmarks, compiled: a call of a few nanoseconds cannot be timed through a Python callable."""
from libc.stdint cimport int64_t, uint8_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy

from otrade._core.engine.engine cimport Engine
from otrade._core.engine.pipeline cimport Pipeline
from otrade._core.histogram cimport LatencyHistogram
from otrade._core.types cimport EV_REFUSED, REASON_BROKER_OTHER, REC_FRAME, tick_t
from otrade._core.codecs cimport upstox as wire_upstox
from otrade._core.codecs.interface cimport packet_t
from otrade._core.codecs.kite cimport decode_packet
from otrade._core.orders cimport report

cdef extern from "floor.h" nogil:
    int64_t bench_now_ns()
    int64_t bench_floor_loop(const uint8_t* packets, int64_t n, int64_t rounds, tick_t* out)


def decode_floor(const uint8_t[::1] packets, int64_t rounds):
    """ns a packet of the C floor over `packets` (184 bytes each), and the sum of last prices as the proof of work."""
    cdef int64_t n = packets.shape[0] // 184
    cdef tick_t tick
    cdef int64_t t0, total
    with nogil:
        t0 = bench_now_ns()
        total = bench_floor_loop(&packets[0], n, rounds, &tick)
        t0 = bench_now_ns() - t0
    return t0 / <double>(n * rounds), total


def decode_upstox(const uint8_t[::1] payload, int64_t rounds):
    """(ns an instrument, sum of last prices) of one Upstox frame, every check on."""
    cdef packet_t entry
    cdef tick_t tick
    cdef int64_t _, n = 0, total = 0, start, ts_ns
    cdef Py_ssize_t pos
    start = bench_now_ns()
    for _ in range(rounds):
        ts_ns = wire_upstox.check_frame(&payload[0], payload.shape[0])
        pos = 0
        while wire_upstox.next_feed(&payload[0], payload.shape[0], &pos, &entry):
            wire_upstox.decode_feed(entry.body, entry.n, ts_ns, &tick)
            total += tick.ltp_e4
            n += 1
    return (bench_now_ns() - start) / <double>n, total // rounds


def decode_ours(const uint8_t[::1] packets, int64_t rounds):
    """The same through the product's decoder, every check on."""
    cdef int64_t n = packets.shape[0] // 184
    cdef tick_t tick
    cdef int64_t t0, _, i, total = 0
    with nogil:
        t0 = bench_now_ns()
        for _ in range(rounds):
            for i in range(n):
                decode_packet(&packets[184 * i], 184, &tick)
                total += tick.ltp_e4
        t0 = bench_now_ns() - t0
    return t0 / <double>(n * rounds), total


def feed(Engine engine, list frames, int64_t ts_ns, int64_t step_ns, int64_t rounds):
    """ns a frame through the whole engine, `rounds` times over `frames`; time moves by `step_ns` a frame."""
    cdef Pipeline pipeline = engine.pipeline
    cdef int64_t n = len(frames)
    cdef const uint8_t** at = <const uint8_t**>malloc(n * sizeof(uint8_t*))
    cdef Py_ssize_t* size = <Py_ssize_t*>malloc(n * sizeof(Py_ssize_t))
    cdef int64_t i, _, t0
    cdef bytes frame
    for i in range(n):
        frame = frames[i]
        at[i] = frame
        size[i] = len(frame)
    t0 = bench_now_ns()
    for _ in range(rounds):
        for i in range(n):
            pipeline.on_frame(REC_FRAME, at[i], size[i], ts_ns)
            ts_ns += step_ns
    t0 = bench_now_ns() - t0
    free(at)
    free(size)
    return t0 / <double>(n * rounds)


def copy(list frames, uint8_t[::1] memory, int64_t rounds):
    """ns a frame for a bare copy of its bytes, each behind a record's 32, into memory that is touched already."""
    cdef int64_t n = len(frames), i, _, t0, at = 0
    cdef const uint8_t** p = <const uint8_t**>malloc(n * sizeof(uint8_t*))
    cdef Py_ssize_t* size = <Py_ssize_t*>malloc(n * sizeof(Py_ssize_t))
    cdef bytes frame
    for i in range(n):
        frame = frames[i]
        p[i] = frame
        size[i] = len(frame)
    t0 = bench_now_ns()
    for _ in range(rounds):
        at = 0
        for i in range(n):
            memcpy(&memory[at + 32], p[i], size[i])
            at += 32 + ((size[i] + 7) & ~7)
    t0 = bench_now_ns() - t0
    free(p)
    free(size)
    return t0 / <double>(n * rounds)


def feed_each(Engine engine, list frames, int64_t ts_ns, int64_t step_ns):
    """ns of each frame by itself, clock reads included (about 25 ns): for the tail."""
    cdef Pipeline pipeline = engine.pipeline
    cdef int64_t t0, t1
    cdef bytes frame
    cdef const uint8_t* p
    cdef Py_ssize_t n
    out = []
    for frame in frames:
        p = frame
        n = len(frame)
        t0 = bench_now_ns()
        pipeline.on_frame(REC_FRAME, p, n, ts_ns)
        t1 = bench_now_ns()
        ts_ns += step_ns
        out.append(t1 - t0)
    return out


def feed_paced(Engine engine, list frames, int64_t ts_ns, int64_t gap_ns, int64_t n):
    """`n` frames, one each `gap_ns` of real time, which is also the engine's. Returns the ns that each took, clock reads included (about
    25 ns). A frame that comes late because the one before took too long is dealt with at once.
    """
    cdef Pipeline pipeline = engine.pipeline
    cdef int64_t i, t0, t1, due, first = bench_now_ns()
    cdef Py_ssize_t m = len(frames)
    cdef bytes frame
    cdef const uint8_t* p
    cdef Py_ssize_t size
    out = []
    for i in range(n):
        frame = frames[i % m]
        p = frame
        size = len(frame)
        due = first + i * gap_ns
        t0 = bench_now_ns()
        while t0 < due:
            t0 = bench_now_ns()
        pipeline.on_frame(REC_FRAME, p, size, ts_ns + i * gap_ns)
        t1 = bench_now_ns()
        out.append(t1 - t0)
    return out


def feed_traded(Engine engine, list frames, int64_t ts_ns, int64_t step_ns, desk):
    """(ns in the core for all frames, frames after which requests waited). `desk(ts_ns)` deals with those, and with what the time
    brings every 50 frames; what it takes does not count.
    """
    cdef Pipeline pipeline = engine.pipeline
    cdef int64_t n = len(frames), i, t0, spent = 0, n_busy = 0
    cdef const uint8_t** at = <const uint8_t**>malloc(n * sizeof(uint8_t*))
    cdef Py_ssize_t* size = <Py_ssize_t*>malloc(n * sizeof(Py_ssize_t))
    cdef bytes frame
    for i in range(n):
        frame = frames[i]
        at[i] = frame
        size[i] = len(frame)
    t0 = bench_now_ns()
    for i in range(n):
        if pipeline.on_frame(REC_FRAME, at[i], size[i], ts_ns) > 0 or i % 50 == 49:
            spent += bench_now_ns() - t0
            n_busy += 1
            desk(ts_ns)
            t0 = bench_now_ns()
        ts_ns += step_ns
    spent += bench_now_ns() - t0
    free(at)
    free(size)
    return spent, n_busy


def tick_to_order(Engine engine, bytes quiet, bytes crossing, int64_t ts_ns, int64_t n):
    """ns from a frame's bytes to the bytes of the order that it triggers, `n` times; the order is refused in between.

    The refusal closes the bracket, so that the next crossing finds the strategy flat. Returns (samples, request bytes).
    """
    cdef Pipeline pipeline = engine.pipeline
    cdef const uint8_t* q = quiet
    cdef const uint8_t* x = crossing
    cdef Py_ssize_t nq = len(quiet), nx = len(crossing)
    cdef int64_t i, t0, t1
    cdef int made
    out = []
    request = b""
    for i in range(n):
        pipeline.on_frame(REC_FRAME, q, nq, ts_ns)
        t0 = bench_now_ns()
        made = pipeline.on_frame(REC_FRAME, x, nx, ts_ns)
        t1 = bench_now_ns()
        if made != 1:
            raise AssertionError(f"{made} requests instead of one at round {i}")
        command = engine.take_command()
        request = command.request
        report.on_answer(engine.c, command.seq, EV_REFUSED, b"", REASON_BROKER_OTHER)
        ts_ns += 1_000_000_000
        out.append(t1 - t0)
    return out, request


def stamp(LatencyHistogram histogram not None, int64_t n):
    """ns a stage that is timed: the clock read once more, and its distance to the reading before recorded."""
    cdef int64_t _, now_ns, start_ns = bench_now_ns(), before_ns = start_ns
    for _ in range(n):
        now_ns = bench_now_ns()
        histogram.record(now_ns - before_ns)
        before_ns = now_ns
    return (before_ns - start_ns) / <double>n


def read_clock(int64_t n):
    """ns a reading of the clock: the floor of `stamp`."""
    cdef int64_t _, start_ns = bench_now_ns(), now_ns = start_ns
    for _ in range(n):
        now_ns = bench_now_ns()
    return (now_ns - start_ns) / <double>n
