#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "rig.h"

/* Ranges: steps, gaps, sums, and percentiles against the exact ones. */

#define DAYS 6
#define RUNS (DAYS * 1440)

struct filled {
	struct rig rig;
	double ms[RUNS]; /* of sp1, in order of time */
};

static uint64_t random_state = 20261124;

static double
uniform(void)
{
	random_state = random_state * UINT64_C(6364136223846793005) +
	    UINT64_C(1442695040888963407);
	return ((double)(random_state >> 11) + 0.5) / 9007199254740992.0;
}

/* Log-normal around 400 ms, slower by day. */
static double
latency_ms(int minute)
{
	double normal = sqrt(-2 * log(uniform())) * cos(2 * M_PI * uniform());
	double day = 1 + 0.5 * sin(2 * M_PI * minute / 1440.0);

	return 400 * day * exp(0.6 * normal);
}

static int
fill(void **state)
{
	struct filled *filled = mem_new(sizeof(*filled));
	struct rig *rig = &filled->rig;
	struct target other;
	int i;

	rig_init(rig);
	rig_stop(rig);
	rig->write_every = 600 * US_PER_S;
	rig_start(rig);
	other = store_target("wizja", "sp2", "login");
	for (i = 0; i < RUNS; i++) {
		filled->ms[i] = latency_ms(i);
		rig_add(rig, REASON_OK, (dur_us)(filled->ms[i] * 1000));
		if (i % 10 == 0)
			rig_add_to(rig, &other, STEP,
			    i % 20 == 0 ? REASON_OK : REASON_HTTP_5XX,
			    2 * US_PER_S);
		rig_pass(rig, 60);
	}
	rig_pass(rig, 60);
	*state = filled;
	return 0;
}

static int
empty(void **state)
{
	struct filled *filled = *state;

	rig_fini(&filled->rig);
	free(filled);
	return 0;
}

static int
by_value(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return a < b ? -1 : a > b;
}

static double
exact(const double *ms, size_t n, double q)
{
	double *sorted = mem_array(n, sizeof(*sorted));
	double value;

	memcpy(sorted, ms, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), by_value);
	value = sorted[(size_t)(q * (double)n)];
	free(sorted);
	return value;
}

static void
near(double value, double wanted, double share, const char *what)
{
	if (!(fabs(value - wanted) <= share * wanted))
		fail_msg("%s: %f instead of %f", what, value, wanted);
}

static void
percentiles_of_consolidated_rows_are_within_the_bucket_error(void **state)
{
	/* over 300-s rows by the day, and over 3600-s rows in one */
	static const int64_t steps[] = {86400, DAYS * 86400};
	struct filled *filled = *state;
	struct series_range *range;
	size_t i, s, n;

	for (s = 0; s < ARRAY_LEN(steps); s++) {
		/* rows of six days need not begin where the data do */
		int64_t from = START_S - START_S % steps[s];

		if (from < START_S)
			from += steps[s];
		assert_int_equal(rig_ask(&filled->rig, "wizja/sp1/login", from,
				     START_S + DAYS * 86400, steps[s], &range),
		    0);
		for (i = 0; i < range->n; i++) {
			size_t first =
			    (size_t)(range->time[i] / US_PER_S - START_S) / 60;

			n = (size_t)steps[s] / 60;
			if (first >= RUNS)
				continue;
			if (first + n > RUNS)
				n = RUNS - first;
			near(range->ok[i], (double)n, 1e-9, "ok");
			near(range->p50_ms[i],
			    exact(filled->ms + first, n, 0.5), 0.05, "p50");
			near(range->p90_ms[i],
			    exact(filled->ms + first, n, 0.9), 0.05, "p90");
			near(range->p95_ms[i],
			    exact(filled->ms + first, n, 0.95), 0.05, "p95");
			near(range->p99_ms[i],
			    exact(filled->ms + first, n, 0.99), 0.08, "p99");
			near(range->max_ms[i],
			    exact(filled->ms + first, n, 1 - 0.5 / (double)n),
			    1e-5, "max");
		}
		series_range_free(range);
	}
}

static void
the_mean_is_that_of_the_results(void **state)
{
	struct filled *filled = *state;
	struct series_range *range;
	double mean = 0;
	size_t i;

	for (i = 0; i < 1440; i++)
		mean += filled->ms[i] / 1440;
	assert_int_equal(rig_ask(&filled->rig, "wizja/sp1/login", START_S,
			     START_S + 86400, 86400, &range),
	    0);
	near(range->mean_ms[0], mean, 1e-4, "mean");
	near(range->phase_ms[PHASE_WAIT][0], mean / 2, 1e-4, "wait");
	series_range_free(range);
	/* the operator: each 20th step has one of 2000 ms besides. Rows of five
	 * minutes are read: each holds the mean of its steps, and is weighted
	 * by its results */
	for (mean = 0, i = 0; i < 1440; i++)
		mean += i % 20 == 0 ? 6 * (filled->ms[i] + 2000) / 2
				    : (i % 20 < 5 ? 6 : 5) * filled->ms[i];
	mean /= 5 * (1440 + 72);
	assert_int_equal(rig_ask(&filled->rig, "wizja/_all/login", START_S,
			     START_S + 86400, 86400, &range),
	    0);
	near(range->mean_ms[0], mean, 1e-4, "mean of the operator");
	series_range_free(range);
}

static void
the_operator_sums_its_deployments(void **state)
{
	static const char *const targets[] = {
	    "wizja", "wizja/_all", "wizja/_all/login"};
	struct filled *filled = *state;
	struct series_range *range;
	size_t i;

	for (i = 0; i < ARRAY_LEN(targets); i++) {
		assert_int_equal(rig_ask(&filled->rig, targets[i], START_S,
				     START_S + 86400, 3600, &range),
		    0);
		assert_int_equal(range->n, 24);
		near(range->ok[5], 63, 1e-9, "ok");
		near(range->failed[5], 3, 1e-9, "failed");
		near(rig_sum(range->buckets[5], HIST_BUCKETS), 63, 1e-9,
		    "buckets");
		series_range_free(range);
	}
}

