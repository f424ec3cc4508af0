#ifndef TESTS_UNIT_SERIES_LATENCY_H
#define TESTS_UNIT_SERIES_LATENCY_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/clock.h"
#include "model/hist.h"

/*
 * Latencies of known distributions, the same ones on every run, and the exact
 * percentile of what was drawn: what the estimates are measured against.
 */

enum latency_shape {
	LATENCY_LOG_NORMAL, /* around 400 ms, slower by day */
	LATENCY_BIMODAL, /* cached 60 ms, and one in four 900 ms */
	LATENCY_HEAVY, /* Pareto, alpha 1.3, from 80 ms up to two minutes */
	LATENCY_STEADY, /* 100 ms within 1 %, and one in 500 at two seconds */
	LATENCY_CONSTANT, /* 150 ms */
	LATENCY_TWO_APART, /* two in three 100 ms, the others 300 ms */
	LATENCY_TWO_IN_ONE, /* both ends of one bucket, evenly */
	LATENCY_SHAPES
};

static const char *const latency_names[LATENCY_SHAPES] = {"log-normal",
    "bimodal", "heavy tail", "steady, outliers", "constant", "two points",
    "two points, one bucket"};

struct latency {
	enum latency_shape shape;
	uint64_t state; /* of the random numbers; any start will do */
};

static inline double
latency_uniform(struct latency *latency)
{
	latency->state = latency->state * UINT64_C(6364136223846793005) +
	    UINT64_C(1442695040888963407);
	return ((double)(latency->state >> 11) + 0.5) / 9007199254740992.0;
}

static inline double
latency_normal(struct latency *latency)
{
	double u = latency_uniform(latency);

	return sqrt(-2 * log(u)) * cos(2 * M_PI * latency_uniform(latency));
}

static inline double
latency_ms(struct latency *latency, int64_t at_s)
{
	double u = latency_uniform(latency);
	double day = 1 + 0.5 * sin(2 * M_PI * (double)(at_s % 86400) / 86400);

	switch (latency->shape) {
	case LATENCY_LOG_NORMAL:
		return 400 * day * exp(0.6 * latency_normal(latency));
	case LATENCY_BIMODAL:
		return (u < 0.25 ? 900 : 60) *
		    exp(0.15 * latency_normal(latency));
	case LATENCY_HEAVY:
		u = 80 * pow(u, -1 / 1.3);
		return u < 120000 ? u : 120000;
	case LATENCY_STEADY:
		return u < 0.002 ? 2000 : 99 + 2 * latency_uniform(latency);
	case LATENCY_TWO_APART:
		return u < 2.0 / 3 ? 100 : 300;
	case LATENCY_TWO_IN_ONE:
		return u < 0.5 ? hist_lower_ms(20) + 0.01
			       : hist_upper_ms(20) - 0.01;
	case LATENCY_CONSTANT:
	case LATENCY_SHAPES:
		break;
	}
	return 150;
}

static inline dur_us
latency_draw(struct latency *latency, int64_t at_s)
{
	return (dur_us)llround(latency_ms(latency, at_s) * 1000);
}

static inline int
latency_ascending(const void *left, const void *right)
{
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

	return (a > b) - (a < b);
}

/* The nearest-rank percentile in ms of n sorted latencies in microseconds. */
static inline double
latency_exact(const uint32_t *sorted, size_t n, double q)
{
	size_t rank = (size_t)ceil(q * (double)n);

	return sorted[rank > 0 ? rank - 1 : 0] / 1000.0;
}

#endif
