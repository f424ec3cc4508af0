#include "series-int.h"

#include <math.h>

/*
 * Where in their bucket latencies lie, carried by the counts themselves: a row
 * of a histogram stays as long as it is, and every rate × step is the true
 * count to one part in 10^11. A latency counts as 1 + code × 10^-14, where the
 * code is 500 at the lower edge of its bucket and 1000 at the upper one. Sums
 * and averages keep the mean of the codes: a double has 16 digits, and a count
 * is rounded a few times on its way into a row and out of it.
 */

#define CODE_LEAST 500
#define CODE_SPAN 500
#define CODE_UNIT 1e-14 /* PLACE_DIGITS behind the point */
#define CODE_SLACK 5 /* codes, after all the rounding */

void
place_add(struct series_step *step, dur_us latency)
{
	size_t bucket = hist_bucket(latency);
	double place = hist_place(bucket, clock_to_ms(latency));

	hist_add(&step->hist, latency);
	step->codes[bucket] += CODE_LEAST + (uint32_t)lround(CODE_SPAN * place);
}

void
place_merge(struct series_step *into, const struct series_step *more)
{
	size_t b;

	hist_merge(&into->hist, &more->hist);
	for (b = 0; b < HIST_BUCKETS; b++)
		into->codes[b] += more->codes[b];
}

double
place_read(double value, double *place)
{
	double count = nearbyint(value);
	double code;

	*place = NAN;
	if (!(count >= 1))
		return value;
	code = (value - count) / count / CODE_UNIT;
	if (code < CODE_LEAST - CODE_SLACK ||
	    code > CODE_LEAST + CODE_SPAN + CODE_SLACK)
		return value;
	*place = fmin(fmax((code - CODE_LEAST) / CODE_SPAN, 0), 1);
	return count;
}
