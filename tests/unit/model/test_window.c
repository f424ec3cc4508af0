/* When maintenance and silences hold, on the nights of the clock change too. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "model/window.h"

#define HOUR (INT64_C(3600) * US_PER_S)
#define MINUTE (60 * US_PER_S)
#define SUNDAY 1U
#define EVERY_DAY 127U

static wall_us
utc(int year, int month, int day, int hour, int minute)
{
	struct zone_time t = {.year = year,
	    .month = month,
	    .day = day,
	    .hour = hour,
	    .minute = minute};

	return zone_civil_us(&t);
}

static struct window
weekly(unsigned days, unsigned at_minute, unsigned minutes)
{
	return (struct window){.op = "librus",
	    .from = utc(2026, 1, 1, 0, 0),
	    .days = (uint8_t)days,
	    .at_minute = (uint16_t)at_minute,
	    .minutes = (uint16_t)minutes};
}

static void
one_that_is_once_holds_from_its_first_moment_until_before_its_last(void **state)
{
	struct zone *zone = zone_load(NULL);
	struct window window = {.op = "librus", .from = 100, .until = 200};
	struct window_span span;

	(void)state;
	assert_false(window_covers(&window, zone, 99));
	assert_true(window_covers(&window, zone, 100));
	assert_true(window_covers(&window, zone, 199));
	assert_false(window_covers(&window, zone, 200));
	assert_false(window_is_over(&window, zone, 199));
	assert_true(window_is_over(&window, zone, 200));
	assert_true(window_next(&window, zone, 0, &span));
	assert_int_equal(span.from, 100);
	/* cut short */
	window.ended = 150;
	assert_true(window_covers(&window, zone, 149));
	assert_false(window_covers(&window, zone, 150));
	/* taken back before it began */
	window.ended = 50;
	assert_false(window_next(&window, zone, 0, &span));
	zone_free(zone);
}

static void
what_was_announced_too_late_alters_nothing(void **state)
{
	struct zone *zone = zone_load(NULL);
	struct window once = {.from = 100, .until = 200, .agreed_from = 101};
	struct window again = weekly(EVERY_DAY, 120, 60);
	wall_us first = utc(2026, 1, 10, 1, 0); /* 02:00 in Warsaw */
	struct window_span span;

	(void)state;
	assert_true(window_next(&once, zone, 0, &span));
	assert_false(span.agreed);
	assert_false(window_covers(&once, zone, 150));
	again.agreed_from = first + 1;
	assert_false(window_covers(&again, zone, first + MINUTE));
	assert_true(window_covers(&again, zone, first + 24 * HOUR + MINUTE));
	zone_free(zone);
}

/* The table that the manual promises. */
static void
on_the_nights_of_the_change_it_happens_once(void **state)
{
	static const struct {
		int month, day; /* of the local day; a Sunday */
		unsigned at_minute, minutes;
		int hour, minute; /* UTC, when it begins */
	} cases[] = {
	    {3, 22, 150, 60, 1, 30}, /* an ordinary Sunday, CET */
	    {3, 29, 90, 60, 0, 30}, /* 01:30 CET, over the change */
	    {3, 29, 120, 60, 1, 0}, /* 02:00 is left out: at the change */
	    {3, 29, 150, 60, 1, 0}, /* 02:30 too */
	    {3, 29, 180, 60, 1, 0}, /* 03:00 CEST is that moment */
	    {4, 5, 150, 60, 0, 30}, /* an ordinary Sunday, CEST */
	    {10, 25, 90, 60, 23 - 24, 30}, /* 01:30 CEST */
	    {10, 25, 150, 60, 0, 30}, /* 02:30 comes twice: the first */
	    {10, 25, 180, 60, 2, 0}, /* 03:00 CET */
	};
	struct zone *zone = zone_load(NULL);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct window window =
		    weekly(SUNDAY, cases[i].at_minute, cases[i].minutes);
		wall_us day = utc(2026, cases[i].month, cases[i].day, 0, 0);
		wall_us begin =
		    day + cases[i].hour * HOUR + cases[i].minute * MINUTE;
		struct window_span span;

		assert_true(window_next(&window, zone, day - 12 * HOUR, &span));
		assert_int_equal(span.from, begin);
		assert_int_equal(
		    span.until - span.from, (int64_t)cases[i].minutes * MINUTE);
		/* and not again before the next Sunday */
		assert_true(window_next(&window, zone, span.until, &span));
		assert_true(span.from > begin + 6 * 24 * HOUR);
	}
	zone_free(zone);
}

