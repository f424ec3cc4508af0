#include "bare.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "bench.h"

#define HEAD_MAX 8192
#define EVENTS 64
#define NS_PER_S 1000000000

struct journey {
	int fd;
	SSL *ssl;
	bool secured, writing;
	size_t request; /* that is under way */
	char head[HEAD_MAX];
	size_t head_len;
	bool in_body;
	size_t body_left;
};

struct bare {
	const struct site *site;
	int epoll;
	SSL_CTX *ssl_ctx;
	char **wire; /* the requests as bytes */
	size_t n_requests;
	unsigned done;
};

static void
die(const char *what)
{
	fprintf(stderr, "bench: floor: %s\n", what);
	ERR_print_errors_fp(stderr);
	exit(1);
}

static char *
wire_of(const struct floor_request *request)
{
	char *text = NULL;
	int len;

	if (request->post != NULL)
		len = asprintf(&text,
		    "POST %s HTTP/1.1\r\nHost: " SITE_HOST
		    "\r\n%sContent-Length: %zu\r\n\r\n%s",
		    request->path, request->headers, strlen(request->post),
		    request->post);
	else
		len = asprintf(&text,
		    "GET %s HTTP/1.1\r\nHost: " SITE_HOST "\r\n%s\r\n",
		    request->path, request->headers);
	if (len < 0)
		die("out of memory");
	return text;
}

/* For both, once: what is ready is told when it becomes so. */
static void
watch(struct bare *bare, struct journey *journey)
{
	struct epoll_event event = {
	    .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = journey};

	if (epoll_ctl(bare->epoll, EPOLL_CTL_ADD, journey->fd, &event) < 0)
		die("epoll_ctl");
}

static void
begin(struct bare *bare)
{
	static char host[] = SITE_HOST; /* OpenSSL wants it writable */
	struct journey *journey = malloc(sizeof(*journey));
	struct sockaddr_in to = {
	    .sin_family = AF_INET,
	    .sin_port = htons((uint16_t)bare->site->port),
	};
	int one = 1;

	if (journey == NULL)
		die("out of memory");
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	*journey = (struct journey){.writing = true};
	journey->fd =
	    socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (journey->fd < 0)
		die("socket");
	setsockopt(journey->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(journey->fd, (struct sockaddr *)&to, sizeof(to)) < 0 &&
	    errno != EINPROGRESS)
		die("connect");
	journey->ssl = SSL_new(bare->ssl_ctx);
	if (journey->ssl == NULL ||
	    SSL_set_fd(journey->ssl, journey->fd) != 1 ||
	    SSL_set1_host(journey->ssl, host) != 1 ||
	    SSL_set_tlsext_host_name(journey->ssl, host) != 1)
		die("SSL_new");
	SSL_set_connect_state(journey->ssl);
	watch(bare, journey);
}

static void
end(struct bare *bare, struct journey *journey)
{
	SSL_shutdown(journey->ssl);
	SSL_free(journey->ssl);
	close(journey->fd);
	free(journey);
	bare->done++;
}

/* True: it has to wait. */
static bool
waits(struct journey *journey, int result)
{
	int problem = SSL_get_error(journey->ssl, result);

	if (problem != SSL_ERROR_WANT_READ && problem != SSL_ERROR_WANT_WRITE)
		die("TLS");
	return true;
}

/* The head of an answer: status 200, and how long its body is. */
static void
read_head(struct journey *journey, const char *end_of_head)
{
	const char *length = strcasestr(journey->head, "\r\ncontent-length:");
	size_t have = journey->head_len - (size_t)(end_of_head - journey->head);

	if (strncmp(journey->head, "HTTP/1.1 200", 12) != 0 || length == NULL)
		die("an answer is not as it should be");
	journey->body_left = strtoul(length + 17, NULL, 10) - have;
	journey->in_body = true;
}

