/* Times as people and links write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/when.h"

#define HOUR (INT64_C(3600) * US_PER_S)
#define NOW (INT64_C(1795504445) * US_PER_S)

static struct zone *zone;

static void
times_are_absolute_or_relative(void **state)
{
	/* 2026-11-24 07:14:05 UTC is now */
	static const struct {
		const char *text;
		wall_us expected;
	} cases[] = {
	    {"-24h", NOW - 24 * HOUR},
	    {"+2h", NOW + 2 * HOUR},
	    {"-7d", NOW - 168 * HOUR},
	    {"-1y", NOW - 365 * 24 * HOUR},
	    {"1795500000", INT64_C(1795500000) * US_PER_S},
	    {"1795500000.5", INT64_C(1795500000) * US_PER_S},
	    {"2026-11-24T08:00", INT64_C(1795503600) * US_PER_S},
	    {"2026-11-24T07:00Z", INT64_C(1795503600) * US_PER_S},
	    {"2026-11-24T07:00:30Z", INT64_C(1795503630) * US_PER_S},
	    {"2026-11-24T08:00+01:00", INT64_C(1795503600) * US_PER_S},
	    {"2026-11-24T08:00+01:00", INT64_C(1795503600) * US_PER_S},
	    {"2026-11-24", INT64_C(1795474800) * US_PER_S},
	    {"today", INT64_C(1795474800) * US_PER_S},
	    {"month", INT64_C(1793487600) * US_PER_S},
	    {"2026-10-25T02:30+02:00", INT64_C(1792888200) * US_PER_S},
	    {"2026-10-25T02:30+01:00", INT64_C(1792891800) * US_PER_S},
	};
	wall_us at;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *problem = when_parse(cases[i].text, NOW, zone, &at);

		if (problem != NULL)
			fail_msg("%s: %s", cases[i].text, problem);
		if (at != cases[i].expected)
			fail_msg("%s: %lld", cases[i].text, (long long)at);
	}
	assert_null(when_parse("now", NOW, zone, &at));
	assert_int_equal(at, NOW);
}

static void
what_is_no_time_is_said(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
	    {"", "must be a time such as"},
	    {"yesterday", "must be a time such as"},
	    {"-", "must be a length"},
	    {"-5", "must be a length"},
	    {"+2", "must be a length"},
	    {"-11y", "at most ten years ago"},
	    {"2026-13-01", "must be a time such as"},
	    {"2026-02-29", "must be a time such as"},
	    {"2026-11-24T24:00", "must be a time such as"},
	    {"2026-11-24T08:00+1", "must be a time such as"},
	    {"2026-03-29T02:30", "the clocks were put forward"},
	    {"2026-10-25T02:30", "happened twice"},
	    {"99999999999999999999", "must be a time such as"},
	    {"1795500000.x", "Unix seconds"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		wall_us at;
		const char *problem = when_parse(cases[i].text, NOW, zone, &at);

		if (problem == NULL)
			fail_msg("%s was taken", cases[i].text);
		else if (strstr(problem, cases[i].says) == NULL)
			fail_msg("%s: %s", cases[i].text, problem);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(times_are_absolute_or_relative),
	    cmocka_unit_test(what_is_no_time_is_said),
	};
	int failed;

	zone = zone_load(NULL);
	failed = cmocka_run_group_tests_name("when", tests, NULL, NULL);
	zone_free(zone);
	return failed;
}
