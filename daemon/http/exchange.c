/*
 * One exchange: resolve if need be, hand it to libcurl, gather what comes,
 * tell once.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "exchange-int.h"

#define RECEIVE_BUFFER (16 * 1024L)
#define ENCODINGS "gzip, deflate, br"
/* Longer than any handshake step takes. */
#define STALL (10 * US_PER_MS)

/* ---- the end ---- */

static void
exchange_free(struct http_exchange *exchange)
{
	if (exchange->client->serving == exchange)
		exchange->client->serving = NULL;
	if (exchange->easy != NULL)
		curl_easy_cleanup(exchange->easy);
	curl_slist_free_all(exchange->headers_out);
	curl_slist_free_all(exchange->connect_to);
	buf_fini(&exchange->body);
	buf_fini(&exchange->header_bytes);
	free(exchange->url);
	free(exchange);
}

/* Tells the caller and forgets: after this the session is free again, also
 * for a new exchange or its own end from inside the call. */
static void
tell(struct http_exchange *exchange)
{
	struct http_response *response = &exchange->response;

	response->started = exchange->started;
	response->latency = loop_now(exchange->session->client->loop) -
	    exchange->started - response->ours;
	response->body = exchange->body.data;
	response->body_len = exchange->body.len;
	if (response->media_type == NULL)
		response->media_type = "";
	if (response->location == NULL)
		response->location = "";
	if (response->address == NULL)
		response->address = "";
	response->tls = exchange->tls;
	response->cipher = exchange->cipher;
	if (exchange->tls_begun > 0 && exchange->session->certified)
		response->certificate = &exchange->session->certificate;
	exchange->session->running = NULL;
	/* The handle holds on to the session's share: it goes first. */
	if (exchange->easy != NULL)
		curl_easy_cleanup(exchange->easy);
	exchange->easy = NULL;
	exchange->done(exchange->arg, response);
	exchange_free(exchange);
}

static void
tell_early(void *arg)
{
	struct http_exchange *exchange = arg;

	if (exchange->cancelled) {
		exchange_free(exchange);
		return;
	}
	exchange->response.reason = exchange->early;
	exchange->response.phase = exchange->early_phase;
	exchange->response.phases.us[exchange->early_phase] =
	    loop_now(exchange->session->client->loop) - exchange->started;
	tell(exchange);
}

/* What cannot even begin ends all the same, but not from inside http_start. */
static void
end_early(struct http_exchange *exchange, enum reason reason, enum phase phase,
    const char *problem)
{
	exchange->early = reason;
	exchange->early_phase = phase;
	text_copy(exchange->response.problem,
	    sizeof(exchange->response.problem), problem);
	loop_defer(exchange->session->client->loop, tell_early, exchange);
}

/* ---- how late we were ---- */

static void
served(struct http_exchange *exchange, dur_us held, dur_us waited)
{
	mono_us now = loop_now(exchange->client->loop);

	/* It cannot have been ready before the last one was served. */
	if (waited > now - exchange->served)
		waited = now - exchange->served;
	exchange->response.late += waited;
	exchange->served = now;
	exchange->held = held;
	exchange->counted = waited;
}

/* The event that is served ends a phase: what it has surely waited is taken off
 * that phase, and so is not late any more. */
static dur_us
take_off(struct http_exchange *exchange)
{
	dur_us less = exchange->held < exchange->counted ? exchange->held
							 : exchange->counted;

	exchange->response.late -= less;
	exchange->counted -= less;
	return exchange->held;
}

void
http_exchange_served(struct http_exchange *exchange)
{
	const struct loop *loop = exchange->client->loop;

	served(exchange, loop_held(loop), loop_waited(loop));
}

/* libcurl looks at a connection whenever it does anything for a handle, in a
 * timer, too: then what it finds has not been served as an event. */
static void
found(struct http_exchange *exchange)
{
	if (exchange->served < exchange->client->acting)
		served(exchange, 0, loop_unseen(exchange->client->loop));
}

/* What took longer than we have worked: meanwhile we were not let run. */
static void
count_stall(struct http_exchange *exchange, dur_us least)
{
	const struct http_client *client = exchange->client;
	dur_us took = loop_now(client->loop) - exchange->served;
	dur_us away = took - (clock_thread_cpu() - client->worked);

	if (took >= least && away > 0)
		exchange->response.late += away;
}

