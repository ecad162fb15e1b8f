/* The floor: decode the price, compare, write an order that was made beforehand. No risk, no order state, no journal.

   floor FEED_PORT DESK_PORT ltp|full INSTRUMENTS block|spin [CA_FILE]

   `block` sleeps in epoll until bytes come; `spin` asks the socket without end. With CA_FILE both connections are TLS. */
#include "market.h"
#include "net.h"
#include "websocket.h"
#include <sys/epoll.h>

#define BUFFER 262144

static link_t feed, desk;
static uint8_t buf[BUFFER];
static size_t have;
static int side[INSTRUMENTS_MAX]; /* 0: not seen yet */
static char order[INSTRUMENTS_MAX][2][640];
static int order_size[INSTRUMENTS_MAX][2];
static int instruments;

static void make_orders(int port) {
    for (int i = 0; i < instruments; i++)
        for (int buy = 0; buy < 2; buy++) {
            char body[320];
            uint32_t px = level_paise(i) + (buy ? 50u : 0u) - 25u;
            int n = snprintf(body, sizeof(body),
                             "exchange=NSE&tradingsymbol=STOCK%d&transaction_type=%s&product=MIS&quantity=10&order_type=LIMIT&price=%u.%02u"
                             "&trigger_price=0&validity=DAY&tag=FLOOR000000000000000", i, buy ? "BUY" : "SELL", px / 100, px % 100);
            order_size[i][buy] = snprintf(order[i][buy], sizeof(order[i][buy]),
                "POST /orders/regular HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nX-Kite-Version: 3\r\nAuthorization: token peer:token\r\n"
                "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s", port, n, body);
        }
}

static void take_ticks(const uint8_t *p, size_t n) {
    size_t at = 2;
    int left = n >= 2 ? (int)get_u16(p) : 0;
    for (; left > 0 && at + 2 + LTP_BYTES <= n; left--) {
        size_t size = get_u16(p + at);
        int i = instrument_of(get_u32(p + at + 2));
        if (i >= 0 && i < instruments) {
            int now = get_u32(p + at + 6) > level_paise(i) ? 1 : -1;
            if (side[i] == -now) check(link_write(&desk, order[i][now > 0], (size_t)order_size[i][now > 0]) == 0, "order");
            side[i] = now;
        }
        at += 2 + size;
    }
}

static void take_feed(void) {
    ws_frame_t f;
    ssize_t got;
    size_t n, at = 0;
    while ((got = link_read(&feed, buf + have, BUFFER - have)) > 0) {
        have += (size_t)got;
        for (at = 0; (n = ws_read(buf + at, have - at, &f)) > 0; at += n)
            if (f.opcode == WS_BINARY) take_ticks(f.payload, f.n);
        have -= at;
        memmove(buf, buf + at, have);
        if (!feed.ssl) return; /* level-triggered: what is left wakes us again. TLS may hold it already decrypted. */
    }
    if (got < 0) exit(0);
}

static void drain_desk(void) {
    static char sink[BUFFER];
    ssize_t got;
    while ((got = link_read(&desk, sink, sizeof(sink))) > 0)
        if (!desk.ssl) return;
    if (got < 0) exit(0);
}

static void send_text(const char *text) {
    uint8_t out[2048];
    size_t n = strlen(text), head = ws_head(out, WS_TEXT, n, 1);
    memcpy(out + head, text, n);
    check(link_write(&feed, out, head + n) == 0, "subscribe");
}

static void subscribe(int port, const char *mode) {
    char text[1024], list[700];
    int n = snprintf(text, sizeof(text), "GET /?api_key=peer&access_token=token HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\n"
                     "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
                     "X-Kite-Version: 3\r\n\r\n", port), at = 0;
    char *end;
    check(link_write(&feed, text, (size_t)n) == 0, "handshake");
    while ((end = memmem(buf, have, "\r\n\r\n", 4)) == NULL) {
        ssize_t got = link_read(&feed, buf + have, BUFFER - have);
        check(got >= 0, "handshake");
        have += (size_t)got;
    }
    check(memmem(buf, have, " 101 ", 5) != NULL, "handshake refused");
    have -= (size_t)(end + 4 - (char *)buf);
    memmove(buf, end + 4, have);
    for (int i = 0; i < instruments; i++) at += snprintf(list + at, sizeof(list) - (size_t)at, "%s%u", i ? "," : "", token_of(i));
    snprintf(text, sizeof(text), "{\"a\":\"subscribe\",\"v\":[%s]}", list);
    send_text(text);
    snprintf(text, sizeof(text), "{\"a\":\"mode\",\"v\":[\"%s\",[%s]]}", mode, list);
    send_text(text);
}

static void watch(int poller, link_t *l) {
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = l};
    check(epoll_ctl(poller, EPOLL_CTL_ADD, l->fd, &e) == 0, "epoll_ctl");
}

int main(int argc, char **argv) {
    check(argc == 6 || argc == 7, "floor FEED_PORT DESK_PORT ltp|full INSTRUMENTS block|spin [CA_FILE]");
    int feed_port = atoi(argv[1]), desk_port = atoi(argv[2]), spins = strcmp(argv[5], "spin") == 0;
    instruments = atoi(argv[4]);
    check(instruments >= 1 && instruments <= INSTRUMENTS_MAX, "instruments out of range");
    signal(SIGPIPE, SIG_IGN);
    SSL_CTX *tls = argc == 7 ? client_tls(argv[6]) : NULL;
    make_orders(desk_port);
    desk = connect_to(desk_port, tls);
    feed = connect_to(feed_port, tls);
    subscribe(feed_port, argv[3]);
    printf("ready\n");
    fflush(stdout);
    if (spins) {
        for (unsigned turn = 0;; turn++) {
            take_feed();
            if (turn % 16 == 0) drain_desk();
        }
    }
    int poller = epoll_create1(0);
    watch(poller, &feed);
    watch(poller, &desk);
    for (;;) {
        struct epoll_event events[2];
        int n = epoll_wait(poller, events, 2, -1);
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr == &feed)
                take_feed();
            else
                drain_desk();
        }
    }
}
