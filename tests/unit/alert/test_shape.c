/* What is usual in each hour of the week, and how far the weeks lie from it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "base/attr.h"
#include "daemon/alert/shape.h"

#define HOUR (INT64_C(3600) * US_PER_S)
#define DAY (24 * HOUR)
#define WEEK (7 * DAY)
#define MONDAY 0
#define SUNDAY 144

static struct zone *zone;

static int
set_up(void **state)
{
	(void)state;
	zone = zone_load(NULL);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	zone_free(zone);
	return 0;
}

/* An instant by the clocks of Warsaw; of two the first. */
static wall_us
warsaw(int year, int month, int day, int hour)
{
	struct zone_time local = {
	    .year = year, .month = month, .day = day, .hour = hour};
	wall_us at[2];

	assert_true(zone_instants(zone, &local, at) > 0);
	return at[0];
}

/* ---- hours ---- */

static void
hours_are_those_of_warsaw(void **state)
{
	static const struct {
		int64_t at_s;
		int slot;
	} cases[] = {
	    {1795507200, MONDAY + 24 + 9}, /* 2026-11-24 08:00 UTC */
	    {1790035200, MONDAY + 24 + 2}, /* 2026-09-22 00:00 UTC, summer */
	    {1795388399, SUNDAY + 23}, /* 2026-11-22 22:59:59 UTC */
	    {1795388400, MONDAY}, /* a second later it is Monday */
	    /* spring: after 01:59:59 comes 03:00 */
	    {1774745999, SUNDAY + 1},
	    {1774746000, SUNDAY + 3},
	    /* autumn: 02:00 comes twice */
	    {1792886400, SUNDAY + 2},
	    {1792890000, SUNDAY + 2},
	    {1792893600, SUNDAY + 3},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct shape_hour hour =
		    shape_hour_of(zone, cases[i].at_s * US_PER_S);

		if (hour.slot != cases[i].slot)
			fail_msg(
			    "%lld: %d", (long long)cases[i].at_s, hour.slot);
	}
	assert_int_equal(
	    shape_hour_of(zone, INT64_C(1795388400) * US_PER_S).week,
	    shape_hour_of(zone, INT64_C(1795388399) * US_PER_S).week + 1);
}

/* ---- one hour ---- */

