/* Plural forms, and how numbers and times are written. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "daemon/web/locale.h"
#include "model/reason.h"
#include "model/state.h"

#define NBSP "\xc2\xa0"

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

/* Made from the definition, not from the code: Unicode CLDR. */
static const char *
expected_polish(int n)
{
	if (n == 1)
		return "one";
	switch (n % 100) {
	case 12:
	case 13:
	case 14:
		return "many";
	default:
		break;
	}
	switch (n % 10) {
	case 2:
	case 3:
	case 4:
		return "few";
	default:
		return "many";
	}
}

static void
plural_forms_of_both_languages(void **state)
{
	static const int one[] = {21, 101, 0, 5, 11, 112};

	(void)state;
	for (int n = 0; n <= 1200; n++) {
		assert_string_equal(
		    locale_plural(LANGUAGE_PL, n, 0), expected_polish(n));
		assert_string_equal(
		    locale_plural(LANGUAGE_EN, n, 0), n == 1 ? "one" : "other");
	}
	for (size_t i = 0; i < ARRAY_LEN(one); i++)
		assert_string_equal(
		    locale_plural(LANGUAGE_PL, one[i], 0), "many");
	assert_string_equal(locale_plural(LANGUAGE_PL, 1.5, 1), "other");
	assert_string_equal(locale_plural(LANGUAGE_PL, 2, 1), "other");
	assert_string_equal(locale_plural(LANGUAGE_EN, 1, 1), "other");
}

struct languages {
	struct zone *zone;
	struct locale *pl, *en;
};

static struct jv *
parse(const char *text)
{
	char problem[128];

	return jv_parse(text, strlen(text), problem, sizeof(problem));
}

static void
languages_init(struct languages *l)
{
	l->zone = zone_load(NULL);
	l->pl = locale_new(LANGUAGE_PL,
	    parse("{\"errors\":{\"one\":\"{n} błąd\",\"few\":\"{n} błędy\","
		  "\"many\":\"{n} błędów\"},\"x\":\"A {a}, B {b}{c}.\"}"),
	    l->zone);
	l->en = locale_new(LANGUAGE_EN, parse("{}"), l->zone);
}

static void
languages_fini(struct languages *l)
{
	locale_free(l->pl);
	locale_free(l->en);
	zone_free(l->zone);
}

static void
numbers_are_written_as_the_language_does(void **state)
{
	static const struct {
		double value;
		unsigned decimals;
		const char *pl, *en;
	} numbers[] = {
	    {0, 0, "0", "0"},
	    {1234.5, 1, "1234,5", "1,234.5"},
	    {12345.6, 1, "12" NBSP "345,6", "12,345.6"},
	    {1234567, 0, "1" NBSP "234" NBSP "567", "1,234,567"},
	    {-0.001, 2, "0,00", "0.00"},
	    {-12.5, 1, "-12,5", "-12.5"},
	    {NAN, 1, "–", "–"},
	    {INFINITY, 1, "–", "–"},
	    {1e300, 0, "–", "–"},
	};
	static const struct {
		double ratio;
		const char *pl;
	} percents[] = {{1, "100,00%"}, {0.99996, "99,99%"},
	    {0.999949, "99,99%"}, {0.9995, "99,95%"}, {0, "0,00%"}, {NAN, "–"}};
	static const struct {
		double ms;
		const char *pl;
	} latencies[] = {{850, "850" NBSP "ms"}, {3.24, "3,2" NBSP "ms"},
	    {999.4, "999" NBSP "ms"}, {999.6, "1,0" NBSP "s"},
	    {3412, "3,4" NBSP "s"}, {123456, "123" NBSP "s"}, {NAN, "–"}};
	struct languages l;
	char out[LOCALE_TEXT_SIZE];

	(void)state;
	languages_init(&l);
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		assert_string_equal(locale_number(l.pl, numbers[i].value,
					numbers[i].decimals, out),
		    numbers[i].pl);
		assert_string_equal(locale_number(l.en, numbers[i].value,
					numbers[i].decimals, out),
		    numbers[i].en);
	}
	for (size_t i = 0; i < ARRAY_LEN(percents); i++)
		assert_string_equal(
		    locale_percent(l.pl, percents[i].ratio, out),
		    percents[i].pl);
	for (size_t i = 0; i < ARRAY_LEN(latencies); i++)
		assert_string_equal(locale_latency(l.pl, latencies[i].ms, out),
		    latencies[i].pl);
	assert_string_equal(locale_length(12 * US_PER_S, out), "12" NBSP "s");
	assert_string_equal(locale_length(480 * US_PER_S, out), "8" NBSP "min");
	assert_string_equal(
	    locale_length(102 * US_PER_S, out), "1" NBSP "min 42" NBSP "s");
	assert_string_equal(locale_length(INT64_C(7500) * US_PER_S, out),
	    "2" NBSP "h 5" NBSP "min");
	assert_string_equal(locale_length(INT64_C(273600) * US_PER_S, out),
	    "3" NBSP "d 4" NBSP "h");
	languages_fini(&l);
}

