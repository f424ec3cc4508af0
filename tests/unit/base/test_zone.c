/* The clocks of Warsaw: the file, the rule, and the nights of the change. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "base/zone.h"

static const char zone_file[] = "/usr/share/zoneinfo/Europe/Warsaw";

static wall_us
utc(int year, int month, int day, int hour, int minute, int second)
{
	struct zone_time t = {.year = year,
	    .month = month,
	    .day = day,
	    .hour = hour,
	    .minute = minute,
	    .second = second};

	return zone_civil_us(&t);
}

static void
the_file_and_the_rule_agree(void **state)
{
	struct zone *file = zone_load(zone_file), *rule = zone_load(NULL);
	wall_us end = utc(2060, 1, 1, 0, 0, 0);

	(void)state;
	assert_false(zone_from_file(rule));
	if (!zone_from_file(file)) {
		zone_free(file);
		zone_free(rule);
		skip();
	}
	/* an odd step meets every hour of the day */
	for (wall_us at = utc(1997, 1, 1, 0, 0, 0); at < end;
	     at += 1237 * 60 * US_PER_S) {
		struct zone_time a, b;

		zone_local(file, at, &a);
		zone_local(rule, at, &b);
		assert_int_equal(a.offset_s, b.offset_s);
		assert_int_equal(a.hour, b.hour);
		assert_int_equal(a.day, b.day);
		assert_int_equal(a.summer, b.summer);
		assert_int_equal(a.weekday, b.weekday);
	}
	zone_free(file);
	zone_free(rule);
}

static void
damaged_zone_files_give_the_rule(void **state)
{
	static const size_t sizes[] = {0, 3, 20, 44, 60, 500, 1200};
	char path[] = "/tmp/dyzurny-zone-XXXXXX";
	uint8_t bytes[65536];
	FILE *in = fopen(zone_file, "re");
	size_t len = in != NULL ? fread(bytes, 1, sizeof(bytes), in) : 0;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	if (in != NULL)
		fclose(in);
	for (size_t i = 0; i < ARRAY_LEN(sizes) && sizes[i] < len; i++) {
		FILE *out = fopen(path, "we");
		struct zone_time t;
		struct zone *zone;

		assert_non_null(out);
		assert_int_equal(fwrite(bytes, 1, sizes[i], out), sizes[i]);
		fclose(out);
		zone = zone_load(path);
		assert_false(zone_from_file(zone));
		zone_local(zone, utc(2026, 7, 1, 10, 0, 0), &t);
		assert_int_equal(t.hour, 12);
		zone_free(zone);
	}
	for (size_t i = 0; i < len; i += 7) {
		FILE *out = fopen(path, "we");
		uint8_t old = bytes[i];
		struct zone_time t;
		struct zone *zone;

		bytes[i] = (uint8_t)(old ^ 0xff);
		assert_non_null(out);
		assert_int_equal(fwrite(bytes, 1, len, out), len);
		fclose(out);
		bytes[i] = old;
		zone = zone_load(path);
		zone_local(zone, utc(2026, 7, 1, 10, 0, 0), &t);
		zone_free(zone);
	}
	fclose(fdopen(fd, "r"));
	remove(path);
}

static void
the_nights_of_the_clock_change(void **state)
{
	static const struct {
		int month, day, hour, minute;
		int local_hour, local_minute;
		bool summer;
	} cases[] = {
	    {3, 29, 0, 59, 1, 59, false},
	    {3, 29, 1, 0, 3, 0, true},
	    {10, 25, 0, 30, 2, 30, true},
	    {10, 25, 0, 59, 2, 59, true},
	    {10, 25, 1, 0, 2, 0, false},
	    {10, 25, 1, 30, 2, 30, false},
	    {12, 31, 23, 30, 0, 30, false},
	};
	struct zone *zone = zone_load(zone_file);
	struct zone_time t = {.year = 2026, .month = 10, .day = 25, .hour = 2};
	wall_us instants[2];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct zone_time local;

		zone_local(zone,
		    utc(2026, cases[i].month, cases[i].day, cases[i].hour,
			cases[i].minute, 0),
		    &local);
		assert_int_equal(local.hour, cases[i].local_hour);
		assert_int_equal(local.minute, cases[i].local_minute);
		assert_int_equal(local.summer, cases[i].summer);
	}
	assert_int_equal(zone_instants(zone, &t, instants), 2);
	assert_int_equal(instants[1] - instants[0], 3600 * US_PER_S);
	t = (struct zone_time){.year = 2026, .month = 3, .day = 29, .hour = 2};
	assert_int_equal(zone_instants(zone, &t, instants), 0);
	t.hour = 3;
	assert_int_equal(zone_instants(zone, &t, instants), 1);
	assert_int_equal(instants[0], utc(2026, 3, 29, 1, 0, 0));
	assert_true(zone_changes_on(zone, utc(2026, 10, 25, 12, 0, 0)));
	assert_true(zone_changes_on(zone, utc(2026, 10, 24, 22, 30, 0)));
	assert_false(zone_changes_on(zone, utc(2026, 10, 26, 12, 0, 0)));
	assert_false(zone_changes_on(zone, utc(2026, 10, 24, 12, 0, 0)));
	zone_free(zone);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_file_and_the_rule_agree),
	    cmocka_unit_test(damaged_zone_files_give_the_rule),
	    cmocka_unit_test(the_nights_of_the_clock_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
