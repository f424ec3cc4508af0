#include "read-int.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

/*
 * A distribution of latencies for each slot, finer than the buckets. Most
 * buckets of a slot are empty: the parts of a bucket are made when it is first
 * used.
 */
struct slot {
	double *parts[HIST_BUCKETS]; /* BLEND_PARTS each, or NULL */
};

#define TILTS 64
#define TILT_MOST 60

struct blend {
	struct slot *slots;
	size_t n;
	double tilts[TILTS + 1]; /* by mean, from 0 to 1 */
};

/* Mean on 0..1 of the density that goes with exp(tilt × x). */
static double
mean_of(double tilt)
{
	if (fabs(tilt) < 1e-4)
		return 0.5 + tilt / 12;
	return 1 / (1 - exp(-tilt)) - 1 / tilt;
}

static double
tilt_of(double mean)
{
	double low = -TILT_MOST, high = TILT_MOST;
	int i;

	for (i = 0; i < 40; i++) {
		double middle = (low + high) / 2;

		if (mean_of(middle) < mean)
			low = middle;
		else
			high = middle;
	}
	return (low + high) / 2;
}

struct blend *
blend_new(size_t n)
{
	struct blend *blend = mem_new(sizeof(*blend));
	size_t b;

	blend->slots = mem_array(n, sizeof(*blend->slots));
	blend->n = n;
	for (b = 0; b <= TILTS; b++)
		blend->tilts[b] = tilt_of((double)b / TILTS);
	return blend;
}

void
blend_free(struct blend *blend)
{
	size_t i, b;

	for (i = 0; i < blend->n; i++) {
		for (b = 0; b < HIST_BUCKETS; b++)
			free(blend->slots[i].parts[b]);
	}
	free(blend->slots);
	free(blend);
}

static double *
parts_of(struct blend *blend, size_t slot, size_t bucket)
{
	double **parts = &blend->slots[slot].parts[bucket];

	if (*parts == NULL)
		*parts = mem_array(BLEND_PARTS, sizeof(**parts));
	return *parts;
}

/* The share of what lies below x, both on 0..1. */
static double
below(double tilt, double x)
{
	if (fabs(tilt) < 1e-4)
		return x;
	return expm1(tilt * x) / expm1(tilt);
}

static void
spread(double *parts, double count, double low, double high, double tilt)
{
	double width = high - low;
	double before = 0;
	size_t i = low < 1 ? (size_t)(low * BLEND_PARTS) : BLEND_PARTS - 1;

	if (!(width > 0)) {
		parts[i] += count;
		return;
	}
	for (; i < BLEND_PARTS && (double)i < high * BLEND_PARTS; i++) {
		double to = ((double)i + 1) / BLEND_PARTS;
		double after = to < high ? below(tilt, (to - low) / width) : 1;

		parts[i] += count * (after - before);
		before = after;
	}
}

void
blend_add(struct blend *blend, size_t slot, size_t bucket, double count,
    double low, double high)
{
	assert(low >= 0 && low <= high && high <= 1);
	spread(parts_of(blend, slot, bucket), count, low, high, 0);
}

void
blend_add_mean(struct blend *blend, size_t slot, size_t bucket, double count,
    double low, double high, double mean)
{
	double at = high > low ? TILTS * (mean - low) / (high - low) : 0;
	size_t i = at > 0 ? (size_t)at : 0;
	double tilt;

	assert(low >= 0 && low <= high && high <= 1);
	if (i > TILTS - 1)
		i = TILTS - 1;
	tilt = blend->tilts[i] +
	    (blend->tilts[i + 1] - blend->tilts[i]) * (at - (double)i);
	spread(parts_of(blend, slot, bucket), count, low, high, tilt);
}

static double
total_of(const struct slot *slot)
{
	double total = 0;
	size_t b, i;

	for (b = 0; b < HIST_BUCKETS; b++) {
		for (i = 0; slot->parts[b] != NULL && i < BLEND_PARTS; i++)
			total += slot->parts[b][i];
	}
	return total;
}

double
blend_quantile(const struct blend *blend, size_t slot, double q)
{
	const struct slot *at = &blend->slots[slot];
	double total = total_of(at);
	double wanted, sum = 0;
	size_t b, i, last = 0, last_part = 0;

	if (!(total > 0))
		return NAN;
	/* the nearest rank, and the middle of the room that one takes up */
	wanted = q * total;
	if (total > 1)
		wanted = ceil(wanted - 1e-6) - 0.5;
	for (b = 0; b < HIST_BUCKETS; b++) {
		for (i = 0; at->parts[b] != NULL && i < BLEND_PARTS; i++) {
			double count = at->parts[b][i];

			if (!(count > 0))
				continue;
			if (sum + count >= wanted)
				return hist_place_ms(b,
				    ((double)i + (wanted - sum) / count) /
					BLEND_PARTS);
			sum += count;
			last = b;
			last_part = i + 1;
		}
	}
	return hist_place_ms(last, (double)last_part / BLEND_PARTS);
}
