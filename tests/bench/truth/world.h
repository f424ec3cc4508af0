#ifndef TRUTH_WORLD_H
#define TRUTH_WORLD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "model/phase.h"
#include "model/result.h"

/*
 * The other end of the truth benchmark: a network of its own with a name
 * server, a wire and an HTTPS server that hold each phase for a known time and
 * note, on the monotonic clock that all processes share, when they took it up
 * and when they let it go. Truth is what was noted, not what was wished.
 *
 *   dns      the name server has read the question … sends the answer
 *   connect  the wire has seen the SYN … lets the SYN-ACK go
 *   tls      the server has ClientHello before it … writes its own flight
 *   wait     the server has read the request … writes the first byte
 *   receive  the server writes the first … the last part
 *
 * The wire is a TUN device that gives back what it is given with the two
 * addresses exchanged (which leaves all checksums right), so that both ends of
 * a connection are sockets of this machine's own TCP, and the handshake can be
 * held, which accept() cannot do: the kernel would have answered before it.
 */

/*
 * A run is known by the trace id in its host names: "a<id>" and "b<id>", with
 * an address of its own each. Exchange 0 is a fresh connection to a and leads
 * to 1, a fresh one to b; that leads to 2, on the same connection; 3 is on the
 * kept one to a.
 */
#define TRUTH_DOMAIN "helion.example" /* the simulators' certificate has it */
#define TRUTH_EXCHANGES 4
#define TRUTH_RUNS 8192

struct truth_span {
	int64_t plan_ns;
	_Atomic int64_t from_ns, to_ns; /* 0: it never happened */
};

struct truth_run {
	char id[TRACE_ID_SIZE];
	struct truth_span span[TRUTH_EXCHANGES][PHASE_COUNT];
};

/* What the processes share. */
struct truth_book {
	_Atomic size_t n;
	struct truth_run run[TRUTH_RUNS];
};

struct truth_world {
	struct truth_book *book;
	int tun, dns, server; /* descriptors */
	int dns_port, server_port;
	int load_port;
	pid_t instrument, load;
	bool realtime; /* the instrument is scheduled before all others */
};

/* truth_world_start moves this process, which must have one thread, into a
 * network of its own and starts two others: the instrument, and a server that
 * answers the load at once. `certs` has server.pem and .key. False, said on
 * stderr, when that cannot be. */
bool truth_world_start(
    struct truth_world *world, const char *certs, unsigned seed);
void truth_world_stop(struct truth_world *world);

/* truth_find: the run of that id, NULL when nobody asked for it. */
const struct truth_run *truth_find(
    const struct truth_book *book, const char *id);

/* truth_held: for how long the span was really held, in nanoseconds. */
int64_t truth_held(const struct truth_span *span);

/* ---- between its files ---- */

/* The run and exchange of an address of the wire, NULL when it is none. */
struct truth_run *truth_of_address(
    struct truth_book *book, uint32_t address, size_t *exchange);

/* Waits for an instant: sleeps, and turns on the spot at the end. */
void truth_wait_until(int64_t instant_ns);

/* truth_wire runs the name server and the wire; never returns. */
void truth_wire(struct truth_world *world, unsigned seed);

/* truth_serve accepts, a thread for each connection; without a book it is the
 * load's server. Never returns. */
void truth_serve(struct truth_book *book, const char *certs, int listener);

#endif
