#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rig.h"

/* A wall clock that jumps poisons no file and loses no result. */

#define HOUR INT64_C(3600)
#define DAY (24 * HOUR)
#define YEAR (365 * DAY)

static int
set_up(void **state)
{
	struct rig *rig = mem_new(sizeof(*rig));

	rig_init(rig);
	*state = rig;
	return 0;
}

static int
tear_down(void **state)
{
	rig_fini(*state);
	free(*state);
	return 0;
}

/* The ok results from two years before now to a week after. */
static double
total_ok(struct rig *rig, const char *target)
{
	int64_t now_s = rig->clock.wall / US_PER_S;
	struct series_range *range;
	double ok;

	assert_int_equal(rig_ask(rig, target, now_s - 2 * YEAR, now_s + 7 * DAY,
			     DAY, &range),
	    0);
	ok = rig_sum(range->ok, range->n);
	series_range_free(range);
	return ok;
}

/* Minutes with a result each, and a tick every ten seconds. */
static void
minutes(struct rig *rig, int n)
{
	int i;

	while (n-- > 0) {
		rig_add(rig, REASON_OK, 50000);
		for (i = 0; i < 6; i++)
			rig_pass(rig, 10);
	}
}

static void
jump(struct rig *rig, int64_t seconds)
{
	rig->clock.wall += seconds * US_PER_S;
}

static void
a_clock_that_jumps_ahead_for_one_tick_poisons_nothing(void **state)
{
	struct rig *rig = *state;
	struct series_stats stats;
	int i;

	for (i = 0; i < 3; i++) {
		rig_add(rig, REASON_OK, 50000);
		rig_pass(rig, 60);
	}
	/* a year ahead, results meanwhile, one tick, and back again */
	rig->clock.wall += INT64_C(365) * 86400 * US_PER_S;
	rig_add(rig, REASON_OK, 50000);
	clock_manual_advance(&rig->clock, US_PER_S);
	rig_tick(rig);
	rig->clock.wall -= INT64_C(365) * 86400 * US_PER_S;
	for (i = 0; i < 3; i++) {
		rig_pass(rig, 59);
		rig_add(rig, REASON_OK, 50000);
		clock_manual_advance(&rig->clock, US_PER_S);
	}
	rig_pass(rig, 120);
	rig_stats(rig, &stats);
	assert_int_equal(stats.dropped, 0);
	assert_float_equal(total_ok(rig, "wizja/sp1/login"), 7, 1e-6);
}

static void
a_stop_right_after_a_jump_poisons_nothing(void **state)
{
	struct rig *rig = *state;

	rig_add(rig, REASON_OK, 50000);
	rig_pass(rig, 120);
	rig->clock.wall += INT64_C(365) * 86400 * US_PER_S;
	rig_add(rig, REASON_OK, 50000);
	rig_stop(rig);
	rig->clock.wall -= INT64_C(365) * 86400 * US_PER_S;
	rig_start(rig);
	rig_add(rig, REASON_OK, 50000);
	rig_pass(rig, 120);
	assert_float_equal(total_ok(rig, "wizja/sp1/login"), 2, 1e-6);
}

static void
an_unset_clock_writes_nothing(void **state)
{
	struct rig *rig = *state;
	struct series_stats stats;

	rig->clock.wall = 5 * US_PER_S;
	rig_add(rig, REASON_OK, 50000);
	rig_pass(rig, 120);
	rig_pass(rig, 120);
	rig_stats(rig, &stats);
	assert_int_equal(stats.updates, 0);
	assert_int_equal(stats.dropped, 2);
}

static void
a_jump_ahead_is_written_when_it_has_stayed_for_ten_minutes(void **state)
{
	struct rig *rig = *state;
	struct series_stats stats;
	uint64_t updates;

	minutes(rig, 3);
	rig_stats(rig, &stats);
	updates = stats.updates;
	/* a machine that slept, too */
	jump(rig, 8 * HOUR);
	minutes(rig, 9);
	rig_stats(rig, &stats);
	assert_int_equal(stats.updates, updates);
	assert_in_range(stats.clock_s, 8 * HOUR - 1, 8 * HOUR + 1);
	assert_non_null(strstr(stats.problem, "ten minutes"));
	minutes(rig, 3);
	rig_pass(rig, 20);
	rig_stats(rig, &stats);
	assert_int_equal(stats.clock_s, 0);
	assert_string_equal(stats.problem, "");
	assert_float_equal(total_ok(rig, "wizja/sp1/login"), 15, 1e-6);
	assert_float_equal(total_ok(rig, "wizja"), 15, 1e-6);
}