static bool
take(struct journey *journey, const char *bytes, size_t len)
{
	const char *found;

	if (journey->in_body) {
		journey->body_left -= len;
		return journey->body_left == 0;
	}
	if (journey->head_len + len >= HEAD_MAX)
		len = HEAD_MAX - 1 - journey->head_len;
	memcpy(journey->head + journey->head_len, bytes, len);
	journey->head_len += len;
	journey->head[journey->head_len] = '\0';
	found = strstr(journey->head, "\r\n\r\n");
	if (found == NULL)
		return false;
	read_head(journey, found + 4);
	return journey->body_left == 0;
}

/* True when it waits for its socket, false when it goes on. */
static bool
act(struct bare *bare, struct journey *journey, bool *over)
{
	static char bytes[16 * 1024];
	const char *wire = bare->wire[journey->request];
	size_t room = sizeof(bytes);
	int n;

	if (!journey->secured) {
		n = SSL_do_handshake(journey->ssl);
		if (n != 1)
			return waits(journey, n);
		journey->secured = true;
	}
	if (journey->writing) {
		n = SSL_write(journey->ssl, wire, (int)strlen(wire));
		if (n <= 0)
			return waits(journey, n);
		journey->writing = journey->in_body = false;
		journey->head_len = 0;
	}
	if (!journey->in_body)
		room = HEAD_MAX - 1 - journey->head_len;
	n = SSL_read(journey->ssl, bytes, (int)room);
	if (n <= 0)
		return waits(journey, n);
	if (!take(journey, bytes, (size_t)n))
		return false;
	journey->writing = true;
	*over = ++journey->request == bare->n_requests;
	return false;
}

static void
serve(struct bare *bare, struct journey *journey)
{
	bool over = false;

	while (!over && !act(bare, journey, &over)) {
	}
	if (over)
		end(bare, journey);
}

static SSL_CTX *
new_context(const struct site *site)
{
	SSL_CTX *ssl_ctx = SSL_CTX_new(TLS_client_method());

	if (ssl_ctx == NULL ||
	    SSL_CTX_load_verify_file(ssl_ctx, site->ca_file) != 1)
		die("no TLS context");
	SSL_CTX_set_verify(ssl_ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_session_cache_mode(ssl_ctx, SSL_SESS_CACHE_OFF);
	return ssl_ctx;
}

/* Begins journeys when they are due, and serves those that are ready. */
static void
run(struct bare *bare, unsigned n, unsigned per_s)
{
	int64_t start = bench_now_ns();
	unsigned begun = 0;

	while (bare->done < n) {
		struct epoll_event events[EVENTS];
		int64_t left =
		    start + (int64_t)begun * NS_PER_S / per_s - bench_now_ns();
		int wait = -1, ready;

		if (begun < n && left <= 0) {
			begin(bare);
			begun++;
			continue;
		}
		if (begun < n)
			wait = (int)((left + 999999) / 1000000);
		ready = epoll_wait(bare->epoll, events, EVENTS, wait);
		for (int i = 0; i < ready; i++)
			serve(bare, events[i].data.ptr);
	}
}

double
bare_run(const struct site *site, const struct floor_request *requests,
    size_t n_requests, unsigned n, unsigned per_s)
{
	struct bare bare = {.site = site, .n_requests = n_requests};
	int64_t cpu;

	bare.epoll = epoll_create1(EPOLL_CLOEXEC);
	bare.ssl_ctx = new_context(site);
	bare.wire = calloc(n_requests, sizeof(*bare.wire));
	if (bare.epoll < 0 || bare.wire == NULL)
		die("out of memory");
	for (size_t i = 0; i < n_requests; i++)
		bare.wire[i] = wire_of(&requests[i]);
	cpu = bench_cpu_ns();
	run(&bare, n, per_s);
	cpu = bench_cpu_ns() - cpu;
	for (size_t i = 0; i < n_requests; i++)
		free(bare.wire[i]);
	free(bare.wire);
	SSL_CTX_free(bare.ssl_ctx);
	close(bare.epoll);
	return (double)cpu / 1e6 / n;
}
