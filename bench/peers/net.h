/* Sockets, plain or TLS, and the clock: what the mock exchange and the C floors share. Linux only; built with -D_GNU_SOURCE. */
#pragma once
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SECOND_NS 1000000000LL

typedef struct {
    int fd;
    SSL *ssl; /* NULL: plain */
} link_t;

static inline int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * SECOND_NS + t.tv_nsec;
}

static inline _Noreturn void die(const char *why) {
    fprintf(stderr, "%s: %s\n", why, errno ? strerror(errno) : "failed");
    ERR_print_errors_fp(stderr);
    exit(1);
}

static inline void check(int ok, const char *what) {
    if (!ok) die(what);
}

static inline void set_up_socket(int fd) {
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    check(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) == 0, "O_NONBLOCK");
}

static inline struct sockaddr_in loopback(int port) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return at;
}

/* A listening socket on a port that the kernel chooses. */
static inline int listen_on(int *port) {
    struct sockaddr_in at = loopback(0);
    socklen_t size = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    check(fd >= 0 && bind(fd, (struct sockaddr *)&at, size) == 0 && listen(fd, 64) == 0, "listen");
    check(getsockname(fd, (struct sockaddr *)&at, &size) == 0, "getsockname");
    *port = ntohs(at.sin_port);
    return fd;
}

static inline void wait_for(link_t *l, int ssl_error) {
    struct pollfd p = {.fd = l->fd, .events = ssl_error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT};
    poll(&p, 1, 1000);
}

/* A connection to a server of this machine; `tls` NULL is plain. The handshake is over when it returns. */
static inline link_t connect_to(int port, SSL_CTX *tls) {
    struct sockaddr_in at = loopback(port);
    link_t l = {socket(AF_INET, SOCK_STREAM, 0), NULL};
    check(l.fd >= 0 && connect(l.fd, (struct sockaddr *)&at, sizeof(at)) == 0, "connect");
    set_up_socket(l.fd);
    if (tls) {
        int got;
        l.ssl = SSL_new(tls);
        SSL_set_fd(l.ssl, l.fd);
        X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(l.ssl), "127.0.0.1");
        while ((got = SSL_connect(l.ssl)) != 1) {
            int error = SSL_get_error(l.ssl, got);
            check(error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE, "TLS handshake");
            wait_for(&l, error);
        }
    }
    return l;
}

static inline SSL_CTX *client_tls(const char *ca_file) {
    SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
    check(tls != NULL && SSL_CTX_load_verify_locations(tls, ca_file, NULL) == 1, "certificate");
    SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
    return tls;
}

static inline SSL_CTX *server_tls(const char *cert, const char *key) {
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    check(tls != NULL && SSL_CTX_use_certificate_chain_file(tls, cert) == 1 &&
              SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) == 1, "certificate and key");
    return tls;
}

/* Bytes read, 0 when there are none now, -1 when the connection is over. */
static inline ssize_t link_read(link_t *l, void *into, size_t room) {
    ssize_t n;
    if (l->ssl) {
        ERR_clear_error();
        n = SSL_read(l->ssl, into, (int)room);
        if (n > 0) return n;
        int error = SSL_get_error(l->ssl, (int)n);
        return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? 0 : -1;
    }
    n = recv(l->fd, into, room, 0);
    if (n > 0) return n;
    return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

/* Write all of it, waiting for room when the kernel has none. -1 when the connection is over. */
static inline int link_write(link_t *l, const void *from, size_t n) {
    const char *at = from;
    while (n > 0) {
        ssize_t put;
        if (l->ssl) {
            ERR_clear_error();
            put = SSL_write(l->ssl, at, (int)n);
            if (put <= 0) {
                int error = SSL_get_error(l->ssl, (int)put);
                if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) return -1;
                wait_for(l, error);
                continue;
            }
        } else {
            put = send(l->fd, at, n, MSG_NOSIGNAL);
            if (put < 0) {
                if (errno != EAGAIN && errno != EINTR) return -1;
                wait_for(l, SSL_ERROR_WANT_WRITE);
                continue;
            }
        }
        at += put;
        n -= (size_t)put;
    }
    return 0;
}

static inline void link_close(link_t *l) {
    if (l->ssl) SSL_free(l->ssl);
    if (l->fd >= 0) close(l->fd);
    l->ssl = NULL;
    l->fd = -1;
}
