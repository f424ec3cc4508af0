/*
 * What is usual in each hour of a week, and how far from it the weeks lie. Who
 * asks for the values, and what is made of them, is in baseline.c.
 */
#include "shape.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

#define DAY_S INT64_C(86400)
#define THURSDAY 3 /* 1970-01-01 was one, counted from Monday */
#define NORMAL 1.4826 /* standard deviation of a normal one in MADs */

struct shape_hour
shape_hour_of(const struct zone *zone, wall_us at)
{
	struct zone_time local;
	int64_t days;

	zone_local(zone, at, &local);
	days = zone_civil_us(&local) / US_PER_S / DAY_S + THURSDAY;
	return (struct shape_hour){
	    .week = (int32_t)(days / 7),
	    .slot = (int32_t)(days % 7) * 24 + local.hour,
	};
}

void
shape_put(struct shape *shape, struct shape_hour hour, double ms)
{
	int32_t i = hour.week % SHAPE_WEEKS;
	int32_t *week = &shape->week[hour.slot][i];
	float *kept = &shape->ms[hour.slot][i];

	if (*week != hour.week || isnan(*kept) || ms > (double)*kept)
		*kept = (float)ms;
	*week = hour.week;
	if (hour.week < shape->spread_week)
		shape->spread_week = 0;
}

static int
compare(const void *one, const void *other)
{
	double a = *(const double *)one, b = *(const double *)other;

	return a < b ? -1 : a > b;
}

/* Of sorted values, without the one at `skip`; -1: of all. */
static double
median(const double *values, int n, int skip)
{
	int left = skip < 0 ? n : n - 1;
	int low = (left - 1) / 2, high = left / 2;

	low += skip >= 0 && low >= skip;
	high += skip >= 0 && high >= skip;
	return (values[low] + values[high]) / 2;
}

static int
known_before(
    const struct shape *shape, struct shape_hour hour, double out[SHAPE_WEEKS])
{
	int n = 0;

	for (int i = 0; i < SHAPE_WEEKS; i++) {
		int32_t ago = hour.week - shape->week[hour.slot][i];

		if (ago >= 1 && ago <= SHAPE_WEEKS &&
		    isfinite(shape->ms[hour.slot][i]))
			out[n++] = (double)shape->ms[hour.slot][i];
	}
	qsort(out, (size_t)n, sizeof(*out), compare);
	return n;
}

/* How far each week is from the median of the others. */
static void
distances(const double *values, int n, double *out)
{
	for (int i = 0; i < n; i++)
		out[i] = fabs(values[i] - median(values, n, i));
}

/* Of all hours, in proportion to what is usual in each. */
static double
spread_of_week(const struct shape *shape, int32_t week)
{
	double *all = mem_array(SHAPE_SLOTS * SHAPE_WEEKS, sizeof(*all));
	double spread = 0;
	int n = 0;

	for (int32_t slot = 0; slot < SHAPE_SLOTS; slot++) {
		double values[SHAPE_WEEKS];
		int k = known_before(
		    shape, (struct shape_hour){week, slot}, values);
		double usual;

		if (k < SHAPE_LEAST)
			continue;
		usual = median(values, k, -1);
		distances(values, k, all + n);
		for (int i = 0; i < k && usual > 0; i++)
			all[n++] /= usual;
	}
	if (n > 0) {
		qsort(all, (size_t)n, sizeof(*all), compare);
		spread = median(all, n, -1);
	}
	free(all);
	return spread;
}

bool
shape_usual(struct shape *shape, struct shape_hour hour, struct usual *usual)
{
	double values[SHAPE_WEEKS], off[SHAPE_WEEKS];
	int n = known_before(shape, hour, values);

	usual->weeks = n;
	if (n < SHAPE_LEAST)
		return false;
	if (shape->spread_week != hour.week) {
		shape->spread = spread_of_week(shape, hour.week);
		shape->spread_week = hour.week;
	}
	usual->ms = median(values, n, -1);
	distances(values, n, off);
	qsort(off, (size_t)n, sizeof(*off), compare);
	usual->spread_ms =
	    NORMAL * fmax(median(off, n, -1), shape->spread * usual->ms);
	return true;
}
