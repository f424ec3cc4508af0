/*
 * The HTTPS server of the world: a thread for each connection.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "../bench.h"
#include "world.h"

#define REQUEST_MAX 8192
#define STACK (128 * 1024)
#define PART 2000 /* bytes of each half of a page */

struct server {
	struct truth_book *book; /* NULL: the load's, which holds nothing */
	SSL_CTX *tls;
};

struct visit {
	struct server *server;
	int fd;
	SSL *tls;
	struct truth_run *run; /* NULL: of the load */
	size_t host; /* 0 a, 1 b */
	struct truth_span *hello; /* while the handshake goes on */
	bool flown; /* the server's flight is written */
	char request[REQUEST_MAX + 1];
	size_t len;
};

/* ---- the handshake ---- */

/* Notes when each part of the server's flight is handed to the socket; the
 * first read after it ends it: what is written later are tickets. */
static long
on_bio(BIO *bio, int what, const char *bytes, size_t len, int argi, long argl,
    int result, size_t *done)
{
	struct visit *visit = (struct visit *)(void *)BIO_get_callback_arg(bio);

	(void)bytes;
	(void)len;
	(void)argi;
	(void)argl;
	(void)done;
	if (visit->hello == NULL)
		return result;
	if (what == BIO_CB_WRITE && !visit->flown)
		atomic_store(&visit->hello->to_ns, bench_now_ns());
	if (what == BIO_CB_READ && atomic_load(&visit->hello->to_ns) > 0)
		visit->flown = true;
	return result;
}

static bool
shake_hands(struct visit *visit)
{
	char byte;

	if (recv(visit->fd, &byte, 1, MSG_PEEK) != 1)
		return false;
	if (visit->run != NULL) {
		visit->hello = &visit->run->span[visit->host][PHASE_TLS];
		atomic_store(&visit->hello->from_ns, bench_now_ns());
	}
	visit->tls = SSL_new(visit->server->tls);
	if (visit->tls == NULL)
		return false;
	SSL_set_fd(visit->tls, visit->fd);
	if (visit->hello != NULL) {
		BIO_set_callback_ex(SSL_get_wbio(visit->tls), on_bio);
		BIO_set_callback_arg(
		    SSL_get_wbio(visit->tls), (char *)(void *)visit);
		truth_wait_until(visit->hello->from_ns + visit->hello->plan_ns);
	}
	if (SSL_accept(visit->tls) != 1)
		return false;
	visit->hello = NULL;
	return true;
}

/* ---- requests and answers ---- */

static bool
say(struct visit *visit, const char *bytes, size_t len)
{
	return SSL_write(visit->tls, bytes, (int)len) == (int)len;
}

/* The next request, head and body; false when there is none. */
static bool
hear(struct visit *visit)
{
	size_t whole = 0;

	visit->len = 0;
	while (whole == 0 || visit->len < whole) {
		size_t room = REQUEST_MAX - visit->len;
		char *to = visit->request + visit->len;
		int n = SSL_read(visit->tls, to, (int)room);
		const char *end, *length;

		if (n <= 0)
			return false;
		visit->len += (size_t)n;
		visit->request[visit->len] = '\0';
		end = strstr(visit->request, "\r\n\r\n");
		if (whole > 0 || end == NULL)
			continue;
		whole = (size_t)(end + 4 - visit->request);
		length = strcasestr(visit->request, "\r\nContent-Length:");
		if (length != NULL && length < end)
			whole += strtoul(length + 17, NULL, 10);
		if (whole > REQUEST_MAX)
			return false;
	}
	return true;
}

/* Where an exchange leads: to the next host, or to the next page. */
static void
make_head(const struct visit *visit, size_t exchange, char *head, size_t size)
{
	static const char form[] = "HTTP/1.1 %s\r\nContent-Type: text/html\r\n"
				   "Content-Length: %d\r\n%s%s%s%s\r\n";
	const char *port = strcasestr(visit->request, "." TRUTH_DOMAIN ":");
	char host[128];

	snprintf(host, sizeof(host), "https://b%s.%s:%.*s", visit->run->id,
	    TRUTH_DOMAIN,
	    port != NULL
		? (int)strspn(port + sizeof(TRUTH_DOMAIN) + 1, "0123456789")
		: 0,
	    port != NULL ? port + sizeof(TRUTH_DOMAIN) + 1 : "");
	if (exchange == 0)
		snprintf(head, size, form, "302 Found", 2 * PART,
		    "Location: ", host, "/1", "\r\n");
	else if (exchange == 1)
		snprintf(head, size, form, "302 Found", 2 * PART,
		    "Location: ", "", "/2", "\r\n");
	else
		snprintf(head, size, form, "200 OK", 2 * PART, "", "", "", "");
}

