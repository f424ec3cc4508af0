/* How a run counts as a whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "model/run.h"

static void
a_run_counts_by_its_results(void **state)
{
	static const struct {
		size_t n;
		enum reason reasons[3];
		enum verdict expected;
	} cases[] = {
	    {0, {REASON_OK}, VERDICT_EXCLUDED},
	    {1, {REASON_OK}, VERDICT_UP},
	    {3, {REASON_OK, REASON_OK, REASON_OK}, VERDICT_UP},
	    {2, {REASON_HTTP_5XX, REASON_PREREQUISITE_FAILED}, VERDICT_DOWN},
	    {2, {REASON_TAINTED, REASON_MESSAGE_LOST}, VERDICT_DOWN},
	    {2, {REASON_OK, REASON_TAINTED}, VERDICT_EXCLUDED},
	    {2, {REASON_OK, REASON_BUDGET_SPENT}, VERDICT_EXCLUDED},
	    {2, {REASON_UPLINK_DOWN, REASON_PREREQUISITE_FAILED},
		VERDICT_EXCLUDED},
	    {1, {REASON_BAD_CREDENTIALS}, VERDICT_EXCLUDED},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct result results[3] = {0};
		struct run run = {.results = results, .n_results = cases[i].n};

		for (size_t k = 0; k < cases[i].n; k++)
			results[k].reason = cases[i].reasons[k];
		if (run_verdict(&run) != cases[i].expected)
			fail_msg("case %zu", i);
	}
}

static void
a_copy_outlives_the_run(void **state)
{
	char name[] = "wizja", url[] = "https://sp1.mobidziennik.pl/";
	struct result results[2] = {{.reason = REASON_DNS_TIMEOUT},
	    {.reason = REASON_PREREQUISITE_FAILED}};
	struct run_exchange exchanges[2] = {
	    {.transaction = "login", .url = url, .note = ""},
	    {.transaction = "login", .excerpt = "…", .status = 200},
	};
	const enum reason judged[] = {REASON_UPLINK_DOWN};
	struct run run = {
	    .id = "0123",
	    .operator= name,
	    .deployment = "sp1",
	    .vantage = "waw",
	    .results = results,
	    .n_results = 2,
	    .exchanges = exchanges,
	    .n_exchanges = 2,
	};
	struct run *copy = run_copy(&run);

	(void)state;
	memset(name, 'x', sizeof(name));
	memset(url, 'x', sizeof(url));
	memset(results, 0, sizeof(results));
	memset(exchanges, 0, sizeof(exchanges));
	run_rename(copy, judged, 1);
	assert_string_equal(copy->operator, "wizja");
	assert_string_equal(copy->deployment, "sp1");
	assert_string_equal(copy->vantage, "waw");
	assert_int_equal(copy->results[0].reason, REASON_UPLINK_DOWN);
	assert_int_equal(copy->results[1].reason, REASON_PREREQUISITE_FAILED);
	assert_string_equal(
	    copy->exchanges[0].url, "https://sp1.mobidziennik.pl/");
	assert_string_equal(copy->exchanges[0].note, "");
	assert_null(copy->exchanges[0].excerpt);
	assert_string_equal(copy->exchanges[1].excerpt, "…");
	assert_null(copy->exchanges[1].url);
	assert_int_equal(copy->exchanges[1].status, 200);
	free(copy);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_run_counts_by_its_results),
	    cmocka_unit_test(a_copy_outlives_the_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