void
http_exchange_left(struct http_exchange *exchange)
{
	curl_off_t secured = 0;

	count_stall(exchange, STALL);
	if (exchange->secured || exchange->tls_begun == 0)
		return;
	curl_easy_getinfo(exchange->easy, CURLINFO_APPCONNECT_TIME_T, &secured);
	exchange->secured = secured > 0;
	if (exchange->secured)
		exchange->held_tls = take_off(exchange);
}

/* ---- libcurl's callbacks ---- */

void
http_exchange_ended(CURL *easy, CURLcode code)
{
	struct http_exchange *exchange = NULL;
	char *location;
	char *address;

	curl_easy_getinfo(easy, CURLINFO_PRIVATE, &exchange);
	found(exchange);
	count_stall(exchange, US_PER_MS);
	if (code == CURLE_OK)
		take_off(exchange);
	http_outcome_read(exchange, code);
	curl_multi_remove_handle(exchange->session->client->multi, easy);
	location = (char *)(uintptr_t)exchange->response.location;
	address = (char *)(uintptr_t)exchange->response.address;
	tell(exchange);
	free(location);
	free(address);
}

static size_t
on_body(char *bytes, size_t size, size_t n, void *arg)
{
	struct http_exchange *exchange = arg;
	size_t room = exchange->body.max - exchange->body.len;

	found(exchange);
	if (size * n > room) {
		buf_add(&exchange->body, bytes, room);
		exchange->too_large = true;
		return 0;
	}
	return buf_add(&exchange->body, bytes, size * n) ? size * n : 0;
}

static size_t
on_header(char *line, size_t size, size_t n, void *arg)
{
	struct http_exchange *exchange = arg;
	struct buf *bytes = &exchange->header_bytes;
	size_t len = size * n;
	char *colon = memchr(line, ':', len);
	size_t value;
	size_t end = len;

	found(exchange);
	http_tls_note(exchange);
	if (exchange->first_line == 0) {
		exchange->first_line =
		    loop_now(exchange->session->client->loop);
		exchange->held_first = take_off(exchange);
	}
	if (len >= 5 && memcmp(line, "HTTP/", 5) == 0) {
		/* A response after a 1xx one: only the last one counts. */
		exchange->n_headers = 0;
		buf_reset(bytes);
		exchange->too_large = ++exchange->n_heads > HEADS_MAX;
		return exchange->too_large ? 0 : len;
	}
	if (colon == NULL)
		return len;
	value = (size_t)(colon - line) + 1;
	while (value < end && (line[value] == ' ' || line[value] == '\t'))
		value++;
	while (end > value && strchr(" \t\r\n", line[end - 1]) != NULL)
		end--;
	if (exchange->n_headers == HEADERS_MAX) {
		exchange->too_large = true;
		return 0;
	}
	exchange->header_at[exchange->n_headers][0] = bytes->len;
	buf_add(bytes, line, (size_t)(colon - line));
	buf_addc(bytes, '\0');
	exchange->header_at[exchange->n_headers][1] = bytes->len;
	buf_add(bytes, line + value, end - value);
	if (!buf_addc(bytes, '\0')) {
		exchange->too_large = true;
		return 0;
	}
	exchange->n_headers++;
	return len;
}

/* TCP stands, TLS begins. */
static CURLcode
on_tls(CURL *easy, void *ssl_ctx, void *arg)
{
	struct http_exchange *exchange = arg;

	(void)easy;
	found(exchange);
	http_bundle_use(ssl_ctx, exchange->session->store);
	http_tls_watch(ssl_ctx, exchange->session);
	exchange->tls_begun = loop_now(exchange->session->client->loop);
	/* The event that is served is the end of the TCP handshake. */
	exchange->tls_ours = exchange->tls_begun - exchange->served;
	exchange->held_connect = take_off(exchange);
	return CURLE_OK;
}

static curl_socket_t
on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct http_exchange *exchange = arg;
	bool six = address->family == AF_INET6;
	int fd;

	(void)purpose;
	http_exchange_served(exchange);
	if (address->addrlen <= sizeof(exchange->tried[six]))
		memcpy(&exchange->tried[six], &address->addr, address->addrlen);
	if (exchange->session->deny_private &&
	    http_address_private(&address->addr)) {
		exchange->refused_by_policy = true;
		return CURL_SOCKET_BAD;
	}
	fd = socket(address->family, address->socktype | SOCK_CLOEXEC,
	    address->protocol);
	if (fd < 0 && http_errno_ours(errno))
		exchange->fd_limit = true;
	if (fd < 0)
		return CURL_SOCKET_BAD;
	http_client_opened(exchange->client, fd);
	return fd;
}

