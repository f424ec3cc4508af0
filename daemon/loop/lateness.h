#ifndef LATENESS_H
#define LATENESS_H

#include <stdbool.h>
#include <stdint.h>

#include "look.h"
#include "loop/loop.h"

/*
 * The measure of the loop's own lateness. A turn is what happens between two
 * sleeps; an event is served in one. Who had to wait in a turn is known from
 * what comes after it:
 *   - an event of this turn's own batch waited until it was served;
 *   - when the next poll finds something at once, that may have been ready
 *     since the turn began;
 *   - when the next poll sleeps, nobody was waiting any more.
 * A timer knows itself how late it is. Stalls of 1 ms and more are kept in
 * slots of fixed size, each microsecond in the sum at most once. Pure: instants
 * are arguments. Zero is valid.
 */
#define LATENESS_SLOT (10 * US_PER_MS)
#define LATENESS_SLOTS 30000 /* five minutes */
#define LATENESS_SECONDS 60
#define LATENESS_STEPS 16 /* 0.1 ms, doubling */

struct turn {
	mono_us begin; /* 0: none */
	mono_us since; /* what the next poll finds at once may have been ready
			  since then: begin, or before it */
	mono_us last; /* when its last event was served */
	mono_us end; /* 0: it goes on */
};

struct lateness {
	struct turn turn; /* the one under way, or the last one, unjudged */
	dur_us before; /* what its first event may have waited before it */
	dur_us waited; /* what is served now; see loop_waited */
	dur_us held; /* see loop_held */
	mono_us covered; /* up to here, the sums hold everything */
	int64_t newest; /* number of the newest slot */
	struct slot {
		uint32_t longest; /* stall that touched it; both in us */
		uint32_t sum;
	} slots[LATENESS_SLOTS];
	struct second {
		int64_t number;
		dur_us busy;
		dur_us max;
		uint32_t turns[LATENESS_STEPS];
	} seconds[LATENESS_SECONDS];
};

/* lateness_wake: callbacks begin that no event has called for. `due` is the
 * instant by which we were to wake: later than that, we were not let run, and
 * what became ready meanwhile is only found by the next poll, as after
 * SIGCONT, which ends a poll without a look at the descriptors. */
void lateness_wake(struct lateness *lateness, mono_us now, mono_us due);

/* lateness_event: an event is served. When it begins a turn, `at_once` tells
 * whether it was there already when we looked, before any sleep; `due` is as
 * above. `seen` is what is known of a descriptor that was there at once, or
 * NULL. */
void lateness_event(struct lateness *lateness, mono_us now, bool at_once,
    mono_us due, const struct seen *seen);

/* lateness_on: a turn is under way. */
bool lateness_on(const struct lateness *lateness);

void lateness_sleep(struct lateness *lateness, mono_us now);

/* See loop_unseen. */
dur_us lateness_unseen(const struct lateness *lateness, mono_us now);

/* A timer that was due ran now. */
void lateness_timer(struct lateness *lateness, mono_us due, mono_us now);

/* See loop_late_between and loop_lateness. A turn that is not judged yet
 * counts as if somebody had waited for all of it. */
void lateness_between(const struct lateness *lateness, mono_us from, mono_us to,
    mono_us now, struct loop_late *out);
void lateness_summary(
    const struct lateness *lateness, mono_us now, struct loop_lateness *out);

#endif
