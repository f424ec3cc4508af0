#ifndef TRUTH_ERRORS_H
#define TRUTH_ERRORS_H

#include <stdbool.h>
#include <stdint.h>

#include "../bench.h"
#include "world.h"

/*
 * Errors: what a client measured less what was really held, in milliseconds.
 * What a client needs itself (to make a key, to check a chain, for a system
 * call) is in them: that floor is measured with a bare client.
 */
enum row {
	ROW_DNS,
	ROW_CONNECT,
	ROW_TLS,
	ROW_WAIT,
	ROW_KEPT, /* wait, on a connection that was there */
	ROW_RECEIVE,
	ROW_FRESH, /* latency of an exchange against all its phases, */
	ROW_REUSED, /* on a new connection and on one that was there */
	ROW_TRANSACTION, /* exchanges 0 to 2: two redirects */
	ROW_COUNT
};

struct errors {
	struct bench_sample fair[ROW_COUNT]; /* of results not tainted */
	struct bench_sample all[ROW_COUNT];
	size_t not_zero; /* phases that a kept connection must not have */
	size_t tainted, results, failed;
};

/* errors_exchange takes the phases and the latency of an exchange, in ns;
 * errors_transaction the latency of exchanges 0 to 2. */
void errors_exchange(struct errors *errors, const struct truth_run *run,
    size_t exchange, const int64_t phases[PHASE_COUNT], int64_t latency,
    bool tainted);
void errors_transaction(struct errors *errors, const struct truth_run *run,
    int64_t latency, bool tainted);
void errors_free(struct errors *errors);

/* errors_print shows the spread of each row; errors_judge how far the 99th of
 * a hundred is from the floor, against a goal in ms: true when all are met. */
void errors_print(const char *title, struct errors *errors);
bool errors_judge(const char *title, struct errors *errors,
    struct errors *floor, double goal);

/* bare_run: one run by a client of blocking sockets and OpenSSL that does
 * nothing else. False, said on stderr, when it fails. */
bool bare_run(
    struct errors *errors, const struct truth_world *world, const char *certs);

#endif
