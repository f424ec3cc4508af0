#ifndef BENCH_BARE_H
#define BENCH_BARE_H

#include <stddef.h>

#include "site.h"

/*
 * The floors: clients that do nothing but the requests. Both start `n`
 * journeys, `per_s` of them in each second, evenly; each journey is a new
 * connection with a whole TLS handshake, no session resumed, the chain
 * checked against the bundle, which was parsed once. They return the CPU of
 * this process in ms per journey; it ends with a message when a request
 * fails.
 */

/* One request, and how its answer must begin. */
struct floor_request {
	const char *path;
	const char *post; /* the body; NULL: GET */
	const char *headers; /* "Name: value\r\n…", cookies included */
};

/* bare_run: OpenSSL and epoll, nothing else. Of the answers only status and
 * Content-Length are looked at, and the body is counted. */
double bare_run(const struct site *site, const struct floor_request *requests,
    size_t n_requests, unsigned n, unsigned per_s);

/* multi_run: libcurl's multi-socket API on epoll, as cheap as it gets: a new
 * easy handle for each request, a parsed bundle shared, no file of CAs. */
double multi_run(const struct site *site, const struct floor_request *requests,
    size_t n_requests, unsigned n, unsigned per_s);

#endif
