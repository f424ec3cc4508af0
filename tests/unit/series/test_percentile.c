#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/series/read-int.h"
#include "latency.h"
#include "rig.h"

/*
 * Percentiles against the exact ones, through files: the goal is 5 %, and what
 * is better today may not become worse unseen. tests/bench/percentile.c has
 * the whole table.
 */

#define DAYS 8
#define MINUTES (DAYS * 1440)

/* Like "lean": the histogram has no minutes, and after a day there are hours,
 * after four only days. */
static const struct series_archive lean[] = {
    {0, INT64_C(86400) * US_PER_S},
    {3600 * US_PER_S, INT64_C(4) * 86400 * US_PER_S},
    {86400 * US_PER_S, INT64_C(60) * 86400 * US_PER_S},
};

struct told {
	struct rig rig;
	uint32_t us[MINUTES]; /* 0: a pause */
};

static void
live(struct told *told, enum latency_shape shape)
{
	struct latency latency = {.shape = shape, .state = 20261126};
	struct series_options options = {.archives = lean,
	    .n_archives = ARRAY_LEN(lean),
	    .n_phases_only = 1,
	    .all_archives = rig_archives,
	    .n_all_archives = ARRAY_LEN(rig_archives)};
	int i;

	memset(told, 0, sizeof(*told));
	rig_init(&told->rig);
	rig_stop(&told->rig);
	told->rig.lane = lane_new("store", 64 << 20);
	options.dir = told->rig.dir;
	options.clock = &told->rig.clock.clock;
	options.lane = told->rig.lane;
	told->rig.series = series_open(&options);
	assert_non_null(told->rig.series);
	for (i = 0; i < MINUTES; i++) {
		/* pauses of a minute, of seven, and of three hours */
		if (i % 97 != 0 && i % 1000 > 6 && (i < 2000 || i > 2180)) {
			told->us[i] = (uint32_t)latency_draw(&latency, i * 60);
			rig_add(&told->rig, REASON_OK, told->us[i]);
		}
		clock_manual_advance(&told->rig.clock, 60 * US_PER_S);
		if (i % 12 == 11)
			rig_tick(&told->rig);
	}
	rig_pass(&told->rig, 60);
}

/* The worst error of p50 to p99 over all rows of `step_s`. */
static double
worst(struct told *told, const char *target, int64_t step_s)
{
	static const double q[] = {0.50, 0.90, 0.95, 0.99};
	uint32_t *us = mem_array(MINUTES, sizeof(*us));
	struct series_range *range;
	double most = 0;
	size_t i, k, n;

	assert_int_equal(rig_ask(&told->rig, target, START_S,
			     START_S + DAYS * 86400, step_s, &range),
	    0);
	for (i = 0; i < range->n; i++) {
		const double got[] = {range->p50_ms[i], range->p90_ms[i],
		    range->p95_ms[i], range->p99_ms[i]};
		int64_t at = (range->time[i] / US_PER_S - START_S) / 60;
		int64_t end = at + range->step / US_PER_S / 60;

		for (n = 0; at < end && at < MINUTES; at++) {
			if (at >= 0 && told->us[at] > 0)
				us[n++] = told->us[at];
		}
		assert_float_equal(range->ok[i], (double)n, 1e-6);
		assert_float_equal(
		    rig_sum(range->buckets[i], HIST_BUCKETS), (double)n, 1e-6);
		qsort(us, n, sizeof(*us), latency_ascending);
		for (k = 0; k < ARRAY_LEN(q) && n > 0; k++) {
			double exact = latency_exact(us, n, q[k]);

			assert_true(isfinite(got[k]));
			most = fmax(most, fabs(got[k] - exact) / exact);
		}
	}
	series_range_free(range);
	free(us);
	return most;
}

static void
percentiles_are_within_the_errors_that_were_reached(void **state)
{
	/* a day of the target and of the operator, and all eight days */
	static const struct {
		double day, all, whole;
	} limits[LATENCY_SHAPES] = {
	    [LATENCY_LOG_NORMAL] = {0.025, 0.03, 0.006},
	    [LATENCY_BIMODAL] = {0.02, 0.015, 0.004},
	    [LATENCY_HEAVY] = {0.03, 0.035, 0.01},
	    [LATENCY_STEADY] = {0.005, 0.015, 0.005},
	    [LATENCY_CONSTANT] = {1e-6, 1e-6, 1e-6},
	    [LATENCY_TWO_APART] = {0.006, 0.006, 0.006},
	    /* no more is to be had: see read-int.h */
	    [LATENCY_TWO_IN_ONE] = {0.09, 0.09, 0.09},
	};
	struct told *told = mem_new(sizeof(*told));
	int shape;

	(void)state;
	for (shape = 0; shape < LATENCY_SHAPES; shape++) {
		double day, all, whole;

		live(told, (enum latency_shape)shape);
		day = worst(told, "wizja/sp1/login", 86400);
		all = worst(told, "wizja", 86400);
		whole = worst(told, "wizja/sp1/login", 30 * 86400);
		print_message("%-24s day %.2f %%, of the operator %.2f %%, "
			      "whole %.2f %%\n",
		    latency_names[shape], 100 * day, 100 * all, 100 * whole);
		if (day > limits[shape].day || all > limits[shape].all ||
		    whole > limits[shape].whole)
			fail_msg("%s", latency_names[shape]);
		rig_fini(&told->rig);
	}
	free(told);
}

