/*
 * The buckets of start lateness.
 */
#include "model/late.h"

static const dur_us bounds[LATE_BOUNDS] = {
    1 * US_PER_MS,
    2 * US_PER_MS,
    5 * US_PER_MS,
    10 * US_PER_MS,
    20 * US_PER_MS,
    50 * US_PER_MS,
    100 * US_PER_MS,
    200 * US_PER_MS,
    500 * US_PER_MS,
    1 * US_PER_S,
};

dur_us
late_bound(unsigned i)
{
	return bounds[i];
}

void
late_add(struct late_counts *counts, dur_us late)
{
	unsigned i = 0;

	while (i < LATE_BOUNDS && late > bounds[i])
		i++;
	counts->count[i]++;
	counts->sum += late;
}
