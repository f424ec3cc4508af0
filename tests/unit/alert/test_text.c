/* The line for people: rules of two languages, and where it is cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "base/json.h"
#include "base/text.h"
#include "daemon/alert/alert-int.h"

static const struct conf_alert availability = {
    .name = "login-availability",
    .kind = CONF_ALERT_AVAILABILITY,
    .below = 0.9,
};

static const struct conf_alert latency = {
    .name = "login-latency",
    .kind = CONF_ALERT_LATENCY,
    .above = 3 * US_PER_S,
    .quantile = 0.95,
};

static struct text_input
failing(uint32_t failed, uint32_t samples)
{
	return (struct text_input){
	    .operator_title = "Librus",
	    .transaction = "login",
	    .transaction_title = "Logowanie",
	    .rule = &availability,
	    .attempts = samples,
	    .failed = failed,
	    .facts = {.known = true,
		.reason = REASON_HTTP_5XX,
		.phase = PHASE_WAIT,
		.http_status = 503,
		.step = "submit"},
	    .deployments_bad = 1,
	    .deployments = 1,
	};
}

static void
expect(const struct text_input *input, const char *pl, const char *en)
{
	char out[INCIDENT_TEXT_SIZE];

	alert_text_pl(input, out);
	assert_string_equal(out, pl);
	alert_text_en(input, out);
	assert_string_equal(out, en);
}

static void
a_failing_login_reads_as_designed(void **state)
{
	struct text_input input = failing(12, 20);

	(void)state;
	expect(&input,
	    "Librus — logowanie: 12 z 20 prób nieudanych, krok „submit”, "
	    "strona operatora, HTTP 503",
	    "Librus — login: 12 of 20 attempts failed, step “submit”, "
	    "operator side, HTTP 503");
}

static void
names_stand_before_the_dash_untouched(void **state)
{
	struct text_input input = failing(12, 20);

	(void)state;
	input.deployment = "warszawa";
	input.transaction = "homework";
	input.transaction_title = "Zadania domowe";
	expect(&input,
	    "Librus, warszawa — Zadania domowe: 12 z 20 prób nieudanych, "
	    "krok „submit”, strona operatora, HTTP 503",
	    "Librus, warszawa — Zadania domowe: 12 of 20 attempts failed, "
	    "step “submit”, operator side, HTTP 503");
	input = failing(12, 20);
	input.transaction = "homework";
	input.transaction_title = "";
	input.facts.known = false;
	expect(&input, "Librus — homework: 12 z 20 prób nieudanych",
	    "Librus — homework: 12 of 20 attempts failed");
}

static void
many_deployments_are_counted(void **state)
{
	struct text_input input = failing(12, 20);

	(void)state;
	input.facts = (struct facts){.known = true,
	    .reason = REASON_CONNECT_TIMEOUT,
	    .phase = PHASE_CONNECT};
	input.deployments_bad = 3;
	input.deployments = 5;
	expect(&input,
	    "Librus — logowanie: 12 z 20 prób nieudanych, w 3 z 5 wdrożeń, "
	    "strona sieci, nie można się połączyć",
	    "Librus — login: 12 of 20 attempts failed, in 3 of 5 deployments, "
	    "network side, cannot connect");
}

static void
polish_plurals_follow_the_number(void **state)
{
	static const struct {
		uint32_t failed, samples;
		const char *pl, *en;
	} cases[] = {
	    {1, 1, "1 z 1 próby nieudana", "1 of 1 attempt failed"},
	    {1, 20, "1 z 20 prób nieudana", "1 of 20 attempts failed"},
	    {2, 20, "2 z 20 prób nieudane", "2 of 20 attempts failed"},
	    {4, 20, "4 z 20 prób nieudane", "4 of 20 attempts failed"},
	    {5, 20, "5 z 20 prób nieudanych", "5 of 20 attempts failed"},
	    {12, 20, "12 z 20 prób nieudanych", "12 of 20 attempts failed"},
	    {14, 20, "14 z 20 prób nieudanych", "14 of 20 attempts failed"},
	    {21, 30, "21 z 30 prób nieudanych", "21 of 30 attempts failed"},
	    {22, 30, "22 z 30 prób nieudane", "22 of 30 attempts failed"},
	    {101, 200, "101 z 200 prób nieudanych",
		"101 of 200 attempts failed"},
	    {112, 200, "112 z 200 prób nieudanych",
		"112 of 200 attempts failed"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct text_input input =
		    failing(cases[i].failed, cases[i].samples);
		char pl[INCIDENT_TEXT_SIZE], en[INCIDENT_TEXT_SIZE];

		input.facts.known = false;
		snprintf(pl, sizeof(pl), "Librus — logowanie: %s", cases[i].pl);
		snprintf(en, sizeof(en), "Librus — login: %s", cases[i].en);
		expect(&input, pl, en);
	}
}

static void
slowness_has_a_decimal_comma_in_polish(void **state)
{
	struct text_input input = failing(0, 20);

	(void)state;
	input.rule = &latency;
	input.worst = 8437.0;
	input.facts.reason = REASON_OK;
	expect(&input,
	    "Librus — logowanie: wolno, p95 do 8,4 s przy progu 3 s (prób: "
	    "20), "
	    "najdłużej czekanie na odpowiedź",
	    "Librus — login: slow, p95 up to 8.4 s over the limit of 3 s "
	    "(attempts: 20), longest waiting for the answer");
}

static void
short_latencies_and_odd_quantiles_are_readable(void **state)
{
	struct conf_alert rule = latency;
	struct text_input input = failing(0, 20);

	(void)state;
	rule.above = 250 * US_PER_MS;
	rule.quantile = 0.995;
	input.rule = &rule;
	input.worst = 431.7;
	input.facts.known = false;
	expect(&input,
	    "Librus — logowanie: wolno, p99,5 do 432 ms przy progu 250 ms "
	    "(prób: 20)",
	    "Librus — login: slow, p99.5 up to 432 ms over the limit of 250 ms "
	    "(attempts: 20)");
}

static void
what_is_unusual_says_what_is_usual(void **state)
{
	static const struct conf_alert unusual = {
	    .name = "unusual",
	    .kind = CONF_ALERT_DEVIATION,
	    .band = 300 * US_PER_MS,
	    .factor = 4,
	    .quantile = 0.5,
	};
	struct text_input input = failing(0, 120);

	(void)state;
	input.rule = &unusual;
	input.worst = 3210;
	input.usual = 820.4;
	input.limit = 1640;
	input.facts.reason = REASON_OK;
	input.deployments_bad = 3;
	input.deployments = 5;
	expect(&input,
	    "Librus — logowanie: wolniej niż zwykle, p50 do 3,2 s, zwykle o "
	    "tej porze 820 ms (próg 1,6 s; prób: 120), w 3 z 5 wdrożeń, "
	    "najdłużej czekanie na odpowiedź",
	    "Librus — login: slower than usual, p50 up to 3.2 s, usual at this "
	    "hour is 820 ms (limit 1.6 s; attempts: 120), in 3 of 5 "
	    "deployments, longest waiting for the answer");
}

static struct jv *
words_of_pages(const char *path)
{
	static char bytes[1 << 16];
	char problem[128] = "";
	FILE *file = fopen(path, "re");
	struct jv *texts;

	assert_non_null(file);
	texts = jv_parse(bytes, fread(bytes, 1, sizeof(bytes), file), problem,
	    sizeof(problem));
	fclose(file);
	if (!texts) {
		fail_msg("%s", problem);
	}
	return texts;
}

static void
every_failure_has_the_words_of_the_pages(void **state)
{
	struct jv *pl =
	    words_of_pages(TEST_SRCDIR "/dashboards/locales/pl.json");
	struct jv *en =
	    words_of_pages(TEST_SRCDIR "/dashboards/locales/en.json");

	(void)state;
	for (int r = 0; r < REASON_COUNT; r++) {
		struct text_input input = failing(3, 4);
		char out[INCIDENT_TEXT_SIZE];

		if (reason_verdict((enum reason)r) != VERDICT_DOWN) {
			continue;
		}
		input.facts.reason = (enum reason)r;
		input.facts.http_status = 0;
		alert_text_pl(&input, out);
		assert_true(text_utf8_valid(out, strlen(out)));
		assert_non_null(strstr(out,
		    jv_get_string(jv_get(pl, "reasons"),
			reason_name((enum reason)r), "?")));
		alert_text_en(&input, out);
		assert_non_null(strstr(out,
		    jv_get_string(jv_get(en, "reasons"),
			reason_name((enum reason)r), "?")));
	}
	jv_release(pl);
	jv_release(en);
}

static void
a_long_line_is_cut_between_characters(void **state)
{
	char title[400], out[INCIDENT_TEXT_SIZE];

	(void)state;
	for (size_t shift = 0; shift < 3; shift++) {
		struct text_input input = failing(12, 20);
		size_t len = shift;

		memset(title, 'x', shift);
		while (len + 2 < sizeof(title)) {
			memcpy(title + len, "ż", 2);
			len += 2;
		}
		title[len] = '\0';
		input.operator_title = title;
		alert_text_pl(&input, out);
		assert_true(strlen(out) < sizeof(out));
		assert_true(strlen(out) > sizeof(out) - 6);
		assert_true(text_utf8_valid(out, strlen(out)));
		assert_string_equal(out + strlen(out) - 3, "…");
	}
}

static void
what_is_over_says_how_long_it_was(void **state)
{
	struct incident incident = {
	    .opened = 1000 * US_PER_S,
	    .resolved = 1720 * US_PER_S,
	    .summary_pl = "Librus — logowanie: źle",
	    .summary_en = "Librus — login: bad",
	};

	(void)state;
	alert_text_resolved(&incident);
	assert_string_equal(
	    incident.summary_pl, "Ustąpiło po 12 min: Librus — logowanie: źle");
	assert_string_equal(
	    incident.summary_en, "Resolved after 12 min: Librus — login: bad");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_failing_login_reads_as_designed),
	    cmocka_unit_test(names_stand_before_the_dash_untouched),
	    cmocka_unit_test(many_deployments_are_counted),
	    cmocka_unit_test(polish_plurals_follow_the_number),
	    cmocka_unit_test(slowness_has_a_decimal_comma_in_polish),
	    cmocka_unit_test(short_latencies_and_odd_quantiles_are_readable),
	    cmocka_unit_test(what_is_unusual_says_what_is_usual),
	    cmocka_unit_test(every_failure_has_the_words_of_the_pages),
	    cmocka_unit_test(a_long_line_is_cut_between_characters),
	    cmocka_unit_test(what_is_over_says_how_long_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
