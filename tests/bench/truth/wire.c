/*
 * Name server and wire, in one thread: what comes is answered at once or held
 * for its time.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../bench.h"
#include "wire.h"
#include "world.h"

#define HELD_MAX 1024
#define PACKET_MAX 2048
#define NEAR_NS 100000
#define DNS_HEAD 12
#define TYPE_A 1
#define MS_NS 1000000.0

struct held {
	int64_t due;
	int fd;
	struct sockaddr_in to; /* of the name server's; else not used */
	unsigned char bytes[PACKET_MAX];
	size_t len;
	_Atomic int64_t *stamp; /* when it is let go; NULL: nobody cares */
};

struct wire {
	struct truth_world *world;
	struct held held[HELD_MAX];
	size_t n_held;
	uint64_t random;
};

/* ---- plans ---- */

static double
uniform(struct wire *wire)
{
	/* xorshift64*, Vigna 2016 */
	wire->random ^= wire->random >> 12;
	wire->random ^= wire->random << 25;
	wire->random ^= wire->random >> 27;
	return (double)((wire->random * UINT64_C(2685821657736338717)) >> 11) /
	    9007199254740992.0;
}

/* One in eight is not held at all; the others 1 to 64 ms, few of them long. */
static int64_t
some_delay(struct wire *wire)
{
	double share = uniform(wire);
	double doublings = 6 * uniform(wire);
	double ms = 1;

	if (share < 0.125)
		return 0;
	for (; doublings >= 1; doublings--)
		ms *= 2;
	return (int64_t)(ms * (1 + doublings) * MS_NS);
}

static struct truth_run *
run_named(struct wire *wire, const char *id)
{
	struct truth_book *book = wire->world->book;
	size_t n = atomic_load(&book->n);
	struct truth_run *run = &book->run[n];

	for (size_t i = n; i > 0 && i + 256 > n; i--) {
		if (strcmp(book->run[i - 1].id, id) == 0)
			return &book->run[i - 1];
	}
	if (n == TRUTH_RUNS)
		return NULL;
	memcpy(run->id, id, TRACE_ID_SIZE);
	for (size_t i = 0; i < TRUTH_EXCHANGES; i++) {
		for (size_t p = i < 2 ? PHASE_DNS : PHASE_WAIT; p < PHASE_COUNT;
		     p++)
			run->span[i][p].plan_ns = some_delay(wire);
	}
	atomic_store(&book->n, n + 1);
	return run;
}

/* ---- what is held ---- */

static void
let_go(const struct held *held)
{
	if (held->stamp != NULL)
		atomic_store(held->stamp, bench_now_ns());
	if (held->to.sin_family == AF_INET)
		sendto(held->fd, held->bytes, held->len, 0,
		    (const struct sockaddr *)&held->to, sizeof(held->to));
	else if (write(held->fd, held->bytes, held->len) < 0)
		perror("wire");
}

static void
hold(struct wire *wire, struct held *held)
{
	if (held->due == 0 || wire->n_held == HELD_MAX)
		let_go(held);
	else
		wire->held[wire->n_held++] = *held;
}

/* Lets go what is due, turning on the spot for what nearly is; the instant of
 * the next, or 0. */
static int64_t
release(struct wire *wire)
{
	for (;;) {
		size_t next = 0;

		if (wire->n_held == 0)
			return 0;
		for (size_t i = 1; i < wire->n_held; i++) {
			if (wire->held[i].due < wire->held[next].due)
				next = i;
		}
		if (wire->held[next].due > bench_now_ns() + NEAR_NS)
			return wire->held[next].due;
		truth_wait_until(wire->held[next].due);
		let_go(&wire->held[next]);
		wire->held[next] = wire->held[--wire->n_held];
	}
}

/* ---- the name server ---- */

/* "?<id>.…" → the run; the first label's kind in *exchange. */
static struct truth_run *
run_of_name(struct wire *wire, const unsigned char *label, size_t *exchange)
{
	char id[TRACE_ID_SIZE] = "";

	if (label[0] != TRACE_ID_SIZE || (label[1] != 'a' && label[1] != 'b'))
		return NULL;
	memcpy(id, label + 2, TRACE_ID_SIZE - 1);
	*exchange = label[1] == 'b';
	return run_named(wire, id);
}

/* Makes an answer of the question in place; IPv4 only. */
static size_t
answer(unsigned char *packet, size_t end, bool with_address, uint32_t address)
{
	static const unsigned char record[] = {
	    0xc0, DNS_HEAD, 0, TYPE_A, 0, 1, 0, 0, 0, 60, 0, 4};

	packet[2] = 0x84;
	packet[3] = 0x80;
	memset(packet + 6, 0, 6);
	if (!with_address)
		return end;
	packet[7] = 1;
	memcpy(packet + end, record, sizeof(record));
	end += sizeof(record);
	address = htonl(address);
	memcpy(packet + end, &address, sizeof(address));
	return end + sizeof(address);
}

