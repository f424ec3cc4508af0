/*
 * What the engine makes of a wall clock that is set and of a machine that
 * sleeps: whose fault a result is, and which time lasts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/attr.h"
#include "daemon/main/engine.h"

#define S US_PER_S
#define HOUR (INT64_C(3600) * S)
#define DAY (24 * HOUR)
#define WALL0 (INT64_C(1795507200) * S)

static struct clock_manual clock_is;
static struct engine engine;

/* What would be booked in a ledger. */
static dur_us slept;

void
engine_blind_slept(struct engine *of, dur_us length)
{
	assert_ptr_equal(of, &engine);
	slept += length;
}

static void
nobody_told(void *arg, enum notify_event event, const struct incident *incident,
    const struct incident_entry *entry)
{
	(void)arg;
	(void)event;
	(void)incident;
	(void)entry;
	fail_msg("an incident was told");
}

static int
begin(void **state)
{
	(void)state;
	clock_manual_init(&clock_is, 1000 * S, WALL0);
	slept = 0;
	engine = (struct engine){.clock = &clock_is.clock};
	engine.alert = alert_new(nobody_told, NULL, 0);
	clock_watch_init(&engine.watch, engine.clock);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	alert_free(engine.alert);
	return 0;
}

static void
tick(dur_us after)
{
	clock_manual_advance(&clock_is, after);
	engine_clock_look(&engine);
}

static void
set(dur_us by)
{
	clock_is.wall += by;
	tick(S);
}

/* What a result that began so long ago, of a run that did, is called. */
static enum reason
judged(enum reason reason, dur_us run, dur_us began)
{
	struct result result = {
	    .reason = reason,
	    .run_started = clock_is.now - run,
	    .started = clock_is.now - began,
	};

	return engine_clock_judge(&engine, &result);
}

static void
what_was_under_way_when_the_clock_was_set_is_no_failure(void **state)
{
	(void)state;
	assert_int_equal(
	    judged(REASON_HTTP_5XX, 10 * S, 5 * S), REASON_HTTP_5XX);
	set(HOUR);
	tick(3 * S);
	/* begun before, by the run or by itself */
	assert_int_equal(
	    judged(REASON_HTTP_5XX, 10 * S, 2 * S), REASON_CLOCK_JUMP);
	assert_int_equal(
	    judged(REASON_UNKNOWN_PAGE, 10 * S, 5 * S), REASON_CLOCK_JUMP);
	/* measured by the other clock */
	assert_int_equal(judged(REASON_OK, 10 * S, 5 * S), REASON_OK);
	/* what it is, whatever the clock */
	assert_int_equal(judged(REASON_BAD_CREDENTIALS, 10 * S, 5 * S),
	    REASON_BAD_CREDENTIALS);
	assert_int_equal(judged(REASON_TAINTED, 10 * S, 5 * S), REASON_TAINTED);
	assert_int_equal(judged(REASON_PREREQUISITE_FAILED, 10 * S, 5 * S),
	    REASON_PREREQUISITE_FAILED);
	/* begun after */
	assert_int_equal(judged(REASON_HTTP_5XX, 2 * S, S), REASON_HTTP_5XX);
}

static void
nothing_that_was_under_way_over_a_sleep_is_a_measure(void **state)
{
	(void)state;
	clock_manual_sleep(&clock_is, 8 * HOUR);
	tick(S);
	tick(3 * S);
	assert_int_equal(engine.sleeps, 1);
	assert_int_equal(slept, 8 * HOUR);
	assert_int_equal(engine.clock_sets, 0);
	assert_int_equal(judged(REASON_OK, 10 * S, 5 * S), REASON_CLOCK_JUMP);
	assert_int_equal(
	    judged(REASON_NO_ANSWER, 10 * S, 5 * S), REASON_CLOCK_JUMP);
	assert_int_equal(judged(REASON_OK, 2 * S, S), REASON_OK);
}

static void
a_certificate_is_not_old_because_our_clock_may_be_wrong(void **state)
{
	(void)state;
	assert_int_equal(judged(REASON_TLS_EXPIRED, S, S), REASON_TLS_EXPIRED);
	set(365 * DAY);
	tick(HOUR);
	assert_int_equal(judged(REASON_TLS_EXPIRED, S, S), REASON_CLOCK_JUMP);
	assert_int_equal(judged(REASON_TLS_NAME, S, S), REASON_TLS_NAME);
	set(-365 * DAY);
	tick(HOUR);
	assert_int_equal(judged(REASON_TLS_EXPIRED, S, S), REASON_TLS_EXPIRED);
	/* after a day it is what the clock says */
	set(365 * DAY);
	tick(DAY);
	assert_int_equal(judged(REASON_TLS_EXPIRED, S, S), REASON_TLS_EXPIRED);
}

static void
the_steady_time_goes_on_over_every_jump(void **state)
{
	static const dur_us jumps[] = {HOUR, -HOUR, 365 * DAY, -365 * DAY};
	dur_us passed = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(jumps); i++) {
		set(jumps[i]);
		passed += S;
		assert_int_equal(engine_steady(&engine), WALL0 + passed);
	}
	/* ten minutes back in each one, for half an hour */
	for (int i = 0; i < 30; i++) {
		set(-10 * 60 * S);
		tick(59 * S);
		passed += 60 * S;
	}
	assert_int_equal(engine_steady(&engine), WALL0 + passed);
	assert_int_equal(engine.clock_sets, 34);
	assert_int_equal(engine.clock_set, -300 * 60 * S);
	/* a sleep is time, too */
	clock_manual_sleep(&clock_is, HOUR);
	tick(S);
	assert_int_equal(engine_steady(&engine), WALL0 + passed + HOUR + S);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
	    T(what_was_under_way_when_the_clock_was_set_is_no_failure),
	    T(nothing_that_was_under_way_over_a_sleep_is_a_measure),
	    T(a_certificate_is_not_old_because_our_clock_may_be_wrong),
	    T(the_steady_time_goes_on_over_every_jump),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