/* ---- the beginning ---- */

static void
add_header(struct http_exchange *exchange, const char *name, const char *value)
{
	struct curl_slist *more;
	char *line;

	assert(strpbrk(name, "\r\n:") == NULL);
	assert(strpbrk(value, "\r\n") == NULL);
	/* libcurl's way to say that a value is empty is a semicolon. */
	line = value[strspn(value, " \t")] != '\0'
	    ? mem_printf("%s: %s", name, value)
	    : mem_printf("%s;", name);
	more = curl_slist_append(exchange->headers_out, line);
	if (more == NULL)
		log_fatal("out of memory", "for=libcurl");
	exchange->headers_out = more;
	free(line);
}

static void
set_method(CURL *easy, const struct http_request *request)
{
	bool has_body = request->body != NULL;

	switch (request->method) {
	case HTTP_GET:
		return;
	case HTTP_POST:
		has_body = true;
		break;
	case HTTP_PUT:
		curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, "PUT");
		has_body = true;
		break;
	case HTTP_DELETE:
		curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, "DELETE");
		break;
	}
	if (!has_body)
		return;
	curl_easy_setopt(
	    easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_len);
	/* Copied: the request is the caller's only until we have begun. */
	curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS,
	    request->body != NULL ? request->body : "");
}

static void
set_up(struct http_exchange *exchange, const struct http_request *request)
{
	struct http_session *session = exchange->session;
	CURL *easy = exchange->easy;

	curl_easy_setopt(easy, CURLOPT_PRIVATE, exchange);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, exchange->error);
	curl_easy_setopt(easy, CURLOPT_URL, request->url);
	curl_easy_setopt(easy, CURLOPT_SHARE, session->share);
	curl_easy_setopt(easy, CURLOPT_COOKIEFILE, "");
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_USERAGENT, session->client->user_agent);
	curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, ENCODINGS);
	curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, RECEIVE_BUFFER);
	/* The parsed bundle instead of files: see bundle.c. */
	curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
	curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_tls);
	curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, exchange);
	/* Its own cache would keep the first session's bundle for all. */
	curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, 0L);
	curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
	if (request->once)
		curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, exchange);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, exchange);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, exchange);
	curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, http_client_close);
	curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, session->client);
	for (size_t i = 0; i < request->n_headers; i++) {
		const struct http_header *header = &request->headers[i];

		/* Goes into one line with the session's own cookies. */
		if (strcasecmp(header->name, "Cookie") == 0)
			curl_easy_setopt(easy, CURLOPT_COOKIE, header->value);
		else
			add_header(exchange, header->name, header->value);
	}
	exchange->headers_out =
	    curl_slist_append(exchange->headers_out, "Expect:");
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, exchange->headers_out);
	set_method(easy, request);
	if (session->unix_socket != NULL)
		curl_easy_setopt(
		    easy, CURLOPT_UNIX_SOCKET_PATH, session->unix_socket);
	if (session->connect_to != NULL) {
		exchange->connect_to =
		    curl_slist_append(NULL, session->connect_to);
		curl_easy_setopt(
		    easy, CURLOPT_CONNECT_TO, exchange->connect_to);
	}
}

static void
begin(struct http_exchange *exchange)
{
	struct http_session *session = exchange->session;
	mono_us now = loop_now(session->client->loop);
	dur_us left = exchange->deadline - now;

	exchange->begun = now;
	exchange->dns = now - exchange->started;
	if (left < US_PER_MS)
		left = US_PER_MS;
	curl_easy_setopt(
	    exchange->easy, CURLOPT_TIMEOUT_MS, (long)(left / US_PER_MS));
	curl_easy_setopt(exchange->easy, CURLOPT_CONNECTTIMEOUT_MS,
	    (long)(left / US_PER_MS));
	if (session->resolve != NULL)
		curl_easy_setopt(
		    exchange->easy, CURLOPT_RESOLVE, session->resolve);
	session->client->requests++;
	if (curl_multi_add_handle(session->client->multi, exchange->easy) !=
	    CURLM_OK)
		end_early(exchange, REASON_FD_LIMIT, PHASE_CONNECT,
		    "libcurl refuses the exchange");
}

static bool
is_known(const struct http_session *session, const char *host_port)
{
	for (const struct known_host *known = session->known; known != NULL;
	     known = known->next) {
		if (strcmp(known->host_port, host_port) == 0)
			return true;
	}
	return false;
}

