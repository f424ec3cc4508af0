/*
 * The latency buckets and the percentiles out of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "base/attr.h"
#include "model/hist.h"

static void
assert_near(double got, double wanted, double share)
{
	if (!(fabs(got - wanted) <= fabs(wanted) * share + 1e-9))
		fail_msg("%.9g is not near %.9g", got, wanted);
}

static void
assert_holds(size_t bucket, dur_us latency)
{
	double ms = clock_to_ms(latency);

	assert_true(bucket < HIST_BUCKETS);
	if (bucket > 0 && !(hist_lower_ms(bucket) <= ms))
		fail_msg("%.6f ms lies below bucket %zu", ms, bucket);
	if (bucket < HIST_BUCKETS - 1 && !(ms < hist_upper_ms(bucket)))
		fail_msg("%.6f ms lies above bucket %zu", ms, bucket);
}

static void
buckets_touch_and_double_every_four(void **state)
{
	(void)state;
	assert_true(hist_lower_ms(0) == 0);
	for (size_t i = 0; i + 1 < HIST_BUCKETS; i++)
		assert_true(hist_upper_ms(i) == hist_lower_ms(i + 1));
	for (size_t k = 0; k <= 64; k += 4)
		assert_true(hist_upper_ms(k) == ldexp(4, (int)(k / 4)));
	assert_near(hist_upper_ms(1), 4 * pow(2, 0.25), 1e-12);
	assert_near(hist_upper_ms(3), 4 * pow(2, 0.75), 1e-12);
	assert_true(hist_upper_ms(65) == 2 * hist_lower_ms(65));
}

static void
every_bucket_holds_what_is_put_there(void **state)
{
	(void)state;
	assert_int_equal(hist_bucket(0), 0);
	assert_int_equal(hist_bucket(-1), 0);
	assert_int_equal(hist_bucket(3999), 0);
	for (size_t i = 0; i < HIST_BUCKETS; i++) {
		dur_us edge = (dur_us)floor(hist_upper_ms(i) * 1000);
		for (dur_us d = -2; d <= 2; d++)
			assert_holds(hist_bucket(edge + d), edge + d);
	}
	for (dur_us latency = 1; latency < 600 * US_PER_S;
	     latency += 1 + latency / 97)
		assert_holds(hist_bucket(latency), latency);
}

static void
an_exact_bound_belongs_to_the_upper_bucket(void **state)
{
	(void)state;
	/* The doublings are whole microseconds: 4 ms, 8 ms, … 262.144 s. */
	for (size_t k = 0; k <= 64; k += 4) {
		dur_us edge = (dur_us)4000 << (k / 4);
		assert_int_equal(hist_bucket(edge - 1), k);
		assert_int_equal(hist_bucket(edge), k + 1);
	}
	assert_int_equal(hist_bucket(INT64_MAX), HIST_BUCKETS - 1);
}

static void
longer_is_never_in_a_lower_bucket(void **state)
{
	size_t before = 0;

	(void)state;
	for (dur_us latency = 0; latency < 300 * US_PER_S;
	     latency += 1 + latency / 511) {
		size_t bucket = hist_bucket(latency);
		assert_true(bucket == before || bucket == before + 1);
		before = bucket;
	}
	assert_int_equal(before, HIST_BUCKETS - 1);
}

static void
counts_add_up_and_are_taken_back(void **state)
{
	struct hist a = {0}, b = {0}, sum;

	(void)state;
	for (dur_us i = 1; i <= 100; i++)
		hist_add(&a, i * 10 * US_PER_MS);
	hist_add(&b, 5 * US_PER_S);
	hist_add(&b, 5 * US_PER_S);
	sum = a;
	hist_merge(&sum, &b);
	assert_int_equal(sum.total, 102);
	assert_int_equal(sum.count[hist_bucket(5 * US_PER_S)], 2);
	hist_subtract(&sum, &b);
	assert_memory_equal(&sum, &a, sizeof(sum));
}

