#ifndef EXCHANGE_INT_H
#define EXCHANGE_INT_H

#include "http-int.h"

/* One exchange from within: exchange.c runs it, outcome.c reads what came. */

#define HEADERS_MAX 128
#define HEADS_MAX 16 /* one answer, and 1xx ones before it */
#define HEADER_BYTES_MAX (64 * 1024)
/* A smaller body is sent with the head, and counted with it by libcurl. */
#define SENT_APART (64 * 1024)

struct http_exchange {
	struct http_session *session;
	struct http_client *client; /* outlives it, as the session may not */
	http_done_fn *done;
	void *arg;
	const struct http_request *request; /* until libcurl has it all */
	CURL *easy;
	struct curl_slist *headers_out;
	struct curl_slist *connect_to;
	struct resolution *resolution;
	struct http_place place;
	char *url;
	mono_us started;
	mono_us deadline;
	dur_us dns;
	mono_us begun; /* when libcurl got it */
	mono_us tls_begun; /* 0: not begun, or reused */
	dur_us tls_ours; /* at most what it took us to get ready for that */
	mono_us served; /* when its last event was */
	dur_us held; /* how long that event had surely waited for us, … */
	dur_us counted; /* … and what of its wait is in response.late */
	dur_us held_dns, held_connect, held_tls, held_first; /* of those that
			ended a phase */
	bool secured; /* held_tls is known */
	mono_us first_line; /* when the first line of the answer came; 0 */
	size_t body_len; /* of the request */
	unsigned n_heads;
	struct buf body;
	struct buf header_bytes; /* names and values, NUL after each */
	size_t header_at[HEADERS_MAX][2];
	size_t n_headers;
	bool too_large;
	bool fd_limit;
	bool refused_by_policy;
	struct sockaddr_storage tried[2]; /* the last address of IPv4, IPv6 */
	bool cancelled; /* between an early end and its deferred call */
	enum reason early;
	enum phase early_phase;
	char tls[16];
	char cipher[48];
	char error[CURL_ERROR_SIZE];
	struct http_header headers[HEADERS_MAX];
	struct http_response response;
};

/* http_outcome_read fills the response from libcurl's handle, before it is
 * taken out of the multi. `location` and `address` are malloc'ed or NULL. */
void http_outcome_read(struct http_exchange *exchange, CURLcode code);

/* http_tls_note: what TLS was agreed on can only be asked while the connection
 * is the exchange's. */
void http_tls_note(struct http_exchange *exchange);

#endif
