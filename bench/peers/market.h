/* What the exchange and the C floors agree on: instruments, levels, packets. The Python clients read the same from `market.py`.

   Instrument i trades around level_of(i). A quiet tick stays on its side of the level, a trigger moves to the other one: up is
   bought, down is sold. */
#pragma once
#include <stdint.h>

#define INSTRUMENTS_MAX 50
#define TICK_PAISE 5
#define LTP_BYTES 8
#define FULL_BYTES 184

static inline uint32_t token_of(int i) { return (uint32_t)(1001 + i) << 8 | 1; }
static inline int instrument_of(uint32_t token) { return (int)(token >> 8) - 1001; }
static inline uint32_t level_paise(int i) { return 100000 + 100 * (uint32_t)i; }

static inline void put_u16(uint8_t *p, uint32_t v) {
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static inline void put_u32(uint8_t *p, uint32_t v) {
    put_u16(p, v >> 16);
    put_u16(p + 2, v);
}

static inline uint32_t get_u16(const uint8_t *p) { return (uint32_t)p[0] << 8 | p[1]; }
static inline uint32_t get_u32(const uint8_t *p) { return get_u16(p) << 16 | get_u16(p + 2); }
