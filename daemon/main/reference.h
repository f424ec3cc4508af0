#ifndef MAIN_REFERENCE_H
#define MAIN_REFERENCE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"
#include "health/health.h"
#include "loop/loop.h"

/*
 * Reference addresses: machines that answer whenever our own way out is well.
 * They are asked for a TCP connection, all at once; one that is made or
 * refused is an answer. Those that have not answered once, such as a port that
 * is closed to us, are no proof of anything: they count for nothing until they
 * do, and are asked now and then. Loop thread only.
 */
struct references;

/* `changed` is called, from the loop, when a round of questions ended. */
struct references *references_new(
    struct loop *loop, dur_us patience, loop_fn *changed, void *arg);
void references_free(struct references *references); /* NULL is fine */

/* references_apply: other addresses, "192.0.2.1:443" or "[2001:db8::1]:443";
 * copied, and asked at once. What was known is kept when they are the same. */
void references_apply(
    struct references *references, const char *const *addresses, size_t n);

/* references_ask begins a round, unless one is under way or the last one ended
 * less than 5 s ago. */
void references_ask(struct references *references);

/* references_reach: what the last round said, if it is younger than `age`;
 * HEALTH_NOT_TRIED when that is not known. NULL when there are none that have
 * ever answered. */
const enum health_reach *references_reach(
    struct references *references, dur_us age);

/* references_silent: did nobody answer in the last round? */
bool references_silent(const struct references *references);

#endif
