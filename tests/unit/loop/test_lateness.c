/* The measure of the loop's lateness, with instants made up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "daemon/loop/lateness.h"

#define MS US_PER_MS
#define START (1000 * US_PER_S)

/* A turn that serves one event at its beginning and whose end the next one
 * will judge. */
static void
turn(struct lateness *lateness, mono_us at, dur_us length, bool at_once)
{
	lateness_event(lateness, at, at_once, at, NULL);
	lateness_sleep(lateness, at + length);
}

static struct loop_late
between(const struct lateness *lateness, mono_us from, mono_us to)
{
	struct loop_late late;

	lateness_between(lateness, from, to, to, &late);
	return late;
}

static void
a_turn_is_a_stall_when_an_event_was_ready_at_its_end(void **state)
{
	struct lateness *lateness = mem_new(sizeof(*lateness));
	struct loop_late late;

	(void)state;
	turn(lateness, START, 30 * MS, false);
	turn(lateness, START + 30 * MS, MS / 2, true);
	turn(lateness, START + 100 * MS, 20 * MS, false);
	turn(lateness, START + 150 * MS, MS / 2, false);
	late = between(lateness, START - MS, START + 200 * MS);
	assert_int_equal(late.longest, 30 * MS);
	assert_int_equal(late.sum, 30 * MS);
	late = between(lateness, START + 20 * MS, START + 200 * MS);
	assert_int_equal(late.longest, 30 * MS);
	assert_int_equal(late.sum, 10 * MS);
	late = between(lateness, START + 50 * MS, START + 200 * MS);
	assert_int_equal(late.longest, 0);
	assert_int_equal(late.sum, 0);
	free(lateness);
}

static void
an_event_waits_for_those_of_its_batch_before_it(void **state)
{
	struct lateness *lateness = mem_new(sizeof(*lateness));
	struct loop_late late;

	(void)state;
	lateness_event(lateness, START, false, START, NULL);
	lateness_event(lateness, START + 12 * MS, false, START + 12 * MS, NULL);
	lateness_event(lateness, START + 24 * MS, false, START + 24 * MS, NULL);
	assert_int_equal(lateness->waited, 24 * MS);
	lateness_sleep(lateness, START + 36 * MS);
	lateness_wake(lateness, START + 90 * MS, START + 90 * MS);
	late = between(lateness, START, START + 90 * MS);
	assert_int_equal(late.longest, 24 * MS);
	assert_int_equal(late.sum, 24 * MS);
	free(lateness);
}

static void
what_is_found_after_we_were_away_has_waited_since(void **state)
{
	struct lateness *lateness = mem_new(sizeof(*lateness));

	(void)state;
	turn(lateness, START, MS / 2, false);
	/* The poll ended with nothing, 200 ms after it was to end. */
	lateness_wake(lateness, START + 220 * MS, START + 20 * MS);
	lateness_sleep(lateness, START + 221 * MS);
	lateness_event(
	    lateness, START + 222 * MS, true, START + 240 * MS, NULL);
	assert_int_equal(lateness->waited, 202 * MS);
	lateness_sleep(lateness, START + 223 * MS);
	/* What comes after a sleep has not. */
	lateness_event(
	    lateness, START + 230 * MS, false, START + 240 * MS, NULL);
	assert_int_equal(lateness->waited, 0);
	lateness_sleep(lateness, START + 231 * MS);
	/* Nor after a turn that began in time. */
	lateness_wake(lateness, START + 240 * MS, START + 240 * MS);
	lateness_sleep(lateness, START + 241 * MS);
	lateness_event(
	    lateness, START + 242 * MS, true, START + 260 * MS, NULL);
	assert_int_equal(lateness->waited, 2 * MS);
	free(lateness);
}

static void
many_small_stalls_add_up_and_ordinary_turns_do_not(void **state)
{
	struct lateness *lateness = mem_new(sizeof(*lateness));
	struct loop_late late;
	mono_us at = START;

	(void)state;
	for (int i = 0; i < 20; i++, at += 5 * MS)
		turn(lateness, at, 4 * MS, true);
	turn(lateness, at, MS / 2, true);
	late = between(lateness, START, at);
	assert_int_equal(late.longest, 4 * MS);
	assert_int_equal(late.sum, 80 * MS);
	for (int i = 0; i < 100; i++)
		turn(lateness, at + i * MS, MS - 1, true);
	late = between(lateness, at, at + 100 * MS);
	assert_int_equal(late.sum, 0);
	free(lateness);
}

static void
a_turn_not_judged_yet_counts_up_to_the_end_of_the_span(void **state)
{
	struct lateness *lateness = mem_new(sizeof(*lateness));
	struct loop_late late;

	(void)state;
	lateness_event(lateness, START, false, START, NULL);
	late = between(lateness, START - MS, START + 13 * MS);
	assert_int_equal(late.longest, 13 * MS);
	assert_int_equal(late.sum, 13 * MS);
	lateness_between(lateness, START - MS, START, START + 13 * MS, &late);
	assert_int_equal(late.longest, 0);
	lateness_sleep(lateness, START + 20 * MS);
	assert_int_equal(
	    between(lateness, START, START + 50 * MS).longest, 20 * MS);
	free(lateness);
}

