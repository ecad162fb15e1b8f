/* The floor that the decoder is held against: the same 184 bytes into the same struct, by hand, with nothing checked. */
#pragma once
#include <stdint.h>
#include <string.h>
#include <time.h>
#include "otrade/_core/types.h"

static inline int64_t bench_now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000LL + t.tv_nsec;
}

static inline uint32_t bench_u32(const uint8_t *p) {
    uint32_t v;
    memcpy(&v, p, 4);
    return __builtin_bswap32(v);
}

static inline uint16_t bench_u16(const uint8_t *p) {
    uint16_t v;
    memcpy(&v, p, 2);
    return __builtin_bswap16(v);
}

static inline void bench_floor_full(const uint8_t *p, tick_t *t) {
    t->token = bench_u32(p);
    t->segment = p[3];
    t->kind = 184;
    t->tradable = 1;
    t->ltp_e4 = (int64_t)bench_u32(p + 4) * 100;
    t->ltq = bench_u32(p + 8);
    t->avg_px_e4 = (int64_t)bench_u32(p + 12) * 100;
    t->volume = bench_u32(p + 16);
    t->buy_qty = bench_u32(p + 20);
    t->sell_qty = bench_u32(p + 24);
    t->open_e4 = (int64_t)bench_u32(p + 28) * 100;
    t->high_e4 = (int64_t)bench_u32(p + 32) * 100;
    t->low_e4 = (int64_t)bench_u32(p + 36) * 100;
    t->close_e4 = (int64_t)bench_u32(p + 40) * 100;
    t->ts_trade_ns = (int64_t)bench_u32(p + 44) * 1000000000LL;
    t->oi = bench_u32(p + 48);
    t->oi_high = bench_u32(p + 52);
    t->oi_low = bench_u32(p + 56);
    t->ts_exch_ns = (int64_t)bench_u32(p + 60) * 1000000000LL;
    for (int i = 0; i < 5; i++) {
        const uint8_t *b = p + 64 + 12 * i, *a = p + 124 + 12 * i;
        t->bid_qty[i] = bench_u32(b);
        t->bid_px_e4[i] = (int64_t)bench_u32(b + 4) * 100;
        t->bid_orders[i] = bench_u16(b + 8);
        t->ask_qty[i] = bench_u32(a);
        t->ask_px_e4[i] = (int64_t)bench_u32(a + 4) * 100;
        t->ask_orders[i] = bench_u16(a + 8);
    }
}

static inline int64_t bench_floor_loop(const uint8_t *packets, int64_t n, int64_t rounds, tick_t *out) {
    int64_t sum = 0;
    for (int64_t r = 0; r < rounds; r++)
        for (int64_t i = 0; i < n; i++) {
            bench_floor_full(packets + 184 * i, out);
            __asm__ volatile("" : : "r"(out) : "memory"); /* every field must really be stored */
            sum += out->ltp_e4;
        }
    return sum;
}