static void
every_minute_of_two_years_agrees_with_the_spans(void **state)
{
	struct zone *zone = zone_load(NULL);
	/* across midnight, Fridays and Sundays */
	struct window window = weekly(SUNDAY | 1U << 5, 23 * 60 + 30, 90);
	wall_us end = utc(2028, 1, 1, 0, 0), at = utc(2026, 1, 1, 0, 0);
	struct window_span span;
	size_t n = 0;

	(void)state;
	while (window_next(&window, zone, at, &span) && span.from < end) {
		struct zone_time t;

		assert_true(span.from >= at);
		zone_local(zone, span.from, &t);
		assert_true(t.weekday == 0 || t.weekday == 5);
		assert_int_equal(t.hour * 60 + t.minute, 23 * 60 + 30);
		assert_false(window_covers(&window, zone, span.from - 1));
		assert_true(window_covers(&window, zone, span.from));
		assert_true(window_covers(&window, zone, span.until - 1));
		assert_false(window_covers(&window, zone, span.until));
		at = span.until;
		n++;
	}
	/* 2026 and 2027 have 104 Sundays and 105 Fridays: both years end on
	 * one, 2027 on a Friday and begins on one */
	assert_int_equal(n, 104 + 105);
	zone_free(zone);
}

static void
one_that_recurs_begins_and_ends_with_its_time(void **state)
{
	struct zone *zone = zone_load(NULL);
	struct window window = weekly(EVERY_DAY, 0, 24 * 60);
	struct window_span span;
	size_t n = 0;

	(void)state;
	window.from = utc(2026, 6, 1, 12, 0);
	window.until = utc(2026, 6, 5, 12, 0);
	for (wall_us at = 0; window_next(&window, zone, at, &span);
	     at = span.until) {
		assert_true(span.from >= window.from);
		assert_true(span.from < window.until);
		n++;
	}
	assert_int_equal(n, 4);
	/* ended in the middle of the second one */
	window.ended = utc(2026, 6, 3, 3, 0);
	assert_true(window_covers(&window, zone, window.ended - 1));
	assert_true(window_is_over(&window, zone, window.ended));
	zone_free(zone);
}

static void
it_concerns_its_operator_or_one_deployment(void **state)
{
	struct window all = {.op = "librus"};
	struct window one = {.op = "librus", .deployment = "main"};

	(void)state;
	assert_true(window_concerns(&all, "librus", "main"));
	assert_true(window_concerns(&all, "librus", NULL));
	assert_false(window_concerns(&all, "vulcan", NULL));
	assert_true(window_concerns(&one, "librus", "main"));
	assert_false(window_concerns(&one, "librus", "other"));
	assert_false(window_concerns(&one, "librus", NULL));
}

static void
it_is_told_with_its_next_occurrence(void **state)
{
	struct zone *zone = zone_load(NULL);
	struct window window = weekly(SUNDAY | 2U, 150, 60);
	wall_us begin = utc(2026, 11, 29, 1, 30);
	struct jv *json = window_json(&window, zone, begin - HOUR);

	(void)state;
	assert_string_equal(jv_get_string(json, "state", ""), "planned");
	assert_string_equal(jv_get_string(json, "at", ""), "02:30");
	assert_string_equal(
	    jv_string_value(jv_at(jv_get(json, "days"), 0)), "mon");
	assert_string_equal(
	    jv_string_value(jv_at(jv_get(json, "days"), 1)), "sun");
	assert_int_equal(
	    jv_get_int(jv_get(json, "next"), "from", 0), begin / US_PER_S);
	jv_release(json);
	json = window_json(&window, zone, begin);
	assert_string_equal(jv_get_string(json, "state", ""), "active");
	jv_release(json);
	window.agreed_from = begin + 1;
	json = window_json(&window, zone, begin);
	assert_string_equal(jv_get_string(json, "state", ""), "late");
	jv_release(json);
	window.ended = begin;
	json = window_json(&window, zone, begin);
	assert_string_equal(jv_get_string(json, "state", ""), "over");
	assert_int_equal(jv_kind(jv_get(json, "next")), JV_NULL);
	jv_release(json);
	zone_free(zone);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		one_that_is_once_holds_from_its_first_moment_until_before_its_last),
	    cmocka_unit_test(what_was_announced_too_late_alters_nothing),
	    cmocka_unit_test(on_the_nights_of_the_change_it_happens_once),
	    cmocka_unit_test(every_minute_of_two_years_agrees_with_the_spans),
	    cmocka_unit_test(one_that_recurs_begins_and_ends_with_its_time),
	    cmocka_unit_test(it_concerns_its_operator_or_one_deployment),
	    cmocka_unit_test(it_is_told_with_its_next_occurrence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
