/* A mock exchange for latency: Kite's binary ticks out over a WebSocket, orders in over HTTP, both on the loopback, plain or TLS.

   It stamps CLOCK_MONOTONIC just before it writes a trigger tick, and when the last byte of the order has been read: tick to order as
   seen from outside. While an order is awaited it spins, so that its own wake-up is not part of the figure; frames keep coming all the
   while. The next trigger waits for the order of the last one. Every order is answered at once, then pushed as cancelled unfilled, so
   that a client with positions and states of its own is flat again before the next trigger.

   Standard output: "ports WS HTTP" at the start, one JSON object at the end. Standard input: a line starts the market (once the client
   has subscribed), its end ends the process. */
#include "broker.h"
#include "market.h"
#include "websocket.h"
#include <getopt.h>
#include <openssl/sha.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>

#define CONNECTIONS_MAX 64
#define FRAME_MAX (16 + 2 + INSTRUMENTS_MAX * (2 + FULL_BYTES))
#define AFTER_LAST_NS (SECOND_NS / 10) /* time for an order too many to show itself */

typedef struct {
    link_t link;
    int is_feed, is_open;
    size_t have;
    char buf[REQUEST_MAX + 1];
} peer_t;

static struct {
    int full, instruments, warm_up, triggers, quiet;
    int64_t gap_ns, timeout_ns;
    uint64_t seed;
} cfg = {0, 1, 50, 300, 9, 500000, 2 * SECOND_NS, 1};

static int poller, timer;
static peer_t *peers[CONNECTIONS_MAX];
static peer_t *feed;
static int told_go, subscribed, is_over;
static int side[INSTRUMENTS_MAX];
static uint32_t volume = 1000;
static int n_triggers, n_quiet, awaited = -1, awaited_side;
static int64_t trigger_ns, next_ns, last_ns;
static int64_t *samples;
static int n_samples, n_missed, n_wrong, n_surplus, n_frames;

static uint64_t random_u64(void) { /* xorshift64*: the same prices for every client of a round */
    cfg.seed ^= cfg.seed >> 12;
    cfg.seed ^= cfg.seed << 25;
    cfg.seed ^= cfg.seed >> 27;
    return cfg.seed * 2685821657736338717ULL;
}

static void watch(int fd, void *data) {
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = data};
    check(epoll_ctl(poller, EPOLL_CTL_ADD, fd, &e) == 0, "epoll_ctl");
}

static void drop(peer_t *p) {
    if (p == feed) {
        feed = NULL;
        subscribed = 0;
    }
    link_close(&p->link);
    for (int i = 0; i < CONNECTIONS_MAX; i++)
        if (peers[i] == p) peers[i] = NULL;
    free(p);
}

static void admit(int listener, SSL_CTX *tls, int is_feed) {
    int fd, i = 0;
    while ((fd = accept(listener, NULL, NULL)) >= 0) {
        while (i < CONNECTIONS_MAX && peers[i]) i++;
        check(i < CONNECTIONS_MAX, "too many connections");
        peer_t *p = peers[i] = calloc(1, sizeof(peer_t));
        set_up_socket(fd);
        p->link.fd = fd;
        p->is_feed = is_feed;
        if (tls) {
            p->link.ssl = SSL_new(tls);
            SSL_set_fd(p->link.ssl, fd);
            SSL_set_accept_state(p->link.ssl);
        }
        watch(fd, p);
    }
}

/* ------------------------------------------------------------------------------------------------------------------------ the feed */
static void send_frame(int opcode, const void *payload, size_t n) {
    static uint8_t out[14 + REQUEST_MAX];
    if (n > REQUEST_MAX) return;
    size_t head = ws_head(out, opcode, n, 0);
    memcpy(out + head, payload, n);
    if (link_write(&feed->link, out, head + n) != 0) drop(feed);
}

static size_t put_packet(uint8_t *p, int i, uint32_t now_s) {
    uint32_t px = level_paise(i) + (uint32_t)(side[i] * TICK_PAISE * (int)(1 + random_u64() % 3));
    put_u32(p, token_of(i));
    put_u32(p + 4, px);
    if (!cfg.full) return LTP_BYTES;
    uint32_t words[14] = {1, px, ++volume, 5000, 5000, px, px, px, px, now_s, 0, 0, 0, now_s};
    for (int w = 0; w < 14; w++) put_u32(p + 8 + 4 * w, words[w]);
    for (uint32_t l = 0; l < 5; l++)
        for (int ask = 0; ask < 2; ask++) {
            uint8_t *d = p + (ask ? 124 : 64) + 12 * l;
            put_u32(d, 100);
            put_u32(d + 4, ask ? px + TICK_PAISE * (l + 1) : px - TICK_PAISE * l);
            put_u16(d + 8, 3);
            put_u16(d + 10, 0);
        }
    return FULL_BYTES;
}

