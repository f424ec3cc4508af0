#ifndef MODEL_LATE_H
#define MODEL_LATE_H

#include <stdint.h>

#include "base/clock.h"

/*
 * How late runs began after they were due, counted since the start of the
 * daemon: a value, one bucket for each bound (what is above the bound before
 * and at most this one) and one for all beyond the last.
 */
#define LATE_BOUNDS 10

struct late_counts {
	uint64_t count[LATE_BOUNDS + 1];
	dur_us sum;
};

dur_us late_bound(unsigned i); /* of bucket i < LATE_BOUNDS: 1 ms to 1 s */
void late_add(struct late_counts *counts, dur_us late);

#endif