static void
times_are_written_in_warsaw(void **state)
{
	struct languages l;
	char out[LOCALE_TEXT_SIZE];
	wall_us tuesday = utc(2026, 11, 24, 7, 14, 5);
	wall_us twice = utc(2026, 10, 25, 0, 30, 0);

	(void)state;
	languages_init(&l);
	assert_string_equal(locale_time(l.pl, tuesday, LOCALE_TIME_FULL, out),
	    "24.11.2026, 08:14:05" NBSP "CET");
	assert_string_equal(locale_time(l.pl, tuesday, LOCALE_TIME_SHORT, out),
	    "24.11.2026, 08:14");
	assert_string_equal(locale_time(l.en, tuesday, LOCALE_TIME_SHORT, out),
	    "24 Nov 2026, 08:14");
	assert_string_equal(
	    locale_time(l.pl, tuesday, LOCALE_TIME_CLOCK, out), "08:14");
	/* the same hour twice: the zone tells them apart */
	assert_string_equal(locale_time(l.pl, twice, LOCALE_TIME_CLOCK, out),
	    "02:30" NBSP "CEST");
	assert_string_equal(
	    locale_time(l.pl, twice + 3600 * US_PER_S, LOCALE_TIME_CLOCK, out),
	    "02:30" NBSP "CET");
	assert_string_equal(
	    locale_datetime(l.pl, tuesday, out), "2026-11-24T08:14:05+01:00");
	assert_string_equal(
	    locale_datetime(l.pl, twice, out), "2026-10-25T02:30:00+02:00");
	languages_fini(&l);
}

static void
texts_are_filled_in_and_counted(void **state)
{
	const struct locale_arg args[] = {{"b", "2"}, {"a", "1"}};
	struct languages l;
	struct buf out;

	(void)state;
	languages_init(&l);
	buf_init(&out, 256);
	assert_true(locale_say(l.pl, &out, "x", args, 2));
	assert_string_equal(out.data, "A 1, B 2.");
	buf_reset(&out);
	assert_true(locale_count(l.pl, &out, "errors", 22));
	assert_string_equal(out.data, "22 błędy");
	assert_string_equal(locale_text(l.pl, "no.such"), "no.such");
	buf_fini(&out);
	languages_fini(&l);
}

static void
the_reader_is_answered_in_the_language_he_prefers(void **state)
{
	static const struct {
		const char *header;
		enum language language;
	} cases[] = {
	    {NULL, LANGUAGE_PL},
	    {"", LANGUAGE_PL},
	    {"de-DE,de", LANGUAGE_PL},
	    {"en", LANGUAGE_EN},
	    {"en-US,en;q=0.9,pl;q=0.8", LANGUAGE_EN},
	    {"en;q=0.3, pl-PL;q=0.7", LANGUAGE_PL},
	    {"de, EN ;q=0.1", LANGUAGE_EN},
	    {"en;q=0", LANGUAGE_PL},
	    {"english", LANGUAGE_PL},
	    {",,;q=,", LANGUAGE_PL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(language_accept(cases[i].header, LANGUAGE_PL),
		    cases[i].language);
}

/* ---- the catalogues that are shipped ---- */

static struct jv *
catalogue(const char *name)
{
	char path[512], problem[256] = "", *bytes = malloc(1 << 20);
	struct jv *value;
	FILE *file;
	size_t len;

	assert_non_null(bytes);
	snprintf(path, sizeof(path), "%s/dashboards/locales/%s.json",
	    TEST_SRCDIR, name);
	file = fopen(path, "re");
	assert_non_null(file);
	len = fread(bytes, 1, 1 << 20, file);
	fclose(file);
	value = jv_parse(bytes, len, problem, sizeof(problem));
	if (value == NULL)
		fail_msg("%s: %s", path, problem);
	free(bytes);
	return value;
}

static void
assert_same_keys(const struct jv *a, const struct jv *b, const char *where)
{
	struct jv *value;
	const char *key;
	void *iter = NULL;

	assert_int_equal(jv_kind(a), jv_kind(b));
	while ((iter = jv_each(a, iter, &key, &value)) != NULL) {
		if (jv_get(b, key) == NULL)
			fail_msg("%s.%s is in one catalogue only", where, key);
		if (jv_kind(value) == JV_OBJECT)
			assert_same_keys(value, jv_get(b, key), key);
		else
			assert_int_equal(jv_kind(jv_get(b, key)), JV_STRING);
	}
}

static void
both_catalogues_say_the_same_things(void **state)
{
	struct jv *pl = catalogue("pl"), *en = catalogue("en");

	(void)state;
	assert_same_keys(pl, en, "");
	assert_same_keys(en, pl, "");
	for (int i = 0; i < REASON_COUNT; i++) {
		const char *name = reason_name((enum reason)i);

		if (jv_get(jv_get(pl, "reasons"), name) == NULL)
			fail_msg("no word for the reason %s", name);
	}
	for (int i = 0; i <= STATE_MAINTENANCE; i++)
		assert_non_null(
		    jv_get(jv_get(pl, "states"), state_name((enum state)i)));
	for (int i = 0; i <= SIDE_SCRIPT; i++)
		assert_non_null(
		    jv_get(jv_get(pl, "sides"), side_name((enum side)i)));
	jv_release(pl);
	jv_release(en);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(plural_forms_of_both_languages),
	    cmocka_unit_test(numbers_are_written_as_the_language_does),
	    cmocka_unit_test(times_are_written_in_warsaw),
	    cmocka_unit_test(texts_are_filled_in_and_counted),
	    cmocka_unit_test(the_reader_is_answered_in_the_language_he_prefers),
	    cmocka_unit_test(both_catalogues_say_the_same_things),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
