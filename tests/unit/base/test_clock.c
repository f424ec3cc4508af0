/*
 * The clocks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"

static void
a_manual_clock_stands_still_until_it_is_moved(void **state)
{
	struct clock_manual manual;

	(void)state;
	clock_manual_init(&manual, 5, 1700000000 * US_PER_S);
	assert_int_equal(clock_mono(&manual.clock), 5);
	assert_int_equal(clock_mono(&manual.clock), 5);
	clock_manual_advance(&manual, 250 * US_PER_MS);
	assert_int_equal(clock_mono(&manual.clock), 250005);
	assert_int_equal(
	    clock_wall(&manual.clock), 1700000000 * US_PER_S + 250000);
}

static void
the_times_of_a_manual_clock_can_be_set_apart(void **state)
{
	struct clock_manual manual;

	(void)state;
	clock_manual_init(&manual, 0, 0);
	manual.wall = -7;
	clock_manual_advance(&manual, 0);
	assert_int_equal(clock_mono(&manual.clock), 0);
	assert_int_equal(clock_wall(&manual.clock), -7);
}

static void
the_system_clock_never_goes_back(void **state)
{
	const struct clock *clock = clock_system();
	mono_us before = clock_mono(clock);

	(void)state;
	for (int i = 0; i < 1000; i++) {
		mono_us now = clock_mono(clock);
		assert_true(now >= before);
		before = now;
	}
	/* 2020 to 2200: seconds or milliseconds would be far outside. */
	assert_true(clock_wall(clock) > 1577836800 * US_PER_S);
	assert_true(clock_wall(clock) < INT64_C(7258118400) * US_PER_S);
}

static void
lengths_become_milliseconds_with_a_fraction(void **state)
{
	(void)state;
	assert_true(clock_to_ms(1500) == 1.5);
	assert_true(clock_to_ms(0) == 0);
	assert_true(clock_to_ms(-250) == -0.25);
}

static void
a_watch_tells_a_clock_that_was_set_from_a_machine_that_slept(void **state)
{
	struct clock_manual manual;
	struct clock_watch watch;
	struct clock_step step;

	(void)state;
	clock_manual_init(&manual, 5, 1700000000 * US_PER_S);
	clock_watch_init(&watch, &manual.clock);
	clock_manual_advance(&manual, 3600 * US_PER_S);
	step = clock_watch_look(&watch, &manual.clock);
	assert_int_equal(step.set, 0);
	assert_int_equal(step.slept, 0);

	manual.wall += 3600 * US_PER_S;
	clock_manual_advance(&manual, US_PER_S);
	step = clock_watch_look(&watch, &manual.clock);
	assert_int_equal(step.set, 3600 * US_PER_S);
	assert_int_equal(step.slept, 0);

	manual.wall -= 600 * US_PER_S;
	clock_manual_sleep(&manual, 7 * US_PER_S);
	step = clock_watch_look(&watch, &manual.clock);
	assert_int_equal(step.set, -600 * US_PER_S);
	assert_int_equal(step.slept, 7 * US_PER_S);
	assert_int_equal(clock_mono(&manual.clock), 5 + 3601 * US_PER_S);
	assert_int_equal(clock_boot(&manual.clock), 5 + 3608 * US_PER_S);

	/* as a clock is kept right */
	manual.wall += 400 * US_PER_MS;
	step = clock_watch_look(&watch, &manual.clock);
	assert_int_equal(step.set, 0);
}

/* A clock whose second reading comes an hour after the first. */
static mono_us
torn_mono(const struct clock *clock)
{
	struct clock_manual *manual = (struct clock_manual *)(uintptr_t)clock;

	clock_manual_advance(manual, 3600 * US_PER_S);
	return manual->now;
}

static void
a_look_that_was_interrupted_says_nothing(void **state)
{
	struct clock_manual manual;
	struct clock_watch watch;
	struct clock_step step;
	mono_us (*whole)(const struct clock *clock);

	(void)state;
	clock_manual_init(&manual, 5, 1700000000 * US_PER_S);
	clock_watch_init(&watch, &manual.clock);
	whole = manual.clock.mono;
	manual.clock.mono = torn_mono;
	step = clock_watch_look(&watch, &manual.clock);
	assert_int_equal(step.set, 0);
	assert_int_equal(step.slept, 0);
	manual.clock.mono = whole;
	step = clock_watch_look(&watch, &manual.clock);
	assert_int_equal(step.set, 0);
	assert_int_equal(step.slept, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_manual_clock_stands_still_until_it_is_moved),
	    cmocka_unit_test(the_times_of_a_manual_clock_can_be_set_apart),
	    cmocka_unit_test(the_system_clock_never_goes_back),
	    cmocka_unit_test(lengths_become_milliseconds_with_a_fraction),
	    cmocka_unit_test(
		a_watch_tells_a_clock_that_was_set_from_a_machine_that_slept),
	    cmocka_unit_test(a_look_that_was_interrupted_says_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