static void
read_question(struct wire *wire)
{
	struct held held = {.fd = wire->world->dns};
	socklen_t to_len = sizeof(held.to);
	ssize_t len = recvfrom(held.fd, held.bytes, 512, MSG_DONTWAIT,
	    (struct sockaddr *)&held.to, &to_len);
	int64_t now = bench_now_ns();
	uint32_t address = INADDR_LOOPBACK;
	struct truth_run *run;
	size_t exchange = 0;
	size_t end = DNS_HEAD;

	while (len > 0 && end < (size_t)len && held.bytes[end] != 0)
		end += held.bytes[end] + 1u;
	end += 5;
	if (len < DNS_HEAD || end > (size_t)len)
		return;
	run = run_of_name(wire, held.bytes + DNS_HEAD, &exchange);
	if (run != NULL) {
		struct truth_span *span = &run->span[exchange][PHASE_DNS];

		if (atomic_load(&span->from_ns) == 0)
			atomic_store(&span->from_ns, now);
		held.stamp = &span->to_ns;
		held.due = span->plan_ns > 0 ? now + span->plan_ns : 0;
		address = WIRE_FIRST +
		    2 * (uint32_t)(run - wire->world->book->run) +
		    (uint32_t)exchange;
	}
	held.len =
	    answer(held.bytes, end, held.bytes[end - 3] == TYPE_A, address);
	hold(wire, &held);
}

/* ---- the wire ---- */

#define TCP_SYN 0x02
#define TCP_ACK 0x10

/* Which handshake a packet belongs to, NULL for all others. */
static struct truth_span *
handshake(struct wire *wire, const struct held *held, bool *answers)
{
	size_t head = (held->bytes[0] & 0x0fu) * 4;
	struct truth_run *run;
	unsigned flags;
	uint32_t to;
	size_t exchange;

	if (held->bytes[9] != IPPROTO_TCP || held->len < head + 20)
		return NULL;
	flags = held->bytes[head + 13];
	memcpy(&to, held->bytes + 16, sizeof(to));
	run = truth_of_address(wire->world->book, ntohl(to), &exchange);
	if (run == NULL || (flags & TCP_SYN) == 0)
		return NULL;
	*answers = (flags & TCP_ACK) != 0;
	return &run->span[exchange][PHASE_CONNECT];
}

static void
pass_on(struct wire *wire)
{
	struct held held = {.fd = wire->world->tun};
	ssize_t len = read(held.fd, held.bytes, PACKET_MAX);
	int64_t now = bench_now_ns();
	unsigned char from[4];
	struct truth_span *span;
	bool answers = false;

	if (len < 20 || held.bytes[0] >> 4 != 4)
		return;
	held.len = (size_t)len;
	span = handshake(wire, &held, &answers);
	if (span != NULL && !answers && atomic_load(&span->from_ns) == 0)
		atomic_store(&span->from_ns, now);
	if (span != NULL && answers) {
		held.stamp = &span->to_ns;
		if (span->plan_ns > 0)
			held.due = span->from_ns + span->plan_ns;
	}
	memcpy(from, held.bytes + 12, 4);
	memcpy(held.bytes + 12, held.bytes + 16, 4);
	memcpy(held.bytes + 16, from, 4);
	hold(wire, &held);
}

void
truth_wire(struct truth_world *world, unsigned seed)
{
	struct wire *wire = calloc(1, sizeof(*wire));
	struct pollfd fds[] = {
	    {.fd = world->dns, .events = POLLIN},
	    {.fd = world->tun, .events = POLLIN},
	};

	if (wire == NULL)
		exit(1);
	wire->world = world;
	wire->random = UINT64_C(0x9e3779b97f4a7c15) * (seed + 1);
	for (;;) {
		int64_t next = release(wire);
		int64_t left = next - bench_now_ns() - NEAR_NS / 2;
		struct timespec sleep = {
		    .tv_sec = left > 0 ? left / 1000000000 : 0,
		    .tv_nsec = left > 0 ? left % 1000000000 : 0};

		if (ppoll(fds, 2, next > 0 ? &sleep : NULL, NULL) < 0 &&
		    errno != EINTR)
			exit(1);
		if (fds[0].revents != 0)
			read_question(wire);
		if (fds[1].revents != 0)
			pass_on(wire);
	}
}
