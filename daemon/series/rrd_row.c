#include "read-int.h"

#include <math.h>

/*
 * One row of the archives as latencies: counts from the histogram, places
 * inside the buckets from mean, minimum and maximum.
 */

/* Rates are not exact; half a result is far from one. */
#define FEW 2.5
#define ONE_PER_STEP 1.05

/* See read-int.h. */
#define EVEN 3.5
#define ALONE 0.02
#define EDGE 0.05
#define REACH 2.5

struct known {
	double ok; /* good results of the whole row, NAN: unknown */
	double mean, min, max; /* ms; NAN: unknown */
};

static double
get(const double *row, enum series_source source)
{
	return row != NULL ? row[source] : NAN;
}

static void
learn(const struct row *row, struct known *known)
{
	known->ok = get(row->mean, SOURCE_OK) * (double)row->width_s;
	known->mean = get(row->mean, SOURCE_TOTAL);
	known->max = get(row->single ? row->mean : row->max, SOURCE_MAX);
	known->min = NAN;
	if (!row->single &&
	    known->ok * (double)row->step_s <=
		ONE_PER_STEP * (double)row->width_s)
		known->min = get(row->min, SOURCE_TOTAL);
}

/* HIST_BUCKETS when it is not known. */
static size_t
bucket_of(double ms)
{
	return isfinite(ms) ? hist_bucket((dur_us)llround(ms * 1000))
			    : HIST_BUCKETS;
}

struct point {
	double ms, count;
	size_t bucket;
};

static void
set_point(struct point *point, double ms, double count)
{
	point->ms = ms > 0 ? ms : 0;
	point->count = count;
	point->bucket = bucket_of(point->ms);
}

/* The latencies of one step, from mean and maximum alone: one or two are
 * exact; of more, all but the slowest are taken as equal. */
static size_t
points_of(const struct known *known, struct point points[2])
{
	double rest = known->ok - 1;

	if (!(known->ok > 0) || !isfinite(known->mean))
		return 0;
	if (rest < 0.5 || !isfinite(known->max)) {
		set_point(&points[0], known->mean, known->ok);
		return 1;
	}
	set_point(
	    &points[0], (known->ok * known->mean - known->max) / rest, rest);
	set_point(&points[1], known->max, 1);
	return 2;
}

/* How many latencies of a row lie in a bucket, and where on average. */
struct cell {
	double n, place; /* NAN: unknown */
	size_t bucket;
	double below, above; /* how many lie in the buckets beside it */
};

static void
add_cell(struct blend *blend, size_t slot, const struct cell *cell,
    double share, double low, double high)
{
	double count = cell->n * share;
	double place = fmin(fmax(cell->place, low), high);
	double room = fmin(place - low, high - place);

	if (isnan(cell->place)) {
		blend_add(blend, slot, cell->bucket, count, low, high);
		return;
	}
	if (cell->n < 1.5)
		room = 0;
	else if (cell->n > EVEN && cell->below + cell->above < ALONE * cell->n)
		room /= 2;
	else if (cell->n > EVEN) {
		if (cell->above < EDGE * cell->n)
			high = fmin(high, low + REACH * (place - low));
		if (cell->below < EDGE * cell->n)
			low = fmax(low, high - REACH * (high - place));
		blend_add_mean(
		    blend, slot, cell->bucket, count, low, high, place);
		return;
	}
	blend_add(blend, slot, cell->bucket, count, fmax(place - room, 0),
	    fmin(place + room, 1));
}

/* The slowest one is known: it is taken out of the cell. */
static void
take_top(struct cell *cell, double top, double place)
{
	double rest = cell->n - top;

	if (rest > 1e-6)
		cell->place = (cell->n * cell->place - top * place) / rest;
	cell->n = rest;
}

static void
add_buckets(struct blend *blend, size_t slot, const struct row *row,
    const struct known *known, double share)
{
	struct cell cells[HIST_BUCKETS];
	size_t lowest = HIST_BUCKETS, highest = 0, b;

	for (b = 0; b < HIST_BUCKETS; b++) {
		double value = row->hist[b] * (double)row->width_s;

		cells[b] = (struct cell){.bucket = b};
		if (!(value > 0))
			continue;
		cells[b].n = place_read(value, &cells[b].place);
		if (lowest == HIST_BUCKETS)
			lowest = b;
		highest = b;
	}
	for (b = lowest; b <= highest && b < HIST_BUCKETS; b++) {
		struct cell *cell = &cells[b];
		double low = 0, high = 1;

		cell->below = b > 0 ? cells[b - 1].n : 0;
		cell->above = b + 1 < HIST_BUCKETS ? cells[b + 1].n : 0;
		if (b == lowest && bucket_of(known->min) == b)
			low = hist_place(b, known->min);
		if (b == highest && bucket_of(known->max) == b) {
			double top = fmin(cell->n, 1);

			high = fmax(hist_place(b, known->max), low);
			blend_add(blend, slot, b, top * share, high, high);
			take_top(cell, top, high);
		}
		if (cell->n > 1e-6)
			add_cell(blend, slot, cell, share, low, high);
	}
}

static void
add_known(double *sum, double value)
{
	if (isfinite(value))
		*sum = isnan(*sum) ? value : *sum + value;
}

void
row_latencies(const struct row *row, double overlap_s, size_t slot,
    struct blend *blend, double counts[HIST_BUCKETS])
{
	double share = overlap_s / (double)row->width_s;
	struct point points[2];
	struct known known;
	size_t b, i, n = 0;

	learn(row, &known);
	if (row->single)
		n = points_of(&known, points);
	for (b = 0; b < HIST_BUCKETS; b++) {
		double count = 0, place;

		if (row->hist != NULL)
			count = share *
			    place_read(
				row->hist[b] * (double)row->width_s, &place);
		else if (!isfinite(known.ok))
			continue;
		add_known(&counts[b], count);
	}
	for (i = 0; i < n && row->hist == NULL; i++)
		counts[points[i].bucket] += points[i].count * share;
	if (n == 0 || (row->hist != NULL && known.ok > FEW)) {
		if (row->hist != NULL)
			add_buckets(blend, slot, row, &known, share);
		return;
	}
	for (i = 0; i < n; i++) {
		double place = hist_place(points[i].bucket, points[i].ms);

		blend_add(blend, slot, points[i].bucket,
		    points[i].count * share, place, place);
	}
}