static bool
hold_and_answer(struct visit *visit, int64_t heard)
{
	const char *slash = strchr(visit->request, '/');
	size_t exchange = slash != NULL ? (size_t)(slash[1] - '0') : 9;
	struct truth_span *wait, *receive;
	char page[512 + 2 * PART];
	size_t head, first;

	if (exchange >= TRUTH_EXCHANGES)
		return false;
	wait = &visit->run->span[exchange][PHASE_WAIT];
	receive = &visit->run->span[exchange][PHASE_RECEIVE];
	atomic_store(&wait->from_ns, heard);
	make_head(visit, exchange, page, 512);
	head = strlen(page);
	memset(page + head, 'x', 2 * PART);
	first = receive->plan_ns > 0 ? head + PART : head + 2 * PART;
	truth_wait_until(heard + wait->plan_ns);
	atomic_store(&wait->to_ns, bench_now_ns());
	atomic_store(&receive->from_ns, wait->to_ns);
	atomic_store(&receive->to_ns, wait->to_ns);
	if (!say(visit, page, first))
		return false;
	if (receive->plan_ns == 0)
		return true;
	truth_wait_until(receive->from_ns + receive->plan_ns);
	atomic_store(&receive->to_ns, bench_now_ns());
	return say(visit, page + first, PART);
}

/* The load's register: whoever logs in, out or sends is sent on, all else is
 * one page in which everybody finds what is sought. */
static bool
answer_load(struct visit *visit)
{
	static const char moved[] = "HTTP/1.1 302 Found\r\nLocation: /page\r\n"
				    "Set-Cookie: sid=1; path=/\r\n"
				    "Content-Length: 0\r\n\r\n";
	char page[512 + 2 * PART];
	size_t len, body;
	char head[256];

	if (strncmp(visit->request, "POST /in", 8) == 0 ||
	    strncmp(visit->request, "POST /send", 10) == 0 ||
	    strncmp(visit->request, "GET /out", 8) == 0)
		return say(visit, moved, sizeof(moved) - 1);
	body = (size_t)snprintf(page + 256, 256,
	    "<html><body><a id='wyloguj' href='/out'>Wyloguj</a>"
	    "<p>Wiadomość została wysłana.</p><table class='spis'>");
	while (body < 2 * PART)
		body += (size_t)snprintf(page + 256 + body, 80,
		    "<tr><td><a class='info' rel='%zu'>5</a></td></tr>\n",
		    body);
	len = (size_t)snprintf(head, sizeof(head),
	    "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n"
	    "Content-Length: %zu\r\n\r\n",
	    body);
	memcpy(page + 256 - len, head, len);
	return say(visit, page + 256 - len, len + body);
}

static void *
visit_run(void *arg)
{
	struct visit *visit = arg;
	bool well = shake_hands(visit);

	while (well && hear(visit))
		well = visit->run != NULL
		    ? hold_and_answer(visit, bench_now_ns())
		    : answer_load(visit);
	SSL_free(visit->tls);
	close(visit->fd);
	free(visit);
	return NULL;
}

/* ---- life ---- */

static void
take(struct server *server, int listener)
{
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	int fd =
	    accept4(listener, (struct sockaddr *)&from, &len, SOCK_CLOEXEC);
	struct visit *visit;
	pthread_attr_t attr;
	pthread_t thread;
	int one = 1;

	if (fd < 0)
		return;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	visit = calloc(1, sizeof(*visit));
	if (visit == NULL)
		exit(1);
	visit->server = server;
	visit->fd = fd;
	if (server->book != NULL)
		visit->run = truth_of_address(
		    server->book, ntohl(from.sin_addr.s_addr), &visit->host);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, STACK);
	if (pthread_create(&thread, &attr, visit_run, visit) != 0)
		exit(1);
	pthread_attr_destroy(&attr);
}

static SSL_CTX *
load_papers(const char *certs)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
	char cert[512], key[512];

	snprintf(cert, sizeof(cert), "%s/server.pem", certs);
	snprintf(key, sizeof(key), "%s/server.key", certs);
	if (tls != NULL && SSL_CTX_use_certificate_chain_file(tls, cert) == 1 &&
	    SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) == 1)
		return tls;
	fprintf(stderr, "%s: no certificate\n", cert);
	exit(1);
}

void
truth_serve(struct truth_book *book, const char *certs, int listener)
{
	struct server server = {.book = book, .tls = load_papers(certs)};

	for (;;)
		take(&server, listener);
}
