/*
 * The name server of the tests.
 */
#include "dns.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

#define ASKED_MAX 4096
#define LATE_MAX 64
#define LATENESS (300 * US_PER_MS)
#define HEADER_LEN 12
#define TYPE_A 1

enum rcode { NOERROR = 0, SERVFAIL = 2, NXDOMAIN = 3, REFUSED = 5 };

struct late {
	mono_us due;
	struct sockaddr_in to;
	unsigned char bytes[600];
	size_t len;
};

struct dns {
	int fd;
	int stop[2];
	pthread_t thread;
	char address[32];
	struct late late[LATE_MAX];
	size_t n_late;
	pthread_mutex_t lock; /* of what follows */
	char asked[ASKED_MAX][128];
	size_t n_asked;
};

static void
need(bool well, const char *what)
{
	if (well)
		return;
	perror(what);
	abort();
}

/* The name in a question, dotted; where it ends, or 0. */
static size_t
read_name(const unsigned char *packet, size_t len, char *name, size_t size)
{
	size_t at = HEADER_LEN;
	size_t out = 0;

	while (at < len && packet[at] != 0) {
		size_t label = packet[at++];

		if (at + label > len || out + label + 2 > size)
			return 0;
		if (out > 0)
			name[out++] = '.';
		memcpy(name + out, packet + at, label);
		out += label;
		at += label;
	}
	name[out] = '\0';
	return at + 5 <= len ? at + 5 : 0;
}

/* Turns the question into an answer in place; its length. */
static size_t
answer(unsigned char *packet, size_t end, enum rcode rcode, int n, int first)
{
	static const unsigned char record[] = {
	    0xc0, HEADER_LEN, 0, TYPE_A, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0};

	packet[2] = 0x84; /* an answer, with authority */
	packet[3] = (unsigned char)(0x80 | rcode);
	memset(packet + 6, 0, 6);
	packet[7] = (unsigned char)n;
	for (int i = 0; i < n; i++) {
		memcpy(packet + end, record, sizeof(record));
		end += sizeof(record);
		packet[end++] = (unsigned char)(i == 0 ? first : 1);
	}
	return end;
}

static bool
begins(const char *name, const char *with)
{
	return strncasecmp(name, with, strlen(with)) == 0;
}

static void
reply(struct dns *dns, unsigned char *packet, size_t end, const char *name,
    const struct sockaddr_in *to)
{
	bool has_address = packet[end - 3] == TYPE_A;
	int n = has_address ? 1 : 0;
	size_t len;

	if (begins(name, "ok") || begins(name, "slow"))
		len = answer(packet, end, NOERROR, n, 1);
	else if (begins(name, "both"))
		len = answer(packet, end, NOERROR, 2 * n, 2);
	else if (begins(name, "many"))
		len = answer(packet, end, NOERROR, 200 * n, 1);
	else if (begins(name, "nx"))
		len = answer(packet, end, NXDOMAIN, 0, 0);
	else if (begins(name, "empty"))
		len = answer(packet, end, NOERROR, 0, 0);
	else if (begins(name, "servfail"))
		len = answer(packet, end, SERVFAIL, 0, 0);
	else if (begins(name, "refused"))
		len = answer(packet, end, REFUSED, 0, 0);
	else if (begins(name, "wrong")) {
		len = answer(packet, end, NOERROR, n, 1);
		packet[0] ^= 0x55;
	} else if (begins(name, "garbage"))
		len = HEADER_LEN - 3;
	else
		return;
	if (begins(name, "slow")) {
		struct late *late = &dns->late[dns->n_late];

		need(dns->n_late++ < LATE_MAX && len <= sizeof(late->bytes),
		    "late answers");
		late->due = clock_mono(clock_system()) + LATENESS;
		late->to = *to;
		late->len = len;
		memcpy(late->bytes, packet, len);
		return;
	}
	sendto(
	    dns->fd, packet, len, 0, (const struct sockaddr *)to, sizeof(*to));
}

static void
read_question(struct dns *dns)
{
	unsigned char packet[4096];
	struct sockaddr_in from;
	socklen_t from_len = sizeof(from);
	ssize_t len = recvfrom(
	    dns->fd, packet, 512, 0, (struct sockaddr *)&from, &from_len);
	char name[128];
	size_t end = 0;

	if (len > HEADER_LEN)
		end = read_name(packet, (size_t)len, name, sizeof(name));
	if (end == 0)
		return;
	if (packet[end - 3] == TYPE_A) {
		pthread_mutex_lock(&dns->lock);
		need(dns->n_asked < ASKED_MAX, "questions");
		memcpy(dns->asked[dns->n_asked++], name, sizeof(name));
		pthread_mutex_unlock(&dns->lock);
	}
	reply(dns, packet, end, name, &from);
}

/* Sends what is due; milliseconds until the next, or -1. */
static int
send_late(struct dns *dns)
{
	mono_us now = clock_mono(clock_system());

	while (dns->n_late > 0 && dns->late[0].due <= now) {
		const struct late *late = &dns->late[0];

		sendto(dns->fd, late->bytes, late->len, 0,
		    (const struct sockaddr *)&late->to, sizeof(late->to));
		memmove(dns->late, dns->late + 1,
		    --dns->n_late * sizeof(dns->late[0]));
	}
	if (dns->n_late == 0)
		return -1;
	return (int)((dns->late[0].due - now) / US_PER_MS) + 1;
}

static void *
serve(void *arg)
{
	struct dns *dns = arg;

	for (;;) {
		struct pollfd fds[] = {
		    {.fd = dns->stop[0], .events = POLLIN},
		    {.fd = dns->fd, .events = POLLIN},
		};

		if (poll(fds, 2, send_late(dns)) < 0 && errno != EINTR)
			break;
		if (fds[0].revents != 0)
			break;
		if (fds[1].revents != 0)
			read_question(dns);
	}
	return NULL;
}

struct dns *
dns_start(void)
{
	struct dns *dns = calloc(1, sizeof(*dns));
	struct sockaddr_in address = {
	    .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(address);

	need(dns != NULL, "calloc");
	dns->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	need(dns->fd >= 0 &&
		bind(dns->fd, (struct sockaddr *)&address, len) == 0 &&
		getsockname(dns->fd, (struct sockaddr *)&address, &len) == 0,
	    "bind");
	snprintf(dns->address, sizeof(dns->address), "127.0.0.1:%d",
	    ntohs(address.sin_port));
	pthread_mutex_init(&dns->lock, NULL);
	need(pipe(dns->stop) == 0, "pipe");
	need(pthread_create(&dns->thread, NULL, serve, dns) == 0,
	    "pthread_create");
	return dns;
}

void
dns_stop(struct dns *dns)
{
	close(dns->stop[1]);
	pthread_join(dns->thread, NULL);
	close(dns->stop[0]);
	close(dns->fd);
	pthread_mutex_destroy(&dns->lock);
	free(dns);
}

const char *
dns_address(const struct dns *dns)
{
	return dns->address;
}

int
dns_asked(struct dns *dns, const char *name)
{
	int n = 0;

	pthread_mutex_lock(&dns->lock);
	for (size_t i = 0; i < dns->n_asked; i++)
		n += strcasecmp(dns->asked[i], name) == 0;
	pthread_mutex_unlock(&dns->lock);
	return n;
}
