/* As much of RFC 6455 as a feed needs: whole frames, no fragments, no extensions. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { WS_TEXT = 1, WS_BINARY = 2, WS_CLOSE = 8, WS_PING = 9, WS_PONG = 10 };

typedef struct {
    int opcode;
    uint8_t *payload;
    size_t n;
} ws_frame_t;

/* The first frame of `buf`, unmasked in place. Bytes that it takes, or 0 while it is not complete. */
static inline size_t ws_read(uint8_t *buf, size_t have, ws_frame_t *frame) {
    size_t head = 2, n;
    if (have < 2) return 0;
    n = buf[1] & 127;
    if (n == 126) {
        if (have < 4) return 0;
        n = (size_t)buf[2] << 8 | buf[3];
        head = 4;
    } else if (n == 127) {
        if (have < 10) return 0;
        n = 0;
        for (int i = 2; i < 10; i++) n = n << 8 | buf[i];
        head = 10;
    }
    const uint8_t *mask = buf + head;
    if (buf[1] & 128) head += 4;
    if (have < head || have - head < n) return 0;
    frame->opcode = buf[0] & 15;
    frame->payload = buf + head;
    frame->n = n;
    if (buf[1] & 128)
        for (size_t i = 0; i < n; i++) frame->payload[i] ^= mask[i & 3];
    return head + n;
}

/* Write the head of a frame of `n` bytes; a client's is masked, with zeros. Bytes written, at most 14. */
static inline size_t ws_head(uint8_t *out, int opcode, size_t n, int is_client) {
    size_t head = 2;
    uint8_t mask = is_client ? 128 : 0;
    out[0] = (uint8_t)(128 | opcode);
    if (n < 126) {
        out[1] = (uint8_t)(mask | n);
    } else if (n < 65536) {
        out[1] = mask | 126;
        out[2] = (uint8_t)(n >> 8);
        out[3] = (uint8_t)n;
        head = 4;
    } else {
        out[1] = mask | 127;
        for (int i = 0; i < 8; i++) out[2 + i] = (uint8_t)(n >> (56 - 8 * i));
        head = 10;
    }
    if (is_client) {
        memset(out + head, 0, 4);
        head += 4;
    }
    return head;
}
