/* The broker's desk: HTTP/1.1 requests in, answers out, the day's order book. It answers at once and judges nothing. */
#pragma once
#include "net.h"

#define REQUEST_MAX 16384
#define ORDERS_MAX 100000
#define ROW_MAX 768

typedef struct {
    char symbol[24], side[8], tag[24], price[16], qty[12], product[8];
    long long id;
} placed_t;

static placed_t *book;
static int n_book;

static inline void field_of(const char *body, const char *name, char *out, size_t room) {
    size_t n = strlen(name), at = 0;
    const char *p = body;
    out[0] = 0;
    while ((p = strstr(p, name)) != NULL) {
        if ((p == body || p[-1] == '&') && p[n] == '=') {
            for (p += n + 1; *p && *p != '&' && at + 1 < room; p++) out[at++] = *p;
            break;
        }
        p += n;
    }
    out[at] = 0;
}

/* Bytes of the first complete request in `buf` (a NUL follows what there is), or 0. */
static inline size_t request_size(const char *buf, size_t have) {
    const char *end = strstr(buf, "\r\n\r\n"), *length;
    size_t n;
    if (end == NULL) return 0;
    n = (size_t)(end + 4 - buf);
    length = strcasestr(buf, "\r\ncontent-length:");
    if (length != NULL && length < end) n += strtoul(length + 17, NULL, 10);
    return have >= n ? n : 0;
}

static inline placed_t *take_order(const char *body) {
    check(n_book < ORDERS_MAX, "too many orders");
    placed_t *o = &book[n_book++];
    field_of(body, "tradingsymbol", o->symbol, sizeof(o->symbol));
    field_of(body, "transaction_type", o->side, sizeof(o->side));
    field_of(body, "tag", o->tag, sizeof(o->tag));
    field_of(body, "price", o->price, sizeof(o->price));
    field_of(body, "quantity", o->qty, sizeof(o->qty));
    field_of(body, "product", o->product, sizeof(o->product));
    o->id = 261123000000000LL + n_book;
    return o;
}

/* An order object: taken, and cancelled unfilled by the exchange. */
static inline int write_row(const placed_t *o, char *out, size_t room) {
    return snprintf(out, room,
        "{\"order_id\":\"%lld\",\"parent_order_id\":null,\"exchange_order_id\":\"11%lld\",\"placed_by\":\"XX0000\",\"variety\":\"regular\","
        "\"status\":\"CANCELLED\",\"status_message\":null,\"status_message_raw\":null,\"order_timestamp\":null,"
        "\"exchange_update_timestamp\":null,\"exchange\":\"NSE\",\"tradingsymbol\":\"%s\",\"instrument_token\":0,\"order_type\":\"LIMIT\","
        "\"transaction_type\":\"%s\",\"validity\":\"DAY\",\"product\":\"%s\",\"quantity\":%s,\"disclosed_quantity\":0,\"price\":%s,"
        "\"trigger_price\":0,\"average_price\":0,\"filled_quantity\":0,\"pending_quantity\":0,\"cancelled_quantity\":%s,"
        "\"market_protection\":0,\"meta\":{},\"tag\":\"%s\",\"guid\":\"\"}",
        o->id, o->id, o->symbol, o->side, o->product[0] ? o->product : "MIS", o->qty[0] ? o->qty : "0", o->price[0] ? o->price : "0",
        o->qty[0] ? o->qty : "0", o->tag);
}

static inline void answer(link_t *l, const char *status, const char *data, size_t n) {
    char head[256];
    int size = snprintf(head, sizeof(head),
                        "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n", status, n);
    char *all = malloc((size_t)size + n);
    memcpy(all, head, (size_t)size);
    memcpy(all + size, data, n);
    link_write(l, all, (size_t)size + n);
    free(all);
}

static inline void answer_order(link_t *l, const placed_t *o) {
    char data[128];
    int n = snprintf(data, sizeof(data), "{\"status\":\"success\",\"data\":{\"order_id\":\"%lld\"}}", o->id);
    answer(l, "200 OK", data, (size_t)n);
}

/* What a client asks before and after its day. */
static inline void answer_question(link_t *l, const char *request) {
    static const char PROFILE[] = "{\"status\":\"success\",\"data\":{\"user_id\":\"XX0000\",\"user_name\":\"Peer\",\"broker\":\"ZERODHA\","
                                  "\"exchanges\":[\"NSE\"],\"products\":[\"MIS\"],\"order_types\":[\"LIMIT\"]}}";
    static const char POSITIONS[] = "{\"status\":\"success\",\"data\":{\"net\":[],\"day\":[]}}";
    static const char NOTHING[] = "{\"status\":\"success\",\"data\":[]}";
    static const char UNKNOWN[] = "{\"status\":\"error\",\"message\":\"Route not found\",\"error_type\":\"GeneralException\",\"data\":null}";
    if (strncmp(request, "GET /user/profile", 17) == 0) {
        answer(l, "200 OK", PROFILE, sizeof(PROFILE) - 1);
    } else if (strncmp(request, "GET /portfolio/positions", 24) == 0) {
        answer(l, "200 OK", POSITIONS, sizeof(POSITIONS) - 1);
    } else if (strncmp(request, "GET /trades", 11) == 0) {
        answer(l, "200 OK", NOTHING, sizeof(NOTHING) - 1);
    } else if (strncmp(request, "GET /orders", 11) == 0) {
        size_t room = 64 + (size_t)n_book * (ROW_MAX + 1);
        char *all = malloc(room);
        int n = snprintf(all, room, "{\"status\":\"success\",\"data\":[");
        for (int i = 0; i < n_book; i++) {
            if (i) all[n++] = ',';
            n += write_row(&book[i], all + n, ROW_MAX);
        }
        n += snprintf(all + n, room - (size_t)n, "]}");
        answer(l, "200 OK", all, (size_t)n);
        free(all);
    } else {
        answer(l, "404 Not Found", UNKNOWN, sizeof(UNKNOWN) - 1);
    }
}