static void
an_unasked_step_gives_at_most_400_aligned_rows(void **state)
{
	static const int64_t spans[] = {60, 3599, 3600, 7000, 86400, 100000,
	    5 * 86400, 31 * 86400, 366 * 86400};
	struct filled *filled = *state;
	struct series_range *range;
	size_t i, k;

	for (i = 0; i < ARRAY_LEN(spans); i++) {
		int64_t from = START_S + 86400 + 17;

		assert_int_equal(rig_ask(&filled->rig, "wizja/sp1/login", from,
				     from + spans[i], 0, &range),
		    0);
		assert_true(range->n >= 1 && range->n <= 400);
		assert_true(range->from <= from * US_PER_S);
		assert_true(range->to >= (from + spans[i]) * US_PER_S);
		for (k = 0; k < range->n; k++)
			assert_int_equal(range->time[k] % range->step, 0);
		series_range_free(range);
	}
}

static void
old_times_are_given_in_the_rows_that_are_left(void **state)
{
	struct filled *filled = *state;
	struct series_range *range;

	/* the finest archive is a day long */
	assert_int_equal(rig_ask(&filled->rig, "wizja/sp1/login", START_S,
			     START_S + 7200, 60, &range),
	    0);
	assert_int_equal(range->step, 300 * US_PER_S);
	near(rig_sum(range->ok, range->n), 120, 1e-9, "ok");
	series_range_free(range);
}

/* What the operator's minutes from `from_s` on have of good results: one of
 * sp1 each, one of sp2 each twentieth. */
static double
minutes_ok(int64_t from_s, int64_t to_s)
{
	double ok = 0;
	int64_t at;

	for (at = from_s; at < to_s; at += 60)
		ok += 1 + ((at - START_S) / 60 % 20 == 0);
	return ok;
}

static void
rows_at_the_edge_of_the_finest_archive_are_not_made_of_wider_ones(void **state)
{
	static const int64_t steps[] = {60, 120, 420, 660};
	struct filled *filled = *state;
	int64_t edge = START_S + (DAYS - 1) * 86400;
	size_t s, i;
	int64_t k;

	for (s = 0; s < ARRAY_LEN(steps); s++) {
		for (k = -8; k <= 8; k++) {
			struct series_range *range;
			int64_t from = edge + k * 60 + 17;

			assert_int_equal(
			    rig_ask(&filled->rig, "wizja/_all/login", from,
				from + 7200, steps[s], &range),
			    0);
			/* the next slot at least is known in full */
			for (i = 1; i < range->n; i++) {
				int64_t at = range->time[i] / US_PER_S;

				near(range->ok[i],
				    minutes_ok(at, at + range->step / US_PER_S),
				    1e-9, "ok");
			}
			assert_true(isnan(range->ok[0]) ||
			    range->ok[0] == nearbyint(range->ok[0]));
			series_range_free(range);
		}
	}
}

static void
what_is_not_known_is_a_gap(void **state)
{
	struct filled *filled = *state;
	struct series_range *range;

	assert_int_equal(
	    rig_ask(&filled->rig, "wizja/sp1/login", START_S + 20 * 86400,
		START_S + 21 * 86400, 3600, &range),
	    0);
	assert_true(isnan(range->ok[0]) && isnan(range->failed[0]));
	assert_true(isnan(range->p50_ms[0]) && isnan(range->mean_ms[0]));
	assert_true(isnan(range->max_ms[0]));
	assert_true(isnan(range->phase_ms[PHASE_TLS][0]));
	assert_true(isnan(range->buckets[0][10]));
	series_range_free(range);
}

static void
questions_that_cannot_be_answered_are_refused(void **state)
{
	struct filled *filled = *state;
	struct rig *rig = &filled->rig;
	struct series_range *range;
	int64_t to = START_S + 3600;

	assert_int_equal(
	    rig_ask(rig, "wizja/sp9/login", START_S, to, 0, &range), -ENOENT);
	assert_int_equal(
	    rig_ask(rig, "librus", START_S, to, 0, &range), -ENOENT);
	assert_int_equal(
	    rig_ask(rig, "wizja/../login", START_S, to, 0, &range), -EINVAL);
	assert_int_equal(
	    rig_ask(rig, "wizja", to, START_S, 0, &range), -EINVAL);
	assert_int_equal(rig_ask(rig, "wizja", to, to, 0, &range), -EINVAL);
	assert_int_equal(
	    rig_ask(rig, "wizja", START_S, to, -60, &range), -EINVAL);
	assert_int_equal(
	    rig_ask(rig, "wizja", 1, START_S, 60, &range), -EINVAL);
	assert_null(range);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		percentiles_of_consolidated_rows_are_within_the_bucket_error),
	    cmocka_unit_test(the_mean_is_that_of_the_results),
	    cmocka_unit_test(the_operator_sums_its_deployments),
	    cmocka_unit_test(an_unasked_step_gives_at_most_400_aligned_rows),
	    cmocka_unit_test(old_times_are_given_in_the_rows_that_are_left),
	    cmocka_unit_test(
		rows_at_the_edge_of_the_finest_archive_are_not_made_of_wider_ones),
	    cmocka_unit_test(what_is_not_known_is_a_gap),
	    cmocka_unit_test(questions_that_cannot_be_answered_are_refused),
	};
	return cmocka_run_group_tests(tests, fill, empty);
}
