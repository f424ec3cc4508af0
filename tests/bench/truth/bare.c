/*
 * The floor: the same run by blocking sockets and OpenSSL, and a look at the
 * clock between the phases.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/rand.h>
#include <openssl/ssl.h>

#include "errors.h"

struct bare {
	const struct truth_world *world;
	SSL_CTX *tls;
	int dns;
	char id[TRACE_ID_SIZE];
	struct {
		int fd;
		SSL *tls;
	} host[2];
	int64_t phases[PHASE_COUNT];
	int64_t last; /* instant of the last look at the clock */
};

/* The time since the last call belongs to that phase. */
static void
lap(struct bare *bare, enum phase phase)
{
	int64_t now = bench_now_ns();

	bare->phases[phase] += now - bare->last;
	bare->last = now;
}

static size_t
put_question(
    const struct bare *bare, size_t host, unsigned char type, unsigned char *to)
{
	static const unsigned char head[12] = {0, 0, 1, 0, 0, 1};
	const char *part = TRUTH_DOMAIN;
	size_t at = sizeof(head);

	memcpy(to, head, sizeof(head));
	to[0] = type;
	to[at++] = TRACE_ID_SIZE;
	to[at++] = host == 0 ? 'a' : 'b';
	memcpy(to + at, bare->id, TRACE_ID_SIZE - 1);
	at += TRACE_ID_SIZE - 1;
	while (*part != '\0') {
		size_t len = strcspn(part, ".");

		to[at++] = (unsigned char)len;
		memcpy(to + at, part, len);
		at += len;
		part += len + (part[len] == '.');
	}
	memcpy(to + at, (unsigned char[]){0, 0, type, 0, 1}, 5);
	return at + 5;
}

/* Asks for both kinds of address, as c-ares does; the IPv4 one. */
static bool
ask(struct bare *bare, size_t host, struct in_addr *address)
{
	static const unsigned char types[] = {1, 28};
	unsigned char bytes[512];

	for (size_t i = 0; i < 2; i++) {
		size_t len = put_question(bare, host, types[i], bytes);

		if (send(bare->dns, bytes, len, 0) != (ssize_t)len)
			return false;
	}
	for (size_t i = 0; i < 2; i++) {
		ssize_t len = recv(bare->dns, bytes, sizeof(bytes), 0);

		if (len < 16)
			return false;
		if (bytes[0] == types[0])
			memcpy(address, bytes + len - 4, 4);
	}
	return true;
}

static bool
open_host(struct bare *bare, size_t host)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
	    .sin_port = htons((uint16_t)bare->world->server_port)};
	char name[64];
	int one = 1;
	int fd;

	if (!ask(bare, host, &to.sin_addr))
		return false;
	lap(bare, PHASE_DNS);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bare->host[host].fd = fd;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		return false;
	lap(bare, PHASE_CONNECT);
	snprintf(name, sizeof(name), "%c%s.%s", host == 0 ? 'a' : 'b', bare->id,
	    TRUTH_DOMAIN);
	bare->host[host].tls = SSL_new(bare->tls);
	SSL_set_fd(bare->host[host].tls, fd);
	SSL_set_tlsext_host_name(bare->host[host].tls, name);
	SSL_set1_host(bare->host[host].tls, name);
	if (SSL_connect(bare->host[host].tls) != 1)
		return false;
	lap(bare, PHASE_TLS);
	return true;
}

static bool
get(struct bare *bare, size_t host, size_t exchange)
{
	SSL *tls = bare->host[host].tls;
	char text[8192];
	size_t have = 0, whole = 0;
	int len = snprintf(text, sizeof(text),
	    "GET /%zu HTTP/1.1\r\nHost: %c%s.%s:%d\r\n\r\n", exchange,
	    host == 0 ? 'a' : 'b', bare->id, TRUTH_DOMAIN,
	    bare->world->server_port);

	if (SSL_write(tls, text, len) != len)
		return false;
	while (whole == 0 || have < whole) {
		int n =
		    SSL_read(tls, text + have, (int)(sizeof(text) - 1 - have));
		const char *end, *length;

		if (n <= 0)
			return false;
		if (have == 0)
			lap(bare, PHASE_WAIT);
		have += (size_t)n;
		text[have] = '\0';
		end = strstr(text, "\r\n\r\n");
		length = strcasestr(text, "\r\nContent-Length:");
		if (whole == 0 && end != NULL && length != NULL)
			whole = (size_t)(end + 4 - text) +
			    strtoul(length + 17, NULL, 10);
	}
	lap(bare, PHASE_RECEIVE);
	return true;
}

static bool
all_exchanges(struct bare *bare, struct errors *errors)
{
	static const size_t host_of[TRUTH_EXCHANGES] = {0, 1, 1, 0};
	const struct truth_run *run = NULL;
	int64_t begun = bench_now_ns();

	for (size_t i = 0; i < TRUTH_EXCHANGES; i++) {
		int64_t started = bench_now_ns();

		memset(bare->phases, 0, sizeof(bare->phases));
		bare->last = started;
		if ((i < 2 && !open_host(bare, host_of[i])) ||
		    !get(bare, host_of[i], i))
			return false;
		if (run == NULL)
			run = truth_find(bare->world->book, bare->id);
		if (run == NULL)
			return false;
		errors_exchange(
		    errors, run, i, bare->phases, bare->last - started, false);
		if (i == 2)
			errors_transaction(
			    errors, run, bare->last - begun, false);
	}
	return true;
}

static void
close_all(struct bare *bare)
{
	for (size_t i = 0; i < 2; i++) {
		SSL_free(bare->host[i].tls);
		if (bare->host[i].fd > 0)
			close(bare->host[i].fd);
	}
	close(bare->dns);
	SSL_CTX_free(bare->tls);
}

bool
bare_run(
    struct errors *errors, const struct truth_world *world, const char *certs)
{
	struct bare bare = {.world = world};
	struct sockaddr_in at = {.sin_family = AF_INET,
	    .sin_port = htons((uint16_t)world->dns_port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	unsigned char random[16];
	char ca[512];
	bool well;

	RAND_bytes(random, sizeof(random));
	for (size_t i = 0; i < sizeof(random); i++)
		snprintf(bare.id + 2 * i, 3, "%02x", random[i]);
	snprintf(ca, sizeof(ca), "%s/ca.pem", certs);
	bare.tls = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_verify(bare.tls, SSL_VERIFY_PEER, NULL);
	bare.dns = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	well = SSL_CTX_load_verify_locations(bare.tls, ca, NULL) == 1 &&
	    connect(bare.dns, (struct sockaddr *)&at, sizeof(at)) == 0 &&
	    all_exchanges(&bare, errors);
	if (!well)
		fputs("the bare client failed\n", stderr);
	errors->results += 2;
	close_all(&bare);
	return well;
}
