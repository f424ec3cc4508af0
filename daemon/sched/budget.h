#ifndef SCHED_BUDGET_H
#define SCHED_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

/*
 * How many requests an operator may get: at most `per_minute` in any 60
 * seconds, exactly, by remembering when each of the last ones was sent. A
 * journey reserves what it will need before it begins, so that it seldom runs
 * dry in its middle. Pure but for its memory; time is an argument.
 */
struct budget {
	mono_us *sent; /* ring of the sends of the last minute */
	uint32_t size; /* of the ring, at least `limit` */
	uint32_t limit;
	uint32_t first, count;
	uint32_t reserved;
	uint64_t total;
};

void budget_init(struct budget *budget, uint32_t per_minute);
void budget_fini(struct budget *budget);

/* budget_resize is for a reload: what was sent in the last minute still
 * counts, all of it, whatever the limit was meanwhile. */
void budget_resize(struct budget *budget, uint32_t per_minute);

/* budget_last_minute: requests sent in the 60 s before now. */
uint32_t budget_last_minute(struct budget *budget, mono_us now);

/* budget_reserve takes room for a whole journey, or nothing. */
bool budget_reserve(struct budget *budget, uint32_t requests, mono_us now);
void budget_unreserve(struct budget *budget, uint32_t requests);

/* budget_send takes room for one request, from `*reservation` first; false
 * when it would be one too many. */
bool budget_send(struct budget *budget, uint32_t *reservation, mono_us now);

/* budget_wait: how long until `requests` more fit, if nothing else is sent;
 * 0 when they fit now. */
dur_us budget_wait(struct budget *budget, uint32_t requests, mono_us now);

#endif
