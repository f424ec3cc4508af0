/*
 * The journeys of all operators are interleaved: how starts are spread over
 * the interval, for the demo and for the whole country. Phases are hashes, so
 * that what holds once holds always.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "base/mem.h"
#include "sched/sched.h"

#define MINUTE (60 * US_PER_S)
#define SLICES 60

static const struct {
	const char *operator;
	const char *prefix, *suffix; /* of its deployments' names */
	size_t n;
} country[] = {
    {"librus", "szkola-", "", 6000},
    {"vulcan", "powiat", "", 4000},
    {"wizja", "sp", "", 9000},
    {"helion", "h-", "", 2000},
    {"eszkola24", "", "-lo", 3000},
};
#define OPERATORS ARRAY_LEN(country)
#define DEPLOYMENTS 24000

struct start {
	dur_us phase;
	size_t op;
};

static int
earlier(const void *a, const void *b)
{
	const struct start *x = a, *y = b;

	return (x->phase > y->phase) - (x->phase < y->phase);
}

/* All starts of an interval, in order. */
static struct start *
starts_of_country(dur_us every)
{
	struct start *starts = mem_array(DEPLOYMENTS, sizeof(*starts));
	size_t n = 0;

	for (size_t o = 0; o < OPERATORS; o++) {
		for (size_t i = 0; i < country[o].n; i++) {
			char name[MODEL_NAME_SIZE];

			snprintf(name, sizeof(name), "%s%zu%s",
			    country[o].prefix, i + 1, country[o].suffix);
			starts[n].op = o;
			starts[n++].phase =
			    sched_phase(country[o].operator, name, every);
		}
	}
	assert_int_equal(n, DEPLOYMENTS);
	qsort(starts, n, sizeof(*starts), earlier);
	return starts;
}

/* Pearson's statistic of counts that should be equal; for a fair hash it has a
 * mean of one less than their number and twice that as variance. */
static double
chi_square(const size_t counts[SLICES], size_t total)
{
	double want = (double)total / SLICES;
	double sum = 0;

	for (size_t i = 0; i < SLICES; i++) {
		double off = (double)counts[i] - want;

		sum += off * off / want;
	}
	return sum;
}

static void
each_operator_fills_the_interval_evenly(void **state)
{
	static const dur_us intervals[] = {
	    10 * US_PER_S, MINUTE, 5 * MINUTE, 15 * MINUTE};

	(void)state;
	for (size_t e = 0; e < ARRAY_LEN(intervals); e++) {
		struct start *starts = starts_of_country(intervals[e]);
		size_t counts[OPERATORS][SLICES] = {{0}};

		for (size_t i = 0; i < DEPLOYMENTS; i++)
			counts[starts[i].op][(
			    size_t)(starts[i].phase * SLICES / intervals[e])]++;
		for (size_t o = 0; o < OPERATORS; o++) {
			double chi = chi_square(counts[o], country[o].n);

			/* 59, give or take four times 10.9 */
			if (chi < 16 || chi > 103)
				fail_msg("%s every %d s: %.1f",
				    country[o].operator, (int)(
					intervals[e] / US_PER_S),
				    chi);
		}
		free(starts);
	}
}

/* Of n starts thrown at random, the largest pause is about ln n mean ones; with
 * e to the minus seventh it is longer than ln n + 7 of them. */
static void
no_operator_is_bunched(void **state)
{
	struct start *starts = starts_of_country(MINUTE);

	(void)state;
	for (size_t o = 0; o < OPERATORS; o++) {
		dur_us mean = MINUTE / (dur_us)country[o].n;
		dur_us last = -1, first = 0, longest = 0;

		for (size_t i = 0; i < DEPLOYMENTS; i++) {
			if (starts[i].op != o)
				continue;
			if (last < 0)
				first = starts[i].phase;
			else if (starts[i].phase - last > longest)
				longest = starts[i].phase - last;
			last = starts[i].phase;
		}
		if (first + MINUTE - last > longest)
			longest = first + MINUTE - last;
		if (longest > 16 * mean)
			fail_msg("%s: a pause of %d ms, %d on average",
			    country[o].operator, (int)(longest / US_PER_MS),
			    (int)(mean / US_PER_MS));
	}
	free(starts);
}

/* In each half second of the minute everybody is measured, so that a
 * comparison is made over the same time. */
static void
all_operators_appear_in_each_slice(void **state)
{
	struct start *starts = starts_of_country(MINUTE);
	size_t seen[2 * SLICES][OPERATORS] = {{0}};

	(void)state;
	for (size_t i = 0; i < DEPLOYMENTS; i++)
		seen[starts[i].phase * 2 * SLICES / MINUTE][starts[i].op]++;
	for (size_t i = 0; i < 2 * SLICES; i++) {
		for (size_t o = 0; o < OPERATORS; o++)
			assert_true(seen[i][o] > 0);
	}
	free(starts);
}

/* After a start of one operator comes one of another as often as their shares
 * make it likely: 1 less the sum of the squares of the shares. */
static void
starts_of_operators_are_interleaved(void **state)
{
	struct start *starts = starts_of_country(MINUTE);
	size_t changes = 0, row = 1, longest = 1;
	double likely = 1;

	(void)state;
	for (size_t o = 0; o < OPERATORS; o++) {
		double share = (double)country[o].n / DEPLOYMENTS;

		likely -= share * share;
	}
	for (size_t i = 1; i < DEPLOYMENTS; i++) {
		bool other = starts[i].op != starts[i - 1].op;

		changes += other;
		row = other ? 1 : row + 1;
		if (row > longest)
			longest = row;
	}
	assert_true((double)changes > 0.97 * likely * DEPLOYMENTS);
	assert_true((double)changes < 1.03 * likely * DEPLOYMENTS);
	/* the largest has 3/8: one country in 150 has a row of 15 */
	assert_true(longest < 15);
	free(starts);
}

/* The journeys of the demo: few, so that only a rough order can be wanted. */
static void
the_demo_is_not_bunched_either(void **state)
{
	static const char *const names[][2] = {
	    {"librus", "synergia"},
	    {"vulcan", "gdansk"},
	    {"vulcan", "lublin"},
	    {"vulcan", "kielce"},
	    {"helion", "dziennik"},
	    {"wizja", "sp1"},
	    {"wizja", "lo2"},
	    {"eszkola24", "sp7"},
	};
	static const dur_us every = 4 * US_PER_S;
	struct start starts[ARRAY_LEN(names)];
	dur_us longest = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		starts[i] = (struct start){
		    .phase = sched_phase(names[i][0], names[i][1], every)};
	qsort(starts, ARRAY_LEN(starts), sizeof(*starts), earlier);
	for (size_t i = 0; i < ARRAY_LEN(starts); i++) {
		dur_us next = i + 1 < ARRAY_LEN(starts)
		    ? starts[i + 1].phase
		    : starts[0].phase + every;

		if (next - starts[i].phase > longest)
			longest = next - starts[i].phase;
	}
	assert_true(longest < every / 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_operator_fills_the_interval_evenly),
	    cmocka_unit_test(no_operator_is_bunched),
	    cmocka_unit_test(all_operators_appear_in_each_slice),
	    cmocka_unit_test(starts_of_operators_are_interleaved),
	    cmocka_unit_test(the_demo_is_not_bunched_either),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
