/* The account as CSV, as text, over HTTP and as a page. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "base/attr.h"
#include "web/report.h"
#include "world.h"

static struct jv *
account(void)
{
	return jv_parse(fixture_account, strlen(fixture_account), NULL, 0);
}

static void
months_are_read_strictly(void **state)
{
	static const struct {
		const char *text;
		bool good;
	} cases[] = {
	    {"2026-10", true},
	    {"1970-01", true},
	    {"2199-12", true},
	    {"2026-00", false},
	    {"2026-13", false},
	    {"1969-12", false},
	    {"2200-01", false},
	    {"2026-1", false},
	    {"2026-101", false},
	    {"2026/10", false},
	    {"+026-10", false},
	    {"2026- 1", false},
	    {"", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct report_month month = {0};

		assert_int_equal(
		    report_month_parse(cases[i].text, &month), cases[i].good);
	}
}

static void
each_language_has_its_conventions(void **state)
{
	static const struct {
		bool polish;
		const char *csv;
	} cases[] = {
	    {true,
		"\xef\xbb\xbf"
		"operator;miesiąc;transakcja;wdrożenie;dzień;minuty;"
		"dostępne;niedostępne;prace;bez pomiaru po naszej stronie;"
		"niezmierzone;dostępność w procentach\r\n"
		"vulcan;2026-10;login;;;1234601;1234567;1;30;2;1;99,999\r\n"
		"vulcan;2026-10;login;;2026-10-25;1500;1467;0;30;2;1;"
		"100,000\r\n"
		"vulcan;2026-10;login;\"'=main;\"\"\";;38;5;0;30;2;1;\r\n"},
	    {false,
		"operator,month,transaction,deployment,day,minutes,available,"
		"unavailable,maintenance,blind,not measured,"
		"availability percent\r\n"
		"vulcan,2026-10,login,,,1234601,1234567,1,30,2,1,99.999\r\n"
		"vulcan,2026-10,login,,2026-10-25,1500,1467,0,30,2,1,"
		"100.000\r\n"
		"vulcan,2026-10,login,\"'=main;\"\"\",,38,5,0,30,2,1,\r\n"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct jv *value = account();
		struct buf out;

		buf_init(&out, 1 << 16);
		assert_true(report_csv(value, cases[i].polish, &out));
		assert_string_equal(out.data, cases[i].csv);
		buf_fini(&out);
		buf_init(&out, 100);
		assert_false(report_csv(value, cases[i].polish, &out));
		buf_fini(&out);
		jv_release(value);
	}
}

static void
a_terminal_gets_a_table(void **state)
{
	struct zone *zone = zone_load(NULL);
	struct jv *value = account();
	struct buf out;

	(void)state;
	buf_init(&out, 1 << 16);
	assert_true(report_text(value, zone, &out));
	assert_non_null(strstr(out.data,
	    "Vulcan, 2026-10, from 2026-10-01 00:00 CEST until "
	    "2026-11-01 00:00 CET\n"));
	assert_non_null(strstr(out.data,
	    "2026-10-25 04:00 CET      1 min  main/login  http_5xx, incident "
	    "7  run 0123456789abcdef0123456789abcdef\n"));
	assert_non_null(strstr(out.data, "SHA-256 of the CSV: bb\n"));
	buf_fini(&out);
	jv_release(value);
	zone_free(zone);
}

static void
the_page_is_in_the_language_of_its_reader(void **state)
{
	struct world *world = *state;
	const char *page = get(world, "/reports/vulcan/2026-10?lang=pl");

	assert_int_equal(status_of(page), 200);
	assert_has(page, "październik 2026");
	assert_has(page, "99,999\xc2\xa0%");
	assert_has(page,
	    "1\xc2\xa0"
	    "234\xc2\xa0"
	    "567");
	assert_has(page, "&lt;b&gt;");
	assert_has(page, "za późno");
	assert_has(page, "za mało pomiarów");
	assert_has(page, "/runs/0123456789abcdef0123456789abcdef");
	assert_has(page, "<code>aa</code>");
	page = get(world, "/reports/vulcan/2026-10?lang=en");
	assert_has(page, "October 2026");
	assert_has(page, "99.999\xc2\xa0%");
	assert_has(page, "<code>bb</code>");
	page = get(world, "/reports?lang=en");
	assert_has(page, "/reports/librus/2026-11");
	assert_has(page, "/reports/librus/2025-11");
	assert_has_not(page, "/reports/librus/2025-10");
}

static void
the_api_gives_it_and_says_what_is_wrong(void **state)
{
	static const struct {
		const char *query;
		int status;
		const char *part;
	} cases[] = {
	    {"operator=vulcan&month=2026-10", 200, "\"csv_sha256\""},
	    {"operator=vulcan&month=2026-10&format=csv&lang=pl", 200,
		"\r\nContent-Disposition: attachment; "
		"filename=\"vulcan-2026-10.pl.csv\"\r\n"},
	    {"operator=vulcan&month=2026-10&format=csv&lang=en", 200,
		"\r\nContent-Type: text/csv; charset=utf-8; "
		"header=present\r\n"},
	    {"operator=vulcan", 400, "\"field\":\"month\""},
	    {"month=2026-10", 400, "\"field\":\"operator\""},
	    {"operator=vulcan&month=x", 400, "\"field\":\"month\""},
	    {"operator=vulcan&month=2026-10&format=x", 400,
		"\"field\":\"format\""},
	    {"operator=nobody&month=2026-10", 404, "not_found"},
	    {"operator=librus&month=2026-10", 500, "store_failed"},
	    {"/minutes?target=vulcan/main/login&from=-1h", 200,
		"\"minutes\":60"},
	    {"/minutes?target=vulcan/main/login&from=-25h", 400,
		"\"field\":\"from\""},
	    {"/minutes?target=vulcan/main/x", 404, "not_found"},
	    {"/minutes", 404, "not_found"},
	};
	struct world *world = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char path[160];
		const char *answer;

		snprintf(path, sizeof(path), "/api/v1/availability%s%s",
		    cases[i].query[0] == '/' ? "" : "?", cases[i].query);
		answer = get(world, path);
		if (status_of(answer) != cases[i].status)
			fail_msg("%s: %.300s", path, answer);
		assert_has(answer, cases[i].part);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(months_are_read_strictly),
	    cmocka_unit_test(each_language_has_its_conventions),
	    cmocka_unit_test(a_terminal_gets_a_table),
	    cmocka_unit_test_setup_teardown(
		the_page_is_in_the_language_of_its_reader, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		the_api_gives_it_and_says_what_is_wrong, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
