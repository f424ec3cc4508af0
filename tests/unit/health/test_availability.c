/* What each minute of an account is called. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/mem.h"
#include "base/zone.h"
#include "health/availability.h"

#define MINUTE (60 * US_PER_S)
#define MOST 64

/* By the order of enum availability. */
static const char letters[AVAILABILITY_COUNT + 1] = "udmb-";

static void
write_down(void *arg, enum availability what, size_t first, size_t n)
{
	char *out = arg;

	assert_true(n > 0);
	/* segments follow one another and differ */
	assert_int_equal(strlen(out), first);
	assert_true(first == 0 || out[first - 1] != letters[what]);
	memset(out + first, letters[what], n);
	out[first + n] = '\0';
}

/*
 * Results: o good, F failed, 2 both, f two failed and one good, x only what is
 * not counted, a space nothing. Marks: m maintenance, b blind, * both. Named:
 * u available ("up"), d unavailable, m, b, and - not measured.
 */
static const struct {
	const char *results, *marks, *named;
} cases[] = {
    {"oooo", "    ", "uuuu"},
    {"ooFF", "    ", "uudd"},
    {"o2fo", "    ", "uudu"},
    {"    ", "    ", "----"},
    {"xxxx", "    ", "----"},
    /* a verdict is carried for three minutes */
    {"o        ", "         ", "uuuu-----"},
    {"F        ", "         ", "dddd-----"},
    {"F  o     ", "         ", "ddduuuu--"},
    {"o   x    ", "         ", "uuuu-----"},
    {"oxxxx    ", "         ", "uuuu-----"},
    {"  F      ", "         ", "--dddd---"},
    /* maintenance goes before all, and nothing is carried over it */
    {"oFFFo", " mmm ", "ummmu"},
    {"oFFF  ", " mmm  ", "ummm--"},
    {"F mm  ", "  mm  ", "ddmm--"},
    {"ooo", "mmm", "mmm"},
    /* we were blind: what failed then may be ours, what was good was good */
    {"oF Fo", " bbb ", "ubbbu"},
    {"oo Fo", " bbb ", "uubbu"},
    {"of2oo", " bb  ", "ubuuu"},
    {"F b  o", " bb  ", "dbb--u"},
    {"o   o", " *** ", "ummmu"},
};

static void
feed(struct availability_meter *meter, const char *results)
{
	for (size_t i = 0; results[i] != '\0'; i++) {
		char c = results[i];
		uint32_t ok = c == 'o' || c == '2' || c == 'f';
		uint32_t failed = c == 'F' || c == '2' ? 1 : c == 'f' ? 2 : 0;

		availability_feed(meter, i, ok, failed);
	}
	availability_end(meter);
}

static void
minutes_are_called_as_the_table_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char named[MOST] = "";
		uint8_t marks[MOST] = {0};
		size_t n = strlen(cases[i].named);
		struct availability_meter meter = {.n = n,
		    .carry = 3,
		    .marks = marks,
		    .fn = write_down,
		    .arg = named};

		for (size_t k = 0; k < n; k++) {
			char c = cases[i].marks[k];

			marks[k] = c == 'm' ? AVAILABILITY_MAINTENANCE
			    : c == 'b'      ? AVAILABILITY_BLIND
			    : c == '*'
			    ? AVAILABILITY_MAINTENANCE | AVAILABILITY_BLIND
			    : 0;
		}
		feed(&meter, cases[i].results);
		if (strcmp(named, cases[i].named) != 0)
			fail_msg("\"%s\" \"%s\": %s, not %s", cases[i].results,
			    cases[i].marks, named, cases[i].named);
	}
}

static void
a_span_marks_every_minute_that_it_touches(void **state)
{
	static const struct {
		int64_t from_s, until_s;
		const char *marked;
	} spans[] = {
	    {0, 60, "x...."},
	    {59, 61, "xx..."},
	    {60, 120, ".x..."},
	    {61, 62, ".x..."},
	    {-500, 1, "x...."},
	    {-500, 0, "....."},
	    {299, 9999, "....x"},
	    {300, 9999, "....."},
	    {-1, 9999, "xxxxx"},
	    {120, 120, "....."},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(spans); i++) {
		wall_us begin = INT64_C(29000000) * MINUTE;
		uint8_t marks[5] = {0};

		availability_mark(marks, 5, begin,
		    begin + spans[i].from_s * US_PER_S,
		    begin + spans[i].until_s * US_PER_S, AVAILABILITY_BLIND);
		for (size_t k = 0; k < 5; k++)
			assert_int_equal(
			    marks[k] != 0, spans[i].marked[k] == 'x');
	}
}

static void
a_percentage_is_cut_and_needs_enough_minutes(void **state)
{
	static const struct {
		uint64_t up, down;
		int32_t percent;
	} of[] = {
	    {0, 0, -1},
	    {59, 0, -1},
	    {60, 0, 100000},
	    {0, 60, 0},
	    {44639, 1, 99997},
	    {99999999, 1, 99999},
	    {2, 1, -1},
	    {200, 100, 66666},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(of); i++) {
		struct availability_counts counts = {
		    .minutes = {of[i].up, of[i].down, 5, 6, 7}};

		assert_int_equal(availability_percent(&counts), of[i].percent);
		assert_int_equal(
		    isnan(availability_ratio(&counts)) != 0, of[i].percent < 0);
	}
}

/* Every minute of a month is called something, once, whatever comes. */
static void
no_minute_is_lost_or_counted_twice(void **state)
{
	(void)state;
	srandom(17);
	for (unsigned i = 0; i < 200; i++) {
		size_t n = 1 + (size_t)random() % 44700;
		uint8_t *marks = mem_array(n, 1);
		char *named = mem_array(n + 1, 1);
		struct availability_meter meter = {.n = n,
		    .carry = (size_t)random() % 20,
		    .marks = marks,
		    .fn = write_down,
		    .arg = named};

		memset(marks, 0, n);
		named[0] = '\0';
		for (size_t k = 0; k < n; k++)
			marks[k] =
			    random() % 50 == 0 ? (uint8_t)(random() % 4) : 0;
		for (size_t minute = (size_t)(random() % 5); minute < n + 5;
		     minute += 1 + (size_t)random() % 9)
			availability_feed(&meter, minute,
			    (uint32_t)(random() % 3), (uint32_t)(random() % 3));
		availability_end(&meter);
		assert_int_equal(strlen(named), n);
		free(marks);
		free(named);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(minutes_are_called_as_the_table_says),
	    cmocka_unit_test(a_span_marks_every_minute_that_it_touches),
	    cmocka_unit_test(a_percentage_is_cut_and_needs_enough_minutes),
	    cmocka_unit_test(no_minute_is_lost_or_counted_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
