#ifndef LOOK_H
#define LOOK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"

/*
 * Looks at what is ready, taken between callbacks while a turn goes on: they
 * tell when a descriptor became ready that the next poll will find. A look
 * takes nothing away: the descriptors are watched level-triggered. What one
 * turn has seen holds for the events of the next one only. Zero is valid.
 */
#define LOOK_EVERY (US_PER_MS / 4) /* at least so long after the last one */
#define LOOK_FDS 64 /* in one turn; what is more stays unknown */

struct seen {
	int fd;
	mono_us after; /* not ready yet */
	mono_us by; /* ready */
};

struct look {
	struct seen seen[2][LOOK_FDS]; /* by this turn and by the one before */
	size_t n[2];
	size_t this;
	mono_us last; /* when we last looked, or polled */
	mono_us whole; /* the last look that has shown us all, and all of
			  which we remember */
	mono_us before; /* that of the turn before */
	bool overflown; /* this turn has more than we can remember */
};

/* look_begin: a poll has ended with events, or a wake-up without; a new turn
 * begins. */
void look_begin(struct look *look, mono_us now);

/* look_around asks the epoll descriptor, unless that was done just now. */
void look_around(struct look *look, int epoll, mono_us now);

/* look_find: an event of that descriptor is served. What the turn before has
 * seen of it; if nothing, it became ready after the last whole look of that
 * turn. */
struct seen look_find(struct look *look, int fd);

#endif