static void
remember(struct http_session *session, char *host_port, const char *addresses)
{
	struct known_host *known = mem_new(sizeof(*known));
	char *entry = mem_printf("%s:%s", host_port, addresses);
	struct curl_slist *more = curl_slist_append(session->resolve, entry);

	if (more == NULL)
		log_fatal("out of memory", "for=libcurl");
	session->resolve = more;
	known->host_port = host_port;
	known->next = session->known;
	session->known = known;
	free(entry);
}

static char *
host_port_of(const struct http_exchange *exchange)
{
	return mem_printf(
	    "%s:%u", exchange->place.host, (unsigned)exchange->place.port);
}

static void
on_resolved(void *arg, enum reason reason, const char *problem,
    const char *addresses, dur_us held, dur_us late)
{
	struct http_exchange *exchange = arg;
	struct http_client *client = exchange->session->client;

	exchange->resolution = NULL;
	exchange->served = loop_now(client->loop);
	exchange->held_dns = held;
	exchange->response.late += late;
	if (reason != REASON_OK) {
		end_early(exchange, reason, PHASE_DNS, problem);
		return;
	}
	remember(exchange->session, host_port_of(exchange), addresses);
	begin(exchange);
	http_client_go_on(client);
}

/* Asks for the addresses when there are any to find; false when not. */
static bool
resolve(struct http_exchange *exchange)
{
	struct http_session *session = exchange->session;
	struct http_client *client = session->client;
	dur_us timeout = exchange->request->timeout;
	char *host_port = host_port_of(exchange);
	bool known = exchange->place.literal || session->connect_to != NULL ||
	    session->unix_socket != NULL || is_known(session, host_port);

	free(host_port);
	if (known)
		return false;
	if (timeout > client->dns_timeout)
		timeout = client->dns_timeout;
	exchange->resolution = resolver_start(client->resolver,
	    exchange->place.host, timeout, on_resolved, exchange);
	return true;
}

struct http_exchange *
http_start(struct http_session *session, const struct http_request *request,
    http_done_fn *done, void *arg)
{
	struct http_exchange *exchange = mem_new(sizeof(*exchange));
	bool resolving;

	assert(session->running == NULL);
	assert(request->timeout > 0 && request->max_body_bytes > 0);
	session->running = exchange;
	exchange->session = session;
	exchange->client = session->client;
	exchange->done = done;
	exchange->arg = arg;
	exchange->request = request;
	exchange->body_len = request->body != NULL ? request->body_len : 0;
	exchange->started = loop_now(session->client->loop);
	exchange->served = exchange->started;
	exchange->deadline = exchange->started + request->timeout;
	exchange->url = mem_strdup(request->url);
	buf_init(&exchange->body, request->max_body_bytes);
	buf_init(&exchange->header_bytes, HEADER_BYTES_MAX);
	if (!http_url_place(request->url, &exchange->place)) {
		end_early(exchange, REASON_EXTRACT_FAILED, PHASE_DNS,
		    "not an http or https URL");
		return exchange;
	}
	/* With nothing to trust, every connection would look like an attack
	 * on the operator's. */
	if (exchange->place.tls && session->store == NULL) {
		end_early(exchange, REASON_TAINTED, PHASE_TLS,
		    "our CA bundle cannot be read");
		return exchange;
	}
	/* The rest is done while the question is on its way. */
	resolving = resolve(exchange);
	exchange->easy = curl_easy_init();
	if (exchange->easy == NULL) {
		if (resolving)
			resolver_cancel(exchange->resolution);
		exchange->resolution = NULL;
		end_early(exchange, REASON_FD_LIMIT, PHASE_DNS,
		    "libcurl has no memory");
		return exchange;
	}
	set_up(exchange, request);
	if (!resolving) {
		begin(exchange);
		exchange->dns = 0;
	}
	exchange->request = NULL;
	return exchange;
}

void
http_cancel(struct http_exchange *exchange)
{
	struct http_session *session = exchange->session;

	session->running = NULL;
	if (exchange->early != REASON_OK) {
		/* Its deferred call frees it; the session may be gone by
		 * then, and the handle holds on to the session's share. */
		exchange->cancelled = true;
		if (exchange->easy != NULL)
			curl_easy_cleanup(exchange->easy);
		exchange->easy = NULL;
		return;
	}
	if (exchange->resolution != NULL)
		resolver_cancel(exchange->resolution);
	else
		curl_multi_remove_handle(
		    session->client->multi, exchange->easy);
	exchange_free(exchange);
}
