/*
 * A register that costs little, for the benchmark of the whole country: one
 * thread, OpenSSL and epoll, the three acts as simple pages.
 *
 *     country_target CERTIFICATE KEY [DELAY_MS]
 *     country_target noise SECONDS
 *
 * It prints its port, "asked" at the first request, and serves until killed. It
 * keeps no sessions and believes every cookie and password; of letters it knows
 * the last subject for each host. What the simulators do beyond that (tokens,
 * order, redirects, limits, faults) is left out, so that one processor carries
 * the country's handshakes. Tickets are off: a visitor of ours has none.
 *
 * The second form measures the machine: how late one is who only sleeps 5 ms
 * at a time. It prints p50, p99 and the most, in ms.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#define REQUEST_MAX 8192
#define MARKS 65536 /* hosts, by hash; a power of two */
#define MARK_SIZE 32
#define PAGE_MAX 16384

struct visitor {
	int fd;
	SSL *ssl;
	bool accepted;
	size_t len;
	char in[REQUEST_MAX + 1];
	struct visitor *next; /* whose answer waits */
	int64_t due_ns;
	size_t out_len;
	char out[PAGE_MAX];
};

static char marks[MARKS][MARK_SIZE];
static int poller;
static int64_t delay_ns;
static struct visitor *first, **last = &first;
static char filler[2048];

static void
need(bool well, const char *what)
{
	if (well)
		return;
	perror(what);
	ERR_print_errors_fp(stderr);
	exit(1);
}

static int64_t
now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* ---- pages ---- */

static char *
mark_of(const char *head)
{
	const char *host = strcasestr(head, "\r\nHost:");
	uint32_t hash = 2166136261u;

	for (host = host != NULL ? host + 7 : ""; *host > '\r'; host++)
		hash = (hash ^ (unsigned char)*host) * 16777619u;
	return marks[hash & (MARKS - 1)];
}

static void
keep_mark(const char *head, const char *body)
{
	const char *at = strstr(body, "subject=");
	char *mark = mark_of(head);
	size_t n = 0;

	for (at = at != NULL ? at + 8 : ""; *at != '\0' && *at != '&'; at++)
		if (n < MARK_SIZE - 1)
			mark[n++] = *at;
	mark[n] = '\0';
}

static void
answer(struct visitor *visitor, const char *body)
{
	const char *in = visitor->in;
	const char *what = "<h1>Dziennik</h1><a id=\"wyloguj\">Wyloguj</a>";
	const char *cookie = "";
	char page[4096];
	int n;

	if (strncmp(in, "GET /login", 10) == 0) {
		what = "<form action=\"/login\" method=\"post\">"
		       "<input type=\"hidden\" name=\"token\" value=\"5e7c\">"
		       "<input name=\"user\"><input name=\"password\""
		       " type=\"password\"></form>";
	} else if (strncmp(in, "POST /login", 11) == 0) {
		cookie = "Set-Cookie: session=0123456789abcdef; Path=/; "
			 "Secure; HttpOnly\r\n";
	} else if (strncmp(in, "GET /grades", 11) == 0) {
		what =
		    "<a id=\"wyloguj\">Wyloguj</a><table class=\"oceny\"><tr>"
		    "<td>Matematyka</td><td class=\"ocena\">5</td></tr>"
		    "</table>";
	} else if (strncmp(in, "POST /send", 10) == 0) {
		keep_mark(in, body);
		what = "<p class=\"ok\">Wysłano</p>";
	}
	n = snprintf(page, sizeof(page),
	    "<!DOCTYPE html><html><head><meta charset=\"utf-8\"><title>D"
	    "</title></head><body>%s<table><tr><td>%s</td></tr></table>"
	    "<!--%s--></body></html>",
	    what, strncmp(in, "GET /inbox", 10) == 0 ? mark_of(in) : "",
	    filler);
	visitor->out_len = (size_t)snprintf(visitor->out, sizeof(visitor->out),
	    "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n"
	    "%sContent-Length: %d\r\n\r\n%s",
	    cookie, n, page);
}

/* ---- visitors ---- */

static void
part(struct visitor *visitor)
{
	if (visitor->due_ns != 0) { /* its answer comes first */
		visitor->len = REQUEST_MAX;
		return;
	}
	SSL_free(visitor->ssl);
	close(visitor->fd);
	free(visitor);
}

static bool
send_out(struct visitor *visitor)
{
	int n = SSL_write(visitor->ssl, visitor->out, (int)visitor->out_len);

	return n == (int)visitor->out_len;
}

/* For whoever wants to know how long that took. */
static void
say_first(void)
{
	static bool said;

	if (said)
		return;
	said = true;
	puts("asked");
	fflush(stdout);
}

