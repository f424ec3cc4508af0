#ifndef MODEL_HIST_H
#define MODEL_HIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

/*
 * The fixed latency buckets, four per doubling from 4 ms to 262 s:
 * bucket 0 holds what is under 4 ms, bucket k (1..64) holds
 * [4 ms × 2^((k-1)/4), 4 ms × 2^(k/4)), bucket 65 all above.
 */
#define HIST_BUCKETS 66

size_t hist_bucket(dur_us latency);
double hist_lower_ms(size_t bucket); /* bucket 0: 0 */
double hist_upper_ms(size_t bucket); /* bucket 65: 2 × its lower bound */

/*
 * hist_place: where in its bucket a latency lies, from 0 at the lower edge to
 * 1 at the upper one, in equal ratios; in bucket 0, which begins at zero,
 * evenly. What is outside lies on the edge. hist_place_ms is the way back.
 */
double hist_place(size_t bucket, double ms);
double hist_place_ms(size_t bucket, double place);

struct hist {
	uint32_t count[HIST_BUCKETS];
	uint32_t total;
};

void hist_add(struct hist *hist, dur_us latency);
void hist_merge(struct hist *into, const struct hist *from);
void hist_subtract(struct hist *from, const struct hist *what);

/* Fewer say nothing of a percentile; nobody is shown one. */
#define HIST_SAMPLES_MIN 5

/*
 * hist_quantile_ms from bucket counts (they may be fractions, as RRD gives
 * them), q in (0,1), geometric interpolation inside the bucket; false when
 * the sum is zero. Percentiles are never averaged: sum the counts first.
 */
bool hist_quantile_ms(const double counts[HIST_BUCKETS], double q, double *ms);
bool hist_percentile_ms(const struct hist *hist, double q, double *ms);

#endif
