/*
 * Latency buckets and the percentiles read from them.
 */
#include "model/hist.h"

#include <assert.h>
#include <math.h>

#define FIRST_MS 4.0
#define PER_DOUBLING 4.0

/* Bucket k ends at 4 ms × 2^(k/4); one formula for all who ask. */
static double
edge_ms(size_t k)
{
	return FIRST_MS * exp2((double)k / PER_DOUBLING);
}

double
hist_lower_ms(size_t bucket)
{
	assert(bucket < HIST_BUCKETS);
	return bucket == 0 ? 0.0 : edge_ms(bucket - 1);
}

double
hist_upper_ms(size_t bucket)
{
	assert(bucket < HIST_BUCKETS);
	return bucket == HIST_BUCKETS - 1 ? 2.0 * hist_lower_ms(bucket)
					  : edge_ms(bucket);
}

size_t
hist_bucket(dur_us latency)
{
	double ms = clock_to_ms(latency);
	double place;
	size_t bucket;

	if (ms < FIRST_MS)
		return 0;
	place = floor(PER_DOUBLING * log2(ms / FIRST_MS)) + 1.0;
	bucket = place >= HIST_BUCKETS - 1 ? HIST_BUCKETS - 1 : (size_t)place;
	/* The logarithm may round over an edge; the edges decide. */
	while (ms < hist_lower_ms(bucket))
		bucket--;
	while (bucket < HIST_BUCKETS - 1 && ms >= hist_upper_ms(bucket))
		bucket++;
	return bucket;
}

double
hist_place(size_t bucket, double ms)
{
	double place;

	assert(bucket < HIST_BUCKETS);
	if (bucket == 0)
		place = ms / FIRST_MS;
	else
		place =
		    PER_DOUBLING * log2(ms / FIRST_MS) - ((double)bucket - 1);
	if (bucket == HIST_BUCKETS - 1)
		place /= PER_DOUBLING; /* a doubling wide */
	return fmin(fmax(place, 0.0), 1.0);
}

double
hist_place_ms(size_t bucket, double place)
{
	assert(bucket < HIST_BUCKETS);
	if (bucket == 0)
		return FIRST_MS * place;
	if (bucket == HIST_BUCKETS - 1)
		place *= PER_DOUBLING;
	return FIRST_MS * exp2(((double)bucket - 1 + place) / PER_DOUBLING);
}

void
hist_add(struct hist *hist, dur_us latency)
{
	hist->count[hist_bucket(latency)]++;
	hist->total++;
}

void
hist_merge(struct hist *into, const struct hist *from)
{
	for (size_t i = 0; i < HIST_BUCKETS; i++)
		into->count[i] += from->count[i];
	into->total += from->total;
}

void
hist_subtract(struct hist *from, const struct hist *what)
{
	for (size_t i = 0; i < HIST_BUCKETS; i++) {
		assert(from->count[i] >= what->count[i]);
		from->count[i] -= what->count[i];
	}
	from->total -= what->total;
}

bool
hist_quantile_ms(const double counts[HIST_BUCKETS], double q, double *ms)
{
	double total = 0.0;
	double wanted;
	double sum = 0.0;
	size_t last = 0;

	for (size_t i = 0; i < HIST_BUCKETS; i++)
		total += counts[i];
	if (!(total > 0.0) || !isfinite(total))
		return false;
	wanted = q * total;
	for (size_t i = 0; i < HIST_BUCKETS; i++) {
		if (counts[i] <= 0.0)
			continue;
		if (sum + counts[i] >= wanted) {
			*ms = hist_place_ms(i, (wanted - sum) / counts[i]);
			return true;
		}
		sum += counts[i];
		last = i;
	}
	*ms = hist_upper_ms(last);
	return true;
}

bool
hist_percentile_ms(const struct hist *hist, double q, double *ms)
{
	double counts[HIST_BUCKETS];

	for (size_t i = 0; i < HIST_BUCKETS; i++)
		counts[i] = hist->count[i];
	return hist_quantile_ms(counts, q, ms);
}
