/*
 * The closed lists: reasons, sides, verdicts, phases and states. The names are
 * part of the contract with the outside, so they are spelled out here again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/attr.h"
#include "model/phase.h"
#include "model/reason.h"
#include "model/state.h"

static const struct {
	const char *name;
	const char *side;
	enum verdict verdict;
	bool stops;
} list[] = {
    {"ok", "none", VERDICT_UP, false},
    {"prerequisite_failed", "none", VERDICT_EXCLUDED, false},
    {"fd_limit", "ours", VERDICT_EXCLUDED, false},
    {"loop_late", "ours", VERDICT_EXCLUDED, false},
    {"resolver_down", "ours", VERDICT_EXCLUDED, false},
    {"uplink_down", "ours", VERDICT_EXCLUDED, false},
    {"clock_jump", "ours", VERDICT_EXCLUDED, false},
    {"budget_spent", "ours", VERDICT_EXCLUDED, false},
    {"tainted", "ours", VERDICT_EXCLUDED, false},
    {"dns_failure", "network", VERDICT_DOWN, false},
    {"dns_timeout", "network", VERDICT_DOWN, false},
    {"connect_refused", "network", VERDICT_DOWN, false},
    {"connect_timeout", "network", VERDICT_DOWN, false},
    {"connection_reset", "network", VERDICT_DOWN, false},
    {"tls_failure", "network", VERDICT_DOWN, false},
    {"tls_expired", "network", VERDICT_DOWN, false},
    {"tls_name", "network", VERDICT_DOWN, false},
    {"http_5xx", "operator", VERDICT_DOWN, false},
    {"http_4xx", "operator", VERDICT_DOWN, false},
    {"no_answer", "operator", VERDICT_DOWN, false},
    {"slow_body", "operator", VERDICT_DOWN, false},
    {"overload_page", "operator", VERDICT_DOWN, false},
    {"maintenance_page", "operator", VERDICT_DOWN, false},
    {"redirect_loop", "operator", VERDICT_DOWN, false},
    {"too_large", "operator", VERDICT_DOWN, false},
    {"message_lost", "operator", VERDICT_DOWN, false},
    {"message_late", "operator", VERDICT_DOWN, false},
    {"bad_credentials", "account", VERDICT_EXCLUDED, true},
    {"account_locked", "account", VERDICT_EXCLUDED, true},
    {"account_expired", "account", VERDICT_EXCLUDED, true},
    {"captcha", "account", VERDICT_EXCLUDED, true},
    {"interstitial", "account", VERDICT_EXCLUDED, false},
    {"unknown_page", "script", VERDICT_EXCLUDED, false},
    {"extract_failed", "script", VERDICT_EXCLUDED, false},
};

static void
the_list_is_complete(void **state)
{
	(void)state;
	assert_int_equal(ARRAY_LEN(list), REASON_COUNT);
}

static void
every_reason_has_the_name_and_side_of_the_contract(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(list); i++) {
		enum reason reason = (enum reason)i, parsed;
		assert_string_equal(reason_name(reason), list[i].name);
		assert_string_equal(
		    side_name(reason_side(reason)), list[i].side);
		assert_true(reason_parse(list[i].name, &parsed));
		assert_int_equal(parsed, reason);
	}
}

static void
every_reason_counts_as_its_side_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(list); i++) {
		enum reason reason = (enum reason)i;
		assert_int_equal(reason_verdict(reason), list[i].verdict);
		assert_int_equal(reason_stops_account(reason), list[i].stops);
	}
}

static void
unknown_names_are_no_reasons(void **state)
{
	static const char *const names[] = {
	    "", "OK", "ok ", "http_5x", "http_5xxx", "unknown", "operator"};
	enum reason reason;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		assert_false(reason_parse(names[i], &reason));
}

static void
phases_have_names_and_sums(void **state)
{
	static const char *const names[] = {
	    "dns", "connect", "tls", "wait", "receive"};
	struct phase_times sum = {{1, 2, 3, 4, 5}};
	const struct phase_times more = {{10, 20, 30, 40, 50}};

	(void)state;
	assert_int_equal(ARRAY_LEN(names), PHASE_COUNT);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		assert_string_equal(phase_name((enum phase)i), names[i]);
	phase_times_add(&sum, &more);
	for (int i = 0; i < PHASE_COUNT; i++)
		assert_int_equal(sum.us[i], 11 * (i + 1));
	assert_int_equal(phase_times_total(&sum), 165);
}

static void
states_have_names(void **state)
{
	static const char *const names[] = {
	    "unknown", "up", "degraded", "down", "maintenance"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		assert_string_equal(state_name((enum state)i), names[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_list_is_complete),
	    cmocka_unit_test(
		every_reason_has_the_name_and_side_of_the_contract),
	    cmocka_unit_test(every_reason_counts_as_its_side_says),
	    cmocka_unit_test(unknown_names_are_no_reasons),
	    cmocka_unit_test(phases_have_names_and_sums),
	    cmocka_unit_test(states_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
