#ifndef ALERT_SHAPE_H
#define ALERT_SHAPE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/zone.h"

/*
 * The week's own shape: what is usual in each of the 168 hours of a week, as
 * the clocks of Warsaw show them, from one value for each hour of the last
 * SHAPE_WEEKS weeks. A holiday is a day like any other. Pure.
 *
 * An hour is only compared with the same hour of the weeks before it, never
 * with its neighbours: Monday 8:00 is slower than 7:00 each week. Of fewer than
 * SHAPE_LEAST weeks nothing is usual. The week that an hour belongs to never
 * says what is usual in it, nor does a later one.
 */
#define SHAPE_SLOTS 168 /* Monday 0:00 is 0 */
#define SHAPE_WEEKS 8
#define SHAPE_LEAST 3

/* An hour of a week. The weeks begin on Monday and are counted from that of
 * 1970-01-01, which is 0. */
struct shape_hour {
	int32_t week;
	int32_t slot;
};
struct shape_hour shape_hour_of(const struct zone *zone, wall_us at);

/* Zero is valid: nothing is known. */
struct shape {
	float ms[SHAPE_SLOTS][SHAPE_WEEKS]; /* by week % SHAPE_WEEKS; NAN */
	int32_t week[SHAPE_SLOTS][SHAPE_WEEKS]; /* whose value it is */
	int32_t spread_week; /* for which `spread` holds; 0: for none */
	double spread; /* the whole week's, as a share of what is usual */
};

/*
 * shape_put: the value of an hour in milliseconds; NAN: there is none. A later
 * week takes the place of one that is SHAPE_WEEKS older. Of the hour that
 * autumn repeats the greater value stays.
 */
void shape_put(struct shape *shape, struct shape_hour hour, double ms);

/*
 * shape_usual: `ms` is the median of the weeks before, so that an outage in one
 * of them does not become what is usual. `spread_ms` is 1.4826 times the median
 * distance (as MAD, the standard deviation of what is normal) of each week's
 * value from the median of the others: what one would have been wrong by. So
 * few values say little of a spread, so it is never less than that of all hours
 * together, in proportion. False: fewer than SHAPE_LEAST weeks are known.
 */
struct usual {
	double ms;
	double spread_ms;
	int weeks; /* so many are known */
};
bool shape_usual(
    struct shape *shape, struct shape_hour hour, struct usual *usual);

#endif