static void send_ticks(int is_trigger) {
    uint8_t out[FRAME_MAX], packets[FRAME_MAX];
    size_t n = 2, head;
    uint32_t now_s = (uint32_t)time(NULL);
    if (is_trigger) {
        awaited = n_triggers % cfg.instruments;
        awaited_side = side[awaited] = -side[awaited];
        n_triggers++;
        n_quiet = 0;
    } else {
        n_quiet++;
    }
    put_u16(packets, (uint32_t)cfg.instruments);
    for (int i = 0; i < cfg.instruments; i++) {
        size_t size = put_packet(packets + n + 2, i, now_s);
        put_u16(packets + n, (uint32_t)size);
        n += 2 + size;
    }
    head = ws_head(out, WS_BINARY, n, 0);
    memcpy(out + head, packets, n);
    n_frames++;
    if (is_trigger) trigger_ns = now_ns();
    if (link_write(&feed->link, out, head + n) != 0) drop(feed);
}

static void shake_hands(peer_t *p) {
    static const char GUID[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    char text[128], out[256];
    unsigned char digest[SHA_DIGEST_LENGTH], accept_key[64];
    size_t n = request_size(p->buf, p->have);
    if (n == 0) return;
    const char *key = strcasestr(p->buf, "\r\nsec-websocket-key:");
    check(key != NULL, "a WebSocket request has no key");
    for (key += 20; *key == ' '; key++) {}
    int size = snprintf(text, sizeof(text), "%.24s%s", key, GUID);
    SHA1((unsigned char *)text, (size_t)size, digest);
    EVP_EncodeBlock(accept_key, digest, sizeof(digest));
    size = snprintf(out, sizeof(out), "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                      "Sec-WebSocket-Accept: %s\r\n\r\n", accept_key);
    link_write(&p->link, out, (size_t)size);
    p->have -= n;
    memmove(p->buf, p->buf + n, p->have);
    p->is_open = 1;
    feed = p;
}

/* 0 when the client has hung up. */
static int read_feed(peer_t *p) {
    ws_frame_t f;
    size_t n;
    if (!p->is_open) shake_hands(p);
    while (p->is_open && (n = ws_read((uint8_t *)p->buf, p->have, &f)) > 0) {
        if (f.opcode == WS_TEXT) {
            char text[REQUEST_MAX + 1];
            memcpy(text, f.payload, f.n);
            text[f.n] = 0;
            if (strstr(text, "\"mode\"") && strstr(text, cfg.full ? "\"full\"" : "\"ltp\"")) subscribed = 1;
        } else if (f.opcode == WS_PING) {
            send_frame(WS_PONG, f.payload, f.n);
        } else if (f.opcode == WS_CLOSE) {
            return 0;
        }
        p->have -= n;
        memmove(p->buf, p->buf + n, p->have);
    }
    return 1;
}

/* ---------------------------------------------------------------------------------------------------------------------- the orders */
static void judge(const placed_t *o, int64_t ts_ns) {
    char symbol[24];
    if (awaited < 0) {
        n_surplus++;
        return;
    }
    snprintf(symbol, sizeof(symbol), "STOCK%d", awaited);
    if (strcmp(o->symbol, symbol) != 0 || strcmp(o->side, awaited_side > 0 ? "BUY" : "SELL") != 0) {
        n_wrong++;
    } else if (n_triggers > cfg.warm_up) {
        samples[n_samples++] = ts_ns - trigger_ns;
    }
    awaited = -1;
    last_ns = ts_ns;
}

static void read_requests(peer_t *p, int64_t ts_ns) {
    size_t n;
    while ((n = request_size(p->buf, p->have)) > 0) {
        if (strncmp(p->buf, "POST /orders/regular", 20) == 0) {
            char row[ROW_MAX + 64], kept = p->buf[n];
            p->buf[n] = 0;
            placed_t *o = take_order(strstr(p->buf, "\r\n\r\n") + 4);
            p->buf[n] = kept;
            judge(o, ts_ns);
            answer_order(&p->link, o);
            int size = snprintf(row, sizeof(row), "{\"type\":\"order\",\"data\":");
            size += write_row(o, row + size, ROW_MAX);
            row[size++] = '}';
            if (feed) send_frame(WS_TEXT, row, (size_t)size);
        } else {
            answer_question(&p->link, p->buf);
        }
        p->have -= n;
        memmove(p->buf, p->buf + n, p->have + 1);
    }
}

static void read_peer(peer_t *p) {
    ssize_t n;
    while ((n = link_read(&p->link, p->buf + p->have, REQUEST_MAX - p->have)) > 0) {
        int64_t ts_ns = now_ns();
        p->have += (size_t)n;
        p->buf[p->have] = 0;
        if (p->is_feed) {
            if (!read_feed(p)) {
                drop(p);
                return;
            }
        } else {
            read_requests(p, ts_ns);
        }
    }
    if (n < 0) drop(p);
}

/* -------------------------------------------------------------------------------------------------------------------------- the day */
static void report(void) {
    printf("{\"frames\":%d,\"triggers\":%d,\"orders\":%d,\"missed\":%d,\"wrong\":%d,\"surplus\":%d,\"samples_ns\":[", n_frames, n_triggers,
           n_book, n_missed, n_wrong, n_surplus);
    for (int i = 0; i < n_samples; i++) printf("%s%lld", i ? "," : "", (long long)samples[i]);
    printf("]}\n");
    fflush(stdout);
    is_over = 1;
}

/* What is due now. Frames come at a jittered distance, so that no client can fall into step with them. */
static void keep_time(int64_t now) {
    if (!told_go || !subscribed || feed == NULL) return;
    if (awaited >= 0 && now - trigger_ns > cfg.timeout_ns) {
        n_missed++;
        awaited = -1;
        last_ns = now;
    }
    if (now < next_ns) return;
    int is_last = n_triggers == cfg.warm_up + cfg.triggers;
    if (!is_over && is_last && awaited < 0 && now - last_ns > AFTER_LAST_NS) report();
    send_ticks(!is_last && awaited < 0 && n_quiet >= cfg.quiet);
    next_ns = now + cfg.gap_ns / 2 + (int64_t)(random_u64() % (uint64_t)cfg.gap_ns);
    struct itimerspec at = {.it_value = {next_ns / SECOND_NS, next_ns % SECOND_NS}};
    timerfd_settime(timer, TFD_TIMER_ABSTIME, &at, NULL);
}

static void read_options(int argc, char **argv, const char **cert, const char **key) {
    static const struct option OPTIONS[] = {{"full", no_argument, NULL, 'f'}, {"instruments", required_argument, NULL, 'i'},
        {"warm-up", required_argument, NULL, 'w'}, {"triggers", required_argument, NULL, 't'}, {"quiet", required_argument, NULL, 'q'},
        {"gap-us", required_argument, NULL, 'g'}, {"seed", required_argument, NULL, 's'}, {"cert", required_argument, NULL, 'c'},
        {"key", required_argument, NULL, 'k'}, {NULL, 0, NULL, 0}};
    int o;
    while ((o = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1) {
        switch (o) {
        case 'f': cfg.full = 1; break;
        case 'i': cfg.instruments = atoi(optarg); break;
        case 'w': cfg.warm_up = atoi(optarg); break;
        case 't': cfg.triggers = atoi(optarg); break;
        case 'q': cfg.quiet = atoi(optarg); break;
        case 'g': cfg.gap_ns = atoll(optarg) * 1000; break;
        case 's': cfg.seed = strtoull(optarg, NULL, 10) | 1; break;
        case 'c': *cert = optarg; break;
        case 'k': *key = optarg; break;
        default: exit(2);
        }
    }
    check(cfg.instruments >= 1 && cfg.instruments <= INSTRUMENTS_MAX && cfg.gap_ns > 0, "options out of range");
}

int main(int argc, char **argv) {
    const char *cert = NULL, *key = NULL;
    int feed_port, desk_port;
    static int feed_mark, desk_mark, timer_mark, input_mark;
    read_options(argc, argv, &cert, &key);
    signal(SIGPIPE, SIG_IGN);
    SSL_CTX *tls = cert ? server_tls(cert, key) : NULL;
    samples = calloc((size_t)cfg.triggers + 1, sizeof(int64_t));
    book = calloc(ORDERS_MAX, sizeof(placed_t));
    for (int i = 0; i < cfg.instruments; i++) side[i] = -1;
    poller = epoll_create1(0);
    timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    int feed_listener = listen_on(&feed_port), desk_listener = listen_on(&desk_port);
    watch(feed_listener, &feed_mark);
    watch(desk_listener, &desk_mark);
    watch(timer, &timer_mark);
    watch(STDIN_FILENO, &input_mark);
    printf("ports %d %d\n", feed_port, desk_port);
    fflush(stdout);
    for (;;) {
        struct epoll_event events[CONNECTIONS_MAX];
        /* Until the market runs there is no timer: look ten times a second. */
        int n = epoll_wait(poller, events, CONNECTIONS_MAX, awaited >= 0 ? 0 : next_ns ? 1000 : 10);
        for (int i = 0; i < n; i++) {
            void *at = events[i].data.ptr;
            uint64_t expirations;
            char line[256];
            if (at == &feed_mark) {
                admit(feed_listener, tls, 1);
            } else if (at == &desk_mark) {
                admit(desk_listener, tls, 0);
            } else if (at == &timer_mark) {
                if (read(timer, &expirations, sizeof(expirations)) < 0) continue;
            } else if (at == &input_mark) {
                if (read(STDIN_FILENO, line, sizeof(line)) <= 0) return 0;
                told_go = 1;
            } else {
                /* A peer that an event before this one has dropped must not be touched. */
                for (int k = 0; k < CONNECTIONS_MAX; k++)
                    if (peers[k] == at) {
                        read_peer(at);
                        break;
                    }
            }
        }
        keep_time(now_ns());
    }
}
