#ifndef HTTP_INT_H
#define HTTP_INT_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include <curl/curl.h>
#include <openssl/ssl.h>

#include "base/buf.h"
#include "base/clock.h"
#include "http/http.h"
#include "loop/loop.h"
#include "model/phase.h"
#include "model/reason.h"

/* What the files of this room share. */

/*
 * A CA bundle, parsed once: libcurl would parse it for every connection, 33 ms
 * of CPU on the loop. Sessions hold a reference of their own.
 */
struct http_bundle {
	LIST_ENTRY(http_bundle) link;
	char *ca_file;
	X509_STORE *store;
};

struct http_bundles {
	LIST_HEAD(, http_bundle) list;
};

struct resolver;
struct http_socket;

struct http_client {
	struct loop *loop;
	char *user_agent;
	char *ca_file;
	dur_us dns_timeout;
	char *name_servers; /* as the resolver was told; "" */
	struct resolver *resolver;
	struct resolver *retired; /* may still have to answer */
	CURLM *multi;
	struct loop_timer *timer;
	bool at_once; /* libcurl wants to be called again at once */
	mono_us acting; /* since when libcurl is at work; 0: it is not */
	dur_us worked; /* clock_thread_cpu then */
	struct http_exchange *serving; /* whose event it is; NULL */
	CURL *reader; /* reads the cookies of sessions */
	struct http_socket **sockets; /* by descriptor */
	size_t n_sockets;
	struct http_socket *stale; /* to be told to the loop after this turn */
	struct http_bundles bundles;
	unsigned sessions;
	uint64_t requests;
};

/* A name that this session has resolved. */
struct known_host {
	struct known_host *next;
	char *host_port;
};

struct http_session {
	struct http_client *client;
	X509_STORE *store; /* NULL: its bundle cannot be read */
	CURLSH *share;
	char *connect_to; /* as libcurl wants it, or NULL */
	char *unix_socket; /* or NULL */
	bool deny_private;
	bool certified; /* the connection opened last showed `certificate` */
	struct http_certificate certificate;
	struct http_exchange *running;
	struct known_host *known;
	struct curl_slist *resolve; /* "host:port:address,…" */
	char *cookie; /* what http_session_cookie last returned */
};

/* client.c: a socket of libcurl's was opened; what was known of an earlier one
 * with that number is forgotten. And closed: the last that is done with it. */
void http_client_opened(struct http_client *client, curl_socket_t fd);
int http_client_close(void *client, curl_socket_t fd);

/* bundle.c: the parsed bundle of that file, a reference for the caller; NULL
 * when it cannot be read, which has been logged. */
X509_STORE *http_bundle_get(struct http_client *client, const char *ca_file);

/* http_bundle_replace forgets all bundles and takes those; NULL: none. */
void http_bundle_replace(
    struct http_client *client, const struct http_bundles *parsed);
const char *http_bundle_system(void);

/* http_bundle_use makes a TLS context trust the bundle, and only it. */
void http_bundle_use(SSL_CTX *ssl_ctx, X509_STORE *store);

/* tls.c: http_tls_watch, when a handshake begins, has the certificate that the
 * server shows kept in the session. */
void http_tls_init(void);
void http_tls_watch(SSL_CTX *ssl_ctx, struct http_session *session);

/* client.c: lets libcurl do now what it wants to do at once, as with a handle
 * that was just added, and not after the events that are ready: their time
 * would count as the exchange's. Not from inside http_start. */
void http_client_go_on(struct http_client *client);

/* exchange.c: an easy handle has ended. */
void http_exchange_ended(CURL *easy, CURLcode code);

/* exchange.c: an event of its is being served; libcurl has served it. */
void http_exchange_served(struct http_exchange *exchange);
void http_exchange_left(struct http_exchange *exchange);

/* ---- resolve.c ---- */

/* resolver_new: `name_servers` is a comma-separated list; "": the system's. */
struct resolver *resolver_new(struct loop *loop, const char *name_servers);
void resolver_free(struct resolver *resolver);

/* resolver_retire puts it before those retired earlier; resolver_sweep frees
 * those of them that nobody waits for and returns the others. */
struct resolver *resolver_retire(
    struct resolver *resolver, struct resolver *others);
struct resolver *resolver_sweep(struct resolver *retired);

/*
 * Resolves a name; `done` is called once from the loop, not from inside
 * resolver_start, unless it is cancelled. `addresses` is a comma-separated
 * list as CURLOPT_RESOLVE wants it, or NULL with a reason. The answer had to
 * wait for us, for `held` surely, and for `late` more at most.
 */
typedef void resolved_fn(void *arg, enum reason reason, const char *problem,
    const char *addresses, dur_us held, dur_us late);
struct resolution;
struct resolution *resolver_start(struct resolver *resolver, const char *host,
    dur_us timeout, resolved_fn *done, void *arg);
void resolver_cancel(struct resolution *resolution);

/* ---- reason.c ---- */

/* What is known when an exchange has ended badly. */
struct http_ending {
	CURLcode code;
	long os_errno;
	long verify_result;
	const char *text; /* of libcurl */
	bool tls; /* https */
	bool connected; /* TCP stands */
	bool secured; /* TLS stands, or is not wanted */
	bool answered; /* the first byte came */
	bool too_large;
	bool fd_limit;
	bool refused_by_policy;
	/* When no connection came about: from here, there is a way to each
	 * address family that was tried; to none of them. */
	bool routed, unrouted;
};

/* http_errno_ours: we have run out of descriptors or of memory for them. */
bool http_errno_ours(long os_errno);

enum phase http_ending_phase(const struct http_ending *ending);
enum reason http_ending_reason(const struct http_ending *ending);

/* ---- policy.c ---- */

/* http_address_private: loopback, private, link-local, shared, unique local,
 * multicast, reserved, unspecified, and what embeds one of them. */
bool http_address_private(const struct sockaddr *address);

/* ---- url.c ---- */

struct http_place {
	char host[256]; /* without brackets */
	uint16_t port;
	bool tls;
	bool literal; /* an address, not a name */
};

/* http_url_place takes a URL apart; false when it is none of ours. */
bool http_url_place(const char *url, struct http_place *place);

#endif