static void
minutes_without_a_histogram_are_told_by_the_phase_file(void **state)
{
	struct told *told = mem_new(sizeof(*told));
	struct series_range *range;
	int64_t from = START_S + (DAYS - 1) * 86400;
	size_t i;

	(void)state;
	live(told, LATENCY_LOG_NORMAL);
	assert_int_equal(rig_ask(&told->rig, "wizja/sp1/login", from + 3600,
			     from + 7200, 60, &range),
	    0);
	assert_int_equal(range->step, 60 * US_PER_S);
	for (i = 0; i < range->n; i++) {
		double ms =
		    told->us[(range->time[i] / US_PER_S - START_S) / 60] /
		    1000.0;

		if (ms > 0)
			assert_true(fabs(range->p50_ms[i] / ms - 1) < 0.012);
		else
			assert_true(isnan(range->p50_ms[i]));
		assert_float_equal(rig_sum(range->buckets[i], HIST_BUCKETS),
		    ms > 0 ? 1 : 0, 1e-9);
	}
	series_range_free(range);
	rig_fini(&told->rig);
	free(told);
}

static void
two_results_of_one_step_are_both_told(void **state)
{
	struct told *told = mem_new(sizeof(*told));
	struct series_range *range;

	(void)state;
	live(told, LATENCY_CONSTANT);
	rig_add(&told->rig, REASON_OK, 20 * US_PER_MS);
	rig_add(&told->rig, REASON_OK, 700 * US_PER_MS);
	rig_pass(&told->rig, 120);
	assert_int_equal(
	    rig_ask(&told->rig, "wizja/sp1/login", START_S + DAYS * 86400 + 60,
		START_S + DAYS * 86400 + 120, 60, &range),
	    0);
	assert_float_equal(range->p50_ms[0], 20, 0.3);
	assert_float_equal(range->p99_ms[0], 700, 9);
	assert_float_equal(
	    range->buckets[0][hist_bucket(20 * US_PER_MS)], 1, 1e-9);
	assert_float_equal(
	    range->buckets[0][hist_bucket(700 * US_PER_MS)], 1, 1e-9);
	series_range_free(range);
	rig_fini(&told->rig);
	free(told);
}

static void
a_count_carries_the_mean_place_and_stays_true(void **state)
{
	struct series_step step = {0};
	struct rows *rows = malloc(sizeof(*rows));
	const char *text;
	char *end;
	double place, count, sum = 0;
	int i;

	(void)state;
	assert_non_null(rows);
	assert_float_equal(place_read(7, &place), 7, 0);
	assert_true(isnan(place));
	assert_float_equal(place_read(0.5, &place), 0.5, 0);
	assert_true(isnan(place));
	for (i = 0; i < 1000; i++) {
		double at = (i + 0.5) / 1000;

		place_add(&step, (dur_us)(hist_place_ms(20, at) * 1000));
		sum += at;
	}
	rows_clear(rows);
	rows_add(rows, SERIES_HIST, 60, &step);
	text = rows->values[0];
	for (i = 0; i <= 20; i++)
		text = strchr(text, ':') + 1;
	count = strtod(text, &end);
	assert_memory_equal(end, ":0:", 3); /* the bucket after it is empty */
	assert_float_equal(count / 1000 - 1, 0, 1.1e-11);
	/* as a row of a day holds it, a rate and a mean */
	count = place_read(count / 86400 * 86400, &place);
	assert_float_equal(count, 1000, 0);
	assert_float_equal(place, sum / 1000, 0.01);
	free(rows);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		percentiles_are_within_the_errors_that_were_reached),
	    cmocka_unit_test(
		minutes_without_a_histogram_are_told_by_the_phase_file),
	    cmocka_unit_test(two_results_of_one_step_are_both_told),
	    cmocka_unit_test(a_count_carries_the_mean_place_and_stays_true),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
