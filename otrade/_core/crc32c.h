/* CRC-32C (Castagnoli, RFC 3720 appendix B.4): the processor's own instruction where there is one, a table where not. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static uint32_t otrade_crc_table[256];

static inline uint32_t otrade_crc_plain(uint32_t crc, const uint8_t *p, size_t n) {
    while (n--) crc = (crc >> 8) ^ otrade_crc_table[(crc ^ *p++) & 255];
    return crc;
}

#if defined(__x86_64__)
#include <nmmintrin.h>
__attribute__((target("sse4.2")))
static uint32_t otrade_crc_fast(uint32_t crc, const uint8_t *p, size_t n) {
    uint64_t wide = crc, word;
    for (; n >= 8; n -= 8, p += 8) { memcpy(&word, p, 8); wide = _mm_crc32_u64(wide, word); }
    crc = (uint32_t)wide;
    while (n--) crc = _mm_crc32_u8(crc, *p++);
    return crc;
}
static int otrade_crc_has_fast(void) { __builtin_cpu_init(); return __builtin_cpu_supports("sse4.2"); }
#elif defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>
static uint32_t otrade_crc_fast(uint32_t crc, const uint8_t *p, size_t n) {
    uint64_t word;
    for (; n >= 8; n -= 8, p += 8) { memcpy(&word, p, 8); crc = __crc32cd(crc, word); }
    while (n--) crc = __crc32cb(crc, *p++);
    return crc;
}
static int otrade_crc_has_fast(void) { return 1; }
#else
#define otrade_crc_fast otrade_crc_plain
static int otrade_crc_has_fast(void) { return 0; }
#endif

static uint32_t (*otrade_crc)(uint32_t, const uint8_t *, size_t) = otrade_crc_plain;

static void otrade_crc_init(void) {
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int k = 0; k < 8; k++) c = c & 1 ? (c >> 1) ^ 0x82F63B78u : c >> 1;
        otrade_crc_table[i] = c;
    }
    if (otrade_crc_has_fast()) otrade_crc = otrade_crc_fast;
}