static void
an_hour_ahead_and_back_again_waits_until_time_has_caught_up(void **state)
{
	struct rig *rig = *state;
	struct series_stats stats;

	minutes(rig, 3);
	jump(rig, HOUR);
	minutes(rig, 20);
	jump(rig, -HOUR);
	minutes(rig, 5);
	rig_stats(rig, &stats);
	assert_true(stats.shifted > 0);
	assert_non_null(strstr(stats.problem, "went back"));
	assert_int_equal(stats.dropped, 0);
	minutes(rig, 60);
	rig_pass(rig, 20);
	rig_stats(rig, &stats);
	assert_string_equal(stats.problem, "");
	assert_int_equal(stats.quarantined, 0);
	assert_float_equal(total_ok(rig, "wizja/sp1/login"), 88, 1e-6);
	assert_float_equal(total_ok(rig, "wizja"), 88, 1e-6);
}

static void
a_year_ahead_and_back_again_begins_files_anew(void **state)
{
	struct rig *rig = *state;
	struct series_stats stats;

	minutes(rig, 3);
	jump(rig, YEAR);
	minutes(rig, 30);
	jump(rig, -YEAR);
	minutes(rig, 9);
	rig_stats(rig, &stats);
	assert_true(stats.clock_s < -YEAR + HOUR);
	assert_non_null(strstr(stats.problem, "future"));
	assert_int_equal(stats.quarantined, 0);
	minutes(rig, 6);
	rig_pass(rig, 20);
	rig_stats(rig, &stats);
	assert_string_equal(stats.problem, "");
	assert_int_equal(stats.clock_s, 0);
	assert_int_equal(stats.dropped, 0);
	assert_int_equal(stats.quarantined, 4);
	assert_int_equal(
	    rig_count_files(rig, "wizja/sp1", "login.rrd.ahead-2026"), 1);
	assert_int_equal(
	    rig_count_files(rig, "wizja/_all", "login.hist.rrd.ahead-2026"), 1);
	/* all since the clock went back, and what was not yet written then */
	assert_float_equal(total_ok(rig, "wizja/sp1/login"), 16, 1e-6);
	assert_float_equal(total_ok(rig, "wizja"), 16, 1e-6);
}

static void
a_clock_that_stood_back_at_start_costs_nothing(void **state)
{
	struct rig *rig = *state;
	struct series_stats stats;

	minutes(rig, 3);
	rig_stop(rig);
	/* the machine starts with an old time until the network is there */
	jump(rig, -3 * YEAR);
	rig_start(rig);
	minutes(rig, 4);
	jump(rig, 3 * YEAR);
	minutes(rig, 12);
	rig_pass(rig, 20);
	rig_stats(rig, &stats);
	assert_string_equal(stats.problem, "");
	assert_int_equal(stats.quarantined, 0);
	assert_float_equal(total_ok(rig, "wizja/sp1/login"), 19, 1e-6);
}

static void
ten_minutes_back_each_minute_loses_no_result(void **state)
{
	struct rig *rig = *state;
	struct series_stats stats;
	double ok;
	int i;

	minutes(rig, 60);
	for (i = 0; i < 30; i++) {
		jump(rig, -600);
		minutes(rig, 1);
	}
	/* what is given up holds no result of after the jumps */
	minutes(rig, 80);
	rig_pass(rig, 20);
	rig_stats(rig, &stats);
	assert_int_equal(stats.dropped, 0);
	assert_string_equal(stats.problem, "");
	ok = total_ok(rig, "wizja/sp1/login");
	assert_true(ok >= 80);
	assert_true(ok <= 170);
}

static void
small_corrections_are_not_noticed(void **state)
{
	struct rig *rig = *state;
	struct series_stats stats;
	int i;

	for (i = 0; i < 10; i++) {
		minutes(rig, 3);
		jump(rig, i % 2 == 0 ? 20 : -20);
	}
	rig_pass(rig, 80);
	rig_stats(rig, &stats);
	assert_string_equal(stats.problem, "");
	assert_int_equal(stats.shifted, 0);
	assert_float_equal(total_ok(rig, "wizja/sp1/login"), 30, 1e-6);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    T(a_clock_that_jumps_ahead_for_one_tick_poisons_nothing),
	    T(a_stop_right_after_a_jump_poisons_nothing),
	    T(an_unset_clock_writes_nothing),
	    T(a_jump_ahead_is_written_when_it_has_stayed_for_ten_minutes),
	    T(an_hour_ahead_and_back_again_waits_until_time_has_caught_up),
	    T(a_year_ahead_and_back_again_begins_files_anew),
	    T(a_clock_that_stood_back_at_start_costs_nothing),
	    T(ten_minutes_back_each_minute_loses_no_result),
	    T(small_corrections_are_not_noticed),
	};
#undef T
	return cmocka_run_group_tests(tests, NULL, NULL);
}
