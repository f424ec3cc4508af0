#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/clock.h"
#include "loop/loop.h"
#include "model/phase.h"
#include "model/reason.h"

/*
 * One HTTP exchange on the loop: request in; response, phase times and a
 * reason out, exactly once. Never blocks; never follows a redirect; never
 * verifies less than the whole chain. Loop thread only.
 *
 * A client serves one loop. A session is what one browser window would be:
 * its cookies, its connections, the names it has resolved. A new session has
 * none of these, so its first request to a host pays for DNS, TCP and TLS.
 */
/*
 * http_init and http_fini: once each, in main, before any thread begins and
 * after the last has ended. SIGPIPE must be ignored by then: a peer that goes
 * away while we write TLS would raise it.
 */
void http_init(void);
void http_fini(void);

struct http_client;
struct http_session;
struct http_exchange;

/*
 * CA bundles, parsed: that takes 30 ms for the system's, so it is done ahead,
 * on any one thread, and not on the loop.
 */
struct http_bundles;
struct http_bundles *http_bundles_new(void);
void http_bundles_free(struct http_bundles *bundles); /* NULL is fine */

/* http_bundles_copy: the same bundles, not parsed again, to be freed. */
struct http_bundles *http_bundles_copy(const struct http_bundles *bundles);

/* http_bundles_add parses a file, if it has not yet; NULL is the system's
 * bundle. False, with the reason in `problem`, when there is no certificate in
 * it, or one that cannot be read. */
bool http_bundles_add(struct http_bundles *bundles, const char *ca_file,
    char *problem, size_t size) MUST_USE;

struct http_options {
	const char *user_agent;
	const char *ca_file; /* NULL: the system's bundle */
	const char *const *name_servers; /* "127.0.0.1:5353"; none: system's */
	size_t n_name_servers;
	dur_us dns_timeout; /* of one resolution; 0: 5 s */
	const struct http_bundles *bundles; /* NULL: none is parsed ahead; one
					       that is not there is parsed when
					       it is first used */
};

/* http_client_new copies what it is given. NULL when libcurl refuses. */
struct http_client *http_client_new(
    struct loop *loop, const struct http_options *options);

/* http_client_free: no exchange or session may be left (assert). */
void http_client_free(struct http_client *client);

/* http_client_apply: other options, for exchanges that begin after it; the
 * bundles for sessions. Bundles parsed before are dropped. */
void http_client_apply(
    struct http_client *client, const struct http_options *options);

struct http_session_options {
	const char *connect_to; /* "ADDRESS:PORT" for every host, or NULL */
	const char *unix_socket; /* path; for every host, instead; or NULL */
	const char *ca_file; /* NULL: the client's */
	bool deny_private; /* refuse private, loopback, link-local … addresses,
			      judged on the address really connected to */
};

/* NULL options are all zero. Copied. */
struct http_session *http_session_new(
    struct http_client *client, const struct http_session_options *options);

/* http_session_free closes its connections. No exchange may be running. */
void http_session_free(struct http_session *session);

/* http_session_cookie: the value of the cookie that would be sent to `url`'s
 * host (any path), or NULL. Borrowed until the next call on the session. */
const char *http_session_cookie(
    struct http_session *session, const char *host, const char *name);

enum http_method { HTTP_GET, HTTP_POST, HTTP_PUT, HTTP_DELETE };

struct http_header {
	const char *name;
	const char *value; /* without CR, LF, NUL (assert) */
};

/* All pointers are borrowed for the call of http_start only. A header "Cookie"
 * is sent in one line with the session's own cookies. */
struct http_request {
	enum http_method method;
	const char *url; /* absolute, http or https */
	const struct http_header *headers;
	size_t n_headers;
	const void *body; /* NULL: none */
	size_t body_len;
	bool once; /* on a connection of its own: libcurl sends a request again
		      when a kept connection dies before the first byte */
	dur_us timeout; /* from http_start to the last byte, DNS included */
	size_t max_body_bytes; /* of the decoded body */
};

/* What a server showed, trusted or not. Times are 0 when they make no sense. */
struct http_certificate {
	char subject[160]; /* RFC 2253, cut; not from us: escape it */
	char issuer[160];
	char hosts[256]; /* "a.example, *.b.example", as many as fit */
	wall_us not_before;
	wall_us not_after; /* or of an intermediate one, if that ends before */
};

/*
 * How it ended. Lives, with all it points to, until the done callback
 * returns. `reason` is REASON_OK when a whole response arrived, whatever its
 * status: status is for the caller to judge. Otherwise it is one of:
 *   fd_limit, resolver_down, uplink_down   ours
 *   tainted     ours: the CA bundle cannot be read
 *   dns_failure, dns_timeout, connect_refused, connect_timeout,
 *   connection_reset, tls_failure, tls_expired, tls_name
 *   no_answer   deadline passed after the request was sent, before any byte
 *   slow_body   deadline passed between the first and the last byte
 *   extract_failed  the URL is none: whoever made it up is at fault
 *   too_large   the decoded body passed max_body_bytes; body holds the start
 */
struct http_response {
	enum reason reason;
	enum phase phase; /* in which it ended, when not ok */
	char problem[160]; /* for people, when not ok; else "" */
	int status; /* 0: no status line */
	int version; /* 10, 11 or 20; 0 */
	const char *body; /* decoded, NUL after it, never NULL */
	size_t body_len;
	const char *media_type; /* as sent, with charset; "" */
	const char *location; /* absolute redirect target; "" */
	const char *address; /* "127.0.0.1:8443"; "" */
	const char *tls; /* "TLSv1.3"; "" */
	const char *cipher; /* "TLS_AES_256_GCM_SHA384"; "" */
	const struct http_certificate *certificate; /* NULL: none was shown, or
						       the connection is an
						       earlier one's */
	const struct http_header *headers; /* in order of arrival */
	size_t n_headers;
	dur_us retry_after; /* Retry-After, seconds or date; 0 */
	mono_us started; /* when http_start was called */
	dur_us latency; /* until the last byte, or the end, less `ours` */
	dur_us ours; /* getting ready for TLS, and what had been ready before we
			came to it: nobody was waited for */
	dur_us late; /* for which its events had to wait for us, at most: the
			part of latency that may be our own */
	struct phase_times phases; /* sum is latency, less our own overhead */
	bool reused; /* no new connection was opened */
	uint64_t sent_bytes;
};

typedef void http_done_fn(void *arg, const struct http_response *response);

/*
 * http_start: `done` is called exactly once from the loop, never from inside
 * http_start, unless http_cancel comes first. Never fails: what cannot even
 * begin ends as a response with a reason. At most one running exchange per
 * session (assert).
 */
struct http_exchange *http_start(struct http_session *session,
    const struct http_request *request, http_done_fn *done, void *arg);

/* http_cancel ends it without calling `done`. Not from inside `done`. */
void http_cancel(struct http_exchange *exchange);

/* http_header_find: the first value of that name, any case; NULL. */
const char *http_header_find(
    const struct http_response *response, const char *name);

/* http_url_host: copies the host of a URL, lower case, without port; false
 * when it is not an absolute http(s) URL or does not fit. */
bool http_url_host(const char *url, char *host, size_t size);

/* http_url_join: an absolute URL from a base and a reference (RFC 3986);
 * malloc'ed, NULL when it makes none. */
char *http_url_join(const char *base, const char *reference) MUST_USE;

/* Exchanges since the client began, for /metrics. */
uint64_t http_client_requests(const struct http_client *client);

#endif