/* The request that is there, if it is whole; false when it is over. */
static bool
serve(struct visitor *visitor)
{
	char *end, *length;
	size_t head, body = 0;

	for (;;) {
		visitor->in[visitor->len] = '\0';
		end = strstr(visitor->in, "\r\n\r\n");
		if (end == NULL)
			return visitor->len < REQUEST_MAX;
		head = (size_t)(end - visitor->in) + 4;
		length = strcasestr(visitor->in, "\r\nContent-Length:");
		if (length != NULL && length < end)
			body = strtoul(length + 17, NULL, 10);
		if (head + body > REQUEST_MAX)
			return false;
		if (visitor->len < head + body)
			return true;
		answer(visitor, visitor->in + head);
		say_first();
		visitor->len = 0; /* nobody of ours sends the next one early */
		if (delay_ns == 0)
			return send_out(visitor);
		visitor->due_ns = now_ns() + delay_ns;
		visitor->next = NULL;
		*last = visitor;
		last = &visitor->next;
		return true;
	}
}

static void
on_visitor(struct visitor *visitor)
{
	int n, error;

	if (!visitor->accepted) {
		n = SSL_accept(visitor->ssl);
		if (n != 1) {
			error = SSL_get_error(visitor->ssl, n);
			if (error != SSL_ERROR_WANT_READ &&
			    error != SSL_ERROR_WANT_WRITE)
				part(visitor);
			ERR_clear_error();
			return;
		}
		visitor->accepted = true;
	}
	while (visitor->len < REQUEST_MAX) {
		n = SSL_read(visitor->ssl, visitor->in + visitor->len,
		    (int)(REQUEST_MAX - visitor->len));
		if (n <= 0) {
			error = SSL_get_error(visitor->ssl, n);
			ERR_clear_error();
			if (error != SSL_ERROR_WANT_READ)
				part(visitor);
			return;
		}
		visitor->len += (size_t)n;
		if (!serve(visitor)) {
			part(visitor);
			return;
		}
	}
	part(visitor);
}

static void
on_listener(int listener, SSL_CTX *context)
{
	int one = 1;
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct visitor *visitor;
	struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP};

	if (fd < 0)
		return;
	visitor = calloc(1, sizeof(*visitor));
	need(visitor != NULL, "memory");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	visitor->fd = fd;
	visitor->ssl = SSL_new(context);
	need(visitor->ssl != NULL, "SSL_new");
	SSL_set_fd(visitor->ssl, fd);
	SSL_set_accept_state(visitor->ssl);
	event.data.ptr = visitor;
	need(epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
}

/* Sends what is due; how many milliseconds until more is, or -1. */
static int
send_due(void)
{
	while (first != NULL) {
		struct visitor *visitor = first;
		int64_t left = visitor->due_ns - now_ns();

		if (left > 0)
			return (int)((left + 999999) / 1000000);
		first = visitor->next;
		if (first == NULL)
			last = &first;
		visitor->due_ns = 0;
		if (visitor->len == REQUEST_MAX || !send_out(visitor))
			part(visitor);
	}
	return -1;
}

static int
listen_somewhere(void)
{
	struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	need(fd >= 0 &&
		bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
		listen(fd, 4096) == 0 &&
		getsockname(fd, (struct sockaddr *)&address, &len) == 0,
	    "listening");
	printf("%u\n", ntohs(address.sin_port));
	fflush(stdout);
	return fd;
}

static int
compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

static int
measure_noise(long seconds)
{
	size_t n = (size_t)seconds * 200;
	double *late = calloc(n, sizeof(*late));
	const struct timespec nap = {.tv_nsec = 5000000};

	need(n > 0 && late != NULL, "memory");
	for (size_t i = 0; i < n; i++) {
		int64_t due = now_ns() + nap.tv_nsec;

		nanosleep(&nap, NULL);
		late[i] = (double)(now_ns() - due) / 1e6;
	}
	qsort(late, n, sizeof(*late), compare);
	printf(
	    "%.3f %.3f %.3f\n", late[n / 2], late[n * 99 / 100], late[n - 1]);
	free(late);
	return 0;
}

int
main(int argc, char **argv)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	struct epoll_event event = {.events = EPOLLIN}, events[256];
	int listener;

	if (argc < 3) {
		fputs("usage: country_target CERT KEY [DELAY_MS]\n", stderr);
		return 2;
	}
	if (strcmp(argv[1], "noise") == 0)
		return measure_noise(strtol(argv[2], NULL, 10));
	delay_ns = argc > 3 ? strtol(argv[3], NULL, 10) * INT64_C(1000000) : 0;
	signal(SIGPIPE, SIG_IGN);
	memset(filler, 'x', sizeof(filler) - 1);
	need(context != NULL &&
		SSL_CTX_use_certificate_chain_file(context, argv[1]) == 1 &&
		SSL_CTX_use_PrivateKey_file(
		    context, argv[2], SSL_FILETYPE_PEM) == 1,
	    "certificate");
	SSL_CTX_set_num_tickets(context, 0);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	poller = epoll_create1(EPOLL_CLOEXEC);
	listener = listen_somewhere();
	event.data.ptr = NULL;
	need(epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event) == 0, "epoll");
	for (;;) {
		int n = epoll_wait(poller, events, 256, send_due());

		for (int i = 0; i < n; i++) {
			if (events[i].data.ptr == NULL)
				on_listener(listener, context);
			else
				on_visitor(events[i].data.ptr);
		}
	}
}