static void
no_counts_have_no_percentile(void **state)
{
	static const double none[HIST_BUCKETS];
	struct hist hist = {0};
	double ms;

	(void)state;
	assert_false(hist_quantile_ms(none, 0.5, &ms));
	assert_false(hist_percentile_ms(&hist, 0.95, &ms));
}

static void
the_middle_of_a_bucket_is_geometric(void **state)
{
	double counts[HIST_BUCKETS] = {0};
	double ms;

	(void)state;
	counts[20] = 10;
	assert_true(hist_quantile_ms(counts, 0.5, &ms));
	assert_near(ms, sqrt(hist_lower_ms(20) * hist_upper_ms(20)), 1e-9);
	counts[20] = 0.001; /* a rate, as RRD gives it */
	assert_true(hist_quantile_ms(counts, 0.5, &ms));
	assert_near(ms, sqrt(hist_lower_ms(20) * hist_upper_ms(20)), 1e-9);
	counts[20] = 0;
	counts[0] = 8;
	assert_true(hist_quantile_ms(counts, 0.25, &ms));
	assert_near(ms, 1, 1e-9);
	counts[0] = 0;
	counts[65] = 1;
	assert_true(hist_quantile_ms(counts, 0.5, &ms));
	assert_in_range((uintmax_t)ms, (uintmax_t)hist_lower_ms(65),
	    (uintmax_t)hist_upper_ms(65));
}

static void
percentiles_lie_in_the_right_bucket(void **state)
{
	static const double quantiles[] = {0.01, 0.25, 0.5, 0.9, 0.95, 0.99};
	struct hist hist = {0};

	(void)state;
	for (dur_us i = 1; i <= 10000; i++)
		hist_add(&hist, i * 100);
	for (size_t i = 0; i < ARRAY_LEN(quantiles); i++) {
		double ms;
		assert_true(hist_percentile_ms(&hist, quantiles[i], &ms));
		/* A bucket is 19 % wide, and interpolation does better. */
		assert_near(ms, 1000 * quantiles[i], 0.05);
	}
}

static void
percentiles_never_fall_as_the_quantile_grows(void **state)
{
	double counts[HIST_BUCKETS] = {0};
	double before = 0;

	(void)state;
	for (size_t i = 3; i < HIST_BUCKETS; i += 7)
		counts[i] = (double)(i % 5) + 0.25;
	for (int i = 1; i < 1000; i++) {
		double ms;
		assert_true(hist_quantile_ms(counts, i / 1000.0, &ms));
		assert_true(ms >= before);
		before = ms;
	}
	assert_true(before <= hist_upper_ms(59));
}

static void
a_place_in_a_bucket_leads_back_to_the_latency(void **state)
{
	(void)state;
	for (size_t i = 0; i < HIST_BUCKETS; i++) {
		double low = hist_lower_ms(i), high = hist_upper_ms(i);

		assert_near(hist_place_ms(i, 0), low, 1e-12);
		assert_near(hist_place_ms(i, 1), high, 1e-12);
		assert_true(hist_place(i, low * 0.9 - 1) == 0);
		assert_true(hist_place(i, high * 1.1) == 1);
		for (int k = 1; k < 10; k++) {
			double ms = low + (high - low) * k / 10;
			double place = hist_place(i, ms);

			assert_true(place > 0 && place < 1);
			assert_near(hist_place_ms(i, place), ms, 1e-9);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(buckets_touch_and_double_every_four),
	    cmocka_unit_test(every_bucket_holds_what_is_put_there),
	    cmocka_unit_test(an_exact_bound_belongs_to_the_upper_bucket),
	    cmocka_unit_test(longer_is_never_in_a_lower_bucket),
	    cmocka_unit_test(counts_add_up_and_are_taken_back),
	    cmocka_unit_test(a_place_in_a_bucket_leads_back_to_the_latency),
	    cmocka_unit_test(no_counts_have_no_percentile),
	    cmocka_unit_test(the_middle_of_a_bucket_is_geometric),
	    cmocka_unit_test(percentiles_lie_in_the_right_bucket),
	    cmocka_unit_test(percentiles_never_fall_as_the_quantile_grows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
