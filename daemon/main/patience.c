/*
 * How long a target may be silent before it is not known any more. A message
 * is judged minutes after its journey began, so that intervals alone say
 * little.
 */
#include "patience.h"

#include "probe/probe.h"

#define INTERVALS 2

dur_us
patience_longest_run(const struct conf_profile *profile)
{
	dur_us longest = 0;

	for (size_t i = 0; i < profile->n_transactions; i++) {
		const struct conf_transaction *one = &profile->transactions[i];
		dur_us cleanup = one->timeout < PROBE_CLEANUP_US
		    ? one->timeout
		    : PROBE_CLEANUP_US;

		if (!one->always)
			longest += one->timeout;
		for (size_t k = 0; k < one->n_steps; k++) {
			if (one->always || one->steps[k].always)
				longest += cleanup;
		}
	}
	return longest;
}

dur_us
patience_of(dur_us longest_run, dur_us every)
{
	return INTERVALS * every + longest_run;
}