static void
what_an_event_waited_is_known_when_it_is_served(void **state)
{
	struct lateness *lateness = mem_new(sizeof(*lateness));

	(void)state;
	turn(lateness, START, 30 * MS, false);
	assert_int_equal(lateness->waited, 0);
	lateness_event(lateness, START + 31 * MS, true, START + 50 * MS, NULL);
	assert_int_equal(lateness->waited, 31 * MS);
	lateness_event(lateness, START + 35 * MS, true, START + 50 * MS, NULL);
	assert_int_equal(lateness->waited, 35 * MS);
	lateness_sleep(lateness, START + 40 * MS);
	lateness_event(lateness, START + 45 * MS, false, START + 50 * MS, NULL);
	assert_int_equal(lateness->waited, 0);
	lateness_timer(lateness, START + 40 * MS, START + 47 * MS);
	assert_int_equal(lateness->waited, 7 * MS);
	lateness_sleep(lateness, START + 48 * MS);
	/* Nobody woke us, though a timer was due: we were not let run. */
	lateness_event(
	    lateness, START + 300 * MS, false, START + 70 * MS, NULL);
	assert_int_equal(lateness->waited, 230 * MS);
	assert_int_equal(
	    between(lateness, START + 100 * MS, START + 300 * MS).sum,
	    200 * MS);
	free(lateness);
}

static void
a_late_timer_shows_a_stopped_process(void **state)
{
	struct lateness *lateness = mem_new(sizeof(*lateness));
	struct loop_lateness sum;
	struct loop_late late;

	(void)state;
	lateness_timer(lateness, START, START - MS);
	assert_int_equal(between(lateness, START - US_PER_S, START).longest, 0);
	lateness_wake(lateness, START + 3 * US_PER_S, START + 3 * US_PER_S);
	lateness_timer(lateness, START, START + 3 * US_PER_S);
	lateness_timer(lateness, START + US_PER_S, START + 3 * US_PER_S);
	lateness_sleep(lateness, START + 3 * US_PER_S);
	late = between(lateness, START + US_PER_S, START + 4 * US_PER_S);
	assert_int_equal(late.longest, 3 * US_PER_S);
	/* Two that waited at the same time did not wait twice as long. */
	assert_int_equal(late.sum, 2 * US_PER_S);
	lateness_summary(lateness, START + 4 * US_PER_S, &sum);
	assert_int_equal(sum.max, 3 * US_PER_S);
	free(lateness);
}

static void
a_busy_loop_remembers_minutes_all_the_same(void **state)
{
	struct lateness *lateness = mem_new(sizeof(*lateness));
	mono_us end = START + 290 * US_PER_S;
	mono_us at = START;

	(void)state;
	turn(lateness, at, 50 * MS, false);
	for (at += 50 * MS; at < end; at += 2 * MS)
		turn(lateness, at, 2 * MS, true);
	assert_int_equal(between(lateness, START, end).longest, 50 * MS);
	assert_int_equal(
	    between(lateness, START + US_PER_S, end).longest, 2 * MS);
	lateness_timer(
	    lateness, START + 400 * US_PER_S - 2 * MS, START + 400 * US_PER_S);
	assert_int_equal(
	    between(lateness, START, START + 400 * US_PER_S).longest, 2 * MS);
	assert_in_range(between(lateness, START, START + 300 * US_PER_S).sum,
	    189 * US_PER_S, 190 * US_PER_S);
	free(lateness);
}

static void
a_minute_is_summed_second_by_second(void **state)
{
	struct lateness *lateness = mem_new(sizeof(*lateness));
	struct loop_lateness sum;

	(void)state;
	lateness_summary(lateness, START, &sum);
	assert_int_equal(sum.max, 0);
	for (int i = 0; i < 30 * 10; i++)
		turn(lateness, START + i * 100 * MS, 10 * MS, true);
	lateness_summary(lateness, START + 30 * US_PER_S, &sum);
	assert_int_equal(sum.max, 10 * MS);
	assert_int_equal(sum.p99, 10 * MS);
	assert_true(sum.busy_ratio > 0.09 && sum.busy_ratio < 0.11);
	lateness_summary(lateness, START + 120 * US_PER_S, &sum);
	assert_int_equal(sum.max, 0);
	free(lateness);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		a_turn_is_a_stall_when_an_event_was_ready_at_its_end),
	    cmocka_unit_test(an_event_waits_for_those_of_its_batch_before_it),
	    cmocka_unit_test(what_is_found_after_we_were_away_has_waited_since),
	    cmocka_unit_test(
		many_small_stalls_add_up_and_ordinary_turns_do_not),
	    cmocka_unit_test(
		a_turn_not_judged_yet_counts_up_to_the_end_of_the_span),
	    cmocka_unit_test(what_an_event_waited_is_known_when_it_is_served),
	    cmocka_unit_test(a_late_timer_shows_a_stopped_process),
	    cmocka_unit_test(a_busy_loop_remembers_minutes_all_the_same),
	    cmocka_unit_test(a_minute_is_summed_second_by_second),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