/* Values of that many weeks, the newest last; 0: none. */
static void
each_hour_has_its_median_and_spread(void **state)
{
	static const struct {
		const char *what;
		double weeks[10];
		int n;
		bool known;
		double ms, spread_ms;
	} cases[] = {
	    {"nothing", {0}, 0, false, 0, 0},
	    {"two weeks", {100, 100}, 2, false, 0, 0},
	    {"three", {100, 100, 100}, 3, true, 100, 0},
	    {"gaps do not count", {100, 0, 100, 0, 0, 100}, 6, true, 100, 0},
	    {"two and gaps", {100, 0, 0, 0, 0, 100}, 6, false, 0, 0},
	    /* from the others' medians 30, 25, 20: 20, 5, 20 */
	    {"in no order", {30, 10, 20}, 3, true, 20, 1.4826 * 15},
	    {"an outage's week", {100, 100, 9000, 100, 100}, 5, true, 100, 0},
	    {"the newest is one", {100, 100, 100, 100, 9000}, 5, true, 100, 0},
	    {"even", {100, 110, 120, 130}, 4, true, 115, 1.4826 * 15},
	    {"only eight", {1, 1, 7, 7, 7, 7, 7, 7, 7, 7}, 10, true, 7, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct shape shape = {0};
		struct usual usual;
		struct shape_hour hour = {3000, MONDAY + 8};
		bool known;

		for (int k = 0; k < cases[i].n; k++) {
			hour.week = 3000 - cases[i].n + k;
			shape_put(&shape, hour,
			    cases[i].weeks[k] > 0 ? cases[i].weeks[k] : NAN);
		}
		hour.week = 3000;
		known = shape_usual(&shape, hour, &usual);
		if (known != cases[i].known ||
		    (known &&
			(fabs(usual.ms - cases[i].ms) > 1e-4 ||
			    fabs(usual.spread_ms - cases[i].spread_ms) > 1e-4)))
			fail_msg("%s: %d %g %g", cases[i].what, known, usual.ms,
			    usual.spread_ms);
	}
}

static void
no_hour_is_judged_by_its_own_week_or_a_later_one(void **state)
{
	struct shape shape = {0};
	struct shape_hour hour = {.slot = MONDAY + 8};
	struct usual usual;

	(void)state;
	for (hour.week = 2997; hour.week <= 3002; hour.week++)
		shape_put(&shape, hour, hour.week < 3000 ? 100 : 5000);
	hour.week = 3000;
	assert_true(shape_usual(&shape, hour, &usual));
	assert_int_equal(usual.weeks, 3);
	assert_true(usual.ms == 100 && usual.spread_ms == 0);
	hour.week = 2999;
	assert_false(shape_usual(&shape, hour, &usual));
	/* nor by what is too old, though nothing came after it */
	hour.week = 3002 + 7;
	assert_false(shape_usual(&shape, hour, &usual));
}

static void
neighbours_are_other_hours(void **state)
{
	struct shape shape = {0};
	struct usual usual;

	(void)state;
	for (int week = 2990; week < 3000; week++)
		for (int slot = 0; slot < SHAPE_SLOTS; slot++)
			if (slot != MONDAY + 8)
				shape_put(&shape,
				    (struct shape_hour){week, slot}, 100);
	assert_false(
	    shape_usual(&shape, (struct shape_hour){3000, MONDAY + 8}, &usual));
	assert_true(
	    shape_usual(&shape, (struct shape_hour){3000, MONDAY + 7}, &usual));
}

/* Three values that happen to agree say nothing of what the fourth will be. */
static void
the_spread_is_never_less_than_that_of_the_week(void **state)
{
	struct shape shape = {0};
	struct shape_hour hour = {.slot = MONDAY + 8};
	struct usual usual;

	(void)state;
	for (hour.week = 2997; hour.week < 3000; hour.week++)
		shape_put(&shape, hour, 1000);
	assert_true(shape_usual(&shape, hour, &usual));
	assert_true(usual.spread_ms == 0);
	/* a tenth up or down elsewhere, in small latencies: 10 or 20 of 100 */
	for (int slot = 20; slot < 60; slot++)
		for (int i = 0; i < 3; i++)
			shape_put(&shape, (struct shape_hour){2997 + i, slot},
			    90 + 10 * i);
	assert_true(shape_usual(&shape, hour, &usual));
	assert_true(usual.ms == 1000);
	assert_true(fabs(usual.spread_ms - 1.4826 * 150) < 1e-3);
}

/* ---- the clocks of Warsaw ---- */

/* A school's day goes by the clock on the wall, so in the weeks after a change
 * nothing is compared with the hour beside it. */
static void
a_change_of_clocks_moves_no_hour(void **state)
{
	static const struct {
		int year, month, day;
	} after[] = {{2026, 3, 30}, {2026, 10, 26}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(after); i++) {
		wall_us monday =
		    warsaw(after[i].year, after[i].month, after[i].day, 0);
		struct shape shape = {0};
		struct usual usual;

		for (wall_us at = monday - 8 * WEEK - DAY; at < monday;
		     at += HOUR) {
			struct shape_hour hour = shape_hour_of(zone, at);

			shape_put(
			    &shape, hour, hour.slot % 24 == 8 ? 900 : 100);
		}
		for (wall_us at = monday; at < monday + WEEK; at += HOUR) {
			struct shape_hour hour = shape_hour_of(zone, at);

			assert_true(shape_usual(&shape, hour, &usual));
			assert_true(
			    usual.ms == (hour.slot % 24 == 8 ? 900 : 100));
			/* of the hour that spring leaves out, one less */
			if (hour.slot == SUNDAY + 2)
				assert_int_equal(usual.weeks, i == 0 ? 7 : 8);
		}
	}
}

static void
of_the_hour_that_comes_twice_the_greater_value_stays(void **state)
{
	wall_us at = warsaw(2026, 10, 25, 2);
	struct shape_hour hour = shape_hour_of(zone, at);
	struct shape shape = {0};
	struct usual usual;

	(void)state;
	assert_int_equal(shape_hour_of(zone, at + HOUR).slot, hour.slot);
	for (int i = 2; i > 0; i--)
		shape_put(&shape, shape_hour_of(zone, at - i * WEEK), 100);
	shape_put(&shape, hour, 300);
	shape_put(&shape, shape_hour_of(zone, at + HOUR), NAN);
	hour.week++;
	assert_true(shape_usual(&shape, hour, &usual));
	assert_int_equal(usual.weeks, 3);
	hour.week--;
	shape_put(&shape, shape_hour_of(zone, at + HOUR), 200);
	assert_true(shape.ms[hour.slot][hour.week % SHAPE_WEEKS] == 300);
	shape_put(&shape, shape_hour_of(zone, at + HOUR), 400);
	assert_true(shape.ms[hour.slot][hour.week % SHAPE_WEEKS] == 400);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(hours_are_those_of_warsaw),
	    cmocka_unit_test(each_hour_has_its_median_and_spread),
	    cmocka_unit_test(no_hour_is_judged_by_its_own_week_or_a_later_one),
	    cmocka_unit_test(neighbours_are_other_hours),
	    cmocka_unit_test(the_spread_is_never_less_than_that_of_the_week),
	    cmocka_unit_test(a_change_of_clocks_moves_no_hour),
	    cmocka_unit_test(
		of_the_hour_that_comes_twice_the_greater_value_stays),
	};

	return cmocka_run_group_tests_name("shape", tests, set_up, tear_down);
}
